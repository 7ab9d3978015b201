"""Alarms of the made-up unit: they come when a value passes its limit, and go when it comes back."""

from __future__ import annotations

import time

from .screen_unit import HEART, SATURATION

LOW, HIGH, STALE = "MDC_EVT_LO_VAL_LT_LIM", "MDC_EVT_HI_VAL_GT_LIM", "NABD_DEVICE_STALE"
ORDER = {"high": 0, "medium": 1, "low": 2}
KEEP_OFF = 120000.0  # ms: the longest pause


def boot() -> float:
    """Unit: ms of the boot clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


class Alarms:
    """What stands. Acknowledged, paused and switched off as the desk is asked."""

    def __init__(self, state) -> None:
        self.state, self.standing, self.made = state, {}, 0
        self.switched_off: dict[str, list] = {}
        self.forced: dict[tuple, float] = {}
        self.paused: dict[str | None, float] = {}

    def conditions(self) -> dict[tuple, dict]:
        """What holds now, by what it is about."""
        state, found = self.state, {}
        for stream in state.streams:
            value = state.newest.get(stream.number)
            number = float(value[2]) if value and value[2] and stream.kind == "number" else None
            if stream.metric == SATURATION and number is not None and number < 90:
                urgent = number < 80
                found[(stream.bed, stream.device, SATURATION, LOW)] = self.words(
                    stream, "high" if urgent else "medium", f"SpO2 {value[2]} % is below {80 if urgent else 90} %",
                    f"تشبّع الأكسجين {value[2]} % أقل من {80 if urgent else 90} %", "80" if urgent else "90", value[2])
            if stream.metric == HEART and number is not None and number > 130:
                found[(stream.bed, stream.device, HEART, HIGH)] = self.words(
                    stream, "high", f"Heart rate {value[2]} /min is above 130 /min",
                    f"معدل ضربات القلب {value[2]} /min أعلى من 130 /min", "130", value[2])
            if stream.stuck is not None and value and boot() - value[1] > 5000:
                found.setdefault((stream.bed, stream.device, None, STALE), {
                    "priority": "low", "nature": "technical", "text": f"{stream.device} sends no new values",
                    "textArabic": f"الجهاز {stream.device} لا يرسل قيماً جديدة"})
        for key, until in list(self.forced.items()):
            if until > time.time():
                found[key[:4]] = {"priority": key[4], "nature": "technical", "text": f"A made-up {key[4]} alarm",
                                  "textArabic": "إنذار تجريبي"}
        return found

    @staticmethod
    def words(stream, priority: str, text: str, arabic: str, threshold: str, value: str) -> dict:
        chair = stream.bed.split("-")[1]
        return {"priority": priority, "nature": "physiological", "text": f"Chair {chair}: {text} ({stream.device})",
                "textArabic": f"كرسي {chair}: {arabic} ({stream.device})", "threshold": threshold, "value": value}

    def step(self) -> bool:
        """Takes in what holds now; whether anything changed."""
        found, before = self.conditions(), self.told()
        for key, words in found.items():
            alarm = self.standing.get(key)
            if alarm is None:
                self.made += 1
                alarm = self.standing[key] = {
                    "instance": f"{int(self.state.started) % 65536:04x}-{self.made}", "bed": key[0], "device": key[1],
                    "vmd": None, "metric": key[2], "alert": key[3], "presence": "on", "unconfirmed": False,
                    "escalated": False, "count": 0, "began": round(time.time() * 1000), "until": None,
                    "acknowledgedBy": []}
            if ORDER[words["priority"]] < ORDER.get(alarm.get("priority", "low"), 2) and alarm["presence"] == "ack":
                alarm["presence"], alarm["acknowledgedBy"] = "on", []
            if alarm["presence"] == "latched":
                alarm["presence"], alarm["count"] = "on", alarm["count"] + 1
            alarm.update(words)
        for key in [k for k in self.standing if k not in found]:
            alarm = self.standing[key]
            if alarm["presence"] == "on" and alarm["priority"] == "high":
                alarm["presence"] = "latched"
            elif alarm["presence"] != "latched":
                del self.standing[key]
        return self.told() != before

    def told(self) -> list[dict]:
        now, made = boot(), []
        for (bed, _, metric, alert), alarm in self.standing.items():
            is_off = any(o["alert"] == alert and o.get("metric") == metric for o in self.switched_off.get(bed, []))
            until = self.paused.get(bed, 0)
            one = {**alarm, "activation": "off" if is_off else "paused" if until > now else "on"}
            one["until"] = round(until) if until > now else None
            one["text"], one["textArabic"] = self.state.words(one["text"]), self.state.words(one["textArabic"])
            made.append(one)
        return sorted(made, key=lambda a: (ORDER[a["priority"]], a["began"]))

    def acknowledge(self, instances: list[str], by: str) -> bool:
        known = [a for a in self.standing.values() if a["instance"] in instances]
        if len(known) < len(set(instances)):
            return False
        for key in [k for k, a in self.standing.items() if a["instance"] in instances]:
            if self.standing[key]["presence"] == "latched":
                del self.standing[key]
            else:
                self.standing[key].update(presence="ack", acknowledgedBy=[by])
        return True

    def pause(self, bed: str | None, seconds: int) -> None:
        self.paused[bed] = boot() + min(seconds * 1000, KEEP_OFF)
