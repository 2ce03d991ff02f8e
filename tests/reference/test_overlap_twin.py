"""Exact overlap against an independent method: half-space intersection and the volume of a convex hull."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError

from cordgraft.kernels.overlap import gather, scatter

pytestmark = pytest.mark.reference


def six_tetrahedra(cell: np.ndarray) -> list[np.ndarray]:
    """Cut a hexahedron (2, 2, 2, 3) into one tetrahedron per order in which the three axes can be walked."""
    found = []
    for order in permutations(range(3)):
        place = [0, 0, 0]
        vertices = [cell[0, 0, 0]]
        for axis in order:
            place[axis] = 1
            vertices.append(cell[tuple(place)])
        found.append(np.array(vertices))
    return found


def shared_volume(tetrahedron: np.ndarray, voxel: tuple[int, int, int]) -> float:
    """Volume of a tetrahedron's part inside the unit box centred on `voxel`."""
    hull = ConvexHull(tetrahedron)
    planes = [hull.equations]
    for axis, sign in product(range(3), (-1.0, 1.0)):
        row = np.zeros(4)
        row[axis] = sign
        row[3] = -sign * voxel[axis] - 0.5
        planes.append(row[None])
    half_spaces = np.concatenate(planes)
    # The largest ball inside gives the interior point that the intersection needs.
    lengths = np.linalg.norm(half_spaces[:, :3], axis=1)
    ball = linprog(
        [0, 0, 0, -1],
        A_ub=np.column_stack((half_spaces[:, :3], lengths)),
        b_ub=-half_spaces[:, 3],
        bounds=[(None, None)] * 3 + [(0, None)],
    )
    if not ball.success or ball.x[3] < 1e-7:
        return 0.0
    try:
        corners = HalfspaceIntersection(half_spaces, ball.x[:3]).intersections
        return float(ConvexHull(corners).volume)
    except QhullError:
        return 0.0


