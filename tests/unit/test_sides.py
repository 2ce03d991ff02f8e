"""Right and left: drive by the side on which fibres run, and what an examiner finds of half a lesion."""

from __future__ import annotations

import numpy as np
import pytest

from axon_support import cord_of
from cordgraft import CordModel
from cordgraft.core.contract import Key
from cordgraft.processes.contact import Contact
from cordgraft.processes.function_index import FunctionIndex
from cordgraft.processes.mass_effect import MassEffect
from cordgraft.state.axons import HOST_TRACTS, Tract
from cordgraft.state.tissue import Tissue

#: Angle of a fibre on the right; its mirror image on the left is pi less it.
RIGHT = 0.4
SHAPES = {"section": (1, 12, 64), "volume": (8, 12, 64)}


def halved(shape: tuple[int, int, int], without: tuple[Tract, ...] = ()) -> Tissue:
    """Ten fibres a tract on each side: all on the right conduct, of those on the left two of ten."""
    tissue = cord_of("grey", (Contact(), MassEffect(), FunctionIndex()), shape=shape, days=500.0)
    for tract in HOST_TRACTS:
        for phi, conducting in ((RIGHT, 10), (np.pi - RIGHT, 2)):
            if tract not in without or phi == RIGHT:
                tissue.fibres.add(
                    10, tract=int(tract), weight=5.0, phi=phi, conducting=np.arange(10) < conducting
                )
    return tissue


def scalars(tissue: Tissue, process: FunctionIndex) -> dict[str, float]:
    process.step(tissue, Key(1, 0, 24.0))
    names = [f"{what}_drive_{side}" for what in ("motor", "sensory") for side in ("right", "left")]
    return {name: tissue.scalar(name) for name in (*names, "motor_drive", "drive_gracile")}


def test_in_a_volume_muscles_hang_on_the_fibres_of_their_side() -> None:
    found = scalars(halved(SHAPES["volume"]), FunctionIndex())
    assert (found["motor_drive_right"], found["motor_drive_left"]) == pytest.approx((1.0, 0.2))
    assert found["motor_drive"] == found["drive_gracile"] == pytest.approx(0.6)


def test_spinothalamic_fibres_have_crossed() -> None:
    """With the dorsal columns whole, what is lost on the left of the cord is felt on the right of the body."""
    tissue = halved(SHAPES["volume"])
    tissue["fibre.conducting"][tissue["fibre.tract"] == Tract.GRACILE] = 1.0
    found = scalars(tissue, FunctionIndex())
    assert found["sensory_drive_right"] == pytest.approx(0.5 * (1.0 + 0.2))
    assert found["sensory_drive_left"] == pytest.approx(1.0)


def test_regrowth_relays_and_pressure_are_those_of_the_whole_tract() -> None:
    tissue = halved(SHAPES["volume"])
    for tract in ("corticospinal", "reticulospinal", "propriospinal"):
        tissue.set_scalar(f"regrown_{tract}", 0.1)
    tissue.set_scalar("graft_conduction", 0.5)
    found = scalars(tissue, FunctionIndex())
    assert (found["motor_drive_right"], found["motor_drive_left"]) == pytest.approx((0.55, 0.15))


def test_a_section_has_no_sides() -> None:
    found = scalars(halved(SHAPES["section"]), FunctionIndex())
    assert found["motor_drive_right"] == found["motor_drive_left"] == found["motor_drive"]
    assert found["sensory_drive_right"] == found["sensory_drive_left"] == found["drive_gracile"]


def test_a_tract_without_a_fibre_on_one_side_is_taken_as_a_whole() -> None:
    tissue = halved(SHAPES["volume"], without=(Tract.CORTICOSPINAL, Tract.PROPRIOSPINAL))
    found = scalars(tissue, FunctionIndex(FunctionIndex.Params.for_preset("human_cervical")))
    assert found["motor_drive_left"] == pytest.approx(0.25 * 0.2 + 0.75)


def test_half_a_lesion_has_half_a_picture() -> None:
    """The left half of the cord is cut at C5: the left limbs are lost, and more of the pain of the right side."""
    settings = {
        "treatments": "none",
        "geometry.section": "volume",
        "geometry.length": "32 mm",
        "geometry.voxel": "0.9 mm",
        "duration": "3 d",
        "record.maps": "[3 d]",
        "injury.type": "lateral_hemisection",
        "injury.severity": "moderate",
        "injury.primary_spared_white_matter": "0.5",
        "parameters.subject.variation": "0",
        "parameters.examination.first_day": "2 d",
        "parameters.examination.first_day_spread": "0 d",
        # what is cut, and not what is only shocked
        "parameters.function_index.block_fast": "0",
        "parameters.function_index.block_slow": "0",
        "parameters.axon_injury.swelling_rate": "0 1/d",
    }
    model = CordModel("human_cervical_subacute_graft", settings=settings)
    while model.running:
        model.step()
    found = model.latest
    assert found["exam_motor_score_left"] <= 5.0
    assert found["exam_motor_score_right"] >= 40.0
    assert found["exam_motor_score"] == found["exam_motor_score_right"] + found["exam_motor_score_left"]
    tissue = model.tissue
    assert tissue.scalar("motor_drive_left") < 0.05 < 0.5 < tissue.scalar("motor_drive_right")
    assert (
        tissue.scalar("motor_drive_left") < tissue.scalar("motor_drive") < tissue.scalar("motor_drive_right")
    )
    # gracile fibres lie at the midline, where the cut is not sharp; the spinothalamic ones of the left are gone
    assert tissue.scalar("sensory_drive_right") < 0.6 * tissue.scalar("sensory_drive_left")
    assert found["exam_sacral_sensation"] == found["exam_anal_contraction"] == 1.0, (
        "the grade takes both sides"
    )
