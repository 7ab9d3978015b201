"""The other pumps that the host drives, and what holds for all of them: stops in time, a journal that fails, calls in
their order."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.clockwork import Clockwork
from peers.driven import AlarisGH, BaxterAS50, Graseby3400, Key, Lie, NewEra1000
from peers.driving import POLICY, PumpUnit
from peers.host import Host
from peers.links import PtyLink
from peers.waiting import wait_until

pytestmark = [pytest.mark.timeout(240)]


class CodedBaxter(BaxterAS50):
    """An AS50 whose status is the codes that its profile reads; what they are, no public source is sure of."""

    def _status(self) -> str:
        """Warning, mode and fault at their places: stopped 0, infusing 4."""
        return f"00{0}{4 if self.flow.running else 0}0000"


PUMPS = {
    "graseby": (Graseby3400, "graseby/3400", {"syringe": 50.0}, "MDC_FLOW_FLUID_PUMP"),
    "new-era": (NewEra1000, "new-era/ne-1000", {}, "MDC_FLOW_FLUID_PUMP"),
    "baxter": (CodedBaxter, "baxter/as50", {}, "MDC_FLOW_FLUID_PUMP"),
}


def site(*commands: str, **more) -> dict:
    """What the site's policy says of a pump."""
    return {"area": "day-unit", "commands": list(commands), "without-order": list(commands),
            "accepts-unknown-lapse": True, **more}


def running(unit: PumpUnit, metric: str) -> PumpUnit:
    """The host runs, reads, and lets people in."""
    unit.host.start()
    unit.host.wait_for_sample(metric)
    wait_until(unit.socket.exists, 10, "the pumps' socket")
    return unit


@pytest.fixture(params=sorted(PUMPS))
def driven(request, clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple]:
    """One of the other pumps, on a line of a running host."""
    kind, profile, options, metric = PUMPS[request.param]
    pump = kind(clockwork, PtyLink(tmp_path / "line"), **options)
    commands = ["rate"] if request.param == "baxter" else ["rate", "start"]
    more = {"accepts-no-remote-stop": True} if request.param == "baxter" else {}
    unit = PumpUnit(
        hosts(tmp_path / "unit"), {"pump": {"profile": profile, "line": str(tmp_path / "line")}},
        {"pump": site(*commands, **more)},
    )
    yield request.param, running(unit, metric), pump
    pump.stop()


def test_a_rate_is_set_once_and_proven(driven):
    _, unit, pump = driven
    told = unit.start(unit.ready("pump", "rate", new_rate="12.5"))
    assert told.json.get("command", {}).get("end") == "confirmed", (told, unit.host.log_tail())
    assert pump.effect_writes() == 1 and float(pump.flow.rate) == 12.5


def test_a_start_and_a_stop(driven):
    name, unit, pump = driven
    if name == "baxter":
        assert unit.ask("stop", "pump", by=None).json.get("proven") is not True
        return
    assert unit.start(unit.ready("pump", "rate", new_rate="12.5")).command.get("end") == "confirmed"
    time.sleep(5)
    told = unit.start(unit.ready("pump", "start"))
    assert told.json.get("command", {}).get("end") == "confirmed" and pump.infusing, (told, unit.host.log_tail())
    told = unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is True and not pump.infusing, (told, unit.host.log_tail())


@pytest.mark.parametrize("lie", [Lie.SILENT, Lie.LATE, Lie.HOLLOW, Lie.OTHER_VALUE, Lie.GARBLED, Lie.REFUSES])
def test_whatever_it_says_it_is_told_once(driven, lie):
    _, unit, pump = driven
    number = unit.ready("pump", "rate", new_rate="12.5")
    pump.lie(lie)
    unit.start(number)
    view = unit.show(number)
    assert pump.effect_writes() == 1
    if view.get("end") == "confirmed":
        assert float(pump.flow.rate) == 12.5, view
    elif view.get("end") in ("rejected", "notInEffect"):
        assert float(pump.flow.rate) != 12.5, view
    else:
        assert view["stage"] == "uncertain", view


