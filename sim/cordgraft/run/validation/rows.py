"""The published targets that can be run, as data. The wording is this project's; the sources are those cited.

A bound that is marked as judged is a tolerance that somebody chose, not something that was measured: it is never to
be quoted as data. No arm changes a parameter of a mechanism.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from cordgraft.core.problems import BadInput, Problem, nearest
from cordgraft.run.validation.natural_history import NATURAL_HISTORY
from cordgraft.run.validation.reading import marked_fates, safety, spread, untreated_milieu
from cordgraft.run.validation.row import GRAFT_DAY, Arm, Band, Claim, Course, Courses, Panel, Row, Source
from cordgraft.run.validation.rows_growth import GROWTH
from cordgraft.run.validation.rows_injury import FIBRES, FUNCTION

DAYS_PER_MONTH = 365.25 / 12.0
#: From month 1 to month 18 after transplantation.
FIRST_MONTH, LAST_MONTH = 1.0, 18.0
_DAY_47 = Band(days=(46.5, 47.5), label="days compared")
_DAY_103 = Band(days=(102.5, 103.5), label="days compared")

# ---------------------------------------------------------------------------------------------- arms
UNTREATED = Arm(
    "mouse-untreated",
    "mouse_contusion_untreated",
    ("record.series=6 h", "record.maps=[1 d, 3 d, 7 d, 14 d, 28 d, 56 d]"),
    27.0,
    16.0,
    "As shipped; a series every 6 h resolves the peak of the neutrophils. Serves rows S2, S3 and S8.",
)
SAFE_LINE = Arm(
    "mouse-201B7-like",
    "mouse_subacute_graft",
    ("treatments.graft.line=201B7-like", "record.maps=[112 d]"),
    20.0,
    5.0,
    "As shipped.",
)
TUMOUR_LINE = Arm(
    "mouse-253G1-like",
    "mouse_subacute_graft",
    ("treatments.graft.line=253G1-like", "record.maps=[112 d]"),
    20.0,
    5.0,
    "As shipped, with the other line.",
)
_RAT = ("subject.species=rat", "treatments.graft.line=astrocyte-leaning", "safety={}")
RAT_FATES = Arm(
    "rat-astrocyte-leaning",
    "mouse_subacute_graft",
    (
        *_RAT,
        "geometry.voxel=50 um",
        "geometry.length=20 mm",
        "duration=69 d",
        "record.maps=[23 d, 39 d, 54 d, 69 d]",
    ),
    15.0,
    8.0,
    "The rat preset's own voxel (50 um) and cells per simulated cell (2); the preset's 40 mm of cord are cut to 20 mm, "
    "because the row counts fates, not distances.",
)
RAT_SPREAD = Arm(
    "rat-long",
    "mouse_subacute_graft",
    (
        *_RAT,
        "geometry.voxel=100 um",
        "geometry.length=100 mm",
        "duration=557 d",
        "record.series=7 d",
        "record.maps=[557 d]",
    ),
    100.0,
    6.0,
    "100 mm of cord for 557 days at a voxel of 100 um, twice that of the rat preset: cells keep their exact drift and "
    "spread on any voxel, the bound on neurons is five voxels, the front moves ten or more a month.",
)


# ------------------------------------------------------------------------------------------ measures
def _matrix_share_left(courses: Courses) -> float:
    course = courses["untreated"]
    return course.at("matrix", 28.0) / course.peak("matrix")


def _share_rise(courses: Courses) -> float:
    course = courses["untreated"]
    return course.at("pro_share", 28.0) - course.at("pro_share", 7.0)


def front_slope(course: Course) -> float:
    """Return the speed of the astrocytes' front, mm per month: straight line through the days from month 1 to month 18.

    Days from which on the front is within 5 mm of the end of the simulated cord are left out.
    """
    front = course.curves["astrocytes"]
    near_end = np.flatnonzero(front >= course.curves["room"])
    stop = course.days[near_end[0]] if near_end.size else math.inf
    months = course.days / DAYS_PER_MONTH
    used = (months >= FIRST_MONTH) & (months <= LAST_MONTH) & (course.days < stop) & np.isfinite(front)
    if np.count_nonzero(used) < 3:
        return math.nan
    return float(np.polyfit(months[used], front[used], 1)[0])


def furthest_neurons(course: Course) -> float:
    """Return the largest 95th percentile of the neurons' distance from month 1 to month 18, mm."""
    months = course.days / DAYS_PER_MONTH
    values = course.curves["neurons"][(months >= FIRST_MONTH) & (months <= LAST_MONTH)]
    return float(np.nanmax(values)) if np.isfinite(values).any() else math.nan


def _volume_ratio(part: str, courses: Courses) -> float:
    course = courses[part]
    return course.at("volume", 103.0) / course.at("volume", 47.0)


def _change(part: str, curve: str, courses: Courses) -> float:
    return courses[part].at(curve, 103.0) - courses[part].at(curve, 47.0)


