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
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft.core.clock import Clock
from cordgraft.record.arrays import Layout, make_geometry, make_maps, make_series, put_array, rounded
from cordgraft.record.files import StoreError, writing
from cordgraft.record.packing import count_files, pack_maps, restore_packing

Array = NDArray[Any]


class RunStore:
    """Writer of ``run.zarr``; make one with `create` or `reopen`.

    Parameters
    ----------
    path : Path
        The directory ``run.zarr``.
    root : zarr.Group
        Opened for writing.
    """

    def __init__(self, path: Path, root: Any) -> None:
        self.path = path
        self._root = root
        self._series: dict[str, Any] = dict(root[schema.SERIES_GROUP].arrays())
        self._maps: dict[str, Any] = dict(root[schema.MAPS_GROUP].arrays())
        #: Series in memory: name -> (frames,) float64.
        self._values: dict[str, Array] = {
            name: np.asarray(a[...])
            for name, a in self._series.items()
            if name not in (schema.TICK, schema.TIME)
        }
        self._times: Array = np.asarray(self._series[schema.TIME][...])
        self.series_ticks: tuple[int, ...] = tuple(int(t) for t in self._series[schema.TICK][...])
        self.map_ticks: tuple[int, ...] = tuple(int(t) for t in self._maps[schema.TICK][...])
        self._tick_h = float(root.attrs["tick_h"])
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
        import zarr

        if path.exists():
            raise StoreError(f"{path.name} exists already: a run is never written over another")
        with writing("the run store"):
            root = zarr.open_group(str(path), mode="w-", zarr_format=3)
            root.attrs.update({**attributes, "tick_h": layout.clock.tick_h})
            make_series(root, layout)
            make_maps(root, layout)
            make_geometry(root, layout)
            root.create_group(schema.CELLS_GROUP).attrs.update(
                {"long_name": "grafted cells at the recording days"}
            )
            root.create_group(schema.AXONS_GROUP).attrs.update({"long_name": "axons at the recording days"})
            store = cls(path, root)
            store.consolidate()
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
        import zarr

        if not path.is_dir():
            raise StoreError(f"there is no {path.name} to go on with")
        restore_packing(path)
        with writing("the run store"):
            root: Any = zarr.open_group(str(path), mode="r+", use_consolidated=False)
            store = cls(path, root)
            store._times[np.asarray(store.series_ticks) > tick] = np.nan
            for values in store._values.values():
                values[np.asarray(store.series_ticks) > tick] = np.nan
            store.flush()
            times = store._maps[schema.TIME]
            marks = np.asarray(times[...])
            marks[np.asarray(store.map_ticks) > tick] = np.nan
            times[...] = marks
            for group in (schema.CELLS_GROUP, schema.AXONS_GROUP):
                for name, member in list(root[group].groups()):
                    if int(member.attrs.get(schema.TICK, tick + 1)) > tick or not member.attrs.get(
                        schema.COMPLETE
                    ):
                        shutil.rmtree(path / group / name)
            store.consolidate()
        return store

    # ---------------------------------------------------------------- writing
    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the root."""
        return dict(self._root.attrs)

    def update_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Change attributes of the root; consolidated metadata follows."""
        with writing("the attributes of the run", self.kept):
            self._root.attrs.update(attributes)
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
            for name, values in self._values.items():
                self._series[name][...] = values
            self._series[schema.TIME][...] = self._times
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
            for name, target in self._maps.items():
                if name in arrays:
                    keepbits = target.attrs.get(schema.KEEPBITS)
                    values = arrays[name]
                    target[index] = (
                        values.astype(target.dtype) if keepbits is None else rounded(values, keepbits)
                    )
            self._maps[schema.TIME][index] = self.day(tick)

    def write_snapshot(
        self,
        group: str,
        tick: int,
        tables: Mapping[str, Mapping[str, tuple[Array, Mapping[str, Any]]]],
        dims: Mapping[str, str],
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """Write tables of unknown size as a group of their own, its marker last.

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
        with writing(f"the snapshot {place}", self.kept):
            parent = self._root.create_group(place, overwrite=True)
            for name, columns in tables.items():
                member = parent.create_group(name) if name else parent
                member.attrs.update(dict((attributes or {}).get(name, {})))
                for column, (values, attrs) in columns.items():
                    dim = dims.get(f"{name}/{column}", dims.get(name, schema.ROW))
                    put_array(member, column, values, (dim,), attrs)
            parent.attrs.update({schema.TICK: tick, "day": self.day(tick), schema.COMPLETE: 1})
        return place

    def write_geometry(self, arrays: Mapping[str, Array]) -> None:
        """Write static maps anew: some of them exist only once the injury has happened."""
        with writing("the static maps", self.kept):
            group = self._root[schema.GEOMETRY_GROUP]
            for name, values in arrays.items():
                group[name][...] = values

    def write_group(
        self, name: str, arrays: Mapping[str, tuple[Array, tuple[str, ...], Mapping[str, Any]]]
    ) -> None:
        """Write a static group: array name -> (values, dimension names, attributes)."""
        with writing(f"the group {name}", self.kept):
            group = self._root.create_group(name, overwrite=True)
            for array, (values, dims, attrs) in arrays.items():
                put_array(group, array, values, dims, attrs)

    def consolidate(self) -> None:
        """Gather all metadata in one file, so that a reader opens one instead of hundreds.

        Done when the store is made, reopened and finished, not after each snapshot, which would cost more than the
        snapshot: until then a reader that trusts the gathered metadata does not see the newest snapshots.
        """
        import zarr

        with warnings.catch_warnings():
            # Consolidated metadata is an accepted extension of Zarr v3 that not every reader knows; those read on
            # without it.
            warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
            zarr.consolidate_metadata(str(self.path), zarr_format=3)

    def pack(self) -> int:
        """Put the frames of each map into few files; returns by how many files the store shrank."""
        if len(self.map_ticks) < 2:
            return 0
        before = count_files(self.path)
        with writing("the packed maps", self.kept):
            pack_maps(self.path, self._root)
            self._maps = {}
            self.consolidate()
        return before - count_files(self.path)
