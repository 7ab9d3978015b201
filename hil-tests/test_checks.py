"""The comparisons the other tests rest on must be able to fail: each is given a loss, a doubling and a wrong value."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from peers import delivery, fhir_checks, journal, schema
from vm.report import Row, written
from vm.unit import exposure, missing, printed

pytestmark = [pytest.mark.peers, pytest.mark.timeout(20)]


def instant(second: int) -> str:
    return f"2026-11-22T06:15:{second:02d}.000Z"


def line(second: int, value: float | None) -> dict:
    base = {"device": "spo2-1", "metric": "MDC_PULS_OXIM_SAT_O2", "code": 150456, "unit": "%", "time": instant(second),
            "sequence": second + 1, "monotonicNanoseconds": second * 10**9}
    if value is None:
        return base | {"value": None, "validity": "notAvailable", "reason": "timedOut"}
    return base | {"value": value, "validity": "valid"}


def observation(name: str, start: int, values: list[str]) -> dict:
    return {
        "resourceType": "Observation", "id": name, "status": "final",
        "code": {"coding": [{"system": fhir_checks.MDC, "code": "150456"}]}, "device": {"reference": "DeviceMetric/m"},
        "effectivePeriod": {"start": instant(start), "end": instant(start + len(values) - 1)},
        "valueSampledData": {"origin": {"value": 0, "unit": "%"}, "period": 1000, "dimensions": 1,
                             "data": " ".join(values)},
    }


LINES = [line(second, None if second == 2 else 90 + second) for second in range(10)]
DELIVERED = [observation("a", 0, ["90", "91", "E", "93", "94"]), observation("b", 5, ["95", "96", "97", "98", "99"])]


COMPARED = pytest.mark.parametrize("compare", [delivery.assert_same, delivery.assert_each_once])


@COMPARED
def test_the_same_on_both_sides_passes(compare):
    compare(LINES, DELIVERED, undelivered_tail=0)
    journal.check_shape(LINES)
    fhir_checks.check_no_duplicates(DELIVERED)


@COMPARED
def test_an_open_last_window_may_be_missing_but_no_more(compare):
    compare(LINES, DELIVERED[:1], undelivered_tail=6)
    with pytest.raises(AssertionError, match="before the last window"):
        compare(LINES, DELIVERED[:1], undelivered_tail=3)


@COMPARED
@pytest.mark.parametrize("data", ["90 91 E 93", "90 91 E 93 93.5", "90 91 92 93 94", "90 91 E E 94"])
def test_a_changed_window_fails(data: str, compare):
    changed = copy.deepcopy(DELIVERED)
    changed[0]["valueSampledData"]["data"] = data
    with pytest.raises(AssertionError):
        compare(LINES, changed, undelivered_tail=0)


@COMPARED
def test_a_window_delivered_under_two_ids_fails(compare):
    twice = [*DELIVERED, observation("c", 5, ["95", "96", "97", "98", "99"])]
    with pytest.raises(AssertionError):
        compare(LINES, twice, undelivered_tail=0)
    with pytest.raises(AssertionError):
        fhir_checks.check_no_duplicates(twice)


@COMPARED
def test_a_window_at_the_wrong_time_fails(compare):
    with pytest.raises(AssertionError, match="away from its journalled time"):
        compare(LINES, [DELIVERED[0], observation("b", 8, ["95", "96", "97", "98", "99"])], 0)


def test_two_samples_of_one_moment_may_change_places():
    """A machine that stood still: two samples come at once, and are set on a grid."""
    swapped = [DELIVERED[0], observation("b", 5, ["96", "95", "97", "98", "99"])]
    delivery.assert_each_once(LINES, swapped, undelivered_tail=0)
    with pytest.raises(AssertionError):
        delivery.assert_same(LINES, swapped, undelivered_tail=0)


def test_every_kind_of_resource_that_is_made_is_valid(validated):
    """The examples that the Swift tests keep."""
    kept = (Path(__file__).resolve().parents[1] / "Tests" / "snapshots" / "fhir-resources.jsonl").read_text()
    examples = [json.loads(line)["resource"] for line in kept.splitlines()]
    assert len(examples) > 40 and validated(examples) == []
    for example in examples:
        if "valueSampledData" in example and "start" in example["effectivePeriod"]:
            fhir_checks.check_sampled_data(example)
    broken = [example | {"status": 7} for example in examples if example["resourceType"] == "Observation"]
    assert len({found["resource"] for found in validated(broken)}) == len({one["id"] for one in broken})


def test_a_value_beside_a_bad_validity_fails():
    with pytest.raises(AssertionError, match="not valid is shown"):
        journal.check_shape([line(0, None) | {"value": 97}])
    with pytest.raises(AssertionError, match="sequence"):
        journal.check_shape([LINES[1], LINES[1]])


def test_a_dangling_reference_fails():
    with pytest.raises(AssertionError, match="not on the server"):
        fhir_checks.check_references([], [], DELIVERED)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None), ({"require": ["a"]}, "'require'"), ({"required": ["b"]}, "'b' is required"),
        ({"items": {"type": "list"}}, "'list'"), ({"properties": {"a": {"$ref": "#/$defs/y"}}}, "leads nowhere"),
        ({"properties": {}}, "nothing uses 'x'"), ({"items": {"enum": ["a", "a"]}}, "twice"),
        ({"items": {"minimum": 2, "maximum": 1}}, "nothing is in its range"),
    ],
)
def test_a_fault_of_a_schema_is_found(change, fault):
    good = {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}}
    found = schema.defects(good | change)
    assert found == [] if fault is None else any(fault in told for told in found), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: on", None), ("a: 0x1B", None), ("0x1B: {a: x}", None), ("b: 1", "/b is no key"), ("a: ~", "/a: None"),
        ("a: 40", "out of range"), ("{}", "/a is missing"), ("a: [1, x]", "/a/1: 'x'"),
        ("0x1B: {c: x}", "/0x1B/c is no key"), ("a: of", "not look like"),
    ],
)
def test_a_file_that_breaks_its_schema_is_found(tmp_path, text, fault):
    read = {
        "type": "object", "additionalProperties": False, "required": ["a"],
        "properties": {
            "a": {
                "anyOf": [
                    {"type": "integer", "maximum": 30}, {"type": "array", "items": {"type": "integer"}},
                    {"type": "string", "pattern": "^on$"},
                ]
            },
            "0x1B": {"type": "object", "properties": {"a": True}, "additionalProperties": False},
        },
    }
    path = tmp_path / "file.yaml"
    path.write_text(text)
    found = [
        told
        for told in schema.faults(schema.read_yaml(path), read, read)
        if "/a is missing" not in told or text == "{}"
    ]
    assert found == [] if fault is None else any(fault in told for told in found), found


def followed(second: int, value: float) -> str:
    """A line as `journal tail` prints it."""
    return json.dumps(line(second, value) | {"clock": "holdover"})


@pytest.mark.parametrize(("kept", "lost"), [
    ([followed(second, 90 + second) for second in range(12)], []),
    ([followed(second, 90 + second) for second in range(9)], [10]),
    ([followed(second, 90 + second) for second in range(9)] + [followed(9, 42)], [10]),
    ([followed(second, 90 + second) for second in range(9)]
     + [followed(9, 99).replace("9000000000", "9100000000")], [10]),
])
def test_what_a_power_cut_lost_is_found(kept, lost):
    """Gone, another value under its number, or its number given anew later: each is lost. A line cut short is none."""
    before = printed([followed(second, 90 + second) for second in range(10)] + ['{"device": "spo2'])
    assert [key[-1] for key in missing(before, printed(kept))] == lost


def test_no_exposure_is_no_good_exposure():
    assert exposure("→ Overall exposure level for nabd-acquire.service: 0.6 SAFE") == 0.6
    with pytest.raises(AssertionError, match="no figure"):
        exposure("Unit nabd-acquire.service could not be found.")


def test_the_table_counts_what_failed():
    text = written([Row("a | b", "c", "d", "passed"), Row("e", "f", "g", "failed")])
    assert "2 rows: 1 passed, 1 failed, 0 skipped" in text and "| a / b | c | d | passed |" in text
