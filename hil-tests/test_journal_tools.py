"""The journal commands: what is stored can be counted, followed, exported and checked; damage is found and named."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers import journal, sqlite_pages
from peers.bench import Bench
from peers.host import binary, nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(90), pytest.mark.xdist_group("journal-tools")]


@pytest.fixture(scope="module")
def recorded(module_hosts, tmp_path_factory):
    """A journal of some 15 seconds; ``followed`` is what ``journal tail --follow`` printed while it
    grew."""
    bench = Bench().start()
    host = module_hosts(tmp_path_factory.mktemp("journal-tools") / "unit").configure(bench.devices())
    try:
        host.start()
        host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
        followed = follow(host.journal, seconds=5)
        time.sleep(5)
        host.stop()
    finally:
        host.kill()
        bench.stop()
    return SimpleNamespace(journal=host.journal, followed=followed, lines=host.export())


def follow(directory: Path, seconds: float) -> list[str]:
    """Run ``journal tail --follow`` for a while and give the lines it printed."""
    process = subprocess.Popen(
        [str(binary()), "journal", "tail", "--follow", "--commits", "1", "--journal", str(directory)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    time.sleep(seconds)
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("journal tail ignores SIGTERM") from None
    reader.join(5)
    return lines


def copy(recorded, directory: Path) -> Path:
    shutil.copytree(recorded.journal, directory / "journal")
    return directory / "journal"


def databases(directory: Path) -> list[Path]:
    return [p for p in sorted(directory.rglob("*")) if p.is_file() and sqlite_pages.is_database(p)]


def samples_database(directory: Path) -> Path:
    """The database that holds the samples: by its name, or else the largest."""
    found = databases(directory)
    assert found, f"no SQLite database in {directory}"
    named = [path for path in found if "sample" in path.name.lower()]
    return max(named or found, key=lambda path: path.stat().st_size)


def test_export_has_the_documented_shape(recorded):
    journal.check_shape(recorded.lines)
    assert {line["device"] for line in journal.samples(recorded.lines)} == {"spo2-1", "pump-1", "fridge", "gx"}
    assert any("event" in line for line in recorded.lines), "no event: at least the connections belong in the journal"


def test_tail_follows_the_same_lines(recorded):
    followed = [json.loads(line) for line in recorded.followed if line.strip()]
    assert followed, "journal tail printed nothing while the journal grew"
    assert all(line in recorded.lines for line in followed)
    # It went on as the journal grew: samples of many commits, each line once, none left out in between.
    samples = [line for line in followed if "event" not in line]
    assert len({json.dumps(line) for line in followed}) == len(followed), "a line came twice"
    times = [line["monotonicNanoseconds"] for line in samples]
    assert max(times) - min(times) > 1_000_000_000, "the tail did not go on"
    for stream in {(line["device"], line.get("vmd"), line["metric"]) for line in samples}:
        assert_no_hole([line for line in samples if (line["device"], line.get("vmd"), line["metric"]) == stream])


def assert_no_hole(lines: list[dict]) -> None:
    for one, other in zip(lines, lines[1:]):
        assert one["sequence"] + len(one.get("values", [None])) == other["sequence"], (one, other)


def test_a_hole_is_found():
    with pytest.raises(AssertionError):
        assert_no_hole([{"sequence": 1, "values": [0, 0]}, {"sequence": 4}])
    assert_no_hole([{"sequence": 1, "values": [0, 0]}, {"sequence": 3}, {"sequence": 4}])


def test_stat_speaks_of_every_device(recorded):
    result = nabd("journal", "stat", "--journal", recorded.journal)
    assert result.returncode == 0, result.stderr.decode()
    assert all(name in result.stdout.decode() for name in ("spo2-1", "pump-1", "fridge", "gx"))


def test_verify_passes_an_intact_journal_and_leaves_it_alone(recorded, tmp_path):
    directory = copy(recorded, tmp_path)
    before = {path: path.read_bytes() for path in databases(directory)}
    result = nabd("journal", "verify", "--journal", directory)
    assert result.returncode == 0, (result.stdout + result.stderr).decode()
    assert {path: path.read_bytes() for path in databases(directory)} == before


@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_verify_finds_a_flipped_bit_and_names_the_file(recorded, tmp_path, where):
    directory = copy(recorded, tmp_path)
    database = samples_database(directory)
    offsets = sqlite_pages.row_offsets(database)
    assert offsets, f"{database.name} holds no rows: was it checkpointed at the end?"
    sqlite_pages.flip(database, offsets[round(where * (len(offsets) - 1))])
    result = nabd("journal", "verify", "--journal", directory)
    said = (result.stdout + result.stderr).decode()
    assert result.returncode == 1, said or "verify is content with a damaged journal"
    assert database.name in said, said


def test_a_journal_that_is_not_there_is_an_error_not_an_empty_one(tmp_path):
    for command in (["stat"], ["verify"], ["export", "--jsonl"]):
        result = nabd("journal", *command, "--journal", tmp_path / "nowhere")
        assert result.returncode not in (0, 64), command
        assert b"nowhere" in result.stderr, command
    assert not (tmp_path / "nowhere").exists()
