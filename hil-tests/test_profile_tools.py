"""The profile commands against published byte vectors and independent peers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from peers import alaris, modbus, nonin
from peers.host import PROFILES, json_lines, nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(60)]

NONIN, ALARIS, MD02, VICTRON = (
    PROFILES / name for name in ("nonin/oem-iii-df2", "alaris/asena-gh", "xy/md02", "victron/gx")
)
NONIN_PACKET = b"".join(nonin.encode_packet(nonin.Vitals(97, 72), [1] * 25))  # equals the vector: test_peers.py
INF_REPLY = alaris.frame(alaris.Infusion().status())
MD02_PAIR = bytes.fromhex("01 04 00 01 00 02 20 0B 01 04 04 01 31 02 22 2A CE")
VICTRON_PAIR = bytes.fromhex(
    "00 01 00 00 00 06 64 03 0A F0 00 09"
    "00 01 00 00 00 15 64 03 12 1F4DEAC2 07FD6F04 235A 056D 0001 0009 0000"
)
MASKS = (0x01, 0x10, 0x20, 0x80, 0xFF)


def decode(profile: Path, data: bytes, *options: str) -> list[dict]:
    """Decode from standard input; gives the JSON lines."""
    result = nabd("profile", "decode", profile, "-", *options, stdin=data)
    assert result.returncode == 0, result.stderr.decode()
    lines = json_lines(result.stdout)
    assert all("offset" in line for line in lines if "metric" in line)
    return lines


def valid(lines: list[dict]) -> dict[str, set]:
    """Metric to the set of its valid values; a waveform's values one by one."""
    found: dict[str, set] = {}
    for line in lines:
        if line.get("validity") == "valid":
            values = line["values"] if "values" in line else [line["value"]]
            found.setdefault(line["metric"], set()).update(v for v in values if v is not None)
    return found


CAPTURES = {
    "nonin": (NONIN, NONIN_PACKET, {
        "MDC_PULS_OXIM_SAT_O2": {97}, "MDC_PULS_OXIM_PULS_RATE": {72}, "MDC_PULS_OXIM_PLETH": {1},
    }),
    "alaris": (ALARIS, INF_REPLY, {
        "MDC_FLOW_FLUID_PUMP_CURRENT": {12.5}, "MDC_VOL_FLUID_DELIV_TOTAL": {3.4}, "NABD_PUMP_PRESSURE": {45},
    }),
    "md02": (MD02, MD02_PAIR, {"MDC_TEMP": {30.5}, "NABD_RELATIVE_HUMIDITY": {54.6}}),
    "md02-negative": (
        MD02, modbus.with_crc(bytes.fromhex("01 04 00 01 00 01")) + modbus.with_crc(bytes.fromhex("01 04 02 FF 33")),
        {"MDC_TEMP": {-20.5}},
    ),
    "victron": (VICTRON, VICTRON_PAIR, {
        "NABD_LATITUDE": {52.5200066}, "NABD_LONGITUDE": {13.404954}, "NABD_COURSE": {90.5},
        "NABD_GROUND_SPEED": {13.89}, "NABD_GNSS_FIX": {1}, "NABD_GNSS_SATELLITES": {9},
    }),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_decode_gives_the_published_values(name, tmp_path):
    profile, data, expected = CAPTURES[name]
    seen = valid(decode(profile, data))
    for metric, values in expected.items():
        assert seen.get(metric) == values, metric
    (tmp_path / "capture.bin").write_bytes(data)
    (tmp_path / "capture.hex").write_text(data.hex(" "))
    from_file = nabd("profile", "decode", profile, tmp_path / "capture.bin")
    from_hex = nabd("profile", "decode", profile, tmp_path / "capture.hex", "--hex")
    assert from_file.returncode == from_hex.returncode == 0, from_hex.stderr.decode()
    assert from_file.stdout == from_hex.stdout and valid(json_lines(from_file.stdout)) == seen


def test_decode_gives_all_the_pleth_samples_of_a_packet():
    lines = [line for line in decode(NONIN, NONIN_PACKET * 2) if line.get("metric") == "MDC_PULS_OXIM_PLETH"]
    assert sum(len(line["values"]) for line in lines) == 50
    assert all(line["periodNanoseconds"] == pytest.approx(1e9 / 75, rel=1e-4) for line in lines)


@pytest.mark.parametrize("name", ["nonin", "alaris", "md02"])
def test_a_damaged_byte_never_becomes_a_wrong_valid_value(name):
    """Every byte with every mask, each damaged capture followed by a whole one, in one stream."""
    profile, data, _ = CAPTURES[name]
    right = valid(decode(profile, data))
    stream, repeats = b"", 0
    for position in range(len(data)):
        for mask in MASKS:
            damaged = bytearray(data)
            damaged[position] ^= mask
            stream += bytes(damaged) + data
            repeats += 1
    lines = decode(profile, stream)
    for metric, values in valid(lines).items():
        assert values <= right[metric], f"{metric}: {sorted(values - right[metric], key=str)[:5]}"
    # And the good captures between are not lost wholesale: the decoder finds its feet again.
    first = next(iter(CAPTURES[name][2]))
    assert sum(1 for line in lines if line.get("metric") == first and line["validity"] == "valid") >= 0.6 * repeats


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 3000, b"\xff" * 3000, b"!" * 3000, bytes(range(256)) * 20, INF_REPLY[:-1]]
)
def test_rubbish_gives_no_valid_value_and_no_crash(data):
    for profile in (NONIN, ALARIS, MD02, VICTRON):
        result = nabd("profile", "decode", profile, "-", stdin=data)
        assert result.returncode in (0, 1), f"{profile.name}: {result.returncode} {result.stderr.decode()[-500:]}"
        assert valid(json_lines(result.stdout)) == {}, profile.name
    after = valid(decode(NONIN, data + NONIN_PACKET * 2))
    assert after.get("MDC_PULS_OXIM_SAT_O2") == {97}, "rubbish on the line hides what comes after it"


