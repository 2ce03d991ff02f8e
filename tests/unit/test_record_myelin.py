"""Outcomes of sheaths, worked out by hand, and the runs that have them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core import schema
from cordgraft.core.optional_series import OPTIONAL_SERIES
from cordgraft.processes.myelin import Myelin
from cordgraft.record.observers import observe
from cordgraft.record.snapshots import path_tables
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES, AxonState, Tract
from cordgraft.state.sheaths import Sheath
from cordgraft.state.tissue import Tissue
from support import SMALL, make_tissue
from tests.axon_support import OTHERS

NAMES = tuple(spec.name for spec in OPTIONAL_SERIES["fibre.sheath"])
VALUES = {
    Sheath.MYELINATED: (1.0, 1.0, 0.72),
    Sheath.BLOCKED: (0.0, 10.0, 1.0),
    Sheath.BARE: (0.8, 10.0, 1.0),
    Sheath.NEW: (0.95, 1.3, 0.85),
}


def garden() -> Tissue:
    return make_tissue((Myelin(),), (1, 4, 16), extra=OTHERS)


def plant(
    tissue: Tissue, tract: Tract, sheath: Sheath, weight: float, state: AxonState = AxonState.INTACT
) -> None:
    transmission, latency, g_ratio = VALUES[sheath]
    tissue.fibres.add(
        1,
        id=len(tissue.fibres) + 1,
        tract=int(tract),
        state=int(state),
        weight=weight,
        conducting=float(state == AxonState.INTACT),
        sheath=int(sheath),
        transmission=transmission,
        latency=latency,
        g_ratio=g_ratio,
    )


def test_shares_latencies_and_g_ratio_by_hand() -> None:
    tissue = garden()
    plant(tissue, Tract.CORTICOSPINAL, Sheath.MYELINATED, 50.0)
    plant(tissue, Tract.CORTICOSPINAL, Sheath.BARE, 10.0)
    plant(tissue, Tract.RETICULOSPINAL, Sheath.NEW, 20.0)
    plant(tissue, Tract.RETICULOSPINAL, Sheath.BLOCKED, 20.0)
    plant(tissue, Tract.PROPRIOSPINAL, Sheath.BLOCKED, 1.0, AxonState.SWOLLEN)  # not spared, not conducting
    plant(tissue, Tract.PROPRIOSPINAL, Sheath.MYELINATED, 7.0, AxonState.SEVERED)
    plant(tissue, Tract.GRACILE, Sheath.NEW, 30.0)
    values = observe(tissue)
    assert values["axons_descending_myelinated"] == pytest.approx(0.5)
    assert values["axons_descending_blocked"] == pytest.approx(0.2)
    assert values["axons_descending_bare"] == pytest.approx(0.1)
    assert values["axons_descending_remyelinated"] == pytest.approx(0.2)
    assert values["axons_corticospinal_latency"] == pytest.approx((50.0 + 8.0 * 10.0) / 58.0)
    assert values["axons_reticulospinal_latency"] == pytest.approx(1.3), (
        "what is blocked arrives never, not late"
    )
    assert math.isnan(values["axons_propriospinal_latency"])
    assert values["axons_gracile_latency"] == pytest.approx(1.3)
    assert values["axons_new_sheath_fraction"] == pytest.approx(50.0 / 100.0)
    assert values["axons_g_ratio"] == pytest.approx(0.5 * 0.72 + 0.5 * 0.85)


def test_without_a_spared_fibre_there_is_nothing_to_say() -> None:
    tissue = garden()
    plant(tissue, Tract.CORTICOSPINAL, Sheath.MYELINATED, 7.0, AxonState.SEVERED)
    values = observe(tissue)
    assert len(NAMES) == 11 and all(math.isnan(values[name]) for name in NAMES)


def test_the_tracts_of_the_series_are_those_of_the_host() -> None:
    assert tuple(TRACT_NAMES[tract] for tract in HOST_TRACTS) == schema.HOST_TRACTS


def test_regrown_fibres_are_in_the_latency_of_their_tract_and_in_no_share() -> None:
    tissue = garden()
    plant(tissue, Tract.CORTICOSPINAL, Sheath.MYELINATED, 30.0)
    before = observe(tissue)
    plant(tissue, Tract.CORTICOSPINAL, Sheath.BARE, 10.0, AxonState.CONNECTED)
    tissue["fibre.sheath"][1], tissue["fibre.regrown_sheath"][1] = Sheath.MYELINATED, Sheath.BARE
    values = observe(tissue)
    assert before["axons_corticospinal_latency"] == 1.0
    assert values["axons_corticospinal_latency"] == pytest.approx((30.0 + 8.0 * 10.0) / 38.0)
    for name in ("axons_descending_myelinated", "axons_descending_bare", "axons_g_ratio"):
        assert values[name] == before[name]


def test_a_run_has_the_series_while_myelin_acts_and_is_as_before_without() -> None:
    models = [
        CordModel("mouse_subacute_graft", settings={**SMALL, "parameters.myelin.enabled": acts})
        for acts in ("true", "false")
    ]
    for model in models:
        while model.tick < 6 * 24:
            model.step()
    on, off = models
    names = {spec.name for spec in on.observer.specs}
    assert names - {spec.name for spec in off.observer.specs} == set(NAMES)
    values = observe(on.tissue, on.tick)
    shares = [
        values[f"axons_descending_{word}"] for word in ("myelinated", "blocked", "bare", "remyelinated")
    ]
    assert sum(shares) == pytest.approx(1.0) and 0.05 < shares[1] < 0.45
    assert shares[3] == 0.0, "a week is too short for new sheaths"
    assert on.tissue.scalar("motor_index") < off.tissue.scalar("motor_index")
    kinds, attributes = path_tables(on.tissue, on.tick)["sheath"]
    assert attributes["flag_meanings"] == "none myelinated blocked bare new"
    assert {Sheath.MYELINATED, Sheath.BLOCKED} <= set(np.unique(kinds).tolist())
    assert "sheath" not in path_tables(off.tissue, off.tick)
