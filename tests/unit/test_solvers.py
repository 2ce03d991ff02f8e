"""Solvers of a field: exactness, order, conservation, edges, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cordgraft.kernels import resolution
from cordgraft.kernels.field_lattice import FieldLattice
from cordgraft.kernels.medium import Edge, block_sum, coarsen, make_medium
from cordgraft.kernels.solvers import SOLVERS, make_solver, solve_steady

Array = NDArray[Any]


def cylinder(shape: tuple[int, int, int]) -> Array:
    x, y, _ = np.indices(shape)
    return ((x - (shape[0] - 1) / 2) / shape[0]) ** 2 + ((y - (shape[1] - 1) / 2) / shape[1]) ** 2 < 0.25


def test_every_solver_makes_a_cosine_fall_as_it_must() -> None:
    n, h, d, k, t = 64, 10.0, 500.0, 0.1, 4.0
    medium = make_medium(np.ones((1, n, n)), (50.0, h, h), d, k)
    z, y = np.meshgrid(np.arange(n), np.arange(n))
    wave = np.cos(np.pi * (z + 0.5) * 3 / n) * np.cos(np.pi * (y + 0.5) * 2 / n)
    on_the_lattice = k + 2.0 * d / h**2 * (2.0 - np.cos(3 * np.pi / n) - np.cos(2 * np.pi / n))
    exact = 1.0 * np.exp(-k * t) + wave * np.exp(-on_the_lattice * t)
    allowed = {
        "spectral": 1e-12,
        "sdirk2": (on_the_lattice * t / 16) ** 3 * 16,
        "rkl2": (on_the_lattice * t / 16) ** 3 * 16,
    }
    for name, error in allowed.items():
        field = (1.0 + wave)[None].copy()
        solver = make_solver(name, medium, 1e-10)
        for _ in range(16):
            solver.advance(field, None, t / 16)
        assert np.abs(field[0] - exact).max() < max(error, 1e-12), name


def test_the_implicit_step_is_of_second_order_and_never_rings() -> None:
    rng = np.random.default_rng(1)
    shape = (1, 12, 40)
    spread = 0.2 + rng.random(shape)
    cord = rng.random(shape) < 0.9
    medium = make_medium(cord, (1.0, 1.0, 1.0), spread, 0.05)
    start = (
        np.exp(-0.02 * ((np.indices(shape) - np.array([0, 6, 20])[:, None, None, None]) ** 2).sum(0)) * cord
    )
    fine = start.copy()
    best = make_solver("rkl2", medium)
    for _ in range(512):
        best.advance(fine, None, 4.0 / 512)
    errors = []
    for steps in (4, 8, 16):
        field = start.copy()
        solver = make_solver("sdirk2", medium, 1e-12)
        for _ in range(steps):
            solver.advance(field, None, 4.0 / steps)
        errors.append(np.linalg.norm(field - fine))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(orders, 2.0, atol=0.25)
    spike = np.zeros(shape)
    spike[0, 6, 20] = 1.0
    solver = make_solver("sdirk2", make_medium(np.ones(shape), (1.0,) * 3, 1.0))
    for _ in range(3):
        solver.advance(spike, None, 1e4)  # a hundred thousand times the stable step of an explicit scheme
    np.testing.assert_allclose(spike, 1.0 / spike.size, rtol=1e-4)


@pytest.mark.parametrize("factors", [(1, 1, 1), (2, 2, 2), (4, 4, 4)])
def test_no_amount_is_lost_over_half_a_year(factors: tuple[int, int, int]) -> None:
    """In = out + stored, to rounding, with a mask, contrast and sources that come and go."""
    rng = np.random.default_rng(2)
    shape = (10, 14, 32)
    cord = cylinder(shape)
    fine = make_medium(cord, (50.0,) * 3, 9e4 * (0.5 + rng.random(shape)), 0.0)
    medium = coarsen(fine, factors)
    lattice = FieldLattice(cord, factors)
    field, source, deposited = lattice.new(), lattice.new(), 0.0
    solver = make_solver("sdirk2", medium, 1e-5)
    for _ in range(180):
        where = rng.random(shape) * cord * (rng.random(shape) < 0.01)
        lattice.add_up(source, where)
        solver.advance(field, source, 24.0)
        deposited += 24.0 * where.sum()
    assert medium.mass(field) * np.prod(factors) == pytest.approx(deposited, rel=1e-12)


def test_decay_takes_what_it_must() -> None:
    medium = make_medium(cylinder((8, 8, 16)), (1.0,) * 3, 0.3, 0.2)
    field = np.where(medium.volume > 0, 1.0, 0.0)
    for name in ("sdirk2", "rkl2"):
        left = field.copy()
        solver = make_solver(name, medium)
        for _ in range(400):
            solver.advance(left, None, 0.01)
        assert medium.mass(left) == pytest.approx(medium.mass(field) * np.exp(-0.2 * 4.0), rel=1e-5), name


def test_a_membrane_and_a_fixed_edge_let_through_what_they_must() -> None:
    """Steady flux from a source in the middle of a slab: half of it leaves through either side."""
    n, h, d, made = 41, 10.0, 200.0, 3.0
    source = np.zeros((1, 1, n))
    source[0, 0, n // 2] = made
    for edge, level in ((Edge.fixed(5.0), 5.0), (Edge.exchange(4.0, 5.0), 5.0 + 0.5 * made * h / 4.0)):
        medium = make_medium(np.ones((1, 1, n)), (1.0, 1.0, h), d, 0.0, edge, "z")
        field = np.full((1, 1, n), 5.0)
        solve_steady(field, medium, source, tolerance=1e-12)
        outer = level + 0.5 * made * h * (0.5 * h) / d
        assert field[0, 0, 0] == pytest.approx(outer, rel=1e-8)
        middle = level + 0.5 * made * h * (n / 2 * h) / d
        assert field[0, 0, n // 2] == pytest.approx(middle, rel=1e-8)
        stepped = np.full((1, 1, n), 5.0)
        solver = make_solver("sdirk2", medium)
        for _ in range(400):
            solver.advance(stepped, source, 50.0)
        np.testing.assert_allclose(stepped, field, rtol=1e-6)


def test_axes_may_differ_and_each_may_be_a_number_or_an_array() -> None:
    shape = (1, 6, 8)
    mixed = make_medium(np.ones(shape), (1.0,) * 3, (1.0, np.full(shape, 2.0), 3.0))
    plain = make_medium(np.ones(shape), (1.0,) * 3, (1.0, 2.0, 3.0))
    for one, two in zip(mixed.faces, plain.faces, strict=True):
        np.testing.assert_array_equal(one, two)


def test_layers_share_the_flux() -> None:
    """Between a fixed 0 and a fixed 1 the steady profile of two media bends by the ratio of their diffusivities."""
    n, h = 40, 5.0
    spread = np.where(np.arange(n) < 15, 100.0, 400.0)[None, None]
    cord = np.ones((1, 1, n), dtype=bool)
    cord[0, 0, -1] = False
    edge = Edge.fixed(0.0)
    held = make_medium(cord, (1.0, 1.0, h), spread, 0.0, edge, "z")
    source = np.zeros((1, 1, n))
    source[0, 0, 0] = 1e6 * held.loss[0, 0, 0]
    field = np.zeros((1, 1, n))
    solve_steady(field, held, source)
    flux = np.diff(field[0, 0, :-1]) * 2.0 / (1.0 / spread[0, 0, :-2] + 1.0 / spread[0, 0, 1:-1]) / h
    np.testing.assert_allclose(flux, flux[0], rtol=1e-6)


def test_pointwise_is_exact_and_moves_nothing() -> None:
    medium = make_medium(np.ones((1, 1, 3)), (1.0,) * 3, 0.0, 0.01)
    field, source = np.array([[[1e5, 0.0, 0.0]]]), np.array([[[0.0, 0.0, 2.0]]])
    make_solver("pointwise", medium).advance(field, source, 10.0)
    np.testing.assert_allclose(field[0, 0], [90483.7418, 0.0, 2.0 / 0.01 * (1.0 - np.exp(-0.1))], rtol=1e-8)


def test_what_a_solver_cannot_serve_is_refused() -> None:
    masked = make_medium(cylinder((5, 5, 4)), (1.0,) * 3, 1.0)
    with pytest.raises(ValueError, match="fills the box"):
        make_solver("spectral", masked)
    with pytest.raises(ValueError, match="diffusivity of zero"):
        make_solver("pointwise", masked)
    with pytest.raises(ValueError, match="no solver 'euler'") as error:
        make_solver("euler", masked)
    assert all(name in str(error.value) for name in SOLVERS)
    with pytest.raises(ValueError, match="negative"):
        make_medium(np.ones((1, 1, 3)), (1.0,) * 3, -1.0)
    with pytest.raises(ValueError, match="permeability"):
        Edge.exchange(-1.0)
    with pytest.raises(ArithmeticError, match="nothing holds the level"):
        solve_steady(np.ones((1, 1, 5)), make_medium(np.ones((1, 1, 5)), (1.0,) * 3, 1.0), np.ones((1, 1, 5)))


def test_deposits_and_volumes_add_up_on_every_lattice() -> None:
    cord = cylinder((9, 11, 20))
    medium = make_medium(cord, (2.0, 3.0, 4.0), 1.0, 0.5)
    for factors in ((2, 2, 2), (3, 2, 4)):
        below = coarsen(medium, factors)
        blocks = np.prod(factors)
        assert below.volume.sum() * blocks == pytest.approx(cord.sum())
        assert below.loss.sum() * blocks == pytest.approx(0.5 * cord.sum())
        assert FieldLattice(cord, factors).volume.tobytes() == below.volume.tobytes()
        assert below.spacing_um == tuple(h * f for h, f in zip((2.0, 3.0, 4.0), factors, strict=True))


@pytest.mark.parametrize("coarsening", [2, 4])
def test_the_expected_error_of_a_coarser_lattice_is_the_one_found(coarsening: int) -> None:
    """Sixty single sources at random places of a section, each alone: the root mean square of the errors."""
    shape, h, d, k = (1, 192, 192), 25.0, 9e4, 0.36  # length 500 um
    cord = np.ones(shape)
    fine = make_medium(cord, (25.0, h, h), d, k)
    lattice = FieldLattice(cord, (1, coarsening, coarsening))
    coarse = coarsen(fine, lattice.factors)
    rng = np.random.default_rng(3)
    off = whole = 0.0
    for _ in range(20):
        source, below, values = np.zeros(shape), lattice.new(), lattice.new()
        source[0, rng.integers(80, 112), rng.integers(80, 112)] = 1.0
        exact, back = np.zeros(shape), np.zeros(shape)
        solve_steady(exact, fine, source, tolerance=1e-8)
        lattice.add_up(below, source)
        solve_steady(values, coarse, below, tolerance=1e-8)
        lattice.interpolate(back, values)
        off += float(((back - exact) ** 2).sum())
        whole += float((exact**2).sum())
    expected = resolution.lattice_error(d, k, h, coarsening, 2, "cells")
    assert np.sqrt(off / whole) == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("step", [1.0, 3.0])
def test_the_expected_error_of_a_step_is_the_one_found(step: float) -> None:
    shape, h, d, k = (1, 128, 128), 50.0, 9e4, 0.0866
    medium = make_medium(np.ones(shape), (50.0, h, h), d, k)
    source = np.zeros(shape)
    source[0, 64, 64] = 1.0
    exact, found = np.zeros(shape), np.zeros(shape)
    make_solver("spectral", medium).advance(exact, source, 6.0)
    solver = make_solver("sdirk2", medium, 1e-8)
    for _ in range(round(6.0 / step)):
        solver.advance(found, source, step)
    measured = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert measured == pytest.approx(resolution.step_error(d, k, h, step, 2, "cells"), rel=0.3)


def test_coarser_lattices_and_longer_steps_follow_from_length_and_half_life() -> None:
    slow = (9e4, 0.0866)
    assert resolution.choose_coarsening(*slow, 25.0, 2, "cells", 0.05, 16) == 2
    assert resolution.choose_coarsening(*slow, 25.0, 2, "tissue", 0.05, 16) > 4
    assert resolution.choose_coarsening(*slow, 25.0, 2, "cells", 0.0, 16) == 1
    assert resolution.choose_coarsening(9e4, 36.0, 25.0, 2, "cells", 0.05, 16) == 1
    assert resolution.choose_steps(*slow, 50.0, 2, "cells", 0.05, 1.0, 24.0) == 4
    assert resolution.choose_steps(*slow, 50.0, 2, "cells", 0.05, 1.0, 2.0) == 2
    assert resolution.choose_steps(9e4, 2.0, 50.0, 2, "cells", 0.05, 1.0, 24.0) == 1


def test_blocks_that_the_wall_cuts_count_what_is_there() -> None:
    np.testing.assert_array_equal(block_sum(np.ones((1, 3, 5)), (1, 2, 2))[0], [[4, 4, 2], [2, 2, 1]])


def test_interpolation_is_exact_for_a_slope_and_keeps_to_the_cord() -> None:
    cord = np.ones((1, 12, 24), dtype=bool)
    cord[0, :3] = False
    lattice = FieldLattice(cord, (1, 2, 4))
    fine, y = np.zeros(cord.shape), np.arange(12)[None, :, None]
    slope = np.broadcast_to(10.0 + 0.5 * np.arange(24), cord.shape) * cord
    values = lattice.new()
    lattice.add_up(values, slope)
    lattice.interpolate(fine, values)
    inner = (y >= 3) & np.ones(cord.shape, dtype=bool)
    inner[..., :2] = inner[..., -2:] = False
    np.testing.assert_allclose(fine[inner], slope[inner], atol=1e-12)
    assert not fine[~cord].any()


def test_a_cord_in_many_parts_is_solved_all_the_same() -> None:
    """Pieces that no face joins merge on the coarse lattices; the solve then goes on without them."""
    cord = np.ones((1, 12, 210), dtype=bool)
    cord[..., ::7] = False
    medium = make_medium(cord, (1.0,) * 3, 1.0)
    field = np.random.default_rng(5).random(cord.shape) * cord
    before = medium.mass(field)
    make_solver("sdirk2", medium, 1e-5).advance(field, None, 1e5)
    assert medium.mass(field) == pytest.approx(before, rel=1e-9)
    assert np.isfinite(field).all()


@pytest.mark.parametrize("amount", [1e-200, 1e-158, 1e-20, 1e100])
def test_sources_of_any_size_do_no_harm(amount: float) -> None:
    medium = make_medium(np.ones((1, 8, 16)), (1.0,) * 3, 1.0, 0.1)
    field, source = np.zeros(medium.shape), np.zeros(medium.shape)
    source[0, 4, 8] = amount
    make_solver("sdirk2", medium).advance(field, source, 1.0)
    assert np.isfinite(field).all()
    assert medium.mass(field) <= 1.1 * amount


def test_a_source_that_is_no_number_is_an_error() -> None:
    medium = make_medium(np.ones((1, 8, 16)), (1.0,) * 3, 1.0, 0.1)
    for amount in (np.nan, np.inf, 1e200):
        source = np.full(medium.shape, amount)
        with pytest.raises(ArithmeticError, match="not finite, or too large"):
            make_solver("sdirk2", medium).advance(np.zeros(medium.shape), source, 1.0)
