"""Wires between the machine's serial ports and the devices that are played on pseudo-terminals."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
import threading
import time
import tty
from pathlib import Path

# What may be on its way to a port that nobody reads; a real wire holds nothing, the machine's port reads in bursts.
ON_ITS_WAY = 8192
PATIENCE = 20.0


class Wire:
    """Carries bytes between a played device's pseudo-terminal and a socket that is a port of the machine.

    What the other end does not take is lost, as on a cable. While it is not plugged in, all the device says is lost.
    """

    def __init__(self, device_line: str) -> None:
        self._device = os.open(device_line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._device, termios.TCSANOW)
        self._port: socket.socket | None = None
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.lost = 0
        self._thread = threading.Thread(target=self._carry, daemon=True, name="wire")
        self._thread.start()

    def plug(self, place: Path) -> None:
        """Connect with a port of the machine, which makes its socket soon after it starts."""
        port = socket.socket(socket.AF_UNIX)
        port.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ON_ITS_WAY)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                port.connect(str(place))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"the machine has no port {place}: {error}") from error
                time.sleep(0.05)
        port.setblocking(False)
        with self._lock:
            assert self._port is None, "the wire is plugged in already"
            self._port = port

    def unplug(self) -> None:
        """Pull it out of the machine; the device plays on."""
        with self._lock:
            if self._port is not None:
                self._port.close()
                self._port = None

    def _carry(self) -> None:
        while not self._ending.is_set():
            with self._lock:
                port = self._port
            ends = [self._device] + ([port] if port is not None else [])
            with contextlib.suppress(OSError, ValueError):
                ready, _, _ = select.select(ends, [], [], 0.05)
                if self._device in ready:
                    self._to_machine(port, os.read(self._device, 4096))
                if port in ready:
                    self._to_device(port)

    def _to_machine(self, port: socket.socket | None, data: bytes) -> None:
        sent = 0
        if port is not None:
            with contextlib.suppress(OSError):
                sent = port.send(data)
        self.lost += len(data) - sent

    def _to_device(self, port: socket.socket) -> None:
        data = port.recv(4096)
        if data:
            os.write(self._device, data)
            return
        # The machine is gone: a select would otherwise return at once for ever.
        with self._lock:
            if self._port is port:
                port.close()
                self._port = None

    def stop(self) -> None:
        """Take it away."""
        self._ending.set()
        self._thread.join(5)
        self.unplug()
        os.close(self._device)
