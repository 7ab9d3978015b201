"""What lies in the journal's folder that nobody of ours put there: the host samples all the same,
and every tool ends by itself, with words and without a signal.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from peers import journal
from peers.host import Host, binary, json_lines, nabd
from peers.oximeter import Oximeter, line
from peers.people import ask, let_in
from peers.pki import Pki
from peers.waiting import wait_until
from test_presets import SITE

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]

# Every command that reads a journal by itself; {journal}, {config} and {new} are its folder, the unit's file and a name
# that nothing has yet, {binding} the time of a patient in it. What the running host is asked (status, watch, pump, bed,
# alarms) reads none.
TOOLS = [
    "journal stat --journal {journal}",
    "journal stat --config {config}",
    "journal verify --journal {journal}",
    "journal export --journal {journal}",
    "journal export --csv --journal {journal}",
    "journal export --device well --metric MDC_PULS_OXIM_SAT_O2 --from 2026-01-01T00:00:00Z --journal {journal}",
    "journal tail --journal {journal}",
    "export --bed chair-1 --journal {journal}",
    "export --bed chair-1 --journal {journal} --binding {binding} --to {new} --deidentified",
    "uplink status --config {config}",
    "uplink parked --config {config}",
    "uplink withheld --config {config}",
    "check --config {config}",
    "doctor --config {config}",
    "support-bundle --config {config} --output {new}",
]
# Those of them that read every row, each in its own way.
READERS = [tool for tool in TOOLS if tool.startswith(("journal verify", "journal export --journal", "journal tail",
                                                      "export", "uplink parked"))]


def newest(folder: Path, part: str) -> Path:
    return max(folder.glob(f"{part}-*.sqlite"))


def following(folder: Path, part: str) -> Path:
    """The name that the next file of this part will have."""
    found = newest(folder, part)
    number = found.stem.split("-")[1]
    return folder / f"{part}-{int(number) + 1:0{len(number)}d}.sqlite"


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def pipe(path: Path) -> None:
    """A pipe in place of a file."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def database(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as opened:
        for statement in statements:
            opened.execute(statement)
    opened.close()


# Of the journal that this program writes; the seed's own says so.
VERSION = 6


def foreign_file() -> list[str]:
    """What makes a file look like one of ours."""
    return ["CREATE TABLE about (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
            "INSERT INTO about VALUES ('first', 100000)", f"PRAGMA user_version = {VERSION}"]


def absurd(folder: Path, part: str, statement: str) -> None:
    """Changes rows of the newest file of a part."""
    opened = sqlite3.connect(newest(folder, part))
    try:
        opened.execute(statement)
        opened.commit()
    except sqlite3.Error as error:
        raise AssertionError(f"the test's own statement fails: {error}") from error
    finally:
        opened.close()


def columns(folder: Path, part: str) -> list[tuple[str, str]]:
    """Tables and their columns that hold numbers."""
    opened = sqlite3.connect(newest(folder, part))
    tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    found = [(table, row[1]) for table in tables for row in opened.execute(f"PRAGMA table_info({table})")
             if row[2].upper() in ("INTEGER", "INT", "")]
    opened.close()
    return found


NEWER = "PRAGMA user_version = 99"

