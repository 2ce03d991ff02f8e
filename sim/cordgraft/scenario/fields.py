"""One parameter spec as a field of the scenario: how its text is read, and what an editor shows of it.

`leaf` turns a `ParameterSpec` into a value of the document: a function that returns the value in the spec's unit
or refuses with a sentence, and the piece of JSON Schema that goes with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

from pydantic_core import PydanticCustomError

from cordgraft.core.parameters import PRESETS, ParameterSpec
from cordgraft.core.problems import nearest
from cordgraft.core.units import ATOMS, UnitError, convert, parse_quantity, parse_unit
from cordgraft.scenario.shape import Leaf

#: Type of the errors raised here; their context holds `sentence`, `allowed` and `near`.
REFUSED = "refused"

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_STARTS_AS_NUMBER = re.compile(rf"^\s*{_NUMBER}")
_BARE = re.compile(rf"^\s*{_NUMBER}\s*$")
_SEPARATED = re.compile(r"^\s*[+-]?\d+[,_']\d")


def refused(sentence: str, allowed: str = "", near: Iterable[str] = ()) -> PydanticCustomError:
    """Return the error that carries a sentence for the user; see `cordgraft.core.problems.Problem`."""
    context = {"sentence": sentence, "allowed": allowed, "near": tuple(near)}
    return PydanticCustomError(REFUSED, "{sentence}", context)


# ------------------------------------------------------------------------------------------------ reading


def read(spec: ParameterSpec, value: Any) -> Any:
    """Return the value that a scenario states, in the spec's unit.

    Parameters
    ----------
    spec : ParameterSpec
    value : str, int, float, bool, None, list or dict
        As it stands in the file.

    Raises
    ------
    PydanticCustomError
        If it cannot be read as what the spec declares, or lies outside its bounds.
    """
    if isinstance(value, dict):
        raise refused("one value is needed here, not a map of keys", form(spec))
    if isinstance(value, list):
        raise refused("one value is needed here, not a list", form(spec))
    if value is None and not (spec.kind == "choice" and "none" in spec.options):
        raise refused("the value is missing", form(spec))
    return _READERS[spec.kind](spec, value)


def _read_quantity(spec: ParameterSpec, value: Any) -> float:
    if isinstance(value, bool):
        raise refused("a number is needed here, not a switch", form(spec))
    bare = not isinstance(value, str) or _BARE.match(value) is not None
    if bare and spec.unit != "1":
        # A bare number for a percentage is refused too: 0.3 and 30 both look right.
        raise refused("the unit is missing", form(spec))
    return _within(spec, _number(spec, value))


def _read_count(spec: ParameterSpec, value: Any) -> int:
    if isinstance(value, bool):
        raise refused("a whole number is needed here, not a switch", form(spec))
    if isinstance(value, int):
        number: float = value  # not through a float: a seed has 64 bits
    else:
        number = _number(spec, value)
        if math.isfinite(number) and number != round(number):
            raise refused("a whole number is needed here", form(spec))
    return int(_within(spec, number, rounding=0.0))


def _number(spec: ParameterSpec, value: str | float) -> float:
    if not isinstance(value, str):
        return float(value)
    if _STARTS_AS_NUMBER.match(value) is None:
        raise refused("this is not a number", form(spec))
    if _SEPARATED.match(value) is not None:
        raise refused("a number has a decimal point, and nothing between its thousands", form(spec))
    try:
        return parse_quantity(value, spec.unit)
    except UnitError as error:
        raise refused(str(error), form(spec)) from None


def _within(spec: ParameterSpec, number: float, rounding: float = 1e-12) -> float:
    """Return a number inside the bounds; `rounding` is the relative error that a conversion of units may leave."""
    if not math.isfinite(number):
        raise refused("the number is not finite", form(spec))
    if spec.bounds is None:
        return number
    low, high = spec.bounds
    nearest_inside = min(max(number, low), high)
    if abs(number - nearest_inside) <= rounding * abs(nearest_inside):
        number = nearest_inside
    if not low <= number <= high:
        if number < 0.0 <= low:
            # a time that may be zero is a date, any other the length of something
            what = "time before the injury" if spec.unit == "h" and low == 0.0 else "negative value"
            raise refused(f"a {what} is impossible here", limits(spec))
        raise refused("the value lies outside its bounds", limits(spec))
    return number


def _read_choice(spec: ParameterSpec, value: Any) -> str:
    word = "none" if value is None else str(value)
    if not isinstance(value, str | None) or word not in spec.options:
        near = nearest(word, spec.options) if isinstance(value, str) else ()
        raise refused("this is none of the options", spec.allowed(), near)
    return word


def _read_switch(spec: ParameterSpec, value: Any) -> bool:
    if not isinstance(value, bool):
        words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        near = [words[value.lower()]] if isinstance(value, str) and value.lower() in words else []
        raise refused("a switch is true or false", spec.allowed(), near)
    return value


def _read_text(spec: ParameterSpec, value: Any) -> str:
    if not isinstance(value, str):
        raise refused("text is needed here; put it in quotes", form(spec))
    return value


_READERS: dict[str, Any] = {
    "quantity": _read_quantity,
    "count": _read_count,
    "choice": _read_choice,
    "switch": _read_switch,
    "text": _read_text,
}


def form(spec: ParameterSpec) -> str:
    """Return the form and the bounds of a value in words: ``a value like '5 ug/mL', 0 ug/mL to 100 ug/mL``."""
    if spec.kind not in ("quantity", "count"):
        return spec.allowed()
    return f"a value like {str(_example(spec))!r}" + (f", {limits(spec)}" if spec.bounds is not None else "")


def limits(spec: ParameterSpec) -> str:
    """Return the bounds of a quantity or count in words."""
    return _span(spec, spec.bounds)


def cited_in_words(spec: ParameterSpec) -> str:
    """Return the cited range in words, or an empty string."""
    return _span(spec, spec.cited)


def _span(spec: ParameterSpec, span: tuple[float, float] | None) -> str:
    if span is None:
        return ""
    low, high = (quantity_in_words(limit, spec.unit) for limit in span)
    return f"{low} to {high}" if low != high else str(low)


def _example(spec: ParameterSpec) -> Any:
    for value in (spec.default, *spec.presets.values()):
        if value is not None:
            return in_words(spec, value)
    low, high = spec.bounds or (1.0, 1.0)
    usual = 0.5 if (low, high) == (0.0, 1.0) else 21.0 * 24.0 if spec.unit == "h" else 1.0
    return in_words(spec, usual if low <= usual <= high else low)


# ---------------------------------------------------------------------------------------------- writing

#: Larger units in which a value may be written where that is exact and shorter: unit -> candidates.
_LARGER = {"h": ("d",), "um": ("mm",)}


def in_words(spec: ParameterSpec, value: Any) -> Any:
    """Return a value as a scenario would write it, such that reading it gives the same bits.

    Quantities come back as text with a unit, dimensionless ones, counts and switches as themselves.
    """
    if spec.kind == "quantity":
        return quantity_in_words(float(value), spec.unit)
    return value


def quantity_in_words(value: float, unit: str) -> str | float | int:
    """Return a number with its unit (``9 d`` for 216 h), dimensionless ones as a plain number."""
    if unit == "1":
        return int(value) if value == int(value) and abs(value) < 1e6 else value
    best = f"{_shortest(value)} {unit}"
    for larger in _LARGER.get(unit, ()):
        scaled = value / convert(1.0, larger, unit)
        text = f"{_shortest(scaled)} {larger}"
        if abs(scaled) >= 1.0 and len(text) <= len(best) and parse_quantity(text, unit) == value:
            best = text
    return best


def _shortest(value: float) -> str:
    """Return the shortest text of a number that gives back the same bits."""
    if value == 0.0:
        return "0"
    plain = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    for digits in range(17):
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        if float(f"{mantissa}e{exponent}") == value:
            break
    power = f"{mantissa}e{int(exponent)}"
    # 5e5 reads better than 500000, but 25000 better than 2.5e4.
    return power if "e" in plain or len(power) + 3 <= len(plain) else plain


# ---------------------------------------------------------------------------------- what an editor shows


def sentence(text: str) -> str:
    """Return a meaning as a sentence: with a capital and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def hover(spec: ParameterSpec, *, required: bool = False) -> str:
    """Return the text that an editor shows over a key: meaning, default, bounds, cited range, source, evidence.

    A key that must be written has no default to show.
    """
    lines = [sentence(spec.meaning)]
    defaults = _defaults(spec)
    if defaults and not required:
        lines.append(f"Default: {defaults}")
    if spec.kind in ("quantity", "count") and spec.bounds is not None:
        lines.append(f"Possible: {limits(spec)}")
    cited = _by_preset(spec, cited_in_words)
    if cited:
        lines.append(f"Cited range: {cited}")
    if spec.kind != "text":
        source = _by_preset(spec, lambda under: ", ".join(filter(None, (under.source, under.doi))))
        lines.append(f"Source: {source or 'none'}")
        lines.append(f"Evidence: {_by_preset(spec, lambda under: under.evidence)}")
    return "\n\n".join(lines)


