"""What the driven devices share besides their lies: the flow, the counter, names, numbers and lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers.alaris import frame as alaris
from peers.clockwork import Clockwork
from peers.driven import (
    AlarisGH, DulcoFlex, Graseby3400, SunTechCuff, on_rtu, swap_addresses, swap_identities, swap_lines,
)
from peers.driven.asking import Asker
from peers.driven.flow import Flow
from peers.driven.suntech_cuff import summed
from peers.links import PtyLink
from peers.rtu_bus import frame as rtu

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]


def test_flow_grows_with_the_rate_and_ends_at_its_limit():
    flow = Flow(rate=36, running=True, left=0.5)
    assert not flow.advance(0.0) and flow.delivered == 0
    assert not flow.advance(30.0) and flow.delivered == pytest.approx(0.3)
    assert flow.seconds_left() == pytest.approx(20)
    assert flow.advance(100.0) and flow.delivered == pytest.approx(0.5) and not flow.running
    assert not flow.advance(200.0) and flow.delivered == pytest.approx(0.5)
    flow = Flow(rate=36, running=True, haste=60)
    assert not flow.advance(1.0) and flow.delivered == pytest.approx(0.6)


def test_counter_jumps_and_clears_itself(clockwork: Clockwork, tmp_path: Path):
    pump = Graseby3400(clockwork, PtyLink(tmp_path / "line"))
    pump.jump(3.5)
    assert pump.delivered == 3.5
    pump.jump(-1)
    assert pump.delivered == 2.5
    pump.reset()
    assert pump.delivered == 0
    pump.stop()


def test_swapped_names_numbers_and_lines(clockwork: Clockwork, tmp_path: Path):
    one, other = (AlarisGH(clockwork, PtyLink(tmp_path / name), f"8003-0000{name}") for name in "12")
    first, second = (Asker(pump.link, 38400) for pump in (one, other))
    swap_identities(one, other)
    assert first.ask(alaris("INST_SERIALNO")) == alaris("INST_SERIALNO^8003-00002")
    swap_lines(one, other)
    assert first.ask(alaris("INST_SERIALNO")) == alaris("INST_SERIALNO^8003-00001")
    assert second.ask(alaris("INST_SERIALNO")) == alaris("INST_SERIALNO^8003-00002")
    for pump, asker in ((one, first), (other, second)):
        asker.close()
        pump.stop()
    low, high = DulcoFlex(clockwork, 1), DulcoFlex(clockwork, 2)
    bus = on_rtu(clockwork, PtyLink(tmp_path / "bus"), low, high)
    swap_addresses(bus, low, high)
    asker = Asker(bus.link, 19200)
    assert asker.ask(rtu(1, bytes.fromhex("06 04CD 0001"))) == rtu(1, bytes.fromhex("06 04CD 0001"))
    assert (low.effect_writes(), high.effect_writes()) == (0, 1)
    asker.close()
    bus.stop()


def test_echo_of_the_line(clockwork: Clockwork, tmp_path: Path):
    cuff = SunTechCuff(clockwork, PtyLink(tmp_path / "line"))
    cuff.echo = lambda chunk: True
    asker = Asker(cuff.link, 9600)
    request = summed(bytes.fromhex("3A 79 05 00"))
    assert asker.ask(request) == request + bytes.fromhex("3E 05 00 00 BD")
    asker.close()
    cuff.stop()
