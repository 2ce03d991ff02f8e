"""The way from the lattice of a run to that of a field and back: passes in one go against their readable twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cordgraft.kernels.field_lattice import LOOK, FieldLattice
from cordgraft.kernels.stencil import restrict

pytestmark = pytest.mark.reference

Array = NDArray[Any]
CASES = [
    ((1, 7, 11), (1, 1, 1)),
    ((1, 9, 3 * LOOK + 5), (1, 1, 1)),
    ((1, 9, 3 * LOOK + 5), (1, 2, 2)),
    ((5, 7, 2 * LOOK + 1), (2, 3, 5)),
    ((3, 5, 400), (1, 2, 150)),
]


def patches(shape: tuple[int, int, int], seed: int) -> Array:
    """Return numbers of both signs in a few short runs along ``z``, zero elsewhere."""
    rng = np.random.default_rng(seed)
    values = rng.random(shape) - 0.2
    runs = np.repeat(rng.random((*shape[:2], -(-shape[2] // 40))) < 0.2, 40, axis=2)
    return np.asarray(np.where(runs[..., : shape[2]], values, 0.0))


def collect_twin(lattice: FieldLattice, deposit: Array, source: Array, fade: float, lasting: float) -> None:
    """What `collect_blocks` does, array by array."""
    mean = lattice.new()
    restrict(mean, source, lattice.factors)
    mean *= np.divide(1.0, lattice.volume, out=lattice.new(), where=lattice.volume > 0.0)
    mean *= lasting
    deposit *= fade
    deposit += mean
    source[...] = 0.0


@pytest.mark.parametrize(("shape", "factors"), CASES)
def test_collect_blocks_equals_its_twin(shape: tuple[int, int, int], factors: tuple[int, int, int]) -> None:
    cord = np.random.default_rng(5).random(shape) < 0.9
    lattice = FieldLattice(cord, factors)
    deposit, twin = lattice.new(), lattice.new()
    assert lattice.collect(deposit, np.zeros(shape), 0.9, 0.7) == (False, False)
    for hour in range(4):
        source = patches(shape, hour) * cord if hour != 2 else np.zeros(shape)
        given = source.copy()
        held = bool(deposit.any())
        assert lattice.collect(deposit, given, 0.9, 0.7) == (bool(source.any()), held)
        collect_twin(lattice, twin, source, 0.9, 0.7)
        assert not given.any()
        assert deposit.tobytes() == twin.tobytes()
    assert deposit.any()
