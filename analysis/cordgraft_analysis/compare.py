"""Runs side by side: a table of outcomes with differences and ratios, and their courses over time.

The first run (or set of seeds) is the reference. Where two sets share seeds, differences are taken seed by seed
and then summarised: a seed draws the same subject in every arm, so a pair differs in the treatment alone.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft_analysis import palette, words
from cordgraft_analysis.charts import drawable, finish, in_chart_unit, set_up
from cordgraft_analysis.outcome_charts import Chart, standard_charts
from cordgraft_analysis.seeds import FEW, HIGH, LOW, Ensemble, median, open_ensemble, percentile
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.tables import KEY_OUTCOMES, in_reading_unit

Array = NDArray[np.float64]

WIDTH_IN, COLUMNS, CHART_IN, MOST_CHARTS = 13.8, 4, 2.15, 16
#: Line styles of the headline curves of a chart, in order.
STYLES: tuple[Literal["-", "--", "-."], ...] = ("-", "--", "-.")


@dataclass(frozen=True)
class ComparedOutcome:
    """One outcome of all arms on one day.

    Parameters
    ----------
    name, meaning, unit : str
    values : tuple of float
        Per arm; with several seeds the median of those in which it is defined.
    lows, highs : tuple of float
        5th and 95th percentile over seeds; the value itself for one seed.
    differences, ratios : tuple of float
        Against the first arm (whose own are NaN).
    paired : tuple of int
        Seeds shared with the first arm, in which both arms define the value; 0 where arms are compared unpaired.
    """

    name: str
    meaning: str
    unit: str
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    differences: tuple[float, ...]
    ratios: tuple[float, ...]
    paired: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Several arms on the last day that all of them reached.

    Parameters
    ----------
    labels : tuple of str
        One per arm.
    day : float
        Days after injury.
    outcomes : tuple of ComparedOutcome
        All of them; `key` has those that matter most.
    notes : tuple of str
        What the reader must know of the comparison.
    """

    labels: tuple[str, ...]
    day: float
    outcomes: tuple[ComparedOutcome, ...]
    notes: tuple[str, ...]

    @property
    def key(self) -> tuple[ComparedOutcome, ...]:
        """The outcomes that a terminal shows, in the order of the story: graft, axons, lesion, function, safety."""
        known = {outcome.name: outcome for outcome in self.outcomes}
        return tuple(known[name] for name in KEY_OUTCOMES if name in known)

    def header(self) -> list[str]:
        """Return the column titles of `rows`."""
        others = self.labels[1:]
        return ["outcome", "unit", *self.labels, *(f"difference {label}" for label in others),
                *(f"ratio {label}" for label in others)]  # fmt: skip

    def rows(self) -> list[list[str]]:
        """Return the key outcomes as text, in units for reading, for a table on a terminal or a page."""
        found = []
        for outcome in self.key:
            scale, unit = in_reading_unit(outcome.unit, outcome.name)
            found.append(
                [
                    outcome.meaning,
                    unit,
                    *(
                        value_text(v * scale, low * scale, high * scale)
                        for v, low, high in zip(outcome.values, outcome.lows, outcome.highs, strict=True)
                    ),
                    *(signed(value * scale) for value in outcome.differences[1:]),
                    *(words.number(value) for value in outcome.ratios[1:]),
                ]
            )
        return found

    def write_csv(self, dest: str | Path) -> Path:
        """Write all outcomes with full precision, one line each; a value that is not defined is empty."""
        path = Path(dest)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            per_arm = ("value", "p05", "p95", "difference", "ratio", "paired_seeds")
            writer.writerow(
                [
                    "day",
                    "name",
                    "meaning",
                    "unit",
                    *(f"{word} {label}" for label in self.labels for word in per_arm),
                ]
            )
            for outcome in self.outcomes:
                columns = (
                    outcome.values,
                    outcome.lows,
                    outcome.highs,
                    outcome.differences,
                    outcome.ratios,
                    outcome.paired,
                )
                numbers = [column[arm] for arm in range(len(self.labels)) for column in columns]
                cells = ["" if isinstance(x, float) and not np.isfinite(x) else repr(x) for x in numbers]
                writer.writerow([repr(self.day), outcome.name, outcome.meaning, outcome.unit, *cells])
        return path


