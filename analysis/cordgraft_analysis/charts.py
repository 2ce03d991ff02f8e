"""How a panel of outcomes over time is drawn: units, scales, treatment marks and a legend that hides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.units import UnitError, convert
from cordgraft_analysis.outcome_charts import Chart

Array = NDArray[np.float64]

#: Letters of a legend, points, and how far it may stand out over the right end of its panel, inches.
LEGEND_PT, LEGEND_OVERHANG_IN = 6.8, 0.12


class Outcomes(Protocol):
    """Anything that has outcomes over days: one run, or a band over seeds."""

    @property
    def days(self) -> Array:
        """Days of the values."""

    def values(self, name: str) -> Array | None:
        """Return an outcome over `days`, or None."""


def drawable(charts: Sequence[Chart], outcomes: Outcomes) -> list[Chart]:
    """Return the charts of which at least one curve has data, with only those curves.

    What belongs to a graft is left out where there never was one; zero is drawn otherwise, because nothing is a
    finding too, unless the curve says that it matters only beyond a value.
    """
    survivors = outcomes.values("graft_survivors")
    grafted = survivors is not None and bool(np.nansum(survivors) > 0.0)
    found = []
    for chart in charts:
        curves = tuple(
            curve
            for curve in chart.curves
            if _seen(outcomes.values(curve.name), curve.beyond) and (grafted or "graft" not in curve.name)
        )
        if curves:
            found.append(replace(chart, curves=curves))
    return found


def _seen(values: Array | None, beyond: float | None) -> bool:
    """Whether there is something to draw: values at all, and one above `beyond`, where that is given."""
    if values is None:
        return False
    return beyond is None or bool(np.any(values > beyond))


def series_unit(name: str) -> str:
    """Return the unit in which the recorder writes a series, ``1`` where the schema does not list it."""
    return units_of_series().get(name, "1")


def units_of_series() -> dict[str, str]:
    """Return series name -> unit over all species and safety bounds."""
    found: dict[str, str] = {}
    for species in ("", *schema.SCALES):
        for spec in schema.series_specs(species, schema.SAFETY_BOUNDS):
            found[spec.name] = spec.unit
    return found


def in_chart_unit(chart: Chart, name: str, values: Array) -> Array:
    """Return the values of a curve as the chart draws them."""
    shown = values
    if chart.to_unit:
        try:
            shown = values * convert(1.0, series_unit(name), chart.to_unit)
        except UnitError as error:
            raise UnitError(f"{name} cannot be drawn in {chart.to_unit}: {error}") from error
    if chart.own_peak:
        peak = np.nanmax(np.abs(shown)) if np.isfinite(shown).any() else 0.0
        shown = shown / peak if peak > 0.0 else shown
    return np.asarray(shown, dtype=np.float64)


# ---------------------------------------------------------------------------------------------- drawing
def set_up(axes: Any, chart: Chart, last_day: float, letter: str = "") -> None:
    """Set title, units, limits and scale of a panel; call `finish` after drawing into it."""
    axes.set_title(f"{letter}  {chart.title}".strip(), loc="left", fontsize=8.5, fontweight="bold", pad=26)
    axes.set_ylabel(chart.unit if chart.unit != "1" else "1 (no unit)", fontsize=7.5, labelpad=2)
    axes.set_xlim(0.0, max(last_day, 1e-6) * 1.02)
    if chart.scale == "counts":
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.5)
    axes.grid(True, color="#E8E8E8", linewidth=0.5)
    axes.set_axisbelow(True)


def finish(axes: Any, chart: Chart, marks: Mapping[float, str] | None = None, legend: bool = True) -> None:
    """Fix the limits of a filled panel, mark the treatments and put the legend over it."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

    low, high = axes.get_ylim()
    top = axes.dataLim.ymax if np.isfinite(axes.dataLim.ymax) else 1.0
    if chart.floor is not None:
        low, high = chart.floor, chart.floor + max(1.08 * (top - chart.floor), 0.0)
    # one curve may stand for something that has no ceiling: it is not cut off
    if chart.ceiling is not None and (0.3 * chart.ceiling < top < 1.05 * chart.ceiling or high <= low):
        high = chart.ceiling
    if high <= low:
        high = low + 1.0
    if chart.scale == "counts":
        low, high = 0.0, max(high, 10.0)
        locator = SymmetricalLogLocator(base=10.0, linthresh=1.0)
        locator.set_params(numticks=6)
        axes.yaxis.set_major_locator(locator)
        axes.yaxis.set_minor_locator(MaxNLocator(1))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(short_number))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 4, 5, 7, 10]))
    axes.set_ylim(low, high)
    for day in marks or {}:
        axes.axvline(day, color="#555555", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1.5)
    if legend:
        handles, labels = axes.get_legend_handles_labels()
        columns = len(labels) if len(labels) <= 3 else -(-len(labels) // 2)
        if len(labels) > 1:
            _legend(axes, handles, labels, columns)


def _legend(axes: Any, handles: Sequence[Any], labels: Sequence[str], columns: int) -> None:
    """Put the legend over a panel, in smaller letters where it would run into the panel beside it."""
    look: dict[str, Any] = {
        "loc": "lower left", "bbox_to_anchor": (-0.02, 1.03), "ncols": columns, "handlelength": 1.5,
        "columnspacing": 0.9, "handletextpad": 0.4, "borderpad": 0.0, "labelspacing": 0.15, "borderaxespad": 0.2,
    }  # fmt: skip
    room = axes.get_window_extent().width + LEGEND_OVERHANG_IN * axes.figure.dpi
    size = LEGEND_PT
    for _ in range(4):  # letters have whole pixels, so that widths follow their size with steps
        wide = axes.legend(handles, labels, fontsize=size, **look).get_window_extent().width
        if wide <= room:
            break
        size *= room / wide


def short_number(value: float, _: Any = None) -> str:
    """Return a tick label that stays short: 1.2k, 500k, 2M."""
    size = abs(value)
    for step, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= step * 0.9999995:
            return f"{value / step:.4g}{letter}"
    return f"{value:.4g}" if size < 1e-12 or size >= 1e-3 else f"{value:.0e}"


def draw_chart(
    axes: Any, chart: Chart, outcomes: Outcomes, marks: Mapping[float, str], letter: str = ""
) -> None:
    """Draw one run into a panel."""
    days = outcomes.days
    set_up(axes, chart, float(days[-1]) if days.size else 1.0, letter)
    for curve in chart.curves:
        values = outcomes.values(curve.name)
        if values is not None:
            axes.plot(
                days,
                in_chart_unit(chart, curve.name, values),
                color=curve.colour,
                linestyle=curve.style,
                label=curve.label,
            )
    finish(axes, chart, marks)
