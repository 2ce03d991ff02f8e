"""Reading scanner files: each bad one is refused in its own words, each odd one is taken with a remark."""

from __future__ import annotations

import gzip
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.load import load_image, read_file
from cordgraft_analysis.imaging.orientation import (
    both_words,
    obliquity_deg,
    on_file_grid,
    orientation_words,
    sct_word,
    turn_of,
)
from tests.imaging_support import (
    CODES,
    PIXDIM,
    SFORM,
    SHAPE,
    SLOPE,
    affine_of,
    check_accepted,
    check_refused,
    cord_data,
    floats,
    image_data,
    lesion_data,
    problem_of,
    rotated,
    write,
)

nibabel = pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def refused(path: Path, code: str, *words: str, kind="image", option: str = "", **asked) -> str:
    """Check that function and command refuse a file in the same words; return the function's."""
    message = problem_of(lambda: load_image(path, kind, **asked), code)
    assert message.startswith(f"{path}: {code}: ")
    arguments = [option, path] if option else [path]
    for key, value in asked.items():
        arguments += [f"--{key.replace('_', '-')}", value]
    check_refused(path.parent, code, words, *arguments)
    for word in words:
        assert word in message
    return message


# ------------------------------------------------------------------------------------------ a good file


def test_a_good_image(tmp_path: Path) -> None:
    volume = load_image(write(tmp_path / "t2.nii.gz", image_data()))
    np.testing.assert_array_equal(volume.data, image_data())
    np.testing.assert_allclose(volume.affine, affine_of(), atol=1e-6)
    assert volume.data.dtype == np.float64
    assert volume.kind == "image" and volume.notes == () and volume.original_axes == "RAS"
    assert volume.spacing_mm == pytest.approx((1.0, 1.0, 1.0))
    assert volume.voxel_mm3 == pytest.approx(1.0)


def test_kinds_have_their_types(tmp_path: Path) -> None:
    path = write(tmp_path / "mask.nii.gz", cord_data())
    assert load_image(path, "mask").data.dtype == np.bool_
    assert load_image(path, "soft").data.dtype == np.float64
    assert load_image(path, "label").data.dtype == np.int64
    np.testing.assert_array_equal(load_image(path, "mask").data, cord_data() > 0)


def test_nifti_2_and_big_endian_and_unzipped(tmp_path: Path) -> None:
    for name, image in {
        "two.nii": nibabel.Nifti2Image(image_data(), affine_of()),
        "big.nii": nibabel.Nifti1Image(
            image_data().astype(">i2"), affine_of(), nibabel.Nifti1Header(endianness=">")
        ),
    }.items():
        nibabel.save(image, tmp_path / name)
        np.testing.assert_array_equal(load_image(tmp_path / name).data, image_data())


# ------------------------------------------------------------------------------------- E01, E02 and E03


def test_e01_missing_file_and_folder(tmp_path: Path) -> None:
    write(tmp_path / "cord_seg.nii.gz", cord_data())
    refused(tmp_path / "cord_sge.nii.gz", "E01", "there is no such file", "Did you mean cord_seg.nii.gz?")
    assert "no folder" in problem_of(lambda: load_image(tmp_path / "nowhere" / "a.nii"), "E01")
    (tmp_path / "sub-01").mkdir()
    refused(tmp_path / "sub-01", "E01", "is a folder")
    (tmp_path / "link.nii.gz").symlink_to("gone.nii.gz")
    refused(tmp_path / "link.nii.gz", "E01", "link to a file that does not exist")


DICOM = b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0" + b"\0" * 400


@pytest.mark.parametrize("name", ["IM0001.dcm", "IM0001", "renamed.nii", "renamed.nii.gz"])
def test_e02_dicom_whatever_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(DICOM)
    refused(path, "E02", "is a DICOM file", "dcm2niix")


def test_e02_dicom_without_its_magic_word_and_compressed(tmp_path: Path) -> None:
    (tmp_path / "old.dcm").write_bytes(b"\x08\0\0\0UL" + b"\0" * 600)
    refused(tmp_path / "old.dcm", "E02", "dcm2niix")
    (tmp_path / "packed.nii.gz").write_bytes(gzip.compress(DICOM))
    refused(tmp_path / "packed.nii.gz", "E02", "dcm2niix")


