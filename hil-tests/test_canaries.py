"""Row 50: what a device says of a patient, and the unit's key, are seen nowhere but where they belong."""

from __future__ import annotations

import json
import shutil
import socket
import tarfile
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import hl7.client
import pytest
import yaml

from peers import canaries
from peers.analyser import ACK, ENQ, NAK, frames
from peers.host import PROFILES, Host, binary, nabd
from peers.oximeter import Oximeter, line
from peers.waiting import free_port, wait_until
from test_results import Caller, result

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]

PID = (f"PID|1|{canaries.NUMBER}|{canaries.NUMBER}^^^MRN||{canaries.FAMILY}^{canaries.GIVEN}||{canaries.BIRTH}|F|||"
       f"{canaries.STREET}")
NTE = f"NTE|1||{canaries.COMMENT} {canaries.FAMILY}"
P = (f"P|1|{canaries.NUMBER}|{canaries.NUMBER}||{canaries.FAMILY}^{canaries.GIVEN}||{canaries.BIRTH}|F||"
     f"{canaries.STREET}")


def ask(host: Host, word: bytes) -> bytes:
    """What the running host answers at its status socket."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(3)
        caller.connect(str(host.directory / "journal.status"))
        caller.sendall(word + b"\n")
        answer = b""
        while part := caller.recv(65536):
            answer += part
    return answer


def get(port: int, path: str) -> bytes:
    """What the exporter answers; nothing while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()
    except OSError:
        return b""


def stamp() -> str:
    return datetime.now().strftime("%Y%m%d%H%M%S")


def hl7_message(control: str, *more: str, kind: str = "ORU^R01", patient: str = PID) -> str:
    at = stamp()
    return "\r".join([
        f"MSH|^~\\&|Analyser|Lab|||{at}||{kind}|{control}|P|2.4", patient, NTE, f"OBR||||OBS|||{at}",
        f"OBX|1|NM|WBC||5.9|10*9/L||N|||F|||{at}", NTE, *more,
    ]) + "\r"


def odd_messages() -> dict[str, str]:
    """What is refused, doubted or not read, with a patient in every place."""
    at = stamp()
    return {
        "several patients": hl7_message("odd-1", patient=f"{PID}\r{PID}"),
        "an admission": hl7_message("odd-2", kind="ADT^A01"),
        "without a number": hl7_message(""),
        "the name as the number": hl7_message(canaries.FAMILY),
        "the name as a value": hl7_message("odd-3", f"OBX|2|NM|HGB||{canaries.FAMILY}|g/dL||N|||F|||{at}"),
        "the name as a unit": hl7_message("odd-4", f"OBX|2|NM|HGB||12.1|{canaries.FAMILY}||N|||F|||{at}"),
        "the name as a test": hl7_message("odd-5", f"OBX|2|TX|{canaries.FAMILY}||{canaries.COMMENT}|||N|||F|||{at}"),
        "the name as a flag": hl7_message("odd-6", f"OBX|2|NM|HGB||12.2|g/dL||{canaries.FAMILY}|||F|||{at}"),
        "the name as a status": hl7_message("odd-7", f"OBX|2|NM|HGB||12.3|g/dL||N|||{canaries.FAMILY}|||{at}"),
        "the name as a time": hl7_message("odd-8", f"OBX|2|NM|HGB||12.4|g/dL||N|||F|||{canaries.FAMILY}"),
        "no message at all": f"{PID}\r{NTE}\r",
    }


def astm_message(*more: str) -> list[str]:
    return [
        f"H|\\^&|||Analyser|||||||P|1|{stamp()}", P, f"C|1|I|{canaries.COMMENT}|G", "O|1||S-1|^^^CBC",
        result(1, "HGB", "7.3", "mmol/L", at=stamp()), f"C|1|I|{canaries.COMMENT}|G", *more, "L|1|N",
    ]


def mllp(port: int, *messages: str) -> None:
    """Says them one after another; what is answered is nobody's concern here."""
    with socket.create_connection(("127.0.0.1", port), 5) as call:
        call.settimeout(0.4)
        for message in messages:
            call.sendall(b"\x0b" + message.encode() + b"\x1c\r")
            try:
                call.recv(4096)
            except TimeoutError:
                continue


