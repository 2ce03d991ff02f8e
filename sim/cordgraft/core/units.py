"""Quantities written as text with a unit, converted once, at load.

A scenario says ``25 um`` or ``5e5 cells``; every parameter names the unit in which the code wants it. This
module checks that the dimensions agree and converts. It is small on purpose: a general unit library costs
about half a second of import time, which is the whole budget of ``cordgraft check``; the tests compare this
table with `pint`, which stays an optional extra.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cordgraft.core.problems import nearest

#: Base dimensions, in the order of the exponents of `Unit`.
DIMENSIONS = (
    "length",
    "time",
    "mass",
    "amount",
    "pressure",
    "cells",
    "axons",
    "points",
    "synapses",
    "activity",
)
#: Dimensions that count things: their names are plurals.
COUNTED = tuple((name, 1) for name in ("cells", "axons", "points", "synapses"))
_ZERO = (0,) * len(DIMENSIONS)


def _base(name: str) -> tuple[int, ...]:
    return tuple(int(dimension == name) for dimension in DIMENSIONS)


_LENGTH, _TIME, _MASS, _AMOUNT = _base("length"), _base("time"), _base("mass"), _base("amount")
_VOLUME = tuple(3 * power for power in _LENGTH)
_CONCENTRATION = tuple(a - v for a, v in zip(_AMOUNT, _VOLUME, strict=True))

#: Atom -> (factor to the base units um, h, ug, mol, mmHg, cell, axon, point, enzyme unit; exponents).
ATOMS: dict[str, tuple[float, tuple[int, ...]]] = {
    "1": (1.0, _ZERO),
    "%": (0.01, _ZERO),
    "nm": (1e-3, _LENGTH),
    "um": (1.0, _LENGTH),
    "mm": (1e3, _LENGTH),
    "cm": (1e4, _LENGTH),
    "m": (1e6, _LENGTH),
    "s": (1.0 / 3600.0, _TIME),
    "min": (1.0 / 60.0, _TIME),
    "h": (1.0, _TIME),
    "d": (24.0, _TIME),
    "day": (24.0, _TIME),
    "days": (24.0, _TIME),
    "week": (168.0, _TIME),
    "weeks": (168.0, _TIME),
    "month": (730.5, _TIME),
    "months": (730.5, _TIME),
    "year": (8766.0, _TIME),
    "years": (8766.0, _TIME),
    "pg": (1e-6, _MASS),
    "ng": (1e-3, _MASS),
    "ug": (1.0, _MASS),
    "mg": (1e3, _MASS),
    "g": (1e6, _MASS),
    "L": (1e15, _VOLUME),
    "mL": (1e12, _VOLUME),
    "uL": (1e9, _VOLUME),
    "nL": (1e6, _VOLUME),
    "pL": (1e3, _VOLUME),
    "mol": (1.0, _AMOUNT),
    "nmol": (1e-9, _AMOUNT),
    "M": (1e-15, _CONCENTRATION),
    "uM": (1e-21, _CONCENTRATION),
    "nM": (1e-24, _CONCENTRATION),
    "pM": (1e-27, _CONCENTRATION),
    "mmHg": (1.0, _base("pressure")),
    "cell": (1.0, _base("cells")),
    "cells": (1.0, _base("cells")),
    "axon": (1.0, _base("axons")),
    "axons": (1.0, _base("axons")),
    "synapse": (1.0, _base("synapses")),
    "synapses": (1.0, _base("synapses")),
    "point": (1.0, _base("points")),
    "points": (1.0, _base("points")),
    "U": (1.0, _base("activity")),
}

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"^\s*(?P<number>{_NUMBER})\s*(?P<unit>.*?)\s*$")
_FACTOR = re.compile(r"^(?P<atom>%|1|[A-Za-z]+)(?:\^?(?P<power>-?\d+))?$")
_AROUND = re.compile(r"\s*([*/·])\s*")
_SPELLINGS = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": "*"})


class UnitError(ValueError):
    """A unit that is unknown, missing or of the wrong dimension."""


@dataclass(frozen=True)
class Unit:
    """A parsed unit: factor to base units and exponents of `DIMENSIONS`."""

    text: str
    factor: float
    powers: tuple[int, ...]

    def describe(self) -> str:
        """Return the dimension in words with their article, for example ``a length^2/time``."""
        parts = [(name, power) for name, power in zip(DIMENSIONS, self.powers, strict=True) if power]
        if len(parts) == 1 and parts[0] in COUNTED:
            return f"a number of {parts[0][0]}"
        above = "*".join(name + (f"^{p}" if p != 1 else "") for name, p in parts if p > 0)
        below = "".join(f"/{name}" + (f"^{-p}" if p != -1 else "") for name, p in parts if p < 0)
        words = f"{above or '1'}{below}" if parts else "pure number"
        return f"an {words}" if words[0] in "aeiou" else f"a {words}"


@lru_cache(maxsize=512)
def parse_unit(text: str) -> Unit:
    """Parse a unit such as ``um2/s``, ``mol/cell/s`` or ``%``.

    Raises
    ------
    UnitError
        If an atom is unknown; the message names the nearest known ones.
    """
    cleaned = _AROUND.sub(r"\1", text).translate(_SPELLINGS).replace(" ", "*").replace("**", "*") or "1"
    parts = re.split(r"([*/])", cleaned)
    factor, powers = 1.0, list(_ZERO)
    for position, part in enumerate(parts):
        if position % 2:
            continue
        sign = -1 if position and parts[position - 1] == "/" else 1
        match = _FACTOR.match(part)
        if not part:
            raise UnitError(f"a unit is missing beside '/' or '*' in '{text}'")
        if match is None or match["atom"] not in ATOMS:
            word = match["atom"] if match else part
            near = nearest(word, ATOMS)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UnitError(f"unknown unit '{word}' in '{text}'{hint}")
        power = sign * int(match["power"] or 1)
        atom_factor, atom_powers = ATOMS[match["atom"]]
        factor *= atom_factor**power
        powers = [have + power * more for have, more in zip(powers, atom_powers, strict=True)]
    return Unit(text, factor, tuple(powers))


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Convert `value` between two units of one dimension.

    Raises
    ------
    UnitError
        If the dimensions differ.
    """
    source, target = parse_unit(from_unit), parse_unit(to_unit)
    if source.powers != target.powers:
        raise UnitError(
            f"'{from_unit}' is {source.describe()}, but {target.describe()} is needed, for example '{to_unit}'"
        )
    if source.factor == target.factor:
        return value
    return value * (source.factor / target.factor)


