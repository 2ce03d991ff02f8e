"""How coarse a lattice and how long a step a field can bear: the error that each choice is expected to make.

A field of length ``l = sqrt(D/k)`` round its sources is compared with the same field on the lattice of the run,
pattern by pattern. A pattern of wave number ``q`` (1/um) decays at ``a(q) = k + 2 D/h^2 (1 - cos(q h))`` on a
lattice of spacing `h`; a source of one voxel holds ``sin(q h/2)/(q h/2)`` of it. On a coarser lattice of spacing
`H` the source is spread over a larger voxel and sits in its middle rather than at its own place, patterns beyond
the Nyquist limit are lost, and linear interpolation back to the fine lattice damps the rest by
``(sin(q H/2)/(q H/2))^2``. With all places of a source within its voxel equally likely, the mean square error is

    e^2 = int (f^2 + g^2 - 2 f g m) q^(d - 1) dq / int f^2 q^(d - 1) dq

for the fine pattern `f`, the coarse one `g`, the mean ``m`` of the shift and `d` dimensions (Parseval, patterns
taken as round). For an implicit step of length ``t`` the same sum is taken for a source that begins to work: after
six hours the pattern has reached ``(1 - e^(-a T))/a``, and the scheme has made of it what its stability function
says. Both are errors of a *single* source in the mean over its whole field: the graft's thousands of sources
overlap, and theirs is smaller. NumPy only.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.solvers import GAMMA

Array = NDArray[Any]

#: What makes a field: single cells of one voxel, or tissue that varies over some distance.
Origin = Literal["cells", "tissue"]

#: Distance over which densities of tissue vary (standard deviation of a bell, um); the width of a mouse lesion border.
TISSUE_UM = 100.0
#: A source has worked this long when the error of the step is taken, h: about as long as a cell stays in its voxel.
ONSET_H = 6.0
_POINTS = 2000


def _patterns(spacing_um: float) -> tuple[Array, float]:
    """Return wave numbers up to the Nyquist limit of a spacing, at the middle of equal intervals, and their width."""
    width = np.pi / spacing_um / _POINTS
    return (np.arange(_POINTS) + 0.5) * width, width


def _sinc(x: Array) -> Array:
    return np.asarray(np.sinc(x / np.pi))


def _fall(q: Array, diffusivity: float, decay: float, spacing_um: float) -> Array:
    return decay + 2.0 * diffusivity / spacing_um**2 * (1.0 - np.cos(q * spacing_um))


def lattice_error(
    diffusivity: float, decay: float, spacing_um: float, coarsening: int, dimensions: int, origin: Origin
) -> float:
    """Return the expected relative L2 error of a steady field on a lattice that is coarser than the run's.

    Parameters
    ----------
    diffusivity, decay : float
        um2/time and 1/time; without decay the field has no length and the error is taken as 0 for 1, else 1.
    spacing_um : float
        Of the run.
    coarsening : int
        Spacing of the field's lattice over that of the run.
    dimensions : int
        Axes with more than one voxel.
    origin : {"cells", "tissue"}
    """
    if coarsening == 1 or diffusivity == 0.0:
        return 0.0
    if decay == 0.0:
        return 1.0
    q, _ = _patterns(spacing_um)
    wide = coarsening * spacing_um
    fine = 1.0 / _fall(q, diffusivity, decay, spacing_um)
    kept = q < np.pi / wide
    coarse = np.where(kept, _sinc(q * wide / 2.0) ** 2 / _fall(q, diffusivity, decay, wide), 0.0)
    if origin == "cells":
        fine = fine * _sinc(q * spacing_um / 2.0)
        coarse = coarse * _sinc(q * wide / 2.0)
        shift = _sinc(q * wide / 2.0)
    else:
        bell = np.exp(-0.5 * (q * TISSUE_UM) ** 2)
        fine, coarse, shift = fine * bell, coarse * bell, np.ones(q.size)
    weight = q ** (dimensions - 1)
    square = np.sum((fine**2 + coarse**2 - 2.0 * fine * coarse * shift) * weight)
    return float(np.sqrt(max(square, 0.0) / np.sum(fine**2 * weight)))


def step_error(
    diffusivity: float, decay: float, spacing_um: float, step_h: float, dimensions: int, origin: Origin
) -> float:
    """Return the expected relative L2 error that implicit steps leave, `ONSET_H` after a source began to work.

    Parameters
    ----------
    diffusivity, decay : float
        um2/h and 1/h.
    spacing_um : float
        Of the field's lattice.
    step_h : float
    dimensions : int
    origin : {"cells", "tissue"}
    """
    q, _ = _patterns(spacing_um)
    a = _fall(q, diffusivity, decay, spacing_um)
    steps = max(1, round(ONSET_H / step_h))
    z = -a * step_h
    ratio = (1.0 + (1.0 - 2.0 * GAMMA) * z) / (1.0 - GAMMA * z) ** 2
    source = _sinc(q * spacing_um / 2.0) if origin == "cells" else np.exp(-0.5 * (q * TISSUE_UM) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.where(a > 0.0, -np.expm1(-a * steps * step_h) / a, steps * step_h)
        scheme = np.where(a > 0.0, (1.0 - ratio**steps) / a, steps * step_h)
    weight = (source**2) * q ** (dimensions - 1)
    return float(np.sqrt(np.sum((scheme - exact) ** 2 * weight) / np.sum(exact**2 * weight)))


def choose_coarsening(
    diffusivity: float,
    decay: float,
    spacing_um: float,
    dimensions: int,
    origin: Origin,
    accuracy: float,
    most: int,
) -> int:
    """Return the largest power of two, at most `most`, whose expected error stays within `accuracy`."""
    chosen = 1
    while (
        2 * chosen <= most
        and lattice_error(diffusivity, decay, spacing_um, 2 * chosen, dimensions, origin) <= accuracy
    ):
        chosen *= 2
    return chosen


def choose_steps(
    diffusivity: float,
    decay: float,
    spacing_um: float,
    dimensions: int,
    origin: Origin,
    accuracy: float,
    period_h: float,
    longest_h: float,
) -> int:
    """Return how many periods one step of a field may last: its error within `accuracy`, and half a half-life.

    Who reads a field sees it as it was after its last step; a step beyond half of the half-life would make that old.
    """
    half_life = np.log(2.0) / decay if decay > 0.0 else np.inf
    limit = min(longest_h, 0.5 * half_life)
    chosen = 1
    for periods in (2, 3, 4, 6, 8, 12, 24):
        step = periods * period_h
        if step > limit or step_error(diffusivity, decay, spacing_um, step, dimensions, origin) > accuracy:
            break
        chosen = periods
    return chosen