@pytest.fixture
def exporters() -> Iterator[Callable[[Host], Path]]:
    """Starts the exporter of a unit; gives where it says what is wrong with it."""
    started: list[subprocess.Popen] = []

    def start(host: Host) -> Path:
        place = host.directory / "exporter.log"
        with open(place, "ab") as log:
            started.append(subprocess.Popen(
                [str(binary()), "exporter", "--config", str(host.config)], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log))
        return place

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def leaks(seen: dict[str, bytes], keys: tuple[Path, ...]) -> dict[str, list[str]]:
    """Where something was found, and what."""
    return {what: names for what, text in seen.items() if (names := canaries.found(text, keys))}


def send_all(ports: tuple[int, int]) -> None:
    """Good messages, then everything that may be wrong with one."""
    def calls() -> bool:
        try:
            with hl7.client.MLLPClient("127.0.0.1", ports[0]) as client:
                answer = client.send_message(hl7_message(f"{time.monotonic_ns()}"))
            caller = Caller(ports[1])
            answers = caller.send(astm_message())
            caller.close()
        except OSError:
            return False
        assert b"MSA|AA" in answer and set(answers) == {ACK}, (answer, answers)
        return True

    wait_until(calls, 20, "the messages to be taken")
    mllp(ports[0], *odd_messages().values())
    whole = b"\x0b" + hl7_message("torn").encode() + b"\x1c\r"
    for part in (whole[:-40], whole[30:], whole.replace(b"\x1c\r", b"\r") + PID.encode() * 1000, b"\xff\xfe" + whole):
        with socket.create_connection(("127.0.0.1", ports[0]), 5) as torn:
            torn.sendall(part)
    patient, name = frames(astm_message())[1], canaries.FAMILY
    caller = Caller(ports[1])
    assert caller.say(ENQ) == ACK
    assert caller.say(patient[:-4] + b"00\r\n") == NAK, "a wrong sum is refused"
    caller.close()
    for odd in (result(1, "HGB", name, "g/dL", at=stamp()), result(1, "HGB", "7.4", name, at=stamp()),
                result(1, name, "7.5", "g/dL", at=stamp()), result(1, "HGB", "7.6", "g/dL", flag=name, at=stamp()),
                result(1, "HGB", "7.7", "g/dL", at=name)):
        caller = Caller(ports[1])
        assert set(caller.send(astm_message(odd))) == {ACK}
        caller.close()
    with socket.create_connection(("127.0.0.1", ports[1]), 5) as torn:
        torn.sendall(ENQ + patient[:20])


def of_the_process(pid: int) -> bytes:
    """Its arguments and its environment."""
    return b"".join(Path(f"/proc/{pid}/{part}").read_bytes() for part in ("cmdline", "environ"))


