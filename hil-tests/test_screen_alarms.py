"""Alarm signals of the screen: what is in sight, in which order, how it flashes, and what sounds when.

Against the dev feed (peers/screen_people.py). The bounds are those of docs/alarms/screen.md.
"""

from __future__ import annotations

import base64
import struct
import time
from collections.abc import Iterator

import pytest

from peers.browser import browser
from peers.heard import faults, pulses
from peers.screen_people import PeopleFeed
from peers.screen_touch import HEARD, Alarms, Touch, until

pytestmark = [pytest.mark.peers, pytest.mark.xdist_group("screen-alarms")]
RATE = 48_000
BURSTS = {"high": [3, 2, 3, 2], "medium": [3], "low": [2]}


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser(1600, 900, *HEARD) as made:
        yield made


@pytest.fixture
def touch(driver, feed: PeopleFeed, alarms: Alarms) -> Iterator[Touch]:
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    yield Touch(driver, feed).open()
    driver.get("about:blank")


# MARK: In sight


def test_the_most_urgent_that_nobody_has_seen_comes_first(touch: Touch, alarms: Alarms) -> None:
    made = {}
    for name, bed, priority in [("seen", "chair-1", "high"), ("low", "chair-2", "low"), ("old", "chair-3", "medium"),
                                ("young", "chair-4", "medium"), ("high", "chair-5", "high")]:
        made[name] = alarms.begin(bed, priority, f"MDC_EVT_{name.upper()}", text=name)
        time.sleep(0.05)
    alarms.set(made["seen"], presence="ack", acknowledgedBy=["layla"])
    touch.press(".alarm-bar .all")
    wanted = [alarms.instance(made[name]) for name in ("high", "old", "young", "low", "seen")]
    until(lambda: touch.run(
        "return [...document.querySelectorAll('.alarm-list tbody tr')].map((row) => row.dataset.instance)") == wanted)
    assert [chip.get_attribute("data-place") for chip in touch.all(".alarm-bar button.alarm")] == [
        "chair-5", "chair-3", "chair-4", "chair-2", "chair-1"]


def test_each_state_is_said_in_words_of_both_languages(touch: Touch, alarms: Alarms) -> None:
    names = ("doubt", "nobody", "ack", "off")
    keys = {name: alarms.begin("chair-1", "medium", f"MDC_EVT_{name.upper()}") for name in names}
    high = alarms.begin("chair-2", "high", "MDC_EVT_HIGH")
    alarms.set(keys["doubt"], unconfirmed=True)
    alarms.set(keys["nobody"], escalated=True)
    alarms.set(keys["ack"], presence="ack", acknowledgedBy=["layla", "omar"])
    touch.feed.state.alarms.switched_off["chair-1"] = [{"alert": "MDC_EVT_OFF", "metric": None}]
    alarms.end(high)
    touch.press(".alarm-bar .all")
    for words in ("in doubt: not seen again yet", "nobody has answered", "acknowledged by layla, omar", "switched off",
                  "over, and seen by nobody"):
        touch.says(words, ".alarm-list")
    touch.press("#language")
    for words in ("غير مؤكد: لم يُرصد من جديد بعد", "لم يستجب أحد",
                  "أكّد مشاهدته layla, omar", "موقوف", "انتهى ولم يره أحد", "تشبع الأكسجين 85 % أقل من 88 %"):
        touch.says(words, ".alarm-list")


def test_a_priority_has_a_mark_and_a_word_beside_its_colour(touch: Touch, alarms: Alarms) -> None:
    for place, priority in enumerate(("high", "medium", "low")):
        alarms.begin(f"chair-{place + 1}", priority, f"MDC_EVT_{priority.upper()}")
    until(lambda: len(touch.all(".alarm-bar button.alarm")) == 3)
    shown = [touch.text(f'button.alarm[data-priority="{priority}"]') for priority in ("high", "medium", "low")]
    assert ["!!!" in shown[0], "!!" in shown[1], "!" in shown[2]] == [True] * 3
    assert ["High" in shown[0], "Medium" in shown[1], "Low" in shown[2]] == [True] * 3
    assert "!!" not in shown[2] and "!!!" not in shown[1]


def flashes(touch: Touch, priority: str, seconds: float = 4) -> float:
    """How often the ground of a chip changes and comes back, from what the browser computes. Unit: Hz."""
    return touch.call("""const node = document.querySelector(`.alarm-bar button.alarm[data-priority=${given[0]}]`)
      const end = performance.now() + given[1] * 1000
      let [changes, last] = [0, getComputedStyle(node).backgroundColor]
      while (performance.now() < end) {
        await new Promise(requestAnimationFrame)
        const now = getComputedStyle(node).backgroundColor
        if (now !== last) { changes += 1; last = now }
      }
      return changes / 2 / given[1]""", priority, seconds)


