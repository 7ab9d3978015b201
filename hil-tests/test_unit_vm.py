"""A whole unit in a virtual machine, asked: when it samples after a cold boot, how it runs, who may read what.

Each test says in the table what it measured (results/unit-vm.md), and has a control that shows that it can fail.
"""

from __future__ import annotations

import base64
import os
import re
import sqlite3
import time

import pytest

from peers.waiting import wait_until
from vm.unit import DEVICES, JOURNAL, Unit, exposure, first_valid, records_service

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("unit-vm")]

FIRST_SAMPLE_LIMIT = 10.0
EXPOSURES = {"nabd-acquire": 0.6, "nabd-acquire-safe": 0.6, "nabd-uplink": 1.0, "nabd-clock": 1.0,
             "nabd-console": 1.0}
# The kernel's word on its clock, asked without a library: struct timex in, its status out; 0x40 is STA_UNSYNC. With
# "synchronise" it is first told that it is synchronised, as a time daemon does.
ADJTIMEX = r"""perl -e '
my $clock = "\0" x 256;
if ("@ARGV" eq "synchronise") {
    substr($clock, 0, 4) = pack("L", 0x1c);
    substr($clock, 24, 16) = pack("qq", 1000, 1000);
    substr($clock, 40, 4) = pack("l", 0x01);
}
syscall(159, $clock) >= 0 or die "adjtimex: $!";
printf "%d\n", unpack("l", substr($clock, 40, 4));' """
UNSYNCHRONISED = 0x40


def sampled(unit: Unit, table, tried: str) -> list[dict]:
    """Wait for every device, say when the first valid sample of each was taken, and hold the first to its limit."""
    lines: list[dict] = []

    def absent() -> set[str]:
        lines[:] = unit.export()
        return set(DEVICES) - set(first_valid(lines))

    unit.wait_sampling(limit=240)
    try:
        unit.wait("a valid sample of each device", lambda: not absent(), limit=60)
    except AssertionError as error:
        raise AssertionError(f"no valid sample of {', '.join(sorted(absent()))}: {error}") from None
    after = {device: unit.after_basic(taken) for device, taken in sorted(first_valid(lines).items())}
    told = ", ".join(f"{device} {seconds:.1f} s" for device, seconds in after.items())
    told += f" (load of this machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    table.row(tried, f"first valid sample ≤ {FIRST_SAMPLE_LIMIT:g} s after basic.target", told)
    assert 0 < min(after.values()) <= FIRST_SAMPLE_LIMIT, told
    return lines


@pytest.mark.short
def test_cold_boot_without_a_network(virtual, unit_table):
    unit = virtual.fresh()
    assert unit.ask("ip -brief -4 address show scope global").output == "", "there is a network: this shows nothing"
    sampled(unit, unit_table, "cold boot, no network")


@pytest.mark.short
def test_exposures(virtual, unit_table):
    unit = virtual.sampling()
    found = {service: exposure(unit.run(f"systemd-analyze security --no-pager {service}.service"))
             for service in EXPOSURES}
    # The same question about a service that nobody has hardened.
    unit.run("systemd-run --unit=bare sleep 600")
    bare = exposure(unit.run("systemd-analyze security --no-pager bare.service; systemctl stop bare"))
    told = ", ".join(f"{service} {figure}" for service, figure in found.items())
    unit_table.row("exposure, asked of the booted systemd", ", ".join(f"{service} ≤ {limit}" for service, limit in
                   EXPOSURES.items()), f"{told}; a bare service {bare}")
    assert bare > 9, "a bare service is not found to be exposed: this looks at nothing"
    assert all(found[service] <= limit for service, limit in EXPOSURES.items()), told


def test_every_role_runs(virtual, unit_table):
    unit = virtual.sampling()
    roles = ("nabd-acquire", "nabd-uplink", "nabd-console", "nabd-clock")
    states = {role: unit.property(role, "ActiveState") + ", " + unit.property(role, "StatusText") for role in roles}
    told = "; ".join(f"{role}: {state}" for role, state in states.items())
    unit_table.row("roles, without anybody's doing", "each active, with a status that a person can read", told)
    assert all(state.startswith("active, ") and len(state) > 12 for state in states.values()), told


ASK = r"""bash -c 'exec 3<>/dev/tcp/{place}/8100 || exit 9
printf "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8100\r\nConnection: close\r\n\r\n" >&3
timeout 3 cat <&3 | head -c 3000' || true"""


