"""What processes touch, against what they declare, and what may follow from one of them according to that.

Two instruments. *Watching*: a tissue and its tables are given classes that note every name a process asks for.
*Explaining*: from declared reads and writes it follows which arrays may differ between two runs after a tick, given
those that differed before it, and which may ever differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft import CordModel
from cordgraft.core.contract import Process, matches
from cordgraft.engine.pipeline import Row
from cordgraft.processes.transport import FIELDS, Transport, written
from cordgraft.state.table import Table
from cordgraft.state.tissue import Tissue

#: What stands for the number and the order of the rows of a table.
ROWS = "rows"


# ---------------------------------------------------------------------------------------------- watching
class WatchedTissue(Tissue):
    """A tissue that notes which arrays are asked for, while `touched` is a set."""

    touched: set[str] | None = None

    def note(self, name: str) -> None:
        """Note one name."""
        if self.touched is not None:
            self.touched.add(name)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Note and return an array."""
        self.note(name)
        return super().__getitem__(name)

    def __contains__(self, name: str) -> bool:
        """Note and say whether there is such an array: who asks wants to know what is in it."""
        self.note(name)
        return super().__contains__(name)

    def scalar(self, name: str) -> float:
        """Note and return a scalar."""
        self.note(f"scalar.{name}")
        return super().scalar(name)

    def set_scalar(self, name: str, value: float) -> None:
        """Note and write a scalar."""
        self.note(f"scalar.{name}")
        super().set_scalar(name, value)


class WatchedTable(Table):
    """A table that notes which columns are asked for, and whether its rows are counted, added, dropped or sorted."""

    tissue: WatchedTissue

    def __getitem__(self, column: str) -> NDArray[Any]:
        """Note and return a column."""
        self.tissue.note(f"{self.name}.{column}")
        return super().__getitem__(column)

    def __len__(self) -> int:
        """Note and return the number of rows."""
        self.tissue.note(f"{self.name}.{ROWS}")
        return super().__len__()

    def _every_column(self) -> None:
        for column in self.columns:
            self.tissue.note(f"{self.name}.{column}")

    def add(self, rows: int, **values: Any) -> slice:
        """Note and append rows."""
        self._every_column()
        return super().add(rows, **values)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Note and drop rows."""
        self._every_column()
        super().keep(mask)

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Note and sort rows."""
        self._every_column()
        super().reorder(order)


def watched(tissue: Tissue) -> WatchedTissue:
    """Make a tissue note what is asked of it, from now on; the same object, nothing is copied."""
    assert type(tissue) is Tissue, "a tissue of another class may go round the notes"
    tissue.__class__ = WatchedTissue
    assert isinstance(tissue, WatchedTissue)
    for table in tissue.tables.values():
        table.__class__ = WatchedTable
        table.tissue = tissue  # type: ignore[attr-defined]
    return tissue


def noted[**P](function: Callable[P, Any], tissue: WatchedTissue, names: set[str]) -> Callable[P, Any]:
    """Return a function that does the same and adds what it touches to `names`."""

    def call(*arguments: P.args, **keywords: P.kwargs) -> Any:
        tissue.touched = names
        try:
            return function(*arguments, **keywords)
        finally:
            tissue.touched = None

    return call


def sees(kind: type[Process], name: str) -> bool:
    """Whether a process declares that an array has to do with it; rows of a table are seen by who names a column."""
    declared = (*kind.reads, *kind.optional_reads, *kind.writes, *kind.deposits)
    group, _, short = name.partition(".")
    if short == ROWS:
        return any(one.startswith(f"{group}.") for one in declared)
    return matches(declared, name)


# -------------------------------------------------------------------------------------------- the course
@dataclass
class Course:
    """One run, tick by tick.

    Parameters
    ----------
    model : CordModel
        At the end of the run.
    digests : list of dict
        Name -> digest of the bytes of every array: before the first tick and after each.
    touched, prepared : dict
        Label of a process -> names that it asked for in any step, and while it was prepared.
    unsettled : list of str
        What is no array, belongs to the tissue and is no longer what it was before the first tick.
    founders : dict
        Identity of each founder -> voxel at the end of the tick in which there were cells for the first time.
    """

    model: CordModel
    digests: list[dict[str, bytes]] = field(default_factory=list)
    touched: dict[str, set[str]] = field(default_factory=dict)
    prepared: dict[str, set[str]] = field(default_factory=dict)
    unsettled: list[str] = field(default_factory=list)
    founders: dict[int, int] = field(default_factory=dict)

    @property
    def tissue(self) -> Tissue:
        """The tissue at the end of the run."""
        return self.model.tissue


