"""What users of the same machine, files of the configuration and whoever connects may cost the record: nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers import journal
from peers.host import Host, nabd
from peers.oximeter import Oximeter, line
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(170)]

STOPS = 50


@pytest.fixture
def oximeter() -> Iterator[Oximeter]:
    made = Oximeter(lambda number: line(spo2=90 + number % 10), period=0.2)
    yield made
    made.stop()


def one_device(oximeter: Oximeter) -> dict:
    return {"well": {"profile": "masimo/rad-8", "line": oximeter.line}}


def until_it_runs(host: Host, skipping: int = 0) -> None:
    wait_until(lambda: "nabd is running" in host.log()[skipping:], 15, "the host to run", every=0.05)


def listening_ports(pid: int) -> list[int]:
    """The TCP ports at which a process listens."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(os.readlink(entry))
        except OSError:
            continue
    ports = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                ports.append(int(fields[1].split(":")[1], 16))
    return ports


def test_a2_the_host_listens_on_no_tcp_port(host, oximeter):
    host.configure(one_device(oximeter), metrics=free_port()).start()
    until_it_runs(host)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    assert listening_ports(host.pid) == []
    assert listening_ports(os.getpid()), "the test's own finder of ports finds none"
    host.stop()


def hang_about(place: Path, over: threading.Event, count: int) -> list[socket.socket]:
    """Connects to the status socket again and again, and says nothing, half a word, or goes away."""
    held: list[socket.socket] = []
    number = 0
    while not over.is_set():
        number += 1
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(0.5)
        folder = None
        try:
            folder = os.open(place.parent, os.O_PATH)
            caller.connect(f"/proc/self/fd/{folder}/{place.name}")
            caller.sendall([b"", b"metr", b"metrics\n"][number % 3])
        except OSError:
            time.sleep(0.005)
        finally:
            if folder is not None:
                os.close(folder)
        held.append(caller)
        if len(held) > count:
            held.pop(0).close()
    return held


