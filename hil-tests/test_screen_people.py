"""What people do at the screen: each act is asked once, by who has signed in, and its outcome is told as it is.

Against the dev feed with a desk that can be late, half or silent (peers/screen_people.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from peers.browser import browser, complaints
from peers.screen_people import PeopleFeed
from peers.screen_touch import (
    HEARD, QUANTITY, SECRET, Alarms, Touch, drafted, enter, looked, until, verified,
)

pytestmark = [pytest.mark.peers, pytest.mark.xdist_group("screen-people")]


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser(1280, 900, *HEARD) as made:
        yield made


@pytest.fixture
def touch(driver, feed: PeopleFeed) -> Iterator[Touch]:
    made = Touch(driver, feed).open()
    driver.get_log("browser")
    yield made
    said = [line for line in complaints(driver) if "/ask" not in line and "ERR_" not in line]
    driver.get("about:blank")
    assert not said, said


# MARK: Acts


def test_acknowledging_names_what_was_shown_and_nothing_else(touch: Touch, alarms: Alarms, feed: PeopleFeed) -> None:
    one = alarms.begin("chair-1", "high", "MDC_EVT_A")
    other = alarms.begin("chair-1", "medium", "MDC_EVT_B", text="Pulse 131 /min above 130 /min")
    touch.says("SpO2 85 % below 88 %", ".alarm-bar")
    touch.press('button.alarm[data-place="chair-1"]')
    shown = touch.text(".dialog")
    assert "SpO2 85 % below 88 %" in shown and "Pulse 131 /min above 130 /min" in shown and "High" in shown
    later = alarms.begin("chair-1", "high", "MDC_EVT_C", text="Later")
    touch.says("+2", ".alarm-bar")
    touch.sign("layla").submit().told("done")
    assert feed.desk.of("acknowledge") == {
        "ask": "acknowledge", "instances": [alarms.instance(one), alarms.instance(other)],
        "priorities": ["high", "medium"]}
    until(lambda: alarms.presence(one) == "ack")
    assert alarms.presence(later) == "on"


def test_what_ended_while_the_dialog_was_open_is_not_sent(touch: Touch, alarms: Alarms, feed: PeopleFeed) -> None:
    ending, staying = alarms.begin("chair-1", "low", "MDC_EVT_A"), alarms.begin("chair-1", "medium", "MDC_EVT_B")
    touch.act("acknowledge", bed="chair-1").sign("layla")
    alarms.end(ending)
    touch.says("This one has ended.", ".dialog")
    touch.submit().told("done")
    assert feed.desk.of("acknowledge")["instances"] == [alarms.instance(staying)]


def test_silence_and_off_and_on(touch: Touch, alarms: Alarms, feed: PeopleFeed) -> None:
    alarms.begin("chair-1", "medium", "MDC_EVT_A", metric="MDC_X")
    touch.act("pause", bed="chair-1").choose("120").sign("layla").submit().told("done")
    assert feed.desk.of("pause") == {"ask": "pause", "bed": "chair-1", "seconds": 120}
    touch.says("Alarms are silent at: Chair 1", ".conditions")
    touch.close().press(".alarm-bar .all").press(".alarm-list", "alarms.off").sign("layla").submit().told("done")
    assert feed.desk.of("switchOff") == {
        "ask": "switchOff", "bed": "chair-1", "alert": "MDC_EVT_A", "metric": "MDC_X"}
    touch.close().says("switched off", ".alarm-list")
    touch.press(".alarm-list .off", "alarms.on").sign("layla").submit().told("done")
    assert feed.desk.of("switchOn") == {"ask": "switchOn", "bed": "chair-1", "alert": "MDC_EVT_A", "metric": "MDC_X"}


def test_the_patient_of_a_bed_comes_goes_and_is_forgotten_by_a_lock(touch: Touch, feed: PeopleFeed) -> None:
    touch.act("bind", bed="chair-5").fill("mrn", "M-77123").fill("birth-date", "1958-03-07").sign("layla")
    touch.submit()
    touch.told("done")
    assert feed.desk.of("bind") == {"ask": "bind", "bed": "chair-5", "since": 0, "identifiers": [
        {"kind": "mrn", "text": "M-77123"}, {"kind": "birth-date", "text": "1958-03-07"}]}
    assert "M-1005" in touch.text(".dialog")
    touch.call("(await import('/people.js')).lock(); return true")
    assert touch.one(".dialog") is None and not touch.page_holds("M-77123") and not touch.page_holds("M-1005")
    touch.act("unbind", bed="chair-5").sign("layla").submit().told("done")
    assert feed.desk.of("unbind") == {"ask": "unbind", "bed": "chair-5"}


def test_limits_that_nothing_is_held_against_are_told_at_the_bed(touch: Touch, feed: PeopleFeed, monkeypatch) -> None:
    plain = feed.state.bed

    def bed(index: int) -> dict:
        made = plain(index)
        made["preset"]["limits"] = [*made["preset"]["limits"], {"metric": "MDC_TEMP_TYMP", "low": "35", "high": "38"}]
        return made

    touch.open("#/bed/chair-1").says("limits not reviewed", ".bed-preset")
    assert "not watched" not in touch.text(".bed-preset"), "all that the preset has is measured here"
    monkeypatch.setattr(feed.state, "bed", bed)
    touch.open("#/unit").open("#/bed/chair-2").says("nothing measures: MDC_TEMP_TYMP", ".bed-preset")


def test_withdraw_replace_enter_and_preset_are_asked_as_the_host_takes_them(touch: Touch, feed: PeopleFeed) -> None:
    touch.act("replace", bed="chair-1").fill("mrn", "M-2").fill("birth-date", "1960-01-02").sign("layla").submit()
    touch.told("done")
    assert feed.desk.of("replaceBinding") == {"ask": "replaceBinding", "bed": "chair-1", "number": 210, "identifiers": [
        {"kind": "mrn", "text": "M-2"}, {"kind": "birth-date", "text": "1960-01-02"}]}
    touch.act("withdraw", bed="chair-2").sign("layla").submit().told("done")
    assert feed.desk.of("withdrawBinding") == {"ask": "withdrawBinding", "bed": "chair-2", "number": 211}
    touch.act("enter", bed="chair-1").choose("consciousness").choose("V").sign("layla").submit().told("done")
    assert feed.desk.of("enter") == {"ask": "enter", "bed": "chair-1", "item": "consciousness", "value": "V"}
    touch.act("enter", bed="chair-1").choose("respiration").fill("respiration", "22")
    touch.sign("layla").submit().told("done")
    assert feed.desk.of("enter") == {"ask": "enter", "bed": "chair-1", "item": "respiration", "value": "22"}
    touch.act("enter", bed="chair-1").choose("esas-pain").choose("7").sign("layla").submit().told("done")
    assert feed.desk.of("enter")["value"] == "7"
    touch.act("preset", bed="chair-1")
    until(lambda: touch.one(".dialog input[value='palliative']"), words="no preset is offered")
    touch.choose("palliative").sign("layla").submit().told("done")
    assert feed.desk.of("choosePreset") == {"ask": "choosePreset", "bed": "chair-1", "preset": "palliative"}


def test_a_consultation_is_opened_for_a_named_clinician_and_says_so_until_it_is_closed(
    touch: Touch, feed: PeopleFeed
) -> None:
    touch.act("consultation").sign("layla").submit()
    until(lambda: touch.one(".dialog input[value='dr-far']"), words="no clinician is offered")
    touch.choose("dr-far").choose("chair-2").choose("30").sign("layla").submit().told("done")
    assert feed.desk.of("openConsultation") == {
        "ask": "openConsultation", "clinician": "dr-far", "seconds": 1800, "bed": "chair-2"}
    touch.close().says("Dr Far Away", ".conditions")
    assert "layla" in touch.text(".conditions") and "Chair 2" in touch.text(".conditions")
    touch.press(".conditions", "people.far.close").sign("omar").submit().told("done")
    assert feed.desk.of("closeConsultation") == {"ask": "closeConsultation", "number": 7}
    until(lambda: "Dr Far Away" not in touch.text(".conditions"))


# MARK: Who asks


def test_the_secret_is_gone_after_each_act_and_asked_anew(touch: Touch, feed: PeopleFeed) -> None:
    touch.act("unbind", bed="chair-1").sign("layla", "wrong-secret-9").submit()
    assert "the id or the secret is wrong" in touch.told("refused")
    assert not touch.page_holds("wrong-secret-9"), "a secret stays in the page"
    touch.sign("layla").submit().told("done")
    touch.act("unbind", bed="chair-2")
    assert touch.one('.dialog input[name="secret"]') is not None


def test_who_stays_signed_in_is_forgotten_by_a_lock_and_by_two_minutes_without_a_touch(
    touch: Touch, feed: PeopleFeed
) -> None:
    touch.act("patients").sign("layla")
    touch.press(".dialog .sign-in input[type=checkbox]").submit()
    touch.says("Made-up Person 1", ".dialog")
    touch.close().act("unbind", bed="chair-1")
    assert touch.one('.dialog input[name="secret"]') is None
    touch.submit().told("done")
    assert feed.desk.asked[-1]["by"] == {"id": "layla", "secret": SECRET}
    assert touch.call("return (await import('/people.js')).patientOf('chair-2').name") == "Made-up Person 2"
    assert touch.call("return (await import('/signin.js')).IDLE") <= 120_000
    touch.press(".dialog .tools", "people.lock")
    held = touch.call("const held = await import('/people.js'); return [held.staying(), held.patientOf('chair-2')]")
    assert held == [None, None]
    touch.act("unbind", bed="chair-2")
    assert touch.one('.dialog input[name="secret"]') is not None


def test_an_engineer_is_refused_in_the_hosts_words_and_in_arabic_ones(touch: Touch) -> None:
    touch.open(language="ar").act("unbind", bed="chair-1").sign("eng").submit()
    said = touch.told("refused")
    assert "لا يحق لك هذا" in said and "eng may not do this" in said


# MARK: One transmission for each press


@pytest.mark.parametrize("manner", ["late", "half", "silent", "drop", "garbage"])
def test_two_presses_are_one_request_whatever_becomes_of_it(touch: Touch, feed: PeopleFeed, manner: str) -> None:
    feed.desk.manner = (manner, 1.5)
    touch.run("""const real = setTimeout
      window.setTimeout = (act, after, ...rest) => real(act, after === 45000 ? 2500 : after, ...rest)""")
    touch.act("unbind", bed="chair-1").sign("layla")
    touch.run("""const form = document.querySelector('.dialog form'), press = form.querySelector('[type=submit]')
      press.click(); press.click(); form.requestSubmit(); press.click()""")
    if manner in ("late", "silent"):
        touch.says("Waiting for the answer", ".dialog")
    assert touch.run("return document.querySelector('.dialog [type=submit]')?.disabled ?? true")
    if manner == "late":
        touch.told("done")
    else:
        assert "Look at the bed" in touch.told("unknown")
        assert "It is not known whether it was done" in touch.text(".dialog")
        assert "Look at the bed" in touch.text(".conditions"), "what is not known stays in sight"
        assert touch.one(".dialog form") is None, "what may have been done can be pressed again"
    time.sleep(1)
    assert feed.desk.count("unbind") == 1


def test_a_request_that_the_host_never_got_is_told_as_such(touch: Touch, feed: PeopleFeed) -> None:
    feed.desk.manner = ("status", 503)
    touch.act("unbind", bed="chair-1").sign("layla").submit()
    assert "did not reach" in touch.told("refused")
    feed.desk.manner = ("status", 500)
    touch.sign("layla").submit().told("unknown")


def test_a_checker_of_one_request_finds_a_second_one(touch: Touch, feed: PeopleFeed) -> None:
    """The same presses, with a page whose guard is taken away."""
    touch.act("unbind", bed="chair-1").sign("layla")
    touch.run("""const form = document.querySelector('.dialog form'), press = form.querySelector('[type=submit]')
      press.click(); form.removeAttribute('aria-busy'); press.disabled = false; press.click()""")
    until(lambda: feed.desk.count("unbind") == 2, words="the desk does not count")


def test_the_browsers_own_repetition_is_seen_by_the_press_that_it_carries(touch: Touch, feed: PeopleFeed) -> None:
    """Chromium says a POST again on a connection that was kept and closes without an answer: the press is the same."""
    feed.desk.manner, feed.desk.only = ("drop",), {"unbind"}
    touch.run("return fetch('/technical').then((answer) => answer.text())")
    touch.act("unbind", bed="chair-1").sign("layla").submit().told("unknown")
    assert feed.desk.count("unbind") == 1 and len(feed.desk.presses) == 1


# MARK: Pumps


def test_the_second_person_enters_blind(touch: Touch, feed: PeopleFeed) -> None:
    looked(touch, "layla").run("document.querySelector('.dialog .acts button').click()")
    enter(touch, QUANTITY)
    touch.sign("layla").press(".dialog", "pumps.preview")
    touch.says("21 53 52", ".dialog")
    assert touch.page_holds("34 31 37 2E 33") and touch.page_holds(QUANTITY), "the checker finds what is there"
    touch.submit().told("done")
    assert feed.desk.of("draft")["entries"] == [{"name": "new-rate", "quantity": QUANTITY}]
    assert not touch.page_holds(QUANTITY) and not touch.page_holds("34 31 37 2E 33")
    touch.press(".dialog", "pumps.verify.do")
    assert not touch.page_holds(QUANTITY)
    assert touch.run("return document.querySelector('[name=quantity-new-rate]').value") == ""
    enter(touch, QUANTITY)
    touch.sign("omar").submit().told("done")
    assert QUANTITY in touch.text(".dialog"), "what both have entered may be seen"
    assert feed.desk.of("verify")["number"] == 41


def test_the_first_persons_quantity_is_nowhere_in_the_pages_memory(touch: Touch, feed: PeopleFeed) -> None:
    looked(touch, "layla").run("document.querySelector('.dialog .acts button').click()")
    enter(touch, QUANTITY)
    touch.run("window.kept = document.querySelector('[name=quantity-new-rate]').value")
    touch.sign("layla").submit().told("done")
    touch.press(".dialog", "pumps.verify.do")
    assert QUANTITY in touch.heap(), "the checker finds what is kept"
    touch.run("delete window.kept")
    assert QUANTITY not in touch.heap()


def test_whoever_entered_first_is_not_the_second_and_what_differs_voids_both(touch: Touch, feed: PeopleFeed) -> None:
    drafted(touch).press(".dialog", "pumps.verify.do")
    enter(touch, QUANTITY)
    touch.sign("layla").submit()
    assert "another one than the first" in touch.told("refused")
    enter(touch, "417.4")
    touch.sign("omar").submit()
    until(lambda: "both are void" in touch.text(".dialog"), words=touch.text(".dialog"))


@pytest.mark.parametrize(("outcome", "kind", "words"), [
    ("confirmed", "done", "Confirmed: the pump shows it."), ("rejected", "refused", "The pump refused it"),
])
def test_a_start_is_said_once_and_followed(touch: Touch, feed: PeopleFeed, outcome: str, kind: str, words: str) -> None:
    feed.desk.pumps.outcome = outcome
    verified(touch).press(".dialog", "pumps.start.do").sign("omar").submit()
    assert words in touch.told(kind, 10)
    assert feed.desk.count("start") == 1


@pytest.mark.parametrize(("language", "void", "then", "now"), [
    ("en", "Void: the pump shows something else", "When it was entered, the pump showed:", "The pump showed:"),
    ("ar", "أُلغي الأمر", "عند إدخال الأمر عرضت المضخة:", "عرضت المضخة:"),
])
def test_a_pump_that_was_changed_since_is_told_with_what_it_showed_then_and_now(
    touch: Touch, feed: PeopleFeed, language: str, void: str, then: str, now: str
) -> None:
    feed.desk.pumps.outcome = "changed"
    verified(touch.open(language=language)).press(".dialog", "pumps.start.do").sign("omar").submit()
    told = touch.told("refused")
    assert "3.7 mL/h; now it shows rate 12.5 mL/h." in told and (language == "en" or void in told)
    touch.close()
    looked(touch, "layla").press(".dialog", "pumps.history").sign("layla").submit()
    until(lambda: void in touch.text(".dialog"), words=touch.text(".dialog"))
    said = touch.text(".dialog")
    assert said.index(then) < said.index("3.7") < said.rindex(now) < said.index("12.5"), said


def test_an_uncertain_command_is_resolved_by_two_people(touch: Touch, feed: PeopleFeed) -> None:
    feed.desk.pumps.outcome = "uncertain"
    verified(touch).press(".dialog", "pumps.start.do").sign("omar").submit()
    touch.says("UNCERTAIN", ".dialog", 10)
    touch.close().says("not followed here any more", ".conditions")
    looked(touch, "layla").press(".dialog", "pumps.resolve.do").choose("notInEffect")
    touch.sign("layla").sign("layla", place=1).submit()
    assert "One person more" in touch.told("refused")
    touch.sign("layla").sign("omar", place=1).submit().told("done")
    assert feed.desk.of("resolve") == {"ask": "resolve", "number": 41, "seen": "notInEffect"}


def test_a_start_without_an_answer_says_look_at_the_pump_and_is_not_said_again(touch: Touch, feed: PeopleFeed) -> None:
    verified(touch).press(".dialog", "pumps.start.do")
    feed.desk.manner, feed.desk.only = ("half",), {"start"}
    touch.sign("omar").submit()
    assert "Look at the pump itself now" in touch.told("unknown")
    assert feed.desk.count("start") == 1


def test_looked_at_unlock_withdraw_and_the_newest_commands(touch: Touch, feed: PeopleFeed) -> None:
    feed.desk.pumps.must_be_looked_at.add("pump-1")
    feed.desk.pumps.locked.add("pump-1")
    looked(touch, "layla").press(".dialog", "pumps.lookedAt.do").sign("layla").submit().told("done")
    looked(touch, "layla").press(".dialog", "pumps.unlock.do").sign("layla").submit().told("done")
    assert feed.desk.of("lookedAt")["device"] == feed.desk.of("unlock")["device"] == "pump-1"
    drafted(touch).close()
    looked(touch, "layla").press(".dialog", "pumps.withdraw.do").sign("layla").submit().told("done")
    looked(touch, "layla").press(".dialog", "pumps.history").sign("layla").submit()
    until(lambda: "It was withdrawn." in touch.text(".dialog"), words=touch.text(".dialog"))


# MARK: STOP


def stop_touches(touch: Touch) -> None:
    touch.press(".alarm-bar .stop").press(".dialog .stops li:first-child .stop")


def test_two_touches_stop_a_pump_without_a_sign_in_and_both_answers_are_told(touch: Touch, feed: PeopleFeed) -> None:
    touch.act("unbind", bed="chair-1")
    stop_touches(touch)
    touch.says("Asked: the pump was told to stop.", ".dialog")
    touch.says("Proven: the pump shows that it stands.", ".dialog")
    assert feed.desk.asked == [{"desk": 1, "ask": "stop", "device": "pump-1"}]


@pytest.mark.parametrize(("answers", "words"), [
    ([{"asked": True, "words": "Told."}, {"asked": True, "proven": False, "words": "It is not shown."}], "NOT PROVEN"),
    ([{"asked": False, "words": "The line is gone."}], "the pump could not be told"),
    ([{"asked": True, "words": "Told."}], "NOT PROVEN"),
])
def test_a_stop_that_is_not_proven_says_the_pumps_own_key(
    touch: Touch, feed: PeopleFeed, answers: list[dict], words: str
) -> None:
    feed.desk.pumps.stop_answers = answers
    stop_touches(touch)
    touch.says(words, ".dialog .stop-state")
    assert "STOP key now" in touch.text(".dialog .stop-state")


def test_a_stop_without_an_answer_says_so_within_a_second_and_is_not_repeated(touch: Touch, feed: PeopleFeed) -> None:
    feed.desk.manner = ("silent",)
    stop_touches(touch)
    touch.run("for (const _ of [1, 2, 3]) document.querySelector('.dialog .stops .stop').click()")
    began = time.monotonic()
    touch.says("The unit has not answered yet", ".dialog .stop-state", 2)
    assert time.monotonic() - began < 1.6
    assert feed.desk.count("stop") == 1
    until(lambda: not touch.one(".dialog .stops .stop[aria-disabled]"), words="STOP stays deaf")
    touch.press(".dialog .stops li:first-child .stop")
    until(lambda: feed.desk.count("stop") == 2, words="a press of its own was not asked")


def test_from_afar_everything_is_looked_at_and_nothing_is_asked(touch: Touch, alarms: Alarms, feed: PeopleFeed) -> None:
    alarms.begin("chair-1", "high")
    told = feed.state.picture
    feed.state.picture = lambda: {**told(), "far": {"consultation": 7}}
    touch.open("#/technical")
    touch.says("You look on from afar", ".conditions")
    touch.press('.alarm-bar button.alarm[data-place="chair-1"]').says("SpO2 85 %", ".alarm-list")
    assert touch.all(".alarm-list .acts button") == [] and not touch.one(".alarm-bar .stop").is_displayed()
    touch.act("unbind", bed="chair-1").says("nothing can be asked from here", ".dialog")
    assert touch.one(".dialog input") is None and touch.one(".dialog .stop") is None
