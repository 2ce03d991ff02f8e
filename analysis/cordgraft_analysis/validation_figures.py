"""Figures of published targets: what the runs of all seeds did over time, or where they stand against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft_analysis import palette

Array = NDArray[np.float64]

PANEL_IN = (7.2, 2.6)


@dataclass(frozen=True)
class Curve:
    """One quantity of one arm over days, a line per seed.

    Parameters
    ----------
    label : str
    lines : sequence of (days, values), each (n,) float64
        One pair per seed.
    """

    label: str
    lines: Sequence[tuple[Array, Array]]


@dataclass(frozen=True)
class TargetBand:
    """Where a target lies: a range of days, of values, or both.

    Parameters
    ----------
    days, values : (low, high), optional
    label : str
        For the legend.
    of : int, optional
        Number of the curve that it is the target of: it takes that colour. None is grey.
    """

    days: tuple[float, float] | None = None
    values: tuple[float, float] | None = None
    label: str = "target"
    of: int | None = None


@dataclass(frozen=True)
class TargetPanel:
    """One plot: title, unit of the values, curves and target bands."""

    title: str
    unit: str
    curves: Sequence[Curve]
    bands: Sequence[TargetBand] = ()


@dataclass(frozen=True)
class Cloud:
    """Where the seeds of one arm stand.

    Parameters
    ----------
    label : str
    across, up : (seeds,) float64
        NaN where a run does not define it.
    """

    label: str
    across: Array
    up: Array


@dataclass(frozen=True)
class TargetScatter:
    """One plot of one quantity against another; the first `fitted` clouds share a straight line."""

    title: str
    across: str
    up: str
    clouds: Sequence[Cloud]
    fitted: int = 0


def mean_line(lines: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the mean over seeds on the days that all of them recorded; NaN where no seed has a value.

    Returns
    -------
    days, means : (n,) float64
    """
    days = lines[0][0]
    for other, _ in lines[1:]:
        days = np.intersect1d(days, other)
    stacked = np.stack([values[np.searchsorted(own, days)] for own, values in lines])
    known = np.isfinite(stacked)
    number = np.sum(known, axis=0)
    total = np.sum(np.where(known, stacked, 0.0), axis=0)
    return days, np.where(number > 0, total / np.maximum(number, 1), np.nan)


def draw_target(
    path: Path,
    title: str,
    clock: str,
    panels: Sequence[TargetPanel | TargetScatter],
    verdicts: Sequence[str],
) -> Path:
    """Draw one target and return the file that was written.

    Parameters
    ----------
    path : Path
        PNG.
    title : str
    clock : str
        What the days count from: the label of the lower axis.
    panels : sequence of TargetPanel or TargetScatter
    verdicts : sequence of str
        One sentence per quantity that is judged; they stand under the plots.
    """
    from matplotlib.figure import Figure

    width, height = PANEL_IN
    text_in = 0.1 + 0.155 * (len(verdicts) + 1)
    total_in = 0.35 + height * len(panels) + text_in
    with palette.style():
        figure = Figure(figsize=(width, total_in))
        figure.suptitle(
            title, x=0.02, ha="left", y=1.0 - 0.12 / total_in, va="top", fontsize=9.5, fontweight="bold"
        )
        for number, panel in enumerate(panels):
            bottom = (text_in + height * (len(panels) - 1 - number) + 0.5) / total_in
            axes = figure.add_axes((0.1, bottom, 0.58, (height - 0.8) / total_in))
            if isinstance(panel, TargetScatter):
                _draw_scatter(axes, panel)
            else:
                _draw_panel(axes, panel)
                axes.set_xlabel(clock)
        lines = [*verdicts, palette.RESEARCH_SENTENCE]
        figure.text(
            0.02, 0.08 / total_in, "\n".join(lines), fontsize=6.8, va="bottom", ha="left", linespacing=1.4
        )
        figure.savefig(path)
    return path


def _draw_panel(axes: Any, panel: TargetPanel) -> None:
    axes.set_title(panel.title, loc="left", fontsize=8.5)
    axes.set_ylabel(panel.unit)
    spans = []
    for band in panel.bands:
        colour = palette.FAINT if band.of is None else palette.CYCLE[band.of]
        look: dict[str, Any] = {
            "color": colour,
            "alpha": 0.45 if band.of is None else 0.18,
            "linewidth": 0.0,
            "label": band.label,
        }
        if band.days is not None:
            spans.append(axes.axvspan(*band.days, **look))
        if band.values is not None:
            spans.append(axes.axhspan(*band.values, **look))
    for number, curve in enumerate(panel.curves):
        colour = palette.CYCLE[number % len(palette.CYCLE)]
        for days, values in curve.lines:
            axes.plot(*_joined(days, values), color=colour, linewidth=0.5, alpha=0.35)
        if curve.lines:
            days, means = _joined(*mean_line(curve.lines))
            few = np.count_nonzero(np.isfinite(means)) <= 8
            # Of two curves that are one upon the other both are seen.
            axes.plot(days, means, color=colour, linewidth=1.8, marker="o" if few else "", markersize=3,
                      linestyle=(0, (4, 2)) if number % 2 else "-", label=curve.label)  # fmt: skip
    axes.set_xlim(left=0.0)
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    handles = list({str(handle.get_label()): handle for handle in (*lines, *spans)}.values())
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


def _joined(days: Array, values: Array) -> tuple[Array, Array]:
    """Return a curve without its gaps if every value stands alone, as on the days of maps; else as it is."""
    known = np.isfinite(values)
    if bool((known[1:] & known[:-1]).any()):
        return days, values
    return days[known], values[known]


def _draw_scatter(axes: Any, panel: TargetScatter) -> None:
    axes.set_title(panel.title, loc="left", fontsize=8.5)
    axes.set_xlabel(panel.across)
    axes.set_ylabel(panel.up)
    for number, cloud in enumerate(panel.clouds):
        fitted = number < panel.fitted
        axes.plot(cloud.across, cloud.up, linestyle="", marker="o" if fitted else "x", markersize=3.5, alpha=0.8,
                  color=palette.CYCLE[number % len(palette.CYCLE)], label=cloud.label)  # fmt: skip
    if panel.fitted:
        across, up = (
            np.concatenate([getattr(cloud, axis) for cloud in panel.clouds[: panel.fitted]])
            for axis in ("across", "up")
        )
        known = np.isfinite(across) & np.isfinite(up)
        if np.unique(across[known]).size > 1:
            ends = np.array([np.min(across[known]), np.max(across[known])])
            line = np.polyval(np.polyfit(across[known], up[known], 1), ends)
            axes.plot(ends, line, color="black", linewidth=1.0, label="straight line through the dots")
    axes.set_xlim(left=0.0)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
