"""Compares the journal with the server: everything that was journalled has arrived, once, and nothing else has."""

from __future__ import annotations

from collections import defaultdict

from . import fhir_checks, journal
from .host import Host, json_lines, nabd
from .journal import Point
from .waiting import wait_until

# What is written in milliseconds at a run's beginning and reckoned within it is so much off at the most. Unit: s.
TIMES = 0.01


def wait_until_through(host: Host, window: float, timeout: float = 90) -> None:
    """Until no lane is more than some windows behind: what is new goes first, and what is left behind it."""

    def is_through() -> bool:
        result = nabd("uplink", "status", "--config", host.config)
        found = json_lines(result.stdout)[0]["lanes"] if result.returncode == 0 else []
        return bool(found) and all(lane["behindSeconds"] < 3 * window for lane in found)

    wait_until(is_through, timeout, "what was left of before", every=1)


def numbers_by_code(lines: list[dict]) -> dict[str, list[Point]]:
    """Journal: MDC number or NABD_ name to valid numbers. In these benches no two devices share a metric."""
    groups: dict[str, list[dict]] = defaultdict(list)
    for line in journal.samples(lines):
        own = line["metric"].startswith("NABD_")
        groups[line["metric"] if own else str(line.get("code"))].append(line)
    return {code: points for code, group in groups.items() if (points := journal.points(group))}


def numbers_on_server(observations: list[dict]) -> dict[str, list[Point]]:
    """Server: the same from SampledData values."""
    groups: dict[str, list[Point]] = defaultdict(list)
    for observation in observations:
        if "valueSampledData" in observation:
            groups[fhir_checks.code_of(observation)[1]] += fhir_checks.sampled_points(observation)
    return {code: sorted(points, key=lambda point: point.seconds) for code, points in groups.items()}


def assert_same(lines: list[dict], observations: list[dict], undelivered_tail: float) -> None:
    """Every valid number of the journal is on the server exactly once, in order and near its time; and the reverse.

    ``undelivered_tail`` seconds at the end of the journal may be missing: the window that was open at the end.
    """
    journalled, delivered = numbers_by_code(lines), numbers_on_server(observations)
    assert journalled, "the journal holds no valid number: nothing was tested"
    assert set(delivered) <= set(journalled), f"on the server only: {set(delivered) - set(journalled)}"
    last = max(points[-1].seconds for points in journalled.values())
    for code, expected in journalled.items():
        actual = delivered.get(code, [])
        required = [point for point in expected if point.seconds <= last - undelivered_tail]
        _assert_prefix(code, expected, actual, len(required))


def _assert_prefix(code: str, expected: list[Point], actual: list[Point], required: int) -> None:
    """``actual`` is the first part of ``expected`` and at least ``required`` long."""
    spacing = _spacing(expected)
    for index, (want, got) in enumerate(zip(expected, actual)):
        assert abs(want.value - got.value) <= 1e-9 * max(1.0, abs(want.value)), (
            f"{code}: number {index} is {got.value} on the server and {want.value} in the journal "
            f"(lost, doubled or changed at {want.seconds:.3f})"
        )
        assert abs(want.seconds - got.seconds) <= spacing, (
            f"{code}: number {index} is {got.seconds - want.seconds:+.3f} s away from its journalled time"
        )
    assert len(actual) <= len(expected), f"{code}: {len(actual)} numbers on the server, {len(expected)} journalled"
    assert len(actual) >= required, (
        f"{code}: {len(actual)} of the {required} numbers journalled before the last window are on the server"
    )


def _spacing(points: list[Point]) -> float:
    """The usual distance between samples: a sample may be set on a grid, never a whole step away."""
    gaps = sorted(b.seconds - a.seconds for a, b in zip(points, points[1:]))
    return max(gaps[len(gaps) // 2], 0.02) if gaps else 1.0


def assert_each_once(lines: list[dict], observations: list[dict], undelivered_tail: float) -> int:
    """The same as ``assert_same`` where the machine stands still now and then: two samples that came at once may change
    places when they are set on a grid. Of each value of each metric there are as many, at their times. Gives how many
    numbers there are.
    """
    journalled, delivered = numbers_by_code(lines), numbers_on_server(observations)
    assert journalled, "the journal holds no valid number: nothing was tested"
    assert set(delivered) <= set(journalled), f"on the server only: {set(delivered) - set(journalled)}"
    last = max(points[-1].seconds for points in journalled.values())
    for code, expected in journalled.items():
        spacing = _spacing(expected)
        there = _by_value(delivered.get(code, []))
        for value, times in _by_value(expected).items():
            found = there.pop(value, [])
            required = sum(time <= last - undelivered_tail for time in times)
            assert required <= len(found) <= len(times), (
                f"{code}: {value} is {len(found)} times on the server, {len(times)} times in the journal, {required} "
                "of them before the last window"
            )
            assert all(abs(want - got) <= spacing + TIMES for want, got in zip(times, found)), (
                f"{code}: a {value} is more than {spacing + TIMES:.3f} s away from its journalled time"
            )
        assert not there, f"{code}: on the server only: {sorted(there)[:5]}"
    return sum(map(len, journalled.values()))


def _by_value(points: list[Point]) -> dict[float, list[float]]:
    """The times of each value; scaled numbers may differ in their last bit."""
    found: dict[float, list[float]] = defaultdict(list)
    for point in points:
        found[round(point.value, 9)].append(point.seconds)
    return found
