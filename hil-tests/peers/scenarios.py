"""Scenarios of the fault suite: a rig, a fault that begins and ends, and what the journal says of it afterwards.

Where the bench's lines can be had in any number all scenarios of a module run at once on one host, each on a line of
its own, so that a minute of waiting is waited once. On real ports each runs by itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import truth
from .clockwork import Clockwork, now
from .counting_pump import CountingPump
from .hardware import HardwareBench
from .host import Host
from .links import Link
from .manners import Manners
from .outcome import Outcome
from .registers import Asked, Fault, ModbusUnit, Registers, honest
from .rtu_bus import RtuBus
from .tcp_link import TcpLink
from .tcp_modbus import TcpModbus
from .truth import SLACK, Register, deadline

TEST_PROFILES = Path(__file__).resolve().parents[1] / "profiles"
COUNTERS = {"NABD_GNSS_FIX": Register(3, 0), "NABD_GNSS_SATELLITES": Register(3, 1)}


@dataclass(frozen=True)
class Timeline:
    """Seconds of health, of the fault, and of recovery."""

    before: float = 3
    fault: float = 8
    after: float = 12


class Scenario:
    """One rig and what is done to it.

    ``begins`` and ``lasts``: the fault's own start and length; ``always``: it is there from the start to the end.
    """

    carries = "rtu"
    # Whether the host cannot ask anything before the fault; the run does not wait for it then.
    starts_mute = False
    # How often the profile asks, and how long the device may take. Unit: s.
    period = 1.0
    slowest = 1.0
    # The healthy unit on the same line, if there is one.
    neighbour: ModbusUnit | None = None

    def __init__(
        self, fault: Fault = honest, needs: set[str] | None = None, begins: float | None = None,
        lasts: float | None = None, always: bool = False,
    ) -> None:
        self.fault = fault
        self.needs = needs or set()
        self.begins = begins
        self.lasts = lasts
        self.always = always
        self.name = ""

    def open(self, name: str, bench: HardwareBench, clockwork: Clockwork, directory: Path) -> None:
        """Make the rig and switch it on."""
        self.name = name
        self.clockwork = clockwork
        self.make(lambda title="", baud=38400: bench.link(self.carries, self.needs, directory, f"{name}{title}", baud))
        if self.always:
            self.begin()

    def make(self, link: Callable[..., Link]) -> None:
        """Make the rig; ``link`` gives a line, of a further name where there are several."""
        raise NotImplementedError

    def devices(self) -> dict[str, dict]:
        """The devices' entries in unit.yaml."""
        raise NotImplementedError

    def begin(self) -> None:
        """The fault begins."""

    def end(self) -> None:
        """The fault ends."""

    def asked(self) -> list[Asked]:
        """What the faulty device was asked."""
        raise NotImplementedError

    def lies(self, lines: list[dict]) -> list[str]:
        """Valid samples that are not true."""
        raise NotImplementedError

    def effects(self) -> list:
        """Whatever the host sent that is not a read."""
        raise NotImplementedError

    def close(self) -> None:
        """Switch it off."""


class RtuScenario(Scenario):
    """Unit 1, which has the fault, and unit 2 beside it on the bus,
    which has none and must not notice; or unit 1 alone.

    ``period`` and ``slowest`` are those of the profile.
    """

    def __init__(
        self, fault: Fault = honest, needs: set[str] | None = None, *, mate: bool = True,
        profile: str = "bench/registers", registers: Callable[[], Registers] | None = None,
        where: dict[str, Register] | None = None, baud: int = 38400, period: float = 0.2, slowest: float = 0.06,
        loopback: str = "answers", busy: str = "queue", override: dict | None = None, **rest,
    ) -> None:
        super().__init__(fault, needs, **rest)
        self.profile = profile
        self.where = COUNTERS if where is None else where
        self.baud = baud
        self.period = period
        self.slowest = slowest
        self.override = override
        self.unit = ModbusUnit(1, registers() if registers else Registers({3: range(2)}), loopback, busy)
        self.neighbour = ModbusUnit(2, Registers({3: range(2)}, first_tag=8)) if mate else None

    def make(self, link: Callable[..., Link]) -> None:
        units = [self.unit, self.neighbour]
        self.bus = RtuBus(self.clockwork, link(baud=self.baud), [unit for unit in units if unit is not None], self.baud)

    def devices(self) -> dict[str, dict]:
        own: dict = {"profile": self.profile, "line": self.bus.link.path, "unit": 1}
        if self.override:
            own["override"] = self.override
        found = {self.name: own}
        if self.neighbour is not None:
            found[f"{self.name}-mate"] = {"profile": "bench/registers", "line": self.bus.link.path, "unit": 2}
        return found

    def begin(self) -> None:
        self.unit.fault = self.fault

    def end(self) -> None:
        self.unit.fault = honest

    def asked(self) -> list[Asked]:
        return self.unit.asked

    def lies(self, lines: list[dict]) -> list[str]:
        oldest = deadline(self.slowest, baud=self.baud) + SLACK
        found = truth.wrong_registers(lines, self.name, self.unit, self.where, oldest) if self.where else []
        if self.neighbour is not None:
            found += truth.wrong_registers(lines, f"{self.name}-mate", self.neighbour, COUNTERS, deadline(0.06) + SLACK)
        return found

    def effects(self) -> list:
        return [*self.bus.writes, *self.bus.framer.strays]

    def close(self) -> None:
        self.bus.stop()


