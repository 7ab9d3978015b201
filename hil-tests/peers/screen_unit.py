"""A made-up unit for the screen's tests: eight beds whose curves and numbers agree, as functions of time alone.

Every value is a pure function of the time, so that the live feed, the history and a test's own sums tell the same.
Nothing of it is of a patient or of a device: the shapes are invented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

CYCLE = 180.0  # s; all that changes slowly comes back after this long
STEP = 0.1  # s; how finely a beat's place in the cycle is known
ECG, PLETH = "MDC_ECG_ELEC_POTL_II", "MDC_PULS_OXIM_PLETH"
PRESSURE, CO2 = "MDC_PRESS_BLD_ART", "MDC_AWAY_CO2"
SATURATION, PULSE = "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PULS_RATE"
HEART, BREATH, CO2_END = "MDC_ECG_HEART_RATE", "MDC_CO2_RESP_RATE", "MDC_AWAY_CO2_ET"
SYS, DIA, MEAN = "MDC_PRESS_BLD_ART_SYS", "MDC_PRESS_BLD_ART_DIA", "MDC_PRESS_BLD_ART_MEAN"
CUFF = ("MDC_PRESS_BLD_NONINV_SYS", "MDC_PRESS_BLD_NONINV_DIA", "MDC_PRESS_BLD_NONINV_MEAN")
TEMP = "MDC_TEMP"
DRUG, RATE, GIVEN = "MDC_DRUG_NAME_LABEL", "MDC_FLOW_FLUID_PUMP", "MDC_VOL_FLUID_DELIV_TOTAL"
TO_GIVE, LEFT = "MDC_VOL_FLUID_TBI", "MDC_TIME_PD_REMAIN"
BEDS = 8
RATES = [72, 84, 66, 91, 78, 70, 61, 98]
BREATHS = [14, 16, 12, 18, 15, 20, 13, 17]
DRUGS = ["Paclitaxel", "Oxaliplatin", "Sodium chloride 0.9 %", "Carboplatin"]


@dataclass
class Stream:
    """One metric of one device; ``wave`` streams have ``values(k)``, others ``text(t)``."""

    number: int
    device: str
    bed: str | None
    metric: str
    unit: str
    kind: str
    period: float
    label: str
    arabic: str | None
    vmd: str | None = None
    category: str = "measurement"
    stuck: float | None = None
    invalid: tuple[str, str] | None = None

    def described(self) -> dict:
        """As the picture has it."""
        return {
            # A cuff's pressure is a result: of its own time, never stale.
            "n": self.number, "device": self.device, "vmd": self.vmd, "metric": self.metric, "label": self.label,
            "labelArabic": self.arabic, "unit": self.unit, "kind": self.kind, "category": self.category,
            "period": self.period, "staleAfter": None if self.metric in CUFF else max(3 * self.period, 500),
        }


def bump(phase: float, centre: float, width: float) -> float:
    """A hill of height one in a beat whose phase goes from 0 to 1."""
    return math.exp(-(((phase - centre) / width) ** 2))


def ecg(phase: float) -> float:
    """Unit: mV."""
    return (0.12 * bump(phase, 0.18, 0.025) - 0.1 * bump(phase, 0.283, 0.009) + 1.1 * bump(phase, 0.3, 0.011)
            - 0.22 * bump(phase, 0.32, 0.011) + 0.3 * bump(phase, 0.55, 0.05))


def pulse(phase: float) -> float:
    """A pulse in a vessel, from 0 to 1."""
    return min(1.0, bump(phase, 0.22, 0.1) + 0.45 * bump(phase, 0.5, 0.12) + 0.12 * bump(phase, 0.72, 0.15))


def breath(phase: float) -> float:
    """Carbon dioxide over a breath, from 0 to 1."""
    if phase < 0.42:
        return 0.0
    if phase < 0.5:
        return (phase - 0.42) / 0.08 * 0.88
    return 0.88 + (phase - 0.5) * 0.3 if phase < 0.9 else max(0.0, 1 - (phase - 0.9) / 0.04)


TABLE = 1024
SHAPES = {ECG: [ecg(k / TABLE) for k in range(TABLE)], PLETH: [pulse(k / TABLE) for k in range(TABLE)],
          CO2: [breath(k / TABLE) for k in range(TABLE)]}
SHAPES[PRESSURE] = SHAPES[PLETH]


@dataclass
class Body:
    """Whoever lies at a bed: what is true of them at a time. Unit of ``t``: s since 1970."""

    index: int
    beats: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        total = 0.0
        for step in range(round(CYCLE / STEP)):
            self.beats.append(total)
            total += self.heart(step * STEP) / 60 * STEP
        # A whole number of beats in a cycle, so that no beat is cut where it begins anew.
        self.factor = round(total) / total
        self.total = round(total)

    def episode(self, t: float, begin: float, length: float) -> float:
        """From 0 to 1: how far somebody is in a bad spell that comes back in each cycle."""
        place = t % CYCLE - begin
        return max(0.0, min(1.0, place / 4, (length - place) / 4))

    def heart(self, t: float) -> float:
        spell = 62 * self.episode(t, 70, 35) if self.index == 5 else 0.0
        return RATES[self.index] + 3 * math.sin(2 * math.pi * t / 60) + spell

    def saturation(self, t: float) -> float:
        spell = {2: 10 * self.episode(t, 20, 40), 6: 18 * self.episode(t, 110, 30)}.get(self.index, 0.0)
        return 97 + math.sin(2 * math.pi * t / 90 + self.index) - spell

    def breaths(self, t: float) -> float:
        return BREATHS[self.index] + math.sin(2 * math.pi * t / 60)

    def systolic(self, t: float) -> float:
        return 112 + 6 * self.index + 5 * math.sin(2 * math.pi * t / 90)

    def diastolic(self, t: float) -> float:
        return 0.62 * self.systolic(t)

    def phase(self, t: float) -> float:
        """Where in a beat the heart is, from 0 to 1."""
        place = (t % CYCLE) / STEP
        step = min(int(place), len(self.beats) - 1)
        after = self.beats[step + 1] if step + 1 < len(self.beats) else self.total / self.factor
        return ((self.beats[step] + (after - self.beats[step]) * (place - step)) * self.factor) % 1.0

    def breathing(self, t: float) -> float:
        """Where in a breath, from 0 to 1: the rate's sine is integrated."""
        turn = 2 * math.pi * t / 60
        return (BREATHS[self.index] * t / 60 - math.cos(turn) / (2 * math.pi)) % 1.0

    def wave(self, metric: str, t: float) -> float:
        """A curve's value as the device writes it."""
        phase = self.breathing(t) if metric == CO2 else self.phase(t - (0.12 if metric == PLETH else 0.0))
        shape = SHAPES[metric][int(phase * TABLE) % TABLE]
        if metric == ECG:
            return round(shape, 3)
        if metric == PLETH:
            return round(1000 * shape)
        if metric == PRESSURE:
            low = self.diastolic(t)
            return round(low + shape * (self.systolic(t) - low), 1)
        return round(38 * shape, 1)

    def number(self, metric: str, t: float) -> str:
        low, high = self.diastolic(t), self.systolic(t)
        sums = {
            SATURATION: self.saturation(t), PULSE: self.heart(t), HEART: self.heart(t), BREATH: self.breaths(t),
            CO2_END: 38.0, SYS: high, DIA: low, MEAN: low + (high - low) / 3,
            CUFF[0]: high - 2, CUFF[1]: low - 1, CUFF[2]: low + (high - low) / 3,
        }
        if metric == TEMP:
            return f"{36.6 + 0.1 * self.index + 0.1 * math.sin(2 * math.pi * t / CYCLE):.1f}"
        return str(round(sums[metric]))


