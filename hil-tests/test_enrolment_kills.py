"""Kills while a unit's certificate is renewed: the former pair is there or the new one, and the next start ends what
was begun.
"""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta

import pytest

from peers.enrolled import NAME, PASSWORD, Unit
from peers.est_server import ESTServer, certificate_of
from peers.host import binary
from peers.tracing import CHANGING, kill_points, need_strace, traced
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(420)]


# So that a process that has just begun waits for 3 s, a twentieth of it.
NEARLY_OVER = {"begin": timedelta(hours=-6), "end": timedelta(seconds=60)}


@pytest.fixture
def est(pki):
    server = ESTServer(pki)
    server.passwords[NAME] = PASSWORD
    yield server
    server.stop()


@pytest.fixture
def unit(host, est, pki, tmp_path):
    return Unit(host, est, tmp_path / "identity", pki).configure()


def test_a_kill_while_the_server_signs_asks_for_the_same_again(unit, est):
    unit.give(**NEARLY_OVER)
    former = unit.serial

    def hold(_: object) -> None:
        # Signed and not said: the server has it on its list.
        unit.host.kill()

    est.hold = hold
    unit.host.start("uplink")
    wait_until(lambda: len(est.asked) == 1 and unit.host.gone, 30, "the kill")
    est.hold = None
    unit.assert_whole()
    assert unit.serial == former
    unit.host.start("uplink")
    wait_until(lambda: unit.serial != former, 30, "another certificate")
    assert est.asked[0].body == est.asked[1].body
    wait_until(lambda: not (unit.folder / "unit.pem.asked").exists(), 10, "the key to be where it belongs")
    unit.assert_tidy()
    unit.host.stop()


def test_a_kill_before_any_system_call_leaves_a_pair(unit, est, tmp_path):
    """SIGKILL before each call that makes, writes, renames or removes a file beside the pair: the former is there or
    the new one, whole, and the next start comes to an end."""
    need_strace()
    log = tmp_path / "trace"
    unit.give(**NEARLY_OVER)
    former = unit.serial

    def start(options: list[str]) -> subprocess.Popen:
        return subprocess.Popen(
            [*traced(log, *options), str(binary()), "run", "--role", "uplink", "--config", str(unit.host.config)],
            cwd=unit.host.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def reset() -> int:
        for path in unit.folder.iterdir():
            path.unlink()
        unit.give(**NEARLY_OVER)
        return unit.serial

    def finished() -> bool:
        return unit.serial != former and not (unit.folder / "unit.pem.asked").exists()

    process = start(["-e", f"trace={CHANGING},write,chmod"])
    wait_until(finished, 60, "a renewal")
    time.sleep(0.5)
    process.kill()
    process.wait(10)
    changing = [
        point for point in kill_points(log, unit.folder)
        if point.call != "openat" or point.file != "unit.pem"]
    assert len(changing) >= 12, [str(point) for point in changing]
    reached, seen = 0, set()
    for point in changing:
        former = reset()
        process = start(point.options(unit.folder))
        wait_until(lambda process=process: process.poll() is not None or finished(), 60, f"the end before {point}")
        if process.poll() is None:
            process.kill()
        else:
            reached += 1
        process.wait(10)
        unit.assert_whole()
        seen.add(unit.serial == former)
        process = start(["-e", "trace=none"])
        wait_until(finished, 60, f"a renewal after a kill before {point}")
        process.kill()
        process.wait(10)
        unit.assert_tidy()
        assert certificate_of(next(unit.folder.glob("unit.pem.former-*"))).serial_number == former, str(point)
    assert seen == {True, False}, "no kill was before, or none behind the change"
    assert reached >= 0.7 * len(changing), f"only {reached} of {len(changing)} kills took place"
    print(f"{reached} kills before {len(changing)} calls")
