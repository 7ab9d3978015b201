"""The lines' threads: what they do once they run, and whether they keep their periods.

Counted in the host as it is run, by a library in front of libc (`peers/thread_counters.c`): after the warm-up a line's thread asks
nothing of the allocator and takes no lock. A lock that is taken without libc, as Swift's Mutex is, is seen only where it has to wait.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from types import SimpleNamespace

import pytest

from peers import journal
from peers.alaris import AlarisPump
from peers.clockwork import Clockwork, now
from peers.counting_pump import CountingPump
from peers.host import binary
from peers.links import PtyLink
from peers.modbus import ClimateSensor, VictronGX
from peers.nonin import NoninOximeter
from peers.real_time import cpu_times, may_use_fifo, pid_of, saturated, threads_of, told_at_start, urgent
from peers.registers import ModbusUnit, Registers
from peers.scenarios import TEST_PROFILES
from peers.tcp_modbus import TcpModbus
from peers.thread_counters import ThreadCounters
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("real-time")]

WARM_UP, COUNTED = 3, 11
STOPPED = 3
PERIOD = 0.1
# By kind of line: the device's handle and the samples that its line must at least have brought while it was counted.
KINDS = {"a byte stream": ("spo2", 600), "a text poll": ("pump", 20), "Modbus RTU": ("fridge", 60), "Modbus TCP": ("gx", 60)}

fifo_needed = pytest.mark.skipif(not may_use_fifo(), reason="this user may not use SCHED_FIFO")


# Nothing is allocated, nothing is locked.


@pytest.fixture(scope="module")
def counted(module_hosts, tmp_path_factory):
    """One run of a line of each kind, counted between the warm-up and the end."""
    folder = tmp_path_factory.mktemp("counted")
    counters = ThreadCounters(folder / "counters")
    oximeter, pump, fridge, gx = NoninOximeter(), AlarisPump(), ClimateSensor(unit=3), VictronGX()
    fast = {"MDC_TEMP": "200ms", "NABD_RELATIVE_HUMIDITY": "200ms"}
    host = module_hosts(folder / "unit").configure({
        "spo2": {"profile": "nonin/oem-iii-df2", "line": oximeter.line},
        "pump": {"profile": "alaris/asena-gh", "line": pump.line, "serial": pump.infusion.serial},
        "fridge": {"profile": "xy/md02", "line": fridge.line, "unit": 3, "override": {"every": fast}},
        "gx": {"profile": "victron/gx", "line": gx.line, "override": {"units": {"battery": 225}, "every": {"NABD_LATITUDE": "200ms"}}},
    })
    devices = [oximeter, pump, fridge, gx]
    for device in devices:
        device.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in counters.environment.items():
                patch.setenv(name, value)
            host.start()
        wait_until(lambda: told_at_start(host), 20, "the host to say that it runs")
        time.sleep(WARM_UP)
        before, began = threads_of(host), now()
        counters.begin()
        time.sleep(COUNTED)
        threads = {thread.name: thread for thread in counters.end()}
        after, ended = threads_of(host), now()
        host.stop()
    finally:
        host.kill()
        for device in devices:
            device.stop()
    return SimpleNamespace(counters=counters, threads=threads, before=before, after=after, began=began, ended=ended,
                           told=told_at_start(host), lines=host.export())


def during(lines: list[dict], began: float, ended: float) -> list[dict]:
    """What was journalled of a span of time. Unit: s of the monotonic clock."""
    return [line for line in lines if began <= line["monotonicNanoseconds"] / 1e9 <= ended]


def test_the_counters_count(counted):
    """The recorder's thread writes a database: if it seems to allocate nothing and lock nothing, nothing is counted at all."""
    assert counted.threads["journal"].counts["allocations"] > 0
    assert counted.threads["journal"].counts["locks"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_allocates_nothing_and_takes_no_lock(counted, kind):
    handle, at_least = KINDS[kind]
    points = journal.points(journal.samples(during(counted.lines, counted.began, counted.ended), handle))
    assert len(points) >= at_least, f"{handle}: {len(points)} valid samples: the line did not do its work while it was counted"
    thread = counted.threads[f"line {handle}"]
    assert not thread.any, f"after the warm-up, in {COUNTED} s:\n{counted.counters.explain(thread)}"


def test_a_line_waits_for_no_page(counted):
    if counted.told.get("memory") != "locked":
        pytest.skip(f"memory is not locked: {counted.told.get('memory', 'the host says nothing of it')}")
    names = [f"line {handle}" for handle, _ in KINDS.values()]
    faults = {name: counted.after[name].faults - counted.before[name].faults for name in names}
    assert not any(faults.values()), faults


# Periods are kept.


@pytest.fixture
def polled(host, tmp_path):
    """A host that polls a register line and a text line every 100 ms, and what it asked there; the devices have a real-time priority."""
    clockwork = Clockwork()
    server = TcpModbus(clockwork, [ModbusUnit(1, Registers({3: range(2)}))])
    pump = CountingPump(clockwork, PtyLink(tmp_path / "pump"), baud=115200)
    with urgent():
        clockwork.start()
    host.configure({
        "registers": {"profile": "bench/tcp", "line": server.line},
        "pump": {"profile": "bench/pump-one", "line": pump.link.path, "override": {"every": {"MDC_FLOW_FLUID_PUMP_CURRENT": "100ms"}}},
    }, profiles=[TEST_PROFILES]).start()
    asked = {"registers": lambda: server.asked, "pump": lambda: [asked for asked in pump.asked if b"INF|" in asked.raw]}
    try:
        wait_until(lambda: all(len(of()) >= 20 for of in asked.values()), 20, "twenty polls of each device")
        yield SimpleNamespace(host=host, asked=asked)
    finally:
        host.kill()
        pump.stop()
        server.refuse()
        clockwork.stop()


def requests(polled, device: str, began: float, ended: float) -> int:
    """How often a device was asked in a span of time."""
    return sum(began <= asked.at < ended for asked in polled.asked[device]())


def missed(lines: list[dict], device: str, began: float, ended: float) -> int:
    """The deadlines that the journal says were missed in a span of time; told at most once a second, so up to a second after it."""
    events = [event for event in journal.events(during(lines, began, ended + 1.5)) if event.get("device") == device]
    return sum(event["figure"] for event in events if event["event"] == "deadlinesMissed")


@fifo_needed
@pytest.mark.parametrize(("priority", "seconds"), [(0, 8), (10, 4)], ids=["ordinary load", "load that starves all that is ordinary"])
def test_periods_are_kept_on_a_saturated_machine(polled, priority, seconds):
    """Ordinary load delays an ordinary process by milliseconds; the other lets it run for a twentieth of a second in each second."""
    if priority and "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("this load starves the tests beside it: run it by itself, with -n 0")
    lines = {name: thread for name, thread in threads_of(polled.host).items() if name.startswith("line ")}
    assert {(thread.policy, thread.priority) for thread in lines.values()} == {(os.SCHED_FIFO, 40)} and len(lines) == 2
    with urgent(), saturated(priority):
        (idle, all_time), began = cpu_times(), now()
        time.sleep(seconds)
        (idle_after, all_time_after), ended = cpu_times(), now()
    time.sleep(1.5)
    polled.host.stop()
    assert idle_after - idle < 0.02 * (all_time_after - all_time), "the machine was not saturated: this proves nothing"
    exported = polled.host.export()
    due = int((ended - began) / PERIOD)
    for device in polled.asked:
        lost = missed(exported, device, began, ended)
        times = {line["monotonicNanoseconds"] for line in journal.samples(during(exported, began, ended), device) if line["validity"] == "valid"}
        seen = f"{device}: {due} polls due, {requests(polled, device, began, ended)} sent, {len(times)} answered, {lost} said to be missed"
        assert requests(polled, device, began, ended) >= due - lost - 1, seen
        assert len(times) >= due - lost - 2, seen
        assert lost <= due // 20, seen


@fifo_needed
def test_deadlines_missed_are_counted_and_not_made_up_for(polled):
    process = pid_of(polled.host)
    os.kill(process, signal.SIGSTOP)
    began = now()
    time.sleep(STOPPED)
    ended = now()
    os.kill(process, signal.SIGCONT)
    time.sleep(3)
    polled.host.stop()
    exported = polled.host.export()
    due = round(STOPPED / PERIOD)
    for device in polled.asked:
        assert requests(polled, device, began + 0.05, ended) == 0, f"{device}: it was not stopped"
        lost, after = missed(exported, device, began, ended), requests(polled, device, ended, ended + 1)
        assert due - 3 <= lost <= due + 2, f"{device}: {lost} deadlines are said to be missed, of {due}"
        assert 8 <= after <= 1 / PERIOD + 2, f"{device}: {after} requests in the second after it went on: {1 / PERIOD:g} are its pace"
    assert polled.host.summary()["missedDeadlines"] >= 2 * (due - 3)


# Without the rights.


@pytest.mark.parametrize(
    ("nice", "words"),
    [(40, "raised priority: SCHED_FIFO was refused"), (0, "ordinary priority: neither SCHED_FIFO nor a raised nice value")],
    ids=["may raise its nice value", "may not even that"],
)
def test_without_the_rights_the_host_says_so_and_samples(host, tmp_path, monkeypatch, nice, words):
    """A service without CAP_SYS_NICE, CAP_IPC_LOCK and their limits, as a unit file that forgets them makes it."""
    limits = f"--rtprio=0 --nice={nice} --memlock=65536"
    if subprocess.run(["prlimit", *limits.split(), "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not raise the limit on nice values")
    drop = "setpriv --bounding-set -sys_nice,-ipc_lock" if os.geteuid() == 0 else ""
    script = tmp_path / "nabd-without-rights"
    script.write_text(f'#!/bin/sh\nexec prlimit {limits} {drop} "{binary()}" "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    sensor = ClimateSensor(unit=3).start()
    try:
        host.configure({"fridge": {"profile": "xy/md02", "line": sensor.line, "unit": 3, "override": {"every": {"MDC_TEMP": "500ms"}}}})
        with monkeypatch.context() as patch:
            patch.setenv("NABD", str(script))
            host.start()
        host.wait_for_sample("MDC_TEMP")
        assert threads_of(host)["line fridge"].policy == os.SCHED_OTHER
        host.stop()
    finally:
        sensor.stop()
    told = told_at_start(host)
    assert words in told["scheduling"], host.log_tail()
    if "memory" in told:
        assert told["memory"] and told["memory"] != "locked", host.log_tail()
    summary = host.summary()
    assert words in summary.get("scheduling", ""), f"the summary does not say how its lines are scheduled: {sorted(summary)}"
