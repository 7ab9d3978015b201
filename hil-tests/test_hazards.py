"""The table of hazards: every requirement and every case has its row, and every row a test that is there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from peers.host import ROOT

pytestmark = [pytest.mark.peers]

HAZARDS = ROOT / "docs" / "safety" / "hazards.md"
README = ROOT / "docs" / "safety" / "README.md"
REQUIREMENTS = {f"C-{number:02}" for number in range(1, 41)}
CASES = {f"case {number}" for number in range(1, 25)}
NAME = re.compile(r"`(test_\w+|[a-z]+\d*_?[a-zA-Z]\w+)`")
# Where an id stands in a test's name: `test_case_05_…`, `case05_…`, `test_c04_…`, `c04_…`.
OF_ID = re.compile(r"^(?:test_)?(case_?|c)(\d\d)_")


@dataclass(frozen=True)
class Known:
    """All tests there are, and those that are known to fail."""

    names: frozenset[str]
    failing: frozenset[str]


@dataclass(frozen=True)
class Row:
    """One hazard. ``unmet``: tests behind "not met"; ``shown``: those that pass; ``reason``: why there is none."""

    id: str
    cells: tuple[str, ...]
    requirements: frozenset[str]
    shown: frozenset[str]
    unmet: frozenset[str]
    reason: str


def row_of(line: str) -> Row:
    """Reads one line of a table."""
    cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
    unmet = (cells[3] if len(cells) > 3 else "").partition("**not met**")[2]
    reason = cells[-1].removeprefix("none:").strip() if cells[-1].startswith("none:") else ""
    return Row(
        cells[0], cells, frozenset(re.findall(r"C-\d\d", cells[4] if len(cells) > 4 else "")),
        frozenset(NAME.findall(cells[-1])), frozenset(NAME.findall(unmet)), reason,
    )


def rows_of(page: str) -> list[Row]:
    """The rows of a page's tables, without their heads."""
    return [row_of(line) for line in page.splitlines() if re.match(r"\| (H-\d|case \d)", line)]


def ids_in(test: str) -> set[str]:
    """The requirement or the case that a test is named after."""
    found = OF_ID.match(test)
    if not found:
        return set()
    return {f"case {int(found[2])}"} if found[1].startswith("case") else {f"C-{found[2]}"}


def orphans(page: str, tests: Known) -> list[str]:
    """What a page has without its counterpart, and the other way round; nothing where all belongs together."""
    rows = rows_of(page)
    found = [f"{row.id}: {len(row.cells)} cells, or an empty one" for row in rows
             if len(row.cells) != 6 or not all(row.cells)]
    found += [f"{id} stands twice" for id in sorted({row.id for row in rows}) if [r.id for r in rows].count(id) > 1]
    for row in rows:
        if not row.shown and len(row.reason.split()) < 5:
            found.append(f"{row.id} has neither a test nor a reason")
        found += [f"{row.id} names {name}, which is no test" for name in sorted((row.shown | row.unmet) - tests.names)]
        found += [f"{row.id} shows by {name}, which is known to fail" for name in sorted(row.shown & tests.failing)]
        found += [
            f"{row.id} calls {name} not met, and it is not known to fail"
            for name in sorted(row.unmet & tests.names - tests.failing)
        ]
        if not row.requirements:
            found.append(f"{row.id} has no requirement")
        found += [f"{row.id} names {one}, which is no requirement" for one in sorted(row.requirements - REQUIREMENTS)]
    has = {one for row in rows for one in row.requirements}
    found += [f"{one} has no row" for one in sorted(REQUIREMENTS - has)]
    found += [f"{one} has no row" for one in sorted(CASES - {row.id for row in rows})]
    for test in sorted(tests.names):
        rows_named = [row for row in rows if test in row.shown | row.unmet]
        for one in ids_in(test) - {one for row in rows_named for one in row.requirements | {row.id}}:
            found.append(f"{test} is of {one}, and stands in no row of it")
    return found