def _motor_gain(courses: Courses) -> float:
    return courses["tumour line"].at("motor", 47.0) - courses["untreated"].at("motor", 47.0)


def _at(part: str, curve: str, day: float, courses: Courses) -> float:
    return courses[part].at(curve, day)


def _peak_day(curve: str, courses: Courses) -> float:
    return courses["untreated"].peak_day(curve)


# ---------------------------------------------------------------------------------------------- rows
MATRIX = Row(
    "S2",
    "Inhibitory matrix round an untreated contusion",
    "Chondroitin sulphate proteoglycans build up to a peak one to three weeks after the injury, half of it or more is "
    "left after four weeks, and after eight weeks there is still more than before the injury.",
    {"untreated": UNTREATED},
    (
        Claim("day of the peak", "d", partial(_peak_day, "matrix"), 7.0, 21.0),
        Claim("day 28 over the peak", "1", _matrix_share_left, low=0.5, judged=True),
        Claim(
            "excess over the level before the injury, day 56",
            "ug/mL",
            partial(_at, "untreated", "matrix", 56.0),
            low=0.0,
            strict=True,
        ),
    ),
    (Source("Jones 2003 Exp Neurol 182:399"), Source("Jones 2002 J Neurosci", "10.1523/JNEUROSCI.22-07-02792.2002")),
    True,
    "may have been: the half-life and the shares of the sources of the matrix are assumed, and their course was "
    "checked against this peak when the equations were set up",
    untreated_milieu,
    (
        Panel(
            "inhibitory matrix, core and rim together, above its level before the injury",
            "ug/mL",
            (("untreated", "matrix", "excess"),),
            (Band(days=(7.0, 21.0), label="target of the peak"),),
        ),
    ),
    remarks=("The mouse stands for the rodent preset; the sources are rats.",),
)
IMMUNE = Row(
    "S3",
    "Neutrophils and macrophages after an untreated contusion",
    "Neutrophils peak within the first two days and are mostly gone by day 10, macrophages peak near the end of the "
    "first week, and the pro-inflammatory share of the macrophages grows from the first to the fourth week.",
    {"untreated": UNTREATED},
    (
        Claim("day of the neutrophils' peak", "d", partial(_peak_day, "neutrophils"), 0.5, 2.0),
        Claim(
            "neutrophils on day 10 over their peak",
            "1",
            partial(_at, "untreated", "neutrophils", 10.0),
            high=0.2,
            strict=True,
            judged=True,
        ),
        Claim("day of the macrophages' peak", "d", partial(_peak_day, "macrophages"), 5.0, 10.0),
        Claim(
            "pro-inflammatory share of macrophages, day 28 less day 7", "1", _share_rise, low=0.0, strict=True
        ),
    ),
    (
        Source("Hellenbrand 2021 J Neuroinflamm", "10.1186/s12974-021-02337-2, PMC8653609"),
        Source("Kigerl 2009 J Neurosci", "NIHMS159551"),
    ),
    True,
    "yes: the rates of the immune cells were chosen once so that these peaks come out",
    untreated_milieu,
    (
        Panel(
            "immune cells in core and rim, each over its own peak",
            "1 (own peak)",
            (("untreated", "neutrophils", "neutrophils"), ("untreated", "macrophages", "macrophages")),
            (
                Band(days=(0.5, 2.0), label="target of the peak, neutrophils", of=0),
                Band(days=(5.0, 10.0), label="target of the peak, macrophages", of=1),
            ),
        ),
        Panel(
            "pro-inflammatory share of macrophages",
            "1",
            (("untreated", "pro_share", "pro-inflammatory share"),),
        ),
    ),
    remarks=("The day of the macrophages' peak is recalled, not read in a source.",),
)
FATES = Row(
    "S6",
    "Fates of an astrocyte-leaning line after 60 days in rats",
    "Two months after transplantation a fifth to two fifths of the surviving cells carry the neuronal marker NeuN, "
    "half to three quarters the astrocytic marker GFAP, and at most a tenth a marker of oligodendrocytes.",
    {"graft": RAT_FATES},
    (
        Claim("NeuN+ share of survivors", "1", partial(_at, "graft", "neun", 60.0), 0.2, 0.4),
        Claim("GFAP+ share of survivors", "1", partial(_at, "graft", "gfap", 60.0), 0.5, 0.75),
        Claim("Olig+ share of survivors", "1", partial(_at, "graft", "olig", 60.0), high=0.1),
    ),
    (Source("Zheng 2022 Cells", "10.3390/cells11172765, PMC9454923"),),
    True,
    "in part: the odds of this line are assumed, with the published shares in view",
    marked_fates,
    (
        Panel(
            "shares of surviving cells by marker",
            "1",
            tuple(
                ("graft", curve, label)
                for curve, label in (
                    ("neun", "NeuN+"),
                    ("gfap", "GFAP+"),
                    ("olig", "Olig+"),
                    ("nestin", "Nestin+"),
                    ("unmarked", "no marker yet"),
                )
            ),
            (
                Band(values=(0.2, 0.4), label="target, NeuN+", of=0),
                Band(values=(0.5, 0.75), label="target, GFAP+", of=1),
                Band(values=(0.0, 0.1), label="target, Olig+", of=2),
            ),
        ),
    ),
    "days after transplantation",
    ("The published injury was cervical; the rat preset is thoracic (T9).",),
)
FRONT = Row(
    "S7",
    "How far grafted cells travel in rats in eighteen months",
    "From month 1 to month 18 the front of the grafted astrocytes moves on by two to three millimetres a month along "
    "the white matter, while neurons stay at the lesion.",
    {"graft": RAT_SPREAD},
    (
        Claim(
            "speed of the astrocytes' front",
            "mm/month",
            lambda courses: front_slope(courses["graft"]),
            1.5,
            4.0,
            judged=True,
        ),
        Claim(
            "largest distance of neurons (95th percentile)",
            "mm",
            lambda courses: furthest_neurons(courses["graft"]),
            high=0.5,
            judged=True,
        ),
    ),
    (Source("Lien 2019 Exp Neurol 314:46"),),
    True,
    "yes: the time for which an astrocyte keeps its heading was chosen so that the front moves on evenly; its speed is "
    "assumed, and lies near the published front",
    spread,
    (
        Panel(
            "95th percentile beyond the lesion edge of the day of grafting",
            "mm",
            (("graft", "astrocytes", "astrocytes"), ("graft", "neurons", "neurons")),
            (Band(values=(-1.0, 0.5), label="target, neurons", of=1),),
        ),
        Panel("surviving cells", "cells", (("graft", "survivors", "survivors"),)),
    ),
    "days after transplantation",
    ("The measured speed is 2 to 3 mm a month; 1.5 to 4 is the tolerance.",),
)
TUMOUR = Row(
    "S8",
    "A line that forms tumours and one that does not",
    "Between days 47 and 103 after transplantation the safe line keeps its volume; the other line grows, ever more of "
    "it is undifferentiated, and the animals, better than untreated ones at first, get worse.",
    {"untreated": UNTREATED, "safe line": SAFE_LINE, "tumour line": TUMOUR_LINE},
    (
        Claim(
            "201B7-like: volume, day 103 over day 47",
            "1",
            partial(_volume_ratio, "safe line"),
            high=1.5,
            judged=True,
        ),
        Claim(
            "253G1-like: volume, day 103 over day 47",
            "1",
            partial(_volume_ratio, "tumour line"),
            low=2.0,
            judged=True,
        ),
        Claim(
            "253G1-like: undifferentiated share, day 103 less day 47",
            "1",
            partial(_change, "tumour line", "undifferentiated"),
            low=0.0,
            strict=True,
        ),
        Claim("253G1-like less untreated: motor index, day 47", "1", _motor_gain, low=0.0, strict=True),
        Claim(
            "253G1-like: motor index, day 103 less day 47",
            "1",
            partial(_change, "tumour line", "motor"),
            high=0.0,
            strict=True,
        ),
    ),
    (Source("Nori 2015 Stem Cell Reports 4:360", "PMID 25684226"),),
    True,
    "in part: residual cells, their rise and that a graft which outgrows its room does harm are assumed after this "
    "source; no number was fitted to its factors or to the course of function",
    partial(safety, start=GRAFT_DAY),
    (
        Panel(
            "graft volume",
            "mm3",
            (("safe line", "volume", "201B7-like"), ("tumour line", "volume", "253G1-like")),
            (_DAY_47, _DAY_103),
        ),
        Panel(
            "undifferentiated share",
            "1",
            (
                ("safe line", "undifferentiated", "201B7-like"),
                ("tumour line", "undifferentiated", "253G1-like"),
            ),
        ),
        Panel(
            "motor index",
            "1 (1 is normal)",
            (
                ("safe line", "motor", "201B7-like"),
                ("tumour line", "motor", "253G1-like"),
                ("untreated", "motor", "untreated"),
            ),
            (_DAY_47, _DAY_103),
        ),
    ),
    "days after transplantation (untreated: the same days)",
)

ROWS: tuple[Row, ...] = (NATURAL_HISTORY, MATRIX, IMMUNE, FIBRES, FUNCTION, FATES, FRONT, TUMOUR, GROWTH)


def find_rows(names: list[str]) -> list[Row]:
    """Return rows by name, in the order of the list; all without a name.

    Raises
    ------
    BadInput
        For a name that no row has.
    """
    known = {row.name: row for row in ROWS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(
            [
                Problem(
                    "there is no such row",
                    key="--rows",
                    value=name,
                    allowed=", ".join(known),
                    near=nearest(name, known),
                )
                for name in unknown
            ]
        )
    return [row for row in ROWS if not names or row.name in names]


def arms_of(rows: list[Row]) -> list[Arm]:
    """Return the arms that rows need, each once."""
    return list({arm.name: arm for row in rows for arm in row.arms.values()}.values())
