#!/usr/bin/env python3
"""How far behind `nabd journal tail --follow` is: from the moment at which a sample was taken to that of its line.

    .venv-hil/bin/python hil-tests/benches/tail.py [--beds 8] [--seconds 60] [--json FILE]

The real host (NABD, or the debug build) with beds of one oximeter each, and the tail beside it, whose lines are timed
as they come. Lines that come together are of one commit; of each, the newest sample is the one that tells how far the
reader is behind the journal. Prints the median, the 95th of a hundred and the longest of those, the same of the oldest
samples, which a commit of 250 ms keeps that long, and how much of a core the tail takes. Exits with 1 where the 95th of
the newest is above what is asked: 60 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.host import Host, binary  # noqa: E402
from peers.nonin import NoninOximeter, Vitals  # noqa: E402

ASKED = 0.06
METRIC = "MDC_PULS_OXIM_SAT_O2"
# Lines further apart than this are of different commits, which come every 250 ms. Unit: s.
APART = 0.05


class Tail:
    """The tail's lines, each with the time at which it came. Nothing is done with them before the end."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[tuple[int, bytes]] = []
        self._process = subprocess.Popen(
            [str(binary()), "journal", "tail", "--follow", "--commits", "0", "--journal", str(folder)],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for line in self._process.stdout:
            self.lines.append((time.clock_gettime_ns(time.CLOCK_BOOTTIME), line))

    def core_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._thread.join()


def ages(lines: list[tuple[int, bytes]]) -> tuple[list[float], list[float]]:
    """Of each commit, how old its newest sample and its oldest were when their lines came. Unit: s."""
    newest, oldest = [], []
    commit: list[tuple[int, int, int]] = []

    def end() -> None:
        if commit:
            came, last, _ = max(commit, key=lambda each: each[1])
            newest.append((came - last) / 1e9)
            oldest.append(max(came - first for came, _, first in commit) / 1e9)
            commit.clear()

    before = 0
    for came, text in lines:
        line = json.loads(text)
        if came - before > APART * 1e9:
            end()
        before = came
        if "event" not in line:
            first = line["monotonicNanoseconds"]
            commit.append((came, first + (len(line.get("values", [0])) - 1) * line.get("periodNanoseconds", 0), first))
    end()
    return newest, oldest


def told(times: list[float]) -> dict[str, float]:
    times = sorted(times)
    return {
        "median": times[len(times) // 2], "p95": times[min(len(times) - 1, len(times) * 95 // 100)],
        "longest": times[-1]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder) / "unit")
        oximeters = [NoninOximeter(vitals=Vitals(saturation=97, pulse=70)) for _ in range(wanted.beds)]
        for oximeter in oximeters:
            oximeter.start()
        host.configure({
            f"oximeter-{place}": {"profile": "nonin/oem-iii-df2", "line": oximeter.line}
            for place, oximeter in enumerate(oximeters)})
        host.start()
        host.wait_for_sample(METRIC, timeout=60)
        time.sleep(3)
        tail = Tail(host.journal)
        time.sleep(1)
        start, before = len(tail.lines), tail.core_seconds()
        time.sleep(wanted.seconds)
        share = (tail.core_seconds() - before) / wanted.seconds
        tail.stop()
        host.stop()
        for oximeter in oximeters:
            oximeter.stop()
    newest, oldest = ages(tail.lines[start:])
    if len(newest) < 2 * wanted.seconds:
        print(f"only {len(newest)} commits in {wanted.seconds:g} s", file=sys.stderr)
        return 1
    figures = {"commits": len(newest), "newest": told(newest), "oldest": told(oldest), "core": share}
    for name in ("newest", "oldest"):
        print(
            f"{name} sample of {len(newest)} commits, {wanted.beds} beds: median "
            f"{figures[name]['median'] * 1e3:.1f} ms behind, 95th of a hundred {figures[name]['p95'] * 1e3:.1f} ms, "
            f"longest {figures[name]['longest'] * 1e3:.1f} ms")
    print(f"the tail takes {share * 100:.2f} % of a core; asked of the newest: {ASKED * 1e3:.0f} ms")
    if wanted.json:
        wanted.json.write_text(json.dumps(figures))
    return 0 if figures["newest"]["p95"] <= ASKED else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
