"""Rows 56 to 58 of the fault matrix: what only a profile can know of a device's line, and says with a key of its own.

Each device is one that cannot be read, or not truthfully, without that key.
"""

from __future__ import annotations

import pytest

from peers import faults
from peers.host import nabd
from peers.manners import Manners
from peers.narrowing import LONGEST, shares, sixty
from peers.outcome import Outcome
from peers.scenarios import TEST_PROFILES, TcpPumpScenario, TcpScenario, Timeline
from test_faults_field_rtu import OneBlock, keeps_coming

pytestmark = [pytest.mark.host, pytest.mark.timeout(150), pytest.mark.xdist_group("field-keys")]
TIMELINE = Timeline(before=1, fault=103, after=1)

KEYS = {
    "pause-after-opening": ["tcp-shy", "pump-tcp-shy"], "longest-read": ["forty-at-most", "forty-at-most-tcp"],
    "widen": ["block-only"],
}
FLOW = "MDC_FLOW_FLUID_PUMP_CURRENT"
LEARNING = 60
SCENARIOS = {
    "shy": TcpScenario(needs={"cut"}, profile="bench/tcp-shy", manners=Manners(shy=1.0), always=True),
    "shy-pump": TcpPumpScenario(needs={"cut"}, profile="bench/pump-tcp-shy", manners=Manners(shy=1.0), always=True),
    "forty": sixty("rtu", faults.zeros_from(LONGEST), {"values"}, profile="bench/forty-at-most", always=True),
    "forty-tcp": sixty("tcp", faults.zeros_from_tcp(LONGEST), {"values"}, profile="bench/forty-at-most", always=True),
    "one-block": OneBlock("bench/block-only"),
}
scenario = pytest.mark.scenario


def each(names) -> pytest.MarkDecorator:
    """The same test of several scenarios."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in names])


@pytest.mark.parametrize(("key", "profile"), [(key, profile) for key, profiles in KEYS.items() for profile in profiles])
def test_key_is_known_to_lint(key, profile):
    said = (
        nabd("profile", "lint", TEST_PROFILES).stderr.decode() + nabd("profile", "lint", TEST_PROFILES).stdout.decode()
    )
    errors = [line for line in said.splitlines() if f"/{profile}/profile.yaml" in line and "error" in line]
    assert not errors, errors
    assert f"{key}:" in (TEST_PROFILES / "bench" / profile / "profile.yaml").read_text()


def arrived(outcome: Outcome, metric: str) -> tuple[float, float]:
    """When the first value came after the start, and the share of polls from then on."""
    good = [line for line in outcome.samples(metric=metric) if line["validity"] == "valid"]
    assert good, f"{outcome.name} never came up; events {outcome.kinds()}; reasons {outcome.reasons()}"
    first = good[0]["monotonicNanoseconds"] / 1e9
    return first - outcome.launched, len(good) * outcome.scenario.period / (outcome.stopped - first)


@each(["shy", "shy-pump"])
def test_row_56_device_that_must_not_be_asked_at_once_is_read(outcome, table, name):
    compared = outcome.tells_no_lies()
    took, share = arrived(outcome, FLOW if name == "shy-pump" else "NABD_GNSS_FIX")
    assert took <= 6, f"the first value came after {took:.1f} s"
    assert share >= 0.95, f"only {share:.0%} of polls were good"
    server = outcome.scenario.link if name == "shy-pump" else outcome.scenario.server
    assert server.accepted == 1, f"the connection was made {server.accepted} times"
    outcome.no_trouble()
    table.row(
        56, f"device that ends a connection on which it is asked too soon ({name})",
        "closed when asked within 1 s; pause-after-opening: 1500ms", "read over one connection",
        f"first value after {took:.1f} s, {share:.0%} of polls good, {compared} values true",
    )


@each(["forty", "forty-tcp"])
def test_row_58_read_is_never_longer_than_the_profile_says(outcome, table, name):
    compared = outcome.tells_no_lies()
    longest = max(asked.count for asked in outcome.scenario.asked() if asked.function == 3)
    assert longest <= LONGEST, f"a read of {longest} registers was sent"
    least = min(shares(outcome, outcome.started + 2, outcome.stopped - 1).values())
    assert least >= 0.95, f"only {least:.0%} of the polls of a register were good"
    table.row(
        58, f"registers beyond the fortieth come as zeros ({'TCP' if name == 'forty-tcp' else 'RTU'})",
        "sixty are wanted; longest-read: 40", "no read is longer; no zero is taken for a value",
        f"longest read {longest}, {least:.0%} of polls good, {compared} values true",
    )


@scenario("one-block")
def test_device_that_answers_one_read_only_is_asked_nothing_else_where_its_profile_says_so(outcome, table):
    seen = keeps_coming(outcome, outcome.launched + LEARNING)
    wider = {asked.shape for asked in outcome.scenario.asked() if asked.function == 3 and asked.count > 10}
    assert not wider, f"wider reads were sent: {wider}"
    table.row(
        57, "device that answers one read only, told so",
        "exactly its block of ten registers, one answer in seven lost; widen: no",
        "never stale, 75 % of polls good, no wider read", seen,
    )
