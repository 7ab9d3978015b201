"""What the screens cost and how late they are: their server beside a host of eight beds, and a browser that draws."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import beds
from beds import Beds, numbers
from common import ROOT, free_port, row
from load import Busy
from peers import NABD, Program

BEDS = 8
WARM_UP = 15  # s: the picture has its last 8 s, the first screens have come
COUNTED = max(2, int(os.environ.get("DURATION", "60")))  # s, of each number of screens
SCREENS = (0, 1, 4)
# Ten times the data of a unit: monitors at each bed, and how many times as fast each is. A unit has 64 lines at most.
MONITORS, TIMES = 5, 2
# How long the growth under them is looked at. Unit: min.
GROWTH = float(os.environ.get("GROWTH", "30"))
TARGET_SCREEN, TARGET_MEMORY, TARGET_GROWTH = 1, 64, 5  # % of a core, MB, MB
MB = 1e6
PYTHON = ROOT / ".venv-hil/bin/python"


class Screen:
    """A reader of the live stream with the waves of all beds, as a page is."""

    def __init__(self, port: int) -> None:
        self.bytes, self._ends = 0, False
        self._answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/live?waves=all", timeout=10)
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while not self._ends:
            try:
                taken = self._answer.read1(65536)
            except (OSError, ValueError, AttributeError):
                return  # it is closed while it is read
            if not taken:
                return
            self.bytes += len(taken)

    def check(self) -> None:
        if not self._thread.is_alive():
            sys.exit("bench: the console closed a screen's stream")

    def close(self) -> None:
        self._ends = True
        self._answer.close()


def unit_file(folder: Path, monitors: int, times: int, port: int, screens: int) -> Path:
    """The unit of the measurement of beds, its monitors shared out over eight beds, with a screen's server."""
    path = beds.unit_file(folder, port, monitors, times)
    places = [[f"bed-{n}" for n in range(1, monitors + 1) if (n - 1) % BEDS == place] for place in range(BEDS)]
    lines = [f"  chair-{n}: {{name: Chair {n}, name-arabic: كرسي {n}, devices: [{', '.join(each)}]}}"
             for n, each in enumerate(places, 1)]
    web = ROOT / "screen"
    path.write_text(path.read_text() + "\n".join(["beds:", *lines, f"console: {{port: {screens}, web: {web}}}", ""]))
    return path


class Unit:
    """A host that acquires, and the screens' server beside it, each a process of its own."""

    def __init__(self, work: Path, monitors: int, times: int = 1) -> None:
        self.folder, self.port, self.count = work / f"screens-{monitors}-{times}", free_port(), monitors
        self.monitors = Beds(work, monitors, times)
        self.config = unit_file(self.folder, monitors, times, self.monitors.port, self.port)
        self.parts: list[Program | Beds] = [self.monitors]

    def __enter__(self) -> "Unit":
        self.monitors.__enter__()
        try:
            self.host = self._start("acquire")
            self._wait(lambda: self.monitors.said()["beds"] >= self.count, "opened all lines")
            self.console = self._start("console")
            self._wait(self._answers, "answered a screen")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for each in reversed(self.parts):
            each.__exit__()

    def _start(self, role: str) -> Program:
        self.parts.append(Program(self.folder / role, NABD, "run", "--role", role, "--config", self.config))
        return self.parts[-1]

    def _answers(self) -> bool:
        self.console.check()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2).close()
        except OSError:
            return False
        return True

    def _wait(self, condition, what: str) -> None:
        end = time.monotonic() + 60
        while not condition():
            self.host.check()
            if time.monotonic() > end:
                self.host.fail(f"has not {what} within 60 s")
            time.sleep(0.1)

    def resident(self) -> float:
        return numbers(self.console, "status")["VmRSS"] * 1024 / MB


def cost(unit: Unit, count: int) -> float:
    """The console's processor time with so many screens. Unit: % of a core."""
    screens = [Screen(unit.port) for _ in range(count)]
    time.sleep(WARM_UP)
    busy, before, start = Busy(), unit.console.cpu_seconds(), time.monotonic()
    taken = sum(screen.bytes for screen in screens)
    time.sleep(COUNTED)
    spent = (unit.console.cpu_seconds() - before) / (time.monotonic() - start) * 100
    taken = (sum(screen.bytes for screen in screens) - taken) / COUNTED
    for screen in screens:
        screen.check()
        screen.close()
    print(f"   {count} screens: {spent:.2f} % of a core, {unit.resident():.1f} MB resident, "
          f"{taken / 1e3:.0f} kB/s to them, all cores {busy.share():.0%} busy", flush=True)
    return spent


