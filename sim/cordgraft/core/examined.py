"""What an examination writes down: the words behind its numbers, and the rows of its series in the dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

#: Grades of the impairment scale in the order of their numbers: 0 is A, 4 is E.
AIS_GRADES: tuple[str, ...] = ("A", "B", "C", "D", "E")
#: Levels in the order of their numbers: 0 is C1; S4-5, the last one, means that nothing is lost.
NEUROLOGICAL_LEVELS: tuple[str, ...] = (
    *(f"C{number}" for number in range(1, 9)),
    *(f"T{number}" for number in range(1, 13)),
    *(f"L{number}" for number in range(1, 6)),
    *("S1", "S2", "S3", "S4-5"),
)
#: Sides of the body, in the order in which they are written down.
SIDES: tuple[str, ...] = ("right", "left")
#: Score that an examiner gives a rodent: species -> series, long name. Read from ``scalar.exam_score``.
EXAMINED_SCALES: dict[str, tuple[str, str]] = {
    "mouse": ("exam_bms", "Basso mouse scale, 0-9, as examined"),
    "rat": ("exam_bbb", "Basso-Beattie-Bresnahan scale, 0-21, as examined"),
}
_LAST = len(NEUROLOGICAL_LEVELS) - 1
_GRADES = "0 is A, 1 B, 2 C, 3 D, 4 E; by the rules of the examination on the signs that were found"
_LEVELS = f"number in the list C1 to S4-5: 0 is C1, 8 T1, 20 L1, 25 S1, {_LAST} nothing lost"
_FOUND = "1 if it was found, 0 if not"
_MUSCLES = "ten key muscles graded 0-5"
#: Series of people, each read from the scalar of the same name: name -> long name, definition.
EXAMINED_PEOPLE: dict[str, tuple[str, str]] = {
    "exam_upper_motor_score": ("motor score of the arms, 0-50, at the latest examination", _MUSCLES),
    "exam_lower_motor_score": ("motor score of the legs, 0-50, at the latest examination", _MUSCLES),
    "exam_motor_score": ("motor score, 0-100, at the latest examination", "sum of arms and legs"),
    **{
        f"exam_motor_score_{side}": (f"motor score of the {side} side, 0-50, at the latest examination", _MUSCLES)
        for side in SIDES
    },
    "exam_sacral_sensation": ("sensation at S4-S5 at the latest examination", _FOUND),
    "exam_anal_contraction": ("voluntary anal contraction at the latest examination", _FOUND),
    "exam_neurological_level": ("neurological level at the latest examination", _LEVELS),
    "exam_ais": ("AIS grade at the latest examination", _GRADES),
    "exam_ais_first": ("AIS grade at the first examination", _GRADES),
    "exam_ais_change": ("AIS grades gained since the first examination", "last grade minus first"),
}


class ExaminedRow(NamedTuple):
    """One series: what `core.schema.SeriesSpec` is made of, in its order."""

    name: str
    unit: str
    long_name: str
    source: str
    missing: str
    definition: str


def examined_rows(species: str) -> Iterator[ExaminedRow]:
    """Yield the series of the examination of a species."""
    off = "without the mechanism"
    never = "before the first examination, or without the mechanism or the function index"
    yield ExaminedRow("exam_number", "1", "examinations so far", "examination", off, "")
    if species in EXAMINED_SCALES:
        name, long_name = EXAMINED_SCALES[species]
        definition = "a whole number, with the error of the examiner"
        yield ExaminedRow(name, "1", long_name, "examination", never, definition)
    if species == "human":
        for name, (long_name, definition) in EXAMINED_PEOPLE.items():
            yield ExaminedRow(name, "1", long_name, "examination", never, definition)