def test_lint_and_vectors_pass_for_the_profiles_as_they_are():
    # All vectors with their damaged copies are the lint step's: they take a minute.
    for command, paths in (("lint", [PROFILES]), ("test", [NONIN, ALARIS, MD02, VICTRON])):
        result = nabd("profile", command, *paths)
        said = result.stdout.decode() + result.stderr.decode()
        assert result.returncode == 0, said
        assert said.strip(), f"profile {command} says nothing: it may have looked at nothing"


@pytest.mark.parametrize(
    ("old", "new"),
    [("unit: Cel", "unit: furlong"), ("    scale: 0.1 ", "    skale: 0.1 "), ("type: int16}", "type: int17}"),
     ("metric: MDC_TEMP", "metric: MDC_TEMPRATURE"), ("every: 5s", "every: 5 parsecs")],
)
def test_lint_names_file_line_and_column(tmp_path, old, new):
    profile = broken_profile(tmp_path, old, new)
    line = next(i for i, text in enumerate(profile.read_text().splitlines(), 1) if new.strip() in text)
    result = nabd("profile", "lint", profile.parent)
    said = (result.stdout + result.stderr).decode()
    assert result.returncode == 1, said
    assert re.search(rf"profile\.yaml:{line}:\d+", said), said


def test_vectors_catch_a_wrong_scale(tmp_path):
    profile = broken_profile(tmp_path, "scale: 0.1 ", "scale: 0.2 ")
    result = nabd("profile", "test", profile.parent)
    assert result.returncode == 1, (result.stdout + result.stderr).decode()


def broken_profile(directory: Path, old: str, new: str) -> Path:
    folder = directory / "xy" / "md02"
    shutil.copytree(MD02, folder)
    profile = folder / "profile.yaml"
    text = profile.read_text()
    assert old in text, f"the profile no longer holds {old!r}: update this test"
    profile.write_text(text.replace(old, new, 1))
    return profile


@pytest.mark.parametrize(
    "arguments", [["profile", "frobnicate"], ["profile", "lint", "--no-such-option"], ["profile", "try"]])
def test_wrong_usage_exits_2(arguments):
    assert nabd(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nabd: unit/1\nunit: u\nprofiles: {p}\ndevises: {}\n", 4),
        ("nabd: unit/1\nunit: u\nprofiles: {p}\ndevices:\n  a: {profile: no/such, line: /dev/pts/0}\n", 5),
        ("nabd: unit/1\nunit: u\nprofiles: {p}\njournal: {directory: j, commit-every: soon}\n", 4),
        ("nabd: unit/1\nunit: u\nunit: v\nprofiles: {p}\n", 3),
    ],
)
def test_a_wrong_configuration_is_told_with_its_place(tmp_path, text, line):
    path = tmp_path / "unit.yaml"
    path.write_text(text.replace("{p}", str(PROFILES)))
    for command in ("run", "check"):
        result = nabd(command, "--config", path, cwd=tmp_path)
        assert result.returncode not in (0, 64), command
        assert re.search(rf"unit\.yaml:{line}:\d+", result.stderr.decode()), result.stderr.decode()
