"""A host whose disk takes as long for a sync as it is told to: `slow_sync.c` in front of it."""

from __future__ import annotations

import struct
from pathlib import Path

from .durable import preloading


class SlowSync:
    """How long each sync of one host takes."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "slow-sync"
        self.takes(0)
        self.prefix = [*preloading("slow_sync.c", directory), f"NABD_SLOW_SYNC={self._file}"]

    def takes(self, seconds: float) -> None:
        """From the next one on."""
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", round(seconds * 1000)))