def test_e02_a_real_dicom_file(tmp_path: Path) -> None:
    sample = Path(nibabel.__file__).parent / "tests" / "data" / "0.dcm"
    if not sample.exists():
        pytest.skip("this nibabel ships no DICOM sample")
    path = tmp_path / "scan.nii"
    path.write_bytes(sample.read_bytes())
    refused(path, "E02", "dcm2niix")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("is empty", "0 bytes")),
        (b"/annex/objects/SHA256E-s1868--0a.nii.gz\n", ("git-annex placeholder", "git annex get", "40 bytes")),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", ("Git LFS", "git lfs pull")),
        (b"<!DOCTYPE html><html>404</html>", ("is a web page", "fetch the file again")),
        (b"\n <HTML>" + b" " * 3000, ("is a web page",)),
        (b"hello" * 200, ("is not a NIfTI file", "1000 bytes")),
        (gzip.compress(b"hello" * 200), ("is not a NIfTI file",)),
        (gzip.compress(b"hello" * 200)[:-12], ("ends too early", "Copy or download")),
        (b"\x1f\x8b" + b"x" * 50, ("damaged gzip",)),
    ],
)  # fmt: skip
def test_e03_what_is_no_volume(content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(content)
    refused(path, "E03", *words)


def test_e03_a_link_into_an_absent_annex(tmp_path: Path) -> None:
    (tmp_path / "t2.nii.gz").symlink_to("../.git/annex/objects/aa/bb/SHA256E-s9--0.nii.gz")
    refused(tmp_path / "t2.nii.gz", "E03", "git-annex", "absent content")


def test_e03_names_that_lie_about_compression(tmp_path: Path) -> None:
    whole = write(tmp_path / "good.nii.gz", image_data()).read_bytes()
    plain, packed = tmp_path / "plain.nii.gz", tmp_path / "packed.nii"
    plain.write_bytes(gzip.decompress(whole))
    packed.write_bytes(whole)
    refused(plain, "E03", "not a gzip file although its name ends in .gz", "Rename")
    refused(packed, "E03", "is compressed although its name does not say so", ".nii.gz")


def test_e03_cut_short_damaged_and_half_of_a_pair(tmp_path: Path) -> None:
    good = write(tmp_path / "good.nii", image_data()).read_bytes()
    short = tmp_path / "short.nii"
    short.write_bytes(good[:2000])
    refused(short, "E03", "is cut short", "1648 of 10752 bytes")
    packed = tmp_path / "short.nii.gz"
    packed.write_bytes(gzip.compress(good)[:-100])
    refused(packed, "E03", "ends too early")
    damaged = tmp_path / "odd.nii"
    damaged.write_bytes(good[:70] + (9999).to_bytes(2, "little") + good[72:])
    refused(damaged, "E03", "damaged header")
    pair = tmp_path / "t2.hdr"
    pair.write_bytes(good[:344] + b"ni1\0" + good[348:])
    refused(pair, "E03", "pair")
    hollow = tmp_path / "hollow.nii"
    hollow.write_bytes(good[:42] + (0).to_bytes(2, "little") + good[44:])
    refused(hollow, "E03", "no voxel")


def test_a_cut_file_that_promises_a_petabyte_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    good = bytearray(write(tmp_path / "good.nii", image_data()).read_bytes())
    good[42:48] = (30000).to_bytes(2, "little") * 3
    path = tmp_path / "huge.nii"
    path.write_bytes(bytes(good))
    refused(path, "E03", "is cut short")


# ---------------------------------------------------------------------------------------- E04 and E05


def test_e04_several_volumes(tmp_path: Path) -> None:
    four = np.stack([image_data() + 10 * n for n in range(3)], axis=-1)
    path = write(tmp_path / "dwi.nii.gz", four)
    refused(path, "E04", "holds 3 volumes", "14 x 16 x 24 x 3", "--volume N, from 0 to 2")
    refused(path, "E04", "no volume 3", "0 to 2", volume=3)
    np.testing.assert_array_equal(load_image(path, volume=2).data, image_data() + 20)
    check_accepted(tmp_path, "E04", "note", "number 2 is taken", path, "--volume", 2)
    with pytest.raises(BadInput, match="volumes count from 0"):
        load_image(path, volume=-1)


def test_e04_a_trailing_one_is_dropped_and_more_dimensions_are_too_many(tmp_path: Path) -> None:
    one = write(tmp_path / "one.nii.gz", image_data()[..., None])
    volume = load_image(one, volume=1)
    assert volume.data.shape == SHAPE
    assert "fourth dimension of one volume" in volume.notes[0] and "not needed" in volume.notes[1]
    check_accepted(tmp_path, "E04", "note", "which is dropped", one)
    vectors = write(tmp_path / "vectors.nii.gz", np.stack([image_data()] * 3, axis=-1)[:, :, :, None, :])
    np.testing.assert_array_equal(load_image(vectors, volume=1).data, image_data())
    five = write(tmp_path / "five.nii.gz", np.zeros((2, 2, 2, 2, 2), dtype=np.uint8))
    refused(five, "E04", "5 dimensions")


def test_e04_of_a_real_diffusion_series(shared_data: Path) -> None:
    path = shared_data / "mri" / "sct_testing" / "dmri" / "dmri.nii.gz"
    assert "40 x 42 x 5 x 7" in problem_of(lambda: load_image(path), "E04")
    assert load_image(path, volume=6).data.shape == (40, 42, 5)


def test_e05_a_single_slice_is_read_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path / "sagittal.nii.gz", image_data()[6:7])
    volume = load_image(path)
    assert volume.data.shape == (1, 16, 24)
    assert "single slice across the right-left axis" in volume.notes[0]
    check_accepted(tmp_path, "E05", "note", "not measured", path)
    flat = write(tmp_path / "flat.nii.gz", image_data()[:, :, 3])
    assert load_image(flat).data.shape == (14, 16, 1)


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


