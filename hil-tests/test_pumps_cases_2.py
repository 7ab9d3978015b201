"""The other twelve of the public cases: several masters, clocks, interruptions, counters, and figures that were wrong
when they were entered; and what this unit does not do at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from peers.alaris_unit import Starting, alaris_unit, comes_to, events, lets_in, sign_order, site
from peers.clockwork import Clockwork
from peers.driven import AlarisGH, Key, Lie
from peers.driving import PumpUnit
from peers.durable import DurableHost
from peers.host import Host
from peers.waiting import wait_until
from peers.wall_clock import WallClock

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

HOUR = 3600


@pytest.fixture
def unit(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[PumpUnit, AlarisGH]]:
    """An Alaris GH on a line of a running host."""
    unit, pump = alaris_unit(clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris")
    yield lets_in(unit), pump
    pump.stop()


@pytest.fixture
def ordered(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[PumpUnit, AlarisGH]]:
    """The same where nothing is done without an order; it is not signed yet, and the host does not run."""
    policy = {**site("rate", "start"), "without-order": []}
    unit, pump = alaris_unit(clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris", policy)
    yield unit, pump
    pump.stop()


def rate_at_keys(pump: AlarisGH, rate: str) -> None:
    """Somebody sets it at the pump, and it is read."""
    pump.press(Key.RATE, Decimal(rate))
    time.sleep(2)


def both_enter(unit: PumpUnit, command: str, *quantities: str, order: str) -> int:
    """Two people, each by themselves, for an order."""
    entry = ["pump", command, *quantities, "--order", order]
    draft = unit.ask("draft", *entry)
    assert draft.code == 0, draft
    number = draft.command["number"]
    verified = unit.ask("verify", number, *entry, by="omar")
    assert verified.command["stage"] == "verified", verified
    return number


# 13: several masters.


def test_case_13_a_key_between_the_decision_and_the_effect_bars_it(unit):
    """The rate is changed at the keys when the host has decided and has not said it yet."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ready("pump", "rate", new_rate="12.5")
    # The protocol is asked on the way to an effect only: behind the decision, before the last look.
    pump.lie(
        Lie.LATE, names=["COMMS_PROTOCOL"], of="reads", late=0.0, then=lambda: pump.press(Key.RATE, Decimal("7"))
    )
    told = unit.start(number)
    assert pump.pressed[-1][1:] == (Key.RATE, Decimal("7")), "nobody pressed it"
    assert told.command["end"] == "notSent: changed", told
    assert pump.effect_writes("INF_RATE") == 0 and float(pump.flow.rate) == 7


def test_case_13_a_key_after_the_entering_bars_it(unit):
    """Two people enter a rate for a pump that gives 3 mL/h; somebody sets 7 at its keys; then it is started."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ready("pump", "rate", new_rate="12.5")
    rate_at_keys(pump, "7")
    told = unit.start(number)
    assert pump.effect_writes("INF_RATE") == 0, "it was said on top of somebody else's change"
    assert told.code == 1 and told.refusal == "changed", told
    assert "showed rate 3 mL/h; now it shows rate 7 mL/h." in told.json["words"], told
    for person in ("layla", "omar"):
        shown = unit.ask("show", number, by=person).command
        assert shown["end"] == "changed", shown
        for when, rate in (("atEntry", "3"), ("readings", "7")):
            assert {"field": "rate", "value": rate, "unit": "mL/h"} in shown[when], shown
    assert unit.kinds(number) == ["commandVerified", "commandChanged"]
    # It stays void over a restart, and what it is told of it too.
    unit.host.kill()
    lets_in(unit)
    assert unit.start(number).refusal == "unknownCommand" and unit.show(number)["end"] == "changed"
    assert pump.effect_writes("INF_RATE") == 0 and float(pump.flow.rate) == 7


# 14: a pump that ignores settings while it gives a bolus.


def test_case_14_nothing_is_set_while_the_pump_gives_a_bolus(unit):
    """It says so: nothing is said to it."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.modes = {True: "BOLUS", False: "STOP"}
    pump.press(Key.START)
    time.sleep(2)
    told = unit.start(number)
    assert told.code == 1 and pump.effect_writes("INF_RATE") == 0, told


