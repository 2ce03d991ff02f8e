"""Function index: block, drive, plasticity, relays and the link to scores."""

from __future__ import annotations

import numpy as np
import pytest

from axon_support import cord_of
from cordgraft.core.contract import Key
from cordgraft.processes.contact import Contact
from cordgraft.processes.function_index import FunctionIndex, function_of_drive
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.state.axons import DESCENDING, HOST_TRACTS, TRACT_NAMES, Tract
from cordgraft.state.tissue import Tissue


def cord(process: FunctionIndex, live: dict[Tract, float] | None = None, **struck: float) -> Tissue:
    """Twenty fibres a tract, of which the given shares conduct."""
    tissue = cord_of("grey", (Contact(), MassEffect(), process), shape=(1, 12, 64), days=500.0)
    for tract in HOST_TRACTS:
        share = (live or {}).get(tract, 1.0)
        tissue.fibres.add(
            20, tract=int(tract), weight=5.0, conducting=np.arange(20) < round(20 * share), **struck
        )
    return tissue


def daily(process: FunctionIndex, tissue: Tissue, days: int, first: int = 0) -> None:
    for day in range(first, first + days):
        process.step(tissue, Key(1, 24 * day, 24.0))


def test_a_whole_cord_functions_fully() -> None:
    process = FunctionIndex()
    tissue = cord(process)
    daily(process, tissue, 30)
    for name in (
        "motor_index",
        "sensory_index",
        "motor_drive",
        *(f"drive_{TRACT_NAMES[t]}" for t in HOST_TRACTS),
    ):
        assert tissue.scalar(name) == pytest.approx(1.0), name
    assert tissue.scalar("bms") == pytest.approx(9.0)
    assert tissue.scalar("bbb") == pytest.approx(21.0)
    assert tissue.scalar("plasticity") == 0.0, "nets at rest keep the window shut"


def test_drive_is_the_weighted_share_of_conducting_fibres() -> None:
    process = FunctionIndex()
    tissue = cord(
        process,
        {Tract.CORTICOSPINAL: 0.0, Tract.RETICULOSPINAL: 0.5, Tract.PROPRIOSPINAL: 0.25, Tract.GRACILE: 0.0},
    )
    process.step(tissue, Key(1, 0, 24.0))
    drive = 0.6 * 0.5 + 0.3 * 0.25
    assert tissue.scalar("motor_drive") == pytest.approx(drive)
    expected = (1 + 0.12**1.5) * drive**1.5 / (drive**1.5 + 0.12**1.5)
    assert tissue.scalar("motor_index") == pytest.approx(expected)
    felt = 0.5
    assert tissue.scalar("sensory_index") == pytest.approx(
        (1 + 0.12**1.5) * felt**1.5 / (felt**1.5 + 0.12**1.5)
    )


def test_a_graft_that_presses_takes_conduction_from_every_tract() -> None:
    process = FunctionIndex()
    tissue = cord(process)
    tissue.set_scalar("graft_conduction", 0.4)
    daily(process, tissue, 1)
    for tract in HOST_TRACTS:
        assert tissue.scalar(f"drive_{TRACT_NAMES[tract]}") == pytest.approx(0.4)
    tissue.set_scalar("graft_conduction", 1.0)
    daily(process, tissue, 1, first=1)
    assert tissue.scalar("motor_index") == pytest.approx(1.0)


def test_the_legs_of_people_hang_on_the_corticospinal_tract() -> None:
    lost = {Tract.CORTICOSPINAL: 0.0}
    drives = {}
    for preset in ("mouse", "human_cervical"):
        process = FunctionIndex(FunctionIndex.Params.for_preset(preset))
        tissue = cord(process, lost)
        process.step(tissue, Key(1, 0, 24.0))
        drives[preset] = tissue.scalar("motor_drive")
    assert drives["mouse"] == pytest.approx(0.9)
    assert drives["human_cervical"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("preset", "slow", "slow_days"), [("mouse", 0.5, 7.0), ("human_cervical", 0.55, 90.0)]
)
def test_the_block_fades_with_the_age_of_the_blow(preset: str, slow: float, slow_days: float) -> None:
    process = FunctionIndex(FunctionIndex.Params.for_preset(preset, plasticity_rate=0.0))
    tissue = cord(process, severity=0.5, struck_tick=48)
    zone = 0.25 / 0.26
    for day in (2, 9, 60):
        process.step(tissue, Key(1, 24 * day, 24.0))
        age = day - 2.0
        block = zone * (0.25 * np.exp(-age / 4.0) + slow * np.exp(-age / slow_days))
        assert tissue.scalar("drive_gracile") == pytest.approx(1.0 - block)
    tissue["fibre.severity"][...] = 0.0
    process.step(tissue, Key(1, 48, 24.0))
    assert tissue.scalar("drive_gracile") == 1.0


