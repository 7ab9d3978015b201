"""The disk of a bare Debian 12, made once and kept: ``python -m vm.image`` makes it and says where it is;
``python -m vm.image --lacking`` says what this machine lacks for it, and exits 0, or exits 1 where it lacks nothing.

Nothing of the unit is in it. The disk is made without mounting anything (``mke2fs -d``); every machine writes into a
layer of its own on top of it. The place is the environment's NABD_VM_CACHE, or ``.build/vm`` of the repository.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUITE = "bookworm"
PACKAGES = [
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "procps", "linux-image-amd64", "initramfs-tools", "zstd",
    "ca-certificates", "adduser", "init-system-helpers", "libsqlite3-0", "libmodbus5", "libserialport0", "libstdc++6",
    "libnats3.4", "zlib1g", "usbutils", "iproute2",
]
DISK_SIZE = "2G"
# What the kernel needs before it has its root; the rest is loaded from there.
EARLY_MODULES = ["virtio_pci", "virtio_blk", "ext4", "crc32c_generic"]
# What would only make a machine slow that a test started: logins, and what Debian does at night.
MASKED = [
    "getty@tty1.service", "serial-getty@ttyS0.service", "getty.target", "apt-daily.timer", "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
    "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
]
SETTINGS = {
    "etc/hostname": "unit\n",
    "etc/hosts": "127.0.0.1 localhost unit\n::1 localhost\n",
    "etc/fstab": "LABEL=unit / ext4 errors=remount-ro 0 1\n",
    "etc/machine-id": "",
    # What was logged before a cut is to be read after it.
    "etc/systemd/journald.conf.d/vm.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    "etc/systemd/network/vm.network": "[Match]\nName=en*\n[Network]\nDHCP=yes\n",
    "etc/initramfs-tools/conf.d/vm": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/initramfs-tools/modules": "".join(f"{module}\n" for module in EARLY_MODULES),
}
# Run in the image when the settings are there. Nobody comes in from outside: the agent's port is the only way.
INSIDE = [
    ["systemctl", "enable", "vm-agent.service", "systemd-networkd.service"],
    ["systemctl", "disable", "systemd-networkd-wait-online.service"],
    ["systemctl", "mask", *MASKED], ["update-initramfs", "-u"], ["apt-get", "clean"],
]
NEEDED = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "debootstrap": "debootstrap",
          "mke2fs": "e2fsprogs"}


class CannotBuild(Exception):
    """Why there is no image, in one sentence that says what to do."""


@dataclass(frozen=True)
class Image:
    """A disk that is never written to, and the kernel that boots from it."""

    disk: Path
    kernel: Path
    initrd: Path


def lacking() -> str | None:
    """What this machine lacks to run a unit, in one sentence; nothing where it lacks nothing."""
    missing = sorted(package for tool, package in NEEDED.items() if shutil.which(tool, path=search_path()) is None)
    if missing:
        return f"the virtual unit needs {', '.join(missing)}: apt-get install {' '.join(missing)}"
    if os.uname().machine != "x86_64":
        return f"the virtual unit is an amd64 PC, and this machine is {os.uname().machine}"
    if os.geteuid() != 0 and not _kept().disk.exists():
        return "the virtual unit's image is made by root, once: run make unit-test-vm as root"
    return None


def search_path() -> str:
    """Where programs are; debootstrap and mke2fs lie where an ordinary user does not look."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def cache() -> Path:
    """Where images are kept between runs."""
    return Path(os.environ.get("NABD_VM_CACHE") or ROOT / ".build" / "vm")


def base_image(say: Callable[[str], None] = print) -> Image:
    """The image, made first where it is not there yet (about three minutes). Raises CannotBuild."""
    image = _kept()
    if (reason := lacking()) is not None:
        raise CannotBuild(reason)
    cache().mkdir(parents=True, exist_ok=True)
    # Two runs that begin at once make one image.
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.disk.exists():
            _build(image, say)
    return image


def _kept() -> Image:
    """Where the image of these very packages and settings lies. Another choice of them is another image."""
    recipe = hashlib.sha256(repr((PACKAGES, DISK_SIZE, EARLY_MODULES, MASKED, SETTINGS, INSIDE)).encode())
    for part in sorted((HERE / "guest").iterdir()):
        recipe.update(part.read_bytes())
    folder = cache() / f"{SUITE}-{recipe.hexdigest()[:12]}"
    return Image(folder / "disk.img", folder / "vmlinuz", folder / "initrd.img")


def _build(image: Image, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    folder = image.disk.parent
    making = folder.with_name(folder.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    root = making / "root"
    try:
        _bootstrap(root, say)
        say("virtual unit: its settings and its initial RAM disk")
        _settle(root)
        for name, place in {"vmlinuz-*": "vmlinuz", "initrd.img-*": "initrd.img"}.items():
            (found,) = (root / "boot").glob(name)
            shutil.copy(found, making / place)
        say("virtual unit: its disk")
        _call(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "unit", "-d", str(root), str(making / "disk.img"), DISK_SIZE],
              "mke2fs did not make the disk: look at the room that is left")
        shutil.rmtree(root)
        shutil.rmtree(folder, ignore_errors=True)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    say(f"virtual unit: image made in {time.monotonic() - began:.0f} s: {folder}")


def _bootstrap(root: Path, say: Callable[[str], None]) -> None:
    mirror = _mirror()
    say(f"virtual unit: Debian {SUITE} from {mirror} (once, about two minutes)")
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), mirror]
    log = root.parent / "debootstrap.log"
    steps = 0
    with open(log, "w") as kept, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            kept.write(line)
            steps += 1
            if steps % 100 == 0:
                say(f"virtual unit: {line.strip()[:100]}")
    if process.returncode != 0:
        tail = " / ".join(log.read_text().splitlines()[-3:])
        raise CannotBuild(f"debootstrap did not work, look whether {mirror} is reachable: {tail}")


def _mirror() -> str:
    """The mirror that apt itself uses for this suite, or Debian's own where apt names none."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)"], capture_output=True, text=True,
        check=False,
    )
    for line in told.stdout.splitlines():
        codename, component, uri = line.split(maxsplit=2)
        if (codename, component) == (SUITE, "main") and "debian" in uri:
            return uri.rstrip("/")
    return "http://deb.debian.org/debian"


def _settle(root: Path) -> None:
    """Names, what is masked, the agent, and an initial RAM disk with only what this machine needs."""
    for name, (text, mode) in {
        **{name: (text, 0o644) for name, text in SETTINGS.items()},
        "usr/local/lib/vm-agent": ((HERE / "guest" / "agent").read_text(), 0o755),
        "etc/systemd/system/vm-agent.service": ((HERE / "guest" / "vm-agent.service").read_text(), 0o644),
    }.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
    for command in INSIDE:
        _call(["chroot", str(root), *command], f"'{' '.join(command)}' failed in the image")
    shutil.rmtree(root / "var" / "lib" / "apt" / "lists")
    shutil.rmtree(root / "usr" / "share" / "doc", ignore_errors=True)


def _call(command: list[str], otherwise: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode != 0:
        raise CannotBuild(f"{otherwise}: {(done.stderr or done.stdout).strip()[-300:]}")


def _environment() -> dict[str, str]:
    return {"PATH": search_path(), "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


if __name__ == "__main__":
    if sys.argv[1:] == ["--lacking"]:
        if (what := lacking()) is None:
            sys.exit(1)
        print(what)
        sys.exit(0)
    try:
        print(base_image().disk)
    except CannotBuild as reason:
        sys.exit(f"unit-test-vm: {reason}")
