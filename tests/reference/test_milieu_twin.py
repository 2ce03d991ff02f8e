"""Kernels of the milieu against readable twins, a fine solution of the equations, and themselves on two threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from cordgraft.kernels import milieu
from cordgraft.kernels.compile import run_blocks, set_threads
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.scar import Scar
from cordgraft.processes.vessels import Vessels

pytestmark = pytest.mark.reference

Array = NDArray[Any]


def settle(x: Any, gain: Any, rate: Any, h: float) -> Any:
    z = rate * h
    return (x + gain * h * (1 + z / 2)) / (1 + z + z**2 / 2)


# ------------------------------------------------------------------------------------------ the step


def test_the_step_is_positive_ends_at_the_balance_and_is_of_second_order() -> None:
    assert milieu.settle(2.0, 3.0, 1.5, 1e6) == pytest.approx(2.0)
    assert milieu.settle(5.0, 0.0, 1e9, 1.0) >= 0.0
    assert milieu.settle(0.7, 0.35, 0.5, 0.3) == pytest.approx(0.7)
    errors = [
        abs(milieu.settle(1.0, 0.2, 2.0, h) - (0.1 + 0.9 * np.exp(-2.0 * h))) for h in (0.1, 0.05, 0.025)
    ]
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert (orders > 2.7).all()  # one step of a second-order method errs by the third power


def test_the_cascade_is_exact() -> None:
    for rates in ((6.7, 2.5, 0.45), (2.5, 2.5, 2.5), (0.1, 30.0, 0.1)):
        s, a, n = rates
        matrix = np.array([[-s, 0, 0], [s, -a, 0], [0, 1.0, -n]])
        for h in (1 / 24, 0.25, 1.0):
            exact = expm(matrix * h)
            expected = (exact[0, 0], exact[1, 0], exact[1, 1], exact[2, 0], exact[2, 1], exact[2, 2])
            np.testing.assert_allclose(milieu.propagator(s, a, n, h), expected, rtol=1e-11, atol=1e-14)


# ------------------------------------------------------------------------------------------- immune


def immune_inputs(voxels: int, seed: int) -> tuple[milieu.Immune, milieu.Ground]:
    rng = np.random.default_rng(seed)
    state = [rng.random(voxels) * rng.integers(0, 2, voxels) for _ in milieu.Immune._fields]
    quiet = rng.random(voxels) < 0.4
    ground = [rng.random(voxels) for _ in milieu.Ground._fields]
    for array in state:
        array[quiet] = 0.0
    ground[2][quiet], ground[3][quiet] = ground[0][quiet], ground[1][quiet]
    return milieu.Immune(*state), milieu.Ground(*ground)


def immune_twin(x: milieu.Immune, g: milieu.Ground, r: Any) -> milieu.Immune:
    """The same step on whole arrays."""
    s, a, n, q, il, m1, m2, d, w, counted, source = (array.copy() for array in x)
    fresh = np.maximum(0.0, g.white_before - g.white + r.grey_myelin * (g.grey_before - g.grey) - counted)
    counted += fresh
    d += r.at_once * fresh
    w += (1 - r.at_once) * fresh
    busy = (fresh > 0) | (s + a + n + q + m1 + m2 + d > 0)
    supply = g.vessels * (1 + r.k_vessels) / (g.vessels + r.k_vessels)

    def monocytes(q: Array, il: Array, m1: Array, m2: Array, d: Array) -> tuple[Array, ...]:
        f, load = il / (il + r.k_il10), d / (d + r.k_debris)
        return (
            supply * q * (1 - f) + r.to_pro * load * m2,
            r.to_repair * f + r.clear_cells,
            supply * q * f + r.to_repair * f * m1,
            r.to_pro * load + r.clear_cells,
            r.engulf * (m1 + m2) / (d + r.k_debris),
        )

    for _ in range(r.steps):
        half = r.h / 2
        ss, sa, aa, sn, an, nn = r.half
        s_h, a_h, n_h = ss * s, sa * s + aa * a, supply * (sn * s + an * a) + nn * n
        g1, l1, g2, l2, ld = monocytes(q, il, m1, m2, d)
        q_h = settle(
            q, r.call_alarm * a + r.call_neutrophils * n + r.call_debris * d, r.clear_recruitment, half
        )
        il_h = settle(
            il, r.il10_neutrophils * r.clear_neutrophils * n + r.il10_repair * m2, r.clear_il10, half
        )
        m1_h, m2_h = settle(m1, g1, l1, half), settle(m2, g2, l2, half)
        w_h, d_h = settle(w, 0.0, r.fragment, half), settle(d, r.fragment * w, ld, half)
        g1, l1, g2, l2, ld = monocytes(q_h, il_h, m1_h, m2_h, d_h)
        q = settle(
            q, r.call_alarm * a_h + r.call_neutrophils * n_h + r.call_debris * d_h, r.clear_recruitment, r.h
        )
        il = settle(
            il, r.il10_neutrophils * r.clear_neutrophils * n_h + r.il10_repair * m2_h, r.clear_il10, r.h
        )
        m1, m2 = settle(m1, g1, l1, r.h), settle(m2, g2, l2, r.h)
        d, w = settle(d, r.fragment * w_h, ld, r.h), settle(w, 0.0, r.fragment, r.h)
        ss, sa, aa, sn, an, nn = r.full
        s, a, n = ss * s, sa * s + aa * a, supply * (sn * s + an * a) + nn * n
        assert s_h.shape == s.shape
    source = source + np.where(
        busy, r.tnf_decay * (a + r.tnf_neutrophils * n + r.tnf_pro * m1) / (1 + il / r.k_il10), 0.0
    )
    new = (s, a, n, q, il, m1, m2, d, w)
    kept = [np.where(busy, after, before) for after, before in zip(new, x, strict=False)]
    return milieu.Immune(*kept, counted, source)


@pytest.mark.parametrize("dt_h", [1.0, 6.0])
def test_immune_step_equals_its_twin(dt_h: float) -> None:
    state, ground = immune_inputs(200, 1)
    rates = Inflammation().rates(dt_h)
    expected = immune_twin(state, ground, rates)
    milieu.immune_all(0, 200, state, ground, rates)
    for name, found, wanted in zip(milieu.Immune._fields, state, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15, err_msg=name)


def one_voxel(sigma: float, days: float, dt_h: float, engulf: float = 0.08) -> Array:
    """A rim voxel after an injury of severity `sigma` : (steps + 1, 9), vessels whole."""
    rates = Inflammation(Inflammation.Params(engulf=engulf)).rates(dt_h)
    state = milieu.Immune(*(np.zeros(1) for _ in milieu.Immune._fields))
    state.damage[0] = sigma
    ground = milieu.Ground(np.ones(1), np.zeros(1), np.full(1, 1.0 - sigma), np.zeros(1), np.ones(1))
    rows = []
    for _ in range(round(days * 24 / dt_h)):
        milieu.immune_all(0, 1, state, ground, rates)
        rows.append([float(array[0]) for array in state[:9]])
    return np.array(rows)


def equations(sigma: float, days: Array, engulf: float = 0.08) -> Array:
    """The set as it stands in the design, solved finely : (days, 9)."""

    def slope(_: float, x: Array) -> list[float]:
        s, a, n, q, il, m1, m2, d, w = x
        f, g = il / (il + 0.15), d / (d + 0.3)
        return [
            -s / 0.15,
            s / 0.15 - a / 0.4,
            a - n / 2.2,
            0.2 * a + 0.3 * n + 0.02 * d - q / 2,
            0.7 * n / 2.2 + 0.15 * m2 - il / 2,
            q * (1 - f) + 0.15 * g * m2 - 0.1 * f * m1 - m1 / 8,
            q * f - 0.15 * g * m2 + 0.1 * f * m1 - m2 / 8,
            w / 7 - engulf * (m1 + m2) * g,
            -w / 7,
        ]

    start = [sigma, 0, 0, 0, 0, 0, 0, 0.4 * sigma, 0.6 * sigma]
    solved = solve_ivp(
        slope, (0.0, float(days[-1])), start, t_eval=days, rtol=1e-10, atol=1e-12, method="LSODA"
    )
    assert solved.success
    return np.asarray(solved.y.T)


@pytest.mark.parametrize("dt_h", [1.0, 6.0])
def test_immune_set_agrees_with_a_fine_solution_to_one_percent(dt_h: float) -> None:
    found = one_voxel(0.65, 60.0, dt_h)
    days = np.arange(1, found.shape[0] + 1) * dt_h / 24.0
    exact = equations(0.65, days)
    scale = exact.max(axis=0)
    assert (np.abs(found - exact).max(axis=0) < 0.01 * scale).all()
    assert np.abs(found - exact).max() > 0.0


def test_the_peaks_of_the_immune_set_are_those_of_the_design() -> None:
    found = one_voxel(1.0, 90.0, 1.0)
    day = np.arange(1, found.shape[0] + 1) / 24.0
    neutrophils, pro, repair, debris = found[:, 2], found[:, 5], found[:, 6], found[:, 7]
    cells = pro + repair
    assert day[neutrophils.argmax()] == pytest.approx(1.0, abs=0.1)
    assert neutrophils[day >= 10.0][0] / neutrophils.max() == pytest.approx(0.02, abs=0.005)
    assert day[cells.argmax()] == pytest.approx(7.65, abs=0.15)
    at = {when: int(np.searchsorted(day, when)) for when in (7, 28)}
    assert cells[at[28]] / cells.max() == pytest.approx(0.48, abs=0.03)
    assert (pro / cells)[at[7]] == pytest.approx(0.66, abs=0.03)
    assert (pro / cells)[at[28]] == pytest.approx(0.92, abs=0.03)
    assert debris[-1] / debris.max() == pytest.approx(0.29, abs=0.03)
    human = one_voxel(1.0, 90.0, 1.0, engulf=0.004)[:, 7]
    assert human[-1] / human.max() == pytest.approx(0.95, abs=0.02)


# --------------------------------------------------------------------------------------------- scar


SCAR_RATES = milieu.ScarRates(
    1 / 24, 0.6, 1 / 3, 1 / 7, 1 / 0.7, 1 / 400, 0.1, 4.8, 144.0, 9.6, 0.002, 1 / 30, 1e-9
)


def scar_inputs(voxels: int, seed: int) -> tuple[milieu.Scar, milieu.ScarGround]:
    rng = np.random.default_rng(seed)
    state = [rng.random(voxels) for _ in milieu.Scar._fields]
    ground = [rng.random(voxels) for _ in milieu.ScarGround._fields]
    quiet = rng.random(voxels) < 0.3
    for array in (*state[:2], ground[1], ground[2], ground[5]):
        array[quiet] = 0.0
    ground[3][quiet] = 1.0
    state[3][quiet] = 4.8
    ground[1][::7] = -1e-6
    return milieu.Scar(*state), milieu.ScarGround(*ground)


def scar_twin(x: milieu.Scar, g: milieu.ScarGround, r: milieu.ScarRates) -> milieu.Scar:
    u, s, b, c, m = x
    graft = g.deposit * 24
    rest = (g.vessels == 1) & (graft == 0) & (c == r.cspg_base)
    rest &= np.maximum.reduce([g.drive, u, s, g.macrophages]) < r.rest
    drive = np.maximum(0.0, g.drive) * r.activate
    room = np.minimum(1.0, g.alive / np.maximum(u + s, 1e-300))
    u, s = u * room, s * room
    u_h = settle(u, drive * np.maximum(0, g.alive - u - s), r.mature, r.h / 2)
    s_h = settle(s, r.mature * u, r.calm, r.h / 2)
    solid = 1 - g.cavity
    made = solid * (r.cspg_base + r.cspg_astrocytes * s_h + r.cspg_macrophages * g.macrophages)
    ground = 1 - g.bare
    laid = ground * (r.matrix_vessels * g.vessels + graft)
    new = (
        settle(u, drive * np.maximum(0, g.alive - u_h - s_h), r.mature, r.h),
        settle(s, r.mature * u_h, r.calm, r.h),
        settle(b, r.close * s_h, r.close * s_h + r.reopen, r.h),
        settle(c, r.turnover * made, r.turnover, r.h),
        np.minimum(ground, settle(m, laid, laid + r.matrix_decay, r.h)),
    )
    return milieu.Scar(*(np.where(rest, before, after) for before, after in zip(x, new, strict=True)))


def test_scar_step_equals_its_twin() -> None:
    state, ground = scar_inputs(300, 2)
    expected = scar_twin(state, ground, SCAR_RATES)
    before = state.cspg.copy()
    milieu.scar_all(0, 300, state, ground, SCAR_RATES)
    for name, found, wanted in zip(milieu.Scar._fields, state, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15, err_msg=name)
    assert (state.cspg == before).any()
    assert (state.cspg != before).any()


def test_the_scar_of_a_rim_voxel_peaks_when_the_design_says() -> None:
    """Astrocytes day 5-6, CSPG day 14.6 with 78 % at day 28, 47 % at day 56, baseline 24 %; border 0.9 at day 14."""
    immune = equations(1.0, np.arange(0, 56 * 24 + 1) / 24.0)
    a, n, il, m1, m2 = (immune[:, i] for i in (1, 2, 4, 5, 6))
    tnf = (a + 0.5 * n + 0.1 * m1) / (1 + il / 0.15)
    process = Scar()
    base = process.params.cspg_baseline
    rates = SCAR_RATES._replace(turnover=np.log(2) / 7)
    state = milieu.Scar(*(np.full(1, start) for start in (0.0, 0.0, 0.0, base, 0.05)))
    rows = []
    for hour in range(56 * 24):
        drive = np.full(1, a[hour] + 0.3 * tnf[hour])
        cells = np.full(1, m1[hour] + m2[hour])
        none = np.zeros(1)
        ground = milieu.ScarGround(np.ones(1), drive, cells, np.ones(1), none, none, none)
        milieu.scar_all(0, 1, state, ground, rates)
        rows.append([float(array[0]) for array in state])
    forming, barrier, cspg = np.array(rows).T[1:4]
    day = np.arange(1, len(rows) + 1) / 24.0
    assert 5.0 <= day[forming.argmax()] <= 6.5
    assert day[cspg.argmax()] == pytest.approx(14.6, abs=0.7)
    assert cspg[28 * 24] / cspg.max() == pytest.approx(0.78, abs=0.04)
    assert cspg[-1] / cspg.max() == pytest.approx(0.47, abs=0.04)
    assert base / cspg.max() == pytest.approx(0.24, abs=0.02)
    assert barrier[14 * 24] == pytest.approx(0.90, abs=0.03)


# ------------------------------------------------------------------------------------------ vessels


VESSEL_RATES = milieu.VesselRates(1 / 24, 0.05, 0.24, 0.6, 4.0, 0.7, 15.0, 1.3, 0.25, 0.5)


def vessel_inputs(voxels: int, seed: int) -> tuple[Array, Array, milieu.VesselGround]:
    rng = np.random.default_rng(seed)
    ground = milieu.VesselGround(*(rng.random(voxels) for _ in milieu.VesselGround._fields))
    ground.oxygen[:] *= 30.0
    ground.severity[::5] = 0.0
    done = np.minimum(1.0, rng.random(voxels) * 1.2) * rng.integers(0, 2, voxels)
    return 1.5 * rng.random(voxels), done, ground


def vessel_twin(v: Array, done: Array, g: milieu.VesselGround, r: milieu.VesselRates) -> tuple[Array, Array]:
    hit = (g.severity > 0) & (done < 1)
    ruptured = g.severity**r.rupture_power / (g.severity**r.rupture_power + r.rupture_half**r.rupture_power)
    share = (1 - done) * r.rupture_step
    cut = np.where(done == 0, g.impact * (1 - r.left), 0.0)
    v = np.where(hit, np.maximum(0, v - cut - (1 - g.impact) * ruptured * share), v)
    lack = 1 - g.oxygen / r.onset
    excess = v - (g.white + g.grey + g.graft + r.dead * (g.necrosis + g.scar + g.blood))
    gain = r.grow * np.maximum(0, lack) * np.maximum(0, g.sprouts)
    grown = settle(v, gain * r.most, gain + r.prune * np.maximum(0, excess), r.h)
    return np.where((lack > 0) | (excess > 1e-12), grown, v), np.where(hit, done + share, done)


def test_vessel_step_equals_its_twin() -> None:
    vessels, done, ground = vessel_inputs(300, 4)
    wanted = vessel_twin(vessels, done, ground, VESSEL_RATES)
    before = vessels.copy()
    milieu.vessel_all(0, 300, vessels, done, ground, VESSEL_RATES)
    np.testing.assert_allclose(vessels, wanted[0], rtol=1e-12)
    np.testing.assert_allclose(done, wanted[1], rtol=1e-12)
    assert (vessels != before).any()
    assert type(Vessels().params).specs()["growth"].default == VESSEL_RATES.grow


@pytest.mark.parametrize("hours", [1, 6])
def test_the_loss_of_vessels_does_not_depend_on_the_step(hours: int) -> None:
    """The rupture follows its own time course, so any step gives the same vessels at the end of a day."""
    ends = []
    for step in (1, hours):
        vessels, done = np.ones(1), np.zeros(1)
        rates = VESSEL_RATES._replace(h=step / 24.0, rupture_step=-np.expm1(-step / 3.6))
        fill = {name: np.zeros(1) for name in milieu.VesselGround._fields}
        fill |= {"severity": np.full(1, 0.7), "impact": np.full(1, 0.3), "oxygen": np.full(1, 25.0)}
        fill |= {"white": np.full(1, 2.0)}
        for _ in range(step, 25, step):
            milieu.vessel_all(0, 1, vessels, done, milieu.VesselGround(**fill), rates)
        ends.append(vessels[0])
        assert done[0] == pytest.approx(-np.expm1(-24.0 / 3.6), rel=1e-12)
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)
    lost = 0.7 * 0.7**4 / (0.7**4 + 0.6**4)
    assert ends[0] == pytest.approx(1.0 - 0.3 * 0.95 + np.expm1(-24.0 / 3.6) * lost, rel=1e-12)


# ------------------------------------------------------------------------------------ tissue at risk


RISK_RATES = milieu.RiskRates(0.08, 0.3, 0.3, 0.4, 7.5, 0.3)


def risk_inputs(voxels: int, seed: int) -> tuple[milieu.Risk, milieu.RiskGround]:
    rng = np.random.default_rng(seed)
    pool = rng.random(voxels) * rng.integers(0, 2, voxels)
    pool[::11] = 1e-10
    tops = (2.0, 15.0, 4.0)
    living, dead = (rng.random(voxels) for _ in range(2))
    ground = milieu.RiskGround(*(top * rng.random(voxels) for top in tops), rng.random(voxels))
    return milieu.Risk(pool, living, dead), ground


def test_risk_step_equals_its_twin() -> None:
    risk, g = risk_inputs(300, 5)
    there = np.minimum(risk.pool, risk.living)
    helped = np.minimum(1, g.trophic / (1 + g.trophic) + g.support)
    assert 0.1 < (helped == 1).mean() < 0.9
    share = 0.3 + 0.3 * g.tnf + 0.4 * np.maximum(0, 1 - g.oxygen / 7.5) - 0.3 * helped
    share = np.clip(share, 0, 1)
    pool = np.where(there > 1e-9, there * 0.92, 0.0)
    death = risk.death + np.where(risk.pool > 0, there * 0.08 * share, 0.0)
    milieu.risk_all(0, 300, risk, g, RISK_RATES)
    np.testing.assert_allclose(risk.pool, pool, rtol=1e-12)
    np.testing.assert_allclose(risk.death, death, rtol=1e-12)


# ------------------------------------------------------------------------------------------- threads


def test_one_and_two_threads_give_the_same_bits() -> None:
    voxels = 9000
    results = []
    try:
        for threads in (1, 2):
            set_threads(threads)
            state, ground = immune_inputs(voxels, 11)
            before = state.pro.tobytes()
            run_blocks(milieu.immune_all, voxels, state, ground, Inflammation().rates(1.0))
            assert state.pro.tobytes() != before
            scar, seen = scar_inputs(voxels, 12)
            run_blocks(milieu.scar_all, voxels, scar, seen, SCAR_RATES)
            vessels, spent, around = vessel_inputs(voxels, 13)
            run_blocks(milieu.vessel_all, voxels, vessels, spent, around, VESSEL_RATES)
            risk, danger = risk_inputs(voxels, 14)
            run_blocks(milieu.risk_all, voxels, risk, danger, RISK_RATES)
            results.append([array.tobytes() for array in (*state, *scar, vessels, spent, *risk)])
    finally:
        set_threads(1)
    assert results[0] == results[1]


# ---------------------------------------------------------------------------------------- oedema


def test_leak_all_and_spill_all_equal_their_twins() -> None:
    from cordgraft.kernels.oedema import Swelling, SwellingGround, SwellingRates, leak_all, spill_all

    rng = np.random.default_rng(7)
    n = 60
    rates = SwellingRates(h=0.1, flow=2.0, close=1.2, clear=0.14, half=0.6, power=4.0, most=0.3)
    leak, counted, oedema = rng.random(n) * 0.5, rng.random(n) * 0.5, rng.random(n)
    cord, ruptured, severity = (rng.random(n) < 0.8).astype(np.uint8), rng.random(n), rng.random(n)
    state = Swelling(leak.copy(), counted.copy(), oedema.copy())
    leak_all(5, n, state, SwellingGround(cord, ruptured, severity), rates)
    for i in range(n):
        if i < 5 or not cord[i]:
            assert (state.leak[i], state.counted[i], state.oedema[i]) == (leak[i], counted[i], oedema[i])
            continue
        opened = max(0.0, ruptured[i] - counted[i]) * severity[i] ** 4 / (severity[i] ** 4 + 0.6**4)
        start = leak[i] + opened
        fine, level = start, oedema[i]
        for _ in range(20000):  # explicit Euler in very short steps
            fine, level = fine - 1.2 * fine * 0.1 / 20000, level + (2.0 * fine - 0.14 * level) * 0.1 / 20000
        assert state.leak[i] == pytest.approx(fine, rel=1e-4)
        assert state.oedema[i] == pytest.approx(level, rel=1e-4)

    rows = rng.random((3, 20)) * 0.5
    inside = np.ones((3, 20), dtype=np.uint8)
    inside[1, 7] = 0
    start = rows.copy()
    spill_all(0, 3, rows, inside, 0.3, np.empty((3, 2, 20)))

    def spilled(e: np.ndarray, c: np.ndarray, first: int) -> np.ndarray:
        excess = [max(0.0, value - 0.3) if c[i] else 0.0 for i, value in enumerate(e)]
        e = np.array([min(value, 0.3) if c[i] else value for i, value in enumerate(e)])
        for step in (first, -first):
            carried = 0.0
            for i in range(20)[::step]:
                if not c[i]:
                    carried = 0.0
                    continue
                moved = min(carried, 0.3 - e[i]) if (step != first or not excess[i]) else 0.0
                e[i] += moved
                carried += 0.5 * excess[i] - moved
        return e

    twin = np.array([0.5 * (spilled(e, c, 1) + spilled(e, c, -1)) for e, c in zip(start, inside, strict=True)])
    np.testing.assert_allclose(rows, twin, atol=1e-15)
    mirrored = start[:, ::-1].copy()
    spill_all(0, 3, mirrored, np.ascontiguousarray(inside[:, ::-1]), 0.3, np.empty((3, 2, 20)))
    np.testing.assert_allclose(mirrored[:, ::-1], rows, atol=1e-15)
