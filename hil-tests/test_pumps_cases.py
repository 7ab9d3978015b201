"""Twelve of the twenty-four public cases of pumps that were commanded and gave what nobody meant: what was said is not
known, is said again, or is forgotten. Each is played to the real host; none may come true.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from peers.alaris_unit import (
    Starting, alaris_unit, comes_to, events, lets_in, line_of, said, site,
)
from peers.clockwork import Clockwork, now
from peers.driven import AlarisGH, Key, Lie
from peers.driving import POLICY, PumpUnit
from peers.host import Host, binary
from peers.links import PtyLink
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

# How long a pump that answers again may stay in doubt, by the requirement. Unit: s.
RESOLVED = 15


class TellingAlaris(AlarisGH):
    """Remembers every volume that it told."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.volumes: set[float] = set()

    def _said(self, order) -> str:
        text = super()._said(order)
        if order.name == "INF":
            self.volumes.add(float(text.split("^")[7]))
        return text


@pytest.fixture
def unit(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[PumpUnit, AlarisGH]]:
    """An Alaris GH on a line of a running host."""
    unit, pump = alaris_unit(clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris", kind=TellingAlaris)
    yield lets_in(unit), pump
    pump.stop()


def given_rate(pump: AlarisGH, rate: str) -> None:
    """Somebody sets a rate at the pump's keys, and it is read."""
    pump.press(Key.RATE, Decimal(rate))
    time.sleep(2)


def refused_in_a_sentence(told, code: str) -> None:
    """Refused, with words that a person can read."""
    assert told.refusal == code and told.code == 1, told
    assert told.json["words"].count(" ") > 4 and told.json["words"].endswith("."), told


def test_case_01_what_seems_to_have_failed_is_not_given_twice(unit):
    """The pump obeys, and nothing is heard of it for a minute: in doubt, never failed, and nothing beside it."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.SILENT, names=["INF_RATE"], then=lambda: pump.mute(60))
    starting = Starting(unit, number)
    comes_to(unit, number, 20, stage="uncertain")
    for person in ("layla", "omar"):
        refused_in_a_sentence(unit.ask("draft", "pump", "rate", "new-rate=12.5", by=person), "uncertainPending")
    told = starting.told()
    assert told.code == 1 and told.command["stage"] == "uncertain" and "end" not in told.command, told
    assert "look at the pump" in told.error and "fail" not in (told.error + str(told.json)).lower()
    comes_to(unit, number, 90, end="confirmed")
    assert pump.effect_writes("INF_RATE") == 1 and float(pump.flow.rate) == 12.5
    assert events(unit, "alertStart", alert="NABD_COMMAND_UNCERTAIN", priority="high")


def test_case_02_an_answer_that_comes_late_makes_no_second_dose(unit):
    """It answers three seconds after the host has stopped waiting; whoever sends it again is refused."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.LATE, names=["INF_RATE"], late=3.0)
    starting = Starting(unit, number)
    wait_until(lambda: pump.effect_writes("INF_RATE") == 1, 20, "the effect")
    again = unit.ask("start", number, by="layla")
    assert again.refusal in ("notVerified", "unknownCommand"), again
    assert starting.told().command["end"] == "confirmed"
    assert "commandUnanswered" in unit.kinds(number), "the answer was not late"
    assert unit.ask("start", number, by="layla").refusal == "unknownCommand"
    assert pump.effect_writes("INF_RATE") == 1


def test_case_03_three_tries_and_a_restart_are_one_command(unit):
    """Three tries while nothing is known, and one more after a restart: one write, and the history tells of one."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.SILENT, names=["INF_RATE"], then=lambda: pump.mute(25))
    Starting(unit, number)
    comes_to(unit, number, 20, stage="uncertain")
    for _ in range(2):
        assert unit.ask("start", number).refusal == "notVerified"
        refused_in_a_sentence(unit.ask("draft", "pump", "rate", "new-rate=12.5"), "uncertainPending")
    unit.host.kill()
    lets_in(unit)
    assert unit.show(number)["stage"] == "uncertain"
    assert unit.ask("start", number).refusal == "notVerified"
    refused_in_a_sentence(unit.ask("draft", "pump", "rate", "new-rate=12.5"), "uncertainPending")
    comes_to(unit, number, 60, end="confirmed")
    commands = unit.ask("history").json["commands"]
    assert [(one["number"], one["end"]) for one in commands] == [(number, "confirmed")]
    assert len(events(unit, "commandIntended")) == 1 and pump.effect_writes("INF_RATE") == 1


@pytest.mark.parametrize("after", [0, 0.005, 0.02, 0.1, 0.3])
def test_case_04_a_crash_behind_the_dose_gives_no_second_one(unit, after):
    """Killed when the pump has heard the effect, and soon after. A kill before each system call is in the kills."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    late = Lie.SILENT if after == 0 else Lie.LATE
    pump.lie(late, names=["INF_RATE"], late=0.0, then=lambda: pump.clockwork.at(now() + after, unit.host.kill))
    Starting(unit, number)
    wait_until(lambda: pump.effect_writes("INF_RATE") == 1, 20, "the effect")
    wait_until(lambda: unit.host.gone, 10, "the kill")
    begun = now()
    lets_in(unit)
    view = unit.show(number)
    assert now() - begun < 5 and view["stage"] in ("uncertain", "ended"), view
    comes_to(unit, number, RESOLVED, end="confirmed")
    time.sleep(6)
    assert pump.effect_writes("INF_RATE") == 1 and float(pump.flow.rate) == 12.5


def test_case_05_a_delivery_that_has_ended_was_not_never_given(unit):
    """It reaches its limit before it is asked: that it stands still says nothing about whether it ran."""
    unit, pump = unit
    given_rate(pump, "3")
    number = unit.ready("pump", "start")
    pump.lie(Lie.ENDS, names=["INF_START"])
    told = unit.start(number)
    assert pump.effects[-1].lie is Lie.ENDS and pump.effects[-1].obeyed and not pump.infusing
    assert told.code == 1 and told.command["stage"] == "uncertain" and "end" not in told.command, told
    refused_in_a_sentence(unit.ask("draft", "pump", "start"), "uncertainPending")
    assert pump.effect_writes("INF_START") == 1


def test_case_06_a_volume_is_the_pumps_own_even_when_an_alarm_is_the_answer(unit):
    """It starts, is stopped by an alarm at once, and tells that instead: no volume is reckoned from anything."""
    unit, pump = unit
    given_rate(pump, "60")
    pump.jump(7.3)
    number = unit.ready("pump", "start")
    pump.lie(Lie.ALARMS_OBEYED, names=["INF_START"])
    Starting(unit, number)
    comes_to(unit, number, 30, stage="uncertain")
    time.sleep(5)
    told = [
        line for line in unit.host.export()
        if line.get("metric") == "MDC_VOL_FLUID_DELIV_TOTAL" and line["validity"] == "valid"
    ]
    strange = {round(line["value"], 3) for line in told} - {round(volume, 3) for volume in pump.volumes}
    assert not strange and round(told[-1]["value"], 1) == 7.3, (strange, told[-1])
    assert events(unit, "alertStart", alert="MDC_EVT_PUMP_GENERAL_ALARM")
    assert pump.effect_writes("INF_START") == 1


def test_case_07_in_doubt_nothing_is_said_but_reads_and_a_stop(unit):
    """It says yes and does nothing. Whatever people try meanwhile, the pump hears questions only, and then a stop."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.HOLLOW, names=["INF_RATE"])
    Starting(unit, number)
    comes_to(unit, number, 30, stage="uncertain")
    heard = len(pump.heard)
    for words in (["draft", "pump", "rate", "new-rate=5"], ["withdraw", number], ["start", number],
                  ["looked-at", "pump"], ["unlock", "pump"], ["resolve", number, "--not-in-effect"]):
        unit.ask(*words)
        time.sleep(2)
    meanwhile = pump.heard[heard:]
    assert [one for one in meanwhile if one.effect or one.name is None] == []
    assert sum(one.name == "INF" for one in meanwhile) >= 8, "it was hardly asked"
    heard = len(pump.heard)
    assert unit.ask("stop", "pump", by=None).json["proven"] is True
    assert {one.name for one in pump.heard[heard:] if one.effect} == {"REMOTE_CTRL", "INF_STOP"}


@pytest.mark.parametrize("away", ["silent", "unplugged", "off"])
def test_case_08_a_pump_that_is_back_is_not_left_in_doubt(unit, away):
    """Out of reach for 20 s: what it did is found out within 15 s, by nobody's help."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.boot = 20
    lie = Lie.REBOOTS if away == "off" else Lie.SILENT
    then = {"silent": lambda: pump.mute(20), "unplugged": pump.unplug, "off": None}[away]
    pump.lie(lie, names=["INF_RATE"], then=then)
    Starting(unit, number)
    comes_to(unit, number, 20, stage="uncertain")
    back = pump.effects[-1].at + 20
    time.sleep(max(0.0, back - now()))
    if away == "unplugged":
        assert unit.show(number)["stage"] == "uncertain"
        pump.replug()
        back = now()
    comes_to(unit, number, RESOLVED - (now() - back), end="confirmed")
    assert pump.effect_writes("INF_RATE") == 1
    refused = events(unit, "commandResolved", "commandLeftToPeople", number=number)
    assert not refused, "somebody's help was needed"


def test_case_09_what_is_in_doubt_cannot_be_erased(unit):
    """No verb deletes; two people say what the pump shows, when it is their task, and the record keeps all of it."""
    unit, pump = unit
    verbs = subprocess.run([str(binary()), "pump", "--help"], capture_output=True, check=True, timeout=20).stdout
    listed = verbs.decode().split("SUBCOMMANDS:")[1].splitlines()
    assert {line.split()[0] for line in listed if re.match(r"  [a-z]", line)} == {
        "list", "show", "history", "draft", "verify", "start", "stop", "withdraw", "resolve", "looked-at", "unlock",
        "operator",
    }
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.HOLLOW, names=["INF_RATE"])
    unit.start(number)
    assert unit.ask("withdraw", number).refusal == "notDraft"
    assert unit.ask("resolve", number, "--not-in-effect", also="omar").refusal == "tooSoon"
    assert said(unit, line_of("delete", number=number))["answer"] == "refused"
    wait_until(lambda: events(unit, "commandLeftToPeople", number=number), 90, "a person's task", every=2)
    unit.host.kill()
    lets_in(unit)
    assert unit.show(number)["stage"] == "uncertain"
    assert unit.ask("resolve", number, "--not-in-effect").refusal == "onePersonMore"
    told = unit.ask("resolve", number, "--not-in-effect", also="omar")
    assert told.code == 0 and told.command["end"] == "resolved: notInEffect", told
    (resolved,) = events(unit, "commandResolved", number=number)
    assert resolved["by"] == ["layla", "omar"] and resolved["word"] == "notInEffect"
    assert unit.kinds(number)[:3] == ["commandVerified", "commandIntended", "commandSent"]
    assert pump.effect_writes("INF_RATE") == 1


