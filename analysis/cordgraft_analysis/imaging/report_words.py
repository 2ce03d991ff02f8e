"""What a report says of each measure: name, unit, uncertainty and definition, by either method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cordgraft_analysis.imaging import lesion_table as names
from cordgraft_analysis.imaging.compare import ACROSS, ALONG, voxel_error
from cordgraft_analysis.imaging.examination import Bridge, Examination
from cordgraft_analysis.imaging.lesion_table import Cell, Row

#: Stands where a measure does not exist.
DASH = "\N{EN DASH}"

RESEARCH = (
    "Part of a research model and no diagnosis: this page says what masks measure. It finds no lesion, predicts no "
    "patient and is no ground for a decision on treatment."
)
#: Voxel edge from dorsal to ventral below which a digit more is shown, mm.
FINE_MM = 0.2
#: What an uncertainty follows from, by how many voxels from dorsal to ventral it is (`compare.ACROSS`).
ERROR_WORDS: dict[int, str] = {1: "one voxel", 2: "one voxel for each bridge"}
#: An uncertainty of more than this share of a bridge is said.
LARGE_ERROR = 0.5


@dataclass(frozen=True)
class Measure:
    """One measure as a table shows it.

    Parameters
    ----------
    column : str
        Name in the tables of `lesion_table`.
    words, unit, definition : str
    digits : int
        After the point.
    key : bool
        Whether it stands at the top of the page.
    """

    column: str
    words: str
    unit: str
    definition: str
    digits: int = 1
    key: bool = False


MEASURES: tuple[Measure, ...] = (
    Measure(names.LENGTH, "lesion length", "mm", "along the cord's centreline, gaps without lesion left out", 1,
            True),
    Measure(names.IMLL, "intramedullary lesion length", "mm", "from the lowest to the highest edge, gaps counted"),
    Measure(names.MIDLINE_LENGTH, "length in the midsagittal plane", "mm",
            "along the centreline, where the plane through it meets the lesion"),
    Measure(names.MIDLINE_AREA, "midsagittal lesion area", "mm²", "sum of shares in the midsagittal plane", 1,
            True),
    Measure(names.DORSAL, "dorsal tissue bridge", "mm",
            "narrowest distance from the lesion to the dorsal edge of the cord in the midsagittal plane", 1,
            True),
    Measure(names.VENTRAL, "ventral tissue bridge", "mm",
            "narrowest distance from the lesion to the ventral edge of the cord there, often at another level", 1,
            True),
    Measure(names.TOTAL, "sum of both bridges", "mm", "of the two minima, which may lie at different levels"),
    Measure(names.NARROWEST, "narrowest both bridges at one level", "mm", "never smaller than the sum above"),
    Measure(names.BRIDGE_OF_CORD, "bridges over the cord's diameter", "%",
            "both bridges over the A-P diameter at the level where they are narrowest"),
    Measure(names.CORD_AP, "A-P diameter of the cord there", "mm", "in the midsagittal plane"),
    Measure(names.DORSAL_SHARE, "dorsal share of the bridges", "%", "of their sum; 0 without bridges", 0),
    Measure(names.VENTRAL_SHARE, "ventral share of the bridges", "%", "of their sum; 0 without bridges", 0),
    Measure(names.DAMAGE, "largest damage ratio", "1",
            "lesion area over cord area in a plane normal to the cord, at the epicentre, where it is largest", 2,
            True),
    Measure(names.CORD_AREA, "cord area at the epicentre", "mm²", "in the plane normal to the cord"),
    Measure(names.PRESERVED, "preserved area at the epicentre", "mm²", "cord area minus lesion area"),
    Measure(names.VOLUME, "lesion volume", "mm³", "sum of shares times the volume of a voxel", 0, True),
    Measure(names.WIDTH, "lesion width", "mm", "largest extent from dorsal to ventral"),
    Measure(names.MIDLINE_WIDTH, "width in the midsagittal plane", "mm",
            "largest extent from dorsal to ventral in the midsagittal plane"),
    Measure(names.DIAMETER, "largest equivalent diameter", "mm", "of a circle with the largest lesion area"),
)  # fmt: skip

METHOD = (
    "Method mm: planes normal to the cord's centreline, a smoothing spline through the centres of the slices; edges "
    "where the share of a voxel passes one half; lesions 18-connected and cut off at the border of the cord. Method "
    "SCT: the formulas of the Spinal Cord Toolbox on whole voxels of axial slices, for tables made with that toolbox."
)
#: What an uncertainty is, for the page.
UNCERTAINTY = (
    "Uncertainties are those of the grid: one slice for lengths, one voxel from dorsal to ventral for widths, the "
    "diameter of the cord and each bridge. Areas, volumes and ratios have none stated. What two people would draw "
    "differently comes on top: of 191 patients, masks of lesions by a program and by hand overlapped with a Dice of "
    "0.61 ± 0.27 (SCIseg, Enamundram, Valosek et al., Radiol Artif Intell 2024)."
)


def digits(measure: Measure, row: Row) -> int:
    """Return the digits after the point: more for the fine voxels of rodents and sections."""
    voxel = row.get("voxel_dorsoventral [mm]")
    fine = isinstance(voxel, float) and voxel < FINE_MM
    return measure.digits + ({"mm": 1, "mm²": 2, "mm³": 2}.get(measure.unit, 0) if fine else 0)


def cell(measure: Measure, row: Row) -> str:
    """Return a measure of a row for people."""
    return number(row.get(measure.column), digits(measure, row))


def bridge_words(bridge: Bridge) -> str:
    """Return the width of a bridge with its uncertainty."""
    places = 1 if bridge.error_mm >= FINE_MM else 2
    return f"{bridge.width_mm:.{places}f} ± {bridge.error_mm:.{places}f} mm"


def number(cell: Cell, digits: int) -> str:
    """Return a cell for people; a dash where the measure does not exist."""
    if cell is None or isinstance(cell, str) or cell != cell:
        return DASH
    return f"{cell:.{digits}f}"


def error_mm(measure: Measure, row: Row) -> float | None:
    """Return the uncertainty of a measure in a row of method ``mm``, mm, as tables have it; None without one."""
    error = voxel_error(row, measure.column)
    return None if row.get(measure.column) is None or error != error else error


def error_words(measure: Measure, row: Row) -> str:
    """Return the uncertainty with what it follows from."""
    error = error_mm(measure, row)
    if error is None:
        return "none stated" if row.get(measure.column) is not None else ""
    why = "one slice" if measure.column in ALONG else ERROR_WORDS[ACROSS[measure.column]]
    return f"± {error:.{digits(measure, row)}f} ({why})"


def remarks(examination: Examination) -> list[str]:
    """Return what the grid and the kind of measurement make of the numbers, as sentences."""
    row = examination.table.total
    said = []
    for bridge in examination.bridges:
        if bridge.error_mm > LARGE_ERROR * bridge.width_mm:
            said.append(
                f"The {bridge.side} bridge, {bridge_words(bridge)}, is badly known: one voxel is more than half of it."
            )
    kind = str(row.get("bridge_kind") or "")
    if kind.startswith("proxy"):
        said.append(f"Bridges are no measured bridges: {kind.removeprefix('proxy: ')}.")
    absent = row.get("absent")
    if isinstance(absent, str):
        said.append(f"Some measures do not exist here: {absent}.")
    notes = dict.fromkeys((*examination.table.notes, *examination.along.notes))
    return [*said, *(f"{note[:1].upper()}{note[1:]}." for note in notes if note != absent)]


def simulated(examinations: Sequence[Examination]) -> list[str]:
    """Return sentences on files that are simulated or hold made lesions, by their sidecars."""
    files = [file for one in examinations for file in one.files]
    said = []
    for word, named in (
        ("simulated, not scanned, as their sidecars say", [file.name for file in files if file.simulated]),
        (
            "scans with a synthetic lesion, as their sidecars say",
            [file.name for file in files if file.synthetic],
        ),
    ):
        if named:
            said.append(f"{', '.join(dict.fromkeys(named))}: {word}.")
    return said
