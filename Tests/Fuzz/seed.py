#!/usr/bin/env python3
"""Writes the first inputs of every mode, made of what the profiles, their vectors and the presets
hold, and the words of profile.dict and preset.dict.

Usage: seed.py FOLDER. Needs PyYAML (hil-tests has it). The layout of an input stands in
Sources/nabd-fuzz/<Mode>Mode.swift.
"""

import re
import sys
from collections import Counter
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
PROFILES = HERE.parent.parent / "device-profiles"
PRESETS = HERE.parent.parent / "presets"


def capture(vector):
    """The bytes of a vector as VectorFile.hex reads them."""
    value = vector.get("bytes") or {}
    if "text" in value:
        return value["text"].encode()
    return bytes.fromhex(re.sub(r"#.*|0[xX]|[^0-9A-Fa-f]", "", value.get("hex", "")))


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def zeros(count):
    """As many values that are 0, by no differences and with the smallest codes: a bit each."""
    return bytes([-count % 8 << 3, 0]) + bytes((count + 7) // 8)


def block(values, timing, coded):
    """A block of the journal without its checksum: valid samples."""
    return (
        bytes([3]) + varint(7) + varint(42) + varint(values)
        + timing + varint(1) + bytes([0, 0]) + varint(values) + coded
    )


def journal():
    periodic = b"\x00" + varint(2_000_000) + varint(4_000_000)
    for count in (1, 9, 64):
        yield b"\x08" + block(count, periodic, zeros(count))
        yield b"\x0a" + block(count, b"\x01" + zeros(count), zeros(count))
        yield b"\x08" + block(count, b"\x02" + varint(4_000_000) + varint(1) + varint(count) + varint(0), zeros(count))
        yield b"\x08" + block(count, periodic, b"\x00" + varint(1 << 23) + bytes(range(8)) * count)
        yield b"\x0c" + block(count, periodic, zeros(count))
        yield b"\x09" + block(count, periodic, b"\x01\x03SET" + zeros(count))
    for kind in (4, 5, 6, 7):
        yield bytes([kind, 0]) + b"".join(
            bytes([4, 1, 2, 3, 4, 5, 6, 7, step, 8 + 16 * step, step, step]) for step in range(9)
        )
        yield bytes([kind, 2]) + b"".join(bytes([6, 1, 2, 3, 4, 5, 6, 7, step]) for step in range(9))
        yield bytes([kind, 1]) + b"".join(bytes([0, step]) for step in range(100))


def places(names):
    """The byte of each profile, as Fleet.ring has it."""
    taken = {}
    for name in names:
        place = 0
        for byte in name.encode():
            place = place * 31 + byte & 0xFF
        while place in taken.values():
            place = place + 1 & 0xFF
        taken[name] = place
    return taken


def inputs():
    names = sorted(str(path.parent.relative_to(PROFILES)) for path in PROFILES.glob("*/*/profile.yaml"))
    for name, index in places(names).items():
        profile = (PROFILES / name / "profile.yaml").read_bytes()
        text = (PROFILES / name / "vectors.yaml").read_text()
        captures = [found for found in map(capture, yaml.safe_load(text)["vectors"]) if found]
        for number, found in enumerate(captures):
            yield "capture", bytes([index, 0x3F, number]) + found[:1000]
        known = b"".join(bytes([2, number]) for number in range(16))
        yield "behind", bytes([index, 0x3F, 0]) + known
        yield (
            "behind",
            bytes([index, 0x3F, 3])
            + b"".join(bytes([step, 0, 255]) + captures[0][:200] for step in (0, 8, 16, 10, 11, 14)),
        )
        live = b"".join(bytes([9, number, 0, 2, number, 0x1C]) for number in range(16))
        yield "behind", bytes([index, 0xC0, 2]) + live
        yield "profile", profile + b"\0" + captures[0][:300]
        yield (
            "profile",
            "".join(text.split("\n  - ")[0] + "".join("\n  - " + part for part in text.split("\n  - ")[1:4])).encode(),
        )
        yield "edits", bytes([index, 1, 4, 0, 0, 0])
        yield "edits", bytes([index, 4]) + bytes(range(4, 20))
    for body in journal():
        yield "journal", body
    for body in presets():
        yield "preset", body
    for index in range(len(list(PRESETS.glob("*.yaml")))):
        yield "preset", bytes([index, 1, 4, 0, 0, 0])
        yield "preset", bytes([index, 3]) + bytes(range(4, 16))
    for kind in range(3):
        yield "line", bytes([kind]) + bytes([0, 2, 9, 0, 1, 0, 3, 20, *range(20), 1, 0, 5]) * 4


class Plain(yaml.SafeDumper):
    """Writes nothing as `~`: in a preset `null` is a word."""


Plain.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "~"))


def written(preset):
    form = {"allow_unicode": True, "sort_keys": False, "default_flow_style": None, "width": 500}
    return yaml.dump(preset, Dumper=Plain, **form).encode()


def presets():
    """Each preset, and of each vital sign a preset that speaks of nothing else."""
    for path in sorted(PRESETS.glob("*.yaml")):
        yield path.read_bytes()
        preset = yaml.load(path.read_text(), yaml.BaseLoader)
        preset["reviewed"] = None
        for vital in preset["vitals"]:
            part = dict(preset)
            for key in ("vitals", "limits", "missing", "episodic"):
                rule = preset.get(key, {}).get(vital)
                part[key] = {vital: rule} if rule and "with" not in rule else {}
                if not part[key]:
                    del part[key]
            yield written(part)
            part["reviewed"] = {"by": "A", "role": "B", "date": "2026-11-28"}
            for key in ("score", "missing"):
                part.pop(key, None)
            yield written(part)


def words(paths):
    """The words that at least three of these files use."""
    seen = Counter()
    for path in paths:
        seen.update(set(re.findall(r"[A-Za-z0-9_./-]{2,}", re.sub(r"#.*", "", path.read_text()))))
    return sorted(word for word, count in seen.items() if count > 2)


def main():
    folder = Path(sys.argv[1])
    for number, (mode, body) in enumerate(inputs()):
        (folder / mode).mkdir(parents=True, exist_ok=True)
        (folder / mode / f"seed-{number:04}").write_bytes(body)
    for name, paths in (("profile", PROFILES.glob("*/*/profile.yaml")), ("preset", PRESETS.glob("*.yaml"))):
        HERE.joinpath(f"{name}.dict").write_text("".join(f'"{word}"\n' for word in words(paths)))


main()
