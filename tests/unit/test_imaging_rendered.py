"""Rendered images as data: the other verbs read what `render` wrote, of rodents too; and BIDS names like theirs."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.bids import find
from cordgraft_analysis.imaging.contract import check_fractions
from cordgraft_analysis.imaging.dorsal_turn import QUARTERS, turned
from cordgraft_analysis.imaging.extrusion import parse_extrusion
from cordgraft_analysis.imaging.fractions import fractions_of
from cordgraft_analysis.imaging.sidecar import source_names, stated
from cordgraft_analysis.reading import open_run
from tests.html_support import check_alone
from tests.imaging_support import (
    affine_of,
    cord_data,
    files_below,
    image_data,
    imaging,
    lesion_data,
    preview_of_a_mouse,
    write,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri

ANAT = "sub-sim01/ses-d2/anat/sub-sim01_ses-d2"
DORSAL = "interpolated_dorsal_bridge_width [mm]"
VENTRAL = "interpolated_ventral_bridge_width [mm]"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of a mouse over two days, in coarse resolution."""
    return preview_of_a_mouse(tmp_path_factory.mktemp("run") / "mouse-001")


def render(run: Path, out: Path, *more: Any) -> Any:
    return imaging("render", run, "-t", "2d", "--extrusion", "elliptic:ratio=1.43", "-o", out, *more)


MEASURE = ("--spacing", "0.1,0.1,0.2")


