"""Rows 8, 57, 58 and 59 of the fault matrix on Modbus RTU: what devices do in the field.
All at once on one host, for two minutes.
"""

from __future__ import annotations

import pytest

from peers import faults
from peers.narrowing import RtuLatecomer, comes_back_by_itself, is_read_in_few_requests, narrow
from peers.outcome import Outcome, moment
from peers.registers import Asked, Registers, Sending, honest
from peers.scenarios import RtuScenario, Timeline
from peers.truth import Register

pytestmark = [pytest.mark.host, pytest.mark.timeout(180), pytest.mark.xdist_group("field-rtu")]
# The device that starts has started after twenty seconds, and is given ninety.
TIMELINE = Timeline(before=1, fault=19, after=91)

BLOCK = {f"r{address}/NABD_GNSS_FIX": Register(3, address) for address in range(10)}
# How long a host may take to find out what a device is like. Unit: s.
LEARNING = 60


class OneBlock(RtuScenario):
    """A device that answers one read, of exactly all it has; whatever else it is asked it does not hear.
    Of seven answers it loses one.
    """

    def __init__(self, profile: str = "bench/block") -> None:
        super().__init__(
            self._block_only, {"silent"}, mate=False, profile=profile, registers=lambda: Registers({3: range(12)}),
            where=BLOCK, period=1.0, slowest=0.3, loopback="silent", always=True,
        )
        self._blocks = 0

    def _block_only(self, asked: Asked) -> list[Sending]:
        if asked.shape != (3, 0, len(BLOCK)):
            return []
        self._blocks += 1
        return [] if self._blocks % 7 == 0 else honest(asked)


def answering_only(code: int) -> RtuScenario:
    """A device that answers each time, with an exception."""
    scenario = RtuScenario(needs={"exception"}, mate=False, always=True)
    scenario.unit.refuses = lambda asked: code
    return scenario


NARROW = narrow("rtu")
EXCEPTIONS = {f"exceptions-{code}": answering_only(code) for code in (2, 4, 11)}
# What the right unit says, whole and with a right checksum, and what is no answer for all that.
NO_ANSWERS = {name: faults.where(lambda asked: asked.function == 3, fault)
              for name, fault in {"other-function": faults.as_function(4), "one-register": faults.one_register}.items()}
SCENARIOS = {
    **NARROW,
    **EXCEPTIONS,
    **{
        name: RtuScenario(fault, {"frame"}, mate=False, registers=lambda: Registers({3: range(6)}), always=True)
        for name, fault in NO_ANSWERS.items()
    },
    "latecomer": RtuLatecomer(),
    "stray-00": RtuScenario(faults.changed(lambda data: data + b"\x00"), {"noise"}, always=True),
    "stray-ff": RtuScenario(faults.changed(lambda data: data + b"\xFF"), {"noise"}, always=True),
    "one-block": OneBlock(),
}
scenario = pytest.mark.scenario


def each(names) -> pytest.MarkDecorator:
    """The same test of several scenarios."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in names])


@each(["stray-00", "stray-ff"])
def test_row_08_answer_with_a_stray_byte_behind_it_is_an_answer(outcome, table, name):
    compared = outcome.tells_no_lies()
    share = outcome.valid_share(least=0.95)
    outcome.no_trouble()
    contention = outcome.events("busContention")
    assert not contention, f"called contention: {contention[0]}"
    kept = outcome.mate_kept(0.95)
    table.row(
        8, f"answers with a stray byte behind them ({name[-2:]})", "one byte more after each answer's CRC",
        "the answer counts, the byte does not", f"{share:.0%} of polls good, {compared} values true; {kept}",
    )


@each(NARROW)
def test_row_58_read_that_a_device_does_not_take_is_narrowed(outcome, table, name):
    seen = is_read_in_few_requests(outcome)
    table.row(
        58, f"RTU, {name.replace('-', ' ')}",
        "no answer, or an exception, to reads of more than 40 registers or across a hole",
        "all there within 60 s; then at most one request more than needed", seen,
    )


@scenario("latecomer")
def test_row_59_register_that_is_refused_while_the_device_starts_comes_back(outcome, table):
    seen = comes_back_by_itself(outcome)
    table.row(59, "register refused while the device starts, RTU", "exception 2 for one of sixty registers for 20 s",
              "alert while it is out; asked again; valid within 90 s", seen)


def keeps_coming(outcome: Outcome, since: float) -> str:
    """Though one answer in seven is lost nothing is stale, and three of four polls bring values.
    Gives what was seen.
    """
    compared = outcome.tells_no_lies()
    lost = [
        asked for asked in outcome.asked(since, outcome.stopped) if asked.shape == (3, 0, len(BLOCK)) and not asked.said
    ]
    assert len(lost) >= 3, f"only {len(lost)} answers were lost: this proves nothing"
    stale = [line for line in outcome.events("deviceStale") if moment(line) >= since]
    assert not stale, f"called stale {len(stale)} times, although six answers of seven come"
    alerts = [span for span in outcome.alerts("NABD_DEVICE_STALE") if span[1] is None or span[1] >= since]
    assert not alerts, f"the alert that it is stale holds: {alerts}"
    until = outcome.stopped - 0.5
    good = sum(line["validity"] == "valid" for line in outcome.samples(since, until) if line["vmd"] == "r0")
    share = good * outcome.scenario.period / (until - since)
    assert share >= 0.75, f"{share:.0%} of polls were good"
    other = {asked.shape for asked in outcome.asked(since, until)} - {(3, 0, len(BLOCK))}
    return (
        f"{share:.0%} of polls good, {len(lost)} answers lost, other shapes asked {sorted(other) or 'none'}, "
        f"{compared} values true"
    )


@scenario("one-block")
def test_device_that_answers_one_read_only_is_not_stale_for_lack_of_a_barrier(outcome, table):
    seen = keeps_coming(outcome, outcome.launched + LEARNING)
    table.row(57, "device that answers one read only", "exactly its block of ten registers, one answer in seven lost",
              "after a minute never stale, 75 % of polls good", seen)


@each(EXCEPTIONS)
def test_device_that_answers_exceptions_only_is_not_called_unheard(outcome, table, name):
    outcome.tells_no_lies()
    outcome.none_valid(outcome.launched, outcome.stopped)
    assert outcome.alerts("NABD_DEVICE_STALE"), f"no alert that there are no values; events {outcome.kinds()}"
    false = [text for text in outcome.words() if "nothing was heard" in text or "baud" in text or "other units" in text]
    assert not false, false
    table.row(
        None, f"device that answers only {name.replace('-', ' ')} (RTU)", "every answer an exception, from the start",
        "nobody says that nothing was heard", f"said was {outcome.words() or 'nothing'}",
    )


@each(NO_ANSWERS)
def test_answers_of_the_right_unit_are_not_called_other_units(outcome, table, name):
    outcome.tells_no_lies()
    outcome.none_valid(outcome.launched, outcome.stopped)
    silent = [line.get("text", "") for line in outcome.events("deviceSilent")]
    assert silent, f"never told as silent: {outcome.kinds()}"
    false = [
        text
        for text in outcome.words()
        if any(word in text for word in ("other units", "nothing was heard", "baud", "damaged"))
    ]
    assert not false, false
    table.row(
        None, f"right unit, wrong answer ({name.replace('-', ' ')})",
        "each answer with another function, or with one register of two",
        "nobody says that other units answer, that nothing does, or that it is damaged", f"told “{silent[0]}”",
    )
