"""What the durability suite has in common: a host that can be wrapped, killed and paused,
a rig, and what a journal must hold afterwards.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from .clockwork import Clockwork, now
from .counting_pump import CountingPump
from .host import Host, binary, json_lines, nabd
from .links import PtyLink
from .nonin import NoninOximeter
from .scenarios import TEST_PROFILES
from .waiting import wait_until

# By the first part of a file's name, its table and what is read of it. Events stand as they were committed; samples may
# be packed anew, but are never fewer.
RECORDS = {"samples": ("chunks", "samples"), "events": ("events", "*")}
COMMIT_EVERY = 0.25
RUNNING = "nabd is running"


def setting(name: str, default: int) -> int:
    """How much of a test is run: more in the long run than by default."""
    return int(os.environ.get(name, default))


def dice() -> tuple[random.Random, int]:
    """Randomness that a failing test can be given again."""
    seed = setting("NABD_SEED", time.time_ns() % 1_000_000)
    return random.Random(seed), seed


def spread(cases: list, count: int) -> list:
    """So many of them, evenly."""
    return cases if len(cases) <= count else [cases[place * len(cases) // count] for place in range(count)]


def preloading(source: str, directory: Path) -> list[str]:
    """A prefix for a host with one of the C files here loaded before its libraries;
    skipped where nothing can compile it.
    """
    if (compiler := shutil.which("cc") or shutil.which("gcc")) is None:
        pytest.skip("there is no C compiler")
    library = (directory / source).with_suffix(".so")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).parent / source)], check=True,
        timeout=60,
    )
    return ["env", f"LD_PRELOAD={library}"]


class DurableHost(Host):
    """A host that may be started under another program, and ends or stops in ways that operators do not choose."""

    prefix: list[str] = []

    def start(self) -> "DurableHost":
        """Start ``nabd run`` under ``prefix``, which must become it."""
        if not self.prefix:
            super().start()
            return self
        assert self._process is None, "the host is already running"
        with open(self.log_path, "ab") as log, open(self.summary_path, "ab") as summary:
            self._process = subprocess.Popen(
                [*self.prefix, str(binary()), "run", "--config", str(self.config), "--json"], cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=summary, stderr=log, start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        """The process, which runs."""
        assert self._process is not None
        return self._process.pid

    def ended(self) -> int | None:
        """How it ended by itself; nothing while it runs."""
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            self._process = None
        return code

    def terminate(self, timeout: float) -> tuple[int, float]:
        """SIGTERM. Gives how it ended, and after how many seconds; killed and failed when it takes longer."""
        assert self._process is not None and self._process.poll() is None, f"nabd ended by itself:\n{self.log_tail()}"
        asked = now()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"nabd did not end within {timeout:g} s of SIGTERM:\n{self.log_tail()}") from None
        self._process = None
        return code, now() - asked

    def logged(self, since: int) -> str:
        """The log from a size on that it once had."""
        if not self.log_path.exists():
            return ""
        with open(self.log_path, "rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")

    def log_size(self) -> int:
        """How long the log is now. Unit: bytes."""
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def wait_running(self, since: int, timeout: float = 10) -> None:
        """Wait until the log says so, after a size that it once had."""
        def says_so() -> bool:
            assert self.running, f"nabd ended by itself:\n{self.log_tail(10)}"
            return RUNNING in self.logged(since)

        wait_until(says_so, timeout, "the log to say that nabd is running", every=0.005)


class Rig:
    """An oximeter that sends 75 frames a second, and a pump that is asked five times a second and counts that."""

    POLL = 0.2

    def __init__(self, directory: Path) -> None:
        self.clockwork = Clockwork().start()
        self.oximeter = NoninOximeter().start()
        self.pump = CountingPump(self.clockwork, PtyLink(directory / "pump-line"))

    def configure(self, host: Host, journal: Path | None = None) -> None:
        """The unit that has both."""
        devices = {
            "spo2": {"profile": "nonin/oem-iii-df2", "line": self.oximeter.line},
            "pump": {"profile": "bench/pump", "line": self.pump.link.path},
        }
        host.configure(devices, profiles=[TEST_PROFILES], journal=journal)

    def kept_asking(self, since: float, until: float, hole: float = 0.6) -> str:
        """By the pump's own count it was asked with its period in this time;
        what the journal says has no part in it.
        """
        times = [since, *(one.at for one in self.pump.asked if since <= one.at < until), until]
        longest = max(b - a for a, b in zip(times, times[1:]))
        assert longest <= hole, f"the pump was not asked for {longest:.2f} s, allowed are {hole:g} s"
        assert self.pump.effects == [], self.pump.effects[:3]
        return f"longest hole between polls {longest:.2f} s"

    def stop(self) -> None:
        """Switch both off."""
        self.oximeter.stop()
        self.pump.stop()
        self.clockwork.stop()


@contextmanager
def rig_and_host(directory: Path) -> Iterator[tuple[Rig, DurableHost]]:
    """Both, in a directory; the journal is in the host's own until the rig is told to configure it otherwise."""
    binary()
    host, rig = DurableHost(directory / "unit"), Rig(directory)
    try:
        rig.configure(host)
        yield rig, host
    finally:
        host.kill()
        rig.stop()


