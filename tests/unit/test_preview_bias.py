"""The measurement of what a preview costs: paired differences, their interval, and a page that agrees with the code."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from tools.preview_bias import Bias, _in_words, bias_of, looks, verdict

from cordgraft.scenario.load import load
from cordgraft.scenario.resolution import PREVIEW, UNUSABLE


def test_a_bias_is_the_mean_difference_within_pairs_with_its_interval() -> None:
    found = bias_of([1.0, 2.0, 3.0, math.nan], [1.5, 2.5, 4.1, 9.0])
    assert found.pairs == 3 and found.full == 2.0
    assert found.mean == pytest.approx(0.7) and found.relative == pytest.approx(0.35)
    # Student's t of 2 degrees of freedom, two-sided 5 %: 4.303; standard deviation of 0.5, 0.5, 1.1
    assert found.half == pytest.approx(4.303 * math.sqrt(0.12) / math.sqrt(3.0), rel=1e-3)


def test_subjects_that_differ_widen_no_interval() -> None:
    full = np.array([1.0, 50.0, 900.0])
    assert bias_of(full, full + 2.0).half == pytest.approx(0.0, abs=1e-9)


def test_pairs_without_a_value_are_left_out() -> None:
    assert bias_of([math.nan], [1.0]).pairs == 0
    assert verdict([bias_of([math.nan], [1.0])] * 3) == "no value to compare"


def test_where_nothing_was_there_a_dash_stands() -> None:
    assert _in_words(bias_of([0.0, 0.0], [0.0, 0.0])) == _in_words(bias_of([0.0], [0.0])) == "-"
    assert _in_words(bias_of([math.nan], [1.0])) == "-"
    assert _in_words(bias_of([0.0, 0.0], [1.0, -1.0])).startswith("+0 ±"), (
        "off in single runs, if not on average"
    )
    assert _in_words(bias_of([2.0, 2.0], [2.0, 2.0])) == "+0 ± 0 (+0 %)", "something was there"


def test_a_series_is_looked_at_in_three_ways() -> None:
    days = np.array([0.0, 1.0, 3.0])
    assert looks(days, np.array([2.0, 4.0, 0.0])) == (0.0, 4.0, pytest.approx((3.0 + 4.0) / 3.0))
    end, highest, mean = looks(days, np.array([math.nan, 4.0, 2.0]))
    assert (end, highest, mean) == (2.0, 4.0, 3.0)
    assert math.isnan(looks(days, np.full(3, math.nan))[1])


@pytest.mark.parametrize(
    ("mean", "half", "word"),
    [
        (0.1, 0.05, ""),
        (0.3, 0.04, "off"),
        (-0.8, 0.2, "**meaningless**"),
        (-0.8, 0.4, "off"),
        (0.1, 0.9, "not known"),
        (0.0, 0.0, ""),
    ],
)
def test_a_verdict_needs_the_whole_interval_beyond_its_threshold(mean: float, half: float, word: str) -> None:
    assert verdict([Bias(1.0, mean, half, 5)] * 3) == word


def test_the_page_and_the_code_agree(repository: Path) -> None:
    page = (repository / "docs" / "preview.md").read_text(encoding="utf-8")
    tables = re.split(r"^### (\w+)$", page, flags=re.MULTILINE)
    found = {}
    for name, text in zip(tables[1::2], tables[2::2], strict=True):
        species = load(name).subject.species
        found[species] = tuple(re.findall(r"^\| (\w+) \|.*\*\*meaningless\*\* \|$", text, flags=re.MULTILINE))
    assert set(found) == {"mouse", "human"}
    assert {species: names for species, names in found.items() if names} == {
        species: names for species, names in UNUSABLE.items() if names
    }
    row = re.search(r"voxel, at least \| ([\d.]+) um \| ([\d.]+) um \| ([\d.]+) um", page)
    assert row is not None
    assert [float(edge) for edge in row.groups()] == [PREVIEW[s].voxel_um for s in ("mouse", "rat", "human")]
    agents = re.search(r"per simulated cell, at least \| (\d+) \| (\d+) \| (\d+)", page)
    assert agents is not None
    assert [int(n) for n in agents.groups()] == [
        PREVIEW[s].cells_per_agent for s in ("mouse", "rat", "human")
    ]