def test_case_14_what_a_bolus_made_the_pump_ignore_is_not_said_again(unit):
    """It begins in the last moment, the setting is ignored in silence: in doubt, asked, never repeated."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(Lie.DEAF, names=["INF_RATE"])
    told = unit.start(number)
    kinds = unit.kinds(number)
    assert "commandUnanswered" in kinds and "commandTaken" not in kinds, kinds
    assert told.command.get("end", "notInEffect") == "notInEffect" and float(pump.flow.rate) == 3, told
    time.sleep(10)
    assert pump.effect_writes("INF_RATE") == 1


# 15: the clock is set during a delivery.


def test_case_15_a_clock_that_is_set_makes_and_breaks_no_command(clockwork, tmp_path, request):
    """An hour on, an hour back and to 1970 while commands are under way: each is done once, none expires."""
    host = DurableHost(tmp_path / "unit")
    request.session.hosts = [host]
    clock = WallClock(tmp_path)
    host.prefix = clock.prefix
    unit, pump = alaris_unit(clockwork, host, tmp_path / "alaris")
    try:
        lets_in(unit)
        steps = [("10", lambda: clock.step(HOUR)), ("11", lambda: clock.step(-2 * HOUR)), ("12", clock.to_1970)]
        for rate, step in steps:
            number = unit.ready("pump", "rate", new_rate=rate)
            pump.lie(Lie.LATE, names=["INF_RATE"], late=0.3, then=step)
            told = unit.start(number)
            assert told.command["end"] == "confirmed", (rate, told)
            assert float(pump.flow.rate) == float(rate)
            time.sleep(5)
        # What was entered before the clock was set is neither too old nor too new.
        number = unit.ready("pump", "rate", new_rate="13")
        clock.step(56 * 365 * 24 * HOUR)
        assert unit.start(number).command["end"] == "confirmed"
        time.sleep(5)
        assert pump.effect_writes("INF_RATE") == 4 == len(events(unit, "commandIntended"))
        assert len(events(unit, "clockStepped")) >= 4, "the clock was not seen to be set"
    finally:
        host.kill()
        request.session.hosts = []
        pump.stop()


# 16: interrupted and gone on with.


def test_case_16_going_on_is_another_order_and_another_look(ordered):
    """Begun, interrupted, gone on with: what was entered before is void, the order is used, silence bars a start."""
    unit, pump = ordered
    sign_order(unit)
    lets_in(unit)
    rate_at_keys(pump, "1.2")
    number = both_enter(unit, "start", order="order-1")
    waiting = both_enter(unit, "start", order="order-1")
    assert unit.start(number).command["end"] == "confirmed" and pump.infusing
    assert unit.ask("stop", "pump", by=None).json["proven"] is True and not pump.infusing
    assert unit.ask("start", waiting).refusal == "unknownCommand"
    assert unit.show(waiting)["end"] == "stopped"
    again = unit.ask("draft", "pump", "start", "--order", "order-1")
    assert again.refusal == "orderUsed" and "what is left" in again.json["words"], again
    sign_order(unit, version=2, id="order-2")
    wait_until(
        lambda: unit.ask("draft", "pump", "start", "--order", "order-2").code == 0, 20, "the new order", every=2
    )
    number = both_enter(unit, "start", order="order-2")
    pump.mute(15)
    assert unit.start(number).refusal == "notFresh"
    assert pump.effect_writes("INF_START") == 1


def test_case_16_a_start_reads_the_limit_anew(unit):
    """A pump that goes on with the limit of before gives too much: both limit and volume are read just before."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ready("pump", "start")
    heard = len(pump.heard)
    assert unit.start(number).command["end"] == "confirmed"
    before = []
    for one in pump.heard[heard:]:
        if one.name == "INF_START":
            break
        before.append(one.name)
    assert "INF" in before, "the volume was not read"
    assert "INF_VTBI" in before, "the limit was not read"


# 17 to 19: counters and alarms that contradict each other.


