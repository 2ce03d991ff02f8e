"""What grafted cells make of their surroundings: graft tissue, trophic factor, matrix."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.contract import Key
from cordgraft.processes.graft_tissue import TAKEN, GraftTissue
from cordgraft.processes.secretion import Secretion
from cordgraft.state.cells import CellKind
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare, pack, put

VOXEL = 12 * 64 + 30


def apply(tissue: Tissue) -> None:
    """Move what was asked for."""
    for transfer in tissue.transfers:
        asked = tissue[transfer.name]
        assert (asked >= 0.0).all()
        assert (asked <= tissue[f"fraction.{transfer.source}"] + 1e-12).all(), transfer.name
        tissue[f"fraction.{transfer.source}"][...] -= asked
        tissue[f"fraction.{transfer.target}"][...] += asked
        asked[...] = 0.0


def step(tissue: Tissue, process: GraftTissue, times: int, dt_h: float = 6.0) -> None:
    for tick in range(times):
        process.step(tissue, Key(1, tick, dt_h))
        apply(tissue)


@pytest.mark.parametrize("dt_h", [1.0, 6.0, 24.0])
def test_cells_become_tissue_with_the_time_constant(dt_h: float) -> None:
    process = GraftTissue()
    tissue = bare([process])
    put(tissue, np.full(12, VOXEL))
    step(tissue, process, round(48.0 / dt_h), dt_h)
    share = 12.0 / tissue["map.cell_capacity"].reshape(-1)[VOXEL]
    assert share == pytest.approx(0.4)
    graft = tissue["fraction.graft"].reshape(-1)
    assert graft[VOXEL] == pytest.approx(share * -np.expm1(-1.0))
    assert np.count_nonzero(graft) == 1
    assert tissue["fraction.necrosis"].reshape(-1)[VOXEL] == pytest.approx(1.0 - graft[VOXEL])


def test_host_tissue_is_never_turned_into_graft() -> None:
    process = GraftTissue()
    tissue = bare([process], dead=False)
    tissue["fraction.scar"][...] = 0.3 * tissue["fraction.white"]
    tissue["fraction.white"][...] *= 0.5
    tissue["fraction.cavity"][...] = 0.2 * tissue["map.cord"] * (tissue["map.white"] > 0)
    rest = ("white", "grey", "scar")
    before = {name: tissue[f"fraction.{name}"].copy() for name in rest}
    cavity = tissue["fraction.cavity"].copy()
    pack(tissue)
    put(tissue, np.repeat(np.flatnonzero(tissue["map.cord"]), 40))
    step(tissue, process, 200)
    for name in rest:
        assert tissue[f"fraction.{name}"].tobytes() == before[name].tobytes()
    np.testing.assert_allclose(tissue["fraction.graft"], cavity, atol=1e-9)


def test_room_is_taken_in_order_and_nothing_is_lost() -> None:
    process = GraftTissue()
    tissue = bare([process])
    for name in TAKEN:
        tissue[f"fraction.{name}"][...] = 0.25 * tissue["map.cord"]
    put(tissue, np.full(12, VOXEL))
    step(tissue, process, 400)
    left = {name: tissue[f"fraction.{name}"].reshape(-1)[VOXEL] for name in TAKEN}
    assert left["cavity"] == pytest.approx(0.0, abs=1e-9)
    assert left["csf"] == pytest.approx(0.1, abs=1e-6)
    assert left["blood"] == left["necrosis"] == 0.25
    total = sum(tissue[name] for name in tissue.names() if name.startswith("fraction."))
    np.testing.assert_allclose(total, tissue["map.cord"], atol=1e-12)


def test_cells_that_die_become_dead_tissue_and_cells_that_leave_leave_fluid() -> None:
    process = GraftTissue()
    tissue = bare([process])
    put(tissue, np.full(12, VOXEL))
    step(tissue, process, 400)
    tissue.cells.keep(np.arange(12) < 9)
    tissue["density.cells"].reshape(-1)[VOXEL] = 9.0
    tissue["density.graft_deaths"].reshape(-1)[VOXEL] = 3.0
    step(tissue, process, 1)
    graft, necrosis = tissue["fraction.graft"].reshape(-1), tissue["fraction.necrosis"].reshape(-1)
    assert (graft[VOXEL], necrosis[VOXEL]) == (pytest.approx(0.3), pytest.approx(0.7))
    assert not tissue["density.graft_deaths"].any()
    tissue["density.cells"].reshape(-1)[VOXEL] = 6.0
    step(tissue, process, 400)
    assert graft[VOXEL] == pytest.approx(0.2)
    assert tissue["fraction.cavity"].reshape(-1)[VOXEL] == pytest.approx(0.1)
    # coming back takes that fluid first: cells that come and go leave no trace
    tissue["density.cells"].reshape(-1)[VOXEL] = 9.0
    step(tissue, process, 400)
    assert tissue["fraction.cavity"].reshape(-1)[VOXEL] == pytest.approx(0.0, abs=1e-9)
    assert necrosis[VOXEL] == pytest.approx(0.7)


def test_without_cells_nothing_changes() -> None:
    processes = [GraftTissue(), Secretion()]
    tissue = bare(processes)
    before = tissue.snapshot()
    for process in processes:
        process.step(tissue, Key(1, 0, 6.0))
    assert tissue.changed(before) == []


def test_release_adds_up_in_units_of_the_dissociation_constant() -> None:
    """10 K_d where packed astrocytes meet the decay: source over decay, and the sum over cells."""
    process = Secretion()
    tissue = bare([process])
    pack(tissue, CellKind.ASTROCYTE)
    process.step(tissue, Key(1, 0, 1.0))
    source = tissue["source.trophic"]
    decay = tissue.coefficients["trophic"][1]
    inside = tissue["map.volume"] == 1.0
    packed = tissue["density.cells"] / tissue["map.cell_capacity"].max()
    np.testing.assert_allclose(source[inside] / decay, 10.0 * packed[inside], rtol=0.01)
    per_cell = process.params.output / (50e-5 * 50e-5 * 50e-5) / (process.params.affinity * 1e-9)
    assert source.sum() == pytest.approx(len(tissue.cells) * per_cell, rel=1e-9)
    process.step(tissue, Key(1, 1, 1.0))
    assert source.sum() == pytest.approx(2.0 * len(tissue.cells) * per_cell, rel=1e-9)


def test_kinds_release_what_they_should() -> None:
    released = {}
    for kind in CellKind:
        process = Secretion()
        tissue = bare([process])
        put(tissue, np.full(7, VOXEL), kind)
        process.step(tissue, Key(1, 0, 1.0))
        released[kind] = tissue["source.trophic"].reshape(-1)[VOXEL]
        assert np.count_nonzero(tissue["source.trophic"]) == (released[kind] > 0.0)
        laid = tissue["density.graft_matrix_rate"].reshape(-1)[VOXEL]
        assert laid == pytest.approx(0.1 / 24.0 * 7.0 / 30.0 if kind == CellKind.ASTROCYTE else 0.0)
    one = released[CellKind.ASTROCYTE]
    assert [released[kind] / one for kind in CellKind] == pytest.approx([0.0, 0.3, 0.2, 1.0, 0.0])


def test_a_section_and_a_volume_have_the_same_concentration() -> None:
    """The slab holds its own cells; the weight of a cell, which stands for the whole cord, plays no part."""
    values = []
    for shape, weight in (((1, 24, 32), 16.0), ((8, 24, 32), 1.0)):
        process = Secretion()
        tissue = bare([process], shape)
        pack(tissue, CellKind.NEURON, weight=weight)
        process.step(tissue, Key(1, 0, 1.0))
        values.append(tissue["source.trophic"][shape[0] // 2, 12, 16])
    assert values[0] == pytest.approx(values[1], rel=0.05)
    assert values[0] > 0.0
