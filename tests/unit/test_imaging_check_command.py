"""`cordgraft imaging check` as an analyst meets it: real files, groups of files, JSON, what it prints and where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.imaging_support import cord_data, files_below, image_data, imaging, lesion_data, write

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri

#: Verdicts of real files that are not "ok", with the codes of their errors and warnings.
ODD = {
    "sct_testing/dmri/dmri.nii.gz": ["E04"],
    "unf01/derivatives/labels/anat/sub-unf01_T2w_lesion-manual.nii.gz": ["E09", "E13"],
    "ms_t2_axial/t2_ms_crop.nii.gz": ["E10"],
    "sct_testing/mt/mtr.nii.gz": ["E17"],
    "sct_testing/t2_fake_lesion/t2_fake_lesion_sc_seg.nii.gz": ["E11"],
}
#: Real files whose role is not in their names, or easily mistaken.
ROLES = {
    "sct_testing/t2_fake_lesion/t2_fake_lesion.nii.gz": ("image", "image"),
    "sct_testing/t2_fake_lesion/t2_fake_lesion_lesion_seg.nii.gz": ("lesion", "mask"),
    "sct_testing/mt/label/PAM50_cord.nii.gz": ("cord", "mask"),
    "sct_testing/mt/label/PAM50_gm.nii.gz": ("grey", "soft"),
    "sct_testing/mt/label/PAM50_t2.nii.gz": ("image", "image"),
    "sct_testing/t2/t2_seg-manual_labeled.nii.gz": ("levels", "label"),
    "pam50_small/PAM50_small_label_disc.nii.gz": ("discs", "label"),
    "amu7t/AMU7T_sc_crop.nii.gz": ("cord", "soft"),
    "amu7t/AMU7T_levels_crop.nii.gz": ("levels", "label"),
    "rat/RatHistoAtlas_dseg_crop.nii.gz": ("", "label"),
    "unf01/derivatives/labels/anat/sub-unf01_T2w_lesion-manual.nii.gz": ("lesion", "mask"),
    "sct_testing/t2s/t2s_gmseg_manual.nii.gz": ("grey", "mask"),
}


def test_all_real_files_at_once(shared_data: Path) -> None:
    folder = shared_data / "mri"
    paths = sorted(folder.rglob("*.nii.gz"))
    assert len(paths) == 51
    result = imaging("check", "--json", *paths)
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["ok"] is False
    odd: dict[str, list[str]] = {}
    for finding in document["findings"]:
        assert finding["code"] and finding["message"] and finding["file"]
        if finding["level"] != "note":
            odd.setdefault(Path(finding["file"]).relative_to(folder).as_posix(), []).append(finding["code"])
    assert odd == ODD
    rows = {Path(row["file"]).relative_to(folder).as_posix(): row for row in document["files"]}
    assert len(rows) == 51
    assert {name: (rows[name]["role"], rows[name]["kind"]) for name in ROLES} == ROLES
    assert [name for name, row in rows.items() if row["verdict"].endswith(("error", "errors"))] == [
        "sct_testing/dmri/dmri.nii.gz",
        "unf01/derivatives/labels/anat/sub-unf01_T2w_lesion-manual.nii.gz",
    ]
    _agree_with_the_readme(rows, (folder / "README.md").read_text(encoding="utf-8"))


def _agree_with_the_readme(rows: dict[str, dict], text: str) -> None:
    """Compare shape, orientation, type and obliquity with the table that came with the files."""
    table = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    known = {cells[0]: cells for cells in table if cells[0].endswith(".nii.gz")}
    assert set(known) == set(rows)
    for name, (_, shape, _, orientation, oblique, dtype, *_) in known.items():
        row = rows[name]
        assert row["shape"] == [int(size) for size in shape.split("x")]
        assert f"{row['orientation_nibabel']} / {row['orientation_sct']}" == orientation
        assert row["oblique_deg"] == pytest.approx(float(oblique), abs=0.1)
        assert row["type"] == dtype


def test_a_scan_with_its_masks(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "t2.nii.gz", image_data()),
        write(tmp_path / "t2_sc_seg.nii.gz", cord_data()),
        write(tmp_path / "t2_lesion_seg.nii.gz", lesion_data()),
    ]
    before = files_below(tmp_path)
    result = imaging("check", *files)
    assert result.exit_code == 0 and result.stderr == ""
    assert "3 of 3 files can be used; nothing was written" in result.stdout
    for words in ("image (image)", "cord (mask)", "lesion (mask)", "14 x 16 x 24", "1 x 1 x 1", "RAS / LPI"):
        assert words in result.stdout
    assert "note" not in result.stdout
    assert imaging("check", "--quiet", *files).output == ""
    assert files_below(tmp_path) == before


def test_stated_roles_overrule_names_and_make_one_scan(tmp_path: Path) -> None:
    image = write(tmp_path / "scan.nii.gz", image_data())
    cord = write(tmp_path / "a.nii.gz", cord_data())
    lesion = write(tmp_path / "b.nii.gz", lesion_data()[:, :, 1:])
    apart = imaging("check", "--json", image, cord, lesion)
    assert apart.exit_code == 0
    roles = [row["role"] for row in json.loads(apart.stdout)["files"]]
    assert roles == ["image", "", ""], "masks without telling names are not guessed"
    for arguments in (["-i", image, "-s", cord, "-m", lesion], [image, "-s", cord, "-m", lesion]):
        together = imaging("check", *arguments)
        assert together.exit_code == 2
        assert "b.nii.gz: error E13" in together.stderr and "'scan.nii.gz'" in together.stderr
    assert "'a.nii.gz'" in imaging("check", "-s", cord, "-m", lesion).stderr


def test_sessions_and_spaces_are_kept_apart(tmp_path: Path) -> None:
    one = write(tmp_path / "sub-01_ses-a_T2w.nii.gz", image_data())
    other = write(tmp_path / "sub-01_ses-b_T2w_label-SC_seg.nii.gz", cord_data()[1:])
    space = write(tmp_path / "sub-01_ses-a_space-other_T2w_label-SC_seg.nii.gz", cord_data()[2:])
    assert imaging("check", one, other, space).exit_code == 0
    own = write(tmp_path / "sub-01_ses-a_T2w_label-SC_seg.nii.gz", cord_data()[3:])
    result = imaging("check", one, other, space, own)
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [str(own)]


def test_every_problem_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "page_seg.nii.gz").write_text("<html>")
    broken = np.where(cord_data() > 0, np.nan, 0.0).astype(np.float32)
    files = [
        tmp_path / "page_seg.nii.gz",
        tmp_path / "absent.nii.gz",
        write(tmp_path / "t2_seg.nii.gz", broken),
    ]
    result = imaging("check", "--quiet", *files)
    assert result.exit_code == 2 and result.stdout == ""
    found = [line.split(": ")[:2] for line in result.stderr.splitlines()]
    assert found == [
        [str(file), f"error {code}"] for file, code in zip(files, ("E03", "E01", "E17"), strict=True)
    ]


def test_json_of_a_transform_and_of_a_wrong_option(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("1 0 0 0\n0 1 0 0\n0 0 1 2\n0 0 0 1\n")
    document = json.loads(imaging("check", "--json", "--transform", path).stdout)
    assert document["ok"] and document["transform"]["shift_mm"] == 2.0 and document["files"] == []
    wrong = imaging("check", "--json", "--species", "cat", "-s", path)
    assert wrong.exit_code == 2 and json.loads(wrong.stdout)["problems"][0]["key"] == "--species"


def test_nothing_to_check() -> None:
    result = imaging("check")
    assert result.exit_code == 2 and "nothing to check" in result.stderr


def test_the_group_has_a_help_that_says_what_it_is_not() -> None:
    result = imaging("--help")
    assert result.exit_code == 0 and "research model" in result.stdout and "check" in result.stdout
