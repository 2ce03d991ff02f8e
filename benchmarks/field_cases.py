"""The field problems that solvers are compared on, and the answers that SciPy gives to them.

A section of 25 um voxels, one-voxel sources as secreting cells are, from an empty field: the hardest start. The
answer to compare with is the exponential of the matrix on the same lattice (`scipy.sparse.linalg.expm_multiply`),
so that what is compared is the error in time, and nothing of the product takes part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import expm_multiply, splu

from cordgraft.kernels.medium import Medium, make_medium

Array = NDArray[Any]
SPACING_UM = 25.0
#: Tortuosities of grey matter, white matter along and across its fibres (Nicholson's; fluid has 1).
GREY, ALONG, ACROSS = 1.55, 1.4, 1.8
#: Diffusivities in um2/s: 1e-6 cm2/s, and that of a trophic factor in tissue.
FAST, TROPHIC = 100.0, 25.0
HALF_LIFE_H = 8.0
SECONDS = 3600.0


@dataclass(frozen=True)
class Case:
    """One problem: from an empty field through `hours` with steady sources."""

    name: str
    medium: Medium
    source: Array
    hours: float = 1.0

    @property
    def voxels(self) -> int:
        """Voxels of the cord."""
        return int(np.count_nonzero(self.medium.volume))

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """``A`` of ``c' = A c + S`` on the voxels of the cord, 1/h."""
        medium = self.medium
        inside = medium.volume.ravel() > 0.0
        number = np.cumsum(inside) - 1
        rows, columns, values = [], [], []
        flat = np.arange(medium.volume.size).reshape(medium.shape)
        for axis, g in enumerate(medium.faces):
            where = np.nonzero(g)
            there = list(where)
            there[axis] = where[axis] + 1
            one, two = number[flat[where]], number[flat[tuple(there)]]
            rows += [one, two]
            columns += [two, one]
            values += [g[where], g[where]]
        diagonal = -(medium.outflow() + medium.loss).ravel()[inside]
        own = np.arange(diagonal.size)
        entries = (
            np.concatenate([*values, diagonal]),
            (np.concatenate([*rows, own]), np.concatenate([*columns, own])),
        )
        return sparse.csr_matrix(entries, shape=(own.size, own.size))

    def on_cord(self, lattice: Array) -> Array:
        """Return the values of the cord's voxels : (voxels,)."""
        return lattice[self.medium.volume > 0.0]

    def exact(self) -> Array:
        """Return the field at the end by the matrix exponential : (voxels,); the source rides along as one more row."""
        s = sparse.csr_matrix(self.on_cord(self.source)[:, None])
        n = self.matrix.shape[0]
        augmented = sparse.bmat([[self.matrix, s], [None, sparse.csr_matrix((1, 1))]]).tocsr()
        start = np.zeros(n + 1)
        start[n] = 1.0
        return expm_multiply(augmented * self.hours, start, traceA=float(self.matrix.diagonal().sum()))[:n]

    def error(self, field: Array, exact: Array) -> float:
        """Return the relative L2 distance of a field from the exact one."""
        values = field if field.ndim == 1 else self.on_cord(field)
        return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def sources(inside: Array, count: int, seed: int = 4) -> Array:
    """Return one-voxel sources of 1 per hour at random places of the cord : shape of `inside`."""
    found = np.zeros(inside.shape)
    places = np.random.default_rng(seed).choice(np.flatnonzero(inside), count, replace=False)
    found.reshape(-1)[places] = 1.0
    return found


def box(shape: tuple[int, int, int], diffusivity: float, count: int = 100) -> Case:
    """Return the closed box of one medium; `diffusivity` um2/s."""
    inside = np.ones(shape, dtype=bool)
    medium = make_medium(inside, (SPACING_UM,) * 3, diffusivity * SECONDS, log(2.0) / HALF_LIFE_H)
    return Case(f"box, D {diffusivity:g} um2/s", medium, sources(inside, count))


def cord(shape: tuple[int, int, int], diffusivity: float, count: int = 100) -> Case:
    """Return a waved cord with grey matter between white columns and a cavity in the middle."""
    _, ny, nz = shape
    y = (np.arange(ny)[:, None] + 0.5) / ny * 2.0 - 1.0
    z = (np.arange(nz)[None, :] + 0.5) / nz * 2.0 - 1.0
    inside = (np.abs(y) < 0.86 + 0.1 * np.cos(5.0 * z)).reshape(shape)
    grey = (np.abs(y + 0.1) < 0.3) & (z == z)
    cavity = (y / 0.5) ** 2 + (z / 0.15) ** 2 < 1.0
    fluid = GREY**2
    along = np.where(cavity, fluid, np.where(grey, 1.0, (GREY / ALONG) ** 2)).reshape(shape)
    across = np.where(cavity, fluid, np.where(grey, 1.0, (GREY / ACROSS) ** 2)).reshape(shape)
    d = diffusivity * SECONDS
    medium = make_medium(
        inside, (SPACING_UM,) * 3, (d * across, d * across, d * along), log(2.0) / HALF_LIFE_H
    )
    return Case(f"cord, D {diffusivity:g} um2/s", medium, sources(inside, count))


class CrankNicolson:
    """SciPy's sparse LU and the trapezoidal rule: what one would write without a library for fields."""

    def __init__(self, case: Case, steps: int) -> None:
        n = case.matrix.shape[0]
        half = 0.5 * case.hours / steps
        one = sparse.identity(n, format="csr")
        self.steps = steps
        self.right = (one + half * case.matrix).tocsr()
        self.pushed = 2.0 * half * case.on_cord(case.source)
        options = {"SymmetricMode": True, "DiagPivotThresh": 0.0}
        self.factors = splu((one - half * case.matrix).tocsc(), permc_spec="MMD_AT_PLUS_A", options=options)

    def run(self) -> Array:
        """Return the field at the end : (voxels,)."""
        c = np.zeros_like(self.pushed)
        for _ in range(self.steps):
            c = self.factors.solve(self.right @ c + self.pushed)
        return c
