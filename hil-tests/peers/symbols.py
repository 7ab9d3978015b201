"""What a program is made of: its symbols, by the names that they have in the source."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

# The parts of the command path, and by what of the source each is known in a program that has it.
COMMAND_PATH = {
    "what people ask, on the recorder's thread": r"\bPumpDesk\.",
    "the site's policy, drugs and orders": r"\bPumpRules\.",
    "what may be done, by the ledger": r"\bPumpControl[.)]",
    "a decision of the ledger": r"CommandLedger\.(draft|verify|intend|resolve)\(",
    "a command, compiled": r"\bDevicePlans\.CommandPlan\b",
    "a write, compiled": r"\bDevicePlans\.ModbusWritePlan\b",
    "the bytes of an effect": r"\.effect\(of: |\.CommandOrder\b",
    "an argument as it is sent": r"\bCommandDescription\.Argument\.written\(",
    "the registers of a write": r"\bDeviceProfile\.words\(of: ",
    "a write as a request": r"\bModbusFrames\.ModbusWriteRequest\b",
    "a command under way on a line": r"\bLineEngine\.CommandRun\b",
    "a stop on a line": r"\bStopReport\b|\bLineRecorder\.askStop\(",
    "the desk in the recorder's rounds": r"\bNabdHost\.DeskRounds\b",
    "the rules that are kept": r"\bNabdHost\.RulesKeeper\b",
    "the pumps' commands of the command line": r"\bnabd\.PumpCommand\.(Draft|Verify|Start|Stop|Resolve)\b",
}
# What reads the record of commands of before, in every program.
RECORD = {
    "what became of a command, as a fold": r"\bCommandFacts\.CommandLedger\.apply\(",
    "events of commands, read": r"\bCommandRecord\.CommandRecord\b",
    "views of commands": r"\bCommandFacts\.CommandView\b",
}


def names(program: Path) -> str:
    """The names of all that a program defines, one a line, as its source has them."""
    demangle = shutil.which("swift-demangle")
    assert demangle, "swift-demangle, which comes with Swift, is not in the PATH"
    listed = subprocess.run(["nm", "--defined-only", str(program)], capture_output=True, check=True, timeout=120)
    mangled = b"\n".join(line.split()[-1] for line in listed.stdout.splitlines() if line.strip())
    assert mangled.count(b"\n") > 10_000, f"{program} is stripped: nothing can be said of what is in it"
    told = subprocess.run([demangle], input=mangled, capture_output=True, check=True, timeout=120)
    return told.stdout.decode(errors="replace")


def found(parts: dict[str, str], names: str) -> dict[str, int]:
    """How many of the names belong to each part."""
    return {part: len(re.findall(pattern, names)) for part, pattern in parts.items()}
