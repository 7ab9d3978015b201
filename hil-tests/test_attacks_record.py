"""Somebody who may write the journal's files does so while the host writes them."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import time

import pytest

from peers import journal
from peers.host import json_lines, nabd
from peers.oximeter import Oximeter, line
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(170)]

METRIC = "MDC_PULS_OXIM_SAT_O2"


def cut(host, suffix: str, to: float) -> int:
    """Cuts every file of the journal with this suffix to a share of its length; returns how many there were."""
    files = [place for place in host.journal.iterdir() if place.name.endswith(suffix) and place.stat().st_size > 0]
    for place in files:
        os.truncate(place, int(place.stat().st_size * to))
    return len(files)


def row_checksum(number: int, session: str, monotonic: int, utc: int, quality: int, device: str | None, kind: str,
                 body: str, digest: bytes) -> int:
    """CRC-32C over an event's columns, each behind its length, as a forger who has read the source would make it."""
    crc = 0xFFFFFFFF
    for column in (number, session, monotonic, utc, quality, device or "–", kind, body, list(digest)):
        text = str(column)
        for byte in f"{len(text.encode())}:{text}".encode():
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(("suffix", "to"), [("-wal", 0), ("-wal", 0.5), ("-shm", 0), (".sqlite", 0)])
def test_a5_files_cut_short_under_the_host_cost_no_sample(host, suffix, to, table):
    """What was committed is there, in the file that is begun; what the record lost and when is told."""
    oximeter = Oximeter(lambda number: line(spo2=50 + number % 50), period=0.5)
    host.configure({"well": {"profile": "masimo/rad-8", "line": oximeter.line}}).start()
    host.wait_for_sample(METRIC)
    time.sleep(2)
    for _ in range(4):
        wait_until(lambda: cut(host, suffix, to) > 0, 20, "a file to cut")
        time.sleep(0.8)
    assert host.running, host.log_tail()
    host.stop()
    sent = oximeter.sent
    lines = json_lines(nabd("journal", "export", "--journal", host.journal).stdout)
    values = [round(each["value"]) for each in journal.samples(lines, "well", METRIC)]
    first = values[0]
    assert values == [50 + (first - 50 + number) % 50 for number in range(len(values))], "none is lost, none is double"
    assert len(values) >= sent - 2, (len(values), sent)
    events = journal.events(lines)
    numbers = [event["id"] if "id" in event else number for number, event in enumerate(events)]
    assert numbers == sorted(set(numbers))
    assert [event["event"] for event in events].count("hostStarted") == 1
    assert any(event["event"] in ("journalFileFailed", "journalGap") for event in events), "it is told"
    # The next start goes on with what is there.
    host.start()
    wait_until(lambda: len(journal.samples(host.export(), "well", METRIC)) > len(values), 20, "samples of the next run")
    host.stop()
    oximeter.stop()
    again = [round(each["value"]) for each in journal.samples(host.export(), "well", METRIC)]
    assert again[:len(values)] == values
    table.row(28, f"*{suffix} cut short under the host", f"four times, to {to:.0%} of its length",
              "no sample lost, told", f"{len(values)} of {sent} values, in order, and the next start goes on with them")