@pytest.mark.timeout(600)
def test_a2_stops_are_clean_while_somebody_connects(host, oximeter, table):
    host.configure(one_device(oximeter))
    over = threading.Event()
    place = host.directory / "journal.status"
    callers = [threading.Thread(target=hang_about, args=(place, over, 300), daemon=True) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        for _ in range(STOPS):
            said = len(host.log())
            host.start()
            until_it_runs(host, said)
            time.sleep(0.2)
            host.stop(timeout=10)
    finally:
        over.set()
        for caller in callers:
            caller.join(5)
    ends = [event for event in journal.events(host.export()) if event["event"] == "hostStopped"]
    assert len(ends) == STOPS and all("alertsEnded" in end for end in ends), f"{len(ends)} of {STOPS} ended well"
    table.row(69, "local user stops the host at the wrong moment", f"{STOPS} stops while callers come and go",
              "the record ends clean", f"{len(ends)} of {STOPS} sessions ended well")


def test_a2_connections_cost_no_line_its_descriptor(host, oximeter, table):
    host.configure(one_device(oximeter)).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    over = threading.Event()
    caller = threading.Thread(target=hang_about, args=(host.directory / "journal.status", over, 2_000), daemon=True)
    caller.start()
    time.sleep(3)
    descriptors = len(list(Path(f"/proc/{host.pid}/fd").iterdir()))
    oximeter.hang_up()
    before = len(host.log())
    wait_until(lambda: "the device answers" in host.log()[before:], 10, "the line to be opened again")
    over.set()
    caller.join(5)
    assert descriptors < 60, f"{descriptors} descriptors"
    host.stop()
    table.row(69, "local user takes descriptors", "2,000 connections to the status socket in 3 s",
              "a lost line opens again", f"{descriptors} descriptors in use; the line was opened again")


ATTACKER = """
import os, signal, socket, sys
if sys.argv[4] == "drops":
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
unit, pid = sys.argv[1], int(sys.argv[2])
won = []
for folder, _, names in os.walk(unit, onerror=lambda error: None):
    won += [f"listed {folder}"] if folder != unit else []
paths = [os.path.join(unit, name) for name in sys.argv[3].split(",")]
for path in paths:
    try:
        open(path, "rb").read(1)
        won.append(f"read {path}")
    except OSError:
        pass
    try:
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(1)
        caller.connect(path)
        caller.sendall(b"metrics\\n")
        if caller.recv(10):
            won.append(f"asked {path}")
    except OSError:
        pass
for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP):
    try:
        os.kill(pid, number)
        won.append(f"sent {number}")
    except OSError:
        pass
print("\\n".join(won))
"""


def attack(host: Host, names: list[Path], pid: int, drops: bool) -> str:
    """What an attacker wins; ``drops``: as another user, else as this one."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", ATTACKER, str(host.directory), str(pid), ",".join(map(str, names)),
         "drops" if drops else ""],
        cwd="/", capture_output=True, timeout=60, check=True, text=True)
    return done.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a3_another_local_user_reads_nothing_and_ends_nothing(oximeter, table):
    # Not in pytest's own folders, which nobody else may enter anyway.
    folder = Path(tempfile.mkdtemp(prefix="nabd-unit-"))
    folder.chmod(0o755)
    host = Host(folder / "unit")
    try:
        host.directory.chmod(0o755)
        host.configure(one_device(oximeter)).start()
        host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
        names = [path.relative_to(host.directory) for path in host.directory.rglob("*") if "journal" in path.parts[-1]
                 or "journal" in str(path.parent)]
        assert any("-wal" in name.name for name in names) and any(name.suffix == ".status" for name in names), names
        tried = attack(host, names, host.pid, drops=True)
        assert tried == "", f"another user won:\n{tried}"
        control = attack(host, names, 2**22 - 1, drops=False)
        assert "read " in control and "asked " in control, "the attack finds nothing even as root"
        assert host.running
        host.stop()
        loose = [path for path in host.directory.rglob("*") if "journal" in str(path)
                 and stat.S_IMODE(path.lstat().st_mode) & 0o007]
        assert not loose, f"others have rights to {loose}"
        table.row(48, "malicious local user", "reads files and the status socket, sends signals, as another user",
                  "nothing read, nothing ended", "nothing read, nothing ended, no file with rights for others")
    finally:
        host.kill()
        shutil.rmtree(folder)


def test_a3_a_key_that_others_can_read_is_refused_until_they_cannot(host, oximeter, records, pki, tmp_path):
    records.start()
    key = tmp_path / "unit.key"
    shutil.copy(pki.client.key, key)
    key.chmod(0o644)
    client = type(pki.client)(pki.client.certificate, key)
    host.configure(one_device(oximeter), records.base_url, pki.authority.certificate, client, "2s")
    for command in ("check", "doctor"):
        told = nabd(command, "--config", host.config)
        # A fault of the file is an error; what doctor finds is its result.
        words = told.stdout if command == "doctor" else told.stderr
        assert told.returncode == 1 and b"may read or write" in words, words.decode()
    host.start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: "may read or write" in host.log(), 10, "a word about the key")
    time.sleep(3)
    assert records.count("Observation") == 0
    key.chmod(0o600)
    wait_until(lambda: records.count("Observation") > 0, 40, "delivery without a restart", every=0.5)
    host.stop()


def test_s8_a_renewed_certificate_is_taken_without_a_restart(host, oximeter, records, pki, tmp_path):
    records.start()
    certificate, key = tmp_path / "unit.pem", tmp_path / "unit.key"

    def install(identity) -> None:
        for source, place in ((identity.certificate, certificate), (identity.key, key)):
            fresh = place.with_suffix(".new")
            shutil.copy(source, fresh)
            fresh.chmod(0o600)
            fresh.rename(place)

    install(pki.foreign_client)
    client = type(pki.client)(certificate, key)
    host.configure(one_device(oximeter), records.base_url, pki.authority.certificate, client, "2s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: "nothing is delivered now" in host.log(), 20, "the foreign certificate to be refused")
    assert records.count("Observation") == 0
    install(pki.client)
    wait_until(lambda: records.count("Observation") > 0, 60, "delivery with the new certificate", every=0.5)
    host.stop()


def test_a5_each_faulty_part_costs_itself_and_is_an_alarm(host, oximeter, tmp_path, table):
    profiles = tmp_path / "profiles"
    (profiles / "broken/one").mkdir(parents=True)
    (profiles / "broken/one/profile.yaml").write_text("nabd: profile/1\ndevice: [this, is, none]\n")
    (profiles / "broken/pipe").mkdir(parents=True)
    os.mkfifo(profiles / "broken/pipe/profile.yaml")
    (profiles / "broken/large").mkdir(parents=True)
    with open(profiles / "broken/large/profile.yaml", "wb") as large:
        large.truncate(3 << 30)
    devices = one_device(oximeter) | {
        "broken": {"profile": "broken/one", "line": "/dev/ttyS98"},
        "pipe": {"profile": "broken/pipe", "line": "/dev/ttyS97"},
        "large": {"profile": "broken/large", "line": "/dev/ttyS96"},
        "none": {"profile": "not/there", "line": "/dev/ttyS95"},
        "slotless": {"profile": "bbraun/space", "line": "/dev/ttyS94", "override": {"slots": []}},
        "twice": {"profile": "nonin/oem-iii-df2", "line": "/dev/ttyS93"},
        "again": {"profile": "nonin/oem-iii-df2", "line": "/dev/ttyS93"},
    }
    host.configure(devices, profiles=[profiles])
    text = host.config.read_text()
    host.config.write_text(text + "uplink: {server: 'http://not-safe', window: 1y}\nmetrics: {port: seven}\n")
    told = nabd("check", "--config", host.config)
    assert told.returncode == 1
    host.start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2", timeout=15)
    began = {event["alert"]: event for event in journal.events(host.export()) if event["event"] == "alertStart"}
    refused = {event.get("device") for event in journal.events(host.export())
               if event["event"] == "alertStart" and event["alert"] == "NABD_DEVICE_REFUSED"}
    assert refused == set(devices) - {"well"}, refused
    assert {"NABD_UPLINK_FAILING", "NABD_SETTING_REFUSED"} <= set(began), set(began)
    reasons = [event for event in journal.events(host.export()) if event["event"] == "settingRefused"]
    assert len(reasons) == len(devices) - 1 + 2 and all(".yaml:" in reason["reason"] for reason in reasons), reasons
    host.stop()
    seen = f"{len(reasons)} parts refused, each with its place and an alert; the healthy device sampled"
    table.row(47, "malformed configuration", "an uplink that is not safe, a port in words", "told; the rest runs", seen)
    table.row(68, "one bad device, profile or key at the start",
              f"{len(devices) - 1} faulty devices beside a healthy one", "costs itself; the rest samples; alarm", seen)


@pytest.mark.parametrize("key", ["authority", "client-certificate", "client-key"])
def test_a5_a_pipe_for_the_uplink_costs_the_uplink(key, host, oximeter, pki, tmp_path, table):
    """Whoever waits for a pipe waits for ever: the record goes on, the alarm is told, and the stop is in time."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    files = {"authority": pki.authority.certificate, "client-certificate": pki.client.certificate,
             "client-key": pki.client.key, key: pipe}
    host.configure(one_device(oximeter))
    lines = "".join(f", {name}: {path}" for name, path in files.items())
    uplink = f"uplink: {{server: 'https://127.0.0.1:9', alarm-after: 5s{lines}}}\n"
    host.config.write_text(host.config.read_text() + uplink)
    told = nabd("check", "--config", host.config, timeout=10)
    assert told.returncode >= 0
    host.start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2", timeout=15)
    wait_until(lambda: "NABD_UPLINK_FAILING" in {event["alert"] for event in journal.events(host.export())
                                                 if event["event"] == "alertStart"}, 20, "the alarm", every=0.5)
    host.stop(timeout=10)
    assert [event["event"] for event in journal.events(host.export())][-1] == "hostStopped"
    table.row(68, f"a pipe as the uplink's {key}", "in the configuration at the start",
              "costs the uplink; the rest samples; alarm; stop ≤ 10 s",
              "alarm told, values stored, stopped within 10 s")


