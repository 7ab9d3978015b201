"""A Modbus pump driven by the host, on RTU, on RTU with an adapter that hears itself, and on TCP: from what two people
type to what a pump that nobody here wrote has been told. It is a pump for training."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.clockwork import Clockwork
from peers.driven import DulcoFlex, Key, Lie, on_rtu, on_tcp
from peers.driven.dulco_flex import MANUAL
from peers.driving import POLICY, PumpUnit
from peers.host import PROFILES, Host
from peers.links import PtyLink
from peers.registers import Asked
from peers.waiting import wait_until

pytestmark = [pytest.mark.timeout(240)]
SERIAL = "2023000107"
SHIPPED = "prominent/dulco-flex"


def site(**more) -> dict:
    """What the site's policy says of the pump."""
    return {"area": "day-unit", "commands": ["rate", "start"], "without-order": ["rate", "start"],
            "accepts-unknown-lapse": True, **more}


def over_tcp(folder: Path) -> Path:
    """A folder of profiles with the shipped pump on TCP."""
    text = (PROFILES / SHIPPED / "profile.yaml").read_text()
    line = next(one for one in text.splitlines() if one.startswith("line: "))
    profile = folder / "profiles" / "training" / "pump-tcp" / "profile.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(text.replace(line, "line: {modbus: tcp, unit: 20, slowest-reply: 500ms}"))
    return folder / "profiles"


class Rig:
    """The pump, its line, and the unit that drives it, which does not run yet."""

    def __init__(
        self, medium: str, clockwork: Clockwork, host: Host, tmp_path: Path, policy: dict | None = None
    ) -> None:
        self.pump = DulcoFlex(clockwork, 20, SERIAL)
        self.pump.state.mode = MANUAL
        if medium == "tcp":
            self.line = on_tcp(clockwork, self.pump)
            device, profiles = {"profile": "training/pump-tcp", "line": self.line.line}, [over_tcp(tmp_path)]
        else:
            self.line = on_rtu(clockwork, PtyLink(tmp_path / "line"), self.pump)
            self.line.echo = (lambda chunk: True) if medium == "echo" else None
            # A pseudo-terminal has no parity.
            device = {"profile": SHIPPED, "line": str(tmp_path / "line"), "override": {"format": "8N1"}}
            profiles = []
        device["serial"] = SERIAL
        more = {"accepts-network": True} if medium == "tcp" else {}
        self.unit = PumpUnit(host, {"pump": device}, {"pump": site(**more) if policy is None else policy})
        config = host.config.read_text()
        for folder in profiles:
            config = config.replace(f"- {PROFILES}\n", f"- {PROFILES}\n- {folder}\n")
        host.config.write_text(config)

    def run(self) -> Rig:
        """The host runs, reads, and lets people in."""
        self.unit.host.start()
        self.unit.host.wait_for_sample("MDC_FLOW_FLUID_PUMP")
        wait_until(self.unit.socket.exists, 10, "the pumps' socket")
        return self

    @property
    def others(self) -> list[Asked]:
        """What was asked that is neither a read of holding registers nor a write by 6 or 16, or is for every unit."""
        return [asked for asked in self.pump.asked if asked.function not in (3, 6, 16) or asked.unit != 20]


