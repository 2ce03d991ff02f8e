"""Oxygen and vessels: the consequences that the equations promise."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.contract import ArraySpec, Key
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.injury import Injury
from cordgraft.processes.oxygen import Oxygen
from cordgraft.processes.subject import Subject
from cordgraft.processes.vessels import Vessels
from cordgraft.state.tissue import Tissue
from tests.milieu_support import make_milieu
from tests.support import make_tissue

HOUR = Key(1, 0, 1.0)


def cord(shape: tuple[int, int, int], voxel: float, grey: float = 0.0) -> tuple[Tissue, Oxygen]:
    """A box of tissue with this share of grey matter, and the process; room for grafted cells."""
    oxygen = Oxygen()
    others = [Subject(), Injury(), Inflammation(), Vessels()]
    cells = ArraySpec("density.cells", "cells", "simulated graft cells in the voxel")
    tissue = make_tissue([*others, oxygen], shape, (voxel, voxel, voxel), extra=[cells], prepare=False)
    tissue["map.cord"][...] = 1
    for group in ("map", "fraction"):
        tissue[f"{group}.grey"][...] = grey
        tissue[f"{group}.white"][...] = 1.0 - grey
    for process in (*others, oxygen):
        process.prepare(tissue)
    return tissue, oxygen


@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_intact_tissue_rests_at_twenty(grey: float) -> None:
    tissue, oxygen = cord((1, 6, 16), 50.0, grey)
    oxygen.step(tissue, HOUR)
    np.testing.assert_allclose(tissue["field.oxygen"], 20.0, atol=0.01)


def test_exchange_is_that_of_the_design() -> None:
    oxygen = Oxygen()
    assert oxygen.exchange(16.0) == pytest.approx(1.5, abs=0.03)
    assert oxygen.exchange(16.0 / 3.0) == pytest.approx(0.5, abs=0.01)
    assert oxygen.uptake_of_cells(2e5 / 1e9) == pytest.approx(1.7, abs=0.05)


@pytest.mark.parametrize("grey", [0.0, 1.0])
def test_the_critical_pressure_is_reached_at_two_fifths_of_the_vessels(grey: float) -> None:
    tissue, oxygen = cord((1, 4, 16), 50.0, grey)
    reached = []
    for vessels in (0.5, 0.46, 0.42, 0.38, 0.34):
        tissue["density.vessels"][...] = vessels
        oxygen.step(tissue, HOUR)
        reached.append(float(tissue["field.oxygen"].mean()))
    assert (np.diff(reached) < 0.0).all()
    assert reached[1] > 7.5 > reached[3]


@pytest.mark.parametrize(("uptake", "anoxic", "alive"), [(1e-17, 450.0, 250.0), (4.8e-17, 250.0, 100.0)])
def test_a_large_avascular_graft_is_anoxic_inside(uptake: float, anoxic: float, alive: float) -> None:
    """2e5 cells/uL: anoxic beyond a radius of about 350 um, at the upper bound of the uptake 160 um."""
    least = {}
    for radius in (anoxic, alive):
        voxel = radius / 8.0
        tissue, _ = cord((32, 32, 32), voxel)
        oxygen = Oxygen(Oxygen.Params(cell_uptake=uptake))
        oxygen.prepare(tissue)
        x, y, z = tissue.lattice.centres_um()
        ball = x**2 + y**2 + z**2 < radius**2
        for name in ("map.white", "fraction.white", "density.vessels"):
            tissue[name][ball] = 0.0
        tissue["density.cells"][ball] = 2e5 * voxel**3 / 1e9
        oxygen.step(tissue, HOUR)
        least[radius] = float(tissue["field.oxygen"].min())
    assert least[anoxic] < 1.0
    assert least[alive] > 2.0


def test_cells_that_stand_for_many_take_up_for_many() -> None:
    tissue, oxygen = cord((1, 4, 16), 50.0)
    tissue["density.cells"][...] = 3.0
    _, uptake = oxygen.supply_and_uptake(tissue)
    alone = oxygen.params.grey_uptake / oxygen.params.grey_to_white
    np.testing.assert_allclose(uptake - alone, oxygen.uptake_of_cells(3.0 / 50.0**3))


def test_vessels_fall_within_a_day_come_back_in_the_first_weeks_and_thin() -> None:
    tissue, pipeline = make_milieu(days=30.0, injury={"severity": "moderate"})
    course = []
    for tick in range(28 * 24 + 1):
        pipeline.step(tissue, tick)
        if tick % 24 == 0:
            core = (tissue["map.impact"] == 1.0) & (tissue["map.white"] == 1.0)
            rim = (tissue["map.impact"] < 0.1) & (tissue["map.severity"] > 0.7)
            course.append((tissue["density.vessels"][core].mean(), tissue["density.vessels"][rim].mean()))
    core_course, rim_course = np.array(course).T
    assert core_course[1] < 0.15
    assert rim_course[1] < 0.6
    assert core_course[7] > 3.0 * core_course[1]
    assert rim_course[7] > 0.75
    assert rim_course[5:12].max() > rim_course[28] + 0.02
    assert 0.3 < core_course[28] < 0.8
    far = tissue["density.vessels"][:, :, :4]
    assert (far[tissue["map.cord"][:, :, :4] > 0] == 1.0).all()


@pytest.mark.parametrize(("edge", "speed"), [(25.0, 60.0), (100.0, 71.0)])
def test_vessels_grow_into_anoxic_tissue_at_the_stated_speed(edge: float, speed: float) -> None:
    vessels = Vessels()
    layers = round(3200.0 / edge)
    read = [ArraySpec(name, "1", "held") for name in ("map.impact", "map.severity", "field.oxygen")]
    tissue = make_tissue([vessels], (1, 4, layers), (edge, edge, edge), extra=read, days=40)
    for name in ("white", "grey"):
        tissue[f"fraction.{name}"][...] = 0.0
    tissue["fraction.graft"][...] = tissue["map.cord"]
    tissue["density.vessels"][:, :, round(100.0 / edge) :] = 0.0
    z = (np.arange(layers) + 0.5) * edge
    front = []
    for tick in range(36 * 24 + 1):
        if tick in (16 * 24, 36 * 24):
            profile = tissue["density.vessels"][0, 1]
            front.append(float(np.interp(0.5, profile[::-1], z[::-1])))
        vessels.step(tissue, Key(1, tick, 1.0))
    assert (front[1] - front[0]) / 20.0 == pytest.approx(speed, rel=0.02)
