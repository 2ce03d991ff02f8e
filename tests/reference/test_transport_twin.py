"""Transport and oxygen: kernels against readable twins, closed forms, conservation, order, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.polynomial import legendre
from numpy.typing import NDArray

from cordgraft.kernels import balance as relaxation
from cordgraft.kernels import transport
from cordgraft.kernels.compile import run_tasks, set_threads

pytestmark = pytest.mark.reference

Array = NDArray[Any]
SHAPES = [(1, 7, 33), (5, 6, 17), (1, 1, 40), (6, 1, 16), (1, 9, 1)]


def random_mask(shape: tuple[int, int, int], seed: int) -> Array:
    return np.random.default_rng(seed).random(shape) < 0.8


def neighbours(field: Array, mask: Array, axis: int, step: int) -> Array:
    """The neighbour's value; the voxel's own behind a wall and outside the lattice."""
    out = field.copy()
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis] = slice(1, None) if step < 0 else slice(None, -1)
    there[axis] = slice(None, -1) if step < 0 else slice(1, None)
    open_face = mask[tuple(here)] & mask[tuple(there)]
    out[tuple(here)] = np.where(open_face, field[tuple(there)], field[tuple(here)])
    return out


def laplacian(field: Array, mask: Array, rates: tuple[float, ...]) -> Array:
    total = np.zeros_like(field)
    for axis, rate in enumerate(rates):
        for step in (-1, 1):
            total += rate * (neighbours(field, mask, axis, step) - field)
    return np.where(mask, total, 0.0)


def rkl2_twin(
    field: Array, source: Array, mask: Array, rates: Any, decay: float, dt: float, stages: int
) -> Array:
    """RKL2 as in its paper, on the field itself."""

    def slope(y: Array) -> Array:
        return np.where(mask, laplacian(y, mask, rates) - decay * y + source, 0.0)

    def b(j: int) -> float:
        return 1.0 / 3.0 if j < 3 else (j**2 + j - 2.0) / (2.0 * j * (j + 1.0))

    w = 4.0 / (stages**2 + stages - 2.0)
    start, first = field, slope(field)
    before, now = start, start + b(1) * w * dt * first
    for j in range(2, stages + 1):
        mu, nu = (2 * j - 1) / j * b(j) / b(j - 1), -(j - 1) / j * b(j) / b(j - 2)
        mu_t = mu * w
        after = (
            mu * now + nu * before + (1 - mu - nu) * start + mu_t * dt * (slope(now) - (1 - b(j - 1)) * first)
        )
        before, now = now, after
    return now


def advance(
    field: Array, source: Array, mask: Array, rates: Any, decay: float, dt: float, steps: int = 1
) -> Array:
    cut, out = transport.make_segments(mask), field.copy()
    work = transport.Work.of_size(field.size)
    for _ in range(steps):
        transport.advance(out, source, cut, rates, decay, dt, work)
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_segments_cover_the_cord_once_with_the_right_neighbours(shape: tuple[int, int, int]) -> None:
    mask = random_mask(shape, 3)
    cut = transport.make_segments(mask)
    label = np.arange(mask.size, dtype=np.float64).reshape(shape)
    seen = np.zeros(mask.size, dtype=int)
    sides = [neighbours(label, mask, axis, step).ravel() for axis in (0, 1, 2) for step in (-1, 1)]
    for n in range(cut.start.size):
        start, stop = cut.start[n], cut.stop[n]
        seen[start:stop] += 1
        for side, row in zip(sides, (cut.xm, cut.xp, cut.ym, cut.yp), strict=False):
            assert (side[start:stop] == np.arange(row[n], row[n] + stop - start)).all()
        assert (sides[4][start] != start) == bool(cut.low[n])
        assert (sides[5][stop - 1] != stop - 1) == bool(cut.high[n])
        assert cut.parity[n] == sum(np.unravel_index(start, shape)) % 2
    assert (seen == mask.ravel()).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("decay", "dt"), [(0.0, 0.02), (0.7, 1.0), (1.66, 4.0)])
def test_advance_equals_its_twin(shape: tuple[int, int, int], decay: float, dt: float) -> None:
    rng = np.random.default_rng(5)
    mask = random_mask(shape, 7)
    field, source = rng.random(shape) * mask, rng.random(shape) * mask
    rates = transport.exchange_rates(900.0, shape, (30.0, 20.0, 15.0))
    stages = transport.stage_count(transport.spectral_radius(rates, decay) * dt)
    expected = rkl2_twin(field, source, mask, rates, decay, dt, stages)
    found = advance(field, source, mask, rates, decay, dt)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    assert not found[~mask].any()


def test_neighbour_mean_equals_its_twin() -> None:
    mask = random_mask((4, 6, 18), 2)
    values = np.random.default_rng(1).random(mask.shape) * mask
    found = transport.neighbour_mean(values, transport.make_segments(mask), (0.1, 0.2, 0.3))
    np.testing.assert_allclose(
        found, np.where(mask, values + laplacian(values, mask, (0.1, 0.2, 0.3)), 0.0), atol=1e-14
    )


@pytest.mark.parametrize("shape", [(1, 7, 33), (4, 6, 18)])
def test_one_stage_equals_its_twin(shape: tuple[int, int, int]) -> None:
    """stage_section and stage_volume: a weighted sum of the neighbours, the old stage and the forcing."""
    rng = np.random.default_rng(3)
    mask = random_mask(shape, 8)
    c, forcing, out = (rng.random(shape) * mask for _ in range(3))
    x, y, z = (0.3 if shape[0] > 1 else 0.0), 0.4, 0.5
    expected = 1.7 * c - 0.2 * out + 0.6 * forcing
    for axis, weight in enumerate((x, y, z)):
        for step in (-1, 1):
            expected = expected + weight * neighbours(c, mask, axis, step)
    stage = transport.stage_volume if shape[0] > 1 else transport.stage_section
    cut = transport.make_segments(mask)
    stage(out.reshape(-1), c.reshape(-1), forcing.reshape(-1), cut, (1.7, x, y, z, -0.2, 0.6))
    np.testing.assert_allclose(out, np.where(mask, expected, 0.0), rtol=1e-13, atol=1e-14)


def test_adding_the_change_equals_its_twin() -> None:
    """add_change: inside the cord alone, and what is next to nothing becomes nothing."""
    mask = random_mask((1, 5, 20), 9)
    rng = np.random.default_rng(2)
    field, change = rng.random(mask.shape), rng.random(mask.shape)
    field[0, 2], change[0, 2] = 1e-31, -5e-32
    expected = np.where(mask, np.where(np.abs(field + change) > 1e-30, field + change, 0.0), field)
    transport.add_change(field.reshape(-1), change.reshape(-1), transport.make_segments(mask))
    assert field.tobytes() == expected.tobytes()


@pytest.mark.parametrize("stages", [3, 5, 9, 33])
def test_the_stages_make_the_legendre_polynomial(stages: int) -> None:
    """RKL2 is R(z) = 1 - b_s + b_s P_s(1 + w z); it equals exp(z) to second order and stays within 0..1."""
    table = transport.stage_coefficients(stages)
    bound = (stages**2 + stages - 2.0) / 2.0
    b = (stages**2 + stages - 2.0) / (2.0 * stages * (stages + 1.0))
    w = 4.0 / (stages**2 + stages - 2.0)
    z = -np.linspace(0.0, bound, 101)
    before, now = np.zeros_like(z), table[1, 3] * z
    for mu, nu, mu_t, force in table[2:]:
        before, now = now, mu * now + nu * before + mu_t * z * now + force * z
    growth = 1.0 + now
    expected = 1.0 - b + b * legendre.legval(1.0 + w * z, [0.0] * stages + [1.0])
    np.testing.assert_allclose(growth, expected, atol=1e-10)
    assert (np.abs(growth) <= 1.0 + 1e-12).all()
    assert transport.stage_count(bound) == stages
    assert transport.stage_count(bound * 1.01) == stages + 2


def test_a_flat_axis_costs_and_changes_nothing() -> None:
    """A section equals a volume that is uniform across it."""
    rng = np.random.default_rng(8)
    section, source = rng.random((1, 9, 24)), rng.random((1, 9, 24))
    volume, volume_source = np.repeat(section, 4, axis=0), np.repeat(source, 4, axis=0)
    spacing = (40.0, 25.0, 25.0)
    flat_rates = transport.exchange_rates(9e3, (1, 9, 24), spacing)
    assert flat_rates[0] == 0.0
    flat = advance(section, source, np.ones((1, 9, 24)), flat_rates, 0.1, 0.05, 100)
    rates = transport.exchange_rates(9e3, (4, 9, 24), spacing)
    fine = advance(volume, volume_source, np.ones((4, 9, 24)), rates, 0.1, 0.05, 100)
    np.testing.assert_allclose(fine, np.repeat(flat, 4, axis=0), rtol=2e-5)
    deep = advance(volume, volume_source, np.ones((4, 9, 24)), rates, 0.1, 1.0, 5)
    turned = advance(
        np.ascontiguousarray(volume.transpose(1, 0, 2)),
        np.ascontiguousarray(volume_source.transpose(1, 0, 2)),
        np.ones((9, 4, 24)),
        transport.exchange_rates(9e3, (9, 4, 24), (25.0, 40.0, 25.0)),
        0.1,
        1.0,
        5,
    )
    np.testing.assert_allclose(turned.transpose(1, 0, 2), deep, rtol=1e-12)


# -------------------------------------------------------------------------------------- closed forms


def cosine(shape: tuple[int, int, int], waves: tuple[int, int, int]) -> Array:
    parts = [np.cos(np.pi * n * (np.arange(size) + 0.5) / size) for n, size in zip(waves, shape, strict=True)]
    return np.asarray(parts[0][:, None, None] * parts[1][None, :, None] * parts[2][None, None, :])


@pytest.mark.parametrize(("shape", "waves"), [((1, 40, 64), (0, 1, 2)), ((24, 20, 32), (1, 2, 1))])
def test_a_cosine_decays_at_the_rate_of_theory(
    shape: tuple[int, int, int], waves: tuple[int, int, int]
) -> None:
    spacing, diffusivity, decay, hours = (30.0, 25.0, 20.0), 5000.0, 0.05, 4.0
    rate = decay + sum(
        diffusivity * (np.pi * n / (size * h)) ** 2 for n, size, h in zip(waves, shape, spacing, strict=True)
    )
    start = 1.0 + cosine(shape, waves)
    rates = transport.exchange_rates(diffusivity, shape, spacing)
    found = advance(start, np.zeros(shape), np.ones(shape), rates, decay, 0.25, 16)
    exact = np.exp(-decay * hours) + cosine(shape, waves) * np.exp(-rate * hours)
    assert np.abs(found - exact).max() < 2.5e-3


def test_second_order_in_space() -> None:
    errors = []
    for size in (16, 32, 64):
        shape, spacing = (1, size, size), (1.0, 640.0 / size, 640.0 / size)
        rates = transport.exchange_rates(2000.0, shape, spacing)
        found = advance(cosine(shape, (0, 1, 1)), np.zeros(shape), np.ones(shape), rates, 0.0, 0.05, 40)
        exact = cosine(shape, (0, 1, 1)) * np.exp(-2000.0 * 2.0 * (np.pi / 640.0) ** 2 * 2.0)
        errors.append(np.abs(found - exact).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert (np.abs(orders - 2.0) < 0.1).all()


def test_second_order_in_time() -> None:
    """Against the exact exponential of the discrete operator, with a source and decay."""
    shape, rates, decay = (1, 1, 32), (0.0, 0.0, 3.0), 0.4
    start = cosine(shape, (0, 0, 3)) + 2.0
    source = np.zeros(shape)
    source[0, 0, 4] = 1.0
    modes = np.cos(np.pi * np.outer(np.arange(32), np.arange(32) + 0.5) / 32)
    eigen = decay + 4.0 * rates[2] * np.sin(np.pi * np.arange(32) / 64) ** 2
    weight = np.where(np.arange(32) == 0, 1.0 / 32, 2.0 / 32)

    def project(values: Array) -> Array:
        return weight * (modes * values[None, :]).sum(axis=1)

    fall = np.exp(-eigen * 2.0)
    exact = ((project(start[0, 0]) * fall + project(source[0, 0]) * (1 - fall) / eigen)[:, None] * modes).sum(
        axis=0
    )
    errors = []
    for steps in (8, 16, 32, 64):
        found = advance(start, source, np.ones(shape), rates, decay, 2.0 / steps, steps)
        errors.append(np.abs(found[0, 0] - exact).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert orders[-1] > 1.9
    assert errors[-1] < 1e-4


def test_mass_is_kept_to_rounding() -> None:
    """A point source in a cord with ragged walls: no decay, 150 long steps."""
    mask = random_mask((6, 9, 40), 4)
    field = np.zeros(mask.shape)
    field[tuple(np.argwhere(mask)[100])] = 1.0
    rates = transport.exchange_rates(9e4, mask.shape, (25.0, 25.0, 25.0))
    found = advance(field, np.zeros(mask.shape), mask, rates, 0.0, 1.0, 150)
    assert abs(found.sum() - 1.0) < 1e-12
    assert not found[~mask].any()
    source = np.where(mask, 0.01, 0.0)
    fed = advance(field, source, mask, rates, 0.0, 1.0, 50)
    np.testing.assert_allclose(fed.sum(), 1.0 + 50 * source.sum(), rtol=1e-12)


def test_a_field_at_rest_meets_source_and_decay_exactly() -> None:
    """Whatever the step: with a uniform source the field ends at source/decay."""
    shape = (1, 12, 48)
    rates = transport.exchange_rates(18000.0, shape, (50.0, 25.0, 25.0))
    for dt, steps in ((0.1, 200), (1.0, 60), (3.0, 60)):
        found = advance(np.zeros(shape), np.full(shape, 1.6636), np.ones(shape), rates, 1.6636, dt, steps)
        np.testing.assert_allclose(found, 1.0, rtol=1e-9)


def test_decay_alone() -> None:
    """BioDynaMo's decay-only case: 1e5 at one voxel, decay 0.01, 100 steps of 0.1."""
    shape = (5, 5, 5)
    field = np.zeros(shape)
    field[2, 2, 2] = 1e5
    found = advance(field, np.zeros(shape), np.ones(shape), (0.0, 0.0, 0.0), 0.01, 0.1, 100)
    assert abs(found[2, 2, 2] / 90483.742 - 1.0) < 1e-4
    found[2, 2, 2] = 0.0
    assert not found.any()


