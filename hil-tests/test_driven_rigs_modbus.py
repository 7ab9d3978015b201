"""The driven Modbus pump, by raw frames and by pymodbus, and the driven cuff, by themselves."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from peers.clockwork import Clockwork
from peers.driven import DulcoFlex, Key, Lie, SunTechCuff, on_rtu, on_tcp
from peers.driven.asking import Asker
from peers.driven.suntech_cuff import letter, summed
from peers.links import PtyLink
from peers.rtu_bus import frame, read_request
from peers.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]


@pytest.fixture
def pump(clockwork: Clockwork) -> DulcoFlex:
    made = DulcoFlex(clockwork, 3)
    made.flow.haste = 3600.0
    return made


@pytest.fixture
def bus(clockwork: Clockwork, pump: DulcoFlex, tmp_path: Path):
    made = on_rtu(clockwork, PtyLink(tmp_path / "line"), pump)
    yield made
    made.stop()


@pytest.fixture
def asker(bus) -> Iterator[Asker]:
    made = Asker(bus.link, 19200)
    yield made
    made.close()


@pytest.fixture(params=["rtu", "tcp"])
def client(request: pytest.FixtureRequest, clockwork: Clockwork, pump: DulcoFlex, tmp_path: Path):
    if request.param == "rtu":
        line = on_rtu(clockwork, PtyLink(tmp_path / "line"), pump)
        made = ModbusSerialClient(os.path.realpath(line.link.path), baudrate=19200, timeout=8, retries=0)
    else:
        line = on_tcp(clockwork, pump)
        host, port = line.line.removeprefix("tcp://").split(":")
        made = ModbusTcpClient(host, port=int(port), timeout=8, retries=0)
    assert made.connect()
    yield made
    made.close()
    line.stop()


def words(number: float) -> list[int]:
    return list(struct.unpack(">2H", struct.pack(">f", number)))


def number(client, address: int) -> float:
    read = client.read_holding_registers(address, count=2, device_id=3).registers
    return struct.unpack(">f", struct.pack(">2H", *read))[0]


def write(client, address: int, *values: int) -> int | None:
    """The exception's number; nothing if it was taken."""
    answer = client.write_registers(address, list(values), device_id=3)
    return answer.exception_code if answer.isError() else None


def test_library_drives_it(client, pump: DulcoFlex):
    assert write(client, 1211, *words(2.5)) is None and number(client, 1211) == 2.5 and number(client, 1018) == 0
    assert not client.write_register(1229, 1, device_id=3).isError()
    assert not client.write_register(1200, 1, device_id=3).isError()
    assert pump.infusing and number(client, 1018) == 2.5
    assert client.read_holding_registers(1022, count=1, device_id=3).registers == [1]
    time.sleep(0.3)
    assert number(client, 1036) > 0.4
    assert not client.write_register(1200, 0, device_id=3).isError()
    given = pump.delivered
    assert not pump.infusing and number(client, 1036) == pytest.approx(given)
    assert write(client, 1234, 0) is None and number(client, 1036) > 0, "the strokes"
    assert write(client, 1234, 1) is None and number(client, 1036) == 0
    both = client.readwrite_registers(
        read_address=1211, read_count=2, write_address=1211, values=words(4.0), device_id=3
    )
    assert both.registers == words(4.0)
    names = ["CAPACITY", "MODE", "START_STOP", "START_STOP", "CLEAR", "CLEAR", "CAPACITY"]
    assert [one.name for one in pump.effects] == names
    assert [one.obeyed for one in pump.effects] == [True, True, True, True, False, True, True]
    assert [pump.effects[index].argument for index in (0, 1, 2, 3, 5, 6)] == [2.5, 1, 1, 0, 1, 4.0]
    serial = client.read_holding_registers(4, count=5, device_id=3).registers
    assert struct.pack(">5H", *serial) == b"2023000107"


def test_library_is_refused(client, pump: DulcoFlex):
    assert client.write_coil(1200, True, device_id=3).exception_code == 1
    assert client.read_input_registers(1018, count=2, device_id=3).exception_code == 1
    assert client.read_holding_registers(1200, count=2, device_id=3).exception_code == 2
    assert write(client, 1018, *words(1)) == write(client, 1212, 0) == 2
    assert write(client, 1211, 0x40A0) == write(client, 1234, 1, 0x5555) == 3, "half of one, or two"
    assert write(client, 1211, *words(30.5)) == write(client, 1211, *words(float("nan"))) == 3
    assert write(client, 1235, 0x5554) == write(client, 1229, 5) == write(client, 1200, 4) == 3
    pump.lose_control()
    assert write(client, 1200, 1) == 4
    pump.refusal_code = 6
    assert write(client, 1200, 1) == 6
    assert pump.effect_writes(obeyed=True) == 0 and pump.effect_writes() == 12 and pump.effect_writes("COIL") == 1
    assert pump.effect_writes("START_STOP") == 3 and pump.effect_writes("REGISTER_1018") == 1


