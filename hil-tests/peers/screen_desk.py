"""A pretend desk for the screen's tests: it takes the host's requests, from made-up people with made-up secrets."""

from __future__ import annotations

import time

PEOPLE = {"layla": "nurse", "omar": "physician", "salma": "pharmacist", "eng": "engineer"}
SECRET = "1234"  # of everybody here
OPEN = {"stop", "list", "show", "history"}  # what needs nobody to sign in; as the host, a stop first of all
ITEMS = {"consciousness", "oxygen", "temperature"}


def refused(code: str, words: str) -> list[dict]:
    return [{"desk": 1, "answer": "refused", "code": code, "words": words}]


def answers(state, line: dict) -> list[dict]:
    """What the desk says to a request; under the state's lock."""
    ask, by = line.get("ask"), line.get("by") or {}
    if ask not in OPEN or by:
        if not by:
            return refused("signIn", "Say who you are: sign in with your id and secret.")
        if by.get("id") not in PEOPLE or by.get("secret") != SECRET:
            time.sleep(0.3)
            return refused("signIn", "The id or the secret is not right.")
    role = PEOPLE.get(by.get("id"))
    if ask not in OPEN and ask != "beds" and role == "engineer":
        return refused("role", f"{by['id']} may not do this: ask somebody who is a clinician.")
    asked = {"acknowledge": acknowledge, "pause": pause, "switchOff": switch, "switchOn": switch, "beds": beds,
             "bind": bind, "unbind": unbind, "withdrawBinding": unbind, "replaceBinding": bind, "enter": enter,
             "choosePreset": preset, "openConsultation": consultation, "closeConsultation": consultation}
    pumped = {"list", "show", "history", "preview", "draft", "verify", "withdraw", "start", "stop", "resolve",
              "lookedAt", "unlock"}
    if ask in asked:
        return asked[ask](state, line, by.get("id"))
    return pump(state, line, by.get("id")) if ask in pumped else refused("request", "There is no such request.")


def acknowledge(state, line: dict, by: str) -> list[dict]:
    if not state.alarms.acknowledge(line.get("instances", []), by):
        return refused("instance", "One of these alerts does not stand any more: look again.")
    return [{"desk": 1, "answer": "done", "words": "Acknowledged."}]


def pause(state, line: dict, by: str) -> list[dict]:
    if not 1 <= line.get("seconds", 0) <= 120:
        return refused("outsideRange", "A pause is 120 s at most.")
    state.alarms.pause(line.get("bed"), line["seconds"])
    return [{"desk": 1, "answer": "done", "words": f"Silent for {line['seconds']} s."}]


def switch(state, line: dict, by: str) -> list[dict]:
    off = {"alert": line.get("alert"), "metric": line.get("metric")}
    of_bed = state.alarms.switched_off.setdefault(line.get("bed"), [])
    if line["ask"] == "switchOn" and off in of_bed:
        of_bed.remove(off)
    elif line["ask"] == "switchOff" and off not in of_bed:
        of_bed.append(off)
    return [{"desk": 1, "answer": "done", "words": "Done."}]


def report(state, bed: dict) -> dict:
    patient = bed["patient"] and {
        **bed["patient"], "since": bed["patient"]["since"] * 1_000_000,
        "identifiers": bed["patient"].get("identifiers") or {"name": f"Made-up Person {bed['bed'][-1]}",
                                                             "mrn": f"M-100{bed['bed'][-1]}"}}
    return {"bed": bed["bed"], "name": bed["name"], "nameArabic": bed["nameArabic"], "devices": bed["devices"],
            "preset": bed["preset"]["preset"], "isReviewed": False, "isWatched": True, "isLost": False,
            **({"patient": patient} if patient else {})}


def beds(state, line: dict, by: str) -> list[dict]:
    return [{"desk": 1, "answer": "beds", "beds": [report(state, bed) for bed in state.beds()]}]


def of_bed(state, name: str, words: str) -> list[dict]:
    found = next((bed for bed in state.beds() if bed["bed"] == name), None)
    if found is None:
        return refused("noBed", "There is no such bed.")
    return [{"desk": 1, "answer": "bed", "bed": report(state, found), "words": words}]


def bind(state, line: dict, by: str) -> list[dict]:
    name, identifiers = line.get("bed"), line.get("identifiers", [])
    if state.patients.get(name) and line["ask"] == "bind":
        return refused("bound", "Somebody is bound to this bed: unbind first.")
    if len(identifiers) < 2:
        return refused("identifiers", "Two identifiers are needed.")
    state.patients[name] = {"binding": int(time.time()) % 100000, "since": round(time.time() * 1000), "by": [by]}
    return of_bed(state, name, "Bound.")


def unbind(state, line: dict, by: str) -> list[dict]:
    if not state.patients.get(line.get("bed")):
        return refused("notBound", "No patient is bound to this bed.")
    state.patients[line["bed"]] = None
    return of_bed(state, line["bed"], "Unbound.")


def enter(state, line: dict, by: str) -> list[dict]:
    if line.get("item") not in ITEMS:
        return refused("item", "This cannot be entered.")
    state.entered.setdefault(line["bed"], {})[line["item"]] = {
        "value": line.get("value"), "utc": round(time.time() * 1000), "by": [by]}
    return of_bed(state, line["bed"], "Entered.")


def preset(state, line: dict, by: str) -> list[dict]:
    return of_bed(state, line.get("bed"), "Chosen.")


def consultation(state, line: dict, by: str) -> list[dict]:
    if line["ask"] == "openConsultation":
        state.consultations = [{"consultation": 1, "clinician": state.words(line.get("clinician", "Dr Made-up")),
                                "until": round(time.time() * 1000) + 1000 * line.get("seconds", 1800), "by": [by]}]
    else:
        state.consultations = []
    return [{"desk": 1, "answer": "done", "words": "Done."}]


def pump(state, line: dict, by: str | None) -> list[dict]:
    ask = line["ask"]
    if ask == "stop":
        stopped = {"desk": 1, "answer": "stop", "asked": True, "words": "The pump is asked to stop."}
        return [stopped, {**stopped, "proven": True, "words": "The pump shows that it stands."}]
    if ask in ("list", "history"):
        views = [{"device": p["device"], "state": "ready"} for p in state.pumps()]
        return [{"desk": 1, "answer": "commands", "commands": state.commands}] if ask == "history" else [
            {"desk": 1, "answer": "pumps", "pumps": views}]
    if ask == "draft":
        view = {"number": 900 + len(state.commands), "device": line.get("device"), "command": line.get("command"),
                "stage": "draft", "people": 1, "needed": 2, "since": time.clock_gettime_ns(time.CLOCK_BOOTTIME),
                "waitsFor": "a second person enters it", "readings": []}
        state.commands.append(view)
        return [{"desk": 1, "answer": "command", "command": view}]
    if ask == "preview":
        return [{"desk": 1, "answer": "preview", "bytes": "21", "words": "What would be sent."}]
    view = next((c for c in state.commands if c["number"] == line.get("number")), None)
    if view is None:
        return refused("noCommand", "There is no such command.")
    stages = {"verify": ("verified", "somebody starts it"), "start": ("sent", "the pump shows it"),
              "withdraw": ("ended", None), "resolve": ("ended", None)}
    if ask in stages:
        view["stage"], view["waitsFor"] = stages[ask]
        view["people"] = 2 if ask == "verify" else view["people"]
    return [{"desk": 1, "answer": "command", "command": view}]
