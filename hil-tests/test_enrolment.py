"""EST (RFC 7030): a unit makes its key and gets its first certificate, and has it renewed while it runs. A server that
shares nothing with it says whether what was asked is right; what that server does wrong costs neither certificate nor
key, and none of its words is printed.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from datetime import timedelta

import pytest

from peers import delivery, fhir_checks
from peers.enrolled import NAME, PASSWORD, Unit
from peers.est_server import ESTServer, certificate_of
from peers.front import Front
from peers.host import binary, nabd
from peers.tracing import need_strace
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(420)]

FAULTY = "NABD_IDENTITY_FAULTY"
# So that a process that has just begun waits no more than a twentieth of it, and the former lasts through a test.
SOON_OVER = {"begin": timedelta(days=-6), "end": timedelta(seconds=400)}


@pytest.fixture
def est(pki):
    server = ESTServer(pki)
    server.passwords[NAME] = PASSWORD
    yield server
    server.stop()


@pytest.fixture
def unit(host, est, pki, tmp_path):
    return Unit(host, est, tmp_path / "identity", pki).configure()


@pytest.fixture
def front(servers, pki):
    records = servers().start()
    front = Front(pki, records.direct_url)
    front.records = records
    yield front
    front.stop()


# The first certificate


def test_a_unit_makes_its_key_and_gets_its_first_certificate(unit, est):
    told = unit.enrol()
    assert told.returncode == 0, told.stderr.decode()
    unit.assert_tidy()
    assert est.seen == ["/.well-known/est/cacerts", "/.well-known/est/simpleenroll"]
    [asked] = est.asked
    assert asked.serial is None and asked.request.subject.rfc4514_string() == f"CN={NAME}"
    assert unit.serial == est.given[0].serial_number and b"SHA-256 " in told.stdout
    # Another needs a word; the one that is there stays.
    again = unit.enrol()
    assert again.returncode == 2 and b"--again" in again.stderr and len(est.asked) == 1
    told = unit.enrol("--again", stdin=PASSWORD.encode() + b"\n")
    assert told.returncode == 0, told.stderr.decode()
    assert unit.serial == est.given[1].serial_number
    unit.assert_tidy()
    [former] = unit.folder.glob("unit.pem.former-*")
    assert certificate_of(former) == est.given[0]
    assert b"unit.pem" not in nabd("check", "--config", unit.host.config).stderr
    unit.file.unlink()
    assert b"nabd uplink enrol" in nabd("check", "--config", unit.host.config).stderr


@pytest.mark.parametrize("mode", [0o700, 0o2750])
def test_no_byte_of_a_key_is_ever_where_others_may_read_it(unit, est, tmp_path, mode):
    need_strace()
    unit.folder.chmod(mode)
    once, log = tmp_path / "once.txt", tmp_path / "trace"
    once.write_text(PASSWORD)
    once.chmod(0o600)
    command = [str(binary()), "uplink", "enrol", "--config", str(unit.host.config), "--password-file", str(once)]
    ended = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-s", "200", "-o", str(log), "-e",
         "trace=openat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,execve", *command],
        capture_output=True, timeout=120, umask=0)
    assert ended.returncode == 0, ended.stderr.decode()
    lines = [line for line in log.read_text(errors="replace").splitlines() if "unit.pem" in line]
    made = [line for line in lines if "O_CREAT" in line]
    assert len(made) >= 2 and all(", 0600)" in line for line in made), "\n".join(made)
    assert PASSWORD not in log.read_text(errors="replace")
    # What is done to a file is done to the one that was made, whatever has its name by then.
    changed = [line for line in lines if re.search(r"ch(mod|own)(at)?\(", line)]
    assert all(re.search(r" fch(mod|own)\(\d+<", line) for line in changed), "\n".join(changed)
    rights = [line for line in changed if "chmod" in line]
    if mode == 0o700:
        assert not rights
        unit.assert_tidy()
    else:
        assert rights and all(", 0640)" in line for line in rights), "\n".join(rights)
        assert [path.name for path in unit.folder.iterdir()] == ["unit.pem"]


@pytest.mark.parametrize("mode", ["ber", "lines", "chain"])
def test_answers_of_other_servers_are_read(unit, est, mode):
    est.mode = mode
    told = unit.enrol()
    assert told.returncode == 0, told.stderr.decode()
    unit.assert_tidy()


LIES = {
    "other-key": "not for the key that this unit made",
    "other-authority": "not signed by an authority that this unit trusts",
    "not-yet": "not valid yet",
    "over": "is over: this unit's clock is ahead",
    "other-name": "for another name than",
    "of-servers": "not for TLS client authentication",
    "of-authority": "one of an authority",
    "two": "more than one certificate for the key",
    "truncated": "no list of certificates",
    "signer": "no list of certificates",
    "no-base64": "no base64",
    "huge": "longer than what is read of one",
    "html": "of another type",
    "half": "closed the connection",
    "302": "sends this unit elsewhere",
    "400": "HTTP 400", "404": "HTTP 404", "500": "HTTP 500", "503": "HTTP 503",
}


@pytest.mark.parametrize("mode", LIES)
def test_each_lie_has_a_sentence_and_puts_nothing_in_place(unit, est, mode):
    est.mode = mode
    told = unit.enrol()
    words = told.stderr.decode() + told.stdout.decode()
    assert told.returncode == 69 and LIES[mode] in words, words
    assert "SECRET" not in words and "\x1b" not in words, words
    assert not unit.file.exists()
    # The key is kept for the next try, which asks for the same.
    est.mode = "give"
    assert unit.enrol().returncode == 0
    assert est.asked[0].body == est.asked[1].body
    unit.assert_tidy()


def test_a_wrong_password_a_wrong_server_and_wrong_authorities(unit, est, pki, tmp_path):
    told = unit.enrol(password="guessed")
    assert told.returncode == 69 and b"does not take the one-time password" in told.stderr, told.stderr
    assert b"guessed" not in told.stderr + told.stdout and est.asked == [] and not unit.file.exists()
    once = tmp_path / "open.txt"
    once.write_text(PASSWORD)
    once.chmod(0o644)
    told = nabd("uplink", "enrol", "--config", unit.host.config, "--password-file", once)
    assert told.returncode == 69 and b"chmod 600" in told.stderr
    est.cacerts_mode = "garbage"
    told = unit.enrol()
    assert told.returncode == 69 and b"no list of certificates" in told.stderr and b"SECRET" not in told.stderr
    # Who is not the right server is told no password.
    for identity in (pki.foreign_server, pki.wrong_name_server):
        foreign = ESTServer(pki, identity)
        try:
            unit.server = foreign
            told = unit.configure().enrol()
            assert told.returncode == 69 and b"TLS: the server's certificate" in told.stderr, told.stderr
            assert foreign.seen == [] and not unit.file.exists()
        finally:
            foreign.stop()


def test_a_password_that_is_typed_is_not_shown(unit, est):
    command = [str(binary()), "uplink", "enrol", "--config", str(unit.host.config), "--password-file", "-"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown = b""

    def read() -> bool:
        nonlocal shown
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            return True
        return False

    while b"password: " not in shown:
        assert not read(), shown
    os.write(terminal, PASSWORD.encode() + b"\n")
    while not read():
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0 and b"SHA-256" in shown, shown
    assert PASSWORD.encode() not in shown
    unit.assert_tidy()


def test_a_server_that_does_not_answer_is_given_a_minute(unit, est):
    est.hold = lambda _: time.sleep(75)
    began = time.monotonic()
    told = unit.enrol()
    assert told.returncode == 69 and b"no whole answer from the EST server within 60 s" in told.stderr, told.stderr
    assert 55 < time.monotonic() - began < 110 and not unit.file.exists()


def test_a_server_that_takes_its_time_is_asked_the_same_again(unit, est):
    est.pending = 2
    told = unit.enrol()
    assert told.returncode == 0, told.stderr.decode()
    first, second, third = est.asked
    assert first.body == second.body == third.body
    assert second.time - first.time >= 2 and third.time - second.time >= 2
    # For long it is not waited in front of a terminal; what was asked is kept.
    est.pending, est.retry_after = 1, "86400"
    told = unit.enrol("--again")
    assert told.returncode == 69 and b"86400 s" in told.stderr
    told = unit.enrol("--again")
    assert told.returncode == 0 and est.asked[3].body == est.asked[4].body
    unit.assert_tidy()


def test_what_the_records_service_does_not_take_takes_not_even_an_enrolments_place(unit, est, front):
    assert unit.enrol().returncode == 0
    former = unit.serial
    unit.configure(front=front)
    front.guard = refuse_others_than(former)
    told = unit.enrol("--again")
    assert told.returncode == 69 and b"takes the former" in told.stderr, told.stderr
    assert unit.serial == former
    front.guard = None
    told = unit.enrol("--again")
    assert told.returncode == 0 and est.asked[1].body == est.asked[2].body, told.stderr
    unit.assert_tidy()


# Renewal


def refuse_others_than(former: int):
    def guard(handler) -> bool:
        if int(handler.connection.getpeercert()["serialNumber"], 16) == former:
            return False
        handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        handler.send_response(403)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    return guard


def test_a_renewal_leaves_what_a_person_asked_for(unit, est):
    unit.give(**SOON_OVER)
    former = unit.serial
    est.pending, est.retry_after = 1, "86400"
    assert unit.enrol("--again").returncode == 69
    unit.host.start("uplink")
    # Longer than a process that has just begun waits for.
    time.sleep(30)
    assert unit.serial == former and len(est.asked) == 1
    assert unit.enrol("--again").returncode == 0
    assert est.asked[0].body == est.asked[1].body and unit.serial != former
    unit.host.stop()
    unit.assert_tidy()


def test_what_is_due_when_it_comes_is_not_renewed_without_end(unit, est):
    unit.give(**SOON_OVER)
    est.before = timedelta(days=300)
    unit.host.start("uplink")
    wait_until(lambda: "is the clock ahead?" in unit.host.log(), 60, "a word in the log", every=1)
    time.sleep(30)
    assert len(est.asked) == 1
    unit.host.stop()
    unit.assert_tidy()


def test_what_is_due_when_it_comes_stands_under_identity_until_it_is_not(bench, unit, est, front):
    """It is in place and delivers meanwhile; a person is to look at the clock, or at the authority."""
    def told(event: str) -> int:
        return sum(line.get("event") == event and line.get("alert") == FAULTY for line in unit.host.export())

    unit.give(**SOON_OVER)
    unit.configure(bench.devices(), front)
    former = unit.serial
    # Asked for anew when a twentieth of it is over: two and a half minutes.
    est.before, est.after = timedelta(days=300), timedelta(seconds=3000)
    unit.host.start()
    wait_until(
        lambda: "to be renewed already" in unit.status().get("identity", ""), 60, "a word in the status", every=1)
    assert unit.serial != former and len(est.asked) == 1
    assert "to be renewed already" in unit.status()["renewal"]["reason"]
    wait_until(lambda: told("alertStart") == 1, 140, "the alert", every=1)
    count = len(front.stored)
    wait_until(lambda: len(front.stored) > count, 60, "delivery with the new certificate")
    assert len(est.asked) == 1 and int(front.serials[-1], 16) == unit.serial
    est.before, est.after = timedelta(minutes=1), timedelta(days=90)
    wait_until(lambda: len(est.asked) == 2, 200, "the next question", every=1)
    wait_until(lambda: unit.status().get("identity", "") == "", 60, "no word in the status", every=1)
    wait_until(lambda: told("alertEnd") == 1, 60, "the alert's end", every=1)
    unit.host.stop()
    unit.assert_tidy()


def test_a_running_unit_renews_and_nothing_is_lost(bench, unit, est, front):
    unit.give(**{**SOON_OVER, "end": timedelta(seconds=200)})
    unit.configure(bench.devices(), front)
    former = unit.serial
    unit.host.start()
    wait_until(lambda: unit.file.exists() and unit.serial != former, 30, "another certificate")
    pid = unit.host.pid
    [asked] = est.asked
    assert int(asked.serial, 16) == former
    assert asked.request.subject.rfc4514_string() == f"CN={NAME},O=Oncology"
    assert [name.value for one in asked.request.extensions for name in one.value] == ["mobile-7.example"]
    wait_until(lambda: int(front.serials[-1], 16) == unit.serial if front.serials else False, 60,
               "a connection with the new certificate", every=0.5)
    count = len(front.stored)
    wait_until(lambda: len(front.stored) > count + 20, 60, "more resources")
    unit.assert_tidy()
    [kept] = unit.folder.glob("unit.pem.former-*")
    assert certificate_of(kept).serial_number == former
    wait_until(lambda: unit.status().get("renewal", {}).get("due") is not None, 60, "a word in the status", every=1)
    assert "failures" not in unit.status()["renewal"] and unit.host.pid == pid
    assert len(est.asked) == 1, "it was renewed again"
    delivery.wait_until_through(unit.host, 3)
    unit.host.stop()
    observations = front.records.all("Observation")
    delivery.assert_same(unit.host.export(), observations, undelivered_tail=6)
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))


def test_what_is_not_given_is_asked_for_again_and_becomes_an_alert(bench, unit, est, front):
    def told(event: str) -> int:
        return sum(line.get("event") == event and line.get("alert") == FAULTY for line in unit.host.export())

    unit.give(**SOON_OVER)
    unit.configure(bench.devices(), front)
    former = unit.serial
    est.mode = "other-key"
    unit.host.start()
    wait_until(lambda: "not for the key" in unit.status().get("identity", ""), 60, "a word in the status", every=1)
    wait_until(lambda: told("alertStart") == 1, 150, "the alert", every=1)
    count = len(front.stored)
    wait_until(lambda: len(front.stored) > count, 60, "delivery with the former certificate")
    assert unit.serial == former and len(est.asked) > 1
    est.mode = "give"
    wait_until(lambda: unit.serial != former, 120, "another certificate", every=1)
    wait_until(lambda: told("alertEnd") == 1, 60, "the alert's end", every=1)
    assert len({asked.body for asked in est.asked}) == 1, "each time another key"
    assert "SECRET" not in unit.host.log()
    unit.host.stop()
    unit.assert_tidy()


def test_what_the_records_service_does_not_take_is_not_put_in_place(bench, unit, est, front):
    unit.give(**SOON_OVER)
    unit.configure(bench.devices(), front)
    former = unit.serial
    front.guard = refuse_others_than(former)
    unit.host.start()
    wait_until(lambda: "takes the former" in unit.status().get("identity", ""), 60, "a word in the status", every=1)
    assert unit.serial == former and len(est.given) > 0
    count = len(front.stored)
    wait_until(lambda: len(front.stored) > count, 60, "delivery with the former certificate")
    front.guard = None
    wait_until(lambda: unit.serial != former, 120, "the new certificate", every=1)
    unit.host.stop()
    unit.assert_tidy()


def test_another_authority_is_told_and_never_taken(unit, est, pki):
    trusted = pki.authority.certificate.read_bytes()
    unit.give(begin=timedelta(days=-1), end=timedelta(days=80))
    est.cacerts = [pki.authority, pki.foreign_authority]
    unit.host.start("uplink")
    wait_until(lambda: "authorities are not those of this unit" in unit.host.log(), 30, "a word of the difference")
    digest = subprocess.run(
        ["openssl", "x509", "-in", str(pki.foreign_authority.certificate), "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, check=True, timeout=30).stdout.strip().split("=")[1].replace(":", "").lower()
    assert digest in unit.host.log()
    time.sleep(2)
    assert pki.authority.certificate.read_bytes() == trusted and est.asked == []
    unit.host.stop()
