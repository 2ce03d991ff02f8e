"""`RunWriter`: everything that a run leaves on disk passes through here.

The engine calls `observe` after every tick; the writer knows what is due. Small files are replaced in one step or
only appended to, the store follows the rules of `cordgraft.record.store`, so a run that is killed at any moment
can be read and, from its last checkpoint, resumed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import cordgraft
from cordgraft.core import axon_layout, schema
from cordgraft.core.contract import Process
from cordgraft.record import snapshots
from cordgraft.record.files import (
    AppendedTable,
    AppendedText,
    StoreError,
    overwrite_json,
    replace_json,
    replace_text,
    write_table,
    writing,
)
from cordgraft.record.observers import Observer, reasons
from cordgraft.record.packing import measure
from cordgraft.record.provenance import RunInfo, now, root_attributes, versions
from cordgraft.record.scene import Scene
from cordgraft.record.store import RunStore
from cordgraft.record.summary import outcomes_of, safety_of
from cordgraft.record.variables import (
    DICTIONARY_COLUMNS,
    MAP_GROUPS,
    dictionary,
    layout_of,
    sources,
    static_maps,
)
from cordgraft.state.tissue import Tissue

#: Array name -> (values, dimension names, attributes) of the map back to scanner space.
Straightening = Mapping[str, tuple[NDArray[Any], tuple[str, ...], Mapping[str, Any]]]
EVENT_COLUMNS: tuple[str, ...] = ("tick", "day", "name", "text")
_OBSERVER = "observer."
#: Words for how a run stands.
RUNNING, FINISHED, INTERRUPTED, FAILED = "running", "finished", "interrupted", "failed"


class RunWriter:
    """Writes one run directory.

    Parameters
    ----------
    directory : Path
        Made if it is missing; must not hold a run.
    info : RunInfo
    tissue : Tissue
        Before the first tick (or as restored from a checkpoint).
    processes : sequence of Process
        Active ones in running order; name the source of every variable.
    observer : Observer, optional
        One that the caller steps itself; without it the writer has its own.
    straightening : mapping, optional
        Arrays of the map back to scanner space.
    resume : (tick, state), optional
        Go on with the run in `directory` after `tick`, with the state that `checkpoint_state` returned then.

    Raises
    ------
    StoreError
        If the directory holds a run already, or cannot be written.
    """

    def __init__(
        self,
        directory: Path,
        info: RunInfo,
        tissue: Tissue,
        processes: Sequence[Process],
        *,
        observer: Observer | None = None,
        straightening: Straightening | None = None,
        resume: tuple[int, Mapping[str, Any]] | None = None,
    ) -> None:
        self.directory = directory
        self.info = info
        self.observer = observer if observer is not None else Observer(tissue, info.safety, processes)
        #: Latest row of the series, by name.
        self.latest: dict[str, float] = {}
        #: Why the maps of a finished run were not packed, if they should have been.
        self.unpacked = ""
        self._own_observer = observer is None
        self._clock = tissue.clock
        self._started_s = time.monotonic()
        self._tick = -1 if resume is None else resume[0]
        self._sources = sources(tissue, processes)
        self._scalar_specs = [spec for spec in tissue.specs.values() if spec.group == "scalar"]
        self._scalars: dict[str, float] = {}
        self._layout = layout_of(tissue, self.observer.specs, self._sources, info.series_h, info.maps_h)
        self._series_index = {tick: index for index, tick in enumerate(self._layout.series_ticks)}
        self._map_index = {tick: index for index, tick in enumerate(self._layout.map_ticks)}
        with writing("the run directory"):
            directory.mkdir(parents=True, exist_ok=True)
        if resume is None:
            self._begin(tissue, straightening)
        else:
            self._scalars = self._scalars_of(tissue)
            self._continue(resume[0], resume[1])

    # ---------------------------------------------------------------- beginning
    def _begin(self, tissue: Tissue, straightening: Straightening | None) -> None:
        attributes = root_attributes(self.info, setting_of(tissue))
        self.store = RunStore.create(self._path(schema.STORE_NAME), self._layout, attributes)
        with writing("the files of the run"):
            if straightening is not None:
                self.store.write_group(schema.STRAIGHTENING_GROUP, _with_units(straightening))
                self.store.consolidate()
            replace_text(self._path(schema.SCENARIO_NAME), self.info.scenario)
            rows = dictionary(self._layout, tissue)
            write_table(self._path(schema.DICTIONARY_NAME), DICTIONARY_COLUMNS, rows)
            self._series_csv = AppendedTable(self._path(schema.TIMESERIES_NAME), self._series_columns)
            self._events = AppendedTable(self._path(schema.EVENTS_NAME), EVENT_COLUMNS)
            self._log = AppendedText(self._path(schema.LOG_NAME), anew=True)
        self.log(f"cordgraft {cordgraft.__version__}: {self.info.title}, seed {self.info.seed}")
        for caution in self.info.cautions:
            self.log(f"caution: {caution}")
        self._status(RUNNING)

    def _continue(self, tick: int, state: Mapping[str, Any]) -> None:
        self.store = RunStore.reopen(self._path(schema.STORE_NAME), tick)
        if set(self.store.series_ticks) != set(self._series_index) or set(self.store.map_ticks) != set(
            self._map_index
        ):
            raise StoreError(
                "the run in this directory was recorded at other times than this scenario asks for"
            )
        lengths = json.loads(str(state["lengths"]))
        with writing("the files of the run"):
            self._series_csv = AppendedTable(
                self._path(schema.TIMESERIES_NAME), self._series_columns, lengths[schema.TIMESERIES_NAME]
            )
            self._events = AppendedTable(
                self._path(schema.EVENTS_NAME), EVENT_COLUMNS, lengths[schema.EVENTS_NAME]
            )
            self._log = AppendedText(self._path(schema.LOG_NAME), anew=False)
        if self._own_observer:
            self.observer.restore(
                {name[9:]: value for name, value in state.items() if name.startswith("observer.")}
            )
        history = f"{self.store.attributes['history']}; {now()}: resumed from day {self._clock.days(tick):g}"
        self.store.update_attributes({"history": history, "status": RUNNING, "ended": ""})
        series = self.store.series()
        if series[schema.TIME].size:
            self.latest = {spec.name: float(series[spec.name][-1]) for spec in self.observer.specs}
        self.log(f"resumed from day {self._clock.days(tick):g}")
        self._status(RUNNING)

    # ---------------------------------------------------------------- during the run
    def observe(self, tissue: Tissue, tick: int, values: Mapping[str, float] | None = None) -> bool:
        """Record what is due after `tick`; returns whether something was.

        Parameters
        ----------
        tissue : Tissue
        tick : int
        values : mapping, optional
            The series of this tick, if the caller has measured them already.
        """
        if self._own_observer:
            self.observer.watch(tissue, tick)
        if self._tick < 0:
            # Some static maps (place and strength of the impact) exist only once the injury has happened.
            self.store.write_geometry(static_maps(tissue))
        self._tick = tick
        self._scalars = self._scalars_of(tissue)
        index, frame = self._series_index.get(tick), self._map_index.get(tick)
        if index is not None:
            row = dict(values) if values is not None else self.observer.measure(tissue, tick)
            self.latest = row
            self.store.write_series(index, tick, row)
            with writing("the time series", self.store.kept):
                numbers = (row[spec.name] for spec in self.observer.specs)
                self._series_csv.add([tick, self._clock.days(tick), *numbers])
        if frame is not None:
            self._write_frame(tissue, frame, tick)
        if index is not None or frame is not None:
            self._status(RUNNING)
        return index is not None or frame is not None

    def _write_frame(self, tissue: Tissue, frame: int, tick: int) -> None:
        """Write tables first, then the maps, then the series, so that a complete frame has all of them."""
        memory = self.observer.memory
        edges = Scene(tissue, tick, memory).primary_edges_um
        cells = snapshots.cell_table(tissue, tick)
        self.store.write_snapshot(schema.CELLS_GROUP, tick, {"": cells}, {"": schema.ROW})
        self.store.write_snapshot(
            schema.AXONS_GROUP,
            tick,
            {
                schema.PATHS: snapshots.path_tables(tissue, tick),
                schema.CONES: snapshots.cone_table(tissue),
                schema.SYNAPSES: snapshots.synapse_table(tissue),
                axon_layout.LOST_SYNAPSES: snapshots.lost_synapse_table(tissue),
            },
            snapshots.axon_dims(),
            {schema.PATHS: snapshots.path_attributes(edges, memory.graft_edges_um)},
        )
        grids = (spec.name for spec in tissue.specs.values() if spec.group in MAP_GROUPS)
        arrays = {schema.variable_name(name): tissue[name] for name in grids}
        self.store.write_maps(frame, tick, arrays)
        self.store.flush()

    def event(self, tick: int, name: str, text: str) -> None:
        """Append a line to the event log: a treatment, an examination, something a reader should know."""
        with writing("the event log", self.store.kept):
            self._events.add([tick, self._clock.days(tick), name, text])

    def log(self, text: str) -> None:
        """Append a line with the time of day to the log."""
        with writing("the log", self.store.kept):
            self._log.write(f"{now()} {text}\n")

    def checkpoint_state(self) -> dict[str, Any]:
        """Put everything on disk and return what a resumed run needs (arrays and text, for the checkpoint)."""
        self.store.flush()
        with writing("the tables of the run", self.store.kept):
            lengths = {
                schema.TIMESERIES_NAME: self._series_csv.sync(),
                schema.EVENTS_NAME: self._events.sync(),
            }
        observer = {f"{_OBSERVER}{name}": value for name, value in self.observer.state().items()}
        return {"lengths": json.dumps(lengths), **observer}

    # ---------------------------------------------------------------- the end
    def finish(
        self, status: str = FINISHED, message: str = "", timings: Mapping[str, float] | None = None
    ) -> Path:
        """Close the run and write its summary; returns the path of the summary.

        Parameters
        ----------
        status : {"finished", "interrupted", "failed"}
        message : str
            Why, if not finished.
        timings : mapping, optional
            Wall time of parts of the run, s.
        """
        self.log(f"{status}{': ' + message if message else ''}")
        self.store.flush()
        self._close_tables()
        if status == FINISHED and self.packs:
            self._pack()
        ended = now()
        self.store.update_attributes({"status": status, "ended": ended})
        path = self._write_summary(status, message, ended, timings or {})
        with writing("the log", self.store.kept):
            self._log.close()
        self._status(status, message)
        return path

    def fail(self, message: str) -> None:
        """Leave the run as one that failed, as far as the disk still takes it.

        What failed may be the disk itself, so each part is tried on its own.
        """
        ended = now()
        steps: tuple[Callable[[], Any], ...] = (
            lambda: self.log(f"{FAILED}: {message}"),
            self.store.flush,
            self._close_tables,
            lambda: self.store.update_attributes({"status": FAILED, "ended": ended}),
            lambda: self._write_summary(FAILED, message, ended, {}),
            self._log.close,
        )
        for step in steps:
            with suppress(StoreError, OSError, ValueError):  # or it is closed already
                step()
        try:
            self._status(FAILED, message)
        except StoreError:
            with suppress(OSError):
                overwrite_json(self._path(schema.STATUS_NAME), self._standing(FAILED, ""))

    def _pack(self) -> None:
        """Pack the maps; a run is complete without it, so a disk that is too full for a copy is no failure."""
        try:
            if self.store.pack():
                self.log("packed the maps into fewer files")
        except StoreError as error:
            self.unpacked = f"{error}; the run is complete, its maps stay in a file per day"
            with suppress(StoreError):
                self.log(f"caution: {self.unpacked}")

    @property
    def packs(self) -> bool:
        """Whether the maps will be packed when the run is finished."""
        return self.info.pack and self.store.worth_packing

    def _close_tables(self) -> None:
        with writing("the tables of the run", self.store.kept):
            self._series_csv.close()
            self._events.close()

    def _write_summary(self, status: str, message: str, ended: str, timings: Mapping[str, float]) -> Path:
        path = self._path(schema.SUMMARY_NAME)
        with writing("the summary", self.store.kept):
            replace_json(path, self._summary(status, message, ended, timings))
        return path

    def _summary(self, status: str, message: str, ended: str, timings: Mapping[str, float]) -> dict[str, Any]:
        series = self.store.series()
        attributes = self.store.attributes
        memory = self.observer.memory
        graft_day = self._clock.days(memory.graft_tick) if memory.graft_tick >= 0 else math.nan
        days = series[schema.TIME]
        return {
            "what": schema.RESEARCH_SENTENCE,
            "name": self.info.name,
            "title": self.info.title,
            "status": status,
            "message": message,
            "seed": self.info.seed,
            "days": self._clock.days(self._clock.ticks),
            "reached_day": float(days[-1]) if days.size else None,
            "graft_day": graft_day,
            "setting": attributes["setting"],
            "outcomes": outcomes_of(
                self.observer.specs,
                series,
                [self._clock.days(tick) for tick in self._layout.map_ticks],
                graft_day,
            ),
            "not_defined": reasons(self.observer.specs, self.latest) if self.latest else {},
            "scalars": {
                spec.short: {
                    "value": self._scalars.get(spec.short),
                    "unit": spec.unit,
                    "meaning": spec.meaning,
                    "source": self._sources[spec.name],
                }
                for spec in self._scalar_specs
            },
            "safety": safety_of(self.observer.bounds, series, graft_day) if days.size else {},
            "cautions": list(self.info.cautions),
            "scenario_digest": self.info.digest,
            "versions": versions(),
            "commit": attributes["commit"],
            "started": attributes["started"],
            "ended": ended,
            "wall_s": {"recorded": time.monotonic() - self._started_s, **timings},
            "store": measure(self.store.path),
        }

    # ---------------------------------------------------------------- helpers
    def _scalars_of(self, tissue: Tissue) -> dict[str, float]:
        return {spec.short: float(tissue[spec.name]) for spec in self._scalar_specs}

    def _path(self, name: str) -> Path:
        return self.directory / name

    @property
    def _series_columns(self) -> list[str]:
        return ["tick", "day", *(spec.name for spec in self.observer.specs)]

    def _status(self, status: str, message: str = "") -> None:
        path = self._path(schema.STATUS_NAME)
        with writing("the status", self.store.kept):
            replace_json(path, self._standing(status, message), durable=status != RUNNING)

    def _standing(self, status: str, message: str) -> dict[str, Any]:
        ticks = self._clock.ticks
        return {
            "status": status,
            "message": message,
            "tick": self._tick,
            "ticks": ticks,
            "day": self._clock.days(max(self._tick, 0)),
            "days": self._clock.days(ticks),
            "share": (self._tick + 1) / (ticks + 1),
            "updated": now(),
        }


def _with_units(arrays: Straightening) -> Straightening:
    """Return arrays whose unit, where nobody states it, is the suffix of their name (``arc_mm``, ``bend_per_mm``)."""
    suffixes = {"_per_mm": "1/mm", "_mm": "mm", "_um": "um"}
    found = {}
    for name, (values, dims, attributes) in arrays.items():
        unit = next((unit for suffix, unit in suffixes.items() if name.endswith(suffix)), "1")
        found[name] = (values, dims, {"units": unit, **attributes})
    return found


def observer_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a checkpoint's state that belongs to the observer (`Observer.restore` takes it)."""
    return {
        name.removeprefix(_OBSERVER): value for name, value in state.items() if name.startswith(_OBSERVER)
    }


def setting_of(tissue: Tissue) -> dict[str, Any]:
    """Return what a reader needs to interpret the numbers: subject, geometry, factors between counts."""
    setting, lattice = tissue.setting, tissue.lattice
    left_right, antero_posterior = setting.cord_diameter_um
    return {
        "species": setting.species,
        "preset": setting.preset,
        "level": setting.level,
        "section": lattice.is_section,
        "cord_diameter_um": [left_right, antero_posterior],
        "elliptic_extrusion_ratio": left_right / antero_posterior,
        "segment_um": setting.segment_um,
        "cells_per_agent": setting.cells_per_agent,
        "shape": list(lattice.shape),
        "spacing_um": list(lattice.spacing_um),
        "tick_h": tissue.clock.tick_h,
        "duration_days": tissue.clock.duration_h / 24.0,
    }
