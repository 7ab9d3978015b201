"""What the uplink is measured against: beds that play a recorded ECG, a service that takes all, and a way to it.

The service speaks HTTP/1.1 over mutual TLS 1.3 and answers each entry of a transaction with 201, in their order. It
parses what it is sent and counts it, and neither validates nor stores: it is a floor for what a real service costs,
and shows nothing of one. Each of the three is a process of its own.
"""

import array
import asyncio
import binascii
import contextlib
import gzip
import importlib.util
import json
import math
import multiprocessing
import random
import select
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import ROOT, free_port

ECG = ROOT / "Benchmarks/data/ecg-mitdb208-mlii-360hz.u16le"
ALERT, LOW_LIMIT, PHASE = "196616", "196674", "68481"
# Of a numeric; what is shorter is a waveform's. Unit: ms.
NUMERIC_PERIOD = 1000


def make_pki(folder):
    """The certificates of the tests; their package has the name of a module here, so the file is read by its path."""
    spec = importlib.util.spec_from_file_location("bench_pki", ROOT / "hil-tests/peers/pki.py")
    module = sys.modules["bench_pki"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_pki(folder)


class Peer:
    """A process that ends with its `with`."""

    def start(self, *arguments) -> None:
        self.ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run, args=(theirs, *arguments), daemon=True)
        self.process.start()
        if not self.ours.poll(20):
            sys.exit(f"bench: {type(self).__name__} did not begin in 20 s")
        self.port = self.ours.recv()

    def cpu_seconds(self) -> float:
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.join()


def kind(resource: dict) -> tuple[str, int]:
    """Which lane a resource is of, and how many samples it tells."""
    if resource["resourceType"] != "Observation":
        return "other", 0
    if data := resource.get("valueSampledData"):
        count = sum(token != "E" for token in data.get("data", "").split())
        return "numerics" if float(data["period"]) >= NUMERIC_PERIOD else "waveforms", count
    codes = {coding.get("code") for coding in resource["code"].get("coding", [])}
    return ("alarms" if ALERT in codes else "numerics" if "valueQuantity" in resource else "other"), 0


def began(resource: dict) -> str | None:
    """When a low limit's alarm began, of the resource that tells its beginning."""
    condition = {one.get("code") for one in resource.get("valueCodeableConcept", {}).get("coding", [])}
    for part in resource.get("component", []):
        if LOW_LIMIT in condition and part["code"]["coding"][0]["code"] == PHASE:
            if part["valueCodeableConcept"]["coding"][0]["code"] == "start":
                return resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    return None


class Tally:
    """What came, by lane; a lane is that of a bundle's first kind."""

    def __init__(self) -> None:
        self.lock, self.seen = threading.Lock(), set()
        lanes = {
            lane: {"requests": 0, "bytes": 0, "plain": 0, "entries": 0, "samples": 0}
            for lane in ("numerics", "waveforms", "alarms", "other")
        }
        self.told = {"lanes": lanes, "doubles": 0, "mixed": 0, "first": None, "last": None, "alarms": []}

    def take(self, size: int, plain: int, entries: list[dict], now: float) -> None:
        kinds = [kind(entry["resource"]) for entry in entries]
        present = [lane for lane in self.told["lanes"] if any(one == lane for one, _ in kinds)]
        with self.lock:
            told, lane = self.told, self.told["lanes"][present[0]]
            told["mixed"] += {"numerics", "waveforms"} <= set(present)
            told["first"], told["last"] = told["first"] or now, now
            lane["requests"] += 1
            lane["bytes"] += size
            lane["plain"] += plain
            lane["entries"] += len(entries)
            lane["samples"] += sum(count for _, count in kinds)
            for (name, _), entry in zip(kinds, entries):
                url = entry["request"]["url"]
                told["doubles"] += name != "other" and url in self.seen
                if name == "alarms" and url not in self.seen and (start := began(entry["resource"])):
                    told["alarms"].append((start, now))
                self.seen.add(url)


