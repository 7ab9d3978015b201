"""An EST server (RFC 7030) of the tests' own: requests are checked, certificates signed and answers wrapped by OpenSSL
through `cryptography`, which has nothing of the unit's. It gives what is asked for, or does wrong as it is told.
"""

from __future__ import annotations

import base64
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .pki import Authority, Identity, Pki

PATH = "/.well-known/est"
# Stands in each answer that has room for text, and may be seen nowhere.
WORDS = "SECRET-WORDS-OF-THE-SERVER\x1b[2J"
PKCS7 = "application/pkcs7-mime; smime-type=certs-only"


@dataclass
class Asked:
    """A request as it came: where, the body's bytes, what it asks for, when, and whose certificate was shown."""

    path: str
    body: bytes
    request: x509.CertificateSigningRequest
    time: float
    serial: str | None


def certificate_of(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def key_of(path: Path) -> ec.EllipticCurvePrivateKey:
    return serialization.load_pem_private_key(path.read_bytes(), None)


def indefinite(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x80]) + content + b"\0\0"


def as_ber(certificates: list[x509.Certificate]) -> bytes:
    """Certificates only, with lengths that are not said, as Java's common library writes it."""
    shown = b"".join(one.public_bytes(serialization.Encoding.DER) for one in certificates)
    data = bytes.fromhex("06092a864886f70d010701")
    signed = bytes.fromhex("020101") + indefinite(0x31, b"") + indefinite(0x30, data) + indefinite(0xA0, shown)
    signed += indefinite(0x31, b"")
    return indefinite(0x30, bytes.fromhex("06092a864886f70d010702") + indefinite(0xA0, indefinite(0x30, signed)))