def test_high_and_medium_flash_as_they_must_and_low_does_not(touch: Touch, alarms: Alarms) -> None:
    for place, priority in enumerate(("high", "medium", "low")):
        alarms.begin(f"chair-{place + 1}", priority, f"MDC_EVT_{priority.upper()}")
    until(lambda: len(touch.all(".alarm-bar button.alarm")) == 3)
    assert 1.4 <= flashes(touch, "high") <= 2.8
    assert 0.4 <= flashes(touch, "medium", 10) <= 0.8
    assert flashes(touch, "low", 2) == 0
    touch.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    assert flashes(touch, "high", 2) == 0


def test_what_is_seen_or_silent_does_not_flash(touch: Touch, alarms: Alarms) -> None:
    key = alarms.begin("chair-1", "high")
    until(lambda: touch.one(".alarm-bar button.alarm"))
    alarms.set(key, presence="ack", acknowledgedBy=["layla"])
    until(lambda: touch.one('.alarm-bar button.alarm[data-signal="seen"]'))
    assert flashes(touch, "high", 2) == 0


def test_what_begins_is_announced_at_once_or_when_there_is_time(touch: Touch, alarms: Alarms) -> None:
    alarms.begin("chair-1", "medium", "MDC_EVT_A", text="Chair 1: A medium one")
    touch.says("Medium: Chair 1: A medium one", '[aria-live="polite"]')
    alarms.begin("chair-2", "high", "MDC_EVT_B", text="Chair 2: A high one")
    touch.says("High: Chair 2: A high one", '[aria-live="assertive"]')
    assert "medium one" not in touch.text('[aria-live="assertive"]')


def test_hostile_words_of_a_device_are_text(touch: Touch, alarms: Alarms) -> None:
    alarms.begin("chair-1", "high", text="<img src=x onerror=window.hit=1>\u202eevil" + "W" * 9000)
    touch.says("<img src=x", "button.alarm")
    touch.press(".alarm-bar .all").press('button.alarm[data-place="chair-1"]')
    assert touch.run("return window.hit ?? null") is None and touch.one(".alarm-bar img, .dialog img") is None
    assert "\u202e" not in touch.run("return document.querySelector('.alarm-bar').textContent")
    assert len(touch.run("return document.querySelector('button.alarm .cause').textContent")) <= 200


def test_alarms_are_counted_for_each_bed_and_hour(touch: Touch) -> None:
    told = touch.call("""const { rate } = await import('/alarm-rules.js')
      const hour = 3_600_000
      const one = (t, bed, more = {}) => ({ t, event: 'alertStart', body: { bed, ...more } })
      const events = [{ t: 0, event: 'sessionStarted', body: {} }, one(1, 'a'), one(2, 'a', { repeated: 2 }),
        one(3, 'b'), one(4, 'gone'), { t: 5, event: 'alertEnd', body: { bed: 'a' } }, one(6, null)]
      const whole = rate(events, ['a', 'b'], { from: -10 * hour, to: 2 * hour, isCut: false })
      const spread = events.map((e) => ({ ...e, t: e.t * hour / 6 }))
      const cut = rate(spread, ['a', 'b'], { from: 0, to: 9 * hour, isCut: true })
      return [whole.count, whole.hours, whole.perBedHour, cut.hours, rate([], [], { from: 0, to: hour }).perBedHour]""")
    assert told == [5, 2, 1.25, 1, None]
    touch.press(".alarm-bar .all").says("alarms for each bed and hour", ".alarm-list")


# MARK: Heard


def bursts(touch: Touch) -> list[str]:
    return touch.call("return (await import('/alarms.js')).sounder.bursts.map((burst) => burst.priority)")


def newest(touch: Touch, since: int, within: float = 5) -> str:
    return until(lambda: bursts(touch)[since:], within, "nothing sounds")[0]


def forgotten(touch: Touch) -> None:
    touch.call("(await import('/alarms.js')).sounder.bursts = []; return true")


def test_silencing_high_at_one_bed_silences_no_other(touch: Touch, alarms: Alarms, feed: PeopleFeed) -> None:
    alarms.begin("chair-1", "high", "MDC_EVT_A")
    medium = alarms.begin("chair-2", "medium", "MDC_EVT_B")
    assert newest(touch, 0) == "high"
    forgotten(touch)
    feed.state.alarms.pause("chair-1", 60)
    assert newest(touch, 0) == "medium"
    forgotten(touch)
    alarms.set(medium, presence="ack", acknowledgedBy=["layla"])
    assert newest(touch, 0) == "reminder", "what is silent is not forgotten"
    feed.state.alarms.paused.clear()
    assert until(lambda: "high" in bursts(touch), 5), "a pause that ended stays silent"


