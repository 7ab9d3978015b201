"""The units of systemd as they are shipped: what systemd itself makes of them, without running any."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(os.environ.get("NABD_ROOT", Path(__file__).resolve().parents[2]))
SHIPPED = ROOT / "packaging" / "systemd"
EXAMPLES = ROOT / "packaging" / "examples"


class Units:
    """A copy of all units, in which lines can be taken out or put in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)

    def text(self, unit: str) -> str:
        return (self.folder / unit).read_text()

    def without(self, unit: str, line: str) -> Units:
        """Take one line out, which must be there."""
        text = self.text(unit)
        assert f"\n{line}\n" in text, f"{unit} has no line {line}"
        (self.folder / unit).write_text(text.replace(f"\n{line}\n", "\n", 1))
        return self

    def drop_in(self, unit: str, file: Path) -> Units:
        place = self.folder / f"{unit}.d"
        place.mkdir(exist_ok=True)
        shutil.copy(file, place)
        return self

    def exposure(self, unit: str) -> int:
        """As ``systemd-analyze security`` rounds it. Unit: tenths."""
        for tenths in range(101):
            if self.passes(unit, tenths):
                return tenths
        raise AssertionError(f"{unit} is exposed beyond every threshold")

    def passes(self, unit: str, tenths: int) -> bool:
        return self._security(unit, f"--threshold={tenths}").returncode == 0

    def open_points(self, unit: str) -> set[str]:
        """What stands open, by the names that the tool has for it."""
        answer = self._security(unit, "--json=short")
        return {point["json_field"] for point in json.loads(answer.stdout) if point["exposure"]}

    def _security(self, unit: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", *more, self.folder / unit],
            capture_output=True, text=True, timeout=30)

    def complaints(self, unit: str) -> str:
        """What ``systemd-analyze verify`` says, of this unit's file alone."""
        # The program is not installed where the tests run; another one stands for it.
        for file in self.folder.glob("*.service"):
            file.write_text(file.read_text().replace("/usr/bin/nabd", "/bin/true"))
        answer = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", self.folder / unit],
            capture_output=True, text=True, timeout=30)
        return "\n".join(line for line in answer.stderr.splitlines() if unit in line)


def settings(text: str) -> dict[str, list[str]]:
    """Each key of a unit's file, with all its values in their order."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith(("#", ";")):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def what_damages(text: str) -> list[str]:
    """Settings that look like hardening or good order, and cost the record: with why."""
    said = settings(text)
    found = []
    if "pid" in said.get("ProcSubset", []):
        found.append("ProcSubset=pid hides the boot's id, which each record carries")
    if any(value in ("0077", "077") for value in said.get("UMask", [])):
        found.append("UMask=0077 leaves the record no reader")
    waits = " ".join(said.get("After", []) + said.get("Requires", []) + said.get("Wants", []) + said.get("BindsTo", []))
    for target in ("network-online.target", "network.target", "time-sync.target", "time-set.target"):
        if target in waits.split():
            found.append(f"it waits for {target}")
    if any(command.startswith("/usr/bin/nabd run --role clock") for command in said.get("ExecStart", [])):
        allowed = " ".join(said.get("SystemCallFilter", [])).split()
        if "yes" in said.get("ProtectClock", []) or not {"adjtimex", "clock_adjtime"} <= set(allowed):
            found.append("the role that asks the kernel for the clock's quality may not ask")
    return found