def test_a_pump_whose_state_is_not_understood_is_told_nothing(
    clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path
):
    """An AS50 that says STOP where its profile expects codes: nobody knows whether it stands."""
    pump = BaxterAS50(clockwork, PtyLink(tmp_path / "line"))
    unit = PumpUnit(
        hosts(tmp_path / "unit"), {"pump": {"profile": "baxter/as50", "line": str(tmp_path / "line")}},
        {"pump": site("rate", **{"accepts-no-remote-stop": True})},
    )
    running(unit, "MDC_FLOW_FLUID_PUMP")
    assert unit.ask("draft", "pump", "rate", "new-rate=12.5").refusal == "notFresh"
    assert pump.effect_writes() == 0
    pump.stop()


# The Alaris, for what holds for every pump.


@pytest.fixture
def alaris(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[PumpUnit, AlarisGH]]:
    """An Alaris GH that says whether it runs, on a line of a host that does not run yet."""
    pump = AlarisGH(clockwork, PtyLink(tmp_path / "alaris"))
    pump.modes = {True: "INFUSE", False: "STOP"}
    unit = PumpUnit(
        hosts(tmp_path / "unit"), {"pump": {"profile": "alaris/asena-gh", "line": str(tmp_path / "alaris")}},
        {"pump": site("rate", "start")},
    )
    yield unit, pump
    pump.stop()


def _tracing() -> bool:
    return shutil.which("strace") is not None


@pytest.mark.skipif(not _tracing(), reason="strace is not there")
def test_the_intent_is_durable_before_the_first_byte(alaris, tmp_path):
    """C-01, from the system calls of the host itself."""
    unit, pump = alaris
    running(unit, "MDC_PUMP_MODE")
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(unit.host.pid), "-e", "trace=fdatasync,fsync,write,pwrite64", "-s", "70000", "-o",
         str(trace)], stderr=subprocess.DEVNULL)
    wait_until(trace.exists, 10, "the trace")
    time.sleep(1)
    told = unit.start(unit.ready("pump", "rate", new_rate="12.5"))
    tracer.terminate()
    tracer.wait(10)
    assert told.command.get("end") == "confirmed"
    lines = trace.read_text(errors="replace").splitlines()
    effect = next(place for place, line in enumerate(lines) if re.search(r"write\(\d+, .!INF_RATE\^12.5", line))
    intent = max(place for place, line in enumerate(lines[:effect]) if "commandIntended" in line)
    synced = [line for line in lines[intent:effect] if re.search(r"f(data)?sync.*= 0", line)]
    assert synced, "the bytes went out before the intent was on the disk"


def test_a_journal_that_takes_nothing_bars_every_effect_and_no_stop(alaris, tmp_path):
    """C-02 and C-18: the journal's file system takes no write any more."""
    unit, pump = alaris
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        config = unit.host.config.read_text().replace("directory: journal", f"directory: {disk}/journal")
        unit.host.config.write_text(config)
        unit.host.journal = disk / "journal"
        running(unit, "MDC_PUMP_MODE")
        number = unit.ready("pump", "rate", new_rate="12.5")
        subprocess.run(["bash", "-c", f"head -c 200M /dev/zero > {disk}/full"], check=False, capture_output=True)
        # What is kept in reserve for events is taken, too.
        deadline = time.monotonic() + 100
        while unit.ask("looked-at", "pump").refusal != "journal":
            subprocess.run(["bash", "-c", f"cat /dev/zero >> {disk}/full"], check=False, capture_output=True)
            assert time.monotonic() < deadline, unit.host.log_tail()
        assert unit.start(number).refusal == "journal"
        assert pump.effect_writes("INF_RATE") == 0
        pump.press(Key.START)
        wait_until(lambda: pump.infusing, 5, "an infusion")
        told = unit.ask("stop", "pump", by=None)
        assert told.json.get("proven") is True and not pump.infusing, told
    finally:
        unit.host.kill()
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_stop_goes_out_soon(alaris):
    """From the word to the first byte, with an idle line; the figures of a thousand are in the bench."""
    unit, pump = alaris
    running(unit, "MDC_PUMP_MODE")
    pump.press(Key.START)
    time.sleep(1)
    heard = len(pump.heard)
    told = unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is True and not pump.infusing
    assert any(one.name == "INF_STOP" for one in pump.heard[heard:])


