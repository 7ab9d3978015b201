"""Devices that do not take every read: too long for them, across a hole, or of a register that is not there yet.
For RTU and TCP alike.
"""

from __future__ import annotations

from collections.abc import Callable

from . import faults
from .outcome import Outcome, moment
from .registers import Asked, Registers, honest
from .scenarios import RtuScenario, Scenario, TcpScenario
from .truth import Register

# What the device answers at most, and the register that nobody wants and it does not answer for. Unit: registers.
LONGEST, HOLE = 40, 2
# The register that is refused while the device starts.
LATECOMER = 37
SIXTY = {f"r{address:02d}/NABD_GNSS_FIX": Register(3, address) for address in range(60)}
HOLED = {
    "near/NABD_GNSS_FIX": Register(3, 0), "near/NABD_GNSS_SATELLITES": Register(3, 1),
    "far/NABD_GNSS_FIX": Register(3, 3), "far/NABD_GNSS_SATELLITES": Register(3, 4),
}
# Either way two reads bring all there is, and one more may be spent on whatever the host wants to know.
MOST_A_CYCLE = 3


def sixty(
    carries: str, fault: faults.Fault = honest, needs: set[str] | None = None, profile: str = "bench/sixty", **rest
) -> Scenario:
    """A device of sixty registers that are read together twice a second."""
    common = {
        "registers": lambda: Registers({3: range(60)}, bits=10), "where": SIXTY, "slowest": 0.5, "period": 0.5,
    } | rest
    if carries == "tcp":
        return TcpScenario(fault, needs or {"frame"}, profile=f"{profile}-tcp", **common)
    return RtuScenario(fault, needs or {"frame"}, profile=profile, mate=False, baud=115200, **common)


def holed(carries: str, fault: faults.Fault = honest, **rest) -> Scenario:
    """A device of four registers that are wanted, with one between them that is not."""
    common = {"registers": lambda: Registers({3: range(6)}), "where": HOLED, "slowest": 0.2, "period": 0.5} | rest
    if carries == "tcp":
        return TcpScenario(fault, {"frame"}, profile="bench/hole-tcp", **common)
    return RtuScenario(fault, {"frame"}, profile="bench/hole", mate=False, **common)


def refusing(scenario: Scenario, asks: Callable[[Asked], bool], code: int) -> Scenario:
    """The same, which answers some requests with an exception."""
    scenario.unit.refuses = lambda asked: code if asks(asked) else None
    return scenario


def narrow(carries: str) -> dict[str, Scenario]:
    """Devices that are silent, or refuse, where a read is too long or goes across the hole;
    all of it from the start.
    """
    too_long, across = faults.longer_than(LONGEST), faults.along(HOLE)
    return {
        "long-silent": sixty(carries, faults.where(too_long, faults.silent), always=True),
        "long-refused-2": refusing(sixty(carries, always=True), too_long, 2),
        "long-refused-3": refusing(sixty(carries, always=True), too_long, 3),
        "hole-silent": holed(carries, faults.where(across, faults.silent), always=True),
        "hole-refused-2": refusing(holed(carries, always=True), across, 2),
        "hole-refused-3": refusing(holed(carries, always=True), across, 3),
    }


def shares(outcome: Outcome, since: float, until: float) -> dict[str, float]:
    """By metric, the share of polls in a time that brought a valid value."""
    counts = dict.fromkeys(outcome.scenario.where, 0)
    for line in outcome.samples(since, until):
        key = f"{line['vmd']}/{line['metric']}" if line.get("vmd") else line["metric"]
        counts[key] += line["validity"] == "valid"
    return {key: count * outcome.scenario.period / (until - since) for key, count in counts.items()}


