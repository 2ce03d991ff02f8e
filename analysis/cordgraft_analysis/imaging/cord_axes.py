"""Turning volumes to the axes in which a cord is measured: across, from dorsal to ventral, from inferior to superior.

Only flips and permutations, nothing is resampled, so a measure is the same for all 48 ways to store a volume. For a
person's scan (dorsal is posterior) the axes are those of the Spinal Cord Toolbox ("RPI" in its words, "LAS" in those
of nibabel), so slice numbers agree with its tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.orientation import turn_of
from cordgraft_analysis.imaging.volume import Array, Floats

#: Sides of the scanner that can be dorsal: world axis and direction (-1 towards left, posterior).
SIDES: dict[str, tuple[int, int]] = {"P": (1, -1), "A": (1, 1), "L": (0, -1), "R": (0, 1)}
#: Largest cosine between two voxel axes; more is a shear, and areas and angles would be wrong.
LARGEST_SHEAR = 0.01


@dataclass(frozen=True)
class CordAxes:
    """How the axes of a volume become across, dorsal to ventral, inferior to superior.

    Parameters
    ----------
    order : (3,) of int
        Axis of the volume that becomes axis 0, 1, 2.
    flips : (3,) of int
        -1 where it is then reversed.
    spacing_mm : (3,) of float
        Edges of a voxel along the three new axes, mm.
    voxel_mm3 : float
    """

    order: tuple[int, int, int]
    flips: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    voxel_mm3: float

    def turn(self, data: Array) -> Array:
        """Return a view of an array along the axes of the cord."""
        return data.transpose(self.order)[tuple(slice(None, None, flip) for flip in self.flips)]


def cord_axes(affine: Floats, dorsal: str = "P") -> CordAxes:
    """Return how a volume with this affine is turned.

    Parameters
    ----------
    affine : (4, 4) float64
        Voxel index to scanner mm, RAS.
    dorsal : {"P", "A", "L", "R"}
        Side of the scanner towards which the subject's back lies.

    Raises
    ------
    BadInput
        If the affine is singular or sheared, or the side is none of the four.
    """
    if dorsal not in SIDES:
        raise BadInput(
            Problem(
                "the dorsal side of the subject is unknown",
                key="dorsal",
                value=repr(dorsal),
                allowed="P (posterior: people), A (anterior: most rodents), L (left) or R (right)",
            )
        )
    matrix = np.asarray(affine, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise BadInput(Problem("the affine is no finite 4 by 4 matrix", key="affine"))
    columns = matrix[:3, :3]
    lengths = np.sqrt((columns**2).sum(axis=0))
    volume = abs(float(np.linalg.det(columns)))
    if lengths.min() <= 0.0 or volume < 1e-9 * float(lengths.prod()):
        raise BadInput(Problem("the affine is singular: it gives the voxels no volume", key="affine"))
    directions = columns / lengths
    shear = max(abs(float(directions[:, a] @ directions[:, b])) for a, b in ((0, 1), (0, 2), (1, 2)))
    if shear > LARGEST_SHEAR:
        raise BadInput(
            Problem(
                "the voxel axes are not at right angles, so no area could be measured; resample the volume first",
                key="affine",
                value=f"a cosine of {shear:.3f}",
                allowed=f"at most {LARGEST_SHEAR:g}",
            )
        )
    nearest = turn_of(matrix)
    world, towards = SIDES[dorsal]
    # Slices are counted from the right (from anterior for a subject on its side), as SCT counts them.
    across, away = (0, -1) if world == 1 else (1, -1)
    order = (nearest.order[across], nearest.order[world], nearest.order[2])
    flips = (away * nearest.flips[across], -towards * nearest.flips[world], nearest.flips[2])
    x, y, z = (float(lengths[axis]) for axis in order)
    return CordAxes(order, flips, (x, y, z), volume)
