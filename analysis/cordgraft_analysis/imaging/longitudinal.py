"""Sessions over time: measures of every one, changes of every subject, and simulated runs beside them.

What is measured and what is simulated goes through the same measures on voxels of the same size. No p-value is
given: intervals come from resampling subjects (or seeds), and below five of them the spread stands in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.bids import Dataset, Scan
from cordgraft_analysis.imaging.compare import MEASURES, number_in
from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.profile import Profile
from cordgraft_analysis.imaging.sessions import check_resolution
from cordgraft_analysis.imaging.sidecar import SIMULATED, read_sidecar
from cordgraft_analysis.imaging.sides import How, read_side
from cordgraft_analysis.imaging.simulated import Run, is_near, measure_run
from cordgraft_analysis.imaging.volume import Volume

#: Words of the column `source`.
MEASURED = "measured"


@dataclass(frozen=True)
class Visit:
    """One session of one subject, measured or simulated.

    Parameters
    ----------
    source : str
        ``"measured"``, or the name of a run.
    scan : Scan
        The session; for a run, the one that it stands beside.
    total : dict
        Measures of all lesions together.
    curve : Profile, optional
    day : float, optional
        Recorded day of the run.
    used : bool
        Whether the day is near enough to that of the session.
    seed : int, optional
    """

    source: str
    scan: Scan
    total: Row
    curve: Profile | None = None
    day: float | None = None
    used: bool = True
    seed: int | None = None

    @property
    def months(self) -> float:
        """Return the time of the session, months since the injury; NaN if nobody wrote it down."""
        return np.nan if self.scan.months is None else self.scan.months


@dataclass(frozen=True)
class Study:
    """Everything that was measured.

    Parameters
    ----------
    visits : tuple of Visit
        Measured ones first, then those of runs.
    groups : dict
        Subject -> group.
    findings : tuple of Finding
    notes : tuple of str
    rendered : frozenset of str
        Names of scans that were simulated, by the sidecars of their masks.
    """

    visits: tuple[Visit, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    rendered: frozenset[str] = frozenset()

    @property
    def measured(self) -> tuple[Visit, ...]:
        """Return the sessions of subjects."""
        return tuple(visit for visit in self.visits if visit.source == MEASURED)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the subjects in order."""
        return tuple(dict.fromkeys(visit.scan.subject for visit in self.measured))

    def of(self, subject: str, source: str = MEASURED) -> tuple[Visit, ...]:
        """Return the sessions of a subject by time, of one source."""
        return tuple(v for v in self.visits if v.scan.subject == subject and v.source == source)

    def sources(self, subject: str) -> tuple[str, ...]:
        """Return the runs that stand beside a subject, in order."""
        own = (v.source for v in self.visits if v.scan.subject == subject and v.source != MEASURED)
        return tuple(dict.fromkeys(own))

    def runs_at(self, visit: Visit) -> tuple[Visit, ...]:
        """Return what the runs show at a session, near enough or not."""
        return tuple(v for v in self.visits if v.scan is visit.scan and v.source != MEASURED)


