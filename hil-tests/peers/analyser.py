"""A laboratory analyser that sends its results as LIS2-A2 has it: enquiry, frames one by one as each is acknowledged,
end of transmission.

Each frame is ended by CR and LF after its checksum. The sender goes by what it is answered: a frame is followed by the
next one when it was acknowledged, said again when it was not, and whatever is said to it besides is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .clockwork import Clockwork, now
from .links import Link

STX, ETX, EOT, ENQ, ACK, NAK, ETB = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x17"
# As often a frame is said again before the sender gives the message up.
MOST_TIMES = 6


def frames(records: list[str], one_frame: bool = False, longest: int = 240) -> list[bytes]:
    """The frames of a message: a record in each, or all in one; a text that is too long goes on in the next frame."""
    texts = ["".join(f"{record}\r" for record in records)] if one_frame else [f"{record}\r" for record in records]
    parts = [
        (text[at : at + longest], at + longest >= len(text)) for text in texts for at in range(0, len(text), longest)
    ]
    return [frame(number % 8, part.encode("ascii"), is_last) for number, (part, is_last) in enumerate(parts, start=1)]


def frame(number: int, text: bytes, is_last: bool) -> bytes:
    """STX, number, text, ETX or ETB, checksum, CR, LF."""
    body = b"%d" % number + text + (ETX if is_last else ETB)
    return STX + body + b"%02X" % (sum(body) & 0xFF) + b"\r\n"


@dataclass
class Transmission:
    """One message and what was said to it. ``spoilt``: the places of the frames
    whose checksum is wrong the first time.
    """

    frames: list[bytes]
    spoilt: set[int] = field(default_factory=set)
    # Each thing said, and all that was said to it before the next was.
    said: list[tuple[bytes, bytes]] = field(default_factory=list)
    ended: float | None = None


class Analyser:
    """Sends messages one after another, each a while after the one before has ended; ``patience`` as of a real one,
    only shorter. Unit: s.
    """

    def __init__(
        self, clockwork: Clockwork, link: Link, messages: list[Transmission], baud: int = 9600, pause: float = 1.0,
        patience: float = 3.0,
    ) -> None:
        self.clockwork = clockwork
        self.link = link
        self.messages = messages
        self.byte_time = 10 / baud
        self.pause = pause
        self.patience = patience
        self._turn = -1
        self._place = -1
        self._times = 0
        self._token = 0
        clockwork.add(self)

    @property
    def ended(self) -> bool:
        """Whether all has been sent, or given up."""
        return all(message.ended is not None for message in self.messages)

    def start(self) -> None:
        """Begin the first message."""
        self._next_message()

    def fileno(self) -> int:
        return self.link.fileno()

    def ready(self, at: float) -> None:
        data = self.link.read()
        if not data or self._turn < 0:
            return
        message = self.messages[self._turn]
        last, answers = message.said[-1]
        message.said[-1] = last, answers + data
        # What comes after the answer, or after the end, is kept and not acted on.
        if answers or message.ended is not None:
            return
        self._answered(data[:1])

    def _answered(self, answer: bytes) -> None:
        self._times = 0 if answer == ACK else self._times + 1
        if self._times >= MOST_TIMES:
            return self._end()
        self._place += answer == ACK
        # Time for a second answer to come, if there is one, before the next frame goes out.
        self._later(0.25, self._go_on)

    def _go_on(self) -> None:
        message = self.messages[self._turn]
        if self._place >= len(message.frames):
            return self._end()
        data = message.frames[self._place] if self._place >= 0 else ENQ
        if self._place in message.spoilt:
            message.spoilt.discard(self._place)
            data = data[:3] + bytes([data[3] ^ 1]) + data[4:]
        self._say(data)
        self._later(self.patience + len(data) * self.byte_time, self._end)

    def _say(self, data: bytes) -> None:
        self.messages[self._turn].said.append((data, b""))
        self.clockwork.send(data, now(), self.link.write, 0.0 if self.link.wire_paces else self.byte_time)

    def _later(self, after: float, action) -> None:
        """Only the last one that was put off is done."""
        self._token += 1
        token = self._token
        self.clockwork.at(now() + after, lambda: action() if token == self._token else None)

    def _end(self) -> None:
        self._say(EOT)
        self.messages[self._turn].ended = now()
        self._later(self.pause, self._next_message)

    def _next_message(self) -> None:
        if self._turn + 1 < len(self.messages):
            self._turn += 1
            self._place, self._times = -1, 0
            self._go_on()

    def stop(self) -> None:
        """Take it off the clockwork."""
        self.clockwork.remove(self)
        self.link.close()
