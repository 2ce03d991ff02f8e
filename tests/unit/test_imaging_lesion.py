"""Lesion measures on masks whose numbers follow from counting, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.lesion import measure
from tests.phantoms import Phantom

EDGES = (0.5, 1.0, 2.0)
AFFINE = np.diag([*EDGES, 1.0])


def blocks(cord_x: slice = slice(2, 9)) -> tuple[np.ndarray, np.ndarray]:
    """A cord of 7 x 9 x 10 voxels of 0.5 x 1 x 2 mm, and an empty lesion; axes right, anterior, superior."""
    cord = np.zeros((12, 11, 10), bool)
    cord[cord_x, 1:10] = True
    return np.zeros_like(cord), cord


def test_every_measure_of_a_block_by_counting():
    lesion, cord = blocks()
    lesion[4:7, 3:6, 2:5] = True
    row = measure(lesion, cord, AFFINE, method="sct").rows[0]
    assert row[names.VOLUME] == pytest.approx(27.0)
    assert row[names.LENGTH] == pytest.approx(3 * 2.0)
    assert row[names.WIDTH] == pytest.approx(3 * 1.0)
    assert row[names.DIAMETER] == pytest.approx(2 * np.sqrt(9 * 0.5 / np.pi))
    assert row[names.DAMAGE] == pytest.approx(9 / 63)
    assert row[names.MIDLINE_SLICE] == pytest.approx(11 - 5)  # SCT counts slices from the right
    assert row[names.MIDLINE_LENGTH] == pytest.approx(6.0)
    assert row[names.MIDLINE_WIDTH] == pytest.approx(3.0)
    assert row[names.DORSAL] == pytest.approx(2.0)
    assert row[names.VENTRAL] == pytest.approx(4.0)
    assert row[names.TOTAL] == pytest.approx(6.0)
    assert row[names.DORSAL_SHARE] == pytest.approx(100 * 2 / 6)
    single = {name: row[name] for name in row if name.startswith("slice_")}
    assert sorted(single) == sorted(
        f"slice_{x}_{side}_bridge_width [mm]" for x in (5, 6, 7) for side in ("dorsal", "ventral")
    )
    assert single["slice_7_ventral_bridge_width [mm]"] == pytest.approx(4.0)


def test_both_methods_agree_on_a_straight_block():
    lesion, cord = blocks()
    lesion[4:7, 3:6, 2:5] = True
    sct, mm = (measure(lesion, cord, AFFINE, method=method).rows[0] for method in ("sct", "mm"))
    for name in names.SCT_COLUMNS[1:]:
        assert mm[name] == pytest.approx(sct[name], abs=1e-6), name
    assert mm[names.NARROWEST] == pytest.approx(6.0)
    assert mm[names.CORD_AP] == pytest.approx(9.0)
    assert mm[names.BRIDGE_OF_CORD] == pytest.approx(100 * 6 / 9)
    assert mm[names.MIDLINE_AREA] == pytest.approx(18.0)
    assert mm[names.PRESERVED] == pytest.approx((63 - 9) * 0.5)
    assert mm[names.LENGTH_ERROR] == pytest.approx(2.0)
    assert mm[names.BRIDGE_ERROR] == pytest.approx(1.0)


def test_the_midsagittal_plane_lies_between_two_slices():
    lesion, cord = blocks(slice(2, 8))  # its middle lies between two slices
    lesion[5, 3:6, 2:5] = True  # in one of the two only
    row = measure(lesion, cord, AFFINE, method="sct").rows[0]
    assert row[names.MIDLINE_SLICE] == pytest.approx(6.5)
    assert row[names.MIDLINE_LENGTH] == pytest.approx(0.5 * 6.0)  # half of the soft values
    assert row[names.MIDLINE_WIDTH] == pytest.approx(0.5 * 3.0)
    assert row[names.DORSAL] == pytest.approx(2.0)  # the other slice has no lesion: this one is used
    assert row[names.VENTRAL] == pytest.approx(4.0)


def test_separate_minima_are_less_than_the_narrowest_bridge():
    lesion, cord = blocks()
    lesion[4:7, 3:6, 2:4] = True  # 2 dorsal, 4 ventral
    lesion[4:7, 4:8, 4:6] = True  # 3 dorsal, 2 ventral
    row = measure(lesion, cord, AFFINE).rows[0]
    assert (row[names.DORSAL], row[names.VENTRAL]) == (pytest.approx(2.0), pytest.approx(2.0))
    assert row[names.TOTAL] == pytest.approx(4.0)
    assert row[names.NARROWEST] == pytest.approx(5.0)


def test_a_lesion_beside_the_midline_gives_a_proxy_that_says_so():
    lesion, cord = blocks()
    lesion[2:4, 3:6, 2:5] = True
    for method in ("sct", "mm"):
        row = measure(lesion, cord, AFFINE, method=method).rows[0]
        assert row[names.TOTAL] == pytest.approx(9.0)
        assert row[names.DORSAL] == row[names.VENTRAL] == pytest.approx(4.5)
        assert str(row["bridge_kind"]).startswith("proxy")


def test_no_lesion_is_a_result():
    lesion, cord = blocks()
    for method in ("sct", "mm"):
        table = measure(lesion, cord, AFFINE, method=method)
        assert len(table.rows) == 1
        assert table.total["lesion_present"] is False
        assert table.total[names.VOLUME] == 0.0
        assert table.total[names.TOTAL] == pytest.approx(9.0)
        assert str(table.total["bridge_kind"]).startswith("proxy")
    cord[:, 9, 7] = False
    assert measure(lesion, cord, AFFINE, method="sct", empty_slice=7).total[names.TOTAL] == pytest.approx(
        8.0, abs=1e-3
    )
    with pytest.raises(BadInput, match="holds no cord"):
        measure(lesion, cord, AFFINE, empty_slice=10)


def test_what_lies_outside_the_cord_is_cut_off_and_counted():
    lesion, cord = blocks()
    lesion[4:7, 8:11, 2:5] = True  # one of three rows outside
    table = measure(lesion, cord, AFFINE)
    assert table.total[names.VOLUME] == pytest.approx(18.0)
    assert any("9 voxels" in note and "33.3 %" in note for note in table.notes)
    assert table.total[names.VENTRAL] == pytest.approx(0.0)
    lesion[4:7, 8, 2:5] = False
    lesion[4:7, 10, 5:9] = True
    with pytest.raises(BadInput, match="do not belong together"):
        measure(lesion, cord, AFFINE)


def test_voxels_joined_by_an_edge_are_one_lesion_by_a_corner_two():
    lesion, cord = blocks()
    lesion[5, 4, 4] = lesion[6, 5, 4] = True
    assert len(measure(lesion, cord, AFFINE).lesions) == 1
    lesion[6, 5, 4] = False
    lesion[6, 5, 5] = True
    table = measure(lesion, cord, AFFINE, method="sct")
    assert [row["label"] for row in table.rows] == [1, 2, "total"]
    assert table.total[names.LENGTH] == pytest.approx(4.0)
    assert table.total[names.VOLUME] == pytest.approx(2.0)


def test_lesions_apart_are_measured_one_by_one_and_as_a_whole():
    lesion, cord = blocks()
    lesion[4:7, 3:6, 1:3] = True
    lesion[4:7, 5:7, 6:9] = True
    table = measure(lesion, cord, AFFINE)
    assert [row[names.LENGTH] for row in table.rows] == pytest.approx([4.0, 6.0, 10.0])
    assert table.total[names.IMLL] == pytest.approx(16.0)  # with the gap
    assert table.total[names.DORSAL] == pytest.approx(2.0)
    assert table.total[names.VENTRAL] == pytest.approx(3.0)


def test_without_a_cord_there_is_a_volume_and_nothing_else():
    lesion, _ = blocks()
    lesion[4:7, 3:6, 2:5] = True
    for method in ("sct", "mm"):
        table = measure(lesion, None, AFFINE, method=method)
        assert table.total[names.VOLUME] == pytest.approx(27.0)
        assert names.LENGTH not in table.columns
        assert "cord mask" in str(table.total["absent"])


def test_a_fringe_of_shares_belongs_to_its_lesion():
    lesion = np.zeros((12, 11, 10))
    _, cord = blocks()
    lesion[5, 4, 4:6] = 1.0
    lesion[5, 5, 4:6] = 0.25
    lesion[8, 8, 0] = 0.1  # touches nothing
    table = measure(lesion, cord, AFFINE)
    assert len(table.lesions) == 1
    assert table.total[names.VOLUME] == pytest.approx(2.5)
    assert any("0.1 mm3" in note for note in table.notes)
    faint = measure(0.4 * (lesion > 0.5), cord, AFFINE)
    assert faint.total[names.VOLUME] == pytest.approx(0.8)
    assert faint.total[names.LENGTH] == 0.0
    assert any("reaches one half" in note for note in faint.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lesion": np.full((12, 11, 10), 2.0)}, "outside 0 to 1"),
        ({"lesion": np.full((12, 11, 10), np.nan)}, "not finite"),
        ({"lesion": np.full((12, 11, 10), 0.5), "method": "sct"}, "holds shares"),
        ({"lesion": np.zeros((12, 11, 9))}, "different grids"),
        ({"lesion": np.zeros((12, 11))}, "not 3-D"),
        ({"cord": np.zeros((12, 11, 10))}, "cord mask is empty"),
        ({"affine": np.diag([1.0, 0.0, 1.0, 1.0])}, "singular"),
        ({"affine": np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])}, "right angles"),
        ({"dorsal": "S"}, "dorsal side"),
        ({"method": "sctt"}, "method is unknown"),
        ({"extrusion": "axisymmetric"}, "this is a volume"),
        ({"extrusion": "cylinder"}, "no such extrusion"),
    ],
)
def test_bad_input_is_refused_in_words(change, words):
    lesion, cord = blocks()
    lesion[5, 4, 4] = True
    given_ = {"lesion": lesion, "cord": cord, "affine": AFFINE, "dorsal": "P", "method": "mm"} | change
    with pytest.raises(BadInput, match=words):
        measure(given_.pop("lesion"), given_.pop("cord"), given_.pop("affine"), **given_)


def test_a_cord_along_the_wrong_axis_is_refused():
    lesion, cord = np.zeros((2, 20, 40, 12), bool)
    for y in range(40):  # runs forwards, hardly upwards
        cord[5:12, y, 2 + y // 8 : 8 + y // 8] = True
    lesion[8, 20, 7] = True
    with pytest.raises(BadInput, match="no usable centreline"):
        measure(lesion, cord, np.diag([1.0, 1.0, 1.0, 1.0]))


def test_dorsal_is_where_it_is_said_to_be():
    lesion, cord = blocks()
    lesion[4:7, 3:6, 2:5] = True
    person, rodent = measure(lesion, cord, AFFINE).total, measure(lesion, cord, AFFINE, dorsal="A").total
    assert rodent[names.DORSAL] == pytest.approx(person[names.VENTRAL])
    assert rodent[names.VENTRAL] == pytest.approx(person[names.DORSAL])
    # the same animal on its side, back to the left: x of the scan is its dorso-ventral axis
    lying, lying_affine = lesion.transpose(1, 0, 2), AFFINE[[1, 0, 2, 3]][:, [1, 0, 2, 3]]
    side = measure(lying, cord.transpose(1, 0, 2), lying_affine, dorsal="L").total
    assert side[names.DORSAL] == pytest.approx(person[names.DORSAL])
    assert side[names.VENTRAL] == pytest.approx(person[names.VENTRAL])


# ------------------------------------------------------------------------------------------ 2-D sections


def test_a_section_has_lengths_and_bridges_but_no_volume():
    phantom = Phantom(anterior=0.5)
    lesion, cord, affine = phantom.shares((0.5, 0.5, 0.5))
    middle = slice(lesion.shape[0] // 2, lesion.shape[0] // 2 + 1)
    affine = affine @ np.array([[1, 0, 0, middle.start], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    section = measure(lesion[middle], cord[middle], affine).total
    assert section[names.LENGTH] == pytest.approx(18.0, abs=0.25)
    assert section[names.MIDLINE_AREA] == pytest.approx(phantom.midsagittal_area, rel=0.01)
    assert section[names.DORSAL] == pytest.approx(phantom.dorsal_bridge, abs=0.05)
    assert section[names.VENTRAL] == pytest.approx(phantom.ventral_bridge, abs=0.05)
    assert all(section[name] is None for name in names.NEED_VOLUME)
    assert "extrusion" in str(section["absent"])
    assert str(section["bridge_kind"]).startswith("proxy")
    hard = measure(lesion[middle] > 0.5, cord[middle] > 0.5, affine, method="sct").rows[0]
    assert hard[names.VOLUME] is None and hard[names.DAMAGE] is None
    assert hard[names.DORSAL] == pytest.approx(phantom.dorsal_bridge, abs=0.5)


@pytest.mark.parametrize("thickness", [0.5, 4.0])
def test_models_of_extrusion(thickness):
    phantom = Phantom()  # a body of ellipses with axes 1.5 : 1
    lesion, cord, affine = phantom.shares((0.25, 0.25, 0.5))
    middle = slice(lesion.shape[0] // 2, lesion.shape[0] // 2 + 1)
    affine = affine.copy()
    affine[0, 0] = thickness  # the nominal thickness must not matter
    section = lesion[middle], cord[middle]
    body = measure(*section, affine, extrusion="elliptic:ratio=1.5").total
    assert body[names.VOLUME] == pytest.approx(phantom.volume, rel=0.01)
    assert body[names.DAMAGE] == pytest.approx(phantom.damage_ratio, rel=0.01)
    assert body[names.CORD_AREA] == pytest.approx(24 * np.pi, rel=0.01)
    assert body["extrusion"] == "elliptic:ratio=1.5"
    round_ = measure(*section, affine, extrusion="axisymmetric").total
    assert round_[names.VOLUME] == pytest.approx(phantom.volume / 1.5, rel=0.01)
    slab = measure(*section, affine, extrusion="extrude:mm=3").total
    assert slab[names.VOLUME] == pytest.approx(3 * phantom.midsagittal_area, rel=0.01)
    assert slab[names.DAMAGE] == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("slices", [2, 3])
def test_a_few_thick_slices_are_a_short_cord_and_not_one_that_lies_down(slices):
    phantom = Phantom(cord_rl=7.0, cord_ap=3.5, lesion_rl=3.0, lesion_ap=2.0)
    lesion, cord, affine = phantom.shares((0.5, 0.5, 3.0))
    part = slice(lesion.shape[2] // 2 - 1, lesion.shape[2] // 2 - 1 + slices)
    row = measure(lesion[:, :, part], cord[:, :, part], affine).total
    assert row[names.DORSAL] == pytest.approx(1.5, abs=0.1)
    assert row[names.CORD_AREA] == pytest.approx(7 * 3.5 * np.pi, rel=0.005)


def test_a_single_axial_slice_has_areas_but_no_length():
    lesion, cord = blocks()
    lesion[4:7, 3:6, 2:5] = True
    row = measure(lesion[:, :, 3:4], cord[:, :, 3:4], AFFINE).total
    assert row[names.DAMAGE] == pytest.approx(9 / 63)
    assert row[names.DORSAL] == pytest.approx(2.0)
    assert row[names.LENGTH] is None and row[names.VOLUME] is None
    with pytest.raises(BadInput, match="coronal"):
        measure(lesion[:, 4:5], cord[:, 4:5], AFFINE)


# --------------------------------------------------------------------------------------------- real files


def masks(folder: Path, lesion: str, cord: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    nibabel = pytest.importorskip("nibabel")
    files = [nibabel.load(folder / name) for name in (lesion, cord)]
    data = [np.asanyarray(file.dataobj) > 0.5 for file in files]
    return data[0], data[1], files[1].affine


@pytest.mark.mri
def test_the_painted_lesion_of_sct(shared_data):
    folder = shared_data / "mri" / "sct_testing" / "t2_fake_lesion"
    lesion, cord, affine = masks(folder, "t2_fake_lesion_lesion_seg.nii.gz", "t2_fake_lesion_sc_seg.nii.gz")
    sct = measure(lesion, cord, affine, method="sct")
    assert len(sct.lesions) == 1
    assert sct.total[names.VOLUME] == pytest.approx(83.456, abs=5e-4)
    assert sct.rows[0][names.DAMAGE] == pytest.approx(0.28409, abs=5e-6)
    mm = measure(lesion, cord, affine).total
    assert mm[names.VOLUME] == pytest.approx(83.456, abs=5e-4)
    assert mm[names.LENGTH] == pytest.approx(sct.rows[0][names.LENGTH], abs=mm[names.LENGTH_ERROR])
    # the axial slices cut this cord at 24 degrees; a plane normal to it holds less lesion than a slice
    assert mm[names.DAMAGE] < sct.rows[0][names.DAMAGE]
    for side in (names.DORSAL, names.VENTRAL):
        assert mm[side] == pytest.approx(sct.rows[0][side], abs=mm[names.BRIDGE_ERROR])


@pytest.mark.mri
@pytest.mark.parametrize("subject", ["sub-01", "sub-02"])
def test_sessions_of_the_trial_example_shrink_by_both_methods(shared_data, subject):
    folder = shared_data / "mri" / "trial_example" / "derivatives" / "labels" / subject
    sessions = sorted(folder.rglob("*label-lesion_seg.nii.gz"))
    lengths, bridges = [], []
    for path in sessions:
        data = masks(path.parent, path.name, path.name.replace("lesion_seg", "SC_seg"))
        sct, mm = measure(*data, method="sct").rows[0], measure(*data).total
        assert mm[names.VOLUME] == pytest.approx(sct[names.VOLUME])
        assert abs(mm[names.LENGTH] - sct[names.LENGTH]) <= mm[names.LENGTH_ERROR]
        assert abs(mm[names.DORSAL] - sct[names.DORSAL]) <= mm[names.BRIDGE_ERROR]
        assert mm[names.DAMAGE] == pytest.approx(sct[names.DAMAGE], abs=0.01)
        lengths.append(mm[names.LENGTH])
        bridges.append(mm[names.NARROWEST])
    if (
        subject == "sub-01"
    ):  # the other patient's second session is on another grid, and its lesion much as it was
        assert lengths == sorted(lengths, reverse=True)
    assert bridges == sorted(bridges)
