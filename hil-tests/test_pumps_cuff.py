"""A cuff whose measurement is begun and ended by the host: a measurement that acts on somebody (C-39). The module is a
SunTech Advantage that nobody here wrote for this, and counts what it was told."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.alaris_unit import comes_to, events, line_of, said
from peers.clockwork import Clockwork
from peers.driven import Key, Lie, SunTechCuff
from peers.driving import SECRETS, Answer, PumpUnit
from peers.host import PROFILES, Host
from peers.links import PtyLink
from peers.waiting import wait_until

pytestmark = [pytest.mark.timeout(240)]
SHIPPED = "suntech/advantage"
START = "start-measurement"
SITE = {"area": "day-unit", "commands": [START], "measurements": [START], "people": {START: 1}}
PACE = "measurement: {least-pause: 3min, most-per-hour: 6}"


class Rig:
    """The module, and the unit that drives it. ``pace``: what the profile says in place of the shipped one."""

    def __init__(self, clockwork: Clockwork, host: Host, folder: Path, pace: str | None = None, **site) -> None:
        self.cuff = SunTechCuff(clockwork, PtyLink(folder / "cuff"))
        profile = SHIPPED
        if pace is not None:
            text = (PROFILES / SHIPPED / "profile.yaml").read_text()
            assert PACE in text
            path = folder / "profiles" / "bench" / "cuff" / "profile.yaml"
            path.parent.mkdir(parents=True)
            # What is no measurement takes no values as one.
            path.write_text(text.replace(PACE, pace).replace(", alike: true", ", alike: true" if pace else ""))
            profile = "bench/cuff"
        self.unit = PumpUnit(
            host, {"cuff": {"profile": profile, "line": str(folder / "cuff")}}, {"cuff": {**SITE, **site}})
        if pace is not None:
            config = host.config.read_text()
            assert f"- {PROFILES}\n" in config
            host.config.write_text(config.replace(f"- {PROFILES}\n", f"- {PROFILES}\n- {folder / 'profiles'}\n"))

    def run(self) -> Rig:
        """The host runs, reads, and lets people in."""
        self.unit.host.start()
        self.unit.host.wait_for_sample("MDC_PRESS_CUFF")
        wait_until(lambda: self.unit.ask("list").code == 0, 20, "an answer at the pumps' socket")
        return self

    def draft(self, by: str = "layla") -> Answer:
        return self.unit.ask("draft", "cuff", START, by=by)

    def begin(self) -> Answer:
        """Entered by one, and started."""
        told = self.draft()
        assert told.code == 0 and told.command["stage"] == "verified", (told, self.unit.host.log_tail())
        return self.unit.start(told.command["number"], by="layla")

    @property
    def starts(self) -> int:
        return self.cuff.effect_writes("START")

    @property
    def others(self) -> list[str]:
        """What it was told that is neither a start nor an abort."""
        return [one.name for one in self.cuff.effects if one.name not in ("START", "ABORT")]


@pytest.fixture
def rigs(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(**more) -> Rig:
        made.append(Rig(clockwork, hosts(tmp_path / "unit"), tmp_path, **more))
        return made[-1]

    yield make
    for rig in made:
        assert not rig.others, f"the module was told {rig.others}"
        rig.cuff.stop()


def wait_of(answer: Answer) -> int:
    """For how long a refusal says that it must be waited. Unit: s."""
    found = re.search(r"possible again in (?:(\d+) min)? ?(?:(\d+) s)?", answer.json["words"])
    assert found, answer
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def test_c39_a_measurement_is_begun_once_and_its_result_is_in_the_journal(rigs):
    rig = rigs().run()
    rig.cuff.inflate, rig.cuff.deflate = 4.0, 4.0
    told = rig.begin()
    assert told.code == 0 and told.command["end"] == "confirmed", (told, rig.unit.host.log_tail())
    assert rig.starts == 1 and rig.cuff.effects[0].obeyed
    assert rig.unit.kinds(told.command["number"])[:3] == ["commandIntended", "commandSent", "commandTaken"]
    wait_until(lambda: rig.cuff.state.measured == 1, 20, "the end of the measurement")

    def result() -> list[float]:
        return [line["value"] for line in rig.unit.host.export()
                if line.get("metric") == "MDC_PRESS_BLD_NONINV_SYS" and line.get("validity") == "valid"]

    wait_until(result, 15, "the result in the journal")
    assert set(result()) == {115} and rig.starts == 1


def test_c39_a_hundred_starts_in_a_burst_are_one(rigs):
    rig = rigs().run()
    rig.cuff.inflate, rig.cuff.deflate = 4.0, 60.0
    numbers = [rig.draft().command["number"] for _ in range(3)]
    starting = [threading.Thread(target=rig.unit.start, args=(number, "layla")) for number in numbers]
    for one in starting:
        one.start()
    person = {"id": "layla", "secret": SECRETS["layla"]}
    codes = [said(rig.unit, line_of("start", number=numbers[turn % 3], by=person)).get("code") for turn in range(97)]
    for one in starting:
        one.join(60)
    assert rig.starts == 1, codes
    assert rig.draft().refusal in ("tooSoon", "underWay")


def test_c39_the_pause_is_told_and_outlives_a_kill(rigs):
    rig = rigs().run()
    rig.cuff.inflate, rig.cuff.deflate = 2.0, 2.0
    assert rig.begin().command["end"] == "confirmed"
    told = rig.draft()
    assert told.refusal == "tooSoon" and 100 < wait_of(told) <= 180, told
    assert told.json["words"].count(".") == 1, "one sentence"
    rig.unit.host.kill()
    rig.run()
    after = rig.draft()
    # Of another session's clock nothing is known: it counts from the start of this one.
    assert after.refusal == "tooSoon" and wait_of(told) - 20 <= wait_of(after) <= 180, (told, after)
    assert rig.starts == 1
    # A stop waits for no pause, and needs nobody's name.
    told = rig.unit.ask("stop", "cuff", by=None)
    assert told.code == 0 and told.json["proven"] is True and rig.cuff.effect_writes("ABORT") >= 1, told


def test_c39_the_hourly_limit_of_the_profile_outlives_a_kill(rigs):
    rig = rigs(pace="measurement: {least-pause: 1s, most-per-hour: 2}").run()
    rig.cuff.inflate, rig.cuff.deflate, rig.cuff.dump = 3.0, 1.0, 0.5
    for count in (1, 2):
        assert rig.begin().command["end"] == "confirmed"
        wait_until(lambda: not rig.cuff.measuring and not rig.cuff.pressure, 20, "an empty cuff")
        # The program's own least gap.
        time.sleep(4)
        assert rig.starts == count
    told = rig.draft()
    assert told.refusal == "tooMany" and 3400 < wait_of(told) <= 3600, told
    rig.unit.host.kill()
    rig.run()
    assert rig.draft().refusal == "tooMany" and rig.starts == 2


@pytest.mark.parametrize("site, code, least", [
    ({"least-gap": "20min"}, "tooSoon", 1100), ({"most-per-hour": 1}, "tooMany", 3400),
])
def test_c39_what_the_site_tightens_counts(rigs, site, code, least):
    rig = rigs(**site).run()
    rig.cuff.inflate, rig.cuff.deflate = 2.0, 2.0
    assert rig.begin().command["end"] == "confirmed"
    told = rig.draft()
    assert told.refusal == code and wait_of(told) > least, told


@pytest.mark.parametrize("lie", [
    Lie.SILENT, Lie.DEAF, Lie.HOLLOW, Lie.LATE, Lie.ACTS_LATE, Lie.REFUSES, Lie.REFUSES_OBEYED, Lie.REBOOTS,
    Lie.GARBLED, Lie.HALF, Lie.ENDS,
])
def test_c39_whatever_the_module_says_it_is_told_once(rigs, lie):
    rig = rigs().run()
    rig.cuff.inflate, rig.cuff.deflate = 4.0, 40.0
    rig.cuff.lie(lie, names=["START"], late=1.5)
    told = rig.draft()
    number = told.command["number"]
    rig.unit.start(number, by="layla")
    wait_until(lambda: rig.unit.show(number)["stage"] in ("ended", "uncertain"), 40, "an end, or a doubt")
    view = rig.unit.show(number)
    assert rig.starts == 1, view
    # Nothing but what it said and then showed is a proof, and nothing is told as failed.
    assert view["stage"] == "uncertain" or view["end"] == "confirmed" and rig.cuff.effects[0].obeyed, view
    if lie in (Lie.SILENT, Lie.DEAF, Lie.HOLLOW, Lie.REFUSES, Lie.REFUSES_OBEYED, Lie.REBOOTS):
        assert view["stage"] == "uncertain", (lie, view)
        assert rig.draft().refusal == "uncertainPending"


def test_c39_what_is_in_doubt_is_one_persons_task(rigs):
    rig = rigs().run()
    rig.cuff.lie(Lie.HOLLOW, names=["START"])
    number = rig.draft().command["number"]
    rig.unit.start(number, by="layla")
    view = comes_to(rig.unit, number, 120, stage="uncertain")
    assert rig.starts == 1, view
    wait_until(lambda: events(rig.unit, "commandLeftToPeople", number=number), 90, "it to be a person's task")
    assert rig.unit.ask("resolve", number, "--not-in-effect").command["end"] == "resolved: notInEffect"


def test_c39_only_an_empty_cuff_is_filled(rigs):
    rig = rigs().run()
    # 20 mmHg, and no change.
    rig.cuff.inflate, rig.cuff.deflate, rig.cuff.peak = 1e-9, 1e9, 20.0
    rig.cuff.press(Key.START)
    wait_until(lambda: rig.cuff.pressure > 19, 5, "a pressure")
    time.sleep(2)
    told = rig.begin()
    assert told.command.get("end") == "notSent: changed", (told, rig.unit.host.log_tail())
    assert rig.starts == 0


def test_c39_an_abort_empties_the_cuff(rigs):
    rig = rigs().run()
    rig.cuff.inflate, rig.cuff.deflate = 4.0, 60.0
    assert rig.begin().command["end"] == "confirmed"
    assert rig.cuff.measuring
    told = rig.unit.ask("stop", "cuff", by=None)
    assert told.code == 0 and told.json["proven"] is True, (told, rig.unit.host.log_tail())
    assert not rig.cuff.measuring and rig.cuff.pressure < 4 and rig.starts == 1


def test_c39_an_abort_that_does_nothing_is_told(rigs):
    rig = rigs().run()
    rig.cuff.inflate, rig.cuff.deflate = 4.0, 60.0
    assert rig.begin().command["end"] == "confirmed"
    rig.cuff.lie(Lie.HOLLOW, count=None, names=["ABORT"])
    told = rig.unit.ask("stop", "cuff", by=None)
    assert told.json.get("proven") is not True, told
    assert rig.cuff.effect_writes("ABORT") > 1, "an abort does no harm, and is said again"


def test_c39_a_site_that_wants_two_people_has_two(rigs):
    rig = rigs(people={START: 2}).run()
    draft = rig.draft()
    assert draft.command["stage"] == "draft"
    number = draft.command["number"]
    assert rig.unit.start(number).refusal == "notVerified"
    assert rig.unit.ask("verify", number, "cuff", START, by="omar").command["stage"] == "verified"
    assert rig.unit.start(number).command["end"] == "confirmed" and rig.starts == 1


def test_c39_without_a_pace_in_the_profile_nothing_is_begun(rigs):
    rig = rigs(pace="").run()
    assert rig.draft().refusal == "notAllowed" and rig.starts == 0
