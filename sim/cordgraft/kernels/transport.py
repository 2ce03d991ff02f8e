"""Diffusion with decay of one uniform medium on the masked cord.

The cord is cut once into *segments*: runs of voxels along ``z`` that lie in the cord and whose four lateral
neighbours are either all in the cord or all outside it. A closed face needs no mask then: the neighbour row
of a segment with a wall is the segment itself, so that the flux through the wall is zero. The inner loops run
over contiguous memory without a branch, for a section, a volume and a patient's mask alike.

Transport ``c' = D lap(c) - k c + S`` is advanced by RKL2, the second-order Runge-Kutta-Legendre method of
Meyer, Balsara and Aslam (2014, 10.1016/j.jcp.2013.08.021): explicit, so that mass is kept to rounding, and
stable for steps that grow with the square of the number of stages. It is applied to the change over the step
rather than to the field, which needs one array less and leaves a steady field alone to the last bit or so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import body, kernel

Array = NDArray[Any]

#: Below this a value of a field becomes zero: far below any threshold of biology, and far above the numbers
#: (1e-308) with which processors become slow.
NEGLIGIBLE = 1e-30


class Segments(NamedTuple):
    """Runs of cord voxels along ``z``; all (n,) int64, in order of memory.

    `start` and `stop` are flat indices; `xm`, `xp`, `ym`, `yp` the flat index at which the neighbour row begins
    (`start` itself behind a wall); `low` and `high` are 1 where the voxel before or after belongs to the cord;
    `parity` is ``(x + y + z) % 2`` of the first voxel.
    """

    start: Array
    stop: Array
    xm: Array
    xp: Array
    ym: Array
    yp: Array
    low: Array
    high: Array
    parity: Array


def make_segments(cord: Array, longest: int | None = None) -> Segments:
    """Return the segments of a mask; cord : (nx, ny, nz), non-zero inside.

    With `longest`, segments are also cut at every so many voxels along ``z``, counted from the wall.
    """
    inside = np.asarray(cord) != 0
    _, ny, nz = inside.shape
    code = inside.astype(np.int8)
    for bit, (axis, step) in enumerate(((0, -1), (0, 1), (1, -1), (1, 1)), start=1):
        neighbour = np.zeros_like(inside)
        here: list[slice] = [slice(None)] * 3
        there: list[slice] = [slice(None)] * 3
        here[axis] = slice(1, None) if step < 0 else slice(None, -1)
        there[axis] = slice(None, -1) if step < 0 else slice(1, None)
        neighbour[tuple(here)] = inside[tuple(there)]
        code += (neighbour << bit).astype(np.int8)
    code[~inside] = 0
    flat = code.ravel()
    breaks = np.flatnonzero(np.diff(flat)) + 1
    edges = np.union1d(breaks, np.arange(0, flat.size + 1, nz))
    if longest is not None:
        within = np.arange(0, nz, longest)
        edges = np.union1d(edges, (np.arange(0, flat.size, nz)[:, None] + within).ravel())
    start, stop = edges[:-1], edges[1:]
    kept = flat[start] != 0
    start, stop = start[kept].astype(np.int64), stop[kept].astype(np.int64)
    codes = flat[start].astype(np.int64)

    def row(bit: int, offset: int) -> Array:
        return np.where(codes >> bit & 1, start + offset, start)

    z_first, z_last = start % nz, (stop - 1) % nz
    whole = inside.ravel()
    low = (z_first > 0) & whole[np.maximum(start - 1, 0)]
    high = (z_last < nz - 1) & whole[np.minimum(stop, whole.size - 1)]
    parity = (start // (ny * nz) + start // nz % ny + z_first) % 2
    return Segments(
        start,
        stop,
        row(1, -ny * nz),
        row(2, ny * nz),
        row(3, -nz),
        row(4, nz),
        low.astype(np.int64),
        high.astype(np.int64),
        parity,
    )


# ---------------------------------------------------------------------------------------- transport


#: One number per axis.
Triple = tuple[float, float, float]


def exchange_rates(diffusivity: float, shape: tuple[int, int, int], spacing_um: Triple) -> Triple:
    """Return ``D/h^2`` per axis, zero along flat axes (unit of time as in `diffusivity`, um2 per time)."""
    x, y, z = (diffusivity / h**2 if n > 1 else 0.0 for n, h in zip(shape, spacing_um, strict=True))
    return x, y, z


def spectral_radius(rates: Triple, decay: float) -> float:
    """Return a bound (Gershgorin) of the largest rate at which any pattern can fall."""
    return 4.0 * sum(rates) + decay


def stage_count(radius_dt: float) -> int:
    """Return the least odd number of RKL2 stages that is stable for ``rate x step``.

    The method is stable up to ``rate x step = (s^2 + s - 2)/2``; odd counts damp the stiffest pattern better.
    """
    stages = int(np.ceil(0.5 * (np.sqrt(9.0 + 8.0 * radius_dt) - 1.0)))
    return max(3, stages | 1)


def stage_coefficients(stages: int) -> Array:
    """Return (stages + 1, 4) float64: ``mu_j, nu_j, mu~_j, mu~_j + gamma~_j`` of RKL2; row 0 is unused.

    With ``b_j = (j^2 + j - 2)/(2 j (j + 1))`` from the third on (1/3 before), ``w = 4/(s^2 + s - 2)``.
    """
    j = np.arange(stages + 1, dtype=np.float64)
    b = np.full(stages + 1, 1.0 / 3.0)
    b[2:] = (j[2:] ** 2 + j[2:] - 2.0) / (2.0 * j[2:] * (j[2:] + 1.0))
    w = 4.0 / (stages**2 + stages - 2.0)
    table = np.zeros((stages + 1, 4))
    table[1] = (0.0, 0.0, b[1] * w, b[1] * w)
    for k in range(2, stages + 1):
        mu = (2.0 * k - 1.0) / k * b[k] / b[k - 1]
        nu = -(k - 1.0) / k * b[k] / b[k - 2]
        mu_t = mu * w
        gamma_t = -(1.0 - b[k - 1]) * mu_t
        table[k] = (mu, nu, mu_t, mu_t + gamma_t)
    return table


@body
def _section_row(out: Any, rows: Any, ends: Any, f: Any, k: Any) -> None:
    """One segment of one stage in a section.

    ``out <- a c + y (ym + yp) + z (below + above) + nu out + g f`` with `rows` = c, ym, yp; `ends` = values
    below the first and above the last voxel; `k` = a, x, y, z, nu, g.
    """
    c, ym, yp = rows
    a, _, y, z, nu, g = k
    n = out.shape[0]
    for i in range(1, n - 1):
        out[i] = a * c[i] + y * (ym[i] + yp[i]) + z * (c[i - 1] + c[i + 1]) + nu * out[i] + g * f[i]
    m = n - 1
    above = c[1] if m > 0 else ends[1]
    out[0] = a * c[0] + y * (ym[0] + yp[0]) + z * (ends[0] + above) + nu * out[0] + g * f[0]
    if m > 0:
        out[m] = a * c[m] + y * (ym[m] + yp[m]) + z * (c[m - 1] + ends[1]) + nu * out[m] + g * f[m]


@body
def _volume_row(out: Any, rows: Any, ends: Any, f: Any, k: Any) -> None:
    """One segment of one stage in a volume; as `_section_row`, `rows` = c, ym, yp, xm, xp."""
    c, ym, yp, xm, xp = rows
    a, x, y, z, nu, g = k
    n = out.shape[0]
    for i in range(1, n - 1):
        lateral = x * (xm[i] + xp[i]) + y * (ym[i] + yp[i])
        out[i] = a * c[i] + lateral + z * (c[i - 1] + c[i + 1]) + nu * out[i] + g * f[i]
    m = n - 1
    above = c[1] if m > 0 else ends[1]
    lateral = x * (xm[0] + xp[0]) + y * (ym[0] + yp[0])
    out[0] = a * c[0] + lateral + z * (ends[0] + above) + nu * out[0] + g * f[0]
    if m > 0:
        lateral = x * (xm[m] + xp[m]) + y * (ym[m] + yp[m])
        out[m] = a * c[m] + lateral + z * (c[m - 1] + ends[1]) + nu * out[m] + g * f[m]


@kernel
def stage_section(out: Any, c: Any, f: Any, cut: Any, k: Any) -> None:
    """One stage over all segments of a section; out, c, f : (voxels,) float64, `k` see `_section_row`.

    The arrays are taken out of their tuple once: inside the loop each access would count references.
    """
    begin, end, low, high, side_ym, side_yp = cut.start, cut.stop, cut.low, cut.high, cut.ym, cut.yp
    for n in range(begin.shape[0]):
        start, stop = begin[n], end[n]
        length = stop - start
        ym, yp = side_ym[n], side_yp[n]
        ends = (c[start - low[n]], c[stop - 1 + high[n]])
        rows = (c[start:stop], c[ym : ym + length], c[yp : yp + length])
        _section_row(out[start:stop], rows, ends, f[start:stop], k)


@kernel
def stage_volume(out: Any, c: Any, f: Any, cut: Any, k: Any) -> None:
    """One stage over all segments of a volume; out, c, f : (voxels,) float64, `k` see `_section_row`."""
    begin, end, low, high, side_ym, side_yp = cut.start, cut.stop, cut.low, cut.high, cut.ym, cut.yp
    side_xm, side_xp = cut.xm, cut.xp
    for n in range(begin.shape[0]):
        start, stop = begin[n], end[n]
        length = stop - start
        ym, yp, xm, xp = side_ym[n], side_yp[n], side_xm[n], side_xp[n]
        ends = (c[start - low[n]], c[stop - 1 + high[n]])
        rows = (
            c[start:stop],
            c[ym : ym + length],
            c[yp : yp + length],
            c[xm : xm + length],
            c[xp : xp + length],
        )
        _volume_row(out[start:stop], rows, ends, f[start:stop], k)


@kernel
def add_change(field: Any, change: Any, cut: Any) -> None:
    """``field += change`` inside the cord; what is nearer to zero than `NEGLIGIBLE` becomes zero."""
    for n in range(cut.start.shape[0]):
        row = field[cut.start[n] : cut.stop[n]]
        more = change[cut.start[n] : cut.stop[n]]
        for i in range(row.shape[0]):
            value = row[i] + more[i]
            row[i] = value if abs(value) > NEGLIGIBLE else 0.0


@dataclass
class Work:
    """Three arrays of the lattice that one field needs while it is advanced : (voxels,) float64."""

    now: Array
    last: Array
    forcing: Array

    @classmethod
    def of_size(cls, voxels: int) -> Work:
        """Return zeroed work arrays; they must stay zero outside the cord."""
        return cls(np.zeros(voxels), np.zeros(voxels), np.zeros(voxels))


def advance(
    field: Array, source: Array, cut: Segments, rates: Triple, decay: float, dt: float, work: Work
) -> None:
    """Advance one field by `dt`, in place.

    Parameters
    ----------
    field, source : (nx, ny, nz) float64, C order
        The field and its source (unit of the field per unit of time), constant over the step.
    cut : Segments
    rates : (x, y, z)
        ``D/h^2`` per axis, zero along flat axes.
    decay : float
        ``k``; inside the operator, so that the balance of source, spread and decay is met exactly by a field
        at rest, whatever the step.
    work : Work
    """
    flat = field.reshape(-1)
    deposits = source.reshape(-1)
    stage = stage_volume if field.shape[0] > 1 else stage_section
    table = stage_coefficients(stage_count(spectral_radius(rates, decay) * dt))
    x, y, z = (dt * rate for rate in rates)
    loss = 2.0 * (x + y + z) + dt * decay
    forcing, now, last = work.forcing, work.now, work.last
    np.multiply(deposits, dt, out=forcing)
    now[:] = 0.0
    # f = dt (L y0 + S): one stage with the coefficients of the bare operator
    stage(now, flat, forcing, cut, (-loss, x, y, z, 0.0, 1.0))
    forcing, now = now, forcing
    np.multiply(forcing, table[1, 3], out=last)
    np.copyto(now, 0.0)
    first, second = last, now  # the change after stages j - 1 and j - 2
    for mu, nu, mu_t, force in table[2:].tolist():
        stage(second, first, forcing, cut, (mu - mu_t * loss, mu_t * x, mu_t * y, mu_t * z, nu, force))
        first, second = second, first
    add_change(flat, first, cut)


def neighbour_mean(values: Array, cut: Segments, shares: Triple) -> Array:
    """Return ``v + sum over the axes of share x (below + above - 2 v)`` : (nx, ny, nz); zero outside the cord."""
    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.zeros(flat.size)
    x, y, z = shares
    stage = stage_volume if values.shape[0] > 1 else stage_section
    stage(out, flat, flat, cut, (1.0 - 2.0 * (x + y + z), x, y, z, 0.0, 0.0))
    return out.reshape(values.shape)