class Records(Peer):
    """The service. `said()` is what came so far: by lane, and when what alarm came."""

    def __init__(self, pki) -> None:
        self.start(pki)

    def said(self) -> dict:
        self.ours.send(None)
        return self.ours.recv()

    @staticmethod
    def run(pipe, pki) -> None:
        tally = Tally()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm, wbufsize = True, 1 << 16

            def log_message(self, *_) -> None:
                pass

            def say(self, status: int, document: dict) -> None:
                content = json.dumps(document, separators=(",", ":")).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                # Nothing is kept, so nothing may be read back; that is no fault of the delivery.
                issue = {"severity": "error", "code": "forbidden"}
                self.say(403, {"resourceType": "OperationOutcome", "issue": [issue]})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                now = time.time()
                if len(body) < int(self.headers["Content-Length"]):
                    # Who sent it was killed meanwhile.
                    self.close_connection = True
                    return
                plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                entries = json.loads(plain)["entry"]
                head = len(self.requestline) + 4 + sum(len(a) + len(b) + 4 for a, b in self.headers.items())
                tally.take(head + len(body), head + len(plain), entries, now)
                answers = [{"response": {"status": "201 Created"}} for _ in entries]
                self.say(200, {"resourceType": "Bundle", "type": "transaction-response", "entry": answers})

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(pki.server.certificate, pki.server.key)
        context.load_verify_locations(pki.authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_) -> None:
                # A connection that broke off, as those of a killed process do; what is lost by it would be missed.
                pass

            def finish_request(self, request, address) -> None:
                # In the connection's own thread: one that is slow to greet holds up no other.
                with contextlib.suppress(OSError), context.wrap_socket(request, server_side=True) as secured:
                    self.RequestHandlerClass(secured, address, self)

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pipe.send(server.server_address[1])
        while True:
            pipe.recv()
            with tally.lock:
                pipe.send(tally.told)


class Way(Peer):
    """Between unit and service, on TCP: counts, and delays or narrows.

    ``delay``: seconds that each byte takes, each way; making the connection itself takes none. ``rate``: bytes a
    second of all connections and both directions together, which take turns, 256 bytes each: as a link does whose
    queue is fair, not as one with a long queue of its own.
    """

    PIECE = 256

    def __init__(self, port: int, delay: float = 0, rate: float = 0) -> None:
        # Up, down, connections.
        self.counts = multiprocessing.Array("q", 3)
        self.start(port, delay, rate, self.counts)

    def bytes(self) -> int:
        return self.counts[0] + self.counts[1]

    @staticmethod
    def run(pipe, port: int, delay: float, rate: float, counts) -> None:
        async def pour(reader, writer, place: int, turn: asyncio.Lock, free: list[float]) -> None:
            late: asyncio.Queue = asyncio.Queue()

            async def deliver() -> None:
                while (item := await late.get()) is not None:
                    await asyncio.sleep(max(0, item[0] - time.monotonic()))
                    writer.write(item[1])
                writer.close()

            sender = asyncio.create_task(deliver())
            with contextlib.suppress(OSError):
                while data := await reader.read(Way.PIECE if rate else 1 << 16):
                    counts[place] += len(data)
                    if rate:
                        async with turn:
                            # What this process wakes late is made good, up to a tenth of a second.
                            free[0] = max(free[0], time.monotonic() - 0.1) + len(data) / rate
                            await asyncio.sleep(max(0, free[0] - time.monotonic()))
                    late.put_nowait((time.monotonic() + delay, data))
            late.put_nowait(None)
            with contextlib.suppress(OSError):
                await sender

        async def main() -> None:
            turn, free = asyncio.Lock(), [0.0]

            async def welcome(reader, writer) -> None:
                counts[2] += 1
                there = await asyncio.open_connection("127.0.0.1", port, limit=1024 if rate else 1 << 16)
                await asyncio.gather(pour(reader, there[1], 0, turn, free), pour(there[0], writer, 1, turn, free))

            listener = socket.create_server(("127.0.0.1", 0))
            if rate:
                # What waits for its turn waits at the unit, and not in a buffer here.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            server = await asyncio.start_server(welcome, sock=listener, limit=1024 if rate else 1 << 16)
            pipe.send(listener.getsockname()[1])
            async with server:
                await server.serve_forever()

        asyncio.run(main())


