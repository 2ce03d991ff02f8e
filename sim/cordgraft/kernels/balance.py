"""The steady balance of oxygen on the masked cord, by relaxation.

``0 = D lap(p) + s (b - p) - q p/(p + K)`` by red-black relaxation: each voxel solves its own quadratic exactly,
which cannot leave the range ``0 .. b``, and overshoots by a factor. Where tissue takes up oxygen its length is about
a voxel and few sweeps suffice; for long lengths the multigrid of `kernels.solvers.solve_steady` is faster.

The two colours lie apart while it works: voxel ``j`` of a row of one colour is ``z = 2 j + o`` of the lattice, with
``o = (x + y + colour) % 2``. Then the lateral neighbours of a voxel of one colour are voxels ``j`` of the other one in
their rows, those along ``z`` are ``j - 1 + o`` and ``j + o`` of its own row, and every loop runs over neighbours in
memory and can be vectorised: a third of the time. Each half row has a place more at both ends, so that there is
always something to read.
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
#: Rows along ``z`` per block handed to a thread.
BLOCK_ROWS = 64
#: Voxels along ``z`` after which a segment is cut.
SEGMENT_VOXELS = 32


class Halves(NamedTuple):
    """Arrays of one relaxation sweep, by colour.

    `pressure` (mmHg), `supply` (1/s), `uptake` (mmHg/s) : (2, rows, half row + 2) float64; `defect` (mmHg) :
    (segments,); `scratch` : (blocks of segments, half row + 2).
    """

    pressure: Array
    supply: Array
    uptake: Array
    defect: Array
    scratch: Array


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
def split_rows(first: Any, last: Any, halves: Any, whole: Any, ny: Any) -> None:
    """Lay the colours of the rows ``first .. last`` apart; halves : (2, rows, half row + 2), whole : (rows, nz)."""
    nz = whole.shape[1]
    for r in range(first, last):
        o = (r // ny + r % ny) % 2
        row, even, odd = whole[r], halves[o, r, 1:], halves[1 - o, r, 1:]
        for j in range(nz // 2):
            even[j] = row[2 * j]
            odd[j] = row[2 * j + 1]
        if nz % 2:
            even[nz // 2] = row[nz - 1]


@kernel
def join_rows(first: Any, last: Any, whole: Any, halves: Any, ny: Any) -> None:
    """Put the colours of the rows ``first .. last`` together again; the inverse of `split_rows`."""
    nz = whole.shape[1]
    for r in range(first, last):
        o = (r // ny + r % ny) % 2
        row, even, odd = whole[r], halves[o, r, 1:], halves[1 - o, r, 1:]
        for j in range(nz // 2):
            row[2 * j] = even[j]
            row[2 * j + 1] = odd[j]
        if nz % 2:
            row[nz - 1] = even[nz // 2]


@body
def _largest(steps: Any) -> Any:
    """Return the largest of what is not negative, by four running ones, lest each waits for the one before."""
    a = b = c = d = 0.0
    n = steps.shape[0]
    even = n // 4 * 4
    for i in range(0, even, 4):
        a, b = max(a, steps[i]), max(b, steps[i + 1])
        c, d = max(c, steps[i + 2]), max(d, steps[i + 3])
    for i in range(even, n):
        a = max(a, steps[i])
    return max(max(a, b), max(c, d))


@body
def _run_end(m: Any, last: Any, which: Any, cut: Any) -> Any:
    """Return up to where the segments ``which[m ..]`` go on along ``z`` with the same walls at their sides."""
    begin, low = cut.start, cut.low
    n, m = which[m], m + 1
    xm, xp, ym, yp = cut.xm[n] - begin[n], cut.xp[n] - begin[n], cut.ym[n] - begin[n], cut.yp[n] - begin[n]
    while m < last and which[m] == n + 1 and low[n + 1] and begin[n + 1] == cut.stop[n]:
        n += 1
        if cut.xm[n] - begin[n] != xm or cut.xp[n] - begin[n] != xp:
            break
        if cut.ym[n] - begin[n] != ym or cut.yp[n] - begin[n] != yp:
            break
        m += 1
    return m


@kernel
def relax(first: Any, last: Any, which: Any, arrays: Any, cut: Any, balance: Any, size: Any) -> None:
    """Relax the voxels of one colour in the segments ``which[first .. last]``; reads only the other colour.

    The defect of a segment is the largest distance (mmHg) of a voxel from its own balance, met in this sweep. Segments
    that follow each other are done together. A neighbour behind a wall is the voxel itself. `size` : (ny, nz).
    """
    ny, nz = size
    colour = balance.colour
    p, other = arrays.pressure[colour], arrays.pressure[1 - colour]
    supply, uptake, defect = arrays.supply[colour], arrays.uptake[colour], arrays.defect
    new = arrays.scratch[first // BLOCK_SEGMENTS]
    begin, end = cut.start, cut.stop
    bx, by, bz = balance.x, balance.y, balance.z
    exchange = 2.0 * (bx + by + bz)
    blood, michaelis, relaxation = balance.blood, balance.michaelis, balance.relaxation
    m = first
    while m < last:
        n, m = which[m], _run_end(m, last, which, cut)
        k = which[m - 1]
        start = begin[n]
        r = start // nz
        row = r * nz
        o = (r // ny + r % ny + colour) % 2
        low, high = 1 + (start - row - o + 1) // 2, 1 + (end[k] - row - o + 1) // 2
        count = high - low
        if count > 0:
            own, s, q = p[r, low:high], supply[r, low:high], uptake[r, low:high]
            left = own if cut.xm[n] == start else other[r - ny, low:high]
            right = own if cut.xp[n] == start else other[r + ny, low:high]
            down = own if cut.ym[n] == start else other[r - 1, low:high]
            up = own if cut.yp[n] == start else other[r + 1, low:high]
            below, above = other[r, low - 1 + o : high - 1 + o], other[r, low + o : high + o]
            for i in range(count):
                new[i] = bx * (left[i] + right[i]) + by * (down[i] + up[i]) + bz * (below[i] + above[i])
            wall_low = (start - row) % 2 == o and not cut.low[n]
            wall_high = (end[k] - row - 1) % 2 == o and not cut.high[k]
            i = count - 1
            if wall_low:
                over = own[0] if wall_high and i == 0 else above[0]
                new[0] = bx * (left[0] + right[0]) + by * (down[0] + up[0]) + bz * (own[0] + over)
            if wall_high and not (wall_low and i == 0):
                new[i] = bx * (left[i] + right[i]) + by * (down[i] + up[i]) + bz * (below[i] + own[i])
            for i in range(count):
                new[i] = balance_one(new[i], exchange, s[i], q[i], blood, michaelis) - own[i]
            for i in range(count):
                own[i] = max(0.0, own[i] + relaxation * new[i])
                new[i] = abs(new[i])
        for h in range(n, k + 1):
            i, j = (begin[h] - row - o + 1) // 2 - low + 1, (end[h] - row - o + 1) // 2 - low + 1
            worst = _largest(new[i:j])
            defect[h] = worst if colour == 0 else max(worst, defect[h])


@kernel
def mark_off(marks: Any, which: Any, defect: Any, tolerance: Any, place: Any, blocks: Any) -> Any:
    """Mark the blocks of the segments that are off, and those beside them along each axis; returns how many are off.

    marks : (blocks,) bool, cleared first; place : (segments,) block of each segment; blocks : (nx, ny, along).
    """
    nx, ny, along = blocks
    for i in range(marks.shape[0]):
        marks[i] = False
    off = 0
    for m in range(which.shape[0]):
        n = which[m]
        if defect[n] > tolerance:
            off += 1
            i = place[n]
            x, y, z = i // (ny * along), i // along % ny, i % along
            marks[i] = True
            if x > 0:
                marks[i - ny * along] = True
            if x < nx - 1:
                marks[i + ny * along] = True
            if y > 0:
                marks[i - along] = True
            if y < ny - 1:
                marks[i + along] = True
            if z > 0:
                marks[i - 1] = True
            if z < along - 1:
                marks[i + 1] = True
    return off


@kernel
def pick_marked(out: Any, marks: Any, place: Any) -> Any:
    """Put the segments whose blocks are marked into `out`, in order; returns how many."""
    count = 0
    for n in range(place.shape[0]):
        if marks[place[n]]:
            out[count] = n
            count += 1
    return count


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


class Relaxation:
    """The solver of one cord.

    Parameters
    ----------
    cut : Segments
        Cut at every `SEGMENT_VOXELS` along ``z``, for the neighbourhoods to be small.
    shape : (nx, ny, nz)
        Of the lattice.
    """

    def __init__(self, cut: Segments, shape: tuple[int, ...]) -> None:
        self.cut = cut
        nx, ny, nz = shape
        along = -(-nz // SEGMENT_VOXELS)
        self._shape, self._blocks = (nx, ny, nz), (nx, ny, along)
        self._place = cut.start // nz * along + cut.start % nz // SEGMENT_VOXELS
        self._halves: Halves | None = None

    @property
    def defect(self) -> Array:
        """Largest distance (mmHg) of a voxel from its own balance when its segment was last swept : (segments,)."""
        return self._work().defect

    def _work(self) -> Halves:
        """Return the arrays of the sweeps, made at the first solve."""
        if self._halves is None:
            nx, ny, nz = self._shape
            segments, half = self.cut.start.shape[0], -(-nz // 2) + 2
            pressure, supply, uptake = (np.zeros((2, nx * ny, half)) for _ in range(3))
            scratch = np.empty((-(-segments // BLOCK_SEGMENTS), half))
            self._halves = Halves(pressure, supply, uptake, np.zeros(segments), scratch)
        return self._halves

    def solve(
        self, pressure: Array, supply: Array, uptake: Array, balance: Balance, tolerance: float, most: int
    ) -> int:
        """Relax `pressure` in place until every voxel is within `tolerance` (mmHg) of its own balance.

        Most of a cord is at rest most of the time. So after a first sweep over all segments only those that were not in
        balance, and their neighbours, are swept until they are. Then every segment that was swept, or has such a
        neighbour, is looked at once more; nothing has changed round the others since they were found in balance.

        Parameters
        ----------
        pressure, supply, uptake : (nx, ny, nz) float64, C order
            mmHg (the start, overwritten), 1/s and mmHg/s.
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
        if self.cut.start.shape[0] == 0:
            return 0
        halves = self._work()
        nx, ny, nz = self._shape
        rows = nx * ny
        for half, whole in zip(halves[:3], (pressure, supply, uptake), strict=True):
            run_blocks(split_rows, rows, half, whole.reshape(rows, nz), ny, block=BLOCK_ROWS)
        try:
            return self._sweep(halves, balance, tolerance, most)
        finally:
            run_blocks(join_rows, rows, pressure.reshape(rows, nz), halves.pressure, ny, block=BLOCK_ROWS)

    def _sweep(self, halves: Halves, balance: Balance, tolerance: float, most: int) -> int:
        """Sweep until all is in balance; returns how often."""
        place, defect, size = self._place, halves.defect, self._shape[1:]
        colours = [balance._replace(colour=colour) for colour in (0, 1)]
        which = np.arange(place.size)
        picked = np.empty_like(which)
        marks = np.zeros(int(np.prod(self._blocks)), dtype=bool)
        touched = np.zeros_like(marks)
        last_look = True
        for sweep in range(1, most + 1):
            for now in colours:
                run_blocks(relax, which.size, which, halves, self.cut, now, size, block=BLOCK_SEGMENTS)
            if mark_off(marks, which, defect, tolerance, place, self._blocks):
                last_look = False
                touched |= marks
                which = picked[: pick_marked(picked, marks, place)]
            elif last_look:
                return sweep
            else:
                last_look = True
                wide = neighbourhood(touched.reshape(self._blocks)).reshape(-1)
                which = picked[: pick_marked(picked, wide, place)]
        worst = defect.max()
        raise ArithmeticError(
            f"the oxygen balance is still off by {worst:.3g} mmHg after {most} sweeps (tolerance {tolerance:g} mmHg)"
        )
