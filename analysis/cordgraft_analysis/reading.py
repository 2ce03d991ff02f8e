"""Opening runs: the one place where a run directory becomes labelled data.

`open_run` is for everything that computes or draws: it returns complete frames and snapshots only, also from a
run that is still going on or was killed. `xarray.open_datatree(run / "run.zarr", engine="zarr")` works on a
finished run without any of this.

>>> tree = open_run("runs/mouse_subacute_graft-001")         # doctest: +SKIP
>>> tree["series/lesion_length"].plot()                      # doctest: +SKIP

Layout and names: `cordgraft.core.schema`. Times are plain numbers, days since the injury.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Event:
    """Something that happened in a run: tick, day after the injury, name, and a sentence."""

    tick: int
    day: float
    name: str
    text: str


def store_path(path: str | Path) -> Path:
    """Return the ``run.zarr`` of a run directory; a path that is the store itself stays.

    Raises
    ------
    BadInput
        If there is none.
    """
    given = Path(path)
    store = given if (given / "zarr.json").is_file() else given / schema.STORE_NAME
    if not (store / "zarr.json").is_file():
        raise BadInput(Problem("this is no run directory (there is no run.zarr in it)", value=str(path)))
    return store


def open_run(path: str | Path) -> xarray.DataTree:
    """Return the dataset of a run, trimmed to what was written completely.

    Parameters
    ----------
    path : path
        Run directory, or its ``run.zarr``.

    Returns
    -------
    xarray.DataTree
        Arrays are read when they are used.

    Raises
    ------
    BadInput
        If there is no run, or it was written by a later version with another layout.
    """
    import xarray as xr

    store = store_path(path)
    # A run that is going on has snapshots that its gathered metadata does not know yet.
    tree = xr.open_datatree(
        store, engine="zarr", consolidated=False, decode_times=False, decode_timedelta=False
    )
    version = tree.attrs.get("schema_version")
    if version != schema.SCHEMA_VERSION:
        raise BadInput(
            Problem(
                "the run was written with another layout of the dataset",
                value=f"schema version {version}",
                allowed=str(schema.SCHEMA_VERSION),
            )
        )
    nodes: dict[str, xr.Dataset] = {}
    for node in sorted(tree.subtree, key=lambda node: node.path):
        day = f"/{'/'.join(node.path.split('/')[1:3])}"  # the snapshot that the node belongs to, if any
        if day.startswith(_SNAPSHOTS) and not tree[day].attrs.get(schema.COMPLETE):
            continue
        nodes[node.path] = _ordered(_reached(node.to_dataset(inherit=False)))
    found = xr.DataTree.from_dict(nodes)
    found.encoding["source"] = str(path)  # where xarray keeps it; messages on a damaged run name it
    return found


_SNAPSHOTS = (f"/{schema.CELLS_GROUP}/", f"/{schema.AXONS_GROUP}/")


def _reached(data: xarray.Dataset) -> xarray.Dataset:
    """Return the frames whose time is known."""
    if schema.TIME not in data.dims:
        return data
    return data.isel({schema.TIME: np.flatnonzero(np.isfinite(data[schema.TIME].values))})


def _ordered(data: xarray.Dataset) -> xarray.Dataset:
    """Return a dataset whose variables stand in the order of their names: a directory has none of its own."""
    return data[sorted(str(name) for name in data.data_vars)].assign_attrs(data.attrs)


def read_summary(path: str | Path) -> dict[str, Any]:
    """Return ``summary.json`` of a run directory.

    Raises
    ------
    BadInput
        If the run has none: it did not come to an end.
    """
    return _read_json(Path(path) / schema.SUMMARY_NAME, "the run did not come to an end: it has no summary")


def read_status(path: str | Path) -> dict[str, Any]:
    """Return ``status.json`` of a run directory: how far it is."""
    return _read_json(Path(path) / schema.STATUS_NAME, "this is no run directory: it has no status")


def _read_json(path: Path, otherwise: str) -> dict[str, Any]:
    if not path.is_file():
        raise BadInput(Problem(otherwise, value=str(path.parent)))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def read_events(path: str | Path) -> list[Event]:
    """Return the events of a run directory in their order; a last line that was cut off is left out."""
    file = Path(path) / schema.EVENTS_NAME
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    rows = csv.DictReader(whole.splitlines(keepends=True))
    return [Event(int(row["tick"]), float(row["day"]), row["name"], row["text"]) for row in rows]


def units(variable: xarray.DataArray) -> str:
    """Return the unit of a variable for people: what it counts, where CF only allows ``1``."""
    return str(variable.attrs.get(schema.COUNTS, variable.attrs.get("units", "")))
