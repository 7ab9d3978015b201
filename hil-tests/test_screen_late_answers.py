"""Answers that come late or end in no way of before; each checker is shown a screen with that very fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peers.browser import browser
from peers.screen_copy import faulty
from peers.screen_feed import SCREEN
from peers.screen_people import PeopleFeed
from peers.screen_touch import HEARD, Touch, until, verified

pytestmark = [pytest.mark.peers, pytest.mark.timeout(120), pytest.mark.xdist_group("screen-people")]


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser(1280, 900, *HEARD) as made:
        yield made


@pytest.fixture
def opened(driver) -> Iterator[Callable[..., Touch]]:
    """Opens the screen of a folder, before a new desk."""
    feeds = []

    def opens(screen: Path = SCREEN) -> Touch:
        feeds.append(PeopleFeed(screen=screen))
        return Touch(driver, feeds[-1]).open()

    yield opens
    driver.get("about:blank")
    for feed in feeds:
        feed.desk.released.set()
        feed.stop()


# MARK: A lock


def kept_after_a_lock(touch: Touch) -> list:
    """Locks while the answer to whoever wants to stay is on its way; what the page holds when it has come."""
    touch.feed.desk.manner = ("late", 1.0)
    touch.act("patients").sign("layla").press(".dialog .sign-in input[type=checkbox]").submit()
    until(lambda: touch.feed.desk.count("beds") == 1, words="nothing was asked")
    touch.press(".dialog .tools", "people.lock")
    time.sleep(2)
    return touch.call("const held = await import('/people.js'); return [held.staying(), held.patientOf('chair-2')]")


def test_a_lock_holds_against_an_answer_on_its_way(opened) -> None:
    touch = opened()
    assert kept_after_a_lock(touch) == [None, None]
    assert not touch.page_holds("Made-up Person")
    touch.says("Done.", ".conditions")


def test_the_check_of_a_lock_finds_who_comes_back(opened, tmp_path: Path) -> None:
    line = "if (epoch() !== before) return tellOnly(outcome, { dialog, doubt })"
    _, patient = kept_after_a_lock(opened(faulty(tmp_path, "acts.js", line, "")))
    assert patient is not None


def staying_after_a_close(touch: Touch) -> str | None:
    touch.feed.desk.manner = ("late", 1.0)
    touch.act("unbind", bed="chair-1").sign("layla").press(".dialog .sign-in input[type=checkbox]").submit()
    until(lambda: touch.feed.desk.count("unbind") == 1, words="nothing was asked")
    touch.close()
    time.sleep(2)
    return touch.call("return (await import('/people.js')).staying()")


def test_whoever_closes_the_dialog_does_not_stay_signed_in(opened) -> None:
    assert staying_after_a_close(opened()) is None


def test_the_check_of_a_close_finds_who_stays(opened, tmp_path: Path) -> None:
    assert staying_after_a_close(opened(faulty(tmp_path, "dialog.js", "input.checked = false", ""))) is not None


# MARK: What a start came to


def started(touch: Touch, end: str) -> Touch:
    touch.feed.desk.pumps.outcome = end
    verified(touch).press(".dialog", "pumps.start.do").sign("omar").submit()
    return touch


@pytest.mark.parametrize(("end", "kind", "words"), [
    ("resolved: inEffect", "done", "it is in effect"), ("resolved: notInEffect", "unknown", "not in effect now"),
    ("notSent: lineLost", "refused", "not sent to the pump"), ("stopped", "refused", "not sent to the pump"),
    ("notInEffect", "refused", "not in effect"), ("sideways", "unknown", "It is not known whether the pump does it"),
])
def test_nothing_was_done_is_said_only_where_the_end_proves_it(opened, end: str, kind: str, words: str) -> None:
    assert words in started(opened(), end).told(kind, 10)


def test_the_check_of_an_end_finds_nothing_was_done_over_a_start_in_effect(opened, tmp_path: Path) -> None:
    wrong = 'const kind = view.end === "confirmed" ? "done" : "refused"'
    touch = opened(faulty(tmp_path, "pumps.js", "const kind = endOf(view)", wrong))
    assert "Nothing was done." in started(touch, "resolved: inEffect").told("refused", 10)


def closed_before_the_end(touch: Touch) -> Touch:
    touch.feed.desk.manner, touch.feed.desk.only = ("late", 1.0), {"show"}
    started(touch, "confirmed")
    until(lambda: touch.feed.desk.count("show") == 2, 10, "it is not followed")
    return touch.close()


def test_the_end_is_told_though_the_dialog_was_closed_meanwhile(opened) -> None:
    closed_before_the_end(opened()).says("Confirmed: the pump shows it.", ".conditions")


def test_the_check_of_a_closed_dialog_finds_an_end_that_nobody_is_told(opened, tmp_path: Path) -> None:
    right = 'if (kind === "unknown" || !dialog.isOpen()) dialog'
    touch = closed_before_the_end(opened(faulty(tmp_path, "pumps.js", right, 'if (kind === "unknown") dialog')))
    time.sleep(2)
    assert "Confirmed" not in touch.text(".conditions")


def test_a_preview_goes_with_its_entry(opened) -> None:
    touch = opened()
    touch.act("pump", device="pump-1").sign("layla").submit()
    until(lambda: touch.one(".dialog .acts"), words=touch.text(".dialog"))
    touch.run("document.querySelector('.dialog .acts button').click()")
    touch.fill("quantity-new-rate", "12.5").sign("layla").press(".dialog", "pumps.preview")
    touch.says("21 53 52", ".dialog")
    touch.fill("quantity-new-rate", "125")
    assert "21 53 52" not in touch.text(".dialog")
    touch.feed.desk.manner = ("late", 1.0)
    touch.press(".dialog", "pumps.preview")
    until(lambda: touch.feed.desk.count("preview") == 2, words="it is not asked")
    touch.fill("quantity-new-rate", "13")
    time.sleep(2)
    assert "21 53 52" not in touch.text(".dialog"), "the bytes of another entry"
