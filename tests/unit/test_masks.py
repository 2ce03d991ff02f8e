"""A patient's masks to a straight lattice: volumes, orientation, ends, and the way back to the scan."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations, product

import numpy as np
import pytest

from cordgraft.core.centreline import apply_affine, dot
from cordgraft.scenario.masks import (
    MaskPair,
    PatientGeometry,
    Volume,
    build_patient_geometry,
    check_pair,
    read_masks,
    straight_to_scanner,
)

RADIUS = 5.0


def grid_affine(voxel=(0.8, 0.8, 0.8), shape=(20, 56, 60)) -> np.ndarray:
    """Affine of a RAS grid centred on the scanner's origin."""
    affine = np.diag([*voxel, 1.0])
    affine[:3, 3] = [-0.5 * (n - 1) * v for n, v in zip(shape, voxel, strict=True)]
    return affine


def points_of(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1).astype(float))


def tilted(points: np.ndarray, tilt_deg: float) -> np.ndarray:
    """Coordinates along right, anterior and axis of a cord tilted in the sagittal plane."""
    angle = np.deg2rad(tilt_deg)
    axes = np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])
    return np.stack([dot(points, axis) for axis in axes], axis=-1)


def cylinder_pair(
    tilt_deg=20.0, voxel=(0.8, 0.8, 0.8), shape=(20, 56, 60), lesion_at=(1.0, -1.5, 3.0), r=2.4
):
    """A tilted cylinder with a ball of lesion in it, as an analyst's pair of masks."""
    affine = grid_affine(voxel, shape)
    local = tilted(points_of(affine, shape), tilt_deg)
    cord = (np.hypot(local[..., 0], local[..., 1]) < RADIUS).astype(float)
    off = local - np.array(lesion_at)
    lesion = (np.sqrt(dot(off, off)) < r).astype(float)
    return check_pair(Volume(cord, affine, "cord.nii", ""), Volume(lesion, affine, "lesion.nii", ""))


def arc_pair(bend=50.0, lesion_y=2.0) -> MaskPair:
    """A tube bent forwards and a ball of lesion on the inner side of the bend."""
    shape, affine = (20, 44, 72), grid_affine(shape=(20, 44, 72))
    affine[1, 3] += 5.0
    points = points_of(affine, shape)
    radial = np.hypot(points[..., 1] - bend, points[..., 2])
    cord = (np.hypot(bend - radial, points[..., 0]) < RADIUS).astype(float)
    off = points - np.array([0.0, lesion_y, 0.0])
    lesion = (np.sqrt(dot(off, off)) < 2.4).astype(float)
    return check_pair(Volume(cord, affine, "cord.nii", ""), Volume(lesion, affine, "lesion.nii", ""))


@pytest.fixture(scope="module")
def pair() -> MaskPair:
    return cylinder_pair()


@pytest.fixture(scope="module")
def volume(pair: MaskPair) -> PatientGeometry:
    return build_patient_geometry(pair, voxel_um=800.0, section="volume")


def known_layers(geometry: PatientGeometry) -> np.ndarray:
    return ~geometry.extrapolated.any(axis=(0, 1))


def off_axis_um(geometry: PatientGeometry) -> np.ndarray:
    """Distance of each layer's centre of mass from the axis of the lattice."""
    x, y, _ = geometry.lattice.centres_um()
    count = geometry.cord_fraction.sum(axis=(0, 1))
    return np.hypot(
        (geometry.cord_fraction * x).sum(axis=(0, 1)) / count,
        (geometry.cord_fraction * y).sum(axis=(0, 1)) / count,
    )


# -------------------------------------------------------------------------------------------------- volumes


