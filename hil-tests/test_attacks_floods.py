"""What one device on the network may cost the others: attacks on the host from its own lines, each by its name in
docs/security/threat-model.md.

Beside each attacker a healthy oximeter brings a value a second, a pump on a line of its own is asked once a second, and
both raise an alarm in the middle of it all; the journal has the least limit it can have.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers import journal
from peers.host import Host, binary
from peers.oximeter import Oximeter, line
from peers.pump import Pump
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]

LASTS = 25.0
MOST_MEMORY = 42 << 20
# Beside the events at once one a second is told of alarms, and one of everything else.
MOST_EVENTS = 2 * 60 + 2 * LASTS + 20

FLOODS = {
    "alert": lambda number: line(alarm=0x0010 if number % 2 else 0x0012),
    "alerts": lambda number: line(alarm=(number * 7) & 0x7F),
    "serial-numbers": lambda number: line(serial=f"{number:010d}"),
    "samples": lambda number: line(spo2=90 + number % 10),
    "garbage": lambda number: b"\x00\xff SN= \r\n\r\r\n" * 20,
}


def resident(host: Host) -> int:
    """The most memory the host has had of its own, without what the program's file takes: that of a debug build is
    large, and no flood makes it larger. Unit: bytes.
    """
    told = dict(entry.split(":", 1) for entry in Path(f"/proc/{host.pid}/status").read_text().splitlines())
    assert {"VmHWM", "RssFile"} <= told.keys(), "the host's memory is not told"
    return (int(told["VmHWM"].split()[0]) - int(told["RssFile"].split()[0])) * 1024


@pytest.fixture
def pump() -> Iterator[Pump]:
    made = Pump()
    yield made
    made.stop()


@pytest.fixture
def oximeters() -> Iterator[list[Oximeter]]:
    made: list[Oximeter] = []
    yield made
    for oximeter in made:
        oximeter.stop()


# What each of the others raises, in the words of a follower.
ALARMS = {"well": "NABD_SPO2_LOW", "pump": "MDC_EVT_PUMP_GENERAL_ALARM"}


def alarms_seen(host: Host, say: Callable[[], None]) -> dict[str, float]:
    """When a follower of the journal saw each of the others' alarms, which ``say`` has them raise in a while.
    Unit: s of the monotonic clock.
    """
    seen: dict[str, float] = {}
    follower = subprocess.Popen(
        [str(binary()), "journal", "tail", "--follow", "--commits", "1", "--journal", str(host.journal)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(LASTS, follower.kill)
    saying = threading.Timer(LASTS / 2, say)
    watchdog.start()
    saying.start()
    try:
        assert follower.stdout is not None
        for entry in follower.stdout:
            for device, alert in ALARMS.items():
                if device not in seen and all(word in entry for word in ('"alertStart"', f'"{device}"', alert)):
                    seen[device] = time.monotonic()
            if len(seen) == len(ALARMS):
                return seen
    finally:
        watchdog.cancel()
        saying.cancel()
        follower.kill()
        follower.wait(10)
    raise AssertionError(f"within {LASTS:g} s only the alarms of {sorted(seen)} were in the journal")


@pytest.mark.parametrize("kind", FLOODS)
def test_a1_b3_a_device_that_floods_costs_itself(kind, host, oximeters, pump, table):
    due = threading.Event()
    said: list[float] = []

    def healthy(number: int) -> bytes:
        if due.is_set():
            said.append(time.monotonic())
            return line(spo2=84, alarm=0x0012)
        return line()

    def alarm() -> None:
        pump.alarm = "AL_OCCLUSION"
        due.set()

    flood, well = Oximeter(FLOODS[kind], period=0), Oximeter(healthy)
    oximeters += [flood, well]
    host.configure({
        "flood": {"profile": "masimo/rad-8", "line": flood.line, "serial": "0000056661"},
        "well": {"profile": "masimo/rad-8", "line": well.line},
        "pump": {"profile": "alaris/asena-gh", "line": pump.line},
    }, limit="4MiB").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    host.wait_for_sample("MDC_FLOW_FLUID_PUMP_CURRENT")
    began = time.monotonic()
    seen = alarms_seen(host, alarm)
    time.sleep(max(0.0, began + LASTS - time.monotonic()))
    memory = resident(host)
    stopping = time.monotonic()
    host.stop(timeout=10)
    took = time.monotonic() - stopping

    lines = host.export()
    assert flood.sent > 20_000 or kind == "garbage", f"the attacker sent only {flood.sent} lines: no flood"
    assert memory <= MOST_MEMORY, f"{memory / 2**20:.0f} MiB"
    assert pump.alarmed is not None
    late = {"well": seen["well"] - said[0], "pump": seen["pump"] - pump.alarmed}
    assert max(late.values()) <= 1.0, f"the others' alarms were in the journal only after {late}"
    for device, metric in (("well", "MDC_PULS_OXIM_SAT_O2"), ("pump", "MDC_FLOW_FLUID_PUMP_CURRENT")):
        values = journal.samples(lines, device=device, metric=metric)
        valid = [value for value in values if value["validity"] == "valid"]
        assert len(valid) >= 0.99 * (LASTS - 1), f"{len(valid)} values of {device} in {LASTS:g} s"
    events = journal.events(lines)
    lost = [event for event in events if event["event"] in ("journalPruned", "samplesShed")]
    assert not lost, f"something of the journal went: {lost}"
    assert ALARMS.keys() <= {event.get("device") for event in events if event["event"] == "deviceConnected"}
    told = [event for event in events if event.get("device") == "flood"]
    assert len(told) <= MOST_EVENTS, f"{len(told)} events of the attacker"
    about = [entry for entry in host.log().splitlines() if "device=flood" in entry]
    assert len(about) <= 30, f"{len(about)} lines of log about the attacker"
    if kind in ("alert", "alerts"):
        holding = check_alternation(told)
        host.start()
        wait_until(lambda: len(taken_over(host)) >= len(holding), 20, "the next session", every=0.3)
        assert taken_over(host) == set(holding.values()), "what holds goes on, and nothing else"
        assert any(event.get("repeated", 0) > 100 for event in told), "nothing was put together"
    if kind != "garbage":
        assert any(event.get("alert") == "NABD_DEVICE_FLOODING" for event in told), "nobody says that it floods"
    table.row(49 if kind in ("garbage", "samples") else 67, f"device that floods ({kind})",
              f"{flood.sent} lines in {LASTS:g} s, beside an oximeter and a pump",
              "others' alarms within 1 s, 42 MiB of its own, stop within 10 s, nothing pruned of 4 MiB",
              f"{memory / 2**20:.0f} MiB, {len(told)} events, {len(about)} lines of log, the others' alarms after "
              f"{late['well']:.2f} s and {late['pump']:.2f} s, stop {took:.1f} s")


def taken_over(host) -> set[str]:
    """The alerts of the attacker that the next session begins with."""
    return {
        event["instance"] for event in journal.events(host.export())
        if event["event"] == "alertUpdate" and event["change"] == "unconfirmed" and event.get("device") == "flood"
    }


def check_alternation(events: list[dict]) -> dict[str, str]:
    """Of each alert begin and end take turns, and the end says the same instance; returns those that hold."""
    holding: dict[str, str] = {}
    for event in events:
        if event["event"] == "alertStart":
            assert event["alert"] not in holding, f"{event['alert']} began twice"
            holding[event["alert"]] = event["instance"]
        elif event["event"] == "alertEnd":
            assert holding.pop(event["alert"], None) == event["instance"], f"{event} ends what did not begin"
    return holding


@pytest.mark.parametrize("kind", ["samples", "alert"])
def test_a1_b3_a_flood_on_its_way_to_the_service_keeps_to_the_memory(kind, host, oximeters, records, pki):
    """The uplink delivers meanwhile, from the same process."""
    records.start()
    flood, well = Oximeter(FLOODS[kind], period=0), Oximeter(lambda _: line())
    oximeters += [flood, well]
    devices = {
        "flood": {"profile": "masimo/rad-8", "line": flood.line, "serial": "0000056661"},
        "well": {"profile": "masimo/rad-8", "line": well.line},
    }
    host.configure(devices, records.base_url, pki.authority.certificate, pki.client, "5s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(LASTS)
    memory = resident(host)
    host.stop(timeout=10)
    assert flood.sent > 20_000, f"the attacker sent only {flood.sent} lines: no flood"
    assert records.count("Observation") > 50, "nothing was delivered meanwhile"
    assert memory <= MOST_MEMORY, f"{memory / 2**20:.0f} MiB"
    print(f"{kind}: {flood.sent} lines, {memory / 2**20:.0f} MiB")


def busy(host: Host, thread: str) -> float:
    """The time a thread of the host has computed. Unit: s."""
    for task in Path(f"/proc/{host.pid}/task").iterdir():
        if (task / "comm").read_text().strip() == thread:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    raise AssertionError(f"the host has no thread {thread!r}")


class Torrent:
    """Whoever connects is sent bytes as fast as they go."""

    def __init__(self, content: bytes, carrier: str = "tcp") -> None:
        self.sent = 0
        self._content = content
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.line = "{}://127.0.0.1:{}".format(carrier, self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                with connection:
                    while True:
                        self.sent += connection.send(self._content)
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def stop(self) -> None:
        self._listener.close()


class Calls:
    """Somebody who calls a port again and again, and says nothing."""

    def __init__(self) -> None:
        self.sent = 0
        self._port = free_port()
        self._over = threading.Event()
        self.line = f"tcp://127.0.0.1:{self._port}"
        for _ in range(4):
            threading.Thread(target=self._call, daemon=True).start()

    def _call(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError), socket.socket() as caller:
                caller.settimeout(0.5)
                caller.connect(("127.0.0.1", self._port))
                self.sent += 1

    def stop(self) -> None:
        self._over.set()


TORRENTS: dict[str, tuple[str, str, Callable[[], Torrent | Calls], int]] = {
    "asked": ("alaris/asena-gh", "line", lambda: Torrent(b"!INF^8003-00107^-" * 3_000), 1 << 20),
    "asked-modbus": ("victron/gx", "line", lambda: Torrent(bytes(range(256)) * 200), 1 << 16),
    "asked-rtu": ("eastron/sdm120", "line", lambda: Torrent(bytes(range(256)) * 200, "rtu+tcp"), 1 << 16),
    "unasked": ("masimo/rad-8", "line", lambda: Torrent(line() * 500), 1 << 20),
    "calls": ("hl7/oru-mllp", "listen", Calls, 20),
}


@pytest.mark.parametrize("kind", TORRENTS)
def test_a1_b3_a_line_that_is_flooded_takes_no_processor(kind, host, oximeters, table):
    """A line's thread goes before everything else on the machine: two that are always busy, and no other runs."""
    profile, way, make, least = TORRENTS[kind]
    torrent, well = make(), Oximeter(lambda _: line())
    oximeters += [torrent, well]
    host.configure({
        "flood": {"profile": profile, way: torrent.line},
        "well": {"profile": "masimo/rad-8", "line": well.line},
    }).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    before, began, sent = busy(host, "line flood"), time.monotonic(), torrent.sent
    time.sleep(LASTS / 2)
    share = (busy(host, "line flood") - before) / (time.monotonic() - began)
    sent = torrent.sent - sent
    host.stop(timeout=10)
    assert sent > least, f"only {sent}: no flood"
    assert share <= 0.3, f"the flooded line's thread took {share:.0%} of a core"
    values = [value for value in journal.samples(host.export(), device="well") if value["validity"] == "valid"]
    assert values, "nothing of the healthy one"
    table.row(49, f"line that is flooded ({kind})", f"{sent} bytes, or calls, in {LASTS / 2:g} s",
              "its thread, which goes before all others, takes at most 30 % of a core", f"{share:.1%} of a core")
