"""The steady balance of oxygen on the masked cord, by relaxation.

``0 = D lap(p) + s (b - p) - q p/(p + K)`` by red-black relaxation: each voxel solves its own quadratic exactly,
which cannot leave the range ``0 .. b``, and overshoots by a factor. Where tissue takes up oxygen its length is about
a voxel and few sweeps suffice; for long lengths the multigrid of `kernels.solvers.solve_steady` is faster.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import body, kernel, run_blocks
from cordgraft.kernels.transport import Segments

Array = NDArray[Any]

#: Segments per block handed to a thread.
BLOCK_SEGMENTS = 1024
#: Voxels along ``z`` after which a segment is cut.
SEGMENT_VOXELS = 32


class Sweep(NamedTuple):
    """Arrays of one relaxation sweep, flat.

    `pressure` (mmHg), `supply` (1/s), `uptake` (mmHg/s) : (voxels,) float64; `defect` (mmHg) : (segments,).
    """

    pressure: Array
    supply: Array
    uptake: Array
    defect: Array


class Balance(NamedTuple):
    """Numbers of the oxygen balance.

    Exchange rates with a neighbour per axis (1/s), pressure of blood (mmHg), Michaelis constant (mmHg),
    over-relaxation (1-2), and the colour of the sweep (0 or 1).
    """

    x: float
    y: float
    z: float
    blood: float
    michaelis: float
    relaxation: float
    colour: int


class Demand(NamedTuple):
    """What supplies and takes up oxygen, flat (voxels,) float64.

    `exchange` (1/s) with blood where vessels are whole; `vessels` relative; densities of immune cells (1 = a saturated
    voxel); dry fractions; `cells` simulated grafted cells per voxel.
    """

    exchange: Array
    vessels: Array
    neutrophils: Array
    pro: Array
    repair: Array
    white: Array
    grey: Array
    scar: Array
    cells: Array


class Uptakes(NamedTuple):
    """Largest uptake, mmHg/s: of white matter, grey matter, scar, a voxel full of immune cells, one simulated cell."""

    white: float
    grey: float
    scar: float
    immune: float
    cell: float


@kernel
def demand_all(start: Any, stop: Any, out: Any, d: Any, u: Any) -> None:
    """Write supply (1/s) and largest uptake (mmHg/s), ``out = (supply, uptake)`` : (voxels,)."""
    supply, uptake = out
    exchange, vessels, neutrophils, pro, repair = d.exchange, d.vessels, d.neutrophils, d.pro, d.repair
    white, grey, scar, cells = d.white, d.grey, d.scar, d.cells
    for i in range(start, stop):
        supply[i] = exchange[i] * vessels[i]
        uptake[i] = u.immune * (pro[i] + repair[i] + neutrophils[i])
    for i in range(start, stop):
        uptake[i] += u.white * white[i] + u.grey * grey[i] + u.scar * scar[i]
    if u.cell > 0.0:
        for i in range(start, stop):
            uptake[i] += u.cell * cells[i]


@body
def balance_one(neighbours: Any, exchange: Any, supply: Any, uptake: Any, blood: Any, michaelis: Any) -> Any:
    """Return the pressure (mmHg) at which one voxel is in balance with its neighbours.

    Solves ``neighbours + s b - (exchange + s) p = q p/(p + K)`` for the root that is not negative;
    `neighbours` is the sum of rate x pressure over the neighbours (mmHg/s), `exchange` the sum of the rates
    (1/s), `supply` s (1/s), `uptake` q (mmHg/s). The form avoids the difference of two near numbers.
    """
    slope = exchange + supply
    gain = neighbours + supply * blood
    half = 0.5 * (gain - slope * michaelis - uptake)
    constant = gain * michaelis
    far = abs(half) + np.sqrt(half * half + slope * constant)
    if far == 0.0:
        return 0.0  # nothing comes in and nothing goes out
    # far/slope for half > 0, else constant/far: chosen before the division, so that there is only one
    return (far if half > 0.0 else constant) / (slope if half > 0.0 else far)


@kernel
def relax(first: Any, last: Any, which: Any, arrays: Any, cut: Any, balance: Any) -> None:
    """Relax the voxels of one colour in the segments ``which[first .. last]``; reads only the other colour.

    The defect of a segment is the largest distance (mmHg) of a voxel from its own balance, met in this sweep.
    """
    p, supply, uptake, defect = arrays.pressure, arrays.supply, arrays.uptake, arrays.defect
    begin, end, low, high, parity = cut.start, cut.stop, cut.low, cut.high, cut.parity
    side_xm, side_xp, side_ym, side_yp = cut.xm, cut.xp, cut.ym, cut.yp
    bx, by, bz = balance.x, balance.y, balance.z
    exchange = 2.0 * (bx + by + bz)
    for m in range(first, last):
        n = which[m]
        start, stop = begin[n], end[n]
        xm, xp, ym, yp = side_xm[n] - start, side_xp[n] - start, side_ym[n] - start, side_yp[n] - start
        worst = 0.0
        for i in range(start + (parity[n] + balance.colour) % 2, stop, 2):
            old = p[i]
            below = p[i - 1] if i > start or low[n] else old
            above = p[i + 1] if i < stop - 1 or high[n] else old
            around = bx * (p[i + xm] + p[i + xp]) + by * (p[i + ym] + p[i + yp]) + bz * (below + above)
            new = balance_one(around, exchange, supply[i], uptake[i], balance.blood, balance.michaelis)
            step = new - old
            p[i] = max(0.0, old + balance.relaxation * step)
            worst = max(worst, abs(step))
        defect[n] = worst if balance.colour == 0 else max(worst, defect[n])


def neighbourhood(marked: Array) -> Array:
    """Return a mask that also holds the neighbours of what `marked` holds along each axis : (x, y, z) bool."""
    wide = marked.copy()
    wide[1:] |= marked[:-1]
    wide[:-1] |= marked[1:]
    wide[:, 1:] |= marked[:, :-1]
    wide[:, :-1] |= marked[:, 1:]
    wide[:, :, 1:] |= marked[:, :, :-1]
    wide[:, :, :-1] |= marked[:, :, 1:]
    return wide


def solve_balance(
    pressure: Array,
    supply: Array,
    uptake: Array,
    cut: Segments,
    balance: Balance,
    tolerance: float,
    most: int,
) -> int:
    """Relax `pressure` in place until every voxel is within `tolerance` (mmHg) of its own balance.

    Most of a cord is at rest most of the time. So after a first sweep over all segments only those that were not in
    balance, and their neighbours, are swept until they are. Then every segment that was swept, or has such a neighbour,
    is looked at once more; nothing has changed round the others since they were found in balance.

    Parameters
    ----------
    pressure, supply, uptake : (nx, ny, nz) float64, C order
        mmHg (the start, overwritten), 1/s and mmHg/s.
    cut : Segments
        Cut at every `SEGMENT_VOXELS` along ``z``, for the neighbourhoods to be small.
    balance : Balance
        `colour` is set here.
    tolerance : float
        Largest defect met in a sweep, mmHg. The error of the field is at most ``defect x exchange / (s +
        q K/(p + K)^2)`` with the smallest denominator of the cord.
    most : int
        Sweeps (both colours) after which the solve is given up.

    Returns
    -------
    int
        Number of sweeps, those over a part of the cord included.

    Raises
    ------
    ArithmeticError
        If the tolerance is not met.
    """
    segments = cut.start.shape[0]
    if segments == 0:
        return 0
    nz = pressure.shape[2]
    along = -(-nz // SEGMENT_VOXELS)
    block = cut.start // nz * along + cut.start % nz // SEGMENT_VOXELS
    blocks = (pressure.shape[0], pressure.shape[1], along)
    defect = np.zeros(segments)
    arrays = Sweep(pressure.reshape(-1), supply.reshape(-1), uptake.reshape(-1), defect)
    everything = np.arange(segments)
    which, off = everything, everything
    touched = np.zeros(blocks, dtype=bool)
    last_look = True
    for sweep in range(1, most + 1):
        for colour in (0, 1):
            now = balance._replace(colour=colour)
            run_blocks(relax, which.shape[0], which, arrays, cut, now, block=BLOCK_SEGMENTS)
        off = which[defect[which] > tolerance]
        if off.size == 0:
            if last_look:
                return sweep
            which = np.flatnonzero(neighbourhood(touched).reshape(-1)[block])
            last_look = True
            continue
        last_look = False
        marked = np.zeros(blocks, dtype=bool)
        marked.reshape(-1)[block[off]] = True
        marked = neighbourhood(marked)
        touched |= marked
        which = np.flatnonzero(marked.reshape(-1)[block])
    worst = defect[off].max() if off.size else tolerance
    raise ArithmeticError(
        f"the oxygen balance is still off by {worst:.3g} mmHg after {most} sweeps (tolerance {tolerance:g} mmHg)"
    )
