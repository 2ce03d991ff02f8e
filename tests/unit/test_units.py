"""The unit table against `pint`, and the refusal of what it cannot read."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordgraft.core.units import (
    ATOMS,
    DIMENSIONS,
    UnitError,
    convert,
    format_quantity,
    parse_quantity,
    parse_unit,
)

pint = pytest.importorskip("pint", reason="pint, of the extra [units], is the yardstick here")

PHYSICAL = {"length": "length", "time": "time", "mass": "mass", "amount": "substance"}
#: Things that are counted, each a dimension of its own (to pint a point is a length).
COUNTED = [name for name in DIMENSIONS if name not in (*PHYSICAL, "pressure")]


def spelled(atom: str) -> str:
    """Return the name of an atom in pint's registry."""
    dimension = DIMENSIONS[ATOMS[atom][1].index(1)] if 1 in ATOMS[atom][1] else ""
    if dimension in COUNTED:
        return f"counted_{dimension}"
    return {"%": "percent", "1": "", "d": "day"}.get(atom, atom)


@pytest.fixture(scope="module")
def yardstick() -> pint.UnitRegistry:
    registry = pint.UnitRegistry()
    for dimension in COUNTED:
        registry.define(f"counted_{dimension} = [counted_{dimension}]")
    return registry


def pairs() -> list[tuple[str, str]]:
    """All pairs of atoms of one dimension."""
    found = itertools.combinations(ATOMS, 2)
    return [(a, b) for a, b in found if ATOMS[a][1] == ATOMS[b][1]]


@pytest.mark.parametrize(("first", "second"), pairs())
def test_atoms_convert_as_pint_says(yardstick: pint.UnitRegistry, first: str, second: str) -> None:
    expected = yardstick.Quantity(1.0, spelled(first)).to(spelled(second)).magnitude
    assert convert(1.0, first, second) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("atom", ATOMS)
def test_dimensions_are_those_of_pint(yardstick: pint.UnitRegistry, atom: str) -> None:
    theirs = dict(yardstick.Quantity(1.0, spelled(atom)).dimensionality)
    powers = dict(zip(DIMENSIONS, parse_unit(atom).powers, strict=True))
    if powers.pop("pressure"):
        assert theirs == {"[mass]": 1, "[length]": -1, "[time]": -2}
        return
    assert theirs == {
        f"[{PHYSICAL.get(name, 'counted_' + name)}]": power for name, power in powers.items() if power
    }


@pytest.mark.parametrize(
    ("value", "source", "target"),
    [
        (5.0, "um2/s", "mm^2/d"),
        (4.8e-17, "mol/cell/s", "nmol/cells/h"),
        (5.0, "ug/mL", "ng/nL"),
        (1.16e-3, "mol/m3/mmHg", "uM/mmHg"),
        (0.1, "1/h", "%/d"),
        (60.0, "um/h", "mm/day"),
        (2.5, "pL", "um3"),
        (31.5, "mmHg/s", "mmHg/min"),
        (7.0, "nM", "nmol/L"),
        (3.0, "years", "weeks"),
    ],
)
def test_compound_units_convert_as_pint_says(
    yardstick: pint.UnitRegistry, value: float, source: str, target: str
) -> None:
    def whole(unit: str) -> str:
        parts = re.split(r"([/^*])", unit.replace("um2", "um^2").replace("m3", "m^3"))
        return "".join("**" if p == "^" else spelled(p) or "1" if p in ATOMS else p for p in parts)

    expected = yardstick.Quantity(value, whole(source)).to(whole(target)).magnitude
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-12)


@given(
    st.floats(min_value=1e-12, max_value=1e12),
    st.sampled_from(["um", "mm2/d", "ug/mL", "h", "cells", "mol/cell/s"]),
)
def test_a_formatted_quantity_reads_back(value: float, unit: str) -> None:
    assert parse_quantity(format_quantity(value, unit, digits=17), unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("25 um", "um", 25.0),
        ("25um", "um", 25.0),
        ("  5e5cells ", "cells", 5e5),
        ("25 µm", "um", 25.0),
        ("30 %", "1", 0.3),
        ("0.3", "1", 0.3),
        (".5 mm", "um", 500.0),
        ("-2 d", "h", -48.0),
        ("5 um²/s", "um2/s", 5.0),
        ("5 um^2/s", "um2/s", 5.0),
        ("5 um2 / s", "um2/s", 5.0),
        ("5 ug·um2 / s", "ug*um2/s", 5.0),
    ],
)
def test_spellings(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "says"),
    [
        ("5", "um", "unit is missing"),
        ("5 mm/h", "um2/s", r"length/time, but a length\^2/time is needed"),
        ("5 parsec", "um", "unknown unit 'parsec'"),
        ("5 cell", "um", "'cell' is a number of cells, but a length is needed, for example 'um'"),
        ("5 um", "mol", "'um' is a length, but an amount is needed"),
        ("5 um2//s", "um2/s", "a unit is missing beside '/'"),
        ("1,5 mm", "um", "unknown unit"),
        ("many cells", "cells", "is not a number with a unit"),
        ("5 dayz", "h", "did you mean day"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(text: str, unit: str, says: str) -> None:
    with pytest.raises(UnitError, match=says):
        parse_quantity(text, unit)


def test_equal_units_change_no_bit() -> None:
    value = math.nextafter(0.1, 1.0)
    assert convert(value, "um2/s", "um2/s") == value
