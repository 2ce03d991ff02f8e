"""How far a right answer may be from the exact one: formulas from order and spacing, draws, and rounding.

Lattice. A cosine of wave number ``q`` falls at ``a = D q^2``; on a lattice of spacing ``h`` at
``D (2/h^2)(1 - cos q h)``, which is smaller by at most ``a (q h)^2/12``.

Step. A second-order method multiplies a cosine by ``R(z)``, ``z = -a dt``, with ``R(z) - e^z = C z^3 + O(z^4)``:
after the time ``t`` the relative error is ``C (a dt)^2 a t``, and ``e^(a dt)`` covers the rest of the series.
``C`` is 0 for the steps in cosine space and pointwise, which are exact in time; ``3 g^2 - 2 g^3 - 1/6 = 0.0404``
with ``g = 1 - 1/sqrt(2)`` for SDIRK2 (its ``R = (1 + (1 - 2g) z)/(1 - g z)^2``); for RKL2 between 1/6 (two
stages) and 0.056 (many), and 1/6 is taken.

Draws. Four standard errors, which a right program exceeds once in 16,000 checks; for distributions the greatest
distance of Dvoretzky, Kiefer and Wolfowitz in Massart's form, ``P(D > x/sqrt(n)) <= 2 exp(-2 x^2)``, at the same
probability.

Rounding. ``n`` operations of which each rounds by half a unit of the last place of the largest number involved.
"""

from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Standard errors that sampling may be off.
SIGMAS = 4.0
#: Probability that a normal number lies farther out, on either side.
RARE = 6.334e-5
#: Unit of rounding of float64.
UNIT = 2.0**-53

_G = 1.0 - 1.0 / sqrt(2.0)
#: Error constant C per solver, see above.
STEP_CONSTANT = {
    "spectral": 0.0,
    "pointwise": 0.0,
    "sdirk2": 3.0 * _G**2 - 2.0 * _G**3 - 1.0 / 6.0,
    "rkl2": 1.0 / 6.0,
}
#: Relative residual to which the suite solves implicit stages: far below all other errors.
TOLERANCE = 1e-10


def of_mean(values: Any) -> float:
    """Return four standard errors of the mean of independent values : (n,)."""
    values = np.asarray(values, dtype=np.float64)
    return float(SIGMAS * values.std(ddof=1) / sqrt(values.size))


def of_share(share: Any, n: Any) -> Any:
    """Return four standard errors of a share of `n` independent draws, and one draw for its steps."""
    return SIGMAS * np.sqrt(share * (1.0 - share) / n) + 1.0 / n


def of_distribution(n: int) -> float:
    """Return how far an empirical distribution of `n` draws may be from the true one."""
    return sqrt(0.5 * log(2.0 / RARE) / n)


def of_lattice(rate: Any, wave: Any, spacing: Any, time: float) -> Any:
    """Return the error of ``exp(-rate t)`` that the lattice makes.

    Parameters
    ----------
    rate, wave, spacing : sequences over the axes
        ``D q^2`` (1/time), ``q`` and ``h`` of the cosine along each axis.
    """
    rates = [np.asarray(r, dtype=np.float64) for r in rate]
    slower = sum(r * (q * h) ** 2 / 12.0 for r, q, h in zip(rates, wave, spacing, strict=True)) * time
    return slower * np.exp(-sum(rates) * time + slower)


def of_steps(solver: str, rate: Any, dt: float, time: float) -> Any:
    """Return the error of ``exp(-rate t)`` that steps of `dt` make."""
    z = np.asarray(rate) * dt
    return STEP_CONSTANT[solver] * z**2 * (np.asarray(rate) * time) * np.exp(z - np.asarray(rate) * time)


def of_solves(solver: str, voxels: int, steps: int, largest: float) -> float:
    """Return what the tolerance of implicit stages and rounding may add to a voxel.

    A stage solved to the relative residual `TOLERANCE` is off by no more than that times the norm of what changes,
    at worst all in one voxel: two stages a step, each at most ``sqrt(voxels)`` times the largest value.
    """
    rounding = 64.0 * UNIT * steps * largest
    if solver != "sdirk2":
        return rounding
    return rounding + 2.0 * steps * TOLERANCE * sqrt(voxels) * largest


def of_amount(solver: str, made: Any, dt: float, steps: int, amount: Any) -> Any:
    """Return how far rounding may move the amount in a closed cord over `steps` steps.

    An implicit stage takes the difference of what flows in and out of a voxel in ``g dt``: numbers of the size of
    ``g dt`` times the fastest exchange times the field, 8 of them in each of two stages. A stage of RKL2 rounds some
    eight times at the size of the field; a transform of `n` voxels ``4 log2 n`` times.
    """
    if solver == "sdirk2":
        units = 2.0 * 8.0 * (1.0 + _G * dt * float(made.medium.outflow().max()))
    elif solver == "rkl2":
        units = 8.0 * made.stages(dt)
    else:
        units = 4.0 * log(made.medium.volume.size) / log(2.0)
    return UNIT * units * steps * np.asarray(amount)


def of_rounding(operations: float, largest: float) -> float:
    """Return what `operations` roundings of numbers up to `largest` can add up to."""
    return UNIT * operations * largest


def words_of_steps(solver: str, dt: str) -> str:
    """Return how the time error of a solver was derived, for one line."""
    constant = STEP_CONSTANT[solver]
    return (
        f"{constant:.3g} (a dt)^2 a t of the step, dt {dt}"
        if constant
        else "none of the step (exact in time)"
    )
