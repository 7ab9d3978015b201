"""The demonstration: everything in one command, ending with a summary that scripts can read."""

from __future__ import annotations

import json

import pytest

from peers.host import nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]


def test_demo_ends_with_a_summary(tmp_path):
    result = nabd("demo", "--for", "20s", "--json", timeout=80, cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()[-3000:]
    summary = json.loads(result.stdout.decode().strip().splitlines()[-1])
    assert summary["devices"] == 4
    # 75 pleth samples and 3 of each vital a second make the least that 20 s can hold.
    assert summary["samples"] > 20 * 3
    assert summary["gaps"] == 0
    lateness = summary["latenessMicroseconds"]
    assert 0 <= lateness["p50"] <= lateness["p99"] < 1_000_000
    assert summary["journalBytesPerSample"] > 0
    assert summary["resourcesStored"] > 0
    assert summary["resourcesPending"] == 0
