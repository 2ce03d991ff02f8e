"""Migration: drift and spread against closed forms, whatever the period and the voxel; border, walls, pressure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import Key
from cordgraft.kernels import cell, cell_motion
from cordgraft.processes.migration import Migration, spread_of
from cordgraft.state.cells import CellKind
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare, put


def roomy(migration: Migration, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Tissue:
    """A tissue of white matter with more places than anybody wants: nobody is in the way of anybody."""
    tissue = bare([migration], shape, spacing, dead=False)
    for name in ("grey", "white"):
        tissue[f"fraction.{name}"][...] = tissue["map.cord"] if name == "white" else 0.0
    tissue["map.cord"][...] = 1
    tissue["fraction.white"][...] = 1.0
    tissue["density.cell_capacity"][...] = 1e6
    tissue["density.cell_places"][...] = 1_000_000
    return tissue


def walk(migration: Migration, tissue: Tissue, hours: float, period_h: float, seed: int = 1) -> np.ndarray:
    """Move every cell for `hours` as the turnover would; return the displacement in um : (n, 3)."""
    start = np.array(np.unravel_index(tissue["cell.site"], tissue.lattice.shape)).T
    for step in range(round(hours / period_h)):
        migration.step(tissue, Key(seed, round(step * period_h), period_h))
        target, turned = tissue["cell.move_target"], tissue["cell.new_heading"]
        tissue["cell.site"][...] = np.where(target >= 0, target, tissue["cell.site"])
        tissue["cell.heading"][...] = np.where(turned != 0, turned, tissue["cell.heading"])
        target[...] = -1
        turned[...] = 0
    stop = np.array(np.unravel_index(tissue["cell.site"], tissue.lattice.shape)).T
    return (stop - start) * np.array(tissue.lattice.spacing_um)


def agrees(values: np.ndarray, expected: float) -> bool:
    """Whether the mean of the squares is what is expected, to four standard errors."""
    squares = values**2
    return abs(squares.mean() - expected) < 4.0 * squares.std() / np.sqrt(squares.size)


@pytest.mark.parametrize("period_h", [1.0, 6.0, 24.0])
@pytest.mark.parametrize("spacing", [(50.0, 25.0, 25.0), (50.0, 60.0, 100.0)])
def test_precursors_spread_as_their_speed_says(period_h: float, spacing: tuple[float, float, float]) -> None:
    """200 um an axis after 7 d; the mean square grows with time, the lattice and the period do not show."""
    migration = Migration(Migration.Params(pressure_speed=0.0))
    tissue = roomy(migration, (1, 160, 160), spacing)
    put(tissue, np.full(4000, 80 * 160 + 80))
    for days in (7, 14):
        moved = walk(migration, tissue, 7 * 24.0, period_h, seed=days)
        if days == 7:
            first = moved
        else:
            moved = moved + first
        expected = 2.0 * spread_of(1.2) * days * 24.0
        assert expected == pytest.approx((1.2 * 168.0) ** 2 * days / 7.0)
        for axis in (1, 2):
            assert agrees(moved[:, axis], expected), (days, axis)
            assert abs(moved[:, axis].mean()) < 4.0 * np.sqrt(expected / 4000)
        assert not moved[:, 0].any()


def test_a_volume_is_walked_along_all_three_axes() -> None:
    migration = Migration(Migration.Params(pressure_speed=0.0))
    tissue = roomy(migration, (48, 48, 48), (50.0, 50.0, 50.0))
    put(tissue, np.full(4000, (24 * 48 + 24) * 48 + 24))
    moved = walk(migration, tissue, 7 * 24.0, 6.0)
    for axis in range(3):
        assert agrees(moved[:, axis], (1.2 * 168.0) ** 2)
    correlation = np.corrcoef(moved.T)
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 0.07


@pytest.mark.parametrize(("period_h", "voxel"), [(6.0, 25.0), (24.0, 25.0), (6.0, 100.0)])
def test_travellers_keep_their_heading_for_a_while(period_h: float, voxel: float) -> None:
    """Mean square displacement of a persistent walk: 2 u^2 tau (t - tau (1 - exp(-t/tau))) and the side spread."""
    migration = Migration(Migration.Params(persistence=10.0, pressure_speed=0.0))
    tissue = roomy(migration, (1, 64, 800), (50.0, voxel, voxel))
    put(tissue, np.full(3000, 32 * 800 + 400), CellKind.ASTROCYTE, heading=np.tile([1, -1], 1500))
    days = 30.0
    moved = walk(migration, tissue, days * 24.0, period_h)
    u, tau = migration.params.traveller_drift, 10.0
    spread = 2.0 * spread_of(0.5) * days * 24.0
    expected = 2.0 * u**2 * tau * (days - tau * -np.expm1(-days / tau)) + spread
    # a lattice cannot spread a drift of m voxels a step by less than m (1 - m)
    m = u / 24.0 * period_h / voxel / migration.motion(period_h, (1, 64, 800), (50.0, voxel, voxel)).pieces[5]
    if m < 1.0:
        floor = m * (1.0 - m) * voxel**2 * days * 24.0 / period_h
        floor *= migration.motion(period_h, (1, 64, 800), (50.0, voxel, voxel)).pieces[5]
        expected += max(0.0, floor - spread)
    assert agrees(moved[:, 2], expected)
    assert agrees(moved[:, 1], spread)
    assert abs(moved[:, 2].mean()) < 4.0 * np.sqrt(expected / 3000)


def test_without_turning_travellers_drift_at_their_speed_in_white_matter_only() -> None:
    migration = Migration(Migration.Params(persistence=3650.0, pressure_speed=0.0))
    for white, factor in ((1.0, 1.0), (0.5, 0.6), (0.0, 0.2)):
        tissue = roomy(migration, (1, 32, 800), (50.0, 25.0, 25.0))
        tissue["fraction.white"][...] = white
        put(tissue, np.full(2000, 16 * 800 + 200), CellKind.ASTROCYTE, heading=1)
        moved = walk(migration, tissue, 240.0, 6.0)
        assert moved[:, 2].mean() == pytest.approx(
            10.0 * migration.params.traveller_drift * factor,
            abs=4.0 * moved[:, 2].std() / np.sqrt(2000) + 3.0,
        )


def test_neurons_hardly_move_and_undifferentiated_cells_only_give_way() -> None:
    migration = Migration()
    tissue = roomy(migration, (1, 64, 64), (50.0, 25.0, 25.0))
    put(tissue, np.full(2000, 32 * 64 + 32), CellKind.NEURON)
    moved = walk(migration, tissue, 28 * 24.0, 6.0)
    assert agrees(moved[:, 2], (0.1 * 168.0) ** 2 * 4.0)
    tissue["cell.kind"][...] = CellKind.UNDIFFERENTIATED
    tissue["density.cells"][...] = 1.0
    assert not walk(migration, tissue, 240.0, 6.0).any()


def test_pressure_moves_cells_down_the_crowding_only() -> None:
    migration = Migration(Migration.Params(precursor_speed=0.0))
    tissue = roomy(migration, (1, 1, 16), (50.0, 50.0, 50.0))
    tissue["density.cell_capacity"][...] = 100.0
    tissue["density.cell_places"][...] = 101
    put(tissue, np.repeat([7, 8], [80, 20]), CellKind.UNDIFFERENTIATED)
    fluxes = np.zeros(3)
    for seed in range(400):
        migration.step(tissue, Key(seed, 0, 1.0))
        target = tissue["cell.move_target"]
        at = tissue["cell.site"]
        fluxes += [
            np.count_nonzero(target[at == 7] == 6),
            np.count_nonzero(target[at == 7] == 8),
            np.count_nonzero(target[at == 8] == 7),
        ]
        target[...] = -1
    # chance of a hop in 1 h: D dt/dx^2 times the fall of the crowding by others, 0.79 and 0.59
    hop = spread_of(1.2) / 50.0**2
    expected = 400.0 * 80.0 * hop * np.array([0.79, 0.59, 0.0])
    assert fluxes[2] == 0.0
    assert (np.abs(fluxes - expected) <= 4.0 * np.sqrt(expected)).all()


def test_the_border_lets_a_tenth_through_and_full_voxels_nobody() -> None:
    migration = Migration(Migration.Params(pressure_speed=0.0))
    counts = []
    for border, room in ((0.0, 101), (1.0, 101), (0.0, 0)):
        tissue = roomy(migration, (1, 1, 16), (50.0, 50.0, 50.0))
        tissue["density.barrier"][0, 0, 8] = border
        tissue["density.cell_places"][0, 0, 8] = room
        put(tissue, np.full(20000, 7))
        migration.step(tissue, Key(1, 0, 1.0))
        counts.append(np.count_nonzero(tissue["cell.move_target"] == 8))
    assert counts[2] == 0
    assert counts[1] == pytest.approx(0.1 * counts[0], abs=4.0 * np.sqrt(0.1 * counts[0]))


def test_nobody_leaves_the_cord() -> None:
    migration = Migration(Migration.Params(precursor_speed=5.0))
    tissue = bare([migration], (12, 12, 16), (25.0, 25.0, 25.0))
    assert 0 < tissue["map.cord"].sum() < tissue.lattice.size
    tissue["density.cell_places"][...] = np.where(tissue["map.cord"] > 0, 1000, 0)
    put(tissue, np.flatnonzero(tissue["map.cord"]))
    walk(migration, tissue, 48.0, 6.0)
    assert tissue["map.cord"].reshape(-1)[tissue["cell.site"]].all()


def test_migration_may_run_more_often_than_the_turnover() -> None:
    """A proposal that waits is continued, so six steps of one hour spread cells as one of six hours."""
    migration = Migration(Migration.Params(pressure_speed=0.0))
    tissue = roomy(migration, (1, 64, 64), (50.0, 25.0, 25.0))
    put(tissue, np.full(20000, 32 * 64 + 32))
    for hour in range(6):
        migration.step(tissue, Key(1, hour, 1.0))
    target = np.where(tissue["cell.move_target"] < 0, tissue["cell.site"], tissue["cell.move_target"])
    y, z = np.unravel_index(target, (64, 64))
    for place in (y, z):
        assert agrees((place - 32) * 25.0, 2.0 * spread_of(1.2) * 6.0)


@pytest.mark.parametrize("voxel", [5.0, 25.0, 200.0])
@pytest.mark.parametrize("period_h", [1.0, 6.0, 48.0])
def test_hops_have_the_right_mean_and_spread_and_never_a_chance_above_one(
    voxel: float, period_h: float
) -> None:
    migration = Migration()
    shape, spacing = (8, 8, 16), (voxel, voxel, voxel)
    motion = migration.motion(period_h, shape, spacing)
    space: Any = cell.Space(*([None] * 6), shape, spacing)
    for row in range(6):
        dt_h = period_h / motion.pieces[row]
        speed = motion.drift if row == cell_motion.TRAVELLER else 0.0
        total = 0.0
        for axis in range(3):
            v = speed if axis == 2 else 0.0
            forward, backward, pushed = cell_motion.hop_chances(row, axis, -v, space, motion, dt_h)
            assert min(forward, backward, pushed) >= 0.0
            total += forward + backward + 2.0 * pushed
            mean, square = (forward - backward) * voxel, (forward + backward) * voxel**2
            assert mean == pytest.approx(-v * dt_h)
            assert square - mean**2 >= 2.0 * motion.spread[row] * dt_h - 1e-9
            if v * dt_h / voxel <= 2.0 * motion.spread[row] * dt_h / voxel**2:
                assert square - mean**2 == pytest.approx(2.0 * motion.spread[row] * dt_h)
        assert total <= 1.0 + 1e-12
