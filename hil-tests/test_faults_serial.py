"""Rows 1 to 8, 10 and 13 to 16 of the fault matrix on lines with one pump each, asked and answered in text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from peers import faults
from peers.clockwork import now
from peers.counting_pump import CountingPump, wrong_crc
from peers.links import Holder, Link
from peers.outcome import Outcome, moment
from peers.registers import Asked, Sending, honest
from peers.scenarios import PumpScenario, Timeline

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("faults-serial")]
TIMELINE = Timeline(before=3, fault=8, after=14)

# The profile's slowest reply. Unit: s.
TIMEOUT = 0.1
# A device alone on its line may be left alone for ten seconds after it has failed for a while.
BACK = 12
EBUSY = 16
OURS, THEIRS = "8003-00001", "8003-00002"
FLOW = "MDC_FLOW_FLUID_PUMP_CURRENT"


class EchoingPump(PumpScenario):
    """A line that hears itself, all the time."""

    def make(self, link: Callable[..., Link]) -> None:
        super().make(link)
        self.pump.echo = lambda chunk: True


class Asena(PumpScenario):
    """A real profile with the serial number that the unit's configuration expects."""

    def __init__(self, needs: set[str], lasts: float | None = None) -> None:
        super().__init__(needs=needs, profile="alaris/asena-gh", period=1.0, slowest=0.5, serial=OURS, lasts=lasts)

    def make(self, link: Callable[..., Link]) -> None:
        super().make(link)
        self.pump.infusion.serial = OURS


class Replugged(Asena):
    """The adapter is pulled and put back; what is plugged in then says its name late, or is another pump."""

    def __init__(self, comes_back: str) -> None:
        super().__init__({"unplug"}, lasts=2)
        self._comes_back = comes_back

    def begin(self) -> None:
        self.pump.unplug()

    def end(self) -> None:
        self.pump.infusion.serial = self._comes_back
        self.nameless_until = now() + 2
        self.pump.fault = self._nameless
        self.pump.replug()

    def _nameless(self, asked: Asked) -> list[Sending]:
        """Only the syringe's name is told at first, which has no serial number in it."""
        return honest(asked) if asked.at > self.nameless_until or b"SYRINGE" in asked.raw else []


class TwoPumps(Asena):
    """Two pumps, each with its own line and serial number. ``swap``: what is exchanged,
    the pumps or the names of their ports.
    """

    def __init__(self, swap: str) -> None:
        super().__init__({"two-lines"} | ({"rename"} if swap == "names" else set()), lasts=6)
        self._swap = swap

    def make(self, link: Callable[..., Link]) -> None:
        self.pump = CountingPump(self.clockwork, link(baud=self.baud), OURS, self.baud)
        self.other = CountingPump(self.clockwork, link("-other", baud=self.baud), THEIRS, self.baud)

    def devices(self) -> dict[str, dict]:
        return {self.name: self.entry(self.pump), f"{self.name}-other": self.entry(self.other) | {"serial": THEIRS}}

    def begin(self) -> None:
        if self._swap == "pumps":
            self.pump.infusion, self.other.infusion = self.other.infusion, self.pump.infusion
        else:
            names = self.pump.link.path, self.other.link.path
            for pump in (self.pump, self.other):
                pump.unplug()
            self.pump.replug(path=names[1])
            self.other.replug(path=names[0])

    end = begin

    def effects(self) -> list:
        return [*super().effects(), *self.other.effects, *self.other.strays]

    def close(self) -> None:
        super().close()
        self.other.stop()


class HeldPort(PumpScenario):
    """Another process holds the port, from before the host starts; at the beginning of the “fault” it lets go."""

    starts_mute = True

    def __init__(self, by: str) -> None:
        super().__init__(needs={"hold"}, lasts=1)
        self._by = by

    def make(self, link: Callable[..., Link]) -> None:
        super().make(link)
        self.holder = Holder(self.pump.link.path, self._by)

    def begin(self) -> None:
        self.asked_while_held = len(self.pump.asked) + len(self.pump.strays)
        self.holder.release()

    def close(self) -> None:
        self.holder.release()
        super().close()


