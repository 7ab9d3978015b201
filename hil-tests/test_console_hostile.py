"""What a hostile client does to the screens' server: it has its bounds, and the screens go on meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers.screens import Screen, fetch
from test_console import bedside, screens, unit  # noqa: F401

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

PATIENCE = 10


def resident(pid: int) -> int:
    """Unit: MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) // 1024


@pytest.fixture
def line() -> Iterator:
    opened: list[socket.socket] = []

    def connect(port: int) -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def ends_within(connection: socket.socket, seconds: float, drip: bytes = b"") -> tuple[float, bytes]:
    """How long it takes until the server has ended a connection, and what it said; ``drip`` is sent twice a second."""
    began, heard = time.monotonic(), b""
    connection.settimeout(0.5)
    while time.monotonic() - began < seconds:
        try:
            if drip:
                connection.sendall(drip)
            read = connection.recv(65536)
            if not read:
                return time.monotonic() - began, heard
            heard += read
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began, heard
    raise AssertionError(f"still open after {seconds:g} s")


def has_gone_on(screen: Screen, longest: float = 1.5) -> None:
    times = screen.times("beat")
    assert not screen.ended and len(times) > 5
    assert max(after - before for before, after in zip(times, times[1:])) < longest
    assert time.monotonic() - screen.began - times[-1] < longest


def test_d2_heads_and_bodies_that_drip_or_never_end(unit, screens, line):  # noqa: F811
    host, _, port = unit
    screen = screens(port)
    screen.wait("beat", 4)
    before = resident(host.pid)
    own = f"Host: 127.0.0.1:{port}\r\n"
    # Nothing at all, a head a byte at a time, and a body a byte at a time.
    silent, head, body = line(port), line(port), line(port)
    head.sendall(b"GET / HTTP/1.1\r\n")
    body.sendall((f"POST /ask HTTP/1.1\r\n{own}Content-Type: application/json\r\nX-Nabd-Ask: 1\r\n"
                  "Content-Length: 16000\r\n\r\n{").encode())
    took, heard = ends_within(silent, PATIENCE + 5)
    assert PATIENCE - 2 < took and heard == b""
    assert ends_within(head, 8, b"a: b\r\n")[1] == b""
    assert b" 200 " not in ends_within(body, 8, b" ")[1]
    # Heads without end: a field, many fields, a target.
    for start, piece in ((b"GET / HTTP/1.1\r\na: ", b"x" * 65536), (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 10_000),
                         (b"GET /", b"x" * 65536)):
        long = line(port)
        long.sendall(start)
        took, heard = ends_within(long, 8, piece)
        assert took < 5 and b" 200 " not in heard, (start, took)
    # Bodies without end, said so and not.
    for field in (f"Content-Length: {1 << 30}", "Transfer-Encoding: chunked"):
        long = line(port)
        long.sendall(f"POST /ask HTTP/1.1\r\n{own}Content-Type: application/json\r\nX-Nabd-Ask: 1\r\n{field}\r\n\r\n"
                     .encode())
        piece = b"1000\r\n" + b" " * 4096 + b"\r\n"
        took, heard = ends_within(long, 8, piece * 8)
        assert took < 5 and b" 200 " not in heard, (field, took, heard)
    assert resident(host.pid) - before < 24, "it keeps what is thrown at it"
    has_gone_on(screen)
    assert fetch(port, "/main.js").status == 200


def test_d2_two_hundred_connections_keep_no_screen_out(unit, screens, line):  # noqa: F811
    host, _, port = unit
    screen = screens(port)
    screen.wait("beat", 4)
    descriptors = Path(f"/proc/{host.pid}/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(200):
        line(port)
    time.sleep(1)
    held = len(list(descriptors.iterdir())) - before
    assert 30 < held <= 64, f"{held} descriptors for 200 connections"
    # Whoever asks for something is answered, and who looks goes on.
    began = time.monotonic()
    assert fetch(port, "/main.js").status == 200
    another = screens(port)
    another.wait("picture")
    assert time.monotonic() - began < 2
    has_gone_on(screen)


def test_the_seventeenth_screen_is_told_so(unit, screens):  # noqa: F811
    _, _, port = unit
    opened = [screens(port, "none") for _ in range(16)]
    for screen in opened:
        screen.wait("picture")
    refused = fetch(port, "/live")
    assert (refused.status, refused.code) == (503, "screens")
    opened[0].close()
    time.sleep(1)
    screens(port, "none").wait("picture")


def test_requests_that_are_none_cost_nobody_anything(unit, screens, line):  # noqa: F811
    host, _, port = unit
    screen = screens(port)
    screen.wait("beat", 4)
    own = f"Host: 127.0.0.1:{port}\r\n"
    for said in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100,
                 f"GET / HTTP/1.1\r\nHost: evil.example\r\n{own}\r\n".encode(),
                 b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                 f"CONNECT evil.example:80 HTTP/1.1\r\n{own}\r\n".encode(),
                 f"POST /ask HTTP/1.1\r\n{own}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}".encode(),
                 f"POST /ask HTTP/1.1\r\n{own}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                 .encode(),
                 f"GET /live HTTP/1.1\r\n{own}Upgrade: websocket\r\nConnection: upgrade\r\n"
                 "Origin: http://evil.example\r\n\r\n".encode()):
        connection = line(port)
        connection.sendall(said)
        _, heard = ends_within(connection, PATIENCE + 5)
        assert b" 200 " not in heard.split(b"\r\n")[0], (said, heard[:200])
    has_gone_on(screen)
    assert host.running
