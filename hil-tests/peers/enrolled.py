"""A unit whose certificate and key are one file, with the EST server that gives and renews them."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .est_server import ESTServer, certificate_of, key_of
from .front import Front
from .host import Host, json_lines, nabd
from .pki import Identity

NAME, PASSWORD = "mobile-7", "once-47-only"
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