def growth(work: Path) -> list[dict]:
    """Resident memory of the console over half an hour of ten times a unit's data, with one screen."""
    with Unit(work, BEDS * MONITORS, TIMES) as unit:
        screen = Screen(unit.port)
        time.sleep(4 * WARM_UP)
        said, before, start, most = unit.monitors.said()["samples"], unit.resident(), time.monotonic(), 0.0
        while time.monotonic() - start < GROWTH * 60:
            time.sleep(min(10, GROWTH * 60 / 10))
            screen.check()
            most = max(most, unit.resident())
        after, said = unit.resident(), unit.monitors.said()["samples"] - said
        screen.close()
    print(f"   {said:,} samples in {GROWTH:g} min: {before:.1f} MB resident, {after:.1f} at the end, "
          f"{most:.1f} at most", flush=True)
    what = f"of the console in {GROWTH:g} min of ten times the data"
    asked = "what is asked of a unit's own data"
    return [row(f"memory {what}, at most", most, TARGET_MEMORY, "MB", None, False, asked),
            row(f"growth {what}", after - before, TARGET_GROWTH, "MB", 1.0, False, "the target")]


def console(work: Path) -> list[dict]:
    """The screens' server with no, one and four screens, then its memory under ten times the data."""
    with Unit(work, BEDS) as unit:
        spent = [cost(unit, count) for count in SCREENS]
        memory = numbers(unit.console, "status")["VmHWM"] * 1024 / MB
    a_screen = (spent[-1] - spent[0]) / (SCREENS[-1] - SCREENS[0])
    rows = [row("console, without a screen", spent[0], TARGET_SCREEN, "% of a core", None, False, "what one may take"),
            row("console, with one screen", spent[1], TARGET_SCREEN, "% of a core", 1.0, False, "the target"),
            row("console, each screen more", a_screen, TARGET_SCREEN, "% of a core", 1.0, False, "the target"),
            row("memory of the console at most", memory, TARGET_MEMORY, "MB", 1.0, False, "the target")]
    return rows + (growth(work) if GROWTH > 0 else [])


def told(*arguments) -> dict:
    """What a measurement of hil-tests prints; it says by itself whether it found what is asked."""
    done = subprocess.run([PYTHON, *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "NABD": str(NABD)})
    if not done.stdout.strip():
        sys.exit(f"bench: {arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def screen(_: Path) -> list[dict]:
    """A real browser before the made-up unit of eight beds, four waves each, at 1920 by 1080."""
    for part in ("python", "browser"):
        subprocess.run([ROOT / "scripts/setup", part], check=True)
    done = told(ROOT / "hil-tests/benches/screen.py", "--seconds", COUNTED)
    asked = done["targets"]
    rows = []
    for name, what in (("frames", ""), ("busy", ", 200 ms of the page's work a second"), ("two", ", two windows")):
        told_frames = done[name]
        rows.append(row(f"frames a second of eight beds{what}", told_frames["worker"]["perSecond"],
                        asked.get(name, asked["frames"]), "/s", 1.0, True, "the target"))
    slow = done["frames"]["worker"]["p99"]
    rows.append(row("the 99th frame of a hundred", slow, asked["p99"], "ms", 1.0, False, "the target"))
    rows.append(row("the whole browser", done["frames"]["cores"], asked["cores"], "cores", 1.0, False, "the target"))
    rows.append(row("first full picture", done["first"]["median"], asked["first"], "ms", 1.0, False, "the target"))
    for name, every in (("pixels", 250), ("pixels100", 100)):
        rows.append(row(f"sample to pixel, 95th of a hundred, commits of {every} ms", done[name]["p95"], asked[name],
                        "ms", 1.0, False, "the target"))
    return rows


def tail(work: Path) -> list[dict]:
    """How far `nabd journal tail --follow` is behind a host of sixteen oximeters."""
    subprocess.run([ROOT / "scripts/setup", "python"], check=True)
    figures = work / "tail.json"
    done = subprocess.run([PYTHON, ROOT / "hil-tests/benches/tail.py", "--seconds", str(COUNTED), "--json", figures],
                          capture_output=True, text=True, env={**os.environ, "NABD": str(NABD)})
    if not figures.exists():
        sys.exit(f"bench: tail.py failed: {(done.stderr + done.stdout).strip()[-500:]}")
    newest = json.loads(figures.read_text())["newest"]
    return [row("newest sample of a commit when tail shows it, 95th of a hundred", newest["p95"] * 1000, 60, "ms", 1.0,
                False, "the target")]
