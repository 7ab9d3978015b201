"""Reads pages for people: the alerts' words that they quote, the commands that they tell somebody to type."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .host import ROOT, nabd

DOCS = ROOT / "docs"
UNITS = ROOT / "packaging" / "systemd"
ALERT = re.compile(r"^\| `(NABD_[A-Z_]+)`[^|]*\|(.*)\|$", re.M)
# Where a command may begin: at a line's start, behind a prompt, `sudo`, another command, or in words of the program.
BEGINS = re.compile(r"(?:^|[;&|]|\bsudo |# |\$ |nabd:) *nabd (?=[a-z])")
# A service that somebody is told to start, stop or look at.
SERVICE = re.compile(r"\b(?:systemctl|journalctl)\b([^|;&>`]*)")


@dataclass(frozen=True)
class Alert:
    """What a page says of one alert."""

    priority: str
    english: str
    arabic: str


@dataclass(frozen=True)
class Command:
    """A command as a page has it. ``whole``: it stands in a block, to be typed as it is. In a sentence an option may
    stand without its value, and a command without what it needs."""

    text: str
    whole: bool


@dataclass
class Usage:
    """What a command takes. ``options``: each spelling with whether a value follows."""

    options: dict[str, bool] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    places: int = 0
    below: set[str] = field(default_factory=set)


def alerts_of_reference(page: str) -> dict[str, Alert]:
    """The host's alerts by the page that the program prints."""
    found = {}
    for name, rest in ALERT.findall(page):
        _, priority, _, english, arabic = (cell.strip() for cell in rest.split("|"))
        found[name] = Alert(priority, english, arabic)
    return found


def alerts_of_page(page: str) -> dict[str, Alert]:
    """The alerts as the page for technicians has them; one that stands there twice is told as such."""
    found = {}
    for match in ALERT.finditer(page):
        name, (english, arabic, meaning, deed) = match[1], [cell.strip() for cell in match[2].split("|")]
        assert name not in found, f"{name} stands there twice"
        assert meaning and deed, f"{name}: what it means or what to do is not said"
        priority = re.search(r"`, (high|medium|low) \|", match[0])
        found[name] = Alert(priority[1] if priority else "", english, arabic)
    return found


def commands_of(page: str) -> list[Command]:
    """Every command of the program that a page has, in blocks and in sentences."""
    found, block = [], False
    prose = []
    text = page.replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip().startswith("```"):
            block = not block
        elif block:
            found += [Command(part, True) for part in _in(line.strip())]
        else:
            prose.append(line)
    for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", " ".join(line.strip() for line in prose)):
        found += [Command(part, False) for part in _in(span)]
    return found


def _in(line: str) -> list[str]:
    return ["nabd " + re.split(r"\|\||&&|[|;>]", line[match.end():])[0].strip() for match in BEGINS.finditer(line)]


@cache
def usage(path: tuple[str, ...]) -> Usage:
    """What the program itself says that a command takes."""
    text = nabd(*path, "--help").stdout.decode()
    told = Usage()
    options = re.search(r"^OPTIONS:\n(.*?)(?:\n\n|\Z)", text, re.S | re.M)
    for line in re.findall(r"^  (-[^ ].*?)(?:  |$)", options[1] if options else "", re.M):
        takes = "<" in line
        for name in re.findall(r"--?[a-z][a-z-]*", line):
            told.options[name] = takes
    below = re.search(r"^SUBCOMMANDS:\n(.*?)(?:\n\n|\Z)", text, re.S | re.M)
    told.below = set(re.findall(r"^  ([a-z][a-z-]*)(?: |$)", below[1] if below else "", re.M))
    line = re.search(r"^USAGE: (.*?)(?:\n\n|\Z)", text, re.S | re.M)[1].replace("\n", " ")
    # Of two spellings of one switch either will do: none is asked for here.
    line = re.sub(r"--[a-z-]+ (?=--in|--not)|--not-[a-z-]+|--in-effect", "", line)
    bare = re.sub(r"\[[^\]]*\]", "", line)
    told.required = set(re.findall(r"--[a-z-]+", bare))
    told.places = len(re.findall(r"<[a-z-]+>", re.sub(r"--[a-z-]+ <[a-z-]+>", "", bare)))
    return told


def fault_of(command: Command) -> str | None:
    """What is wrong with a command by the program's own help; ``None`` when nothing is."""
    words = shlex.split(command.text, comments=False)[1:]
    path: tuple[str, ...] = ()
    while words and usage(path).below:
        if words[0] not in usage(path).below:
            return f"{command.text}: nabd {' '.join(path)} has no “{words[0]}”"
        path += (words.pop(0),)
    told = usage(path)
    if told.below and not command.whole:
        return None
    given, places = set(), 0
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            places += 1
            continue
        if word not in told.options:
            return f"{command.text}: nabd {' '.join(path)} has no {word}"
        given.add(word)
        if not told.options[word]:
            continue
        if words and not words[0].startswith("--"):
            words.pop(0)
        elif command.whole:
            return f"{command.text}: {word} has no value"
    if not command.whole:
        return None
    if lacking := told.required - given:
        return f"{command.text}: it lacks {' '.join(sorted(lacking))}"
    if places < told.places:
        return f"{command.text}: it lacks what it is about"
    return None


def unknown_services(page: str) -> list[str]:
    """Services of ours that a page names and the package does not have."""
    shipped = {path.stem for path in UNITS.iterdir()} | {path.name for path in UNITS.iterdir()}
    named = [word for words in SERVICE.findall(page) for word in re.findall(r"(?<![\w./-])nabd-[\w.-]*\w(?!\*)", words)]
    return [name for name in named if name not in shipped]


def dead_links(path: Path, page: str) -> list[str]:
    """Links to files, or to headings of files, that are not there."""
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or heading and heading not in headings(file):
            dead.append(target)
    return dead


def headings(file: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
