"""What a test of real time needs of its machine: load, a device that is not starved by it,
and a look at a process's threads.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .host import Host

# Between the host's lines (40) and its journal (30), so that a device answers in time and never delays a line.
DEVICE_PRIORITY = 35


def may_use_fifo() -> bool:
    """Whether this process may give itself a real-time priority; it is what a host that it starts may do, too."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(DEVICE_PRIORITY))
    except PermissionError:
        return False
    os.sched_setscheduler(0, *before)
    return True


@contextmanager
def urgent() -> Iterator[None]:
    """This thread and those it starts have a real-time priority: a device played by one of them
    answers however busy the machine is.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(DEVICE_PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


@contextmanager
def saturated(priority: int) -> Iterator[None]:
    """Two endless loops for each core, at this real-time priority; 0 is an ordinary process's."""
    policy = "os.SCHED_FIFO" if priority else "os.SCHED_OTHER"
    code = f"import os\nos.sched_setscheduler(0, {policy}, os.sched_param({priority}))\nwhile True: pass"
    burners = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        time.sleep(0.5)
        yield
    finally:
        for burner in burners:
            burner.kill()
        for burner in burners:
            burner.wait()


def cpu_times() -> tuple[int, int]:
    """Idle time, waiting for the disk included, and all time of all cores since the start. Unit: ticks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


@dataclass(frozen=True)
class Thread:
    """A thread as the kernel sees it. ``faults``: pages that it had to wait for so far."""

    name: str
    policy: int
    priority: int
    faults: int


def pid_of(host: Host) -> int:
    """The process of a host that runs."""
    assert host.running, f"nabd does not run:\n{host.log_tail()}"
    return host._process.pid


def threads_of(host: Host) -> dict[str, Thread]:
    """The threads of a host by their names; of several with one name, one."""
    found = {}
    for task in Path(f"/proc/{pid_of(host)}/task").iterdir():
        name = (task / "comm").read_text().rstrip("\n")
        # After the name in parentheses, which may hold anything.
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        thread = int(task.name)
        found[name] = Thread(
            name, os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority,
            int(fields[7]) + int(fields[9]),
        )
    return found


def told_at_start(host: Host) -> dict[str, str]:
    """The fields of the log line that says that the host runs."""
    line = next((line for line in host.log().splitlines() if " nabd is running [" in line), None)
    if line is None:
        return {}
    fields = line.partition(" nabd is running [")[2].removesuffix("]")
    return dict(re.findall(r"([a-z]+)=(.*?)(?= [a-z]+=|$)", fields))
