"""Reads exported journal lines the way a consumer would: only by the documented JSON keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Point:
    """One valid value at one instant; ``seconds`` is Unix time."""

    seconds: float
    value: float


def seconds(text: str) -> float:
    """Unix time of a FHIR or journal instant."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def samples(lines: list[dict], device: str | None = None, metric: str | None = None) -> list[dict]:
    """The sample lines (not events) of a device and a metric, in journal order."""
    return [
        line for line in lines
        if "metric" in line and "event" not in line and (device is None or line["device"] == device)
        and (metric is None or line["metric"] == metric)
    ]


def events(lines: list[dict]) -> list[dict]:
    """The event lines, in their order."""
    return [line for line in lines if "event" in line]


def numbered(lines: list[dict]) -> dict[tuple, tuple]:
    """Each sample by its stream and number, waveforms taken apart:
    how many of them stand on one line is not promised.
    """
    found: dict[tuple, tuple] = {}
    for line in samples(lines):
        stream = (line["device"], line.get("vmd"), line["metric"])
        values = line.get("values", [line.get("value")])
        for place, value in enumerate(values):
            time_ = line["monotonicNanoseconds"] + place * line.get("periodNanoseconds", 0)
            key = (*stream, line["sequence"] + place)
            assert key not in found, f"the number {key} is given twice"
            found[key] = (value, line["validity"], line.get("reason"), time_, line["clock"])
    return found


def points(lines: list[dict]) -> list[Point]:
    """The valid numbers of sample lines, waveforms taken apart, in time order."""
    found: list[Point] = []
    for line in lines:
        if line.get("validity") != "valid":
            continue
        start = seconds(line["time"])
        if "values" in line:
            period = line["periodNanoseconds"] / 1e9
            found += [Point(start + i * period, v) for i, v in enumerate(line["values"]) if v is not None]
        elif isinstance(line.get("value"), (int, float)) and not isinstance(line["value"], bool):
            found.append(Point(start, line["value"]))
    return sorted(found, key=lambda point: point.seconds)


def check_shape(lines: list[dict]) -> None:
    """What every exported line must obey, whatever it says."""
    previous: dict[tuple, int] = {}
    for line in lines:
        assert "event" in line or "metric" in line, f"neither a sample nor an event: {line}"
        assert isinstance(line["sequence"], int), line
        stream = ("event",) if "event" in line else (line["device"], line.get("vmd"), line["metric"])
        assert line["sequence"] == previous.get(stream, line["sequence"]), f"a hole before {line}"
        previous[stream] = line["sequence"] + len(line.get("values", [0]))
        seconds(line["time"])
        if "metric" not in line:
            continue
        assert isinstance(line.get("code"), int) or line["metric"].startswith("NABD_"), line
        if line["validity"] != "valid":
            assert line.get("reason"), f"no reason: {line}"
        if line["validity"] in ("invalid", "notAvailable"):
            shown = [v for v in line.get("values", [line.get("value")]) if v is not None]
            assert not shown, f"a value that is not valid is shown: {line}"
