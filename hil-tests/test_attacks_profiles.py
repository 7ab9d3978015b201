"""A profile is a file that anybody may have written: what it may make the host say, and what is known of it later."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from peers import journal
from peers.host import PROFILES, Host, json_lines, nabd
from peers.oximeter import Oximeter, line
from peers.pump import Pump, frame
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(170)]


@pytest.fixture
def oximeter() -> Iterator[Oximeter]:
    made = Oximeter(lambda number: line(spo2=90 + number % 10), period=0.2)
    yield made
    made.stop()


@pytest.fixture
def pumps() -> Iterator[Callable[..., Pump]]:
    made: list[Pump] = []

    def make(**how: str) -> Pump:
        made.append(Pump(**how))
        return made[-1]

    yield make
    for pump in made:
        pump.stop()


def exported(host: Host) -> list[dict]:
    """Everything in the journal."""
    return json_lines(nabd("journal", "export", "--journal", host.journal).stdout)


def hexadecimal(data: bytes) -> str:
    return " ".join(f"{byte:02X}" for byte in data)


def by_mail(folder: Path, requests: dict, **more: object) -> Path:
    """A folder of profiles with one in it that extends the pump's."""
    shutil.copytree(PROFILES / "alaris", folder / "alaris")
    (folder / "by" / "mail").mkdir(parents=True)
    text = yaml.safe_dump({"extends": "alaris/asena-gh", "requests": requests, **more}, sort_keys=False)
    (folder / "by" / "mail" / "profile.yaml").write_text(text)
    return folder


START = frame(b"INF_START")

