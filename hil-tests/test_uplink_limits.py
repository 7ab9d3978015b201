"""What a link may carry: waveforms that wait for their day, a cap, a month that is used up; nothing is lost by it."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

import pytest

from peers import delivery, fhir_checks, journal
from peers.counting_relay import CountingRelay
from peers.host import json_lines, nabd
from peers.nonin import UNPLUGGED, Vitals
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

WINDOW = 5
PLETH = 150452
SATURATION = 150456


def status(host) -> dict:
    """Of the one destination, as soon as it has a book."""
    return wait_until(
        lambda: json_lines(nabd("uplink", "status", "--config", host.config).stdout), 30, "a book", every=0.5)[0]


def lane(host, name: str = "waveforms") -> dict:
    return next(lane for lane in status(host)["lanes"] if lane["lane"] == name)


def withheld(host) -> list[dict]:
    return json_lines(nabd("uplink", "withheld", "--config", host.config).stdout)


def pleth(records) -> list[dict]:
    return [one for one in records.all("Observation")
            if "valueSampledData" in one and fhir_checks.code_of(one)[1] == str(PLETH)]


def saturation(records) -> list[dict]:
    return fhir_checks.of_metric(records.all("Observation"), SATURATION)


@pytest.fixture
def unit(bench, host, records, pki):
    """Writes the unit's file with further keys of its uplink."""

    def configure(server: str | None = None, **uplink):
        host.configure(
            bench.devices(), server or records.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s",
            uplink=uplink)
        return host

    return configure


def assert_whole(bench, host, records) -> None:
    """By today's policy all goes: the server has what the journal has, each number once."""
    delivery.wait_until_through(host, WINDOW)
    wait_until(lambda: lane(host)["withheldSeconds"] == 0, 60, "the list to be empty", every=1)
    time.sleep(2 * WINDOW)
    host.stop()
    observations = records.all("Observation")
    delivery.assert_same(host.export(), observations, undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))
    assert bench.pump.effects == []


def test_waveforms_wait_for_their_day(bench, unit, records):
    host = unit(waveforms="never").start()
    wait_until(lambda: len(saturation(records)) >= 6, 90, "numbers", every=1)
    wait_until(lambda: lane(host)["withheldSeconds"] >= 3 * WINDOW, 60, "waveforms on the list", every=1)
    assert lane(host)["policy"] == "never"
    assert pleth(records) == []
    host.kill()
    listed = withheld(host)
    assert {one["device"] for one in listed} == {"spo2-1"}
    # The list has the record's own times.
    first = min(journal.points([line for line in journal.samples(host.export()) if line.get("code") == PLETH]),
                key=lambda point: point.seconds)
    begin = min(one["from"] for one in listed)
    assert abs(fhir_checks.bounds({"effectivePeriod": {"start": begin, "end": begin}})[0] - first.seconds) < 2 * WINDOW
    # Another day: what is new, and what was withheld.
    unit(waveforms="always").start()
    assert_whole(bench, host, records)
    assert pleth(records) != [] and withheld(host) == []


def test_around_an_alarm_they_go(bench, unit, records):
    bench.oximeter.varying = False
    host = unit(waveforms="around-alarms").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: lane(host)["withheldSeconds"] >= 9 * WINDOW, 120, "waveforms on the list", every=1)
    before = len(pleth(records))
    bench.oximeter.vitals = UNPLUGGED
    time.sleep(2)
    bench.oximeter.vitals = Vitals()

    def alarms() -> list[float]:
        return [journal.seconds(line["time"]) for line in host.export()
                if line.get("device") == "spo2-1" and str(line.get("event", "")).startswith("alert")]

    wait_until(lambda: len(alarms()) >= 2 and len(pleth(records)) > before, 60, "the alarm's curves", every=1)
    time.sleep(30 + 4 * WINDOW)
    host.stop()
    moments = alarms()
    found = [fhir_checks.bounds(one) for one in pleth(records)]
    assert all(any(end > moment - 30 - WINDOW and begin < moment + 30 + WINDOW for moment in moments)
               for begin, end in found), "a curve that is of no alarm"
    # All of 30 s before the last one is there, and behind it.
    last = moments[-1]
    points = [point.seconds for one in pleth(records) for point in fhir_checks.sampled_points(one)]
    expected = [point.seconds for point in journal.points(
        [line for line in journal.samples(host.export()) if line.get("code") == PLETH])
        if last - 30 <= point.seconds <= last + 30]
    there = sum(last - 30 <= point <= last + 30 for point in points)
    assert abs(there - len(expected)) <= 2 and len(expected) > 75 * 30
    assert sum(one["seconds"] for one in withheld(host)) >= 9 * WINDOW - 30
    unit(waveforms="always").start()
    assert_whole(bench, host, records)


