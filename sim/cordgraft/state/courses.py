"""Courses of drugs: from which tick to which one is given, and what several of them leave together.

Drugs of one kind multiply what they leave: ``1 - i = product of (1 - strength)`` over those that are given. The
strength in force is always taken from the whole list of courses, never from what it was before: so it is exactly zero
again when the last one has ended, whatever was given together, and the same for every order of beginnings and ends.
A drug that acts more in one place than in another does so voxel by voxel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.state.depth import depth_um
from cordgraft.state.injections import ball


class Site(NamedTuple):
    """Where a drug acts: from the surface of the cord inwards, or in the ball that an injection fills.

    Parameters
    ----------
    penetration_um : float or None
        Length over which it falls with the depth below the surface, to 1/e; None for an injection.
    position_um, depth_um, volume_um3 : float
        See `cordgraft.state.injections.ball`; for an injection.
    """

    penetration_um: float | None
    position_um: float = 0.0
    depth_um: float = 0.0
    volume_um3: float = 0.0

    def reach(self, tissue: Any) -> NDArray[np.float64]:
        """Return the share of its full strength that the drug has in each voxel : (x, y, z) float64; 0 outside."""
        if self.penetration_um is None:
            return ball(tissue, self.position_um, self.depth_um, self.volume_um3).astype(np.float64)
        return np.where(tissue["map.cord"] > 0, np.exp(-depth_um(tissue) / self.penetration_um), 0.0)


class Course(NamedTuple):
    """One drug: `first` tick under it, `last` the first tick without it again, `strength` the share it takes (0-1).

    `site` says where it acts, and is None for a drug that acts through one number alike everywhere.
    """

    first: int
    last: int
    strength: float
    site: Site | None = None


def span(tissue: Any, at_h: float, duration_h: float) -> tuple[int, int]:
    """Return the first tick under a drug and the first one without it again; hours after the injury."""
    first = int(tissue.clock.tick_at(at_h))
    return first, max(first + 1, int(tissue.clock.tick_at(at_h + duration_h)))


def enrol(tissue: Any, scalar: str, label: str, params: Any, site: Site | None = None) -> None:
    """Put a drug on the list of those that act through ``scalar.SCALAR``; once more changes nothing.

    Parameters
    ----------
    tissue : Tissue
        Keeps the list in `Tissue.courses`; it is no state, each run and each resumed one makes it anew.
    scalar : str
        Name of the number that the drug acts through; of one with a site, full name of the array.
    label : str
        Of the treatment.
    params : Params
        With `at` and `duration` (h) and `strength` (share, 0-1).
    site : Site or None
        Where it acts.
    """
    course = Course(*span(tissue, params.at, params.duration), params.strength, site)
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


def put_map_in_force(tissue: Any, name: str, tick: int) -> None:
    """Write what all drugs with a site that are enrolled for an array take together in each voxel; else as above."""
    courses = tissue.courses.get(name, {}).values()
    if any(tick in (course.first, course.last) for course in courses):
        left = np.ones(tissue.lattice.shape)
        for course in courses:
            if course.first <= tick < course.last:
                left *= 1.0 - course.strength * course.site.reach(tissue)
        tissue[name][...] = 1.0 - left