HOSTILE: dict[str, Callable[[Path], object]] = {
    "short-number": lambda folder: write(folder / "samples-7.sqlite", b""),
    "no-number": lambda folder: write(folder / "samples-.sqlite", b"x"),
    "large-number": lambda folder: write(folder / "samples-99999999999999999999.sqlite", b""),
    "largest-number": lambda folder: write(folder / f"samples-{2**63 - 1}.sqlite", b""),
    "six-nines": lambda folder: write(folder / "samples-999999.sqlite", b""),
    "arabic-digits": lambda folder: write(folder / "samples-٠٠٠٠٠٩.sqlite", b""),
    "upper-case": lambda folder: write(folder / "SAMPLES-000009.SQLITE", b""),
    "new-line": lambda folder: write(folder / "samples-000009\n.sqlite", b""),
    "no-utf-8": lambda folder: os.open(bytes(folder) + b"/samples-\xff\xfe.sqlite", os.O_CREAT),
    "escape": lambda folder: write(folder / "samples-\x1b[31m9.sqlite", b""),
    "empty-samples": lambda folder: write(following(folder, "samples"), b""),
    "empty-events": lambda folder: write(following(folder, "events"), b""),
    "text-samples": lambda folder: write(following(folder, "samples"), b"no database" * 1000),
    "text-events": lambda folder: write(following(folder, "events"), b"no database" * 1000),
    "foreign-samples": lambda folder: database(following(folder, "samples"), "CREATE TABLE other (a)"),
    "foreign-events": lambda folder: database(following(folder, "events"), "CREATE TABLE other (a)"),
    "endless-view": lambda folder: database(
        following(folder, "events"),
        "CREATE VIEW event AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i AS sequence, i AS "
        "session, i AS body, i AS digest FROM n"),
    "view-of-events": lambda folder: database(
        following(folder, "events"), *foreign_file(),
        "CREATE VIEW events AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'x' AS "
        "session, i AS monotonic_ns, i AS utc, 0 AS quality, 'x' AS device, 'x' AS kind, '{}' AS body, x'00' AS hash, "
        "0 AS checksum FROM n"),
    "view-of-chunks": lambda folder: database(
        following(folder, "samples"), *foreign_file(), "CREATE TABLE sessions (id INTEGER)",
        "CREATE TABLE streams (id INTEGER)", "CREATE TABLE gaps (stream INTEGER)",
        "CREATE VIEW chunks AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, "
        "i AS first, 1 AS session, 1 AS content, x'00' AS payload FROM n"),
    "trigger": lambda folder: absurd(
        folder, "events", "CREATE TRIGGER more AFTER INSERT ON events BEGIN DELETE FROM events; END"),
    "large-row": lambda folder: absurd(
        folder, "samples", "UPDATE chunks SET payload = zeroblob(400000000) WHERE id = (SELECT max(id) FROM chunks)"),
    "large-event": lambda folder: absurd(
        folder, "events",
        "UPDATE events SET body = hex(zeroblob(100000000)) WHERE id = (SELECT max(id) FROM events)"),
    "pipe-samples": lambda folder: os.mkfifo(following(folder, "samples")),
    "pipe-events": lambda folder: os.mkfifo(following(folder, "events")),
    "pipe-wal": lambda folder: os.mkfifo(Path(str(following(folder, "samples")) + "-wal")),
    "pipe-lock": lambda folder: ((folder / "lock").unlink(missing_ok=True), os.mkfifo(folder / "lock")),
    "pipe-reserve": lambda folder: ((folder / "reserve").unlink(missing_ok=True), os.mkfifo(folder / "reserve")),
    "folder-samples": lambda folder: following(folder, "samples").mkdir(),
    "folder-events": lambda folder: following(folder, "events").mkdir(),
    "link-nowhere": lambda folder: following(folder, "samples").symlink_to("/nowhere"),
    "link-elsewhere": lambda folder: following(folder, "events").symlink_to("/etc/passwd"),
    "link-to-itself": lambda folder: following(folder, "samples").symlink_to(following(folder, "samples").name),
    "device": lambda folder: following(folder, "samples").symlink_to("/dev/zero"),
    "newer-samples": lambda folder: database(following(folder, "samples"), "CREATE TABLE a (b)", NEWER),
    "newer-events": lambda folder: database(following(folder, "events"), "CREATE TABLE a (b)", NEWER),
    "own-newer-samples": lambda folder: database(newest(folder, "samples"), NEWER),
    "own-newer-events": lambda folder: database(newest(folder, "events"), NEWER),
    "many": lambda folder: [write(folder / f"samples-{n:07d}.sqlite", b"") for n in range(1000, 1500)],
    "pipe-own-wal": lambda folder: pipe(Path(str(newest(folder, "samples")) + "-wal")),
    "pipe-own-shm": lambda folder: pipe(Path(str(newest(folder, "events")) + "-shm")),
    "orphan-wal": lambda folder: write(
        Path(str(following(folder, "events")) + "-wal"), b"\x37\x7f\x06\x82" * 4096),
    "half-samples": lambda folder: halve(newest(folder, "samples")),
    "half-events": lambda folder: halve(newest(folder, "events")),
}


@pytest.fixture
def oximeter():
    made = Oximeter(lambda number: line(spo2=90 + number % 10), period=0.2)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def seed(tmp_path_factory, module_hosts, pki) -> Path:
    """A journal of two sessions, ended in good order; in the second somebody is at a bed."""
    made = Oximeter(lambda number: line(spo2=90 + number % 10), period=0.2)
    host = module_hosts(tmp_path_factory.mktemp("seed") / "unit")
    configured(host, made, pki)
    runs_and_records(host)
    presets = host.directory / "presets"
    presets.mkdir()
    (presets / "site.yaml").write_text(SITE)
    let_in(host, presets="presets", patients="patients", beds={"chair-1": {
        "name": "Chair 1", "name-arabic": "كرسي 1", "preset": "site", "devices": ["well"]}})
    runs_and_records(host, bind)
    made.stop()
    opened = sqlite3.connect(newest(host.journal, "samples"))
    assert opened.execute("PRAGMA user_version").fetchone() == (VERSION,), "the foreign files are of another version"
    opened.close()
    return host.journal


def configured(host: Host, oximeter: Oximeter, pki: Pki) -> Host:
    """One device, and a records service that is not there: so that the tools of the uplink have a journal to read."""
    return host.configure(
        {"well": {"profile": "masimo/rad-8", "line": oximeter.line}}, "https://127.0.0.1:9/fhir",
        pki.authority.certificate, pki.client)


def copied(seed: Path, host: Host) -> None:
    """The seed's journal, and the book of what was delivered of it."""
    for place in (seed, seed.with_name("journal.delivery")):
        shutil.copytree(place, host.directory / place.name)