@pytest.fixture(params=["rtu", "echo", "tcp"])
def rig(request, clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[Rig]:
    """The pump on one of three kinds of line of a running host."""
    made = Rig(request.param, clockwork, hosts(tmp_path / "unit"), tmp_path).run()
    yield made
    assert not made.others
    made.line.stop()


def test_a_rate_is_entered_twice_written_once_and_read_back(rig: Rig):
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    assert rig.pump.effect_writes() == 0
    told = rig.unit.start(number)
    assert told.json.get("command", {}).get("end") == "confirmed", (told, rig.unit.host.log_tail())
    assert rig.pump.effect_writes("CAPACITY") == rig.pump.effect_writes() == 1
    assert float(rig.pump.flow.rate) == 0.5
    assert rig.unit.kinds(number) == [
        "commandVerified", "commandIntended", "commandSent", "commandTaken", "commandReadBack",
    ]


def test_a_start_and_a_stop(rig: Rig):
    assert rig.unit.start(rig.unit.ready("pump", "rate", new_rate="0.25")).command["end"] == "confirmed"
    time.sleep(5)
    told = rig.unit.start(rig.unit.ready("pump", "start"))
    assert told.json.get("command", {}).get("end") == "confirmed", (told, rig.unit.host.log_tail())
    assert rig.pump.infusing and rig.pump.state.watchdog
    told = rig.unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is True, (told, rig.unit.host.log_tail())
    assert not rig.pump.infusing and rig.pump.effect_writes("START_STOP") == 2


@pytest.mark.parametrize("lie", [
    Lie.SILENT, Lie.DEAF, Lie.HOLLOW, Lie.OTHER_VALUE, Lie.LATE, Lie.GARBLED, Lie.HALF, Lie.REBOOTS, Lie.ALARMS,
])
def test_whatever_it_says_it_is_told_once(rig: Rig, lie: Lie):
    """Obeys and says nothing, says yes and does nothing, stores another value, answers late, refuses."""
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    rig.pump.lie(lie)
    rig.unit.start(number)
    view = rig.unit.show(number)
    assert rig.pump.effect_writes() == 1, view
    if view.get("end") == "confirmed":
        assert float(rig.pump.flow.rate) == 0.5, view
    elif view.get("end") == "notInEffect":
        assert float(rig.pump.flow.rate) == 0, view
    else:
        assert view["stage"] == "uncertain" and view.get("end") is None, view
    if lie in (Lie.SILENT, Lie.DEAF):
        assert "commandUnanswered" in rig.unit.kinds(number)
        assert view.get("end") == ("confirmed" if lie is Lie.SILENT else "notInEffect"), view


@pytest.mark.parametrize("code, kind", [(2, "commandRejected"), (4, "commandUnanswered"), (6, "commandUnanswered")])
def test_an_exception_refuses_or_proves_nothing(rig: Rig, code: int, kind: str):
    """The first three prove that nothing was done; of the others what the pump shows decides."""
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    rig.pump.refusal_code = code
    rig.pump.lie(Lie.REFUSES)
    rig.unit.start(number)
    assert kind in rig.unit.kinds(number), (rig.unit.kinds(number), rig.unit.show(number))
    assert rig.unit.show(number)["end"] == ("rejected" if code == 2 else "notInEffect")
    assert rig.pump.effect_writes() == 1 and float(rig.pump.flow.rate) == 0


def test_what_a_float_does_not_hold_is_refused(rig: Rig):
    for text in ["0.1", "0.3", "0.5000", "31", "0", "1e-1"]:
        assert rig.unit.ask("draft", "pump", "rate", f"new-rate={text}").code == 1
    assert rig.pump.effect_writes() == 0


def test_a_pump_whose_floats_are_in_another_order_is_written_nothing(rig: Rig):
    rig.pump.low_word_first = True
    time.sleep(1)
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    told = rig.unit.start(number)
    assert told.refusal or told.command.get("end") == "notSent: changed", told
    assert rig.pump.effect_writes() == 0


def test_a_key_that_was_pressed_meanwhile_bars_it(rig: Rig):
    """Several masters."""
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    rig.pump.press(Key.START)
    told = rig.unit.start(number)
    assert told.refusal or told.command.get("end") == "notSent: changed", told
    assert rig.pump.effect_writes() == 0


def test_another_pump_on_the_line_is_written_nothing(rig: Rig):
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    rig.pump.identity = "2023000999"
    told = rig.unit.start(number)
    assert told.code == 1 and rig.pump.effect_writes() == 0, told


def test_a_stop_of_a_silent_pump_is_said_all_the_same(rig: Rig):
    rig.pump.press(Key.RATE, 1)
    rig.pump.press(Key.START)
    rig.pump.mute(20)
    time.sleep(2)
    told = rig.unit.ask("stop", "pump", by=None)
    assert told.json.get("proven") is not True
    assert not rig.pump.infusing and rig.pump.effect_writes("START_STOP") >= 1


def test_a_host_killed_in_the_middle_says_nothing_twice(rig: Rig):
    """A crash behind the write: what is uncertain is found out by itself."""
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    rig.pump.lie(Lie.LATE, late=3.0)
    starting = threading.Thread(target=lambda: rig.unit.start(number))
    starting.start()
    wait_until(lambda: rig.pump.effect_writes() == 1, 20, "the write")
    rig.unit.host.kill()
    starting.join()
    rig.run()

    def is_confirmed() -> bool:
        return rig.unit.ask("show", number).json.get("command", {}).get("end") == "confirmed"

    wait_until(is_confirmed, 30, "what it did")
    assert rig.pump.effect_writes() == 1


# What drives no pump.


@pytest.mark.parametrize("medium", ["rtu", "tcp"])
def test_a_unit_without_a_policy_writes_nothing(clockwork, hosts, tmp_path, medium: str):
    rig = Rig(medium, clockwork, hosts(tmp_path / "unit"), tmp_path)
    config = rig.unit.host.config.read_text()
    rig.unit.host.config.write_text(config[: config.index("pumps:\n")])
    rig.pump.press(Key.RATE, 1)
    rig.pump.press(Key.START)
    rig.unit.host.start()
    rig.unit.host.wait_for_sample("MDC_FLOW_FLUID_PUMP_CURRENT")
    time.sleep(3)
    assert rig.unit.ask("stop", "pump", by=None).code != 0
    rig.unit.host.stop()
    assert rig.pump.infusing and rig.pump.effect_writes() == 0 and not rig.others
    assert {asked.function for asked in rig.pump.asked} == {3}
    rig.line.stop()


def test_a_pump_for_training_is_driven_by_no_policy_for_treatment(clockwork, hosts, tmp_path):
    rig = Rig("rtu", clockwork, hosts(tmp_path / "unit"), tmp_path)
    rig.unit.sign("policy.yaml", {**POLICY, "use": "treatment", "devices": {"pump": site()}})
    rig.run()
    assert rig.unit.ask("list").json["pumps"] == []
    assert rig.unit.ask("draft", "pump", "rate", "new-rate=0.5").refusal == "unknownPump"
    assert "it is a device for training" in rig.unit.host.log()
    assert rig.pump.effect_writes() == 0
    rig.line.stop()


def test_over_a_network_a_pump_is_driven_only_where_the_site_takes_it(clockwork, hosts, tmp_path):
    rig = Rig("tcp", clockwork, hosts(tmp_path / "unit"), tmp_path, policy=site()).run()
    assert rig.unit.ask("list").json["pumps"] == []
    assert rig.unit.ask("draft", "pump", "rate", "new-rate=0.5").refusal == "unknownPump"
    assert "accepts-network" in rig.unit.host.log() and rig.pump.effect_writes() == 0
    rig.line.stop()


def test_over_a_network_an_unanswered_write_ends_its_connection(clockwork, hosts, tmp_path):
    """The kernel would go on delivering it: with the connection it ends."""
    rig = Rig("tcp", clockwork, hosts(tmp_path / "unit"), tmp_path).run()
    number = rig.unit.ready("pump", "rate", new_rate="0.5")
    accepted = rig.line.accepted
    rig.pump.lie(Lie.DEAF)
    rig.unit.start(number)
    wait_until(lambda: rig.line.accepted > accepted, 10, "another connection")
    assert rig.pump.effect_writes() == 1 and rig.unit.show(number)["end"] == "notInEffect"
    rig.line.stop()
