"""Who may sign in changes with operators.yaml while the host runs; a faulty file changes nothing and is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from peers.alaris_unit import alaris_unit, lets_in
from peers.clockwork import Clockwork
from peers.driving import PumpUnit
from peers.host import Host
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]


@pytest.fixture
def unit(clockwork: Clockwork, hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[PumpUnit]:
    """A running host whose operators are layla, omar and sami."""
    unit, pump = alaris_unit(clockwork, hosts(tmp_path / "unit"), tmp_path / "alaris")
    yield lets_in(unit)
    pump.stop()


def is_known(unit: PumpUnit, person: str) -> bool:
    """Whether somebody with the right secret is let in."""
    told = unit.ask("list", by=person)
    assert told.code == 0 or told.refusal == "signIn", told
    return told.code == 0


def changed(unit: PumpUnit, change: Callable[[dict], None]) -> str:
    """Edit the file; gives what it was."""
    before = unit.operators.read_text()
    file = yaml.safe_load(before)
    change(file["operators"])
    unit.operators.write_text(yaml.safe_dump(file))
    return before


def test_who_is_taken_out_of_the_file_is_let_in_no_more_and_who_is_put_in_is(unit: PumpUnit) -> None:
    assert is_known(unit, "layla") and is_known(unit, "omar")
    before = changed(unit, lambda people: people.pop("omar"))
    wait_until(lambda: not is_known(unit, "omar"), 30, "omar to be taken out", every=1)
    assert is_known(unit, "layla")
    unit.operators.write_text(before)
    wait_until(lambda: is_known(unit, "omar"), 30, "omar to be put in again", every=1)
    assert unit.host.log().count("the operators were read again") == 2


def test_a_faulty_file_changes_nothing_and_is_told_once(unit: PumpUnit) -> None:
    before = unit.operators.read_text()
    unit.operators.write_text(before.replace("roles:", "rules:", 1))
    said = "the operators cannot be read again: who may sign in stays as it is"
    wait_until(lambda: said in unit.host.log(), 30, "the fault to be told", every=1)
    assert f"{unit.operators.name}:" in unit.host.log() and "scrypt$" not in unit.host.log()
    assert is_known(unit, "layla") and is_known(unit, "omar") and is_known(unit, "sami")
    # Two looks more: it is told once, and nobody is put out.
    unit.operators.chmod(0o644)
    wait_until(lambda: "chmod 600" in unit.host.log(), 30, "the other fault to be told", every=1)
    assert unit.host.log().count(said) == 2 and is_known(unit, "omar")
    unit.operators.chmod(0o600)
    unit.operators.write_text(before)
    wait_until(lambda: "the operators were read again" in unit.host.log(), 30, "a file that can be read", every=1)
    assert is_known(unit, "omar")
