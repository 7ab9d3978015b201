"""The made-up unit's past: histories, streams and events for the screen's dev feed, worked out from the time alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .screen_unit import text_of

MOST_POINTS = 200_000  # worked out for one stream: more is thinned, so that the feed stays quick


def history(state, query: dict[str, str]) -> Iterator[bytes]:
    """Lines of JSON: progress, then min and max a column. Each hour has a gap of 40 s; one hour in four a long one."""
    numbers = [int(text) for text in query.get("streams", "").split(",") if text]
    begin, end = float(query["from"]), float(query["to"])
    count = min(4000, max(1, int(query.get("columns", 1000))))
    told = []
    for place, number in enumerate(numbers):
        stream = next((s for s in state.streams if s.number == number), None)
        if stream is None or stream.kind == "text":
            continue
        told.append(columns(state, stream, begin, end, count))
        yield line({"progress": round((place + 1) / (len(numbers) + 1), 3)})
    events = [[e["t"], e["event"], e["device"], e["body"].get("instance")] for e in log(state, begin, end, 500)]
    yield line({"from": begin, "to": end, "columns": count, "streams": told, "events": events, "sessions": [
        {"session": state.session, "from": begin, "to": end, "mark": state.mark}]})


def line(value: dict) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def gaps(begin: float, end: float) -> list[list]:
    hour, made = int(begin // 3600e3), []
    while hour * 3600e3 < end:
        start = hour * 3600e3 + 1200e3
        stop = start + (600e3 if hour % 4 == 0 else 40e3)
        if start < end and stop > begin:
            made.append([max(start, begin), min(stop, end), "linkLost" if hour % 4 else "hostStopped"])
        hour += 1
    return made


def columns(state, stream, begin: float, end: float, count: int) -> dict:
    width, holes = (end - begin) / count, gaps(begin, end)
    inside = max(1, min(int(width / stream.period), MOST_POINTS // count, 40))
    low, high, many = [], [], []
    index = int(stream.bed.split("-")[1]) - 1 if stream.bed else 0
    for column in range(count):
        start = begin + column * width
        if any(a <= start < b for a, b, _ in holes) or (width < stream.period and not _sampled(start, width, stream)):
            low.append(None), high.append(None), many.append(0)
            continue
        times = [(start + k * width / inside) / 1000 for k in range(inside)]
        values = [state.bodies[index].wave(stream.metric, t) if stream.kind == "wave"
                  else float(text_of(stream, state.bodies, t)) for t in times]
        low.append(min(values)), high.append(max(values)), many.append(max(1, int(width / stream.period)))
    return {"n": stream.number, "low": low, "high": high, "count": many, "gaps": holes}


def _sampled(start: float, width: float, stream) -> bool:
    return int((start + width) / stream.period) > int(start / stream.period)


def csv(state, query: dict[str, str]) -> Iterator[bytes]:
    *_, last = history(state, query)
    told = json.loads(last)
    width = (told["to"] - told["from"]) / told["columns"]
    yield b"utcms,stream,low,high\r\n"
    for stream in told["streams"]:
        for column, (low, high) in enumerate(zip(stream["low"], stream["high"])):
            if low is not None:
                yield f"{told['from'] + column * width:.0f},{stream['n']},{low},{high}\r\n".encode()


def log(state, begin: float, end: float, limit: int) -> list[dict]:
    """An alarm at chair 3 in each cycle of three minutes, and a change of rate every twenty minutes."""
    made, t = [], begin - begin % 60e3
    while t < end and len(made) < limit:
        name = {0: "alarmBegan", 1: "alarmEnded"}.get(int(t / 60e3) % 3)
        if int(t / 60e3) % 20 == 2:
            name = "settingChanged"
        if name and t >= begin:
            made.append({"t": t, "mono": t - state.offset, "session": state.session, "event": name,
                         "device": "oximeter-3" if name.startswith("alarm") else "pump-3",
                         "body": {"bed": "chair-3", "priority": "medium", "instance": f"x-{int(t / 180e3)}"}})
        t += 60e3
    return made


def streams(state, begin: float, end: float) -> dict:
    return {"streams": [{**s.described(), "bed": s.bed, "first": begin, "last": end} for s in state.streams]}


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
                   "nothingStoredMilliseconds": 1200, "problem": None},
        "certificates": [{"name": "client", "daysLeft": 211}], "findings": [],
    }
