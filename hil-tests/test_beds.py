"""Beds of a real host: an oximeter's values held against a preset, a patient bound to the bed, scores, and kills."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from peers import journal
from peers.host import Host, nabd
from peers.nonin import UNPLUGGED, NoninOximeter, Vitals
from peers.people import ENGINEER, ask, let_in
from peers.waiting import wait_until
from test_alarms import alarms, told, wait_for
from test_presets import SITE

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

LOW, MISSING, SCORE = "MDC_EVT_LO_VAL_LT_LIM", "NABD_VITAL_MISSING", "NABD_SCORE_HIGH"
SATURATION, PULSE = "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE"
WELL, ILL, WORSE = Vitals(saturation=97, pulse=70), Vitals(saturation=88, pulse=70), Vitals(saturation=80, pulse=70)
# Most of it is waiting: many kills are shared by units beside one another.
KILLS = int(os.environ.get("NABD_ALARM_KILLS", "10"))
SHARES = 4 if KILLS > 40 else 1
MRN, BORN = "MRN-canary-7731", "1961-02-03"

PRESET = SITE + """\
score:
  news2:
    - {part: 3, priority: medium, harm: reversible, onset: prompt, proposed: true}
"""


@pytest.fixture
def unit(hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[Host, NoninOximeter]]:
    """A host with one bed, at which an oximeter measures somebody who is well."""
    oximeter = NoninOximeter(vitals=WELL)
    oximeter.start()
    host = hosts(tmp_path / "unit").configure({"oximeter": {"profile": "nonin/oem-iii-df2", "line": oximeter.line}})
    presets = host.directory / "presets"
    presets.mkdir()
    (presets / "site.yaml").write_text(PRESET)
    let_in(host, presets="presets", patients="patients", beds={"chair-1": {
        "name": "Chair 1", "name-arabic": "كرسي 1", "preset": "site", "devices": ["oximeter"],
    }})
    host.start()
    host.wait_for_sample(SATURATION, timeout=30)
    yield host, oximeter
    host.kill()
    oximeter.stop()


def bind(host: Host, verb: str = "bind", *words: str, mrn: str = MRN, by: str = "layla"):
    return ask(host, "bed", verb, "chair-1", "--by", "mrn", "--by", "birth-date", *words, by=by, lines=[mrn, BORN])


def of_kind(host: Host, *kinds: str) -> list[dict]:
    return [line for line in journal.events(host.export()) if line["event"] in kinds]


def test_a_value_beyond_its_limit_is_an_alarm_of_its_bed(unit):
    host, oximeter = unit
    oximeter.vitals = ILL
    began = time.time()
    low = wait_for(host, LOW, presence="on", timeout=15)
    assert 4 < time.time() - began < 11
    assert low["bed"] == "chair-1" and low["device"] == "oximeter" and low["metric"] == SATURATION
    assert low["priority"] == "medium" and "Chair 1" in low["text"] and "oximeter" in low["text"]
    assert "كرسي 1" in low["textArabic"]
    oximeter.vitals = WORSE
    worse = wait_for(host, LOW, priority="high", timeout=15)
    assert worse["instance"] == low["instance"]
    assert ask(host, "alarms", "acknowledge", low["instance"]).code == 0
    wait_for(host, LOW, presence="ack")
    oximeter.vitals = WELL
    wait_until(lambda: not alarms(host, LOW), 15, "the end of the alarm", every=0.3)
    assert told(host, low["instance"]) == ["start", "priorityRaised", "acknowledged", "end"]


def test_what_stood_when_the_host_was_killed_stands(unit):
    host, oximeter = unit
    oximeter.vitals = WORSE
    low = wait_for(host, LOW, priority="high", timeout=20)
    host.kill()
    host.start()
    again = wait_for(host, LOW, unconfirmed=True, timeout=10)
    assert again["instance"] == low["instance"]
    wait_until(
        lambda: any("unconfirmed" not in one for one in alarms(host, LOW)), 20, "the same, seen again", every=0.3)
    assert "confirmed" in told(host, low["instance"])
    oximeter.vitals = WELL
    # Of high priority, and seen by nobody: it stands.
    wait_for(host, LOW, presence="latched", timeout=20)


def test_a_dead_sensor_is_missing_and_never_normal(unit):
    host, oximeter = unit
    oximeter.vitals = WORSE
    low = wait_for(host, LOW, presence="on", timeout=15)
    oximeter.vitals = UNPLUGGED
    missing = wait_for(host, MISSING, presence="on", timeout=20)
    assert missing["bed"] == "chair-1" and missing["metric"] == SATURATION
    assert wait_for(host, LOW)["instance"] == low["instance"], "what was low is not well because nobody looks"


def test_who_is_at_a_bed(unit):
    host, oximeter = unit
    assert bind(host, by=ENGINEER).refusal == "role"
    assert ask(host, "bed", "bind", "chair-1", "--by", "mrn", lines=[MRN]).refusal == "identifiers"
    done = bind(host)
    assert done.code == 0 and done.json["bed"]["patient"]["identifiers"] == {"mrn": MRN, "birth-date": BORN}
    assert bind(host, mrn="another-1").refusal == "bound"
    # To who is no clinician, nobody's name is told.
    (bed,) = ask(host, "bed", "list", by=ENGINEER).json["beds"]
    assert bed["patient"]["binding"] > 0 and "identifiers" not in bed["patient"]
    host.kill()
    host.start()
    wait_until(lambda: ask(host, "bed", "list").code == 0, 20, "the host", every=0.5)
    (bed,) = ask(host, "bed", "list").json["beds"]
    assert bed["patient"]["identifiers"]["mrn"] == MRN, "a kill unbinds nobody"
    replaced = bind(host, "replace", mrn="MRN-canary-right")
    assert replaced.code == 0, replaced
    assert ask(host, "bed", "unbind", "chair-1").code == 0
    assert ask(host, "bed", "unbind", "chair-1").refusal == "notBound"
    host.stop()
    kinds = [line["event"] for line in of_kind(host, "patientBound", "patientUnbound", "bindingWithdrawn")]
    assert kinds == ["patientBound", "bindingWithdrawn", "patientBound", "patientUnbound"]
    assert all(line["by"] == ["layla"] for line in of_kind(host, "patientBound", "bindingWithdrawn"))
    # Identifiers stand in one place.
    for path in sorted(host.directory.rglob("*")):
        if path.is_file() and "patients" not in path.parts[len(host.directory.parts):][0]:
            assert b"canary" not in path.read_bytes(), path
    assert b"canary" in b"".join(
        path.read_bytes() for path in (host.directory / "patients").rglob("*") if path.is_file()), "nothing to find"


def test_a_patient_who_cannot_be_kept_is_not_bound_and_that_is_an_alarm(unit):
    host, _ = unit
    shutil.rmtree(host.directory / "patients")
    assert bind(host).refusal == "patients"
    wait_for(host, "NABD_PATIENTS_NOT_KEPT", presence="on", timeout=5)
    assert not of_kind(host, "patientBound")


def test_a_score_says_what_is_missing_of_it(unit):
    host, _ = unit
    assert bind(host).code == 0
    assert ask(host, "bed", "enter", "chair-1", "consciousness", lines=["X"]).refusal == "entry"
    assert ask(host, "bed", "enter", "chair-1", "consciousness", lines=["A"]).code == 0
    assert ask(host, "bed", "enter", "chair-1", "oxygen", lines=["air"]).code == 0
    wait_until(lambda: len(of_kind(host, "scoreGiven")) >= 1, 10, "a score", every=0.5)
    time.sleep(2)
    last = of_kind(host, "scoreGiven")[-1]
    assert last["score"] == "news2" and "total" not in last
    missing = {one["part"] for one in last["missing"]}
    assert {"respiration", "systolic", "temperature"} <= missing and "consciousness" not in missing
    assert last["parts"]["saturation"]["points"] == 0 and last["parts"]["pulse"]["points"] == 0
    before = len(of_kind(host, "scoreGiven"))
    host.kill()
    host.start()
    wait_until(lambda: len(of_kind(host, "scoreGiven")) > before, 20, "a score of the next session", every=0.5)
    assert "consciousness" in of_kind(host, "scoreGiven")[-1]["parts"], "what was entered survives a kill"


def test_another_preset_and_another_patient_end_what_is_off(unit):
    host, oximeter = unit
    off = ("alarms", "off", LOW, "--metric", SATURATION, "--bed", "chair-1")
    assert ask(host, *off).code == 0
    assert ask(host, *off).refusal == "isOff"
    oximeter.vitals = ILL
    silent = wait_for(host, LOW, activation="off", timeout=15)
    assert bind(host).code == 0
    wait_for(host, LOW, activation="on", timeout=5)
    assert told(host, silent["instance"])[:3] == ["start", "switchedOff", "switchedOn"]
    assert ask(host, *off).code == 0
    assert ask(host, "bed", "preset", "chair-1", "no-such").refusal == "unknownPreset"
    wait_for(host, LOW, activation="off", timeout=5)


def test_a_score_is_the_patients_and_whoever_has_seen_it_is_left_alone(unit):
    host, oximeter = unit
    assert bind(host).code == 0
    oximeter.vitals = WORSE
    high = wait_for(host, SCORE, presence="on", timeout=15)
    assert ask(host, "alarms", "acknowledge", high["instance"]).code == 0
    time.sleep(4)
    assert wait_for(host, SCORE)["presence"] == "ack"
    # Another part becomes known, and nothing worse.
    assert ask(host, "bed", "enter", "chair-1", "consciousness", lines=["A"]).code == 0
    time.sleep(3)
    assert wait_for(host, SCORE)["presence"] == "ack"
    assert told(host, high["instance"]) == ["start", "acknowledged"]
    assert ask(host, "bed", "unbind", "chair-1").code == 0
    wait_until(lambda: not alarms(host, SCORE), 5, "the end of the alarm", every=0.3)
    (left,) = of_kind(host, "patientUnbound")
    ends = [line for line in of_kind(host, "alertEnd") if line["instance"] == high["instance"]]
    assert ends[0]["monotonicNanoseconds"] < left["monotonicNanoseconds"], "it is filed under whom it was about"
    assert bind(host, mrn="MRN-canary-next").code == 0
    again = wait_for(host, SCORE, presence="on", timeout=15)
    assert again["instance"] != high["instance"], "the next patient's is another one"


def test_what_one_patient_leaves_is_not_the_next_ones(unit):
    host, oximeter = unit
    assert bind(host).code == 0
    oximeter.vitals = WORSE
    low = wait_for(host, LOW, priority="high", timeout=20)
    oximeter.vitals = WELL
    wait_for(host, LOW, presence="latched", timeout=20)
    assert ask(host, "bed", "unbind", "chair-1").code == 0
    wait_until(lambda: not alarms(host, LOW), 5, "the end of what was seen by nobody", every=0.3)
    assert told(host, low["instance"])[-1] == "end unwatched"
    assert bind(host, mrn="MRN-canary-next").code == 0
    oximeter.vitals = ILL
    other = wait_for(host, LOW, presence="on", timeout=15)
    assert other["instance"] != low["instance"] and other["priority"] == "medium" and "80" not in other["text"]


def test_a_preset_that_somebody_chose_and_that_is_gone_is_an_alarm(unit):
    host, _ = unit
    (host.directory / "presets" / "other.yaml").write_text(PRESET.replace("name: site\n", "name: other\n"))
    host.stop()
    host.start()
    wait_until(lambda: ask(host, "bed", "list").code == 0, 20, "the host", every=0.5)
    assert ask(host, "bed", "preset", "chair-1", "other").code == 0
    host.stop()
    (host.directory / "presets" / "other.yaml").unlink()
    unit_file = yaml.safe_load(host.config.read_text())
    del unit_file["beds"]["chair-1"]["preset"]
    host.config.write_text(yaml.safe_dump(unit_file, allow_unicode=True, sort_keys=False))
    host.start()
    wait_for(host, "NABD_BED_NOT_WATCHED", presence="on", priority="high", timeout=20)
    (bed,) = ask(host, "bed", "list").json["beds"]
    assert not bed["isWatched"] and "isReviewed" not in bed
    assert ask(host, "bed", "preset", "chair-1", "site").code == 0
    wait_for(host, "NABD_BED_NOT_WATCHED", presence="latched", timeout=5)


def test_a_reload_ends_no_alarm_and_a_patient_who_leaves_ends_their_own(unit):
    host, oximeter = unit
    assert bind(host).code == 0
    oximeter.vitals = ILL
    low = wait_for(host, LOW, presence="on", timeout=15)
    # Another name of the bed: its watch is another one, and the alarm the same.
    unit_file = yaml.safe_load(host.config.read_text())
    unit_file["beds"]["chair-1"]["name"] = "Chair One"
    host.config.write_text(yaml.safe_dump(unit_file, allow_unicode=True, sort_keys=False))
    os.kill(host.pid, signal.SIGHUP)
    wait_until(lambda: "confirmed" in told(host, low["instance"]), 20, "the same, seen again", every=0.5)
    assert told(host, low["instance"]) == ["start", "unconfirmed", "confirmed"]
    # The one who was there all the time, by the right name.
    assert bind(host, "replace", mrn="MRN-canary-right").code == 0
    time.sleep(1)
    assert wait_for(host, LOW)["instance"] == low["instance"]
    assert ask(host, "bed", "unbind", "chair-1").code == 0
    wait_until(lambda: told(host, low["instance"])[-1] == "end unwatched", 5, "the end of the alarm", every=0.3)


def test_a_bed_whose_preset_is_not_there_says_so(unit):
    host, _ = unit
    host.stop()
    (host.directory / "presets" / "site.yaml").write_text(PRESET.replace("delay: 5s", "delay: 900s"))
    checked = nabd("check", "--config", str(host.config))
    assert checked.returncode == 1 and "no limit is watched at “chair-1”" in checked.stderr.decode()
    host.start()
    wait_for(host, "NABD_SETTING_REFUSED", presence="on")
    host.wait_for_sample(SATURATION, timeout=30)
    assert bind(host).code == 0, "the bed is there all the same"


def test_from_the_bed_to_the_service_and_into_a_document(hosts, records, pki, tmp_path):
    """One host does all of it: somebody is bound, a limit is passed, the service files it, the export has it."""
    oximeter = NoninOximeter(vitals=WELL)
    oximeter.start()
    host = hosts(tmp_path / "unit").configure(
        {"oximeter": {"profile": "nonin/oem-iii-df2", "line": oximeter.line}}, records.base_url,
        pki.authority.certificate, pki.client, "5s")
    (host.directory / "presets").mkdir()
    (host.directory / "presets" / "site.yaml").write_text(PRESET)
    let_in(host, presets="presets", patients="patients", beds={"chair-1": {
        "name": "Chair 1", "name-arabic": "كرسي 1", "preset": "site", "devices": ["oximeter"],
    }})
    try:
        host.start()
        wait_until(lambda: ask(host, "bed", "list").code == 0, 20, "the host", every=0.5)
        assert bind(host).code == 0
        oximeter.vitals = ILL
        low = wait_for(host, LOW, presence="on", timeout=20)

        def filed() -> list[dict]:
            alerts = [one for one in records.all("Observation") if low["instance"] in json.dumps(one)]
            return [one for one in alerts if one["subject"]["reference"].startswith("Patient/")]

        wait_until(filed, 60, "the alarm under its patient", every=1)
        (patient,) = records.all("Patient")
        assert MRN in json.dumps(patient) and filed()[0]["subject"]["reference"] == f"Patient/{patient['id']}"
        assert "196674" in json.dumps(filed()[0]), "the code of a value below its limit"
        oximeter.vitals = WELL
        wait_until(lambda: not alarms(host, LOW), 20, "the end of the alarm", every=0.5)
        assert ask(host, "bed", "unbind", "chair-1").code == 0
    finally:
        host.stop()
        oximeter.stop()
    document, tables = tmp_path / "chair-1.json", tmp_path / "tables"
    words = ("export", "--config", str(host.config), "--bed", "chair-1")
    told = nabd(*words, "--to", str(document), "--csv", str(tables))
    assert told.returncode == 0, told.stderr.decode()
    assert MRN in document.read_text() and low["text"] in (tables / "alarms.csv").read_text()
    assert "news2" in (tables / "scores.csv").read_text().lower()
    bare = tmp_path / "bare.json"
    assert nabd(*words, "--to", str(bare), "--deidentified").returncode == 0
    words = (MRN, BORN, "layla", "chair-1", "Chair 1", low["instance"])
    known = [word for word in words if word in document.read_text()]
    assert {MRN, "Chair 1", low["instance"]} <= set(known), "there is something to find"
    assert not [word for word in known if word in bare.read_text()]


@pytest.mark.timeout(120 + 6 * KILLS)
@pytest.mark.parametrize("share", range(SHARES))
def test_kills_while_people_ask_leave_what_was_answered(unit, share):
    """SIGKILL at moments of chance while somebody is being answered, and each third at once after the answer;
    NABD_ALARM_KILLS says how many.

    What was answered as done is so for the next host; what was not is so or is not, and nothing in between. The alarm
    that stands is the same one all the time, and nobody's acknowledgement is lost.
    """
    host, oximeter = unit
    (host.directory / "presets" / "other.yaml").write_text(PRESET.replace("name: site\n", "name: other\n"))
    host.stop()
    host.start()
    chance = random.Random(4711 + share)
    oximeter.vitals = WORSE
    low = wait_for(host, LOW, priority="high", timeout=30)["instance"]
    acts = {
        "bound": [("bed", "bind", "chair-1", "--by", "mrn", "--by", "birth-date"), [MRN, BORN]],
        "free": [("bed", "unbind", "chair-1"), None],
        "other": [("bed", "preset", "chair-1", "other"), None], "site": [("bed", "preset", "chair-1", "site"), None],
        "ack": [("alarms", "acknowledge", low), None],
    }
    known = {"patient": "free", "preset": "site", "alarm": "on"}
    of = {"bound": "patient", "free": "patient", "other": "preset", "site": "preset", "ack": "alarm"}
    answered = 0
    started = time.monotonic()
    assert ask(host, "bed", "list").code == 0
    whole = time.monotonic() - started
    for number in range(-(-KILLS // SHARES)):
        act = chance.choice([word for word, key in of.items() if known[key] != word])
        words, lines = acts[act]
        results: list = []
        asking = threading.Thread(target=lambda: results.append(ask(host, *words, lines=lines)))
        asking.start()
        asking.join(None if number % 3 == 0 else chance.uniform(0.0, 1.5 * whole))
        host.kill()
        asking.join()
        host.start()
        wait_until(lambda: ask(host, "bed", "list").code == 0 and alarms(host, LOW), 30, "the next host", every=0.2)
        (bed,) = ask(host, "bed", "list").json["beds"]
        standing = {one["instance"]: one["presence"] for one in alarms(host, LOW)}
        found = {
            "patient": "bound" if "patient" in bed else "free", "preset": bed["preset"],
            "alarm": standing.get(low, "gone"),
        }
        before = known[of[act]]
        expected = {act} if results[0].code == 0 else {act, before}
        # Another preset and a patient who leaves end what was watched for them.
        if "gone" in found.values() or act in ("free", "other", "site") and found[of[act]] == act:
            low = wait_for(host, LOW, timeout=30)["instance"]
            acts["ack"][0] = ("alarms", "acknowledge", low)
            found["alarm"] = wait_for(host, LOW)["presence"]
            known["alarm"] = found["alarm"]
        assert found[of[act]] in expected, (act, results, found)
        for key in known:
            if key != of[act]:
                assert found[key] == known[key], (act, key, found, known)
        known = found
        answered += results[0].code == 0
    assert answered > 0, "nobody was ever answered before the kill"


def test_a_dozen_kills_leave_the_same_states(unit):
    """SIGKILL at moments of chance, with somebody who acknowledges between: what stands is what the record says."""
    host, oximeter = unit
    oximeter.vitals = WORSE
    low = wait_for(host, LOW, priority="high", timeout=20)
    for round in range(12):
        if round == 4:
            assert ask(host, "alarms", "acknowledge", low["instance"]).code == 0
        time.sleep(0.05 * (round * 7 % 11))
        host.kill()
        host.start()
        expected = "ack" if round >= 4 else "on"
        assert wait_for(host, LOW, timeout=10)["presence"] == expected
        assert wait_for(host, LOW)["instance"] == low["instance"]
    starts = [line for line in of_kind(host, "alertStart") if line["alert"] == LOW]
    assert len(starts) == 1
    for path in (host.journal).glob("events-*.sqlite"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as events:
            assert events.execute("SELECT count(*) FROM events WHERE kind = 'alarmLedger'").fetchone()[0] >= 1
