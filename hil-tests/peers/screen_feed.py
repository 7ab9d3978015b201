"""The screen's dev feed: serves ``screen/`` and speaks what the host's console speaks, of a made-up unit.

    python3 hil-tests/peers/screen_feed.py --port 8765

Then open http://127.0.0.1:8765/. Signing in: layla, omar, salma or eng, with the secret 1234. Faults are switched by
the option --feed or, while it runs, by a GET of /feed, whose words may be put together:

    /feed?hang=5      says nothing for 5 s, connections stay     /feed?die=5       is gone for 5 s
    /feed?slow=800    each commit is told 800 ms late             /feed?lie=5       for 5 s half of all lines are wrong
    /feed?hostile=1   devices say script, marks, 10 kB            /feed?fast=1.02   curves run 2 % faster than they say
    /feed?stuck=oximeter-2&for=20    a device that says nothing   /feed?gap=chair-1&for=2     samples that never come
    /feed?late=chair-1&for=5         a curve that comes 1.5 s late
    /feed?invalid=MDC_TEMP&for=10&reason=sentinel     also &bed=chair-1, &word=questionable
    /feed?alarm=high&bed=chair-2&for=30                           /feed?mark=test|training|none
    /feed?fail=5      the journal cannot be read for 5 s
    /feed?standing=1  nothing is recorded any more                /feed?restart=1   a new session
    /feed?every=100   commits every 100 ms                /feed?square=1   every plethysmogram is a square wave
    /feed?faults=7    random faults from this seed; 0: none

GET /feed/shown tells what was committed lately: [[mono, {stream: value}], …], for tests that compare.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from urllib.parse import parse_qsl, urlsplit

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from peers import screen_desk, screen_past  # noqa: E402
from peers.screen_state import SHOWN, Client, State, mono, utc  # noqa: E402

SCREEN = Path(__file__).resolve().parents[2] / "screen"
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
          "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
UTF8 = "; charset=utf-8"
KINDS = {".html": "text/html" + UTF8, ".js": "text/javascript" + UTF8, ".css": "text/css" + UTF8,
         ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2"}
LIES = [b"event: beat\ndata: {\n\n", b"event: beat\ndata: null\n\n", b"event: beat\ndata: []\n\n",
        b'event: beat\ndata: {"values":[[1],null,["x",{},[],3,4]],"mono":"now","alarms":7}\n\n',
        b'event: waves\ndata: {"bed":"chair-1","waves":[[1,-5,1e300,0,["a",null]],[999,0,0,4,[1]],7]}\n\n',
        b"event: picture\ndata: 12\n\n", b"event: what\ndata: {}\n\n", b"data: x\n\n"]


class Feed:
    """The server with its committing thread."""

    def __init__(self, port: int = 0, every: float = 250, mark: str | None = None, screen: Path = SCREEN) -> None:
        self.state, self.screen = State(every, mark), screen
        self.hung_until = self.failing_until = self.lie_until = 0.0
        self.told = self.state.committed
        self.connections: set[socket.socket] = set()
        self.server: ThreadingHTTPServer | None = None
        self.port, self.stopped = port, False
        self.open()
        threading.Thread(target=self.commit_on, daemon=True).start()

    def open(self) -> None:
        handler = type("Bound", (Handler,), {"feed": self})
        self.server = Server(("127.0.0.1", self.port), handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def die(self, seconds: float) -> None:
        """As a killed process: every connection is reset, nobody listens, and then it comes back."""
        server, self.server = self.server, None
        server.shutdown()
        server.server_close()
        for one in list(self.connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        time.sleep(seconds)
        if not self.stopped:
            self.open()

    def stop(self) -> None:
        self.stopped = True
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()

    def commit_on(self) -> None:
        due = time.monotonic()
        while not self.stopped:
            due = max(due + self.state.every / 1000, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))
            with self.state.lock:
                beat, waves = self.commit()
            if self.state.slow:
                threading.Timer(self.state.slow / 1000, self.tell, (beat, waves)).start()
            else:
                self.tell(beat, waves)

    def commit(self) -> tuple[dict, dict[str, list]]:
        state, before = self.state, {}
        before = (state.devices(), state.beds(), state.pumps(), list(state.commands), list(state.consultations))
        if not state.recording:
            return state.moment(), {}
        state.trouble()
        now = mono()
        values, waves = state.advance(now)
        state.committed = now
        beat = state.moment()
        if values:
            beat["values"] = values
            state.shown = (state.shown + [(now, {v[0]: v for v in values})])[-SHOWN:]
        if state.alarms.step() or state.alarms.paused:
            beat["alarms"] = state.alarms.told()
        old = getattr(state, "before", None)
        names = ("devices", "beds", "pumps", "commands", "consultations")
        for place, name in enumerate(names):
            if old is not None and json.dumps(old[place]) != json.dumps(before[place]):
                beat[name] = before[place]
        state.before = json.loads(json.dumps(before))
        return beat, waves

    def tell(self, beat: dict, waves: dict[str, list]) -> None:
        with self.state.lock:
            clients = self.state.clients = [c for c in self.state.clients if not c.closed]
        lines = {bed: event("waves", {"bed": bed, "waves": entries}) for bed, entries in waves.items()}
        last = event("beat", beat)
        for client in clients:
            for bed, one in lines.items():
                if client.waves in ("all", bed):
                    client.give(one, is_wave=True)
            client.give(last, is_wave=False)
            if time.monotonic() < self.lie_until:
                for lie in LIES:
                    client.give(lie, is_wave=False)
        self.told = beat["committed"]

    def picture_anew(self) -> None:
        for client in self.state.clients:
            client.give(event("picture", self.state.picture()), is_wave=False)

    def switch(self, words: dict[str, str]) -> None:
        """A fault begins or ends."""
        state, length = self.state, float(words.get("for", 10))
        until, now = mono() + 1000 * length, time.monotonic()
        with state.lock:
            self.hung_until = now + float(words["hang"]) if "hang" in words else self.hung_until
            self.failing_until = now + float(words["fail"]) if "fail" in words else self.failing_until
            self.lie_until = now + float(words["lie"]) if "lie" in words else self.lie_until
            state.slow, state.fast = float(words.get("slow", state.slow)), float(words.get("fast", state.fast))
            state.every = float(words.get("every", state.every))
            state.square = words.get("square", str(int(state.square))) == "1"
            state.recording = words["standing"] == "0" if "standing" in words else state.recording
            for name, held in (("gap", state.gaps), ("late", state.late)):
                if name in words:
                    held[words[name]] = until
            for stream in state.streams:
                if words.get("stuck") == stream.device:
                    stream.stuck = until
                if words.get("invalid") == stream.metric and words.get("bed", stream.bed) == stream.bed:
                    stream.invalid = (words.get("word", "invalid"), words.get("reason", "sentinel"))
                    threading.Timer(length, setattr, (stream, "invalid", None)).start()
            if "alarm" in words:
                bed = words.get("bed", "chair-1")
                key = (bed, bed.replace("chair", "monitor"), None, "NABD_MADE_UP", words["alarm"])
                state.alarms.forced[key] = time.time() + length
            if "faults" in words:
                state.random = Random(int(words["faults"])) if int(words["faults"]) else None
            if "restart" in words:
                state.begin()
            if "hostile" in words:
                state.hostile = words["hostile"] != "0"
            if "mark" in words:
                state.mark = None if words["mark"] == "none" else words["mark"]
            if words.keys() & {"restart", "hostile", "mark", "every"}:
                self.picture_anew()
        if "die" in words:
            threading.Thread(target=self.die, args=(float(words["die"]),), daemon=True).start()


def event(name: str, value: dict) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


class Server(ThreadingHTTPServer):
    daemon_threads, allow_reuse_address = True, True

    def handle_error(self, request, client_address) -> None:
        pass  # a screen that went away


class Handler(BaseHTTPRequestHandler):
    """One request. ``feed`` is set on a subclass."""

    feed: Feed
    protocol_version = "HTTP/1.1"
    # Head and body go in two pieces: otherwise the second waits 40 ms for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.feed.connections.add(self.request)

    def finish(self) -> None:
        self.feed.connections.discard(self.request)
        super().finish()

    def log_message(self, *_) -> None:
        pass

    def wait_while_hung(self) -> None:
        while time.monotonic() < self.feed.hung_until:
            time.sleep(0.02)

    def head(self, status: int, kind: str, length: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header(*(("Content-Length", str(length)) if length is not None else ("Connection", "close")))
        self.end_headers()
        self.close_connection = length is None

    def whole(self, body: bytes, kind: str = "application/json", status: int = 200) -> None:
        self.head(status, kind, len(body))
        self.wfile.write(body)

    def tell(self, value: dict, status: int = 200) -> None:
        self.whole(json.dumps(value, ensure_ascii=False).encode(), status=status)

    def do_GET(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        query, state = dict(parse_qsl(url.query)), self.feed.state
        if url.path == "/feed":
            self.feed.switch(query)
            return self.tell({"done": query})
        self.wait_while_hung()
        begin, end = float(query.get("from", utc() - 86400e3)), float(query.get("to", utc()))
        if url.path == "/live":
            return self.live(query.get("waves", "all"))
        if url.path == "/feed/shown":
            with state.lock:
                return self.tell({"mono": mono(), "shown": state.shown[-400:]})
        if url.path == "/technical":
            return self.tell(screen_past.technical(state))
        if url.path == "/streams":
            return self.tell(screen_past.streams(state, begin, end))
        if url.path == "/log":
            return self.tell({"events": screen_past.log(state, begin, end, int(query.get("limit", 1000)))})
        if url.path == "/history":
            return self.history(query)
        return self.file(url.path)

    def history(self, query: dict[str, str]) -> None:
        if not {"streams", "from", "to"} <= query.keys():
            return self.tell({"failure": "streams, from and to are needed", "code": "query"}, 400)
        if screen_past.SETTINGS["busy"] > 0:
            screen_past.SETTINGS["busy"] -= 1
            screen_past.COUNTS["busy"] += 1
            return self.tell({"failure": "Too much is being read out of the past.", "code": "busy"}, 503)
        is_table = query.get("format") == "csv"
        self.head(200, "text/csv; charset=utf-8" if is_table else "application/x-ndjson", None)
        for line in (screen_past.csv if is_table else screen_past.history)(self.feed.state, query):
            self.wfile.write(line)

    def file(self, path: str) -> None:
        wanted = (self.feed.screen / (path.lstrip("/") or "index.html")).resolve()
        is_inside = self.feed.screen.resolve() in wanted.parents
        if not is_inside or not wanted.is_file() or wanted.suffix not in KINDS:
            return self.tell({"failure": "There is no such page.", "code": "noPage"}, 404)
        return self.whole(wanted.read_bytes(), KINDS[wanted.suffix])

    def live(self, wanted: str) -> None:
        client, state = Client(wanted), self.feed.state
        with state.lock:
            client.give(event("picture", state.picture()), is_wave=False)
            for bed, entries in state.waves_of(wanted).items():
                client.give(event("waves", {"bed": bed, "waves": entries}), is_wave=True)
            state.clients.append(client)
        self.head(200, "text/event-stream", None)
        try:
            while not client.closed and self.feed.server is not None:
                try:
                    line = client.lines.get(timeout=0.5)
                except queue.Empty:
                    # No sign of life may speak of a commit whose values are still on their way.
                    line = event("beat", {**state.moment(), "committed": round(self.feed.told, 3)})
                self.wait_while_hung()
                if time.monotonic() < self.feed.failing_until:
                    line = event("failure", {"failure": "There is no journal yet.", "code": "journal"})
                self.wfile.write(line)
        finally:
            client.closed = True

    def do_POST(self) -> None:  # noqa: N802
        self.wait_while_hung()
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 16 << 10))
        if urlsplit(self.path).path != "/ask" or self.headers.get("X-Nabd-Ask") != "1":
            return self.tell({"failure": "This is not asked so.", "code": "request"}, 403)
        try:
            line = json.loads(body)
            with self.feed.state.lock:
                answers = screen_desk.answers(self.feed.state, line)
        except (ValueError, AttributeError, TypeError, KeyError):
            return self.tell({"failure": "The request cannot be read.", "code": "request"}, 400)
        self.head(200, "application/x-ndjson", None)
        for place, answer in enumerate(answers):
            time.sleep(1 if place else 0)
            self.wfile.write(screen_past.line(answer))
            self.wfile.flush()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=8765)
    options.add_argument("--every", type=float, default=250, help="ms between commits")
    options.add_argument("--mark", choices=["test", "training"])
    options.add_argument("--screen", type=Path, default=SCREEN)
    options.add_argument("--feed", default="", help="faults from the start, as in /feed?…")
    given = options.parse_args()
    feed = Feed(given.port, given.every, given.mark, given.screen)
    feed.switch(dict(parse_qsl(given.feed)))
    print(f"http://127.0.0.1:{feed.port}/ (process {os.getpid()})", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
