"""Row 66 of the fault matrix: a device that speaks unasked, and something between it and the
journal that stood still for a while.

What lay in a buffer meanwhile is not now: none of it may be recorded as if it were.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from peers import journal
from peers.clockwork import Clockwork, now
from peers.durable import DurableHost
from peers.nonin import FRAMES_PER_SECOND
from peers.stream_rig import PACKETS_PER_SECOND, PtyStream, ServedStream, StreamRig
from peers.truth import sampled_at, valid

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("field-streams")]

PULSE, SATURATION, PLETH = "MDC_PULS_OXIM_PULS_RATE", "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PLETH"
# How long the host stands still, the terminal server does, and a pty or an adapter had
# filled before the host began. Unit: s.
STOPPED, STALLED, BUFFERED = 15, 10, 10
HELD = {
    "stopped": ("SIGSTOP of the host", STOPPED), "stalled": ("a terminal server that stalls", STALLED),
    "buffered": ("a pty that had filled before the host began", BUFFERED),
    "adapter": ("an adapter that had filled before the host began", BUFFERED),
}
# What may pass for now although it is not, where a line adapter may have collected as much: 2 s of the device's time.
TOLERATED = 2
# Older than this nothing is that came as the device said it. Unit: s.
FRESH = 1.0


@dataclass
class Run:
    """What came of it. ``moments``: when each device could first be heard again, by its handle. Unit: s."""

    rigs: dict[str, StreamRig]
    moments: dict[str, float]
    stopped_at: float
    lines: list[dict]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Iterator[Run]:
    """Four oximeters: two that nobody read at first, one whose terminal server stalls,
    and one that only has to bear the host's own pause.
    """
    clockwork = Clockwork().start()
    rigs: dict[str, StreamRig] = {
        "stopped": PtyStream(clockwork), "stalled": ServedStream(clockwork), "buffered": PtyStream(clockwork),
        "adapter": PtyStream(clockwork, fifo=512),
    }
    host = DurableHost(tmp_path_factory.mktemp("field-streams") / "unit")
    host.configure({handle: {"profile": "nonin/oem-iii-df2", "line": rig.path} for handle, rig in rigs.items()})
    moments = {}
    try:
        for handle, rig in rigs.items():
            rig.start(behind=BUFFERED if handle in ("buffered", "adapter") else 0)
        moments["buffered"] = moments["adapter"] = now()
        host.start().wait_running(0)
        time.sleep(4)
        rigs["stalled"].stalled = True
        time.sleep(STALLED)
        with clockwork.lock:
            rigs["stalled"].stalled = False
            moments["stalled"] = now()
        time.sleep(5)
        stopped_at = now()
        os.kill(host.pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        moments["stopped"] = now()
        os.kill(host.pid, signal.SIGCONT)
        time.sleep(5)
        host.stop()
        yield Run(rigs, moments, stopped_at, host.export())
    finally:
        host.kill()
        for rig in rigs.values():
            rig.stop()
        clockwork.stop()


def of(run: Run, handle: str, metric: str, since: float, until: float) -> list[dict]:
    """The valid samples of a time."""
    return [line for line in valid(run.lines, handle) if line["metric"] == metric and since <= sampled_at(line) < until]


def count(lines: list[dict]) -> int:
    """Of samples, those that are there, waveforms taken apart."""
    return sum(sum(value is not None for value in line.get("values", [line.get("value")])) for line in lines)


def densest(lines: list[dict]) -> int:
    """The most samples within a fifth of a second."""
    return max(
        (count([other for other in lines if 0 <= sampled_at(other) - sampled_at(line) < 0.2]) for line in lines),
        default=0,
    )


@pytest.mark.parametrize("handle", HELD)
def test_row_66_what_lay_in_a_buffer_is_not_recorded_as_now(run, table, handle):
    rig, moment = run.rigs[handle], run.moments[handle]
    # The other's pause is not part of it, nor what the pause that is meant came after.
    until = moment + 5
    before = run.stopped_at if handle == "stopped" else moment - STALLED
    if handle in ("stopped", "stalled"):
        good = of(run, handle, PULSE, before - 3, before)
        assert len(good) >= 2 * PACKETS_PER_SECOND, f"only {len(good)} values in the 3 s before: this proves nothing"
    old = [(rig.age(line), line) for line in of(run, handle, PULSE, moment - 0.05, until) if rig.age(line) > FRESH]
    assert len(old) <= TOLERATED * PACKETS_PER_SECOND, (
        f"{len(old)} old values are valid, up to {max(age for age, _ in old):.1f} s, such as {old[0][1]}"
    )
    for metric, rate in ((PULSE, PACKETS_PER_SECOND), (SATURATION, PACKETS_PER_SECOND), (PLETH, FRAMES_PER_SECOND)):
        most = densest(of(run, handle, metric, moment - 0.05, until))
        assert most <= (TOLERATED + 0.34) * rate, (
            f"{most} samples of {metric} within 0.2 s, {TOLERATED * rate:g} are 2 s worth"
        )
    fresh = [line for line in of(run, handle, PULSE, moment, until) if rig.age(line) <= FRESH]
    assert fresh, f"no value that was fresh came within 5 s; events {kinds(run, handle)}"
    took = sampled_at(fresh[0]) - moment
    assert took <= 3, f"the first fresh value came after {took:.1f} s"
    wanted = 0.8 * (until - sampled_at(fresh[0]) - 0.5) * PACKETS_PER_SECOND
    assert len(fresh) >= wanted, f"{len(fresh)} fresh values within {until - moment:.0f} s, expected {wanted:.0f}"
    table.row(
        66, f"stream that was held back ({handle})", "{}, {} s".format(*HELD[handle]),
        "nothing of that time is valid now; values again within 3 s",
        f"{len(old)} old values valid, first fresh value after {took:.1f} s",
    )


def kinds(run: Run, handle: str) -> list[str]:
    """The kinds of events of a device, for messages."""
    return [line["event"] for line in journal.events(run.lines) if line.get("device") == handle]


@pytest.mark.parametrize("handle", ["stopped", "stalled", "adapter"])
def test_row_66_input_that_was_held_is_told(run, table, handle):
    moment = run.moments[handle]
    held = [
        line
        for line in journal.events(run.lines)
        if line["event"] == "heldInput"
        and line.get("device") == handle
        and moment - 0.05 <= sampled_at(line) <= moment + 3
    ]
    assert len(held) == 1, f"heldInput was told {len(held)} times; events {kinds(run, handle)}"
    age = held[0]["figure"] / 1000
    # How long it stood still itself the host knows; how long others did it only knows by what it has read so far.
    least = STOPPED - 1 if handle == "stopped" else 1
    assert least <= age <= HELD[handle][1] + 2, f"said to be up to {age:.1f} s old, it is {HELD[handle][1]} s"
    table.row(66, f"held input is told ({handle})", "as above", "event heldInput with how old it may be",
              f"{sampled_at(held[0]) - moment:.2f} s later: {age:.1f} s")


@pytest.mark.parametrize("handle", HELD)
def test_a_rigs_values_tell_their_age(run, handle):
    """Of the comparison itself: in quiet times every value is found to be fresh,
    so an old one would be found to be old.
    """
    since, until = run.stopped_at - 1.5, run.stopped_at
    ages = [run.rigs[handle].age(line) for line in of(run, handle, PULSE, since, until)]
    assert len(ages) >= 3 and max(ages) < FRESH, ages
    line = dict(of(run, handle, PULSE, since, until)[0])
    line["monotonicNanoseconds"] += 5_000_000_000
    assert run.rigs[handle].age(line) > 4
