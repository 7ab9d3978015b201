"""What came of a scenario, and the questions that tests ask of it.
Each either fails with what was seen or gives it, for the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import journal
from .registers import Asked
from .truth import SLACK, deadline, sampled_at

if TYPE_CHECKING:
    from .scenarios import Scenario


# Events and alerts that are of a line more than of a device.
OF_A_LINE = {
    "busContention", "lineEcho", "lineEchoLost", "unsolicitedFrame", "mismatchedReply", "NABD_BUS_CONTENTION",
    "NABD_LINE_ECHO_LOST",
}
# When something was sampled or happened, on the rigs' clock.
moment = sampled_at


@dataclass
class Outcome:
    """A scenario that has been played.

    ``launched``: the host's start; ``started``: when it had asked all; ``began`` and ``ended`` are those of the fault.
    """

    name: str
    scenario: Scenario
    lines: list[dict]
    summary: dict
    log: str
    launched: float
    started: float
    began: float
    ended: float
    stopped: float

    # What is there

    def samples(
        self, since: float | None = None, until: float | None = None, device: str | None = None,
        metric: str | None = None,
    ) -> list[dict]:
        """Samples of a device, in time order."""
        found = [
            line for line in journal.samples(self.lines, device or self.name, metric)
            if (since is None or moment(line) >= since) and (until is None or moment(line) < until)
        ]
        return sorted(found, key=moment)

    def events(
        self, kind: str, since: float | None = None, until: float | None = None, device: str | None = None
    ) -> list[dict]:
        """Events of a kind and a device; what is of the line as a whole may stand
        under any of its devices, or under none.
        """
        found = [
            line
            for line in journal.events(self.lines)
            if line["event"] == kind
            and (since is None or moment(line) >= since)
            and (until is None or moment(line) < until)
        ]
        if device is None and (kind in OF_A_LINE or kind.startswith("alert")):
            own = [line for line in found if line.get("device") in self.scenario.devices()]
            own = [
                line
                for line in own
                if line.get("device") == self.name or kind in OF_A_LINE or line["alert"] in OF_A_LINE
            ]
            return own or [line for line in found if "device" not in line]
        return [line for line in found if line.get("device") == (device or self.name)]

    def kinds(self, device: str | None = None) -> list[str]:
        """The kinds of events of a device, for messages."""
        return sorted({
            line["event"] for line in journal.events(self.lines) if line.get("device") == (device or self.name)
        })

    def statistics(self, device: str | None = None) -> dict:
        """What the host counted of a device, as it says at its end."""
        assert "lines" in self.summary, f"the summary has no member “lines”: {sorted(self.summary)}"
        for line in self.summary["lines"]:
            for counted in line["devices"]:
                if counted["device"] == (device or self.name):
                    return counted
        raise AssertionError(f"the summary counts nothing of {device or self.name}")

    def line_statistics(self, *counters: str) -> dict[str, int]:
        """Those of these counters that are not 0, over all devices of the line:
        what belongs to no frame may stand under any of them.
        """
        sums = {
            counter: sum(self.statistics(device)[counter] for device in self.scenario.devices()) for counter in counters
        }
        assert any(sums.values()), f"{self.name}: nothing was counted of {counters}"
        return {counter: count for counter, count in sums.items() if count}

    def counted(self, counter: str, at_least: int = 1, device: str | None = None) -> int:
        """One of these counters."""
        value = self.statistics(device)[counter]
        assert value >= at_least, (
            f"{self.name}: {counter} is {value}, expected at least {at_least}: {self.statistics(device)}"
        )
        return value

    def asked(self, since: float, until: float) -> list[Asked]:
        """What the faulty device was asked."""
        return [asked for asked in self.scenario.asked() if since <= asked.at < until]

    # I1, I2

    def tells_no_lies(self) -> int:
        """I1 and I2: nothing but reads was sent, and what is valid is true.
        Gives how many valid values were compared.
        """
        assert not self.scenario.effects(), f"{self.name}: sent what is not a read: {self.scenario.effects()[:3]}"
        lies = self.scenario.lies(self.lines)
        assert not lies, f"{self.name}: {len(lies)} wrong values are valid, such as\n" + "\n".join(lies[:4])
        return sum(
            line["validity"] == "valid"
            for device in self.scenario.devices()
            for line in journal.samples(self.lines, device)
        )

    def was_healthy(self, at_least: int = 3) -> None:
        """Before the fault there were values; otherwise the rest proves nothing."""
        good = [line for line in self.samples(until=self.began) if line["validity"] == "valid"]
        assert len(good) >= at_least, f"{self.name}: {len(good)} valid samples before the fault; events {self.kinds()}"

    def none_valid(self, since: float, until: float, at_least: int = 1, device: str | None = None) -> set[str]:
        """Nothing is valid in this time, and that is journalled. Gives the reasons."""
        found = self.samples(since, until, device)
        good = [line for line in found if line["validity"] == "valid"]
        assert not good, f"{self.name}: {len(good)} samples are valid, such as {good[0]}"
        assert len(found) >= at_least, f"{self.name}: {len(found)} samples: a failed read must be journalled"
        return {line["reason"] for line in found}

    # I5

    def told(
        self, kind: str, within: float, since: float | None = None, device: str | None = None, text: str | None = None
    ) -> float:
        """An event comes within so many seconds of the fault (or of ``since``). Gives after how many."""
        start = self.began if since is None else since
        found = [
            line for line in self.events(kind, start, device=device) if text is None or text in line.get("text", "")
        ]
        words = [line.get("text") for line in self.events(kind, start, device=device)]
        assert found, f"{self.name}: no {kind} {text or ''}(texts {words}) after the fault; events {self.kinds(device)}"
        took = moment(found[0]) - start
        assert took <= within, f"{self.name}: {kind} came after {took:.2f} s, allowed are {within:g} s"
        return took

    def not_told(self, kind: str, device: str | None = None) -> None:
        """An event never comes."""
        assert not self.events(kind, device=device), f"{self.name}: {self.events(kind, device=device)[0]}"

    def alerted(
        self, alert: str, priority: str, within: float, since: float | None = None, device: str | None = None
    ) -> float:
        """An alert starts within so many seconds. Gives after how many."""
        start = self.began if since is None else since
        found = [line for line in self.events("alertStart", start, device=device) if line["alert"] == alert]
        others = [line["alert"] for line in self.events("alertStart", device=device)]
        assert found, f"{self.name}: no {alert}; alerts {others}; events {self.kinds(device)}"
        assert found[0]["priority"] == priority, (
            f"{self.name}: {alert} is of priority {found[0]['priority']}, expected {priority}"
        )
        took = moment(found[0]) - start
        assert took <= within, f"{self.name}: {alert} came after {took:.2f} s, allowed are {within:g} s"
        return took

    def alert_ended(self, alert: str, within: float, since: float | None = None, device: str | None = None) -> float:
        """It ends by itself within so many seconds of the fault's end."""
        start = self.ended if since is None else since
        changes = [
            line
            for kind in ("alertStart", "alertEnd")
            for line in self.events(kind, device=device)
            if line["alert"] == alert
        ]
        last = max(changes, key=moment, default=None)
        # One that ends with the host, and says so, has not ended by itself.
        assert last is not None and last["event"] == "alertEnd" and "reason" not in last, (
            f"{self.name}: {alert} still holds at the end: {last}"
        )
        took = moment(last) - start
        assert took <= within, f"{self.name}: {alert} ended after {took:.2f} s, allowed are {within:g} s"
        return took

    def alerts(self, alert: str, device: str | None = None) -> list[tuple[float, float | None]]:
        """When an alert began and ended; nothing for its end while it holds."""
        changes = [
            line
            for kind in ("alertStart", "alertEnd")
            for line in self.events(kind, device=device or self.name)
            if line["alert"] == alert
        ]
        found: list[tuple[float, float | None]] = []
        for line in sorted(changes, key=moment):
            if line["event"] == "alertStart":
                found.append((moment(line), None))
            elif found:
                found[-1] = found[-1][0], moment(line)
        return found

    def words(self, device: str | None = None) -> list[str]:
        """What was said of a device in words: texts of its events, and its lines of the log."""
        handle = device or self.name
        texts = [
            f"{line['event']}: {line['text']}"
            for line in journal.events(self.lines)
            if line.get("device") == handle and line.get("text")
        ]
        return texts + [line for line in self.log.splitlines() if f" device={handle} " in line]

    def no_trouble(self, device: str | None = None) -> None:
        """Nothing was told of a device but that it is there: no alert, no loss, nothing to look after."""
        told = {"deviceDisconnected", "deviceSilent", "deviceStale", "alertStart"}
        found = [
            line
            for line in journal.events(self.lines)
            if line["event"] in told and line.get("device") == (device or self.name)
        ]
        assert not found, f"{self.name}: {len(found)} times trouble was told, such as {found[0]}"
        cable = [line for line in self.words(device) if "check the cable" in line]
        assert not cable, f"{self.name}: the log has it: {cable[0]}"

    # I6

    def recovered(self, within: float, since: float | None = None, device: str | None = None) -> float:
        """Values come again within so many seconds of the fault's end, and keep coming. Gives after how many."""
        start = self.ended if since is None else since
        good = [line for line in self.samples(start, self.stopped, device) if line["validity"] == "valid"]
        assert good, (
            f"{self.name}: no valid sample after the fault; reasons {self.reasons(start)}; events {self.kinds(device)}"
        )
        took = moment(good[0]) - start
        assert took <= within, f"{self.name}: values came again after {took:.2f} s, allowed are {within:g} s"
        assert moment(good[-1]) > self.stopped - 2.5, (
            f"{self.name}: the last valid sample is {self.stopped - moment(good[-1]):.1f} s before the end"
        )
        return took

    def reasons(self, since: float | None = None, until: float | None = None) -> set[str]:
        """Why samples are not valid."""
        return {line["reason"] for line in self.samples(since, until) if line["validity"] != "valid"}

    def unanswered(self) -> set[str]:
        """Why samples are not valid, of those that the rig's own stalls (``Clockwork.stalls``) do not explain:
        a rig that did not run while a reply was due has not tried the host.
        """
        wait = deadline(self.scenario.slowest) + SLACK

        def stalled(moment: float) -> float:
            overlaps = (min(end, moment) - max(begin, moment - wait) for begin, end in self.scenario.clockwork.stalls)
            return sum(overlap for overlap in overlaps if overlap > 0)

        samples = self.samples()
        missed = [line for line in samples if line["validity"] != "valid"]
        excused = [line for line in missed if stalled(moment(line)) >= wait / 2]
        assert len(excused) <= 0.02 * len(samples), (
            f"{self.name}: the rig stood still for {len(excused)} of {len(samples)} samples: nothing was tried"
        )
        return {f"{line['reason']} at {moment(line):.3f}" for line in missed if line not in excused}

    # I4

    def valid_share(self, metric: str = "NABD_GNSS_FIX", least: float = 0.0) -> float:
        """Of the polls that the period allows during the fault, the share that brought a valid value of a metric."""
        good = sum(line["validity"] == "valid" for line in self.samples(self.began, self.ended, metric=metric))
        share = good * self.scenario.period / (self.ended - self.began)
        assert share >= least, (
            f"{self.name}: only {share:.0%} of the polls were good; reasons {self.reasons(self.began, self.ended)}"
        )
        return share

    def kept_period(
        self, asked: list[Asked], period: float, share: float = 0.95, gap: float | None = None,
        since: float | None = None, until: float | None = None,
    ) -> tuple[float, float]:
        """A healthy device was asked as often as it should be, without a long hole.
        Gives its share of polls and the longest hole.
        """
        begin, end = self.began if since is None else since, self.ended if until is None else until
        times = [begin, *(one.at for one in asked if begin <= one.at < end), end]
        kept = min(1.0, (len(times) - 2) * period / (end - begin))
        hole = max(b - a for a, b in zip(times, times[1:]))
        assert kept >= share, f"{self.name}: the healthy device kept {kept:.1%} of its polls, expected {share:.0%}"
        assert gap is None or hole <= gap, (
            f"{self.name}: the healthy device was not asked for {hole:.3f} s, allowed are {gap:.3f} s"
        )
        return kept, hole

    def mate_kept(self, share: float = 0.9, gap: float | None = None) -> str:
        """The neighbour on the bus kept its period during the fault;
        by default with holes of two periods and one time-out at most.
        """
        assert self.scenario.neighbour is not None
        limit = 2 * 0.2 + deadline(self.scenario.slowest) + 2 * SLACK if gap is None else gap
        kept, hole = self.kept_period(self.scenario.neighbour.asked, 0.2, share, limit)
        return f"neighbour kept {kept:.0%}, longest hole {hole:.2f} s"
