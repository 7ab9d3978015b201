"""Rows 28 and 29 of the fault matrix: journals that are cut short, have flipped bits, were deleted,
or are older copies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers.clockwork import now
from peers.durable import (
    DurableHost, Rig, assert_whole, dice, export, of_kind, rig_and_host, setting, spread, streams,
)
from peers.host import nabd
from peers.records import RecordsServer
from peers.sqlite_pages import flip
from peers.waiting import wait_until

ALL = 1 << 30
CASES = ALL if os.environ.get("NABD_DAMAGE") == "all" else setting("NABD_DAMAGE", 40)
RUNS = setting("NABD_DAMAGED_RUNS", 8)
LONGEST = 3600 if CASES == ALL else 240 + 10 * RUNS
pytestmark = [pytest.mark.host, pytest.mark.timeout(LONGEST), pytest.mark.xdist_group("durability-damage")]

BLOCK = 512
HANGS = 5
# The share of damages that must be found: a cut goes through the record, most bits are of unused space.
LEAST = {"cut": 0.5, "flip": 0.05}
NAMED = ("journalSetAside", "journalFileFailed", "journalGap")
CRASHES = ("Fatal error", "Traceback", "crashed")


@dataclass(frozen=True)
class Damage:
    """One file cut at an offset, or one bit of it flipped."""

    file: str
    offset: int
    bit: int | None = None

    def do(self, journal: Path) -> None:
        """To a copy."""
        path = journal / self.file
        if self.bit is not None:
            flip(path, self.offset, 1 << self.bit)
        else:
            with open(path, "r+b") as file:
                file.truncate(self.offset)

    def __str__(self) -> str:
        return (
            f"{self.file} cut at {self.offset}"
            if self.bit is None
            else f"{self.file} bit {self.bit} of byte {self.offset}"
        )


def journal_files(journal: Path) -> list[Path]:
    """What holds records: the databases, and their logs where these hold anything."""
    found = [path for kind in ("samples", "events") for path in journal.glob(f"{kind}*.sqlite*")]
    return sorted(path for path in found if not path.name.endswith("-shm") and path.stat().st_size > 0)


def blocks(journal: Path) -> list[tuple[str, int, int]]:
    """Every block of every file: its file, where it begins, and how long it is."""
    return [
        (path.name, start, min(BLOCK, path.stat().st_size - start))
        for path in journal_files(journal) for start in range(0, path.stat().st_size, BLOCK)
    ]


def damages(journal: Path, kind: str) -> tuple[list[Damage], int]:
    """Files cut at block boundaries, or one bit of each block; and the seed of the bits."""
    chance, seed = dice()
    chosen = spread(blocks(journal), CASES)
    if kind == "cut":
        return [Damage(name, start) for name, start, _ in chosen], seed
    return [Damage(name, start + chance.randrange(length), chance.randrange(8)) for name, start, length in chosen], seed


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A journal of two runs of some seconds, and its export."""
    directory = tmp_path_factory.mktemp("damage")
    with rig_and_host(directory) as (_, host):
        for _ in range(2):
            started = now()
            host.start()
            wait_until(lambda: goes_on(host, host.journal, started), 10, "samples")
            host.stop()
    assert_whole(host.journal)
    return SimpleNamespace(journal=host.journal, text=exported(host.journal))


def exported(journal: Path) -> bytes:
    """The export as bytes; nothing where it refuses."""
    result = nabd("journal", "export", "--journal", journal, "--jsonl")
    return result.stdout if result.returncode == 0 else b""


def goes_on(host: DurableHost, journal: Path, since: float) -> bool:
    """Whether the export shows samples of both devices that are younger than this."""
    assert host.running, f"nabd ended by itself:\n{host.log_tail()}"
    result = nabd("journal", "export", "--journal", journal, "--jsonl")
    lines = export(journal) if result.returncode == 0 else []
    young = {line["device"] for line in lines if "metric" in line and line["monotonicNanoseconds"] / 1e9 > since}
    return young == {"spo2", "pump"}


def books(journal: Path) -> Path:
    """Where the uplink's books of a journal lie."""
    return journal.with_name(f"{journal.name}.delivery")


def copy(origin: Path, to: Path, damage: Damage | None = None) -> Path:
    """A copy, with the uplink's books beside it, damaged; what was there is gone."""
    for source, target in ((origin, to), (books(origin), books(to))):
        shutil.rmtree(target, ignore_errors=True)
        if source.exists():
            shutil.copytree(source, target)
    if damage is not None:
        damage.do(to)
    return to


