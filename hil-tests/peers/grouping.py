"""Keeps the tests of an ``xdist_group`` on one worker, so that what they share is made once.

pytest-xdist 3.8 does this by changing node ids, which pytest 9.2 no longer lets it do (pytest-xdist issue 1386): the groups are
ignored without a word, and a run of half a minute is made once on every worker. Here the group is read from the test's file.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

GROUP = re.compile(r"^pytestmark = .*xdist_group\(\"([^\"]+)\"\)", re.MULTILINE)


@cache
def group_of(path: Path) -> str | None:
    """The group that a file's ``pytestmark`` puts all its tests into."""
    found = GROUP.search(path.read_text()) if path.exists() else None
    return found[1] if found else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Files with a group as a whole, all other tests one by one."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(config.rootpath / nodeid.split("::")[0]) or nodeid

    return ByGroup(config, log)
