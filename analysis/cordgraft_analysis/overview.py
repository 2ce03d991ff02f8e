"""The overview of one run: sections at four days, the whole cord, and the outcomes over time, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft_analysis import palette, words
from cordgraft_analysis.charts import draw_chart, drawable
from cordgraft_analysis.outcome_charts import Chart, standard_charts
from cordgraft_analysis.sections import WIDTH_IN, SectionBlock
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.view import RunView, open_view

#: Days drawn side by side.
COLUMNS = 4
#: Panels over time.
CHART_ROWS, CHART_COLUMNS, CHART_HEIGHT_IN = 3, 4, 1.80
#: Height of a line under the title, inches.
HEADER_LINE_IN = 0.18


def draw_overview(run_dir: str | Path, dest: str | Path) -> Path:
    """Draw the overview of a run and return where it was written.

    Parameters
    ----------
    run_dir : path
        Run directory; an interrupted run is drawn as far as it went.
    dest : path
        A PNG file.

    Raises
    ------
    BadInput
        If `run_dir` holds no run.
    """
    view = open_view(run_dir)
    with palette.style():
        figure = overview_figure(view)
        figure.savefig(Path(dest), dpi=palette.DPI)
    return Path(dest)


def overview_figure(view: RunView) -> Any:
    """Return the overview as a matplotlib figure; call it within `palette.style`."""
    frames = [view.frame(index) for index in chosen_frames(view.map_days, COLUMNS)]
    charts = drawable(standard_charts(view.species), view)[: CHART_ROWS * CHART_COLUMNS]
    section = SectionBlock(view, frames) if frames else None
    height = header_height(view) + chart_block_height(len(charts)) + footer_height(view)
    sheet = Sheet(WIDTH_IN, height + (section.height_in if section else 0.0))
    draw_header(sheet, view)
    if section is not None:
        section.draw(sheet)
    draw_charts(sheet, view, charts)
    sheet.notes(words.footnotes(view))
    return sheet.figure


def chosen_frames(days: Any, limit: int) -> list[int]:
    """Return the indices of at most `limit` recorded days, spread evenly on a logarithmic scale of time.

    The first and the last day are always among them: an injury changes by the day at first and by the month later.
    """
    days = np.asarray(days, dtype=float)
    if days.size <= limit:
        return list(range(days.size))
    wanted = np.geomspace(max(days[0], 1.0), max(days[-1], 1.0), limit)
    chosen: list[int] = [0, days.size - 1]
    for day in wanted[1:-1]:
        order = np.argsort(np.abs(np.log(np.maximum(days, 1.0)) - np.log(day)), kind="stable")
        chosen.append(next(int(index) for index in order if int(index) not in chosen))
    return sorted(chosen)


# ------------------------------------------------------------------------------- header, charts and footer
def draw_header(sheet: Sheet, view: RunView) -> None:
    """Write what was run, and what stands for what."""
    sheet.text(0.12, 0.16, view.title, fontsize=13, fontweight="bold", va="top", ha="left")
    for index, line in enumerate(words.header(view)):
        top = 0.45 + HEADER_LINE_IN * index
        sheet.text(0.12, top, line, fontsize=8.2, va="top", ha="left", color="#333333")
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
    sheet.down(header_height(view))


def header_height(view: RunView) -> float:
    """Return the height of the title and the lines under it, inches."""
    return 0.95 + HEADER_LINE_IN * max(0, len(words.header(view)) - 2)


def chart_block_height(count: int) -> float:
    """Return the height of the panels over time, inches."""
    return CHART_HEIGHT_IN * -(-count // CHART_COLUMNS) + 0.1


def draw_charts(sheet: Sheet, view: RunView, charts: Sequence[Chart]) -> None:
    """Draw the panels over time in rows of `CHART_COLUMNS`."""
    marks = {mark.day: mark.label for mark in view.marks}
    for axes, chart, letter, is_last in sheet.chart_grid(charts, CHART_COLUMNS, CHART_HEIGHT_IN):
        draw_chart(axes, chart, view, marks, letter)
        sheet.recording_days(axes, view.map_days)
        if is_last:
            axes.set_xlabel("days after injury", fontsize=7.5, labelpad=1.5)


def footer_height(view: RunView) -> float:
    """Return the height of the footnotes, inches."""
    return 0.42 + 0.135 * len(words.footnotes(view))