def value_text(value: float, low: float, high: float) -> str:
    """Return a value, with its band where there is one."""
    if np.isfinite(low) and np.isfinite(high) and low != high:
        return f"{words.number(value)} ({words.number(low)} to {words.number(high)})"
    return words.number(value)


def signed(value: float) -> str:
    """Return a difference with its sign."""
    text = words.number(value)
    return f"+{text}" if np.isfinite(value) and value > 0.0 else text


# ------------------------------------------------------------------------------------------------ numbers
def open_arms(run_dirs: Sequence[str | Path]) -> list[tuple[str, Ensemble]]:
    """Open each path as an arm: a run, or a directory with the runs of several seeds.

    Raises
    ------
    BadInput
        If there are fewer than two.
    """
    if len(run_dirs) < 2:
        raise BadInput("a comparison needs at least two runs")
    arms = [open_ensemble([path]) for path in run_dirs]
    return list(zip(arm_labels([Path(path) for path in run_dirs]), arms, strict=True))


def arm_labels(paths: Sequence[Path]) -> list[str]:
    """Return short names that differ: the last part of each path, with its parents where those are equal."""
    resolved = [path.resolve() for path in paths]
    for depth in range(1, max(len(path.parts) for path in resolved) + 1):
        labels = ["/".join(path.parts[-depth:]) for path in resolved]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{path.name} ({position})" for position, path in enumerate(resolved, start=1)]


def compare(run_dirs: Sequence[str | Path]) -> Comparison:
    """Compare runs (or sets of seeds) with the first of them on the last day that all reached.

    Parameters
    ----------
    run_dirs : sequence of path
        At least two; a directory that holds run directories is one arm with several seeds.

    Raises
    ------
    BadInput
        If fewer than two are given, one of them is no run, or they share no day.
    """
    return compare_arms(open_arms(run_dirs))


def compare_arms(arms: Sequence[tuple[str, Ensemble]]) -> Comparison:
    """Compare opened arms; see `compare`."""
    days = arms[0][1].days
    for _, arm in arms[1:]:
        days = np.intersect1d(days, arm.days)
    if not days.size:
        raise BadInput("the runs share no recorded day")
    day = float(days[-1])
    reference = arms[0][1]
    species = reference.views[0].species
    bounds = [
        name
        for name in schema.SAFETY_BOUNDS
        if any(f"safety_{name}" in arm.views[0].series for _, arm in arms)
    ]
    outcomes = []
    for spec in schema.series_specs(species, bounds):
        columns = [at_day(arm, spec.name, day) for _, arm in arms]
        if not any(np.isfinite(column).any() for column in columns):
            continue
        counted = spec.unit in ("axons", "synapses")
        against = [
            _against(reference, columns[0], arm, column, counted)
            for (_, arm), column in zip(arms, columns, strict=True)
        ]
        outcomes.append(
            ComparedOutcome(
                spec.name,
                spec.long_name,
                spec.unit,
                tuple(_centre(column) for column in columns),
                tuple(_percentile(column, LOW) for column in columns),
                tuple(_percentile(column, HIGH) for column in columns),
                (float("nan"), *(difference for difference, _, _ in against[1:])),
                (float("nan"), *(ratio for _, ratio, _ in against[1:])),
                (0, *(paired for _, _, paired in against[1:])),
            )
        )
    return Comparison(tuple(label for label, _ in arms), day, tuple(outcomes), tuple(_notes(arms, day)))


