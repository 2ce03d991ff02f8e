"""Paired contrasts as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cordgraft_analysis import palette, words
from cordgraft_analysis.charts import short_number
from cordgraft_analysis.outcomes.contrasts import ENOUGH, SPREAD_ONLY, Contrast
from cordgraft_analysis.outcomes.gathering import Arm
from cordgraft_analysis.outcomes.heads import NOTE_WIDTH, WIDTH_IN, head
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.tables import in_reading_unit

MOST_ROWS = 30


def contrasts_figure(found: Sequence[Contrast], arm: Arm, day: float) -> Any:
    """Return the forest plot of an arm against the reference; call it within `palette.style`.

    Rows are sorted by the size of the effect; those that are the same in every subject are named below.
    """
    shown = [one for one in found if one.difference != 0.0 or any(one.differences)]
    drawn = [one for one in shown if math.isfinite(one.effect)][:MOST_ROWS]
    rows = max(len(drawn), 1)
    reference = found[0].reference
    pairs = max(len(one.seeds) for one in found)
    notes = words.wrapped(_contrast_notes(found, shown, drawn, pairs), NOTE_WIDTH)
    sheet = Sheet(WIDTH_IN, 1.25 + 0.2 * rows + 0.75 + 0.14 * len(notes))
    head(
        sheet,
        f"Paired contrasts: {arm.label} minus {reference}",
        [
            (
                f"day {day:g} after injury, {pairs} shared seed{'s' if pairs != 1 else ''}, greatest effect first",
                "",
            )
        ],
    )
    axes = sheet.axes(3.55, sheet.line + 0.15, 2.55, 0.2 * rows + 0.1)
    for row, one in enumerate(drawn):
        scale = one.scale
        colour = palette.BLUE if one.effect > 0.0 else palette.VERMILLION
        if one.label:
            axes.plot(
                np.array(one.differences) / scale,
                np.full(len(one.differences), row),
                "|",
                color=colour,
                markersize=6,
            )
        else:
            axes.plot(
                [one.low / scale, one.high / scale],
                [row, row],
                color=colour,
                linewidth=1.6,
                solid_capstyle="butt",
            )
        axes.plot([one.effect], [row], "s" if not one.label else "D", color=colour, markersize=4)
        y = 1.0 - (row + 0.5) / rows
        look: dict[str, Any] = {
            "transform": axes.transAxes,
            "fontsize": 7.4,
            "va": "center",
            "clip_on": False,
        }
        axes.text(-0.03, y, _short(one.meaning), ha="right", **look)
        axes.text(1.03, y, difference_text(one), ha="left", **look)
        axes.text(1.03 + 2.4 / 2.55, y, ratio_text(one), ha="left", **look)
    if not drawn:
        axes.text(-0.03, 0.5, "no outcome with an effect size: see below", transform=axes.transAxes, ha="right",
                  va="center", fontsize=7.4)  # fmt: skip
    axes.axvline(0.0, color="#555555", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=1.0, linscale=1.0)
    _forest_ticks(axes)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x", color="#E8E8E8", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("mean paired difference, in standard deviations between subjects")
    above: dict[str, Any] = {
        "transform": axes.transAxes,
        "fontsize": 7.4,
        "fontweight": "bold",
        "va": "bottom",
    }
    top = 1.0 + 0.06 / (0.2 * rows + 0.1)
    interval = "difference (95 % interval)" if pairs >= ENOUGH else "difference (smallest to largest)"
    axes.text(1.03, top, interval, ha="left", **above)
    axes.text(1.03 + 2.4 / 2.55, top, "ratio", ha="left", **above)
    sheet.down(0.15 + 0.2 * rows + 0.65)
    sheet.notes(notes)
    return sheet.figure


def _forest_ticks(axes: Any) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = axes.get_xlim()
    decade = max(1, math.ceil(math.log10(max(abs(low), abs(high), 1.0))))
    powers = [10.0**power for power in range(decade + 1)]
    axes.xaxis.set_major_locator(FixedLocator([-value for value in reversed(powers)] + [0.0, *powers]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(short_number))
    axes.set_xlim(min(1.25 * low, -1.0), max(1.25 * high, 1.0))


def _contrast_notes(
    found: Sequence[Contrast], shown: Sequence[Contrast], drawn: Sequence[Contrast], pairs: int
) -> list[str]:
    notes = [
        "A seed draws the same subject in both arms. Squares: mean of the paired differences over"
        " sqrt((s1² + s2²)/2), s the standard deviation between subjects of an arm; the axis is linear up to 1 and"
        " logarithmic beyond. Bars: bootstrap 95 % interval, not corrected for the number of outcomes."
        if pairs >= ENOUGH
        else f"{pairs} shared seed{'s' if pairs != 1 else ''}: {SPREAD_ONLY} (from {ENOUGH} on). Diamonds: mean of the"
        " paired differences over sqrt((s1² + s2²)/2), s the standard deviation between subjects of an arm; strokes:"
        " single seeds.",
        "Intervals say how well the mean over virtual subjects is known, not how well the model is. Ratios: geometric"
        " mean; of (count + 1) for axons, synapses and cells, of lengths of at least a voxel. Blue: more than in the"
        " reference, orange: less; neither says whether that is good.",
    ]
    undefined = [one for one in shown if not math.isfinite(one.effect)]
    if undefined:
        listed = "; ".join(f"{_short(one.meaning)} {difference_text(one)}" for one in undefined)
        notes.append(f"Without an effect size, as subjects do not differ or there is one pair: {listed}.")
    rest = len([one for one in shown if math.isfinite(one.effect)]) - len(drawn)
    if rest:
        notes.append(f"{rest} smaller effects are in contrasts.csv.")
    same = [_short(one.meaning) for one in found if one not in shown]
    if same:
        notes.append(f"The same in both arms in every subject: {'; '.join(same)}.")
    return notes


_SHORTER: tuple[tuple[str, str], ...] = (
    (", whole cord", ""),
    ("95th percentile of the ", "p95 "),
    ("fibres that pass the injury unbroken and not swollen", "fibres that live"),
    (", relative to before injury", " (share)"),
    ("of the primary lesion", "of the lesion"),
    (", beyond the lesion", " (far side)"),
    ("living synapses", "synapses"),
    ("of regrown host axons on host neurons beyond the lesion", "of regrown host axons on host neurons"),
)


def _short(meaning: str) -> str:
    """Return the meaning of an outcome without what every row shares."""
    for long, short in _SHORTER:
        meaning = meaning.replace(long, short)
    return meaning if len(meaning) <= 64 else meaning[:62].rsplit(" ", 1)[0] + " …"


def difference_text(one: Contrast) -> str:
    """Return a mean difference with its interval, or its range, in units for reading."""
    scale, unit = in_reading_unit(one.unit, one.outcome)
    ends = (one.low, one.high) if not one.label else (min(one.differences), max(one.differences))
    value, low, high = (words.number(scale * number) for number in (one.difference, *ends))
    span = f" ({low} to {high})" if len(one.seeds) > 1 else ""
    return f"{'+' if one.difference > 0.0 else ''}{value}{span} {unit if unit != '1' else ''}".rstrip()


def ratio_text(one: Contrast) -> str:
    """Return a ratio, a dash where it has no meaning."""
    return "–" if not math.isfinite(one.ratio) else f"{words.number(one.ratio)}×"
