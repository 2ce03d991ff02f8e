"""Host cells and matrix, voxel by voxel: immune cells, vessels, scar, tissue at risk.

Every variable obeys ``x' = P - R x`` with a gain ``P`` and a loss rate ``R`` that are never negative and may
depend on the other variables. A step takes `P` and `R` from a prediction half a step ahead and applies

    ``x <- (x + P h (1 + R h/2)) / (1 + R h + (R h)^2/2)``

which is of second order, keeps positive what is positive, cannot blow up for any step and ends at ``P/R``.
Losses with a fixed rate, and the cascade of damage, alarm and neutrophils, are integrated exactly.
Voxels in which nothing has happened cost one comparison; their values stay as they are to the last bit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import body, kernel

Array = NDArray[Any]


class Immune(NamedTuple):
    """State of the immune set, flat (voxels,) float64, dimensionless; `source` is ``source.tnf`` (1/h).

    `myelin` is dead white matter that has not fallen apart yet, `counted` the loss of tissue that has been
    turned into debris or `myelin` so far.
    """

    damage: Array
    alarm: Array
    neutrophils: Array
    recruitment: Array
    il10: Array
    pro: Array
    repair: Array
    debris: Array
    myelin: Array
    counted: Array
    source: Array


class Ground(NamedTuple):
    """What the immune set reads, flat (voxels,) float64: tissue before the injury and now, vessels."""

    white_before: Array
    grey_before: Array
    white: Array
    grey: Array
    vessels: Array


#: ss, as, aa, ns, na, nn of the cascade of damage (s), alarm (a) and neutrophils (n).
Propagator = tuple[float, float, float, float, float, float]


class ImmuneRates(NamedTuple):
    """Numbers of the immune set; times in days.

    `steps` of length `h` make up one call; `full` and `half` solve the cascade exactly over `h` and half of it,
    for neutrophils whose inflow no loss of vessels slows.
    """

    steps: int
    h: float
    full: Propagator
    half: Propagator
    clear_neutrophils: float
    clear_recruitment: float
    clear_il10: float
    clear_cells: float
    fragment: float
    call_alarm: float
    call_neutrophils: float
    call_debris: float
    il10_neutrophils: float
    il10_repair: float
    tnf_neutrophils: float
    tnf_pro: float
    k_il10: float
    k_debris: float
    to_pro: float
    to_repair: float
    engulf: float
    k_vessels: float
    grey_myelin: float
    at_once: float
    tnf_decay: float


@lru_cache(maxsize=64)
def propagator(rate_s: float, rate_a: float, rate_n: float, h: float) -> Propagator:
    """Return ss, as, aa, ns, na, nn: the exact solution of the cascade over `h`; asked for in every step, so kept.

    ``s' = -k_s s``, ``a' = k_s s - k_a a``, ``n' = a - k_n n``. By scaling and squaring of the Taylor series,
    which does not mind equal rates.
    """
    matrix = np.array([[-rate_s, 0.0, 0.0], [rate_s, -rate_a, 0.0], [0.0, 1.0, -rate_n]]) * h
    halvings = max(0, int(np.ceil(np.log2(max(1e-12, np.abs(matrix).max())))) + 4)
    matrix = matrix / 2.0**halvings
    result, term = np.eye(3), np.eye(3)
    for power in range(1, 12):
        term = _product(term, matrix) / power
        result = result + term
    for _ in range(halvings):
        result = _product(result, result)
    (ss, _, _), (sa, aa, _), (sn, an, nn) = result.tolist()
    return ss, sa, aa, sn, an, nn


def quiet(cascade: Propagator, share: float) -> Propagator:
    """Return the cascade when a drug takes a share of the alarm that damage raises: what comes from damage is less."""
    ss, sa, aa, sn, an, nn = cascade
    left = 1.0 - share
    return ss, left * sa, aa, left * sn, an, nn


def _product(left: Array, right: Array) -> Array:
    """Matrix product of two small matrices, in a fixed order of summation."""
    return np.asarray((left[:, :, None] * right[None, :, :]).sum(axis=1))


@body
def settle(x: Any, gain: Any, rate: Any, h: Any) -> Any:
    """Return `x` after a step `h` of ``x' = gain - rate x``; see the module for the formula."""
    z = rate * h
    return (x + gain * h * (1.0 + 0.5 * z)) / (1.0 + z * (1.0 + 0.5 * z))


