"""The command line helps itself: examples that fit, a configuration to begin with, names that were meant, a log that a
person reads."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess

import pytest
import yaml

from peers.host import PROFILES, ROOT, binary, nabd
from peers.links import Holder, PtyLink
from peers.registers import ModbusUnit, Registers
from peers.tcp_modbus import TcpModbus
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]

OXIMETER = "nonin/oem-iii-df2"


def commands(path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Every command with what its help says, down to those that have none below them."""
    text = nabd(*path, "--help").stdout.decode()
    below = re.search(r"^SUBCOMMANDS:\n(.*?)(?:\n\n|\Z)", text, re.S | re.M)
    if below is None:
        return [(path, text)]
    names = re.findall(r"^  ([a-z][a-z-]*)(?: |$)", below.group(1), re.M)
    return [found for name in names for found in commands((*path, name))]


def test_every_command_has_examples_that_fit():
    found = commands()
    assert len(found) >= 35, [" ".join(path) for path, _ in found]
    for path, text in found:
        told = re.search(r"^Examples:\n((?:  .*\n)+)", text, re.M)
        assert told, f"nabd {' '.join(path)} has no example"
        lines = [line.strip() for line in told.group(1).splitlines()]
        own = [line for line in lines if line.startswith(f"nabd {' '.join(path)}")]
        assert own and all(len(line) <= 78 for line in lines), (path, lines)
        for line in own:
            command = re.split(r" [|>]|;", line)[0]
            for option in re.findall(r"--[a-z-]+", command):
                assert option in text.split("USAGE:")[1], f"{line}: nabd {' '.join(path)} has no {option}"


# What must be said besides.
NEEDS = {
    ("export",): ("--bed", "chair-1", "--to", "/nonexistent/chair-1.json"),
    ("uplink", "enrol"): ("--password-file", "-"),
}


def test_every_command_that_needs_the_configuration_finds_it_by_itself():
    usual = [path for path, text in commands() if "(default: /etc/nabd/unit.yaml)" in " ".join(text.split())]
    told = {" ".join(path) for path in usual}
    assert told >= {
        "run", "check", "doctor", "status", "watch", "reload", "exporter", "uplink status", "uplink retire",
        "journal stat", "journal export",
    }, told
    if os.path.exists("/etc/nabd/unit.yaml"):
        pytest.skip("this machine is a unit")
    for path in usual:
        # Whoever answers for an alarm says who they are first, and names it.
        if path in (("doctor",), ("uplink", "retire")) or path[0] == "alarms" and path[1:] not in ((), ("list",)):
            continue
        result = nabd(*path, *NEEDS.get(path, ()))
        said = result.stderr.decode()
        assert result.returncode == 1 and "/etc/nabd/unit.yaml:1:1: error: there is no such file" in said, (path, said)
        assert "nabd init > unit.yaml" in said, (path, said)


def test_init_begins_a_unit_that_runs_once_its_ports_are_there(tmp_path):
    text = nabd("init").stdout.decode()
    unit = yaml.safe_load(text)
    assert unit["profiles"] == "/usr/share/nabd/device-profiles"
    file = tmp_path / "unit.yaml"
    links = {
        handle: PtyLink(tmp_path / handle) for handle, device in unit["devices"].items()
        if device["line"].startswith("/dev/nabd/")
    }
    assert len(links) == 4
    text = text.replace(unit["profiles"], str(PROFILES))
    for handle, link in links.items():
        text = text.replace(unit["devices"][handle]["line"], str(link.path))
    file.write_text(text)
    result = nabd("check", "--config", file)
    assert result.returncode == 0 and b"nothing wrong was found" in result.stdout, result.stderr.decode()
    file.write_text(text.replace("xy/md02", "xy/md03"))
    result = nabd("check", "--config", file)
    assert result.returncode == 1 and "did you mean “xy/md02”?" in result.stderr.decode()


@pytest.mark.parametrize("words, meant", [
    (["stauts"], "status"), (["uplink", "stauts"], "status"), (["jurnal", "verify"], "journal")])
