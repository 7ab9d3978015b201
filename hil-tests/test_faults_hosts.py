"""Row 53 of the fault matrix: two hosts that want the same journal, or the same line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from peers import journal
from peers.clockwork import Clockwork, now
from peers.counting_pump import CountingPump
from peers.hardware import HardwareBench
from peers.host import Host, nabd
from peers.registers import ModbusUnit, Registers
from peers.rtu_bus import RtuBus
from peers.scenarios import TEST_PROFILES
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]

EBUSY = 16


@pytest.fixture
def rigs(hardware: HardwareBench, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A bus with two units and a line with a pump."""
    for carries in ("rtu", "ascii"):
        if (lacking := hardware.lacks(carries, {"hold"})) is not None:
            pytest.skip(lacking)
    clockwork = Clockwork().start()
    units = [ModbusUnit(1, Registers({3: range(2)})), ModbusUnit(2, Registers({3: range(2)}, first_tag=8))]
    bus = RtuBus(clockwork, hardware.link("rtu", {"hold"}, tmp_path, "rtu", 38400), units)
    pump = CountingPump(clockwork, hardware.link("ascii", {"hold"}, tmp_path, "pump", 38400))
    yield SimpleNamespace(clockwork=clockwork, bus=bus, pump=pump, units=units)
    bus.stop()
    pump.stop()
    clockwork.stop()


def test_row_53_second_host_on_one_journal_refuses_with_a_sentence(
    rigs, hosts: Callable[[Path], Host], tmp_path: Path, table
):
    first, second = hosts(tmp_path / "first"), hosts(tmp_path / "second")
    first.configure(
        {"ours": {"profile": "bench/registers", "line": rigs.bus.link.path, "unit": 1}}, profiles=[TEST_PROFILES]
    ).start()
    first.wait_for_sample("NABD_GNSS_FIX")
    second.configure(
        {"theirs": {"profile": "bench/pump", "line": rigs.pump.link.path}}, profiles=[TEST_PROFILES],
        journal=first.journal,
    )
    result = nabd("run", "--config", second.config, timeout=20)
    said = result.stderr.decode()
    assert result.returncode not in (0, None) and result.returncode > 0, (
        f"the second host ended with {result.returncode}: {said}"
    )
    assert "journal" in said and "another process" in said and "atal error" not in said, said
    assert rigs.pump.asked == [] and rigs.pump.strays == [], (
        "the second host asked its device although it has no journal"
    )
    started = now()
    time.sleep(1)
    assert len([asked for asked in rigs.units[0].asked if asked.at > started]) >= 3, "the first host was disturbed"
    first.stop()
    assert {line.get("device") for line in journal.events(first.export())} <= {None, "ours"}, (
        "the second host wrote into the journal"
    )
    sentence = next(line for line in said.splitlines() if "another process" in line)
    table.row(53, "two hosts, one journal", "a second host is started with the first one's journal",
              "refuses with a sentence, not with 0; asks nothing",
              f"ended with {result.returncode}: “{sentence[-110:]}”")


def test_row_53_second_host_on_one_line_is_told_and_sends_nothing(
    rigs, hosts: Callable[[Path], Host], tmp_path: Path, table
):
    first, second = hosts(tmp_path / "first"), hosts(tmp_path / "second")
    first.configure(
        {
            "ours": {"profile": "bench/registers", "line": rigs.bus.link.path, "unit": 1},
            "pump": {"profile": "bench/pump", "line": rigs.pump.link.path},
        },
        profiles=[TEST_PROFILES],
    ).start()
    first.wait_for_sample("NABD_GNSS_FIX")
    first.wait_for_sample("MDC_FLOW_FLUID_PUMP_CURRENT")
    # What the second asks for the first never does: another unit, and the pump's serial number.
    second.configure({
        "theirs": {"profile": "bench/registers", "line": rigs.bus.link.path, "unit": 2},
        "pump": {"profile": "alaris/asena-gh", "line": rigs.pump.link.path},
    }, profiles=[TEST_PROFILES]).start()
    began = now()
    wait_until(
        lambda: second.log().count("is held by another process") >= 2 or now() > began + 8, 10,
        "the second host to say so",
    )
    time.sleep(2)
    assert second.running, second.log_tail()
    assert rigs.units[1].asked == [], "the second host asked a unit on the first one's line"
    assert "INST_SERIALNO" not in rigs.pump.requests and rigs.pump.strays == [] and rigs.bus.framer.strays == []
    share = len([asked for asked in rigs.units[0].asked if asked.at > began]) * 0.2 / (now() - began)
    assert share >= 0.9, f"the first host kept {share:.0%} of its polls"
    first.stop()
    released = now()
    wait_until(
        lambda: rigs.units[1].asked and "INST_SERIALNO" in rigs.pump.requests, 16, "the second host to take the lines"
    )
    took = now() - released
    time.sleep(1)
    second.stop()
    lines = second.export()
    assert "is held by another process" in second.log(), (
        f"the log does not say that the port is held:\n{second.log_tail()}"
    )
    for device in ("theirs", "pump"):
        refused = [
            line
            for line in journal.events(lines)
            if line["event"] == "deviceDisconnected" and line.get("device") == device
        ]
        assert refused and refused[0].get("figure") == EBUSY, refused or journal.events(lines)
        early = [line for line in journal.samples(lines, device) if line["monotonicNanoseconds"] / 1e9 < released]
        assert early and {line["reason"] for line in early} <= {"disconnected", "stale"}, early[:2]
        assert any(line["validity"] == "valid" for line in journal.samples(lines, device)), f"{device} never came up"
    table.row(53, "two hosts, one line", "a second host with its own journal on the first one's bus and pump line",
              "told that the port is held; sends nothing",
              f"EBUSY told on both lines, nothing sent; the first kept {share:.0%} of its polls; "
              f"the second took over {took:.1f} s after the first had ended")
