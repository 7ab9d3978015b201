"""Pumps driven by the host, from what two people type to what a pump that nobody here wrote has been told."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.clockwork import Clockwork
from peers.driven import AlarisGH, Key, Lie
from peers.driving import PumpUnit
from peers.host import Host, binary, nabd
from peers.links import PtyLink
from peers.waiting import wait_until

pytestmark = [pytest.mark.timeout(240)]
SITE = {
    "area": "day-unit", "commands": ["rate", "start"], "without-order": ["rate", "start"],
    "accepts-unknown-lapse": True,
}


@pytest.fixture
def unit(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[PumpUnit, AlarisGH]]:
    """An Alaris GH that says whether it runs, on a line of a running host."""
    pump = AlarisGH(clockwork, PtyLink(tmp_path / "alaris"))
    pump.modes = {True: "INFUSE", False: "STOP"}
    unit = PumpUnit(
        hosts(tmp_path / "unit"),
        {"pump": {"profile": "alaris/asena-gh", "line": str(tmp_path / "alaris"), "serial": "8003-00107"}},
        {"pump": {**SITE, "serial": "8003-00107"}},
    )
    unit.host.start()
    unit.host.wait_for_sample("MDC_PUMP_MODE")
    wait_until(unit.socket.exists, 10, "the pumps' socket")
    yield unit, pump
    pump.stop()


def test_a_rate_is_entered_twice_set_once_and_proven(unit):
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    assert pump.effect_writes("INF_RATE") == 0
    told = unit.start(number)
    assert told.code == 0 and told.command["end"] == "confirmed", (told, unit.host.log_tail())
    assert pump.effect_writes("INF_RATE") == 1 and float(pump.flow.rate) == 12.5
    assert unit.kinds(number) == [
        "commandVerified", "commandIntended", "commandSent", "commandTaken", "commandReadBack",
    ]


def test_a_start_and_a_stop(unit):
    unit, pump = unit
    assert unit.start(unit.ready("pump", "rate", new_rate="3")).command["end"] == "confirmed"
    time.sleep(5)
    assert unit.start(unit.ready("pump", "start")).command["end"] == "confirmed"
    assert pump.infusing
    told = unit.ask("stop", "pump", by=None)
    assert told.code == 0 and told.json["proven"] is True, (told, unit.host.log_tail())
    assert not pump.infusing and pump.effect_writes("INF_STOP") == 1


def test_a_word_that_says_nothing_does_not_prove_a_stop(unit):
    """Of the mode words only SET was ever seen in a reply: running or not, it may say that."""
    unit, pump = unit
    pump.modes = {True: "SET", False: "SET"}
    pump.press(Key.START)
    pump.lie(Lie.HOLLOW, count=None, names=["INF_STOP"])
    time.sleep(2)
    told = unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is not True
    assert unit.ask("draft", "pump", "rate", "new-rate=5").refusal == "stopPending"


def test_the_second_person_sees_nothing_of_the_first(unit):
    unit, pump = unit
    draft = unit.ask("draft", "pump", "rate", "new-rate=41.7").command
    for told in (unit.ask("show", draft["number"], by="omar"), unit.ask("list", by="omar"),
                 unit.ask("history", by="omar")):
        assert "41.7" not in str(told.json)
    assert unit.ask("verify", draft["number"], "pump", "rate", "new-rate=4.1", by="omar").refusal == "mismatch"
    assert unit.start(draft["number"]).refusal == "unknownCommand"
    assert unit.show(draft["number"])["end"] == "mismatched"
    assert pump.effect_writes() == 0


def test_whoever_is_not_known_commands_nothing(unit):
    unit, pump = unit
    told = unit.ask("draft", "pump", "rate", "new-rate=5", by="layla")
    assert unit.ask("verify", told.command["number"], "pump", "rate", "new-rate=5", by="layla").refusal == "samePerson"
    from peers import driving
    secret = driving.SECRETS["sami"]
    driving.SECRETS["sami"] = "a guess at it"
    try:
        assert unit.ask("draft", "pump", "rate", "new-rate=5", by="sami").code == 1
    finally:
        driving.SECRETS["sami"] = secret
    assert pump.effect_writes() == 0


@pytest.mark.parametrize("text", ["1e1", "+1", ".5", "5.", "012.5", "12.50", "12,5", "١٢", "12.55", "1200.1", "0"])
def test_a_quantity_is_never_repaired(unit, text):
    unit, pump = unit
    told = unit.ask("draft", "pump", "rate", f"new-rate={text}")
    assert told.code == 1 and told.json["words"].count(".") >= 1, told
    assert pump.effect_writes() == 0


@pytest.mark.parametrize("lie, end", [
    (Lie.SILENT, "confirmed"), (Lie.LATE, "confirmed"), (Lie.GARBLED, "confirmed"), (Lie.HALF, "confirmed"),
    (Lie.DEAF, "notInEffect"), (Lie.HOLLOW, None), (Lie.OTHER_VALUE, None), (Lie.REBOOTS, None),
])
def test_whatever_the_pump_says_it_is_told_once(unit, lie, end):
    """Cases 1 to 3 of the facts: told as failed and yet done, answered late, obeyed and silent."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(lie, names=["INF_RATE"])
    told = unit.start(number)
    assert pump.effect_writes("INF_RATE") == 1, told
    view = told.command
    if end is None:
        # Nobody can say, or the pump shows it after all; it is never told as done where it is not.
        assert view["stage"] == "uncertain" or view.get("end") == "confirmed" and float(pump.flow.rate) == 12.5, told
    else:
        assert view.get("end") == end, (told, unit.host.log_tail())


