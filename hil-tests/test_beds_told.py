"""What a real host tells of its beds: limits that nothing is held against, breaths that somebody counted, and what has
become worse since somebody saw it."""

from __future__ import annotations

import json
import socket
import subprocess

import pytest

from peers.alaris_unit import line_of
from peers.host import binary
from peers.people import ask, secret
from peers.waiting import wait_until
from test_alarms import told, wait_for
from test_beds import ILL, LOW, PRESET, SATURATION, WORSE, bind, of_kind, unit  # noqa: F401

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

TEMPERATURE = "MDC_TEMP"
MORE = PRESET.replace("name: site\n", "name: more\n").replace(
    "limits:\n", '  MDC_TEMP: {name: Temp, name-arabic: الحرارة, unit: Cel}\nlimits:\n  MDC_TEMP:\n'
    "    high: {above: 38, priority: medium, harm: reversible, onset: prompt, delay: 5s, hysteresis: 0.2, "
    "proposed: true}\n")
ENGLISH = "Chair 1: no device here measures Temp: its limits are not watched"
ARABIC = "كرسي 1: لا يوجد جهاز هنا يقيس الحرارة: هذه الحدود غير مراقَبة"


def words(host, *more: str) -> str:
    """The list of alarms as people read it."""
    return subprocess.run(
        [binary(), "alarms", "--config", host.config, *more], capture_output=True, text=True, timeout=30).stdout


def unwatched(host) -> list[dict]:
    """As the status document tells them."""
    status = subprocess.run(
        [binary(), "status", "--json", "--config", host.config], capture_output=True, text=True, timeout=30)
    return json.loads(status.stdout).get("unwatched", []) if status.stdout else []


def test_limits_that_nothing_is_held_against_are_told_wherever_people_look(unit):  # noqa: F811
    host, _ = unit
    assert unwatched(host) == [] and "not watched" not in words(host)
    (host.directory / "presets" / "more.yaml").write_text(MORE)
    host.stop()
    host.start()
    wait_until(lambda: ask(host, "bed", "list").code == 0, 20, "the host", every=0.5)
    # Whoever chooses is told at once.
    chosen = ask(host, "bed", "preset", "chair-1", "more")
    expected = [{"metric": TEMPERATURE, "text": ENGLISH, "textArabic": ARABIC}]
    assert chosen.code == 0 and chosen.json["bed"]["unwatched"] == expected
    assert ask(host, "bed", "list").json["beds"][0]["unwatched"] == expected
    wait_until(lambda: unwatched(host) == [{"bed": "chair-1", **expected[0]}], 5, "the status to say so", every=0.2)
    assert ENGLISH in words(host) and ENGLISH in words(host, "--bed", "chair-1")
    assert ARABIC in words(host, "--arabic") and ENGLISH not in words(host, "--bed", "chair-2")
    back = ask(host, "bed", "preset", "chair-1", "site")
    assert back.code == 0 and "unwatched" not in back.json["bed"]
    wait_until(lambda: unwatched(host) == [], 5, "nothing more to say", every=0.2)


def test_breaths_that_somebody_counted_are_a_part_of_the_score(unit):  # noqa: F811
    host, _ = unit
    assert bind(host).code == 0
    for wrong in ("151", "12.5", "07", "VII"):
        assert ask(host, "bed", "enter", "chair-1", "respiration", lines=[wrong]).refusal == "entry"
    assert not of_kind(host, "bedEntered")
    assert ask(host, "bed", "enter", "chair-1", "respiration", lines=["26"]).code == 0
    entered = wait_until(lambda: of_kind(host, "bedEntered"), 5, "the entry", every=0.3)
    assert entered[0]["item"] == "respiration" and entered[0]["value"] == "26" and entered[0]["by"] == ["layla"]

    def part() -> dict | None:
        scores = [one for one in of_kind(host, "scoreGiven") if one["score"] == "news2"]
        return scores[-1]["parts"].get("respiration") if scores else None

    wait_until(part, 10, "a score with it", every=0.5)
    assert part()["points"] == 3 and part()["by"] == ["layla"]
    host.kill()
    host.start()
    wait_until(lambda: len(of_kind(host, "hostStarted")) > 1 and part(), 20, "the next host", every=0.5)
    assert part()["points"] == 3, "what was counted survives a kill"


def asked(host, **members) -> dict:
    """A line as a page asks it, and its answer."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(30)
        caller.connect(str(host.directory / "people"))
        caller.sendall(line_of(**members, by={"id": "layla", "secret": secret("layla")}))
        with caller.makefile() as answers:
            return json.loads(answers.readline())


def test_what_has_become_worse_since_it_was_shown_is_not_acknowledged(unit):  # noqa: F811
    host, oximeter = unit
    oximeter.vitals = ILL
    low = wait_for(host, LOW, presence="on", priority="medium", timeout=15)
    oximeter.vitals = WORSE
    wait_for(host, LOW, priority="high", timeout=15)
    line = {"ask": "acknowledge", "instances": [low["instance"]]}
    assert asked(host, **line, priorities=["medium"])["code"] == "hasBecomeWorse"
    assert "acknowledged" not in told(host, low["instance"])
    assert asked(host, **line, priorities=["high"])["answer"] == "done"
    wait_for(host, LOW, presence="ack", metric=SATURATION)