def test_case_17_a_volume_that_clears_itself_is_an_alarm(unit):
    """It has given 8 mL, and tells 0 without having been told to clear it."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    pump.jump(8)
    pump.press(Key.START)
    time.sleep(4)
    before = len(events(unit, "alertStart"))
    pump.reset()
    wait_until(lambda: len(events(unit, "alertStart")) > before, 20, "an alarm", every=2)


def test_case_17_a_volume_that_clears_itself_is_never_hidden(unit):
    """What the pump tells is what is recorded: nothing is added to or taken from a counter that went back."""
    unit, pump = unit
    pump.jump(8)
    time.sleep(3)
    pump.reset()
    time.sleep(3)
    values = [
        round(line["value"], 3) for line in unit.host.export()
        if line.get("metric") == "MDC_VOL_FLUID_DELIV_TOTAL" and line["validity"] == "valid"
    ]
    kept = [value for place, value in enumerate(values) if place == 0 or value != values[place - 1]]
    assert kept in ([0.0, 8.0, 0.0], [8.0, 0.0]), kept


def test_case_18_nothing_is_begun_again_after_an_alarm(unit):
    """The pump alarms and stands. Nothing is said to it, before and after it is cleared and over a restart."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    entered = unit.ready("pump", "start")
    pump.press(Key.START)
    time.sleep(2)
    pump.raise_alarm()
    time.sleep(3)
    told = unit.start(entered)
    assert told.code == 1, told
    pump.clear_alarm()
    time.sleep(3)
    unit.host.kill()
    lets_in(unit)
    time.sleep(3)
    assert not pump.infusing and [one.name for one in pump.effects] in ([], ["REMOTE_CTRL"]), pump.effects
    assert events(unit, "alertStart", alert="MDC_EVT_PUMP_GENERAL_ALARM")


def test_case_18_a_pump_that_alarms_and_goes_on_giving_is_a_high_alarm(unit):
    """“Motor not running”, and the counter moves."""
    unit, pump = unit
    rate_at_keys(pump, "60")
    pump.flow.haste = 60
    pump.press(Key.START)
    time.sleep(3)
    with pump.clockwork.lock:
        pump.state.alarm = pump.alarm_code
    time.sleep(2)
    given = pump.delivered
    wait_until(lambda: events(unit, "alertStart", priority="high"), 20, "a high alarm", every=2)
    assert pump.delivered > given


