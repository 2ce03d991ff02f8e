"""Partial volume where the voxels of a simulation lie obliquely in an image, or along a bent cord.

The image is divided into parts: each voxel into two along every edge that is blurred, else into one. Simulated voxels
are shared out over them (module `sharing`). All of a voxel's volume arrives so, but parts would be full to some per
mille only. Therefore the shares are balanced (rows and columns in turns, Sinkhorn 1967): a part that lies wholly in the
simulated box becomes full, no part more than full, and a voxel that lies wholly in the image keeps its volume. The
columns come last, and are exact.

Sinkhorn R. (1967), Diagonal equivalence to matrices with prescribed row and column sums, Am. Math. Monthly 74, 402.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cordgraft.core.centreline import apply_affine, invert_affine
from cordgraft_analysis.imaging.cord_placing import Placing
from cordgraft_analysis.imaging.grid import Grid, nowhere
from cordgraft_analysis.imaging.overlap import FWHM_IN_SD
from cordgraft_analysis.imaging.sharing import Axes, Cells, Triple, faces_of, shared_out, triple
from cordgraft_analysis.imaging.volume import Array, Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Parts along an edge of an image voxel that is blurred: a Gaussian of one voxel has 0.85 parts in its deviation,
#: which is enough to be laid out on them.
BLUR_PARTS = 2
#: Standard deviations of the blur at which it is cut off.
TRUNCATE = 4.0
#: A part with less than this is not full, wherever it lies.
HARDLY = 0.5
#: Most turns of the balance, and the deviation of a full part at which it stops.
TURNS, BALANCED = 200, 1e-6


@dataclass(frozen=True)
class Oblique:
    """Shares of simulated voxels in the parts of an image.

    Parameters
    ----------
    shape : (3,) int
        Of the image.
    first, count : (3,) int
        The block of image voxels round the cord; the rest holds nothing.
    number : (3,) int
        Parts along the edges of a voxel.
    place : (parts that hold something,) int64
        Their flat index among the parts of the block.
    shares : (parts that hold something, simulated voxels) sparse float64
        Volume of a simulated voxel in a part over the volume of the part.
    sigma : (3,) float
        Standard deviation of the blur, in parts.
    """

    shape: Triple
    first: Triple
    count: Triple
    number: Triple
    place: Array
    shares: csr_array
    sigma: tuple[float, float, float]

    @classmethod
    def of(
        cls, axes_mm: Axes, steps_mm: tuple[float, float, float], placing: Placing, grid: Grid, psf: float
    ) -> Oblique:
        """Return the shares between two grids; parameters and errors as in `resample.resampler`."""
        blurred = [psf > 0.0 and axis != grid.slice_axis for axis in range(3)]
        number = np.where(blurred, BLUR_PARTS, 1)
        sigma = np.where(blurred, psf * number / FWHM_IN_SD, 0.0)
        margin = np.ceil(TRUNCATE * sigma / number).astype(int) + 1
        first, count = _block(axes_mm, steps_mm, placing, grid, margin)
        to_parts = _to_parts(grid, first, number)
        size = count * number
        cells = Cells(axes_mm, steps_mm, placing, to_parts, size)
        row, column, value = shared_out(cells)
        if len(row) == 0:
            raise nowhere(grid)
        place, shares = _matrix(row, column, value, size, int(np.prod(cells.shape)))
        part_mm3 = grid.voxel_mm3 / float(np.prod(number))
        volume = (np.prod(steps_mm) / part_mm3) * np.broadcast_to(
            placing.volume_ratio(*axes_mm), cells.shape
        ).ravel()
        balanced = _balanced(shares, ~cells.rim[place], cells.whole, volume)
        return cls(
            grid.shape, triple(first), triple(count), triple(number), place, balanced,
            (float(sigma[0]), float(sigma[1]), float(sigma[2])),
        )  # fmt: skip

    def image(self, values: Array, blurred: bool) -> Floats:
        """Return the mean of `values` : (x, y, z) over every voxel of the image."""
        from scipy.ndimage import gaussian_filter

        lattice = [n * k for n, k in zip(self.count, self.number, strict=True)]
        parts = np.zeros(int(np.prod(lattice)))
        parts[self.place] = self.shares @ np.asarray(values, dtype=np.float64).ravel()
        parts = parts.reshape(lattice)
        if blurred and any(self.sigma):
            # Reflected at the edges of the block: at the edge of an image what is blurred out of it comes back.
            parts = gaussian_filter(parts, self.sigma, mode="reflect", truncate=TRUNCATE)
        split = [size for pair in zip(self.count, self.number, strict=True) for size in pair]
        result = np.zeros(self.shape)
        block = tuple(slice(low, low + n) for low, n in zip(self.first, self.count, strict=True))
        result[block] = parts.reshape(split).mean(axis=(1, 3, 5))
        return result


def _block(
    axes_mm: Axes, steps_mm: tuple[float, float, float], placing: Placing, grid: Grid, margin: Array
) -> tuple[Array, Array]:
    """Return first index and size of the block of image voxels that the fine grid reaches, with a margin."""
    # The outermost faces bound the rest; along the cord every layer counts, because it may bend.
    ends = [faces_of(axis, step)[[0, -1]] for axis, step in zip(axes_mm, steps_mm, strict=True)]
    points = placing.to_image(ends[0], ends[1], np.concatenate((ends[2], axes_mm[2]))).reshape(-1, 3)
    index = apply_affine(invert_affine(grid.affine), points)
    low = np.maximum(np.floor(index.min(axis=0) + 0.5).astype(int) - margin, 0)
    high = np.minimum(np.floor(index.max(axis=0) + 0.5).astype(int) + margin + 1, np.array(grid.shape))
    if (high <= low).any():
        raise nowhere(grid)
    return low, high - low


def _to_parts(grid: Grid, first: Array, number: Array) -> Floats:
    """Return the affine : (4, 4) from mm to parts of the block, counted from its corner."""
    scale = np.diag([*number.astype(np.float64), 1.0])
    scale[:3, 3] = number * (0.5 - first)
    return np.asarray(scale @ invert_affine(grid.affine))


def _matrix(row: Array, column: Array, value: Floats, size: Array, voxels: int) -> tuple[Array, csr_array]:
    """Return the parts that hold something, and the shares as a matrix of these and all simulated voxels."""
    from scipy.sparse import csr_array

    held = np.zeros(int(np.prod(size)), dtype=bool)
    held[row] = True
    place = np.flatnonzero(held)
    number = np.cumsum(held, dtype=np.int32) - 1
    matrix = csr_array((value, (number[row], column.astype(np.int32))), shape=(len(place), voxels))
    return place, matrix


def _balanced(shares: csr_array, full: Array, whole: Array, volume: Floats) -> csr_array:
    """Return the shares, balanced.

    Parameters
    ----------
    shares : (parts, voxels) sparse
    full : (parts,) bool
        Parts that lie wholly in the simulated box: their row becomes 1; the others' at most 1.
    whole : (voxels,) bool
        Voxels that lie wholly in the image: their column becomes `volume`, exactly.
    volume : (voxels,) float64
        In parts.
    """
    across = shares.T
    full = full & (shares.sum(axis=1) > HARDLY)
    column = np.ones(shares.shape[1])
    row = np.ones(shares.shape[0])
    for _ in range(TURNS):
        there = shares @ column
        row = 1.0 / np.where(full, there, np.maximum(there, 1.0))
        column[whole] = volume[whole] / (across @ row)[whole]
        left = row * (shares @ column) - 1.0
        if float(np.where(full, np.abs(left), left).max()) <= BALANCED:
            break
    shares.data *= np.repeat(row, np.diff(shares.indptr)) * column[shares.indices]
    return shares