@body
def _monocytes(q: Any, il10: Any, m1: Any, m2: Any, debris: Any, supply: Any, r: Any) -> Any:
    """Return gains and loss rates of pro-inflammatory and pro-repair cells and the loss rate of debris."""
    f10 = il10 / (il10 + r.k_il10)
    load = debris / (debris + r.k_debris)
    inflow = supply * q
    gain_1 = inflow * (1.0 - f10) + r.to_pro * load * m2
    loss_1 = r.to_repair * f10 + r.clear_cells
    gain_2 = inflow * f10 + r.to_repair * f10 * m1
    loss_2 = r.to_pro * load + r.clear_cells
    return gain_1, loss_1, gain_2, loss_2, r.engulf * (m1 + m2) / (debris + r.k_debris)


@body
def immune_one(x: Any, v: Any, r: Any) -> Any:
    """Return the immune set of one voxel after a step.

    `x` = damage, alarm, neutrophils, recruitment, IL-10, pro, repair, debris, dead myelin; `v` vessel density.
    """
    s, a, n, q, il10, m1, m2, debris, myelin = x
    supply = v * (1.0 + r.k_vessels) / (v + r.k_vessels)
    h, half = r.h, 0.5 * r.h
    for _ in range(r.steps):
        # prediction half a step ahead, with the gains and losses of now
        a_m = r.half[1] * s + r.half[2] * a
        n_m = supply * (r.half[3] * s + r.half[4] * a) + r.half[5] * n
        gain_1, loss_1, gain_2, loss_2, loss_d = _monocytes(q, il10, m1, m2, debris, supply, r)
        q_gain = r.call_alarm * a + r.call_neutrophils * n + r.call_debris * debris
        q_m = settle(q, q_gain, r.clear_recruitment, half)
        il_gain = r.il10_neutrophils * r.clear_neutrophils * n + r.il10_repair * m2
        il_m = settle(il10, il_gain, r.clear_il10, half)
        m1_m = settle(m1, gain_1, loss_1, half)
        m2_m = settle(m2, gain_2, loss_2, half)
        myelin_m = settle(myelin, 0.0, r.fragment, half)
        debris_m = settle(debris, r.fragment * myelin, loss_d, half)
        # the step, with the gains and losses of the middle
        gain_1, loss_1, gain_2, loss_2, loss_d = _monocytes(q_m, il_m, m1_m, m2_m, debris_m, supply, r)
        q_gain = r.call_alarm * a_m + r.call_neutrophils * n_m + r.call_debris * debris_m
        q = settle(q, q_gain, r.clear_recruitment, h)
        il_gain = r.il10_neutrophils * r.clear_neutrophils * n_m + r.il10_repair * m2_m
        il10 = settle(il10, il_gain, r.clear_il10, h)
        m1 = settle(m1, gain_1, loss_1, h)
        m2 = settle(m2, gain_2, loss_2, h)
        debris = settle(debris, r.fragment * myelin_m, loss_d, h)
        myelin = settle(myelin, 0.0, r.fragment, h)
        n = supply * (r.full[3] * s + r.full[4] * a) + r.full[5] * n
        a = r.full[1] * s + r.full[2] * a
        s = r.full[0] * s
    return s, a, n, q, il10, m1, m2, debris, myelin


@kernel
def immune_all(start: Any, stop: Any, x: Any, ground: Any, r: Any) -> None:
    """Advance the immune set of voxels ``start .. stop`` and deposit its TNF-like source.

    The arrays are taken out of their tuples once: inside the loop each access would count references.
    """
    damage, alarm, neutrophils, recruitment, il10 = x.damage, x.alarm, x.neutrophils, x.recruitment, x.il10
    pro, repair, debris, myelin = x.pro, x.repair, x.debris, x.myelin
    counted, source = x.counted, x.source
    white_before, grey_before, white, grey = (
        ground.white_before,
        ground.grey_before,
        ground.white,
        ground.grey,
    )
    vessels = ground.vessels
    for i in range(start, stop):
        lost = white_before[i] - white[i] + r.grey_myelin * (grey_before[i] - grey[i])
        fresh = lost - counted[i]
        if fresh > 0.0:
            counted[i] += fresh
            debris[i] += r.at_once * fresh
            myelin[i] += (1.0 - r.at_once) * fresh
        elif damage[i] + alarm[i] + neutrophils[i] + recruitment[i] + pro[i] + repair[i] + debris[i] == 0.0:
            continue
        old = (
            damage[i],
            alarm[i],
            neutrophils[i],
            recruitment[i],
            il10[i],
            pro[i],
            repair[i],
            debris[i],
            myelin[i],
        )
        s, a, n, q, il, m1, m2, d, m = immune_one(old, vessels[i], r)
        damage[i], alarm[i], neutrophils[i], recruitment[i], il10[i] = s, a, n, q, il
        pro[i], repair[i], debris[i], myelin[i] = m1, m2, d, m
        strength = (a + r.tnf_neutrophils * n + r.tnf_pro * m1) / (1.0 + il / r.k_il10)
        source[i] += r.tnf_decay * strength


