"""Rows 1 to 9 and 17 of the fault matrix on a Modbus RTU bus: what a reply can look like, and what must come of it.

Nearly every line has two units: the one with the fault, and a healthy one that must not notice.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from peers import faults
from peers.clockwork import now
from peers.links import Link, PtyLink
from peers.scenarios import RtuScenario, Timeline
from peers.truth import deadline

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("faults-rtu")]
TIMELINE = Timeline(before=3, fault=10, after=14)

TIMEOUT = deadline(0.06)
OTHER = 77
# A device alone on its line may be left alone for ten seconds after it has failed for a while.
BACK = 12
# Why there may be no value of a poll that was not answered whole.
UNREAD = {"timedOut", "frameLost", "stale"}


class WrongBaud(RtuScenario):
    """Everything the device says is garbled, from the start; the speed that the
    host sets is looked at all the while.
    """

    def make(self, link: Callable[..., Link]) -> None:
        super().make(link)
        self.speeds: set[int] = set()
        if isinstance(self.bus.link, PtyLink):
            self.clockwork.every(0.3, self._look)

    def _look(self) -> None:
        if self.unit.asked:
            self.speeds.add(self.bus.link.speed())


class Refused(RtuScenario):
    """All registers are refused for a while; what a device refused is asked again when its
    line is opened anew, at the latest.
    """

    def end(self) -> None:
        super().end()
        self.bus.unplug()
        self.clockwork.at(now() + 0.2, self.bus.replug)


SCENARIOS = {
    "silent": RtuScenario(faults.silent, {"silent"}),
    "silent-alone": RtuScenario(faults.silent, {"silent"}, mate=False),
    "dribbled": RtuScenario(faults.dribbled(0.02), {"dribble"}),
    "noise-before": RtuScenario(faults.noise(31, before=5), {"noise"}),
    "noise-after": RtuScenario(faults.noise(32, after=7), {"noise"}),
    "noise-instead": RtuScenario(faults.noise(33, instead=40), {"noise"}),
    "break-before": RtuScenario(faults.zeros(before=4), {"break"}),
    "break-instead": RtuScenario(faults.zeros(instead=9), {"break"}),
    "crc": RtuScenario(faults.wrong_crc, {"crc"}),
    "other-unit": RtuScenario(faults.as_unit(OTHER), {"frame"}),
    "other-unit-first": RtuScenario(faults.first(faults.as_unit(OTHER), 0.02), {"frame"}),
    "other-function-first": RtuScenario(faults.first(faults.as_function(4), 0.02), {"frame"}),
    "late": RtuScenario(faults.late_by_chance(61, TIMEOUT, share=0.35), {"late"}, mate=False),
    "late-dropping": RtuScenario(faults.late_by_chance(62, TIMEOUT, share=0.35), {"late"}, mate=False, busy="drop"),
    "late-no-loopback": RtuScenario(
        faults.late_by_chance(63, TIMEOUT, share=0.35), {"late"}, mate=False, loopback="refused"
    ),
    "late-in-a-row": RtuScenario(
        faults.in_turn(*[faults.honest] * 8, *[faults.late(4.5 * TIMEOUT)] * 4), {"late"}, mate=False
    ),
    "late-beside": RtuScenario(faults.late_by_chance(64, TIMEOUT, share=0.35), {"late"}, loopback="silent"),
    "twice": RtuScenario(faults.twice(), {"frame"}),
    "twice-later": RtuScenario(faults.twice(after=0.05), {"frame"}, mate=False),
    "twice-after-another": RtuScenario(faults.twice(after=0.05), {"frame"}),
    "byte-counts": RtuScenario(faults.in_turn(*map(faults.byte_count, (2, 200, 0, 255, 3, 6))), {"frame"}),
    "truncated": RtuScenario(faults.in_turn(*map(faults.truncated, (1, 3, 5, 8))), {"frame"}),
    "exceptions": RtuScenario(faults.in_turn(*map(faults.exception, (1, 4, 5, 6))), {"exception"}),
    "refused": Refused(faults.exception(2), {"exception", "unplug"}),
    "refused-value": RtuScenario(faults.exception(3), {"exception"}),
    "garbled": WrongBaud(faults.changed(faults.garbled), {"garble"}, mate=False, always=True),
}
scenario = pytest.mark.scenario


@scenario("silent")
def test_row_01_silent_device_is_stale_alarmed_and_never_blocks_the_bus(outcome, table):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended)
    assert reasons <= {"timedOut", "stale"}, reasons
    silent = outcome.told("deviceSilent", 10, text="nothing was heard")
    stale = outcome.told("deviceStale", 3 * 0.2 + 1.5)
    alert = outcome.alerted("NABD_DEVICE_STALE", "medium", 3 * 0.2 + 1.5)
    kept = outcome.mate_kept(0.95)
    back = outcome.recovered(BACK)
    outcome.alert_ended("NABD_DEVICE_STALE", BACK)
    table.row(
        1, "device silent, beside another", "silence for 10 s",
        "stale after 3 periods, alert, neighbour keeps its period, back within 12 s",
        f"stale after {stale:.1f} s, alert {alert:.1f} s, silent {silent:.1f} s; {kept}; back after {back:.1f} s; "
        f"{compared} values true",
    )


@scenario("silent-alone")
def test_row_01_silent_device_alone_is_asked_less_often_and_comes_back(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.3, outcome.ended)
    told = outcome.told("deviceSilent", 4, text="nothing was heard")
    asked = len(outcome.asked(outcome.began, outcome.ended))
    assert 3 <= asked <= 25, f"asked {asked} times in 10 s of silence; a healthy device is asked 50 times"
    back = outcome.recovered(BACK)
    table.row(1, "device silent, alone on its line", "silence for 10 s", "pauses that double; told; back within 12 s",
              f"asked {asked} times, told after {told:.1f} s, back after {back:.1f} s")


@scenario("dribbled")
def test_row_02_dribbled_reply_is_given_up_as_a_whole_and_discarded(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended)
    late = outcome.counted("late")
    told = outcome.told("lateReply", 10)
    kept = outcome.mate_kept(0.85, gap=1.0)
    back = outcome.recovered(BACK)
    table.row(
        2, "reply byte by byte", "20 ms between bytes: 165 ms, allowed are 114",
        "deadline for the whole frame; the late frame is discarded",
        f"{late} late frames, first told after {told:.1f} s; reasons {sorted(reasons)}; {kept}; "
        f"back after {back:.1f} s",
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=scenario(name))
        for name in ("noise-before", "noise-after", "noise-instead", "break-before", "break-instead")
    ],
)
def test_row_03_noise_and_breaks_are_skipped_and_counted(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    if name.endswith("instead"):
        outcome.none_valid(outcome.began + 0.3, outcome.ended)
        outcome.told("deviceSilent", 10, text="damaged bytes only")
    seen = outcome.line_statistics(
        *(["resyncs"] if name.endswith("before") else ["resyncs", "checksum", "mismatched", "unsolicited"])
    )
    kept = outcome.mate_kept(0.85, gap=1.0)
    back = outcome.recovered(BACK)
    table.row(
        3, f"noise or break ({name})", "random bytes or zeros around the reply for 10 s",
        "resynchronised, counted, no wrong value",
        f"{seen}; {compared} values true, {outcome.valid_share():.0%} of polls good meanwhile; {kept}; "
        f"back after {back:.1f} s",
    )


@scenario("crc")
def test_row_04_wrong_crc_is_discarded_counted_and_never_used(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended)
    assert "checksumMismatch" in reasons and reasons <= {"checksumMismatch", *UNREAD}, reasons
    counted = outcome.counted("checksum", 2)
    told = outcome.told("deviceSilent", 10, text="damaged bytes only")
    kept = outcome.mate_kept()
    back = outcome.recovered(BACK)
    table.row(4, "wrong CRC", "one bit of each CRC flipped for 10 s", "discarded, counted, no part of it used",
              f"{counted} counted, told after {told:.1f} s; {kept}; back after {back:.1f} s")


@scenario("other-unit")
def test_row_05_replies_of_another_unit_only_are_never_taken(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.3, outcome.ended)
    told = outcome.told("mismatchedReply", 3)
    outcome.told("deviceSilent", 10, text="other units only")
    counted = outcome.counted("mismatched", 2)
    kept = outcome.mate_kept()
    back = outcome.recovered(BACK)
    table.row(5, "answers of another unit only", f"each answer as unit {OTHER}", "discarded, told as such",
              f"{counted} counted, told after {told:.1f} s; {kept}; back after {back:.1f} s")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=scenario(name)) for name in ("other-unit-first", "other-function-first")]
)
def test_row_05_waiting_goes_on_after_a_foreign_frame(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("mismatchedReply", 3)
    counted = outcome.counted("mismatched", 5)
    outcome.not_told("deviceSilent")
    share = outcome.valid_share(least=0.8)
    kept = outcome.mate_kept()
    table.row(
        5, name.replace("-", " "), "a foreign frame 20 ms before each right answer", "discarded, waiting goes on",
        f"{share:.0%} of polls good, {compared} values true, {counted} foreign frames, told after {told:.1f} s; {kept}",
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=scenario(name))
        for name in ("late", "late-dropping", "late-no-loopback", "late-in-a-row", "late-beside")
    ],
)
def test_row_06_late_reply_is_never_taken_for_the_next_answer(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    outcome.not_told("conflictingReplies")
    # Beside a healthy device a failing one is asked seldom; a device that drops
    # requests while busy may answer none late.
    least = 1 if name in ("late-beside", "late-dropping") else 2
    late = outcome.counted("late", least)
    told = outcome.told("lateReply", 10)
    kept = outcome.mate_kept(0.85, gap=1.2) if name == "late-beside" else "alone"
    back = outcome.recovered(BACK)
    by_chance = "a third of the answers 0.5 to 5 time-outs late, all of one shape"
    injected = "four answers in a row 4.5 time-outs late, in order" if name == "late-in-a-row" else by_chance
    table.row(6, name.replace("-", " "), injected, "never matched with a later request",
              f"{late} late, first told after {told:.1f} s, {compared} values true; {kept}; back after {back:.1f} s")


@pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in ("twice", "twice-later")])
def test_row_07_of_two_copies_the_first_counts(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    told = outcome.told("duplicateReply", 3)
    counted = outcome.counted("duplicate", 5)
    outcome.not_told("conflictingReplies")
    share = outcome.valid_share(least=0.8)
    kept = outcome.mate_kept() if name == "twice" else "alone"
    table.row(
        7, "answer " + name.replace("-", " "), "each answer a second time, at once or 50 ms later",
        "the first counts, the second is drained",
        f"{counted} copies, told after {told:.1f} s, {share:.0%} of polls good, {compared} values true; {kept}",
    )


@scenario("twice-after-another")
def test_row_07_copy_that_comes_after_another_units_answer_is_drained(outcome, table):
    """What it is called depends on what the host still remembers; that it is told,
    and is no value of either unit, does not.
    """
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    seen = outcome.line_statistics("duplicate", "unsolicited", "mismatched")
    outcome.not_told("conflictingReplies")
    share = outcome.valid_share(least=0.8)
    kept = outcome.mate_kept()
    table.row(
        7, "copy after another unit's answer",
        "each answer a second time, 50 ms later, when the neighbour has been asked",
        "drained, counted, no value of either unit",
        f"{seen}, {share:.0%} of polls good, {compared} values true; {kept}",
    )


@pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in ("byte-counts", "truncated")])
def test_row_08_wrong_lengths_are_refused(outcome, table, name):
    outcome.was_healthy()
    compared = outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended)
    assert reasons <= {"malformed", "checksumMismatch", *UNREAD}, reasons
    kept = outcome.mate_kept(0.85, gap=1.0)
    back = outcome.recovered(BACK)
    table.row(
        8, f"short and long frames ({name})",
        "byte counts 0, 2, 3, 6, 200, 255 with a right CRC; frames cut after 1, 3, 5, 8 bytes",
        "refused before anything is read from them",
        f"reasons {sorted(reasons)}, {compared} values true; {kept}; back after {back:.1f} s",
    )


@scenario("exceptions")
def test_row_09_exceptions_are_typed_and_no_silence(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.3, outcome.ended, at_least=10)
    assert reasons <= {"deviceException", "stale"} and "deviceException" in reasons, reasons
    counted = outcome.counted("exceptions", 10)
    outcome.not_told("deviceSilent")
    kept = outcome.mate_kept(0.95)
    back = outcome.recovered(3)
    table.row(9, "exceptions 1, 4, 5, 6", "each in turn for 10 s", "journalled as exceptions; the device is there",
              f"{counted} counted; {kept}; back after {back:.1f} s")


@scenario("refused")
def test_row_09_device_that_refuses_all_is_searched_once(outcome, table):
    """Whether such a device is left out or asked once a period is the host's choice; a search at every poll is not."""
    outcome.was_healthy()
    outcome.tells_no_lies()
    outcome.none_valid(outcome.began + 0.5, outcome.ended, at_least=0)
    # It may only be starting: nothing is left out, so what is told is that there are no values.
    told = outcome.told("deviceStale", 3)
    asked = len(outcome.asked(outcome.began + 3, outcome.ended))
    assert asked <= (outcome.ended - outcome.began - 3) / 0.2 + 2, (
        f"asked {asked} times for registers that were refused"
    )
    kept = outcome.mate_kept()
    back = outcome.recovered(8)
    table.row(9, "exception 2", "every register refused for 10 s, then the adapter pulled and put back",
              "told; searched once, not at every poll; back with the new line",
              f"told after {told:.1f} s, asked {asked} times in the 7 s after that; {kept}; back after {back:.1f} s")


@scenario("refused-value")
def test_row_09_exception_3_gives_no_value_and_passes(outcome, table):
    outcome.was_healthy()
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.began + 0.5, outcome.ended)
    assert reasons <= {"deviceException", "stale"}, reasons
    outcome.not_told("deviceSilent")
    kept = outcome.mate_kept()
    table.row(
        9, "exception 3", "every read refused as illegal for 10 s", "journalled as an exception; the device is there",
        f"reasons {sorted(reasons)}; {kept}",
    )


@scenario("garbled")
def test_row_17_wrong_baud_never_comes_up_and_nothing_is_tried(outcome, table):
    outcome.tells_no_lies()
    reasons = outcome.none_valid(outcome.started, outcome.stopped, at_least=5)
    told = outcome.told("deviceSilent", 10, since=outcome.launched, text="baud")
    speeds = outcome.scenario.speeds
    assert len(speeds) <= 1, f"the host changed the speed of the line: {speeds}"
    table.row(
        17, "wrong baud rate", "every answer as a receiver at twice the baud rate hears it",
        "never up; no guessing on a live bus",
        f"no valid value in {outcome.stopped - outcome.started:.0f} s, reasons {sorted(reasons)}, speed unchanged, "
        f"told {told:.1f} s after the start",
    )
