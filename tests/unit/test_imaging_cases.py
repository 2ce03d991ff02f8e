"""Every case of bad input, E01 to E23, through the verbs of `cordgraft imaging` that a person would call.

One row of `CASES` is one case with one file; it runs through each verb that reads such a file. An error ends with 2, in
words of its own, and writes nothing. A warning or a note ends with 0 and stands in the answer. That no case is missing
is compared with the table of docs/imaging.md, and that each option of the specification is named, with `OPTIONS`.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from cordgraft_analysis.imaging.findings import CODES
from tests.imaging_cases import (
    ALL,
    CASES,
    DAMAGES,
    SCAN_VERBS,
    Case,
    call,
    damaged,
    good_scan,
    in_pieces,
    partly_outside,
    volumes_of,
)
from tests.imaging_support import (
    affine_of,
    cord_data,
    files_below,
    imaging,
    lesion_data,
    preview_of_a_mouse,
    write,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri

#: Cases that are no matter of the files of one scan; each is a test below.
OTHERS = ("E18", "E20", "E21", "E22", "E23")
#: Options that the specification names in its table.
OPTIONS = ("--volume", "--threshold", "--label", "--assume-affine", "--orientation", "--dorsal-axis", "--transform",
           "--overwrite")  # fmt: skip


def refused(folder: Path, code: str, words: tuple[str, ...], *arguments: Any) -> None:
    """Check that a call ends with 2 and one line of a code with all words, and that it writes nothing."""
    before = files_below(folder)
    result = imaging(*arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if f"{code}: " in line]
    assert any(all(word in line for word in words) for line in lines), result.stderr
    assert files_below(folder) == before


@pytest.mark.parametrize(
    ("case", "verb"),
    [pytest.param(case, verb, id=f"{case.code} {case.name}, {verb}") for case in CASES for verb in case.verbs],
)  # fmt: skip
def test_a_case_through_a_verb(case: Case, verb: str, tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    case.spoil(tmp_path, files)
    arguments = call(verb, files, tmp_path / "out", case.options)
    if case.level == "error":
        refused(tmp_path, case.code, case.words, *arguments)
        return
    result = imaging(*arguments, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    found = [finding for finding in document["findings"] if finding["code"] == case.code]
    if case.level == "taken":
        assert {finding["level"] for finding in found} <= {"note"}, found
        return
    said = [
        f"{one['message']} (found {one['value']}). {one['remedy']}"
        for one in found
        if one["level"] == case.level
    ]
    assert any(all(word in sentence for word in case.words) for sentence in said), document["findings"]
    assert not any(finding["level"] == "error" for finding in document["findings"])
    if verb != "check":
        assert list((tmp_path / "out").iterdir()), "what is accepted is written"


def test_a_good_scan_is_taken_by_every_verb_without_a_word(tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    for verb in SCAN_VERBS:
        result = imaging(*call(verb, files, tmp_path / verb, ()), "--json")
        assert result.exit_code == 0 and json.loads(result.stdout)["findings"] == []


# ---------------------------------------------------------------------------------- what valid results hold
def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_e05_measures_of_a_volume_are_empty_with_the_reason(tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    volumes_of(*ALL, data=lambda one: one[7:8])(tmp_path, files)
    assert imaging(*call("lesion", files, tmp_path, ())).exit_code == 0
    row = rows_of(tmp_path / "a.csv")[-1]
    assert row["volume [mm3]"] == row["max_axial_damage_ratio []"] == "" and "extrusion" in row["absent"]
    assert float(row["length [mm]"]) == pytest.approx(6.0)


def test_e14_no_lesion_has_zeros_and_the_diameter_of_the_cord_as_bridge(tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    volumes_of("lesion", data=lambda one: 0 * one)(tmp_path, files)
    assert imaging(*call("lesion", files, tmp_path, ())).exit_code == 0
    (row,) = rows_of(tmp_path / "a.csv")
    assert row["lesion_present"] == "false" and float(row["volume [mm3]"]) == float(row["length [mm]"]) == 0.0
    assert float(row["interpolated_total_bridge_width [mm]"]) == pytest.approx(10.0)


def test_e15_without_a_cord_only_the_volume_is_measured(tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    del files["cord"]
    assert imaging(*call("lesion", files, tmp_path, ())).exit_code == 0
    row = rows_of(tmp_path / "a.csv")[-1]
    assert float(row["volume [mm3]"]) == 96.0 and not row.get("length [mm]")
    refused(tmp_path, "--cord", ("one mask is missing",), *call("report", files, tmp_path, ()))


def test_e15_what_lies_outside_the_cord_is_cut_off(tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    volumes_of("lesion", data=partly_outside)(tmp_path, files)
    assert imaging(*call("lesion", files, tmp_path, ())).exit_code == 0
    assert float(rows_of(tmp_path / "a.csv")[-1]["volume [mm3]"]) == 24.0


def test_e19_a_slice_in_pieces_has_no_shape(tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    volumes_of("cord", data=in_pieces)(tmp_path, files)
    assert imaging(*call("cord", files, tmp_path, ())).exit_code == 0
    areas = {row["Slice (I->S)"]: row["MEAN(area)"] for row in rows_of(tmp_path / "a.csv")}
    assert [areas[number] for number in ("3", "4", "5")] == ["", "", ""] and float(areas["6"]) > 70.0


# -------------------------------------------------------------------------------------- E07 of a transform
@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1\n", "E07", "flattens"),
        ("-1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "E07", "mirrors"),
        ("#Insight Transform File V1.0\n", "E03", "ITK or ANTs"),
        (None, "E01", "no such file"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "compare"])
def test_transforms(verb: str, text: str | None, code: str, words: str, tmp_path: Path) -> None:
    files = good_scan(tmp_path)
    place = tmp_path / "t.txt"
    if text is not None:
        place.write_text(text)
    refused(tmp_path, code, (words,), *call(verb, files, tmp_path / "out", ("--transform", str(place))))


# ------------------------------------------------------------------------- E18 and E20: runs and rendering
@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of two days, in coarse resolution."""
    return preview_of_a_mouse(tmp_path_factory.mktemp("run") / "mouse-001")


