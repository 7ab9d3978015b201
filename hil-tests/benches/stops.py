#!/usr/bin/env python3
"""How long a stop takes: from the moment somebody turns to the host's socket to the first byte at the pump.

    NABD_STOPS=1000 .venv-hil/bin/python hil-tests/benches/stops.py [--only idle …] [--json FILE]

The real host (NABD, or the debug build), an Alaris GH on a pseudo-terminal, one caller for each stop. Each scenario
counts its stops, and prints the median, the 99th of a hundred, the longest, and what is asked of the 99th. The first
byte is taken for there when the rig has read the whole first message of the stop, which is later. Of how many stops the
rig's own thread was not run for 20 ms or more stands beside them; they count all the same. Exits with 1 where a
scenario is slower than it may be. `unplugged` is another time: until the host has told that nothing was delivered.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.alaris_unit import alaris_unit, lets_in, line_of, site  # noqa: E402
from peers.clockwork import Clockwork, now  # noqa: E402
from peers.disks import MemoryDisk  # noqa: E402
from peers.driven import AlarisGH, Key  # noqa: E402
from peers.driving import PumpUnit  # noqa: E402
from peers.durable import DurableHost  # noqa: E402
from peers.links import PtyLink  # noqa: E402
from peers.slow_sync import SlowSync  # noqa: E402
from peers.waiting import wait_until  # noqa: E402

# Of the Alaris profile, `slowest-reply`, and what the requirement adds to it. Unit: s.
SLOWEST_REPLY, MARGIN, TOLD = 0.5, 0.05, 1.0
# Longer than a stop may take in any scenario, so that one that never comes is seen. Unit: s.
PATIENCE = 12.0
# How long a pump that answers takes to show that it stands, with the rest before that. Unit: s.
PROVEN = 2.0
STOP = line_of("stop", device="pump")
OF_A_STOP = ("REMOTE_CTRL", "INF_STOP")


class Bench:
    """A unit on a folder of its own, its pump, and how many stops are wanted."""

    unit: PumpUnit
    pump: AlarisGH
    # Stops in which the rig itself was late.
    stalled = 0

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.clockwork = Clockwork().start()
        self.host = DurableHost(folder / "unit")

    def begin(self, journal: Path | None = None, sync: SlowSync | None = None, neighbour: bool = False) -> Bench:
        """The unit runs; with a neighbour there is another pump, which never answers, on a line of its own."""
        self.host.prefix = sync.prefix if sync else []
        self.unit, self.pump = alaris_unit(self.clockwork, self.host, self.folder / "alaris", site("rate", "start"))
        text = self.host.config.read_text()
        if journal is not None:
            self.host.journal = journal
            text = text.replace("directory: journal", f"directory: {journal}")
        if neighbour:
            line = self.folder / "dead"
            AlarisGH(self.clockwork, PtyLink(line), serial="8003-00200").mute(1e6)
            text = text.replace("devices:\n", f"devices:\n  dead: {{profile: alaris/asena-gh, line: {line}}}\n")
        self.host.config.write_text(text)
        lets_in(self.unit)
        return self

    def end(self) -> None:
        """Nothing of it runs any more."""
        self.host.kill()
        self.clockwork.stop()

    def stop(self) -> socket.socket:
        """Turn to the socket and ask."""
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(PATIENCE)
        caller.connect(str(self.unit.socket))
        caller.sendall(STOP)
        return caller

    def first_byte(self, before: Callable[[], None] = lambda: None) -> float:
        """One stop, from the turning to the socket to the first message of it at the pump. Unit: s."""
        self.pump.press(Key.START)
        before()
        heard, begun = len(self.pump.heard), now()
        with self.stop():
            first = wait_until(lambda: self._first(heard), PATIENCE, "the first byte of a stop", every=0.002)
            self.pump.mute_until = 0.0
            wait_until(lambda: not self.pump.infusing, PATIENCE, "the pump to stand", every=0.01)
        self.stalled += any(start < first and end > begun for start, end in self.clockwork.stalls[-20:])
        return first - begun

    def _first(self, heard: int) -> float | None:
        return next((one.at for one in self.pump.heard[heard:] if one.name in OF_A_STOP), None)


def some_time(longest: float = 1.2) -> None:
    """So that stops fall anywhere between two polls."""
    time.sleep(random.uniform(0.2, longest))


def measured(bench: Bench, before: Callable[[], None] = lambda: None) -> list[float]:
    """So many stops."""
    times = []
    for _ in range(bench.count):
        # The stop before is proven by then: one that is asked for earlier joins it.
        time.sleep(PROVEN)
        some_time()
        times.append(bench.first_byte(before))
    return times


def idle(bench: Bench) -> list[float]:
    """A pump that answers at once."""
    return measured(bench.begin())


def silent(bench: Bench) -> list[float]:
    """A pump that has answered nothing for a while: what was asked last is waited for as long as it may take."""
    bench.begin()

    def falls_silent() -> None:
        bench.pump.mute(60)
        some_time(2.5)

    return measured(bench, falls_silent)


def dead_neighbour(bench: Bench) -> list[float]:
    """Another pump of the unit answers nothing at all."""
    return measured(bench.begin(neighbour=True))


def disk_full(bench: Bench) -> list[float]:
    """The journal's disk has no block left, and takes nothing."""
    disk = MemoryDisk(bench.folder / "disk", 64)
    ended = threading.Event()

    def keep_full() -> None:
        while not ended.is_set():
            disk.fill()
            time.sleep(0.2)

    filling = threading.Thread(target=keep_full, daemon=True)
    try:
        bench.begin(journal=disk.at / "journal")
        filling.start()
        wait_until(
            lambda: bench.unit.ask("looked-at", "pump").refusal == "journal", 120, "a journal that takes nothing"
        )
        times = measured(bench)
        assert bench.unit.ask("looked-at", "pump").refusal == "journal", "the journal took something again"
        return times
    finally:
        ended.set()
        if filling.is_alive():
            filling.join()
        bench.host.kill()
        subprocess.run(["umount", "-l", str(disk.at)], check=False)


