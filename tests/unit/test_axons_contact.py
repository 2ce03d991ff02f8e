"""Synapses: who connects and how fast, what is pruned, what the relay counts say."""

from __future__ import annotations

import numpy as np
import pytest

from axon_support import add_cones, cord_of
from cordgraft.core.contract import Key
from cordgraft.processes.contact import Contact
from cordgraft.state.axons import AxonState, ConeState, SynapseKind, Tract
from cordgraft.state.cells import CellKind
from cordgraft.state.lines import line_number
from cordgraft.state.tissue import Tissue

SPHERE = 4.0 / 3.0 * np.pi * 20.0**3
#: Cord in the box of three reaches round a cone of a section whose slab is 50 um thick.
BOX_UM3 = 50.0 * 60.0**2


def contact(**changes: float) -> Contact:
    return Contact(Contact.Params(**changes))


def cord(process: Contact, tissue_class: str = "graft", days: float = 800.0) -> Tissue:
    tissue = cord_of(tissue_class, (process,), shape=(1, 24, 64), days=days, whole=True)
    tissue.set_scalar("lesion_rostral_um", 300.0)
    tissue.set_scalar("lesion_caudal_um", -300.0)
    return tissue


def add_neurons(tissue: Tissue, n: int, line: str = "201B7-like", kind: CellKind = CellKind.NEURON) -> None:
    """Neurons in the voxel whose middle is the point (0, 25, 25)."""
    site = int(np.ravel_multi_index((0, 12, 32), tissue.lattice.shape))
    first = len(tissue.cells) + 1
    tissue.cells.add(
        n, id=np.arange(first, first + n), weight=1.0, site=site, kind=int(kind), line=line_number(line)
    )


def run(process: Contact, tissue: Tissue, days: int, first: int = 0, step: int = 1) -> None:
    for day in range(first, first + days, step):
        process.step(tissue, Key(1, 24 * day, 24.0 * step))


@pytest.mark.parametrize("step", [1, 5])
@pytest.mark.parametrize(
    ("tract", "line", "identity"),
    [
        (Tract.CORTICOSPINAL, "201B7-like", 1.0),
        (Tract.CORTICOSPINAL, "forebrain-like", 0.1),
        (Tract.PROPRIOSPINAL, "forebrain-like", 1.0),
    ],
)
def test_host_axons_connect_to_grafted_neurons_at_their_rate(
    tract: Tract, line: str, identity: float, step: int
) -> None:
    process = contact(connect_rate=0.05, graft_sites=1e5)
    tissue = cord(process)
    add_neurons(tissue, 3, line)
    n = 4000
    add_cones(tissue, n, origin=0, point=(0.0, 25.0, 25.0), tract=int(tract), weight=7.0)
    run(process, tissue, 10, step=step)
    reach = 1.0 - (1.0 - SPHERE / BOX_UM3) ** 3
    expected = 1.0 - np.exp(-0.05 * identity * reach * 10.0)
    made = len(tissue.synapses)
    assert made / n == pytest.approx(expected, abs=4.0 * np.sqrt(expected / n))
    assert (tissue["synapse.kind"] == SynapseKind.HOST_TO_GRAFT).all()
    assert np.isin(tissue["synapse.partner"], [1, 2, 3]).all()
    assert tissue.scalar(f"relay_input_{tract.name.lower()}") == pytest.approx(7.0 * made)
    connected = tissue["cone.state"] == ConeState.CONNECTED
    assert connected.sum() == made
    assert (tissue["fibre.state"][tissue["cone.fibre"][connected]] == AxonState.CONNECTED).all()
    assert (tissue["fibre.connected_tick"][tissue["cone.fibre"][connected]] >= 0).all()


@pytest.mark.parametrize("kind", [CellKind.PRECURSOR, CellKind.ASTROCYTE])
def test_only_neurons_are_partners(kind: CellKind) -> None:
    process = contact(connect_rate=24.0)
    tissue = cord(process)
    add_neurons(tissue, 50, kind=kind)
    add_cones(tissue, 100, origin=0, point=(0.0, 25.0, 25.0))
    run(process, tissue, 3)
    assert len(tissue.synapses) == 0


def test_a_neuron_takes_up_only_so_many() -> None:
    process = contact(connect_rate=0.2, graft_sites=6.0)
    tissue = cord(process)
    add_neurons(tissue, 2)
    add_cones(tissue, 200, origin=0, point=(0.0, 25.0, 25.0))
    run(process, tissue, 300)
    # The cones of one step do not see each other: a little surplus at most.
    assert 12 <= len(tissue.synapses) <= 24
    assert len(np.unique(tissue["synapse.partner"])) == 2


def test_graft_axons_connect_in_host_grey_only() -> None:
    process = contact(connect_rate=0.05, host_sites=1e5, connected_loss=0.0)
    n = 4000
    for tissue_class, share in (("grey", 1.0), ("white", 0.0), ("graft", 0.0)):
        tissue = cord(process, tissue_class)
        add_neurons(tissue, 1)
        add_cones(tissue, n, origin=1, point=(0.0, 10.0, -800.0), owner=1, weight=3.0)
        run(process, tissue, 10)
        reach = 1.0 - np.exp(-5e-5 * share * SPHERE)
        expected = 1.0 - np.exp(-0.05 * reach * 10.0)
        made = len(tissue.synapses)
        assert made / n == pytest.approx(expected, abs=4.0 * np.sqrt(expected / n))
        assert tissue.scalar("relay_output_caudal") == pytest.approx(3.0 * made)
        assert tissue.scalar("relay_output_rostral") == 0.0


