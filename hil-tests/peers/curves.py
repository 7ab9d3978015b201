"""What a recorded curve says by itself: how often it beats, whether its samples follow one another."""

from __future__ import annotations

from .journal import Point, points, samples


def rate(curve: list[Point]) -> float:
    """How often a curve goes up through its middle, by the recorded times of those places. Unit: 1/min."""
    values = [point.value for point in curve]
    assert values and max(values) > min(values), "a curve that does not move"
    level = min(values) + 0.6 * (max(values) - min(values))
    times = [after.seconds for before, after in zip(curve, curve[1:]) if before.value < level <= after.value]
    assert len(times) > 2, "no beats"
    return (len(times) - 1) * 60 / (times[-1] - times[0])


def mean(numbers: list[Point]) -> float:
    """The mean of what a device told."""
    assert numbers, "no numbers"
    return sum(point.value for point in numbers) / len(numbers)


def agrees(curve: list[Point], numbers: list[Point], within: float = 1.0) -> bool:
    """Whether the curve beats as often as the numbers say. Unit of ``within``: 1/min."""
    begin, end = curve[0].seconds, curve[-1].seconds
    return abs(rate(curve) - mean([point for point in numbers if begin <= point.seconds <= end])) <= within


def span(lines: list[dict], device: str, metric: str, seconds: float = 30) -> list[Point]:
    """The last seconds of a device's valid values."""
    found = points(samples(lines, device, metric))
    assert found, f"{device} has no {metric}"
    return [point for point in found if point.seconds > found[-1].seconds - seconds]


def jumps(lines: list[dict], device: str, metric: str) -> list[float]:
    """Where two samples of a curve do not stand a period apart: how far apart they stand, in periods."""
    curve = samples(lines, device, metric)
    period = curve[0]["periodNanoseconds"]
    times = sorted(
        (line["sequence"] + place, line["monotonicNanoseconds"] + place * period)
        for line in curve for place in range(len(line["values"])))
    steps = [(after[1] - before[1]) / period for before, after in zip(times, times[1:])]
    return [step for step in steps if not 0.7 <= step <= 1.3]
