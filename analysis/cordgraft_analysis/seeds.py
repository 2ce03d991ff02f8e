"""Several seeds of one scenario: the outcomes over time with their median and a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft_analysis import palette, words
from cordgraft_analysis.charts import drawable, finish, in_chart_unit, set_up
from cordgraft_analysis.outcome_charts import Chart, standard_charts
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.view import RunView, open_view

Array = NDArray[np.float64]

#: Percentiles of the band.
LOW, HIGH = 5.0, 95.0
#: Below so many seeds percentiles are the extremes, so every seed is drawn as well.
FEW = 6
WIDTH_IN, COLUMNS, CHART_IN, MOST_CHARTS = 13.8, 4, 2.15, 16


@dataclass
class Ensemble:
    """Runs of one scenario that differ in the seed, brought to the days that they share.

    Parameters
    ----------
    views : list of RunView
        In order of the seed.
    """

    views: list[RunView]

    @cached_property
    def days(self) -> Array:
        """Days that every run has recorded."""
        days = self.views[0].days
        for view in self.views[1:]:
            days = np.intersect1d(days, view.days)
        return days

    def of(self, view: RunView, name: str) -> Array:
        """Return an outcome of one run over `days`; NaN throughout where the run never defined it."""
        values = view.values(name)
        if values is None:
            return np.full(self.days.size, np.nan)
        return np.asarray(values[np.searchsorted(view.days, self.days)], dtype=np.float64)

    def stack(self, name: str) -> Array:
        """Return an outcome of all runs : (runs, days)."""
        return np.stack([self.of(view, name) for view in self.views])

    def values(self, name: str) -> Array | None:
        """Return the median of an outcome over the seeds that define it, or None where none does."""
        stacked = self.stack(name)
        return median(stacked) if np.isfinite(stacked).any() else None

    @property
    def seeds(self) -> list[int | None]:
        """Seeds in order."""
        return [view.seed for view in self.views]


def median(stacked: Array) -> Array:
    """Return the median over runs (axis 0) of those that are defined; NaN where none is."""
    return percentile(stacked, 50.0)


def percentile(stacked: Array, share: float) -> Array:
    """Return a percentile over runs (axis 0) of those that are defined; NaN where none is."""
    found = np.full(stacked.shape[1], np.nan)
    for column in range(stacked.shape[1]):
        values = stacked[:, column]
        values = values[np.isfinite(values)]
        if values.size:
            found[column] = np.percentile(values, share)
    return found


def open_ensemble(run_dirs: Sequence[str | Path]) -> Ensemble:
    """Open the runs of several seeds; a directory that holds runs stands for all of them.

    Raises
    ------
    BadInput
        If there is no run, or the runs share no recorded day.
    """
    views = [open_view(path) for entry in run_dirs for path in run_directories(entry)]
    views.sort(key=lambda view: (view.seed is None, view.seed or 0, str(view.directory)))
    if not views:
        raise BadInput("no run was named")
    ensemble = Ensemble(views)
    if not ensemble.days.size:
        raise BadInput("the runs share no recorded day: " + ", ".join(str(view.directory) for view in views))
    return ensemble


def run_directories(place: str | Path) -> list[Path]:
    """Return the run directories that a path names: itself, or those directly inside it.

    Raises
    ------
    BadInput
        If it is no run and holds none.
    """
    path = Path(place)
    if (path / schema.STORE_NAME).exists():
        return [path]
    inside = (
        sorted(child for child in path.glob("*") if (child / schema.STORE_NAME).exists())
        if path.is_dir()
        else []
    )
    if not inside:
        raise BadInput(f"'{place}' holds no run: there is no {schema.STORE_NAME} in it or in its directories")
    return inside


def draw_seed_overview(run_dirs: Sequence[str | Path], dest: str | Path) -> Path:
    """Draw the outcomes of several seeds of one scenario over time and return where the picture is.

    Parameters
    ----------
    run_dirs : sequence of path
        Run directories, or directories that hold them.
    dest : path
        A PNG file.
    """
    ensemble = open_ensemble(run_dirs)
    with palette.style():
        figure = seed_figure(ensemble)
        figure.savefig(Path(dest), dpi=palette.DPI)
    return Path(dest)


def seed_figure(ensemble: Ensemble) -> Any:
    """Return the figure of an ensemble; call it within `palette.style`."""
    first = ensemble.views[0]
    charts = drawable(standard_charts(first.species), ensemble)[:MOST_CHARTS]
    notes = seed_notes(ensemble)
    rows = -(-len(charts) // COLUMNS)
    sheet = Sheet(WIDTH_IN, 0.85 + rows * CHART_IN + 0.5 + 0.14 * len(notes))
    sheet.text(0.12, 0.16, first.title, fontsize=13, fontweight="bold", va="top", ha="left")
    sheet.text(0.12, 0.45, seed_line(ensemble), fontsize=8.2, va="top", ha="left", color="#333333")
    sheet.text(
        WIDTH_IN - 0.15,
        0.18,
        palette.RESEARCH_SENTENCE,
        fontsize=9,
        fontweight="bold",
        va="top",
        ha="right",
        color="#8B2500",
    )
    sheet.down(0.85)
    marks = {mark.day: mark.label for mark in first.marks}
    for axes, chart, letter, is_last in sheet.chart_grid(charts, COLUMNS, CHART_IN):
        draw_band(axes, chart, ensemble, marks, letter)
        if is_last:
            axes.set_xlabel("days after injury", fontsize=7.5, labelpad=1.5)
    sheet.notes(notes)
    return sheet.figure


def seed_notes(ensemble: Ensemble) -> list[str]:
    """Return the footnotes of the figure: what lines and bands are, verdicts, cautions, provenance."""
    first = ensemble.views[0]
    notes = [
        f"Lines: median over {len(ensemble.views)} seeds of those in which the value is defined;"
        f" bands: {LOW:g}th to {HIGH:g}th percentile."
        + (" Thin lines: single seeds." if len(ensemble.views) < FEW else "")
        + " A seed draws the subject as well as the noise. Dashed vertical line = treatment."
        + " Counts are of the whole cord (represented)."
    ]
    flags = np.array([view.last("safety_any_flag") for view in ensemble.views])
    judged = int(np.isfinite(flags).sum())
    if judged:
        notes.append(
            f"Safety bounds declared before the run: broken in {int((flags > 0).sum())} of {judged} seeds."
        )
    notes += [note for note in (_censored_note(ensemble), words.edge_line(*ensemble.views)) if note]
    notes += words.caution_notes(first)
    return words.wrapped([*notes, f"First seed: {words.provenance_line(first)}"])


def _censored_note(ensemble: Ensemble) -> str:
    """Return what has left the lattice by the end, over the seeds; empty where nothing has."""
    parts = []
    for name, what in (("axons_censored", "axons"), ("graft_censored", "grafted cells")):
        last = np.array([view.last(name) for view in ensemble.views])
        last = last[np.isfinite(last)]
        if last.size and last.max() > 0.0:
            low, middle, high = (words.number(value) for value in (last.min(), np.median(last), last.max()))
            parts.append(f"{middle} {what} ({low} to {high})")
    if not parts:
        return ""
    return (
        f"Censored, median (smallest to largest): {' and '.join(parts)} reached the end of the simulated cord; reach is"
        " a lower bound for them."
    )


def seed_line(ensemble: Ensemble) -> str:
    """Return how many seeds there are, which ones, and how far they go."""
    seeds = [seed for seed in ensemble.seeds if seed is not None]
    named = ", ".join(map(str, seeds)) if len(seeds) <= 12 else f"{min(seeds)} to {max(seeds)}"
    first = ensemble.views[0]
    place = " ".join(str(first.setting.get(key, "")) for key in ("species", "level")).strip()
    parts = [
        place,
        f"{len(ensemble.views)} seeds ({named})",
        f"days {ensemble.days[0]:g} to {ensemble.days[-1]:g}",
    ]
    if len({view.name for view in ensemble.views}) > 1:
        parts.append("CAUTION: the runs are of different scenarios")
    unfinished = sum(view.status != "finished" for view in ensemble.views)
    if unfinished:
        parts.append(f"{unfinished} not finished")
    return "  ·  ".join(part for part in parts if part)


def draw_band(axes: Any, chart: Chart, ensemble: Ensemble, marks: dict[float, str], letter: str = "") -> None:
    """Draw a chart with median, band and, for few seeds, each seed."""
    days = ensemble.days
    set_up(axes, chart, float(days[-1]), letter)
    for curve in chart.curves:
        stacked = np.stack([in_chart_unit(chart, curve.name, row) for row in ensemble.stack(curve.name)])
        if not np.isfinite(stacked).any():
            continue
        if len(ensemble.views) < FEW:
            for row in stacked:
                axes.plot(days, row, color=curve.colour, linewidth=0.5, alpha=0.55)
        axes.fill_between(
            days,
            percentile(stacked, LOW),
            percentile(stacked, HIGH),
            color=curve.colour,
            alpha=0.16,
            linewidth=0.0,
        )
        axes.plot(days, median(stacked), color=curve.colour, linestyle=curve.style, label=curve.label)
    finish(axes, chart, marks)
