"""Solvers of one field behind one interface: ``advance(field, source, dt)`` in place.

==========  ==========================================================================================
spectral    exact in time, in cosine space: for a box that the cord fills, with one coefficient
sdirk2      L-stable, second order, two implicit stages by multigrid: any mask, any tissue, any step
rkl2        explicit, second order, stable over long steps (super-time-stepping): any mask and tissue
pointwise   exact, for what does not move
==========  ==========================================================================================

Which one serves a field follows from how it is declared, never from its values: see `choose`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import kernel
from cordgraft.kernels.medium import Medium, with_loss
from cordgraft.kernels.multigrid import Multigrid
from cordgraft.kernels.stencil import Stencil, add_scaled, rest, total
from cordgraft.kernels.transport import (
    NEGLIGIBLE,
    Work,
    advance,
    make_segments,
    stage_coefficients,
    stage_count,
)

Array = NDArray[Any]

SOLVERS: tuple[str, ...] = ("spectral", "sdirk2", "rkl2", "pointwise")

#: Diagonal entry of the two implicit stages: ``1 - 1/sqrt(2)`` makes the method L-stable.
GAMMA = 1.0 - 1.0 / np.sqrt(2.0)
#: Relative residual of a stage. What it leaves of the field is smaller, and mass is kept apart from it.
TOLERANCE = 1e-6


class Solver(ABC):
    """Advances one field through one medium.

    Parameters
    ----------
    medium : Medium
    tolerance : float
        Relative residual of implicit stages; others ignore it.
    """

    name: str

    def __init__(self, medium: Medium, tolerance: float = TOLERANCE) -> None:
        self.medium = medium
        self.tolerance = tolerance

    def advance(self, field: Array, source: Array | None, dt: float) -> None:
        """Advance by `dt`, in place.

        Parameters
        ----------
        field, source : (nx, ny, nz) float64, C order
            The field and its source, per unit of time and constant over the step (None: no source).
        dt : float
            In the unit of time of the medium.

        Raises
        ------
        ValueError
            For an array that is not as above, or a step that is not positive and finite.
        """
        if not np.isfinite(dt) or not dt > 0.0:
            raise ValueError(f"a step of {dt} leads nowhere; it has to be positive and finite")
        for what, array in (("field", field), ("source", source)):
            if array is not None and array.shape != self.medium.shape:
                raise ValueError(f"the {what} has the shape {array.shape}, its medium {self.medium.shape}")
        if field.dtype != np.float64 or not field.flags.c_contiguous:
            # a copy would be advanced in its place
            raise ValueError("the field has to be an array of float64 in C order")
        self._advance(field, source, dt)

    @abstractmethod
    def _advance(self, field: Array, source: Array | None, dt: float) -> None:
        """Do what `advance` says, with arguments that have been looked at."""

    def _forcing(self, source: Array | None) -> Array:
        """Return ``V S + E c_outside`` : (nx, ny, nz)."""
        medium = self.medium
        f = np.zeros(medium.shape) if source is None else medium.volume * source
        if medium.inflow is not None:
            f += medium.inflow
        return f


@kernel
def flush(field: Any) -> None:
    """Set to zero what is nearer to it than `NEGLIGIBLE`; (voxels,)."""
    for i in range(field.shape[0]):
        if abs(field[i]) < NEGLIGIBLE:
            field[i] = 0.0


class Spectral(Solver):
    """``c_m(t) = e^(-a t) c_m(0) + (1 - e^(-a t))/a S_m`` for every cosine `m` of the lattice.

    ``a = k + sum over axes of 2 D/h^2 (1 - cos(pi m/n))`` is the rate of the cosine *on the lattice*, so that the
    step is exact for the same equations as those of the other solvers, and has no error in time. The transform is
    SciPy's (type II), in double precision and on one thread.
    """

    name = "spectral"

    def __init__(self, medium: Medium, tolerance: float = TOLERANCE) -> None:
        super().__init__(medium, tolerance)
        if medium.uniform is None or not medium.fills_the_box:
            raise ValueError(
                "the spectral solver needs a cord that fills the box, closed walls and one coefficient everywhere"
            )
        rates, decay = medium.uniform
        self._axes = tuple(axis for axis, n in enumerate(medium.shape) if n > 1)
        fall = np.full(medium.shape, decay)
        for axis in self._axes:
            n = medium.shape[axis]
            waves = 2.0 * rates[axis] * (1.0 - np.cos(np.pi * np.arange(n) / n))
            fall += waves.reshape([n if a == axis else 1 for a in range(3)])
        self._fall = fall
        self._factors: dict[float, tuple[Array, Array]] = {}

    def _of_step(self, dt: float) -> tuple[Array, Array]:
        if dt not in self._factors:
            a = self._fall
            kept = np.exp(-a * dt)
            gained = np.divide(-np.expm1(-a * dt), a, out=np.full(a.shape, dt), where=a > 0.0)
            self._factors = {dt: (kept, gained)}
        return self._factors[dt]

    def _advance(self, field: Array, source: Array | None, dt: float) -> None:
        from scipy.fft import dctn, idctn

        kept, gained = self._of_step(dt)
        if not self._axes:
            field *= kept
            if source is not None:
                field += gained * source
            return
        modes = dctn(field, axes=self._axes, workers=1)
        modes *= kept
        if source is not None and source.any():
            extra = dctn(source, axes=self._axes, workers=1)
            extra *= gained
            modes += extra
        field[...] = idctn(modes, axes=self._axes, overwrite_x=True, workers=1)
        flush(field.reshape(-1))


class Sdirk2(Solver):
    """Two implicit stages (Alexander 1977, 10.1137/0714068), L-stable: steep patterns die.

    A pattern that should fall to less than ``e^-2.4`` in a step comes out with the other sign and at most a fifth of
    its height, the less the steeper it is: an undershoot that the next steps take away.

    ``(V + g dt A) k1 = F - A c``, ``(V + g dt A) k2 = F - A (c + (1 - g) dt k1)``,
    ``c += dt ((1 - g) k1 + g k2)`` with ``g = 1 - 1/sqrt(2)``. Solving for the rates rather than for the field
    leaves a steady field alone, makes the tolerance relative to what changes, and needs no memory of earlier
    steps. After each solve the rates are stretched by the tiny share that makes the mass balance exact.
    """

    name = "sdirk2"

    def __init__(self, medium: Medium, tolerance: float = TOLERANCE) -> None:
        super().__init__(medium, tolerance)
        self._grid: Multigrid | None = None
        self._dt = 0.0
        self._work = [np.zeros(medium.shape) for _ in range(4)]
        self._inside = (medium.volume > 0.0).astype(np.float64)

    def _matrix(self, dt: float) -> Multigrid:
        if self._grid is None or dt != self._dt:
            a = GAMMA * dt
            self._grid = Multigrid(self.medium, self.medium.volume + a * self.medium.loss, a)
            self._dt = dt
        return self._grid

    def _advance(self, field: Array, source: Array | None, dt: float) -> None:
        grid = self._matrix(dt)
        medium = self.medium
        part = GAMMA * dt
        rate, change, right, forced = self._work
        if source is None:
            forced[...] = 0.0
        else:
            np.multiply(medium.volume, source, out=forced)
            forced *= part
        if medium.inflow is not None:
            forced += part * medium.inflow
        rate[...] = 0.0
        for stage in (0, 1):
            # A c = (M c - V c)/(g dt), so F - A c = ((V c + g dt F) - M c)/(g dt)
            np.multiply(medium.volume, field, out=right)
            right += forced
            rest(change, field, right, grid.matrix)
            change *= self._inside / part
            grid.solve(rate, change, self.tolerance)
            grid.keep_balance(rate, change)
            add_scaled(field.reshape(-1), (1.0 - GAMMA if stage == 0 else GAMMA) * dt, rate.reshape(-1))
        flush(field.reshape(-1))


class Rkl2(Solver):
    """Runge-Kutta-Legendre super-time-stepping (Meyer, Balsara and Aslam 2014, 10.1016/j.jcp.2013.08.021).

    Explicit, so mass is kept to rounding; applied to the change over the step. The number of stages follows from
    the largest rate of the medium. Where the edge of the cord cuts coarse voxels that rate can be very high.
    """

    name = "rkl2"

    def __init__(self, medium: Medium, tolerance: float = TOLERANCE) -> None:
        super().__init__(medium, tolerance)
        #: One coefficient everywhere and no cut voxels: the loops over segments, which are faster.
        self._segments = None if medium.uniform is None or medium.coarse else make_segments(medium.volume)
        inside = medium.volume > 0.0
        share = np.divide(1.0, medium.volume, out=np.zeros(medium.shape), where=inside)
        self._share = share
        out = medium.outflow()
        #: ``-A`` per volume: diagonal and faces.
        self._matrix = Stencil(medium.gx, medium.gy, medium.gz, out + medium.loss, share)
        #: A bound (Gershgorin) of the fastest rate, 1/time.
        self.fastest = float(np.max(share * (2.0 * out + medium.loss), initial=0.0))
        self._work = [np.zeros(medium.shape) for _ in range(4)]

    def stages(self, dt: float) -> int:
        """Return the number of stages of a step."""
        return stage_count(self.fastest * dt)

    def _advance(self, field: Array, source: Array | None, dt: float) -> None:
        if self._segments is not None and self.medium.uniform is not None:
            rates, decay = self.medium.uniform
            deposits = np.zeros(field.shape) if source is None else source
            work = Work(*(array.reshape(-1) for array in self._work[:3]))
            advance(field, deposits, self._segments, rates, decay, dt, work)
            return
        forcing, slope, first, second = self._work
        rest(forcing, field, self._forcing(source), self._matrix)
        forcing *= self._share
        forcing *= dt
        table = stage_coefficients(self.stages(dt))
        np.multiply(forcing, table[1, 3], out=first)
        second[...] = 0.0
        nothing = np.zeros(field.shape)
        for mu, nu, mu_t, force in table[2:].tolist():
            rest(slope, first, nothing, self._matrix)
            combine_stages(
                second.reshape(-1),
                first.reshape(-1),
                slope.reshape(-1),
                forcing.reshape(-1),
                self._share.reshape(-1),
                (mu, nu, mu_t * dt, force),
            )
            first, second = second, first
        field += first
        flush(field.reshape(-1))


@kernel
def combine_stages(out: Any, c: Any, slope: Any, forcing: Any, share: Any, k: Any) -> None:
    """``out <- mu c + nu out + mu~ dt slope/V + (mu~ + gamma~) forcing``; all (voxels,)."""
    mu, nu, step, force = k
    for i in range(out.shape[0]):
        out[i] = mu * c[i] + nu * out[i] + step * slope[i] * share[i] + force * forcing[i]


class Pointwise(Solver):
    """``c -> e^(-k t) c + (1 - e^(-k t))/k S``, exact, for a field that does not move."""

    name = "pointwise"

    def __init__(self, medium: Medium, tolerance: float = TOLERANCE) -> None:
        super().__init__(medium, tolerance)
        if any(g.any() for g in medium.faces):
            raise ValueError("the pointwise solver is for a field with a diffusivity of zero")
        inside = medium.volume > 0.0
        self._rate = np.divide(medium.loss, medium.volume, out=np.zeros(medium.shape), where=inside)
        self._share = np.divide(1.0, medium.volume, out=np.zeros(medium.shape), where=inside)

    def _advance(self, field: Array, source: Array | None, dt: float) -> None:
        a = self._rate
        field *= np.exp(-a * dt)
        gained = np.divide(-np.expm1(-a * dt), a, out=np.full(a.shape, dt), where=a > 0.0)
        field += gained * self._forcing(source) * self._share
        flush(field.reshape(-1))


def make_solver(name: str, medium: Medium, tolerance: float = TOLERANCE) -> Solver:
    """Return the solver `name` (see `SOLVERS`) of a medium.

    Raises
    ------
    ValueError
        For another name, or a medium that the solver cannot serve; the sentence says why.
    """
    kinds: dict[str, type[Solver]] = {kind.name: kind for kind in (Spectral, Sdirk2, Rkl2, Pointwise)}
    if name not in kinds:
        raise ValueError(f"there is no solver '{name}'; there are {', '.join(SOLVERS)}")
    return kinds[name](medium, tolerance)


def solve_steady(
    field: Array,
    medium: Medium,
    source: Array | None = None,
    *,
    uptake: Array | None = None,
    michaelis: float = 1.0,
    tolerance: float = 1e-9,
    scale: float = 0.0,
    most: int = 60,
) -> int:
    """Solve ``0 = div(D grad c) - k c - q c/(c + K) + S`` in place, from the field that is there.

    Newton steps, each by multigrid; without uptake there is one. A steady state needs something that holds the
    level: decay, uptake, or an edge that is fixed or exchanges.

    Parameters
    ----------
    field : (nx, ny, nz) float64, C order
        The start, not negative; overwritten.
    medium : Medium
    source : (nx, ny, nz), optional
        Per unit of time.
    uptake : (nx, ny, nz), optional
        ``q``, the largest uptake per unit of time; not negative.
    michaelis : float
        ``K``, the field at half the largest uptake.
    tolerance : float
        Largest distance of a voxel from the field with which it would be in balance with its neighbours, over the
        highest value of the field. The error of the field is larger where little holds its level.
    scale : float
        Least value to which the tolerance is applied, for a field that may fall to nothing.
    most : int
        Newton steps after which it gives up.

    Returns
    -------
    int
        Newton steps.

    Raises
    ------
    ArithmeticError
        If the tolerance is not met, or nothing holds the level.
    """
    volume = medium.volume
    inside = volume > 0.0
    forcing = np.zeros(field.shape) if source is None else volume * source
    if medium.inflow is not None:
        forcing = forcing + medium.inflow
    if not inside.any():
        return 0
    q = None if uptake is None else volume * uptake
    out = medium.outflow()
    change = np.zeros(field.shape)
    rests = np.zeros(field.shape)
    for step in range(most + 1):
        taken = 0.0 if q is None else q * field / (field + michaelis)
        slope = medium.loss if q is None else medium.loss + q * michaelis / (field + michaelis) ** 2
        balance = Stencil(*medium.faces, out + medium.loss, volume)
        rest(rests, field, forcing - taken, balance)
        rests *= inside
        stiffness = out + slope
        far = np.divide(np.abs(rests), stiffness, out=np.zeros(field.shape), where=stiffness > 0.0)
        highest = max(scale, float(np.max(np.abs(field), initial=0.0)))
        if step and float(far.max()) <= tolerance * highest:
            return step
        if not float(total(slope.reshape(-1))) > 0.0:
            raise ArithmeticError("nothing holds the level of this field: no decay, no uptake, no open edge")
        if not rests.any():
            return step
        grid = Multigrid(with_loss(medium, slope), slope, 1.0)
        change[...] = 0.0
        grid.solve(change, rests, 1e-3 if q is not None else max(1e-13, 0.1 * tolerance))
        if q is not None:
            # the uptake bends downwards: a step below zero is cut halfway, which keeps Newton on its way
            np.maximum(field + change, 0.5 * field, out=field)
        else:
            field += change
    raise ArithmeticError(
        f"the steady balance is still off by {float(far.max()):.3g} after {most} steps "
        f"(tolerance {tolerance * highest:.3g})"
    )
