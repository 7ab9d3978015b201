"""Devices that misbehave in known ways, all on one host: each failure is journalled as what it is, none spreads."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from pymodbus.constants import ExcCodes

from peers import journal
from peers.alaris import AlarisPump, Infusion
from peers.modbus import ClimateSensor, VictronGX
from peers.nonin import UNPLUGGED, NoninOximeter

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("misbehaviour")]

BEFORE, AFTER = 8, 12
# Values that must never appear as valid: only the misbehaving devices send them.
LIE_RATE, LIE_PRESSURE, LIE_TEMPERATURE = "99.90", "99", 777


def make_devices() -> dict:
    """The misbehaving ones and two good ones for control."""
    lie = {"rate": LIE_RATE, "pressure": LIE_PRESSURE}
    devices = {
        "pump-good": AlarisPump(Infusion(rate="5.00")),
        "pump-crc": AlarisPump(Infusion(**lie), bad_crc=True),
        "pump-silent": AlarisPump(Infusion(**lie), silent=True),
        "pump-other": AlarisPump(Infusion(serial="8003-00999", **lie)),
        "fridge-exception": ClimateSensor(unit=3, temperature=LIE_TEMPERATURE),
        "fridge-doubled": ClimateSensor(unit=3, temperature=LIE_TEMPERATURE, answers_as=7),
        "spo2-off": NoninOximeter(vitals=UNPLUGGED),
        "spo2-pulled": NoninOximeter(),
        "spo2-good": NoninOximeter(),
        "gx-gone": VictronGX(),
    }
    devices["fridge-exception"].exception = ExcCodes.DEVICE_FAILURE
    return devices


def configuration(devices: dict) -> dict:
    profiles = {"pump": "alaris/asena-gh", "fridge": "xy/md02", "spo2": "nonin/oem-iii-df2", "gx": "victron/gx"}
    unit = {}
    for name, device in devices.items():
        unit[name] = {"profile": profiles[name.split("-")[0]], "line": device.line}
        if name.startswith("fridge"):
            unit[name] |= {"unit": 3, "override": {"every": {"MDC_TEMP": "1s", "NABD_RELATIVE_HUMIDITY": "1s"}}}
    unit["pump-other"]["serial"] = "8003-00107"
    unit["gx-gone"]["override"] = {"units": {"battery": 225}, "every": {"NABD_LATITUDE": "1s"}}
    return unit


@pytest.fixture(scope="module")
def run(module_hosts, tmp_path_factory):
    """One run of all of them; gives the exported journal and the moment at which two devices were pulled."""
    devices = make_devices()
    host = module_hosts(tmp_path_factory.mktemp("misbehaviour") / "unit").configure(configuration(devices))
    for device in devices.values():
        device.start()
    try:
        host.start()
        host.wait_for_sample("MDC_PULS_OXIM_SAT_O2", timeout=30)
        time.sleep(BEFORE)
        pulled_at = time.time()
        devices["spo2-pulled"].unplug()
        devices["gx-gone"].stop()
        time.sleep(AFTER)
        ended_at = time.time()
        host.stop()
        lines = host.export()
    finally:
        host.kill()
        for name, device in devices.items():
            if name != "gx-gone":
                device.stop()
    return SimpleNamespace(lines=lines, devices=devices, pulled_at=pulled_at, ended_at=ended_at)


def reasons(lines: list[dict]) -> set[str]:
    return {line.get("reason") for line in lines if line["validity"] != "valid"}


def assert_never_valid(run, device: str, at_least: int = 5) -> list[dict]:
    """Every poll left a line, and none of them says it is valid."""
    lines = journal.samples(run.lines, device)
    assert len(lines) >= at_least, f"{device}: {len(lines)} lines: a failed read must be journalled"
    assert {line["validity"] for line in lines} <= {"invalid", "notAvailable"}, device
    return lines


def test_every_line_has_the_documented_shape(run):
    journal.check_shape(run.lines)


@pytest.mark.parametrize(
    ("metric", "lies"),
    [
        ("MDC_FLOW_FLUID_PUMP_CURRENT", {float(LIE_RATE)}),
        ("NABD_PUMP_PRESSURE", {float(LIE_PRESSURE)}),
        ("MDC_TEMP", {LIE_TEMPERATURE / 10, LIE_TEMPERATURE / 100}),
    ],
)
def test_no_lie_is_ever_valid(run, metric, lies):
    """Of whatever device: a value must not turn up under another device's name either."""
    assert journal.samples(run.lines, metric=metric)
    assert not lies & {point.value for point in journal.points(journal.samples(run.lines, metric=metric))}