def test_case_19_an_end_short_of_the_limit_is_told_as_one(unit):
    """The pump says that it is done; 3 of 5 mL were given."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    with pump.clockwork.lock:
        pump.flow.left = 5.0
    pump.press(Key.START)
    time.sleep(3)
    pump.end(short=2.0)
    wait_until(lambda: events(unit, "alertStart"), 20, "somebody to be told", every=2)


def test_case_19_the_host_never_says_that_an_infusion_is_complete(unit):
    """What it says of a pump that has ended is what the pump shows: a mode, and a volume of its own counter."""
    unit, pump = unit
    rate_at_keys(pump, "3")
    number = unit.ready("pump", "start")
    assert unit.start(number).command["end"] == "confirmed"
    with pump.clockwork.lock:
        pump.flow.left = 5.0
    pump.end(short=2.0)
    time.sleep(3)
    everything = str(unit.ask("list").json) + str(unit.show(number)) + str(unit.host.export()) + unit.host.log()
    assert "complete" not in everything.lower()
    last = [line for line in unit.host.export() if line.get("metric") == "MDC_VOL_FLUID_DELIV_TOTAL"][-1]
    assert round(last["value"], 1) == 3.0, last


# 20 to 24: figures that were wrong when they were entered.


def test_case_20_a_concentration_of_nobodys_is_refused(ordered):
    """50 mg/mL is ordered, consistent in itself; the library has 45.57."""
    unit, pump = ordered
    sign_order(unit, concentration="50 mg/mL", volume="105 mL")
    lets_in(unit)
    told = unit.ask("draft", "pump", "rate", "new-rate=1.1", "--order", "order-1")
    assert told.refusal == "notInLibrary" and "45.57" in told.json["words"], told
    assert pump.effect_writes() == 0


def test_case_21_a_leading_zero_is_refused_in_words_and_holds_up_nothing(unit):
    """`012.5`, again and again: a sentence each time, and the desk goes on."""
    unit, pump = unit
    for _ in range(10):
        told = unit.ask("draft", "pump", "rate", "new-rate=012.5")
        assert told.refusal == "quantity" and told.json["words"].endswith("."), told
    assert unit.start(unit.ready("pump", "rate", new_rate="12.5")).command["end"] == "confirmed"
    assert pump.effect_writes("INF_RATE") == 1


def test_case_22_a_rate_on_which_two_people_agree_is_refused_twice(ordered):
    """28.8 for 1.2 mL/h: by how long it would last, and by the order. 1.2 is set."""
    unit, pump = ordered
    sign_order(unit)
    lets_in(unit)
    for person in ("layla", "omar"):
        told = unit.ask("draft", "pump", "rate", "new-rate=28.8", "--order", "order-1", by=person)
        words = told.json["words"]
        assert told.code == 1 and "4 h" in words and "hard limit of duration" in words, told
        assert "The order comes to 1.2" in words, told
    assert pump.effect_writes() == 0
    number = both_enter(unit, "rate", "new-rate=1.2", order="order-1")
    assert unit.start(number).command["end"] == "confirmed" and float(pump.flow.rate) == 1.2


@pytest.mark.parametrize("typed, code", [
    ("41.7 mg/h", "quantity"), ("41.7 mg", "quantity"), ("41.7mL", "quantity"), ("41.7", "orderMismatch"),
])
def test_case_23_a_dose_in_the_field_of_a_rate_is_refused(ordered, typed, code):
    """With its unit, and without: the order is for 4.2 mL/h."""
    unit, pump = ordered
    # 4.2 mL/h of it over 96 h are 403.2 mL, in which there are 18,374 mg.
    sign_order(unit, dose="18373.824 mg", basis="mg", volume="403.2 mL")
    lets_in(unit)
    told = unit.ask("draft", "pump", "rate", f"new-rate={typed}", "--order", "order-1")
    assert told.code == 1 and told.json["words"].endswith("."), told
    assert told.refusal == code or code == "orderMismatch" and "The order comes to 4.2" in told.json["words"], told
    assert pump.effect_writes() == 0
    assert unit.ask("draft", "pump", "rate", "new-rate=4.2", "--order", "order-1").code == 0


def test_case_24_the_second_person_is_read_nothing_of_the_first(unit):
    """Whatever the second may ask for before entering, and what they are told when they enter another value."""
    unit, pump = unit
    number = unit.ask("draft", "pump", "rate", "new-rate=41.7", "--reason", "417 is why").command["number"]
    asked = [
        unit.ask("show", number, by="omar"), unit.ask("list", by="omar"), unit.ask("history", by="omar"),
        unit.ask("start", number, by="omar"), unit.ask("draft", "pump", "rate", "new-rate=1", by="omar"),
        unit.ask("draft", "pump", "rate", "new-rate=1", "--dry-run", by="omar"),
        unit.ask("verify", number, "pump", "rate", "new-rate=1", by="omar"),
        unit.ask("show", number, by="omar"), unit.ask("history", by="omar"),
    ]
    for told in asked:
        assert "41.7" not in str(told) and "417" not in str(told), told
    assert asked[6].refusal == "mismatch"
    assert "41.7" not in unit.host.log() and "417" not in unit.host.log()
    # The control: once both have entered it, it is shown.
    number = unit.ready("pump", "rate", new_rate="41.7")
    assert "41.7" in str(unit.ask("show", number, by="omar"))
    assert pump.effect_writes() == 0


# What this unit does not do.


@pytest.mark.parametrize("command", [
    "bolus", "pca", "purge", "prime", "resume", "loading-dose", "closed-loop", "titrate", "clear-volume", "release",
])
def test_what_this_unit_does_not_do_is_refused_in_a_sentence(
    clockwork, hosts, tmp_path, command
):
    """Even where the site's policy names it: there is no such command."""
    unit, pump = alaris_unit(clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris", site("rate", command))
    lets_in(unit)
    for words in (["draft", "pump", command], ["draft", "pump", command, "--dry-run"]):
        told = unit.ask(*words)
        assert told.refusal == "unknownCommand" and told.json["words"].endswith("."), told
    offered = {one["command"] for one in unit.ask("list").json["pumps"][0]["commands"]}
    assert command not in offered and "rate" in offered
    assert pump.effect_writes() == 0
    pump.stop()
