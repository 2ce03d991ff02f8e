"""What a simulated state must carry to be turned into an image, and a check that it does (E20).

A dataset with dimensions (time, x, y, z): coordinates of voxel centres in mm, the affine that agrees with them, the
shares of every tissue in each voxel, which sum to 1 wherever there is tissue or fluid (``domain``), and what space
and species it is of. Only arrays and attributes are looked at; any object with the interface of xarray.Dataset will
do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft_analysis.imaging.findings import Ledger
from cordgraft_analysis.imaging.volume import Array, Floats

DIMENSIONS = ("time", "x", "y", "z")
#: Directions in which the axes grow, in the order x, y, z.
AXIS_DIRECTIONS = ("R", "A", "S")
FRACTIONS = (
    "frac_white",
    "frac_grey",
    "frac_csf",
    "frac_cavity",
    "frac_oedema",
    "frac_scar",
    "frac_graft",
)
OPTIONAL_FRACTIONS = ("frac_blood",)
#: Other shares of the healthy value, 0 to 1.
SHARES = ("myelin", "axon_density")
SPACES = ("cord-straight", "scanner")
#: How far the shares of a voxel may sum beside 1.
SUM_TOLERANCE = 1e-3
#: How far a share may lie beyond 0 or 1 by rounding.
RANGE_TOLERANCE = 1e-6
#: How far the affine may lie beside the coordinates, mm.
AFFINE_MM = 1e-6


def check_fractions(dataset: Any, file: str = "") -> Ledger:
    """Check a dataset against the contract.

    Parameters
    ----------
    dataset : xarray.Dataset
    file : str
        Name in the messages.

    Returns
    -------
    Ledger
        Errors name the variable and its worst cell.
    """
    ledger = Ledger(file)
    coordinates = _coordinates(dataset, ledger)
    _attributes(dataset, coordinates, ledger)
    if coordinates is None:
        return ledger
    shape = tuple(len(values) for values in coordinates)
    names = [*FRACTIONS, *(name for name in OPTIONAL_FRACTIONS if name in dataset)]
    whole = [name for name in names if _has_shape(dataset, name, shape, ledger)]
    shares = [name for name in SHARES if name in dataset and _has_shape(dataset, name, shape, ledger)]
    for name in (*whole, *shares):
        _in_range(name, np.asarray(dataset[name].values), coordinates, ledger)
    for name in ("cord", "canal"):
        if name in dataset and np.asarray(dataset[name].values).dtype != np.bool_:
            ledger.error(
                "E20", f"variable {name} is no mask", f"type {dataset[name].dtype}", "Store it as bool"
            )
    if "cord" not in dataset:
        ledger.error("E20", "variable cord, the mask of the cord, is missing")
    if "lesion" in dataset and not dataset["lesion"].attrs.get("definition"):
        ledger.warning(
            "E20", "variable lesion does not say what it is", "", "Put the rule into its attribute definition"
        )
    if len(whole) == len(names):
        _sums(dataset, names, coordinates, ledger)
    return ledger


def _coordinates(dataset: Any, ledger: Ledger) -> tuple[Array, ...] | None:
    """Return time, x, y and z, if all four are there."""
    absent = [name for name in DIMENSIONS if name not in dataset.coords]
    if absent:
        ledger.error(
            "E20", f"coordinate {', '.join(absent)} is missing", "", f"Dimensions are {', '.join(DIMENSIONS)}"
        )
        return None
    found = []
    for name, direction in zip(DIMENSIONS, ("", *AXIS_DIRECTIONS), strict=True):
        variable = dataset[name]
        values = np.asarray(variable.values, dtype=np.float64)
        found.append(values)
        wanted = "days" if name == "time" else "mm"
        if variable.attrs.get("units") != wanted:
            ledger.error(
                "E20", f"coordinate {name} is not in {wanted}", f"units {variable.attrs.get('units')!r}",
                f"Convert it and set units to {wanted!r}",
            )  # fmt: skip
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            ledger.error("E20", f"coordinate {name} is no list of numbers", f"shape {values.shape}")
            return None
        steps = np.diff(values)
        if (steps <= 0.0).any():
            place = int(np.argmin(steps))
            ledger.error(
                "E20", f"coordinate {name} does not increase",
                f"{values[place]:g} and then {values[place + 1]:g} at index {place + 1}",
                f"Order the data so that {name} grows{f' to {direction}' if direction else ''}",
            )  # fmt: skip
        if direction and variable.attrs.get("axis_direction") != direction:
            ledger.error(
                "E20", f"coordinate {name} does not say that it grows to {direction}",
                f"axis_direction {variable.attrs.get('axis_direction')!r}", f"Set axis_direction to {direction!r}",
            )  # fmt: skip
    return tuple(found)


def _attributes(dataset: Any, coordinates: tuple[Array, ...] | None, ledger: Ledger) -> None:
    attributes = dataset.attrs
    if attributes.get("space") not in SPACES:
        ledger.error(
            "E20",
            "attribute space is missing or unknown",
            repr(attributes.get("space")),
            f"One of {', '.join(SPACES)}",
        )
    if not attributes.get("species"):
        ledger.error("E20", "attribute species is missing")
    if "epicentre_mm" not in attributes:
        ledger.warning("E20", "attribute epicentre_mm is missing; the middle of the lesion has to be found")
    if (
        coordinates is not None
        and len(coordinates[1]) == 1
        and not _positive(attributes.get("section_thickness_mm"))
    ):
        ledger.error(
            "E20", "attribute section_thickness_mm of a section is missing",
            repr(attributes.get("section_thickness_mm")), "A file has to state how thick the section is, mm",
        )  # fmt: skip
    try:
        affine = np.asarray(attributes.get("affine"), dtype=np.float64).reshape(4, 4)
    except (TypeError, ValueError):
        ledger.error("E20", "attribute affine is no list of 16 numbers")
        return
    if not np.isfinite(affine).all():
        ledger.error("E20", "attribute affine holds values that are no numbers")
    elif coordinates is not None:
        _affine_agrees(affine, coordinates[1:], ledger)


def _affine_agrees(affine: Floats, places: tuple[Array, ...], ledger: Ledger) -> None:
    """Write down how far the affine lies beside the coordinates, at the worst voxel centre of the three axes."""
    worst, name = 0.0, ""
    for axis, values in enumerate(places):
        index = np.zeros((len(values), 3))
        index[:, axis] = np.arange(len(values))
        first = np.array([float(other[0]) for other in places])
        wanted = np.tile(first, (len(values), 1))
        wanted[:, axis] = values
        apart = float(np.abs(index @ affine[:3, :3].T + affine[:3, 3] - wanted).max())
        if apart > worst:
            worst, name = apart, DIMENSIONS[axis + 1]
    if worst > AFFINE_MM:
        ledger.error(
            "E20", f"attribute affine disagrees with the coordinate {name}", f"{worst:.3g} mm apart",
            "The affine maps index (x, y, z) to the coordinates of voxel centres",
        )  # fmt: skip


def _has_shape(dataset: Any, name: str, shape: tuple[int, ...], ledger: Ledger) -> bool:
    if name not in dataset:
        ledger.error("E20", f"variable {name} is missing", "", "A tissue that is nowhere is stored as zeros")
        return False
    variable = dataset[name]
    if tuple(variable.dims) != DIMENSIONS or variable.shape != shape:
        ledger.error(
            "E20", f"variable {name} has other dimensions", ", ".join(map(str, variable.dims)),
            f"Dimensions are {', '.join(DIMENSIONS)}",
        )  # fmt: skip
        return False
    return True


def _in_range(name: str, values: Array, coordinates: tuple[Array, ...], ledger: Ledger) -> None:
    if not np.isfinite(values).all():
        where = np.unravel_index(int(np.argmin(np.isfinite(values))), values.shape)
        ledger.error("E20", f"variable {name} holds values that are no numbers", cell_words(where, coordinates))
        return
    for worst, bad, word in (
        (int(values.argmin()), values.min() < -RANGE_TOLERANCE, "is negative"),
        (int(values.argmax()), values.max() > 1.0 + RANGE_TOLERANCE, "is larger than 1"),
    ):
        if bad:
            where = np.unravel_index(worst, values.shape)
            ledger.error(
                "E20", f"variable {name} {word}", f"{values[where]:.6g} at {cell_words(where, coordinates)}"
            )


def _sums(dataset: Any, names: list[str], coordinates: tuple[Array, ...], ledger: Ledger) -> None:
    if "domain" not in dataset:
        ledger.error(
            "E20",
            "variable domain is missing",
            "",
            "It says where there is tissue or fluid, whose shares sum to 1",
        )
        return
    domain = np.asarray(dataset["domain"].values, dtype=bool)
    total = np.zeros(tuple(len(values) for values in coordinates))
    try:
        domain = np.broadcast_to(domain, total.shape)
    except ValueError:
        ledger.error("E20", "variable domain has other dimensions", f"shape {domain.shape}")
        return
    for name in names:
        total += np.asarray(dataset[name].values, dtype=np.float64)
    apart = np.where(domain, np.abs(total - 1.0), 0.0)
    if not apart.max() <= SUM_TOLERANCE:
        where = np.unravel_index(int(np.argmax(apart)), apart.shape)
        number = int(np.count_nonzero(~(apart <= SUM_TOLERANCE)))
        ledger.error(
            "E20", "the shares of the tissues (frac_*) do not sum to 1",
            f"{total[where]:.6g} at {cell_words(where, coordinates)}, the worst of {number} cells",
        )  # fmt: skip


def cell_words(where: tuple[Any, ...], coordinates: tuple[Array, ...]) -> str:
    """Return day and place of a cell in words, from its index (time, x, y, z) and the coordinates in d and mm."""
    places = [
        f"{name} {values[int(at)]:g}" for name, values, at in zip(DIMENSIONS, coordinates, where, strict=True)
    ]
    return f"{places[0]} d, {', '.join(places[1:])} mm"


def _positive(value: Any) -> bool:
    try:
        return bool(np.isfinite(float(value)) and float(value) > 0.0)
    except (TypeError, ValueError):
        return False
