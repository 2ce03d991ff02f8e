"""What a change of tick and period may do: the same physics, or a refusal that says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core.contract import period_clashes
from cordgraft.core.problems import BadInput
from cordgraft.engine.pipeline import Pipeline, PlanError
from cordgraft.processes.inflammation import Inflammation
from cordgraft.processes.secretion import Secretion
from cordgraft.processes.transport import Transport
from cordgraft.scenario.build import build
from cordgraft.scenario.load import load
from tests.support import SMALL


def settings(**changes: str) -> list[str]:
    return [f"{key}={value}" for key, value in {**SMALL, **changes}.items()]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"parameters.secretion.period": "2 h"}, "parameters.secretion.period"),
        ({"parameters.transport.period": "2 h"}, "parameters.inflammation.period"),
        ({"parameters.inflammation.period": "6 h"}, "parameters.inflammation.period"),
        ({"parameters.tissue_transfer.period": "12 h"}, "parameters.at_risk.period"),
    ],
)
def test_a_deposit_that_nobody_takes_in_time_is_refused(changes: dict[str, str], key: str) -> None:
    with pytest.raises(BadInput) as refusal:
        load("mouse_subacute_graft", settings(**changes))
    first = refusal.value.problems[0]
    assert first.key == key
    assert "needs the period of" in str(first) or "must run whenever" in str(first)
    assert "allowed: " in str(first)


def test_the_pipeline_refuses_it_too() -> None:
    built = build(load("mouse_subacute_graft", settings()))
    pipeline = Pipeline(built.processes, built.tissue.clock, {"transport": 3.0})
    with pytest.raises(PlanError, match=r"secretion deposits a rate into source\.trophic.*1 h and 3 h"):
        pipeline.check(built.tissue)


def test_common_periods_fit() -> None:
    kinds: dict[str, Any] = {"inflammation": Inflammation, "secretion": Secretion, "transport": Transport}
    assert period_clashes(kinds, dict.fromkeys(kinds, 3)) == []
    clashes = period_clashes(kinds, {"inflammation": 1, "secretion": 2, "transport": 1})
    assert [clash[:2] for clash in clashes] == [("secretion", "transport")]


@pytest.mark.parametrize(
    "changes",
    [{"tick": "2 h"}, {f"parameters.{name}.period": "2 h" for name in ("inflammation", "secretion", "transport")}],
    ids=["tick", "periods"],
)
def test_the_fields_do_not_depend_on_the_step(changes: dict[str, str]) -> None:
    """TNF and the trophic factor two days after the graft, with steps of one and of two hours."""
    fields = []
    short = {**SMALL, "duration": "8 d", "record.maps": "[8 d]", "treatments.graft.dose": "2e5 cells"}
    for change in ({}, changes):
        model = CordModel("mouse_subacute_graft", settings={**short, **change})
        while model.running:
            model.step()
        core = model.tissue["map.impact"] > 0.5
        fields.append([float(model.tissue[f"field.{name}"][core].mean()) for name in ("tnf", "trophic")])
    # half the source, as a period that clashes gave it, would be 0.5 or 2
    np.testing.assert_allclose(fields[1], fields[0], rtol=0.1)


@pytest.mark.parametrize("tick", ["0.5 h", "16 h"])
def test_any_tick_that_divides_the_record_runs(tick: str) -> None:
    """Periods that are not written are rounded up to whole ticks; so is what processes do now and then."""
    change = {"tick": tick, "duration": "8 d", "record.series": "48 h", "record.maps": "[8 d]"}
    model = CordModel("mouse_subacute_graft", settings={**SMALL, **change, "treatments.graft.at": "4 d"})
    while model.running:
        model.step()
    assert len(model.tissue.cells) > 0
