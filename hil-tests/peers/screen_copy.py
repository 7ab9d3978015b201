"""Copies of the screen with a fault put into them, to show a test's checker what it must find."""

from __future__ import annotations

import shutil
from pathlib import Path

from .screen_feed import SCREEN


def faulty(folder: Path, file: str, right: str, wrong: str) -> Path:
    """A copy of the screen in a new folder, with one place of a file changed."""
    copy = folder / "screen"
    shutil.copytree(SCREEN, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{file} has no single “{right}”"
    (copy / file).write_text(text.replace(right, wrong), encoding="utf-8")
    return copy
