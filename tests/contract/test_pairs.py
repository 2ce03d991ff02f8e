"""Worlds stay paired: what has not happened yet, or has no strength, changes nothing, in any array, at any tick.

The tests run over every registered process and treatment: a new one is tested by being registered, and has to say in
`SILENT` how it is silenced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core.contract import matches
from cordgraft.processes import registry
from tests.support import SMALL

TREATMENTS = {kind.treatment_type: kind for kind in registry().values() if kind.section == "treatments"}
SWITCHES = {
    name: kind for name, kind in registry().items() if kind.section == "parameters" and not kind.essential
}
DAY = 14
#: With a graft and an enzyme that are there already, so that every process has something to act on.
LONG = {**SMALL, "duration": f"{DAY + 1} d", "record.maps": f"[{DAY} d]"}
BRIEF = {
    **SMALL,
    "duration": "5 d",
    "record.maps": "[4 d]",
    "treatments.graft.at": "1 d",
    "treatments.enzyme.type": "chondroitinase",
    "treatments.enzyme.at": "1 d",
    "parameters.fate.commitment_half_life": "2 d",
    "parameters.axon_emergence.neuron_share": "1",
    "parameters.axon_emergence.neuron_delay": "0.1 d",
    "parameters.contact.connect_rate": "24 1/d",
    "parameters.contact.reach": "60 um",
    # travellers change their heading even where they cannot move
    "parameters.fate.migratory_share": "0",
}
Course = list[dict[str, bytes]]


def digests(model: CordModel, names: Iterable[str] | None = None) -> dict[str, bytes]:
    """Return a digest of every array, shape and type included."""
    found = {}
    for name in names if names is not None else model.tissue.names():
        array = np.ascontiguousarray(model.tissue[name])
        found[name] = hashlib.blake2b(
            array.tobytes() + repr((array.shape, array.dtype.str)).encode(), digest_size=12
        ).digest()
    return found


def watch(model: CordModel, last: int | None = None) -> Course:
    """Return the digests of all arrays before the first tick and after each, up to `last`."""
    found = [digests(model)]
    while model.running and (last is None or model.tick < last):
        model.step()
        found.append(digests(model))
    return found


def model_of(base: dict[str, str], changes: dict[str, str] | None = None) -> CordModel:
    return CordModel("mouse_subacute_graft", settings={**base, **(changes or {})})


def first_difference(one: Course, other: Course, but: tuple[str, ...] = ()) -> str:
    """Return where two courses part, in words, or nothing; arrays that only one of them has are not compared."""
    assert len(one) == len(other) > 24
    for tick, (here, there) in enumerate(zip(one, other, strict=True), start=-1):
        differing = [n for n in sorted(here.keys() & there.keys()) if here[n] != there[n] and not matches(but, n)]
        if differing:
            return f"after tick {tick}: {', '.join(differing)}"
    return ""


# ------------------------------------------------------------------ before its day
@pytest.fixture(scope="module")
def long_course() -> Course:
    return watch(model_of(LONG))


@pytest.mark.parametrize("word", TREATMENTS)
def test_a_treatment_on_day_14_changes_nothing_before_day_14(word: str, long_course: Course) -> None:
    extra = {"treatments.extra.type": word, "treatments.extra.at": f"{DAY} d"}
    model = model_of(LONG, extra)
    course = watch(model)
    first = 24 * DAY + 1  # entry 0 is the state before the first tick, so this is the one after tick 24 * DAY
    assert first_difference(long_course[:first], course[:first]) == ""
    for name in course[0].keys() - long_course[0].keys():
        early = {entry[name] for entry in course[1:first]}
        assert len(early) == 1 or not name.startswith(f"scalar.{word}"), f"{name} moved before its treatment"
    assert first_difference(long_course, course).startswith(f"after tick {24 * DAY}"), "then it acts, at once"


# ------------------------------------------------------------------ without strength
#: Treatment -> setting with which it is given and does nothing.
NO_DOSE = {
    "cell_graft": {"dose": "0 cells"},
    "immunosuppression": {"strength": "0"},
    "suicide_switch": {"killed": "0"},
    "anti_inflammatory": {"strength": "0"},
    "chondroitinase": {"dose": "0 U"},
    "matrix_factor": {"rate": "0 1/d"},
    "chemoattractant": {"dose": "0 ng"},
    "scaffold": {"filling": "0"},
    "growth_stimulation": {"strength": "0"},
    "inhibitor_block": {"strength": "0"},
    "mtor_block": {"strength": "0"},
    "rehabilitation": {"strength": "0"},
}


@pytest.fixture(scope="module")
def brief_course() -> Course:
    return watch(model_of(BRIEF))


@pytest.mark.parametrize("word", TREATMENTS)
def test_a_treatment_without_a_dose_is_none(word: str, brief_course: Course) -> None:
    extra = {f"treatments.extra.{key}": value for key, value in NO_DOSE[word].items()}
    named = {"treatments.extra.type": word, "treatments.extra.at": "2 d"}
    # that a vehicle was given is counted, and nothing else
    but = ("scalar.graft_deliveries",) if word == "cell_graft" else ()
    assert first_difference(brief_course, watch(model_of(BRIEF, {**named, **extra})), but) == ""
    assert first_difference(brief_course, watch(model_of(BRIEF, named)), but) != "", "with its default dose it acts"


#: Process -> (parameters with which it has no strength, what of its own may still be written). None stands for a
#: process whose effect is no rate that could be zero: that switching it off is the same as doing nothing is tested
#: for all of them alike.
SILENT: dict[str, tuple[dict[str, str], tuple[str, ...]] | None] = {
    "inflammation": None,
    "vessels": None,
    "oedema": ({"flow": "0 1/d"}, ("density.leak", "density.leak_counted")),
    "scar": None,
    "at_risk": (
        {"base": "0", "tnf_weight": "0", "oxygen_weight": "0", "trophic_weight": "0"},
        ("density.at_risk_white", "density.at_risk_grey"),
    ),
    "remodelling": None,
    "secretion": ({"output": "0 mol/cell/h", "matrix_rate": "0 1/d"}, ()),
    "contact_support": ({"limit": "0"}, ()),
    "hindrance": None,
    "oxygen": None,
    "survival": (
        {"handling": "0 1/d", "background": "0 1/d", "hypoxia": "0 1/d", "inflammation": "0 1/d"},
        (),
    ),
    "rejection": ({"rate": "0 1/d"}, ("scalar.alloreactivity",)),
    "fate": None,
    "division": ({"rate": "0"}, ()),
    "migration": (
        {
            "precursor_speed": "0 um/h",
            "settled_speed": "0 um/h",
            "traveller_speed": "0 um/h",
            "traveller_drift": "0 um/d",
            "pressure_speed": "0 um/h",
        },
        (),
    ),
    "axon_emergence": ({"neuron_rate": "0 1/d", "sprout_rate": "0 1/d"}, ()),
    "axon_growth": (
        {"speed": "0 um/h", "fluctuation": "0 um/h"},
        ("cone.state", "cone.growth", "cone.stalled_h", "fibre.state"),
    ),
    "contact": (
        {"connect_rate": "0 1/d", "prune_after": "3650 d"},
        ("scalar.relay_maturity", "scalar.relay_identity"),
    ),
    "graft_tissue": None,
    "mass_effect": ({"block": "0", "loss": "0 1/d"}, ("scalar.graft_pressure",)),
    "digestion": ({"turnover": "0 ug/U/h"}, ()),
    "myelin": ({"demyelination_share": "0"}, ()),
    # it only reads what all others do
    "function_index": ({}, ("scalar.*",)),
    "examination": ({}, ()),
}


#: Process -> arrays of those who notice that it is off and not merely asleep: nobody examines without an index.
NOTICED: dict[str, tuple[str, ...]] = {"function_index": ("scalar.exam_number", "scalar.exam_score")}


@cache
def switched_off(name: str) -> Course:
    """Return the course of a run without a process."""
    return watch(model_of(BRIEF, {f"parameters.{name}.enabled": "false"}))


@pytest.mark.parametrize("name", SWITCHES)
def test_a_process_without_strength_is_as_good_as_off(name: str, brief_course: Course) -> None:
    assert name in SILENT, f"say how {name} is silenced"
    if SILENT[name] is None:
        # what it does while it runs is more than a rate: it is held to the other test, and it does do something
        assert first_difference(brief_course, switched_off(name)) != ""
        return
    values, own = SILENT[name]
    silent = {f"parameters.{name}.{key}": value for key, value in values.items()}
    assert first_difference(switched_off(name), watch(model_of(BRIEF, silent)), own) == ""


@pytest.mark.parametrize("name", SWITCHES)
def test_off_means_that_it_does_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switching off changes nothing but that the process does not act: no draw, no setting, no array of others."""
    model = model_of(BRIEF)
    asleep = [process for process in model.built.processes if process.name == name]
    assert len(asleep) == 1

    def sleep(tissue: Any, key: Any) -> None:
        """Do nothing."""

    monkeypatch.setattr(asleep[0], "step", sleep)
    assert first_difference(switched_off(name), watch(model), NOTICED.get(name, ())) == ""
