"""Shape, levels, compression and norms of the cord."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.centreline import slice_centreline
from cordgraft_analysis.imaging.compression import compression, slice_of_lesion, slices_of_level
from cordgraft_analysis.imaging.cord import shape
from cordgraft_analysis.imaging.normative import NORMS, atrophy_percent, norm_of, zscore
from tests.phantoms import Phantom

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def tube(narrow: float = 1.0, slices: int = 40) -> np.ndarray:
    """Shares of an elliptic cord of 12 x 8 mm in voxels of 1 x 1 x 2 mm, narrower A-P on slice 20."""
    fine = (np.arange(20 * 16) + 0.5) / 16 - 10.0
    x, y = fine[:, None], fine[None, :]
    result = np.zeros((20, 20, slices))
    for z in range(slices):
        depth = 4.0 * (narrow if z == 20 else 1.0)
        inside = (x / 6.0) ** 2 + (y / depth) ** 2 <= 1.0
        result[:, :, z] = inside.reshape(20, 16, 20, 16).mean(axis=(1, 3))
    return result


# ---------------------------------------------------------------------------------------- the centreline


def test_a_straight_tilted_line_is_found_with_its_angles():
    mask = np.zeros((40, 40, 20), bool)
    for z in range(20):
        mask[8 + z : 13 + z, 14 + z // 2 : 19 + z // 2, z] = True
    line = slice_centreline(mask, (0.5, 1.0, 1.0))
    middle = slice(3, 17)
    np.testing.assert_allclose(np.rad2deg(line.angle_ap[middle]), np.rad2deg(np.arctan(0.5)), atol=0.01)
    np.testing.assert_allclose(np.rad2deg(line.angle_rl[middle]), np.rad2deg(np.arctan(0.5)), atol=1.0)
    np.testing.assert_allclose(line.angle_sag, np.abs(line.angle_rl))
    np.testing.assert_allclose(np.cos(line.angle3d), line.tangent[:, 2])
    np.testing.assert_allclose((line.tangent**2).sum(axis=1), 1.0)


@pytest.mark.parametrize("slices", [1, 2, 3, 4])
def test_few_slices_have_a_centreline_too(slices):
    mask = np.zeros((9, 9, slices + 2), bool)
    mask[2:6, 3:8, 1 : slices + 1] = True
    line = slice_centreline(mask, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(line.centre[0, 1 : slices + 1], 3.5)
    np.testing.assert_allclose(line.angle3d[1 : slices + 1], 0.0, atol=1e-9)
    assert np.isnan(line.angle3d[0]) and np.isnan(line.angle3d[-1])
    with pytest.raises(ValueError, match="empty"):
        slice_centreline(np.zeros_like(mask), (1.0, 1.0, 1.0))


# ------------------------------------------------------------------------------------------------ shape


def test_area_of_a_straight_binary_cord_is_its_voxels():
    found = shape(tube() > 0.5, AFFINE)
    np.testing.assert_allclose(found.values["area"], (tube() > 0.5)[:, :, 0].sum(), rtol=1e-9)
    np.testing.assert_allclose(found.values["length"], 2.0)


def test_shape_of_an_ellipse():
    found = shape(tube(), AFFINE)
    value = {name: float(found.values[name][10]) for name in found.values}
    assert value["area"] == pytest.approx(24 * np.pi, rel=0.003)
    assert value["diameter_AP"] == pytest.approx(8.0, abs=0.1)
    assert value["diameter_AP_ellipse"] == pytest.approx(8.0, abs=0.1)
    assert value["diameter_RL"] == pytest.approx(12.0, abs=0.1)
    assert value["eccentricity"] == pytest.approx(np.sqrt(1 - (8 / 12) ** 2), abs=0.01)
    assert value["solidity"] > 0.97
    assert value["orientation"] == pytest.approx(0.0, abs=0.5)
    assert found.values["length"].sum() == pytest.approx(80.0)


@pytest.mark.parametrize("tilt", [(15.0, 0.0), (0.0, 15.0), (24.0, 0.0)])
def test_shape_is_corrected_for_a_tilt(tilt):
    phantom = Phantom(tilt_forward=tilt[0], tilt_right=tilt[1])
    _, cord, affine = phantom.shares((0.5, 0.5, 1.0), fine=4)
    found = shape(cord, affine)
    inner = slice(5, -5)
    np.testing.assert_allclose(found.values["area"][inner], 24 * np.pi, rtol=0.01)
    np.testing.assert_allclose(found.values["diameter_AP"][inner], 8.0, atol=0.2)
    np.testing.assert_allclose(found.values["diameter_RL"][inner], 12.0, atol=0.2)
    degrees = "angle_RL" if tilt[0] else "angle_AP"
    np.testing.assert_allclose(np.abs(found.values[degrees][inner]), max(tilt), atol=0.3)


def test_a_turned_cord_keeps_its_diameters():
    x, y = np.meshgrid(np.arange(-10, 10.1, 0.25), np.arange(-10, 10.1, 0.25), indexing="ij")
    c, s = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))
    flat = ((c * x + s * y) / 6.0) ** 2 + ((c * y - s * x) / 4.0) ** 2 <= 1.0
    found = shape(np.repeat(flat[:, :, None], 6, axis=2), np.diag([0.25, 0.25, 1.0, 1.0]))
    assert abs(found.values["orientation"][3]) == pytest.approx(20.0, abs=0.5)
    assert found.values["diameter_AP"][3] == pytest.approx(8.0, abs=0.3)
    assert found.values["diameter_RL"][3] == pytest.approx(12.0, abs=0.2)


def test_solidity_sees_a_notch():
    whole = np.zeros((20, 20, 4), bool)
    whole[4:16, 4:16] = True
    notched = whole.copy()
    notched[8:12, 10:16] = False
    full, cut = shape(whole, AFFINE).values["solidity"][1], shape(notched, AFFINE).values["solidity"][1]
    assert full == pytest.approx(1.0, abs=0.01)
    assert cut == pytest.approx(1 - 24 / 144, abs=0.01)


def test_a_slice_with_two_pieces_has_no_shape_and_gaps_are_told():
    mask = tube() > 0.5
    mask[1:3, 1:3, 7] = True
    mask[:, :, 12] = False
    found = shape(mask, AFFINE)
    at = int(np.flatnonzero(found.slices == 7)[0])
    assert np.isnan(found.values["area"][at])
    assert found.values["length"][at] > 0
    assert any("slices 7" in note for note in found.notes)
    assert any("gaps at slices 12" in note for note in found.notes)
    assert found.slice_rows()[at]["MEAN(area)"] is None


def test_levels_have_means_and_deviations_of_their_slices():
    cord = tube(narrow=0.5)
    levels = np.zeros(cord.shape)
    levels[:, :, 25:35], levels[:, :, 18:22] = 3.0, 4.0
    found = shape(cord, AFFINE, levels)
    rows = found.level_rows()
    assert [row["VertLevel"] for row in rows] == [3, 4]
    assert rows[0]["Slice (I->S)"] == "25:34"
    areas = found.values["area"][18:22]
    assert rows[1]["MEAN(area)"] == pytest.approx(areas.mean())
    assert rows[1]["STD(area)"] == pytest.approx(areas.std())
    assert rows[1]["SUM(length)"] == pytest.approx(8.0)
    header = found.csv(per_level=True).splitlines()[0]
    assert header.startswith("Slice (I->S),VertLevel,MEAN(area),STD(area),MEAN(angle_AP)")
    assert header.endswith("SUM(length)")


@pytest.mark.parametrize(
    ("cord", "levels", "words"),
    [
        (np.zeros((5, 5, 5)), None, "empty"),
        (np.ones((1, 5, 5)), None, "no cross-section"),
        (np.full((5, 5, 5), 3.0), None, "outside 0 to 1"),
        (np.ones((5, 5, 5)), np.ones((5, 5, 4)), "different grids"),
        (np.ones((5, 5, 5)), np.full((5, 5, 5), 1.5), "no whole numbers"),
    ],
)
def test_bad_cords_and_levels_are_refused(cord, levels, words):
    with pytest.raises(BadInput, match=words):
        shape(cord, AFFINE, levels)


# ------------------------------------------------------------------------------------------ compression


def test_compression_of_a_narrow_slice():
    found = shape(tube(narrow=0.5), AFFINE)
    pressed = compression(found, [20])
    assert pressed.above == pytest.approx(8.0, abs=0.1)
    assert pressed.at == pytest.approx(4.0, abs=0.1)
    assert pressed.percent == pytest.approx(50.0, abs=1.0)
    assert np.isnan(pressed.normalised_percent)  # no levels
    assert pressed.notes == ()
    assert compression(found, [20], metric="area").percent == pytest.approx(50.0, abs=0.5)


def test_the_reference_begins_ten_mm_away_and_is_twenty_long():
    found = shape(tube(), AFFINE)
    found.values["diameter_AP"][:] = np.arange(40.0)
    pressed = compression(found, [20])
    assert pressed.above == pytest.approx(np.arange(25, 35).mean())  # 10 to 28 mm above, steps of 2 mm
    assert pressed.below == pytest.approx(np.arange(6, 16).mean())
    assert pressed.percent == pytest.approx(100 * (1 - 20 / ((29.5 + 10.5) / 2)))


def test_compression_normalised_by_level():
    cord = tube()
    levels = np.zeros(cord.shape)
    levels[:, :, :18], levels[:, :, 18:22], levels[:, :, 22:] = 7, 6, 5
    pressed = compression(shape(cord, AFFINE, levels), [20])
    norm = {level: norm_of(level).ap for level in (5, 6, 7)}
    expected = 100 * (1 - (1 / norm[6]) / ((1 / norm[5] + 1 / norm[7]) / 2))
    assert pressed.percent == pytest.approx(0.0, abs=1e-6)
    assert pressed.normalised_percent == pytest.approx(expected, abs=1e-6)
    assert pressed.row()["compression_level"] == 6


def test_compression_near_the_end_says_what_is_missing():
    found = shape(tube(slices=24), AFFINE)
    pressed = compression(found, [20])
    assert np.isnan(pressed.percent)
    assert any("above" in note for note in pressed.notes)
    assert pressed.row()["diameter_AP_ratio"] is None


def test_compression_places():
    cord = tube(narrow=0.5)
    levels = np.zeros(cord.shape)
    levels[:, :, 18:22] = 12
    found = shape(cord, AFFINE, levels)
    assert slices_of_level(found, "T5") == [18, 19, 20, 21]
    assert slices_of_level(found, "12") == [18, 19, 20, 21]
    lesion = np.zeros(cord.shape)
    lesion[9:11, 9:11, 17:24] = 1
    assert slice_of_lesion(found, lesion, AFFINE) == 20
    for call, words in (
        (lambda: slices_of_level(found, "C9"), "no such"),
        (lambda: slices_of_level(found, "C4"), "no slice at this"),
        (lambda: slice_of_lesion(found, 0 * lesion, AFFINE), "no slice holds lesion"),
        (lambda: compression(found, [99]), "no cord on a slice"),
        (lambda: compression(found, [20], metric="angle_AP"), "cannot be compressed"),
        (lambda: compression(found, [20], extent_mm=0.0), "not positive"),
        (lambda: compression(found, [20], sex="X"), "this sex"),
    ):
        with pytest.raises(BadInput, match=words):
            call()


# ------------------------------------------------------------------------------------------------ norms


def test_z_scores_and_atrophy():
    assert zscore(71.65, 2) == pytest.approx(0.0)
    assert zscore(71.65 - 6.88, 2) == pytest.approx(-1.0)
    assert zscore(70.0, 5, "F") > zscore(70.0, 5, "M")  # women's cords are smaller
    assert atrophy_percent(63.0, 70.0) == pytest.approx(10.0)
    assert [norm_of(level).biased_low for level in (10, 11, 12)] == [False, True, True]
    for call in (lambda: zscore(40.0, 13), lambda: zscore(40.0, 3, "x"), lambda: atrophy_percent(40.0, 0.0)):
        with pytest.raises(BadInput):
            call()


def test_norms_are_those_of_the_published_data(shared_data):
    path = shared_data / "mri" / "normative" / "spine_generic_morphometry_by_vertebral_level.csv"
    rows = list(csv.DictReader(path.open()))
    assert len(rows) == sum(len(levels) for levels in NORMS.values())
    for row in rows:
        norm = norm_of(int(row["level"]), None if row["sex"] == "all" else row["sex"])
        assert norm.people == int(row["n"])
        pairs = [(norm.area, "area_mean"), (norm.area_sd, "area_sd"), (norm.ap, "diameter_AP_mean")]
        pairs += [
            (norm.ap_sd, "diameter_AP_sd"),
            (norm.rl, "diameter_RL_mean"),
            (norm.rl_sd, "diameter_RL_sd"),
        ]
        for value, name in pairs:
            assert value == pytest.approx(float(row[name]), abs=0.0051), (row["level"], row["sex"], name)


# ------------------------------------------------------------------------------------------- real files


@pytest.mark.mri
def test_the_healthy_cord_of_sct(shared_data):
    nibabel = pytest.importorskip("nibabel")
    folder = shared_data / "mri" / "sct_testing" / "t2"
    cord = nibabel.load(folder / "t2_seg-manual.nii.gz")
    levels = nibabel.load(folder / "t2_seg-manual_labeled.nii.gz")
    mask = np.asanyarray(cord.dataobj) > 0.5
    found = shape(mask, cord.affine, np.asanyarray(levels.dataobj))
    # areas times lengths are the voxels again: the two angle corrections cancel
    assert (found.values["area"] * found.values["length"]).sum() == pytest.approx(mask.sum(), rel=1e-3)
    rows = found.level_rows()
    assert [row["VertLevel"] for row in rows] == [2, 3, 4, 5]
    for row in rows:
        assert abs(zscore(row["MEAN(area)"], row["VertLevel"])) < 2.0
        assert row["MEAN(diameter_RL)"] > row["MEAN(diameter_AP)"]
        assert 0.9 < row["MEAN(solidity)"] <= 1.0
    assert abs(compression(found, [27]).percent) < 10.0


@pytest.mark.mri
def test_a_cord_of_shares_keeps_its_area_on_a_coarser_grid(shared_data):
    nibabel = pytest.importorskip("nibabel")
    file = nibabel.load(shared_data / "mri" / "amu7t" / "AMU7T_sc_crop.nii.gz")
    data = np.asanyarray(file.dataobj)
    fine = np.clip(data, 0.0, 1.0)[:, :, 60:160]
    affine = file.affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 60], [0, 0, 0, 1.0]])
    coarse = fine[:104, :72].reshape(26, 4, 18, 4, 20, 5).mean(axis=(1, 3, 5))
    larger = affine @ np.diag([4.0, 4.0, 5.0, 1.0])
    larger[:3, 3] = (affine @ np.array([1.5, 1.5, 2.0, 1.0]))[:3]
    one = shape(fine, affine).values["area"]
    other = shape(coarse, larger).values["area"]
    assert np.nanmean(other[1:-1]) == pytest.approx(np.nanmean(one[5:-5]), rel=0.01)
