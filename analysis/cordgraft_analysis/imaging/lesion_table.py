"""The table of lesion measures: SCT's column names first, then what its table lacks, then how it was measured."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Method = Literal["sct", "mm"]
#: A number, a word, a yes or no, or None where a measure does not exist (``absent`` then says why).
Cell = float | int | str | bool | None
Row = dict[str, Cell]

VOLUME = "volume [mm3]"
LENGTH = "length [mm]"
WIDTH = "width [mm]"
DIAMETER = "max_equivalent_diameter [mm]"
DAMAGE = "max_axial_damage_ratio []"
MIDLINE_SLICE = "interpolated_midsagittal_slice"
MIDLINE_LENGTH = "length_interpolated_midsagittal_slice [mm]"
MIDLINE_WIDTH = "width_interpolated_midsagittal_slice [mm]"
DORSAL = "interpolated_dorsal_bridge_width [mm]"
VENTRAL = "interpolated_ventral_bridge_width [mm]"
TOTAL = "interpolated_total_bridge_width [mm]"
DORSAL_SHARE = "dorsal_bridge_ratio [%]"
VENTRAL_SHARE = "ventral_bridge_ratio [%]"
#: Columns of the Spinal Cord Toolbox, in its order; bridges of single sagittal slices follow where they exist.
SCT_COLUMNS: tuple[str, ...] = (
    "label", VOLUME, LENGTH, WIDTH, DIAMETER, DAMAGE, MIDLINE_SLICE, MIDLINE_LENGTH, MIDLINE_WIDTH,
    DORSAL, VENTRAL, TOTAL, DORSAL_SHARE, VENTRAL_SHARE,
)  # fmt: skip

IMLL = "intramedullary_lesion_length [mm]"
MIDLINE_AREA = "midsagittal_lesion_area [mm2]"
NARROWEST = "narrowest_total_bridge_width [mm]"
CORD_AP = "cord_ap_diameter [mm]"
BRIDGE_OF_CORD = "bridge_to_cord_ratio [%]"
CORD_AREA = "cord_area_at_epicentre [mm2]"
PRESERVED = "preserved_area_at_epicentre [mm2]"
LENGTH_ERROR = "length_uncertainty [mm]"
BRIDGE_ERROR = "bridge_uncertainty_per_side [mm]"
#: What `method="mm"` adds.
MM_COLUMNS: tuple[str, ...] = (
    IMLL, MIDLINE_AREA, NARROWEST, CORD_AP, BRIDGE_OF_CORD, CORD_AREA, PRESERVED, LENGTH_ERROR, BRIDGE_ERROR,
)  # fmt: skip
#: How a row was measured.
CONTEXT_COLUMNS: tuple[str, ...] = (
    "lesion_present", "bridge_kind", "method", "voxel_across [mm]", "voxel_dorsoventral [mm]", "voxel_along [mm]",
    "extrusion", "absent",
)  # fmt: skip

#: Measures that need more than one plane of voxels across the cord.
NEED_VOLUME: tuple[str, ...] = (VOLUME, DIAMETER, DAMAGE, CORD_AREA, PRESERVED)

#: What a bridge is a measure of.
MEASURED = "measured in the midsagittal plane"
SECTION = "proxy: one sagittal section, tissue beside it is not seen"
OFF_MIDLINE = "proxy: lesion off the midline, half of the cord's A-P diameter on each side"
NO_LESION = "proxy: no lesion, half of the cord's A-P diameter on each side"
NOT_MEASURED = "none: no cord mask"


@dataclass(frozen=True)
class LesionTable:
    """One row for each lesion and a last row for all of them.

    Parameters
    ----------
    rows : tuple of dict
        From column to cell; the last row has the label ``"total"``.
    method : {"sct", "mm"}
    spacing_mm : (3,) of float
        Voxel edges across the cord, from dorsal to ventral, and along it.
    notes : tuple of str
        What a reader should know: voxels that were cut off, measures that are absent, models that were used.
    """

    rows: tuple[Row, ...]
    method: Method
    spacing_mm: tuple[float, float, float]
    notes: tuple[str, ...] = ()

    @property
    def lesions(self) -> tuple[Row, ...]:
        """Return the rows of single lesions, in the order of their labels."""
        return self.rows[:-1]

    @property
    def total(self) -> Row:
        """Return the row of all lesions together."""
        return self.rows[-1]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that any row has, SCT's first."""
        return ordered_columns(self.rows)

    def csv(self, extra: Mapping[str, Cell] | None = None) -> str:
        """Return the table as text; numbers keep all their digits.

        Parameters
        ----------
        extra : mapping, optional
            Cells that stand first in every row (the names of the files).
        """
        return csv_text([{**(extra or {}), **row} for row in self.rows], (*(extra or {}), *self.columns))


def ordered_columns(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return all columns of rows: SCT's, single sagittal slices by number, those of `mm`, the context."""
    rows = list(rows)
    present = {name for row in rows for name in row}
    known = (*SCT_COLUMNS, *MM_COLUMNS, *CONTEXT_COLUMNS)
    single = sorted(present.difference(known), key=lambda name: (int(name.split("_")[1]), name))
    order = (*SCT_COLUMNS, *single, *MM_COLUMNS, *CONTEXT_COLUMNS)
    return tuple(name for name in order if name in present)


def csv_text(rows: Sequence[Mapping[str, Cell]], columns: Sequence[str]) -> str:
    """Return rows as comma-separated text with a header; an absent cell is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return text.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, float) else str(value)
