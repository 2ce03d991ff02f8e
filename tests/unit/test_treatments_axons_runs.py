"""Treatments of axons and circuits in whole runs: by fragments, alone and together, stopped and gone on with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core import schema
from cordgraft.engine.resume import open_for_resume
from cordgraft.engine.runner import run_model
from cordgraft.state.axon_treatments import BLOCK_SPECS, MTOR_SPECS, REHABILITATION_SPECS, STIMULATION_SPECS
from cordgraft.state.cone_places import flat_voxels
from tests.support import SMALL, differing

#: A small mouse cord in which stumps sprout at once, so that there are cones of the host to speak of.
CORD = {
    **SMALL,
    "duration": "10 d",
    "record.maps": "[10 d]",
    "treatments.graft": "none",
    "parameters.axon_emergence.sprout_rate": "24 1/d",
}
#: What helps each factor of the speed of a growth cone, as a treatment that a scenario brings in by name.
HELP = {
    "capacity": {"treatments.push.use": "growth_stimulation", "treatments.push.at": "0 d"},
    "substrate": {
        "treatments.lay.use": "matrix_factor",
        "treatments.lay.at": "0 d",
        "treatments.lay.rate": "2 1/d",
        "treatments.lay.volume": "1e12 um3",
    },
    "inhibition": {
        "treatments.free.use": "inhibitor_block_local",
        "treatments.free.at": "0 d",
        "treatments.free.volume": "1e12 um3",
    },
}


class Found(NamedTuple):
    """Growth product of host cones after ten days: mean of all, how many are in the lesion, and mean of those."""

    growth: float
    inside: int
    growth_inside: float


@cache
def host_cones(*given: str) -> Found:
    """Run the small cord with some factors helped."""
    settings = dict(CORD)
    for name in given:
        settings |= HELP[name]
    model = CordModel("mouse_subacute_graft", settings=settings)
    while model.running:
        model.step()
    tissue = model.tissue
    growth = tissue["cone.growth"]
    assert growth.size > 100
    living = (tissue["fraction.white"] + tissue["fraction.grey"]).reshape(-1)[flat_voxels(tissue)]
    inside = living < 0.5
    return Found(
        float(growth.mean()), int(inside.sum()), float(growth[inside].mean()) if inside.any() else 0.0
    )


def test_each_factor_can_be_helped_by_a_scenario_and_together_they_do_most() -> None:
    none, everything = host_cones(), host_cones(*HELP)
    gains = {name: host_cones(name).growth / none.growth for name in HELP}
    assert min(gains["capacity"], gains["inhibition"]) > 1.5, gains
    # most cones stand in host tissue, where the substrate is good as it is
    assert 1.0 < gains["substrate"] < 1.2, gains
    # factors multiply: together they give more than the sum of what they give alone
    assert everything.growth / none.growth - 1.0 > 1.3 * sum(gain - 1.0 for gain in gains.values())
    for name in HELP:
        without = host_cones(*(other for other in HELP if other != name))
        assert without.growth < 0.9 * everything.growth, f"without {name}"


def test_cones_enter_the_lesion_with_several_factors_and_matrix_carries_them_there() -> None:
    assert (
        max(host_cones(*given).inside for given in ((), ("capacity",), ("substrate",), ("inhibition",))) < 5
    )
    assert host_cones("substrate", "inhibition").inside < 5, "substrate without capacity"
    bare, laid = host_cones("capacity", "inhibition"), host_cones(*HELP)
    assert laid.inside > bare.inside > 10
    assert laid.growth_inside > 1.5 * bare.growth_inside


EVERYTHING = {
    **SMALL,
    "treatments.push.use": "growth_stimulation_corticospinal",
    "treatments.push.duration": "6 d",
    "treatments.more.use": "growth_stimulation",
    "treatments.more.at": "5 d",
    "treatments.more.duration": "5 d",
    "treatments.free.use": "inhibitor_block_antibody",
    "treatments.free.duration": "8 d",
    "treatments.decoy.use": "inhibitor_block_decoy",
    "treatments.decoy.at": "4 d",
    "treatments.decoy.duration": "6 d",
    "treatments.slow.use": "mtor_block",
    "treatments.slow.at": "7 d",
    "treatments.slow.duration": "3 d",
    "treatments.train.use": "rehabilitation",
    "treatments.train.at": "4 d",
    "treatments.train.duration": "5 d",
}


def test_a_stop_in_the_middle_of_all_courses_changes_nothing(tmp_path: Path) -> None:
    names = [spec.name for spec in (*STIMULATION_SPECS, *BLOCK_SPECS, *MTOR_SPECS, *REHABILITATION_SPECS)]
    whole = CordModel("mouse_subacute_graft", settings=EVERYTHING)
    assert run_model(whole, tmp_path / "whole").status == "finished"
    assert not any(whole.tissue[name].any() for name in names), "all courses have ended"
    stopped = CordModel("mouse_subacute_graft", settings=EVERYTHING)
    run_model(stopped, tmp_path / "cut", should_stop=lambda: stopped.tick >= 8 * 24)
    assert all(stopped.tissue[name].any() for name in names), "all courses are on"
    prepared = open_for_resume(tmp_path / "cut", threads=1)
    assert prepared.model.tick == stopped.tick
    assert run_model(prepared.model, tmp_path / "cut", resume=prepared).status == "finished"
    assert differing(tmp_path / "whole" / schema.STORE_NAME, tmp_path / "cut" / schema.STORE_NAME) == []
    assert prepared.model.tissue.changed(whole.tissue.snapshot()) == []
    events = (tmp_path / "cut" / schema.EVENTS_NAME).read_text(encoding="utf-8")
    assert events == (tmp_path / "whole" / schema.EVENTS_NAME).read_text(encoding="utf-8")
    for said in (
        "growth stimulation of the corticospinal tract begins: +0.4 of capacity for 6 d",
        "antibody against Nogo-A, intrathecal, begins: 80 % for 8 d",
        "decoy of the receptor of myelin inhibitors, intrathecal, ends",
        "block of mTOR in host and graft axons ends",
        "rehabilitation begins: 50 % of the most for 5 d",
    ):
        assert said in events


@pytest.mark.parametrize(
    "fragment", ["growth_stimulation", "inhibitor_block_decoy", "mtor_block", "rehabilitation"]
)
def test_a_treatment_changes_nothing_before_its_day_and_ends_on_its_day(fragment: str) -> None:
    keys = {"use": fragment, "at": "3 d", "duration": "2 d"}
    treated = CordModel(
        "mouse_subacute_graft",
        settings={**CORD, **{f"treatments.one.{key}": value for key, value in keys.items()}},
    )
    plain = CordModel("mouse_subacute_graft", settings=CORD)
    own = sorted(set(treated.tissue.names()) - set(plain.tissue.names()))
    assert own
    while plain.tick < 6 * 24:
        plain.step()
        treated.step()
        on = any(treated.tissue[name].any() for name in own)
        assert on == (3 * 24 <= treated.tick < 5 * 24), treated.tick
        if plain.tick == 3 * 24 - 1:
            for name in plain.tissue.names():
                assert treated.tissue[name].tobytes() == plain.tissue[name].tobytes(), name
    index = "scalar.plasticity" if fragment == "rehabilitation" else "cone.arc_um"
    assert not np.array_equal(treated.tissue[index], plain.tissue[index]), "in between it acted"
