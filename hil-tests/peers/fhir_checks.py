"""Checks of our own on the resources read back: validators accept any text as SampledData, so its grammar is ours."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal, InvalidOperation

from .journal import Point, seconds

IDENTIFIER = re.compile(r"^[A-Za-z][A-Za-z0-9\-.]{0,63}$")
TOKEN = re.compile(r"^(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|E|U|L)$")
MDC, OWN, EVENT = "urn:iso:std:iso:11073:10101", "urn:nabd:metric", "urn:nabd:event"
ALERT = "196616"
# Times are written in milliseconds, and a clock reading may round either way.
ROUNDING = 0.002


def code_of(observation: dict) -> tuple[str, str]:
    """The device's own coding of a measurement: system and code."""
    for coding in observation["code"]["coding"]:
        if coding.get("system") in (MDC, OWN, EVENT):
            return coding["system"], coding["code"]
    raise AssertionError(f"no coding by {MDC} or {OWN} in {observation['code']}")


def measurements(observations: list[dict]) -> list[dict]:
    """The observations of metrics: neither alerts nor other events."""
    return [o for o in observations if code_of(o)[0] != EVENT and code_of(o)[1] != ALERT]


def of_metric(observations: list[dict], code: str | int) -> list[dict]:
    """The observations of one metric's runs, by MDC number or by NABD_ name, in time order."""
    found = (o for o in observations if code_of(o)[1] == str(code) and not is_newest(o))
    return sorted(found, key=lambda o: bounds(o)[0])


def bounds(observation: dict) -> tuple[float, float]:
    """Start and end of the time an observation speaks of, in Unix seconds."""
    if "effectivePeriod" in observation:
        period = observation["effectivePeriod"]
        return seconds(period["start"]), seconds(period["end"])
    moment = seconds(observation.get("effectiveDateTime") or observation["effectiveInstant"])
    return moment, moment


def sampled_points(observation: dict) -> list[Point]:
    """The numbers of a SampledData with their times; tokens that are not numbers are left out."""
    data = observation["valueSampledData"]
    origin, factor = Decimal(str(data["origin"].get("value", 0))), Decimal(str(data.get("factor", 1)))
    start, period = bounds(observation)[0], float(data["period"]) / 1000
    found = []
    for index, token in enumerate(data["data"].split(" ")):
        try:
            found.append(Point(start + index * period, float(origin + Decimal(token) * factor)))
        except InvalidOperation:
            continue
    return found


def check_sampled_data(observation: dict) -> None:
    """Grammar and count of a SampledData: R4 gives the grammar, no validator tried enforces it."""
    data, name = observation["valueSampledData"], observation["id"]
    assert float(data["period"]) > 0, f"{name}: period {data['period']}"
    assert data["dimensions"] == 1, name
    assert data["origin"].get("unit") or data["origin"].get("code"), f"{name}: no unit"
    assert Decimal(str(data.get("factor", 1))) != 0, f"{name}: factor 0"
    tokens = data["data"].split(" ")
    bad = [token for token in tokens if not TOKEN.match(token)]
    assert not bad, f"{name}: not SampledData tokens: {bad[:5]}"
    # The end may be the instant of the last sample or one period later: both are read in practice, nothing else is.
    start, end = bounds(observation)
    period = float(data["period"]) / 1000
    assert (len(tokens) - 1) * period - ROUNDING <= end - start <= len(tokens) * period + ROUNDING, (
        f"{name}: {len(tokens)} tokens of {period} s do not fill {end - start:.3f} s"
    )


def check_observation(observation: dict) -> None:
    """The rules each Observation must obey by itself."""
    assert observation["status"] == "final", observation["id"]
    code_of(observation)
    values = [key for key in observation if key.startswith("value")]
    if "dataAbsentReason" in observation:
        assert not values, f"{observation['id']}: a value beside dataAbsentReason"
    else:
        assert len(values) == 1, f"{observation['id']}: {values}"
    if "valueSampledData" in observation:
        check_sampled_data(observation)
    security = [coding["code"] for coding in observation.get("meta", {}).get("security", [])]
    assert "HTEST" in security, f"{observation['id']} is test data and does not say so"


def check_identifiers(resources: list[dict]) -> None:
    """Ids that every server accepts: a letter first, at most 64 of a small alphabet."""
    bad = [resource["id"] for resource in resources if not IDENTIFIER.match(resource["id"])]
    assert not bad, f"ids that a server may refuse: {bad[:5]}"


def check_references(devices: list[dict], metrics: list[dict], observations: list[dict]) -> None:
    """Observation.device leads to a DeviceMetric, its source and parent to Devices, and subject to something stored."""
    known = {f"{r['resourceType']}/{r['id']}" for r in [*devices, *metrics, *observations]}
    for observation in observations:
        reference = observation["device"]["reference"]
        assert reference.startswith("DeviceMetric/"), f"{observation['id']}: device is {reference}"
        assert reference in known, f"{observation['id']}: {reference} is not on the server"
        assert observation["subject"]["reference"] in known, f"{observation['id']}: {observation['subject']}"
    for metric in metrics:
        assert metric["source"]["reference"] in known, f"{metric['id']}: {metric['source']}"
        assert metric["source"]["reference"].startswith("Device/"), metric["source"]
    for device in devices:
        if "parent" in device:
            assert device["parent"]["reference"] in known, f"{device['id']}: {device['parent']}"


def is_newest(observation: dict) -> bool:
    """Whether it repeats the newest value of a run of numbers as a quantity."""
    return any(tag["code"] == "newest-of-run" for tag in observation.get("meta", {}).get("tag", []))


def check_newest(observations: list[dict]) -> int:
    """Each newest value stands in the sampled data of its metric, at its time. Gives how many there are."""
    numbers: dict[str, list[Point]] = defaultdict(list)
    for observation in observations:
        if "valueSampledData" in observation:
            numbers[observation["device"]["reference"]] += sampled_points(observation)
    newest = [o for o in observations if is_newest(o)]
    for observation in newest:
        value, time = observation["valueQuantity"]["value"], bounds(observation)[0]
        assert any(
            abs(point.value - value) <= 1e-9 * max(1, abs(value)) and abs(point.seconds - time) <= 1.0
            for point in numbers[observation["device"]["reference"]]
        ), f"{observation['id']}: {value} at {time:.3f} stands in no sampled data"
    return len(newest)


def check_no_duplicates(observations: list[dict]) -> None:
    """No two observations of one metric of one device speak of the same time, but for good and doubtful values beside
    one another, and for newest values, which stand in another.
    """
    check_newest(observations)
    groups: dict[tuple, list[dict]] = defaultdict(list)
    for observation in observations:
        if not is_newest(observation):
            labels = tuple(label["code"] for label in observation.get("meta", {}).get("security", []))
            groups[(code_of(observation), observation["device"]["reference"], labels)].append(observation)
    for (code, device, _), group in groups.items():
        group.sort(key=lambda o: bounds(o))
        for before, after in zip(group, group[1:]):
            # Neighbours may touch within one period: the end of a run can be its last sample or one period on.
            slack = float(before.get("valueSampledData", {}).get("period", 0)) / 1000 + ROUNDING
            assert bounds(after)[0] >= bounds(before)[1] - slack, (
                f"{code} {device}: {before['id']} overlaps {after['id']}"
            )
            if bounds(before) == bounds(after):
                raise AssertionError(f"{code} {device}: {before['id']} and {after['id']} have the same times")
