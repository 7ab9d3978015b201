"""Rows 14, 56 and 65 of the fault matrix on text protocols, and lines that cannot be reached:
what is met in the field.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from peers import faults
from peers.analyser import ACK, ENQ, EOT, NAK, Analyser, Transmission, frames
from peers.counting_pump import wrong_crc
from peers.links import Link
from peers.manners import Manners
from peers.outcome import Outcome, moment
from peers.registers import Asked
from peers.scenarios import PumpScenario, RtuScenario, Scenario, TcpPumpScenario, TcpScenario, Timeline
from peers.tcp_modbus import TcpModbus

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("field-text")]
TIMELINE = Timeline(before=3, fault=12, after=12)

FLOW = "MDC_FLOW_FLUID_PUMP_CURRENT"
HEADER, PATIENT, ORDER, END = "H|\\^&|||Bench^1", "P|1", "O|1||7", "L|1|N"


def result(number: int, test: str, value: str, unit: str) -> str:
    """A result record."""
    return f"R|{number}|^^^{test}|{value}|{unit}||N||F"


class Laboratory(Scenario):
    """An analyser that sends three messages: in one frame, in a frame for each record,
    and one whose text goes on in a second frame.

    The checksum of one frame is wrong the first time.
    """

    carries = "ascii"
    starts_mute = True
    period = 60.0

    def make(self, link: Callable[..., Link]) -> None:
        blood = [
            result(1, "^WBC^1", "8.1", "10*3/uL"), result(2, "^RBC^1", "4.5", "10*6/uL"),
            result(3, "^PLT^1", "210", "10*3/uL"),
        ]
        comment = "C|1|I|" + "no remark " * 30
        self.messages = [
            Transmission(frames([HEADER, PATIENT, ORDER, result(1, "HbA1c", "5.9", "%"), END], one_frame=True)),
            Transmission(frames([HEADER, PATIENT, ORDER, *blood, END])),
            Transmission(frames([HEADER, PATIENT, ORDER, comment, result(1, "HbA1c", "6.2", "%"), END]), spoilt={2}),
        ]
        self.analyser = Analyser(self.clockwork, link(baud=9600), self.messages)

    def devices(self) -> dict[str, dict]:
        return {self.name: {"profile": "astm/lis2-a2", "line": self.analyser.link.path}}

    def begin(self) -> None:
        self.analyser.start()

    def end(self) -> None:
        """It goes on until all is sent."""

    def asked(self) -> list[Asked]:
        return []

    def lies(self, lines: list[dict]) -> list[str]:
        return []

    def effects(self) -> list:
        return []

    def close(self) -> None:
        self.analyser.stop()


class Missing(Scenario):
    """A device that is not there: no such port, or nobody who listens."""

    starts_mute = True

    def __init__(self, profile: str, carries: str = "ascii") -> None:
        super().__init__(needs={"many-lines"}, always=True)
        self.profile = profile
        self.carries = carries

    def make(self, link: Callable[..., Link]) -> None:
        self.server = TcpModbus(self.clockwork, []) if self.carries == "tcp" else None
        if self.server is not None:
            self.server.refuse()
            self.path = self.server.line
        else:
            there = link()
            self.path = there.path
            there.close()

    def devices(self) -> dict[str, dict]:
        return {self.name: {"profile": self.profile, "line": self.path}}

    def begin(self) -> None:
        """It was never there."""

    def asked(self) -> list[Asked]:
        return []

    def lies(self, lines: list[dict]) -> list[str]:
        return []

    def effects(self) -> list:
        return []

    def close(self) -> None:
        if self.server is not None:
            self.server.stop()


class Pulled(RtuScenario):
    """An adapter that is pulled for a while."""

    def __init__(self) -> None:
        super().__init__(needs={"unplug"}, mate=False)

    def begin(self) -> None:
        self.bus.unplug()

    def end(self) -> None:
        self.bus.replug()


class SwitchedOff(TcpScenario):
    """A server that is switched off for a while."""

    def begin(self) -> None:
        self.server.refuse()

    def end(self) -> None:
        self.server.accept()


MISSING = {
    "missing-bus": Missing("bench/registers"), "missing-pump": Missing("bench/pump"),
    "missing-server": Missing("bench/tcp", "tcp"), "missing-laboratory": Missing("astm/lis2-a2"),
}
LOST = {"pulled": Pulled(), "switched-off": SwitchedOff(needs={"cut"})}
SCENARIOS = {
    **MISSING,
    **LOST,
    "one-answer": TcpPumpScenario(needs={"cut"}, manners=Manners(one_answer=True), always=True),
    "idle": TcpPumpScenario(
        needs={"cut"}, manners=Manners(idle=1.0), profile="bench/pump-tcp-seldom", period=1.5, always=True
    ),
    "damaged": TcpPumpScenario(wrong_crc, {"crc"}, always=True),
    "laboratory": Laboratory(),
    "half-deaf": PumpScenario(
        faults.where(lambda asked: b"SYRINGE" in asked.raw, faults.silent), {"silent"}, profile="bench/pump-shared",
        period=0.5, always=True,
    ),
}
scenario = pytest.mark.scenario


def each(names) -> pytest.MarkDecorator:
    """The same test of several scenarios."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in names])


def told_as_disconnected(outcome: Outcome, since: float, until: float) -> dict[str, int]:
    """By metric, how many samples say that it is disconnected."""
    counts: dict[str, int] = {}
    for line in outcome.samples(since, until):
        counts[line["metric"]] = counts.get(line["metric"], 0) + (line.get("reason") == "disconnected")
    return counts


