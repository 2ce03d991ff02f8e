"""What a voxel stands for of the whole cord: its own face in a volume, half an elliptic ring in a section."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

UM3_PER_MM3 = 1e9


def cord_area_um2(tissue: Any) -> NDArray[np.float64]:
    """Return the area of the whole cord's cross-section that each voxel stands for : (x, y, z), um2.

    In a section a voxel at distance ``|y - y0|`` from the axis stands for half an elliptic ring,
    ``pi e_xy |y - y0| dy``; for the voxel that holds the axis the mean of ``|y - y0|`` over it is taken.
    In a volume it is the voxel's own face. Voxels at the pia count with the share that lies in the cord.
    """
    lattice = tissue.lattice
    cord = np.where(tissue["map.cord"] > 0, tissue["map.volume"], 0.0)
    dx, dy, _ = lattice.spacing_um
    if not lattice.is_section:
        return np.asarray(cord * (dx * dy))
    across, deep = tissue.setting.cord_diameter_um
    y = lattice.axis_um(1)
    low, high = y - 0.5 * dy, y + 0.5 * dy
    straddles = (low < 0.0) & (high > 0.0)
    distance = np.where(straddles, (low * low + high * high) / (2.0 * dy), np.abs(y))
    return np.asarray(cord * (math.pi * (across / deep) * dy * distance)[None, :, None])


def represented_mm3(tissue: Any, share: NDArray[np.float64]) -> float:
    """Return the volume of the whole cord that a share of each voxel stands for, mm3.

    Parameters
    ----------
    tissue : Tissue
    share : (x, y, z) float64
    """
    thickness = tissue.lattice.spacing_um[2] / UM3_PER_MM3
    return float(np.sum(cord_area_um2(tissue) * thickness * share))