def study(dataset: Dataset, how: How, pairs: Mapping[str, Sequence[Run]] | None = None) -> Study:
    """Measure every session, and the runs that stand beside its subject.

    Parameters
    ----------
    dataset : Dataset
        From `bids.find`.
    how : How
        Its model of extrusion is for runs; nobody extrudes a patient.
    pairs : mapping, optional
        Subject -> runs.

    Raises
    ------
    BadInput
        With everything that is wrong with any file.
    """
    findings = list(dataset.findings)
    notes: list[str] = []
    problems: list[Problem] = []
    visits: list[Visit] = []
    grids: dict[int, Volume] = {}
    plain = replace(how, extrusion=None)
    for scan in dataset.scans:
        assert scan.lesion is not None, "a data set holds sessions with a lesion mask"
        try:
            side = read_side(scan.lesion, scan.cord, plain, scan.image)
        except BadInput as error:
            problems += error.problems
            continue
        assert side.lesion is not None, "a mask that was read is a volume"
        findings += side.findings
        notes += side.notes
        grids[id(scan)] = side.lesion
        visits.append(Visit(MEASURED, scan, side.totals[0], side.profile))
    if problems:
        raise BadInput(problems)
    rendered = _rendered(dataset.scans)
    if rendered:
        what = f"{len(rendered)} of {len(dataset.scans)} sessions are simulated, not scanned, as sidecars say"
        notes.append(f"{what}: {', '.join(rendered)}")
    for subject in dataset.subjects:
        first, *later = dataset.of(subject)
        for scan in later:
            findings += check_resolution(grids[id(scan)], grids[id(first)])
    for visit in tuple(visits):
        if visit.scan.months is None and (pairs or {}).get(visit.scan.subject):
            notes.append(f"sub-{visit.scan.subject} has no date: no day of a run stands beside it")
            continue
        for run in (pairs or {}).get(visit.scan.subject, ()):
            simulated = _beside(run, visit.scan, grids[id(visit.scan)], how)
            visits.append(simulated)
            if not simulated.used:
                findings.append(_far(run, visit.scan, simulated))
    groups = {subject: dataset.participants.get(subject, {}).get("group", "") for subject in dataset.subjects}
    return Study(tuple(visits), groups, tuple(findings), tuple(notes), frozenset(rendered))


def _rendered(scans: Sequence[Scan]) -> list[str]:
    """Return the names of scans whose masks were simulated, by their sidecars."""
    return [scan.name for scan in scans if scan.lesion and read_sidecar(scan.lesion).get(SIMULATED) is True]


def _beside(run: Run, scan: Scan, grid: Volume, how: How) -> Visit:
    wanted = scan.days
    assert wanted is not None, "runs stand beside dated sessions only"
    day = run.nearest(wanted)
    total, curve = measure_run(run, day, grid.spacing_mm, how)
    return Visit(run.name, scan, total, curve, day, is_near(day, wanted), run.seed)


def _far(run: Run, scan: Scan, visit: Visit) -> Finding:
    return Finding(
        "E21", "warning",
        f"has no recorded day near session {scan.session} of sub-{scan.subject}; it is left out of comparisons",
        run.name, f"day {scan.days:.0f} is wanted, the nearest one is {visit.day:.0f}",
        "Record maps at the days of the sessions (record.maps)",
    )  # fmt: skip


def pair_runs(
    subjects: Sequence[str], runs: Sequence[Path], table: Path | None
) -> tuple[dict[str, list[Path]], list[str]]:
    """Return which run directories stand beside which subject, and what is to be said of it.

    Parameters
    ----------
    subjects : sequence of str
        Labels in the data set.
    runs : sequence of Path
        Run directories, or directories of several seeds. Without a table they stand beside every subject.
    table : Path, optional
        Columns ``subject`` and ``run``, several rows for several seeds; a run is a path (from the table's folder), or
        the name of a directory among `runs`.

    Raises
    ------
    BadInput
        For a table without these columns, subjects that are not in the data set, and runs that are none.
    """
    from cordgraft_analysis.imaging.pairs import read_pairs
    from cordgraft_analysis.seeds import run_directories

    given = [directory for place in runs for directory in run_directories(place)]
    repeated = sorted({str(one) for one in given if given.count(one) > 1})
    if repeated:
        raise BadInput([Problem("the run is given twice", key="--run", value=one) for one in repeated])
    if table is None:
        note = (
            f"no --pairs: the same {len(given)} run{'s' if len(given) > 1 else ''} stand beside every subject"
        )
        return {subject: list(given) for subject in subjects}, [note] if given and len(subjects) > 1 else []
    return read_pairs(table, subjects, runs, given)


def change_measures(visits: Sequence[Visit]) -> tuple[str, ...]:
    """Return the measures that any of the visits has, in the order of reading."""
    return tuple(name for name in MEASURES if any(np.isfinite(number_in(v.total, name)) for v in visits))
