"""The units of systemd: how exposed they are, that nothing in them damages the record, that they hang together.

Nothing is run here; `make unit-test-vm` runs them. Each check is shown what it must find.
"""

from __future__ import annotations

import re
import shutil

import pytest

from peers.units import EXAMPLES, SHIPPED, Units, settings, what_damages

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")

ROLES = ["nabd-acquire.service", "nabd-acquire-safe.service", "nabd-uplink.service", "nabd-clock.service",
         "nabd-console.service"]
ACQUIRE, SAFE, UPLINK, CLOCK, CONSOLE = ROLES
PROXY = "nabd-screen.service"
# What each may be exposed at most, in tenths.
LIMITS = {ACQUIRE: 6, SAFE: 6, UPLINK: 9, CLOCK: 5, CONSOLE: 2, PROXY: 7}
# What stands open, and why.
EVERYWHERE = {
    "RootDirectoryOrRootImage",  # its own root would be a second copy of the system to keep up to date
    "RestrictAddressFamilies_AF_UNIX",  # how it tells systemd that it is ready, and people how it is
    "ProcSubset",  # the boot's id
    "UMask",  # the group reads what it writes
}
OPEN = {
    ACQUIRE: EVERYWHERE | {"PrivateDevices", "DeviceAllow", "RestrictRealtime", "SystemCallFilter_resources"},
    UPLINK: EVERYWHERE | {"PrivateNetwork", "RestrictAddressFamilies_AF_INET_INET6", "IPAddressDeny", "DeviceAllow"},
    CLOCK: EVERYWHERE | {"ProtectClock", "SystemCallFilter_clock", "SystemCallFilter_privileged"},
    # The group that reads the record is not its own.
    CONSOLE: EVERYWHERE | {"SupplementaryGroups", "DeviceAllow"},
    # The port is opened for it; what comes over it is of that family.
    PROXY: EVERYWHERE | {"SupplementaryGroups", "DeviceAllow", "RestrictAddressFamilies_AF_INET_INET6",
                         "PrivateMounts"},
}
OPEN[SAFE] = OPEN[ACQUIRE]
# What the score knows nothing of, and the unit cannot be without.
NEEDED = {
    ACQUIRE: [
        "User=nabd", "Group=nabd", "UMask=0027", "StateDirectoryMode=0750", "RuntimeDirectoryMode=0750",
        "LimitRTPRIO=50", "LimitMEMLOCK=infinity", "LimitCORE=0", "OOMScoreAdjust=-900", "CPUWeight=1000",
        "MemoryMax=512M", "WatchdogSignal=SIGKILL",
        "SystemCallErrorNumber=EPERM", "AmbientCapabilities=", "Restart=always", "Type=notify", "WatchdogSec=6"],
    UPLINK: [
        "User=nabd-uplink", "Group=nabd", "UMask=0027", "LimitCORE=0", "MemoryMax=384M", "CPUWeight=20",
        "WatchdogSignal=SIGKILL",
        "InaccessiblePaths=-/run/nabd", "SystemCallErrorNumber=EPERM", "AmbientCapabilities=", "Restart=always",
        "Type=notify", "WatchdogSec=6", "ReadWritePaths=-/var/lib/nabd/journal.delivery",
        "ReadWritePaths=-/var/lib/nabd/identity", "RestartPreventExitStatus=2 6", "SuccessExitStatus=6"],
    CLOCK: [
        "User=nabd-clock", "Group=nabd-clock", "UMask=0022", "LimitCORE=0", "WatchdogSignal=SIGKILL",
        "SystemCallErrorNumber=EPERM", "AmbientCapabilities=", "Restart=always", "Type=notify", "WatchdogSec=6"],
    CONSOLE: [
        "User=nabd-console", "Group=nabd-console", "SupplementaryGroups=nabd", "UMask=0007", "LimitCORE=0",
        "RuntimeDirectory=nabd-console", "RuntimeDirectoryMode=0750", "MemoryMax=192M", "CPUWeight=50",
        "WatchdogSignal=SIGKILL", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX",
        "InaccessiblePaths=-/var/lib/nabd/journal.patients -/var/lib/nabd/journal.delivery -/var/lib/nabd/identity "
        "-/etc/nabd/keys",
        "SystemCallErrorNumber=EPERM", "AmbientCapabilities=", "Restart=always", "Type=notify", "WatchdogSec=6",
        "RestartPreventExitStatus=2 6", "SuccessExitStatus=6"],
}
NEEDED[SAFE] = NEEDED[ACQUIRE]


@pytest.fixture
def units(tmp_path) -> Units:
    return Units(tmp_path / "units")


