"""profile simulate, read by independent clients with their own framing and checksums;
profile try, and what it records.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import socket
import time

import pytest
import serial
import yaml
from pymodbus.client import ModbusSerialClient

from peers import modbus, nonin, wire
from peers.host import PROFILES, json_lines, nabd
from peers.player import ask, played, promised, silent, try_all, values
from peers.waiting import free_port

pytestmark = [pytest.mark.host, pytest.mark.timeout(60)]


# Modbus


def test_three_units_on_one_line_answer_each_for_itself_only():
    with played("xy/md02@1", "xy/md02@2", "generic/pt100@3") as path:
        client = ModbusSerialClient(path, baudrate=9600, timeout=0.5, retries=0)
        assert client.connect()
        try:
            for unit in (1, 2, 1):
                temperature, humidity = client.read_input_registers(1, count=2, device_id=unit).registers
                assert 38 <= temperature <= 57 and 409 <= humidity <= 471
            assert 38 <= client.read_holding_registers(0, count=1, device_id=3).registers[0] <= 57
            # Each has its own registers: what only another unit has is an illegal address.
            assert client.read_holding_registers(0, count=1, device_id=1).exception_code == 2
            assert client.read_input_registers(1, count=2, device_id=3).exception_code == 2
        finally:
            client.close()
        with serial.Serial(path, 9600) as port:
            for unit in (3, 2, 1):
                function, address = (3, 0) if unit == 3 else (4, 1)
                reply = ask(port, modbus.with_crc(bytes([unit, function, 0, address, 0, 1])), 7)
                assert reply == modbus.with_crc(reply[:-2]) and reply[:3] == bytes([unit, function, 2])
            for nobody in (
                modbus.with_crc(bytes([4, 4, 0, 1, 0, 1])),
                modbus.with_crc(bytes([1, 4, 0, 1, 0, 1]))[:-1] + b"\0",
            ):
                port.write(nobody)
                assert silent(port) == b""


def test_devices_that_cannot_share_a_line_are_not_played_together():
    for profiles in (
        ["xy/md02@1", "xy/md02@1"], ["xy/md02@1", "masimo/radical-7"], ["xy/md02@1", "eastron/sdm120@2"], ["xy/md02@0"],
    ):
        refused = nabd("profile", "simulate", *profiles, "--line", "pty", "--for", "100ms")
        assert refused.returncode == 2 and refused.stderr.strip(), profiles


REQUEST = modbus.with_crc(bytes.fromhex("01 04 00 01 00 02"))


@pytest.mark.parametrize("fault", ["wrong-unit", "exception", "dribbled", "duplicated"])
def test_a_fault_is_what_its_name_says(fault):
    with played("xy/md02", faults=f"{fault}:1") as path, serial.Serial(path, 9600, timeout=2) as port:
        length = {"exception": 5, "duplicated": 18}.get(fault, 9)
        began = time.monotonic()
        port.write(REQUEST)
        reply = port.read(length)
        took = time.monotonic() - began
        assert len(reply) == length and silent(port) == b"", f"{reply.hex(' ')}: not {length} bytes, or more"
    whole = reply[:9]
    assert all(
        part == modbus.with_crc(part[:-2]) for part in ([reply] if fault == "exception" else [whole, reply[-9:]])
    )
    if fault == "exception":
        assert reply[:2] == b"\x01\x84" and reply[2] in range(1, 12)
        return
    assert whole[1:3] == b"\x04\x04" and 38 <= int.from_bytes(whole[3:5], "big") <= 57
    assert (whole[0] == 1) == (fault != "wrong-unit")
    if fault == "dribbled":
        assert took > 0.044, "nine bytes 5 ms apart cannot come so soon"
    if fault == "duplicated":
        assert reply == whole * 2


def test_unplugged_cuts_a_tcp_connection():
    port = free_port()
    with played("victron/gx", line=f"tcp://127.0.0.1:{port}", faults="unplugged:1"):
        with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
            client.sendall(bytes.fromhex("00 01 00 00 00 06 64 03 0A F0 00 02"))
            try:
                assert client.recv(64) == b"", "an answer came over a line that is unplugged"
            except ConnectionResetError:
                pass


# Serial devices


def capnostream_session(port: serial.Serial) -> bytes:
    """Enable the link; gives what is in the identification."""
    assert silent(port) == b"", "it streams before the link is enabled"
    answer = ask(port, wire.capnostream(1), 3 + 30)
    (message, *_) = wire.capnostream_messages(answer)
    return message


def test_capnostream_streams_only_after_enable_and_start():
    with played("oridion/capnostream-20") as path, serial.Serial(path, 115200) as port:
        identification = capnostream_session(port)
        assert identification[:2] == b"\x04V" and b"B355987654" in identification
        assert silent(port) == b"", "it streams before it was told to"
        port.write(wire.capnostream(4))
        port.timeout = 3
        messages = wire.capnostream_messages(port.read(300))
    waves = [message for message in messages if message[0] == 0]
    numbers = [message for message in messages if message[0] == 1]
    # 20 waves and one message of numbers a second, from the beginning.
    assert len(waves) + len(numbers) == len(messages) and 0 < len(numbers) <= len(waves) / 20 + 1
    assert all(len(wave) == 5 and int.from_bytes(wave[2:4], "big") <= 39 * 256 and wave[4] == 0 for wave in waves)
    assert len({wave[2:4] for wave in waves}) > 10, "the wave does not move"
    for message in numbers:
        assert (
            35 <= message[5] <= 40
            and 13 <= message[7] <= 16
            and 96 <= message[8] <= 99
            and 68 <= message[9] <= 78
            and message[26] == 1
        )


def test_capnostream_is_silent_after_stop_and_disable():
    with played("oridion/capnostream-20") as path, serial.Serial(path, 115200) as port:
        capnostream_session(port)
        port.write(wire.capnostream(4))
        port.timeout = 3
        assert len(port.read(50)) == 50, "it does not stream"
        for code in (5, 2):
            port.write(wire.capnostream(code))
        port.timeout = 0.2
        port.read(4000)  # what was under way
        assert silent(port) == b"", "it streams on, although the host has said stop and disable"


LINE = re.compile(rb"\d\d/\d\d/\d\d \d\d:\d\d:\d\d SN=(?P<serial>\d{10})(?P<words>( [A-Z0-9]+=[-+.%0-9A-F]+)+)\r\n")


def test_masimo_lines_are_lines_of_words():
    with played("masimo/radical-7") as path, serial.Serial(path, 9600, timeout=3) as port:
        lines = [port.read_until(b"\r\n") for _ in range(3)][1:]  # the first may have begun before we listened
    for line in lines:
        match = LINE.fullmatch(line)
        assert match and match["serial"] == b"0000070986", line
        words = dict(word.split("=") for word in match["words"].decode().split())
        value = {key: float(text.rstrip("%")) for key, text in words.items() if key not in ("ALARM", "EXC")}
        assert (
            96 <= value["SPO2"] <= 99
            and 68 <= value["BPM"] <= 78
            and 1.8 <= value["PI"] <= 3.6
            and 12 <= value["PVI"] <= 18
        )
        assert value["SPCO"] == 1 and value["SPMET"] == 0.5 and int(words["ALARM"], 16) == int(words["EXC"], 16) == 0


def test_graseby_answers_a_host_with_its_own_sum():
    with played("graseby/3400") as path, serial.Serial(path, 9600) as port:
        assert ask(port, wire.graseby("CHCK"), b"\r") == wire.graseby("OKCHCKINFS")
        assert ask(port, wire.graseby("GETR"), b"\r") == wire.graseby("OKGETRINFS125")
        total = ask(port, wire.graseby("TOTL"), b"\r")
        assert total == wire.graseby(total[1:-4].decode()) and 32 <= int(total[11:-4]) <= 34, total
        port.write(b"<CHCK>94\r")
        assert silent(port) == b"", "a request with a wrong sum was answered"


def test_new_era_answers_a_host_with_its_own_crc():
    with played("new-era/ne-1000") as path, serial.Serial(path, 19200) as port:
        for request, pattern in (
            ("0SAF60", r"00I?\d?"), ("0", "00I"), ("0RAT", r"00I12\.5\d*MH"), ("0DIS", r"00I?I1\.2\d*W0(\.0*)?ML"),
        ):
            texts = wire.new_era_texts(ask(port, wire.new_era(request), 64, 0.3))
            assert any(re.fullmatch(pattern, text) for text in texts), (request, texts)


def test_new_era_speaks_only_when_it_is_asked_and_says_one_packet():
    with played("new-era/ne-1000") as path, serial.Serial(path, 19200) as port:
        seen = {
            request: wire.new_era_texts(ask(port, wire.new_era(request), 64, 0.6))
            for request in ("0SAF60", "0", "0RAT")
        }
        assert {request: len(texts) for request, texts in seen.items()} == {"0SAF60": 1, "0": 1, "0RAT": 1}, seen
        port.write(wire.new_era("0")[:-2] + b"\x00\x03")
        assert silent(port, 1.5) == b"", "it speaks, although it was asked nothing"


# What try shows and records


def recorded(path) -> bytes:
    """A capture's bytes, read by rules of our own: pairs of digits, comments after #."""
    return b"".join(bytes.fromhex(line.partition("#")[0]) for line in path.read_text().splitlines())


