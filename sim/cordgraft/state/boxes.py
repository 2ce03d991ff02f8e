"""What lies round points at a length of its own, whatever the voxels: the share of each voxel in a box round a point.

Where things are within a voxel is not followed. What an agent finds near by must not depend on the voxels all the
same: a count in the voxel that holds the agent is lumpy where voxels are small, and any law that is not a straight line
then gives another answer. A box of a fixed edge has one answer for all voxels that are smaller than it, and the answer
of the voxel itself where that is larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.lattice import Lattice


class Boxes:
    """Boxes round points, cut off at the ends of the lattice.

    Parameters
    ----------
    lattice : Lattice
    points : three (n,) float64, um
        Centres.
    edge_um : float
        Length of an edge. Along a flat axis the box spans the lattice.
    """

    def __init__(self, lattice: Lattice, points: tuple[Any, Any, Any], edge_um: float) -> None:
        self.lattice = lattice
        self.count = int(np.asarray(points[0]).size)
        self._axes = [
            self._along(axis, np.asarray(points[axis], dtype=np.float64), edge_um) for axis in range(3)
        ]

    def _along(self, axis: int, centre: Any, edge_um: float) -> list[tuple[Any, Any]]:
        """Return per neighbour along an axis its index and the share of it that the box covers : (n,) each."""
        n, h = self.lattice.shape[axis], self.lattice.spacing_um[axis]
        if n == 1:
            return [(np.zeros(self.count, dtype=np.int64), np.ones(self.count))]
        low = (centre - 0.5 * edge_um - self.lattice.origin_um[axis]) / h + 0.5  # in voxels from the end
        high = low + edge_um / h
        first = np.floor(low).astype(np.int64)
        found = []
        for step in range(int(np.ceil(edge_um / h)) + 1):
            index = first + step
            share = np.clip(np.minimum(high, index + 1) - np.maximum(low, index), 0.0, 1.0)
            share[(index < 0) | (index >= n)] = 0.0
            found.append((np.clip(index, 0, n - 1), share))
        return found

    def parts(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Yield per neighbour the flat index of the voxel and the share of it that lies in the box : (n,) each."""
        _, ny, nz = self.lattice.shape
        for x, in_x in self._axes[0]:
            for y, in_y in self._axes[1]:
                for z, in_z in self._axes[2]:
                    yield (x * ny + y) * nz + z, in_x * in_y * in_z

    def total(self, values: Any) -> NDArray[np.float64]:
        """Return what the boxes hold of an amount per voxel, `values` (voxels,) : (n,)."""
        held = np.zeros(self.count)
        for voxel, share in self.parts():
            held += share * values[voxel]
        return held
