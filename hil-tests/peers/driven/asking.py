"""A plain client for the tests of the driven devices: bytes out, and whatever comes until the line is quiet."""

from __future__ import annotations

import os
import time

import serial

from ..links import Link


class Asker:
    """``quiet``: how long nothing must come for an answer to be over; ``wait``: how long it may take to begin."""

    def __init__(self, link: Link, baud: int, quiet: float = 0.1, wait: float = 8.0) -> None:
        self.quiet = quiet
        self.wait = wait
        self._port = serial.Serial(os.path.realpath(link.path), baud, timeout=0)

    def tell(self, request: bytes) -> None:
        """Say something and wait for nothing."""
        self._port.write(request)

    def hear(self, wait: float | None = None) -> bytes:
        """What comes."""
        heard, limit = b"", time.monotonic() + (self.wait if wait is None else wait)
        while time.monotonic() < limit:
            if data := self._port.read(4096):
                heard, limit = heard + data, time.monotonic() + self.quiet
            else:
                time.sleep(0.002)
        return heard

    def ask(self, request: bytes, wait: float | None = None) -> bytes:
        """Say something, and hear what comes."""
        self.tell(request)
        return self.hear(wait)

    def silent(self, request: bytes) -> bool:
        """Whether nothing comes in answer."""
        return not self.ask(request, 0.25)

    def close(self) -> None:
        """The end of it."""
        self._port.close()
