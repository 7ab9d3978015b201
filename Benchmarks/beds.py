"""What a whole unit costs: the host's CPU and memory for 8, 16 and 32 beds,
each a monitor that speaks unasked on a line of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from common import free_port, measure, row
from load import Busy
from peers import NABD, Program

BEDS = (8, 16, 32)
# The journal looks every 15 s for a whole minute to pack: the first time it does is 75 s after its start,
# and that is to be within, away from the ends.
WARM_UP = 15  # s
COUNTED = max(2, int(os.environ.get("DURATION", "70")))  # s
PACKED = WARM_UP + COUNTED > 80
SAMPLES_A_SECOND = 887  # of a bed: three waveforms at 250 Hz, one at 125 Hz, twelve numerics at 1 Hz
TARGET_CPU, TARGET_MEMORY = 8, 64  # % of a core, MB; for eight beds
MB = 1e6

# Metric, samples in a frame of a waveform, scale, unit; in the order in which beds_serve.c sends them,
# whose values start near 1000.
WAVEFORMS = [("MDC_ECG_ELEC_POTL_I", 10, "0.001", "mV"), ("MDC_ECG_ELEC_POTL_II", 10, "0.001", "mV"),
             ("MDC_PULS_OXIM_PLETH", 10, "1", '"1"'), ("MDC_RESP", 5, "0.001", "Ohm")]
NUMERICS = [
    ("MDC_ECG_HEART_RATE", "0.1", "/min"), ("MDC_PULS_OXIM_SAT_O2", "0.05", '"%"'),
    ("MDC_PULS_OXIM_PULS_RATE", "0.1", "/min"), ("MDC_PULS_OXIM_PERF_REL", "0.01", '"%"'),
    ("MDC_RESP_RATE", "0.01", "/min"), ("MDC_AWAY_CO2_ET", "0.03", '"mm[Hg]"'),
    ("MDC_PRESS_BLD_ART_SYS", "0.1", '"mm[Hg]"'), ("MDC_PRESS_BLD_ART_DIA", "0.05", '"mm[Hg]"'),
    ("MDC_PRESS_BLD_ART_MEAN", "0.07", '"mm[Hg]"'), ("MDC_PRESS_BLD_VEN_CENT", "0.01", '"mm[Hg]"'),
    ("MDC_TEMP_CORE", "0.03", "Cel"), ("MDC_TEMP_SKIN", "0.03", "Cel"),
]


def profile_text(port: int, times: int = 1) -> str:
    """A monitor's frames as beds_serve.c makes them, so many times as fast: AA 55, bytes of data, kind, data, CRC."""
    fields, metrics, waveforms, place = [], [], [], 4
    for index, (metric, count, scale, unit) in enumerate(WAVEFORMS):
        fields.append(f"  w{index}: {{in: waves, byte: {place}, type: int16, count: {count}}}")
        waveforms.append(
            f"  - {{metric: {metric}, from: w{index}, scale: {scale}, unit: {unit}, period: {40 // count // times}ms, "
            f"absolute: {limits(scale)}}}"
        )
        place += 2 * count
    for index, (metric, scale, unit) in enumerate(NUMERICS):
        fields.append(f"  n{index}: {{in: numbers, byte: {4 + 2 * index}, type: int16}}")
        metrics.append(
            f"  - {{metric: {metric}, from: n{index}, scale: {scale}, unit: {unit}, every: {1000 // times}ms, "
            f"absolute: {limits(scale)}}}"
        )
    parts = [
        "nabd: profile/1", "device: {manufacturer: bench, model: bed, kind: bench}",
        "provenance: [{document: benchmark, seen: here}]", f"line: {{tcp: {port}}}", "frames:",
        "  frame: {start: [0xAA, 0x55], length: {byte: 2, type: uint8, adds: 6}, longest: 128, "
        "checksum: {crc16-ccitt-false: 2..}}",
        "messages:", f"  waves: {{when: {{byte: 3, is: 1}}, length: {place + 2}}}",
        f"  numbers: {{when: {{byte: 3, is: 2}}, length: {4 + 2 * len(NUMERICS) + 2}}}", "fields:", *fields, "metrics:",
        *metrics, "waveforms:", *waveforms, "",
    ]
    return "\n".join(parts)


def limits(scale: str) -> str:
    """Wide, but looked at for each value, as a monitor's are."""
    return f"[{-30000 * float(scale):g}, {30000 * float(scale):g}]"


def unit_file(folder: Path, port: int, beds: int, times: int = 1) -> Path:
    """A unit of so many beds; its journal is committed as often as where nothing is said."""
    profile = folder / "profiles/bench/bed/profile.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(profile_text(port, times))
    devices = [f'  bed-{n}: {{profile: bench/bed, line: "tcp://127.0.0.{n}:{port}"}}' for n in range(1, beds + 1)]
    path = folder / "unit.yaml"
    path.write_text(
        "\n".join([
            "nabd: unit/1", "unit: bench", "profiles: profiles", "journal: {directory: journal}", "devices:", *devices,
            "",
        ])
    )
    return path


