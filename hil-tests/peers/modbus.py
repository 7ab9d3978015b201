"""Modbus devices played by pymodbus: an XY-MD02 climate sensor on a serial line, a Victron GX over TCP."""

from __future__ import annotations

import asyncio
import struct
import threading
import time
from dataclasses import dataclass

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from .device import answer_first
from .terminal import Cable
from .waiting import free_port, listening, wait_until

READ_HOLDING, READ_INPUT = 3, 4
SECONDS_PER_BYTE = 10 / 9600


@dataclass(frozen=True)
class Request:
    """One request as pymodbus understood it."""

    unit: int
    function: int
    address: int
    count: int
    writes: bool


def crc16_modbus(data: bytes) -> int:
    """Polynomial 0xA001 (reflected), initial value 0xFFFF; goes low byte first onto the line."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def with_crc(body: bytes) -> bytes:
    """A serial frame: the body and its CRC."""
    return body + struct.pack("<H", crc16_modbus(body))


class ModbusDevice:
    """A pymodbus server in a thread with its own event loop.

    ``registers`` maps a unit to address to value and may be changed at any time; ``function`` is the only one answered.
    """

    def __init__(self, registers: dict[int, dict[int, int]], function: int) -> None:
        self.registers = registers
        self.function = function
        self.exception: ExcCodes | None = None
        self.requests: list[Request] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=type(self).__name__)
        self._ready = threading.Event()
        self.error: BaseException | None = None

    async def make_server(self, devices: list[SimDevice]):
        """The pymodbus server for these devices."""
        raise NotImplementedError

    def _device(self, unit: int) -> SimDevice:
        addresses = sorted(self.registers[unit])
        blocks = [SimData(address, values=0, datatype=DataType.REGISTERS) for address in addresses]

        async def action(function, start, address, count, current, values):
            self.requests.append(Request(unit, function, address, count, values is not None))
            if function != self.function:
                return ExcCodes.ILLEGAL_FUNCTION
            if self.exception is not None:
                return self.exception
            for key, value in self.registers[unit].items():
                current[key - start] = value
            return None

        return SimDevice(id=unit, simdata=blocks, action=action)

    def start(self):
        """Start serving; returns self."""
        self._thread.start()
        assert self._ready.wait(10), "the Modbus server did not start"
        if self.error is not None:
            raise RuntimeError("the Modbus server failed") from self.error
        return self

    def _run(self) -> None:
        answer_first()
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed to start() or stop()
            self.error = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = await self.make_server([self._device(unit) for unit in self.registers])
        await self._server.serve_forever(background=True)
        self._ready.set()
        await self._server.serving

    @property
    def writes(self) -> list[Request]:
        """Requests that would change the device; a host that only watches sends none."""
        return [request for request in self.requests if request.writes or request.function not in (1, 2, 3, 4)]

    def stop(self) -> None:
        """End the server."""
        if self._loop is not None and self._server is not None and self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)
        self._thread.join(5)
        if self.error is not None:
            raise RuntimeError(f"{type(self).__name__} failed") from self.error


class ClimateSensor(ModbusDevice):
    """An XY-MD02: input registers 1 (temperature, signed) and 2 (relative humidity), Modbus RTU at 9600 baud.

    pymodbus opens the far end of a second pty; a thread carries bytes between the two at line speed. ``answers_as``
    makes every reply come from another unit, with a good CRC, as a sensor with a doubled address would.
    """

    def __init__(
        self, unit: int = 3, temperature: int = 425, humidity: int = 5460, answers_as: int | None = None
    ) -> None:
        super().__init__({unit: {1: temperature & 0xFFFF, 2: humidity}}, READ_INPUT)
        self.unit = unit
        self.answers_as = answers_as
        self.cable = Cable()
        self._inner = Cable()
        self._ending = threading.Event()
        self._bridge = threading.Thread(target=self._carry, daemon=True, name="bridge")

    @property
    def line(self) -> str:
        """The path the host opens."""
        return self.cable.path

    def set(self, temperature: int, humidity: int) -> None:
        """Change the raw register values."""
        self.registers[self.unit].update({1: temperature & 0xFFFF, 2: humidity})

    async def make_server(self, devices):
        return ModbusSerialServer(devices, framer=FramerType.RTU, port=self._inner.path, baudrate=9600, bytesize=8,
                                  parity="N", stopbits=1, ignore_missing_devices=True)

    def start(self):
        super().start()
        self._bridge.start()
        return self

    def _carry(self) -> None:
        answer_first()
        while not self._ending.is_set():
            self._forward(self.cable.read(0.02))
            reply = self._inner.read(0.005)
            if reply:
                self._reply(reply)

    def _forward(self, request: bytes) -> None:
        # A device hears every frame on the bus and stays silent for those to others; pymodbus would answer an error.
        if request and (request[0] == self.unit or len(request) < 8):
            self._inner.write(request)

    def _reply(self, reply: bytes) -> None:
        if self.answers_as is not None and len(reply) > 2:
            reply = with_crc(bytes([self.answers_as]) + reply[1:-2])
        time.sleep(len(reply) * SECONDS_PER_BYTE)
        self.cable.write(reply)

    def stop(self) -> None:
        self._ending.set()
        self._bridge.join(5)
        super().stop()
        self.cable.close()
        self._inner.close()


@dataclass
class UnitState:
    """Where the mobile unit is and how its house battery does, in plain units."""

    latitude: float = 52.5200066
    longitude: float = 13.4049540
    course: float = 90.5
    speed: float = 13.89
    fix: int = 1
    satellites: int = 9
    altitude: float = 34.5
    battery_voltage: float = 26.55
    battery_current: float = -12.3
    battery_temperature: float = 21.5
    battery_charge: float = 87.4

    def registers(self, battery_unit: int) -> dict[int, dict[int, int]]:
        """The register maps of unit 100 (system, position) and of the battery monitor."""
        position = struct.pack(
            ">iiHHHHi", round(self.latitude * 1e7), round(self.longitude * 1e7), round(self.course * 100),
            round(self.speed * 100), self.fix, self.satellites, round(self.altitude * 10),
        )
        system = dict(enumerate(struct.unpack(">10H", position), start=2800))
        system |= {address: 0 for address in range(840, 852)}
        system |= {840: round(self.battery_voltage * 10), 841: round(self.battery_current * 10) & 0xFFFF}
        system |= {843: round(self.battery_charge)}
        battery = {address: 0 for address in range(256, 267)}
        battery |= {259: round(self.battery_voltage * 100), 261: round(self.battery_current * 10) & 0xFFFF}
        battery |= {262: round(self.battery_temperature * 10) & 0xFFFF, 266: round(self.battery_charge * 10)}
        return {100: system, battery_unit: battery}


class VictronGX(ModbusDevice):
    """A Victron GX: Modbus TCP, holding registers."""

    def __init__(self, state: UnitState | None = None, battery_unit: int = 225) -> None:
        self.state = state or UnitState()
        super().__init__(self.state.registers(battery_unit), READ_HOLDING)
        self.port = free_port()

    @property
    def line(self) -> str:
        """The address the host is given."""
        return f"tcp://127.0.0.1:{self.port}"

    async def make_server(self, devices):
        return ModbusTcpServer(devices, address=("127.0.0.1", self.port))

    def start(self):
        super().start()
        wait_until(lambda: listening(self.port), 5, "the Modbus TCP server to listen")
        return self
