"""Row 57 of the fault matrix: late answers, in order and each by its own clock,
on lines that have no number to tell them by.

A device that answers in the order in which it is asked is not what every adapter, radio or multiplexer
makes of it. Thousands of polls, with every third answer late by up to five times the time-out, and every
value says which request it answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from peers import faults, journal
from peers.clockwork import Clockwork, now
from peers.registers import Registers
from peers.scenarios import TEST_PROFILES, PumpScenario, RtuScenario, Scenario
from peers.truth import Register, deadline

pytestmark = [pytest.mark.host, pytest.mark.timeout(150), pytest.mark.xdist_group("late")]

# Polls on RTU and on text lines, those of single registers among them, and how long a slow machine gets for them.
# Unit of the latter: s.
POLLS, SINGLES, LONGEST = 2_000, 500, 75
SHARE, LOW, HIGH = 1 / 3, 1.6, 5.0
BLOCK = {f"r{address}/NABD_GNSS_FIX": Register(3, address) for address in range(10)}
SINGLE = {"NABD_GNSS_FIX": Register(3, 0)}
BLOCK_TIMEOUT, SINGLE_TIMEOUT, TEXT_TIMEOUT = deadline(0.02, 25, 115200), deadline(0.02, 7, 115200), 0.2
ORDERS = ("in-order", "out-of-order")


def late(seed: int, timeout: float, order: str) -> faults.Fault:
    """Every third answer late; out of order it keeps no other answer waiting."""
    fault = faults.late_by_chance(seed, timeout, SHARE, LOW, HIGH)
    return faults.by_its_own_clock(fault) if order == "out-of-order" else fault


class Block(RtuScenario):
    """Ten registers, and some behind them that may be read along."""

    def __init__(self, seed: int, order: str) -> None:
        super().__init__(
            late(seed, BLOCK_TIMEOUT, order), {"late"}, mate=False, profile="bench/block-fast", where=BLOCK,
            baud=115200, slowest=0.02, period=0.05, registers=lambda: Registers({3: range(14)}),
            loopback=("answers", "silent")[seed % 2], override={"every": {"NABD_GNSS_FIX": "50ms"}},
        )


class Single(RtuScenario):
    """One register and no other: what is asked besides is refused."""

    def __init__(self, seed: int, order: str) -> None:
        super().__init__(
            late(seed, SINGLE_TIMEOUT, order), {"late"}, mate=False, profile="bench/single-fast", where=SINGLE,
            baud=115200, slowest=0.02, period=0.02, registers=lambda: Registers({3: [0]}),
            loopback=("refused", "silent")[seed % 2],
        )


class Pump(PumpScenario):
    """A pump with two questions, of which one's reply cannot be taken for the other's."""

    def __init__(self, seed: int, order: str) -> None:
        super().__init__(
            late(seed, TEXT_TIMEOUT, order), {"late"}, profile="bench/pump-late", baud=115200, period=0.02, slowest=0.2
        )


# How many lines of each kind, in order and out of order.
KINDS: dict[str, tuple[type[Scenario], int, int]] = {
    "block": (Block, 6, 10), "single": (Single, 8, 16), "text": (Pump, 10, 16),
}


def make_scenarios() -> dict[str, Scenario]:
    """All the lines."""
    return {
        f"{kind}-{order}-{number}": make(1000 * place + number, order)
        for place, (kind, (make, *counts)) in enumerate(KINDS.items(), start=7)
        for order, count in zip(ORDERS, counts)
        for number in range(count)
    }


def polls(scenario: Scenario) -> int:
    """Questions for what the profile wants; what the host asks to be sure of its line does not count."""
    if isinstance(scenario, PumpScenario):
        return len(scenario.pump.requests)
    wanted = len(scenario.where)
    return sum(asked.function == 3 and asked.address == 0 and asked.count >= wanted for asked in scenario.asked())


@dataclass
class Run:
    """What came of it."""

    scenarios: dict[str, Scenario]
    lines: list[dict]
    seconds: float

    def of(self, *kinds: str) -> dict[str, Scenario]:
        """The lines whose names begin so."""
        return {
            name: scenario
            for name, scenario in self.scenarios.items()
            if name.startswith(tuple(f"{kind}-" for kind in kinds))
        }


def asked(scenarios: dict[str, Scenario]) -> int:
    """All their polls."""
    return sum(map(polls, scenarios.values()))


def enough(run: Run) -> bool:
    """Whether each kind has its polls."""
    return (
        asked(run.of("block", "single")) >= POLLS
        and asked(run.of("single")) >= SINGLES
        and asked(run.of("text")) >= POLLS
    )


@pytest.fixture(scope="module")
def run(module_hosts, hardware, tmp_path_factory) -> Iterator[Run]:
    """All lines late from the start, until each kind has its polls."""
    for carries in ("rtu", "ascii"):
        if (lacking := hardware.lacks(carries, {"late", "many-lines"})) is not None:
            pytest.skip(lacking)
    directory = tmp_path_factory.mktemp("late-in-any-order")
    found = Run(make_scenarios(), [], 0)
    clockwork = Clockwork().start()
    host = module_hosts(directory / "unit")
    try:
        for name, scenario in found.scenarios.items():
            scenario.open(name, hardware, clockwork, directory / "lines")
            scenario.begin()
        host.configure(
            {h: e for s in found.scenarios.values() for h, e in s.devices().items()}, profiles=[TEST_PROFILES]
        ).start()
        started = now()
        while now() < started + LONGEST and not enough(found):
            assert host.running, f"nabd ended by itself:\n{host.log_tail()}"
            time.sleep(0.5)
        found.seconds = now() - started
        host.stop()
        found.lines = host.export()
        yield found
    finally:
        host.kill()
        for scenario in found.scenarios.values():
            scenario.close()
        clockwork.stop()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KINDS)
def test_row_57_no_late_answer_is_taken_for_another_in_whatever_order(run, table, kind, order):
    scenarios = run.of(f"{kind}-{order}")
    lies = [lie for scenario in scenarios.values() for lie in scenario.lies(run.lines)]
    valid = sum(line["validity"] == "valid" for name in scenarios for line in journal.samples(run.lines, name))
    number = asked(scenarios)
    given_up = sum(
        any(sending.after > 0 for sending in one.said) for scenario in scenarios.values() for one in scenario.asked()
    )
    table.row(
        57, f"late answers {order.replace('-', ' ')}, {kind}",
        f"every third answer {LOW:g} to {HIGH:g} time-outs late"
        + (", each by its own clock" if order == "out-of-order" else ""),
        "no wrong value",
        f"{number} polls on {len(scenarios)} lines, {given_up} answers late, {valid} valid values, "
        f"{len(lies)} wrong; {run.seconds:.0f} s",
    )
    assert all(not scenario.effects() for scenario in scenarios.values()), "something else than reads was sent"
    assert not lies, f"{len(lies)} of {valid} valid values are wrong, such as\n" + "\n".join(lies[:4])
    assert number >= POLLS / 20 and given_up >= number / 8, (
        f"{number} polls, {given_up} of them late: this proves little"
    )
    # Two answers of three are in time: a host that believes none would tell no lies either.
    values = len(BLOCK) if kind == "block" else 1
    assert valid >= values * number / 4, f"{valid} valid values of {number} polls, each of which could bring {values}"


def test_enough_was_asked(run):
    assert enough(run), f"in {run.seconds:.0f} s only {({kind: asked(run.of(kind)) for kind in KINDS})} polls"
