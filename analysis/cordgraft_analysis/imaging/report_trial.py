"""A self-contained HTML report on the sessions of a trial: courses over months, changes, every session in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from cordgraft_analysis.imaging import report_figures, report_words
from cordgraft_analysis.imaging import report_parts as parts
from cordgraft_analysis.imaging.examination import Examination
from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.report import footer, head, how
from cordgraft_analysis.imaging.report_course import Course
from cordgraft_analysis.imaging.report_words import DASH, MEASURES, Measure, cell, digits, error_mm
from cordgraft_analysis.imaging.volume import Floats
from cordgraft_analysis.page_parts import document, section, table

#: What is followed over months: the measures at the top of a page.
FOLLOWED: tuple[Measure, ...] = tuple(measure for measure in MEASURES if measure.key)


def trial_page(
    name: str,
    subjects: Mapping[str, Sequence[Examination]],
    facts: Mapping[str, str],
    *,
    about: Mapping[str, Mapping[str, str]] | None = None,
    courses: Sequence[Course] = (),
    findings: Sequence[Finding] = (),
) -> str:
    """Return the page of a trial.

    Parameters
    ----------
    name : str
        Of the data set.
    subjects : mapping of str to sequence of Examination
        Label of the subject -> sessions by time.
    facts : mapping of str to str
        Versions, command and the like.
    about : mapping, optional
        Subject -> columns of ``participants.tsv``.
    courses : sequence of Course
        Simulated runs to set beside them.
    findings : sequence of Finding
        On the data set and on sessions against each other.
    """
    every = [one for sessions in subjects.values() for one in sessions]
    title = f"Trial report: {name}"
    links = (("courses", "courses"), ("sessions", "all sessions"), ("changes", "changes"),
             *((f"sub-{label}", f"sub-{label}") for label in subjects),
             ("warnings", "warnings"), ("files", "files"), ("provenance", "provenance"))  # fmt: skip
    counted = f"{_count(len(subjects), 'subject')}, {_count(len(every), 'session')}"
    names = {name for course in courses for name in course.runs}  # one run may stand beside several subjects
    runs = f", beside {_count(len(names), 'simulated run')}" if names else ""
    body = [
        head(title, f"{counted}{runs}. Method mm.", links, report_words.simulated(every)),
        section("courses", "Courses over months since the injury", _courses(subjects, courses)),
        section("sessions", "All sessions", how() + _sessions_table(subjects, about or {})),
        section("changes", "Changes", _changes(subjects)),
        *(_subject(label, sessions, (about or {}).get(label, {})) for label, sessions in subjects.items()),
        section("warnings", "Warnings and notes", parts.warnings(every, findings)),
        section("files", "Files", parts.files_table(every)),
        section("provenance", "Where this comes from", parts.provenance(facts)),
    ]
    return document(title, "\n".join(body), footer(facts), parts.STYLE)


def _count(number_of: int, word: str) -> str:
    return f"{number_of} {word}{'' if number_of == 1 else 's'}"


def _courses(subjects: Mapping[str, Sequence[Examination]], courses: Sequence[Course]) -> str:
    drawn = []
    for measure in FOLLOWED:
        data = report_figures.course_png(subjects, measure, courses)
        unit = "no unit" if measure.unit == "1" else measure.unit
        drawn.append(
            parts.figure(data, f"{measure.words} ({unit}) over months since the injury, a line for each subject",
                         measure.definition[:1].upper() + measure.definition[1:] + ".")
        )  # fmt: skip
    note = "<p>Bars are the uncertainty of the grid, where one is stated.</p>"
    if courses:
        words = "; ".join(escape(course.words) for course in courses)
        named = sorted({model for course in courses for model in course.models})
        models = f"Sections became volumes by a model, {escape(', '.join(named))}. " if named else ""
        note = (
            "<p>Bars are the uncertainty of the grid, where one is stated. Dashed lines are medians of simulated runs, "
            f"bands reach from the lowest to the highest seed: {words}. {models}A simulated course "
            "predicts nobody's.</p>"
        )
    return f'{note}<div class="figures">{"".join(drawn)}</div>{_beside(subjects, courses)}'


def _beside(subjects: Mapping[str, Sequence[Examination]], courses: Sequence[Course]) -> str:
    """Return a table of what was measured and what runs show: median, and lowest to highest seed."""
    if not courses:
        return ""
    rows = []
    for course in courses:
        measured = {one.title: one for one in subjects[course.subject]}
        for at, title in enumerate(course.sessions):
            own = measured[title]
            rows.append(
                [title, "measured", _months(own), *(_with_error(m, own.table.total) for m in FOLLOWED)]
            )
            cells = [_spread(course.values(m.column)[at], digits(m, own.table.total)) for m in FOLLOWED]
            rows.append(["", f"simulated, n = {course.seeds}", f"{course.months[at]:.1f}", *cells])
    header = ["session", "source", "months", *(_with_unit(m) for m in FOLLOWED)]
    note = (
        "<p>Of runs the median, and in brackets the lowest and the highest seed; no interval follows from fewer "
        "than five."
    )
    if any(DASH in row for row in rows):
        note += " A dash: a section has no such measure unless a model of extrusion is named."
    note += "</p>"
    kinds = {0: "mark", 1: "mark", **dict.fromkeys(range(2, len(header)), "number")}
    return f'<h3>Measured and simulated</h3>{note}<div class="wrap">{table(header, rows, kinds)}</div>'


def _spread(values: Floats, places: int) -> str:
    known = values[np.isfinite(values)]
    if known.size == 0:
        return DASH
    middle = f"{np.median(known):.{places}f}"
    return middle if known.size == 1 else f"{middle} ({known.min():.{places}f} to {known.max():.{places}f})"


def _sessions_table(
    subjects: Mapping[str, Sequence[Examination]], about: Mapping[str, Mapping[str, str]]
) -> str:
    header = ["session", "group", "months", *(_with_unit(m) for m in FOLLOWED)]
    header.append("voxels, mm: across, dorsoventral, along")
    rows = []
    for label, sessions in subjects.items():
        for one in sessions:
            row = one.table.total
            cells = [_with_error(m, row) for m in FOLLOWED]
            rows.append(
                [one.title, about.get(label, {}).get("group", ""), _months(one), *cells,
                 " x ".join(f"{edge:.3g}" for edge in one.table.spacing_mm)]
            )  # fmt: skip
    kinds = {
        0: "mark",
        2: "number",
        **dict.fromkeys(range(3, 3 + len(FOLLOWED)), "number"),
        3 + len(FOLLOWED): "mark",
    }
    return f'<div class="wrap">{table(header, rows, kinds)}</div>'


def _with_unit(measure: Measure) -> str:
    return measure.words if measure.unit == "1" else f"{measure.words}, {measure.unit}"


def _with_error(measure: Measure, row: Row) -> str:
    error = error_mm(measure, row)
    return cell(measure, row) + (f" ± {error:.{digits(measure, row)}f}" if error is not None else "")


def _months(one: Examination) -> str:
    return DASH if one.months is None else f"{one.months:g}"


def _since(months: float) -> str:
    return f"{months:g} month{'' if months == 1.0 else 's'}"


def _changes(subjects: Mapping[str, Sequence[Examination]]) -> str:
    """Return changes from the first session of each subject, with those that the grids cannot tell from none."""
    rows = []
    for sessions in subjects.values():
        for later in sessions[1:]:
            first = sessions[0]
            if first.months is None or later.months is None:
                continue
            cells = [_change(measure, first, later) for measure in FOLLOWED]
            rows.append([first.title, later.title, f"{later.months - first.months:g}", *cells])
    if not rows:
        return "<p>No subject has two sessions with dates: no change is computed.</p>"
    note = (
        "<p>From the first session of a subject. In brackets: no larger than the uncertainties of both grids together, "
        "so that it may be no change at all. Two scans of one cord also differ by how masks were drawn.</p>"
    )
    header = ["from", "to", "months", *(_with_unit(m) for m in FOLLOWED)]
    kinds = {0: "mark", 1: "mark", **dict.fromkeys(range(2, len(header)), "number")}
    return f'{note}<div class="wrap">{table(header, rows, kinds)}</div>'


def _change(measure: Measure, first: Examination, later: Examination) -> str:
    cells = [one.table.total.get(measure.column) for one in (first, later)]
    if not all(isinstance(cell, float) and cell == cell for cell in cells):
        return DASH
    before, after = (float(cell) for cell in cells if cell is not None)
    errors = [error_mm(measure, one.table.total) for one in (first, later)]
    words = f"{after - before:+.{digits(measure, later.table.total)}f}"
    known = [error for error in errors if error is not None]
    return f"({words})" if len(known) == 2 and abs(after - before) <= sum(known) else words


def _subject(label: str, sessions: Sequence[Examination], about: Mapping[str, str]) -> str:
    facts = "; ".join(f"{name} {value}" for name, value in about.items() if value)
    content = [f"<p>{escape(facts)}</p>" if facts else ""]
    if len(sessions) > 1:
        content.append(
            '<div class="figures">'
            + parts.figure(
                report_figures.profile_png(sessions),
                f"sub-{label}: damage ratio and areas along the cord, a line for each session",
                "Every session from its own lesion's centroid; full lines below are areas of the cord, dashed ones of "
                "the lesion.",
            )
            + "</div>"
        )
    for one in sessions:
        when = "" if one.months is None else f", {_since(one.months)} after the injury"
        content += [
            f"<h3>{escape(one.title)}{when}</h3>",
            "" if one.lesion_present else "<p><strong>No lesion is present in the mask.</strong></p>",
            parts.pictures(one, with_profile=len(sessions) == 1),
            f"<details><summary>All measures of {escape(one.title)}</summary>\n{parts.measures_table(one)}"
            f"{parts.lesions_table(one)}</details>",
            parts.profile_details(one),
        ]
    return section(f"sub-{label}", f"sub-{label}", "\n".join(part for part in content if part))
