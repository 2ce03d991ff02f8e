"""The tissue: every array of a run under one roof, each with a name and a spec.

Groups of names
---------------
``map``       static maps of the cord (x, y, z)
``fraction``  dry tissue fractions (x, y, z), sum 1 inside the cord
``density``   host cells and matrix that do not diffuse (x, y, z)
``field``     diffusing, bound and steady fields (x, y, z); those that are advanced together share one buffer
``source``    what was deposited into a field since its last step, unit of the field per hour
``lattice``   fields on lattices of their own, which may be coarser (block x, block y, block z)
``transfer``  what was asked to move between two fractions in this tick
``scalar``    numbers of the whole subject, shape ()
tables        ``cell``, ``fibre``, ``cone``, ``segment``, ``synapse``: columns of agents
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.clock import Clock
from cordgraft.core.contract import ArraySpec, FieldSpec, TransferSpec, matches
from cordgraft.core.lattice import Lattice
from cordgraft.state.courses import Course
from cordgraft.state.table import Table

Array = NDArray[Any]

#: Groups that are tables of agents, with the columns that state itself declares.
TABLES: tuple[str, ...] = ("cell", "fibre", "cone", "segment", "synapse")
#: Groups with one value per voxel.
GRIDS: tuple[str, ...] = ("map", "fraction", "density", "field", "source", "transfer")


@dataclasses.dataclass(frozen=True)
class Setting:
    """What never changes during a run and is needed to read the numbers.

    Parameters
    ----------
    species, preset : str
        For example ``human`` and ``human_cervical``.
    cord_diameter_um : (left-right, antero-posterior)
    cells_per_agent : int
        Living cells that one simulated cell stands for.
    seed : int
        Key of all random numbers.
    segment_um : float
        Length of a spinal segment, um.
    level : str
        Name of the injured segment (C5, T9, ...).
    immune_system : str
        ``intact``, ``deficient`` or ``suppressed``: whether the host can reject a graft.
    """

    species: str
    preset: str
    cord_diameter_um: tuple[float, float]
    cells_per_agent: int = 1
    seed: int = 0
    segment_um: float = 1300.0
    level: str = "T9"
    immune_system: str = "deficient"


class Tissue:
    """All state of a run.

    Parameters
    ----------
    lattice : Lattice
    clock : Clock
    setting : Setting
    specs : iterable of ArraySpec
        Everything that the state and the active processes declare.
    transfers : iterable of TransferSpec
    """

    def __init__(
        self,
        lattice: Lattice,
        clock: Clock,
        setting: Setting,
        specs: Iterable[ArraySpec],
        transfers: Iterable[TransferSpec] = (),
    ) -> None:
        self.lattice = lattice
        self.clock = clock
        self.setting = setting
        self.specs: dict[str, ArraySpec] = {}
        columns: dict[str, list[ArraySpec]] = {name: [] for name in TABLES}
        fields: list[FieldSpec] = []
        self._arrays: dict[str, Array] = {}
        for spec in specs:
            if spec.name in self.specs:
                if self.specs[spec.name] == spec:
                    continue
                raise ValueError(f"two different specs for {spec.name}")
            self.specs[spec.name] = spec
            if isinstance(spec, FieldSpec):
                fields.append(spec)
            elif spec.group in TABLES:
                columns[spec.group].append(spec)
            elif spec.group == "lattice":
                self._arrays[spec.name] = np.zeros((0, 0, 0), dtype=spec.dtype)  # see `give_shape`
            elif spec.group == "scalar":
                self._arrays[spec.name] = np.full((), spec.initial, dtype=spec.dtype)
            else:
                self._arrays[spec.name] = np.full(lattice.shape, spec.initial, dtype=spec.dtype)
        self.tables: dict[str, Table] = {name: Table(name, group) for name, group in columns.items()}
        self._make_fields(fields)
        self.transfers: tuple[TransferSpec, ...] = tuple(dict.fromkeys(transfers))
        #: All transfers in one contiguous (transfer, x, y, z) buffer, in the order of `transfers`.
        self.transfer_buffer: Array = np.zeros((len(self.transfers), *lattice.shape))
        for index, transfer in enumerate(self.transfers):
            self._arrays[transfer.name] = self.transfer_buffer[index]
        #: Diffusivity (um2/s) and decay (1/h) in force, by field short name; set by `Process.prepare`.
        self.coefficients: dict[str, tuple[float, float]] = {
            spec.short: (spec.diffusivity_um2_s, spec.decay_per_h) for spec in fields
        }
        #: Hours for which a rate that is deposited into a source holds; set by the transport process.
        self.transport_period_h = 1.0
        #: How each field is solved, in words by column of the plan; set by `Process.prepare`.
        self.field_notes: dict[str, dict[str, str]] = {}
        #: Courses of drugs by the scalar they act through and by label; set by `Process.prepare`.
        self.courses: dict[str, dict[str, Course]] = {}

    def _make_fields(self, fields: list[FieldSpec]) -> None:
        """Fields that share the lattice share one contiguous (field, x, y, z) buffer, and so do their sources."""
        self.field_names: tuple[str, ...] = tuple(spec.short for spec in fields)
        self.diffusing: tuple[str, ...] = tuple(spec.short for spec in fields if spec.solver == "diffusing")
        shape = (len(fields), *self.lattice.shape)
        self.field_buffer: Array = np.zeros(shape)
        self.source_buffer: Array = np.zeros(shape)
        for index, spec in enumerate(fields):
            self.field_buffer[index] = spec.initial
            self._arrays[spec.name] = self.field_buffer[index]
            if spec.solver == "diffusing":
                self._arrays[f"source.{spec.short}"] = self.source_buffer[index]

    # ---------------------------------------------------------------- access by name
    def __contains__(self, name: str) -> bool:
        group, _, short = name.partition(".")
        return name in self._arrays or (group in self.tables and short in self.tables[group])

    def __getitem__(self, name: str) -> Array:
        """Return an array by full name; a view, to be written in place and never stored.

        Raises
        ------
        KeyError
            If no active process provides it.
        """
        array = self._arrays.get(name)
        if array is not None:  # some hundred times a tick: the usual case comes first
            return array
        group, _, short = name.partition(".")
        if group in self.tables:
            return self.tables[group][short]
        raise KeyError(name)

    def names(self) -> Iterator[str]:
        """Yield the full names of all arrays, table columns included."""
        yield from self._arrays
        for table in self.tables.values():
            for column in table.columns:
                yield f"{table.name}.{column}"

    def scalar(self, name: str) -> float:
        """Return ``scalar.NAME`` as a plain number."""
        return float(self._arrays[f"scalar.{name}"])

    def set_scalar(self, name: str, value: float) -> None:
        """Write ``scalar.NAME``."""
        self._arrays[f"scalar.{name}"][...] = value

    def give_shape(self, name: str, shape: tuple[int, int, int]) -> None:
        """Give an array of the group ``lattice`` its shape; one that has it already keeps its values.

        Raises
        ------
        ValueError
            For an array of another group, or one that has another shape and is in use.
        """
        array = self._arrays[name]
        if not name.startswith("lattice.") or (array.size and array.shape != shape):
            raise ValueError(f"{name} has the shape {array.shape} and cannot be given {shape}")
        if not array.size:
            self._arrays[name] = np.zeros(shape, dtype=array.dtype)

    @property
    def cells(self) -> Table:
        """The grafted cells."""
        return self.tables["cell"]

    @property
    def fibres(self) -> Table:
        """Simulated host fibres and graft axons, one row each."""
        return self.tables["fibre"]

    @property
    def cones(self) -> Table:
        """Growth cones."""
        return self.tables["cone"]

    @property
    def segments(self) -> Table:
        """Path segments of axons."""
        return self.tables["segment"]

    @property
    def synapses(self) -> Table:
        """Contacts between axons and neurons."""
        return self.tables["synapse"]

    # ---------------------------------------------------------------- copying and comparing
    def snapshot(self) -> dict[str, Array]:
        """Return a copy of every array by full name (tests, checkpoints)."""
        return {name: np.array(self[name], copy=True) for name in self.names()}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Put back what `snapshot` returned.

        Raises
        ------
        ValueError
            If the set of arrays or a shape differs: the snapshot belongs to another scenario.
        """
        missing = set(self.names()) ^ set(arrays)
        if missing:
            raise ValueError(f"the snapshot does not fit this run: {', '.join(sorted(missing)[:5])}")
        for name, array in self._arrays.items():
            if array.shape != arrays[name].shape:
                raise ValueError(
                    f"the snapshot holds {name} with shape {arrays[name].shape}, not {array.shape}"
                )
            array[...] = arrays[name]
        for table in self.tables.values():
            if table.columns:
                table.load({column: arrays[f"{table.name}.{column}"] for column in table.columns})

    def changed(self, before: Mapping[str, Array], declared: tuple[str, ...] = ()) -> list[str]:
        """Return the arrays whose bytes differ from a snapshot and that `declared` does not cover."""
        return [
            name
            for name in self.names()
            if not matches(declared, name)
            and (before[name].shape != self[name].shape or before[name].tobytes() != self[name].tobytes())
        ]

    def nbytes(self) -> int:
        """Memory held by the state, bytes."""
        grids = sum(
            a.nbytes for name, a in self._arrays.items() if name.split(".")[0] not in ("field", "source")
        )
        tables = sum(
            t.capacity * sum(np.dtype(s.dtype).itemsize for s in t.specs.values())
            for t in self.tables.values()
        )
        return int(grids + self.field_buffer.nbytes + self.source_buffer.nbytes + tables)
