"""`nabd doctor` tells what a unit's machine lacks, and exits with 1 when something is wrong."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.durable import preloading
from peers.host import binary, nabd
from peers.links import Holder, PtyLink
from peers.registers import ModbusUnit, Registers
from peers.tcp_modbus import TcpModbus
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(60)]


def doctor(*arguments: str, before: tuple[str, ...] = ()) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and by what was looked at: ok, warning or fault, and the words."""
    result = subprocess.run([*before, str(binary()), "doctor", *arguments], capture_output=True, text=True, timeout=30)
    found = {}
    for line in result.stdout.splitlines():
        word, rest = line.split(maxsplit=1)
        what, words = rest.split(": ", 1)
        found[what] = (word, words)
    return result.returncode, found


TEST_PROFILES = Path(__file__).parent / "profiles"
OXIMETER = "nonin/oem-iii-df2"


def looked_at(host, devices: dict[str, dict]) -> tuple[int, dict[str, tuple[str, str]], str]:
    """What doctor finds on a unit of these devices, and what check says of it."""
    host.configure(devices)
    checked = nabd("check", "--config", host.config)
    code, found = doctor("--config", str(host.config))
    return code, found, f"exit {checked.returncode}\n{checked.stderr.decode()}"


def examined(host, pki, client, line: str, journal=None):
    device = {"spo2": {"profile": "nonin/oem-iii-df2", "line": line}}
    host.configure(device, "https://127.0.0.1:1/fhir", pki.authority.certificate, client, journal=journal)
    return doctor("--config", str(host.config))


def test_a_screen_without_its_files_is_found(host, tmp_path):
    link = PtyLink(tmp_path / "spo2")
    host.configure({"spo2": {"profile": OXIMETER, "line": str(link.path)}})
    unit = host.config.read_text()
    (host.directory / "web").mkdir()
    host.config.write_text(unit + "console: {port: 8100, web: web}\n")
    code, found = doctor("--config", str(host.config))
    assert code == 1 and found["screens"][0] == "fault" and "no index.html" in found["screens"][1], found
    (host.directory / "web" / "index.html").write_text("<!doctype html>")
    code, found = doctor("--config", str(host.config))
    assert code == 0 and found["screens"] == ("ok", "http://127.0.0.1:8100/"), found


def test_nothing_is_wrong(host, pki, tmp_path):
    link = PtyLink(tmp_path / "spo2")
    code, found = examined(host, pki, pki.authority.issue("long-lived", "clientAuth", days=100), str(link.path))
    assert code == 0, found
    assert found["certificate"][0] == "ok", found
    # The rig keeps both ends of its pseudo-terminal open.
    assert found["spo2"][0] == "warning" and f"({os.getpid()}) too" in found["spo2"][1], found
    assert found["journal"][0] in ("ok", "warning") and "MiB free" in found["journal"][1]


def test_a_missing_port_and_an_expired_certificate_are_faults(host, pki, tmp_path):
    code, found = examined(host, pki, pki.authority.issue("expired", "clientAuth", days=-1), str(tmp_path / "none"))
    assert code == 1
    assert found["spo2"][0] == "fault" and str(tmp_path / "none") in found["spo2"][1]
    assert found["certificate"] == ("fault", "the unit's certificate has expired: renew it")


def test_a_certificate_that_expires_soon_is_a_warning(host, pki, tmp_path):
    link = PtyLink(tmp_path / "spo2")
    code, found = examined(host, pki, pki.client, str(link.path))
    assert code == 0 and found["certificate"][0] == "warning", found


