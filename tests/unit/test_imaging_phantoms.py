"""Made lesions of known size: what true distances give for shares and for whole voxels, straight and tilted."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.cord import shape
from cordgraft_analysis.imaging.lesion import measure
from cordgraft_analysis.imaging.profile import profile
from tests.phantoms import Phantom

ISOTROPIC, THICK_AXIAL, THICK_SAGITTAL = (0.5, 0.5, 0.5), (0.5, 0.5, 3.0), (3.0, 0.5, 0.5)
TILTS = [(0.0, 0.0), (12.0, 0.0), (24.0, 0.0), (0.0, 20.0), (15.0, 10.0)]


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("spacing", [ISOTROPIC, THICK_AXIAL, THICK_SAGITTAL])
def test_shares_give_volume_and_area_within_three_per_mille(tilt, spacing):
    phantom = Phantom(anterior=0.5, tilt_forward=tilt[0], tilt_right=tilt[1])
    lesion, cord, affine = phantom.shares(spacing, shift=0.3)
    row = measure(lesion, cord, affine).total
    assert row[names.VOLUME] == pytest.approx(phantom.volume, rel=0.003)
    if spacing != THICK_SAGITTAL:
        assert row[names.CORD_AREA] == pytest.approx(24.0 * np.pi, rel=0.003)
    # a lesion's largest section is seen through the thickness of a slice: 3 mm blur it by a few per cent
    blur = {ISOTROPIC: 0.005, THICK_AXIAL: 0.04, THICK_SAGITTAL: 0.02}[spacing]
    assert row[names.DAMAGE] == pytest.approx(phantom.damage_ratio, rel=blur)


@pytest.mark.parametrize("tilt", TILTS)
def test_shares_give_distances_finer_than_a_voxel(tilt):
    phantom = Phantom(anterior=0.5, tilt_forward=tilt[0], tilt_right=tilt[1])
    lesion, cord, affine = phantom.shares(ISOTROPIC, shift=0.3)
    row = measure(lesion, cord, affine).total
    assert row[names.DORSAL] == pytest.approx(phantom.dorsal_bridge, abs=0.06)
    assert row[names.VENTRAL] == pytest.approx(phantom.ventral_bridge, abs=0.06)
    assert row[names.NARROWEST] == pytest.approx(4.0, abs=0.1)
    assert row[names.WIDTH] == pytest.approx(4.0, abs=0.06)
    assert row[names.CORD_AP] == pytest.approx(8.0, abs=0.1)
    assert row[names.LENGTH] == pytest.approx(18.0, abs=0.25)  # the pointed ends fill less than half a voxel
    assert row[names.MIDLINE_AREA] == pytest.approx(phantom.midsagittal_area, rel=0.01)
    assert row[names.DIAMETER] == pytest.approx(2 * np.sqrt(6.0), rel=0.005)


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), ISOTROPIC, THICK_AXIAL])
def test_whole_voxels_stay_within_the_stated_uncertainty(tilt, spacing):
    phantom = Phantom(anterior=0.5, tilt_forward=tilt[0], tilt_right=tilt[1])
    lesion, cord, affine = phantom.shares(spacing, shift=0.3)
    row = measure(lesion >= 0.5, cord >= 0.5, affine).total
    assert abs(row[names.LENGTH] - 18.0) <= row[names.LENGTH_ERROR]
    assert abs(row[names.DORSAL] - phantom.dorsal_bridge) <= row[names.BRIDGE_ERROR]
    assert abs(row[names.VENTRAL] - phantom.ventral_bridge) <= row[names.BRIDGE_ERROR]


def test_a_tilt_changes_true_distances_less_than_those_of_slices():
    """A round lesion in a cord that the slices cut at 24 degrees: a slice holds less of it than a normal plane."""
    phantom = Phantom(lesion_rl=2.5, lesion_ap=2.5, lesion_along=2.5, tilt_forward=24.0)
    lesion, cord, affine = phantom.shares((0.25, 0.25, 0.25), fine=2, shift=0.5)
    lesion, cord = lesion >= 0.5, cord >= 0.5
    sct, mm = measure(lesion, cord, affine, method="sct").rows[0], measure(lesion, cord, affine).total
    assert mm[names.WIDTH] == pytest.approx(5.0, abs=0.3)
    assert sct[names.WIDTH] < mm[names.WIDTH] - 0.2
    assert sct[names.LENGTH] > mm[names.LENGTH] + 0.2


def test_known_bias_of_whole_voxels():
    """The ellipse of 24 pi mm2 counted as voxels, and as shares, at three sizes."""
    counted, summed = [], []
    for spacing in ((0.5, 0.5, 2.0), (1.0, 1.0, 2.0), (3.0, 0.5, 2.0)):
        _, cord, affine = Phantom().shares(spacing, fine=8, shift=0.3)
        counted.append(float(np.nanmedian(shape(cord >= 0.5, affine).values["area"])) / (24 * np.pi))
        summed.append(float(np.nanmedian(shape(cord, affine).values["area"])) / (24 * np.pi))
    assert summed == pytest.approx([1.0, 1.0, 1.0], abs=0.003)
    assert max(abs(one - 1.0) for one in counted) > 0.01


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (24.0, 0.0), (15.0, 10.0)])
def test_a_profile_conserves_the_lesion_and_starts_at_its_centroid(tilt):
    phantom = Phantom(tilt_forward=tilt[0], tilt_right=tilt[1])
    lesion, cord, affine = phantom.shares((0.5, 0.5, 1.0), shift=0.3)
    found = profile(lesion, cord, affine, step_mm=1.0)
    assert found.lesion_area.sum() * found.step_mm == pytest.approx(phantom.volume, rel=0.005)
    centroid = (found.s_mm * found.lesion_area).sum() / found.lesion_area.sum()
    assert centroid == pytest.approx(0.0, abs=0.02)
    assert 0.0 in found.s_mm
    inner = np.isfinite(found.csa)
    assert inner.sum() > 20
    np.testing.assert_allclose(found.csa[inner], 24 * np.pi, rtol=0.01)
    np.testing.assert_allclose(found.ap[inner], 8.0, atol=0.15)
    np.testing.assert_allclose(found.rl[inner], 12.0, atol=0.15)
    within = found.s_mm[:, None] + (np.arange(50) + 0.5) / 50 - 0.5  # the mean over each piece
    truth = phantom.damage_ratio * np.maximum(0.0, 1.0 - (within / 9.0) ** 2).mean(axis=1)
    np.testing.assert_allclose(found.damage_ratio[inner], truth[inner], atol=0.01)


@pytest.mark.parametrize("left", [0.5, 0.1])
def test_slices_that_are_filled_in_part_are_no_cross_section(left):
    """The end slices of a mask that was resampled: their voxels hold a share of what they held."""
    lesion, cord, affine = Phantom().shares((0.5, 0.5, 1.0), shift=0.3)
    cut = cord.copy()
    held = np.flatnonzero(cord.any(axis=(0, 1)))
    cut[:, :, held[[0, -1]]] *= left
    found, usual = (profile(lesion, mask, affine, step_mm=1.0) for mask in (cut, cord))
    known = np.isfinite(found.csa)
    assert usual.csa[np.isfinite(usual.csa)].size - 4 <= known.sum() > 20
    np.testing.assert_allclose(found.csa[known], 24 * np.pi, rtol=0.01)
    np.testing.assert_allclose(found.damage_ratio[known], usual.damage_ratio[known], atol=0.01)


def test_a_profile_stops_where_the_cord_leaves_through_the_side_of_the_image():
    """A tilted cord that leaves a narrow field of view is cut along its length: less and less is left of a slice."""
    phantom = Phantom(tilt_forward=24.0, lesion_along=5.0)
    lesion, cord, affine = phantom.shares((0.5, 0.5, 1.0), shift=0.3)
    limit = np.searchsorted(affine[1, 3] + affine[1, 1] * np.arange(cord.shape[1]), 7.0)
    found = profile(lesion[:, :limit], cord[:, :limit], affine)
    known = np.isfinite(found.csa)
    assert known.sum() >= 10 and not known[-1]
    np.testing.assert_allclose(found.csa[known], 24 * np.pi, rtol=0.02)
    assert found.lesion_area.sum() * found.step_mm == pytest.approx(phantom.volume, rel=0.005)


def test_a_profile_of_no_lesion_and_of_another_step():
    lesion, cord, affine = Phantom().shares((1.0, 1.0, 2.0), fine=3)
    found = profile(np.zeros_like(lesion), cord, affine, step_mm=2.5)
    assert not found.lesion_present
    assert found.lesion_area.sum() == 0.0
    np.testing.assert_allclose(np.diff(found.s_mm), 2.5)
    assert found.csv().splitlines()[0] == "s [mm],csa [mm2],lesion_area [mm2],damage_ratio [],ap [mm],rl [mm]"


def test_a_bent_cord_is_measured_along_its_bend():
    """A lesion of even section over a quarter of a ring: its length is that of the arc, its volume the sum."""
    radius, edge = 40.0, 0.5
    x, y, z = np.meshgrid(
        np.arange(-8, 8.01, edge), np.arange(20, 48.01, edge), np.arange(-30, 30.01, edge), indexing="ij"
    )
    across = np.hypot(y, z) - radius
    angle = np.arctan2(z, y)
    cord = (x / 6) ** 2 + (across / 4) ** 2 <= 1
    lesion = ((x / 3) ** 2 + (across / 2) ** 2 <= 1) & (np.abs(angle) <= 0.25)
    affine = np.diag([edge, edge, edge, 1.0])
    row = measure(lesion, cord, affine).total
    assert row[names.LENGTH] == pytest.approx(0.5 * radius, abs=0.5)
    assert row[names.MIDLINE_AREA] == pytest.approx(4.0 * 0.5 * radius, rel=0.03)
    assert row[names.DAMAGE] == pytest.approx(0.25, rel=0.03)
    assert row[names.NARROWEST] == pytest.approx(4.0, abs=0.5)
