"""Pictures of comparisons: profiles along the cord, Bland-Altman plots, and measures over time."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft_analysis import palette
from cordgraft_analysis.imaging.agreement import Agreement
from cordgraft_analysis.imaging.profile import Profile
from cordgraft_analysis.imaging.volume import Floats

COLUMNS, CHART_IN = 3, 2.4
WIDTH_IN = 10.5
#: Subjects that a picture over time shows; the tables have them all.
MOST_SUBJECTS = 24
#: Head and foot of a figure, inches.
HEAD_IN, FOOT_IN = 0.85, 0.95
#: Colours of what is measured and what is simulated.
MEASURED, SIMULATED = palette.BLACK, palette.VERMILLION


@dataclass(frozen=True)
class Simulated:
    """A measure of the runs that stand beside one subject, at the days of its sessions.

    Parameters
    ----------
    months, mean, least, most : (n,) float64
        Over the seeds; months since the injury.
    """

    months: Floats
    mean: Floats
    least: Floats
    most: Floats


@dataclass(frozen=True)
class Course:
    """A measure of one subject over time.

    Parameters
    ----------
    subject : str
    months, values, errors : (n,) float64
        ``errors`` are those from voxel size, NaN where none is stated.
    simulated : Simulated, optional
    """

    subject: str
    months: Floats
    values: Floats
    errors: Floats
    simulated: Simulated | None = None


def words_of(measure: str) -> str:
    """Return a column's name as words: ``length [mm]`` stays, underscores go."""
    return measure.replace("_", " ").replace(" []", "").replace("mm2", "mm²").replace("mm3", "mm³")


def profile_picture(curves: tuple[Profile, Profile], names: tuple[str, str], lines: Sequence[str]) -> bytes:
    """Return a PNG of two profiles: damage ratio and area of the cord by the place along it."""
    with palette.style():
        figure, charts = _page(2, "Two lesions along the cord", lines, columns=1, chart_in=2.3)
        for axes, quantity, label in (
            (charts[0], "damage_ratio", "damage ratio (lesion area / cord area)"),
            (charts[1], "csa", "area of the cord, mm²"),
        ):
            for curve, name, colour, style in zip(
                curves, names, (palette.BLUE, palette.VERMILLION), ("-", "--"), strict=True
            ):
                axes.plot(curve.s_mm, getattr(curve, quantity), style, color=colour, label=name)
            axes.set_ylabel(label)
            axes.set_ylim(bottom=0.0)
            axes.grid(True, color="#E8E8E8", linewidth=0.5)
        charts[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
        charts[1].set_xlabel("place along the cord from the lesion's centroid, mm (superior positive)")
        return _png(figure)


def bland_altman_picture(
    agreements: Mapping[str, Agreement], title: str, difference: str, lines: Sequence[str]
) -> bytes:
    """Return a PNG with one Bland-Altman plot per measure.

    Parameters
    ----------
    agreements : mapping
        Measure (with unit) -> agreement.
    title : str
    difference : str
        What the difference is: ``"B - A"``.
    lines : sequence of str
        Footnotes.
    """
    shown = {name: one for name, one in agreements.items() if one.n}
    with palette.style():
        figure, charts = _page(max(1, len(shown)), title, lines)
        for axes, (name, one) in zip(charts, shown.items(), strict=False):
            axes.scatter(one.means, one.differences, s=16, color=palette.BLUE, zorder=3)
            axes.axhline(0.0, color="#BBBBBB", linewidth=0.8)
            axes.axhline(one.mean, color=palette.BLACK, linewidth=1.1)
            legend = f"n = {one.n}, mean {one.mean:+.3g}"
            if np.isfinite(one.low):
                for limit in (one.low, one.high):
                    axes.axhline(limit, color=palette.BLACK, linewidth=0.9, linestyle=(0, (4, 2)))
                legend += f", limits {one.low:+.3g} to {one.high:+.3g}"
            axes.set_title(f"{words_of(name)}\n{legend}", loc="left", fontsize=7.3)
            axes.set_ylabel(difference, fontsize=7)
            axes.set_xlabel("mean of both", fontsize=7)
            axes.margins(x=0.12, y=0.18)
            axes.grid(True, color="#EEEEEE", linewidth=0.5)
        return _png(figure)


def course_picture(courses: Mapping[str, Sequence[Course]], title: str, lines: Sequence[str]) -> bytes:
    """Return a PNG of measures over time, a row per subject, what is simulated beside what is measured.

    Parameters
    ----------
    courses : mapping
        Measure (with unit) -> course of every subject, in one order.
    title : str
    lines : sequence of str
        Footnotes.
    """
    subjects = [course.subject for course in next(iter(courses.values()))]
    if len(subjects) > MOST_SUBJECTS:
        lines = [*lines, f"The first {MOST_SUBJECTS} of {len(subjects)} subjects; the tables have them all."]
        courses = {name: group[:MOST_SUBJECTS] for name, group in courses.items()}
        subjects = subjects[:MOST_SUBJECTS]
    with palette.style():
        figure, charts = _page(
            len(courses) * len(subjects), title, lines, columns=len(courses), chart_in=2.15,
            width_in=max(WIDTH_IN, 2.35 * len(courses)),
        )  # fmt: skip
        for column, (name, group) in enumerate(courses.items()):
            tops = [_top(course) for course in group]
            for row, course in enumerate(group):
                axes = charts[row * len(courses) + column]
                _draw_course(axes, course)
                axes.set_title(f"{course.subject}: {words_of(name)}", loc="left", fontsize=7.3)
                axes.set_ylim(0.0, max([top for top in tops if np.isfinite(top)] or [1.0]) * 1.1 or 1.0)
                if row == len(group) - 1:
                    axes.set_xlabel("months after injury", fontsize=7)
        handles, labels = charts[0].get_legend_handles_labels()
        for axes in charts[1:]:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                if label not in labels:
                    handles, labels = [*handles, handle], [*labels, label]
        height = float(figure.get_figheight())
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.012, 1.0 - 0.42 / height), ncols=3)
        return _png(figure)


