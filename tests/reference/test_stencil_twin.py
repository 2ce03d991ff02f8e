"""The loops of the implicit solvers against plain matrices: one row per voxel, written out in Python."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cordgraft.kernels import stencil
from cordgraft.kernels.field_lattice import FieldLattice, interpolate_blocks, interpolation
from cordgraft.kernels.medium import Edge, Medium, block_sum, coarsen, make_medium
from cordgraft.kernels.multigrid import Multigrid, make_stencil
from cordgraft.kernels.solvers import combine_stages, flush
from cordgraft.kernels.transport import NEGLIGIBLE

pytestmark = pytest.mark.reference

Array = NDArray[Any]
SHAPES = [(1, 1, 9), (1, 5, 7), (4, 3, 6), (5, 1, 8)]


def a_medium(shape: tuple[int, int, int], seed: int = 3) -> Medium:
    """Return a ragged cord with every coefficient another number and an edge of exchange."""
    rng = np.random.default_rng(seed)
    cord = rng.random(shape) < 0.8
    spread = tuple(0.5 + rng.random(shape) for _ in range(3))
    return make_medium(cord, (3.0, 2.0, 1.5), spread, rng.random(shape), Edge.exchange(0.7, 2.0), "yz")


def dense(medium: Medium, still: Array, factor: float) -> Array:
    """Return the matrix ``still + factor (faces)`` voxel by voxel; the identity outside the cord."""
    shape = medium.shape
    matrix = np.zeros((medium.volume.size, medium.volume.size))
    flat = np.arange(medium.volume.size).reshape(shape)
    for place in product(*(range(n) for n in shape)):
        here = flat[place]
        if medium.volume[place] == 0.0:
            matrix[here, here] = 1.0
            continue
        matrix[here, here] += still[place]
        for axis, g in enumerate(medium.faces):
            if place[axis] + 1 < shape[axis]:
                other = list(place)
                other[axis] += 1
                there = flat[tuple(other)]
                rate = factor * g[place]
                matrix[here, here] += rate
                matrix[here, there] -= rate
                matrix[there, here] -= rate
                if medium.volume[tuple(other)] > 0.0:
                    matrix[there, there] += rate
    return matrix


@pytest.mark.parametrize("shape", SHAPES)
def test_rest_and_relax_equal_the_matrix(shape: tuple[int, int, int]) -> None:
    medium = a_medium(shape)
    rng = np.random.default_rng(1)
    still = medium.volume + 0.3 * medium.loss
    matrix = make_stencil(medium, still, 0.3)
    plain = dense(medium, still, 0.3)
    inside = medium.volume > 0.0
    c, f = rng.random(shape) * inside, rng.random(shape) * inside
    expected = (f.ravel() - plain @ c.ravel()).reshape(shape)
    out = np.empty(shape)
    stencil.rest(out, c, f, matrix)
    np.testing.assert_allclose(out, expected, atol=1e-13)
    stencil.relax(out, c, f, matrix, 0.7, np.empty(shape[2]))
    relaxed = c + 0.7 * expected / np.diag(plain).reshape(shape) * inside
    np.testing.assert_allclose(out, relaxed, atol=1e-13)
    stencil.relax_from_zero(out.reshape(-1), f.reshape(-1), matrix.inverse.reshape(-1), 0.7)
    np.testing.assert_allclose(out, 0.7 * f / np.diag(plain).reshape(shape) * inside, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_solve_meets_the_matrix(shape: tuple[int, int, int]) -> None:
    medium = a_medium(shape)
    still = medium.volume + 2.0 * medium.loss
    f = np.random.default_rng(2).random(shape) * (medium.volume > 0.0)
    grid, u = Multigrid(medium, still, 2.0), np.zeros(shape)
    assert grid.solve(u, f, 1e-11) > 0
    exact = np.linalg.solve(dense(medium, still, 2.0), f.ravel()).reshape(shape)
    np.testing.assert_allclose(u, exact, atol=1e-9)


def test_a_solve_that_cannot_end_says_so() -> None:
    medium = make_medium(np.ones((1, 40, 40)), (1.0, 1.0, 1.0), 1.0)
    grid = Multigrid(medium, medium.volume * 1e-4, 1.0)
    f = np.random.default_rng(0).random(medium.shape)
    with pytest.raises(ArithmeticError, match="after 2 iterations"):
        grid.solve(np.zeros(medium.shape), f, 1e-12, most=2)


@pytest.mark.parametrize(
    ("shape", "factors"),
    [
        ((1, 5, 7), (1, 2, 2)),
        ((4, 3, 6), (2, 2, 2)),
        ((2, 4, 9), (1, 2, 1)),
        ((1, 3, 1), (1, 2, 2)),
        ((1, 4, 2), (1, 2, 2)),
        ((1, 6, 70), (1, 2, 2)),
    ],
)
def test_restrict_and_prolong_equal_their_loops(shape: Any, factors: Any) -> None:
    medium = a_medium(shape, 5)
    below = coarsen(medium, factors)
    rng = np.random.default_rng(4)
    fine, coarse = rng.random(shape), rng.random(below.shape)
    out = np.empty(below.shape)
    stencil.restrict(out, fine, factors)
    np.testing.assert_allclose(out, block_sum(fine, factors) / np.prod(factors), atol=1e-14)
    matrices = (make_stencil(medium, medium.volume, 1.0), make_stencil(below, below.volume, 1.0))
    expected = fine.copy()
    for place in product(*(range(n) for n in shape)):
        if medium.volume[place] == 0.0:
            continue
        block = tuple(i // f for i, f in zip(place, factors, strict=True))
        value = coarse[block]
        for axis, factor in enumerate(factors):
            if factor == 1:
                continue
            other = list(block)
            other[axis] += 1 if place[axis] % 2 else -1
            if not 0 <= other[axis] < below.shape[axis]:
                continue
            face = block if place[axis] % 2 else tuple(other)
            if below.faces[axis][face] > 0.0:
                value += 0.25 * (coarse[tuple(other)] - coarse[block])
        expected[place] += value
    stencil.prolong(fine, coarse, matrices, factors, np.empty(below.shape[2]))
    np.testing.assert_allclose(fine, expected, atol=1e-13)


def sum_twin(values: Array) -> float:
    """Blocks of 1024, four sums in each, the rest of a block with the first one."""
    whole = 0.0
    for start in range(0, values.size, 1024):
        block, four = values[start : start + 1024].tolist(), [0.0] * 4
        for i, value in enumerate(block):
            four[i % 4 if i < len(block) // 4 * 4 else 0] += value
        whole += (four[0] + four[1]) + (four[2] + four[3])
    return whole


@pytest.mark.parametrize("size", [1, 7, 1024, 3001])
def test_the_order_of_sums_is_fixed(size: int) -> None:
    """`dot` and `total` to the last bit."""
    rng = np.random.default_rng(size)
    a, b = rng.random(size) - 0.4, rng.random(size)
    assert stencil.dot(a, b) == sum_twin(a * b)
    assert stencil.total(a) == sum_twin(a)


def test_sums_and_updates() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.random(3001), rng.random(3001)
    assert stencil.dot(a, b) == pytest.approx(float(sum(x * y for x, y in zip(a, b, strict=True))), rel=1e-13)
    assert stencil.total(a) == pytest.approx(float(sum(a)), rel=1e-13)
    out = a.copy()
    stencil.add_scaled(out, 0.5, b)
    np.testing.assert_array_equal(out, a + 0.5 * b)
    stencil.scale_and_add(out, 0.25, b)
    np.testing.assert_array_equal(out, b + 0.25 * (a + 0.5 * b))
    single = np.empty(4, dtype=np.float32)
    stencil.to_single(single, np.array([1.0, 1e-13, -3e-12, 0.0]), 2.0)
    np.testing.assert_array_equal(single, np.array([2.0, 0.0, -6e-12, 0.0], dtype=np.float32))
    double = np.empty(4)
    stencil.to_double(double, single, 1.0 / 3.0)
    np.testing.assert_array_equal(double, single.astype(np.float64) * (1.0 / 3.0))
    old, now = np.empty(3001), a.copy()
    stencil.keep_and_add(old, now, 0.5, b)
    np.testing.assert_array_equal(old, a)
    np.testing.assert_array_equal(now, a + 0.5 * b)
    values = np.array([1.0, 0.5 * NEGLIGIBLE, -2.0 * NEGLIGIBLE])
    flush(values)
    np.testing.assert_array_equal(values, [1.0, 0.0, -2.0 * NEGLIGIBLE])
    c, slope, forcing, share = (rng.random(50) for _ in range(4))
    out = before = rng.random(50)
    expected = 1.1 * c - 0.3 * before + 0.2 * slope * share + 0.4 * forcing
    combine_stages(out, c, slope, forcing, share, (1.1, -0.3, 0.2, 0.4))
    np.testing.assert_allclose(out, expected, rtol=1e-13)


@pytest.mark.parametrize("factors", [(1, 2, 2), (2, 3, 4), (1, 1, 5)])
def test_interpolation_equals_its_loop(factors: tuple[int, int, int]) -> None:
    shape = (1 if factors[0] == 1 else 5, 7, 11)
    cord = np.random.default_rng(8).random(shape) < 0.7
    lattice = FieldLattice(cord, factors)
    coarse = np.random.default_rng(9).random(lattice.shape) - 0.2
    fine = np.empty(shape)
    weights = [interpolation(n, c, f) for n, c, f in zip(shape, lattice.shape, factors, strict=True)]
    interpolate_blocks(
        fine, coarse, lattice.inside, (weights[0], weights[1]), weights[2], (np.empty(lattice.shape[2]), 0.25)
    )
    for place in product(*(range(n) for n in shape)):
        value = 0.0
        for corner in product((0, 1), repeat=3):
            share, where = 1.0, []
            for axis, side in enumerate(corner):
                middle = (place[axis] + 0.5) / factors[axis] - 0.5
                low = min(max(int(np.floor(middle)), 0), lattice.shape[axis] - 1)
                high = min(low + 1, lattice.shape[axis] - 1)
                t = min(max(middle - low, 0.0), 1.0) if high > low else 0.0
                where.append(high if side else low)
                share *= t if side else 1.0 - t
            value += share * coarse[tuple(where)]
        expected = value if value > 0.25 and cord[place] else 0.0
        assert fine[place] == pytest.approx(expected, abs=1e-14)