@pytest.mark.parametrize("tilt", [0.0, 20.0])
def test_a_straight_cylinder_comes_out_straight_and_round(tilt: float) -> None:
    masks = cylinder_pair(tilt)
    geometry = build_patient_geometry(masks, voxel_um=800.0, section="volume")
    assert geometry.tilt_deg == pytest.approx(tilt, abs=0.5)
    known = known_layers(geometry)
    assert known.sum() > 40
    area = geometry.cord_fraction.sum(axis=(0, 1)) * 0.64
    # A disc of single voxels is itself 2 % off; against the mask's own area normal to the cord it must fit.
    assert area[known].mean() == pytest.approx(np.pi * RADIUS**2, rel=0.025)
    own = masks.cord.sum(axis=(0, 1)).mean() * 0.64 * np.cos(np.deg2rad(tilt))
    assert area[known].mean() == pytest.approx(own, rel=0.003)
    np.testing.assert_allclose(geometry.cord_area_um2 * 1e-6, np.pi * RADIUS**2, rtol=0.06)
    for diameter in (geometry.diameter_rl_um, geometry.diameter_ap_um):
        assert diameter.mean() == pytest.approx(2e3 * RADIUS, rel=0.02)
        np.testing.assert_allclose(diameter, 2e3 * RADIUS, rtol=0.05)
    assert off_axis_um(geometry).max() < 150.0
    assert geometry.cord_mask.sum() * 0.512 == pytest.approx(geometry.volumes_mm3["cord_lattice"], rel=0.03)


def test_nothing_is_lost_by_resampling(pair: MaskPair, volume: PatientGeometry) -> None:
    found = volume.volumes_mm3
    assert found["cord_mask"] == pytest.approx(pair.cord.sum() * 0.512, rel=1e-12)
    assert found["cord_mapped"] == pytest.approx(found["cord_mask"], rel=1e-9)
    assert found["lesion_mapped"] == pytest.approx(found["lesion_mask"], rel=1e-9)
    assert found["lesion_lattice"] == pytest.approx(found["lesion_mask"], rel=0.005)
    assert found["lesion_straight"] == pytest.approx(found["lesion_mask"], rel=0.005)
    assert found["lesion_mask"] == pytest.approx(4.0 / 3.0 * np.pi * 2.4**3, rel=0.05)
    assert (volume.lesion_fraction <= volume.cord_fraction).all()
    assert volume.lesion_fraction.min() == 0.0
    assert volume.cord_fraction.max() == 1.0


def test_the_lesion_lies_where_it_was_put(volume: PatientGeometry) -> None:
    assert volume.epicentre_um is not None
    np.testing.assert_allclose(volume.epicentre_um, [1000.0, -1500.0, 0.0], atol=150.0)
    x, y, z = volume.lattice.centres_um()
    total = volume.lesion_fraction.sum()
    for axis, coordinate in enumerate((x, y, z)):
        assert (volume.lesion_fraction * coordinate).sum() / total == pytest.approx(
            volume.epicentre_um[axis], abs=60.0
        )
    assert volume.lesion_length_um == pytest.approx(4800.0, abs=900.0)
    peak = int(np.argmax(volume.lesion_area_um2))
    assert abs(volume.lattice.axis_um(2)[peak]) < 1200.0
    assert volume.damage_ratio()[peak] == pytest.approx(2.4**2 / RADIUS**2, rel=0.15)
    assert volume.lesion_share().max() == pytest.approx(1.0)


def test_a_bend_changes_volumes_by_its_jacobian() -> None:
    geometry = build_patient_geometry(arc_pair(), voxel_um=600.0, section="volume")
    found = geometry.volumes_mm3
    assert found["lesion_mapped"] == pytest.approx(found["lesion_mask"], rel=1e-9)
    assert geometry.epicentre_um is not None
    assert geometry.epicentre_um[1] == pytest.approx(2000.0, abs=150.0)
    # Inside the bend a piece of cord is longer when straight: by 1 / (1 - y / R).
    assert found["lesion_lattice"] / found["lesion_mask"] == pytest.approx(1.0 / (1.0 - 2.0 / 50.0), rel=0.01)
    assert off_axis_um(geometry)[known_layers(geometry)].max() < 250.0
    assert found["cord_mapped"] == pytest.approx(found["cord_mask"], rel=1e-9)


