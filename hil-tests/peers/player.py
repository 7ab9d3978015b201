"""Devices that ``nabd profile simulate`` plays, and what ``nabd profile try`` reads of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import serial
import yaml

from .host import PROFILES, ROOT, binary, json_lines, nabd
from .waiting import free_port, listening, wait_until


@contextmanager
def played(*profiles: str, line: str = "pty", faults: str | None = None) -> Iterator[str]:
    """A running player; gives where it is found."""
    command = [
        str(binary()), "profile", "simulate", *profiles, "--line", line, *(["--faults", faults] if faults else []),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    try:
        found = process.stdout.readline().strip()
        assert found, f"nothing is played: {process.stderr.read()}"
        if line != "pty":
            wait_until(lambda: listening(int(line.rsplit(":", 1)[1])), 10, "the player to listen")
        yield found
    finally:
        process.terminate()
        process.wait(5)
        process.stdout.close()
        process.stderr.close()


def silent(port: serial.Serial, seconds: float = 0.4) -> bytes:
    """What comes within a while: nothing, it is hoped."""
    port.timeout = seconds
    return port.read(1)


def ask(port: serial.Serial, request: bytes, end: bytes | int, seconds: float = 2) -> bytes:
    """What comes after a request, up to an end mark or in so many bytes."""
    port.reset_input_buffer()
    port.timeout = seconds
    port.write(request)
    return port.read(end) if isinstance(end, int) else port.read_until(end)


def try_played(profile: str) -> dict:
    """What ``profile try`` says of a played device within four seconds."""
    with played(profile, line=f"tcp://127.0.0.1:{free_port()}" if profile == "bbraun/space" else "pty") as line:
        result = nabd("profile", "try", profile, "--line", line, "--for", "4s")
    return {"code": result.returncode, "lines": json_lines(result.stdout), "said": result.stderr.decode()}


def try_all(profiles: list[str]) -> dict[str, dict]:
    """Eight at a time: their time is spent waiting."""
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(profiles, pool.map(try_played, profiles)))


def promised(profile: str) -> dict[str, tuple[float, float]]:
    """By metric, the numbers between which the profile says that its player swings; half a count more for rounding."""
    described = yaml.safe_load((PROFILES / profile / "profile.yaml").read_text())
    found = {}
    for metric in described["metrics"]:
        say = described["simulate"].get(metric["metric"], described["simulate"].get(metric["from"]))
        field = described.get("fields", {}).get(metric["from"], {})
        if "table" in field or isinstance(metric.get("unit"), dict) or not isinstance(say, (int, float, dict)):
            continue
        if isinstance(say, dict):
            start = say.get("start", 0)
            say = say.get("low", start), say.get("high", start + say.get("per-hour", 0) / 30)
        low, high = say if isinstance(say, tuple) else (say, say)
        half = float(metric.get("scale", 1)) / 2 if field.get("type") != "decimal" else 0.01
        found[metric["metric"]] = (low - half, high + half)
    return found


def values(lines: list[dict]) -> dict[str, list]:
    """Metric to its values in order; where there is none, its validity."""
    found: dict[str, list] = {}
    for line in lines:
        if "metric" in line:
            kept = line["values"] if "values" in line else [line["value"]]
            found.setdefault(line["metric"], []).extend(kept if line["validity"] == "valid" else [line["validity"]])
    return found
