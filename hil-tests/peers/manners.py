"""How TCP devices, and the gateways before them, treat a connection: they end it when it suits them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Manners:
    """``one_answer``: a connection is good for one answer. ``idle``: it is ended when nothing was asked for so long.
    ``shy``: it is ended, unanswered, when something is asked so soon after it was made. Unit: s.
    """

    one_answer: bool = False
    idle: float | None = None
    shy: float | None = None
