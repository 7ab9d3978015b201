#!/usr/bin/env python3
"""What commands to pumps cost the other lines of a unit: how late their threads wake, with and without.

    .venv-hil/bin/python hil-tests/benches/neighbours.py [--rounds 3] [--seconds 120] [--json FILE]

The real host (NABD, or the debug build) with two Alaris GH on pseudo-terminals that are driven, and two neighbours that
are asked each 20 ms, a register device on TCP and a text pump on a pseudo-terminal. A round is the same unit twice, in
turn: once it is only read, once a pump is set each ten seconds, the two by turns, by two people who sign in, with all
that belongs to it. Lateness is what the host says of each line at its end, so the start counts; its buckets are 6.25 %
wide. Prints each round and the medians, with the load; exits with 1 where the p99 with commands is more than 1.10 of
that without.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.alaris_unit import line_of, said, site  # noqa: E402
from peers.clockwork import Clockwork  # noqa: E402
from peers.counting_pump import CountingPump  # noqa: E402
from peers.driven import AlarisGH  # noqa: E402
from peers.driving import SECRETS, PumpUnit  # noqa: E402
from peers.host import Host  # noqa: E402
from peers.links import PtyLink  # noqa: E402
from peers.registers import ModbusUnit, Registers  # noqa: E402
from peers.scenarios import TEST_PROFILES  # noqa: E402
from peers.tcp_modbus import TcpModbus  # noqa: E402
from peers.waiting import wait_until  # noqa: E402

EVERY, MARGIN = 10.0, 1.10
ASKED_EACH = "20ms"
NEIGHBOURS = ("registers", "text")


class Unit:
    """Two pumps that may be driven, and their neighbours, on a running host of their own."""

    def __init__(self, folder: Path) -> None:
        self.clockwork = Clockwork().start()
        self.pumps = [AlarisGH(self.clockwork, PtyLink(folder / f"pump-{n}"), serial=f"8003-0020{n}") for n in (0, 1)]
        for pump in self.pumps:
            pump.modes, pump.flow.rate = {True: "INFUSE", False: "STOP"}, Decimal("1")
        self.server = TcpModbus(self.clockwork, [ModbusUnit(1, Registers({3: range(2)}))])
        self.text = CountingPump(self.clockwork, PtyLink(folder / "text"), baud=115200)
        often = {"NABD_GNSS_FIX": ASKED_EACH, "NABD_GNSS_SATELLITES": ASKED_EACH}
        devices = {
            f"pump-{n}": {"profile": "alaris/asena-gh", "line": pump.link.path} for n, pump in enumerate(self.pumps)}
        devices |= {
            "registers": {"profile": "bench/tcp", "line": self.server.line, "override": {"every": often}},
            "text": {
                "profile": "bench/pump-one", "line": self.text.link.path,
                "override": {"every": {"MDC_FLOW_FLUID_PUMP_CURRENT": ASKED_EACH}},
            },
        }
        self.host = Host(folder / "unit")
        self.unit = PumpUnit(
            self.host, devices, {f"pump-{n}": site("rate") for n in (0, 1)}, None, None, None, "5s", [TEST_PROFILES])
        self.host.start()
        for metric in ("MDC_PUMP_MODE", "NABD_GNSS_FIX"):
            self.host.wait_for_sample(metric)
        wait_until(lambda: self.unit.ask("list").code == 0, 20, "an answer at the pumps' socket")

    def ask(self, verb: str, by: str, **members) -> dict:
        """One question over the socket, as `nabd pump` asks it."""
        return said(self.unit, line_of(verb, by={"id": by, "secret": SECRETS[by]}, **members))["command"]

    def command(self, number: int) -> None:
        """A rate, entered by two and carried out."""
        rate = f"{2 + number}.5"
        entry = {
            "device": f"pump-{number % 2}", "command": "rate",
            "entries": [{"name": "new-rate", "quantity": rate}],
        }
        drafted = self.ask("draft", "layla", **entry)["number"]
        assert self.ask("verify", "omar", number=drafted, **entry)["stage"] == "verified"
        self.ask("start", "omar", number=drafted)
        pump = self.pumps[number % 2]
        wait_until(lambda: float(pump.flow.rate) == float(rate), 5, f"{rate} mL/h at pump {number % 2}")

    def end(self) -> dict[str, dict]:
        """Lateness of each neighbour's line, from the summary. Unit: µs."""
        self.host.stop()
        lines = self.host.summary()["lines"]
        self.text.stop()
        self.server.refuse()
        for pump in self.pumps:
            pump.stop()
        self.clockwork.stop()
        places = {"registers": self.server.line, "text": self.text.link.path}
        return {
            name: next(one["latenessMicroseconds"] for one in lines if one["line"] == place)
            for name, place in places.items()
        }


def side(seconds: float, is_driven: bool) -> tuple[dict[str, dict], int]:
    """One host's life; gives the lateness of its neighbours, and how many commands were carried out."""
    with tempfile.TemporaryDirectory(prefix="neighbours-") as folder:
        unit, count = Unit(Path(folder)), 0
        try:
            begun = time.monotonic()
            for turn in range(round(seconds / EVERY)):
                if is_driven:
                    unit.command(count)
                    count += 1
                time.sleep(max(0.0, begun + (turn + 1) * EVERY - time.monotonic()))
            effects = sum(pump.effect_writes("INF_RATE") for pump in unit.pumps)
            assert effects == count, f"{effects} effects of {count} commands"
            return unit.end(), count
        finally:
            unit.host.kill()


def main() -> int:
    """Measure in turn, print, and say whether the neighbours noticed."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=120, help="how long each unit is measured")
    words.add_argument("--json", type=Path, help="write all figures here")
    chosen = words.parse_args()
    found: dict[bool, list[dict]] = {True: [], False: []}
    for number in range(chosen.rounds):
        for is_driven in (False, True) if number % 2 else (True, False):
            late, count = side(chosen.seconds, is_driven)
            found[is_driven].append(late)
            figures = ", ".join(f"{name} p50 {one['p50']:.0f} p99 {one['p99']:.0f} µs" for name, one in late.items())
            print(f"{count:3} commands: {figures}; load {os.getloadavg()[0]:.1f}", flush=True)
    missed = False
    for name in NEIGHBOURS:
        for share in ("p50", "p99"):
            driven, bare = (statistics.median(one[name][share] for one in found[side]) for side in (True, False))
            print(f"{name} {share}: {driven:.1f} µs with commands, {bare:.1f} without: {driven / bare:.2f}")
            missed |= share == "p99" and driven > MARGIN * bare
    if chosen.json:
        chosen.json.write_text(json.dumps([found[False], found[True]]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
