"""Which outcomes are drawn together over time, with their units and colours, and how a panel of them is drawn.

One list serves the overview of a run, the bands over seeds and the comparison of runs, so that a reader finds
the same quantity in the same words everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.units import UnitError, convert
from cordgraft_analysis import palette

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One series in a chart."""

    name: str
    label: str
    colour: str
    style: str = "-"


@dataclass(frozen=True)
class Chart:
    """A panel over time.

    Parameters
    ----------
    key : str
        Short name.
    title : str
    unit : str
        Unit drawn, for people.
    curves : tuple of Curve
    scale : {"linear", "counts"}
        ``counts`` is linear near zero and logarithmic above, so that zero axons can be seen next to thousands.
    to_unit : str
        Unit that the values are converted to (as `cordgraft.core.units` writes it); empty leaves them.
    own_peak : bool
        Divide each curve by its own peak.
    floor, ceiling : float or None
        Limits of the axis where the quantity has natural ones.
    compared : tuple of str
        Series that a comparison of runs shows, where it is not the first curve alone.
    """

    key: str
    title: str
    unit: str
    curves: tuple[Curve, ...]
    scale: str = "linear"
    to_unit: str = ""
    own_peak: bool = False
    floor: float | None = 0.0
    ceiling: float | None = None
    compared: tuple[str, ...] = ()

    def headline(self) -> tuple[Curve, ...]:
        """Return the curves that a comparison of runs shows."""
        return tuple(curve for curve in self.curves if curve.name in self.compared) or self.curves[:1]


class Outcomes(Protocol):
    """Anything that has outcomes over days: one run, or a band over seeds."""

    @property
    def days(self) -> Array:
        """Days of the values."""

    def values(self, name: str) -> Array | None:
        """Return an outcome over `days`, or None."""


def standard_charts(species: str) -> tuple[Chart, ...]:
    """Return the charts in order of importance; a figure takes the first ones that have data."""
    tracts = schema.HOST_TRACTS
    kinds = tuple(Curve(f"graft_{kind}", kind, palette.CELL[kind]) for kind in schema.KINDS)
    charts = [
        Chart("survivors", "Grafted cells alive", "cells",
              (Curve("graft_survivors", "all", palette.BLACK), *kinds)),
        Chart("graft_volume", "Graft volume", "mm³",
              (Curve("graft_volume", "whole", palette.GREEN), Curve("graft_volume_core", "in the core", palette.BLACK, "--"),
               Curve("graft_volume_outside", "outside", palette.ORANGE, "-."))),
        Chart("lesion", "Lesion length", "mm", (Curve("lesion_length", "lesion", palette.BLACK),), to_unit="mm"),
        Chart("spared", "Spared white matter at the epicentre", "%",
              (Curve("lesion_spared_white_matter", "whole", palette.BLACK),
               Curve("lesion_spared_white_matter_ventral", "ventral", palette.ORANGE, "--"),
               Curve("lesion_spared_white_matter_dorsal", "dorsal", palette.BLUE, "-.")), to_unit="%", ceiling=100.0),
        Chart("live", "Host fibres unbroken past the injury", "%",
              tuple(Curve(f"axons_{tract}_live_fraction", tract, palette.tract_colour(tract)) for tract in tracts),
              to_unit="%", ceiling=100.0, compared=("axons_corticospinal_live_fraction", "axons_reticulospinal_live_fraction")),
        Chart("crossings", "Regrown axons through planes", "axons",
              (Curve("axons_host_crossings_caudal", "host, caudal edge", palette.HOST),
               Curve("axons_host_crossings_centre", "host, centre", palette.HOST, "--"),
               Curve("axons_graft_crossings_caudal", "graft, caudal edge", palette.GRAFT_AXON),
               Curve("axons_graft_crossings_segment", "graft, +1 segment", palette.GRAFT_AXON, "--")), scale="counts",
              compared=("axons_host_crossings_caudal", "axons_graft_crossings_caudal")),
        Chart("reach", "Axon reach past the lesion, 95th pct", "mm",
              (Curve("axons_host_reach_p95", "host", palette.HOST), Curve("axons_graft_reach_p95", "graft", palette.GRAFT_AXON)),
              to_unit="mm", floor=None, compared=("axons_host_reach_p95", "axons_graft_reach_p95")),
        Chart("synapses", "Living synapses", "synapses",
              (Curve("synapses_host_to_graft", "host on graft", palette.HOST),
               Curve("synapses_graft_to_host", "graft on host", palette.GRAFT_AXON)), scale="counts",
              compared=("synapses_host_to_graft", "synapses_graft_to_host")),
        Chart("immune", "Immune cells and debris, core and rim", "share of own peak",
              (Curve("immune_neutrophils", "neutrophils", palette.VERMILLION),
               Curve("immune_macrophages_pro", "macrophages, pro-infl.", palette.ORANGE),
               Curve("immune_macrophages_repair", "macrophages, repair", palette.BLUE, "--"),
               Curve("immune_debris", "myelin debris", palette.BLACK, ":")), own_peak=True, ceiling=1.05,
              compared=("immune_macrophages_pro", "immune_debris")),
        Chart("cspg", "Inhibitory matrix (CSPG)", "µg/mL",
              (Curve("rim_cspg", "rim", palette.PURPLE), Curve("core_cspg", "core", palette.BLACK, "--"))),
        _function_chart(),
        *_scale_chart(species),
        Chart("dividing", "Grafted cells in cycle (Ki67-like)", "%",
              (Curve("graft_dividing_fraction", "dividing", palette.VERMILLION),), to_unit="%"),
        Chart("safety", "Safety bounds broken", "0 no, 1 yes",
              (Curve("safety_any_flag", "any", palette.BLACK), *(
                  Curve(f"safety_{name}", palette.words(name), colour, "--")
                  for name, colour in zip(schema.SAFETY_BOUNDS, palette.CYCLE[1:], strict=False))), ceiling=1.1),
        Chart("volumes", "Lesion and what fills it", "mm³",
              (Curve("lesion_volume", "lesion", palette.BLACK), Curve("lesion_necrosis_volume", "dead tissue", "#7A5C48", "-."),
               Curve("lesion_cavity_volume", "cavity", palette.SKY), Curve("lesion_scar_volume", "scar", palette.PURPLE))),
        Chart("oxygen", "Oxygen", "mmHg",
              (Curve("rim_oxygen", "rim", palette.BLUE), Curve("core_oxygen", "core", palette.BLACK, "--"))),
        Chart("signals", "Signals, mean over rim and core", "1",
              (Curve("rim_tnf", "TNF-like, rim", palette.VERMILLION), Curve("core_tnf", "TNF-like, core", palette.VERMILLION, "--"),
               Curve("rim_trophic", "trophic, rim", palette.GREEN), Curve("core_trophic", "trophic, core", palette.GREEN, "--"))),
    ]  # fmt: skip
    return tuple(charts)


