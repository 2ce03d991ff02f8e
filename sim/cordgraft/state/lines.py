"""The catalogue of named cell lines: what distinguishes one grafted population from another.

A line is a leaning, not an outcome: `fate_neuron` and its siblings are the odds with which a precursor that
commits would choose if nothing around it mattered; what a graft becomes follows from them, from what the cells
meet, and from who dies. Lines are named "-like" because their numbers are chosen to behave like the published
line, not measured on it: a number differs from that of 201B7-like only where a source gives a direction, and the
meaning of a line says in what it is like that one. The order of `LINES` is the number stored in ``cell.line``:
append, never reorder.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

from cordgraft.core.parameters import Evidence


class Attribute(NamedTuple):
    """One number of a line with its range and where it comes from (an empty source means nobody)."""

    value: float
    unit: str
    low: float
    high: float
    evidence: Evidence
    source: str = ""


@dataclass(frozen=True)
class CellLine:
    """One line of human iPSC-derived neural stem/progenitor cells.

    Parameters
    ----------
    name, meaning : str
    fate_neuron, fate_astrocyte, fate_oligodendrocyte : Attribute
        Leaning of a committing precursor (odds, normalised when used).
    residual : Attribute
        Share of undifferentiated cells among the living cells injected.
    precursor_doubling, undifferentiated_doubling : Attribute
        Doubling time in an empty place at the day of grafting.
    undifferentiated_crowding : Attribute
        Multiple of the local capacity at which undifferentiated cells stop to divide: 1 is full contact
        inhibition, 4 a weak one.
    reactivation : Attribute
        Rise of the division rate of undifferentiated cells per day after grafting (transgenes that come back).
    instability : Attribute
        Factor on the division rate of precursors (genomic instability raises proliferation).
    trophic : Attribute
        Factor on the trophic output of every kind of cell.
    identity_match : Attribute
        How well its neurons suit a spinal circuit: 1 spinal identity, 0.1 forebrain identity.
    """

    name: str
    meaning: str
    fate_neuron: Attribute
    fate_astrocyte: Attribute
    fate_oligodendrocyte: Attribute
    residual: Attribute
    precursor_doubling: Attribute
    undifferentiated_doubling: Attribute
    undifferentiated_crowding: Attribute
    reactivation: Attribute
    instability: Attribute
    trophic: Attribute
    identity_match: Attribute

    def attributes(self) -> dict[str, Attribute]:
        """Return name -> attribute, in order of declaration."""
        found = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in found if isinstance(value, Attribute)}


_DOUBLING_P = Attribute(4.0, "d", 1.0, 8.0, "assumed", "slower than the 1-3 d of culture (recalled)")
_DOUBLING_U = Attribute(8.0, "d", 4.0, 16.0, "assumed")
_CROWDING_U = Attribute(4.0, "1", 1.0, 10.0, "assumed")
_NO_RISE = Attribute(0.0, "1/d", 0.0, 0.02, "assumed")
#: A line without transgenes leaves no room for their return.
_NO_TRANSGENE = Attribute(
    0.0,
    "1/d",
    0.0,
    0.0,
    "assumed",
    "direction: made without integration, as the line of the human trial, 10.1016/j.reth.2021.08.005 "
    "(Sugai 2021, read)",
)
_STABLE = Attribute(1.0, "1", 1.0, 3.0, "assumed")
_OUTPUT = Attribute(1.0, "1", 0.1, 10.0, "assumed")
_SPINAL = Attribute(
    1.0,
    "1",
    0.0,
    1.0,
    "assumed",
    "direction: spinal, not forebrain progenitors of one line helped mice, 10.1186/s13041-020-00662-w "
    "(abstract read)",
)
_FOREBRAIN = Attribute(
    0.1,
    "1",
    0.0,
    0.5,
    "assumed",
    "direction: corticospinal axons enter spinal, not rostral grafts, PMC4860037 (read)",
)
_NO_RESIDUAL = Attribute(
    0.0, "1", 0.0, 0.001, "assumed", "no tumour in the observation period (Nori 2011, recalled)"
)
_NEURONAL = (
    Attribute(0.71, "1", 0.5, 0.9, "assumed"),
    Attribute(0.25, "1", 0.1, 0.4, "assumed"),
    Attribute(0.04, "1", 0.0, 0.1, "assumed"),
)

LINES: tuple[CellLine, ...] = (
    CellLine(
        "201B7-like",
        "safe line that leans to neurons; spinal identity",
        *_NEURONAL,
        residual=_NO_RESIDUAL,
        precursor_doubling=_DOUBLING_P,
        undifferentiated_doubling=_DOUBLING_U,
        undifferentiated_crowding=_CROWDING_U,
        reactivation=_NO_RISE,
        instability=_STABLE,
        trophic=_OUTPUT,
        identity_match=_SPINAL,
    ),
    CellLine(
        "253G1-like",
        "line with residual undifferentiated cells that keep dividing; otherwise as 201B7-like",
        *_NEURONAL,
        residual=Attribute(
            0.01,
            "1",
            0.005,
            0.02,
            "assumed",
            "direction: late Nestin+ tumours, PMID 25684226 (Nori 2015, read)",
        ),
        precursor_doubling=_DOUBLING_P,
        undifferentiated_doubling=_DOUBLING_U,
        undifferentiated_crowding=_CROWDING_U,
        reactivation=Attribute(
            0.001,
            "1/d",
            0.0,
            0.005,
            "assumed",
            "direction: OCT4 transgene on, PMID 25684226 (Nori 2015, read)",
        ),
        instability=_STABLE,
        trophic=_OUTPUT,
        identity_match=_SPINAL,
    ),
    CellLine(
        "astrocyte-leaning",
        "line that leans to astrocytes; spinal identity",
        Attribute(0.37, "1", 0.2, 0.5, "assumed"),
        Attribute(0.59, "1", 0.4, 0.75, "assumed"),
        Attribute(0.04, "1", 0.0, 0.1, "assumed"),
        residual=_NO_RESIDUAL,
        precursor_doubling=_DOUBLING_P,
        undifferentiated_doubling=_DOUBLING_U,
        undifferentiated_crowding=_CROWDING_U,
        reactivation=_NO_RISE,
        instability=_STABLE,
        trophic=_OUTPUT,
        identity_match=_SPINAL,
    ),
    CellLine(
        "forebrain-like",
        "fate as 201B7-like, but with the regional identity of the forebrain",
        *_NEURONAL,
        residual=_NO_RESIDUAL,
        precursor_doubling=_DOUBLING_P,
        undifferentiated_doubling=_DOUBLING_U,
        undifferentiated_crowding=_CROWDING_U,
        reactivation=_NO_RISE,
        instability=_STABLE,
        trophic=_OUTPUT,
        identity_match=_FOREBRAIN,
    ),
    CellLine(
        "414C2-like",
        "integration-free line of the kind of the human trial; fate, growth and identity as 201B7-like",
        *_NEURONAL,
        residual=Attribute(
            0.0,
            "1",
            0.0,
            0.001,
            "assumed",
            "direction: a clone chosen for safety formed no tumour in marmosets in 12 weeks, "
            "10.1371/journal.pone.0052787 (Kobayashi 2012, read; that it was 414C2 is recalled)",
        ),
        precursor_doubling=_DOUBLING_P,
        undifferentiated_doubling=_DOUBLING_U,
        undifferentiated_crowding=_CROWDING_U,
        reactivation=_NO_TRANSGENE,
        instability=_STABLE,
        trophic=_OUTPUT,
        identity_match=_SPINAL,
    ),
    CellLine(
        "H9-like",
        "embryonic line, spinal cord neural stem cells; fate and growth as 201B7-like",
        *_NEURONAL,
        residual=Attribute(0.0, "1", 0.0, 0.001, "assumed"),
        precursor_doubling=_DOUBLING_P,
        undifferentiated_doubling=_DOUBLING_U,
        undifferentiated_crowding=_CROWDING_U,
        reactivation=Attribute(
            0.0, "1/d", 0.0, 0.0, "assumed", "direction: an embryonic line has no transgenes (recalled)"
        ),
        instability=_STABLE,
        trophic=_OUTPUT,
        identity_match=Attribute(
            1.0,
            "1",
            0.0,
            1.0,
            "assumed",
            "direction: corticospinal axons grow into spinal cord stem cells made from H9, "
            "10.1038/s41592-018-0074-3 (Kumamaru 2018, abstract read)",
        ),
    ),
)

#: Names in the order of their numbers, for the options of a scenario.
LINE_NAMES: tuple[str, ...] = tuple(line.name for line in LINES)


def line_number(name: str) -> int:
    """Return the number under which cells store their line.

    Raises
    ------
    ValueError
        If the catalogue has no such line.
    """
    return LINE_NAMES.index(name)


@lru_cache(maxsize=64)
def line_values(attribute: str) -> tuple[float, ...]:
    """Return one attribute of every line, in the order of `LINES`; asked for in every step, so kept."""
    return tuple(line.attributes()[attribute].value for line in LINES)
