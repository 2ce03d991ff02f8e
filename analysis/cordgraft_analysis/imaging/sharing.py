"""How the voxels of a simulation are shared out over the parts of an image that they touch.

A simulated voxel becomes a parallelepiped among the parts. One that lies in a single part belongs to it; any other is
shared out by counting a lattice of places in it, of which each stands for the same volume. How much of it lies between
two planes of the image is known exactly, so the counts are fitted to that along each axis: a voxel that is cut by
planes of one axis alone is shared out exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cordgraft.core.centreline import apply_affine
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.cord_placing import Placing
from cordgraft_analysis.imaging.volume import Array, Floats

#: Places per part along each axis, and the fewest along an edge of a simulated voxel.
PLACES_PER_PART, FEWEST_PLACES = 4.0, 3
#: Places beyond which there are fewer of them per voxel, down to `FEWEST_PLACES`.
ENOUGH_PLACES = 200_000_000
#: Shares (a simulated voxel in a part) beyond which an image is refused; they take 20 bytes each at the peak.
MOST_SHARES = 150_000_000
#: Places that are looked up at one time: bounds the memory.
PLACES_AT_ONCE = 2_000_000
#: Different lattices of places: one alone would beat against the parts.
LATTICES = 64
#: Share of a voxel between two planes from which it must not be missed.
SLIVER = 1e-3
#: Rounds in which the counts of a voxel are fitted to what lies between planes.
FITTED = 3
#: Axes of a table (voxel, x, y, z) over which the sum is that of one of its three.
_OTHERS = ((2, 3), (1, 3), (1, 2))

Axes = tuple[Floats, Floats, Floats]
Triple = tuple[int, int, int]


def faces_of(centres: Floats, step: float) -> Floats:
    """Return the faces : (n + 1,) of voxels with centres : (n,) and an even step."""
    return np.append(centres - 0.5 * step, centres[-1] + 0.5 * step)


def triple(values: Array) -> Triple:
    """Return three whole numbers as a tuple."""
    return int(values[0]), int(values[1]), int(values[2])


class Cells:
    """The simulated voxels as parallelepipeds among the parts, layer by layer.

    Attributes
    ----------
    shape : (3,) int
        Of the simulated grid.
    size : (3,) int
        Parts of the block.
    whole : (simulated voxels,) bool
        Those that no edge of the block cuts. Filled in by `layers`.
    rim : (parts of the block,) bool
        Parts that may lie partly outside the simulated box. Filled in by `layers`.
    """

    def __init__(
        self,
        axes_mm: Axes,
        steps_mm: tuple[float, float, float],
        placing: Placing,
        to_parts: Floats,
        size: Array,
    ) -> None:
        self.shape = tuple(len(axis) for axis in axes_mm)
        self.size = size
        self.whole = np.zeros(int(np.prod(self.shape)), dtype=bool)
        self.rim = np.zeros(int(np.prod(size)), dtype=bool)
        self._placing, self._to_parts = placing, to_parts
        # A layer of voxels more on every side: the parts that they touch are the rim.
        self._faces = [
            np.concatenate(([faces[0] - step], faces, [faces[-1] + step]))
            for faces, step in zip(map(faces_of, axes_mm, steps_mm), steps_mm, strict=True)
        ]

    def layers(self) -> Iterator[tuple[Array, Floats, Floats]]:
        """Yield flat indices : (n,), centres : (n, 3) and edges : (n, 3 edges, 3) of the voxels that touch the block.

        In parts. Neighbours share their faces but for the square of a voxel's bend.
        """
        _, ny, nz = self.shape
        inner = np.zeros((ny + 2, nz + 2), dtype=bool)
        inner[1:-1, 1:-1] = True
        for layer in range(self.shape[0] + 2):
            places = self._placing.to_image(self._faces[0][layer : layer + 2], self._faces[1], self._faces[2])
            corner = apply_affine(self._to_parts, places)
            along = [np.diff(corner, axis=axis) for axis in range(3)]
            edges = np.stack(
                (
                    _mean_of_pairs(_mean_of_pairs(along[0], 1), 2)[0],
                    _mean_of_pairs(_mean_of_pairs(along[1], 0), 2)[0],
                    _mean_of_pairs(_mean_of_pairs(along[2], 0), 1)[0],
                ),
                axis=-2,
            )
            centre = _mean_of_pairs(_mean_of_pairs(_mean_of_pairs(corner, 0), 1), 2)[0]
            reach = 0.5 * np.abs(edges).sum(axis=-2)
            touches = ((centre + reach > 0.0) & (centre - reach < self.size)).all(axis=-1)
            ghost = ~inner if 0 < layer < self.shape[0] + 1 else np.ones_like(inner)
            self._mark_rim(centre[ghost & touches], edges[ghost & touches])
            kept = touches & ~ghost
            if not kept.any():
                continue
            y, z = np.nonzero(kept)
            index = np.ravel_multi_index((np.full(len(y), layer - 1), y - 1, z - 1), self.shape)
            inside = ((centre - reach >= 0.0) & (centre + reach <= self.size)).all(axis=-1)
            self.whole[index] = inside[kept]
            yield index, centre[kept], edges[kept]

    def _mark_rim(self, centre: Floats, edges: Floats) -> None:
        """Mark all parts that voxels with centres : (n, 3) and edges : (n, 3, 3) may touch."""
        if len(centre) == 0:
            return
        # Upright boxes round the eighths of a voxel reach less far beyond it than one round the whole.
        reach = 0.25 * np.abs(edges).sum(axis=1)
        for eighth in np.ndindex(2, 2, 2):
            middle = centre + ((0.5 * np.array(eighth) - 0.25)[:, None] * edges).sum(axis=1)
            begin = np.floor(middle - reach).astype(np.int64)
            end = np.floor(middle + reach).astype(np.int64)
            for step in np.ndindex(*triple((end - begin).max(axis=0) + 1)):
                part = begin + np.array(step)
                held = ((part <= end) & (part >= 0) & (part < self.size)).all(axis=1)
                self.rim[_flat(part[held], self.size)] = True


def _mean_of_pairs(values: Floats, axis: int) -> Floats:
    """Return the means of neighbours along an axis, which becomes one shorter."""
    low = [slice(None)] * values.ndim
    high = list(low)
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    return np.asarray(0.5 * (values[tuple(low)] + values[tuple(high)]))


def shared_out(cells: Cells) -> tuple[Array, Array, Floats]:
    """Return parts : (n,), simulated voxels : (n,) and shares : (n,) of a voxel's own volume, times that in parts."""
    # Part of the quadrature, not of the noise: always the same places.
    random = np.random.default_rng(0)
    found: list[tuple[Array, Array, Floats]] = []
    total, number = 0, None
    for index, centre, edges in cells.layers():
        if number is None:
            number = _places(edges, int(np.prod(cells.shape)))
            offsets = [(np.arange(n) + random.random((LATTICES, n))) / n - 0.5 for n in number]
        volume = np.abs(np.linalg.det(edges))
        reach = 0.5 * np.abs(edges).sum(axis=1)
        begin = np.floor(centre - reach).astype(np.int64)
        span = np.floor(centre + reach).astype(np.int64) - begin
        single = (span == 0).all(axis=1)
        found.append((_flat(begin[single], cells.size), index[single], volume[single]))
        cut = np.flatnonzero(~single)
        lattice = random.integers(LATTICES, size=len(cut))
        at_once = max(1, PLACES_AT_ONCE // int(np.prod(number)))
        for start in range(0, len(cut), at_once):
            some, which = cut[start : start + at_once], lattice[start : start + at_once]
            voxel, step, share = _parted(
                centre[some] - begin[some], edges[some], span[some], [table[which] for table in offsets]
            )
            part = begin[some][voxel] + step
            held = ((part >= 0) & (part < cells.size)).all(axis=1)
            found.append(
                (_flat(part[held], cells.size), index[some][voxel[held]], (share * volume[some][voxel])[held])
            )
            total += len(found[-1][0])
        if total > MOST_SHARES:
            raise BadInput(
                Problem(
                    "the image has too many voxels round the cord",
                    key="--like",
                    value=f"more than {MOST_SHARES:.2g} pairs of a simulated voxel and an image voxel",
                    allowed="fewer; take a coarser or smaller image, or a run with larger voxels",
                )
            )
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    rows, columns, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, columns, values


def _flat(part: Array, size: Array) -> Array:
    """Return the flat index of parts : (n, 3) -> (n,)."""
    index: Array = np.ravel_multi_index(tuple(part.T), tuple(size))
    return index


def _places(edges: Floats, voxels: int) -> Triple:
    """Return how many places a voxel has along its three edges."""
    longest = np.abs(edges).max(axis=(0, 2))
    number = np.maximum(np.ceil(PLACES_PER_PART * longest), FEWEST_PLACES).astype(int)
    while np.prod(number) * voxels > ENOUGH_PLACES and (number > FEWEST_PLACES).any():
        number[int(np.argmax(number))] -= 1
    return triple(number)


def _parted(centre: Floats, edges: Floats, span: Array, offsets: list[Floats]) -> tuple[Array, Array, Floats]:
    """Return how voxels are shared out.

    Parameters
    ----------
    centre : (voxels, 3) float64
        From the corner of the first part that a voxel touches.
    edges : (voxels, 3 edges, 3) float64
    span : (voxels, 3) int
        Index of the last part that it touches.
    offsets : three (voxels, places) float64
        Places along each edge, -0.5 to 0.5.

    Returns
    -------
    voxel : (n,) int
    step : (n, 3) int
        Part, counted from the first.
    share : (n,) float64
        Of the volume of the voxel.
    """
    wide = span.max(axis=0) + 1
    code: Any = 0
    for axis in range(3):
        along = [offset * edges[:, edge, axis, None] for edge, offset in enumerate(offsets)]
        first = centre[:, axis, None] + along[0]
        place = first[:, :, None, None] + along[1][:, None, :, None] + along[2][:, None, None, :]
        # No place is negative: to cut off its fraction is to round it down.
        code = code * wide[axis] + np.clip(place.astype(np.int32), 0, wide[axis] - 1)
    cells = int(np.prod(wide))
    code += (cells * np.arange(len(centre), dtype=np.int64))[:, None, None, None]
    counts = np.bincount(code.ravel(), minlength=cells * len(centre)).reshape(-1, *wide)
    table = counts / counts[0].sum()
    wanted = [_between_planes(centre[:, axis], edges[:, :, axis], int(wide[axis])) for axis in range(3)]
    # No place may have hit a sliver: there the three axes are taken to be independent, as they are for parallel edges.
    missed = np.zeros(len(table), dtype=bool)
    for axis in range(3):
        missed |= ((wanted[axis] > SLIVER) & (table.sum(axis=_OTHERS[axis]) == 0.0)).any(axis=1)
    x, y, z = (share[missed] for share in wanted)
    table[missed] += x[:, :, None, None] * y[:, None, :, None] * z[:, None, None, :] / counts[0].sum()
    for _ in range(FITTED):
        for axis in range(3):
            others = _OTHERS[axis]
            there = table.sum(axis=others)
            factor = np.divide(wanted[axis], there, out=np.ones_like(there), where=there > 0.0)
            table *= np.expand_dims(factor, others)
    table /= table.sum(axis=(1, 2, 3), keepdims=True)
    held = np.nonzero(table)
    return held[0], np.stack(held[1:], axis=-1), table[held]


def _between_planes(centre: Floats, widths: Floats, parts: int) -> Floats:
    """Return which share of voxels lies between the planes k and k + 1 of an axis : (voxels, parts).

    A coordinate of a place in a parallelepiped is the sum of three even distributions, of which `widths` : (voxels, 3)
    are the ranges; how much of it lies below a plane is a sum of eight cubes.
    """
    size = np.abs(widths)
    # Edges that lie in the plane have no range; a thousandth of the others' changes nothing and keeps the cubes apart.
    size = np.maximum(size, 1e-3 * size.max(axis=1, keepdims=True))
    plane = np.arange(parts + 1) - centre[:, None]
    below = np.zeros(plane.shape)
    for signs in np.ndindex(2, 2, 2):
        sign = 1.0 - 2.0 * np.array(signs)
        below += np.prod(sign) * np.maximum(plane + 0.5 * (size @ sign)[:, None], 0.0) ** 3
    below /= 6.0 * np.prod(size, axis=1)[:, None]
    return np.diff(np.clip(below, 0.0, 1.0), axis=1)