def at_day(arm: Ensemble, name: str, day: float) -> Array:
    """Return an outcome on one day : (seeds,); NaN where it is not defined."""
    return np.asarray(arm.stack(name)[:, int(np.searchsorted(arm.days, day))], dtype=np.float64)


def _centre(values: Array) -> float:
    return _percentile(values, 50.0)


def _percentile(values: Array, share: float) -> float:
    defined = values[np.isfinite(values)]
    return float(np.percentile(defined, share)) if defined.size else float("nan")


def shared_seeds(one: Ensemble, other: Ensemble) -> list[int]:
    """Return the seeds that occur exactly once in both arms."""
    mine = [seed for seed in one.seeds if seed is not None and one.seeds.count(seed) == 1]
    return sorted(seed for seed in mine if other.seeds.count(seed) == 1)


def _against(
    reference: Ensemble, base: Array, arm: Ensemble, values: Array, counted: bool
) -> tuple[float, float, int]:
    """Return difference, ratio and number of pairs of an arm against the reference.

    Axons and synapses are compared as (count + 1) over (count + 1), so that a reference of zero still gives a ratio.
    """
    seeds = shared_seeds(reference, arm)
    one = 1.0 if counted else 0.0
    if seeds:
        mine = np.array([base[reference.seeds.index(seed)] for seed in seeds])
        theirs = np.array([values[arm.seeds.index(seed)] for seed in seeds])
        both = np.isfinite(mine) & np.isfinite(theirs)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(mine + one != 0.0, (theirs + one) / (mine + one), np.nan)
        return (
            _centre(np.where(both, theirs - mine, np.nan)),
            _centre(np.where(both, ratios, np.nan)),
            int(both.sum()),
        )
    middle, other = _centre(base), _centre(values)
    ratio = (other + one) / (middle + one) if middle + one != 0.0 else float("nan")
    return other - middle, ratio, 0


def _notes(arms: Sequence[tuple[str, Ensemble]], day: float) -> list[str]:
    reference_label, reference = arms[0]
    notes = [
        f"Values on day {day:g} after injury, the last day that all runs reached; differences and ratios against"
        f" '{reference_label}'. Ratios of axons and synapses are (count + 1) / (count + 1)."
    ]
    for label, arm in arms[1:]:
        seeds = shared_seeds(reference, arm)
        if not seeds:
            notes.append(
                f"'{label}' shares no seed with '{reference_label}': their difference is also one between subjects."
            )
        elif len(seeds) > 1:
            notes.append(f"'{label}': median of the differences over {len(seeds)} shared seeds.")
    for label, arm in arms:
        if len(arm.views) > 1:
            notes.append(
                f"'{label}': median over {len(arm.views)} seeds, in brackets the 5th to 95th percentile."
            )
        unfinished = [view for view in arm.views if view.status != "finished"]
        if unfinished:
            notes.append(f"'{label}': {len(unfinished)} of {len(arm.views)} runs not finished.")
    species = {arm.views[0].species for _, arm in arms}
    if len(species) > 1:
        notes.append(f"The runs are of different species ({', '.join(sorted(species))}).")
    return notes


# ------------------------------------------------------------------------------------------------ picture
def draw_comparison(run_dirs: Sequence[str | Path], dest: str | Path) -> Path:
    """Draw the courses of several runs into common panels and return where the picture is."""
    arms = open_arms(run_dirs)
    with palette.style():
        figure = comparison_figure(arms)
        figure.savefig(Path(dest), dpi=palette.DPI)
    return Path(dest)