# ------------------------------------------------------------------------------- E16, E17, E18: values


def test_e16_soft_masks(tmp_path: Path) -> None:
    soft = cord_data() * 0.75
    path = write(tmp_path / "t2_seg.nii.gz", soft.astype(np.float32))
    refused(path, "E16", "is a soft mask", "--threshold 0.5", "kind 'soft'", kind="mask")
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


# -------------------------------------------------------------------------------------- orientation


def test_words_of_both_worlds() -> None:
    assert sct_word("LAS") == "RPI" and sct_word("PSR") == "AIL" and sct_word("RAS") == "LPI"
    assert both_words("LAS") == "LAS (nibabel) = RPI (SCT)"
    words = orientation_words()
    assert len(set(words)) == 48 and all(sct_word(sct_word(word)) == word for word in words)


@pytest.mark.parametrize("degrees", [0.0, 12.0])
def test_all_48_orientations_are_one_volume(degrees: float, tmp_path: Path) -> None:
    straight = nibabel.Nifti1Image(image_data(), rotated(0, degrees))
    for word in orientation_words():
        turned = straight.as_reoriented(
            nibabel.orientations.ornt_transform(
                nibabel.io_orientation(straight.affine), nibabel.orientations.axcodes2ornt(word)
            )
        )
        path = tmp_path / f"{word}.nii"
        nibabel.save(turned, path)
        volume = load_image(path)
        assert volume.original_axes == word == "".join(nibabel.aff2axcodes(turned.affine))
        np.testing.assert_array_equal(volume.data, image_data())
        np.testing.assert_allclose(volume.affine, straight.affine, atol=1e-5)
        back, affine = on_file_grid(volume.data, volume)
        np.testing.assert_array_equal(back, np.asanyarray(turned.dataobj))
        np.testing.assert_allclose(affine, turned.affine, atol=1e-5)


@given(
    st.permutations(range(3)),
    st.sampled_from(list(product((1.0, -1.0), repeat=3))),
    st.tuples(*[st.floats(-20.0, 20.0)] * 3),
    st.tuples(*[st.floats(0.05, 10.0)] * 3),
)
def test_axes_are_those_of_nibabel(order, signs, degrees, edges) -> None:
    turn = np.eye(3)
    for axis, angle in enumerate(degrees):
        turn = turn @ (rotated(axis, angle) @ np.linalg.inv(affine_of()))[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.eye(3)[:, list(order)] @ np.diag(signs) @ np.diag(edges)
    assert turn_of(affine).axes == "".join(nibabel.aff2axcodes(affine))


def test_writing_back_wants_the_shape_of_the_volume(tmp_path: Path) -> None:
    volume = load_image(write(tmp_path / "t2.nii", image_data()))
    with pytest.raises(ValueError, match="has shape"):
        on_file_grid(volume.data[1:], volume)


# ------------------------------------------------------------------------------------ what is not needed


def test_without_nibabel_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.imaging_support import imaging

    path = write(tmp_path / "t2.nii", image_data())
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(BadInput, match=r"pip install 'cordgraft\[mri\]'"):
        read_file(path)
    result = imaging("check", path)
    assert result.exit_code == 2 and "pip install 'cordgraft[mri]'" in result.stderr


def test_the_imaging_part_needs_neither_mesa_nor_numba() -> None:
    code = (
        "import importlib, pkgutil, sys, cordgraft_analysis.imaging as room;"
        "names = [m.name for m in pkgutil.walk_packages(room.__path__, room.__name__ + '.')];"
        "[importlib.import_module(name) for name in names];"
        "print(len(names), [m for m in ('mesa', 'numba', 'nibabel') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    number, rest = done.stdout.strip().split(" ", 1)
    assert int(number) > 10 and rest == "[]"
