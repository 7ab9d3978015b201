"""What stands on the screen is of now, or says that it is not; each checker is shown a screen with that very fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.browser import browser
from peers.screen_copy import faulty
from peers.screen_feed import SCREEN, Feed
from peers.screen_page import DASHES, choose, inks, link, number, shown, text, wait
from peers.screen_state import State
from peers.screen_touch import ISOLATES

pytestmark = [pytest.mark.peers, pytest.mark.timeout(120), pytest.mark.xdist_group("screen")]
DRUG = "[data-bed=chair-1] .pump-drug"


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser() as made:
        yield made


@pytest.fixture
def opened(driver) -> Iterator[Callable[..., Feed]]:
    """Opens all beds of a new feed, with the screen of a folder."""
    feeds = []

    def opens(screen: Path = SCREEN) -> Feed:
        feeds.append(Feed(screen=screen))
        driver.get(f"http://127.0.0.1:{feeds[-1].port}/")
        wait(lambda: link(driver) == "live" and inks(driver, "chair-2"), "it is live")
        choose(driver, "en")
        return feeds[-1]

    yield opens
    driver.get("about:blank")
    for feed in feeds:
        feed.stop()


def holds(check: Callable, within: float) -> bool:
    """Whether it comes true in time. Unit: s."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False


# MARK: A pump's drug


def names_its_drug(driver, feed: Feed) -> bool:
    stands = feed.state.newest[number(feed, "pump-1", "MDC_DRUG_NAME_LABEL")][2]
    return holds(lambda: text(driver, DRUG) == stands, 3)


def test_a_pumps_drug_is_named_as_long_as_it_is_of_now(driver, opened) -> None:
    feed = opened()
    assert names_its_drug(driver, feed)
    feed.switch({"stuck": "pump-1", "for": "20"})
    wait(lambda: text(driver, DRUG) == DASHES, "what it infused before is not shown", 9)
    assert text(driver, "[data-bed=chair-1] .pump-note") != ""
    driver.get(f"http://127.0.0.1:{feed.port}/#/bed/chair-2")
    drug = feed.state.newest[number(feed, "pump-2", "MDC_DRUG_NAME_LABEL")][2]
    wait(lambda: drug in text(driver, ".infusions-row"), "its row of infusions names it", 9)


def test_the_check_of_a_drug_finds_a_bare_number(driver, opened, tmp_path: Path) -> None:
    bare = faulty(tmp_path, "lines.js", "setText(this.drug, drug.text)", "setText(this.drug, String(this.pump.drug))")
    assert not names_its_drug(driver, opened(bare))


# MARK: The link


def comes_back(driver) -> bool:
    """The page takes the link for lost by itself, as after a moment in which it did not get to listen."""
    driver.execute_async_script(
        "const done = arguments[0]; import('/store.js').then(({store}) => { store.takeLink('lost'); done() })")
    return holds(lambda: link(driver) == "live", 1.5)


def test_a_link_that_the_page_took_for_lost_comes_back(driver, opened) -> None:
    opened()
    assert comes_back(driver)


def test_the_check_of_a_link_finds_one_that_sticks(driver, opened, tmp_path: Path) -> None:
    opened(faulty(tmp_path, "live.js", "if (state) store.takeLink(state)", ""))
    assert not comes_back(driver)


def values_when_lost(driver, feed: Feed) -> set[tuple[str, str]]:
    feed.switch({"hang": "4"})
    wait(lambda: link(driver) == "lost", "lost", 4)
    time.sleep(0.3)
    found = set(shown(driver).values())
    assert link(driver) == "lost"
    return found


def test_under_a_lost_link_every_value_is_dashes_with_its_age(driver, opened) -> None:
    feed = opened()
    assert "fresh" in {state for _, state in shown(driver).values()}
    assert values_when_lost(driver, feed) == {(DASHES, "stale")}
    assert "ago" in text(driver, "[data-bed=chair-1] .block-note")
    wait(lambda: link(driver) == "live", "live again", 12)
    n = number(feed, "oximeter-1", "MDC_PULS_OXIM_SAT_O2")
    wait(lambda: shown(driver)[n][1] == "fresh", "values again", 5)