@pytest.mark.parametrize("profile", ["nonin/oem-iii-df2", "xy/md02"])
def test_what_try_records_is_what_came_and_becomes_a_vector(profile, tmp_path):
    device = (
        nonin.NoninOximeter()
        if profile.startswith("nonin")
        else modbus.ClimateSensor(unit=1, temperature=-55, humidity=546)
    )
    folder = tmp_path / profile
    shutil.copytree(PROFILES / profile, folder)
    file = folder / "capture.hex"
    device.start()
    try:
        command = ["profile", "try", folder, "--line", device.line, "--for", "700ms", "--raw", "--record", file]
        result = nabd(*command)
        again = nabd(*command)
    finally:
        device.stop()
    assert result.returncode == 0, result.stderr.decode()
    assert again.returncode == 2 and b"overwritten" in again.stderr
    lines = json_lines(result.stdout)
    shown = {
        way: b"".join(bytes.fromhex(line["bytes"]) for line in lines if line.get("line") == way)
        for way in ("sent", "received")
    }
    if profile.startswith("nonin"):
        assert shown["sent"] == b"" and recorded(file) == shown["received"]
        frames = [shown["received"][i : i + 5] for i in range(0, len(shown["received"]), 5)]
        assert all(frame[0] == 1 and sum(frame[:4]) & 0xFF == frame[4] for frame in frames) and 25 <= len(frames) <= 60
        wave, sent = bytes(frame[2] for frame in frames), bytes(device.sent_pleth)
        assert wave in sent, "the bytes shown are not those that were sent"
    else:
        assert shown["sent"] == REQUEST
        assert (
            shown["received"] == modbus.with_crc(bytes.fromhex("01 04 04 FF C9 02 22"))
            and recorded(file) == REQUEST + shown["received"]
        )
    decoded = nabd("profile", "decode", folder, file, "--hex")
    assert decoded.returncode == 0, decoded.stderr.decode()
    seen = values(json_lines(decoded.stdout))
    live = values(lines)
    # The record may begin a little before the reading and end a little after it; between, the two are the same.
    assert live and set(live) <= set(seen)
    for metric in seen:
        told = live.get(metric, [])
        starts = [
            start
            for start in range(len(seen[metric]) - len(told) + 1)
            if seen[metric][start : start + len(told)] == told
        ]
        assert starts and len(seen[metric]) - len(told) <= 15, (metric, told, seen[metric])
    vector = {
        "name": "recorded", "kind": "derived", "source": "a played device", "bytes": {"file": file.name},
        "expect": seen,
    }
    (folder / "vectors.yaml").write_text(yaml.safe_dump({"nabd": "vectors/1", "vectors": [vector]}))
    proof = nabd("profile", "test", folder)
    assert proof.returncode == 0 and b"1 passed, 0 failed" in proof.stdout, (proof.stdout + proof.stderr).decode()
    seen[min(seen)][0] += 1
    (folder / "vectors.yaml").write_text(yaml.safe_dump({"nabd": "vectors/1", "vectors": [vector]}))
    assert nabd("profile", "test", folder).returncode == 1, "a vector with a wrong value passes"


