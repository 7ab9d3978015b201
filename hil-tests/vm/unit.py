"""A unit: our package installed on the bare image, its configuration written, its devices plugged in."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import yaml

from peers import journal
from peers.alaris import AlarisPump, Infusion
from peers.host import json_lines
from peers.modbus import ClimateSensor
from peers.nonin import NoninOximeter
from peers.pki import Authority, Identity
from peers.records import RecordsServer

from .image import ROOT, Image, cache
from .machine import RECORDS, Adapter, Answer, Machine, Wiring
from .wires import Wire

JOURNAL = "/var/lib/nabd/journal"
# As the shipped sample has it: the PC's own ports by their number, adapters by the number that is in each.
RULES_FILE = "/etc/udev/rules.d/61-nabd-ports.rules"
RULES = """\
ACTION=="remove", GOTO="nabd_ports_end"
SUBSYSTEM!="tty", GOTO="nabd_ports_end"
KERNEL=="ttyS1", SYMLINK+="nabd/oximeter", ENV{.NABD}="1"
KERNEL=="ttyS2", SYMLINK+="nabd/rs485", ENV{.NABD}="1"
ENV{ID_SERIAL_SHORT}=="ADAPTER-A", ENV{ID_USB_INTERFACE_NUM}=="00", SYMLINK+="nabd/pump-a", ENV{.NABD}="1"
ENV{ID_SERIAL_SHORT}=="ADAPTER-B", ENV{ID_USB_INTERFACE_NUM}=="00", SYMLINK+="nabd/pump-b", ENV{.NABD}="1"
ENV{.NABD}=="1", GROUP="nabd", MODE="0660", ENV{ID_MM_PORT_IGNORE}="1", ENV{ID_MM_DEVICE_IGNORE}="1"
LABEL="nabd_ports_end"
"""
PUMP_A, PUMP_B = "8003-00107", "8003-00208"
DEVICES = {
    "spo2-1": {"profile": "nonin/oem-iii-df2", "line": "/dev/nabd/oximeter"},
    "fridge": {"profile": "xy/md02", "line": "/dev/nabd/rs485", "unit": 3,
               "override": {"every": {"MDC_TEMP": "1s", "NABD_RELATIVE_HUMIDITY": "1s"}}},
    "pump-a": {"profile": "alaris/asena-gh", "line": "/dev/nabd/pump-a", "serial": PUMP_A},
    "pump-b": {"profile": "alaris/asena-gh", "line": "/dev/nabd/pump-b", "serial": PUMP_B},
}
RECORDS_NAME = "records.unit"
UPLINK = {
    "server": f"https://{RECORDS_NAME}/fhir", "window": "5s",
    "authority": "/etc/nabd/keys/authority.pem", "client-certificate": "/etc/nabd/keys/unit.pem",
    "client-key": "/etc/nabd/keys/unit.key",
}
# As a reader of the group, not as root: root may read what nobody else may, and leaves files that are its own.
READER = "technician"
Numbered = dict[tuple, tuple]


def package() -> Path:
    """The package under test: the environment's NABD_DEB, or the newest that `make deb` left in .build/deb."""
    named = os.environ.get("NABD_DEB")
    found = [Path(named)] if named else sorted((ROOT / ".build" / "deb").glob("nabd_*.deb"), key=_changed)
    if not found or not found[-1].exists():
        raise AssertionError("there is no package to test: run 'make deb', or set NABD_DEB to a nabd .deb")
    return found[-1].resolve()


def _changed(file: Path) -> float:
    return file.stat().st_mtime


class Devices:
    """The devices of the unit, which play on whatever becomes of the machine."""

    def __init__(self) -> None:
        self.oximeter = NoninOximeter()
        self.fridge = ClimateSensor(unit=3, temperature=42, humidity=546)
        self.pump_a = AlarisPump(Infusion(serial=PUMP_A, rate="12.50"))
        self.pump_b = AlarisPump(Infusion(serial=PUMP_B, rate="3.75"))
        self._parts = [self.oximeter, self.fridge, self.pump_a, self.pump_b]
        for part in self._parts:
            part.start()
        self.wiring = Wiring(
            [Wire(self.oximeter.line), Wire(self.fridge.line)],
            {"pump-a": Adapter("ADAPTER-A", 1, Wire(self.pump_a.line)),
             "pump-b": Adapter("ADAPTER-B", 2, Wire(self.pump_b.line))},
        )

    @property
    def effects(self) -> list[str]:
        """What was said to a device that is no question."""
        return [*self.pump_a.effects, *self.pump_b.effects, *map(str, self.fridge.writes)]

    def stop(self) -> None:
        """Switch everything off."""
        self.wiring.stop()
        for part in self._parts:
            part.stop()


