"""Everybody can use the screen: axe-core finds nothing serious, a keyboard reaches all, targets are as large as a glove
needs, and no Arabic word is clipped. Each checker is shown a fault that it must find.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from peers.axe import grave
from peers.browser import browser
from peers.screen_people import PeopleFeed
from peers.screen_touch import HEARD, SECRET, Alarms, Touch, until

pytestmark = [pytest.mark.peers, pytest.mark.xdist_group("screen-access")]
SCREEN = Path(__file__).resolve().parents[1] / "screen"
LANGUAGES = ["en", "ar"]
PAGES = ["#/unit", "#/bed/chair-1", "#/technical"]
DIALOGS = [
    ("acknowledge", {"bed": "chair-1"}), ("pause", {"bed": "chair-1"}), ("bind", {"bed": "chair-5"}),
    ("unbind", {"bed": "chair-1"}), ("withdraw", {"bed": "chair-1"}), ("replace", {"bed": "chair-1"}),
    ("enter", {"bed": "chair-1", "item": "esas-pain"}), ("preset", {"bed": "chair-1"}), ("pump", {"device": "pump-1"}),
    ("pump", {}), ("stop", {}), ("consultation", {}), ("patients", {}),
    ("switch-off", {"bed": "chair-1", "alarm": {"alert": "MDC_EVT_A", "metric": "MDC_X"}}),
]
# Unit: CSS px.
TARGET = 48


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser(1280, 900, *HEARD) as made:
        yield made


@pytest.fixture
def touch(driver, feed: PeopleFeed, alarms: Alarms) -> Iterator[Touch]:
    made = Touch(driver, feed)
    for place, priority in enumerate(("high", "medium", "low")):
        alarms.begin(f"chair-{place + 1}", priority, f"MDC_EVT_{priority.upper()}")
    yield made
    driver.get("about:blank")


def shown(touch: Touch, address: str, language: str) -> Touch:
    touch.open(address, language)
    until(lambda: len(touch.all(".alarm-bar button.alarm")) == 3)
    until(lambda: len(touch.text("#screen")) > 100, 10, "the screen stays empty")
    return touch


# MARK: axe-core


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_nothing_serious_is_wrong_with_a_page(touch: Touch, page: str, language: str) -> None:
    shown(touch, page, language)
    assert grave(touch.driver) == []
    touch.press(".alarm-bar .all")
    assert grave(touch.driver) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_serious_is_wrong_with_a_dialog(touch: Touch, language: str) -> None:
    shown(touch, "#/technical", language)
    for action, params in DIALOGS:
        touch.act(action, **params)
        assert grave(touch.driver) == [], action
    touch.act("unbind", bed="chair-1").sign("layla", "wrong").submit().told("refused")
    assert grave(touch.driver) == []
    touch.sign("layla").submit().told("done")
    assert grave(touch.driver) == []
    touch.act("pump", device="pump-1").sign("layla").submit()
    until(lambda: touch.one(".dialog .acts"))
    assert grave(touch.driver) == []
    touch.run("document.querySelector('.dialog .acts button').click()")
    assert grave(touch.driver) == []


@pytest.mark.parametrize(("fault", "rule"), [
    ("document.querySelector('.dialog label').remove()", "label"),
    ("document.querySelector('.dialog button').textContent = ''", "button-name"),
    ("document.querySelector('.dialog h2').style.color = '#2a3138'", "color-contrast"),
    ("document.querySelector('.dialog').setAttribute('aria-labelledby', 'nothing')", "aria-dialog-name"),
])
def test_axe_finds_what_is_wrong(touch: Touch, fault: str, rule: str) -> None:
    shown(touch, "#/technical", "en").act("unbind", bed="chair-1").run(fault)
    assert any(each.startswith(rule) for each in grave(touch.driver)), grave(touch.driver)


# MARK: A keyboard alone


def tabbed_to(touch: Touch, is_there, most: int = 60) -> dict:
    """Presses Tab until the focus is where it is wanted; each place on the way shows that it has the focus."""
    for _ in range(most):
        touch.key(Keys.TAB)
        if is_there(at := touch.focused()):
            outline = touch.run("""const style = getComputedStyle(document.activeElement)
              return style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)""")
            assert outline >= 2, f"nothing shows that {at} has the focus"
            return at
    raise AssertionError("the keyboard does not reach it")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_keyboard_alone_reaches_and_acknowledges_every_alarm(
    touch: Touch, alarms: Alarms, feed: PeopleFeed, language: str
) -> None:
    shown(touch, "#/unit", language)
    for place in ("chair-1", "chair-2", "chair-3"):
        touch.run("document.getElementById('skip').focus()")
        tabbed_to(touch, lambda at, wanted=place: at["place"] == wanted)
        touch.key(Keys.ENTER)
        until(lambda: touch.one(".dialog"))
        tabbed_to(touch, lambda at: at["input"] == "id")
        touch.key("layla", Keys.TAB, SECRET, Keys.ENTER)
        touch.told("done")
        touch.key(Keys.ESCAPE)
        until(lambda: touch.one(".dialog") is None)
        assert touch.focused()["place"] == place, "the focus does not come back"
    until(lambda: all(alarms.presence(key) == "ack" for key in alarms.found))
    assert feed.desk.count("acknowledge") == 3


def test_the_keyboard_alone_stops_a_pump_and_opens_the_list(touch: Touch, feed: PeopleFeed) -> None:
    shown(touch, "#/unit", "en")
    tabbed_to(touch, lambda at: "All alarms" in at["text"])
    touch.key(Keys.ENTER)
    tabbed_to(touch, lambda at: at["key"] == "alarms.acknowledge")
    touch.run("document.getElementById('skip').focus()")
    tabbed_to(touch, lambda at: at["key"] == "people.stop")
    touch.key(Keys.ENTER)
    until(lambda: touch.one(".dialog .stops"))
    assert touch.focused()["name"] == "h2", "a key that is still down would stop the first pump"
    tabbed_to(touch, lambda at: "pump-1" in at["text"])
    touch.key(Keys.ENTER)
    until(lambda: feed.desk.count("stop") == 1)


def test_the_keyboard_does_not_leave_a_dialog_and_a_way_out_is_escape(touch: Touch) -> None:
    shown(touch, "#/unit", "en").act("enter", bed="chair-1", item="consciousness")
    for _ in range(40):
        touch.key(Keys.TAB)
        assert touch.focused()["dialog"]
    for _ in range(5):
        touch.key(Keys.TAB, shift=True)
        assert touch.focused()["dialog"]
    touch.key(Keys.ESCAPE)
    assert touch.one(".dialog") is None


def test_the_keyboards_checker_finds_what_it_cannot_reach(touch: Touch) -> None:
    shown(touch, "#/unit", "en")
    touch.run("""setInterval(() => {
      for (const each of document.querySelectorAll('.alarm-bar button.alarm')) each.tabIndex = -1
    }, 20)""")
    with pytest.raises(AssertionError, match="does not reach"):
        tabbed_to(touch, lambda at: at["place"] == "chair-1", 25)
    touch.run("document.documentElement.style.setProperty('--focus', 'transparent')")
    touch.run("""const style = new CSSStyleSheet(); style.replaceSync(':focus-visible { outline: none !important }')
      document.adoptedStyleSheets = [style]""")
    touch.run("document.getElementById('skip').focus()")
    with pytest.raises(AssertionError, match="nothing shows"):
        tabbed_to(touch, lambda at: at["key"] == "people.stop")


# MARK: Gloves, and words


def small(touch: Touch) -> list[str]:
    """What is pressed in the bar and the dialogs, and is smaller than a glove needs."""
    return touch.run("""const wanted = '.alarm-bar button, .dialog button, .dialog input, .dialog summary'
      return [...document.querySelectorAll(wanted)].map((node) => {
        const row = ['radio', 'checkbox'].includes(node.type) ? node.closest('.option') : node
        return [node, row.getBoundingClientRect()]
      }).filter(([, box]) => box.width > 0 && (box.width < arguments[0] || box.height < arguments[0]))
        .map(([node, box]) => `${node.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)""", TARGET)


def clipped(touch: Touch) -> list[str]:
    """Words that do not fit where they stand."""
    return touch.run("""const wanted = '.key, .dialog label, .dialog legend, .dialog h2, .dialog p, .condition, ' +
        '.alarm-list th, .alarm-list td, .technical h2, .technical dt, .technical th, button.alarm'
      return [...document.querySelectorAll(wanted)].filter((node) => node.getClientRects().length > 0 &&
        node.clientWidth > 0 && (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1))
        .map((node) => `${node.outerHTML.slice(0, 120)} ${node.scrollWidth}>${node.clientWidth}, ` +
          `${node.scrollHeight}>${node.clientHeight}`)""")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_pressed_is_as_large_as_a_glove_needs_and_no_word_is_clipped(touch: Touch, language: str) -> None:
    shown(touch, "#/technical", language).press(".alarm-bar .all")
    assert small(touch) == [] and clipped(touch) == []
    for action, params in DIALOGS:
        touch.act(action, **params)
        assert small(touch) == [] and clipped(touch) == [], action


def test_the_measures_find_a_small_button_and_a_clipped_word(touch: Touch) -> None:
    shown(touch, "#/technical", "ar").act("unbind", bed="chair-1")
    touch.run("""const key = document.querySelector('.dialog .key')
      key.style.minHeight = key.style.height = '30px'; key.style.lineHeight = '60px'""")
    assert len(small(touch)) == 1 and len(clipped(touch)) == 1


def words(language: str) -> dict[str, str]:
    return json.loads((SCREEN / f"words-people.{language}.json").read_text(encoding="utf-8"))


def unlike(english: dict[str, str], arabic: dict[str, str]) -> list[str]:
    """What one language says and the other does not; figures that are not Western; values that one leaves out."""
    def values(text: str) -> list[str]:
        return sorted(part.split("}")[0] for part in text.split("{")[1:])

    own = {key for key in arabic if not key.startswith("people.refusal.")}
    found = sorted(own ^ set(english))
    found += [key for key in english if key in arabic and values(english[key]) != values(arabic[key])]
    eastern = {*map(chr, range(0x660, 0x66A)), *map(chr, range(0x6F0, 0x6FA))}
    found += [key for key, text in arabic.items() if eastern & set(text)]
    said = [key for key, text in arabic.items() if not any("\u0600" <= c <= "\u06ff" for c in text)]
    return found + [key for key in said if english.get(key, "x") != arabic[key]]


def test_both_languages_say_the_same_things_in_western_digits() -> None:
    english, arabic = words("en"), words("ar")
    assert unlike(english, arabic) == []
    assert unlike(english, {**arabic, "alarms.more": "+{number}"}) == ["alarms.more"] * 2
    assert unlike(english, {**arabic, "stop.do": "إيقاف ٣"}) == ["stop.do"]
    assert unlike(english, {k: v for k, v in arabic.items() if k != "stop.do"}) == ["stop.do"]
