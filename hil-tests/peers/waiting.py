"""Waiting with a limit, and free ports: the two things every bench needs."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def wait_until(predicate: Callable[[], Result], timeout: float, what: str, every: float = 0.1) -> Result:
    """Call ``predicate`` until it gives something true and return that.

    Raises AssertionError naming ``what`` after ``timeout`` seconds, so that a test never hangs on a condition.
    """
    deadline = time.monotonic() + timeout
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError(f"after {timeout:g} s still waiting for {what}")
        time.sleep(every)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:``port``."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
