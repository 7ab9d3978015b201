"""Debian packages: what is in them, variants of them, and a throw-away copy of this machine to install them on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from .disks import need_mounts

ROOT = Path(os.environ.get("NABD_ROOT", Path(__file__).resolve().parents[2]))


def built() -> Path:
    """The package under test: NABD_DEB, or the newest that `make deb` has built."""
    given = os.environ.get("NABD_DEB")
    found = [Path(given)] if given else sorted((ROOT / ".build" / "deb").glob("nabd_*.deb"), key=os.path.getmtime)
    if not found:
        pytest.skip("there is no package: make deb")
    return found[-1]


def run(*words: str | Path, check: bool = True, **more) -> subprocess.CompletedProcess[str]:
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, **more)
    assert not check or result.returncode == 0, f"{' '.join(map(str, words))}:\n{result.stdout}{result.stderr}"
    return result


def listing(package: Path) -> dict[str, tuple[str, str]]:
    """By path: its rights, and whose it is."""
    found = {}
    for line in run("dpkg-deb", "--contents", package).stdout.splitlines():
        rights, owner, _, _, _, name = line.split(maxsplit=5)
        found[name.split(" -> ")[0].removeprefix(".")] = (rights, owner)
    return found


def what_is_wrong(entries: dict[str, tuple[str, str]]) -> list[str]:
    """Rights and owners that a package of ours does not have."""
    found = []
    for path, (rights, owner) in entries.items():
        right = "drwxr-xr-x" if path.endswith("/") else "-rwxr-xr-x" if path == "/usr/bin/nabd" else "-rw-r--r--"
        if owner != "root/root" or rights != right:
            found.append(f"{path} is {rights} {owner}")
        if path.startswith(("/etc/", "/var/", "/run/", "/home/", "/opt/", "/usr/local/")):
            found.append(f"{path} is no place for a package's file")
    return found


def variant(package: Path, out: Path, change: Callable[[Path], None], version: str | None = None) -> Path:
    """The package with something changed in it, uncompressed, for it is only installed here."""
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        run("dpkg-deb", "--raw-extract", package, tree)
        control = tree / "DEBIAN" / "control"
        if version:
            control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
        change(tree)
        run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, out)
    return out


def change_check(tree: Path, change: Callable[[Path], None]) -> None:
    """Change the package within the package, which preinst reads a unit's files with."""
    inner = tree / "DEBIAN" / "check.deb"
    changed = inner.with_suffix(".new")
    variant(inner, changed, change)
    changed.replace(inner)


def program(tree: Path) -> Path:
    return tree / "usr" / "bin" / "nabd"


def stand_in(tree: Path) -> None:
    """In place of the program, the one that is installed: nothing is unpacked twice that is the same."""
    program(tree).write_text('#!/bin/sh\nexec /usr/bin/nabd "$@"\n')
    program(tree).chmod(0o755)


def finds_a_fault(words: str, says: str, code: int) -> Callable[[Path], None]:
    """A version of which one command finds a fault; all else is done by the installed one."""
    def change(tree: Path) -> None:
        stand_in(tree)
        program(tree).write_text(
            f'#!/bin/sh\ncase "$*" in "{words}"*) echo "{says}" >&2; exit {code} ;; esac\nexec /usr/bin/nabd "$@"\n')
    return change


class Machine:
    """This machine as it is, of which nothing is changed: what is written goes to memory, and is gone at the end."""

    def __init__(self, at: Path, below: Machine | None = None) -> None:
        """
        :param below: one whose changes are there as well; nothing may be done with it meanwhile.
        """
        need_mounts("chroot")
        self._memory = at / "memory"
        self.root = at / "root"
        for folder in (self._memory, self.root):
            folder.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "tmpfs", self._memory)
        for name in ("upper", "work"):
            (self._memory / name).mkdir()
        self.lower = "/" if below is None else f"{below._memory}/upper:{below.lower}"
        layers = f"lowerdir={self.lower},upperdir={self._memory}/upper,workdir={self._memory}/work"
        if run("mount", "-t", "overlay", "overlay", "-o", layers, self.root, check=False).returncode != 0:
            run("umount", self._memory)
            pytest.skip("there is no overlay file system here to install on")
        run("mount", "-t", "proc", "proc", self.root / "proc")
        if below is None:
            # What was installed here by somebody else must not be mistaken for what is tried.
            self.do("dpkg", "--purge", "--force-all", "nabd", check=False)
            for path in ("/etc/nabd", "/var/lib/nabd"):
                shutil.rmtree(self.path(path), ignore_errors=True)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def do(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run("chroot", self.root, *words, check=check)

    def install(self, package: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """By dpkg, from the package's file."""
        inside = self.path(f"/root/{package.name}")
        shutil.copy(package, inside)
        try:
            return self.do("dpkg", "--install", f"/root/{package.name}", check=check)
        finally:
            inside.unlink()

    def state(self) -> str:
        """Its state and version as dpkg has them; empty when it knows none."""
        return self.do("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "nabd", check=False).stdout

    def strays(self) -> list[str]:
        """Files of the package that are not as it brought them."""
        return self.do("dpkg", "--verify", "nabd", check=False).stdout.splitlines()

    def end(self) -> None:
        for place in (self.root / "proc", self.root, self._memory):
            run("umount", "--lazy", place, check=False)
