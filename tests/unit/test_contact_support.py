"""Support of host tissue by contact with grafted cells: how much, by whom, and what it helps."""

from __future__ import annotations

import numpy as np
import pytest

from axon_support import PLAIN, add_cones, cord_of
from cordgraft.core.contract import ArraySpec, Key
from cordgraft.processes.at_risk import AtRisk
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.processes.contact import Contact
from cordgraft.processes.contact_support import ContactSupport
from cordgraft.processes.function_index import FunctionIndex
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.processes.oxygen import Oxygen
from cordgraft.processes.tissue_transfer import TissueTransfer
from cordgraft.state.cells import CellKind
from cordgraft.state.growth_land import CONTACT_SUPPORT
from cordgraft.state.lines import line_number
from cordgraft.state.tissue import Tissue
from graft_support import bare, pack, put
from support import make_tissue

VOXEL = 12 * 64 + 32
SPINAL, FOREBRAIN = line_number("201B7-like"), line_number("forebrain-like")
BALL = 4.0 / 3.0 * np.pi * 20.0**3


def support(process: ContactSupport, tissue: Tissue) -> np.ndarray:
    process.step(tissue, Key(1, 0, 6.0))
    return tissue[CONTACT_SUPPORT].copy()


def of_cells(kind: CellKind, number: int, line: int = SPINAL, **params: float) -> float:
    """Return the support in a voxel of 50 um that holds some cells; everywhere else there is none."""
    process = ContactSupport(ContactSupport.Params(**params))
    tissue = bare([process])
    put(tissue, np.full(number, VOXEL), kind, line=line)
    found = support(process, tissue).reshape(-1)
    assert np.count_nonzero(np.delete(found, VOXEL)) == 0
    return float(found[VOXEL])


@pytest.mark.parametrize("number", [1, 4, 30])
def test_it_is_the_chance_that_a_cell_is_within_reach(number: int) -> None:
    per_voxel = BALL / 50.0**3 * bare([ContactSupport()]).setting.cells_per_agent
    assert of_cells(CellKind.NEURON, number) == pytest.approx(1.0 - np.exp(-number * per_voxel))
    assert of_cells(CellKind.NEURON, number, limit=0.4) == pytest.approx(
        0.4 * of_cells(CellKind.NEURON, number)
    )
    half = of_cells(CellKind.NEURON, number, reach=10.0)
    assert half == pytest.approx(1.0 - np.exp(-number * per_voxel / 8.0))


def test_neurons_and_astrocytes_support_and_nobody_else() -> None:
    found = {kind: of_cells(kind, 5) for kind in CellKind}
    assert found[CellKind.NEURON] == found[CellKind.ASTROCYTE] > 0.5
    assert {kind for kind, value in found.items() if value > 0.0} == {CellKind.NEURON, CellKind.ASTROCYTE}


def test_identity_counts() -> None:
    spinal, forebrain = (of_cells(CellKind.NEURON, 6, line) for line in (SPINAL, FOREBRAIN))
    assert forebrain == pytest.approx(0.1 * spinal)
    process = ContactSupport()
    tissue = bare([process])
    put(tissue, np.full(6, VOXEL), CellKind.NEURON, line=[SPINAL] * 3 + [FOREBRAIN] * 3)
    assert support(process, tissue).reshape(-1)[VOXEL] == pytest.approx(0.55 * spinal)


def test_the_order_of_the_cells_is_of_no_consequence() -> None:
    found = []
    for step in (1, -1):
        process = ContactSupport()
        tissue = bare([process])
        rng = np.random.default_rng(2)
        sites, kinds, lines = rng.integers(0, 40, 500), rng.integers(0, 5, 500), rng.integers(0, 6, 500)
        tissue.cells.add(
            500, id=np.arange(1, 501), site=sites[::step], kind=kinds[::step], line=lines[::step]
        )
        found.append(support(process, tissue).tobytes())
    assert found[0] == found[1]


