"""What a profile says of numbers: the one that is meant, or none; and its alarms are held against that one."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers import modbus
from peers.host import json_lines, nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(60)]

HEAD = """device: {manufacturer: A, model: M, kind: environment sensor}
provenance: [{document: d, seen: s}]
"""
WORD = HEAD + """line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
fields:
  s: {input: 1, type: uint64, every: 5s}
metrics: [{metric: MDC_TEMP, from: {input: 5, type: int16}, unit: Cel, every: 5s}]
alerts: [{alert: NABD_X, when: {field: s, TEST}, priority: low, text: t, text-ar: t}]"""
LINES = HEAD + """line: {serial: 9600, format: 8N1, quiet: 1s}
frames:
  line: {start: "$", end: "\\r\\n", longest: 80, split: ","}
messages:
  m: "T,{k},{m}"
fields:
  k: {type: decimal, places: 2}
  m: {type: text}
metrics: [{metric: MDC_TEMP, from: k, every: 5s, HOW}]"""


def written(folder: Path, text: str) -> Path:
    path = folder / "acme" / "m" / "profile.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"nabd: profile/1\n{text}\n")
    return path


def told(profile: Path, stream: bytes) -> list[dict]:
    result = nabd("profile", "decode", profile, "-", stdin=stream)
    assert result.returncode == 0, result.stderr.decode()
    return json_lines(result.stdout)


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("bit: 0", [1, 0, 1 << 63 | 1, 1 << 63]), ("bit: 63", [0, 1 << 63, (1 << 63) - 1, (1 << 64) - 1]),
        ("above: 1e9", [1 << 63, 10**9, 10**9 + 1]), ("above: 1e19", [10**19, 10**19 + 1, 5]),
    ],
)
def test_a_word_of_64_bits_raises_its_alarm_by_each_of_them(tmp_path, test, words):
    profile = written(tmp_path, WORD.replace("TEST", test))
    ask = modbus.with_crc(bytes.fromhex("01 04 00 01 00 05"))
    stream = b"".join(
        ask + modbus.with_crc(bytes([1, 4, 10]) + word.to_bytes(8, "big") + b"\0\1") for word in words
    )
    key, limit = test.split(": ")
    holds = [bool(word >> int(limit) & 1) if key == "bit" else word > int(float(limit)) for word in words]
    events = [line["event"] for line in told(profile, stream) if "event" in line]
    expected, stands = [], False
    for now in holds:
        if now != stands:
            expected.append("alertStart" if now else "alertEnd")
        stands = now
    assert expected and events == expected


@pytest.mark.parametrize(
    ("how", "line", "value"),
    [
        ("unit: Cel, offset: 5", "1.50,x", 6.5),
        ("unit: Cel, negative-when: {field: m, is: S, positive: N}", "1.50,S", -1.5),
        ("unit: Cel, negative-when: {field: m, is: S, positive: N}", "1.50,N", 1.5),
        ("unit: Cel, negative-when: {field: m, is: S, positive: N}", "1.50,s", None),
        ("unit: Cel, negative-when: {field: m, is: S, positive: N}", "1.50,", None),
    ],
)
def test_a_number_is_the_one_that_is_meant_or_none(tmp_path, how, line, value):
    profile = written(tmp_path, LINES.replace("HOW", how))
    (sample,) = [s for s in told(profile, f"$T,{line}\r\n".encode()) if s.get("metric") == "MDC_TEMP"]
    assert (sample["validity"], sample.get("value")) == (("valid", value) if value is not None else ("invalid", None))


@pytest.mark.parametrize(
    ("how", "more", "place", "says"),
    [
        ("unit: Cel, negative-when: {field: m, is: S}", "", "12:76", "positive"),
        ("unit: Cel, wraps-at: 100", "", "12:71", "“jump”"),
        ("unit: Cel, jump: 1, wraps-at: -5", "", "12:80", "how many numbers"),
        ("unit: {by: m, C: Cel, F: '[degF]'}", "{field: k, above: 41}", "13:10", "is told by “m”"),
    ],
)
def test_what_would_be_another_number_is_refused_where_it_stands(tmp_path, how, more, place, says):
    text = LINES.replace("HOW", how)
    if more:
        text += f"\nalerts: [{{alert: NABD_X, when: {more}, priority: low, text: t, text-ar: t}}]"
    result = nabd("profile", "lint", written(tmp_path, text), timeout=20)
    code, said = result.returncode, (result.stdout + result.stderr).decode()
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert code == 1 and len(errors) == 1, said
    assert f"profile.yaml:{place}: error: " in errors[0] and says in errors[0], said
