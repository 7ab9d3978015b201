"""The thing under test: the nabd binary, run as an operator would run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import yaml

from .pki import Identity
from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "device-profiles"


def binary() -> Path:
    """The binary under test: the environment's NABD, or the debug build of this checkout."""
    path = Path(os.environ.get("NABD", ROOT / ".build" / "debug" / "nabd"))
    if not path.exists():
        raise AssertionError(f"there is no nabd at {path}: run 'swift build', or set NABD")
    return path


def nabd(*arguments: str | Path, stdin: bytes = b"", timeout: float = 60,
         cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    """Run one nabd command to its end."""
    return subprocess.run(
        [str(binary()), *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout, cwd=cwd
    )


def json_lines(output: bytes) -> list[dict]:
    """Output of ``--jsonl`` as objects; a line that is not JSON is an error of the program under test."""
    lines = []
    for line in output.decode("utf-8").splitlines():
        if line.strip():
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise AssertionError(f"not a JSON line: {line!r}") from error
    return lines


class Host:
    """A unit's directory: its unit.yaml, its journal, its log, and the running process, if any."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "unit.yaml"
        self.journal = directory / "journal"
        self.log_path = directory / "nabd.log"
        self.summary_path = directory / "summary.json"
        self._process: subprocess.Popen | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def configure(
        self, devices: dict[str, dict], server: str | None = None, authority: Path | None = None,
        client: Identity | None = None, window: str = "5s", profiles: list[Path] | None = None,
        journal: Path | None = None, metrics: int | None = None, uplink: dict | None = None, limit: str | None = None,
    ) -> "Host":
        """Write unit.yaml; without ``server`` there is no uplink section.

        ``profiles``: further folders of profiles; ``journal``: not the directory's own, but another's;
        ``metrics``: the port to serve metrics at; ``uplink``: further keys of that section; ``limit``: how large the
        journal may become.
        """
        unit: dict = {
            "nabd": "unit/1",
            "unit": "test-unit-1",
            "profiles": [str(folder) for folder in [PROFILES, *(profiles or [])]],
            "test-data": True,
            "journal": {"directory": str(journal or "journal"), "commit-every": "250ms"},
            "devices": devices,
        }
        if limit is not None:
            unit["journal"]["limit"] = limit
        if metrics is not None:
            unit["metrics"] = {"port": metrics}
        if server is not None:
            assert authority is not None and client is not None
            unit["uplink"] = {
                "server": server,
                "authority": str(authority),
                "client-certificate": str(client.certificate),
                "client-key": str(client.key),
                "window": window,
                **(uplink or {}),
            }
        self.config.write_text(yaml.safe_dump(unit, sort_keys=False))
        return self

    def start(self, role: str = "all") -> "Host":
        """Start ``nabd run``, in one of its roles."""
        assert self._process is None, "the host is already running"
        with open(self.log_path, "ab") as log, open(self.summary_path, "ab") as summary:
            self._process = subprocess.Popen(
                [str(binary()), "run", "--config", str(self.config), "--json", "--role", role], cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=summary, stderr=log, start_new_session=True,
            )
        return self

    def summary(self) -> dict:
        """What the last run that ended by itself said of itself."""
        lines = json_lines(self.summary_path.read_bytes())
        assert lines, f"nabd said nothing at its end:\n{self.log_tail()}"
        return lines[-1]

    @property
    def running(self) -> bool:
        """Whether the process is there and has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def gone(self) -> bool:
        """Whether it has ended and whoever killed it is through: it may be started again."""
        return self._process is None

    @property
    def pid(self) -> int:
        """The running process's number."""
        assert self._process is not None, "the host does not run"
        return self._process.pid

    def stop(self, timeout: float = 15) -> None:
        """Ask it to end; it must do so cleanly within ``timeout`` seconds."""
        assert self._process is not None
        assert self._process.poll() is None, f"nabd ended by itself with {self._process.returncode}:\n{self.log_tail()}"
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"nabd did not end within {timeout:g} s of SIGTERM:\n{self.log_tail()}") from None
        self._process = None
        assert code == 0, f"nabd ended with {code} on SIGTERM:\n{self.log_tail()}"

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up. Also the fixture's last resort, so it never raises."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def shoot(self) -> None:
        """SIGKILL from another thread than the test's, which finds the host dead; nothing where there is none."""
        if (process := self._process) is not None:
            process.kill()

    def log(self) -> str:
        """Everything the host wrote to standard error."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines: int = 60) -> str:
        """The end of the log, for messages."""
        return "\n".join(self.log().splitlines()[-lines:])

    def export(self) -> list[dict]:
        """The whole journal as JSON lines; works while the host runs, since readers never block the writer."""
        result = nabd("journal", "export", "--journal", self.journal, "--jsonl")
        assert result.returncode == 0, f"journal export ended with {result.returncode}: {result.stderr.decode()}"
        return json_lines(result.stdout)

    def wait_for_sample(self, metric: str, timeout: float = 20) -> None:
        """Wait until the journal holds a valid sample of a metric."""
        def there() -> bool:
            assert self.running, f"nabd ended by itself:\n{self.log_tail()}"
            if not self.journal.exists():
                return False
            result = nabd("journal", "export", "--journal", self.journal, "--jsonl")
            return result.returncode == 0 and any(
                line.get("metric") == metric and line.get("validity") == "valid" for line in json_lines(result.stdout)
            )

        wait_until(there, timeout, f"a valid {metric} in the journal", every=0.5)
