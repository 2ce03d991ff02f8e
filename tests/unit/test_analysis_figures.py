"""The pictures: what they say, that nothing overlaps, and that every kind of run can be drawn."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.contour import ContourSet
from matplotlib.text import Text
from PIL import Image

from cordgraft.core.problems import BadInput
from cordgraft_analysis import movie, palette
from cordgraft_analysis.charts import LEGEND_PT, finish, set_up
from cordgraft_analysis.outcome_charts import Chart, Curve
from cordgraft_analysis.overview import draw_overview, overview_figure
from cordgraft_analysis.seeds import (
    Ensemble,
    draw_seed_overview,
    open_ensemble,
    percentile,
    seed_figure,
    seed_notes,
)
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.view import RunView, open_view
from cordgraft_analysis.words import edge_line
from run_support import GRAFT_DAY, make_fake_run

VARIANTS: dict[str, dict[str, Any]] = {
    "grafted": {},
    "untreated": {"graft": False},
    "without_axons": {"axons": False},
    "one_day": {"map_days": (42.0,)},
    "interrupted": {"last_day": 20.0, "status": "interrupted"},
    "no_maps": {"map_days": ()},
    "volume": {"volume": True, "species": "human"},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    return {name: make_fake_run(place / name, **options) for name, options in VARIANTS.items()}


@pytest.fixture(scope="module")
def figures(runs: dict[str, Path]) -> dict[str, Any]:
    with palette.style():
        return {name: overview_figure(open_view(run)) for name, run in runs.items()}


def texts_of(figure: Any) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def said(figure: Any) -> str:
    return "\n".join(text.get_text() for text in texts_of(figure))


# ------------------------------------------------------------------ overview
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_overview_of_every_kind_of_run_fits_a_page_and_says_what_it_is(
    figures: dict[str, Any], variant: str
) -> None:
    figure = figures[variant]
    width, height = figure.get_size_inches()
    assert width <= 14.0 and height <= 16.6
    text = said(figure)
    assert text.count(palette.RESEARCH_SENTENCE) == 2
    assert "days after injury" in text
    assert "Caution: parameters.scar" in text
    assert "seed 1" in text


@pytest.mark.parametrize("variant", ["grafted", "interrupted", "untreated", "volume"])
def test_no_two_texts_of_an_overview_overlap(figures: dict[str, Any], variant: str) -> None:
    figure = figures[variant]
    with palette.style():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        page = figure.bbox
        boxes = []
        for text in texts_of(figure):
            box = text.get_window_extent(renderer)
            if box.width > 0.0 and box.x0 < page.x1 and box.y0 < page.y1:
                boxes.append((text.get_text(), box.padded(-1.5)))
    clashes = [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(boxes, 2)
        if a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1 and not _ticks_out_of_view(one, other)
    ]
    assert not clashes
    outside = [
        text
        for text, box in boxes
        if (box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0) and not _ticks_out_of_view(text)
    ]
    assert not outside


def _ticks_out_of_view(*texts: str) -> bool:
    """Matplotlib keeps labels of ticks beyond the limits of an axis, and says that they are visible."""
    return all(text.strip("−-.0123456789kMG") == "" for text in texts)


def test_overview_names_units_days_counts_and_treatment(figures: dict[str, Any]) -> None:
    text = said(figures["grafted"])
    for words in (
        "Day 3 after injury (before graft)", "Day 112 after injury (103 d after graft)",
        "9,000 simulated = 126,000 represented", "100 of 200 simulated sprout = 4,000 represented",
        "µg/mL", "mmHg", "1 mm", "rostral", "True proportions", "neuron", "corticospinal", "graft on day 9",
        "dividing fraction BROKEN", "simulated ones (1 stands for 14", "fibrotic scar",
    ):  # fmt: skip
        assert words in text, words
    assert "NOT FINISHED: interrupted at day 20 of 112" in said(figures["interrupted"])
    assert "axial slice" in said(figures["volume"])
    untreated = said(figures["untreated"])
    assert (
        "no treatment" in untreated and "Graft axons" not in untreated and "Grafted\ncells" not in untreated
    )


EVENTS = """tick,day,name,text
0,0.0,injury,contusion
2,0.0833333,early,anti-inflammatory drug begins: 50 % for 70 h
72,3.0,early,anti-inflammatory drug ends
240,10.0,factor,matrix factor at 1 mm from the middle of the injury for 14 d
216,9.0,graft,"500,000 cells of line 253G1-like at 0 mm from the middle of the injury; 1,000 came to rest"
216,9.0,second,"1,000 cells of line 201B7-like at 2 mm from the middle of the injury; 10 came to rest"
48,2.0,factor,matrix factor at 0 mm from the middle of the injury for 14 d
384,16.0,factor,matrix factor is used up
"""


def test_the_header_says_what_was_done_and_fits_the_page(tmp_path: Path) -> None:
    """Title and dose of a scenario may differ from what was run; the log of the run is what counts."""
    run = make_fake_run(tmp_path / "run", map_days=(42.0,))
    many = "".join(f"{24 * day},{day}.0,enzyme_{day},chondroitinase: 1 U\n" for day in range(20, 34))
    (run / "events.csv").write_text(EVENTS + many, encoding="utf-8")
    view = open_view(run)
    with palette.style():
        figure = overview_figure(view)
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        lines = [text for text in texts_of(figure) if text.get_fontsize() == 8.2]
        assert len(lines) > 3
        boxes = [text.get_window_extent(renderer) for text in lines]
        assert max(box.x1 for box in boxes) < figure.bbox.x1
        below = min(axes.get_window_extent(renderer).y1 for axes in figure.axes if axes.get_images())
        assert min(box.y0 for box in boxes) > below
    text = " ".join(" ".join(line.get_text().split()) for line in lines)
    for words in (
        "early after 2 h; factor on days 2 and 10; early ends on day 3; graft on day 9; second on day 9; factor ends",
        "enzyme_33 on day 33",
        "graft: 500,000 cells of line 253G1-like; second: 1,000 cells of line 201B7-like",
    ):
        assert words in text, words
    assert [mark.is_graft for mark in view.marks if mark.label in ("early", "graft")] == [False, False, True]


def test_every_panel_over_time_marks_the_treatment_day(figures: dict[str, Any]) -> None:
    charts = [axes for axes in figures["grafted"].axes if axes.get_title(loc="left")]
    assert len(charts) == 12
    for axes in charts:
        assert any(
            np.allclose(line.get_xdata(), GRAFT_DAY) and line.get_linestyle() == "--"
            for line in axes.get_lines()
        ), axes.get_title(loc="left")
        assert axes.get_ylabel()


def test_overview_is_written_and_the_same_each_time(runs: dict[str, Path], tmp_path: Path) -> None:
    one = draw_overview(runs["one_day"], tmp_path / "one.png")
    two = draw_overview(runs["one_day"], tmp_path / "two.png")
    with Image.open(one) as first, Image.open(two) as second:
        assert first.size[0] > 2000
        assert np.array_equal(np.asarray(first), np.asarray(second))


def test_drawing_leaves_the_settings_of_the_user_alone(runs: dict[str, Path], tmp_path: Path) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 31.0, "axes.grid": True}):
        draw_overview(runs["no_maps"], tmp_path / "overview.png")
        assert matplotlib.rcParams["font.size"] == 31.0
        assert matplotlib.rcParams["axes.grid"]


def test_colours_of_an_early_frame_show_the_dead_tissue(runs: dict[str, Path], tmp_path: Path) -> None:
    from matplotlib.colors import to_rgb

    view = open_view(runs["one_day"])
    with palette.style():
        figure = overview_figure(view)
    images = [artist for axes in figure.axes for artist in axes.get_images()]
    assert images
    graft = np.array(to_rgb(palette.TISSUE["graft"]))
    tissue = np.asarray(images[0].get_array())
    middle = tissue[tissue.shape[0] // 2, tissue.shape[1] // 2, :3]
    assert (
        np.linalg.norm(middle - graft) < 0.35
    )  # the centre of the invented lesion is mostly graft on day 42


# ------------------------------------------------------------------ seeds
@pytest.fixture(scope="module")
def ensemble_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("seeds") / "arm"
    for seed in (1, 2, 3):
        make_fake_run(
            place / f"seed-{seed}", seed=seed, map_days=(14.0,), last_day=40.0 if seed == 3 else 112.0
        )
    return place


def test_seeds_are_found_in_a_directory_and_brought_to_common_days(ensemble_place: Path) -> None:
    ensemble = open_ensemble([ensemble_place])
    assert ensemble.seeds == [1, 2, 3]
    assert ensemble.days.tolist() == list(np.arange(41.0))
    stacked = ensemble.stack("lesion_length")
    assert stacked.shape == (3, 41)
    assert np.array_equal(
        stacked[0], open_view(ensemble_place / "seed-1").series["lesion_length"].values[:41]
    )
    assert np.array_equal(ensemble.values("lesion_length"), np.median(stacked, axis=0))


def test_percentiles_leave_out_what_is_not_defined() -> None:
    stacked = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    assert percentile(stacked, 50.0).tolist()[0] == 2.0
    assert np.isnan(percentile(stacked, 50.0)[1])


def test_band_figure_shows_median_band_and_single_seeds(ensemble_place: Path, tmp_path: Path) -> None:
    ensemble = open_ensemble([ensemble_place])
    with palette.style():
        figure = seed_figure(ensemble)
    text = said(figure)
    assert (
        "3 seeds (1, 2, 3)" in text
        and "5th to 95th percentile" in text
        and "Thin lines: single seeds" in text
    )
    lesion = next(axes for axes in figure.axes if "Lesion length" in axes.get_title(loc="left"))
    middle = next(line for line in lesion.get_lines() if line.get_label() == "lesion")
    assert np.allclose(middle.get_ydata(), np.median(ensemble.stack("lesion_length"), axis=0) / 1000.0)
    assert len(lesion.collections) == 1
    assert draw_seed_overview([ensemble_place], tmp_path / "seeds.png").stat().st_size > 50_000


def test_a_wide_legend_is_made_to_fit_between_its_neighbours() -> None:
    names = ("any", "graft volume ratio", "dividing fraction", "undifferentiated fraction", "neuron distance", "dose")
    curves = tuple(Curve(name, name, palette.BLACK) for name in names)
    charts = [Chart(key, key, "1", curves[:count]) for key, count in (("a", 2), ("b", 6), ("c", 6), ("d", 6))]
    with palette.style():
        sheet = Sheet(13.8, 3.0)
        for axes, chart, letter, _ in sheet.chart_grid(charts, 4, 2.15):
            set_up(axes, chart, 10.0, letter)
            for curve in chart.curves:
                axes.plot([0.0, 10.0], [0.0, 1.0], label=curve.label)
            finish(axes, chart)
        sheet.figure.canvas.draw()
    shown = [axes.get_legend() for axes in sheet.figure.axes]
    boxes = [legend.get_window_extent() for legend in shown]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(box.x1 <= sheet.figure.bbox.x1 for box in boxes)
    sizes = [legend.get_texts()[0].get_fontsize() for legend in shown]
    assert sizes[0] == LEGEND_PT and all(5.0 < size < LEGEND_PT for size in sizes[1:])


def test_what_left_the_cord_is_said_under_the_band_figure(
    ensemble_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = open_ensemble([ensemble_place])
    left = {1: 10.0, 2: 400.0, 3: 30.0}

    def last(view: RunView, name: str) -> float:
        return left.get(view.seed or 0, 0.0) if name == "axons_censored" else 0.0

    monkeypatch.setattr(RunView, "last", last)
    (note,) = (note for note in seed_notes(ensemble) if note.startswith("Censored"))
    assert "30 axons (10 to 400)" in note and "lower bound" in " ".join(seed_notes(ensemble))
    left.clear()
    assert not any(note.startswith("Censored") for note in seed_notes(ensemble))


def test_a_count_of_host_axons_at_the_caudal_edge_says_whose_they_are(
    ensemble_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = open_ensemble([ensemble_place])
    entered = {"axons_host_crossings_caudal": np.array([0.0, np.nan, 417.0])}
    monkeypatch.setattr(RunView, "values", lambda _, name: entered.get(name))
    assert "only enter the lesion" in edge_line(*ensemble.views)
    entered["axons_host_crossings_caudal"] *= 0.0
    assert edge_line(*ensemble.views) == ""
    monkeypatch.undo()
    crossed = any(np.nansum(view.values("axons_host_crossings_caudal")) > 0.0 for view in ensemble.views)
    assert ("only enter the" in " ".join(seed_notes(ensemble))) == crossed


def test_many_seeds_are_not_drawn_one_by_one(ensemble_place: Path) -> None:
    ensemble = open_ensemble([ensemble_place])
    assert "single seeds" in seed_notes(ensemble)[0]
    assert "single seeds" not in seed_notes(Ensemble(ensemble.views * 2))[0]


def test_a_place_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no run"):
        open_ensemble([tmp_path])


# ------------------------------------------------------------------ movie
def test_movie_has_one_picture_per_recorded_day(runs: dict[str, Path], tmp_path: Path) -> None:
    path = movie.draw_movie(runs["grafted"], tmp_path / "movie.gif")
    with Image.open(path) as pictures:
        assert pictures.n_frames == 4
        shown = []
        for index in range(4):
            pictures.seek(index)
            shown.append(np.asarray(pictures.convert("RGB")))
    assert all(not np.array_equal(one, other) for one, other in itertools.pairwise(shown))
    # Categories keep their exact colours in the shared palette.
    green = np.array([0x00, 0x9E, 0x73])
    assert (shown[3] == green).all(axis=2).sum() > 200


def test_last_picture_stands_longer_and_days_can_set_the_pace() -> None:
    assert movie.frame_durations([3.0, 14.0], None) == [1.5, 3.0]
    assert movie.frame_durations([0.0, 1.0, 11.0], 0.1) == pytest.approx([0.1, 1.0, 2.0])


def test_movie_refuses_what_it_cannot_do(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="no recorded maps"):
        movie.draw_movie(runs["no_maps"], tmp_path / "movie.gif")
    with pytest.raises(BadInput, match=r"not 'movie\.avi'"):
        movie.draw_movie(runs["grafted"], tmp_path / "movie.avi")
    monkeypatch.setattr(movie, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install 'cordgraft\[mp4\]'"):
        movie.draw_movie(runs["grafted"], tmp_path / "movie.mp4")
    assert not list(tmp_path.iterdir())


def test_lesion_mask_of_a_scan_is_outlined_and_explained(tmp_path: Path, figures: dict[str, Any]) -> None:
    view = open_view(make_fake_run(tmp_path / "scan", species="human", painted=True, map_days=(14.0,)))
    assert view.lesion_mask is not None and view.lesion_mask.max() == 1.0
    with palette.style():
        figure = overview_figure(view)
    assert "lesion mask of the scan" in said(figure)
    assert "lesion mask of the scan" not in said(figures["grafted"])


@pytest.mark.parametrize(("pressure", "drawn"), [(0.0, False), (0.009, False), (0.4, True), (3.0, True)])
def test_graft_pressure_is_drawn_beside_the_function_where_there_is_some(
    tmp_path: Path, pressure: float, drawn: bool
) -> None:
    view = open_view(make_fake_run(tmp_path / "run", map_days=()))
    view.series["graft_pressure"].values[50:] = pressure
    view.series["graft_pressure"].values[:50] = 0.0
    with palette.style():
        figure = overview_figure(view)
    function = next(axes for axes in figure.axes if "Function index" in axes.get_title(loc="left"))
    lines = {line.get_label(): line for line in function.get_lines()}
    assert ("graft pressure" in lines) == drawn and {"motor", "sensory"} <= set(lines)
    if drawn:
        assert lines["graft pressure"].get_linestyle() == "--"
        assert lines["graft pressure"].get_ydata().max() == pressure < function.get_ylim()[1]


def test_a_scaffold_is_hatched_where_it_spans_enough_and_explained(runs: dict[str, Path]) -> None:
    view = open_view(runs["one_day"])
    frame = view.frame(0)
    with palette.style():
        assert "scaffold" not in said(overview_figure(view))
    share = np.zeros(view.cord.shape)
    middle = view.cord.shape[2] // 2
    share[:, :, middle - 3 : middle + 3] = 0.5 * palette.SCAFFOLD_SHOWN * view.cord[:, :, middle - 3 : middle + 3]
    for factor, shown in ((1.0, False), (4.0, True)):
        view._frames[0] = replace(frame, maps={**frame.maps, palette.SCAFFOLD: factor * share})
        with palette.style():
            figure = overview_figure(view)
        drawn = [
            (axes, sets)
            for axes in figure.axes
            for sets in axes.collections
            if isinstance(sets, ContourSet) and any(sets.hatches or ())
        ]
        assert bool(drawn) == shown
        assert ("Hatched: scaffold that spans at least 10% of the voxel" in said(figure)) == shown
    for _, hatched in drawn:
        left, right = hatched.get_paths()[0].get_extents().intervalx
        z = view.axes_mm[2]
        assert left == pytest.approx(z[middle - 3], abs=view.spacing_mm[2])
        assert right == pytest.approx(z[middle + 2], abs=view.spacing_mm[2])
