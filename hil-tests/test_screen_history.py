"""The screen's past, in a real browser against the dev feed: what is seen, measured, kept and broken off. Each check is
shown a fault that it must find."""

from __future__ import annotations

import json
import time
import urllib.request
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import pytest

from peers import screen_past
from peers.browser import browser, complaints
from peers.screen_feed import Feed
from peers.screen_pixels import GUTTER, RIGHT, Place, of_canvas, of_png
from peers.waiting import wait_until as until

HOUR = 3_600_000
CANVAS = ".history-plot canvas"
SATURATION = "MDC_PULS_OXIM_SAT_O2"
YELLOW = (0xFF, 0xD4, 0x00)  # of the mark of test data, in history.css
CURVES = {(0x2F, 0x7F, 0x9E), (0x7F, 0xD8, 0xF7)}  # the band and its edges, in history.css


class Page:
    """The history of one bed, in a browser."""

    def __init__(self, driver, feed: Feed) -> None:
        self.driver, self.feed = driver, feed

    @property
    def state(self):
        return self.feed.state

    def stream(self, bed: str, metric: str):
        return next(s for s in self.state.streams if s.bed == bed and s.metric == metric)

    def open(self, begin: int, end: int, *streams, language: str = "en") -> None:
        self.driver.get(f"http://127.0.0.1:{self.feed.port}/icon.svg")
        self.driver.execute_script("localStorage.setItem('language', arguments[0])", language)
        chosen = urlencode({"place": f"bed:{streams[0].bed}", "from": begin, "to": end,
                            "streams": ",".join(str(s.number) for s in streams)})
        self.driver.get(f"http://127.0.0.1:{self.feed.port}/#/history?{chosen}")
        self.wait()

    def asked(self) -> dict:
        text = self.driver.execute_script("return document.querySelector('.history')?.dataset.shown ?? ''")
        return json.loads(text) if text else {}

    def wait(self, changed_from: dict | None = None) -> dict:
        """Until what is asked for is there and drawn."""
        def is_shown() -> bool:
            return bool(self.asked()) and self.asked() != changed_from and not self.is_loading()
        until(is_shown, 20, "the past is shown")
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")
        return self.asked()

    def is_loading(self) -> bool:
        return self.driver.execute_script("return !document.querySelector('.history-loading').hidden")

    def press(self, name: str) -> None:
        self.driver.find_element("css selector", f'[data-history="{name}"]').click()

    def keys(self, *keys: str) -> None:
        self.driver.find_element("css selector", ".history-plot").send_keys(*keys)

    def click(self, x: int, y: int) -> None:
        """A click at a place of the canvas."""
        from selenium.webdriver.common.action_chains import ActionChains

        canvas = self.driver.find_element("css selector", CANVAS)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
        box = canvas.rect
        ActionChains(self.driver).move_to_element_with_offset(
            canvas, x - int(box["width"] / 2), y - int(box["height"] / 2)).click().perform()

    def pixels(self, rows: int = 1, marked: bool = False):
        pixels, asked = of_canvas(self.driver, CANVAS), self.asked()
        return pixels, Place(asked["from"], asked["to"], pixels.width, pixels.height, rows, marked)

    def text(self, selector: str) -> str:
        return self.driver.find_element("css selector", selector).text


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(1600, 1000) as driver:
        folder = str(tmp_path_factory.mktemp("kept"))
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": folder})
        driver.folder = Path(folder)
        yield driver


@pytest.fixture
def page(driver):
    screen_past.SETTINGS.update(slow=0.0, mixed=False, hostile=False, busy=0)
    screen_past.COUNTS.clear()
    feed = Feed()
    yield Page(driver, feed)
    screen_past.SETTINGS.update(slow=0.0, mixed=False, hostile=False, busy=0)
    driver.get("about:blank")
    feed.stop()


def long_gap(now: int) -> int:
    """When the newest gap of ten minutes began that is over. Unit: ms since 1970."""
    hour = (now - 2 * HOUR) // HOUR
    return (hour - hour % 4) * HOUR + 1_200_000


def has_curve(pixels, left: int, right: int, top: int, bottom: int) -> bool:
    return bool(pixels.colours(left, right, top, bottom) & CURVES)


