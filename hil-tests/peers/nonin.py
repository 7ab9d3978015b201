"""A Nonin OEM III oximeter, serial data format 2: 5-byte frames, 75 a second, 25 to a packet.

Frame: 01, status, pleth, a value chosen by the frame's number in the packet, low byte of the sum of the first four.
Status bit 7 is always set, bit 6 means sensor disconnected, bit 0 marks the first frame of a packet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .device import ThreadedDevice
from .terminal import Cable

FRAMES_PER_SECOND = 75
FRAMES_PER_PACKET = 25
NO_PULSE = 511
NO_SATURATION = 127
# Four seconds of frames: a host that leaves so much unread has closed the port.
ABANDONED = 4 * FRAMES_PER_SECOND * 5


@dataclass(frozen=True)
class Vitals:
    """What one packet says."""

    saturation: int = 97
    pulse: int = 72
    disconnected: bool = False


UNPLUGGED = Vitals(saturation=NO_SATURATION, pulse=NO_PULSE, disconnected=True)


def encode_frame(status: int, pleth: int, value: int) -> bytes:
    """One frame with its checksum."""
    body = bytes([0x01, status, pleth, value])
    return body + bytes([sum(body) & 0xFF])


def encode_packet(vitals: Vitals, pleth: list[int], firmware: int = 48) -> list[bytes]:
    """The 25 frames of a packet; ``pleth`` has one value for each frame."""
    high, low = (vitals.pulse >> 7) & 0x03, vitals.pulse & 0x7F
    by_number = {1: high, 2: low, 3: vitals.saturation, 4: firmware}
    by_number |= {9: vitals.saturation, 10: vitals.saturation, 11: vitals.saturation}
    by_number |= {14: high, 15: low, 16: vitals.saturation, 17: vitals.saturation}
    by_number |= {20: high, 21: low, 22: high, 23: low}
    frames = []
    for number in range(1, FRAMES_PER_PACKET + 1):
        status = 0x80 | (0x40 if vitals.disconnected else 0) | (0x01 if number == 1 else 0)
        frames.append(encode_frame(status, pleth[number - 1], by_number.get(number, 0)))
    return frames


def pleth_sequence(seed: int = 1) -> Iterator[int]:
    """A long-period sequence, so that any stretch of it is found at one place only."""
    state = seed
    while True:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield (state >> 16) & 0xFF


class NoninOximeter(ThreadedDevice):
    """Plays packets on a cable, paced by absolute deadlines, and remembers what it sent.

    ``vitals`` may be replaced at any time; it is read at the start of each packet. With ``varying`` (the default) the
    saturation and pulse change from packet to packet, so that a stuck reading cannot pass for a right one.
    """

    def __init__(self, vitals: Vitals | None = None, varying: bool = True) -> None:
        super().__init__()
        self.cable = Cable()
        self.varying = varying and vitals is None
        self.vitals = vitals or Vitals()
        self.sent_packets: list[Vitals] = []
        self.sent_pleth: list[int] = []
        self.bytes_lost = 0
        self._host_reads = False
        self._lock = threading.Lock()

    @property
    def line(self) -> str:
        """The path the host opens."""
        return self.cable.path

    def play(self) -> None:
        pleth = pleth_sequence()
        began, number = time.monotonic(), 0
        while not self._ending.is_set():
            if self.varying:
                packet = len(self.sent_packets)
                self.vitals = Vitals(saturation=90 + packet % 10, pulse=60 + packet % 90)
            vitals, wave = self.vitals, [next(pleth) for _ in range(FRAMES_PER_PACKET)]
            with self._lock:
                self.sent_packets.append(vitals)
            for frame in encode_packet(vitals, wave):
                time.sleep(max(0.0, began + number / FRAMES_PER_SECOND - time.monotonic()))
                self._send(frame)
                number += 1
                if self._ending.is_set():
                    return

    def _send(self, frame: bytes) -> None:
        # While no host reads, the queue is kept empty: bytes sent to a closed port are gone, not waiting.
        unread = self.cable.unread()
        if self._host_reads and unread > ABANDONED:
            self._host_reads = False
            self.bytes_lost += unread
        if not self._host_reads:
            self._host_reads = unread == 0 and bool(self.sent_pleth)
            self.cable.discard_unread()
        written = self.cable.write(frame)
        self.bytes_lost += len(frame) - written if self.cable.open else 0
        with self._lock:
            self.sent_pleth.append(frame[2])

    def unplug(self) -> None:
        """Pull the cable while playing on."""
        self.cable.close()

    def stop(self) -> None:
        super().stop()
        self.cable.close()
