"""Installing, replacing, going back, removing and purging the package, on a copy of this machine that is thrown away.

What is there when a version is refused must be what was there before: the program, the configuration, the record. The
other version is the same package with one thing changed in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers.links import PtyLink
from peers.packages import ROOT, Machine, built, change_check, finds_a_fault, program, stand_in, variant

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("packages"),
              pytest.mark.skipif(shutil.which("dpkg") is None, reason="this is not Debian")]

CONFIGURATION = """nabd: unit/1
unit: mobile-7
profiles: /usr/share/nabd/device-profiles
journal: {{directory: /var/lib/nabd/journal}}
devices:
  oximeter: {{profile: nonin/oem-iii-df2, line: {line}}}
  fridge: {{profile: xy/md02, line: /dev/nabd/rs485}}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The package, uncompressed: it is installed several times."""
    return variant(built(), tmp_path_factory.mktemp("deb") / "nabd.deb", lambda tree: None, version="1.0")


@pytest.fixture(scope="module")
def light(tmp_path_factory) -> Path:
    """One that is quickly changed: it brings no program of its own."""
    def change(tree: Path) -> None:
        change_check(tree, stand_in)
        program(tree).write_text("#!/bin/sh\necho light\n")
    return variant(built(), tmp_path_factory.mktemp("light") / "nabd.deb", change)


@pytest.fixture
def other(light, tmp_path):
    """Another version, whose check is changed."""
    def make(version: str, change=lambda tree: None) -> Path:
        return variant(light, tmp_path / f"nabd_{version}.deb", lambda tree: change_check(tree, change), version)
    return make


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "machine")
    yield machine
    machine.end()


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> str:
    """A port that is there."""
    link = PtyLink(tmp_path_factory.mktemp("port") / "oximeter")
    yield link.path
    link.close()


@pytest.fixture(scope="module")
def installed(tmp_path_factory, package, port) -> Iterator[Machine]:
    """A machine with the package, a technician's configuration, and a journal that an earlier version wrote."""
    machine = Machine(tmp_path_factory.mktemp("installed"))
    machine.install(package)
    machine.path("/etc/nabd/unit.yaml").write_text(CONFIGURATION.format(line=port))
    journal = machine.path("/var/lib/nabd/journal")
    journal.mkdir()
    for file in (ROOT / "Tests" / "journals" / "version-5").glob("*-000001.sqlite"):
        shutil.copy(file, journal)
    machine.do("chown", "-R", "nabd:nabd", "/var/lib/nabd/journal")
    assert "MDC_PULS_OXIM" in machine.do("nabd", "journal", "tail", "--config", "/etc/nabd/unit.yaml").stdout
    yield machine
    machine.end()


@pytest.fixture
def unit(tmp_path, installed) -> Iterator[Machine]:
    """The same, to be changed."""
    machine = Machine(tmp_path / "unit", below=installed)
    yield machine
    machine.end()


def stands_as_before(machine: Machine) -> None:
    assert machine.state() == "ii 1.0"
    assert machine.strays() == []
    assert machine.do("nabd", "--version").stdout.strip() not in ("", "light")


def test_a_first_installation_starts_nothing_and_says_what_to_do(machine, package):
    words = machine.install(package).stderr
    assert "sample configuration" in words and "nabd check --config /etc/nabd/unit.yaml" in words
    assert machine.state() == "ii 1.0"
    for path, rights, owner, group in (
        ("/etc/nabd", 0o750, "root", "nabd"), ("/etc/nabd/keys", 0o2750, "root", "nabd-keys"),
        ("/etc/nabd/unit.yaml", 0o640, "root", "nabd"), ("/var/lib/nabd", 0o750, "nabd", "nabd"),
        ("/var/lib/nabd/journal.delivery", 0o750, "nabd-uplink", "nabd"),
        ("/var/lib/nabd/identity", 0o2750, "nabd-uplink", "nabd-keys"),
        ("/var/lib/nabd/journal.patients", 0o2750, "nabd", "nabd-patients"),
    ):
        seen = machine.do("stat", "-c", "%a %U %G", path).stdout.split()
        assert seen == [f"{rights:o}", owner, group], path
    wanted = machine.path("/etc/systemd/system/multi-user.target.wants")
    assert sorted(link.name for link in wanted.glob("nabd*")) == [
        "nabd-acquire.service", "nabd-clock.service", "nabd-console.service", "nabd-uplink.service"]
    for user in ("nabd", "nabd-uplink", "nabd-console", "nabd-clock"):
        assert machine.do("getent", "passwd", user).stdout.endswith("/usr/sbin/nologin\n")
    # Whoever is in no group of ours reads nothing of it.
    assert machine.do("setpriv", "--reuid=nobody", "--clear-groups", "ls", "/var/lib/nabd", check=False).returncode != 0
    assert "nabd" not in machine.do("id", "-nG", "nabd-clock").stdout.replace("nabd-clock", "")
    # Who the patients are is not for the screens: a signed-in person asks the host.
    assert set(machine.do("id", "-nG", "nabd-console").stdout.split()) == {"nabd-console", "nabd"}
    # Nor is the unit's key.
    assert {user for user in ("nabd", "nabd-uplink", "nabd-console", "nabd-clock")
            if "nabd-keys" in machine.do("id", "-nG", user).stdout.split()} == {"nabd", "nabd-uplink"}


