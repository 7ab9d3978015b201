"""Values that must never be seen outside a device: a patient's, as devices send them, and a private key's."""

from __future__ import annotations

import base64
import subprocess
from functools import cache
from pathlib import Path

FAMILY, GIVEN, NUMBER, BIRTH = "ZZQCANARYFAMILY", "ZZQCANARYGIVEN", "ZZQ7717171717", "19010203ZZQ"
STREET, COMMENT = "ZZQ CANARY STREET 7", "ZZQCANARYCOMMENT"
PATIENT = (FAMILY, GIVEN, NUMBER, BIRTH, STREET, COMMENT)
BEGINNING = "PRIVATE KEY-----"


@cache
def key_lines(key: Path) -> tuple[str, ...]:
    """The lines of a private key that hold something of what is secret. The public half is in its certificate too, and
    may stand there in the same digits.
    """
    lines = [line for line in key.read_text().splitlines() if line and not line.startswith("-----")]
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                            capture_output=True, timeout=30).stdout
    return tuple(line for line in lines if base64.b64decode(line) not in public)


@cache
def disguises(value: str) -> frozenset[bytes]:
    """How a text may stand among bytes: itself, in UTF-16, in hexadecimal digits, in base64; all in lower case."""
    plain = value.encode()
    forms = {plain, value.encode("utf-16-le"), plain.hex().encode(), plain.hex(" ").encode()}
    for shift in range(3):
        # Whole groups of three bytes: what stands beside it changes none of their digits.
        whole = plain[shift : shift + (len(plain) - shift) // 3 * 3]
        forms.add(base64.b64encode(whole))
    return frozenset(form.lower() for form in forms)


@cache
def raw(line: str) -> tuple[bytes, ...]:
    """How a line of a key may stand among bytes: itself, what it says, and that in hexadecimal digits."""
    data = base64.b64decode(line)
    return line.encode(), data, data.hex().encode(), data.hex().upper().encode()


def found(text: str | bytes, keys: tuple[Path, ...] = ()) -> list[str]:
    """Which of them stand in a text; of any private key where it begins, of these keys every line."""
    data = text.encode() if isinstance(text, str) else text
    small = data.lower()
    seen = [value for value in PATIENT if any(form in small for form in disguises(value))]
    if BEGINNING.encode() in data:
        seen.append(BEGINNING)
    return seen + [line for key in keys for line in key_lines(key) if any(form in data for form in raw(line))]