@pytest.fixture(scope="module")
def rendered(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both days of the run as a BIDS derivative."""
    out = tmp_path_factory.mktemp("images")
    result = imaging(*rendering(run, out), "-t", "1d")
    assert result.exit_code == 0, result.output
    return out / "derivatives" / "cordgraft"


def rendering(run: Path, out: Path) -> list[Any]:
    return ["render", run, "-t", "2d", "--extrusion", "axisymmetric", "--spacing", "0.2,0.2,0.4", "-o", out]


def test_e18_what_a_number_type_cannot_hold_is_not_written(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(tmp_path, "E18", ("float32",), *rendering(run, out), "--contrast", "mtr", "--mtr", "1e39,1")
    assert not out.exists()


@pytest.mark.parametrize("name", DAMAGES, ids=lambda name: f"E20 {name}")
def test_e20_a_damaged_run_is_not_rendered(name: str, run: Path, tmp_path: Path) -> None:
    place, words = damaged(run, tmp_path, name)
    refused(tmp_path, "E20", (str(place), *words), *rendering(place, tmp_path / "out"))


@pytest.mark.parametrize("verb", ["longitudinal", "report"])
@pytest.mark.parametrize("name", ["negative", "unit"], ids=lambda name: f"E20 {name}")
def test_e20_a_damaged_run_stands_beside_nobody(
    name: str, verb: str, run: Path, rendered: Path, tmp_path: Path
) -> None:
    place, words = damaged(run, tmp_path, name)
    out = tmp_path / "out" / "page.html" if verb == "report" else tmp_path / "out"
    arguments = [verb, rendered, "--species", "mouse", "--extrusion", "axisymmetric", "-o", out]
    refused(tmp_path, "E20", (str(place), *words), *arguments, "--run", place)
    result = imaging(*arguments, "--run", run)
    assert result.exit_code == 0, result.output


def test_e20_a_way_back_that_leaves_the_scan(tmp_path: Path) -> None:
    """The affine of the masks was moved after the run: the cord's centreline no longer lies on their grid."""
    import zarr

    from cordgraft import CordModel
    from cordgraft.engine.runner import run_model
    from tests.unit.test_scan_run import COARSE, write_tilted_masks

    settings = {**COARSE, **write_tilted_masks(tmp_path), "geometry.section": "volume"}
    run_model(CordModel("human_from_masks", settings=settings), tmp_path / "run")
    group = zarr.open_group(tmp_path / "run" / "run.zarr", mode="r+", use_consolidated=False)
    affine = group["straightening/source_affine"][:]
    affine[1, 3] += 80.0
    group["straightening/source_affine"][:] = affine
    words = ("straightening/source_affine disagrees with", "voxels outside the grid of the masks")
    refused(tmp_path, "E20", words, "render", tmp_path / "run", "-t", "2d", "-o", tmp_path / "out")


# -------------------------------------------------------------------------------- E21 and E22: sessions
def trial_of(root: Path, edges: dict[str, float], table: str) -> Path:
    """Write sessions of one subject, by name and length of voxels along the cord, with a table of dates."""
    for session, edge in edges.items():
        folder = root / "derivatives" / "labels" / "sub-01" / f"ses-{session}" / "anat"
        folder.mkdir(parents=True)
        affine = affine_of()
        affine[:3, 2] *= edge
        stem = f"sub-01_ses-{session}_T2w_label"
        write(folder / f"{stem}-lesion_seg.nii.gz", lesion_data(), affine)
        write(folder / f"{stem}-SC_seg.nii.gz", cord_data(), affine)
    (root / "sub-01").mkdir()
    (root / "sub-01" / "sub-01_sessions.tsv").write_text(table)
    return root


HEAD = "session_id\tmonths_post_injury\n"


@pytest.mark.parametrize("verb", ["longitudinal", "report"])
@pytest.mark.parametrize(
    ("sessions", "table", "level", "words"),
    [
        (("a", "b"), f"{HEAD}ses-a\t1\nses-b\tn/a\n", "error", "session b has no months since the injury"),
        (("a", "b"), f"{HEAD}ses-a\t1\nses-b\t6\nses-b\t7\n", "error", "session b stands there twice"),
        (("a", "b"), f"{HEAD}ses-a\t1\n", "error", "a session is missing from the table"),
        (("a",), f"{HEAD}ses-a\t1\n", "note", "there is one session only; no change is computed"),
    ],
    ids=["E21 no months", "E21 twice", "E21 not listed", "E21 one only"],
)
def test_e21_sessions(
    verb: str, sessions: tuple[str, ...], table: str, level: str, words: str, tmp_path: Path
) -> None:
    trial = trial_of(tmp_path / "trial", dict.fromkeys(sessions, 1.0), table)
    arguments = [verb, trial, "-o", tmp_path / "out" / ("a.html" if verb == "report" else "")]
    if level == "error":
        refused(tmp_path, "E21", (words, "sub-01_sessions.tsv"), *arguments)
        return
    result = imaging(*arguments, "--json")
    assert result.exit_code == 0, result.output
    findings = json.loads(result.stdout)["findings"]
    assert any((f["code"], f["level"], f["message"]) == ("E21", "note", words) for f in findings)


@pytest.mark.parametrize("verb", ["longitudinal", "report"])
@pytest.mark.parametrize(("edge", "warned"), [(1.9, False), (2.1, True)], ids=["E22 near", "E22 far"])
def test_e22_other_resolution(verb: str, edge: float, warned: bool, tmp_path: Path) -> None:
    trial = trial_of(tmp_path / "trial", {"a": 1.0, "b": edge}, f"{HEAD}ses-a\t1\nses-b\t6\n")
    out = tmp_path / "out" / ("a.html" if verb == "report" else "")
    result = imaging(verb, trial, "-o", out, "--json")
    assert result.exit_code == 0, result.output
    findings = json.loads(result.stdout)["findings"]
    said = [f for f in findings if f["code"] == "E22" and "has another resolution" in f["message"]]
    assert bool(said) is warned
    assert all(f["level"] == "warning" and f"below {edge:g} mm" in f["remedy"] for f in said)


# ----------------------------------------------------------------------------------------- E23: outputs
@pytest.fixture
def writing(tmp_path: Path, run: Path) -> dict[str, tuple[list[Any], Path]]:
    """Return for each verb that writes: its arguments without the place, and the place."""
    files = good_scan(tmp_path)
    masks = ["-m", files["lesion"], "-s", files["cord"]]
    trial = trial_of(tmp_path / "trial", {"a": 1.0, "b": 1.0}, f"{HEAD}ses-a\t1\nses-b\t6\n")
    return {
        "lesion": (["lesion", *masks], tmp_path / "a.csv"),
        "cord": (["cord", "-s", files["cord"]], tmp_path / "b.csv"),
        "compare": (["compare", files["lesion"], files["lesion"], "-s", files["cord"]], tmp_path / "c"),
        "longitudinal": (["longitudinal", trial], tmp_path / "d"),
        "report": (["report", *masks], tmp_path / "e.html"),
        "render": (rendering(run, tmp_path)[:-2], tmp_path / "f"),
    }


WRITERS = ("lesion", "cord", "compare", "longitudinal", "report", "render")


@pytest.mark.parametrize("verb", WRITERS, ids=lambda verb: f"E23 {verb}")
def test_e23_what_exists_is_replaced_only_on_request(
    verb: str, writing: dict[str, tuple[list[Any], Path]], tmp_path: Path
) -> None:
    arguments, place = writing[verb]
    assert imaging(*arguments, "-o", place).exit_code == 0
    written = place if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())[-1]
    whole = written.read_bytes()
    written.write_bytes(b"mine")
    refused(tmp_path, "E23", ("exists", "--overwrite"), *arguments, "-o", place)
    assert written.read_bytes() == b"mine"
    assert imaging(*arguments, "-o", place, "--overwrite").exit_code == 0
    assert written.read_bytes() == whole


