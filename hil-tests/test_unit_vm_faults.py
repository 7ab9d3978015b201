"""What becomes of a whole unit when a part of it stops, loops, is pulled out, finds no room, or is replaced.

Seconds are those of the machine's own clock, taken inside in one script: a question from outside takes a second itself.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from peers import journal
from peers.packages import change_check, finds_a_fault, program, variant
from vm.unit import JOURNAL, PUMP_A, PUMP_B, Unit, delivery, missing, writing

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("unit-vm")]

ROLES = ("nabd-acquire", "nabd-uplink", "nabd-console", "nabd-clock")
REPLACED_WITHIN = 15.0
# A thread that stands in a commit is given a minute more by the host: a disk may take long.
PATIENCE_WITH_THE_DISK = 62.0
# The calls in which a thread rests, by their numbers on amd64: nanosleep, clock_nanosleep, futex, poll, ppoll.
RESTING = {"35", "230", "202", "7", "271"}
# Do something to a service, then wait until another process of it runs, and until that is ready. Prints when it was
# done, and when it came to either. It is replaced when it is ready: a process that starts reads no device yet.
REPLACED = """
service={service}
before=$(systemctl show $service --property=MainPID --value)
[ "$before" != 0 ] || {{ echo "$service does not run"; exit 1; }}
began=$(cut -d' ' -f1 /proc/uptime)
{deed}
other=
for _ in $(seq 1500); do
    now=$(systemctl show $service --property=MainPID --value)
    if [ "$now" != 0 ] && [ "$now" != "$before" ]; then
        other=${{other:-$(cut -d' ' -f1 /proc/uptime)}}
        if [ "$(systemctl is-active $service)" = active ]; then
            echo "$began $other $(cut -d' ' -f1 /proc/uptime)"; exit 0
        fi
    fi
    sleep 0.2
