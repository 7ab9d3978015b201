"""What all driven devices share: the account of what they were told to do, and the ways in which they lie about it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..clockwork import Clockwork, now
from ..registers import Sending
from .flow import Flow
from .orders import Effect, Heard, Key, Lie, Order, Planned


class Liar:
    """A device as far as no line is concerned. ``state`` is all that a lie, a restart or a key may change.

    ``effects`` holds every write that would change the device, ``heard`` whatever came, ``pressed`` what was pressed at
    the keys. ``boot``: how long a restart takes, during which it is deaf and mute.
    """

    def __init__(self, clockwork: Clockwork, state: Any) -> None:
        self.clockwork = clockwork
        self.state = state
        self.effects: list[Effect] = []
        self.heard: list[Heard] = []
        self.strays: list[bytes] = []
        self.pressed: list[tuple[float, Key, Any]] = []
        self.planned: list[Planned] = []
        self.held: list[bytes] = []
        self.restarts = 0
        self.boot = 0.2
        self.up_at = 0.0
        self.mute_until = 0.0

    # What a device fills in.

    def refuses(self, order: Order) -> bytes | None:
        """What it answers because it cannot obey, empty for silence; nothing where it can."""
        raise NotImplementedError

    def obey(self, order: Order) -> bool:
        """Do it; says whether anything was done."""
        raise NotImplementedError

    def answer(self, order: Order) -> bytes:
        """What it says when it has obeyed, or was asked."""
        raise NotImplementedError

    def refusal(self, order: Order) -> bytes:
        """What it says when it will not."""
        raise NotImplementedError

    def alarm_answer(self, order: Order) -> bytes:
        """What it says in place of the answer when an alarm has come up."""
        raise NotImplementedError

    def raise_alarm(self, code: str | None = None) -> None:
        """An alarm comes up, and whatever runs stops."""
        raise NotImplementedError

    def lose_control(self) -> None:
        """It can no longer be driven, though it still runs."""
        raise NotImplementedError(f"{type(self).__name__} knows no remote control that could be lost")

    def forget(self) -> None:
        """What a restart loses of the settings and counters when it loses them."""
        raise NotImplementedError

    def lose_power(self) -> None:
        """What a restart loses in any case: that it ran."""
        self.flow.running = False

    def other(self, argument: Any) -> Any:
        """Another value than this; nothing where there is none."""
        return None if argument is None or isinstance(argument, str | bytes) else argument * 2

    def advanced(self, at: float) -> None:
        """Reckon everything up to a moment."""
        self.flow.advance(at)

    def garbled(self, reply: bytes) -> bytes:
        """One byte in the middle is another, so that no checksum holds."""
        middle = len(reply) // 2
        return reply[:middle] + bytes([reply[middle] ^ 0x80]) + reply[middle + 1 :] if reply else reply

    @property
    def flow(self) -> Flow:
        """What is given."""
        return self.state.flow

    # What a test asks and tells.

    def effect_writes(self, name: str | None = None, obeyed: bool | None = None) -> int:
        """How many writes of this name came, whether obeyed or not unless that is asked; without a name, all but those
        of the session.
        """
        return sum(
            (one.name == name if name else not one.session) and obeyed in (None, one.obeyed)
            for one in list(self.effects)
        )

    def lie(
        self, lie: Lie, count: int | None = 1, names: Iterable[str] | None = None, of: str = "effects",
        late: float = 1.0, then: Callable[[], None] | None = None,
    ) -> None:
        """Lie about the next so many, always where there is no count. ``of``: ``effects``, ``reads`` or ``all``.
        ``late``: by how many seconds. ``then``: what happens right after, such as a key press.
        """
        assert of in ("effects", "reads", "all")
        if lie is Lie.LOSES_CONTROL and type(self).lose_control is Liar.lose_control:
            self.lose_control()
        with self.clockwork.lock:
            self.planned.append(Planned(lie, count, frozenset(names) if names is not None else None, of, late, then))

    def honest(self) -> None:
        """No lies from now on."""
        with self.clockwork.lock:
            self.planned.clear()

    def mute(self, seconds: float) -> None:
        """It goes on obeying, and nothing that it is asked or told meanwhile is ever answered."""
        with self.clockwork.lock:
            self.mute_until = now() + seconds

    @property
    def delivered(self) -> float:
        """What it has given up to now, by its own counter."""
        with self.clockwork.lock:
            self.advanced(now())
            return self.flow.delivered

    @property
    def infusing(self) -> bool:
        """Whether it gives anything now."""
        with self.clockwork.lock:
            self.advanced(now())
            return self.flow.running

    def jump(self, by: float) -> None:
        """The counter moves by itself, forward or back."""
        with self.clockwork.lock:
            self.advanced(now())
            self.flow.delivered = max(0.0, self.flow.delivered + by)

    def reset(self) -> None:
        """The counter clears itself."""
        with self.clockwork.lock:
            self.jump(-self.flow.delivered - 1)

    def end(self, short: float = 0.0) -> None:
        """It ends by itself, as at its limit: what was left of that has been given, or so much less than that."""
        with self.clockwork.lock:
            self.advanced(now())
            self.flow.delivered += max(0.0, (self.flow.left or 0.0) - short)
            self.flow.left = 0.0 if self.flow.left is not None else None
            self.flow.running = False

    def restart(self, forget: bool = False) -> None:
        """Off and on. What it was told to hold is kept unless it is to ``forget`` it; that it ran, and who was in
        control, is lost. The facts say of no pump what it keeps; so both can be had.
        """
        with self.clockwork.lock:
            self.advanced(now())
            self.restarts += 1
            self.up_at = now() + self.boot
            self.lose_power()
            if forget:
                self.forget()

    def press(self, key: Key, value: Any = None, after: float = 0.0) -> None:
        """Somebody presses a key, now or some seconds from now."""
        if after > 0:
            self.clockwork.at(now() + after, lambda: self.press(key, value))
            return
        with self.clockwork.lock:
            at = now()
            self.advanced(at)
            self.pressed.append((at, key, value))
            self.key(key, value)

    def key(self, key: Key, value: Any) -> None:
        """What a key does."""
        if key is Key.RATE:
            self.flow.rate = value
        else:
            self.flow.running = key is Key.START

    # How it deals with what came.

    def note(self, at: float, raw: bytes, order: Order | None) -> None:
        """Keep what came."""
        if order is None:
            self.strays.append(raw)
            self.heard.append(Heard(at, raw))
        else:
            self.heard.append(Heard(at, raw, order.name, order.argument, order.effect))

    def deal(self, order: Order, at: float, framed: Callable[[bytes], bytes] = bytes) -> list[Sending]:
        """Receive one order; gives what is sent for it. ``framed`` puts the line's frame around an answer."""
        self.advanced(at)
        effect = Effect(at, order.raw, order.name, order.argument, session=order.session)
        if order.effect:
            self.effects.append(effect)
        if at < self.up_at:
            return []
        planned = self._take(order)
        effect.lie = planned.lie if planned else None
        reply, late = self._dealt(order, effect, planned)
        if planned and planned.then is not None:
            planned.then()
        if not reply or at < self.mute_until:
            return []
        data = framed(reply)
        if effect.lie is Lie.GARBLED:
            data = self.garbled(data)
        elif effect.lie is Lie.HALF:
            data = data[: len(data) // 2]
        elif effect.lie is Lie.HELD:
            self.held.append(data)
            return []
        return [Sending(data, late, busy=not late)]

    def _take(self, order: Order) -> Planned | None:
        for planned in self.planned:
            if planned.suits(order):
                if planned.left is not None:
                    planned.left -= 1
                    if planned.left <= 0:
                        self.planned.remove(planned)
                return planned
        return None

    def _dealt(self, order: Order, effect: Effect, planned: Planned | None) -> tuple[bytes, float]:
        """The answer, and by how much it is late."""
        match planned.lie if planned else None:
            case Lie.DEAF:
                return b"", 0.0
            case Lie.REFUSES:
                return self.refusal(order), 0.0
            case Lie.REBOOTS_DEAF:
                self.restart()
                return b"", 0.0
            case Lie.ALARMS:
                self.raise_alarm()
                return self.alarm_answer(order), 0.0
            case Lie.HOLLOW | Lie.OTHER_VALUE | Lie.ACTS_LATE as lie if order.effect:
                return self._pretend(order, effect, lie, planned.late), planned.late if lie is Lie.ACTS_LATE else 0.0
        reply = self._honestly(order, effect)
        match planned.lie if planned else None:
            case Lie.SILENT:
                return b"", 0.0
            case Lie.REFUSES_OBEYED:
                return self.refusal(order), 0.0
            case Lie.REBOOTS:
                self.restart()
                return b"", 0.0
            case Lie.ALARMS_OBEYED:
                self.raise_alarm()
                return self.alarm_answer(order), 0.0
            case Lie.ENDS:
                self.end()
            case Lie.LOSES_CONTROL:
                self.lose_control()
            case Lie.LATE | Lie.ACTS_LATE:
                return reply, planned.late
        return reply, 0.0

    def _honestly(self, order: Order, effect: Effect) -> bytes:
        refusal = self.refuses(order)
        if refusal is not None:
            return refusal
        if order.effect:
            effect.obeyed = self.obey(order)
        return self.answer(order)

    def _pretend(self, order: Order, effect: Effect, lie: Lie, late: float) -> bytes:
        """Say what it would say if it had obeyed, from a state that is put back; then do what it does instead."""
        refusal = self.refuses(order)
        if refusal is not None:
            return refusal
        before = copy.deepcopy(self.state)
        done, reply = self.obey(order), self.answer(order)
        self.state = before
        if not done:
            return reply
        if lie is Lie.OTHER_VALUE and (instead := self.other(order.argument)) is not None:
            effect.stored = instead
            self.obey(replace(order, argument=instead))
        elif lie is Lie.ACTS_LATE:
            self.clockwork.at(now() + late, lambda: self._act_late(order, effect))
        return reply

    def _act_late(self, order: Order, effect: Effect) -> None:
        self.advanced(now())
        effect.obeyed = self.obey(order)


def swap_identities(one: Any, other: Any) -> None:
    """Each answers under the name, number or address of the other; where a device tells none, swap the lines."""
    with one.clockwork.lock, other.clockwork.lock:
        one.identity, other.identity = other.identity, one.identity


def swap_lines(one: Any, other: Any) -> None:
    """Each is plugged in where the other was."""
    with one.clockwork.lock, other.clockwork.lock:
        one.link, other.link = other.link, one.link
