"""Certificate, key and authority are read again when their files change: no process is started anew for it, what cannot
be used takes the place of nothing, and the alert about the expiry follows what is in use.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from peers import delivery, fhir_checks
from peers.front import Front
from peers.host import json_lines, nabd
from peers.pki import Identity
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(420)]

WINDOW = 3
FAULTY, EXPIRING = "NABD_IDENTITY_FAULTY", "NABD_CERTIFICATE_EXPIRING"


class Unit:
    """The process that samples, the one that delivers, and the files of their identity, which they share."""

    def __init__(self, acquire, uplink, folder: Path) -> None:
        self.acquire, self.uplink = acquire, uplink
        self.files = Identity(folder / "unit.pem", folder / "unit.key")
        self.authority = folder / "authority.pem"

    def install(self, source: Path | bytes, place: Path) -> None:
        """As `mv` does it: the old file or the new one, and nothing between."""
        fresh = place.with_suffix(".new")
        fresh.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        fresh.chmod(0o600)
        fresh.rename(place)

    def install_identity(self, identity: Identity) -> None:
        self.install(identity.certificate, self.files.certificate)
        self.install(identity.key, self.files.key)

    def told(self, event: str, alert: str) -> int:
        return sum(line.get("event") == event and line.get("alert") == alert for line in self.acquire.export())

    def identity(self) -> str:
        told = nabd("uplink", "status", "--config", self.acquire.config)
        return json_lines(told.stdout)[0].get("identity", "") if told.returncode == 0 else ""


def serial(certificate: Path) -> str:
    told = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-serial"], capture_output=True,
                          text=True, check=True, timeout=30)
    return told.stdout.strip().split("=")[1]


@pytest.fixture
def front(servers, pki):
    records = servers().start()
    front = Front(pki, records.direct_url)
    front.records = records
    yield front
    front.stop()


@pytest.fixture
def unit(bench, hosts, front, pki, tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    acquire, uplink = hosts(tmp_path / "unit"), hosts(tmp_path / "uplink")
    unit = Unit(acquire, uplink, folder)
    unit.install_identity(pki.client)
    unit.install(pki.authority.certificate, unit.authority)
    acquire.configure(bench.devices(), front.base_url, unit.authority, unit.files, f"{WINDOW}s")
    uplink.config, uplink.journal = acquire.config, acquire.journal
    acquire.start("acquire")
    acquire.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    uplink.start("uplink")
    wait_until(lambda: len(front.stored) > 20, 60, "resources")
    return unit


def more(front: Front) -> None:
    count = len(front.stored)
    wait_until(lambda: len(front.stored) > count + 20, 60, "more resources")


def end_and_compare(unit: Unit, front: Front) -> None:
    delivery.wait_until_through(unit.acquire, WINDOW)
    unit.acquire.stop()
    unit.uplink.stop()
    observations = front.records.all("Observation")
    delivery.assert_same(unit.acquire.export(), observations, undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))


def test_a_renewal_needs_no_restart_and_ends_the_alert(unit, front, pki, table):
    wait_until(lambda: unit.told("alertStart", EXPIRING) == 1, 30, "two days are less than thirty")
    pids = unit.acquire.pid, unit.uplink.pid
    renewed = pki.authority.issue("unit-renewed", "clientAuth", days=200)
    former, fresh = serial(pki.client.certificate), serial(renewed.certificate)
    assert set(front.serials) == {former}
    unit.install_identity(renewed)
    wait_until(lambda: fresh in front.serials, 60, "a connection with the new certificate", every=0.5)
    wait_until(lambda: unit.told("alertEnd", EXPIRING) == 1, 60, "the alert's end", every=1)
    more(front)
    assert front.serials[-1] == fresh and pids == (unit.acquire.pid, unit.uplink.pid)
    assert "nothing is delivered now" not in unit.uplink.log(), unit.uplink.log_tail()
    # Another authority beside the former, as in the days of its change; then it alone, which did not sign the server.
    both = pki.authority.certificate.read_bytes() + pki.foreign_authority.certificate.read_bytes()
    unit.install(both, unit.authority)
    more(front)
    unit.install(pki.foreign_authority.certificate, unit.authority)
    wait_until(lambda: "not signed by the authority" in unit.uplink.log(), 60, "the authority to count", every=1)
    unit.install(pki.authority.certificate, unit.authority)
    more(front)
    end_and_compare(unit, front)
    table.row(36, "the unit's own certificate ends in two days", "renewed for 200 days while it runs",
              "an alert of its own 30 days before; ended by the renewal, no restart",
              f"{EXPIRING} began and ended; each number once")


def is_shown(unit: Unit, words: str) -> bool:
    """Whether the status tells an identity that cannot be used, in these words and as an alert."""
    shown = nabd("status", "--config", unit.acquire.config).stdout.decode()
    return words in shown and "A new certificate or key of this unit cannot be used" in shown


@pytest.mark.parametrize("fault", ["no certificate", "another's key", "gone"])
def test_what_cannot_be_used_keeps_the_former_and_is_an_alert(unit, front, pki, fault):
    wait_until(lambda: unit.told("alertStart", EXPIRING) == 1, 30, "two days are less than thirty")
    renewed = pki.authority.issue("unit-renewed", "clientAuth", days=200)
    if fault == "no certificate":
        unit.install(b"-----BEGIN CERTIFICATE-----\nSECRET\n", unit.files.certificate)
    elif fault == "gone":
        unit.files.key.unlink()
    else:
        # Half a renewal: good for 200 days, and of no use without its key.
        unit.install(renewed.certificate, unit.files.certificate)
    wait_until(lambda: unit.identity() != "", 60, "a word in the status", every=1)
    words = unit.identity()
    assert str(unit.files.certificate) in words or str(unit.files.key) in words, words
    assert "SECRET" not in words + unit.uplink.log()
    wait_until(lambda: unit.told("alertStart", FAULTY) == 1, 150, "the alert", every=1)
    # The event is durable before the page of how it is is written anew.
    wait_until(lambda: is_shown(unit, words), 10, "both on the page of the status", every=0.5)
    # What was read before goes on, over connections of its own.
    more(front)
    assert set(front.serials) == {serial(pki.client.certificate)}
    assert unit.told("alertEnd", EXPIRING) == 0, "the certificate in use is the former"
    unit.install_identity(renewed)
    wait_until(lambda: unit.told("alertEnd", FAULTY) == 1, 60, "the alert's end", every=1)
    wait_until(lambda: serial(renewed.certificate) in front.serials, 60, "the new certificate", every=0.5)
    assert unit.identity() == ""
    end_and_compare(unit, front)


def test_a_renewal_file_by_file_is_no_fault(unit, front, pki):
    """The alert leaves a technician a minute between one file and the other."""
    renewed = pki.authority.issue("unit-renewed", "clientAuth", days=200)
    since = time.monotonic()
    unit.install(renewed.certificate, unit.files.certificate)
    wait_until(lambda: unit.identity() != "", 60, "a word in the status", every=1)
    unit.install(renewed.key, unit.files.key)
    wait_until(lambda: unit.identity() == "", 60, "no word in the status", every=1)
    # On a busy machine it may have taken as long as a technician.
    assert unit.told("alertStart", FAULTY) == 0 or time.monotonic() - since > 55
    more(front)
    end_and_compare(unit, front)


def test_a_key_that_others_may_read_is_used_no_more(unit, front):
    unit.files.key.chmod(0o644)
    wait_until(lambda: "may read or write" in unit.uplink.log(), 60, "a word about the key", every=1)
    # What was under way with it ends.
    time.sleep(3)
    seen = len(front.serials)
    wait_until(lambda: unit.told("alertStart", FAULTY) == 1, 150, "the alert", every=1)
    assert len(front.serials) == seen, "the key was used"
    unit.files.key.chmod(0o600)
    more(front)
    end_and_compare(unit, front)