def test_a_technicians_file_is_never_overwritten(machine, package, other):
    config = machine.path("/etc/nabd/unit.yaml")
    config.parent.mkdir()
    config.write_text("# mine\n")
    config.chmod(0o600)
    assert "sample" not in machine.install(package).stderr
    machine.install(other("1.1"))
    assert config.read_text() == "# mine\n"
    assert machine.do("stat", "-c", "%a %U %G", "/etc/nabd/unit.yaml").stdout.split() == ["640", "root", "nabd"]


@pytest.mark.parametrize("version", ["1.1", "0.9"])
def test_a_version_that_reads_everything_is_taken_and_so_is_the_way_back(unit, package, tmp_path, version):
    """The real program in each, which finds but what the installed one finds: the fridge's adapter is not there."""
    before = unit.path("/etc/nabd/unit.yaml").read_text()
    words = unit.install(variant(package, tmp_path / "other.deb", lambda tree: None, version)).stderr
    assert "checking the configuration and the journal" in words and unit.state() == f"ii {version}"
    # Installed is what the other version brings; it leaves nothing of its check.
    assert unit.strays() == [] and unit.path("/etc/nabd/unit.yaml").read_text() == before
    assert not list(unit.path("/var/lib/dpkg").glob("tmp.ci/check.*"))
    assert unit.install(package).returncode == 0 and unit.state() == "ii 1.0"


def test_a_version_without_a_devices_profile_is_refused(unit, other):
    """It is read with its own profiles, which stand where the installed ones do."""
    newer = other("1.1", lambda tree: shutil.rmtree(tree / "usr/share/nabd/device-profiles/xy"))
    answer = unit.install(newer, check=False)
    assert answer.returncode != 0
    assert "unit.yaml:7:" in answer.stderr and "nothing was changed" in answer.stderr
    stands_as_before(unit)


WITH_A_BED = """nabd: unit/1
unit: mobile-7
profiles: /usr/share/nabd/device-profiles
presets: /usr/share/nabd/presets
journal: {{directory: /var/lib/nabd/journal}}
devices:
  oximeter: {{profile: nonin/oem-iii-df2, line: {line}}}
beds:
  chair-1: {{name: Chair 1, name-arabic: كرسي 1, preset: oncology-chair, devices: [oximeter]}}
"""


@pytest.fixture
def unit_without_presets(unit, package, port, tmp_path) -> Machine:
    """The same under a version that brought no presets and looks for none, with a file that is ready for the next."""
    def older(tree: Path) -> None:
        shutil.rmtree(tree / "usr/share/nabd/presets")
        change_check(tree, stand_in)
        # As every version it finds no port in the copy of the machine and no book, and nothing else.
        program(tree).write_text('#!/bin/sh\n[ "$1" = journal ] && exit\n'
                                 'echo "/etc/nabd/unit.yaml:7:13: error: no port" >&2; exit 1\n')

    unit.install(variant(package, tmp_path / "nabd_0.5.deb", older, "0.5"))
    unit.path("/etc/nabd/unit.yaml").write_text(WITH_A_BED.format(line=port))
    assert unit.state() == "ii 0.5" and not unit.path("/usr/share/nabd/presets").exists()
    return unit


def test_presets_come_with_the_version_that_brings_them(unit_without_presets, package):
    """It is read with its own, though there is no folder yet where they are to stand."""
    assert "checking the configuration" in unit_without_presets.install(package).stderr
    assert unit_without_presets.state() == "ii 1.0"
    assert unit_without_presets.path("/usr/share/nabd/presets/oncology-chair.yaml").exists()


def test_a_version_without_a_beds_preset_is_refused(unit_without_presets, package, tmp_path):
    def poorer(tree: Path) -> None:
        change_check(tree, lambda inner: (inner / "usr/share/nabd/presets/oncology-chair.yaml").unlink())

    answer = unit_without_presets.install(variant(package, tmp_path / "poorer.deb", poorer), check=False)
    assert answer.returncode != 0 and "unit.yaml:9:" in answer.stderr, answer.stderr
    assert unit_without_presets.state() == "ii 0.5"


def test_faults_that_the_installed_version_has_too_refuse_nothing(unit, other):
    """Both find the fridge's adapter unplugged."""
    answer = unit.install(other("1.1"))
    assert "for the installed version as well" in answer.stderr and unit.state() == "ii 1.1"


