"""A volume in memory: an array in canonical order and the affine that places it in the scanner."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cordgraft_analysis.imaging.findings import Finding

Array = NDArray[Any]
Floats = NDArray[np.float64]
#: What the values mean: signal, a mask of 0 and 1, a share of the voxel from 0 to 1, or whole numbers that name parts.
Kind = Literal["image", "mask", "soft", "label"]


def edges_mm(affine: Floats) -> tuple[float, float, float]:
    """Return the edges of a voxel, mm, of an affine : (4, 4) from index to mm."""
    x, y, z = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    return float(x), float(y), float(z)


def volume_mm3(affine: Floats) -> float:
    """Return the volume of a voxel, mm3, of an affine : (4, 4) from index to mm: its determinant."""
    return abs(float(np.linalg.det(affine[:3, :3])))


@dataclass(frozen=True)
class Volume:
    """A 3-D volume whose axes grow to the right, to anterior and to superior.

    Parameters
    ----------
    data : (x, y, z) array
        Masks bool, soft masks and images float64, labels int64.
    affine : (4, 4) float64
        Voxel index (of `data`) to scanner position, mm, RAS.
    kind : str
    path : Path, optional
        File that it came from.
    original_axes : str
        Where the indices of the file grow to, in the words of nibabel (``"LAS"``).
    order, flips : tuple of int
        How the axes of the file became those of `data`, so that a result can be written back on the file's own grid:
        axis ``order[w]`` of the file became axis w, reversed where ``flips[w]`` is -1.
    notes : tuple of str
        What a reader should know and what is no error.
    findings : tuple of Finding
        The same with code and level.
    """

    data: Array
    affine: Floats
    kind: Kind = "image"
    path: Path | None = None
    original_axes: str = "RAS"
    order: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[int, int, int] = (1, 1, 1)
    notes: tuple[str, ...] = field(default=())
    findings: tuple[Finding, ...] = field(default=())

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Return the edges of a voxel, mm, from the affine (never from the header's ``pixdim``)."""
        return edges_mm(self.affine)

    @property
    def voxel_mm3(self) -> float:
        """Return the volume of a voxel, mm3: the determinant of the affine."""
        return volume_mm3(self.affine)
