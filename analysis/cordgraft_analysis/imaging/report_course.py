"""Simulated runs beside the sessions of a subject, as a report draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cordgraft_analysis.imaging.examination import Examination
from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.sessions import MONTHS_IN
from cordgraft_analysis.imaging.sides import How
from cordgraft_analysis.imaging.simulated import Run, is_near, measure_run
from cordgraft_analysis.imaging.volume import Floats


@dataclass(frozen=True)
class Course:
    """What runs of several seeds show at the sessions of one subject.

    Parameters
    ----------
    subject : str
    runs : tuple of str
        Names of their directories.
    sessions : tuple of str
        Titles of the sessions that the times stand for.
    months : (n,) float64
        Recorded time since the injury.
    rows : tuple of tuple of dict
        For each time, the measures of each run.
    """

    subject: str
    runs: tuple[str, ...]
    sessions: tuple[str, ...]
    months: Floats
    rows: tuple[tuple[Row, ...], ...]

    @property
    def seeds(self) -> int:
        """Return the number of runs."""
        return len(self.runs)

    @property
    def words(self) -> str:
        """Return whose runs they are, in words."""
        many = f"{self.seeds} runs" if self.seeds > 1 else "one run"
        return f"{many} beside sub-{self.subject} ({', '.join(self.runs)})"

    @property
    def models(self) -> tuple[str, ...]:
        """Return the models of extrusion by which sections among the runs became volumes."""
        named = {str(row["extrusion"]) for rows in self.rows for row in rows if row.get("extrusion")}
        return tuple(sorted(named))

    def values(self, column: str) -> Floats:
        """Return a measure : (times, runs); NaN where a run has none."""
        return np.array([[_real(row.get(column)) for row in rows] for rows in self.rows], dtype=np.float64)


def _real(cell: object) -> float:
    return float(cell) if isinstance(cell, (int, float)) and not isinstance(cell, bool) else np.nan


def follow(
    subject: str, sessions: Sequence[Examination], runs: Sequence[Run], how: How
) -> tuple[Course | None, list[Finding]]:
    """Measure runs on the days of a subject's sessions, on voxels of the same size.

    Parameters
    ----------
    subject : str
    sessions : sequence of Examination
        Those without a date are left out.
    runs : sequence of Run
    how : How

    Returns
    -------
    course : Course or None
        None where no session has maps of a day near enough in every run.
    findings : list of Finding
        On sessions that no run was recorded near.
    """
    titles: list[str] = []
    months: list[float] = []
    rows: list[tuple[Row, ...]] = []
    findings: list[Finding] = []
    for session in sessions:
        if session.months is None:
            continue
        wanted = session.months / MONTHS_IN["days"]
        days = [run.nearest(wanted) for run in runs]
        far = [(run, day) for run, day in zip(runs, days, strict=True) if not is_near(day, wanted)]
        findings += [
            Finding("E21", "warning", f"has no recorded day near {session.title} and is not set beside it", run.name,
                    f"day {wanted:.0f} is wanted, the nearest one is {day:.0f}",
                    "Record maps on the days of the sessions")
            for run, day in far
        ]  # fmt: skip
        if far:
            continue
        across, forward, along = session.table.spacing_mm
        edges = (across, forward, along)
        rows.append(tuple(measure_run(run, day, edges, how)[0] for run, day in zip(runs, days, strict=True)))
        titles.append(session.title)
        months.append(float(np.mean(days)) * MONTHS_IN["days"])
    if not rows:
        return None, findings
    return Course(
        subject, tuple(run.name for run in runs), tuple(titles), np.array(months), tuple(rows)
    ), findings
