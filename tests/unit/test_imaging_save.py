"""Writing scanner files: what is written comes back as it was, and nothing is half-written."""

from __future__ import annotations

import gzip
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.load import load_image
from cordgraft_analysis.imaging.orientation import sct_word
from cordgraft_analysis.imaging.save import save_image, save_volume, sidecar_path
from tests.imaging_support import (
    SHAPE,
    affine_of,
    cord_data,
    files_below,
    image_data,
    lesion_data,
    problem_of,
    rotated,
    write,
)

nibabel = pytest.importorskip("nibabel", reason="writing scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def header(path: Path) -> dict[str, object]:
    """Return fields of a NIfTI-1 header by their place in the file, with no reader between."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.name.endswith(".gz") else raw
    one = {"datatype": (70, "<h"), "slope": (112, "<f"), "intercept": (116, "<f"), "units": (123, "<B"),
           "qform": (252, "<h"), "sform": (254, "<h")}  # fmt: skip
    return {name: struct.unpack_from(form, raw, offset)[0] for name, (offset, form) in one.items()}


UINT8, INT16, INT32, FLOAT32 = 2, 4, 8, 16


def test_a_mask_is_uint8_with_slope_1(tmp_path: Path) -> None:
    path = save_image(tmp_path / "cord_seg.nii.gz", cord_data() > 0, rotated(0, 9.3), "mask", {})
    found = header(path)
    assert found["datatype"] == UINT8 and found["slope"] == 1.0 and found["intercept"] == 0.0
    assert found["qform"] == found["sform"] == 1 and int(found["units"]) & 7 == 2
    volume = load_image(path, "mask")
    np.testing.assert_array_equal(volume.data, cord_data() > 0)
    np.testing.assert_allclose(volume.affine, rotated(0, 9.3), atol=1e-5)
    assert {finding.code for finding in volume.findings} == {"E11"}, "qform, sform and pixdim agree"


def test_40_comes_back_as_40(tmp_path: Path) -> None:
    values = np.full(SHAPE, 40.0)
    values[0] = 41.7
    for number_type, code, expected in (("float32", FLOAT32, 41.7), ("int16", INT16, 42.0)):
        path = save_image(
            tmp_path / f"{number_type}.nii", values, affine_of(), "image", {}, number_type=number_type
        )
        assert header(path)["datatype"] == code and header(path)["slope"] == 1.0
        volume = load_image(path)
        assert volume.data[5, 5, 5] == 40.0 and volume.data[0, 0, 0] == pytest.approx(expected, rel=1e-6)


def test_labels_take_the_smallest_type(tmp_path: Path) -> None:
    for factor, code in ((7, UINT8), (300, INT16), (70000, INT32)):
        labels = cord_data().astype(np.int64) * factor
        path = save_image(tmp_path / f"{factor}_dseg.nii.gz", labels, affine_of(), "label", {})
        assert header(path)["datatype"] == code
        np.testing.assert_array_equal(load_image(path, "label").data, labels)


def test_a_soft_mask_and_an_image_with_holes(tmp_path: Path) -> None:
    soft = save_image(tmp_path / "probseg.nii.gz", cord_data() * 0.3, affine_of(), "soft", {})
    assert header(soft)["datatype"] == FLOAT32
    np.testing.assert_allclose(load_image(soft, "soft").data, cord_data() * 0.3, rtol=1e-6)
    holes = np.where(cord_data() > 0, 33.0, np.nan)
    image = save_image(tmp_path / "mtr.nii.gz", holes, affine_of(), "image", {})
    np.testing.assert_array_equal(np.isnan(load_image(image).data), cord_data() == 0)


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    one = save_image(tmp_path / "a.nii.gz", image_data(), affine_of(), "image", {"b": 1, "a": 2})
    two = save_image(tmp_path / "b.nii.gz", image_data(), affine_of(), "image", {"a": 2, "b": 1})
    assert one.read_bytes() == two.read_bytes()
    assert sidecar_path(one).read_bytes() == sidecar_path(two).read_bytes()


# --------------------------------------------------------------------------- on the grid of the file


@pytest.mark.parametrize("word", ["RAS", "LAS", "PSR", "IAL"])
def test_a_result_goes_back_on_the_grid_of_its_file(word: str, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(cord_data(), rotated(2, 7.0)).as_reoriented(
        nibabel.orientations.axcodes2ornt(word)
    )
    nibabel.save(image, tmp_path / "in_seg.nii.gz")
    volume = load_image(tmp_path / "in_seg.nii.gz", "mask")
    save_volume(tmp_path / "out_seg.nii.gz", volume, {"Orientation": sct_word(word)})
    back = nibabel.load(tmp_path / "out_seg.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), np.asanyarray(image.dataobj))
    np.testing.assert_allclose(back.affine, image.affine, atol=1e-5)


def test_every_real_mask_goes_round(shared_data: Path, tmp_path: Path) -> None:
    masks = sorted((shared_data / "mri" / "trial_example").rglob("*_seg.nii.gz"))
    assert len(masks) == 10
    for mask in masks:
        save_volume(tmp_path / mask.name, load_image(mask, "mask"), {})
        before, after = nibabel.load(mask), nibabel.load(tmp_path / mask.name)
        np.testing.assert_array_equal(np.asanyarray(after.dataobj), np.asanyarray(before.dataobj))
        np.testing.assert_allclose(after.affine, before.affine, atol=1e-4)


# ------------------------------------------------------------------------------------------- the sidecar


def test_the_sidecar_names_no_path_of_this_machine(tmp_path: Path) -> None:
    content = {
        "Sources": [tmp_path / "raw" / "sub-01_T2w.nii.gz", str(tmp_path / "b.nii.gz"), Path("raw/c.nii.gz")],
        "Windows": "C:\\scans\\d.nii.gz",
        "SNR": np.float32(20.0), "Seed": np.int64(3), "Shape": np.array([1, 2]), "Missing": float("nan"),
        "Species": {"rat", "human"}, "SpatialReference": "orig", "Yes": True, "Nothing": None,
    }  # fmt: skip
    path = save_image(tmp_path / "out" / "sub-sim01_T2w.nii.gz", image_data(), affine_of(), "image", content)
    text = (tmp_path / "out" / "sub-sim01_T2w.json").read_text()
    assert str(tmp_path) not in text and "scans" not in text
    assert json.loads(text) == {
        "Sources": ["sub-01_T2w.nii.gz", "b.nii.gz", "raw/c.nii.gz"], "Windows": "d.nii.gz",
        "SNR": 20.0, "Seed": 3, "Shape": [1, 2], "Missing": None, "Species": ["human", "rat"],
        "SpatialReference": "orig", "Yes": True, "Nothing": None,
    }  # fmt: skip
    assert sidecar_path(path).name == "sub-sim01_T2w.json"
    with pytest.raises(TypeError, match="cannot hold object"):
        save_image(tmp_path / "x.nii.gz", image_data(), affine_of(), "image", {"a": object()})
    assert not (tmp_path / "x.nii.gz").exists()


# ------------------------------------------------------------------------------------- what is refused


SHEARED = affine_of()
SHEARED[0, 2] = 0.1
HALF_NAN = np.where(cord_data() > 0, np.nan, 1.0)


@pytest.mark.parametrize(
    ("code", "words", "data", "affine", "kind", "number_type"),
    [
        ("E18", "int16 (found values from 0 to 40000)", cord_data() * 4e4, affine_of(), "image", "int16"),
        ("E18", "float32", cord_data() * 1e39, affine_of(), "image", "float32"),
        ("E18", "labels so large", cord_data() * 1e12, affine_of(), "label", "float32"),
        ("E16", "other values than 0 and 1", cord_data() * 0.5, affine_of(), "mask", "float32"),
        ("E16", "more than the whole voxel", cord_data() * 1.5, affine_of(), "soft", "float32"),
        ("E16", "no whole numbers", cord_data() * 1.5, affine_of(), "label", "float32"),
        ("E16", "no plain numbers", cord_data() * 1j, affine_of(), "image", "float32"),
        ("E17", "no numbers", HALF_NAN, affine_of(), "mask", "float32"),
        ("E17", "no numbers", HALF_NAN, affine_of(), "image", "int16"),
        ("E12", "84.3 degrees", image_data(), SHEARED, "image", "float32"),
        ("E07", "places nothing", image_data(), np.zeros((4, 4)), "image", "float32"),
        ("E07", "places nothing", image_data(), np.eye(3), "image", "float32"),
        ("E04", "no 3-D volume", image_data()[0], affine_of(), "image", "float32"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_hold(code, words, data, affine, kind, number_type, tmp_path: Path) -> None:
    message = problem_of(
        lambda: save_image(tmp_path / "a.nii.gz", data, affine, kind, {}, number_type=number_type), code
    )
    assert words in message and "a.nii.gz" in message
    assert files_below(tmp_path) == {}


def test_e23_existing_files_stay_unless_told(tmp_path: Path) -> None:
    path = write(tmp_path / "lesion.nii.gz", lesion_data())
    before = files_below(tmp_path)

    def save(overwrite: bool = False) -> Path:
        return save_image(path, cord_data(), affine_of(), "mask", {}, overwrite=overwrite)

    assert "--overwrite" in problem_of(save, "E23")
    assert files_below(tmp_path) == before
    path.unlink()
    (tmp_path / "lesion.json").write_text("mine")
    assert "lesion.json" in problem_of(save, "E23")
    assert files_below(tmp_path) == {"lesion.json": b"mine"}
    save(overwrite=True)
    np.testing.assert_array_equal(load_image(path, "mask").data, cord_data() > 0)
    assert set(files_below(tmp_path)) == {"lesion.json", "lesion.nii.gz"}


def test_e23_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder.nii.gz").mkdir()
    before = files_below(tmp_path)
    for name, words in (("file/a.nii.gz", "cannot be written"), ("folder.nii.gz", "a folder has that name"),
                        ("a.mnc", "End it in .nii.gz")):  # fmt: skip
        message = problem_of(
            lambda n=name: save_image(tmp_path / n, cord_data(), affine_of(), "mask", {}), "E23"
        )
        assert words in message
    assert files_below(tmp_path) == before


def test_e23_a_full_disk_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_image(tmp_path / "a.nii.gz", cord_data(), affine_of(), "mask", {"old": True})
    before = files_below(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInput, match=r"E23: cannot be written .found No space left on device"):
        save_image(path, lesion_data(), affine_of(), "mask", {"new": True}, overwrite=True)
    assert files_below(tmp_path) == before


def test_an_interrupted_write_leaves_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_image(tmp_path / "a.nii.gz", lesion_data(), affine_of(), "mask", {})
    assert files_below(tmp_path) == {}
