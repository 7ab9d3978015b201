"""EST (RFC 7030): a unit makes its key and gets its first certificate, and has it renewed while it runs. A server that
shares nothing with it says whether what was asked is right; what that server does wrong costs neither certificate nor
key, and none of its words is printed.
"""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from peers import delivery, fhir_checks
from peers.est_server import ESTServer, certificate_of, key_of
from peers.front import Front
from peers.host import Host, binary, json_lines, nabd
from peers.pki import Identity
from peers.tracing import CHANGING, kill_points, need_strace, traced
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(420)]

NAME, PASSWORD = "mobile-7", "once-47-only"
FAULTY, EXPIRING = "NABD_IDENTITY_FAULTY", "NABD_CERTIFICATE_EXPIRING"
# No such port: what is tested needs no device.
NOBODY = {"fridge": {"profile": "xy/md02", "line": "/dev/ttyUSB-none", "unit": 3}}
# So that a third of its life is left, and more than a day.
NEARLY_OVER = {"begin": timedelta(days=-6), "end": timedelta(days=2)}


class Unit:
    """A host whose certificate and key are one file, and the EST server that gives them."""

    def __init__(self, host: Host, server: ESTServer, folder: Path, pki) -> None:
        self.host, self.server, self.pki = host, server, pki
        self.folder = folder
        self.file = folder / "unit.pem"
        self.files = Identity(self.file, self.file)
        folder.mkdir(mode=0o700)

    def configure(self, devices: dict | None = None, front: Front | None = None, **est: object) -> Unit:
        self.host.configure(
            devices or NOBODY, front.base_url if front else "https://127.0.0.1:1/fhir", self.pki.authority.certificate,
            self.files, "3s", uplink={"est": {"server": self.server.url, "subject": NAME, **est}})
        return self

    def enrol(self, *more: str, password: str = PASSWORD, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        once = self.folder.parent / "once.txt"
        once.write_text(password + "\n")
        once.chmod(0o600)
        place = ["--password-file", "-" if stdin else once]
        return nabd("uplink", "enrol", "--config", self.host.config, *place, *more, stdin=stdin, timeout=120)

    def give(self, **changes: object) -> None:
        """A pair is there that was asked for by another tool, and is to be renewed."""
        key = subprocess.run(["openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout"], capture_output=True,
                             check=True, timeout=30).stdout
        request = subprocess.run(
            ["openssl", "req", "-new", "-key", "/dev/stdin", "-subj", f"/O=Oncology/CN={NAME}", "-addext",
             "subjectAltName=DNS:mobile-7.example", "-outform", "DER"], input=key, capture_output=True, check=True,
            timeout=30).stdout
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        given = self.server.sign(x509.load_der_x509_csr(request), **{**NEARLY_OVER, **changes})
        self.server.given.clear()
        self.file.write_bytes(given.public_bytes(serialization.Encoding.PEM) + key)
        self.file.chmod(0o600)

    @property
    def serial(self) -> int:
        return certificate_of(self.file).serial_number

    def assert_whole(self) -> None:
        """Certificate and key belong together, others have no right to anything, and no key lies about."""
        key = key_of(self.file)
        assert certificate_of(self.file).public_key() == key.public_key()
        for path in self.folder.iterdir():
            assert path.stat().st_mode & 0o077 == 0, f"{path.name} has mode {path.stat().st_mode:o}"

    def assert_tidy(self) -> None:
        self.assert_whole()
        for path in self.folder.iterdir():
            assert path == self.file or path.name.startswith("unit.pem.former-"), path.name
            assert path == self.file or b"PRIVATE KEY" not in path.read_bytes()

    def status(self) -> dict:
        told = nabd("uplink", "status", "--config", self.host.config)
        return json_lines(told.stdout)[0] if told.returncode == 0 else {}


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


def test_no_byte_of_a_key_is_ever_where_others_may_read_it(unit, est, tmp_path):
    need_strace()
    once, log = tmp_path / "once.txt", tmp_path / "trace"
    once.write_text(PASSWORD)
    once.chmod(0o600)
    command = [str(binary()), "uplink", "enrol", "--config", str(unit.host.config), "--password-file", str(once)]
    ended = subprocess.run(
        [*traced(log, "-e", "trace=openat,chmod,fchmod,fchmodat,umask,execve,rename")[:1], "-f", "-qq", "-y", "-s",
         "200", "-o", str(log), "-e", "trace=openat,chmod,fchmod,fchmodat,execve", *command],
        capture_output=True, timeout=120, umask=0)
    assert ended.returncode == 0, ended.stderr.decode()
    lines = [line for line in log.read_text(errors="replace").splitlines() if "unit.pem" in line]
    made = [line for line in lines if "O_CREAT" in line]
    assert len(made) >= 2 and all(", 0600)" in line for line in made), "\n".join(made)
    assert not [line for line in lines if "chmod" in line]
    assert PASSWORD not in log.read_text(errors="replace")
    unit.assert_tidy()


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


# Renewal


def test_a_running_unit_renews_and_nothing_is_lost(bench, unit, est, front):
    unit.give()
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

    unit.give()
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
    unit.give()
    unit.configure(bench.devices(), front)
    former = unit.serial

    def guard(handler) -> bool:
        if int(handler.connection.getpeercert()["serialNumber"], 16) == former:
            return False
        handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        handler.send_response(403)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    front.guard = guard
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


# Kills


def test_a_kill_while_the_server_signs_asks_for_the_same_again(unit, est):
    unit.give()
    former = unit.serial

    def hold(_: object) -> None:
        # Signed and not said: the server has it on its list.
        unit.host.kill()

    est.hold = hold
    unit.host.start("uplink")
    wait_until(lambda: len(est.asked) == 1 and unit.host.gone, 30, "the kill")
    est.hold = None
    unit.assert_whole()
    assert unit.serial == former
    unit.host.start("uplink")
    wait_until(lambda: unit.serial != former, 30, "another certificate")
    assert est.asked[0].body == est.asked[1].body
    wait_until(lambda: not (unit.folder / "unit.pem.asked").exists(), 10, "the key to be where it belongs")
    unit.assert_tidy()
    unit.host.stop()


def test_a_kill_before_any_system_call_leaves_a_pair(unit, est, tmp_path):
    """SIGKILL before each call that makes, writes, renames or removes a file beside the pair: the former is there or
    the new one, whole, and the next start comes to an end."""
    need_strace()
    log = tmp_path / "trace"
    unit.give()
    original, former = unit.file.read_bytes(), unit.serial

    def start(options: list[str]) -> subprocess.Popen:
        return subprocess.Popen(
            [*traced(log, *options), str(binary()), "run", "--role", "uplink", "--config", str(unit.host.config)],
            cwd=unit.host.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def reset() -> None:
        for path in unit.folder.iterdir():
            path.unlink()
        unit.file.write_bytes(original)
        unit.file.chmod(0o600)

    def finished() -> bool:
        return unit.serial != former and not (unit.folder / "unit.pem.asked").exists()

    process = start(["-e", f"trace={CHANGING},write,chmod"])
    wait_until(finished, 60, "a renewal")
    time.sleep(0.5)
    process.kill()
    process.wait(10)
    changing = [
        point for point in kill_points(log, unit.folder)
        if point.call != "openat" or point.file != "unit.pem"]
    assert len(changing) >= 12, [str(point) for point in changing]
    reached, seen = 0, set()
    for point in changing:
        reset()
        process = start(point.options(unit.folder))
        wait_until(lambda process=process: process.poll() is not None or finished(), 60, f"the end before {point}")
        if process.poll() is None:
            process.kill()
        else:
            reached += 1
        process.wait(10)
        unit.assert_whole()
        seen.add(unit.serial == former)
        process = start(["-e", "trace=none"])
        wait_until(finished, 60, f"a renewal after a kill before {point}")
        process.kill()
        process.wait(10)
        unit.assert_tidy()
        assert certificate_of(next(unit.folder.glob("unit.pem.former-*"))).serial_number == former, str(point)
    assert seen == {True, False}, "no kill was before, or none behind the change"
    assert reached >= 0.7 * len(changing), f"only {reached} of {len(changing)} kills took place"
    print(f"{reached} kills before {len(changing)} calls")
