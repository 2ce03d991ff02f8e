"""New growth cones: of grafted neurons and of resting stumps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from axon_support import cord_of
from cordgraft.core.contract import Key
from cordgraft.processes.axon_emergence import AxonEmergence
from cordgraft.processes.axon_injury import AxonInjury
from cordgraft.state.axons import AxonState, ConeState, Tract
from cordgraft.state.cells import CellKind
from cordgraft.state.tissue import Tissue


def grafted(
    n: int = 2000, shape: tuple[int, int, int] = (1, 24, 64), kind: CellKind = CellKind.NEURON
) -> Tissue:
    tissue = cord_of("graft", shape=shape, days=60.0)
    sites = np.flatnonzero(tissue["map.cord"].ravel())
    tissue.cells.add(
        n,
        id=np.arange(1, n + 1),
        weight=20.0,
        site=sites[np.arange(n) % sites.size],
        kind=int(kind),
        committed_tick=24,
    )
    return tissue


def run(process: AxonEmergence, tissue: Tissue, days: int, first: int = 0) -> None:
    for day in range(first, first + days):
        process.step(tissue, Key(1, 24 * day, 24.0))


@pytest.mark.parametrize("shape", [(1, 24, 64), (12, 12, 32)], ids=["section", "volume"])
def test_a_share_of_neurons_sends_out_one_axon_each(shape: tuple[int, int, int]) -> None:
    process = AxonEmergence(AxonEmergence.Params(neuron_share=0.4, neuron_rate=0.5))
    n = 4000
    tissue = grafted(n, shape)
    run(process, tissue, 2)
    assert len(tissue.fibres) == 0, "too young"
    run(process, tissue, 1, first=2)
    assert len(tissue.fibres) / (0.4 * n) == pytest.approx(1.0 - np.exp(-0.5), abs=0.06)
    run(process, tissue, 30, first=3)
    assert len(tissue.fibres) == pytest.approx(0.4 * n, abs=4.0 * np.sqrt(0.24 * n))
    fibres, cones = tissue.fibres, tissue.cones
    assert len(np.unique(fibres["owner"])) == len(fibres) == len(np.unique(fibres["id"]))
    assert len(np.unique(cones["id"])) == len(cones)
    assert (fibres["tract"] == Tract.GRAFT).all()
    np.testing.assert_array_equal(fibres["weight"], 20.0)
    # Each starts inside the voxel of its neuron, in a random direction of the plane or of space.
    lattice = tissue.lattice
    at = np.stack([cones[axis] for axis in "xyz"])
    voxel = np.floor(
        (at - np.array(lattice.origin_um)[:, None]) / np.array(lattice.spacing_um)[:, None] + 0.5
    ).astype(int)
    site = dict(zip(tissue["cell.id"].tolist(), tissue["cell.site"].tolist(), strict=True))
    owner = fibres["owner"][cones["fibre"]]
    assert [site[int(o)] for o in owner] == np.ravel_multi_index(tuple(voxel), shape).tolist()
    heading = np.stack([cones["hx"], cones["hy"], cones["hz"]])
    np.testing.assert_allclose((heading**2).sum(axis=0), 1.0)
    np.testing.assert_allclose(heading.mean(axis=1), 0.0, atol=4.0 / np.sqrt(len(cones)))
    free = [axis for axis in range(3) if shape[axis] > 1]
    for axis in range(3):
        mean_square = (heading[axis] ** 2).mean()
        assert mean_square == pytest.approx(1.0 / len(free) if axis in free else 0.0, abs=0.04)


@pytest.mark.parametrize("kind", [CellKind.PRECURSOR, CellKind.ASTROCYTE, CellKind.OLIGODENDROCYTE])
def test_only_neurons_have_axons(kind: CellKind) -> None:
    tissue = grafted(kind=kind)
    run(AxonEmergence(), tissue, 20)
    assert len(tissue.fibres) == 0


def test_without_graft_and_stumps_nothing_changes() -> None:
    tissue = cord_of("white")
    before = tissue.snapshot()
    run(AxonEmergence(), tissue, 5)
    assert tissue.changed(before) == []


def test_an_axon_dies_with_its_neuron() -> None:
    process = AxonEmergence(AxonEmergence.Params(neuron_share=1.0, neuron_rate=10.0))
    tissue = grafted(50)
    run(process, tissue, 4)
    assert len(tissue.fibres) == len(tissue.cones) == 50
    tissue.synapses.add(50, fibre=np.arange(50), weight=20.0)
    dead = np.isin(tissue["cell.id"], (7, 30))
    tissue.cells.keep(~dead)
    run(process, tissue, 1, first=5)
    lost = tissue["fibre.state"] == AxonState.LOST
    assert sorted(tissue["fibre.owner"][lost].tolist()) == [7, 30]
    assert len(tissue.cones) == 48
    assert not lost[tissue["cone.fibre"]].any()
    np.testing.assert_array_equal(tissue["segment.lost_tick"] == 120, lost[tissue["segment.fibre"]])
    np.testing.assert_array_equal(tissue["synapse.lost_tick"] == 120, lost[tissue["synapse.fibre"]])
    run(process, tissue, 3, first=6)
    assert len(tissue.fibres) == 50, "no second axon"


def test_who_projects_is_a_property_of_the_cell() -> None:
    """Other cells, another order of rows: the same neurons send out their axons in the same step."""
    process = AxonEmergence()
    one = grafted(400)
    two = grafted(800)
    two.cells.reorder(np.random.default_rng(1).permutation(800))
    run(process, one, 10)
    run(process, two, 10)
    born = {int(o): int(t) for o, t in zip(two["fibre.owner"], two["fibre.born_tick"], strict=True)}
    ours = {int(o): int(t) for o, t in zip(one["fibre.owner"], one["fibre.born_tick"], strict=True)}
    assert ours == {owner: tick for owner, tick in born.items() if owner <= 400}
    assert ours


def _severed(macrophages: float) -> Tissue:
    numbers: dict[str, Any] = {f"{n}_simulated": 200 for n in ("corticospinal", "gracile")}
    numbers |= {f"{n}_simulated": 0 for n in ("reticulospinal", "propriospinal", "spinothalamic")}
    injury = AxonInjury(AxonInjury.Params(**numbers))
    tissue = cord_of("white", (injury,), shape=(1, 24, 96), days=60.0)
    near = (np.abs(tissue.lattice.axis_um(2)) < 300.0) & (tissue["map.cord"] > 0)
    tissue["map.impact"][...] = near
    tissue["map.severity"][...] = near
    for tick in range(0, 48, 6):
        injury.step(tissue, Key(1, tick, 6.0))
    tissue["density.macrophages_pro"][...] = macrophages * tissue["map.cord"]
    return tissue


@pytest.mark.parametrize("macrophages", [0.0, 0.2, 2.0])
def test_resting_stumps_sprout_where_it_is_calm(macrophages: float) -> None:
    tissue = _severed(macrophages)
    resting = int((tissue["fibre.state"] == AxonState.DORMANT).sum())
    assert resting == 400
    run(AxonEmergence(), tissue, 5, first=2)
    rate = 0.14 / (1.0 + (macrophages / 0.2) ** 2)
    expected = 1.0 - np.exp(-rate * 5.0)
    assert len(tissue.cones) / resting == pytest.approx(expected, abs=4.0 * np.sqrt(expected / resting))
    cones, fibre = tissue.cones, tissue["cone.fibre"]
    np.testing.assert_array_equal(cones["hz"], tissue["fibre.direction"][fibre])
    np.testing.assert_allclose(cones["z"], tissue["fibre.stump_um"][fibre])
    np.testing.assert_array_equal(tissue["segment.parent"][cones["base"]], tissue["fibre.stump"][fibre])
    assert (tissue["fibre.state"][fibre] == AxonState.GROWING).all()
    assert (cones["state"] == ConeState.ACTIVE).all()