def test_batch_is_given_once_for_each_trigger(client, pump: DulcoFlex):
    assert write(client, 1211, *words(0.25)) is None and write(client, 1235, 0x5555) is None
    assert not pump.effects[-1].obeyed, "acknowledged in another mode, and nothing happens"
    assert write(client, 1215, *words(0.25)) is None and write(client, 1229, 3) is None
    assert write(client, 1200, 1) is None and not pump.infusing
    assert write(client, 1235, 0x5555) is None and pump.infusing
    wait_until(lambda: not pump.infusing, 5, "the end", 0.02)
    assert pump.delivered == pytest.approx(0.25) and number(client, 1018) == 0
    assert write(client, 1235, 0x5555) is None and write(client, 1235, 0x5555) is None
    wait_until(lambda: not pump.infusing, 5, "the end", 0.02)
    assert pump.delivered == pytest.approx(0.75), "twice told, twice given"
    pump.lie(Lie.ENDS)
    assert write(client, 1235, 0x5555) is None and not pump.infusing and pump.delivered == pytest.approx(1.0)
    assert pump.effect_writes("BATCH") == 5 and pump.effect_writes("BATCH", obeyed=True) == 4


def test_watchdog_stops_it_when_nothing_is_asked(client, pump: DulcoFlex):
    pump.timeout = 1.5
    assert write(client, 1211, *words(1.0)) is None and write(client, 1229, 1) is None
    assert write(client, 1200, 3) is None
    begun = pump.effects[-1].at
    for _ in range(3):
        time.sleep(0.7)
        assert client.read_holding_registers(1200, count=1, device_id=3).registers == [3]
    wait_until(lambda: not pump.infusing, 8, "the watchdog", 0.02)
    assert pump.delivered == pytest.approx(pump.heard[-1].at - begun + 1.5, abs=0.01)
    assert client.read_holding_registers(1200, count=1, device_id=3).registers == [2]
    pump.press(Key.START)
    assert pump.state.started and pump.effect_writes("START_STOP") == 1


def test_answer_to_a_single_write_equals_the_echo(bus, asker: Asker, pump: DulcoFlex):
    start = frame(3, bytes.fromhex("06 04B0 0001"))
    assert asker.ask(start) == start
    bus.echo = lambda chunk: True
    assert asker.ask(start) == start + start
    pump.lie(Lie.DEAF)
    assert asker.ask(start) == start, "nobody has answered"
    many = frame(3, bytes.fromhex("10 04B0 0001 02 0001"))
    assert asker.ask(many) == many + frame(3, bytes.fromhex("10 04B0 0001"))
    assert pump.effect_writes("START_STOP") == 4 and pump.effect_writes("START_STOP", obeyed=True) == 3
    assert not bus.framer.strays and len(pump.heard) == 4


def test_frames_in_pieces_and_damaged_ones(bus, asker: Asker, pump: DulcoFlex):
    both = frame(3, bytes.fromhex("17 04BB 0002 04BB 0002 04 3F800000"))
    asker.tell(both[:10])
    time.sleep(0.02)
    assert asker.ask(both[10:]) == frame(3, bytes.fromhex("17 04 3F800000"))
    assert asker.silent(both[:-1] + bytes([both[-1] ^ 1])) and pump.effect_writes() == 1
    assert asker.silent(frame(9, bytes.fromhex("06 04B0 0001"))) and pump.effect_writes() == 1, "for another unit"
    assert asker.ask(frame(3, bytes.fromhex("08 0000 1234"))) == frame(3, b"\x88\x01") and pump.effect_writes() == 1
    assert asker.ask(frame(3, bytes.fromhex("05 04B0 FF00"))) == frame(3, b"\x85\x01") and pump.effect_writes() == 2


