"""Values of a patient who has left, on the screen of who is there now: grey, with a line and no joint between, and
never as those of who is there. In a real browser against the dev feed; each check is shown a fault it must find."""

from __future__ import annotations

import time

import pytest

from peers import screen_past
from peers.browser import browser
from peers.screen_feed import Feed
from peers.screen_pixels import Place, of_canvas
from peers.waiting import wait_until as until

HOUR, MINUTE = 3_600_000, 60_000
SATURATION = "MDC_PULS_OXIM_SAT_O2"
FORMER = 77  # the number of another binding
CURVES = {(0x2F, 0x7F, 0x9E), (0x7F, 0xD8, 0xF7)}  # the band and its edges, in history.css
GREY, LINE = (0x76, 0x81, 0x8D), (0xC9, 0xA6, 0xFF)  # --history-former and --history-binding there
WORDS = "not of who is here now"


@pytest.fixture(scope="module")
def driver():
    with browser(1600, 1400) as made:
        yield made


@pytest.fixture
def feed(driver):
    screen_past.CAME.clear()
    made = Feed()
    yield made
    screen_past.CAME.clear()
    driver.get("about:blank")
    made.stop()


def saturation(feed: Feed):
    return next(s for s in feed.state.streams if s.bed == "chair-1" and s.metric == SATURATION)


def history(driver, feed: Feed, begin: int, end: int):
    """The pixels of the history of one curve, and where its row stands."""
    driver.get("about:blank")
    number = saturation(feed).number
    driver.get(f"http://127.0.0.1:{feed.port}/#/history?place=bed%3Achair-1&streams={number}&from={begin}&to={end}")
    until(lambda: driver.execute_script(
        "return document.querySelector('.history')?.dataset.shown"
        " && document.querySelector('.history-loading').hidden"), 20, "the past is shown")
    driver.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")
    pixels = of_canvas(driver, ".history-plot canvas")
    return pixels, Place(begin, end, pixels.width, pixels.height, 1)


