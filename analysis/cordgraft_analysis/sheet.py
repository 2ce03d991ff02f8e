"""A sheet measured in inches from the top left corner, filled from the top downwards.

Layout engines of matplotlib move things to make room; a sheet of forty panels whose columns must align does
better with exact places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cordgraft_analysis import palette
from cordgraft_analysis.outcome_charts import Chart


class Sheet:
    """A figure with a present line, in inches below its top.

    Parameters
    ----------
    width_in, height_in : float
    """

    def __init__(self, width_in: float, height_in: float) -> None:
        self.width_in = width_in
        self.height_in = height_in
        self.figure = palette.new_figure(width_in, height_in)
        self.line = 0.0

    def down(self, inches: float) -> None:
        """Move the present line."""
        self.line += inches

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Return axes whose upper left corner lies at (left, top)."""
        bottom = self.height_in - top - height
        box = (left / self.width_in, bottom / self.height_in, width / self.width_in, height / self.height_in)
        return self.figure.add_axes(box)

    def text(self, left: float, top: float, text: str, **look: Any) -> Any:
        """Write at (left, top)."""
        return self.figure.text(left / self.width_in, 1.0 - top / self.height_in, text, **look)

    def mark(self, left: float, top: float, marker: str, colour: str) -> None:
        """Draw one legend mark centred at (left, top): ``s`` square, ``o`` dot, ``_`` line."""
        from matplotlib.lines import Line2D

        look: dict[str, Any] = {"color": colour, "transform": self.figure.transFigure}
        x, y = left / self.width_in, 1.0 - top / self.height_in
        if marker == "_":
            half = 0.08 / self.width_in
            self.figure.add_artist(Line2D([x - half, x + half], [y, y], linewidth=2.0, **look))
        else:
            edge = (
                {"markeredgecolor": "#777777", "markeredgewidth": 0.4}
                if marker == "s"
                else {"markeredgewidth": 0.0}
            )
            size = 6.0 if marker == "s" else 5.0
            self.figure.add_artist(
                Line2D([x], [y], marker=marker, markersize=size, linestyle="none", **edge, **look)
            )

    def rule(self, left: float, right: float) -> None:
        """Draw a thin line across the sheet at the present line."""
        from matplotlib.lines import Line2D

        y = 1.0 - self.line / self.height_in
        ends = [left / self.width_in, right / self.width_in]
        self.figure.add_artist(
            Line2D(ends, [y, y], linewidth=0.6, color="#999999", transform=self.figure.transFigure)
        )

    def chart_grid(
        self, charts: Sequence[Chart], columns: int, height_in: float
    ) -> Iterator[tuple[Any, Chart, str, bool]]:
        """Yield (axes, chart, letter, whether nothing stands below) row by row, and move the line under them."""
        left, gap, over, under = 0.62, 0.55, 0.48, 0.34
        width = (self.width_in - left + 0.4) / columns
        for position, chart in enumerate(charts):
            row, column = divmod(position, columns)
            axes = self.axes(
                left + column * width,
                self.line + row * height_in + over,
                width - gap,
                height_in - over - under,
            )
            letter = chr(ord("a") + position) if position < 26 else ""
            yield axes, chart, letter, position >= len(charts) - columns
        self.down(height_in * -(-len(charts) // columns) + 0.1)

    def notes(self, lines: Sequence[str]) -> None:
        """Write footnotes under a rule, and the sentence that stands under every figure."""
        self.rule(0.12, self.width_in - 0.12)
        self.down(0.14)
        for text in lines:
            self.text(0.12, self.line, text, fontsize=7.0, va="center", ha="left", color="#333333")
            self.down(0.135)
        self.text(
            0.12,
            self.line + 0.02,
            palette.RESEARCH_SENTENCE,
            fontsize=8.0,
            fontweight="bold",
            va="center",
            ha="left",
        )

    def recording_days(self, axes: Any, days: Sequence[float] | Any) -> None:
        """Mark the days of the section panels by small triangles on the upper edge of a panel over time."""
        from matplotlib.transforms import blended_transform_factory

        found = np.asarray(days, dtype=float)
        if found.size:
            mixed = blended_transform_factory(axes.transData, axes.transAxes)
            axes.plot(
                found, np.full(found.size, 1.0), linestyle="none", marker="v", markersize=3.0, color="#777777",
                transform=mixed, clip_on=False, zorder=5,
            )  # fmt: skip
