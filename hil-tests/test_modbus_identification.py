"""The device identification of Modbus (function 43, type 14): pymodbus is the device that the host reads,
and the reader of a played one.
"""

from __future__ import annotations

import json
import socket
import threading

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer

from peers import modbus
from peers.host import json_lines, nabd
from peers.waiting import free_port, listening, wait_until
from test_profile_lines import simulated

pytestmark = [pytest.mark.host, pytest.mark.timeout(60), pytest.mark.xdist_group("modbus-identification")]

PROFILE = """\
nabd: profile/1
device: {manufacturer: Clinic, model: Warmer, kind: infusion warmer}
provenance: [{document: "made for this test", seen: here}]
line: {LINE, unit: 1, slowest-reply: 500ms}
names:
  - {metric: CLINIC_MODEL, system: "urn:clinic:metric", display: Model, display-ar: الطراز}
session: {identify: {field: serial}}
fields:
  serial: {identification: 0x80, every: 2s}
metrics:
  - {metric: MDC_TEMP, from: {holding: 1, type: int16}, unit: Cel, scale: 0.1, every: 500ms}
  - {metric: CLINIC_MODEL, from: {identification: 5}, every: 1s}
simulate: {MDC_TEMP: 37.5, CLINIC_MODEL: Warm-2, serial: SN-4711}
"""
LINES = {"tcp": "modbus: tcp, port: 502", "rtu": "modbus: rtu, baud: 9600, format: 8N1"}


class Warmer(modbus.ModbusDevice):
    """An infusion warmer that tells who it is; without its objects it has only its temperature."""

    def __init__(self, framer: FramerType, objects: dict[int, str]) -> None:
        super().__init__({1: {0: 0, 1: 375, 2: 0}}, modbus.READ_HOLDING)
        self.port = free_port()
        self.framer = framer
        self.objects = objects

    async def make_server(self, devices):
        return ModbusTcpServer(
            devices, framer=self.framer, identity=ModbusDeviceIdentification(info=self.objects),
            address=("127.0.0.1", self.port),
        )

    def start(self):
        super().start()
        wait_until(lambda: listening(self.port), 5, "the server to listen")
        return self


def profile(tmp_path, kind: str):
    folder = tmp_path / "clinic" / "warmer"
    folder.mkdir(parents=True)
    (folder / "profile.yaml").write_text(PROFILE.replace("LINE", LINES[kind]))
    return folder


def heard(tmp_path, kind: str, objects: dict[int, str], *options: str) -> list[dict]:
    device = Warmer(FramerType.SOCKET if kind == "tcp" else FramerType.RTU, objects).start()
    line = f"{'tcp' if kind == 'tcp' else 'rtu+tcp'}://127.0.0.1:{device.port}"
    try:
        result = nabd("profile", "try", profile(tmp_path, kind), "--line", line, "--for", "4s", *options, timeout=40)
    finally:
        device.stop()
    assert result.returncode == 0, result.stderr.decode()
    return json_lines(result.stdout)


@pytest.mark.parametrize("kind", LINES)
def test_the_host_reads_who_a_device_is(tmp_path, kind):
    lines = heard(tmp_path, kind, {5: "Warm-1", 0x80: "SN-4711"})
    models = [line for line in lines if line.get("metric") == "CLINIC_MODEL"]
    assert len(models) >= 3 and {(m["value"], m["validity"]) for m in models} == {("Warm-1", "valid")}
    assert (
        {line["value"] for line in lines if line.get("metric") == "MDC_TEMP" and line["validity"] == "valid"} == {37.5}
    )
    assert any("SN-4711" in json.dumps(line) for line in lines), "the serial number is told nowhere"


@pytest.mark.parametrize("kind", LINES)
def test_a_device_without_the_object_says_so(tmp_path, kind):
    lines = heard(tmp_path, kind, {5: "", 0x80: "SN-4711"})
    models = [line for line in lines if line.get("metric") == "CLINIC_MODEL"]
    assert models and models[0]["reason"] == "deviceException"
    assert {(m["validity"], m["reason"]) for m in models} <= {
        ("notAvailable", "deviceException"), ("notAvailable", "stale"),
    }
    assert any(line.get("metric") == "MDC_TEMP" and line["validity"] == "valid" for line in lines)


def test_a_played_device_tells_pymodbus_who_it_is(tmp_path):
    port = free_port()
    with simulated(profile(tmp_path, "tcp"), f"tcp://127.0.0.1:{port}"):
        client = ModbusTcpClient("127.0.0.1", port=port, timeout=2)
        assert client.connect()
        told = client.read_device_information(read_code=4, object_id=0x80, device_id=1)
        refused = client.read_device_information(read_code=4, object_id=3, device_id=1)
        client.close()
    assert told.information == {0x80: b"SN-4711"}
    assert refused.isError() and refused.exception_code == 2


class Mute:
    """A warmer that answers every read of registers and is silent to function 43, as old firmware is."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked: list[int] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            pending = b""
            while data := connection.recv(256):
                pending += data
                while len(pending) >= 8 and len(pending) >= (end := 6 + int.from_bytes(pending[4:6], "big")):
                    request, pending = pending[:end], pending[end:]
                    self.asked.append(request[7])
                    if request[7] != 3:
                        continue
                    count = int.from_bytes(request[10:12], "big")
                    answer = bytes([request[6], 3, 2 * count]) + b"\x01\x77" * count
                    connection.sendall(request[:4] + len(answer).to_bytes(2, "big") + answer)


def test_a_device_that_is_silent_to_the_question_is_read_all_the_same(tmp_path):
    device = Mute()
    line = f"tcp://127.0.0.1:{device.port}"
    result = nabd("profile", "try", profile(tmp_path, "tcp"), "--line", line, "--for", "10s", timeout=60)
    device.listener.close()
    lines = json_lines(result.stdout)
    values = [one for one in lines if one.get("metric") == "MDC_TEMP" and one["validity"] == "valid"]
    # Two a second are wanted; the silence costs its own answers' time and no value is taken for another.
    assert 43 in device.asked and len(values) >= 8, (len(values), device.asked)
    assert {one["value"] for one in values} == {37.5}
    assert all(one["value"] is None for one in lines if one.get("metric") == "CLINIC_MODEL")
