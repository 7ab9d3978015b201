"""Rows 60 to 65: what a profile says that could never be, what is not known now, and what was before."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from peers.clockwork import Clockwork
from peers.host import Host, nabd
from peers.registers import Held, ModbusUnit
from peers.tcp_modbus import TcpModbus

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]

INPUT, HOLDING = 4, 3
HEAD = """nabd: profile/1
device: {manufacturer: Bench, model: Conditions, kind: energy meter}
provenance: [{document: a bench's own device, seen: here}]
line: {modbus: tcp, slowest-reply: 500ms}
"""


def written(folder: Path, text: str) -> Path:
    """A profile in a folder of profiles."""
    path = folder / "bench" / "conditions"
    path.mkdir(parents=True)
    (path / "profile.yaml").write_text(HEAD + text)
    return folder


@pytest.fixture
def watched(clockwork: Clockwork, hosts, tmp_path: Path):
    """Runs a host beside a device for a while; gives the samples of its metric."""
    servers = []

    def run(
        profile: str, registers: Held, seconds: float = 8, during=lambda server: None,
        metric: str = "NABD_BATTERY_VOLTAGE",
    ) -> list[dict]:
        server = TcpModbus(clockwork, [ModbusUnit(1, registers)])
        servers.append(server)
        host: Host = hosts(tmp_path / "unit")
        folder = written(tmp_path / "own", profile)
        host.configure({"device": {"profile": "bench/conditions", "line": server.line}}, profiles=[folder]).start()
        host.wait_for_sample(metric)
        time.sleep(seconds / 2)
        during(server)
        time.sleep(seconds / 2)
        host.stop()
        return [line for line in host.export() if line.get("metric") == metric]

    yield run
    for server in servers:
        server.stop()


# A manual's words for "there is no value", the type of the register, the bytes by which the device says it,
# and where lint refuses it.
HONOURED = [
    ("uint16", "0xFFFF", "FF FF"), ("int16", "0x8000", "80 00"), ("int16", "-32768", "80 00"),
    ("int32", "0x80000000", "80 00 00 00"), ("float32", "-9999", "C6 1C 3C 00"), ("float32", "NaN", "7F C0 00 00"),
    ("uint32", "4294967295", "FF FF FF FF"), ("bcd16", "0xFFFF", "FF FF"),
]
REFUSED = [
    ("int16", "65535"), ("uint16", "-1"), ("uint16", "abc"), ("int32", "2147483648"), ("bcd16", "70000"),
    ("float32", "none"), ("int16", "-999.9"),
]


def sentinel(kind: str, code: str) -> str:
    return (
        "metrics:\n"
        f"  - {{metric: MDC_TEMP, from: {{input: 1, type: {kind}, missing: {{{code}: notAvailable}}}}, unit: Cel, "
        "every: 5s}\n"
    )


def crc(data: bytes) -> bytes:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def test_row_60_a_sentinel_means_what_is_written_or_is_refused_where_it_stands(tmp_path, table):
    for place, (kind, code, data) in enumerate(HONOURED):
        folder = written(tmp_path / f"honoured-{place}", sentinel(kind, code))
        count = len(bytes.fromhex(data)) // 2
        request = bytes([0, 1, 0, 0, 0, 6, 1, 4, 0, 1, 0, count])
        reply = bytes([0, 1, 0, 0, 0, 3 + 2 * count, 1, 4, 2 * count]) + bytes.fromhex(data)
        (tmp_path / "capture.bin").write_bytes(request + reply)
        result = nabd("profile", "decode", folder / "bench" / "conditions", tmp_path / "capture.bin")
        assert b'"validity":"notAvailable","reason":"sentinel"' in result.stdout, (
            f"{code} on {kind}: {result.stdout!r} {result.stderr!r}"
        )
    for place, (kind, code) in enumerate(REFUSED):
        folder = written(tmp_path / f"refused-{place}", sentinel(kind, code))
        result = nabd("profile", "lint", folder / "bench" / "conditions")
        assert result.returncode == 1, f"{code} on {kind} is accepted"
        column = (HEAD + sentinel(kind, code)).splitlines()[5].index(f"{{{code}:") + 2
        assert f"profile.yaml:6:{column}: error:" in (result.stdout + result.stderr).decode(), result.stderr.decode()
    table.row(
        60, "a sentinel that can never match", f"{len(HONOURED) + len(REFUSED)} spellings over all types",
        "honoured, or refused at file:line:column",
        f"{len(HONOURED)} are no value, {len(REFUSED)} are refused at their place",
    )


GATED = """fields:
  volts: {input: 1, type: uint16, validity-when: {field: state, is-not: 1, validity: invalid}}
  state: {holding: 200, type: uint16, every: 1s}
metrics:
  - {metric: NABD_BATTERY_VOLTAGE, from: volts, scale: 0.1, unit: V, every: 500ms}
"""


def last_valid(found: list[dict], since: int) -> float:
    """When the last valid value was read. Unit: s after a moment of the monotonic clock."""
    return max(line["monotonicNanoseconds"] for line in found if line["validity"] == "valid") / 1e9 - since / 1e9


def test_row_61_a_state_that_is_not_known_now_makes_the_value_invalid(watched, table):
    registers = Held({(INPUT, 1): 125, (HOLDING, 200): 1})
    began: list[int] = []

    def refuse(_) -> None:
        began.append(time.monotonic_ns())
        registers.illegal = {(HOLDING, 200)}

    found = watched(GATED, registers, seconds=14, during=refuse)
    states = [(line["validity"], line.get("reason")) for line in found]
    assert ("valid", None) in states and states[-1] == ("invalid", "unknownStatus")
    # Three periods of the state, which may have been read just before, and what a busy machine takes.
    ended = last_valid(found, began[0])
    assert ended <= 3 + 1
    table.row(
        61, "a state not known now", "the register of the state is refused from one moment on",
        "no valid value after three of its periods",
        f"{states.count(('valid', None))} valid before, the last {ended:.1f} s after, then invalid",
    )


def test_row_61_a_state_that_turns_counts_once_it_was_read(watched, table):
    registers = Held({(INPUT, 1): 125, (HOLDING, 200): 1})
    began: list[int] = []

    def turn(_) -> None:
        began.append(time.monotonic_ns())
        registers.values[(HOLDING, 200)] = 0

    found = watched(GATED, registers, seconds=8, during=turn)
    states = [(line["validity"], line.get("reason")) for line in found]
    assert ("valid", None) in states and states[-1] == ("invalid", "deviceStatus")
    ended = last_valid(found, began[0])
    assert ended <= 1 + 1
    table.row(
        61, "a state that turns", "the register of the state, read each second, says something else",
        "no valid value after its next reading", f"the last {ended:.1f} s after, then invalid",
    )


SCALED = """fields:
  volts: {input: 1, type: int16}
  power: {input: 9, type: int16, every: 5s}
metrics:
  - {metric: NABD_BATTERY_VOLTAGE, from: volts, unit: V, every: 200ms, exponent: {field: power, range: [-3, 0]}}
"""


def test_row_62_a_number_and_its_power_are_read_together(watched, table):
    def at(number: int) -> dict:
        power = -1 if number % 2 else -2
        return {(INPUT, place): 0 for place in range(1, 10)} | {
            (INPUT, 1): 125 if power == -1 else 1250,
            (INPUT, 9): power & 0xFFFF,
        }

    found = watched(SCALED, Held({}, at=at))
    values = {line["value"] for line in found if line["validity"] == "valid"}
    assert values == {12.5}, values
    table.row(
        62, "what belongs together read apart", "the power of ten changes with every request", "together, or not valid",
        f"{len(found)} values, all 12.5 V",
    )


BEATING = """fields:
  uptime: {input: 2, type: uint16, every: 500ms}
metrics:
  - {metric: NABD_BATTERY_VOLTAGE, from: {input: 1, type: uint16}, scale: 0.1, unit: V, every: 500ms}
heartbeat: {field: uptime, changes-within: 2s}
"""


def test_row_63_a_gateway_that_repeats_its_last_answer_is_found_out(watched, table):
    frozen: list[int] = []

    def at(number: int) -> dict:
        return {(INPUT, 1): 125, (INPUT, 2): frozen[0] if frozen else number}

    found = watched(BEATING, Held({}, at=at), seconds=12, during=lambda _: frozen.append(7))
    states = [(line["validity"], line.get("reason")) for line in found]
    assert ("valid", None) in states and states[-1] == ("invalid", "frozen")
    after = len(states) - 1 - max(place for place, state in enumerate(states) if state[0] == "valid")
    assert after >= 5
    table.row(
        63, "a frozen gateway", "the same answer again and again from one moment on",
        "invalid when the heartbeat has not moved for 2 s", f"{after} invalid after the last valid one",
    )
