"""Load beside a measurement: all cores busy at ordinary priority,
and a disk that is written and synced without a pause.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BURNER = "while True: pass"
# 256 KiB a sync, over and over in a file of 64 MiB.
WRITER = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
while True:
    for place in range(256):
        os.pwrite(file, os.urandom(1 << 18), place << 18)
        os.fdatasync(file)
"""


class Busy:
    """How busy all cores have been since it was made. Range: 0…1."""

    def __init__(self) -> None:
        self._idle, self._total = self._ticks()

    @staticmethod
    def _ticks() -> tuple[int, int]:
        """Idle time, waiting for the disk included, and all time."""
        ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)

    def share(self) -> float:
        idle, total = self._ticks()
        return 1 - (idle - self._idle) / max(1, total - self._total)


@contextmanager
def loaded(folder: Path) -> Iterator[None]:
    """Two endless loops for each core and one writer to ``folder``;
    ends the benchmark if that did not keep the machine busy.
    """
    commands = (
        [[sys.executable, "-c", BURNER]] * (2 * (os.cpu_count() or 1))
        + [[sys.executable, "-c", WRITER, str(folder / "load")]]
    )
    processes = [subprocess.Popen(command) for command in commands]
    try:
        time.sleep(1)
        busy = Busy()
        yield
        if busy.share() < 0.95 or any(process.poll() is not None for process in processes):
            sys.exit("bench: the load did not keep the machine busy")
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        (folder / "load").unlink(missing_ok=True)