def attacked(host: Host, seed: Path) -> None:
    """A host that is configured runs on what is there, samples, and ends; every tool ends, without a signal."""
    try_tools(host, seed, TOOLS)
    runs_and_records(host)
    try_tools(host, seed, TOOLS)


def bind(host: Host) -> None:
    """Somebody comes to the bed."""
    bound = ask(host, "bed", "bind", "chair-1", "--by", "mrn", "--by", "birth-date", lines=["MRN-7731", "1961-02-03"])
    assert bound.code == 0, bound


@cache
def binding(folder: Path) -> str:
    """By which number the tool knows the time of the patient in a journal."""
    told = nabd("export", "--bed", "chair-1", "--journal", folder)
    assert told.returncode == 0, told.stderr
    return told.stdout.decode().split()[0]


def runs_and_records(host: Host, meanwhile: Callable[[Host], None] = lambda _: None) -> None:
    """A session that brings values of its own, and ends well."""
    before = len(host.log())
    host.start()
    wait_until(lambda: "nabd is running" in host.log()[before:], 15, "the host to run")
    meanwhile(host)
    began = len(samples(host))
    wait_until(lambda: len(samples(host)) > began + 2, 15, "values of this session in the journal", every=0.3)
    host.stop(timeout=10)


def samples(host: Host) -> list[dict]:
    told = nabd("journal", "export", "--journal", host.journal, "--jsonl", timeout=10)
    return journal.samples(json_lines(told.stdout), metric="MDC_PULS_OXIM_SAT_O2")


def tools(host: Host, seed: Path, some: list[str]) -> Iterator[list[str]]:
    """Each of some commands in the words of this unit."""
    for number, tool in enumerate(some):
        new = host.directory / f"new-{number}"
        new.unlink(missing_ok=True)
        yield [word.format(journal=host.journal, config=host.config, new=new, binding=binding(seed))
               for word in tool.split()]


def try_tools(host: Host, seed: Path, some: list[str]) -> None:
    for tool in tools(host, seed, some):
        done = subprocess.run(
            [str(binary()), *tool], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
        assert done.returncode >= 0, f"{tool} ended by signal {-done.returncode}: {done.stderr[-2000:]!r}"
        assert b"\x1b" not in done.stdout + done.stderr, f"{tool} passes on an escape sequence"


def test_each_tool_reads_a_journal_that_is_whole(host, seed, oximeter, pki):
    """So that none of them ends early, for a reason of its own, in the tests below: without the journal, and the book
    of what was delivered of it, each says something else.
    """
    configured(host, oximeter, pki)
    without = [nabd(*tool) for tool in tools(host, seed, TOOLS)]
    copied(seed, host)
    for tool, blind in zip(tools(host, seed, TOOLS), without):
        done = nabd(*tool)
        # The one looks at the configuration alone, of the other the file is what says it.
        if tool[0] not in ("check", "support-bundle"):
            assert (done.returncode, done.stdout) != (blind.returncode, blind.stdout), f"{tool} reads no journal"
        # The doctor's fault is this machine's.
        assert done.returncode == 0 or tool[0] == "doctor", f"{tool}: {done.stderr!r}"
        assert done.stdout or "--to" in tool or tool[:2] in (["uplink", "parked"], ["uplink", "withheld"]), tool


@pytest.mark.parametrize("name", HOSTILE)
def test_a5_a_hostile_folder_costs_itself(name, host, seed, oximeter, pki, table):
    copied(seed, host)
    HOSTILE[name](host.journal)
    attacked(configured(host, oximeter, pki), seed)
    table.row(68, f"stray file at the start ({name})", "in the journal's folder, before a start",
              "costs itself; the rest samples; every tool ends by itself",
              f"the host ran, stored new values and stopped within 10 s; {2 * len(TOOLS)} tools ended without a signal")


# With NABD_DAMAGE=all the others too; each takes a minute.
VALUES = [2**63 - 1, -1] + ([-2**63, 0] if os.environ.get("NABD_DAMAGE") == "all" else [])


def absurdities(folder: Path) -> list[str]:
    return [f"{part}/{table}/{column}" for part in ("samples", "events") for table, column in columns(folder, part)]


@pytest.mark.parametrize("value", VALUES)
def test_a5_absurd_numbers_in_rows_cost_the_rows(value, host, seed, oximeter, pki, tmp_path_factory, table):
    tried = 0
    for place in absurdities(seed):
        part, name, column = place.split("/")
        folder = tmp_path_factory.mktemp("absurd") / "unit"
        one = Host(folder)
        copied(seed, one)
        try:
            absurd(
                one.journal, part,
                f"UPDATE {name} SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM {name})")
        except AssertionError:
            continue
        tried += 1
        configured(one, oximeter, pki)
        try_tools(one, seed, READERS)
        try:
            runs_and_records(one)
        except AssertionError as error:
            raise AssertionError(f"{place} = {value}: {error}") from error
        finally:
            one.kill()
    assert tried >= 10, f"only {tried} columns could be changed"
    table.row(28, f"absurd number in a row ({value})", "in one column after the other of the newest rows",
              "no crash; the host starts, samples and ends", f"{tried} columns: in each it did")
