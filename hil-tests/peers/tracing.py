"""strace: which system calls touch the journal, and faults put into them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .waiting import wait_until

# Calls with which a process changes files or their names, and those that open them.
CHANGING = "pwrite64,pwritev,fdatasync,fsync,ftruncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,mkdir,openat"
CALL = re.compile(r"^(\d+) +(\w+)\((.*)")


def need_strace() -> None:
    """Skip where there is none, or where nobody may trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if os.geteuid() != 0:
        pytest.skip("tracing a process that was not started here needs root")


@dataclass(frozen=True)
class KillPoint:
    """Just before a system call: the first thread's that makes its ``nth`` one of this name."""

    call: str
    nth: int
    what: str

    def prefix(self, log: Path) -> list[str]:
        """What the host is started under to be killed there."""
        return traced(log, self.call, f"inject={self.call}:signal=SIGKILL:when={self.nth}")


def traced(log: Path, calls: str, *expressions: str) -> list[str]:
    """strace as a prefix; it stands aside, so that the process is still the caller's own child."""
    options = [word for expression in expressions for word in ("-e", expression)]
    return ["strace", "-D", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={calls}", *options]


def kill_points(log: Path, journal: Path) -> list[KillPoint]:
    """Of a traced run, each call that touches the journal and that a kill can be put before."""
    counts: Counter = Counter()
    points: dict[tuple[str, int], KillPoint] = {}
    for line in log.read_text(errors="replace").splitlines():
        if (found := CALL.match(line)) is None:
            continue
        thread, call, rest = found.groups()
        counts[thread, call] += 1
        key = call, counts[thread, call]
        # The first thread that makes so many is the one that dies.
        if key in points or any(other != thread and name == call and number >= key[1] for (other, name), number in counts.items()):
            continue
        if str(journal) in rest:
            points[key] = KillPoint(*key, rest.replace(str(journal), "")[:60])
    return list(points.values())


@contextmanager
def injected(pid: int, log: Path, call: str, fault: str) -> Iterator[None]:
    """Put a fault into a running process's calls; its counts begin here, for each thread by itself."""
    log.write_text("")
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", str(log), "-p", str(pid), "-e", f"trace={call}", "-e", f"inject={call}:{fault}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: is_traced(pid), 5, "strace to attach", every=0.01)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=15)


def is_traced(pid: int) -> bool:
    """Whether a tracer holds every thread of a process."""
    status = [path / "status" for path in Path(f"/proc/{pid}/task").iterdir()]
    return all("TracerPid:\t0\n" not in path.read_text() for path in status)


def injections(log: Path) -> int:
    """How many faults were put in so far."""
    return len(re.findall(r"\((?:INJECTED|DELAYED)\)", log.read_text(errors="replace")))
