"""Partners of growth cones: what is in reach, and what is free, is the same for any voxel and simulated number."""

from __future__ import annotations

import numpy as np
import pytest

from axon_support import add_cones, cord_of
from cordgraft.core.lattice import Lattice
from cordgraft.processes.contact import Contact
from cordgraft.state.axons import SynapseKind
from cordgraft.state.boxes import Boxes
from cordgraft.state.cells import CellKind
from cordgraft.state.partners import chance_of_a_neuron, free_on_graft, free_on_host, picked
from cordgraft.state.tissue import Tissue

SPHERE = 4.0 / 3.0 * np.pi * 20.0**3
SLAB_UM = 50.0


def section(
    voxel_um: float, size_um: tuple[float, float], agents: int = 1, tissue_class: str = "grey"
) -> Tissue:
    """A section of a square cord of one kind of tissue, 50 um thick."""
    shape = (1, round(size_um[0] / voxel_um), round(size_um[1] / voxel_um))
    spacing = (SLAB_UM, voxel_um, voxel_um)
    return cord_of(tissue_class, (Contact(),), shape, spacing, whole=True, cells_per_agent=agents)


def strewn(tissue: Tissue, seed: int, density: float) -> np.ndarray:
    """Return how many simulated neurons each voxel holds when neurons of some density (1/um3) are strewn at random."""
    rng = np.random.default_rng(seed)
    mean = density * tissue.lattice.voxel_um3 / tissue.setting.cells_per_agent
    return rng.poisson(mean, tissue.lattice.size)


@pytest.mark.parametrize("agents", [1, 2, 5])
@pytest.mark.parametrize("voxel_um", [12.5, 25.0, 50.0, 100.0])
@pytest.mark.parametrize("expected", [0.1, 1.0])
def test_the_chance_of_a_partner_depends_on_the_density_alone(
    voxel_um: float, agents: int, expected: float
) -> None:
    """Mean of 1 - exp(-n V); cones so far apart that no two boxes share a voxel: independent of each other."""
    tissue = section(voxel_um, (2400.0, 24000.0), agents)
    half_y, half_z = (0.5 * tissue.lattice.extent_um[axis] for axis in (1, 2))
    apart = 200.0
    y, z = (
        part.ravel()
        for part in np.meshgrid(
            np.arange(-half_y + 100.0, half_y - 50.0, apart) + 7.0,
            np.arange(-half_z + 100.0, half_z - 50.0, apart) - 3.0,
            indexing="ij",
        )
    )
    boxes = Boxes(tissue.lattice, (np.zeros(y.size), y, z), 60.0)
    found = np.concatenate(
        [
            chance_of_a_neuron(tissue, boxes, strewn(tissue, seed, expected / SPHERE), SPHERE)
            for seed in range(10)
        ]
    )
    exact = -np.expm1(-expected)
    error = found.std(ddof=1) / np.sqrt(found.size)
    assert error < 0.025 * exact, "enough boxes that a bias of 10 % would be seen at four standard errors"
    assert abs(found.mean() - exact) < 4.0 * error


def test_a_volume_and_a_section_have_the_same_chance() -> None:
    means = []
    for shape, spacing in (((1, 96, 960), (SLAB_UM, 25.0, 25.0)), ((24, 96, 96), (25.0, 25.0, 25.0))):
        tissue = cord_of("grey", (Contact(),), shape, spacing, whole=True)
        rng = np.random.default_rng(3)
        half = [
            0.5 * extent - 60.0 if n > 1 else 0.0
            for extent, n in zip(tissue.lattice.extent_um, shape, strict=True)
        ]
        points = tuple(rng.uniform(-h, h, 4000) for h in half)
        boxes = Boxes(tissue.lattice, points, 60.0)
        chances = [
            chance_of_a_neuron(tissue, boxes, strewn(tissue, seed, 0.3 / SPHERE), SPHERE).mean()
            for seed in range(8)
        ]
        means.append((np.mean(chances), np.std(chances, ddof=1) / np.sqrt(8.0)))
    (a, error_a), (b, error_b) = means
    assert max(error_a, error_b) < 0.02 * a
    assert abs(a - b) < 4.0 * np.hypot(error_a, error_b)
    assert abs(a + np.expm1(-0.3)) < 4.0 * error_a + 0.01 * a


