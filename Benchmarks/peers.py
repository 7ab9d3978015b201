"""The whole host beside a C loop and beside collectd, each as it would be run: what a register costs,
and what a dead neighbour costs.
"""

import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

from common import ROOT, free_port, measure, middle, row

NABD = Path(os.environ.get("NABD", ROOT / ".build/release/nabd"))
HOW_TO = "apt-get install --no-install-recommends collectd-core libmodbus5"


def collectd() -> str | None:
    """The collectd of this machine, where it has its modbus plugin."""
    program = shutil.which("collectd") or shutil.which("collectd", path="/usr/sbin:/usr/local/sbin")
    places = ("lib*/collectd/modbus.so", "lib/*/collectd/modbus.so", "local/lib/collectd/modbus.so")
    return program if any(list(Path("/usr").glob(place)) for place in places) else None


class Program:
    """A program that runs until it is told to end, with its output in a file."""

    def __init__(self, folder: Path, *command) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.out, self.log = Path(command[0]).name, folder / "stdout", folder / "log"
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=folder
            )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    def check(self) -> None:
        if self.process.poll() is not None:
            self.fail(f"ended by itself with {self.process.returncode}")

    def fail(self, what: str) -> None:
        sys.exit(
            f"bench: {self.name} {what}: "
            f"{(self.log.read_text(errors='replace') + self.out.read_text(errors='replace')).strip()[-500:]}"
        )

    def cpu_seconds(self) -> float:
        """User and system time of the whole process so far, as in /proc/PID/stat, but in nanoseconds:
        its CPU clock, read from outside.
        """
        self.check()
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def stop(self, patience: float = 30) -> str:
        """Ends it by SIGTERM; what it printed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end in {patience:g} s")
        return self.out.read_text(errors="replace")


# What a register costs.

DEVICES = 4
REGISTERS = 125
PERIOD = 0.01  # s; the shortest that a profile may ask for: 50,000 registers a second
# Where a register costs it least: a longer one adds idle time, a shorter one it does not keep. Unit: s.
COLLECTD_PERIOD = 0.02
ROUNDS = 3
WARM_UP, COUNTED = 2, 13  # s


class Server:
    """The served device; it counts for everybody."""

    def __init__(self, work: Path, addresses: int = 1) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [work / "modbus_serve", str(self.port), str(addresses)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def registers(self) -> int:
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["registers"]

    def __enter__(self) -> "Server":
        self.registers()
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()


def cost(program: Program, server: Server) -> tuple[float, float]:
    """CPU seconds per 100,000 registers, and registers a second, after a warm-up. Nothing is subtracted."""
    before = server.registers()
    end = time.monotonic() + 30
    while server.registers() == before:
        program.check()
        if time.monotonic() > end:
            program.fail("read nothing in 30 s")
        time.sleep(0.05)
    time.sleep(WARM_UP)
    start, cpu, registers = time.monotonic(), program.cpu_seconds(), server.registers()
    time.sleep(COUNTED)
    cpu, registers = program.cpu_seconds() - cpu, server.registers() - registers
    return cpu / registers * 100_000, registers / (time.monotonic() - start)


def unit_file(folder: Path, profile: str, devices: dict[str, str]) -> Path:
    """A unit with a profile of its own; the journal is beside it, committed as often as where nothing is said."""
    (folder / "profiles/bench/registers").mkdir(parents=True)
    (folder / "profiles/bench/registers/profile.yaml").write_text(profile)
    lines = [f"  {name}: {{profile: bench/registers, {rest}}}" for name, rest in devices.items()]
    path = folder / "unit.yaml"
    path.write_text(
        "\n".join([
            "nabd: unit/1", "unit: bench", "profiles: profiles", "journal: {directory: journal}", "devices:", *lines,
            "",
        ])
    )
    return path


def profile_text(line: str, registers: int, period: float) -> str:
    """Neighbouring registers, a metric each; the metrics share one code, each in a virtual device of its own,
    as a rack's channels would.
    """
    channels = "\n".join(f"  c{index}: {{label: channel}}" for index in range(registers))
    metrics = "\n".join(
        f"  - {{metric: MDC_TEMP, vmd: c{index}, from: {{holding: {index}, type: int16}}, scale: 0.1, unit: Cel, "
        f"every: {period * 1000:.0f}ms, absolute: [-400, 400]}}"
        for index in range(registers)
    )
    return (
        "nabd: profile/1\ndevice: {manufacturer: bench, model: registers, kind: bench}\n"
        f"provenance: [{{document: benchmark, seen: here}}]\nline: {line}\nvmds:\n{channels}\nmetrics:\n{metrics}\n"
    )


def our_cost(folder: Path, server: Server) -> tuple[float, float]:
    unit = unit_file(folder, profile_text("{modbus: tcp, unit: 1}", REGISTERS, PERIOD),
                     {f"device-{n}": f'line: "tcp://127.0.0.{n}:{server.port}"' for n in range(1, DEVICES + 1)})
    before = server.registers()
    with Program(folder, NABD, "run", "--config", unit, "--json") as program:
        result = cost(program, server)
        summary = json.loads(program.stop().strip().splitlines()[-1])
    read = server.registers() - before
    # A host that drops what it cannot keep would be cheap.
    if summary["samples"] < 0.99 * read:
        sys.exit(f"bench: of {read} registers the journal has {summary['samples']}")
    shutil.rmtree(folder)
    return result


def collectd_file(folder: Path, interval: float, registers: int, hosts: list[str]) -> Path:
    """Every register a value of its own, as its modbus plugin wants it, kept by the csv plugin."""
    data = "".join(
        f'  <Data "r{index}">\n    RegisterBase {index}\n    RegisterType Int16\n    Type temperature\n'
        f'    Instance "c{index}"\n'
        "    Scale 0.1\n  </Data>\n"
        for index in range(registers)
    )
    path = folder / "collectd.conf"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'Hostname "bench"\nFQDNLookup false\nBaseDir "{folder}"\nPIDFile "{folder}/pid"\nInterval {interval:g}\n'
        "LoadPlugin logfile\n<Plugin logfile>\n  LogLevel err\n  File STDERR\n</Plugin>\n"
        f'LoadPlugin csv\n<Plugin csv>\n  DataDir "{folder}/csv"\n</Plugin>\n'
        f"LoadPlugin modbus\n<Plugin modbus>\n{data}{''.join(hosts)}</Plugin>\n"
    )
    return path


def collectd_host(name: str, where: str, interval: float, units: dict[int, str], registers: int) -> str:
    collect = "".join(f'      Collect "r{index}"\n' for index in range(registers))
    slaves = "".join(
        f'    <Slave {unit}>\n      Instance "{label}"\n{collect}    </Slave>\n' for unit, label in units.items()
    )
    return f'  <Host "{name}">\n    {where}\n    Interval {interval:g}\n{slaves}  </Host>\n'


def collectd_cost(folder: Path, server: Server) -> tuple[float, float]:
    hosts = [
        collectd_host(
            f"device-{n}", f'Address "127.0.0.{n}"\n    Port "{server.port}"', COLLECTD_PERIOD, {1: "unit"}, REGISTERS
        )
        for n in range(1, DEVICES + 1)
    ]
    with Program(folder, collectd(), "-f", "-C", collectd_file(folder, COLLECTD_PERIOD, REGISTERS, hosts)) as program:
        result = cost(program, server)
    shutil.rmtree(folder)
    return result


def host(work: Path) -> list[dict]:
    priority = 40 if os.geteuid() == 0 else 0
    program = collectd()
    ours, paced, closed, theirs = [], [], [], []
    for _ in range(ROUNDS):
        with Server(work, DEVICES) as server:
            with Program(
                work / "paced", work / "modbus_paced", server.port, DEVICES, round(PERIOD * 1e6), priority
            ) as floor:
                paced.append(cost(floor, server))
            ours.append(our_cost(work / "host", server))
            if program:
                theirs.append(collectd_cost(work / "collectd", server))
            loop = measure(work / "modbus_poll", "127.0.0.1", server.port, 3)
            closed.append((loop["cpuSeconds"] / loop["registers"] * 100_000, loop["registers"] / 3))
    print(
        f"   whole processes, user and system time after {WARM_UP} s of warm-up, over {COUNTED} s; "
        "registers are counted by the device"
    )
    for name, costs in (("nabd", ours), ("C, paced", paced), ("C, closed loop", closed), ("collectd", theirs)):
        if costs:
            told = ", ".join(f"{cpu:.3f} at {rate:,.0f}/s" for cpu, rate in costs)
            print(f"   {name}: CPU-s per 100,000 registers {told}")
    name = "CPU-s per 100,000 registers, the whole host with its journal"
    peers = [
        (paced, 2.0, "C on libmodbus at the same pace, values scaled, not kept"),
        (closed, None, "C on libmodbus in a closed loop"),
    ]
    if program:
        peers.append((theirs, 0.1, "collectd, modbus and csv"))
    else:
        print(f"   there is no collectd with its modbus plugin here, so its row is left out; to have it: {HOW_TO}")
    rows = []
    for costs, target, peer in peers:
        mine, other = middle([(a[0], b[0]) for a, b in zip(ours, costs)])
        rows.append(row(name, mine, other, "CPU-s", target, False, peer))
    return rows


# What a dead neighbour costs.

BAUD = 19200
BUS_REGISTERS = 10
BUS_PERIOD, TIMEOUT = 0.1, 0.5  # s; the time-out is libmodbus's own, and so collectd's
LISTENED = 30  # s


def crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


class Bus:
    """A serial line with two units: 1 answers at the line's speed, whatever else is asked stays without an answer."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self.seen: list[tuple[float, int, int]] = []  # time, unit, registers
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def listen(self) -> None:
        pending = b""
        while not self.ending.is_set():
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            pending += os.read(self.master, 4096)
            while len(pending) >= 8:
                request = pending[:8]
                if crc16(request[:6]) != struct.unpack("<H", request[6:])[0]:
                    pending = pending[1:]
                    continue
                pending = pending[8:]
                self.answer(request)

    def answer(self, request: bytes) -> None:
        unit, function, _, count = struct.unpack(">BBHH", request[:6])
        self.seen.append((time.monotonic(), unit, count))
        if unit != 1:
            return
        body = bytes([unit, function, 2 * count]) + b"".join((200 + n).to_bytes(2, "big") for n in range(count))
        time.sleep((len(request) + len(body) + 2) * 10 / BAUD)
        os.write(self.master, body + struct.pack("<H", crc16(body)))

    def __enter__(self) -> "Bus":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ending.set()
        self.thread.join()
        os.close(self.slave)
        os.close(self.master)