def test_a_command_that_was_meant_is_told(words, meant):
    result = nabd(*words)
    assert result.returncode == 2 and f"did you mean “{meant}”?" in result.stderr.decode(), result.stderr


def test_a_unit_without_an_uplink_says_so(host):
    host.configure({"fridge": {"profile": "xy/md02", "line": "/dev/none", "unit": 3}})
    result = nabd("uplink", "status", "--config", host.config)
    assert result.returncode == 69 and "this unit has no uplink" in result.stderr.decode(), result.stderr


def test_what_try_cannot_read_is_told_as_what_it_is(tmp_path, clockwork):
    """A port that somebody holds, what is no port, and a device that answers everything with an exception."""
    def told(profile, line, *more):
        result = nabd("profile", "try", profile, "--line", line, "--for", "2s", *more)
        assert result.returncode == 69, result
        return result.stdout.decode(), result.stderr.decode()

    link = PtyLink(tmp_path / "spo2")
    holder = Holder(str(link.path), "flock")
    try:
        out, said = told(OXIMETER, link.path)
    finally:
        holder.release()
    assert not out and "is held by" in said and f"({os.getpid()})" in said, (out, said)
    (tmp_path / "port").write_text("")
    out, said = told(OXIMETER, tmp_path / "port")
    assert not out and "is a regular file and no serial port" in said, (out, said)
    device = TcpModbus(clockwork, [ModbusUnit(1, Registers({3: range(1)}))])
    _, said = told("xy/md02", f"modbus+{device.line}", "--unit", "1")
    assert "refused all" in said and "the model of this profile" in said and "check power" not in said, said


def test_the_devices_are_listed():
    lines = [json.loads(line) for line in nabd("profile", "list", "--json").stdout.splitlines()]
    assert {line["profile"] for line in lines} == {
        str(path.parent.relative_to(PROFILES)) for path in PROFILES.glob("*/*/profile.yaml")
    }
    (oximeter,) = [line for line in lines if line["profile"] == OXIMETER]
    assert oximeter["metrics"] == ["MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE", "MDC_PULS_OXIM_PLETH"]
    vectors = yaml.safe_load((PROFILES / OXIMETER / "vectors.yaml").read_text())["vectors"]
    assert sum(oximeter["vectors"].values()) == len(vectors)
    said = nabd("profile", "list", OXIMETER).stdout.decode()
    assert said.startswith(f"{OXIMETER}: Nonin OEM III") and "serial 9600 baud 8N1" in said
    page = nabd("profile", "list", "--markdown", "device-profiles").stdout.decode()
    assert page == (ROOT / "docs" / "devices.md").read_text(), "nabd profile list --markdown > docs/devices.md"
    result = nabd("profile", "list", "nonin/oem-iii-df3")
    assert result.returncode == 1 and f"did you mean “{OXIMETER}”?" in result.stderr.decode()


def test_the_ports_of_this_machine_are_told():
    result = nabd("ports", "--json")
    assert result.returncode == 0, result.stderr
    for line in result.stdout.decode().splitlines():
        port = json.loads(line)
        assert os.path.exists(f"/sys/class/tty/{port['port'].removeprefix('/dev/')}/device"), port
        if port["rule"]:
            assert 'GROUP="nabd", MODE="0660", SYMLINK+="nabd/' in port["rule"], port
            named = nabd("ports", port["port"], "--name", "pump-a").stdout.decode()
            assert 'SYMLINK+="nabd/pump-a"' in named and named.startswith("# "), named
    refused = nabd("ports", "/dev/none", "--name", "pump-a")
    assert refused.returncode == 1 and "/dev/none is no serial port of this machine" in refused.stderr.decode()
    refused = nabd("ports", "/dev/none", "--name", 'a", RUN+="b')
    assert refused.returncode == 2 and "is no name for a port" in refused.stderr.decode()


@pytest.fixture
def recorded(host, bench):
    """A host that has recorded the four devices of the bench for a while."""
    host.configure(bench.devices()).start()
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    host.wait_for_sample("MDC_TEMP")
    host.stop()
    return host


