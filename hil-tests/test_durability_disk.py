"""Rows 24 to 27 of the fault matrix: the journal's disk is full, read-only, gives errors, or takes ten seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from peers.clockwork import now
from peers.disks import Ext4Disk, MemoryDisk, need_mounts
from peers.durable import (
    DurableHost, Observer, Rig, alerts, assert_whole, export, kept_sampling, of_kind, record_files, rig_and_host,
    setting, still_there, streams, without_holes,
)
from peers.tracing import injected, injections, need_strace
from peers.waiting import wait_until

LASTS = setting("NABD_DISK_SECONDS", 5)
STALLS = setting("NABD_STALLS", 1)
pytestmark = [pytest.mark.host, pytest.mark.timeout(90 + 2 * LASTS + 12 * STALLS)]

# How long a fault may be unknown to the journal, and its end.
TOLD = 3.0
STOPPED = 10.0
STALL = 10.0


class Watched:
    """A host in good health, what it had committed and exported before the fault, and the log from then on."""

    def __init__(self, rig: Rig, host: DurableHost, journal: Path) -> None:
        self.rig, self.host, self.journal = rig, host, journal
        self.observer = Observer(journal)
        rig.configure(host, journal)
        host.start()
        host.wait_running(0)
        self.observer.wait_for_news()
        self.observer.look_until(now() + 1.5)
        self.before = streams(export(journal))
        self.log = host.log_size()
        self.began = now()

    def said(self, *words: str) -> list[str]:
        """Lines of the log since the fault began that are more than information and hold one of these words."""
        loud = [
            line
            for line in self.host.logged(self.log).splitlines()
            if any(f" {level} " in line for level in ("warning", "error", "critical"))
        ]
        return [line for line in loud if any(word in line.lower() for word in words)]

    def goes_on(self) -> str:
        """The host runs, asks its devices with their period, and has lost nothing that was committed."""
        assert self.host.running, self.host.log_tail()
        lost = self.observer.missing()
        assert not lost, lost[:3]
        return self.rig.kept_asking(self.began, now())

    def alert(self, name: str, at_least: int, timeout: float) -> list[dict]:
        """The starts and ends of an alert, once there are so many."""
        what = f"{'the start' if at_least == 1 else 'the end'} of {name} in the journal"
        return wait_until(
            lambda: found if len(found := alerts(export(self.journal), name)) >= at_least else None, timeout, what
        )

    def whole_again(self, since: float) -> tuple[list[dict], str]:
        """After the fault: samples are committed again; at the end the record is whole
        and without a hole through all of it.
        """
        self.observer.look()
        self.observer.wait_for_news(10)
        time.sleep(1)
        until = now() - 0.5
        self.host.stop()
        lines = export(self.journal)
        still_there(self.before, without_holes(lines))
        assert not of_kind(lines, "samplesLost"), of_kind(lines, "samplesLost")[0]
        assert not (lost := self.observer.missing()), lost[:3]
        assert_whole(self.journal)
        return lines, kept_sampling(lines, since, until)


@contextmanager
def watched(directory: Path, journal: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """One with a rig of its own, gone afterwards."""
    with rig_and_host(directory) as (rig, host):
        request.session.hosts = [host]
        yield Watched(rig, host, journal)
    request.session.hosts = []


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[MemoryDisk]:
    """A small disk."""
    need_mounts("mount", "umount")
    disk = MemoryDisk(tmp_path / "memory", megabytes=128)
    yield disk
    disk.unmount()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Ext4Disk]:
    """An ext4 file system."""
    need_mounts("mkfs.ext4", "mount", "umount", "chattr")
    made = Ext4Disk(tmp_path / "disk")
    yield made
    made.unmount()


@pytest.fixture
def unit(memory: MemoryDisk, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A host whose journal is on the small disk."""
    with watched(tmp_path, memory.at / "journal", request) as made:
        yield made


