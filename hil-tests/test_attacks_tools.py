"""Files and words that are meant to hold up the tools, or whoever reads what they print."""

from __future__ import annotations

import csv
import io
import shutil
import time
from pathlib import Path

import pytest

from peers import journal
from peers.host import PROFILES, json_lines, nabd
from peers.oximeter import Oximeter, line

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]

# A debug build on a busy machine; what was seen took from 41 to 172 s.
LONGEST = 20.0

MD02 = (PROFILES / "xy" / "md02" / "profile.yaml").read_text()
ALARIS = (PROFILES / "alaris" / "asena-gh" / "profile.yaml").read_text()


def levels() -> str:
    """Eight lists within each other by aliases: a hundred million values in 300 bytes."""
    text = "nabd: profile/1\nx0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in range(1, 9):
        text += f"x{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    return text


def many(text: str, before: str, lines: str) -> str:
    assert before in text
    return text.replace(before, lines + before, 1)


FILES = {
    "alias": levels() + "*a8 : 1\n",
    "explicit": levels() + "? *a8\n: 1\n",
    "explicit flow": levels() + "y: {?*a8 : 1}\n",
    "in brackets": levels() + "y: {b: 1, [*a8] : 1}\n",
    "in braces": levels() + "{a: *a8}: 1\n",
    "value": levels(),
    "unknown keys": MD02 + "".join(f"k{number}: 1\n" for number in range(8000)),
    "deep": "x: " + "[" * 200_000,
    "requests": many(ALARIS, "\nsession:", "".join(
        f'\n  r{number}: {{send: Q{number}, reply: "Q{number}^{{_}}", every: 60s, class: read}}'
        for number in range(5000))),
    "commands": many(ALARIS, "\nsimulate:", "".join(
        f'\n  c{number}: {{steps: [{{send: C{number}, reply: "C{number}"}}], class: idempotent, hazards: t}}'
        for number in range(5000))),
    "metrics": many(MD02, "\nmetrics:", "\nnames:" + "".join(
        f'\n  - {{metric: OWN_{number}, system: "urn:x:y", measured-in: Cel, display: d}}' for number in range(9000))),
    "huge": "x" * 3_000_000,
    "nothing": "",
    "zeros": "\0" * 4096,
}


@pytest.mark.parametrize("name", FILES)
def test_c_a_profile_holds_nobody_up(tmp_path, name):
    folder = tmp_path / "by" / "mail"
    folder.mkdir(parents=True)
    (folder / "profile.yaml").write_text(FILES[name])
    start = time.monotonic()
    linted = nabd("profile", "lint", folder, timeout=90)
    took = time.monotonic() - start
    assert linted.returncode == 1, linted.stdout
    assert b"by/mail/profile.yaml:" in linted.stderr, "the place is told"
    assert took < LONGEST, f"{took:.1f} s"
    assert len(linted.stderr) < 100_000


def test_c_a_long_vector_holds_nobody_up(tmp_path):
    shutil.copytree(PROFILES / "masimo", tmp_path / "masimo")
    shutil.copytree(PROFILES / "nomenclature", tmp_path / "nomenclature")
    folder = tmp_path / "masimo" / "rad-8"
    bytes_of_it = line() * 40
    (folder / "vectors.yaml").write_text(
        "nabd: vectors/1\nvectors:\n  - name: long\n    kind: derived\n    source: t\n    bytes: {hex: \""
        + bytes_of_it.hex(" ") + "\"}\n    expect: {MDC_PULS_OXIM_SAT_O2: {repeat: 98, count: 40}}\n")
    start = time.monotonic()
    tested = nabd("profile", "test", folder, timeout=100)
    assert time.monotonic() - start < LONGEST, tested.stdout
    assert b"damaged" in tested.stdout + tested.stderr, (tested.stdout, tested.stderr)