def test_a_section_is_the_middle_slab_of_the_volume() -> None:
    bent = arc_pair()
    wide = build_patient_geometry(bent, voxel_um=(1000.0, 700.0, 800.0), section="volume")
    section = build_patient_geometry(
        bent, voxel_um=(100.0, 700.0, 800.0), section="midsagittal", slab_um=2000.0
    )
    assert section.lattice.shape == (1, *wide.lattice.shape[1:])
    assert section.lattice.spacing_um == (2000.0, 700.0, 800.0)
    middle = wide.lattice.shape[0] // 2
    # The slab's top and bottom faces are cut along another diagonal than the two halves': a hair of difference.
    for name in ("cord_fraction", "lesion_fraction"):
        halves = getattr(wide, name)[middle - 1 : middle + 1].mean(axis=0)
        np.testing.assert_allclose(getattr(section, name)[0], halves, atol=5e-3)
    np.testing.assert_allclose(section.diameter_rl_um, wide.diameter_rl_um, rtol=1e-9)
    assert section.volumes_mm3["lesion_straight"] == pytest.approx(
        wide.volumes_mm3["lesion_straight"], rel=1e-9
    )
    assert not section.cautions or all("section" not in caution.key for caution in section.cautions)


# ---------------------------------------------------------------------------------------------- orientations


def reoriented(volume: Volume, order: tuple[int, ...], flips: tuple[int, ...]) -> Volume:
    """The same volume stored with permuted and flipped axes."""
    data = np.transpose(volume.data, order)
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    for new, old in enumerate(order):
        size = data.shape[new]
        matrix[old, new] = flips[new]
        if flips[new] < 0:
            matrix[old, 3] = size - 1
    data = data[tuple(slice(None, None, flip) for flip in flips)]
    return Volume(np.ascontiguousarray(data), volume.affine @ matrix, volume.name, "")


def small_volumes() -> tuple[Volume, Volume]:
    shape, voxel = (12, 20, 16), (1.1, 1.0, 1.9)
    affine = grid_affine(voxel, shape)
    local = tilted(points_of(affine, shape), 12.0)
    cord = (np.hypot(local[..., 0], 1.2 * local[..., 1]) < RADIUS).astype(float)
    off = local - np.array([1.5, -1.0, 2.0])
    lesion = (np.sqrt(dot(off, off)) < 2.6).astype(float)
    return Volume(cord, affine, "cord.nii", ""), Volume(lesion, affine, "lesion.nii", "")


def test_all_48_orientations_give_the_same_lattice() -> None:
    cord, lesion = small_volumes()
    reference = build_patient_geometry(check_pair(cord, lesion), voxel_um=1200.0, section="volume")
    assert reference.epicentre_um is not None
    assert reference.epicentre_um[0] > 1000.0
    count = 0
    for order, flips in product(permutations(range(3)), product((1, -1), repeat=3)):
        count += 1
        turned = build_patient_geometry(
            # The lesion stays in its first orientation: the pair is brought together by reading.
            check_pair(reoriented(cord, order, flips), lesion),
            voxel_um=1200.0,
            section="volume",
        )
        assert turned.lattice.shape == reference.lattice.shape
        for name in ("cord_fraction", "lesion_fraction", "diameter_rl_um", "epicentre_um"):
            found, expected = getattr(turned, name), getattr(reference, name)
            np.testing.assert_allclose(
                found, expected, rtol=1e-8, atol=1e-8, err_msg=f"{order} {flips} {name}"
            )
        np.testing.assert_array_equal(turned.cord_mask, reference.cord_mask)
        np.testing.assert_array_equal(turned.extrapolated, reference.extrapolated)
    assert count == 48