def test_row_50_a_patients_names_and_the_units_key_are_seen_nowhere(host, records, pki, table, exporters):
    ports, served = (free_port(), free_port()), free_port()
    devices = {"lab": {"profile": "hl7/oru-mllp", "listen": f"tcp://127.0.0.1:{ports[0]}"},
               "bench": {"profile": "astm/lis2-a2", "listen": f"tcp://127.0.0.1:{ports[1]}"}}
    host.configure(devices, records.base_url, pki.authority.certificate, pki.client, "2s", metrics=served).start()
    wait_until(lambda: "nabd is running" in host.log(), 15, "the host to run")
    told = exporters(host)
    send_all(ports)
    wait_until(lambda: {line["device"] for line in host.export() if "metric" in line} >= {"lab", "bench"}, 20,
               "results of both")
    wait_until(lambda: records.count("Observation") > 3, 40, "what is delivered")
    records.wait_for_quiet("Observation", 5, 40)
    seen = {"metrics": ask(host, b"metrics"), "health": ask(host, b"health"), "status": ask(host, b"status"),
            "process": of_the_process(host.pid)}
    bundle = host.directory / "bundle.tar.gz"
    answer = nabd("support-bundle", "--config", host.config, "--output", bundle)
    assert answer.returncode == 0, answer.stderr
    with tarfile.open(bundle) as packed:
        seen |= {f"bundle {Path(part.name).name}": packed.extractfile(part).read()
                 for part in packed.getmembers() if part.isfile() and not part.name.endswith("unit.yaml")}
    bundle.unlink()
    assert b"hostStarted" in seen["bundle events.jsonl"] and b"nabd_" in seen["bundle metrics.txt"]
    for page in ("metrics", "health"):
        seen[f"exporter {page}"] = wait_until(lambda: get(served, page), 15, "the exporter")
    assert b"nabd_" in seen["metrics"] and b"nabd_" in seen["exporter metrics"]
    host.stop()
    for words in (["check"], ["doctor"], ["uplink", "status"], ["uplink", "parked"], ["uplink", "parked", "--full"]):
        answer = nabd(*words, "--config", host.config)
        assert answer.returncode != 64, (words, answer.stderr)
        seen[" ".join(words)] = answer.stdout + answer.stderr
    for words in (["stat"], ["verify"], ["export"], ["export", "--csv"], ["tail"]):
        answer = nabd("journal", *words, "--journal", host.journal)
        assert answer.returncode == 0 and answer.stdout, (words, answer.stderr)
        seen[f"journal {' '.join(words)}"] = answer.stdout + answer.stderr
    seen |= {"log": host.log_path.read_bytes(), "summary": host.summary_path.read_bytes(),
             "exporter's log": told.read_bytes()}
    for kind in ("Device", "DeviceMetric", "Observation"):
        seen[f"service {kind}"] = json.dumps(records.all(kind)).encode()
        assert seen[f"service {kind}"] != b"[]", kind
    # Whatever the service and its front wrote, and whatever lies in the unit's folder but its configuration.
    for folder in (records.directory, host.directory):
        for place in folder.rglob("*"):
            if place.is_file() and place != host.config and place.suffix not in (".pem", ".key"):
                seen[f"file {place.relative_to(folder.parent)}"] = place.read_bytes()
    keys = tuple(sorted(pki.authority.directory.rglob("*.key")))
    assert pki.client.key in keys
    leaked = leaks(seen, keys)
    assert not leaked, leaked
    assert all(seen[what] for what in ("health", "log", "summary", "check", "doctor", "uplink status"))
    assert any(what.endswith(".db") for what in seen) and any("samples-" in what for what in seen)
    table.row(50, "a patient's names, the unit's key",
              f"in HL7 and ASTM, in {len(odd_messages()) + 5} odd messages and {6} torn ones; a key configured",
              "never in log, metrics, errors, bundles, journal", f"not in {len(seen)} places looked at")


@pytest.mark.parametrize("value", canaries.PATIENT)
def test_the_finder_finds_a_planted_name(value, tmp_path):
    log = tmp_path / "copy.log"
    for form in sorted(canaries.disguises(value)) + [value.encode(), value.lower().encode()]:
        log.write_bytes(b"2026-11-29T08:00:00+0000 info nabd: device=lab text=" + form + b" the device answers\n")
        assert value in canaries.found(log.read_bytes()), form
    log.write_bytes(b"2026-11-29T08:00:00+0000 info nabd: device=lab the device answers\n")
    assert canaries.found(log.read_bytes()) == []


def test_the_finder_finds_a_planted_key(pki, tmp_path):
    key = pki.client.key
    assert len(canaries.key_lines(key)) == 2
    for piece in canaries.key_lines(key):
        for form in canaries.raw(piece):
            assert canaries.found("reason=“".encode() + form + "”".encode(), (key,)) == [piece]
    assert canaries.BEGINNING in canaries.found(key.read_text())
    assert canaries.found(pki.client.certificate.read_text(), (key,)) == []


