"""The living part of the axon forest, as pieces for counting and as polylines for storing.

The segment table is a log: points that retracted stay in it with the tick of their loss. Here the points that
still hang together with a soma or a stump are picked out, and every growth cone is added as the last point of
its path (the log gets a point only when enough arc has been laid).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.state.tissue import Tissue

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Pieces(NamedTuple):
    """Straight pieces of axons: row of the fibre, lowest and highest point along the cord, um : (n,) each."""

    fibre: Ints
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Forest:
    """Points of living paths; growth cones follow after the points of the log.

    Attributes
    ----------
    x, y, z : (n,) float64, um
    parent : (n,) int64
        Row of the point before, -1 for the first of a fibre.
    fibre : (n,) int64
        Row of the fibre.
    grown : (n,) bool
        Laid by a growth cone, in contrast to a path from before the injury.
    laid_tick : (n,) int32
    living : (n,) bool
        Not lost, and unbroken back to the soma or stump.
    cones : int
        How many of the last points are growth cones.
    """

    x: Floats
    y: Floats
    z: Floats
    parent: Ints
    fibre: Ints
    grown: Mask
    laid_tick: NDArray[np.int32]
    living: Mask
    cones: int

    @cached_property
    def pieces(self) -> Pieces:
        """Living pieces that were laid since the injury, each from a point to the point before it."""
        rows = np.flatnonzero(self.living & self.grown & (self.parent >= 0))
        one, other = self.z[rows], self.z[self.parent[rows]]
        return Pieces(self.fibre[rows], np.minimum(one, other), np.maximum(one, other))


class Polylines(NamedTuple):
    """Contiguous ragged paths: polyline i takes the next ``row_size[i]`` entries of `point`."""

    #: Points per polyline : (m,) int64
    row_size: Ints
    #: Row of the fibre of each polyline : (m,) int64
    fibre: Ints
    #: 0 for the stem of a fibre, then its branches in the order in which they were laid : (m,) int32
    branch: NDArray[np.int32]
    #: Rows of the forest, polyline after polyline; a branch begins with the point it leaves from : (k,) int64
    point: Ints


def living_forest(tissue: Tissue) -> Forest:
    """Return the points of all living paths of a tissue."""
    segments, cones = tissue.segments, tissue.cones
    n, m = len(segments), len(cones)
    parent = np.concatenate((segments["parent"], cones["last"]))
    alive = np.concatenate((segments["lost_tick"] < 0, np.ones(m, dtype=bool)))
    return Forest(
        x=np.concatenate((segments["x"], cones["x"])),
        y=np.concatenate((segments["y"], cones["y"])),
        z=np.concatenate((segments["z"], cones["z"])),
        parent=parent,
        fibre=np.concatenate((segments["fibre"], cones["fibre"])),
        grown=np.concatenate((segments["grown"] > 0, np.ones(m, dtype=bool))),
        laid_tick=np.concatenate((segments["laid_tick"], np.full(m, -1, dtype=np.int32))),
        living=unbroken(parent, alive) if n + m else np.zeros(0, dtype=bool),
        cones=m,
    )


def unbroken(parent: Ints, alive: Mask) -> Mask:
    """Return which points live and hang together with a root through living points only : (n,) bool.

    Pointer doubling: in round k each point knows whether its 2**k nearest ancestors live, so a path of a
    thousand points takes ten rounds.
    """
    above = np.where(parent >= 0, parent, np.arange(parent.size, dtype=np.int64))
    joined = alive.copy()
    if not np.any(alive & ~alive[above]):
        return joined  # paths are lost from their tips, so this is the rule
    while True:
        joined &= joined[above]
        further = above[above]
        if np.array_equal(further, above):
            return joined
        above = further


def crossing_fibres(forest: Forest, z_um: float | Floats, wanted: Mask) -> Ints:
    """Return the rows of the fibres of which a living grown piece passes a plane across the cord.

    Parameters
    ----------
    forest : Forest
    z_um : float or (fibres,) float64
        Height of the plane, for all or for each fibre.
    wanted : (fibres,) bool
        Fibres that count.

    Returns
    -------
    (k,) int64, ascending, each fibre once however many of its branches pass.
    """
    pieces = forest.pieces
    plane = np.broadcast_to(np.asarray(z_um, dtype=np.float64), wanted.shape)
    passes = np.zeros(wanted.size, dtype=bool)
    at = plane[pieces.fibre]
    passes[pieces.fibre[(pieces.low <= at) & (pieces.high > at)]] = True
    return np.flatnonzero(passes & wanted)


def polylines(forest: Forest) -> Polylines:
    """Cut the living forest into polylines.

    The first child of a point continues its polyline; every other child begins a branch, which repeats the point
    it leaves from, so that each polyline can be drawn on its own.
    """
    points = np.flatnonzero(forest.living)
    if points.size == 0:
        none = np.zeros(0, dtype=np.int64)
        return Polylines(none, none, none.astype(np.int32), none)
    parent = forest.parent[points]
    first = np.zeros(points.size, dtype=bool)
    has_parent = np.flatnonzero(parent >= 0)
    # Rows ascend, so the first time that a parent is named is its oldest living child.
    _, oldest = np.unique(parent[has_parent], return_index=True)
    first[has_parent[oldest]] = True
    head = np.arange(forest.parent.size, dtype=np.int64)
    head[points[first]] = parent[first]
    while True:
        further = head[head]
        if np.array_equal(further, head):
            break
        head = further
    heads = points[~first]
    is_branch = forest.parent[heads] >= 0
    # A branch gets its point of departure as an extra entry that sorts before all of its own.
    member = np.concatenate((points, forest.parent[heads[is_branch]]))
    line = np.concatenate((head[points], heads[is_branch]))
    rank = np.concatenate((points, np.full(int(np.sum(is_branch)), -1, dtype=np.int64)))
    fibre = forest.fibre[line]
    order = np.lexsort((rank, line, fibre))
    line, member, fibre = line[order], member[order], fibre[order]
    begins = np.flatnonzero(np.concatenate(([True], line[1:] != line[:-1])))
    row_size = np.diff(np.concatenate((begins, [line.size])))
    line_fibre = fibre[begins]
    new_fibre = np.concatenate(([True], line_fibre[1:] != line_fibre[:-1]))
    starts = np.flatnonzero(new_fibre)
    branch = np.arange(begins.size) - np.repeat(starts, np.diff(np.concatenate((starts, [begins.size]))))
    return Polylines(row_size.astype(np.int64), line_fibre, branch.astype(np.int32), member)
