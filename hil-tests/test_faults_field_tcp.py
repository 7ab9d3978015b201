"""Rows 8, 55, 56, 58 and 59 of the fault matrix over Modbus TCP: what gateways and devices do in the field.

All at once on one host for two minutes: a register is refused for a third of one, and a gateway's dead units must not
cost their neighbour more than a few of its polls however long it goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from peers import faults
from peers.links import Link
from peers.manners import Manners
from peers.narrowing import (
    LATECOMER, TcpLatecomer, comes_back_by_itself, is_read_in_few_requests, narrow, shares, sixty,
)
from peers.outcome import Outcome
from peers.registers import ModbusUnit, Registers
from peers.scenarios import TcpScenario, Timeline
from peers.tcp_modbus import TcpModbus
from peers.truth import Register

pytestmark = [pytest.mark.host, pytest.mark.timeout(180), pytest.mark.xdist_group("field-tcp")]
# The device that starts has started after twenty seconds, and is given ninety.
TIMELINE = Timeline(before=1, fault=19, after=91)

GATEWAY_CODES = (0x0B, 0x0A, 0x04, 0x06)
APART = {"NABD_GNSS_FIX": Register(3, 0), "far/NABD_GNSS_FIX": Register(3, 100)}


class Gateway(TcpScenario):
    """One healthy unit behind a gateway, and others that are not there: after a while the gateway says so,
    and asks nothing else meanwhile.

    ``dead``: how many; ``delay``: how long the gateway waits for one. Unit: s.
    """

    def __init__(self, dead: int, delay: float, period: float, hasty: bool = False, codes: int = 0) -> None:
        super().__init__(
            needs={"exception"}, profile="bench/gateway-hasty" if hasty else "bench/gateway", period=period,
            slowest=0.5 if hasty else 4.0, always=True,
        )
        self.delay = delay
        self.dead = [ModbusUnit(10 + number, Registers({})) for number in range(dead)]
        for number, unit in enumerate(self.dead):
            unit.refuses = lambda asked, code=GATEWAY_CODES[(codes + number) % len(GATEWAY_CODES)]: code
            unit.fault = faults.late(delay)

    def make(self, link: Callable[..., Link]) -> None:
        self.server = TcpModbus(self.clockwork, [self.unit, *self.dead], one_at_a_time=True)

    def devices(self) -> dict[str, dict]:
        entry = {
            "profile": self.profile, "line": self.server.line,
            "override": {
                "every": dict.fromkeys(("NABD_GNSS_FIX", "NABD_GNSS_SATELLITES"), f"{self.period * 1000:.0f}ms")
            },
        }
        names = [f"{self.name}-dead-{unit.number}" for unit in self.dead]
        entries = [entry | {"unit": unit.number} for unit in self.dead]
        # In no good order: one that is not there is the first.
        return dict([*zip(names[:1], entries[:1]), (self.name, entry | {"unit": 1}), *zip(names[1:], entries[1:])])


class Apart(TcpScenario):
    """Two blocks far apart; one is answered with exception 4, in a header that counts a byte too many."""

    def __init__(self) -> None:
        super().__init__(
            faults.where(faults.refused, faults.claimed_length(4)), {"frame"}, profile="bench/apart-tcp", where=APART,
            registers=lambda: Registers({3: [0, 100]}), always=True,
        )
        self.unit.refuses = lambda asked: 4 if asked.covers(3, 100) else None


def answering_only(code: int) -> TcpScenario:
    """A device that answers each time, with an exception."""
    scenario = TcpScenario(needs={"exception"}, always=True)
    scenario.unit.refuses = lambda asked: code
    return scenario


PATIENT = {f"{dead}-dead-{delay:g}s": Gateway(dead, delay, period, codes=codes)
           for dead, delay, period, codes in ((1, 1.0, 0.5, 0), (3, 1.0, 0.5, 1), (1, 3.0, 2.0, 3), (3, 3.0, 2.0, 0))}
HASTY = {f"{dead}-dead-{delay:g}s-hasty": Gateway(dead, delay, period, hasty=True, codes=codes)
         for dead, delay, period, codes in ((1, 1.0, 0.5, 2), (3, 1.0, 0.5, 3), (1, 3.0, 2.0, 1), (3, 3.0, 2.0, 2))}
# The same without anybody dead, to compare with.
CONTROL = {
    f"none-dead-{period * 1000:.0f}ms{'-hasty' * hasty}": Gateway(0, 0, period, hasty)
    for period in (0.5, 2.0)
    for hasty in (False, True)
}
NARROW = narrow("tcp")
# None of these is an answer; not one has anything to do with a baud rate.
NO_ANSWERS = {
    "other-protocol": faults.as_protocol(7),
    "garbage": faults.noise(41, instead=30),
    "half": faults.truncated(9),
    "other-function": faults.changed(lambda data: data[:7] + b"\x04" + data[8:]),
    "too-few": faults.changed(
        lambda data: data[:5] + bytes([data[5] - 2]) + data[6:8] + bytes([data[8] - 2]) + data[9:-2]
    ),
}

SCENARIOS = {
    **PATIENT, **HASTY, **CONTROL, **NARROW,
    "one-answer": TcpScenario(needs={"cut"}, manners=Manners(one_answer=True), always=True),
    "idle": TcpScenario(needs={"cut"}, profile="bench/tcp-seldom", period=1.5, manners=Manners(idle=1.0), always=True),
    "latecomer": TcpLatecomer(),
    "long-exception": sixty("tcp", faults.where(faults.refused, faults.claimed_length(4)), always=True),
    "long-exception-apart": Apart(),
    "padded": TcpScenario(faults.in_turn(*map(faults.padded, (1, 2, 3))), {"frame"}, always=True),
    "exceptions-2": answering_only(2), "exceptions-4": answering_only(4), "exceptions-11": answering_only(11),
    **{name: TcpScenario(fault, {"frame"}, always=True) for name, fault in NO_ANSWERS.items()},
}
SCENARIOS["long-exception"].unit.registers.illegal = {(3, LATECOMER)}
scenario = pytest.mark.scenario


def each(names, *more: Callable[[str], str]) -> pytest.MarkDecorator:
    """The same test of several scenarios, each perhaps with another to compare with."""
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=scenario(name, *(other(name) for other in more))) for name in names]
    )


def control_of(name: str) -> str:
    """The gateway with nobody dead that a gateway is compared with."""
    gateway = SCENARIOS[name]
    return f"none-dead-{gateway.period * 1000:.0f}ms" + "-hasty" * name.endswith("hasty")


def polls_kept(outcome: Outcome) -> int:
    """How many polls brought a value, from the host's start on."""
    return sum(line["validity"] == "valid" for line in outcome.samples(metric="NABD_GNSS_FIX"))


