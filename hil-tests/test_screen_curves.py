"""The screen's own sums, in a real browser without a unit: where samples are placed, and the server's clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peers.browser import browser
from peers.screen_feed import Feed

pytestmark = [pytest.mark.peers, pytest.mark.timeout(120), pytest.mark.xdist_group("screen")]

# Gives the entries to a curve, and walks over all of it: [[t, v, whether the pen came from the sample before], …].
WALK = """
const [entries, done] = arguments
import('/curves.js').then(({Curve}) => {
  const curve = new Curve(), seen = []
  const taken = entries.map(entry => curve.take(entry) !== undefined)
  curve.walk(-1e12, 1e12, (t, v) => seen.push([t, v, false]), (t, v) => seen.push([t, v, true]))
  done({taken, seen, pieces: curve.pieces.length})
})
"""


@pytest.fixture(scope="module")
def page() -> Iterator:
    feed = Feed()
    with browser(800, 600) as driver:
        driver.get(f"http://127.0.0.1:{feed.port}/#/none")
        yield driver
    feed.stop()


def entry(first: int, count: int, t0: float | None = None, dt: float = 4) -> list:
    return [1, first, t0 if t0 is not None else first * dt, dt, list(range(first, first + count))]


def walk(page, *entries: list) -> dict:
    return page.execute_async_script(WALK, list(entries))


def test_pieces_in_a_row_are_one_line(page):
    seen = walk(page, entry(0, 62), entry(62, 63), entry(125, 62))["seen"]
    assert [v for _, v, _ in seen] == list(range(187))
    assert [t for t, _, _ in seen] == [4 * k for k in range(187)]
    assert [joined for _, _, joined in seen] == [False] + [True] * 186


def test_a_hole_and_a_value_that_is_none_lift_the_pen(page):
    seen = walk(page, entry(0, 10), entry(15, 10))["seen"]
    assert [v for _, v, joined in seen if not joined] == [0, 15]
    hollow = entry(0, 10)
    hollow[4][4] = None
    assert [v for _, v, joined in walk(page, hollow)["seen"] if not joined] == [0, 5]


def test_what_comes_late_or_twice_is_in_its_place_once(page):
    told = walk(page, entry(0, 10), entry(20, 10), entry(40, 10), entry(5, 40), entry(0, 50))
    assert [v for _, v, _ in told["seen"]] == list(range(50))
    assert [joined for _, _, joined in told["seen"]] == [False] + [True] * 49
    assert told["taken"] == [True, True, True, True, False]
    assert [t for t, _, _ in told["seen"]] == sorted(t for t, _, _ in told["seen"])


@pytest.mark.parametrize("factor", [0.97, 1.0, 1.03])
def test_a_device_with_a_rhythm_of_its_own_never_drifts(page, factor):
    """The samples say 4 ms, and are `factor` times that apart: after two minutes each is still where the journal is."""
    entries = [entry(k * 62, 62, t0=k * 62 * 4 * factor) for k in range(480)]
    seen = walk(page, *entries)["seen"]
    true = {k * 62: k * 62 * 4 * factor for k in range(480)}
    late = [abs(t - true[v]) for t, v, _ in seen if v in true]
    # 20 ms are two pixels, while the rhythm is learnt.
    assert max(late) < 20 and max(late[100:]) < 4
    assert all(b[0] > a[0] for a, b in zip(seen, seen[1:])), "no sample is before the one before it"
    assert sum(1 for one in seen if not one[2]) == 1


def test_a_jump_in_time_lifts_the_pen_though_no_number_is_missing(page):
    seen = walk(page, entry(0, 10), entry(10, 10, t0=5000))["seen"]
    assert [(t, v) for t, v, joined in seen if not joined] == [(0, 0), (5000, 10)]


@pytest.mark.parametrize("lie", [
    [1, -1, 0, 4, [1]], [1, 0.5, 0, 4, [1]], [1, 0, None, 4, [1]], [1, 0, 0, 0, [1]], [1, 0, 0, -4, [1]],
    [1, 0, 0, 4, []], [1, 0, 0, 4, {}], [1, 0, 0, 4, [0] * 20001], [1],
])
def test_what_is_no_entry_is_left_aside(page, lie):
    assert walk(page, lie, entry(0, 3))["taken"] == [False, True]


def test_the_scale_holds_as_long_as_the_curve_stays_in_it(page):
    scales = page.execute_async_script("""
        const done = arguments[0]
        import('/curves.js').then(({scaleFor}) => done([
          scaleFor([0, 1.1], undefined), scaleFor([0.1, 1], [0, 1.2]), scaleFor([0.1, 1.3], [0, 1.2]),
          scaleFor([0.5, 0.6], [0, 1.2]), scaleFor([5, 5], undefined), scaleFor(undefined, [0, 1])]))""")
    assert scales[1] == [0, 1.2] and scales[5] == [0, 1]
    assert scales[2][1] >= 1.3 and scales[3][1] - scales[3][0] < 0.3 and scales[4] == [4, 6]
    assert scales[0][0] <= 0 and 1.1 <= scales[0][1] <= 1.4


def test_the_clock_goes_by_the_message_that_came_fastest(page):
    offsets = page.execute_async_script("""
        const done = arguments[0]
        import('/clock.js').then(({ServerClock}) => {
          const clock = new ServerClock(), told = []
          // The server is 1,000 ms ahead; messages take 5 to 305 ms. After a minute its clock is 20 ms slower.
          for (let here = 0; here < 180000; here += 250) {
            const delay = 5 + (here * 7 / 250) % 300
            clock.take(here - delay + 1000 - (here > 60000 ? 20 : 0), 5e12, here)
            told.push(clock.offset)
          }
          clock.take(NaN, 1, 5)
          told.push(clock.offset)
          done(told)
        })""")
    assert 990 <= offsets[100] <= 1000 and 970 <= offsets[-2] <= 980 and offsets[-1] == offsets[-2]


# Gives each lateness to a bed's delay, and asks what it comes to: [wanted after all, each now() a frame apart].
DELAY = """
const [told, least, done] = arguments
import('/delay.js').then(({Delay}) => {
  const delay = new Delay(), slid = []
  for (const [n, lateness, here] of told) {
    delay.take(n, lateness, here)
    slid.push(delay.now(here, least))
  }
  done({wanted: delay.wanted(least), slid})
})
"""


def delay_of(page, told: list, least: int = 330) -> dict:
    return page.execute_async_script(DELAY, told, least)


def test_a_bed_waits_as_long_as_its_samples_are_late(page):
    """A second at once, taken into the journal up to a quarter of a second later."""
    late = [[1, 1000 + 40 * (k % 7), k * 1000] for k in range(12)]
    assert delay_of(page, late)["wanted"] == 1240 - 40 + 50, "what came twice counts: 1,200 ms, and what is added"


def test_a_device_in_step_and_a_single_late_entry_keep_the_small_delay(page):
    steady = [[1, 250 + k % 12, k * 250] for k in range(40)]
    assert delay_of(page, steady)["wanted"] == 330
    assert delay_of(page, [*steady, [1, 1400, 10_000]])["wanted"] == 330
    held_up = [*steady, [1, 1400, 10_000], [1, 1150, 10_001], [1, 900, 10_002]]
    assert delay_of(page, held_up)["wanted"] == 330, "what one hold-up makes late is late once"
    assert delay_of(page, [*held_up, [1, 1400, 11_250]])["wanted"] == 1450, "twice is its way"


def test_the_delay_is_bounded_and_slides_and_comes_back(page):
    assert delay_of(page, [[1, 9000, k * 250] for k in range(9)])["wanted"] == 1500
    late = [[1, 250, k * 16] for k in range(100)] + [[1, 1200, 1600 + k * 16] for k in range(300)]
    back = [[1, 250, 6400 + k * 100] for k in range(500)]
    slid = delay_of(page, late + back)["slid"]
    assert max(slid) == 1250 and slid[-1] == 330
    steps = [(b - a) / (now - before) for a, b, (_, _, before), (_, _, now)
             in zip(slid, slid[1:], late + back, (late + back)[1:])]
    assert max(steps) <= 0.5 + 1e-6 and min(steps) >= -0.1 - 1e-6, "a pen never stands, nor runs"


# What a bed shows: its curves each with its blocks, and the blocks by themselves.
ARRANGE = """
const [streams, done] = arguments
import('/metrics.js').then(({arrange}) => {
  const told = (one) => [one.form ?? null, one.parts.map(part => part.n), one.second?.stream.n ?? null, one.again]
  const {waves, blocks} = arrange(streams)
  done([waves.map(wave => [wave.stream.n, wave.again, wave.blocks.map(told)]), blocks.map(told)])
})
"""


def stream(n: int, device: str, metric: str, kind: str = "number", vmd: str | None = None) -> dict:
    return {"n": n, "device": device, "vmd": vmd, "metric": metric, "kind": kind, "unit": "1", "label": metric}


def test_what_two_devices_tell_is_shown_once_large(page):
    saturation, pulse = "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE"
    told = page.execute_async_script(ARRANGE, [
        stream(1, "capnograph", saturation), stream(2, "capnograph", pulse),
        stream(3, "monitor", saturation), stream(4, "monitor", pulse),
        stream(5, "monitor", "MDC_PULS_OXIM_PLETH", "wave"), stream(6, "oximeter", saturation),
        stream(7, "oximeter", "MDC_PULS_OXIM_PLETH", "wave"), stream(8, "monitor", "X"), stream(9, "oximeter", "X")])
    assert told == [
        [[5, False, [["saturation", [3], 4, False]]], [7, True, [["saturation", [6], None, True]]]],
        [["saturation", [1], 2, True], [None, [8], None, False], [None, [9], None, True]]]


def test_a_pressure_is_never_put_together_of_two_devices(page):
    upper, lower = "MDC_PRESS_BLD_NONINV_SYS", "MDC_PRESS_BLD_NONINV_DIA"
    told = page.execute_async_script(ARRANGE, [
        stream(1, "a", upper), stream(2, "b", lower), stream(3, "b", upper, vmd="x"), stream(4, "b", upper)])
    assert told[1] == [["cuff", [1], None, False], ["cuff", [4, 2], None, True], ["cuff", [3], None, True]]
