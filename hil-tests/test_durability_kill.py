"""Row 30 of the fault matrix: the host is killed, at any moment and before any system call that touches the journal."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from peers.clockwork import now
from peers.durable import (
    DurableHost, Observer, Rig, assert_whole, dice, export, setting, spread, still_there, streams, without_holes,
)
from peers.tracing import CHANGING, KillPoint, attached, kill_points, need_strace, traced

KILLS = setting("NABD_KILLS", 40)
POINTS = setting("NABD_KILL_POINTS", 25)
pytestmark = [pytest.mark.host, pytest.mark.timeout(60 + 2 * KILLS + 4 * POINTS)]

RECOVERED, READY = 2.0, 5.0
VERIFY_EVERY = 10


class Lives:
    """One host after another on one journal, each of them killed."""

    def __init__(self, host: DurableHost) -> None:
        self.host = host
        self.observer = Observer(host.journal)
        self.recovered: list[float] = []
        self.ready: list[float] = []
        self.exported: dict = {}

    def cut_short(self, after: float) -> None:
        """A life that ends so many seconds after its start, whatever it is at."""
        began = now()
        self.host.start()
        self.observer.look_until(began + after)
        self.host.kill()

    def to_the_first_commit(self, and_then: float) -> None:
        """A life that ends so many seconds after its first new commit; all that was ever seen must be there by then."""
        began, log = now(), self.host.log_size()
        self.host.start()
        self.host.wait_running(log)
        self.recovered.append(now() - began)
        self.observer.look()  # what is news now was not left over from an earlier life
        self.observer.wait_for_news(READY)
        self.ready.append(now() - began)
        lost = self.observer.missing()
        assert not lost, lost[:3]
        self.observer.look_until(now() + and_then)
        self.host.kill()

    def check(self) -> None:
        """The whole journal, as the commands show it; what an earlier check saw is there, the same."""
        assert_whole(self.host.journal)
        found = without_holes(self.host.export())
        still_there(self.exported, found)
        self.exported = found


def test_row_30_killed_at_any_moment_loses_nothing_that_was_committed(rigged, table):
    """Row 30: SIGKILL at random moments, of the start as of the run, on one journal."""
    _, host = rigged
    chance, seed = dice()
    lives = Lives(host)
    for number in range(KILLS):
        if number % 2:
            lives.cut_short(after=chance.uniform(0, 0.5))
        else:
            lives.to_the_first_commit(and_then=chance.uniform(0, 0.3))
        if number % VERIFY_EVERY == VERIFY_EVERY - 1:
            lives.check()
    lives.to_the_first_commit(and_then=0)
    lives.check()
    assert lives.observer.samples >= 5 * KILLS, f"seed {seed}: only {lives.observer} were ever seen"
    slowest, ready = max(lives.recovered), max(lives.ready)
    assert slowest <= RECOVERED, f"seed {seed}: {slowest:.2f} s until the host ran"
    assert ready <= READY, f"seed {seed}: {ready:.2f} s until the first new commit"
    numbers = sum(map(len, lives.exported.values()))
    table.row(30, "killed at any moment", f"SIGKILL {KILLS + 1} times at random moments, one journal",
              "nothing committed lost, doubled or changed; running within 2 s, committing within 5 s",
              f"{lives.observer} seen and found again, {numbers} numbers without a hole; "
              f"running after {slowest:.2f} s, committing after {ready:.2f} s at most")


def traced_run(rig: Rig, host: DurableHost, journal: Path, log: Path) -> list[KillPoint]:
    """A run from start to a clean end, and where it could be killed."""
    rig.configure(host, journal)
    host.prefix = traced(log, "-e", f"trace={CHANGING}")
    observer = Observer(journal)
    host.start()
    observer.wait_for_news(READY)
    observer.look_until(now() + 0.6)
    host.stop()
    host.prefix = []
    return kill_points(log, journal)


def traced_later(rig: Rig, host: DurableHost, journal: Path, log: Path) -> list[KillPoint]:
    """Two seconds of a run after its start, and where it could be killed."""
    started_on(rig, host, journal, Observer(journal))
    with attached(host.pid, log, "-e", f"trace={CHANGING}"):
        time.sleep(2)
    host.stop()
    return kill_points(log, journal)


def started_on(rig: Rig, host: DurableHost, journal: Path, observer: Observer) -> None:
    """A host that runs and has committed."""
    rig.configure(host, journal)
    log = host.log_size()
    host.start()
    host.wait_running(log)
    observer.look()
    observer.wait_for_news(READY)


def killed_at(point: KillPoint, rig: Rig, host: DurableHost, journal: Path, observer: Observer) -> bool:
    """A run that is killed there, on its way from its start to its end. Gives whether it came so far."""
    rig.configure(host, journal)
    host.prefix = traced(os.devnull, *point.options(journal))
    host.start()
    died = dies(host, observer)
    host.prefix = []
    return died


def killed_later(point: KillPoint, rig: Rig, host: DurableHost, journal: Path, observer: Observer) -> bool:
    """The same with a run that has gone on for a while."""
    started_on(rig, host, journal, observer)
    with attached(host.pid, os.devnull, *point.options(journal)):
        return dies(host, observer)


def dies(host: DurableHost, observer: Observer, within: float = 3) -> bool:
    """Watch the journal until the host is dead; if it does not die by then, ask it to end: its place may be in that."""
    limit = now() + within
    while (code := host.ended()) is None and now() < limit:
        observer.look_until(now() + 0.02)
    if code is None:
        code, _ = host.terminate(10)
    assert code in (-9, 0), f"ended with {code}:\n{host.log_tail(20)}"
    return code == -9


def survived(host: DurableHost, observer: Observer, before: dict) -> None:
    """The next start needs no help, has all that was seen, and goes on."""
    began, log = now(), host.log_size()
    host.start()
    host.wait_running(log)
    observer.look()
    observer.wait_for_news(READY)
    assert now() - began <= READY, f"{now() - began:.2f} s until the first new commit"
    assert not (lost := observer.missing()), lost[:3]
    host.stop()
    assert_whole(observer.journal)
    still_there(before, without_holes(export(observer.journal)))


def test_row_30_killed_before_any_system_call_on_the_journal(rigged, tmp_path, table):
    """Row 30: SIGKILL just before each (by default: some) of the calls that make,
    write, sync, cut or remove files of the journal.
    """
    need_strace()
    rig, host = rigged
    log, old, killed = tmp_path / "trace", tmp_path / "old", tmp_path / "killed"
    points = [("a new journal", killed_at, point) for point in traced_run(rig, host, old, log)]
    points += [("an old journal", killed_at, point) for point in traced_run(rig, host, old, log)]
    points += [("a running host", killed_later, point) for point in traced_later(rig, host, old, log)]
    before = streams(export(old))
    assert len(points) >= 60, f"only {len(points)} calls on the journal were traced"
    reached, failures, chosen = 0, [], spread(points, POINTS)
    for state, kill, point in chosen:
        shutil.rmtree(killed, ignore_errors=True)
        if state != "a new journal":
            shutil.copytree(old, killed)
        observer = Observer(killed)
        observer.look()
        try:
            reached += kill(point, rig, host, killed, observer)
            survived(host, observer, {} if state == "a new journal" else before)
        except AssertionError as error:
            host.kill()
            failures.append(f"{point}, {state}: {error}")
    assert not failures, f"{len(failures)} of {len(chosen)} kills did harm:\n" + "\n".join(failures[:5])
    assert reached >= 0.7 * len(chosen), f"only {reached} of {len(chosen)} kills took place: the others prove nothing"
    table.row(
        30, "killed before a system call",
        f"SIGKILL before {reached} of {len(points)} calls on the journal: new, old, and of a running host",
        "the next start needs no help; nothing committed lost, doubled or changed",
        f"{reached} kills, each followed by a start that committed within {READY:g} s; verify: whole",
    )
