"""Row S1: people with a complete injury who are not treated. One seed of the command is a group of virtual patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cordgraft.core.examined import AIS_GRADES
from cordgraft.run.validation.reading import open_run, series_of
from cordgraft.run.validation.row import Arm, Band, Claim, Course, Courses, Panel, Row, Source

#: One year after the injury, d.
YEAR = 365.0
#: Share of each level among people with a complete injury (assumed, that of the target).
MIX: dict[str, float] = {"cervical": 0.50, "T1-T9": 0.35, "T10-L2": 0.15}
_A, _B = AIS_GRADES.index("A"), AIS_GRADES.index("B")


def _arm(name: str, level: str, patients: int) -> Arm:
    return Arm(
        name,
        "human_cervical_subacute_graft",
        (
            f"geometry.level={level}",
            "geometry.length=60 mm",
            "treatments=none",
            "safety={}",
            "resolution=preview",
            "duration=365 d",
            "record.series=73 d",
            "record.maps=[365 d]",
        ),
        4.0,
        1.5,
        "The human preset without a graft, as a preview (voxels of 600 um, ticks of 6 h), 60 mm of cord in place of "
        "150: the row needs hundreds of patients, and asks what tracts carry past the injury, not how far it swells.",
        patients,
    )


CERVICAL, THORACIC, THORACOLUMBAR = (
    _arm("human-C5-untreated", "C5", 36),
    _arm("human-T6-untreated", "T6", 15),
    _arm("human-T12-untreated", "T12", 9),
)


def grades(directory: Path) -> Course:
    """Return the AIS grade of one patient over time: ``first``, at the first examination, and ``latest``; 0 is A."""
    tree, _ = open_run(directory)
    days, series = series_of(tree, "exam_ais_first", "exam_ais")
    return Course(days, {"first": series["exam_ais_first"], "latest": series["exam_ais"]})


def cohort(patients: Sequence[Course]) -> Course:
    """Return what became of those patients of a group whom the first examination found to be AIS A.

    ``complete``: share of them who are still A by the day; ``b``: who are B; ``motor``: who are C, D or E; NaN where
    nobody of the group was A or not all have been examined. ``number``: how many they are.
    """
    days = patients[0].days
    first = np.stack([patient.curves["first"] for patient in patients])
    latest = np.stack([patient.curves["latest"] for patient in patients])
    counted = first[:, -1] == _A
    latest = latest[counted]
    number = int(np.count_nonzero(counted))
    known = np.isfinite(latest).all(axis=0) & (number > 0)

    def share(found: np.ndarray) -> np.ndarray:
        return np.where(known, found.sum(axis=0) / max(1, number), math.nan)

    return Course(
        days,
        {
            "complete": share(latest == _A),
            "b": share(latest == _B),
            "motor": share(latest > _B),
            "number": np.full(days.size, float(number)),
        },
    )


def _of(part: str, curve: str, courses: Courses) -> float:
    return 100.0 * courses[part].at(curve, YEAR)


def _converted(part: str, courses: Courses) -> float:
    return 100.0 - _of(part, "complete", courses)


def _mixed(curve: str, courses: Courses) -> float:
    return sum(share * _of(part, curve, courses) for part, share in MIX.items())


def _mixed_converted(courses: Courses) -> float:
    return 100.0 - _mixed("complete", courses)


NATURAL_HISTORY = Row(
    "S1",
    "Grades of people with a complete injury, untreated, after one year",
    "Of people whose first examination within thirty days (day 16, SD 7) finds a complete injury, AIS A, one to three "
    "in ten have another grade after a year, half of them B; more after a cervical injury, few after one of T1 to T9.",
    {"cervical": CERVICAL, "T1-T9": THORACIC, "T10-L2": THORACOLUMBAR},
    (
        Claim("mixed levels: any conversion", "%", _mixed_converted, 11.0, 31.0),
        Claim("mixed levels: to B", "%", partial(_mixed, "b"), 5.0, 18.0),
        Claim("mixed levels: to C or D", "%", partial(_mixed, "motor"), 5.0, 18.0),
        Claim("cervical: any conversion", "%", partial(_converted, "cervical"), 25.0, 35.0),
        Claim("cervical: to C or D", "%", partial(_of, "cervical", "motor"), 10.0, 18.0),
        Claim("T1-T9: still A", "%", partial(_of, "T1-T9", "complete"), low=85.0),
    ),
    (
        Source("Kirshblum 2021 J Neurotrauma 38:1267, Tables 2 and 10", "10.1089/neu.2020.7473, PMC8080912"),
        Source("Marino 2011 Arch Phys Med Rehabil 92:369"),
        Source("poster of a centre of the SCI model systems, grades by level, n = 2,037"),
    ),
    True,
    "wholly: the spared rim by level and the thresholds of the signs were chosen on these shares, in untreated people "
    "alone; treated arms were never looked at for it",
    grades,
    (
        Panel(
            "cervical",
            "share of those who were A at first",
            (("cervical", "complete", "still A"), ("cervical", "b", "B"), ("cervical", "motor", "C, D or E")),
            (Band((YEAR - 3.0, YEAR), (0.65, 0.75), "target, still A", 0),),
        ),
        Panel(
            "T1 to T9",
            "share of those who were A at first",
            (("T1-T9", "complete", "still A"), ("T1-T9", "b", "B"), ("T1-T9", "motor", "C, D or E")),
            (Band((YEAR - 3.0, YEAR), (0.85, 1.0), "target, still A", 0),),
        ),
        Panel(
            "T10 to L2",
            "share of those who were A at first",
            (("T10-L2", "complete", "still A"), ("T10-L2", "b", "B"), ("T10-L2", "motor", "C, D or E")),
        ),
    ),
    remarks=(
        "One seed of the command is a group of 36 patients with a cervical, 15 with a T6 and 9 with a T12 injury.",
        "Levels are mixed 50 : 35 : 15 by the shares of each level, whatever the size of the groups (assumed).",
        "A patient counts if the first examination finds AIS A; others are simulated and left out.",
    ),
    gather=cohort,
)
