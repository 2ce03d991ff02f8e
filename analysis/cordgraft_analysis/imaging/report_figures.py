"""The pictures of a report on scans: sagittal and axial plane, profiles along the cord, courses over months.

Each picture is small and on its own, so that it can be read on a narrow screen; lengths are in mm.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cordgraft_analysis import palette
from cordgraft_analysis.imaging.examination import Bridge, Examination, Picture
from cordgraft_analysis.imaging.profile import Profile
from cordgraft_analysis.imaging.report_course import Course
from cordgraft_analysis.imaging.report_words import Measure, bridge_words, error_mm
from cordgraft_analysis.imaging.volume import Floats

#: Dots per inch of the pictures of a page.
DPI = 160
CORD, LESION, BRIDGE = palette.SKY, palette.VERMILLION, palette.YELLOW
GROUND = "#D8D8D8"
FONT = 9.0
#: Shares of the signals in a picture that are black and white.
DARK, BRIGHT = 1.0, 99.5
#: Width of the words beside a bridge, gap between cord and words, and what stands beside and over the axes, inches.
WORDS_IN, GAP_IN, BESIDE_IN, OVER_IN = 0.95, 0.12, 0.7, 0.95
#: How often a picture is widened for its words; it settles long before.
ROUNDS = 12
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def sagittal_png(examination: Examination) -> bytes:
    """Return the sagittal plane through the centreline with cord, lesion and bridges, PNG."""
    picture = examination.sagittal
    # ventral is on the left, as in every sagittal picture of a person: columns run from dorsal to ventral
    figure, axes = _upright(picture, 3.9)
    _ground(axes, picture, -1.0)
    _outlines(axes, -picture.mask_columns_mm, picture.mask_rows_mm, picture)
    low, high = axes.get_ylim()
    _make_room(axes, examination.bridges)
    for bridge in examination.bridges:
        _draw_bridge(axes, bridge, (low, high))
    place = "epicentre" if examination.lesion_present else "middle of the mask"
    axes.set_xlabel(f"ventral   \N{LEFTWARDS ARROW}   mm from the {place}   \N{RIGHTWARDS ARROW}   dorsal")
    axes.set_ylabel("mm, superior positive")
    _legend(axes, examination.lesion_present)
    return _png(figure)


def axial_png(examination: Examination) -> bytes:
    """Return the plane of the epicentre, normal to the cord, PNG; the subject's right is on the left."""
    picture = examination.axial
    left, right = examination.sides
    figure, axes = _upright(picture, 3.4)
    _ground(axes, picture, 1.0)
    _outlines(axes, picture.mask_columns_mm, picture.mask_rows_mm, picture)
    axes.set_xlabel(f"{left}   \N{LEFTWARDS ARROW}   mm from the centreline   \N{RIGHTWARDS ARROW}   {right}")
    axes.set_ylabel("mm, ventral positive")
    _legend(axes, examination.lesion_present)
    return _png(figure)


def profile_png(examinations: Sequence[Examination]) -> bytes:
    """Return damage ratio and areas along the cord of one examination, or of several of one subject, PNG."""
    with_area = any(np.isfinite(one.along.csa).any() for one in examinations)
    with palette.style():
        figure = _new(3.9, 4.4)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for number, one in enumerate(examinations):
            colour = palette.CYCLE[number % len(palette.CYCLE)]
            word = one.title if len(examinations) > 1 else ""
            _draw_profile(upper, lower, one.along, colour, word, with_area, len(examinations) == 1)
        places = {_zero(one) for one in examinations}
        _finish_profile(upper, lower, with_area, " or ".join(sorted(places)))
        return _png(figure)


def _zero(examination: Examination) -> str:
    """Return the place from which a profile counts, in words."""
    return "the lesion's centroid" if examination.lesion_present else "the middle of the cord's mask"


def _draw_profile(
    upper: Any, lower: Any, along: Profile, colour: str, word: str, with_area: bool, single: bool
) -> None:
    if with_area:
        upper.plot(along.s_mm, along.damage_ratio, color=LESION if single else colour, label=word or None)
        if single:
            upper.fill_between(along.s_mm, 0.0, np.nan_to_num(along.damage_ratio), color=LESION, alpha=0.15)
        lower.plot(
            along.s_mm, along.csa, color=palette.BLUE if single else colour, label="cord" if single else None
        )
        lower.plot(
            along.s_mm, along.lesion_area, color=LESION if single else colour, linestyle="-" if single else "--",
            label="lesion" if single else None,
        )  # fmt: skip
        return
    lower.plot(along.s_mm, along.ap, color=palette.BLUE if single else colour, label=word or None)


