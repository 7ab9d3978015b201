"""What the ordinary load costs beside the host of an earlier commit: eight monitors that speak unasked, and a device
that is asked each 20 ms. Both hosts in turn, in one run.
"""

import os
import statistics
import sys
from pathlib import Path

from alarms import BEDS, ROUNDS, cost
from common import row
from load import Busy
from peers import NABD

# No worse than before, but for what such medians differ by of themselves.
MARGIN = 1.05
FIGURES = (("cpu", "CPU of the host", "% of a core"), ("memory", "memory resident", "MB"),
           ("p50", "lateness p50 of a line that asks", "µs"), ("p99", "lateness p99 of a line that asks", "µs"))


def before(work: Path) -> list[dict]:
    """Five rounds of either host, some five minutes."""
    earlier = Path(os.environ.get("NABD_BEFORE", ""))
    if not earlier.is_file():
        sys.exit("bench: NABD_BEFORE names no program: give the optimised nabd of the earlier commit")
    found: dict[Path, list[dict]] = {NABD: [], earlier: []}
    for number in range(ROUNDS):
        for host in (earlier, NABD) if number % 2 else (NABD, earlier):
            busy = Busy()
            one = cost(work, False, host)
            found[host].append(one)
            print(
                f"   {'now   ' if host == NABD else 'before'} {one['cpu']:.2f} % of a core, {one['memory']:.1f} MB, "
                f"late p50 {one['p50']:.0f} µs, p99 {one['p99']:.0f} µs; all cores {busy.share():.0%} busy",
                flush=True)
    return [
        row(f"{title}, {BEDS} beds", *(statistics.median(one[key] for one in found[host]) for host in (NABD, earlier)),
            unit, MARGIN, False, "the host before")
        for key, title, unit in FIGURES
    ]
