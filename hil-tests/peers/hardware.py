"""What is plugged where: the bench that the fault suite runs on. Simulated unless the
environment's NABD_BENCH names another.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .links import Link, PtyLink, SerialLink

BENCHES = Path(__file__).resolve().parents[1] / "benches"
KINDS = {"rtu", "ascii", "tcp"}
INJECTIONS = set(yaml.safe_load((BENCHES / "simulated.yaml").read_text())["injects"])


@dataclass
class BenchLine:
    """One line of a bench. ``made``: ``pty`` or ``socket`` where it is not two real ports."""

    name: str
    carries: str
    made: str | None = None
    host: str = ""
    device: str = ""
    unplug: str | None = None
    replug: str | None = None
    injects: set[str] = field(default_factory=set)
    taken: bool = False

    def release(self) -> None:
        """Another may have it."""
        self.taken = False


class HardwareBench:
    """The lines of a bench. Lines that are made can be had any number of times; real ones once at a time."""

    def __init__(self, path: Path) -> None:
        described = yaml.safe_load(path.read_text())
        self.name: str = described["bench"]
        common = set(described.get("injects", []))
        self.lines = [
            BenchLine(**line | {"injects": common | set(line.get("injects", []))}) for line in described["lines"]
        ]
        for line in self.lines:
            assert line.carries in KINDS, (
                f"{path}: {line.name} carries {line.carries!r}, expected one of {sorted(KINDS)}"
            )
            assert line.injects <= INJECTIONS, (
                f"{path}: {line.name}: unknown injections {sorted(line.injects - INJECTIONS)}"
            )
            assert line.made or (line.host and line.device), (
                f"{path}: {line.name} has neither two ports nor says how it is made"
            )

    @property
    def together(self) -> bool:
        """Whether any number of scenarios can run at once."""
        return all(line.made for line in self.lines)

    def lacks(self, carries: str, needs: set[str]) -> str | None:
        """Why a test that needs such a line cannot run here; nothing when it can."""
        assert needs <= INJECTIONS, f"unknown injections {sorted(needs - INJECTIONS)}"
        fitting = [line for line in self.lines if line.carries == carries]
        if not fitting:
            return f"the bench {self.name} has no line for {carries}"
        missing = min((needs - line.injects for line in fitting), key=len)
        return (
            f"the bench {self.name} cannot do this on a line for {carries}: {', '.join(sorted(missing))}"
            if missing
            else None
        )

    def link(self, carries: str, needs: set[str], directory: Path, name: str, baud: int, form: str = "8N1") -> Link:
        """A line's two ends; the caller closes it. A pty's stable name is made in ``directory``."""
        line = next(line for line in self.lines if line.carries == carries and needs <= line.injects and not line.taken)
        if line.made:
            directory.mkdir(parents=True, exist_ok=True)
            return PtyLink(directory / name)
        link = SerialLink(line.host, line.device, baud, form, line.unplug, line.replug, line.release)
        line.taken = True
        return link


def bench_named(name: str | None = None) -> HardwareBench:
    """The bench of the environment's NABD_BENCH (a name in ``benches``, or a path), or the simulated one."""
    chosen = name or os.environ.get("NABD_BENCH") or "simulated"
    path = Path(chosen) if chosen.endswith(".yaml") else BENCHES / f"{chosen}.yaml"
    assert path.exists(), f"there is no bench at {path}"
    return HardwareBench(path)
