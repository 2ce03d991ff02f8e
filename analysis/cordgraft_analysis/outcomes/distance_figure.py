"""Axons against distance from the lesion, as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core import axon_layout
from cordgraft_analysis import palette, words
from cordgraft_analysis.charts import short_number
from cordgraft_analysis.outcomes.axons import Floats
from cordgraft_analysis.outcomes.crossings import CAUDAL, ROSTRAL, crossings
from cordgraft_analysis.outcomes.gathering import Gathered
from cordgraft_analysis.outcomes.heads import NOTE_WIDTH, WIDTH_IN, arm_colour, arm_lines, head
from cordgraft_analysis.seeds import FEW, HIGH, LOW, median, percentile
from cordgraft_analysis.sheet import Sheet

_MM = 1e-3
_ROW_IN = 2.85


@dataclass(frozen=True)
class Profile:
    """Counts of one group of axons by distance, of all seeds of an arm.

    Parameters
    ----------
    arm, origin, tract, side : str
    distance_um : (d,) float64
    represented, simulated : (seeds, d) float64
    censored, lesion_um : (seeds,) float64
        Axons that left the lattice, and the length of the primary lesion.
    """

    arm: str
    origin: str
    tract: str
    side: str
    distance_um: Floats
    represented: Floats
    simulated: Floats
    censored: Floats
    lesion_um: Floats

    @property
    def seen(self) -> bool:
        """Whether any axon was counted anywhere."""
        return bool(np.nansum(self.represented) > 0.0)


def profiles(gathered: Gathered, index: int = -1) -> list[Profile]:
    """Return the counts by distance of every arm and group on the day number `index` of those chosen."""
    found = []
    for arm in gathered.arms:
        counts = [crossings(one.days[index], gathered.distances_um) for one in arm.subjects]
        for row in range(counts[0].sizes["group"]):
            origin, tract, side = (str(counts[0][name].values[row]) for name in ("origin", "tract", "side"))
            found.append(
                Profile(
                    arm=arm.label,
                    origin=origin,
                    tract=tract,
                    side=side,
                    distance_um=gathered.distances_um,
                    represented=np.stack([one["represented"].values[row] for one in counts]),
                    simulated=np.stack([one["simulated"].values[row] for one in counts]),
                    censored=np.array([float(one["censored"].values[row]) for one in counts]),
                    lesion_um=np.array([float(one.attrs["lesion_length_um"]) for one in counts]),
                )
            )
    return found


def crossings_figure(gathered: Gathered, index: int = -1) -> Any:
    """Return axons against distance from the lesion; call it within `palette.style`.

    One arm: descending tracts, ascending tracts and the graft, a colour each tract. Several arms: a panel each group
    of which any arm has an axon, a colour each arm.
    """
    found = profiles(gathered, index)
    panels = _panels_of_one(found) if len(gathered.arms) == 1 else _panels_of_arms(gathered, found)
    notes = _crossing_notes(gathered, found, index)
    columns = 3 if len(panels) > 2 else max(len(panels), 1)
    rows = max(1, -(-len(panels) // columns))
    lines = arm_lines(gathered, coloured=True)
    sheet = Sheet(WIDTH_IN, 0.6 + 0.17 * len(lines) + _ROW_IN * rows + 0.45 + 0.14 * len(notes))
    head(sheet, f"Axons by distance from the lesion, day {gathered.days[index]:g} after injury", lines)
    width = WIDTH_IN / columns
    for position, (title, curves) in enumerate(panels):
        row, column = divmod(position, columns)
        axes = sheet.axes(column * width + 0.68, sheet.line + row * _ROW_IN + 0.45, width - 0.86, 1.95)
        axes.set_title(
            f"{chr(ord('a') + position)}  {title}", loc="left", fontsize=8.8, fontweight="bold", pad=20
        )
        _draw_profiles(axes, curves, legend=len(gathered.arms) == 1)
    if not panels:
        sheet.text(0.12, sheet.line + 0.5, "No axon passes any plane.", fontsize=9)
    sheet.down(_ROW_IN * rows)
    sheet.notes(notes)
    return sheet.figure


#: Title of a panel, and for each of its curves: counts, label, colour, line.
Curves = list[tuple[Profile, str, str, str]]
Panel = tuple[str, Curves]


def _panels_of_one(found: Sequence[Profile]) -> list[Panel]:
    panels: list[Panel] = []
    for title, side in (("Host, descending tracts", CAUDAL), ("Host, ascending tracts", ROSTRAL)):
        mine = [one for one in found if one.origin == "host" and one.side == side]
        panels.append((title, [(one, one.tract, palette.tract_colour(one.tract), "-") for one in mine]))
    graft = [one for one in found if one.origin == "graft"]
    if any(one.seen for one in graft):
        styles = {CAUDAL: "-", ROSTRAL: "--"}
        panels.append(
            ("Axons of the graft", [(one, one.side, palette.GRAFT_AXON, styles[one.side]) for one in graft])
        )
    return panels


def _panels_of_arms(gathered: Gathered, found: Sequence[Profile]) -> list[Panel]:
    panels: list[Panel] = []
    keys = dict.fromkeys((one.origin, one.tract, one.side) for one in found)
    for key in keys:
        mine = [one for one in found if (one.origin, one.tract, one.side) == key]
        if any(one.seen for one in mine):
            title = f"{key[1]}, {'descending' if key[2] == CAUDAL else 'ascending'}"
            title = f"graft, {key[2]} side" if key[0] == "graft" else title
            curves = [(one, one.arm, arm_colour(order), "-") for order, one in enumerate(mine)]
            panels.append((title, curves))
    return panels


def _draw_profiles(axes: Any, curves: Curves, legend: bool) -> None:
    """Draw median, band and, for few seeds, each seed of some counts over distance."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

    graft = curves[0][0].origin == "graft"
    lesion = _MM * float(np.median(np.concatenate([one.lesion_um for one, *_ in curves])))
    first = -0.5 * lesion if graft else -lesion - 0.5
    last, top = 1.0, 0.0
    for position, (one, label, colour, line) in enumerate(curves):
        x = one.distance_um * _MM
        shown = x >= first - 1e-9
        if not np.isfinite(one.represented).any():
            continue
        counted = np.nanmax(np.where(np.isfinite(one.represented), one.represented, 0.0), axis=0)
        last = max(last, float(x[counted > 0.0].max(initial=0.0)) * 1.05 + 0.2)
        top = max(top, float(counted[shown].max(initial=0.0)))
        if len(one.represented) > 1:
            low, high = percentile(one.represented, LOW), percentile(one.represented, HIGH)
            axes.fill_between(x[shown], low[shown], high[shown], color=colour, alpha=0.16, linewidth=0.0)
            for row in one.represented if len(one.represented) < FEW else ():
                axes.plot(x[shown], row[shown], color=colour, linewidth=0.5, alpha=0.55)
        axes.plot(x[shown], median(one.represented)[shown], color=colour, linestyle=line, label=label,
                  linewidth=1.4 if legend else max(2.6 - 0.8 * position, 1.1))  # fmt: skip
    axes.axvspan(max(-lesion, first), 0.0, color="#EFE6DA", zorder=0, linewidth=0.0)
    if -first > 0.18 * (last - first):  # there is room for the word
        axes.text(
            0.5 * max(-lesion, first), 0.985, "lesion", transform=axes.get_xaxis_transform(), fontsize=7, ha="center",
            va="top", color="#6B4E36",
        )  # fmt: skip
    if graft:
        axes.set_ylim(0.0, max(top * 1.12, 1.0))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    else:
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.5)
        axes.set_ylim(0.0, max(top * 3.0, 10.0))
        locator = SymmetricalLogLocator(base=10.0, linthresh=1.0)
        locator.set_params(numticks=6)
        axes.yaxis.set_major_locator(locator)
        axes.yaxis.set_minor_locator(MaxNLocator(1))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.yaxis.set_major_formatter(FuncFormatter(short_number))
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xlabel(f"mm beyond the {'' if graft else 'far '}edge of the lesion")
    axes.set_ylabel("axons (whole cord)")
    axes.grid(True, color="#E8E8E8", linewidth=0.5)
    axes.set_axisbelow(True)
    if legend:
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, fontsize=7.2, handlelength=1.5,
            columnspacing=0.8, handletextpad=0.4, borderpad=0.0, borderaxespad=0.3,
        )  # fmt: skip


