"""A story of alarms at one bed, told step by step: limits that are passed, a pause, somebody who sees to it, what is
switched off, another preset, a patient who comes and one who leaves. Whoever kills the host in between must find, after
each step, what the step says, and at the end what was recorded in the story without a kill.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from . import journal
from .durable import DurableHost
from .host import binary
from .nonin import NoninOximeter, Vitals
from .people import ask, let_in
from .tracing import KillPoint, attached, kill_points, let_go, traced
from .waiting import wait_until

BED, LOW = "chair-1", "MDC_EVT_LO_VAL_LT_LIM"
SATURATION, PULSE = "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE"
SHORT = {SATURATION: "SpO2", PULSE: "pulse"}
# With which a process changes what is in a file.
WRITING = "pwrite64,pwritev,pwritev2,write,writev,fdatasync,fsync,ftruncate"
# How long a step may take: a limit's delay is a second, and a host that was killed begins anew. Unit: s.
PATIENCE = 30
# What a host before this one saw and this one does not see again ends when its own values have come for 150 s.
SETTLED = 190
BORN = "1961-02-03"

PRESET = """\
nabd: preset/1
name: NAME
title: A story
title-arabic: قصة
for: Tests
for-arabic: للتجربة
reviewed:
vitals:
  MDC_PULS_OXIM_SAT_O2: {name: SpO2, name-arabic: تشبع الأكسجين, unit: "%"}
  MDC_PULS_OXIM_PULS_RATE: {name: Pulse, name-arabic: النبض, unit: "/min"}
limits:
  MDC_PULS_OXIM_SAT_O2:
    low:
      - {below: 90, priority: medium, harm: reversible, onset: prompt, delay: 1s, hysteresis: 2, proposed: true}
      - {below: 85, priority: high, harm: death, onset: prompt, delay: 1s, hysteresis: 1, proposed: true}
  MDC_PULS_OXIM_PULS_RATE:
    low:
      - {below: 50, priority: medium, harm: reversible, onset: prompt, delay: 1s, hysteresis: 2, proposed: true}
