"""Wrong identities on either side: nothing is delivered, sampling goes on, the log says why, and nothing is lost."""

from __future__ import annotations

import re
import time

import pytest

from peers import delivery, journal
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]

# Long enough for several attempts with growing pauses between them.
PATIENCE = 12
CASES = {
    # what the TLS front or the unit presents, and words of which the log must hold one
    "foreign-client": r"(?i)certificate|\b40[0-9]\b",
    "foreign-server": r"(?i)certificate|verif|unknown.?ca|trust",
    "wrong-name": r"(?i)host.?name|ip.?address|certificate|verif|name.*mismatch",
    "old-tls": r"(?i)protocol.?version|tls|handshake|ssl",
}


def make_server(case: str, servers, pki):
    if case == "foreign-server":
        return servers(identity=pki.foreign_server)
    if case == "wrong-name":
        return servers(identity=pki.wrong_name_server)
    if case == "old-tls":
        return servers(protocols="TLSv1.2")
    return servers()


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_peer_gets_nothing_and_costs_nothing(case, bench, host, servers, pki):
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
    repair_and_compare(host, bench, records, pki)


def _is_reason(line: str, words: str) -> bool:
    """A warning or an error that gives a reason; a line that merely repeats the configuration does not count."""
    return bool(re.search(r"(?i)warn|error|critical", line) and re.search(words, line))


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
