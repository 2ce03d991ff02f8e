"""Capacity, substrate and cue: each is a treatment of its own, they multiply, and only together they bridge a cut."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from axon_support import add_cones, cord_of, grow
from cordgraft import CordModel
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.processes.inhibitor_block import InhibitorBlock
from cordgraft.state.axon_treatments import NOGO, OTHERS

TRACTS = ("corticospinal", "reticulospinal", "propriospinal", "gracile", "spinothalamic")
#: A thin cut through a short mouse cord; stumps that rest sprout soon, so that there are many cones to count.
CUT = {
    "duration": "35 d",
    "record.maps": "[35 d]",
    "geometry.length": "4 mm",
    "geometry.voxel": "100 um",
    "injury.type": "transection",
    "injury.primary_length": "0.2 mm",
    "injury.primary_spared_white_matter": "0 %",
    "treatments.graft": "none",
    "safety": "{}",
    "parameters.axon_emergence.sprout_rate": "1 1/d",
    **{f"parameters.axon_injury.{tract}_simulated": "400" for tract in TRACTS},
}
#: Every factor by the keys of a scenario. The cue comes from cells that lie beyond the cut, not in it (so that they are
#: no substrate there), of a line that secretes ten times the default.
FACTORS = {
    "capacity": {
        "treatments.push.use": "growth_stimulation",
        "treatments.push.at": "0 d",
        "treatments.push.strength": "0.9",
    },
    "substrate": {
        "treatments.lay.use": "matrix_factor",
        "treatments.lay.at": "0 d",
        "treatments.lay.duration": "35 d",
        "treatments.lay.rate": "2 1/d",
        "treatments.lay.volume": "1e12 um3",
    },
    "cue": {
        "treatments.source.type": "cell_graft",
        "treatments.source.at": "2 d",
        "treatments.source.dose": "1e6 cells",
        "treatments.source.line": "201B7-like",
        "treatments.source.position": "-0.5 mm",
        "parameters.secretion.output": "3.6e-21 mol/cell/h",
    },
    "enzyme": {"treatments.digest.use": "chondroitinase_stabilised", "treatments.digest.at": "2 d"},
    "antibody": {"treatments.free.use": "inhibitor_block_antibody", "treatments.free.at": "0 d"},
}
BRIDGE = ("capacity", "substrate", "cue")


class Found(NamedTuple):
    """Host axons that have entered the cut, and that have come out on the far side."""

    entered: int
    crossed: int


@cache
def run(*given: str) -> Found:
    """Run the cut cord with some factors given."""
    settings = dict(CUT)
    for name in given:
        settings |= FACTORS[name]
    model = CordModel("mouse_subacute_graft", settings=settings)
    while model.running:
        model.step()
    tissue = model.tissue
    fibre = tissue["cone.fibre"]
    host = tissue["fibre.origin"][fibre] == 0
    up, z = tissue["fibre.direction"][fibre] > 0, tissue["cone.z"]
    caudal, rostral = tissue.scalar("lesion_caudal_um"), tissue.scalar("lesion_rostral_um")
    assert host.sum() > 300

    def axons(past: Any) -> int:
        return int(np.unique(fibre[host & past]).size)

    return Found(
        axons(np.where(up, z > caudal, z < rostral)),
        axons(np.where(up, z > rostral, z < caudal)),
    )


@pytest.mark.parametrize("factor", [None, *FACTORS])
def test_no_factor_bridges_a_cut_alone(factor: str | None) -> None:
    assert run(*([] if factor is None else [factor])).crossed == 0


@pytest.mark.parametrize("missing", BRIDGE)
def test_of_capacity_substrate_and_cue_none_can_be_left_out(missing: str) -> None:
    everything = run(*BRIDGE)
    assert everything.crossed >= 30
    without = run(*(name for name in BRIDGE if name != missing))
    assert without.crossed < 0.25 * everything.crossed
    assert without.entered < 0.7 * everything.entered
    if missing == "capacity":
        assert without.entered == 0, "an axon that does not grow finds neither substrate nor cue"


def product(
    matrix: float = 0.0, cue: float = 0.0, boost: float = 0.0, blocked: float = 0.0, place: str = "grey"
) -> float:
    """Return the growth product of host cones in even tissue with CSPG and debris."""
    process = AxonGrowth(AxonGrowth.Params(capacity_boost=boost, capacity_axotomy=0.0, cue_intact=0.0))
    tissue = cord_of(place, (process, InhibitorBlock()), shape=(1, 24, 64))
    inside = tissue["map.cord"]
    tissue["density.matrix"][...] = matrix * inside
    tissue["density.debris"][...] = 0.5 * inside
    tissue["field.cspg"][...] = 8.0 * inside
    tissue["field.trophic"][...] = cue * inside
    for name in (NOGO, OTHERS):
        tissue[name][...] = blocked * inside
    add_cones(tissue, 20, origin=0)
    grow(process, tissue, 0.01, 0.01)
    growth = tissue["cone.growth"]
    np.testing.assert_allclose(growth, growth[0], rtol=1e-12)
    return float(growth[0])


def test_factors_multiply() -> None:
    helps = {"matrix": 0.5, "cue": 3.0, "boost": 0.4, "blocked": 1.0}
    none = product()
    gains = {name: product(**{name: value}) / none for name, value in helps.items()}
    assert min(gains.values()) > 1.3
    assert product(**helps) / none == pytest.approx(float(np.prod(list(gains.values()))), rel=1e-9)


def test_an_antibody_in_a_cavity_carries_nobody() -> None:
    assert product(blocked=1.0, boost=0.9, cue=5.0, place="cavity") == 0.0
    assert product(blocked=1.0, boost=0.9, cue=5.0, matrix=0.3, place="cavity") > 0.0