def test_b7_the_unit_signs_how_far_its_record_had_come(host, pki, tmp_path, table):
    """Nothing is ever delivered; openssl, which knows nothing of ours, finds the signature right."""
    oximeter = Oximeter(lambda _: line(), period=0.5)
    devices = {"well": {"profile": "masimo/rad-8", "line": oximeter.line}}
    host.configure(devices, "https://127.0.0.1:9", pki.authority.certificate, pki.client).start()
    host.wait_for_sample(METRIC)
    wait_until(lambda: any(event["event"] == "journalWitnessed" for event in journal.events(host.export())), 20,
               "the record to be witnessed")
    host.stop()
    oximeter.stop()
    lines = journal.events(host.export())
    told = next(event for event in lines if event["event"] == "journalWitnessed")
    assert told["number"] < told["sequence"]

    def verified(certificate) -> tuple[int, str]:
        found = nabd("journal", "verify", "--journal", host.journal, "--certificate", certificate)
        return found.returncode, found.stdout.decode()

    assert verified(pki.client.certificate) == (0, verified(pki.client.certificate)[1])
    assert "1 signed witnesses agree" in verified(pki.client.certificate)[1]
    assert verified(pki.foreign_client.certificate)[0] == 1
    with sqlite3.connect(host.journal / "samples-000001.sqlite") as samples:
        unit = [row[0] for row in samples.execute("SELECT unit FROM sessions")][-1]
    (tmp_path / "text").write_text(f"nabd witness 1\n{unit}:{told['number']}:{told['hash']}\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(told["signature"]))
    public = subprocess.run(["openssl", "x509", "-in", pki.client.certificate, "-noout", "-pubkey"], check=True,
                            capture_output=True).stdout
    (tmp_path / "public.pem").write_bytes(public)

    def openssl() -> bool:
        return subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", tmp_path / "public.pem", "-signature", tmp_path / "signature",
             tmp_path / "text"], capture_output=True).returncode == 0

    assert openssl()
    (tmp_path / "text").write_text(f"nabd witness 1\n{unit}:{told['number'] + 1}:{told['hash']}\n")
    assert not openssl()
    # One letter of one event, written as SQLite writes it: its structure is whole, the row's checksum is not.
    events = next(host.journal.glob("events-*.sqlite"))
    with sqlite3.connect(events) as database:
        database.execute("UPDATE events SET body = replace(body, 'masimo', 'Masimo') WHERE kind = 'deviceConfigured'")
    told = nabd("journal", "verify", "--journal", host.journal)
    assert told.returncode == 1 and b"not as it was written" in told.stdout
    # Whoever knows the format puts that right as well: then only the chain tells.
    with sqlite3.connect(events) as database:
        number, *columns = database.execute(
            "SELECT id, session, monotonic_ns, utc, quality, device, kind, body, hash FROM events "
            "WHERE kind = 'deviceConfigured'").fetchone()
        database.execute("UPDATE events SET checksum = ? WHERE id = ?", (row_checksum(number, *columns), number))
    told = nabd("journal", "verify", "--journal", host.journal)
    assert told.returncode == 1 and b"not as it was written" not in told.stdout, told.stdout.decode()
    assert f"event {number}: its hash does not fit".encode() in told.stdout, told.stdout.decode()
    fault = next(line for line in told.stdout.decode().splitlines() if "its hash" in line)
    table.row(54, "audit tamper", "one letter of an event changed in place, its row's checksum put right",
              "the chain's verifier fails", fault)


def test_b7_a_record_that_is_changed_under_the_host_is_told(host, table):
    """A forger who has read the source changes one letter while the host runs; nobody asks for a verification."""
    oximeter = Oximeter(lambda _: line(), period=0.5)
    host.configure({"well": {"profile": "masimo/rad-8", "line": oximeter.line}}).start()
    host.wait_for_sample(METRIC)
    began = time.monotonic()
    events = next(host.journal.glob("events-*.sqlite"))
    with sqlite3.connect(events, timeout=10) as database:
        number, *columns = database.execute(
            "SELECT id, session, monotonic_ns, utc, quality, device, kind, body, hash FROM events "
            "WHERE kind = 'deviceConfigured'").fetchone()
        columns[6] = columns[6].replace("masimo", "Masimo")
        database.execute("UPDATE events SET body = ?, checksum = ? WHERE id = ?",
                         (columns[6], row_checksum(number, *columns), number))

    def told() -> bool:
        return any(event["event"] == "alertStart" and event["alert"] == "NABD_JOURNAL_CHANGED"
                   for event in journal.events(host.export()))

    wait_until(told, 40, "the alarm of the changed record")
    took = time.monotonic() - began
    host.stop()
    oximeter.stop()
    assert f"event {number}: its hash does not fit" in host.log(), "the log names it"
    told = next(event for event in journal.events(host.export()) if event.get("alert") == "NABD_JOURNAL_CHANGED")
    assert told["priority"] == "high"
    table.row(54, "audit tamper under the running host", "one letter of an event changed in place, its row's checksum "
              "put right", "an alarm, high", f"NABD_JOURNAL_CHANGED after {took:.0f} s of at most an hour")
