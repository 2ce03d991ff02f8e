"""The rules of a neurological examination: from key muscles and sensation to levels and a grade on the AIS.

Pure functions, after the published standards (ISNCSCI; definitions of the grades read in PMC4303793). They take what an
examiner wrote down and know nothing of a model, so they can be held to examples worked out by hand.

*Motor level* of a side: the most caudal key muscle with grade 3 or more, if all key muscles above it are 5. Where no
muscle stands for a segment (C1-C4, T2-L1, S2-S5) it is the sensory level, if all that can be tested above is normal.
*Neurological level*: the most rostral of the two sensory and the two motor levels.

========  =====================================================================================================
AIS       rule
========  =====================================================================================================
A         no sensation and no voluntary contraction at S4-S5
B         sensation at S4-S5, but no voluntary anal contraction, and on neither side a key muscle with any
          function more than three levels below the motor level of that side
C         voluntary anal contraction; or sensation at S4-S5 with such a muscle. Fewer than half of the key muscles
          below the neurological level have grade 3 or more
D         the same, with at least half of them (a level below which there is no key muscle counts as D)
E         all muscles and all sensation normal
========  =====================================================================================================

Left out: light touch and pin prick per dermatome (a side has one sensory level here), muscles other than the key
muscles, grades that could not be tested, and zones of partial preservation.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from cordgraft.core.examined import AIS_GRADES, NEUROLOGICAL_LEVELS

#: Level -> number, from 0 for C1; S4-5, the last one, means that nothing is lost.
NUMBER: dict[str, int] = {level: number for number, level in enumerate(NEUROLOGICAL_LEVELS)}
INTACT = len(NEUROLOGICAL_LEVELS) - 1
#: Segments with a key muscle, and where each of them stands in the list of levels: arms first, then legs.
KEY_SEGMENTS: tuple[str, ...] = ("C5", "C6", "C7", "C8", "T1", "L2", "L3", "L4", "L5", "S1")
KEY_LEVELS: tuple[int, ...] = tuple(NUMBER[segment] for segment in KEY_SEGMENTS)
ARM = 5  # number of key muscles of an arm; the others are those of a leg
NORMAL = 5  # grade of a normal muscle
USEFUL = 3  # grade that moves a joint against gravity
FAR = 3  # levels below the motor level beyond which motor function counts for the grade


class AIS(IntEnum):
    """Grade on the impairment scale; the number is the one that is recorded."""

    A = 0
    B = 1
    C = 2
    D = 3
    E = 4


assert tuple(grade.name for grade in AIS) == AIS_GRADES


class Side(NamedTuple):
    """One side of the body as it was examined.

    Attributes
    ----------
    muscles : sequence of 10 int
        Grades 0-5 in the order of `KEY_SEGMENTS`.
    sensory_level : int
        Number of the most caudal level with normal sensation; `INTACT` where all is normal.
    """

    muscles: Sequence[int]
    sensory_level: int


class Classified(NamedTuple):
    """What follows from an examination; levels as numbers of `NEUROLOGICAL_LEVELS`."""

    motor_right: int
    motor_left: int
    level: int
    grade: AIS


def motor_level(side: Side) -> int:
    """Return the number of the motor level of a side."""
    muscles, felt = side
    level = NUMBER["C4"]
    if felt < level:
        return felt
    for first, last, below in ((0, ARM, NUMBER["L1"]), (ARM, len(KEY_LEVELS), INTACT)):
        for muscle in range(first, last):
            if muscles[muscle] < USEFUL:
                return level
            level = KEY_LEVELS[muscle]
            if muscles[muscle] < NORMAL:
                return level
        # no muscle stands for the segments that follow: their level is that of sensation
        if felt < below:
            return max(level, felt)
        level = below
    return level


def moves_far_below(side: Side, level: int) -> bool:
    """Whether a key muscle more than three levels below the motor level of its side has any function."""
    return any(grade > 0 and at - level > FAR for grade, at in zip(side.muscles, KEY_LEVELS, strict=True))


def useful_share(right: Side, left: Side, level: int) -> float:
    """Return the share of the key muscles below a level with grade 3 or more; 1 where there is none below it."""
    below = [
        grade
        for side in (right, left)
        for grade, at in zip(side.muscles, KEY_LEVELS, strict=True)
        if at > level
    ]
    return sum(grade >= USEFUL for grade in below) / len(below) if below else 1.0


def classify(right: Side, left: Side, *, sacral_sensation: bool, anal_contraction: bool) -> Classified:
    """Return levels and grade of an examination.

    Parameters
    ----------
    right, left : Side
    sacral_sensation : bool
        Light touch or pin prick at S4-S5, or deep anal pressure.
    anal_contraction : bool
        Voluntary.

    Raises
    ------
    ValueError
        For grades outside 0-5, another number of muscles, or a level that does not exist.
    """
    for side in (right, left):
        if len(side.muscles) != len(KEY_LEVELS) or not all(0 <= grade <= NORMAL for grade in side.muscles):
            raise ValueError(f"a side has {len(KEY_LEVELS)} key muscles graded 0-5, not {list(side.muscles)}")
        if not 0 <= side.sensory_level <= INTACT:
            raise ValueError(f"there is no level number {side.sensory_level}")
    motor = motor_level(right), motor_level(left)
    level = min(*motor, right.sensory_level, left.sensory_level)
    far = moves_far_below(right, motor[0]) or moves_far_below(left, motor[1])
    if not (sacral_sensation or anal_contraction):
        grade = AIS.A
    elif not (anal_contraction or far):
        grade = AIS.B
    elif level == INTACT and sacral_sensation and anal_contraction:
        grade = AIS.E
    else:
        grade = AIS.D if useful_share(right, left, level) >= 0.5 else AIS.C
    return Classified(*motor, level, grade)