def test_a_key_that_changed_the_rate_meanwhile_bars_it(unit):
    """Case 13: several masters."""
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.press(Key.START)
    told = unit.start(number)
    assert told.refusal or told.command.get("end") == "notSent: changed", told
    assert pump.effect_writes("INF_RATE") == 0


def killed_in_the_middle(unit: PumpUnit, pump: AlarisGH) -> int:
    """Kills the host between an effect and its answer. Returns the command's number."""
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.LATE, names=["INF_RATE"], late=3.0)
    starting = threading.Thread(target=lambda: unit.start(number))
    starting.start()
    wait_until(lambda: pump.effect_writes("INF_RATE") == 1, 20, "the effect")
    unit.host.kill()
    starting.join()
    return number


def test_a_host_killed_in_the_middle_says_nothing_twice(unit):
    """Case 4: a crash after the effect, and what is uncertain is found out by itself."""
    unit, pump = unit
    number = killed_in_the_middle(unit, pump)
    unit.host.start()
    wait_until(unit.socket.exists, 10, "the pumps' socket")
    wait_until(lambda: unit.ask("show", number).json.get("command", {}).get("end") == "confirmed", 30, "what it did")
    assert pump.effect_writes("INF_RATE") == 1


def test_in_safe_mode_nothing_is_driven_and_what_is_in_doubt_stays_an_alarm(unit):
    """A crash after the effect, and a host that then drives no pump: nobody may take the silence for an end."""
    unit, pump = unit
    number = killed_in_the_middle(unit, pump)
    heard = len(pump.heard)
    with open(unit.host.log_path, "ab") as log:
        process = subprocess.Popen(
            [str(binary()), "run", "--config", str(unit.host.config), "--role", "acquire", "--safe"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def alerts() -> set[str]:
        told = nabd("status", "--config", unit.host.config, "--json")
        standing = json.loads(told.stdout or b'{"alerts": []}')["alerts"]
        # What is over stays, of high priority, until somebody has seen it.
        return {alert["alert"] for alert in standing if alert["presence"] != "latched"}

    try:
        wait_until(lambda: "NABD_SAFE_MODE" in alerts(), 20, "a host in safe mode")
        time.sleep(5)
        assert "NABD_COMMAND_UNCERTAIN" in alerts()
        assert unit.ask("list").code != 0, "somebody may command a pump"
        assert not [one for one in pump.heard[heard:] if one.name in ("REMOTE_CTRL", "INF_RATE", "INF_STOP")]
    finally:
        process.terminate()
        process.wait(20)
    # The full one finds out by itself.
    unit.host.start()
    wait_until(unit.socket.exists, 10, "the pumps' socket")
    wait_until(lambda: unit.ask("show", number).json.get("command", {}).get("end") == "confirmed", 30, "what it did")
    wait_until(lambda: not alerts() & {"NABD_SAFE_MODE", "NABD_COMMAND_UNCERTAIN"}, 20, "an end of the alarms")


def test_another_pump_on_the_line_is_told_nothing(unit):
    unit, pump = unit
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.identity = "8003-00999"
    told = unit.start(number)
    assert told.code == 1 and pump.effect_writes("INF_RATE") == 0, told
