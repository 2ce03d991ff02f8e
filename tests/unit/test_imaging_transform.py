"""Transforms between two scans as plain text: what is taken and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft_analysis.imaging.transform import read_transform
from tests.imaging_support import (
    check_accepted,
    check_refused,
    imaging,
    problem_of,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


def test_a_transform(tmp_path: Path) -> None:
    path = tmp_path / "a_to_b.txt"
    c, s = np.cos(np.deg2rad(10.0)), np.sin(np.deg2rad(10.0))
    path.write_text(f"# world A to world B\n{c} {-s} 0 3\n{s} {c} 0 4\n0 0 1 0\n\n0, 0, 0, 1\n")
    transform = read_transform(path)
    assert transform.rotation_deg == pytest.approx(10.0)
    assert transform.shift_mm == pytest.approx(5.0)
    assert transform.stretch == pytest.approx((1.0, 1.0)) and transform.findings == ()
    result = imaging("check", "--transform", path)
    assert result.exit_code == 0 and "rotates by 10.00 degrees, shifts by 5.00 mm" in result.stdout


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("#Insight Transform File V1.0\nTransform: AffineTransform_double_3_3\n", "E03", "ITK or ANTs"),
        ("type      = 1\nnxforms   = 1\n", "E03", "FreeSurfer"),
        ("1 0 0\n0 1 0\n0 0 1\n", "E03", "3 lines of 3 numbers"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 one\n", "E03", "something else than numbers"),
        ("", "E03", "0 lines"),
        ("1 0 0 0\n0 1 0 0\n0 0 nan 0\n0 0 0 1\n", "E07", "no numbers"),
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n5 6 7 1\n", "E07", "transposed"),
        ("1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1\n", "E07", "flattens"),
        ("-1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "E07", "mirrors"),
    ],
)  # fmt: skip
def test_bad_transforms(text: str, code: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text(text)
    assert words in problem_of(lambda: read_transform(path), code)
    check_refused(tmp_path, code, (words, "t.txt"), "--transform", path)


def test_odd_transforms(tmp_path: Path) -> None:
    check_refused(tmp_path, "E01", "no such file", "--transform", tmp_path / "none.txt")
    check_refused(tmp_path, "E01", "folder", "--transform", tmp_path)
    binary = tmp_path / "x.txt"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    check_refused(tmp_path, "E03", "is no text", "--transform", binary)
    path = tmp_path / "flirt.mat"
    path.write_text("1.5 0 0 0\n0 1 0 2000\n0 0 1 0\n0 0 0 1\n")
    for code, words in (("E03", "FSL"), ("E07", "stretches"), ("E07", "leaves the scanner")):
        check_accepted(tmp_path, code, "warning", words, "--transform", path)
