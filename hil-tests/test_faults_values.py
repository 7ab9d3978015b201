"""Rows 18 to 20 of the fault matrix: answers that are whole and right on the wire,
with values that must not count as they are.
"""

from __future__ import annotations

import pytest

from peers import faults
from peers.outcome import Outcome
from peers.registers import Held, float_bits
from peers.scenarios import RtuScenario, Timeline
from peers.truth import deadline

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("faults-values")]
TIMELINE = Timeline(before=3, fault=6, after=7)

INPUT, HOLDING = 4, 3
NAN, INFINITY, MINUS_INFINITY, LOUD_NAN, DENORMAL = 0x7FC00000, 0x7F800000, 0xFF800000, 0x7F800001, 0x00000100
VOLTAGES = {"l1": (0x0000, NAN), "l2": (0x0002, INFINITY), "l3": (0x0004, MINUS_INFINITY)}
CURRENTS = {"l1": (0x0006, DENORMAL), "l2": (0x0008, LOUD_NAN)}
# A counter of 32 bits on the way from one of these to the other: halves of both would be 0 or 0x1FFFF.
BELOW, ABOVE = 0x0000FFFF, 0x00010000


class Meter(RtuScenario):
    """An Eastron SDM630 whose voltages become no numbers."""

    period = 0.5

    def __init__(self) -> None:
        super().__init__(
            needs={"values"}, profile="eastron/sdm630", registers=lambda: Held({}), where={}, baud=9600, mate=False,
            slowest=0.5, period=0.5, override={"every": {"NABD_MAINS_VOLTAGE": "500ms", "NABD_MAINS_CURRENT": "500ms"}},
        )
        held = self.unit.registers
        held.values = {(INPUT, address): 0 for address in range(0x160)}
        for address in range(0, 6, 2):
            held.put_float(INPUT, address, float_bits(230.5))
            held.put_float(INPUT, 6 + address, float_bits(7.5))
        self._good = dict(held.values)

    def begin(self) -> None:
        for address, bits in [*VOLTAGES.values(), *CURRENTS.values()]:
            self.unit.registers.put_float(INPUT, address, bits)

    def end(self) -> None:
        self.unit.registers.values = dict(self._good)


class Changing(RtuScenario):
    """A device whose registers hold something else during the fault."""

    def __init__(self, profile: str, good: dict, bad: dict, **rest) -> None:
        super().__init__(needs={"values"}, profile=profile, registers=lambda: Held(good), where={}, mate=False, **rest)
        self._good, self._bad = good, bad

    def begin(self) -> None:
        self.unit.registers.values = self._good | self._bad

    def end(self) -> None:
        self.unit.registers.values = dict(self._good)


def toggling(number: int) -> dict[tuple[int, int], int]:
    """Both pairs go to and fro between two values with every request: one read sees one value, two reads see two."""
    value = ABOVE if number % 2 else BELOW
    return {
        (HOLDING, 1): value >> 16, (HOLDING, 2): value & 0xFFFF, (HOLDING, 3): value & 0xFFFF,
        (HOLDING, 4): value >> 16,
    }


class Torn(RtuScenario):
    """A device whose pairs toggle, and whose reply is late or whose other registers are refused,
    so that reads of other shapes are made.
    """

    def __init__(self, illegal: set[tuple[int, int]], **rest) -> None:
        super().__init__(
            profile="bench/pairs", registers=lambda: Held({(HOLDING, 0): 7, (HOLDING, 5): 9}, at=toggling), where={},
            mate=False, slowest=0.2, **rest,
        )
        self._illegal = illegal

    def begin(self) -> None:
        super().begin()
        self.unit.registers.illegal = self._illegal


