"""The profile language and its tools: variants, the devices' own oddities, starts, schema, reference, busy lines."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from peers import modbus, schema, wild
from peers.host import PROFILES, ROOT, json_lines, nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(60)]

SHIPPED = sorted(path.parent for path in PROFILES.glob("*/*/profile.yaml"))


def name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def lint(*paths: Path) -> tuple[int, str]:
    """The exit code, and everything that was said."""
    result = nabd("profile", "lint", *paths, timeout=20)
    return result.returncode, (result.stdout + result.stderr).decode()


def valid(profile: Path, stream: bytes) -> dict[str, list]:
    """Metric to its valid values in order, waveforms left out."""
    result = nabd("profile", "decode", profile, "-", stdin=stream)
    assert result.returncode == 0, result.stderr.decode()
    found: dict[str, list] = {}
    for line in json_lines(result.stdout):
        if line.get("validity") == "valid" and "value" in line:
            found.setdefault(line["metric"], []).append(line["value"])
    return found


# The profiles as they are


def test_lint_finds_no_error_in_any_shipped_profile():
    code, said = lint(PROFILES)
    assert code == 0, said
    assert re.search(rf"^{len(SHIPPED)} profiles: 0 errors, \d+ warnings$", said, re.MULTILINE), said
    assert ": error: " not in said


def test_vectors_pass_and_what_they_cover_is_counted():
    folders = [PROFILES / p for p in ("xy/md02", "generic/pt100", "contec/cms50d-plus", "ivy/450c")]
    result = nabd("profile", "test", *folders)
    said = result.stdout.decode()
    assert result.returncode == 0, said + result.stderr.decode()
    profiles = [yaml.safe_load((folder / "profile.yaml").read_text()) for folder in folders]
    vectors = [len(yaml.safe_load((folder / "vectors.yaml").read_text())["vectors"]) for folder in folders]
    for folder, count in zip(folders, vectors):
        assert f"{name(folder)}: {count} vectors" in said
    metrics, waveforms = (sum(len(profile.get(key, [])) for profile in profiles) for key in ("metrics", "waveforms"))
    assert f"4 devices, {metrics} metrics, {waveforms} waveforms, 0 commands; " in said, said
    copies = re.search(r"; (\d+) damaged copies gave no wrong value", said)
    assert copies and int(copies[1]) > 10_000, said
    assert said.rstrip().endswith(f"{sum(vectors)} passed, 0 failed"), said


# Variants


@pytest.fixture
def family(tmp_path):
    """A folder of profiles with two real ones; ``write`` adds another."""
    for folder in ("xy/md02", "generic/pt100"):
        shutil.copytree(PROFILES / folder, tmp_path / folder)

    def write(model: str, text: str) -> Path:
        path = tmp_path / "acme" / model / "profile.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"nabd: profile/1\n{text}\n")
        return path.parent

    write.base = tmp_path / "xy" / "md02" / "profile.yaml"
    return write


def test_a_variant_changes_only_what_it_says(family):
    even = family("even", "extends: xy/md02\nline: {format: 8E1}")
    grandchild = family("fast", "extends: acme/even\nline: {baud: 19200}")
    code, said = lint(even, grandchild)
    assert code == 0, said
    pair = bytes.fromhex("01 04 00 01 00 02 20 0B 01 04 04 01 31 02 22 2A CE")
    for folder in (even, grandchild):
        assert valid(folder, pair) == {"MDC_TEMP": [30.5], "NABD_RELATIVE_HUMIDITY": [54.6]}
    play = ["profile", "simulate", "--line", "pty", "--for", "100ms"]
    assert nabd(*play, f"{even}@1", f"{even}@2").returncode == 0
    for one, other in ((even, family.base.parent), (grandchild, even)):
        refused = nabd(*play, f"{one}@1", f"{other}@2")
        assert refused.returncode == 2 and b"baud rate or format" in refused.stderr, (
            "the line settings were not changed"
        )


def test_a_key_taken_away_is_gone_and_the_others_stay(family):
    variant = family("plain", "extends: generic/pt100\nfields: {temperature: {missing: {-32768: ~}}}")
    assert lint(variant)[0] == 0
    ask = modbus.with_crc(bytes.fromhex("01 03 00 00 00 01"))
    stream = b"".join(
        ask + modbus.with_crc(bytes.fromhex("01 03 02") + raw) for raw in (b"\x80\x00", b"\x7f\xff", b"\x01\x31")
    )
    for folder, first in (
        (PROFILES / "generic/pt100", ("notAvailable", "sentinel")),
        (variant, ("invalid", "implausible")),
    ):
        lines = json_lines(nabd("profile", "decode", folder, "-", stdin=stream).stdout)
        seen = [(line["validity"], line.get("reason")) for line in lines if line.get("metric") == "MDC_TEMP"]
        assert seen == [first, ("notAvailable", "sentinel"), ("valid", None)], name(folder)


@pytest.mark.parametrize(
    ("own", "old", "new", "places", "says"),
    [
        ("line: {formt: 8E1}", "", "", ["acme/v 3:8"], "did you mean “format”"),
        ("line: {format: 8X1}", "", "", ["acme/v 3:16"], "8X1"),
        ("device: {kind: ~}", "", "", ["acme/v 3:9"], "“kind” is missing"),
        # What is taken away must be a key of the language, or a misspelt one stays without a word.
        ("line: {turnarround: ~}", "", "", ["acme/v 3:8"], "unknown key “turnarround”"),
        ("metricks: ~", "", "", ["acme/v 3:1"], "unknown key “metricks”"),
        ("device: {kind: fridge}", "format: 8N1", "frmat: 8N1", ["xy/md02"], "unknown key “frmat”"),
        ("device: {kind: fridge}", "unit: Cel", "unit: furlong", ["xy/md02"], "furlong"),
        ("line: {pariti: odd}", "unit: Cel", "unit: furlong", ["acme/v 3:8", "xy/md02"], "unknown key “pariti”"),
    ],
)
def test_an_error_is_told_in_the_file_where_it_stands(family, own, old, new, places, says):
    text = family.base.read_text()
    assert old in text, f"the profile no longer holds {old!r}: update this test"
    family.base.write_text(text.replace(old, new, 1))
    at = next((f"{i}:" for i, line in enumerate(family.base.read_text().splitlines(), 1) if new and new in line), "")
    code, said = lint(family("v", f"extends: xy/md02\n{own}"))
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert code == 1 and says in said, said
    for place in places:
        file, _, position = place.partition(" ")
        assert any(f"{file}/profile.yaml:{position or at}" in error for error in errors), said
    assert len(errors) == len(places), f"a fault that is none is told as well: {said}"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"a": "extends: acme/a"}, "extend"),
        ({"a": "extends: acme/b", "b": "extends: acme/a"}, "extend"),
        ({"a": "extends: acme/b", "b": "extends: acme/c", "c": "extends: acme/a"}, "extend"),
        ({"a": "extends: acme/none"}, "acme/none"),
        ({"a": "extends: acme/b", "b": "extends: acme/none"}, "acme/none"),
        ({"a": "extends: ../xy/md02"}, "../xy/md02"),
        ({"a": "extends: [xy/md02, generic/pt100]"}, "vendor/model"),
    ],
)
def test_cycles_and_missing_bases_are_refused_where_they_are_written(family, texts, says):
    folders = {model: family(model, text) for model, text in texts.items()}
    code, said = lint(folders["a"])
    assert code == 1
    assert any(
        re.search(r"acme/\w/profile\.yaml:2:\d+: error: ", line) and says in line for line in said.splitlines()
    ), said
    assert nabd("profile", "decode", folders["a"], "-").returncode != 0


# What devices were seen to send


@pytest.mark.parametrize("case", wild.CASES)
def test_what_is_wrong_in_the_wild_is_not_read_and_what_follows_is(case):
    profile, stream, expected = wild.CASES[case]
    assert valid(PROFILES / profile, stream) == expected


@pytest.mark.parametrize("profile", wild.MESSAGES)
def test_a_stream_that_starts_in_the_middle_is_read_from_the_next_message_on(profile):
    metric = "MDC_FLOW_FLUID_PUMP" if profile.startswith("graseby") else wild.SAT
    units = [wild.MESSAGES[profile](value) for value in (91, 92, 93, 94)]
    for cut in range(1, len(units[0]), max(1, len(units[0]) // 11)):
        seen = valid(PROFILES / profile, b"".join(units)[cut:])
        assert seen.get(metric) == [92, 93, 94], f"cut after {cut} bytes"


# Starts


@pytest.mark.parametrize("kind", ["stream", "text", "lines", "modbus-rtu", "modbus-tcp"])
def test_a_new_profile_is_right_from_the_start_and_never_overwrites(tmp_path, kind):
    arguments = [
        "profile", "new", "acme/t100", "--kind", kind, "--manufacturer", "Acme", "--model", "T 100", "--directory",
        tmp_path,
    ]
    if kind != "modbus-tcp":
        arguments += (
            ["--baud", "4800", "--format", "7E1"] if kind != "modbus-rtu" else ["--baud", "4800", "--format", "8E1"]
        )
    made = nabd(*arguments)
    folder = tmp_path / "acme" / "t100"
    assert made.returncode == 0, made.stderr.decode()
    assert {path.name for path in folder.iterdir()} == {"profile.yaml", "vectors.yaml", "README.md"}
    profile = yaml.safe_load((folder / "profile.yaml").read_text())
    assert (profile["device"]["manufacturer"], profile["device"]["model"]) == ("Acme", "T 100")
    if kind != "modbus-tcp":
        assert 4800 in profile["line"].values() and profile["line"]["format"] == arguments[-1]
    code, said = lint(folder)
    assert code == 0 and "1 profiles: 0 errors, 0 warnings" in said, said
    proof = nabd("profile", "test", folder)
    assert proof.returncode == 0 and re.search(r"^[1-9]\d* passed, 0 failed$", proof.stdout.decode(), re.MULTILINE), (
        proof.stdout
    )
    for path in folder.iterdir():
        path.write_text("mine\n")
    again = nabd(*arguments)
    assert again.returncode == 2 and b"overwritten" in again.stderr
    assert [path.read_text() for path in folder.iterdir()] == ["mine\n"] * 3


@pytest.mark.parametrize(
    ("wrong", "options"),
    [("acme", []), ("Acme/T100", []), ("../acme/t100", []), ("acme/t100/x", []), ("acme/", []),
     ("acme/t100", ["--baud", "1"]), ("acme/t100", ["--format", "9Q9"]), ("acme/t100", ["--kind", "telepathy"])],
)
def test_a_new_profile_needs_a_proper_name_and_line(tmp_path, wrong, options):
    fixed = ["--kind", "text"] if "--kind" not in options else []
    refused = nabd(
        "profile", "new", wrong, *fixed, *options, "--manufacturer", "A", "--model", "B", "--directory",
        tmp_path / "profiles",
    )
    assert refused.returncode == 2 and refused.stderr.strip()
    assert list(tmp_path.rglob("profile.yaml")) == []


# Schema and reference


@pytest.mark.parametrize("kind", ["profile", "vectors"])
def test_the_schema_is_a_schema_and_is_the_committed_one(kind):
    printed = nabd("profile", "schema", *(["--vectors"] if kind == "vectors" else []))
    assert printed.returncode == 0 and printed.stdout == (PROFILES / "schema" / f"{kind}.schema.json").read_bytes()
    read = json.loads(printed.stdout)
    assert read["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema.defects(read) == []
    assert read["additionalProperties"] is False and f"{kind}/1" in read["properties"]["nabd"]["enum"]


def test_the_reference_is_the_committed_one_and_tells_every_key():
    printed = nabd("profile", "reference")
    assert printed.returncode == 0 and printed.stdout == (ROOT / "docs" / "profile-reference.md").read_bytes()
    parts = {part.partition("\n")[0].replace(" ", "-"): part for part in printed.stdout.decode().split("\n## ")[1:]}
    for kind in ("profile", "vectors"):
        read = SCHEMAS[kind]
        for part, definition in (read["$defs"] | {kind: read}).items():
            missing = [key for key in definition.get("properties", {}) if f"`{key}`" not in parts[part]]
            assert missing == [], part


SCHEMAS = {
    kind: json.loads((PROFILES / "schema" / f"{kind}.schema.json").read_text()) for kind in ("profile", "vectors")
}


def schema_faults(folder: Path) -> list[str]:
    return [
        f"{kind}.yaml{fault}"
        for kind, read in SCHEMAS.items()
        for fault in schema.faults(schema.read_yaml(folder / f"{kind}.yaml"), read, read)
    ]


def test_the_schema_knows_every_key_of_every_shipped_profile(family):
    unknown = [
        f"{name(folder)}/{fault}"
        for folder in SHIPPED
        for fault in schema_faults(folder)
        if fault.endswith("is no key")
    ]
    assert unknown == []
    folder = family.base.parent
    family.base.write_text(
        family.base.read_text().replace("    scale: 0.1\n", "    skale: 0.1\n").replace("baud: 9600", "boud: 9600")
    )
    assert set(schema_faults(folder)) == {"profile.yaml/metrics/1/skale is no key", "profile.yaml/line/boud is no key"}


@pytest.mark.parametrize("folder", SHIPPED, ids=name)
def test_an_editor_with_the_schema_finds_nothing_wrong_where_lint_finds_nothing(folder):
    assert schema_faults(folder) == []


# Busy lines: an exchange of the XY-MD02 is 8 + 9 bytes and twice 3.5 of silence, and 20 ms of turnaround

EXCHANGE = (8 + 9 + 7) * 10 / 9600 + 0.020


@pytest.mark.parametrize(("every", "refused"), [(0.040, True), (0.050, True), (0.070, False)])
def test_lint_refuses_a_line_that_is_too_busy_and_says_how_busy(family, every, refused):
    family.base.write_text(family.base.read_text().replace("every: 5s", f"every: {every * 1000:.0f}ms"))
    code, said = lint(family.base.parent)
    assert code == (1 if refused else 0), said
    told = [int(percent) for percent in re.findall(r"profile\.yaml:\d+:\d+: error: [^%]* (\d+) % of its time", said)]
    assert len(told) == refused and all(abs(percent - 100 * EXCHANGE / every) < 1.5 for percent in told), said


def test_check_refuses_two_devices_that_are_too_much_together(tmp_path):
    def check(devices: dict) -> tuple[int, str]:
        unit = {"nabd": "unit/1", "unit": "u", "profiles": str(PROFILES), "devices": devices}
        (tmp_path / "unit.yaml").write_text(yaml.safe_dump(unit, sort_keys=False))
        result = nabd("check", "--config", tmp_path / "unit.yaml", cwd=tmp_path)
        return result.returncode, (result.stdout + result.stderr).decode()

    # Ports that are there, and nobody behind them.
    ends = [os.openpty() for _ in range(2)]
    first, second = (os.ttyname(end[1]) for end in ends)

    def device(unit: int, line: str = first) -> dict:
        every = {"MDC_TEMP": "100ms", "NABD_RELATIVE_HUMIDITY": "100ms"}
        return {"profile": "xy/md02", "line": line, "unit": unit, "override": {"every": every}}

    assert check({"a": device(1)})[0] == 0
    assert check({"a": device(1), "b": device(2, second)})[0] == 0, "two lines carry two devices"
    code, said = check({"a": device(1), "b": device(2)})
    told = re.search(r"unit\.yaml:\d+:\d+: error: [^%]* (\d+) % of its time", said)
    assert code == 1 and told and abs(int(told[1]) - 200 * EXCHANGE / 0.100) < 2, said
    assert re.search(r"\ba 4\d %.*\bb 4\d %", said), said
    for end in ends:
        os.close(end[0])
        os.close(end[1])