class TcpScenario(Scenario):
    """A Modbus TCP server with one unit. ``manners``: how it treats its connections."""

    carries = "tcp"

    def __init__(
        self, fault: Fault = honest, needs: set[str] | None = None, *, profile: str = "bench/tcp",
        registers: Callable[[], Registers] | None = None, where: dict[str, Register] | None = None, period: float = 0.1,
        slowest: float = 0.06, busy: str = "queue", manners: Manners = Manners(), **rest,
    ) -> None:
        super().__init__(fault, needs, **rest)
        self.profile = profile
        self.where = COUNTERS if where is None else where
        self.period = period
        self.slowest = slowest
        self.manners = manners
        self.unit = ModbusUnit(1, registers() if registers else Registers({3: range(2)}), busy=busy)

    def make(self, link: Callable[..., Link]) -> None:
        self.server = TcpModbus(self.clockwork, [self.unit], manners=self.manners)

    def devices(self) -> dict[str, dict]:
        return {self.name: {"profile": self.profile, "line": self.server.line}}

    def begin(self) -> None:
        self.unit.fault = self.fault

    def end(self) -> None:
        self.unit.fault = honest

    def asked(self) -> list[Asked]:
        return self.unit.asked

    def lies(self, lines: list[dict]) -> list[str]:
        return truth.wrong_registers(lines, self.name, self.unit, self.where, deadline(self.slowest) + SLACK)

    def effects(self) -> list:
        return [*self.server.writes, *self.server.strays]

    def close(self) -> None:
        self.server.stop()


class PumpScenario(Scenario):
    """A counting pump on a line of its own."""

    carries = "ascii"

    def __init__(
        self, fault: Fault = honest, needs: set[str] | None = None, *, profile: str = "bench/pump", period: float = 0.2,
        slowest: float = 0.1, baud: int = 38400, serial: str | None = None, busy: str = "queue", **rest,
    ) -> None:
        super().__init__(fault, needs, **rest)
        self.profile = profile
        self.period = period
        self.slowest = slowest
        self.baud = baud
        self.serial = serial
        self.busy = busy

    def make(self, link: Callable[..., Link]) -> None:
        self.pump = CountingPump(self.clockwork, link(baud=self.baud), baud=self.baud, busy=self.busy)

    def devices(self) -> dict[str, dict]:
        return {self.name: self.entry(self.pump)}

    def entry(self, pump: CountingPump) -> dict:
        """A pump's entry in unit.yaml."""
        return {"profile": self.profile, "line": pump.link.path, **({"serial": self.serial} if self.serial else {})}

    def begin(self) -> None:
        self.pump.fault = self.fault

    def end(self) -> None:
        self.pump.fault = honest

    def asked(self) -> list[Asked]:
        return self.pump.asked

    def lies(self, lines: list[dict]) -> list[str]:
        return truth.wrong_replies(lines, self.name, self.pump.asked, deadline(self.slowest, 90, self.baud) + SLACK)

    def effects(self) -> list:
        return [*self.pump.effects, *self.pump.strays]

    def close(self) -> None:
        self.pump.stop()


