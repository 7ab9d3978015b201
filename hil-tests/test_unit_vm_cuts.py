"""The power of a whole unit is cut while it samples: what it had printed as committed must be there when it is back.

Killing the emulator is the cut: what the machine had not written to its disk, or written and not flushed into a part of
the disk that was new, is gone. Two controls show that such a cut loses: a program that appends without a sync, cut with
the unit each time, and the host itself when its syncs do nothing.
"""

from __future__ import annotations

import base64
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from peers import journal
from peers.durable import dice, setting
from vm.unit import JOURNAL, READER, Numbered, Unit, missing, printed

pytestmark = [pytest.mark.timeout(3000), pytest.mark.xdist_group("unit-vm")]

PEERS = Path(__file__).parent / "peers"
# What is committed goes out of the machine as soon as `journal tail` has read it; the port is read outside.
FOLLOW = f"""
setsid runuser -u {READER} -- nabd journal tail --follow --commits 1 --journal {JOURNAL} \
    > /dev/virtio-ports/follow 2> /run/follow.log < /dev/null &
"""
# The control: each number is said once it has been written, and nothing is synced.
APPEND = """
setsid bash -c 'number=$(tail -n 1 /var/lib/control.log 2>/dev/null); number=${number:-0}
while sleep 0.1; do
    number=$((number + 1)); echo $number >> /var/lib/control.log; echo $number > /dev/virtio-ports/control
done' > /dev/null 2>&1 < /dev/null &
"""


def said_before_the_cut(unit: Unit, seconds: float) -> tuple[Numbered, int]:
    """Let it sample for a while, cut its power, and give what the two programs had said by then."""
    unit.run(FOLLOW + APPEND)
    unit.wait("what is committed, from within", lambda: len(printed(unit.stream("follow"))) > 20, limit=120)
    time.sleep(seconds)
    unit.cut()
    numbers = [int(line) for line in unit.stream("control") if line.strip().isdigit()]
    return printed(unit.stream("follow")), max(numbers, default=0)


@pytest.mark.short
def test_power_cuts(virtual, unit_table):
    unit, (chance, seed), cuts = virtual.sampling(), dice(), setting("NABD_VM_CUTS", 3)
    told, lost, control, boots = 0, [], [], []
    try:
        for cut in range(1, cuts + 1):
            before, appended = said_before_the_cut(unit, chance.uniform(2, 8))
            boots.append(unit.boot())
            unit.wait_sampling(limit=240)
            unit.verified()
            lost += [(cut, *key) for key in missing(before, unit.numbered())]
            told += len(before)
            kept = unit.ask("tail -n 1 /var/lib/control.log 2>/dev/null").output.strip()
            control.append(appended - (int(kept) if kept.isdigit() else 0))
    finally:
        unit_table.row(
            f"power cuts while sampling (seed {seed})",
            f"{cuts} cuts: each time the journal is whole, and each sample that was printed before is there as it was",
            f"{len(control)} cuts, {told} samples printed before them, {len(lost)} of them lost; whole each time; "
            f"a program without syncs lost {control} of its numbers; boots of {min(boots, default=0):.0f} to "
            f"{max(boots, default=0):.0f} s (real time)",
        )
    assert not lost, f"lost: {lost[:5]}"
    assert all(count > 0 for count in control), f"a cut lost nothing of what was not synced: {control}"


def test_power_cut_of_a_host_without_syncs(virtual, unit_table, tmp_path):
    if shutil.which("gcc") is None:
        pytest.fail("the control needs a C compiler: apt-get install gcc")
    library = tmp_path / "no_sync.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-s", "-o", str(library), str(PEERS / "no_sync.c")], check=True)
    unit = virtual.sampling()
    unit.run(f"base64 -d > /usr/lib/no_sync.so <<< {base64.b64encode(library.read_bytes()).decode()}\n"
             "mkdir -p /run/systemd/system/nabd-acquire.service.d\n"
             "printf '[Service]\\nEnvironment=LD_PRELOAD=/usr/lib/no_sync.so\\n' "
             "> /run/systemd/system/nabd-acquire.service.d/no-sync.conf\n"
             "sync; systemctl daemon-reload; systemctl restart nabd-acquire", limit=240)
    pid = unit.main_pid("nabd-acquire")
    assert "no_sync" in unit.run(f"cat /proc/{pid}/maps"), "the host still syncs: this is no control"
    unit.wait_sampling(limit=240)
    before, _ = said_before_the_cut(unit, random.uniform(2, 6))
    unit.boot()
    unit.wait_sampling(limit=240)
    answer = unit.nabd(f"journal verify --journal {JOURNAL}")
    # As root: of a file that the host has given up, a reader of the group cannot make SQLite's index.
    gone = missing(before, journal.numbered(unit.export("root")))
    virtual.discard()
    unit_table.row("control: the same host, whose syncs do nothing", "such a cut loses something",
                   f"{len(gone)} of {len(before)} printed samples lost; verify: exit {answer.status}")
    assert gone, "the cut lost nothing of a host that syncs nothing: it shows nothing about one that does"
