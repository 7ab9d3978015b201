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

DECODE = """
const [text, done] = arguments
const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0))
createImageBitmap(new Blob([bytes], { type: "image/png" })).then((image) => {
  document.querySelector("#decoded")?.remove()
  const canvas = Object.assign(document.createElement("canvas"), { id: "decoded", width: image.width })
  canvas.height = image.height
  canvas.getContext("2d").drawImage(image, 0, 0)
  document.body.append(canvas)
  done()
})
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


def size_of_png(file: bytes) -> tuple[int, int]:
    """Width and height of a whole PNG file, each part of which has its checksum. Source: the PNG specification."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n", "the file is no PNG"
    place, kinds, size = 8, [], (0, 0)
    while place < len(file):
        (length,), kind = struct.unpack(">I", file[place : place + 4]), file[place + 4 : place + 8]
        content = file[place + 8 : place + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(file[place + 8 + length : place + 12 + length])
        size = struct.unpack(">II", content[:8]) if kind == b"IHDR" else size
        kinds.append(kind)
        place += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND", "the file is not whole"
    return size


def of_png(driver, file: bytes) -> Pixels:
    """The pixels of a whole PNG file, as the browser decodes it."""
    size = size_of_png(file)
    driver.execute_async_script(DECODE, base64.b64encode(file).decode())
    pixels = of_canvas(driver, "#decoded")
    assert (pixels.width, pixels.height) == size
    return pixels


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
