"""Row 31 of the fault matrix: the power goes, and what was not synced is lost; with a control that shows that it is."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from peers import plain_writer
from peers.clockwork import now
from peers.disks import Ext4Disk, need_mounts
from peers.durable import (
    COMMIT_EVERY, DurableHost, Observer, Rig, Streams, assert_whole, dice, export, preloading, rig_and_host, setting,
    still_there, streams, times, without_holes,
)

CUTS = setting("NABD_CUTS", 5)
CONTROLS = min(CUTS, 20)
pytestmark = [pytest.mark.host, pytest.mark.timeout(60 + 5 * CUTS)]

# What may be lost: the interval between two commits, and the time that a commit and the oximeter's frames may take.
SLACK = 0.5


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Ext4Disk]:
    """An ext4 file system whose power can be cut."""
    need_mounts("mkfs.ext4", "mount", "umount")
    made = Ext4Disk(tmp_path / "disk")
    yield made
    made.unmount()


@pytest.fixture
def unit(disk: Ext4Disk, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Rig, DurableHost]]:
    """A rig and a host whose journal is on that disk; gone before it is unmounted."""
    with rig_and_host(tmp_path) as (rig, host):
        request.session.hosts = [host]
        rig.configure(host, disk.at / "journal")
        yield rig, host
    request.session.hosts = []


def until_the_cut(
    disk: Ext4Disk, host: DurableHost, observer: Observer, chance: random.Random
) -> tuple[float, Streams]:
    """One life, up to a moment after its first commit at which the power goes.
    Gives when, and what was exported before.
    """
    log = host.log_size()
    host.start()
    host.wait_running(log)
    observer.look()
    observer.wait_for_news()
    ends = now() + chance.uniform(0.1, 0.7)
    exported = streams(export(observer.journal))
    observer.look_until(ends)
    moment = now()
    disk.cut()
    host.kill()
    disk.unmount()
    disk.mount()
    return moment, exported


def test_row_31_power_cut_costs_at_most_one_commit_interval(disk, unit, table):
    """Row 31: the power of the journal's disk is cut at random moments, on one journal."""
    _, host = unit
    chance, seed = dice()
    journal = disk.at / "journal"
    observer, worst, values = Observer(journal), 0.0, 0
    for _ in range(CUTS):
        moment, exported = until_the_cut(disk, host, observer, chance)
        assert_whole(journal)
        lost = observer.missing()
        assert not lost, f"seed {seed}: {lost[:3]}"
        lines = export(journal)
        newest = times(lines, "spo2", "MDC_PULS_OXIM_PLETH", 0, moment)[-1] + len(last_wave(lines)) / 75
        worst = max(worst, moment - newest)
        assert moment - newest <= COMMIT_EVERY + SLACK, (
            f"seed {seed}: {moment - newest:.2f} s of samples before the cut are lost"
        )
        values += still_there(exported, without_holes(lines))
    table.row(31, "power cut", f"ext4 shut down without flushing its log, {CUTS} times at random moments, one journal",
              f"nothing lost that had been committed, at most {COMMIT_EVERY:g} s and what is on its way",
              f"{observer} seen before the cuts and found again, {values} values the same; at most {worst:.2f} s lost")


def test_row_31_control_a_host_that_does_not_sync_is_found_out(disk, unit, tmp_path, table):
    """Row 31: the same cuts cost a host whose syncs do nothing what it had committed;
    else the test above cannot fail.
    """
    _, host = unit
    chance, seed = dice()
    host.prefix = preloading("no_sync.c", tmp_path)
    journal, lost = disk.at / "journal", []
    for _ in range(CONTROLS):
        shutil.rmtree(journal, ignore_errors=True)
        observer = Observer(journal)
        until_the_cut(disk, host, observer, chance)
        lost.append(observer.missing()[:1])
    losing = sum(bool(what) for what in lost)
    assert losing >= 0.8 * CONTROLS, f"seed {seed}: a host that syncs nothing loses nothing: {lost}"
    table.row(
        31, "control: a host that does not sync", f"the same cut {CONTROLS} times",
        "what it had committed is lost at nearly every cut",
        f"lost at {losing} of {CONTROLS} cuts, such as: {lost[-1]}",
    )


def last_wave(lines: list[dict]) -> list:
    """The values of the newest line of the pleth."""
    return max(
        (line for line in lines if line.get("metric") == "MDC_PULS_OXIM_PLETH"), key=lambda line: line["sequence"]
    )["values"]


def rows_after_a_cut(disk: Ext4Disk, synchronous: str, chance: random.Random) -> tuple[int, int]:
    """A writer of its own loses its disk's power. Gives how many rows it had committed, and how many are there."""
    path = disk.at / f"{synchronous.lower()}.sqlite"
    with subprocess.Popen(
        [sys.executable, plain_writer.__file__, str(path), synchronous], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as writer:
        writer.stdout.readline()
        time.sleep(chance.uniform(0.1, 0.3))
        writer.kill()
        told = writer.stdout.read().split()
        disk.cut()
        writer.wait(5)
    disk.unmount()
    disk.mount()
    with closing(sqlite3.connect(path)) as connection:
        (there,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM rows").fetchone()
    return int(told[-1]), there


@pytest.mark.parametrize("synchronous", ["OFF", "FULL"])
def test_row_31_control_the_cut_loses_what_was_not_synced_and_only_that(disk, synchronous, table):
    """Row 31: without syncing a writer loses rows at every cut, or nearly; with syncing it loses none.
    Else the test above proves nothing.
    """
    chance, seed = dice()
    path = disk.at / f"{synchronous.lower()}.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE rows(id INTEGER PRIMARY KEY, filling BLOB NOT NULL)")
    cuts = [rows_after_a_cut(disk, synchronous, chance) for _ in range(CONTROLS)]
    losing = sum(there < told for told, there in cuts)
    if synchronous == "FULL":
        assert losing == 0, f"seed {seed}: rows that were synced are lost: {cuts}"
    else:
        assert losing >= 0.8 * CONTROLS, f"seed {seed}: the cut loses nothing: {cuts}"
    table.row(
        31, f"control: power cut, synchronous={synchronous}",
        f"the same cut {CONTROLS} times while Python writes with SQLite",
        "rows are lost at nearly every cut" if synchronous == "OFF" else "no row is lost",
        f"rows lost at {losing} of {CONTROLS} cuts, {sum(max(0, told - there) for told, there in cuts)} in all",
    )