def pumped(index: int, t: float) -> dict[str, str]:
    """A pump's account: 240 mL in two hours, over and over."""
    to_give, rate = 240.0, 120.0
    given = (t + 600 * index) % 7200 / 3600 * rate
    return {DRUG: DRUGS[index % len(DRUGS)], RATE: f"{rate:.1f}", GIVEN: f"{given:.2f}",
            TO_GIVE: f"{to_give - given:.2f}", LEFT: f"{(to_give - given) / rate * 60:.0f}"}


def of_the_unit(metric: str, t: float) -> str:
    """What the vehicle itself tells."""
    turn = math.sin(2 * math.pi * t / CYCLE)
    return {
        TEMP: f"{4.6 + 0.4 * turn:.1f}", "NABD_MAINS_VOLTAGE": f"{229.5 + turn:.1f}",
        "NABD_BATTERY_VOLTAGE": f"{52.4 + 0.2 * turn:.2f}", "NABD_LATITUDE": "24.71360",
        "NABD_LONGITUDE": "46.67530", "NABD_GROUND_SPEED": "0.0",
    }[metric]


PRESSED = "mm[Hg]"
NUMBERS = [
    (HEART, "/min", 1000, "Heart rate", "معدل ضربات القلب"),
    (BREATH, "/min", 1000, "Breathing rate", "معدل التنفس"),
    (CO2_END, PRESSED, 1000, "End-tidal CO2", "ثاني أكسيد الكربون"),
    (SYS, PRESSED, 1000, "ART sys", None), (DIA, PRESSED, 1000, "ART dia", None),
    (MEAN, PRESSED, 1000, "ART mean", None), (CUFF[0], PRESSED, 60000, "NIBP sys", None),
    (CUFF[1], PRESSED, 60000, "NIBP dia", None), (CUFF[2], PRESSED, 60000, "NIBP mean", None),
    (TEMP, "Cel", 5000, "Temperature", "الحرارة"),
]
OXIMETER = [(SATURATION, "%", 1000, "SpO2", "تشبّع الأكسجين"), (PULSE, "/min", 1000, "Pulse rate", "النبض")]
PUMP = [
    (DRUG, "", 2000, "Drug", "الدواء", "text", "setting"),
    (RATE, "mL/h", 2000, "Rate", "السرعة", "number", "setting"),
    (GIVEN, "mL", 2000, "Volume given", "المُعطى", "number", "measurement"),
    (TO_GIVE, "mL", 2000, "Volume left", "المتبقي", "number", "setting"),
    (LEFT, "min", 2000, "Time left", "الوقت المتبقي", "number", "calculation"),
]
VEHICLE = [
    ("fridge", TEMP, "Cel", 10000, "Fridge", "الثلاجة"),
    ("power", "NABD_MAINS_VOLTAGE", "V", 2000, "Mains", None),
    ("power", "NABD_BATTERY_VOLTAGE", "V", 2000, "Battery", None),
    ("position", "NABD_LATITUDE", "deg", 5000, "Lat", None),
    ("position", "NABD_LONGITUDE", "deg", 5000, "Long", None),
    ("position", "NABD_GROUND_SPEED", "m/s", 5000, "Speed", None),
]
WAVES = [(ECG, "mV", 4, "II"), (PRESSURE, "mm[Hg]", 8, "ART"), (CO2, "mm[Hg]", 16, "CO2")]


