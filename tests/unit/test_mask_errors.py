"""Bad masks: each is refused, or accepted with a caution, in words that name the file and the remedy."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft.scenario.masks import MaskError, build_patient_geometry, read_masks

nibabel = pytest.importorskip("nibabel", reason="reading NIfTI masks needs the extra [mri]")
pytestmark = pytest.mark.mri

SHAPE = (14, 16, 24)


def affine_of() -> np.ndarray:
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-6.5, -7.5, -11.5]
    return affine


def cord_data() -> np.ndarray:
    i, j, _ = np.indices(SHAPE)
    return (np.hypot(i - 6.5, j - 7.5) < 5.0).astype(np.uint8)


def lesion_data() -> np.ndarray:
    lesion = np.zeros(SHAPE, dtype=np.uint8)
    lesion[5:9, 6:10, 9:15] = 1
    return lesion


def save(path: Path, data: np.ndarray, affine: np.ndarray | None = None, codes=(1, 1), units="mm") -> Path:
    image = nibabel.Nifti1Image(data, affine_of() if affine is None else affine)
    image.header.set_sform(image.affine, codes[0])
    image.header.set_qform(image.affine, codes[1], strip_shears=True)
    image.header.set_xyzt_units(units)
    nibabel.save(image, path)
    return path


@pytest.fixture
def good(tmp_path: Path) -> tuple[Path, Path]:
    return save(tmp_path / "cord.nii.gz", cord_data()), save(tmp_path / "lesion.nii.gz", lesion_data())


def refused(cord: Path, lesion: Path | None = None) -> str:
    """Return the message, after checking its form."""
    with pytest.raises(MaskError) as caught:
        read_masks(cord, lesion)
    error = caught.value
    message = str(error)
    assert isinstance(error, BadInput)
    assert isinstance(error, ValueError)
    assert error.key in ("geometry.cord_mask", "geometry.lesion_mask")
    assert message.startswith(f"{error.key}: ")
    assert "\n" not in message
    assert "Traceback" not in message
    assert str(error.problems[0]) == message, "the command line prints the same words"
    assert error.__cause__ is None
    return message


def test_a_good_pair_is_read(good: tuple[Path, Path]) -> None:
    pair = read_masks(*good)
    assert pair.cautions == ()
    assert pair.cord_name == "cord.nii.gz"
    assert pair.lesion is not None
    assert pair.lesion.sum() == lesion_data().sum()
    assert pair.lesion_mask_mm3 == 96.0
    assert pair.voxel_mm == (1.0, 1.0, 1.0)
    assert len(pair.cord_sha256) == 64
    assert read_masks(str(good[0])).lesion is None


def test_missing_file_names_the_near_one(good: tuple[Path, Path]) -> None:
    message = refused(good[0].with_name("cordd.nii.gz"))
    assert "there is no file" in message
    assert "did you mean cord.nii.gz" in message
    assert "no folder" in refused(Path("nowhere") / "cord.nii.gz")


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)


def as_bytes(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "mask.nii.gz"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a NIfTI file"),
        (b"hello" * 200, "not a NIfTI file"),
        (b"\0" * 128 + b"DICM" + b"\0" * 400, "dcm2niix"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "placeholder"),
        (b"../../.git/annex/objects/x/y/z", "placeholder"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (gzip.compress(b"hello" * 200), "not a NIfTI file"),
        (gzip.compress(b"hello" * 200)[:-12], "damaged gzip"),
        (b"\x1f\x8b" + b"x" * 50, "damaged gzip"),
    ],
)
def test_what_is_no_nifti(content: bytes, words: str, tmp_path: Path) -> None:
    message = refused(as_bytes(content)(tmp_path))
    assert words in message
    assert "mask.nii.gz" in message


def test_cut_short(good: tuple[Path, Path], tmp_path: Path) -> None:
    whole = gzip.decompress(good[0].read_bytes())
    plain = tmp_path / "short.nii"
    plain.write_bytes(whole[:2000])
    assert "cut short" in refused(plain)
    # The right content under the wrong name is no reason to refuse.
    named = tmp_path / "unzipped.nii.gz"
    named.write_bytes(whole)
    assert read_masks(named).cord.sum() == cord_data().sum()


def test_damaged_header(good: tuple[Path, Path], tmp_path: Path) -> None:
    whole = bytearray(gzip.decompress(good[0].read_bytes()))
    whole[70:72] = (9999).to_bytes(2, "little")  # a data type that does not exist
    path = tmp_path / "odd.nii"
    path.write_bytes(bytes(whole))
    message = refused(path)
    assert "odd.nii" in message


def test_header_of_a_pair(good: tuple[Path, Path], tmp_path: Path) -> None:
    whole = bytearray(gzip.decompress(good[0].read_bytes()))
    whole[344:348] = b"ni1\0"
    path = tmp_path / "mask.hdr"
    path.write_bytes(bytes(whole))
    assert "pair" in refused(path)


def test_four_dimensions(tmp_path: Path) -> None:
    four = np.stack([cord_data()] * 3, axis=-1)
    message = refused(save(tmp_path / "four.nii.gz", four))
    assert "4 dimensions" in message
    assert "14 x 16 x 24 x 3" in message
    assert read_masks(save(tmp_path / "one.nii.gz", four[..., :1])).cord.shape == SHAPE


def test_empty_masks(good: tuple[Path, Path], tmp_path: Path) -> None:
    empty = save(tmp_path / "empty.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    assert "geometry.cord_mask: 'empty.nii.gz' is empty" in refused(empty)
    message = refused(good[0], empty)
    assert "geometry.lesion_mask: 'empty.nii.gz' is empty" in message
    assert "Leave the key out" in message


def test_not_a_number(good: tuple[Path, Path], tmp_path: Path) -> None:
    broken = cord_data().astype(np.float32)
    broken[0, 0, :3] = [np.nan, np.inf, -np.inf]
    message = refused(save(tmp_path / "nan.nii.gz", broken))
    assert "3 NaN or infinite voxels" in message


def test_complex_numbers(tmp_path: Path) -> None:
    assert "no plain numbers" in refused(save(tmp_path / "complex.nii", cord_data().astype(np.complex64)))


@pytest.mark.parametrize(
    ("factor", "words"), [(3, "values 3"), (-1.0, "values -1"), (731.5, "looks like an image")]
)
def test_values_of_no_mask(factor: float, words: str, tmp_path: Path) -> None:
    assert words in refused(save(tmp_path / "odd.nii.gz", (cord_data() * factor).astype(np.float32)))


def test_labels_are_named(tmp_path: Path) -> None:
    labels = cord_data().astype(np.int16)
    labels[..., 8:] *= 2
    labels[..., 16:] += labels[..., 16:] // 2
    message = refused(save(tmp_path / "levels.nii.gz", labels))
    assert "values 1, 2, 3" in message
    assert "labels" in message


def test_0_and_255_and_soft_masks_are_taken_with_a_caution(good: tuple[Path, Path], tmp_path: Path) -> None:
    bright = read_masks(save(tmp_path / "bright.nii.gz", cord_data() * np.uint8(255)))
    np.testing.assert_array_equal(bright.cord, cord_data())
    assert "255" in bright.cautions[0].message
    soft = lesion_data().astype(np.float32)
    soft[5] = 0.4
    soft[8] *= 0.6
    taken = read_masks(good[0], save(tmp_path / "soft.nii.gz", soft))
    assert "cut at 0.5" in taken.cautions[0].message
    expected = lesion_data().copy()
    expected[5] = 0
    assert taken.lesion is not None
    np.testing.assert_array_equal(taken.lesion, expected)
    faint = save(tmp_path / "faint.nii.gz", lesion_data().astype(np.float32) * 0.3)
    assert "no voxel of 0.5" in refused(good[0], faint)


def test_slope_is_applied(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(cord_data() * np.uint8(200), affine_of())
    image.header.set_slope_inter(1.0 / 200.0, 0.0)
    path = tmp_path / "scaled.nii"
    raw = bytearray(image.to_bytes())
    # Saving would rescale the numbers; the stored bytes are put under the slope by hand.
    header = nibabel.Nifti1Header(bytes(raw[:348]))
    header["scl_slope"], header["scl_inter"] = 1.0 / 200.0, 0.0
    raw[:348] = header.binaryblock
    raw[352:] = (cord_data() * np.uint8(200)).tobytes(order="F")
    path.write_bytes(bytes(raw))
    np.testing.assert_array_equal(read_masks(path).cord, cord_data())


def test_grids(good: tuple[Path, Path], tmp_path: Path) -> None:
    cord = good[0]
    assert "different grids" in refused(cord, save(tmp_path / "small.nii.gz", lesion_data()[:, :, :-1]))

    def moved(millimetres: float) -> Path:
        affine = affine_of()
        affine[0, 3] += millimetres
        return save(tmp_path / f"moved{millimetres}.nii.gz", lesion_data(), affine)

    assert read_masks(cord, moved(0.0002)).cautions == ()
    near = read_masks(cord, moved(0.3))
    assert "0.30 mm" in near.cautions[0].message
    message = refused(cord, moved(0.6))
    assert "0.60 mm apart" in message
    assert "Resample" in message
    assert "50.00 mm apart" in refused(cord, moved(50.0))
    doubled = affine_of()
    doubled[:3] *= 2.0
    assert "different grids" in refused(cord, save(tmp_path / "scaled.nii.gz", lesion_data(), doubled))


def test_affines_that_say_nothing(tmp_path: Path) -> None:
    lost = save(tmp_path / "lost.nii", cord_data())
    raw = bytearray(lost.read_bytes())
    raw[252:256] = bytes(4)  # both codes; the library would not write them so
    lost.write_bytes(bytes(raw))
    message = refused(lost)
    assert "sform and qform codes 0" in message
    assert "left from right" in message
    only_qform = read_masks(save(tmp_path / "q.nii.gz", cord_data(), codes=(0, 2)))
    np.testing.assert_allclose(only_qform.affine, affine_of(), atol=1e-6)
    flat = save(tmp_path / "flat.nii", cord_data())
    raw = bytearray(flat.read_bytes())
    raw[280:296] = np.zeros(4, dtype="<f4").tobytes()  # first row of the sform
    flat.write_bytes(bytes(raw))
    assert "singular" in refused(flat)


def test_sform_and_qform_that_disagree(tmp_path: Path) -> None:
    def both(millimetres: float) -> Path:
        image = nibabel.Nifti1Image(cord_data(), affine_of())
        other = affine_of()
        other[1, 3] += millimetres
        image.header.set_sform(affine_of(), 1)
        image.header.set_qform(other, 1)
        path = tmp_path / f"both{millimetres}.nii"
        path.write_bytes(image.to_bytes())
        return path

    pair = read_masks(both(0.2))
    np.testing.assert_allclose(pair.affine, affine_of(), atol=1e-6)
    assert "0.200 mm; sform used" in pair.cautions[0].message
    assert "3.00 mm at a corner" in refused(both(3.0))


def test_units(tmp_path: Path) -> None:
    micron, metre = affine_of(), affine_of()
    micron[:3] *= 1e3
    metre[:3] *= 1e-3
    for name, affine in (("micron", micron), ("meter", metre)):
        pair = read_masks(save(tmp_path / f"{name}.nii.gz", cord_data(), affine, units=name))
        np.testing.assert_allclose(pair.affine, affine_of(), rtol=1e-5)
        assert "converted to mm" in pair.cautions[0].message
    assert "impossible size" in refused(save(tmp_path / "huge.nii.gz", cord_data(), micron))
    assert "impossible size" in refused(save(tmp_path / "tiny.nii.gz", cord_data(), metre))


def test_lesion_and_cord_that_do_not_belong_together(good: tuple[Path, Path], tmp_path: Path) -> None:
    cord, lesion = good
    partly = lesion_data()
    partly[:, 6:10, 9:15] = 0
    partly[0:6, 6:10, 9:15] = 1  # the cord begins at i = 2
    pair = read_masks(cord, save(tmp_path / "partly.nii.gz", partly))
    outside = float((partly * (cord_data() == 0)).sum()) / partly.sum()
    assert f"{100 * outside:.1f} % of the lesion" in pair.cautions[0].message
    assert pair.lesion is not None
    assert pair.lesion.sum() == (partly * cord_data()).sum()
    assert pair.lesion_mask_mm3 == partly.sum()
    beside = np.zeros(SHAPE, dtype=np.uint8)
    beside[0:2, 0:2] = 1
    assert "lies outside the cord in 'cord.nii.gz'" in refused(cord, save(tmp_path / "beside.nii.gz", beside))
    mostly = np.zeros(SHAPE, dtype=np.uint8)
    mostly[0:3, 6:10, 9:15] = 1
    assert re.search(r"lies to [56]\d % outside", refused(cord, save(tmp_path / "mostly.nii.gz", mostly)))
    assert "exchanged" in refused(lesion, cord)


def test_cord_in_pieces(tmp_path: Path) -> None:
    broken = cord_data()
    broken[..., 10:13] = 0
    message = refused(save(tmp_path / "broken.nii.gz", broken))
    assert "in several pieces" in message
    assert "fill the gap" in message
    specked = cord_data()
    specked[0, 0, 0] = specked[13, 15, 23] = 1
    pair = read_masks(save(tmp_path / "specked.nii.gz", specked))
    np.testing.assert_array_equal(pair.cord, cord_data())
    assert "2 detached specks of cord (2.0 mm3)" in pair.cautions[0].message


def test_a_lesion_longer_than_the_lattice(good: tuple[Path, Path]) -> None:
    pair = read_masks(*good)
    with pytest.raises(MaskError, match="longer than the lattice") as caught:
        build_patient_geometry(pair, voxel_um=(1000.0, 500.0, 200.0), length_um=3000.0)
    assert caught.value.key == "geometry.length"
    assert "lesion.nii.gz" in str(caught.value)
    assert "At least 6 mm" in str(caught.value)
    assert (
        build_patient_geometry(pair, voxel_um=(1000.0, 500.0, 200.0), length_um=6.4e3).lattice.shape[2] == 32
    )


def test_a_lesion_at_the_end_of_the_scan(good: tuple[Path, Path], tmp_path: Path) -> None:
    cut = lesion_data()
    cut[5:9, 6:10, 0:9] = 1
    geometry = build_patient_geometry(
        read_masks(good[0], save(tmp_path / "cut.nii.gz", cut)), voxel_um=1000.0
    )
    assert any("may be longer than seen" in caution.message for caution in geometry.cautions)


def test_a_cord_that_cannot_be_straightened(tmp_path: Path) -> None:
    affine = affine_of()[:, [0, 2, 1, 3]]  # the long axis of the file runs towards anterior
    long = np.repeat(cord_data(), 4, axis=2)
    pair = read_masks(save(tmp_path / "lying.nii.gz", long, affine))
    with pytest.raises(MaskError, match=r"'lying\.nii\.gz' cannot be straightened: the cord lies 90"):
        build_patient_geometry(pair, voxel_um=1000.0)
    sheet = np.zeros(SHAPE, dtype=np.uint8)
    sheet[2:12, 2:14, 5] = 1
    flat = read_masks(save(tmp_path / "sheet.nii.gz", sheet))
    with pytest.raises(MaskError, match="fills 1 slice"):
        build_patient_geometry(flat, voxel_um=1000.0)


def test_mask_that_reaches_the_centre_of_a_bend(tmp_path: Path) -> None:
    """A stray bar of mask across the inner side of a bend has no place along the centreline."""
    shape = (14, 60, 50)
    i, j, k = np.indices(shape)
    from_centre = np.hypot(j - 38.0, k - 24.5)
    bent = (np.hypot(from_centre - 26.0, i - 6.5) < 5.0) & (j < 38)
    assert build_patient_geometry(
        read_masks(save(tmp_path / "bent.nii.gz", bent.astype(np.uint8))), voxel_um=1000.0
    ).cord_mask.any()
    stray = bent | ((i == 6) & (k == 24) & (j > 12) & (j < 58))
    pair = read_masks(save(tmp_path / "stray.nii.gz", stray.astype(np.uint8)))
    with pytest.raises(MaskError, match=r"'stray\.nii\.gz' .*stray parts"):
        build_patient_geometry(pair, voxel_um=1000.0)


def test_one_voxel_thick_masks_work_with_a_caution(tmp_path: Path) -> None:
    affine = affine_of()
    affine[0, 0] = 4.0
    pair = read_masks(save(tmp_path / "thin.nii.gz", cord_data()[6:7], affine))
    assert "one voxel thick" in pair.cautions[0].message
    section = build_patient_geometry(pair, voxel_um=(1000.0, 500.0, 500.0))
    assert section.cord_fraction.max() == pytest.approx(1.0)


def test_without_nibabel_the_extra_is_named(good: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(ImportError, match=r"pip install 'cordgraft\[mri\]'"):
        read_masks(*good)


def test_a_mask_in_another_orientation_is_the_same_mask(good: tuple[Path, Path], tmp_path: Path) -> None:
    image = nibabel.load(good[1])
    turned = image.as_reoriented(nibabel.orientations.axcodes2ornt("PSR"))
    path = tmp_path / "turned.nii.gz"
    nibabel.save(turned, path)
    assert nibabel.aff2axcodes(nibabel.load(path).affine) != nibabel.aff2axcodes(affine_of())
    pair = read_masks(good[0], path)
    assert pair.cautions == ()
    assert pair.lesion is not None
    np.testing.assert_array_equal(pair.lesion, lesion_data())
