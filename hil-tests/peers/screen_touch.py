"""Hands and eyes of the screen's tests: opens it in a browser, presses what a person presses, reads what they read."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from .screen_people import PeopleFeed

# A browser that may sound without a touch, and that has a loudspeaker (a pretended one).
HEARD = ("--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
         "--use-fake-ui-for-media-stream")
SECRET = "1234"
QUANTITY = "417.3"  # mL/h
# Marks that keep directions apart, and that nobody sees.
ISOLATES = "\u2066\u2068\u2069"


def until(true: Callable[[], object], within: float = 6, words: str = "it did not come true") -> object:
    """What is true at last. Unit: s."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(words)


class Alarms:
    """Which alarms stand at the feed: only these."""

    def __init__(self, feed: PeopleFeed) -> None:
        self.feed, self.found = feed, {}
        self.alarms = feed.state.alarms
        with feed.state.lock:
            self.alarms.standing.clear()
            self.alarms.conditions = lambda: dict(self.found)
            step = self.alarms.step
            # What is set here is told like what the feed itself finds.
            self.alarms.step = lambda: bool(step()) or True

    def begin(self, bed: str | None, priority: str, alert: str = "MDC_EVT_A", text: str = "SpO2 85 % below 88 %",
              arabic: str = "تشبع الأكسجين 85 % أقل من 88 %", metric: str | None = None,
              nature: str = "physiological", device: str | None = "oximeter-1", **more) -> tuple:
        key = (bed, device, metric, alert)
        with self.feed.state.lock:
            self.found[key] = {"priority": priority, "nature": nature, "text": text, "textArabic": arabic, **more}
        until(lambda: key in self.alarms.standing, words="the feed tells no alarm")
        return key

    def end(self, key: tuple) -> None:
        with self.feed.state.lock:
            self.found.pop(key, None)

    def instance(self, key: tuple) -> str:
        return self.alarms.standing[key]["instance"]

    def presence(self, key: tuple) -> str | None:
        return self.alarms.standing.get(key, {}).get("presence")

    def set(self, key: tuple, **members) -> None:
        with self.feed.state.lock:
            (self.found[key] if key in self.found else {}).update(members)
            self.alarms.standing[key].update(members)


