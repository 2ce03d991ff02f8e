"""How many grafted cells there are round some places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

#: What cells count for is summed in whole multiples of this part, so that no sum depends on the order of the cells.
_PART = 2.0**-20


def cells_round(
    tissue: Tissue, sites: Any, rows: Any, worth: NDArray[np.float64], reach_um: float
) -> NDArray[np.float64]:
    """Return the density of some grafted cells in a box round each of some voxels : (n,) float64, cells/um3.

    Parameters
    ----------
    tissue : Tissue
    sites : (n,) int64
        Flat voxels.
    rows : (cells,) int64
        Rows of the table of cells.
    worth : (cells,) float64
        What each of them counts for, 0 to 1.
    reach_um : float
        Half of the box along each direction, beyond the voxel itself, in whole voxels; the volume is that of its cord.
    """
    lattice = tissue.lattice
    there = np.bincount(
        tissue["cell.site"][rows], weights=np.rint(worth / _PART), minlength=lattice.size
    ).reshape(lattice.shape)
    cord = tissue["map.cord"].astype(np.float64)
    for axis, spacing in enumerate(lattice.spacing_um):
        width = int(reach_um / spacing + 1e-9)
        there, cord = _spread(there, axis, width), _spread(cord, axis, width)
    cells = there.reshape(-1)[sites] * _PART * tissue.setting.cells_per_agent
    found: NDArray[np.float64] = cells / (cord.reshape(-1)[sites] * lattice.voxel_um3)
    return found


def _spread(values: NDArray[np.float64], axis: int, width: int) -> NDArray[np.float64]:
    """Return sums over `width` voxels to either side along one axis, cut off at the ends of the lattice.

    Exact, and so the same in any order, for whole numbers.
    """
    n = values.shape[axis]
    total = np.concatenate([np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis)
    here = np.arange(n)
    above, below = np.minimum(here + width + 1, n), np.maximum(here - width, 0)
    summed: NDArray[np.float64] = total.take(above, axis) - total.take(below, axis)
    return summed
