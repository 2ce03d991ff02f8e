"""The schema and the observers are one list: what is written down is measured, and what is measured is written down."""

from __future__ import annotations

import math

import pytest

from cordgraft.core import schema
from cordgraft.core.units import parse_unit
from cordgraft.processes import registry
from cordgraft.record.observers import Observer, observe, outcomes, reasons
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES
from cordgraft.state.cells import KIND_NAMES
from support import make_tissue

ALL_BOUNDS = {name: {"at_most": 1.0} for name in schema.SAFETY_BOUNDS}
SPECIES = ("mouse", "rat", "human")


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("bounds", [{}, ALL_BOUNDS, {"neuron_distance": {"at_most": 500.0}}])
def test_every_series_has_one_observer_and_every_observer_a_series(species: str, bounds: dict) -> None:
    written = [spec.name for spec in schema.series_specs(species, bounds)]
    measured = [name for outcome in outcomes(species, bounds) for name in outcome.names]
    assert sorted(written) == sorted(measured)
    assert len(set(written)) == len(written)


def test_words_of_the_schema_are_those_of_the_state() -> None:
    assert tuple(KIND_NAMES.values()) == schema.KINDS
    assert tuple(TRACT_NAMES[tract] for tract in HOST_TRACTS) == schema.HOST_TRACTS


@pytest.mark.parametrize("species", SPECIES)
def test_every_series_states_unit_meaning_and_source(species: str) -> None:
    processes = set(registry()) | {"record"}
    for spec in schema.series_specs(species, ALL_BOUNDS):
        assert spec.long_name, spec.name
        assert spec.source in processes, f"{spec.name} comes from '{spec.source}', which is no process"
        if spec.unit not in schema.COUNTED:
            parse_unit(spec.unit)
        attributes = spec.attributes()
        assert attributes["units"]
        assert attributes["long_name"]


def test_counts_have_a_simulated_twin() -> None:
    specs = {spec.name: spec for spec in schema.series_specs("mouse")}
    counts = [
        name for name, spec in specs.items() if spec.unit in schema.COUNTED and name != "graft_delivered"
    ]
    assert "graft_survivors" in counts
    for name in counts:
        if not name.endswith("_simulated"):
            assert specs[f"{name}_simulated"].unit == specs[name].unit


def test_every_observer_says_what_it_measures() -> None:
    for outcome in outcomes("mouse", ALL_BOUNDS):
        assert outcome.measure.__doc__, outcome.names


def test_a_healthy_cord_gives_every_series_and_a_reason_for_each_gap() -> None:
    tissue = make_tissue()
    values = observe(tissue)
    specs = schema.series_specs("mouse", arrays=())
    assert list(values) == [spec.name for spec in specs]
    missing = reasons(specs, values)
    assert set(missing) == {name for name, value in values.items() if math.isnan(value)}
    assert all("fault" not in reason for reason in missing.values()), missing
    assert values["graft_survivors"] == 0.0
    assert values["lesion_length"] == 0.0


def test_observing_changes_nothing() -> None:
    tissue = make_tissue()
    tissue["fraction.necrosis"][:, :, 20:30] = tissue["map.cord"][:, :, 20:30]
    before = tissue.snapshot()
    observer = Observer(tissue, ALL_BOUNDS)
    observer.watch(tissue, 0)
    observer.measure(tissue, 0)
    assert tissue.changed(before) == []


def test_names_of_snapshots() -> None:
    assert schema.day_group(14 * 24.0) == "day_0014"
    assert schema.day_group(6.5) == "day_0000_m0390"
    assert schema.variable_name("field.oxygen") == "field_oxygen"
