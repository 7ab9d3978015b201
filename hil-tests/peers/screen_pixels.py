"""What stands in pixels: those of a canvas of the page, and those of a PNG file."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass

GUTTER, RIGHT, MARK, EVENTS, TITLE, GAP, AXIS = 64, 12, 24, 18, 18, 18, 34  # CSS px, as in history-plot.js

READ = """
const canvas = document.querySelector(arguments[0])
const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
let text = ""
for (let i = 0; i < image.data.length; i += 32768) text += String.fromCharCode(...image.data.subarray(i, i + 32768))
return [canvas.width, canvas.height, btoa(text)]
"""


@dataclass
class Pixels:
    """Red, green, blue and opacity of each pixel, row by row."""

    width: int
    height: int
    data: bytes

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        place = (y * self.width + x) * 4
        return tuple(self.data[place : place + 3])

    def colours(self, left: int, right: int, top: int, bottom: int) -> set[tuple[int, int, int]]:
        return {self.at(x, y) for x in range(left, right) for y in range(top, bottom)}


def of_canvas(driver, selector: str) -> Pixels:
    width, height, text = driver.execute_script(READ, selector)
    return Pixels(width, height, base64.b64decode(text))


def of_png(file: bytes) -> Pixels:
    """A PNG of eight bits a colour, not interlaced: what a canvas writes. Source: the PNG specification, clause 9."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n", "the file is no PNG"
    place, body, head = 8, b"", b""
    while place < len(file):
        (length,), kind = struct.unpack(">I", file[place : place + 4]), file[place + 4 : place + 8]
        content = file[place + 8 : place + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(file[place + 8 + length : place + 12 + length])
        head = content if kind == b"IHDR" else head
        body += content if kind == b"IDAT" else b""
        place += 12 + length
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", head)
    assert (depth, interlace) == (8, 0) and colour in (2, 6)
    size = {2: 3, 6: 4}[colour]
    raw, before, rows = zlib.decompress(body), bytes(width * size), []
    for line in range(height):
        start = line * (width * size + 1)
        before = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), before, size)
        rows.append(before)
    if size == 3:
        rows = [b"".join(row[i : i + 3] + b"\xff" for i in range(0, len(row), 3)) for row in rows]
    return Pixels(width, height, b"".join(bytes(row) for row in rows))


def unfiltered(kind: int, row: bytearray, above: bytes, size: int) -> bytearray:
    for i in range(len(row)):
        left = row[i - size] if i >= size else 0
        corner = above[i - size] if i >= size else 0
        up = above[i]
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda one: abs(guess - one))
        row[i] = (row[i] + [0, left, up, (left + up) // 2, nearest][kind]) & 255
    return row


@dataclass
class Place:
    """Where a time and a row stand in the history's canvas, as the page asked for it last."""

    begin: int
    end: int
    width: int
    height: int
    rows: int
    marked: bool = False

    def x(self, utc: float) -> int:
        left, right = GUTTER, self.width - RIGHT
        return round(left + (utc - self.begin) / (self.end - self.begin) * (right - left))

    def row(self, index: int) -> tuple[int, int]:
        """First and last line of the part where curves are."""
        top, bottom = EVENTS + (MARK if self.marked else 0), self.height - AXIS
        each = (bottom - top) / self.rows
        return round(top + index * each) + TITLE, round(top + (index + 1) * each) - GAP
