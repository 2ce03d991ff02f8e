"""Solving ``M u = f`` for a symmetric matrix of faces: conjugate gradients with a multigrid V-cycle before them.

``M = V s + a (faces + loss)``: one stage of an implicit step (``s = 1``, ``a`` the step), or a steady balance. The
V-cycle runs in single precision, on lattices each made by adding up blocks of two voxels along the axes whose
exchange is not small beside the strongest; smoothing is a pair of Jacobi sweeps whose weights damp the upper
three quarters of the spectrum best (Chebyshev). It only proposes directions: the matrix, the residual and the
solution stay in double precision, so that the tolerance is met whatever the rounding of the V-cycle.
The conjugate gradients are the flexible ones (Notay 2000, 10.1137/S1064827599362314), because a cycle with
another way down than up is not exactly symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.medium import Factors, Medium, block_sum, coarsen
from cordgraft.kernels.stencil import (
    Stencil,
    add_scaled,
    dot,
    keep_and_add,
    prolong,
    relax,
    relax_from_zero,
    rest,
    restrict,
    scale_and_add,
    to_double,
    to_single,
    total,
)

Array = NDArray[Any]

#: Weights of the pair of sweeps: best for eigenvalues 0.5-2 of ``diag^-1 M``.
WEIGHTS = (np.float32(1.73), np.float32(0.57))
#: Exchange along an axis below this share of the strongest does not call for a coarser lattice along it.
WEAK = 0.25
#: Iterations after which a solve stops trusting the cycle, and how many it then makes without.
PATIENCE = 100
PLAIN_PATIENCE = 5000
#: Right-hand sides outside these sizes are nothing, or a mistake: their squares could not be added up.
LEAST, GREATEST = 1e-140, 1e140
#: Pairs of sweeps on the coarsest lattice where there is nothing coarser to be had, and where none is needed.
COARSEST_PAIRS = 8
CALM_PAIRS = 2
#: Exchange over the rest of the diagonal up to which a lattice needs no coarser one: the eigenvalues of the matrix
#: then lie within a factor of five in a section, seven in a volume, and a few sweeps do.
CALM = 0.5


def make_stencil(medium: Medium, still: Array, factor: float) -> Stencil:
    """Return the matrix ``still + factor (faces)`` in double precision.

    Parameters
    ----------
    medium : Medium
    still : (nx, ny, nz)
        What stands on the diagonal beside the exchange: ``V s + a loss``.
    factor : float
        ``a``.
    """
    gx, gy, gz = (factor * g for g in medium.faces)
    inside = medium.volume > 0.0
    diag = np.where(inside, still + factor * medium.outflow(), 1.0)
    known = inside & (diag > 0.0)
    inverse = np.divide(1.0, diag, out=np.zeros(diag.shape), where=known)
    return Stencil(gx, gy, gz, diag, inverse)


@dataclass
class Level:
    """One lattice of the V-cycle in single precision: matrix, work arrays and the way to the next coarser one."""

    matrix: Stencil
    u: Array
    v: Array
    f: Array
    row: Array
    factors: Factors | None = None
    pairs: int = COARSEST_PAIRS


class Multigrid:
    """The solver of one matrix.

    Parameters
    ----------
    medium : Medium
    still : (nx, ny, nz)
        Diagonal beside the exchange; positive inside the cord, or at least somewhere in each of its parts.
    factor : float
        What the exchange is multiplied by.
    """

    def __init__(self, medium: Medium, still: Array, factor: float) -> None:
        self.shape = medium.shape
        self.volume = medium.volume
        self.matrix = make_stencil(medium, still, factor)
        self.levels: list[Level] = []
        self._still = still
        self._build(medium, still, factor)
        self._r, self._p, self._q, self._old, self._z, self._zeros = (np.zeros(self.shape) for _ in range(6))
        self._inside = (medium.volume > 0.0).astype(np.float64)
        self.iterations = 0

    def _build(self, medium: Medium, still: Array, factor: float) -> None:
        matrix = self.matrix
        while True:
            single = Stencil(*(np.ascontiguousarray(a, dtype=np.float32) for a in matrix))
            u, v, f = (np.zeros(medium.shape, dtype=np.float32) for _ in range(3))
            level = Level(single, u, v, f, np.zeros(medium.shape[2], dtype=np.float32))
            self.levels.append(level)
            factors = _next_factors(medium, still, factor)
            if factors is None:
                level.pairs = CALM_PAIRS if _is_calm(medium, still, factor) else COARSEST_PAIRS
                return
            level.factors = factors
            share = 1.0 / (factors[0] * factors[1] * factors[2])
            medium = coarsen(medium, factors)
            still = block_sum(still, factors) * share
            matrix = make_stencil(medium, still, factor)

    # ------------------------------------------------------------------------------------------ the cycle
    def _cycle(self, n: int) -> None:
        """Solve roughly ``M u = f`` on level `n`, from zero, into its `u`."""
        level = self.levels[n]
        u, v, f, matrix, row = level.u, level.v, level.f, level.matrix, level.row
        first, second = WEIGHTS
        relax_from_zero(v.reshape(-1), f.reshape(-1), matrix.inverse.reshape(-1), first)
        relax(u, v, f, matrix, second, row)
        if level.factors is None:
            for _ in range(level.pairs - 1):
                relax(v, u, f, matrix, first, row)
                relax(u, v, f, matrix, second, row)
            return
        below = self.levels[n + 1]
        rest(v, u, f, matrix)
        restrict(below.f, v, level.factors)
        self._cycle(n + 1)
        prolong(u, below.u, (matrix, below.matrix), level.factors, below.row)
        relax(v, u, f, matrix, second, row)
        relax(u, v, f, matrix, first, row)

    def precondition(self, z: Array, r: Array, size: float) -> None:
        """Put one V-cycle for the right-hand side `r` into `z`; `size` is the norm of `r`."""
        scale = float(np.sqrt(r.size)) / size
        finest = self.levels[0]
        to_single(finest.f.reshape(-1), r.reshape(-1), scale)
        self._cycle(0)
        to_double(z.reshape(-1), finest.u.reshape(-1), 1.0 / scale)

    # ------------------------------------------------------------------------------------------- the solve
    def solve(self, u: Array, f: Array, tolerance: float, most: int = PATIENCE) -> int:
        """Solve ``M u = f`` in place, from the `u` that is there.

        Parameters
        ----------
        u, f : (nx, ny, nz) float64
            `u` must be zero outside the cord.
        tolerance : float
            Norm of the residual over that of `f` at which it stops.
        most : int
            Iterations after which it gives up.

        Returns
        -------
        int
            Iterations.

        Raises
        ------
        ArithmeticError
            If the tolerance is not met.
        """
        largest = float(np.max(np.abs(f), initial=0.0))
        if not np.isfinite(largest) or largest > GREATEST:
            raise ArithmeticError(
                f"the right-hand side of the solve holds {largest:g}: not finite, or too large"
            )
        if largest < LEAST:
            u[...] = 0.0
            return 0
        r, p, q, old, z = self._r, self._p, self._q, self._old, self._z
        flat = [a.reshape(-1) for a in (u, r, p, q, old, z)]
        fu, fr, fp, fq, fold, fz = flat
        goal = tolerance * float(np.sqrt(dot(f.reshape(-1), f.reshape(-1))))
        if goal == 0.0:
            u[...] = 0.0
            return 0
        rest(r, u, f, self.matrix)
        r *= self._inside
        size = float(np.sqrt(dot(fr, fr)))
        last = 0.0
        for iteration in range(most):
            if size <= goal:
                self.iterations += iteration
                return iteration
            self.precondition(z, r, size)
            product = float(dot(fr, fz))
            if iteration == 0:
                np.copyto(p, z)
            else:
                scale_and_add(fp, (product - float(dot(fz, fold))) / last, fz)
            rest(q, p, self._zeros, self.matrix)  # q = -M p
            stiffness = -float(dot(fp, fq))
            if not stiffness > 0.0:
                break
            length = product / stiffness
            add_scaled(fu, length, fp)
            keep_and_add(fold, fr, length, fq)
            last = product
            size = float(np.sqrt(dot(fr, fr)))
        if size > goal and most >= PATIENCE:
            size = self._solve_plainly(u, f, goal)
        if size <= goal:
            return most
        raise ArithmeticError(
            f"the linear solve is still off by {size / goal:.3g} times its tolerance after {most} iterations"
        )

    def _solve_plainly(self, u: Array, f: Array, goal: float) -> float:
        """Go on with the diagonal as the only help, in double precision; returns the norm of the residual.

        For a cord in many parts that no face joins: the coarse lattices merge them, and the cycle misleads.
        """
        r, p, q, z = self._r, self._p, self._q, self._z
        fu, fr, fp, fq, fz = (a.reshape(-1) for a in (u, r, p, q, z))
        rest(r, u, f, self.matrix)
        r *= self._inside
        np.multiply(r, self.matrix.inverse, out=z)
        np.copyto(p, z)
        product, size = float(dot(fr, fz)), float(np.sqrt(dot(fr, fr)))
        for _ in range(PLAIN_PATIENCE):
            if size <= goal:
                break
            rest(q, p, self._zeros, self.matrix)
            stiffness = -float(dot(fp, fq))
            if not stiffness > 0.0:
                break
            add_scaled(fu, product / stiffness, fp)
            add_scaled(fr, product / stiffness, fq)
            np.multiply(r, self.matrix.inverse, out=z)
            before, product = product, float(dot(fr, fz))
            scale_and_add(fp, product / before, fz)
            size = float(np.sqrt(dot(fr, fr)))
        return size

    def keep_balance(self, u: Array, f: Array) -> None:
        """Stretch `u` a little so that the sum over all voxels of ``M u - f`` is zero: mass is kept.

        Each value moves in proportion to its size, so that a place where nothing happens is not touched.
        """
        np.abs(u, out=self._q)
        size = float(dot(self._q.reshape(-1), self._still.reshape(-1)))
        if size > 0.0:
            missing = float(total(f.reshape(-1))) - float(dot(u.reshape(-1), self._still.reshape(-1)))
            add_scaled(u.reshape(-1), missing / size, self._q.reshape(-1))


def _strengths(medium: Medium, factor: float) -> list[float]:
    """Return the largest exchange along each axis, times `factor`."""
    return [
        float(factor * g.max()) if n > 1 else 0.0 for g, n in zip(medium.faces, medium.shape, strict=True)
    ]


def _is_calm(medium: Medium, still: Array, factor: float) -> bool:
    """Whether the exchange is small beside the rest of the diagonal everywhere in the cord."""
    # a block with a sliver of cord in it has little of both: what counts is their ratio, bounded by the largest share
    whole = medium.volume > 0.5
    return max(_strengths(medium, factor)) <= CALM * float(np.min(still, where=whole, initial=np.inf))


def _next_factors(medium: Medium, still: Array, factor: float) -> Factors | None:
    """Return along which axes the next lattice is coarser, or None where this one is coarse enough."""
    if _is_calm(medium, still, factor):
        return None
    strengths = _strengths(medium, factor)
    strongest = max(strengths)
    wanted = tuple(
        2 if n > 2 and strength >= WEAK * strongest else 1
        for n, strength in zip(medium.shape, strengths, strict=True)
    )
    if wanted == (1, 1, 1):
        return None
    return wanted[0], wanted[1], wanted[2]
