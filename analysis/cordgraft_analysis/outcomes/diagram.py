"""Who is connected to whom, as a picture: host above, graft, host below, an arrow a tract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft_analysis import palette, words
from cordgraft_analysis.outcomes.connections import (
    ABOVE,
    BELOW,
    BESIDE,
    DIRECT,
    FROM_GRAFT,
    TO_GRAFT,
    Connection,
    connections,
)
from cordgraft_analysis.outcomes.gathering import Arm, Gathered
from cordgraft_analysis.outcomes.heads import NOTE_WIDTH, WIDTH_IN, arm_lines, head
from cordgraft_analysis.sheet import Sheet

#: Width of an arrow, points: of one synapse, and of a thousandfold.
THIN, THICK = 0.9, 6.0
PANEL_IN = 4.3
#: Heights of the nodes: lower and upper edge.
_TOP, _MIDDLE, _BOTTOM = (0.88, 1.0), (0.41, 0.59), (0.0, 0.12)
_ZERO = palette.FAINT


@dataclass(frozen=True)
class Arrow:
    """One arrow of the diagram.

    Parameters
    ----------
    route, tract, source, target : str
    living, living_simulated, lost : float
        Median over the seeds; `lost` is NaN where it was not recorded.
    low, high : float
        Smallest and largest number of living synapses over the seeds.
    """

    route: str
    tract: str
    source: str
    target: str
    living: float
    living_simulated: float
    lost: float
    low: float
    high: float

    @property
    def linewidth(self) -> float:
        """Width in points: grows with the logarithm of the count."""
        if self.living <= 0.0:
            return THIN
        return THIN + (THICK - THIN) * min(1.0, float(np.log10(1.0 + self.living)) / 3.0)


def arrows(found: Sequence[Sequence[Connection]]) -> list[Arrow]:
    """Return the median over seeds of every route, in the order of `connections`.

    Parameters
    ----------
    found : sequence of sequence of Connection
        `connections` of each seed.
    """
    made = []
    for same in zip(*found, strict=True):
        living = np.array([one.living for one in same])
        made.append(
            Arrow(
                same[0].route, same[0].tract, same[0].source, same[0].target, float(np.median(living)),
                float(np.median([one.living_simulated for one in same])), float(np.median([one.lost for one in same])),
                float(living.min()), float(living.max()),
            )
        )  # fmt: skip
    return made


def connections_figure(gathered: Gathered, index: int = -1) -> Any:
    """Return the diagram, a row each arm; call it within `palette.style`."""
    lines = arm_lines(gathered)
    seeds = max(len(arm.subjects) for arm in gathered.arms)
    notes = words.wrapped(
        [
            "Numbers: living synapses of the whole cord"
            + (", median over seeds (smallest to largest)" if seeds > 1 else "")
            + ", then simulated ones (sim) and those that were made and lost. Width grows with the logarithm of the"
            " number; grey dashed: none. A relay needs both halves: host to graft, and graft to host.",
            "Direct: regrown host axons on host neurons beyond the lesion. Spared fibres are not shown.",
            *gathered.notes,
        ],
        NOTE_WIDTH,
    )
    sheet = Sheet(WIDTH_IN, 0.6 + 0.17 * len(lines) + PANEL_IN * len(gathered.arms) + 0.5 + 0.14 * len(notes))
    head(sheet, f"Connections on day {gathered.days[index]:g} after injury", lines)
    for arm in gathered.arms:
        found = [connections(one.days[index]) for one in arm.subjects]
        axes = sheet.axes(0.15, sheet.line + 0.3, WIDTH_IN - 0.3, PANEL_IN - 0.45)
        if len(gathered.arms) > 1:
            sheet.text(
                0.12, sheet.line + 0.12, arm.label, fontsize=9.5, fontweight="bold", va="center", ha="left"
            )
        _draw(axes, arrows(found), arm, gathered.days[index])
        sheet.down(PANEL_IN)
    sheet.down(0.1)
    sheet.notes(notes)
    return sheet.figure


def _draw(axes: Any, made: Sequence[Arrow], arm: Arm, day: float) -> None:
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(-0.02, 1.02)
    axes.axis("off")
    direct = [one for one in made if one.route == DIRECT]
    inward = [one for one in made if one.route == TO_GRAFT]
    outward = [one for one in made if one.route == FROM_GRAFT and one.target != BESIDE]
    beside = [one for one in made if one.route == FROM_GRAFT and one.target == BESIDE]
    slots = len(direct) + len(inward) + len(outward)
    left = [(position + 0.5) / slots for position in range(slots)]
    split = 1.0 * len(direct) / slots
    _node(axes, (0.0, 1.0), _TOP, ABOVE, palette.TISSUE["white"])
    _node(axes, (0.0, 1.0), _BOTTOM, BELOW, palette.TISSUE["white"])
    there = arm.has_graft(day)
    title = "graft" if there else "no graft yet" if arm.has_graft() else "no graft"
    lines = [arm.graft_words] if there else []
    lines += [
        f"synapses on the host beside the lesion: {' '.join(_label(one)[1:])}" for one in beside if lines
    ]
    _node(axes, (split + 0.01, 1.0), _MIDDLE, title, palette.GREEN if there else "#FFFFFF", lines)
    axes.text(0.5 * split, 0.85, "direct regrowth", ha="center", va="center", fontsize=8, fontstyle="italic")
    axes.text(0.5 * (split + 1.0), 0.85, "relay through the graft", ha="center", va="center", fontsize=8,
              fontstyle="italic")  # fmt: skip
    for x, one in zip(left, (*direct, *inward, *outward), strict=True):
        _arrow(axes, x, one)


def _node(
    axes: Any,
    across: tuple[float, float],
    heights: tuple[float, float],
    title: str,
    colour: str,
    below: Sequence[str] = (),
) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch(
        (across[0] + 0.004, heights[0]), across[1] - across[0] - 0.008, heights[1] - heights[0],
        boxstyle="round,pad=0,rounding_size=0.015", facecolor=to_rgba(colour, 0.30 if colour == palette.GREEN else 1.0),
        edgecolor="#777777", linewidth=0.8, linestyle="-" if colour != "#FFFFFF" else "--",
    )  # fmt: skip
    axes.add_patch(box)
    middle = 0.5 * sum(heights)
    x = 0.5 * sum(across)
    rise = 0.021 * len(below)
    axes.text(x, middle + rise, title, fontsize=10, fontweight="bold", ha="center", va="center")
    for order, line in enumerate(below):
        axes.text(x, middle + rise - 0.052 - 0.042 * order, line, fontsize=7.0, ha="center", va="center")


def _heights(node: str) -> tuple[float, float]:
    return {ABOVE: _TOP, BELOW: _BOTTOM}.get(node, _MIDDLE)


def _arrow(axes: Any, x: float, one: Arrow) -> None:
    """Draw an arrow between two nodes with tract and numbers beside it."""
    from matplotlib.patches import FancyArrowPatch

    start, end = _heights(one.source), _heights(one.target)
    down = start[0] > end[0]
    gap = 0.055 if (end[1] if down else start[1]) > 0.7 or (start[1] if down else end[1]) > 0.7 else 0.008
    begin = start[0] - (gap if start == _TOP else 0.008) if down else start[1] + 0.008
    stop = end[1] + 0.008 if down else end[0] - (gap if end == _TOP else 0.008)
    none = one.living <= 0.0
    colour = _ZERO if none else palette.tract_colour(one.tract)
    axes.add_patch(
        FancyArrowPatch(
            (x, begin), (x, stop), arrowstyle="-|>", mutation_scale=8.0 + 1.2 * one.linewidth, color=colour,
            linewidth=one.linewidth, linestyle=(0, (3, 2)) if none else "-", shrinkA=0.0, shrinkB=0.0, zorder=2,
        )
    )  # fmt: skip
    tract, count, more = _label(one)
    ink = "#999999" if none else "#000000"
    middle = 0.5 * (begin + stop)
    plain: dict[str, Any] = {"pad": 1.2, "facecolor": "white", "edgecolor": "none", "alpha": 0.92}
    text = "\n".join(part for part in (tract, count, more) if part)
    axes.text(
        x,
        middle,
        text,
        fontsize=6.6,
        ha="center",
        va="center",
        color=ink,
        bbox=plain,
        zorder=3,
        linespacing=1.15,
    )


def _label(one: Arrow) -> tuple[str, str, str]:
    """Return tract, count and what else is known of an arrow."""
    gap = " " if one.target == BESIDE else "\n"
    count = words.number(one.living)
    if one.low != one.high:
        count += f"{gap}({words.number(one.low)}–{words.number(one.high)})"
    parts = []
    if one.living > 0.0:
        parts.append(f"{one.living_simulated:g} sim")
    if one.lost > 0.0:
        parts.append(f"{words.number(one.lost)} lost")
    return (one.tract if one.route != FROM_GRAFT else "graft axons"), count, gap.join(parts)