def test_a_status_of_a_killed_host_is_taken_over(host, oximeter):
    host.configure(one_device(oximeter)).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    os.kill(host.pid, signal.SIGKILL)
    host.kill()
    assert (host.directory / "journal.status").is_socket()
    said = len(host.log())
    host.start()
    until_it_runs(host, said)
    wait_until(lambda: "nobody can ask" not in host.log()[said:], 1, "the socket")
    host.stop()
    assert not (host.directory / "journal.status").exists()


def test_b7_a_journal_put_back_does_not_agree_with_its_witness(host, oximeter, records, pki, tmp_path):
    records.start()
    host.configure(one_device(oximeter), records.base_url, pki.authority.certificate, pki.client, "2s")
    older = tmp_path / "older"
    for turn in range(2):
        said = len(host.log())
        host.start()
        until_it_runs(host, said)
        time.sleep(1)
        host.stop()
        if turn == 0:
            shutil.copytree(host.journal, older)
    given = tmp_path / "given.ndjson"
    given.write_text("\n".join(json.dumps(resource) for resource in records.all("Observation")))
    told = nabd("journal", "verify", "--journal", host.journal, "--against", given)
    assert told.returncode == 0 and b"delivered events agree" in told.stdout, told.stdout.decode()
    assert int(told.stdout.split()[0]) >= 6, told.stdout.decode()
    # Whoever has the disk puts an older copy in its place: by itself it is whole.
    shutil.rmtree(host.journal)
    shutil.copytree(older, host.journal)
    assert nabd("journal", "verify", "--journal", host.journal).returncode == 0
    told = nabd("journal", "verify", "--journal", host.journal, "--against", given)
    assert told.returncode == 1 and b"was delivered and is not there" in told.stdout, told.stdout.decode()
