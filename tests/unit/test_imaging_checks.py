"""Checks of masks, pairs, cords, species, sessions and of what a simulated state must carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.checks import (
    check_cord,
    check_lesion,
    cord_tilt_deg,
    pieces_and_gaps,
    same_grid,
)
from cordgraft_analysis.imaging.contract import FRACTIONS, check_fractions
from cordgraft_analysis.imaging.findings import CODES, refuse_errors
from cordgraft_analysis.imaging.load import load_image
from cordgraft_analysis.imaging.sessions import Session, check_resolution, check_sessions, read_sessions
from cordgraft_analysis.imaging.species import Dorsal, check_size, dorsal_axis
from cordgraft_analysis.imaging.transform import read_transform
from cordgraft_analysis.imaging.volume import Volume
from tests.imaging_support import (
    SHAPE,
    affine_of,
    check_accepted,
    check_refused,
    cord_data,
    image_data,
    imaging,
    lesion_data,
    problem_of,
    write,
)

nibabel = pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def volume_of(data: np.ndarray, affine: np.ndarray | None = None, name: str = "t2_seg.nii.gz") -> Volume:
    return Volume(data > 0, affine_of() if affine is None else affine, "mask", Path(name))


def findings(found) -> list[tuple[str, str]]:
    return [(finding.code, finding.level) for finding in found]


# ------------------------------------------------------------------------------------------- E13: grids


def moved(millimetres: float, axis: int = 0) -> np.ndarray:
    affine = affine_of()
    affine[axis, 3] += millimetres
    return affine


@pytest.mark.parametrize(
    ("millimetres", "level"),
    [(0.0002, ""), (0.049, ""), (0.051, "warning"), (0.49, "warning"), (0.51, "error"), (50.0, "error")],
)
def test_e13_displaced(millimetres: float, level: str, tmp_path: Path) -> None:
    image = write(tmp_path / "t2.nii.gz", image_data())
    mask = write(tmp_path / "t2_seg.nii.gz", cord_data(), moved(millimetres, 1))
    found = same_grid(load_image(mask, "mask"), load_image(image))
    assert findings(found) == ([("E13", level)] if level else [])
    if level == "error":
        check_refused(
            tmp_path, "E13", (f"{millimetres:.2f} mm apart", "'t2.nii.gz'", "Resample"), image, mask
        )
        with pytest.raises(BadInput, match="does not lie where"):
            refuse_errors(found)
    elif level:
        check_accepted(tmp_path, "E13", "warning", f"{millimetres:.2f} mm apart", image, mask)


def test_e13_half_of_the_smallest_edge_counts() -> None:
    slabs = np.diag([0.5, 0.5, 4.0, 1.0])
    aside = slabs.copy()
    aside[2, 3] = 0.3
    cord = volume_of(cord_data(), slabs)
    assert findings(same_grid(volume_of(cord_data(), aside), cord)) == [("E13", "error")]


def test_e13_other_shapes_and_other_voxels(tmp_path: Path) -> None:
    image = write(tmp_path / "t2.nii.gz", image_data())
    mask = write(tmp_path / "t2_lesion_seg.nii.gz", lesion_data()[:, :, :-1])
    check_refused(tmp_path, "E13", ("another grid", "14 x 16 x 23 and 14 x 16 x 24"), image, mask)
    scaled = volume_of(cord_data(), affine_of(1.05))
    assert findings(same_grid(scaled, volume_of(cord_data()))) == [("E13", "error")]


def test_e13_another_orientation_of_the_same_voxels(tmp_path: Path) -> None:
    image = write(tmp_path / "t2.nii.gz", image_data())
    turned = nibabel.load(write(tmp_path / "x.nii.gz", cord_data())).as_reoriented(
        nibabel.orientations.axcodes2ornt("PSR")
    )
    nibabel.save(turned, tmp_path / "t2_seg.nii.gz")
    check_accepted(
        tmp_path, "E13", "note", "stored in another orientation", image, tmp_path / "t2_seg.nii.gz"
    )


def test_e13_real_pairs(shared_data: Path) -> None:
    unf01 = shared_data / "mri" / "unf01"
    image = load_image(unf01 / "anat" / "sub-unf01_T2w.nii.gz")
    labels = unf01 / "derivatives" / "labels" / "anat"
    (error,) = same_grid(load_image(labels / "sub-unf01_T2w_lesion-manual.nii.gz", "mask"), image)
    assert error.level == "error" and "0.59 mm" in error.value
    assert same_grid(load_image(labels / "sub-unf01_T2w_seg-manual.nii.gz", "mask"), image) == []
    mt = shared_data / "mri" / "sct_testing" / "mt"
    assert same_grid(load_image(mt / "mt1_seg.nii.gz", "mask"), load_image(mt / "mt1.nii.gz")) == []


# --------------------------------------------------------------------------------- E14 and E15: lesions


def test_e14_an_empty_lesion_is_a_result(tmp_path: Path) -> None:
    cord = write(tmp_path / "t2_seg.nii.gz", cord_data())
    lesion = write(tmp_path / "t2_lesion_seg.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    found = check_lesion(load_image(lesion, "mask"), load_image(cord, "mask"))
    assert findings(found) == [("E14", "note")]
    check_accepted(tmp_path, "E14", "note", "lesion_present = false", cord, lesion)


def test_e15_cord_empty_or_absent(tmp_path: Path) -> None:
    cord = write(tmp_path / "t2_seg.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    check_refused(tmp_path, "E15", ("empty cord mask", "not one voxel"), cord)
    lesion = write(tmp_path / "a_lesion_seg.nii.gz", lesion_data())
    check_accepted(tmp_path, "E15", "note", "only its volume can be measured", lesion)


def test_e15_lesion_outside_the_cord(tmp_path: Path) -> None:
    cord = write(tmp_path / "t2_seg.nii.gz", cord_data())
    partly = np.zeros(SHAPE, dtype=np.uint8)
    partly[0:6, 6:10, 9:15] = 1
    outside = int((partly * (cord_data() == 0)).sum())
    total = int(partly.sum())
    words = f"{outside} of {total} voxels, {100 * outside / total:.1f} %"
    path = write(tmp_path / "t2_lesion_seg.nii.gz", partly)
    check_accepted(tmp_path, "E15", "warning", words, cord, path)
    partly[3:] = 0
    path = write(tmp_path / "t2_lesion_seg.nii.gz", partly)
    check_refused(
        tmp_path, "E15", ("mostly outside the cord of 't2_seg.nii.gz'", "do not belong together"), cord, path
    )
    half = np.zeros(SHAPE, dtype=bool)
    half[6, 7, 5] = half[0, 0, 5] = True
    assert findings(check_lesion(volume_of(half), volume_of(cord_data()))) == [("E15", "warning")]


def test_e15_a_soft_cord_counts_from_one_half() -> None:
    soft = Volume(cord_data() * 0.4, affine_of(), "soft")
    assert findings(check_cord(soft)) == [("E15", "error")]


# ---------------------------------------------------------------------- E11 and E19: the shape of the cord


def test_e19_pieces_and_gaps_are_listed(tmp_path: Path) -> None:
    cord = cord_data()
    cord[0, 0, 3:6] = cord[0, 0, 9] = 1
    cord[:, :, 12] = cord[:, :, 20:22] = 0
    assert pieces_and_gaps(cord > 0) == ([3, 4, 5, 9], [12, 20, 21])
    path = write(tmp_path / "t2_seg.nii.gz", cord)
    check_accepted(tmp_path, "E19", "warning", "slices 3-5, 9, counted from the inferior end", path)
    check_accepted(tmp_path, "E19", "warning", "slices 12, 20-21", path)
    assert pieces_and_gaps(np.zeros(SHAPE, dtype=bool)) == ([], [])


def test_e19_slices_count_from_the_inferior_end_in_any_orientation(tmp_path: Path) -> None:
    cord = cord_data()
    cord[0, 0, 3] = 1
    image = nibabel.Nifti1Image(cord, affine_of()).as_reoriented(nibabel.orientations.axcodes2ornt("RIP"))
    nibabel.save(image, tmp_path / "t2_seg.nii.gz")
    check_accepted(tmp_path, "E19", "warning", "slice 3, counted", tmp_path / "t2_seg.nii.gz")


def test_voxels_that_touch_at_a_corner_are_one_piece() -> None:
    cord = np.zeros((4, 4, 1), dtype=bool)
    cord[0, 0, 0] = cord[1, 1, 0] = True
    assert pieces_and_gaps(cord) == ([], [])


def tilted_cord(degrees: float, shape=(14, 60, 50)) -> np.ndarray:
    i, j, k = np.indices(shape)
    lean = np.tan(np.deg2rad(degrees)) * (k - 24.5)
    return np.hypot(i - 6.5, (j - 29.5 - lean) * np.cos(np.deg2rad(degrees))) < 4.0


@pytest.mark.parametrize(
    ("degrees", "level"), [(0.0, ""), (12.0, "note"), (25.0, "warning"), (50.0, "error")]
)
def test_e11_the_cord_against_its_slices(degrees: float, level: str, tmp_path: Path) -> None:
    shape = (14, 60, 50) if degrees < 45 else (14, 90, 50)
    cord = tilted_cord(degrees, shape)
    cord = cord if degrees < 45 else np.roll(cord, 15, axis=1)
    assert cord_tilt_deg(cord, (1.0, 1.0, 1.0)) == pytest.approx(degrees, abs=3.0)
    path = write(tmp_path / "t2_seg.nii.gz", cord.astype(np.uint8))
    if level == "error":
        check_refused(tmp_path, "E11", "tilted against the slices", path)
    elif level:
        check_accepted(tmp_path, "E11", level, "tilted against the slices", path)
    else:
        assert "E11" not in imaging("check", path).output


def test_e11_a_cord_along_no_slices(tmp_path: Path) -> None:
    """The header calls the long axis anterior: a permuted file."""
    long = np.repeat(cord_data(), 4, axis=2)
    affine = affine_of()[:, [0, 2, 1, 3]]
    path = write(tmp_path / "t2_seg.nii.gz", long, affine)
    check_refused(tmp_path, "E11", "90.0 degrees", path)


def test_e11_a_bend_is_seen_though_the_ends_are_above_each_other() -> None:
    i, j, k = np.indices((14, 60, 80))
    away = np.abs(k - 39.5) * np.tan(np.deg2rad(35.0))
    cord = np.hypot(i - 6.5, (j - 8.0 - away) * np.cos(np.deg2rad(35.0))) < 4.0
    assert cord_tilt_deg(cord, (1.0, 1.0, 1.0)) == pytest.approx(35.0, abs=4.0)


# ------------------------------------------------------------------------- E08: size, species, dorsal side


def small_cord(edge: float) -> Volume:
    """Return a cord of 10 voxels from front to back."""
    return volume_of(cord_data(), affine_of(edge))


@pytest.mark.parametrize(
    ("diameter", "species", "expected"),
    [
        (8.0, None, []), (8.0, "human", []), (21.0, None, ["error"]), (21.0, "human", ["error"]),
        (5.0, None, ["warning"]), (5.0, "human", []), (3.0, None, ["error"]), (3.0, "human", []),
        (1.9, "human", ["error"]), (0.9, None, ["error"]), (0.9, "mouse", ["error"]), (8.0, "rat", ["error"]),
        (3.0, "rat", ["error"]), (1.5, "mouse", ["error"]),
    ],
)  # fmt: skip
def test_e08_the_size_of_the_cord(diameter: float, species: str | None, expected: list[str]) -> None:
    found = check_size(small_cord(diameter / 10.0), species)
    assert [finding.level for finding in found] == expected
    assert {finding.code for finding in found} <= {"E08"}


def test_dorsal_of_people_is_posterior() -> None:
    assert dorsal_axis(small_cord(0.8)) == (Dorsal(1, -1), [])
    assert dorsal_axis()[0].word == "P"
    dorsal, warnings = dorsal_axis(small_cord(0.5))
    assert dorsal == Dorsal(1, -1) and findings(warnings) == [("E08", "warning")]


def test_dorsal_of_rodents_is_never_guessed() -> None:
    for cord, species in (
        (None, "rat"),
        (small_cord(0.26), "rat"),
        (small_cord(0.26), None),
        (small_cord(0.15), "mouse"),
    ):
        assert "--dorsal-axis" in problem_of(lambda c=cord, s=species: dorsal_axis(c, s), "E08")
    assert dorsal_axis(small_cord(0.26), "rat", "+y")[0] == Dorsal(1, 1)
    assert dorsal_axis(small_cord(0.26), None, "-y")[0].word == "P"
    assert dorsal_axis(small_cord(0.26), "rat", "+x")[0].word == "R"
    assert dorsal_axis(None, "mouse", "A")[0] == Dorsal(1, 1)


@pytest.mark.parametrize(
    ("species", "dorsal", "words"), [("cat", None, "human, rat, mouse"), (None, "z", "-y")]
)
def test_words_that_nobody_knows(species: str | None, dorsal: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        dorsal_axis(None, species, dorsal)


def test_e08_the_real_rat(shared_data: Path, tmp_path: Path) -> None:
    atlas = shared_data / "mri" / "rat" / "RatHistoAtlas_dseg_crop.nii.gz"
    cord = ["-s", atlas, "--label", 1, "--label", 2]
    check_refused(tmp_path, "E08", ("size of a rodent's", "2.6 mm"), *cord)
    check_refused(tmp_path, "E08", ("a rat is not guessed", "--dorsal-axis"), *cord, "--species", "rat")
    check_accepted(tmp_path, "E16", "note", "1, 2", *cord, "--species", "rat", "--dorsal-axis", "+y")
    check_accepted(tmp_path, "E08", "note", "as fine as those of rodents", atlas)


# ------------------------------------------------------------------------------------- E20: the contract


def dataset() -> xr.Dataset:
    """Return a section that keeps the contract."""
    x, y, z = [0.0], np.arange(4) * 0.5 - 1.0, np.arange(5) * 2.0
    shape = (2, 1, 4, 5)
    axes = {
        name: ((name,), values, {"units": "mm", "axis_direction": direction})
        for name, values, direction in (("x", x, "R"), ("y", y, "A"), ("z", z, "S"))
    }
    one = xr.Dataset(
        coords={"time": (("time",), [0.0, 28.0], {"units": "days"}), **axes},
        attrs={
            "affine": [1.0, 0, 0, 0, 0, 0.5, 0, -1.0, 0, 0, 2.0, 0, 0, 0, 0, 1],
            "space": "cord-straight",
            "species": "human",
            "section_thickness_mm": 1.0,
            "epicentre_mm": [0.0, 0.0, 4.0],
        },
    )
    for name in FRACTIONS:
        one[name] = (("time", "x", "y", "z"), np.zeros(shape))
    one["frac_white"][...] = 0.75
    one["frac_cavity"][...] = 0.25
    one["domain"] = (("x", "y", "z"), np.ones(shape[1:], dtype=bool))
    one["cord"] = (("x", "y", "z"), np.ones(shape[1:], dtype=bool))
    return one


def test_e20_a_whole_state_passes() -> None:
    assert check_fractions(dataset()).findings == []
    outside = dataset()
    outside["domain"][0, 0, 0] = False
    outside["frac_white"][:, 0, 0, 0] = 0.0
    assert check_fractions(outside).findings == []


def spoilt(name: str):
    one = dataset()
    if name == "sum":
        one["frac_white"][1, 0, 2, 3] = 0.5
        one["frac_white"][1, 0, 0, 0] = 0.7
    elif name == "negative":
        one["frac_scar"][1, 0, 2, 3] = -0.1
    elif name == "large":
        one["frac_graft"][0, 0, 1, 1] = 1.2
    elif name == "nan":
        one["frac_grey"][1, 0, 3, 4] = np.nan
    elif name == "units":
        one["y"].attrs["units"] = "um"
    elif name == "time":
        one["time"].attrs["units"] = "hours"
    elif name == "order":
        one = one.isel(z=slice(None, None, -1))
    elif name == "affine":
        one.attrs["affine"][11] = 0.01
    elif name == "matrix":
        one.attrs["affine"] = [1.0, 2.0]
    elif name == "missing":
        one = one.drop_vars("frac_oedema")
    elif name == "dims":
        one["frac_csf"] = one["frac_csf"].transpose("time", "z", "y", "x")
    elif name == "domain":
        one = one.drop_vars("domain")
    elif name == "thickness":
        del one.attrs["section_thickness_mm"]
    elif name == "space":
        one.attrs["space"] = "mni"
    elif name == "species":
        del one.attrs["species"]
    elif name == "direction":
        one["y"].attrs["axis_direction"] = "P"
    elif name == "mask":
        one["cord"] = one["cord"].astype(float)
    elif name == "coordinate":
        one = one.drop_vars("z")
    elif name == "myelin":
        one["myelin"] = one["frac_white"] + 1.0
    return one


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sum", ("do not sum to 1", "0.75 at time 28 d, x 0, y 0, z 6 mm", "worst of 2 cells")),
        ("negative", ("variable frac_scar is negative", "-0.1 at time 28 d, x 0, y 0, z 6 mm")),
        ("large", ("variable frac_graft is larger than 1", "1.2 at time 0 d, x 0, y -0.5, z 2 mm")),
        ("nan", ("variable frac_grey holds values that are no numbers", "time 28 d, x 0, y 0.5, z 8 mm")),
        ("units", ("coordinate y is not in mm", "'um'")),
        ("time", ("coordinate time is not in days", "'hours'")),
        ("order", ("coordinate z does not increase", "8 and then 6 at index 1", "to S")),
        ("affine", ("attribute affine disagrees with the coordinate", "0.01 mm apart")),
        ("matrix", ("no list of 16 numbers",)),
        ("missing", ("variable frac_oedema is missing",)),
        ("dims", ("variable frac_csf has other dimensions", "time, z, y, x")),
        ("domain", ("variable domain is missing",)),
        ("thickness", ("section_thickness_mm",)),
        ("space", ("attribute space", "'mni'", "cord-straight, scanner")),
        ("species", ("attribute species is missing",)),
        ("direction", ("coordinate y does not say that it grows to A", "'P'")),
        ("mask", ("variable cord is no mask", "float64")),
        ("coordinate", ("coordinate z is missing",)),
        ("myelin", ("variable myelin is larger than 1", "1.75")),
    ],
)  # fmt: skip
def test_e20_broken_states(name: str, words: tuple[str, ...]) -> None:
    ledger = check_fractions(spoilt(name), "run.zarr")
    errors = [str(finding) for finding in ledger.findings if finding.level == "error"]
    hits = [error for error in errors if all(word in error for word in words)]
    assert len(hits) == 1, errors
    assert hits[0].startswith("run.zarr: error E20: ")
    with pytest.raises(BadInput):
        refuse_errors(ledger.findings)


# ------------------------------------------------------------------------------- E21 and E22: sessions


def test_e21_real_sessions(shared_data: Path) -> None:
    sessions = read_sessions(shared_data / "mri" / "trial_example" / "sub-01" / "sub-01_sessions.tsv")
    assert sessions == [Session("baseline", 1.0), Session("m06", 6.0), Session("m12", 12.0)]
    assert check_sessions(sessions) == []


@pytest.mark.parametrize(
    ("sessions", "level", "words"),
    [
        ([Session("a", 1.0), Session("b", None)], "error", "session b has no months"),
        ([Session("a", 1.0), Session("a", 3.0)], "error", "session a stands there twice"),
        ([Session("a", -1.0), Session("b", 3.0)], "error", "before the injury"),
        ([Session("a", 3.0), Session("b", 3.0)], "warning", "a, b at 3 months"),
        ([Session("a", 3.0)], "note", "no change is computed"),
        ([], "error", "no session"),
    ],
)  # fmt: skip
def test_e21_sessions_that_give_no_change(sessions: list[Session], level: str, words: str) -> None:
    (found,) = check_sessions(sessions, "sessions.tsv")
    assert (found.code, found.level) == ("E21", level) and words in str(found)


def test_e21_tables_that_cannot_be_read(tmp_path: Path) -> None:
    table = tmp_path / "sub-01_sessions.tsv"
    assert "cannot be read" in problem_of(lambda: read_sessions(table), "E01")
    table.write_text("session_id\tmonths_post_injury\nses-a\t\nses-b\tn/a\nses-c\t2.5\n")
    assert read_sessions(table) == [Session("a", None), Session("b", None), Session("c", 2.5)]
    table.write_text("session_id\tmonths_post_injury\nses-a\tsoon\n")
    assert "line 2 (found soon)" in problem_of(lambda: read_sessions(table), "E21")
    table.write_text("session_id\tmonths\nses-a\t1\n")
    assert "no column months_post_injury" in problem_of(lambda: read_sessions(table), "E21")


def test_e22_resolution(shared_data: Path) -> None:
    coarse = volume_of(cord_data(), np.diag([1.0, 0.6, 4.0, 1.0]))
    (found,) = check_resolution(coarse, volume_of(cord_data()))
    assert (found.code, found.level) == ("E22", "warning")
    assert (
        "superior-inferior" in found.message
        and "ratio of 4.0" in found.value
        and "below 4 mm" in found.remedy
    )
    assert check_resolution(volume_of(cord_data()), volume_of(cord_data(), affine_of(0.51))) == []
    labels = shared_data / "mri" / "trial_example" / "derivatives" / "labels" / "sub-01"
    first, last = (
        load_image(next((labels / session / "anat").glob("*SC_seg.nii.gz")), "mask")
        for session in ("ses-baseline", "ses-m12")
    )
    assert ["right-left" in finding.message for finding in check_resolution(last, first)] == [True]


# ------------------------------------------------------------------------------------------- transforms


def test_a_transform(tmp_path: Path) -> None:
    path = tmp_path / "a_to_b.txt"
    c, s = np.cos(np.deg2rad(10.0)), np.sin(np.deg2rad(10.0))
    path.write_text(f"# world A to world B\n{c} {-s} 0 3\n{s} {c} 0 4\n0 0 1 0\n\n0, 0, 0, 1\n")
    transform = read_transform(path)
    assert transform.rotation_deg == pytest.approx(10.0)
    assert transform.shift_mm == pytest.approx(5.0)
    assert transform.stretch == pytest.approx((1.0, 1.0)) and transform.findings == ()
    result = imaging("check", "--transform", path)
    assert result.exit_code == 0 and "rotates by 10.00 degrees, shifts by 5.00 mm" in result.stdout


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("#Insight Transform File V1.0\nTransform: AffineTransform_double_3_3\n", "E03", "ITK or ANTs"),
        ("type      = 1\nnxforms   = 1\n", "E03", "FreeSurfer"),
        ("1 0 0\n0 1 0\n0 0 1\n", "E03", "3 lines of 3 numbers"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 one\n", "E03", "something else than numbers"),
        ("", "E03", "0 lines"),
        ("1 0 0 0\n0 1 0 0\n0 0 nan 0\n0 0 0 1\n", "E07", "no numbers"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n5 6 7 1\n", "E07", "transposed"),
        ("1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1\n", "E07", "flattens"),
        ("-1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "E07", "mirrors"),
    ],
)  # fmt: skip
def test_bad_transforms(text: str, code: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text(text)
    assert words in problem_of(lambda: read_transform(path), code)
    check_refused(tmp_path, code, (words, "t.txt"), "--transform", path)


def test_odd_transforms(tmp_path: Path) -> None:
    check_refused(tmp_path, "E01", "no such file", "--transform", tmp_path / "none.txt")
    check_refused(tmp_path, "E01", "folder", "--transform", tmp_path)
    binary = tmp_path / "x.txt"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    check_refused(tmp_path, "E03", "is no text", "--transform", binary)
    path = tmp_path / "flirt.mat"
    path.write_text("1.5 0 0 0\n0 1 0 2000\n0 0 1 0\n0 0 0 1\n")
    for code, words in (("E03", "FSL"), ("E07", "stretches"), ("E07", "leaves the scanner")):
        check_accepted(tmp_path, code, "warning", words, "--transform", path)


def test_every_code_is_explained() -> None:
    assert list(CODES) == [f"E{number:02d}" for number in range(1, 24)]