SCENARIOS = {
    "silent": PumpScenario(faults.silent, {"silent"}),
    "dribbled": PumpScenario(faults.dribbled(0.004), {"dribble"}),
    "noise-before": PumpScenario(faults.noise(31, before=6), {"noise"}),
    "noise-instead": PumpScenario(faults.noise(33, instead=90), {"noise"}),
    "crc": PumpScenario(wrong_crc, {"crc"}),
    "late": PumpScenario(faults.late_by_chance(61, TIMEOUT, share=0.35), {"late"}),
    "late-dropping": PumpScenario(faults.late_by_chance(62, TIMEOUT, share=0.35), {"late"}, busy="drop"),
    "late-in-a-row": PumpScenario(faults.in_turn(*[honest] * 8, *[faults.late(4.5 * TIMEOUT)] * 4), {"late"}),
    # No other question can tell a late answer here: the contract is that nothing is
    # later than six times the slowest reply.
    "late-one": PumpScenario(
        faults.late_by_chance(63, TIMEOUT, share=0.2, low=2, high=5), {"late"}, profile="bench/pump-one", baud=115200,
        period=0.02,
    ),
    "twice": PumpScenario(faults.twice(), {"frame"}),
    "twice-later": PumpScenario(faults.twice(after=0.06), {"frame"}),
    "truncated": PumpScenario(faults.in_turn(*map(faults.truncated, (1, 20, -3))), {"frame"}),
    "echo": EchoingPump(needs={"echo"}, always=True),
    "echo-late": EchoingPump(faults.late_by_chance(101, TIMEOUT, share=0.35), {"echo", "late"}),
    "swapped": TwoPumps("pumps"),
    "renumbered": TwoPumps("names"),
    "replugged": Replugged(OURS),
    "replugged-other": Replugged(THEIRS),
    "held-exclusive": HeldPort("exclusive"),
    "held-flock": HeldPort("flock"),
}
scenario = pytest.mark.scenario


@scenario("silent")
def test_row_01_silent_pump_is_stale_alarmed_and_asked_less_often(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.4, outcome.ended)
    assert reasons <= {"timedOut", "stale"}, reasons
    told = outcome.told("deviceSilent", 4, text="nothing was heard")
    alert = outcome.alerted("NABD_DEVICE_STALE", "medium", 3 * 1.0 + 2)
    asked = len(outcome.asked(outcome.began, outcome.ended))
    assert asked <= 25, f"asked {asked} times in 8 s of silence"
    back = outcome.recovered(BACK)
    outcome.alert_ended("NABD_DEVICE_STALE", BACK)
    table.row(1, "pump silent", "silence for 8 s", "stale, alert, pauses that double, back within 12 s",
              f"silent after {told:.1f} s, alert {alert:.1f} s, asked {asked} times, back after {back:.1f} s")


