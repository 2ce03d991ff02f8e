"""What an examiner last wrote down: rounded scores of rodents, motor scores and AIS grade of people."""

from __future__ import annotations

import math

from cordgraft.core.examined import EXAMINED_PEOPLE, EXAMINED_SCALES
from cordgraft.record.outcome import Numbers, Outcome, number, numbers
from cordgraft.record.scene import Scene


def _written_down(scene: Scene, name: str) -> float:
    """Return a scalar of the latest examination, NaN before the first one."""
    examined = scene.scalar("scalar.exam_number")
    return scene.scalar(f"scalar.{name}") if examined > 0.0 else math.nan


@number("exam_number")
def examinations(scene: Scene) -> float:
    """Number of examinations so far, from the examination."""
    return scene.scalar("scalar.exam_number")


@numbers(*EXAMINED_PEOPLE)
def human(scene: Scene) -> Numbers:
    """Motor scores, signs at S4-S5, neurological level and AIS grade of the latest examination."""
    return [_written_down(scene, name) for name in EXAMINED_PEOPLE]


def outcomes(species: str) -> tuple[Outcome, ...]:
    """Return the outcomes of the examination of a species."""
    if species == "human":
        return (examinations, human)
    if species not in EXAMINED_SCALES:
        return (examinations,)

    @number(EXAMINED_SCALES[species][0])
    def score(scene: Scene) -> float:
        """Score of the latest examination on the scale of the species, a whole number."""
        return _written_down(scene, "exam_score")

    return (examinations, score)