def what_is_wrong(journal: Path, whole: bytes) -> tuple[str, bool]:
    """What the commands do wrong with a damaged journal, if anything, and whether the damage was found."""
    said = ""
    for command in (["verify"], ["stat"], ["export", "--jsonl"]):
        try:
            result = nabd("journal", *command, "--journal", journal, timeout=HANGS)
        except subprocess.TimeoutExpired:
            return f"{command[0]} does not end within {HANGS} s", False
        words = (result.stdout[-4000:] + result.stderr).decode(errors="replace")
        if result.returncode < 0 or result.returncode >= 128 or any(word in words for word in CRASHES):
            return f"{command[0]} crashes with {result.returncode}: {words[-300:]}", False
        if command[0] == "verify":
            code, said = result.returncode, words
    if code == 1 and "fault: " in said:
        return "", True
    if code != 0:
        return f"verify ends with {code} and names no fault: {said[-300:]}", False
    return ("" if exported(journal) == whole else "verify says whole, but the export is another"), False


@pytest.mark.parametrize("kind", ["cut", "flip"])
def test_row_28_damage_is_found_or_does_no_harm(finished, tmp_path, kind, table):
    """Row 28: files cut at every 512 bytes, one bit of every 512 bytes flipped; the commands never crash,
    and never take damage for whole.
    """
    cases, seed = damages(finished.journal, kind)
    assert len(cases) >= min(CASES, 24), (
        f"only {len(cases)} blocks in {[path.name for path in journal_files(finished.journal)]}"
    )
    wrong, found = [], 0
    for damage in cases:
        what, named = what_is_wrong(copy(finished.journal, tmp_path / "journal", damage), finished.text)
        found += named
        if what:
            wrong.append(f"{damage}: {what}")
    assert not wrong, f"seed {seed}: {len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:12])
    assert found >= LEAST[kind] * len(cases), f"seed {seed}: only {found} of {len(cases)} damages were found"
    table.row(
        28, f"damaged file ({kind})",
        "cut at a multiple of 512 bytes" if kind == "cut" else "one bit of a block of 512 bytes flipped",
        "verify names it, or the export is the same byte by byte; no crash",
        f"{len(cases)} cases: {found} named, {len(cases) - found} without any effect",
    )


def harmful(finished, directory: Path) -> list[Damage]:
    """Some damages of either kind that verify names."""
    chosen: list[Damage] = []
    for kind in ("cut", "flip"):
        cases, _ = damages(finished.journal, kind)
        found = [one for one in cases if verify_names(copy(finished.journal, directory, one))]
        chosen += spread(found, RUNS // 2)
    return chosen


def verify_names(journal: Path) -> bool:
    """Whether verify ends with 1."""
    return nabd("journal", "verify", "--journal", journal).returncode == 1


def runs_on(rig: Rig, host: DurableHost, journal: Path) -> list[dict]:
    """The host starts on this journal, samples both devices, stops cleanly, and the new samples can be exported."""
    rig.configure(host, journal)
    began, log = now(), host.log_size()
    host.start()
    host.wait_running(log)
    wait_until(lambda: goes_on(host, journal, began), 6, "new samples in the export")
    host.stop()
    return export(journal)


def test_row_28_host_starts_on_a_damaged_journal_and_says_so(finished, tmp_path, request, table):
    """Row 28: on a journal that is damaged the host starts and samples; the damage stands in the journal,
    or verify still names it.
    """
    failures, chosen, told = [], harmful(finished, tmp_path / "try"), 0
    assert len(chosen) >= RUNS / 2, "too few damages are ever found"
    for number, damage in enumerate(chosen):
        journal = copy(finished.journal, tmp_path / "journal", damage)
        with rig_and_host(tmp_path / f"unit-{number}") as (rig, host):
            request.session.hosts = [host]
            try:
                lines = runs_on(rig, host, journal)
                named = of_kind(lines, *NAMED)
                told += bool(named)
                assert named or verify_names(journal), "neither an event nor verify names the damage"
            except AssertionError as error:
                failures.append(f"{damage}: {str(error)[:700]}")
    request.session.hosts = []
    assert not failures, f"{len(failures)} of {len(chosen)}:\n" + "\n".join(failures[:4])
    table.row(
        28, "host on a damaged journal", f"{len(chosen)} of those damages, then a start",
        "starts, samples, ends with 0; the damage is named",
        f"all of them; {told} told by an event, the others by verify",
    )


# Row 29: a journal that lacks what had been recorded


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, pki) -> Iterator[SimpleNamespace]:
    """A journal that was delivered, an older copy of it, and the server that has it all."""
    directory = tmp_path_factory.mktemp("delivered")
    server = RecordsServer(directory / "records", pki).start()
    try:
        with rig_and_host(directory) as (rig, host):
            configure(rig, host, host.journal, server, pki)
            for copied in ("older", "newest"):
                before = server.count("Observation")
                host.start()
                wait_until(lambda: server.count("Observation") >= before + 4, 20, "windows on the server")
                host.stop()
                copy(host.journal, directory / copied)
        yield SimpleNamespace(older=directory / "older", newest=directory / "newest", server=server, pki=pki)
    finally:
        server.stop()


