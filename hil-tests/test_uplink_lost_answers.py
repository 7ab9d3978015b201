"""The service has stored a bundle and its answer is lost, many times, with kills of the host at random moments beside
it: in the end every number of the journal is on the server exactly once, with its value.
"""

from __future__ import annotations

import time

import pytest

from peers import delivery
from peers.durable import dice, setting
from peers.front import Front
from peers.lost_answers import LostAnswers
from peers.waiting import wait_until

LOSSES = setting("NABD_LOST_ANSWERS", 40)
# So many of them are one unit's, with a service of its own.
OF_ONE = 250
UNITS = -(-LOSSES // OF_ONE)
EACH = -(-LOSSES // UNITS)
WINDOW = 2
pytestmark = [pytest.mark.host, pytest.mark.timeout(300 + 12 * EACH)]


@pytest.mark.parametrize("unit", range(UNITS))
def test_what_was_stored_and_never_answered_is_there_once(unit, bench, host, servers, pki, table):
    chance, seed = dice()
    chance.seed(seed + unit)
    records = servers().start()
    front = Front(pki, records.direct_url)
    lost = LostAnswers(chance, lambda: host.shoot(), EACH)
    front.answering = lost
    host.configure(bench.devices(), front.base_url, pki.authority.certificate, pki.client, f"{WINDOW}s")
    lives = at_random = 0
    began = time.monotonic()
    while not lost.over:
        host.start()
        lives += 1
        # Each fourth life ends whenever it may be, from its first instant on.
        limit = time.monotonic() + (chance.uniform(0, 3) if lives % 4 == 0 else 120)
        wait_until(
            lambda: not host.running or lost.over or time.monotonic() > limit, 150, "an end", every=0.02)
        at_random += host.running and not lost.over
        host.kill()
    took = time.monotonic() - began
    host.start()
    # It looks every quarter of a minute how far it is: what the one before said is not what is meant.
    time.sleep(20)
    delivery.wait_until_through(host, 5 * WINDOW, timeout=120 + EACH)
    host.stop()
    lines, observations = host.export(), records.all("Observation")
    numbers = delivery.assert_each_once(lines, observations, undelivered_tail=30 * WINDOW)
    assert bench.pump.effects == []
    again = sum(count > 1 for url, count in front.stored.items() if url.startswith("Observation/"))
    told = ", ".join(f"{way} {count}" for way, count in sorted(lost.counts.items()))
    print(f"seed {seed}: {told}; killed at random {at_random}; {lives} lives, {took:.0f} s; {numbers} numbers, "
          f"{again} of {len(front.stored)} resources put more than once")
    # What was never put again was never in doubt: then nothing was tried.
    assert again >= EACH, f"only {again} resources were put a second time"
    front.stop()
    table.row(
        41, "stored, and the answer lost", f"{lost.lost} answers ({told}), {at_random} kills at any moment",
        "every number exactly once, its value as in the journal", f"{numbers} numbers, each once; {again} resources "
        f"put more than once; {lives} lives")