def parse_quantity(text: str, unit: str) -> float:
    """Return the number that `text` states, in `unit`.

    Parameters
    ----------
    text : str
        For example ``"25 um"``, ``"5e5cells"``, ``"30 %"``; for a dimensionless unit also a plain number.
    unit : str
        The unit in which the value is wanted.

    Raises
    ------
    UnitError
        If `text` is no number with a unit, the unit is missing, or it has another dimension.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise UnitError(f"'{text}' is not a number with a unit; write it like '1 {unit}'")
    number = float(match["number"])
    if not match["unit"]:
        if parse_unit(unit).powers == _ZERO:
            return number
        raise UnitError(f"the unit is missing; write '{match['number']} {unit}'")
    return convert(number, match["unit"], unit)


def format_quantity(value: float, unit: str, digits: int = 6) -> str:
    """Return `value` with its unit as a scenario would write it (``0.3`` with ``1`` gives ``0.3``)."""
    number = f"{value:.{digits}g}"
    return number if unit == "1" else f"{number} {unit}"


def time_in_words(hours: float) -> str:
    """Return a time for people: ``9 d``, but ``2 h`` or ``70 h`` where days would be a broken number."""
    days = hours / 24.0
    if days != round(days) and hours < 100.0:
        return f"{hours:.4g} h"
    return f"{days:.6g} d"