def streams() -> list[Stream]:
    """All streams of the unit, numbered from 1."""
    made: list[Stream] = []

    def add(device: str, bed: str | None, metric: str, unit: str, kind: str, period: float, *rest, **more) -> None:
        made.append(Stream(len(made) + 1, device, bed, metric, unit, kind, period, *rest, **more))

    for index in range(BEDS):
        bed, monitor, oximeter = f"chair-{index + 1}", f"monitor-{index + 1}", f"oximeter-{index + 1}"
        for metric, unit, period, label in WAVES:
            add(monitor, bed, metric, unit, "wave", period, label, None)
        add(oximeter, bed, PLETH, "", "wave", 8, "Pleth", None)
        for metric, unit, period, label, arabic in NUMBERS:
            add(monitor, bed, metric, unit, "number", period, label, arabic)
        for metric, unit, period, label, arabic in OXIMETER:
            add(oximeter, bed, metric, unit, "number", period, label, arabic)
        for vmd in ["1", "2"] if index == 2 else [None]:
            for metric, unit, period, label, arabic, kind, category in PUMP:
                add(f"pump-{index + 1}", bed, metric, unit, kind, period, label, arabic, vmd=vmd, category=category)
    for device, metric, unit, period, label, arabic in VEHICLE:
        add(device, None, metric, unit, "number", period, label, arabic)
    return made


def text_of(stream: Stream, bodies: list[Body], t: float) -> str:
    """A number or text of the stream at a time, as the journal writes it. Unit of ``t``: s since 1970."""
    if stream.bed is None:
        return of_the_unit(stream.metric, t)
    index = int(stream.bed.split("-")[1]) - 1
    if stream.device.startswith("pump"):
        return pumped(index + (4 if stream.vmd == "2" else 0), t)[stream.metric]
    return bodies[index].number(stream.metric, t)
