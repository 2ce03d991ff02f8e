"""One section panel at a time: tissue, a field, cells or axons on a plane of the cord.

Every panel shows dorsal at the top; a sagittal plane has rostral on the left, an axial plane the left side of
the body. Coordinates are millimetres of the cord: z = 0 is the
middle of the injury, rostral positive; y is positive to the ventral side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft_analysis import palette
from cordgraft_analysis.view import Cells, Frame, Paths, RunView

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """A plane of the lattice as a picture.

    Parameters
    ----------
    kind : {"sagittal", "axial"}
    index : int
        Voxel layer along x (sagittal) or z (axial).
    extent : (left, right, bottom, top)
        Outer faces of the picture in data coordinates, mm.
    window : (from, to)
        Range of the horizontal axis that is shown, mm.
    rows : (from, to)
        Range of the vertical axis that is shown, mm: the cord, without empty layers of the lattice.
    half_depth_mm : float
        Half the thickness within which cells and axon points are shown.
    position_mm : float
        Where the plane cuts its own axis, mm.
    """

    kind: str
    index: int
    extent: tuple[float, float, float, float]
    window: tuple[float, float]
    rows: tuple[float, float]
    half_depth_mm: float
    position_mm: float

    def cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the layer of a map (x, y, z) as an image (rows: y, columns: z or x)."""
        return values[self.index] if self.kind == "sagittal" else values[:, :, self.index].T

    def project(self, xyz_mm: Array) -> tuple[Array, Array, Array]:
        """Return horizontal, vertical and depth coordinates of points (n, 3), mm."""
        x, y, z = xyz_mm[:, 0], xyz_mm[:, 1], xyz_mm[:, 2]
        return (z, y, x - self.position_mm) if self.kind == "sagittal" else (x, y, z - self.position_mm)

    @property
    def width_mm(self) -> float:
        """Width of what is shown, mm."""
        return abs(self.window[1] - self.window[0])

    @property
    def height_mm(self) -> float:
        """Height of what is shown, mm."""
        return abs(self.rows[1] - self.rows[0])


def sagittal_plane(view: RunView, window_mm: tuple[float, float] | None = None) -> Plane:
    """Return the mid-sagittal plane, cut to a window along the cord (all of it without one)."""
    x, y, z = view.axes_mm
    dx, dy, dz = view.spacing_mm
    index = int(np.argmin(np.abs(x)))
    extent = (z[0] - dz / 2, z[-1] + dz / 2, y[0] - dy / 2, y[-1] + dy / 2)
    low, high = window_mm if window_mm is not None else (extent[0], extent[1])
    depth = np.inf if not view.is_volume else max(0.5 * dx, 0.1)
    return Plane(
        "sagittal",
        index,
        _floats(extent),
        (max(low, float(extent[0])), min(high, float(extent[1]))),
        occupied(view, 1),
        depth,
        float(x[index]),
    )


def axial_plane(view: RunView, z_mm: float) -> Plane:
    """Return the axial plane nearest to `z_mm`."""
    x, y, z = view.axes_mm
    dx, dy, dz = view.spacing_mm
    index = int(np.argmin(np.abs(z - z_mm)))
    extent = (x[0] - dx / 2, x[-1] + dx / 2, y[0] - dy / 2, y[-1] + dy / 2)
    return Plane(
        "axial",
        index,
        _floats(extent),
        occupied(view, 0),
        occupied(view, 1),
        max(0.5 * dz, 0.1),
        float(z[index]),
    )


def _floats(values: Sequence[Any]) -> tuple[float, float, float, float]:
    a, b, c, d = (float(value) for value in values)
    return a, b, c, d


def lesion_window(view: RunView, frames: Sequence[Frame]) -> tuple[float, float]:
    """Return the part of the cord that the sections show: the lesion of all frames with a margin, mm.

    It is at least 4.2 times as long as the cord is deep (3 times where axial slices stand beside it), so that a
    sheet stays low, and at most 9 times, so that true proportions stay readable.
    """
    z = view.axes_mm[2]
    dz = view.spacing_mm[2]
    layers = np.zeros(z.size, dtype=bool)
    for frame in frames:
        layers |= ((frame.lesion() >= 0.5) & view.cord).any(axis=(0, 1))
    occupied = np.flatnonzero(layers)
    low, high = (z[occupied[0]] - dz / 2, z[occupied[-1]] + dz / 2) if occupied.size else (0.0, 0.0)
    depth = cord_depth(view)
    least = 3.0 if view.is_volume else 4.2
    length = float(np.clip(1.6 * (high - low) + 1.2 * depth, least * depth, 9.0 * depth))
    first, last = float(z[0] - dz / 2), float(z[-1] + dz / 2)
    length = min(length, last - first)
    start = min(max(0.5 * float(low + high) - 0.5 * length, first), last - length)
    return start, start + length