def is_read_in_few_requests(outcome: Outcome, within: float = 60) -> str:
    """All that is wanted arrives soon, with nothing said about the device in its profile,
    and from then on costs few requests.

    Gives what was seen.
    """
    compared = outcome.tells_no_lies()
    first: dict[str, float] = {}
    for line in outcome.samples():
        if line["validity"] == "valid":
            first.setdefault(f"{line['vmd']}/{line['metric']}", moment(line) - outcome.launched)
    missing = sorted(set(outcome.scenario.where) - set(first))
    assert not missing, (
        f"{outcome.name}: {len(missing)} values never arrived, such as {missing[0]}; asked were {shapes(outcome)}"
    )
    took = max(first.values())
    assert took <= within, (
        f"{outcome.name}: the last of the values arrived after {took:.1f} s, allowed are {within:g} s"
    )
    since, until = outcome.stopped - 20, outcome.stopped - 1
    poor = {key: f"{share:.0%}" for key, share in shares(outcome, since, until).items() if share < 0.9}
    assert not poor, f"{outcome.name}: even at the end not all values come at each poll: {poor}"
    a_cycle = len(outcome.asked(since, until)) * outcome.scenario.period / (until - since)
    assert a_cycle <= MOST_A_CYCLE, (
        f"{outcome.name}: {a_cycle:.1f} requests a cycle, allowed are {MOST_A_CYCLE}: {shapes(outcome)}"
    )
    return f"all there after {took:.1f} s, then {a_cycle:.1f} requests a cycle, {compared} values true"


def shapes(outcome: Outcome) -> list[tuple[int, int]]:
    """Address and count of the last that was asked, for messages."""
    return [asked.shape[1:] for asked in outcome.scenario.asked()[-8:]]


class Latecomer:
    """Mixed into a scenario of sixty registers: one of them is refused until the fault's end."""

    def make(self, link) -> None:
        super().make(link)
        self.unit.registers.illegal = {(3, LATECOMER)}

    def end(self) -> None:
        self.unit.registers.illegal = set()


class RtuLatecomer(Latecomer, RtuScenario):
    """On a bus."""

    def __init__(self) -> None:
        super().__init__(
            needs={"exception"}, profile="bench/sixty", mate=False,
            registers=lambda: Registers({3: range(60)}, bits=10), where=SIXTY, baud=115200, slowest=0.5, period=0.5,
        )


class TcpLatecomer(Latecomer, TcpScenario):
    """On a connection."""

    def __init__(self) -> None:
        super().__init__(
            needs={"exception"}, profile="bench/sixty-tcp", registers=lambda: Registers({3: range(60)}, bits=10),
            where=SIXTY, slowest=0.5, period=0.5,
        )


def comes_back_by_itself(outcome: Outcome, within: float = 90) -> str:
    """A register that was refused is told and alarmed as such while it is out, and is read again once it is there.
    Gives what was seen.
    """
    compared = outcome.tells_no_lies()
    alerts = outcome.alerts("NABD_REGISTERS_REFUSED")
    assert alerts and alerts[0][0] < outcome.ended, (
        f"no NABD_REGISTERS_REFUSED while it was refused: {alerts}; events {outcome.kinds()}"
    )
    place = f"r{LATECOMER:02d}"
    mine = [line for line in outcome.samples() if line["vmd"] == place and line["validity"] == "valid"]
    assert all(moment(line) >= outcome.ended for line in mine), f"{place} was valid while it was refused: {mine[0]}"
    assert mine, f"{place} never came back; events {outcome.kinds()}; asked at last {shapes(outcome)}"
    back = moment(mine[0]) - outcome.ended
    assert back <= within, f"{place} was valid again after {back:.1f} s, allowed are {within:g} s"
    restored = outcome.events("registersRestored", outcome.ended)
    assert restored and str(LATECOMER) in restored[0].get("text", ""), (
        f"no registersRestored with {LATECOMER}: {restored}; events {outcome.kinds()}"
    )
    assert len(outcome.events("registersRestored")) == 1, f"told {len(outcome.events('registersRestored'))} times"
    ended = alerts[-1][1]
    assert ended is not None and abs(ended - moment(mine[0])) <= 2, (
        f"the alert ended at {ended}, the value came at {moment(mine[0])}"
    )
    assert len(outcome.events("deviceConnected")) == 1 and not outcome.events("deviceDisconnected"), (
        f"the line was opened anew: {outcome.kinds()}"
    )
    others = shares(outcome, outcome.began + 8, outcome.stopped - 1)
    poor = {key: f"{share:.0%}" for key, share in others.items() if share < 0.95 and key.split("/")[0] != place}
    assert not poor, f"the others suffered for it: {poor}"
    return (
        f"alert {alerts[0][0] - outcome.launched:.1f} s after the start, valid {back:.1f} s after it is there, "
        f"alert ended; {compared} values true"
    )
