"""Examination: what an examiner writes down on a few days, from scores of rodents to motor scores and AIS of people.

What is modelled
----------------
*Days.* The first examination is on a day of its own for each subject, drawn from a normal distribution that is cut off
at both ends (a fixed day in rodents); the others follow at whole multiples of `interval` after the injury. The
examiner sees function as it was last computed (`function_index`, once a day), so never in the very minute of the
injury, when nothing has been computed: the first tick after it is the soonest. Between examinations nothing is known:
what is recorded is the latest one.

*Rodents.* Whole numbers with an error of the examiner, within the scale::

    BMS = round(9 motor + e xi),   BBB = round(21 motor + e xi)

*People, muscles.* For each key muscle of a side, input to its motor neurons as a share of normal::

    x = u + v D e^(0.25 xi_M)

``u`` share of the neurons of its segment that live rostral of the edge of the primary lesion, with normal drive; ``v``
share that lives beyond the edge, on what the tracts of that side carry past the lesion, ``D`` (`function_index`:
``motor_drive_right``, ``_left``). Both from the grey matter that is left in the layers of the segment, ventral horns
counting most; in a volume, from that of the side. The grade is the number of thresholds that ``x`` passes: 0.062,
0.083, 0.103, 0.15, 0.40.

*People, recovery at the edge.* Apart from all tracts, segments come back at the rostral edge of the lesion::

    R = n e^(s xi) (1 - e^(-t/tau)),   n = 0.75 segments, s = 0.75, tau = 90 d

right and left with a correlation of 0.5 between their ``xi``; drawn once for each patient, ``t`` time since the
injury. The first segment that the lesion takes gets five points for each whole segment, then the next one. A muscle has
the higher of its two grades, and the sensory level of a side moves down with whole segments. Which neurons stand behind
it is open: those of a muscle reach over the neighbouring segments, many are blocked at first, and the axons that are
left sprout within the muscle. With `edge_recovery_living` a segment gets at most the grade of ``u + v``, what its own
living neurons could move with normal input, and behind one that cannot come back whole (``u + v`` up to 0.40) there is
none: the strictest reading, by which a segment that is dead brings nothing back.

*People, signs.* Sensation at S4-S5 and voluntary anal contraction are found if::

    c_S e^(0.25 xi_S) > 0.065,   D e^(0.25 xi_M) > 0.062

``c_S`` mean of the gracile and the spinothalamic drive, and ``D``, of both sides together. Each sign that is there is
missed with probability 0.03; so are, together, traces of contraction (grade 1) in muscles that only tracts reach.
``xi_S``, ``xi_M`` and the missed signs are fresh at each examination: the form of the day, and the hand of the
examiner. Sensation is normal below the lesion on a side where ``c_S e^(0.25 xi_S)`` of that side of the body
(``sensory_drive_right``, ``_left``) passes the threshold of grade 5.

*People, error of the score.* Grades of muscles between nothing and normal (1-4) may be written down too high or too
low, with a standard deviation of `score_error` points on the sum, and of one point at most on a muscle. What is there
is never written down as nothing, so traces come out too high on average: where most muscles have grade 1 the sum is
about a point too high.

*People, grade.* Levels and the AIS grade follow from what was written down by the published rules, in
`state/isncsci.py`: rules on signs, no cut of an index. See docs/examination.md.

All draws are pure functions of the subject's seed and the number of the examination: leaving one out, or one more,
changes no other.

Symbols: motor, D, c_S, x, u, v 1; R, n segments; t, tau d; xi standard normal; e points.

Sources
-------
Definitions of the grades: PMC4303793 (read). First examination on day 16.1 +- 7.3: 10.1016/j.apmr.2021.09.018
(read). The thresholds of the two signs are calibrated with untreated people alone, on who converts in a year; grade 1
begins where contraction does, the others are assumed, and so are recovery at the edge and all noise. To compare with:
after a complete cervical injury the arms gain 7.8 +- 6.5 points in a year (10.1016/j.apmr.2021.09.018, read), and up to
70 % gain a motor level (Steeves 2011, 10.1038/sc.2010.99, read).

What is left out
----------------
Sides in a section, which has none: there right and left differ by recovery at the edge and by the examiner's hand only.
Neurons that are blocked at first and come back: all that live rostral of the edge work from the first day. What becomes
of the dorsal horn at the edge, so that the sensory level moves down also over a dead segment. Arms and legs have one
drive; light touch, pin prick and dermatomes; muscles other than key muscles; spasticity, pain, and training of
either patient or examiner; spinal shock beyond the block of fibres.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.examined import AIS_GRADES, NEUROLOGICAL_LEVELS, SIDES
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity, switch
from cordgraft.core.streams import Stream
from cordgraft.state import findings
from cordgraft.state.isncsci import INTACT, KEY_LEVELS

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

HOURS = 24.0
#: Top of the scale of a rodent.
TOPS: dict[str, float] = {"mouse": 9.0, "rat": 21.0}
#: Draws of one examination, by block of the stream; the identity is the number of the examination, from 1.
_SENSORY, _MOTOR, _MISSED_SENSATION, _MISSED_CONTRACTION, _MISSED_TRACES, _SCORE, _MUSCLES = range(7)
#: Draws of the subject stand under the number 0.
_DAY, _RIGHT, _LEFT = range(3)
_READ = {"evidence": "read", "source": "Arch Phys Med Rehabil 2022", "doi": "10.1016/j.apmr.2021.09.018"}
_UNTREATED = (
    "with the full model (row S1 of docs/validation.md), on conversion from AIS A in untreated people: Kirshblum 2021, "
    "PMC8080912; Marino 2011"
)


def _scalar(name: str, meaning: str, low: float, high: float, initial: float = 0.0) -> ArraySpec:
    return ArraySpec(f"scalar.exam_{name}", "1", meaning, initial=initial, bounds=(low, high))


_SCALARS: tuple[ArraySpec, ...] = (
    _scalar("number", "examinations so far", 0.0, np.inf),
    _scalar("score", "score of a rodent at the latest examination", 0.0, 21.0),
    _scalar("upper_motor_score", "motor score of the arms at the latest examination", 0.0, 50.0),
    _scalar("lower_motor_score", "motor score of the legs at the latest examination", 0.0, 50.0),
    _scalar("motor_score", "motor score at the latest examination", 0.0, 100.0),
    *(
        _scalar(f"motor_score_{side}", f"motor score of the {side} side at the latest examination", 0.0, 50.0)
        for side in SIDES
    ),
    _scalar("sacral_sensation", "1 if sensation at S4-S5 was found", 0.0, 1.0),
    _scalar("anal_contraction", "1 if voluntary anal contraction was found", 0.0, 1.0),
    _scalar("neurological_level", "neurological level, 0 is C1, -1 not examined yet", -1.0, INTACT, -1.0),
    _scalar("ais", "AIS grade, 0 A to 4 E, -1 not examined yet", -1.0, 4.0, -1.0),
    _scalar("ais_first", "AIS grade at the first examination, -1 not examined yet", -1.0, 4.0, -1.0),
    _scalar("ais_change", "AIS grades gained since the first examination", -4.0, 4.0),
)


def _threshold(value: float, grade: int) -> Any:
    return quantity(
        value,
        "1",
        f"share of normal input to a muscle beyond which it has grade {grade}",
        bounds=(0.0, 1.0),
        evidence="assumed",
    )


class Examination(Process):
    """Examines the subject on its days."""

    name = "examination"
    phase = Phase.TREAT
    period_h = 1.0
    provides = Provision(arrays=_SCALARS)
    reads = (
        "map.grey",
        "map.volume",
        "map.ventral",
        "map.rho",
        "fraction.grey",
        "scalar.lesion_rostral_um",
        "scalar.subject_variation",
    )
    # without the index there is nothing to examine
    optional_reads = (
        "scalar.motor_index",
        "scalar.motor_drive",
        "scalar.drive_gracile",
        "scalar.drive_spinothalamic",
        *(f"scalar.{what}_drive_{side}" for what in ("motor", "sensory") for side in SIDES),
    )
    writes = tuple(spec.name for spec in _SCALARS)
    streams = (Stream.EXAMINATION,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Days, thresholds, recovery at the edge, and the examiner."""

        first_day: float = quantity(
            1.0,
            "d",
            "mean day of the first examination",
            bounds=(0.0, 3650.0),
            evidence="assumed",
            presets={"human": 16.1},
            variants={"human": _READ},
        )
        first_day_spread: float = quantity(
            0.0,
            "d",
            "standard deviation of that day",
            bounds=(0.0, 3650.0),
            evidence="assumed",
            presets={"human": 7.3},
            variants={"human": _READ},
        )
        first_day_earliest: float = quantity(
            1.0,
            "d",
            "no first examination is before this day",
            bounds=(0.0, 3650.0),
            evidence="assumed",
            variants={"human": _READ},
        )
        first_day_latest: float = quantity(
            30.0,
            "d",
            "no first examination is after this day",
            bounds=(0.0, 3650.0),
            evidence="assumed",
            variants={"human": _READ},
        )
        interval: float = quantity(
            7.0,
            "d",
            "later examinations are at whole multiples of this time after the injury",
            bounds=(1.0, 3650.0),
            evidence="assumed",
            presets={"human": 91.25},
        )
        score_error: float = quantity(
            0.5,
            "1",
            "standard deviation of a score by the examiner: BMS, BBB, or total motor score",
            bounds=(0.0, 50.0),
            evidence="assumed",
            presets={"rat": 1.0, "human": 2.0},
        )
        sign_spread: float = quantity(
            0.25,
            "1",
            "standard deviation of the logarithm of the form of the day",
            bounds=(0.0, 2.0),
            evidence="assumed",
        )
        missed: float = quantity(
            0.03,
            "1",
            "probability with which a sign that is there is missed",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        sensory_threshold: float = quantity(
            0.065,
            "1",
            "share of normal conduction beyond which there is sensation at S4-S5",
            bounds=(0.0, 1.0),
            evidence="calibrated",
            source=_UNTREATED,
        )
        motor_threshold: float = quantity(
            0.062,
            "1",
            "share of normal drive beyond which there is voluntary anal contraction",
            bounds=(0.0, 1.0),
            evidence="calibrated",
            source=_UNTREATED,
        )
        grade_1: float = _threshold(0.062, 1)
        grade_2: float = _threshold(0.083, 2)
        grade_3: float = _threshold(0.103, 3)
        grade_4: float = _threshold(0.15, 4)
        grade_5: float = _threshold(0.40, 5)
        edge_recovery: float = quantity(
            0.75,
            "1",
            "segments that come back at the edge of the lesion in the median patient, each side",
            bounds=(0.0, 20.0),
            evidence="assumed",
        )
        edge_recovery_spread: float = quantity(
            0.75, "1", "standard deviation of its logarithm", bounds=(0.0, 2.0), evidence="assumed"
        )
        edge_recovery_correlation: float = quantity(
            0.5, "1", "correlation of the two sides in it", bounds=(-1.0, 1.0), evidence="assumed"
        )
        edge_recovery_living: bool = switch(
            False, "a segment comes back no further than its own living motor neurons allow"
        )
        edge_recovery_time: float = quantity(
            90.0, "d", "time constant with which it comes", bounds=(0.1, 3650.0), evidence="assumed"
        )

        def link(self) -> findings.Link:
            """Return the numbers by which signs and grades follow."""
            grades = (self.grade_1, self.grade_2, self.grade_3, self.grade_4, self.grade_5)
            return findings.Link(
                grades,
                self.sensory_threshold,
                self.motor_threshold,
                self.sign_spread,
                self.missed,
                self.score_error,
            )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        self._days = Days(0.0, 1.0)

    def prepare(self, tissue: Tissue) -> None:
        """Draw the day of the first examination."""
        from cordgraft.kernels.random import uniforms

        draw = float(uniforms(tissue.setting.seed, [0], 0, Stream.EXAMINATION, _DAY)[0])
        self._days = Days(first_day(self.params, draw), self.params.interval)

    def step(self, tissue: Tissue, key: Key) -> None:
        """Examine, if an examination is due."""
        number = int(tissue.scalar("exam_number")) + 1
        if key.tick < self._days.tick_of(number, tissue) or "scalar.motor_index" not in tissue:
            return
        if tissue.setting.species == "human":
            self._examine_human(tissue, number, key.tick)
        else:
            top = TOPS[tissue.setting.species]
            off = self.params.score_error * _normal(tissue.setting.seed, number, _SCORE)
            score = round(top * tissue.scalar("motor_index") + off)
            tissue.set_scalar("exam_score", min(top, max(0.0, score)))
        tissue.set_scalar("exam_number", number)

    def event(self, tissue: Tissue, tick: int) -> str:
        """Return what was found in a person at this tick."""
        number = int(tissue.scalar("exam_number"))
        human = tissue.setting.species == "human"
        if not human or number == 0 or self._days.tick_of(number, tissue) != tick:
            return ""
        level = NEUROLOGICAL_LEVELS[int(tissue.scalar("exam_neurological_level"))]
        arms, legs = (int(tissue.scalar(f"exam_{limb}_motor_score")) for limb in ("upper", "lower"))
        grade = AIS_GRADES[int(tissue.scalar("exam_ais"))]
        return f"examination {number}: AIS {grade}, level {level}, motor score {arms + legs} (arms {arms}, legs {legs})"

    def _examine_human(self, tissue: Tissue, number: int, tick: int) -> None:
        found = findings.examine(
            self.cord(tissue, tick), draws_of(tissue.setting.seed, number), self.params.link()
        )
        classified = findings.classified(found)
        arms, legs = findings.motor_scores(found.muscles)
        grade = float(classified.grade)
        if number == 1:
            tissue.set_scalar("exam_ais_first", grade)
        for name, value in (
            ("upper_motor_score", arms),
            ("lower_motor_score", legs),
            ("motor_score", arms + legs),
            *((f"motor_score_{side}", score) for side, score in zip(SIDES, found.muscles.sum(axis=-1), strict=True)),
            ("sacral_sensation", found.sacral_sensation),
            ("anal_contraction", found.anal_contraction),
            ("neurological_level", classified.level),
            ("ais", grade),
            ("ais_change", grade - tissue.scalar("exam_ais_first")),
        ):
            tissue.set_scalar(f"exam_{name}", float(value))

    def cord(self, tissue: Tissue, tick: int) -> findings.Cord:
        """Return what there is to be found in this patient at a tick."""
        p, seed = self.params, tissue.setting.seed
        variation = tissue.scalar("subject_variation")
        right, other = (variation * _normal(seed, 0, block) for block in (_RIGHT, _LEFT))
        xi = np.array([right, findings.correlated(right, other, p.edge_recovery_correlation)])
        days = tissue.clock.days(tick)
        above, below = neurons_left(tissue)
        motor, felt = (
            np.array([tissue.scalar(f"{what}_drive_{side}") for side in SIDES])
            for what in ("motor", "sensory")
        )
        return findings.Cord(
            drive=tissue.scalar("motor_drive"),
            felt=0.5 * (tissue.scalar("drive_gracile") + tissue.scalar("drive_spinothalamic")),
            drives=motor,
            felts=felt,
            above=above,
            below=below,
            pool=above + below if p.edge_recovery_living else np.ones_like(above),
            regained=findings.regained_segments(
                p.edge_recovery, p.edge_recovery_spread, xi, days, p.edge_recovery_time
            ),
            first=first_level_lost(tissue, p.grade_5),
        )


class Days(NamedTuple):
    """When a subject is examined, days after the injury: the first time, then at multiples of an interval."""

    first: float
    interval: float

    def day_of(self, number: int) -> float:
        """Return the day of an examination, which are counted from 1."""
        if number == 1:
            return self.first
        return (floor(self.first / self.interval) + number - 1) * self.interval

    def tick_of(self, number: int, tissue: Tissue) -> int:
        """Return the tick nearest to that day, but not tick 0: there function is still that before the injury."""
        return max(1, tissue.clock.tick_at(HOURS * self.day_of(number)))


def first_day(params: Examination.Params, draw: float) -> float:
    """Return the day of the first examination from a uniform number: a normal one, cut off at both ends."""
    low, high = params.first_day_earliest, max(params.first_day_earliest, params.first_day_latest)
    if params.first_day_spread == 0.0:
        return min(high, max(low, params.first_day))
    normal = NormalDist(params.first_day, params.first_day_spread)
    begin, end = normal.cdf(low), normal.cdf(high)
    # where next to nothing lies between the ends, the inverse leaves them
    share = min(1.0 - 1e-15, max(1e-300, begin + draw * (end - begin)))
    return min(high, max(low, normal.inv_cdf(share)))


def draws_of(seed: int, number: int) -> findings.Draws:
    """Return the chance of an examination of a subject; a pure function of both."""
    from cordgraft.kernels.random import normals, uniforms

    def uniform(block: int) -> float:
        return float(uniforms(seed, [number], 0, Stream.EXAMINATION, block)[0])

    # a muscle is an identity of its own: its number in the high word
    each = (np.arange(findings.SIDES * findings.MUSCLES, dtype=np.uint64) << np.uint64(32)) + np.uint64(
        number
    )
    muscles = normals(seed, each, 0, Stream.EXAMINATION, _MUSCLES)
    return findings.Draws(
        _normal(seed, number, _SENSORY),
        _normal(seed, number, _MOTOR),
        uniform(_MISSED_SENSATION),
        uniform(_MISSED_CONTRACTION),
        uniform(_MISSED_TRACES),
        muscles.reshape(findings.SIDES, findings.MUSCLES),
    )


def _normal(seed: int, number: int, block: int) -> float:
    from cordgraft.kernels.random import normals

    return float(normals(seed, [number], 0, Stream.EXAMINATION, block)[0])


def first_level_lost(tissue: Tissue, enough: float) -> int:
    """Return the number of the first level of which no more than the share `enough` lies rostral of the lesion."""
    setting = tissue.setting
    edge = tissue.scalar("lesion_rostral_um") / setting.segment_um
    beyond = ceil(0.5 - enough - edge)
    return min(INTACT, max(1, NEUROLOGICAL_LEVELS.index(setting.level) + beyond))


def neurons_left(tissue: Tissue) -> tuple[Any, Any]:
    """Return the shares of the motor neurons of each key segment that live rostral of the edge, and beyond it.

    ``sum g w / sum g0 w`` over the layers of the segment, ``g`` grey matter now and ``g0`` before the injury, ``w``
    volume times the ventral weight ``(1 + sin phi)/2``; in a section times ``rho``, for the whole cord. In a volume
    each side has its own half, of which a plane in the middle belongs to both; in a section both have all. The injured
    segment lies in the middle of the lattice. A segment outside it is as it was.

    Returns
    -------
    above, below : (2, 10) float64
        Right and left.
    """
    lattice, setting = tissue.lattice, tissue.setting
    weight = tissue["map.volume"] * tissue["map.ventral"]
    if lattice.is_section:
        sides = np.ones((findings.SIDES, lattice.shape[0]))
        weight = weight * tissue["map.rho"]
    else:
        x = lattice.axis_um(0)
        sides = 0.5 * (1.0 + np.sign([x, -x]))
    before, now = (
        np.array([(of * weight * side[:, None, None]).sum(axis=(0, 1)) for side in sides])
        for of in (tissue["map.grey"], tissue["fraction.grey"])
    )
    z, edge = lattice.axis_um(2), tissue.scalar("lesion_rostral_um")
    above, below = np.zeros((2, findings.SIDES, len(KEY_LEVELS)))
    injured = NEUROLOGICAL_LEVELS.index(setting.level)
    for row, level in enumerate(KEY_LEVELS):
        middle = (injured - level) * setting.segment_um
        layers = np.abs(z - middle) <= 0.5 * setting.segment_um
        for side in range(findings.SIDES):
            total = float(before[side, layers].sum())
            if total > 0.0:
                above[side, row] = float(now[side, layers & (z > edge)].sum()) / total
                below[side, row] = float(now[side, layers & (z <= edge)].sum()) / total
            else:
                above[side, row], below[side, row] = (1.0, 0.0) if middle > edge else (0.0, 1.0)
    return above, below
