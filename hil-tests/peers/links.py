"""The line between a rig and the host, whichever the bench has: a pseudo-terminal made here,
or a pair of real serial ports.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path

import serial


class Link:
    """The rig's end. ``path`` is what the host is given; ``wire_paces`` says that
    the bytes' pace is the hardware's own.
    """

    path: str
    wire_paces = False

    def fileno(self) -> int:
        """What can be waited for; -1 while unplugged."""
        raise NotImplementedError

    def read(self) -> bytes:
        """What has come, or nothing."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Send; what nobody takes is lost, as on a wire."""
        raise NotImplementedError

    def unplug(self) -> None:
        """Pull the plug: the host sees its port go."""
        raise NotImplementedError

    def replug(self) -> None:
        """Put it back in: the same name, another port."""
        raise NotImplementedError

    def close(self) -> None:
        """The end of it."""
        raise NotImplementedError


class PtyLink(Link):
    """A pseudo-terminal behind a symbolic link, as an adapter's stable name is one.

    The rig holds the slave open too, so that its settings stay and the master reports no error before the host comes. A
    second link of the same directory may be ``renamed``: that is what renumbering does to adapters.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._master = self._slave = -1
        self.device = ""
        self.replug()

    def fileno(self) -> int:
        return self._master

    def read(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        if self._master >= 0:
            try:
                os.write(self._master, data)
            except OSError:
                pass

    def unplug(self) -> None:
        if self._master >= 0:
            os.close(self._slave)
            os.close(self._master)
        self._master = self._slave = -1
        Path(self.path).unlink(missing_ok=True)

    def replug(self, path: str | None = None) -> None:
        """``path``: under another name."""
        self.path = path or self.path
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)
        Path(self.path).unlink(missing_ok=True)
        os.symlink(self.device, self.path)

    def speed(self) -> int:
        """The line speed that the host has set, as termios counts it."""
        return termios.tcgetattr(self._slave)[5]

    def close(self) -> None:
        self.unplug()


class SerialLink(Link):
    """The device side of a pair of real adapters; what plugs and unplugs it is a
    command of the bench, such as a relay's.
    """

    wire_paces = True

    def __init__(
        self, host: str, device: str, baud: int, form: str, unplug: str | None = None, replug: str | None = None,
        released: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = host
        self._released = released
        self._commands = {"unplug": unplug, "replug": replug}
        self._port = serial.Serial(device, baud, int(form[0]), form[1], int(form[2]), timeout=0, write_timeout=1)
        self._port.reset_input_buffer()

    def fileno(self) -> int:
        return self._port.fileno() if self._port.is_open else -1

    def read(self) -> bytes:
        return self._port.read(4096)

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            pass

    def _command(self, which: str) -> None:
        command = self._commands[which]
        assert command, f"the bench has no command to {which} {self.path}"
        subprocess.run(command, shell=True, check=True, timeout=10)

    def unplug(self) -> None:
        self._command("unplug")

    def replug(self) -> None:
        self._command("replug")
        limit = time.monotonic() + 5
        while not os.path.exists(self.path) and time.monotonic() < limit:
            time.sleep(0.05)

    def close(self) -> None:
        self._port.close()
        self._released()


class Holder:
    """Another process, as far as the kernel can tell: it holds a port by the terminal's exclusive mode or by a lock."""

    def __init__(self, path: str, by: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._by = by
        if by == "flock":
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            fcntl.ioctl(self._descriptor, termios.TIOCEXCL)

    def release(self) -> None:
        """Let it go; the exclusive mode of a pseudo-terminal would outlive its
        holder while the rig holds the other end.
        """
        if self._descriptor >= 0:
            if self._by == "exclusive":
                fcntl.ioctl(self._descriptor, termios.TIOCNXCL)
            os.close(self._descriptor)
        self._descriptor = -1
