"""Presets from outside: what is wrong with one is told where it stands, what is shown says that nobody has reviewed it,
and a journal that an independent oximeter filled is judged again as its own values say."""

from __future__ import annotations

import json

import pytest
import yaml

from peers.host import ROOT, Host, nabd
from peers.oximeter import Oximeter, line
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]

PRESETS = ROOT / "presets"
NAMES = ["cardiac", "emergency", "icu", "oncology-chair", "palliative", "stroke"]

SITE = """\
nabd: preset/1
name: site
title: A site's own
title-arabic: خاص بالموقع
for: Tests
for-arabic: للتجربة
reviewed: {by: A. Doctor, role: consultant, date: 2026-11-28}
vitals:
  MDC_PULS_OXIM_SAT_O2: {name: SpO2, name-arabic: تشبع الأكسجين, unit: "%"}
limits:
  MDC_PULS_OXIM_SAT_O2:
    low:
      - {below: 90, priority: medium, harm: reversible, onset: prompt, delay: 5s, hysteresis: 2, proposed: true}
      - {below: 85, priority: high, harm: death, onset: prompt, delay: 5s, hysteresis: 1, proposed: true}
missing:
  MDC_PULS_OXIM_SAT_O2: {of: bed, after: 8s, priority: medium, harm: death, onset: delayed, proposed: true}
"""


def test_what_is_shipped_is_in_order_and_unreviewed():
    result = nabd("preset", "lint", "presets")
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.decode() == "6 presets: 0 errors, 0 warnings; 6 not reviewed by a clinician\n"
    lines = [json.loads(one) for one in nabd("preset", "list", "--json").stdout.splitlines()]
    assert [one["preset"] for one in lines] == NAMES and all(one["reviewed"] is None for one in lines)
    for name in NAMES:
        assert yaml.safe_load((PRESETS / f"{name}.yaml").read_text())["reviewed"] is None
        said = nabd("preset", "show", name).stdout.decode()
        assert "not reviewed by a clinician · لم يراجعه طبيب" in said, said
    page = nabd("preset", "reference").stdout.decode()
    assert page == (ROOT / "docs" / "alarms" / "presets.md").read_text()


def test_every_number_has_a_source_or_is_proposed():
    def rules(value):
        if isinstance(value, dict):
            if "priority" in value:
                yield value
            for one in value.values():
                yield from rules(one)
        elif isinstance(value, list):
            for one in value:
                yield from rules(one)

    for name in NAMES:
        found = list(rules(yaml.safe_load((PRESETS / f"{name}.yaml").read_text())))
        assert len(found) >= 4, name
        for rule in found:
            assert ("source" in rule) or rule["proposed"] is True, (name, rule)


@pytest.mark.parametrize("old, new, place, words", [
    ("below: 85", "below: 95", "site.yaml:14:17: error:", "further out"),
    ("delay: 5s", "delay: 500s", "site.yaml:13:79: error:", "expected 0s to 120s"),
    ("proposed: true", "proposed: maybe", "site.yaml:13:108: error:", "expected “proposed: true”"),
    ("MDC_PULS_OXIM_SAT_O2: {name", "MDC_PULS_OXIM_SAT_02: {name", "site.yaml:9:3: error:", "did you mean"),
])
def test_a_fault_is_told_where_it_stands(tmp_path, old, new, place, words):
    file = tmp_path / "site.yaml"
    file.write_text(SITE)
    assert nabd("preset", "lint", file).returncode == 0
    file.write_text(SITE.replace(old, new, 1))
    result = nabd("preset", "lint", file)
    said = result.stderr.decode()
    assert result.returncode == 1 and place in said and words in said, said
    assert nabd("preset", "show", file).returncode == 1


def test_a_name_that_is_not_there_brings_the_nearest():
    result = nabd("preset", "show", "oncology-chare")
    assert result.returncode == 1 and "did you mean “oncology-chair”?" in result.stderr.decode()
    assert nabd("preset", "lint", "none.yaml").returncode == 1


def test_a_sites_own_preset_comes_first(tmp_path):
    (tmp_path / "icu.yaml").write_text(SITE.replace("name: site", "name: icu"))
    lines = [json.loads(one) for one in nabd("preset", "list", "--presets", tmp_path, "--json").stdout.splitlines()]
    (icu,) = [one for one in lines if one["preset"] == "icu"]
    assert icu["title"] == "A site's own" and icu["reviewed"] == "A. Doctor, consultant, 2026-11-28"
    assert {one["preset"] for one in lines} == set(NAMES)


def judged(samples: list[tuple[float, int | None]], limit: int, back: int, delay: float) -> int:
    """How often an alarm begins, by a plain walk over the values; None is one that does not count."""
    begun, since, is_on = 0, None, False
    for (time, value), (after, _) in zip(samples, samples[1:]):
        if value is None:
            continue
        if is_on:
            is_on = value < back
            since = time if is_on and value < limit else None
        if not is_on and value >= limit:
            since = None
        elif not is_on:
            since = time if since is None else since
            if after - since > delay:
                begun, is_on = begun + 1, True
    return begun


def test_a_journal_is_judged_again(tmp_path):
    # Half a second each: a dip that is too short, one that lasts, one that goes through both limits.
    values = [97] * 8 + [88] * 6 + [97] * 8 + [88] * 16 + [97] * 8 + [80] * 16 + [97] * 12
    made = Oximeter(lambda number: line(spo2=values[min(number, len(values) - 1)]), period=0.5)
    host = Host(tmp_path).configure({"oximeter": {"profile": "masimo/rad-8", "line": made.line}})
    try:
        host.start()
        wait_until(lambda: made.sent > len(values), 60, "all values to be sent", every=0.5)
        host.stop()
    finally:
        made.stop()
        host.kill()
    file = tmp_path / "site.yaml"
    file.write_text(SITE)
    result = nabd("alarms", "replay", "--journal", host.journal, "--preset", file, "--json")
    assert result.returncode == 0, result.stderr.decode()
    told = json.loads(result.stdout)
    (bed,) = told["beds"]
    samples = [
        (one["monotonicNanoseconds"] / 1e9, round(one["value"]) if one["validity"] == "valid" else None)
        for one in host.export() if one.get("metric") == "MDC_PULS_OXIM_SAT_O2"
    ]
    assert len(samples) >= len(values) and bed["samples"] == len(samples)
    begun = {(row["alert"], row["priority"]): (row["begun"], row["risen"]) for row in bed["rows"]}
    assert judged(samples, 90, 92, 5) == 2
    assert begun[("MDC_EVT_LO_VAL_LT_LIM", "medium")][0] == 1, told
    # In the last dip the worse limit lasts no later than the milder one: it begins high.
    assert begun[("MDC_EVT_LO_VAL_LT_LIM", "high")] == (1, 0), told
    assert bed["alarms"] == 2 and told["reviewed"] is True
    hours = (samples[-1][0] - samples[0][0]) / 3600
    assert abs(bed["hours"] - hours) < 0.01
    said = nabd("alarms", "replay", "--journal", host.journal, "--preset", "icu", "--devices", "oximeter")
    words = said.stdout.decode()
    assert said.returncode == 0 and "not reviewed by a clinician" in words, said.stderr.decode()
    assert "not watched: MDC_ECG_HEART_RATE, no device here has it" in words, words
    refused = nabd("alarms", "replay", "--journal", host.journal, "--preset", "icu", "--devices", "oximetre")
    assert refused.returncode == 1 and "did you mean “oximeter”?" in refused.stderr.decode()
    assert nabd("alarms", "replay", "--journal", host.journal).returncode == 2
