"""Where a file says that it lies: affines, units, sizes, obliquity (E06 to E12)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft_analysis.imaging.load import load_image
from cordgraft_analysis.imaging.orientation import obliquity_deg
from tests.imaging_support import (
    CODES,
    PIXDIM,
    SFORM,
    affine_of,
    check_accepted,
    cord_data,
    floats,
    image_data,
    problem_of,
    refused,
    rotated,
    write,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


# ---------------------------------------------------------------------------------------- E06 and E07


def test_e06_neither_sform_nor_qform(tmp_path: Path) -> None:
    path = write(tmp_path / "lost.nii", cord_data(), affine_of(0.8), patch={CODES: bytes(4)})
    refused(
        path, "E06", "nobody knows left from right", "--assume-affine pixdim --orientation LAS", kind="mask"
    )
    volume = load_image(path, "mask", assume_affine="pixdim", orientation="LAS")
    assert volume.original_axes == "LAS"
    assert volume.spacing_mm == pytest.approx((0.8, 0.8, 0.8))
    np.testing.assert_array_equal(volume.data, cord_data()[::-1] > 0)
    centre = volume.affine @ [6.5, 7.5, 11.5, 1.0]
    np.testing.assert_allclose(centre[:3], 0.0, atol=1e-6)
    assert "LAS (nibabel) = RPI (SCT)" in volume.notes[0]
    check_accepted(
        tmp_path, "E06", "warning", "assumed", path, "--assume-affine", "pixdim", "--orientation", "LAS"
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"assume_affine": "pixdim"}, "belong together"),
        ({"orientation": "LAS"}, "belong together"),
        ({"assume_affine": "sform", "orientation": "LAS"}, "is 'pixdim', not 'sform'"),
        ({"assume_affine": "pixdim", "orientation": "LAR"}, "'LAR' is no orientation"),
    ],
)
def test_e06_assumptions_that_say_nothing(asked: dict[str, str], words: str, tmp_path: Path) -> None:
    path = write(tmp_path / "lost.nii", cord_data(), patch={CODES: bytes(4)})
    assert words in problem_of(lambda: load_image(path, **asked), "E06")


def test_e06_an_assumption_gives_way_to_what_the_file_says(tmp_path: Path) -> None:
    path = write(tmp_path / "told.nii", cord_data())
    volume = load_image(path, "mask", assume_affine="pixdim", orientation="LPI")
    assert volume.original_axes == "RAS" and "not needed" in volume.notes[0]


def test_only_one_of_the_two_forms_is_enough(tmp_path: Path) -> None:
    for codes in ((0, 1), (2, 0), (4, 2)):
        volume = load_image(write(tmp_path / f"{codes[0]}{codes[1]}.nii", image_data(), codes=codes))
        np.testing.assert_allclose(volume.affine, affine_of(), atol=1e-6)
        assert volume.notes == ()


def test_e07_affines_that_place_nothing(tmp_path: Path) -> None:
    flat = write(tmp_path / "flat.nii", image_data(), patch={SFORM: floats(0, 0, 0, 0)})
    refused(flat, "E07", "places nothing", "voxels without volume")
    broken = write(tmp_path / "nan.nii", image_data(), patch={SFORM: floats(float("nan"))})
    refused(broken, "E07", "places nothing", "no numbers")
    sizeless = write(tmp_path / "none.nii", image_data(), patch={CODES: bytes(4), PIXDIM: floats(0, 0, 0)})
    refused(sizeless, "E07", "no voxel sizes", assume_affine="pixdim", orientation="LAS")


# --------------------------------------------------------------------------------- E08: units and sizes


@pytest.mark.parametrize(
    ("unit", "factor", "word"), [("micron", 1e3, "micrometres"), ("meter", 1e-3, "metres")]
)
def test_e08_other_units_are_converted(unit: str, factor: float, word: str, tmp_path: Path) -> None:
    affine = affine_of()
    affine[:3] *= factor
    path = write(tmp_path / "t2.nii.gz", image_data(), affine, units=unit)
    volume = load_image(path)
    np.testing.assert_allclose(volume.affine, affine_of(), rtol=1e-5)
    check_accepted(tmp_path, "E08", "warning", f"states its lengths in {word}", path)


def test_e08_no_unit_and_impossible_sizes(tmp_path: Path) -> None:
    unknown = write(tmp_path / "unknown.nii.gz", image_data(), units="unknown")
    check_accepted(tmp_path, "E08", "note", "credible in mm", unknown)
    long = affine_of()
    long[2, 2] = 20.0
    slabs = write(tmp_path / "slabs.nii.gz", image_data(), long, units="unknown")
    check_accepted(tmp_path, "E08", "warning", "mm are assumed", slabs)
    micron, metre = affine_of(), affine_of()
    micron[:3] *= 1e3
    metre[:3] *= 1e-3
    refused(write(tmp_path / "huge.nii", image_data(), micron), "E08", "look like micrometres", "1000 x 1000")
    refused(write(tmp_path / "tiny.nii", image_data(), metre), "E08", "look like metres", "0.005 to 50 mm")


# ------------------------------------------------------------------------------------ E09, E10, E11, E12


def test_e09_pixdim_and_affine(tmp_path: Path) -> None:
    path = write(tmp_path / "t2.nii", image_data(), patch={PIXDIM: floats(1.0, 1.003, 1.0)})
    volume = load_image(path)
    assert volume.spacing_mm == pytest.approx((1.0, 1.0, 1.0))
    check_accepted(tmp_path, "E09", "warning", "0.3 % apart", path)
    near = load_image(write(tmp_path / "near.nii", image_data(), patch={PIXDIM: floats(1.0, 1.0005, 1.0)}))
    assert near.notes == ()


def test_e10_qform_and_sform(tmp_path: Path) -> None:
    def both(millimetres: float, units: str = "mm", scale: float = 1.0) -> Path:
        other = affine_of()
        other[1, 3] += millimetres
        name = f"{millimetres:g}{units}.nii"
        affine, other = (np.diag([scale] * 3 + [1.0]) @ matrix for matrix in (affine_of(), other))
        return write(tmp_path / name, image_data(), affine, qform=other, units=units)

    assert load_image(both(0.0005)).notes == ()
    check_accepted(tmp_path, "E10", "warning", "0.200 mm at a corner", both(0.2))
    refused(both(3.0), "E10", "more than half a voxel", "3.00 mm at a corner")
    refused(both(3.0, "micron", 1e3), "E10", "3.00 mm at a corner")
    broken = write(tmp_path / "quaternion.nii", image_data(), patch={256: floats(9.0)})
    check_accepted(tmp_path, "E10", "warning", "no rotation", broken)


@pytest.mark.parametrize(("degrees", "level"), [(0.5, ""), (5.0, "note"), (30.0, "warning")])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_e11_oblique_grids(axis: int, degrees: float, level: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t2.nii", image_data(), rotated(axis, degrees))
    volume = load_image(path)
    np.testing.assert_array_equal(volume.data, image_data())
    assert obliquity_deg(volume.affine) == pytest.approx(degrees, abs=1e-3)
    assert [finding.level for finding in volume.findings if finding.code == "E11"] == [level] * bool(level)


def test_e11_a_grid_that_lies_between_all_axes(tmp_path: Path) -> None:
    third = np.eye(4)
    third[:3, :3] = [[2, -1, 2], [2, 2, -1], [-1, 2, 2]]
    third[:3, :3] /= 3.0
    path = write(tmp_path / "between.nii", image_data(), third @ affine_of())
    refused(path, "E11", "too oblique", "48.2 degrees")


def test_e12_sheared(tmp_path: Path) -> None:
    affine = affine_of()
    affine[0, 2] = 0.1
    image, mask = (write(tmp_path / f"{n}.nii", d(), affine, codes=(1, 0)) for n, d in
                   (("t2", image_data), ("t2_seg", cord_data)))  # fmt: skip
    check_accepted(tmp_path, "E12", "warning", "not at right angles", image)
    refused(mask, "E12", "sheared", "84.3 degrees", "Resample", kind="mask")
    affine[0, 2] = 0.005
    assert load_image(write(tmp_path / "near.nii", cord_data(), affine, codes=(1, 0)), "mask").notes == ()
