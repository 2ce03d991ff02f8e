"""Oedema: fluid that leaks from broken vessels, swells the tissue up to a limit and spreads along the cord."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import body, kernel

Array = NDArray[Any]


class Swelling(NamedTuple):
    """State, flat (voxels,) float64: open vessels (0-1), the rupture that has opened them, oedema (1)."""

    leak: Array
    counted: Array
    oedema: Array


class SwellingGround(NamedTuple):
    """What it reads, flat (voxels,): share of the cord, share of the rupture that is over, local severity."""

    cord: Array
    ruptured: Array
    severity: Array


class SwellingRates(NamedTuple):
    """Numbers, times in days: fluid per day through open vessels, closing, clearance, rupture half and power, most."""

    h: float
    flow: float
    close: float
    clear: float
    half: float
    power: float
    most: float


@body
def leak_one(leak: Any, oedema: Any, r: Any) -> Any:
    """Return leak and oedema of one voxel after a step, exactly: ``L' = -c L``, ``E' = f L - k E``."""
    kept, left = np.exp(-r.close * r.h), np.exp(-r.clear * r.h)
    if abs(r.close - r.clear) * r.h < 1e-9:
        gained = r.flow * r.h * kept
    else:
        gained = r.flow * (kept - left) / (r.clear - r.close)
    return leak * kept, oedema * left + gained * leak


@kernel
def leak_all(start: Any, stop: Any, x: Any, ground: Any, r: Any) -> None:
    """Open vessels as far as they have broken since the last step, let fluid in and out; ``start .. stop``."""
    leak, counted, oedema = x.leak, x.counted, x.oedema
    cord, ruptured, severity = ground.cord, ground.ruptured, ground.severity
    for i in range(start, stop):
        if cord[i] == 0:
            continue
        more = ruptured[i] - counted[i]
        if more > 0.0:
            counted[i] = ruptured[i]
            if severity[i] > 0.0:
                power = severity[i] ** r.power
                leak[i] += more * power / (power + r.half**r.power)
        if leak[i] == 0.0 and oedema[i] == 0.0:
            continue
        leak[i], oedema[i] = leak_one(leak[i], oedema[i], r)


@body
def spill_row(e: Any, c: Any, most: Any, back: Any, up: Any) -> None:
    """Move the excess of one row, half each way; the half that goes `up` (1) or down (0) the row finds its place first.

    e, c, back : (nz,); `back` is scratch.
    """
    nz = e.shape[0]
    carried = 0.0
    for step in range(nz):
        i = step if up else nz - 1 - step
        back[i] = 0.0
        if c[i] == 0:
            carried = 0.0
            continue
        excess = e[i] - most
        if excess > 0.0:
            e[i] = most
            carried += 0.5 * excess
            back[i] = 0.5 * excess
        elif carried > 0.0:
            taken = min(carried, -excess)
            e[i] += taken
            carried -= taken
    carried = 0.0
    for step in range(nz):
        i = nz - 1 - step if up else step
        if c[i] == 0:
            carried = 0.0
            continue
        if carried > 0.0:
            taken = min(carried, most - e[i])
            e[i] += taken
            carried -= taken
        carried += back[i]


@kernel
def spill_all(start: Any, stop: Any, oedema: Any, cord: Any, most: Any, scratch: Any) -> None:
    """Move what exceeds `most` to the next voxels along the cord that have room, half each way.

    Rows ``start .. stop`` of oedema, cord : (rows, nz); `scratch` : (rows, 2, nz). The mean of both orders is taken, so
    that neither end of the cord is preferred. What finds no room up to the end of the lattice or the cord has left.
    """
    for row in range(start, stop):
        e, other, back = oedema[row], scratch[row, 0], scratch[row, 1]
        for i in range(e.shape[0]):
            other[i] = e[i]
        spill_row(e, cord[row], most, back, 1)
        spill_row(other, cord[row], most, back, 0)
        for i in range(e.shape[0]):
            e[i] = 0.5 * (e[i] + other[i])
