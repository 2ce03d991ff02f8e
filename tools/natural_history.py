"""Conversion of AIS grades in untreated patients by the reduced model, through the product's own link and rules.

The reduced model leaves out the tissue: a patient is a spared rim, its dorsal or ventral offset, a reversible block and
plasticity. The rim says which share of each tract conducts; from there on everything is `cordgraft.state.findings` and
`cordgraft.state.isncsci`, with thresholds of its own. The shares are compared with those that an independent program
printed for the same model (3e5 patients a stratum): they agree if the link is coded right. That the shares are near
those of real cohorts is calibration, not a test.

    python tools/natural_history.py [PATIENTS]

Equations: rim ``r = m + 0.10 xi`` as a share of the radius, ventral ``max(0, r + o)``, dorsal ``max(0, r - o)``,
``o = 0.04 xi``. A tract between the radii a and b keeps ``(b^2 - c^2)/(b^2 - a^2)``, ``c = 1 - rim`` within [a, b], of
its ventral and of its dorsal part. Conduction ``x (1 - B)(1 + Pi)``, ``B = beta e^(-t/4 d) + 0.55 e^(-t/90 d)``,
``beta = 0.25 + 0.08 xi``, ``Pi = 0.3 e^(0.5 xi) (1 - e^(-t/90 d))``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.examined import AIS_GRADES
from cordgraft.processes.examination import Examination, first_day
from cordgraft.state import findings
from cordgraft.state.isncsci import AIS, KEY_LEVELS, NUMBER

Floats = NDArray[np.float64]


class Tract(NamedTuple):
    """Radii between which a tract runs, share of it that is ventral, and its weight in the drive of the legs."""

    inner: float
    outer: float
    ventral: float
    weight: float


#: People; a lateral tract at -20 degrees is (1 + sin phi)/2 = 0.33 ventral.
DESCENDING = (Tract(0.55, 0.95, 0.33, 0.60), Tract(0.6, 1.0, 0.9, 0.25), Tract(0.4, 0.7, 0.5, 0.15))
ASCENDING = (Tract(0.3, 1.0, 0.0, 0.5), Tract(0.8, 1.0, 0.7, 0.5))


@dataclass(frozen=True)
class Stratum:
    """Patients with one level of injury: mean rim before it is cut off at zero, and the first level that is lost.

    `printed` : what the other program found, percent of those who were AIS A at the first examination.
    """

    name: str
    rim: float
    first: str
    printed: dict[str, float] = field(default_factory=dict)


STRATA: tuple[Stratum, ...] = (
    Stratum("cervical", 0.06, "C5", {"any": 30.0, "B": 16.0, "C": 8.0, "D": 5.0}),
    Stratum("T1-T9", -0.08, "T6", {"A": 90.0, "C or D": 4.0}),
    Stratum("T10-L2", -0.04, "T12", {"A": 85.0, "C or D": 6.0}),
)
#: Day of the first examination -> any conversion, percent, cervical.
PRINTED_BY_DAY: dict[float, float] = {7.0: 35.0, 16.0: 28.0, 30.0: 23.0, 60.0: 16.0, 180.0: 7.0}
YEAR = 365.0
#: Thresholds of the reduced model: a rim in it has sharp edges and no secondary loss, so that what they are a share of
#: is not what the full model, which has thresholds of its own, computes.
THRESHOLDS: dict[str, float] = {
    "sensory_threshold": 0.08,
    "motor_threshold": 0.036,
    "grade_1": 0.036,
    "grade_2": 0.048,
    "grade_3": 0.06,
}


@dataclass(frozen=True)
class Patients:
    """Latent quantities, (n,) each: conduction of sacral sensation and of the legs without block, and the courses."""

    felt: Floats
    drive: Floats
    beta: Floats
    plasticity: Floats
    edge: Floats

    @classmethod
    def draw(
        cls, stratum: Stratum, number: int, chance: np.random.Generator, params: Examination.Params
    ) -> Patients:
        """Draw patients of a stratum."""
        rim = stratum.rim + 0.10 * chance.standard_normal(number)
        offset = 0.04 * chance.standard_normal(number)
        sides = np.maximum(0.0, rim + offset), np.maximum(0.0, rim - offset)
        right, other = chance.standard_normal((2, number))
        left = findings.correlated(right, other, params.edge_recovery_correlation)
        return cls(
            sum(tract.weight * spared(tract, *sides) for tract in ASCENDING),
            sum(tract.weight * spared(tract, *sides) for tract in DESCENDING),
            np.clip(0.25 + 0.08 * chance.standard_normal(number), 0.0, 1.0),
            0.3 * np.exp(0.5 * chance.standard_normal(number)),
            np.stack([right, left], axis=-1),
        )

    def conduction(self, days: Floats) -> Floats:
        """Return what block and plasticity make of conduction by a day : (n,)."""
        block = np.minimum(1.0, self.beta * np.exp(-days / 4.0) + 0.55 * np.exp(-days / 90.0))
        return np.asarray((1.0 - block) * (1.0 - self.plasticity * np.expm1(-days / 90.0)))


def spared(tract: Tract, ventral: Floats, dorsal: Floats) -> Floats:
    """Return the share of a tract that lies in the rim, of a thickness ventrally and dorsally : (n,)."""

    def part(rim: Floats) -> Floats:
        core = np.clip(1.0 - rim, tract.inner, tract.outer)
        return np.asarray((tract.outer**2 - core**2) / (tract.outer**2 - tract.inner**2))

    return np.asarray(tract.ventral * part(ventral) + (1.0 - tract.ventral) * part(dorsal))


@dataclass(frozen=True)
class Examined:
    """Grades as numbers and motor scores of the arms, (n,) each."""

    grade: NDArray[np.int64]
    arms: NDArray[np.int64]


def examine(
    patients: Patients,
    stratum: Stratum,
    days: Floats,
    chance: np.random.Generator,
    params: Examination.Params,
) -> Examined:
    """Examine every patient on a day of its own, with the product's link and rules."""
    number = patients.felt.size
    first = NUMBER[stratum.first]
    levels = np.asarray(KEY_LEVELS)
    works = patients.conduction(days)
    drive, felt = patients.drive * works, patients.felt * works
    both = np.ones(findings.SIDES)
    cord = findings.Cord(
        drive=drive,
        felt=felt,
        drives=drive[:, None] * both,
        felts=felt[:, None] * both,
        above=both[:, None] * (levels < first),
        below=both[:, None] * (levels > first),  # tracts reach none of the neurons of the first segment
        pool=np.ones((findings.SIDES, levels.size)),  # no tissue here: nothing limits recovery at the edge
        regained=findings.regained_segments(
            params.edge_recovery,
            params.edge_recovery_spread,
            patients.edge,
            days[:, None],
            params.edge_recovery_time,
        ),
        first=first,
    )
    draws = findings.Draws(
        *chance.standard_normal((2, number)),
        *chance.random((3, number)),
        chance.standard_normal((number, findings.SIDES, findings.MUSCLES)),
    )
    found = findings.examine(cord, draws, params.link())
    each = zip(*found, strict=True)
    grades = [findings.classified(findings.Findings(*one)).grade for one in each]
    return Examined(np.array(grades, dtype=np.int64), findings.motor_scores(found.muscles)[0])


