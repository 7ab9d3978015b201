"""An oximeter whose every packet says when it was sent, on a line that can hold it back: an unread pty,
or a terminal server that stalls.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import tty

from .clockwork import Clockwork, now
from .nonin import FRAMES_PER_PACKET, FRAMES_PER_SECOND, Vitals, encode_packet, pleth_sequence
from .tcp_link import TcpLink

PACKETS_PER_SECOND = FRAMES_PER_SECOND / FRAMES_PER_PACKET
# The pulse rate counts the packets, from one that is plausible; it comes again only after a minute and a half.
LEAST_PULSE, PULSES = 30, 270


def vitals(number: int) -> Vitals:
    """What the packet of this number says."""
    return Vitals(saturation=90 + number % 10, pulse=LEAST_PULSE + number % PULSES)


class StreamRig:
    """Sends frames at the device's pace, whether somebody reads or not."""

    path: str

    def __init__(self, clockwork: Clockwork) -> None:
        self.clockwork = clockwork
        # When the packet of each number was over. Unit: s.
        self.sent: list[float] = []
        self._pleth = pleth_sequence()
        self._frames: list[bytes] = []
        self._halt = lambda: None

    def start(self, behind: float = 0.0) -> None:
        """Send from now on; ``behind``: it began so long ago, and all that it has
        said since lies in the line. Unit: s.
        """
        began = now() - behind
        with self.clockwork.lock:
            for number in range(round(behind * FRAMES_PER_SECOND)):
                self._say(began + (number + 1) / FRAMES_PER_SECOND)
        self._halt = self.clockwork.every(1 / FRAMES_PER_SECOND, lambda: self._say(now()))

    def _say(self, at: float) -> None:
        if not self._frames:
            self._frames = encode_packet(vitals(len(self.sent)), [next(self._pleth) for _ in range(FRAMES_PER_PACKET)])
        self.put(self._frames.pop(0))
        if not self._frames:
            self.sent.append(at)

    def put(self, frame: bytes) -> None:
        """Bytes onto the line; what it has no room for is lost."""
        raise NotImplementedError

    def age(self, line: dict) -> float:
        """How old the packet of a journalled pulse rate was when it was recorded. Unit: s."""
        moment = line["monotonicNanoseconds"] / 1e9
        number = round(line["value"]) - LEAST_PULSE
        told = [at for at in self.sent[number::PULSES] if at <= moment + 0.1]
        assert told, f"was never told before: {line}"
        return moment - told[-1]

    def stop(self) -> None:
        """No more."""
        self._halt()


class PtyStream(StreamRig):
    """On a pseudo-terminal, which keeps what comes for whoever opens it, until it is full.

    ``fifo``: it is an adapter's, which gives no more than so many bytes at a time and keeps the rest itself:
    nobody's flush reaches that.
    """

    def __init__(self, clockwork: Clockwork, fifo: int | None = None) -> None:
        super().__init__(clockwork)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._fifo = fifo
        self._given = 0.0
        self._kept = b""

    def put(self, frame: bytes) -> None:
        self._kept += frame
        count = len(self._kept) if self._fifo is None else self._room()
        try:
            os.write(self._master, self._kept[:count])
        except BlockingIOError:
            pass
        self._kept = self._kept[count:]

    def unread(self) -> int:
        """How many bytes wait for the host."""
        return struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))[0]

    def _room(self) -> int:
        # What was given a moment ago may not be counted yet.
        if now() < self._given + 0.005:
            return 0
        self._given = now()
        return max(0, self._fifo - self.unread())

    def stop(self) -> None:
        super().stop()
        os.close(self._master)
        os.close(self._slave)


class ServedStream(StreamRig):
    """Behind a terminal server. While ``stalled`` it keeps what comes, and then delivers it all at once."""

    def __init__(self, clockwork: Clockwork) -> None:
        super().__init__(clockwork)
        self.link = TcpLink(clockwork)
        self.path = self.link.path
        self.kept = b""
        self.stalled = False
        clockwork.add(self)

    def fileno(self) -> int:
        return self.link.fileno()

    def ready(self, at: float) -> None:
        self.link.read()

    def put(self, frame: bytes) -> None:
        self.kept += frame
        if not self.stalled:
            self.link.write(self.kept)
            self.kept = b""

    def stop(self) -> None:
        super().stop()
        self.clockwork.remove(self)
        self.link.close()
