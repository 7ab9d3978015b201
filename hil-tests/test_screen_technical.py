"""The technical screen: what the host's status document says, in words; what is old or cannot be had is said so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peers import screen_past
from peers.browser import browser
from peers.screen_people import PeopleFeed
from peers.screen_touch import HEARD, ISOLATES, Touch, until

pytestmark = [pytest.mark.peers, pytest.mark.xdist_group("screen-technical")]


@pytest.fixture(scope="module")
def driver() -> Iterator:
    with browser(1600, 1200, *HEARD) as made:
        yield made


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the host says of itself; changed by a test."""
    changed: dict = {}
    plain = screen_past.technical
    monkeypatch.setattr(screen_past, "technical", lambda state: changed.get("instead") or {**plain(state), **changed})
    return changed


@pytest.fixture
def touch(driver, status: dict) -> Iterator[Touch]:
    feed = PeopleFeed()
    yield Touch(driver, feed)
    driver.get("about:blank")
    feed.stop()


def bad(touch: Touch) -> str:
    found = " | ".join(touch.run(
        "return [...document.querySelectorAll('.technical .state.bad')].map((each) => each.innerText)"))
    return "".join(c for c in found if c not in ISOLATES)


def test_what_is_as_it_should_be_has_no_mark(touch: Touch, status: dict) -> None:
    status["uplink"] = {"server": "https://records.example/fhir", "stored": 5, "parked": 0}
    status["journal"] = {"samples": 1, "events": 1, "gaps": 0, "bytes": 1 << 30, "limitBytes": 1 << 33}
    touch.open("#/technical").says("All is as it should be", ".technical")
    touch.says("1.0 GiB / 8.0 GiB", ".technical")
    assert bad(touch) == ""


def test_what_is_not_as_it_should_be_is_marked_and_said(touch: Touch, status: dict) -> None:
    status.update(
        health={"state": "failing", "reasons": ["the disk takes nothing"]}, clock="holdover",
        lines=[{"line": "/dev/nabd/a", "utilisation": 0.91, "missedDeadlines": 7,
                "latenessMicroseconds": {"p50": 40, "p99": 25_000}},
               {"line": "/dev/nabd/b", "utilisation": 0.1, "missedDeadlines": 0,
                "latenessMicroseconds": {"p50": None, "p99": None}}],
        devices=[{"device": "pump-1", "profile": "a/b", "line": "/dev/nabd/a", "link": "silent", "hint": "look at it"}],
        journal={"samples": 1, "events": 2, "gaps": 3, "bytes": 95, "limitBytes": 100, "problem": "No space left"},
        uplink={"server": "https://r.example/fhir", "stored": 5, "parked": 2, "nothingStoredMilliseconds": 600_000,
                "problem": "refused"},
        alerts=[{"alert": "NABD_CERTIFICATE_EXPIRING", "priority": "low", "text": "The certificate ends in 9 days",
                 "textArabic": "تنتهي الشهادة خلال 9 أيام", "presence": "on", "activation": "on",
                 "began": "2026-11-30T08:00:00Z", "heldMilliseconds": 60_000},
                {"alert": "MDC_EVT_LO", "priority": "high", "text": "of a patient", "presence": "on",
                 "began": "2026-11-30T08:00:00Z", "heldMilliseconds": 1}])
    touch.open("#/technical").says("Values are not being stored", ".technical")
    found = bad(touch)
    for words in ("Values are not being stored", "checked some time ago", "91.0 %", "25,000 µs", "7", "silent", "95 B",
                  "No space left", "nothing for 10:00", "The certificate ends in 9 days"):
        assert words in found, f"{words} is not marked: {found}"
    whole = touch.text(".technical")
    assert "the disk takes nothing" in whole and "look at it" in whole and "not known" in whole
    assert "of a patient" not in whole
    touch.press("#language").says("تنتهي الشهادة خلال 9 أيام", ".technical")


def test_lanes_certificates_and_what_a_look_at_the_machine_finds_are_told(touch: Touch, status: dict) -> None:
    """In both languages; what is behind, about to expire or found is marked, and what is not known is not good."""
    status["uplink"] = {
        "server": "https://r.example/fhir", "stored": 5, "parked": 2, "waitingBehindParked": 31, "mayNotRead": True,
        "lastStored": "2026-11-30T07:12:13Z", "problem": "the service does not answer",
        "lanes": [{"lane": "alarms", "behindSeconds": 0}, {"lane": "events"},
                  {"lane": "waveforms", "behindSeconds": 4_000}]}
    status["certificates"] = [{"certificate": "uplink", "expires": "2026-12-09T08:00:00Z", "daysLeft": 9},
                              {"certificate": "uplinkAuthority", "expires": "2026-11-01T08:00:00Z", "daysLeft": -29},
                              {"certificate": "far", "expires": "2028-01-02T08:00:00Z", "daysLeft": 397},
                              {"certificate": "farAuthority", "expires": None, "daysLeft": None}]
    status["findings"] = [{"what": "time zone", "severity": "warning", "words": "it is UTC"},
                          {"what": "journal", "severity": "fault", "words": "12 MiB free: make room"}]
    touch.open("#/technical").says("make room", ".technical")
    found = bad(touch)
    for words in ("1 h 6 min", "✕ 9", "expired", "31", "cannot work"):
        assert words in found, f"{words} is not marked: {found}"
    whole = touch.text(".technical")
    for words in ("Alarms", "Curves", "0:00", "2026-12-09", "2028-01-02", ":12:13", "it is UTC", "Time zone",
                  "may not read", "the service does not answer"):
        assert words in whole, f"{words} is not told"
    for good in ("397", "0:00", "it is UTC"):
        assert good not in found, f"{good} is marked"
    rows = touch.run("return [...document.querySelectorAll('.technical tr')].map((row) => row.innerText)")
    assert [row for row in rows if "Other events" in row and "not known" in row]
    assert [row for row in rows if "authority's, of far" in row.lower() and "not known" in row]
    touch.press("#language")
    for words in ("الإنذارات", "منتهية", "المنطقة الزمنية", "لا يعمل", "آخر ما حُفظ هناك"):
        touch.says(words, ".technical")


def test_before_the_first_look_nothing_is_said_to_be_good(touch: Touch, status: dict) -> None:
    for member in ("certificates", "findings", "examined"):
        status[member] = None
    touch.open("#/technical").says("What a look at the machine finds", ".technical")
    assert "as it should be." not in touch.text(".technical") and "None is needed" not in touch.text(".technical")


def test_what_cannot_be_had_is_said_and_what_was_had_is_marked_as_old(touch: Touch, status: dict) -> None:
    touch.open("#/technical").says("All is as it should be", ".technical")
    status["instead"] = {"failure": "the host's socket does not answer"}
    touch.says("the host's socket does not answer", ".technical", 10)
    assert "All is as it should be" in touch.text(".technical")
    until(lambda: touch.one(".technical .parts.old"), 20, "what is old is not marked")