def record_files(journal: Path, kind: str = "*") -> list[Path]:
    """The journal's own databases, ``samples`` or ``events`` or both; neither logs nor the uplink's book."""
    kinds = RECORDS if kind == "*" else [kind]
    return sorted(path for name in kinds for path in journal.glob(f"{name}*.sqlite"))


def committed(journal: Path) -> tuple[int, set[tuple]]:
    """How many samples are committed, and which events, read with SQLite alone. A file without its table,
    as a kill may leave it, holds none.
    """
    samples, events = 0, set()
    for path in record_files(journal):
        table, what = RECORDS[kind := next(name for name in RECORDS if path.name.startswith(name))]
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                rows = connection.execute(f"SELECT {what} FROM {table}").fetchall()
                samples += sum(row[0] for row in rows) if kind == "samples" else 0
                events |= set(rows) if kind == "events" else set()
    return samples, events


class Observer:
    """Somebody who reads the journal beside the host and remembers how much was ever committed."""

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.samples = 0
        self.events: set[tuple] = set()

    def __str__(self) -> str:
        return f"{self.samples} samples and {len(self.events)} events"

    def look(self) -> int:
        """Gives how many samples are new. While a file is being made or recovered nothing may be seen."""
        before = self.samples
        try:
            samples, events = committed(self.journal)
        except sqlite3.OperationalError:
            return 0
        self.samples = max(self.samples, samples)
        self.events |= events
        return self.samples - before

    def wait_for_news(self, timeout: float = 5) -> float:
        """Wait for new samples. Gives how long it took."""
        began = now()
        wait_until(self.look, timeout, "a new committed sample", every=0.02)
        return now() - began

    def look_until(self, moment: float) -> None:
        """Keep looking; the last look ends before this moment, or soon after."""
        while (left := moment - now()) > 0:
            self.look()
            time.sleep(min(0.02, left))

    def missing(self) -> list[str]:
        """What was seen and is no longer there. That the numbers are without holes, and the values the same,
        is for exports to show.
        """
        samples, events = committed(self.journal)
        lost = (
            [f"{self.samples - samples} of {self.samples} committed samples are gone"] if samples < self.samples else []
        )
        return lost + [f"a committed event is gone or changed: {event}" for event in sorted(self.events - events)]


Streams = dict[tuple, dict[int, tuple]]