class ESTServer:
    """``mode`` is what it does with a request for a certificate (see ``_wrong`` and ``_say``), ``cacerts`` with the
    question for its authorities. ``before`` and ``after``: from when and until when certificates are good, from now.
    ``hold`` is called with a request before it is answered; ``pending`` is how often 202 is said first.

    ``asked`` are the requests that came to be judged, ``given`` the certificates, ``refused`` why others were not
    taken, ``seen`` each path.
    """

    def __init__(self, pki: Pki, identity: Identity | None = None) -> None:
        self.pki = pki
        self.authority: Authority = pki.authority
        self.mode = "give"
        self.cacerts = [pki.authority]
        self.cacerts_mode = "give"
        self.before, self.after = timedelta(minutes=1), timedelta(days=90)
        self.hold: Callable[[Asked], None] | None = None
        self.pending = 0
        self.retry_after = "2"
        self.passwords: dict[str, str] = {}
        self.asked: list[Asked] = []
        self.given: list[x509.Certificate] = []
        self.refused: list[str] = []
        self.seen: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                server.seen.append(self.path)
                if self.path == f"{PATH}/cacerts":
                    server._tell(self)
                else:
                    server._send(self, 404, "text/plain", WORDS.encode())

            def do_POST(self) -> None:
                server.seen.append(self.path)
                server._take(self, self.rfile.read(int(self.headers["Content-Length"])))

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, client_address) -> None:
                # In the connection's own thread: a handshake that waits holds up nobody.
                try:
                    request.do_handshake()
                except (OSError, ssl.SSLError):
                    return
                super().finish_request(request, client_address)

            def handle_error(self, *_: object) -> None:
                pass

        shown = identity or pki.server
        self._server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(shown.certificate, shown.key)
        context.load_verify_locations(pki.authority.certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self.mode = "give"
        self._server.shutdown()
        self._server.server_close()

    # What comes in

    def _tell(self, handler: BaseHTTPRequestHandler) -> None:
        if self.cacerts_mode != "give":
            return self._send(handler, 200, PKCS7, base64.b64encode(WORDS.encode()))
        shown = [certificate_of(authority.certificate) for authority in self.cacerts]
        self._send(handler, 200, PKCS7, base64.b64encode(
            pkcs7.serialize_certificates(shown, serialization.Encoding.DER)))

    def _take(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        peer = handler.connection.getpeercert()
        request = x509.load_der_x509_csr(base64.b64decode(body, validate=True))
        asked = Asked(handler.path, body, request, time.monotonic(), peer["serialNumber"] if peer else None)
        problem = self._problem(handler, asked, peer)
        if problem is not None:
            self.refused.append(problem)
            return self._send(handler, 401 if "password" in problem else 403, "text/plain", WORDS.encode())
        self.asked.append(asked)
        if self.hold is not None:
            self.hold(asked)
        if self.pending > 0:
            self.pending -= 1
            return self._send(handler, 202, "text/plain", WORDS.encode(), **{"Retry-After": self.retry_after})
        self._say(handler, request)

    def _problem(self, handler: BaseHTTPRequestHandler, asked: Asked, peer: dict | None) -> str | None:
        request = asked.request
        key = request.public_key()
        if not request.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey) or key.key_size != 384:
            return "not signed by the key of P-384 that it asks for"
        if handler.headers["Content-Type"] != "application/pkcs10":
            return "of another type"
        if asked.path == f"{PATH}/simpleenroll":
            scheme, _, word = handler.headers.get("Authorization", "").partition(" ")
            user, _, password = base64.b64decode(word).decode().partition(":")
            if scheme != "Basic" or self.passwords.get(user) != password:
                return "no password, or a wrong one"
            return None
        if asked.path != f"{PATH}/simplereenroll" or peer is None:
            return "no certificate was shown"
        shown = x509.load_der_x509_certificate(handler.connection.getpeercert(binary_form=True))
        if request.subject != shown.subject:
            return "another name than that of the certificate in use"
        if shown.public_key() == key:
            return "the key of the certificate in use"
        return None

    # What goes out

    def sign(self, request: x509.CertificateSigningRequest, **changes: object) -> x509.Certificate:
        authority = changes.get("authority", self.authority)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(changes.get("subject", request.subject))
            .issuer_name(certificate_of(authority.certificate).subject)
            .public_key(changes.get("key", request.public_key()))
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + changes.get("begin", -self.before))
            .not_valid_after(now + changes.get("end", self.after))
            .add_extension(x509.BasicConstraints(changes.get("ca", False), None), True)
            .add_extension(x509.ExtendedKeyUsage([changes.get("usage", ExtendedKeyUsageOID.CLIENT_AUTH)]), False)
        )
        for extension in request.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        certificate = builder.sign(key_of(authority.key), hashes.SHA256())
        self.given.append(certificate)
        return certificate

    def _wrong(self) -> dict[str, object]:
        """What is wrong with the certificate, by the mode."""
        day = timedelta(days=1)
        return {
            "other-key": {"key": ec.generate_private_key(ec.SECP384R1()).public_key()},
            "other-authority": {"authority": self.pki.foreign_authority},
            "not-yet": {"begin": day, "end": 30 * day},
            "over": {"begin": -30 * day, "end": -day},
            "other-name": {"subject": x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SECRET-WORDS")])},
            "of-servers": {"usage": ExtendedKeyUsageOID.SERVER_AUTH},
            "of-authority": {"ca": True},
            "no-longer": {"end": timedelta(minutes=5)},
        }.get(self.mode, {})

    def _say(self, handler: BaseHTTPRequestHandler, request: x509.CertificateSigningRequest) -> None:
        mode = self.mode
        if mode.isdigit():
            return self._send(handler, int(mode), "text/plain", WORDS.encode(), Location="https://127.0.0.1:1/")
        certificates = [self.sign(request, **self._wrong())]
        if mode == "two":
            certificates.append(self.sign(request))
        if mode == "chain":
            certificates.insert(0, certificate_of(self.authority.certificate))
        content = pkcs7.serialize_certificates(certificates, serialization.Encoding.DER)
        if mode == "ber":
            content = as_ber(certificates)
        if mode == "truncated":
            content = content[: len(content) // 2]
        if mode == "signer":
            # Somebody's signature in it: no certificates only.
            content = pkcs7.PKCS7SignatureBuilder().set_data(b"x").add_signer(
                certificate_of(self.authority.certificate), key_of(self.authority.key), hashes.SHA256(),
            ).sign(serialization.Encoding.DER, [])
        text = base64.b64encode(content)
        if mode == "lines":
            text = base64.encodebytes(content).replace(b"\n", b"\r\n")
        if mode == "no-base64":
            text = WORDS.encode()
        if mode == "huge":
            text = b"A" * 10_000_000
        if mode == "html":
            return self._send(handler, 200, "text/html", WORDS.encode())
        if mode == "half":
            handler.send_response(200)
            handler.send_header("Content-Type", PKCS7)
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            handler.wfile.write(text[: len(text) // 2])
            handler.close_connection = True
            return
        self._send(handler, 200, PKCS7, text)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, content: bytes, **fields: str) -> None:
        handler.send_response(status, "SECRET-WORDS")
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            handler.wfile.write(content)
        except OSError:
            pass
