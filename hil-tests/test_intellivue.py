"""The data export of IntelliVue monitors: an association, its confirmation, values in lists within lists."""

from __future__ import annotations

import time

import pytest

from peers import intellivue
from peers.host import Host
from peers.intellivue import IntelliVue, Patient, alarm, compound, observation, value
from peers.terminal import Cable
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("intellivue")]

PROFILE = "philips/intellivue"
BEATS, PERCENT, MMHG, KPA, CELSIUS = 0x0AA0, 0x0220, 0x0F20, 0x0F03, 0x17A0


def objects(rate: int = 72, *, state: int = 0, cuff: str = "2026112812300000") -> list[bytes]:
    """What a monitor shows: single values, a pressure whose parts come in another order, a cuff's result."""
    return [
        observation(11, (0x0950, value(0x4182, rate, state=state, unit=BEATS))),
        observation(12, (0x0950, value(0x4BB8, 973, -1, state=state, unit=PERCENT))),
        observation(13, (0x094B, compound(
            value(0x4A13, 90, state=state, unit=MMHG), value(0x4A11, 121, state=state, unit=MMHG),
            value(0x4A12, 755, -1, state=state, unit=MMHG)))),
        observation(14, (0x0990, bytes.fromhex(cuff)), (0x094B, compound(
            value(0x4A05, 118, state=state, unit=MMHG), value(0x4A06, 76, state=state, unit=MMHG),
            value(0x4A07, 88, state=state, unit=MMHG)))),
        observation(15, (0x0950, value(0x4B48, 368, -1, state=state, unit=CELSIUS))),
        observation(16),
    ]


class Rig:
    """A monitor on a cable and a host that reads it."""

    def __init__(self, directory) -> None:
        self.cable = Cable()
        self.patient = Patient(objects())
        self.monitor = IntelliVue(self.cable, self.patient)
        self.running = False
        self.host = Host(directory / "unit")
        self.host.configure({"monitor": {"profile": PROFILE, "line": self.cable.path}})

    def __enter__(self) -> Rig:
        self.monitor.start()
        self.host.start()
        self.running = True
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.monitor.stop()
        self.cable.close()

    def end(self) -> None:
        """Stop the host; twice is once."""
        if self.running:
            self.running = False
            self.host.stop()

    def samples(self, metric: str) -> list[dict]:
        return [line for line in self.host.export() if line.get("metric") == metric]

    def valid(self, metric: str) -> list[float]:
        return [line["value"] for line in self.samples(metric) if line["validity"] == "valid"]


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path) as rig:
        yield rig


def test_values_come_after_the_monitor_was_confirmed(rig):
    wait_until(lambda: rig.monitor.polls >= 4, 20, "four polls")
    rig.patient.objects = objects(cuff="2026112812350000")
    wait_until(lambda: rig.monitor.polls >= 7, 20, "three polls more")
    rig.end()
    assert rig.monitor.log[:2] == ["associated", "confirmed"] and "released" in rig.monitor.log
    assert "refused" not in rig.monitor.log and "forgotten" not in rig.monitor.log
    assert set(rig.valid("MDC_ECG_HEART_RATE")) == {72} and len(rig.valid("MDC_ECG_HEART_RATE")) >= 6
    assert set(rig.valid("MDC_PULS_OXIM_SAT_O2")) == {97.3}
    assert set(rig.valid("MDC_PRESS_BLD_ART_SYS")) == {121} and set(rig.valid("MDC_PRESS_BLD_ART_DIA")) == {75.5}
    assert set(rig.valid("MDC_TEMP")) == {36.8}
    # The cuff's first result was there when the host came; the second is of now, and each is told once.
    cuff = [(line["value"], line["validity"]) for line in rig.samples("MDC_PRESS_BLD_NONINV_SYS")
            if line["value"] is not None]
    assert cuff == [(118, "questionable"), (118, "valid")]


def test_a_monitor_that_ends_the_association_is_asked_for_another(rig):
    wait_until(lambda: rig.monitor.polls >= 2, 20, "two polls")
    rig.monitor.abort()
    before = time.monotonic()
    wait_until(lambda: rig.monitor.log.count("confirmed") == 2, 40, "a second association")
    polls = rig.monitor.polls
    wait_until(lambda: rig.monitor.polls >= polls + 3, 10, "values again")
    assert time.monotonic() - before < 30
    assert set(rig.valid("MDC_ECG_HEART_RATE")) == {72}


def test_a_host_that_was_killed_waits_for_its_own_association_to_end(rig):
    """The monitor has one association: a second one is refused until the first is forgotten, ten seconds later."""
    wait_until(lambda: rig.monitor.polls >= 2, 20, "two polls")
    rig.host.kill()
    rig.host.start()
    wait_until(lambda: "refused" in rig.monitor.log, 20, "a refusal")
    wait_until(lambda: rig.monitor.log.count("confirmed") == 2, 60, "a second association")
    polls = rig.monitor.polls
    wait_until(lambda: rig.monitor.polls >= polls + 3, 10, "values again")
    assert set(rig.valid("MDC_ECG_HEART_RATE")) == {72}


