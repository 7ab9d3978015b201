"""Row 72 of the fault matrix: an alert that began, and whose host was killed, stopped, or no longer has the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pymodbus.constants import ExcCodes

from peers import journal
from peers.host import Host
from peers.modbus import ClimateSensor
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


def standing(host: Host) -> dict[str, str]:
    """Instances that were begun and not ended, with their presence as it was told last."""
    found: dict[str, str] = {}
    for line in journal.events(host.export()):
        if line["event"] == "alertStart":
            assert line["instance"] not in found, "an instance begins twice"
            found[line["instance"]] = "on"
        elif line["event"] == "alertUpdate":
            found[line["instance"]] = line["presence"]
        elif line["event"] == "alertEnd":
            assert line["instance"] in found, "an alert is ended that does not stand"
            del found[line["instance"]]
    return found


def updates(host: Host, change: str) -> list[dict]:
    """What was told of alerts after their beginning."""
    if not host.journal.exists():
        return []
    return [
        line for line in journal.events(host.export()) if line["event"] == "alertUpdate" and line["change"] == change
    ]


def test_row_72_a_killed_host_goes_on_with_its_alerts(host: Host, table):
    configure(host, "here", "there")
    instances = begin(host, "here", "there")
    host.kill()
    assert standing(host) == dict.fromkeys(instances, "on"), "a kill leaves them standing: else this shows nothing"
    host.start()
    wait_until(lambda: len(updates(host, "confirmed")) == 2, 20, "the same alerts, seen again", every=0.3)
    events = journal.events(host.export())
    started = [place for place, line in enumerate(events) if line["event"] == "hostStarted"][-1]
    assert [line["change"] for line in events[started - 2:started]] == ["unconfirmed", "unconfirmed"]
    assert {line["instance"] for line in events[started - 2:started]} == set(instances)
    assert len(stale(host, "alertStart", "here") + stale(host, "alertStart", "there")) == 2, "they are no new ones"
    host.stop()
    assert standing(host) == dict.fromkeys(instances, "on")
    table.row(
        72, "alert that begins and never ends", "the host is killed while two alerts hold",
        "the next start goes on with the same instances: unconfirmed, then seen again",
        "2 unconfirmed before hostStarted, 2 confirmed, none begun anew",
    )


def test_row_72_what_is_over_when_the_host_comes_back_ends(host: Host, table):
    """A device whose stale alert stands, and that answers the host's next session."""
    sensor = ClimateSensor(unit=3).start()
    sensor.exception = ExcCodes.DEVICE_FAILURE
    host.configure({"here": {
        "profile": "xy/md02", "line": sensor.line, "unit": 3,
        "override": {"every": {"MDC_TEMP": "1s", "NABD_RELATIVE_HUMIDITY": "1s"}},
    }})
    try:
        (instance,) = begin(host, "here")
        host.kill()
        sensor.exception = None
        host.start()
        wait_until(lambda: stale(host, "alertEnd", "here"), 60, "the end of the alert", every=0.5)
        host.stop()
    finally:
        sensor.stop()
    (end,) = stale(host, "alertEnd", "here")
    assert end["instance"] == instance and end["reason"] == "notSeenAgain"
    assert standing(host) == {}
    table.row(
        72, "alert that begins and never ends", "the host is killed, and what was wrong is right when it starts again",
        "ended when it could have been seen and was not", "ended as “notSeenAgain”",
    )


def test_row_72_a_stop_leaves_what_holds_to_the_next_start(host: Host, table):
    configure(host, "here")
    (instance,) = begin(host, "here")
    host.stop()
    events = journal.events(host.export())
    assert events[-1]["event"] == "hostStopped" and standing(host) == {instance: "on"}
    host.start()
    wait_until(lambda: updates(host, "confirmed"), 20, "the same alert, seen again", every=0.3)
    host.stop()
    assert standing(host) == {instance: "on"}
    table.row(
        72, "alert that begins and never ends", "SIGTERM while an alert holds",
        "it stands on; the next start sees it again", "unconfirmed, then confirmed: one instance",
    )


def test_row_72_a_device_that_was_removed_leaves_no_alert(host: Host, table):
    configure(host, "here", "gone")
    here, gone = begin(host, "here", "gone")
    host.kill()
    configure(host, "here").start()
    wait_until(lambda: stale(host, "alertEnd", "gone"), 20, "the end of the alert", every=0.3)
    (end,) = stale(host, "alertEnd", "gone")
    assert end["reason"] == "removed" and end["instance"] == gone
    host.stop()
    assert standing(host) == {here: "on"}
    table.row(
        72, "alert that begins and never ends", "the host is killed, and the device taken out of its configuration",
        "ended at the next start", "ended as “removed”",
    )