class TcpPumpScenario(PumpScenario):
    """A counting pump with a TCP port of its own. ``manners``: how it treats its connections."""

    carries = "tcp"

    def __init__(
        self, *arguments, manners: Manners = Manners(), profile: str = "bench/pump-tcp", period: float = 0.5, **rest
    ) -> None:
        super().__init__(*arguments, profile=profile, period=period, **rest)
        self.manners = manners

    def make(self, link: Callable[..., Link]) -> None:
        self.link = TcpLink(self.clockwork, self.manners)
        self.pump = CountingPump(self.clockwork, self.link, baud=self.baud, busy=self.busy)


class Runs:
    """Runs scenarios when the first test asks for one, and keeps what came of them."""

    def __init__(
        self, scenarios: dict[str, Scenario], timeline: Timeline, bench: HardwareBench, hosts: Callable[[Path], Host],
        directory: Path,
    ) -> None:
        self._scenarios = scenarios
        self._timeline = timeline
        self._bench = bench
        self._hosts = hosts
        self._directory = directory
        self._outcomes: dict[str, Outcome] = {}
        self._failures: dict[str, BaseException] = {}

    def of(self, name: str) -> Outcome:
        """What came of a scenario; a run that failed has failed for every test of it, and is not tried again."""
        if name not in self._outcomes and name not in self._failures:
            together = self._bench.together and not os.environ.get("NABD_ONE_BY_ONE")
            names = list(self._scenarios) if together else [name]
            try:
                self._run(names)
            except (AssertionError, RuntimeError, OSError) as error:
                self._failures |= dict.fromkeys(names, error)
        if name in self._failures:
            raise AssertionError(f"the run failed: {self._failures[name]}") from self._failures[name]
        return self._outcomes[name]

    def _run(self, names: list[str]) -> None:
        directory = self._directory / (names[0] if len(names) == 1 else "all")
        chosen = {name: self._scenarios[name] for name in names}
        clockwork = Clockwork().start()
        host = self._hosts(directory / "unit")
        opened = []
        try:
            for name, scenario in chosen.items():
                scenario.open(name, self._bench, clockwork, directory / "lines")
                opened.append(scenario)
            devices = {handle: entry for scenario in opened for handle, entry in scenario.devices().items()}
            launched = now()
            host.configure(devices, profiles=[TEST_PROFILES]).start()
            self._outcomes |= self._play(host, chosen, launched)
        finally:
            host.kill()
            for scenario in opened:
                scenario.close()
            clockwork.stop()

    def _play(self, host: Host, chosen: dict[str, Scenario], launched: float) -> dict[str, Outcome]:
        self._wait_for_life(host, chosen)
        started = now()
        clockwork = next(iter(chosen.values())).clockwork
        agenda: list[tuple[float, str, Callable[[], None]]] = []
        spans: dict[str, tuple[float, float]] = {}
        for name, scenario in chosen.items():
            if scenario.always:
                spans[name] = (started, started + self._timeline.before + self._timeline.fault + self._timeline.after)
                continue
            begins = scenario.begins or self._timeline.before
            agenda += [
                (begins, name, scenario.begin),
                (begins + (scenario.lasts or self._timeline.fault), name, scenario.end),
            ]
        for offset, name, action in sorted(agenda, key=lambda entry: entry[0]):
            self._sleep_until(started + offset, host)
            with clockwork.lock:
                # Before it: the host may notice within a moment.
                spans[name] = (spans[name][0], now()) if name in spans else (now(), 0.0)
                action()
        self._sleep_until(started + self._timeline.before + self._timeline.fault + self._timeline.after, host)
        stopped = now()
        host.stop()
        lines, summary, log = host.export(), host.summary(), host.log()
        return {
            name: Outcome(name, scenario, lines, summary, log, launched, started, *spans[name], stopped)
            for name, scenario in chosen.items()
        }

    def _wait_for_life(self, host: Host, chosen: dict[str, Scenario]) -> None:
        """Until the host asks; a device that has its fault from the start may never be asked."""
        limit = time.monotonic() + 20
        while not all(scenario.always or scenario.starts_mute or scenario.asked() for scenario in chosen.values()):
            assert host.running, f"nabd ended by itself:\n{host.log_tail()}"
            silent = [name for name, scenario in chosen.items() if not scenario.asked()]
            assert time.monotonic() < limit, f"after 20 s these are still not asked: {silent}\n{host.log_tail()}"
            time.sleep(0.05)

    @staticmethod
    def _sleep_until(moment: float, host: Host) -> None:
        while (rest := moment - now()) > 0:
            assert host.running, f"nabd ended by itself:\n{host.log_tail()}"
            time.sleep(min(rest, 0.2))
