"""The Debian package: what is in it, whose it is, that the same input gives the same bytes, what others say of it.

It is `make deb`'s, or NABD_DEB; without one the tests are skipped and say so. Each check is shown what it must find.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from peers.pages import dead_links
from peers.packages import ROOT, built, listing, run, variant, what_is_wrong

pytestmark = [
    pytest.mark.timeout(600), pytest.mark.xdist_group("package"),
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="this is not Debian")]

EXPECTED = [
    "/usr/bin/nabd", "/lib/udev/rules.d/60-nabd.rules",
    "/usr/lib/sysusers.d/nabd.conf", "/usr/lib/tmpfiles.d/nabd.conf",
    *(f"/lib/systemd/system/nabd-{name}" for name in (
        "acquire.service", "acquire-safe.service", "acquire-retry.timer", "uplink.service", "clock.service",
        "console.service")),
    *(f"/usr/share/doc/nabd/{name}" for name in (
        "copyright", "changelog.gz", "install.md", "operations.md", "operations/alerts.md", "console.md",
        "operations/for-nurses.ar.md", "operations/people.md", "alarms/presets.md", "devices.md", "safety/README.md",
        "examples/unit.yaml", "examples/modbus-tcp.conf",
        "examples/records-service.conf", "examples/61-nabd-ports.rules", "examples/journald.conf",
        "examples/nabd-screen.socket", "examples/nabd-screen.service",
        "examples/nabd-far.service")),
    "/usr/share/man/man1/nabd.1.gz", "/usr/share/man/man5/nabd-unit.yaml.5.gz",
    "/usr/share/bash-completion/completions/nabd", "/usr/share/zsh/vendor-completions/_nabd",
    "/usr/share/fish/vendor_completions.d/nabd.fish",
    "/usr/share/nabd/device-profiles/nonin/oem-iii-df2/profile.yaml",
    "/usr/share/nabd/presets/oncology-chair.yaml",
    "/usr/share/nabd/screen/index.html",
]


@pytest.fixture(scope="module")
def package() -> Path:
    return built()


@pytest.fixture(scope="module")
def tree(package, tmp_path_factory) -> Path:
    """What is in it, unpacked."""
    out = tmp_path_factory.mktemp("deb") / "tree"
    run("dpkg-deb", "--raw-extract", package, out)
    return out


def without(path: str):
    return lambda tree: (tree / path.lstrip("/")).unlink()


def test_everything_is_in_it(package, tree, tmp_path):
    assert [path for path in EXPECTED if path not in listing(package)] == []
    poorer = listing(variant(package, tmp_path / "poorer.deb", without("/lib/systemd/system/nabd-clock.service")))
    assert [path for path in EXPECTED if path not in poorer] == ["/lib/systemd/system/nabd-clock.service"]
    for folder in ("device-profiles", "presets"):
        shipped = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*.yaml")}
        inside = tree / "usr" / "share" / "nabd" / folder
        assert shipped and {path.relative_to(inside) for path in inside.rglob("*.yaml")} == shipped
    shown = {path.name: path.read_bytes() for path in (ROOT / "screen").iterdir()}
    inside = tree / "usr" / "share" / "nabd" / "screen"
    assert shown and {path.name: path.read_bytes() for path in inside.iterdir()} == shown


def dead_in(tree: Path) -> list[str]:
    """Links of the package's pages to what it does not have."""
    pages = sorted((tree / "usr" / "share").rglob("*.md"))
    assert len(pages) > 60, pages
    return [f"{page.relative_to(tree)}: {link}" for page in pages
            for link in dead_links(page, page.read_text(encoding="utf-8"))]


def test_no_link_of_its_pages_is_dead(tree, tmp_path):
    assert dead_in(tree) == []
    copy = tmp_path / "tree"
    shutil.copytree(tree / "usr" / "share", copy / "usr" / "share")
    (copy / "usr" / "share" / "doc" / "nabd" / "safety" / "README.md").unlink()
    found = dead_in(copy)
    assert found and all("safety" in line for line in found), found


