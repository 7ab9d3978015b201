"""The host is killed before each write and each sync of the file of events, in a story of alarms: after every step, and
at the end, alarms, acknowledgements and bindings are as in the story without a kill.

NABD_ALARM_POINTS (3) says at how many of the steps it is killed, each at one place; `all`: at every step, once at every
place that a run under strace has shown, told in SHARES at a time, each with stories of its own. `make alarm-kills` is
that long run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers.alarm_story import BEGUN, Story, steps
from peers.durable import assert_whole, dice
from peers.tracing import KillPoint, need_strace

POINTS = os.environ.get("NABD_ALARM_POINTS", "3")
pytestmark = [pytest.mark.host, pytest.mark.timeout(6 * 3600 if POINTS == "all" else 900)]

# Most of a story is waiting: so many are told beside one another.
SHARES = 4

# Of what a transaction of a few events is made: pages into the log, and a sync.
SAMPLE = [("pwrite64", 1), ("pwrite64", 2), ("pwrite64", 3), ("pwrite64", 4), ("fdatasync", 1)]


@pytest.fixture
def stories(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator:
    """Makes units, each to tell the story once; the one before is ended."""
    made: list[Story] = []

    def make() -> Story:
        if made:
            made[-1].end()
        made.append(Story(tmp_path / f"unit-{len(made)}"))
        request.session.hosts = [made[-1].host]
        made[-1].begin()
        made[-1].host.wait_for_sample("MDC_PULS_OXIM_SAT_O2", timeout=30)
        return made[-1]

    yield make
    for story in made:
        story.end()
    request.session.hosts = []


def concluded(story: Story) -> None:
    """The story is over: what was recorded is what is recorded without a kill."""
    begun, faults = story.record()
    assert faults == []
    assert begun == BEGUN, f"alarms began {dict(begun)}, without a kill {dict(BEGUN)}"
    story.host.stop()
    assert_whole(story.host.journal)


def killed_at(story: Story, points: dict[str, KillPoint]) -> tuple[int, int]:
    """Tells the story with a kill at these steps. Gives at how many it took place, and of how many."""
    killed = 0
    for step in steps():
        point = points.get(step.name)
        if point is None:
            assert not story.tell(step), f"“{step.name}”: it died by itself"
        else:
            died = story.tell(step, story.killing(point), story.killing_start(point))
            killed += died
    concluded(story)
    return killed, len(points)


@pytest.mark.skipif(POINTS == "all", reason="the long run kills at all of them")
def test_killed_at_some_writes_of_a_story_of_alarms_its_states_are_the_same(stories, record_property):
    need_strace()
    chance, seed = dice()
    story = stories()
    names = chance.sample([step.name for step in steps() if not step.is_slow], int(POINTS))
    chosen = {name: story.point(*chance.choice(SAMPLE)) for name in names}
    try:
        killed, of = killed_at(story, chosen)
    except AssertionError as error:
        told = ", ".join(f"“{name}” {point}" for name, point in chosen.items())
        raise AssertionError(f"seed {seed}, killed at {told}: {error}") from error
    record_property("kills", f"{killed} of {of}, seed {seed}")
    assert killed >= 0.5 * of, f"seed {seed}: only {killed} of {of} kills took place: the others prove nothing"


@pytest.mark.skipif(POINTS != "all", reason="the long run: make alarm-kills")
@pytest.mark.parametrize("share", range(SHARES))
def test_killed_at_every_write_of_a_story_of_alarms_its_states_are_the_same(stories, tmp_path, record_property, share):
    need_strace()
    story, places = stories(), {}
    for number, step in enumerate(steps()):
        places[step.name] = story.traced(step, tmp_path / f"trace-{number}")
        assert len(places[step.name]) >= 2, f"“{step.name}” writes no event"
    concluded(story)
    reached, failures = Counter(), []
    for turn in range(share, max(map(len, places.values())), SHARES):
        points = {name: some[turn] for name, some in places.items() if turn < len(some)}
        try:
            killed, of = killed_at(stories(), points)
            reached += Counter(killed=killed, tried=of)
        except AssertionError as error:
            failures.append(f"{', '.join(f'“{name}” {point}' for name, point in points.items())}: {error}")
    record_property("kills", f"{reached['killed']} of {reached['tried']}, {len(failures)} stories otherwise")
    assert not failures, f"{len(failures)} stories came out otherwise:\n" + "\n".join(failures[:3])
    assert reached["killed"] >= 0.7 * reached["tried"], f"only {dict(reached)}: the others prove nothing"