def test_a_fault_beside_one_that_was_there_is_found(unit, other):
    says = "/etc/nabd/unit.yaml:4:1: error: this version has no such key"
    answer = unit.install(other("1.1", finds_a_fault("check", says, 1)), check=False)
    assert answer.returncode != 0 and says in answer.stderr
    stands_as_before(unit)


@pytest.mark.parametrize(("words", "what", "code"), [
    ("journal tail", "it does not read the journal", 69), ("check", "which the installed one takes", 132),
    ("--version", "does not run on this machine", 127)])
def test_a_version_that_cannot_read_the_journal_or_crashes_is_refused(unit, other, words, what, code):
    older = other("0.9", finds_a_fault(words, "the journal is of version 7", code))
    answer = unit.install(older, check=False)
    assert answer.returncode != 0 and what in answer.stderr
    stands_as_before(unit)


def test_the_check_reads_as_the_host_and_leaves_nothing_of_root(unit, other):
    unit.install(other("1.1"))
    assert record(unit)
    strangers = [path for path in unit.path("/var/lib/nabd/journal").iterdir() if path.stat().st_uid == 0]
    assert strangers == []


def test_what_is_refused_can_be_installed_all_the_same_once(unit, other):
    newer = other("1.1", finds_a_fault("journal tail", "no", 69))
    unit.path("/etc/nabd/upgrade-unchecked").touch()
    assert "neither the configuration nor the journal is checked" in unit.install(newer).stderr
    assert unit.state() == "ii 1.1" and not unit.path("/etc/nabd/upgrade-unchecked").exists()


def record(machine: Machine) -> list[str]:
    return sorted(os.listdir(machine.path("/var/lib/nabd/journal")))


def test_removal_keeps_all_that_is_the_units(unit):
    before = record(unit)
    unit.do("dpkg", "--remove", "nabd")
    assert record(unit) == before and before
    assert unit.path("/etc/nabd/unit.yaml").exists() and not unit.path("/usr/bin/nabd").exists()


def test_keys_of_before_are_read_by_the_roles_after_an_upgrade(unit, package):
    keys = unit.path("/etc/nabd/keys")
    rights = {"authority.pem": 0o644, "unit.pem": 0o600, "unit.key": 0o600, "smart.key": 0o600}
    for name, mode in rights.items():
        (keys / name).write_text(name)
        unit.do("chown", "root:root", f"/etc/nabd/keys/{name}")
        unit.do("chmod", f"{mode:o}", f"/etc/nabd/keys/{name}")
    unit.install(package)
    seen = {name: unit.do("stat", "-c", "%a %G", f"/etc/nabd/keys/{name}").stdout.strip() for name in rights}
    assert seen == {"authority.pem": "644 nabd-keys", "unit.pem": "640 nabd-keys", "unit.key": "640 nabd-keys",
                    "smart.key": "600 root"}
    # As a role does it, and as nobody else can.
    for user, reads in (("nabd", True), ("nabd-uplink", True), ("nabd-console", False), ("nobody", False)):
        told = unit.do("setpriv", f"--reuid={user}", "--init-groups", "cat", "/etc/nabd/keys/unit.key", check=False)
        assert (told.returncode == 0) == reads, f"{user}: {told.stderr}"
    # What is put there later is the group's by itself.
    unit.do("install", "-m", "0640", "/etc/hostname", "/etc/nabd/keys/later.pem")
    assert unit.do("stat", "-c", "%G", "/etc/nabd/keys/later.pem").stdout.strip() == "nabd-keys"


def test_a_purge_keeps_the_record_and_the_keys_and_says_so(unit):
    unit.path("/etc/nabd/keys/unit.key").write_text("key")
    words = unit.do("dpkg", "--purge", "nabd").stderr
    assert record(unit) and unit.path("/etc/nabd/keys/unit.key").exists()
    assert not unit.path("/etc/nabd/unit.yaml").exists()
    for line in (
            "deleting /etc/nabd/unit.yaml", "kept: /var/lib/nabd (", "kept: /etc/nabd/keys (", "rm -r /var/lib/nabd"):
        assert line in words
    assert not list(unit.path("/etc/systemd/system").rglob("nabd*"))


def test_a_purge_that_was_asked_for_deletes_everything_and_says_what(unit):
    unit.path("/etc/nabd/purge-the-record").touch()
    words = unit.do("dpkg", "--purge", "nabd").stderr
    assert "deleting /var/lib/nabd (" in words and "deleting /etc/nabd (" in words
    assert not unit.path("/var/lib/nabd").exists() and not unit.path("/etc/nabd").exists()


def test_installed_again_it_goes_on_with_what_was_kept(unit, package):
    before = record(unit)
    unit.do("dpkg", "--remove", "nabd")
    assert "sample" not in unit.install(package).stderr
    assert [name for name in before if name not in record(unit)] == []
    assert sorted(link.name for link in unit.path("/etc/systemd/system/multi-user.target.wants").glob("nabd*")) == [
        "nabd-acquire.service", "nabd-clock.service", "nabd-console.service", "nabd-uplink.service"]