def test_a_journal_without_a_place_is_a_fault(host, pki):
    """/proc has no room, and only root may even try."""
    code, found = examined(host, pki, pki.client, "/dev/null", journal="/proc/journal")
    assert code == 1 and found["journal"][0] == "fault", found
    assert (
        "make room" in found["journal"][1] if os.geteuid() == 0 else "/proc cannot be written" in found["journal"][1]
    ), found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_the_journals_files_are_looked_at_for_the_hosts_user(host, tmp_path):
    """Somebody of the group, who may read only, is not told that he may not write; a file of root's is named."""
    user, link = 54321, PtyLink(tmp_path / "spo2")
    host.configure({"spo2": {"profile": OXIMETER, "line": str(link.path)}})
    host.start()
    wait_until(lambda: list(host.journal.glob("events-*.sqlite")), 10, "a journal")
    host.stop()
    for place in (host.directory, *host.directory.parents):
        if str(place).startswith("/tmp/"):
            place.chmod(0o755)
    host.config.chmod(0o644)
    for path in (host.journal, *host.journal.iterdir()):
        os.chown(path, user, user)
    reader = ("setpriv", "--reuid=65534", f"--regid={user}", "--clear-groups")
    _, found = doctor("--config", str(host.config), before=reader)
    assert found["journal"][0] in ("ok", "warning") and f"right for the user {user}" in found["journal"][1], found
    events = next(host.journal.glob("events-*.sqlite"))
    os.chown(events, 0, user)
    code, found = doctor("--config", str(host.config), before=reader)
    assert code == 1 and found["journal"][0] == "fault", found
    words = found["journal"][1]
    assert f"{events} belongs to root" in words and f"chown {user}: {events}" in words, words


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_missing_rights_are_warnings():
    code, found = doctor(
        before=("setpriv", "--bounding-set", "-sys_nice,-ipc_lock", "--inh-caps", "-sys_nice,-ipc_lock")
    )
    assert code == 0
    assert found["scheduling"][0] == found["memory"][0] == "warning", found
    assert "LimitRTPRIO" in found["scheduling"][1] or "neither" in found["scheduling"][1]
    assert "LimitMEMLOCK" in found["memory"][1]


def test_a_file_and_a_folder_are_no_ports(host, tmp_path):
    (tmp_path / "port").write_text("")
    code, found, checked = looked_at(host, {
        "file": {"profile": OXIMETER, "line": str(tmp_path / "port")},
        "folder": {"profile": OXIMETER, "line": str(tmp_path)},
        "null": {"profile": OXIMETER, "line": "/dev/null"},
    })
    assert code == 1 and checked.startswith("exit 1"), (found, checked)
    for handle, words in (("file", "is a regular file"), ("folder", "is a folder"), ("null", "is no terminal")):
        assert found[handle][0] == "fault" and words in found[handle][1] and words in checked, (found, checked)


def test_one_port_by_two_names_is_found(host, tmp_path):
    link = PtyLink(tmp_path / "spo2")
    other = tmp_path / "other"
    other.symlink_to(os.path.realpath(link.path))
    devices = {
        "one": {"profile": OXIMETER, "line": str(link.path)}, "two": {"profile": OXIMETER, "line": str(other)}
    }
    code, found, checked = looked_at(host, devices)
    assert code == 1 and found["one"][0] == "warning", found
    words = f"{other} is the same port as {link.path} of “one”"
    assert found["two"][0] == "fault" and words in found["two"][1], found
    assert checked.startswith("exit 1") and words in checked
    # A host that runs says what is true: nobody else holds it.
    host.start()
    wait_until(lambda: "is open in this host already" in host.log(), 10, "the host to say so")
    host.stop()
    assert "held by another process" not in host.log()


def test_two_ports_are_two(host, tmp_path):
    links = {name: PtyLink(tmp_path / name) for name in ("one", "two")}
    code, found, checked = looked_at(
        host, {name: {"profile": OXIMETER, "line": str(link.path)} for name, link in links.items()}
    )
    assert code == 0 and checked.startswith("exit 0"), (found, checked)


