"""A TLS front of the tests' own before the records server: it passes on, or answers wrongly as real ones do."""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .pki import Pki


def references(part: object) -> Iterator[str]:
    """Everything that a resource refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("reference"), str):
            yield part["reference"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


class Front:
    """``mode``: ``pass``, ``drip``, ``entries-STATUS`` (HTTP 200, every entry so answered), ``lie`` (every entry is
    said to be stored, none is) or ``refuse``. Bodies in gzip are unpacked, and answered in gzip.

    ``stored`` counts how often each resource was passed on and stored. In ``pass``: ``largest`` is the most bytes of a
    body, ``poison`` says of a resource that its bundle is answered with 500, and ``strict`` refuses what refers to
    something that neither the bundle nor ``stored`` has. ``guard`` is given each request first and says whether it has
    answered it; ``answering`` is given each answer to what was stored, and says whether it has dealt with it.
    ``serials`` are the numbers of the certificates that callers showed.
    """

    def __init__(self, pki: Pki, upstream: str) -> None:
        self.mode = "pass"
        self.seen: list[str] = []
        self.stored: dict[str, int] = {}
        self.largest: int | None = None
        self.poison: Callable[[dict], bool] | None = None
        self.strict = False
        self.guard: Callable[[BaseHTTPRequestHandler], bool] | None = None
        self.answering: Callable[[BaseHTTPRequestHandler, bytes], bool] | None = None
        self.serials: list[str] = []
        # Bytes of bodies as they came, and unpacked; how many came in gzip.
        self.came = [0, 0, 0]
        front = self
        place = urlsplit(upstream)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def is_taken(self) -> bool:
                front.serials.append(self.connection.getpeercert()["serialNumber"])
                return front.guard is not None and front.guard(self)

            def do_GET(self) -> None:
                if self.is_taken():
                    return
                connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
                connection.request("GET", self.path, headers={"Accept": "application/fhir+json"})
                answer = connection.getresponse()
                self.say(answer.status, answer.read(), packed=False)
                connection.close()

            def say(self, status: int, content: bytes, packed: bool) -> None:
                content = gzip.compress(content) if packed else content
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                if packed:
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                if self.is_taken():
                    return
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                front.came[0] += len(body)
                body = gzip.decompress(body) if packed else body
                front.came[1] += len(body)
                front.came[2] += packed
                mode = front.mode
                front.seen.append(mode)
                entries = json.loads(body)["entry"]
                refusal = front._refusal(body, entries) if mode == "pass" else None
                if refusal is not None:
                    status, content = refusal
                elif mode == "pass":
                    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
                    connection.request("POST", place.path, body, {"Content-Type": "application/fhir+json"})
                    answer = connection.getresponse()
                    status, content = answer.status, answer.read()
                    connection.close()
                    if status == 200:
                        for entry in entries:
                            url = entry["request"]["url"]
                            front.stored[url] = front.stored.get(url, 0) + 1
                        if front.answering is not None and front.answering(self, content):
                            return
                elif mode == "drip":
                    self.send_response(200)
                    self.send_header("Content-Length", "100000")
                    self.end_headers()
                    try:
                        while front.mode == "drip":
                            self.wfile.write(b" ")
                            self.wfile.flush()
                            time.sleep(0.5)
                    except OSError:
                        pass
                    self.close_connection = True
                    return
                elif mode == "lie" or mode.startswith("entries-"):
                    status = "201 Created" if mode == "lie" else mode.removeprefix("entries-")
                    answers = [{"response": {"status": status}} for _ in entries]
                    bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}
                    status, content = 200, json.dumps(bundle).encode()
                else:
                    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
                    status, content = 422, json.dumps(outcome).encode()
                self.say(status, content, packed)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(pki.server.certificate, pki.server.key)
        context.load_verify_locations(pki.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _refusal(self, body: bytes, entries: list[dict]) -> tuple[int, bytes] | None:
        if self.largest is not None and len(body) > self.largest:
            return 413, b"too large"
        if self.poison is not None and any(self.poison(entry["resource"]) for entry in entries):
            return 500, b"Internal Server Error"
        known = {entry["request"]["url"] for entry in entries} | set(self.stored)
        if self.strict and not all(set(references(entry["resource"])) <= known for entry in entries):
            outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}
            return 422, json.dumps(outcome).encode()
        return None

    @property
    def base_url(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}/fhir"

    def stop(self) -> None:
        self.mode = "pass"
        self._server.shutdown()
        self._server.server_close()
