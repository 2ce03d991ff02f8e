"""Quantities that no single seed has, and the rows that ask for them: fibres, function on sparing, reach of axons."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cordgraft.run.validation.judge import NO_DATA, PASSES, STRADDLES, interval, judge
from cordgraft.run.validation.reading import corticospinal_advance, imaged_live_share
from cordgraft.run.validation.results import RowResult, _drawn, draw, record
from cordgraft.run.validation.row import Array, Claim, Course, Courses, Scatter
from cordgraft.run.validation.rows import find_rows
from cordgraft.run.validation.rows_growth import reach_change, reach_over_host
from cordgraft.run.validation.rows_injury import (
    FUNCTION_DAY,
    GRADED,
    SEVERITIES,
    SPARED_HALF,
    animals,
    linear_fit,
    rank_correlation,
    smallest_step,
)
from cordgraft.scenario.load import load
from cordgraft.state.axons import AxonState, Tract


def pooled(low: float, pool: object = linear_fit) -> Claim:
    return Claim("something", "1", lambda courses: math.nan, low=low, pool=pool)  # type: ignore[arg-type]


def scattered(seeds: int, noise: float) -> Array:
    """Return points near a straight line : (seeds, 4, 2)."""
    random = np.random.default_rng(5)
    spared = np.array([30.0, 20.0, 10.0, 3.0]) + random.normal(0.0, 3.0, (seeds, 4))
    return np.stack([spared, 0.02 * spared + random.normal(0.0, noise, spared.shape)], axis=-1)


# --------------------------------------------------------------------------------------------- pooled claims
def test_a_pooled_quantity_is_that_of_all_animals_together() -> None:
    points = scattered(10, 0.05)
    spared, function = points.reshape(-1, 2).T
    slope, level = np.polyfit(spared, function, 1)
    left = np.sum((function - slope * spared - level) ** 2)
    expected = 1.0 - left / np.sum((function - np.mean(function)) ** 2)
    found = judge(pooled(0.5), list(points))
    assert found.mean == pytest.approx(expected, rel=1e-9)
    assert found.low < found.mean < found.high
    assert found.verdict == PASSES
    assert judge(pooled(found.mean), list(points)).verdict == STRADDLES


def test_seeds_are_drawn_with_all_their_points() -> None:
    """Seeds that are all alike carry no doubt, however much their arms differ; animals that differ do."""
    one = scattered(1, 0.2)
    low, high = interval(np.repeat(one, 6, axis=0), linear_fit)
    assert low == pytest.approx(high) == pytest.approx(linear_fit(one))
    low, high = interval(scattered(6, 0.2), linear_fit)
    assert high - low > 0.02
    assert (low, high) == interval(scattered(6, 0.2), linear_fit)


def test_a_seed_without_one_of_its_points_is_left_out() -> None:
    points = scattered(6, 0.05)
    holed = points.copy()
    holed[2, 3, 1] = math.nan
    assert judge(pooled(0.5), list(holed)).mean == linear_fit(np.delete(points, 2, axis=0))


def test_one_seed_has_a_pooled_value_and_no_verdict() -> None:
    points = scattered(1, 0.05)
    found = judge(pooled(0.5), list(points))
    assert found.mean == linear_fit(points)
    assert found.verdict == NO_DATA
    assert judge(pooled(0.5), []).verdict == NO_DATA


# ------------------------------------------------------------------------------------------------- S5
def test_the_smallest_step_follows_the_order_of_sparing_not_of_the_arms() -> None:
    rising = np.array([[[30.0, 0.8], [5.0, 0.1], [20.0, 0.5], [10.0, 0.25]]])
    assert smallest_step(rising) == pytest.approx(0.15)
    turned = rising.copy()
    turned[0, 2, 1] = 0.2  # the second mildest moves worse than the one below it
    assert smallest_step(turned) == pytest.approx(-0.05)


def test_ranks_do_not_mind_a_bend_and_a_line_does() -> None:
    spared = np.linspace(1.0, 40.0, 12).reshape(3, 4)
    bent = np.stack([spared, spared**6], axis=-1)
    assert rank_correlation(bent) == pytest.approx(1.0)
    assert linear_fit(bent) < 0.8
    assert rank_correlation(np.stack([spared, -spared], axis=-1)) == pytest.approx(-1.0)


def test_what_does_not_vary_has_no_correlation() -> None:
    spared = np.linspace(1.0, 40.0, 12).reshape(3, 4)
    flat = np.stack([spared, np.ones_like(spared)], axis=-1)
    assert math.isnan(linear_fit(flat))
    assert math.isnan(rank_correlation(flat))


def of_sparing(spared: float, motor: float) -> Course:
    days = np.array([0.0, FUNCTION_DAY])
    curves = {"spared": np.array([100.0, spared]), "motor": np.array([1.0, motor])}
    return Course(days, {**curves, "examined": np.round(9.0 * curves["motor"])})


def graded(shift: float) -> Courses:
    arms = {part: of_sparing(30.0 - 8.0 * at + shift, 0.7 - 0.2 * at) for at, part in enumerate(SEVERITIES)}
    return {**arms, "ventral": of_sparing(20.0, 0.7), "dorsal": of_sparing(20.0, 0.2)}


def test_animals_stand_in_the_order_of_the_severities_and_halves_are_a_contrast() -> None:
    courses = graded(0.0)
    assert np.array_equal(animals("motor", courses)[:, 0], [30.0, 22.0, 14.0, 6.0])
    assert animals("examined", courses)[0, 1] == 6.0
    half = find_rows(["S5"])[0].claims[-1]
    assert half.measure(courses) == pytest.approx(0.5)
    assert half.pool is None


def test_graded_arms_state_no_sparing_and_both_halves_the_same() -> None:
    """The sparing that the shipped scenario states belongs to its own severity."""
    spared = []
    for severity, arm in GRADED.items():
        injury = load(arm.scenario, list(arm.settings)).resolved["injury"]
        assert injury["severity"] == severity
        assert "primary_spared_white_matter" not in injury
    for arm in SPARED_HALF.values():
        injury = load(arm.scenario, list(arm.settings)).resolved["injury"]
        spared.append((injury["primary_spared_white_matter"], abs(float(injury["dorsal_offset"]))))
    assert spared[0] == spared[1]


def test_animals_are_drawn_against_their_sparing_with_the_line_of_the_graded_ones(tmp_path: Path) -> None:
    row = find_rows(["S5"])[0]
    courses = {seed: graded(0.5 * seed) for seed in (1, 2, 3)}
    panel = next(panel for panel in row.panels if isinstance(panel, Scatter))
    drawn = _drawn(panel, list(courses.values()))
    assert [list(cloud.across) for cloud in drawn.clouds[:1]] == [[30.5, 31.0, 31.5]]  # type: ignore[union-attr]
    judgements = tuple(judge(one, [one.measure(of) for of in courses.values()]) for one in row.claims)
    result = RowResult(row, courses, judgements, 3, 1.0)
    (path,) = draw(tmp_path, [result])
    assert path.stat().st_size > 10_000
    quantities = record([result], "code", "now")["rows"][0]["quantities"]
    assert np.shape(quantities[0]["values"]) == (3, 4, 2) and quantities[0]["pooled"]
    assert np.shape(quantities[-1]["values"]) == (3,) and not quantities[-1]["pooled"]


def test_the_line_goes_through_the_fitted_clouds_alone() -> None:
    from matplotlib.figure import Figure

    from cordgraft_analysis.validation_figures import Cloud, TargetScatter, _draw_scatter

    clouds = [
        Cloud("a", np.array([1.0, 2.0]), np.array([2.0, 4.0])),
        Cloud("b", np.array([3.0, math.nan]), np.array([6.0, 1.0])),
        Cloud("aside", np.array([5.0]), np.array([-9.0])),
    ]
    axes = Figure().add_subplot()
    _draw_scatter(axes, TargetScatter("t", "x, mm", "y, 1", clouds, fitted=2))
    line = axes.get_lines()[-1]
    assert line.get_xdata() == pytest.approx([1.0, 3.0])
    assert line.get_ydata() == pytest.approx([2.0, 6.0])
    assert axes.get_xlabel() == "x, mm"


def test_values_that_stand_alone_are_joined_and_gaps_are_not() -> None:
    from matplotlib.figure import Figure

    from cordgraft_analysis.validation_figures import Curve, TargetPanel, _draw_panel

    nan = math.nan
    days = np.arange(5.0)
    alone = np.array([0.1, nan, 0.3, nan, 0.5])
    gap = np.array([0.1, 0.2, nan, 0.4, 0.5])
    axes = Figure().add_subplot()
    curves = [Curve(name, [(days, values)]) for name, values in (("alone", alone), ("gap", gap))]
    _draw_panel(axes, TargetPanel("t", "1", curves))
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines["alone"].get_xdata()) == [0.0, 2.0, 4.0]
    assert list(lines["gap"].get_xdata()) == list(days) and math.isnan(lines["gap"].get_ydata()[2])
    assert lines["alone"].get_linestyle() != lines["gap"].get_linestyle()


# ------------------------------------------------------------------------------------------------- S4 and S9
def test_swollen_fibres_that_recover_are_a_gain() -> None:
    row = find_rows(["S4"])[0]
    live = np.array([0.3, 0.25, 0.4])
    course = Course(np.array([1.0, 3.0, 14.0]), {"imaged_live": live, "imaged_loss": 1.0 - live})
    values = [one.measure({"mild": course}) for one in row.claims]
    assert values == pytest.approx([0.7, 0.15])


def test_the_microscope_sees_intact_gracile_fibres_near_the_dorsal_surface() -> None:
    intact, swollen = int(AxonState.INTACT), int(AxonState.SWOLLEN)
    gracile, other = int(Tract.GRACILE), int(Tract.CORTICOSPINAL)
    paths = xr.Dataset(
        {
            "row_size": ("axon", [2, 3, 2, 2, 2, 2]),
            "tract": ("axon", [gracile, gracile, gracile, other, gracile, gracile]),
            "branch": ("axon", [0, 0, 0, 0, 0, 1]),
            "state": ("axon", [intact, swollen, intact, swollen, intact, swollen]),
            "weight": ("axon", [3.0, 1.0, 50.0, 50.0, 4.0, 9.0]),
            # the third lies too deep, the fourth is another tract's, the sixth a branch
            "y": ("point", [-690.0, 0, -601.0, 0, 0, -599.0, 0, -690.0, 0, -650.0, 0, -690.0, 0]),
        }
    )
    assert imaged_live_share(paths, -700.0) == pytest.approx(7.0 / 8.0)
    assert math.isnan(imaged_live_share(paths, -900.0))


def test_the_advance_is_that_of_the_furthest_tip_of_each_corticospinal_axon() -> None:
    cones = xr.Dataset(
        {
            "tract": ("cone", [0, 0, 0, 1]),
            "axon": ("cone", [7, 7, 9, 8]),
            "arc": ("cone", [10.0, 400.0, 30.0, 5000.0]),
            "weight": ("cone", [1.0, 1.0, 99.0, 50.0]),
        }
    )
    assert corticospinal_advance(cones) == 30.0  # 99 of 100 axons have come no further
    assert corticospinal_advance(cones.isel(cone=[0, 1])) == 400.0
    assert math.isnan(corticospinal_advance(cones.isel(cone=[3])))


def growing(reach: float, corticospinal: float = math.nan, voxel: float = 0.1) -> Course:
    curves = {"reach": reach, "corticospinal": corticospinal, "voxel": voxel}
    return Course(np.array([49.0]), {name: np.array([value]) for name, value in curves.items()})


def test_a_host_that_hardly_grows_counts_as_one_voxel() -> None:
    assert reach_over_host({"graft": growing(20.0, 0.5)}) == pytest.approx(40.0)
    assert reach_over_host({"graft": growing(20.0, 0.02)}) == pytest.approx(200.0)
    assert reach_over_host({"graft": growing(20.0, math.nan)}) == pytest.approx(200.0)
    assert reach_over_host({"graft": growing(0.0, 0.5)}) == 0.0


def test_a_treatment_that_lets_no_axon_out_takes_all_of_the_reach() -> None:
    assert reach_change("block", {"graft": growing(20.0), "block": growing(15.0)}) == pytest.approx(-0.25)
    assert reach_change("block", {"graft": growing(20.0), "block": growing(0.0)}) == -1.0
    assert math.isnan(reach_change("block", {"graft": growing(0.0), "block": growing(1.0)}))


def test_blocks_act_from_the_graft_to_the_day_compared() -> None:
    row = find_rows(["S9"])[0]
    for part in ("inhibitor block", "mTOR block"):
        arm = row.arms[part]
        found = load(arm.scenario, list(arm.settings)).resolved["treatments"]
        ((_, block),) = [(name, keys) for name, keys in found.items() if name != "graft"]
        assert block["at"] == found["graft"]["at"] == "9 d"
        assert block["duration"] == "49 d"


def test_nothing_of_a_cut_cord_is_spared_by_the_scenario_that_it_is_made_from() -> None:
    for arm in find_rows(["S9"])[0].arms.values():
        injury = load(arm.scenario, list(arm.settings)).resolved["injury"]
        assert injury["type"] == "transection"
        assert "primary_spared_white_matter" not in injury


def test_a_claim_without_a_pool_is_the_mean_of_the_seeds() -> None:
    claim = replace(pooled(0.0), pool=None)
    assert judge(claim, [1.0, 2.0, 6.0]).mean == 3.0
