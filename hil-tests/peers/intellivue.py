"""A monitor on the IntelliVue data export protocol over a serial line: one association, confirmed, kept by polls.

Facts: the frame is C0, 11 01, two bytes of length, payload, CRC-16/X-25 low byte first, C1; C0, C1 and 7D within are
sent as 7D and the byte XOR 20. The answer to the association and the abort are those of an MX800 in public material.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

from .device import ThreadedDevice
from .terminal import Cable

ACCEPTED = bytes.fromhex(
    "0ECE0508130100160102800014020002C1BE3180A0808001010000A280A003000001A58030808001008102510100003080800100"
    "810C2A8648CE14020100000002010000000061803080020101A0806180A180060C2A8648CE14020100000003010000A203020100"
    "A305A103020100BE80288002010281488000000040000000000000000080000080000000000000000001002C0001002880000000"
    "00000FA0000003E8000005B0FFFFFFFF600000000001000CF0010008800000000000000000000000000000000000000000000000")
ABORT = bytes.fromhex(
    "192E110103C129A080A0803080020101060251010000000061803080020101A080648080010100000000000000000000")
UNANSWERED = 3.0  # how often an event that nobody confirms is said again
FORGOTTEN = 10.0  # without a poll for so long, the association ends


def crc(data: bytes) -> int:
    """CRC-16/X-25."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return value ^ 0xFFFF


def frame(payload: bytes) -> bytes:
    """A payload as it is on the line."""
    body = b"\x11\x01" + struct.pack(">H", len(payload)) + payload
    body += struct.pack("<H", crc(body))
    stuffed = b"".join(bytes([0x7D, byte ^ 0x20]) if byte in b"\xC0\xC1\x7D" else bytes([byte]) for byte in body)
    return b"\xC0" + stuffed + b"\xC1"


def payloads(data: bytearray) -> list[bytes]:
    """The whole frames in some bytes, which are taken out; damaged ones say nothing."""
    found = []
    while 0xC1 in data:
        end = data.index(0xC1)
        piece = bytes(data[:end])
        del data[:end + 1]
        if 0xC0 not in piece:
            continue
        plain, escaped = bytearray(), False
        for byte in piece[piece.rindex(0xC0) + 1:]:
            if byte == 0x7D:
                escaped = True
            else:
                plain.append(byte ^ 0x20 if escaped else byte)
                escaped = False
        if len(plain) >= 6 and crc(plain[:-2]) == struct.unpack("<H", plain[-2:])[0]:
            found.append(bytes(plain[4:-2]))
    return found


def observation(handle: int, *attributes: tuple[int, bytes]) -> bytes:
    """An object with its attributes."""
    content = b"".join(struct.pack(">HH", number, len(value)) + value for number, value in attributes)
    return struct.pack(">HHH", handle, len(attributes), len(content)) + content


def value(identifier: int, number: int, exponent: int = 0, *, state: int = 0, unit: int) -> bytes:
    """An observed value: a FLOAT-Type with what stands before it."""
    return struct.pack(">HHHbBH", identifier, state, unit, exponent, number >> 16 & 0xFF, number & 0xFFFF)


def compound(*values: bytes) -> bytes:
    """A list of values."""
    return struct.pack(">HH", len(values), sum(map(len, values))) + b"".join(values)


def alarm(source: int, code: int, kind: int, *, state: int = 0, text: str = "") -> bytes:
    """An active alarm: where it comes from, what it is, and what the monitor writes."""
    words = (text + "\0").encode("utf-16-be")
    info = struct.pack(">HIHH", 1, 0x00020000, 0, 0) + struct.pack(">H", len(words)) + words
    return struct.pack(">9H", source, code, kind, state, 6, 0, 11, 516, len(info)) + info


@dataclass
class Patient:
    """What the monitor shows; the objects as they are sent, and the active alarms by kind."""

    objects: list[bytes] = field(default_factory=list)
    patient_alarms: list[bytes] = field(default_factory=list)
    technical_alarms: list[bytes] = field(default_factory=list)

    def alarm_objects(self) -> list[bytes]:
        """The alert monitor: its condition, with the greatest kind of each list, and the two lists."""
        kinds = [max((struct.unpack(">H", one[4:6])[0] for one in some), default=0)
                 for some in (self.patient_alarms, self.technical_alarms)]
        condition = struct.pack(">5H", 0, 1, *kinds, max(kinds))
        return [observation(99, (0x0916, condition), (0x0902, compound(*self.patient_alarms)),
                            (0x0904, compound(*self.technical_alarms)))]


