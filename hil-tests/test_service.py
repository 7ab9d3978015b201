"""A host under a service manager: it says when it runs, how it is, and gives a sign of life as long as it samples."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import yaml

from peers.disks import MemoryDisk, need_mounts
from peers.manager import Manager, stop
from peers.modbus import ClimateSensor
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]

# sd_notify(3): the manager is to do at once what it does when signs of life have ended.
REPLACE_ME = "WATCHDOG=trigger"


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.close()


@pytest.fixture
def unit(bench, hosts, tmp_path):
    return hosts(tmp_path / "unit").configure(bench.devices())


def test_it_is_ready_when_the_journal_holds_something(manager, unit):
    began = time.monotonic()
    process = manager.start(unit, "acquire")
    try:
        wait_until(lambda: manager.when("READY=1"), 20, "the word that it runs")
        assert any(unit.journal.glob("samples-*.sqlite")), "it said so before there was a journal"
        wait_until(lambda: any("4 of 4 devices answer; the journal is written" in s for s in manager.statuses()), 20,
                   f"the status in words: {manager.statuses()}")
        time.sleep(3)
        pings = manager.pings(began)
        pauses = [after - before for before, after in zip(pings, pings[1:])]
        assert len(pings) > 5 and max(pauses) < manager.patience / 2, f"signs of life came at {pauses}"
    finally:
        code = stop(process)
    assert code == 0
    assert manager.when("STOPPING=1") and [line for _, line in manager.told if line == "READY=1"] == ["READY=1"]


def test_a_disk_that_takes_nothing_does_not_keep_it_from_being_ready(manager, unit, bench):
    """Otherwise the service manager would start it again and again, and no device would be read."""
    need_mounts()
    disk = MemoryDisk(unit.directory / "disk", 16)
    unit.configure(bench.devices(), journal=disk.at / "journal")
    unit.start("acquire")
    wait_until(lambda: any((disk.at / "journal").glob("samples-*.sqlite")), 20, "a journal")
    time.sleep(2)
    unit.stop()
    disk.fill()
    process = manager.start(unit, "acquire")
    try:
        wait_until(lambda: manager.when("READY=1"), 20, "the word that it runs")
        wait_until(lambda: any("failing: the journal cannot be written" in s for s in manager.statuses()), 20,
                   f"what is wrong in the status: {manager.statuses()}")
    finally:
        stop(process)
        disk.unmount()


def test_a_device_that_falls_silent_is_in_the_status(manager, unit, bench):
    process = manager.start(unit, "acquire")
    try:
        wait_until(lambda: any("4 of 4 devices answer" in s for s in manager.statuses()), 20, "four devices")
        bench.fridge.stop()
        wait_until(lambda: any("3 of 4 devices answer; degraded: fridge: " in s for s in manager.statuses()), 30,
                   f"the silent one in the status: {manager.statuses()}")
    finally:
        stop(process)


def threads(pid: int) -> dict[str, int]:
    """A process's threads by name."""
    return {
        (entry / "comm").read_text().strip(): int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()
    }


