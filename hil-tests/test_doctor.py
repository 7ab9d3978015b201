"""`nabd doctor` tells what a unit's machine lacks, and exits with 1 when something is wrong."""

from __future__ import annotations

import os
import subprocess

import pytest

from peers.host import binary
from peers.links import PtyLink

pytestmark = pytest.mark.host


def doctor(*arguments: str, before: tuple[str, ...] = ()) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and by what was looked at: ok, warning or fault, and the words."""
    result = subprocess.run([*before, str(binary()), "doctor", *arguments], capture_output=True, text=True, timeout=30)
    found = {}
    for line in result.stdout.splitlines():
        word, rest = line.split(maxsplit=1)
        what, words = rest.split(": ", 1)
        found[what] = (word, words)
    return result.returncode, found


def examined(host, pki, client, line: str, journal=None):
    device = {"spo2": {"profile": "nonin/oem-iii-df2", "line": line}}
    host.configure(device, "https://127.0.0.1:1/fhir", pki.authority.certificate, client, journal=journal)
    return doctor("--config", str(host.config))


def test_nothing_is_wrong(host, pki, tmp_path):
    link = PtyLink(tmp_path / "spo2")
    code, found = examined(host, pki, pki.authority.issue("long-lived", "clientAuth", days=100), str(link.path))
    assert code == 0, found
    assert found["spo2"][0] == found["certificate"][0] == "ok", found
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_missing_rights_are_warnings():
    code, found = doctor(
        before=("setpriv", "--bounding-set", "-sys_nice,-ipc_lock", "--inh-caps", "-sys_nice,-ipc_lock")
    )
    assert code == 0
    assert found["scheduling"][0] == found["memory"][0] == "warning", found
    assert "LimitRTPRIO" in found["scheduling"][1] or "neither" in found["scheduling"][1]
    assert "LimitMEMLOCK" in found["memory"][1]
