"""Sheaths: who loses them, when bare fibres conduct, who makes new ones, and what that is worth."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest

from axon_support import cord_of
from cordgraft import CordModel
from cordgraft.core.contract import Key
from cordgraft.processes.contact import Contact
from cordgraft.processes.function_index import FunctionIndex
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.processes.myelin import Myelin
from cordgraft.state.axons import DESCENDING, AxonState, SynapseKind, Tract
from cordgraft.state.cells import CellKind
from cordgraft.state.precursors import ready_share
from cordgraft.state.sheaths import Sheath
from cordgraft.state.tissue import Tissue
from support import SMALL

MANY = 20000
#: Everything that can lose its sheath loses it at once, and nothing else happens.
STRIPPED: dict[str, Any] = {
    "demyelination_share": 1.0,
    "demyelination_time": 0.01,
    "half_severity": 1e-6,
    "block_time": 3650.0,
    "remyelination": False,
}
HALF_UM = 400.0


def process_of(**changes: Any) -> Myelin:
    return Myelin(Myelin.Params(**changes))


def cord(
    process: Myelin, fibres: int = MANY, severity: float = 0.6, others: tuple[Any, ...] = (), **more: Any
) -> Tissue:
    """Return a cord of white matter, struck in the middle, with host fibres on the ventral and the dorsal side."""
    values = {"days": 400.0, "shape": (1, 24, 64), **more}
    tissue = cord_of("white", (*others, process), **values)
    struck = np.abs(tissue.lattice.axis_um(2)) < HALF_UM
    tissue["map.severity"][...] = severity * struck * (tissue["map.cord"] > 0)
    number = np.arange(fibres)
    tissue.fibres.add(
        fibres,
        id=number + 1,
        tract=number % 3,
        weight=5.0,
        direction=-1,
        rho=0.5,
        phi=np.where(number % 2, 0.5, -0.5) * np.pi,
        severity=severity,
        struck_tick=0,
        conducting=1.0,
    )
    return tissue


def live(process: Myelin, tissue: Tissue, days: int, first: int = 0, dt_h: float = 24.0) -> None:
    """Run the process from the end of day `first` on, until `days` days have passed since the blow."""
    for tick in range(round(24 * first), round(24 * days) + 1, round(dt_h)):
        process.step(tissue, Key(tissue.setting.seed, tick, dt_h))


def share(tissue: Tissue, *states: Sheath) -> float:
    return float(np.isin(tissue["fibre.sheath"], states).mean())


def near(probability: float, number: int = MANY) -> Any:
    """Return a share of so many fibres within four standard errors."""
    return pytest.approx(probability, abs=4.0 * np.sqrt(probability * (1.0 - probability) / number) + 1e-9)


def ready(tissue: Tissue, density: float) -> None:
    """Let a density of ready precursors stand still: macrophages and stages in balance, no debris."""
    tissue["density.macrophages_pro"][...] = 0.01 * density / (1.0 - density) * (tissue["map.cord"] > 0)
    for name in ("opc", "opc_committed", "opc_ready"):
        tissue[f"density.{name}"][...] = density * (tissue["map.cord"] > 0)
    tissue["density.opc_tissue"][...] = tissue["fraction.white"] + tissue["fraction.grey"]


# ------------------------------------------------------------------------------------------------ loss
@pytest.mark.parametrize("severity", [0.1, 0.3, 0.9])
def test_the_share_that_loses_its_sheath_follows_the_law(severity: float) -> None:
    process = process_of(remyelination=False)
    tissue = cord(process, severity=severity)
    zone = severity**2 / (severity**2 + 0.3**2)
    for before, day in ((0, 3), (4, 14), (15, 60)):
        live(process, tissue, day, first=before)
        expected = 0.45 * zone * (1.0 - exp(-day / 7.0))
        assert share(tissue, Sheath.BLOCKED, Sheath.BARE) == near(expected)


def test_thick_fibres_lose_it_first_and_thin_ones_keep_it() -> None:
    process = process_of(remyelination=False)
    tissue = cord(process)
    thinnest = []
    for day in range(41):
        live(process, tissue, day, first=day)
        bare = tissue["fibre.sheath"] != Sheath.MYELINATED
        if bare.any():
            assert tissue["fibre.calibre"][bare].min() > tissue["fibre.calibre"][~bare].max()
            thinnest.append(tissue["fibre.calibre"][bare].min())
    assert thinnest == sorted(thinnest, reverse=True) and thinnest[0] > 0.9 > 0.7 > thinnest[-1]
    # a rank, even between 0 and 1
    assert np.sort(tissue["fibre.calibre"]) == pytest.approx((np.arange(MANY) + 0.5) / MANY, abs=0.02)


def test_what_was_not_struck_and_what_is_cut_keeps_its_state() -> None:
    process = process_of(**STRIPPED)
    tissue = cord(process, 90)
    tissue["fibre.struck_tick"][:30] = -1
    tissue["fibre.severity"][:30] = 0.0
    tissue["fibre.state"][30:60] = AxonState.SEVERED
    tissue["fibre.state"][60:] = AxonState.SWOLLEN  # unbroken: its sheath can go
    tissue.fibres.add(
        10, id=np.arange(1000, 1010), tract=int(Tract.GRAFT), origin=1, struck_tick=0, severity=1.0
    )
    live(process, tissue, 3)
    sheath = tissue["fibre.sheath"]
    assert (sheath[:60] == Sheath.MYELINATED).all() and (sheath[60:90] == Sheath.BLOCKED).all()
    assert (sheath[90:] == Sheath.NONE).all() and (tissue["fibre.transmission"][90:] == 1.0).all()
    # cut while bare: it stays as it was
    tissue["fibre.state"][60:90] = AxonState.SEVERED
    quick = process_of(**{**STRIPPED, "block_time": 0.01})
    quick.prepare(tissue)
    live(quick, tissue, 6, first=4)
    assert (tissue["fibre.sheath"][60:90] == Sheath.BLOCKED).all()


def test_a_cord_without_a_blow_is_not_touched() -> None:
    process = process_of()
    tissue = cord(process, 200, severity=0.0)
    tissue["fibre.struck_tick"][...] = -1
    live(process, tissue, 60)
    assert share(tissue, Sheath.MYELINATED) == 1.0
    assert (tissue["fibre.transmission"] == 1.0).all() and (tissue["fibre.bare_site"] == -1).all()
    assert not any(tissue[f"density.{name}"].any() for name in ("opc", "opc_committed", "opc_ready"))


def test_the_place_of_a_fibre_is_the_middle_of_the_stretch_that_was_struck_hardest() -> None:
    process = process_of()
    tissue = cord(process, 2)
    z = tissue.lattice.axis_um(2)
    tissue["map.severity"][..., np.abs(z - 325.0) < 130.0] = 0.9 * (tissue["map.cord"][..., :1] > 0)
    process.step(tissue, Key(1, 0, 24.0))
    x, y, k = np.unravel_index(tissue["fibre.bare_site"], tissue.lattice.shape)
    assert z[k] == pytest.approx([325.0, 325.0], abs=25.0) and (x == 0).all()
    assert tissue.lattice.axis_um(1)[y] == pytest.approx([-290.0, 290.0], abs=30.0), (
        "half-way out, on its side"
    )
    assert (tissue["map.cord"][x, y, k] == 1).all()


# -------------------------------------------------------------------------------- conduction and repair
def test_bare_fibres_conduct_again_as_a_chain_of_two_states() -> None:
    process = process_of(**{**STRIPPED, "block_time": 14.0})
    tissue = cord(process)
    live(process, tissue, 1)
    assert share(tissue, Sheath.BLOCKED) == 1.0
    for before, day in ((2, 8), (9, 15), (16, 43)):
        live(process, tissue, day, first=before)
        assert share(tissue, Sheath.BLOCKED) == near(exp(-(day - 1) / 14.0))
    assert share(tissue, Sheath.BLOCKED, Sheath.BARE) == 1.0
    bare = tissue["fibre.sheath"] == Sheath.BARE
    assert set(tissue["fibre.transmission"][bare]) == {0.8} and set(tissue["fibre.latency"][bare]) == {10.0}
    assert set(tissue["fibre.transmission"][~bare]) == {0.0}


@pytest.mark.parametrize("dt_h", [24.0, 6.0])
def test_new_sheaths_form_in_proportion_to_the_ready_precursors(dt_h: float) -> None:
    """Of n bare fibres n e^(-C t/45) stay bare, and of these e^(-t/14) blocked, for any step."""
    process = process_of(**{**STRIPPED, "block_time": 14.0, "remyelination": True})
    tissue = cord(process)
    process.step(tissue, Key(1, 0, dt_h))
    process.step(tissue, Key(1, round(dt_h), dt_h))
    assert share(tissue, Sheath.BLOCKED) == 1.0, "no precursor is there, and none is called"
    ready(tissue, 0.6)
    days = 30
    for step in range(2, 2 + round(24 * days / dt_h)):
        process.step(tissue, Key(1, round(step * dt_h), dt_h))
    inside = tissue["map.cord"] > 0
    assert tissue["density.opc_ready"][inside] == pytest.approx(0.6, abs=1e-12)
    left = exp(-0.6 * days / 45.0)
    assert share(tissue, Sheath.BLOCKED, Sheath.BARE) == near(left)
    assert share(tissue, Sheath.BLOCKED) == near(left * exp(-days / 14.0))
    new = tissue["fibre.sheath"] == Sheath.NEW
    for column, value in (("transmission", 0.95), ("latency", 1.3), ("g_ratio", 0.85)):
        assert set(tissue[f"fibre.{column}"][new]) == {value}


def test_the_switch_blocks_new_sheaths_and_nothing_else() -> None:
    tissues = []
    for makes in (True, False):
        process = process_of(remyelination=makes)
        tissue = cord(process)
        ready(tissue, 0.9)
        live(process, tissue, 60)
        tissues.append(tissue)
    on, off = tissues
    assert share(on, Sheath.NEW) > 0.15 and share(off, Sheath.NEW) == 0.0
    keeps = [tissue["fibre.sheath"] == Sheath.MYELINATED for tissue in tissues]
    np.testing.assert_array_equal(*keeps)
    blocked = on["fibre.sheath"] == Sheath.BLOCKED
    assert (off["fibre.sheath"][blocked] == Sheath.BLOCKED).all(), (
        "the same fibres conduct again on the same days"
    )
    for name in ("opc", "opc_committed", "opc_ready"):
        np.testing.assert_array_equal(on[f"density.{name}"], off[f"density.{name}"])


# -------------------------------------------------------------------------------------- host precursors
@pytest.mark.parametrize("dt_h", [24.0, 6.0])
@pytest.mark.parametrize("debris", [0.0, 0.6])
def test_precursors_that_are_called_are_ready_three_weeks_later(dt_h: float, debris: float) -> None:
    """Three equal steps: the share that is ready is a gamma distribution with a mean of 21 days."""
    process = process_of()
    tissue = cord(process, 1)
    inside = tissue["map.cord"] > 0
    tissue["density.macrophages_pro"][...] = 0.1 * inside
    tissue["density.macrophages_repair"][...] = 0.1 * inside
    tissue["density.debris"][...] = debris * inside
    tissue["fraction.white"][...] = 0.75 * inside
    called = 0.75 * 0.2 / 0.21
    passing = 1.0 / (1.0 + debris / 0.3)
    found = []
    for day in range(1, 85):
        for step in range(round(24.0 / dt_h)):
            process.step(tissue, Key(1, round(24 * (day - 1) + step * dt_h), dt_h))
        x = day / 7.0
        expected = passing * called * (1.0 - exp(-x) * (1.0 + x + 0.5 * x * x))
        values = tissue["density.opc_ready"][inside]
        assert values == pytest.approx(expected, rel=1e-9)
        assert not tissue["density.opc_ready"][~inside].any()
        found.append(float(values[0]))
    late = found[-1]
    mean = sum(1.0 - value / late for value in found) + 0.5  # the area over the curve, by the day
    assert mean == pytest.approx(21.0, abs=0.3)
    assert found[6] < 0.1 * late, "a week after the call next to none is ready"


def test_where_nobody_calls_or_no_tissue_is_left_there_are_none() -> None:
    process = process_of()
    tissue = cord(process, 1)
    z = tissue.lattice.axis_um(2)
    called, dead = z > 500.0, z > 1000.0
    tissue["density.macrophages_repair"][...] = 0.5 * called * (tissue["map.cord"] > 0)
    tissue["fraction.white"][..., dead] = 0.0
    live(process, tissue, 60)
    there = tissue["density.opc_ready"].max(axis=(0, 1)) > 0.0
    np.testing.assert_array_equal(there, called & ~dead)


def test_fibres_in_what_is_left_of_a_tissue_have_its_precursors_for_themselves() -> None:
    """A third of a tissue holds a third of the precursors and of the fibres: each gets as many as in a whole one."""
    left = []
    for living in (1.0, 0.3):
        process = process_of(**{**STRIPPED, "remyelination": True})
        tissue = cord(process)
        tissue["fraction.white"][...] = living * (tissue["map.cord"] > 0)
        tissue["density.macrophages_repair"][...] = 0.2 * (tissue["map.cord"] > 0)
        live(process, tissue, 60)
        inside = tissue["map.cord"] > 0
        assert tissue["density.opc"][inside] == pytest.approx(living * 0.2 / 0.21, rel=1e-3)
        left.append(share(tissue, Sheath.BLOCKED, Sheath.BARE))
    assert left[0] == pytest.approx(left[1], abs=1e-3) and 0.3 < left[0] < 0.6


def test_precursors_die_with_their_tissue_and_those_that_live_on_are_as_many_as_before() -> None:
    process = process_of()
    tissue = cord(process, 2)
    inside = tissue["map.cord"] > 0
    ready(tissue, 0.6)
    process.step(tissue, Key(1, 0, 24.0))
    for living, wanted in ((0.25, 0.6), (0.0, 0.0)):
        tissue["fraction.white"][...] = living * inside
        process.step(tissue, Key(1, 24, 24.0))
        for name in ("opc", "opc_committed", "opc_ready"):
            assert tissue[f"density.{name}"][inside] == pytest.approx(living * 0.6, abs=1e-12)
        assert ready_share(tissue, tissue["fibre.bare_site"]) == pytest.approx([wanted, wanted])


# --------------------------------------------------------------------------------------------- regrown
def regrown(process: Myelin, fibres: int = MANY) -> Tissue:
    """Return a cord whose fibres are cut and have each laid a path of three points, with a synapse at its end."""
    tissue = cord(process, fibres)
    rows = np.arange(fibres)
    tissue["fibre.state"][...] = AxonState.CONNECTED
    tissue["fibre.conducting"][...] = 0.0
    middle = tissue.lattice.shape[1] // 2
    y = float(tissue.lattice.axis_um(1)[middle])
    for z in (-500.0, 0.0, 500.0):
        tissue.segments.add(fibres, fibre=rows, grown=1, x=0.0, y=y, z=z, laid_tick=0)
    tissue.synapses.add(
        fibres, kind=int(SynapseKind.HOST_TO_HOST), tract=tissue["fibre.tract"][rows], fibre=rows, made_tick=0
    )
    return tissue


def test_regrown_fibres_conduct_bare_and_get_a_sheath_of_what_lives_along_their_path() -> None:
    process = process_of()
    tissue = regrown(process)
    ready(tissue, 0.6)
    # no host tissue in the middle of the path: a third of its points has no precursor
    z = tissue.lattice.axis_um(2)
    tissue["fraction.white"][..., np.abs(z) < 200.0] = 0.0
    process.step(tissue, Key(1, 0, 24.0))
    assert (tissue["fibre.regrown_sheath"] == Sheath.BARE).all()
    assert set(tissue["fibre.transmission"]) == {0.8} and set(tissue["fibre.latency"]) == {10.0}
    assert tissue.scalar("regrown_transmission_corticospinal") == pytest.approx(0.8)
    assert tissue.scalar("regrown_transmission_gracile") == 1.0, "no such fibre"
    live(process, tissue, 30, first=1)
    new = tissue["fibre.regrown_sheath"] == Sheath.NEW
    assert float(new.mean()) == near(1.0 - exp(-0.4 * 30.0 / 45.0))
    own = tissue["fibre.tract"] == Tract.PROPRIOSPINAL
    expected = 0.8 + 0.15 * float(new[own].mean())
    assert tissue.scalar("regrown_transmission_propriospinal") == pytest.approx(expected)


def test_a_lost_connection_takes_its_sheath_along_and_a_segment_that_was_lost_counts_no_more() -> None:
    process = process_of(remyelination_time=0.1)
    tissue = regrown(process, 3)
    ready(tissue, 0.9)
    tissue["segment.lost_tick"][tissue["segment.fibre"] == 2] = 1
    live(process, tissue, 3)
    assert tissue["fibre.regrown_sheath"].tolist() == [Sheath.NEW, Sheath.NEW, Sheath.BARE]
    tissue["synapse.lost_tick"][0] = 24 * 3
    live(process, tissue, 4, first=4)
    assert tissue["fibre.regrown_sheath"].tolist() == [Sheath.NONE, Sheath.NEW, Sheath.BARE]
    tissue["synapse.lost_tick"][0] = -1  # as if it had connected anew
    live(process, tissue, 5, first=5)
    assert tissue["fibre.regrown_sheath"][0] == Sheath.BARE


def test_the_switch_blocks_sheaths_of_regrown_fibres_too_and_grafted_cells_make_them() -> None:
    for makes, cells in ((False, 5000), (True, 5000), (True, 0)):
        process = process_of(remyelination=makes, graft_reach=50.0)
        tissue = regrown(process, 2000)
        site = np.ravel_multi_index((0, tissue.lattice.shape[1] // 2, 32), tissue.lattice.shape)
        tissue.cells.add(
            cells, id=np.arange(1, cells + 1), site=site, kind=int(CellKind.OLIGODENDROCYTE), grafted_tick=0
        )
        for tick in range(24 * 365, 24 * 375, 24):
            process.step(tissue, Key(1, tick, 24.0))
        assert bool((tissue["fibre.regrown_sheath"] == Sheath.NEW).any()) is (makes and cells > 0)


def test_what_regrew_adds_to_the_drive_what_its_sheath_lets_pass() -> None:
    index, process = FunctionIndex(), process_of(remyelination=False)
    tissue = cord(process, 30, severity=0.0, others=(Contact(), MassEffect(), index))
    tissue["fibre.conducting"][...] = 0.0
    tissue["fibre.struck_tick"][...] = -1
    for tract in DESCENDING:
        tissue.set_scalar(f"regrown_{tract.name.lower()}", 0.5)
        tissue.set_scalar(f"regrown_transmission_{tract.name.lower()}", 0.8)
    index.step(tissue, Key(1, 0, 24.0))
    assert tissue.scalar("motor_drive") == pytest.approx(0.5 * 0.8)


# ------------------------------------------------------------------------------------------------ graft
def grafted(age_d: float, away_um: float = 0.0, cells: int = 200, reorder: bool = False) -> Tissue:
    """Bare fibres, and oligodendrocytes of one age spread over their side of the injured stretch."""
    process = process_of(**{**STRIPPED, "remyelination": True, "graft_reach": 100.0})
    tissue = cord(process, 4000, days=2000.0)
    live(process, tissue, 1)
    x, y, z = np.unravel_index(tissue["fibre.bare_site"][:2], tissue.lattice.shape)
    layer = z[0] + round(away_um / 50.0)
    sites = np.ravel_multi_index((x, y, np.array([layer, layer])), tissue.lattice.shape)
    start = round(24 * (800 - age_d))
    tissue.cells.add(
        2 * cells,
        id=np.arange(1, 2 * cells + 1),
        site=np.repeat(sites, cells),
        kind=int(CellKind.OLIGODENDROCYTE),
        grafted_tick=start,
    )
    tissue.cells.add(500, id=np.arange(1000, 1500), site=sites[0], kind=int(CellKind.ASTROCYTE))
    if reorder:
        tissue.cells.reorder(np.arange(len(tissue.cells))[::-1].copy())
    for tick in range(24 * 800, 24 * 810, 24):
        process.step(tissue, Key(1, tick, 24.0))
    return tissue


def test_mature_oligodendrocytes_of_a_graft_make_sheaths_near_them() -> None:
    tissue = grafted(age_d=365.0)
    box = 1 * 5 * 5 * 50.0**3  # two voxels to either side, one across
    density = 200 / box / 6.5e-6
    hazard = sum(density / (1.0 + (365.0 / (365.0 + day)) ** 4) for day in range(10)) / 45.0
    assert share(tissue, Sheath.NEW) == near(1.0 - exp(-hazard), 4000)
    assert 0.5 < hazard < 3.0


def test_young_cells_and_cells_far_away_do_not() -> None:
    assert share(grafted(age_d=15.0), Sheath.NEW) < 0.002 < 0.3 < share(grafted(age_d=365.0), Sheath.NEW)
    assert share(grafted(age_d=365.0, away_um=150.0), Sheath.NEW) == 0.0
    assert share(grafted(age_d=365.0, away_um=100.0), Sheath.NEW) > 0.3
    assert share(grafted(age_d=365.0, cells=0), Sheath.NEW) == 0.0, "astrocytes make none"


def test_the_order_of_the_cells_changes_no_bit() -> None:
    one, other = grafted(400.0), grafted(400.0, reorder=True)
    np.testing.assert_array_equal(one["fibre.sheath"], other["fibre.sheath"])


# --------------------------------------------------------------------------------- function and restart
def test_conduction_is_what_the_sheaths_let_pass() -> None:
    index, process = FunctionIndex(), process_of(block_time=3650.0, remyelination=False)
    tissue = cord(process, 30, severity=0.0, others=(Contact(), MassEffect(), index))
    tissue["fibre.struck_tick"][...] = -1
    drives = []
    for tick in (0, 24):
        process.step(tissue, Key(1, tick, 24.0))
        index.step(tissue, Key(1, tick, 24.0))
        drives.append([tissue.scalar(f"drive_{tract.name.lower()}") for tract in DESCENDING])
        if tick == 0:
            # two of the ten fibres of a tract in each state, and two that do not conduct at all
            group = np.arange(30) // 6
            kinds = (Sheath.MYELINATED, Sheath.BLOCKED, Sheath.BARE, Sheath.NEW, Sheath.MYELINATED)
            tissue["fibre.sheath"][...] = np.array(kinds)[group]
            tissue["fibre.conducting"][group == 4] = 0.0
    assert drives[0] == [1.0, 1.0, 1.0]
    assert drives[1] == pytest.approx([0.2 * (1.0 + 0.0 + 0.8 + 0.95 + 0.0)] * 3)


def test_a_cord_of_bare_fibres_is_slow_and_weak_and_new_sheaths_help() -> None:
    """The course of a strong blow: less function after two weeks, most of it back after three months."""
    index, process = FunctionIndex(FunctionIndex.Params(block_fast=0.0, block_slow=0.0)), process_of()
    tissue = cord(process, 6000, severity=0.9, others=(Contact(), MassEffect(), index))
    tissue["density.macrophages_repair"][...] = 0.3 * (tissue["map.cord"] > 0)
    drives = {}
    for day in range(121):
        live(process, tissue, day, first=day)
        index.step(tissue, Key(1, 24 * day, 24.0))
        drives[day] = tissue.scalar("drive_corticospinal")
    plain = 1.0 + tissue.scalar("plasticity")
    assert drives[0] == 1.0 and 0.6 < drives[14] < 0.8
    assert drives[14] < drives[60] < drives[120] < plain
    assert drives[120] > 0.9


def test_a_restart_goes_on_with_the_same_sheaths() -> None:
    whole = CordModel("mouse_subacute_graft", settings=SMALL)
    cut = CordModel("mouse_subacute_graft", settings=SMALL)
    while whole.tick < 9 * 24:
        whole.step()
    saved = whole.tissue.snapshot()
    while whole.running:
        whole.step()
    cut.tissue.restore(saved)
    for tick in range(9 * 24 + 1, whole.tick + 1):
        cut.pipeline.step(cut.tissue, tick)
    assert cut.tissue.changed(whole.tissue.snapshot()) == []
    assert (whole.tissue["fibre.sheath"] == Sheath.BLOCKED).sum() > 20