def _defaults(spec: ParameterSpec) -> str:
    def words(value: Any) -> str:
        if spec.kind == "switch":
            return "true" if value else "false"
        return "" if value is None else str(in_words(spec, value))

    text = words(spec.default)
    others = [f"{preset.replace('_', ' ')}: {words(value)}" for preset, value in spec.presets.items()]
    return f"{text} ({'; '.join(others)})" if others and text else text or "; ".join(others)


def _by_preset(spec: ParameterSpec, words: Callable[[ParameterSpec], str]) -> str:
    """Return what `words` says of the spec, and where it differs under a preset."""
    general = words(spec)
    parts = [general] if general else []
    for preset in PRESETS:
        if preset in spec.variants:
            text = words(spec.under(preset))
            if text and text != general:
                parts.append(f"{preset.replace('_', ' ')}: {text}")
    return "; ".join(parts)


def json_schema(spec: ParameterSpec, *, required: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of one value, with hover text and, for quantities, the pattern of the unit."""
    schema: dict[str, Any] = {"description": hover(spec, required=required)}
    if spec.kind == "choice":
        schema["enum"] = list(spec.options)
    elif spec.kind == "switch":
        schema["type"] = "boolean"
    elif spec.kind == "text":
        schema["type"] = "string"
    else:
        low, high = spec.bounds or (-math.inf, math.inf)
        ends = {key: end for key, end in (("minimum", low), ("maximum", high)) if math.isfinite(end)}
        if spec.kind == "count":
            schema |= {"type": "integer", **{key: int(end) for key, end in ends.items()}}
        else:
            schema["type"] = ["number", "string"] if spec.unit == "1" else "string"
            schema |= ends if spec.unit == "1" else {}
            schema["pattern"] = unit_pattern(spec.unit, low < 0.0)
            schema["patternErrorMessage"] = f"{form(spec)[0].upper()}{form(spec)[1:]} is needed"
        schema["examples"] = [_example(spec)]
    return schema


@lru_cache(maxsize=256)
def unit_pattern(unit: str, negative: bool = True) -> str:
    """Return a regular expression for a number with any unit of the dimension of `unit`.

    It covers the spellings that people use (``um2/s``, ``mm^2/d``, ``%/d`` for ``1/h``); the loader knows more.
    """
    number = _NUMBER if negative else _NUMBER.replace("[+-]?", r"\+?", 1)
    if unit == "1":
        return rf"^\s*{number}\s*%?\s*$"
    pieces = re.split(r"([*/])", unit)
    text = ""
    for index, piece in enumerate(pieces):
        if index % 2:
            text += "/" if piece == "/" else r"[* ·]"
            continue
        match = re.fullmatch(r"(%|1|[A-Za-z]+)\^?(\d+)?", piece)
        assert match is not None, (
            f"the unit {unit} of a parameter has a factor that no pattern knows: {piece}"
        )
        text += _factor_pattern(match[1], int(match[2] or 1))
    return rf"^\s*{number}\s*{text}\s*$"


def _factor_pattern(atom: str, power: int) -> str:
    def same(powers: tuple[int, ...]) -> str:
        names = sorted(
            (name for name, (_, have) in ATOMS.items() if have == powers), key=lambda n: (-len(n), n)
        )
        spelled = [
            re.sub("^u(?=[a-zA-Z])", "[uµμ]", name) if name.startswith("u") else name for name in names
        ]
        return "(?:" + "|".join(spelled) + ")"

    powers = ATOMS[atom][1]
    text = same(powers)
    if power != 1:
        text += rf"(?:\^?{power}" + {2: "|²)", 3: "|³)"}.get(power, ")")
    length, volume = parse_unit("um").powers, parse_unit("L").powers
    if powers == volume and power == 1:
        text = rf"(?:{text}|{same(length)}(?:\^?3|³))"
    elif powers == length and power == 3:
        text = f"(?:{text}|{same(volume)})"
    elif powers == parse_unit("M").powers:
        text = f"(?:{text}|{same(parse_unit('mol').powers)}/{same(volume)})"
    return text


def leaf(spec: ParameterSpec, *, required: bool = False) -> Leaf:
    """Return a spec as a value of a document; `required` says that it must be written."""
    return Leaf(partial(read, spec), partial(json_schema, spec, required=required))
