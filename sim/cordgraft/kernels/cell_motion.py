"""Grafted cells on the move: a walk on the lattice with the drift and the spread of the one in space.

A step is cut into pieces with at most one hop of one voxel each. Every piece looks at the tissue as it was
before the step; the place where the walk ends is a proposal, settled in `cordgraft.kernels.cell_places`.

A chemoattractant, where there is one, adds a drift along its gradient. Without one the kernels are compiled with
``None`` in its place, and nothing of it is left in the machine code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.core.streams import Stream
from cordgraft.kernels.cell import passage, probability
from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.random import uniform_pair
from cordgraft.kernels.sensing import detection

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


class Attraction(NamedTuple):
    """A chemoattractant as cells sense it: `cue` flat (voxel,) float64, in units of its dissociation constant.

    `speed` (6,) um/h by kind, as in `Motion`, of a cell that senses the gradient without doubt; `width` um, `samples`
    and `least_cue` as `cordgraft.kernels.sensing` takes them; `pieces` (6,) int64 as in `Motion`, for cells that are
    drawn.
    """

    cue: Any
    speed: Any
    width: float
    samples: float
    least_cue: float
    pieces: Any


@body
def rise(place: Any, axis: Any, cue: Any, space: Any) -> Any:
    """Return the slope of the cue along an axis, 1/um: the central difference, one-sided at the edge of the cord."""
    _, ny, nz = space.shape
    site = place[0]
    stride = ny * nz if axis == 0 else (nz if axis == 1 else 1)
    here = place[axis + 1]
    low = high = cue[site]
    steps = 0
    if here > 0 and space.cord[site - stride] != 0:
        low = cue[site - stride]
        steps += 1
    if here + 1 < space.shape[axis] and space.cord[site + stride] != 0:
        high = cue[site + stride]
        steps += 1
    return (high - low) / (steps * space.spacing[axis]) if steps > 0 else 0.0


@body
def pull(place: Any, row: Any, attraction: Any, space: Any) -> Any:
    """Return the velocity with which a cell is drawn up the gradient where it stands, um/h along x, y and z."""
    gx = rise(place, 0, attraction.cue, space)
    gy = rise(place, 1, attraction.cue, space)
    gz = rise(place, 2, attraction.cue, space)
    steepness = np.sqrt(gx * gx + gy * gy + gz * gz)
    if steepness <= 0.0:
        return 0.0, 0.0, 0.0
    speed = attraction.speed[row] * detection(attraction.cue[place[0]], steepness, attraction)
    return speed * gx / steepness, speed * gy / steepness, speed * gz / steepness


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
def hop_one(place: Any, start: Any, drift: Any, chances: Any, u: Any, space: Any, stop: Any) -> Any:
    """Return where a cell stands after one piece of its step, as (site, x, y, z).

    The uniform first picks a direction (or none), then decides by its place within that slot whether the
    border, a full voxel or a lack of pressure holds the cell back.

    Parameters
    ----------
    place : (site, x, y, z)
        Flat voxel and its index per axis, kept together because divisions to find one from the other are slow.
    start : int
        The cell's own voxel.
    drift : (forward, backward)
        Chances along the cord, which for a traveller depend on where it is.
    chances : nine floats
        ``forward, backward, pushed`` per axis; those of axis 2 up and down are `drift`.
    u : float
        Uniform.
    stop : float
        As in `passage`.
    """
    site, x, y, z = place
    nx, ny, nz = space.shape
    for axis in range(3):
        if space.shape[axis] == 1:
            continue
        if axis == 0:
            forward, backward, pushed = chances[0], chances[1], chances[2]
            here, length, stride = x, nx, ny * nz
        elif axis == 1:
            forward, backward, pushed = chances[3], chances[4], chances[5]
            here, length, stride = y, ny, nz
        else:
            forward, backward, pushed = drift[0], drift[1], chances[8]
            here, length, stride = z, nz, 1
        for up in range(2):
            free = forward if up == 1 else backward
            if u >= free + pushed:
                u -= free + pushed
                continue
            step = 1 if up == 1 else -1
            other = site + step * stride
            if here + step < 0 or here + step >= length or space.cord[other] == 0:
                return place
            if other != start and space.count[other] >= space.places[other]:
                return place
            # what a fall in crowding adds lies between nothing and all: most hops are decided without it
            gate = passage(site, other, space, stop)
            taken = u < free * gate
            if not taken and u < (free + pushed) * gate:
                full = (space.count[site] - (1.0 if site == start else 0.0)) / max(
                    space.capacity[site], 1e-12
                )
                there = (space.count[other] - (1.0 if other == start else 0.0)) / max(
                    space.capacity[other], 1e-12
                )
                fall = min(1.0, max(0.0, full - there))
                taken = u < (free + pushed * fall) * gate
            if taken:
                return (
                    other,
                    x + step if axis == 0 else x,
                    y + step if axis == 1 else y,
                    z + step if axis == 2 else z,
                )
            return place
    return place


@body
def move_one(i: Any, cells: Any, space: Any, motion: Any, attraction: Any, draw: Any) -> None:
    """Propose where one cell goes, and now and then a new heading for a traveller.

    A proposal that still waits for the turnover is continued, so that migration may run more often than that.
    `attraction` is None where nobody released a chemoattractant. A cell out of its reach makes the same draws as
    without one.
    """
    identity = cells.id[i]
    row = np.int64(TRAVELLER) if cells.heading[i] != 0 else np.int64(cells.kind[i])
    start = cells.site[i]
    site = start if cells.move_target[i] < 0 else cells.move_target[i]
    pieces = motion.pieces[row]
    drawn = False
    if attraction is not None:
        if attraction.speed[row] > 0.0 and attraction.cue[site] > attraction.least_cue:
            drawn = True
            pieces = attraction.pieces[row]
    if cells.heading[i] != 0:
        chance, side = uniform_pair(draw.seed, identity, draw.tick, _MIGRATION, 0)
        if chance < probability(motion.turn * draw.dt_h):
            cells.new_heading[i] = 1 if side < 0.5 else -1
    elif not drawn and motion.spread[row] <= 0.0 and motion.pressure[row] <= 0.0:
        return
    heading = np.int64(cells.heading[i])
    dt_h = draw.dt_h / pieces
    _, ny, nz = space.shape
    place = (site, site // (ny * nz), (site // nz) % ny, site % nz)
    a, b, c = hop_chances(row, 0, 0.0, space, motion, dt_h)
    d, e, f = hop_chances(row, 1, 0.0, space, motion, dt_h)
    up, down, g = hop_chances(row, 2, 0.0, space, motion, dt_h)
    chances = (a, b, c, d, e, f, up, down, g)
    u = second = 0.0
    for piece in range(pieces):
        if piece % 2 == 0:
            u, second = uniform_pair(draw.seed, identity, draw.tick, _MIGRATION, 1 + piece // 2)
        else:
            u = second
        if heading != 0 and space.shape[2] > 1:
            white = space.white[place[0]]
            speed = heading * motion.drift * (white + motion.elsewhere * (1.0 - white))
            up, down, _ = hop_chances(row, 2, speed, space, motion, dt_h)
        if attraction is not None:
            if drawn:
                vx, vy, vz = pull(place, row, attraction, space)
                a, b, _ = hop_chances(row, 0, vx, space, motion, dt_h)
                d, e, _ = hop_chances(row, 1, vy, space, motion, dt_h)
                up, down, _ = hop_chances(row, 2, vz, space, motion, dt_h)
                chances = (a, b, c, d, e, f, up, down, g)
        place = hop_one(place, start, (up, down), chances, u, space, motion.barrier_stop)
    cells.move_target[i] = place[0] if place[0] != start else -1


@kernel
def move_loop(start: Any, stop: Any, cells: Any, space: Any, motion: Any, attraction: Any, draw: Any) -> None:
    """Propose moves for rows ``start .. stop``; `attraction` may be None."""
    for i in range(start, stop):
        move_one(i, cells, space, motion, attraction, draw)
