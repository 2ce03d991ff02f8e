"""Inputs that name a row of the project's parameter table agree with it, and no outcome is an input."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cordgraft.core.parameters import PRESETS, ParameterSpec
from cordgraft.core.units import UnitError, convert
from cordgraft.scenario.schema import all_specs
from cordgraft.state.lines import LINES


@pytest.fixture(scope="module")
def table(shared_data: Path) -> dict[str, dict[str, str]]:
    path = shared_data.parent / "science" / "parameters.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def named() -> list[tuple[str, str, ParameterSpec]]:
    """Return address, preset and spec of everything that names a row."""
    found = []
    for address, spec in all_specs().items():
        for preset in ("", *PRESETS):
            under = spec.under(preset) if preset else spec
            if under.row and (not preset or preset in spec.variants):
                found.append((address, preset, under))
    return found


def test_some_inputs_name_their_row() -> None:
    assert len(named()) > 10


@pytest.mark.parametrize(
    ("address", "preset", "spec"), named(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_input_agrees_with_its_row(
    address: str, preset: str, spec: ParameterSpec, table: dict[str, dict[str, str]]
) -> None:
    row = table[spec.row]
    assert row["role"] == "input", f"{spec.row} is what the model must produce"
    low, high, value = (float(row[key]) for key in ("low", "high", "value"))
    unit = row["units"]
    try:
        low, high, value = (convert(number, unit, spec.unit) for number in (low, high, value))
    except UnitError:
        pytest.fail(f"{spec.row} is in {unit}, {address} in {spec.unit}")
    tolerance = 1e-6 * max(abs(low), abs(high))
    assert low - tolerance <= spec.default <= high + tolerance
    if spec.cited is not None:
        assert low - tolerance <= spec.cited[0] <= spec.cited[1] <= high + tolerance


#: Inputs whose meaning comes near that of an outcome: address, preset, row. They may not simply be its value.
NEAR_AN_OUTCOME = (
    ("parameters.migration.traveller_drift", "mouse", "graft_astrocyte_migration_speed"),
    ("parameters.function_index.half_drive", "mouse", "min_spared_axons_for_stepping"),
    ("injury.primary_length", "mouse", "mouse_contusion_lesion_length"),
    ("injury.primary_length", "rat", "rat_contusion_lesion_length"),
    ("parameters.scar.cspg_half_life", "rat", "cspg_peak_time"),
    ("parameters.survival.handling_time", "mouse", "graft_early_loss_period"),
    ("parameters.axon_injury.dieback_rate", "rat", "axon_dieback_distance"),
)


@pytest.mark.parametrize(("address", "preset", "row"), NEAR_AN_OUTCOME)
def test_an_input_near_an_outcome_is_not_its_value(
    address: str, preset: str, row: str, table: dict[str, dict[str, str]]
) -> None:
    assert table[row]["role"] == "outcome"
    spec = all_specs()[address]
    try:
        value = convert(float(table[row]["value"]), table[row]["units"], spec.unit)
    except UnitError:
        return  # a speed is no distance: they cannot be the same number
    assert spec.default_for(preset) != pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("201B7-like", ("fate_neuron_201b7", "fate_astrocyte_201b7", "fate_oligodendrocyte_201b7")),
        ("astrocyte-leaning", ("fate_neuron_astro_leaning_line", "fate_astrocyte_astro_leaning_line")),
    ],
)
def test_a_leaning_is_no_published_share(line: str, rows: tuple[str, ...], table: dict[str, dict[str, str]]) -> None:
    """What a graft becomes is an outcome; the odds of its precursors are not copied from it."""
    found = next(one for one in LINES if one.name == line).attributes()
    for name, row in zip(("fate_neuron", "fate_astrocyte", "fate_oligodendrocyte"), rows, strict=False):
        assert table[row]["role"] == "outcome"
        assert found[name].value != pytest.approx(float(table[row]["value"]), rel=1e-3)


def test_no_parameter_gives_the_distance_of_die_back() -> None:
    """It is an outcome: how far stumps recede follows from macrophages."""
    of_die_back = {name: spec for name, spec in all_specs().items() if ".dieback" in name}
    assert of_die_back and all(spec.unit != "um" for spec in of_die_back.values())


def test_sources_name_what_a_reader_can_find() -> None:
    """A design page that is not in the repository is no source, and what is tuned to an outcome says so."""
    pages = [name for name, spec in all_specs().items() if "equations" in spec.source.lower()]
    assert pages == []
    tuned = ("parameters.axon_emergence.neuron_share", "parameters.inflammation.neutrophil_time")
    assert {all_specs()[name].evidence for name in tuned} == {"calibrated"}