def test_the_screens_are_reached_on_this_machine_by_the_examples(virtual, unit_table):
    unit = virtual.sampling()
    unit.run("cp /usr/share/doc/nabd/examples/nabd-screen.* /etc/systemd/system/ && systemctl daemon-reload && "
             "systemctl start nabd-screen.socket")
    unit.wait("the screens' server", lambda: unit.property("nabd-console", "ActiveState") == "active", limit=90)
    page, live, technical = (unit.run(ASK.format(place="127.0.0.1", target=target), limit=30)
                             for target in ("/", "/live?waves=none", "/technical"))
    # This unit has no network: an address is all that is asked of one.
    unit.run("ip address add 192.0.2.7/32 dev lo")
    outside = unit.run(ASK.format(place="192.0.2.7", target="/"), limit=30)
    unit.run("ip address delete 192.0.2.7/32 dev lo")
    unit_table.row("the screens, behind systemd's port", "page, picture and status on 127.0.0.1, nothing elsewhere",
                   f"{page.splitlines()[0]}; a picture: {'event: picture' in live}; "
                   f"a status: {'status/1' in technical}")
    assert page.startswith("HTTP/1.1 200") and "<html" in page
    assert "event: picture" in live and "status/1" in technical
    assert "HTTP/1.1" not in outside