class Beds:
    """The monitors; they count what they say."""

    def __init__(self, work: Path, beds: int, times: int = 1) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [work / "beds_serve", str(self.port), str(beds), str(times)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def said(self) -> dict:
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> dict:
        return json.loads(self.process.communicate()[0].splitlines()[-1])

    def __enter__(self) -> "Beds":
        self.said()
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()


def numbers(program: Program, file: str) -> dict[str, int]:
    """Of a file of ``name: number`` lines below /proc/PID: memory in kB, input and output in bytes.
    Empty where it may not be read.
    """
    try:
        lines = Path(f"/proc/{program.process.pid}/{file}").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines)
    return {name: int(value.split()[0]) for name, value in pairs if value.split() and value.split()[0].isdigit()}


def cost(work: Path, beds: int) -> dict:
    folder = work / f"beds-{beds}"
    with (
        Beds(work, beds) as monitors,
        Program(folder, NABD, "run", "--config", unit_file(folder, monitors.port, beds), "--json") as program,
    ):
        end = time.monotonic() + 30
        while monitors.said()["beds"] < beds:
            program.check()
            if time.monotonic() > end:
                program.fail(f"opened {monitors.said()['beds']} of {beds} lines in 30 s")
            time.sleep(0.05)
        time.sleep(WARM_UP)
        busy, start, cpu = Busy(), time.monotonic(), program.cpu_seconds()
        samples, written = monitors.said()["samples"], numbers(program, "io")
        time.sleep(COUNTED)
        cpu, seconds = program.cpu_seconds() - cpu, time.monotonic() - start
        samples, later = monitors.said()["samples"] - samples, numbers(program, "io")
        share, memory = busy.share(), numbers(program, "status")
        summary = json.loads(program.stop().strip().splitlines()[-1])
        said = monitors.end()
    if samples < 0.99 * SAMPLES_A_SECOND * beds * seconds:
        sys.exit(
            f"bench: {beds} beds said {samples} samples in {seconds:.1f} s, "
            f"fewer than {SAMPLES_A_SECOND} a second each: the machine is too busy"
        )
    if said["connections"] > beds:
        sys.exit(f"bench: the host opened the lines of {beds} beds {said['connections']} times")
    # A host that drops what it cannot keep would be cheap.
    if summary["samples"] < 0.99 * said["samples"]:
        sys.exit(f"bench: of {said['samples']} samples of {beds} beds the journal has {summary['samples']}")
    stored = measure(NABD, "journal", "stat", "--journal", folder / "journal", "--json")
    if stored["samples"] != summary["samples"]:
        sys.exit(
            f"bench: the host says that it recorded {summary['samples']} samples, its journal holds {stored['samples']}"
        )
    # Four commits a second are a chunk each until they are packed.
    if PACKED and stored["chunks"] > 2 * (WARM_UP + COUNTED):
        sys.exit(
            f"bench: the journal of {beds} beds still has {stored['chunks']} chunks: "
            "its packing is not within what was measured"
        )
    shutil.rmtree(folder)
    return {"cpu": cpu / seconds * 100, "peak": memory["VmHWM"] * 1024 / MB, "resident": memory["VmRSS"] * 1024 / MB,
            "memory": summary.get("memory") or "not locked", "threads": memory["Threads"], "rate": samples / seconds,
            "share": summary["samples"] / said["samples"], "gaps": summary["gaps"], "busy": share,
            "late": said["latestMilliseconds"], "fileBytes": stored["fileBytes"] / stored["samples"],
            "payloadBytes": stored["payloadBytes"] / stored["samples"],
            "written": (later["write_bytes"] - written["write_bytes"]) / samples if "write_bytes" in later else None}


def beds(work: Path) -> list[dict]:
    print(f"   the whole process, user and system time after {WARM_UP} s of warm-up, over {COUNTED} s, "
          f"{'with' if PACKED else 'without'} the journal's packing; samples are counted by the beds")
    costs = {}
    for number in BEDS:
        costs[number] = one = cost(work, number)
        wrote = "unknown" if one["written"] is None else f"{one['written']:.2f} B"
        print(
            f"   {number} beds, {one['rate']:,.0f} samples/s, {one['share']:.2%} recorded, "
            f"{one['gaps']} gaps: {one['cpu']:.2f} % of a core, {one['cpu'] / number:.3f} a bed; "
            f"{one['resident']:.1f} MB resident, {one['peak']:.1f} at most, memory {one['memory']}; "
            f"{one['threads']} threads"
        )
        print(
            f"      a sample: {one['fileBytes']:.2f} B of journal, {one['payloadBytes']:.2f} of them coded; "
            f"{wrote} written to the device; the beds at most {one['late']:.1f} ms late, "
            f"all cores {one['busy']:.0%} busy",
            flush=True,
        )
    few, many = BEDS[0], BEDS[-1]
    least, most = costs[few], costs[many]
    rows = [
        row(
            f"CPU of the whole host, {few} beds", least["cpu"], TARGET_CPU, "% of a core", 1.0, False,
            f"the target, {TARGET_CPU} %",
        ),
        row(
            f"memory resident at most, {few} beds", least["peak"], TARGET_MEMORY, "MB", 1.0, False,
            f"the target, {TARGET_MEMORY} MB",
        ),
        row(
            f"CPU a bed, {many} beds", most["cpu"] / many * 10, least["cpu"] / few * 10, "ms/s", 1.15, False,
            f"a bed of {few}",
        ),
    ]
    if least["written"] is not None:
        rows.append(
            row(
                f"bytes written to the device a sample, {few} beds, default commits", least["written"],
                least["fileBytes"], "B", None, False, "the journal's files in the end",
            )
        )
    return rows
