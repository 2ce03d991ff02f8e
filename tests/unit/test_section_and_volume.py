"""The comparison of a section with a volume: errors, verdicts, what is read off the fibres, its runs and its page."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tools import section_and_volume
from tools.section_and_volume import (
    CASES,
    EXTRA,
    MARKS,
    OF_TRACTS,
    SECTIONS,
    Pair,
    compare,
    of_series,
    of_tracts,
    table,
)

from cordgraft import CordModel
from cordgraft.scenario.load import load
from cordgraft.state.axons import Tract
from tests.support import SMALL


def test_errors_are_over_seeds_and_that_of_the_difference_within_pairs() -> None:
    rng = np.random.default_rng(0)
    section = rng.normal(100.0, 30.0, 50)
    found = compare(section, section + rng.normal(5.0, 2.0, 50))
    assert (found.pairs, found.section) == (50, pytest.approx(section.mean()))
    assert found.section_error == pytest.approx(section.std(ddof=1) / math.sqrt(50))
    # subjects that differ widen the error of the means, not that of the difference
    assert found.section_error > 3.0 and found.error == pytest.approx(2.0 / math.sqrt(50), rel=0.35)
    assert found.in_errors == pytest.approx(found.apart / found.error) and found.in_errors > 10.0
    assert found.volume - found.section == pytest.approx(found.apart)


def test_pairs_without_a_value_are_left_out_and_the_row_says_so() -> None:
    found = compare([1.0, math.nan, 3.0], [2.0, 5.0, 4.5])
    assert (found.pairs, found.section, found.volume, found.apart) == (2, 2.0, 3.25, 1.25)
    assert "2 of 3 pairs" in found.row(3) and "pairs" not in found.row(2)
    assert compare([math.nan], [1.0]).verdict() == ""


@pytest.mark.parametrize(
    ("apart", "error", "verdict"),
    [
        (1.0, 2.0, "alike"),
        (5.9, 1.0, "alike"),
        # 4.03 standard errors are the 99 % interval of six pairs
        (7.0, 1.0, "apart"),
        (-20.0, 4.9, "apart"),
        (-20.0, 5.1, "not known"),
        (0.0, 0.0, "alike"),
        (0.0, 3.0, "not known"),
    ],
)
def test_a_verdict_needs_the_whole_interval(apart: float, error: float, verdict: str) -> None:
    for mean in (100.0, -100.0):
        assert Pair(mean, 1.0, mean + apart, 1.0, apart, error, 6).verdict() == verdict
    assert Pair(100.0, math.nan, 100.0 + apart, math.nan, apart, math.nan, 1).verdict() == "not known"
    if verdict == "apart":
        assert Pair(100.0, 1.0, 100.0 + apart, 1.0, apart, error, 3).verdict() != "apart", "3 pairs need 9.9"


def test_a_row_holds_the_means_with_errors_the_difference_in_per_cent_and_in_standard_errors() -> None:
    found = Pair(0.5149, 0.00312, 0.5901, 0.0041, 0.0752, 0.0094, 6)
    assert found.row(6) == "0.5149 ± 0.0031 | 0.5901 ± 0.0041 | +14.6 ± 1.8 | +8.0 | **apart**"
    assert Pair(-2000.0, 130.0, -1900.0, 140.0, 100.0, 50.0, 6).in_per_cent() == "+5.0 ± 2.5"
    assert "(absolute)" in Pair(0.0, 0.0, 3.0, 1.0, 3.0, 1.0, 6).in_per_cent()
    same = Pair(1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 6)
    assert (same.in_errors, same.in_per_cent(), same.verdict()) == (0.0, "+0.0 ± 0.0", "alike")
    assert compare([1.0], [2.0]).row(1) == "1 | 2 | +100.0 | - | not known"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_section_and_volume_differ_in_nothing_else(case: section_and_volume.Case) -> None:
    section, volume = (load(case.scenario, list(case.change(name, 700).sets)) for name in SECTIONS)
    assert (section.geometry.section, volume.geometry.section) == SECTIONS
    assert section.injury == volume.injury and section.treatments == volume.treatments
    assert section.parameters == volume.parameters and section.subject == volume.subject
    assert volume.parameters["axon_injury"].spinothalamic_simulated == 700
    # the slab is as wide as a voxel of the volume, so one simulated cell has as much room in both
    assert section.geometry.voxel_um == volume.geometry.voxel_um
    assert section.geometry.slab_um == volume.geometry.voxel_um[0]
    assert bool(section.treatments) == case.grafted
    assert (section.injury.type == "transection") == ("transection" in case.name)
    if case.name == "contusion":
        assert section.parameters["axon_injury"].swelling_rate == 0.0


def test_what_the_series_does_not_hold_is_read_off_the_fibres() -> None:
    model = CordModel("mouse_subacute_graft", settings={**SMALL, "duration": "7 d", "record.maps": "[7 d]"})
    while model.running:
        model.step()
    tissue = model.tissue
    rows = np.flatnonzero((tissue["fibre.tract"] == Tract.GRACILE) & (tissue["fibre.origin"] == 0))
    cut, whole = rows[:4], rows[4:]
    # a known state: four severed fibres, two of which have tips, one of them two
    tissue["fibre.cut_tick"][rows] = -1
    tissue["fibre.cut_tick"][cut] = 3
    tissue["fibre.receded_um"][cut] = (300.0, 320.0, 340.0, 400.0)
    tissue["fibre.receded_um"][whole] = 77.0
    tissue.cones.keep(np.zeros(len(tissue.cones), dtype=bool))
    tissue.cones.add(3, fibre=np.array([cut[0], cut[0], cut[2]]), arc_um=np.array([10.0, 40.0, 5.0]))
    found = of_tracts(tissue)
    assert all(set(values) == set(OF_TRACTS) for values in found.values())
    gracile = found["gracile"]
    assert gracile["severed"] == pytest.approx(4.0 / rows.size)
    assert gracile["spared"] == pytest.approx(1.0 - 4.0 / rows.size)
    assert gracile["die-back"] == pytest.approx(340.0)
    assert gracile["with a living tip"] == pytest.approx(0.5)
    assert gracile["advance of tips"] == pytest.approx(22.5), "the farthest tip of each of two fibres"
    assert math.isnan(found["corticospinal"]["advance of tips"]), "no tips of its own"


def test_a_graft_is_compared_on_its_first_day_and_at_the_end() -> None:
    values = {
        "graft_survivors": np.array([math.nan, 0.0, 900.0, 300.0]),
        "graft_volume": np.array([math.nan, 0.0, 0.9, 0.4]),
        "graft_volume_outside": np.array([math.nan, 0.0, 0.3, 0.1]),
        "function_motor_index": np.array([1.0, 0.2, 0.3, 0.5]),
    }
    units = dict(zip(values, ("cells", "mm3", "mm3", "1"), strict=True))
    assert of_series(values, units) == {
        ("graft_volume, on the day of the graft", "mm3"): 0.9,
        ("graft_volume_outside, on the day of the graft", "mm3"): 0.3,
        ("graft_survivors", "cells"): 300.0,
        ("graft_volume", "mm3"): 0.4,
        ("graft_volume_outside", "mm3"): 0.1,
        ("function_motor_index", "1"): 0.5,
    }
    none = {key: np.full(3, math.nan) for key in values}
    assert all(math.isnan(value) for value in of_series(none, units).values()), "no graft at all"


def test_a_table_is_made_of_the_runs_of_both_sections(tmp_path: Path) -> None:
    case, seeds = CASES[0], [1, 2, 3]
    values = dict.fromkeys(OF_TRACTS, math.nan)
    for at, section in enumerate(SECTIONS):
        for seed in seeds:
            change = case.change(section, 50)
            folder = section_and_volume.folder_of(tmp_path, case.scenario, change, seed)
            folder.mkdir(parents=True)
            (folder / "cpu_seconds").write_text(f"{1.0 + at}", encoding="utf-8")
            severed = 0.5 + 0.001 * seed + 0.1 * at
            tracts = {tract: {**values, "severed": severed} for tract in section_and_volume.TRACTS}
            (folder / EXTRA).write_text(json.dumps(tracts), encoding="utf-8")
    text = table(case, seeds, 50, tmp_path)
    rows = [line for line in text.splitlines() if line.startswith("| gracile")]
    # what no run has a value of has no row
    assert len(rows) == 1
    assert rows[0].startswith("| gracile, severed | 1 | 0.50200 ± 0.00058 | 0.60200 ± 0.00058 | +19.9")
    assert "1.0 CPU seconds as a section and 2.0 as a volume" in text


def test_the_page_has_a_place_for_the_tables_of_every_case(repository: Path) -> None:
    page = (repository / "docs" / "convergence.md").read_text(encoding="utf-8")
    assert all(page.count(mark) == 1 for mark in MARKS)
    between = page.split(MARKS[0])[1].split(MARKS[1])[0]
    assert [line.removeprefix("#### ") for line in between.splitlines() if line.startswith("####")] == [
        case.title for case in CASES
    ]
