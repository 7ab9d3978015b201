"""Row 50: what a device says of a patient, and the unit's key, are seen nowhere but where they belong."""

from __future__ import annotations

import socket
import time
from datetime import datetime
from pathlib import Path

import hl7.client
import pytest

from peers import canaries
from peers.analyser import frames
from peers.host import Host, nabd
from peers.waiting import free_port, wait_until
from test_results import Caller, result

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]


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


def hl7_message(control: str) -> str:
    at = datetime.now().strftime("%Y%m%d%H%M%S")
    return "\r".join([
        f"MSH|^~\\&|Analyser|Lab|||{at}||ORU^R01|{control}|P|2.4",
        f"PID|1|{canaries.NUMBER}|{canaries.NUMBER}^^^MRN||{canaries.FAMILY}^{canaries.GIVEN}||{canaries.BIRTH}|F|||"
        f"{canaries.STREET}",
        f"NTE|1||{canaries.COMMENT}", f"OBR||||OBS|||{at}", f"OBX|1|NM|WBC||5.9|10*9/L||N|||F|||{at}",
        f"NTE|1||{canaries.COMMENT}",
    ]) + "\r"


def astm_message() -> list[str]:
    at = datetime.now().strftime("%Y%m%d%H%M%S")
    return [
        "H|\\^&|||Analyser|||||||P|1",
        f"P|1|{canaries.NUMBER}|||{canaries.FAMILY}^{canaries.GIVEN}||{canaries.BIRTH}|F||{canaries.STREET}",
        f"C|1|I|{canaries.COMMENT}|G", "O|1||S-1|^^^CBC", result(1, "HGB", "7.3", "mmol/L", at=at), "L|1|N",
    ]


def test_row_50_a_patients_names_and_the_units_key_are_seen_nowhere(host, records, pki, table):
    records.start()
    ports = free_port(), free_port()
    devices = {"lab": {"profile": "hl7/oru-mllp", "listen": f"tcp://127.0.0.1:{ports[0]}"},
               "bench": {"profile": "astm/lis2-a2", "listen": f"tcp://127.0.0.1:{ports[1]}"},
               "faulty": {"profile": canaries.FAMILY.lower(), "line": "/dev/null"}}
    host.configure(devices, records.base_url, pki.authority.certificate, pki.client, "2s").start()
    wait_until(lambda: "nabd is running" in host.log(), 15, "the host to run")

    def send() -> bool:
        try:
            with hl7.client.MLLPClient("127.0.0.1", ports[0]) as client:
                client.send_message(hl7_message(f"{time.monotonic_ns()}"))
            caller = Caller(ports[1])
            caller.send(astm_message())
            caller.close()
            return True
        except OSError:
            return False

    wait_until(send, 15, "the messages to be taken")
    # What is broken is told, and must not tell what it holds.
    with socket.create_connection(("127.0.0.1", ports[1]), 5) as torn:
        torn.sendall(b"\x05" + frames(astm_message())[1][:-4] + b"00\r\n")
    with socket.create_connection(("127.0.0.1", ports[0]), 5) as torn:
        torn.sendall(b"\x0b" + hl7_message("x").replace("OBX|1|NM", "OBX|1|ZZ").encode() + b"\x1c\r")
    wait_until(lambda: {line["device"] for line in host.export() if "metric" in line} >= {"lab", "bench"}, 20,
               "results of both")
    wait_until(lambda: records.count("Observation") > 3, 40, "what is delivered")
    seen = {"metrics": ask(host, b"metrics"), "health": ask(host, b"health")}
    assert b"nabd_" in seen["metrics"]
    host.stop()
    for words in (["check"], ["doctor"], ["uplink", "status"], ["uplink", "parked"]):
        answer = nabd(*words, "--config", host.config)
        seen[" ".join(words)] = answer.stdout + answer.stderr
    for words in (["info"], ["verify"], ["export"], ["export", "--csv"], ["tail"]):
        answer = nabd("journal", *words, "--journal", host.journal)
        seen[f"journal {' '.join(words)}"] = answer.stdout + answer.stderr
    seen["log"], seen["summary"] = host.log_path.read_bytes(), host.summary_path.read_bytes()
    # The service's own database: every resource, as it came.
    for place in Path(records.directory).rglob("*"):
        if place.is_file() and place.suffix in (".db", ".db-wal", ".log", ".out", ".json", ".ndjson"):
            seen[f"service {place.name}"] = place.read_bytes()
    for place in host.journal.parent.rglob("*.sqlite*"):
        seen[f"file {place.name}"] = place.read_bytes()
    keys = (pki.client.key, pki.server.key)
    leaks = {what: canaries.found(text, keys) for what, text in seen.items() if canaries.found(text, keys)}
    assert not leaks, leaks
    assert all(seen[what] for what in ("metrics", "health", "log", "summary", "check", "journal export", "doctor"))
    assert any(what.endswith(".db") for what in seen) and any("samples-" in what for what in seen)
    # The finder finds.
    assert canaries.found(seen["log"] + canaries.key_lines(pki.client.key)[0].encode(), keys)
    assert canaries.found(f"x{canaries.FAMILY}x") == [canaries.FAMILY]
    table.row(50, "a patient's names, the unit's key", "in HL7, in ASTM, in broken messages; a key file configured",
              "never in log, metrics, errors, bundles", f"not in {len(seen)} places looked at, the journal among them")