def configured(unit: PumpUnit, devices: dict[str, dict], policy: dict[str, dict], version: int) -> None:
    """Other devices in the unit, and what the site says of them."""
    config = yaml.safe_load(unit.host.config.read_text())
    config["devices"] = devices
    unit.host.config.write_text(yaml.safe_dump(config, sort_keys=False))
    unit.sign("policy.yaml", {**POLICY, "version": version, "devices": policy})


@pytest.mark.parametrize("before, after", [("serial", "serial"), ("port", "port"), ("serial", "port")])
def test_case_10_a_pump_that_is_taken_away_and_renamed_is_still_in_doubt(
    clockwork, hosts, tmp_path, before, after
):
    """Out of the configuration, and back under another name: what is open belongs to the pump."""
    serial = {"serial": "8003-00107"}
    unit, pump = alaris_unit(
        clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris",
        serial=serial["serial"] if before == "serial" else None,
    )
    other = AlarisGH(clockwork, PtyLink(tmp_path / "other"), serial="8003-00200")
    lets_in(unit)
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.HOLLOW, names=["INF_RATE"])
    Starting(unit, number)
    comes_to(unit, number, 30, stage="uncertain")
    unit.host.stop()
    others = {"profile": "alaris/asena-gh", "line": str(tmp_path / "other")}
    configured(unit, {"another": others}, {"another": site("rate")}, 2)
    lets_in(unit)
    assert unit.show(number)["stage"] == "uncertain"
    assert events(unit, "alertStart", alert="NABD_COMMAND_UNCERTAIN")
    unit.host.stop()
    named = {"profile": "alaris/asena-gh", "line": str(tmp_path / "alaris"), **(serial if after == "serial" else {})}
    configured(
        unit, {"another": others, "spare": named},
        {"another": site("rate"), "spare": {**site("rate"), **(serial if after == "serial" else {})}}, 3,
    )
    lets_in(unit)
    assert unit.show(number)["stage"] == "uncertain"
    refused_in_a_sentence(unit.ask("draft", "spare", "rate", "new-rate=5"), "uncertainPending")
    assert unit.ask("draft", "another", "rate", "new-rate=5").code == 0, "another pump is barred too"
    assert pump.effect_writes("INF_RATE") == 1
    other.stop()
    pump.stop()


