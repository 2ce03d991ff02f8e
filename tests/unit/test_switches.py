"""Every mechanism can be switched off, or is refused with a sentence; what others need of it stays at rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core.problems import BadInput
from cordgraft.processes import registry
from cordgraft.scenario.load import load
from tests.support import SMALL

SHORT = {**SMALL, "duration": "7 d", "record.maps": "[7 d]", "treatments.graft.at": "5 d"}
MECHANISMS = {name: kind for name, kind in registry().items() if kind.section == "parameters"}
SWITCHES = [name for name, kind in MECHANISMS.items() if not kind.essential]


def off(*names: str) -> CordModel:
    changes = {f"parameters.{name}.enabled": "false" for name in names}
    return CordModel("mouse_subacute_graft", settings={**SHORT, **changes})


def finish(model: CordModel) -> Any:
    while model.running:
        model.step()
    return model.tissue


@pytest.mark.parametrize("name", SWITCHES)
def test_each_mechanism_can_be_switched_off(name: str) -> None:
    model = off(name)
    resting = {process.name for process in model.built.resting}
    assert resting <= {name}
    before = model.tissue.snapshot()
    tissue = finish(model)
    assert len(tissue.cells) > 0
    if name in resting:
        assert [row["every"] for row in model.pipeline.table() if row["process"] == name] == ["off"]
        own = {spec.name for spec in MECHANISMS[name].provides.arrays}
        # the injury starts the damage signal and marks what is at risk, as it does with the mechanism
        own -= {"density.damage", "density.at_risk_white", "density.at_risk_grey"}
        for array in own:
            np.testing.assert_array_equal(tissue[array], before[array], err_msg=array)


def test_all_of_them_at_once() -> None:
    tissue = finish(off(*SWITCHES))
    assert tissue["map.impact"].max() > 0.9 and "scalar.motor_index" not in tissue


@pytest.mark.parametrize("name", [name for name, kind in MECHANISMS.items() if kind.essential])
def test_what_the_state_cannot_do_without_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="the state has no meaning without it"):
        load("mouse_subacute_graft", [f"parameters.{name}.enabled=false"])


@pytest.mark.parametrize(
    ("name", "array", "value"),
    [
        ("vessels", "density.vessels", 1.0),
        ("oxygen", "field.oxygen", 20.0),
        ("scar", "field.cspg", 4.8),
        ("scar", "density.barrier", 0.0),
        ("inflammation", "density.macrophages_pro", 0.0),
        ("secretion", "field.trophic", 0.0),
    ],
)
def test_at_rest_means_as_in_intact_tissue(name: str, array: str, value: float) -> None:
    tissue = finish(off(name))
    assert (tissue[array][tissue["map.cord"] > 0] == value).all()


def test_vessels_tear_without_immune_cells() -> None:
    with_them, without = (finish(off(*names)) for names in ((), ("inflammation",)))
    core = with_them["map.impact"] > 0.9
    for tissue in (with_them, without):
        assert tissue["density.ruptured"][tissue["map.severity"] > 0.0].min() == 1.0
        assert tissue["density.vessels"][core].mean() < 0.4


def test_without_the_function_index_there_is_none() -> None:
    model = off("function_index")
    finish(model)
    assert model.built.resting == () and np.isnan(model.latest["function_motor_index"])
