"""What the screen's dev feed tells: the made-up unit with its faults, committed again and again."""

from __future__ import annotations

import queue
import random
import threading
import time

from .screen_alarms import Alarms
from .screen_unit import BEDS, PLETH, Body, Stream, streams, text_of

KEEP = 8000.0  # ms of waves that a new screen gets
SQUARE = 500.0  # ms
SHOWN = 4000  # commits of values that a test can ask for
HOSTILE = ("<script>window.hit=1</script><img src=x onerror=window.hit=1>\u202eevil\u2066\u2069\u200f&amp;\u0000\u0007"
           + "W" * 10000)


def mono() -> float:
    """Unit: ms of the boot clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def utc() -> float:
    """Unit: ms since 1970."""
    return time.time() * 1000


class Client:
    """A screen that listens. Too slow: it loses waves first, and is closed when even beats pile up."""

    def __init__(self, waves: str) -> None:
        self.waves, self.closed, self.lines = waves, False, queue.Queue(400)

    def give(self, line: bytes, is_wave: bool) -> None:
        if is_wave and self.lines.qsize() > 200:
            return
        try:
            self.lines.put_nowait(line)
        except queue.Full:
            self.closed = True


class State:
    """The unit as it is now. Every member is read and written under ``lock``."""

    def __init__(self, every: float = 250, mark: str | None = None) -> None:
        self.lock, self.every, self.mark = threading.RLock(), every, mark
        self.bodies = [Body(index) for index in range(BEDS)]
        self.clients: list[Client] = []
        self.fast, self.slow, self.hostile, self.lie, self.recording = 1.0, 0.0, False, False, True
        self.square = False
        self.gaps: dict[str, float] = {}
        self.late: dict[str, float] = {}
        self.random: random.Random | None = None
        self.begin()

    def begin(self) -> None:
        """A new session: numbers, sequences and the session's key begin anew."""
        self.started = mono() - 12000
        self.offset = utc() - mono()
        self.session = f"session-{int(self.started)}"
        self.streams = streams()
        self.count = {s.number: 0 for s in self.streams}
        self.newest: dict[int, list] = {}
        self.shown: list[tuple[float, dict[int, list]]] = []
        self.recent: list[tuple[float, str, list]] = []
        self.held: list[tuple[float, str, list]] = []
        self.off_devices: dict[str, float] = {}
        self.patients = {f"chair-{index + 1}": self.patient(index) for index in range(BEDS) if index != 4}
        self.entered: dict[str, dict] = {f"chair-{index + 1}": {} for index in range(BEDS)}
        self.consultations: list[dict] = []
        self.commands: list[dict] = []
        self.alarms = Alarms(self)
        self.committed = mono()
        self.advance(self.committed)
        self.shown = [(self.committed, dict(self.newest))]

    def patient(self, index: int) -> dict:
        return {"binding": 210 + index, "since": round(utc()) - 3600000 - 420000 * index, "by": ["layla"]}

    def words(self, text: str | None) -> str | None:
        """A device's words, or what a hostile device says instead."""
        return HOSTILE if self.hostile and text is not None else text

    # What was sampled since the last commit.

    def advance(self, now: float) -> tuple[list[list], dict[str, list]]:
        values, waves = [], {}
        for stream in self.streams:
            if stream.stuck is not None and now > stream.stuck:
                stream.stuck = None
                self.count[stream.number] = int((now - self.started) / stream.period) + 1
            if stream.stuck is not None:
                continue
            if stream.kind == "wave":
                self.sample(stream, now, waves)
            else:
                values += self.value(stream, now)
        for value in values:
            self.newest[value[0]] = value
        self.held, ripe = ([h for h in self.held if h[0] > now], [h for h in self.held if h[0] <= now])
        for _, bed, entry in ripe:
            waves.setdefault(bed, []).append(entry)
        for bed, entries in waves.items():
            self.recent += [(now, bed, entry) for entry in entries]
        self.recent = [r for r in self.recent if r[0] > now - KEEP - 500 or r[2][2] > now - KEEP]
        return values, waves

    def sample(self, stream: Stream, now: float, waves: dict[str, list]) -> None:
        """A curve's samples. A faster device than it says has its samples closer together than ``period``."""
        step = stream.period / self.fast
        first = self.count[stream.number]
        origin = self.started
        last = int((now - origin) / step)
        if last <= first:
            return
        if first == 0:
            first = max(0, last - int(KEEP / step))
        index = int(stream.bed.split("-")[1]) - 1
        body, bad = self.bodies[index], stream.invalid
        texts = [None if bad else self.curve(stream, body, origin + k * step) for k in range(first, last)]
        self.count[stream.number] = last
        if self.gaps.get(stream.bed, 0) > now:
            return
        entry = [stream.number, first, round(origin + first * step, 3), stream.period, texts]
        if self.late.get(stream.bed, 0) > now and stream.metric == PLETH:
            self.held.append((now + 1500, stream.bed, entry))
        else:
            waves.setdefault(stream.bed, []).append(entry)

    def curve(self, stream: Stream, body: Body, t: float) -> float:
        """A curve's value at a time of the boot clock; a square wave has an edge at each whole 500 ms of it."""
        if self.square and stream.metric == PLETH:
            return 1000 if t // SQUARE % 2 else 0
        return body.wave(stream.metric, (t + self.offset) / 1000)

    def value(self, stream: Stream, now: float) -> list[list]:
        due = int((now - self.started) / stream.period)
        if due < self.count[stream.number]:
            return []
        self.count[stream.number] = due + 1
        t = self.started + due * stream.period
        if stream.invalid:
            word, reason = stream.invalid
            text = text_of(stream, self.bodies, (t + self.offset) / 1000) if word == "questionable" else None
            return [[stream.number, t, text, word, reason]]
        text = text_of(stream, self.bodies, (t + self.offset) / 1000)
        return [[stream.number, t, self.words(text) if stream.kind == "text" else text, "valid", ""]]

    def trouble(self) -> None:
        """Random faults: now and then a device sticks, a value is invalid or questionable, a bed has a gap."""
        chance = self.random
        if chance is None or chance.random() > 0.25:
            return
        stream, now = chance.choice(self.streams), mono()
        kind = chance.choice(["stuck", "invalid", "questionable", "gap", "well"])
        if kind == "stuck":
            for other in self.streams:
                if other.device == stream.device:
                    other.stuck = now + chance.uniform(1000, 9000)
        elif kind == "gap" and stream.bed:
            self.gaps[stream.bed] = now + chance.uniform(200, 3000)
        else:
            reason = chance.choice(["deviceStatus", "sentinel", "implausible"])
            stream.invalid = {"invalid": ("invalid", reason), "questionable": ("questionable", "jump")}.get(kind)

    # What is told.

    def beds(self) -> list[dict]:
        return [self.bed(index) for index in range(BEDS)]

    def bed(self, index: int) -> dict:
        bed = f"chair-{index + 1}"
        low = [{"metric": "MDC_PULS_OXIM_SAT_O2", "low": "90", "high": None, "lowPriority": "medium"},
               {"metric": "MDC_ECG_HEART_RATE", "low": "45", "high": "130", "lowPriority": "high",
                "highPriority": "medium"}]
        parts = {"respiration": 0, "saturation": 0, "pressure": 0, "pulse": 0, "temperature": 0}
        missing = [{"part": part, "why": "notEntered"} for part in ("consciousness", "oxygen")]
        is_whole = "consciousness" in self.entered[bed] or index in (0, 3)
        return {
            "bed": bed, "name": self.words(f"Chair {index + 1}"), "nameArabic": self.words(f"كرسي {index + 1}"),
            "devices": [f"monitor-{index + 1}", f"oximeter-{index + 1}", f"pump-{index + 1}"],
            "preset": {"preset": "oncology-chair", "reviewed": False, "limits": low},
            "patient": self.patients.get(bed), "isLost": False,
            "score": {"score": "NEWS2", "total": index % 4 if is_whole else None,
                      "missing": [] if is_whole else missing, "parts": parts, "utc": round(utc() / 60000) * 60000},
            "entered": self.entered[bed], "off": self.alarms.switched_off.get(bed, []),
        }

    def devices(self) -> list[dict]:
        kinds = {"monitor": "philips/intellivue", "oximeter": "nonin/oem-iii-df2", "pump": "alaris/asena-gh",
                 "fridge": "xy/md02", "power": "victron/gx", "position": "nmea/gnss"}
        made = []
        for device in dict.fromkeys(s.device for s in self.streams):
            of = [s for s in self.streams if s.device == device]
            silent = any(s.stuck is not None for s in of)
            made.append({
                "device": device, "bed": of[0].bed, "profile": kinds[device.split("-")[0]],
                "manufacturer": self.words("Made-up"), "model": self.words("M1"), "link": "silent" if silent else
                "answering", "hint": self.words("check the cable") if silent else "",
                "since": round(self.started + self.offset), "isPump": device.startswith("pump"),
            })
        return made

    def pumps(self) -> list[dict]:
        made: dict[tuple, dict] = {}
        names = {"MDC_DRUG_NAME_LABEL": "drug", "MDC_FLOW_FLUID_PUMP": "rate", "MDC_VOL_FLUID_DELIV_TOTAL": "volume",
                 "MDC_VOL_FLUID_TBI": "toBeInfused", "MDC_TIME_PD_REMAIN": "timeLeft"}
        for stream in self.streams:
            if stream.device.startswith("pump"):
                pump = made.setdefault((stream.device, stream.vmd), {
                    "device": stream.device, "vmd": stream.vmd, "bed": stream.bed, "drug": None})
                pump[names[stream.metric]] = stream.number
        return list(made.values())

    def moment(self) -> dict:
        return {"mono": round(mono(), 3), "utc": round(utc()), "clock": "synchronised", "recording": self.recording,
                "committed": round(self.committed, 3)}

    def picture(self) -> dict:
        described = []
        for stream in self.streams:
            one = stream.described()
            one["label"], one["labelArabic"] = self.words(one["label"]), self.words(one["labelArabic"])
            described.append(one)
        return {
            "form": 1, "unit": self.words("mobile-1"), "version": "0.0.0", "mark": self.mark, "zone": "Asia/Riyadh",
            "session": self.session, "commitEvery": self.every, **self.moment(), "beds": self.beds(),
            "devices": self.devices(), "streams": described, "values": list(self.newest.values()),
            "alarms": self.alarms.told(), "commands": self.commands, "pumps": self.pumps(),
            "consultations": self.consultations,
        }

    def waves_of(self, wanted: str) -> dict[str, list]:
        """The last 8 s of the beds that a screen wants, by bed."""
        made: dict[str, list] = {}
        for _, bed, entry in self.recent:
            if wanted in ("all", bed):
                made.setdefault(bed, []).append(entry)
        return made

