"""Deaths, claims on places, and ids of daughters, against plain Python that calls the plain Philox."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cordgraft.core.streams import Stream
from cordgraft.kernels import random as draws
from cordgraft.kernels.cell import Draw
from cordgraft.kernels.cell_places import (
    Claims,
    child_loop,
    children,
    death_loop,
    deaths,
    fill_buckets,
    hash_loop,
    rank_loop,
    settle,
)
from cordgraft.kernels.compile import run_blocks, set_threads
from tests.reference.test_random_twin import philox_twin, uniform_twin

SEED, TICK = 2**40 + 17, 321
MASK = 0xFFFFFFFF


def draw_key() -> Draw:
    return Draw(np.uint64(SEED), TICK, 6.0, 1.0)


def identities(count: int) -> np.ndarray:
    founders = np.arange(1, count // 2 + 1, dtype=np.uint64)
    daughters = np.uint64(2**63) + np.uint64(7) * np.arange(count - count // 2, dtype=np.uint64)
    return np.concatenate((founders, daughters))


def child_twin(parent: int, tick: int, sibling: int) -> int:
    a, b, _, _ = philox_twin([parent & MASK, parent >> 32, tick, sibling], [0x63686C64, 0x69643634])
    return (a << 32) | b | 0x8000000000000000


def test_death_loop_equals_its_twin() -> None:
    ids = identities(200)
    hazard = np.linspace(0.0, 3.0, 200)
    twin = [
        uniform_twin(SEED, int(identity), TICK, int(Stream.SURVIVAL), 0) < -math.expm1(-rate)
        for identity, rate in zip(ids, hazard, strict=True)
    ]
    dead = np.zeros(200, dtype=np.bool_)
    death_loop(0, 200, ids, hazard, draw_key(), dead)
    assert dead.tolist() == twin
    assert deaths(ids, hazard, draw_key()).tolist() == twin
    assert 0 < dead.sum() < 200


def test_hash_loop_equals_its_twin() -> None:
    ids, birth = identities(50), np.arange(50, dtype=np.int64) % 3
    out = np.zeros(50, dtype=np.uint64)
    hash_loop(0, 50, ids, birth, draw_key(), out)
    for identity, number, hashed in zip(ids, birth, out, strict=True):
        counter = [int(identity) & MASK, int(identity) >> 32, TICK, (int(Stream.CROWDING) << 16) | int(number)]
        a, b, _, _ = philox_twin(counter, [SEED & MASK, SEED >> 32])
        assert int(hashed) == (a << 32) | b


def test_child_loop_equals_its_twin() -> None:
    parents, sibling = identities(60), 1 + np.arange(60, dtype=np.int64) % 4
    out = np.zeros(60, dtype=np.uint64)
    child_loop(0, 60, parents, sibling, TICK, out)
    twin = [child_twin(int(p), TICK, int(s)) for p, s in zip(parents, sibling, strict=True)]
    assert [int(value) for value in out] == twin


def test_a_taken_id_is_drawn_again() -> None:
    parents, sibling = identities(5), np.ones(5, dtype=np.int64)
    first = children(parents, sibling, TICK, np.zeros(0, dtype=np.uint64))
    again = children(parents, sibling, TICK, first[2:3])
    assert again[2] != first[2]
    assert np.delete(again, 2).tolist() == np.delete(first, 2).tolist()
    assert len(set(again.tolist()) | {int(first[2])}) == 6


def settle_twin(target: list[int], ids: list[int], birth: list[int], vacant: list[int]) -> list[bool]:
    """Give places one by one, voxel by voxel, in the order of (hash, id, birth)."""
    claims = []
    for row, (voxel, identity, number) in enumerate(zip(target, ids, birth, strict=True)):
        counter = [identity & MASK, identity >> 32, TICK, (int(Stream.CROWDING) << 16) | number]
        a, b, _, _ = philox_twin(counter, [SEED & MASK, SEED >> 32])
        claims.append((voxel, (a << 32) | b, identity, number, row))
    granted, left = [False] * len(target), list(vacant)
    for voxel, _, _, _, row in sorted(claims):
        if left[voxel] > 0:
            left[voxel] -= 1
            granted[row] = True
    return granted


@pytest.mark.parametrize("case", range(5))
def test_settle_equals_its_twin_in_any_order(case: int) -> None:
    count, voxels = 120, 12
    ids = identities(count)
    uniforms = draws.uniforms(case, np.arange(count), 1, Stream.MIGRATION)
    target = (uniforms * voxels).astype(np.int64)
    birth = (np.arange(count) % 4).astype(np.int64)
    vacant = np.array([(7 * case + 3 * voxel) % 14 - 1 for voxel in range(voxels)], dtype=np.int64)
    twin = settle_twin(target.tolist(), [int(i) for i in ids], birth.tolist(), vacant.tolist())
    assert settle(target, ids, birth, vacant, draw_key()).tolist() == twin
    assert 0 < sum(twin) < count
    order = np.argsort(draws.uniforms(case, np.arange(count), 2, Stream.MIGRATION))
    shuffled = settle(target[order], ids[order], birth[order], vacant, draw_key())
    assert shuffled.tolist() == [twin[row] for row in order]


def test_claims_are_grouped_and_ranked_as_sorting_would() -> None:
    count, voxels = 500, 9
    uniforms = draws.uniforms(3, np.arange(count), 1, Stream.MIGRATION)
    claims = Claims(
        target=(uniforms**3 * voxels).astype(np.int64),
        # few values each, so that hashes and ids meet and the next of the three has to decide
        hashed=(draws.uniforms(3, np.arange(count), 2, Stream.MIGRATION) * 7).astype(np.uint64),
        identity=(draws.uniforms(3, np.arange(count), 3, Stream.MIGRATION) * 5).astype(np.uint64),
        birth=np.arange(count, dtype=np.int64),
    )
    wanted = np.bincount(claims.target, minlength=voxels)
    assert wanted.max() > 100 and wanted.min() > 1
    ends = np.cumsum(wanted)
    order = np.full(count, -1, dtype=np.int64)
    fill_buckets(claims.target, ends - wanted, order)
    assert claims.target[order].tolist() == sorted(claims.target.tolist())
    assert sorted(order.tolist()) == list(range(count))
    vacant = np.array([-1, 0, 3, 1000, 7, 1, 2, 5, 4], dtype=np.int64)
    won = np.zeros(count, dtype=np.bool_)
    rank_loop(claims, ends, vacant, order, won)
    columns = zip(*(column.tolist() for column in claims), range(count), strict=True)
    twin = sorted(columns)
    assert order.tolist() == [row for *_, row in twin]
    left = vacant.tolist()
    for voxel, *_, row in twin:
        assert won[row] == (left[voxel] > 0)
        left[voxel] -= 1


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_change_no_bit(threads: int) -> None:
    count = 20_000
    ids, hazard = identities(count), np.full(count, 0.3)
    birth = np.ones(count, dtype=np.int64)
    runs = []
    for number in (1, threads):
        set_threads(number)
        try:
            hashes, daughters = np.zeros(count, dtype=np.uint64), np.zeros(count, dtype=np.uint64)
            run_blocks(hash_loop, count, ids, birth, draw_key(), hashes)
            run_blocks(child_loop, count, ids, birth, TICK, daughters)
            runs.append((deaths(ids, hazard, draw_key()).tobytes(), hashes.tobytes(), daughters.tobytes()))
        finally:
            set_threads(1)
    assert runs[0] == runs[1]
    assert len(set(np.frombuffer(runs[0][1], dtype=np.uint64).tolist())) == count
