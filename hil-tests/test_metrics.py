"""What the host tells Prometheus through the exporter, read by Prometheus's own parser;
and what becomes of the host when its exporter has no port, or its status socket's place is taken.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from peers import journal
from peers.host import Host, binary
from peers.modbus import ClimateSensor
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]


@pytest.fixture
def sensor():
    made = ClimateSensor(unit=3).start()
    yield made
    made.stop()


def fridge(sensor: ClimateSensor) -> dict:
    fast = {"MDC_TEMP": "500ms", "NABD_RELATIVE_HUMIDITY": "500ms"}
    return {"fridge": {"profile": "xy/md02", "line": sensor.line, "unit": 3, "override": {"every": fast}}}


@pytest.fixture
def exporter():
    """Starts the exporter of a unit, a process of its own."""
    started: list[subprocess.Popen] = []

    def start(host: Host) -> subprocess.Popen:
        with open(host.directory / "exporter.log", "ab") as log:
            process = subprocess.Popen(
                [str(binary()), "exporter", "--config", str(host.config)], stdin=subprocess.DEVNULL, stderr=log
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def samples(text: str) -> dict[tuple[str, tuple], float]:
    """Every sample by its name and labels; none stands twice."""
    found: dict[tuple[str, tuple], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def test_counts_agree_with_the_device_and_the_summary(host, sensor, exporter):
    port = free_port()
    host.configure(fridge(sensor), metrics=port).start()
    serving = exporter(host)
    labels = (("device", "fridge"), ("line", sensor.line))

    def replies() -> float:
        status, text = get(port, "metrics")
        return samples(text).get(("nabd_device_replies_total", labels), 0) if status == 200 else 0

    wait_until(lambda: replies() >= 5, 20, "five replies in the metrics")
    assert get(port, "health") == (200, "ok\n")
    seen = samples(get(port, "metrics")[1])
    asked = len(sensor.requests)
    assert 0 < seen["nabd_device_requests_total", labels] <= asked <= seen["nabd_device_requests_total", labels] + 3
    assert 0 < seen["nabd_line_utilisation_ratio", (("line", sensor.line),)] < 0.5
    assert seen["nabd_journal_problem", ()] == 0
    host.stop()
    (line,) = host.summary()["lines"]
    (device,) = line["devices"]
    assert line["line"] == sensor.line and device["device"] == "fridge"
    assert device["replies"] >= seen["nabd_device_replies_total", labels] and device["timeouts"] == 0
    told = [event for event in journal.events(host.export()) if event["event"] == "deviceStatistics"]
    assert told and told[-1]["replies"] == device["replies"]
    status, words = get(port, "health")
    assert status == 503 and "no host runs there" in words, (status, words)
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(10) == 0


def test_a_taken_port_costs_the_exporter_only(host, sensor, exporter):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host.configure(fridge(sensor), metrics=taken.getsockname()[1]).start()
        assert exporter(host).wait(20) == 69
        assert "is it taken?" in (host.directory / "exporter.log").read_text()
        host.wait_for_sample("MDC_TEMP")
        host.stop()


def test_a_place_that_is_taken_costs_the_status_only(host, sensor):
    (host.directory / "journal.status").write_text("somebody's file")
    host.configure(fridge(sensor)).start()
    host.wait_for_sample("MDC_TEMP")
    host.stop()
    assert "nobody can ask how the host is" in host.log_path.read_text()
    assert (host.directory / "journal.status").read_text() == "somebody's file"
