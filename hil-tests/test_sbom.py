"""What the program is made of is told with each build, completely and in a form that others read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(os.environ.get("NABD_ROOT", Path(__file__).resolve().parents[1]))

pytestmark = pytest.mark.skipif(
    not (ROOT / "Package.resolved").is_file(), reason="nothing was built here: there is no Package.resolved")


def made(out: Path, root: Path = ROOT, *more: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({} if path is None else {"PATH": path})
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "sbom", "--root", root, "--out", out, *more],
        capture_output=True, text=True, timeout=60, env=environment)


def a_root(place: Path, resolved: str | None = None, licences: dict[str, str] | None = None) -> Path:
    """A root of our own: what was resolved, and checkouts with these texts as their licences."""
    (place / "Sources" / "DeviceModel").mkdir(parents=True)
    shutil.copy(ROOT / "Sources" / "DeviceModel" / "HostVersion.swift", place / "Sources" / "DeviceModel")
    for name, text in (licences or {}).items():
        (place / ".build" / "checkouts" / name).mkdir(parents=True)
        (place / ".build" / "checkouts" / name / "LICENSE").write_text(text)
    if resolved is not None:
        (place / "Package.resolved").write_text(resolved)
    return place


def pins(*locations: str, **state: str) -> str:
    return json.dumps({"pins": [{"location": location, "state": state} for location in locations]})


def missing(bom: dict) -> list[str]:
    """The resolved packages that are not in it as they were resolved."""
    told = {(part["name"], part["version"], part["properties"][0]["value"])
            for part in bom["components"] if part["purl"].startswith("pkg:swift/")}
    resolved = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    wanted = {(pin["location"].removesuffix(".git").rsplit("/", 1)[-1], pin["state"]["version"],
               pin["state"]["revision"]) for pin in resolved}
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
    names = {part["name"] for part in bom["components"]}
    if shutil.which("dpkg-query"):
        assert {"libc6", "libgcc-s1", "libmodbus5", "libnats3.4", "libserialport0", "libsqlite3-0", "libstdc++6",
                "zlib1g"} <= names
    if shutil.which("swift"):
        assert {"swift", "swift-corelibs-foundation", "swift-corelibs-libdispatch", "swift-foundation"} <= names
    for part in bom["components"]:
        assert PackageURL.from_string(part["purl"]).to_string() == part["purl"]
    assert bom["dependencies"][0]["dependsOn"] == [part["bom-ref"] for part in bom["components"]]
    # The checkers find what they are for.
    gone = next(part for part in bom["components"] if part["name"] == "swift-crypto")
    assert missing({"components": [part for part in bom["components"] if part is not gone]}) == ["swift-crypto"]
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text.replace('"library"', '"thing"')) is not None


@pytest.mark.parametrize("text", [None, "", "{}", '{"pins": [{"location": 1}]}', '{"pins": [{"location": "x"}]}'])
def test_what_was_not_resolved_is_an_error_in_a_sentence(tmp_path, text):
    a_root(tmp_path, text)
    # What an earlier build left must not pass for this one's.
    (tmp_path / "bom.json").write_text("an earlier one")
    answer = made(tmp_path / "bom.json", tmp_path)
    assert len(answer.stderr.splitlines()) == 1
    assert answer.returncode == 1 and "build" in answer.stderr and "Traceback" not in answer.stderr
    assert not (tmp_path / "bom.json").exists()


@pytest.mark.parametrize("text, licence", [
    ("Apache License\nVersion 2.0, January 2004", {"id": "Apache-2.0"}),
    ("Permission is hereby granted, free of charge, to any person obtaining a copy", {"id": "MIT"}),
    ("Redistribution and use in source and binary forms\nNeither the name of A nor the names of its\n  contributors",
     {"id": "BSD-3-Clause"}),
    ("Permission to use, copy, modify, and/or distribute this software", {"id": "ISC"}),
    ("Redistribution and use in source and binary forms, and four more clauses", {"name": "unknown"}),
    ("Ask us.", {"name": "unknown"}),
])
def test_a_licence_is_known_by_its_text(tmp_path, text, licence):
    a_root(tmp_path, pins("https://example.org/a/b.git", version="1.0.0", revision="abc"), {"b": text})
    assert made(tmp_path / "bom.json", tmp_path).returncode == 0
    part = json.loads((tmp_path / "bom.json").read_text())["components"][-1]
    assert part["purl"] == "pkg:swift/example.org/a/b@1.0.0" and part["licenses"] == [{"license": licence}]


def test_ssh_and_branches_are_told_too(tmp_path):
    resolved = pins("git@example.org:a/b.git", branch="main", revision="abc")
    a_root(tmp_path, resolved, {"b": "Apache License Version 2.0"})
    assert made(tmp_path / "bom.json", tmp_path, "--version", "9.9.9").returncode == 0
    bom = json.loads((tmp_path / "bom.json").read_text())
    assert bom["components"][-1]["purl"] == "pkg:swift/example.org/a/b@abc"
    assert bom["metadata"]["component"]["version"] == "9.9.9"


def test_a_package_without_its_checkout_is_an_error(tmp_path):
    a_root(tmp_path, pins("https://example.org/a/b", version="1.0.0", revision="abc"))
    answer = made(tmp_path / "bom.json", tmp_path)
    assert answer.returncode == 1 and "no checkout of b" in answer.stderr and len(answer.stderr.splitlines()) == 1


def test_a_program_without_a_version_is_an_error(tmp_path):
    (a_root(tmp_path, pins()) / "Sources" / "DeviceModel" / "HostVersion.swift").unlink()
    answer = made(tmp_path / "bom.json", tmp_path)
    assert answer.returncode == 1 and "--version" in answer.stderr and len(answer.stderr.splitlines()) == 1


def test_without_dpkg_the_swift_packages_are_told(tmp_path):
    answer = made(tmp_path / "bom.json", path=str(tmp_path))
    assert answer.returncode == 0 and "no dpkg-query" in answer.stderr
    bom = json.loads((tmp_path / "bom.json").read_text())
    assert missing(bom) == [] and all(part["purl"].startswith("pkg:swift/") for part in bom["components"])


def test_of_the_toolchain_its_release_is_told(tmp_path):
    a_root(tmp_path, pins())
    swift = tmp_path / "swift"
    swift.write_text("#!/bin/sh\necho 'Swift version 9.8.7 (swift-9.8.7-RELEASE)'\n")
    swift.chmod(0o755)
    assert made(tmp_path / "bom.json", tmp_path, path=str(tmp_path)).returncode == 0
    told = {part["name"]: part["purl"] for part in json.loads((tmp_path / "bom.json").read_text())["components"]}
    assert told["swift"] == "pkg:github/swiftlang/swift@swift-9.8.7-RELEASE"
    assert set(told) == {"swift", "swift-corelibs-foundation", "swift-corelibs-libdispatch", "swift-foundation",
                         "swift-foundation-icu"}
    swift.write_text("#!/bin/sh\necho Swift, somehow\n")
    answer = made(tmp_path / "bom.json", tmp_path, path=str(tmp_path))
    assert answer.returncode == 1 and "which release" in answer.stderr and len(answer.stderr.splitlines()) == 1


def test_of_two_architectures_the_machines_own_is_told(tmp_path):
    a_root(tmp_path, pins())
    query = tmp_path / "dpkg-query"
    query.write_text("#!/bin/sh\necho dpkg installed 1 arm64\necho libc6 installed 2.36+1 arm64\n"
                     "echo libc6 installed 2.30 armhf\necho libmodbus5 config-files 3.1 arm64\n")
    query.chmod(0o755)
    answer = made(tmp_path / "bom.json", tmp_path, path=str(tmp_path))
    assert answer.returncode == 0 and "libmodbus5 is not installed" in answer.stderr
    told = [part["purl"] for part in json.loads((tmp_path / "bom.json").read_text())["components"]]
    assert told == ["pkg:deb/debian/libc6@2.36%2B1?arch=arm64&distro=debian-12"]