def test_a_section_and_a_volume_agree() -> None:
    found = []
    for shape, weight in (((1, 24, 32), 16.0), ((8, 24, 32), 1.0)):
        process = ContactSupport()
        tissue = bare([process], shape)
        pack(tissue, CellKind.NEURON, weight=weight)
        found.append(support(process, tissue)[shape[0] // 2, 12, 16])
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0] > 0.5


def test_it_goes_with_the_cells() -> None:
    process = ContactSupport()
    tissue = bare([process])
    put(tissue, np.full(6, VOXEL), CellKind.ASTROCYTE)
    assert support(process, tissue).any()
    tissue.cells.keep(np.zeros(6, dtype=np.bool_))
    assert not support(process, tissue).any()


# --------------------------------------------------------------------------------------- what it helps
def saved(contact: float | None, trophic: float = 0.0) -> float:
    """Return the share of white matter at risk that is alive after three weeks; without the mechanism for None."""
    process = AtRisk()
    processes = [
        Inflammation(),
        Oxygen(),
        process,
        TissueTransfer(),
        *([] if contact is None else [ContactSupport()]),
    ]
    tissue = make_tissue(processes, (1, 4, 16), extra=[ArraySpec("field.trophic", "1", "b")], prepare=False)
    tissue["map.cord"][...] = 1
    for kind in ("white", "grey"):
        tissue[f"fraction.{kind}"][...] = 0.5
        tissue[f"density.at_risk_{kind}"][...] = 0.4
    tissue["field.oxygen"][...] = 20.0
    tissue["field.trophic"][...] = trophic
    if contact is not None:
        tissue[CONTACT_SUPPORT][...] = contact
    for tick in range(21 * 24):
        process.step(tissue, Key(1, tick, 1.0))
        TissueTransfer().step(tissue, Key(1, tick, 1.0))
    return 1.0 - (0.5 - float(tissue["fraction.white"].mean())) / 0.4


def test_it_saves_tissue_at_risk_beside_the_factor_and_no_more_than_all_of_it() -> None:
    assert saved(0.5) == pytest.approx(0.7 + 0.3 * 0.5, abs=1e-3)
    assert saved(0.25, trophic=1.0) == pytest.approx(0.7 + 0.3 * 0.75, abs=1e-3)
    assert saved(0.9, trophic=1.0) == pytest.approx(1.0, abs=1e-3)
    assert saved(0.0, trophic=1.0) == saved(None, trophic=1.0)


def plasticity(contact: float | None, trophic: float) -> float:
    process = FunctionIndex(FunctionIndex.Params(nets_return=0.0))
    more = () if contact is None else (ContactSupport(),)
    tissue = cord_of("white", (Contact(), MassEffect(), *more, process), shape=(1, 12, 64), days=500.0)
    tissue["field.trophic"][...] = trophic * tissue["map.cord"]
    if contact is not None:
        tissue[CONTACT_SUPPORT][...] = contact * tissue["map.cord"]
    tissue.set_scalar("nets", 0.0)
    process.step(tissue, Key(1, 0, 24.0 * 1e5))
    span = 1.0 - np.exp(-750.0 / tissue.setting.segment_um)
    return (tissue.scalar("plasticity") - 0.5) / (0.3 * span)


def test_it_raises_the_limit_of_plasticity() -> None:
    assert plasticity(0.3, 1.0) == pytest.approx(0.8)
    assert plasticity(0.7, 1.0) == pytest.approx(1.0)
    assert plasticity(0.0, 1.0) == plasticity(None, 1.0) == pytest.approx(0.5)


def growth(contact: float | None, origin: int, trophic: float = 0.0) -> float:
    """Return the growth product of a cone of full capacity that nothing else pulls or holds back."""
    process = AxonGrowth(AxonGrowth.Params(**{**PLAIN, "cue_young_graft": 0.0, "cue_intact": 0.0}))
    tissue = cord_of("grey", [process, *([] if contact is None else [ContactSupport()])])
    tissue["field.trophic"][...] = trophic * tissue["map.cord"]
    if contact is not None:
        tissue[CONTACT_SUPPORT][...] = contact * tissue["map.cord"]
    add_cones(tissue, 1, origin, capacity=1e9)
    process.step(tissue, Key(1, 0, 4.0))
    return float(tissue["cone.growth"][0])


def test_it_feeds_growth_cones_of_the_host_and_not_those_of_the_graft() -> None:
    host = growth(0.0, 0)
    assert host == pytest.approx(0.2)
    assert growth(1.0, 0) == pytest.approx(host / 0.2)
    assert growth(0.5, 0) == pytest.approx(host / 0.2 * 0.6)
    assert growth(0.25, 0, trophic=1.0) == pytest.approx(host / 0.2 * (0.2 + 0.8 * 0.75))
    assert growth(0.0, 0, trophic=1.0) == growth(None, 0, trophic=1.0)
    assert growth(1.0, 1, trophic=1.0) == growth(None, 1, trophic=1.0) > 0.0
