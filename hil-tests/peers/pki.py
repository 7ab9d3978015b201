"""A small public key infrastructure, made on the spot with the openssl command, so no key is ever checked in."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key, both PEM files."""

    certificate: Path
    key: Path


def _openssl(*arguments: str) -> None:
    result = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=30)
    if result.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {result.stderr.strip()}")


class Authority:
    """A certificate authority with an EC P-256 key that issues server and client certificates."""

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.name = name
        self.certificate = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "400",
            "-subj", f"/CN={name}", "-keyout", str(self.key), "-out", str(self.certificate),
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )

    def issue(self, name: str, usage: str, subject_names: str | None = None, days: int = 2,
              key_type: str = "ec", digest: str = "sha256") -> Identity:
        """Issue a certificate for some days from now, or that expired a day ago (-1); ``usage`` is ``serverAuth``
        or ``clientAuth``, ``subject_names`` an openssl SAN text, ``key_type`` ``ec`` or ``rsa:BITS``.
        """
        key, request = self.directory / f"{name}.key", self.directory / f"{name}.csr"
        certificate, extensions = self.directory / f"{name}.pem", self.directory / f"{name}.ext"
        lines = [
            "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", f"extendedKeyUsage={usage}",
        ]
        if subject_names:
            lines.append(f"subjectAltName={subject_names}")
        extensions.write_text("\n".join(lines) + "\n")
        curve = ["-pkeyopt", "ec_paramgen_curve:P-256"] if key_type == "ec" else []
        _openssl(
            "req", "-newkey", key_type, *curve, "-nodes", "-subj", f"/CN={name}", "-keyout", str(key), "-out",
            str(request),
        )
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key),
            "-CAcreateserial", "-days", str(days), f"-{digest}", "-extfile", str(extensions), "-out", str(certificate),
        )
        return Identity(certificate, key)


@dataclass(frozen=True)
class Pki:
    """Everything the TLS tests need: the right identities and the wrong ones."""

    authority: Authority
    server: Identity
    wrong_name_server: Identity
    client: Identity
    foreign_authority: Authority
    foreign_server: Identity
    foreign_client: Identity


def make_pki(directory: Path) -> Pki:
    """Make a unit's authority with its server and client, and a foreign authority with both of its own."""
    authority = Authority(directory / "records", "records-ca")
    foreign = Authority(directory / "foreign", "foreign-ca")
    loopback = "IP:127.0.0.1,DNS:localhost"
    return Pki(
        authority=authority,
        server=authority.issue("server", "serverAuth", loopback),
        wrong_name_server=authority.issue("other-server", "serverAuth", "DNS:records.example.invalid"),
        client=authority.issue("unit", "clientAuth"),
        foreign_authority=foreign,
        foreign_server=foreign.issue("server", "serverAuth", loopback),
        foreign_client=foreign.issue("unit", "clientAuth"),
    )
