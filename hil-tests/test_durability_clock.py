"""Rows 21 to 23 of the fault matrix: the wall clock is set while the host runs, and the host is paused."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers import journal
from peers.clockwork import now
from peers.durable import assert_whole, export, kept_sampling, of_kind, rig_and_host, times, without_holes
from peers.wall_clock import WallClock

pytestmark = [pytest.mark.host, pytest.mark.timeout(90), pytest.mark.xdist_group("durability-clock")]

HOUR, YEAR = 3600, 365 * 86400
BETWEEN = 2.5
PAUSE = 5.0
OFF_BY = 0.1


@dataclass(frozen=True)
class Step:
    """What was done to the clock, and when, on the rigs' clock."""

    name: str
    row: int
    seconds: float
    at: float


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A run through three steps of the wall clock."""
    directory = tmp_path_factory.mktemp("clock")
    with rig_and_host(directory) as (rig, host):
        clock = WallClock(directory)
        host.prefix = clock.prefix
        host.start()
        host.wait_running(0)
        time.sleep(BETWEEN)
        began, steps = now(), []
        for name, row, seconds in (("back by an hour", 21, -HOUR), ("on by a year", 21, YEAR), ("to 1970", 22, None)):
            at = now()
            seconds = clock.to_1970() if seconds is None else seconds
            if name != "to 1970":
                clock.step(seconds)
            steps.append(Step(name, row, seconds, at))
            time.sleep(BETWEEN)
        ended = now()
        polls = rig.kept_asking(began, ended)
        host.stop()
    return SimpleNamespace(
        journal=host.journal, lines=export(host.journal), steps=steps, began=began, ended=ended, polls=polls
    )


@pytest.mark.parametrize("which", [0, 1, 2], ids=["hour", "year", "1970"])
def test_row_21_step_of_the_wall_clock_is_one_event_of_its_size(stepped, which, table):
    """Rows 21 and 22: one event for each step, with its size, soon; wall-clock times follow the clock from then on."""
    step = stepped.steps[which]
    told = of_kind(stepped.lines, "clockStepped")
    assert len(told) == len(stepped.steps), told
    size = told[which]["stepMilliseconds"] / 1000
    assert abs(size - step.seconds) <= OFF_BY, f"the event says {size} s, the step was of {step.seconds} s"
    after = told[which]["monotonicNanoseconds"] / 1e9 - step.at
    assert 0 <= after <= 1, f"told after {after:.2f} s"
    held = kept_sampling(stepped.lines, step.at, step.at + BETWEEN - 0.3)
    shift = (
        wall(stepped, step.at + 0.5, step.at + BETWEEN - 0.5)
        - wall(stepped, step.at - BETWEEN + 0.5, step.at - 0.5)
    )
    assert abs(shift - step.seconds) <= OFF_BY, f"the samples' times moved by {shift} s, the clock by {step.seconds} s"
    table.row(
        step.row, f"wall clock {step.name}", f"a step of {step.seconds:.0f} s while the host runs",
        "period unaffected, told with its size, numbers go on",
        f"told as {size:.1f} s after {after:.2f} s; {held}; {stepped.polls}",
    )


def wall(stepped: SimpleNamespace, since: float, until: float) -> float:
    """How far the wall clock is from the monotonic one, by the samples of this time."""
    found = [
        journal.seconds(line["time"]) - moment for line in journal.samples(stepped.lines, "pump")
        if since <= (moment := line["monotonicNanoseconds"] / 1e9) < until
    ]
    assert found and max(found) - min(found) <= OFF_BY, (
        f"{len(found)} samples, {sorted(found)[:2]} … {sorted(found)[-2:]}"
    )
    return sum(found) / len(found)


def test_row_21_order_is_that_of_the_numbers_whatever_the_clock_says(stepped, table):
    """Row 21: in each stream monotonic times grow with the numbers, through all steps, and the journal is whole."""
    for stream, held in without_holes(stepped.lines, least=300).items():
        moments = [held[number][0] for number in sorted(held)]
        if stream != ("events",):
            assert moments == sorted(moments), f"{stream} is not in the order of its numbers"
    assert_whole(stepped.journal)
    held = kept_sampling(stepped.lines, stepped.began, stepped.ended)
    table.row(
        21, "order across steps of the wall clock", f"{len(stepped.steps)} steps in one run",
        "order by sequence, no hole, whole", held,
    )


def test_row_23_paused_host_does_not_catch_up_and_shows_the_gap(rigged, table):
    """Row 23: SIGSTOP for five seconds, as a suspended machine does it.
    No burst of polls or samples afterwards; the gap is told.
    """
    rig, host = rigged
    host.start()
    host.wait_running(0)
    time.sleep(2.5)
    os.kill(host.pid, signal.SIGSTOP)
    paused = now()
    time.sleep(PAUSE)
    resumed = now()
    os.kill(host.pid, signal.SIGCONT)
    time.sleep(4)
    ended = now() - 0.5
    host.stop()
    lines = export(host.journal)
    asked = [one.at for one in rig.pump.asked if resumed <= one.at < resumed + 1]
    assert len(asked) <= 1 / rig.POLL + 4, f"the pump was asked {len(asked)} times in the second after the pause"
    sampled = times(lines, "pump", "MDC_VOL_FLUID_DELIV_TOTAL", resumed, resumed + 1)
    assert 1 <= len(sampled) <= 1 / rig.POLL + 2, f"{len(sampled)} samples of the pump in the second after the pause"
    inside = times(lines, "pump", "MDC_VOL_FLUID_DELIV_TOTAL", paused + 0.3, resumed)
    assert not inside, f"{len(inside)} samples claim to be of the time of the pause"
    polls = rig.kept_asking(resumed, ended)
    held = kept_sampling(lines, resumed + 1, ended)
    missed = sum(line["missedDeadlines"] for line in host.summary()["lines"])
    stale = [
        line
        for line in of_kind(lines, "deviceStale", "samplesLost", "hostPaused")
        if line["monotonicNanoseconds"] / 1e9 >= paused
    ]
    assert missed or stale, (
        f"nothing tells of the gap: {sorted({line['event'] for line in lines if 'event' in line})}, {host.summary()}"
    )
    without_holes(lines)
    assert_whole(host.journal)
    table.row(
        23, "host paused", f"SIGSTOP for {PAUSE:g} s", "goes on, no burst, the gap is told",
        f"{len(asked)} polls in the second after it; {polls}; {held}; {missed} deadlines missed, {len(stale)} events",
    )