def test_a_port_that_somebody_holds_is_told_with_who_does(host, tmp_path):
    link = PtyLink(tmp_path / "spo2")
    holder = Holder(str(link.path), "flock")
    try:
        code, found, _ = looked_at(host, {"spo2": {"profile": OXIMETER, "line": str(link.path)}})
    finally:
        holder.release()
    assert code == 1 and found["spo2"][0] == "fault", found
    assert "is held by" in found["spo2"][1] and f"({os.getpid()})" in found["spo2"][1], found


def test_hosts_and_ports_over_the_network_are_tried(host):
    """Each has 2 s, all at once."""
    with socket.create_server(("127.0.0.1", 0)) as open_one, socket.create_server(("127.0.0.1", 0)) as taken:
        began = time.monotonic()
        code, found, _ = looked_at(host, {
            "open": {"profile": "victron/gx", "line": f"tcp://127.0.0.1:{open_one.getsockname()[1]}"},
            "closed": {"profile": "victron/gx", "line": f"tcp://127.0.0.1:{free_port()}"},
            "nowhere": {"profile": "victron/gx", "line": "tcp://no-such-host.invalid:502"},
            "calls": {"profile": "astm/lis2-a2", "listen": f"tcp://127.0.0.1:{taken.getsockname()[1]}"},
            "elsewhere": {"profile": "hl7/oru-mllp", "listen": "tcp://203.0.113.9:4000"},
        })
        took = time.monotonic() - began
    assert code == 1 and took < 15, took
    assert found["open"][0] == "ok", found
    for handle, words in (
        ("closed", "refuses the connection"), ("nowhere", "“no-such-host.invalid” has no address"),
        ("calls", "is taken by another process"), ("elsewhere", "is not an address of this machine"),
    ):
        assert found[handle][0] == "fault" and words in found[handle][1], (handle, found)


def test_a_running_host_keeps_its_lines_to_itself(host, clockwork):
    """A device that takes one connection would end the host's."""
    device = TcpModbus(clockwork, [ModbusUnit(1, Registers({3: range(2)}))])
    line = f"modbus+{device.line}"
    host.configure({"rig": {"profile": "bench/registers", "line": line}}, profiles=[TEST_PROFILES])
    try:
        host.start().wait_for_sample("NABD_GNSS_FIX")
        code, found = doctor("--config", str(host.config))
        assert code == 0 and device.accepted == 1, (found, device.accepted)
        assert found["host"] == ("ok", f"runs: nabd ({host.pid})"), found
        assert "left to the host that runs" in found["rig"][1], found
        host.stop()
        _, found = doctor("--config", str(host.config))
        wait_until(lambda: device.accepted == 2, 5, "doctor to look at the line itself")
        assert "host" not in found and found["rig"] == ("ok", f"{line} takes a connection"), found
    finally:
        device.stop()


def test_one_fault_of_the_configuration_hides_nothing_else(host, tmp_path):
    """Of the port of another device, of the journal and of what is misspelt."""
    host.configure({
        "spo2": {"profile": "nonin/oem-iii-df3", "line": "/dev/null"},
        "fridge": {"profile": "xy/md02", "line": str(tmp_path / "none")},
    })
    code, found = doctor("--config", str(host.config))
    assert code == 1 and found["configuration"][0] == "fault", found
    words = found["configuration"][1]
    assert "did you mean “nonin/oem-iii-df2”?" in words and "unit.yaml:" in words, words
    assert found["fridge"][0] == "fault" and "does not exist" in found["fridge"][1] and "journal" in found, found
    host.configure({"spo2": {"profile": "nonin/oem-iii-df3", "line": "/dev/null"}})
    code, found = doctor("--config", str(host.config))
    assert code == 1 and "journal" in found, "a unit without a device that can be read is looked at as well"


def test_a_missing_configuration_says_how_to_begin(tmp_path):
    code, found = doctor("--config", str(tmp_path / "unit.yaml"))
    assert code == 1 and f"nabd init > {tmp_path / 'unit.yaml'}" in found["configuration"][1], found
    (tmp_path / "unit.yaml").write_text("nabd: [")
    code, found = doctor("--config", str(tmp_path / "unit.yaml"))
    assert code == 1 and "not YAML" in found["configuration"][1] and "scheduling" in found, found


