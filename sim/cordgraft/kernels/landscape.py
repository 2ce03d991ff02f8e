"""The landscape that growth cones read: one small vector of channels per voxel, and its sampling at a point.

The channels are written once per step from a dozen tissue arrays, so that a cone looks up one place in memory
per corner instead of twelve. Nothing is interpolated along a flat axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cordgraft.kernels.compile import body, kernel

#: Channels of the landscape; behind them one more for each kind of host axon of other sensitivity, see `host_channels`.
HOST, GRAFT, ALIGNED, CUE, INTACT, INHIBITOR, BRANCHING = range(7)
CHANNELS = 7
#: Voxels along each axis of the blocks in which the landscape is made.
WIDTH = 16
#: What stands for an array that the run does not have.
ABSENT = np.zeros(0)


class Tissues(NamedTuple):
    """What the landscape is made of, each (voxels,) float64 but `cord` (uint8), in C order.

    `scaffold`, `channels` and `coat` are `ABSENT` in a run without a scaffold: its share of the voxel, the share with
    channels along the cord, and the matrix that it carries. `nogo` and `others` are `ABSENT` where nobody blocks
    myelin inhibitors: the blocked share of Nogo-A, and that of MAG and OMgp. `support` is `ABSENT` where nobody gives
    any by contact; else it becomes the last channel, behind those of further kinds of host axons.
    """

    cord: Any
    white: Any
    grey: Any
    graft: Any
    scar: Any
    necrosis: Any
    blood: Any
    debris: Any
    matrix: Any
    barrier: Any
    cspg: Any
    trophic: Any
    scaffold: Any = ABSENT
    channels: Any = ABSENT
    coat: Any = ABSENT
    nogo: Any = ABSENT
    others: Any = ABSENT
    support: Any = ABSENT


class Substrate(NamedTuple):
    """Constants of the landscape: substrate values (1), inhibition, branching rates (1/um), and scaffold.

    `scaffold` is its substrate value, `guidance` how strongly its channels guide, white matter 1. `nogo_share` and
    `others_share` of the myelin inhibitors are Nogo-A, and MAG with OMgp. `more_cspg` and `more_myelin`, (kinds,)
    float64, are the sensitivities of further kinds of host axons.
    """

    white: float
    grey: float
    graft: float
    core: float
    border: float
    matrix_half: float
    ic50: float
    host_cspg: float
    graft_cspg: float
    host_myelin: float
    graft_myelin: float
    myelin_weight: float
    branching: float
    branching_white: float
    scaffold: float = 0.0
    guidance: float = 0.0
    nogo_share: float = 0.0
    others_share: float = 0.0
    more_cspg: Any = ABSENT
    more_myelin: Any = ABSENT


class Space(NamedTuple):
    """The lattice as kernels see it.

    `cord` (x, y, z) uint8; `land` (x, y, z, channel) float64; `grid` = (x0, y0, z0, dx, dy, dz), um.
    """

    cord: Any
    land: Any
    grid: tuple[float, float, float, float, float, float]


def host_channels(sensitivities: Sequence[tuple[float, float]]) -> tuple[list[int], list[tuple[float, float]]]:
    """Return the channel of each host tract, and the kinds of host axon in the order of their channels.

    Tracts of one pair of sensitivities (to CSPG, to myelin) are of one kind; the first has the channel `HOST`.
    """
    kinds = list(dict.fromkeys(sensitivities))
    channels = [HOST, *range(CHANNELS, CHANNELS + len(kinds) - 1)]
    return [channels[kinds.index(pair)] for pair in sensitivities], kinds


@body
def survey(v: Any, tissues: Any, substrate: Any, land: Any) -> None:
    """Write the channels of one voxel; `v` counts in C order."""
    if tissues.cord[v] == 0:
        for channel in range(land.shape[1]):
            land[v, channel] = 0.0
        return
    white, grey, graft, barrier = tissues.white[v], tissues.grey[v], tissues.graft[v], tissues.barrier[v]
    core = tissues.scar[v] + tissues.necrosis[v] + tissues.blood[v]
    bare = substrate.white * white + substrate.grey * grey + substrate.graft * graft + substrate.core * core
    aligned, matrix = white, tissues.matrix[v]
    if tissues.scaffold.size > 0 and tissues.scaffold[v] > 0.0:
        fluid = max(0.0, 1.0 - (white + grey + graft + core))
        bare += substrate.scaffold * min(tissues.scaffold[v], fluid)
        aligned += substrate.guidance * tissues.channels[v]
        matrix = min(1.0, matrix + tissues.coat[v])
    bare = (1.0 - barrier) * bare + barrier * min(bare, substrate.border)
    carrying = bare + (1.0 - bare) * matrix / (matrix + substrate.matrix_half)
    inhibitor = tissues.cspg[v] / substrate.ic50
    myelin = substrate.myelin_weight * (white + tissues.debris[v])
    if tissues.nogo.size > 0:
        myelin *= 1.0 - (substrate.nogo_share * tissues.nogo[v] + substrate.others_share * tissues.others[v])
    host = (1.0 + substrate.host_cspg * inhibitor) * (1.0 + substrate.host_myelin * myelin)
    grafted = (1.0 + substrate.graft_cspg * inhibitor) * (1.0 + substrate.graft_myelin * myelin)
    land[v, HOST] = carrying / host
    land[v, GRAFT] = carrying / grafted
    land[v, ALIGNED] = aligned
    land[v, CUE] = max(tissues.trophic[v], 0.0)
    land[v, INTACT] = white + grey
    land[v, INHIBITOR] = inhibitor
    land[v, BRANCHING] = substrate.branching * (grey + graft) + substrate.branching_white * white
    for kind in range(substrate.more_cspg.size):
        other = (1.0 + substrate.more_cspg[kind] * inhibitor) * (1.0 + substrate.more_myelin[kind] * myelin)
        land[v, CHANNELS + kind] = carrying / other
    if tissues.support.size > 0:
        land[v, CHANNELS + substrate.more_cspg.size] = tissues.support[v]


@kernel
def survey_all(start: Any, stop: Any, tissues: Any, substrate: Any, land: Any) -> None:
    """Write the landscape of voxels ``start .. stop``; land (voxels, channel)."""
    for v in range(start, stop):
        survey(v, tissues, substrate, land)


@body
def survey_block(block: Any, blocks: Any, shape: Any, tissues: Any, substrate: Any, land: Any) -> None:
    """Write the landscape of one block of `WIDTH` voxels along each axis; `block` counts in C order of `blocks`."""
    _, by, bz = blocks
    nx, ny, nz = shape
    x0, y0, z0 = WIDTH * (block // (by * bz)), WIDTH * (block // bz % by), WIDTH * (block % bz)
    for x in range(x0, min(x0 + WIDTH, nx)):
        for y in range(y0, min(y0 + WIDTH, ny)):
            row = (x * ny + y) * nz
            for z in range(z0, min(z0 + WIDTH, nz)):
                survey(row + z, tissues, substrate, land)


@kernel
def survey_blocks(
    start: Any, stop: Any, which: Any, blocks: Any, shape: Any, tissues: Any, substrate: Any, land: Any
) -> None:
    """Write the landscape of the blocks ``which[start:stop]``; `blocks`, `shape` (3,): blocks and voxels per axis."""
    for n in range(start, stop):
        survey_block(which[n], blocks, shape, tissues, substrate, land)


@body
def corner(position: Any, origin: Any, spacing: Any, count: Any) -> Any:
    """Return the lower corner and the weight of the upper one for linear interpolation, clipped at the ends."""
    if count == 1:
        return 0, 0.0
    scaled = (position - origin) / spacing
    index = min(max(int(np.floor(scaled)), 0), count - 2)
    return index, min(max(scaled - index, 0.0), 1.0)


@body
def slope(low: Any, high: Any, axis: Any, shares: Any, cord: Any, land: Any) -> Any:
    """Return the difference of the cue between the upper and lower corners along one axis.

    `low`, `high`: index triples of the two ends of the cell; `shares`: weights of the upper corners. Pairs with
    a corner outside the cord are left out and the others count for them: no slope across a wall.
    """
    one = (axis + 1) % 3
    two = (axis + 2) % 3
    total = 0.0
    weights = 0.0
    for p in range(2 if high[one] > low[one] else 1):
        for q in range(2 if high[two] > low[two] else 1):
            first = high[one] if p == 1 else low[one]
            second = high[two] if q == 1 else low[two]
            if axis == 0:
                start, end = (low[0], first, second), (high[0], first, second)
            elif axis == 1:
                start, end = (second, low[1], first), (second, high[1], first)
            else:
                start, end = (first, second, low[2]), (first, second, high[2])
            if cord[start] != 0 and cord[end] != 0:
                weight = (shares[one] if p == 1 else 1.0 - shares[one]) * (
                    shares[two] if q == 1 else 1.0 - shares[two]
                )
                total += weight * (
                    land[end[0], end[1], end[2], CUE] - land[start[0], start[1], start[2], CUE]
                )
                weights += weight
    return total / weights if weights > 0.0 else 0.0


@body
def sample(x: Any, y: Any, z: Any, space: Any) -> Any:
    """Return all channels at a point by masked trilinear interpolation, and the gradient of the cue.

    Corners outside the cord are left out and the weights of the others scaled up, so that nothing leaks in from
    outside. The voxel that holds the point is always one of the corners.

    Returns
    -------
    host, graft, aligned, cue, intact, inhibitor, branching : float
    gx, gy, gz : float
        Gradient of the cue, 1/um.
    """
    cord, land, grid = space.cord, space.land, space.grid
    nx, ny, nz = cord.shape
    i0, a = corner(x, grid[0], grid[3], nx)
    j0, b = corner(y, grid[1], grid[4], ny)
    k0, c = corner(z, grid[2], grid[5], nz)
    i1, j1, k1 = min(i0 + 1, nx - 1), min(j0 + 1, ny - 1), min(k0 + 1, nz - 1)
    host = graft = aligned = cue = intact = inhibitor = branching = 0.0
    weights = 0.0
    for di in range(i1 - i0 + 1):
        wx = a if di == 1 else 1.0 - a
        for dj in range(j1 - j0 + 1):
            wy = b if dj == 1 else 1.0 - b
            for dk in range(k1 - k0 + 1):
                wz = c if dk == 1 else 1.0 - c
                i, j, k = i0 + di, j0 + dj, k0 + dk
                if cord[i, j, k] == 0:
                    continue
                weight = wx * wy * wz
                weights += weight
                host += weight * land[i, j, k, HOST]
                graft += weight * land[i, j, k, GRAFT]
                aligned += weight * land[i, j, k, ALIGNED]
                cue += weight * land[i, j, k, CUE]
                intact += weight * land[i, j, k, INTACT]
                inhibitor += weight * land[i, j, k, INHIBITOR]
                branching += weight * land[i, j, k, BRANCHING]
    scale = 1.0 / weights if weights > 0.0 else 0.0
    low, high, shares = (i0, j0, k0), (i1, j1, k1), (a, b, c)
    gx = slope(low, high, 0, shares, cord, land) / grid[3] if nx > 1 else 0.0
    gy = slope(low, high, 1, shares, cord, land) / grid[4] if ny > 1 else 0.0
    gz = slope(low, high, 2, shares, cord, land) / grid[5] if nz > 1 else 0.0
    return (
        scale * host,
        scale * graft,
        scale * aligned,
        scale * cue,
        scale * intact,
        scale * inhibitor,
        scale * branching,
        gx,
        gy,
        gz,
    )


@body
def carried(x: Any, y: Any, z: Any, channel: Any, space: Any) -> Any:
    """Return one channel at a point, interpolated as by `sample`."""
    cord, land, grid = space.cord, space.land, space.grid
    nx, ny, nz = cord.shape
    i0, a = corner(x, grid[0], grid[3], nx)
    j0, b = corner(y, grid[1], grid[4], ny)
    k0, c = corner(z, grid[2], grid[5], nz)
    i1, j1, k1 = min(i0 + 1, nx - 1), min(j0 + 1, ny - 1), min(k0 + 1, nz - 1)
    total = weights = 0.0
    for di in range(i1 - i0 + 1):
        wx = a if di == 1 else 1.0 - a
        for dj in range(j1 - j0 + 1):
            wy = b if dj == 1 else 1.0 - b
            for dk in range(k1 - k0 + 1):
                wz = c if dk == 1 else 1.0 - c
                i, j, k = i0 + di, j0 + dj, k0 + dk
                if cord[i, j, k] != 0:
                    weight = wx * wy * wz
                    weights += weight
                    total += weight * land[i, j, k, channel]
    return (1.0 / weights if weights > 0.0 else 0.0) * total


@body
def inside(x: Any, y: Any, z: Any, space: Any) -> Any:
    """Return 0 in the cord, 1 beyond the end of the lattice, 2 outside the cord."""
    cord, grid = space.cord, space.grid
    nx, ny, nz = cord.shape
    k = int(np.floor((z - grid[2]) / grid[5] + 0.5))
    if k < 0 or k >= nz:
        return 1
    i = int(np.floor((x - grid[0]) / grid[3] + 0.5))
    j = int(np.floor((y - grid[1]) / grid[4] + 0.5))
    if i < 0 or i >= nx or j < 0 or j >= ny or cord[i, j, k] == 0:
        return 2
    return 0
