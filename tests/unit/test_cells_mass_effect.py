"""A graft that outgrows its room presses: how much, where, and what it costs; one that fits does nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cordgraft.core.contract import Key
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.state.cells import count_by_voxel, refresh_room
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
    assert tissue.changed(before, process.writes) == []
    assert tissue.scalar("graft_pressure") == 0.0 and tissue.scalar("graft_conduction") == 1.0


def test_there_is_no_pressure_without_a_graft() -> None:
    process = MassEffect()
    tissue = bare([process])
    before = tissue.snapshot()
    process.step(tissue, KEY)
    assert tissue.changed(before, ()) == []
    assert math.isnan(tissue.scalar("graft_pressure")) and tissue.scalar("graft_conduction") == 1.0


def test_pressure_is_excess_over_room() -> None:
    process = MassEffect(MassEffect.Params(give=0.0, reach=0.0))
    tissue = overfull(process, 3, slice(20, 40))
    pressure = process.pressure(tissue)
    # places are whole numbers: the room of a level is met within one cell a voxel of some thirty
    assert pressure[20:40] == pytest.approx(2.0, rel=0.05)
    assert not pressure[:20].any() and not pressure[40:].any()


def test_pressure_spreads_along_the_cord_and_keeps_its_sum() -> None:
    process = MassEffect(MassEffect.Params(give=0.0, reach=200.0))
    tissue = overfull(process, 2, slice(30, 34))
    spread = process.pressure(tissue)
    sharp = MassEffect(MassEffect.Params(give=0.0, reach=0.0)).pressure(tissue)
    assert spread.max() < sharp.max() and spread[28] > 0.0 == sharp[28]
    assert spread.sum() == pytest.approx(sharp.sum(), rel=1e-3)  # every level of this cord has the same room


def test_room_close_by_takes_what_is_too_much() -> None:
    process = MassEffect(MassEffect.Params(reach=0.0))
    tissue = bare([process])
    middle = 12 * LEVELS + 32
    put(tissue, np.full(90, middle))  # three times what the voxel holds, and nothing round it
    assert process.pressure(tissue).max() == 0.0
    assert MassEffect(MassEffect.Params(give=0.0, reach=0.0)).pressure(tissue).max() > 1e-3


def test_where_in_a_voxel_the_cells_stand_by_chance_makes_no_pressure() -> None:
    """Two in three places taken, by chance: many voxels hold more than their places, and yet the graft fits."""
    process = MassEffect()
    tissue = bare([process])
    stand_for(tissue, 10.0)
    places = tissue["density.cell_places"].reshape(-1)
    chance = np.random.default_rng(3)
    put(tissue, chance.choice(np.repeat(np.arange(places.size), places), size=2 * places.sum() // 3))
    crowded = tissue["density.cells"].reshape(-1) > places
    assert crowded.sum() > 50
    assert process.pressure(tissue).max() < 2e-3
    assert MassEffect(MassEffect.Params(give=0.0)).pressure(tissue).max() > 0.02


def stand_for(tissue: Tissue, cells: float) -> None:
    """Let one simulated cell stand for so many living ones."""
    tissue["map.cell_capacity"][...] /= cells
    refresh_room(tissue)


def ball_of(tissue: Tissue, radius_um: float, times: float) -> None:
    """Make the middle of the cord dead, with `times` as many cells as it holds; the rest stays host tissue.

    It is as wide against its height as the cord is, so that a section shows what a volume holds.
    """
    wide, high = tissue.setting.cord_diameter_um
    x, y, z = np.meshgrid(*(tissue.lattice.axis_um(axis) for axis in range(3)), indexing="ij")
    x, y, z = x - x.mean(), y - y.mean(), z - z.mean()
    ball = (((x * high / wide) ** 2 + y * y + z * z) < radius_um**2) & (tissue["map.cord"] > 0)
    for name in ("white", "grey"):
        tissue["fraction.necrosis"][ball] += tissue[f"fraction.{name}"][ball]
        tissue[f"fraction.{name}"][ball] = 0.0
    refresh_room(tissue)
    here = np.flatnonzero(ball)
    put(tissue, np.repeat(here, np.round(times * tissue["density.cell_places"].reshape(-1)[here]).astype(int)))


@pytest.mark.parametrize("radius", [250.0, 400.0])
def test_a_section_and_a_volume_agree(radius: float) -> None:
    found = []
    for shape in ((1, 28, 64), (40, 28, 64)):
        process = MassEffect()
        tissue = bare([process], shape, (50.0, 50.0, 50.0), dead=False)
        ball_of(tissue, radius, 3.0)
        found.append(float(process.pressure(tissue).max()))
    section, volume = found
    assert volume > 0.02
    # in a volume the excess finds room in one direction more
    assert section == pytest.approx(volume, rel=0.3)


@pytest.mark.parametrize(("spacing", "agents"), [(25.0, 1.0), (50.0, 5.0), (100.0, 5.0), (25.0, 2.0)])
def test_pressure_depends_neither_on_the_voxel_nor_on_how_many_cells_one_stands_for(
    spacing: float, agents: float
) -> None:
    def pressure(h: float, per_agent: float) -> float:
        process = MassEffect()
        tissue = bare(
            [process],
            (1, round(1400 / h), round(3200 / h)),
            (50.0, h, h),
            dead=False,
        )
        stand_for(tissue, per_agent)
        ball_of(tissue, 400.0, 3.0)
        return float(process.pressure(tissue).max())

    assert pressure(spacing, agents) == pytest.approx(pressure(50.0, 1.0), rel=0.15)


def test_pressure_takes_conduction_and_gives_it_back() -> None:
    process = MassEffect(MassEffect.Params(give=0.0, reach=0.0, block=0.7))
    tissue = overfull(process, 2, slice(30, 34))
    process.step(tissue, KEY)
    largest = tissue.scalar("graft_pressure")
    assert largest == pytest.approx(1.0, rel=0.05)
    assert tissue.scalar("graft_conduction") == math.exp(-0.7 * largest)
    tissue.cells.keep(np.zeros(len(tissue.cells), dtype=bool))
    process.step(tissue, KEY)
    assert math.isnan(tissue.scalar("graft_pressure")) and tissue.scalar("graft_conduction") == 1.0


@pytest.mark.parametrize("loss", [0.0, 0.02, 2.0])
def test_host_tissue_dies_at_the_rate_of_the_pressure(loss: float) -> None:
    process = MassEffect(MassEffect.Params(give=0.0, reach=0.0, loss=loss))
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
    tissue["density.cells"][...] = count_by_voxel(tissue["cell.site"], tissue.lattice.shape)
    assert process.pressure(tissue).tobytes() == before.tobytes()