class Unit(Machine):
    """A machine with our package on it."""

    def __init__(self, image: Image, devices: Devices, layer: Path) -> None:
        super().__init__(image, devices.wiring, below=layer)
        self.devices = devices

    def nabd(self, arguments: str, limit: float = 180) -> Answer:
        """One nabd command, as a reader of the unit's group."""
        return self.ask(f"runuser -u {READER} -- nabd {arguments}", limit)

    def export(self, reader: str = READER) -> list[dict]:
        """The whole journal, read beside the running host."""
        command = f"runuser -u {reader} -- nabd journal export --jsonl --journal {JOURNAL} 2>/run/export.log"
        answer = self.ask(command, limit=300)
        if answer.status != 0:
            raise AssertionError(f"export ended with {answer.status}: {self.ask('cat /run/export.log').output}")
        return json_lines(answer.output.encode())

    def numbered(self) -> Numbered:
        """Each sample by its stream and number."""
        return journal.numbered(self.export())

    def verified(self) -> str:
        """What `journal verify` says; AssertionError unless that is that the journal is whole."""
        answer = self.nabd(f"journal verify --journal {JOURNAL}", limit=300)
        assert answer.status == 0 and "whole" in answer.output, f"verify, exit {answer.status}: {answer.output}"
        return answer.output.strip()

    def property(self, service: str, name: str) -> str:
        """One of systemd's properties of a unit."""
        return self.run(f"systemctl show {service} --property={name} --value").strip()

    def main_pid(self, service: str) -> int:
        """The number of a service's process; 0 while there is none."""
        return int(self.property(service, "MainPID"))

    def wait(self, what: str, holds: Callable[[], object], limit: float, every: float = 1.0) -> float:
        """Until something holds. Gives the real seconds that took; AssertionError with the log after ``limit``."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > limit:
                raise AssertionError(f"after {limit:g} s still waiting for {what}\n{self.log()}")
            time.sleep(every)
        return time.monotonic() - began

    def newest(self, device: str | None = None) -> int:
        """When the newest valid sample was taken, of one device or of any. Unit: µs of the machine's clock."""
        answer = self.nabd(f"journal tail --commits 12 --journal {JOURNAL}")
        lines = [json.loads(line) for line in answer.output.splitlines() if line.startswith("{")]
        taken = [line["monotonicNanoseconds"] for line in journal.samples(lines, device) if line["validity"] == "valid"]
        return max(taken, default=0) // 1000

    def uptime(self) -> int:
        """The machine's clock. Unit: µs since it was switched on."""
        return int(float(self.run("cat /proc/uptime").split()[0]) * 1e6)

    def wait_sampling(self, limit: float = 120, device: str | None = None) -> None:
        """Until a valid sample is in the journal that was taken from now on."""
        since = self.uptime()
        self.wait(f"a valid sample of {device or 'any device'}", lambda: self.newest(device) > since, limit)

    def after_basic(self, microseconds: int) -> float:
        """How long after basic.target that was. Unit: s of the machine's clock."""
        basic = int(self.property("basic.target", "ActiveEnterTimestampMonotonic"))
        assert basic > 0, "basic.target was not reached"
        return (microseconds - basic) / 1e6

    def log(self, lines: int = 40) -> str:
        """The end of what the services of the unit said in this boot."""
        return self.ask(f"journalctl -b --no-pager -o short-monotonic -n {lines} -u 'nabd*'").output


def first_valid(lines: list[dict]) -> dict[str, int]:
    """When each device's first valid sample was taken. Unit: µs of the machine's clock; of a journal of one boot."""
    first: dict[str, int] = {}
    for line in journal.samples(lines):
        if line["validity"] == "valid":
            taken = line["monotonicNanoseconds"] // 1000
            first[line["device"]] = min(first.get(line["device"], taken), taken)
    return first


def missing(printed: Numbered, kept: Numbered) -> list[tuple]:
    """What was printed as committed and is not kept, or is kept as something else."""
    def differs(key: tuple) -> bool:
        if key not in kept:
            return True
        (value, validity, reason, taken, _), (other, *judged, then, _) = printed[key], kept[key]
        # A run of a waveform may be told from another place on, whose time is then rounded anew.
        return value != other or [validity, reason] != judged or abs(taken - then) > 1_000_000

    return sorted((key for key in printed if differs(key)), key=str)


def printed(lines: list[str]) -> Numbered:
    """What `journal tail` had printed, in whole lines, before the power went."""
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            assert not line.startswith("{") or line is lines[-1], f"not a JSON line: {line!r}"
    return journal.numbered([line for line in found if isinstance(line, dict)])


