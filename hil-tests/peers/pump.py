"""A syringe pump that answers as an Alaris Asena GH does, over TCP, and keeps every byte it was sent.

Frames and words: mdpnp/mdpnp and jaj42/infupy, as told in device-profiles/alaris.
"""

from __future__ import annotations

import socket
import threading
import time


def crc(payload: bytes) -> int:
    """CRC-16/CCITT-FALSE, from its definition."""
    value = 0xFFFF
    for byte in payload:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def frame(payload: bytes) -> bytes:
    """A payload as the pump and its host say it."""
    return b"!" + payload + b"|%04X\r" % crc(payload)


class Pump:
    """``alarm`` is the word that stands in its status; ``heard`` are all bytes it was ever sent; ``alarmed`` is when it
    first told another word than that of no alarm, by the monotonic clock (unit: s).
    """

    def __init__(self, alarm: str = "-") -> None:
        self.alarm = alarm
        self.alarmed: float | None = None
        self.heard = b""
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self.line = "tcp://127.0.0.1:{}".format(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def effects(self) -> list[bytes]:
        """What it was told that changes a pump, in whole frames."""
        frames = [part for part in self.heard.replace(b"!", b"\r!").split(b"\r") if part.startswith(b"!")]
        words = [part[1:].split(b"|")[0] for part in frames]
        acting = (b"INF_START", b"INF_STOP", b"INF_BOLUS^", b"INF_RATE^", b"INF_VTBI^", b"REMOTE_CTRL^")
        return [word for word in words if word.startswith(acting)]

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with connection:
                connection.settimeout(0.2)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        waiting = b""
        while not self._over.is_set():
            try:
                data = connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            self.heard += data
            waiting += data
            while b"\r" in waiting:
                part, waiting = waiting.split(b"\r", 1)
                said = part.rpartition(b"!")[2].split(b"|")[0]
                if said == b"INF":
                    if self.alarm != "-" and self.alarmed is None:
                        self.alarmed = time.monotonic()
                    text = f"INF^8003-00107^{self.alarm}^INFUSE^12.5^ml/h^50.0^3.2^ml^40^mmHg^24+^0^0"
                    connection.sendall(frame(text.encode()))
                elif said == b"INST_SERIALNO":
                    connection.sendall(frame(b"INST_SERIALNO^8003-00107"))
                elif said == b"SYRINGE_STATUS":
                    connection.sendall(frame(b"SYRINGE_STATUS^BD PLASTIPAK^50"))
                elif said == b"INF_VTBI":
                    connection.sendall(frame(b"INF_VTBI^DEACT"))

    def stop(self) -> None:
        """Closes the line."""
        self._over.set()
        self._listener.close()
