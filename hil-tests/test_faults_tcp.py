"""Rows 1, 2, 5 to 8 and 14 of the fault matrix over Modbus TCP, where a header tells what a frame answers, and can lie.

A late answer must cost only its own request: the connection stays.
"""

from __future__ import annotations

import pytest

from peers import faults
from peers.registers import Asked, Sending, honest
from peers.scenarios import TcpScenario, Timeline
from peers.truth import deadline

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("faults-tcp")]
TIMELINE = Timeline(before=2, fault=8, after=14)

TIMEOUT = deadline(0.06)
# A device alone on its line may be left alone for ten seconds after it has failed for a while.
BACK = 12


class OutOfOrder:
    """Keeps every other answer back until the next request has been answered, and sends it after that answer.

    What was kept is forgotten when the next request is not of the next transaction:
    then it may be of another connection.
    """

    def __init__(self) -> None:
        self._kept: Asked | None = None

    def __call__(self, asked: Asked) -> list[Sending]:
        kept, self._kept = self._kept, None
        if kept is not None and asked.transaction == kept.transaction + 1:
            return [*honest(asked), *honest(kept)]
        self._kept = asked
        return []


class Cut(TcpScenario):
    """The server goes away, and its port with it, and comes back."""

    def begin(self) -> None:
        self.server.refuse()

    def end(self) -> None:
        self.server.accept()


class CutInside(TcpScenario):
    """The connection ends in the middle of every answer."""

    def begin(self) -> None:
        self.unit.fault = self._half

    def _half(self, asked: Asked) -> list[Sending]:
        self.clockwork.at(asked.at + 0.02, self.server.cut)
        return faults.truncated(9)(asked)


SCENARIOS = {
    "silent": TcpScenario(faults.silent, {"silent"}),
    "dribbled": TcpScenario(faults.dribbled(0.02), {"late"}),
    "other-transaction": TcpScenario(
        faults.first(faults.as_transaction(lambda number: number + 1000), 0.02), {"frame"}
    ),
    "other-unit": TcpScenario(
        faults.first(faults.changed(lambda data: data[:6] + b"\x4D" + data[7:]), 0.02), {"frame"}
    ),
    "other-function": TcpScenario(
        faults.first(faults.changed(lambda data: data[:7] + b"\x04" + data[8:]), 0.02), {"frame"}
    ),
    "other-protocol": TcpScenario(faults.as_protocol(7), {"frame"}),
    "late": TcpScenario(faults.late_by_chance(61, TIMEOUT, share=0.35), {"late"}),
    "out-of-order": TcpScenario(OutOfOrder(), {"late"}),
    "twice": TcpScenario(faults.twice(), {"frame"}),
    "twice-later": TcpScenario(faults.twice(after=0.04), {"frame"}),
    "lengths": TcpScenario(faults.in_turn(*map(faults.claimed_length, (0, 1, 2, 3, 300, 65535))), {"frame"}),
    "half": TcpScenario(faults.in_turn(*map(faults.truncated, (3, 9, 12))), {"frame"}),
    "byte-counts": TcpScenario(
        faults.in_turn(
            *(faults.changed(lambda data, count=count: data[:8] + bytes([count]) + data[9:]) for count in (0, 2, 200))
        ),
        {"frame"},
    ),
    "exceptions": TcpScenario(
        faults.in_turn(
            *(
                faults.changed(lambda data, code=code: data[:4] + b"\0\x03" + data[6:7] + bytes([data[7] | 0x80, code]))
                for code in (1, 4, 6)
            )
        ),
        {"frame"},
    ),
    "cut": Cut(needs={"cut"}, lasts=4),
    "cut-inside": CutInside(needs={"cut"}, lasts=4),
}
scenario = pytest.mark.scenario


