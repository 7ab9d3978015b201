"""Rows 37, 38, 39 and 43: ways and services that lie, fail, or are no records service. Whatever is answered, nothing
counts as stored that is not, sampling goes on, nobody is stormed, and afterwards all is there once.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from peers import delivery, fhir_checks, journal
from peers.front import Front
from peers.host import json_lines, nabd
from peers.middle import Middle
from peers.waiting import wait_until
from peers.wrong_answers import WrongAnswers

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

WINDOW = 3
PLETH = "MDC_PULS_OXIM_PLETH"


@pytest.fixture
def front(servers, pki):
    records = servers().start()
    front = Front(pki, records.direct_url)
    front.records = records
    yield front
    if front.guard is not None:
        front.guard.mode = "pass"
    front.stop()


class Unit:
    """A unit that delivers, and what of it must not notice."""

    def __init__(self, bench, host, front: Front, pki, port: int | None = None) -> None:
        self.bench, self.host, self.front = bench, host, front
        own = front.base_url.split(":")[2].split("/")[0]
        server = front.base_url.replace(f":{own}", f":{port or own}")
        host.configure(bench.devices(), server, pki.authority.certificate, pki.client, f"{WINDOW}s")
        host.start()
        host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
        self.since()

    def since(self) -> None:
        """What is sampled is counted from now on."""
        self.from_time, self.from_sent = time.time(), len(self.bench.oximeter.sent_pleth)

    def memory(self) -> int:
        """The most that the process ever had resident. Unit: MiB."""
        [line] = [line for line in Path(f"/proc/{self.host.pid}/status").read_text().splitlines() if "VmHWM" in line]
        return int(line.split()[1]) >> 10

    def sampled(self) -> float:
        """Of the curve's numbers that the device sent meanwhile, the share that is in the record."""
        sent = len(self.bench.oximeter.sent_pleth) - self.from_sent
        time.sleep(1)
        found = journal.points(journal.samples(self.host.export(), metric=PLETH))
        return sum(self.from_time <= point.seconds for point in found) / sent

    def parked(self) -> int:
        told = nabd("uplink", "status", "--config", self.host.config)
        return sum(one["parked"] for one in json_lines(told.stdout))

    def recovers(self) -> int:
        """From now on all is as it should be: in the end the service has what the record has. Gives how much."""
        share = self.sampled()
        assert share > 0.9, f"of the curve {share:.0%} is in the record"
        assert self.parked() == 0
        since = time.time()
        records = self.front.records
        wait_until(
            lambda: max((fhir_checks.bounds(o)[1] for o in fhir_checks.measurements(
                records.all("Observation"))), default=0) > since, 150, "what is measured from now on", every=1)
        delivery.wait_until_through(self.host, WINDOW)
        self.host.stop()
        assert self.bench.pump.effects == []
        return delivery.assert_each_once(
            self.host.export(), records.all("Observation"), undelivered_tail=WINDOW + 3)


def gaps(moments: list[float]) -> list[float]:
    return [b - a for a, b in zip(moments, moments[1:])]


ON_THE_WAY = ("older", "flip up", "flip down", "replay", "cut")


def test_row_37_somebody_on_the_way(bench, host, front, pki, table):
    """Row 37: TLS is made older, changed, repeated or cut on the way; nothing of it is taken for an answer."""
    middle = Middle(int(front.base_url.split(":")[2].split("/")[0]))
    unit = Unit(bench, host, front, pki, middle.port)
    seen = {}
    for mode in ON_THE_WAY:
        middle.mode, before = mode, middle.done
        # Connections that are there go on: a new one is made where one was broken.
        if mode == ON_THE_WAY[0]:
            host.kill()
            host.start()
        wait_until(lambda count=before: middle.done >= count + 2, 60, f"“{mode}” twice", every=0.2)
        seen[mode] = middle.done - before
        if mode == "older":
            stored = dict(front.stored)
            time.sleep(2)
            assert front.stored == stored, "something went over an older TLS"
        assert host.running
    middle.mode = "pass"
    unit.since()
    time.sleep(2)
    numbers = unit.recovers()
    middle.stop()
    table.row(37, "somebody on the way", ", ".join(f"{mode} ({count} times)" for mode, count in seen.items()),
              "no older TLS; what was changed, repeated or cut is no answer; each number once",
              f"all ended by the unit or the service; {numbers} numbers, each once")


