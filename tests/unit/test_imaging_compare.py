"""Two lesions against each other: overlap by its definitions, profiles, scalars, agreement, and the verb."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.agreement import bland_altman, bootstrap_mean, concordance
from cordgraft_analysis.imaging.compare import overlap, profiles, scalars
from cordgraft_analysis.imaging.lesion import measure
from cordgraft_analysis.imaging.onto_grid import onto_grid
from cordgraft_analysis.imaging.profile import Profile
from tests.imaging_support import (
    affine_of,
    cord_data,
    files_below,
    imaging,
    lesion_data,
    problem_of,
    rotated,
    write,
)

pytest.importorskip("nibabel", reason="reading scanner volumes needs the extra [mri]")
pytestmark = pytest.mark.mri

THICK = np.diag([3.0, 0.5, 0.5, 1.0])


def surface_by_hand(mask: np.ndarray) -> np.ndarray:
    """Return the places of voxels with one of six neighbours outside : (n, 3)."""
    padded = np.pad(mask, 1)
    steps = [np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1] for axis in range(3) for step in (-1, 1)]
    return np.argwhere(mask & ~np.all(steps, axis=0))


def distances_by_hand(a: np.ndarray, b: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    one, two = surface_by_hand(a) * spacing, surface_by_hand(b) * spacing
    return np.sqrt(((one[:, None] - two[None]) ** 2).sum(-1)).min(1)


def test_overlap_is_what_its_definitions_say():
    rng = np.random.default_rng(1)
    spacing = np.array([3.0, 0.5, 0.5])
    a, b = np.zeros((2, 9, 16, 16), dtype=bool)
    a[2:6, 3:11, 4:12] = True
    b[3:7, 5:13, 2:10] = True
    b ^= (rng.random(b.shape) < 0.15) & a
    found = overlap(a, b, THICK)
    there, back = distances_by_hand(a, b, spacing), distances_by_hand(b, a, spacing)
    assert found.dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert found.volume_similarity == pytest.approx(
        1 - abs(int(a.sum()) - int(b.sum())) / (a.sum() + b.sum())
    )
    assert found.hausdorff_mm == pytest.approx(max(there.max(), back.max()))
    assert found.hausdorff95_mm == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert found.tau_mm == 3.0
    near = (there <= 3.0 + 1e-9).sum() + (back <= 3.0 + 1e-9).sum()
    assert found.surface_dice == pytest.approx(near / (len(there) + len(back)))
    # not the pooled percentile that other programs call by the same name
    assert found.hausdorff95_mm != pytest.approx(np.percentile(np.concatenate((there, back)), 95))
    other = overlap(b, a, THICK)
    assert (other.dice, other.hausdorff95_mm, other.surface_dice) == pytest.approx(
        (found.dice, found.hausdorff95_mm, found.surface_dice)
    )


def test_a_shift_by_one_voxel_is_one_voxel():
    a = np.zeros((8, 12, 12), dtype=bool)
    a[2:5, 3:9, 3:9] = True
    b = np.roll(a, 1, axis=2)
    found = overlap(a, b, THICK, tau_mm=0.5)
    assert found.hausdorff_mm == found.hausdorff95_mm == 0.5
    assert found.surface_dice == 1.0  # within one voxel edge, in spite of rounding
    assert overlap(a, b, THICK, tau_mm=0.49).surface_dice < 1.0
    assert found.dice == pytest.approx(5 / 6)


def test_the_border_of_the_image_is_outside():
    whole = np.ones((5, 5, 5), dtype=bool)
    smaller = whole.copy()
    smaller[0] = smaller[-1] = False
    # without the border there would be no surface on the whole block
    assert overlap(whole, smaller, np.eye(4)).hausdorff_mm == 1.0


def test_a_single_slice_is_compared_within_its_plane():
    a = np.zeros((1, 20, 20), dtype=bool)
    b = a.copy()
    a[0, 5:15, 5:15] = True
    b[0, 7:13, 7:13] = True
    found = overlap(a, b, THICK)
    assert found.tau_mm == 0.5
    # edge to edge: two voxels of 0.5 mm, and the corners
    assert found.hausdorff_mm == pytest.approx(np.hypot(1.0, 1.0))


def test_empty_masks_are_flagged_and_never_a_silent_number():
    none, some = np.zeros((2, 4, 4, 4), dtype=bool)
    some[1:3, 1:3, 1:3] = True
    both, one = overlap(none, none, np.eye(4)), overlap(some, none, np.eye(4))
    assert (both.dice, both.surface_dice, both.hausdorff_mm, both.flag) == (1.0, 1.0, 0.0, "both_empty")
    assert (one.dice, one.surface_dice, one.volume_similarity, one.flag) == (0.0, 0.0, 0.0, "one_empty")
    assert np.isnan(one.hausdorff_mm) and np.isnan(one.hausdorff95_mm)
    assert one.row()["hausdorff_mm"] is None


def test_overlap_refuses_other_grids_shear_and_values():
    a = np.zeros((4, 4, 4), dtype=bool)
    assert "different grids" in problem_of(
        lambda: overlap(a, np.zeros((4, 4, 5), dtype=bool), np.eye(4)), "E13"
    )
    assert "0 and 1" in problem_of(lambda: overlap(a, np.full((4, 4, 4), 2), np.eye(4)), "E16")
    sheared = np.eye(4)
    sheared[0, 1] = 0.3
    with pytest.raises(BadInput, match="right angles"):
        overlap(a, a, sheared)
    with pytest.raises(BadInput, match="tolerance"):
        overlap(a, a, np.eye(4), tau_mm=-1.0)


def test_a_mask_brought_onto_another_grid_keeps_its_volume():
    i, j, k = np.indices((40, 40, 40))
    ball = np.hypot(np.hypot(i - 19.5, j - 19.5), k - 19.5) < 12.0
    fine = np.diag([0.5, 0.5, 0.5, 1.0])
    turned = rotated(0, 7.0)
    turned[:3, :3] = turned[:3, :3] @ np.diag([3.0, 0.8, 0.8])
    turned[:3, 3] = [-8.0, -8.0, -8.0]
    turned[:3, 3] += np.array([9.75] * 3) - (turned[:3, :3] @ [6.0, 20.0, 20.0] + turned[:3, 3])
    brought = onto_grid(ball, fine, (13, 41, 41), turned)
    volume = abs(np.linalg.det(turned[:3, :3])) * brought.shares.sum()
    assert volume == pytest.approx(ball.sum() * 0.125, rel=0.01)
    assert brought.kept == pytest.approx(1.0, abs=0.01)
    # there and back again through a transform
    shift = np.eye(4)
    shift[:3, 3] = [100.0, -50.0, 3.0]
    away = shift @ fine
    back = onto_grid(ball, away, ball.shape, fine, shift)
    np.testing.assert_array_equal(back.mask, ball)
    assert onto_grid(ball, away, ball.shape, fine).kept == 0.0


def curve(ratio: np.ndarray, area: np.ndarray, step: float = 1.0, first: int | None = None) -> Profile:
    start = -(len(ratio) // 2) if first is None else first
    s_mm = (np.arange(len(ratio)) + start) * step
    return Profile(s_mm, area, ratio * area, ratio, area, area, step, bool(np.nan_to_num(ratio).any()))


def test_profiles_are_compared_where_both_are_known():
    bump = np.array([0, 0, 0.2, 0.6, 0.8, 0.5, 0.1, 0, 0.0])
    area = np.linspace(60.0, 76.0, 9)
    same = profiles(curve(bump, area), curve(bump, area))
    assert [(one.quantity, one.pieces) for one in same] == [("damage_ratio []", 5), ("csa [mm2]", 9)]
    assert all(one.rmse == 0.0 and one.concordance == pytest.approx(1.0) for one in same)
    other = bump.copy()
    other[4] = 0.5
    hole = area + 2.0
    hole[0] = np.nan
    damage, csa = profiles(curve(bump, area), curve(other, hole))
    assert damage.largest_difference == pytest.approx(-0.3) and damage.at_mm == 0.0
    assert damage.rmse == pytest.approx(0.3 / np.sqrt(5))
    assert csa.pieces == 8 and csa.from_mm == -3.0
    assert csa.mean_difference == pytest.approx(2.0)
    x, y = area[1:], hole[1:]
    by_hand = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + 4.0)
    assert csa.concordance == pytest.approx(by_hand)


def test_profiles_of_other_steps_share_the_coarser_one():
    fine = curve(np.full(40, 0.25), np.linspace(50.0, 70.0, 40), step=0.5, first=-20)
    coarse = curve(np.full(20, 0.25), np.full(20, 60.0), step=1.0, first=-10)
    damage, csa = profiles(fine, coarse)
    assert damage.rmse == pytest.approx(0.0, abs=1e-12) and damage.pieces == csa.pieces == 19
    # the mean of a straight line over a piece is its value in the middle of it
    places = np.arange(csa.from_mm, csa.to_mm + 0.5)
    expected = 60.0 - np.interp(places, fine.s_mm, fine.csa)
    assert csa.rmse == pytest.approx(np.sqrt((expected**2).mean()))
    assert abs(csa.largest_difference) == pytest.approx(np.abs(expected).max())


def test_scalars_carry_the_size_of_a_voxel():
    a = measure(lesion_data(), cord_data(), affine_of())
    b = measure(np.roll(lesion_data(), 1, axis=1) | lesion_data(), cord_data(), affine_of())
    found = {one.measure: one for one in scalars(a.total, b.total)}
    width, length = found["width [mm]"], found["length [mm]"]
    assert (width.difference, width.uncertainty, width.within_voxels) == (pytest.approx(1.0), 2.0, True)
    assert length.difference == pytest.approx(0.0, abs=1e-9) and length.uncertainty == 2.0
    assert found["narrowest_total_bridge_width [mm]"].uncertainty == 4.0
    assert found["volume [mm3]"].within_voxels is None and np.isnan(found["volume [mm3]"].uncertainty)
    assert found["volume [mm3]"].percent == pytest.approx(25.0)
    with pytest.raises(BadInput, match="different methods"):
        scalars(a.total, measure(lesion_data(), cord_data(), affine_of(), method="sct").total)


def test_agreement_by_hand():
    a, b = np.array([1.0, 2.0, 3.0, 4.0, np.nan]), np.array([1.5, 2.0, 4.0, 4.5, 9.0])
    found = bland_altman(a, b)
    differences = np.array([0.5, 0.0, 1.0, 0.5])
    assert found.n == 4 and found.mean == pytest.approx(0.5)
    assert found.high == pytest.approx(0.5 + 1.96 * differences.std(ddof=1))
    assert np.isnan(bland_altman(a[:2], b[:2]).low)  # two pairs have no limits
    assert concordance(np.array([1.0, 1.0]), np.array([1.0, 1.0])) != concordance(a[:4], b[:4])
    assert np.isnan(concordance(np.array([1.0, 1.0]), np.array([1.0, 1.0])))
    # a shift lowers the concordance where a correlation would stay 1
    assert concordance(a[:4], a[:4] + 2.0) == pytest.approx(2 * 1.25 / (2.5 + 4.0))


def test_an_interval_needs_five_and_repeats_with_its_seed():
    values = [1.0, 2.0, 4.0, 8.0, 16.0]
    few, enough = bootstrap_mean(values[:4]), bootstrap_mean(values, seed=3)
    assert np.isnan(few.low) and (few.least, few.most) == (1.0, 8.0)
    assert enough.low < enough.mean == pytest.approx(6.2) and enough.mean < enough.high < 16.0
    assert bootstrap_mean(values, seed=3) == enough
    # the interval of a large sample is that of theory
    many = np.random.default_rng(0).normal(size=400)
    found = bootstrap_mean(many)
    assert bootstrap_mean(many, seed=4).low != found.low
    assert found.high - found.low == pytest.approx(2 * 1.96 * many.std() / 20.0, rel=0.06)


# ------------------------------------------------------------------------------------------------- the verb
@pytest.fixture
def two(tmp_path: Path) -> dict[str, Path]:
    """Two raters' lesions in one scan, in folders of their own, each with the cord beside it."""
    found = {}
    for rater, data in (("a", lesion_data()), ("b", np.roll(lesion_data(), 1, axis=2))):
        folder = tmp_path / rater
        folder.mkdir()
        found[rater] = write(folder / "t2_lesion_seg.nii.gz", data)
        found[f"{rater}_cord"] = write(folder / "t2_sc_seg.nii.gz", cord_data())
    return found


