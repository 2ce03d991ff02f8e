"""Writing a run in other formats: one NetCDF file, or tables for a spreadsheet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.reading import open_run

if TYPE_CHECKING:
    import xarray

#: Compression of NetCDF variables: part of every NetCDF library, unlike Blosc.
_NETCDF = {"zlib": True, "complevel": 4, "shuffle": True}


def export_netcdf(run: str | Path, destination: str | Path) -> Path:
    """Write a run as one NetCDF-4 file with the same groups; returns its path.

    Attributes that NetCDF cannot hold (the plan, the setting) become JSON text. The file is written aside and
    renamed.

    Raises
    ------
    BadInput
        If h5netcdf or h5py is missing (the extra ``netcdf``), or the destination is a directory.
    """
    target = Path(destination)
    try:
        import h5netcdf  # noqa: F401
        import h5py  # noqa: F401
    except ImportError as error:
        raise BadInput(
            Problem(
                "writing NetCDF needs h5netcdf and h5py, which are an extra: pip install 'cordgraft[netcdf]'",
                key="--netcdf",
            )
        ) from error
    if target.is_dir():
        raise BadInput(Problem("the destination is a directory", key="--netcdf", value=str(target)))
    tree = open_run(run)
    encoding: dict[str, dict[str, Any]] = {}
    for node in tree.subtree:
        node.attrs = {name: _plain_attribute(value) for name, value in node.attrs.items()}
        found: dict[str, Any] = {}
        for name, variable in node.dataset.variables.items():
            variable.encoding = {}
            fill = {"_FillValue": None}
            found[str(name)] = {**fill, **(_NETCDF if variable.ndim and variable.size else {})}
        encoding[node.path] = found
        for name in node.dataset.variables:
            attributes = node.dataset[name].attrs
            node[str(name)].attrs = {key: _plain_attribute(value) for key, value in attributes.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(target.name + ".writing")
    try:
        tree.to_netcdf(aside, engine="h5netcdf", encoding=encoding)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def _plain_attribute(value: Any) -> Any:
    """Return an attribute as NetCDF can hold it: text, numbers, or a list of numbers; the rest as JSON text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (str, int, float, np.ndarray, np.generic)):
        return value
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float)) for v in value):
        return np.asarray(value)
    return json.dumps(value, ensure_ascii=False)


def export_csv(run: str | Path, destination: str | Path) -> list[Path]:
    """Write the series and every table of agents as CSV files into a directory; returns their paths.

    ``series.csv``, ``cells_day_0014.csv``, ``axons_day_0014_paths.csv`` (one row per point, with the columns of its
    polyline), ``..._cones.csv``, ``..._synapses.csv``. Codes are written as words. Maps have too many dimensions
    for a table; take NetCDF for them.

    Raises
    ------
    BadInput
        If the destination is a file.
    """
    folder = Path(destination)
    if folder.exists() and not folder.is_dir():
        raise BadInput(Problem("the destination is a file, not a directory", key="--csv", value=str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    tree = open_run(run)
    written = []
    series = tree.children[schema.SERIES_GROUP].to_dataset(inherit=False)
    columns = {"day": series[schema.TIME].values}
    columns |= {str(name): variable.values for name, variable in series.data_vars.items()}
    written.append(_write(folder / "series.csv", columns))
    for day, node in tree.children[schema.CELLS_GROUP].children.items():
        written.append(_write(folder / f"cells_{day}.csv", _columns(node)))
    for day, node in tree.children[schema.AXONS_GROUP].children.items():
        for name, member in node.children.items():
            table = _long_paths(member) if name == schema.PATHS else _columns(member)
            written.append(_write(folder / f"axons_{day}_{name}.csv", table))
    return written


def _columns(node: xarray.DataTree) -> dict[str, Any]:
    return {str(name): _words(variable) for name, variable in node.data_vars.items()}


def _words(variable: xarray.DataArray) -> Any:
    """Return values, codes as words."""
    values = variable.values
    if "flag_meanings" not in variable.attrs:
        return values
    meanings = str(variable.attrs["flag_meanings"]).split()
    codes = np.asarray(variable.attrs["flag_values"]).tolist()
    table = dict(zip(codes, meanings, strict=True))
    return np.array([table.get(int(value), str(value)) for value in values], dtype=object)


def _long_paths(node: xarray.DataTree) -> dict[str, Any]:
    """Return one row per point: the columns of its polyline, repeated, then its own."""
    sizes = np.asarray(node[schema.ROW_SIZE].values, dtype=np.int64)
    table: dict[str, Any] = {}
    for name, variable in node.data_vars.items():
        if name != schema.ROW_SIZE and variable.dims == (schema.AXON,):
            table[str(name)] = np.repeat(_words(variable), sizes)
    for name, variable in node.data_vars.items():
        if variable.dims == (schema.POINT,):
            table[str(name)] = _words(variable)
    return table


def _write(path: Path, columns: dict[str, Any]) -> Path:
    """Write columns as CSV, aside and renamed; NaN is an empty field."""
    import csv

    aside = path.with_name(path.name + ".writing")
    with aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        cells = [np.asarray(column).tolist() for column in columns.values()]
        for row in zip(*cells, strict=True):
            writer.writerow(["" if isinstance(value, float) and value != value else value for value in row])
    aside.replace(path)
    return path
