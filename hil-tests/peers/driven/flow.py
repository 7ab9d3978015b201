"""What a pump has given: a volume that grows with the rate while it runs, and ends at its limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

PLAIN = re.compile(r"[0-9]+(\.[0-9]*)?")


def number(text: str) -> Decimal | str:
    """A plain decimal number, or the text where it is none."""
    return Decimal(text) if PLAIN.fullmatch(text) else text


@dataclass
class Flow:
    """``rate`` per hour, ``delivered`` since the counter was last cleared, both in the pump's own unit of volume.

    ``left``: how much may still be given before it ends by itself; nothing where there is no such limit. ``haste``: how
    many hours pass in one, so that a test need not wait for them. ``at``: up to when it has been reckoned.
    """

    rate: Decimal = Decimal(0)
    delivered: float = 0.0
    running: bool = False
    left: float | None = None
    haste: float = 1.0
    at: float = 0.0

    def advance(self, at: float) -> bool:
        """Give what is due up to this moment; says whether the limit was reached on the way."""
        seconds, self.at = max(0.0, at - self.at), max(at, self.at)
        if not self.running:
            return False
        due = float(self.rate) * seconds * self.haste / 3600
        ended = self.left is not None and due >= self.left
        if self.left is not None:
            due = min(due, self.left)
            self.left -= due
        self.delivered += due
        self.running = not ended
        return ended

    def seconds_left(self) -> float | None:
        """How long it takes to the limit; nothing where it does not come."""
        if self.left is None or not self.rate:
            return None
        return self.left * 3600 / float(self.rate) / self.haste