def kept(program: Program, bus: Bus) -> tuple[float, float]:
    """The share of its polls that unit 1 gets, and the longest time in s without one, from the first request of all."""
    end = time.monotonic() + 30
    while not bus.seen:
        program.check()
        if time.monotonic() > end:
            program.fail("asked nothing in 30 s")
        time.sleep(0.01)
    start = bus.seen[0][0]
    end = start + LISTENED
    time.sleep(end - time.monotonic())
    program.check()
    seen = [entry for entry in bus.seen if entry[0] < end]
    times = [start] + [when for when, unit, _ in seen if unit == 1] + [end]
    gap = max(after - before for before, after in zip(times, times[1:]))
    registers = sum(count for _, unit, count in seen if unit == 1)
    share = registers / BUS_REGISTERS / (LISTENED / BUS_PERIOD)
    dead = sum(1 for _, unit, _ in seen if unit == 2)
    print(f"   {program.name}: {share:.3f} of the polls, longest gap {gap:.2f} s; the dead unit was asked {dead} times")
    return share, gap


def neighbour(work: Path) -> list[dict]:
    with Bus() as bus:
        folder = work / "neighbour"
        line = f"{{modbus: rtu, baud: {BAUD}, format: 8N1, unit: 1, slowest-reply: {TIMEOUT * 1000:.0f}ms}}"
        unit = unit_file(folder, profile_text(line, BUS_REGISTERS, BUS_PERIOD),
                         {"healthy": f"line: {bus.path}, unit: 1", "dead": f"line: {bus.path}, unit: 2"})
        with Program(folder, NABD, "run", "--config", unit) as host_program:
            share, gap = kept(host_program, bus)
    polls, blind = "polls a healthy device keeps beside a dead one", "longest time without, beside a dead one"
    rows = [row(polls, share, 1, "of its polls", 0.95, True, "all of them"),
            row(blind, gap * 1000, (2 * BUS_PERIOD + TIMEOUT) * 1000, "ms", 1.0, False, "two periods and a time-out")]
    program = collectd()
    if not program:
        print(f"   there is no collectd with its modbus plugin here, so its rows are left out; to have them: {HOW_TO}")
        return rows
    with Bus() as bus:
        folder = work / "neighbour-collectd"
        where = f'Device "{bus.path}"\n    Baudrate {BAUD}'
        hosts = [collectd_host("bus", where, BUS_PERIOD, {1: "healthy", 2: "dead"}, BUS_REGISTERS)]
        with Program(folder, program, "-f", "-C", collectd_file(folder, BUS_PERIOD, BUS_REGISTERS, hosts)) as peer:
            theirs = kept(peer, bus)
    return rows + [row(polls, share, theirs[0], "of its polls", None, True, "collectd"),
                   row(blind, gap * 1000, theirs[1] * 1000, "ms", None, False, "collectd")]