@pytest.mark.parametrize("members", [{"presence": "ack", "acknowledgedBy": ["a"]}, {"presence": "latched"}])
def test_only_what_is_on_sounds(touch: Touch, alarms: Alarms, members: dict) -> None:
    key = alarms.begin("chair-1", "high")
    assert newest(touch, 0) == "high"
    if members["presence"] == "latched":
        alarms.end(key)
    else:
        alarms.set(key, **members)
    until(lambda: touch.one(f'button.alarm[data-presence="{members["presence"]}"]'))
    time.sleep(0.5)
    forgotten(touch)
    time.sleep(6)
    assert bursts(touch) == []


def test_bursts_come_again_in_time_and_sooner_when_nobody_answers(touch: Touch, alarms: Alarms) -> None:
    key = alarms.begin("chair-1", "high")
    until(lambda: len(bursts(touch)) >= 2, 15)
    calm = touch.call("const all = (await import('/alarms.js')).sounder.bursts; return all[1].at - all[0].at") / 1000
    alarms.set(key, escalated=True)
    forgotten(touch)
    until(lambda: len(bursts(touch)) >= 2, 15)
    pressed = touch.call("const all = (await import('/alarms.js')).sounder.bursts; return all[1].at - all[0].at") / 1000
    length = 3.15
    assert 2.5 <= calm - length <= 15 and 2.5 <= pressed - length + 0.2 <= 15 and pressed < calm - 1


def test_a_lost_server_is_in_sight_and_sounds_and_comes_back_by_itself(touch: Touch, feed: PeopleFeed) -> None:
    assert bursts(touch) == []
    touch.driver.execute_async_script("fetch('/feed?hang=9').finally(arguments[0])")
    began = time.monotonic()
    until(lambda: touch.one('.condition[data-kind="lost"]'), 4, "a lost server is not shown")
    assert time.monotonic() - began <= 2.5
    assert newest(touch, 0, 2) == "high"
    touch.press('.condition[data-kind="lost"]', "alarms.lost.silence")
    until(lambda: "reminder" in bursts(touch), 3, "what is silent is forgotten")
    until(lambda: touch.one('.condition[data-kind="lost"]') is None, 15, "it does not come back")


def test_a_screen_without_a_loudspeaker_and_one_that_nobody_touched_say_so(feed: PeopleFeed, alarms: Alarms) -> None:
    with browser(1280, 800) as silent:
        touch = Touch(silent, feed).open()
        touch.says("This screen has no loudspeaker", ".conditions")
    with browser(1280, 800, *HEARD[1:]) as untouched:
        touch = Touch(untouched, feed).open()
        touch.says("silent until somebody touches it", ".conditions")
        alarms.begin("chair-1", "high")
        time.sleep(1)
        assert bursts(touch) == []
        touch.press(".conditions .open-sound")
        until(lambda: touch.one('.condition[data-kind="sound"]') is None, 5, "it stays silent")
        assert newest(touch, 0) == "high"


# MARK: What a burst is made of


def samples(touch: Touch, changed: str = "") -> list[float]:
    """The burst of a priority as the page renders it; `changed` is done before to what it is made by."""
    told = touch.call("""const tones = await import('/tones.js')
      """ + changed + """
      const heard = await tones.rendered(priority, 48000)
      let text = ''
      const bytes = new Uint8Array(heard.buffer)
      for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768))
      return btoa(text)""")
    raw = base64.b64decode(told)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


@pytest.mark.parametrize("priority", BURSTS)
def test_a_burst_has_the_pulses_and_partials_that_it_must(touch: Touch, priority: str) -> None:
    heard = samples(touch, f"const priority = '{priority}'")
    assert faults(heard, RATE, BURSTS[priority]) == []
    assert max(map(abs, heard)) <= 1, "it is clipped"
    assert all(0.07 < ended - began < 0.26 for began, ended in pulses(heard, RATE))


@pytest.mark.parametrize(("changed", "fault"), [
    ("tones.TONES.high.starts.pop()", "9 pulses instead of 10"),
    ("tones.PARTIALS.fill(0.01, 1)", "0 harmonics within 15 dB"),
    ("tones.TONES.high.starts[5] -= 0.65", "groups of"),
])
def test_the_measure_finds_what_is_wrong(touch: Touch, changed: str, fault: str) -> None:
    heard = samples(touch, f"const priority = 'high'; {changed}")
    touch.driver.refresh()
    assert any(fault in each for each in faults(heard, RATE, BURSTS["high"])), faults(heard, RATE, BURSTS["high"])


def test_a_sound_that_stands_is_opened_anew(touch: Touch) -> None:
    told = touch.call("""
      const { Sounder } = await import('/sound.js')
      const made = []
      const sounder = new Sounder(() => {
        made.push({ state: 'running', currentTime: 1, resume: async () => {}, async close() { this.state = 'closed' } })
        return made.at(-1)
      })
      await new Promise((resume) => setTimeout(resume, 2600))
      const before = sounder.audible
      sounder.open()
      const after = [sounder.audible, made.map((each) => each.state)]
      sounder.close()
      return [before, ...after]""")
    assert told == ["standing", "sounds", ["closed", "running"]]
