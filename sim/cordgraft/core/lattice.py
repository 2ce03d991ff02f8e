"""The lattice: always three-dimensional, indexed ``[x, y, z]`` = (right, anterior, superior).

The rostro-caudal axis ``z`` is the contiguous one. A mid-sagittal section is a lattice with one voxel along
``x`` whose spacing is the thickness of the slab; flat axes cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The long axis is rounded up to a multiple of this many voxels (whole vector registers, even coarsening).
Z_MULTIPLE = 16


@dataclass(frozen=True)
class Lattice:
    """Shape, spacing and place of the voxels.

    Parameters
    ----------
    shape : (nx, ny, nz)
    spacing_um : (dx, dy, dz)
        Voxel edges, um.
    origin_um : (x0, y0, z0)
        Centre of voxel ``[0, 0, 0]`` in cord coordinates, um: the axis of the cord is x = y = 0, the middle of
        the injury z = 0, rostral positive.
    """

    shape: tuple[int, int, int]
    spacing_um: tuple[float, float, float]
    origin_um: tuple[float, float, float]

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.shape) or any(not d > 0.0 for d in self.spacing_um):
            raise ValueError(
                f"a lattice needs voxels of positive size, not {self.shape} of {self.spacing_um} um"
            )

    @classmethod
    def centred(
        cls, extent_um: tuple[float, float, float], spacing_um: tuple[float, float, float]
    ) -> Lattice:
        """Return the lattice that covers `extent_um` symmetrically round the origin.

        A voxel count is the extent over the spacing, rounded up; along ``z`` up to a multiple of `Z_MULTIPLE`.
        """
        counts = [max(1, int(np.ceil(e / d - 1e-9))) for e, d in zip(extent_um, spacing_um, strict=True)]
        counts[2] = -(-counts[2] // Z_MULTIPLE) * Z_MULTIPLE
        origin = tuple(-0.5 * (n - 1) * d for n, d in zip(counts, spacing_um, strict=True))
        return cls((counts[0], counts[1], counts[2]), spacing_um, (origin[0], origin[1], origin[2]))

    @property
    def size(self) -> int:
        """Number of voxels."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def is_section(self) -> bool:
        """Whether the lattice is one voxel wide (a sagittal section)."""
        return self.shape[0] == 1

    @property
    def voxel_um3(self) -> float:
        """Volume of one voxel, um3."""
        return self.spacing_um[0] * self.spacing_um[1] * self.spacing_um[2]

    @property
    def extent_um(self) -> tuple[float, float, float]:
        """Full edge lengths, um."""
        x, y, z = (n * d for n, d in zip(self.shape, self.spacing_um, strict=True))
        return (x, y, z)

    def axis_um(self, axis: int) -> NDArray[np.float64]:
        """Return the voxel centres along one axis : (n,) float64, um."""
        return self.origin_um[axis] + self.spacing_um[axis] * np.arange(self.shape[axis], dtype=np.float64)

    def centres_um(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return x, y, z of the voxel centres as arrays that broadcast to the shape, um."""
        return (
            self.axis_um(0)[:, None, None],
            self.axis_um(1)[None, :, None],
            self.axis_um(2)[None, None, :],
        )

    def plane_index(self, z_um: float) -> int:
        """Return the index of the voxel layer that holds the plane ``z = z_um``, clipped to the lattice."""
        index = int(np.floor((z_um - self.origin_um[2]) / self.spacing_um[2] + 0.5))
        return min(max(index, 0), self.shape[2] - 1)

    def contains_um(self, x: float, y: float, z: float) -> bool:
        """Whether the point lies within the outer faces of the lattice."""
        return all(
            origin - 0.5 * spacing <= value <= origin + (n - 0.5) * spacing
            for value, origin, spacing, n in zip(
                (x, y, z), self.origin_um, self.spacing_um, self.shape, strict=True
            )
        )