done
echo "still $(systemctl is-active $service), process $now, $before before"; exit 1
"""
# SIGSTOP stops a process, never one of its threads; a tracer can hold one thread alone. It waits for the end of the
# thread, or the process that was killed would be there until the tracer is gone.
HOLD_THREAD = """
thread=$(grep -lx '{name}' /proc/$before/task/*/comm | head -n 1 | cut -d/ -f5)
[ -n "$thread" ] || {{ echo "there is no thread {name}"; exit 1; }}
setsid perl -e 'my $thread = $ARGV[0]; my $found;
    syscall(101, 0x4206, $thread + 0, 0, 0) == 0 or die "seize: $!"; syscall(101, 0x4207, $thread + 0, 0, 0);
    do {{ $found = waitpid($thread, 0x40000000) }} while ($found > 0 && -d "/proc/$thread");
    ' $thread > /run/hold.log 2>&1 < /dev/null &
sleep 1
grep -q '^State:.*tracing stop' /proc/$before/task/$thread/status || {{ cat /run/hold.log; exit 1; }}
echo "held in $(cut -d' ' -f1 /proc/$before/task/$thread/syscall)"
"""


def replaced(unit: Unit, service: str, deed: str) -> tuple[float, float, str]:
    """How long it was until another process of a service ran, and until that was ready (unit: s); and what the deed
    printed.
    """
    answer = unit.ask(REPLACED.format(service=service, deed=deed), limit=400)
    assert answer.status == 0, answer.output
    *told, last = answer.output.strip().splitlines()
    began, other, ready = map(float, last.split())
    return other - began, ready - began, "\n".join(told)


def processes(unit: Unit, *services: str) -> list[tuple]:
    """Which process each service is, and how often it was started anew."""
    return [(unit.main_pid(service), int(unit.property(service, "NRestarts"))) for service in services]


def ended(unit: Unit, service: str) -> bool:
    """Whether a service has come to its end, and nothing is asked of it any more."""
    is_over = unit.property(service, "ActiveState") in ("inactive", "failed")
    return is_over and unit.property(service, "Job") in ("", "0")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_stops(virtual, unit_table, role):
    unit = virtual.sampling()
    others = [other for other in ROLES if other != role]
    before = processes(unit, *others)
    took, ready, _ = replaced(unit, role, "kill -STOP $before")
    unit.wait_sampling(limit=120)
    after = processes(unit, *others)
    unit_table.row(f"SIGSTOP of {role}", f"replaced within {REPLACED_WITHIN:g} s, the others do not notice",
                   f"another process after {took:.1f} s, ready after {ready:.1f} s; others {before}, {after}")
    assert took <= ready <= REPLACED_WITHIN
    assert after == before and all(pid for pid, _ in before)


@pytest.mark.parametrize("thread", ["line spo2-1", "journal"])
def test_a_thread_that_stops(virtual, unit_table, thread):
    unit = virtual.sampling()
    took, ready, told = replaced(unit, "nabd-acquire", HOLD_THREAD.format(name=thread))
    unit.wait_sampling(limit=120)
    call = told.split()[-1]
    is_in_a_commit = thread == "journal" and call not in RESTING
    within = REPLACED_WITHIN + (PATIENCE_WITH_THE_DISK if is_in_a_commit else 0)
    unit_table.row(f"the thread “{thread}” alone held by a tracer (SIGSTOP stops whole processes only)",
                   f"the process replaced within {REPLACED_WITHIN:g} s; held in a commit within "
                   f"{REPLACED_WITHIN + PATIENCE_WITH_THE_DISK:g} s",
                   f"held in call {call}: another process after {took:.1f} s, ready after {ready:.1f} s")
    assert took <= ready <= within


def test_a_role_that_has_nothing_to_do(virtual, unit_table):
    """Without its part of the configuration a role ends with 6, once, and has not failed; with a faulty one it has."""
    unit = virtual.sampling()
    roles, pid = ("nabd-uplink", "nabd-console"), unit.main_pid("nabd-acquire")
    whole = yaml.safe_load(unit.run("cat /etc/nabd/unit.yaml"))
    outcomes = {}
    try:
        for case, parts in (("left out", {}), ("faulty", {"uplink": ["no"], "console": ["no"]})):
            changed = {key: value for key, value in whole.items() if key not in ("uplink", "console")} | parts
            unit.run(writing("/etc/nabd/unit.yaml", yaml.safe_dump(changed)))
            unit.run(f"systemctl restart --no-block {' '.join(roles)}")
            # What was asked for may not have begun yet.
            unit.wait(f"an end of both, {case}", lambda: all(ended(unit, role) for role in roles), limit=90)
            before = [unit.property(role, "InvocationID") for role in roles]
            unit.run("sleep 5")
            outcomes[case] = [tuple(unit.property(role, name) for name in
                                    ("ActiveState", "Result", "ExecMainStatus", "NRestarts")) for role in roles]
            assert [unit.property(role, "InvocationID") for role in roles] == before, "it was started anew"
            said = [unit.property(role, "StatusText") for role in roles]
            unit.run(f"systemctl reset-failed {' '.join(roles)} || true")
    finally:
        unit.run(writing("/etc/nabd/unit.yaml", yaml.safe_dump(whole, sort_keys=False)))
        unit.run(f"systemctl restart --no-block {' '.join(roles)}")
    unit.wait("both again", lambda: all(unit.property(role, "ActiveState") == "active" for role in roles), limit=90)
    unit_table.row("uplink and console without their part of the configuration, and with a faulty one",
                   "inactive after one start, exit 6; failed, exit 2; neither started again, the host not disturbed",
                   f"{outcomes}; {said}; host {pid}, then {unit.main_pid('nabd-acquire')}")
    assert outcomes["left out"] == [("inactive", "success", "6", "0")] * 2
    assert outcomes["faulty"] == [("failed", "exit-code", "2", "0")] * 2
    assert unit.main_pid("nabd-acquire") == pid


def test_a_crash_loop(virtual, unit_table):
    unit = virtual.sampling()
    others = ("nabd-uplink", "nabd-clock")
    before = processes(unit, *others)
    asked = len(virtual.devices.effects)
    kills = unit.run("""
        for kill in $(seq 60); do
            if [ "$(systemctl is-active nabd-acquire-safe)" != inactive ]; then echo $kill; exit 0; fi
            systemctl kill --signal=KILL nabd-acquire 2>/dev/null; sleep 1
        done
        exit 1""", limit=400).strip()
    unit.wait("the monitor-only host", lambda: unit.property("nabd-acquire-safe", "ActiveState") == "active", 120)
    unit.wait_sampling(limit=120)
    status = unit.property("nabd-acquire-safe", "StatusText")
    told = [line for line in journal.events(unit.export()) if "safe" in json.dumps(line).lower()]
    timer = unit.run("systemctl is-active nabd-acquire-retry.timer; systemctl list-timers --no-legend 'nabd-*'")
    after = processes(unit, *others)
    # The limit of starts would hold for five minutes: the monitor-only host has lifted it.
    unit.run("systemctl start nabd-acquire", limit=240)
    unit.wait_sampling(limit=120)
    ended = [unit.property(service, "ActiveState") for service in ("nabd-acquire", "nabd-acquire-safe")]
    unit_table.row(
        "crash loop of nabd-acquire", "the monitor-only host samples, says so, tries the full one hourly; the other "
        "roles do not notice", f"after {kills} kills, status “{status}”, {len(told)} events; "
        f"timer {timer.split()[:1]}; others {before} before, {after} after; full host again: {ended}",
    )
    assert after == before and all(pid for pid, _ in before)
    assert told, "the record does not say that the host ran in safe mode"
    assert timer.startswith("active")
    assert ended == ["active", "inactive"]
    assert len(virtual.devices.effects) == asked == 0


def test_unplugged_and_plugged_in_elsewhere(virtual, unit_table):
    unit = virtual.sampling()
    unit.wait_sampling(device="pump-a")
    since = unit.uptime() * 1000
    unit.unplug("pump-a")
    unit.wait("the name to go", lambda: unit.ask("test -e /dev/nabd/pump-a").status != 0, 30)
    unit.wait("the record to say so", lambda: told(unit, "deviceDisconnected", "pump-a", since), 60)
    for other in ("spo2-1", "fridge", "pump-b"):
        unit.wait_sampling(device=other, limit=60)
    pulled = unit.uptime()
    assert unit.newest("pump-a") < pulled - 1_000_000, "a pulled adapter still gives values"
    unit.replug("pump-a", port=4)
    back = unit.uptime()
    unit.wait_sampling(device="pump-a", limit=120)
    first = min(line["monotonicNanoseconds"] // 1000 for line in journal.samples(unit.export(), "pump-a")
                if line["validity"] == "valid" and line["monotonicNanoseconds"] // 1000 > back)
    unit_table.row("a USB adapter pulled, and plugged in at another port", "said in the record, the others go on, "
                   "values again by themselves", f"first value {(first - back) / 1e6:.1f} s after it was plugged in")
    assert virtual.devices.effects == []


def told(unit: Unit, event: str, device: str, since: int) -> bool:
    """Whether the record has such an event of a device since a moment. Unit: ns of the machine's clock."""
    return any(line["event"] == event and line.get("device") == device and line["monotonicNanoseconds"] > since
               for line in journal.events(unit.export()))


def test_swapped_ports(virtual, unit_table):
    unit = virtual.sampling()
    names = "readlink /dev/nabd/pump-a /dev/nabd/pump-b"
    before = unit.run(names).split()
    for name in ("pump-a", "pump-b"):
        unit.unplug(name)
    unit.wait("both names to go", lambda: unit.ask("ls /dev/ttyUSB*").status != 0, 30)
    # The other one first, and each in the other's port: the kernel gives them each other's number.
    ports = [virtual.devices.wiring.adapters[name].port for name in ("pump-a", "pump-b")]
    for name, port, link in (("pump-b", ports[0], "b"), ("pump-a", ports[1], "a")):
        unit.replug(name, port)
        unit.wait(f"{name}'s name", lambda link=link: unit.ask(f"test -e /dev/nabd/pump-{link}").status == 0, 60)
    since = unit.uptime() * 1000
    after = unit.run(names).split()
    for name in ("pump-a", "pump-b"):
        unit.wait_sampling(device=name, limit=120)
    rates = {name: {line["value"] for line in journal.samples(unit.export(), name, "MDC_FLOW_FLUID_PUMP_CURRENT")
                    if line["validity"] == "valid" and line["monotonicNanoseconds"] > since}
             for name in ("pump-a", "pump-b")}
    unit_table.row("two adapters in each other's ports", f"pump {PUMP_A} is still pump-a, {PUMP_B} still pump-b",
                   f"names {before} before, {after} after; rates {rates}")
    assert after == before[::-1], "the kernel's names did not change places: this shows nothing"
    assert rates == {"pump-a": {12.5}, "pump-b": {3.75}}


def test_disk_full(virtual, unit_table):
    unit = virtual.sampling()
    pid = unit.main_pid("nabd-acquire")
    unit.run("""free=$(stat -f -c %a /); size=$(stat -f -c %S /)
        fallocate -l $((free * size)) /var/lib/full || true
        dd if=/dev/zero of=/var/lib/full.rest bs=4k status=none; true""")
    room = int(unit.run("stat -f -c %a /"))
    full = unit.uptime()
    unit.wait("samples that can no longer be written",
              lambda: unit.newest() < unit.uptime() - 6_000_000 or alerts(unit, full), 120)
    unit.run("sleep 10; rm /var/lib/full /var/lib/full.rest; sync")
    unit.wait_sampling(limit=180)
    said, whole = alerts(unit, full), unit.verified()
    unit_table.row("disk full for some ten seconds", "the host stays, says so in the record, samples again by itself; "
                   "the journal is whole", f"{room} blocks free; process {pid}, then {unit.main_pid('nabd-acquire')}; "
                   f"{said}; {whole}")
    assert room < 64, "the disk was not full: this shows nothing"
    assert unit.main_pid("nabd-acquire") == pid
    assert said, "the record does not say that the journal could not be written"


def alerts(unit: Unit, since: int) -> list[str]:
    """What the record says of its own trouble since a moment. Unit: µs of the machine's clock."""
    return sorted({line.get("alert", line["event"]) for line in journal.events(unit.export())
                   if line["monotonicNanoseconds"] // 1000 > since and "journal" in json.dumps(line).lower()})


def test_upgrade_and_back(virtual, unit_table, tmp_path):
    newer = repacked(virtual.deb, tmp_path, "+vm2")
    strict = variant(virtual.deb, tmp_path / "strict.deb", blind, version="9.9")
    disk = delivery({"old.deb": virtual.deb, "new.deb": newer, "strict.deb": strict}, tmp_path / "delivery.img")
    unit = virtual.fresh(deliver=disk)
    unit.wait_sampling(limit=240)
    unit.run("mkdir -p /mnt/delivery && mount -o ro /dev/vdb /mnt/delivery")
    version = "dpkg-query --show --showformat='${Version} ${db:Status-Status}' nabd"
    steps, before = [unit.run(version)], unit.numbered()
    unit.run("apt-get install -y /mnt/delivery/new.deb", limit=600)
    steps.append(unit.run(version))
    unit.wait_sampling(limit=240)
    gone = missing(before, upgraded := unit.numbered())
    pid = unit.main_pid("nabd-acquire")
    refused = unit.ask("dpkg --install /mnt/delivery/strict.deb", limit=600)
    steps.append(unit.run(version))
    unit_table.row("a package whose version does not take this unit's configuration", "refused, with the place, before "
                   "anything is replaced or stopped", f"exit {refused.status}; {steps[1]} before, {steps[2]} after; "
                   f"process {pid}, then {unit.main_pid('nabd-acquire')}")
    assert refused.status != 0 and NO_SUCH_KEY in refused.output and steps[2] == steps[1], refused.output[-800:]
    assert unit.main_pid("nabd-acquire") == pid, "a refused package stopped the host"
    unit.run("dpkg --install /mnt/delivery/old.deb", limit=600)
    steps.append(unit.run(version))
    unit.wait_sampling(limit=240)
    gone += missing(upgraded, unit.numbered())
    whole = unit.verified()
    unit.run("dpkg --remove nabd", limit=240)
    removed = int(unit.run(f"ls {JOURNAL}/*.sqlite | wc -l"))
    purged = unit.run("dpkg --purge nabd", limit=240)
    unit_table.row(
        "upgrade, back, remove, purge", "the record kept through all of it; purge says what it deletes",
        f"versions {steps}; {len(gone)} of {len(upgraded)} samples lost; {whole}; removed: {removed} files of the "
        f"record left; purge: {' / '.join(purged.splitlines()[-4:])}",
    )
    virtual.discard()
    assert not gone, gone[:5]
    assert steps[1] != steps[0] and steps[3] == steps[0], steps
    assert removed >= 2 and "/etc/nabd/unit.yaml" in purged


NO_SUCH_KEY = "/etc/nabd/unit.yaml:1:1: error: this version has no such key"


def blind(tree: Path) -> None:
    """A version that finds a fault where the installed one finds none. Its program is never put in place."""
    change_check(tree, finds_a_fault("check", NO_SUCH_KEY, 1))
    program(tree).write_text("#!/bin/sh\nexit 1\n")


def repacked(deb, folder, suffix: str):
    """The same package with a newer version."""
    root, made = folder / "package", folder / "newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(root)], check=True)
    control = root / "DEBIAN" / "control"
    control.write_text(re.sub(r"^(Version: .*)$", rf"\1{suffix}", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(made)], check=True,
                   capture_output=True)
    return made
