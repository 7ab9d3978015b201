"""The uplink: what it costs on the wire, how fast it catches up, how late an alarm arrives beside a backlog, what it
takes of memory, and whether it disturbs the process that asks the devices.

MINUTES (10) is how long the eight beds are recorded whose record is the backlog; ROUNDS (5) how often each way of the
uplink to misbehave is held against none.
"""

import contextlib
import datetime
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import beds
import peers
from common import measure, row
from load import Busy
from peers import NABD, Program, Server
from uplink_peers import Monitors, Records, Way, make_pki

MINUTES = max(3, int(os.environ.get("MINUTES", "10")))
ROUNDS = max(1, int(os.environ.get("ROUNDS", "5")))
BEDS = 8
NUMERIC_BYTES, ECG_BYTES = 4.2, 1.0  # asked of a sample with gzip
LOOPBACK, FAR = 40, 20  # seconds of record a second
ROUND_TRIP = 1.2  # s
NARROW = 64_000 / 8  # bytes a second
ALARMS, APART, ALARM_P99 = 200, 1.5, 1.0  # how many; s from one to the next; s
MEMORY = 128  # MB
MARGIN = 1.10
PERIOD, WARM_UP, COUNTED = 0.02, 4, 16  # s
LIMITED = "MDC_PULS_OXIM_SAT_O2"
PRESET = f"""\
nabd: preset/1
name: bench
title: Bench
title-arabic: قياس
for: Measurements
for-arabic: للقياس
reviewed:
vitals:
  {LIMITED}: {{name: SpO2, name-arabic: تشبع, unit: "%"}}
limits:
  {LIMITED}:
    low:
      - {{below: 90, priority: medium, harm: reversible, onset: prompt, delay: 1s, hysteresis: 2, proposed: true}}
"""
WAYS = ("none", "killed", "stopped", "flooding")


class Unit:
    """A unit's folder: monitors at a port, a service, a journal that may be a copy."""

    def __init__(self, folder: Path, port: int, url: str, pki, journal: Path | None = None, packed: bool = True,
                 only_ecg: bool = False, cap: str = "") -> None:
        self.folder = folder
        self.path = beds.unit_file(folder, port, BEDS)
        profile = folder / "profiles/bench/bed/profile.yaml"
        lines = profile.read_text().replace("scale: 0.001, unit: mV", "scale: 0.005, unit: mV").splitlines()
        if only_ecg:
            lines = [line for line in lines if not line.startswith("  - ") or "ECG_ELEC" in line or "every" in line]
        profile.write_text("\n".join(lines) + "\n")
        if journal:
            shutil.copytree(journal, folder / "journal")
        self.say(
            f'uplink: {{server: "{url}", authority: {pki.authority.certificate}, client-certificate: '
            f"{pki.client.certificate}, client-key: {pki.client.key}, window: 60s, "
            f"compression: {'gzip' if packed else 'none'}{cap}}}"
        )

    def say(self, *lines: str) -> None:
        self.path.write_text("\n".join([self.path.read_text(), *lines, ""]))

    def run(self, role: str) -> Program:
        return Program(self.folder / role, NABD, "run", "--config", self.path, "--role", role, "--json")


def url(way: Way) -> str:
    return f"https://127.0.0.1:{way.port}/fhir"


def peak(program: Program) -> float:
    """Unit: MB."""
    return beds.numbers(program, "status")["VmHWM"] * 1024 / beds.MB


def wait(program: Program, what: str, seconds: float, done) -> None:
    end = time.monotonic() + seconds
    while not done():
        program.check()
        if time.monotonic() > end:
            program.fail(f"{what}: not in {seconds:g} s")
        time.sleep(0.1)


def samples(journal: Path) -> int:
    return measure(NABD, "journal", "stat", "--journal", journal, "--json")["samples"]


def delivered(told: dict) -> int:
    return sum(lane["samples"] for lane in told["lanes"].values())


# The wire, and the backlog.


