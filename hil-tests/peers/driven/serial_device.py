"""A driven device on a line of its own: bytes in, whole messages cut out of them, answers at the line's pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..clockwork import Clockwork, now
from ..links import Link
from ..registers import Sending
from .liar import Liar
from .orders import Order


class SerialDevice(Liar):
    """``echo``: called with the number of each chunk of bytes that came; where it says true the same bytes come back at
    once. ``pending``: what has come and is no whole message yet; ``patience``: after how long a silence it is given up.
    ``release_after``: how long after the line was made anew the answers kept back come; without it, as soon as anything
    is heard over the new line, and before that is answered.
    """

    patience: float | None = None

    def __init__(self, clockwork: Clockwork, link: Link, state: Any, baud: int, turnaround: float = 0.002) -> None:
        super().__init__(clockwork, state)
        self.link = link
        self.byte_time = 10 / baud
        self.turnaround = turnaround
        self.busy_until = 0.0
        self.echo: Callable[[int], bool] | None = None
        self.pending = b""
        self.last = 0.0
        self.release_after: float | None = None
        self._anew = False
        self._chunks = 0
        clockwork.add(self)

    def cut(self) -> bytes | None:
        """Take the next whole message off ``pending``; nothing while there is none."""
        raise NotImplementedError

    def understand(self, raw: bytes) -> Order | None:
        """What a message says; nothing where it is damaged, or for another device."""
        raise NotImplementedError

    def stray_answer(self, raw: bytes) -> bytes:
        """What it says to something that it did not understand: nothing."""
        return b""

    def fileno(self) -> int:
        return self.link.fileno()

    def ready(self, at: float) -> None:
        data = self.link.read()
        if not data:
            return
        self._chunks += 1
        if self._anew:
            self.release()
        if self.echo is not None and self.echo(self._chunks):
            self.link.write(data)
        if self.patience is not None and self.pending and at - self.last > self.patience:
            self.give_up(at)
        self.pending += data
        while (raw := self.cut()) is not None:
            self.receive(raw, at)
        self.last = at

    def give_up(self, at: float) -> None:
        """What is pending becomes no message any more."""
        self.note(at, self.pending, None)
        self.pending = b""

    def receive(self, raw: bytes, at: float) -> None:
        """Deal with one whole message."""
        order = self.understand(raw)
        self.note(at, raw, order)
        if order is not None:
            self.send(self.deal(order, at), len(raw))
        elif at >= max(self.up_at, self.mute_until) and (answer := self.stray_answer(raw)):
            self.send([Sending(answer)], len(raw))

    def send(self, sendings: list[Sending], after_bytes: int = 0) -> None:
        """Put answers on the line, after so many bytes have come in over it."""
        wire = 0.0 if self.link.wire_paces else self.byte_time
        begin = max(now() + after_bytes * wire, self.busy_until) + self.turnaround
        for sending in sendings:
            end = self.clockwork.send(sending.data, begin + sending.after, self._write, wire, sending.gap)
            if sending.busy:
                self.busy_until = max(self.busy_until, end)

    def _write(self, data: bytes) -> None:
        self.link.write(data)

    def say(self, data: bytes) -> None:
        """Put bytes on the line unasked."""
        with self.clockwork.lock:
            self.send([Sending(data)])

    def release(self) -> None:
        """The answers that were kept back come now, in order."""
        with self.clockwork.lock:
            for data in self.held:
                self._write(data)
            self.held.clear()
            self._anew = False

    def unplug(self) -> None:
        """Pull the adapter out; half a message is forgotten, the answers kept back are not."""
        with self.clockwork.lock:
            self.link.unplug()
            self.pending = b""

    def replug(self, **names) -> None:
        """Plug it back in, perhaps under another name: what was kept back is the first that comes."""
        with self.clockwork.lock:
            self.link.replug(**names)
            self._anew = self.release_after is None
        if self.release_after is not None:
            self.clockwork.at(now() + self.release_after, self.release)

    def stop(self) -> None:
        """Take it off the clockwork."""
        self.clockwork.remove(self)
        self.link.close()