# Where an editor's slip, or a wrong path, may put the unit's key.
SLIPS: dict[str, Callable[[dict, str, Path], object]] = {
    "pasted as client-key": lambda unit, pem, _: unit["uplink"].update({"client-key": pem}),
    "pasted as client-certificate": lambda unit, pem, _: unit["uplink"].update({"client-certificate": pem}),
    "pasted as authority": lambda unit, pem, _: unit["uplink"].update({"authority": pem}),
    "pasted as server": lambda unit, pem, _: unit["uplink"].update({"server": pem}),
    "pasted as window": lambda unit, pem, _: unit["uplink"].update({"window": pem}),
    "pasted as an unknown key": lambda unit, pem, _: unit["uplink"].update({"key": pem}),
    "pasted as accept": lambda unit, pem, _: unit.update(accept={"list": pem, "key": pem}),
    "pasted as commit-every": lambda unit, pem, _: unit["journal"].update({"commit-every": pem}),
    "pasted as a profile": lambda unit, pem, _: unit["devices"].update(odd={"profile": pem, "line": "/dev/ttyS98"}),
    "pasted as a line": lambda unit, pem, _: unit["devices"].update(odd={"profile": "xy/md02", "line": pem}),
    "named as client-certificate": lambda unit, _, key: unit["uplink"].update({"client-certificate": str(key)}),
    "named as authority": lambda unit, _, key: unit["uplink"].update({"authority": str(key)}),
    "named as accept": lambda unit, _, key: unit.update(accept={"list": str(key), "key": str(key)}),
    "named as a folder of profiles": lambda unit, _, key: unit["profiles"].append(str(key)),
    "copied as a profile": lambda unit, pem, key: own(unit, lambda place: place.write_text(pem)),
    "linked as a profile": lambda unit, _, key: own(unit, lambda place: place.symlink_to(key)),
    "behind a profile": lambda unit, pem, _: own(
        unit, lambda place: place.write_text((PROFILES / "xy/md02/profile.yaml").read_text() + pem)),
    "extended by a profile": lambda unit, pem, _: own(
        unit, lambda place: place.write_text(yaml.safe_dump({"extends": pem}))),
}


def own(unit: dict, make: Callable[[Path], object]) -> None:
    """A device whose profile is made so, in the folder that is named last."""
    place = Path(unit["profiles"][-1]) / "own" / "keyed" / "profile.yaml"
    place.parent.mkdir(parents=True)
    make(place)
    unit["devices"]["odd"] = {"profile": "own/keyed", "line": "/dev/ttyS97"}


@pytest.fixture
def oximeter() -> Iterator[Oximeter]:
    made = Oximeter(lambda number: line(spo2=90 + number % 10), period=0.2)
    yield made
    made.stop()


@pytest.mark.parametrize("slip", SLIPS)
def test_row_50_a_faulty_configuration_does_not_tell_the_key(slip, host, oximeter, pki, tmp_path, table):
    """The place is told, line and column; what stands there is not, where it is a key."""
    key = tmp_path / "unit.key"
    shutil.copy(pki.client.key, key)
    key.chmod(0o600)
    (tmp_path / "own").mkdir()
    devices = {"well": {"profile": "masimo/rad-8", "line": oximeter.line}}
    host.configure(devices, "https://127.0.0.1:9", pki.authority.certificate, pki.client, profiles=[tmp_path / "own"])
    unit = yaml.safe_load(host.config.read_text())
    SLIPS[slip](unit, key.read_text(), key)
    host.config.write_text(yaml.safe_dump(unit, sort_keys=False))
    seen: dict[str, bytes] = {}
    for words in (["check"], ["doctor"], ["uplink", "status"], ["uplink", "parked"]):
        answer = nabd(*words, "--config", host.config)
        seen[" ".join(words)] = answer.stdout + answer.stderr
    assert seen["check"], "a slip is told"
    host.start()
    # Where no profile is accepted there is nothing to run: it ends, and says why.
    wait_until(lambda: "nabd is running" in host.log() or not host.running, 15, "the host to run, or to say why not")
    time.sleep(2)
    if host.running:
        host.stop()
    seen["export"] = nabd("journal", "export", "--journal", host.journal).stdout
    for place in host.directory.rglob("*"):
        if place.is_file() and place != host.config:
            seen[f"file {place.name}"] = place.read_bytes()
    leaked = sorted(leaks(seen, (key,)))
    table.row(50, f"the unit's key {slip}", "a faulty unit.yaml or profile", "the place is told, never the key",
              f"in {', '.join(leaked)}" if leaked else f"not in {len(seen)} places looked at")
    assert not leaked, f"the key, {slip}, is told in {leaked}"


def readable(process: int) -> bytes:
    """What anybody on the machine reads of a process in a list of them; of its environment what its owner does."""
    return b"".join(Path(f"/proc/{process}/{name}").read_bytes() for name in ("cmdline", "comm", "environ"))


