"""Row 30 of the fault matrix: the host is killed, at any moment and before any system call that touches the journal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers.clockwork import now
from peers.durable import (
    DurableHost, Observer, Rig, assert_whole, dice, export, rig_and_host, setting, still_there, streams, without_holes,
)
from peers.tracing import CHANGING, KillPoint, kill_points, need_strace, traced

KILLS = setting("NABD_KILLS", 40)
POINTS = setting("NABD_KILL_POINTS", 25)
pytestmark = [pytest.mark.host, pytest.mark.timeout(60 + 2 * KILLS + 4 * POINTS)]

RECOVERED, READY = 2.0, 5.0
VERIFY_EVERY = 10


@pytest.fixture
def unit(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Rig, DurableHost]]:
    """A rig and its host."""
    with rig_and_host(tmp_path) as (rig, host):
        request.session.hosts = [host]
        yield rig, host
    request.session.hosts = []


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
        assert not lost, f"{len(lost)} committed records are gone or changed, such as {lost[0]}"
        self.observer.look_until(now() + and_then)
        self.host.kill()

    def check(self) -> None:
        """The whole journal, as the commands show it; what an earlier check saw is there, the same."""
        assert_whole(self.host.journal)
        found = without_holes(self.host.export())
        still_there(self.exported, found)
        self.exported = found


def test_row_30_killed_at_any_moment_loses_nothing_that_was_committed(unit, table):
    """Row 30: SIGKILL at random moments, of the start as of the run, on one journal."""
    _, host = unit
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
    assert len(lives.observer.seen) >= KILLS, f"seed {seed}: only {len(lives.observer.seen)} records were ever seen"
    slowest, ready = max(lives.recovered), max(lives.ready)
    assert slowest <= RECOVERED, f"seed {seed}: {slowest:.2f} s until the host ran"
    assert ready <= READY, f"seed {seed}: {ready:.2f} s until the first new commit"
    numbers = sum(map(len, lives.exported.values()))
    table.row(30, "killed at any moment", f"SIGKILL {KILLS + 1} times at random moments, one journal",
              "nothing committed lost, doubled or changed; running within 2 s, committing within 5 s",
              f"{len(lives.observer.seen)} records seen and found again, {numbers} numbers without a hole; "
              f"running after {slowest:.2f} s, committing after {ready:.2f} s at most")


def spread(points: list, count: int) -> list:
    """So many of them, evenly; the first and the last among them."""
    if len(points) <= count:
        return points
    return [points[round(place * (len(points) - 1) / (count - 1))] for place in range(count)]


def traced_run(rig: Rig, host: DurableHost, journal: Path, log: Path) -> list[KillPoint]:
    """A run from start to a clean end, and where it could be killed."""
    rig.configure(host, journal)
    host.prefix = traced(log, CHANGING)
    observer = Observer(journal)
    host.start()
    observer.wait_for_news(READY)
    observer.look_until(now() + 0.6)
    host.stop()
    host.prefix = []
    return kill_points(log, journal)


def killed_at(point: KillPoint, rig: Rig, host: DurableHost, journal: Path) -> tuple[bool, Observer]:
    """A run that is killed there. Gives whether it came so far, and who watched."""
    rig.configure(host, journal)
    host.prefix = point.prefix(Path(os.devnull))
    observer = Observer(journal)
    observer.look()
    host.start()
    limit = now() + 2.5
    while (code := host.ended()) is None and now() < limit:
        observer.look_until(now() + 0.02)
    if code is None:
        # Its place is in the end of the run.
        code, _ = host.terminate(10)
    host.prefix = []
    assert code in (-9, 0), f"ended with {code}:\n{host.log_tail(20)}"
    return code == -9, observer


def survived(host: DurableHost, observer: Observer, before: dict) -> None:
    """The next start needs no help, has all that was seen, and goes on."""
    began, log = now(), host.log_size()
    host.start()
    host.wait_running(log)
    observer.look()
    observer.wait_for_news(READY)
    assert now() - began <= READY, f"{now() - began:.2f} s until the first new commit"
    assert not (lost := observer.missing()), f"{len(lost)} committed records are gone or changed, such as {lost[0]}"
    host.stop()
    assert_whole(observer.journal)
    still_there(before, without_holes(export(observer.journal)))


def test_row_30_killed_before_any_system_call_on_the_journal(unit, tmp_path, table):
    """Row 30: SIGKILL just before each (by default: some) of the calls that make, write, sync, cut or remove files of the journal."""
    need_strace()
    rig, host = unit
    log, made = tmp_path / "trace", tmp_path / "made"
    fresh = [(point, None) for point in traced_run(rig, host, made, log)]
    old = [(point, made) for point in traced_run(rig, host, made, log)]
    before = streams(export(made))
    assert len(fresh) + len(old) >= 40, f"only {len(fresh)} and {len(old)} calls on the journal were traced"
    reached, failures = 0, []
    chosen = spread(fresh + old, POINTS)
    for point, origin in chosen:
        journal = tmp_path / "killed"
        shutil.rmtree(journal, ignore_errors=True)
        if origin is not None:
            shutil.copytree(origin, journal)
        try:
            died, observer = killed_at(point, rig, host, journal)
            reached += died
            survived(host, observer, before if origin is not None else {})
        except AssertionError as error:
            host.kill()
            failures.append(f"{point.call} {point.nth} ({point.what}), {'a new' if origin is None else 'an old'} journal: {error}")
    assert not failures, f"{len(failures)} of {len(chosen)} kills did harm:\n" + "\n".join(failures[:5])
    assert reached >= 0.7 * len(chosen), f"only {reached} of {len(chosen)} kills took place: the others prove nothing"
    table.row(30, "killed before a system call", f"SIGKILL before {reached} of {len(fresh) + len(old)} calls on the journal, new and old",
              "the next start needs no help; nothing committed lost, doubled or changed",
              f"{reached} kills, each followed by a start that committed within {READY:g} s; verify: whole")