def cord_depth(view: RunView) -> float:
    """Return the greatest dorso-ventral depth of the cord, mm."""
    dorsal, ventral = occupied(view, 1)
    return ventral - dorsal


def occupied(view: RunView, axis: int) -> tuple[float, float]:
    """Return the outer faces of the layers along an axis that hold any cord, mm."""
    others = tuple(other for other in range(3) if other != axis)
    layers = view.axes_mm[axis][view.cord.any(axis=others)]
    half = 0.5 * view.spacing_mm[axis]
    return float(layers[0] - half), float(layers[-1] + half)


# ------------------------------------------------------------------------------------------------ frame
def prepare_axes(axes: Any, plane: Plane) -> None:
    """Set limits and orientation of a panel and take its frame away."""
    if plane.kind == "sagittal":
        axes.set_xlim(plane.window[1], plane.window[0])  # rostral on the left
    else:
        axes.set_xlim(plane.window[0], plane.window[1])
    axes.set_ylim(plane.rows[1], plane.rows[0])  # dorsal at the top
    axes.set_aspect("auto")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])


def composite(frame: Frame, plane: Plane, cord: NDArray[np.bool_], faint: float = 0.0) -> Array:
    """Return the tissue of a plane as colours (rows, columns, 4); `faint` mixes in that share of white."""
    from matplotlib.colors import to_rgb

    shares = frame.fractions()
    inside = plane.cut(cord)
    total = np.zeros(inside.shape)
    colour = np.zeros((*inside.shape, 3))
    for name, values in shares.items():
        part = np.clip(np.nan_to_num(plane.cut(values)), 0.0, 1.0)
        total += part
        colour += part[..., None] * np.asarray(to_rgb(palette.TISSUE.get(name, palette.GREY)))
    filled = total > 1e-6
    colour[filled] /= total[filled][:, None]
    colour[~filled] = 1.0
    colour = faint + (1.0 - faint) * colour
    return np.concatenate([np.clip(colour, 0.0, 1.0), (inside & filled)[..., None].astype(float)], axis=-1)


