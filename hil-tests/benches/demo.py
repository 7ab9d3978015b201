#!/usr/bin/env python3
"""What the demonstration takes: samples a second, and the time of the processor by what it is for.

    .venv-hil/bin/python hil-tests/benches/demo.py [--seconds 60] [--json FILE]

Runs `nabd demo` (NABD, or the debug build), and reads the times of its threads from /proc between the tenth second and
the last. Prints the shares of one core: of the players of devices, of the lines' threads that read them, of the
recorder, and of all else (the uplink, the records sandbox, the screen's server). Exits with 1 where the players take
more than is asked: a fifth of a core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.host import ROOT, binary  # noqa: E402

WARM, ASKED = 10, 0.2
TICK = os.sysconf("SC_CLK_TCK")


def kind(name: str) -> str:
    """What a thread is for, by its name."""
    for beginning, what in (("play ", "players"), ("line ", "lines"), ("journal", "recorder")):
        if name.startswith(beginning):
            return what
    return "all else"


def times(pid: int) -> Counter[str]:
    """What each kind of thread has taken so far. Unit: s."""
    taken: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        taken[kind(name)] += (int(rest[11]) + int(rest[12])) / TICK
    return taken


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--json", type=Path)
    asked = arguments.parse_args()
    began = time.monotonic()
    demo = subprocess.Popen(
        [str(binary()), "demo", "--for", f"{asked.seconds + WARM + 2}s", "--json"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, cwd=ROOT)
    time.sleep(WARM)
    before, since = times(demo.pid), time.monotonic()
    time.sleep(asked.seconds)
    after, passed = times(demo.pid), time.monotonic() - since
    memory = int(Path(f"/proc/{demo.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)
    output, _ = demo.communicate(timeout=120)
    summary = json.loads(output.splitlines()[-1])
    result = {
        "samplesASecond": round(summary["samples"] / (asked.seconds + WARM + 2), 1),
        "cores": {what: round((after[what] - before[what]) / passed, 4) for what in sorted(after)},
        "coresInAll": round(sum((after - before).values()) / passed, 3), "residentMebibytes": round(memory, 1),
        "secondsAfterItsTime": round(time.monotonic() - began - asked.seconds - WARM - 2, 1),
        "latenessMicroseconds": summary["latenessMicroseconds"], "resourcesStored": summary["resourcesStored"],
        "resourcesPending": summary["resourcesPending"],
    }
    print(json.dumps(result, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(result))
    return 0 if result["cores"]["players"] <= ASKED and demo.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
