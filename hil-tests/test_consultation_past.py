"""What a far clinician sees of the past of a unit that runs: only what was measured at the bed, of who is there now."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
import yaml

from peers import journal
from peers.people import ask
from peers.waiting import wait_until
from test_consultation import FarUnit, clinicians, unit  # noqa: F401

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

SATURATION = "MDC_PULS_OXIM_SAT_O2"


def bind(unit: FarUnit, bed: str, mrn: str) -> int:
    told = ask(unit.host, "bed", "bind", bed, "--by", "mrn", "--by", "birth-date", lines=[mrn, "1961-02-03"])
    assert told.code == 0, told.error
    return next(line for line in reversed(journal.events(unit.host.export())) if line["event"] == "patientBound")[
        "sequence"]


def place(unit: FarUnit, devices: dict[str, list[str]]) -> None:
    """Puts devices at beds, while the host runs; a bed without any goes."""
    asked = yaml.safe_load(unit.host.config.read_text())
    for bed, there in devices.items():
        if there:
            asked["beds"][bed]["devices"] = there
        else:
            del asked["beds"][bed]
    unit.host.config.write_text(yaml.safe_dump(asked, allow_unicode=True))
    os.kill(unit.host.pid, signal.SIGHUP)


def past(unit: FarUnit, device: str) -> dict:
    """The last minutes of a device's saturation in columns of a second, as the far clinician is told them."""
    client = unit.client(unit.haddad)
    stream = client.stream("/live?waves=none", gzip=False)
    streams = stream.wait("picture").data["streams"]
    number = next(one["n"] for one in streams if one["device"] == device and one["metric"] == SATURATION)
    until = int(time.time())
    answer = client.request(
        f"/history?streams={number}&from={(until - 120) * 1000}&to={(until + 1) * 1000}&columns=121")
    stream.close()
    assert answer.status == 200, answer.body
    told = json.loads(answer.body.decode().strip().splitlines()[-1])
    (one,) = told["streams"]
    return {"times": [(until - 120 + column) for column, count in enumerate(one["count"]) if count],
            "words": {gap[2] for gap in one["gaps"]}, "whose": {holder for _, holder in one["whose"]}}


def test_a_device_that_came_from_another_bed_brings_nothing_of_it(unit: FarUnit):
    bind(unit, "chair-1", "MRN-1")
    here = bind(unit, "chair-2", "MRN-2")
    time.sleep(8)
    moved = time.time()
    place(unit, {"chair-1": [], "chair-2": ["oximeter-1", "oximeter-2"]})
    wait_until(lambda: [line for line in journal.events(unit.host.export()) if line["event"] == "bedConfigured"
                        and line.get("bed") == "chair-2" and "oximeter-1" in line.get("devices", [])], 20, "the move")
    time.sleep(6)
    unit.open("--bed", "chair-2", "--minutes", "10")
    brought = past(unit, "oximeter-1")
    assert brought["times"] and min(brought["times"]) >= int(moved), "what it measured at the other bed is told"
    assert brought["whose"] == {here} and "withheld" in brought["words"]
    # What was there all the time has all of it.
    stayed = past(unit, "oximeter-2")
    assert min(stayed["times"]) < moved - 5 and stayed["whose"] == {here}


def test_of_who_was_there_before_nothing_is_told(unit: FarUnit):
    bind(unit, "chair-1", "MRN-1")
    time.sleep(6)
    assert ask(unit.host, "bed", "unbind", "chair-1").code == 0
    came = time.time()
    here = bind(unit, "chair-1", "MRN-2")
    time.sleep(6)
    unit.open("--minutes", "10")
    told = past(unit, "oximeter-1")
    assert told["times"] and min(told["times"]) >= int(came) and told["whose"] == {here}
    assert "withheld" in told["words"]
