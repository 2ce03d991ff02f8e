"""The run store: one Zarr v3 directory, preallocated over time, in which a frame exists once its time does.

Why not ``to_zarr(append_dim=...)``: every append rewrites metadata, and a kill in between leaves a store that no
reader opens. Here the arrays have their final shape from the first second, each frame of a map is a chunk of
its own that nothing later touches, and the ``time`` of a frame is written after everything else of it.

Series are the exception to "a chunk per frame": a hundred numbers a day would make ten thousand files a run. They
are kept in memory and written whole, each as one chunk (and the time last), whenever something else is committed;
``timeseries.csv`` holds every row in between.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.clock import Clock
from cordgraft.record.arrays import Layout, make_geometry, make_maps, make_series, rounded
from cordgraft.record.chunks import (
    gather_metadata,
    make_group,
    open_array,
    put_array,
    read_attributes,
    update_attributes,
)
from cordgraft.record.files import StoreError, writing
from cordgraft.record.packing import is_packed, pack_maps, restore_packing, unpack_maps

Array = NDArray[Any]
#: A finished run is packed when that saves at least so many files; for fewer it is not worth the copying.
WORTH_PACKING = 150
#: A group in the making, beside the store.
STAGING_NAME = ".writing"


class RunStore:
    """Writer of ``run.zarr``; make one with `create` or `reopen`.

    Parameters
    ----------
    path : Path
        The directory ``run.zarr``.
    tick_h : float
    series : mapping
        Columns of the series, `tick` and `time` among them : (frames,) each.
    map_ticks, map_times : (frames,)
        Ticks of the maps, and their times, NaN where the frame is not written.
    keepbits : mapping
        Name of each map -> mantissa bits that are kept, None for all.
    """

    def __init__(
        self,
        path: Path,
        tick_h: float,
        series: Mapping[str, Array],
        map_ticks: Array,
        map_times: Array,
        keepbits: Mapping[str, int | None],
    ) -> None:
        self.path = path
        self.series_ticks: tuple[int, ...] = tuple(int(tick) for tick in series[schema.TICK])
        self.map_ticks: tuple[int, ...] = tuple(int(tick) for tick in map_ticks)
        self._tick_h = tick_h
        self._times = np.array(series[schema.TIME])
        self._map_times = np.array(map_times)
        self._keepbits = dict(keepbits)
        #: Series in memory: name -> (frames,) float64.
        self._values: dict[str, Array] = {
            name: np.array(values)
            for name, values in series.items()
            if name not in (schema.TICK, schema.TIME)
        }
        self._last_day: float | None = None

    # ---------------------------------------------------------------- making and reopening
    @classmethod
    def create(cls, path: Path, layout: Layout, attributes: Mapping[str, Any]) -> RunStore:
        """Make an empty store with every array in its final shape.

        Raises
        ------
        StoreError
            If there is something at `path`, or it cannot be written.
        """
        if path.exists():
            raise StoreError(f"{path.name} exists already: a run is never written over another")
        with writing("the run store"), appearing(path, path) as folder:
            make_group(folder, {**attributes, "tick_h": layout.clock.tick_h})
            make_series(folder, layout)
            make_maps(folder, layout)
            make_geometry(folder, layout)
            make_group(folder / schema.CELLS_GROUP, {"long_name": "grafted cells at the recording days"})
            make_group(folder / schema.AXONS_GROUP, {"long_name": "axons at the recording days"})
            gather_metadata(folder)
            series = {variable.name: np.full(len(layout.series_ticks), np.nan) for variable in layout.series}
            series[schema.TICK] = np.asarray(layout.series_ticks)
            series[schema.TIME] = np.full(len(layout.series_ticks), np.nan)
            store = cls(
                path,
                layout.clock.tick_h,
                series,
                np.asarray(layout.map_ticks),
                np.full(len(layout.map_ticks), np.nan),
                {variable.name: variable.keepbits for variable in layout.maps},
            )
        return store

    @classmethod
    def reopen(cls, path: Path, tick: int) -> RunStore:
        """Open an unfinished store and take back everything later than `tick`.

        Frames after `tick` lose their time, snapshots after it are removed; the run then writes them again.

        Raises
        ------
        StoreError
            If there is no store, or it cannot be written.
        """
        if not path.is_dir():
            raise StoreError(f"there is no {path.name} to go on with")
        restore_packing(path)
        with writing("the run store"):
            shutil.rmtree(path.parent / STAGING_NAME, ignore_errors=True)
            store = cls._open(path)
            if max(store.map_ticks, default=tick) > tick:
                unpack_maps(path)
            later = np.asarray(store.series_ticks) > tick
            store._times[later] = np.nan
            for values in store._values.values():
                values[later] = np.nan
            store._map_times[np.asarray(store.map_ticks) > tick] = np.nan
            # A frame loses its time before it loses anything else: a kill in here leaves no frame of nothing.
            store._mark_series()
            store._mark_maps()
            store.flush()
            for group in (schema.CELLS_GROUP, schema.AXONS_GROUP):
                for member in sorted(folder for folder in (path / group).iterdir() if folder.is_dir()):
                    if not _stays(member, tick):
                        _vanish(path, member)
            store.consolidate()
        return store

    @classmethod
    def _open(cls, path: Path) -> RunStore:
        import zarr

        root: Any = zarr.open_group(str(path), mode="r", use_consolidated=False)
        maps = root[schema.MAPS_GROUP]
        return cls(
            path,
            float(root.attrs["tick_h"]),
            {name: np.asarray(array[...]) for name, array in root[schema.SERIES_GROUP].arrays()},
            np.asarray(maps[schema.TICK][...]),
            np.asarray(maps[schema.TIME][...]),
            {name: array.attrs.get(schema.KEEPBITS) for name, array in maps.arrays() if array.ndim > 1},
        )

    # ---------------------------------------------------------------- writing
    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the root."""
        return read_attributes(self.path)

    def update_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Change attributes of the root; consolidated metadata follows."""
        with writing("the attributes of the run", self.kept):
            update_attributes(self.path, attributes)
            self.consolidate()

    @property
    def kept(self) -> str:
        """What is safe on disk, as a sentence."""
        if self._last_day is None:
            return "no recorded day is complete yet"
        return f"everything up to day {self._last_day:g} is kept and can be read"

    def day(self, tick: int) -> float:
        """Return the time of a tick, days since the injury."""
        return Clock(self._tick_h, 0).days(tick)

    def write_series(self, index: int, tick: int, values: Mapping[str, float]) -> None:
        """Take one row of the series; it is on disk after the next `flush`.

        Parameters
        ----------
        index : int
            Frame, in the order of `series_ticks`.
        tick : int
        values : mapping
            One number per variable of the series.
        """
        if self.series_ticks[index] != tick:
            raise ValueError(f"frame {index} of the series is tick {self.series_ticks[index]}, not {tick}")
        for name, column in self._values.items():
            column[index] = values[name]
        self._times[index] = self.day(tick)

    def series(self) -> dict[str, Array]:
        """Return the series in memory, time and tick included, without frames that were not reached."""
        have = np.isfinite(self._times)
        ticks = np.asarray(self.series_ticks)
        columns = {schema.TICK: ticks, schema.TIME: self._times, **self._values}
        return {name: column[have] for name, column in columns.items()}

    def flush(self) -> None:
        """Write the series that are in memory, their time last."""
        with writing("the series", self.kept):
            group = self.path / schema.SERIES_GROUP
            for name, values in self._values.items():
                open_array(group / name).write_all(values)
            self._mark_series()
        times = self._times[np.isfinite(self._times)]
        if times.size:
            self._last_day = float(np.max(times))

    def write_maps(self, index: int, tick: int, arrays: Mapping[str, Array]) -> None:
        """Write one frame of the maps, its time last.

        Parameters
        ----------
        index : int
            Frame, in the order of `map_ticks`.
        tick : int
        arrays : mapping
            Variable name -> (x, y, z).
        """
        if self.map_ticks[index] != tick:
            raise ValueError(f"frame {index} of the maps is tick {self.map_ticks[index]}, not {tick}")
        with writing(f"the maps of day {self.day(tick):g}", self.kept):
            group = self.path / schema.MAPS_GROUP
            for name, keepbits in self._keepbits.items():
                values = arrays[name] if keepbits is None else rounded(arrays[name], keepbits)
                open_array(group / name).write((index, 0, 0, 0), values[None], replaces=False)
            self._map_times[index] = self.day(tick)
            self._mark_maps()

    def _mark_series(self) -> None:
        """Write the times of the series, which say which rows are complete."""
        open_array(self.path / schema.SERIES_GROUP / schema.TIME).write_all(self._times)

    def _mark_maps(self) -> None:
        """Write the times of the maps, which say which frames are complete."""
        if self._map_times.size:
            open_array(self.path / schema.MAPS_GROUP / schema.TIME).write_all(self._map_times)

    def write_snapshot(
        self,
        group: str,
        tick: int,
        tables: Mapping[str, Mapping[str, tuple[Array, Mapping[str, Any]]]],
        dims: Mapping[str, str],
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """Write tables of unknown size as a group of their own, which appears when it is complete.

        Parameters
        ----------
        group : str
            `schema.CELLS_GROUP` or `schema.AXONS_GROUP`.
        tick : int
        tables : mapping
            Name of the subgroup ("" for the group itself) -> column -> (values (n,), attributes).
        dims : mapping
            "SUBGROUP/COLUMN" or "SUBGROUP" -> name of the dimension.
        attributes : mapping, optional
            Attributes of each subgroup.

        Returns
        -------
        str
            Path of the group in the store.
        """
        place = f"{group}/{schema.day_group(tick * self._tick_h)}"
        marker = {schema.TICK: tick, "day": self.day(tick), schema.COMPLETE: 1}
        with writing(f"the snapshot {place}", self.kept), appearing(self.path, self.path / place) as folder:
            make_group(folder, marker)
            for name, columns in tables.items():
                found = dict((attributes or {}).get(name, {}))
                member = make_group(folder / name, found) if name else folder
                for column, (values, attrs) in columns.items():
                    dim = dims.get(f"{name}/{column}", dims.get(name, schema.ROW))
                    put_array(member, column, values, (dim,), attrs)
        return place

    def write_geometry(self, arrays: Mapping[str, Array]) -> None:
        """Write static maps anew: some of them exist only once the injury has happened."""
        with writing("the static maps", self.kept):
            for name, values in arrays.items():
                open_array(self.path / schema.GEOMETRY_GROUP / name).write_all(values)

    def write_group(
        self, name: str, arrays: Mapping[str, tuple[Array, tuple[str, ...], Mapping[str, Any]]]
    ) -> None:
        """Write a static group: array name -> (values, dimension names, attributes)."""
        with writing(f"the group {name}", self.kept), appearing(self.path, self.path / name) as folder:
            make_group(folder)
            for array, (values, dims, attrs) in arrays.items():
                put_array(folder, array, values, dims, attrs)

    def consolidate(self) -> None:
        """Gather all metadata in one file, so that a reader opens one instead of hundreds.

        Done when the store is made, reopened and finished, not after each snapshot, which would cost more than the
        snapshot: until then a reader that trusts the gathered metadata does not see the newest snapshots.
        """
        with writing("the metadata of the run", self.kept):
            gather_metadata(self.path)

    def pack(self) -> bool:
        """Put the frames of each map into few files, where that saves a good many; returns whether it was done."""
        if not self.worth_packing:
            return False
        with writing("the packed maps", self.kept):
            if is_packed(self.path):  # by a run that was killed just after
                return False
            pack_maps(self.path)
            self.consolidate()
        return True

    @property
    def worth_packing(self) -> bool:
        """Whether packing saves a good many files."""
        return (len(self.map_ticks) - 1) * len(self._keepbits) >= WORTH_PACKING


@contextmanager
def appearing(store: Path, target: Path) -> Iterator[Path]:
    """Yield a path beside the store for a group in the making; it takes its place in one step when it is complete."""
    aside = store.parent / STAGING_NAME
    shutil.rmtree(aside, ignore_errors=True)
    try:
        yield aside
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)  # the disk is full, perhaps of this
        raise
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(target)


def _vanish(store: Path, group: Path) -> None:
    """Remove a group in one step, as far as a reader can see."""
    aside = store.parent / STAGING_NAME
    shutil.rmtree(aside, ignore_errors=True)
    group.rename(aside)
    shutil.rmtree(aside)


def _stays(snapshot: Path, tick: int) -> bool:
    """Whether a snapshot is complete and not later than `tick`."""
    try:
        attributes = read_attributes(snapshot)
    except (FileNotFoundError, ValueError):  # cut off before its first document, or in it
        return False
    return bool(attributes.get(schema.COMPLETE)) and int(attributes[schema.TICK]) <= tick