def test_scheduling_memory_and_rights(virtual, unit_table):
    unit = virtual.sampling()
    pid = unit.main_pid("nabd-acquire")
    listed = unit.run(f"ps -L -o cls= -o rtprio= -o comm= -p {pid}")
    threads = re.findall(r"^ *(\S+) +(\S+) +(.*\S)", listed, re.MULTILINE)
    status = dict(line.split(":\t", 1) for line in unit.run(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    uplink = unit.ask(f"ps -L -o cls= -p {unit.main_pid('nabd-uplink')}").output.split()
    lines = [thread for thread in threads if thread[2].startswith("line ")]
    locked, resident = (int(status[name].split()[0]) // 1024 for name in ("VmLck", "VmRSS"))
    unit_table.row(
        "scheduling, memory and rights of the process that samples",
        "lines FIFO 40, journal FIFO 30, the rest ordinary; all memory locked; no capability, in no set",
        f"{len(lines)} lines {sorted({(kind, rank) for kind, rank, _ in lines})}, "
        f"journal {[thread[:2] for thread in threads if thread[2] == 'journal']}; "
        f"{locked} MiB locked, {resident} MiB resident; "
        f"CapEff {status['CapEff']}, CapBnd {status['CapBnd']}; uplink {sorted(set(uplink))}",
    )
    assert len(lines) == len(DEVICES) and all(thread[:2] == ("FF", "40") for thread in lines)
    assert [thread[:2] for thread in threads if thread[2] == "journal"] == [("FF", "30")]
    assert {thread[0] for thread in threads if not thread[2].startswith(("line ", "journal"))} == {"TS"}
    assert locked > 0 and locked >= resident, "not all that is resident is locked"
    for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, f"{name} {status[name]}"
    assert set(uplink) == {"TS"}, "the uplink does not run, or competes with the lines"


def test_boot_id_and_clock_quality(virtual, unit_table, tmp_path):
    unit = virtual.fresh()
    unit.wait_sampling(limit=240)
    for name in ("samples-000001.sqlite", "samples-000001.sqlite-wal"):
        (tmp_path / name).write_bytes(base64.b64decode(unit.run(f"base64 {JOURNAL}/{name}")))
    with sqlite3.connect(tmp_path / "samples-000001.sqlite") as journal:
        boots = [boot for (boot,) in journal.execute("SELECT boot FROM sessions")]
    before, first = int(unit.run(ADJTIMEX)), quality(unit)
    after = int(unit.run(ADJTIMEX + "synchronise"))
    # A new quality is asked for now and then; it stands on the samples from then on.
    wait_until(lambda: quality(unit) == "synchronised", 120, "samples of a synchronised clock", every=3)
    unit_table.row(
        "boot id and clock quality, from inside the sandbox",
        "the kernel's boot id on each session; holdover, then synchronised once the kernel's clock is",
        f"{boots} in the record, {unit.boot_id} the machine's; kernel status {before:#x}: {first}; {after:#x}: "
        "synchronised",
    )
    assert set(boots) == {unit.boot_id}
    assert before & UNSYNCHRONISED and not after & UNSYNCHRONISED, "the clock was not what the test takes it for"
    assert first == "holdover"


def quality(unit: Unit) -> str:
    """What stands on the newest sample."""
    since = unit.uptime() - 20_000_000
    lines = [line for line in unit.export() if "metric" in line and line["monotonicNanoseconds"] > since * 1000]
    return max(lines, key=lambda line: line["monotonicNanoseconds"])["clock"] if lines else "no sample"


def test_a_stranger_reads_nothing(virtual, unit_table):
    unit = virtual.sampling()
    # What anybody may do with anything that the host writes or that is secret; folders too.
    places = "/var/lib/nabd /etc/nabd $(ls -d /run/nabd /run/credentials/nabd-* 2>/dev/null)"
    open_to_all = "find {places} ! -type l -perm /007 2>/dev/null"
    found = unit.ask(open_to_all.format(places=places)).output.split()
    readable = unit.ask(f"runuser -u stranger -- find {places} -mindepth 1 -readable 2>/dev/null").output.split()
    unit.run("mkdir -p /var/lib/control && echo x > /var/lib/control/open && chmod 755 /var/lib/control")
    control = unit.ask(open_to_all.format(places="/var/lib/control")).output.split()
    control += unit.ask("runuser -u stranger -- find /var/lib/control -mindepth 1 -readable").output.split()
    asked = unit.ask("runuser -u stranger -- nabd journal stat --journal /var/lib/nabd/journal")
    files = unit.run("find /var/lib/nabd -type f | wc -l").strip()
    unit_table.row("a stranger on the machine", "may read nothing of the record, the configuration or the keys",
                   f"{files} files of the record; open to all: {found or 'none'}; readable: {readable or 'none'}; "
                   f"`journal stat`: exit {asked.status}; control found {len(control)}")
    assert int(files) >= 4 and len(control) == 3, "the check finds nothing where there is something"
    assert found == [] and readable == []
    assert asked.status != 0


def test_the_uplink_writes_nothing_of_the_record(virtual, unit_table):
    unit = virtual.sampling()
    writable = "runuser -u nabd-uplink -g nabd -- find {place} -writable 2>/dev/null"
    outside = unit.ask(writable.format(place=JOURNAL)).output.split()
    own = unit.ask(writable.format(place=f"{JOURNAL}.delivery")).output.split()
    pid = unit.main_pid("nabd-uplink")
    assert pid > 0, "the uplink does not run"
    inside = f"nsenter --target {pid} --mount -- setpriv --reuid nabd-uplink --regid nabd --clear-groups "
    touched = unit.ask(f"{inside} touch {JOURNAL}/written")
    opened = unit.ask(f"for file in {JOURNAL}/*; do {inside} bash -c ': >> \"$1\"' _ $file && echo $file; done")
    allowed = unit.ask(f"{inside} touch {JOURNAL}.delivery/control && rm {JOURNAL}.delivery/control")
    read = unit.ask(f"{inside} head -c 16 {JOURNAL}/samples-000001.sqlite")
    unit_table.row("the uplink's user, outside and in its service's own view", "writes its book, reads the record, "
                   "writes nothing of the record", f"writable: {outside or 'none'}; own book: {len(own)} writable; "
                   f"new file in the record: exit {touched.status}; read: {read.output[:13]!r}")
    assert own and allowed.status == 0, f"it cannot write its own book: {allowed.output}"
    assert outside == [] and touched.status != 0
    assert not [line for line in opened.output.splitlines() if line.startswith(JOURNAL)], opened.output
    assert read.output.startswith("SQLite format"), "it cannot read what it is to deliver"


def test_cold_boot_with_a_clock_at_1970(virtual, unit_table):
    unit = virtual.fresh(clock="1970-01-01T00:00:00")
    assert "1970-01-01" in unit.run("dmesg | grep 'setting system clock'"), "the clock was right: this shows nothing"
    lines = sampled(unit, unit_table, "cold boot, hardware clock at 1970")
    qualities = {line["clock"] for line in lines}
    times = {line["time"][:10] for line in lines}
    unit_table.row("what is said of that clock", "never synchronised", f"{sorted(qualities)}; dated {sorted(times)}, "
                   "which is where systemd puts a clock that is older than itself")
    assert "synchronised" not in qualities


def test_cold_boot_with_a_network(virtual, unit_table, records_for_the_unit):
    unit = virtual.fresh(network=True, records=records_for_the_unit.port)
    sampled(unit, unit_table, "cold boot, with a network")
    began = time.monotonic()
    wait_until(lambda: records_for_the_unit.count("Observation") >= 5, 240, "observations at the service", every=2)
    count, took = records_for_the_unit.count("Observation"), time.monotonic() - began
    unit_table.row("delivery from the unit's own service", "observations arrive over mutual TLS 1.3",
                   f"{count} there {took:.0f} s (real time) after each device had sampled")


@pytest.fixture
def records_for_the_unit(virtual, tmp_path):
    """The records service that the virtual unit's configuration names."""
    service = records_service(virtual.installed, tmp_path / "records").start()
    yield service
    service.stop()
