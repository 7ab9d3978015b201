"""What a sound is made of, measured from its samples: pulses, their times, and the partials of each."""

from __future__ import annotations

import math

# Of a window over which loudness is taken, and what counts as silence, of the loudest. Unit of the first: s.
WINDOW, QUIET = 0.005, 0.02


def pulses(samples: list[float], rate: float) -> list[tuple[float, float]]:
    """When each pulse begins and ends. Unit: s."""
    step = int(WINDOW * rate)
    loud = [max(map(abs, samples[at:at + step]), default=0) for at in range(0, len(samples), step)]
    limit, found, began = QUIET * max(loud), [], None
    for place, each in enumerate([*loud, 0]):
        if each > limit and began is None:
            began = place * WINDOW
        elif each <= limit and began is not None:
            found.append((began, place * WINDOW))
            began = None
    return found


def level(samples: list[float], rate: float, frequency: float) -> float:
    """How loud one frequency is in the samples. Unit: dB of full scale; by Goertzel, under a Hann window."""
    count = len(samples)
    turn = 2 * math.pi * frequency / rate
    real = imaginary = 0.0
    for place, sample in enumerate(samples):
        weighed = sample * (1 - math.cos(2 * math.pi * place / count))
        real += weighed * math.cos(turn * place)
        imaginary += weighed * math.sin(turn * place)
    return 20 * math.log10(max(2 * math.hypot(real, imaginary) / count, 1e-9))


def fundamental(samples: list[float], rate: float) -> float:
    """The lowest of the frequencies from 100 to 1,200 Hz that is within 20 dB of the loudest. Unit: Hz, to 2."""
    levels = {frequency: level(samples, rate, frequency) for frequency in range(100, 1202, 2)}
    top = max(levels.values())
    peaks = [f for f in levels if levels[f] > top - 20 and levels[f] >= levels.get(f - 2, -999)
             and levels[f] >= levels.get(f + 2, -999)]
    return min(peaks)


def faults(samples: list[float], rate: float, groups: list[int]) -> list[str]:
    """What is wrong with a burst that should be of so many pulses in each group.

    A pulse of 150 to 1,000 Hz, with four harmonics and more between 300 and 4,000 Hz within 15 dB of its fundamental.
    """
    found, wrong = pulses(samples, rate), []
    if len(found) != sum(groups):
        wrong.append(f"{len(found)} pulses instead of {sum(groups)}")
    rests = [after[0] - before[1] for before, after in zip(found, found[1:], strict=False)]
    inside = sorted(rests)[: len(rests) - (len(groups) - 1)]
    made, size = [], 1
    for rest in rests:
        if inside and rest > 1.3 * max(inside, default=0) or (len(groups) > 1 and rest > 1.3 * min(rests)):
            made.append(size)
            size = 0
        size += 1
    if [*made, size] != groups and found:
        wrong.append(f"groups of {[*made, size]} instead of {groups}")
    for began, ended in found[:1] + found[-1:]:
        middle = samples[int((began + 0.03) * rate): int((ended - 0.03) * rate)]
        base = fundamental(middle, rate)
        first = level(middle, rate, base)
        near = [n for n in range(2, int(4000 / base) + 1) if 300 <= n * base <= 4000
                and abs(level(middle, rate, n * base) - first) <= 15]
        if not 150 <= base <= 1000:
            wrong.append(f"a fundamental of {base} Hz")
        if len(near) < 4:
            wrong.append(f"{len(near)} harmonics within 15 dB")
    return wrong
