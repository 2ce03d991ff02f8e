"""The lattice on which a field lives, which may be coarser than that of the run, and the ways to it and back.

Deposits go down by adding up the voxels of a block, so that no amount is lost. Values come back by linear
interpolation between the middles of the blocks. A block outside the cord that interpolation needs takes the mean
of the blocks beside it that have some cord in them: the slope through a closed edge is zero.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.medium import Factors
from cordgraft.kernels.stencil import restrict

Array = NDArray[Any]


class Weights(NamedTuple):
    """Linear interpolation along one axis: ``value = (1 - share) c[low] + share c[high]``; all (n,)."""

    low: Array
    high: Array
    share: Array


def interpolation(fine: int, coarse: int, factor: int) -> Weights:
    """Return the weights along one axis with `fine` voxels in blocks of `factor`; constant beyond the last middle."""
    place = (np.arange(fine) + 0.5) / factor - 0.5
    low = np.clip(np.floor(place).astype(np.int64), 0, coarse - 1)
    high = np.minimum(low + 1, coarse - 1)
    return Weights(low, high, np.clip(place - low, 0.0, 1.0) * (high > low))


class FieldLattice:
    """The way between the lattice of a run and a coarser one.

    Parameters
    ----------
    cord : (nx, ny, nz)
        Non-zero inside.
    factors : (fx, fy, fz)
        Voxels per block; 1 along a flat axis.
    """

    def __init__(self, cord: Array, factors: Factors) -> None:
        self.factors = factors
        self.inside = np.ascontiguousarray(np.asarray(cord) != 0)
        shape = tuple(-(-n // f) for n, f in zip(self.inside.shape, factors, strict=True))
        self.shape = (shape[0], shape[1], shape[2])
        share = np.zeros(self.shape)
        restrict(share, self.inside.astype(np.float64), factors)
        #: Share of each block that lies in the cord : (coarse shape).
        self.volume = share
        self._per_volume = np.divide(1.0, share, out=np.zeros(self.shape), where=share > 0.0)
        self._weights = [
            interpolation(n, c, f) for n, c, f in zip(self.inside.shape, self.shape, factors, strict=True)
        ]
        self._ghosts = _ghosts(share > 0.0)

    @property
    def is_same(self) -> bool:
        """Whether this is the lattice of the run itself."""
        return self.factors == (1, 1, 1)

    def new(self) -> Array:
        """Return zeros on this lattice : (coarse shape)."""
        return np.zeros(self.shape)

    def add_up(self, coarse: Array, fine: Array) -> None:
        """Put the mean over the cord in each block into `coarse`; fine : (nx, ny, nz), zero outside the cord."""
        restrict(coarse, fine, self.factors)
        coarse *= self._per_volume

    def collect(self, deposit: Array, source: Array, fade: float, lasting: float) -> tuple[bool, bool]:
        """Take over what was deposited, ``deposit <- fade deposit + lasting (mean over the cord)``, and clear it.

        Parameters
        ----------
        deposit : (coarse shape) float64
        source : (nx, ny, nz) float64
            Zero outside the cord.

        Returns
        -------
        found, held : bool
            Whether there was anything in `source`, and in `deposit` before.
        """
        rest = (fade, lasting, self._per_volume, np.empty(self.shape[2]))
        found, held = collect_blocks(deposit, source, self.factors, rest)
        return bool(found), bool(held)

    def interpolate(self, fine: Array, coarse: Array, known: float = 0.0) -> None:
        """Put the values between the middles of the blocks into `fine`: not negative, zero outside the cord.

        Values up to `known` times the highest one become zero too: the solver does not know them better.
        """
        floor = known * max(0.0, float(coarse.max(initial=0.0)))
        if self.is_same:
            np.multiply(coarse, coarse > floor, out=fine)
            return
        ghosts, sources, counts = self._ghosts
        if ghosts.size:
            filled = coarse.copy()
            means = np.bincount(ghosts, weights=coarse.reshape(-1)[sources], minlength=coarse.size)
            filled.reshape(-1)[counts > 0] = (means[counts > 0]) / counts[counts > 0]
            coarse = filled
        x, y, z = self._weights
        interpolate_blocks(fine, coarse, self.inside, (x, y), z, (np.zeros(self.shape[2]), floor))


def _ghosts(known: Array) -> tuple[Array, Array, Array]:
    """Return, for blocks outside the cord with a neighbour (diagonals count) inside: which, its neighbours, how many.

    Returns
    -------
    ghosts, sources : (pairs,) int64
        Flat indices.
    counts : (blocks,) int64
        Neighbours inside of each such block; 0 for all other blocks.
    """
    whole = np.arange(known.size).reshape(known.shape)
    pairs: list[tuple[Array, Array]] = []
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            for dz in (-1, 0, 1):
                here, there = _shifted(known.shape, (dx, dy, dz))
                met = ~known[here] & known[there]
                pairs.append((whole[here][met], whole[there][met]))
    ghosts = np.concatenate([pair[0] for pair in pairs])
    sources = np.concatenate([pair[1] for pair in pairs])
    return ghosts, sources, np.bincount(ghosts, minlength=known.size)


def _shifted(shape: tuple[int, ...], step: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return the slices of all places and of those one step on, where both are in the box."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for n, s in zip(shape, step, strict=True))
    there = tuple(slice(max(0, s), n - max(0, -s)) for n, s in zip(shape, step, strict=True))
    return here, there


@body
def _add_blocks(row: Any, values: Any, size: Any) -> None:
    """Add `values` to the blocks of `size` along the row, one by one, and clear them."""
    n = values.shape[0]
    if size == 1:
        for i in range(n):
            row[i] += values[i]
    else:
        whole = n // size
        for i in range(whole):
            for j in range(size):
                row[i] += values[i * size + j]
        for i in range(whole * size, n):
            row[whole] += values[i]
    for i in range(n):
        values[i] = 0.0


#: Voxels of a row that are looked at together, at least: where they are all zero they cost nothing more.
LOOK = 128


@kernel
def collect_blocks(deposit: Any, source: Any, factors: Any, rest: Any) -> Any:
    """``deposit <- fade deposit + lasting (sum of the block) share / volume``, ``source <- 0``, in one pass.

    `rest` = fade, lasting, one over the share of each block in the cord (coarse shape), a scratch row (coarse nz,).
    Returns whether there was anything in `source`, and in `deposit` before. The order of every addition and product
    is that of `restrict` and of the products after it.
    """
    fx, fy, fz = factors
    fade, lasting, per_volume, row = rest
    share = 1.0 / (fx * fy * fz)
    nz, n = source.shape[2], deposit.shape[2]
    width = fz * max(1, LOOK // fz)
    found = held = False
    for x in range(deposit.shape[0]):
        for y in range(deposit.shape[1]):
            waiting, scale = deposit[x, y], per_volume[x, y]
            old = new = False
            for i in range(n):
                old |= waiting[i] != 0.0
                row[i] = 0.0
            for a in range(x * fx, min((x + 1) * fx, source.shape[0])):
                for b in range(y * fy, min((y + 1) * fy, source.shape[1])):
                    for start in range(0, nz, width):
                        values = source[a, b, start : min(start + width, nz)]
                        some = False
                        for i in range(values.shape[0]):
                            some |= values[i] != 0.0
                        if some:
                            new = True
                            _add_blocks(row[start // fz :], values, fz)
            if old:
                for i in range(n):
                    waiting[i] *= fade
            if new:
                for i in range(n):
                    waiting[i] += row[i] * share * scale[i] * lasting
            found |= new
            held |= old
    return found, held


@kernel
def interpolate_blocks(fine: Any, coarse: Any, inside: Any, across: Any, along: Any, rest: Any) -> None:
    """``fine <- coarse`` interpolated, zero up to a floor.

    across = weights of x and y, along = those of z; rest = a scratch row (coarse nz,) and the floor.
    """
    wx, wy = across
    row, floor = rest
    low, high, share = along.low, along.high, along.share
    for x in range(fine.shape[0]):
        xl, xh, xs = wx.low[x], wx.high[x], wx.share[x]
        for y in range(fine.shape[1]):
            yl, yh, ys = wy.low[y], wy.high[y], wy.share[y]
            ll, lh = coarse[xl, yl], coarse[xl, yh]
            hl, hh = coarse[xh, yl], coarse[xh, yh]
            for i in range(row.shape[0]):
                below = ll[i] + ys * (lh[i] - ll[i])
                above = hl[i] + ys * (hh[i] - hl[i])
                row[i] = below + xs * (above - below)
            out, cord = fine[x, y], inside[x, y]
            for i in range(out.shape[0]):
                a = row[low[i]]
                value = a + share[i] * (row[high[i]] - a)
                out[i] = value if cord[i] and value > floor else 0.0
