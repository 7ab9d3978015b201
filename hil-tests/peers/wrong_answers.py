"""Answers that real ways and services give instead of the right one; nothing of what they are given is stored."""

from __future__ import annotations

import gzip
import json
import time
from http.server import BaseHTTPRequestHandler

from .lost_answers import abandon

PAGE = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
# What would be taken if nobody asked whether it is whole, who says it, or how many entries it has.
OUTCOME = json.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "throttled"}]})
PART = b"x" * 65_536
HUGE = 1 << 40


def all_stored(count: int) -> bytes:
    """The answer of a service that has stored so many entries."""
    entries = [{"response": {"status": "201 Created"}}] * count
    return json.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entries}).encode()


class WrongAnswers:
    """For ``Front.guard``; each method whose name is ``mode`` answers. ``moments``: when requests came, by
    ``time.monotonic``; ``begins``: the same by the first resource of a bundle; ``answered``: the most bytes that went
    into the socket of one huge answer; ``longest``: how long one was taken. Unit: s.
    """

    def __init__(self, mode: str, retry_after: str | None = None) -> None:
        self.mode = mode
        self.retry_after = retry_after
        self.moments: list[float] = []
        self.begins: dict[str, list[float]] = {}
        self.answered, self.longest = 0, 0.0

    def __call__(self, handler: BaseHTTPRequestHandler) -> bool:
        if self.mode == "pass":
            return False
        self.moments.append(time.monotonic())
        if handler.command == "GET":
            self._say(handler, 503, b"")
            return True
        length = int(handler.headers["Content-Length"])
        if self.mode == "reset_in_the_body":
            handler.rfile.read(length // 2)
            abandon(handler, reset=True)
            return True
        body = handler.rfile.read(length)
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        entries = json.loads(body)["entry"]
        self.begins.setdefault(entries[0]["request"]["url"], []).append(self.moments[-1])
        try:
            getattr(self, self.mode)(handler, len(entries))
        except OSError:
            handler.close_connection = True
        return True

    def _say(self, handler: BaseHTTPRequestHandler, status: int, content: bytes, **fields: str) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in fields.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    # Patience

    def too_many(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 429, OUTCOME.encode(), Retry_After=self.retry_after or "5")

    def unavailable(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 503, b"", Retry_After=self.retry_after or "5")

    # Services that fail

    def fails(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 500, b"Internal Server Error", Content_Type="text/plain")

    def silent(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        while self.mode == "silent":
            time.sleep(0.1)
        abandon(handler)

    def head_that_drips(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.flush_headers()
        while self.mode == "head_that_drips":
            handler.wfile.write(b"X-Patience: 1\r\n")
            handler.wfile.flush()
            time.sleep(0.3)
        abandon(handler)

    def huge(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(HUGE))
        handler.end_headers()
        self._pour(handler, PART)

    def endless(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        self._pour(handler, f"{len(PART):x}\r\n".encode() + PART + b"\r\n")

    def _pour(self, handler: BaseHTTPRequestHandler, part: bytes) -> None:
        begin = time.monotonic()
        for number in range(1, HUGE // len(PART) + 1):
            handler.wfile.write(part)
            self.answered = max(self.answered, number * len(PART))
            self.longest = max(self.longest, time.monotonic() - begin)

    def huge_in_gzip(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 200, gzip.compress(b" " * (256 << 20)), Content_Encoding="gzip",
                  Content_Type="application/fhir+json")

    # What is cut short

    def cut_before_its_length(self, handler: BaseHTTPRequestHandler, count: int) -> None:
        content = all_stored(count)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) + 1))
        handler.end_headers()
        handler.wfile.write(content)
        handler.wfile.flush()
        abandon(handler)

    def cut_before_its_last_chunk(self, handler: BaseHTTPRequestHandler, count: int) -> None:
        content = all_stored(count)
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        handler.wfile.flush()
        abandon(handler)

    # Who is no records service

    def page(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 200, PAGE, Content_Type="text/html")

    def redirect(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 302, PAGE, Location="http://127.0.0.1:9/portal", Content_Type="text/html")

    def network_wants_a_name(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 511, PAGE, Content_Type="text/html")

    def other_json(self, handler: BaseHTTPRequestHandler, _: int) -> None:
        self._say(handler, 200, b'{"ok": true}', Content_Type="application/json")

    def fewer_entries(self, handler: BaseHTTPRequestHandler, count: int) -> None:
        self._say(handler, 200, all_stored(count - 1), Content_Type="application/fhir+json")

    def more_entries(self, handler: BaseHTTPRequestHandler, count: int) -> None:
        self._say(handler, 200, all_stored(count + 1), Content_Type="application/fhir+json")