@cache
def known() -> Known:
    """Python's and Swift's test functions."""
    names, failing = set(), set()
    for path in (ROOT / "hil-tests").glob("test_*.py"):
        for one in ast.walk(ast.parse(path.read_text())):
            if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"):
                names.add(one.name)
                if any("xfail" in ast.unparse(mark) for mark in one.decorator_list):
                    failing.add(one.name)
    for path in (ROOT / "Tests").rglob("*.swift"):
        # `@Test`, perhaps with arguments over several lines, and its function.
        names |= set(re.findall(r"@Test\b(?:(?!@Test\b)[\s\S])*?\bfunc (\w+)\(", path.read_text()))
    return Known(frozenset(names), frozenset(failing))


def test_no_hazard_requirement_case_or_test_is_an_orphan():
    found = orphans(HAZARDS.read_text(), known())
    assert not found, "\n".join(found)


def test_what_the_page_of_rules_names_is_there():
    """The short table of the README: whole names, and beginnings of names behind which there is a dot too many."""
    tests, page = known().names, README.read_text()
    # A name has a capital or is Python's; a word in the same type has neither.
    missing = [
        name for name in NAME.findall(page) if re.search(r"[A-Z]|^test_", name) and name not in tests
    ]
    starts = re.findall(r"`(c\d\d_|case\d\d_)…`", page)
    missing += [start for start in starts if not any(name.startswith(start) for name in tests)]
    assert not missing, missing


# The checker is shown a page that is whole, and the same with one fault each.

WHOLE = "| case 1 | given twice | silence | in doubt | C-05 | `test_case_01_once` |"


def page_with(*lines: str) -> str:
    """A page on which everything is whole but for these lines."""
    ids = sorted(REQUIREMENTS)
    rows = [f"| H-{place:02} | harm | cause | rule | {one} | `test_all` |" for place, one in enumerate(ids, 1)]
    rows += [f"| case {number} | harm | cause | rule | C-01 | `test_all` |" for number in range(2, 25)]
    return "\n".join([*rows, *(lines or [WHOLE])])


FEW = Known(frozenset({"test_all", "test_case_01_once", "test_fails"}), frozenset({"test_fails"}))


def test_a_whole_page_has_no_orphan():
    assert orphans(page_with(), FEW) == []


@pytest.mark.parametrize("line, fault", [
    (WHOLE.replace("`test_case_01_once`", "later"), "case 1 has neither a test nor a reason"),
    (WHOLE.replace("`test_case_01_once`", "none: no"), "case 1 has neither a test nor a reason"),
    (WHOLE.replace("_once`", "_once`, `test_gone`"), "case 1 names test_gone, which is no test"),
    (WHOLE.replace("_once`", "_once`, `aSwiftTestThatIsGone`"), "case 1 names aSwiftTestThatIsGone, which is no test"),
    (WHOLE.replace("_once`", "_once`, `test_fails`"), "case 1 shows by test_fails, which is known to fail"),
    (WHOLE.replace("in doubt", "**not met**: `test_all`"),
     "case 1 calls test_all not met, and it is not known to fail"),
    (WHOLE.replace("C-05", "none"), "case 1 has no requirement"),
    (WHOLE.replace("C-05", "C-05, C-41"), "case 1 names C-41, which is no requirement"),
    (WHOLE.replace("silence", ""), "case 1: 6 cells, or an empty one"),
    (WHOLE + "\n" + WHOLE, "case 1 stands twice"),
    (WHOLE.replace("case 1", "H-77"), "case 1 has no row"),
    (WHOLE.replace("`test_case_01_once`", "`test_all`"), "test_case_01_once is of case 1, and stands in no row of it"),
])
def test_a_planted_orphan_is_found(line, fault):
    assert fault in orphans(page_with(line), FEW), orphans(page_with(line), FEW)


def test_a_requirement_without_a_row_is_found():
    lines = [line for line in page_with().splitlines() if "C-17" not in line]
    assert orphans("\n".join(lines), FEW) == ["C-17 has no row"]
