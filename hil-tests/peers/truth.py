"""Compares what the journal calls valid with what the devices truthfully held:
no value of another register, none too old.

A device's n-th request is answered with values that say n. A valid sample is true when its number is
that of the last request which the device had received when the sample was taken, and when that request
was not longer ago than the host may wait.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import journal
from .counting_pump import number_told
from .registers import Asked, ModbusUnit

# By how much the rig may see a request later than the host stamps its sample, should it stamp the moment of asking.
EARLY = 0.02
# What a busy machine may add to the age of a sample.
SLACK = 0.05


def deadline(slowest: float, reply: int = 9, baud: int = 38400) -> float:
    """How long the host waits for a whole reply of so many bytes, from the end of the request. Unit: s."""
    return slowest + 1.5 * reply * 10 / baud + 0.05


@dataclass(frozen=True)
class Register:
    """Where a metric's value lies, for the checker: written down here once more, independently of the profile."""

    function: int
    address: int


def sampled_at(line: dict) -> float:
    """When a sample was taken, on the rigs' clock."""
    return line["monotonicNanoseconds"] / 1e9


def valid(lines: list[dict], device: str) -> list[dict]:
    """The valid samples of a device in time order."""
    found = [line for line in journal.samples(lines, device) if line["validity"] == "valid"]
    return sorted(found, key=lambda line: line["monotonicNanoseconds"])


def _judge(
    line: dict, number: int, modulus: int, asked: Sequence[Asked], times: Sequence[float], oldest: float
) -> str | None:
    moment = sampled_at(line)
    place = bisect_right(times, moment + EARLY) - 1
    while place >= 0 and asked[place].number % modulus != number % modulus:
        place -= 1
        if place < 0 or times[place] < moment - 60:
            return f"was never told: {line}"
    if place < 0:
        return f"was told before anything was asked: {line}"
    later = bisect_right(times, moment) - 1
    if later > place:
        return f"belongs to request {asked[place].number}, but request {asked[later].number} was the last one: {line}"
    if moment - times[place] > oldest:
        return f"is {moment - times[place]:.3f} s old: {line}"
    return None


def wrong_registers(
    lines: list[dict], device: str, unit: ModbusUnit, where: dict[str, Register], oldest: float
) -> list[str]:
    """What is wrong with the valid samples of a unit of counting registers.

    ``where`` gives each metric's register, as ``METRIC`` or ``vmd/METRIC``;
    ``oldest``: how long the host may wait for a reply. Unit: s.
    """
    registers = unit.registers
    asked = {key: [a for a in unit.asked if a.covers(place.function, place.address)] for key, place in where.items()}
    times = {key: [a.at for a in some] for key, some in asked.items()}
    found: list[str] = []
    last: dict[str, int] = {}
    for line in valid(lines, device):
        key = f"{line['vmd']}/{line['metric']}" if line.get("vmd") else line["metric"]
        place, number = registers.told(int(line["value"]))
        if place != (where[key].function, where[key].address):
            found.append(f"is of {place}: {line}")
        elif (complaint := _judge(line, number, 1 << registers.bits, asked[key], times[key], oldest)) is not None:
            found.append(complaint)
        elif last.get(key) == number:
            found.append(f"was told before: {line}")
        last[key] = number
    return found


def wrong_replies(lines: list[dict], device: str, asked: list[Asked], oldest: float,
                  told: Callable[[dict], tuple[int, int] | None] = number_told) -> list[str]:
    """What is wrong with the valid samples of a counting pump; a request's number counts over all kinds of requests."""
    times = [a.at for a in asked]
    found: list[str] = []
    last: dict[str, tuple[int, int]] = {}
    for line in valid(lines, device):
        number = told(line)
        if number is None:
            continue
        if (complaint := _judge(line, *number, asked, times, oldest)) is not None:
            found.append(complaint)
        elif last.get(line["metric"]) == number:
            found.append(f"was told before: {line}")
        last[line["metric"]] = number
    return found