def test_thick_sagittal_slices() -> None:
    thick = cylinder_pair(15.0, voxel=(3.3, 0.6, 0.6), shape=(9, 70, 80), r=3.0)
    geometry = build_patient_geometry(thick, voxel_um=800.0, section="volume")
    found = geometry.volumes_mm3
    assert found["cord_mapped"] == pytest.approx(found["cord_mask"], rel=1e-9)
    assert found["lesion_lattice"] == pytest.approx(found["lesion_mask"], rel=0.01)
    assert off_axis_um(geometry)[known_layers(geometry)].max() < 300.0
    np.testing.assert_allclose(geometry.diameter_ap_um, 1e4, rtol=0.06)


def test_soft_cord_mask_is_used_as_partial_volume() -> None:
    fine, coarse = (60, 168, 120), (20, 56, 40)
    affine = grid_affine((0.8, 0.8, 0.8), coarse)
    local = tilted(points_of(grid_affine((0.8 / 3,) * 3, fine), fine), 10.0)
    inside = (np.hypot(local[..., 0], local[..., 1]) < RADIUS).astype(float)
    soft = inside.reshape(20, 3, 56, 3, 40, 3).mean(axis=(1, 3, 5))
    soft_pair = check_pair(Volume(soft, affine, "soft.nii", ""), None)
    assert any("soft" in caution.message for caution in soft_pair.cautions)
    geometry = build_patient_geometry(soft_pair, voxel_um=800.0, section="volume")
    known = known_layers(geometry)
    area = geometry.cord_fraction.sum(axis=(0, 1))[known] * 0.64
    np.testing.assert_allclose(area, np.pi * RADIUS**2, rtol=0.01)


# ------------------------------------------------------------------------------------------ length and ends


def test_beyond_the_mask_the_last_cross_section_is_repeated(pair: MaskPair) -> None:
    geometry = build_patient_geometry(
        pair, voxel_um=(800.0, 400.0, 400.0), length_um=90e3, section="midsagittal"
    )
    assert geometry.lattice.shape[2] % 16 == 0
    assert geometry.lattice.extent_um[2] == pytest.approx(90e3 + geometry.padding_um)
    assert 0.0 <= geometry.padding_um < 16 * 400.0
    flagged = geometry.extrapolated[0].any(axis=0)
    assert flagged[0]
    assert flagged[-1]
    middle = np.flatnonzero(~flagged)
    assert (np.diff(middle) == 1).all(), "one known stretch between two continued ones"
    last = geometry.cord_fraction[0, :, -1]
    np.testing.assert_allclose(
        geometry.cord_fraction[0, :, -20:], last[:, None].repeat(20, axis=1), atol=1e-12
    )
    assert last.sum() * 0.4 == pytest.approx(2 * RADIUS, rel=0.05)
    assert geometry.lesion_fraction[geometry.extrapolated].sum() == 0.0
    assert any("repeated" in caution.message for caution in geometry.cautions)
    z = geometry.lattice.axis_um(2)
    assert z[0] == pytest.approx(-z[-1]), "centred on the lesion"
    whole = geometry.volumes_mm3["cord_extrapolated"] / geometry.volumes_mm3["cord_lattice"]
    assert whole == pytest.approx(1.0 - 44.0 / 92.0, abs=0.1)


def test_a_length_can_be_centred_on_the_cord(pair: MaskPair) -> None:
    geometry = build_patient_geometry(pair, voxel_um=800.0, section="volume", length_um=25.6e3, centre="cord")
    z = geometry.lattice.axis_um(2)
    # The lesion lies 3 mm above the middle of the mask; z = 0 stays at the lesion.
    assert 0.5 * (z[0] + z[-1]) == pytest.approx(-3000.0, abs=600.0)
    assert geometry.epicentre_um is not None
    assert geometry.epicentre_um[2] == 0.0


