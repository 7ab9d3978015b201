"""Which limits can be chosen for a bed: those that the host has, a site's own among them, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peers import screen_past
from peers.browser import browser
from peers.screen_people import PeopleFeed
from peers.screen_touch import HEARD, Touch, until

pytestmark = [pytest.mark.peers, pytest.mark.xdist_group("screen-people")]


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser(1280, 1000, *HEARD) as made:
        yield made


@pytest.fixture
def feed() -> Iterator[PeopleFeed]:
    made = PeopleFeed()
    yield made
    made.stop()


@pytest.fixture
def touch(driver, feed: PeopleFeed) -> Iterator[Touch]:
    yield Touch(driver, feed)
    driver.get("about:blank")


def offered(touch: Touch) -> list[str]:
    return touch.run("return [...document.querySelectorAll('.dialog .presets input')].map((each) => each.value)")


def test_a_sites_own_presets_are_offered_and_no_others(touch: Touch, feed: PeopleFeed) -> None:
    touch.open("#/bed/chair-1")
    touch.act("preset", bed="chair-1")
    until(lambda: offered(touch) == [name for name, *_ in screen_past.PRESETS], words="the host's presets are offered")
    rows = touch.run("return [...document.querySelectorAll('.dialog .presets .option')].map((each) => each.innerText)")
    assert "Gamma room" in rows[2] and "not reviewed" not in rows[2]
    assert "Oncology chair" in rows[0] and "not reviewed" in rows[0]
    assert touch.run("return document.querySelector('.dialog .presets input:checked').value") == "oncology-chair"
    touch.choose("site-gamma").sign("layla").submit().told("done")
    assert feed.desk.of("choosePreset") == {"ask": "choosePreset", "bed": "chair-1", "preset": "site-gamma"}


@pytest.mark.parametrize("answer", [{"failure": "it does not answer"}, {"version": "0.0.0"}])
def test_where_the_host_does_not_say_a_name_can_be_written(
    touch: Touch, feed: PeopleFeed, monkeypatch: pytest.MonkeyPatch, answer: dict
) -> None:
    monkeypatch.setattr(screen_past, "technical", lambda state: answer)
    touch.open("#/bed/chair-1")
    touch.act("preset", bed="chair-1").says("does not say which there are", ".dialog")
    assert offered(touch) == []
    touch.fill("preset", "site-gamma").sign("layla").submit().told("done")
    assert feed.desk.of("choosePreset")["preset"] == "site-gamma"


def test_a_host_without_presets_says_so(touch: Touch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_past, "PRESETS", [])
    touch.open("#/bed/chair-1")
    touch.act("preset", bed="chair-1").says("has no presets", ".dialog")