@pytest.mark.parametrize("mode", ["cut_before_its_length", "cut_before_its_last_chunk"])
def test_row_37_an_answer_that_is_not_whole_is_none(bench, host, front, pki, mode, table):
    """Row 37: it says that all is stored, which is a lie; but it ends before its own end."""
    front.guard = wrong = WrongAnswers(mode)
    unit = Unit(bench, host, front, pki)
    wait_until(lambda: len(wrong.moments) >= 4, 60, "four bundles")
    told = nabd("uplink", "status", "--config", host.config)
    assert [one["stored"] for one in json_lines(told.stdout)] == [0], "an answer that was cut counts"
    wrong.mode = "pass"
    numbers = unit.recovers()
    table.row(37, f"truncation: {mode.replace('_', ' ')}", f"{len(wrong.moments)} answers that say all is stored, cut",
              "none counts; sent again", f"stored 0 meanwhile; {numbers} numbers, each once")


PATIENCE = 6
# Beside the alarms': descriptions, events and states of pumps, other events, numbers, waveforms.
LANES = 7


@pytest.mark.parametrize("mode, form", [("too_many", "seconds"), ("too_many", "date"), ("unavailable", "seconds")])
def test_row_38_patience_is_had_as_long_as_it_is_asked_for(bench, host, front, pki, mode, form, table):
    """Row 38: Retry-After, as a number and as a date. At 429 all waits, alarms too; at 503 each lane for itself, since
    its bundle may be the reason, and a new alarm is tried.
    """
    asked = str(PATIENCE) if form == "seconds" else formatdate(time.time() + 40, usegmt=True)
    front.guard = wrong = WrongAnswers(mode, asked)
    unit = Unit(bench, host, front, pki)
    wait_until(lambda: wrong.moments, 60, "the first")
    begin = wrong.moments[0]
    periods = 3 if form == "seconds" else 1
    time.sleep(max(0.0, begin + (periods * PATIENCE if form == "seconds" else 15) - time.monotonic()))
    came, begins = list(wrong.moments), {url: list(moments) for url, moments in wrong.begins.items()}
    # Two tasks ask, the alarms' and the rest's; at 503 each lane does, with what is new of alarms beside them.
    askers = 2 if mode == "too_many" else LANES + alarms(host)
    assert len(came) <= askers * (periods + 1), f"{[round(moment - begin, 1) for moment in came]}"
    if form == "seconds":
        # What lanes refer to in common each of them may begin with.
        again = [gap for url, moments in begins.items() if url.startswith("Observation/") for gap in gaps(moments)]
        assert all(gap >= PATIENCE - 0.1 for gap in again), f"the same after {min(again):.1f} s"
    wrong.mode = "pass"
    numbers = unit.recovers()
    table.row(38, f"{'429' if mode == 'too_many' else '503'}, Retry-After in {form}",
              f"{PATIENCE} s" if form == "seconds" else "a date in less than 40 s",
              "nothing is sent again sooner; no storm",
              f"{len(came)} requests in {came[-1] - begin:.0f} s; {numbers} numbers, each once")


def alarms(host) -> int:
    return sum(str(line.get("event", "")).startswith("alert") for line in host.export())


# How long pauses are looked at that have to grow. Unit: s.
GROWING = 30
FAILING = {
    "fails": (GROWING, "500 to each bundle"), "reset_in_the_body": (GROWING, "RST after half of a request"),
    "huge": (8, "an answer of 1 TiB"), "endless": (8, "an answer of pieces without end"),
    "huge_in_gzip": (8, "256 MiB of an answer in 260 KiB of gzip"),
    "silent": (70, "no answer at all"), "head_that_drips": (70, "a field of the head each 0.3 s, without end"),
}


