"""The dev feed with a stricter desk: it counts what it was asked, and can be late, half or silent in its answers."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .screen_desk import PEOPLE, SECRET, answers, refused
from .screen_feed import Feed, Handler, Server
from .screen_past import line as written
from .screen_pumps import Pumps, done

PUMPS = {"list", "show", "history", "preview", "draft", "verify", "withdraw", "start", "stop", "resolve", "lookedAt",
         "unlock"}
ITEMS = {
    "consciousness": "ACVPU", "oxygen": ("air", "oxygen"), "spo2-scale": "12",
    "respiration": [str(count) for count in range(151)],
}
CLINICIANS = [{"clinician": "dr-far", "name": "Dr Far Away"}]


@dataclass
class Desk:
    """What the people's way in says, and what it was asked."""

    state: object
    pumps: Pumps
    #: Every line that came, once each press; and how often a press came again.
    asked: list[dict] = field(default_factory=list)
    repeated: int = 0
    presses: set[str] = field(default_factory=set)
    #: "answer", "late" (seconds), "half", "silent", "drop", "garbage", "status" (a number); of these asks, or of all.
    manner: tuple = ("answer",)
    only: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    def count(self, ask: str) -> int:
        return sum(line["ask"] == ask for line in self.asked)

    def of(self, ask: str) -> dict:
        """The newest line that asked this, without its people."""
        newest = next(line for line in reversed(self.asked) if line["ask"] == ask)
        return {k: v for k, v in newest.items() if k not in ("by", "second", "desk")}

    def answers(self, line: dict) -> list[dict]:
        ask = line["ask"]
        if ask == "stop":
            return self.pumps.answers(line)
        for who in filter(None, (line.get("by"), line.get("second"))):
            if who.get("id") not in PEOPLE or who.get("secret") != SECRET:
                return refused("signIn", "You are not signed in: the id or the secret is wrong.")
        if not line.get("by"):
            return refused("signIn", "Say who you are: sign in with your id and secret.")
        if ask in PUMPS:
            told = self.pumps.answers(line)
            self.state.commands[:] = self.pumps.views()
            return told
        if ask == "enter" and line.get("value") not in ITEMS.get(line.get("item"), [str(n) for n in range(11)]):
            return refused("entry", "This value is not taken.")
        if ask == "consultations":
            return [{"desk": 1, "answer": "consultations", "consultations": [], "clinicians": CLINICIANS}]
        if ask == "openConsultation":
            until = round(time.time() * 1000) + 1000 * line["seconds"]
            self.state.consultations = [{"consultation": 7, "clinician": "Dr Far Away", "until": until,
                                         "by": [line["by"]["id"]], "bed": line.get("bed")}]
            return done("Dr Far Away may look on.")
        if ask == "closeConsultation":
            self.state.consultations = []
            return done("Dr Far Away sees nothing of this unit any more.")
        told = answers(self.state, line)
        return done("It is done.") if ask == "enter" and told[0]["answer"] == "refused" else told


class PeopleHandler(Handler):
    """``POST /ask`` as the console takes it: a press once, and answers in the manner that is set."""

    def do_POST(self) -> None:  # noqa: N802
        desk: Desk = self.feed.desk
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 16 << 10))
        press = self.headers.get("X-Nabd-Once", "")
        is_right = self.headers.get("X-Nabd-Ask") == "1" and self.headers.get("Content-Type") == "application/json"
        if urlsplit(self.path).path != "/ask" or not is_right or len(press) != 36:
            return self.tell({"failure": "This is not asked so.", "code": "request"}, 403)
        if press in desk.presses:
            desk.repeated += 1
            return self.tell({"failure": "This was asked already.", "code": "twice"}, 409)
        desk.presses.add(press)
        line = json.loads(body)
        desk.asked.append(line)
        kind, *how = desk.manner if not desk.only or line["ask"] in desk.only else ("answer",)
        if kind == "status":
            return self.tell({"failure": "The people's way in cannot be reached.", "code": "unreachable"}, how[0])
        if kind == "late":
            time.sleep(how[0])
        with self.feed.state.lock:
            told = desk.answers(line)
        if kind == "drop":
            self.close_connection = True
            return self.connection.shutdown(2)
        if kind == "silent":
            desk.released.wait(60)
        self.head(200, "application/x-ndjson", None)
        return self.say(told, kind)

    def say(self, told: list[dict], kind: str) -> None:
        if kind == "garbage":
            return self.wfile.write(b'{"desk":1,"answer":\n')
        for place, answer in enumerate(told):
            time.sleep(0.6 if place else 0)
            whole = written(answer)
            self.wfile.write(whole[: len(whole) // 2] if kind == "half" else whole)
            self.wfile.flush()
        return None


class PeopleFeed(Feed):
    """The feed with that desk."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        pumps = [device["device"] for device in self.state.devices() if device["isPump"]]
        self.desk = Desk(self.state, Pumps(pumps))

    def open(self) -> None:
        handler = type("Bound", (PeopleHandler,), {"feed": self})
        self.server = Server(("127.0.0.1", self.port), handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"
