"""A running host that is asked: its devices, values, alerts and lines, against what its journal holds.

And one that is told to read its configuration anew.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import tarfile
import time

import pytest
import yaml

from peers.host import binary, nabd
from peers.modbus import ClimateSensor
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]


@pytest.fixture
def unit(bench, hosts, tmp_path):
    made = hosts(tmp_path / "unit").configure(bench.devices())
    made.start("acquire")
    made.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    made.wait_for_sample("MDC_TEMP")
    return made


def told(unit) -> dict:
    result = nabd("status", "--socket", f"{unit.journal}.status", "--json")
    assert result.returncode in (0, 1), result.stderr.decode()
    return json.loads(result.stdout)


def device(status: dict, handle: str) -> dict:
    return next(entry for entry in status["devices"] if entry["device"] == handle)


def value(status: dict, handle: str, metric: str) -> dict:
    return next(entry for entry in device(status, handle)["values"] if entry["metric"] == metric)


def ready(unit) -> bool:
    return told(unit)["health"]["state"] == "ok" and all(d["link"] == "answering" for d in told(unit)["devices"])


def test_what_it_tells_is_what_it_records(unit, bench):
    wait_until(lambda: ready(unit), 20, "a host in good health")
    shown = [(entry["metric"], entry["text"]) for _ in range(12) for handle in ("fridge", "pump-1", "spo2-1")
             for entry in device(told(unit), handle)["values"] if entry["value"] is not None]
    time.sleep(1)
    recorded = {(line["metric"], str(line["value"])) for line in unit.export() if "value" in line}
    assert len(set(shown)) > 8, "hardly anything was shown: this looks at nothing"
    exact = {(metric, text) for metric, text in shown}
    for metric, text in exact:
        # JSON readers take 5.30 for 5.3: as numbers where they are numbers.
        assert (metric, text) in recorded or any(m == metric and number(v) == number(text) for m, v in recorded), (
            metric, text)
    status = told(unit)
    assert status["unit"] == "test-unit-1" and status["testData"] is True
    wave = device(status, "spo2-1")["waveforms"][0]
    assert sum(column is not None for column in wave["columns"]) > 20
    assert [line["line"] for line in status["lines"]] == [d["line"] for d in status["devices"]]


def number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def test_a_device_that_falls_silent_has_no_values(unit, bench):
    wait_until(lambda: ready(unit), 20, "a host in good health")
    assert nabd("status", "--config", unit.config).returncode == 0
    assert value(told(unit), "fridge", "MDC_TEMP")["value"] is not None
    bench.fridge.stop()
    stopped = time.monotonic()
    wait_until(lambda: value(told(unit), "fridge", "MDC_TEMP")["value"] is None, 10, "no temperature", every=0.2)
    # Its period is 1 s: three of them and half a second, and what the question takes.
    assert time.monotonic() - stopped < 6
    wait_until(lambda: told(unit)["health"]["state"] == "degraded", 20, "the health")
    status = told(unit)
    assert device(status, "fridge")["link"] == "silent"
    assert any(reason.startswith("fridge: ") for reason in status["health"]["reasons"])
    wait_until(lambda: any(alert["alert"] == "NABD_DEVICE_STALE" and alert["device"] == "fridge"
                           for alert in told(unit)["alerts"]), 20, "the alert")
    table = nabd("status", "--config", unit.config)
    assert table.returncode == 1, "a script sees that something is wrong"
    words = table.stdout.decode()
    assert "degraded" in words and "! fridge: " in words
    assert any("Temperature" in line and "––" in line for line in words.splitlines()), words
    assert "alert: No current values from this device" in unit.log(), "the log has the alert too"


def test_a_value_that_stands_still_is_not_now(unit):
    """The host itself is stopped: what it tells on waking is not what it knew before."""
    wait_until(lambda: ready(unit), 20, "a host in good health")
    os.kill(unit.pid, signal.SIGSTOP)
    time.sleep(6)
    os.kill(unit.pid, signal.SIGCONT)
    for entry in device(told(unit), "spo2-1")["values"]:
        assert entry["value"] is None or entry["ageMilliseconds"] < 4000, entry
    # And its own rest is not the cable's fault.
    wait_until(lambda: "lay unread (the host stood still)" in unit.log(), 10, "that it is said")
    assert "check the cable" not in unit.log()


def test_watch_shows_a_table_again_and_again(unit):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(binary(), [str(binary()), "watch", "--config", str(unit.config), "--every", "0.25"])
    seen = b""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and seen.count(b"\x1b[H") < 6:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536)
    unit.kill()
    while time.monotonic() < deadline + 10 and b"no host runs there" not in seen:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    text = seen.decode(errors="replace")
    assert seen.count(b"\x1b[H") >= 6 and "Oxygen saturation" in text and "line " in text
    assert any(block in text for block in "▂▃▄▅▆▇█"), "no trace of the waveform"
    assert "no host runs there" in text, "a host that is gone was shown as if it were there"


def test_without_a_host_the_words_say_so(hosts, tmp_path):
    unit = hosts(tmp_path / "unit").configure({"fridge": {"profile": "xy/md02", "line": "/dev/none", "unit": 3}})
    for command in ("status", "watch", "reload"):
        result = nabd(command, "--config", unit.config)
        assert result.returncode == 69 and b"no host runs there" in result.stderr, (command, result)
        assert b"systemctl start nabd-acquire" in result.stderr, (command, result)
    # Since the machine started nobody has made the folder: the same words.
    result = nabd("status", "--socket", tmp_path / "nowhere" / "status")
    assert result.returncode == 69 and b"no host runs there" in result.stderr, result
    assert b"systemctl start nabd-acquire" in result.stderr, result


def test_a_stranger_is_told_nothing(unit):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    for place in (unit.directory, *unit.directory.parents):
        if str(place).startswith("/tmp/"):
            place.chmod(0o755)
    for closed in (unit.directory, unit.config):
        rights = closed.stat().st_mode
        closed.chmod(0o700)
        for command in (["status"], ["reload"], ["check"], ["journal", "stat"], ["uplink", "status"],
                        ["alarms", "list"]):
            result = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(binary()), *command, "--config",
                 str(unit.config)], capture_output=True, timeout=30)
            assert result.returncode != 0 and not result.stdout, (command, result.stdout[:200])
            said = result.stderr.decode()
            assert "may not read it" in said and "sudo" in said and "no such file" not in said, (command, said)
        closed.chmod(rights)


def test_a_support_bundle_has_what_helps_and_no_value(unit, tmp_path):
    wait_until(lambda: ready(unit), 20, "a host in good health")
    file = tmp_path / "bundle.tar.gz"
    result = nabd("support-bundle", "--config", unit.config, "--output", file)
    assert result.returncode == 0, result.stderr.decode()
    with tarfile.open(file) as packed:
        parts = {part.name.split("/")[-1]: packed.extractfile(part).read().decode()
                 for part in packed.getmembers() if part.isfile()}
    assert {"unit.yaml", "check.txt", "doctor.txt", "health.txt", "metrics.txt", "journal.json", "events.jsonl",
            "log.txt", "system.txt", "uplink.txt", "version.txt"} <= set(parts)
    assert parts["health.txt"] == "ok\n" and "nabd_samples_total" in parts["metrics.txt"]
    assert '"event":"deviceConnected"' in parts["events.jsonl"]
    # What the pump and the oximeter show is in none of it: the syringe's and the mode's words, and every number with a
    # point that the journal has.
    shown = {str(line["value"]) for line in unit.export() if line.get("value") is not None}
    told = {text for text in shown if len(text) > 3 and not text.isdigit()}
    assert len(told) >= 5, f"too few values to look for: {shown}"
    for name, text in parts.items():
        if name not in ("unit.yaml", "metrics.txt", "log.txt", "services.txt", "system.txt", "release.txt"):
            assert not [value for value in told if value in text], (name, told)


# MARK: Reading anew


def write(unit, change) -> None:
    text = yaml.safe_load(unit.config.read_text())
    change(text)
    unit.config.write_text(yaml.safe_dump(text, sort_keys=False))


def sequences(unit, metric: str) -> list[int]:
    found = []
    for line in unit.export():
        if line.get("metric") == metric and "sequence" in line:
            found += [line["sequence"] + place for place in range(len(line.get("values", [0])))]
    return found


def test_a_change_to_one_device_touches_that_one(unit, bench):
    wait_until(lambda: ready(unit), 20, "a host in good health")
    more = ClimateSensor(unit=7).start()
    try:
        def change(text: dict) -> None:
            text["devices"]["fridge"]["override"]["every"] = {"MDC_TEMP": "250ms"}
            text["devices"]["store"] = {"profile": "xy/md02", "line": more.line, "unit": 7}
            del text["devices"]["gx"]

        write(unit, change)
        result = nabd("reload", "--config", unit.config)
        assert result.returncode == 0, result.stderr.decode()
        wait_until(lambda: "store" in [d["device"] for d in told(unit)["devices"]], 20, "the new device")
        wait_until(lambda: value(told(unit), "store", "MDC_TEMP")["value"] is not None, 20, "its value")
        time.sleep(3)
        assert [d["device"] for d in told(unit)["devices"]] == ["spo2-1", "pump-1", "fridge", "store"]
    finally:
        more.stop()
    unit.stop()
    lines = unit.export()
    events = [(line["event"], line.get("device")) for line in lines if "event" in line]
    assert ("deviceReleased", "gx") in events
    assert [e for e in events if e == ("deviceConfigured", "spo2-1")] == [("deviceConfigured", "spo2-1")]
    assert [e for e in events if e == ("deviceConfigured", "fridge")] == [("deviceConfigured", "fridge")] * 2
    # The others' lines were never closed, and no number is missing or twice anywhere.
    for handle in ("spo2-1", "pump-1"):
        assert events.count(("deviceConnected", handle)) == 1 and ("deviceDisconnected", handle) not in events
    for metric in ("MDC_PULS_OXIM_PLETH", "MDC_PULS_OXIM_SAT_O2"):
        numbers = sequences(unit, metric)
        assert numbers == list(range(len(numbers))) and len(numbers) > 5, metric
    # The pleth went on through it: 75 Hz, and nothing fell out.
    times = [line["monotonicNanoseconds"] for line in lines if line.get("metric") == "MDC_PULS_OXIM_SAT_O2"]
    assert max(after - before for before, after in zip(times, times[1:])) < 2.5e9
    assert nabd("journal", "verify", "--journal", unit.journal).returncode == 0


def test_a_faulty_change_is_refused_and_the_host_goes_on(unit):
    wait_until(lambda: ready(unit), 20, "a host in good health")
    good = unit.config.read_text()
    write(unit, lambda text: text["devices"]["fridge"].update(profile="xy/nosuch"))
    result = nabd("reload", "--config", unit.config)
    assert result.returncode == 1 and b"there is no profile" in result.stderr, "it is said before the host is told"
    assert b"--despite-faults" in result.stderr
    # Where that is wanted it costs its part: the device goes on as it was.
    result = nabd("reload", "--config", unit.config, "--despite-faults")
    assert result.returncode == 0 and b"there is no profile" in result.stderr, result
    wait_until(lambda: any(a["alert"] == "NABD_DEVICE_REFUSED" for a in told(unit)["alerts"]), 20, "the alert")
    time.sleep(2)
    assert value(told(unit), "fridge", "MDC_TEMP")["value"] is not None, "it is read as before"
    unit.config.write_text("nabd: [")
    os.kill(unit.pid, signal.SIGHUP)
    wait_until(lambda: any(a["alert"] == "NABD_SETTING_REFUSED" for a in told(unit)["alerts"]), 20, "the alert")
    assert value(told(unit), "fridge", "MDC_TEMP")["value"] is not None
    unit.config.write_text(good)
    os.kill(unit.pid, signal.SIGHUP)
    wait_until(lambda: not told(unit)["alerts"], 20, "an end of the alerts")
    assert ready(unit)
    unit.stop()
    lines = unit.export()
    starts = sum(line.get("event") == "alertStart" for line in lines)
    assert starts == sum(line.get("event") == "alertEnd" for line in lines) > 0


def test_a_terminal_that_is_lost_does_not_end_it(unit):
    for _ in range(20):
        os.kill(unit.pid, signal.SIGHUP)
    time.sleep(2)
    assert unit.running
    unit.stop()
    assert [line["event"] for line in unit.export() if line.get("event", "").startswith("host")] == [
        "hostStarted", "hostStopped"]


def test_a_file_that_cannot_be_read_starts_the_last_good_one(bench, hosts, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    unit = hosts(tmp_path / "unit").configure(bench.devices())
    good = unit.config.read_text()

    def run(text: str | None):
        if text is None:
            unit.config.unlink()
        else:
            unit.config.write_text(text)
        with open(unit.log_path, "ab") as log:
            return subprocess.Popen(
                [str(binary()), "run", "--config", str(unit.config), "--role", "acquire"], cwd=unit.directory,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env={**os.environ, "STATE_DIRECTORY": str(state)})

    unread = run("nabd: [")
    assert unread.wait(20) != 0, "nothing was kept, and something was started"
    for text in (good, "nabd: [", None, "nabd: unit/2\n", "x" * (2 << 20)):
        process = run(text)
        try:
            wait_until(lambda: nabd("status", "--socket", f"{unit.journal}.status").returncode != 69, 20, "a host")
            wait_until(lambda: value(told(unit), "fridge", "MDC_TEMP")["value"] is not None, 20, "a value")
            alerts = [alert["alert"] for alert in told(unit)["alerts"]]
            assert ("NABD_SETTING_REFUSED" in alerts) == (text != good), (text and text[:20], alerts)
        finally:
            process.terminate()
            assert process.wait(20) == 0
    assert "the unit runs by its last good configuration" in unit.log()
    assert oct((state / "unit.yaml.kept").stat().st_mode & 0o777) == "0o640"


def test_in_safe_mode_devices_are_read_and_that_is_an_alert(bench, hosts, tmp_path):
    unit = hosts(tmp_path / "unit").configure(bench.devices())
    with open(unit.log_path, "ab") as log:
        process = subprocess.Popen(
            [str(binary()), "run", "--config", str(unit.config), "--role", "acquire", "--safe"], cwd=unit.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    try:
        wait_until(lambda: nabd("status", "--config", unit.config).returncode != 69, 20, "a host that answers")
        wait_until(lambda: value(told(unit), "fridge", "MDC_TEMP")["value"] is not None, 20, "a value")
        alerts = [(alert["alert"], alert["priority"]) for alert in told(unit)["alerts"]]
        assert ("NABD_SAFE_MODE", "high") in alerts
    finally:
        process.terminate()
        process.wait(20)


def test_what_is_wrong_from_the_start_is_as_old_as_the_host(bench, hosts, tmp_path):
    """A misspelt profile, a misspelt key and an identity that is not there: each is told, at once, with its reason."""
    made = hosts(tmp_path / "unit").configure(bench.devices())

    def spoil(text):
        text["devices"]["gps"] = {"profile": "nmea/0182", "line": "/dev/none"}
        text["clok"] = {"file": "quality"}
        text["beds"] = {"chair-1": {"name": "Chair 1", "name-arabic": "كرسي 1", "devices": ["spo2-1"]}}
        text["uplink"] = {"server": "https://127.0.0.1:1/fhir", "authority": "a.pem", "client-certificate": "c.pem",
                          "client-key": "k.pem"}

    write(made, spoil)
    began = time.time()
    made.start("acquire").wait_for_sample("MDC_TEMP")

    def names():
        return {alert["alert"] for alert in told(made)["alerts"]}

    wait_until(lambda: {"NABD_DEVICE_REFUSED", "NABD_SETTING_REFUSED", "NABD_PATIENTS_NOT_KEPT"} <= names(), 10,
               "the alerts")
    for alert in told(made)["alerts"]:
        assert alert["heldMilliseconds"] < (time.time() - began) * 1000 and not alert["began"].startswith("1970"), alert
    wait_until(lambda: any("identity" in reason for reason in told(made)["health"]["reasons"]), 5, "the identity")
    log = made.log()
    (said,) = [line for line in log.splitlines() if "nobody can be bound to a bed: mend it" in line]
    assert "clok" in said, said
    # What is no key of the file does not change at a start.
    made.config.write_text(made.config.read_text().replace("clok", "clokk"))
    os.kill(made.pid, signal.SIGHUP)
    wait_until(lambda: "read anew: no line was opened or closed" in made.log(), 10, "that it is read anew")
    assert "changes at the next start" not in made.log() and "opened= " not in made.log()
    made.stop()
