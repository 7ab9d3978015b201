"""A service manager's end of the notification socket, as sd_notify(3) describes it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from .host import Host, binary


class Manager:
    """Starts a host as a service of ``Type=notify`` with a watchdog, and notes what it is told, and when."""

    def __init__(self, folder: Path, patience: float = 10) -> None:
        self.path = folder / "notify"
        self.patience = patience
        self.told: list[tuple[float, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except OSError:
                return
            self.told += [(time.monotonic(), line) for line in text.splitlines()]

    def start(self, host: Host, role: str, *more: str) -> subprocess.Popen:
        """The host's process, with what a service manager puts in its environment."""
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(int(self.patience * 1e6))}
        with open(host.log_path, "ab") as log:
            return subprocess.Popen(
                [str(binary()), "run", "--config", str(host.config), "--role", role, *more], cwd=host.directory,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=environment,
            )

    def when(self, line: str) -> float | None:
        """When a line was last said."""
        return max((moment for moment, said in self.told if said == line), default=None)

    def statuses(self) -> list[str]:
        return [line.removeprefix("STATUS=") for _, line in self.told if line.startswith("STATUS=")]

    def pings(self, since: float) -> list[float]:
        return [moment for moment, line in self.told if line == "WATCHDOG=1" and moment >= since]

    def close(self) -> None:
        self._socket.close()


def stop(process: subprocess.Popen) -> int:
    """Asks a process to end, and returns with what it did."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(20)
    finally:
        process.kill()