def draw_tissue(axes: Any, frame: Frame, plane: Plane, cord: NDArray[np.bool_], faint: float = 0.0) -> None:
    """Paint the tissue; the cord is outlined."""
    prepare_axes(axes, plane)
    axes.imshow(
        composite(frame, plane, cord, faint),
        extent=plane.extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    outline(axes, plane.cut(cord).astype(float), plane, color="#6E6A63", linewidth=0.6)


def outline(axes: Any, image: Array, plane: Plane, level: float = 0.5, **look: Any) -> None:
    """Draw the line where an image of a plane crosses `level`."""
    if not (image.min() < level <= image.max()) and not (image > level).any():
        return
    axes.contour(
        *ringed(image, plane), levels=[level], colors=[look["color"]], linewidths=look["linewidth"],
        linestyles=look.get("linestyle", "solid"),
    )  # fmt: skip


def ringed(image: Array, plane: Plane) -> tuple[Array, Array, Array]:
    """Return horizontal and vertical centres and an image with a ring of zeros round it.

    The ring closes a line where the cord touches the edge of the lattice.
    """
    rows, columns = image.shape
    left, right, bottom, top = plane.extent
    step_h, step_v = (right - left) / columns, (top - bottom) / rows
    horizontal = left + step_h * (np.arange(columns + 2) - 0.5)
    vertical = bottom + step_v * (np.arange(rows + 2) - 0.5)
    return horizontal, vertical, np.pad(image, ((1, 1), (1, 1)))


def draw_field(
    axes: Any, frame: Frame, plane: Plane, cord: NDArray[np.bool_], variable: str, colours: str, limit: float
) -> Any:
    """Paint one field from 0 to `limit` and the border of the lesion on it; returns the image for a colour bar."""
    prepare_axes(axes, plane)
    inside = plane.cut(cord)
    values = np.ma.masked_where(~inside, plane.cut(frame.maps[variable]))
    image = axes.imshow(
        values,
        extent=plane.extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=colours,
        vmin=0.0,
        vmax=limit,
    )
    lesion_border(axes, frame, plane, cord, "#FFFFFF")
    return image


def lesion_border(axes: Any, frame: Frame, plane: Plane, cord: NDArray[np.bool_], colour: str) -> None:
    """Draw the border of the lesion (at least half of the dry tissue)."""
    lesion = np.where(plane.cut(cord), plane.cut(frame.lesion()), 0.0)
    if (lesion >= 0.5).any():
        outline(axes, lesion, plane, color=colour, linewidth=0.7, linestyle="dashed")


def draw_scaffold(axes: Any, frame: Frame, plane: Plane) -> None:
    """Hatch and outline what a scaffold spans (at least `SCAFFOLD_SHOWN` of the voxel), where there is one."""
    if palette.SCAFFOLD not in frame.maps:
        return
    spanned = (plane.cut(np.nan_to_num(frame.maps[palette.SCAFFOLD])) >= palette.SCAFFOLD_SHOWN).astype(float)
    if not spanned.any():
        return
    hatched = axes.contourf(*ringed(spanned, plane), levels=[0.5, 1.5], colors="none", hatches=["//////"])
    # the lines of a hatch take the colour of the edge, which itself is drawn once, by the outline
    hatched.set_edgecolor(palette.SCAFFOLD_COLOUR)
    hatched.set_linewidth(0.0)
    outline(axes, spanned, plane, color=palette.SCAFFOLD_COLOUR, linewidth=0.8)


# ------------------------------------------------------------------------------------------------ agents
def scattered(count: int) -> NDArray[np.int64]:
    """Return a fixed shuffled order of rows, so that no kind of cell lies on top because it was stored last."""
    keys = (np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(11)
    return np.argsort(keys, kind="stable")


def spread(xyz_mm: Array, spacing_mm: tuple[float, float, float]) -> Array:
    """Return places spread evenly within the voxel that each cell is known to be in.

    The simulation places a cell in a voxel, not within it; the offsets follow a fixed quasi-random sequence over
    the rows, so the same table always gives the same picture.
    """
    rows = np.arange(xyz_mm.shape[0], dtype=np.float64)[:, None]
    # Powers of the plastic number: the three-dimensional analogue of the golden ratio.
    offsets = (0.5 + rows * np.array([0.8191725134, 0.6710436067, 0.5497004779])) % 1.0 - 0.5
    return np.asarray(xyz_mm + offsets * np.asarray(spacing_mm))


def draw_cells(
    axes: Any, cells: Cells | None, plane: Plane, size: float, spacing_mm: tuple[float, float, float]
) -> int:
    """Draw grafted cells as dots of the colour of their stage; returns how many are shown."""
    if cells is None or cells.kind.size == 0:
        return 0
    from matplotlib.colors import to_rgba_array

    depth = plane.project(cells.xyz_mm)[2]
    horizontal, vertical, _ = plane.project(spread(cells.xyz_mm, spacing_mm))
    low, high = sorted(plane.window)
    shown = (np.abs(depth) <= plane.half_depth_mm) & (horizontal >= low) & (horizontal <= high)
    rows = np.flatnonzero(shown)
    rows = rows[scattered(rows.size)]
    colours = to_rgba_array([palette.CELL[kind] for kind in schema.KINDS])
    axes.scatter(
        horizontal[rows],
        vertical[rows],
        s=size,
        c=colours[cells.kind[rows]],
        linewidths=0.0,
        alpha=0.75,
        rasterized=True,
    )
    return int(rows.size)


def dot_size(cells_shown: int) -> float:
    """Return the area of a dot (points squared) that keeps a crowd of cells apart."""
    return float(np.clip(9000.0 / max(cells_shown, 1), 0.7, 6.0))


def draw_paths(
    axes: Any, paths: Paths | None, plane: Plane, tracts: Sequence[str], weight: float = 1.0
) -> int:
    """Draw axons of some tracts: thin and pale where they were before the injury, strong where they grew.

    An axial plane shows the points at which they lie in it. Lines of all tracts are mixed in a fixed shuffled
    order, so that no tract lies on top because it was stored last.

    Parameters
    ----------
    weight : float
        Factor on width and opacity, below one for small pictures of long pieces.

    Returns
    -------
    int
        How many polylines were drawn.
    """
    if paths is None or not paths.points_mm:
        return 0
    colours = {tract: palette.tract_colour(tract, position) for position, tract in enumerate(tracts)}
    rows = np.flatnonzero(np.isin(paths.tract, list(colours)))
    rows = rows[scattered(rows.size)]
    if plane.kind == "axial":
        _draw_points(axes, paths, plane, rows, colours)
        return int(rows.size)
    old: list[tuple[Array, str]] = []
    new: list[tuple[Array, str]] = []
    for row in rows:
        horizontal, vertical, _ = plane.project(paths.points_mm[row])
        line, colour = np.stack([horizontal, vertical], axis=1), colours[str(paths.tract[row])]
        grown = paths.grown[row]
        # The piece between two points belongs to the later one.
        first = int(np.argmax(grown)) if grown.any() else line.shape[0]
        if first > 1:
            old.append((line[:first], colour))
        if grown.any():
            new.append((line[max(first - 1, 0) :], colour))
    _draw_lines(axes, [(line, pale(colour)) for line, colour in old], 0.6 * weight)
    _draw_lines(axes, new, 1.0 * weight)
    return len(rows)


def pale(colour: str) -> str:
    """Return a colour mixed with white; transparency instead would mix the colours of neighbouring tracts."""
    from matplotlib.colors import to_hex, to_rgb

    r, g, b = (0.42 + 0.58 * part for part in to_rgb(colour))
    return str(to_hex((r, g, b)))


def _draw_lines(axes: Any, lines: Sequence[tuple[Array, str]], width: float) -> None:
    """Draw lines, the thinner and paler the more there are, so that their density can still be seen."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    if not lines:
        return
    thin = float(np.clip(1.15 - 0.25 * np.log10(len(lines)), 0.35, 1.0)) * min(width, 1.0) ** 0.5
    colours = [to_rgba(colour, 0.95 * thin**0.6) for _, colour in lines]
    axes.add_collection(
        LineCollection([line for line, _ in lines], colors=colours, linewidths=max(width * thin, 0.25))
    )


def _draw_points(
    axes: Any, paths: Paths, plane: Plane, rows: NDArray[np.int64], colours: Mapping[str, str]
) -> None:
    """Draw where axons pass an axial plane: every piece that crosses it, as a dot at the crossing."""
    places: list[Array] = []
    found: list[str] = []
    for row in rows:
        horizontal, vertical, depth = plane.project(paths.points_mm[row])
        crossing = np.flatnonzero((depth[:-1] <= 0.0) != (depth[1:] <= 0.0))
        share = depth[crossing] / (depth[crossing] - depth[crossing + 1])
        for values in zip(
            horizontal[crossing] + share * (horizontal[crossing + 1] - horizontal[crossing]),
            vertical[crossing] + share * (vertical[crossing + 1] - vertical[crossing]),
            strict=True,
        ):
            places.append(np.array(values))
            found.append(colours[str(paths.tract[row])])
    if places:
        points = np.stack(places)
        axes.scatter(points[:, 0], points[:, 1], s=1.6, c=found, linewidths=0.0, alpha=0.8)


# ------------------------------------------------------------------------------------------------ marks
def nice_length(span: float) -> float:
    """Return a round length of about a fifth of `span`."""
    target = 0.2 * span
    power = 10.0 ** np.floor(np.log10(target))
    for factor in (5.0, 2.0, 1.0):
        if factor * power <= target:
            return float(factor * power)
    return float(power)


def length_text(value_mm: float) -> str:
    """Return a length with its unit as a scale bar shows it."""
    return f"{value_mm:g} mm" if value_mm >= 1.0 else f"{value_mm * 1000.0:g} µm"


def scale_bar(axes: Any, plane: Plane, colour: str = "#333333") -> None:
    """Draw a bar of a round length with its unit below the panel, at the right."""
    from matplotlib.transforms import blended_transform_factory

    length = nice_length(plane.width_mm)
    low, high = plane.window
    end = low if plane.kind == "sagittal" else high
    start = end + length if plane.kind == "sagittal" else end - length
    mixed = blended_transform_factory(axes.transData, axes.transAxes)
    axes.plot(
        [start, end],
        [-0.06, -0.06],
        transform=mixed,
        color=colour,
        linewidth=2.0,
        clip_on=False,
        solid_capstyle="butt",
    )
    axes.text(
        end, -0.10, length_text(length), transform=mixed, ha="right", va="top", fontsize=7.0, color=colour
    )


def orientation(axes: Any, plane: Plane) -> None:
    """Write the directions at the borders of a panel."""
    look: Mapping[str, Any] = {"fontsize": 6.5, "color": "#555555", "transform": axes.transAxes}
    left, right = ("rostral", "caudal") if plane.kind == "sagittal" else ("left", "right")
    axes.text(0.0, -0.05, f"◂ {left}", ha="left", va="top", **look)
    if plane.kind == "axial":
        axes.text(1.0, -0.05, f"{right} ▸", ha="right", va="top", **look)
        return
    axes.text(-0.005, 0.98, "D", ha="right", va="top", **look)
    axes.text(-0.005, 0.02, "V", ha="right", va="bottom", **look)
