"""A unit with one Alaris GH that it drives, and what tests of commands ask of both again and again."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .clockwork import Clockwork
from .driven import AlarisGH
from .driving import Answer, PumpUnit
from .host import Host
from .links import PtyLink
from .waiting import wait_until

LIBRARY = {
    "nabd": "drug-library/1", "version": 1, "use": "training",
    "drugs": {"fluorouracil": {
        "name": "Fluorouracil (training)", "name-ar": "فلورويوراسيل (للتدريب)", "vesicant": False, "vinca": False,
        "concentrations": ["45.57 mg/mL"], "containers": ["syringe"], "routes": ["central"], "rounding": "0.5 %",
        "areas": {"day-unit": {"duration": {"hard": {"least": "46 h", "most": "120 h"}}}},
    }},
}
# 5,250 mg at 45.57 mg/mL over 96 h: 1.2 mL/h.
ORDER = {
    "id": "order-1", "patient": "k7f3a9", "drug": "fluorouracil", "concentration": "45.57 mg/mL", "dose": "5250 mg",
    "basis": {"amount": "3000 mg/m2", "surface": "1.75 m2"}, "route": "central", "container": "syringe",
    "duration": "96 h", "volume": "115.2 mL", "device": "pump",
}


def site(*commands: str, **more) -> dict:
    """What the site's policy says of a pump that needs no order."""
    return {"area": "day-unit", "commands": list(commands), "without-order": list(commands),
            "accepts-unknown-lapse": True, **more}


def alaris_unit(
    clockwork: Clockwork, host: Host, line: Path, policy: dict | None = None, serial: str | None = None,
    kind: type[AlarisGH] = AlarisGH,
) -> tuple[PumpUnit, AlarisGH]:
    """A pump that says whether it runs, and a unit that does not run yet."""
    pump = kind(clockwork, PtyLink(line))
    pump.modes = {True: "INFUSE", False: "STOP"}
    device = {"profile": "alaris/asena-gh", "line": str(line), **({"serial": serial} if serial else {})}
    policy = policy or site("rate", "start")
    return PumpUnit(host, {"pump": device}, {"pump": {**policy, **({"serial": serial} if serial else {})}}), pump


def lets_in(unit: PumpUnit, metric: str = "MDC_PUMP_MODE", within: float = 20) -> PumpUnit:
    """The host runs, reads the pump, and answers people."""
    unit.host.start()
    unit.host.wait_for_sample(metric)
    wait_until(lambda: unit.ask("list").code == 0, within, "an answer at the pumps' socket")
    return unit


def sign_order(unit: PumpUnit, version: int = 1, library: dict | None = None, **changes) -> None:
    """Sign the library and one order that holds now."""
    now = datetime.now(UTC)
    hold = {"valid-from": now - timedelta(hours=1), "valid-until": now + timedelta(days=1)}
    moments = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in hold.items()}
    unit.sign("library.yaml", {**LIBRARY, "version": version, **(library or {})})
    unit.sign("orders.yaml", {
        "nabd": "orders/1", "version": version, "use": "training", "orders": [{**ORDER, **moments, **changes}],
    })


class Starting(threading.Thread):
    """Somebody who starts a command and waits for what becomes of it."""

    def __init__(self, unit: PumpUnit, number: int) -> None:
        super().__init__(daemon=True)
        self._unit, self._number = unit, number
        self._told: Answer | None = None
        self.start()

    def run(self) -> None:
        self._told = self._unit.start(self._number)

    def told(self, within: float = 120) -> Answer:
        """What they were told at the end."""
        self.join(within)
        assert self._told is not None, f"nobody was told anything within {within:g} s"
        return self._told


def comes_to(unit: PumpUnit, number: int, within: float, **wanted: str) -> dict:
    """Wait until a command's view has these values."""
    def there() -> dict | None:
        view = unit.ask("show", number).json.get("command", {})
        return view if view and all(view.get(name) == value for name, value in wanted.items()) else None

    return wait_until(there, within, f"command {number} to be {wanted}, and it is {unit.show(number)}", every=0.3)


def events(unit: PumpUnit, *kinds: str, **members) -> list[dict]:
    """The journal's events of these kinds with these members."""
    return [
        line for line in unit.host.export()
        if line.get("event") in kinds and all(line.get(name) == value for name, value in members.items())
    ]


def line_of(ask: str, **members) -> bytes:
    """A request as it goes over the socket."""
    wire = {"ask": ask, "desk": 1, **members}
    return json.dumps(wire, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def all_said(unit: PumpUnit, line: bytes, within: float = 20) -> Iterator[dict]:
    """What the host answers to a line at its socket, whoever wrote it, one after the other."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(within)
        caller.connect(str(unit.socket))
        caller.sendall(line)
        for answer in caller.makefile("rb"):
            yield json.loads(answer)


def said(unit: PumpUnit, line: bytes, within: float = 20) -> dict:
    """The first answer; nothing where the host hangs up."""
    return next(all_said(unit, line, within), {})
