"""A unit that drives pumps: its policy, its people, and `nabd pump` as they use it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from .host import Host, binary

SECRETS = {"layla": "a secret of layla", "omar": "a secret of omar", "sami": "a secret of sami"}
POLICY = {"nabd": "pump-policy/1", "version": 1, "use": "training", "areas": {"day-unit": {}}}


@dataclass(frozen=True)
class Answer:
    """What `nabd pump` printed, as JSON, and how it ended."""

    code: int
    json: dict
    error: str

    @property
    def refusal(self) -> str | None:
        """The word of a refusal; nothing where it is none."""
        return self.json.get("code") if self.json.get("answer") == "refused" else None

    @property
    def command(self) -> dict:
        """The command that it tells of."""
        assert self.json.get("answer") == "command", self.json
        return self.json["command"]


def scrypt(secret: str) -> str:
    """A secret as operators.yaml has it."""
    salt = os.urandom(16)
    key = hashlib.scrypt(secret.encode(), salt=salt, n=16384, r=8, p=1, dklen=32, maxmem=64 << 20)
    return "$".join(["scrypt", "16384", "8", "1", base64.b64encode(salt).decode(), base64.b64encode(key).decode()])


class PumpUnit:
    """The folder with the rules, signed by a key of the site; the operators; and the host that they command."""

    def __init__(self, host: Host, devices: dict[str, dict], policy: dict[str, dict], *delivery) -> None:
        """``policy``: by the device's handle, what the site's policy says of it; ``delivery``: where the unit delivers
        to, as the host's configuration takes it.
        """
        self.host = host
        folder = host.directory
        self.rules = folder / "rules"
        self.rules.mkdir(exist_ok=True)
        self.public, self._private = folder / "site.pub", folder / "site.sec"
        self._signify("-G", "-n", "-p", self.public, "-s", self._private)
        self.sign("policy.yaml", {**POLICY, "devices": policy})
        self.operators = folder / "operators.yaml"
        self.operators.touch(mode=0o600)
        self.operators.write_text(yaml.safe_dump({"nabd": "operators/1", "operators": {
            name: {"name": name.title(), "roles": ["clinician", "engineer"], "secret": scrypt(secret)}
            for name, secret in SECRETS.items()
        }}))
        self.socket = folder / "pumps"
        host.configure(devices, *delivery)
        unit = yaml.safe_load(host.config.read_text())
        unit["pumps"] = {
            "rules": "rules", "key": "site.pub", "operators": "operators.yaml", "socket": "pumps",
        }
        host.config.write_text(yaml.safe_dump(unit, sort_keys=False))

    @staticmethod
    def _signify(*arguments: str | Path) -> None:
        subprocess.run(["signify-openbsd", *map(str, arguments)], check=True, capture_output=True)

    def sign(self, name: str, content: dict) -> None:
        """Write a file of rules, and its signature."""
        path = self.rules / name
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        self._signify("-S", "-s", self._private, "-m", path)

    # What people say.

    def ask(self, verb: str, *arguments: str | int, by: str | None = "layla", also: str | None = None,
            timeout: float = 120) -> Answer:
        """One call of `nabd pump`."""
        people = [name for name in (by, also) if name]
        told, typed = self.typed(verb, *map(str, arguments))
        words = [str(binary()), "pump", verb, *told, "--socket", str(self.socket), "--json"]
        if by:
            words += ["--as", by, "--secret-stdin"]
        if also:
            words += ["--and", also]
        done = subprocess.run(
            words, input="".join(line + "\n" for line in [*(SECRETS[name] for name in people), *typed]).encode(),
            capture_output=True, timeout=timeout,
        )
        lines = done.stdout.decode().strip().splitlines()
        return Answer(done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr.decode())

    @staticmethod
    def typed(verb: str, *arguments: str) -> tuple[list[str], list[str]]:
        """What of an entry stands in the command, and what is typed: quantities, the order, the reason."""
        if verb not in ("draft", "verify"):
            return list(arguments), []
        told, lines, words = [], [], list(arguments)
        while words:
            word = words.pop(0)
            if word in ("--order", "--reason"):
                lines.append(f"{word[2:]}={words.pop(0)}")
            else:
                (lines if "=" in word else told).append(word)
        return told, lines

    def ready(self, device: str, command: str, **quantities: str) -> int:
        """Entered by two people, each by themselves."""
        typed = [f"{name.replace('_', '-')}={value}" for name, value in quantities.items()]
        draft = self.ask("draft", device, command, *typed)
        assert draft.code == 0, (draft, self.host.log_tail())
        number = draft.command["number"]
        verified = self.ask("verify", number, device, command, *typed, by="omar")
        assert verified.code == 0 and verified.command["stage"] == "verified", verified
        return number

    def start(self, number: int, by: str = "omar") -> Answer:
        """Carry it out, and wait for what becomes of it."""
        return self.ask("start", number, by=by)

    def show(self, number: int) -> dict:
        """Where a command stands."""
        return self.ask("show", number).command

    def kinds(self, number: int) -> list[str]:
        """The events of a command in the journal, in order, behind its draft."""
        return [
            line["event"] for line in self.host.export()
            if "event" in line and line.get("number") == number and line["event"].startswith("command")
        ]
