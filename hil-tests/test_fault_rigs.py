"""The rigs of the fault suite themselves: a rig that does not do what it says proves nothing."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from peers import alaris, fault_table, faults, truth
from peers.clockwork import Clockwork, now
from peers.counting_pump import CountingPump
from peers.hardware import BENCHES, HardwareBench
from peers.links import Holder, PtyLink, SerialLink
from peers.outcome import Outcome
from peers.registers import Asked, Held, ModbusUnit, Registers, float_bits
from peers.rtu_bus import RequestFramer, RtuBus, crc, frame, read_request
from peers.tcp_modbus import TcpModbus, mbap
from peers.truth import Register
from peers.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]

# Published frames: XY-MD02, and a refusal of an Eastron meter.
PUBLISHED = [
    "01 04 00 01 00 01 60 0A", "01 04 04 01 31 02 22 2A CE", "01 03 01 01 00 01 D4 36", "01 06 01 01 00 08 D8 30",
    "01 84 02 C2 C1", "01 10 01 01 00 02 04 00 20 25 80 25 09",
]
READ = read_request(1, 3, 0, 2)


@pytest.fixture
def bus(clockwork: Clockwork, tmp_path: Path):
    units = [
        ModbusUnit(1, Registers({3: range(2)})),
        ModbusUnit(2, Registers({3: range(2)}, first_tag=8), loopback="refused", busy="drop"),
    ]
    made = RtuBus(clockwork, PtyLink(tmp_path / "line"), units)
    yield made
    made.stop()


@pytest.fixture
def port(bus: RtuBus):
    with serial.Serial(os.path.realpath(bus.link.path), 38400, timeout=0.3) as opened:
        yield opened


def ask(port: serial.Serial, request: bytes, size: int = 64) -> bytes:
    port.write(request)
    return port.read(size)


def answer(number: int, unit: int = 1, tag: int = 1) -> bytes:
    return frame(unit, bytes([3, 4]) + b"".join((t << 12 | number).to_bytes(2, "big") for t in (tag, tag + 1)))


@pytest.mark.parametrize("text", PUBLISHED)
def test_crc_equals_the_published_one(text: str):
    data = bytes.fromhex(text)
    assert crc(data[:-2]) == data[-2:]


def test_framer_cuts_by_length_and_forgets_what_was_interrupted():
    framer = RequestFramer()
    several = bytes.fromhex(PUBLISHED[0] + PUBLISHED[5] + PUBLISHED[3])
    assert framer.feed(several[:5], 1.0) == []
    assert framer.feed(several[5:], 1.01) == [bytes.fromhex(PUBLISHED[index]) for index in (0, 5, 3)]
    assert framer.feed(READ[:6], 2.0) == [] and framer.feed(READ, 2.2) == [READ] and framer.strays == [READ[:6]]
    assert framer.feed(b"\x01\x03\x00\x00\x00\x02\x00\x00", 3.0) == [] and len(framer.strays) == 2


def test_every_value_says_its_register_and_its_request(port, bus):
    assert ask(port, READ, 9) == answer(1) and ask(port, READ, 9) == answer(2)
    assert ask(port, read_request(2, 3, 0, 2), 9) == answer(1, 2, 8)
    assert ask(port, frame(1, b"\x08\0\0\xAB\xCD"), 8) == frame(1, b"\x08\0\0\xAB\xCD")
    assert ask(port, frame(2, b"\x08\0\0\xAB\xCD"), 5) == frame(2, b"\x88\x01")
    assert ask(port, read_request(1, 3, 1, 2), 5) == frame(1, b"\x83\x02")
    assert ask(port, read_request(9, 3, 0, 2)) == b""
    assert bus.writes == []
    ask(port, bytes.fromhex(PUBLISHED[3]), 5)
    assert [asked.function for asked in bus.writes] == [6]
    assert bus.units[1].registers.told(2 << 12 | 77) == ((3, 1), 77)


def test_a_modbus_client_reads_the_bus(bus):
    client = ModbusSerialClient(os.path.realpath(bus.link.path), baudrate=38400, timeout=0.5, retries=0)
    assert client.connect()
    assert [client.read_holding_registers(0, count=2, device_id=1).registers for _ in range(2)] == [
        [0x1001, 0x2001],
        [0x1002, 0x2002],
    ]
    client.close()


def test_replies_keep_the_pace_of_the_line(port, bus):
    began = time.monotonic()
    ask(port, READ, 9)
    assert (8 + 9 + 3.5) * 10 / 38400 + bus.turnaround <= time.monotonic() - began < 0.2


SHARP = answer(1)
CASES = {
    "silent": (faults.silent, b""),
    "truncated": (faults.truncated(5), SHARP[:5]),
    "wrong-crc": (faults.wrong_crc, SHARP[:-1] + bytes([SHARP[-1] ^ 0x10])),
    "other-unit": (faults.as_unit(7), frame(7, SHARP[1:-2])),
    "other-function": (faults.as_function(4), frame(1, b"\x04" + SHARP[2:-2])),
    "twice": (faults.twice(), SHARP * 2),
    "conflicting": (faults.twice(change=faults.another_value), SHARP + frame(1, bytes([3, 4, 0x45, 0x54, 0x75, 0x54]))),
    "byte-count": (faults.byte_count(6), frame(1, b"\x03\x06" + SHARP[3:-2])),
    "exception": (faults.exception(6), frame(1, b"\x83\x06")),
    "zeros-before": (faults.zeros(before=3), bytes(3) + SHARP),
    "zeros-instead": (faults.zeros(instead=9), bytes(9)),
    "after-other": (faults.first(faults.as_unit(7)), frame(7, SHARP[1:-2]) + SHARP),
    "master": (faults.master_after(0.01, 7, 3, 1, lambda _: b"ok"), SHARP + read_request(7, 3, 3, 1) + b"ok"),
    "garbled": (faults.changed(faults.garbled), faults.garbled(SHARP)),
}


@pytest.mark.parametrize("case", CASES)
def test_faults_send_what_they_say(port, bus, case: str):
    bus.units[1].fault, expected = CASES[case]
    assert ask(port, READ, len(expected) or 1) == expected
    bus.units[1].fault = faults.honest
    port.reset_input_buffer()
    assert ask(port, READ, 9) == answer(2)


def test_noise_is_around_the_reply_and_the_same_every_time(port, bus):
    bus.units[1].fault = faults.noise(1, before=2, after=3)
    data = ask(port, READ, 14)
    assert data[2:11] == answer(1) and len(data) == 14
    bus.units[1].fault = faults.noise(1, before=2, after=3)
    assert ask(port, READ, 14)[:2] == data[:2]


def test_a_byte_at_twice_the_baud_rate_is_two():
    # 55 is 0 10101010 1 on the line, low bit first; seen double 0 01100110 0 and 1 10011001 1.
    assert faults.garbled(b"\x55") == b"\x66\x99"


def test_late_and_dribbled_replies_come_in_order_and_in_time(port, bus):
    bus.units[1].fault = faults.late(0.15)
    # The whole machine may stand still for a moment; three times in a row it is the rig.
    for attempt in range(3):
        began = now()
        port.write(READ)
        time.sleep(0.05)
        port.write(READ)
        first = port.read(9), now() - began
        second = port.read(9), now() - began
        assert (first[0], second[0]) == (answer(2 * attempt + 1), answer(2 * attempt + 2)) and first[1] > 0.15
        if first[1] < 0.28 and second[1] > first[1] + 0.14:
            break
    else:
        raise AssertionError(f"late by {first[1]:.3f} and {second[1]:.3f} s")
    bus.units[1].fault = faults.dribbled(0.02)
    began = now()
    assert ask(port, READ, 9) == answer(2 * attempt + 3) and now() - began > 8 * 0.02


def test_a_busy_device_may_drop_what_comes(port, bus):
    bus.units[2].fault = faults.late(0.1)
    port.write(read_request(2, 3, 0, 2))
    time.sleep(0.03)
    port.write(read_request(2, 3, 0, 2))
    assert port.read(18) == answer(1, 2, 8)
    assert [asked.dropped for asked in bus.units[2].asked] == [False, True]


def test_echo_comes_back_before_the_reply(port, bus):
    bus.echo = lambda chunk: chunk != 2
    assert ask(port, READ, 17) == READ + answer(1) and ask(port, READ, 9) == answer(2)


def test_unplugging_hangs_up_and_replugging_gives_another_port(port, bus):
    before = os.path.realpath(bus.link.path)
    bus.unplug()
    with pytest.raises((OSError, serial.SerialException)):
        port.timeout = 0.5
        port.read(1)
    assert not os.path.exists(bus.link.path)
    held = os.openpty()  # so that the number is not used again
    bus.replug()
    with serial.Serial(os.path.realpath(bus.link.path), 38400, timeout=0.5) as again:
        assert os.path.realpath(bus.link.path) != before and ask(again, READ, 9) == answer(1)
    for number in held:
        os.close(number)


def test_held_registers_and_what_changes_between_requests():
    unit = ModbusUnit(
        1, Held({(3, 0): 0x7FC0, (3, 1): 0}, at=lambda number: {(3, 2): number % 2, (3, 3): -number % 2 * 0xFFFF})
    )
    assert float_bits(float("inf")) == 0x7F800000
    request = Asked(0, 1, 3, 0, 4, 1, READ)
    assert unit.data(request) == bytes.fromhex("03 08 7FC0 0000 0001 FFFF")
    request.number = 2
    assert unit.data(request) == bytes.fromhex("03 08 7FC0 0000 0000 0000")


@pytest.fixture
def server(clockwork: Clockwork):
    made = TcpModbus(clockwork, [ModbusUnit(1, Registers({3: range(2)}))])
    yield made
    made.stop()


def tcp_ask(server: TcpModbus, transaction: int = 5, size: int = 13) -> bytes:
    with socket.create_connection(server._address, 1) as client:
        client.sendall(mbap(transaction, 1, READ[1:6]))
        data = b""
        while len(data) < size and (piece := client.recv(64)):
            data += piece
        return data


def test_tcp_server_answers_a_modbus_client_and_lies_when_told(server):
    client = ModbusTcpClient("127.0.0.1", port=server._address[1], timeout=1)
    assert client.connect()
    assert client.read_holding_registers(0, count=2, device_id=1).registers == [0x1001, 0x2001]
    client.close()
    body = b"\x01\x03\x04\x10\x02\x20\x02"
    unit = server.units[1]
    assert tcp_ask(server) == b"\0\x05\0\0\0\x07" + body
    for fault, expected in (
        (faults.as_transaction(lambda number: number - 1), b"\0\x04\0\0\0\x07"),
        (faults.as_protocol(9), b"\0\x05\0\x09\0\x07"), (faults.claimed_length(60000), b"\0\x05\0\0\xEA\x60"),
    ):
        unit.fault = fault
        assert tcp_ask(server)[:6] == expected
    assert server.writes == [] and server.accepted == 5


def test_tcp_server_cuts_refuses_and_is_there_again(server):
    with socket.create_connection(server._address, 1) as client:
        wait_until(lambda: server.connections, 2, "the connection", every=0.01)
        server.refuse()
        assert client.recv(1) == b""
    with pytest.raises(OSError):
        socket.create_connection(server._address, 0.3)
    server.accept()
    assert len(tcp_ask(server)) == 13


def test_pump_counts_and_can_be_late(clockwork, tmp_path):
    pump = CountingPump(clockwork, PtyLink(tmp_path / "pump"), "8003-00001")
    with serial.Serial(os.path.realpath(pump.link.path), 38400, timeout=0.5) as port:
        port.write(alaris.frame("INF"))
        status = port.read_until(b"\r")
        port.write(alaris.frame("SYRINGE_STATUS"))
        syringe = port.read_until(b"\r")
        pump.fault = faults.late(0.2)
        port.timeout = 0.1
        port.write(alaris.frame("INF"))
        nothing = port.read(1)
        port.timeout = 0.5
        late = port.read_until(b"\r")
    fields = status[1:-6].decode().split("^")
    assert (
        (fields[1], fields[4], fields[7]) == ("8003-00001", "1.00", "0.01")
        and status == alaris.frame(status[1:-6].decode())
    )
    assert syringe == alaris.frame("SYRINGE_STATUS^S2^ 50^CONF") and nothing == b"" and b"^0.03^ml^" in late
    assert pump.effects == [] and pump.strays == []
    pump.stop()


def journalled(value, at: float, metric: str = "NABD_GNSS_FIX", validity: str = "valid") -> dict:
    return {
        "device": "d", "metric": metric, "value": value, "validity": validity, "monotonicNanoseconds": int(at * 1e9),
    }


def test_the_checker_knows_true_from_stale_from_foreign_from_old():
    unit = ModbusUnit(1, Registers({3: range(2)}))
    unit.asked = [Asked(100 + turn, 1, 3, 0, 2, turn + 1, READ) for turn in range(3)]
    where = {"NABD_GNSS_FIX": Register(3, 0)}

    def complaints(*lines: dict) -> list[str]:
        return truth.wrong_registers(list(lines), "d", unit, where, oldest=0.2)

    assert (
        complaints(journalled(0x1001, 100.05), journalled(0x1002, 101.1), journalled(0x1FFF, 101.2, validity="invalid"))
        == []
    )
    for value, at, words in (
        (0x1001, 101.05, "request 2 was the last"), (0x2001, 100.05, "is of (3, 1)"), (0x1003, 102.5, "0.500 s old"),
        (0x1009, 102.05, "never told"), (0x5003, 102.05, "is of None"), (0x1001, 99.5, "before anything"),
    ):
        (complaint,) = complaints(journalled(value, at))
        assert words in complaint
    assert "told before" in complaints(journalled(0x1001, 100.05), journalled(0x1001, 100.06))[0]


def test_the_checker_of_pumps_knows_it_too():
    asked = [Asked(100 + turn, 0, 0, 0, 0, turn + 1, b"") for turn in range(3)]
    metric = "MDC_VOL_FLUID_DELIV_TOTAL"
    good = [
        journalled(0.02, 101.05, metric), journalled("S3", 102.1, "NABD_SYRINGE"),
        journalled(3, 102.1, "MDC_FLOW_FLUID_PUMP_CURRENT"),
    ]
    assert truth.wrong_replies(good, "d", asked, 0.2) == []
    assert "was the last one" in truth.wrong_replies([journalled(0.02, 102.05, metric)], "d", asked, 0.2)[0]
    assert "told before" in truth.wrong_replies([good[0], good[0]], "d", asked, 0.2)[0]


def test_clockwork_keeps_order_and_gives_back_what_it_died_of():
    done: list[int] = []
    clockwork = Clockwork().start()
    start = now() + 0.05
    for number, offset in ((2, 0.05), (1, 0.0), (3, 0.05)):
        clockwork.at(start + offset, lambda number=number: done.append(number))
    end = clockwork.every(0.02, lambda: done.append(0))
    wait_until(lambda: done.count(0) >= 3 and 3 in done, 2, "the clockwork", every=0.01)
    end()
    assert [number for number in done if number] == [1, 2, 3]
    clockwork.at(now(), lambda: 1 // 0)
    time.sleep(0.1)
    with pytest.raises(RuntimeError):
        clockwork.stop()


def test_clockwork_witnesses_its_own_stalls(clockwork):
    began = now()
    clockwork.at(began, lambda: time.sleep(0.15))
    wait_until(lambda: any(end - begin >= 0.15 for begin, end in clockwork.stalls), 2, "the stall to be noted")
    begin, end = next(stall for stall in clockwork.stalls if stall[1] - stall[0] >= 0.15)
    assert began - 0.1 <= begin <= began + 0.1 and end >= began + 0.15


def test_only_what_a_stall_explains_is_excused(clockwork):
    scenario = SimpleNamespace(slowest=0.06, clockwork=clockwork, devices=lambda: {"d": {}})
    unread = {"validity": "notAvailable", "reason": "timedOut"}
    missed = [journalled(0, moment, "x") | unread for moment in (10.0, 20.0)]
    good = [journalled(0, 10 + number / 10, "x") for number in range(1, 100)]
    outcome = Outcome("d", scenario, missed + good, {}, "", 0, 0, 0, 30, 30)
    clockwork.stalls[:] = [(9.85, 9.95), (19.88, 19.92)]
    assert outcome.unanswered() == {"timedOut at 20.000"}, "a stall too short for it explains nothing"
    with pytest.raises(AssertionError, match="nothing was tried"):
        Outcome("d", scenario, missed + good[:20], {}, "", 0, 0, 0, 30, 30).unanswered()


def test_holders_hold(tmp_path):
    import fcntl
    import termios

    link = PtyLink(tmp_path / "line")
    for by, held in (("flock", BlockingIOError), ("exclusive", None)):
        holder = Holder(link.path, by)
        if held is None:
            assert fcntl.ioctl(holder._descriptor, 0x80045440, b"\0" * 4) == b"\x01\0\0\0"  # TIOCGEXCL
            holder.release()
            other = os.open(link.path, os.O_RDWR | os.O_NOCTTY)
        else:
            other = os.open(link.path, os.O_RDWR | os.O_NOCTTY)
            with pytest.raises(held):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder.release()
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        termios.tcgetattr(other)
        os.close(other)
    link.close()


def test_benches_are_read_and_say_what_they_lack(tmp_path):
    simulated, pair = (HardwareBench(BENCHES / f"{name}.yaml") for name in ("simulated", "usb-pair"))
    assert simulated.together and simulated.lacks("rtu", {"unplug", "many-lines"}) is None
    assert not pair.together and pair.lacks("rtu", {"late", "unplug"}) is None
    assert pair.lacks("rtu", {"late", "echo"}) == "the bench usb-pair cannot do this on a line for rtu: echo"
    with pytest.raises(AssertionError, match="unknown injections"):
        pair.lacks("rtu", {"fire"})
    first, second = (simulated.link("rtu", {"late"}, tmp_path, name, 9600) for name in ("a", "b"))
    assert first.path != second.path and os.path.exists(first.path)
    first.close()
    second.close()


def test_a_rig_plays_over_real_ports_as_over_a_pty(clockwork, tmp_path):
    """Two ptys and a thread between them stand for two adapters and a cable."""
    (host, host_path), (device, device_path) = (
        (master, os.ttyname(slave)) for master, slave in (os.openpty(), os.openpty())
    )
    ends = threading.Event()

    def carry() -> None:
        while not ends.is_set():
            for source in select.select([host, device], [], [], 0.02)[0]:
                os.write(device if source is host else host, os.read(source, 4096))

    with serial.Serial(host_path, 38400, timeout=1) as port:
        link = SerialLink(host_path, device_path, 38400, "8N1", unplug="true")
        cable = threading.Thread(target=carry, daemon=True)
        cable.start()
        bus = RtuBus(clockwork, link, [ModbusUnit(1, Registers({3: range(2)}))])
        assert ask(port, READ, 9) == answer(1)
        link.unplug()
        with pytest.raises(AssertionError, match="no command to replug"):
            link.replug()
        bus.stop()
        ends.set()
        cable.join(2)


def test_the_table_is_sorted_and_counts(tmp_path):
    rows = [
        fault_table.Row(*row)
        for row in (
            (None, "beside", "b", "r", "s|t", "passed", "y"), (12, "two", "b", "r", "s", "skipped", "x"),
            (2, "one", "b", "r", "s", "failed", "z"),
        )
    ]
    fault_table.write(sorted(rows, key=lambda row: row.place), tmp_path)
    text = (tmp_path / "faults.md").read_text()
    assert (
        "3 rows, 1 passed, 1 skipped" in text
        and text.index("| 2 |") < text.index("| 12 |") < text.index("| – | beside | b | r | s/t |")
    )


def test_the_table_keeps_what_earlier_sessions_said_where_it_is_told_to(tmp_path, monkeypatch):
    said, again = (
        fault_table.Row(1, fault, "b", "r", "s", "passed", test) for fault, test in (("old", "x"), ("again", "y"))
    )
    fault_table.write([said, again], tmp_path)
    now_said = [fault_table.Row(1, "again", "b", "r", "s", "failed", "y")]
    monkeypatch.delenv("NABD_TABLE", raising=False)
    assert fault_table.earlier(now_said, tmp_path) == []
    monkeypatch.setenv("NABD_TABLE", "add")
    assert (
        fault_table.earlier(now_said, tmp_path) == [said] and fault_table.earlier(now_said, tmp_path / "nowhere") == []
    )
