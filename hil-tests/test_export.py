"""A patient's time at a bed leaves the unit as a valid FHIR document and as tables, without identity as nobody's."""

from __future__ import annotations

import csv
import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from peers import fhir_checks
from peers.host import nabd

pytestmark = [pytest.mark.host, pytest.mark.timeout(120), pytest.mark.xdist_group("export")]

BEDS = Path(__file__).parents[1] / "Tests" / "journals" / "beds-1"
# All by which somebody in that journal could be known.
IDENTITIES = [
    "a1" * 32, "nurse-selma", "SN-9981", "UDI-55", "Nordwagen", "chair-north", "North Chair", "كرسي الشمال",
    "oximeter-77", "pump-77", "hospital-nord", "ALICE X", "48.1234", "2026-11-01",
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """A copy: readers leave files beside a journal."""
    directory = tmp_path_factory.mktemp("beds") / "journal"
    directory.mkdir()
    for file in BEDS.glob("*.sqlite"):
        shutil.copy(file, directory / file.name)
    return directory


def run(journal: Path, *arguments: str | Path):
    return nabd("export", "--journal", journal, "--bed", "chair-north", *arguments)


def bindings(journal: Path) -> list[str]:
    """The numbers that the list of a bed's patients begins its lines with."""
    result = run(journal)
    assert result.returncode == 0, result.stderr
    return [line.split()[0] for line in result.stdout.decode().splitlines()]


@pytest.fixture(scope="module")
def exports(journal, tmp_path_factory) -> dict[str, Path]:
    """The first patient's record, as it is and without identity: `document.json` and `tables` in a folder for each."""
    made = {}
    for name, more in [("whole", []), ("nobody", ["--deidentified"])]:
        made[name] = tmp_path_factory.mktemp(name)
        result = run(
            journal, "--binding", bindings(journal)[0], "--to", made[name] / "document.json",
            "--csv", made[name] / "tables", "--test-data", *more,
        )
        assert result.returncode == 0, result.stderr
    return made


def resources(folder: Path) -> list[dict]:
    bundle = json.loads((folder / "document.json").read_text())
    assert bundle["type"] == "document" and bundle["identifier"]["value"] and bundle["timestamp"]
    assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"
    return [entry["resource"] for entry in bundle["entry"]]


def rows(folder: Path, table: str) -> list[dict]:
    with (folder / "tables" / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def everything(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(folder.rglob("*")) if file.is_file())


@pytest.mark.parametrize("which", ["whole", "nobody"])
def test_the_document_is_valid_fhir(exports, validated, which):
    folder = exports[which]
    all_of_it = resources(folder)
    assert validated([json.loads((folder / "document.json").read_text()), *all_of_it]) == []
    known = {f"{r['resourceType']}/{r['id']}" for r in all_of_it}
    assert len(known) == len(all_of_it)
    references = re.findall(r'"reference":"([^"]+)"', (folder / "document.json").read_text())
    assert references and set(references) <= known
    fhir_checks.check_identifiers(all_of_it)
    observations = [r for r in all_of_it if "valueSampledData" in r]
    assert len(observations) >= 4
    for observation in observations:
        fhir_checks.check_sampled_data(observation)


def test_a_faulty_document_is_found(exports, validated):
    bundle = json.loads((exports["whole"] / "document.json").read_text())
    del bundle["entry"][0]["resource"]["status"]
    assert validated([bundle]) != []


def test_tables_show_gaps_as_gaps(exports):
    gaps = [g for g in rows(exports["whole"], "gaps") if g["metric"] == "MDC_PULS_OXIM_SAT_O2"]
    assert [(g["why"], g["samples"]) for g in gaps] == [
        ("no-value", "3"), ("no-samples", ""), ("host-not-running", "")]
    trends = rows(exports["whole"], "trends")
    assert all(bool(t["value"]) == (t["validity"] in ("valid", "validated", "questionable")) for t in trends)
    assert {t["device"] for t in trends} == {"oximeter-77", "pump-77"}


def test_without_identity_nobody_is_known(exports):
    whole, nobody = everything(exports["whole"]), everything(exports["nobody"])
    for text in IDENTITIES:
        assert text in whole, f"{text} is not even in the record with identity"
        assert text not in nobody


def test_dates_are_shifted_by_whole_days_and_intervals_stay(exports):
    def times(name: str) -> list[datetime]:
        kept = [r for r in rows(exports[name], "trends") if r["metric"] == "MDC_PULS_OXIM_SAT_O2"]
        return [datetime.fromisoformat(r["time"]) for r in kept]

    shifts = {after - before for before, after in zip(times("whole"), times("nobody"), strict=True)}
    assert len(shifts) == 1
    (shift,) = shifts
    assert shift % timedelta(days=1) == timedelta(0)
    assert timedelta(days=-3650) <= shift <= timedelta(days=-366)
    # The day of making would say by how much.
    made = json.loads((exports["nobody"] / "document.json").read_text())["timestamp"]
    assert datetime.fromisoformat(made) - times("nobody")[-1] < timedelta(hours=1)


def test_each_export_has_a_shift_of_its_own(journal, tmp_path):
    firsts = set()
    for number in range(4):
        folder = tmp_path / str(number)
        run(journal, "--binding", bindings(journal)[0], "--csv", folder / "tables", "--deidentified")
        firsts.add(rows(folder, "trends")[0]["time"])
    assert len(firsts) > 1


def test_what_cannot_be_exported_is_refused_in_words(journal, tmp_path):
    file = tmp_path / "there.json"
    file.write_text("old")
    first, second = bindings(journal)
    for arguments, code, words in [
        (["--to", file], 2, "2 patients were bound"),
        (["--binding", "9999", "--to", tmp_path / "x"], 1, "no binding 9999"),
        (["--binding", first, "--to", file], 74, "is not written over"),
        (["--binding", first], 2, "say where to"),
    ]:
        result = run(journal, *arguments)
        assert (result.returncode, words in result.stderr.decode()) == (code, True), result.stderr
    assert file.read_text() == "old"
    result = nabd("export", "--journal", journal, "--bed", "chair-nort", "--to", tmp_path / "y")
    assert result.returncode == 1 and "chair-north" in result.stderr.decode()
    withdrawn = nabd("export", "--journal", journal, "--bed", "chair-south").stdout.decode().splitlines()[0]
    assert withdrawn.endswith("withdrawn")
    result = nabd("export", "--journal", journal, "--bed", "chair-south", "--binding", withdrawn.split()[0],
                  "--to", tmp_path / "z")
    assert result.returncode == 1 and "wrong patient" in result.stderr.decode()
    # The one who is still there has a record that goes on.
    result = run(journal, "--binding", second, "--to", tmp_path / "open.json")
    assert result.returncode == 0 and "goes on" in result.stderr.decode()


def test_files_are_for_owner_and_group_only(exports):
    for file in exports["whole"].rglob("*"):
        if file.is_file():
            assert file.stat().st_mode & 0o777 == 0o640, file
