"""Finds bytes of a SQLite file that hold rows, so that a test can damage data and not unused space.

Source: the SQLite file format, sections 1.3 (header) and 1.6 (b-tree pages).
"""

from __future__ import annotations

from pathlib import Path

MAGIC = b"SQLite format 3\0"
LEAF_TABLE = 0x0D


def is_database(path: Path) -> bool:
    """Whether a file starts like a SQLite database."""
    with open(path, "rb") as file:
        return file.read(16) == MAGIC


def row_offsets(path: Path) -> list[int]:
    """An offset inside a row of each fully used table leaf page, first page (the schema) left out."""
    data = path.read_bytes()
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    offsets = []
    for start in range(size, len(data) - size + 1, size):
        cells = int.from_bytes(data[start + 3 : start + 5], "big")
        if data[start] != LEAF_TABLE or cells == 0:
            continue
        # The last cell pointer leads to the newest row; a byte well inside it, behind its length and row id.
        pointer_at = start + 8 + 2 * (cells - 1)
        cell = start + int.from_bytes(data[pointer_at : pointer_at + 2], "big")
        offsets.append(min(cell + 24, start + size - 1))
    return offsets


def flip(path: Path, offset: int, mask: int = 0x04) -> None:
    """Change one byte in place."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ mask]))
