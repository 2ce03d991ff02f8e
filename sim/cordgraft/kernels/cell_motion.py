"""Grafted cells on the move: a walk on the lattice with the drift and the spread of the one in space.

A step is cut into pieces with at most one hop of one voxel each. Every piece looks at the tissue as it was
before the step; the place where the walk ends is a proposal, settled in `cordgraft.kernels.cell_places`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.core.streams import Stream
from cordgraft.kernels.cell import neighbour, passage, probability
from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.random import uniform_pair

_MIGRATION = int(Stream.MIGRATION)

#: Row of the motion tables for astrocytes that travel along the cord; the others have the number of their kind.
TRAVELLER = 5


class Motion(NamedTuple):
    """Migration: `spread` and `pressure` (6,) um2/h by kind, with a last row for travelling astrocytes.

    `drift` um/h along the cord of travellers in white matter, `elsewhere` its share outside; `turn` rate of
    drawing a new heading, 1/h; `pieces` (6,) int64 hops into which the step is cut, so that no hop has a
    probability above one.
    """

    spread: Any
    pressure: Any
    drift: float
    elsewhere: float
    turn: float
    barrier_stop: float
    pieces: Any


@body
def hop_chances(row: Any, axis: Any, speed: Any, space: Any, motion: Any, dt_h: Any) -> Any:
    """Return the chances of one hop up and one hop down an axis, and of one pushed hop, in a piece of `dt_h`.

    With mean ``m`` and variance ``s`` per piece (in voxels) the hops up and down have the sum
    ``max(|m|, s + m^2)`` and the difference ``m``: the walk on the lattice has exactly the drift and the spread
    of the one in space. The least spread a lattice can give to a drift is that of ``|m|``.
    """
    width = space.spacing[axis]
    mean = abs(speed) * dt_h / width
    variance = 2.0 * motion.spread[row] * dt_h / (width * width)
    both = max(mean, variance + mean * mean)
    forward, backward = 0.5 * (both + mean), 0.5 * (both - mean)
    if speed < 0.0:
        forward, backward = backward, forward
    return forward, backward, motion.pressure[row] * dt_h / (width * width)


@body
def hop_one(site: Any, start: Any, row: Any, heading: Any, u: Any, space: Any, motion: Any, dt_h: Any) -> Any:
    """Return where a cell stands after one piece of its step; `u` is uniform, `start` its own voxel.

    The uniform first picks a direction (or none), then decides by its place within that slot whether the
    border, a full voxel or a lack of pressure holds the cell back.
    """
    for axis in range(3):
        if space.shape[axis] == 1:
            continue
        speed = 0.0
        if axis == 2 and heading != 0:
            white = space.white[site]
            speed = heading * motion.drift * (white + motion.elsewhere * (1.0 - white))
        forward, backward, pushed = hop_chances(row, axis, speed, space, motion, dt_h)
        for up in range(2):
            free = forward if up == 1 else backward
            if u >= free + pushed:
                u -= free + pushed
                continue
            other = neighbour(site, 2 * axis + up, space)
            if other < 0 or (other != start and space.count[other] >= space.places[other]):
                return site
            fall = 0.0
            if pushed > 0.0:
                here = (space.count[site] - (1.0 if site == start else 0.0)) / max(
                    space.capacity[site], 1e-12
                )
                there = (space.count[other] - (1.0 if other == start else 0.0)) / max(
                    space.capacity[other], 1e-12
                )
                fall = min(1.0, max(0.0, here - there))
            if u < (free + pushed * fall) * passage(site, other, space, motion.barrier_stop):
                return other
            return site
    return site


@body
def move_one(i: Any, cells: Any, space: Any, motion: Any, draw: Any) -> None:
    """Propose where one cell goes, and now and then a new heading for a traveller.

    A proposal that still waits for the turnover is continued, so that migration may run more often than that.
    """
    identity = cells.id[i]
    row = np.int64(TRAVELLER) if cells.heading[i] != 0 else np.int64(cells.kind[i])
    if cells.heading[i] != 0:
        chance, side = uniform_pair(draw.seed, identity, draw.tick, _MIGRATION, 0)
        if chance < probability(motion.turn * draw.dt_h):
            cells.new_heading[i] = 1 if side < 0.5 else -1
    elif motion.spread[row] <= 0.0 and motion.pressure[row] <= 0.0:
        return
    heading = np.int64(cells.heading[i])
    start = cells.site[i]
    site = start if cells.move_target[i] < 0 else cells.move_target[i]
    pieces = motion.pieces[row]
    dt_h = draw.dt_h / pieces
    u = second = 0.0
    for piece in range(pieces):
        if piece % 2 == 0:
            u, second = uniform_pair(draw.seed, identity, draw.tick, _MIGRATION, 1 + piece // 2)
        else:
            u = second
        site = hop_one(site, start, row, heading, u, space, motion, dt_h)
    cells.move_target[i] = site if site != start else -1


@kernel
def move_loop(start: Any, stop: Any, cells: Any, space: Any, motion: Any, draw: Any) -> None:
    """Propose moves for rows ``start .. stop``."""
    for i in range(start, stop):
        move_one(i, cells, space, motion, draw)