@pytest.mark.parametrize("verb", WRITERS, ids=lambda verb: f"E23 {verb}")
def test_e23_what_cannot_be_written(
    verb: str, writing: dict[str, tuple[list[Any], Path]], tmp_path: Path
) -> None:
    arguments, place = writing[verb]
    (tmp_path / "taken").write_text("a file where a folder is needed")
    refused(tmp_path, "E23", ("cannot be written",), *arguments, "-o", tmp_path / "taken" / place.name)


# --------------------------------------------------------------------------------------- nothing is missing
def test_the_cases_are_those_of_the_documentation(repository: Path) -> None:
    text = (repository / "docs" / "imaging.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| (E\d\d) \|", text, flags=re.MULTILINE)
    tested = {case.code for case in CASES} | set(OTHERS)
    assert documented == sorted(tested) == list(CODES)
    own = {name.split("_")[1].upper() for name in globals() if re.match(r"test_e\d\d_", name)}
    assert set(OTHERS) <= own, "each of the others has a test of its name"


def test_errors_and_milder_cases_are_those_of_the_documentation(repository: Path) -> None:
    """A case whose cell is filled in the column of errors is tested as an error, and so are milder ones."""
    text = (repository / "docs" / "imaging.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (E\d\d) \|[^|]*\| *([^|]*?) *\| *([^|]*?) *\|$", text, flags=re.MULTILINE)
    for code, error, milder in rows:
        levels = {case.level for case in CASES if case.code == code}
        if code in OTHERS:
            continue
        assert ("error" in levels) == bool(error), code
        if milder and code not in ("E01", "E07"):  # what is mild of E07 is a transform that stretches
            assert levels & {"warning", "note"}, code


def test_each_option_of_the_table_is_used() -> None:
    used = {word.split("=")[0] for case in CASES for word in case.options} | {"--transform", "--overwrite"}
    assert set(OPTIONS) <= used
    named = {word for case in CASES for sentence in case.words for word in re.findall(r"--[a-z-]+", sentence)}
    assert {
        "--volume",
        "--threshold",
        "--label",
        "--assume-affine",
        "--orientation",
        "--dorsal-axis",
    } <= named
