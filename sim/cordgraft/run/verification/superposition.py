"""The exact field of moving one-voxel sources in a closed box, and how far a lattice and its steps may be from it.

A source that fills one voxel (centre ``x``, width ``h``) makes of the cosine of wave number ``q`` the part
``cos(q x) sinc(q h/2)``, along each axis; the mean of that cosine over a voxel has the same factor. Each cosine
answers a source that works for one tick by ``(1 - e^(-a t))/a`` and then fades with ``a = k + sum D q^2``. The sum
over cosines and ticks is the exact mean of every voxel for the path of every source: superposition, no time steps.

On the lattice only the cosines up to ``q = pi/h`` exist, each fades with its own ``a_h`` and by the factor of the
method, and the finer ones are folded into them (alias). So per cosine the difference from the exact field is known,
and its absolute values, added up over the ticks, bound the distance of the two fields (Parseval).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: Factor by which a method multiplies a cosine in one step, as a function of ``z = -a dt``.
Factor = Callable[[Array], Array]


def factor_of(solver: str, stages: int = 0) -> Factor:
    """Return ``R(z)`` of a method as published: exact, SDIRK2 (Alexander 1977) or RKL2 (Meyer 2014)."""
    if solver == "spectral":
        return lambda z: np.asarray(np.exp(z))
    if solver == "sdirk2":
        g = 1.0 - 1.0 / np.sqrt(2.0)
        return lambda z: np.asarray((1.0 + (1.0 - 2.0 * g) * z) / (1.0 - g * z) ** 2)
    from scipy.special import eval_legendre

    s = stages
    share = (s * s + s - 2.0) / (2.0 * s * (s + 1.0))
    wide = 4.0 / (s * s + s - 2.0)
    return lambda z: np.asarray(1.0 - share + share * eval_legendre(s, 1.0 + wide * z))


class Superposition:
    """Sources in a closed box, tick by tick.

    Parameters
    ----------
    shape : voxels per axis, without flat axes
    spacing_um : float
    diffusivity, decay : float
        um2/h and 1/h.
    dt_h : float
        Length of a tick.
    finer : int
        Cosines per voxel and axis; those beyond are bounded.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        spacing_um: float,
        diffusivity: float,
        decay: float,
        dt_h: float,
        finer: int,
    ) -> None:
        self.shape = shape
        self.spacing_um = spacing_um
        self.diffusivity, self.decay, self.dt_h, self.finer = diffusivity, decay, dt_h, finer
        self.history: list[Array] = []
        d = len(shape)
        self._part, self._fold, self._of_lattice = [], [], []
        fall, fall_h = [], []
        for axis, n in enumerate(shape):
            m = np.arange(finer * n)
            q = np.pi * m / (n * spacing_um)
            narrow = np.sinc(m / (2.0 * n))
            centre = (np.arange(n) + 0.5) * spacing_um
            self._part.append(np.cos(np.outer(q, centre)) * narrow[:, None])
            place = m % (2 * n)
            place = np.where(place > n, 2 * n - place, place)
            fold = np.zeros((n, m.size))
            real = place < n
            fold[place[real], m[real]] = narrow[real] ** 2
            self._fold.append(fold)
            self._of_lattice.append(np.cos(np.outer(q[:n], centre)))
            along = [1] * d
            along[axis] = -1
            fall.append((diffusivity * q**2).reshape(along))
            fall_h.append(
                (2.0 * diffusivity / spacing_um**2 * (1.0 - np.cos(np.pi * m[:n] / n))).reshape(along)
            )
        self._fall = decay + sum(fall[1:], fall[0])
        self._fall_h = decay + sum(fall_h[1:], fall_h[0])
        self._field = np.zeros(self._fall.shape)
        self._kept = np.exp(-self._fall * dt_h)
        self._gained = self._answer(self._fall, np.exp)

    def _answer(self, fall: Array, factor: Factor) -> Array:
        """Return what a source of one makes of each cosine in one tick."""
        made = np.full(fall.shape, self.dt_h)
        np.divide(1.0 - factor(-fall * self.dt_h), fall, out=made, where=fall > 0.0)
        return made

    def add_tick(self, source: Array) -> None:
        """Let a source (unit of the field per hour, constant over the tick) work for one tick : shape."""
        self._field *= self._kept
        self._field += self._gained * _along_axes(self._part, source) / source.size
        self.history.append(_along_axes(self._of_lattice, source))

    def voxel_means(self) -> Array:
        """Return the exact mean of every voxel : shape."""
        doubled = self._field.copy()
        for axis in range(doubled.ndim):
            where: list[Any] = [slice(None)] * doubled.ndim
            where[axis] = slice(1, None)
            doubled[tuple(where)] *= 2.0
        return _along_axes([part.T for part in self._part], doubled)

    def lattice_means(self, factor: Factor) -> Array:
        """Return what a right solution on the lattice is, with a method that multiplies cosines by `factor` : shape."""
        once = self._answer(self._fall_h, factor)
        per_tick = factor(-self._fall_h * self.dt_h)
        modes = np.zeros(self.shape)
        for source in self.history:
            modes = modes * per_tick + once * source
        return _along_axes([part.T for part in self._of_lattice], modes * self._doubled()) / modes.size

    def _doubled(self) -> Array:
        """Return 2 for every axis along which a cosine of the lattice has waves : shape."""
        weight = np.ones(self.shape)
        for axis, n in enumerate(self.shape):
            share = np.full(n, 2.0)
            share[0] = 1.0
            along = [1] * len(self.shape)
            along[axis] = -1
            weight = weight * share.reshape(along)
        return weight

    def bound(self, factor: Factor) -> float:
        """Return the greatest root mean square distance of a right solution on the lattice from the exact one.

        Parameters
        ----------
        factor : callable
            ``R(z)`` of the method.
        """
        ticks = len(self.history)
        once = self._answer(self._fall_h, factor)
        per_tick = factor(-self._fall_h * self.dt_h)
        # cosines beyond `finer` per voxel: 8 h^2/(pi^4 D) sum of (2 k - 1)^-4 per axis, for a source without end
        odd = np.arange(self.finer + 1, self.finer + 2001, 2, dtype=np.float64)
        tail = (
            len(self.shape)
            * 8.0
            * self.spacing_um**2
            / (np.pi**4 * self.diffusivity)
            * float(np.sum(odd**-4.0))
        )
        total = np.zeros(self.shape)
        largest = np.zeros(self.shape)
        for tick, modes in enumerate(self.history):
            left = ticks - 1 - tick
            exact = _along_axes(self._fold, self._gained * np.exp(-self._fall * (left * self.dt_h)))
            total += np.abs(modes) * np.abs(once * per_tick**left - exact)
            np.maximum(largest, np.abs(modes), out=largest)
        total += tail * largest
        # mean square over the voxels = sum over cosines of (amplitude/voxels)^2 x 2 per axis with m > 0
        return float(np.sqrt(np.sum(self._doubled() * total**2)) / total.size)


def _along_axes(matrices: list[Array], values: Array) -> Array:
    """Apply one matrix per axis: (out, in) each."""
    for axis, matrix in enumerate(matrices):
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values
