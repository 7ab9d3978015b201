"""What a driven device may be told, what it makes of it, and what is kept of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Lie(Enum):
    """What a device makes of something it was told. Those that only change the answer suit questions too."""

    SILENT = "obeys and says nothing"
    DEAF = "neither obeys nor answers"
    HOLLOW = "says yes and does nothing"
    OTHER_VALUE = "says yes and stores another value; a trigger, which has none, is hollow"
    LATE = "obeys at once and answers late"
    ACTS_LATE = "obeys late and answers late"
    REFUSES = "refuses and does nothing"
    REFUSES_OBEYED = "obeys and says that it refuses"
    REBOOTS = "obeys, and restarts before it has answered"
    REBOOTS_DEAF = "restarts in place of hearing it"
    ALARMS = "an alarm in place of obeying, and of the answer"
    ALARMS_OBEYED = "obeys, is stopped by an alarm at once, and tells that in place of the answer"
    ENDS = "obeys, answers, and has ended by itself before it can be asked"
    LOSES_CONTROL = "obeys, answers, and can then no longer be driven"
    HELD = "obeys, and the answer is kept back until the line is made anew"
    GARBLED = "obeys, and one byte of the answer is another"
    HALF = "obeys, and the second half of the answer never comes"


class Key(Enum):
    """What a person may press at the device."""

    START = "start"
    STOP = "stop"
    RATE = "rate"


@dataclass(frozen=True)
class Order:
    """What was understood: ``effect`` where it would change the device, ``session`` where it would change only how the
    device may be driven (taking or giving back control, a watchdog); ``detail`` is the simulator's own.
    """

    name: str
    argument: Any = None
    effect: bool = False
    session: bool = False
    raw: bytes = b""
    detail: Any = None


@dataclass
class Effect:
    """A write that would change the device. ``obeyed``: it did what it was told, then or late. ``stored``: the value
    that it took instead, where it lied so.
    """

    at: float
    raw: bytes
    name: str
    argument: Any = None
    obeyed: bool = False
    session: bool = False
    lie: Lie | None = None
    stored: Any = None


@dataclass(frozen=True)
class Heard:
    """A message that came; without a name it was not understood, or was for another device."""

    at: float
    raw: bytes
    name: str | None = None
    argument: Any = None
    effect: bool = False


@dataclass
class Planned:
    """A lie to come: for how many (nothing: for all), of which names, of effects, questions or both."""

    lie: Lie
    left: int | None
    names: frozenset[str] | None
    of: str
    late: float
    then: Callable[[], None] | None

    def suits(self, order: Order) -> bool:
        """Session orders are lied about only where they are named."""
        if self.names is not None:
            return order.name in self.names and (self.of == "all" or order.effect == (self.of == "effects"))
        if self.of == "all":
            return True
        return not order.session if order.effect and self.of == "effects" else not order.effect and self.of == "reads"
