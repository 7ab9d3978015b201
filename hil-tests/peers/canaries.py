"""Values that must never be seen outside a device: a patient's, as devices send them, and a private key's."""

from __future__ import annotations

from pathlib import Path

FAMILY, GIVEN, NUMBER, BIRTH = "ZZQCANARYFAMILY", "ZZQCANARYGIVEN", "ZZQ7717171717", "19010203ZZQ"
STREET, COMMENT = "ZZQ CANARY STREET 7", "ZZQCANARYCOMMENT"
PATIENT = (FAMILY, GIVEN, NUMBER, BIRTH, STREET, COMMENT)


def key_lines(key: Path) -> list[str]:
    """The lines of a private key that name it: none of them is in any other file."""
    return [line for line in key.read_text().splitlines() if line and not line.startswith("-----")]


def found(text: str | bytes, keys: tuple[Path, ...] = ()) -> list[str]:
    """Which of them stand in a text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    lines = [line for key in keys for line in key_lines(key)]
    return [value for value in (*PATIENT, *lines) if value in text]
