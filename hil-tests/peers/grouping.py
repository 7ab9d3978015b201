"""Keeps the tests of an ``xdist_group`` on one worker, so that what they share is made once.

pytest-xdist 3.8 does this by changing node ids, which pytest 9.2 no longer lets it do (pytest-xdist
issue 1386): the groups are ignored without a word, and a run of half a minute is made once on every worker.
Here the group is read from the test's file.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import cache
from pathlib import Path

import pytest

GROUP = re.compile(r"^pytestmark = .*xdist_group\(\"([^\"]+)\"\)", re.MULTILINE)
# What takes longest begins first, so that nobody waits for it alone at the end;
# groups, and tests by the beginning of their names. Unit: s.
LONG = {
    "field-tcp": 113, "field-rtu": 113, "field-keys": 107, "faults-bus": 70,
    "test_outage.py::test_a_server_that_is_down": 70, "test_outage.py::test_a_host_killed_during": 66,
    "durability-damage": 63, "field-streams": 40, "test_durability_kill.py::test_row_30_killed_before": 35,
    "faults-rtu": 30, "faults-serial": 29, "field-text": 28, "test_end_to_end.py": 28,
    "test_security.py::test_a_wrong_peer": 27, "test_outage.py::test_a_host_killed_while": 27,
    "test_durability_disk.py::test_row_25_journal_that_another": 27, "faults-tcp": 26, "late": 50,
    "test_pumps_kills.py": 100, "test_pumps_requirements.py::test_c21": 85, "test_pumps_cases.py::test_case_09": 75,
    "test_pumps_cases.py::test_case_01": 71, "test_pumps_requirements.py::test_c19_a_pump": 65,
    "test_pumps_cases.py::test_case_05": 47, "test_pumps_cases.py::test_case_03": 39,
    "test_pumps_cases.py::test_case_08": 32, "test_pumps_cases.py::test_case_07": 30,
    "test_enrolment.py::test_what_is_due_when_it_comes_stands": 200,
    "test_uplink_lost_answers.py": 100, "test_faults_uplink.py::test_row_43": 60,
    "test_faults_uplink.py::test_row_39_a_service_that_fails_costs_no_sample[silent": 60,
    "test_faults_uplink.py::test_row_39_a_service_that_fails_costs_no_sample[head": 60,
    "test_enrolment.py::test_what_is_not_given": 110, "test_enrolment_kills.py::test_a_kill_before": 70,
    "test_enrolment.py::test_a_server_that_does_not": 62,
    "test_alarm_kills.py": 60, "durability-clock": 23, "misbehaviour": 22, "test_durability_kill.py": 20,
    "faults-values": 17,
}


@cache
def group_of(path: Path) -> str | None:
    """The group that a file's ``pytestmark`` puts all its tests into."""
    found = GROUP.search(path.read_text()) if path.exists() else None
    return found[1] if found else None


class LongestFirst(OrderedDict):
    """Work by its scope; what is taken is what waits longest, as far as that is known."""

    def popitem(self, last: bool = False):
        scope = max(
            self,
            key=lambda scope: max(
                (seconds for name, seconds in LONG.items() if scope.split("/")[-1].startswith(name)), default=0
            ),
        )
        return scope, self.pop(scope)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Files with a group as a whole, all other tests one by one."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            self.workqueue = LongestFirst()

        def _split_scope(self, nodeid: str) -> str:
            return group_of(config.rootpath / nodeid.split("::")[0]) or nodeid

    return ByGroup(config, log)