@scenario("dribbled")
def test_row_02_dribbled_text_is_given_up_as_a_whole(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    status = [
        line for line in outcome.samples(outcome.began + 0.4, outcome.ended, metric=FLOW) if line["validity"] == "valid"
    ]
    assert not status, f"a status that took 300 ms is valid: {status[0]}"
    late = outcome.counted("late")
    told = outcome.told("lateReply", 8)
    back = outcome.recovered(BACK)
    table.row(
        2, "text byte by byte", "4 ms between bytes: 300 ms, allowed are 180",
        "deadline for the whole frame; the late frame is discarded",
        f"{late} late, told after {told:.1f} s, back after {back:.1f} s",
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=scenario(name)) for name in ("noise-before", "noise-instead")]
)
def test_row_03_noise_around_text_is_skipped(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    if name == "noise-instead":
        outcome.none_valid(outcome.began + 0.4, outcome.ended)
        outcome.told("deviceSilent", 6, text="damaged bytes only")
    back = outcome.recovered(BACK)
    table.row(
        3, f"text and noise ({name})", "random bytes before or instead of each reply for 8 s",
        "resynchronised, no wrong value",
        f"{compared} values true, {outcome.valid_share(FLOW):.0%} of polls good meanwhile, back after {back:.1f} s",
    )


@scenario("crc")
def test_row_04_text_with_a_wrong_crc_is_discarded(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.4, outcome.ended)
    assert "checksumMismatch" in reasons, reasons
    counted = outcome.counted("checksum", 2)
    told = outcome.told("deviceSilent", 6, text="damaged bytes only")
    back = outcome.recovered(BACK)
    table.row(4, "text with a wrong CRC", "the last digit changed for 8 s", "discarded, counted",
              f"{counted} counted, told after {told:.1f} s, back after {back:.1f} s")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=scenario(name)) for name in ("late", "late-dropping", "late-in-a-row", "late-one")],
)
def test_row_06_late_text_is_never_taken_for_the_next_answer(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    late = outcome.counted("late", 1 if name == "late-dropping" else 2)
    told = outcome.told("lateReply", 8)
    back = outcome.recovered(BACK)
    injected = (
        "four answers in a row 4.5 time-outs late, in order"
        if name == "late-in-a-row"
        else "a third of the answers 0.5 to 5 time-outs late"
    )
    table.row(6, name.replace("-", " ") + ", text", injected, "never matched with a later request",
              f"{late} late, first told after {told:.1f} s, {compared} values true, back after {back:.1f} s")


@pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in ("twice", "twice-later")])
def test_row_07_of_two_texts_the_first_counts(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("duplicateReply", 3)
    counted = outcome.counted("duplicate", 5)
    share = outcome.valid_share(FLOW, least=0.7)
    table.row(
        7, f"text {name.replace('-', ' ')}", "each answer a second time, at once or 60 ms later",
        "the first counts, the second is drained",
        f"{counted} copies, told after {told:.1f} s, {share:.0%} of polls good, {compared} values true",
    )


@scenario("truncated")
def test_row_08_text_cut_short_is_never_joined_with_the_next(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.4, outcome.ended)
    back = outcome.recovered(BACK)
    table.row(
        8, "text cut short", "after 1 or 20 characters, or 3 before the end, for 8 s", "refused; nothing is joined",
        f"{compared} values true, back after {back:.1f} s",
    )


@scenario("echo")
def test_row_10_echo_on_a_pumps_line_is_taken_off(outcome, table):
    compared = outcome.tells_no_lies()
    assert len(outcome.events("lineEcho")) == 1, (
        f"lineEcho was told {len(outcome.events('lineEcho'))} times; events {outcome.kinds()}"
    )
    share = outcome.valid_share(FLOW, least=0.9)
    table.row(
        10, "echo of our own text", "every byte we send comes back, all the time", "detected, told once, taken off",
        f"{share:.0%} of polls good, {compared} values true",
    )


@scenario("echo-late")
def test_row_10_echo_and_late_text_together(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    back = outcome.recovered(BACK)
    table.row(
        10, "echo and late text", "a third of the answers late, with echo, for 8 s", "neither is taken for an answer",
        f"{compared} values true, back after {back:.1f} s",
    )


def withheld(outcome: Outcome, device: str) -> float:
    """The values of the wrong pump are withheld and alarmed until the right one is back. Gives when the alarm came."""
    alert = outcome.alerted("NABD_WRONG_DEVICE", "high", 6, device=device)
    reasons = outcome.none_valid(outcome.began + 1.2, outcome.ended, at_least=3, device=device)
    assert "wrongDevice" in reasons and reasons <= {"wrongDevice", "disconnected", "timedOut", "stale"}, reasons
    return alert


def both_withheld(outcome: Outcome) -> str:
    """The same of both pumps, and that they come back. Gives what was seen."""
    outcome.was_healthy()
    assert not outcome.scenario.effects()
    seen = []
    for device in outcome.scenario.devices():
        alert = withheld(outcome, device)
        back = outcome.recovered(BACK, device=device)
        outcome.alert_ended("NABD_WRONG_DEVICE", BACK, device=device)
        seen.append(f"alarm after {alert:.1f} s, back after {back:.1f} s")
    return "; ".join(seen)


@scenario("swapped")
def test_row_13_swapped_pumps_are_withheld_and_alarmed(outcome, table):
    seen = both_withheld(outcome)
    table.row(
        13, "two pumps swapped", "two pumps exchanged for 6 s",
        "serial number is not the expected one: withheld, high alarm", seen,
    )


@scenario("renumbered")
def test_row_15_renumbered_adapters_are_withheld_and_alarmed(outcome, table):
    seen = both_withheld(outcome)
    table.row(15, "two adapters renumbered", "the names of their ports exchanged for 6 s",
              "serial number is not the expected one: withheld, high alarm", seen)


@scenario("replugged")
def test_row_14_replugged_pump_must_say_its_name_before_its_values_count(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    told = outcome.told("deviceDisconnected", 2)
    outcome.none_valid(outcome.began + 0.5, outcome.scenario.nameless_until)
    back = outcome.recovered(BACK)
    identified = outcome.told("deviceIdentified", 12, since=outcome.ended)
    assert identified <= back + 0.001, f"values after {back:.2f} s, named only after {identified:.2f} s"
    table.row(
        14, "pump unplugged and replugged", "pulled for 2 s; names itself 2 s after that",
        "disconnected; no value before it is identified",
        f"disconnected after {told:.1f} s, named {identified:.2f} s and valid {back:.2f} s after plugging in",
    )


@scenario("replugged-other")
def test_row_14_another_pump_plugged_in_is_withheld(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.5, outcome.stopped, at_least=5)
    assert "wrongDevice" in reasons, reasons
    alert = outcome.alerted("NABD_WRONG_DEVICE", "high", 12, since=outcome.ended)
    table.row(
        14, "another pump plugged in", "pulled for 2 s, then a pump of another serial number", "withheld, high alarm",
        f"alarm {alert:.1f} s after plugging in",
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=scenario(name)) for name in ("held-exclusive", "held-flock")]
)
def test_row_16_held_port_is_told_left_alone_and_opened_when_free(outcome, table, name):
    outcome.tells_no_lies()
    assert outcome.scenario.asked_while_held == 0, "the host sent on a port that another process holds"
    refused = outcome.events("deviceDisconnected", until=outcome.began)
    assert refused and refused[0].get("figure") == EBUSY, refused or outcome.kinds()
    assert "is held by another process" in outcome.log, (
        f"the log does not say that the port is held:\n{outcome.log[-2000:]}"
    )
    outcome.none_valid(outcome.started - 5, outcome.began)
    first = outcome.scenario.pump.asked[0].at if outcome.scenario.pump.asked else None
    assert first is not None, "the port was never opened although it is free"
    back = outcome.recovered(10, since=outcome.began)
    took = moment(refused[0]) - outcome.started
    table.row(
        16, f"port held ({name.removeprefix('held-')})", "TIOCEXCL or flock by another descriptor, let go after 3 s",
        "told as held, nothing sent, opened when free",
        f"EBUSY in the journal ({took:+.1f} s from the start), log says who to ask, "
        f"valid {back:.1f} s after it was free",
    )
