"""A pretend command path for the screen's tests: two people, blind, and all that docs/pump-people.md says of it."""

from __future__ import annotations

import time

CLINICIANS = {"layla", "omar", "salma"}
ARGUMENTS = [{"name": "new-rate", "unit": "mL/h", "range": "0.1 to 999 in steps of 0.1"}]


def refused(code: str, words: str, number: int | None = None) -> list[dict]:
    told = {"desk": 1, "answer": "refused", "code": code, "words": words}
    return [told if number is None else {**told, "number": number}]


def done(words: str) -> list[dict]:
    return [{"desk": 1, "answer": "done", "words": words}]


class Pumps:
    """The pumps of a made-up unit and their commands. ``outcome`` is how the next start ends."""

    def __init__(self, devices: list[str]) -> None:
        self.devices, self.commands, self.number = devices, {}, 40
        self.must_be_looked_at: set[str] = set()
        self.locked: set[str] = set()
        self.outcome = "confirmed"
        # Of a stop: what is answered at once, and what a second later.
        self.stop_answers: list[dict] = [
            {"asked": True, "words": "The pump is told to stop."},
            {"asked": True, "proven": True, "words": "The pump shows that it stands."},
        ]

    def answers(self, line: dict) -> list[dict]:
        ask, by = line["ask"], (line.get("by") or {}).get("id")
        if ask == "stop":
            if line.get("device") not in self.devices:
                return refused("unknownPump", "There is no such pump.")
            return [{"desk": 1, "answer": "stop", **answer} for answer in self.stop_answers]
        if ask not in ("list", "show", "history", "preview", "lookedAt", "unlock") and by not in CLINICIANS:
            return refused("role", f"{by} may not do this: ask somebody who is a clinician.")
        return getattr(self, ask)(line, by)

    def list(self, line: dict, by: str) -> list[dict]:
        return [{"desk": 1, "answer": "pumps", "pumps": [self.pump(device) for device in self.devices]}]

    def pump(self, device: str) -> dict:
        open_one = next((n for n, c in self.commands.items() if c["device"] == device and c["stage"] != "ended"), None)
        return {"device": device, "model": "Alaris GH", "line": "/dev/nabd/pump", "isDriven": True,
                "commands": [{"command": "rate", "arguments": ARGUMENTS}, {"command": "start", "arguments": []}],
                "mustBeLookedAt": device in self.must_be_looked_at, "isLocked": device in self.locked,
                **({} if open_one is None else {"openCommand": open_one})}

    def view(self, number: int) -> dict:
        """As the host tells it: blind until both have entered it."""
        kept = self.commands[number]
        blind = kept["stage"] == "draft" or len(kept["by"]) < 2
        entries = [{"name": e["name"], "quantity": e["quantity"], "unit": "mL/h"} for e in kept["entries"]]
        told = {"number": number, "device": kept["device"], "command": kept["command"], "stage": kept["stage"],
                "people": len(kept["by"]), "needed": 2, "since": time.clock_gettime_ns(time.CLOCK_BOOTTIME),
                "atEntry": [{"field": "rate", "value": "3.7", "unit": "mL/h"}],
                "readings": [] if kept["stage"] in ("draft", "verified") else [
                    {"field": "rate", "value": "12.5", "unit": "mL/h"}]}
        if not blind:
            told["entries"] = entries
        if kept["stage"] == "ended":
            return {**told, "end": kept["end"]}
        return {**told, "waitsFor": "Somebody does what comes next."}

    def views(self) -> list[dict]:
        """Of the picture: what is open, and nothing that was entered."""
        return [{k: v for k, v in self.view(n).items() if k not in ("entries", "atEntry")}
                for n, c in self.commands.items() if c["stage"] != "ended"]

    def told(self, number: int) -> list[dict]:
        return [{"desk": 1, "answer": "command", "command": self.view(number)}]

    def show(self, line: dict, by: str) -> list[dict]:
        kept = self.commands.get(line.get("number"))
        if kept is None:
            return refused("unknownCommand", "There is no such command, or it has ended.")
        if kept["stage"] == "sent":
            kept["stage"] = "acknowledged"
        elif kept["stage"] == "acknowledged":
            kept["stage"], kept["end"] = ("uncertain", None) if self.outcome == "uncertain" else ("ended", self.outcome)
        return self.told(line["number"])

    def history(self, line: dict, by: str) -> list[dict]:
        newest = sorted(self.commands, reverse=True)[: line["most"]]
        return [{"desk": 1, "answer": "commands", "commands": [self.view(number) for number in newest]}]

    def preview(self, line: dict, by: str) -> list[dict]:
        typed = " ".join(e["quantity"] for e in line["entries"])
        return [{"desk": 1, "answer": "preview", "bytes": f"!SR{typed}\r".encode().hex(), "words": "One frame."}]

    def draft(self, line: dict, by: str) -> list[dict]:
        if any(c["device"] == line["device"] and c["stage"] != "ended" for c in self.commands.values()):
            return refused("underWay", "Another command is under way on this pump or its line.")
        if any(not e["quantity"].isascii() for e in line["entries"]):
            return refused("quantity", "This is no quantity: write digits and a point.")
        self.number += 1
        self.commands[self.number] = {"device": line["device"], "command": line["command"], "entries": line["entries"],
                                      "stage": "draft", "by": [by], "end": None}
        return self.told(self.number)

    def verify(self, line: dict, by: str) -> list[dict]:
        kept = self.commands.get(line["number"])
        if kept is None or kept["stage"] != "draft":
            return refused("notDraft", "This command does not wait for a second person.", line["number"])
        if by in kept["by"]:
            return refused("samePerson", "The second person must be another one than the first.", line["number"])
        if (line["device"], line["command"], line["entries"]) != (kept["device"], kept["command"], kept["entries"]):
            kept.update(stage="ended", end="mismatched")
            words = "What you entered is not what the first person entered: both are void."
            return refused("mismatch", words, line["number"])
        kept.update(stage="verified", by=[*kept["by"], by])
        return self.told(line["number"])

    def start(self, line: dict, by: str) -> list[dict]:
        kept = self.commands.get(line["number"])
        if kept is None or kept["stage"] != "verified":
            return refused("notVerified", "This command is not ready.", line["number"])
        if self.outcome == "changed":
            kept.update(stage="ended", end="changed")
            words = "When this was entered, the pump showed rate 3.7 mL/h; now it shows rate 12.5 mL/h."
            return refused("changed", words, line["number"])
        kept["stage"] = "sent"
        return self.told(line["number"])

    def withdraw(self, line: dict, by: str) -> list[dict]:
        kept = self.commands.get(line["number"])
        if kept is None or kept["stage"] not in ("draft", "verified"):
            return refused("unknownCommand", "There is no such command, or it has ended.")
        kept.update(stage="ended", end="withdrawn")
        return self.told(line["number"])

    def resolve(self, line: dict, by: str) -> list[dict]:
        kept, second = self.commands.get(line["number"]), (line.get("second") or {}).get("id")
        if kept is None or kept["stage"] != "uncertain":
            return refused("notOpen", "It is known already what became of this command.")
        if second is None or second == by:
            return refused("onePersonMore", "One person more has to say what the pump shows.", line["number"])
        kept.update(stage="ended", end=f"resolved: {line['seen']}")
        return self.told(line["number"])

    def lookedAt(self, line: dict, by: str) -> list[dict]:  # noqa: N802: the request's own name
        self.must_be_looked_at.discard(line["device"])
        return done("It is noted that you looked at the pump.")

    def unlock(self, line: dict, by: str) -> list[dict]:
        self.locked.discard(line["device"])
        return done("The pump may be commanded again.")
