"""Row 72 of the fault matrix: an alert that began, and whose host was killed, stopped, or no longer has the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from peers import journal
from peers.host import Host
from peers.scenarios import TEST_PROFILES
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]

STALE = "NABD_DEVICE_STALE"


@pytest.fixture
def host(hosts: Callable[[Path], Host], tmp_path: Path) -> Host:
    """A host that has not been configured."""
    return hosts(tmp_path / "unit")


def configure(host: Host, *devices: str) -> Host:
    """Give it devices that nobody answers for: each raises the alert that it has no current values."""
    return host.configure(
        {name: {"profile": "bench/tcp", "line": f"tcp://127.0.0.1:{free_port()}"} for name in devices},
        profiles=[TEST_PROFILES],
    )


def stale(host: Host, event: str, device: str) -> list[dict]:
    """The phases of the alert about a device."""
    if not host.journal.exists():
        return []
    return [
        line
        for line in journal.events(host.export())
        if line["event"] == event and line.get("alert") == STALE and line.get("device") == device
    ]


def begin(host: Host, *devices: str) -> list[str]:
    """Run it until the alert about each device holds; returns their instances."""
    before = {device: len(stale(host, "alertStart", device)) for device in devices}
    host.start()
    for device in devices:
        wait_until(
            lambda name=device: len(stale(host, "alertStart", name)) > before[name], 30, f"{STALE} of {device}",
            every=0.3,
        )
    return [stale(host, "alertStart", device)[-1]["instance"] for device in devices]


def left_open(host: Host) -> set[str]:
    """Instances that were begun and not ended."""
    lines = journal.events(host.export())
    begun = [line["instance"] for line in lines if line["event"] == "alertStart"]
    ended = [line.get("instance") for line in lines if line["event"] == "alertEnd"]
    assert len(ended) == len(set(ended)), "an alert is ended twice"
    return set(begun) - set(ended)


def test_row_72_a_killed_host_ends_its_alerts_at_its_next_start(host: Host, table):
    configure(host, "here", "there")
    instances = begin(host, "here", "there")
    host.kill()
    assert left_open(host) == set(instances), "a kill leaves them open: else this shows nothing"
    host.start()
    wait_until(lambda: len(stale(host, "alertEnd", "there")) == 1, 20, "the end of the alert", every=0.3)
    events = journal.events(host.export())
    started = [place for place, line in enumerate(events) if line["event"] == "hostStarted"][-1]
    ends = events[started - 2:started]
    assert [line["event"] for line in ends] == ["alertEnd", "alertEnd"], ends
    assert [line["instance"] for line in ends] == instances
    assert [line["reason"] for line in ends] == ["restarted", "restarted"]
    host.stop()
    assert left_open(host) == set()
    table.row(
        72, "alert that begins and never ends", "the host is killed while two alerts hold",
        "ended at the next start, before all else, with the same instance",
        f"{len(ends)} ended as “restarted” before hostStarted",
    )


def test_row_72_a_stop_ends_what_holds(host: Host, table):
    configure(host, "here")
    (instance,) = begin(host, "here")
    host.stop()
    events = journal.events(host.export())
    assert events[-1]["event"] == "hostStopped"
    ends = [line for line in events if line["event"] == "alertEnd" and line.get("instance") == instance]
    assert len(ends) == 1 and ends[0]["reason"] == "stopped", ends
    assert left_open(host) == set()
    count = len(events)
    host.start()
    wait_until(
        lambda: len([line for line in journal.events(host.export()) if line["event"] == "hostStarted"]) == 2, 20,
        "the next start", every=0.3,
    )
    assert journal.events(host.export())[count]["event"] == "hostStarted", "nothing is left to end"
    host.stop()
    table.row(
        72, "alert that begins and never ends", "SIGTERM while an alert holds",
        "ended before the stop is told; the next start finds none", "ended as “stopped” before hostStopped",
    )


def test_row_72_a_device_that_was_removed_leaves_no_alert(host: Host, table):
    configure(host, "here", "gone")
    begin(host, "here", "gone")
    host.kill()
    configure(host, "here").start()
    wait_until(lambda: stale(host, "alertEnd", "gone"), 20, "the end of the alert", every=0.3)
    (end,) = stale(host, "alertEnd", "gone")
    assert end["reason"] == "removed" and end["instance"] == stale(host, "alertStart", "gone")[0]["instance"]
    assert stale(host, "alertEnd", "here")[0]["reason"] == "restarted"
    host.stop()
    assert left_open(host) == set()
    table.row(
        72, "alert that begins and never ends", "the host is killed, and the device taken out of its configuration",
        "ended at the next start", "ended as “removed”",
    )
