"""A records server that is away for half a minute costs nothing: in the end the journal is on the server, once."""

from __future__ import annotations

import time

import pytest

from peers import delivery, fhir_checks, journal

pytestmark = [pytest.mark.host, pytest.mark.timeout(200)]

OUTAGE = 30.0
WINDOW = 5


def deliver_and_compare(bench, host, records) -> None:
    """Let the backlog drain while sampling goes on, stop, and compare both sides."""
    records.start()
    arrived = time.monotonic()
    while time.monotonic() - arrived < 60:
        newest = max(
            (fhir_checks.bounds(o)[1] for o in fhir_checks.measurements(records.all("Observation"))), default=0
        )
        if time.time() - newest < 2 * WINDOW + 3:
            break
        time.sleep(1)
    else:
        raise AssertionError(f"what is new is not there after 60 s:\n{host.log_tail()}")
    delivery.wait_until_through(host, WINDOW)
    host.stop()
    lines = host.export()
    observations = records.all("Observation")
    delivery.assert_same(lines, observations, undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))
    fhir_checks.check_references(
        records.all("Device"), records.all("DeviceMetric"), fhir_checks.measurements(observations)
    )
    numbers = delivery.numbers_by_code(lines)
    assert numbers["150456"][-1].seconds - numbers["150456"][0].seconds > OUTAGE - 5, "the outage is not in the journal"
    # One window is one observation unless a run is broken: a flood of fragments would also hide duplicates.
    span = numbers["150456"][-1].seconds - numbers["150456"][0].seconds
    assert len(fhir_checks.of_metric(observations, "150456")) <= span / WINDOW + 4
    assert bench.pump.effects == []


def test_a_server_that_is_down_for_half_a_minute_gets_everything_once(bench, host, servers, pki, table):
    records = servers()
    host.configure(bench.devices(), records.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(OUTAGE)
    assert host.running, f"nabd ended during the outage:\n{host.log_tail()}"
    deliver_and_compare(bench, host, records)
    table.row(44, "backlog of half a minute", "no server at first",
              "what is new first, the rest behind it; each number once",
              f"{records.count('Observation')} observations, none twice")


def test_a_host_killed_during_the_outage_delivers_after_its_restart(bench, host, servers, pki):
    records = servers()
    host.configure(bench.devices(), records.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(OUTAGE / 2)
    before = host.export()
    host.kill()
    host.start()
    time.sleep(OUTAGE / 2)
    after = host.export()
    assert journal.numbered(after).items() >= journal.numbered(before).items(), (
        "samples exported before the kill have changed"
    )
    assert journal.events(after)[: len(journal.events(before))] == journal.events(before), (
        "events exported before the kill have changed"
    )
    deliver_and_compare(bench, host, records)


def test_a_host_killed_while_delivering_doubles_nothing(bench, host, records, pki, table):
    """The kill falls between the server's commit and the host's note of it, sooner or later."""
    host.configure(bench.devices(), records.base_url, pki.authority.certificate, pki.client, "2s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    for pause in (6.1, 5.3, 5.7):
        time.sleep(pause)
        host.kill()
        host.start()
    time.sleep(8)
    host.stop()
    observations = records.all("Observation")
    delivery.assert_same(host.export(), observations, undelivered_tail=5)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))
    table.row(41, "accepted, and the host killed before it noted it", "three SIGKILLs at random moments of delivery",
              "the same ids again; each number once", f"{len(observations)} observations, none twice")