"""


@dataclass(frozen=True)
class Found:
    """How the bed is: each alarm as ``SpO2 high on``, with who acknowledged it, and whether anything is in doubt."""

    alarms: tuple[str, ...]
    patient: str | None
    preset: str | None


@dataclass(frozen=True)
class Step:
    """One step. ``act`` is done again after a kill, unless ``is_done`` says that it has happened."""

    name: str
    act: Callable[["Story"], None]
    is_done: Callable[["Story"], bool]
    then: Found
    # Whether a kill here is found out by values that do not come back only: minutes.
    is_slow: bool = False
    starts: bool = False


class Story:
    """The unit of the story: one oximeter at one bed, and people who may sign in."""

    def __init__(self, folder: Path) -> None:
        self.oximeter = NoninOximeter(vitals=Vitals(saturation=97, pulse=70))
        self.oximeter.start()
        self.host = DurableHost(folder)
        self.host.configure({"oximeter": {"profile": "nonin/oem-iii-df2", "line": self.oximeter.line}})
        presets = folder / "presets"
        presets.mkdir()
        for name in ("site", "other"):
            (presets / f"{name}.yaml").write_text(PRESET.replace("NAME", name))
        let_in(self.host, presets="presets", patients="patients", beds={BED: {
            "name": "Chair 1", "name-arabic": "كرسي 1", "preset": "site", "devices": ["oximeter"],
        }})
        # Of what somebody asked to be acknowledged, whether or not there was an answer.
        self.asked: set[str] = set()

    def end(self) -> None:
        """Nothing runs any more."""
        self.host.kill()
        self.oximeter.stop()

    # What people and the patient do.

    def vitals(self, saturation: int, pulse: int) -> None:
        """What the oximeter measures from now on."""
        self.oximeter.vitals = Vitals(saturation=saturation, pulse=pulse)

    def bind(self, mrn: str) -> None:
        """Somebody says who is there."""
        ask(self.host, "bed", "bind", BED, "--by", "mrn", "--by", "birth-date", lines=[mrn, BORN])

    def acknowledge(self) -> None:
        """Somebody sees to all that waits."""
        waiting = [one["instance"] for one in self.alarms() if one["presence"] != "ack"]
        self.asked |= set(waiting)
        if waiting:
            ask(self.host, "alarms", "acknowledge", *waiting)

    # How it is.

    def status(self) -> dict:
        """What the host tells of itself; nothing where nobody answers."""
        told = subprocess.run(
            [binary(), "status", "--json", "--config", self.host.config], capture_output=True, timeout=30)
        return json.loads(told.stdout) if told.stdout else {}

    def alarms(self) -> list[dict]:
        """Those that stand; none where nobody answers."""
        alerts = self.status().get("alerts", [])
        for one in alerts:
            assert one["presence"] != "ack" or one["instance"] in self.asked, f"nobody acknowledged {one}"
        return alerts

    def found(self) -> Found:
        """All that a step is about."""
        alarms = tuple(sorted(map(word, self.alarms())))
        bed = next(iter(ask(self.host, "bed", "list").json.get("beds", [])), {})
        return Found(alarms, bed.get("patient", {}).get("identifiers", {}).get("mrn"), bed.get("preset"))

    def is_at(self, step: Step) -> bool:
        """Whether it is as the step leaves it; who is there is asked only where the alarms are right."""
        return tuple(sorted(map(word, self.alarms()))) == step.then.alarms and self.found() == step.then

    def answers(self) -> bool:
        """Whether the host tells how it is, and takes questions."""
        return bool(self.status()) and ask(self.host, "bed", "list").code == 0

    # Telling it.

    def begin(self, prefix: list[str] | None = None) -> None:
        """Start the host under a program that stands aside."""
        self.host.prefix = prefix or []
        self.host.start()
        self.host.prefix = []

    def tell(self, step: Step, under: Callable[[], AbstractContextManager] = nullcontext,
             prefix: list[str] | None = None) -> bool:
        """One step; ``under`` and, of a step that starts the host, ``prefix`` may kill it. Gives whether it died.

        Whoever finds it dead starts it again, and does once more what has not happened.
        """
        if step.starts:
            self.host.kill()
            self.begin(prefix)
            self._reached_or_dead(step)
            if prefix and self.host.running:
                let_go(self.host.pid)
        else:
            with under():
                step.act(self)
                self._reached_or_dead(step)
        if self.host.running:
            return False
        self.host.kill()
        self.begin()
        wait_until(self.answers, PATIENCE, "the next host", every=0.1)
        if not step.is_done(self):
            step.act(self)
        wait_until(lambda: self.is_at(step), SETTLED if step.is_slow else PATIENCE, self._words(step), every=0.15)
        return True

    def _reached_or_dead(self, step: Step) -> None:
        wait_until(
            lambda: not self.host.running or self.is_at(step), PATIENCE, self._words(step), every=0.15)

    def _words(self, step: Step) -> str:
        return f"what “{step.name}” leaves: {step.then}"

    def point(self, call: str, nth: int) -> KillPoint:
        """The nth of these calls on the log of the newest file of events, counted from now on."""
        newest = max(path.name for path in self.host.journal.glob("events-*.sqlite"))
        return KillPoint(call, f"{newest}-wal", nth)

    def killing(self, point: KillPoint) -> Callable[[], AbstractContextManager]:
        """Kills the running host there."""
        return lambda: attached(self.host.pid, "/dev/null", *point.options(self.host.journal))

    def killing_start(self, point: KillPoint) -> list[str]:
        """The same of a host that is started."""
        return traced("/dev/null", *point.options(self.host.journal))

    def traced(self, step: Step, log: Path) -> list[KillPoint]:
        """Tells a step under strace. Gives every point of it at which the host could be killed."""
        filters = ["-e", f"trace={WRITING},openat"]
        self.tell(step, lambda: attached(self.host.pid, log, *filters), traced(log, *filters))
        time.sleep(0.2)
        points = kill_points(log, self.host.journal)
        return [point for point in points if point.file.startswith("events") and point.call != "openat"]

    # What was recorded.

    def record(self) -> tuple[Counter, list[str]]:
        """How often each alarm of the bed began, and what is wrong with the record of them."""
        begun, ended, faults, seen = {}, {}, [], Counter()
        for line in journal.events(self.host.export()):
            instance = line.get("instance")
            if line["event"] == "alertStart":
                faults += [f"{instance} began twice"] if instance in begun else []
                begun[instance] = line
            elif line["event"] == "alertEnd":
                faults += [f"{instance} ended twice"] if instance in ended else []
                ended[instance] = line
            if "acknowledged" in (line.get("change"), line.get("reason")):
                seen[instance] += 1
                faults += [] if line.get("by") == ["layla"] and instance in self.asked else [f"nobody saw {line}"]
        standing = {one["instance"] for one in self.alarms()}
        faults += [f"{one} has no end and does not stand" for one in set(begun) - set(ended) - standing]
        faults += [f"{one} ended and never began" for one in set(ended) - set(begun)]
        faults += [f"{one} was acknowledged {count} times" for one, count in seen.items() if count > 1]
        return Counter(SHORT[one["metric"]] for one in begun.values() if one["alert"] == LOW), faults


def word(alarm: dict) -> str:
    """An alarm as a step tells it."""
    metric = SHORT.get(alarm.get("metric", ""), "")
    name = metric if alarm["alert"] == LOW and alarm.get("bed") == BED else f"{alarm['alert']} {metric}".strip()
    more = [alarm["activation"]] if alarm["activation"] != "on" else []
    more += alarm.get("acknowledgedBy", []) + (["in doubt"] if alarm.get("unconfirmed") else [])
    return " ".join([name, alarm["priority"], alarm["presence"], *more])


def off(story: Story) -> None:
    """The pulse's limit is switched off."""
    ask(story.host, "alarms", "off", LOW, "--metric", PULSE, "--bed", BED)