@dataclass(frozen=True)
class Course:
    """What became in a year of those who were AIS A at the first examination."""

    complete: int
    shares: dict[str, float]
    arms_mean: float
    arms_sd: float


def year(stratum: Stratum, number: int, chance: np.random.Generator, day: float | None = None) -> Course:
    """Run a stratum for a year, shares in percent; `day` of the first examination, by default drawn for each."""
    params = Examination.Params.for_preset("human_cervical", **THRESHOLDS)
    patients = Patients.draw(stratum, number, chance, params)
    days = np.array([first_day(params, draw) if day is None else day for draw in chance.random(number)])
    before = examine(patients, stratum, days, chance, params)
    complete = before.grade == AIS.A
    chosen = Patients(*(getattr(patients, name)[complete] for name in Patients.__dataclass_fields__))
    after = examine(chosen, stratum, np.full(chosen.felt.size, YEAR), chance, params)
    shares = {name: 100.0 * float(np.mean(after.grade == grade)) for grade, name in enumerate(AIS_GRADES)}
    shares["any"] = 100.0 - shares["A"]
    shares["C or D"] = shares["C"] + shares["D"]
    still = after.grade == AIS.A
    gained = (after.arms - before.arms[complete])[still]
    return Course(int(complete.sum()), shares, float(gained.mean()), float(gained.std()))


def allowed(printed: float, patients: int) -> float:
    """Return by how much a share may differ from a printed one, percent: rounding, and three standard errors."""
    share = printed / 100.0
    return 0.5 + 300.0 * float(np.sqrt(share * (1.0 - share) / patients))


def main(number: int = 20_000) -> int:
    """Print shares beside those printed elsewhere; return 1 if one differs by more than chance."""
    chance = np.random.default_rng(1)
    wrong = 0

    def line(name: str, what: str, found: float, printed: float, patients: int) -> int:
        beyond = abs(found - printed) > allowed(printed, patients)
        print(
            f"{name:24} {what:8} {found:5.1f} %  printed {printed:3.0f} %  {'DIFFERS' if beyond else 'agrees'}"
        )
        return int(beyond)

    for stratum in STRATA:
        course = year(stratum, number, chance)
        for what, printed in stratum.printed.items():
            wrong += line(stratum.name, what, course.shares[what], printed, course.complete)
        if stratum.name == "cervical":
            print(
                f"{'':24} arms     {course.arms_mean:+.1f} +- {course.arms_sd:.1f} points, those who stay A"
            )
    for day, printed in PRINTED_BY_DAY.items():
        course = year(STRATA[0], number, chance, day)
        wrong += line(f"cervical, from day {day:g}", "any", course.shares["any"], printed, course.complete)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(*(int(argument) for argument in sys.argv[1:2])))