def test_what_does_not_count_is_no_value(rig):
    """Demonstration, test data, undefined bits, another unit: none gives a valid value."""
    cases = [objects(state=bit) for bit in (0x0400, 0x0800, 0x0100, 0x0200, 0x8000, 0x2000, 0x1000)]
    cases.append([observation(11, (0x0950, value(0x4182, 72, unit=PERCENT)))])
    cases.append([observation(11, (0x0950, value(0x4182, 72, unit=BEATS))), observation(
        12, (0x0950, value(0x4182, 140, unit=BEATS)))])
    rig.patient.objects = cases[0]
    wait_until(lambda: rig.monitor.polls >= 1, 20, "a poll")
    for case in cases:
        rig.patient.objects = case
        polls = rig.monitor.polls
        wait_until(lambda polls=polls: rig.monitor.polls >= polls + 2, 10, "two polls")
    rig.end()
    heard = rig.samples("MDC_ECG_HEART_RATE")
    assert len(heard) >= 2 * len(cases)
    valid = [line for line in heard if line["validity"] == "valid"]
    # The first objects of the rig count, until the first case is set.
    assert len(valid) <= 1, valid
    assert {line["reason"] for line in heard} >= {"deviceStatus", "unknownUnit", "malformed"}


def test_a_result_in_parts_is_one_result(rig):
    """The monitor sends it in three messages; each value counts once for each poll, and none is missing."""
    rig.monitor.in_parts = True
    wait_until(lambda: rig.monitor.polls >= 5, 20, "five polls")
    rig.end()
    polls = rig.monitor.polls
    for metric, expected in {"MDC_ECG_HEART_RATE": 72, "MDC_PULS_OXIM_SAT_O2": 97.3, "MDC_PRESS_BLD_ART_DIA": 75.5,
                             "MDC_TEMP": 36.8}.items():
        valid = rig.valid(metric)
        assert set(valid) == {expected} and polls - 1 <= len(valid) <= polls, (metric, valid, polls)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_result_with_a_lost_part_is_none(rig, lost):
    rig.monitor.in_parts, rig.monitor.lost_part = True, lost
    wait_until(lambda: rig.monitor.polls >= 2, 30, "two polls")
    wait_until(lambda: rig.samples("MDC_TEMP"), 10, "what came of them")
    rig.end()
    for metric in ("MDC_ECG_HEART_RATE", "MDC_TEMP"):
        heard = rig.samples(metric)
        assert heard and all(line["value"] is None for line in heard), heard
        assert "malformed" in {line["reason"] for line in heard}


def test_the_monitors_alarms_begin_and_end(rig):
    def told(event: str, name: str) -> int:
        return sum(line.get("event") == event and line.get("alert") == name for line in rig.host.export())

    wait_until(lambda: rig.monitor.polls >= 2, 20, "two polls")
    rig.patient.patient_alarms = [alarm(0x4BB8, 0x003E, 0x0200, text="** SpO2 85 < 90"), alarm(0x0100, 0x0C04, 0x0400)]
    rig.patient.technical_alarms = [alarm(0x0100, 0x0112, 0x0001)]
    raised = ("MDC_EVT_LO", "MDC_EVT_ECG_ASYSTOLE", "NABD_MONITOR_ALARM_HIGH", "NABD_MONITOR_TECHNICAL_LOW")
    for name in raised:
        wait_until(lambda name=name: told("alertStart", name) == 1, 20, name)
    # In parts they are the same alarms.
    rig.monitor.in_parts = True
    polls = rig.monitor.polls
    wait_until(lambda: rig.monitor.polls >= polls + 4, 20, "four polls")
    assert [told("alertStart", name) for name in raised] == [1] * 4
    assert [told("alertEnd", name) for name in raised] == [0] * 4
    rig.monitor.in_parts = False
    rig.patient.patient_alarms, rig.patient.technical_alarms = [], []
    for name in raised:
        wait_until(lambda name=name: told("alertEnd", name) == 1, 20, name)
    assert "polled for something else" not in rig.monitor.log


def test_frames_of_the_rig_are_those_of_public_vectors():
    assert intellivue.crc(b"123456789") == 0x906E
    poll = bytes.fromhex("E10000020001001C000100070016002100000000000000000C1600080001000100360811")
    # Built by others: a poll that keeps an association, whole.
    assert intellivue.frame(poll).hex().upper() == (
        "C0110100" + "24" + poll.hex().upper() + "A08EC1")
