"""A finished (or interrupted) run as figures need it: frames on planes, tables in millimetres, series in days.

Nothing is interpolated: a frame is a recorded map, a cell table or a set of axon paths of one recording day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core import schema
from cordgraft_analysis.reading import open_run, read_events

Array = NDArray[np.float64]

#: Tissue classes that make a voxel lesion when they fill at least half of its dry tissue.
LESION_CLASSES: tuple[str, ...] = ("necrosis", "cavity", "scar", "graft", "blood")

#: How the text of an event ends that tells the end of a drug.
ENDINGS: tuple[str, ...] = (" ends", " is used up")
#: What the text of the event of a graft says first: dose and line.
_GRAFT = re.compile(r"([\d,]+) cells of line (\S+) ")
#: Events that are not drawn as treatments.
NO_TREATMENT: frozenset[str] = frozenset(
    {"injury", "subject", "examination", "start", "end", "resumed", "checkpoint", "interrupted"}
)


@dataclass(frozen=True)
class Cells:
    """The grafted cells of one day.

    Parameters
    ----------
    xyz_mm : (n, 3) float64, mm
    kind : (n,) int
        Index into `schema.KINDS`.
    weight : (n,) float64
        Living cells of the whole cord per row.
    """

    xyz_mm: Array
    kind: NDArray[np.int64]
    weight: Array


@dataclass(frozen=True)
class Paths:
    """Axon paths of one day as polylines.

    Parameters
    ----------
    tract : (n,) of str
        One per polyline.
    points_mm : list of (k, 3) float64, mm
    grown : list of (k,) bool
        Whether a point was laid by a growth cone (else it is the path from before the injury).
    axon : (n,) uint64
        Identity of the axon; a stem and its branches share it.
    weight : (n,) float64
        Real axons per simulated one.
    """

    tract: NDArray[np.str_]
    points_mm: list[Array]
    grown: list[NDArray[np.bool_]]
    axon: NDArray[np.uint64]
    weight: Array

    def only_grown(self) -> Paths:
        """Return the parts that growth cones laid, each with the point it left from."""
        kept: list[int] = []
        parts: list[Array] = []
        for row, grown in enumerate(self.grown):
            if grown.any():
                first = max(int(np.argmax(grown)) - 1, 0)
                kept.append(row)
                parts.append(self.points_mm[row][first:])
        laid = [np.ones(part.shape[0], dtype=bool) for part in parts]
        return Paths(self.tract[kept], parts, laid, self.axon[kept], self.weight[kept])


@dataclass(frozen=True)
class Frame:
    """What was recorded of one day: maps by variable name (x, y, z), and the tables where they exist."""

    day: float
    maps: Mapping[str, Array]
    cells: Cells | None
    paths: Paths | None

    def fractions(self) -> dict[str, Array]:
        """Return the dry tissue fractions by class, each (x, y, z)."""
        start = "fraction_"
        return {name[len(start) :]: values for name, values in self.maps.items() if name.startswith(start)}

    def lesion(self) -> Array:
        """Return the share of lesion tissue per voxel (x, y, z)."""
        shares = self.fractions()
        present = [shares[name] for name in LESION_CLASSES if name in shares]
        return np.sum(present, axis=0) if present else np.zeros(next(iter(self.maps.values())).shape)


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day: a treatment, a scan."""

    day: float
    label: str
    is_graft: bool
    is_end: bool = False


