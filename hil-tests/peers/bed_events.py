"""Events of beds put into a journal that nobody writes, as a host would have: numbered, chained and summed by a second
implementation of what docs/journal.md says.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC32C = _table()
SUBJECT_A, SUBJECT_B = "a" * 64, "b" * 64


def crc32c(data: bytes) -> int:
    """Castagnoli's sum."""
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC32C[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _part(text: str) -> bytes:
    data = text.encode()
    return f"{len(data)}:".encode() + data


@dataclass
class Row:
    """One event as it stands in the file."""

    number: int
    session: str
    monotonic: int
    utc: int
    quality: int
    device: str | None
    kind: str
    body: str
    hash: bytes

    def columns(self, previous: bytes) -> tuple:
        """With the chain's next hash and the row's sum."""
        texts = [
            str(self.number), self.session, str(self.monotonic), str(self.utc), str(self.quality), self.device or "",
            self.kind, self.body,
        ]
        digest = hashlib.sha256(previous + b"".join(map(_part, texts))).digest()
        summed = [*texts[:5], "–" if self.device is None else self.device, self.kind, self.body, str(list(digest))]
        return (
            self.number, self.session, self.monotonic, self.utc, self.quality, self.device, self.kind, self.body,
            digest, crc32c(b"".join(map(_part, summed))),
        )


class BedEvents:
    """The newest file of events of a journal."""

    def __init__(self, journal: Path) -> None:
        self.path = max(journal.glob("events-*.sqlite"))

    def _last(self, kind: str | None = None) -> Row:
        where = f"WHERE kind = '{kind}'" if kind else ""
        with closing(sqlite3.connect(self.path)) as file:
            row = file.execute(
                "SELECT id, session, monotonic_ns, utc, quality, device, kind, body, hash FROM events "
                f"{where} ORDER BY id DESC LIMIT 1"
            ).fetchone()
        assert row, f"the journal has no event {kind}"
        return Row(*row)

    @property
    def begin(self) -> Row:
        """The beginning of the newest session."""
        return self._last("hostStarted")

    def check_own_arithmetic(self) -> None:
        """The host's own last event comes out as the host wrote it."""
        with closing(sqlite3.connect(self.path)) as file:
            rows = file.execute("SELECT * FROM events ORDER BY id DESC LIMIT 2").fetchall()
            names = [column[1] for column in file.execute("PRAGMA table_info(events)")]
        last, before = (dict(zip(names, row)) for row in rows)
        row = Row(
            last["id"], last["session"], last["monotonic_ns"], last["utc"], last["quality"], last["device"],
            last["kind"], last["body"], last["hash"],
        )
        made = row.columns(before["hash"])
        assert (made[8], made[9]) == (last["hash"], last["checksum"])

    def append(self, kind: str, members: dict, at: int | None = None) -> int:
        """Returns the event's number. ``at``: unit ns of the monotonic clock; without it, just after the last event."""
        last = self._last()
        monotonic = last.monotonic + 1 if at is None else at
        body = json.dumps(dict(sorted(members.items())), separators=(",", ":"), ensure_ascii=False)
        row = Row(
            last.number + 1, last.session, monotonic, last.utc + monotonic - last.monotonic, last.quality, None, kind,
            body, b"",
        )
        with closing(sqlite3.connect(self.path)) as file:
            file.execute(f"INSERT INTO events VALUES ({', '.join('?' * 10)})", row.columns(last.hash))
            file.commit()
        return row.number

    def configure(self, bed: str, devices: list[str]) -> None:
        """A bed of the session."""
        self.append("bedConfigured", {"bed": bed, "name": bed, "nameArabic": "كرسي ١", "devices": devices})

    def bind(self, bed: str, subject: str, since: int, replaces: int | None = None) -> int:
        """A patient is at a bed since a moment of the session; returns the binding's number."""
        members = {
            "bed": bed, "by": ["nurse-a"], "sinceMonotonicNanoseconds": since, "sinceSession": self.begin.session,
            "subject": subject,
        }
        return self.append("patientBound", members if replaces is None else {**members, "replaces": replaces})

    def withdraw(self, bed: str, binding: int) -> None:
        """It was another patient."""
        self.append("bindingWithdrawn", {"bed": bed, "binding": binding, "by": ["nurse-b"]})
