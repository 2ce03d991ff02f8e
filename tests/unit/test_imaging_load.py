"""Reading scanner files: whole ones, several volumes, single slices, every orientation (E04 and E05)."""

from __future__ import annotations

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
    on_file_grid,
    orientation_words,
    sct_word,
    turn_of,
)
from tests.imaging_support import (
    SHAPE,
    affine_of,
    check_accepted,
    cord_data,
    image_data,
    imaging,
    problem_of,
    refused,
    rotated,
    write,
)

nibabel = pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


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
