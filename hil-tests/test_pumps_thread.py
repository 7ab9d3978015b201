"""The line's thread while its pump is driven: looks, effects, readings back and stops ask nothing of the allocator and
take no lock, nor do the neighbours' lines. A setting of several registers is the exception, and allocates once. Counted
as in `test_real_time.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers.alaris_unit import site
from peers.clockwork import Clockwork
from peers.driven import AlarisGH, DulcoFlex, on_rtu
from peers.driven.dulco_flex import MANUAL
from peers.driving import PumpUnit
from peers.links import PtyLink
from peers.modbus import ClimateSensor
from peers.nonin import NoninOximeter
from peers.thread_counters import ThreadCounters
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(240), pytest.mark.xdist_group("real-time")]

# What is not driven, and what is.
NEIGHBOURS, DRIVEN = ("spo2", "fridge"), ("alaris", "dulco")


@pytest.fixture(scope="module")
def counted(module_hosts: Callable, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A unit of two pumps and two neighbours; each pump is set, started and stopped while it is counted."""
    folder: Path = tmp_path_factory.mktemp("driven")
    clockwork = Clockwork().start()
    alaris = AlarisGH(clockwork, PtyLink(folder / "alaris"))
    alaris.modes = {True: "INFUSE", False: "STOP"}
    dulco = DulcoFlex(clockwork, 20, "2023000107")
    dulco.state.mode = MANUAL
    line = on_rtu(clockwork, PtyLink(folder / "dulco"), dulco)
    oximeter, fridge = NoninOximeter().start(), ClimateSensor(unit=3).start()
    devices = {
        "alaris": {"profile": "alaris/asena-gh", "line": str(folder / "alaris"), "serial": "8003-00107"},
        "dulco": {
            "profile": "prominent/dulco-flex", "serial": "2023000107", "line": str(folder / "dulco"),
            "override": {"format": "8N1"},
        },
        "spo2": {"profile": "nonin/oem-iii-df2", "line": oximeter.line},
        "fridge": {"profile": "xy/md02", "line": fridge.line, "unit": 3},
    }
    unit = PumpUnit(
        module_hosts(folder / "unit"), devices,
        {"alaris": {**site("rate", "start"), "serial": "8003-00107"}, "dulco": site("rate", "start")})
    counters = ThreadCounters(folder / "counters")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in counters.environment.items():
            patch.setenv(name, value)
        unit.host.start()
    for metric in ("MDC_PUMP_MODE", "MDC_FLOW_FLUID_PUMP"):
        unit.host.wait_for_sample(metric)
    wait_until(unit.socket.exists, 10, "the people's socket")
    told = [driven(unit, name) for name in DRIVEN]  # the first of each, as a warm-up
    time.sleep(6)  # the least gap between two effects
    counters.begin()
    told += [driven(unit, name) for name in DRIVEN]
    threads = {thread.name: thread for thread in counters.end()}
    yield SimpleNamespace(counters=counters, threads=threads, told=told, pumps={"alaris": alaris, "dulco": dulco})
    unit.host.kill()
    line.stop()
    alaris.stop()
    for device in (oximeter, fridge):
        device.stop()
    clockwork.stop()


RATES = iter(["0.5", "0.75", "1", "0.25"])


def driven(unit: PumpUnit, device: str) -> list[str | bool | None]:
    """Set, started and stopped; what each came to."""
    set_to = unit.start(unit.ready(device, "rate", new_rate=next(RATES))).command.get("end")
    time.sleep(5.5)
    started = unit.start(unit.ready(device, "start")).command.get("end")
    return [set_to, started, unit.ask("stop", device, by=None).json.get("proven")]


def test_each_pump_was_set_started_and_stopped(counted):
    """Otherwise nothing below says anything."""
    assert counted.told == [["confirmed", "confirmed", True]] * 4, counted.told
    assert counted.threads["journal"].counts["allocations"] > 0


@pytest.mark.parametrize("handle", [*NEIGHBOURS, "alaris"])
def test_no_line_allocates_or_locks_while_pumps_are_driven(counted, handle):
    thread = counted.threads[f"line {handle}"]
    assert not thread.any, f"after the warm-up:\n{counted.counters.explain(thread)}"


def test_a_setting_of_several_registers_allocates_once(counted):
    """The words of the one write of function 16 while it was counted; neither its answer nor a look nor a stop does."""
    thread = counted.threads["line dulco"]
    assert thread.any == {"allocations": 1, "frees": 1}, f"after the warm-up:\n{counted.counters.explain(thread)}"
    (place,) = [one for one in thread.places if one["kind"] == "allocations"]
    assert "ModbusRequest.init" in counted.counters.explain(thread), place
