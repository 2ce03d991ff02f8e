"""Transfers between tissue fractions: the kernel against its readable twin in NumPy, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cordgraft.kernels import transfer
from cordgraft.kernels.compile import set_threads

pytestmark = pytest.mark.reference

Array = NDArray[Any]
KINDS = 8
PAIRS = ((0, 3), (1, 3), (3, 4), (3, 5), (4, 6), (6, 4), (7, 5), (5, 6), (1, 7))


def transfer_twin(fractions: list[Array], asked: Array, links: Array) -> None:
    """All requests at once, over the voxels of which anything is asked; see `transfer_all`."""
    sites = np.flatnonzero((asked > 0.0).any(axis=0))
    wanted = np.maximum(asked[:, sites], 0.0)
    after = [fraction[sites] for fraction in fractions]
    outflow = [np.zeros(sites.size) for _ in fractions]
    for source, amount in zip(links[0], wanted, strict=True):
        outflow[source] += amount
    granted = [
        np.minimum(1.0, now / np.where(out > 0.0, out, 1.0)) for now, out in zip(after, outflow, strict=True)
    ]
    for source, target, amount in zip(*links, wanted, strict=True):
        moved = amount * granted[source]
        after[source] -= moved
        after[target] += moved
    total = np.zeros(sites.size)
    for now in after:
        np.maximum(now, 0.0, out=now)
        total += now
    for fraction, now in zip(fractions, after, strict=True):
        fraction[sites] = now / total
    asked[...] = 0.0


def random_tissue(voxels: int, seed: int) -> tuple[list[Array], Array]:
    """Return fractions that sum to one, many of them zero, and requests in patches, some too large, some negative."""
    rng = np.random.default_rng(seed)
    parts = rng.random((KINDS, voxels)) * (rng.random((KINDS, voxels)) < 0.6)
    parts[0] += 1e-3
    fractions = list(parts / parts.sum(axis=0))
    asked = rng.random((len(PAIRS), voxels)) ** 6 * (rng.random((len(PAIRS), voxels)) < 0.5)
    asked[2] *= -1.0
    asked[3] = 0.0
    calm = np.repeat(rng.random(-(-voxels // 100)) < 0.5, 100)[:voxels]
    asked[:, calm] = 0.0
    return [np.ascontiguousarray(fraction) for fraction in fractions], asked


@pytest.mark.parametrize("voxels", [1, 63, 64, 1000, 40_000])
def test_transfer_all_equals_its_twin(voxels: int) -> None:
    links = np.array(PAIRS).T.copy()
    fractions, asked = random_tissue(voxels, voxels)
    twin, wanted = [fraction.copy() for fraction in fractions], asked.copy()
    before = [fraction.copy() for fraction in fractions]
    for _ in range(3):
        transfer_twin(twin, wanted.copy(), links)
        requests = asked.copy()
        transfer.apply_transfers(tuple(fractions), requests, links)
        assert not requests.any()
        for found, expected in zip(fractions, twin, strict=True):
            assert found.tobytes() == expected.tobytes()
    untouched = ~(asked > 0.0).any(axis=0)
    assert all((f[untouched] == b[untouched]).all() for f, b in zip(fractions, before, strict=True))
    assert voxels < 1000 or any((f != b).any() for f, b in zip(fractions, before, strict=True))


def test_one_and_three_threads_give_the_same_bits() -> None:
    links = np.array(PAIRS).T.copy()
    results = []
    try:
        for threads in (1, 3):
            set_threads(threads)
            fractions, asked = random_tissue(5 * transfer.CHUNK_VOXELS + 17, 3)
            start = fractions[0].tobytes()
            transfer.apply_transfers(tuple(fractions), asked, links)
            results.append([fraction.tobytes() for fraction in fractions])
    finally:
        set_threads(1)
    assert results[0] == results[1]
    assert results[0][0] != start