@pytest.mark.parametrize("unit", ROLES)
def test_a_role_is_exposed_as_little_as_is_said(units, unit):
    assert units.exposure(unit) == LIMITS[unit]
    assert units.open_points(unit) == OPEN[unit]


@pytest.mark.parametrize(("unit", "line"), [
    (ACQUIRE, "PrivateNetwork=yes"), (ACQUIRE, "ProtectClock=yes"), (ACQUIRE, "CapabilityBoundingSet="),
    (ACQUIRE, "SystemCallFilter=~@privileged @resources"), (SAFE, "NoNewPrivileges=yes"),
    (UPLINK, "PrivateUsers=yes"), (UPLINK, "IPAddressDeny=any"), (CLOCK, "PrivateDevices=yes"),
    (CONSOLE, "PrivateNetwork=yes"), (CONSOLE, "ProtectSystem=strict")])
def test_a_setting_that_is_taken_out_is_beyond_the_limit(units, unit, line):
    assert not units.without(unit, line).passes(unit, LIMITS[unit]), f"{unit} without {line} passes"


@pytest.mark.parametrize("unit", [ACQUIRE, UPLINK, CLOCK, CONSOLE])
def test_each_setting_of_the_score_counts(tmp_path, unit):
    """A line that could go unnoticed is either of the score, or of the list that is looked for by itself."""
    text = (SHIPPED / unit).read_text()
    hardening = text[text.index("NoNewPrivileges=yes"):text.index("[Install]")]
    silent = {"AmbientCapabilities=", "PrivateIPC=yes", "ProcSubset=all", "KeyringMode=private",
              "SystemCallErrorNumber=EPERM", "SystemCallFilter=sched_setscheduler setpriority",
              "SystemCallFilter=adjtimex clock_adjtime", "ProtectClock=no"}
    lines = [line for line in hardening.splitlines() if line and not line.startswith("#") and line not in silent]
    assert len(lines) > 20
    for number, line in enumerate(lines):
        changed = Units(tmp_path / str(number)).without(unit, line)
        assert changed.open_points(unit) != OPEN[unit], f"nobody notices that {unit} has no {line}"


@pytest.mark.parametrize("unit", ROLES)
def test_what_the_score_does_not_know_is_there(units, unit):
    lines = units.text(unit).splitlines()
    assert [line for line in NEEDED[unit] if line not in lines] == []


@pytest.mark.parametrize(("unit", "example", "key"), [
    (ACQUIRE, "modbus-tcp.conf", "from 0.6 to"), (UPLINK, "records-service.conf", "from 0.9 to")])
def test_a_drop_in_costs_what_it_says(units, unit, example, key):
    said = re.search(key + r" (\d\.\d)", " ".join((EXAMPLES / example).read_text().replace("#", "").split()))
    assert said, f"{example} does not say its price"
    before = units.exposure(unit)
    after = units.drop_in(unit, EXAMPLES / example).exposure(unit)
    assert (before, after) == (LIMITS[unit], round(float(said[1]) * 10))
    assert after > before


@pytest.mark.parametrize("unit", ROLES)
def test_nothing_damages_the_record(units, unit):
    assert what_damages(units.text(unit)) == []


@pytest.mark.parametrize(("unit", "old", "new"), [
    (ACQUIRE, "ProcSubset=all", "ProcSubset=pid"), (ACQUIRE, "UMask=0027", "UMask=0077"),
    (ACQUIRE, "[Service]", "After=time-sync.target\n\n[Service]"),
    (UPLINK, "[Service]", "Wants=network-online.target\n\n[Service]"),
    (CONSOLE, "ProcSubset=all", "ProcSubset=pid"),
    (CLOCK, "ProtectClock=no", "ProtectClock=yes"), (CLOCK, "adjtimex clock_adjtime", "adjtimex")])
def test_what_damages_the_record_is_found(units, unit, old, new):
    assert old in units.text(unit)
    assert len(what_damages(units.text(unit).replace(old, new, 1))) == 1


@pytest.mark.parametrize("unit", [*ROLES, "nabd-acquire-retry.timer"])
def test_systemd_knows_every_word(units, unit):
    assert units.complaints(unit) == ""


def test_a_misspelt_word_is_found(units):
    text = units.text(ACQUIRE).replace("ProtectHome=yes", "ProtectHouse=yes")
    (units.folder / ACQUIRE).write_text(text)
    assert "ProtectHouse" in units.complaints(ACQUIRE)


def differences(one: str, other: str) -> dict[str, tuple[list[str], list[str]]]:
    first, second = settings(one), settings(other)
    return {key: (first.get(key, []), second.get(key, []))
            for key in first | second if first.get(key) != second.get(key)}


