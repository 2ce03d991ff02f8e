"""The transport process: solver by structure, own lattices and steps, tissue contrast, open edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft.core.contract import FieldSpec, Key
from cordgraft.core.problems import BadInput
from cordgraft.processes.hindrance import Hindrance
from cordgraft.processes.transport import Transport
from cordgraft.state.tissue import Tissue
from tests.support import SMALL, make_tissue

SECTION = (1, 32, 64)
VOLUME = (12, 16, 32)


def fields(tnf_um2_s: float = 5.0) -> tuple[FieldSpec, ...]:
    return (
        FieldSpec("field.tnf", "1", "a", diffusivity_um2_s=tnf_um2_s, decay_per_h=1.66, origin="tissue"),
        FieldSpec("field.trophic", "1", "b", diffusivity_um2_s=25.0, decay_per_h=0.0866),
    )


def a_cord(shape: Any = SECTION, **choices: Any) -> tuple[Tissue, Transport]:
    transport = Transport(Transport.Params(**choices))
    tissue = make_tissue([Hindrance(), transport], shape, extra=fields())
    return tissue, transport


def run(tissue: Tissue, transport: Transport, hours: int, deposit: float = 1.0) -> None:
    """Deposit in one voxel for as long as it lasts."""
    middle = tuple(n // 2 for n in tissue.lattice.shape)
    for tick in range(hours):
        tissue["source.trophic"][middle] += deposit
        transport.step(tissue, Key(1, tick, 1.0))
        assert not tissue["source.trophic"].any()


def test_the_solver_follows_the_structure() -> None:
    for shape, choices, solver in (
        (SECTION, {}, "sdirk2"),
        (SECTION, {"contrast": False}, "spectral"),
        (SECTION, {"contrast": False, "edge": "exchange"}, "sdirk2"),
        (VOLUME, {"contrast": False}, "sdirk2"),
        (SECTION, {"solver": "rkl2"}, "rkl2"),
    ):
        tissue, transport = a_cord(shape, **choices)
        assert transport.plans["trophic"].solver == solver, choices
        assert tissue.field_notes["trophic"]["solver"] == solver
    still = Transport()
    make_tissue([Hindrance(), still], SECTION, extra=fields(0.0))
    assert still.plans["tnf"].solver == "pointwise"


def test_forcing_the_spectral_solver_on_a_cord_that_it_cannot_serve_says_why() -> None:
    for shape, choices in (
        (VOLUME, {"contrast": False}),
        (SECTION, {}),
        (SECTION, {"contrast": False, "edge": "fixed"}),
    ):
        with pytest.raises(BadInput, match="spectral solver needs a cord that fills the lattice"):
            a_cord(shape, solver="spectral", **choices)


def test_a_dose_is_worth_the_same_whenever_in_a_step_it_comes() -> None:
    """One deposit at each hour of a step of eight, looked at long after: left is what decay leaves."""
    worth = []
    for hour in range(16, 24):
        tissue, transport = a_cord(VOLUME, coarsening=2, step=8.0)
        middle = tuple(n // 2 for n in VOLUME)
        for tick in range(48):
            tissue["source.trophic"][middle] += tick == hour
            transport.step(tissue, Key(1, tick, 1.0))
        plan = transport.plans["trophic"]
        left = (tissue["lattice.trophic"] * plan.lattice.volume).sum() * np.prod(plan.lattice.factors)
        decayed = (1.0 - np.exp(-0.0866)) / 0.0866 * np.exp(-0.0866 * (47 - hour))
        worth.append(left / decayed)
    np.testing.assert_allclose(worth, worth[0], rtol=1e-6)
    assert worth[0] == pytest.approx(1.0, abs=0.04), "what three steps of eight hours err by"


def test_the_plan_follows_the_numbers_in_force() -> None:
    """Coefficients that are put in force by a process of a later phase count too."""
    from cordgraft import CordModel

    steps = {}
    for half_life in ("6 min", "24 h"):
        model = CordModel(
            "mouse_subacute_graft", settings={**SMALL, "parameters.digestion.half_life": half_life}
        )
        steps[half_life] = model.tissue.field_notes["enzyme"]
    assert steps["6 min"]["step"] == "1 h" and steps["24 h"]["step"] == "4 h"
    assert steps["6 min"]["lattice"] != steps["24 h"]["lattice"]


@pytest.mark.parametrize("shape", [SECTION, VOLUME])
def test_solvers_agree(shape: Any) -> None:
    found = {}
    for solver in ("sdirk2", "rkl2", "spectral"):
        if solver == "spectral" and shape == VOLUME:
            continue
        tissue, transport = a_cord(shape, solver=solver, contrast=False, coarsening=1, step=1.0)
        run(tissue, transport, 24)
        found[solver] = tissue["field.trophic"].copy()
    for solver, field in found.items():
        assert np.linalg.norm(field - found["sdirk2"]) < 0.01 * np.linalg.norm(field), solver


def test_no_deposit_is_lost_on_the_way_to_a_coarser_lattice_and_a_longer_step() -> None:
    amounts = []
    for choices in (
        {"coarsening": 1, "step": 1.0},
        {"coarsening": 4, "step": 4.0},
        {"coarsening": 3, "step": 12.0},
    ):
        tissue, transport = a_cord(VOLUME, **choices)
        tissue.coefficients["trophic"] = (25.0, 0.0)
        transport.prepare(tissue)
        run(tissue, transport, 24)
        plan = transport.plans["trophic"]
        amounts.append(
            (tissue["lattice.trophic"] * plan.lattice.volume).sum() * np.prod(plan.lattice.factors)
        )
    np.testing.assert_allclose(amounts, 24.0, rtol=1e-12)


def test_readers_see_a_field_that_is_not_negative_and_close_to_that_of_the_fine_lattice() -> None:
    shape = (1, 64, 128)
    fine, exact = a_cord(shape, coarsening=1, step=1.0)
    coarse, quick = a_cord(shape)
    plan = quick.plans["trophic"]
    assert plan.lattice.factors != (1, 1, 1) or plan.step_h > 1.0
    for tissue, transport in ((fine, exact), (coarse, quick)):
        run(tissue, transport, 48)
    one, two = fine["field.trophic"], coarse["field.trophic"]
    assert two.min() >= 0.0
    allowed = plan.lattice_error + plan.step_error + 0.01
    assert np.linalg.norm(one - two) < 1.5 * allowed * np.linalg.norm(one)


def test_a_step_ends_where_it_did_before_a_restart() -> None:
    tissue, transport = a_cord()
    assert transport.plans["trophic"].step_h > 1.0
    again, other = a_cord()
    run(tissue, transport, 11)
    run(again, other, 6)
    saved = again.snapshot()
    third, fresh = a_cord()
    third.restore(saved)
    middle = tuple(n // 2 for n in SECTION)
    for tick in range(6, 11):
        third["source.trophic"][middle] += 1.0
        fresh.step(third, Key(1, tick, 1.0))
    assert third.changed(tissue.snapshot()) == []


def test_what_surrounds_the_cord_washes_out_where_the_edge_is_open() -> None:
    left = []
    for edge in ("closed", "exchange", "fixed"):
        tissue, transport = a_cord(edge=edge, edge_permeability=0.01)
        run(tissue, transport, 48)
        left.append(tissue["lattice.trophic"].sum())
    assert left[0] > 1.05 * left[1] > 1.05 * left[2]


def test_molecules_run_along_white_matter_and_freely_in_a_cavity() -> None:
    tissue = make_tissue([Hindrance(), Transport()], SECTION, extra=fields())
    white, grey, cavity = ((0, 2, 5), (0, 16, 5), (0, 16, 40))
    assert tissue["fraction.white"][white] == 1.0
    assert tissue["fraction.grey"][grey] == 1.0
    tissue["fraction.grey"][cavity], tissue["fraction.cavity"][cavity] = 0.0, 1.0
    Hindrance().step(tissue, Key(1, 0, 24.0))
    along, across = tissue["density.spread_along"], tissue["density.spread_across"]
    assert along[grey] == across[grey] == 1.0
    assert along[white] == pytest.approx((1.55 / 1.4) ** 2)
    assert across[white] == pytest.approx((1.55 / 1.8) ** 2)
    assert along[cavity] == across[cavity] == pytest.approx(1.55**2)
    assert tissue.scalar("spread_version") == 1.0


def test_new_tissue_is_met_at_the_next_step() -> None:
    """A cavity that opens lets the field pass faster than the tissue that was there."""
    spans = []
    for opened in (False, True):
        tissue, transport = a_cord(coarsening=1, step=1.0)
        run(tissue, transport, 1)
        if opened:
            for name in ("white", "grey"):
                tissue[f"fraction.{name}"][...] = 0.0
            tissue["fraction.cavity"][...] = tissue["map.cord"]
            Hindrance().step(tissue, Key(1, 24, 24.0))
        run(tissue, transport, 2, deposit=0.0)
        field = tissue["field.trophic"][0].sum(axis=0)
        z = np.arange(field.size) - SECTION[2] // 2
        spans.append(float((field * z**2).sum() / field.sum()))
    assert spans[1] > 1.3 * spans[0]


def test_splitting_the_axes_errs_round_a_cell_where_the_implicit_step_does_not() -> None:
    """Backward Euler along one axis after the other (LOD) against the exact field of a secreting voxel.

    D 1e-6 cm2/s, 25 um, steps of 60 s, ten minutes: per cent, cross-shaped, and falling only like the root of the
    step. The implicit step of the same length is an order of magnitude nearer.
    """
    from scipy.linalg import solve_banded

    from cordgraft.kernels.medium import make_medium
    from cordgraft.kernels.solvers import make_solver

    n, h, d, span = 65, 25.0, 6000.0, 10.0  # um, um2/min, min
    source = np.zeros((1, n, n))
    source[0, n // 2, n // 2] = 1.0
    medium = make_medium(np.ones((1, n, n)), (h, h, h), d)
    exact = np.zeros((1, n, n))
    make_solver("spectral", medium).advance(exact, source, span)

    def split(dt: float) -> Any:
        r = d * dt / h**2
        bands = np.zeros((3, n))
        bands[0, 1:] = bands[2, :-1] = -r
        bands[1] = 1.0 + 2.0 * r
        bands[1, [0, -1]] = 1.0 + r
        field = np.zeros((n, n))
        for _ in range(round(span / dt)):
            field += dt * source[0]
            field = solve_banded((1, 1), bands, field)
            field = solve_banded((1, 1), bands, field.T).T
        return field

    def off(field: Any) -> float:
        return float(np.linalg.norm(field - exact[0]) / np.linalg.norm(exact))

    errors = [off(split(dt)) for dt in (1.0, 0.25)]
    assert errors[0] > 0.01
    assert errors[0] / errors[1] < 3.3  # a first-order scheme would gain a factor of four
    solver, ours = make_solver("sdirk2", medium), np.zeros((1, n, n))
    for _ in range(10):
        solver.advance(ours, source, 1.0)
    assert off(ours[0]) < 0.1 * errors[0]
