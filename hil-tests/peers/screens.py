"""A screen as the server meets it: plain HTTP, and the events of a live picture, each with the time it came."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from peers.host import Host
from peers.waiting import free_port, wait_until

PAGE = "<!doctype html><title>A page of the tests</title>"
SCRIPT = "export const one = 1;\n"


@dataclass
class Reply:
    """A whole answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} stands twice"
        return found[0] if found else None

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def code(self) -> str | None:
        """The word of an error; nothing where it is none. An error has words, and nothing else."""
        if self.status < 400:
            return None
        told = self.json
        assert sorted(told) == ["code", "failure"] and told["failure"] and told["code"], told
        return told["code"]


def serve_screens(host: Host, **more) -> int:
    """Have a configured unit serve screens, with a page of the tests' own. Returns the port."""
    port = free_port()
    web = host.directory / "web"
    web.mkdir(exist_ok=True)
    (web / "index.html").write_text(PAGE)
    (web / "main.js").write_text(SCRIPT)
    unit = yaml.safe_load(host.config.read_text())
    unit["console"] = {"port": port, "web": "web", **more}
    host.config.write_text(yaml.safe_dump(unit, sort_keys=False, allow_unicode=True))
    return port


class Local(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("127.0.0.1")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def fetch(port: int, target: str, method: str = "GET", headers: dict | None = None, body: bytes | None = None,
          timeout: float = 60) -> Reply:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def ask(port: int, line: dict, press: str | None = "", **headers: str) -> Reply:
    """What people ask at a screen; ``press``: left out, one of its own; ``None``: none."""
    said = {"Content-Type": "application/json", "X-Nabd-Ask": "1", "Origin": f"http://127.0.0.1:{port}",
            "Sec-Fetch-Site": "same-origin"}
    if press is not None:
        said["X-Nabd-Once"] = press or str(uuid.uuid4())
    return fetch(port, "/ask", "POST", said | headers, json.dumps({"desk": 1, **line}).encode())


@dataclass
class Screen:
    """One that looks, until it is closed."""

    port: int
    waves: str = "all"
    events: list[tuple[float, str, dict]] = field(default_factory=list)
    ended: bool = False

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._connection.request("GET", f"/live?waves={self.waves}", headers={"Sec-Fetch-Site": "same-origin"})
        self.answer = self._connection.getresponse()
        self._socket = self._connection.sock or self.answer.fp.raw._sock
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        event = ""
        try:
            while line := self.answer.readline():
                name, _, text = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    event = text
                elif name == "data":
                    self.events.append((time.monotonic() - self.began, event, json.loads(text)))
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.ended = True

    def of(self, *names: str) -> list[dict]:
        return [data for _, name, data in list(self.events) if name in names]

    def times(self, name: str) -> list[float]:
        return [at for at, found, _ in list(self.events) if found == name]

    def wait(self, name: str, count: int = 1, timeout: float = 20) -> list[dict]:
        wait_until(lambda: len(self.of(name)) >= count or self.ended, timeout, f"{count} of {name}", every=0.02)
        found = self.of(name)
        assert len(found) >= count, f"the screen was closed after {len(self.events)} events"
        return found

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()


def wait_reached(port: int, timeout: float = 30) -> None:
    """Until the server answers at all."""
    def there() -> bool:
        try:
            return fetch(port, "/", timeout=5).status > 0
        except OSError:
            return False

    wait_until(there, timeout, "the screens' server")
