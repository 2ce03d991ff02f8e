"""Arms of runs: what is refused, contrasts between them, tables and figures by what they show."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordgraft.core.problems import BadInput
from cordgraft_analysis import palette
from cordgraft_analysis.outcomes import Connection, Gathered, connections, contrast, gather
from cordgraft_analysis.outcomes.contrasts import ENOUGH, SPREAD_ONLY, Measured, contrasts, measure
from cordgraft_analysis.outcomes.diagram import THIN, arrows, connections_figure
from cordgraft_analysis.outcomes.distance_figure import crossings_figure, profiles
from cordgraft_analysis.outcomes.forest_figure import contrasts_figure
from cordgraft_analysis.outcomes.function_figure import function_charts, function_figure
from cordgraft_analysis.outcomes.gathering import Arm
from cordgraft_analysis.outcomes.tables import all_tables, crossings_table
from cordgraft_analysis.outcomes.writing import file_names, write_outcomes
from cordgraft_analysis.seeds import Ensemble
from cordgraft_analysis.words import number
from run_support import make_fake_run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("arms")
    shape: dict[str, Any] = {"map_days": (14.0, 42.0), "voxel_um": 200.0}
    for seed in (1, 2, 3):
        make_fake_run(place / "untreated" / f"seed-{seed}", seed=seed, graft=False, **shape)
        if seed != 1:
            make_fake_run(place / "grafted" / f"seed-{seed}", seed=seed, shift=0.8, **shape)
    make_fake_run(place / "other_seed", seed=9, **shape)
    make_fake_run(place / "short", last_day=30.0, status="interrupted", **shape)
    make_fake_run(place / "no_axons", axons=False, **shape)
    make_fake_run(place / "human", species="human", **shape)
    (place / "empty").mkdir()
    return place


@pytest.fixture(scope="module")
def both(place: Path) -> Gathered:
    return gather([place / "untreated", place / "grafted"])


# ------------------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("runs", "days", "said"),
    [
        (["other_seed"], [28.0], ["day 28", "days 14, 42", "other_seed"]),
        (["short"], [42.0], ["days 14 after", "not finished", "interrupted"]),
        (["no_axons"], [14.0], ["no axon paths at all"]),
        (["other_seed", "no_axons"], [], ["no day on which all runs"]),
        (["untreated", "other_seed"], [], ["shares no seed", "seeds 9", "1, 2, 3"]),
        (["other_seed", "human"], [], ["different species", "human"]),
        (["empty"], [], ["holds no run"]),
        ([], [], ["no run was named"]),
    ],
)
def test_bad_input_says_what_is_wrong(
    place: Path, runs: list[str], days: list[float], said: list[str]
) -> None:
    with pytest.raises(BadInput) as caught:
        gather([place / name for name in runs], days)
    for words in said:
        assert words in str(caught.value)


def test_an_unfinished_run_counts_on_the_last_day_it_has(place: Path) -> None:
    found = gather([place / "short"])
    assert found.days == (14.0,)
    assert any("not finished" in note for note in found.notes)


def test_no_graft_is_a_finding_and_no_error(place: Path) -> None:
    found = gather([place / "untreated"])
    assert any("has no graft" in note for note in found.notes)
    graft = [one for one in profiles(found) if one.origin == "graft"]
    assert len(graft) == 2 and all(np.nansum(one.represented) == 0.0 for one in graft)


# ------------------------------------------------------------------------------------------------ contrasts
def of_values(before: list[float], after: list[float], unit: str = "1") -> Measured:
    return Measured("name", "meaning", unit, {"a": dict(enumerate(before)), "b": dict(enumerate(after))})


def paired(before: list[float], after: list[float], unit: str = "1", **more: float):  # type: ignore[no-untyped-def]
    found = contrast(of_values(before, after, unit), "b", "a", range(len(before)), **more)
    assert found is not None
    return found


def test_a_contrast_is_the_mean_of_paired_differences() -> None:
    found = paired([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 2.0, 5.0, 5.0, 7.0])
    assert found.differences == (1.0, 0.0, 2.0, 1.0, 2.0)
    assert found.difference == pytest.approx(1.2)
    assert 0.0 < found.low < 1.2 < found.high < 2.0
    assert found.label == ""
    scale = math.sqrt(0.5 * (np.var([1, 2, 3, 4, 5], ddof=1) + np.var([2, 2, 5, 5, 7], ddof=1)))
    assert found.effect == pytest.approx(1.2 / scale)
    assert found.ratio == pytest.approx(np.prod([2.0, 1.0, 5 / 3, 5 / 4, 7 / 5]) ** 0.2)
    assert paired([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 2.0, 5.0, 5.0, 7.0]) == found  # the same numbers again


def test_few_seeds_have_a_spread_and_no_interval() -> None:
    found = paired([1.0] * (ENOUGH - 1), [2.0, 3.0, 4.0, 5.0])
    assert found.label == SPREAD_ONLY
    assert math.isnan(found.low) and math.isnan(found.high) and math.isnan(found.ratio_low)
    assert found.difference == 2.5


def test_counts_are_compared_plus_one_and_lengths_with_a_floor() -> None:
    assert paired([0.0, 0.0], [9.0, 9.0], "axons").ratio == pytest.approx(10.0)
    assert paired([-300.0, 10.0], [100.0, 100.0], "um", voxel_um=25.0).ratio == pytest.approx(4.0)
    assert math.isnan(paired([0.0, 1.0], [1.0, 1.0]).ratio)
    assert paired([0.0, 0.0], [9.0, 9.0], "axons").ratio_of == "count + 1"


def test_subjects_that_do_not_differ_give_no_effect_size() -> None:
    assert math.isnan(paired([1.0, 1.0], [2.0, 2.0]).effect)
    assert paired([1.0, 1.0], [1.0, 1.0]).effect == 0.0
    assert math.isnan(paired([1.0], [2.0]).effect)


def test_rounding_of_sums_is_no_difference() -> None:
    found = paired([0.3] * 6, [0.1 + 0.2] * 6)
    assert found.difference == 0.0 and not any(found.differences)


def test_a_pair_counts_where_both_arms_define_the_value() -> None:
    found = paired([1.0, math.nan, 3.0], [2.0, 2.0, 5.0])
    assert found.seeds == (0, 2) and found.differences == (1.0, 2.0)
    assert contrast(of_values([math.nan], [1.0]), "b", "a", [0]) is None


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=ENOUGH, max_size=9),
    st.integers(1, 1000),
)
def test_swapping_arms_turns_the_sign_and_units_do_not_matter(
    pairs: list[tuple[int, int]], factor: int
) -> None:
    before, after = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    there, back = paired(before, after), paired(after, before)
    assert back.difference == pytest.approx(-there.difference)
    assert back.effect == pytest.approx(-there.effect, nan_ok=True)
    scaled = paired([factor * value for value in before], [factor * value for value in after])
    assert scaled.effect == pytest.approx(there.effect, nan_ok=True)
    assert scaled.low == pytest.approx(factor * there.low) and scaled.high == pytest.approx(
        factor * there.high
    )
    assert min(there.differences) <= there.low <= there.high <= max(there.differences)


def test_contrasts_of_arms_pair_the_seeds_they_share_and_stand_by_effect(place: Path, both: Gathered) -> None:
    found = both
    rows = contrasts(found)
    assert {row.seeds for row in rows} == {(2, 3)}
    sizes = [abs(row.effect) for row in rows if not math.isnan(row.effect)]
    assert sizes == sorted(sizes, reverse=True)
    lesion = next(row for row in rows if row.outcome == "lesion_length")
    assert lesion.ratio == pytest.approx(0.8)
    values = {one.name: one for one in measure(found)}["synapses_host_to_graft"].values
    row = next(row for row in rows if row.outcome == "synapses_host_to_graft")
    assert row.difference == pytest.approx(
        np.mean([values["grafted"][s] - values["untreated"][s] for s in (2, 3)])
    )
    with pytest.raises(BadInput, match="two arms"):
        contrasts(gather([place / "grafted"]))


# -------------------------------------------------------------------------------------------- tables, figures
def test_tables_are_tidy_and_hold_every_day(place: Path, tmp_path: Path) -> None:
    found = gather([place / "untreated", place / "grafted"], [14.0, 42.0])
    tables = {table.name: table for table in all_tables(found)}
    assert set(tables) == {"crossings", "reach", "connections", "function", "contrasts"}
    rows = tables["crossings"].records()
    assert {(row["arm"], row["seed"]) for row in rows} == {
        *(("untreated", seed) for seed in (1, 2, 3)),
        *(("grafted", seed) for seed in (2, 3)),
    }
    assert {row["day"] for row in rows} == {14.0, 42.0}
    keys = [
        tuple(row[name] for name in ("arm", "seed", "day", "tract", "side", "distance_mm")) for row in rows
    ]
    assert len(set(keys)) == len(keys)
    with tables["reach"].write(tmp_path / "reach.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(tables["reach"].rows)
    assert read[0]["p95_mm"] == "" or float(read[0]["p95_mm"]) == tables["reach"].records()[0]["p95_mm"]


def test_the_figure_of_distances_draws_the_medians_of_the_table(place: Path) -> None:
    found = gather([place / "grafted"], [42.0])
    with palette.style():
        figure = crossings_figure(found)
    descending, ascending, graft = figure.axes
    assert [line.get_label() for line in graft.get_lines()[-1:]] == ["rostral"]
    assert "mm" in graft.get_xlabel() and "axons" in graft.get_ylabel()
    rows = [
        row
        for row in crossings_table(found).records()
        if row["tract"] == "graft" and row["side"] == "rostral"
    ]
    (line,) = (line for line in graft.get_lines() if line.get_label() == "rostral")
    for x, y in zip(*line.get_data(), strict=True):
        values = [row["axons_represented"] for row in rows if row["distance_mm"] == pytest.approx(x)]
        assert len(values) == 2 and y == pytest.approx(np.median(values))
    labels = {line.get_label() for axes in (descending, ascending) for line in axes.get_lines()}
    assert {"corticospinal", "gracile"} <= labels
    assert palette.RESEARCH_SENTENCE in {text.get_text() for text in figure.texts}


def test_several_arms_have_a_colour_each_in_every_panel(both: Gathered) -> None:
    with palette.style():
        figure = crossings_figure(both)
    for axes in figure.axes:
        labels = {
            line.get_label(): line.get_color() for line in axes.get_lines() if line.get_label()[0] != "_"
        }
        assert labels == {"untreated": palette.CYCLE[0], "grafted": palette.CYCLE[1]}


def test_function_figure_draws_indices_and_notes_what_is_not_recorded(place: Path) -> None:
    with palette.style():
        figure = function_figure(gather([place / "grafted"]))
    assert {line.get_label() for line in figure.axes[0].get_lines()} >= {"motor", "sensory"}
    text = " ".join(text.get_text() for text in figure.texts)
    assert "not recorded apart" in text and palette.RESEARCH_SENTENCE in text


def test_the_function_figure_of_one_run_speaks_of_no_band_and_names_what_is_nil(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = gather([place / "untreated" / "seed-1"])
    with palette.style():
        text = " ".join(text.get_text() for text in function_figure(one).texts)
    assert "percentile" not in text and "Dashed" not in text and "0 on every day" not in text
    whole = Ensemble.stack
    nil = "function_sensory_index"
    monkeypatch.setattr(Ensemble, "stack", lambda of, name: whole(of, name) * (name != nil))
    with palette.style():
        text = " ".join(text.get_text() for text in function_figure(one).texts)
    assert "0 on every day: sensory." in text


def test_all_that_a_drive_holds_is_in_that_of_ascending_tracts_too_so_none_is_called_conduction() -> None:
    titles = {chart.key: chart.title for chart in function_charts()}
    assert {titles[way] for way in ("ascending", "descending")} == {
        "Drive, ascending tracts",
        "Drive, descending tracts",
    }


def test_arms_of_different_seeds_are_said_to_be_of_different_subjects(place: Path, both: Gathered) -> None:
    (note,) = (note for note in both.notes if "different seeds" in note)
    assert "'untreated': 1, 2, 3; 'grafted': 2, 3" in note
    with palette.style():
        assert "different seeds" in " ".join(text.get_text() for text in function_figure(both).texts)
    assert not any("different seeds" in note for note in gather([place / "grafted"]).notes)
    same = gather([place / "grafted", place / "grafted"])
    assert not any("different seeds" in note for note in same.notes)


def test_a_forest_without_an_effect_size_says_where_its_outcomes_are(both: Gathered) -> None:
    rows = [replace(row, effect=math.nan) for row in contrasts(both)]
    with palette.style():
        figure = contrasts_figure(rows, both.arms[1], 42.0)
    assert any("see below" in text.get_text() for text in figure.axes[0].texts)
    assert "Without an effect size" in " ".join(text.get_text() for text in figure.texts)


def test_arms_say_how_many_axons_reached_the_end_of_the_cord(both: Gathered) -> None:
    arm, day = both.arms[1], both.arms[1].subjects[0].days[-1]

    def with_censored(label: str, censored: bool) -> Arm:
        held = replace(day, censored=np.full_like(day.censored, censored))
        return replace(arm, label=label, subjects=tuple(replace(one, days=(held,)) for one in arm.subjects))

    kept, left = with_censored("kept", False), with_censored("left", True)
    (note,) = Gathered((kept, left), (42.0,), ()).censored_notes()
    assert note.startswith("left:") and f"{number(float(day.weight.sum()))} axons" in note
    assert "lower bounds" in note


def test_the_diagram_shows_every_route_with_its_number_and_zeros_faint(both: Gathered) -> None:
    found = both
    with palette.style():
        figure = connections_figure(found)
    without, with_graft = ([text.get_text() for text in axes.texts] for axes in figure.axes)
    assert "no graft" in without and "graft" in with_graft
    made = arrows([connections(one.days[-1]) for one in found.arms[1].subjects])
    for arrow in made:
        if arrow.route != "graft to host":
            assert any(text.startswith(f"{arrow.tract}\n") for text in with_graft)
    assert {arrow.linewidth for arrow in made if arrow.living == 0.0} == {THIN}
    assert all(arrow.linewidth > THIN for arrow in made if arrow.living > 0.0)


def test_an_arrow_is_the_median_over_seeds_with_its_range() -> None:
    def one(living: float) -> list[Connection]:
        return [Connection("host above", "graft", "gracile", "host to graft", living, living / 10, 0.0, 0.0)]

    (arrow,) = arrows([one(10.0), one(40.0), one(20.0)])
    assert (arrow.living, arrow.living_simulated, arrow.low, arrow.high) == (20.0, 2.0, 10.0, 40.0)


def test_a_forest_of_few_seeds_says_so_and_draws_every_pair(both: Gathered) -> None:
    found = both
    rows = contrasts(found)
    with palette.style():
        figure = contrasts_figure(rows, found.arms[1], 42.0)
    words = " ".join(text.get_text() for text in figure.texts)
    assert SPREAD_ONLY in words and palette.RESEARCH_SENTENCE in words and "Blue: more than in the" in words
    drawn = [row for row in rows if math.isfinite(row.effect) and row.difference]
    strokes = [line for line in figure.axes[0].get_lines() if line.get_marker() == "|"]
    assert len(strokes) == min(len(drawn), 30)
    np.testing.assert_allclose(strokes[0].get_xdata(), np.array(drawn[0].differences) / drawn[0].scale)


def test_every_day_and_arm_has_pictures_of_its_own(place: Path, both: Gathered) -> None:
    names = set(file_names(gather([place / "untreated", place / "grafted"], [14.0, 42.0])))
    assert {"crossings_day_14.png", "connections_day_42.png", "contrasts.png", "contrasts.csv"} <= names
    three = Gathered((*both.arms, replace(both.arms[1], label="more")), both.days, ())
    assert {"crossings.png", "contrasts_grafted.png", "contrasts_more.png"} <= set(file_names(three))


def test_everything_is_written_or_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = gather([place / "other_seed"])
    written = write_outcomes(found, tmp_path / "out")
    assert sorted(path.name for path in written) == sorted(file_names(found))
    assert sorted(tmp_path.iterdir()) == [tmp_path / "out"]
    with pytest.raises(BadInput, match="--overwrite"):
        write_outcomes(found, tmp_path / "out")
    before = (tmp_path / "out" / "reach.csv").read_bytes()

    def fails(*_: object) -> None:
        raise RuntimeError("no picture")

    monkeypatch.setattr("cordgraft_analysis.outcomes.writing.function_figure", fails)
    for name in ("none", "out"):
        with pytest.raises(RuntimeError):
            write_outcomes(found, tmp_path / name, overwrite=True)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "out"]
    assert (tmp_path / "out" / "reach.csv").read_bytes() == before
