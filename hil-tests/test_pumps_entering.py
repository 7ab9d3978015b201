"""What the pump shows when a command is entered is kept with it: the second person and the start find the same, or the
command is void (C-29, case 13; the start is in test_pumps_cases_2.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from peers.alaris_unit import alaris_unit, events, lets_in
from peers.clockwork import Clockwork
from peers.driven import AlarisGH, Key
from peers.driving import PumpUnit
from peers.host import Host

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]


@pytest.fixture
def unit(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[PumpUnit, AlarisGH]]:
    """An Alaris GH on a line of a running host."""
    unit, pump = alaris_unit(clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris")
    yield lets_in(unit), pump
    pump.stop()


def rate_at_keys(pump: AlarisGH, rate: str) -> None:
    """Somebody sets it at the pump, and it is read."""
    pump.press(Key.RATE, Decimal(rate))
    time.sleep(2)


def test_case_13_a_key_between_the_two_people_bars_it(unit):
    """The first enters it for a pump that gives 3 mL/h, somebody sets 7, and the second enters the same, blind."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ask("draft", "pump", "rate", "new-rate=12.5").command["number"]
    rate_at_keys(pump, "7")
    told = unit.ask("verify", number, "pump", "rate", "new-rate=12.5", by="omar")
    assert told.code == 1 and told.refusal == "changed" and "12.5" not in told.json["words"], told
    assert "rate 3 mL/h" in told.json["words"] and "rate 7 mL/h" in told.json["words"], told
    assert unit.start(number).refusal == "unknownCommand" and unit.show(number)["end"] == "changed"
    assert pump.effect_writes() == 0


def test_case_13_what_a_silent_pump_shows_is_not_known_and_nothing_is_entered(unit):
    """Not known now is not valid: neither of the two enters anything while the pump says nothing."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    pump.mute(25)
    assert unit.ask("draft", "pump", "rate", "new-rate=12.5").refusal == "notFresh"
    assert events(unit, "commandDrafted") == []
    pump.mute(0)
    time.sleep(3)
    number = unit.ask("draft", "pump", "rate", "new-rate=12.5").command["number"]
    pump.mute(25)
    assert unit.ask("verify", number, "pump", "rate", "new-rate=12.5", by="omar").refusal == "notFresh"
    assert unit.show(number)["stage"] == "draft" and unit.start(number).refusal == "notVerified"
    assert pump.effect_writes() == 0