# However the bytes of a start are written.
DISGUISES = {
    "word": {"send": "INF_START", "reply": "INF_START"},
    "bytes": {"send": {"hex": hexadecimal(START)}, "frame": "none", "reply": "none"},
    "behind noise": {"send": {"hex": hexadecimal(b"\r\x1b?" + START)}, "frame": "none", "reply": "none"},
    "pieces": {
        "send": [{"hex": hexadecimal(START[:7])}, {"pause": "10ms"}, {"hex": hexadecimal(START[7:])}], "frame": "none",
        "reply": "none",
    },
    "bolus": {"send": "INF_BOLUS^ENABLED", "reply": "INF_BOLUS^ENABLED^..."},
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a4_a_profile_by_mail_starts_no_pump(host, oximeter, pumps, tmp_path, disguise):
    pump = pumps()
    folder = by_mail(tmp_path / "mail", {"go": {**DISGUISES[disguise], "every": "1s", "class": "read"}})
    devices = {"pump": {"profile": "by/mail", "line": pump.line},
               "well": {"profile": "masimo/rad-8", "line": oximeter.line}}
    host.configure(devices, profiles=[folder])
    checked = nabd("check", "--config", host.config)
    assert checked.returncode == 1 and b"never leaves as a request" in checked.stderr
    assert b"by/mail/profile.yaml:4:" in checked.stderr, "the place is told"
    host.start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    host.stop()
    assert pump.heard == b""
    refused = [event for event in journal.events(exported(host)) if event["event"] == "settingRefused"]
    assert [event["device"] for event in refused] == ["pump"]


def test_a4_what_the_device_tells_makes_no_command_either(host, oximeter, pumps, tmp_path):
    """The word comes from the pump itself: no lint can see it, so the host holds it back when it is to be said."""
    pump = pumps(alarm="INF_START")
    folder = by_mail(tmp_path / "mail", {"echo": {"send": "{alarm}", "reply": "none", "every": "1s", "class": "read"}})
    devices = {"pump": {"profile": "by/mail", "line": pump.line},
               "well": {"profile": "masimo/rad-8", "line": oximeter.line}}
    host.configure(devices, profiles=[folder]).start()
    wait_until(lambda: pump.heard.count(b"!INF|") >= 4, 30, "the pump to be asked")
    host.stop()
    assert pump.effects == []
    lines = exported(host)
    assert any(event["event"] == "requestBarred" and event["device"] == "pump" for event in journal.events(lines))
    assert journal.samples(lines, "pump"), "it is still read"
    # Another word is said: what is held back is the command, not the request.
    pump = pumps(alarm="AL_NOALM")
    host.configure({"pump": {"profile": "by/mail", "line": pump.line}}, profiles=[folder]).start()
    wait_until(lambda: frame(b"AL_NOALM") in pump.heard, 30, "the word to be said")
    host.stop()


def sha256sum_of(folder: Path, *files: str) -> str:
    """What coreutils make of it."""
    return subprocess.run(
        ["sh", "-c", f"sha256sum {' '.join(files)} | sha256sum"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split()[0]


def test_a4_the_journal_says_what_the_profile_was_made_of(host, pumps, tmp_path):
    pump = pumps()
    folder = by_mail(tmp_path / "mail", {"go": {"send": "INF_VTBI", "reply": "none", "every": "5s", "class": "read"}})
    host.configure({"pump": {"profile": "by/mail", "line": pump.line}}, profiles=[folder]).start()
    host.wait_for_sample("MDC_FLOW_FLUID_PUMP_CURRENT")
    host.stop()
    told = [event for event in journal.events(exported(host)) if event["event"] == "deviceConfigured"]
    assert told[0]["digest"] == sha256sum_of(folder, "by/mail/profile.yaml", "alaris/asena-gh/profile.yaml")
    text = (folder / "alaris" / "asena-gh" / "profile.yaml").read_bytes()
    (folder / "alaris" / "asena-gh" / "profile.yaml").write_bytes(text + b"# one more\n")
    host.start()
    wait_until(lambda: len([e for e in journal.events(exported(host)) if e["event"] == "deviceConfigured"]) == 2, 15,
               "the next session")
    host.stop()
    told = [event for event in journal.events(exported(host)) if event["event"] == "deviceConfigured"]
    assert told[0]["digest"] != told[1]["digest"]
    assert hashlib.sha256(b"").hexdigest() != told[1]["digest"]


def signify(*arguments: str | Path) -> None:
    subprocess.run(["signify-openbsd", *map(str, arguments)], check=True, capture_output=True)


def test_a4_a_unit_takes_what_its_site_signed(host, oximeter, pumps, tmp_path, table):
    """The list is signed by OpenBSD's own program; a changed profile is read as it was before."""
    pump = pumps()
    profiles = tmp_path / "profiles"
    for name in ("alaris", "masimo", "nomenclature"):
        shutil.copytree(PROFILES / name, profiles / name)
    listed = tmp_path / "accepted.yaml"

    def sign(version: int, *names: str) -> None:
        made = nabd("profile", "accept", *[profiles / name for name in names], "--version", version)
        assert made.returncode == 0, made.stderr
        listed.write_bytes(made.stdout)
        signify("-S", "-s", tmp_path / "site.sec", "-m", listed)

    signify("-G", "-n", "-p", tmp_path / "site.pub", "-s", tmp_path / "site.sec")
    sign(1, "alaris", "masimo")
    devices = {"pump": {"profile": "alaris/asena-gh", "line": pump.line},
               "well": {"profile": "masimo/rad-8", "line": oximeter.line}}
    unit = yaml.safe_load(host.configure(devices).config.read_text())
    unit["profiles"] = [str(profiles)]
    unit["accept"] = {"list": str(listed), "key": str(tmp_path / "site.pub")}
    unit["monitor-only"] = True
    host.config.write_text(yaml.safe_dump(unit, sort_keys=False))

    def run() -> list[dict]:
        """A session: its events."""
        before = len(exported(host)) if host.journal.exists() else 0
        host.start()
        wait_until(lambda: any("metric" in each for each in exported(host)[before:]), 20, "a sample")
        host.stop()
        events = journal.events(exported(host))
        start = max(place for place, event in enumerate(events) if event["event"] == "hostStarted")
        return events[start:]

    def configured(events: list[dict]) -> dict[str, str]:
        return {each["device"]: each["digest"] for each in events if each["event"] == "deviceConfigured"}

    first = run()
    assert set(configured(first)) == {"pump", "well"} and not [e for e in first if e["event"] == "settingRefused"]
    # Somebody makes the pump's limits wider: it is read as it was accepted, and said.
    place = profiles / "alaris" / "asena-gh" / "profile.yaml"
    place.write_text(place.read_text().replace("absolute: [0, 1200]", "absolute: [0, 9999]"))
    second = run()
    assert configured(second) == configured(first)
    refused = [event for event in second if event["event"] == "settingRefused"]
    assert [event["setting"] for event in refused] == ["profiles/alaris/asena-gh"]
    assert any(event["event"] == "alertStart" and event["alert"] == "NABD_SETTING_REFUSED" for event in second)
    # The list itself is changed by hand, then put back to an older one: neither is taken.
    good = listed.read_bytes()
    listed.write_bytes(good.replace(b"version: 1", b"version: 9"))
    third = run()
    assert configured(third) == configured(first)
    assert "accept" in {event["setting"] for event in third if event["event"] == "settingRefused"}
    sign(2, "alaris", "masimo")
    fourth = run()
    assert configured(fourth)["pump"] != configured(first)["pump"], "what the site signed anew is taken"
    sign(1, "masimo")
    fifth = run()
    assert configured(fifth) == configured(fourth)
    assert "accept" in {event["setting"] for event in fifth if event["event"] == "settingRefused"}
    assert pump.effects == []
    table.row(46, "profile tampered with, list forged, list downgraded",
              "one limit widened; a version changed by hand; an older list put back",
              "refused, the last good kept, alarm",
              "read as accepted in each of 5 sessions, NABD_SETTING_REFUSED; what was signed anew was taken")


def test_a4_a_monitor_only_unit_is_the_hosts_own_judgement(host, oximeter, pumps):
    pump = pumps()
    devices = {"pump": {"profile": "alaris/asena-gh", "line": pump.line},
               "well": {"profile": "masimo/rad-8", "line": oximeter.line}}
    unit = yaml.safe_load(host.configure(devices).config.read_text())
    for word in (True, "perhaps"):
        unit["monitor-only"] = word
        host.config.write_text(yaml.safe_dump(unit, sort_keys=False))
        checked = nabd("check", "--config", host.config)
        assert checked.returncode == 1 and b"monitor-only" in checked.stderr
        before = len(host.log()) if host.log_path.exists() else 0
        host.start()
        wait_until(lambda: "the device answers" in host.log()[before:], 15, "the oximeter to be read")
        host.stop()
        assert pump.heard == b"", "what nobody vouches for is not said"
    assert json.dumps(exported(host)).count("settingRefused") >= 2