def test_a_box_holds_what_lies_in_it() -> None:
    lattice = Lattice((1, 4, 6), (50.0, 10.0, 10.0), (0.0, -15.0, -25.0))
    # y 5 to 25, cut off at 20; z -15 to 5
    boxes = Boxes(lattice, (np.zeros(1), np.array([15.0]), np.array([-5.0])), 20.0)
    amount = np.zeros(lattice.shape)
    amount[0, 2, 1] = 8.0  # y 0 to 10, z -20 to -10: a quarter of it
    amount[0, 3, 2] = 3.0  # y 10 to 20, z -10 to 0: all
    amount[0, 3, 3] = 2.0  # z 0 to 10: half
    amount[0, 0, 0] = 99.0
    assert boxes.total(amount.ravel()) == pytest.approx([8.0 / 4.0 + 3.0 + 2.0 / 2.0])
    whole = Boxes(lattice, (np.zeros(1), np.zeros(1), np.zeros(1)), 1e3)
    assert whole.total(np.ones(lattice.size)) == pytest.approx([lattice.size])


def test_partners_are_drawn_in_proportion_to_their_share() -> None:
    lattice = Lattice((1, 1, 4), (50.0, 50.0, 10.0), (0.0, 0.0, -15.0))
    n = 40_000
    # z -10 to 20 of voxels -20..-10, -10..0, 0..10, 10..20: shares 0, 1, 1, 1; then moved by 5
    boxes = Boxes(lattice, (np.zeros(n), np.zeros(n), np.full(n, 0.0)), 30.0)  # z -15 to 15
    in_voxel = np.array([2, 0, 3, 2])
    sites = np.array([0, 0, 2, 2, 2, 3, 3])
    shares = np.array([0.5, 0.5, 1.0, 1.0, 1.0, 0.5, 0.5])
    draws = (np.arange(n) + 0.5) / n * boxes.total(in_voxel)
    found = np.bincount(picked(boxes, in_voxel, draws, sites), minlength=sites.size) / n
    np.testing.assert_allclose(found, shares / shares.sum(), atol=2.0 / n)
    # rounding may carry a draw to the very end
    assert picked(boxes, in_voxel, boxes.total(in_voxel) * (1.0 + 1e-12), sites)[0] == 6


@pytest.mark.parametrize("split", [1, 2, 5])
def test_places_on_the_graft_are_taken_by_what_axons_and_cells_represent(split: int) -> None:
    """The same living cells and real axons, told by fewer or more simulated ones, leave the same places."""
    tissue = section(25.0, (600.0, 600.0), tissue_class="graft")
    site = int(np.ravel_multi_index((0, 12, 12), tissue.lattice.shape))
    neurons = 20 // split
    tissue.cells.add(
        neurons, id=np.arange(1, neurons + 1), weight=6.0 * split, site=site, kind=int(CellKind.NEURON)
    )
    add_cones(tissue, 1, origin=0)
    tissue.synapses.add(
        10 // split,
        kind=int(SynapseKind.HOST_TO_GRAFT),
        partner=1,
        weight=30.0 * split,
        fibre=0,
        lost_tick=-1,
    )
    boxes = Boxes(tissue.lattice, (np.zeros(1), np.full(1, 12.5), np.full(1, 12.5)), 60.0)
    assert free_on_graft(tissue, boxes, np.arange(neurons), 10.0) == pytest.approx([1.0 - 300.0 / 1200.0])


@pytest.mark.parametrize("split", [1, 2, 5])
@pytest.mark.parametrize("voxel_um", [12.5, 25.0])
def test_places_in_the_host_are_taken_by_the_axons_of_the_slab(voxel_um: float, split: int) -> None:
    """600 um off the axis half a ring of the cord holds pi e 600 um/50 um as much as the slab."""
    tissue = section(voxel_um, (2000.0, 600.0))
    across, deep = tissue.setting.cord_diameter_um
    add_cones(tissue, 1, origin=0)
    n = 10 // split
    tissue.synapses.add(
        n, kind=int(SynapseKind.HOST_TO_HOST), weight=100.0 * split, fibre=0, lost_tick=-1, y=606.25, z=6.25
    )
    tissue.synapses.add(
        2, kind=int(SynapseKind.GRAFT_TO_HOST), weight=40.0, fibre=0, lost_tick=-1, y=606.25, z=6.25
    )
    boxes = Boxes(tissue.lattice, (np.zeros(1), np.full(1, 606.25), np.full(1, 6.25)), 60.0)
    ring = np.pi * (across / deep) * 606.25
    places = 5e-4 * SLAB_UM * 60.0**2
    expected = 1.0 - (1000.0 * SLAB_UM / ring + 2.0) / places
    assert 0.1 < expected < 0.9
    # the height of a synapse is that of its voxel
    assert free_on_host(tissue, boxes, 5e-4) == pytest.approx([expected], rel=0.03)