def test_biofvm_convergence_case() -> None:
    """1 + cos in 1000 um, D 1e5 um2/min: no worse than backward Euler at its finest step, at any step up to 0.1."""
    shape, spacing = (1, 1, 100), (1.0, 1.0, 10.0)
    start = 1.0 + np.cos(np.pi * (np.arange(100) * 10.0 - 495.0) / 500.0)[None, None, :]
    exact = 1.0 + (start - 1.0) * np.exp(-3.947842 * 0.1)
    rates = transport.exchange_rates(1e5, shape, spacing)
    for steps in (1, 10):
        found = advance(start, np.zeros(shape), np.ones(shape), rates, 0.0, 0.1 / steps, steps)
        assert np.abs(found - exact).max() < (1e-2 if steps == 1 else 6e-4)


def test_a_point_source_in_a_volume_spreads_as_a_gaussian() -> None:
    """BioDynaMo's point source in [-100, 100]^3, D 0.5, t 100, read at (10, 10, 10); exact 1.416735.

    On a lattice the exact answer is a product of Bessel functions; it is met closely, and nears the Gaussian with
    the square of the spacing.
    """
    from scipy.special import ive

    errors = []
    for size in (20, 40):
        h = 200.0 / size
        shape, field = (size, size, size), np.zeros((size, size, size))
        centre = size // 2
        field[centre, centre, centre] = 1e5 / h**3
        rates = transport.exchange_rates(0.5, shape, (h, h, h))
        found = advance(field, np.zeros(shape), np.ones(shape), rates, 0.0, 5.0, 20)
        steps = round(10.0 / h)
        away = centre + steps
        lattice = 1e5 / h**3 * ive(steps, 2.0 * rates[0] * 100.0) ** 3
        assert abs(found[away, away, away] / lattice - 1.0) < 2e-3
        errors.append(abs(found[away, away, away] / 1.416735 - 1.0))
        assert abs(found.sum() * h**3 / 1e5 - 1.0) < 1e-12
    assert errors[0] < 0.4
    assert errors[1] < 0.25 * errors[0]


