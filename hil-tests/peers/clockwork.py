"""One thread that plays any number of devices: bytes as they come in, replies at the moment they are due.

A thread for each device would do for four of them; the fault suite has fifty at once,
and their replies must leave in time on a busy machine.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from .device import ThreadedDevice


def now() -> float:
    """The clock of the journal's ``monotonicNanoseconds``, in seconds; it goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Port(Protocol):
    """Something that bytes come in at; ``fileno`` gives -1 while there is nothing to listen to."""

    def fileno(self) -> int: ...

    def ready(self, at: float) -> None: ...


class Clockwork(ThreadedDevice):
    """Calls ``ready`` of ports that have bytes, and actions when they are due;
    all of them on its own thread, one at a time.

    ``lock`` is held during every call: a test that changes a device while it plays takes it too.

    ``stalls``: from when to when the thread did not run, or did one turn only, for longer than ``STALL`` though it had
    to; what its devices left unanswered then says nothing of whoever asked.
    """

    LONGEST_SLEEP = 0.02
    STALL = 0.02

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self._ports: list[Port] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self.stalls: list[tuple[float, float]] = []
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)

    def add(self, port: Port) -> None:
        """Listen to a port from now on."""
        with self.lock:
            self._ports.append(port)
        self._nudge()

    def remove(self, port: Port) -> None:
        """Listen to it no more; one that is not there is no error."""
        with self.lock:
            if port in self._ports:
                self._ports.remove(port)
        self._nudge()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a moment; what is due at the same moment is done in the order it was asked for."""
        with self.lock:
            heapq.heappush(self._due, (when, next(self._numbers), action))
        if threading.current_thread() is not self._thread:
            self._nudge()

    def send(
        self, data: bytes, begin: float, write: Callable[[bytes], None], byte_time: float = 0.0,
        gap: float | None = None,
    ) -> float:
        """Write bytes from a moment on: whole, when a line of this pace would have carried them,
        or with a gap between any two.

        Gives when the last one is out.
        """
        if gap is None:
            end = begin + len(data) * byte_time
            self.at(end, lambda: write(data))
            return end
        for index in range(len(data)):
            self.at(begin + index * gap, partial(write, data[index : index + 1]))
        return begin + (len(data) - 1) * gap

    def every(self, period: float, action: Callable[[], None]) -> Callable[[], None]:
        """Do something again and again, the first time after one period; gives what ends it."""
        ended = threading.Event()
        started = now()

        def again(turn: int) -> None:
            if not ended.is_set():
                action()
                self.at(started + (turn + 1) * period, lambda: again(turn + 1))

        self.at(started + period, lambda: again(1))
        return ended.set

    def _nudge(self) -> None:
        try:
            os.write(self._woken, b"!")
        except BlockingIOError:
            pass

    def play(self) -> None:
        turn = now()
        while not self._ending.is_set():
            turn = self._witnessed(turn)
            with self.lock:
                numbers = {number: port for port in self._ports if (number := port.fileno()) >= 0}
                wait = min(self.LONGEST_SLEEP, max(0.0, self._due[0][0] - now())) if self._due else self.LONGEST_SLEEP
            try:
                ready, _, _ = select.select([self._wake, *numbers], [], [], wait)
            except OSError:  # a port was closed while we waited
                continue
            with self.lock:
                self._serve(ready, numbers)

    def _witnessed(self, turn: float) -> float:
        """Note a turn that took longer than the longest sleep explains; gives when the next one begins."""
        begins = now()
        if begins - turn > self.LONGEST_SLEEP + self.STALL:
            self.stalls.append((turn, begins))
        return begins

    def _serve(self, ready: list[int], numbers: dict[int, Port]) -> None:
        if self._wake in ready:
            os.read(self._wake, 4096)
        moment = now()
        for number in ready:
            port = numbers.get(number)
            if port is not None and port.fileno() == number:
                port.ready(moment)
        while self._due and self._due[0][0] <= now():
            heapq.heappop(self._due)[2]()

    def stop(self) -> None:
        self._ending.set()
        self._nudge()
        super().stop()
        os.close(self._wake)
        os.close(self._woken)
