"""From specs to variables: what a run stores, with its attributes, and the data dictionary of all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cordgraft.core import axon_layout, schema
from cordgraft.core.clock import Clock, whole_ticks
from cordgraft.core.contract import ArraySpec, Process, matches
from cordgraft.core.schema import SeriesSpec, cf_unit, variable_name
from cordgraft.record.arrays import Layout, Variable
from cordgraft.record.snapshots import (
    POINT_COLUMNS,
    Columns,
    cell_table,
    cone_table,
    lost_synapse_table,
    path_tables,
    synapse_table,
)
from cordgraft.state.tissue import Tissue

#: Groups of arrays that are recorded as maps over time.
MAP_GROUPS: tuple[str, ...] = ("fraction", "field", "density")
#: Columns of the data dictionary.
DICTIONARY_COLUMNS: tuple[str, ...] = (
    "name",
    "meaning",
    "unit",
    "source",
    "type",
    "dimensions",
    "precision",
    "comment",
)
#: Series that hold an area or volume of the whole cord, which a section knows by extrusion only.
_EXTRUDED = ("_volume", "spared_white_matter", "rim_", "core_", "immune_")


def sources(tissue: Tissue, processes: Iterable[Process]) -> dict[str, str]:
    """Return array name -> the processes that provide or write it, in running order; ``state`` where none does."""
    found: dict[str, list[str]] = {name: [] for name in tissue.names()}
    for process in processes:
        kind = type(process)
        provided = {spec.name for spec in kind.provides.arrays}
        for name, owners in found.items():
            if (name in provided or matches(kind.writes, name)) and kind.name not in owners:
                owners.append(kind.name)
    return {name: ", ".join(owners) or "state" for name, owners in found.items()}


def map_variables(tissue: Tissue, source: Mapping[str, str]) -> tuple[Variable, ...]:
    """Return the maps that are recorded over time: every spec of a fraction, field or density that asks for it."""
    return tuple(
        Variable(
            variable_name(spec.name),
            {**_attributes(spec), schema.SOURCE: source[spec.name]},
            "float32",
            _keepbits(spec),
        )
        for spec in tissue.specs.values()
        if spec.group in MAP_GROUPS and spec.record
    )


def _attributes(spec: ArraySpec) -> dict[str, Any]:
    found: dict[str, Any] = {**cf_unit(spec.unit), "long_name": spec.meaning}
    if spec.bounds is not None and all(np.isfinite(spec.bounds)):
        found["valid_range"] = list(spec.bounds)
    return found


def _keepbits(spec: ArraySpec) -> int | None:
    """Return the mantissa bits kept of a map; counts stay exact."""
    exact = spec.unit in schema.COUNTED or np.dtype(spec.dtype).kind != "f"
    return None if exact else schema.FIELD_KEEPBITS


def static_maps(tissue: Tissue) -> dict[str, np.ndarray[Any, Any]]:
    """Return the static maps by variable name : (x, y, z), as they are stored."""
    found = {}
    for spec in tissue.specs.values():
        if spec.group == "map":
            values = tissue[spec.name]
            found[variable_name(spec.name)] = (
                values.astype(np.float32) if values.dtype.kind == "f" else values
            )
    return found


def layout_of(
    tissue: Tissue,
    specs: Sequence[SeriesSpec],
    source: Mapping[str, str],
    series_h: float,
    maps_h: Sequence[float],
) -> Layout:
    """Return the layout of the store of a run.

    Series are recorded at tick 0, every `series_h` hours and at the last tick; maps at the ticks of `maps_h`
    that lie in the run.
    """
    clock, lattice = tissue.clock, tissue.lattice
    extrusion: dict[str, Any] = {}
    if lattice.is_section:
        left_right, antero_posterior = tissue.setting.cord_diameter_um
        extrusion = {"elliptic_extrusion_ratio": left_right / antero_posterior}
    series = tuple(
        Variable(
            spec.name,
            {**spec.attributes(), **(extrusion if any(part in spec.name for part in _EXTRUDED) else {})},
            "float64",
        )
        for spec in specs
    )
    values = static_maps(tissue)
    geometry = {
        variable_name(spec.name): (
            values[variable_name(spec.name)],
            {**_attributes(spec), schema.SOURCE: source[spec.name]},
        )
        for spec in tissue.specs.values()
        if spec.group == "map"
    }
    return Layout(
        lattice,
        clock,
        series,
        map_variables(tissue, source),
        series_ticks(clock, series_h),
        map_ticks(clock, maps_h),
        geometry,
    )


def series_ticks(clock: Clock, series_h: float) -> tuple[int, ...]:
    """Return the ticks at which series are recorded: 0, every interval, and the last."""
    found = list(range(0, clock.ticks + 1, whole_ticks(series_h, clock.tick_h)))
    return tuple(found if found[-1] == clock.ticks else [*found, clock.ticks])


def map_ticks(clock: Clock, maps_h: Sequence[float]) -> tuple[int, ...]:
    """Return the ticks at which maps and tables are recorded, those after the end left out."""
    return tuple(
        sorted({tick for hours in maps_h if (tick := whole_ticks(hours, clock.tick_h)) <= clock.ticks})
    )


# ------------------------------------------------------------------ data dictionary
def dictionary(layout: Layout, tissue: Tissue) -> list[tuple[str, ...]]:
    """Return the rows of the data dictionary: every variable of the dataset, from the specs that made it."""
    rows: list[tuple[str, ...]] = []
    for variable in layout.series:
        rows.append(_row(schema.SERIES_GROUP, variable.name, variable.attributes, "float64", (schema.TIME,)))
    for variable in layout.maps:
        dims = (schema.TIME, *schema.SPACE)
        rows.append(
            _row(
                schema.MAPS_GROUP, variable.name, variable.attributes, variable.dtype, dims, variable.keepbits
            )
        )
    for name, (values, attributes) in layout.geometry.items():
        rows.append(_row(schema.GEOMETRY_GROUP, name, attributes, str(values.dtype), schema.SPACE))
    rows += _table_rows(f"{schema.CELLS_GROUP}/day_*", cell_table(tissue, 0), schema.ROW)
    place = f"{schema.AXONS_GROUP}/day_*"
    paths = path_tables(tissue, 0)
    points = {name: column for name, column in paths.items() if name in POINT_COLUMNS}
    stems = {name: column for name, column in paths.items() if name not in POINT_COLUMNS}
    rows += _table_rows(f"{place}/{schema.PATHS}", stems, schema.AXON)
    rows += _table_rows(f"{place}/{schema.PATHS}", points, schema.POINT)
    rows += _table_rows(f"{place}/{schema.CONES}", cone_table(tissue), schema.CONE)
    rows += _table_rows(f"{place}/{schema.SYNAPSES}", synapse_table(tissue), schema.SYNAPSE)
    rows += _table_rows(f"{place}/{axon_layout.LOST_SYNAPSES}", lost_synapse_table(tissue), schema.SYNAPSE)
    return rows


def _table_rows(group: str, columns: Columns, dim: str) -> list[tuple[str, ...]]:
    return [_row(group, name, attrs, str(values.dtype), (dim,)) for name, (values, attrs) in columns.items()]


def _row(
    group: str,
    name: str,
    attributes: Mapping[str, Any],
    dtype: str,
    dims: Sequence[str],
    keepbits: int | None = None,
) -> tuple[str, ...]:
    comment = str(attributes.get("comment", ""))
    if "flag_meanings" in attributes:
        pairs = zip(attributes["flag_values"], str(attributes["flag_meanings"]).split(), strict=True)
        comment = ", ".join(f"{value} {word}" for value, word in pairs)
    return (
        f"{group}/{name}",
        str(attributes.get("long_name", "")),
        str(attributes.get(schema.COUNTS, attributes["units"])),
        str(attributes.get(schema.SOURCE, "state")),
        dtype,
        " ".join(dims),
        "exact" if keepbits is None else f"{keepbits} mantissa bits",
        comment,
    )
