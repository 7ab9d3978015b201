"""Answers that are partly wrong, or never end: nothing is lost, nothing doubled, next to nothing put aside."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from peers import delivery, fhir_checks
from peers.front import Front
from peers.host import binary, json_lines, nabd
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

WINDOW = 5


@pytest.fixture
def front(servers, pki):
    records = servers().start()
    front = Front(pki, records.direct_url)
    front.records = records
    yield front
    front.stop()


def begin(bench, host, front, pki, **uplink) -> None:
    host.configure(
        bench.devices(), front.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s", uplink=uplink
    ).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")


def parked(host) -> list[dict]:
    command = [str(binary()), "uplink", "parked", "--config", str(host.config)]
    result = subprocess.run(command, capture_output=True, timeout=30, check=False)
    return json_lines(result.stdout)


def deliver_and_compare(bench, host, front) -> None:
    """From now on the service is as it should be: in the end it has what the journal has, once."""
    front.mode = "pass"
    since = time.time()

    def is_through() -> bool:
        newest = max((fhir_checks.bounds(o)[1] for o in fhir_checks.measurements(
            front.records.all("Observation"))), default=0)
        return newest > since

    wait_until(is_through, 100, "what was measured after the cure to be on the server", every=1)
    delivery.wait_until_through(host, WINDOW)
    host.stop()
    lines = host.export()
    observations = front.records.all("Observation")
    delivery.assert_same(lines, observations, undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))
    assert bench.pump.effects == []


@pytest.mark.parametrize("status", ["429", "503 Service Unavailable", "409", ""])
def test_entries_that_are_told_to_wait_are_not_put_aside(bench, host, front, pki, status, table):
    front.mode = f"entries-{status}"
    begin(bench, host, front, pki)
    wait_until(lambda: len(front.seen) >= 3, 60, "three bundles")
    assert parked(host) == []
    deliver_and_compare(bench, host, front)
    assert parked(host) == []
    # What was answered was not answered again.
    assert {count for url, count in front.stored.items() if url.startswith("Observation/")} == {1}
    table.row(40, f"partial bundle failure: {status or 'no status'}", "every entry of HTTP 200 so answered",
              "sent again, nothing parked, nothing twice", f"parked 0, {len(front.stored)} resources, each put once")


def test_a_service_that_refuses_everything_is_waited_for(bench, host, front, pki, table):
    front.mode = "refuse"
    begin(bench, host, front, pki)
    wait_until(lambda: len(front.seen) >= 2, 60, "a first refusal")
    time.sleep(10)
    # What refuses even the host's own description refuses everything: nothing is to blame.
    assert parked(host) == []
    assert "refuses even the host's own description" in host.log_tail(4000)
    deliver_and_compare(bench, host, front)
    table.row(70, "everything refused for a while", "422 to every bundle for 10 s and more",
              "nothing buried; delivered in the end", f"parked 0, {len(front.stored)} resources stored afterwards")


def test_an_answer_that_drips_ends_after_a_minute(bench, host, front, pki, table):
    front.mode = "drip"
    begin(bench, host, front, pki)
    wait_until(lambda: front.seen.count("drip") >= 2, 100, "a second exchange: the first one has ended")
    assert parked(host) == []
    deliver_and_compare(bench, host, front)
    table.row(71, "answer that drips", "the head at once, a byte each 0.5 s",
              "the exchange ends, the next is tried; delivered in the end",
              f"{front.seen.count('drip')} exchanges ended")


def uplink(host, *arguments: str) -> bytes:
    command = [str(binary()), "uplink", *arguments, "--config", str(host.config)]
    return subprocess.run(command, capture_output=True, timeout=30, check=True).stdout


def measurements(front) -> list[dict]:
    return fhir_checks.measurements(front.records.all("Observation"))


def test_a_poison_is_parked_and_the_rest_arrives(bench, host, front, pki, table):
    """S6: one resource is answered with 500 each time. Nothing else waits for it, and a person has it sent again."""
    chosen: list[str] = []

    def is_poison(resource: dict) -> bool:
        if not chosen and resource["id"].startswith("obs-"):
            chosen.append(resource["id"])
        return resource["id"] in chosen

    front.poison = is_poison
    begin(bench, host, front, pki)
    wait_until(lambda: len(parked(host)) == 1, 90, "the one resource to be parked")
    [resource] = parked(host)
    assert resource["url"] == f"Observation/{chosen[0]}" and "500" in resource["reason"]
    count = len(measurements(front))
    wait_until(lambda: len(measurements(front)) > count + 20, 60, "others to be stored")
    assert len(parked(host)) == 1
    front.poison = None
    uplink(host, "retry")
    wait_until(lambda: parked(host) == [], 30, "what was parked to be stored")
    deliver_and_compare(bench, host, front)
    table.row(40, "one resource that fails each time", "500 to its bundle",
              "it is parked with the reason; others flow past; sent when a person says so", "1 parked, then 0")


def test_what_is_too_large_goes_in_pieces(bench, host, front, pki, table):
    """L6: a limit that one observation of a waveform does not fit under."""
    front.largest = 1800
    begin(bench, host, front, pki)
    wait_until(lambda: len(measurements(front)) > 60, 90, "observations, one or two at a time")
    assert parked(host) == []
    deliver_and_compare(bench, host, front)
    assert parked(host) == []
    table.row(39, "limit below one observation", "413 to bodies above 2,000 bytes",
              "cut in pieces; each number once", f"parked 0, {len(front.stored)} resources")


def test_a_restored_server_gets_the_descriptions_again(bench, host, front, pki, table):
    """L2: a server that checks references, and comes back without what it was told."""
    front.strict = True
    begin(bench, host, front, pki)
    wait_until(lambda: len(measurements(front)) > 20, 60, "observations")
    assert parked(host) == []
    front.stored = {}
    wait_until(lambda: sum(url.startswith("Observation/obs") for url in front.stored) > 40, 90, "observations again")
    assert parked(host) == []
    assert any(url.startswith("DeviceMetric/") for url in front.stored)
    deliver_and_compare(bench, host, front)
    [status] = json_lines(uplink(host, "status"))
    assert status["parked"] == 0 and status["destination"] == front.base_url.rstrip("/")
    assert {lane["lane"] for lane in status["lanes"]} == {
        "alarms", "pumpEvents", "pumpState", "events", "numerics", "waveforms"}
    table.row(70, "server replaced", "it checks references and has lost the descriptions",
              "they go again; nothing parked", f"parked 0, {len(front.stored)} resources after the loss")


def test_no_current_book_is_retired_by_a_configuration_that_cannot_be_read(bench, host, pki):
    server = "https://127.0.0.1:9/fhir"
    host.configure(bench.devices(), server, pki.authority.certificate, pki.client)
    books = host.directory / "journal.delivery"
    books.mkdir()
    book = books / f"book-{hashlib.sha256(server.encode()).digest()[:8].hex()}.sqlite"
    book.write_bytes(b"")
    right = host.config.read_text()
    host.config.write_text(right.replace("window: 5s", "window: soon"))
    told = nabd("uplink", "retire", "--config", host.config, "--server", server)
    assert told.returncode == 1 and b"the window" in told.stderr and book.exists(), told.stderr.decode()
    host.config.write_text(right)
    told = nabd("uplink", "retire", "--config", host.config, "--server", server)
    assert told.returncode == 2 and book.exists(), told.stderr.decode()
    host.config.write_text(right.replace(server, "https://elsewhere.example/fhir"))
    told = nabd("uplink", "retire", "--config", host.config, "--server", server)
    assert told.returncode == 0 and not book.exists(), told.stderr.decode()


def test_bodies_and_answers_in_gzip(bench, host, front, pki):
    begin(bench, host, front, pki, compression="gzip")
    deliver_and_compare(bench, host, front)
    came, unpacked, packed = front.came
    assert packed > 3 and came * 3 < unpacked, f"{packed} bodies in gzip, {came} bytes of {unpacked}"


def test_a_server_that_reads_no_gzip_gets_plain_bodies(bench, host, records, pki):
    """The real server answers 500 to gzip."""
    host.configure(
        bench.devices(), records.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s",
        uplink={"compression": "gzip"},
    ).start()
    wait_until(
        lambda: len(fhir_checks.measurements(records.all("Observation"))) > 20, 60, "observations", every=1
    )
    host.stop()
    [book] = host.journal.with_name("journal.delivery").glob("book-*.sqlite")
    with closing(sqlite3.connect(book)) as connection:
        [until] = connection.execute("SELECT value FROM counters WHERE name = 'plainUntil'").fetchone()
    assert until > time.time() + 6 * 86_400, "gzip was tried, and that it is not read is remembered"
    delivery.assert_same(host.export(), records.all("Observation"), undelivered_tail=WINDOW + 3)


def test_a_service_that_says_it_stored_and_did_not(bench, host, front, pki, table):
    """L8: it is read back, alarmed, and everything since goes again."""
    begin(bench, host, front, pki, **{"reconcile-every": "10s"})
    wait_until(lambda: len(front.stored) > 20, 60, "observations")

    def told(event: str) -> bool:
        return any(
            line.get("event") == event and line.get("alert") == "NABD_UPLINK_CONTRADICTED" for line in host.export()
        )

    time.sleep(12)
    assert not told("alertStart"), "it has everything"
    front.mode = "lie"
    wait_until(lambda: told("alertStart"), 60, "the alarm", every=1)
    front.mode = "pass"
    # What went again before that was lied about too: it is found out in its turn.
    wait_until(lambda: told("alertEnd"), 150, "the alarm's end", every=2)
    deliver_and_compare(bench, host, front)
    table.row(42, "lying server", "201 to every entry, and nothing stored; reconciliation every 10 s",
              "found out, an alarm, sent again; each number once",
              "the alarm began and ended; the record is whole there")
