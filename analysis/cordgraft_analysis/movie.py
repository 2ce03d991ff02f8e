"""A movie of the recorded maps: one picture per recording day, nothing in between.

Days between recordings are not invented, so a run with four map days gives a movie of four pictures. For a
smoother one let the scenario record more, for example every week: ``record: {maps: [7 d, 14 d, 21 d, ...]}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft_analysis import palette, panels, words
from cordgraft_analysis.charts import draw_chart, drawable
from cordgraft_analysis.outcome_charts import Chart, standard_charts
from cordgraft_analysis.panels import Plane
from cordgraft_analysis.sections import FIELDS, Field, field_limit
from cordgraft_analysis.sheet import Sheet
from cordgraft_analysis.view import Frame, RunView, open_view

#: Below so many pictures a movie says how to get a smoother one.
FEW_PICTURES = 8
SMOOTHER = "more days under record.maps, for example every 7 d, make the movie smoother"
WIDTH_IN, DPI = 9.0, 110
LEFT_IN, RIGHT_IN = 1.0, 1.35
#: Rows of sections are no higher than this, inches.
HIGHEST_IN = 0.95
#: Charts under the sections, by key, where the run has them.
CHARTS: tuple[str, ...] = ("survivors", "spared", "function", "live")
#: Fields of the movie; more would make the pictures too small.
MOVIE_FIELDS: tuple[str, ...] = ("field_tnf", "field_cspg")


def draw_movie(run_dir: str | Path, dest: str | Path, seconds_per_day: float | None = None) -> Path:
    """Draw the recorded maps of a run as a movie and return where it is.

    Parameters
    ----------
    run_dir : path
    dest : path
        ``.gif`` needs nothing more; ``.mp4`` needs the extra ``cordgraft[mp4]``.
    seconds_per_day : float, optional
        How long a picture stands for each day until the next; without it every picture stands equally long.

    Raises
    ------
    BadInput
        If the ending is another one, ffmpeg is missing for an ``.mp4``, or the run has no maps.
    """
    path = Path(dest)
    if path.suffix not in (".gif", ".mp4"):
        raise BadInput(f"a movie is a .gif or an .mp4, not '{path.name}'")
    if path.suffix == ".mp4" and not (find_spec("imageio") and find_spec("imageio_ffmpeg")):
        raise BadInput(
            "an .mp4 needs ffmpeg: install the extra with  pip install 'cordgraft[mp4]'  or ask for a .gif"
        )
    view = open_view(run_dir)
    if not view.map_days.size:
        raise BadInput(f"'{run_dir}' has no recorded maps, so there is nothing to show")
    durations = frame_durations(view.map_days, seconds_per_day)
    with palette.style():
        if path.suffix == ".gif":
            _write_gif(path, movie_frames(view), durations)
        else:
            _write_mp4(path, movie_frames(view), durations)
    return path


def frame_durations(days: Sequence[float] | Any, seconds_per_day: float | None) -> list[float]:
    """Return how long each picture stands, seconds; the last one twice as long."""
    days = np.asarray(days, dtype=float)
    if seconds_per_day is None:
        each = float(np.clip(24.0 / max(days.size, 1), 0.25, 1.5))
        durations = np.full(days.size, each)
    else:
        gaps = np.diff(days)
        durations = np.append(gaps, gaps[-1] if gaps.size else 1.0) * seconds_per_day
    durations = np.maximum(durations, 0.05)
    durations[-1] *= 2.0
    return [float(value) for value in durations]


def movie_frames(view: RunView) -> Iterator[NDArray[np.uint8]]:
    """Yield one picture (height, width, 3) per recorded day."""
    first_pass = [view.frame(index) for index in range(view.map_days.size)]
    plane = movie_plane(view, first_pass)
    limits = {field.variable: field_limit(view, first_pass, field.variable) for field in FIELDS}
    fields = [field for field in FIELDS if field.variable in MOVIE_FIELDS and limits[field.variable] > 0.0]
    most = max((frame.cells.kind.size for frame in first_pass if frame.cells is not None), default=0)
    charts = [chart for chart in drawable(standard_charts(view.species), view) if chart.key in CHARTS][:3]
    for frame in first_pass:
        figure = _picture(view, frame, plane, fields, limits, most, charts)
        canvas = figure.canvas
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
        # Video codecs want even sides.
        yield np.ascontiguousarray(pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2])


def movie_plane(view: RunView, frames: Sequence[Frame]) -> Plane:
    """Return the sagittal plane of all pictures: the lesion, and as much beside it as keeps the rows low."""
    low, high = panels.lesion_window(view, frames)
    whole = panels.sagittal_plane(view)
    wanted = whole.height_mm * (WIDTH_IN - LEFT_IN - RIGHT_IN) / HIGHEST_IN
    grow = 0.5 * max(wanted - (high - low), 0.0)
    return panels.sagittal_plane(view, (low - grow, high + grow))


def _picture(
    view: RunView,
    frame: Frame,
    plane: Plane,
    fields: Sequence[Field],
    limits: dict[str, float],
    most_cells: int,
    charts: Sequence[Chart],
) -> Any:
    width = WIDTH_IN - LEFT_IN - RIGHT_IN
    true_height = width * plane.height_mm / plane.width_mm
    row = float(np.clip(true_height, 0.5, 1.6))
    axons = axon_rows(view)
    rows = 1 + int(most_cells > 0) + len(axons) + len(fields)
    sheet = Sheet(WIDTH_IN, 0.75 + rows * (row + 0.10) + 0.35 + (1.75 if charts else 0.0) + 0.28)
    sheet.figure.set_dpi(DPI)
    sheet.text(0.12, 0.13, view.title, fontsize=10, fontweight="bold", va="top")
    sheet.text(
        0.12,
        0.36,
        words.day_title(view, frame.day),
        fontsize=12,
        fontweight="bold",
        va="top",
        color=palette.BLUE,
    )
    count = words.cell_count(frame) if most_cells else ""
    sheet.text(WIDTH_IN - 0.12, 0.42, count, fontsize=7.5, va="top", ha="right")
    sheet.down(0.75)

    def next_row(label: str) -> Any:
        axes = sheet.axes(LEFT_IN, sheet.line, width, row)
        sheet.text(0.12, sheet.line + 0.5 * row, label, fontsize=8, fontweight="bold", va="center")
        return axes

    def legend(entries: Sequence[tuple[str, str]], marker: str) -> None:
        step = min(0.125, row / max(len(entries), 1))
        for position, (text, colour) in enumerate(entries):
            middle = sheet.line + 0.5 * (row - step * len(entries)) + (position + 0.5) * step
            sheet.mark(WIDTH_IN - RIGHT_IN + 0.12, middle, marker, colour)
            sheet.text(WIDTH_IN - RIGHT_IN + 0.26, middle, text, fontsize=6.8, va="center")

    axes = next_row("Tissue")
    panels.draw_tissue(axes, frame, plane, view.cord)
    legend([(palette.TISSUE_WORDS[name], colour) for name, colour in palette.TISSUE.items()], "s")
    sheet.down(row + 0.10)
    if most_cells:
        axes = next_row("Grafted\ncells")
        panels.draw_tissue(axes, frame, plane, view.cord, faint=0.6)
        panels.draw_cells(axes, frame.cells, plane, panels.dot_size(most_cells), view.spacing_mm)
        legend([(kind, palette.CELL[kind]) for kind in schema.KINDS], "o")
        sheet.down(row + 0.10)
    for label, tracts in axons:
        axes = next_row(label)
        panels.draw_tissue(axes, frame, plane, view.cord, faint=0.6)
        panels.draw_paths(axes, frame.paths, plane, tracts)
        legend([(palette.words(tract), palette.tract_colour(tract)) for tract in tracts], "_")
        sheet.down(row + 0.10)
    for field in fields:
        axes = next_row(field.label)
        limit = limits[field.variable]
        image = panels.draw_field(axes, frame, plane, view.cord, field.variable, field.colours, limit)
        bar = sheet.figure.colorbar(image, cax=sheet.axes(WIDTH_IN - RIGHT_IN + 0.08, sheet.line, 0.09, row))
        bar.set_ticks([0.0, limit], labels=["0", f"{limit:g}"])
        bar.ax.tick_params(labelsize=6.5, length=2, pad=1.5)
        sheet.text(WIDTH_IN - RIGHT_IN + 0.5, sheet.line + 0.5 * row, field.unit, fontsize=6.5, va="center")
        sheet.down(row + 0.10)
    panels.scale_bar(axes, plane)
    panels.orientation(axes, plane)
    sheet.down(0.35)
    if charts:
        for axes, chart, _, _ in sheet.chart_grid(charts, len(charts), 1.65):
            draw_chart(axes, chart, view, {mark.day: mark.label for mark in view.marks})
            axes.axvline(frame.day, color=palette.BLUE, linewidth=1.6)
            axes.set_xlabel("days after injury", fontsize=7.0, labelpad=1.0)
    sheet.text(
        0.12, sheet.line + 0.08, palette.RESEARCH_SENTENCE, fontsize=7.5, fontweight="bold", va="center"
    )
    stretch = row / true_height
    notes = [f"{view.map_days.size} recorded days, nothing in between"]
    if view.map_days.size < FEW_PICTURES:
        notes.append(SMOOTHER)
    if view.seed is not None:
        notes.append(f"seed {view.seed}")
    if abs(stretch - 1.0) > 0.01:
        notes.append(f"dorso-ventral axis stretched × {stretch:.1f}")
    sheet.text(
        WIDTH_IN - 0.12,
        sheet.line + 0.08,
        "; ".join(notes),
        fontsize=6.6,
        va="center",
        ha="right",
        color="#555555",
    )
    return sheet.figure


def axon_rows(view: RunView) -> list[tuple[str, list[str]]]:
    """Return (label, tracts) of the rows of axons that the run has on any of its days."""
    have: set[str] = set()
    for index in range(view.map_days.size):
        paths = view.frame(index).paths
        have |= set(paths.tract.tolist()) if paths is not None else set()
    rows = [("Host\naxons", [tract for tract in schema.HOST_TRACTS if tract in have])]
    rows.append(("Graft\naxons", ["graft"] if "graft" in have else []))
    return [row for row in rows if row[1]]


def _write_gif(path: Path, frames: Iterator[NDArray[np.uint8]], durations: Sequence[float]) -> None:
    from PIL import Image

    pictures = list(frames)
    colours = shared_palette(pictures)
    indexed = []
    for picture in pictures:
        image = Image.fromarray(nearest_colours(picture, colours))
        image.putpalette(colours.astype(np.uint8).tobytes())
        indexed.append(image)
    milliseconds = [round(1000 * value) for value in durations]
    indexed[0].save(
        path, save_all=True, append_images=indexed[1:], duration=milliseconds, loop=0, optimize=False
    )


def shared_palette(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return 256 colours (256, 3) for all pictures together: with a palette each, colours would flicker."""
    from PIL import Image

    fixed = fixed_colours()
    free = 256 - len(fixed)
    sample = Image.fromarray(np.concatenate([picture[::3, ::3] for picture in pictures]))
    found = list(sample.quantize(free, method=Image.Quantize.MEDIANCUT).getpalette() or [])[: 3 * free]
    found += [255] * (3 * free - len(found))
    return np.concatenate([np.array(fixed), np.array(found).reshape(-1, 3)]).astype(np.int64)


