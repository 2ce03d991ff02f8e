"""`cordgraft imaging lesion` and `cordgraft imaging cord` as an analyst meets them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.imaging_support import affine_of, cord_data, files_below, image_data, imaging, lesion_data, write

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri


@pytest.fixture
def scan(tmp_path: Path) -> dict[str, Path]:
    """A scan with cord, lesion and levels, as files."""
    levels = np.where(cord_data() > 0, 5, 0).astype(np.uint8)
    levels[:, :, 16:] *= 0
    levels[:, :, 16:] += (cord_data()[:, :, 16:] * 4).astype(np.uint8)
    return {
        "image": write(tmp_path / "t2.nii.gz", image_data()),
        "cord": write(tmp_path / "t2_sc_seg.nii.gz", cord_data()),
        "lesion": write(tmp_path / "t2_lesion_seg.nii.gz", lesion_data()),
        "levels": write(tmp_path / "t2_levels.nii.gz", levels),
    }


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", ["mm", "sct"])
def test_lesion_writes_a_table_with_the_columns_of_sct(scan, tmp_path, method):
    out = tmp_path / "tables" / "lesion.csv"
    result = imaging(
        "lesion", "-m", scan["lesion"], "-s", scan["cord"], "-i", scan["image"], "--method", method, "-o", out
    )
    assert result.exit_code == 0, result.output
    rows = rows_of(out)
    assert [row["label"] for row in rows] == ["1", "total"]
    assert float(rows[0]["volume [mm3]"]) == pytest.approx(96.0)
    assert float(rows[0]["length [mm]"]) == pytest.approx(6.0)
    assert rows[0]["method"] == method
    assert rows[0]["lesion_file"] == "t2_lesion_seg.nii.gz"
    dorsal = float(rows[0]["interpolated_dorsal_bridge_width [mm]"])
    ventral = float(rows[0]["interpolated_ventral_bridge_width [mm]"])
    assert dorsal == pytest.approx(ventral, abs=1e-6) and dorsal > 2.0
    assert "volume [mm3]" in result.stdout and str(out) in result.stdout


def test_lesion_with_a_profile_and_json(scan, tmp_path):
    out, along = tmp_path / "a.csv", tmp_path / "p.csv"
    result = imaging(
        "lesion", "-m", scan["lesion"], "-s", scan["cord"], "--profile", along, "-o", out, "--json"
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert document["rows"][-1]["label"] == "total"
    assert document["written"] == [str(out), str(along)]
    areas = [float(row["lesion_area [mm2]"]) for row in rows_of(along)]
    assert sum(areas) == pytest.approx(96.0, rel=1e-3)


def test_the_same_files_give_the_same_bytes(scan, tmp_path):
    texts = []
    for name in ("one.csv", "two.csv"):
        imaging("lesion", "-m", scan["lesion"], "-s", scan["cord"], "-o", tmp_path / name, "-q")
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_nothing_is_replaced_unless_told(scan, tmp_path):
    out = tmp_path / "a.csv"
    out.write_text("mine")
    arguments = ("lesion", "-m", scan["lesion"], "-s", scan["cord"], "-o", out)
    before = files_below(tmp_path)
    result = imaging(*arguments)
    assert result.exit_code == 2 and "--overwrite" in result.stderr
    assert files_below(tmp_path) == before
    assert imaging(*arguments, "--overwrite").exit_code == 0
    assert out.read_text() != "mine"


def test_an_empty_lesion_is_a_result(scan, tmp_path):
    empty = write(tmp_path / "none_lesion_seg.nii.gz", 0 * lesion_data())
    out = tmp_path / "a.csv"
    result = imaging("lesion", "-m", empty, "-s", scan["cord"], "-o", out)
    assert result.exit_code == 0, result.output
    (row,) = rows_of(out)
    assert row["lesion_present"] == "false"
    assert float(row["interpolated_total_bridge_width [mm]"]) == pytest.approx(10.0)


def test_soft_masks_are_measured_by_mm_and_need_a_threshold_for_sct(scan, tmp_path):
    soft = write(tmp_path / "soft_lesion_seg.nii.gz", (0.75 * lesion_data()).astype(np.float32))
    out = tmp_path / "a.csv"
    result = imaging("lesion", "-m", soft, "-s", scan["cord"], "-o", out)
    assert result.exit_code == 0, result.output
    assert float(rows_of(out)[-1]["volume [mm3]"]) == pytest.approx(72.0, rel=1e-6)
    refused = imaging("lesion", "-m", soft, "-s", scan["cord"], "--method", "sct", "-o", tmp_path / "b.csv")
    assert refused.exit_code == 2 and "--threshold" in refused.stderr
    cut = imaging(
        "lesion",
        "-m",
        soft,
        "-s",
        scan["cord"],
        "--method",
        "sct",
        "--threshold",
        0.5,
        "-o",
        tmp_path / "b.csv",
    )
    assert cut.exit_code == 0, cut.output
    assert float(rows_of(tmp_path / "b.csv")[0]["volume [mm3]"]) == pytest.approx(96.0)


def test_labels_of_one_file_may_be_both_masks(scan, tmp_path):
    both = write(tmp_path / "t2_dseg.nii.gz", cord_data() + 2 * lesion_data())
    out = tmp_path / "a.csv"
    labels = ("--label", 3, "--cord-label", 1, "--cord-label", 3)
    result = imaging("lesion", "-m", both, "-s", both, *labels, "-o", out)
    assert result.exit_code == 0, result.output
    assert float(rows_of(out)[0]["volume [mm3]"]) == pytest.approx(96.0)
    refused = imaging("lesion", "-m", both, "-s", scan["cord"], "-o", tmp_path / "b.csv")
    assert refused.exit_code == 2 and "--label" in refused.stderr


def test_dorsal_and_ventral_follow_the_stated_side(scan, tmp_path):
    data = lesion_data()
    data = np.roll(data, -2, axis=1)  # two voxels towards posterior
    moved = write(tmp_path / "moved_lesion_seg.nii.gz", data)
    widths = {}
    for side in ("-y", "+y"):
        out = tmp_path / f"{side}.csv"
        result = imaging("lesion", "-m", moved, "-s", scan["cord"], f"--dorsal-axis={side}", "-o", out)
        assert result.exit_code == 0, result.output
        row = rows_of(out)[0]
        widths[side] = [
            float(row[f"interpolated_{word}_bridge_width [mm]"]) for word in ("dorsal", "ventral")
        ]
    assert widths["-y"][0] < widths["-y"][1]
    assert widths["+y"] == pytest.approx(widths["-y"][::-1])


def test_a_mask_that_lies_elsewhere_is_refused(scan, tmp_path):
    shifted = affine_of()
    shifted[2, 3] += 50.0
    far = write(tmp_path / "far_lesion_seg.nii.gz", lesion_data(), shifted)
    before = files_below(tmp_path)
    result = imaging("lesion", "-m", far, "-s", scan["cord"], "-o", tmp_path / "a.csv")
    assert result.exit_code == 2
    assert "E13" in result.stderr and "50.00 mm" in result.stderr
    assert files_below(tmp_path) == before


def test_a_section_and_its_model(scan, tmp_path):
    cord = write(tmp_path / "section_sc_seg.nii.gz", cord_data()[7:8])
    lesion = write(tmp_path / "section_lesion_seg.nii.gz", lesion_data()[7:8])
    plain, body = tmp_path / "a.csv", tmp_path / "b.csv"
    assert imaging("lesion", "-m", lesion, "-s", cord, "-o", plain).exit_code == 0
    row = rows_of(plain)[0]
    assert row["volume [mm3]"] == "" and "extrusion" in row["absent"]
    result = imaging("lesion", "-m", lesion, "-s", cord, "--extrusion", "axisymmetric", "-o", body)
    assert result.exit_code == 0, result.output
    row = rows_of(body)[0]
    assert float(row["volume [mm3]"]) == pytest.approx(np.pi * 2.0**2 * 6.0, rel=0.02)
    assert row["extrusion"] == "axisymmetric" and "model: axisymmetric" in result.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "mmm"), "mm, sct"),
        (("--extrusion", "axisymmetric"), "this is a volume"),
        (("--profile", "p.csv", "--step-mm", "0"), "no such step"),
        (("--profile", "p.csv", "--step-mm", "1e-9"), "a hundredth of a slice"),
        (("--profile", "p.csv", "--step-mm", "1e300"), "no such step"),
        (("--profile", "p.csv", "--step-mm", "nan"), "no such step"),
        (("--empty-slice", "99", "--label", "2"), "no label"),
        (("--dorsal-axis", "up"), "no direction"),
    ],
)
def test_bad_options_of_lesion(scan, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    before = files_below(tmp_path)
    result = imaging("lesion", "-m", scan["lesion"], "-s", scan["cord"], *options, "-o", "a.csv")
    assert result.exit_code == 2 and words in result.stderr
    assert files_below(tmp_path) == before


def test_cord_by_slice_and_by_level(scan, tmp_path):
    out, by_level = tmp_path / "slices.csv", tmp_path / "levels.csv"
    assert imaging("cord", "-s", scan["cord"], "-o", out).exit_code == 0
    rows = rows_of(out)
    assert len(rows) == 24 and rows[0]["Slice (I->S)"] == "0"
    assert float(rows[5]["MEAN(area)"]) == pytest.approx(cord_data()[:, :, 5].sum())
    result = imaging("cord", "-s", scan["cord"], "--levels", scan["levels"], "--sex", "M", "-o", by_level)
    assert result.exit_code == 0, result.output
    rows = rows_of(by_level)
    assert [row["VertLevel"] for row in rows] == ["4", "5"]
    area = float(rows[1]["MEAN(area)"])
    assert float(rows[1]["zscore(area)"]) == pytest.approx((area - 78.13) / 8.10)
    assert "10.1162/imag_a_00075" in rows[1]["norm"]


def test_compression_is_a_table_of_its_own(scan, tmp_path):
    out = tmp_path / "cord.csv"
    result = imaging(
        "cord", "-s", scan["cord"], "-m", scan["lesion"], "--levels", scan["levels"],
        "--compression", "lesion", "--compression", "C5", "-o", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path / "cord_compression.csv")
    assert [row["place"] for row in rows] == ["lesion", "C5"]
    assert "no cord" in result.stdout or "only" in result.stdout  # 24 mm of cord are too short


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--compression", "lesion"), "give -m"),
        (("--compression", "C5"), "give --levels"),
        (("--sex", "X"), "F, M"),
        (("--sex", "F", "--species", "rat"), "people only"),
    ],
)
def test_bad_options_of_cord(scan, tmp_path, options, words):
    before = files_below(tmp_path)
    result = imaging("cord", "-s", scan["cord"], *options, "-o", tmp_path / "a.csv")
    assert result.exit_code == 2 and words in result.stderr
    assert files_below(tmp_path) == before


def test_a_dummy_lesion_beside_its_image_is_refused(shared_data, tmp_path):
    folder = shared_data / "mri" / "unf01"
    labels = folder / "derivatives" / "labels" / "anat"
    result = imaging(
        "lesion", "-m", labels / "sub-unf01_T2w_lesion-manual.nii.gz",
        "-s", labels / "sub-unf01_T2w_seg-manual.nii.gz", "-i", folder / "anat" / "sub-unf01_T2w.nii.gz",
        "-o", tmp_path / "a.csv",
    )  # fmt: skip
    assert result.exit_code == 2 and "E13" in result.stderr
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("verb", "option"), [("lesion", "cord"), ("lesion", "lesion"), ("cord", "cord"), ("report", "lesion")]
)
def test_what_is_read_is_never_replaced(scan, tmp_path, verb, option):
    """A mask drawn by hand is worth more than a table: --overwrite is no leave to write over it."""
    read = ("-s", scan["cord"]) if verb == "cord" else ("-s", scan["cord"], "-m", scan["lesion"])
    before = files_below(tmp_path)
    result = imaging(verb, *read, "-o", tmp_path / "." / scan[option].name, "--overwrite")
    assert result.exit_code == 2 and "E23" in result.stderr and "is read by this call" in result.stderr
    assert files_below(tmp_path) == before


def test_a_table_that_cannot_be_written_is_bad_input(scan, tmp_path):
    (tmp_path / "file").write_text("mine")
    result = imaging("lesion", "-s", scan["cord"], "-m", scan["lesion"], "-o", tmp_path / "file" / "a.csv")
    assert result.exit_code == 2 and "E23: cannot be written" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_thick_slices_are_warned_of(scan, tmp_path):
    affine = affine_of()
    affine[0, 0] = 3.0
    thick = [write(tmp_path / f"thick_{name}_seg.nii.gz", data, affine)
             for name, data in (("lesion", lesion_data()), ("sc", cord_data()))]  # fmt: skip
    result = imaging("lesion", "-m", thick[0], "-s", thick[1], "-o", tmp_path / "a.csv", "--species", "human")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("E22") == 1 and "midsagittal area, width and bridges are blurred" in result.stderr
    whole = imaging("lesion", "-m", scan["lesion"], "-s", scan["cord"], "-o", tmp_path / "b.csv")
    assert "E22" not in whole.stderr
