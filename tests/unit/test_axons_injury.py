"""Host fibres: placing, the share severed, swelling, die-back, late death of tissue, restart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from axon_support import cord_of
from cordgraft.core.contract import Key
from cordgraft.processes.axon_injury import PLACES, AxonInjury, drop_outgrowth
from cordgraft.state.axons import ASCENDING, HOST_TRACTS, AxonState, ConeState, Tract
from cordgraft.state.tissue import Tissue

TRACTS = ("corticospinal", "reticulospinal", "propriospinal", "gracile", "spinothalamic")


def fibres_of(numbers: int = 200, **changes: Any) -> AxonInjury:
    return AxonInjury(AxonInjury.Params(**{f"{name}_simulated": numbers for name in TRACTS}, **changes))


def section(process: AxonInjury, species: str = "mouse", days: float = 40.0, seed: int = 1) -> Tissue:
    return cord_of(
        "white",
        (process,),
        shape=(1, 28, 160),
        spacing_um=(50.0, 50.0, 50.0),
        days=days,
        species=species,
        seed=seed,
    )


def strike(tissue: Tissue, severity: float, impact: float = 0.0, half_um: float = 400.0) -> None:
    near = (np.abs(tissue.lattice.axis_um(2)) < half_um) & (tissue["map.cord"] > 0)
    tissue["map.severity"][...] = severity * near
    tissue["map.impact"][...] = impact * near


def run(process: AxonInjury, tissue: Tissue, days: float, macrophages: float = 0.0, first: int = 0) -> None:
    tissue["density.macrophages_pro"][...] = macrophages * tissue["map.cord"]
    for tick in range(first, first + round(days * 24), 6):
        process.step(tissue, Key(tissue.setting.seed, tick, 6.0))


def share(tissue: Tissue, *states: AxonState) -> float:
    return float(np.isin(tissue["fibre.state"], states).mean())


@pytest.mark.parametrize("species", ["mouse", "human"])
def test_fibres_of_a_section_follow_the_rotation_rule(species: str) -> None:
    """On the ventral radius with probability (1 + sin phi)/2, at a radius even over the area of the tract."""
    process = fibres_of(4000)
    tissue = section(process, species)
    process.step(tissue, Key(1, 0, 6.0))
    assert len(tissue.fibres) == 20000
    half_width = 0.5 * tissue.setting.cord_diameter_um[0]
    for tract, place in PLACES["human" if species == "human" else "rodent"].items():
        rows = tissue["fibre.tract"] == tract
        rho, phi = tissue["fibre.rho"][rows], tissue["fibre.phi"][rows]
        low, high = place.rho
        assert low <= rho.min() and rho.max() <= high
        mean = 2.0 / 3.0 * (high**3 - low**3) / (high**2 - low**2)
        assert rho.mean() == pytest.approx(mean, abs=4.0 * (high - low) / np.sqrt(12 * 4000))
        angles = np.deg2rad(np.linspace(*place.phi, 2001))
        ventral = 0.5 * (1.0 + np.sin(angles)).mean()
        assert (phi > 0).mean() == pytest.approx(ventral, abs=4.0 * 0.5 / np.sqrt(4000))
        # The true distance out of the section stays with the fibre.
        lateral = tissue["fibre.lateral_um"][rows]
        assert lateral.mean() == pytest.approx(half_width * mean * np.cos(angles).mean(), rel=0.05, abs=5.0)
        y = tissue["fibre.y_um"][rows]
        assert (np.sign(y) == np.sign(phi)).all()
    assert (tissue["fibre.y_um"][tissue["fibre.tract"] == Tract.GRACILE] < 0).mean() > 0.95


def test_fibres_of_a_volume_lie_where_their_tract_runs() -> None:
    process = fibres_of(500)
    tissue = cord_of("white", (process,), shape=(28, 20, 32), spacing_um=(50.0,) * 3, species="human")
    process.step(tissue, Key(1, 0, 6.0))
    np.testing.assert_array_equal(tissue["fibre.lateral_um"], 0.0)
    rows = tissue["fibre.tract"] == Tract.CORTICOSPINAL
    x, y = tissue["fibre.x_um"][rows], tissue["fibre.y_um"][rows]
    assert 0.4 < (x > 0).mean() < 0.6, "both sides"
    assert np.abs(x).min() > 200.0 and y.max() < 0.0, "lateral, a little dorsal"


def test_paths_run_from_the_side_of_the_soma_to_the_other_end() -> None:
    process = fibres_of(5)
    tissue = section(process)
    process.step(tissue, Key(1, 0, 6.0))
    up = np.isin(tissue["fibre.tract"], ASCENDING)
    np.testing.assert_array_equal(tissue["fibre.direction"], np.where(up, 1, -1))
    root, end = tissue["segment.z"][tissue["fibre.root"]], tissue["segment.z"][tissue["fibre.stump"]]
    half = 0.5 * tissue.lattice.extent_um[2]
    np.testing.assert_allclose(root, np.where(up, -half, half))
    np.testing.assert_allclose(end, -root)
    assert tissue["fibre.weight"][0] == pytest.approx(1e5 / 5)


def test_the_share_severed_is_that_of_the_voxel() -> None:
    process = fibres_of(2000, shear=0.3, swelling_rate=0.0)
    tissue = section(process)
    strike(tissue, 0.5, impact=0.2)
    process.step(tissue, Key(1, 0, 6.0))
    expected = 1.0 - (1.0 - 0.2) * (1.0 - 0.3 * 0.5)
    assert share(tissue, AxonState.SEVERED) == pytest.approx(expected, abs=4.0 * 0.5 / np.sqrt(10000))
    cut = tissue["fibre.state"] == AxonState.SEVERED
    # On the side of the soma, at the face of the struck stretch, 300 um back at once.
    edge = -400.0 * tissue["fibre.direction"][cut]
    np.testing.assert_allclose(tissue["fibre.cut_um"][cut], edge)
    np.testing.assert_allclose(tissue["fibre.stump_um"][cut], edge - 300.0 * tissue["fibre.direction"][cut])
    np.testing.assert_allclose(tissue["segment.z"][tissue["fibre.stump"][cut]], tissue["fibre.stump_um"][cut])
    assert (tissue["fibre.conducting"] == ~cut).all()


def test_without_an_injury_nothing_happens() -> None:
    process = fibres_of(50)
    tissue = section(process)
    process.step(tissue, Key(1, 0, 6.0))
    before = tissue.snapshot()
    run(process, tissue, 5.0, macrophages=0.5, first=6)
    tissue["density.macrophages_pro"][...] = before["density.macrophages_pro"]
    assert tissue.changed(before) == []


def test_live_share_after_a_mild_impact_falls_and_partly_returns() -> None:
    """With a share of 0.35 severed: live 0.29 at day 1, about as much at day 3, more at day 14."""
    process = fibres_of(2000, shear=0.7)
    tissue = section(process)
    strike(tissue, 0.5)  # 0.7 x 0.5 = 0.35
    live = {}
    for day in range(14):
        run(process, tissue, 1.0, first=24 * day)
        live[day + 1] = share(tissue, AxonState.INTACT)
    hazard = 1.6 * 0.25 / 0.26 * 0.7 * (1.0 - np.exp(-1.0 / 0.7))
    # Few of those that swell on day 1 have left that state again.
    assert 0.65 * np.exp(-hazard) < live[1] < 0.65 * np.exp(-hazard) + 0.06
    assert live[3] == pytest.approx(0.29, abs=0.03)
    assert live[14] == pytest.approx(0.38, abs=0.03)
    assert live[14] > live[3]


def test_swelling_does_not_depend_on_the_step() -> None:
    swollen = []
    for step in (1, 6, 24):
        process = fibres_of(2000, shear=0.0, swollen_time=60.0)
        tissue = section(process)
        strike(tissue, 0.3)
        for tick in range(0, 48, step):
            process.step(tissue, Key(1, tick, float(step)))
        swollen.append(share(tissue, AxonState.SWOLLEN))
    assert max(swollen) - min(swollen) < 4.0 * 0.7 / np.sqrt(10000)


def test_dieback_needs_macrophages_and_ends_where_there_are_none() -> None:
    """A stump recedes at the speed of the macrophages at its end and rests once it has left them behind."""
    process = fibres_of(100, swelling_rate=0.0)
    p = process.params
    for macrophages, days in ((0.0, 40.0), (0.3, 5.0), (0.5, 40.0)):
        tissue = section(process)
        strike(tissue, 1.0, impact=1.0)
        inflamed = (np.abs(tissue.lattice.axis_um(2)) < 900.0) & (tissue["map.cord"] > 0)
        for tick in range(0, round(days * 24), 6):
            tissue["density.macrophages_pro"][...] = macrophages * inflamed
            process.step(tissue, Key(1, tick, 6.0))
        receded, frailty = tissue["fibre.receded_um"], tissue["fibre.frailty"]
        assert frailty.mean() == pytest.approx(1.0, abs=0.1) and frailty.min() >= 0.5 and frailty.max() <= 1.5
        if macrophages == 0.0:
            np.testing.assert_array_equal(receded, p.acute_degeneration)
        elif days == 5.0:  # none has come to the end of the inflamed stretch; the first step is that of the cut
            expected = p.acute_degeneration + p.dieback_rate * frailty * macrophages * (days - 0.25)
            np.testing.assert_allclose(receded, expected)
            assert share(tissue, AxonState.SEVERED) == 1.0
        else:
            past = np.abs(tissue["fibre.stump_um"]) - 900.0
            assert past.min() > 0.0 and past.max() < p.dieback_rate * 1.5 * macrophages * 0.25
        if days > 5.0:
            assert share(tissue, AxonState.DORMANT) == 1.0
        moved = np.abs(tissue["fibre.stump_um"] - tissue["fibre.cut_um"])
        np.testing.assert_allclose(moved, receded)
        # The log ends at the stump, with one living end per fibre.
        living = tissue["segment.lost_tick"] < 0
        assert living.sum() == 2 * len(tissue.fibres)
        logged = np.abs(tissue["segment.z"][tissue["fibre.stump"]] - tissue["fibre.stump_um"])
        assert logged.max() < (50.0 if days == 5.0 else 1e-9)


def test_tissue_that_dies_later_severs_more() -> None:
    process = fibres_of(400, swelling_rate=0.0)
    tissue = section(process)
    strike(tissue, 0.2)
    run(process, tissue, 1.0)
    early = share(tissue, AxonState.INTACT)
    near = np.abs(tissue.lattice.axis_um(2)) < 100.0
    tissue["fraction.white"][...] *= np.where(near, 0.4, 1.0)
    run(process, tissue, 1.0, first=240)
    assert share(tissue, AxonState.INTACT) == pytest.approx(early * 0.4, abs=0.05)
    late = tissue["fibre.cut_tick"] >= 240
    assert late.any()
    np.testing.assert_allclose(np.abs(tissue["fibre.cut_um"][late]), 100.0)


def test_a_cut_nearer_to_the_soma_takes_the_outgrowth_along() -> None:
    process = AxonInjury(AxonInjury.Params(**{f"{n}_simulated": int(n == "corticospinal") for n in TRACTS}))
    tissue = section(process)
    strike(tissue, 1.0, impact=1.0)
    process.step(tissue, Key(1, 0, 6.0))
    stump = tissue["fibre.stump"][0]
    tissue.segments.add(1, parent=stump, fibre=0, grown=1, z=tissue["segment.z"][stump] - 60.0)
    last = len(tissue.segments) - 1
    tissue.cones.add(1, id=99, fibre=0, last=last, base=stump, z=tissue["segment.z"][last])
    tissue.synapses.add(1, fibre=0, cone=99, weight=1.0)
    tissue["fibre.state"][0] = AxonState.CONNECTED
    tissue["fibre.connected_tick"][0] = 3
    z = tissue.lattice.axis_um(2)
    tissue["fraction.white"][...] *= np.where((z > 1500.0) & (z < 1700.0), 0.0, 1.0)
    process.step(tissue, Key(1, 48, 6.0))
    assert tissue["fibre.state"][0] == AxonState.SEVERED
    assert tissue["fibre.cut_um"][0] == pytest.approx(1700.0)
    assert len(tissue.cones) == 0
    assert tissue["synapse.lost_tick"][0] == 48
    assert tissue["segment.lost_tick"][last] == 48
    assert tissue["fibre.connected_tick"][0] == -1


def test_fibres_are_laid_out_once_and_numbers_of_one_tract_change_no_other() -> None:
    few = fibres_of(40)
    tissue = section(few)
    strike(tissue, 0.5)
    run(few, tissue, 2.0)
    assert len(tissue.fibres) == 200
    more = AxonInjury(
        AxonInjury.Params(**{f"{n}_simulated": 40 + 30 * (n == "corticospinal") for n in TRACTS})
    )
    other = section(more)
    strike(other, 0.5)
    run(more, other, 2.0)
    assert len(other.fibres) == 230
    for column in ("rho", "phi", "threshold", "state", "stump_um", "capacity"):
        ours = dict(zip(tissue["fibre.id"].tolist(), tissue[f"fibre.{column}"].tolist(), strict=True))
        theirs = dict(zip(other["fibre.id"].tolist(), other[f"fibre.{column}"].tolist(), strict=True))
        assert all(theirs[name] == value for name, value in ours.items()), column


def test_stopping_and_going_on_changes_nothing() -> None:
    process = fibres_of(60)
    through = section(process)
    strike(through, 0.5, impact=0.3)
    run(process, through, 4.0, macrophages=0.4)
    first = section(process)
    strike(first, 0.5, impact=0.3)
    run(process, first, 2.0, macrophages=0.4)
    fresh = fibres_of(60)
    second = section(fresh)
    second.restore(first.snapshot())
    fresh.prepare(second)
    run(fresh, second, 2.0, macrophages=0.4, first=48)
    assert through.changed(second.snapshot()) == []


def test_outgrowth_of_other_fibres_stays() -> None:
    process = fibres_of(2)
    tissue = section(process)
    process.step(tissue, Key(1, 0, 6.0))
    n = len(HOST_TRACTS) * 2
    rows = np.arange(n)
    added = tissue.segments.add(n, parent=tissue["fibre.stump"], fibre=rows, grown=1)
    tissue.cones.add(
        n, id=rows + 1, fibre=rows, last=np.arange(added.start, added.stop), state=int(ConeState.ACTIVE)
    )
    drop_outgrowth(tissue, np.array([1, 4]), 7)
    assert sorted(tissue["cone.fibre"].tolist()) == [r for r in range(n) if r not in (1, 4)]
    lost = tissue["segment.lost_tick"][added] == 7
    np.testing.assert_array_equal(np.flatnonzero(lost), [1, 4])
