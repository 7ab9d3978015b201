"""What a profile says of a port's own lines is set on the port: flow control,
DTR and RTS, for text and for Modbus RTU alike.

A pseudo-terminal has no such lines: it refuses to set them, which is no reason not to read the device.
What is asked of it is seen with strace.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from peers import journal
from peers.clockwork import Clockwork
from peers.counting_pump import CountingPump
from peers.durable import DurableHost
from peers.links import PtyLink
from peers.registers import ModbusUnit, Registers
from peers.rtu_bus import RtuBus
from peers.scenarios import TEST_PROFILES
from peers.tracing import need_strace, traced

pytestmark = [pytest.mark.host, pytest.mark.timeout(60), pytest.mark.xdist_group("field-ports")]

METRICS = {"rtu": "NABD_GNSS_FIX", "text": "MDC_FLOW_FLUID_PUMP_CURRENT"}
PROFILES = {"rtu": "registers", "text": "pump"}


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> dict[str, list[str]]:
    """By line, the ioctls on its port until it brought values, and what it brought."""
    need_strace()
    folder: Path = tmp_path_factory.mktemp("field-ports")
    clockwork = Clockwork().start()
    host, log = DurableHost(folder / "unit"), folder / "strace.log"
    host.prefix = traced(log, "-v", "-e", "trace=ioctl")
    rigs, ports, devices = [], {}, {}
    try:
        for kind in METRICS:
            for flow in ("rts", "xon", ""):
                name = f"{kind}-{flow or 'plain'}"
                link = PtyLink(folder / name)
                rigs.append(
                    RtuBus(clockwork, link, [ModbusUnit(1, Registers({3: range(2)}))])
                    if kind == "rtu"
                    else CountingPump(clockwork, link)
                )
                ports[name] = link.device
                devices[name] = {"profile": f"bench/{PROFILES[kind]}" + (f"-{flow}" if flow else ""), "line": link.path}
        host.configure(devices, profiles=[TEST_PROFILES]).start().wait_running(0)
        for metric in METRICS.values():
            host.wait_for_sample(metric)
        host.stop()
        lines = host.export()
    finally:
        host.kill()
        for rig in rigs:
            rig.stop()
        clockwork.stop()
    said = log.read_text(errors="replace").splitlines()
    found = {
        name: [line for line in said if re.search(rf"ioctl\(\d+<{re.escape(port)}>", line)]
        for name, port in ports.items()
    }
    for name in devices:
        good = [line for line in journal.samples(lines, name) if line["validity"] == "valid"]
        assert good, f"{name} brought no value; the log says\n{host.log_tail()}"
        assert found[name], f"strace saw no call on the port of {name}"
    return found


def settings(calls: list[str]) -> list[str]:
    """Flags of input and of control that were set, each time."""
    return [" ".join(re.findall(r"c_[ic]flag=[\w|]*", line)) for line in calls if re.search(r"\bTCSETS[FW]?2?,", line)]


def while_open(kind: str, calls: list[str]) -> str:
    """The last settings with which the port was used: libmodbus puts back what it found when it closes one."""
    return settings(calls)[-2 if kind == "rtu" else -1]


def levels(calls: list[str]) -> set[str]:
    """Which of the port's lines were raised or lowered, and by which call."""
    return {
        f"{found[1]} {line}"
        for one in calls
        if (found := re.search(r"\b(TIOCMBI[SC]),", one))
        for line in re.findall(r"TIOCM_(\w+)", one)
    }


@pytest.mark.parametrize("kind", METRICS)
def test_flow_control_by_rts_and_cts_is_set_on_the_port(calls, table, kind):
    last = while_open(kind, calls[f"{kind}-rts"])
    assert "CRTSCTS" in last and "IXON" not in last and "IXOFF" not in last, last
    assert "TIOCMBIS DTR" in levels(calls[f"{kind}-rts"]), f"DTR was not raised: {levels(calls[f'{kind}-rts'])}"
    table.row(
        None, f"flow: rts-cts, dtr: on ({kind})", "what is set on the port, by strace",
        "CRTSCTS; TIOCMBIS of DTR, which a pty refuses", f"set; {sorted(levels(calls[f'{kind}-rts']))}; values arrive",
    )


@pytest.mark.parametrize("kind", METRICS)
def test_flow_control_by_characters_is_set_on_the_port(calls, table, kind):
    last = while_open(kind, calls[f"{kind}-xon"])
    assert "IXON" in last and "IXOFF" in last and "CRTSCTS" not in last, last
    wanted = {"TIOCMBIC DTR", "TIOCMBIC RTS"}
    assert wanted <= levels(calls[f"{kind}-xon"]), f"not both levels were lowered: {levels(calls[f'{kind}-xon'])}"
    table.row(None, f"flow: xon-xoff, dtr: off, rts: off ({kind})", "what is set on the port, by strace",
              "IXON, IXOFF; TIOCMBIC of both, which a pty refuses",
              f"set; {sorted(levels(calls[f'{kind}-xon']))}; values arrive")


@pytest.mark.parametrize("kind", METRICS)
def test_port_of_which_nothing_is_said_has_no_flow_control(calls, kind):
    last = while_open(kind, calls[f"{kind}-plain"])
    assert not any(flag in last for flag in ("CRTSCTS", "IXON", "IXOFF")), last