@pytest.mark.parametrize("arguments", [
    ["journal", "tail", "--commits=-9223372036854775808"], ["journal", "tail", "--commits=9223372036854775807"],
    ["demo", "--for", "9223372036s"], ["demo", "--for=-1s"], ["demo", "--for", "1e400s"],
    ["profile", "try", "nonin/oem-iii-df2", "--line", "/dev/null", "--for", "9223372036s"],
    ["profile", "simulate", "nonin/oem-iii-df2", "--for", "9999999999h"],
    ["profile", "accept", "device-profiles", "--version=-1"],
    ["profile", "new", "a/b", "--kind", "stream", "--manufacturer", "m", "--model", "m", "--baud=-9223372036854775808",
     "--format", "8N1"],
])
def test_c_no_argument_is_a_trap(host, arguments):
    """Words of usage, and no signal."""
    if arguments[0] == "journal":
        oximeter = Oximeter(lambda _: line(), period=0.2)
        host.configure({"d": {"profile": "masimo/rad-8", "line": oximeter.line}}).start()
        host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
        host.stop()
        oximeter.stop()
        arguments = [*arguments, "--journal", str(host.journal)]
    answer = nabd(*arguments, timeout=20)
    assert answer.returncode in (1, 2, 64, 69), (answer.returncode, answer.stderr)
    assert answer.stderr and b"Fatal error" not in answer.stderr


# What a terminal obeys, what turns a line round, and what a spreadsheet computes.
HOSTILE = ["\x1b[2J\x1b]0;owned\x07", "\u202egnp.exe", "\x9b31m", "=cmd|' /C calc'!A1", "@SUM(A1)", "-2+3", "a\u2066b"]

TEXTS = """\
nabd: profile/1
device: {manufacturer: A, model: B, kind: thing}
provenance: [{document: d, seen: s}]
line: {serial: 9600, format: 8N1, tcp: 4000}
frames: {line: {end: "\\n", longest: 200}}
messages: {told: {text: "{words}"}}
fields: {words: {type: text}}
names: [{metric: OWN_WORDS, system: "urn:x:y", measured-in: text, display: d}]
metrics: [{metric: OWN_WORDS, from: words, every: 1s}]
"""


def test_c_what_a_device_says_is_printed_as_text(host, tmp_path):
    folder = tmp_path / "profiles" / "own" / "words"
    folder.mkdir(parents=True)
    (folder / "profile.yaml").write_text(TEXTS)
    linted = nabd("profile", "lint", folder)
    assert linted.returncode == 0, linted.stderr
    device = Oximeter(lambda number: HOSTILE[number % len(HOSTILE)].encode() + b"\n", period=0.2)
    host.configure({"talker": {"profile": "own/words", "line": device.line}}, profiles=[tmp_path / "profiles"]).start()
    host.wait_for_sample("OWN_WORDS")
    time.sleep(4)
    host.stop()
    device.stop()
    values = [value for each in journal.samples(host.export()) for value in (
        each["values"] if "values" in each else [each.get("value")])]
    assert set(HOSTILE[3:6]) <= set(values), "what it said is in the journal as it said it"
    for arguments in (["export"], ["export", "--csv"], ["tail"]):
        shown = nabd("journal", *arguments, "--journal", host.journal).stdout.decode()
        found = [hex(ord(c)) for c in shown if (ord(c) < 0x20 and c not in "\n\r") or 0x7F <= ord(c) < 0xA0
                 or c in "\u202e\u2066"]
        assert not found, (arguments, set(found))
    table = nabd("journal", "export", "--csv", "--journal", host.journal).stdout.decode()
    cells = [cell for row in list(csv.reader(io.StringIO(table)))[1:] for cell in row]
    assert any(cell.startswith("'=cmd") for cell in cells), "the formula is there, as a text"
    assert not [cell for cell in cells if cell[:1] in "=+@" and cell]
    assert json_lines(nabd("journal", "export", "--journal", host.journal).stdout), "it is JSON still"


def test_c_a_foreign_file_is_named_as_text(tmp_path):
    """A file's name with a terminal's orders in it."""
    name = Path(f"{tmp_path}/a\x1b[2Jb.yaml")
    name.write_text("nabd: unit/1\n")
    answer = nabd("check", "--config", name)
    assert answer.returncode == 1 and b"\x1b" not in answer.stderr and b"\\u001b" in answer.stderr
