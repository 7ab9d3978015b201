"""The counterparts themselves, against something independent of them: a broken counterpart proves nothing."""

from __future__ import annotations

import ssl
import time

import httpx
import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from peers import alaris, fhir_checks, modbus, nonin, wire
from peers.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]

NONIN_VECTOR = """
01 81 01 00 83  01 80 01 48 CA  01 80 01 61 E3  01 80 01 30 B2  01 80 01 00 82  01 80 01 00 82  01 80 01 00 82
01 80 01 00 82  01 80 01 61 E3  01 80 01 61 E3  01 80 01 61 E3  01 80 01 00 82  01 80 01 00 82  01 80 01 00 82
01 80 01 48 CA  01 80 01 61 E3  01 80 01 61 E3  01 80 01 00 82  01 80 01 00 82  01 80 01 00 82  01 80 01 48 CA
01 80 01 00 82  01 80 01 48 CA  01 80 01 00 82  01 80 01 00 82
"""


def bundle(*resources: dict) -> dict:
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def good_observation(data: str = "97 98 E 97") -> dict:
    return {
        "resourceType": "Observation", "id": "o-1", "status": "final",
        "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]},
        "code": {"coding": [{"system": fhir_checks.MDC, "code": "150456"}]},
        "subject": {"reference": "Device/d-1"}, "device": {"reference": "DeviceMetric/m-1"},
        "effectivePeriod": {"start": "2026-11-22T06:15:00.000Z", "end": "2026-11-22T06:15:03.000Z"},
        "valueSampledData": {
            "origin": {"value": 0, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
            "period": 1000, "dimensions": 1, "data": data,
        },
    }


def test_nonin_packet_equals_the_published_vector():
    packet = b"".join(nonin.encode_packet(nonin.Vitals(97, 72), [1] * 25))
    assert packet == bytes.fromhex(NONIN_VECTOR)


def test_nonin_plays_75_frames_a_second_of_whole_packets():
    device = nonin.NoninOximeter()
    with serial.Serial(device.line, 9600, timeout=4) as port:
        device.start()
        began = time.monotonic()
        data = port.read(5 * 150)
        took = time.monotonic() - began
    device.stop()
    frames = [data[i : i + 5] for i in range(0, len(data), 5)]
    assert 1.9 < took < 2.4
    assert all(f[0] == 1 and f[1] & 0x80 and sum(f[:4]) & 0xFF == f[4] for f in frames)
    assert [i for i, f in enumerate(frames) if f[1] & 1] == list(range(0, 150, 25))
    assert [f[2] for f in frames] == device.sent_pleth[:150]
    assert [f[3] for f in frames[2::25]] == [v.saturation for v in device.sent_packets[:6]]


def test_nonin_sends_nothing_old_to_a_port_that_is_opened_late():
    device = nonin.NoninOximeter().start()
    time.sleep(1.5)
    already = len(device.sent_pleth)
    with serial.Serial(device.line, 9600, timeout=0.5) as port:
        data = port.read(5 * 20)
    device.stop()
    first = next(data[i + 2] for i in range(5) if data[i] == 1 and sum(data[i : i + 4]) & 0xFF == data[i + 4])
    assert first in device.sent_pleth[already - 3 : already + 20]


@pytest.mark.parametrize(
    ("payload", "crc"),
    [
        ("INF", "4961"), ("INST_SERIALNO", "457D"), ("INF_VTBI", "8456"), ("COMMS_PROTOCOL", "E8DA"),
        ("INF_RATE^0.10^ml/h", "D407"), ("SYRINGE_STATUS^BD PLASTIPAK^ 50^CONF", "1CF8"),
        ("COMMS_PROTOCOL^Asena Rev 2.1.5", "661A"), ("INF_RATE_MAX_SYRINGE^1200.00^ml/h", "8575"),
    ],
)
def test_alaris_crc_equals_the_published_one(payload: str, crc: str):
    assert alaris.frame(payload) == f"!{payload}|{crc}\r".encode()


def test_alaris_answers_queries_and_records_effects():
    device = alaris.AlarisPump().start()
    with serial.Serial(device.line, 38400, timeout=1) as port:
        port.write(b"!INF|4961\r")
        status = port.read_until(b"\r")
        port.write(b"!SYRINGE_STATUS|%04X\r" % alaris.crc16_ccitt_false(b"SYRINGE_STATUS"))
        syringe = port.read_until(b"\r")
        port.timeout = 0.3
        port.write(b"!INF_START|38F3\r!INF|0000\r")
        nothing = port.read(1)
    device.stop()
    fields = status[1:-6].decode().split("^")
    assert fields[:5] == ["INF", "8003-00107", "-", "SET", "12.50"] and fields[7] == "3.40" and fields[9] == "45"
    assert syringe == b"!SYRINGE_STATUS^BD PLASTIPAK^ 50^CONF|1CF8\r"
    assert nothing == b""
    assert device.effects == ["INF_START"] and device.damaged_requests == [b"!INF|0000"]


def test_alaris_misbehaves_when_told():
    device = alaris.AlarisPump(bad_crc=True).start()
    with serial.Serial(device.line, 38400, timeout=1) as port:
        port.write(b"!INF|4961\r")
        reply = port.read_until(b"\r")
        device.silent = True
        port.timeout = 0.3
        port.write(b"!INF|4961\r")
        nothing = port.read(1)
    device.stop()
    assert reply[-5:-1] != b"%04X" % alaris.crc16_ccitt_false(reply[1:-6]) and len(reply) > 20
    assert nothing == b""


def test_climate_sensor_answers_a_modbus_client_and_only_its_own_unit():
    device = modbus.ClimateSensor(unit=3, temperature=-205, humidity=5460).start()
    client = ModbusSerialClient(device.line, baudrate=9600, timeout=0.5, retries=0)
    assert client.connect()
    reply = client.read_input_registers(1, count=2, device_id=3)
    assert reply.registers == [0xFF33, 5460]
    assert client.read_holding_registers(1, count=1, device_id=3).isError()
    assert client.read_input_registers(7, count=1, device_id=3).exception_code == 2
    with pytest.raises(Exception, match="(?i)no response"):
        client.read_input_registers(1, count=1, device_id=4)
    client.close()
    device.stop()
    assert device.writes == [] and device.requests[0].function == 4


def test_climate_sensor_bytes_equal_the_published_vectors():
    device = modbus.ClimateSensor(unit=1, temperature=305, humidity=546).start()
    with serial.Serial(device.line, 9600, timeout=0.5) as port:
        port.write(bytes.fromhex("01 04 00 01 00 02 20 0B"))
        both = port.read(9)
        device.answers_as = 7
        port.write(bytes.fromhex("01 04 00 01 00 01 60 0A"))
        other = port.read(7)
        device.answers_as, device.exception = None, modbus.ExcCodes.DEVICE_FAILURE
        port.write(bytes.fromhex("01 04 00 01 00 01 60 0A"))
        refused = port.read(5)
    device.stop()
    assert both == bytes.fromhex("01 04 04 01 31 02 22 2A CE")
    assert other == modbus.with_crc(bytes.fromhex("07 04 02 01 31"))
    assert refused == modbus.with_crc(bytes.fromhex("01 84 04"))


def test_victron_registers_equal_the_published_vector():
    device = modbus.VictronGX(battery_unit=225).start()
    client = ModbusTcpClient("127.0.0.1", port=device.port, timeout=2)
    assert client.connect()
    position = client.read_holding_registers(2800, count=10, device_id=100).registers
    battery = client.read_holding_registers(259, count=8, device_id=225).registers
    client.close()
    device.stop()
    assert position[:8] == [0x1F4D, 0xEAC2, 0x07FD, 0x6F04, 0x235A, 0x056D, 1, 9]
    assert position[8:] == [0, 345]
    assert battery == [0x0A5F, 0, 0xFF85, 0x00D7, 0, 0, 0, 0x036A]


def client_context(authority, identity=None, maximum=None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if maximum:
        context.maximum_version = maximum
    if identity:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


def test_records_server_takes_a_transaction_with_the_right_certificate_only(records, pki):
    device = {"resourceType": "Device", "id": "d-1", "status": "active"}
    with httpx.Client(verify=client_context(pki.authority, pki.client), timeout=20) as good:
        for _ in range(2):
            reply = good.post(records.base_url, json=bundle(device, good_observation()))
            assert reply.status_code == 200, reply.text
    assert [o["id"] for o in records.all("Observation")] == ["o-1"]
    assert records.count("Device") == 1
    for identity in (None, pki.foreign_client):
        with httpx.Client(verify=client_context(pki.authority, identity), timeout=20) as bad:
            assert bad.post(records.base_url, json=bundle(device)).status_code == 400
    with pytest.raises(httpx.ConnectError):
        httpx.get(records.base_url, verify=client_context(pki.authority, pki.client, ssl.TLSVersion.TLSv1_2))
    with pytest.raises(httpx.ConnectError, match="(?i)certificate"):
        httpx.get(records.base_url, verify=client_context(pki.foreign_authority, pki.client))
    assert any(" 200 POST " in line and "tls=TLSv1.3 verify=SUCCESS" in line for line in records.access_log())


def test_records_server_pages_comes_and_goes_and_keeps_its_data(records, pki):
    resources = [{"resourceType": "Device", "id": f"d-{i}", "status": "active"} for i in range(450)]
    with httpx.Client(verify=client_context(pki.authority, pki.client), timeout=30) as client:
        assert client.post(records.base_url, json=bundle(*resources)).status_code == 200
        records.stop_front()
        with pytest.raises(httpx.ConnectError):
            httpx.get(records.base_url, verify=client_context(pki.authority, pki.client))
    records.stop()
    records.start()
    assert len(records.all("Device")) == 450
    wait_until(lambda: records.count("Device") == 450, 5, "the count")


def test_validators_accept_the_good_and_refuse_the_bad(validated):
    assert validated([good_observation()]) == []
    unknown, missing, quoted = good_observation(), good_observation(), good_observation()
    unknown["colour"] = "red"
    del missing["code"]
    quoted["effectivePeriod"] = {"start": "yesterday"}
    for bad in (unknown, missing, quoted):
        assert {f["validator"] for f in validated([bad])} == {"fhir.resources 6.4.0", "fhirkit"}, bad


@pytest.mark.parametrize("data", ["97,98 E 97", "97  98 97", "97 98 NaN 97", "97 98 e 97", "97 98", "97 98 E 97 96 95"])
def test_own_grammar_check_refuses_what_validators_let_pass(data: str):
    fhir_checks.check_observation(good_observation())
    with pytest.raises(AssertionError):
        fhir_checks.check_observation(good_observation(data))


@pytest.mark.parametrize(
    ("made", "published"),
    [
        (wire.xmodem(b"[RESEND]"), "DB 6B"), (wire.as50("STATUS?"), "5B 53 54 41 54 55 53 3F 5D C3 4B"),
        (wire.new_era("SAF0"), "02 08 53 41 46 30 55 43 03"), (wire.graseby("CHCK"), b"<CHCK>93\r".hex()),
        (wire.medibus("Q", b"\x1b"), b"\x1bQ6C\r".hex()), (wire.cms50d(97, 72, 53)[:7], "01 80 80 B5 80 C8 E1"),
        (wire.capnostream(4), "85 01 04 05"),
    ],
)
def test_our_messages_are_the_published_ones(made, published):
    assert made == bytes.fromhex(published)


def test_capnostream_messages_are_told_apart_and_damage_is_found():
    stream = wire.capnostream(0, bytes.fromhex("05 80 85 08")) + wire.capnostream_numbers(97, 72) + b"\x85\x05\x00"
    wave, numbers = wire.capnostream_messages(stream)
    assert wave == bytes.fromhex("00 05 80 85 08") and (len(numbers), numbers[8], numbers[9]) == (28, 97, 72)
    with pytest.raises(AssertionError):
        wire.capnostream_messages(stream.replace(b"\x61", b"\x60"))