def hold(thread: int):
    """Stops one thread of another process and returns what lets it go on: as a debugger does."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach = 0x4206, 0x4207, 17
    assert libc.ptrace(seize, thread, None, None) == 0, os.strerror(ctypes.get_errno())
    assert libc.ptrace(interrupt, thread, None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(thread, 0x40000000)
    return lambda: libc.ptrace(detach, thread, None, None)


@pytest.mark.parametrize("name", ["journal", "line fridge", "line spo2-1"])
def test_a_thread_that_stands_costs_the_sign_of_life(manager, unit, name):
    """Each thread that the record hangs on: without it the service manager replaces the host."""
    process = manager.start(unit, "acquire")
    try:
        wait_until(lambda: any("4 of 4 devices answer" in s for s in manager.statuses()), 20, "four devices")
        go_on = hold(threads(process.pid)[name])
        try:
            stood = time.monotonic()
            # Four seconds of patience, and as long again; the recorder's thread is in a call of the disk now and then,
            # and has a minute where it is held just there.
            limit = 70 if name == "journal" else 8
            wait_until(lambda: not manager.pings(time.monotonic() - 1), limit, "an end of the signs of life", every=0.2)
            told = time.monotonic() - stood
            assert told > 3, "a thread that is late is not one that stands"
            # A manager that waits for the next sign of life would wait for its whole patience.
            wait_until(lambda: manager.when(REPLACE_ME), 5, "the word that the process is to be replaced", every=0.2)
        finally:
            go_on()
        wait_until(lambda: manager.pings(time.monotonic() - 0.5), 10, "signs of life again")
        assert manager.when(REPLACE_ME) < manager.pings(0)[-1], "it asks for its end while every thread moves"
        assert f"threads={name}" in unit.log(), unit.log_tail()
    finally:
        stop(process)


def test_a_host_that_was_stopped_as_a_whole_does_not_ask_for_its_end(manager, unit):
    """As on a machine that sleeps: when it goes on all of its threads have been still, and none of them stands."""
    process = manager.start(unit, "acquire")
    try:
        wait_until(lambda: any("4 of 4 devices answer" in s for s in manager.statuses()), 20, "four devices")
        process.send_signal(signal.SIGSTOP)
        time.sleep(7)
        woken = time.monotonic()
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: manager.pings(woken), 10, "signs of life again")
        time.sleep(3)
        assert manager.when(REPLACE_ME) is None
    finally:
        stop(process)


def test_the_uplink_and_the_clock_tell_too(manager, unit, bench, records, pki, tmp_path):
    unit.configure(bench.devices(), records.base_url, pki.authority.certificate, pki.client)
    unit.start("acquire")
    unit.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    for role, more, words in [("uplink", [], "delivering"),
                              ("clock", ["--clock-file", str(tmp_path / "quality")], "the clock is ")]:
        before = time.monotonic()
        process = manager.start(unit, role, *more)
        try:
            wait_until(lambda: (manager.when("READY=1") or 0) > before, 20, f"the word that the {role} runs")
            wait_until(lambda: any(s.startswith(words) for s in manager.statuses()), 20, f"{manager.statuses()}")
            time.sleep(2)
            assert len(manager.pings(before)) >= 2
            process.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            assert process.poll() is None, "a lost terminal ended it"
        finally:
            assert stop(process) == 0
    word, moment, boot = (tmp_path / "quality").read_text().split()
    assert word in ("synchronised", "holdover") and int(moment) > 0
    assert oct((tmp_path / "quality").stat().st_mode & 0o777) == "0o644"


def test_without_a_service_manager_nothing_is_sent(unit):
    """The same binary by hand."""
    unit.start("acquire")
    unit.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    unit.stop()


def test_the_clock_s_word_is_taken_while_it_is_fresh(hosts, tmp_path):
    """A process that may not ask the kernel records what the clock's process wrote, as long as that one lives."""
    import yaml

    sensor = ClimateSensor(unit=3).start()
    quality = tmp_path / "quality"
    unit = hosts(tmp_path / "unit").configure({"fridge": {
        "profile": "xy/md02", "line": sensor.line, "unit": 3, "override": {"every": {"MDC_TEMP": "500ms"}}}})
    configuration = yaml.safe_load(unit.config.read_text())
    configuration["clock"] = {"file": str(quality)}
    unit.config.write_text(yaml.safe_dump(configuration, sort_keys=False))
    boot = int(Path("/proc/sys/kernel/random/boot_id").read_text().replace("-", "").strip()[:15], 16)

    def write() -> None:
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        (tmp_path / "next").write_text(f"synchronised {now} {boot}\n")
        (tmp_path / "next").rename(quality)

    def qualities() -> list[str]:
        return [line["clock"] for line in unit.export() if line.get("metric") == "MDC_TEMP"]

    write()
    unit.start("acquire")
    try:
        unit.wait_for_sample("MDC_TEMP")
        for _ in range(3):
            write()
            time.sleep(1)
        assert "synchronised" in qualities(), "nothing was taken from the file: this looks at nothing"
        time.sleep(13)
        assert qualities()[-1] == "holdover", "what was written long ago was taken for now"
    finally:
        unit.stop()
        sensor.stop()


@pytest.mark.parametrize("role", ["console", "far"])
def test_a_unit_without_screens_has_no_failed_service(manager, unit, role: str):
    """It ends with a status that the service's file takes for success, after the word that it was ready: systemd holds
    what ends before that word to have failed, whatever its status."""
    assert manager.start(unit, role).wait(20) == 6
    wait_until(lambda: manager.when("READY=1"), 5, "that it was ready")
    (words,) = manager.statuses()
    assert f"has no “{role}”" in words and "nothing to show" in words
    assert words in unit.log()


@pytest.mark.parametrize("key", ["console", "konsole"])
def test_screens_that_are_asked_for_wrongly_are_a_fault(manager, unit, key: str):
    """Of a key that is not known nobody can say that it is not the screens', misspelt."""
    asked = yaml.safe_load(unit.config.read_text())
    unit.config.write_text(yaml.safe_dump({**asked, key: {"prot": 1}}, allow_unicode=True))
    assert manager.start(unit, "console").wait(20) == 2
    assert manager.when("READY=1") is None
