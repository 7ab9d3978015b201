"""The host is killed while it drives pumps: at any moment, and before each system call of a command's path on the
journal and on the line. Never two effects, never a lost intent, and the next start knows.

NABD_PUMP_KILLS (20; in the long run 2,000) kills at random, some 8 s each; NABD_PUMP_KILL_POINTS (12; in the long run
500, which is all) system calls.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.clockwork import Clockwork
from peers.durable import dice, setting, spread
from peers.kill_fleet import Fleet, fleets_of
from peers.tracing import CALL, KillPoint, attached, kill_points, need_strace
from peers.waiting import wait_until

KILLS = setting("NABD_PUMP_KILLS", 20)
POINTS = setting("NABD_PUMP_KILL_POINTS", 12)
pytestmark = [pytest.mark.host, pytest.mark.timeout(180 + 20 * KILLS + 20 * POINTS)]

PUMPS = 8
# Of the path from a start to what comes of it: how long it takes with a pump that answers at once. Unit: s.
PATH = 2.5
ON_JOURNAL = "pwrite64,pwritev,write,fdatasync,fsync,ftruncate,fallocate,unlink,unlinkat,rename,openat"
ON_LINE = "write,writev,read,ioctl"


def rates() -> Callable[[], str]:
    """Another rate for every command."""
    count = iter(range(101, 10**6))

    def another() -> str:
        tenths = next(count) % 10_000 + 20
        return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else f"{tenths // 10}"

    return another


@pytest.fixture
def fleets(clockwork: Clockwork, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], Fleet]]:
    with fleets_of(PUMPS, tmp_path, clockwork, request.session) as make:
        yield make


def test_killed_at_any_moment_a_command_is_said_once_and_never_forgotten(fleets, record_property):
    """SIGKILL at random moments of commands and stops, and at times of the start that follows."""
    chance, seed = dice()
    another, told, slowest = rates(), Counter(), 0.0
    fleet = fleets()
    for number in range(KILLS):
        if len(fleet.fresh) < 2:
            fleet = fleets()
        try:
            # One in twenty is a trigger, which takes a minute to become a person's task.
            commands = [fleet.enter(another(), "start" if number % 20 == 7 else "rate"), fleet.enter(another())]
            threads = [fleet.carry_out(one) for one in commands]
            if number % 3 == 0:
                time.sleep(chance.uniform(0, PATH))
                threads.append(fleet.ask_stop(chance.choice(commands).device))
                time.sleep(chance.uniform(0, 0.5))
            else:
                time.sleep(chance.uniform(0, PATH))
            fleet.host.kill()
            if number % 5 == 4:
                fleet.host.start()
                time.sleep(chance.uniform(0, 1.0))
                fleet.host.kill()
            for thread in threads:
                thread.join(20)
            told.update(fleet.kinds(one)[-1] for one in commands)
            slowest = max(slowest, fleet.after_the_kill(commands))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, kill {number}: {error}") from error
    fleet.end()
    record_property("kills", f"{KILLS}; last event before {dict(told)}; answering after {slowest:.2f} s at most")
    assert KILLS < 20 or len(told) >= 3, f"all kills came at one place of the path: {told}"


def of_a_path(fleet: Fleet, log: Path, rate: str) -> list[tuple[str, KillPoint]]:
    """A command from its start to its end under strace: each call on the journal of events and on its line."""
    entered = fleet.enter(rate)
    journal, line = fleet.host.journal, Path(os.path.realpath(entered.pump.link.path))
    with attached(fleet.host.pid, log, "-e", f"trace={ON_JOURNAL},{ON_LINE}"):
        fleet.carry_out(entered)
        wait_until(lambda: fleet.view(entered).get("end") == "confirmed", 30, "the end of it")
    points = [("journal", point) for point in kill_points(log, journal) if point.file.startswith("events")]
    counts: Counter = Counter()
    for text in log.read_text(errors="replace").splitlines():
        call = CALL.match(text)
        if call and re.match(rf"\d+<{re.escape(str(line))}>", call[3]):
            counts[call[1], call[2]] += 1
            points.append(("line", KillPoint(call[2], "", counts[call[1], call[2]])))
    return list(dict.fromkeys(points))


def options(fleet: Fleet, where: str, point: KillPoint, link: str) -> list[str]:
    """What tells strace to kill there."""
    if where == "journal":
        return point.options(fleet.host.journal)
    return ["-P", os.path.realpath(link), "-e", f"trace={point.call}",
            "-e", f"inject={point.call}:signal=SIGKILL:when={point.nth}"]


def test_killed_before_each_call_of_the_path_a_command_is_said_once(fleets, tmp_path, record_property):
    """SIGKILL just before calls on the journal of events and on the line, of a command on its way."""
    need_strace()
    another = rates()
    fleet = fleets()
    points = of_a_path(fleet, tmp_path / "trace", another())
    places = Counter(where for where, _ in points)
    assert places["journal"] >= 8 and places["line"] >= 8, f"hardly a path: {places}"
    chosen, reached, failures, told = spread(points, POINTS), 0, [], Counter()
    for where, point in chosen:
        if not fleet.fresh:
            fleet = fleets()
        try:
            entered = fleet.enter(another())
            with attached(fleet.host.pid, os.devnull, *options(fleet, where, point, entered.pump.link.path)):
                starting = fleet.carry_out(entered)
                limit = time.monotonic() + 6
                while fleet.host.running and time.monotonic() < limit:
                    time.sleep(0.02)
            reached += not fleet.host.running
            fleet.host.kill()
            starting.join(20)
            told.update(fleet.kinds(entered)[-1:])
            fleet.after_the_kill([entered])
        except AssertionError as error:
            failures.append(f"{where}, {point}: {error}")
            fleet.host.kill()
            fleet = fleets()
    fleet.end()
    assert not failures, f"{len(failures)} of {len(chosen)} kills did harm:\n" + "\n".join(failures[:5])
    assert reached >= 0.7 * len(chosen), f"only {reached} of {len(chosen)} kills took place: the others prove nothing"
    record_property("calls", f"{reached} of {len(points)}, {dict(places)}; last event before {dict(told)}")


def test_the_checks_find_a_second_effect_and_an_intent_that_no_journal_has(fleets):
    """What the two tests above would say, if it were so: somebody plants it."""
    another = rates()
    fleet = fleets()
    twice, lost = fleet.enter(another()), fleet.enter(another())
    for entered in (twice, lost):
        fleet.carry_out(entered)
        wait_until(lambda: fleet.view(entered).get("end") == "confirmed", 30, "the end of it")
    fleet.host.kill()
    line = os.open(os.path.realpath(twice.pump.link.path), os.O_WRONLY | os.O_NOCTTY)
    os.write(line, twice.effects()[0].raw)
    os.close(line)
    wait_until(lambda: len(twice.effects()) == 2, 5, "the second effect")
    with pytest.raises(AssertionError, match="said 2 times"):
        fleet.after_the_kill([twice])
    lost.number += 1000
    with pytest.raises(AssertionError, match="what no journal has"):
        fleet.after_the_kill([lost])