def test_a_pump_that_does_not_answer_is_told_to_stop_all_the_same(alaris):
    unit, pump = alaris
    running(unit, "MDC_PUMP_MODE")
    pump.press(Key.START)
    pump.mute(20)
    time.sleep(2)
    told = unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is not True and not pump.infusing and pump.effect_writes("INF_STOP") >= 1


def test_an_unplugged_line_is_told_at_once_and_nothing_comes_later(alaris):
    unit, pump = alaris
    running(unit, "MDC_PUMP_MODE")
    pump.press(Key.START)
    pump.unplug()
    time.sleep(1)
    begun = time.monotonic()
    told = unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is False and time.monotonic() - begun < 3, told
    time.sleep(11)
    pump.replug()
    time.sleep(5)
    assert pump.infusing and pump.effect_writes("INF_STOP") == 0, "a stop that came much later"


def test_a_pump_behind_a_network_is_read_and_not_driven(clockwork, hosts, tmp_path):
    """What a network holds back comes minutes later: nothing is commanded over one."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        line = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        unit = PumpUnit(
            hosts(tmp_path / "unit"), {"pump": {"profile": "alaris/asena-gh", "line": line}}, {"pump": site("rate")},
        )
        unit.host.start()
        wait_until(unit.socket.exists, 10, "the pumps' socket")
        assert unit.ask("list").json["pumps"] == []
        assert unit.ask("draft", "pump", "rate", "new-rate=5").refusal == "unknownPump"
        assert unit.ask("stop", "pump", by=None).code == 1


def test_an_older_policy_is_not_taken_again(alaris):
    """Versions only grow, over a restart, too."""
    unit, pump = alaris
    old = {name: (unit.rules / name).read_bytes() for name in ("policy.yaml", "policy.yaml.sig")}
    unit.sign("policy.yaml", {**POLICY, "version": 2, "devices": {"pump": site("rate")}})
    running(unit, "MDC_PUMP_MODE")
    assert unit.ask("draft", "pump", "start").refusal == "notAllowed"
    unit.host.stop()
    for name, content in old.items():
        (unit.rules / name).write_bytes(content)
    running(unit, "MDC_PUMP_MODE")
    wait_until(lambda: unit.ask("draft", "pump", "start").refusal == "rulesUnusable", 15, "a refusal")
    pump.press(Key.START)
    wait_until(lambda: pump.infusing, 5, "an infusion")
    assert unit.ask("stop", "pump", by=None).json.get("proven") is True and not pump.infusing


def test_of_a_command_only_that_it_was_leaves_the_unit(clockwork, hosts, records, pki, tmp_path):
    """C-25 and C-36, at a real records service: an entry for each step, and nothing of what it says."""
    pump = AlarisGH(clockwork, PtyLink(tmp_path / "alaris"))
    pump.modes = {True: "INFUSE", False: "STOP"}
    unit = PumpUnit(
        hosts(tmp_path / "unit"), {"pump": {"profile": "alaris/asena-gh", "line": str(tmp_path / "alaris")}},
        {"pump": site("rate", "start")}, records.base_url, pki.authority.certificate, pki.client, "5s",
    )
    running(unit, "MDC_PUMP_MODE")
    entry = ["pump", "rate", "new-rate=77.7", "--reason", "canary of a reason"]
    number = unit.ask("draft", *entry).command["number"]
    assert unit.ask("verify", number, *entry, by="omar").command["stage"] == "verified"
    assert unit.start(number).command.get("end") == "confirmed"
    wait_until(lambda: records.count("AuditEvent") >= 5, 60, "an entry for each step")
    told = " ".join(json.dumps(one) for kind in ("AuditEvent", "Observation") for one in records.all(kind))
    for canary in ("canary of a reason", "layla", "omar", "new-rate", b"INF_RATE^77.7".hex()):
        assert canary not in told, canary
    assert "77.7" not in json.dumps(records.all("AuditEvent"))
    assert "canary of a reason" not in unit.host.log() and "77.7" not in unit.host.log()
    unit.host.stop()
    for path in unit.host.directory.rglob("*"):
        assert not path.is_file() or b"a secret of" not in path.read_bytes(), path
    pump.stop()
