"""The voxels of an image: how many, how large, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.centreline import apply_affine
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.volume import Floats, edges_mm, volume_mm3


@dataclass(frozen=True)
class Grid:
    """The voxels of an image: how many, and the affine from index to mm, whose axes grow right, anterior, superior."""

    shape: tuple[int, int, int]
    affine: Floats

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edges of a voxel, mm."""
        return edges_mm(self.affine)

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel, mm3."""
        return volume_mm3(self.affine)

    @property
    def centre_mm(self) -> tuple[float, float, float]:
        """Middle of the grid, mm."""
        x, y, z = apply_affine(self.affine, 0.5 * (np.array(self.shape, dtype=np.float64) - 1.0))
        return float(x), float(y), float(z)

    @property
    def slice_axis(self) -> int:
        """Axis across the slices: the coarsest one; left-right (sagittal slices) where all are alike within 1 %."""
        spacing = self.spacing_mm
        return 0 if max(spacing) <= 1.01 * spacing[0] else int(np.argmax(spacing))

    @property
    def is_upright(self) -> bool:
        """Whether the edges are parallel to the axes of the world."""
        turn = self.affine[:3, :3]
        return bool(
            (np.abs(turn - np.diag(np.diag(turn))).max(axis=0) <= 1e-6 * np.array(self.spacing_mm)).all()
            and (np.diag(turn) > 0.0).all()
        )

    def faces_mm(self, axis: int) -> Floats:
        """Return the faces along one axis of an upright grid : (n + 1,) mm."""
        step, first = self.affine[axis, axis], self.affine[axis, 3]
        return np.asarray(first + step * (np.arange(self.shape[axis] + 1) - 0.5))


def nowhere(grid: Grid) -> BadInput:
    """Return the error for a cord that lies outside the image."""
    x, y, z = grid.centre_mm
    return BadInput(
        Problem(
            "the simulated cord does not lie in the image",
            key="--like",
            value=f"an image of {' x '.join(map(str, grid.shape))} voxels centred on {x:.4g}, {y:.4g}, {z:.4g} mm",
            allowed="an image that holds part of the cord; for a run that has no scan, --centre says where it goes",
        )
    )