def _crossing_notes(gathered: Gathered, found: Sequence[Profile], index: int) -> list[str]:
    """Return what the figure means: what is counted, what a simulated axon stands for, what left the lattice."""
    seeds = max(len(arm.subjects) for arm in gathered.arms)
    notes = [
        "Axons (not branches, not spared fibres) with an unbroken living path, laid since the injury, from soma or"
        " stump through a plane across the cord. Distance from the far edge of the primary lesion: caudal for"
        " descending, rostral for ascending"
        " tracts. Shaded: the primary lesion (median length)."
    ]
    if seeds > 1:
        notes.append(
            f"Lines: median over seeds; bands: {LOW:g}th to {HIGH:g}th percentile."
            + (" Thin lines: single seeds." if any(len(arm.subjects) < FEW for arm in gathered.arms) else "")
        )
    notes.append(_weights_note(gathered, index))
    seen = {_group(one) for one in found if one.seen}
    none = [name for name in dict.fromkeys(map(_group, found)) if name not in seen]
    if none:
        notes.append(f"No axon at any plane: {', '.join(none)}.")
    notes += gathered.censored_notes(index)
    return words.wrapped([*notes, *gathered.notes], NOTE_WIDTH)


def _group(one: Profile) -> str:
    return one.tract if one.origin == "host" else f"{one.tract} {one.side}"


def _weights_note(gathered: Gathered, index: int) -> str:
    days = [one.days[index] for arm in gathered.arms for one in arm.subjects]
    parts = []
    for what, is_graft in (("host", False), ("graft", True)):
        weights = np.concatenate(
            [day.weight[(day.tract == axon_layout.GRAFT_TRACT) == is_graft] for day in days]
        )
        if weights.size:
            low, high = float(weights.min()), float(weights.max())
            span = (
                words.number(low)
                if math.isclose(low, high)
                else f"{words.number(low)} to {words.number(high)}"
            )
            parts.append(f"1 simulated {what} axon stands for {span}")
    return f"{'; '.join(parts)}: no smaller count than that can be seen." if parts else "There is no axon."
