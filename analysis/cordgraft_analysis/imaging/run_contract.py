"""Whether the stored maps of a run are what an image is made of (E20): looked at before anything is made of them.

`contract.check_fractions` judges the shares that the imaging part makes; by then a damaged map may be hidden, because
classes were joined, sections turned into volumes and axes laid anew. So every verb that reads a run passes here first.
A run keeps its lengths in um; what is wrong is named by group and variable, with the worst cell in days and mm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core import schema
from cordgraft_analysis.imaging.contract import AFFINE_MM, RANGE_TOLERANCE, SUM_TOLERANCE, cell_words
from cordgraft_analysis.imaging.findings import Ledger
from cordgraft_analysis.imaging.volume import Array, Floats

if TYPE_CHECKING:
    import xarray

#: Tissues that a run may have, without the word ``fraction_``.
TISSUES = ("white", "grey", "csf", "necrosis", "cavity", "scar", "graft", "blood")
PREFIX = "fraction_"
OEDEMA = "density_oedema"
#: Directions in which the axes of a run grow.
_GROWS = {"x": "right", "y": "anterior", "z": "rostral"}
#: How far the centreline may leave the grid of the masks that it was fitted to, voxels: it is smoothed.
BESIDE_VOXELS = 1.0

Axes = tuple[Array, Array, Array, Array]


def check_run(run: xarray.DataTree, frame: int) -> Ledger:
    """Check what a run stores of one recorded day.

    Parameters
    ----------
    run : xarray.DataTree
        From `cordgraft_analysis.reading.open_run`; its place is named in the messages.
    frame : int
        Index along the time of the maps.

    Returns
    -------
    Ledger
        Errors (E20) name the variable and its worst cell.
    """
    ledger = Ledger(str(run.encoding.get("source", "") or run.attrs.get("name", "")))
    maps = run[schema.MAPS_GROUP].dataset
    axes = _axes(maps, ledger)
    _same_places(run, maps, ledger)
    cord = _cord(run, ledger)
    if axes is not None and cord is not None:
        here: Axes = (axes[0][frame : frame + 1], *axes[1:])
        _tissues(maps, frame, cord, here, ledger)
    _affine(run, ledger)
    return ledger


def _axes(maps: xarray.Dataset, ledger: Ledger) -> Axes | None:
    """Return time in days, and x, y and z in mm; None where one of them is no list of numbers."""
    found: list[Array] = []
    for name in (schema.TIME, *schema.SPACE):
        where = f"{schema.MAPS_GROUP}/{name}"
        if name not in maps.coords:
            ledger.error("E20", f"coordinate {where} is missing")
            return None
        values = np.asarray(maps[name].values, dtype=np.float64)
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            ledger.error("E20", f"coordinate {where} is no list of numbers", f"shape {values.shape}")
            return None
        unit = maps[name].attrs.get("units")
        # invented and old runs have no unit of time; no run was ever written without one of lengths
        right = unit in (None, "d", "day", "days") if name == schema.TIME else unit == "um"
        if not right:
            ledger.error(
                "E20", f"coordinate {where} is not in {'days' if name == schema.TIME else 'um'}", f"units {unit!r}",
                "A run keeps times in days and lengths in um, from which the mm of the image are made",
            )  # fmt: skip
        _increases(name, where, values, ledger)
        if name != schema.TIME:
            _even(where, values, maps[name].attrs.get("spacing"), ledger)
        found.append(values if name == schema.TIME else 1e-3 * values)
    return found[0], found[1], found[2], found[3]


def _increases(name: str, where: str, values: Floats, ledger: Ledger) -> None:
    steps = np.diff(values)
    if (steps <= 0.0).any():
        at = int(np.argmin(steps))
        unit = "d" if name == schema.TIME else "um"
        toward = f" to {_GROWS[name]}" if name in _GROWS else ""
        ledger.error(
            "E20", f"coordinate {where} does not increase",
            f"{values[at]:g} and then {values[at + 1]:g} {unit} at index {at + 1}",
            f"The data are ordered so that {name} grows{toward}",
        )  # fmt: skip


def _even(where: str, values: Floats, spacing: Any, ledger: Ledger) -> None:
    """Write down where voxel centres lie beside the affine of the lattice, which is given by its spacing."""
    try:
        step = float(spacing)
    except (TypeError, ValueError):
        step = np.nan
    if not (np.isfinite(step) and step > 0.0):
        ledger.error("E20", f"coordinate {where} has no spacing", repr(spacing), "An edge of a voxel, um")
        return
    apart = np.abs(values - values[0] - step * np.arange(values.size))
    if float(apart.max()) > 1e3 * AFFINE_MM:
        at = int(apart.argmax())
        ledger.error(
            "E20", f"coordinate {where} disagrees with the affine of the lattice, {step:g} um a voxel",
            f"{values[at]:g} um at index {at}, {apart[at]:.3g} um apart",
            "Centres of voxels lie at even distances",
        )  # fmt: skip


def _same_places(run: xarray.DataTree, maps: xarray.Dataset, ledger: Ledger) -> None:
    """Write down if the maps that stay the same lie on another lattice than those of the days."""
    geometry = run[schema.GEOMETRY_GROUP].dataset
    for name in schema.SPACE:
        if name not in geometry.coords or name not in maps.coords:
            continue
        one, other = np.asarray(geometry[name].values), np.asarray(maps[name].values)
        if one.shape != other.shape or not np.allclose(one, other, rtol=0.0, atol=1e3 * AFFINE_MM):
            ledger.error(
                "E20", f"coordinates {schema.GEOMETRY_GROUP}/{name} and {schema.MAPS_GROUP}/{name} disagree",
                f"{one.size} and {other.size} voxels" if one.shape != other.shape
                else f"{float(np.abs(one - other).max()):.3g} um apart",
            )  # fmt: skip


def _cord(run: xarray.DataTree, ledger: Ledger) -> Array | None:
    """Return the mask of the cord : (x, y, z) bool."""
    geometry = run[schema.GEOMETRY_GROUP].dataset
    where = f"{schema.GEOMETRY_GROUP}/map_cord"
    if "map_cord" not in geometry:
        ledger.error("E20", f"variable {where}, the mask of the cord, is missing")
        return None
    cord = np.asarray(geometry["map_cord"].values)
    if not np.isin(cord, (0, 1)).all():
        ledger.error("E20", f"variable {where} is no mask", f"values up to {cord.max():g}", "Store 0 and 1")
    elif not cord.any():
        ledger.error("E20", f"variable {where} is empty: there is no cord")
    return np.asarray(cord > 0)


def _tissues(maps: xarray.Dataset, frame: int, cord: Array, axes: Axes, ledger: Ledger) -> None:
    """Check the shares of the tissues and of fluid in one frame, inside the cord."""
    names = [str(name) for name in maps.data_vars if str(name).startswith(PREFIX)]
    for name in names:
        if name.removeprefix(PREFIX) not in TISSUES:
            ledger.error(
                "E20", f"variable {schema.MAPS_GROUP}/{name} is of a tissue that has no signal", "",
                f"Known are {', '.join(TISSUES)}",
            )  # fmt: skip
    total = np.zeros(cord.shape)
    whole = bool(names)
    if not whole:
        ledger.error("E20", f"variables {schema.MAPS_GROUP}/{PREFIX}* are missing", "", "One for each tissue")
    for name in (*names, *([OEDEMA] if OEDEMA in maps else [])):
        values = np.asarray(maps[name].isel({schema.TIME: frame}).values, dtype=np.float64)
        if values.shape != cord.shape:
            ledger.error(
                "E20", f"variable {schema.MAPS_GROUP}/{name} has other dimensions than the mask of the cord",
                f"{values.shape} and {cord.shape}",
            )  # fmt: skip
            whole = False
            continue
        whole = _in_range(f"{schema.MAPS_GROUP}/{name}", values, cord, axes, ledger) and whole
        total += values if name != OEDEMA else 0.0
    if not whole:
        return
    off = np.where(cord, np.abs(total - 1.0), 0.0)
    if float(off.max()) > SUM_TOLERANCE:
        worst = np.unravel_index(int(np.argmax(off)), off.shape)
        number = int(np.count_nonzero(off > SUM_TOLERANCE))
        ledger.error(
            "E20", f"the shares of the tissues ({schema.MAPS_GROUP}/{PREFIX}*) do not sum to 1",
            f"{total[worst]:.6g} at {cell_words((0, *worst), axes)}, the worst of {number} cells",
        )  # fmt: skip


def _in_range(where: str, values: Floats, cord: Array, axes: Axes, ledger: Ledger) -> bool:
    """Write down the worst cell of a share that is none; returns whether all are numbers."""
    if not np.isfinite(values[cord]).all():
        at = np.unravel_index(int(np.argmax(cord & ~np.isfinite(values))), values.shape)
        ledger.error(
            "E20", f"variable {where} holds values that are no numbers", cell_words((0, *at), axes)
        )  # fmt: skip
        return False
    inside = np.where(cord, values, 0.0)
    for worst, bad, word in (
        (int(inside.argmin()), inside.min() < -RANGE_TOLERANCE, "is negative"),
        # a recorded map is rounded, so that a share may lie a little above one as sums do
        (int(inside.argmax()), inside.max() > 1.0 + SUM_TOLERANCE, "is larger than 1"),
    ):
        if bad:
            at = np.unravel_index(worst, values.shape)
            ledger.error(
                "E20", f"variable {where} {word}", f"{values[at]:.6g} at {cell_words((0, *at), axes)}"
            )
    return True


def _affine(run: xarray.DataTree, ledger: Ledger) -> None:
    """Write down if the way back into the scan of a run from masks leaves their grid."""
    if schema.STRAIGHTENING_GROUP not in run.children:
        return
    stored = run[schema.STRAIGHTENING_GROUP].dataset
    where = f"{schema.STRAIGHTENING_GROUP}/source_affine"
    if not {"source_affine", "source_shape", "centre_mm"} <= set(map(str, stored.variables)):
        ledger.error("E20", f"variable {where}, centre_mm or source_shape beside it is missing")
        return
    affine = np.asarray(stored["source_affine"].values, dtype=np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        ledger.error("E20", f"variable {where} places nothing", f"shape {affine.shape}")
        return
    centres = np.asarray(stored["centre_mm"].values, dtype=np.float64)
    last = np.asarray(stored["source_shape"].values, dtype=np.float64) - 1.0
    index = (centres - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    beside = np.maximum(np.maximum(-index, index - last), 0.0).max(axis=1)
    if not float(beside.max()) <= BESIDE_VOXELS:
        at = int(np.argmax(np.where(np.isfinite(beside), beside, np.inf)))
        ledger.error(
            "E20", f"variable {where} disagrees with {schema.STRAIGHTENING_GROUP}/centre_mm",
            f"node {at} of the cord's centreline lies {beside[at]:.3g} voxels outside the grid of the masks",
        )  # fmt: skip
