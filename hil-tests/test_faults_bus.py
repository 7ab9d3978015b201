"""Rows 10 to 12 and 14 of the fault matrix on a Modbus RTU bus, a dead neighbour, and a register that is not there.

All at once on one host, for more than a minute: a unit is dead for one of them, and a device that contradicted itself
is not believed for thirty seconds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from peers import faults
from peers.clockwork import now
from peers.links import Link
from peers.outcome import Outcome, moment
from peers.registers import Asked, ModbusUnit, Registers, Sending
from peers.scenarios import COUNTERS, RtuScenario, Timeline
from peers.truth import SLACK, Register, deadline, wrong_registers

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("faults-bus")]
TIMELINE = Timeline(before=3, fault=60, after=4)

TIMEOUT = deadline(0.06)
QUARANTINE = 30
REGISTERS, MISSING = 60, 37
OTHER = 77


class DeadNeighbour(RtuScenario):
    """Two units that are asked ten times a second and may take 300 ms; one of them is dead for a minute."""

    def __init__(self) -> None:
        super().__init__(faults.silent, {"silent"}, profile="bench/slow", slowest=0.3, period=0.1)

    def devices(self) -> dict[str, dict]:
        found = super().devices()
        found[f"{self.name}-mate"]["profile"] = "bench/slow"
        return found

    def lies(self, lines: list[dict]) -> list[str]:
        oldest = deadline(0.3) + SLACK
        return [*wrong_registers(lines, self.name, self.unit, COUNTERS, oldest),
                *wrong_registers(lines, f"{self.name}-mate", self.neighbour, COUNTERS, oldest)]


class Echoing(RtuScenario):
    """A two-wire adapter that hears itself, from the start; ``lost`` makes it hear
    only two of three during the fault.
    """

    def __init__(self, *arguments, lost: bool = False, **rest) -> None:
        super().__init__(*arguments, **rest)
        self._lost = lost

    def make(self, link: Callable[..., Link]) -> None:
        super().make(link)
        self.bus.echo = lambda chunk: True

    def begin(self) -> None:
        super().begin()
        if self._lost:
            self.bus.echo = lambda chunk: chunk % 3 != 0

    def end(self) -> None:
        super().end()
        self.bus.echo = lambda chunk: True


class Twins(RtuScenario):
    """A second device of the same address is plugged in for a while. ``collide``: both speak at once, byte for byte."""

    def __init__(self, collide: bool, lasts: float) -> None:
        super().__init__(needs={"twins"}, lasts=lasts)
        self._collide = collide
        self.twin = ModbusUnit(1, Registers({3: range(2)}, first_tag=12))

    def _after_it(self, asked: Asked) -> list[Sending]:
        """Right after the first one's answer, at the wire's pace,
        so that the line does not fall silent between them.
        """
        pace = self.bus.byte_time
        return [Sending(asked.reply, after=(len(asked.reply) + 0.5) * pace, gap=pace)]

    def begin(self) -> None:
        self.twin.fault = faults.dribbled(self.bus.byte_time) if self._collide else self._after_it
        self.unit.fault = faults.dribbled(self.bus.byte_time) if self._collide else faults.honest
        self.bus.twins.append(self.twin)

    def end(self) -> None:
        super().end()
        self.bus.twins.remove(self.twin)


class SecondMaster(RtuScenario):
    """After our polls another master asks a unit of its own, and ours for other registers;
    now and then it garbles the line.
    """

    def __init__(self) -> None:
        super().__init__(needs={"master"}, registers=lambda: Registers({3: [0, 1, 10, 11]}), lasts=12)
        chance = random.Random(11)
        theirs = faults.frame_of(OTHER, b"\x03\x04\x12\x34\x56\x78")
        self.fault = faults.in_turn(
            faults.master_after(0.06, OTHER, 3, 2, lambda asked: theirs),
            faults.master_after(0.06, 1, 10, 2, faults.answer_of(self.unit, 10, 2)),
            lambda asked: [*faults.honest(asked), Sending(theirs[:-2] + chance.randbytes(2), after=0.06, busy=False)],
        )


class MissingRegister(RtuScenario):
    """Sixty registers in one read, of which the device lacks one; later the adapter is pulled,
    and the device has them all.
    """

    def __init__(self) -> None:
        where = {f"r{address:02d}/NABD_GNSS_FIX": Register(3, address) for address in range(REGISTERS)}
        super().__init__(needs={"exception", "unplug"}, profile="bench/sixty",
                         registers=lambda: Registers({3: range(REGISTERS)}, bits=10), where=where,
                         baud=115200, slowest=0.5, period=0.5, mate=False, begins=8, lasts=1)
        self.unit.registers.illegal = {(3, MISSING)}

    def begin(self) -> None:
        self.bus.unplug()
        self.unit.registers.illegal = set()

    def end(self) -> None:
        self.bus.replug()


class Unplugged(RtuScenario):
    """The adapter is pulled and put back in."""

    def __init__(self) -> None:
        super().__init__(needs={"unplug"}, lasts=3)

    def begin(self) -> None:
        self.bus.unplug()

    def end(self) -> None:
        self.bus.replug()


SCENARIOS = {
    "dead": DeadNeighbour(),
    "echo": Echoing(needs={"echo"}, always=True),
    "echo-lost": Echoing(needs={"echo"}, lost=True, lasts=8),
    "echo-silent": Echoing(faults.silent, {"echo", "silent"}, mate=False, lasts=8),
    "echo-late": Echoing(faults.late_by_chance(101, TIMEOUT, share=0.35), {"echo", "late"}, mate=False, lasts=15),
    "echo-late-busy": Echoing(
        faults.late_by_chance(102, TIMEOUT, share=0.35), {"echo", "late"}, mate=False, busy="drop", lasts=15
    ),
    "master": SecondMaster(),
    "twins": Twins(collide=False, lasts=4),
    "colliding": Twins(collide=True, lasts=10),
    "missing": MissingRegister(),
    "unplugged": Unplugged(),
}
scenario = pytest.mark.scenario


@pytest.mark.slow
@scenario("dead")
def test_dead_neighbour_costs_a_healthy_unit_nothing(outcome, table):
    """Today's gateways leave the healthy unit 0.3 to 3.2 % of its polls here, and holes of 4 to 5 s."""
    outcome.was_healthy()
    outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.7, outcome.ended)
    timeout = deadline(0.3)
    kept, hole = outcome.kept_period(
        outcome.scenario.neighbour.asked, 0.1, share=0.95, gap=2 * 0.1 + timeout + 2 * SLACK
    )
    mate = f"{outcome.name}-mate"
    good = [
        line
        for line in outcome.samples(outcome.began, outcome.ended, mate, "NABD_GNSS_FIX")
        if line["validity"] == "valid"
    ]
    arrived = len(good) * 0.1 / (outcome.ended - outcome.began)
    assert arrived >= 0.95, f"only {arrived:.1%} of the healthy unit's values arrived"
    tries = len(outcome.asked(outcome.began, outcome.ended))
    outcome.alerted("NABD_DEVICE_STALE", "medium", 3 * 0.1 + 2)
    table.row(
        None, "dead neighbour", f"one of two units dead for 60 s; period 100 ms, time-out {timeout * 1000:.0f} ms",
        "the healthy one keeps 95 % of its polls, no hole above two periods and a time-out",
        f"kept {kept:.1%}, {arrived:.1%} of its values arrived, longest hole {hole:.2f} s; "
        f"the dead one was tried {tries} times",
    )


