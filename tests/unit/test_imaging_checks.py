"""Checks of masks: grids, lesions and cords, their sizes and the side of the back (E08, E11, E13 to E15, E19)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.checks import (
    check_cord,
    check_lesion,
    cord_tilt_deg,
    pieces_and_gaps,
    same_grid,
)
from cordgraft_analysis.imaging.findings import CODES, refuse_errors
from cordgraft_analysis.imaging.load import load_image
from cordgraft_analysis.imaging.species import Dorsal, check_size, dorsal_axis
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
    volume_of,
    write,
)

nibabel = pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


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
        assert "Measures allow for the angle" in imaging("check", path).output.replace("\n", " ")
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


def test_every_code_is_explained() -> None:
    assert list(CODES) == [f"E{number:02d}" for number in range(1, 24)]