def test_the_safe_host_is_the_full_one_but_for_what_makes_it_safe(units):
    full, safe = (units.text(unit).split("[Service]")[1].split("[Install]")[0] for unit in (ACQUIRE, SAFE))
    assert differences(full, safe) == {
        "ExecStart": (["/usr/bin/nabd run --role acquire --config /etc/nabd/unit.yaml"],
                      ["/usr/bin/nabd run --role acquire --safe --config /etc/nabd/unit.yaml"]),
        "ExecStartPost": ([], ["+-/usr/bin/systemctl reset-failed nabd-acquire.service"]),
        "RestartSec": (["1"], ["3"]),
    }
    assert "LimitRTPRIO" in differences(full, safe.replace("LimitRTPRIO=50\n", ""))


def test_the_keys_are_read_where_they_are_renewed(units):
    """A copy that systemd makes at a start is the same until the next start."""
    for unit in ROLES:
        assert "/run/credentials" not in units.text(unit) and "Credential" not in units.text(unit)
    members = [line.split()[1] for line in (SHIPPED.parent / "sysusers.conf").read_text().splitlines()
               if line.startswith("m ") and line.endswith(" nabd-keys")]
    assert members == ["nabd", "nabd-uplink"]


def test_a_crash_loop_ends_in_the_safe_host_and_is_tried_again(units):
    full, safe, timer = (settings(units.text(name)) for name in (ACQUIRE, SAFE, "nabd-acquire-retry.timer"))
    assert (full["StartLimitIntervalSec"], full["StartLimitBurst"], full["OnFailure"]) == (["300"], ["10"], [SAFE])
    # The slowest loop, that of a watchdog, makes its ten starts within the time in which they are counted.
    assert 10 * (int(full["WatchdogSec"][0]) + int(full["RestartSec"][0])) < 300
    assert (full["Conflicts"], safe["Conflicts"]) == ([SAFE], [ACQUIRE]) and ACQUIRE in safe["After"]
    assert safe["StartLimitIntervalSec"] == ["0"] and "OnFailure" not in safe and "WantedBy" not in safe
    assert safe["Wants"][-1] == "nabd-acquire-retry.timer"
    assert (timer["Unit"], timer["OnActiveSec"], timer["PartOf"]) == ([ACQUIRE], ["1h"], [SAFE])


@pytest.mark.parametrize("unit", ROLES)
def test_what_hangs_is_replaced_within_fifteen_seconds_by_construction(units, unit):
    """With six seconds for a start, of which an emulated PC takes five. A thread that stands is told after six, without
    the manager's wait for a sign of life: test_service.py."""
    said = settings(units.text(unit))
    assert "TimeoutAbortSec" not in said and said["WatchdogSignal"] == ["SIGKILL"], "it would first be waited for"
    for hangs in (int(said["WatchdogSec"][0]), 6):
        assert hangs + int(said["RestartSec"][0]) <= 15 - 6


def test_the_other_roles_hang_on_nobody(units):
    for unit in (UPLINK, CLOCK, CONSOLE):
        said = settings(units.text(unit))
        for key in ("Requires", "BindsTo", "PartOf", "Requisite", "Wants", "Upholds", "Conflicts", "OnFailure"):
            assert key not in said, f"{unit} has {key}"
    # An order alone: it starts whatever becomes of the other.
    assert settings(units.text(UPLINK))["After"] == settings(units.text(CONSOLE))["After"] == [ACQUIRE]
    assert "After" not in settings(units.text(CLOCK))


def test_the_screens_have_no_network_and_their_port_has_no_unit(units):
    """The console writes nothing and reaches nothing but sockets; the port is 127.0.0.1's, handed on by one who reads
    nothing of the unit."""
    console = settings(units.text(CONSOLE))
    assert "ReadWritePaths" not in console and "IPAddressAllow" not in console and "LoadCredential" not in console
    for name in (PROXY, "nabd-screen.socket"):
        shutil.copy(EXAMPLES / name, units.folder)
        assert units.complaints(name) == ""
    assert (units.exposure(PROXY), units.open_points(PROXY)) == (LIMITS[PROXY], OPEN[PROXY])
    proxy, port = settings(units.text(PROXY)), settings(units.text("nabd-screen.socket"))
    assert [place.split(":")[0] for place in port["ListenStream"]] == ["127.0.0.1"]
    assert proxy["ExecStart"][0].split()[-1] == f"/run/{console['RuntimeDirectory'][0]}/socket"
    assert proxy["SupplementaryGroups"] == console["Group"]
    misspelt = units.text("nabd-screen.socket").replace("NoDelay", "NoDelays")
    (units.folder / "nabd-screen.socket").write_text(misspelt)
    assert "NoDelays" in units.complaints("nabd-screen.socket")