def test_case_11_what_the_pump_gave_while_nobody_listened_counts(unit):
    """The unit's battery dies while the pump goes on: its counter counts, and that nobody listened is told."""
    unit, pump = unit
    pump.jump(1.1)
    time.sleep(3)
    unit.host.kill()
    pump.jump(7.6)
    pump.restart()
    time.sleep(6)
    lets_in(unit)
    time.sleep(3)
    lines = unit.host.export()
    told = [
        line for line in lines
        if line.get("metric") == "MDC_VOL_FLUID_DELIV_TOTAL" and line["validity"] == "valid"
    ]
    values = [round(line["value"], 3) for line in told]
    assert values[-1] == 8.7 and 1.1 in values and set(values) <= {0.0, 1.1, 8.7}, values
    starts = [line["monotonicNanoseconds"] for line in lines if line.get("event") == "hostStarted"]
    assert len(starts) == 2
    first = min(line["monotonicNanoseconds"] for line in told if round(line["value"], 3) == 8.7)
    last = max(line["monotonicNanoseconds"] for line in told if round(line["value"], 3) == 1.1)
    assert last < starts[1] < first and first - last > 5e9, "the gap is not to be seen"


def test_case_12_nothing_is_told_as_failed_once_it_was_found_done(unit):
    """A refusal and a second answer that come after the proof, and a restart, change nothing of it."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    assert unit.start(number).command["end"] == "confirmed"
    for late in (b"!INF_RATE\x1b", b"!INF_RATE^0.00^ml/h|0000\r"):
        pump.say(late)
        time.sleep(2)
    assert unit.show(number)["end"] == "confirmed"
    before = unit.kinds(number)
    unit.host.kill()
    lets_in(unit)
    assert unit.kinds(number) == before and before[-1] == "commandReadBack"
    assert unit.ask("show", number).json.get("command", {}).get("end") in ("confirmed", None)
    assert not events(unit, "alertStart", alert="NABD_COMMAND_UNCERTAIN")