def comparison_figure(arms: Sequence[tuple[str, Ensemble]]) -> Any:
    """Return the figure of a comparison; call it within `palette.style`."""
    charts = comparison_charts(arms)[:MOST_CHARTS]
    notes = words.wrapped(
        [
            *_notes(arms, compare_arms(arms).day),
            "Dashed vertical lines = treatments. Counts are of the whole cord (represented)."
            " Cautions of each run are in its own overview.",
        ]
    )
    rows = -(-len(charts) // COLUMNS)
    top = 0.62 + 0.17 * len(arms) + 0.1
    sheet = Sheet(WIDTH_IN, top + rows * CHART_IN + 0.5 + 0.14 * len(notes))
    sheet.text(0.12, 0.16, "Comparison of runs", fontsize=13, fontweight="bold", va="top", ha="left")
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
    sheet.down(0.55)
    for position, (label, arm) in enumerate(arms):
        colour = palette.CYCLE[position % len(palette.CYCLE)]
        sheet.mark(0.22, sheet.line, "_", colour)
        seeds = f"{len(arm.views)} seeds" if len(arm.views) > 1 else f"seed {arm.seeds[0]}"
        text = f"{label}: {arm.views[0].title} ({seeds})"
        sheet.text(0.38, sheet.line, text, fontsize=8.5, va="center", ha="left")
        sheet.down(0.17)
    sheet.down(top - sheet.line)
    for axes, chart, letter, is_last in sheet.chart_grid(charts, COLUMNS, CHART_IN):
        draw_arms(axes, chart, arms, letter)
        if is_last:
            axes.set_xlabel("days after injury", fontsize=7.5, labelpad=1.5)
    sheet.notes(notes)
    return sheet.figure


def comparison_charts(arms: Sequence[tuple[str, Ensemble]]) -> list[Chart]:
    """Return the charts of which at least one arm has data."""
    species = arms[0][1].views[0].species
    have = {chart.key for _, arm in arms for chart in drawable(standard_charts(species), arm)}
    charts = [chart for chart in standard_charts(species) if chart.key in have and chart.key != "signals"]
    # Each run over its own peak would hide that one has more than the other.
    return [
        replace(c, own_peak=False, unit="mm³ (1 = full)", ceiling=None) if c.own_peak else c for c in charts
    ]


def draw_arms(axes: Any, chart: Chart, arms: Sequence[tuple[str, Ensemble]], letter: str) -> None:
    """Draw the headline curves of a chart for all arms: one colour per arm, one line style per curve."""
    from matplotlib.lines import Line2D

    curves = chart.headline()
    last = max(float(arm.days[-1]) for _, arm in arms)
    set_up(axes, chart, last, letter)
    if len(curves) == 1 and len(chart.curves) > 1:
        axes.text(0.0, 1.06, curves[0].label, transform=axes.transAxes, fontsize=6.8, ha="left", va="bottom")
    marks: dict[float, str] = {}
    for position, (_, arm) in enumerate(arms):
        colour = palette.CYCLE[position % len(palette.CYCLE)]
        marks.update({mark.day: mark.label for mark in arm.views[0].marks})
        for curve, style in zip(curves, STYLES, strict=False):
            stacked = np.stack([in_chart_unit(chart, curve.name, row) for row in arm.stack(curve.name)])
            if not np.isfinite(stacked).any():
                continue
            if len(arm.views) > 1:
                low, high = percentile(stacked, LOW), percentile(stacked, HIGH)
                axes.fill_between(arm.days, low, high, color=colour, alpha=0.15, linewidth=0.0)
                for row in stacked if len(arm.views) < FEW else ():
                    axes.plot(arm.days, row, color=colour, linewidth=0.4, alpha=0.5)
            # Where arms agree, the first shows round the edges of the next.
            width = max(2.4 - 0.9 * position, 1.1)
            axes.plot(arm.days, median(stacked), color=colour, linestyle=style, linewidth=width)
    finish(axes, chart, marks, legend=False)
    if len(curves) > 1:
        handles = [
            Line2D([], [], color="#444444", linestyle=style, label=curve.label)
            for curve, style in zip(curves, STYLES, strict=False)
        ]
        axes.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(-0.02, 1.03), ncols=len(handles), fontsize=6.8,
            handlelength=1.8, columnspacing=0.9, handletextpad=0.4, borderpad=0.0, borderaxespad=0.2,
        )  # fmt: skip
