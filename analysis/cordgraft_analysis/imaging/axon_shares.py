"""What the axons of a voxel say of its white matter: how well they lie along the cord, and how much sheath is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft_analysis.imaging.volume import Floats

if TYPE_CHECKING:
    import xarray

#: Myelin of a fibre over that of an intact one, by the state of its sheath. A new sheath has g-ratio 0.85 in place of
#: 0.72 (the values of the model): derived as (1 - 0.85^2) / (1 - 0.72^2).
SHEATH_MYELIN: dict[str, float] = {"blocked": 0.0, "bare": 0.0, "new": 0.576}
#: A fibre without its sheath lacks it where the injury struck at least this share of its hardest blow: assumed, since
#: a run knows that a fibre lost its sheath, and not along which length.
STRUCK_SHARE = 0.5


@dataclass(frozen=True)
class Pieces:
    """Axon paths cut to pieces no longer than a voxel.

    Parameters
    ----------
    line : (n,) int64
        Polyline of each piece.
    voxel : (n,) int64
        Flat voxel.
    amount : (n,) float64
        Length times the axons that it stands for.
    cosine : (n,) float64
        Of the angle to the cord.
    grown : (n,) bool
        Laid since the injury.
    """

    line: NDArray[np.int64]
    voxel: NDArray[np.int64]
    amount: Floats
    cosine: Floats
    grown: NDArray[np.bool_]


def axon_shares(run: xarray.DataTree, frame: int) -> tuple[Floats, Floats]:
    """Return order and myelin of the white matter of every voxel, each (x, y, z) float64; 1 where no path runs.

    The order parameter is ``P = <(3 cos^2 - 1) / 2>`` of the angle between axons and cord, over the length of all
    living paths, fibres from before the injury among them, each weighted by the axons that it stands for. In a section
    paths are seen in their plane only, so that scattered ones have P = 1/4 there and 0 in a volume.

    Myelin is the mean of `SHEATH_MYELIN` over the paths from before the injury, 1 for an intact sheath and in runs
    that do not follow sheaths.

    Parameters
    ----------
    run : xarray.DataTree
    frame : int
        Index of the recorded day.
    """
    maps = run[schema.MAPS_GROUP].dataset
    shape = tuple(int(maps.sizes[axis]) for axis in schema.SPACE)
    paths = _paths(run, float(maps[schema.TIME].values[frame]))
    if paths is None:
        return np.ones(shape), np.ones(shape)
    pieces = _pieces(paths, maps, shape)
    order = _mean(pieces.voxel, pieces.amount, 1.5 * pieces.cosine**2 - 0.5, shape)
    if "sheath" not in paths or "map_severity" not in run[schema.GEOMETRY_GROUP].dataset:
        return order, np.ones(shape)
    severity = np.asarray(run[schema.GEOMETRY_GROUP].dataset["map_severity"].values, dtype=np.float64).ravel()
    struck = severity[pieces.voxel]
    hardest = np.zeros(paths.sizes[schema.AXON])
    np.maximum.at(hardest, pieces.line, struck)
    lacks = (struck > 0.0) & (struck >= STRUCK_SHARE * hardest[pieces.line])
    myelin = np.where(lacks, _sheaths(paths)[pieces.line], 1.0)
    old = ~pieces.grown
    return order, _mean(pieces.voxel[old], pieces.amount[old], myelin[old], shape)


def _paths(run: xarray.DataTree, day: float) -> xarray.Dataset | None:
    """Return the living axon paths of a recorded day, or None where there are none."""
    node: Any = run
    for name in (schema.AXONS_GROUP, schema.day_group(24.0 * day), schema.PATHS):
        if name not in node.children:
            return None
        node = node[name]
    found: xarray.Dataset = node.dataset
    return found


def _pieces(paths: xarray.Dataset, maps: xarray.Dataset, shape: tuple[int, ...]) -> Pieces:
    size = np.asarray(paths[schema.ROW_SIZE].values, dtype=np.int64)
    points = np.stack([np.asarray(paths[axis].values, dtype=np.float64) for axis in schema.SPACE], axis=1)
    row = np.repeat(np.arange(len(size)), size)
    together = row[1:] == row[:-1]
    start, step, line = points[:-1][together], np.diff(points, axis=0)[together], row[1:][together]
    grown = np.asarray(paths["grown"].values)[1:][together] > 0
    length = np.sqrt((step**2).sum(axis=1))
    kept = length > 0.0
    start, step, line, length, grown = start[kept], step[kept], line[kept], length[kept], grown[kept]
    edges = np.array([float(maps[axis].attrs["spacing"]) for axis in schema.SPACE])
    number = np.ceil(length / edges[1:].min()).astype(np.int64)
    owner = np.repeat(np.arange(len(number)), number)
    along = (np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number) + 0.5) / number[owner]
    origin = np.array([float(maps[axis].values[0]) for axis in schema.SPACE])
    index = np.floor((start[owner] + along[:, None] * step[owner] - origin) / edges + 0.5).astype(np.int64)
    if shape[0] == 1:  # the paths of a section are projected on it
        index[:, 0] = 0
    held = ((index >= 0) & (index < np.array(shape))).all(axis=1)
    owner = owner[held]
    weight = np.asarray(paths["weight"].values, dtype=np.float64)[line]
    return Pieces(
        line[owner],
        np.ravel_multi_index(tuple(index[held].T), shape).astype(np.int64),
        (weight * length / number)[owner],
        step[owner, 2] / length[owner],
        grown[owner],
    )


def _mean(voxel: NDArray[np.int64], amount: Floats, values: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the mean of values of pieces in every voxel, 1 where there is none : (x, y, z)."""
    size = int(np.prod(shape))
    total = np.bincount(voxel, amount, minlength=size)
    mean = np.bincount(voxel, amount * values, minlength=size)
    return np.where(total > 0.0, mean / np.where(total > 0.0, total, 1.0), 1.0).reshape(shape)


def _sheaths(paths: xarray.Dataset) -> Floats:
    """Return the myelin of every polyline, 1 with an intact sheath or none that is followed : (axon,)."""
    state = paths["sheath"]
    found = np.ones(state.size)
    values = np.atleast_1d(state.attrs["flag_values"])
    for value, word in zip(values, str(state.attrs["flag_meanings"]).split(), strict=True):
        found[np.asarray(state.values) == value] = SHEATH_MYELIN.get(word, 1.0)
    return found