def ecg() -> list[int]:
    """The recording at 250 Hz instead of its 360, by straight lines, in its own steps of 5 µV."""
    raw = array.array("H", ECG.read_bytes())
    made = []
    for index in range(len(raw) * 250 // 360 - 2):
        place, part = divmod(index * 360 / 250, 1)
        made.append(round(raw[int(place)] * (1 - part) + raw[int(place) + 1] * part) - 1024)
    return made


def pulse(rate: int) -> list[int]:
    """A plethysmogram's like, 300 s of it: two humps a beat, its height and baseline moving with breath, and noise."""
    dice, made = random.Random(14), []
    for index in range(300 * rate):
        time_, beat = index / rate, index / rate * 1.2 % 1
        shape = math.exp(-((beat - 0.2) / 0.1) ** 2) + 0.4 * math.exp(-((beat - 0.5) / 0.12) ** 2)
        made.append(round(2000 + 900 * shape * (1 + 0.1 * math.sin(time_ * 1.6)) + dice.gauss(0, 3)))
    return made


def breath(rate: int) -> list[int]:
    dice = random.Random(15)
    return [round(1000 + 300 * math.sin(index / rate * 1.6) + dice.gauss(0, 2)) for index in range(300 * rate)]


def frame(kind_: int, values: list[int]) -> bytes:
    """As the monitor of `beds` makes them: AA 55, bytes of data, kind, data, CRC."""
    body = bytes([2 * len(values), kind_]) + struct.pack(f">{len(values)}h", *values)
    return b"\xAA\x55" + body + struct.pack(">H", binascii.crc_hqx(body, 0xFFFF))


class Monitors(Peer):
    """The beds of `beds`, at 127.0.0.1, 127.0.0.2, …, with an ECG that was recorded, in two leads that run apart, and
    curves and numbers that are made up. `low` holds a bed's saturation below its limit.
    """

    USUAL = [720, 1940, 720, 300, 1600, 1200, 1200, 1400, 1200, 800, 1230, 1100]

    def __init__(self, beds: int) -> None:
        self.low = multiprocessing.Array("b", beds)
        self.start(beds, self.low)

    @staticmethod
    def run(pipe, beds: int, low) -> None:
        wave, pleth, breathing, dice = ecg(), pulse(250), breath(125), random.Random(13)
        port, listeners, clients = free_port(), {}, []
        for bed in range(beds):
            one = socket.create_server((f"127.0.0.{bed + 1}", port))
            one.setblocking(False)
            listeners[one] = bed
        numbers = [list(Monitors.USUAL) for _ in range(beds)]

        def piece(of: list[int], place: int, count: int) -> list[int]:
            return [of[(place + step) % len(of)] for step in range(count)]

        pipe.send(port)
        start, tick = time.monotonic(), 0
        while True:
            tick += 1
            while (left := start + tick * 0.04 - time.monotonic()) > 0:
                for listener in select.select(list(listeners), [], [], left)[0]:
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    client.setblocking(False)
                    clients.append((listeners[listener], client))
            said = []
            for bed in range(beds):
                place = tick * 10 + bed * 7919
                said.append(frame(1, piece(wave, place, 10) + piece(wave, place + 31_000, 10)
                                  + piece(pleth, place, 10) + piece(breathing, tick * 5 + bed * 7919, 5)))
                if tick % 25 == bed * 3 % 25:
                    for index, usual in enumerate(Monitors.USUAL):
                        drift = dice.choice((-1, 0, 0, 1))
                        numbers[bed][index] += drift if abs(numbers[bed][index] + drift - usual) < 40 else -drift
                    told = list(numbers[bed])
                    if low[bed]:
                        told[1] -= 400
                    said[bed] += frame(2, told)
            for one in list(clients):
                try:
                    one[1].send(said[one[0]])
                except BlockingIOError:
                    pass
                except OSError:
                    one[1].close()
                    clients.remove(one)
