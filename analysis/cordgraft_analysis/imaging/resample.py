"""From the fine grid of a simulation to the voxels of an image, by averaging over volume.

Two ways, the choice follows from the grids:

* `Aligned`: voxel edges of both are parallel. Overlaps are exact, one matrix per axis.
* `Oblique` (module `oblique`): turned or bent. Every simulated voxel is shared out over the image voxels that it
  touches, and the shares are balanced.

Both keep the volume of every simulated voxel inside the image, so that no tissue gains or loses, however thin it is.
Blur in the plane of a slice is a Gaussian; across slices the profile is the box of the voxel. Masks are not blurred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cordgraft_analysis.imaging.cord_placing import Placing, Shift
from cordgraft_analysis.imaging.grid import Grid, nowhere
from cordgraft_analysis.imaging.oblique import Oblique
from cordgraft_analysis.imaging.overlap import blur_matrix, overlap_matrix
from cordgraft_analysis.imaging.sharing import Axes, faces_of
from cordgraft_analysis.imaging.volume import Array, Floats


class Resampler(Protocol):
    """Takes quantities per volume from the fine grid to the image."""

    def image(self, values: Array, blurred: bool) -> Floats:
        """Return the mean of `values` : (x, y, z) over every voxel of the image."""


def resampler(
    axes_mm: Axes, steps_mm: tuple[float, float, float], placing: Placing, grid: Grid, psf: float
) -> Resampler:
    """Return the way from a straight fine grid to the voxels of an image.

    Parameters
    ----------
    axes_mm : three (n,) float64
        Voxel centres of the fine grid, evenly spaced.
    steps_mm : three float
        Its voxel edges.
    placing : Placing
    grid : Grid
    psf : float
        Full width at half maximum of the blur in the plane of a slice, in voxels; 0 for none.

    Raises
    ------
    BadInput
        If the cord does not lie in the image, or the image has too many voxels round it.
    """
    if isinstance(placing, Shift) and grid.is_upright:
        return Aligned.of(axes_mm, steps_mm, placing, grid, psf)
    return Oblique.of(axes_mm, steps_mm, placing, grid, psf)


@dataclass(frozen=True)
class Aligned:
    """Exact overlap on parallel edges: a matrix per axis, with and without blur."""

    sharp: tuple[Floats, Floats, Floats]
    blurred: tuple[Floats, Floats, Floats]

    @classmethod
    def of(
        cls, axes_mm: Axes, steps_mm: tuple[float, float, float], shift: Shift, grid: Grid, psf: float
    ) -> Aligned:
        """Return the matrices of two grids."""
        sharp, blurred = [], []
        for axis, (centres, step) in enumerate(zip(axes_mm, steps_mm, strict=True)):
            source, target = faces_of(centres, step) + shift.offset_mm[axis], grid.faces_mm(axis)
            if source[-1] <= target[0] or source[0] >= target[-1]:
                raise nowhere(grid)
            sharp.append(overlap_matrix(source, target))
            across = axis == grid.slice_axis
            blurred.append(sharp[-1] if across else blur_matrix(source, target, psf))
        return cls((sharp[0], sharp[1], sharp[2]), (blurred[0], blurred[1], blurred[2]))

    def image(self, values: Array, blurred: bool) -> Floats:
        """Return the mean of `values` : (x, y, z) over every voxel of the image."""
        x, y, z = self.blurred if blurred else self.sharp
        # Along the cord first: that shrinks a fine grid most.
        part = np.tensordot(np.asarray(values, dtype=np.float64), z, axes=(2, 1))
        part = np.tensordot(y, part, axes=(1, 1))  # (Y, x, Z)
        return np.ascontiguousarray(np.tensordot(x, part, axes=(1, 1)))


def images(way: Resampler, channels: Mapping[str, Array], blurred: bool) -> dict[str, Floats]:
    """Return every channel on the voxels of the image; a channel that is zero everywhere is not computed."""
    return {
        name: way.image(values, blurred)
        for name, values in channels.items()
        if bool(np.any(values)) or name == "frac_white"
    }
