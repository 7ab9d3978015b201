"""What each thread of a program asks of the allocator and of locks: `thread_counters.c` in front of it,
and its report read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from .waiting import wait_until

SOURCE = Path(__file__).with_suffix(".c")
KINDS = ("allocations", "frees", "locks", "waits", "futexes")


@dataclass
class Counted:
    """One thread's counts by kind, and where they came from: of threads whose name begins with "line " only."""

    name: str
    counts: dict[str, int]
    places: list[dict] = field(default_factory=list)

    @property
    def any(self) -> dict[str, int]:
        """The kinds that happened at all."""
        return {kind: count for kind, count in self.counts.items() if count}


class ThreadCounters:
    """The library, compiled, and the folder by which it is told when to count."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = folder / "thread_counters.so"
        folder.mkdir(parents=True)
        subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", self.library, SOURCE], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """What the program must be started with."""
        return {"LD_PRELOAD": str(self.library), "NABD_COUNTERS": str(self.folder)}

    def begin(self) -> None:
        """Count from now on."""
        (self.folder / "count").touch()

    def end(self) -> list[Counted]:
        """Count no more; what the threads that are there now have done meanwhile."""
        report = self.folder / "threads.jsonl"
        (self.folder / "report").touch()
        wait_until(report.exists, 10, "the report of the thread counters")
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        return [Counted(line["name"], {kind: line[kind] for kind in KINDS}, line["places"]) for line in lines]

    def explain(self, counted: Counted, frames: int = 10) -> str:
        """Where a thread's counts came from, in the words of the program: the most frequent places first,
        frees only where nothing was allocated.
        """
        told = [place for place in counted.places if place["kind"] != "frees" or not counted.counts["allocations"]]
        places = sorted(told, key=lambda place: -place["count"])
        symbols = _symbols({tuple(frame) for place in places for frame in place["frames"]})
        text = [f"{counted.name}: {counted.any}"]
        for place in places:
            trace = [symbols[tuple(frame)] for frame in place["frames"] if frame[0] != str(self.library)]
            text.append(f"  {place['count']} {place['kind']}:")
            text += [f"    {line}" for line in trace[:frames]]
        return "\n".join(text)


def _symbols(frames: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Function, file and line of each address, as far as the debugging information tells."""
    by_file: dict[str, list[int]] = defaultdict(list)
    for path, offset in frames:
        by_file[path].append(offset)
    found: dict[tuple[str, int], str] = {}
    for path, offsets in by_file.items():
        if not os.path.exists(path):
            found |= {(path, offset): f"{path or '?'}+{offset:#x}" for offset in offsets}
            continue
        output = subprocess.run(
            ["addr2line", "-f", "-e", path, *map(hex, offsets)], capture_output=True, text=True, timeout=120
        )
        lines = output.stdout.splitlines()
        for offset, function, place in zip(offsets, lines[::2], lines[1::2]):
            where = re.sub(r" \(discriminator \d+\)", "", place).removeprefix(os.getcwd() + "/")
            found[path, offset] = (
                f"{function} at {where}" if function != "??" else f"{os.path.basename(path)}+{offset:#x}"
            )
    return _demangled(found)


def _demangled(names: dict[tuple[str, int], str]) -> dict[tuple[str, int], str]:
    tool = shutil.which("swift-demangle")
    if tool is None or not names:
        return names
    output = subprocess.run(
        [tool, "--simplified"], input="\n".join(names.values()) + "\n", capture_output=True, text=True, timeout=120
    )
    lines = output.stdout.splitlines()
    return dict(zip(names, lines)) if len(lines) == len(names) else names
