"""Sessions of one person over time: whether they are dated (E21), and alike enough to compare (E22)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cordgraft.core.problems import BadInput, nearest
from cordgraft_analysis.imaging.findings import Finding, Ledger
from cordgraft_analysis.imaging.text_tables import read_text
from cordgraft_analysis.imaging.volume import Volume

SESSION_COLUMN, MONTHS_COLUMN = "session_id", "months_post_injury"
#: Months in a unit of time, by the word in the name of a column (``days_post_injury``).
MONTHS_IN: dict[str, float] = {
    "days": 12.0 / 365.25, "day": 12.0 / 365.25, "weeks": 84.0 / 365.25, "week": 84.0 / 365.25,
    "months": 1.0, "month": 1.0, "years": 12.0, "year": 12.0,
}  # fmt: skip
#: Largest ratio of voxel edges between sessions that needs no remark.
RESOLUTION_RATIO = 2.0
AXES = ("right-left", "anterior-posterior", "superior-inferior")


@dataclass(frozen=True)
class Session:
    """One visit.

    Parameters
    ----------
    label : str
        ``"m06"``, without ``ses-``.
    months : float or None
        Since the injury; None if nobody wrote it down.
    """

    label: str
    months: float | None


def read_sessions(path: str | Path, time_column: str | None = None) -> list[Session]:
    """Read the ``sessions.tsv`` of a subject.

    Parameters
    ----------
    path : str or Path
        Tab-separated, with the columns ``session_id`` and ``months_post_injury``; ``n/a`` where unknown.
    time_column : str, optional
        Column of the time since the injury, where it has another name; a word of it says the unit
        (``days_since_injury``: days, weeks, months or years).

    Raises
    ------
    BadInput
        As `text_tables.read_text`; E21 if a column is missing, its name has no unit of time, or a time is no number.
    """
    ledger = Ledger(str(path))
    column = time_column or MONTHS_COLUMN
    unit = next((MONTHS_IN[word] for word in column.lower().split("_") if word in MONTHS_IN), None)
    columns, rows = read_text(Path(path))
    if unit is None:
        ledger.error(
            "E21", "the name of the column of times says no unit", column,
            "A word of it must be days, weeks, months or years, as in days_post_injury",
        )  # fmt: skip
    for name in (SESSION_COLUMN, column):
        if name not in columns:
            near = nearest(name, columns)
            times = [other for other in columns if set(other.lower().split("_")) & set(MONTHS_IN)]
            remedy = f"Rename {near[0]}" if near else "Add it, separated by tabs"
            if name == column and times:
                remedy = f"Give --time-column {times[0]}, or add it"
            ledger.error("E21", f"has no column {name}", ", ".join(columns) or "no row", remedy)
    if ledger.failed or unit is None:
        raise BadInput([finding.problem() for finding in ledger.findings])
    sessions: list[Session] = []
    for number, row in enumerate(rows, 2):
        label, text = row[SESSION_COLUMN], row[column]
        months: float | None = None
        if text.lower() not in ("", "n/a"):
            months = _number(text) * unit
            if not math.isfinite(months):
                ledger.error(
                    "E21", f"holds a time that is no number in line {number}", text,
                    "Write it with a decimal point (6.5), or n/a",
                )  # fmt: skip
                continue
        sessions.append(Session(label.removeprefix("ses-"), months))
    if ledger.failed:
        raise BadInput([finding.problem() for finding in ledger.findings])
    return sessions


def _number(text: str) -> float:
    """Return the number that a text holds; NaN where it holds none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def check_sessions(sessions: Sequence[Session], file: str = "") -> list[Finding]:
    """Say whether a change over time can be computed (E21).

    Parameters
    ----------
    sessions : sequence of Session
        Of one subject.
    file : str
        Where they stand, for the messages.
    """
    ledger = Ledger(file)
    for session in sessions:
        if session.months is None:
            ledger.error(
                "E21", f"session {session.label} has no months since the injury", "",
                f"Write them into {MONTHS_COLUMN} of sessions.tsv",
            )  # fmt: skip
        elif not math.isfinite(session.months):
            ledger.error(
                "E21", f"session {session.label} has a time that is no number", f"{session.months:g}"
            )
        elif session.months < 0.0:
            ledger.error(
                "E21", f"session {session.label} lies before the injury", f"{session.months:g} months",
                "Correct it, or name the other sessions with --session-label",
            )  # fmt: skip
    labels = [session.label for session in sessions]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        ledger.error(
            "E21", f"session {label} stands there twice", f"{labels.count(label)} rows", "Keep one of them"
        )
    months = [session.months for session in sessions if session.months is not None]
    for month in sorted({month for month in months if months.count(month) > 1}):
        same = sorted({session.label for session in sessions if session.months == month})
        if len(same) > 1:
            ledger.warning(
                "E21", "several sessions have the same date", f"{', '.join(same)} at {month:g} months",
                "No change per month is computed between them",
            )  # fmt: skip
    if not sessions:
        ledger.error("E21", "there is no session")
    elif len(sessions) == 1:
        ledger.note("E21", "there is one session only; no change is computed")
    return ledger.findings


def check_resolution(volume: Volume, other: Volume) -> list[Finding]:
    """Say whether two sessions differ so much in resolution that lengths and bridges become uncertain (E22).

    Parameters
    ----------
    volume, other : Volume
        Of two sessions of one person; canonical axes, so that a sagittal scan is compared with an axial one.
    """
    ledger = Ledger(str(volume.path) if volume.path is not None else "the later session")
    name = other.path.name if other.path is not None else "the earlier session"
    for axis, (one, two) in enumerate(zip(volume.spacing_mm, other.spacing_mm, strict=True)):
        ratio = max(one / two, two / one)
        if ratio > RESOLUTION_RATIO:
            what = "lengths" if axis == 2 else "bridges" if axis == 1 else "widths from right to left"
            ledger.warning(
                "E22", f"has another resolution than '{name}' along the {AXES[axis]} axis",
                f"{one:.3g} and {two:.3g} mm, a ratio of {ratio:.1f}",
                f"A change of {what} below {max(one, two):.3g} mm is within the uncertainty of a voxel",
            )  # fmt: skip
    return ledger.findings


def check_slices(volume: Volume) -> list[Finding]:
    """Say whether a scan has slices so thick that measures across them are blurred (E22).

    Parameters
    ----------
    volume : Volume
        One whose longest voxel edge is more than twice the shortest is thick.
    """
    ledger = Ledger(str(volume.path) if volume.path is not None else "the session")
    edges = volume.spacing_mm
    if max(edges) > RESOLUTION_RATIO * min(edges):
        axis = edges.index(max(edges))
        what = (
            "the midsagittal plane is an average over a slice: midsagittal area, width and bridges are blurred",
            "widths and bridges are known to a slice only",
            "lengths are known to a slice only, and the damage ratio is an average over it",
        )[axis]
        ledger.warning(
            "E22", f"has thick slices along the {AXES[axis]} axis",
            " x ".join(f"{edge:.3g}" for edge in edges) + " mm", what[0].upper() + what[1:],
        )  # fmt: skip
    return ledger.findings
