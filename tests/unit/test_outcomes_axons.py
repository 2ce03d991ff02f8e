"""What the axons of a day did, on paths planted by hand and recorded by the recorder itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from cordgraft.core import axon_layout, schema
from cordgraft.core.problems import BadInput
from cordgraft.state.axons import ASCENDING, TRACT_NAMES, AxonState, ConeState, SynapseKind, Tract
from cordgraft_analysis.outcomes import (
    AxonDay,
    axon_day,
    connection_graph,
    connections,
    crossings,
    distance_grid,
    reach,
)
from cordgraft_analysis.outcomes.connections import ABOVE, BELOW, BESIDE, GRAFT
from cordgraft_analysis.outcomes.reach import ALL_HOST, Reach
from cordgraft_analysis.view import RunView
from garden_support import Garden, day_of, planted_synapse, recorded, stump

#: The lesion of a garden lies from -300 to 300 um; its lattice ends at -3200 and 3200 um.
LENGTH_UM = 600.0


def counted(day: AxonDay, tract: str, distance_um: float, side: str = "") -> tuple[float, float]:
    """Return represented and simulated axons of a tract at a distance."""
    found = crossings(day, [distance_um])
    mine = (found["tract"].values == tract) & ((found["side"].values == side) | (side == ""))
    (row,) = np.flatnonzero(mine)
    return float(found["represented"].values[row, 0]), float(found["simulated"].values[row, 0])


def test_an_axon_with_branches_counts_once_at_each_plane_it_passes() -> None:
    garden = Garden()
    fibre, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    stem = garden.path(fibre, [400.0, 100.0, -100.0, -450.0], parent=end)
    garden.path(fibre, [-150.0, -350.0, -700.0], parent=stem[1])
    day = day_of(garden)
    assert counted(day, "corticospinal", -LENGTH_UM) == (10.0, 1.0)  # the rostral edge
    assert counted(day, "corticospinal", 0.0) == (10.0, 1.0)  # stem and branch
    assert counted(day, "corticospinal", 200.0) == (10.0, 1.0)  # the branch alone
    assert counted(day, "corticospinal", 401.0) == (0.0, 0.0)
    assert counted(day, "corticospinal", -LENGTH_UM - 201.0) == (0.0, 0.0)  # behind the stump: not grown


def test_a_loop_through_a_plane_counts_once() -> None:
    garden = Garden()
    fibre, end = stump(garden, Tract.RETICULOSPINAL, 500.0)
    garden.path(fibre, [-500.0, -200.0, -600.0, -100.0], parent=end)
    assert counted(day_of(garden), "reticulospinal", 100.0) == (10.0, 1.0)


def test_spared_broken_and_lost_paths_do_not_count() -> None:
    garden = Garden()
    spared = garden.fibre(Tract.CORTICOSPINAL, AxonState.INTACT)
    garden.path(spared, [3000.0, -3000.0], grown=0)
    lost, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    garden.path(lost, [400.0, -400.0], parent=end, lost=20)
    broken, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    piece = garden.path(broken, [400.0], parent=end, lost=20)[-1]
    garden.path(broken, [100.0, -400.0], parent=piece)
    assert counted(day_of(garden), "corticospinal", 0.0) == (0.0, 0.0)
    whole, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    garden.path(whole, [-400.0], parent=end)
    assert counted(day_of(garden), "corticospinal", 0.0) == (10.0, 1.0)


def test_ascending_tracts_are_counted_from_the_rostral_edge() -> None:
    garden = Garden()
    up, end = stump(garden, Tract.GRACILE, -500.0)
    garden.path(up, [200.0, 550.0], parent=end)
    day = day_of(garden)
    assert counted(day, "gracile", 0.0) == (10.0, 1.0)
    assert counted(day, "gracile", 249.0) == (10.0, 1.0)
    assert counted(day, "gracile", 251.0) == (0.0, 0.0)
    assert counted(day, "gracile", -LENGTH_UM) == (10.0, 1.0)


def test_a_path_that_ends_at_a_plane_passes_it_in_one_sense_only() -> None:
    garden = Garden()  # so that two pieces that meet at a plane pass it once, in whatever direction
    for end in (-400.0, 400.0):
        garden.path(garden.fibre(Tract.GRAFT, AxonState.GROWING), [0.0, end])
    day = day_of(garden)
    assert counted(day, "graft", 100.0, "caudal") == (10.0, 1.0)
    assert counted(day, "graft", 100.0, "rostral") == (0.0, 0.0)


def test_graft_axons_are_counted_on_both_sides_with_their_weights() -> None:
    garden = Garden()
    for weight, heights in ((3.0, [0.0, 350.0]), (4.0, [0.0, -900.0]), (5.0, [0.0, 700.0])):
        garden.path(garden.fibre(Tract.GRAFT, AxonState.GROWING, weight), heights)
    day = day_of(garden)
    assert counted(day, "graft", 0.0, "rostral") == (8.0, 2.0)
    assert counted(day, "graft", 100.0, "rostral") == (5.0, 1.0)
    assert counted(day, "graft", 100.0, "caudal") == (4.0, 1.0)


def test_what_is_not_known_is_not_zero() -> None:
    garden = Garden()
    fibre, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    garden.path(fibre, [400.0], parent=end)
    day = day_of(garden)
    assert math.isnan(counted(day, "gracile", 0.0)[0])  # no simulated fibre of the tract
    assert math.isnan(counted(day, "corticospinal", 2901.0)[0])  # outside the lattice
    assert counted(day, "corticospinal", 2899.0) == (0.0, 0.0)
    assert counted(day, "graft", 0.0, "caudal") == (0.0, 0.0)  # no graft, no axon


def test_a_censored_tip_is_said_though_its_axon_is_connected() -> None:
    garden = Garden()
    fibre = garden.fibre(Tract.GRAFT, AxonState.CONNECTED, 7.0)
    row = garden.path(fibre, [0.0, 3000.0])[-1]
    garden.cone(fibre, row, 3190.0, ConeState.CENSORED)
    garden.path(garden.fibre(Tract.GRAFT, AxonState.CENSORED, 2.0), [0.0, -3000.0])
    found = crossings(day_of(garden), [0.0])
    assert found["censored"].values[-2:].tolist() == [9.0, 9.0]
    assert found["censored_simulated"].values[-1] == 2.0


@st.composite
def gardens(draw: st.DrawFn) -> Garden:
    """Draw a forest: host and graft axons with branches, of which some pieces are lost."""
    garden = Garden()
    # some lie exactly at the edges of the lesion
    place = st.builds(
        lambda step, more: 100.0 * step + more, st.integers(-24, 24), st.sampled_from([0.0, 37.0])
    )
    heights = st.lists(place, min_size=1, max_size=5)
    for _ in range(draw(st.integers(1, 6))):
        tract = draw(st.sampled_from(list(Tract)))
        weight = float(draw(st.integers(1, 5)))
        fibre = garden.fibre(tract, AxonState.GROWING, weight)
        rows = (
            []
            if tract == Tract.GRAFT
            else garden.path(fibre, [2900.0, 900.0][:: -1 if tract in ASCENDING else 1], grown=0)
        )
        rows += garden.path(fibre, draw(heights), parent=rows[-1] if rows else -1)
        for _ in range(draw(st.integers(0, 2))):
            rows += garden.path(
                fibre,
                draw(heights),
                parent=draw(st.sampled_from(rows)),
                lost=draw(st.sampled_from([-1, -1, 20])),
            )
        if draw(st.booleans()):
            garden.cone(fibre, rows[-1], draw(heights)[0], arc=float(draw(st.integers(0, 900))))
    return garden


@settings(max_examples=60, deadline=None)
@given(gardens())
def test_counts_and_reach_are_those_that_the_recorder_measured(garden: Garden) -> None:
    series, day = garden.measure(), day_of(garden)
    found = crossings(day, [-LENGTH_UM, 0.0])
    host = found["origin"].values == "host"
    caudal = found["side"].values == "caudal"
    for name in ("represented", "simulated"):
        suffix = "_simulated" if name == "simulated" else ""
        counts = np.nan_to_num(found[name].values)
        for plane, of_descending, of_ascending in (("caudal", 1, 0), ("rostral", 0, 1)):
            total = counts[host & caudal, of_descending].sum() + counts[host & ~caudal, of_ascending].sum()
            assert total == series[f"axons_host_crossings_{plane}{suffix}"]
            mine = ~host & (caudal == (plane == "caudal"))
            assert counts[mine, 1].item() == series[f"axons_graft_crossings_{plane}{suffix}"]
    rows = {(row.tract, row.measure): row for row in reach(day)}
    for row, name in (
        (rows["graft", "beyond_nearest"], "axons_graft_reach_p95"),
        (rows[ALL_HOST, "advance"], "axons_host_advance_p95"),
    ):
        assert row.p95_um == pytest.approx(series[name], nan_ok=True)
    assert rows["graft", "beyond_nearest"].represented == series["axons_graft_outside"]


@settings(max_examples=60, deadline=None)
@given(gardens(), st.lists(st.integers(-2900, 2800), min_size=1, max_size=8, unique=True))
def test_a_grid_of_planes_counts_what_single_planes_do(garden: Garden, distances: list[int]) -> None:
    day = day_of(garden)
    together = crossings(day, sorted(map(float, distances)))
    for column, distance in enumerate(sorted(distances)):
        alone = crossings(day, [float(distance)])
        for name in ("represented", "simulated"):
            np.testing.assert_array_equal(together[name].values[:, column], alone[name].values[:, 0])
        passing = np.nan_to_num(alone["simulated"].values[:, 0])
        assert np.all(passing <= [np.count_nonzero(day.tract == tract) for tract in alone["tract"].values])


def test_the_grid_of_distances_has_the_edge_and_stays_in_the_lattice() -> None:
    garden = Garden()
    garden.path(garden.fibre(Tract.GRAFT, AxonState.GROWING), [0.0, 100.0])
    day = day_of(garden)
    grid = distance_grid([day], "mouse")
    assert 0.0 in grid and -LENGTH_UM in grid
    assert grid[-1] == 2800.0  # 2900 um is the end itself
    assert np.isfinite(crossings(day, grid)["simulated"].values[-1]).all()


def test_axons_that_leave_the_lattice_count_on_every_plane_of_the_grid() -> None:
    garden = Garden()
    garden.path(garden.fibre(Tract.GRAFT, AxonState.GROWING), [0.0, 100.0])
    day = day_of(garden)
    room = min(day.lesion.caudal_um - day.ends_um[0], day.ends_um[1] - day.lesion.rostral_um)
    garden.path(garden.fibre(Tract.GRAFT, AxonState.GROWING), [0.0, day.lesion.rostral_um + room])
    grid = distance_grid([day], "mouse", step_um=room / 8.0)
    assert grid[-1] == pytest.approx(room * 7.0 / 8.0)
    found = crossings(day_of(garden), grid)
    rostral = np.flatnonzero((found["origin"].values == "graft") & (found["side"].values == "rostral"))
    assert (found["simulated"].values[rostral[0]][grid > 0.0] == 1.0).all()


# ------------------------------------------------------------------------------------------------- reach
def measured(day: AxonDay, tract: str, measure: str) -> Reach:
    (found,) = (row for row in reach(day) if row.tract == tract and row.measure == measure)
    return found


def test_reach_is_over_axons_with_a_tip_beyond_the_edge() -> None:
    garden = Garden()
    for z, weight in ((500.0, 1.0), (200.0, 1.0), (-350.0, 1.0), (-800.0, 17.0)):
        fibre, end = stump(garden, Tract.RETICULOSPINAL, 900.0)
        garden.tissue["fibre.weight"][fibre] = weight
        garden.cone(fibre, end, z, arc=900.0 - z)
    day = day_of(garden)
    near, far = (measured(day, "reticulospinal", name) for name in ("past_near_edge", "past_far_edge"))
    assert (near.simulated, near.represented) == (3, 19.0)
    assert (far.simulated, far.represented) == (2, 18.0)
    assert far.median_um == 500.0 and far.p95_um == 500.0 and far.longest_um == 500.0
    assert measured(day, "reticulospinal", "advance").simulated == 4
    assert measured(day, "corticospinal", "past_far_edge").simulated == 0
    assert math.isnan(measured(day, "corticospinal", "past_far_edge").p95_um)


def test_the_furthest_tip_of_an_axon_counts() -> None:
    garden = Garden()
    fibre = garden.fibre(Tract.GRAFT, AxonState.GROWING, 2.0)
    row = garden.path(fibre, [0.0, 10.0])[-1]
    for z in (400.0, 900.0, -500.0):
        garden.cone(fibre, row, z)
    day = day_of(garden)
    assert measured(day, "graft", "beyond_nearest").longest_um == 600.0
    assert measured(day, "graft", "beyond_rostral").represented == 2.0
    assert measured(day, "graft", "beyond_caudal").longest_um == 200.0


def test_before_the_graft_there_is_no_reach_of_it() -> None:
    day = day_of(Garden(), graft_edges_um=(math.nan, math.nan))
    assert day.graft is None
    assert {row.origin for row in reach(day)} == {"host"}


# ------------------------------------------------------------------------------------------- connections
def test_direct_regrowth_and_relays_are_told_apart() -> None:
    garden = Garden()
    down, _ = stump(garden, Tract.PROPRIOSPINAL, 500.0)
    up, _ = stump(garden, Tract.SPINOTHALAMIC, -500.0)
    graft = garden.fibre(Tract.GRAFT, AxonState.CONNECTED)
    planted_synapse(garden, down, SynapseKind.HOST_TO_HOST, -900.0, 5.0)
    planted_synapse(garden, down, SynapseKind.HOST_TO_GRAFT, 0.0, 7.0)
    planted_synapse(garden, down, SynapseKind.HOST_TO_GRAFT, 0.0, 8.0, lost=30)
    planted_synapse(garden, up, SynapseKind.HOST_TO_GRAFT, 0.0, 2.0)
    for z, weight in ((-301.0, 1.0), (301.0, 10.0), (0.0, 100.0), (302.0, 1000.0)):
        planted_synapse(garden, graft, SynapseKind.GRAFT_TO_HOST, z, weight)
    day = day_of(garden)
    graph = connection_graph(connections(day))
    assert list(graph.nodes) == [ABOVE, GRAFT, BESIDE, BELOW]
    direct = graph.edges[ABOVE, BELOW, "propriospinal"]
    assert (direct["living"], direct["lost"], direct["route"]) == (5.0, 0.0, "direct")
    inward = graph.edges[ABOVE, GRAFT, "propriospinal"]
    assert (inward["living"], inward["living_simulated"], inward["lost"], inward["lost_simulated"]) == (
        7,
        1,
        8,
        1,
    )
    assert graph.edges[BELOW, GRAFT, "spinothalamic"]["living"] == 2.0
    assert graph.edges[BELOW, ABOVE, "gracile"]["living"] == 0.0  # an edge all the same
    out = {node: graph.edges[GRAFT, node, "graft"]["living"] for node in (BELOW, ABOVE, BESIDE)}
    assert out == {BELOW: 1.0, ABOVE: 1010.0, BESIDE: 100.0}
    every = sum(one.living + one.lost for one in connections(day))
    assert every == garden.tissue["synapse.weight"].sum()  # no synapse falls between the routes


# ------------------------------------------------------------------------------------------------ layout
def test_the_schema_knows_the_tracts_of_the_model() -> None:
    assert tuple(TRACT_NAMES[tract] for tract in list(Tract)[:-1]) == schema.HOST_TRACTS
    assert tuple(TRACT_NAMES[tract] for tract in ASCENDING) == axon_layout.ASCENDING_TRACTS
    assert TRACT_NAMES[Tract.GRAFT] == axon_layout.GRAFT_TRACT


@given(st.integers(0, 10_000 * 24 * 60))
def test_the_name_of_a_snapshot_gives_its_day_back(minutes: int) -> None:
    hours = minutes / 60.0
    assert axon_layout.day_of_group(schema.day_group(hours)) == pytest.approx(hours / 24.0, abs=1e-9)


# ------------------------------------------------------------------------------------- runs of earlier versions
def earlier(garden: Garden, directory: Path) -> RunView:
    """Return what a version before edges and lost synapses were recorded would have left."""
    view = recorded(garden)
    kept = {
        node.path: node.to_dataset(inherit=False)
        for node in view.tree.subtree
        if not node.path.endswith(axon_layout.LOST_SYNAPSES)
    }
    for path, data in kept.items():
        if path.endswith(schema.PATHS):
            data.attrs = {}
    return RunView(directory, xarray.DataTree.from_dict(kept))


def test_without_edges_no_distance_is_given_but_a_summary_has_those_of_the_injury(tmp_path: Path) -> None:
    garden = Garden()
    fibre, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    garden.path(fibre, [-400.0], parent=end)
    planted_synapse(garden, fibre, SynapseKind.HOST_TO_HOST, -400.0)
    with pytest.raises(BadInput, match="edges of the lesion"):
        axon_day(earlier(garden, tmp_path), 1.0)
    scalars = {"lesion_caudal_um": {"value": -300.0}, "lesion_rostral_um": {"value": 300.0}}
    (tmp_path / schema.SUMMARY_NAME).write_text(json.dumps({"scalars": scalars}), encoding="utf-8")
    day = axon_day(earlier(garden, tmp_path), 1.0)
    assert counted(day, "corticospinal", 0.0) == (10.0, 1.0)
    assert day.graft is None
    assert all(math.isnan(one.lost) for one in connections(day))
    assert sum(one.living for one in connections(day)) == 1.0