class Touch:
    """A screen in a browser."""

    def __init__(self, driver, feed: PeopleFeed) -> None:
        self.driver, self.feed = driver, feed

    def open(self, address: str = "#/technical", language: str = "en") -> Touch:
        self.driver.get(self.feed.address)
        self.run("localStorage.setItem('language', arguments[0])", language)
        self.driver.get("about:blank")
        self.driver.get(self.feed.address + address)
        until(lambda: self.run("return document.body.dataset.link") == "live", 15, "the screen is not live")
        until(lambda: self.one(".alarm-bar"), 10, "there is no alarm bar")
        return self

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def call(self, body: str, *arguments):
        """Runs the body of an asynchronous function whose modules are the page's own."""
        wrapped = ("const done = arguments[arguments.length - 1]; const given = Array.from(arguments).slice(0, -1);"
                   f"(async () => {{ {body} }})().then(done, (error) => done({{ failed: String(error) }}))")
        told = self.driver.execute_async_script(wrapped, *arguments)
        assert not (isinstance(told, dict) and "failed" in told), told
        return told

    def act(self, action: str, **params) -> Touch:
        """Opens an act's dialog as a bed's screen does."""
        self.call("const people = await import('/people.js'); people.openPeople(given[0], given[1]); return true",
                  action, params)
        return self

    def all(self, where: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, where)

    def one(self, where: str):
        return next(iter(self.all(where)), None)

    def text(self, where: str = "body") -> str:
        """What stands there, without the marks that keep directions apart."""
        return "".join(c for c in self.run(
            "return document.querySelector(arguments[0])?.innerText ?? ''", where) if c not in ISOLATES)

    def says(self, words: str, where: str = "body", within: float = 6) -> None:
        until(lambda: words in self.text(where), within, f"“{words}” is not in: {self.text(where)}")

    def press(self, where: str, key: str | None = None) -> Touch:
        """Presses the element; with a key, the one of those whose words have that key."""
        wanted = where if key is None else f'{where} [data-t="{key}"]'
        until(lambda: self.one(wanted), words=f"there is no {wanted}")
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.one(wanted))
        self.one(wanted).click()
        return self

    def fill(self, name: str, text: str, place: int = 0) -> Touch:
        field = until(lambda: self.all(f'.dialog input[name="{name}"]'), words=f"there is no {name}")[place]
        field.clear()
        field.send_keys(text)
        return self

    def sign(self, who: str, secret: str = SECRET, place: int = 0) -> Touch:
        return self.fill("id", who, place).fill("secret", secret, place)

    def choose(self, value: str) -> Touch:
        self.run("document.querySelector(`.dialog input[value='${arguments[0]}']`).click()", value)
        return self

    def submit(self) -> Touch:
        return self.press(".dialog button[type=submit]")

    def told(self, kind: str, within: float = 6) -> str:
        until(lambda: self.one(f".dialog .told.{kind}"), within, f"not {kind}: {self.text('.dialog')}")
        return self.text(f".dialog .told.{kind}")

    def close(self) -> Touch:
        self.press(".dialog .tools", "people.close")
        return self

    def key(self, *keys: str, shift: bool = False) -> Touch:
        """Presses keys, wherever the focus is."""
        hands = ActionChains(self.driver)
        if shift:
            hands.key_down(Keys.SHIFT)
        hands.send_keys(*keys)
        if shift:
            hands.key_up(Keys.SHIFT)
        hands.perform()
        return self

    def focused(self) -> dict:
        return self.run("""const at = document.activeElement
          return { name: at.localName, text: at.innerText ?? '', key: at.dataset.t ?? '', place: at.dataset.place ?? '',
                   input: at.name ?? '', type: at.type ?? '', dialog: at.closest('.dialog') !== null }""")

    def page_holds(self, words: str) -> bool:
        """Whether a string is anywhere in the page: its elements, its attributes, its fields, its storage."""
        return words in self.run("""return document.documentElement.outerHTML + JSON.stringify([
          ...[...document.querySelectorAll('input, textarea')].map((input) => input.value),
          { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state])""")

    def heap(self) -> str:
        """Every string and object of the page's memory, as the browser's own snapshot has them."""
        from websocket import create_connection

        where = self.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        with urllib.request.urlopen(f"http://{where}/json/list") as answer:
            page = next(one for one in json.load(answer) if one["type"] == "page")
        socket = create_connection(page["webSocketDebuggerUrl"], suppress_origin=True, timeout=60)
        chunks: list[str] = []
        try:
            for number, method in enumerate(("HeapProfiler.collectGarbage", "HeapProfiler.takeHeapSnapshot")):
                socket.send(json.dumps({"id": number, "method": method}))
                while (told := json.loads(socket.recv())).get("id") != number:
                    chunks.append(told.get("params", {}).get("chunk", ""))
        finally:
            socket.close()
        return "".join(chunks)


def enter(touch: Touch, quantity: str) -> None:
    touch.fill("quantity-new-rate", quantity)


def looked(touch: Touch, who: str, device: str = "pump-1") -> Touch:
    touch.act("pump", device=device).sign(who).submit()
    until(lambda: touch.one(".dialog .acts"), words=touch.text(".dialog"))
    return touch


def drafted(touch: Touch, quantity: str = QUANTITY) -> Touch:
    looked(touch, "layla").run("document.querySelector('.dialog .acts button').click()")
    enter(touch, quantity)
    touch.sign("layla").submit().told("done")
    return touch


def verified(touch: Touch) -> Touch:
    drafted(touch).press(".dialog", "pumps.verify.do")
    enter(touch, QUANTITY)
    touch.sign("omar").submit().told("done")
    return touch
