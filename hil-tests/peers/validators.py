"""Asks the validators, which live in an environment of their own because they need an older pydantic."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-fhir" / "bin" / "python"
SCRIPT = Path(__file__).with_name("validate_resources.py")


def validate(resources: list[dict]) -> list[dict]:
    """What fhir.resources 6.4.0 (R4 4.0.1) and fhirkit find wrong; an empty list is the good answer."""
    if not PYTHON.exists():
        raise RuntimeError("the validators' environment is missing: run hil-tests/setup")
    result = subprocess.run(
        [str(PYTHON), str(SCRIPT)], input=json.dumps(resources), capture_output=True, text=True, timeout=90
    )
    if result.returncode != 0:
        raise RuntimeError(f"the validators failed to run: {result.stderr[-2000:]}")
    return json.loads(result.stdout)
