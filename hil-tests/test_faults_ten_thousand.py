"""Ten thousand polls of devices of which every fifth answer is late: no wrong value is ever valid.

RTU, text and TCP at once on one host, many lines of each, so that it takes half a minute. Beside it a plain client on
libmodbus reads the same kind of late device, and is counted: that is what the host's discipline is for.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peers import faults, truth
from peers.clockwork import Clockwork, now
from peers.links import PtyLink
from peers.registers import ModbusUnit, Registers
from peers.rtu_bus import RtuBus
from peers.scenarios import COUNTERS, TEST_PROFILES, PumpScenario, RtuScenario, Scenario, TcpScenario
from peers.truth import deadline

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("late")]

POLLS = 10_000
# So many of them at least of each kind.
EACH = 2_000
# A slow machine gets this long; the polls must be reached all the same. Unit: s.
LONGEST = 60
RTU_TIMEOUT, TEXT_TIMEOUT, TCP_TIMEOUT = deadline(0.02, 9, 115200), 0.1, deadline(0.02)
CLIENT_POLLS = 150
KINDS = ("rtu", "text", "one", "tcp")


def make_scenarios() -> dict[str, Scenario]:
    """Many lines: devices that queue what comes meanwhile and devices that drop it,
    with, without and refusing loopback.
    """
    made: dict[str, Scenario] = {}
    for number in range(12):
        made[f"rtu-{number}"] = RtuScenario(
            faults.late_by_chance(1000 + number, RTU_TIMEOUT), {"late"}, mate=False, profile="bench/fast", baud=115200,
            slowest=0.02, period=0.02, loopback=("answers", "refused", "silent")[number % 3],
            busy=("queue", "drop")[number % 2],
        )
    for number in range(14):
        made[f"text-{number}"] = PumpScenario(
            faults.late_by_chance(2000 + number, TEXT_TIMEOUT), {"late"}, profile="bench/pump-fast", baud=115200,
            period=0.02, busy=("queue", "drop")[number % 2],
        )
    for number in range(2):
        made[f"one-{number}"] = PumpScenario(
            faults.late_by_chance(3000 + number, TEXT_TIMEOUT), {"late"}, profile="bench/pump-one", baud=115200,
            period=0.02,
        )
    for number in range(8):
        made[f"tcp-{number}"] = TcpScenario(
            faults.late_by_chance(4000 + number, TCP_TIMEOUT), {"late"}, profile="bench/tcp-fast", slowest=0.02,
            period=0.02, busy=("queue", "drop")[number % 2],
        )
    return made


def polls(scenario: Scenario) -> int:
    """Requests for what the profile asks; what the host asks to be sure of its line does not count."""
    if isinstance(scenario, PumpScenario):
        return len(scenario.pump.requests)
    return sum(asked.shape == (3, 0, 2) for asked in scenario.asked())


def polls_of(scenarios: dict[str, Scenario], kind: str) -> int:
    """The polls of all lines of a kind."""
    return sum(polls(scenario) for name, scenario in scenarios.items() if name.startswith(f"{kind}-"))


def enough(scenarios: dict[str, Scenario]) -> bool:
    """Whether there were so many polls in all, and of each kind."""
    return (
        sum(map(polls, scenarios.values())) >= POLLS
        and all(polls_of(scenarios, kind) >= EACH for kind in ("rtu", "text", "tcp"))
    )


@dataclass
class PlainClient:
    """A client on libmodbus, its own late device, and what it took for values."""

    recovery: str
    unit: ModbusUnit
    bus: RtuBus
    process: subprocess.Popen

    def wrong(self) -> tuple[int, int]:
        """How many polls brought values that belong to another request, of how many that brought any."""
        output, _ = self.process.communicate(timeout=90)
        answered, wrong = 0, 0
        for line in output.splitlines():
            _, after, *values = line.split()
            if values == ["-"]:
                continue
            answered += 1
            given = [
                {
                    "device": "c", "metric": metric, "value": int(value), "validity": "valid",
                    "monotonicNanoseconds": int(after),
                }
                for metric, value in zip(COUNTERS, values)
            ]
            wrong += bool(truth.wrong_registers(given, "c", self.unit, COUNTERS, oldest=60))
        return wrong, answered


@dataclass
class Run:
    """What came of it."""

    scenarios: dict[str, Scenario]
    lines: list[dict]
    summary: dict
    seconds: float
    clients: dict[str, tuple[int, int]]


def start_clients(clockwork: Clockwork, directory: Path) -> list[PlainClient]:
    """A client for each way of recovery that libmodbus users choose; none where it cannot be compiled."""
    if shutil.which("cc") is None or subprocess.run(["pkg-config", "--exists", "libmodbus"]).returncode != 0:
        return []
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=True
    ).stdout.split()
    program = directory / "plain-client"
    source = Path(__file__).parent / "peers" / "plain_client.c"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-o", str(program), str(source), *flags], check=True, timeout=60)
    found = []
    for seed, recovery in enumerate(("none", "protocol"), start=5000):
        unit = ModbusUnit(1, Registers({3: range(2)}))
        unit.fault = faults.late_by_chance(seed, RTU_TIMEOUT)
        bus = RtuBus(clockwork, PtyLink(directory / f"client-{recovery}"), [unit], 115200)
        process = subprocess.Popen(
            [
                str(program), bus.link.device, "115200", "1", "0", "2", str(round(RTU_TIMEOUT * 1000)), "20",
                str(CLIENT_POLLS), recovery,
            ],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )
        found.append(PlainClient(recovery, unit, bus, process))
    return found


@pytest.fixture(scope="module")
def run(module_hosts, hardware, tmp_path_factory) -> Iterator[Run]:
    """All lines late from the start, until the polls are reached."""
    for carries in ("rtu", "ascii"):
        if (lacking := hardware.lacks(carries, {"late", "many-lines"})) is not None:
            pytest.skip(lacking)
    directory = tmp_path_factory.mktemp("ten-thousand")
    scenarios = make_scenarios()
    clockwork = Clockwork().start()
    host = module_hosts(directory / "unit")
    clients: list[PlainClient] = []
    try:
        for name, scenario in scenarios.items():
            scenario.open(name, hardware, clockwork, directory / "lines")
            scenario.begin()
        clients = start_clients(clockwork, directory)
        host.configure(
            {h: e for s in scenarios.values() for h, e in s.devices().items()}, profiles=[TEST_PROFILES]
        ).start()
        started = now()
        while not enough(scenarios) and now() < started + LONGEST:
            assert host.running, f"nabd ended by itself:\n{host.log_tail()}"
            time.sleep(0.5)
        seconds = now() - started
        host.stop()
        wrong = {client.recovery: client.wrong() for client in clients}
        yield Run(scenarios, host.export(), host.summary(), seconds, wrong)
    finally:
        host.kill()
        for client in clients:
            client.process.kill()
            client.process.wait(5)
            client.bus.stop()
        for scenario in scenarios.values():
            scenario.close()
        clockwork.stop()


def test_ten_thousand_polls_of_late_devices_bring_no_wrong_value(run, table):
    seen = []
    lies: list[str] = []
    poor: list[str] = []
    for kind in KINDS:
        chosen = {name: scenario for name, scenario in run.scenarios.items() if name.startswith(f"{kind}-")}
        valid = sum(len(truth.valid(run.lines, name)) for name in chosen)
        asked = sum(map(polls, chosen.values()))
        late = sum(
            any(sending.after > 0 for sending in one.said) for scenario in chosen.values() for one in scenario.asked()
        )
        found = [lie for scenario in chosen.values() for lie in scenario.lies(run.lines)]
        assert all(not scenario.effects() for scenario in chosen.values()), (
            f"{kind}: something else than reads was sent"
        )
        # Most answers are in time, and each brings two values or more:
        # a host that believes none would tell no lies either.
        if valid < asked / 2:
            poor.append(f"{kind}: {valid} valid values of {asked} polls")
        lies += found
        seen.append(f"{kind}: {asked} polls, {late} answers late, {valid} valid values, {len(found)} wrong")
    table.row(
        6, "ten thousand polls of late devices",
        f"every fifth answer 0.5 to 5 time-outs late, on {len(run.scenarios)} lines", "no wrong value is valid",
        f"{'; '.join(seen)}; {run.seconds:.0f} s",
    )
    assert not lies, f"{len(lies)} wrong values are valid, such as\n" + "\n".join(lies[:5])
    assert not poor, poor
    counts = {kind: polls_of(run.scenarios, kind) for kind in KINDS}
    assert enough(run.scenarios), f"only {sum(counts.values())} polls in {run.seconds:.0f} s: {counts}"


def test_late_replies_are_counted_and_called_late(run):
    assert "lines" in run.summary, f"the summary has no member “lines”: {sorted(run.summary)}"
    counted = {device["device"]: device for line in run.summary["lines"] for device in line["devices"]}
    for kind in ("rtu", "text", "tcp"):
        late = sum(counters["late"] for name, counters in counted.items() if name.startswith(f"{kind}-"))
        assert late >= 20, f"{kind}: {late} late replies were counted"
    contradicted = {name: counters["conflicts"] for name, counters in counted.items() if counters["conflicts"]}
    assert not contradicted, (
        f"late replies were taken for contradictions, which withholds values for 30 s: {contradicted}"
    )


def test_plain_client_takes_late_replies_for_answers(run, table):
    if not run.clients:
        pytest.skip("no C compiler, or no libmodbus to compile against")
    for recovery, (wrong, answered) in run.clients.items():
        table.row(
            None, f"the same with a plain libmodbus client, recovery {recovery.upper()}",
            f"{CLIENT_POLLS} polls of such a device, time-out {RTU_TIMEOUT * 1000:.0f} ms",
            "for comparison: nothing is required", f"{wrong} of {answered} answers were another request's",
        )
    assert run.clients["none"][0] > 0, "the device is not late enough to mislead anybody: the test above proves nothing"