def test_what_a_journal_does_not_have_is_said(recorded):
    def export(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return nabd("journal", "export", "--journal", recorded.journal, *arguments)

    assert export("--metric", "MDC_TEMP").returncode == 0
    for arguments, words in (
        (["--metric", "MDC_PULS_OXIM_SAT_02"], "“MDC_PULS_OXIM_SAT_02” — did you mean “MDC_PULS_OXIM_SAT_O2”?"),
        (["--metric", "MDC_NOSUCH", "--csv"], "no metric “MDC_NOSUCH”; it has "),
        (["--metric", "MDC_TEMP", "--device", "spo2-1"], "device “spo2-1” has no metric “MDC_TEMP”; it has MDC_PULS"),
        (["--device", "frigde"], "no device “frigde” — did you mean “fridge”?"),
    ):
        result = export(*arguments)
        assert result.returncode == 1 and result.stdout == b"", arguments
        assert words in result.stderr.decode(), (arguments, result.stderr.decode())
    # A time in which nothing was is no mistake.
    quiet = export("--metric", "MDC_TEMP", "--to", "2020-01-01T00:00:00Z")
    assert quiet.returncode == 0 and quiet.stdout == b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.parametrize("closed", ["folder", "file"])
def test_a_journal_that_may_not_be_read_is_told_as_that(recorded, closed):
    for place in (recorded.directory, *recorded.directory.parents):
        if str(place).startswith("/tmp/"):
            place.chmod(0o755)
    if closed == "file":
        recorded.journal.chmod(0o755)
    else:
        assert recorded.journal.stat().st_mode & 0o777 == 0o750
    for command in ("stat", "verify", "export"):
        result = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(binary()), "journal", command,
             "--journal", str(recorded.journal)],
            capture_output=True, timeout=30, cwd="/",
        )
        said = result.stderr.decode()
        assert result.returncode == 69 and "may not be read by this user" in said, (command, result.returncode, said)
        assert "SQLite" not in said and "no journal" not in said, said


def test_what_is_heard_of_a_device_that_is_never_asked_is_told(recorded):
    (oximeter,) = [
        device for line in recorded.summary()["lines"] for device in line["devices"] if device["device"] == "spo2-1"
    ]
    assert oximeter["requests"] == 0 and oximeter["frames"] > 10, oximeter


@pytest.fixture
def said(host, bench):
    """Runs the host with options until it samples; gives its log and what it printed at its end."""

    def run(*options: str) -> tuple[list[str], str]:
        host.configure(bench.devices())
        log = host.directory / "run.log"
        before = len(host.export()) if host.journal.exists() else 0
        with open(log, "wb") as file:
            process = subprocess.Popen(
                [str(binary()), "run", "--config", str(host.config), *options], stderr=file, stdout=subprocess.PIPE,
            )
        try:
            wait_until(lambda: host.journal.exists() and len(host.export()) > before + 20, 20, "samples")
        finally:
            process.terminate()
            printed, _ = process.communicate(timeout=20)
        assert process.returncode == 0, log.read_text()
        return log.read_text().splitlines(), printed.decode()

    return run


def test_the_log_begins_with_sentences_and_tells_what_is_unverified_once(said):
    lines, printed = said()
    unverified = [line for line in lines if "unverified" in line]
    assert len(unverified) == 1 and "[devices=" in unverified[0] and "nabd profile list" in unverified[0], lines
    assert len(unverified[0].split("devices=")[1].split(", ")) >= 2, unverified
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|notice|warning|error) [^=\[]+", line), line
    assert any(re.search(r"info nabd is running \[devices=4 journal=.* lines=4 ", line) for line in lines), lines
    assert " frames heard" in printed and "0 requests" not in printed, printed


def test_quiet_and_verbose(said):
    lines, printed = said("--quiet")
    assert printed == "" and all(" warning " in line or " error " in line for line in lines), (lines, printed)
    lines, printed = said("--verbose")
    assert printed and any("this fact of its profile is unverified" in line and "fact=" in line for line in lines)
    assert any(f"profile={OXIMETER}" in line and " debug " in line for line in lines), lines
    refused = nabd("run", *shlex.split("--quiet --verbose"))
    assert refused.returncode == 2 and b"either --quiet or --verbose" in refused.stderr
