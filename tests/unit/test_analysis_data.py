"""Reading a run for figures: frames, planes, colours, charts, tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft.state.axons import TRACT_NAMES
from cordgraft.state.cells import KIND_NAMES
from cordgraft.state.maps import FRACTIONS
from cordgraft_analysis import palette, panels, words
from cordgraft_analysis.charts import drawable, in_chart_unit, short_number
from cordgraft_analysis.outcome_charts import standard_charts
from cordgraft_analysis.overview import chosen_frames
from cordgraft_analysis.sections import field_limit, round_up
from cordgraft_analysis.tables import KEY_OUTCOMES, in_reading_unit, key_rows, outcome_rows, safety_rows
from cordgraft_analysis.view import LESION_CLASSES, Frame, RunView, open_view
from run_support import GRAFT_DAY, make_fake_run


@pytest.fixture(scope="module")
def grafted(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    return open_view(make_fake_run(tmp_path_factory.mktemp("runs") / "grafted"))


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    return open_view(make_fake_run(tmp_path_factory.mktemp("runs") / "volume", volume=True))


# ------------------------------------------------------------------ names are those of the simulator
def test_every_tissue_class_stage_and_tract_has_a_colour_of_its_own() -> None:
    assert set(palette.TISSUE) == set(FRACTIONS) == set(palette.TISSUE_WORDS)
    assert set(palette.CELL) == set(KIND_NAMES.values()) == set(schema.KINDS)
    assert set(palette.TRACT) == set(TRACT_NAMES.values())
    for colours in (palette.TISSUE, palette.CELL, palette.TRACT):
        assert len(set(colours.values())) == len(colours)


@pytest.mark.parametrize("species", sorted(schema.SCALES))
def test_every_curve_is_an_outcome_of_the_schema_and_converts(species: str) -> None:
    known = {spec.name for spec in schema.series_specs(species, schema.SAFETY_BOUNDS)}
    charts = standard_charts(species)
    assert len({chart.key for chart in charts}) == len(charts)
    for chart in charts:
        assert {curve.name for curve in chart.curves} <= known, chart.key
        assert set(chart.compared) <= {curve.name for curve in chart.curves}
        assert chart.headline()
        for curve in chart.curves:
            assert np.isfinite(in_chart_unit(chart, curve.name, np.array([1.0, 2.0]))).all()


def test_lesion_classes_and_key_outcomes_are_those_of_the_recorder() -> None:
    from cordgraft.record.scene import LESION_FRACTIONS

    assert LESION_CLASSES == LESION_FRACTIONS
    known = {s.name for species in schema.SCALES for s in schema.series_specs(species, schema.SAFETY_BOUNDS)}
    assert set(KEY_OUTCOMES) <= known
    assert {"graft_pressure", "scaffold_volume"} <= set(KEY_OUTCOMES)


# ------------------------------------------------------------------ reading
def test_frame_holds_the_maps_cells_and_paths_of_its_day(grafted: RunView) -> None:
    assert grafted.map_days.tolist() == [3.0, 14.0, 42.0, 112.0]
    early, late = grafted.frame(0), grafted.frame(3)
    assert (early.day, late.day) == (3.0, 112.0)
    assert early.cells is not None and early.cells.kind.size == 0
    assert late.cells is not None and late.cells.kind.size == 9000
    assert abs(float(late.cells.xyz_mm[:, 2].max())) < 10.0  # millimetres, not micrometres
    assert late.paths is not None
    assert len(late.paths.points_mm) == late.paths.tract.size == late.paths.weight.size
    assert {"corticospinal", "graft"} <= set(late.paths.tract.tolist())
    inside = np.sum(list(late.fractions().values()), axis=0)[grafted.cord]
    assert np.allclose(inside, 1.0)


def test_grown_parts_begin_at_the_point_they_leave_from(grafted: RunView) -> None:
    paths = grafted.frame(3).paths
    assert paths is not None
    grown = paths.only_grown()
    cut = next(row for row, laid in enumerate(paths.grown) if laid.any() and not laid.all())
    kept = int(np.flatnonzero(grown.axon == paths.axon[cut])[0])
    first = int(np.argmax(paths.grown[cut]))
    assert np.array_equal(grown.points_mm[kept], paths.points_mm[cut][first - 1 :])
    untouched = sum(not laid.any() for laid in paths.grown)
    assert len(grown.points_mm) == len(paths.points_mm) - untouched


def test_marks_are_the_treatments_without_the_injury(grafted: RunView) -> None:
    assert [(mark.day, mark.label, mark.is_graft) for mark in grafted.marks] == [(GRAFT_DAY, "graft", True)]
    assert words.day_title(grafted, 3.0) == "Day 3 after injury (before graft)"
    assert words.day_title(grafted, 14.0) == "Day 14 after injury (5 d after graft)"


def test_graft_day_is_known_without_a_log_and_a_summary(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "killed", status="running")
    (run / schema.EVENTS_NAME).unlink()
    (run / schema.SUMMARY_NAME).unlink()
    assert [mark.day for mark in open_view(run).marks] == [GRAFT_DAY]


def test_a_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"run\.zarr"):
        open_view(tmp_path)


# ------------------------------------------------------------------ planes
def test_sagittal_plane_shows_rostral_left_and_dorsal_up(grafted: RunView) -> None:
    plane = panels.sagittal_plane(grafted, (-2.0, 3.0))
    figure = palette.new_figure(3.0, 1.0)
    axes = figure.add_axes((0, 0, 1, 1))
    panels.prepare_axes(axes, plane)
    assert axes.get_xlim() == (3.0, -2.0)  # z grows to the left: rostral
    bottom, top = axes.get_ylim()
    assert bottom > 0.0 > top  # y is positive to the ventral side, which is below
    assert plane.cut(grafted.cord).shape == grafted.cord.shape[1:]


def test_axial_plane_cuts_at_the_place_it_is_asked_for(volume: RunView) -> None:
    plane = panels.axial_plane(volume, 2.03)
    z = volume.axes_mm[2]
    assert abs(plane.position_mm - 2.03) <= 0.5 * volume.spacing_mm[2]
    marked = np.zeros(volume.cord.shape)
    marked[4, 6, int(np.argmin(np.abs(z - 2.03)))] = 1.0
    image = plane.cut(marked)
    assert image.shape == (volume.cord.shape[1], volume.cord.shape[0])  # rows: y, columns: x
    assert image[6, 4] == 1.0


def test_window_holds_the_lesion_of_all_days(grafted: RunView) -> None:
    frames = [grafted.frame(index) for index in range(4)]
    low, high = panels.lesion_window(grafted, frames)
    z = grafted.axes_mm[2]
    for frame in frames:
        layers = z[((frame.lesion() >= 0.5) & grafted.cord).any(axis=(0, 1))]
        assert low < layers.min() and layers.max() < high
    assert 4.2 - 1e-9 <= (high - low) / panels.cord_depth(grafted) <= 9.0


def test_composite_paints_a_pure_class_and_mixes_the_others(grafted: RunView) -> None:
    from matplotlib.colors import to_rgb

    shape = grafted.cord.shape
    white, graft = np.zeros(shape), np.zeros(shape)
    white[:, :, ::2] = 1.0
    graft[:, :, 1::2] = 0.5
    white[:, :, 1::2] = 0.5
    frame = Frame(1.0, {"fraction_white": white, "fraction_graft": graft}, None, None)
    image = panels.composite(frame, panels.sagittal_plane(grafted), grafted.cord)
    middle = shape[1] // 2
    pure, mixed = np.array(to_rgb(palette.TISSUE["white"])), np.array(to_rgb(palette.TISSUE["graft"]))
    assert np.allclose(image[middle, 0, :3], pure)
    assert np.allclose(image[middle, 1, :3], 0.5 * (pure + mixed))
    assert (image[..., 3] == grafted.cord[0]).all()


def test_cells_are_spread_inside_their_voxel_and_always_the_same_way() -> None:
    places = np.zeros((500, 3))
    spacing = (0.05, 0.1, 0.2)
    moved = panels.spread(places, spacing)
    assert (np.abs(moved) <= 0.5 * np.array(spacing)).all()
    assert np.array_equal(moved, panels.spread(places, spacing))
    # Evenly: each eighth of the voxel holds about an eighth of them.
    eighths = np.bincount((moved > 0).astype(int) @ np.array([1, 2, 4]), minlength=8)
    assert eighths.min() > 45 and eighths.max() < 80


def test_shuffled_order_is_a_permutation_that_mixes() -> None:
    order = panels.scattered(1000)
    assert np.array_equal(np.sort(order), np.arange(1000))
    assert np.sum(order[:500] < 500) < 300  # the first half is not the first half


@pytest.mark.parametrize("span, bar", [(5.0, 1.0), (2.4, 0.2), (2.6, 0.5), (60.0, 10.0), (0.4, 0.05)])
def test_scale_bar_is_a_round_length_of_about_a_fifth(span: float, bar: float) -> None:
    assert panels.nice_length(span) == pytest.approx(bar)


def test_scale_bar_names_its_unit() -> None:
    assert panels.length_text(2.0) == "2 mm"
    assert panels.length_text(0.5) == "500 µm"


# ------------------------------------------------------------------ days, limits, units
def test_chosen_days_hold_the_first_and_the_last_and_crowd_towards_the_injury() -> None:
    weekly = [1.0, *(7.0 * week for week in range(1, 17))]
    chosen = [weekly[index] for index in chosen_frames(weekly, 4)]
    assert chosen[0] == 1.0 and chosen[-1] == 112.0
    assert len(set(chosen)) == 4
    assert chosen[1] - chosen[0] < chosen[-1] - chosen[-2]
    assert chosen_frames([3.0, 14.0], 4) == [0, 1]
    assert chosen_frames([], 4) == []


def test_colour_limit_is_round_and_not_below_nearly_all_values(grafted: RunView) -> None:
    frames = [grafted.frame(index) for index in range(4)]
    limit = field_limit(grafted, frames, "field_cspg")
    values = np.concatenate([frame.maps["field_cspg"][grafted.cord] for frame in frames])
    assert np.mean(values <= limit) > 0.99
    assert limit == round_up(limit)
    assert field_limit(grafted, frames, "field_none") == 0.0


def test_a_chart_converts_and_scales() -> None:
    charts = {chart.key: chart for chart in standard_charts("mouse")}
    assert in_chart_unit(charts["lesion"], "lesion_length", np.array([2500.0])).tolist() == [2.5]
    share = in_chart_unit(charts["spared"], "lesion_spared_white_matter", np.array([0.25]))
    assert share.tolist() == [25.0]
    peak = in_chart_unit(charts["immune"], "immune_debris", np.array([1.0, np.nan, 4.0]))
    assert peak[0] == 0.25 and peak[2] == 1.0


def test_charts_of_a_graft_are_left_out_without_one(grafted: RunView, tmp_path: Path) -> None:
    untreated = open_view(make_fake_run(tmp_path / "untreated", graft=False))
    with_graft = {chart.key for chart in drawable(standard_charts("mouse"), grafted)}
    without = drawable(standard_charts("mouse"), untreated)
    assert {"survivors", "graft_volume", "synapses"} <= with_graft
    assert not {"survivors", "graft_volume", "synapses"} & {chart.key for chart in without}
    assert not any("graft" in curve.name for chart in without for curve in chart.curves)


@pytest.mark.parametrize(
    "value, text", [(0.0, "0"), (0.5, "0.5"), (250.0, "250"), (1500.0, "1.5k"), (5e5, "500k"), (2e6, "2M")]
)
def test_tick_labels_stay_short(value: float, text: str) -> None:
    assert short_number(value) == text


# ------------------------------------------------------------------ tables
def test_table_reads_the_last_value_its_peak_and_the_simulated_twin(grafted: RunView) -> None:
    rows = {row.name: row for row in key_rows(grafted)}
    survivors = rows["graft_survivors"]
    assert survivors.end == f"{round(grafted.last('graft_survivors')):,}"
    assert survivors.simulated == f"{round(grafted.last('graft_survivors_simulated')):,}"
    assert survivors.peak_day == f"{GRAFT_DAY:g}"
    assert rows["lesion_length"].unit == "mm"
    assert float(rows["lesion_length"].end) == pytest.approx(grafted.last("lesion_length") / 1000.0, rel=5e-3)


def test_every_recorded_outcome_is_in_exactly_one_part_of_the_table(grafted: RunView) -> None:
    parts = outcome_rows(grafted)
    names = [row.name for rows in parts.values() for row in rows]
    recorded = {str(name) for name in grafted.series if not str(name).endswith("_simulated")} - {schema.TICK}
    assert sorted(names) == sorted(recorded)
    assert "Other" not in parts


def test_units_for_reading() -> None:
    assert in_reading_unit("um") == (1e-3, "mm")
    assert in_reading_unit("1", "graft_fraction_neuron") == (100.0, "%")
    assert in_reading_unit("1", "function_motor_index") == (1.0, "1")
    assert in_reading_unit("1", "safety_dividing_fraction") == (1.0, "1")  # a verdict, not a share
    assert in_reading_unit("cells") == (1.0, "cells")


def test_verdicts_name_bound_finding_and_outcome(grafted: RunView) -> None:
    assert safety_rows(grafted) == [
        ("share of grafted cells in the cell cycle", "5 %", "6.1 %", "broken", "")
    ]
    assert "dividing fraction BROKEN (6.1 of at most 5 %)" in words.safety_line(grafted)
