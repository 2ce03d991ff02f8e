"""Rows of section panels, one column per day: tissue, cells, axons and fields, and the whole cord above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core import schema
from cordgraft_analysis import palette, panels, words
from cordgraft_analysis.panels import Plane
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.view import Frame, RunView

WIDTH_IN = 13.8
#: A section panel is no wider than this where there are fewer days than columns, inches.
WIDEST_IN = 2.9
#: A section is stretched dorso-ventrally where its true proportions would be flatter than this, inches.
FLATTEST_IN = 0.45
#: The strip of the whole cord is no higher than this, inches.
HIGHEST_STRIP_IN = 0.95
#: Border of a lesion that was painted on a scan.
MASK_LOOK: dict[str, Any] = {"color": "#000000", "linewidth": 0.8}
LEFT_IN, RIGHT_IN, GAP_IN = 1.05, 1.5, 0.10


@dataclass(frozen=True)
class Field:
    """A field row of the overview: variable, words, unit and colour map."""

    variable: str
    label: str
    unit: str
    colours: str


FIELDS: tuple[Field, ...] = (
    Field("field_tnf", "TNF-like\nsignal", "1 (source\nstrength)", palette.FIELD_MAP["tnf"]),
    Field("field_trophic", "Trophic\nfactor", "multiples\nof its K$_d$", palette.FIELD_MAP["trophic"]),
    Field("field_cspg", "Inhibitory\nmatrix\n(CSPG)", "µg/mL", palette.FIELD_MAP["cspg"]),
    Field("field_enzyme", "Enzyme\n(bare)", "U/mL", palette.FIELD_MAP["enzyme"]),
    Field("field_enzyme_stable", "Enzyme\n(stabilised)", "U/mL", palette.FIELD_MAP["enzyme"]),
    Field(
        "field_cxcl12", "Chemo-\nattractant\n(CXCL12)", "multiples\nof its K$_d$", palette.FIELD_MAP["cxcl12"]
    ),
    Field("field_oxygen", "Oxygen", "mmHg", palette.FIELD_MAP["oxygen"]),
    Field("density_oedema", "Oedema", "share of the\nswollen volume", palette.FIELD_MAP["oedema"]),
)


class SectionBlock:
    """Rows of section panels, one column per day, with a strip of the whole cord above them.

    Parameters
    ----------
    view : RunView
    frames : sequence of Frame
        At least one.
    """

    def __init__(self, view: RunView, frames: Sequence[Frame]) -> None:
        self.view = view
        self.frames = frames
        window = panels.lesion_window(view, frames)
        self.planes: list[Plane] = [panels.sagittal_plane(view, window)]
        if view.is_volume:
            self.planes.append(panels.axial_plane(view, view.epicentre_mm))
        room = WIDTH_IN - LEFT_IN - RIGHT_IN
        columns = len(frames)
        self.column_in = min((room - GAP_IN * (columns - 1)) / columns, WIDEST_IN)
        inner = 0.06 * (len(self.planes) - 1)
        self.scale_in = (self.column_in - inner) / sum(plane.width_mm for plane in self.planes)
        true_height = self.scale_in * self.planes[0].height_mm
        self.stretch = max(1.0, FLATTEST_IN / true_height)
        self.row_in = true_height * self.stretch
        self.strip = panels.sagittal_plane(view)
        # The strip keeps its proportions: a stubby cord makes it narrower, a very long one is stretched.
        self.strip_width_in = min(room, HIGHEST_STRIP_IN * self.strip.width_mm / self.strip.height_mm)
        true_strip = self.strip_width_in * self.strip.height_mm / self.strip.width_mm
        self.strip_stretch = max(1.0, FLATTEST_IN / true_strip)
        self.strip_in = true_strip * self.strip_stretch
        self.rows = self._rows()

    def _rows(self) -> list[tuple[float, Callable[[Sheet], None]]]:
        """Return (height of the caption line, drawing function) per row that has something to show."""
        rows: list[tuple[float, Callable[[Sheet], None]]] = [(0.26, self._tissue_row)]
        if any(frame.cells is not None and frame.cells.kind.size for frame in self.frames):
            rows.append((0.19, self._cells_row))
        tracts = {
            str(tract) for frame in self.frames if frame.paths is not None for tract in frame.paths.tract
        }
        self.host_tracts = [tract for tract in schema.HOST_TRACTS if tract in tracts]
        if self.host_tracts:
            rows.append((0.19, self._host_row))
        if "graft" in tracts:
            rows.append((0.19, self._graft_row))
        for position, field in enumerate(FIELDS):
            limit = field_limit(self.view, self.frames, field.variable)
            if limit > 0.0:
                rows.append((0.19 if position == 0 else 0.06, _field_row(self, field, limit)))
        # Scale bar and directions stand under the first row.
        return [
            (max(height, 0.36) if number == 1 else height, draw) for number, (height, draw) in enumerate(rows)
        ]

    @property
    def height_in(self) -> float:
        """Height of the block, inches."""
        return self.strip_in + 0.62 + sum(caption + self.row_in for caption, _ in self.rows) + self.note_in

    @property
    def note_in(self) -> float:
        """Height of the axis and the note under the rows, inches."""
        lines = 1 + int(self.view.is_volume) + int(self.view.lesion_mask is not None) + int(self.has_scaffold)
        return 0.43 + 0.13 * lines + self.under_row_in

    @property
    def has_scaffold(self) -> bool:
        """Whether any of the frames shows a scaffold."""
        shares = [frame.maps[palette.SCAFFOLD] for frame in self.frames if palette.SCAFFOLD in frame.maps]
        return any((share >= palette.SCAFFOLD_SHOWN).any() for share in shares)

    @property
    def under_row_in(self) -> float:
        """Room between the last row and the axis: a single row has its scale bar there, inches."""
        return 0.28 if len(self.rows) == 1 else 0.0

    def draw(self, sheet: Sheet) -> None:
        """Draw strip and rows from the sheet's present line downwards."""
        self._strip(sheet)
        for number, (caption, draw_row) in enumerate(self.rows):
            sheet.down(caption)
            draw_row(sheet)
            sheet.down(self.row_in)
            if number == len(self.rows) - 1:
                sheet.down(self.under_row_in)
                self._bottom_axis(sheet)
        sheet.down(self.note_in - self.under_row_in)

    # ---------------------------------------------------------------- helpers of the rows
    def axes(self, sheet: Sheet, column: int) -> list[tuple[Any, Plane]]:
        """Return the axes of one column in the present row, with their planes."""
        left = LEFT_IN + column * (self.column_in + GAP_IN)
        made = []
        for plane in self.planes:
            width = plane.width_mm * self.scale_in
            made.append((sheet.axes(left, sheet.line, width, self.row_in), plane))
            left += width + 0.06
        return made

    def caption(self, sheet: Sheet, column: int, text: str, size: float = 6.6, **look: Any) -> None:
        """Write a line over one column."""
        left = LEFT_IN + column * (self.column_in + GAP_IN)
        sheet.text(left, sheet.line - 0.035, text, fontsize=size, va="bottom", ha="left", **look)

    def label(self, sheet: Sheet, text: str) -> None:
        """Write the name of a row at its left."""
        middle = sheet.line + 0.5 * self.row_in
        sheet.text(0.12, middle, text, fontsize=8.5, fontweight="bold", va="center", ha="left")

    @property
    def right_in(self) -> float:
        """Where the margin with legends and colour bars begins, inches from the left."""
        return LEFT_IN + len(self.frames) * (self.column_in + GAP_IN)

    def legend(self, sheet: Sheet, entries: Sequence[tuple[str, str]], marker: str) -> None:
        """Write a legend into the right margin: (label, colour) from the top of the row downwards."""
        step = 0.118
        top = sheet.line + 0.5 * (self.row_in - step * len(entries))
        for position, (label, colour) in enumerate(entries):
            middle = top + (position + 0.5) * step
            sheet.mark(self.right_in + 0.10, middle, marker, colour)
            sheet.text(self.right_in + 0.24, middle, label, fontsize=6.8, va="center", ha="left")

    # ---------------------------------------------------------------- rows
    def _strip(self, sheet: Sheet) -> None:
        frame = self.frames[-1]
        view = self.view
        stretched = (
            f", dorso-ventral axis stretched × {self.strip_stretch:.1f}" if self.strip_stretch > 1.01 else ""
        )
        what = "tissue and regrown axons" if frame.paths is not None else "tissue"
        sheet.text(
            LEFT_IN, sheet.line + 0.16,
            f"Whole simulated cord, day {frame.day:g} after injury: {what}; the box is the part shown below{stretched}",
            fontsize=7.2, va="bottom", ha="left",
        )  # fmt: skip
        sheet.down(0.2)
        sheet.text(
            0.12, sheet.line + 0.5 * self.strip_in, "Whole cord", fontsize=8.5, fontweight="bold", va="center"
        )
        axes = sheet.axes(LEFT_IN, sheet.line, self.strip_width_in, self.strip_in)
        panels.draw_tissue(axes, frame, self.strip, view.cord)
        if frame.paths is not None:
            grown = frame.paths.only_grown()
            panels.draw_paths(axes, grown, self.strip, [*schema.HOST_TRACTS, "graft"], weight=0.45)
        from matplotlib.patches import Rectangle

        low, high = self.planes[0].window
        bottom, top = self.strip.rows
        axes.add_patch(
            Rectangle(
                (low, bottom),
                high - low,
                top - bottom,
                fill=False,
                edgecolor="#000000",
                linewidth=1.0,
                clip_on=False,
            )
        )
        panels.orientation(axes, self.strip)
        panels.scale_bar(axes, self.strip)
        sheet.down(self.strip_in + 0.42)

    def _tissue_row(self, sheet: Sheet) -> None:
        view = self.view
        for column, frame in enumerate(self.frames):
            for axes, plane in self.axes(sheet, column):
                panels.draw_tissue(axes, frame, plane, view.cord)
                panels.draw_scaffold(axes, frame, plane)
                if view.lesion_mask is not None:
                    panels.outline(axes, plane.cut(view.lesion_mask), plane, **MASK_LOOK)
                if column == 0:
                    panels.orientation(axes, plane)
                if plane.kind == "sagittal":
                    panels.scale_bar(axes, plane)
            self.caption(sheet, column, words.day_title(view, frame.day), 8.5, fontweight="bold")
        self.label(sheet, "Tissue")
        present = {
            name
            for frame in self.frames
            for name, share in frame.fractions().items()
            if (share > 0.005).any()
        }
        entries = [
            (palette.TISSUE_WORDS[name], colour) for name, colour in palette.TISSUE.items() if name in present
        ]
        self.legend(sheet, entries, "s")

    def _cells_row(self, sheet: Sheet) -> None:
        view = self.view
        most = max(frame.cells.kind.size for frame in self.frames if frame.cells is not None)
        for column, frame in enumerate(self.frames):
            for axes, plane in self.axes(sheet, column):
                panels.draw_tissue(axes, frame, plane, view.cord, faint=0.6)
                panels.draw_cells(axes, frame.cells, plane, panels.dot_size(most), view.spacing_mm)
            self.caption(sheet, column, words.cell_count(frame))
        self.label(sheet, "Grafted\ncells")
        entries = [(kind, palette.CELL[kind]) for kind in schema.KINDS]
        self.legend(sheet, entries, "o")

    def _host_row(self, sheet: Sheet) -> None:
        self._axon_row(sheet, self.host_tracts, words.host_axon_count)
        self.label(sheet, "Host axons")
        self.legend(
            sheet, [(palette.words(tract), palette.tract_colour(tract)) for tract in self.host_tracts], "_"
        )

    def _graft_row(self, sheet: Sheet) -> None:
        self._axon_row(sheet, ["graft"], words.graft_axon_count)
        self.label(sheet, "Graft axons")
        self.legend(sheet, [("graft neurons", palette.GRAFT_AXON)], "_")

    def _axon_row(self, sheet: Sheet, tracts: Sequence[str], count: Callable[[Frame], str]) -> None:
        for column, frame in enumerate(self.frames):
            for axes, plane in self.axes(sheet, column):
                panels.draw_tissue(axes, frame, plane, self.view.cord, faint=0.6)
                panels.draw_scaffold(axes, frame, plane)
                panels.draw_paths(axes, frame.paths, plane, tracts)
            self.caption(sheet, column, count(frame))

    def field_row(self, sheet: Sheet, field: Field, limit: float) -> None:
        """Draw one field at all days with a common scale and its colour bar."""
        image = None
        for column, frame in enumerate(self.frames):
            for axes, plane in self.axes(sheet, column):
                image = panels.draw_field(
                    axes, frame, plane, self.view.cord, field.variable, field.colours, limit
                )
        self.label(sheet, field.label)
        bar = sheet.axes(self.right_in + 0.06, sheet.line + 0.06 * self.row_in, 0.09, 0.88 * self.row_in)
        colour_bar = sheet.figure.colorbar(image, cax=bar)
        colour_bar.set_ticks([0.0, 0.5 * limit, limit], labels=["0", f"{0.5 * limit:g}", f"{limit:g}"])
        colour_bar.ax.tick_params(labelsize=6.5, length=2, pad=1.5)
        colour_bar.outline.set_linewidth(0.4)
        sheet.text(
            self.right_in + 0.54, sheet.line + 0.5 * self.row_in, field.unit, fontsize=6.8, va="center", ha="left",
            linespacing=1.0,
        )  # fmt: skip

    def _bottom_axis(self, sheet: Sheet) -> None:
        """Put ticks under the last row and say which way is which."""
        from matplotlib.ticker import MaxNLocator

        for column in range(len(self.frames)):
            left = LEFT_IN + column * (self.column_in + GAP_IN)
            for plane in self.planes:
                width = plane.width_mm * self.scale_in
                axes = sheet.axes(left, sheet.line + 0.02, width, 0.001)
                low, high = plane.window
                axes.set_xlim((high, low) if plane.kind == "sagittal" else (low, high))
                axes.set_ylim(0.0, 1.0)
                axes.set_yticks([])
                axes.spines["left"].set_visible(False)
                axes.xaxis.set_major_locator(
                    MaxNLocator(5 if plane.kind == "sagittal" else 2, steps=[1, 2, 5, 10])
                )
                axes.tick_params(labelsize=6.8)
                left += width + 0.06
        proportions = (
            "True proportions"
            if self.stretch <= 1.01
            else f"Dorso-ventral axis stretched × {self.stretch:.1f}"
        )
        scan = ""
        if self.view.lesion_mask is not None:
            scan = "\nSolid black line in the tissue row: lesion mask of the scan."
        text = (
            f"{proportions}. Axis: distance from the middle of the injury (mm), rostral (+) at the left, dorsal (D) at"
            " the top. Dashed white line: border of the lesion (dead tissue, cavity, scar, graft and blood make up half"
            f" or more).{scan}"
        )
        if self.has_scaffold:
            text += (
                f"\nHatched: scaffold that spans at least {palette.SCAFFOLD_SHOWN:.0%} of the voxel; its share is lost"
                " over time."
            )
        if self.view.is_volume:
            sagittal, axial = self.planes
            text += (
                f"\nLeft of each pair: mid-sagittal slice; right: axial slice at {axial.position_mm:+.2f} mm (left of"
                f" the body at the left). Cells within {sagittal.half_depth_mm:.2g} mm (sagittal) and"
                f" {axial.half_depth_mm:.2g} mm (axial) of the slice; axons are projected onto the sagittal slice, and"
                " are dots where they pass the axial one."
            )
        sheet.text(LEFT_IN, sheet.line + 0.26, text, fontsize=6.6, color="#444444", va="top", ha="left")


def _field_row(block: SectionBlock, field: Field, limit: float) -> Callable[[Sheet], None]:
    def draw(sheet: Sheet) -> None:
        block.field_row(sheet, field, limit)

    return draw


def field_limit(view: RunView, frames: Sequence[Frame], variable: str) -> float:
    """Return a round upper end for the colours of a field over all frames; 0 where it is absent or zero."""
    peaks = [
        float(np.quantile(frame.maps[variable][view.cord], 0.998))
        for frame in frames
        if variable in frame.maps
    ]
    peak = max(peaks, default=0.0)
    return round_up(peak) if peak > 1e-9 else 0.0


def round_up(value: float) -> float:
    """Return the next number of the form 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    for factor in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0):
        if value <= factor * power * (1.0 + 1e-9):
            return float(f"{factor * power:.6g}")
    return float(10.0 * power)
