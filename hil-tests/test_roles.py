"""The uplink as a process of its own: whatever becomes of it, the one that samples goes on, says so, loses nothing."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from peers import delivery, fhir_checks
from peers.host import nabd
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

WINDOW = 5


@pytest.fixture
def roles(bench, hosts, records, pki, tmp_path):
    """The process that samples, and the one that delivers; both of one unit."""
    acquire = hosts(tmp_path / "unit")
    acquire.configure(
        bench.devices(), records.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s",
        uplink={"alarm-after": "10s"},
    )
    uplink = hosts(tmp_path / "uplink")
    uplink.config = acquire.config
    uplink.journal = acquire.journal
    acquire.start("acquire")
    acquire.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    return acquire, uplink


def measurements(records) -> list[dict]:
    return fhir_checks.measurements(records.all("Observation"))


def told(host, event: str, alert: str = "NABD_UPLINK_FAILING") -> int:
    return sum(line.get("event") == event and line.get("alert") == alert for line in host.export())


def connections(pid: int) -> set[int]:
    """Ports of the other side of a process's TCP connections."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.match(r"socket:\[(\d+)\]", os.readlink(entry))
        except OSError:
            continue
        if found:
            own.add(found.group(1))
    ports = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in own:
            ports.add(int(fields[2].split(":")[1], 16))
    return ports


def test_two_processes_deliver_what_one_does(roles, bench, records):
    acquire, uplink = roles
    uplink.start("uplink")
    wait_until(lambda: len(measurements(records)) > 40, 60, "observations", every=1)
    port = int(records.base_url.split(":")[2].split("/")[0])
    assert port in connections(uplink.pid), "the uplink has no connection to the service: this looks at nothing"
    assert port not in connections(acquire.pid)
    devices = connections(acquire.pid)
    assert not devices & connections(uplink.pid), f"the uplink touches a line: {devices}"
    assert told(acquire, "alertStart") == 0
    acquire.stop()
    uplink.stop()
    delivery.assert_same(acquire.export(), records.all("Observation"), undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(measurements(records))
    assert bench.pump.effects == []
    # What the books say is in the summary of the process that did not write them.
    assert acquire.summary()["resourcesStored"] > 40


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_an_uplink_that_dies_or_hangs_is_an_alarm_and_costs_nothing(roles, records, end):
    acquire, uplink = roles
    uplink.start("uplink")
    wait_until(lambda: len(measurements(records)) > 10, 60, "observations", every=1)
    samples = len(acquire.export())
    began = time.time()
    if end == "kill":
        uplink.kill()
    else:
        os.kill(uplink.pid, signal.SIGSTOP)
    wait_until(lambda: told(acquire, "alertStart") == 1, 120, "the alarm", every=1)
    assert time.time() - began > 10
    assert len(acquire.export()) > samples + 100, "the devices are read meanwhile"
    if end == "kill":
        uplink.start("uplink")
    else:
        os.kill(uplink.pid, signal.SIGCONT)
    wait_until(lambda: told(acquire, "alertEnd") == 1, 60, "the alarm's end", every=1)
    delivery.wait_until_through(acquire, WINDOW)
    acquire.stop()
    uplink.stop()
    delivery.assert_same(acquire.export(), records.all("Observation"), undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(measurements(records))


def test_a_killed_sampler_is_delivered_by_the_uplink_that_is_left(roles, records):
    acquire, uplink = roles
    uplink.start("uplink")
    wait_until(lambda: len(measurements(records)) > 10, 60, "observations", every=1)
    acquire.kill()
    acquire.start("acquire")
    time.sleep(3 * WINDOW)
    acquire.stop()
    delivery.wait_until_through(acquire, WINDOW)
    uplink.stop()
    delivery.assert_same(acquire.export(), records.all("Observation"), undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(measurements(records))


def test_a_second_uplink_waits_for_the_first(roles, hosts, records, tmp_path):
    acquire, uplink = roles
    uplink.start("uplink")
    wait_until(lambda: len(measurements(records)) > 10, 60, "observations", every=1)
    second = hosts(tmp_path / "second")
    second.config, second.journal = acquire.config, acquire.journal
    second.start("uplink")
    wait_until(lambda: "kept by another process" in second.log(), 30, "why it waits")
    uplink.kill()
    count = len(measurements(records))
    wait_until(lambda: len(measurements(records)) > count, 60, "observations of the second", every=1)
    acquire.stop()
    second.stop()
    delivery.assert_same(acquire.export(), records.all("Observation"), undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(measurements(records))


def test_a_unit_without_a_service_has_nothing_to_deliver(bench, host):
    host.configure(bench.devices())
    result = nabd("run", "--config", host.config, "--role", "uplink")
    assert result.returncode == 6 and b"nothing to deliver to" in result.stderr
    host.config.write_text(host.config.read_text() + "uplink: {sever: https://records.example/fhir}\n")
    result = nabd("run", "--config", host.config, "--role", "uplink")
    assert result.returncode == 2 and b"nothing to deliver to" in result.stderr