def _draw_course(axes: Any, course: Course) -> None:
    from matplotlib.ticker import MaxNLocator

    simulated = course.simulated
    if simulated is not None and len(simulated.months):
        axes.fill_between(
            simulated.months, simulated.least, simulated.most, color=SIMULATED, alpha=0.18, linewidth=0.0,
            label="simulated, all seeds",
        )  # fmt: skip
        axes.plot(
            simulated.months,
            simulated.mean,
            "s--",
            color=SIMULATED,
            markersize=3.5,
            label="simulated, mean over seeds",
        )
    known = np.isfinite(course.values)
    errors = np.where(np.isfinite(course.errors), course.errors, 0.0)[known]
    axes.errorbar(
        course.months[known], course.values[known], yerr=errors, fmt="o-", color=MEASURED, markersize=4, capsize=2,
        elinewidth=0.8, label="measured, with the uncertainty of a voxel where it is known",
    )  # fmt: skip
    axes.set_xlim(left=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(True, color="#EEEEEE", linewidth=0.5)


def _top(course: Course) -> float:
    values = [*(course.values + np.nan_to_num(course.errors))]
    if course.simulated is not None:
        values += [*course.simulated.most]
    finite = [value for value in values if np.isfinite(value)]
    return float(max(finite)) if finite else np.nan


def _page(
    charts: int,
    title: str,
    lines: Sequence[str],
    columns: int = COLUMNS,
    chart_in: float = CHART_IN,
    width_in: float = WIDTH_IN,
) -> tuple[Any, list[Any]]:
    """Return a figure with a heading, footnotes and so many charts."""
    columns = min(columns, charts)
    rows = -(-charts // columns)
    broken = [part for line in lines for part in textwrap.wrap(line, int(19.0 * width_in))]
    foot = FOOT_IN + 0.14 * len(broken)
    height = HEAD_IN + rows * chart_in + foot
    figure = palette.new_figure(width_in, height)
    figure.text(0.012, 1.0 - 0.1 / height, title, fontsize=11, fontweight="bold", va="top", ha="left")
    figure.text(
        0.988, 1.0 - 0.13 / height, palette.RESEARCH_SENTENCE, fontsize=8.5, fontweight="bold", va="top", ha="right",
        color="#8B2500",
    )  # fmt: skip
    for number, line in enumerate(reversed(broken)):
        figure.text(0.012, (0.1 + 0.14 * number) / height, line, fontsize=6.8, color="#333333", va="bottom")
    grid = figure.add_gridspec(
        rows, columns, left=0.075, right=0.985, top=1.0 - HEAD_IN / height, bottom=(foot - 0.2) / height, hspace=0.62,
        wspace=0.32,
    )  # fmt: skip
    return figure, [figure.add_subplot(grid[at // columns, at % columns]) for at in range(charts)]


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    # no version and no date in the file: the same numbers give the same bytes
    figure.savefig(stream, format="png", dpi=palette.DPI, metadata={"Software": None})
    return stream.getvalue()
