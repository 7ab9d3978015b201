"""What the program is made of is told with each build, completely and in a form that others read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(os.environ.get("NABD_ROOT", Path(__file__).resolve().parents[1]))

pytestmark = pytest.mark.skipif(
    not (ROOT / "Package.resolved").is_file(), reason="nothing was built here: there is no Package.resolved")


def made(out: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "sbom", "--root", root, "--out", out], capture_output=True, text=True, timeout=60)


def missing(bom: dict) -> list[str]:
    """The resolved packages that are not in it as they were resolved."""
    told = {(part["name"], part["version"], part["properties"][0]["value"])
            for part in bom["components"] if part["purl"].startswith("pkg:swift/")}
    pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    wanted = {(pin["location"].removesuffix(".git").rsplit("/", 1)[-1], pin["state"]["version"],
               pin["state"]["revision"]) for pin in pins}
    return sorted(name for name, _, _ in wanted - told)


def test_everything_that_was_resolved_is_told(tmp_path):
    assert made(tmp_path / "a.json").returncode == 0
    assert made(tmp_path / "b.json").returncode == 0
    text = (tmp_path / "a.json").read_text()
    assert text == (tmp_path / "b.json").read_text(), "the same input gives the same bytes"
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    bom = json.loads(text)
    assert missing(bom) == []
    assert [part["name"] for part in bom["components"] if "unknown" in json.dumps(part["licenses"])] == []
    assert {"libmodbus5", "libserialport0", "libsqlite3-0"} <= {part["name"] for part in bom["components"]}
    # The checkers find what they are for.
    gone = next(part for part in bom["components"] if part["name"] == "swift-crypto")
    assert missing({"components": [part for part in bom["components"] if part is not gone]}) == ["swift-crypto"]
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text.replace('"library"', '"thing"')) is not None


@pytest.mark.parametrize("text", [None, "", "{}", '{"pins": [{"location": 1}]}', '{"pins": [{"location": "x"}]}'])
def test_what_was_not_resolved_is_an_error_in_a_sentence(tmp_path, text):
    (tmp_path / "Sources" / "nabd").mkdir(parents=True)
    shutil.copy(ROOT / "Sources" / "nabd" / "Nabd.swift", tmp_path / "Sources" / "nabd")
    if text is not None:
        (tmp_path / "Package.resolved").write_text(text)
    answer = made(tmp_path / "bom.json", tmp_path)
    assert answer.returncode == 1 and "build" in answer.stderr and "Traceback" not in answer.stderr
    assert not (tmp_path / "bom.json").exists()