def is_quiet(story: Story) -> bool:
    """Whether nothing waits for anybody."""
    return all(one["presence"] == "ack" for one in story.alarms())


def never(_: Story) -> bool:
    """Of what may be done twice."""
    return False


def steps() -> list[Step]:
    """The story."""
    def then(*alarms: str, patient: str | None = "story-a", preset: str = "other") -> Found:
        return Found(tuple(sorted(alarms)), patient, preset)

    def at_bed(member: str, wanted: str | None) -> Callable[[Story], bool]:
        return lambda story: getattr(story.found(), member) == wanted

    def pause(story: Story) -> None:
        ask(story.host, "alarms", "pause", "--bed", BED, "--seconds", 120)

    def choose(story: Story) -> None:
        ask(story.host, "bed", "preset", BED, "other")

    def unbind(story: Story) -> None:
        ask(story.host, "bed", "unbind", BED)

    def measure(saturation: int, pulse: int) -> Callable[[Story], None]:
        return lambda story: story.vitals(saturation, pulse)

    ill = ("SpO2 high ack layla",)
    return [
        Step("bound", lambda s: s.bind("story-a"), at_bed("patient", "story-a"), then(preset="site")),
        Step("ill", measure(88, 70), never, then("SpO2 medium on", preset="site")),
        Step("paused", pause, never, then("SpO2 medium on paused", preset="site")),
        Step("worse", measure(80, 70), never, then("SpO2 high on", preset="site")),
        Step("seen", Story.acknowledge, is_quiet, then(*ill, preset="site")),
        Step("restarted", lambda _: None, never, then(*ill, preset="site"), starts=True),
        Step("slow", measure(80, 40), never, then(*ill, "pulse medium on", preset="site")),
        Step("off", off, never, then(*ill, "pulse medium on off", preset="site")),
        # What was off is on again, and what was seen was seen by the limits of before.
        Step("other limits", choose, at_bed("preset", "other"), then("SpO2 high on", "pulse medium on")),
        Step("seen again", Story.acknowledge, is_quiet, then(*ill, "pulse medium ack layla")),
        # What one patient leaves is not the next one's.
        Step("left", unbind, at_bed("patient", None), then("SpO2 high on", "pulse medium on", patient=None)),
        Step("seen without a patient", Story.acknowledge, is_quiet,
             then(*ill, "pulse medium ack layla", patient=None)),
        Step("another one", lambda s: s.bind("story-b"), at_bed("patient", "story-b"),
             then(*ill, "pulse medium ack layla", patient="story-b")),
        Step("well", measure(97, 70), never, then(patient="story-b"), is_slow=True),
        Step("ill once more", measure(88, 70), never, then("SpO2 medium on", patient="story-b")),
        Step("and worse", measure(80, 70), never, then("SpO2 high on", patient="story-b")),
        # It began as a milder one, and may not go unseen.
        Step("over", measure(97, 70), never, then("SpO2 high latched", patient="story-b"), is_slow=True),
        Step("and seen", Story.acknowledge, lambda s: not s.alarms(), then(patient="story-b")),
    ]


# How often each alarm begins in it: for each limits and each patient anew.
BEGUN = Counter({"SpO2": 4, "pulse": 3})
