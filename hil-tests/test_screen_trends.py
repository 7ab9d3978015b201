"""A bed's trends and infusions, in a real browser against the dev feed. Each check is shown a fault it must find."""

from __future__ import annotations

import time

import pytest

from peers import screen_past
from peers.browser import browser
from peers.screen_feed import Feed
from peers.screen_pixels import of_canvas
from peers.waiting import wait_until

LIMIT = (0xFF, 0x9D, 0x6E)  # of a limit, in history.css
VOLUME = (0xE6, 0xC0, 0x7B)  # of what was delivered
MINUTE = 60_000

JOIN = """
const [streams, to, hours, isWrong, done] = arguments
Promise.all([import("/history-read.js"), import("/history-roll.js")]).then(async ([{ readHistory }, { joined }]) => {
  const minute = 60000
  const span = hours * 60
  const ask = (from, until) => readHistory({ streams, from, to: until, columns: (until - from) / minute })
  const whole = await ask(to - span * minute, to)
  const known = await ask(to - (span + 5) * minute, to - 5 * minute)
  const fresh = await ask(to - 8 * minute, to)
  if (isWrong) fresh.streams.get(streams[0]).highText[3] = "0"
  const told = (data) => [data.from, data.to, data.columns, [...data.streams.values()].map((one) => [
    one.lowText, one.highText, one.gaps, [...one.low].map(String), [...one.high].map(String)]), data.events]
  done([JSON.stringify(told(whole)), JSON.stringify(told(joined(known, fresh, to - span * minute)))])
}).catch((error) => done([String(error), ""]))
"""

TURNS = """
const [rates, gaps, done] = arguments
import("/infusions.js").then(({ turns }) => {
  const values = Float64Array.from(rates, (rate) => rate ?? NaN)
  const data = { from: 0, to: rates.length * 60000, columns: rates.length, streams: new Map([[1, {
    low: values, high: values, gaps }]]) }
  done(turns(data, 1).map((event) => [event.utc / 60000, event.name]))
})
"""


@pytest.fixture(scope="module")
def page():
    feed = Feed()
    with browser(1920, 1400) as driver:
        driver.feed = feed
        driver.get(f"http://127.0.0.1:{feed.port}/#/bed/chair-1")
        wait_until(lambda: driver.execute_script(
            "return [...document.querySelectorAll('.trends small')].some((e) => /250/.test(e.textContent))"), 20,
            "the trends are there")
        yield driver
    feed.stop()


def numbers(driver) -> list:
    return [s for s in driver.feed.state.streams
            if s.bed == "chair-1" and s.kind == "number" and s.category == "measurement"]


def test_each_number_has_a_row_with_its_limits(page) -> None:
    rows = page.find_elements("css selector", ".trends-row")
    assert len(rows) == len(numbers(page)) >= 10
    assert all("250" in row.text for row in rows), "the spike of each hour is the highest value"
    limited = {limit["metric"] for limit in page.feed.state.beds()[0]["preset"]["limits"]}
    seen = {}
    for place, stream in enumerate(numbers(page), start=1):
        pixels = of_canvas(page, f".trends-row:nth-child({place}) canvas")
        seen[stream.metric] = LIMIT in pixels.colours(pixels.width // 2, pixels.width // 2 + 16, 0, pixels.height)
    assert {metric for metric, has_limit in seen.items() if has_limit} == limited & set(seen)
    assert not all(seen.values()) and any(seen.values())


def test_a_trend_leads_to_its_history(page) -> None:
    link = page.find_element("css selector", ".trends-row a").get_attribute("href")
    assert f"streams={numbers(page)[0].number}" in link and "place=bed%3Achair-1" in link


@pytest.mark.parametrize("is_wrong", [False, True])
def test_what_is_kept_up_by_the_minute_is_the_whole(page, is_wrong: bool) -> None:
    now = int(time.time() * 1000) // MINUTE * MINUTE
    streams = [s.number for s in numbers(page)[:3]]
    whole, joined = page.execute_async_script(JOIN, streams, now, 6, is_wrong)
    assert whole.startswith("[") and len(whole) > 10_000
    assert (whole == joined) != is_wrong


def test_only_the_newest_minutes_are_asked_for_again(page) -> None:
    screen_past.COUNTS.clear()
    page.execute_script("performance.clearResourceTimings(); document.dispatchEvent(new Event('visibilitychange'))")

    def asked() -> list[int]:
        return page.execute_script(
            "return performance.getEntriesByType('resource').filter((e) => e.name.includes('/history?'))"
            ".map((e) => Number(new URL(e.name).searchParams.get('columns')))")
    wait_until(lambda: len(asked()) == 2, 10, "trends and infusions ask again")
    assert all(1 <= columns <= 5 for columns in asked())


def test_a_pump_shows_what_was_set_and_what_was_delivered(page) -> None:
    assert page.find_elements("css selector", ".infusions-row")
    pixels = of_canvas(page, ".infusions-row canvas")
    colours = pixels.colours(60, pixels.width - 60, 20, pixels.height - 40)
    assert VOLUME in colours and (0x7F, 0xD8, 0xF7) in colours
    assert (1, 2, 3) not in colours


def test_a_pump_that_turns_is_told_and_a_gap_is_no_turn(page) -> None:
    def turns(rates: list, gaps: list) -> list:
        return page.execute_async_script(TURNS, rates, gaps)

    assert turns([0, 0, 5, 5, 0], []) == [[2, "infusionsStarted"], [4, "infusionsStopped"]]
    assert turns([5, 5, 5], []) == []
    # What happened while nothing was recorded is not known.
    gap = [{"from": 1 * MINUTE, "to": 3 * MINUTE, "word": "hostDown"}]
    assert turns([0, None, None, 5], gap) == []