def delivery(files: dict[str, Path | str], place: Path) -> Path:
    """A disk with files on it, made without mounting anything; the machine finds it as /dev/vdb."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            if isinstance(content, Path):
                shutil.copy(content, Path(folder) / name)
            else:
                (Path(folder) / name).write_text(content)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        subprocess.run(
            ["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, str(place), f"{size * 5 // 4 // 1024 + 8192}k"],
            check=True, capture_output=True,
        )
    return place


@dataclass(frozen=True)
class Installed:
    """A layer of the image with the package on it, and the authority whose certificates it has."""

    layer: Path
    authority: Path
    server: Identity


def installed(image: Image, deb: Path, say: Callable[[str], None] = print) -> Installed:
    """The package installed and configured, and nothing sampled yet; kept for the next run."""
    recipe = hashlib.sha256(image.disk.parent.name.encode() + deb.read_bytes() + Path(__file__).read_bytes())
    folder = cache() / f"installed-{recipe.hexdigest()[:12]}"
    made = Installed(folder / "disk.qcow2", folder / "pki" / "vm-ca.pem",
                     Identity(folder / "pki" / "server.pem", folder / "pki" / "server.key"))
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.layer.exists():
            say(f"virtual unit: installing {deb.name} (about a minute)")
            making = folder.with_name("installing")
            shutil.rmtree(making, ignore_errors=True)
            # Each takes some 300 MB; another run may still use the newest.
            for old in sorted(cache().glob("installed-*"), key=_changed)[:-2]:
                shutil.rmtree(old)
            _install(image, deb, making)
            making.rename(folder)
    return made


def _install(image: Image, deb: Path, folder: Path) -> None:
    authority = Authority(folder / "pki", "vm-ca")
    authority.issue("server", "serverAuth", f"DNS:{RECORDS_NAME}", days=400)
    unit = authority.issue("unit", "clientAuth", days=400)
    machine = Machine(image)
    try:
        disk = delivery({
            "nabd.deb": deb, "ports.rules": RULES, "authority.pem": authority.certificate, "unit.pem": unit.certificate,
            "unit.key": unit.key,
        }, machine.folder / "delivery.img")
        machine.boot(deliver=disk)
        machine.run("mkdir -p /mnt/delivery && mount -o ro /dev/vdb /mnt/delivery")
        # As a technician does it, with nothing to fetch: what the package depends on is on the image.
        machine.run("apt-get install -y /mnt/delivery/nabd.deb", limit=600)
        machine.run(f"useradd --system --groups nabd {READER}; useradd --system stranger")
        machine.run(f"cp /mnt/delivery/ports.rules {RULES_FILE}")
        machine.run("cd /mnt/delivery; install -m 0640 authority.pem unit.pem unit.key /etc/nabd/keys/")
        machine.run(f"echo '{RECORDS} {RECORDS_NAME}' >> /etc/hosts")
        machine.run(writing("/etc/systemd/system/nabd-uplink.service.d/records-service.conf",
                            f"[Service]\nIPAddressAllow={RECORDS}"))
        sample = yaml.safe_load(machine.run("cat /etc/nabd/unit.yaml"))
        machine.run(writing("/etc/nabd/unit.yaml", yaml.safe_dump(configuration(sample), sort_keys=False)))
        # The first install starts nothing; what it did start, on a disk that is to hold no sample yet, goes.
        machine.run(f"systemctl stop 'nabd*'; systemctl reset-failed; rm -rf {JOURNAL}/* {JOURNAL}.*/*", limit=120)
        machine.run("systemctl is-enabled nabd-acquire nabd-uplink nabd-console nabd-clock")
        machine.run("journalctl --rotate; journalctl --vacuum-time=1s; sync")
        machine.power_off()
        shutil.move(machine.disk, folder / "disk.qcow2")
    finally:
        machine.discard()


def records_service(made: Installed, directory: Path) -> RecordsServer:
    """The service that the unit's configuration names; a machine reaches it at its port `records`."""
    authorities = SimpleNamespace(server=made.server, authority=SimpleNamespace(certificate=made.authority))
    return RecordsServer(directory, authorities, made.server)


def configuration(sample: dict) -> dict:
    """The sample that the package ships, with the devices and the records service of this unit."""
    uplink = {**sample.get("uplink", {}), **UPLINK}
    beds = {name: {**bed, "devices": [one for one in DEVICES if one != "fridge"]}
            for name, bed in sample.get("beds", {}).items()}
    return {**sample, "unit": "vm-1", "test-data": True, "devices": DEVICES, "beds": beds, "uplink": uplink,
            "console": {"socket": "/run/nabd-console/socket"}}


def writing(place: str, text: str) -> str:
    """A script that writes a file as it is; who owns it and who may read it stay."""
    return f"mkdir -p {Path(place).parent}; cat > {place} <<'END-OF-FILE'\n{text}\nEND-OF-FILE"


def exposure(report: str) -> float:
    """The figure at the end of `systemd-analyze security UNIT`."""
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert found, f"no figure in: {report[-300:]}"
    return float(found[1])
