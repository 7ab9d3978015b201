"""The device identification of Modbus (function 43, type 14): pymodbus is the device that the host reads,
and the reader of a played one.
"""

from __future__ import annotations

import json

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