def test_regrown_host_axons_connect_only_beyond_the_lesion() -> None:
    process = contact(connect_rate=24.0, host_sites=1e5)
    tissue = cord(process, "grey")
    descending, ascending = int(Tract.RETICULOSPINAL), int(Tract.GRACILE)
    for tract, direction in ((descending, -1), (ascending, 1)):
        for z in (-500.0, 0.0, 500.0):
            add_cones(
                tissue, 10, origin=0, point=(0.0, 10.0, z), tract=tract, direction=direction, weight=2.0
            )
    run(process, tissue, 20)
    assert (tissue["synapse.kind"] == SynapseKind.HOST_TO_HOST).all()
    z, tract = tissue["synapse.z"], tissue["synapse.tract"]
    assert (z[tract == descending] == -500.0).all() and (z[tract == ascending] == 500.0).all()
    assert tissue.scalar("regrown_reticulospinal") == pytest.approx(1.0 / 3.0)
    assert tissue.scalar("regrown_gracile") == pytest.approx(1.0 / 3.0)
    assert tissue.scalar("regrown_corticospinal") == 0.0


def test_unconnected_graft_axons_fade_with_their_half_life() -> None:
    process = contact(prune_after=90.0, prune_half_life=180.0)
    tissue = cord(process, "white")
    n = 4000
    add_cones(tissue, n, origin=1, owner=1)
    add_neurons(tissue, 1)
    run(process, tissue, 90)
    assert (tissue["fibre.state"] != AxonState.LOST).all(), "none before day 90"
    run(process, tissue, 180, first=90)
    left = (tissue["fibre.state"] != AxonState.LOST).mean()
    assert left == pytest.approx(0.5, abs=4.0 * 0.5 / np.sqrt(n))
    assert len(tissue.cones) == round(left * n)
    gone = tissue["fibre.state"] == AxonState.LOST
    np.testing.assert_array_equal(gone[tissue["segment.fibre"]], tissue["segment.lost_tick"] >= 0)


def test_connected_graft_axons_fade_by_one_percent_a_month() -> None:
    process = contact(connected_loss=0.01)
    tissue = cord(process, "white")
    n = 10000
    add_cones(tissue, n, origin=1, owner=1, connected_tick=0, state=int(AxonState.CONNECTED))
    tissue["cone.state"][...] = ConeState.CONNECTED
    add_neurons(tissue, 1)
    run(process, tissue, 300, step=10)
    left = (tissue["fibre.state"] != AxonState.LOST).mean()
    expected = 0.99**10
    assert left == pytest.approx(expected, abs=4.0 * np.sqrt(expected * (1 - expected) / n))


def test_host_fibres_are_never_pruned() -> None:
    process = contact(prune_half_life=1.0)
    tissue = cord(process, "white")
    add_cones(tissue, 100, origin=0)
    run(process, tissue, 200, step=10)
    assert (tissue["fibre.state"] != AxonState.LOST).all()


def test_a_synapse_goes_with_its_neuron_and_its_cone_is_free_again() -> None:
    process = contact(connect_rate=24.0, graft_sites=1e5)
    tissue = cord(process)
    add_neurons(tissue, 2)
    add_cones(tissue, 200, origin=0, point=(0.0, 25.0, 25.0))
    run(process, tissue, 30)
    orphans = int((tissue["synapse.partner"] == 1).sum())
    assert 0 < orphans < len(tissue.synapses)
    tissue.cells.keep(tissue["cell.id"] == 2)
    still = contact(connect_rate=0.0)
    run(still, tissue, 1, first=40)
    np.testing.assert_array_equal(tissue["synapse.lost_tick"] == 40 * 24, tissue["synapse.partner"] == 1)
    free = tissue["cone.state"] == ConeState.PAUSED
    assert free.sum() == orphans
    assert (tissue["fibre.state"][tissue["cone.fibre"][free]] == AxonState.GROWING).all()
    assert (tissue["fibre.connected_tick"][tissue["cone.fibre"][free]] == -1).all()


def test_relays_mature_with_the_age_of_the_graft() -> None:
    process = contact()
    tissue = cord(process)
    process.step(tissue, Key(1, 0, 24.0))
    assert tissue.scalar("relay_maturity") == 0.0
    add_neurons(tissue, 4, "forebrain-like")
    process.step(tissue, Key(1, 240 * 24, 24.0))
    assert tissue.scalar("relay_maturity") == pytest.approx(0.5)
    assert tissue.scalar("relay_identity") == pytest.approx(0.1)


def test_without_axons_only_the_counts_are_written() -> None:
    process = contact()
    tissue = cord(process, "white")
    before = tissue.snapshot()
    run(process, tissue, 5)
    assert tissue.changed(before) == []


def test_contacts_do_not_depend_on_the_order_of_rows() -> None:
    def made(shuffled: bool) -> set[tuple[int, int, int]]:
        process = contact(connect_rate=0.5)
        tissue = cord(process)
        add_neurons(tissue, 5)
        add_cones(tissue, 300, origin=0, point=(0.0, 25.0, 25.0))
        if shuffled:
            tissue.cones.reorder(np.random.default_rng(2).permutation(300))
            tissue.cells.reorder(np.array([3, 1, 4, 0, 2]))
        run(process, tissue, 8)
        columns = ("cone", "partner", "made_tick")
        return set(zip(*(tissue[f"synapse.{name}"].tolist() for name in columns), strict=True))

    assert made(False) == made(True)
    assert len(made(False)) > 20
