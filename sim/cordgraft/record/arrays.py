"""The layout of a run store: its groups, coordinates and attributes, and how values are rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.clock import Clock
from cordgraft.core.lattice import Lattice
from cordgraft.record.chunks import make_array, make_group, put_array

Array = NDArray[Any]


@dataclass(frozen=True)
class Variable:
    """One array of a group: name, attributes, type, and how many mantissa bits are kept (None: exact)."""

    name: str
    attributes: Mapping[str, Any]
    dtype: str = "float32"
    keepbits: int | None = None


@dataclass(frozen=True)
class Layout:
    """What a store holds, known before the first tick.

    Parameters
    ----------
    lattice, clock
    series, maps : tuple of Variable
    series_ticks, map_ticks : tuple of int
        Ticks of the frames, ascending.
    geometry : mapping
        Name -> (values (x, y, z), attributes) of the static maps.
    """

    lattice: Lattice
    clock: Clock
    series: tuple[Variable, ...]
    maps: tuple[Variable, ...]
    series_ticks: tuple[int, ...]
    map_ticks: tuple[int, ...]
    geometry: Mapping[str, tuple[Array, Mapping[str, Any]]]


def rounded(values: Array, keepbits: int) -> NDArray[np.float32]:
    """Return float32 with `keepbits` mantissa bits, rounded half to even; NaN and infinities stay.

    The dropped bits are zero, which is what makes the chunks small; the relative error is below
    ``2 ** -(keepbits + 1)``.
    """
    single = np.asarray(values, dtype=np.float32)
    bits = np.ascontiguousarray(single).view(np.uint32)
    drop = np.uint32(23 - keepbits)
    half = np.uint32((1 << (22 - keepbits)) - 1)
    kept = (bits + half + ((bits >> drop) & np.uint32(1))) & ~np.uint32((1 << int(drop)) - 1)
    return np.where(np.isfinite(single), kept.view(np.float32), single)


TIME_ATTRIBUTES: dict[str, str] = {
    "units": "day",
    "long_name": "time since the injury",
    "axis": "T",
    "comment": "NaN marks a frame that was not reached",
}


def _time(group: Path, ticks: Sequence[int]) -> None:
    """Create the tick of each frame, which is known, and its time, which marks that it is complete."""
    frames = len(ticks)
    tick = {**schema.cf_unit("tick"), "long_name": "tick of the frame"}
    put_array(group, schema.TICK, np.asarray(ticks, dtype=np.int64), (schema.TIME,), tick)
    make_array(group, schema.TIME, (frames,), "float64", (schema.TIME,), TIME_ATTRIBUTES)


def make_series(root: Path, layout: Layout) -> None:
    """Create the group of the series."""
    group = make_group(root / schema.SERIES_GROUP, {"long_name": "outcomes over time"})
    for variable in layout.series:
        make_array(
            group,
            variable.name,
            (len(layout.series_ticks),),
            "float64",
            (schema.TIME,),
            dict(variable.attributes),
        )
    _time(group, layout.series_ticks)


def _space(group: Path, lattice: Lattice) -> None:
    words = {
        "x": ("distance from the axis of the cord, right positive", "X"),
        "y": ("distance from the axis of the cord, anterior positive", "Y"),
        "z": ("distance along the cord from the middle of the injury, rostral positive", "Z"),
    }
    for axis, name in enumerate(schema.SPACE):
        long_name, letter = words[name]
        attributes = {
            "units": "um",
            "long_name": long_name,
            "axis": letter,
            "spacing": lattice.spacing_um[axis],
        }
        if name == "z":
            attributes["positive"] = "up"
        put_array(group, name, lattice.axis_um(axis), (name,), attributes)


def make_maps(root: Path, layout: Layout) -> None:
    """Create the group of the maps, a chunk per frame."""
    group = make_group(
        root / schema.MAPS_GROUP, {"long_name": "tissue, fields and densities at the recording days"}
    )
    shape = (len(layout.map_ticks), *layout.lattice.shape)
    chunks = (1, *layout.lattice.shape)
    for variable in layout.maps:
        extra = {} if variable.keepbits is None else {schema.KEEPBITS: variable.keepbits}
        attributes = {**variable.attributes, **extra}
        make_array(
            group,
            variable.name,
            shape,
            variable.dtype,
            (schema.TIME, *schema.SPACE),
            attributes,
            chunks=chunks,
        )
    _space(group, layout.lattice)
    _time(group, layout.map_ticks)


def make_geometry(root: Path, layout: Layout) -> None:
    """Create the group of the static maps and fill it."""
    group = make_group(root / schema.GEOMETRY_GROUP, {"long_name": "static maps of the cord"})
    for name, (values, attributes) in layout.geometry.items():
        put_array(group, name, values, schema.SPACE, attributes)
    _space(group, layout.lattice)