def overlaps_of(cell: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Overlap volumes of one hexahedron with every voxel of a grid."""
    result = np.zeros(shape)
    pieces = six_tetrahedra(cell)
    low = np.floor(cell.min(axis=(0, 1, 2)) + 0.5).astype(int)
    high = np.floor(cell.max(axis=(0, 1, 2)) + 0.5).astype(int)
    for voxel in product(
        *(range(max(a, 0), min(b, n - 1) + 1) for a, b, n in zip(low, high, shape, strict=True))
    ):
        result[voxel] = sum(shared_volume(piece, voxel) for piece in pieces)
    return result


def bent_lattice(seed: int, shape: tuple[int, int, int], scale: float) -> np.ndarray:
    """Corners of a small lattice, turned, sheared and bent by a random amount, in the middle of a 6^3 grid."""
    rng = np.random.default_rng(seed)
    axes = [scale * (np.arange(n + 1) - 0.5 * n) for n in shape]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] + 0.1 * rng.normal(size=(3, 3))
    corners = corners @ turn.T
    return np.ascontiguousarray(corners + 0.05 * np.sin(corners[..., ::-1]) + 2.5 + rng.uniform(-0.4, 0.4, 3))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.45, 1.7])
def test_gather_is_the_sum_over_convex_intersections(seed: int, scale: float) -> None:
    rng = np.random.default_rng(100 + seed)
    source = rng.uniform(size=(2, 6, 6, 6))
    source[1] = source[1] > 0.5
    corners = bent_lattice(seed, (2, 1, 2), scale)
    amount, volume = np.empty((2, 2, 1, 2)), np.empty((2, 1, 2))
    assert gather(corners, source, amount, volume)
    for x, y, z in product(range(2), range(1), range(2)):
        cell = corners[x : x + 2, y : y + 2, z : z + 2]
        expected = overlaps_of(cell, (6, 6, 6))
        for channel in range(2):
            assert amount[channel, x, y, z] == pytest.approx((expected * source[channel]).sum(), abs=1e-9)
        assert volume[x, y, z] == pytest.approx(
            sum(ConvexHull(t).volume for t in six_tetrahedra(cell)), rel=1e-12
        )


@pytest.mark.parametrize("seed", range(3))
def test_scatter_is_the_transpose_of_gather(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = bent_lattice(seed, (2, 2, 3), 0.8)
    values, field = rng.uniform(size=(2, 2, 3)), rng.uniform(size=(1, 6, 6, 6))
    amount, covered = np.zeros((6, 6, 6)), np.zeros((6, 6, 6))
    assert scatter(corners, values, amount, covered)
    gathered, volume = np.empty((1, 2, 2, 3)), np.empty((2, 2, 3))
    assert gather(corners, field, gathered, volume)
    assert (amount * field[0]).sum() == pytest.approx((gathered[0] * values).sum(), rel=1e-12)
    expected = overlaps_of(corners[1:3, 0:2, 2:4], (6, 6, 6))
    one = np.zeros((2, 2, 3))
    one[1, 0, 2] = 1.0
    amount, covered = np.zeros((6, 6, 6)), np.zeros((6, 6, 6))
    assert scatter(corners, one, amount, covered)
    np.testing.assert_allclose(amount, expected, atol=1e-9)


def test_bent_voxels_tile_space() -> None:
    """The inner faces may bend as they like: the whole keeps the volume between its outer faces."""
    straight = np.stack(np.meshgrid(*[np.linspace(0.0, 4.0, 5)] * 3, indexing="ij"), axis=-1)
    corners = straight.copy()
    inner = np.s_[1:-1, 1:-1, 1:-1]
    corners[inner] += np.random.default_rng(3).uniform(-0.2, 0.2, corners[inner].shape)
    source = np.random.default_rng(4).uniform(size=(1, 5, 5, 5))
    results = []
    for points in (straight, corners):
        amount, volume = np.empty((1, 4, 4, 4)), np.empty((4, 4, 4))
        assert gather(np.ascontiguousarray(points), source, amount, volume)
        results.append((amount.sum(), volume.sum()))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-12)
    assert results[1][1] == pytest.approx(64.0, rel=1e-12)


def test_voxels_on_the_same_grid_are_copied_exactly() -> None:
    source = np.random.default_rng(5).uniform(size=(1, 3, 4, 5))
    corners = np.stack(np.meshgrid(*[np.arange(n + 1) - 0.5 for n in (3, 4, 5)], indexing="ij"), axis=-1)
    amount, volume = np.empty((1, 3, 4, 5)), np.empty((3, 4, 5))
    assert gather(corners, source, amount, volume)
    np.testing.assert_allclose(amount[0], source[0], rtol=1e-14)


def test_outside_the_grid_and_outside_the_map() -> None:
    source = np.ones((1, 3, 3, 3))
    corners = np.stack(np.meshgrid(*[np.arange(3) - 1.0] * 3, indexing="ij"), axis=-1)
    corners = np.ascontiguousarray(corners)
    amount, volume = np.full((1, 2, 2, 2), 9.0), np.full((2, 2, 2), 9.0)
    assert gather(corners, source, amount, volume)
    assert amount[0, 0, 0, 0] == pytest.approx(0.125), "half of each edge of the first voxel lies in the grid"
    assert amount[0, 1, 1, 1] == pytest.approx(1.0)
    corners[0, 0, 0, 0] = np.nan
    assert gather(corners, source, amount, volume)
    assert volume[0, 0, 0] == 0.0
    assert amount[0, 0, 0, 0] == 0.0
    assert volume[1, 1, 1] == pytest.approx(1.0)


def test_far_more_source_voxels_than_lattice_voxels() -> None:
    """One lattice voxel over 40^3 source voxels: the stack holds, and nothing is lost."""
    source = np.random.default_rng(6).uniform(size=(1, 40, 40, 40))
    corners = np.stack(np.meshgrid(*[np.array([-0.5, 39.5])] * 3, indexing="ij"), axis=-1)
    amount, volume = np.empty((1, 1, 1, 1)), np.empty((1, 1, 1))
    assert gather(np.ascontiguousarray(corners), source, amount, volume)
    assert amount[0, 0, 0, 0] == pytest.approx(source.sum(), rel=1e-11)
