"""Runs side by side: differences, ratios, pairs of seeds, table and picture."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft_analysis.compare import Comparison, arm_labels, compare, draw_comparison
from cordgraft_analysis.view import open_view
from run_support import make_fake_run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("arms")
    make_fake_run(place / "control", graft=False, map_days=(14.0,))
    make_fake_run(place / "treated", shift=0.8, map_days=(14.0,))
    make_fake_run(place / "other_seed", seed=9, map_days=(14.0,))
    make_fake_run(place / "short", last_day=30.0, status="interrupted", map_days=(14.0,))
    for seed in (1, 2, 3):
        make_fake_run(place / "arm_a" / f"seed-{seed}", seed=seed, graft=False, map_days=(14.0,))
        if seed != 1:
            make_fake_run(place / "arm_b" / f"seed-{seed}", seed=seed, shift=0.5, map_days=(14.0,))
    return place


def outcome(comparison: Comparison, name: str):  # type: ignore[no-untyped-def]
    return next(entry for entry in comparison.outcomes if entry.name == name)


def test_difference_and_ratio_against_the_first_run(place: Path) -> None:
    found = compare([place / "control", place / "treated"])
    assert found.labels == ("control", "treated")
    assert found.day == 112.0
    lesion = outcome(found, "lesion_length")
    mine, theirs = (open_view(place / name).last("lesion_length") for name in found.labels)
    assert lesion.values == pytest.approx((mine, theirs))
    assert lesion.differences[1] == pytest.approx(theirs - mine)
    assert lesion.ratios[1] == pytest.approx(0.8)
    assert lesion.paired == (0, 1)
    assert np.isnan(lesion.differences[0])


def test_axons_are_compared_plus_one_so_that_zero_has_a_ratio(place: Path) -> None:
    found = compare([place / "control", place / "treated"])
    graft = outcome(found, "axons_graft_crossings_caudal")
    assert graft.values[0] == 0.0
    assert graft.ratios[1] == pytest.approx(graft.values[1] + 1.0)
    assert np.isnan(outcome(found, "graft_survivors").ratios[1])  # cells over none


def test_runs_are_compared_on_the_last_day_they_share(place: Path) -> None:
    found = compare([place / "treated", place / "short"])
    assert found.day == 30.0
    assert any("not finished" in note for note in found.notes)


def test_arms_are_paired_over_the_seeds_they_share(place: Path) -> None:
    found = compare([place / "arm_a", place / "arm_b"])
    lesion = outcome(found, "lesion_length")
    assert lesion.paired == (0, 2)  # seeds 2 and 3
    pairs = [
        open_view(place / "arm_b" / f"seed-{seed}").last("lesion_length")
        - open_view(place / "arm_a" / f"seed-{seed}").last("lesion_length")
        for seed in (2, 3)
    ]
    assert lesion.differences[1] == pytest.approx(np.median(pairs))
    assert lesion.lows[0] < lesion.values[0] < lesion.highs[0]
    # Every pair differs by the same factor, so the median ratio is exact; that of unpaired medians is not.
    assert lesion.ratios[1] == pytest.approx(0.5)
    assert lesion.values[1] / lesion.values[0] != pytest.approx(0.5, rel=1e-3)


def test_different_seeds_are_said_to_be_different_subjects(place: Path) -> None:
    found = compare([place / "treated", place / "other_seed"])
    assert any("shares no seed" in note for note in found.notes)
    assert outcome(found, "lesion_length").paired == (0, 0)


def test_rows_are_text_of_one_length_in_units_for_reading(place: Path) -> None:
    found = compare([place / "control", place / "treated", place / "arm_b"])
    header = found.header()
    assert len(header) == 2 + 3 + 2 + 2
    assert all(len(row) == len(header) and all(isinstance(cell, str) for cell in row) for row in found.rows())
    lesion = next(row for row in found.rows() if row[0] == "length of the lesion")
    assert lesion[1] == "mm"
    assert lesion[5].startswith("-")  # the treated lesion is shorter
    assert " to " in lesion[4]  # an arm with several seeds has a band


def test_csv_holds_every_outcome_with_full_precision(place: Path, tmp_path: Path) -> None:
    found = compare([place / "control", place / "treated"])
    path = found.write_csv(tmp_path / "compare.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == len(found.outcomes)
    lesion = next(row for row in rows if row["name"] == "lesion_length")
    assert float(lesion["value treated"]) == outcome(found, "lesion_length").values[1]
    assert lesion["difference control"] == ""
    assert lesion["paired_seeds treated"] == "1"


def test_labels_take_as_much_of_the_path_as_they_need(tmp_path: Path) -> None:
    assert arm_labels([tmp_path / "a" / "run", tmp_path / "b" / "run"]) == ["a/run", "b/run"]
    assert arm_labels([tmp_path / "x", tmp_path / "y"]) == ["x", "y"]
    assert arm_labels([tmp_path / "x", tmp_path / "x"]) == ["x (1)", "x (2)"]


def test_one_run_is_no_comparison(place: Path) -> None:
    with pytest.raises(BadInput, match="at least two"):
        compare([place / "control"])


def test_picture_of_a_comparison(place: Path, tmp_path: Path) -> None:
    path = draw_comparison([place / "arm_a", place / "arm_b", place / "treated"], tmp_path / "compare.png")
    assert path.stat().st_size > 50_000