def test_a_key_of_another_certificate_and_one_for_everybody_are_faults(host, pki, tmp_path):
    unit = pki.authority.issue("paired", "clientAuth", days=100)
    other = pki.authority.issue("unpaired", "clientAuth", days=100)
    _, found = examined(host, pki, unit, str(PtyLink(tmp_path / "spo2").path))
    assert found["key"][0] == "ok", found
    code, found = examined(host, pki, type(unit)(unit.certificate, other.key), str(PtyLink(tmp_path / "a").path))
    assert code == 1 and found["key"][0] == "fault" and "do not belong together" in found["key"][1], found
    unit.key.chmod(0o644)
    code, found = examined(host, pki, unit, str(PtyLink(tmp_path / "b").path))
    assert code == 1 and found["key"][0] == "fault" and "every user of this machine" in found["key"][1], found


@pytest.fixture
def front() -> Iterator[Callable[..., int]]:
    """Serves TLS 1.3 with a certificate, at a port that it gives."""
    open_ones = []

    def make(identity) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(identity.certificate, identity.key)
        listener = socket.create_server(("127.0.0.1", 0))
        open_ones.append(listener)

        def answer() -> None:
            while True:
                try:
                    call, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(call, server_side=True).close()
                except OSError:
                    call.close()

        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]

    yield make
    for listener in open_ones:
        listener.close()


def test_the_records_service_is_looked_at(host, pki, front, tmp_path):
    unit = pki.authority.issue("looking", "clientAuth", days=100)
    device = {"spo2": {"profile": OXIMETER, "line": str(PtyLink(tmp_path / "spo2").path)}}

    def asked(server: str) -> tuple[int, tuple[str, str]]:
        host.configure(device, server, pki.authority.certificate, unit)
        code, found = doctor("--config", str(host.config))
        return code, found["records service"]

    code, (word, words) = asked(f"https://localhost:{front(pki.server)}/fhir")
    assert code == 0 and word == "ok", words
    code, (word, words) = asked(f"https://localhost:{front(pki.wrong_name_server)}/fhir")
    assert code == 1 and word == "fault" and "is for another host" in words, words
    code, (word, words) = asked(f"https://localhost:{front(pki.foreign_server)}/fhir")
    assert code == 1 and word == "fault" and "not signed by the authority" in words, words
    for server, expected in (
        (f"https://127.0.0.1:{free_port()}/fhir", "refuses the connection"),
        ("https://records.invalid/fhir", "“records.invalid” has no address"),
    ):
        code, (word, words) = asked(server)
        assert code == 0 and word == "warning" and expected in words and "journal keeps everything" in words, words


def test_the_time_zone_and_a_clock_that_was_never_set(host, pki, tmp_path):
    _, found = doctor(before=("env", "TZ=Asia/Riyadh"))
    assert found["time zone"] == ("ok", "Asia/Riyadh, 3 h ahead of UTC"), found
    _, found = doctor(before=("env", "TZ=UTC"))
    assert found["time zone"][0] == "warning" and "timedatectl set-timezone" in found["time zone"][1], found
    host.configure(
        {"spo2": {"profile": OXIMETER, "line": str(PtyLink(tmp_path / "spo2").path)}}, "https://127.0.0.1:1/fhir",
        pki.authority.certificate, pki.client,
    )
    wall = tmp_path / "wall"
    wall.write_bytes(int((86_400 - time.time()) * 1e9).to_bytes(8, "little", signed=True))
    shim = (*preloading("wallclock_shim.c", tmp_path), f"NABD_WALLCLOCK={wall}")
    code, found = doctor("--config", str(host.config), before=shim)
    assert code == 1 and found["clock"][0] == "fault" and "1970-01-0" in found["clock"][1], found
    assert "certificate" not in found, "nobody can say how long it lasts"
