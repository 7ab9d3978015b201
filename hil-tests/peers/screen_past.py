"""The made-up unit's past: histories, streams and events for the screen's dev feed, worked out from the time alone.

Once an hour, ten minutes past, one sample of each number is far from all others: whoever shows the past must show it at
any scale. Twenty minutes past, each stream has a gap of 40 s; in one hour of four it is one of ten minutes in which the
host did not run. What was asked for, answered and broken off is counted in ``COUNTS``.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator

from .screen_unit import text_of

MOST = 12  # samples worked out of one column: of more every few are, by the column alone, so that the feed stays quick
HOUR = 3_600_000
SPIKE = 600_000  # ms past the hour
SPIKED = "250"
COUNTS: Counter[str] = Counter()
PRESETS = [("oncology-chair", "Oncology chair", "كرسي العلاج الوريدي للأورام", False),
           ("palliative", "Palliative care", "الرعاية التلطيفية", False),
           ("site-gamma", "Gamma room", "غرفة جاما", True)]
# slow: s before the answer, told as progress; busy: how many questions are put off yet.
SETTINGS = {"slow": 0.0, "mixed": False, "hostile": False, "busy": 0}
# When another one came to a bed, and who was there before: the number of a binding, or None for nobody. Unit: ms.
CAME: dict[str, tuple[int, int | None]] = {}


def history(state, query: dict[str, str]) -> Iterator[bytes]:
    """Lines of JSON: progress, then min and max a column."""
    COUNTS["begun"] += 1
    is_whole = False
    try:
        numbers = [int(text) for text in query.get("streams", "").split(",") if text]
        begin, end = int(query["from"]), int(query["to"])
        count = min(4000, max(1, int(query.get("columns", 1000))))
        for step in range(int(SETTINGS["slow"] * 20)):
            yield line({"progress": round(step / SETTINGS["slow"] / 20, 2)})
            time.sleep(0.05)
        told = []
        for place, number in enumerate(numbers):
            stream = next((s for s in state.streams if s.number == number), None)
            if stream is None or stream.kind == "text":
                continue
            told.append(columns(state, stream, begin, end, count))
            yield line({"progress": round((place + 1) / (len(numbers) + 1), 3)})
        mark = state.mark if state.mark == "test" else None
        marks = [mark, "test" if mark is None else None] if SETTINGS["mixed"] else [mark]
        sessions = [{"session": state.session, "from": begin, "to": end, "mark": each} for each in marks]
        yield line({"from": begin, "to": end, "columns": count, "mark": mark, "streams": told,
                    "events": [row(event) for event in log(state, begin, end, 500)], "sessions": sessions})
        is_whole = True
    finally:
        COUNTS["ended" if is_whole else "broken"] += 1


def line(value: dict) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def row(event: dict) -> list:
    body = dict(event["body"])
    return [event["t"], event["event"], event["device"], body.pop("instance", None), body]


def gaps(begin: int, end: int) -> list[list]:
    made = []
    for hour in range(begin // HOUR, end // HOUR + 1):
        start = hour * HOUR + 1_200_000
        stop = start + (600_000 if hour % 4 == 0 else 40_000)
        if start < end and stop > begin:
            made.append([max(start, begin), min(stop, end), "disconnected" if hour % 4 else "hostDown"])
    return made


def sample(state, stream, t: int) -> str:
    """The value of the stream at a time, as the journal writes it. Unit of ``t``: ms since 1970."""
    if stream.kind == "wave":
        return f"{state.bodies[int(stream.bed.split('-')[1]) - 1].wave(stream.metric, t / 1000):.6g}"
    if t % HOUR == SPIKE and stream.category == "measurement":
        return SPIKED
    return text_of(stream, state.bodies, t / 1000)


def times(stream, begin: float, end: float) -> range:
    """When samples of a stream were taken in a time: at whole periods. Unit: ms."""
    period = max(1, round(stream.period))
    return range(-(-int(begin) // period) * period, -(-int(end) // period) * period, period)


def columns(state, stream, begin: int, end: int, count: int) -> dict:
    width, holes = (end - begin) / count, gaps(begin, end)
    low: list[str | None] = []
    high: list[str | None] = []
    many, whose = [], []
    for column in range(count):
        start, stop = begin + column * width, begin + (column + 1) * width
        all_ = times(stream, start, stop)
        chosen = all_ if len(all_) <= MOST else [*all_[:: len(all_) // 2 + 1], *spikes(stream, all_)]
        known = [(t, sample(state, stream, t)) for t in chosen if not any(a <= t < b for a, b, _ in holes)]
        known = [(t, value) for t, value in known if value is not None]
        values = [value for _, value in known]
        holders = {holder(state, stream.bed, t) for t, _ in known}
        told = "several" if len(holders) > 1 else next(iter(holders), None)
        if values and (not whose or whose[-1][1] != told):
            whose.append([column, told])
        low.append(min(values, key=float) if values else None)
        high.append(max(values, key=float) if values else None)
        many.append(len(all_) if values else 0)
    return {"n": stream.number, "low": low, "high": high, "count": many, "whose": whose, "gaps": holes}


def holder(state, bed: str | None, t: float) -> int | None:
    """The number of the binding at a bed at a time: who is there now, if nobody else is said to have been."""
    came, former = CAME.get(bed, (0, None))
    return former if t < came else (state.patients.get(bed) or {}).get("binding")


def spikes(stream, all_: range) -> list[int]:
    first = all_.start // HOUR * HOUR + SPIKE
    return [t for t in (first, first + HOUR) if t in all_]


def csv(state, query: dict[str, str]) -> Iterator[bytes]:
    begin, end = int(query["from"]), int(query["to"])
    yield b"time,monotonicNanoseconds,device,vmd,metric,sequence,value,unit,validity,reason\n"
    for number in (int(text) for text in query["streams"].split(",")):
        stream = next(s for s in state.streams if s.number == number)
        for t in times(stream, begin, end):
            if any(a <= t < b for a, b, _ in gaps(begin, end)):
                continue
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t // 1000)) + f".{t % 1000:03}Z"
            yield (f"{moment},{t * 1000000},{stream.device},{stream.vmd or ''},{stream.metric},{t},"
                   f"{sample(state, stream, t)},{stream.unit},valid,\n").encode()


def log(state, begin: float, end: float, limit: int) -> list[dict]:
    """An alarm at chair 3 in each cycle of three minutes; a command to its pump every twenty minutes."""
    made, t = [], int(begin - begin % 60e3)
    words = "<img src=x onerror=alert(1)>\u202e" if SETTINGS["hostile"] else "Oxygen saturation low"
    while t < end and len(made) < limit:
        name = {0: "alertStart", 1: "alertEnd"}.get(t // 60_000 % 3)
        if t // 60_000 % 20 == 2:
            name = "commandSent"
        if name and t >= begin:
            is_alarm = name.startswith("alert")
            more = {"priority": "medium", "text": words, "textArabic": "تشبع الأكسجين منخفض",
                    "instance": f"x-{t // 180_000}"} if is_alarm else {"number": t // 1_200_000}
            made.append({"t": t, "mono": t - state.offset, "session": state.session, "event": name,
                         "device": "oximeter-3" if is_alarm else "pump-3", "body": {"bed": "chair-3", **more}})
        t += 60_000
    return made


def streams(state, begin: float, end: float) -> dict:
    def shown(stream) -> dict:
        hostile = {"label": "<script>document.title='x'</script>\u202e" + "W" * 10_000} if SETTINGS["hostile"] else {}
        return {**stream.described(), **hostile, "bed": stream.bed, "first": int(begin), "last": int(end)}

    mark = state.mark if state.mark == "test" else None
    return {"streams": [shown(s) for s in state.streams], "sessions": [
        {"session": state.session, "from": int(begin), "to": int(end), "mark": mark}]}


def technical(state) -> dict:
    """As the host's status document, with its main members."""
    names = list(dict.fromkeys(s.device for s in state.streams))
    return {
        "version": "0.0.0", "unit": "mobile-1", "testData": state.mark == "test",
        "time": "2026-11-30T08:00:00Z", "clock": "synchronised", "health": {"state": "ok", "reasons": []},
        "lines": [{"line": f"/dev/nabd/{name}", "utilisation": 0.12, "missedDeadlines": 0,
                   "latenessMicroseconds": {"p50": 41.0, "p99": 180.0}} for name in names],
        "devices": [{**d, "line": f"/dev/nabd/{d['device']}", "values": [], "waveforms": []} for d in state.devices()],
        "alerts": [], "journal": {"samples": 123456789, "events": 4321, "gaps": 2, "bytes": 1 << 31,
                                  "limitBytes": 1 << 34},
        "uplink": {"server": "https://records.example/fhir", "stored": 12345, "parked": 0,
                   "nothingStoredMilliseconds": 1200, "problem": None, "lastStored": "2026-11-30T07:59:59Z",
                   "waitingBehindParked": 0, "lanes": [
                       {"lane": lane, "behindSeconds": 61} for lane in ("alarms", "events", "numerics", "waveforms")]},
        "certificates": [{"certificate": which, "expires": "2027-06-29T08:00:00Z", "daysLeft": 211}
                         for which in ("uplink", "uplinkAuthority", "far", "farAuthority")],
        "examined": "2026-11-30T07:59:30Z", "findings": [],
        "presets": [{"preset": name, "title": title, "titleArabic": arabic, "reviewed": is_reviewed}
                    for name, title, arabic, is_reviewed in PRESETS],
    }