@each([*PATIENT, *HASTY], control_of)
def test_row_55_units_that_a_gateway_says_are_not_there_cost_their_neighbour_little(outcomes, table, name):
    outcome, control = outcomes
    gateway: Gateway = outcome.scenario
    compared = outcome.tells_no_lies()
    kept, alone = polls_kept(outcome), polls_kept(control)
    assert alone >= 0.95 * (control.stopped - control.launched - 2) / control.scenario.period, (
        f"without the dead ones only {alone} polls were kept"
    )
    # To find out that they are dead takes one answer of each.
    allowance = len(gateway.dead) * math.ceil(gateway.delay / gateway.period)
    assert kept >= 0.95 * alone - allowance, f"{kept} polls were kept beside the dead ones, {alone} without them"
    stale = outcome.events("deviceStale")
    assert not stale and not outcome.alerts("NABD_DEVICE_STALE"), f"the healthy one was stale {len(stale)} times"
    silent = outcome.events("deviceSilent")
    assert not silent, f"the healthy one was called silent: {silent[0]}"
    tried = sum(len(unit.asked) for unit in gateway.dead)
    table.row(
        55, f"gateway with units that are not there ({name})",
        f"{len(gateway.dead)} units for which it says so after {gateway.delay:g} s, asking nothing else; "
        f"slowest reply {gateway.slowest:g} s",
        "the healthy one keeps 95 % of its polls and is never stale",
        f"kept {kept} of {alone} polls, the dead ones were asked {tried} times, {compared} values true",
    )


@each([*PATIENT, *HASTY])
def test_row_55_unit_that_a_gateway_says_is_not_there_is_told_as_that(outcome, table, name):
    texts = []
    for device in outcome.scenario.devices():
        if device == name:
            continue
        assert not outcome.events("deviceConnected", device=device), f"{device} is called connected"
        found = outcome.events("deviceSilent", device=device)
        assert found, f"{device} is not told as silent; events {outcome.kinds(device)}"
        texts += [line.get("text", "") for line in found]
        alerts = outcome.alerts("NABD_DEVICE_STALE", device)
        assert len(alerts) == 1 and (alerts[0][1] or outcome.stopped) >= outcome.stopped, (
            f"{device}: the alert that it is stale did not hold: {alerts}"
        )
    assert all("exception" in text for text in texts), texts
    table.row(
        55, f"what is said of such units ({name})", "as above", "not connected; silent, with the exceptions",
        f"told “{texts[0]}”",
    )


