"""The relaxation of oxygen, whose colours lie apart in memory, against plain loops over voxels, to the last bit."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cordgraft.kernels import balance as relaxation
from cordgraft.kernels.compile import set_threads
from cordgraft.kernels.transport import exchange_rates, make_segments

pytestmark = pytest.mark.reference

Array = NDArray[Any]
SHAPES = [(1, 9, 77), (1, 6, 64), (4, 5, 41), (1, 1, 40), (3, 1, 33), (1, 7, 1), (2, 3, 2)]


def ragged(shape: tuple[int, int, int], seed: int) -> Array:
    """Return a cord with single voxels, holes and long runs."""
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < 0.7
    mask[:, shape[1] // 2 :] |= rng.random((shape[0], shape[1] - shape[1] // 2, shape[2])) < 0.9
    return np.asarray(mask)


def balance_twin(around: float, exchange: float, s: float, q: float, blood: float, michaelis: float) -> float:
    """The larger root of the quadratic, in the order of operations of the kernel."""
    slope, gain = exchange + s, around + s * blood
    half, constant = 0.5 * (gain - slope * michaelis - q), gain * michaelis
    far = abs(half) + sqrt(half * half + slope * constant)
    if far == 0.0:
        return 0.0
    return far / slope if half > 0.0 else constant / far


def sweep_twin(p: Array, supply: Array, uptake: Array, mask: Array, chosen: Array, balance: Any) -> Array:
    """One sweep over the chosen voxels, in place, in any order within a colour; returns how far off each was."""
    off = np.zeros(p.shape)
    exchange = 2.0 * (balance.x + balance.y + balance.z)

    def beside(place: tuple[int, ...], axis: int, step: int) -> float:
        there = list(place)
        there[axis] += step
        open_face = 0 <= there[axis] < p.shape[axis] and mask[tuple(there)]
        return float(p[tuple(there)] if open_face else p[place])

    for colour in (0, 1):
        for place in map(tuple, np.argwhere(mask & chosen).tolist()):
            if sum(place) % 2 != colour:
                continue
            x, y, z = (beside(place, axis, -1) + beside(place, axis, 1) for axis in range(3))
            around = balance.x * x + balance.y * y + balance.z * z
            new = balance_twin(
                around, exchange, supply[place], uptake[place], balance.blood, balance.michaelis
            )
            step = new - p[place]
            p[place] = max(0.0, p[place] + balance.relaxation * step)
            off[place] = abs(step)
    return off


def solve_twin(p: Array, supply: Array, uptake: Array, mask: Array, balance: Any, tolerance: float) -> int:
    """Sweeps over everything, then over the blocks that are off and those beside them, then a last look."""
    size = relaxation.SEGMENT_VOXELS
    label = np.arange(p.shape[2]) // size

    def whole_blocks(voxels: Array) -> Array:
        """Return the blocks that hold one of these voxels : (x, y, along)."""
        return np.stack([voxels[:, :, label == k].any(axis=2) for k in range(label[-1] + 1)], axis=2)

    chosen, touched, looks, sweeps = np.ones(p.shape, dtype=bool), np.zeros(1, dtype=bool), True, 0
    while True:
        sweeps += 1
        off = sweep_twin(p, supply, uptake, mask, chosen, balance) > tolerance
        if off.any():
            marked, looks = relaxation.neighbourhood(whole_blocks(off)), False
            touched = touched | marked
        elif looks:
            return sweeps
        else:
            marked, looks = relaxation.neighbourhood(touched), True
        chosen = marked[:, :, label]


def a_problem(shape: tuple[int, int, int], seed: int) -> tuple[Array, Array, Array, Array, Any]:
    """Return cord, pressure, supply, uptake and the numbers of a balance."""
    rng = np.random.default_rng(seed)
    mask = ragged(shape, seed)
    supply, uptake = (0.2 + rng.random(shape)) * mask, 20.0 * rng.random(shape) * mask
    uptake[supply < 0.4] = 0.0
    balance = relaxation.Balance(*exchange_rates(1800.0, shape, (40.0, 30.0, 25.0)), 30.0, 1.0, 1.4, 0)
    return mask, 20.0 * rng.random(shape) * mask, supply, uptake, balance


@pytest.mark.parametrize("shape", SHAPES)
def test_relax_equals_its_twin_to_the_last_bit(shape: tuple[int, int, int]) -> None:
    """`relax` from the first sweep to the last look, and how many sweeps it took."""
    mask, pressure, supply, uptake, balance = a_problem(shape, 4)
    cut = make_segments(mask, relaxation.SEGMENT_VOXELS)
    solver, twin = relaxation.Relaxation(cut, shape), pressure.copy()
    counts = []
    for _ in range(3):
        found = solver.solve(pressure, supply, uptake, balance, 1e-3, 1000)
        assert found == solve_twin(twin, supply, uptake, mask, balance, 1e-3)
        assert pressure.tobytes() == twin.tobytes()
        counts.append(found)
        supply[0, shape[1] // 2, : shape[2] // 3 + 1] *= 0.2
    assert max(counts) > 2


@pytest.mark.parametrize("shape", SHAPES)
def test_split_rows_and_join_rows_are_inverses(shape: tuple[int, int, int]) -> None:
    whole = np.random.default_rng(1).random(shape)
    nx, ny, nz = shape
    halves = np.zeros((2, nx * ny, -(-nz // 2) + 2))
    relaxation.split_rows(0, nx * ny, halves, whole.reshape(nx * ny, nz), ny)
    for place in np.ndindex(*shape):
        x, y, z = place
        colour = (x + y + z) % 2
        o = (x + y + colour) % 2
        assert halves[colour, x * ny + y, 1 + (z - o) // 2] == whole[place]
    back = np.zeros((nx * ny, nz))
    relaxation.join_rows(0, nx * ny, back, halves, ny)
    assert back.tobytes() == whole.tobytes()


@pytest.mark.parametrize("blocks", [(1, 6, 9), (4, 5, 3), (1, 1, 7)])
def test_mark_off_and_pick_marked_equal_their_twins(blocks: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(6)
    count = int(np.prod(blocks))
    place = np.sort(rng.integers(0, count, 2 * count))
    defect = rng.random(place.size)
    which = np.flatnonzero(rng.random(place.size) < 0.5)
    marks, out = np.ones(count, dtype=bool), np.zeros(place.size, dtype=np.int64)
    off = relaxation.mark_off(marks, which, defect, 0.6, place, blocks)
    expected = np.zeros(blocks, dtype=bool)
    expected.reshape(-1)[place[which[defect[which] > 0.6]]] = True
    expected = relaxation.neighbourhood(expected)
    assert off == int((defect[which] > 0.6).sum()) > 0
    assert (marks == expected.reshape(-1)).all()
    picked = relaxation.pick_marked(out, marks, place)
    assert (out[:picked] == np.flatnonzero(expected.reshape(-1)[place])).all()


def test_one_and_three_threads_give_the_same_bits() -> None:
    """In several blocks at first, in one at the end; and the bits of the twin."""
    shape = (8, 60, 40)
    mask, start, supply, uptake, balance = a_problem(shape, 8)
    cut = make_segments(mask, relaxation.SEGMENT_VOXELS)
    assert cut.start.size > 2 * relaxation.BLOCK_SEGMENTS
    twin = start.copy()
    expected = solve_twin(twin, supply, uptake, mask, balance, 1e-3)
    results = []
    try:
        for threads in (1, 3):
            set_threads(threads)
            pressure = start.copy()
            sweeps = relaxation.Relaxation(cut, shape).solve(pressure, supply, uptake, balance, 1e-3, 1000)
            results.append((sweeps, pressure.tobytes()))
    finally:
        set_threads(1)
    assert results == 2 * [(expected, twin.tobytes())]
    assert expected > 2