def test_without_a_lesion_z_counts_from_the_middle(pair: MaskPair) -> None:
    geometry = build_patient_geometry(MaskPair(pair.cord, None, pair.affine), voxel_um=800.0)
    assert geometry.epicentre_um is None
    assert geometry.lesion_length_um == 0.0
    assert not geometry.lesion_fraction.any()
    low, high = geometry.straightening.ends_um
    assert low == pytest.approx(-high, abs=1000.0)


@pytest.mark.parametrize(
    ("at", "words"), [((4.0, 0.0, 0.0), "misses it by 1.1 mm"), ((1.6, 0.0, 0.0), "passes beside")]
)
def test_a_section_that_misses_the_lesion_says_so(at: tuple[float, float, float], words: str) -> None:
    # The nearest lesion voxel is centred at x = 2.0 mm; the slab ends at 0.5 mm.
    aside = cylinder_pair(0.0, lesion_at=at, r=2.4)
    section = build_patient_geometry(aside, voxel_um=(1000.0, 500.0, 800.0), section="midsagittal")
    texts = [caution.message for caution in section.cautions if caution.key == "geometry.section"]
    assert len(texts) == 1
    assert "right of the mid-sagittal plane" in texts[0]
    assert words in texts[0]


def test_wrong_choices_are_errors(pair: MaskPair) -> None:
    with pytest.raises(ValueError, match="section"):
        build_patient_geometry(pair, voxel_um=800.0, section="coronal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="centre"):
        build_patient_geometry(pair, voxel_um=800.0, centre="head")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positive"):
        build_patient_geometry(pair, voxel_um=(1.0, 0.0, 1.0))


# ---------------------------------------------------------------------------------------- back to the scan


def test_fractions_go_back_to_the_scan_with_their_volume(pair: MaskPair, volume: PatientGeometry) -> None:
    back = volume.to_scanner(volume.lesion_fraction)
    assert back.shape == pair.cord.shape
    assert back.sum() == pytest.approx(pair.lesion.sum(), rel=1e-9)
    overlap = ((back >= 0.5) & (pair.lesion > 0)).sum()
    assert 2.0 * overlap / ((back >= 0.5).sum() + pair.lesion.sum()) > 0.95
    lattice, straight = volume.lattice, volume.straightening
    mean = straight_to_scanner(np.full(lattice.shape, 7.0), lattice, straight, mean=True)
    np.testing.assert_allclose(mean[np.isfinite(mean)], 7.0, rtol=1e-12)
    assert np.isfinite(mean[pair.cord > 0]).all()
    assert np.isnan(mean).any()
    with pytest.raises(ValueError, match="do not fit"):
        volume.to_scanner(np.zeros((2, 2, 2)))


def test_the_affine_leads_from_voxels_to_straight_millimetres(volume: PatientGeometry) -> None:
    index = np.array([[0.0, 0.0, 0.0], [3.0, 2.0, 17.0]])
    expected = np.stack(
        [volume.lattice.axis_um(axis)[index[:, axis].astype(int)] for axis in range(3)], axis=-1
    )
    np.testing.assert_allclose(apply_affine(volume.affine, index), 1e-3 * expected, rtol=1e-12)


# ---------------------------------------------------------------------------------------------- real scans


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2.0 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.mri
def test_real_cord_with_a_painted_lesion(shared_data) -> None:
    folder = shared_data / "mri" / "sct_testing" / "t2_fake_lesion"
    real = read_masks(folder / "t2_fake_lesion_sc_seg.nii.gz", folder / "t2_fake_lesion_lesion_seg.nii.gz")
    geometry = build_patient_geometry(real, voxel_um=800.0, section="volume")
    found = geometry.volumes_mm3
    inside = float(np.minimum(real.lesion, real.cord).sum()) * real.voxel_mm3
    assert found["lesion_mask"] == pytest.approx(83.456, abs=0.01)
    assert found["lesion_lattice"] == pytest.approx(inside, rel=0.01)
    assert found["lesion_mapped"] == pytest.approx(inside, rel=1e-9)
    assert found["cord_mapped"] == pytest.approx(found["cord_mask"], rel=1e-9)
    assert 15.0 < geometry.tilt_deg < 24.0
    assert off_axis_um(geometry).max() < 300.0

    back = geometry.to_scanner(geometry.cord_fraction) >= 0.5
    assert dice(back, real.cord > 0) >= 0.95
    known = geometry.to_scanner(geometry.extrapolated.astype(float)) <= 0.0
    assert dice(back & known, (real.cord > 0) & known) >= 0.99
    lesion = geometry.to_scanner(geometry.lesion_fraction)
    assert dice(lesion >= 0.5, real.lesion > 0) >= 0.95

    assert geometry.epicentre_um is not None
    centre = (points_of(real.affine, real.cord.shape) * real.lesion[..., None]).sum(
        axis=(0, 1, 2)
    ) / real.lesion.sum()
    np.testing.assert_allclose(
        geometry.straightening.to_scanner_mm(geometry.epicentre_um[None])[0], centre, atol=0.1
    )


@pytest.mark.mri
def test_real_section_at_working_resolution(shared_data) -> None:
    folder = shared_data / "mri" / "sct_testing" / "t2_fake_lesion"
    real = read_masks(folder / "t2_fake_lesion_sc_seg.nii.gz", folder / "t2_fake_lesion_lesion_seg.nii.gz")
    section = build_patient_geometry(real, voxel_um=(1000.0, 100.0, 200.0), length_um=80e3)
    assert section.lattice.shape[0] == 1
    assert section.lattice.shape[2] == 400
    assert section.lesion_fraction.max() == pytest.approx(1.0)
    assert section.volumes_mm3["lesion_straight"] == pytest.approx(83.456, rel=0.01)
    thickness = section.cord_fraction[0].sum(axis=0) * 0.1
    np.testing.assert_allclose(thickness, section.diameter_ap_um * 1e-3, rtol=0.2)


@pytest.mark.mri
def test_real_sessions_on_other_grids(shared_data) -> None:
    labels = shared_data / "mri" / "trial_example" / "derivatives" / "labels"
    cords = sorted(labels.glob("**/*label-SC_seg.nii.gz"))
    assert len(cords) == 5
    for cord in cords:
        session = read_masks(cord, cord.with_name(cord.name.replace("SC_seg", "lesion_seg")))
        geometry = build_patient_geometry(session, voxel_um=800.0, section="volume")
        found = geometry.volumes_mm3
        assert found["lesion_lattice"] == pytest.approx(found["lesion_mask"], rel=0.01), cord.name
        assert off_axis_um(geometry).max() < 400.0, cord.name
        assert dice(geometry.to_scanner(geometry.cord_fraction) >= 0.5, session.cord > 0) > 0.98, cord.name


@pytest.mark.mri
def test_real_mask_with_an_odd_affine(shared_data) -> None:
    from cordgraft.scenario.masks import MaskError

    labels = shared_data / "mri" / "unf01" / "derivatives" / "labels" / "anat"
    cord = labels / "sub-unf01_T2w_seg-manual.nii.gz"
    geometry = build_patient_geometry(read_masks(cord), voxel_um=800.0, section="volume")
    assert geometry.volumes_mm3["cord_mapped"] == pytest.approx(geometry.volumes_mm3["cord_mask"], rel=1e-9)
    assert geometry.lattice.extent_um[2] > 16e3
    with pytest.raises(MaskError, match=r"0\.5[0-9] mm apart"):
        read_masks(cord, labels / "sub-unf01_T2w_lesion-manual.nii.gz")


def test_importing_the_readers_loads_nothing_heavy() -> None:
    code = (
        "import sys; import cordgraft.scenario.masks, cordgraft.core.straightening; "
        "print([m for m in ('numba', 'scipy', 'nibabel', 'mesa') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