@pytest.mark.parametrize("step", [1, 5])
def test_nets_and_plasticity_follow_their_equations(step: int) -> None:
    process = FunctionIndex(FunctionIndex.Params(plasticity_trophic=0.0))
    tissue = cord(process)
    tissue["density.macrophages_pro"][...] = 0.3 * tissue["map.cord"]
    tissue["density.macrophages_repair"][...] = 0.2 * tissue["map.cord"]
    tissue.set_scalar("subject_plasticity", 1.2)
    for day in range(0, 400, step):
        process.step(tissue, Key(1, 24 * day, 24.0 * step))
    rest = 0.1 / (0.1 + 0.3 * 0.5)
    assert tissue.scalar("nets") == pytest.approx(rest, rel=1e-6)
    assert tissue.scalar("plasticity") == pytest.approx(0.5 * 1.2, rel=1e-6)
    assert tissue.scalar("drive_gracile") == pytest.approx(1.6, rel=1e-6)


def test_the_step_hardly_changes_plasticity() -> None:
    gains = []
    for step in (1, 4):
        process = FunctionIndex()
        tissue = cord(process)
        tissue["density.macrophages_pro"][...] = 0.3 * tissue["map.cord"]
        for day in range(0, 20, step):
            process.step(tissue, Key(1, 24 * day, 24.0 * step))
        gains.append(tissue.scalar("plasticity"))
    assert gains[0] == pytest.approx(gains[1], rel=0.1)
    assert gains[0] > 0.05


def test_the_enzyme_opens_the_window_of_plasticity_by_itself() -> None:
    """Nets fall by ``10/d e`` and return at 0.1/d: with a little enzyme, and no macrophages, the window opens."""
    found = []
    for activity in (0.0, 0.1):
        process = FunctionIndex()
        tissue = cord_of("grey", [process])
        tissue["field.enzyme"][...] = activity * tissue["map.cord"]
        for day in range(20):
            process.step(tissue, Key(1, 24 * day, 24.0))
        found.append((tissue.scalar("nets"), tissue.scalar("plasticity")))
    assert found[0] == (1.0, 0.0)
    assert found[1][0] == pytest.approx(0.1 / (0.1 + 1.0), rel=1e-6)
    assert found[1][1] > 0.1


def test_trophic_support_raises_the_limit_by_the_reach_of_collaterals() -> None:
    process = FunctionIndex()
    tissue = cord(process)
    tissue["fraction.white"][...] = tissue["map.cord"]
    tissue["fraction.grey"][...] = 0.0
    tissue["field.trophic"][...] = 1.0 * tissue["map.cord"]
    tissue.set_scalar("nets", 0.0)
    process.step(tissue, Key(1, 0, 24.0 * 1e5))
    # No grey matter is left to hold macrophages: the nets return, but the step began with them gone.
    assert tissue.scalar("nets") == pytest.approx(1.0)
    process = FunctionIndex(FunctionIndex.Params(nets_return=0.0))
    tissue.set_scalar("nets", 0.0)
    process.step(tissue, Key(1, 0, 24.0 * 1e5))
    span = 1.0 - np.exp(-750.0 / tissue.setting.segment_um)
    assert tissue.scalar("plasticity") == pytest.approx(0.5 + 0.3 * 0.5 * span)


def test_relays_carry_drive_past_a_lesion() -> None:
    process = FunctionIndex()
    tissue = cord(process, dict.fromkeys(HOST_TRACTS, 0.0))
    tissue.set_scalar("relay_maturity", 0.5)
    tissue.set_scalar("relay_identity", 0.1)
    for name in ("corticospinal", "reticulospinal", "gracile"):
        tissue.set_scalar(f"relay_input_{name}", 20.0)
    tissue.set_scalar("relay_output_caudal", 60.0)
    process.step(tissue, Key(1, 0, 24.0))
    relay = 0.15 * 0.5 * 0.75 * 0.5
    assert tissue.scalar("drive_reticulospinal") == pytest.approx(relay)
    assert tissue.scalar("drive_corticospinal") == pytest.approx(0.1 * relay)
    assert tissue.scalar("drive_gracile") == 0.0, "it leaves the graft rostrally"
    tissue.set_scalar("relay_output_rostral", 60.0)
    tissue.set_scalar("regrown_gracile", 0.07)
    process.step(tissue, Key(1, 0, 24.0))
    assert tissue.scalar("drive_gracile") == pytest.approx(relay + 0.07)


def test_function_rises_with_drive() -> None:
    drives = np.linspace(0.0, 1.6, 200)
    values = [function_of_drive(d, 0.12, 1.5) for d in drives]
    assert values[0] == 0.0
    assert (np.diff(values) >= 0.0).all()
    assert max(values) == 1.0
    assert function_of_drive(1.0, 0.12, 1.5) == pytest.approx(1.0)
    assert sum(1 for _ in DESCENDING) == 3


def test_a_tract_without_simulated_fibres_is_left_as_it_was() -> None:
    process = FunctionIndex()
    tissue = cord_of("grey", (Contact(), process), days=30.0)
    process.step(tissue, Key(1, 0, 24.0))
    assert tissue.scalar("motor_index") == 1.0
