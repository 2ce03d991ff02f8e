"""What is no NIfTI volume is refused in words of its own before the reader of volumes sees it (E01 to E03)."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cordgraft_analysis.imaging.load import load_image
from tests.imaging_support import (
    cord_data,
    image_data,
    problem_of,
    refused,
    write,
)

nibabel = pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


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
