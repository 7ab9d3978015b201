"""The table of faults: what was injected, what was required, what was seen. Written by the tests themselves,
at the end of the session.

Where the suite is run in several sessions the later ones add to what the first wrote:
the environment's NABD_TABLE is then ``add``.

Under pytest-xdist each worker keeps its rows in a file of its own, and the controller puts them together; a test that
failed before it could say anything has a row all the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from .hardware import bench_named

RESULTS = Path(__file__).resolve().parents[1] / "results"
PARTS = pytest.StashKey[Path]()
ROWS = pytest.StashKey[list]()
NUMBERED = re.compile(r"test_row_(\d+)_(.*)")


@dataclass
class Row:
    """One line of the table. ``number`` is that of the matrix; nothing where the test stands beside it."""

    number: int | None
    fault: str
    injected: str
    required: str
    seen: str
    outcome: str = ""
    test: str = ""

    @property
    def place(self) -> tuple:
        """Where it stands in the table."""
        return self.number is None, self.number or 0, self.test, self.fault


class FaultTable:
    """Takes one test's rows."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def row(self, number: int | None, fault: str, injected: str, required: str, seen: str) -> None:
        """Say what was done and what came of it."""
        self._rows.append(Row(number, fault, injected, required, seen))


@pytest.fixture
def table(request: pytest.FixtureRequest) -> FaultTable:
    """Where a fault test says what it saw."""
    request.node.stash[ROWS] = []
    return FaultTable(request.node.stash[ROWS])


def pytest_configure(config: pytest.Config) -> None:
    """The controller makes the folder of the parts; workers are told which it is."""
    told = getattr(config, "workerinput", {}).get("fault_parts")
    config.stash[PARTS] = Path(told) if told else RESULTS / f".fault-parts-{os.getpid()}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """To the worker that is about to start."""
    node.workerinput["fault_parts"] = str(node.config.stash[PARTS])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test's rows are kept with its outcome as soon as that is known."""
    report = yield
    if (
        "table" in getattr(item, "fixturenames", ())
        and (call.when == "call" or (call.when == "setup" and not report.passed))
    ):
        rows = item.stash.get(ROWS, None) or [_unsaid(item)]
        parts = item.config.stash[PARTS]
        parts.mkdir(parents=True, exist_ok=True)
        reason = _reason(report)
        with open(parts / f"{os.getpid()}.jsonl", "a") as part:
            for row in rows:
                row.outcome, row.test = report.outcome, item.nodeid.split("@")[0]
                row.seen = row.seen or reason
                part.write(json.dumps(asdict(row)) + "\n")
    return report


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, or how it failed, in its first line."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.splitlines()[0].removeprefix("AssertionError: ")[:300] if crash else ""


def _unsaid(item: pytest.Item) -> Row:
    found = NUMBERED.match(item.name)
    words = (found[2] if found else item.name.removeprefix("test_")).split("[")[0].replace("_", " ")
    return Row(int(found[1]) if found else None, words, "", "", "")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The controller, or the only process there is, writes the table, if there is anything to write."""
    if hasattr(session.config, "workerinput"):
        return
    parts = session.config.stash[PARTS]
    rows = [Row(**json.loads(line)) for part in sorted(parts.glob("*.jsonl")) for line in part.read_text().splitlines()]
    shutil.rmtree(parts, ignore_errors=True)
    if rows:
        write(sorted([*rows, *earlier(rows, RESULTS)], key=lambda row: row.place), RESULTS)


def earlier(rows: list[Row], folder: Path) -> list[Row]:
    """What sessions before this one have said of other tests, where they are to be kept."""
    written = folder / "faults.json"
    if os.environ.get("NABD_TABLE") != "add" or not written.exists():
        return []
    again = {row.test for row in rows}
    return [row for row in (Row(**kept) for kept in json.loads(written.read_text())["rows"]) if row.test not in again]


def write(rows: list[Row], folder: Path) -> None:
    """The table as Markdown and as JSON."""
    bench = bench_named().name
    passed = sum(row.outcome == "passed" for row in rows)
    text = [
        "# Faults injected, and what the host did", "",
        f"Bench: {bench}. {len(rows)} rows, {passed} passed, {sum(row.outcome == 'skipped' for row in rows)} skipped. "
        "Made by the tests; numbers are those of the fault matrix.", "",
        "| # | fault | injected | required | seen | outcome |", "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [str(row.number or "–"), row.fault, row.injected, row.required, row.seen, row.outcome]
        text.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.md").write_text("\n".join(text) + "\n")
    (folder / "faults.json").write_text(
        json.dumps({"bench": bench, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
    )
