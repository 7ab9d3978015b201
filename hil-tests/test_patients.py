"""Whose values they are at a records service that others wrote: said late, said wrongly, and put right."""

from __future__ import annotations

import json
import time
from collections import defaultdict

import pytest

from peers import delivery, fhir_checks
from peers.bed_events import SUBJECT_A, SUBJECT_B, BedEvents
from peers.journal import Point
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

WINDOW = 5
SATURATION = 150456


@pytest.fixture
def recorded(bench, hosts, records, pki, tmp_path):
    """A journal of some windows, and the process that delivers it."""
    acquire = hosts(tmp_path / "unit")
    acquire.configure(
        bench.devices(), records.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s",
    )
    acquire.start("acquire")
    acquire.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(3 * WINDOW)
    acquire.stop()
    uplink = hosts(tmp_path / "uplink")
    uplink.config, uplink.journal = acquire.config, acquire.journal
    return BedEvents(acquire.journal), uplink


def subject(observation: dict) -> str:
    return observation["subject"]["reference"]


def numbers(observations: list[dict]) -> dict[str, list[Point]]:
    """By their metrics, in the order of their times."""
    found: dict[str, list[Point]] = defaultdict(list)
    for observation in observations:
        if "valueSampledData" in observation:
            found[observation["device"]["reference"]] += fhir_checks.sampled_points(observation)
    return {metric: sorted(points, key=lambda point: point.seconds) for metric, points in found.items()}


def assert_same(one: dict[str, list[Point]], other: dict[str, list[Point]]) -> None:
    """A time is written in milliseconds where a run begins, and reckoned within it."""
    assert one.keys() == other.keys()
    for metric, points in one.items():
        values, others = ([point.value for point in some] for some in (points, other[metric]))
        assert values == others, f"{metric}: a number was lost or doubled"
        assert all(
            abs(a.seconds - b.seconds) <= fhir_checks.ROUNDING for a, b in zip(points, other[metric], strict=True)
        ), metric


def deliver(uplink, records, is_there) -> list[dict]:
    """Until the service says so; a second look a while later finds the same."""
    uplink.start("uplink")
    wait_until(
        lambda: is_there(fhir_checks.measurements(records.all("Observation"))), 60, "the service to say so", every=1
    )
    delivery.wait_until_through(uplink, WINDOW)
    time.sleep(2)
    uplink.stop()
    return fhir_checks.measurements(records.all("Observation"))


def test_said_late_said_wrongly_and_put_right(recorded, records, table):
    events, uplink = recorded
    events.check_own_arithmetic()
    events.configure("chair-1", ["spo2-1"])
    before = deliver(uplink, records, lambda found: len(fhir_checks.of_metric(found, SATURATION)) >= 3)
    assert not any(subject(o).startswith("Patient/") for o in before)
    own = {o["id"]: o for o in before}

    # Somebody says late who has been there since the middle of the second window.
    since = events.begin.monotonic + int(1.5 * WINDOW * 1e9)
    wrong = events.bind("chair-1", SUBJECT_A, since)
    late = deliver(
        uplink, records, lambda found: any(
            subject(o).startswith("Patient/") for o in fhir_checks.of_metric(found, SATURATION)))
    moved = [o for o in late if subject(o).startswith("Patient/")]
    cut = (since - events.begin.monotonic) / 1e9 + events.begin.utc / 1e9
    saturation = fhir_checks.of_metric(late, SATURATION)
    assert moved and any(not subject(o).startswith("Patient/") for o in saturation), "nothing was cut"
    for observation in saturation:
        is_after = fhir_checks.bounds(observation)[0] > cut - 1
        assert subject(observation).startswith("Patient/") == is_after, (observation["id"], cut)
    assert_same(numbers(late), numbers(before))
    assert {o["id"] for o in late} >= set(own), "an id is gone"
    sources = {f"DeviceMetric/{m['id']}": m["source"]["reference"] for m in records.all("DeviceMetric")}
    oximeter = sources[saturation[0]["device"]["reference"]]
    others = [o for o in late if sources[o["device"]["reference"]] != oximeter and o["id"] in own]
    assert others and all(o == own[o["id"]] for o in others), "another device was touched"
    fhir_checks.check_no_duplicates(late)
    patient, = records.all("Patient")
    assert {"system": "urn:nabd:subject", "value": SUBJECT_A} in patient["identifier"]

    # It was another patient.
    events.withdraw("chair-1", wrong)
    events.bind("chair-1", SUBJECT_B, since, replaces=wrong)
    right = deliver(
        uplink, records,
        lambda found: sum(o["status"] == "entered-in-error" for o in found) >= len(moved))
    errors = {o["id"]: o for o in right if o["status"] == "entered-in-error"}
    good = [o for o in right if o["status"] == "final"]
    assert set(errors) == {o["id"] for o in moved}, "what was filed under the wrong patient is not marked, or more is"
    assert all(subject(errors[o["id"]]) == subject(o) for o in moved)
    patients = {f"Patient/{p['id']}": p["identifier"][0]["value"] for p in records.all("Patient")}
    assert {patients[subject(o)] for o in good if subject(o) in patients} == {SUBJECT_B}
    assert_same(numbers(good), numbers(before))
    for observation in good:
        fhir_checks.check_observation(observation)
    fhir_checks.check_no_duplicates(good)
    audit = json.dumps(records.all("AuditEvent"))
    for kind in ("patientBound", "bindingWithdrawn"):
        assert kind in audit
    assert "nurse" not in audit and SUBJECT_A not in audit and SUBJECT_B not in audit
    table.row(
        45, "wrong patient", "nobody bound at first; said late who it was; then that it was another patient",
        "unbound data are the device's; what was filed wrongly stays, entered in error; the right patient gets all, "
        "by new resources; audited",
        f"{len(before)} resources the device's own, {len(moved)} moved to the wrong patient and all of them entered in "
        f"error, {len(good)} good ones, each number once; 2 kinds of AuditEvent, no name in them")