def record(work: Path, pki) -> tuple[Path, Path, dict]:
    """Eight beds for some minutes, delivered as they come; beside them the same beds' numbers and ECG alone, delivered
    to nobody. Their journals, and what was seen of the first delivery.
    """
    with Monitors(BEDS) as monitors, Records(pki) as service, Way(service.port) as way:
        unit = Unit(work / "live", monitors.port, url(way), pki)
        narrow = Unit(work / "ecg", monitors.port, url(way), pki, only_ecg=True)
        with unit.run("acquire") as host, narrow.run("acquire") as second, unit.run("uplink") as uplink:
            # The first windows are over, and what describes the devices is there.
            began = time.monotonic()
            time.sleep(90)
            before, first, start = service.said(), way.bytes(), time.monotonic()
            time.sleep(60 * (MINUTES - 2))
            after, last, seconds = service.said(), way.bytes(), time.monotonic() - start
            time.sleep(max(0, began + 60 * MINUTES - time.monotonic()))
            for one in (host, second, uplink):
                one.check()
            memory = peak(uplink)
            for one in (host, second):
                one.stop()
            uplink.stop()
        count = delivered(after) - delivered(before)
        if count < 0.9 * beds.SAMPLES_A_SECOND * BEDS * seconds:
            sys.exit(f"bench: of eight beds {count} samples were delivered in {seconds:.0f} s")
        requests = sum(after["lanes"][lane]["requests"] - before["lanes"][lane]["requests"] for lane in after["lanes"])
    live = {"rate": (last - first) / seconds, "requests": requests / seconds * 60, "samples": count / seconds,
            "memory": memory, "doubles": after["doubles"]}
    print(
        f"   eight beds as they come, gzip: {live['rate']:,.0f} B/s both ways with TLS, {live['requests']:.1f} "
        f"requests a minute, {live['rate'] / live['samples']:.2f} B a sample of {live['samples']:,.0f} a second; "
        f"the uplink {memory:.1f} MB at most; {live['doubles']} doubles", flush=True)
    return unit.folder / "journal", narrow.folder / "journal", live


def drain(work: Path, pki, name: str, journal: Path, packed: bool = True, delay: float = 0) -> dict:
    """The whole journal to a service that has nothing of it. Bytes are those of its lanes, heads and bodies."""
    expected = samples(journal)
    with Records(pki) as service, Way(service.port, delay=delay) as way:
        unit = Unit(work / name, 1, url(way), pki, journal, packed)
        busy, start = Busy(), time.time()
        with unit.run("uplink") as uplink:
            wait(uplink, f"{name}: draining", 60 * MINUTES + 60, lambda: delivered(service.said()) >= expected)
            told, memory, cpu = service.said(), peak(uplink), uplink.cpu_seconds()
            share = busy.share()
            # What comes after all is there would be a double.
            time.sleep(1)
            told["doubles"] = service.said()["doubles"]
            uplink.stop()
        size, connections, others = way.bytes(), way.counts[2], service.cpu_seconds() + way.cpu_seconds()
    shutil.rmtree(unit.folder)
    if told["mixed"] or told["doubles"] or delivered(told) != expected:
        sys.exit(
            f"bench: {name}: {delivered(told)} of {expected} samples, {told['doubles']} doubles, "
            f"{told['mixed']} bundles of two lanes")
    seconds = told["last"] - start
    lanes = {lane: told["lanes"][lane]["bytes"] / told["lanes"][lane]["samples"] for lane in ("numerics", "waveforms")}
    speed, core = 60 * MINUTES / seconds, 60 * MINUTES / cpu
    print(
        f"   {name}: {expected:,} samples in {seconds:.1f} s, {speed:.1f} seconds of record a second, {core:.0f} a "
        f"second of a core (service and way: {others:.1f} s of one), all cores {share:.0%} busy; {memory:.1f} MB at "
        f"most; a numeric {lanes['numerics']:.2f} B, a waveform's sample {lanes['waveforms']:.2f} B; in all "
        f"{size / expected:.2f} B with TLS, {connections} connections", flush=True)
    return {"speed": speed, "core": core, "memory": memory, "all": size / expected, **lanes}


# Alarms beside a backlog.


def play(low, count: int) -> None:
    """Each bed in turn low for three seconds."""
    ends: list[tuple[float, int]] = []
    for number in range(count):
        low[number % BEDS] = 1
        ends.append((time.monotonic() + 3, number % BEDS))
        until = time.monotonic() + APART
        while time.monotonic() < until:
            if ends and ends[0][0] <= time.monotonic():
                low[ends.pop(0)[1]] = 0
            time.sleep(0.01)
    while ends:
        time.sleep(max(0, ends[0][0] - time.monotonic()))
        low[ends.pop(0)[1]] = 0


def started(journal: Path) -> list[dict]:
    told = subprocess.run(
        [NABD, "journal", "export", "--journal", journal, "--jsonl"], capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in told.stdout.splitlines() if '"alertStart"' in line]
    return [event for event in events if event.get("metric") == LIMITED]