def _finish_profile(upper: Any, lower: Any, with_area: bool, zero: str) -> None:
    for axes in (upper, lower):
        axes.grid(True, color="#E8E8E8", linewidth=0.5)
        axes.set_axisbelow(True)
        if with_area or axes is lower:
            axes.axvline(0.0, color="#555555", linewidth=0.8, linestyle=(0, (4, 2)))
        axes.tick_params(labelsize=FONT - 1)
    lower.set_xlabel(f"mm from {zero}, superior positive", fontsize=FONT)
    if with_area:
        upper.set_ylabel("damage ratio (1)", fontsize=FONT)
        lower.set_ylabel("area, mm²", fontsize=FONT)
        upper.set_ylim(0.0, max(1.0, upper.get_ylim()[1]))
        lower.set_ylim(bottom=0.0)
        if lower.get_legend_handles_labels()[1]:
            lower.legend(fontsize=FONT - 1, loc="best")
    else:
        upper.set_axis_off()
        upper.text(0.0, 0.5, "A section has no areas across the cord:\nname a model of extrusion to get them.",
                   transform=upper.transAxes, fontsize=FONT)  # fmt: skip
        lower.set_ylabel("A-P diameter of the cord, mm", fontsize=FONT)
        lower.set_ylim(bottom=0.0)
    handles, labels = upper.get_legend_handles_labels()
    if labels:
        upper.legend(handles, labels, fontsize=FONT - 1, loc="best")


def course_png(
    subjects: Mapping[str, Sequence[Examination]], measure: Measure, courses: Sequence[Course] = ()
) -> bytes:
    """Return one measure over months since the injury, PNG: a line for each subject, bands for simulated runs."""
    with palette.style():
        figure = _new(3.7, 3.1)
        axes = figure.subplots()
        for number, (label, sessions) in enumerate(subjects.items()):
            colour = palette.CYCLE[number % len(palette.CYCLE)]
            points = [(one.months, one.table.total) for one in sessions if one.months is not None]
            values = [(month, row.get(measure.column), error_mm(measure, row)) for month, row in points]
            known = [(month, value, error) for month, value, error in values if isinstance(value, float)]
            if known:
                axes.errorbar(
                    [month for month, _, _ in known], [value for _, value, _ in known],
                    yerr=[error or 0.0 for _, _, error in known], color=colour, capsize=2.5, elinewidth=0.9,
                    marker=MARKERS[number % len(MARKERS)], markersize=5, label=f"sub-{label}",
                )  # fmt: skip
            for course in (one for one in courses if one.subject == label):
                _draw_course(axes, course, measure.column, colour, label)
        axes.set_xlabel("months since the injury", fontsize=FONT)
        axes.set_ylabel(
            f"{measure.words}, {measure.unit if measure.unit != '1' else 'no unit'}", fontsize=FONT
        )
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)
        axes.grid(True, color="#E8E8E8", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=FONT - 1)
        axes.legend(fontsize=FONT - 1.5, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2,
                    handlelength=1.8, columnspacing=1.0)  # fmt: skip
        return _png(figure)