# --------------------------------------------------------------------------------------------- scar


class Scar(NamedTuple):
    """State of the scar, flat (voxels,) float64.

    Astrocytes activated and scar-forming, barrier (0-1), CSPG (ug/mL), permissive matrix (0-1).
    """

    activated: Array
    forming: Array
    barrier: Array
    cspg: Array
    matrix: Array


class ScarGround(NamedTuple):
    """What the scar reads, flat (voxels,) float64.

    `alive` is the share of living host tissue, `drive` the activating signal ``a + 0.3 T``, `macrophages` their
    sum, `vessels` the vessel density, `cavity` the share of fluid, `deposit` the matrix made by a graft (1/h),
    `bare` the share of fluid without a scaffold that could hold matrix (without one in the run, `cavity` itself).
    """

    alive: Array
    drive: Array
    macrophages: Array
    vessels: Array
    cavity: Array
    deposit: Array
    bare: Array


class ScarRates(NamedTuple):
    """Numbers of the scar; times in days, `h` the step in days, CSPG in ug/mL."""

    h: float
    activate: float
    mature: float
    calm: float
    close: float
    reopen: float
    turnover: float
    cspg_base: float
    cspg_astrocytes: float
    cspg_macrophages: float
    matrix_vessels: float
    matrix_decay: float
    rest: float


@body
def scar_one(x: Any, seen: Any, r: Any) -> Any:
    """Return the scar of one voxel after a step.

    `x` = activated, forming, barrier, CSPG, matrix; `seen` = living share, drive, macrophages, vessels, cavity,
    deposit by a graft (1/d), fluid that holds no matrix.
    """
    u, s, barrier, cspg, matrix = x
    alive, drive, cells, v, cavity, graft, bare = seen
    h, half = r.h, 0.5 * r.h
    if u + s > alive:  # astrocytes die with the tissue that they live in
        u, s = u * (alive / (u + s)), s * (alive / (u + s))
    drive = max(0.0, drive) * r.activate
    u_m = settle(u, drive * max(0.0, alive - u - s), r.mature, half)
    s_m = settle(s, r.mature * u, r.calm, half)
    u = settle(u, drive * max(0.0, alive - u_m - s_m), r.mature, h)
    s = settle(s, r.mature * u_m, r.calm, h)
    barrier = settle(barrier, r.close * s_m, r.close * s_m + r.reopen, h)
    solid = 1.0 - cavity
    made = solid * (r.cspg_base + r.cspg_astrocytes * s_m + r.cspg_macrophages * cells)
    cspg = settle(cspg, r.turnover * made, r.turnover, h)
    ground = 1.0 - bare
    laid = ground * (r.matrix_vessels * v + graft)
    matrix = min(ground, settle(matrix, laid, laid + r.matrix_decay, h))
    return u, s, barrier, cspg, matrix


@kernel
def scar_all(start: Any, stop: Any, x: Any, ground: Any, r: Any) -> None:
    """Advance the scar of voxels ``start .. stop``.

    Where nothing calls (no signal, no reaction, whole vessels, no graft, CSPG at its baseline) nothing changes.
    """
    activated, forming, barrier, cspg, matrix = x.activated, x.forming, x.barrier, x.cspg, x.matrix
    alive, drive, macrophages = ground.alive, ground.drive, ground.macrophages
    vessels, cavity, deposit, bare = ground.vessels, ground.cavity, ground.deposit, ground.bare
    for i in range(start, stop):
        graft = deposit[i] * 24.0
        if vessels[i] == 1.0 and graft == 0.0 and cspg[i] == r.cspg_base:
            if max(drive[i], activated[i], forming[i], macrophages[i]) < r.rest:
                continue
        old = (activated[i], forming[i], barrier[i], cspg[i], matrix[i])
        seen = (alive[i], drive[i], macrophages[i], vessels[i], cavity[i], graft, bare[i])
        activated[i], forming[i], barrier[i], cspg[i], matrix[i] = scar_one(old, seen, r)


# ------------------------------------------------------------------------------------------ vessels


class VesselGround(NamedTuple):
    """What the vessels read, flat (voxels,) float64.

    `impact` is the share killed by the impact, `severity` its local severity, `oxygen` mmHg, `sprouts` the
    density of vessels that can sprout into the voxel: ``V + l^2 lap(V)`` with the length of a sprout; then the
    dry fractions.
    """

    impact: Array
    severity: Array
    oxygen: Array
    sprouts: Array
    white: Array
    grey: Array
    graft: Array
    necrosis: Array
    scar: Array
    blood: Array