def test_rights_are_the_usual_ones(package, tmp_path):
    assert what_is_wrong(listing(package)) == []

    def spoil(tree: Path) -> None:
        (tree / "usr" / "bin" / "nabd").chmod(0o4755)
        (tree / "usr" / "lib" / "sysusers.d" / "nabd.conf").chmod(0o664)
        (tree / "etc").mkdir()
        (tree / "etc" / "nabd.conf").write_text("")

    found = what_is_wrong(listing(variant(package, tmp_path / "spoilt.deb", spoil)))
    assert [line.split()[0] for line in found] == [
        "/etc/", "/etc/nabd.conf", "/usr/bin/nabd", "/usr/lib/sysusers.d/nabd.conf"]


def rebuilt(tree: Path, out: Path, epoch: int) -> Path:
    """Built anew from the program that is in it: quickly, for nothing is compressed."""
    version = re.search(r"^Version: (\S+)", (tree / "DEBIAN" / "control").read_text(), re.MULTILINE)[1]
    sbom = tree / "usr" / "share" / "doc" / "nabd" / "nabd.cdx.json"
    run(ROOT / "scripts" / "deb", env=os.environ | {
        "NABD_BINARY": str(tree / "usr" / "bin" / "nabd"), "NABD_SBOM": str(sbom), "NABD_DEB_OUT": str(out),
        "NABD_DEB_COMPRESS": "no", "NABD_DEB_VERSION": version, "SOURCE_DATE_EPOCH": str(epoch)})
    return next(out.glob("nabd_*.deb"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files(package: Path) -> str:
    """What it installs, as a digest."""
    return digest(subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout)


@pytest.mark.skipif(shutil.which("chrpath") is None, reason="chrpath is not installed, which a package is built with")
def test_the_same_input_gives_the_same_bytes(package, tree, tmp_path):
    epoch = int((tree / "usr" / "share" / "doc" / "nabd" / "copyright").stat().st_mtime)
    first, second = (rebuilt(tree, tmp_path / name, epoch) for name in ("first", "second"))
    assert digest(first.read_bytes()) == digest(second.read_bytes())
    later = rebuilt(tree, tmp_path / "later", epoch + 86_400)
    assert digest(later.read_bytes()) != digest(first.read_bytes()), "it finds no difference where there is one"
    # But for the compression, the one that is shipped is the same.
    assert files(package) == files(first), "the package is not of this checkout: make deb"


def errors_of(package: Path) -> list[str]:
    # Its words about who runs it are no findings.
    return [line for line in run("lintian", "--tag-display-limit", "0", package, check=False).stdout.splitlines()
            if line.startswith("E:")]


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error(package, tmp_path):
    assert errors_of(package) == []
    spoilt = variant(package, tmp_path / "nabd_0_amd64.deb", without("/usr/share/doc/nabd/copyright"))
    assert any("no-copyright-file" in line for line in errors_of(spoilt))


def missing_libraries(program: Path, control: str) -> list[str]:
    """Libraries that the program is linked to and no package that it asks for has."""
    asked = re.findall(r"[a-z0-9.+-]+(?= *[(,\n])", re.search(r"^Pre-Depends: (.*\n)", control, re.MULTILINE)[1])
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", program).stdout)
    assert needed
    owners = {name: run("dpkg", "--search", f"*/{name}").stdout.splitlines() for name in needed}
    return [name for name in needed if not any(line.split(":")[0] in asked for line in owners[name])]


def test_it_asks_for_each_library(tree):
    program, control = tree / "usr" / "bin" / "nabd", (tree / "DEBIAN" / "control").read_text()
    assert missing_libraries(program, control) == []
    assert missing_libraries(program, control.replace("libmodbus5 ", "libmodbus6 ")) == ["libmodbus.so.5"]
    assert "/opt/swift" not in run("readelf", "--dynamic", program).stdout
    assert not re.search(r"R(UN)?PATH", run("readelf", "--dynamic", program).stdout)


def faults_of_script(script: Path) -> str:
    words = run("bash", "-n", script, check=False).stderr
    if shutil.which("shellcheck"):
        words += run("shellcheck", script, check=False).stdout
    return words


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm"])
def test_scripts_of_the_package(tree, tmp_path, name):
    script = tree / "DEBIAN" / name
    assert faults_of_script(script) == ""
    assert "set -euo pipefail" in script.read_text()
    unknown = run(script, "no-such-step", check=False)
    assert unknown.returncode == 1 and "does not know" in unknown.stderr
    broken = tmp_path / name
    broken.write_text(script.read_text().replace("esac", "", 1))
    assert faults_of_script(broken) != ""


def commands(command: dict, before: str = "") -> list[str]:
    """Each command that does something, by all its words."""
    name = f"{before} {command['commandName']}".strip()
    below = [one for one in command.get("subcommands", []) if one["commandName"] != "help"]
    return [word for one in below for word in commands(one, name)] if below else [name]


def test_manual_pages_and_completions_are_of_this_program(tree, tmp_path):
    help_of = json.loads(run(tree / "usr" / "bin" / "nabd", "--experimental-dump-help").stdout)["command"]
    names = commands(help_of)
    assert len(names) > 15
    share = tree / "usr" / "share"
    for page in (share / "man").rglob("*.gz"):
        plain = tmp_path / page.stem
        plain.write_bytes(gzip.decompress(page.read_bytes()))
        if shutil.which("mandoc"):
            assert run("mandoc", "-T", "lint", "-W", "warning", plain, check=False).stdout == ""
    text = (tmp_path / "nabd.1").read_text()
    assert [name for name in names if f".SS {name}\n" not in text] == []
    places = [path.removeprefix("/usr/share/") for path in EXPECTED if "completions" in path]
    assert len(places) == 3
    for place in places:
        completions = (share / place).read_text()
        assert [name for name in names if name.split()[-1] not in completions] == []
    # bash takes it, and offers what begins so.
    words = ('source "$1"; COMP_WORDS=(nabd jour); COMP_CWORD=1; COMP_LINE="nabd jour"; COMP_POINT=9; '
             '_nabd nabd jour nabd; echo "${COMPREPLY[@]}"')
    assert run("bash", "-c", words, "bash", share / "bash-completion/completions/nabd").stdout.strip() == "journal"


def test_the_sample_is_right_but_for_what_a_unit_brings(tree, tmp_path):
    """Nothing is wrong with it but that its keys and its ports are not there yet."""
    sample = (tree / "usr" / "share" / "doc" / "nabd" / "examples" / "unit.yaml").read_text()
    assert re.findall(r"profile: ([\w/-]+)", sample) == [
        "nonin/oem-iii-df2", "alaris/asena-gh", "xy/md02", "victron/gx", "nmea/0183"]
    place = tmp_path / "unit.yaml"
    profiles = tree / "usr" / "share" / "nabd" / "device-profiles"

    def faults(text: str) -> list[str]:
        place.write_text(text.replace("/usr/share/nabd/device-profiles", str(profiles)))
        words = run(tree / "usr" / "bin" / "nabd", "check", "--config", place, check=False)
        assert words.returncode != 0
        errors = [line for line in words.stderr.splitlines() if ": error:" in line]
        brought = ("there is no readable file /etc/nabd/keys/", "/dev/nabd/")
        return [line for line in errors if not any(one in line for one in brought)]

    assert faults(sample) == []
    assert len(faults(sample.replace("xy/md02", "xy/md03"))) == 1
    # What is left out of it is right too.
    assert faults(sample.replace("#: ", "")) == []
