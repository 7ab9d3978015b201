"""strace: which system calls touch the journal, and faults put into them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
    """Just before a system call: the first thread's that makes its ``nth`` one of
    this name on this file of the journal.
    """

    call: str
    file: str
    nth: int

    def options(self, journal: Path) -> list[str]:
        """What tells strace to kill there; only calls on that file count."""
        return [
            "-P", str(journal / self.file), "-e", f"trace={self.call}", "-e",
            f"inject={self.call}:signal=SIGKILL:when={self.nth}",
        ]

    def __str__(self) -> str:
        return f"{self.call} {self.nth} on {self.file or 'the folder'}"


def traced(log: Path | str, *options: str) -> list[str]:
    """strace as a prefix; it stands aside, so that the process is still the caller's own child. ``let_go`` ends it."""
    return ["strace", "-I", "2", "-D", "-f", "-qq", "-y", "-o", str(log), *options]


def let_go(pid: int) -> None:
    """Nobody traces this process any more, so that somebody else may."""
    status = re.search(r"TracerPid:\t(\d+)", Path(f"/proc/{pid}/status").read_text())
    if status is None or status[1] == "0":
        return
    os.kill(int(status[1]), signal.SIGINT)
    wait_until(lambda: not is_traced(pid), 5, "strace to let go", every=0.01)


def kill_points(log: Path, journal: Path) -> list[KillPoint]:
    """Of a traced run, each call that touches the journal and that a kill can be put before, in their order."""
    counts: Counter = Counter()
    points: dict[KillPoint, None] = {}
    for line in log.read_text(errors="replace").splitlines():
        call = CALL.match(line)
        touched = re.search(re.escape(str(journal)) + r"/?([^\s>\"]*)", call[3]) if call else None
        if call and touched:
            counts[call[1], call[2], touched[1]] += 1
            points[KillPoint(call[2], touched[1], counts[call[1], call[2], touched[1]])] = None
    return list(points)


@contextmanager
def attached(pid: int, log: Path | str, *options: str) -> Iterator[None]:
    """Trace a process that runs; counts begin here, for each thread by itself."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-o", str(log), "-p", str(pid), *options], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: is_traced(pid) or tracer.poll() is not None, 5, "strace to attach", every=0.01)
        assert not tracer.poll(), f"strace traces nothing: {tracer.stderr.read().decode().strip()}"
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=15)


def injected(pid: int, log: Path, call: str, fault: str) -> AbstractContextManager[None]:
    """Put a fault into a running process's calls."""
    log.write_text("")
    return attached(pid, log, "-e", f"trace={call}", "-e", f"inject={call}:{fault}")


def is_traced(pid: int) -> bool:
    """Whether a tracer holds every thread of a process."""
    try:
        return all(
            "TracerPid:\t0\n" not in (path / "status").read_text() for path in Path(f"/proc/{pid}/task").iterdir()
        )
    except OSError:  # a thread, or the process, has just ended
        return not Path(f"/proc/{pid}").exists()


def injections(log: Path) -> int:
    """How many faults were put in so far."""
    return len(re.findall(r"\((?:INJECTED|DELAYED)\)", log.read_text(errors="replace")))
