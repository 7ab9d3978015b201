"""The build without the command path: nothing of it is in the program, and a pump hears nothing but reads from it.

`make monitor-only` builds that program and runs these tests with `NABD_MONITOR_ONLY`; without it those about it are
skipped, and the one that shows the check its fault runs on the usual program.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from peers import journal, symbols
from peers.alaris_unit import Starting
from peers.clockwork import Clockwork
from peers.driven import AlarisGH, DulcoFlex, Lie, on_rtu, on_tcp
from peers.driven.dulco_flex import MANUAL
from peers.driving import PumpUnit
from peers.host import PROFILES, Host, binary, nabd
from peers.links import PtyLink
from peers.waiting import wait_until

pytestmark = [pytest.mark.timeout(240)]
SITE = {"area": "day-unit", "commands": ["rate", "start"], "without-order": ["rate", "start"],
        "accepts-unknown-lapse": True}
LACKING = "monitor-only build"


@pytest.fixture(scope="session")
def monitor_only() -> Path:
    """The program without the command path."""
    named = os.environ.get("NABD_MONITOR_ONLY")
    if not named:
        pytest.skip("NABD_MONITOR_ONLY names no program: make monitor-only builds it")
    assert Path(named).exists(), f"there is no program at {named}"
    return Path(named)


def test_the_check_finds_each_part_of_the_command_path_in_the_usual_program():
    """Shown its fault: what it must not find in the other program it finds here, each part by itself."""
    names = symbols.names(binary())
    parts = symbols.found(symbols.COMMAND_PATH | symbols.RECORD, names)
    assert not [part for part, count in parts.items() if not count], parts


def test_c26_nothing_of_the_command_path_is_in_the_monitor_only_program(monitor_only: Path):
    names = symbols.names(monitor_only)
    left = {part: count for part, count in symbols.found(symbols.COMMAND_PATH, names).items() if count}
    assert not left, left
    read = symbols.found(symbols.RECORD, names)
    assert all(read.values()), f"the record of commands is read all the same: {read}"


class Pumps:
    """A serial pump and a Modbus pump of a unit whose site lets both be driven."""

    def __init__(self, clockwork: Clockwork, host: Host, folder: Path, medium: str) -> None:
        self.alaris = AlarisGH(clockwork, PtyLink(folder / "alaris"))
        self.alaris.modes = {True: "INFUSE", False: "STOP"}
        self.dulco = DulcoFlex(clockwork, 20, "2023000107")
        self.dulco.state.mode = MANUAL
        device = {"profile": "prominent/dulco-flex", "serial": "2023000107"}
        if medium == "tcp":
            self.line = on_tcp(clockwork, self.dulco)
            text = (PROFILES / "prominent/dulco-flex/profile.yaml").read_text()
            line = next(one for one in text.splitlines() if one.startswith("line: "))
            profile = folder / "profiles" / "training" / "pump-tcp" / "profile.yaml"
            profile.parent.mkdir(parents=True)
            profile.write_text(text.replace(line, "line: {modbus: tcp, unit: 20, slowest-reply: 500ms}"))
            device |= {"profile": "training/pump-tcp", "line": self.line.line}
        else:
            self.line = on_rtu(clockwork, PtyLink(folder / "dulco"), self.dulco)
            device |= {"line": str(folder / "dulco"), "override": {"format": "8N1"}}
        self.unit = PumpUnit(
            host,
            {"alaris": {"profile": "alaris/asena-gh", "line": str(folder / "alaris"), "serial": "8003-00107"},
             "dulco": device},
            {"alaris": {**SITE, "serial": "8003-00107"}, "dulco": {**SITE, "accepts-network": True}})
        unit = yaml.safe_load(host.config.read_text())
        if medium == "tcp":
            unit["profiles"].append(str(folder / "profiles"))
        host.config.write_text(yaml.safe_dump(unit, sort_keys=False))

    def run(self) -> None:
        """The host runs, and reads both."""
        host = self.unit.host
        host.start()
        for metric in ("MDC_PUMP_MODE", "MDC_FLOW_FLUID_PUMP"):
            host.wait_for_sample(metric)
        wait_until(self.unit.socket.exists, 10, "the people's socket")

    def effects(self) -> int:
        """Effects that the pumps were told."""
        return self.alaris.effect_writes() + self.dulco.effect_writes()


@pytest.fixture(params=["rtu", "tcp"])
def pumps(request, clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[Pumps]:
    """The two pumps, and the unit that could drive them."""
    made = Pumps(clockwork, hosts(tmp_path / "unit"), tmp_path, request.param)
    yield made
    made.unit.host.kill()
    made.line.stop()
    made.alaris.stop()


def test_c26_a_pump_hears_nothing_but_reads_from_the_monitor_only_program(
    monitor_only: Path, pumps: Pumps, monkeypatch: pytest.MonkeyPatch
):
    """First the usual program sets each pump once; the other one then runs on the same configuration and journal."""
    unit, host, usual = pumps.unit, pumps.unit.host, binary()
    pumps.run()
    done = [unit.ready("alaris", "rate", new_rate="12.5"), unit.ready("dulco", "rate", new_rate="0.5")]
    for number in done:
        assert unit.start(number).command["end"] == "confirmed", host.log_tail()
    host.stop()
    assert pumps.effects() == 2 and any(asked.function != 3 for asked in pumps.dulco.asked)

    monkeypatch.setenv("NABD", str(monitor_only))
    heard, asked = len(pumps.alaris.heard), len(pumps.dulco.asked)
    pumps.run()
    wait_until(lambda: len(pumps.alaris.heard) > heard + 5 and len(pumps.dulco.asked) > asked + 5, 20, "reads of both")
    drafted = unit.ask("draft", "alaris", "rate", "new-rate=3")
    stopped = unit.ask("stop", "alaris", by=None)
    assert drafted.code == stopped.code == 1, (drafted, stopped)
    assert LACKING in drafted.error and LACKING in stopped.error and "its own STOP key" in stopped.error
    # Somebody with another program's client asks the host itself.
    monkeypatch.setenv("NABD", str(usual))
    assert unit.ask("draft", "alaris", "rate", "new-rate=3").refusal == "notDriven"
    told = unit.ask("stop", "dulco", by=None)
    assert told.code == 1 and "STOP key" in str(told.json) + told.error, told
    monkeypatch.setenv("NABD", str(monitor_only))
    host.stop()

    assert pumps.effects() == 2
    later = pumps.dulco.asked[asked:]
    assert later and {one.function for one in later} == {3}, later
    later = pumps.alaris.heard[heard:]
    assert later and not [one for one in later if one.effect or one.name is None], later

    lines = host.export()
    events = journal.events(lines)
    begun = max(place for place, event in enumerate(events) if event["event"] == "hostStarted")
    refused = [event for event in events[begun:] if event["event"] == "settingRefused"]
    assert [event["setting"] for event in refused] == ["pumps"] and LACKING in refused[0]["reason"], refused
    assert nabd("journal", "verify", "--journal", host.journal).returncode == 0
    for number in done:
        assert "commandReadBack" in unit.kinds(number), "what was done before is read all the same"


def test_c26_the_monitor_only_program_says_what_it_lacks(monitor_only: Path, pumps: Pumps,
                                                         monkeypatch: pytest.MonkeyPatch):
    config = pumps.unit.host.config
    assert nabd("check", "--config", config).returncode == 0
    monkeypatch.setenv("NABD", str(monitor_only))
    checked = nabd("check", "--config", config)
    assert checked.returncode == 1 and LACKING.encode() in checked.stderr and b"Commands" in checked.stderr, checked
    unit = yaml.safe_load(config.read_text())
    unit["people"] = {key: unit["pumps"][key] for key in ("operators", "socket")}
    del unit["pumps"]
    config.write_text(yaml.safe_dump(unit, sort_keys=False))
    assert nabd("check", "--config", config).returncode == 0, "without “pumps” nothing is asked for that it lacks"
    tested = nabd("profile", "test", PROFILES / "prominent/dulco-flex", timeout=120)
    assert tested.returncode == 0 and LACKING.encode() in tested.stdout, tested
    for profile, says in (("prominent/dulco-flex", True), ("nonin/oem-iii-df2", False)):
        linted = nabd("profile", "lint", PROFILES / profile)
        assert linted.returncode == 0 and (LACKING.encode() in linted.stdout) == says, linted
    told = nabd("pump", "history", "--as", "layla")
    assert told.returncode == 1 and LACKING.encode() in told.stderr, told


@pytest.mark.parametrize("asks_for_pumps", [True, False], ids=["pumps", "people"])
def test_c26_what_was_left_in_doubt_is_an_alarm_of_the_monitor_only_program(
    monitor_only: Path, pumps: Pumps, monkeypatch: pytest.MonkeyPatch, asks_for_pumps: bool
):
    """The usual program is killed behind a setting that the pump took in silence. The other one cannot decide it: the
    doubt stands as an alarm of high priority, whether or not its configuration still has pumps.
    """
    unit, host = pumps.unit, pumps.unit.host
    pumps.run()
    number = unit.ready("alaris", "rate", new_rate="12.5")
    pumps.alaris.lie(Lie.SILENT, names=["INF_RATE"], then=lambda: pumps.alaris.mute(600))
    asking = Starting(unit, number)
    wait_until(lambda: pumps.alaris.effect_writes("INF_RATE") == 1, 20, "the effect")
    host.kill()
    asking.join(20)
    monkeypatch.setenv("NABD", str(monitor_only))
    if not asks_for_pumps:
        config = yaml.safe_load(host.config.read_text())
        config["people"] = {key: config["pumps"][key] for key in ("operators", "socket")}
        del config["pumps"]
        host.config.write_text(yaml.safe_dump(config, sort_keys=False))
    before = len(journal.events(host.export()))
    host.start()

    def begun() -> list[dict]:
        return [
            event for event in journal.events(host.export())[before:]
            if event["event"] == "alertStart" and event["alert"] == "NABD_COMMAND_UNCERTAIN"
        ]

    wait_until(begun, 20, "the alarm of what is in doubt", every=0.5)
    assert [event["priority"] for event in begun()] == ["high"], begun()
    time.sleep(3)
    assert not [
        event for event in journal.events(host.export())[before:]
        if event["event"] == "alertEnd" and event["alert"] == "NABD_COMMAND_UNCERTAIN"
    ]
    assert pumps.alaris.effect_writes("INF_RATE") == 1
