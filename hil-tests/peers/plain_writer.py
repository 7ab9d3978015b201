"""A writer of its own that says what it has committed: shows whether a way to cut the power loses what was not synced.

``plain_writer.py FILE SYNCHRONOUS``: makes rows 1, 2, 3, … in a WAL database, one transaction each,
and prints each number once it is committed.
"""

from __future__ import annotations

import sqlite3
import sys
import time


def write(path: str, synchronous: str) -> None:
    """Until somebody kills it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    (number,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM rows").fetchone()
    while True:
        number += 1
        connection.execute("INSERT INTO rows VALUES (?, zeroblob(300))", (number,))
        print(number, flush=True)
        time.sleep(0.002)


if __name__ == "__main__":
    write(*sys.argv[1:])
