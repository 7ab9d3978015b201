"""A journal that a shipped version wrote is delivered by today's host to a real records server, once and whole."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from peers import fhir_checks
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]

SHIPPED = Path(__file__).parents[1] / "Tests" / "journals" / "version-3"


def codes(observation: dict) -> set[str]:
    """Numbers and names under which an observation goes."""
    return {coding["code"] for coding in observation["code"]["coding"]}


def test_a_journal_of_version_3_is_delivered(bench, host, records, pki, validated):
    before = [json.loads(line) for line in (SHIPPED / "export.jsonl").read_text().splitlines()]
    before = [line for line in before if line.get("metric") and isinstance(line.get("value"), (int, float))]
    began = time.time()
    host.journal.mkdir(parents=True)
    for file in SHIPPED.glob("*.sqlite"):
        shutil.copy(file, host.journal / file.name)
        (host.journal / file.name).chmod(0o640)
    host.configure(
        {"spo2-1": bench.devices()["spo2-1"]}, records.base_url, pki.authority.certificate, pki.client, window="5s"
    ).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    metrics = {line["metric"] for line in before}
    assert len(metrics) > 10

    def points(metric: str) -> list[float]:
        # The name that the journal has stays beside one that was verified since; a number is told by the export.
        number = str(next(line.get("code") for line in before if line["metric"] == metric))
        found = [o for o in records.all("Observation") if "valueSampledData" in o and codes(o) & {metric, number}]
        found = [o for o in found if fhir_checks.sampled_points(o)[0].seconds < began]
        return [
            p.value
            for o in sorted(found, key=lambda o: o["effectivePeriod"]["start"])
            for p in fhir_checks.sampled_points(o)
        ]

    def is_there() -> bool:
        return all(len(points(m)) >= sum(line["metric"] == m for line in before) for m in metrics)

    wait_until(is_there, 60, "the old journal's values on the server", every=1)
    host.stop()
    for metric in metrics:
        assert points(metric) == [line["value"] for line in before if line["metric"] == metric], metric
    assert validated(records.all("Observation")) == []