@each(["one-answer", "idle"])
def test_row_56_connection_that_ends_between_two_questions_is_no_fault(outcome, table, name):
    compared = outcome.tells_no_lies()
    share = outcome.valid_share(least=0.95)
    outcome.no_trouble()
    made = outcome.scenario.server.accepted
    assert made >= 0.9 * (outcome.stopped - outcome.launched - 3) / outcome.scenario.period, (
        f"only {made} connections: the device never ended one"
    )
    unread = outcome.unanswered()
    assert not unread, f"samples without a value: {unread}"
    injected = {
        "one-answer": "the connection is closed after each answer",
        "idle": "it is closed after 1 s of rest, asked is every 1.5 s",
    }[name]
    table.row(
        56, f"connection that ends between two questions ({name})", injected,
        "asked in the breath of reopening; no fault told",
        f"{share:.0%} of polls good over {made} connections, {compared} values true",
    )


@each(NARROW)
def test_row_58_read_that_a_device_does_not_take_is_narrowed(outcome, table, name):
    seen = is_read_in_few_requests(outcome)
    table.row(
        58, f"TCP, {name.replace('-', ' ')}",
        "no answer, or an exception, to reads of more than 40 registers or across a hole",
        "all there within 60 s; then at most one request more than needed", seen,
    )


@scenario("latecomer")
def test_row_59_register_that_is_refused_while_the_device_starts_comes_back(outcome, table):
    seen = comes_back_by_itself(outcome)
    assert outcome.scenario.server.accepted == 1, f"the connection was made {outcome.scenario.server.accepted} times"
    table.row(59, "register refused while the device starts, TCP", "exception 2 for one of sixty registers for 20 s",
              "alert while it is out; asked again; valid within 90 s", seen)


@scenario("long-exception")
def test_row_08_exception_whose_header_counts_a_byte_too_many_is_an_exception(outcome, table):
    compared = outcome.tells_no_lies()
    told = outcome.told("registersRefused", 5, since=outcome.launched)
    least = min(
        share
        for key, share in shares(outcome, outcome.started + 5, outcome.stopped - 1).items()
        if not key.startswith(f"r{LATECOMER}")
    )
    assert least >= 0.95, f"of the registers that are there only {least:.0%} of the polls were good"
    assert outcome.scenario.server.accepted == 1, f"the connection was made {outcome.scenario.server.accepted} times"
    table.row(
        8, "exception whose header counts a byte too many",
        "length 4 in the header, 3 bytes sent, for one of sixty registers",
        "an exception; the others arrive over the same connection",
        f"refusal told {told:.1f} s after the start, {least:.0%} of the others' polls good, {compared} values true",
    )


@scenario("long-exception-apart")
def test_row_08_exception_whose_header_counts_a_byte_too_many_costs_the_next_block_nothing(outcome, table):
    compared = outcome.tells_no_lies()
    share = outcome.valid_share(least=0.95)
    counted = outcome.counted("exceptions", 3)
    assert outcome.scenario.server.accepted == 1, f"the connection was made {outcome.scenario.server.accepted} times"
    table.row(
        8, "such an exception at each poll of one block", "length 4 in the header of exception 4",
        "the block beside it is not touched",
        f"{share:.0%} of its polls good, {counted} exceptions counted, {compared} values true",
    )


@scenario("padded")
def test_row_08_answer_with_padding_is_read_by_its_own_length(outcome, table):
    compared = outcome.tells_no_lies()
    share = outcome.valid_share(least=0.95)
    assert outcome.scenario.server.accepted == 1, f"the connection was made {outcome.scenario.server.accepted} times"
    table.row(
        8, "answers with padding", "1 to 3 bytes more behind the data, counted by the header",
        "read; the connection stays", f"{share:.0%} of polls good, {compared} values true",
    )


@each(["exceptions-2", "exceptions-4", "exceptions-11"])
def test_device_that_answers_exceptions_only_is_not_called_unheard(outcome, table, name):
    outcome.tells_no_lies()
    outcome.none_valid(outcome.launched, outcome.stopped)
    assert outcome.alerts("NABD_DEVICE_STALE"), f"no alert that there are no values; events {outcome.kinds()}"
    false = [
        text
        for text in outcome.words()
        if "nothing was heard" in text or "baud" in text or "parity" in text or "cable" in text
    ]
    assert not false, false
    table.row(None, f"device that answers only {name.replace('-', ' ')}", "every answer an exception, from the start",
              "nobody says that nothing was heard", f"said was {outcome.words() or 'nothing'}")


@each(NO_ANSWERS)
def test_hints_on_tcp_are_about_tcp(outcome, table, name):
    outcome.tells_no_lies()
    outcome.none_valid(outcome.launched, outcome.stopped)
    silent = [line.get("text", "") for line in outcome.events("deviceSilent")]
    assert silent, f"never told as silent: {outcome.kinds()}"
    forbidden = ["baud", "parity", "wire", "nothing was heard", "other units"]
    false = [text for text in outcome.words() if any(word in text for word in forbidden)]
    assert not false, false
    table.row(
        None, f"hints on TCP ({name.replace('-', ' ')})", "answers that are none, of the right unit",
        "nothing about baud, parity or other units", f"told “{silent[0]}”",
    )
