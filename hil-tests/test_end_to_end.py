"""Four independent devices, one host, one real records server: what the devices sent is what the server holds."""

from __future__ import annotations

import time

import pytest

from peers import delivery, fhir_checks, journal

pytestmark = [pytest.mark.host, pytest.mark.timeout(150)]

SATURATION, PULSE, PLETH = "150456", "149530", "150452"
FLOW, DELIVERED_VOLUME = "158014", "157993"


def values(observations: list[dict], code: str) -> list[float]:
    """All numbers of a metric in time order."""
    return [p.value for o in fhir_checks.of_metric(observations, code) for p in fhir_checks.sampled_points(o)]


def texts(observations: list[dict], code: str) -> set[str]:
    return {o["valueString"] for o in fhir_checks.of_metric(observations, code) if "valueString" in o}


def contiguous_at(part: list, whole: list) -> int:
    """Where ``part`` stands in ``whole`` without a hole, or -1."""
    return next((i for i in range(len(whole) - len(part) + 1) if whole[i : i + len(part)] == part), -1)


def is_subsequence(part: list, whole: list) -> bool:
    rest = iter(whole)
    return all(item in rest for item in part)


def temperature_code(lines: list[dict]) -> str:
    """The MDC number the profile gives the fridge's temperature; the journal and the server must agree on it."""
    return str(journal.samples(lines, "fridge", "MDC_TEMP")[0]["code"])


def test_four_devices_reach_the_server_with_their_values(bench, host, records, pki, validated):
    bench.pump.infusion.rate = "12.50"
    host.configure(bench.devices(), records.base_url, pki.authority.certificate, pki.client, window="5s").start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(12)
    bench.pump.infusion.rate, bench.pump.infusion.pressure = "7.25", "61"
    bench.fridge.set(temperature=-1234, humidity=551)
    time.sleep(13)
    host.stop()
    lines = host.export()
    devices, metrics, observations = (records.all(t) for t in ("Device", "DeviceMetric", "Observation"))

    journal.check_shape(lines)
    check_resources(devices, metrics, observations, validated)
    delivery.assert_same(lines, observations, undelivered_tail=8)
    check_oximeter(bench.oximeter, observations)
    check_pump(bench.pump, observations)
    check_registers(lines, observations)
    assert bench.fridge.writes == [] and bench.gx.writes == []
    assert {request.function for request in bench.fridge.requests} == {4}


def check_resources(devices, metrics, observations, validated) -> None:
    """Structure: validators, our own grammar, references, ids, duplicates."""
    everything = [*devices, *metrics, *observations]
    assert len(devices) >= 4 and len(metrics) >= 17, (len(devices), len(metrics))
    assert validated(everything) == []
    fhir_checks.check_identifiers(everything)
    for observation in observations:
        fhir_checks.check_observation(observation)
    fhir_checks.check_references(devices, metrics, fhir_checks.measurements(observations))
    fhir_checks.check_no_duplicates(fhir_checks.measurements(observations))


def check_oximeter(oximeter, observations) -> None:
    """Saturation and pulse in the order sent; the pleth without a hole over all windows."""
    assert oximeter.bytes_lost == 0
    saturation, pulse = values(observations, SATURATION), values(observations, PULSE)
    assert len(saturation) >= 15 and len(pulse) >= 15
    assert is_subsequence(saturation, [v.saturation for v in oximeter.sent_packets])
    assert is_subsequence(pulse, [v.pulse for v in oximeter.sent_packets])
    pleth = [int(value) for value in values(observations, PLETH)]
    assert len(pleth) >= 75 * 15
    # The first second may hold the search for the first frame; from then on every sample counts.
    assert contiguous_at(pleth[75:], oximeter.sent_pleth) >= 0, "the pleth on the server has a hole or a wrong sample"
    for observation in fhir_checks.of_metric(observations, PLETH):
        assert float(observation["valueSampledData"]["period"]) == pytest.approx(1000 / 75, rel=0.001)


def check_pump(pump, observations) -> None:
    """Rates before and after the change, in that order; and not one request that would change the infusion."""
    assert pump.effects == [] and pump.damaged_requests == []
    rates = values(observations, FLOW)
    assert set(rates) == {12.5, 7.25} and rates == sorted(rates, reverse=True)
    assert set(values(observations, DELIVERED_VOLUME)) == {3.4}
    pressures = values(observations, "NABD_PUMP_PRESSURE")
    assert set(pressures) == {45, 61} and pressures == sorted(pressures)
    assert any(o.get("valueString") == pump.infusion.mode for o in observations), "the pump's mode is not on the server"
    assert any("PLASTIPAK" in text for text in texts(observations, "NABD_SYRINGE")), "no syringe on the server"
    units = {o["valueSampledData"]["origin"].get("code") for o in fhir_checks.of_metric(observations, FLOW)}
    assert units == {"mL/h"}


def check_registers(lines, observations) -> None:
    """The fridge with the scale this unit needs, and everything the GX says, signs included."""
    loinc = {coding["code"] for o in fhir_checks.of_metric(observations, temperature_code(lines))
             for coding in o["code"]["coding"] if coding["system"] == "http://loinc.org"}
    assert not loinc, f"a fridge's temperature goes out as a patient's: {loinc}"
    assert any(coding["system"] == "http://loinc.org" for o in fhir_checks.of_metric(observations, SATURATION)
               for coding in o["code"]["coding"]), "a patient's saturation has its LOINC code"
    temperatures = values(observations, temperature_code(lines))
    assert set(temperatures) == {4.25, -12.34}, set(temperatures)
    assert set(values(observations, "NABD_RELATIVE_HUMIDITY")) == {54.6, 55.1}
    expected = {
        "NABD_LATITUDE": 52.5200066, "NABD_LONGITUDE": 13.404954, "NABD_COURSE": 90.5, "NABD_GROUND_SPEED": 13.89,
        "NABD_GNSS_FIX": 1, "NABD_GNSS_SATELLITES": 9, "NABD_ALTITUDE": 34.5, "NABD_BATTERY_VOLTAGE": 26.55,
        "NABD_BATTERY_CURRENT": -12.3, "NABD_BATTERY_TEMPERATURE": 21.5,
    }
    for code, value in expected.items():
        seen = values(observations, code)
        assert seen and seen == pytest.approx([value] * len(seen), rel=1e-9), (code, seen)
    charge = journal.samples(lines, "gx", "MDC_ATTR_VAL_BATT_CHARGE")
    assert charge and {line["vmd"] for line in charge} == {"battery"}
    assert {line["value"] for line in charge} == {87.4}
    assert {line["vmd"] for line in journal.samples(lines, "gx", "NABD_LATITUDE")} == {"gps"}