def follow(settings: Mapping[str, str]) -> Course:
    """Run the mouse scenario with some settings and return its course."""
    model = CordModel("mouse_subacute_graft", settings=dict(settings))
    course = Course(model)
    tissue = watched(model.tissue)
    for row in model.pipeline.rows:
        process = row.process
        label = process.label
        course.touched[label], course.prepared[label] = set(), set()
        process.prepare = noted(process.prepare, tissue, course.prepared[label])  # type: ignore[method-assign]
        process.step = noted(process.step, tissue, course.touched[label])  # type: ignore[method-assign]
    model.pipeline.prepare(tissue)  # once more, as after a restart: for the notes
    course.digests.append(digests(tissue))
    settled = settings_of(tissue)
    while model.running:
        model.step()
        course.digests.append(digests(tissue))
        if not course.founders and len(tissue.cells):
            course.founders = dict(zip(tissue["cell.id"].tolist(), tissue["cell.site"].tolist(), strict=True))
    now = settings_of(tissue)
    course.unsettled = [name for name in settled.keys() | now.keys() if settled.get(name) != now.get(name)]
    return course


def settings_of(tissue: Tissue) -> dict[str, str]:
    """Return what a tissue holds beside its arrays, in words: coefficients of fields, courses of drugs, periods."""
    arrays = ("_arrays", "tables", "field_buffer", "source_buffer", "touched")
    return {name: repr(value) for name, value in vars(tissue).items() if name not in arrays}


def digests(tissue: Tissue) -> dict[str, bytes]:
    """Return a digest of every array; the shapes of two runs of one lattice differ in the rows of tables alone."""
    return {name: hashlib.blake2b(tissue[name].tobytes(), digest_size=12).digest() for name in tissue.names()}


# ------------------------------------------------------------------------------------------- explaining
def effects(kind: type[Process], names: Iterable[str]) -> set[str]:
    """Return the arrays that a process may change."""
    return {name for name in names if matches((*kind.writes, *kind.deposits), name)}


def causes(kind: type[Process], names: Iterable[str]) -> set[str]:
    """Return the arrays on which its effects may hang; what it writes it may read."""
    return {name for name in names if matches((*kind.reads, *kind.optional_reads, *kind.writes), name)}


class Graph:
    """Who changes what and on what it hangs, of the processes of one run, in the order in which they run.

    Parameters
    ----------
    rows : sequence of Row
        The pipeline of the run in which everything is on.
    names : iterable of str
        All arrays.
    off : set of str
        Labels of the processes that the other run lacks: whatever these do is a difference.
    """

    def __init__(self, rows: Sequence[Row], names: Iterable[str], off: set[str]) -> None:
        everything = set(names)
        self._steps = [
            (row.period_ticks, row.process.label in off, before, behind)
            for row in rows
            for before, behind in _edges(type(row.process), everything)
        ]

    def after(self, tick: int, differing: set[str]) -> set[str]:
        """Return what may differ after a tick, given what differed before it."""
        found = set(differing)
        for period, off, before, behind in self._steps:
            if tick % period == 0 and (off or before & found):
                found |= behind
        return found

    def downstream(self, differing: set[str]) -> set[str]:
        """Return what may ever differ."""
        found, size = set(differing), -1
        while size != len(found):
            size = len(found)
            found = self.after(0, found)
        return found


def _edges(kind: type[Process], names: set[str]) -> list[tuple[set[str], set[str]]]:
    """Return on what each part of what a process does hangs; fields pass through the tissue one by one."""
    if kind is not Transport:
        return [(causes(kind, names), effects(kind, names))]
    parts = [{name for name in names if matches(written((short,)), name)} for short in FIELDS]
    read = {name for name in names if matches(kind.reads, name)}
    assert set().union(*parts) == effects(kind, names)
    return [(read | part, part) for part in parts]
