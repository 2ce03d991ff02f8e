"""Bad input: every mistake is found in one go, each with its place, what was found and what is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput, Problem
from cordgraft.scenario.load import load

GOOD = """\
kind: scenario
schema_version: 1
title: a test
duration: 50 d
subject: {species: mouse}
geometry:
  level: T9
  length: 5 mm
injury:
  type: contusion
  primary_length: 1 mm
treatments:
  graft:
    type: cell_graft
    at: 9 d
    dose: 1e5 cells
record:
  maps: [3 d, 14 d]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(text: str, *sets: str) -> list[Problem]:
    path = Path("a.yaml")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(path, sets)
    return list(caught.value.problems)


def only(text: str, *sets: str) -> Problem:
    found = problems(text, *sets)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def where(text: str, position: int) -> tuple[int, int]:
    """Return line and column of a character."""
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")


def test_the_text_is_good(folder: Path) -> None:
    Path("a.yaml").write_text(GOOD, encoding="utf-8")
    config = load("a.yaml")
    assert config.name == "a" and config.duration_h == 1200.0 and config.cautions == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "says", "value", "allowed"),
    [
        ("dose: 1e5 cells", "dose: -1e5 cells", "treatments.graft.dose", "negative", "-1e5 cells", "0 cells"),
        ("dose: 1e5 cells", "dose: 1e5", "treatments.graft.dose", "unit is missing", "1e5", "5e5 cells"),
        ("dose: 1e5 cells", "dose: 1e5 um", "treatments.graft.dose", "is a length", "1e5 um", "5e5 cells"),
        ("at: 9 d", "at: -2 d", "treatments.graft.at", "before the injury", "-2 d", "0 h"),
        ("at: 9 d", "at: 50 d", "treatments.graft.at", "after the end of the run", "50 d", "before 50 d"),
        ("at: 9 d", "at: 90 d", "treatments.graft.at", "after the end of the run", "90 d", "before 50 d"),
        ("type: cell_graft", "type: cell_grafts", "treatments.graft.type", "no such treatment",
         "cell_grafts", "cell_graft"),
        ("at: 9 d", "at: 9 d\n    position: 4 mm", "treatments.graft.position", "beyond the cord", "4 mm", "-2.5 mm"),
        ("at: 9 d", "at: 9 d\n    depth: 2 mm", "treatments.graft.depth", "outside the cord", "2 mm", "1.4 mm"),
        ("primary_length: 1 mm", "primary_length: 8 mm", "injury.primary_length", "longer than the cord",
         "8 mm", "5 mm"),
        ("primary_length: 1 mm", "position: 2.2 mm", "injury.position", "reaches beyond", "2.2 mm", "2 mm"),
        ("type: contusion", "type: contusoin", "injury.type", "none of the options", "contusoin", "contusion"),
        ("type: contusion", "type: lateral_hemisection", "injury.type", "no mid-sagittal section",
         "lateral_hemisection", "volume"),
        ("type: contusion", "type: transection\n  primary_spared_white_matter: 20 %",
         "injury.primary_spared_white_matter", "spares no white matter", "20 %", "0, or another type"),
        ("level: T9", "level: C5", "geometry.level", "no cord size is cited", "C5", "T9, T10"),
        ("level: T9", "level: C4", "geometry.level", "none of the options", "C4", "C5"),
        ("length: 5 mm", "voxel: 400 um", "geometry.voxel", "fewer than 8 voxels", "400 um", "175 um"),
        ("length: 5 mm", "voxel: [25 um, 25 um]", "geometry.voxel", "one edge or three", "a list", "25 um"),
        ("length: 5 mm", "slab: 3 mm", "geometry.slab", "thicker than the cord", "3 mm", "2 mm"),
        ("[3 d, 14 d]", "[3 d, 60 d]", "record.maps[1]", "after the end", "60 d", "0 d to 50 d"),
        ("[3 d, 14 d]", "[3 d, 90 min]", "record.maps[1]", "whole number of ticks", "90 min", "1 h or 2 h"),
        ("at: 9 d", "at: 9.03 d", "treatments.graft.at", "whole number of ticks", "9.03 d", "9 d or 217 h"),
        ("at: 9 d", "at: 9 d\n    sites: 9", "treatments.graft.sites", "row of 9 sites", "9", "-2.5 mm and 2.5 mm"),
        ("length: 5 mm", "length: 5 mm\n  cord_depth: 600 um", "treatments.graft.depth", "outside the cord",
         "700 um", "600 um"),
        ("primary_length: 1 mm", "primary_length: 20 um", "injury.primary_length", "shorter than a voxel",
         "20 um", "25 um"),
        ("duration: 50 d", "duration: -50 d", "duration", "a negative value", "-50 d", "1 h"),
        ("title: a test", "title: a test\nseed: 9223372036854775808", "seed", "outside its bounds",
         "9223372036854775808", "9223372036854775807"),
        ("dose: 1e5 cells", "dose: 1,5e5 cells", "treatments.graft.dose", "decimal point", "1,5e5 cells", "5e5 cells"),
        ("dose: 1e5 cells", "dose: " + "9" * 500 + " cells", "treatments.graft.dose", "not finite",
         "9" * 60 + "...", "5e5 cells"),
        ("  graft:", "  a/b:", "treatments.a/b", "cannot be called so", "a/b", "letters"),
        ("[3 d, 14 d]", "14 d", "record.maps", "a list is needed", "14 d", "[14 d]"),
        ("[3 d, 14 d]", "[3 d, 14]", "record.maps[1]", "unit is missing", "14", "d"),
        ("kind: scenario", "kind: sweep", "kind", "cannot be run by this version", "sweep", "scenario"),
        ("schema_version: 1", "schema_version: 2", "schema_version", "another version", "2", "1"),
        ("title: a test", "title: 2024", "title", "put it in quotes", "2024", "text"),
        ("duration: 50 d", "duration: 50 d\ntick: 7 h", "duration", "whole number of ticks of 7 h", "50 d", ""),
        ("title: a test", "title: a test\nseed: -1", "seed", "negative", "-1", "0"),
        ("title: a test", "title: a test\nseed: 1.5", "seed", "whole number", "1.5", "1"),
    ],
)  # fmt: skip
def test_one_wrong_value(
    folder: Path, old: str, new: str, key: str, says: str, value: str, allowed: str
) -> None:
    text = GOOD.replace(old, new)
    # A tick of 7 h fits neither the duration nor the maps; all other cases are one mistake each.
    found = [problem for problem in problems(text) if problem.key == key]
    assert len(found) == 1 and ("tick" in new or len(problems(text)) == 1), "\n".join(
        map(str, problems(text))
    )
    problem = found[0]
    assert says in problem.message and problem.value == value and allowed in problem.allowed
    assert problem.file == "a.yaml"
    stated = new.rfind(value) if "tick" not in new else new.index(value)
    if stated >= 0:
        assert (problem.line, problem.column) == where(text, text.index(new) + stated)