def test_a_gap_is_background_by_pixel(page: Page) -> None:
    gap = long_gap(int(time.time() * 1000))
    page.open(gap - HOUR, gap + HOUR, page.stream("chair-1", SATURATION))
    pixels, place = page.pixels()
    top, bottom = place.row(0)
    assert not has_curve(pixels, place.x(gap) + 3, place.x(gap + 600_000) - 3, top, bottom)
    # The same check finds the curve beside it, and the bar that marks the gap is there.
    assert has_curve(pixels, place.x(gap + 700_000), place.x(gap + 760_000), top, bottom)
    bar = (0xD0, 0xA8, 0xFF)
    assert bar in pixels.colours(place.x(gap) + 3, place.x(gap + 600_000) - 3, bottom, bottom + 18)
    assert bar not in pixels.colours(place.x(gap + 700_000), place.x(gap + 760_000), bottom, bottom + 18)


def top_of_curve(pixels, place: Place, x: int) -> int:
    top, bottom = place.row(0)
    return next((y for y in range(top, bottom) for dx in (-2, -1, 0, 1, 2) if pixels.at(x + dx, y) in CURVES), bottom)


@pytest.mark.parametrize("span", [24 * HOUR, 4 * HOUR, HOUR, 600_000, 60_000, 20_000])
def test_one_sample_is_seen_at_any_scale(page: Page, span: int) -> None:
    spike = (int(time.time() * 1000) // HOUR - 26) * HOUR + screen_past.SPIKE
    page.open(spike - span // 3, spike + span - span // 3, page.stream("chair-1", SATURATION))
    pixels, place = page.pixels()
    top, bottom = place.row(0)
    assert top_of_curve(pixels, place, place.x(spike)) < top + (bottom - top) * 0.2
    # A little aside there is no such value: the check does not find what is not there.
    aside = place.x(spike) + (place.width // 30 if span > 600_000 else place.width // 8)
    assert top_of_curve(pixels, place, aside) > top + (bottom - top) * 0.5


def test_what_is_measured_is_what_was_recorded(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    stream = page.stream("chair-2", "MDC_ECG_HEART_RATE")
    other = page.stream("chair-2", SATURATION)
    begin = (int(time.time() * 1000) // HOUR - 5) * HOUR + 420_000
    page.open(begin, begin + 300_000, stream, other)
    _, place = page.pixels(rows=2)
    page.press("historyMeasure")
    middle = sum(place.row(0)) // 2
    points = [place.x(begin + 60_000), place.x(begin + screen_past.SPIKE - 420_000)]
    for x in points:
        page.click(x, middle)
    cells = page.driver.execute_script(
        "return [...document.querySelectorAll('.history-measured tbody tr')].map((row) => "
        "[...row.cells].map((cell) => cell.textContent))")
    assert len(cells) == 2

    def values(stream, utc: int) -> set[str]:
        return {screen_past.sample(page.state, stream, t) for t in range(utc - 1000, utc + 1001, 1000)}

    assert cells[0][1] in values(stream, begin + 60_000) and cells[0][2] == screen_past.SPIKED
    assert cells[0][1] not in values(other, begin + 60_000), "the check takes any value"
    change = Decimal(cells[0][2]) - Decimal(cells[0][1])
    assert Decimal(cells[0][3].replace("−", "-")) == change > 0
    told = float(page.driver.find_element("css selector", ".history-measured").get_attribute("data-milliseconds"))
    assert abs(told - (screen_past.SPIKE - 420_000 - 60_000)) <= 1000 + 2 * 300_000 / place.width
    page.keys(Keys.ESCAPE)
    assert page.text(".history-measured") == ""


def kept(page: Page, ending: str) -> bytes:
    """The newest file that the browser was given to keep."""
    folder = page.driver.folder
    until(lambda: [f for f in folder.iterdir() if f.suffix == ending and f.stat().st_size > 0], 15, "a file is kept")
    file = next(f for f in folder.iterdir() if f.suffix == ending)
    content = file.read_bytes()
    file.unlink()
    return content


def test_the_table_is_the_servers(page: Page) -> None:
    stream = page.stream("chair-1", SATURATION)
    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    page.open(begin, begin + 900_000, stream)
    page.press("historySamples")
    table = kept(page, ".csv")

    def answer(end: int) -> bytes:
        query = {"streams": stream.number, "from": begin, "to": end, "format": "csv", "mark": "real"}
        return urllib.request.urlopen(f"http://127.0.0.1:{page.feed.port}/history?{urlencode(query)}").read()

    assert table == answer(begin + 900_000)
    assert table.count(b"\n") == 901 and f",{screen_past.SPIKED},".encode() in table
    assert table != answer(begin + 899_000)


@pytest.mark.parametrize("mark", ["test", None])
def test_a_kept_picture_carries_the_mark_of_test_data(page: Page, mark: str | None) -> None:
    page.state.mark = mark
    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    page.open(begin, begin + 900_000, page.stream("chair-1", SATURATION))
    page.press("historyPicture")
    pixels = of_png(page.driver, kept(page, ".png"))
    assert pixels.width > 1000 and pixels.height > 400
    lines = [y for y in range(pixels.height) if pixels.at(5, y) == YELLOW]
    assert len(lines) >= 24 if mark else not lines


def test_what_is_no_longer_wanted_is_broken_off(page: Page) -> None:
    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    page.open(begin, begin + HOUR, page.stream("chair-1", SATURATION))
    shown = page.asked()
    screen_past.SETTINGS["slow"] = 2.0
    screen_past.COUNTS.clear()

    def thrice() -> None:
        for _ in range(3):
            page.keys("+")
            time.sleep(0.4)

    thrice()
    page.wait(shown)
    until(lambda: screen_past.COUNTS["broken"] == 2, 5, "two questions are broken off")
    assert screen_past.COUNTS == {"begun": 3, "ended": 1, "broken": 2}
    page.keys("-")
    until(page.is_loading, 5, "it loads")
    page.press("historyCancel")
    until(lambda: screen_past.COUNTS["broken"] == 3, 5, "the question is broken off by hand")
    assert not page.is_loading() and page.text(".history-fault") == ""
    # Where nothing is broken off, the same check says so.
    screen_past.COUNTS.clear()
    page.driver.execute_script("AbortController.prototype.abort = () => {}")
    thrice()
    until(lambda: screen_past.COUNTS["ended"] == 3, 20, "all are answered")
    assert screen_past.COUNTS["broken"] == 0


def test_a_busy_host_is_asked_again_and_not_without_end(page: Page) -> None:
    """What a screen before this one asked may be under way still: it is waited for, and then said."""
    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    screen_past.SETTINGS["busy"] = 2
    page.open(begin, begin + HOUR, page.stream("chair-1", SATURATION))
    assert screen_past.COUNTS["busy"] == 2 and page.text(".history-fault") == ""
    shown = page.asked()
    screen_past.COUNTS.clear()
    screen_past.SETTINGS["busy"] = 1000
    page.keys("+")
    until(lambda: "Too much is being read" in page.text(".history-fault"), 20, "it is said that the host is busy")
    assert screen_past.COUNTS["busy"] == 8 and page.asked() == shown
    # Whoever moves on waits for nothing of before.
    screen_past.COUNTS.clear()
    page.keys("+")
    until(lambda: screen_past.COUNTS["busy"] == 1, 5, "it is asked anew")
    screen_past.SETTINGS["busy"] = 0
    page.keys("-")
    page.wait(shown)
    time.sleep(1.5)
    assert screen_past.COUNTS["begun"] == 1, "what is no longer wanted is not asked again"
    assert any("503" in said for said in complaints(page.driver)), "the browser told of them, and of nothing later"


def test_hostile_strings_are_text(page: Page) -> None:
    screen_past.SETTINGS["hostile"] = True
    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    page.open(begin, begin + HOUR, page.stream("chair-3", SATURATION))
    for details in page.driver.find_elements("css selector", ".history details summary"):
        details.click()
    title = page.driver.title

    def injected() -> list:
        return page.driver.execute_script(
            "return [...document.querySelectorAll('.history script, .history img')].map((e) => e.outerHTML)")

    assert injected() == [] and page.driver.title == title
    labels = [e.text for e in page.driver.find_elements("css selector", ".history-choice bdi")]
    assert any("<script>" in label for label in labels) and max(map(len, labels)) < 450
    assert "\u202e" not in page.driver.find_element("css selector", ".history").text
    assert "<img src=x" in page.text(".history-details:last-of-type")
    page.driver.execute_script("document.querySelector('.history').append(document.createElement('img'))")
    assert len(injected()) == 1


@pytest.mark.parametrize("language", ["en", "ar"])
def test_both_languages_show_the_same_curve_and_all_words(page: Page, language: str) -> None:
    spike = (int(time.time() * 1000) // HOUR - 26) * HOUR + screen_past.SPIKE
    page.open(spike - HOUR, spike + 2 * HOUR, page.stream("chair-1", SATURATION), language=language)
    assert page.driver.execute_script("return document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    pixels, place = page.pixels()
    # Time runs to the right in both: the spike is a third from the left.
    assert top_of_curve(pixels, place, place.x(spike)) < sum(place.row(0)) / 2
    assert GUTTER < place.x(spike) < (place.width - RIGHT) / 2
    text = page.text(".history")
    assert not [w for w in text.split() if w.startswith(("history", "reason-", "trends"))]
    assert not set(text) & set("٠١٢٣٤٥٦٧٨٩"), "digits are Western"
    assert ("From" in text) == (language == "en") and ("من" in text) == (language == "ar")


def test_an_answer_that_mixes_tests_with_patients_is_not_shown(page: Page) -> None:
    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    page.open(begin, begin + HOUR, page.stream("chair-1", SATURATION))
    assert page.text(".history-fault") == ""
    screen_past.SETTINGS["mixed"] = True
    shown = page.asked()
    page.keys("+")
    until(lambda: "mixes" in page.text(".history-fault"), 5, "the answer is refused")
    assert page.asked() == shown


def test_the_keyboard_alone_moves_measures_and_reads_events(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    begin = (int(time.time() * 1000) // HOUR - 3) * HOUR
    page.open(begin, begin + HOUR, page.stream("chair-3", SATURATION))
    plot = page.driver.find_element("css selector", ".history-plot")
    page.driver.execute_script("document.querySelector('#history-from').focus()")
    active = page.driver.switch_to.active_element
    for _ in range(60):
        if active == plot:
            break
        active.send_keys(Keys.TAB)
        active = page.driver.switch_to.active_element
    assert active == plot
    before = page.asked()
    page.keys("+")
    after = page.wait(before)
    assert after["to"] - after["from"] == pytest.approx(HOUR / 2, abs=2)
    page.keys(Keys.ARROW_RIGHT)
    moved = page.wait(after)
    assert moved["from"] - after["from"] == pytest.approx(HOUR / 20, abs=2)
    page.keys("n")
    assert "Alarm began" in page.text(".history-readout") or "Alarm ended" in page.text(".history-readout")
    page.keys(Keys.ENTER, Keys.SHIFT + Keys.ARROW_RIGHT * 5 + Keys.NULL, Keys.ENTER)
    assert len(page.driver.find_elements("css selector", ".history-measured tbody tr")) == 1


def test_a_day_of_twelve_numbers_is_drawn_at_once(page: Page) -> None:
    """From the answer's last byte to the pixels, of twelve numbers of a day."""
    numbers = [s for s in page.state.streams if s.bed == "chair-1" and s.kind == "number"][:12]
    now = int(time.time() * 1000)
    page.open(now - 24 * HOUR, now, *numbers)
    told = page.driver.execute_script(
        "const asked = performance.getEntriesByType('resource').filter((e) => e.name.includes('/history?')).at(-1)\n"
        "const drawn = performance.getEntriesByName('history-drawn').find((e) => e.startTime > asked.responseEnd)\n"
        "return [drawn.startTime - asked.responseEnd, asked.decodedBodySize]")
    print(f"answer of {told[1]} bytes to pixels: {told[0]:.0f} ms")
    assert told[0] < 1000
    assert not [said for said in complaints(page.driver) if "history" in said and "404" not in said]
