"""The guide's walks are what they say: their profiles and vectors are taken out of it and run."""

from __future__ import annotations

import re

import pytest

from peers.host import ROOT, nabd

pytestmark = [pytest.mark.timeout(60)]


def blocks(heading: str) -> list[str]:
    """The YAML of a section of the guide."""
    guide = (ROOT / "docs" / "profile-authoring.md").read_text()
    section = guide.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```yaml\n(.*?)```", section, re.S)


def test_the_result_device_of_the_guide_passes(tmp_path):
    profile, vectors = blocks("A device of results, from manual to proof")
    folder = tmp_path / "acme" / "g1"
    folder.mkdir(parents=True)
    (folder / "profile.yaml").write_text(profile)
    (folder / "vectors.yaml").write_text(vectors)
    linted = nabd("profile", "lint", folder)
    told = (linted.stdout + linted.stderr).decode()
    assert linted.returncode == 0 and "0 errors, 0 warnings" in told, told
    assert "“LO”" in told and "“---”" in told, "the guide says that lint names these two"
    tested = nabd("profile", "test", folder)
    assert tested.returncode == 0 and b"3 passed, 0 failed" in tested.stdout, tested.stderr.decode()


def test_without_its_number_the_same_vectors_fail(tmp_path):
    profile, vectors = blocks("A device of results, from manual to proof")
    folder = tmp_path / "acme" / "g1"
    folder.mkdir(parents=True)
    (folder / "profile.yaml").write_text(profile.replace("    new-when: number\n", ""))
    (folder / "vectors.yaml").write_text(vectors.replace("13:52,5.4,OK*13", "13:50,5.4,OK*11"))
    assert nabd("profile", "test", folder).returncode != 0
    # With it the same vectors pass: two results of one minute and one value are two.
    (folder / "profile.yaml").write_text(profile)
    assert nabd("profile", "test", folder).returncode == 0
