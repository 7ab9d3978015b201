"""A PC in software: boots from a layer of its own on an image, is told what to do, loses its power when asked to."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .image import Image
from .wires import Wire

# An emulated PC on two busy cores takes some 25 s; a limit is not a figure.
BOOT_LIMIT = 240.0
STREAMS = ("follow", "control")
# Where the machine finds the records service.
RECORDS = "10.0.2.100"


@dataclass
class Answer:
    """How a script in the machine ended, and what it said."""

    status: int
    output: str


@dataclass
class Adapter:
    """A USB serial adapter: its serial number, the hub's port that it is in, the wire behind it."""

    serial: str
    port: int
    wire: Wire


@dataclass
class Wiring:
    """What is plugged into a machine: its own two ports (``ttyS1``, ``ttyS2``) and USB adapters, by name."""

    serial: list[Wire] = field(default_factory=list)
    adapters: dict[str, Adapter] = field(default_factory=dict)

    def stop(self) -> None:
        """Take all of it away."""
        for wire in [*self.serial, *(adapter.wire for adapter in self.adapters.values())]:
            wire.stop()


class Port:
    """A virtio port of the machine, read line by line."""

    def __init__(self, place: Path) -> None:
        deadline = time.monotonic() + 20
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(str(place))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.lines: queue.Queue[str] = queue.Queue()
        self.kept: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True, name=place.name)
        self._reader.start()

    def _read(self) -> None:
        pending = b""
        with contextlib.suppress(OSError):
            while data := self._socket.recv(65536):
                *whole, pending = (pending + data).split(b"\n")
                for line in whole:
                    text = line.decode(errors="replace")
                    self.kept.append(text)
                    self.lines.put(text)

    def write(self, text: str) -> None:
        """Say something to whoever reads the port inside."""
        self._socket.sendall(text.encode())

    def close(self) -> None:
        """No more, but for what the machine had sent when it ended."""
        self._reader.join(2)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Machine:
    """One PC with one disk. ``boot`` and ``cut`` as often as wanted: the disk stays, what was not on it goes."""

    def __init__(self, image: Image, wiring: Wiring | None = None, below: Path | None = None) -> None:
        self.image = image
        self.wiring = wiring or Wiring()
        # The paths of sockets are short: 108 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="nabd-vm-"))
        self.disk = self.folder / "disk.qcow2"
        self.layer(below or image.disk, self.disk)
        self._process: subprocess.Popen | None = None
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[Answer]] = {}
        self._ports: dict[str, Port] = {}
        self._said: dict[str, list[str]] = {}
        self._control: QemuControl | None = None
        self.boot_id = ""

    @staticmethod
    def layer(below: Path, above: Path) -> None:
        """A disk that holds only what differs from the one below."""
        kind = "qcow2" if below.suffix == ".qcow2" else "raw"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(below.resolve()), "-F", kind, str(above)], check=True
        )

    def start(self, network: bool = False, records: int | None = None, clock: str = "utc", deliver: Path | None = None
              ) -> None:
        """Switch it on. ``network``: it gets an address, and reaches nothing but, at RECORDS, this machine's port
        ``records``; ``clock``: what its hardware clock says; ``deliver``: a disk to find as /dev/vdb.
        """
        assert self._process is None, "the machine is on already"
        for old in self.folder.glob("*.socket"):
            old.unlink()
        command = self._command(network, records, clock, deliver)
        with open(self.folder / "qemu.log", "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._connect()
        except (OSError, AssertionError):
            self.cut()
            raise AssertionError(f"qemu did not start: {(self.folder / 'qemu.log').read_text()[-500:]}") from None

    def boot(self, **options) -> float:
        """Switch it on and wait until it can be spoken to. Gives the seconds of real time that took."""
        began = time.monotonic()
        self.start(**options)
        self.wait_agent()
        return time.monotonic() - began

    def _command(self, network: bool, records: int | None, clock: str, deliver: Path | None) -> list[str]:
        command = [
            # It ends with the tests, however they end.
            "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
            "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off", "-m", "1024", "-smp", "2",
            "-display", "none", "-monitor", "none", "-no-reboot",
            "-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd),
            "-append", "root=/dev/vda rw console=ttyS0 quiet mitigations=off random.trust_cpu=on nowatchdog",
            "-drive", f"file={self.disk},if=virtio,format=qcow2,cache=writeback",
            "-serial", f"file:{self.folder}/console.log", "-rtc", f"base={clock}", "-device", "virtio-serial-pci",
            *self._socket("qmp"), "-mon", "chardev=qmp,mode=control",
        ]
        for name in ("agent", *STREAMS):
            command += [*self._socket(name), "-device", f"virtserialport,chardev={name},name={name}"]
        for number, _ in enumerate(self.wiring.serial, start=1):
            command += [*self._socket(f"ttyS{number}"), "-serial", f"chardev:ttyS{number}"]
        if self.wiring.adapters:
            command += ["-device", "qemu-xhci,id=usb"]
        for name, adapter in self.wiring.adapters.items():
            command += [*self._socket(name), "-device", ",".join(
                f"{key}={value}" if key else value for key, value in self._adapter(name, adapter).items())]
        if deliver is not None:
            command += ["-drive", f"file={deliver},if=virtio,format=raw,readonly=on"]
        user = "user,model=virtio-net-pci,restrict=on"
        if records is not None:
            # By a program for each connection: qemu's own way makes one, and makes it at the start.
            relay = Path(__file__).with_name("relay.py")
            user += f",guestfwd=tcp:{RECORDS}:443-cmd:{sys.executable} {relay} {records}"
        return command + ["-nic", user if network else "none"]

    def _socket(self, name: str) -> list[str]:
        return ["-chardev", f"socket,id={name},path={self.folder}/{name}.socket,server=on,wait=off"]

    @staticmethod
    def _adapter(name: str, adapter: Adapter) -> dict[str, str]:
        return {"": "usb-serial", "id": f"usb-{name}", "bus": "usb.0", "port": str(adapter.port), "chardev": name,
                "serial": adapter.serial}

    def _connect(self) -> None:
        self._control = QemuControl(self.place("qmp"))
        self._ports = {name: Port(self.place(name)) for name in ("agent", *STREAMS)}
        for number, wire in enumerate(self.wiring.serial, start=1):
            wire.unplug()
            wire.plug(self.place(f"ttyS{number}"))
        for name, adapter in self.wiring.adapters.items():
            adapter.wire.unplug()
            adapter.wire.plug(self.place(name))

    def place(self, name: str) -> Path:
        """The socket of one of its ports."""
        return self.folder / f"{name}.socket"

    def wait_agent(self, limit: float = BOOT_LIMIT) -> None:
        """Until the agent inside says hello."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            assert self._process is not None and self._process.poll() is None, f"the machine ended: {self.console()}"
            try:
                line = self._ports["agent"].lines.get(timeout=1)
            except queue.Empty:
                continue
            if line.startswith("hello 0 "):
                self.boot_id = base64.b64decode(line.split()[2]).decode().strip()
                threading.Thread(target=self._listen, args=(self._ports["agent"],), daemon=True).start()
                return
        raise AssertionError(f"the machine did not boot in {limit:g} s: {self.console()}")

    def _listen(self, agent: Port) -> None:
        while agent is self._ports.get("agent"):
            with contextlib.suppress(queue.Empty, ValueError, KeyError):
                number, status, *output = agent.lines.get(timeout=1).split(" ")
                text = base64.b64decode(output[0] if output else "").decode(errors="replace")
                self._answers.pop(int(number)).put(Answer(int(status), text))

    def ask(self, script: str, limit: float = 120) -> Answer:
        """Run a bash script inside, as root, and give how it ended. Scripts run beside one another."""
        number = next(self._numbers)
        self._answers[number] = waiting = queue.Queue()
        self._ports["agent"].write(f"{number} {base64.b64encode(script.encode()).decode()}\n")
        try:
            return waiting.get(timeout=limit)
        except queue.Empty:
            raise AssertionError(f"no answer in {limit:g} s to: {script[:200]}\n{self.console()}") from None

    def run(self, script: str, limit: float = 120) -> str:
        """The same, for what must work."""
        answer = self.ask(script, limit)
        assert answer.status == 0, f"ended with {answer.status}: {script[:300]}\n{answer.output[-1500:]}"
        return answer.output

    def stream(self, name: str) -> list[str]:
        """What was written, in whole lines, to /dev/virtio-ports/NAME since the machine was last switched on."""
        return list(self._ports[name].kept) if name in self._ports else self._said.get(name, [])

    def control(self, command: str, **arguments) -> dict:
        """One command of qemu's own: ``device_del``, ``device_add``."""
        assert self._control is not None
        return self._control.execute(command, arguments)

    def unplug(self, name: str) -> None:
        """Pull a USB adapter out of the machine; its cable to the device stays."""
        self.control("device_del", id=f"usb-{name}")

    def replug(self, name: str, port: int) -> None:
        """Put an adapter into one of the hub's ports."""
        self.wiring.adapters[name].port = port
        options = self._adapter(name, self.wiring.adapters[name])
        self.control("device_add", driver=options.pop(""), **options)

    def cut(self) -> None:
        """Its power goes: nothing inside is told, and what it had not given to its disk is gone."""
        if self._process is not None:
            self._process.kill()
            self._gone()

    def power_off(self, limit: float = 120) -> None:
        """An orderly end."""
        assert self._process is not None
        self._ports["agent"].write(f"0 {base64.b64encode(b'systemctl poweroff').decode()}\n")
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self.cut()
            raise AssertionError(f"the machine did not end in {limit:g} s: {self.console()}") from None
        self._gone()

    def _gone(self) -> None:
        assert self._process is not None
        self._process.wait(20)
        self._process = None
        ports, self._ports = self._ports, {}
        for name, port in ports.items():
            port.close()
            self._said[name] = port.kept
        for wire in [*self.wiring.serial, *(adapter.wire for adapter in self.wiring.adapters.values())]:
            wire.unplug()
        if self._control is not None:
            self._control.close()
            self._control = None

    @property
    def on(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def console(self) -> str:
        """The end of what the kernel and systemd wrote on the first serial port."""
        log = self.folder / "console.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "(nothing on the console)"

    def discard(self) -> None:
        """Off, and its disk with it."""
        self.cut()
        shutil.rmtree(self.folder, ignore_errors=True)


class QemuControl:
    """qemu's own control socket (QMP): one JSON object a line; events are passed over."""

    def __init__(self, place: Path) -> None:
        self._port = Port(place)
        self._port.lines.get(timeout=20)
        self.execute("qmp_capabilities", {})

    def execute(self, command: str, arguments: dict) -> dict:
        """Run a command; AssertionError with qemu's words when it refuses."""
        self._port.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        while True:
            said = json.loads(self._port.lines.get(timeout=20))
            assert "error" not in said, f"qemu refuses {command}: {said['error']['desc']}"
            if "return" in said:
                return said["return"]

    def close(self) -> None:
        """No more."""
        self._port.close()
