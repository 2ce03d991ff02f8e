"""Inputs that name a row of the project's parameter table agree with it, and no outcome is an input."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cordgraft.core.parameters import PRESETS, ParameterSpec
from cordgraft.core.units import UnitError, convert
from cordgraft.scenario.schema import all_specs


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
