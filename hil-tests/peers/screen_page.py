"""What a test of the live screens looks at: values with their states, and the curves by their pixels."""

from __future__ import annotations

import time
from collections.abc import Callable

from .screen_feed import Feed

DASHES = "– –"
# What stands for each stream in the page, with the page's own word of the time of the newest value.
SHOWN = """
const {store} = await import('/store.js')
return [...document.querySelectorAll('[data-n]')].map(e => [Number(e.dataset.n), e.textContent, e.dataset.state])
"""
# The same with the commit that the page has and the time that it takes for now, all at one moment.
STANDS = """
const done = arguments[0]
import('/store.js').then(({store}) => done([store.picture.committed, store.now().mono,
  [...document.querySelectorAll('[data-n]')].map(e => [Number(e.dataset.n), e.textContent, e.dataset.state])]))
"""
# The page itself notes when it shows the loss: asking it takes its time.
SAYS_WHEN_LOST = """
const seen = new MutationObserver(() => {
  if (document.body.dataset.link === 'lost') window.lostAt ??= Date.now()
})
seen.observe(document.body, {attributes: true})
"""
# The curves' pixels: a row of a bed's canvas as the columns in which there is ink. Ink is far from ground and grid.
INK = """
const [bed, rows, place] = arguments
const canvas = document.querySelector(`[data-bed="${bed}"] canvas`)
const copy = new OffscreenCanvas(canvas.width, canvas.height)
const context = copy.getContext('2d', {willReadFrequently: true})
context.drawImage(canvas, 0, 0)
const height = Math.floor(canvas.height / rows)
const {data} = context.getImageData(0, place * height, canvas.width, height)
const ink = new Array(canvas.width).fill(0)
for (let i = 0; i < data.length; i += 4) {
  if (Math.max(data[i], data[i + 1], data[i + 2]) > 90) ink[(i / 4) % canvas.width] += 1
}
return ink
"""
CLIPPED = """
const bad = []
for (const e of document.querySelectorAll('#top *, #screen *')) {
  if (!e.checkVisibility() || e.closest('.unseen') || e.children.length || !e.textContent.trim()) continue
  const style = getComputedStyle(e)
  if (e.getBoundingClientRect().width <= 1) continue  // for those who hear the screen
  const box = e.closest('.tile-title, .tile-patient, .cause, .pump-drug, .unit-name') ?? e
  const r = box.getBoundingClientRect()
  if (box.scrollWidth > box.clientWidth + 1 && box.clientWidth && getComputedStyle(box).overflow !== 'visible')
    bad.push(['wide', e.className, e.textContent])
  for (let up = box.parentElement; up && up.id !== 'screen'; up = up.parentElement) {
    const overflow = getComputedStyle(up).overflow
    if (/auto|scroll/.test(overflow)) break  // it can be scrolled to
    if (overflow === 'visible') continue
    const around = up.getBoundingClientRect()
    const isHigher = r.bottom > around.bottom + 1 || r.top < around.top - 1
    if (isHigher || r.right > around.right + 1 || r.left < around.left - 1)
      bad.push(['cut', e.className, e.textContent, up.className])
  }
}
return bad
"""


def wait(holds: Callable, what: str, within: float = 20) -> float:
    """Waits until it holds; returns how long that took. Unit: s."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"not within {within} s: {what}"
        time.sleep(0.03)
    return time.monotonic() - began


def inks(driver, bed: str = "chair-1", rows: int = 4, place: int = 0) -> int:
    """How many columns of a row have ink; 0 where there is no canvas."""
    return sum(1 for column in ink(driver, bed, rows, place) if column)


def ink(driver, bed: str = "chair-1", rows: int = 4, place: int = 0) -> list[int]:
    if not driver.execute_script(f"return !!document.querySelector('[data-bed=\"{bed}\"] canvas')"):
        return []
    return driver.execute_script(INK, bed, rows, place)


def shown(driver) -> dict[int, tuple[str, str]]:
    """By stream: what stands there, and its state."""
    rows = driver.execute_async_script("const done = arguments[0]; (async () => {" + SHOWN + "})().then(done)")
    return {n: (text, state) for n, text, state in rows}


def choose(driver, language: str) -> None:
    if driver.execute_script("return document.documentElement.lang") != language:
        driver.find_element("id", "language").click()


def text(driver, selector: str) -> str:
    """The text of the first such element now: the page may make it anew at any time."""
    return driver.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)


def link(driver) -> str:
    return driver.execute_script("return document.body.dataset.link")


def longest_blank(columns: list[int]) -> int:
    """The widest stretch without ink; what leaves at the right comes in at the left."""
    longest = run = 0
    for column in [*columns, *columns]:
        run = 0 if column else run + 1
        longest = max(longest, run)
    return longest


def number(feed: Feed, device: str, metric: str) -> int:
    return next(s.number for s in feed.state.streams if s.device == device and s.metric == metric)


def blank_runs(columns: list[int]) -> list[int]:
    run, runs = 0, []
    for column in columns:
        run = 0 if column else run + 1
        runs.append(run)
    return runs
