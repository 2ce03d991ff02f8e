"""A mask brought onto the grid of another scan, by the share of each voxel that it fills.

Nearest voxels would make a mask of thick slices a tenth larger or smaller; shares keep its volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cordgraft.core.centreline import apply_affine, invert_affine
from cordgraft_analysis.imaging.volume import Array, Floats

#: Samples along an edge of a target voxel: at least, and per edge of a source voxel; at most in all.
FEWEST, PER_EDGE, MOST = 4, 2.0, 32
#: Samples that are looked up at one time: bounds the memory.
AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Brought:
    """A mask on another grid.

    Parameters
    ----------
    shares : (nx, ny, nz) float64
        Share of each voxel that the mask fills.
    kept : float
        Share of the mask's volume that lies inside the grid; 1 for an empty mask.
    """

    shares: Floats
    kept: float

    @property
    def mask(self) -> Array:
        """Voxels that the mask fills at least half : (nx, ny, nz) bool."""
        return np.asarray(self.shares >= 0.5)


def onto_grid(
    mask: Array, affine: Floats, shape: tuple[int, ...], target: Floats, transform: Floats | None = None
) -> Brought:
    """Bring a mask onto a grid.

    Every voxel of the target is sampled at a regular lattice of at least 4 x 4 x 4 places, and twice per edge of a
    voxel of the source where that is finer.

    Parameters
    ----------
    mask : (i, j, k) array
        0 and 1, or shares.
    affine : (4, 4) float64
        Voxel index of the mask to its scanner's mm.
    shape : (3,) int
        Of the target.
    target : (4, 4) float64
        Voxel index of the target to its scanner's mm.
    transform : (4, 4) float64, optional
        The target's scanner mm to the mask's; the identity unless given.
    """
    values = np.asarray(mask, dtype=np.float64)
    shares = np.zeros(shape)
    held = np.argwhere(values > 0.0)
    if len(held) == 0:
        return Brought(shares, 1.0)
    between = np.eye(4) if transform is None else np.asarray(transform, dtype=np.float64)
    to_source = invert_affine(np.asarray(affine, dtype=np.float64)) @ between @ target
    low, high = _reach(held, invert_affine(to_source), shape)
    if (low >= high).any():
        return Brought(shares, 0.0)
    lengths = np.sqrt(
        (to_source[:3, :3] ** 2).sum(axis=0)
    )  # edges of a target voxel, in voxels of the source
    counts = np.clip(np.ceil(PER_EDGE * lengths), FEWEST, MOST).astype(int)
    parts = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    offsets = np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1).reshape(-1, 3)
    padded = np.pad(values, 1)  # a border of nothing, so that places outside need no question
    limit = np.array(padded.shape) - 1
    per_plane = max(1, AT_ONCE // max(1, int((high[1] - low[1]) * (high[2] - low[2]))))
    for start in range(int(low[0]), int(high[0]), per_plane):
        stop = min(start + per_plane, int(high[0]))
        ranges = (np.arange(start, stop), np.arange(low[1], high[1]), np.arange(low[2], high[2]))
        centres = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1)
        total = np.zeros(centres.shape[:-1])
        for offset in offsets:
            place = np.rint(apply_affine(to_source, centres + offset)).astype(np.int64) + 1
            place = np.clip(place, 0, limit)
            total += padded[place[..., 0], place[..., 1], place[..., 2]]
        shares[start:stop, low[1] : high[1], low[2] : high[2]] = total / len(offsets)
    # volumes in the voxels of the source, so that a transform that stretches loses nothing by itself
    filled = float(shares.sum()) * abs(float(np.linalg.det(to_source[:3, :3])))
    return Brought(shares, min(1.0, filled / float(values.sum())))


def _reach(held: Array, to_target: Floats, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the box of target voxels, first and one past the last : (3,) and (3,), that a mask can touch."""
    box = np.stack((held.min(axis=0) - 0.5, held.max(axis=0) + 0.5))
    corners = np.array([[box[a, 0], box[b, 1], box[c, 2]] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    places = apply_affine(to_target, corners)
    low = np.clip(np.floor(places.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(places.max(axis=0)) + 1, 0, shape).astype(int)
    return low, high
