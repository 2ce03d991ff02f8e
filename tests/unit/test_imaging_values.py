"""Numbers of masks, labels and images: what is taken, with which remark, and what is refused (E16 to E18)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.load import load_image
from tests.imaging_support import (
    SHAPE,
    SLOPE,
    check_accepted,
    cord_data,
    floats,
    image_data,
    lesion_data,
    refused,
    write,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def test_e16_soft_masks(tmp_path: Path) -> None:
    soft = cord_data() * 0.75
    path = write(tmp_path / "t2_seg.nii.gz", soft.astype(np.float32))
    refused(path, "E16", "is a soft mask", "--threshold 0.5", "method mm", kind="mask")
    np.testing.assert_array_equal(load_image(path, "mask", threshold=0.5).data, cord_data() > 0)
    assert not load_image(path, "mask", threshold=0.9).data.any()
    np.testing.assert_allclose(load_image(path, "soft").data, soft)
    check_accepted(tmp_path, "E16", "note", "cut at 0.5", path, "--threshold", 0.5)
    with pytest.raises(BadInput, match=r"above 0 and up to 1"):
        load_image(path, "mask", threshold=1.5)


def test_e16_labels(tmp_path: Path) -> None:
    labels = cord_data().astype(np.int16)
    labels[..., 8:] *= 3
    path = write(tmp_path / "t2_seg.nii.gz", labels)
    refused(path, "E16", "holds labels", "values 1, 3", "--label N", kind="mask")
    refused(path, "E16", "has no label 2", "labels 1, 3", kind="mask", label=2)
    np.testing.assert_array_equal(load_image(path, "mask", label=3).data, labels == 3)
    np.testing.assert_array_equal(load_image(path, "mask", label=[1, 3]).data, cord_data() > 0)
    np.testing.assert_array_equal(load_image(path, "label").data, labels)
    check_accepted(tmp_path, "E16", "note", "of which 3 is the mask", path, "--label", 3)
    with pytest.raises(BadInput, match="whole numbers from 1"):
        load_image(path, "mask", label=0)


def test_e16_labels_of_one_file_leave_masks_alone(tmp_path: Path) -> None:
    levels = write(tmp_path / "t2_dseg.nii.gz", 2 * cord_data())
    lesion = write(tmp_path / "t2_lesion_seg.nii.gz", lesion_data())
    check_accepted(
        tmp_path, "E16", "note", "of which 2 is the mask", "-s", levels, "-m", lesion, "--label", 2
    )


def test_e16_0_and_255(tmp_path: Path) -> None:
    path = write(tmp_path / "t2_seg.nii.gz", cord_data() * np.uint8(255))
    np.testing.assert_array_equal(load_image(path, "mask").data, cord_data() > 0)
    check_accepted(tmp_path, "E16", "note", "255 is taken as 1", path)


@pytest.mark.parametrize("factor", [-1.0, 731.5, 0.5 + 1e-3 * np.arange(24) * 40])
def test_e16_an_image_is_no_mask(factor: float | np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "t2_seg.nii.gz", (cord_data() * factor).astype(np.float32))
    refused(path, "E16", "looks like an image", kind="mask")


def test_e16_kinds_that_do_not_fit(tmp_path: Path) -> None:
    percent = write(tmp_path / "t2_softseg.nii.gz", cord_data() * np.uint8(100))
    refused(percent, "E16", "is no soft mask", "from 0 to 100", kind="soft")
    smeared = write(tmp_path / "t2_dseg.nii.gz", (cord_data() * 1.5).astype(np.float32))
    refused(smeared, "E16", "is no file of labels", "nearest", kind="label")
    numbers = write(tmp_path / "wave.nii", image_data().astype(np.complex64))
    refused(numbers, "E16", "no plain numbers", "complex64")
    check_accepted(
        tmp_path, "E16", "warning", "under the name of an image",
        write(tmp_path / "sub-01_T2w.nii.gz", cord_data()),
    )  # fmt: skip


def test_e17_what_is_no_number(tmp_path: Path, shared_data: Path) -> None:
    broken = cord_data().astype(np.float32)
    broken[0, 0, :3] = [np.nan, np.inf, -np.inf]
    for kind, name in (("mask", "seg"), ("soft", "softseg"), ("label", "dseg")):
        path = write(tmp_path / f"t2_{name}.nii.gz", broken)
        refused(path, "E17", "3 NaN or infinite voxels", kind=kind)
    image = image_data().astype(np.float32)
    image[0, 0, :3] = broken[0, 0, :3]
    path = write(tmp_path / "mtr.nii.gz", image)
    volume = load_image(path)
    assert np.isnan(volume.data[0, 0, :3]).all() and np.isfinite(volume.data).sum() == image.size - 3
    check_accepted(tmp_path, "E17", "warning", "left out of every mean", path)
    refused(write(tmp_path / "void.nii.gz", np.full(SHAPE, np.nan, np.float32)), "E17", "not one number")
    real = load_image(shared_data / "mri" / "sct_testing" / "mt" / "mtr.nii.gz")
    assert np.isnan(real.data).sum() == 633 and "633" in real.notes[-1]


def test_e18_slope_and_intercept_are_applied_before_anything_is_cast(
    tmp_path: Path, shared_data: Path
) -> None:
    path = write(tmp_path / "scaled.nii", image_data(), patch={SLOPE: floats(100.0, -5.0)})
    np.testing.assert_allclose(load_image(path).data, 100.0 * image_data() - 5.0)
    assert load_image(path).data.max() > np.iinfo(np.int16).max
    check_accepted(tmp_path, "E18", "note", "x 100 + -5 is applied", path)
    real = load_image(shared_data / "mri" / "amu7t" / "AMU7T_sc_crop.nii.gz", "soft")
    assert real.data.max() == pytest.approx(1.0) and 0.0 < np.median(real.data[real.data > 0]) <= 1.0
    assert "0.005" in real.notes[0]