def test_the_check_under_a_lost_link_finds_what_stands_as_fresh(driver, opened, tmp_path: Path) -> None:
    feed = opened(faulty(tmp_path, "values.js", 'link !== "live" || isLate', "isLate"))
    assert "fresh" in {state for _, state in values_when_lost(driver, feed)}


# MARK: Results

CUFF = """
const [sys, dia, mean, age, done] = arguments
import('/store.js').then(({store}) => {
  const {mono} = store.now()
  store.takeBeat({mono, values: [[sys, mono - age, '120', 'valid', ''], [dia, mono - 180000, '70', 'valid', ''],
    [mean, mono - age, '87', 'valid', '']]})
  done()
})
"""


def told_of_a_cuff(driver, feed: Feed, age: int) -> tuple[str, str, str]:
    """The upper and the lower pressure and the note, where the lower one is 3 min old. Unit of age: ms."""
    feed.switch({"stuck": "monitor-1", "for": "60"})
    driver.get(f"http://127.0.0.1:{feed.port}/#/bed/chair-1")
    n = [number(feed, "monitor-1", f"MDC_PRESS_BLD_NONINV_{part}") for part in ("SYS", "DIA", "MEAN")]
    block = f".block:has([data-n='{n[0]}'])"
    wait(lambda: text(driver, f"{block} [data-n='{n[1]}']"), "the cuff's block", 9)
    time.sleep(1)
    driver.execute_async_script(CUFF, *n, age)
    time.sleep(0.7)
    note = "".join(c for c in text(driver, f"{block} .block-note") if c not in ISOLATES)
    return (*(text(driver, f"{block} [data-n='{one}']") for one in n[:2]), note)


def test_a_result_has_its_age_and_no_part_of_an_earlier_one(driver, opened) -> None:
    assert told_of_a_cuff(driver, opened(), 0) == ("120", DASHES, "3 min ago")
    assert told_of_a_cuff(driver, opened(), 178000) == ("120", "70", "3 min ago")


def test_the_check_of_a_result_finds_a_part_of_an_earlier_one(driver, opened, tmp_path: Path) -> None:
    feed = opened(faulty(tmp_path, "blocks.js", "part.refresh(since)", "part.refresh()"))
    assert told_of_a_cuff(driver, feed, 0)[1] == "70"


# MARK: What cannot be drawn or read


def test_a_canvas_that_cannot_be_drawn_stops_no_other_and_is_said(driver, opened, tmp_path: Path) -> None:
    first = next(s.number for s in State().streams if s.device == "monitor-1" and s.kind == "wave")
    draw = "    if (!this.#form) return\n    const column"
    fails = f"    if (this.#form?.rows.some((row) => row.n === {first})) throw new Error()\n{draw}"
    opened(faulty(tmp_path, "sweep.js", draw, fails))
    wait(lambda: "curves on this screen are not complete" in text(driver, '.condition[data-kind="curves"]'), "said", 5)
    assert inks(driver, "chair-1") == 0 and inks(driver, "chair-2") > 100
    opened()
    time.sleep(2.5)
    assert text(driver, '.condition[data-kind="curves"]') == "", "it is not said where all are drawn"


def stands_of_another_form(driver, feed: Feed) -> bool:
    told = feed.state.picture
    with feed.state.lock:
        feed.state.picture = lambda: {**told(), "form": 2}
        feed.picture_anew()
    return holds(lambda: link(driver) == "standing" and set(shown(driver).values()) == {(DASHES, "stale")}, 2)


def test_a_picture_of_another_form_leaves_nothing_standing(driver, opened) -> None:
    assert stands_of_another_form(driver, opened())
    time.sleep(2)
    assert link(driver) == "standing", "no beat of another form is alive"


def test_the_check_of_another_form_finds_an_old_picture(driver, opened, tmp_path: Path) -> None:
    right = "if (told.form !== 1) return unreadable()"
    assert not stands_of_another_form(driver, opened(faulty(tmp_path, "draw.worker.js", right, right[:-13])))