SCENARIOS = {
    "meter": Meter(),
    "sentinel": Changing(
        "generic/pt100", {(HOLDING, 0): 215}, {(HOLDING, 0): 0x7FFF}, baud=9600, period=0.5,
        override={"every": {"MDC_TEMP": "500ms"}},
    ),
    "sentinel-other": Changing(
        "generic/pt100", {(HOLDING, 0): 215}, {(HOLDING, 0): 0x8000}, baud=9600, period=0.5,
        override={"every": {"MDC_TEMP": "500ms"}},
    ),
    "range": Changing(
        "xy/md02", {(INPUT, 1): 45, (INPUT, 2): 400}, {(INPUT, 1): 4000, (INPUT, 2): 2000}, baud=9600, period=0.5,
        override={"every": {"MDC_TEMP": "500ms", "NABD_RELATIVE_HUMIDITY": "500ms"}},
    ),
    "jump": Changing("bench/jump", {(HOLDING, 0): 200, (HOLDING, 1): 200}, {(HOLDING, 0): 400, (HOLDING, 1): 1500}),
    "torn-late": Torn(
        set(), fault=faults.late_by_chance(20, deadline(0.2, 17), share=0.4, low=1.1, high=2), needs={"values", "late"}
    ),
    "torn-refused": Torn({(HOLDING, 0), (HOLDING, 5)}, needs={"values"}),
}
scenario = pytest.mark.scenario


def values(
    outcome: Outcome, metric: str, vmd: str | None = None, since: float | None = None, until: float | None = None
) -> list[dict]:
    """Samples of a metric during the fault (or another time), but for the reading that was under way when it began."""
    lines = outcome.samples(
        outcome.began + 0.25 if since is None else since, outcome.ended if until is None else until, metric=metric
    )
    return [line for line in lines if vmd is None or line.get("vmd") == vmd]


@scenario("meter")
def test_row_18_floats_that_are_no_numbers_are_invalid_and_their_neighbours_are_not(outcome, table):
    outcome.was_healthy()
    assert not outcome.scenario.effects()
    for metric, places in (("NABD_MAINS_VOLTAGE", VOLTAGES), ("NABD_MAINS_CURRENT", {"l2": CURRENTS["l2"]})):
        for vmd in places:
            lines = values(outcome, metric, vmd)
            assert len(lines) >= 5, f"{metric} of {vmd}: {len(lines)} samples"
            assert {(line["validity"], line["reason"], line["value"]) for line in lines} == {
                ("invalid", "notANumber", None)
            }, lines[0]
    denormal = values(outcome, "NABD_MAINS_CURRENT", "l1")
    assert denormal and all(line["value"] is None or abs(line["value"]) < 1e-30 for line in denormal), denormal[0]
    good = values(outcome, "NABD_MAINS_CURRENT", "l3")
    assert good and {(line["validity"], line["value"]) for line in good} == {("valid", 7.5)}, good[0]
    back = outcome.recovered(3)
    told = {line["value"] for line in outcome.samples(metric="NABD_MAINS_VOLTAGE") if line["validity"] == "valid"}
    assert told == {230.5}, told
    table.row(18, "NaN, infinities, a denormal", "in the registers of an SDM630 for 6 s",
              "invalid, no trap, never a number; the rest of the block counts",
              f"notANumber; denormal {denormal[0]['validity']}; neighbour in the block valid; back after {back:.1f} s")


@pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in ("sentinel", "sentinel-other")])
def test_row_18_sentinels_are_no_value(outcome, table, name):
    outcome.was_healthy()
    assert not outcome.scenario.effects()
    lines = values(outcome, "MDC_TEMP")
    assert len(lines) >= 5
    assert {(line["validity"], line["reason"], line["value"]) for line in lines} == {
        ("notAvailable", "sentinel", None)
    }, lines[0]
    told = outcome.alerted("MDC_EVT_SENSOR_MALF", "medium", 3)
    outcome.alert_ended("MDC_EVT_SENSOR_MALF", 3)
    back = outcome.recovered(3)
    assert {line["value"] for line in outcome.samples() if line["validity"] == "valid"} == {21.5}
    table.row(
        18, f"sentinel {'0x7FFF' if name == 'sentinel' else '0x8000'}",
        "in the register of a Pt100 transmitter for 6 s", "no value, alert",
        f"notAvailable, alert after {told:.1f} s, back after {back:.1f} s",
    )


