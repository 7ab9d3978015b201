"""An oximeter that sends lines of its own accord, as a Masimo Rad-8 does, over TCP: as often and with what a test says.

Lines as captured: remkolems/masimo-datacapture and yahnatan/pulseox, as told in device-profiles/masimo.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable


def line(spo2: int = 98, alarm: int = 0, serial: str = "0000056661") -> bytes:
    """One line of the device. ``alarm``: bit 1 is saturation below the limit, bit 3 pulse rate below it."""
    return (
        f"02/22/16 22:47:45 SN={serial} SPO2={spo2:03d}% BPM=097 PI=03.60% SPCO=--.-% SPMET=--.-% DESAT=-- "
        f"PIDELTA=+-- ALARM={alarm:04X} EXC=000800\r\n"
    ).encode()


class Oximeter:
    """Sends ``make(number)`` every ``period`` seconds; with period 0 as fast as it is taken.

    ``sent`` counts the lines that the host's system took.
    """

    def __init__(self, make: Callable[[int], bytes], period: float = 1.0) -> None:
        self.make = make
        self.period = period
        self.sent = 0
        self._over = threading.Event()
        self._hangs_up = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.line = "tcp://127.0.0.1:{}".format(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(0.2)
                self._hangs_up.clear()
                self._send(connection)

    def _send(self, connection: socket.socket) -> None:
        due = time.monotonic()
        while not self._over.is_set() and not self._hangs_up.is_set():
            # So many at once that Python is not what bounds a flood.
            burst = 1 if self.period else 50
            data = b"".join(self.make(self.sent + number) for number in range(burst))
            try:
                connection.sendall(data)
            except TimeoutError:
                continue
            except OSError:
                return
            self.sent += burst
            due += self.period
            self._over.wait(max(0.0, due - time.monotonic()))

    def hang_up(self) -> None:
        """Ends the connection; the next one is served again."""
        self._hangs_up.set()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._listener.close()
