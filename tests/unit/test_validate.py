"""Published targets as rows: what a row says, how its quantities are read, and how a verdict comes about."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft.run.validation import judge as judging
from cordgraft.run.validation.judge import FAILS, NO_DATA, PASSES, STRADDLES, interval, judge
from cordgraft.run.validation.natural_history import CERVICAL, cohort
from cordgraft.run.validation.results import evaluate, table
from cordgraft.run.validation.row import GRAFT_DAY, Claim, Course
from cordgraft.run.validation.rows import (
    DAYS_PER_MONTH,
    ROWS,
    arms_of,
    find_rows,
    front_slope,
    furthest_neurons,
)
from cordgraft.run.validation.store import FINISHED, wanted_runs
from cordgraft.scenario.load import load


def claim(low: float = -math.inf, high: float = math.inf, strict: bool = False) -> Claim:
    return Claim("something", "1", lambda courses: math.nan, low, high, strict)


# --------------------------------------------------------------------------------------------- verdicts
def test_interval_is_that_of_the_mean_and_the_same_each_time() -> None:
    values = np.linspace(0.0, 1.0, 21) ** 2
    low, high = interval(values)
    assert (low, high) == interval(values)
    # the normal interval of the mean is close for 21 values that are not far from symmetric
    half = 1.96 * np.std(values, ddof=1) / math.sqrt(values.size)
    assert low == pytest.approx(np.mean(values) - half, abs=0.2 * half)
    assert high == pytest.approx(np.mean(values) + half, abs=0.2 * half)


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ((7.0, 21.0), PASSES),
        ((-math.inf, 21.0), PASSES),
        ((12.0, 21.0), STRADDLES),
        ((15.0, 21.0), FAILS),
        ((-math.inf, 8.0), FAILS),
    ],
)
def test_a_row_passes_only_if_its_whole_interval_meets_the_bound(
    bounds: tuple[float, float], verdict: str
) -> None:
    found = judge(claim(*bounds), [10.0, 11.0, 12.0, 13.0, 14.0])
    assert found.mean == 12.0
    assert found.verdict == verdict


def test_equal_values_at_a_bound_pass_unless_the_bound_is_strict() -> None:
    assert judge(claim(low=0.5), [0.5] * 4).verdict == PASSES
    assert judge(claim(low=0.5, strict=True), [0.5] * 4).verdict == FAILS


def test_one_seed_gives_no_interval_and_no_verdict() -> None:
    found = judge(claim(low=0.0), [1.0, math.nan])
    assert found.verdict == NO_DATA
    assert found.mean == 1.0


def test_a_narrower_confidence_makes_a_narrower_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(20.0)
    wide = interval(values)
    monkeypatch.setattr(judging, "LEVEL", 0.5)
    narrow = interval(values)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


# ------------------------------------------------------------------------------------------------- rows
def test_names_of_rows_and_arms_are_unique_and_every_part_is_used() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    by_name: dict[str, object] = {}
    for row in ROWS:
        for arm in row.arms.values():
            assert by_name.setdefault(arm.name, arm) is arm
        assert {part for panel in row.panels for part in panel.parts} <= set(row.arms)
        assert row.sources and row.claims and row.calibration


def test_every_bound_is_a_bound_and_every_target_says_it() -> None:
    for row in ROWS:
        for one in row.claims:
            assert one.low < one.high
            assert math.isfinite(one.low) or math.isfinite(one.high)
            assert ("(judged)" in one.target) == one.judged


def test_no_arm_changes_a_parameter_of_a_mechanism() -> None:
    """Apart from preset and the tolerance of a preview, the parameters in force are those of the shipped scenario."""
    for arm in arms_of(list(ROWS)):
        assert not [setting for setting in arm.settings if setting.startswith("parameters")]
        species = [one for one in arm.settings if one.startswith(("subject.species", "geometry.level", "resolution"))]
        found = load(arm.scenario, list(arm.settings))
        assert found.parameters == load(arm.scenario, species).parameters
        assert all(hours <= found.duration_h for hours in found.record.maps_h)


def test_grafted_arms_are_transplanted_on_the_day_that_the_rows_count_from() -> None:
    grafted = [arm for arm in arms_of(list(ROWS)) if arm.scenario == "mouse_subacute_graft"]
    assert grafted
    for arm in grafted:
        found = load(arm.scenario, list(arm.settings))
        assert found.resolved["treatments"]["graft"]["at"] == f"{GRAFT_DAY:g} d"


def test_an_unknown_row_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="S2"):
        find_rows(["S22"])
    assert [row.name for row in find_rows(["S3", "S2"])] == ["S2", "S3"]


# --------------------------------------------------------------------------------------------- measures
def walking(speed: float, room: float, neurons: float = 0.1) -> Course:
    """Return a front that walks at a speed (mm per month) after a slow start, until the end of the cord."""
    days = np.arange(0.0, 560.0, 7.0)
    months = days / DAYS_PER_MONTH
    front = np.minimum(np.where(months < 1.0, 0.2 * speed * months, speed * (months - 0.8)), room + 4.0)
    curves = {"astrocytes": front, "neurons": np.full(days.size, neurons), "room": np.full(days.size, room)}
    return Course(days, curves)


def test_front_is_the_slope_between_month_one_and_the_end_of_the_cord() -> None:
    assert front_slope(walking(2.5, room=1000.0)) == pytest.approx(2.5, rel=1e-9)
    # a front that meets the end of the cord is judged by the days before
    assert front_slope(walking(2.5, room=20.0)) == pytest.approx(2.5, rel=1e-9)
    assert math.isnan(front_slope(walking(2.5, room=-1.0)))


def test_neurons_are_judged_at_their_furthest_from_month_one_on() -> None:
    course = walking(2.5, room=1000.0)
    course.curves["neurons"][0] = 9.0  # type: ignore[index]
    course.curves["neurons"][20] = 0.7  # type: ignore[index]
    assert furthest_neurons(course) == 0.7


def test_contrasts_are_paired_by_seed() -> None:
    row = find_rows(["S8"])[0]
    contrast = next(one for one in row.claims if one.quantity.startswith("253G1-like less untreated"))
    days = np.array([47.0, 103.0])

    def arm(at_47: float) -> Course:
        return Course(days, {"motor": np.array([at_47, 0.0])})

    assert contrast.measure({"tumour line": arm(0.7), "untreated": arm(0.5)}) == pytest.approx(0.2)


# ------------------------------------------------------------------------------------- groups of patients
def patient(first: float, *latest: float) -> Course:
    """Return one patient: grade at the first examination, and grades on days 0, 73 and so on."""
    days = 73.0 * np.arange(len(latest))
    return Course(days, {"first": np.full(days.size, first), "latest": np.array(latest)})


def test_a_group_counts_those_who_were_complete_at_first() -> None:
    group = cohort(
        [
            patient(0.0, math.nan, 0.0, 0.0),
            patient(0.0, math.nan, 0.0, 1.0),
            patient(0.0, math.nan, 1.0, 2.0),
            patient(0.0, math.nan, 0.0, 3.0),
            patient(1.0, math.nan, 1.0, 3.0),  # never complete: left out
        ]
    )
    assert math.isnan(group.curves["complete"][0]), "nobody has been examined yet"
    assert group.at("number", 146.0) == 4.0
    assert [group.at(name, 73.0) for name in ("complete", "b", "motor")] == [0.75, 0.25, 0.0]
    assert [group.at(name, 146.0) for name in ("complete", "b", "motor")] == [0.25, 0.25, 0.5]
    nobody = cohort([patient(1.0, math.nan, 1.0, 3.0)])
    assert math.isnan(nobody.at("complete", 146.0))


def test_levels_are_mixed_by_their_share_and_not_by_the_size_of_the_groups() -> None:
    def level(complete: float, b: float) -> Course:
        shares = {"complete": complete, "b": b, "motor": 1.0 - complete - b}
        return Course(np.array([365.0]), {name: np.array([share]) for name, share in shares.items()})

    courses = {"cervical": level(0.6, 0.3), "T1-T9": level(0.9, 0.1), "T10-L2": level(0.8, 0.0)}
    found = {one.quantity: one.measure(courses) for one in find_rows(["S1"])[0].claims}
    assert found["mixed levels: any conversion"] == pytest.approx(50 * 0.4 + 35 * 0.1 + 15 * 0.2)
    assert found["mixed levels: to B"] == pytest.approx(50 * 0.3 + 35 * 0.1)
    assert found["mixed levels: to C or D"] == pytest.approx(50 * 0.1 + 15 * 0.2)
    assert found["cervical: any conversion"] == pytest.approx(40.0)
    assert found["cervical: to C or D"] == pytest.approx(10.0)
    assert found["T1-T9: still A"] == pytest.approx(90.0)


def test_groups_share_no_patient_and_a_group_counts_only_when_it_is_whole(tmp_path: Path) -> None:
    arm = replace(CERVICAL, patients=3)
    assert [list(arm.seeds_of(group)) for group in (1, 2)] == [[1, 2, 3], [4, 5, 6]]
    runs = wanted_runs([arm], [1, 2], tmp_path)
    assert [run.seed for run in runs] == [1, 2, 3, 4, 5, 6]
    row = replace(
        find_rows(["S1"])[0], arms={"cervical": arm}, claims=(), panels=(), read=lambda path: patient(0.0, 0.0)
    )
    for run in runs[:5]:  # of the second group one is missing
        run.write(FINISHED, 1.0)
        (run.directory / "run.zarr").mkdir()
    result = evaluate(row, runs, [1, 2])
    assert list(result.courses) == [1]
    assert result.courses[1]["cervical"].at("number", 0.0) == 3.0
    assert result.seconds == 3.0


def test_a_day_that_was_not_recorded_has_no_value() -> None:
    course = Course(np.array([0.0, 1.0]), {"x": np.array([2.0, 3.0])})
    assert course.at("x", 1.0) == 3.0
    assert math.isnan(course.at("x", 0.5))
    assert course.peak_day("x") == 1.0


def test_results_say_which_seeds_were_left_out(tmp_path: Path) -> None:
    row = find_rows(["S2"])[0]
    result = evaluate(row, [], [1, 2])
    assert not result.passed
    assert {line["seeds"] for line in table([result])} == {"0 of 2"}
    assert {line["verdict"] for line in table([result])} == {NO_DATA}