def nearest_colours(picture: NDArray[np.uint8], colours: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the index of the nearest of `colours` for each pixel : (height, width) uint8."""
    from scipy.spatial import cKDTree

    packed = (picture.astype(np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32)).ravel()
    different, place = np.unique(packed, return_inverse=True)
    unpacked = np.stack([different >> 16, (different >> 8) & 255, different & 255], axis=1)
    _, index = cKDTree(colours).query(unpacked)
    return np.asarray(index, dtype=np.uint8)[place].reshape(picture.shape[:2])


def fixed_colours() -> list[tuple[int, int, int]]:
    """Return the colours that every picture can show exactly: categories, and steps of the fields' colour maps.

    A palette made from the areas of the pictures alone would blur both: dots and bright spots are small.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    named = ["#FFFFFF", "#000000", *palette.TISSUE.values(), *palette.CELL.values(), *palette.TRACT.values()]
    found = [to_rgb(colour) for colour in named]
    for field in FIELDS:
        if field.variable in MOVIE_FIELDS:
            found += [tuple(colour[:3]) for colour in colormaps[field.colours](np.linspace(0.0, 1.0, 32))]
    return list(dict.fromkeys((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in found))


def _write_mp4(path: Path, frames: Iterator[NDArray[np.uint8]], durations: Sequence[float]) -> None:
    from imageio import v2

    rate = 20
    writer: Any = v2.get_writer(path, fps=rate, codec="libx264", quality=8, macro_block_size=2)
    with writer:
        for frame, duration in zip(frames, durations, strict=True):
            for _ in range(max(1, round(duration * rate))):
                writer.append_data(frame)