@pytest.mark.parametrize(
    ("old", "new", "key", "near", "line"),
    [
        ("title:", "titel:", "titel", "title", 3),
        ("  length:", "  lenght:", "geometry.lenght", "length", 8),
        ("    dose:", "    doze:", "treatments.graft.doze", "dose", 16),
        ("    dose: 1e5 cells", "    positon: 0 mm", "treatments.graft.positon", "position", 16),
        ("  maps:", "  map:", "record.map", "maps", 18),
        ("record:", "parameters:\n  migraton: {}\nrecord:", "parameters.migraton", "migration", 18),
        ("record:", "parameters:\n  scar: {perod: 1 h}\nrecord:", "parameters.scar.perod", "period", 18),
        ("record:", "parameters:\n  scar: {dose: 1}\nrecord:", "parameters.scar.dose",
         "treatments.graft.dose", 18),
        ("record:", "safety:\n  dividing_fractoin: {at_most: 5 %}\nrecord:", "safety.dividing_fractoin",
         "dividing_fraction", 18),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest_right_one(
    folder: Path, old: str, new: str, key: str, near: str, line: int
) -> None:
    found = [problem for problem in problems(GOOD.replace(old, new)) if problem.key == key]
    assert len(found) == 1
    assert found[0].message.startswith("there is no such key") and found[0].near[0] == near
    assert found[0].line == line and found[0].column > 0


def test_the_parameter_of_another_mechanism_is_found(folder: Path) -> None:
    text = GOOD.replace("record:", "parameters:\n  scar: {cspg_half_inhibition: 5 ug/mL}\nrecord:")
    assert only(text).near[0] == "parameters.axon_growth.cspg_half_inhibition"


def test_a_diffusivity_in_mm_per_h_is_refused(folder: Path) -> None:
    text = GOOD.replace("record:", "parameters:\n  inflammation: {tnf_diffusivity: 5 mm/h}\nrecord:")
    problem = only(text)
    assert "is a length/time, but a length^2/time is needed" in problem.message
    assert (problem.line, problem.column, problem.value) == (18, 35, "5 mm/h")


def test_what_cannot_be_switched_off_says_so(folder: Path) -> None:
    problem = only(GOOD, "parameters.subject.enabled=false")
    assert "the state has no meaning without it" in problem.message
    problem = only(GOOD, "parameters.subject.period=6 h")
    assert "looks at the clock in every tick" in problem.message


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(folder: Path) -> None:
    text = (
        GOOD.replace("title:", "titel:")
        .replace("length: 5 mm", "length: 5 mm/h")
        .replace("dose: 1e5 cells", "dose: -5 cells\n    dose: 3 cells")
        .replace("at: 9 d", "at: 70 d")
        .replace("[3 d, 14 d]", "[3 d, 60 d]")
    )
    found = problems(text, "seed=x", "nonsense")
    keys = [problem.key for problem in found]
    assert keys == [
        "title", "titel", "geometry.length", "treatments.graft.at", "treatments.graft.dose",
        "treatments.graft.dose", "record.maps[1]", "", "seed",
    ]  # fmt: skip
    lines = [problem.line for problem in found if problem.file == "a.yaml"]
    assert lines == sorted(lines)


def test_a_rule_that_rests_on_a_wrong_key_keeps_quiet(folder: Path) -> None:
    text = GOOD.replace("duration: 50 d", "duration: 50").replace("at: 9 d", "at: 70 d")
    assert [problem.key for problem in problems(text)] == ["duration"]
    text = GOOD.replace("species: mouse", "species: mose").replace("level: T9", "level: C5")
    assert [problem.key for problem in problems(text)] == ["subject.species"]


def test_missing_keys_are_named(folder: Path) -> None:
    found = {problem.key: problem for problem in problems("seed: 1\n")}
    assert set(found) == {"kind", "schema_version", "title", "duration", "subject"}
    assert all(problem.message == "the key is missing" and problem.allowed for problem in found.values())
    assert [p.key for p in problems(GOOD.replace("{species: mouse}", "{immune_system: deficient}"))] == [
        "subject.species"
    ]


def test_a_safety_bound_needs_all_its_keys(folder: Path) -> None:
    text = GOOD + "safety:\n  graft_volume_ratio: {from: 4 d, at_most: 1.5}\n"
    problem = only(text)
    assert (problem.key, problem.line, problem.column) == ("safety.graft_volume_ratio.to", 20, 3)
    text = GOOD + "safety:\n  graft_volume_ratio: {from: 14 d, to: 4 d, at_most: 1.5}\n"
    assert "ends before it begins" in only(text).message


def test_treatments_without_names_are_explained(folder: Path) -> None:
    text = GOOD.replace(
        "  graft:\n    type: cell_graft\n    at: 9 d\n    dose: 1e5 cells", "  type: cell_graft\n  at: 9 d"
    )
    problem = only(text)
    assert problem.key == "treatments" and "a name of its own" in problem.message
    assert "graft: {type: cell_graft" in problem.allowed


def test_a_treatment_may_not_take_the_name_of_a_mechanism(folder: Path) -> None:
    assert "has this name already" in only(GOOD.replace("  graft:", "  scar:")).message


def test_settings_are_named_in_place_of_the_file(folder: Path) -> None:
    problem = only(GOOD, "treatments.graft.dose=7")
    assert (problem.file, problem.line, problem.value) == ("--set", 0, "7")
    assert str(problem).startswith("--set: treatments.graft.dose: the unit is missing")
    assert only(GOOD, "geometry.levle=T9").near == ("level",)


def test_settings_and_seed_replace_what_the_file_says(folder: Path) -> None:
    Path("a.yaml").write_text(GOOD, encoding="utf-8")
    config = load("a.yaml", ["treatments.graft.dose=2e5cells", "parameters.scar.enabled=false"], seed=7)
    assert config.seed == 7 and config.treatments["graft"][1].dose == 2e5 and not config.enabled["scar"]
    assert load("a.yaml", ["treatments=none"]).treatments == {}
    assert load("a.yaml", ["safety=none"]).safety == load("a.yaml", ["safety={}"]).safety == {}
    with pytest.raises(BadInput, match="allowed: none, or bounds of graft_volume_ratio"):
        load("a.yaml", ["safety=nothing"])
    assert load("a.yaml", ["treatments.graft=none"]).treatments == {}


@pytest.mark.parametrize("empty", ["treatments:\n", "treatments: none\n", "treatments: {}\n", ""])
def test_ways_to_write_no_treatment(folder: Path, empty: str) -> None:
    start, end = GOOD.index("treatments:"), GOOD.index("record:")
    Path("a.yaml").write_text(GOOD[:start] + empty + GOOD[end:], encoding="utf-8")
    config = load("a.yaml")
    assert config.treatments == {} and config.resolved["treatments"] == "none"


def test_a_section_whose_lines_are_commented_out_is_empty(folder: Path) -> None:
    text = GOOD + "parameters:\n  # scar: {}\nsafety:\nnumerics:\n"
    Path("a.yaml").write_text(text, encoding="utf-8")
    assert (
        load("a.yaml").digest == load("mouse_subacute_graft", ["title=x"]).digest
        or load("a.yaml").safety == {}
    )


MASKS = "geometry:\n  level: C5\n  length: 60 mm\n"


def with_masks(**keys: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in keys.items())
    text = GOOD.replace("species: mouse", "species: human").replace(
        "geometry:\n  level: T9\n  length: 5 mm\n", MASKS + lines
    )
    return text.replace("    dose: 1e5 cells\n", "    dose: 2e6 cells\n").replace("at: 9 d", "at: 21 d")


def test_masks_must_be_given_whole(folder: Path) -> None:
    for name in ("cord.nii", "lesion.nii"):
        Path(name).write_bytes(b"not looked into here")
    assert [p.key for p in problems(with_masks(lesion_mask="lesion.nii"))] == [
        "geometry.cord_mask",
        "geometry.scan_at",
    ]
    found = problems(with_masks(cord_mask="cord.nii", lesion_mask="lesion.nii"))
    assert [p.key for p in found] == ["geometry.scan_at"] and "geometry.lesion_mask needs it" in found[
        0
    ].message
    assert [p.key for p in problems(with_masks(scan_at="3 d"))] == ["geometry.lesion_mask"]
    late = with_masks(cord_mask="cord.nii", lesion_mask="lesion.nii", scan_at="60 d")
    assert "after the end of the run" in only(late).message


def test_a_mask_that_is_not_there_names_its_neighbours(folder: Path) -> None:
    Path("cord.nii.gz").write_bytes(b"")
    problem = only(with_masks(cord_mask="chord.nii.gz"))
    assert problem.message == "there is no such file" and problem.near == ("cord.nii.gz",)


def test_masks_count_from_the_file_and_after_set_from_the_working_folder(folder: Path) -> None:
    deep = folder / "study"
    deep.mkdir()
    (deep / "cord.nii").write_bytes(b"in the study")
    (folder / "cord.nii").write_bytes(b"in the working folder")
    (deep / "a.yaml").write_text(with_masks(cord_mask="cord.nii"), encoding="utf-8")
    assert Path(load(deep / "a.yaml").geometry.cord_mask).read_bytes() == b"in the study"
    outside = load(deep / "a.yaml", ["geometry.cord_mask=cord.nii"])
    assert Path(outside.geometry.cord_mask).read_bytes() == b"in the working folder"


def test_a_scenario_with_open_keys_asks_for_them(folder: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load("human_from_masks")
    assert [p.key for p in caught.value.problems] == [
        "geometry.cord_mask", "geometry.lesion_mask", "geometry.scan_at"
    ]  # fmt: skip
    assert "--set geometry.cord_mask=FILE" in caught.value.problems[0].message
    assert all(p.line > 0 for p in caught.value.problems)
    shown = load("human_from_masks", allow_open=True)
    assert shown.requires == ("geometry.cord_mask", "geometry.lesion_mask", "geometry.scan_at")
    assert sum("still open" in caution.message for caution in shown.cautions) == 3
    for name in ("cord.nii", "lesion.nii"):
        Path(name).write_bytes(b"not looked into here")
    sets = ["geometry.cord_mask=cord.nii", "geometry.lesion_mask=lesion.nii", "geometry.scan_at=14d"]
    closed = load("human_from_masks", sets)
    assert closed.requires == () and "requires" not in closed.resolved and closed.geometry.scan_at_h == 336.0


def test_loading_needs_no_heavy_library() -> None:
    heavy = ("numba", "scipy", "mesa", "xarray", "matplotlib", "zarr", "pandas", "nibabel")
    code = (
        "import sys\nfrom cordgraft.scenario.load import load\nload('mouse_subacute_graft')\n"
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_open_address_that_does_not_exist_is_refused_even_when_shown(folder: Path) -> None:
    Path("a.yaml").write_text(
        GOOD + "requires: [geometry.cord_maks, treatments.graft.depth]\n", encoding="utf-8"
    )
    with pytest.raises(BadInput) as caught:
        load("a.yaml", allow_open=True)
    (problem,) = caught.value.problems
    assert problem.message == "there is no such address" and "geometry.cord_mask" in problem.near
    assert (problem.key, problem.line) == ("geometry.cord_maks", 19)


def test_the_same_number_is_never_two_seeds(folder: Path) -> None:
    Path("a.yaml").write_text(GOOD, encoding="utf-8")
    assert load("a.yaml", seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(BadInput, match="outside its bounds"):
        load("a.yaml", seed=2**63)


def test_a_list_of_treatments_is_answered_with_an_example(folder: Path) -> None:
    text = GOOD.replace("  graft:\n    type", "  - type")
    assert "graft: {type: cell_graft" in only(text).allowed


def test_what_is_found_when_building_has_a_place_too(folder: Path) -> None:
    Path("a.yaml").write_text(GOOD, encoding="utf-8")
    config = load("a.yaml", ["record.series=1 d"])
    with pytest.raises(BadInput) as caught, config.locating():
        raise BadInput([Problem("too long", key="geometry.length"), Problem("wrong", key="record.series")])
    first, second = caught.value.problems
    assert (first.file, first.line, first.column) == ("a.yaml", 8, 11)
    assert (second.file, second.line) == ("--set", 0)
    with pytest.raises(BadInput, match="does not fit into the memory"), config.locating():
        raise MemoryError