@scenario("echo")
def test_row_10_echo_of_our_own_bytes_is_taken_off(outcome, table):
    compared = outcome.tells_no_lies()
    assert len(outcome.events("lineEcho")) == 1, (
        f"lineEcho was told {len(outcome.events('lineEcho'))} times; events {outcome.kinds()}"
    )
    took = outcome.told("lineEcho", 5, since=outcome.launched)
    outcome.not_told("lineEchoLost")
    share = outcome.valid_share(least=0.95)
    kept = outcome.mate_kept(0.95)
    table.row(
        10, "echo of our own bytes", "every byte we send comes back at once, all the time",
        "detected, told once, taken off",
        f"told once, {took:.1f} s after the start, {share:.0%} of polls good, {compared} values true; {kept}",
    )


@scenario("echo-lost")
def test_row_10_echo_that_comes_and_goes_is_alarmed(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("lineEchoLost", 5)
    alert = outcome.alerted("NABD_LINE_ECHO_LOST", "low", 5)
    share = outcome.valid_share(least=0.3)
    back = outcome.recovered(5)
    table.row(
        10, "echo that comes and goes", "one echo of three is missing for 8 s", "alarm, values still true",
        f"told after {told:.1f} s, alert after {alert:.1f} s, {share:.0%} of polls good, {compared} values true, "
        f"back after {back:.1f} s",
    )


@scenario("echo-silent")
def test_row_10_echo_is_no_sign_of_life(outcome, table):
    """The answer of function 08 is the request itself: an echo must not pass for it."""
    outcome.was_healthy()
    outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.3, outcome.ended)
    told = outcome.told("deviceSilent", 4)
    back = outcome.recovered(10)
    table.row(10, "echo and a silent device", "echo only, for 8 s", "the device is silent, not alive",
              f"told after {told:.1f} s, back after {back:.1f} s")


@pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in ("echo-late", "echo-late-busy")])
def test_row_10_echo_and_late_replies_together(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    outcome.not_told("conflictingReplies")
    back = outcome.recovered(12)
    table.row(10, name.replace("-", " "), "a third of the answers late, with echo, for 15 s",
              "no echo, and no late reply, is taken for an answer",
              f"{compared} values true, back after {back:.1f} s")


@scenario("master")
def test_row_11_second_master_is_told_and_its_answers_are_not_ours(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("unsolicitedFrame", 3)
    contention = outcome.told("busContention", 12)
    alert = outcome.alerted("NABD_BUS_CONTENTION", "medium", 12)
    share = outcome.valid_share(least=0.7)
    kept = outcome.mate_kept(0.9)
    ended = outcome.alert_ended("NABD_BUS_CONTENTION", 20)
    back = outcome.recovered(5)
    table.row(
        11, "second master", "requests of another master, their answers, and damaged frames after our polls for 12 s",
        "told, bus alarm; values still true",
        f"told after {told:.1f} s, contention {contention:.1f} s, alert {alert:.1f} s and over {ended:.1f} s later; "
        f"{share:.0%} of polls good, {compared} values true; {kept}; back after {back:.1f} s",
    )


def last_conflict(outcome: Outcome) -> float:
    """When the device last contradicted itself."""
    return max(moment(line) for line in outcome.events("conflictingReplies"))


@pytest.mark.slow
@scenario("twins")
def test_row_12_two_devices_of_one_address_are_believed_neither(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    told = outcome.told("conflictingReplies", 3)
    alert = outcome.alerted("NABD_CONFLICTING_REPLIES", "high", 3)
    outcome.counted("conflicts")
    first = outcome.began + told
    quiet_until = last_conflict(outcome) + QUARANTINE - 1
    reasons = outcome.none_valid(first + 0.02, quiet_until)
    assert "conflictingReplies" in reasons, reasons
    back = outcome.recovered(QUARANTINE + 6)
    outcome.alert_ended("NABD_CONFLICTING_REPLIES", QUARANTINE + 6)
    kept = outcome.mate_kept(0.9)
    table.row(
        12, "two devices, one address, one after the other",
        "a second device of the same address answers right after the first, for 4 s",
        "neither is believed for 30 s; alarm",
        f"told after {told:.2f} s, alert {alert:.2f} s, reasons {sorted(reasons)}, back after {back:.1f} s; {kept}",
    )


@scenario("colliding")
def test_row_12_two_devices_that_speak_at_once_give_no_value(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended)
    told = outcome.told("deviceSilent", 10, text="damaged bytes only")
    kept = outcome.mate_kept(0.85, gap=1.0)
    back = outcome.recovered(QUARANTINE + 6)
    table.row(12, "two devices, one address, at once", "their bytes interleave, for 10 s", "no value; told as damage",
              f"reasons {sorted(reasons)}, told after {told:.1f} s, back after {back:.1f} s; {kept}")


def search(asked: list[Asked]) -> tuple[list[Asked], list[Asked]]:
    """The reads until every register that is there has been told, and those of them that are not asked again later."""
    missing = {(3, address) for address in range(REGISTERS) if address != MISSING}
    done = 0
    for done, one in enumerate(asked, start=1):
        if one.reply and not one.reply[1] & 0x80:
            missing -= {(one.function, one.address + offset) for offset in range(one.count)}
        if not missing:
            break
    assert not missing, f"never told: {sorted(missing)}"
    steady = {one.shape for one in asked[-8:]}
    return asked[:done], [one for one in asked[:done] if one.shape not in steady]


@scenario("missing")
def test_row_09_missing_register_costs_its_block_a_few_requests_once(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    reads = [asked for asked in outcome.scenario.unit.reads if asked.at < outcome.began]
    assert reads[0].count == REGISTERS, f"the first read is of {reads[0].count} registers"
    until_all, extra = search(reads)
    most = math.ceil(math.log2(REGISTERS)) + 1
    # The refused read itself is none of them; at the end there may be one more,
    # for the registers behind the missing one.
    assert len(extra) - 1 <= most, (
        f"{len(extra) - 1} requests to find one register, allowed are {most}: {[one.shape[1:] for one in extra]}"
    )
    assert len(until_all) - 1 <= most + 2, (
        f"{len(until_all) - 1} requests until all had come: {[one.shape[1:] for one in until_all]}"
    )
    refused = [asked for asked in reads if asked.reply[1] & 0x80]
    assert all(one in until_all for one in refused), "it was asked for the missing register again"
    for address in range(REGISTERS):
        lines = [line for line in outcome.samples(until=outcome.began) if line["vmd"] == f"r{address:02d}"]
        assert any(line["validity"] == "valid" for line in lines) == (address != MISSING), f"register {address}"
    told = outcome.events("registersRefused", until=outcome.began)
    assert told and str(MISSING) in told[0]["text"], told or outcome.kinds()
    table.row(
        9, "a register that is not there", f"exception 2 for one of {REGISTERS} registers in a block",
        f"found with {most} more requests, once; the others arrive",
        f"{len(extra) - 1} requests more, {len(until_all)} until all others had come, told as “{told[0]['text']}”; "
        f"{compared} values true",
    )


@scenario("missing")
def test_row_14_what_was_refused_is_asked_again_after_replugging(outcome, table):
    outcome.tells_no_lies()
    first = next(asked for asked in outcome.scenario.unit.reads if asked.at > outcome.ended)
    assert first.count == REGISTERS, f"the first read of the new line is of {first.shape}"
    assert not outcome.events("registersRefused", outcome.ended), "it has the register now"
    back = outcome.recovered(8)
    there = {line["vmd"] for line in outcome.samples(outcome.ended) if line["validity"] == "valid"}
    assert len(there) == REGISTERS, f"{len(there)} registers arrive"
    table.row(
        14, "replugged with the missing register there", "adapter pulled for 1 s", "the whole block is tried again",
        f"all {REGISTERS} registers arrive, {back:.1f} s after plugging in",
    )


@scenario("unplugged")
def test_row_14_unplugged_adapter_is_disconnected_and_comes_back(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    told = outcome.told("deviceDisconnected", 1.5)
    # It is told when it begins, and not again.
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended)
    assert reasons <= {"disconnected", "stale"}, reasons
    assert any(line["reason"] == "disconnected" for line in outcome.samples(outcome.began, outcome.ended)), reasons
    back = outcome.recovered(8)
    outcome.told("deviceConnected", 8, since=outcome.ended)
    table.row(
        14, "adapter unplugged and replugged", "pty closed for 3 s, a new one behind the same name",
        "disconnected; opened again by itself", f"told after {told:.1f} s, back after {back:.1f} s",
    )


def test_the_search_is_counted_as_it_should_be():
    """Of the counting itself: what halves towards the missing register, then reads both sides of it."""
    def read(address: int, count: int) -> Asked:
        refused = address <= MISSING < address + count
        return Asked(now(), 1, 3, address, count, 1, b"", reply=b"\x01\x83" if refused else b"\x01\x03")

    halving = [read(0, 60), read(30, 30), read(30, 15), read(30, 7), read(37, 8)]
    steady = [read(0, 37), read(38, 22)] * 5
    until_all, extra = search([*halving, *steady])
    assert len(until_all) == 7 and [one.shape[1:] for one in extra] == [(0, 60), (30, 30), (30, 15), (30, 7), (37, 8)]
