"""One parameter spec as a field: reading, refusing, writing back, and what an editor shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from cordgraft.core.parameters import ParameterSpec
from cordgraft.core.units import parse_quantity
from cordgraft.scenario.fields import (
    form,
    hover,
    in_words,
    json_schema,
    quantity_in_words,
    read,
    unit_pattern,
)

SPEED = ParameterSpec(
    "quantity", "speed of a thing", 10.0, unit="um/h", bounds=(0.0, 100.0), cited=(5.0, 15.0),
    source="Somebody 2003", doi="10.1/x", evidence="read", presets={"human": 4.0},
    variants={"human": {"cited": (2.0, 6.0), "source": "Somebody else 2011", "evidence": "recalled"}},
)  # fmt: skip
SHARE = ParameterSpec("quantity", "a share", 0.3, unit="1", bounds=(0.0, 1.0))
PLACE = ParameterSpec("quantity", "a place", 0.0, unit="um", bounds=(-1e4, 1e4))
NUMBER = ParameterSpec("count", "a number", 3, bounds=(1, 2**63 - 1))
WORD = ParameterSpec("choice", "a word", "none", options=("none", "contusion", "crush"))
SWITCH = ParameterSpec("switch", "a switch", True)
TEXT = ParameterSpec("text", "a text", "")


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        (SPEED, "10 um/h", 10.0),
        (SPEED, "0.24mm/d", 10.0),
        (SHARE, 0.3, 0.3),
        (SHARE, "30 %", 0.3),
        (SHARE, "0.3", 0.3),
        (SHARE, 1, 1.0),
        (PLACE, "-2 mm", -2000.0),
        (PLACE, "10 mm", 1e4),
        (NUMBER, 5, 5),
        (NUMBER, 5e3, 5000),
        (NUMBER, "5e3", 5000),
        (NUMBER, 2**63 - 1, 2**63 - 1),
        (WORD, "crush", "crush"),
        (WORD, None, "none"),
        (SWITCH, False, False),
        (TEXT, "x", "x"),
    ],
)
def test_reading(spec: ParameterSpec, value: Any, expected: Any) -> None:
    found = read(spec, value)
    assert found == pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("spec", "value", "says", "allowed"),
    [
        (SPEED, 10, "the unit is missing", "'10 um/h'"),
        (SPEED, "10", "the unit is missing", "0 um/h to 100 um/h"),
        (SPEED, "5 mm", "is a length, but a length/time is needed", "'10 um/h'"),
        (SPEED, "-5 um/h", "a negative value is impossible here", "0 um/h to 100 um/h"),
        (SPEED, "500 um/h", "outside its bounds", "0 um/h to 100 um/h"),
        (SPEED, "fast", "this is not a number", "'10 um/h'"),
        (SPEED, "1e400 um/h", "not finite", "um/h"),
        (SPEED, True, "a number is needed here", "um/h"),
        (SPEED, None, "the value is missing", "um/h"),
        (SPEED, ["5 um/h"], "one value is needed here, not a list", "um/h"),
        (SPEED, {"a": 1}, "one value is needed here, not a map", "um/h"),
        (SHARE, 30, "outside its bounds", "0 to 1"),
        (SHARE, "5 um", "but a pure number is needed", "'0.3'"),
        (NUMBER, 2.5, "a whole number is needed", "'3'"),
        (NUMBER, 0, "outside its bounds", "1 to"),
        (NUMBER, True, "a whole number is needed", "'3'"),
        (WORD, "contusoin", "none of the options", "none, contusion, crush"),
        (WORD, 5, "none of the options", "crush"),
        (SWITCH, "yes", "true or false", "true or false"),
        (SWITCH, 1, "true or false", "true or false"),
        (TEXT, 5, "put it in quotes", "text"),
    ],
)
def test_refusing(spec: ParameterSpec, value: Any, says: str, allowed: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        read(spec, value)
    context = caught.value.context
    assert context is not None
    assert says in context["sentence"] and allowed in context["allowed"]


def test_near_words_are_offered() -> None:
    for spec, value, near in ((WORD, "contusoin", "contusion"), (SWITCH, "off", "false")):
        with pytest.raises(PydanticCustomError) as caught:
            read(spec, value)
        assert caught.value.context is not None and caught.value.context["near"][0] == near


def test_a_bare_percentage_is_refused_because_it_has_two_meanings() -> None:
    spec = ParameterSpec("quantity", "a share", 5.0, unit="%", bounds=(0.0, 100.0))
    assert read(spec, "5 %") == 5.0
    with pytest.raises(PydanticCustomError, match="unit is missing"):
        read(spec, 5)


@given(
    st.floats(min_value=-1e30, max_value=1e30, allow_nan=False),
    st.sampled_from(["h", "um", "cells", "ug/mL", "mol/cell/s", "1"]),
)
def test_a_written_quantity_reads_back_to_the_same_bits(value: float, unit: str) -> None:
    assert parse_quantity(str(quantity_in_words(value, unit)), unit) == value


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (216.0, "h", "9 d"), (36.0, "h", "36 h"), (1500.0, "um", "1.5 mm"), (25.0, "um", "25 um"),
        (5e5, "cells", "5e5 cells"), (25000.0, "um", "25 mm"), (0.3, "1", 0.3), (2.0, "1", 2),
        (1e-17, "mol/cell/s", "1e-17 mol/cell/s"), (0.0, "h", "0 h"), (1400.0, "um", "1.4 mm"),
    ],
)  # fmt: skip
def test_quantities_are_written_as_people_write_them(value: float, unit: str, words: object) -> None:
    assert quantity_in_words(value, unit) == words


def test_hover_text_says_all_that_is_known() -> None:
    text = hover(SPEED)
    for words in (
        "Speed of a thing.",
        "Default: 10 um/h (human: 4 um/h)",
        "Possible: 0 um/h to 100 um/h",
        "Cited range: 5 um/h to 15 um/h; human: 2 um/h to 6 um/h",
        "Source: Somebody 2003, 10.1/x; human: Somebody else 2011, 10.1/x",
        "Evidence: read; human: recalled",
    ):
        assert words in text.split("\n\n")
    assert "Source: none" in hover(SHARE) and "Evidence: assumed" in hover(SHARE)
    assert "Default" not in hover(SPEED, required=True)


def test_json_schema_of_each_kind() -> None:
    assert json_schema(SHARE)["type"] == ["number", "string"] and json_schema(SHARE)["maximum"] == 1.0
    assert json_schema(SPEED)["type"] == "string" and "minimum" not in json_schema(SPEED)
    assert json_schema(NUMBER)["type"] == "integer" and json_schema(NUMBER)["minimum"] == 1
    assert json_schema(WORD)["enum"] == ["none", "contusion", "crush"]
    assert json_schema(SWITCH)["type"] == "boolean"
    assert form(SPEED)[1:] in json_schema(SPEED)["patternErrorMessage"]


@pytest.mark.parametrize(
    ("unit", "good", "bad"),
    [
        ("um2/s", ["5 um2/s", "5um2/s", "5e-3 mm^2/d", "5 µm²/h"], ["5 mm/h", "5", "5 um2", "um2/s", "five um2/s"]),
        ("h", ["9 d", "9d", "1.5 weeks", "3 months"], ["9", "9 dd", "9 mm", "tomorrow"]),
        ("cells", ["5e5 cells", "5e5cells", "1 cell"], ["5e5", "5e5 axons"]),
        ("ug/mL", ["5 ug/mL", "5 ng/nL", "3 µg/mL", "5 g/cm3"], ["5 ug", "5 mL"]),
        ("1/h", ["0.1 1/h", "3 %/d"], ["0.1", "0.1 h"]),
        ("1", ["0.3", "30 %", "30%"], ["0.3 um"]),
        ("uM", ["3 nM", "3 nmol/L"], ["3 nmol"]),
        ("pL", ["2.5 pL", "2500 um3", "2 mm^3"], ["2 mm2"]),
    ],
)  # fmt: skip
def test_patterns_agree_with_the_loader(unit: str, good: list[str], bad: list[str]) -> None:
    pattern = re.compile(unit_pattern(unit))
    for text in good:
        assert pattern.search(text), f"the pattern refuses {text}"
        parse_quantity(text, unit)
    for text in bad:
        assert not pattern.search(text), f"the pattern lets {text} pass"
        with pytest.raises(ValueError):  # noqa: PT011 - any refusal will do
            read(ParameterSpec("quantity", "x", 1.0, unit=unit, bounds=(0.0, 1e30)), text)


def test_a_pattern_refuses_a_sign_where_nothing_negative_is_possible() -> None:
    assert re.search(json_schema(PLACE)["pattern"], "-2 mm")
    assert not re.search(json_schema(SPEED)["pattern"], "-2 um/h")
    assert re.search(json_schema(SPEED)["pattern"], "2 um/h")


@given(st.floats(min_value=0.0, max_value=100.0))
def test_every_allowed_value_as_written_passes_its_own_pattern(value: float) -> None:
    assert re.search(json_schema(SPEED)["pattern"], in_words(SPEED, value))
    assert read(SPEED, in_words(SPEED, value)) == value