def crawl(work: Path, pki, backlog: Path, is_said: bool) -> dict:
    """Alarms from the beds while the backlog goes over a narrow way. Unit: s.

    ``is_said``: the unit's file tells how narrow it is (``at-most``), so that bundles are small and leave pauses.
    """
    with Monitors(BEDS) as monitors, Records(pki) as service, Way(service.port, rate=NARROW) as way:
        unit = Unit(work / "alarms", monitors.port, url(way), pki, backlog, cap=", at-most: 64 kbit/s" * is_said)
        (unit.folder / "presets").mkdir()
        (unit.folder / "presets/bench.yaml").write_text(PRESET)
        unit.say("presets: presets", "beds:", *(
            f"  chair-{n}: {{name: Chair {n}, name-arabic: كرسي {n}, preset: bench, devices: [bed-{n}]}}"
            for n in range(1, BEDS + 1)))
        with unit.run("acquire") as host, unit.run("uplink") as uplink:
            wait(uplink, "the backlog to begin", 60, lambda: service.said()["lanes"]["numerics"]["requests"] > 0)
            before, sent, start = service.said(), way.bytes(), time.monotonic()
            play(monitors.low, ALARMS)
            crawled, seconds = way.bytes() - sent, time.monotonic() - start
            moved = delivered(service.said()) - delivered(before)
            with contextlib.suppress(SystemExit):
                wait(uplink, "the last alarm", 30, lambda: len(service.said()["alarms"]) >= ALARMS)
            told, memory = service.said(), peak(uplink)
            host.stop()
        journal = unit.folder / "journal"
        asked = len(started(journal))
    shutil.rmtree(unit.folder)
    late = sorted(now - datetime.datetime.fromisoformat(began).timestamp() for began, now in told["alarms"])
    if asked < ALARMS * 0.95 or len(late) != asked:
        sys.exit(f"bench: of {asked} alarms in the record {len(late)} arrived; {ALARMS} were played")
    if crawled / seconds < (0.4 if is_said else 0.8) * NARROW:
        sys.exit(f"bench: the backlog did not crawl beside the alarms: {crawled / seconds:.0f} B/s")
    figures = {"count": len(late), "p50": statistics.median(late), "p99": late[len(late) * 99 // 100],
               "longest": late[-1], "memory": memory}
    print(
        f"   {'at-most said: ' * is_said}{figures['count']} alarms beside a backlog at "
        f"{crawled / seconds * 8 / 1000:.0f} kbit/s in all, {moved:,} samples of it: p50 {figures['p50']:.2f} s, "
        f"p99 {figures['p99']:.2f} s, longest {figures['longest']:.2f} s; the uplink {memory:.1f} MB at most",
        flush=True)
    return figures


# What the uplink does to the process beside it.


def misbehave(unit: Unit, way: str, ending: threading.Event) -> None:
    """Kill it every two seconds and begin anew, or stop it for good, or let it deliver as fast as it can."""
    while not ending.is_set():
        with unit.run("uplink") as uplink:
            if way == "killed":
                ending.wait(2)
                continue
            if way == "stopped":
                ending.wait(2)
                uplink.process.send_signal(signal.SIGSTOP)
            ending.wait()


def lateness(work: Path, pki, backlog: Path, way: str) -> dict:
    """Of the line that asks each 20 ms, in a round of one such uplink with a backlog before it. Unit: µs."""
    with (
        Monitors(BEDS) as monitors, Server(work) as asked, Records(pki) as service, Way(service.port) as link,
    ):
        unit = Unit(work / "late", monitors.port, url(link), pki, backlog)
        profile = unit.folder / "profiles/bench/registers/profile.yaml"
        profile.parent.mkdir(parents=True)
        profile.write_text(peers.profile_text("{modbus: tcp, unit: 1}", 10, PERIOD))
        text = unit.path.read_text()
        entry = f'devices:\n  asked: {{profile: bench/registers, line: "tcp://127.0.0.1:{asked.port}"}}'
        unit.path.write_text(text.replace("devices:", entry, 1))
        ending = threading.Event()
        beside = threading.Thread(target=misbehave, args=(unit, way, ending))
        with unit.run("acquire") as host:
            wait(host, "a request", 30, lambda: asked.registers() > 0)
            time.sleep(WARM_UP)
            if way != "none":
                beside.start()
            time.sleep(COUNTED)
            told = service.said()
            ending.set()
            if way != "none":
                beside.join()
            summary = json.loads(host.stop().strip().splitlines()[-1])
    shutil.rmtree(unit.folder)
    if (told["first"] is None) != (way == "none"):
        sys.exit(f"bench: lateness, {way}: the service was asked: {told['first'] is not None}")
    (line,) = [one for one in summary["lines"] if one["line"].endswith(f":{asked.port}")]
    found = line["latenessMicroseconds"]
    print(
        f"   {way}: late p50 {found['p50']:.0f} µs, p99 {found['p99']:.0f} µs; {line['missedDeadlines']} deadlines "
        f"missed, {delivered(told):,} samples delivered beside it", flush=True)
    return {"p50": found["p50"], "p99": found["p99"]}


def disturbance(work: Path, pki, backlog: Path) -> list[dict]:
    found: dict[str, list[dict]] = {way: [] for way in WAYS}
    for number in range(ROUNDS):
        for way in WAYS if number % 2 else reversed(WAYS):
            found[way].append(lateness(work, pki, backlog, way))
    rows = []
    for way in WAYS[1:]:
        for share in ("p50", "p99"):
            ours, bare = (statistics.median(one[share] for one in found[side]) for side in (way, "none"))
            odd, even = (statistics.median(one[share] for one in found["none"][place::2] or found["none"])
                         for place in (0, 1))
            rows.append(row(
                f"lateness {share} of a line that asks, the uplink {way}", ours, bare, "µs", MARGIN, False,
                f"no uplink ({odd / even:.2f} beside itself)"))
    return rows


def uplink(work: Path) -> list[dict]:
    """Some 35 minutes with what is usual."""
    pki = make_pki(work / "pki")
    backlog, only_ecg, live = record(work, pki)
    packed, plain = (drain(work, pki, f"eight beds, {'gzip' if one else 'plain'}", backlog, one)
                     for one in (True, False))
    far = drain(work, pki, f"eight beds, gzip, {ROUND_TRIP} s of round trip", backlog, delay=ROUND_TRIP / 2)
    ecg_packed, ecg_plain = (drain(work, pki, f"numbers and ECG, {'gzip' if one else 'plain'}", only_ecg, one)
                             for one in (True, False))
    alarms, said = (crawl(work, pki, backlog, one) for one in (False, True))
    memory = max(live["memory"], alarms["memory"], said["memory"], *(one["memory"] for one in (packed, plain, far)))
    asked = "what is asked"
    return [
        row("bytes a numeric sample, gzip", ecg_packed["numerics"], NUMERIC_BYTES, "B", 1.0, False, asked),
        row("bytes a numeric sample, plain", ecg_plain["numerics"], ecg_packed["numerics"], "B", None, False, "gzip"),
        row("bytes a sample of a recorded ECG, gzip", ecg_packed["waveforms"], ECG_BYTES, "B", 1.0, False, asked),
        row("bytes a sample of a recorded ECG, plain", ecg_plain["waveforms"], ecg_packed["waveforms"], "B", None,
            False, "gzip"),
        row("eight beds as they come, gzip, with TLS", live["rate"], plain["all"] * live["samples"], "B/s", None, False,
            "plain, of a backlog"),
        row("requests of eight beds", live["requests"], BEDS, "/min", None, False, "one a bed"),
        row("catching up on loopback", packed["speed"], LOOPBACK, "s of record/s", 1.0, True, asked),
        row("the same by a second of a core", packed["core"], packed["speed"], "s of record/s", None, True,
            "the clock's"),
        row(f"catching up over {ROUND_TRIP} s of round trip", far["speed"], FAR, "s of record/s", 1.0, True, asked),
        row(f"alertStart to the service beside a backlog at 64 kbit/s, p99 of {alarms['count']}", alarms["p99"],
            ALARM_P99, "s", 1.0, False, asked),
        row("the same, p50", alarms["p50"], ALARM_P99, "s", None, False, "what is asked of the p99"),
        row("the same with at-most: 64 kbit/s, p99", said["p99"], ALARM_P99, "s", 1.0, False, asked),
        row("the same with at-most: 64 kbit/s, p50", said["p50"], alarms["p50"], "s", None, False, "without"),
        row("memory of the uplink at most, in all of these", memory, MEMORY, "MB", 1.0, False, asked),
        *disturbance(work, pki, backlog),
    ]