@pytest.fixture(scope="module")
def images(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered days, made to measure."""
    out = tmp_path_factory.mktemp("images")
    done = render(run, out, "-t", "1d", *MEASURE)
    assert done.exit_code == 0, done.output
    assert "mouse, dorsal is -y in the header" in done.stdout
    return out


def masks(folder: Path) -> list[Any]:
    stem = folder / "derivatives" / "cordgraft" / ANAT
    return [
        "-m",
        f"{stem}_label-lesion_seg.nii.gz",
        "-s",
        f"{stem}_label-SC_seg.nii.gz",
        "-i",
        f"{stem}_T2w.nii.gz",
    ]


def total_of(place: Path) -> dict[str, str]:
    with place.open() as file:
        return list(csv.DictReader(file))[-1]


# ------------------------------------------------------------------------------- as a data set of its own
def test_sessions_of_a_rendered_run_have_image_masks_and_dates(images: Path) -> None:
    found = find(images / "derivatives" / "cordgraft")
    assert [(scan.subject, scan.session) for scan in found.scans] == [("sim01", "d1"), ("sim01", "d2")]
    for scan in found.scans:
        assert scan.image is not None and scan.image.name == f"sub-sim01_ses-{scan.session}_T2w.nii.gz"
        assert scan.cord is not None and scan.cord.name.endswith("_label-SC_seg.nii.gz")
        assert scan.lesion is not None and scan.lesion.name.endswith("_label-lesion_seg.nii.gz")
    assert [scan.days for scan in found.scans] == pytest.approx([1.0, 2.0], abs=2e-3)
    assert not [finding for finding in found.findings if finding.level == "warning"]


def test_render_then_longitudinal_then_report(images: Path, tmp_path: Path) -> None:
    derivative = images / "derivatives" / "cordgraft"
    ways = {"itself": [derivative], "name": [images, "--derivatives", "cordgraft"],
            "path": [images, "--derivatives", derivative]}  # fmt: skip
    tables = []
    for name, arguments in ways.items():
        done = imaging("longitudinal", *arguments, "-o", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert "2 of 2 sessions are simulated, not scanned" in done.stdout
        tables.append((tmp_path / name / "sessions.csv").read_bytes())
        page = tmp_path / f"{name}.html"
        done = imaging("report", *arguments, "-o", page, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["subjects"] == {"sim01": ["sub-sim01 ses-d1", "sub-sim01 ses-d2"]}
        found = check_alone(page.read_text(encoding="utf-8"), str(tmp_path), str(images))
        assert "simulated, not scanned, as their sidecars say" in found.text
        names = {row[0] for row in found.rows if row and row[0].endswith(".nii.gz")}
        assert len(names) == 6 and {f"sub-sim01_ses-d{day}_T2w.nii.gz" for day in (1, 2)} <= names
    assert tables[0] == tables[1] == tables[2]
    # what stands there is what `lesion` measures
    assert imaging("lesion", *masks(images), "-o", tmp_path / "a.csv").exit_code == 0
    lines = tables[0].decode().splitlines()
    row = next(one for one in csv.DictReader(lines) if one["session"] == "d2")
    assert row["simulated_image"] == "true"
    for name in ("volume [mm3]", "length [mm]", DORSAL, VENTRAL):
        assert row[name] == total_of(tmp_path / "a.csv")[name]


def test_rendered_images_are_measured_only_where_they_are_named(images: Path, tmp_path: Path) -> None:
    for verb, out in (("longitudinal", tmp_path / "out"), ("report", tmp_path / "out.html")):
        result = imaging(verb, images, "-o", out)
        assert result.exit_code == 2 and "--derivatives cordgraft" in result.stderr
        assert not out.exists()


def test_a_subject_that_was_scanned_and_rendered_has_dates_of_both(run: Path, tmp_path: Path) -> None:
    raw = tmp_path / "sub-m1" / "ses-base" / "anat"
    raw.mkdir(parents=True)
    write(raw / "sub-m1_ses-base_T2w.nii.gz", image_data())
    table = tmp_path / "sub-m1" / "sub-m1_sessions.tsv"
    table.write_text("session_id\tmonths_post_injury\nses-base\t0.5\n")
    assert render(run, tmp_path, "--subject", "m1", *MEASURE).exit_code == 0
    found = find(tmp_path, derivatives="cordgraft")
    assert [(scan.subject, scan.session) for scan in found.scans] == [("m1", "d2")]
    assert found.scans[0].days == pytest.approx(2.0, abs=2e-3)
    with pytest.raises(BadInput, match="holds no lesion mask"):
        find(tmp_path)
    shutil.rmtree(tmp_path / "derivatives" / "cordgraft" / "sub-m1" / "ses-d2" / "anat")
    with pytest.raises(BadInput, match="holds no lesion mask"):
        find(tmp_path, derivatives="cordgraft")


# -------------------------------------------------------------------------- names as BIDS wants them
def bids_session(root: Path, *contrasts: str, sources: str = "") -> Path:
    """Write images of one session, and masks whose names do not say of which of them they are."""
    anat = root / "sub-01" / "anat"
    labels = root / "derivatives" / "hand" / "sub-01" / "anat"
    for folder in (anat, labels):
        folder.mkdir(parents=True)
    for contrast in contrasts:
        write(anat / f"sub-01_{contrast}.nii.gz", image_data())
    for label, data in (("SC", cord_data()), ("lesion", lesion_data())):
        write(labels / f"sub-01_label-{label}_mask.nii.gz", data)
        if sources:
            beside = {"Sources": [f"bids:raw:sub-01/anat/{sources}"]}
            (labels / f"sub-01_label-{label}_mask.json").write_text(json.dumps(beside))
    return root


@pytest.mark.parametrize(
    ("contrasts", "sources", "image"),
    [
        (("T2w",), "", "sub-01_T2w.nii.gz"),
        (("PDw",), "", "sub-01_PDw.nii.gz"),
        (("T1w", "T2w"), "", "sub-01_T2w.nii.gz"),
        (("T1w", "T2w"), "sub-01_T1w.nii.gz", "sub-01_T1w.nii.gz"),
        (("T1w", "PDw"), "", None),
        ((), "", None),
    ],
)
def test_masks_that_leave_their_image_open(
    contrasts: tuple[str, ...], sources: str, image: str | None, tmp_path: Path
) -> None:
    found = find(bids_session(tmp_path / "trial", *contrasts, sources=sources))
    (scan,) = found.scans
    assert (scan.image.name if scan.image is not None else None) == image
    assert scan.cord is not None and scan.lesion is not None
    open_still = [finding for finding in found.findings if "of which image" in finding.message]
    assert bool(open_still) == (image is None and bool(contrasts))
    assert all("PDw" in finding.value and "Sources" in finding.remedy for finding in open_still)


def test_masks_of_two_namings_of_one_image_are_two_masks(tmp_path: Path) -> None:
    root = bids_session(tmp_path / "trial", "T2w")
    write(
        root / "derivatives" / "hand" / "sub-01" / "anat" / "sub-01_T2w_label-lesion_seg.nii.gz",
        lesion_data(),
    )
    with pytest.raises(BadInput, match="one scan has several lesion files"):
        find(root)


def test_check_compares_such_masks_with_their_image(tmp_path: Path) -> None:
    aside = affine_of()
    aside[1, 3] += 50.0
    image = write(tmp_path / "sub-01_T2w.nii.gz", image_data())
    mask = write(tmp_path / "sub-01_label-SC_mask.nii.gz", cord_data(), aside)
    result = imaging("check", image, mask)
    assert result.exit_code == 2 and "E13" in result.stderr and "'sub-01_T2w.nii.gz'" in result.stderr


def test_sources_of_a_sidecar(tmp_path: Path) -> None:
    beside = tmp_path / "a.json"
    for written, names in (
        ('{"Sources": ["bids::sub-1/anat/x.nii.gz", "run/run.zarr", 3]}', ("x.nii.gz", "run.zarr")),
        ('{"Sources": "bids:raw:y.nii.gz"}', ("y.nii.gz",)), ("{}", ()), ("[]", ()), ("no JSON", ()),
    ):  # fmt: skip
        beside.write_text(written)
        assert source_names(tmp_path / "a.nii.gz") == names
    assert source_names(tmp_path / "b.nii.gz") == ()


# ----------------------------------------------------------------------------- one option of two verbs
def two_folders(root: Path) -> Path:
    """Write two folders of masks of the same two sessions, of which one must be chosen."""
    for rater, end in (("one", 15), ("two", 13)):
        for session in ("a", "b"):
            folder = root / "derivatives" / rater / "sub-01" / f"ses-{session}" / "anat"
            folder.mkdir(parents=True)
            lesion = lesion_data()
            lesion[:, :, end:] = 0
            write(folder / f"sub-01_ses-{session}_T2w_label-lesion_seg.nii.gz", lesion)
            write(folder / f"sub-01_ses-{session}_T2w_label-SC_seg.nii.gz", cord_data())
    (root / "sub-01").mkdir()
    table = root / "sub-01" / "sub-01_sessions.tsv"
    table.write_text("session_id\tmonths_post_injury\nses-a\t1\nses-b\t6\n")
    return root


@pytest.mark.parametrize("verb", ["longitudinal", "report"])
def test_derivatives_is_a_name_or_a_path(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = two_folders(tmp_path / "trial")
    monkeypatch.chdir(tmp_path)
    outside = tmp_path / "elsewhere"
    shutil.copytree(root / "derivatives" / "two", outside)
    end = ".html" if verb == "report" else ""
    before = files_below(tmp_path)
    undecided = imaging(verb, root, "-o", f"out{end}")
    assert undecided.exit_code == 2 and "--derivatives" in undecided.stderr
    wrong = imaging(verb, root, "--derivatives", "tow", "-o", f"out{end}")
    assert wrong.exit_code == 2 and "allowed: one, two" in wrong.stderr and "did you mean two" in wrong.stderr
    assert files_below(tmp_path) == before
    said = []
    for number, choice in enumerate(("two", "trial/derivatives/two", root / "derivatives" / "two", outside)):
        out = tmp_path / f"out{number}{end}"
        result = imaging(verb, root, "--derivatives", choice, "-o", out)
        assert result.exit_code == 0, result.output
        if verb == "longitudinal":
            said.append([line.split(",")[:9] for line in (out / "sessions.csv").read_text().splitlines()])
        else:
            said.append(
                [
                    row
                    for row in check_alone(out.read_text(), str(tmp_path)).rows
                    if row[:1] == ["sub-01 ses-a"]
                ]
            )
    assert all(one == said[0] for one in said)
    assert said[0], "something is compared"


def test_the_option_has_one_help_text() -> None:
    def about(verb: str) -> str:
        words = " ".join(imaging(verb, "--help").stdout.split())
        return words[words.index("--derivatives") :].split(" --")[0]

    assert about("longitudinal") == about("report") and "by its name" in about("report")


# --------------------------------------------------------------------------------- which way is dorsal
def test_a_rendered_rodent_says_where_its_back_is(images: Path, tmp_path: Path) -> None:
    for side in (images / "derivatives" / "cordgraft").rglob("*_ses-*.json"):
        content = json.loads(side.read_text())
        assert (content["Species"], content["DorsalAxis"]) == ("mouse", "-y")
        assert "dorsal is -y, posterior in the header" in content["Placing"]
    out = tmp_path / "a.csv"
    read = imaging("lesion", *masks(images), "-o", out)
    assert read.exit_code == 0, read.output
    assert "note E08: states in its sidecar where dorsal is (found DorsalAxis -y)" in read.stdout
    # a contusion from behind leaves more in front
    widths = {name: float(total_of(out)[name]) for name in (DORSAL, VENTRAL)}
    assert widths[DORSAL] < widths[VENTRAL]
    # the user goes before the file, and is told
    other = imaging("lesion", *masks(images), "--dorsal-axis=+y", "-o", tmp_path / "b.csv")
    assert other.exit_code == 0 and "warning E08" in other.stderr and "DorsalAxis -y" in other.stderr
    assert float(total_of(tmp_path / "b.csv")[DORSAL]) == pytest.approx(widths[VENTRAL])
    result = imaging("check", *masks(images))
    assert result.exit_code == 0 and result.stderr == ""


@pytest.mark.parametrize("dorsal", ["+y", "+x", "-x"])
def test_a_turned_cord_is_the_same_cord(dorsal: str, run: Path, images: Path, tmp_path: Path) -> None:
    assert render(run, tmp_path, f"--dorsal-axis={dorsal}", *MEASURE).exit_code == 0
    rows = []
    for folder in (images, tmp_path):
        out = folder / f"{dorsal}.csv"
        result = imaging("lesion", *masks(folder), "-o", out)
        assert result.exit_code == 0, result.output
        rows.append(total_of(out))
    straight, other = rows
    for name in ("volume [mm3]", "length [mm]", DORSAL, VENTRAL, "max_axial_damage_ratio []"):
        assert float(other[name]) == pytest.approx(float(straight[name]), rel=1e-4, abs=1e-4), name
    beside = tmp_path / "derivatives" / "cordgraft" / f"{ANAT}_T2w.json"
    assert json.loads(beside.read_text())["DorsalAxis"] == dorsal


@pytest.mark.parametrize("dorsal", ["-y", "+x", "+y", "-x"])
def test_a_turn_is_no_mirror_and_keeps_the_contract(dorsal: str, run: Path) -> None:
    data = fractions_of(open_run(run), 2.0, extrusion=parse_extrusion("axisymmetric"), fine_mm=0.2)
    mark = data.copy(deep=True)
    mark["frac_graft"][...] = 0.0
    # a corner: dorsal, and right in the animal
    mark["frac_graft"][0, -1, 0, 5] = 1.0
    x, y = float(mark["x"][-1]), float(mark["y"][0])
    found = turned(mark, dorsal)
    assert [finding for finding in check_fractions(found).findings if "sum to 1" not in finding.message] == []
    values = found["frac_graft"].values[0]
    i, j, k = (int(one[0]) for one in np.nonzero(values == 1.0))
    angle = 0.5 * np.pi * QUARTERS[{"-y": (1, -1), "+x": (0, 1), "+y": (1, 1), "-x": (0, -1)}[dorsal]]
    place = (x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle))
    assert (float(found["x"][i]), float(found["y"][j])) == pytest.approx(place, abs=1e-9) and k == 5
    back = {"-y": (1, -1), "+y": (1, 1), "+x": (0, 1), "-x": (0, -1)}[dorsal]
    assert np.sign((float(found["x"][i]), float(found["y"][j]))[back[0]]) == back[1], "the back lies there"


def scan_of_a_mouse(folder: Path, sidecar: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([0.15, 0.15, 0.3, 1.0])
    affine[:3, 3] = [-1.5, -1.5, -3.0]
    place = write(folder / "mouse_T2w.nii.gz", np.ones((21, 21, 21), dtype=np.int16), affine)
    if sidecar is not None:
        (folder / "mouse_T2w.json").write_text(json.dumps(sidecar))
    return place


def test_the_back_in_the_scan_of_a_rodent_is_not_guessed(run: Path, tmp_path: Path) -> None:
    like = scan_of_a_mouse(tmp_path / "scan")
    before = files_below(tmp_path)
    refused = render(run, tmp_path / "out", "--like", like)
    assert refused.exit_code == 2 and "E08" in refused.stderr and "--dorsal-axis" in refused.stderr
    wrong = render(run, tmp_path / "out", "--like", like, "--dorsal-axis=up")
    assert wrong.exit_code == 2 and "no direction across a cord" in wrong.stderr
    assert files_below(tmp_path) == before
    told = scan_of_a_mouse(tmp_path / "told", {"DorsalAxis": "+y"})
    bridges = {}
    for name, more in (("asked", ("--like", like, "--dorsal-axis=+y")), ("told", ("--like", told)),
                       ("overruled", ("--like", told, "--dorsal-axis=-y"))):  # fmt: skip
        done = render(run, tmp_path / name, *more)
        assert done.exit_code == 0, done.output
        beside = tmp_path / name / "derivatives" / "cordgraft" / f"{ANAT}_T2w.json"
        content = json.loads(beside.read_text())
        assert content["DorsalAxis"] == ("-y" if name == "overruled" else "+y")
        assert ("turned by 180 degrees" in content["Placing"]) == (name != "overruled")
        assert imaging("lesion", *masks(tmp_path / name), "-o", tmp_path / f"{name}.csv").exit_code == 0
        bridges[name] = float(total_of(tmp_path / f"{name}.csv")[DORSAL])
    assert bridges["asked"] == bridges["told"]
    assert bridges["asked"] == pytest.approx(bridges["overruled"], abs=1e-6)


def test_sidecars_of_one_scan_that_contradict_each_other(images: Path, tmp_path: Path) -> None:
    shutil.copytree(images, tmp_path / "copy")
    beside = tmp_path / "copy" / "derivatives" / "cordgraft" / f"{ANAT}_label-SC_seg.json"
    beside.write_text(json.dumps({**json.loads(beside.read_text()), "DorsalAxis": "A", "Species": "rat"}))
    arguments = ["lesion", *masks(tmp_path / "copy"), "-o", tmp_path / "a.csv"]
    result = imaging(*arguments)
    assert result.exit_code == 2 and not (tmp_path / "a.csv").exists()
    for word, option in (("DorsalAxis", "--dorsal-axis"), ("Species", "--species")):
        line = next(line for line in result.stderr.splitlines() if f"each other on {word}" in line)
        assert "E08" in line and option in line
    assert imaging(*arguments, "--species", "mouse", "--dorsal-axis=-y").exit_code == 0


def test_words_of_a_sidecar_that_say_nothing(tmp_path: Path) -> None:
    place = write(tmp_path / "t2.nii.gz", image_data())
    for content in ({"Species": "cat", "DorsalAxis": "up"}, {"Species": 3, "DorsalAxis": None}, {}):
        (tmp_path / "t2.json").write_text(json.dumps(content))
        assert stated([place], None, None) == (None, None, [])
    (tmp_path / "t2.json").write_text(json.dumps({"Species": "Rat", "DorsalAxis": "A"}))
    species, dorsal, found = stated([place], None, None)
    assert (species, dorsal, [one.level for one in found]) == ("rat", "A", ["note"])
    assert stated([place], "rat", "+y") == ("rat", "+y", [])
    # nobody compares a rat's cord with that of healthy people, though nobody says that it is a rat's
    cord = write(tmp_path / "t2_seg.nii.gz", cord_data(), affine_of(0.25))
    levels = write(tmp_path / "levels.nii.gz", 5 * cord_data(), affine_of(0.25))
    (tmp_path / "t2_seg.json").write_text(json.dumps({"Species": "rat", "DorsalAxis": "-y"}))
    refused = imaging("cord", "-s", cord, "--levels", levels, "--sex", "F", "-o", tmp_path / "a.csv")
    assert refused.exit_code == 2 and "people only" in refused.stderr
    assert imaging("cord", "-s", cord, "--levels", levels, "-o", tmp_path / "a.csv").exit_code == 0
    assert "zscore(area)" not in (tmp_path / "a.csv").read_text()
