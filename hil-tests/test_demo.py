"""The demonstration: eight beds in one command, whose curves and numbers agree, an alarm, and a summary for scripts."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from peers import journal
from peers.curves import agrees, jumps, span
from peers.host import PROFILES, ROOT, binary, json_lines, nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(180)]

SATURATION, PULSE, PLETH = "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE", "MDC_PULS_OXIM_PLETH"
LOW, SCORE = "MDC_EVT_LO_VAL_LT_LIM", "NABD_SCORE_HIGH"
BEDS = range(1, 9)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[dict, list[dict], dict]:
    """A demonstration that is over: what it said first, its journal, what it said last."""
    folder = tmp_path_factory.mktemp("demo")
    result = nabd("demo", "--for", "42s", "--json", "--directory", folder / "unit", timeout=150, cwd=ROOT)
    assert result.returncode == 0, result.stderr.decode()[-3000:]
    said = json_lines(result.stdout)
    lines = json_lines(nabd("journal", "export", "--journal", folder / "unit" / "journal").stdout)
    return said[0], lines, said[-1]


def test_it_ends_with_a_summary(demo):
    _, _, summary = demo
    assert summary["devices"] == 25
    # A monitor's curves make 300 samples a second, a capnograph's 20.
    assert summary["samples"] > 8 * 320 * 30
    assert summary["gaps"] == 0
    lateness = summary["latenessMicroseconds"]
    assert 0 <= lateness["p50"] <= lateness["p99"] < 1_000_000
    assert summary["journalBytesPerSample"] > 0
    assert summary["resourcesStored"] > 0
    assert summary["resourcesPending"] == 0


def test_it_says_where_the_screen_is_and_who_may_sign_in(demo):
    first, _, _ = demo
    assert first["screen"].startswith("http://127.0.0.1:")
    assert set(first["secrets"]) == {"nurse", "doctor", "engineer"}
    assert len(set(first["secrets"].values())) == 3


def test_all_of_it_is_labelled_as_a_test(demo):
    _, lines, _ = demo
    (bound, *_) = [line for line in lines if line.get("event") == "patientBound"]
    assert "DEMO" not in json.dumps(bound), "an identifier stands in the journal"
    serials = {line["serial"] for line in lines if line.get("event") == "deviceIdentified" and "serial" in line}
    assert all("DEMO" in serial for serial in serials if serial.endswith(tuple("123456789"))), serials


@pytest.mark.parametrize("bed", BEDS)
def test_every_bed_has_four_curves_without_a_jump(demo, bed):
    _, lines, _ = demo
    for device, metric in (
        (f"monitor-{bed}", "MDC_ECG_ELEC_POTL"), (f"monitor-{bed}", "NABD_RESPIRATION_WAVE"),
        (f"monitor-{bed}", PLETH), (f"capnograph-{bed}", "MDC_AWAY_CO2"),
    ):
        assert len(span(lines, device, metric, 20)) > 300, (device, metric)
        found = jumps(lines, device, metric)
        assert len(found) <= 1, f"{device} {metric}: {found[:5]}"


@pytest.mark.parametrize("bed", [bed for bed in BEDS if bed != 1])
def test_curves_beat_as_often_as_the_numbers_say(demo, bed):
    _, lines, _ = demo
    monitor, capnograph = f"monitor-{bed}", f"capnograph-{bed}"
    pulse = span(lines, monitor, PULSE, 60)
    for metric in ("MDC_ECG_ELEC_POTL", PLETH):
        assert agrees(span(lines, monitor, metric), pulse), metric
    assert agrees(span(lines, monitor, PLETH), span(lines, capnograph, PULSE, 60))
    breathing = span(lines, monitor, "MDC_RESP_RATE", 60)
    assert agrees(span(lines, monitor, "NABD_RESPIRATION_WAVE"), breathing)
    assert agrees(span(lines, capnograph, "MDC_AWAY_CO2"), breathing)


def test_another_oximeter_at_the_bed_counts_the_same_beats(demo):
    _, lines, _ = demo
    assert agrees(span(lines, "oximeter-3", PLETH), span(lines, "monitor-3", PULSE, 60))


def test_numbers_of_somebody_else_are_found_to_disagree(demo):
    _, lines, _ = demo
    curve, numbers = span(lines, "monitor-2", PLETH), span(lines, "monitor-2", PULSE, 60)
    assert not agrees(curve, [replace(point, value=point.value + 3) for point in numbers])
    # Nor does a curve that lost a second of its samples go on without a jump.
    wave = journal.samples(lines, "monitor-2", PLETH)
    late = [{**line, "monotonicNanoseconds": line["monotonicNanoseconds"] + (10**9 if line["sequence"] > 500 else 0)}
            for line in wave]
    assert len(jumps(late, "monitor-2", PLETH)) == len(jumps(wave, "monitor-2", PLETH)) + 1


def test_the_first_alarm_comes_and_goes(demo):
    _, lines, _ = demo
    told = [line for line in journal.events(lines) if line.get("alert") == LOW and line.get("bed") == "chair-1"]
    begun = [line for line in told if line["event"] == "alertStart"]
    assert begun and all(line["metric"] == SATURATION and line["priority"] == "medium" for line in begun), told
    for line in begun:
        assert any(
            other["event"] == "alertEnd" and other["instance"] == line["instance"] for other in told), told
    # It is what the recorded values say: below 88 % all the time of the delay.
    device = begun[0]["device"]
    before = journal.seconds(begun[0]["time"])
    values = [point.value for point in span(lines, device, SATURATION, 90)
              if before - 14 <= point.seconds <= before - 1]
    assert len(values) >= 10 and max(values) < 88
    # Nobody else is told to be ill.
    assert not [line for line in journal.events(lines) if line.get("alert") == LOW and line.get("bed") != "chair-1"]


def test_patients_are_bound_and_scored(demo):
    _, lines, _ = demo
    bound = {line["bed"] for line in journal.events(lines) if line["event"] == "patientBound"}
    assert bound == {"chair-1", "chair-2", "chair-3", "chair-5", "chair-6", "stretcher"}
    scored = {line["bed"]: line for line in journal.events(lines) if line["event"] == "scoreGiven" and "total" in line}
    assert "chair-1" in scored and scored["chair-1"]["score"] == "news2", scored


def test_without_a_time_it_runs_until_it_is_told_to_stop(tmp_path):
    process = subprocess.Popen(
        [str(binary()), "demo", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        first = json.loads(process.stdout.readline())
        page = None
        for _ in range(60):
            time.sleep(0.5)
            try:
                with urllib.request.urlopen(first["screen"], timeout=5) as answer:
                    page = answer.read()
                break
            except OSError:
                continue
        assert page and b"<script" in page, "the screen does not answer"
        time.sleep(3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 0
    assert json.loads(output.splitlines()[-1])["samples"] > 0
    assert not Path(first["directory"]).exists(), "its folder is kept"


def test_players_of_one_patient_agree(tmp_path):
    """Two programs, each with a device: the same number is the same patient."""
    lines = []
    for device in ("nonin/oem-iii-df2", "ivy/450c"):
        player = subprocess.Popen(
            [str(binary()), "profile", "simulate", str(PROFILES / device), "--line", "pty", "--patient", "7"],
            stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            line = player.stdout.readline().strip()
            read = nabd("profile", "try", PROFILES / device, "--line", line, "--for", "8s", timeout=60)
            lines.append(json_lines(read.stdout))
        finally:
            player.kill()
            player.wait(5)
    one, other = ([value["value"] for value in journal.samples(found, metric=PULSE)] for found in lines)
    # Read one after the other: within some seconds a pulse does not change by more.
    assert one and other and abs(sum(one) / len(one) - sum(other) / len(other)) <= 4
