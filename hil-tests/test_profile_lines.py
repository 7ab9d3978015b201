"""profile simulate, read by independent clients; profile try, reading independent devices."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from peers import alaris, modbus, nonin
from peers.host import PROFILES, binary, json_lines, nabd
from peers.waiting import free_port, listening, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(60)]


@contextmanager
def simulated(profile: str, line: str = "pty"):
    """A running simulator; gives the first line of its output: the path of the pty it made."""
    process = subprocess.Popen(
        [str(binary()), "profile", "simulate", str(PROFILES / profile), "--line", line],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
    )
    try:
        if line == "pty":
            yield process.stdout.readline().strip()
        else:
            wait_until(lambda: listening(int(line.rsplit(":", 1)[1])), 10, "the simulator to listen")
            yield line
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
            raise AssertionError("the simulator ignores SIGTERM") from None


def test_simulated_oximeter_is_read_with_pyserial():
    with simulated("nonin/oem-iii-df2") as path, serial.Serial(path, 9600, timeout=6) as port:
        assert Path(path).is_char_device()
        port.reset_input_buffer()
        began = time.monotonic()
        data = port.read(5 * 75 * 3)
        took = time.monotonic() - began
    offset = next(
        o for o in range(len(data) - 10)
        if all(data[o + k] == 1 and sum(data[o + k : o + k + 4]) & 0xFF == data[o + k + 4] for k in (0, 5))
    )
    frames = [data[i : i + 5] for i in range(offset, len(data) - 4, 5)]
    assert 2.5 < took < 3.6, f"225 frames in {took:.2f} s: the simulator does not keep the line's pace"
    assert all(f[0] == 1 and f[1] & 0x80 and sum(f[:4]) & 0xFF == f[4] for f in frames)
    marks = [i for i, f in enumerate(frames) if f[1] & 1]
    assert len(marks) >= 8 and {b - a for a, b in zip(marks, marks[1:])} == {25}
    first = marks[0]
    assert 90 <= frames[first + 2][3] <= 100
    assert 40 <= ((frames[first][3] & 3) << 7 | frames[first + 1][3] & 0x7F) <= 120
    assert len({f[2] for f in frames}) > 10, "the pleth does not move"


def test_simulated_pump_answers_pyserial():
    with simulated("alaris/asena-gh") as path, serial.Serial(path, 38400, timeout=2) as port:
        port.write(alaris.frame("INF"))
        reply = port.read_until(b"\r")
        port.timeout = 0.7
        port.write(b"!INF|0000\r")
        to_damaged = port.read(1)
    assert reply == alaris.frame(reply[1:-6].decode())
    fields = reply[1:-6].decode().split("^")
    assert fields[0] == "INF" and fields[1] == "8003-00107" and float(fields[4]) == 12.5 and fields[5] == "ml/h"
    assert to_damaged == b"", "a request with a wrong CRC was answered"


def test_simulated_climate_sensor_answers_a_modbus_client():
    with simulated("xy/md02") as path:
        client = ModbusSerialClient(path, baudrate=9600, timeout=1, retries=0)
        assert client.connect()
        registers = client.read_input_registers(1, count=2, device_id=1).registers
        client.close()
    assert 30 <= registers[0] <= 60 and 400 <= registers[1] <= 480


def test_simulated_gateway_answers_a_modbus_client():
    port = free_port()
    with simulated("victron/gx", f"tcp://127.0.0.1:{port}"):
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=2)
        assert client.connect()
        position = client.read_holding_registers(2800, count=2, device_id=100).registers
        voltage = client.read_holding_registers(259, count=1, device_id=225).registers[0]
        client.close()
    assert 26.3 <= ((position[0] << 16) | position[1]) / 1e7 <= 26.4 and 2600 <= voltage <= 2690


PEERS = {
    "nonin/oem-iii-df2": (nonin.NoninOximeter, "MDC_PULS_OXIM_SAT_O2", range(90, 100)),
    "alaris/asena-gh": (alaris.AlarisPump, "MDC_FLOW_FLUID_PUMP_CURRENT", [12.5]),
    "xy/md02": (lambda: modbus.ClimateSensor(unit=1, temperature=-55), "MDC_TEMP", [-5.5]),
    "victron/gx": (modbus.VictronGX, "NABD_LATITUDE", [52.5200066]),
}


@pytest.mark.parametrize("profile", PEERS)
def test_try_prints_what_a_device_says(profile):
    make, metric, allowed = PEERS[profile]
    device = make().start()
    try:
        began = time.monotonic()
        result = nabd("profile", "try", PROFILES / profile, "--line", device.line, "--for", "5s", timeout=30)
        took = time.monotonic() - began
    finally:
        device.stop()
    assert result.returncode == 0, result.stderr.decode()
    assert 4 < took < 12
    values = [l["value"] for l in json_lines(result.stdout) if l.get("metric") == metric and l["validity"] == "valid"]
    assert values and set(values) <= set(allowed), values
    assert getattr(device, "effects", []) == [] and getattr(device, "writes", []) == []