def document_of(*arguments: Any) -> dict[str, Any]:
    result = imaging("compare", *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_compare_prints_numbers_with_definitions_and_writes_tables(two, tmp_path):
    out = tmp_path / "out"
    result = imaging("compare", two["a"], two["b"], "-o", out)
    assert result.exit_code == 0, result.output
    for words in (
        "dice",
        "0.8333",
        "directed 95th percentiles",
        "found by its name",
        "concordance",
        "6-connected",
    ):
        assert words in result.stdout
    assert sorted(files_below(out)) == ["overlap.csv", "profiles.csv", "profiles.png", "scalars.csv"]
    with (out / "overlap.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["mask"] for row in rows] == ["lesion", "cord"]
    assert float(rows[0]["hausdorff_mm"]) == 1.0 and float(rows[1]["dice"]) == 1.0
    before = files_below(out)
    refused = imaging("compare", two["a"], two["b"], "-o", out)
    assert refused.exit_code == 2 and "E23" in refused.stderr and "--overwrite" in refused.stderr
    assert files_below(out) == before
    assert imaging("compare", two["a"], two["b"], "-o", out, "--overwrite", "-q").exit_code == 0
    assert files_below(out) == before  # the same bytes


def test_masks_on_two_grids_are_brought_together_with_a_warning(two, tmp_path):
    shifted = affine_of()
    shifted[2, 3] += 1.0
    moved = write(tmp_path / "b" / "t3_lesion_seg.nii.gz", lesion_data(), shifted)
    write(tmp_path / "b" / "t3_sc_seg.nii.gz", cord_data(), shifted)
    found = document_of(two["a"], moved)
    lesion = found["overlap"][0]
    assert lesion["dice"] == pytest.approx(5 / 6) and lesion["hausdorff_mm"] == 1.0
    warnings = [one for one in found["findings"] if one["code"] == "E13" and one["level"] == "warning"]
    assert any("--transform" in json.dumps(one) and "1.00 mm" in json.dumps(one) for one in warnings)
    # the transform that undoes the shift makes them equal
    table = np.eye(4)
    table[2, 3] = 1.0
    file = tmp_path / "t.txt"
    np.savetxt(file, table)
    assert document_of(two["a"], moved, "--transform", file)["overlap"][0]["dice"] == 1.0


def test_masks_of_two_places_have_no_overlap_but_profiles(two, tmp_path):
    far = affine_of()
    far[:3, 3] += 200.0
    other = write(tmp_path / "b" / "t4_lesion_seg.nii.gz", lesion_data(), far)
    write(tmp_path / "b" / "t4_sc_seg.nii.gz", cord_data(), far)
    found = document_of(two["a"], other)
    assert found["overlap"] == [] and "do not show one place" in found["no_overlap"]
    assert found["profiles"][0]["rmse"] == pytest.approx(0.0, abs=1e-9)


def test_profiles_in_tables_are_compared_like_those_of_masks(two, tmp_path):
    names = []
    for rater in ("a", "b"):
        names.append(tmp_path / f"{rater}_profile.csv")
        arguments = (
            "-m",
            two[rater],
            "-s",
            two["a_cord"],
            "-o",
            tmp_path / f"{rater}.csv",
            "--profile",
            names[-1],
        )
        assert imaging("lesion", *arguments).exit_code == 0
    found = document_of(*names)["profiles"]
    assert found == document_of(two["a"], two["b"])["profiles"]
    assert found[0]["pieces"] > 4
    names[1].write_text(names[1].read_text().replace("rl [mm]", "width"))
    result = imaging("compare", *names)
    assert result.exit_code == 2 and "without rl [mm]" in result.stderr


def test_tables_of_two_raters_give_limits_of_agreement(two, tmp_path):
    names = []
    for rater, shift in (("a", 0), ("b", 1)):
        lines: list[str] = []
        for number in range(4):
            data = lesion_data()
            data[:, :, 9 : 10 + number + shift] = 0
            mask = write(tmp_path / f"{number}_lesion_seg.nii.gz", data)
            out = tmp_path / f"{rater}{number}.csv"
            assert imaging("lesion", "-m", mask, "-s", two["a_cord"], "-o", out).exit_code == 0
            text = out.read_text().splitlines()
            lines += text if not lines else text[1:]
        names.append(tmp_path / f"rater_{rater}.csv")
        names[-1].write_text("\n".join(lines) + "\n")
    found = document_of(names[0], names[1], "-o", tmp_path / "out")
    length = next(one for one in found["agreement"] if one["measure"] == "length [mm]")
    assert length["pairs"] == 4 and length["mean_difference"] == pytest.approx(-1.0)
    assert (tmp_path / "out" / "bland_altman.png").stat().st_size > 10_000
    lonely = tmp_path / "x.csv"
    lonely.write_text(names[1].read_text().replace("_lesion_seg", "_other"))
    result = imaging("compare", names[0], lonely)
    assert result.exit_code == 2 and "no row of one table" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--method", "x"), "mm, sct"),
        (("-s", "c.nii.gz", "--cord-b", "d.nii.gz"), "named twice"),
        (("--transform", "none.txt"), "E01"),
        (("--tau-mm", "-2"), "no such tolerance"),
        (("--step-mm", "0"), "no such step"),
    ],
)
def test_bad_options_of_compare(two, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    before = files_below(tmp_path)
    result = imaging("compare", two["a"], two["b"], *arguments, "-o", "out")
    assert result.exit_code == 2 and words in result.stderr
    assert files_below(tmp_path) == before


def test_bad_files_of_compare(two, tmp_path):
    table = tmp_path / "x.csv"
    table.write_text("a,b\n1,2\n")
    for arguments, words in (
        ((two["a"], table), "no column of lesion measures"),
        ((table, tmp_path / "none.csv"), "there is no such file"),
        ((two["a"], write(tmp_path / "soft.nii.gz", 7 * lesion_data().astype(np.int16))), "E16"),
        ((two["a"], two["b"], "--cord-b", two["a"].parent / "none.nii.gz"), "E01"),
    ):
        result = imaging("compare", *arguments)
        assert result.exit_code == 2 and words in result.stderr, result.output
    write(two["b"].parent / "t2_seg.nii.gz", cord_data())
    result = imaging("compare", two["a"], two["b"])
    assert result.exit_code == 2 and "several cord masks" in result.stderr and "--cord-b" in result.stderr


def test_a_painted_lesion_moved_by_a_voxel_loses_a_fifth_of_its_dice(shared_data, tmp_path):
    import nibabel

    source = shared_data / "mri" / "sct_testing" / "t2_fake_lesion" / "t2_fake_lesion_lesion_seg.nii.gz"
    image = nibabel.load(source)
    moved = tmp_path / "moved_lesion_seg.nii.gz"
    nibabel.save(
        nibabel.Nifti1Image(np.roll(np.asarray(image.dataobj), 1, axis=1), image.affine, image.header), moved
    )
    cord = source.with_name("t2_fake_lesion_sc_seg.nii.gz")
    found = document_of(source, moved, "-s", cord)
    assert found["overlap"][0]["dice"] == pytest.approx(0.8, abs=0.05)
    assert found["overlap"][0]["hausdorff_mm"] == pytest.approx(0.8, rel=1e-3)
