"""Outcomes of axons, and the living part of the forest, worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cordgraft.record.paths import living_forest, polylines, unbroken
from cordgraft.state.axons import AxonState, ConeState, SynapseKind, Tract
from garden_support import Garden, stump
from support import make_tissue


def test_a_regrown_axon_counts_once_at_each_plane_it_passes() -> None:
    garden = Garden()
    fibre, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    stem = garden.path(fibre, [400.0, 100.0, -100.0], parent=end)
    garden.path(
        fibre, [-150.0, -350.0], parent=stem[1]
    )  # a branch passes the centre as well, and the caudal edge
    values = garden.measure()
    assert values["axons_host_crossings_rostral"] == 10.0
    assert values["axons_host_crossings_centre"] == 10.0
    assert values["axons_host_crossings_caudal"] == 10.0
    assert values["axons_host_crossings_segment"] == 0.0
    assert values["axons_host_crossings_centre_simulated"] == 1.0
    assert values["axons_graft_crossings_centre"] == 0.0


def test_the_tip_counts_before_the_log_has_its_point() -> None:
    garden = Garden()
    fibre, end = stump(garden, Tract.RETICULOSPINAL, 500.0)
    last = garden.path(fibre, [310.0], parent=end)[-1]
    assert garden.measure()["axons_host_crossings_rostral"] == 0.0
    garden.cone(fibre, last, 299.0)
    assert garden.measure()["axons_host_crossings_rostral"] == 10.0


def test_spared_broken_and_lost_paths_do_not_count() -> None:
    garden = Garden()
    spared = garden.fibre(Tract.CORTICOSPINAL, AxonState.INTACT)
    garden.path(spared, [3000.0, -3000.0], grown=0)
    lost, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    garden.path(lost, [400.0, -400.0], parent=end, lost=20)
    broken, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    piece = garden.path(broken, [400.0], parent=end, lost=20)[-1]
    garden.path(broken, [100.0, -400.0], parent=piece)
    values = garden.measure()
    for plane in ("rostral", "centre", "caudal", "segment"):
        assert values[f"axons_host_crossings_{plane}"] == 0.0


def test_the_segment_plane_lies_in_the_direction_of_the_tract() -> None:
    garden = Garden()  # a segment of a mouse is 1300 um
    down, end = stump(garden, Tract.PROPRIOSPINAL, 500.0)
    garden.path(down, [-1400.0], parent=end)
    assert garden.measure()["axons_host_crossings_segment_simulated"] == 1.0
    up, end = stump(garden, Tract.GRACILE, -500.0)
    garden.path(up, [1200.0], parent=end)
    assert garden.measure()["axons_host_crossings_segment_simulated"] == 1.0
    garden.path(up, [1400.0], parent=len(garden.tissue.segments) - 1)
    assert garden.measure()["axons_host_crossings_segment_simulated"] == 2.0


def test_reach_of_host_tips_is_signed_from_the_edge_they_meet_first() -> None:
    garden = Garden()
    down, end = stump(garden, Tract.CORTICOSPINAL, 900.0)
    garden.cone(down, end, 800.0, arc=100.0)  # 500 um short of the rostral edge
    assert garden.measure()["axons_host_reach_p95"] == pytest.approx(-500.0)
    up, end = stump(garden, Tract.SPINOTHALAMIC, -900.0)
    garden.cone(up, end, 350.0, arc=1250.0)  # ascends: 650 um beyond the caudal edge
    garden.cone(up, end, -800.0, arc=100.0)  # a shorter branch does not count
    values = garden.measure()
    assert values["axons_host_reach_p95"] == pytest.approx(650.0)
    assert values["axons_host_advance_p95"] == pytest.approx(1250.0)


def test_reach_of_graft_axons_is_over_those_with_a_tip_outside() -> None:
    garden = Garden()
    for z in (0.0, 100.0, 700.0, -900.0):
        fibre = garden.fibre(Tract.GRAFT, AxonState.GROWING, weight=1.0)
        root = garden.path(fibre, [0.0])[-1]
        garden.cone(fibre, root, z)
    values = garden.measure()
    assert values["axons_graft_outside"] == 2.0
    assert values["axons_graft_reach_p95"] == pytest.approx(600.0)
    assert values["axons_graft_count"] == 4.0


def test_live_share_growing_and_censored() -> None:
    garden = Garden()
    for state, weight in ((AxonState.INTACT, 30.0), (AxonState.SWOLLEN, 10.0), (AxonState.DORMANT, 60.0)):
        garden.fibre(Tract.GRACILE, state, weight)
    growing = garden.fibre(Tract.RETICULOSPINAL, AxonState.GROWING, 5.0)
    garden.fibre(Tract.GRAFT, AxonState.LOST)
    garden.fibre(Tract.GRAFT, AxonState.CENSORED, 7.0)
    end = garden.path(growing, [500.0])[-1]
    garden.cone(growing, end, 3200.0, ConeState.CENSORED)
    values = garden.measure()
    assert values["axons_gracile_live_fraction"] == pytest.approx(0.3)
    assert values["axons_reticulospinal_live_fraction"] == 0.0
    assert math.isnan(values["axons_corticospinal_live_fraction"])
    assert values["axons_host_growing"] == 5.0
    assert values["axons_graft_count"] == 7.0
    assert (values["axons_censored"], values["axons_censored_simulated"]) == (12.0, 2.0)


def test_only_living_synapses_count() -> None:
    garden = Garden()
    for kind, lost in (
        (SynapseKind.HOST_TO_GRAFT, -1),
        (SynapseKind.HOST_TO_GRAFT, 12),
        (SynapseKind.GRAFT_TO_HOST, -1),
        (SynapseKind.HOST_TO_HOST, -1),
    ):
        garden.tissue.synapses.add(1, kind=int(kind), weight=3.0, lost_tick=lost)
    values = garden.measure()
    assert values["synapses_host_to_graft"] == 3.0
    assert values["synapses_graft_to_host_simulated"] == 1.0


# ------------------------------------------------------------------ forest
def slow_unbroken(parent: Any, alive: Any) -> list[bool]:
    found = []
    for row in range(len(parent)):
        good, here = True, row
        while here >= 0:
            good = good and bool(alive[here])
            here = parent[here]
        found.append(good)
    return found


def test_unbroken_agrees_with_a_walk_to_the_root() -> None:
    generator = np.random.default_rng(3)
    for n in (1, 2, 7, 300):
        parent = np.array(
            [-1 if i == 0 or generator.random() < 0.05 else generator.integers(0, i) for i in range(n)]
        )
        alive = generator.random(n) < 0.9
        assert unbroken(parent, alive).tolist() == slow_unbroken(parent, alive)
    chain = np.arange(-1, 999)
    alive = np.ones(1000, dtype=bool)
    alive[500] = False
    assert int(np.sum(unbroken(chain, alive))) == 500


def test_polylines_hold_every_living_piece_once() -> None:
    garden = Garden()
    one, end = stump(garden, Tract.CORTICOSPINAL, 500.0)
    stem = garden.path(one, [400.0, 300.0, 200.0], parent=end)
    branch = garden.path(one, [310.0, 320.0], parent=stem[0])
    garden.path(one, [330.0], parent=branch[-1], lost=9)
    garden.cone(one, stem[-1], 150.0)
    garden.cone(one, stem[-1], 160.0)  # a new branch that has no point of its own yet
    two = garden.fibre(Tract.GRAFT, AxonState.GROWING)
    garden.path(two, [0.0])
    forest = living_forest(garden.tissue)
    lines = polylines(forest)
    starts = np.concatenate(([0], np.cumsum(lines.row_size)))
    heights = [forest.z[lines.point[a:b]].tolist() for a, b in pairwise(starts)]
    assert heights == [
        [3000.0, 500.0, 400.0, 300.0, 200.0, 150.0],
        [400.0, 310.0, 320.0],
        [200.0, 160.0],
        [0.0],
    ]
    assert lines.fibre.tolist() == [one, one, one, two]
    assert lines.branch.tolist() == [0, 1, 2, 0]
    pieces = {(int(b), int(a)) for s, e in pairwise(starts) for a, b in pairwise(lines.point[s:e])}
    living = np.flatnonzero(forest.living & (forest.parent >= 0))
    assert pieces == {(int(row), int(forest.parent[row])) for row in living}


def test_a_forest_without_axons_is_empty() -> None:
    lines = polylines(living_forest(make_tissue()))
    assert lines.row_size.size == lines.point.size == 0
