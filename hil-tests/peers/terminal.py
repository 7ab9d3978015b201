"""A pseudo-terminal that stands for a serial cable."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import tty


class Cable:
    """One pty: the device holds the master, the host opens ``path``.

    The slave is set raw (a pty echoes and edits lines by default) and held open by the device, so that the settings
    stay and the master never reports an error merely because the host has not opened its end yet.
    """

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self.open = True

    def read(self, timeout: float) -> bytes:
        """What the host sent, or nothing after ``timeout`` seconds."""
        if not self.open:
            return b""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return b""
        try:
            return os.read(self._master, 4096)
        except OSError:
            return b""

    def write(self, data: bytes) -> int:
        """Send bytes; what does not fit is lost, as on a UART whose receiver is not served."""
        try:
            return os.write(self._master, data) if self.open else 0
        except (BlockingIOError, OSError):
            return 0

    def unread(self) -> int:
        """How many bytes wait in the host's input queue."""
        return struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, b"\0" * 4))[0] if self.open else 0

    def discard_unread(self) -> None:
        """Empty the host's input queue: a port that nobody has opened collects nothing."""
        if self.open:
            termios.tcflush(self._slave, termios.TCIFLUSH)

    def close(self) -> None:
        """Unplug: the host sees a hang-up, and the path is gone.

        The slave stays open to the end of the process: its number would be given to the next pseudo-terminal that
        anybody makes, and a host that looks for its pulled device would find another test's.
        """
        if self.open:
            self.open = False
            os.close(self._master)
