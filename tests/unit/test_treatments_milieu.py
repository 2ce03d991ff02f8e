"""Treatments that act on the milieu: the enzyme that cuts CSPG, and a drug against inflammation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from cordgraft.core.contract import ArraySpec, Key
from cordgraft.engine.pipeline import Pipeline
from cordgraft.processes.anti_inflammatory import AntiInflammatory
from cordgraft.processes.chondroitinase import Chondroitinase
from cordgraft.processes.digestion import Digestion
from cordgraft.processes.hindrance import Hindrance
from cordgraft.processes.matrix_factor import MatrixFactor
from cordgraft.processes.transport import Transport
from cordgraft.state.tissue import Tissue
from tests.milieu_support import KINDS, make_milieu
from tests.support import make_tissue

CSPG = ArraySpec("field.cspg", "ug/mL", "CSPG")
EPICENTRE = ArraySpec("scalar.epicentre_um", "um", "place of the injury")


def a_cord(shape: tuple[int, int, int] = (1, 24, 96), **params: Any) -> tuple[Tissue, list[Any]]:
    processes = [
        Chondroitinase(Chondroitinase.Params(**{"at": 24.0, "depth": 600.0, **params})),
        Hindrance(),
        Transport(Transport.Params(contrast=False)),
        Digestion(),
    ]
    tissue = make_tissue(processes, shape, extra=[CSPG, EPICENTRE], days=120.0)
    tissue["field.cspg"][...] = 20.0 * tissue["map.cord"]
    return tissue, [processes[0], *processes[2:]]


def live(tissue: Tissue, processes: list[Any], days: float, start: int = 0) -> None:
    for tick in range(start, start + int(24 * days)):
        for process in processes:
            process.step(tissue, Key(1, tick, 1.0))


def test_the_enzyme_clears_its_surroundings_and_no_more() -> None:
    tissue, processes = a_cord((1, 24, 240), dose=0.02)
    live(tissue, processes, 1.0)
    assert (tissue["field.cspg"][tissue["map.cord"] > 0] == 20.0).all(), "nothing before its day"
    live(tissue, processes, 6.0, 24)
    middle = tissue["field.cspg"][0, 12]
    assert middle[120] < 2.0
    assert middle[0] == middle[-1] == pytest.approx(20.0, abs=0.2)
    assert "0.02 U" in processes[0].event(tissue, 24)


def test_a_ball_wider_than_the_cord_keeps_the_dose() -> None:
    """In a section as in a volume the dose stands over what the cord has room for."""
    levels = []
    for shape in ((1, 24, 64), (34, 24, 64)):
        tissue, processes = a_cord(shape, dose=1.0, volume=2e10)
        processes[0].step(tissue, Key(1, 24, 1.0))
        levels.append(float(tissue["source.enzyme"].max()))
    assert levels[0] > 1.0 / (2e10 / 1e12)
    assert levels[0] == pytest.approx(levels[1], rel=0.1)


@pytest.mark.parametrize("shape", [(1, 24, 96), (20, 24, 64)])
def test_the_dose_is_what_arrives(shape: tuple[int, int, int]) -> None:
    """Activity per volume of the deposit is the dose over its volume, in a section and in a volume alike."""
    tissue, processes = a_cord(shape, dose=0.5, volume=2e8)
    processes[0].step(tissue, Key(1, 24, 1.0))
    filled = processes[0].reach(tissue)
    level = tissue["source.enzyme"][filled]
    assert filled.sum() > 20
    if shape[0] == 1:
        np.testing.assert_allclose(level, 0.5 / (2e8 / 1e12), rtol=0.1)
    else:
        assert level.sum() * tissue.lattice.voxel_um3 / 1e12 == pytest.approx(0.5)
        assert filled.sum() * tissue.lattice.voxel_um3 == pytest.approx(2e8, rel=0.05)


def test_bare_enzyme_is_gone_in_days_and_a_gel_works_for_weeks() -> None:
    active = {}
    for product in ("bare", "stabilised", "gel"):
        tissue, processes = a_cord(product=product)
        levels = []
        for week in range(8):
            live(tissue, processes, 7.0, week * 168)
            levels.append(float((tissue["field.enzyme"] + tissue["field.enzyme_stable"]).sum()))
        active[product] = np.array(levels)
    assert active["bare"][2] < 1e-3 * active["bare"][0]
    assert active["stabilised"][5] / active["stabilised"][1] == pytest.approx(0.5, abs=0.02), "half-life 28 d"
    assert active["gel"][2] > active["gel"][0]


def test_doses_repeat() -> None:
    tissue, processes = a_cord(doses=3, interval=48.0)
    given = [tick for tick in range(24 * 10) if processes[0].event(tissue, tick)]
    assert given == [24, 72, 120]


def test_digestion_follows_michaelis_and_menten() -> None:
    process = Digestion(Digestion.Params(turnover=7.0, affinity=12.0))
    tissue = make_tissue([process], (1, 4, 16), extra=[CSPG])
    start = np.linspace(0.0, 300.0, 16)
    tissue["field.cspg"][0, 1] = start
    tissue["field.enzyme"][0, 1] = 0.3
    tissue["field.enzyme_stable"][0, 1] = 0.2
    process.step(tissue, Key(1, 0, 24.0))
    exact = solve_ivp(lambda t, c: -7.0 * 0.5 * c / (c + 12.0), (0.0, 24.0), start, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(tissue["field.cspg"][0, 1], exact.y[:, -1], rtol=1e-6, atol=1e-9)
    tissue["field.enzyme"][0, 1] = 1e9
    process.step(tissue, Key(1, 1, 24.0))
    assert np.isfinite(tissue["field.cspg"]).all() and tissue["field.cspg"].max() < 1e-6


def test_a_matrix_factor_fills_its_ball_but_no_cavity_and_fades_by_itself() -> None:
    factor = MatrixFactor(MatrixFactor.Params(at=24.0, duration=240.0, rate=0.5, volume=3e8, depth=600.0))
    matrix = ArraySpec("density.matrix", "1", "matrix")
    tissue = make_tissue([factor], (1, 24, 96), extra=[matrix, EPICENTRE], days=60.0)
    tissue["fraction.cavity"][0, 12, 48:50] = 0.75
    for tick in range(24):
        factor.step(tissue, Key(1, tick, 1.0))
    assert not tissue["density.matrix"].any(), "nothing before its day"
    for tick in range(24, 24 * 20):
        factor.step(tissue, Key(1, tick, 1.0))
    laid = tissue["density.matrix"]
    inside = np.pi * ((3.0 * 3e8 / (4.0 * np.pi)) ** (2.0 / 3.0)) / 50.0**2
    assert (laid > 0.0).sum() == pytest.approx(inside, rel=0.1)
    assert laid.max() == pytest.approx(1.0 - np.exp(-0.5 * 10.0), rel=1e-9)
    assert laid[0, 12, 48] == pytest.approx(0.25 * (1.0 - np.exp(-0.5 * 10.0)), rel=1e-9)
    assert factor.event(tissue, 24 * 11) == "matrix factor is used up"


def inflamed(days: int, **drug: float) -> tuple[Tissue, list[float]]:
    treatment = AntiInflammatory(AntiInflammatory.Params(**drug)) if drug else None
    processes = [
        kind(kind.Params.for_preset("mouse", **({"variation": 0.0} if kind.name == "subject" else {})))
        for kind in KINDS
    ]
    plain, _ = make_milieu("mouse")
    if treatment is not None:
        processes.insert(2, treatment)
    others = [plain.specs["field.trophic"], plain.specs["field.cxcl12"]]
    tissue = make_tissue(processes, plain.lattice.shape, days=30.0, extra=others, prepare=False)
    pipeline = Pipeline(processes, tissue.clock)
    pipeline.check(tissue)
    pipeline.prepare(tissue)
    seen = []
    for tick in range(24 * days + 1):
        pipeline.step(tissue, tick)
        seen.append(float(tissue["density.neutrophils"].sum()))
    return tissue, seen


def test_an_early_drug_keeps_neutrophils_out_and_saves_tissue_and_a_late_one_cannot() -> None:
    none, untreated = inflamed(10)
    early, with_early = inflamed(10, at=1.0, duration=96.0, strength=0.7)
    late, with_late = inflamed(10, at=120.0, duration=96.0, strength=0.7)
    assert max(with_early) < 0.6 * max(untreated)
    assert with_late[:120] == untreated[:120], "nothing before its day"
    assert max(with_late) == max(untreated)
    spared = [float(tissue["fraction.white"].sum()) for tissue in (none, early, late)]
    assert spared[1] > spared[0]
    assert spared[1] - spared[0] > 5.0 * abs(spared[2] - spared[0])


def test_a_drug_of_no_strength_changes_nothing() -> None:
    none, _ = inflamed(3)
    weak, _ = inflamed(3, at=1.0, duration=240.0, strength=0.0)
    assert weak.changed(none.snapshot()) == []
