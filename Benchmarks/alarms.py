"""What alarms cost the running host, and how long one takes: a thousand of them, from the end of their delay until they
are durable; and the host of eight beds with twelve limits each beside the same host without.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import beds
import peers
from common import ROOT, row
from peers import NABD, Program, Server

EXCURSIONS = 63  # of each of eight beds, two alarms each: 1,008
ASKED = 50  # ms, of the 99th of a hundred beyond the delay
MARGIN = 1.10  # what limits may make of the host's lateness, time of a core and memory
# Of 16 s each CPU and lateness differ by a third from one round of the same host to the next: five, and their medians.
BEDS, WARM_UP, COUNTED, ROUNDS = 8, 5, 16, 5
PERIOD = 0.02  # s, of the device that is asked: its line's lateness is told
# So low that each bed has one alarm: that its limits are watched is seen in the record.
PROOF = "MDC_TEMP_SKIN"


def preset_text() -> str:
    """Two limits of each of the twelve numerics, far out, but for one that is passed at once."""
    vitals, rules = [], []
    for index, (metric, scale, unit) in enumerate(beds.NUMERICS):
        far = 32 * float(scale) * 1000
        high = -far + 1 if metric == PROOF else far
        vitals.append(f"  {metric}: {{name: V{index}, name-arabic: قيمة, unit: {unit}}}")
        rules += [
            f"  {metric}:",
            f"    low: {{below: {-far:g}, priority: medium, harm: reversible, onset: prompt, delay: 5s, hysteresis: 0, "
            "proposed: true}",
            f"    high: {{above: {high:g}, priority: medium, harm: reversible, onset: prompt, delay: 5s, "
            "hysteresis: 0, proposed: true}",
        ]
    return "\n".join([
        "nabd: preset/1", "name: bench", "title: Bench", "title-arabic: قياس", "for: Measurements",
        "for-arabic: للقياس", "reviewed:", "vitals:", *vitals, "limits:", *rules, "",
    ])


def unit_file(folder: Path, port: int, asked: Server, is_watched: bool) -> Path:
    """Eight monitors, and a device that is asked; with limits or without."""
    path = beds.unit_file(folder, port, BEDS)
    profile = folder / "profiles/bench/registers/profile.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(peers.profile_text("{modbus: tcp, unit: 1}", 10, PERIOD))
    lines = [f'  asked: {{profile: bench/registers, line: "tcp://127.0.0.1:{asked.port}"}}']
    if is_watched:
        (folder / "presets").mkdir()
        (folder / "presets/bench.yaml").write_text(preset_text())
        lines += ["presets: presets", "beds:", *(
            f"  chair-{n}: {{name: Chair {n}, name-arabic: كرسي {n}, preset: bench, devices: [bed-{n}]}}"
            for n in range(1, BEDS + 1))]
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    return path


def watched_beds(folder: Path) -> set[str]:
    """Beds of which the record has the alarm that each must give."""
    told = subprocess.run(
        [NABD, "journal", "export", "--journal", folder / "journal", "--jsonl"], capture_output=True, text=True)
    events = [json.loads(line) for line in told.stdout.splitlines() if '"alertStart"' in line]
    return {event["bed"] for event in events if event.get("metric") == PROOF}


def cost(work: Path, is_watched: bool, program: Path = NABD) -> dict[str, float]:
    """Of the whole host: time of a core in %, memory resident in MB, lateness of the line that asks in µs."""
    folder = work / "alarms"
    with (
        beds.Beds(work, BEDS) as monitors, Server(work) as asked,
        Program(
            folder, program, "run", "--config", unit_file(folder, monitors.port, asked, is_watched), "--json") as one,
    ):
        end = time.monotonic() + 30
        while monitors.said()["beds"] < BEDS or asked.registers() == 0:
            one.check()
            if time.monotonic() > end:
                one.fail("did not open its lines in 30 s")
            time.sleep(0.05)
        time.sleep(WARM_UP)
        start, cpu = time.monotonic(), one.cpu_seconds()
        time.sleep(COUNTED)
        cpu, seconds = one.cpu_seconds() - cpu, time.monotonic() - start
        memory = beds.numbers(one, "status")
        summary = json.loads(one.stop().strip().splitlines()[-1])
        said = monitors.end()
    if summary["samples"] < 0.99 * said["samples"]:
        sys.exit(f"bench: of {said['samples']} samples the journal has {summary['samples']}")
    seen = watched_beds(folder)
    if len(seen) != (BEDS if is_watched else 0):
        sys.exit(f"bench: limits were watched at {len(seen)} beds, with limits: {is_watched}")
    shutil.rmtree(folder)
    (line,) = [one for one in summary["lines"] if one["line"].endswith(f":{asked.port}")]
    late = line["latenessMicroseconds"]
    return {"cpu": cpu / seconds * 100, "memory": memory["VmRSS"] * 1024 / 1e6, "p50": late["p50"], "p99": late["p99"]}


def latency(work: Path) -> dict:
    """A thousand alarms, of the program that is measured."""
    python, out = ROOT / ".venv-hil/bin/python", work / "alarms.json"
    if not python.exists():
        sys.exit("bench: the devices of the tests are needed for alarms: run scripts/setup python")
    done = subprocess.run(
        [python, ROOT / "hil-tests/benches/alarms.py", "--count", str(EXCURSIONS), "--json", out],
        env={**os.environ, "NABD": str(NABD)}, capture_output=True, text=True)
    if not out.exists():
        sys.exit(f"bench: alarms.py failed: {done.stderr.strip()[-500:]}")
    print(f"   {done.stdout.strip()}", flush=True)
    return json.loads(out.read_text())


def alarms(work: Path) -> list[dict]:
    """Some six and a half minutes: the thousand alarms, then five rounds of the host with and without limits."""
    figures = latency(work)
    rows = [row(
        f"sample to durable alarm beyond its delay, p99 of {figures['alarms']:,}", figures["p99"] * 1e3, ASKED, "ms",
        1.0, False, f"what is asked, {ASKED} ms")]
    found: dict[bool, list[dict]] = {True: [], False: []}
    for number in range(ROUNDS):
        for is_watched in (False, True) if number % 2 else (True, False):
            one = cost(work, is_watched)
            found[is_watched].append(one)
            print(
                f"   {'with' if is_watched else 'without'} limits {one['cpu']:.2f} % of a core, "
                f"{one['memory']:.1f} MB, late p50 {one['p50']:.0f} µs, p99 {one['p99']:.0f} µs", flush=True)
    for key, title, unit in (
            ("cpu", "CPU of the host", "% of a core"), ("memory", "memory resident", "MB"),
            ("p50", "lateness p50 of a line that asks", "µs"), ("p99", "lateness p99 of a line that asks", "µs")):
        ours, bare = (statistics.median(one[key] for one in found[side]) for side in (True, False))
        rows.append(row(
            f"{title}, {BEDS} beds of twelve limits", ours, bare, unit, MARGIN, False, "the same host without limits"))
    return rows
