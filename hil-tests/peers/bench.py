"""The four devices of the standard bench, started and stopped together."""

from __future__ import annotations

from .alaris import AlarisPump
from .modbus import ClimateSensor, VictronGX
from .nonin import NoninOximeter



class Bench:
    """An oximeter, a pump, a fridge sensor that sends hundredths, and the unit's own position and battery."""

    def __init__(self) -> None:
        self.oximeter = NoninOximeter()
        self.pump = AlarisPump()
        self.fridge = ClimateSensor(unit=3, temperature=425, humidity=546)
        self.gx = VictronGX(battery_unit=225)
        self.parts = [self.oximeter, self.pump, self.fridge, self.gx]

    def start(self) -> "Bench":
        """Switch everything on."""
        for part in self.parts:
            part.start()
        return self

    def stop(self) -> None:
        """Switch everything off."""
        for part in self.parts:
            part.stop()

    def devices(self, poll: str = "1s") -> dict[str, dict]:
        """The devices section of unit.yaml."""
        return {
            "spo2-1": {"profile": "nonin/oem-iii-df2", "line": self.oximeter.line},
            "pump-1": {"profile": "alaris/asena-gh", "line": self.pump.line, "serial": self.pump.infusion.serial},
            "fridge": {
                "profile": "xy/md02", "line": self.fridge.line, "unit": 3,
                "override": {
                    "scale": {"MDC_TEMP": 0.01},
                    "every": {"MDC_TEMP": poll, "NABD_RELATIVE_HUMIDITY": poll},
                },
            },
            "gx": {"profile": "victron/gx", "line": self.gx.line, "override": {"units": {"battery": 225}}},
        }
