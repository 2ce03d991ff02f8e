"""A depot of CXCL12: the dose is what comes free, and precursors follow its gradient while other cells stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import ArraySpec, Key
from cordgraft.kernels import cell, cell_motion
from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.chemoattractant import EMPTY, NG_PER_PMOL, Chemoattractant
from cordgraft.processes.graft_delivery import GraftDelivery
from cordgraft.processes.hindrance import Hindrance
from cordgraft.processes.injury import Injury
from cordgraft.processes.migration import Migration, spread_of
from cordgraft.processes.transport import Transport
from cordgraft.state.cells import CellKind, refresh_room
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare, put, run
from tests.support import make_tissue

OTHERS = [
    ArraySpec("scalar.epicentre_um", "um", "middle of the injury along the cord"),
    ArraySpec("density.barrier", "1", "astrocyte border"),
]


def depot(**params: Any) -> Chemoattractant:
    return Chemoattractant(Chemoattractant.Params(**{"at": 24.0, "position": 0.0, "depth": 600.0, **params}))


def released(tissue: Tissue, depots: list[Chemoattractant], hours: int) -> np.ndarray:
    """Add up what depots put into the source; nothing spreads or decays : (x, y, z), units of K_d."""
    total = np.zeros(tissue.lattice.shape)
    for tick in range(hours):
        for one in depots:
            one.step(tissue, Key(1, tick, 1.0))
        total += tissue["source.cxcl12"]
        tissue["source.cxcl12"][...] = 0.0
    return total


def cord(depots: list[Chemoattractant], shape: tuple[int, int, int], **params: Any) -> Tissue:
    return make_tissue([*depots, Migration(Migration.Params(**params))], shape, extra=OTHERS, days=60.0)


# ------------------------------------------------------------------ the depot
@pytest.mark.parametrize("shape", [(20, 24, 64), (1, 24, 96)])
@pytest.mark.parametrize("volume", [2e8, 2e10])
def test_the_dose_is_what_comes_free(shape: tuple[int, int, int], volume: float) -> None:
    """In a volume all of it lies in the cord; in a section the slab has the concentration of the whole deposit."""
    one = depot(dose=10.0, release_time=20.0, volume=volume)
    tissue = cord([one], shape, cxcl12_affinity=5.0)
    total = released(tissue, [one], 24 + int(EMPTY * 20.0) + 2)
    nanomolar = total * 5.0
    assert tissue.scalar("cxcl12_released") == pytest.approx(10.0, rel=1e-12)
    if shape[0] > 1:
        # nM um3 are 1e-12 pmol
        assert nanomolar.sum() * tissue.lattice.voxel_um3 * 1e-12 * NG_PER_PMOL == pytest.approx(
            10.0, rel=1e-12
        )
    elif volume == 2e8:
        there = nanomolar[total > 0.0]
        assert there.size > 20
        np.testing.assert_allclose(there, 10.0 / NG_PER_PMOL / 2e8 * 1e12, rtol=0.1)
    assert not total[tissue["map.cord"] == 0].any()


def test_it_comes_free_exponentially_from_its_day_on() -> None:
    one = depot(dose=8.0, release_time=100.0)
    tissue = cord([one], (1, 24, 96))
    assert not released(tissue, [one], 24).any() and tissue.scalar("cxcl12_released") == 0.0
    for tick in range(24, 124):
        one.step(tissue, Key(1, tick, 1.0))
    assert tissue.scalar("cxcl12_released") == pytest.approx(8.0 * (1.0 - np.exp(-1.0)), rel=1e-12)
    assert [tick for tick in range(200) if one.event(tissue, tick)] == [24]
    assert "8 ng" in one.event(tissue, 24)


def test_depots_add_up_in_one_field() -> None:
    depots = [depot(dose=4.0), depot(dose=6.0, position=-1000.0)]
    alone = [released(cord([one], (1, 24, 96)), [one], 60) for one in depots]
    tissue = cord(depots, (1, 24, 96))
    assert [name for name in tissue.diffusing if "cxcl12" in name] == ["cxcl12"]
    np.testing.assert_allclose(released(tissue, depots, 60), alone[0] + alone[1], rtol=1e-12)
    middle = [float((total * tissue.lattice.centres_um()[2]).sum() / total.sum()) for total in alone]
    assert middle[0] - middle[1] == pytest.approx(1000.0, abs=25.0)


@pytest.mark.parametrize("species", ["mouse", "rat", "human"])
def test_by_default_a_depot_comes_with_the_graft_and_lies_beside_the_lesion(species: str) -> None:
    depot_of = Chemoattractant.Params.for_preset(species)
    assert depot_of.at == GraftDelivery.Params.for_preset(species).at
    radius = (3.0 * depot_of.volume / (4.0 * np.pi)) ** (1.0 / 3.0)
    lesion = 0.5 * Injury.Params.for_preset(species).primary_length
    assert lesion < depot_of.position - radius < 2.0 * lesion, "outside of it, and not far away"


# ------------------------------------------------------------------ what cells make of it
def a_week(kinds: tuple[CellKind, ...], *depots: Chemoattractant) -> Tissue:
    """Return a tissue seven days after 600 cells of these kinds were put into its middle."""
    # nobody pushes: other kinds then know nothing of the precursors beside them
    walk = Migration(Migration.Params(pressure_speed=0.0))
    turnover = CellTurnover(CellTurnover.Params(tissue_share=1.0))
    processes = [*depots, Hindrance(), Transport(Transport.Params(contrast=False)), walk, turnover]
    tissue = bare(processes, (1, 24, 96), dead=False, days=30.0)
    # so much room that nobody is in the way of anybody
    tissue["map.cell_capacity"][...] = 1e4
    refresh_room(tissue)
    put(tissue, np.full(600, 12 * 96 + 48))
    tissue["cell.kind"][...] = np.resize([int(kind) for kind in kinds], 600)
    run(tissue, processes, 7 * 24)
    return tissue


def along_by_id(tissue: Tissue) -> np.ndarray:
    """Return the place of each cell along the cord, um, in the order of the ids."""
    sites = tissue["cell.site"][np.argsort(tissue["cell.id"])]
    return tissue.lattice.axis_um(2)[sites % tissue.lattice.shape[2]]


def test_precursors_come_nearer_to_the_depot_and_other_kinds_stay() -> None:
    kinds = tuple(CellKind)
    without, with_it = (
        a_week(kinds, depot(at=0.0, dose=dose, volume=1e8, position=1200.0)) for dose in (0.0, 10.0)
    )
    assert not without["field.cxcl12"].any() and with_it["field.cxcl12"].max() > 1.0
    before, after = along_by_id(without), along_by_id(with_it)
    precursors = np.resize([int(kind) for kind in kinds], 600) == CellKind.PRECURSOR
    away = [np.abs(1200.0 - place[precursors]).mean() for place in (before, after)]
    assert away[1] < away[0] - 200.0
    assert (after[~precursors] == before[~precursors]).all()


def test_an_empty_depot_changes_no_byte() -> None:
    kinds = (CellKind.PRECURSOR,)
    without, with_it = a_week(kinds), a_week(kinds, depot(at=0.0, dose=0.0, volume=1e8, position=1200.0))
    assert without.changed(with_it.snapshot()) == []


# ------------------------------------------------------------------ the drift
def in_field(migration: Migration, shape: tuple[int, int, int], width: float, level: Any) -> Tissue:
    """Return a roomy tissue of white matter in a field that somebody released."""
    tissue = bare([migration], shape, (width, width, width), dead=False)
    tissue["map.cord"][...] = 1
    tissue["density.cell_capacity"][...] = 1e6
    tissue["density.cell_places"][...] = 1_000_000
    tissue["field.cxcl12"][...] = level(*tissue.lattice.centres_um())
    tissue.set_scalar("cxcl12_released", 1.0)
    return tissue


def travel(migration: Migration, tissue: Tissue, hours: float, period_h: float) -> np.ndarray:
    """Move every cell for `hours`; return the displacement in um : (n, 3)."""
    start = np.array(np.unravel_index(tissue["cell.site"], tissue.lattice.shape)).T
    for step in range(round(hours / period_h)):
        migration.step(tissue, Key(1, round(step * period_h), period_h))
        target = tissue["cell.move_target"]
        tissue["cell.site"][...] = np.where(target >= 0, target, tissue["cell.site"])
        target[...] = -1
    stop = np.array(np.unravel_index(tissue["cell.site"], tissue.lattice.shape)).T
    return (stop - start) * np.array(tissue.lattice.spacing_um)


@pytest.mark.parametrize(("width", "period_h"), [(25.0, 6.0), (100.0, 6.0), (50.0, 24.0)])
def test_a_gradient_sensed_without_doubt_carries_precursors_1881_um_in_a_week(
    width: float, period_h: float
) -> None:
    """The distance of the source, whatever the voxel and the period, along the gradient and not across it."""
    migration = Migration(Migration.Params(sensing_samples=1e10, pressure_speed=0.0))
    long = round(6000.0 / width)
    tissue = in_field(migration, (1, 40, long), width, lambda x, y, z: np.exp(z / 1000.0) + 0.0 * y)
    put(tissue, np.full(1000, 20 * long + long // 4))
    moved = travel(migration, tissue, 168.0, period_h)
    error = 4.0 * moved.std(axis=0) / np.sqrt(1000)
    assert moved[:, 2].mean() == pytest.approx(11.2 * 168.0, abs=error[2])
    assert moved[:, 2].mean() == pytest.approx(1881.0, abs=error[2] + 1.0)
    assert abs(moved[:, 1].mean()) < error[1]
    assert (moved[:, 1] ** 2).mean() == pytest.approx(2.0 * spread_of(1.2) * 168.0, rel=0.2)


def test_no_gradient_no_drift_and_full_receptors_read_little() -> None:
    drifts = []
    for level in (lambda z: 1.0, lambda z: np.exp(z / 500.0), lambda z: 1e4 * np.exp(z / 500.0)):
        migration = Migration(Migration.Params(pressure_speed=0.0))
        tissue = in_field(migration, (1, 24, 160), 50.0, lambda x, y, z, level=level: level(z) + 0.0 * y)
        put(tissue, np.full(2000, 12 * 160 + 60))
        moved = travel(migration, tissue, 48.0, 6.0)[:, 2]
        drifts.append((moved.mean(), 4.0 * moved.std() / np.sqrt(2000)))
    assert abs(drifts[0][0]) < drifts[0][1]
    assert drifts[1][0] > 100.0
    assert abs(drifts[2][0]) < drifts[2][1] + 1.0


@pytest.mark.parametrize("width", [5.0, 25.0, 200.0])
@pytest.mark.parametrize("period_h", [1.0, 6.0, 48.0])
@pytest.mark.parametrize("shape", [(8, 8, 16), (1, 8, 16)])
def test_no_direction_of_the_gradient_makes_a_chance_above_one(
    width: float, period_h: float, shape: tuple[int, int, int]
) -> None:
    migration = Migration(Migration.Params(precursor_speed=2.0))
    tissue = in_field(migration, shape, width, lambda x, y, z: 1.0 + 0.0 * z)
    motion = migration.motion(period_h, shape, (width, width, width))
    attraction = migration.attraction(tissue, period_h, motion.pieces)
    space: Any = cell.Space(*([None] * 6), shape, (width, width, width))
    row = int(CellKind.PRECURSOR)
    assert (attraction.pieces > motion.pieces).tolist() == [kind == row for kind in range(6)]
    dt_h = period_h / int(attraction.pieces[row])
    open_axes = [axis for axis in range(3) if shape[axis] > 1]
    for direction in ([1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.3, -0.8, 0.1]):
        vector = np.array(direction)[open_axes]
        vector *= 11.2 / np.linalg.norm(vector)
        total = 0.0
        for axis, speed in zip(open_axes, vector, strict=True):
            up, down, pushed = cell_motion.hop_chances(row, axis, float(speed), space, motion, dt_h)
            assert (up - down) * width == pytest.approx(speed * dt_h)
            total += up + down + 2.0 * pushed
        assert total <= 1.0 + 1e-12