def streams(lines: list[dict]) -> Streams:
    """Of each stream, by sequence number, when it was sampled and what it said; nothing may stand there twice."""
    found: Streams = {}
    for line in lines:
        events = "event" in line
        stream = ("events",) if events else (line["device"], line.get("vmd"), line["metric"])
        held = found.setdefault(stream, {})
        for place, value in enumerate([line["event"]] if events else line.get("values", [line.get("value")])):
            number = line["sequence"] + place
            assert number not in held, f"doubled: {stream} {number}"
            held[number] = (line["monotonicNanoseconds"], place, line.get("validity"), value)
    return found


def without_holes(lines: list[dict], least: int = 1) -> Streams:
    """Every stream has all its numbers from the first one on, once; events are counted like one."""
    found = streams(lines)
    assert len(found) > 1, f"only {sorted(found)} in the journal"
    for stream, held in found.items():
        first = 0 if stream != ("events",) else min(held)
        absent = sorted(set(range(first, max(held) + 1)) - set(held))
        assert not absent, f"{stream}: numbers {absent[:5]} of {max(held) + 1} are not there"
    assert sum(map(len, found.values())) >= least, f"only {sum(map(len, found.values()))} numbers in the journal"
    return found


def still_there(before: Streams, after: Streams) -> int:
    """What was exported before is exported again, the same. Gives how many numbers were compared."""
    for stream, held in before.items():
        changed = [number for number, what in held.items() if after.get(stream, {}).get(number) != what]
        assert not changed, (
            f"{stream}: numbers {changed[:5]} were {held[changed[0]]}, now {after.get(stream, {}).get(changed[0])}"
        )
    return sum(map(len, before.values()))


def export(journal: Path) -> list[dict]:
    """A journal as JSON lines."""
    result = nabd("journal", "export", "--journal", journal, "--jsonl")
    assert result.returncode == 0, f"journal export ended with {result.returncode}: {result.stderr.decode()[-2000:]}"
    return json_lines(result.stdout)


def verify(journal: Path) -> tuple[int, list[str]]:
    """What ``journal verify`` says: its exit code, and its faults."""
    result = nabd("journal", "verify", "--journal", journal)
    said = (result.stdout + result.stderr).decode(errors="replace")
    assert result.returncode in (0, 1), f"verify ended with {result.returncode}: {said[-2000:]}"
    faults = [line for line in said.splitlines() if line.startswith("fault: ")]
    assert result.returncode == 1 or ("whole" in said and not faults), said
    assert result.returncode == 0 or faults, f"verify ended with 1 and names no fault: {said}"
    return result.returncode, faults


def assert_whole(journal: Path) -> None:
    """``journal verify`` has nothing to say."""
    code, faults = verify(journal)
    assert code == 0, faults[:5]


def times(lines: list[dict], device: str, metric: str, since: float, until: float) -> list[float]:
    """When the valid samples of a metric in this time were taken, on the rigs' clock, in order."""
    return sorted(
        moment
        for line in lines
        if line.get("device") == device and line.get("metric") == metric and line["validity"] == "valid"
        if since <= (moment := line["monotonicNanoseconds"] / 1e9) < until
    )


def kept_sampling(lines: list[dict], since: float, until: float) -> str:
    """Both devices' samples follow each other with their period in this time, by the journal."""
    said = []
    for device, metric, allowed in (("spo2", "MDC_PULS_OXIM_SAT_O2", 0.8), ("pump", "MDC_VOL_FLUID_DELIV_TOTAL", 0.6)):
        found = [since, *times(lines, device, metric, since, until), until]
        longest = max(b - a for a, b in zip(found, found[1:]))
        assert longest <= allowed, f"{device}: {longest:.2f} s without a sample, allowed are {allowed:g} s"
        said.append(f"{device} {longest:.2f} s")
    return "longest hole between samples " + ", ".join(said)


def alerts(lines: list[dict], name: str) -> list[dict]:
    """The starts and ends of an alert, in their order."""
    return [line for line in lines if line.get("event") in ("alertStart", "alertEnd") and line.get("alert") == name]


def of_kind(lines: list[dict], *kinds: str) -> list[dict]:
    """The events of these kinds."""
    return [line for line in lines if line.get("event") in kinds]