def configure(rig: Rig, host: DurableHost, journal: Path, server: RecordsServer, pki) -> None:
    """The rig's unit, with an uplink."""
    rig.configure(host, journal)
    unit = host.config.read_text()
    host.config.write_text(
        f"{unit}uplink:\n  server: {server.base_url}\n  authority: {pki.authority.certificate}\n"
        f"  client-certificate: {pki.client.certificate}\n  client-key: {pki.client.key}\n  window: 1s\n"
    )


def remove(journal: Path, *kinds: str) -> None:
    """The files whose names begin so, with their logs."""
    for kind in kinds:
        gone = list(journal.glob(f"{kind}*.sqlite*"))
        assert gone, f"no {kind} in {journal}"
        for path in gone:
            path.unlink()


def replace(journal: Path, older: Path, *kinds: str) -> None:
    """These files by those of an older copy."""
    remove(journal, *kinds)
    for kind in kinds:
        for path in older.glob(f"{kind}*.sqlite*"):
            shutil.copy2(path, journal / path.name)


def remove_everything(journal: Path) -> None:
    """All but the lock, and the uplink's book beside it."""
    remove(journal, "samples", "events")
    for path in journal.iterdir():
        if path.name != "lock":
            path.unlink()


LOSSES = {
    "samples deleted": lambda journal, older: remove(journal, "samples"),
    "events deleted": lambda journal, older: remove(journal, "events"),
    "all deleted but the uplink's book": lambda journal, older: remove_everything(journal),
    "older samples": lambda journal, older: replace(journal, older, "samples"),
    "older events": lambda journal, older: replace(journal, older, "events"),
    "older samples and events": lambda journal, older: replace(journal, older, "samples", "events"),
}


def content(server: RecordsServer) -> dict[str, dict]:
    """The observations on the server, without what the server itself adds."""
    return {
        resource["id"]: {key: value for key, value in resource.items() if key != "meta"}
        for resource in server.all("Observation")
    }


@pytest.mark.parametrize("loss", LOSSES)
def test_row_29_journal_that_lacks_what_was_recorded_is_a_gap_that_is_told(delivered, tmp_path, request, loss, table):
    """Row 29: files deleted, or older copies in their place. The host goes on, says that there is a gap,
    and doubles nothing anywhere.
    """
    journal = copy(delivered.newest, tmp_path / "journal")
    LOSSES[loss](journal, delivered.older)
    on_server = content(delivered.server)
    with rig_and_host(tmp_path) as (rig, host):
        request.session.hosts = [host]
        configure(rig, host, journal, delivered.server, delivered.pki)
        began = now()
        host.start()
        host.wait_running(0)
        wait_until(lambda: goes_on(host, journal, began), 6, "new samples in the export")
        wait_until(lambda: delivered.server.count("Observation") >= len(on_server) + 4, 10, "new windows on the server")
        host.stop()
    request.session.hosts = []
    lines = export(journal)
    streams(lines)
    after = content(delivered.server)
    changed = [number for number, resource in on_server.items() if after.get(number) != resource]
    assert not changed, f"{len(changed)} resources that had been delivered were replaced, such as {changed[0]}"
    assert of_kind(lines, "journalGap"), (
        f"no journalGap; events {sorted({line['event'] for line in lines if 'event' in line})}"
    )
    table.row(
        29, f"journal: {loss}", "between two runs of a host with an uplink",
        "starts, samples, tells of the gap, doubles nothing", f"{of_kind(lines, 'journalGap')[0]}"[:200],
    )