def whole_hour(hours: int) -> int:
    return (int(time.time() * 1000) // HOUR - hours) * HOUR


def test_the_pen_is_lifted_where_another_patient_comes(driver, feed: Feed) -> None:
    begin = whole_hour(3)
    came = begin + 40 * MINUTE
    screen_past.CAME["chair-1"] = (came, FORMER)
    pixels, place = history(driver, feed, begin + 30 * MINUTE, begin + 50 * MINUTE)
    top, bottom = place.row(0)
    before = pixels.colours(place.x(begin + 31 * MINUTE), place.x(came) - 4, top, bottom)
    after = pixels.colours(place.x(came) + 4, place.x(begin + 49 * MINUTE), top, bottom)
    assert GREY in before and not before & CURVES
    assert GREY not in after and after & CURVES
    assert LINE in pixels.colours(place.x(came) - 3, place.x(came) + 4, top, bottom)
    assert driver.find_element("css selector", ".history-former").is_displayed()
    # Where one patient was there all the time, the same check finds neither.
    screen_past.CAME.clear()
    pixels, place = history(driver, feed, begin + 30 * MINUTE, begin + 50 * MINUTE)
    whole = pixels.colours(place.x(begin + 31 * MINUTE), place.x(begin + 49 * MINUTE), top, bottom)
    assert GREY not in whole and LINE not in whole and whole & CURVES
    assert not driver.find_element("css selector", ".history-former").is_displayed()


def test_between_two_patients_nothing_has_changed(driver, feed: Feed) -> None:
    """Points on either side: both values are told, and whose the first is not; no change is."""
    begin = whole_hour(3) + 30 * MINUTE
    screen_past.CAME["chair-1"] = (begin + 10 * MINUTE, FORMER)
    history(driver, feed, begin, begin + 20 * MINUTE)

    def measured(*shares: float) -> list[str]:
        driver.execute_script("document.querySelector('[data-history=historyClear]').click()")
        driver.execute_script(
            "const plot = document.querySelector('.history-plot')\n"
            "const box = plot.querySelector('canvas').getBoundingClientRect()\n"
            "for (const share of arguments[0]) {\n"
            "  const at = { clientX: box.left + 64 + (box.width - 76) * share, clientY: box.top + 90, pointerId: 1,\n"
            "    bubbles: true }\n"
            "  plot.setPointerCapture = () => {}\n"
            "  plot.dispatchEvent(new PointerEvent('pointerdown', at))\n"
            "  plot.dispatchEvent(new PointerEvent('pointerup', at))\n"
            "}", list(shares))
        return [cell.text for cell in driver.find_elements("css selector", ".history-measured tbody td")]

    driver.execute_script("document.querySelector('[data-history=historyMeasure]').click()")
    across = measured(0.25, 0.75)
    assert across[2] == "--" and "--" not in across[:2]
    assert measured(0.6, 0.9)[2] != "--", "of one patient the change is told"
    measured(0.9, 0.25)
    assert WORDS in driver.find_element("css selector", ".history-readout").text
    measured(0.25, 0.9)
    assert WORDS not in driver.find_element("css selector", ".history-readout").text


@pytest.fixture
def bed(driver, feed: Feed, monkeypatch: pytest.MonkeyPatch):
    """The bed's screen, of whom nobody but the patient of before had the value that stands out each hour."""
    now = int(time.time() * 1000)
    monkeypatch.setattr(screen_past, "SPIKE", (now - HOUR // 2) // 1000 * 1000 % HOUR)

    def opened(came: int | None, former: int | None = FORMER) -> list[str]:
        screen_past.CAME.clear()
        if came is not None:
            screen_past.CAME["chair-1"] = (came, former)
        driver.get("about:blank")
        driver.get(f"http://127.0.0.1:{feed.port}/#/bed/chair-1")
        until(lambda: driver.execute_script(
            "const all = [...document.querySelectorAll('.trends-head small')].map((e) => e.textContent)\n"
            "return all.length > 5 && all.some((text) => /lowest/.test(text))"), 20, "the trends are there")
        driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")
        return [row.text for row in driver.find_elements("css selector", ".trends-row")]
    return opened


def test_trends_are_of_who_is_there_now(driver, bed) -> None:
    now = int(time.time() * 1000)
    assert any("250" in row for row in bed(None)), "one patient all day: the spikes are the patient's"
    assert not driver.find_element("css selector", ".trends .history-former").is_displayed()
    rows = bed(now - 10 * MINUTE)
    assert not any("250" in row for row in rows) and any("lowest" in row for row in rows)
    assert driver.find_element("css selector", ".trends .history-former").is_displayed()
    pixels = of_canvas(driver, ".trends-row canvas")
    right = pixels.width - 8
    old = pixels.colours(right // 2, right // 2 + 60, 0, pixels.height)
    assert GREY in old and not old & CURVES
    # The last minutes are the patient's own: blue, however thin.
    assert any(b > 150 and b - r > 60 for r, _, b in pixels.colours(right - 3, right, 0, pixels.height))
    assert not any(b > 150 and b - r > 60 for r, _, b in old)


def test_of_nobody_is_not_of_who_is_there_now(driver, bed) -> None:
    rows = bed(int(time.time() * 1000) - 10 * MINUTE, None)
    assert not any("250" in row for row in rows)
    assert driver.find_element("css selector", ".trends .history-former").is_displayed()


def test_infusions_of_before_are_grey_and_not_named_by_the_drug_of_now(driver, bed) -> None:
    bed(None)
    name = driver.find_element("css selector", ".infusions-row .trends-head span").text
    drug = name.split("(")[0].strip("\u2068\u2069 ")

    def told() -> str:
        driver.find_element("css selector", ".infusions summary").click()
        return driver.find_element("css selector", ".infusions .history-scroll").text

    pixels = of_canvas(driver, ".infusions-row canvas")
    assert GREY not in pixels.colours(60, pixels.width - 60, 20, pixels.height - 40)
    bed(int(time.time() * 1000) - MINUTE)
    pixels = of_canvas(driver, ".infusions-row canvas")
    assert GREY in pixels.colours(60, pixels.width - 60, 20, pixels.height - 40)
    assert drug not in told()


BOUND = """
const [binding, done] = arguments
import("/store.js").then(({ store }) => {
  const all = (name) => [...store.picture[name].values()]
  const beds = all("beds").map((bed) => bed.bed === "chair-1" ? { ...bed, patient: { ...bed.patient, binding } } : bed)
  const values = all("values").map((one) => [one.n, one.t, one.text, one.validity, one.reason])
  store.takePicture({
    ...store.picture, beds, values, devices: all("devices"), streams: all("streams"), alarms: all("alarms") })
  done([...document.querySelectorAll(".trends-head small")].map((each) => each.textContent))
})
"""


def test_where_somebody_else_is_bound_nothing_stands_as_theirs_meanwhile(driver, feed: Feed, bed) -> None:
    """At once, before the past is told anew."""
    bed(None)
    same = feed.state.patients["chair-1"]["binding"]
    assert any("lowest" in text for text in driver.execute_async_script(BOUND, same))
    assert not any("lowest" in text for text in driver.execute_async_script(BOUND, 901))
    assert driver.find_element("css selector", ".trends .history-former").is_displayed()