class IntelliVue(ThreadedDevice):
    """One monitor. ``log`` tells what happened, in order."""

    def __init__(self, cable: Cable, patient: Patient) -> None:
        super().__init__()
        self.cable = cable
        self.patient = patient
        self.log: list[str] = []
        self.in_parts = False
        self.lost_part = None  # the place of a part that is not sent
        self.polls = 0
        self._associated = self._confirmed = False
        self._event = self._polled = 0.0
        self._ticks = 0

    def abort(self) -> None:
        """End the association, as a monitor does that is set up anew."""
        self._end()
        self.cable.write(frame(ABORT))

    def _end(self) -> None:
        self._associated = self._confirmed = False
        self.log.append("ended")

    def play(self) -> None:
        heard = bytearray()
        while not self._ending.is_set():
            heard += self.cable.read(0.02)
            for payload in payloads(heard):
                self._hear(payload)
            now = time.monotonic()
            if self._associated and not self._confirmed and now - self._event > UNANSWERED:
                self._create()
            if self._associated and now - self._polled > FORGOTTEN:
                self.log.append("forgotten")
                self.abort()

    def _create(self) -> None:
        self._event = time.monotonic()
        attributes = observation(0, (0x0986, bytes.fromhex("0001114D")))[2:]
        report = bytes.fromhex("002100000000") + struct.pack(">IHH", 1, 0x0D06, 6 + len(attributes))
        report += bytes.fromhex("002100000000") + attributes
        body = struct.pack(">HHH", 1, 1, len(report)) + report
        self.cable.write(frame(bytes.fromhex("E10000020001") + struct.pack(">H", len(body)) + body))

    def _hear(self, payload: bytes) -> None:
        if payload[0] == 0x0D:
            if self._associated:
                self.log.append("refused")
                self.cable.write(frame(bytes.fromhex("0C03320100")))
                return
            self.log.append("associated")
            self._associated, self._polled = True, time.monotonic()
            self.cable.write(frame(ACCEPTED))
            self._create()
        elif payload[0] == 0x09 and self._associated:
            self.log.append("released")
            self._end()
            self.cable.write(frame(bytes.fromhex("0A18C11661803080020101A08063808001000000000000000000")))
        elif payload[:4] == bytes.fromhex("E1000002") and self._associated:
            if payload[4:6] == b"\0\2" and payload[8:12] == bytes.fromhex("00010001") and payload[24:26] == b"\x0D\6":
                self._confirmed = True
                self.log.append("confirmed")
            elif payload[4:6] == b"\0\1" and payload[24:26] == b"\x0C\x16" and self._confirmed:
                self._polled = time.monotonic()
                kind = payload[30:36]
                if kind == bytes.fromhex("000100060803"):
                    self.polls += 1
                    self._answer(payload[8:10], payload[28:30], kind, self.patient.objects)
                elif kind == bytes.fromhex("000100360801"):
                    self._answer(payload[8:10], payload[28:30], kind, self.patient.alarm_objects())
                else:
                    self.log.append("polled for something else")

    def _answer(self, invoke: bytes, poll: bytes, polled: bytes, objects: list[bytes]) -> None:
        self._ticks += 8000
        half = len(objects) // 2
        parts = [objects[:half], objects[half:], []] if self.in_parts else [objects]
        for number, part in enumerate(parts):
            content = b"".join(part)
            contexts = struct.pack(">HHH", 1, len(part), len(content)) + content if part else b""
            result = poll + struct.pack(">I", self._ticks) + b"\xFF" * 8 + polled
            result += struct.pack(">HH", 1 if part else 0, len(contexts)) + contexts
            body = bytes.fromhex("002100000000") + struct.pack(">HH", 0x0C16, len(result)) + result
            body = invoke + bytes.fromhex("0007") + struct.pack(">H", len(body)) + body
            kind = b"\0\2"
            if self.in_parts and number < 2:
                kind, body = b"\0\5", bytes([1 if number == 0 else 3, number + 1]) + body
            if self.lost_part is None or self.lost_part != number:
                self.cable.write(frame(bytes.fromhex("E1000002") + kind + struct.pack(">H", len(body)) + body))