class VesselRates(NamedTuple):
    """Numbers of the vessels.

    Step (d), density left by the injury, share of the rupture still to come that comes in this step, severity of
    half rupture and its power, growth (1/d), onset of hypoxic growth (mmHg), highest density, pruning (1/d),
    density that dead tissue carries.
    """

    h: float
    left: float
    rupture_step: float
    rupture_half: float
    rupture_power: float
    grow: float
    onset: float
    most: float
    prune: float
    dead: float


#: Excess of vessels below which nothing is pruned: more than the rounding of a sum of fractions.
ROUNDING = 1e-12


#: Share of the rupture that may be missing when it counts as over.
RUPTURED = 1e-9


@body
def vessel_loss(v: Any, done: Any, impact: Any, severity: Any, r: Any) -> Any:
    """Return the vessel density of one voxel after a step of rupture; `done` is the share of it that is over.

    The first step cuts the vessels of dead tissue. Of the others the share that the severity ruptures goes with
    the time course of the rupture, whatever the length of the step.
    """
    cut = impact * (1.0 - r.left) if done == 0.0 else 0.0
    power = severity**r.rupture_power
    ruptured = (1.0 - impact) * power / (power + r.rupture_half**r.rupture_power)
    return max(0.0, v - cut - ruptured * (1.0 - done) * r.rupture_step)


@body
def vessel_growth(v: Any, lack: Any, excess: Any, sprouts: Any, r: Any) -> Any:
    """Return the vessel density of one voxel after a step of regrowth in hypoxia and of pruning."""
    gain = r.grow * max(0.0, lack) * max(0.0, sprouts)
    return settle(v, gain * r.most, gain + r.prune * max(0.0, excess), r.h)


@kernel
def vessel_all(start: Any, stop: Any, vessels: Any, done: Any, ground: Any, r: Any) -> None:
    """Advance the vessel density of voxels ``start .. stop``; `done` is the share of the rupture that is over."""
    impact, severity = ground.impact, ground.severity
    oxygen, sprouts = ground.oxygen, ground.sprouts
    white, grey, graft = ground.white, ground.grey, ground.graft
    necrosis, scar, blood = ground.necrosis, ground.scar, ground.blood
    for i in range(start, stop):
        if severity[i] > 0.0 and done[i] < 1.0:
            vessels[i] = vessel_loss(vessels[i], done[i], impact[i], severity[i], r)
            done[i] += (1.0 - done[i]) * r.rupture_step
            if done[i] > 1.0 - RUPTURED:
                done[i] = 1.0
        lack = 1.0 - oxygen[i] / r.onset
        carry = white[i] + grey[i] + graft[i] + r.dead * (necrosis[i] + scar[i] + blood[i])
        excess = vessels[i] - carry
        if lack > 0.0 or excess > ROUNDING:
            vessels[i] = vessel_growth(vessels[i], lack, excess, sprouts[i], r)


# ------------------------------------------------------------------------------------ tissue at risk


class Risk(NamedTuple):
    """Tissue at risk, flat (voxels,) float64: the pool, the living tissue it is part of, and the transfer."""

    pool: Array
    living: Array
    death: Array


class RiskGround(NamedTuple):
    """What decides between death and rescue, flat (voxels,) float64.

    TNF-like, oxygen (mmHg), trophic factor (K_d), support by contact (1).
    """

    tnf: Array
    oxygen: Array
    trophic: Array
    support: Array


class RiskRates(NamedTuple):
    """`leave` is the share of the pool that is decided in a step; the others are weights of the share that dies."""

    leave: float
    base: float
    tnf: float
    oxygen: float
    critical: float
    trophic: float


@body
def dying_share(tnf: Any, oxygen: Any, trophic: Any, support: Any, r: Any) -> Any:
    """Return the share of the outflow that dies (0-1)."""
    helped = min(1.0, trophic / (1.0 + trophic) + support)
    share = r.base + r.tnf * tnf + r.oxygen * max(0.0, 1.0 - oxygen / r.critical) - r.trophic * helped
    return min(1.0, max(0.0, share))


#: Share of tissue at risk below which the rest counts as healthy again.
SETTLED = 1e-9


@kernel
def risk_all(start: Any, stop: Any, risk: Any, ground: Any, r: Any) -> None:
    """Decide a share of the tissue at risk of voxels ``start .. stop``."""
    pool, living, death = risk.pool, risk.living, risk.death
    tnf, oxygen, trophic, support = ground.tnf, ground.oxygen, ground.trophic, ground.support
    for i in range(start, stop):
        if pool[i] > 0.0:
            there = min(pool[i], living[i])
            out = there * r.leave
            pool[i] = there - out if there > SETTLED else 0.0
            death[i] += out * dying_share(tnf[i], oxygen[i], trophic[i], support[i], r)
