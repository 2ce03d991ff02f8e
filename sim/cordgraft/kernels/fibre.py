"""Host fibres: where they run, what hits them, swelling, severing and die-back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cordgraft.core.streams import Stream
from cordgraft.kernels.compile import body, kernel
from cordgraft.kernels.random import child_id, uniform_pair

_FATE = int(Stream.FIBRE_FATE)

INTACT, SWOLLEN, SEVERED, DORMANT, GROWING, STALLED, CONNECTED, CENSORED, LOST = range(9)
#: What `injure_all` reports of a fibre.
NOTHING, CUT, RECEDED = 0, 1, 2


class Outline(NamedTuple):
    """Middle and half-diameters of the cord per layer, each (z,) float64, um, and the lattice.

    `cord` (x, y, z) uint8; `grid` = (x0, y0, z0, dx, dy, dz), um.
    """

    middle_x: Any
    middle_y: Any
    half_x: Any
    half_y: Any
    cord: Any
    grid: tuple[float, float, float, float, float, float]


class Hurt(NamedTuple):
    """What can hurt a fibre, each (x, y, z) float64; only layers `low .. high` hold any of it.

    `damage` share of fibres severed, `severity` of the impact, `macrophages` pro-inflammatory ones.
    """

    damage: Any
    severity: Any
    macrophages: Any
    low: int
    high: int


class Fibres(NamedTuple):
    """Columns of the table ``fibre`` that an injury can change."""

    id: Any
    origin: Any
    state: Any
    direction: Any
    rho: Any
    phi: Any
    threshold: Any
    severity: Any
    struck_tick: Any
    cut_um: Any
    cut_tick: Any
    stump_um: Any
    receded_um: Any
    frailty: Any
    conducting: Any


class Harm(NamedTuple):
    """Constants; rates per day, lengths in um."""

    swelling: float
    swelling_days: float
    swelling_half: float
    swollen_days: float
    resolving: float
    acute_um: float
    dieback_rate: float
    dieback_least: float
    log_um: float


class Losses(NamedTuple):
    """What the share of severed fibres is made of, each (voxels,) float64 (`cord` uint8), in C order."""

    cord: Any
    impact: Any
    severity: Any
    white: Any
    grey: Any
    white_before: Any
    grey_before: Any


@body
def lose(v: Any, losses: Any, shear: Any, damage: Any) -> None:
    """Write the share of fibres that the state of one voxel severs; `v` counts in C order."""
    before = losses.white_before[v] + losses.grey_before[v]
    if losses.cord[v] == 0 or before <= 0.0:
        damage[v] = 0.0
        return
    gone = 1.0 - (losses.white[v] + losses.grey[v]) / before
    # Rounding in the fractions is no damage.
    dead = max(losses.impact[v], gone if gone > 1e-9 else 0.0)
    damage[v] = 1.0 - (1.0 - dead) * (1.0 - shear * losses.severity[v])


@kernel
def lose_all(start: Any, stop: Any, losses: Any, shear: Any, damage: Any) -> None:
    """Write the share of severed fibres of voxels ``start .. stop``; damage (voxels,)."""
    for v in range(start, stop):
        lose(v, losses, shear, damage)


@body
def place(across: Any, deep: Any, k: Any, outline: Any) -> Any:
    """Return where a fibre at relative (x, y) = (`across`, `deep`) runs in layer `k`: um, and the voxel i, j.

    A voxel that the outline counts to the cord but the mask does not sends the fibre inwards.
    """
    x0, y0, _, dx, dy, _ = outline.grid
    nx, ny, _ = outline.cord.shape
    shrink = 1.0
    for _ in range(40):
        x = outline.middle_x[k] + shrink * across * outline.half_x[k] if nx > 1 else outline.middle_x[k]
        y = outline.middle_y[k] + shrink * deep * outline.half_y[k] if ny > 1 else outline.middle_y[k]
        i = min(max(int(np.floor((x - x0) / dx + 0.5)), 0), nx - 1)
        j = min(max(int(np.floor((y - y0) / dy + 0.5)), 0), ny - 1)
        if outline.cord[i, j, k] != 0:
            break
        shrink -= 0.025
    return x, y, i, j


@body
def layer(z: Any, outline: Any) -> Any:
    """Return the layer that holds a height, clipped to the lattice."""
    count = outline.cord.shape[2]
    return min(max(int(np.floor((z - outline.grid[2]) / outline.grid[5] + 0.5)), 0), count - 1)


@body
def scan(f: Any, fibres: Any, hurt: Any, outline: Any) -> Any:
    """Walk the living old path of a fibre from its soma.

    Returns
    -------
    cut : int
        First layer in which more fibres are severed than the fibre withstands, -1 for none.
    worst : int
        Layer of the greatest severity, -1 where no impact reached it.
    severity : float
    """
    direction = fibres.direction[f]
    first = hurt.low if direction > 0 else hurt.high
    last = hurt.high if direction > 0 else hurt.low
    stump = layer(fibres.stump_um[f], outline)
    severed = fibres.state[f] >= SEVERED
    cut, worst, greatest = -1, -1, 0.0
    across, deep = fibres.rho[f] * np.cos(fibres.phi[f]), fibres.rho[f] * np.sin(fibres.phi[f])
    k = first
    while (last - k) * direction >= 0:
        if severed and (k - stump) * direction >= 0:
            break
        _, _, i, j = place(across, deep, k, outline)
        severity = hurt.severity[i, j, k]
        if severity > greatest:
            greatest, worst = severity, k
        if cut < 0 and hurt.damage[i, j, k] > fibres.threshold[f]:
            cut = k
        k += direction
    return cut, worst, greatest


@body
def sever(f: Any, k: Any, fibres: Any, outline: Any, harm: Any, key: Any) -> None:
    """Cut a fibre in layer `k`: its end recedes by the acute distance at once."""
    z0, dz = outline.grid[2], outline.grid[5]
    soma = z0 - 0.5 * dz if fibres.direction[f] > 0 else z0 + (outline.cord.shape[2] - 0.5) * dz
    # The face of the layer that looks to the soma.
    cut = z0 + (k - 0.5 * fibres.direction[f]) * dz
    fibres.state[f] = SEVERED
    fibres.conducting[f] = 0.0
    fibres.cut_um[f] = cut
    fibres.cut_tick[f] = key.tick
    fibres.receded_um[f] = min(harm.acute_um, abs(soma - cut))
    fibres.stump_um[f] = cut - fibres.direction[f] * fibres.receded_um[f]


@body
def recede(f: Any, fibres: Any, hurt: Any, outline: Any, harm: Any, days: Any) -> Any:
    """Let a stump die back for `days`; returns whether its end is to be logged.

    Only macrophages at the stump itself drive it, so that it comes to rest where it has left them behind.
    """
    direction = fibres.direction[f]
    k = layer(fibres.stump_um[f], outline)
    _, _, i, j = place(
        fibres.rho[f] * np.cos(fibres.phi[f]), fibres.rho[f] * np.sin(fibres.phi[f]), k, outline
    )
    attackers = hurt.macrophages[i, j, k]
    z0, dz = outline.grid[2], outline.grid[5]
    soma = z0 - 0.5 * dz if direction > 0 else z0 + (outline.cord.shape[2] - 0.5) * dz
    whole = abs(soma - fibres.cut_um[f])
    before = fibres.receded_um[f]
    after = min(whole, before + harm.dieback_rate * fibres.frailty[f] * attackers * days)
    if attackers <= harm.dieback_least or after <= before:
        stopped = fibres.state[f] == SEVERED and before > min(harm.acute_um, whole)
        fibres.state[f] = DORMANT
        return stopped
    fibres.state[f] = SEVERED
    fibres.receded_um[f] = after
    fibres.stump_um[f] = fibres.cut_um[f] - direction * after
    return np.floor(after / harm.log_um) > np.floor(before / harm.log_um)


@body
def injure(f: Any, fibres: Any, hurt: Any, outline: Any, harm: Any, key: Any, day_h: Any) -> Any:
    """Carry one host fibre through a step; `day_h` = (hours since it was struck, length of the step).

    Returns NOTHING, CUT or RECEDED.
    """
    if fibres.origin[f] != 0 or fibres.state[f] == LOST:
        return NOTHING
    state = fibres.state[f]
    cut, worst, severity = scan(f, fibres, hurt, outline)
    if worst >= 0 and state < SEVERED:
        fibres.severity[f] = max(fibres.severity[f], severity)
        if fibres.struck_tick[f] < 0:
            fibres.struck_tick[f] = key.tick
    if cut >= 0:
        sever(f, cut, fibres, outline, harm, key)
        return CUT
    days = day_h[1] / 24.0
    if state == INTACT and fibres.struck_tick[f] >= 0:
        age = day_h[0] / 24.0
        square = fibres.severity[f] * fibres.severity[f]
        zone = square / (square + harm.swelling_half * harm.swelling_half)
        decay = np.exp(-age / harm.swelling_days) - np.exp(-(age + days) / harm.swelling_days)
        hazard = harm.swelling * zone * harm.swelling_days * decay
        u, _ = uniform_pair(key.seed, fibres.id[f], key.tick, _FATE, 0)
        if u < 1.0 - np.exp(-hazard):
            fibres.state[f] = SWOLLEN
            fibres.conducting[f] = 0.0
    elif state == SWOLLEN:
        u, v = uniform_pair(key.seed, fibres.id[f], key.tick, _FATE, 0)
        if u < 1.0 - np.exp(-days / harm.swollen_days):
            if v < harm.resolving:
                fibres.state[f] = INTACT
                fibres.conducting[f] = 1.0
            else:
                sever(f, worst, fibres, outline, harm, key)
                return CUT
    elif SEVERED <= state <= DORMANT:
        return RECEDED if recede(f, fibres, hurt, outline, harm, days) else NOTHING
    return NOTHING


@kernel
def injure_all(
    start: Any, stop: Any, fibres: Any, hurt: Any, outline: Any, harm: Any, key: Any, tick_h: Any, event: Any
) -> None:
    """Carry the fibres of rows ``start .. stop`` through a step of ``key.dt_h`` hours; event (n,) uint8."""
    for f in range(start, stop):
        struck = fibres.struck_tick[f]
        age_h = (key.tick - struck) * tick_h if struck >= 0 else 0.0
        event[f] = injure(f, fibres, hurt, outline, harm, key, (age_h, key.dt_h))


@kernel
def fill_places(start: Any, stop: Any, fibres: Any, outline: Any, height: Any, x: Any, y: Any) -> None:
    """Write where fibres of rows ``start .. stop`` run at the heights `height` : (n,) um; x, y (n,) um."""
    for f in range(start, stop):
        across, deep = fibres.rho[f] * np.cos(fibres.phi[f]), fibres.rho[f] * np.sin(fibres.phi[f])
        x[f], y[f], _, _ = place(across, deep, layer(height[f], outline), outline)


@kernel
def fill_children(parents: Any, ticks: Any, sibling: Any, out: Any) -> None:
    """Write the identity of one child per parent; parents, ticks, out : (n,)."""
    for i in range(parents.shape[0]):
        out[i] = child_id(parents[i], ticks[i], sibling)


def children(parents: Any, ticks: Any, sibling: int) -> Any:
    """Return the identity of one child per parent : (n,) uint64; `ticks` is one number or (n,)."""
    parents = np.ascontiguousarray(parents, dtype=np.uint64)
    out = np.empty(parents.shape[0], dtype=np.uint64)
    fill_children(
        parents, np.ascontiguousarray(np.broadcast_to(ticks, parents.shape), dtype=np.int64), sibling, out
    )
    return out