def _function_chart() -> Chart:
    return Chart(
        "function",
        "Function index (1 is healthy)",
        "1",
        (
            Curve("function_motor_index", "motor", palette.BLACK),
            Curve("function_sensory_index", "sensory", palette.SKY, "--"),
        ),
        ceiling=1.05,
    )


def _scale_chart(species: str) -> Iterable[Chart]:
    if species not in schema.SCALES:
        return
    name, _, long_name = schema.SCALES[species]
    title, _, span = long_name.partition(",")
    top = {"mouse": 9.0, "rat": 21.0}.get(species, 1.0)
    yield Chart("scale", title[:1].upper() + title[1:], span.strip().replace("-", "–") or "1", (Curve(name, "score", palette.BLACK),), ceiling=top)


def drawable(charts: Sequence[Chart], outcomes: Outcomes) -> list[Chart]:
    """Return the charts of which at least one curve has data, with only those curves.

    What belongs to a graft is left out where there never was one; zero is drawn otherwise, because nothing is a
    finding too.
    """
    survivors = outcomes.values("graft_survivors")
    grafted = survivors is not None and bool(np.nansum(survivors) > 0.0)
    found = []
    for chart in charts:
        curves = tuple(
            curve
            for curve in chart.curves
            if outcomes.values(curve.name) is not None and (grafted or "graft" not in curve.name)
        )
        if curves:
            found.append(replace(chart, curves=curves))
    return found


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
    if chart.floor is not None:
        low = chart.floor
    if chart.ceiling is not None:
        high = chart.ceiling
    elif chart.floor is not None and high <= chart.floor:
        high = chart.floor + 1.0
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
            axes.legend(
                handles, labels, loc="lower left", bbox_to_anchor=(-0.02, 1.03), ncols=columns, fontsize=6.8,
                handlelength=1.5, columnspacing=0.9, handletextpad=0.4, borderpad=0.0, labelspacing=0.15, borderaxespad=0.2,
            )  # fmt: skip


def short_number(value: float, _: Any = None) -> str:
    """Return a tick label that stays short: 1.2k, 500k, 2M."""
    size = abs(value)
    for step, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= step * 0.9999995:
            return f"{value / step:.4g}{letter}"
    return f"{value:.4g}" if size < 1e-12 or size >= 1e-3 else f"{value:.0e}"


def draw_chart(axes: Any, chart: Chart, outcomes: Outcomes, marks: Mapping[float, str], letter: str = "") -> None:
    """Draw one run into a panel."""
    days = outcomes.days
    set_up(axes, chart, float(days[-1]) if days.size else 1.0, letter)
    for curve in chart.curves:
        values = outcomes.values(curve.name)
        if values is not None:
            axes.plot(
                days, in_chart_unit(chart, curve.name, values), color=curve.colour, linestyle=curve.style, label=curve.label
            )
    finish(axes, chart, marks)


def select(charts: Sequence[Chart], limit: int, wanted: Callable[[Chart], bool] = lambda chart: True) -> list[Chart]:
    """Return the first `limit` charts that are `wanted`."""
    return [chart for chart in charts if wanted(chart)][:limit]