def slow_sync(bench: Bench) -> list[float]:
    """Each sync of the journal takes ten seconds."""
    sync = SlowSync(bench.folder)
    bench.begin(sync=sync)
    sync.takes(10)
    time.sleep(1)
    return measured(bench)


def unplugged(bench: Bench) -> list[float]:
    """The pump's line is gone: until the host says that it could not be told."""
    bench.begin()
    times = []
    for _ in range(bench.count):
        bench.pump.unplug()
        some_time()
        begun_at = now()
        with bench.stop() as caller:
            # First that it was asked for, and then what became of it.
            told = next(one for line in caller.makefile("rb") if "proven" in (one := json.loads(line)))
            times.append(now() - begun_at)
            assert told["proven"] is False, told
        bench.pump.replug()
        wait_until(lambda: "stop" not in bench.unit.ask("list").json["pumps"][0], PATIENCE, "the proof of the stop")
    return times


SCENARIOS: dict[str, tuple[Callable[[Bench], list[float]], float]] = {
    "idle": (idle, MARGIN),
    "silent": (silent, SLOWEST_REPLY + MARGIN),
    "dead-neighbour": (dead_neighbour, MARGIN),
    "disk-full": (disk_full, MARGIN),
    "slow-sync": (slow_sync, MARGIN),
    "unplugged": (unplugged, TOLD),
}


def run(name: str, count: int) -> tuple[list[float], int]:
    """One scenario with a unit of its own; gives its times, and in how many of them the rig was late."""
    with tempfile.TemporaryDirectory(prefix="stops-") as folder:
        bench = Bench(Path(folder), count)
        try:
            return SCENARIOS[name][0](bench), bench.stalled
        finally:
            bench.end()


def main() -> int:
    """Measure, print a table, and say whether all was fast enough."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument(
        "--count", type=int, default=int(os.environ.get("NABD_STOPS", "100")), help="stops of each scenario")
    words.add_argument("--only", nargs="*", choices=SCENARIOS, default=list(SCENARIOS))
    words.add_argument("--json", type=Path, help="write all times here")
    chosen = words.parse_args()
    found: dict[str, list[float]] = {}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at first: other work shows in the times; in ms")
    print(f"{'scenario':16} {'stops':>6} {'p50':>8} {'p99':>8} {'max':>8} {'p99 may be':>11} {'rig late':>9}")
    late = []
    for name in chosen.only:
        times, stalled = run(name, chosen.count)
        times = found[name] = sorted(times)
        at99, most = times[min(len(times) - 1, int(len(times) * 0.99))], SCENARIOS[name][1]
        figures = [times[len(times) // 2], at99, times[-1]]
        mark = "" if at99 <= most else "  too slow"
        print(f"{name:16} {len(times):6} " + " ".join(f"{1000 * one:8.1f}" for one in figures)
              + f" {1000 * most:11.0f} {stalled:9}{mark}", flush=True)
        late += [name] * (at99 > most)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    if chosen.json:
        chosen.json.write_text(json.dumps(found))
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
