"""What one device on the network may cost the others: attacks on the host from its own lines, each by its name in
docs/security/threat-model.md.

Beside each attacker a healthy oximeter brings a value a second, and raises an alarm in the middle of it all.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers import journal
from peers.host import Host, binary
from peers.oximeter import Oximeter, line
from peers.waiting import wait_until

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
def oximeters() -> Iterator[list[Oximeter]]:
    made: list[Oximeter] = []
    yield made
    for oximeter in made:
        oximeter.stop()


def until_the_alarm_is_there(host: Host, said: list[float]) -> float:
    """How long after the healthy one said it a follower of the journal saw its alarm. Unit: s."""
    follower = subprocess.Popen(
        [str(binary()), "journal", "tail", "--follow", "--commits", "1", "--journal", str(host.journal)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(LASTS, follower.kill)
    watchdog.start()
    try:
        assert follower.stdout is not None
        for entry in follower.stdout:
            if '"alertStart"' in entry and '"well"' in entry and "NABD_SPO2_LOW" in entry:
                return time.monotonic() - said[0]
    finally:
        watchdog.cancel()
        follower.kill()
        follower.wait(10)
    raise AssertionError(f"within {LASTS:g} s the other's alarm was not in the journal")


@pytest.mark.parametrize("kind", FLOODS)
def test_a1_b3_a_device_that_floods_costs_itself(kind, host, oximeters, table):
    due: list[float] = []
    said: list[float] = []

    def healthy(number: int) -> bytes:
        if due and time.monotonic() >= due[0]:
            said.append(time.monotonic())
            return line(spo2=84, alarm=0x0012)
        return line()

    flood, well = Oximeter(FLOODS[kind], period=0), Oximeter(healthy)
    oximeters += [flood, well]
    devices = {
        "flood": {"profile": "masimo/rad-8", "line": flood.line, "serial": "0000056661"},
        "well": {"profile": "masimo/rad-8", "line": well.line},
    }
    host.configure(devices).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    began = time.monotonic()
    due.append(began + LASTS / 2)
    took_alarm = until_the_alarm_is_there(host, said)
    time.sleep(max(0.0, began + LASTS - time.monotonic()))
    memory = resident(host)
    stopping = time.monotonic()
    host.stop(timeout=10)
    took = time.monotonic() - stopping

    lines = host.export()
    assert flood.sent > 20_000 or kind == "garbage", f"the attacker sent only {flood.sent} lines: no flood"
    assert memory <= MOST_MEMORY, f"{memory / 2**20:.0f} MiB"
    assert took_alarm <= 1.0, f"the other's alarm was in the journal after {took_alarm:.2f} s"
    values = journal.samples(lines, device="well", metric="MDC_PULS_OXIM_SAT_O2")
    valid = [value for value in values if value["validity"] == "valid"]
    assert len(valid) >= 0.99 * (LASTS - 1), f"{len(valid)} values of the healthy one in {LASTS:g} s"
    told = [event for event in journal.events(lines) if event.get("device") == "flood"]
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
              f"{flood.sent} lines in {LASTS:g} s", "others' alarms within 1 s, 42 MiB of its own, stop within 10 s",
              f"{memory / 2**20:.0f} MiB, {len(told)} events, {len(about)} lines of log, the other's alarm after "
              f"{took_alarm:.2f} s, stop {took:.1f} s")


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