# Every played device, read by try

PLAYED = [
    "masimo/radical-7", "nellcor/n-595", "contec/cms50d-plus", "contec/cms50d-plus-v4", "oridion/capnostream-20",
    "baxter/as50", "graseby/3400", "new-era/ne-1000", "suntech/advantage", "fresenius/base-a", "draeger/evita-4",
    "eastron/sdm120", "generic/pt100", "ivy/450c", "nonin/df7", "bbraun/space",
]


@pytest.fixture(scope="session")
def tried(worker_id, tmp_path_factory):
    """All of them at once, by whichever test process comes first."""
    if worker_id == "master":
        return try_all(PLAYED)
    path = tmp_path_factory.getbasetemp().parent / "played.json"
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_text(json.dumps(try_all(PLAYED)))
    return json.loads(path.read_text())


@pytest.mark.parametrize("profile", PLAYED)
def test_a_played_device_is_read(profile, tried):
    found = tried[profile]
    assert found["code"] == 0, (found["said"], found["lines"][:5])
    # The last pressure of a cuff, which is told again and again, is not known to be of now at first.
    seen = values([line | {"validity": "valid"} for line in found["lines"]
                   if line.get("validity") == "valid" or line.get("reason") == "storedResult"])
    expected = promised(profile)
    assert seen and expected
    for metric, (low, high) in expected.items():
        assert metric in seen, f"no valid {metric}"
        assert all(low <= value <= high for value in seen[metric]), (metric, low, high, seen[metric][:5])


@pytest.mark.parametrize("profile", PLAYED)
def test_a_played_device_is_well_unless_its_profile_says_otherwise(profile, tried):
    assert [line["alert"] for line in tried[profile]["lines"] if line.get("event") == "alertStart"] == []
