"""A far clinician's browser, as far as the wire goes: TLS with a certificate, requests, a stream of events; and a link
that carries only so much.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .pki import Identity


def digest(certificate: Path) -> str:
    """SHA-256 of a certificate, as the unit's configuration names it."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


@dataclass
class Answer:
    """The head of an answer, and its body where it was read."""

    status: int
    fields: dict[str, str]
    body: bytes = b""

    @property
    def code(self) -> str:
        """The word of a refusal; empty for what is none."""
        try:
            return json.loads(self.body).get("code", "")
        except ValueError:
            return ""


@dataclass
class Event:
    name: str
    data: dict
    at: float = field(default_factory=time.monotonic)


class FarClient:
    """Asks at a far port. ``identity`` is shown where there is one; ``version`` holds TLS to one version."""

    def __init__(self, port: int, authority: Path, identity: Identity | None = None,
                 version: ssl.TLSVersion | None = None, timeout: float = 10) -> None:
        self.port, self.timeout = port, timeout
        self.context = ssl.create_default_context(cafile=str(authority))
        if identity is not None:
            self.context.load_cert_chain(identity.certificate, identity.key)
        if version is not None:
            self.context.minimum_version = self.context.maximum_version = version

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def request(self, target: str, method: str = "GET", body: bytes = b"", **fields: str) -> Answer:
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.sendall(self._head(target, method, body, fields) + body)
            received = b""
            while part := connection.recv(1 << 16):
                received += part
        return _answer(received)

    def _head(self, target: str, method: str, body: bytes, fields: dict[str, str]) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{self.port}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def stream(self, target: str, gzip: bool = True) -> "FarStream":
        """Opens a stream of events."""
        connection = self.connect()
        head = self._head(target, "GET", b"", {"Accept": "text/event-stream"} | (
            {"Accept_Encoding": "gzip"} if gzip else {}))
        connection.sendall(head.replace(b"Connection: close\r\n", b""))
        return FarStream(connection)


def _answer(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if fields.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return Answer(int(lines[0].split()[1]), fields, body)


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            return
        yield body[:count]
        body = body[count + 2:]


class FarStream:
    """Events as they come, each with the time at which it was there; ``bytes`` counts what was on the wire inside of
    TLS. It ends when the unit cuts it.
    """

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.connection = connection
        self.events: list[Event] = []
        self.bytes = 0
        self.status = 0
        self.ended = threading.Event()
        self.ended_at: float | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._read()
        except (OSError, ValueError):
            pass
        self.ended_at = time.monotonic()
        self.ended.set()
        with self._changed:
            self._changed.notify_all()

    def _read(self) -> None:
        buffer = b""
        while b"\r\n\r\n" not in buffer:
            part = self.connection.recv(1 << 16)
            if not part:
                return
            buffer += part
        answer = _answer(buffer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        self.status = answer.status
        buffer = buffer.partition(b"\r\n\r\n")[2]
        unpack = zlib.decompressobj(31) if answer.fields.get("content-encoding") == "gzip" else None
        text = b""
        while True:
            while b"\r\n" in buffer:
                size, _, rest = buffer.partition(b"\r\n")
                count = int(size, 16)
                if count == 0 or len(rest) < count + 2:
                    break
                chunk, buffer = rest[:count], rest[count + 2:]
                text += unpack.decompress(chunk) if unpack else chunk
                text = self._take(text)
            self.connection.settimeout(60)
            part = self.connection.recv(1 << 16)
            if not part:
                return
            self.bytes += len(part)
            buffer += part

    def _take(self, text: bytes) -> bytes:
        while b"\n\n" in text:
            event, _, text = text.partition(b"\n\n")
            lines = dict(line.partition(": ")[::2] for line in event.decode().split("\n"))
            if "data" in lines:
                with self._changed:
                    self.events.append(Event(lines["event"], json.loads(lines["data"])))
                    self._changed.notify_all()
        return text

    def wait(self, name: str, timeout: float = 10, count: int = 1) -> Event:
        """The last of ``count`` events of a name, once there are so many."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: len(self.of(name)) >= count or self.ended.is_set(), timeout)
            events = self.of(name)
            assert found and len(events) >= count, f"{len(events)} “{name}” in {timeout:g} s; status {self.status}"
            return events[count - 1]

    def of(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def close(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.connection.close()


class ThinLink:
    """A way to a port that carries ``bytes_per_second`` towards whoever connects, and holds no more than a modem does.
    """

    HELD = 2048

    def __init__(self, port: int, bytes_per_second: float) -> None:
        self.target, self.rate = port, bytes_per_second
        self.carried = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.socket()
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.HELD)
            far.connect(("127.0.0.1", self.target))
            threading.Thread(target=self._carry, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, self.rate), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, rate: float | None) -> None:
        due = time.monotonic()
        try:
            while part := source.recv(512 if rate else 1 << 16):
                if rate:
                    due = max(due, time.monotonic()) + len(part) / rate
                    time.sleep(max(0.0, due - time.monotonic()))
                    self.carried += len(part)
                sink.sendall(part)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.server.close()
