"""The rigs of what is met in the field: connections that end, gateways, an analyser, streams that are held back."""

from __future__ import annotations

import socket
import time

import pytest

from peers.analyser import ACK, ENQ, EOT, ETB, ETX, NAK, Analyser, Transmission, frame, frames
from peers.clockwork import Clockwork, now
from peers.links import Link, PtyLink
from peers.manners import Manners
from peers.registers import ModbusUnit, Registers, Sending
from peers.stream_rig import PtyStream, vitals
from peers.tcp_link import TcpLink
from peers.tcp_modbus import TcpModbus, mbap
from peers.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]

QUESTION = b"\x03\0\0\0\2"
# Captured of a Sysmex XN-550: senaite/senaite.astm, tests/data/sysmex_xn550.txt.
CAPTURED = b"\x026R|1|^^^^WBC^1|8.13|10*3/uL||N||F||||20240627135407\r\x0353\r\n"


def connect(line: str) -> socket.socket:
    host, port = line.removeprefix("tcp://").split(":")
    return socket.create_connection((host, int(port)), timeout=2)


def ask(client: socket.socket, transaction: int = 1, unit: int = 1) -> bytes:
    client.sendall(mbap(transaction, unit, QUESTION))
    return client.recv(64)


def served(clockwork: Clockwork, **options) -> TcpModbus:
    return TcpModbus(clockwork, [ModbusUnit(1, Registers({3: range(2)}))], **options)


@pytest.mark.parametrize("manners", [Manners(one_answer=True), Manners(idle=0.2), Manners(shy=0.3)])
def test_a_server_ends_connections_as_its_manners_are(clockwork, manners):
    server = served(clockwork, manners=manners)
    with connect(server.line) as client:
        began = time.monotonic()
        if manners.shy:
            assert ask(client) == b"", "it was asked too soon"
        else:
            assert len(ask(client)) == 13 and client.recv(64) == b""
            assert manners.one_answer or time.monotonic() - began >= 0.19
    with connect(server.line) as client:
        time.sleep(manners.shy or 0)
        assert len(ask(client)) == 13
    assert server.accepted == 2
    server.stop()


def test_a_gateway_asks_nobody_else_while_it_waits(clockwork):
    dead = ModbusUnit(9, Registers({}))
    dead.refuses = lambda asked: 0x0B
    dead.fault = lambda asked: [Sending(asked.reply, after=0.3)]
    healthy = ModbusUnit(1, Registers({3: range(2)}))
    for together in (True, False):
        gateway = TcpModbus(clockwork, [healthy, dead], one_at_a_time=together)
        with connect(gateway.line) as client:
            began = time.monotonic()
            client.sendall(mbap(1, 9, QUESTION) + mbap(2, 1, QUESTION))
            first = client.recv(9)
            assert (first == mbap(1, 9, b"\x83\x0B")) == together and (time.monotonic() - began >= 0.29) == together
        gateway.stop()
        dead.busy_until = 0.0


@pytest.mark.parametrize("manners", [Manners(), Manners(one_answer=True), Manners(idle=0.2), Manners(shy=0.3)])
def test_a_text_device_on_a_socket_does_too(clockwork, manners):
    class Parrot:
        def __init__(self, link: Link) -> None:
            self.link = link
            self.fileno = link.fileno

        def ready(self, at: float) -> None:
            if data := self.link.read():
                self.link.write(data)

    link = TcpLink(clockwork, manners)
    parrot = Parrot(link)
    clockwork.add(parrot)
    for _ in range(2):
        with connect(link.path) as client:
            if manners.shy:
                client.sendall(b"a")
                assert client.recv(9) == b""
            else:
                client.sendall(b"a")
                assert client.recv(9) == b"a"
                client.settimeout(0.4)
                if manners == Manners():
                    with pytest.raises(TimeoutError):
                        client.recv(9)
                else:
                    assert client.recv(9) == b""
    assert link.accepted == 2
    clockwork.remove(parrot)
    link.close()


def test_an_analysers_frames_are_as_captured():
    assert frame(6, CAPTURED[2:-5], True) == CAPTURED
    several = frames(["A" * 200, "B" * 100])
    assert [one[:2] for one in several] == [b"\x021", b"\x022"] and all(ETX in one for one in several)
    long = frames(["A" * 300])
    assert len(long) == 2 and long[0][-5:-4] == ETB and long[1][-5:-4] == ETX
    assert frames(["A", "B"], one_frame=True) == [frame(1, b"A\rB\r", True)]


def test_an_analyser_goes_by_what_it_is_answered(clockwork, tmp_path):
    """Acknowledged: the next. Refused: again. Answered twice: that is kept beside the answer."""
    link = PtyLink(tmp_path / "laboratory")
    message = Transmission(frames(["H|1", "R|1", "L|1"]), spoilt={1})
    analyser = Analyser(clockwork, link, [message])
    with open(link.path, "r+b", buffering=0) as port:
        analyser.start()
        # Enquiry, first frame (answered twice), second frame as spoilt, second again, third, end.
        for said in (ACK, ACK + NAK, NAK, ACK, ACK):
            heard = b""
            while not heard.endswith((ENQ, b"\n")):
                heard += port.read(64)
            port.write(said)
        wait_until(lambda: analyser.ended, 5, "the end of the message")
    assert [answers for _, answers in message.said] == [ACK, ACK + NAK, NAK, ACK, ACK, b""]
    sent = [said for said, _ in message.said]
    assert sent[0] == ENQ and sent[-1] == EOT and [sent[1], sent[3], sent[4]] == message.frames
    assert sent[2] != message.frames[1] and sent[2][-4:] == message.frames[1][-4:], (
        "the spoilt frame has the right one's checksum"
    )
    analyser.stop()


@pytest.mark.parametrize("fifo", [None, 100])
def test_a_stream_that_nobody_reads_waits_and_says_how_old_it_is(clockwork, fifo):
    rig = PtyStream(clockwork, fifo)
    rig.start(behind=2)
    began = now()
    with open(rig.path, "rb", buffering=0) as port:
        if fifo:
            time.sleep(0.2)
            assert rig.unread() <= fifo
        heard = b""
        while len(heard) < 5 * 150 and now() < began + 2:
            heard += port.read(64)
    took = now() - began
    assert len(heard) >= 5 * 150, f"{len(heard)} bytes in {took:.1f} s"
    packet = heard[:125]
    assert packet[5 * 2 + 3] == vitals(0).saturation and packet[3] << 7 | packet[8] == vitals(0).pulse
    line = {"monotonicNanoseconds": round(began * 1e9), "value": vitals(0).pulse}
    assert 1.5 < rig.age(line) < 1.8, rig.age(line)
    rig.stop()