@scenario("range")
def test_row_19_out_of_range_is_flagged_and_never_clamped(outcome, table):
    outcome.was_healthy()
    assert not outcome.scenario.effects()
    hot, wet = values(outcome, "MDC_TEMP"), values(outcome, "NABD_RELATIVE_HUMIDITY")
    assert len(hot) >= 5 and {(line["validity"], line["reason"], line["value"]) for line in hot} == {
        ("questionable", "implausible", 400.0)
    }, hot[0]
    assert len(wet) >= 5 and {(line["validity"], line["reason"], line["value"]) for line in wet} == {
        ("invalid", "implausible", None)
    }, wet[0]
    back = outcome.recovered(3)
    assert {line["value"] for line in outcome.samples() if line["validity"] == "valid"} == {4.5, 40.0}
    table.row(19, "out of the plausible and of the possible range", "400.0 degrees, 200.0 % for 6 s",
              "questionable with its value, or invalid; never clamped",
              f"questionable 400.0 kept; 200 % invalid; back after {back:.1f} s")


@scenario("jump")
def test_row_19_impossible_jump_is_questionable_and_keeps_its_value(outcome, table):
    outcome.was_healthy()
    assert not outcome.scenario.effects()
    up = values(outcome, "MDC_TEMP", since=outcome.began)
    high = [line for line in up if line["value"] == 40.0]
    assert high and (high[0]["validity"], high[0]["reason"]) == ("questionable", "jump"), high[:1] or up[:2]
    down = [line for line in outcome.samples(outcome.ended, metric="MDC_TEMP") if line["value"] == 20.0]
    assert down and (down[0]["validity"], down[0]["reason"]) == ("questionable", "jump"), down[:1]
    shown = {line["value"] for line in outcome.samples(metric="MDC_TEMP") if line["value"] is not None}
    assert shown == {20.0, 40.0}, f"values nobody told: {shown}"
    # A metric without a limit of its own does not jump.
    other = values(outcome, "NABD_TEMP_2")
    assert {(line["validity"], line["reason"], line["value"]) for line in other} == {
        ("questionable", "implausible", 150.0)
    }, other[0]
    back = outcome.recovered(3)
    questionable = sum(line["validity"] == "questionable" for line in outcome.samples(metric="MDC_TEMP"))
    table.row(
        19, "impossible jump", "20.0 to 40.0 degrees and back, limit 5", "flagged, kept raw, never clamped",
        f"both jumps questionable with their value ({questionable} samples in all), valid again after {back:.1f} s",
    )


@pytest.mark.parametrize("name", [pytest.param(name, marks=scenario(name)) for name in ("torn-late", "torn-refused")])
def test_row_20_pair_of_registers_is_never_torn(outcome, table, name):
    outcome.was_healthy()
    assert not outcome.scenario.effects()
    seen = {}
    for vmd in ("high", "low"):
        lines = values(outcome, "NABD_PULSE_AMPLITUDE", vmd, since=outcome.started, until=outcome.stopped)
        seen[vmd] = [line["value"] for line in lines if line["validity"] == "valid"]
        torn = [hex(int(value)) for value in seen[vmd] if value not in (BELOW, ABOVE)]
        assert not torn, f"{len(torn)} torn values of the pair {vmd}, such as {torn[:3]}"
        # Once what is refused is known, and once late answers have an end, both pairs are read again.
        after = values(outcome, "NABD_PULSE_AMPLITUDE", vmd, since=outcome.ended, until=outcome.stopped)
        good = [line for line in after if line["validity"] == "valid"]
        assert len(good) >= 5, f"{vmd}: {len(good)} values after the fault; reasons {outcome.reasons(outcome.ended)}"
    if name == "torn-refused":
        outcome.told("registersRefused", 3)
    shapes = sorted({asked.shape[1:] for asked in outcome.scenario.unit.reads})
    table.row(
        20, name.replace("-", " "), "a 32-bit counter toggling between 0xFFFF and 0x10000 with every request",
        "both halves of one read, whatever else is read",
        f"{sum(map(len, seen.values()))} values, none torn; reads (address, count) {shapes}",
    )