def test_order_of_the_words_of_a_float(bus, asker: Asker, pump: DulcoFlex):
    assert asker.ask(read_request(3, 3, 63, 2)) == frame(3, bytes.fromhex("03 04 AABB CCDD"))
    pump.low_word_first = True
    assert asker.ask(read_request(3, 3, 63, 2)) == frame(3, bytes.fromhex("03 04 CCDD AABB"))
    assert asker.ask(frame(3, bytes.fromhex("10 04BB 0002 04 0000 3F80")))[:2] == b"\x03\x10"
    assert pump.flow.rate == 1 and asker.ask(read_request(3, 3, 1211, 2)) == frame(3, bytes.fromhex("03 04 0000 3F80"))
    pump.offset = -1
    assert asker.ask(read_request(3, 3, 1210, 2)) == frame(3, bytes.fromhex("03 04 0000 3F80"))


# The cuff


START, PRESSURE, RESULT = (bytes.fromhex(text) for text in ("3A 20 A6", "3A 79 05 00 48", "3A 79 03 00 4A"))
ABORT = summed(bytes.fromhex("3A 79 01 00"))


@pytest.fixture
def cuff(clockwork: Clockwork, tmp_path: Path) -> Iterator[tuple[SunTechCuff, Asker]]:
    made = SunTechCuff(clockwork, PtyLink(tmp_path / "line"))
    made.inflate, made.deflate, made.dump = 1.5, 0.5, 1.0
    asker = Asker(made.link, 9600)
    yield made, asker
    asker.close()
    made.stop()


def test_cuff_measures_once_for_each_start(cuff):
    module, asker = cuff
    nothing = asker.ask(RESULT)
    assert len(nothing) == 24 and not any(nothing[2:-1]) and asker.ask(PRESSURE) == bytes.fromhex("3E 05 00 00 BD")
    assert asker.ask(START) == letter("O")
    assert asker.ask(START) == asker.ask(RESULT) == letter("B")
    assert 0 < int.from_bytes(asker.ask(PRESSURE)[2:4], "little") <= 180
    wait_until(lambda: not module.measuring and not module.pressure, 5, "the end", 0.02)
    published = bytes.fromhex("3E 18 73 00 4A 00 1E 01 00 00 00 00 00 00 31 07 55 00 58 00 00 00 00 E9")
    assert asker.ask(RESULT) == asker.ask(RESULT) == published
    module.tells_end = True
    assert asker.ask(START) == letter("O") and asker.hear() == letter("K")
    assert asker.ask(RESULT)[2] == 116
    assert module.effect_writes("START") == 3 and module.effect_writes("START", obeyed=True) == 2
    assert module.state.measured == 2


def test_cuff_aborts(cuff):
    module, asker = cuff
    assert asker.ask(ABORT) == letter("A") and not module.effects[-1].obeyed
    assert asker.ask(START) == letter("O")
    time.sleep(0.25)
    assert asker.ask(ABORT) == letter("A") and not module.measuring
    assert asker.ask(START) == letter("B"), "there is still pressure in it"
    wait_until(lambda: not module.pressure, 8, "it to be empty", 0.02)
    assert asker.ask(RESULT) == summed(b"\x3e\x18" + bytes(18) + b"\x56\0\0")
    module.press(Key.START)
    assert module.measuring
    module.press(Key.STOP)
    assert not module.measuring and module.state.measured == 0
    assert module.effect_writes("ABORT", obeyed=True) == 1 and module.effect_writes("START") == 2


def test_cuff_keeps_what_it_does_not_do_and_forgets_half_of_a_packet(cuff):
    module, asker = cuff
    assert asker.ask(bytes.fromhex("3A 0C 00 01 01 B8")) == letter("K") and module.effects[-1].argument == (0, 1, 1)
    assert asker.ask(summed(b"\x3a\x28")) == letter("N") and module.effects[-1].name == "START_NEWBORN"
    assert asker.silent(bytes.fromhex("3A 20 A7")) and asker.silent(b"\x3a\x55\x71") and asker.silent(b"\x00\x01")
    assert len(module.strays) == 3
    asker.tell(PRESSURE[:3])
    time.sleep(0.6)
    assert asker.ask(PRESSURE) == bytes.fromhex("3E 05 00 00 BD") and len(module.strays) == 4
    assert module.effect_writes() == 2 and module.effect_writes(obeyed=True) == 1


def test_cuff_pressure_as_published(cuff):
    module, asker = cuff
    module.inflate, module.peak = 1e-9, 258.4
    module.deflate = 1e6
    module.press(Key.START)
    assert asker.ask(PRESSURE) == bytes.fromhex("3E 05 02 01 BA")
    module.lie(Lie.ENDS, names=["ABORT"])
    module.end()
    assert asker.ask(RESULT)[20] == 2 and module.state.measured == 0
