"""The table of the virtual unit: what was tried, what was required, what was measured."""

from __future__ import annotations

import platform
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

RESULTS = Path(__file__).resolve().parents[1] / "results"
ROWS = pytest.StashKey[list]()
SEEN = pytest.StashKey[list]()


@dataclass
class Row:
    """One line of the table."""

    tried: str
    required: str
    measured: str
    outcome: str = ""


class UnitTable:
    """Takes a test's rows."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def row(self, tried: str, required: str, measured: str) -> None:
        """Say what was done and what came of it; before it is judged, so that a failure has its figures too."""
        self._rows.append(Row(tried, required, measured))


@pytest.fixture
def unit_table(request: pytest.FixtureRequest) -> UnitTable:
    """Where a test of the virtual unit says what it measured."""
    request.node.stash[SEEN] = []
    return UnitTable(request.node.stash[SEEN])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a test's rows with its outcome; one that said nothing has a row all the same."""
    report = yield
    if "unit_table" in getattr(item, "fixturenames", ()) and (
        call.when == "call" or (call.when == "setup" and not report.passed)
    ):
        words = item.name.removeprefix("test_").replace("_", " ")
        rows = item.stash.get(SEEN, None) or [Row(words, "", "")]
        for row in rows:
            row.outcome = report.outcome
        if not report.passed:
            reason = _reason(report)
            if reason not in rows[-1].measured:
                rows[-1].measured = f"{rows[-1].measured} {reason}".strip()
        kept = item.config.stash.setdefault(ROWS, [])
        kept.extend(rows)
        # After each test: a run of half an hour that is ended early has its table all the same.
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "unit-vm.md").write_text(written(kept))
    return report


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.splitlines()[0].removeprefix("AssertionError: ")[:300] if crash else ""


def written(rows: list[Row]) -> str:
    """The table as Markdown."""
    counts = {word: sum(row.outcome == word for row in rows) for word in ("passed", "failed", "skipped")}
    text = [
        "# The unit in a virtual machine", "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.node()}. {len(rows)} rows: "
        + ", ".join(f"{count} {word}" for word, count in counts.items())
        + ". Debian 12 under software emulation: seconds are those of the machine's own clock, and longer than a "
        "real PC's.", "",
        "| tried | required | measured | outcome |", "|---|---|---|---|",
    ]
    for row in rows:
        cells = (row.tried, row.required, row.measured, row.outcome)
        text.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(text) + "\n"