def named(*names: str) -> pytest.MarkDecorator:
    """The same test of several scenarios."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in names])


@scenario("silent")
def test_row_01_silent_server_is_stale_and_alarmed(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.4, outcome.ended)
    assert reasons <= {"timedOut", "stale"}, reasons
    told = outcome.told("deviceSilent", 4, text="nothing was heard")
    alert = outcome.alerted("NABD_DEVICE_STALE", "medium", 3 * 0.1 + 2)
    back = outcome.recovered(BACK)
    outcome.alert_ended("NABD_DEVICE_STALE", BACK)
    table.row(1, "TCP server silent", "silence for 8 s on an open connection", "stale, alert, back within 12 s",
              f"silent after {told:.1f} s, alert {alert:.1f} s, back after {back:.1f} s")


@scenario("dribbled")
def test_row_02_dribbled_answer_is_given_up_as_a_whole(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.4, outcome.ended)
    back = outcome.recovered(BACK)
    # Half a frame at the deadline may be reason enough for another connection; a storm of them is not.
    made = outcome.scenario.server.accepted
    assert made <= 15, f"the connection was made {made} times"
    table.row(
        2, "TCP answer byte by byte", f"20 ms between bytes: 240 ms, allowed are {TIMEOUT * 1000:.0f}",
        "given up as a whole, discarded", f"no valid value meanwhile, {made} connections, back after {back:.1f} s",
    )


@named("other-transaction", "other-unit", "other-function")
def test_row_05_foreign_header_is_discarded_and_waiting_goes_on(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("mismatchedReply", 3)
    counted = outcome.counted("mismatched", 5)
    share = outcome.valid_share(least=0.8)
    outcome.not_told("deviceSilent")
    assert outcome.scenario.server.accepted == 1, "the connection was made again"
    table.row(
        5, f"TCP, {name.replace('-', ' ')} first", "a foreign frame 20 ms before each right answer",
        "discarded, waiting goes on",
        f"{share:.0%} of polls good, {compared} values true, {counted} counted, told after {told:.1f} s",
    )


@scenario("other-protocol")
def test_row_05_frames_of_another_protocol_are_never_taken(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.4, outcome.ended)
    back = outcome.recovered(BACK)
    table.row(
        5, "TCP, another protocol", "protocol 7 in each header for 8 s", "never taken",
        f"{compared} values true, back after {back:.1f} s",
    )


@scenario("late")
def test_row_06_late_answer_costs_only_its_own_request(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    late = outcome.counted("late", 3)
    told = outcome.told("lateReply", 8)
    good = [line for line in outcome.samples(outcome.began, outcome.ended) if line["validity"] == "valid"]
    assert len(good) >= 10, f"{len(good)} valid samples meanwhile"
    back = outcome.recovered(BACK)
    assert outcome.scenario.server.accepted == 1, f"the connection was made {outcome.scenario.server.accepted} times"
    table.row(6, "late answer over TCP", "a third of the answers 0.5 to 5 time-outs late",
              "counted, costs only its own request; the connection stays",
              f"{late} late, told after {told:.1f} s, {compared} values true, one connection, back after {back:.1f} s")


@scenario("out-of-order")
def test_row_07_answers_out_of_order_are_told_apart(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("lateReply", 8)
    good = [line for line in outcome.samples(outcome.began, outcome.ended) if line["validity"] == "valid"]
    assert good, "the answers that came in time were not taken"
    back = outcome.recovered(BACK)
    table.row(
        7, "answers out of order", "each other answer is kept back until the next has been given",
        "the right one is taken, the other is late",
        f"{compared} values true, {len(good)} meanwhile, told after {told:.1f} s, back after {back:.1f} s",
    )


@named("twice", "twice-later")
def test_row_07_of_two_copies_the_first_counts(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("duplicateReply", 3)
    counted = outcome.counted("duplicate", 5)
    share = outcome.valid_share(least=0.8)
    assert outcome.scenario.server.accepted == 1, "the connection was made again"
    table.row(7, f"TCP answer {name.replace('-', ' ')}", "each answer a second time, at once or 40 ms later",
              "the first counts, the second is drained",
              f"{counted} copies, told after {told:.1f} s, {share:.0%} of polls good, {compared} values true")


@named("lengths", "half", "byte-counts")
def test_row_08_absurd_lengths_and_half_frames_are_refused(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.4, outcome.ended)
    back = outcome.recovered(BACK)
    table.row(
        8, f"TCP, {name.replace('-', ' ')}",
        "lengths 0 to 65535 in the header, frames cut after 3, 9, 12 bytes, byte counts 0, 2, 200",
        "refused before anything is read from them; in step again",
        f"{compared} values true, {outcome.scenario.server.accepted} connections, back after {back:.1f} s",
    )


@scenario("exceptions")
def test_row_09_exceptions_over_tcp_are_typed(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended, at_least=20)
    assert "deviceException" in reasons and reasons <= {"deviceException", "stale"}, reasons
    counted = outcome.counted("exceptions", 20)
    outcome.not_told("deviceSilent")
    back = outcome.recovered(3)
    table.row(9, "exceptions 1, 4, 6 over TCP", "each in turn for 8 s", "journalled as exceptions; the device is there",
              f"{counted} counted, back after {back:.1f} s")


@named("cut", "cut-inside")
def test_row_14_connection_that_is_cut_is_made_again(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("deviceDisconnected", 3)
    # It is told when it begins, and not again.
    outcome.none_valid(outcome.began + 0.3, outcome.ended, at_least=0)
    reasons = {line.get("reason") for line in outcome.samples(outcome.began, outcome.ended)}
    assert "disconnected" in reasons, reasons
    back = outcome.recovered(BACK)
    table.row(14, f"TCP connection {name.replace('-', ' ')}", "server gone, or every answer cut in the middle, for 4 s",
              "disconnected; made again by itself",
              f"told after {told:.1f} s, {compared} values true, back after {back:.1f} s")
