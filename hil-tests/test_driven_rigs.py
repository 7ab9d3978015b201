"""The devices that are driven, by themselves: every lie does what it says on every one, and every write is counted."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from peers.alaris import frame as alaris
from peers.clockwork import Clockwork
from peers.driven import (
    AlarisGH, BaxterAS50, DulcoFlex, Graseby3400, Key, Lie, NewEra1000, SunTechCuff, on_rtu, on_tcp,
)
from peers.driven.alaris_gh import code_of
from peers.driven.asking import Asker
from peers.driven.baxter_as50 import frame as baxter
from peers.driven.graseby_3400 import frame as graseby
from peers.driven.new_era import packet
from peers.driven.suntech_cuff import letter
from peers.links import PtyLink
from peers.rtu_bus import frame as rtu
from peers.rtu_bus import read_request
from peers.tcp_modbus import mbap
from peers.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]


class TcpAsker(Asker):
    """The same over a connection."""

    def __init__(self, line: str) -> None:
        self.quiet, self.wait = 0.1, 8.0
        host, port = line.removeprefix("tcp://").split(":")
        self._port = self
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setblocking(False)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, size: int) -> bytes:
        try:
            return self._socket.recv(size)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self._socket.close()


@dataclass
class Bench:
    """A device, who asks it, and a write with all that it may be answered. ``told``: what the write is to make true."""

    device: Any
    asker: Asker
    name: str
    write: bytes
    yes: bytes
    no: bytes
    alarm: bytes
    question: bytes
    value: Callable[[], Any]
    told: Any
    other: Any = None
    reconnect: Callable[[], Asker] | None = None
    closing: Callable[[], None] = lambda: None

    @property
    def trigger(self) -> bool:
        """Whether it has no value, so that it ends with what stops it."""
        return self.other is None


def _alaris(clockwork: Clockwork, folder: Path) -> Bench:
    link = PtyLink(folder / "line")
    device = AlarisGH(clockwork, link)
    asker = Asker(link, 38400)
    assert asker.ask(alaris(f"REMOTE_CTRL^ENABLED^{code_of(device.identity)}"))
    set_rate = alaris("INF_RATE^12.50^ml/h")
    return Bench(
        device, asker, "INF_RATE", set_rate, set_rate, b"!INF_RATE\x1b", alaris("ALARM^AL_OCCL^ ^ "),
        alaris("INST_SERIALNO"), lambda: float(device.flow.rate), 12.5, 25.0,
    )


def _graseby(clockwork: Clockwork, folder: Path) -> Bench:
    link = PtyLink(folder / "line")
    device = Graseby3400(clockwork, link)
    return Bench(
        device, Asker(link, 9600), "CHGR", graseby("CHGR125"), graseby("OKCHGRSTBY"), graseby("CECHGRSTBY"),
        graseby("CECHGRALRM"), graseby("CHCK"), lambda: float(device.flow.rate), 12.5, 25.0,
    )


def _baxter(clockwork: Clockwork, folder: Path) -> Bench:
    link = PtyLink(folder / "line")
    device = BaxterAS50(clockwork, link)
    return Bench(
        device, Asker(link, 9600), "PRIRATE", baxter("PRIRATE=5.0"), baxter("ACK"), baxter("REJECT"),
        baxter("STATUS=ALARM"), baxter("STATUS?"), lambda: float(device.flow.rate), 5.0, 10.0,
    )


def _new_era(clockwork: Clockwork, folder: Path) -> Bench:
    link = PtyLink(folder / "line")
    device = NewEra1000(clockwork, link)
    asker = Asker(link, 19200)
    assert asker.ask(packet("SAF60")) == packet("00S")
    return Bench(
        device, asker, "RAT", packet("0RAT10.0MH"), packet("00S"), packet("00S?NA"), packet("00A?S"), packet("0VER"),
        lambda: float(device.flow.rate), 10.0, 20.0,
    )


def _rtu(clockwork: Clockwork, folder: Path) -> Bench:
    link = PtyLink(folder / "line")
    device = DulcoFlex(clockwork)
    bus = on_rtu(clockwork, link, device)

    def replugged() -> Asker:
        bus.unplug()
        bus.replug()
        return Asker(link, 19200)

    write = rtu(1, bytes.fromhex("10 04BB 0002 04 40A00000"))  # 5.0 into 1211
    return Bench(
        device, Asker(link, 19200), "CAPACITY", write, rtu(1, bytes.fromhex("10 04BB 0002")), rtu(1, b"\x90\x04"),
        rtu(1, b"\x90\x04"), read_request(1, 3, 1211, 2), lambda: float(device.flow.rate), 5.0, 10.0, replugged,
        bus.stop,
    )


def _tcp(clockwork: Clockwork, folder: Path) -> Bench:
    device = DulcoFlex(clockwork)
    server = on_tcp(clockwork, device)

    def reconnected() -> Asker:
        server.cut()
        return TcpAsker(server.line)

    write = mbap(7, 1, bytes.fromhex("10 04BB 0002 04 40A00000"))
    return Bench(
        device, TcpAsker(server.line), "CAPACITY", write, mbap(7, 1, bytes.fromhex("10 04BB 0002")),
        mbap(7, 1, b"\x90\x04"), mbap(7, 1, b"\x90\x04"), mbap(8, 1, bytes.fromhex("03 04BB 0002")),
        lambda: float(device.flow.rate), 5.0, 10.0, reconnected, server.stop,
    )


def _cuff(clockwork: Clockwork, folder: Path) -> Bench:
    link = PtyLink(folder / "line")
    device = SunTechCuff(clockwork, link)
    return Bench(
        device, Asker(link, 9600), "START", bytes.fromhex("3A 20 A6"), letter("O"), letter("B"), letter("E"),
        bytes.fromhex("3A 79 05 00 48"), lambda: float(device.measuring), 1.0,
    )


DEVICES = {
    "alaris": _alaris, "graseby": _graseby, "baxter": _baxter, "new-era": _new_era, "dulco-rtu": _rtu,
    "dulco-tcp": _tcp, "cuff": _cuff,
}


@pytest.fixture(params=DEVICES)
def bench(request: pytest.FixtureRequest, clockwork: Clockwork, tmp_path: Path) -> Iterator[Bench]:
    made = DEVICES[request.param](clockwork, tmp_path)
    yield made
    made.asker.close()
    if made.reconnect is None:
        made.device.stop()
    made.closing()


def last(bench: Bench):
    """The only write so far."""
    assert bench.device.effect_writes(bench.name) == bench.device.effect_writes() == 1
    effect = [one for one in bench.device.effects if not one.session][-1]
    assert effect.name == bench.name and effect.raw in (bench.write, bench.write[6:])
    return effect


def test_honest_write_is_obeyed_told_and_counted_once(bench: Bench):
    assert bench.value() == 0 and bench.asker.ask(bench.question)
    assert bench.device.effect_writes() == 0, "a question is no effect"
    assert bench.asker.ask(bench.write) == bench.yes
    assert bench.value() == bench.told
    effect = last(bench)
    assert effect.obeyed and effect.lie is None and effect.stored is None
    assert bench.trigger or float(effect.argument) == bench.told
    assert bench.device.heard[-1].name == bench.name and bench.device.heard[-1].effect


# What is answered, whether it was obeyed, and what is then true: told, or as before.
PLAIN = [
    (Lie.SILENT, "nothing", True, "told"),
    (Lie.DEAF, "nothing", False, "before"),
    (Lie.HOLLOW, "yes", False, "before"),
    (Lie.REFUSES, "no", False, "before"),
    (Lie.REFUSES_OBEYED, "no", True, "told"),
    (Lie.ALARMS, "alarm", False, "before"),
    (Lie.REBOOTS_DEAF, "nothing", False, "before"),
]


@pytest.mark.parametrize(("lie", "said", "obeyed", "then"), PLAIN, ids=[one[0].name for one in PLAIN])
def test_lie(bench: Bench, lie: Lie, said: str, obeyed: bool, then: str):
    bench.device.lie(lie)
    heard = bench.asker.ask(bench.write, 0.25 if said == "nothing" else None)
    assert heard == {"nothing": b"", "yes": bench.yes, "no": bench.no, "alarm": bench.alarm}[said]
    assert bench.value() == (bench.told if then == "told" else 0)
    assert last(bench).obeyed == obeyed and last(bench).lie is lie
    assert bench.device.restarts == (lie is Lie.REBOOTS_DEAF)


@pytest.mark.parametrize("lie", [Lie.REBOOTS, Lie.ALARMS_OBEYED])
def test_obeyed_and_then_stopped(bench: Bench, lie: Lie):
    bench.device.lie(lie)
    rebooted = lie is Lie.REBOOTS
    assert bench.asker.ask(bench.write, 0.1 if rebooted else None) == (b"" if rebooted else bench.alarm)
    assert last(bench).obeyed and bench.device.restarts == rebooted
    assert bench.value() == (0 if bench.trigger else bench.told), "a setting stays, what ran does not"
    assert not bench.device.infusing
    if rebooted:
        wait_until(lambda: bench.asker.ask(bench.question, 0.1), 5, "it came up again")


def test_other_value_is_stored_and_the_told_one_acknowledged(bench: Bench):
    bench.device.lie(Lie.OTHER_VALUE)
    assert bench.asker.ask(bench.write) == bench.yes
    assert bench.value() == (bench.other or 0)
    assert not last(bench).obeyed
    assert last(bench).stored == bench.other


@pytest.mark.parametrize("lie", [Lie.LATE, Lie.ACTS_LATE])
def test_late_answer_has_the_same_shape(bench: Bench, lie: Lie):
    bench.device.lie(lie, late=1.5)
    begun = time.monotonic()
    assert bench.asker.ask(bench.write, 0.2) == b""
    assert bench.value() == (bench.told if lie is Lie.LATE else 0)
    assert bench.asker.hear() == bench.yes
    assert time.monotonic() - begun >= 1.5
    wait_until(lambda: bench.value() == bench.told, 2, "it was done in the end")
    assert last(bench).obeyed


def test_answers_kept_back_come_over_the_new_connection(bench: Bench):
    bench.device.lie(Lie.HELD)
    assert bench.asker.silent(bench.write)
    assert bench.value() == bench.told and last(bench).obeyed
    assert bench.device.held == [bench.yes]
    bench.asker.close()
    if bench.reconnect is not None:
        bench.asker = bench.reconnect()
    else:
        bench.device.unplug()
        bench.device.replug()
        bench.asker = Asker(bench.device.link, 9600)
    kept = bench.asker.hear() if isinstance(bench.asker, TcpAsker) else b""  # there, as soon as somebody connects
    heard = kept + bench.asker.ask(bench.question)
    assert heard.startswith(bench.yes) and len(heard) > len(bench.yes) and not bench.device.held


def test_answers_kept_back_may_come_some_time_after(clockwork: Clockwork, tmp_path: Path):
    bench = _graseby(clockwork, tmp_path)
    bench.device.lie(Lie.HELD)
    bench.device.release_after = 1.5
    assert bench.asker.silent(bench.write)
    bench.asker.close()
    bench.device.unplug()
    bench.device.replug()
    bench.asker = Asker(bench.device.link, 9600)
    assert bench.asker.hear(0.1) == b"" and bench.asker.hear() == bench.yes
    bench.asker.close()
    bench.device.stop()


def test_garbled_and_half_answers(bench: Bench):
    bench.device.lie(Lie.GARBLED, of="all")
    bench.device.lie(Lie.HALF, of="all")
    garbled, half = bench.asker.ask(bench.question), bench.asker.ask(bench.question)
    whole = bench.asker.ask(bench.question)
    assert len(garbled) == len(whole) and sum(one != other for one, other in zip(garbled, whole)) == 1
    assert half == whole[: len(whole) // 2]
    bench.device.lie(Lie.GARBLED)
    garbled = bench.asker.ask(bench.write)
    assert garbled != bench.yes and len(garbled) == len(bench.yes)
    assert last(bench).obeyed and bench.value() == bench.told


def test_lies_are_counted_named_and_ended(bench: Bench):
    device = bench.device
    device.lie(Lie.HOLLOW, 2, names=[bench.name])
    for _ in range(2):
        assert bench.asker.ask(bench.write) == bench.yes
    assert bench.value() == 0 and not device.planned
    device.lie(Lie.DEAF, None, names=["another"])
    device.lie(Lie.SILENT, None)
    assert bench.asker.silent(bench.write)
    assert bench.value() == bench.told
    device.honest()
    assert bench.asker.ask(bench.write)
    assert device.effect_writes(bench.name) == device.effect_writes() == 4
    assert device.effect_writes(obeyed=True) == (1 if bench.trigger else 2)
    assert device.effect_writes(bench.name, obeyed=False) == (3 if bench.trigger else 2)


def test_lie_about_questions_leaves_effects_alone(bench: Bench):
    bench.device.lie(Lie.SILENT, of="reads")
    assert bench.asker.ask(bench.write) == bench.yes
    assert bench.asker.silent(bench.question)
    assert bench.asker.ask(bench.question)


def test_mute_device_goes_on_obeying(bench: Bench):
    bench.device.mute(1.5)
    assert bench.asker.silent(bench.write) and bench.value() == bench.told
    wait_until(lambda: bench.asker.ask(bench.question, 0.2), 8, "it speaks again")


def test_lost_control(bench: Bench):
    if isinstance(bench.device, (NewEra1000, SunTechCuff)):
        with pytest.raises(NotImplementedError):
            bench.device.lie(Lie.LOSES_CONTROL)
        return
    bench.device.lie(Lie.LOSES_CONTROL)
    assert bench.asker.ask(bench.write) == bench.yes
    assert bench.asker.ask(bench.write, 0.25) != bench.yes
    assert bench.value() == bench.told
    assert [one.obeyed for one in bench.device.effects if not one.session] == [True, False]


def test_key_press_right_after_the_write(bench: Bench):
    device = bench.device
    if bench.trigger:
        device.lie(Lie.SILENT, then=lambda: device.press(Key.STOP))
        assert bench.asker.silent(bench.write)
        assert not device.measuring
    else:
        device.lie(Lie.SILENT, then=lambda: device.press(Key.RATE, 3))
        assert bench.asker.silent(bench.write)
        assert device.flow.rate == 3
    assert last(bench).obeyed and len(device.pressed) == 1


def test_restart_may_forget(bench: Bench):
    bench.device.boot = 3.0
    assert bench.asker.ask(bench.write) == bench.yes
    bench.device.restart(forget=True)
    assert bench.value() == 0
    assert bench.asker.silent(bench.write), "deaf while it comes up"
    assert bench.device.effect_writes(bench.name) == 2
    assert bench.device.effect_writes(bench.name, obeyed=True) == 1
