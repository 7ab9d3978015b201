"""Between the service's commit and the unit's note of it: answers that never come whole, and kills of the host."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

# What becomes of an answer to something that was stored, and how often. Only what was lost counts.
WAYS = {"answered": 12, "cut": 5, "part": 5, "reset": 5, "killed before": 3, "killed after": 2}
LOST = {"cut", "part", "reset", "killed before"}


def abandon(handler: BaseHTTPRequestHandler, reset: bool = False) -> None:
    """Ends a connection in the middle of TLS: without its last word, with FIN or, of itself, with RST."""
    if reset:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        try:
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
    handler.close_connection = True


class LostAnswers:
    """For ``Front.answering``. ``kill`` ends the host at once. ``limit``: so many answers are lost, then none."""

    def __init__(self, chance: random.Random, kill: Callable[[], None], limit: int) -> None:
        self.counts: Counter[str] = Counter()
        self._chance, self._kill, self._limit = chance, kill, limit
        self._lock = threading.Lock()
        self._armed = 0

    @property
    def lost(self) -> int:
        """Answers that were not sent, or not whole, to what the service had stored."""
        return sum(self.counts[way] for way in LOST)

    @property
    def over(self) -> bool:
        """Enough are lost, and no kill is still to come."""
        with self._lock:
            return self.lost >= self._limit and self._armed == 0

    def _fire(self) -> None:
        self._kill()
        with self._lock:
            self._armed -= 1

    def __call__(self, handler: BaseHTTPRequestHandler, content: bytes) -> bool:
        with self._lock:
            if self.lost >= self._limit:
                return False
            [way] = self._chance.choices(list(WAYS), list(WAYS.values()))
            # The kill falls where it falls: while the answer is waited for, read, or written down.
            moment = self._chance.uniform(0, 0.06)
            part = self._chance.randrange(len(content))
            self.counts[way] += 1
            self._armed += way.startswith("killed")
        if way == "killed before":
            time.sleep(moment)
            self._fire()
        elif way == "killed after":
            threading.Timer(moment, self._fire).start()
        elif way == "part":
            handler.send_response(200)
            handler.send_header("Content-Type", "application/fhir+json")
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content[:part])
            handler.wfile.flush()
        if way not in LOST:
            return False
        abandon(handler, reset=way == "reset")
        return True
