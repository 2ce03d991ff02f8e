"""Courses of drugs: from which tick to which one is given, and what several of them leave together.

Drugs of one kind multiply what they leave: ``1 - i = product of (1 - strength)`` over those that are given. The
strength in force is always taken from the whole list of courses, never from what it was before: so it is exactly zero
again when the last one has ended, whatever was given together, and the same for every order of beginnings and ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Course(NamedTuple):
    """One drug: `first` tick under it, `last` the first tick without it again, `strength` the share it takes (0-1)."""

    first: int
    last: int
    strength: float


def span(tissue: Any, at_h: float, duration_h: float) -> tuple[int, int]:
    """Return the first tick under a drug and the first one without it again; hours after the injury."""
    first = int(tissue.clock.tick_at(at_h))
    return first, max(first + 1, int(tissue.clock.tick_at(at_h + duration_h)))


def enrol(tissue: Any, scalar: str, label: str, params: Any) -> None:
    """Put a drug on the list of those that act through ``scalar.SCALAR``; once more changes nothing.

    Parameters
    ----------
    tissue : Tissue
        Keeps the list in `Tissue.courses`; it is no state, each run and each resumed one makes it anew.
    scalar : str
        Name of the number that the drug acts through.
    label : str
        Of the treatment.
    params : Params
        With `at` and `duration` (h) and `strength` (share, 0-1).
    """
    course = Course(*span(tissue, params.at, params.duration), params.strength)
    tissue.courses.setdefault(scalar, {})[label] = course


def put_in_force(tissue: Any, scalar: str, tick: int) -> None:
    """Write what all enrolled drugs take together at this tick, if one of them begins or ends."""
    courses = tissue.courses[scalar].values()
    if any(tick in (course.first, course.last) for course in courses):
        left = 1.0
        for course in courses:
            if course.first <= tick < course.last:
                left *= 1.0 - course.strength
        tissue.set_scalar(scalar, 1.0 - left)