@pytest.mark.parametrize("mode", FAILING)
def test_row_39_a_service_that_fails_costs_no_sample(bench, host, front, pki, mode, table):
    """Row 39: pauses grow, answers are bounded in size and time, sampling does not notice."""
    patience, injected = FAILING[mode]
    unit = Unit(bench, host, front, pki)
    wait_until(lambda: len(front.stored) > 20, 60, "resources")
    before = unit.memory()
    front.guard = wrong = WrongAnswers(mode)
    wait_until(lambda: wrong.moments, 30, "the first")
    begin = wrong.moments[0]
    if patience > 30:
        wait_until(lambda: len(wrong.moments) >= 3, patience, "another exchange: the first has ended", every=0.5)
    else:
        time.sleep(max(0.0, begin + patience - time.monotonic()))
    count, span = len(wrong.moments), time.monotonic() - begin
    # Pauses are by chance up to 1, 2, 4 s …; two tasks have them, and an alarm may be tried once more.
    assert count <= 30, f"{count} requests in {span:.0f} s: a storm"
    if patience == GROWING:
        # One that does not grow is 1 s at most: nobody is silent for 3 s then. Of 4,000 that grow, made up with three
        # lanes and alarms beside them, each was silent for 4 s once.
        silence = max(gaps([*wrong.moments[:count], begin + span]))
        assert silence > 3, f"never silent for more than {silence:.1f} s of {span:.0f}: pauses do not grow"
    grown = unit.memory() - before
    assert grown < 64, f"{grown} MiB more"
    if mode in ("huge", "endless"):
        # Who ends a connection of TLS says so, and throws away what comes until the other side has heard it, for 0.5 s.
        injected += f"; {wrong.answered >> 20} MiB in {wrong.longest:.1f} s went into one"
        assert wrong.answered > 0 and wrong.longest < 2, injected
    wrong.mode = "pass"
    numbers = unit.recovers()
    table.row(39, mode.replace("_", " "), injected, "pauses grow, a bound for size and time, sampling untouched",
              f"{count} requests in {span:.0f} s; {grown} MiB more at most; {numbers} numbers, each once")


PORTALS = ("page", "redirect", "network_wants_a_name", "other_json", "fewer_entries", "more_entries")


def test_row_43_who_is_no_records_service_is_told_nothing_and_believed_nothing(bench, host, front, pki, table):
    """Row 43: a portal that answers in plain HTTP where TLS was begun; pages, redirects and other JSON behind TLS."""
    middle = Middle(int(front.base_url.split(":")[2].split("/")[0]))
    middle.mode = "portal"
    front.guard = wrong = WrongAnswers(PORTALS[0])
    unit = Unit(bench, host, front, pki, middle.port)
    wait_until(lambda: middle.done >= 3, 60, "the portal to be asked", every=0.2)
    assert wrong.moments == []
    middle.mode = "pass"
    for mode in PORTALS:
        wrong.mode, before = mode, len(wrong.moments)
        wait_until(lambda count=before: len(wrong.moments) >= count + 2, 130, f"“{mode}” twice", every=0.2)
        assert front.stored == {}
    told = nabd("uplink", "status", "--config", host.config)
    assert [one["stored"] for one in json_lines(told.stdout)] == [0], "a page counts as an answer"
    wrong.mode = "pass"
    numbers = unit.recovers()
    middle.stop()
    table.row(43, "captive portal, wrong JSON", f"plain HTTP for TLS {middle.done} times; behind TLS, twice each: "
              + ", ".join(mode.replace("_", " ") for mode in PORTALS), "treated as failures; nothing deleted",
              f"stored 0 meanwhile; {numbers} numbers, each once")
