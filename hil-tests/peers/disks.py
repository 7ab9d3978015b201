"""Disks that fill up, refuse writes, or lose their power: a memory disk of a fixed size,
and an ext4 image on a loop device.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

# linux/fs/ext4/ext4.h: _IOR('X', 125, __u32). "No log flush": what is not on the disk yet never comes there.
EXT4_IOC_SHUTDOWN = 0x8004587D
GOING_FLAGS_NOLOGFLUSH = 2
BLOCK = 4096


def need_mounts(*programs: str) -> None:
    """Skip where nobody may mount, or where one of these programs is missing."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def run(*words: str | Path) -> None:
    """One command, which must succeed."""
    result = subprocess.run([str(word) for word in words], capture_output=True, timeout=30)
    assert result.returncode == 0, f"{' '.join(map(str, words))}: {result.stderr.decode()}"


class MemoryDisk:
    """A tmpfs of a fixed size."""

    def __init__(self, at: Path, megabytes: int) -> None:
        self.at = at
        self._filler = at / "filler"
        at.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", at)

    def fill(self) -> None:
        """Take every block that is left."""
        descriptor = os.open(self._filler, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        size = 1 << 20
        while size >= BLOCK:
            try:
                os.write(descriptor, bytes(size))
            except OSError:
                size //= 2
        os.close(descriptor)

    def free(self) -> None:
        """Give it back."""
        self._filler.unlink()

    def unmount(self) -> None:
        """The end of it; whoever used it must be gone."""
        run("umount", self.at)


class Ext4Disk:
    """An ext4 file system in a file. ``cut`` takes its power away;
    it is there again after ``unmount`` and ``mount``.
    """

    def __init__(self, at: Path, megabytes: int = 128) -> None:
        self.at = at
        self._image = at.with_suffix(".img")
        at.mkdir(parents=True)
        with open(self._image, "wb") as image:
            image.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", self._image)
        self.mounted = False
        self.mount()

    def mount(self) -> None:
        """Mount it; ext4 replays its own journal where that is needed."""
        result = subprocess.run(
            ["mount", "-o", "loop", str(self._image), str(self.at)], capture_output=True, timeout=30
        )
        if result.returncode != 0:
            pytest.skip(f"there is no loop device, or no ext4: {result.stderr.decode().strip()}")
        self.mounted = True

    def unmount(self) -> None:
        """Unmount it, if it is mounted; whoever used it must be gone."""
        if self.mounted:
            run("umount", self.at)
            self.mounted = False

    def cut(self) -> None:
        """No byte gets onto the disk from now on, and what has not got there is lost."""
        descriptor = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(descriptor)

    def abort(self) -> None:
        """As ext4 does after an error that it cannot mend: read-only, for good."""
        subprocess.run(["mount", "-o", "remount,abort", str(self.at)], capture_output=True, timeout=30)
        with pytest.raises(OSError, match="Read-only"):
            (self.at / "probe").touch()

    def refuse_writes(self, folder: Path) -> None:
        """Every write into this folder and into its files fails, reading goes on;
        a real read-only remount is refused while a file is open.

        But for SQLite's shared index (-shm): readers in other processes could not use it.
        ``refuse_mapped_writes`` is for it.
        """
        run("chattr", "+i", *(path for path in sorted(folder.iterdir()) if not path.name.endswith("-shm")), folder)

    def refuse_mapped_writes(self, folder: Path) -> None:
        """The next write to each page of SQLite's shared indices (-shm), which are mapped, is a bus error;
        other files are written as ever.
        """
        run("chattr", "+i", *sorted(folder.glob("*-shm")))
        # A page that is on the disk is write-protected until it is written to again.
        os.sync()

    def read_only(self) -> None:
        """From now on it is mounted to be read only; nobody may have a file of it open to write."""
        run("mount", "-o", "remount,ro", self.at)

    def writable(self) -> None:
        """The end of that."""
        run("mount", "-o", "remount,rw", self.at)

    def take_writes(self, folder: Path) -> None:
        """The end of that."""
        run("chattr", "-i", folder, *sorted(folder.iterdir()))
