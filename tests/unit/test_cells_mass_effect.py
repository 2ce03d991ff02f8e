"""A graft that outgrows its room presses: how much, where, and what it costs; one that fits does nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cordgraft.core.contract import Key
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare, pack, put

LEVELS = 64
KEY = Key(1, 0, 6.0)


def overfull(process: MassEffect, times: int, levels: slice) -> Tissue:
    """A dead cord full of cells, with `times` as many cells as there is room for in some levels."""
    tissue = bare([process])
    pack(tissue)
    sites = tissue["cell.site"]
    level = sites % LEVELS
    here = sites[(level >= levels.start) & (level < levels.stop)]
    put(tissue, np.tile(here, times - 1))
    return tissue


def test_a_graft_that_fits_presses_on_nothing() -> None:
    process = MassEffect()
    tissue = bare([process])
    pack(tissue)
    before = tissue.snapshot()
    process.step(tissue, KEY)
    assert tissue.changed(before, ()) == []
    assert tissue.scalar("graft_pressure") == 0.0 and tissue.scalar("graft_conduction") == 1.0


def test_pressure_is_excess_over_room() -> None:
    process = MassEffect(MassEffect.Params(reach=0.0))
    tissue = overfull(process, 3, slice(20, 40))
    pressure = process.pressure(tissue)
    # places are whole numbers: the room of a level is met within one cell a voxel of some thirty
    assert pressure[20:40] == pytest.approx(2.0, rel=0.05)
    assert not pressure[:20].any() and not pressure[40:].any()


def test_pressure_spreads_along_the_cord_and_keeps_its_sum() -> None:
    process = MassEffect(MassEffect.Params(reach=200.0))
    tissue = overfull(process, 2, slice(30, 34))
    spread = process.pressure(tissue)
    sharp = MassEffect(MassEffect.Params(reach=0.0)).pressure(tissue)
    assert spread.max() < sharp.max() and spread[28] > 0.0 == sharp[28]
    assert spread.sum() == pytest.approx(sharp.sum(), rel=1e-3)  # every level of this cord has the same room


def test_pressure_takes_conduction_and_gives_it_back() -> None:
    process = MassEffect(MassEffect.Params(reach=0.0, block=0.7))
    tissue = overfull(process, 2, slice(30, 34))
    process.step(tissue, KEY)
    largest = tissue.scalar("graft_pressure")
    assert largest == pytest.approx(1.0, rel=0.05)
    assert tissue.scalar("graft_conduction") == math.exp(-0.7 * largest)
    tissue.cells.keep(np.zeros(len(tissue.cells), dtype=bool))
    process.step(tissue, KEY)
    assert tissue.scalar("graft_pressure") == 0.0 and tissue.scalar("graft_conduction") == 1.0


@pytest.mark.parametrize("loss", [0.0, 0.02, 2.0])
def test_host_tissue_dies_at_the_rate_of_the_pressure(loss: float) -> None:
    process = MassEffect(MassEffect.Params(reach=0.0, loss=loss))
    tissue = overfull(process, 2, slice(30, 34))
    tissue["fraction.white"][...] = 0.5 * tissue["fraction.necrosis"]
    tissue["fraction.necrosis"][...] *= 0.5
    process.step(tissue, KEY)
    pressure = process.pressure(tissue)
    expected = (1.0 - np.exp(-loss * pressure * 0.25)) * tissue["fraction.white"]
    np.testing.assert_allclose(tissue["transfer.white>necrosis"], expected, rtol=1e-12)
    assert tissue["transfer.white>necrosis"].any() == (loss > 0.0)
    assert not tissue["transfer.grey>necrosis"].any()  # there is none


def test_the_pressure_of_a_level_does_not_depend_on_the_order_of_cells() -> None:
    process = MassEffect()
    tissue = overfull(process, 3, slice(25, 31))
    before = process.pressure(tissue)
    tissue.cells.reorder(np.random.default_rng(1).permutation(len(tissue.cells)))
    process.step(tissue, KEY)
    assert process.pressure(tissue).tobytes() == before.tobytes()
