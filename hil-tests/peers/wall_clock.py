"""The wall clock of one process, set as somebody would set it: `wallclock_shim.c` in front of it."""

from __future__ import annotations

import struct
import time
from pathlib import Path

from .durable import preloading


class WallClock:
    """The wall clock of one host."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "wall-clock"
        self.offset = 0.0
        self._write()
        self.prefix = [*preloading("wallclock_shim.c", directory), f"NABD_WALLCLOCK={self._file}"]

    def _write(self) -> None:
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", round(self.offset * 1e9)))

    def step(self, seconds: float) -> None:
        """Set it, forward or back."""
        self.offset += seconds
        self._write()

    def to_1970(self) -> float:
        """As a unit whose clock has lost its battery comes up. Gives the step."""
        step = 86400 - (time.time() + self.offset)
        self.step(step)
        return step
