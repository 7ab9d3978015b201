"""Pumps under commands whose host is killed: who entered what, and what must be true of it whatever the moment was.

A pump gets one command in its life here, with a rate of its own: so each effect that it has heard is known by its
command, and no rule of gaps between effects hides a second one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from .alaris_unit import line_of, said, site
from .clockwork import Clockwork, now
from .driven import AlarisGH
from .driving import SECRETS, PumpUnit
from .durable import DurableHost, assert_whole, export
from .links import PtyLink
from .waiting import wait_until

# What the requirement allows. Unit: s.
KNOWN, RESOLVED, TASK = 5.0, 15.0, 75.0
EFFECTS = {"rate": "INF_RATE", "start": "INF_START"}
# States in which something may have been said.
INTENDED = {"intended", "sent", "acknowledged", "uncertain"}


@dataclass
class Entered:
    """A command that two people have entered. ``number``: the journal's."""

    pump: AlarisGH
    device: str
    command: str
    rate: str
    number: int = 0

    def effects(self) -> list:
        """What its pump has heard of it."""
        return [one for one in list(self.pump.effects) if one.name == EFFECTS[self.command]]


class Fleet:
    """Several Alaris pumps on lines of one unit. Everything is asked over the socket, as `nabd pump` does it."""

    def __init__(self, folder: Path, clockwork: Clockwork, count: int) -> None:
        folder.mkdir()
        self.host = DurableHost(folder / "unit")
        self.pumps: list[AlarisGH] = []
        for place in range(count):
            pump = AlarisGH(clockwork, PtyLink(folder / f"line-{place}"), serial=f"8003-0{place:04}")
            pump.modes = {True: "INFUSE", False: "STOP"}
            pump.flow.rate = Decimal("1")
            self.pumps.append(pump)
        names = [f"pump-{place}" for place in range(count)]
        self.unit = PumpUnit(
            self.host,
            {name: {"profile": "alaris/asena-gh", "line": pump.link.path} for name, pump in zip(names, self.pumps)},
            {name: site("rate", "start") for name in names},
        )
        self.fresh = list(zip(names, self.pumps))

    def ask(self, verb: str, by: str = "layla", second: str | None = None, **members) -> dict:
        """One question of one person; nothing where nobody answers."""
        people = {"by": {"id": by, "secret": SECRETS[by]}}
        if second:
            people["second"] = {"id": second, "secret": SECRETS[second]}
        try:
            return said(self.unit, line_of(verb, **members, **people))
        except (OSError, json.JSONDecodeError):
            return {}

    def begin(self) -> float:
        """Start the host. Gives how long it took until it answered. Unit: s."""
        begun = now()
        heard = [len(pump.heard) for pump in self.pumps]
        self.host.start()
        wait_until(lambda: self.ask("list").get("answer") == "pumps", 10, "an answer", every=0.05)
        took = now() - begun
        wait_until(
            lambda: all(len(pump.heard) > before + 1 for pump, before in zip(self.pumps, heard)), 20,
            "every line to be read", every=0.05,
        )
        return took

    def enter(self, rate: str, command: str = "rate") -> Entered:
        """Two people enter a command for a pump that has had none."""
        return self.enter_at(*self.fresh.pop(), rate, command)

    def enter_at(self, device: str, pump: AlarisGH, rate: str, command: str = "rate") -> Entered:
        """Two people enter a command for this pump."""
        quantities = [{"name": "new-rate", "quantity": rate}] if command == "rate" else []
        members = {"device": device, "command": command, "entries": quantities}
        draft = self.ask("draft", **members)
        assert draft.get("answer") == "command", (draft, self.host.log_tail())
        entered = Entered(pump, device, command, rate, draft["command"]["number"])
        told = self.ask("verify", by="omar", number=entered.number, **members)
        assert told.get("command", {}).get("stage") == "verified", told
        return entered

    def carry_out(self, entered: Entered) -> threading.Thread:
        """Somebody starts it; who is killed meanwhile answers nothing."""
        starting = threading.Thread(
            target=self.ask, args=("start", "omar"), kwargs={"number": entered.number}, daemon=True)
        starting.start()
        return starting

    def ask_stop(self, device: str) -> threading.Thread:
        """Somebody has a pump stopped, and does not wait for it."""
        asking = threading.Thread(target=self.ask, args=("stop",), kwargs={"device": device}, daemon=True)
        asking.start()
        return asking

    def view(self, entered: Entered) -> dict:
        """What the host says of a command; nothing where it does not know it."""
        return self.ask("show", number=entered.number).get("command", {})

    def kinds(self, entered: Entered) -> list[str]:
        """The journal's events of a command, the host running or not."""
        return [
            line["event"] for line in export(self.host.journal)
            if "event" in line and line.get("number") == entered.number and line["event"].startswith("command")
        ]

    def effects(self) -> int:
        """Everything that would change any pump or how it is driven, and that a pump has heard."""
        return sum(len(pump.effects) for pump in self.pumps)

    def after_the_kill(self, commands: list[Entered]) -> float:
        """The host is dead: what the journal and the pumps say, then the next start. Gives how long that took."""
        time.sleep(0.1)  # what was written last is read by the pumps
        before = self.effects()
        kinds = {entered.number: self.kinds(entered) for entered in commands}
        for entered in commands:
            heard, told = entered.effects(), kinds[entered.number]
            assert len(heard) <= 1, f"said {len(heard)} times: {heard}"
            assert not heard or "commandIntended" in told, f"a pump heard what no journal has: {heard}, {told}"
            assert told.count("commandIntended") <= 1, told
        took = self.begin()
        assert took <= KNOWN, f"{took:.1f} s until the host answered"
        for entered in commands:
            self._known(entered, kinds[entered.number])
        for entered in commands:
            self._resolved(entered, kinds[entered.number])
        assert self.effects() == before, "the next session said something to a pump by itself"
        return took

    def _known(self, entered: Entered, kinds: list[str]) -> None:
        """What was intended and has no end is in doubt, or has been found out meanwhile; the rest is void."""
        view = self.view(entered)
        if "commandIntended" not in kinds:
            assert view.get("end", "restarted") in ("restarted", "stopped"), (kinds, view)
            assert not entered.effects()
        else:
            assert not view or view["stage"] in ("uncertain", "ended"), (kinds, view)
            assert view or self._ended(entered), f"an intent is lost: {kinds}"

    def _ended(self, entered: Entered) -> bool:
        """Whether the journal has an event that ended it."""
        return bool({"commandReadBack", "commandNotSent", "commandRejected"} & set(self.kinds(entered)))

    def _resolved(self, entered: Entered, kinds: list[str]) -> None:
        """A setting is found out by itself; a trigger is, or is left to people. What is told is what the pump did."""
        if "commandIntended" not in kinds or not self.view(entered):
            return
        if entered.command == "rate":
            view = wait_until(lambda: self._in_stage(entered, "ended"), RESOLVED, f"the end of {kinds}", every=0.2)
        else:
            view = wait_until(
                lambda: self._in_stage(entered, "ended") or self._is_task(entered), TASK, "an end or a task", every=1)
        obeyed = any(one.obeyed for one in entered.effects())
        if view.get("end") == "confirmed":
            assert obeyed, (view, self.kinds(entered))
        elif view["stage"] == "ended":
            assert not obeyed and not (view["end"].startswith("notSent") and entered.effects()), view
        assert len(entered.effects()) <= 1, entered.effects()

    def _in_stage(self, entered: Entered, stage: str) -> dict | None:
        view = self.view(entered)
        return view if view.get("stage") == stage else None

    def _is_task(self, entered: Entered) -> dict | None:
        """Whether it is a person's task, which two people then do."""
        if "commandLeftToPeople" not in self.kinds(entered):
            return None
        view = self.view(entered)
        seen = "inEffect" if entered.pump.infusing else "notInEffect"
        told = self.ask("resolve", second="omar", number=entered.number, seen=seen)
        assert told.get("command", {}).get("end") == f"resolved: {seen}", told
        return view

    def end(self) -> None:
        """The record is whole; nothing runs any more."""
        self.host.kill()
        assert_whole(self.host.journal)
        for pump in self.pumps:
            pump.stop()


@contextmanager
def fleets_of(count: int, folder: Path, clockwork: Clockwork, session: pytest.Session) -> Iterator[Callable[[], Fleet]]:
    """Makes units of so many pumps; the one before is checked and ended."""
    made: list[Fleet] = []

    def make() -> Fleet:
        if made:
            made[-1].end()
        made.append(Fleet(folder / f"fleet-{len(made)}", clockwork, count))
        session.hosts = [made[-1].host]
        made[-1].begin()
        return made[-1]

    yield make
    for fleet in made:
        fleet.host.kill()
    session.hosts = []
