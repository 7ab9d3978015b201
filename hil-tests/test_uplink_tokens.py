"""SMART Backend Services: the unit signs, a token service that shares nothing with it verifies and gives tokens. What
that service does wrong costs no record, and neither a token nor what the unit signed is anywhere afterwards.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import threading
import time
from pathlib import Path

import pytest

from peers import delivery, fhir_checks
from peers.front import Front
from peers.host import json_lines, nabd
from peers.nonin import UNPLUGGED, Vitals
from peers.token_service import TokenService, thumbprint
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

WINDOW = 3
CLIENT = "mobile-7"


def make_key(path: Path) -> Path:
    subprocess.run(["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", str(path)], check=True,
                   capture_output=True, timeout=30)
    path.chmod(0o600)
    return path


@pytest.fixture
def front(servers, pki):
    records = servers().start()
    front = Front(pki, records.direct_url)
    front.records = records
    yield front
    front.stop()


@pytest.fixture
def unit(bench, host, front, pki, tmp_path):
    """A unit that asks for tokens, not started; and its token service, which knows its key by `nabd uplink jwks`."""
    key = make_key(tmp_path / "smart.key")

    def make(**smart: str) -> TokenService:
        host.configure(
            bench.devices(), front.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s",
            uplink={"smart": {"client": CLIENT, "key": str(key), **smart}})
        told = nabd("uplink", "jwks", "--config", host.config)
        assert told.returncode == 0, told.stderr.decode()
        service = TokenService(front, CLIENT, json.loads(told.stdout), finds_itself="token-endpoint" not in smart)
        service.key = key
        return service

    return make


def problem(host) -> str:
    told = nabd("uplink", "status", "--config", host.config)
    return json_lines(told.stdout)[0].get("problem", "") if told.returncode == 0 else ""


def deliver_and_compare(host, front) -> None:
    since = time.time()
    wait_until(
        lambda: max((fhir_checks.bounds(o)[1] for o in fhir_checks.measurements(
            front.records.all("Observation"))), default=0) > since, 240, "what was measured from now on", every=1)
    delivery.wait_until_through(host, WINDOW)
    host.stop()
    observations = front.records.all("Observation")
    delivery.assert_same(host.export(), observations, undelivered_tail=WINDOW + 3)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))


def assert_nothing_is_kept(host, service: TokenService, tmp_path: Path) -> None:
    """Neither tokens nor what was signed, nor what the service says, stands in the log, a book, the record, a bundle
    or a status."""
    packed, bundle = tmp_path / "bundle.tar.gz", tmp_path / "bundle.txt"
    told = nabd("support-bundle", "--config", host.config, "--output", packed)
    assert told.returncode == 0, told.stderr.decode()
    with open(bundle, "wb") as file:
        file.write(gzip.decompress(packed.read_bytes()))
        for command in (("status",), ("uplink", "status"), ("uplink", "parked", "--full")):
            told = nabd(*command, "--config", host.config)
            file.write(told.stdout + told.stderr)
    secrets = [token.encode() for token in service.given] + [signed.split(".")[2].encode() for signed in service.asked]
    assert secrets
    files = [path for path in host.directory.rglob("*") if path.is_file()] + [bundle]
    assert any(path.suffix == ".sqlite" for path in files) and host.log_path in files
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret in content], f"{path.name} has a secret in it"
        assert b"error_description" not in content, f"{path.name} has words of the service in it"


def test_a_unit_signs_and_delivers_with_a_token(unit, host, front, tmp_path):
    service = unit()
    [key] = service.keys.values()
    assert key["kid"] == thumbprint(key) and (key["crv"], key["alg"]) == ("P-384", "ES384") and "d" not in key
    service.scope, service.expires_in = "system/*.cru", "6"
    told = nabd("doctor", "--config", host.config, timeout=120)
    assert b"token service gives this unit one" in told.stdout, told.stdout.decode()
    host.start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: len(service.given) >= 5, 60, "tokens to be renewed")
    assert service.refused == [] and service.unknown == 0
    deliver_and_compare(host, front)
    assert len(set(service.asked)) == len(service.asked) == len(service.given)
    assert_nothing_is_kept(host, service, tmp_path)


def test_a_token_that_is_not_taken_any_more_is_asked_for_anew(unit, host, front, tmp_path):
    service = unit()
    host.start()
    for _ in range(3):
        stored = len(front.stored)
        wait_until(lambda count=stored: len(front.stored) > count, 60, "resources")
        given = len(service.given)
        service.revoke()
        wait_until(lambda count=given: len(service.given) > count, 60, "another token")
    assert service.unknown >= 3 and "nothing is delivered now" not in host.log(), host.log_tail()
    deliver_and_compare(host, front)
    assert_nothing_is_kept(host, service, tmp_path)


def test_a_token_that_is_never_taken_is_not_asked_for_without_end(unit, host, front):
    service = unit()
    service.takes_any = False
    host.start()
    wait_until(lambda: "gave a moment ago (HTTP 401)" in problem(host), 60, "the reason", every=1)
    before = len(service.given)
    time.sleep(20)
    # Pauses double up to 15 s; a busy machine only has fewer.
    assert len(service.given) - before <= 10, f"{len(service.given) - before} tokens in 20 s"
    service.takes_any = True
    deliver_and_compare(host, front)


def alarms(front) -> int:
    return sum("DISCONN" in json.dumps(one) for one in front.records.all("Observation"))


def test_two_lanes_that_are_refused_at_once_ask_for_one_token(unit, bench, host, front):
    bench.oximeter.varying = False
    service = unit()
    host.start()
    wait_until(lambda: len(front.stored) > 20, 60, "resources")
    service.together = barrier = threading.Barrier(2)
    given, unknown = len(service.given), service.unknown
    service.revoke()
    wait_until(lambda: barrier.n_waiting == 1, 60, "one lane to be refused")
    # An alarm comes by the other task, over a connection of its own.
    bench.oximeter.vitals = UNPLUGGED
    wait_until(lambda: service.together is None, 60, "the other lane to be refused")
    wait_until(lambda: alarms(front), 60, "the alarm", every=0.5)
    assert (service.unknown - unknown, len(service.given) - given) == (2, 1)
    bench.oximeter.vitals = Vitals()
    deliver_and_compare(host, front)


def test_an_alarm_does_not_wait_for_a_pause_before_the_next_token(unit, bench, host, front):
    """Pauses have grown to 15 s. In the first moment of one the token service is well again, and an alarm comes."""
    bench.oximeter.varying = False
    service = unit()
    service.mode, service.expires_in = "error", "300"
    host.start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: len(service.asked) >= 6, 120, "pauses to grow", every=0.02)
    last = time.monotonic()
    service.mode = "give"
    bench.oximeter.vitals = UNPLUGGED
    wait_until(lambda: service.given, 60, "a token", every=0.02)
    took = time.monotonic() - last
    wait_until(lambda: alarms(front), 30, "the alarm", every=0.5)
    print(f"a token {took:.1f} s after the last failure")
    assert took < 12, f"{took:.1f} s, though an alarm was there"
    bench.oximeter.vitals = Vitals()
    deliver_and_compare(host, front)


FAULTS = {
    "error": ({"mode": "error"}, "HTTP 500"),
    "redirect": ({"mode": "redirect"}, "HTTP 302"),
    "long": ({"mode": "long"}, "longer than what is read"),
    "other-audience": ({"mode": "other-audience"}, "does not take this unit's signature"),
    "other-scope": ({"scope": "patient/*.rs"}, "does not give what “scope” asks for"),
    "negative": ({"expires_in": "-1"}, "over at once"),
    "true": ({"expires_in": "true"}, "without a token that can be read"),
    "beyond": ({"expires_in": "1e999"}, "the token service"),
    "deep": ({"expires_in": "[" * 20_000}, "without a token that can be read"),
    "clock": ({"mode": "other-audience", "ahead": 7200.0}, "s behind that service's: set the clock"),
}


def test_each_fault_of_the_token_service_is_told_and_costs_nothing(unit, host, front, tmp_path, table):
    service = unit()
    usual = {"mode": "give", "expires_in": "300", "scope": None, "ahead": 0.0}
    seen = []
    for number, (changes, words) in enumerate(FAULTS.values()):
        for name, value in {**usual, **changes}.items():
            setattr(service, name, value)
        if number == 0:
            host.start()
        wait_until(lambda: words in problem(host), 60, f"“{words}”", every=0.5)
        seen.append(problem(host))
        assert front.stored == {}
    for name, value in usual.items():
        setattr(service, name, value)
    deliver_and_compare(host, front)
    assert_nothing_is_kept(host, service, tmp_path)
    table.row(None, "token service at fault", ", ".join(FAULTS),
              "each told in words of the unit's; nothing lost, nothing of it kept",
              f"{len(set(seen))} sentences, the record whole afterwards")


@pytest.mark.parametrize("expires_in", [None, "99999999999", '"300"'])
def test_a_lifetime_that_is_odd_is_bounded(unit, host, front, expires_in):
    service = unit(**{"token-endpoint": front.base_url.removesuffix("/fhir") + "/token"})
    service.expires_in = expires_in
    host.start()
    deliver_and_compare(host, front)
    assert len(service.given) == 1 and service.unknown == 0


def test_a_token_service_that_drips_is_given_up(unit, host, front):
    service = unit()
    service.mode = "drip"
    host.start()
    wait_until(lambda: "no whole answer from the token service within 30 s" in problem(host), 90, "the end", every=1)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    service.mode = "give"
    deliver_and_compare(host, front)


def test_a_stop_does_not_wait_for_a_token(unit, host, front):
    service = unit()
    service.mode = "drip"
    host.start()
    wait_until(lambda: service.asked, 60, "the question")
    # The fixture's own limit: within 15 s.
    host.stop()


def test_the_key_is_the_units_own_and_may_be_another_tomorrow(unit, host, front, tmp_path):
    service = unit()
    service.key.chmod(0o640)
    for command in ("check", "doctor"):
        told = nabd(command, "--config", host.config)
        words = told.stdout if command == "doctor" else told.stderr
        assert told.returncode == 1 and b"others than its owner" in words, words.decode()
    assert nabd("uplink", "jwks", "--config", host.config).returncode != 0
    host.start()
    wait_until(lambda: "others than its owner" in problem(host), 60, "the reason", every=1)
    assert service.asked == []
    service.key.chmod(0o600)
    wait_until(lambda: front.stored, 60, "resources")
    # Another key, registered there first: its name is told, and it is used when the next token is asked for.
    fresh = make_key(tmp_path / "fresh.key")
    fresh.rename(service.key)
    told = nabd("uplink", "jwks", "--config", host.config)
    [key] = json.loads(told.stdout)["keys"]
    assert key["kid"] not in service.keys
    service.keys = {key["kid"]: key}
    service.revoke()
    deliver_and_compare(host, front)
    assert service.refused == []
