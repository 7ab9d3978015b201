"""A NATS server with JetStream behind mutual TLS 1.3: Debian's, or the one of PyPI; what is in its stream, and a reader
that takes nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import nats
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from .counting_relay import CountingRelay
from .pki import Identity, Pki
from .waiting import free_port, listening, wait_until

BINARIES = {"pypi": Path(sys.executable).with_name("nats-server"), "debian": Path("/usr/sbin/nats-server")}
STREAM = "UNITS"
SUBJECT = "nabd.test-unit-1"
# What a unit needs: to publish below its subject, to hear answers, and, for looking what is there, two questions.
TO_PUBLISH = [f"{SUBJECT}.>"]
TO_ASK = [f"$JS.API.STREAM.MSG.GET.{STREAM}", f"$JS.API.STREAM.INFO.{STREAM}"]

CONFIGURATION = """\
listen: 127.0.0.1:{port}
pid_file: "{directory}/nats.pid"
log_file: "{directory}/nats.log"
jetstream {{ store_dir: "{directory}/store" }}
tls {{
  cert_file: "{certificate}"
  key_file: "{key}"
  ca_file: "{authority}"
  verify_and_map: true
  timeout: 5
}}
authorization {{ users: [
  {{ user: "CN=unit", permissions: {{ publish: {publish}, subscribe: ["_INBOX.>"] }} }},
  {{ user: "CN=reader" }}
] }}
"""


@dataclass(frozen=True)
class Message:
    """One message as the stream has it."""

    sequence: int
    subject: str
    id: str
    body: dict


class NATSServer:
    """``identity``: what the server shows; ``may``: below what the unit may publish."""

    def __init__(self, directory: Path, pki: Pki, binary: str, identity: Identity | None = None) -> None:
        self.directory, self.pki, self.binary = directory, pki, BINARIES[binary]
        self.identity = identity or pki.server
        self.may = TO_PUBLISH + TO_ASK
        self.port = free_port()
        self.reader = pki.authority.issue("reader", "clientAuth")
        self._process: subprocess.Popen | None = None
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> "NATSServer":
        """Start it, with what is in its folder, and wait until it listens."""
        path = self.directory / "nats.conf"
        path.write_text(CONFIGURATION.format(
            port=self.port, directory=self.directory, certificate=self.identity.certificate, key=self.identity.key,
            authority=self.pki.authority.certificate, publish=json.dumps(self.may)))
        with open(self.directory / "nats.out", "ab") as out:
            self._process = subprocess.Popen([str(self.binary), "-c", str(path)], stdout=out, stderr=out)
        wait_until(lambda: listening(self.port), 20, "the NATS server to listen")
        return self

    def kill(self) -> None:
        """SIGKILL, as a server goes down that nobody stopped."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def log(self) -> str:
        return (self.directory / "nats.log").read_text(errors="replace")

    # MARK: The stream, by who may do everything

    def _do(self, body: Callable[[JetStreamContext], Awaitable]):
        context = ssl.create_default_context(cafile=str(self.pki.authority.certificate))
        # Whoever looks into the stream has no question about whose server it is.
        context.load_verify_locations(str(self.pki.foreign_authority.certificate))
        context.load_cert_chain(self.reader.certificate, self.reader.key)

        async def run():
            connection = await nats.connect(self.url, tls=context, connect_timeout=10, max_reconnect_attempts=2)
            try:
                return await body(connection.jetstream(timeout=10))
            finally:
                await connection.close()

        return asyncio.run(run())

    def make_stream(self, name: str = STREAM, subjects: tuple[str, ...] = ("nabd.>",), **rules) -> "NATSServer":
        """``rules``: as ``StreamConfig`` has them; ``duplicate_window`` in seconds."""
        self._do(lambda stream: stream.add_stream(StreamConfig(name=name, subjects=list(subjects), **rules)))
        return self

    def change_stream(self, **rules) -> None:
        self._do(lambda stream: stream.update_stream(StreamConfig(name=STREAM, subjects=["nabd.>"], **rules)))

    def delete_stream(self) -> None:
        self._do(lambda stream: stream.delete_stream(STREAM))

    def purge(self) -> None:
        self._do(lambda stream: stream.purge_stream(STREAM))

    def publish(self, subject: str, body: dict) -> None:
        self._do(lambda stream: stream.publish(subject, json.dumps(body).encode()))

    def last_sequence(self) -> int:
        return self._do(lambda stream: stream.stream_info(STREAM)).state.last_seq

    def messages(self) -> list[Message]:
        """All of the stream, in its order."""

        async def read(stream: JetStreamContext) -> list[Message]:
            count = (await stream.stream_info(STREAM)).state.messages
            listening = await stream.subscribe("nabd.>", stream=STREAM, ordered_consumer=True)
            found = []
            while len(found) < count:
                one = await listening.next_msg(timeout=30)
                name = (one.headers or {}).get("Nats-Msg-Id", "")
                found.append(Message(one.metadata.sequence.stream, one.subject, name, json.loads(one.data)))
            return found

        return self._do(read)


class Reader:
    """Reads a stream as its readers are told to: by the subject the newest content counts, and the same message once
    more is none. ``repeated`` counts these.
    """

    def __init__(self) -> None:
        self.last: dict[str, Message] = {}
        self.repeated = 0

    def read(self, messages: list[Message]) -> "Reader":
        for message in messages:
            before = self.last.get(message.subject)
            if before is not None and before.body == message.body:
                self.repeated += 1
                continue
            self.last[message.subject] = message
        return self

    def of_type(self, name: str) -> list[dict]:
        return [one.body for one in self.last.values() if one.body["resourceType"] == name]


class AnswersLost(CountingRelay):
    """Stands before the server. While ``loses`` is more than 0, what the server says over a connection is swallowed
    from some moment on, and the connection ends soon after: what was published is there, and nobody is told.
    """

    def __init__(self, port: int) -> None:
        self.loses = self.lost = 0
        # What goes over a connection before the server's answers are lost: greeting, handshake and some bundles.
        self.after = 0
        super().__init__(port)

    def _loses(self, came: int) -> bool:
        if self.loses <= 0 or came <= self.after:
            return False
        self.loses -= 1
        self.lost += 1
        return True
