"""C-01 of many commands, from the system calls of the host: each intent's sync has returned before the first byte of
its effect is handed to the line.

NABD_PUMP_ORDER (8; in the long run 1,000) commands, some of them at the same time on different lines.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peers.clockwork import Clockwork
from peers.durable import setting
from peers.kill_fleet import Entered, Fleet, fleets_of
from peers.tracing import attached, need_strace
from peers.waiting import wait_until

COMMANDS = setting("NABD_PUMP_ORDER", 8)
pytestmark = [pytest.mark.host, pytest.mark.timeout(180 + 10 * COMMANDS)]

# Of a unit. A pump takes so many commands an hour at most, and this long apart. Unit: s.
PUMPS, OF_A_PUMP, APART = 16, 11, 5.2
# Each has two callers at the socket, of which eight are let in.
HANDS = 3
BEGUN = re.compile(r"^(\d+) +(\w+)\(\d+<([^>]*)>(.*)")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)")
RESULT = re.compile(r"= (-?\d+)[^=]*$")


@dataclass
class Call:
    """A system call: the places in the trace at which it began and had returned. ``result``: nothing while it lasts."""

    name: str
    path: str
    text: str
    begun: int
    ended: int | None = None
    result: int | None = None


def calls(lines: Iterator[str]) -> Iterator[Call]:
    """Of a trace of several threads, as each call begins; what it came to is filled in later."""
    under_way: dict[str, Call] = {}
    for place, line in enumerate(lines):
        if begun := BEGUN.match(line):
            call = Call(begun[2], begun[3], begun[4], place)
            if "<unfinished ...>" in line:
                under_way[begun[1]] = call
            else:
                _end(call, line, place)
            yield call
        elif (resumed := RESUMED.match(line)) and resumed[1] in under_way:
            _end(under_way.pop(resumed[1]), resumed[3], place)


def _end(call: Call, text: str, place: int) -> None:
    result = RESULT.search(text)
    call.ended, call.result = place, int(result[1]) if result else None


def unordered(lines: Iterator[str], effects: dict[str, str]) -> dict[str, str]:
    """Which effects went out before their intent was on the disk, and why. ``effects``: what each begins with on its
    line, by its bytes in hexadecimal as the intent has them.
    """
    traced = list(calls(lines))
    syncs = [one for one in traced if one.name in ("fdatasync", "fsync") and one.result == 0 and one.ended is not None]
    intents: dict[str, Call] = {}
    said: dict[str, Call] = {}
    for one in traced:
        for effect, words in effects.items():
            if one.name.startswith("pwrite") and effect in one.text and effect not in intents:
                intents[effect] = one
            if one.name == "write" and words in one.text and effect not in said:
                said[effect] = one
    wrong = {}
    for effect, words in effects.items():
        if effect not in said:
            wrong[words] = "it never went out"
        elif effect not in intents or intents[effect].ended is None:
            wrong[words] = "no intent was written"
        elif not any(
            intents[effect].ended < sync.begun and sync.ended < said[effect].begun and sync.path == intents[effect].path
            for sync in syncs
        ):
            wrong[words] = "the intent was not on the disk"
    return wrong


@pytest.fixture
def fleets(clockwork: Clockwork, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], Fleet]]:
    with fleets_of(PUMPS, tmp_path, clockwork, request.session) as make:
        yield make


def carried_out(fleet: Fleet, rates: list[str]) -> list[Entered]:
    """Each rate is entered by two and carried out; several people work at different pumps at once."""
    left, free = list(rates), [(0.0, device, pump) for device, pump in fleet.fresh]
    fleet.fresh.clear()
    lock, done, failed = threading.Lock(), [], []

    def work() -> None:
        while True:
            with lock:
                if not left or failed:
                    return
                rate = left.pop(0)
                ready, device, pump = free.pop(0)
            time.sleep(max(0.0, ready - time.monotonic()))
            try:
                entered = fleet.enter_at(device, pump, rate)
                fleet.carry_out(entered)
                wait_until(lambda: fleet.view(entered).get("end") == "confirmed", 60, f"the end of {rate}", every=0.1)
            except AssertionError as error:
                failed.append(error)
                return
            with lock:
                done.append(entered)
                free.append((time.monotonic() + APART, device, pump))

    hands = [threading.Thread(target=work, daemon=True) for _ in range(HANDS)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert not failed, failed[0]
    return done


def test_of_many_commands_each_intent_is_durable_before_its_first_byte(fleets, tmp_path, record_property):
    """strace on the journal's events and on every line; a rate of its own for each command."""
    need_strace()
    seen = 0
    while seen < COMMANDS:
        fleet = fleets()
        part = min(COMMANDS - seen, PUMPS * OF_A_PUMP)
        rates = [f"{100 + number // 9}.{number % 9 + 1}" for number in range(part)]
        paths = [str(path) for path in fleet.host.journal.glob("events-*")]
        paths += [os.path.realpath(pump.link.path) for pump in fleet.pumps]
        watched = [word for path in paths for word in ("-P", path)]
        log = tmp_path / "trace"
        traced = "trace=fdatasync,fsync,write,pwrite64,pwritev"
        with attached(fleet.host.pid, log, "-s", "70000", "-e", traced, *watched):
            done = carried_out(fleet, rates)
        effects = {
            said.raw.hex(): f"INF_RATE^{one.rate}" for one in done for said in one.effects()
            if f"INF_RATE^{one.rate}^".encode() in said.raw
        }
        assert len(effects) == part, f"{len(effects)} effects of {part} commands"
        with open(log, errors="replace") as lines:
            wrong = unordered(lines, effects)
        assert not wrong, wrong
        log.unlink()
        seen += part
    record_property("commands", seen)


INTENT = '7 pwrite64(9</j/events-1-wal>, "commandIntended 21494e", 4096, 0) = 4096'
SYNC = "7 fdatasync(9</j/events-1-wal>) = 0"
SAID = '8 write(12</dev/pts/3>, "!INF_RATE^12.5^ml/h", 20) = 20'


@pytest.mark.parametrize(("lines", "why"), [
    ([INTENT, SYNC, SAID], None),
    ([INTENT, "7 fdatasync(9</j/events-1-wal> <unfinished ...>", "7 <... fdatasync resumed>) = 0", SAID], None),
    ([SYNC, INTENT, SAID], "not on the disk"),
    ([INTENT, SAID, SYNC], "not on the disk"),
    ([INTENT, "7 fdatasync(9</j/events-1-wal> <unfinished ...>", SAID, "7 <... fdatasync resumed>) = 0"],
     "not on the disk"),
    ([INTENT, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), SAID], "not on the disk"),
    ([INTENT, SYNC.replace("events-1", "samples-1"), SAID], "not on the disk"),
    ([SYNC, SAID], "no intent was written"),
    ([INTENT, SYNC], "it never went out"),
])
def test_the_check_finds_an_effect_before_its_intent(lines: list[str], why: str | None):
    """Shown each fault that it must find."""
    wrong = unordered(iter(lines), {"21494e": "INF_RATE^12.5"})
    assert not wrong if why is None else why in wrong["INF_RATE^12.5"], wrong
