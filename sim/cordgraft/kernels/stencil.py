"""Loops over the voxels for a matrix with one row per voxel and one entry per face; all arrays (nx, ny, nz).

The matrix ``M`` has `diag` on its diagonal and ``-g`` between a voxel and the next one along each axis. The last
layer of `g` along an axis is zero, so the neighbour of the last voxel may be any voxel, and the loops take the
first one: no branch at the walls. Outside the cord every `g` is zero and `inverse` too: nothing changes there.

Rows along ``z`` are handled in several short loops, each with few enough arrays to be vectorised; the row stays in
the nearest cache meanwhile. Every kernel works in single and in double precision.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cordgraft.kernels.compile import body, kernel


class Stencil(NamedTuple):
    """The matrix: exchange towards the next voxel per axis, diagonal, and its inverse (0 outside the cord)."""

    gx: Any
    gy: Any
    gz: Any
    diag: Any
    inverse: Any


@body
def _rest_row(out: Any, c: Any, f: Any, diag: Any, gz: Any) -> None:
    """``out <- f - diag c + what comes along z`` for one row; all (nz,)."""
    n = out.shape[0]
    for i in range(n):
        out[i] = f[i] - diag[i] * c[i]
    for i in range(n - 1):
        out[i] += gz[i] * c[i + 1]
    for i in range(n - 1):
        out[i + 1] += gz[i] * c[i]


@body
def _add_neighbours(out: Any, g: Any, above: Any, g_below: Any, below: Any) -> None:
    """``out += g above + g_below below`` for one row; all (nz,)."""
    for i in range(out.shape[0]):
        out[i] += g[i] * above[i] + g_below[i] * below[i]


@body
def _rest_of(out: Any, c: Any, f: Any, matrix: Any, x: Any, y: Any) -> None:
    """``out <- f - M c`` for the row (x, y)."""
    gx, gy, gz, diag = matrix.gx, matrix.gy, matrix.gz, matrix.diag
    nx, ny = c.shape[0], c.shape[1]
    _rest_row(out, c[x, y], f[x, y], diag[x, y], gz[x, y])
    if ny > 1:
        up = y + 1 if y < ny - 1 else 0
        down = y - 1 if y > 0 else ny - 1
        _add_neighbours(out, gy[x, y], c[x, up], gy[x, down], c[x, down])
    if nx > 1:
        right = x + 1 if x < nx - 1 else 0
        left = x - 1 if x > 0 else nx - 1
        _add_neighbours(out, gx[x, y], c[right, y], gx[left, y], c[left, y])


@kernel
def rest(out: Any, c: Any, f: Any, matrix: Any) -> None:
    """``out <- f - M c``."""
    for x in range(c.shape[0]):
        for y in range(c.shape[1]):
            _rest_of(out[x, y], c, f, matrix, x, y)


@body
def _relaxed(out: Any, c: Any, row: Any, inverse: Any, weight: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = c[i] + weight * inverse[i] * row[i]


@kernel
def relax(out: Any, c: Any, f: Any, matrix: Any, weight: Any, row: Any) -> None:
    """One damped Jacobi sweep, ``out <- c + weight (f - M c)/diag``; `row` : (nz,) is scratch."""
    inverse = matrix.inverse
    for x in range(c.shape[0]):
        for y in range(c.shape[1]):
            _rest_of(row, c, f, matrix, x, y)
            _relaxed(out[x, y], c[x, y], row, inverse[x, y], weight)


@kernel
def relax_from_zero(out: Any, f: Any, inverse: Any, weight: Any) -> None:
    """The same sweep from nothing, ``out <- weight f/diag``; all (voxels,)."""
    for i in range(out.shape[0]):
        out[i] = weight * inverse[i] * f[i]


@kernel
def restrict(coarse: Any, fine: Any, factors: Any) -> None:
    """``coarse <- sum of the block / size of a whole block``; factors : (fx, fy, fz)."""
    fx, fy, fz = factors
    share = coarse.dtype.type(1.0 / (fx * fy * fz))
    nz = fine.shape[2]
    for x in range(coarse.shape[0]):
        for y in range(coarse.shape[1]):
            row = coarse[x, y]
            row[:] = 0.0
            for a in range(x * fx, min((x + 1) * fx, fine.shape[0])):
                for b in range(y * fy, min((y + 1) * fy, fine.shape[1])):
                    source = fine[a, b]
                    if fz == 1:
                        for i in range(nz):
                            row[i] += source[i]
                    elif fz == 2:
                        for i in range(nz // 2):
                            row[i] = (row[i] + source[2 * i]) + source[2 * i + 1]
                        if nz % 2:
                            row[nz // 2] += source[nz - 1]
                    else:
                        whole = nz // fz
                        for i in range(whole):
                            for j in range(fz):
                                row[i] += source[i * fz + j]
                        for i in range(whole * fz, nz):
                            row[whole] += source[i]
            for i in range(row.shape[0]):
                row[i] *= share


@body
def _lean(row: Any, c: Any, other: Any, g: Any) -> None:
    """``row += (other - c)/4`` where the face between them is open."""
    for i in range(row.shape[0]):
        row[i] += (other[i] - c[i]) * row.dtype.type(0.25) if g[i] > 0.0 else row.dtype.type(0.0)


@body
def _prolong_row(out: Any, known: Any, c: Any, row: Any, g: Any) -> None:
    """Add `row` to the two voxels of each block, with the slopes of `c` along it; what is outside keeps its bits."""
    n, nz = c.shape[0], out.shape[0]
    quarter = row.dtype.type(0.25)
    none = row.dtype.type(0.0)
    for i in range(1, n - 1):
        below = (c[i - 1] - c[i]) * quarter if g[i - 1] > 0.0 else none
        above = (c[i + 1] - c[i]) * quarter if g[i] > 0.0 else none
        first, second = out[2 * i], out[2 * i + 1]
        out[2 * i] = first + (row[i] + below) if known[2 * i] > 0.0 else first
        out[2 * i + 1] = second + (row[i] + above) if known[2 * i + 1] > 0.0 else second
    for i in range(0, n, max(1, n - 1)):  # both ends
        low, high = 2 * i, 2 * i + 1
        below = (c[i - 1] - c[i]) * quarter if i > 0 and g[i - 1] > 0.0 else none
        if known[low] > 0.0:
            out[low] += row[i] + below
        if high < nz and known[high] > 0.0:
            above = (c[i + 1] - c[i]) * quarter if g[i] > 0.0 else none
            out[high] += row[i] + above


@kernel
def prolong(fine: Any, coarse: Any, matrices: Any, factors: Any, row: Any) -> None:
    """``fine += coarse``, leaning a quarter of the way towards the next block on the side of the voxel.

    Exact for linear fields; a closed face counts as no slope, and nothing is added outside the cord. `matrices` are
    the fine and the coarse one; `row` : (nz of the coarse lattice,) is scratch.
    """
    fx, fy, fz = factors
    fine_matrix, coarse_matrix = matrices
    inverse = fine_matrix.inverse
    gx, gy, gz = coarse_matrix.gx, coarse_matrix.gy, coarse_matrix.gz
    none = row.dtype.type(0.0)
    n = coarse.shape[2]
    for a in range(fine.shape[0]):
        x = a // fx
        for b in range(fine.shape[1]):
            y = b // fy
            c = coarse[x, y]
            for i in range(n):
                row[i] = c[i]
            if fy == 2:
                if b % 2 == 1 and y + 1 < coarse.shape[1]:
                    _lean(row, c, coarse[x, y + 1], gy[x, y])
                elif b % 2 == 0 and y > 0:
                    _lean(row, c, coarse[x, y - 1], gy[x, y - 1])
            if fx == 2:
                if a % 2 == 1 and x + 1 < coarse.shape[0]:
                    _lean(row, c, coarse[x + 1, y], gx[x, y])
                elif a % 2 == 0 and x > 0:
                    _lean(row, c, coarse[x - 1, y], gx[x - 1, y])
            out = fine[a, b]
            known = inverse[a, b]
            if fz == 1:
                for i in range(n):
                    out[i] += row[i] if known[i] > 0.0 else none
            else:
                _prolong_row(out, known, c, row, gz[x, y])


@kernel
def dot(a: Any, b: Any) -> Any:
    """Return the sum of a x b in double precision, in blocks of 1024 and always in the same order; (voxels,)."""
    whole = 0.0
    for start in range(0, a.shape[0], 1024):
        x, y = a[start : start + 1024], b[start : start + 1024]
        s0 = s1 = s2 = s3 = 0.0
        n = x.shape[0]
        for j in range(n // 4):
            s0 += x[4 * j] * y[4 * j]
            s1 += x[4 * j + 1] * y[4 * j + 1]
            s2 += x[4 * j + 2] * y[4 * j + 2]
            s3 += x[4 * j + 3] * y[4 * j + 3]
        for i in range(n // 4 * 4, n):
            s0 += x[i] * y[i]
        whole += (s0 + s1) + (s2 + s3)
    return whole


@kernel
def total(a: Any) -> Any:
    """Return the sum of an array : (voxels,), always in the same order."""
    whole = 0.0
    for start in range(0, a.shape[0], 1024):
        x = a[start : start + 1024]
        s0 = s1 = s2 = s3 = 0.0
        n = x.shape[0]
        for j in range(n // 4):
            s0 += x[4 * j]
            s1 += x[4 * j + 1]
            s2 += x[4 * j + 2]
            s3 += x[4 * j + 3]
        for i in range(n // 4 * 4, n):
            s0 += x[i]
        whole += (s0 + s1) + (s2 + s3)
    return whole


@kernel
def add_scaled(out: Any, factor: Any, a: Any) -> None:
    """``out += factor a``; (voxels,)."""
    for i in range(out.shape[0]):
        out[i] += factor * a[i]


@kernel
def scale_and_add(out: Any, factor: Any, a: Any) -> None:
    """``out <- a + factor out``; (voxels,)."""
    for i in range(out.shape[0]):
        out[i] = a[i] + factor * out[i]


@kernel
def to_single(out: Any, a: Any, factor: Any) -> None:
    """``out <- factor a`` in single precision; what is below 1e-12 becomes zero, lest numbers get denormal."""
    for i in range(out.shape[0]):
        value = factor * a[i]
        out[i] = value if abs(value) > 1e-12 else 0.0


@kernel
def to_double(out: Any, a: Any, factor: Any) -> None:
    """``out <- factor a`` in double precision, from single; (voxels,)."""
    for i in range(out.shape[0]):
        out[i] = factor * a[i]


@kernel
def keep_and_add(old: Any, out: Any, factor: Any, a: Any) -> None:
    """``old <- out``, ``out += factor a``; (voxels,)."""
    for i in range(out.shape[0]):
        value = out[i]
        old[i] = value
        out[i] = value + factor * a[i]