@pytest.mark.parametrize(
    ("device", "metric", "allowed"),
    [
        ("pump-crc", "MDC_FLOW_FLUID_PUMP_CURRENT", {"checksumMismatch", "stale"}),
        ("pump-silent", "MDC_FLOW_FLUID_PUMP_CURRENT", {"timedOut", "stale"}),
        ("pump-other", "MDC_FLOW_FLUID_PUMP_CURRENT", {"wrongDevice", "stale"}),
        ("fridge-exception", "MDC_TEMP", {"deviceException", "stale"}),
        # After three periods without a value each says so once.
        # A frame from another unit on the bus is not this device's reply: as such, or as none at all, it may be told.
        ("fridge-doubled", "MDC_TEMP", {"wrongDevice", "malformed", "timedOut", "stale"}),
    ],
)
def test_a_failed_read_is_data_with_its_reason(run, device, metric, allowed):
    assert_never_valid(run, device)
    lines = journal.samples(run.lines, device, metric)
    assert len(lines) >= 5 and reasons(lines) <= allowed, reasons(lines)


def test_an_unplugged_sensor_gives_no_number(run):
    assert_never_valid(run, "spo2-off", at_least=20)
    for metric in ("MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE"):
        lines = journal.samples(run.lines, "spo2-off", metric)
        assert {line["validity"] for line in lines} == {"notAvailable"}
        assert reasons(lines) <= {"sentinel", "deviceStatus"}
        assert all(line["value"] is None for line in lines)
    assert journal.points(journal.samples(run.lines, "spo2-off")) == []


@pytest.mark.parametrize(("device", "metric"), [("spo2-pulled", "MDC_PULS_OXIM_SAT_O2"), ("gx-gone", "NABD_LATITUDE")])
def test_a_pulled_device_becomes_disconnected_and_stays_so(run, device, metric):
    lines = journal.samples(run.lines, device, metric)
    early = [line for line in lines if journal.seconds(line["time"]) < run.pulled_at]
    late = [line for line in lines if journal.seconds(line["time"]) > run.pulled_at + 2]
    assert any(line["validity"] == "valid" for line in early)
    assert all(line["validity"] != "valid" and line["value"] is None for line in late), late[:3]
    # It is told when it begins, and not at each attempt to open the line again. A round of the line's thread that had
    # begun when it was pulled stamps the loss with its own time, some milliseconds before.
    told = [line for line in lines if line["validity"] != "valid" and line["reason"] == "disconnected"] + [
        line for line in lines if journal.seconds(line["time"]) > run.pulled_at and line["validity"] != "valid"
    ]
    assert all(journal.seconds(line["time"]) > run.pulled_at - 0.1 for line in told), told[:3]
    assert any(line["reason"] == "disconnected" for line in told), "nothing is journalled once the device is gone"
    assert reasons(told) <= {"disconnected", "stale", "timedOut", "frameLost"}, reasons(told)


def test_the_others_keep_going(run):
    for device, metric, step in (
        ("pump-good", "MDC_FLOW_FLUID_PUMP_CURRENT", 2.5), ("spo2-good", "MDC_PULS_OXIM_SAT_O2", 2.0),
    ):
        points = journal.points(journal.samples(run.lines, device, metric))
        gaps = [b.seconds - a.seconds for a, b in zip(points, points[1:])]
        assert points and max(gaps) <= step, f"{device}: {max(gaps):.2f} s without a value"
        assert points[0].seconds < run.pulled_at - 5 and points[-1].seconds > run.ended_at - 2.5
    good = run.devices["spo2-good"]
    saturations = [p.value for p in journal.points(journal.samples(run.lines, "spo2-good", "MDC_PULS_OXIM_SAT_O2"))]
    assert set(saturations) <= {v.saturation for v in good.sent_packets}


def test_nothing_but_queries_was_ever_sent(run):
    for name, device in run.devices.items():
        if isinstance(device, AlarisPump):
            assert device.effects == [], name
            assert device.requests, f"{name} was never asked"
        elif hasattr(device, "writes"):
            assert device.writes == [], name