@dataclass
class RunView:
    """One run directory, read on demand.

    Parameters
    ----------
    directory : Path
        Holds ``run.zarr``.
    tree : xarray.DataTree
        The opened store.
    """

    directory: Path
    tree: Any
    _frames: dict[int, Frame] = field(default_factory=dict, repr=False)

    # ---------------------------------------------------------------- what the run was
    @property
    def attrs(self) -> Mapping[str, Any]:
        """Root attributes of the store (provenance)."""
        found: Mapping[str, Any] = self.tree.attrs
        return found

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.attrs.get("name") or self.directory.name)

    @property
    def title(self) -> str:
        """Title of the scenario."""
        return str(self.attrs.get("title") or self.name)

    @property
    def seed(self) -> int | None:
        """Seed of the run."""
        return int(self.attrs["seed"]) if "seed" in self.attrs else None

    @cached_property
    def setting(self) -> dict[str, Any]:
        """Species, preset, cord size, cells per simulated cell."""
        return dict(self.attribute("setting", {}))

    def attribute(self, name: str, default: Any) -> Any:
        """Return a structured root attribute, or `default` where it is missing."""
        value = self.attrs.get(name, default)
        return json.loads(value) if isinstance(value, str) else value

    @property
    def species(self) -> str:
        """Species of the host."""
        return str(self.setting.get("species", ""))

    @cached_property
    def cautions(self) -> list[str]:
        """What the reader of any result must know, one sentence each."""
        return [str(caution) for caution in self.attribute("cautions", [])]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """``summary.json``, empty where the run did not get that far."""
        path = self.directory / schema.SUMMARY_NAME
        if not path.is_file():
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
        return dict(found) if isinstance(found, dict) else {}

    @property
    def status(self) -> str:
        """State of the run in a word: finished, interrupted, ..."""
        return str(self.attrs.get("status", "unknown"))

    # ---------------------------------------------------------------- space
    @cached_property
    def axes_mm(self) -> tuple[Array, Array, Array]:
        """Voxel centres along x, y and z, mm."""
        group = self.tree[schema.GEOMETRY_GROUP]
        x, y, z = (np.asarray(group[axis].values, dtype=np.float64) / 1000.0 for axis in schema.SPACE)
        return x, y, z

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel edges, mm; of a flat axis the thickness of the slab."""
        group = self.tree[schema.GEOMETRY_GROUP]
        x, y, z = (float(group[axis].attrs["spacing"]) / 1000.0 for axis in schema.SPACE)
        return x, y, z

    @property
    def is_volume(self) -> bool:
        """Whether the run is three-dimensional."""
        return self.axes_mm[0].size > 1

    @cached_property
    def cord(self) -> NDArray[np.bool_]:
        """Voxels of the cord (x, y, z)."""
        return np.asarray(self.tree[schema.GEOMETRY_GROUP]["map_cord"].values) > 0

    @cached_property
    def lesion_mask(self) -> Array | None:
        """Share of each voxel inside the lesion that was painted on the scan (x, y, z); None without a scan."""
        group = self.tree[schema.GEOMETRY_GROUP]
        if "map_lesion_mask" not in group:
            return None
        found = np.asarray(group["map_lesion_mask"].values, dtype=np.float64)
        return found if (found > 0.0).any() else None

    # ---------------------------------------------------------------- time
    @cached_property
    def series(self) -> Any:
        """The outcomes over time (xarray.Dataset)."""
        return self.tree[schema.SERIES_GROUP].to_dataset().load()

    @cached_property
    def days(self) -> Array:
        """Days of the series."""
        return np.asarray(self.series[schema.TIME].values, dtype=np.float64)

    def values(self, name: str) -> Array | None:
        """Return one outcome over `days`, or None where the run does not have it or it was never defined."""
        if name not in self.series:
            return None
        found = np.asarray(self.series[name].values, dtype=np.float64)
        return found if np.isfinite(found).any() else None

    def last(self, name: str) -> float:
        """Return the last defined value of an outcome, NaN where there is none."""
        found = self.values(name)
        return float("nan") if found is None else float(found[np.isfinite(found)][-1])

    @cached_property
    def planned_days(self) -> float:
        """Length of the run as it was planned, days; 0 where it is not known."""
        return float(self.setting.get("duration_days", 0.0))

    def host_weights(self) -> list[float]:
        """Return how many real fibres a simulated host fibre stands for, one number per tract and weight."""
        if not self.map_days.size:
            return []
        paths = self.frame(self.map_days.size - 1).paths
        if paths is None:
            return []
        return sorted(set(np.round(paths.weight[paths.tract != "graft"], 6).tolist()))

    @cached_property
    def map_days(self) -> Array:
        """Days of which maps were recorded completely, in order."""
        group = self.tree[schema.MAPS_GROUP]
        return np.asarray(group[schema.TIME].values if schema.TIME in group else [], dtype=np.float64)

    @cached_property
    def marks(self) -> list[Mark]:
        """Treatments in order of their day; the injury itself is day 0 of every axis."""
        named = {
            (event.day, event.name, event.text.endswith(ENDINGS)) for event in read_events(self.directory)
        }
        marks = [
            Mark(day, name, is_graft=abs(day - self.graft_day) < 1e-6 and not is_end, is_end=is_end)
            for day, name, is_end in sorted(named)
            if name.split(".")[-1] not in NO_TREATMENT
        ]
        if np.isfinite(self.graft_day) and not any(mark.is_graft for mark in marks):
            # The log may have been cut off; the cells themselves say when they came.
            marks.append(Mark(self.graft_day, "graft", is_graft=True))
        return sorted(marks, key=lambda mark: mark.day)

    @cached_property
    def grafts(self) -> list[tuple[str, float, str]]:
        """Name, dose (cells) and line of every graft that was given, as the run logged them."""
        logged = ((event.name, _GRAFT.match(event.text)) for event in read_events(self.directory))
        return [(name, float(found[1].replace(",", "")), found[2]) for name, found in logged if found]

    @cached_property
    def graft_day(self) -> float:
        """Day of the first delivery of cells; NaN where there was none."""
        known = self.summary.get("graft_day")
        if known is not None:
            return float(known)
        delivered = self.values("graft_delivered")
        return float("nan") if delivered is None else float(self.days[np.isfinite(delivered)][0])

    @cached_property
    def epicentre_mm(self) -> float:
        """Place of least spared white matter at the end, mm; the middle of the injury where it is not known."""
        value = self.last("lesion_epicentre_um")
        return value / 1000.0 if np.isfinite(value) else 0.0

    # ---------------------------------------------------------------- frames
    def frame(self, index: int) -> Frame:
        """Return the recorded frame number `index` of `map_days`."""
        if index not in self._frames:
            group = self.tree[schema.MAPS_GROUP]
            day = float(group[schema.TIME].values[index])
            maps = {
                str(name): np.asarray(variable.isel({schema.TIME: index}).values, dtype=np.float64)
                for name, variable in group.data_vars.items()
                if schema.TIME in variable.dims and set(schema.SPACE) <= set(variable.dims)
            }
            word = schema.day_group(day * 24.0)
            self._frames[index] = Frame(day, maps, self._cells(word), self._paths(word))
        return self._frames[index]

    def _snapshot(self, group: str, word: str) -> Any:
        """Return a snapshot node, or None where it is missing (the reader leaves out unfinished ones)."""
        if group not in self.tree.children or word not in self.tree[group].children:
            return None
        return self.tree[group][word]

    def _cells(self, word: str) -> Cells | None:
        node = self._snapshot(schema.CELLS_GROUP, word)
        if node is None:
            return None
        xyz = np.stack([np.asarray(node[axis].values, dtype=np.float64) for axis in schema.SPACE], axis=1)
        return Cells(
            xyz_mm=xyz / 1000.0,
            kind=np.asarray(node["kind"].values, dtype=np.int64),
            weight=np.asarray(node["weight"].values, dtype=np.float64),
        )

    def _paths(self, word: str) -> Paths | None:
        node = self._snapshot(schema.AXONS_GROUP, word)
        if node is None or schema.PATHS not in node.children:
            return None
        paths = node[schema.PATHS]
        sizes = np.asarray(paths[schema.ROW_SIZE].values, dtype=np.int64)
        cuts = np.cumsum(sizes)[:-1]
        xyz = (
            np.stack([np.asarray(paths[axis].values, dtype=np.float64) for axis in schema.SPACE], axis=1)
            / 1000.0
        )
        grown = np.asarray(paths["grown"].values) > 0
        return Paths(
            tract=flag_words(paths["tract"]),
            points_mm=list(np.split(xyz, cuts)) if sizes.size else [],
            grown=list(np.split(grown, cuts)) if sizes.size else [],
            axon=np.asarray(paths["id"].values, dtype=np.uint64),
            weight=np.asarray(paths["weight"].values, dtype=np.float64),
        )


def open_view(directory: str | Path) -> RunView:
    """Open a run directory for drawing.

    Raises
    ------
    BadInput
        If it holds no run, or one of another layout.
    """
    return RunView(Path(directory), open_run(directory))


def flag_words(variable: Any) -> NDArray[np.str_]:
    """Return the codes of a variable in words, from its CF flags."""
    values = np.asarray(variable.values, dtype=np.int64)
    meanings = str(variable.attrs["flag_meanings"]).split()
    codes = np.asarray(variable.attrs["flag_values"], dtype=np.int64)
    table = dict(zip(codes.tolist(), meanings, strict=True))
    return np.array([table[int(value)] for value in values], dtype=np.str_)