# What is entered for a pump or a patient: the command, and the lines that are typed after the secret.
ENTRIES = {
    "pump draft": (["pump", "draft", "pump-a", "rate", "--socket"],
                   [f"new-rate={canaries.NUMBER}", f"order={canaries.GIVEN}", f"reason={canaries.COMMENT}"]),
    "pump verify": (["pump", "verify", "12", "pump-a", "rate", "--socket"],
                    [f"new-rate={canaries.NUMBER}", f"reason={canaries.COMMENT}"]),
    "bed enter": (["bed", "enter", "chair-1", "consciousness", "--people"], [canaries.COMMENT]),
    "bed bind": (["bed", "bind", "chair-1", "--people"], [canaries.NUMBER, canaries.BIRTH]),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_row_50_what_is_entered_stands_in_no_list_of_processes(entry, tmp_path, table):
    """Whoever lists the processes sees that somebody enters something, and nothing of it: the second person, too."""
    words, lines = ENTRIES[entry]
    command = [str(binary()), *words, str(tmp_path / "nobody"), "--as", "layla", "--secret-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        # All but its last line's end: so it waits.
        process.stdin.write("\n".join(["a secret of layla", *lines]).encode())
        process.stdin.flush()
        seen = b""
        for _ in range(20):
            time.sleep(0.1)
            assert process.poll() is None, process.stdout.read()
            seen += readable(process.pid)
        process.stdin.write(b"\n")
        process.stdin.close()
        told = process.stdout.read()
        assert process.wait(20) == 2 and b"Nothing was done" in told, told
    found = canaries.found(seen + told)
    table.row(50, f"what is entered with nabd {entry}", "somebody lists the processes", "no word of it is seen",
              f"{', '.join(found)}" if found else "none of its words")
    assert not found, found


@pytest.mark.parametrize("entry", ENTRIES)
def test_half_a_line_is_no_entry(entry, tmp_path):
    """4 is not what becomes of 4.17 when whoever types it is cut off."""
    words, lines = ENTRIES[entry]
    typed = "\n".join(["a secret of layla", *lines]).encode()[:-1]
    told = nabd(*words, tmp_path / "nobody", "--as", "layla", "--secret-stdin", stdin=typed)
    assert told.returncode == 1 and b"ended within a line" in told.stderr, told


def test_an_argument_is_seen_by_everybody():
    """So these tests look in the right place."""
    # A program that takes any argument, and lives until it is killed.
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", f"--{canaries.FAMILY}"]) as process:
        # For a moment a process that is begun has no arguments yet.
        seen = wait_until(Path(f"/proc/{process.pid}/cmdline").read_bytes, 5, "its arguments", every=0.01)
        process.kill()
    assert canaries.found(seen) == [canaries.FAMILY]


@pytest.mark.parametrize("words", [["pump", "draft", "pump-a", "rate", "new-rate=4.17"],
                                   ["pump", "verify", "12", "pump-a", "rate", "new-rate=4.17"],
                                   ["bed", "enter", "chair-1", "consciousness", "A"]])
def test_what_is_entered_is_not_taken_from_the_command(words):
    """It says why, and how it is done; what was typed is not said again."""
    told = nabd(*words, "--as", "layla")
    assert told.returncode == 2 and b"Everybody on this machine can read" in told.stderr, told
    assert b"4.17" not in told.stderr


def test_a_file_of_what_is_entered_is_ones_own(tmp_path):
    """Others may not read or write it, nor is it another file by a link."""
    place = tmp_path / "entry.txt"
    place.write_text("new-rate=4.17\norder=order-1\n")

    def ask(file: Path) -> subprocess.CompletedProcess[bytes]:
        return nabd("pump", "draft", "pump-a", "rate", "--from", file, "--as", "layla", "--secret-stdin", "--socket",
                    tmp_path / "nobody", stdin=b"a secret of layla\n")

    for mode in (0o644, 0o640, 0o604, 0o620, 0o602):
        place.chmod(mode)
        told = ask(place)
        assert told.returncode == 1 and b"mode 0600" in told.stderr, (oct(mode), told)
    place.chmod(0o600)
    # It is read: only then is the host asked for, which is not there.
    assert ask(place).returncode == 2
    (tmp_path / "link").symlink_to(place)
    for other in (tmp_path / "link", tmp_path, tmp_path / "none"):
        assert ask(other).returncode == 1, other
    place.write_text("new-rate=4.17\n" * 2)
    assert b"entered twice" in ask(place).stderr
    place.write_bytes(b"a" * 40_000)
    assert ask(place).returncode == 1
