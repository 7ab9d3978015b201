"""Rows 36 and 37: wrong identities on either side. Nothing is delivered, sampling goes on, the log says why, and
nothing is lost.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from peers import delivery, journal
from peers.est_server import certificate_of, key_of
from peers.pki import Identity
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]

# Long enough for several attempts with growing pauses between them.
PATIENCE = 12
LOOPBACK = "IP:127.0.0.1,DNS:localhost"
CASES = {
    # what the TLS front or the unit presents, and the sentence that the log must hold
    "foreign-client": "",
    "foreign-server": "not signed by the authority that this unit trusts",
    "wrong-name": "is for another host than",
    "old-tls": "does not speak TLS 1.3",
    "expired": "certificate has expired",
    "not-yet-valid": "is not valid yet",
    "wildcard": "is for any host of a domain",
    "weak-key": "key is too weak",
    "sha-1": "signed by SHA-1 or",
}


def make_server(case: str, servers, pki):
    if case == "foreign-server":
        return servers(identity=pki.foreign_server)
    if case == "wrong-name":
        return servers(identity=pki.wrong_name_server)
    if case == "old-tls":
        return servers(protocols="TLSv1.2")
    odd = {
        "expired": {"days": -1}, "wildcard": {"subject_names": LOOPBACK + ",DNS:*.example.invalid"},
        "weak-key": {"key_type": "rsa:1024"}, "sha-1": {"digest": "sha1"},
    }
    if case in odd:
        how = {"subject_names": LOOPBACK} | odd[case]
        return servers(identity=pki.authority.issue(f"odd-{case}", "serverAuth", **how))
    if case == "not-yet-valid":
        return servers(identity=begins_tomorrow(pki))
    return servers()


def begins_tomorrow(pki) -> Identity:
    """The server's own certificate and key, but for the time."""
    own, authority, now = certificate_of(pki.server.certificate), pki.authority, datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(own.subject).issuer_name(own.issuer).public_key(own.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now + timedelta(days=1))
        .not_valid_after(now + timedelta(days=30)))
    for extension in own.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    path = authority.directory / "begins-tomorrow.pem"
    path.write_bytes(builder.sign(key_of(authority.key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return Identity(path, pki.server.key)


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_peer_gets_nothing_and_costs_nothing(case, bench, host, servers, pki, table):
    records = make_server(case, servers, pki).start()
    client = pki.foreign_client if case == "foreign-client" else pki.client
    host.configure(bench.devices(), records.base_url, pki.authority.certificate, client, "3s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    before = len(journal.samples(host.export()))
    time.sleep(PATIENCE)
    assert host.running
    assert len(journal.samples(host.export())) > before + PATIENCE, "sampling did not go on"
    assert [records.count(t) for t in ("Device", "DeviceMetric", "Observation")] == [0, 0, 0]
    assert not any(" verify=SUCCESS" in line and " 200 " in line for line in records.access_log())
    assert any(_is_reason(line, CASES[case]) for line in host.log().splitlines()), host.log_tail()
    assert "BoringSSL" not in host.log() and "OPENSSL" not in host.log(), "a library's text is nobody's language"
    reason = next(line for line in host.log().splitlines() if _is_reason(line, CASES[case]))
    repair_and_compare(host, bench, records, pki)
    told = reason.split("reason=")[-1].rstrip("]") if "reason=" in reason else reason
    table.row(37 if case == "old-tls" else 36, case.replace("-", " "), f"for {PATIENCE} s, then mended",
              "refused, no way round it; sampling goes on; each number once afterwards", f"told: {told[:160]}")


def _is_reason(line: str, words: str) -> bool:
    """A warning or an error that gives a reason; a line that merely repeats the configuration does not count."""
    reason = words or r"does not take this unit's certificate|HTTP 40[0-9]"
    return bool(re.search(r"(?i)warn|error|critical", line) and re.search(reason, line))


def repair_and_compare(host, bench, records, pki) -> None:
    """After the fault is mended the backlog arrives: a refused handshake must not have thrown records away."""
    host.stop()
    records.stop_front()
    records.identity, records.protocols = pki.server, "TLSv1.3"
    records.start_front()
    host.configure(bench.devices(), records.base_url, pki.authority.certificate, pki.client, "3s").start()
    wait_until(lambda: records.count("Observation") > 0, 30, "the first observations after the repair", every=0.5)
    time.sleep(8)
    host.stop()
    delivery.assert_same(host.export(), records.all("Observation"), undelivered_tail=8)
