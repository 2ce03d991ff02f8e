"""Outcomes of the graft, and the safety bounds, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import ArraySpec, Key, Phase, Process
from cordgraft.record.observers import Dividing, Observer
from cordgraft.record.scene import percentile
from cordgraft.state.cells import CellKind
from cordgraft.state.tissue import Tissue
from support import make_tissue

SHAPE = (1, 4, 32)


def cord() -> Tissue:
    """Return a cord with a lesion from z = -300 to 300 um (layers 13-18 of 32)."""
    tissue = make_tissue((), SHAPE, (100.0, 100.0, 100.0), days=200.0)
    tissue["fraction.necrosis"][:, :, 13:19] = 1.0
    tissue["fraction.white"][:, :, 13:19] = 0.0
    return tissue


def add_cells(tissue: Tissue, layers: list[int], kind: CellKind, weight: float = 2.0, tick: int = 24) -> None:
    sites = np.ravel_multi_index(
        (np.zeros(len(layers), int), np.ones(len(layers), int), np.array(layers)), SHAPE
    )
    first = len(tissue.cells) + 1
    ids = np.arange(first, first + len(layers), dtype=np.uint64)
    tissue.cells.add(
        len(layers), id=ids, site=sites, kind=int(kind), weight=weight, grafted_tick=tick, committed_tick=tick
    )


def test_counts_shares_and_volume() -> None:
    tissue = cord()
    observer = Observer(tissue)
    assert math.isnan(observer.measure(tissue, 0)["graft_survival"])
    add_cells(tissue, [14, 15, 16], CellKind.PRECURSOR)
    add_cells(tissue, [22], CellKind.NEURON)
    observer.watch(tissue, 24)
    values = observer.measure(tissue, 24)
    assert (values["graft_survivors"], values["graft_survivors_simulated"]) == (8.0, 4.0)
    assert (values["graft_neuron"], values["graft_neuron_simulated"]) == (2.0, 1.0)
    assert values["graft_fraction_precursor"] == 0.75
    assert values["graft_survival"] == 1.0
    assert values["graft_volume"] == pytest.approx(8 * 2500.0 / 0.6 / 1e9)
    assert values["graft_volume_core"] == pytest.approx(6 * 2500.0 / 0.6 / 1e9)
    assert values["graft_volume_outside"] == pytest.approx(2 * 2500.0 / 0.6 / 1e9)
    tissue.cells.keep(np.array([True, False, True, True]))
    assert observer.measure(tissue, 48)["graft_survival"] == 0.75


def test_the_count_of_the_delivery_is_preferred() -> None:
    spec = ArraySpec("scalar.graft_delivered", "cells", "test", initial=16.0)
    tissue = make_tissue((), SHAPE, (100.0, 100.0, 100.0), extra=(spec,))
    observer = Observer(tissue)
    add_cells(tissue, [14, 15, 16, 17], CellKind.PRECURSOR, tick=24)
    observer.watch(tissue, 24)
    values = observer.measure(tissue, 24)
    assert values["graft_delivered"] == 16.0
    assert values["graft_survival"] == 0.5


def test_daughters_are_not_delivered() -> None:
    tissue = cord()
    observer = Observer(tissue)
    add_cells(tissue, [14, 15], CellKind.PRECURSOR, tick=24)
    tissue.cells["parent"][1] = 1
    observer.watch(tissue, 24)
    assert observer.measure(tissue, 24)["graft_delivered"] == 2.0


def test_distance_beyond_the_edges_of_the_day_of_grafting() -> None:
    tissue = cord()
    observer = Observer(tissue)
    add_cells(tissue, [15] * 19, CellKind.NEURON)  # z = -50 um: 250 um inside
    add_cells(tissue, [22], CellKind.NEURON)  # z = 650 um: 350 um beyond the rostral edge
    observer.watch(tissue, 24)
    assert observer.memory.graft_edges_um == (-300.0, 300.0)
    assert observer.measure(tissue, 24)["graft_neuron_distance_p95"] == pytest.approx(-250.0)
    add_cells(tissue, [9], CellKind.NEURON)  # z = -650 um: two of 21 are now outside
    tissue["fraction.necrosis"][:, :, 5:25] = 1.0  # a lesion that grows later moves no edge
    assert observer.measure(tissue, 48)["graft_neuron_distance_p95"] == pytest.approx(350.0)
    assert math.isnan(observer.measure(tissue, 48)["graft_astrocyte_front_p95"])


def test_cells_at_the_ends_of_the_lattice_are_censored() -> None:
    tissue = cord()
    add_cells(tissue, [0, 31, 30], CellKind.ASTROCYTE)
    values = Observer(tissue).measure(tissue, 24)
    assert (values["graft_censored"], values["graft_censored_simulated"]) == (4.0, 2.0)


def test_percentile_is_the_weighted_nearest_rank() -> None:
    values = np.arange(1.0, 101.0)
    assert percentile(values, np.ones(100)) == 95.0
    assert percentile(values[::-1].copy(), np.ones(100)) == 95.0
    heavy = np.ones(100)
    heavy[0] = 1e6
    assert percentile(values, heavy) == 1.0
    assert math.isnan(percentile(np.zeros(0), np.zeros(0)))


class Cycling(Process):
    """A process that says that a tick-th of the cells divides."""

    name = "cycling"
    phase = Phase.DECIDE

    def step(self, tissue: Tissue, key: Key) -> None:
        raise AssertionError("observing must not step a process")

    def dividing_fraction(self, tissue: Tissue, tick: int) -> float:
        return len(tissue.cells) / tick


def test_the_proliferation_index_is_asked_of_the_process_that_divides() -> None:
    tissue = cord()
    observer = Observer(tissue, processes=(Cycling(),))
    assert math.isnan(observer.measure(tissue, 40)["graft_dividing_fraction"]), (
        "without cells there is no share"
    )
    add_cells(tissue, [14, 15], CellKind.PRECURSOR)
    assert observer.measure(tissue, 40)["graft_dividing_fraction"] == 0.05
    assert math.isnan(Observer(tissue).measure(tissue, 40)["graft_dividing_fraction"])


def test_the_division_process_is_one_that_can_be_asked() -> None:
    from cordgraft.processes import registry

    assert isinstance(registry()["division"](), Dividing)
    assert not isinstance(registry()["survival"](), Dividing)


# ------------------------------------------------------------------ safety
BOUNDS: dict[str, Any] = {
    "graft_volume_ratio": {"from": 48.0, "to": 96.0, "at_most": 1.5},
    "neuron_distance": {"at_most": 300.0},
}


def test_the_volume_ratio_counts_days_from_grafting_and_stays_after_the_last() -> None:
    tissue = cord()
    observer = Observer(tissue, BOUNDS)
    add_cells(tissue, [14] * 10, CellKind.PRECURSOR, tick=24)
    observer.watch(tissue, 24)
    assert math.isnan(observer.measure(tissue, 48)["graft_volume_ratio"])
    assert observer.measure(tissue, 72)["graft_volume_ratio"] == 1.0
    add_cells(tissue, [14] * 10, CellKind.PRECURSOR, tick=24)
    last = observer.measure(tissue, 120)
    assert last["graft_volume_ratio"] == 2.0
    assert last["safety_graft_volume_ratio"] == 1.0
    assert last["safety_any_flag"] == 1.0
    add_cells(tissue, [14] * 20, CellKind.PRECURSOR, tick=24)
    assert observer.measure(tissue, 144)["graft_volume_ratio"] == 2.0


def test_a_bound_that_was_broken_stays_broken() -> None:
    tissue = cord()
    observer = Observer(tissue, BOUNDS)
    add_cells(tissue, [15], CellKind.NEURON)
    observer.watch(tissue, 24)
    assert observer.measure(tissue, 24)["safety_neuron_distance"] == 0.0
    add_cells(tissue, [22] * 5, CellKind.NEURON)
    assert observer.measure(tissue, 48)["safety_neuron_distance"] == 1.0
    tissue.cells.keep(np.arange(6) == 0)
    values = observer.measure(tissue, 72)
    assert values["graft_neuron_distance_p95"] < 300.0
    assert values["safety_neuron_distance"] == 1.0
    assert "safety_dividing_fraction" not in values, "only declared bounds are judged"


def test_an_observer_goes_on_from_its_state() -> None:
    tissue = cord()
    observer = Observer(tissue, BOUNDS)
    add_cells(tissue, [15, 22, 22], CellKind.NEURON)
    observer.watch(tissue, 24)
    observer.measure(tissue, 72)
    other = Observer(tissue, BOUNDS)
    other.restore(observer.state())
    tissue["fraction.necrosis"][...] = 0.0
    add_cells(tissue, [14] * 4, CellKind.PRECURSOR)
    expected, found = observer.measure(tissue, 96), other.measure(tissue, 96)
    assert {name: repr(value) for name, value in found.items()} == {n: repr(v) for n, v in expected.items()}
