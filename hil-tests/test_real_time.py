"""The lines' threads: what they do once they run, and whether they keep their periods.

Counted in the host as it is run, by a library in front of libc (`peers/thread_counters.c`): after the warm-up a
line's thread asks nothing of the allocator and takes no lock. A lock that is taken without libc, as Swift's Mutex
is, is seen only where it has to wait.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers import journal
from peers.alaris import AlarisPump
from peers.clockwork import Clockwork, now
from peers.counting_pump import CountingPump
from peers.host import PROFILES, Host, binary
from peers.links import PtyLink
from peers.modbus import ClimateSensor, VictronGX
from peers.nonin import NoninOximeter
from peers.player import played
from peers.real_time import cpu_times, may_use_fifo, pid_of, saturated, threads_of, told_at_start, urgent
from peers.registers import ModbusUnit, Registers
from peers.scenarios import TEST_PROFILES
from peers.tcp_modbus import TcpModbus
from peers.thread_counters import ThreadCounters
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("real-time")]

STOPPED = 3
PERIOD = 0.1
# By kind of line: the device's handle, and the lines of samples that it must at least have brought
# into the journal while it was counted.
KINDS = {
    "a byte stream": ("spo2", 60), "a text poll": ("pump", 20), "Modbus RTU": ("fridge", 45), "Modbus TCP": ("gx", 45),
}
PROFILE_NAMES = sorted(str(path.parent.relative_to(PROFILES)) for path in PROFILES.glob("*/*/profile.yaml"))
OVER_TCP = {"bbraun/space", "hl7/oru-mllp", "sunspec/meter-203", "sunspec/meter-203-pad", "victron/gx"}
# Analysers and a meter, which send their results now and then.
EPISODIC = {"astm/lis2-a2", "hl7/oru-mllp", "lifescan/onetouch-ultra2"}

# Those of which an answer or a question holds the time or a running number: such a saying is made anew each time, and
# that allocates.
SAYS_ANEW = {"hl7/oru-mllp", "philips/intellivue"}

fifo_needed = pytest.mark.skipif(not may_use_fifo(), reason="this user may not use SCHED_FIFO")


# Nothing is allocated, nothing is locked.


def count(host: Host, folder: Path, devices: dict[str, dict], warm_up: float, seconds: float) -> SimpleNamespace:
    """Runs a host of these devices, which play already, and counts between the warm-up and the end."""
    counters = ThreadCounters(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in counters.environment.items():
            patch.setenv(name, value)
        host.configure(devices).start()
    wait_until(lambda: told_at_start(host), 20, "the host to say that it runs")
    time.sleep(warm_up)
    before, began = threads_of(host), now()
    counters.begin()
    time.sleep(seconds)
    threads = {thread.name: thread for thread in counters.end()}
    after, ended = threads_of(host), now()
    host.stop()
    return SimpleNamespace(counters=counters, threads=threads, before=before, after=after, told=told_at_start(host),
                           lines=during(host.export(), began, ended))


@pytest.fixture(scope="module")
def counted(module_hosts, tmp_path_factory):
    """A line of each kind, whose devices are others' work, and a line of each profile,
    whose devices are played from them.
    """
    folder = tmp_path_factory.mktemp("counted")
    oximeter, pump, fridge, gx = others = NoninOximeter(), AlarisPump(), ClimateSensor(unit=3), VictronGX()
    fast = {"MDC_TEMP": "200ms", "NABD_RELATIVE_HUMIDITY": "200ms"}
    devices = {
        "spo2": {"profile": "nonin/oem-iii-df2", "line": oximeter.line},
        "pump": {"profile": "alaris/asena-gh", "line": pump.line, "serial": pump.infusion.serial},
        "fridge": {"profile": "xy/md02", "line": fridge.line, "unit": 3, "override": {"every": fast}},
        "gx": {
            "profile": "victron/gx", "line": gx.line,
            "override": {"units": {"battery": 225}, "every": {"NABD_LATITUDE": "200ms"}},
        },
    }
    with ExitStack() as players:
        for device in others:
            device.start()
            players.callback(device.stop)
        lines = {
            profile: f"tcp://127.0.0.1:{free_port()}" if profile in OVER_TCP else "pty" for profile in PROFILE_NAMES
        }
        found = {profile: players.enter_context(played(profile, line=line)) for profile, line in lines.items()}
        devices |= {
            f"d{number}": {"profile": profile, "line": lines[profile] if profile in OVER_TCP else found[profile]}
            for number, profile in enumerate(PROFILE_NAMES)
        }
        return count(module_hosts(folder / "unit"), folder / "counters", devices, warm_up=12, seconds=20)


def during(lines: list[dict], began: float, ended: float) -> list[dict]:
    """What was journalled of a span of time. Unit: s of the monotonic clock."""
    return [line for line in lines if began <= line["monotonicNanoseconds"] / 1e9 <= ended]


def test_the_counters_count(counted):
    """The recorder's thread writes a database: if it seems to allocate nothing and lock nothing,
    nothing is counted at all.
    """
    assert counted.threads["journal"].counts["allocations"] > 0
    assert counted.threads["journal"].counts["locks"] > 0


def assert_does_nothing_else(counted: SimpleNamespace, handle: str, at_least: int) -> None:
    """The line brought values while it was counted, and that was all."""
    points = [line for line in journal.samples(counted.lines, handle) if line["validity"] == "valid"]
    assert len(points) >= at_least, (
        f"{handle}: {len(points)} valid samples: the line did not do its work while it was counted"
    )
    thread = counted.threads[f"line {handle}"]
    assert not thread.any, f"after the warm-up:\n{counted.counters.explain(thread)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_allocates_nothing_and_takes_no_lock(counted, kind):
    assert_does_nothing_else(counted, *KINDS[kind])


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_no_profile_makes_its_line_allocate_or_lock(counted, profile):
    if profile in SAYS_ANEW:
        pytest.skip("what it is told is another each time, and is made anew")
    assert_does_nothing_else(counted, f"d{PROFILE_NAMES.index(profile)}", at_least=0 if profile in EPISODIC else 1)


def test_a_line_waits_for_no_page(counted):
    """Tracing a counted call touches pages of its own: this can only hold where nothing was counted."""
    if counted.told.get("memory") != "locked":
        pytest.skip(f"memory is not locked: {counted.told.get('memory', 'the host says nothing of it')}")
    names = [f"line {handle}" for handle, _ in KINDS.values()]
    faults = {name: counted.after[name].faults - counted.before[name].faults for name in names}
    assert not any(faults.values()), faults


# Periods are kept.


@pytest.fixture
def polled(host, tmp_path):
    """A host that polls a register line and a text line every 100 ms, and what it asked there;
    the devices have a real-time priority.
    """
    clockwork = Clockwork()
    server = TcpModbus(clockwork, [ModbusUnit(1, Registers({3: range(2)}))])
    pump = CountingPump(clockwork, PtyLink(tmp_path / "pump"), baud=115200)
    with urgent():
        clockwork.start()
    host.configure(
        {
            "registers": {"profile": "bench/tcp", "line": server.line},
            "pump": {
                "profile": "bench/pump-one", "line": pump.link.path,
                "override": {"every": {"MDC_FLOW_FLUID_PUMP_CURRENT": "100ms"}},
            },
        },
        profiles=[TEST_PROFILES],
    ).start()
    asked = {"registers": lambda: server.asked, "pump": lambda: [asked for asked in pump.asked if b"INF|" in asked.raw]}
    try:
        wait_until(lambda: all(len(of()) >= 20 for of in asked.values()), 20, "twenty polls of each device")
        yield SimpleNamespace(host=host, asked=asked)
    finally:
        host.kill()
        pump.stop()
        server.refuse()
        clockwork.stop()


def load(host, priority: int, seconds: float) -> tuple[float, float]:
    """Saturates the machine for a while; from when until when."""
    lines = {name: thread for name, thread in threads_of(host).items() if name.startswith("line ")}
    assert {(thread.policy, thread.priority) for thread in lines.values()} == {(os.SCHED_FIFO, 40)} and len(lines) == 2
    with urgent(), saturated(priority):
        (idle, all_time), began = cpu_times(), now()
        time.sleep(seconds)
        (idle_after, all_time_after), ended = cpu_times(), now()
    assert idle_after - idle < 0.1 * (all_time_after - all_time), "the machine was not saturated: this proves nothing"
    return began, ended


def requests(polled, device: str, began: float, ended: float) -> int:
    """How often a device was asked in a span of time."""
    return sum(began <= asked.at < ended for asked in polled.asked[device]())


def missed(lines: list[dict], device: str, began: float, ended: float) -> int:
    """The deadlines that the journal says were missed in a span of time; told at most once a second,
    so up to a second after it.
    """
    events = [event for event in journal.events(during(lines, began, ended + 1.5)) if event.get("device") == device]
    return sum(event["figure"] for event in events if event["event"] == "deadlinesMissed")


@fifo_needed
def test_periods_are_kept_on_a_saturated_machine(polled):
    began, ended = load(polled.host, priority=0, seconds=8)
    time.sleep(1.5)
    polled.host.stop()
    exported = polled.host.export()
    due = int((ended - began) / PERIOD)
    for device in polled.asked:
        lost, sent = missed(exported, device, began, ended), requests(polled, device, began, ended)
        times = {
            line["monotonicNanoseconds"]
            for line in journal.samples(during(exported, began, ended), device)
            if line["validity"] == "valid"
        }
        seen = f"{device}: {due} polls due, {sent} sent, {len(times)} answered, {lost} said to be missed"
        assert sent >= due - lost - 1 and len(times) >= due - lost - 2 and lost <= due // 20, seen


@fifo_needed
@pytest.mark.skipif(
    "PYTEST_XDIST_WORKER" in os.environ, reason="its load starves the tests beside it: run it by itself, with -n 0"
)
def test_lines_wake_up_in_time_where_all_that_is_ordinary_starves(polled):
    """Under this load an ordinary process runs for a twentieth of each second, with a p99 of 0.9 s. The kernel takes
    that twentieth from everybody, so that a line may wake up 50 ms late, and never a period.

    Only the wake-ups are looked at: the kernel's threads that carry the bytes of ptys and
    sockets are ordinary, and starve too.
    """
    load(polled.host, priority=10, seconds=4)
    time.sleep(1.5)
    polled.host.stop()
    lateness = polled.host.summary()["latenessMicroseconds"]
    assert lateness["p99"] < PERIOD * 1e6, lateness


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
        assert 8 <= after <= 1 / PERIOD + 2, (
            f"{device}: {after} requests in the second after it went on: {1 / PERIOD:g} are its pace"
        )
    assert polled.host.summary()["missedDeadlines"] >= 2 * (due - 3)


# Without the rights.


@pytest.mark.parametrize(
    ("nice", "words"),
    [
        (40, "raised priority: SCHED_FIFO was refused"),
        (0, "ordinary priority: neither SCHED_FIFO nor a raised nice value"),
    ],
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
        host.configure({
            "fridge": {
                "profile": "xy/md02", "line": sensor.line, "unit": 3, "override": {"every": {"MDC_TEMP": "500ms"}},
            }
        })
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
        assert told["memory"].startswith("not locked"), host.log_tail()
    summary = host.summary()
    assert words in summary.get("scheduling", ""), (
        f"the summary does not say how its lines are scheduled: {sorted(summary)}"
    )
    assert summary.get("memory") == told.get("memory")