def test_a_cap_holds_and_alarms_do_not_wait_for_it(bench, unit, records):
    host = unit().start("acquire")
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(60)
    host.stop()
    relay = CountingRelay(int(records.base_url.split(":")[2].split("/")[0]))
    rate = 16_000
    unit(records.base_url.replace(f":{records.base_url.split(':')[2].split('/')[0]}", f":{relay.port}"),
         **{"at-most": f"{rate // 1000} kbit/s"}).start("uplink")
    wait_until(lambda: relay.sent > 20_000, 60, "the first bundles")
    began, before = time.monotonic(), relay.sent
    time.sleep(20)
    seconds, sent = time.monotonic() - began, relay.sent - before
    # What was under way when it began, and one bundle more, may be beyond it.
    assert sent * 8 <= rate * seconds + 2 * 8 * 16_384, f"{sent} bytes in {seconds:.1f} s"
    assert sent > 0 and lane(host)["behindSeconds"] > 0, "all of it had gone: this looks at nothing"
    host.stop()
    relay.stop()


def test_what_is_counted_is_what_went(bench, unit, records):
    """Of the bytes that a link carried, at the socket, the book has all but a few in a hundred."""
    relay = CountingRelay(int(records.base_url.split(":")[2].split("/")[0]))
    host = unit(f"https://127.0.0.1:{relay.port}/fhir", **{"each-month": "1 GB"})
    host.start()
    wait_until(lambda: len(saturation(records)) >= 6, 90, "numbers", every=1)
    host.stop()
    counted, carried = status(host)["monthBytes"], relay.sent + relay.received
    print(f"counted {counted}, carried {carried}, connections {relay.opened}")
    assert relay.opened > 0 and abs(counted - carried) <= 0.05 * carried
    # And goes on from there, after a kill too.
    host.start()
    wait_until(lambda: relay.sent + relay.received > carried + 100_000, 90, "more")
    time.sleep(1)
    host.kill()
    assert status(host)["monthBytes"] >= 0.95 * (relay.sent + relay.received) - 65_536
    assert status(host)["month"] == time.strftime("%Y-%m", time.gmtime())
    relay.stop()


def spend(host, count: int) -> None:
    """So much went this month, says the book."""
    [path] = host.journal.with_name("journal.delivery").glob("book-*.sqlite")
    now = time.gmtime()
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, value in (("month", now.tm_year * 12 + now.tm_mon - 1), ("monthBytes", count)):
            connection.execute("INSERT OR REPLACE INTO counters(name, value) VALUES (?, ?)", (name, value))


def told(host, event: str, alert: str) -> int:
    return sum(line.get("event") == event and line.get("alert") == alert for line in host.export())


def test_a_month_that_is_used_up_leaves_alarms(bench, unit, records):
    bench.oximeter.varying = False
    host = unit(**{"each-month": "10 MB"}).start()
    wait_until(lambda: pleth(records), 90, "waveforms", every=1)
    host.stop()
    # From 80 % on no waveforms.
    spend(host, 8_100_000)
    host.start()
    wait_until(lambda: told(host, "alertStart", "NABD_UPLINK_ALLOWANCE_NEAR"), 30, "the alert", every=1)
    known = len(pleth(records))
    numbers = len(saturation(records))
    wait_until(lambda: len(saturation(records)) > numbers + 4, 60, "more numbers", every=1)
    assert len(pleth(records)) == known and status(host)["sent"] == "no waveforms"
    host.stop()
    # From 100 % on alarms and events.
    spend(host, 10_000_001)
    host.start()
    wait_until(lambda: told(host, "alertStart", "NABD_UPLINK_ALLOWANCE_SPENT"), 30, "the alert", every=1)
    numbers = len(saturation(records))
    bench.oximeter.vitals = UNPLUGGED

    def alarms() -> int:
        return sum("MDC_EVT_SENSOR_DISCONN" in json.dumps(one) or "DISCONN" in json.dumps(one)
                   for one in records.all("Observation"))

    before = alarms()
    wait_until(lambda: alarms() > before, 60, "the alarm at the service", every=1)
    bench.oximeter.vitals = Vitals()
    time.sleep(3 * WINDOW)
    assert len(saturation(records)) == numbers and status(host)["sent"] == "alarms and pump events only"
    host.stop()
    # Another month.
    spend(host, 0)
    host.start()
    assert_whole(bench, host, records)
    assert told(host, "alertEnd", "NABD_UPLINK_ALLOWANCE_SPENT") == 1


def test_a_person_lets_go_of_what_is_withheld(bench, unit, records):
    host = unit(waveforms="never").start()
    wait_until(lambda: lane(host)["withheldSeconds"] >= 2 * WINDOW, 90, "waveforms on the list", every=1)
    assert nabd("uplink", "release", "--withheld", "--config", host.config).returncode == 0
    wait_until(lambda: lane(host)["withheldSeconds"] < 2 * WINDOW, 30, "an empty list")
    host.stop()
