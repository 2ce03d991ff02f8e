"""Inputs that name a row of the project's parameter table agree with it, and no outcome is an input."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
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


# -------------------------------------------------------------- every input against every outcome of the table

#: Words that say nothing about what is measured.
COMMON_WORDS = frozenset(
    ["the", "and", "per", "with", "after", "for", "from", "mouse", "rat", "human", "graft", "cord", "time", "day"]
)
#: Inputs that have the very number of an outcome and a word in common with it, each looked at: why it is another thing.
LOOKED_AT: dict[tuple[str, str], str] = {
    ("parameters.axon_growth.fluctuation_at", "min_spared_axons_for_stepping"): "a growth product, no share of axons",
    ("parameters.axon_injury.capacity_spread", "axon_loss_day1_mild_contusion"): "a spread of a logarithm, no loss",
    ("parameters.remodelling.clearance_time", "myelin_clearance_time_rat"): "dead tissue of people, not myelin of rats",
    ("parameters.axon_injury.gracile_fibres", "graft_axon_count_90d"): "fibres of the host, not of the graft",
    ("treatments.cell_graft.site_spacing", "max_guidance_distance_diffusible"): "a distance that the surgeon chooses",
    ("treatments.cell_graft.inhibited_to_neuron", "inhibitor_promoter_ratio_threshold"): "another inhibitor",
}


def words(text: str) -> set[str]:
    """Return the words of a name or a sentence that say what is measured, in the singular."""
    return {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.lower())} - COMMON_WORDS


def inputs() -> Iterator[tuple[str, ParameterSpec]]:
    """Yield address and spec of every quantity of biology, as it stands by default and under every preset."""
    for address, spec in all_specs().items():
        chosen = address.startswith(("safety.", "record.")) or address.endswith(".period")
        if spec.kind == "quantity" and not chosen:
            yield from ((address, spec.under(preset) if preset else spec) for preset in ("", *PRESETS))


def same_number(spec: ParameterSpec, row: dict[str, str]) -> bool:
    """Whether the default of a spec is the value of a row, in units of one dimension."""
    try:
        value = convert(float(row["value"]), row["units"], spec.unit)
    except (UnitError, ValueError):
        return False
    return spec.default is not None and spec.default == pytest.approx(value, rel=1e-3, abs=0.0)


def test_no_input_is_an_outcome_in_disguise(table: dict[str, dict[str, str]]) -> None:
    outcomes = {name: row for name, row in table.items() if row["role"] == "outcome"}
    assert len(outcomes) > 20
    found = {
        (address, name)
        for address, spec in inputs()
        for name, row in outcomes.items()
        if words(name.replace("_", " ")) & words(f"{address.split('.', 1)[-1]} {spec.meaning}".replace("_", " "))
        and same_number(spec, row)
    }
    assert found - LOOKED_AT.keys() == set(), "is this the outcome itself? If not, say in LOOKED_AT why"
    assert LOOKED_AT.keys() - found == set(), "no longer so: take it out of LOOKED_AT"


def test_what_cites_the_paper_of_an_outcome_and_lies_in_its_range_is_calibrated(
    table: dict[str, dict[str, str]],
) -> None:
    checked, wrong = 0, []
    for row in table.values():
        reference = row["doi_or_pmcid"].strip()
        if row["role"] != "outcome" or not reference:
            continue
        for address, spec in inputs():
            if reference not in (spec.doi, *spec.source.replace(",", " ").split()) or spec.default is None:
                continue
            try:
                low, high = (convert(float(row[key]), row["units"], spec.unit) for key in ("low", "high"))
            except (UnitError, ValueError):
                continue
            if low <= spec.default <= high:
                checked += 1
                if spec.evidence != "calibrated":
                    wrong.append(f"{address}: {spec.default:g} {spec.unit} lies in the range of {row['name']}")
    assert wrong == []
    assert checked > 0