@pytest.fixture
def ext4_unit(disk: Ext4Disk, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A host whose journal is on ext4."""
    with watched(tmp_path, disk.at / "journal", request) as made:
        yield made


@pytest.fixture
def plain_unit(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A host whose journal is anywhere."""
    need_strace()
    with watched(tmp_path, tmp_path / "journal", request) as made:
        yield made


def test_row_24_full_disk_costs_no_sample_once_there_is_room_again(memory, unit, table):
    """Row 24: the disk is full for some seconds; the host samples on, says so once, and writes all of it afterwards."""
    memory.fill()
    started = unit.alert("NABD_JOURNAL_FAILING", 1, TOLD)
    time.sleep(max(0.0, unit.began + LASTS - now()))
    assert alerts(export(unit.journal), "NABD_JOURNAL_FAILING") == started, (
        "the alert must stay one as long as the disk is full"
    )
    polls = unit.goes_on()
    memory.free()
    freed = now()
    lines, held = unit.whole_again(unit.began)
    ended = [line for line in alerts(lines, "NABD_JOURNAL_FAILING") if line["event"] == "alertEnd"]
    assert len(ended) == 1, alerts(lines, "NABD_JOURNAL_FAILING")
    after = ended[0]["monotonicNanoseconds"] / 1e9 - freed
    assert 0 < after <= TOLD, f"the alert ended {after:.1f} s after there was room again"
    said = unit.said("journal")
    assert len(said) == 1, f"the log says it {len(said)} times: {said[:4]}"
    table.row(
        24, "disk full", f"every block of the journal's disk taken for {LASTS} s",
        "sampling goes on, told once, alert in the journal meanwhile; nothing lost afterwards",
        f"{polls}; {held}; alert after {started[0]['monotonicNanoseconds'] / 1e9 - unit.began:.1f} s, "
        f"over {after:.1f} s after",
    )


def test_row_24_full_disk_does_not_keep_the_host_from_stopping(memory, unit, table):
    """Row 24: SIGTERM while the disk is full; what was committed stays, and the next start needs no help."""
    memory.fill()
    time.sleep(1.5)
    code, took = unit.host.terminate(STOPPED)
    assert code >= 0, f"ended by signal {-code}"
    assert not unit.observer.missing()
    memory.free()
    log = unit.host.log_size()
    unit.host.start()
    unit.host.wait_running(log)
    unit.observer.look()
    unit.observer.wait_for_news()
    unit.host.stop()
    still_there(unit.before, streams(export(unit.journal)))
    assert_whole(unit.journal)
    table.row(
        24, "stop with a full disk", "SIGTERM 1.5 s after the disk was full",
        f"ends within {STOPPED:g} s; what was committed stays",
        f"ended with {code} after {took:.1f} s, whole after the next start",
    )


def test_row_24_host_starts_on_a_full_disk(memory, unit, table):
    """Row 24: the unit is switched on with a disk that is full already: what is reserved lets it begin,
    and the alarm is in the journal.
    """
    unit.host.terminate(STOPPED)
    memory.fill()
    log = unit.host.log_size()
    began = now()
    unit.host.start()
    unit.host.wait_running(log)
    unit.alert("NABD_JOURNAL_FAILING", 1, TOLD)
    memory.free()
    unit.alert("NABD_JOURNAL_FAILING", 2, TOLD)
    unit.host.stop()
    still_there(unit.before, streams(export(unit.journal)))
    assert_whole(unit.journal)
    table.row(
        24, "start with a full disk", "every block of the journal's disk taken before the start",
        "starts, samples, alert; written when there is room",
        f"ran and told within {TOLD:g} s each, whole {now() - began:.1f} s after the start",
    )


def test_row_25_disk_that_refuses_writes_for_a_while(disk, ext4_unit, table):
    """Row 25: every write, and every new file, is refused for some seconds;
    a read-only remount proper is refused while files are open.
    """
    unit = ext4_unit
    disk.refuse_writes(unit.journal)
    try:
        time.sleep(LASTS)
        polls = unit.goes_on()
        assert unit.said("journal"), "the log does not say that the journal cannot be written"
    finally:
        disk.take_writes(unit.journal)
    mended = now()
    unit.alert("NABD_JOURNAL_FAILING", 2, 10)
    lines, held = unit.whole_again(unit.began)
    kinds = [line["event"] for line in alerts(lines, "NABD_JOURNAL_FAILING")]
    assert kinds == ["alertStart", "alertEnd"], kinds
    over = alerts(lines, "NABD_JOURNAL_FAILING")[1]["monotonicNanoseconds"] / 1e9 - mended
    table.row(
        25, "read-only for a while", f"the journal's folder and files immutable for {LASTS} s",
        "samples held and written afterwards, told, alert",
        f"{polls}; {held}; alert over {over:.1f} s after it was writable again",
    )


def test_row_25_disk_that_has_become_read_only_for_good(disk, ext4_unit, table):
    """Row 25: ext4 has given itself up. The host samples on, says so, and can be stopped;
    after the repair all that was committed is there.
    """
    unit = ext4_unit
    disk.abort()
    time.sleep(LASTS)
    assert unit.host.running, unit.host.log_tail()
    polls = unit.rig.kept_asking(unit.began, now())
    said = unit.said("journal")
    assert 1 <= len(said) <= 3, f"the log says {len(said)} times that the journal cannot be written: {said[-4:]}"
    code, took = unit.host.terminate(STOPPED)
    assert code >= 0, f"ended by signal {-code}"
    disk.unmount()
    disk.mount()
    assert not (lost := unit.observer.missing()), lost[:3]
    assert_whole(unit.journal)
    table.row(
        25, "read-only for good", f"ext4 aborted; SIGTERM {LASTS} s later",
        f"sampling goes on, told; ends within {STOPPED:g} s",
        f"{polls}; told {len(said)} times; ended with {code} after {took:.1f} s; all that was committed is there",
    )


def test_row_25_bus_error_on_the_shared_index_does_not_end_the_host(disk, ext4_unit, table):
    """Row 25: a disk that gives up may refuse a write to SQLite's mapped index, which is a bus error.
    The host goes on in new files.
    """
    unit = ext4_unit
    files = set(record_files(unit.journal))
    disk.refuse_mapped_writes(unit.journal)
    try:
        unit.observer.look_until(now() + LASTS)
        polls = unit.goes_on()
    finally:
        disk.take_writes(unit.journal)
    lines, held = unit.whole_again(unit.began)
    failed = {line["file"]: line["reason"] for line in of_kind(lines, "journalFileFailed")}
    assert set(failed) == {path.name for path in files}, (failed, files)
    assert all("index" in reason for reason in failed.values()), failed
    table.row(
        25, "bus error on a mapped page", "the shared indices (-shm) immutable and written back",
        "goes on in new files; nothing lost, told", f"{len(failed)} files left; {polls}; {held}",
    )


@pytest.mark.parametrize("left", ["stopped", "killed", "nothing"])
def test_row_25_host_starts_on_a_read_only_disk(disk, ext4_unit, left, table):
    """Row 25: the unit is switched on with a disk that is read-only: it samples into memory,
    says so, and writes all of it once the disk takes it.
    """
    unit = ext4_unit
    journal = unit.journal
    if left == "killed":
        unit.host.kill()
    else:
        unit.host.terminate(STOPPED)
    if left == "nothing":
        journal = disk.at / "elsewhere" / "journal"
        unit.rig.configure(unit.host, journal)
    disk.read_only()
    log, began = unit.host.log_size(), now()
    unit.host.start()
    unit.host.wait_running(log)
    running = now()
    unit.log = log
    time.sleep(LASTS)
    polls = unit.rig.kept_asking(running, now())
    # The status socket, beside the journal, has no place on such a disk either; that is said for itself.
    said = [line for line in unit.said("journal") if "nobody can ask how the host is" not in line]
    assert len(said) == 1, f"the log says it {len(said)} times: {said[:4]}"
    if left != "nothing":
        still_there(unit.before, streams(export(journal)))
        assert_whole(journal)
    disk.writable()
    mended = now()
    unit.journal = journal
    wait_until(lambda: record_files(journal, "samples") and record_files(journal, "events"), 70, "a journal")
    ended = unit.alert("NABD_JOURNAL_FAILING", 2, 70)
    until = now() - 0.5
    unit.host.stop()
    lines = export(journal)
    found = without_holes(lines)
    if left != "nothing":
        still_there(unit.before, found)
    assert_whole(journal)
    held = kept_sampling(lines, running, until)
    starts = [line for line in of_kind(lines, "hostStarted") if line["monotonicNanoseconds"] / 1e9 > began]
    assert len(starts) == 1, starts
    assert not of_kind(lines, "samplesLost", "journalGap"), of_kind(lines, "samplesLost", "journalGap")
    over = ended[1]["monotonicNanoseconds"] / 1e9 - mended
    table.row(
        25, f"start on a read-only disk, {left} before", f"mounted ro before the start, rw {LASTS} s later",
        "starts, samples, told once; all of it written when the disk takes it",
        f"{polls}; {held}; alert over {over:.1f} s after it was writable again",
    )


def test_row_25_what_memory_does_not_hold_is_told_when_the_host_stops(disk, ext4_unit, table):
    """Row 25: the host stops on a disk that was read-only throughout: what is lost with it is said."""
    unit = ext4_unit
    unit.host.terminate(STOPPED)
    disk.read_only()
    log = unit.host.log_size()
    unit.host.start()
    unit.host.wait_running(log)
    time.sleep(2)
    code, took = unit.host.terminate(STOPPED)
    assert code >= 0, f"ended by signal {-code}"
    assert "lost with this stop" in unit.host.logged(log), unit.host.logged(log)
    still_there(unit.before, streams(export(unit.journal)))
    assert_whole(unit.journal)
    table.row(
        25, "stop on a read-only disk", "mounted ro throughout", f"ends within {STOPPED:g} s, says what is lost",
        f"ended with {code} after {took:.1f} s",
    )


def test_row_25_journal_that_another_host_wrote_meanwhile_is_left_alone(disk, ext4_unit, tmp_path, table):
    """Row 25: a host holds its samples in memory; another one writes the journal first. No number is given twice:
    the first says so and writes nothing.
    """
    unit = ext4_unit
    unit.host.terminate(STOPPED)
    disk.read_only()
    unit.log = unit.host.log_size()
    unit.host.start()
    unit.host.wait_running(unit.log)
    # It tries after one, three and seven seconds: the disk takes writes, and the other host has them,
    # between the last two.
    time.sleep(3.5)
    disk.writable()
    other = DurableHost(tmp_path / "other")
    unit.rig.configure(other, unit.journal)
    other.start()
    other.wait_running(0)
    time.sleep(2)
    other.terminate(STOPPED)
    written, files = streams(export(unit.journal)), record_files(unit.journal)
    time.sleep(20)
    assert unit.host.running, unit.host.log_tail()
    assert (streams(export(unit.journal)), record_files(unit.journal)) == (written, files), (
        "the first host wrote behind the other"
    )
    code, took = unit.host.terminate(STOPPED)
    said = unit.host.logged(unit.log)
    assert code >= 0 and "lost with this stop" in said and "start the host anew" in said, said
    assert_whole(unit.journal)
    table.row(
        25, "another host writes first", "started on a read-only disk; another host runs for 2 s once it is writable",
        "the first writes nothing, says so",
        f"nothing written in 20 s, told at the stop; ended with {code} after {took:.1f} s",
    )


@pytest.mark.parametrize(
    ("call", "nth"), [("fdatasync", 1), ("fdatasync", 4), ("fdatasync", 9), ("pwrite64", 1), ("pwrite64", 14)]
)
def test_row_26_error_of_the_disk_is_not_taken_for_success(plain_unit, tmp_path, call, nth, table):
    """Row 26: one write or sync fails with EIO. The file is not trusted again: a new one is begun,
    and nothing is lost or doubled.
    """
    unit, log = plain_unit, tmp_path / "trace"
    files = set(record_files(unit.journal))
    with injected(unit.host.pid, log, call, f"error=EIO:when={nth}"):
        wait_until(lambda: injections(log), 8, f"{call} number {nth}", every=0.05)
        unit.observer.look_until(now() + 1)
        polls = unit.goes_on()
    lines, held = unit.whole_again(unit.began)
    failed = of_kind(lines, "journalFileFailed")
    assert failed, f"no journalFileFailed; events {sorted({line['event'] for line in lines if 'event' in line})}"
    assert any(failed[0]["file"] == path.name for path in files), (failed[0], files)
    assert failed[0].get("reason"), failed[0]
    begun = set(record_files(unit.journal)) - files
    assert begun, "no new file was begun"
    table.row(
        26, f"EIO on {call}", f"{call} number {nth} of a thread fails once",
        "told, a new file begun; nothing lost or doubled",
        f"{failed[0]['file']} failed, {len(begun)} files begun; {polls}; {held}",
    )


def test_row_27_ten_seconds_for_a_sync_do_not_hold_up_sampling(plain_unit, tmp_path, table):
    """Row 27: a sync takes ten seconds. Both devices are asked and sampled with their period all the while,
    and nothing is lost.
    """
    unit, log = plain_unit, tmp_path / "trace"
    with injected(unit.host.pid, log, "fdatasync", f"delay_enter={STALL * 1e6:.0f}:when=1..{STALLS}"):
        unit.observer.look_until(now() + 0.6)
        stalled = unit.observer.samples
        unit.observer.look_until(unit.began + STALL - 1)
        assert unit.observer.samples == stalled, "samples were committed meanwhile: nothing was held up"
        unit.observer.look_until(unit.began + STALLS * (STALL + 1))
        assert injections(log) >= 1, "no sync was delayed"
        polls = unit.goes_on()
    lines, held = unit.whole_again(unit.began)
    slow = [line["milliseconds"] for line in lines if line.get("event") == "journalSlow"]
    assert slow and max(slow) >= STALL * 900, f"the slowness was not told: {slow}"
    table.row(27, "slow disk", f"{STALLS} fdatasync of {STALL:g} s", "sampling is not held up; nothing lost; told",
              f"{polls}; {held}; journalSlow of {max(slow)} ms; whole afterwards")
