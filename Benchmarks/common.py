"""What every measurement needs: running a program that prints JSON, and a row of the results."""

import json
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def measure(*command, **options) -> dict:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if result.returncode != 0 or not result.stdout.strip():
        sys.exit(f"bench: {' '.join(map(str, command))} failed: {result.stderr.strip()[-500:]}")
    return json.loads(result.stdout)


def row(name, ours, reference, unit, target, higher, peer) -> dict:
    ratio = ours / reference if reference else float("nan")
    return {
        "name": name, "ours": round(ours, 4), "reference": round(reference, 4), "unit": unit, "ratio": round(ratio, 3),
        "target": target, "higherIsBetter": higher, "peer": peer,
    }


def middle(pairs: list[tuple]) -> tuple:
    """Of several runs the one with the median ratio."""
    return sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
