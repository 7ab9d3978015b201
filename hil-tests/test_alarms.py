"""Alarms of a real host, and people who answer for them: what is acknowledged, silent and over stands in the record."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers import journal
from peers.alaris import AlarisPump, Infusion
from peers.host import Host, binary
from peers.people import ENGINEER, ask, let_in, secret
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(180)]

WRONG, STALE = "NABD_WRONG_DEVICE", "NABD_DEVICE_STALE"
SERIAL, OTHER = "8003-00107", "8003-00999"


@pytest.fixture
def unit(hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[Host, AlarisPump]]:
    """A host whose one device is another pump than the one expected: an alarm of high priority."""
    pump = AlarisPump(Infusion(serial=OTHER)).start()
    host = hosts(tmp_path / "unit").configure(
        {"pump": {"profile": "alaris/asena-gh", "line": pump.line, "serial": SERIAL}})
    let_in(host)
    host.start()
    yield host, pump
    host.kill()
    pump.stop()


def alarms(host: Host, name: str | None = None) -> list[dict]:
    """Those that stand, as the host tells them."""
    told = subprocess.run(
        [binary(), "status", "--json", "--config", host.config], capture_output=True, text=True, timeout=30)
    if not told.stdout:
        return []
    return [one for one in json.loads(told.stdout)["alerts"] if name in (None, one["alert"])]


def wait_for(host: Host, name: str, timeout: float = 30, **state) -> dict:
    """The alarm of this name in a state."""
    def found() -> bool:
        return any(all(one.get(key) == value for key, value in state.items()) for one in alarms(host, name))

    wait_until(found, timeout, f"{name} to be {state}: {alarms(host)}", every=0.2)
    (alarm,) = alarms(host, name)
    return alarm


def told(host: Host, instance: str) -> list[str]:
    """What the record has of an alarm, in words."""
    return [
        line["change"] if line["event"] == "alertUpdate" else line["event"].removeprefix("alert").lower()
        + (f" {line['reason']}" if "reason" in line else "")
        for line in journal.events(host.export())
        if line.get("instance") == instance
    ]


def test_who_acknowledged_survives_a_kill(unit):
    host, pump = unit
    begun = wait_for(host, WRONG, presence="on", activation="on")
    assert ask(host, "alarms", "acknowledge", begun["instance"]).code == 0
    host.kill()
    host.start()
    again = wait_for(host, WRONG, presence="ack")
    assert again["instance"] == begun["instance"] and again["acknowledgedBy"] == ["layla"]
    (line,) = [line for line in journal.events(host.export()) if line.get("change") == "acknowledged"]
    assert line["by"] == ["layla"] and line["presence"] == "ack"
    # Acknowledging is not clearing: it ends with its condition, and only then.
    pump.infusion.serial = SERIAL
    wait_until(lambda: not alarms(host, WRONG), 60, "the end of the alarm", every=0.5)
    assert told(host, begun["instance"])[-1].startswith("end")


def test_a_high_one_that_is_over_stands_until_somebody_has_seen_it(unit):
    host, pump = unit
    begun = wait_for(host, WRONG, presence="on")
    pump.infusion.serial = SERIAL
    wait_for(host, WRONG, presence="latched", timeout=60)
    host.kill()
    host.start()
    latched = wait_for(host, WRONG, presence="latched")
    assert latched["instance"] == begun["instance"] and "unconfirmed" not in latched
    assert ask(host, "alarms", "acknowledge", begun["instance"]).code == 0
    wait_until(lambda: not alarms(host, WRONG), 5, "the end of the alarm", every=0.2)
    assert told(host, begun["instance"])[-2:] == ["latched", "end acknowledged"]
    (end,) = [line for line in journal.events(host.export()) if line.get("reason") == "acknowledged"]
    assert end["by"] == ["layla"]


def test_a_pause_ends_by_itself_and_at_a_kill(unit):
    host, _ = unit
    begun = wait_for(host, WRONG, presence="on")
    assert ask(host, "alarms", "pause", "--seconds", 2).code == 0
    assert wait_for(host, WRONG, activation="paused")["presence"] == "on"
    wait_for(host, WRONG, activation="on", timeout=5)
    assert ask(host, "alarms", "pause", "--seconds", 120).code == 0
    wait_for(host, WRONG, activation="paused")
    # Nothing more is silent: there is nothing left that could be.
    assert ask(host, "alarms", "pause", "--seconds", 120).refusal == "nothingToPause"
    host.kill()
    host.start()
    again = wait_for(host, WRONG, activation="on")
    assert again["instance"] == begun["instance"] and again["presence"] == "on"


def test_who_may_not_does_nothing(unit):
    host, _ = unit
    begun = wait_for(host, WRONG, presence="on")
    assert ask(host, "alarms", "acknowledge", begun["instance"], by=ENGINEER).refusal == "role"
    assert ask(host, "alarms", "acknowledge", "no-such").refusal == "noSuchAlarm"
    # All of them, or none.
    assert ask(host, "alarms", "acknowledge", begun["instance"], "no-such").refusal == "noSuchAlarm"
    assert ask(host, "alarms", "off", WRONG, "--bed", "chair-1").refusal == "noSuchAlarm"
    assert ask(host, "alarms", "on", WRONG, "--bed", "chair-1").refusal == "isNotOff"
    assert ask(host, "alarms", "pause", "--seconds", 121).code == 2
    assert wait_for(host, WRONG, presence="on", activation="on")["instance"] == begun["instance"]
    assert not [line for line in journal.events(host.export()) if "by" in line]


def test_the_list_is_for_people(unit):
    host, _ = unit
    begun = wait_for(host, WRONG, presence="on")
    words = [binary(), "alarms", "list", "--config", host.config]
    english = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert english.returncode == 0 and "high · pump · Another device" in english.stdout, english
    assert begun["instance"] in english.stdout
    arabic = subprocess.run([*words, "--arabic"], capture_output=True, text=True, timeout=30)
    assert begun["textArabic"] in arabic.stdout


def test_two_who_acknowledge_at_once_are_recorded_once(unit):
    host, _ = unit
    begun = wait_for(host, WRONG, presence="on")
    both = [
        subprocess.Popen(
            [binary(), "alarms", "acknowledge", begun["instance"], "--people", str(host.directory / "people"),
             "--config", host.config, "--as", name, "--secret-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in ("layla", "omar")
    ]
    for name, process in zip(("layla", "omar"), both):
        process.communicate(f"{secret(name)}\n".encode(), timeout=60)
        assert process.returncode == 0
    time.sleep(1)
    assert told(host, begun["instance"]).count("acknowledged") == 1