@each([*MISSING, *LOST])
def test_row_14_line_that_cannot_be_reached_is_told_once(outcome, table, name):
    begin, end = (outcome.launched, outcome.stopped) if name in MISSING else (outcome.began, outcome.ended)
    counts = told_as_disconnected(outcome, begin, end)
    assert counts, "nothing was journalled of it"
    assert set(counts.values()) == {1}, (
        f"{name}: told as disconnected so many times within {end - begin:.0f} s: {counts}"
    )
    events = outcome.events("deviceDisconnected", begin, end)
    assert len(events) == 1, f"deviceDisconnected was told {len(events)} times"
    if name in LOST:
        outcome.was_healthy()
        outcome.recovered(12)
    table.row(
        14, f"line that cannot be reached ({name.replace('-', ' ')})",
        f"for {end - begin:.0f} s, tried again and again", "each metric told once",
        f"{len(counts)} metrics, each told once",
    )


@each(["one-answer", "idle"])
def test_row_56_connection_that_ends_between_two_questions_is_no_fault(outcome, table, name):
    compared = outcome.tells_no_lies()
    share = outcome.valid_share(FLOW, least=0.95)
    outcome.no_trouble()
    made = outcome.scenario.link.accepted
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
        56, f"text over a connection that ends between two questions ({name})", injected,
        "asked in the breath of reopening; no fault told",
        f"{share:.0%} of polls good over {made} connections, {compared} values true",
    )


@scenario("laboratory")
def test_row_65_frame_is_answered_once_and_the_line_end_behind_it_is_no_damage(outcome, table):
    messages = outcome.scenario.messages
    assert outcome.scenario.analyser.ended, "the analyser has not come to its end"
    for number, message in enumerate(messages, start=1):
        things = [
            ("ENQ", ACK) if said == ENQ else ("EOT", b"") if said == EOT else ("frame", ACK) for said, _ in message.said
        ]
        answers = [answer for _, answer in message.said]
        wanted = [answer for _, answer in things]
        if number == 3:
            wanted[3] = NAK  # its third frame, the first time
        assert answers == wanted, (
            f"message {number}: {[name for name, _ in things]} were answered {answers}, expected {wanted}"
        )
        sent = sum(name == "frame" for name, _ in things)
        assert sent == len(message.frames) + (number == 3), (
            f"message {number}: {sent} frames were sent for {len(message.frames)}"
        )
    values = {metric: [line["value"] for line in outcome.samples(metric=metric) if "value" in line]
              for metric in ("NABD_HBA1C", "NABD_LEUKOCYTES", "NABD_ERYTHROCYTES", "NABD_PLATELETS")}
    assert values == {
        "NABD_HBA1C": [5.9, 6.2], "NABD_LEUKOCYTES": [8.1], "NABD_ERYTHROCYTES": [4.5], "NABD_PLATELETS": [210],
    }, values
    total = sum(len(message.frames) for message in messages)
    table.row(65, "CR LF behind each frame", f"three messages of an analyser, {total} frames, one of them spoilt once",
              "each good frame acknowledged once, the spoilt one refused once",
              f"{total + 1} frames sent, {total} acknowledged, one refused; all results arrived")


@scenario("half-deaf")
def test_field_that_two_questions_tell_is_missed_only_when_both_fail(outcome, table):
    compared = outcome.tells_no_lies()
    begin, end = outcome.started + 1, outcome.stopped - 0.5
    unanswered = [asked for asked in outcome.asked(begin, end) if b"SYRINGE" in asked.raw]
    assert len(unanswered) >= 3, f"the other question was asked {len(unanswered)} times: this proves nothing"
    stale = outcome.events("deviceStale") + [
        line for line in outcome.events("alertStart") if line["alert"] == "NABD_DEVICE_STALE"
    ]
    assert not stale, f"told as stale: {stale[0]}"
    rates = outcome.samples(outcome.started, metric=FLOW)
    wrong = [line for line in rates if line["validity"] != "valid"]
    assert not wrong, f"{len(wrong)} of {len(rates)} samples of the rate say that there is none, such as {wrong[0]}"
    times = [begin, *(moment(line) for line in rates if begin <= moment(line) < end), end]
    hole = max(b - a for a, b in zip(times, times[1:]))
    assert hole <= 3 * outcome.scenario.period, f"no rate for {hole:.2f} s"
    table.row(
        None, "one field told by two questions", "one of the two is never answered",
        "its values stay valid and current, no alert",
        f"{len(rates)} rates, all valid, longest hole {hole:.2f} s, the other question asked {len(unanswered)} "
        f"times; {compared} values true",
    )


@scenario("damaged")
def test_hints_on_tcp_are_about_tcp(outcome, table):
    outcome.tells_no_lies()
    outcome.none_valid(outcome.launched, outcome.stopped)
    silent = [line.get("text", "") for line in outcome.events("deviceSilent")]
    assert silent, f"never told as silent: {outcome.kinds()}"
    false = [
        text
        for text in outcome.words()
        if any(word in text for word in ("baud", "parity", "wire", "nothing was heard"))
    ]
    assert not false, false
    table.row(
        None, "hints on TCP (damaged text)", "a wrong checksum on each reply", "nothing about baud, parity or wires",
        f"told “{silent[0]}”",
    )