def _draw_course(axes: Any, course: Course, column: str, colour: str, label: str) -> None:
    """Draw the median of runs, and a band from the lowest to the highest of them."""
    values = course.values(column)
    known = np.isfinite(values).any(axis=1)
    if not known.any():
        return
    months, values = course.months[known], values[known]
    if values.shape[1] > 1:
        axes.fill_between(months, np.nanmin(values, axis=1), np.nanmax(values, axis=1), color=colour, alpha=0.18,
                          linewidth=0.0)  # fmt: skip
    axes.plot(
        months, np.nanmedian(values, axis=1), color=colour, linestyle="--", marker="x", markersize=5,
        label=f"simulated, beside sub-{label}",
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ planes
def _new(width_in: float, height_in: float) -> Any:
    figure = palette.new_figure(width_in, height_in)
    figure.set_layout_engine("constrained")
    return figure


def _upright(picture: Picture, width_in: float) -> tuple[Any, Any]:
    """Return a figure of a width that holds a picture to scale, and its axes."""
    wide = float(picture.columns_mm[-1] - picture.columns_mm[0])
    high = float(picture.rows_mm[-1] - picture.rows_mm[0])
    with palette.style():
        tall = min(7.0, (width_in - BESIDE_IN) * high / wide) + OVER_IN
        figure = _new(width_in, max(tall, 2.4))
        axes = figure.subplots()
    axes.set_aspect("equal")
    axes.tick_params(labelsize=FONT - 1)
    axes.xaxis.label.set_fontsize(FONT)
    axes.yaxis.label.set_fontsize(FONT)
    return figure, axes


def _ground(axes: Any, picture: Picture, direction: float) -> None:
    """Draw the image, or a plain ground where there is none; `direction` turns the columns."""
    columns = direction * picture.columns_mm
    step = 0.5 * (picture.columns_mm[1] - picture.columns_mm[0])
    rise = 0.5 * (picture.rows_mm[1] - picture.rows_mm[0])
    extent = (columns[0] - direction * step, columns[-1] + direction * step,
              picture.rows_mm[0] - rise, picture.rows_mm[-1] + rise)  # fmt: skip
    axes.set_facecolor(GROUND)
    if picture.image is not None and np.isfinite(picture.image).any():
        known = picture.image[np.isfinite(picture.image)]
        black, white = np.percentile(known, (DARK, BRIGHT))
        axes.imshow(
            picture.image, cmap="gray", vmin=black, vmax=max(white, black + 1e-9), extent=extent, origin="lower",
            interpolation="bilinear", aspect="equal",
        )  # fmt: skip
    axes.set_xlim(min(extent[:2]), max(extent[:2]))
    axes.set_ylim(extent[2], extent[3])


def _outlines(axes: Any, columns: Floats, rows: Floats, picture: Picture) -> None:
    """Draw where the shares pass one half, as the measures take them."""
    plain = picture.image is None
    for shares, colour, filled in ((picture.cord, CORD, plain), (picture.lesion, LESION, True)):
        if shares.size == 0 or not (shares.min() < 0.5 < shares.max()):
            continue
        if filled:
            axes.contourf(
                columns, rows, shares, levels=(0.5, 2.0), colors=[colour], alpha=0.5 if plain else 0.12
            )
        axes.contour(columns, rows, shares, levels=(0.5,), colors=[colour], linewidths=1.3)


def _make_room(axes: Any, bridges: Sequence[Bridge]) -> None:
    """Widen a picture until the words of the bridges stand beside the cord and within it."""
    for _ in range(ROUNDS):  # a wider picture is drawn smaller, and the words then take more of it
        for bridge in bridges:
            left, right = axes.get_xlim()
            edge = -float(bridge.ends_mm[0, 1])
            room = (GAP_IN + WORDS_IN) / _scale(axes)
            if bridge.side == "dorsal":
                axes.set_xlim(left, max(right, edge + room))
            else:
                axes.set_xlim(min(left, edge - room), right)


def _scale(axes: Any) -> float:
    """Return how large a picture is drawn, inches per mm."""
    figure = axes.figure
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    wide, tall = figure.get_figwidth() - BESIDE_IN, figure.get_figheight() - OVER_IN
    return float(min(wide / (right - left), tall / (high - low)))


def _draw_bridge(axes: Any, bridge: Bridge, limits: tuple[float, float]) -> None:
    """Draw a bridge where it is narrowest, with its width beside the cord."""
    from matplotlib.patheffects import withStroke

    (x0, y0), (x1, y1) = ((-end[1], end[2]) for end in bridge.ends_mm)
    edge = [withStroke(linewidth=4.0, foreground="black")]
    axes.plot(
        (x0, x1), (y0, y1), color=BRIDGE, linewidth=2.2, solid_capstyle="butt", path_effects=edge, zorder=5
    )
    axes.plot((x0, x1), (y0, y1), linestyle="none", marker="o", markersize=3.2, color=BRIDGE,
              markeredgecolor="black", markeredgewidth=0.6, zorder=6)  # fmt: skip
    dorsal = bridge.side == "dorsal"
    low, high = limits
    height = min(max(y0, low + 0.08 * (high - low)), high - 0.08 * (high - low))
    gap = GAP_IN / _scale(axes)
    place = x0 + gap if dorsal else x0 - gap
    axes.annotate(
        f"{bridge.side} bridge\n{bridge_words(bridge)}",
        xy=(x0, y0), xytext=(place, height), fontsize=FONT, color="white",
        va="center", ha="left" if dorsal else "right", zorder=7,
        path_effects=[withStroke(linewidth=2.4, foreground="black")],
        arrowprops={"arrowstyle": "-", "color": BRIDGE, "linewidth": 1.0},
    )  # fmt: skip


def _legend(axes: Any, lesion: bool) -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], color=CORD, label="cord")]
    if lesion:
        marks.append(Line2D([], [], color=LESION, label="lesion"))
    axes.legend(
        handles=marks, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize=FONT - 1, frameon=False,
        borderaxespad=0.2, handlelength=1.5,
    )  # fmt: skip


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    with palette.style():
        figure.savefig(data, format="png", dpi=DPI)
    return data.getvalue()