def test_a_slab_fed_from_its_face_has_the_steady_profile() -> None:
    """38 mmHg at both faces of 500 um, length 500 um: 33.6991 in the middle (the half slab is fed by a source)."""
    shape, h, decay = (1, 1, 250), 1.0, 0.4
    rates = transport.exchange_rates(1e5, shape, (1.0, 1.0, h))
    source = np.zeros(shape)
    source[0, 0, 0] = 1.0
    found = advance(np.zeros(shape), source, np.ones(shape), rates, decay, 2.0, 40)[0, 0]
    # value at the face, half a voxel before the first centre, by the flux that enters there
    face = found[0] + 0.5 * (1.0 - decay * found[0]) * h**2 / 1e5
    middle = found[-1]
    assert abs(38.0 * middle / face - 33.6991) < 2e-3


def test_longer_steps_beside_moving_points_cost_what_is_documented() -> None:
    """One hour: below 0.5 % (slow factor) and 1.2 % (fast); three hours: several times more."""
    shape = (1, 40, 96)
    mask = np.ones(shape)
    cut = transport.make_segments(mask)

    def run(diffusivity: float, decay: float, dt: float) -> Array:
        rates = transport.exchange_rates(diffusivity * 3600.0, shape, (50.0, 25.0, 25.0))
        field, work = np.zeros(shape), transport.Work.of_size(mask.size)
        for step in range(round(48.0 / dt)):
            source = np.zeros(shape)
            for y, z in ((10, 30), (20, 50), (28, 60)):
                source[0, y, z + int(step * dt // 6.0) % 2] = 1.0
            transport.advance(field, source, cut, rates, decay, dt, work)
        return field

    for diffusivity, decay, hour, three in (
        (27.5, np.log(2) / 8, 5e-3, 2e-2),
        (5.0, np.log(2) * 2.4, 1.2e-2, 5e-2),
    ):
        exact = run(diffusivity, decay, 0.05)
        errors = [np.abs(run(diffusivity, decay, dt) - exact).max() / exact.max() for dt in (1.0, 3.0)]
        assert errors[0] < hour
        assert errors[1] > three


# ------------------------------------------------------------------------------------------- oxygen


def relax_twin(
    pressure: Array, supply: Array, uptake: Array, mask: Array, rates: Any, b: float, k: float, w: float
) -> float:
    """One red-black sweep, voxel by voxel; returns the largest defect."""
    worst = 0.0
    for colour in (0, 1):
        for place in map(tuple, np.argwhere(mask)):
            if sum(place) % 2 != colour:
                continue
            old = pressure[place]
            gain = supply[place] * b
            for axis, rate in enumerate(rates):
                for step in (-1, 1):
                    other = list(place)
                    other[axis] += step
                    inside = 0 <= other[axis] < mask.shape[axis] and mask[tuple(other)]
                    gain += rate * (pressure[tuple(other)] if inside else old)
            slope = 2.0 * sum(rates) + supply[place]
            roots = np.roots([slope, slope * k + uptake[place] - gain, -gain * k])
            new = float(roots.real.max())
            worst = max(worst, abs(new - old))
            pressure[place] = max(0.0, old + w * (new - old))
    return worst


@pytest.mark.parametrize("shape", [(1, 6, 15), (3, 4, 9)])
def test_relaxation_equals_its_twin(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(9)
    mask = random_mask(shape, 6)
    supply, uptake, pressure = rng.random(shape), 20.0 * rng.random(shape), 20.0 * rng.random(shape) * mask
    uptake[supply < 0.3] = 0.0
    rates = transport.exchange_rates(1800.0, shape, (40.0, 30.0, 25.0))
    twin, solver = pressure.copy(), relaxation.Relaxation(transport.make_segments(mask), shape)
    balance = relaxation.Balance(*rates, 30.0, 1.0, 1.5, 0)
    for _ in range(4):
        with pytest.raises(ArithmeticError):
            solver.solve(pressure, supply, uptake, balance, 1e-12, 1)
        worst = relax_twin(twin, supply, uptake, mask, rates, 30.0, 1.0, 1.5)
        np.testing.assert_allclose(pressure, twin, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(solver.defect.max(), worst, rtol=1e-6)


def solve(
    supply: Array,
    uptake: Array,
    mask: Array,
    rates: Any,
    blood: float,
    michaelis: float,
    tolerance: float = 1e-9,
) -> Array:
    pressure = np.where(mask != 0, blood, 0.0)
    balance = relaxation.Balance(*rates, blood, michaelis, 1.8, 0)
    solver = relaxation.Relaxation(transport.make_segments(mask), mask.shape)
    solver.solve(pressure, supply, uptake, balance, tolerance, 100_000)
    return pressure


def test_demand_all_adds_up_what_takes_oxygen() -> None:
    rng = np.random.default_rng(4)
    columns = [rng.random(50) for _ in range(9)]
    rates = relaxation.Uptakes(5.0, 16.0, 2.7, 15.0, 0.4)
    supply, uptake = np.zeros(50), np.zeros(50)
    relaxation.demand_all(10, 50, (supply, uptake), relaxation.Demand(*columns), rates)
    exchange, vessels, neutrophils, pro, repair, white, grey, scar, cells = columns
    expected = 15.0 * (neutrophils + pro + repair) + 5.0 * white + 16.0 * grey + 2.7 * scar + 0.4 * cells
    np.testing.assert_allclose(supply[10:], (exchange * vessels)[10:])
    np.testing.assert_allclose(uptake[10:], expected[10:])
    assert not supply[:10].any() and not uptake[:10].any()


def test_parts_at_rest_are_left_alone_and_the_whole_is_in_balance_all_the_same() -> None:
    """A small disturbance in a long cord: the defect of the whole, taken apart from the solver, is within tolerance."""
    shape = (1, 24, 512)
    supply, uptake = np.full(shape, 1.5), np.full(shape, 15.0)
    rates = transport.exchange_rates(1800.0, shape, (25.0, 25.0, 25.0))
    cut = transport.make_segments(np.ones(shape), relaxation.SEGMENT_VOXELS)
    balance = relaxation.Balance(*rates, 30.0, 1.0, 1.7, 0)
    pressure = np.full(shape, 20.0)
    solver = relaxation.Relaxation(cut, shape)
    solver.solve(pressure, supply, uptake, balance, 1e-9, 1000)
    supply[0, 8:16, 200:260] = 0.02
    before = pressure.copy()
    solver.solve(pressure, supply, uptake, balance, 1e-6, 1000)
    twin = pressure.copy()
    worst = relax_twin(twin, supply, uptake, np.ones(shape, dtype=bool), rates, 30.0, 1.0, 1.0)
    assert worst < 2e-6
    assert np.abs(pressure - before)[0, 12, 230] > 5.0
    assert np.abs(pressure - before)[0, :, :64].max() < 1e-6


def test_the_solution_meets_the_balance_and_does_not_depend_on_the_start() -> None:
    rng = np.random.default_rng(12)
    mask = random_mask((5, 8, 30), 1)
    supply, uptake = rng.random(mask.shape), 16.0 * rng.random(mask.shape)
    rates = transport.exchange_rates(1800.0, mask.shape, (50.0, 50.0, 25.0))
    found = solve(supply, uptake, mask, rates, 30.0, 1.0)
    rest = laplacian(found, mask, rates) + supply * (30.0 - found) - uptake * found / (found + 1.0)
    assert np.abs(rest[mask]).max() < 1e-7
    assert found[mask].min() > 0.0
    assert found.max() < 30.0
    again = np.where(mask, 1.0, 0.0)
    balance = relaxation.Balance(*rates, 30.0, 1.0, 1.2, 0)
    solver = relaxation.Relaxation(transport.make_segments(mask), mask.shape)
    solver.solve(again, supply, uptake, balance, 1e-9, 100_000)
    np.testing.assert_allclose(again, found, atol=1e-6)


def pinned_slab(h: float, uptake: float, michaelis: float, length: float = 500.0) -> Array:
    """Steady oxygen (mmHg) between faces held at 38 mmHg, `length` um apart; D 1800 um2/s."""
    count = round(length / h) + 1
    supply = np.zeros((1, 1, count))
    supply[..., [0, -1]] = 1e12
    rates = transport.exchange_rates(1800.0, supply.shape, (1.0, 1.0, h))
    held = np.full(supply.shape, uptake)
    return solve(supply, held, np.ones(supply.shape), rates, 38.0, michaelis, 1e-10)[0, 0]


def test_linear_uptake_gives_the_steady_slab() -> None:
    """38 mmHg at the faces of 500 um and a length of 500 um: 38/cosh(0.5) = 33.6991 in the middle, second order."""
    big = 1e9  # far above any pressure the uptake is linear
    rate = 1800.0 / 500.0**2
    middle = 38.0 / np.cosh(0.5)
    assert abs(middle - 33.6991) < 5e-5
    errors = [abs(pinned_slab(h, rate * big, big)[round(250 / h)] - middle) for h in (25.0, 12.5, 6.25)]
    assert errors[0] < 5e-3
    np.testing.assert_allclose(np.array(errors[:-1]) / np.array(errors[1:]), 4.0, rtol=0.15)


def test_michaelis_menten_slab_against_a_boundary_value_solver() -> None:
    from scipy.integrate import solve_bvp

    uptake, michaelis = 2.0, 1.0

    def slope(_: Array, y: Array) -> Array:
        return np.vstack([y[1], uptake / 1800.0 * y[0] / (y[0] + michaelis)])

    grid = np.linspace(0.0, 500.0, 201)
    fine = solve_bvp(
        slope, lambda a, b: np.array([a[0] - 38.0, b[0] - 38.0]), grid, np.full((2, 201), 10.0), tol=1e-8
    )
    assert fine.success
    for h, most in ((25.0, 0.05), (12.5, 0.015)):
        found = pinned_slab(h, uptake, michaelis)
        assert np.abs(found - fine.sol(np.arange(found.size) * h)[0]).max() < most
    assert 1.0 < found.min() < 10.0


def test_giving_up_says_how_far_it_came() -> None:
    shape = (1, 1, 64)
    pressure = np.full(shape, 30.0)
    balance = relaxation.Balance(0.0, 0.0, 3.0, 30.0, 1.0, 1.0, 0)
    cut = transport.make_segments(np.ones(shape))
    with pytest.raises(ArithmeticError, match="after 2 sweeps"):
        relaxation.Relaxation(cut, shape).solve(
            pressure, np.full(shape, 0.01), np.ones(shape), balance, 1e-9, 2
        )


# ------------------------------------------------------------------------------------------- threads


def test_one_and_two_threads_give_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    shape = (20, 30, 24)
    mask = random_mask(shape, 5)
    cut = transport.make_segments(mask)
    assert mask.sum() > 4096
    assert cut.start.size > 2 * relaxation.BLOCK_SEGMENTS
    start, source, supply = rng.random(shape) * mask, rng.random(shape) * mask, rng.random(shape)
    rates = transport.exchange_rates(1800.0, shape, (50.0, 50.0, 50.0))
    balance = relaxation.Balance(*rates, 30.0, 1.0, 1.5, 0)
    results = []
    try:
        for threads in (1, 2):
            set_threads(threads)
            fields = [start.copy() for _ in range(3)]
            works = [transport.Work.of_size(start.size) for _ in fields]
            run_tasks(
                transport.advance,
                [
                    (f, source, cut, rates, 0.1 * n, 0.5, w)
                    for n, (f, w) in enumerate(zip(fields, works, strict=True))
                ],
            )
            pressure = np.where(mask, 20.0, 0.0)
            solver = relaxation.Relaxation(cut, shape)
            solver.solve(pressure, supply, 16.0 * source, balance, 1e-3, 1000)
            results.append([*(f.tobytes() for f in fields), pressure.tobytes()])
    finally:
        set_threads(1)
    assert results[0] == results[1]
    assert results[0][0] != start.tobytes()
