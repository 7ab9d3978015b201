"""People of a unit that drives no pump: who may sign in, and what they ask about alarms and beds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml

from peers.driving import SECRETS, Answer, scrypt
from peers.host import Host, binary

# May do what a clinician may not, and the other way round.
ENGINEER = "dina"


def let_in(host: Host, **more) -> None:
    """Give a configured host its people, and further parts of the unit's file."""
    operators = host.directory / "operators.yaml"
    operators.touch(mode=0o600)
    people = {name: ["clinician"] for name in SECRETS} | {ENGINEER: ["engineer"]}
    operators.write_text(yaml.safe_dump({"nabd": "operators/1", "operators": {
        name: {"name": name.title(), "roles": roles, "secret": scrypt(secret(name))} for name, roles in people.items()
    }}))
    unit = yaml.safe_load(host.config.read_text())
    unit["people"] = {"operators": "operators.yaml", "socket": "people"}
    host.config.write_text(yaml.safe_dump(unit | more, sort_keys=False))


def secret(name: str) -> str:
    return SECRETS.get(name, f"secret of {name}")


def ask(host: Host, *words: str | int, by: str = "layla", lines: list[str] | None = None) -> Answer:
    """One call of `nabd alarms` or `nabd bed` as somebody of the unit; ``lines`` are typed after the secret."""
    arguments = [str(binary()), *map(str, words), "--people", str(Path(host.directory) / "people"), "--json"]
    if words[0] == "alarms":
        arguments += ["--config", str(host.config)]
    arguments += ["--as", by, "--secret-stdin"]
    typed = "".join(f"{line}\n" for line in [secret(by), *(lines or [])])
    told = subprocess.run(arguments, input=typed.encode(), capture_output=True, timeout=60)
    lines = told.stdout.decode().strip().splitlines()
    return Answer(told.returncode, json.loads(lines[-1]) if lines else {}, told.stderr.decode())
