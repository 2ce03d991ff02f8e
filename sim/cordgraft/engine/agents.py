"""Mesa views of the agents: one registered `Population` per table, single agents only on request.

A plain Mesa agent costs some 400 bytes and 7 microseconds a step; a run has tens of thousands of cells. So a
population owns nothing: it reads and writes the columns of a `cordgraft.state.table.Table`, and `rows` is an
agent set whose `select`, `get`, `set` and `agg` work on whole columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import mesa
import numpy as np
from mesa.agentset import AbstractAgentSet
from numpy.typing import NDArray

from cordgraft.state.cells import CellKind
from cordgraft.state.table import Table


class Population(mesa.Agent):  # type: ignore[type-arg]
    """All agents of one table, as one agent that Mesa knows.

    Parameters
    ----------
    model : mesa.Model
    table : Table
        Columns of the agents; the population is a view and never stores a row.
    """

    def __init__(self, model: Any, table: Table) -> None:
        super().__init__(model)
        self.table = table
        self._index: dict[int, int] = {}
        self._index_epoch = -1

    def __len__(self) -> int:
        return len(self.table)

    @property
    def name(self) -> str:
        """Name of the table: ``cell``, ``fibre``, ``cone``, ``synapse``."""
        return self.table.name

    @property
    def size(self) -> int:
        """Number of simulated agents."""
        return len(self.table)

    @property
    def rows(self) -> RowSet:
        """All agents as a set."""
        return RowSet(self, np.arange(len(self.table)))

    def row_of(self, identity: int) -> int:
        """Return the present row of an agent by its persistent id.

        Raises
        ------
        LookupError
            If it is dead.
        """
        if self._index_epoch != self.table.epoch:
            self._index = {int(value): row for row, value in enumerate(self.table["id"])}
            self._index_epoch = self.table.epoch
        try:
            return self._index[identity]
        except KeyError:
            raise LookupError(f"{self.name} {identity} is no longer there") from None


class RowView:
    """One agent, found again by its id after rows have moved; attributes are the columns of its table."""

    __slots__ = ("__weakref__", "_epoch", "_population", "_row", "unique_id")

    def __init__(self, population: Population, row: int) -> None:
        object.__setattr__(self, "_population", population)
        object.__setattr__(self, "_row", row)
        object.__setattr__(self, "_epoch", population.table.epoch)
        object.__setattr__(self, "unique_id", int(population.table["id"][row]))

    def _where(self) -> int:
        if self._epoch != self._population.table.epoch:
            object.__setattr__(self, "_row", self._population.row_of(self.unique_id))
            object.__setattr__(self, "_epoch", self._population.table.epoch)
        return int(self._row)

    def __getattr__(self, name: str) -> Any:
        if name not in self._population.table:
            raise AttributeError(f"a {self._population.name} has no attribute '{name}'")
        return self._population.table[name][self._where()].item()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._population.table:
            raise AttributeError(f"a {self._population.name} has no attribute '{name}'")
        self._population.table[name][self._where()] = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowView) and (self.unique_id, self._population) == (
            other.unique_id,
            other._population,
        )

    def __hash__(self) -> int:
        return hash(self.unique_id)

    def __repr__(self) -> str:
        return f"<{self._population.name} {self.unique_id}>"


class RowSet(AbstractAgentSet):  # type: ignore[type-arg]
    """Agents of one population, held as row numbers; operations on columns are vectorised.

    A set is valid until rows are added, dropped or reordered; using it later raises `LookupError`.
    """

    def __init__(self, population: Population, rows: NDArray[np.int64]) -> None:
        self.population = population
        self._rows = rows
        self._epoch = population.table.epoch

    def _valid(self) -> NDArray[np.int64]:
        if self._epoch != self.population.table.epoch:
            raise LookupError(f"the {self.population.name} rows have moved since this set was made")
        return self._rows

    def __len__(self) -> int:
        return int(self._rows.size)

    def __iter__(self) -> Iterator[RowView]:
        for row in self._valid():
            yield RowView(self.population, int(row))

    def __contains__(self, agent: object) -> bool:
        return (
            isinstance(agent, RowView)
            and agent._population is self.population
            and bool(np.isin(agent._where(), self._valid()))
        )

    def _update(self, agents: Iterable[RowView]) -> RowSet:
        self._rows = np.array([agent._where() for agent in agents], dtype=np.int64)
        self._epoch = self.population.table.epoch
        return self

    def select(  # type: ignore[override]
        self,
        mask: NDArray[np.bool_] | Callable[[RowView], bool] | None = None,
        at_most: int | float = float("inf"),
        **columns: Any,
    ) -> RowSet:
        """Return the agents for which a mask, a function or column values hold.

        Parameters
        ----------
        mask : (n,) bool array or callable, optional
            A boolean per agent of this set, or a function of one `RowView`.
        at_most : int or float
            Keep the first so many (a share if a float up to 1).
        **columns
            Column = wanted value, for example ``kind=CellKind.NEURON``.
        """
        rows = self._valid()
        keep = np.ones(rows.size, dtype=bool)
        if callable(mask):
            keep &= np.fromiter((bool(mask(agent)) for agent in self), dtype=bool, count=rows.size)
        elif mask is not None:
            keep &= np.asarray(mask, dtype=bool)
        for name, value in columns.items():
            keep &= self.population.table[name][rows] == value
        rows = rows[keep]
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(self._rows.size * at_most)
        if at_most < rows.size:
            rows = rows[: int(at_most)]
        return RowSet(self.population, rows)

    def get(self, attr_names: Any, handle_missing: str = "error", default_value: Any = None) -> Any:
        """Return one column, or a list of columns, of these agents : (n,) arrays (copies)."""
        if isinstance(attr_names, str):
            if attr_names not in self.population.table and handle_missing == "default":
                return np.full(len(self), default_value)
            return self.population.table[attr_names][self._valid()]
        return [self.get(name, handle_missing, default_value) for name in attr_names]

    def set(self, attr_name: str, value: Any) -> RowSet:  # type: ignore[override]
        """Write one column of these agents; `value` is a number or an array of matching length."""
        self.population.table[attr_name][self._valid()] = value
        return self

    def agg(self, attribute: str, func: Any) -> Any:
        """Return one or several aggregates of a column, for example ``agg("age_h", np.mean)``."""
        values = self.get(attribute)
        if callable(func):
            return func(values)
        return [one(values) for one in func]

    def to_list(self) -> list[RowView]:
        """Return the agents as a list of views."""
        return list(self)

    def add(self, agent: RowView) -> None:
        """Take one more agent of the same population into the set."""
        row = agent._where()
        if row not in self._valid():
            self._rows = np.append(self._rows, row)

    def discard(self, agent: RowView) -> None:
        """Leave one agent out of the set (the agent itself lives on)."""
        self._rows = self._valid()[self._valid() != agent._where()]

    def remove(self, agent: RowView) -> None:
        """Leave one agent out of the set; `KeyError` if it is not in it."""
        if agent not in self:
            raise KeyError(agent)
        self.discard(agent)

    def shuffle(self, inplace: bool = False) -> RowSet:
        """Return the agents in an order drawn from the model's own generator (the dynamics never use it)."""
        rows = list(self._valid())
        self.population.model.random.shuffle(rows)
        shuffled = np.array(rows, dtype=np.int64)
        if inplace:
            self._rows = shuffled
            return self
        return RowSet(self.population, shuffled)

    def sort(self, key: Any, ascending: bool = False, inplace: bool = False) -> RowSet:
        """Return the agents ordered by a column (its name) or by a function of one `RowView`."""
        values = self.get(key) if isinstance(key, str) else np.array([key(agent) for agent in self])
        order = np.argsort(values, kind="stable")
        ordered = self._valid()[order if ascending else order[::-1]]
        if inplace:
            self._rows = ordered
            return self
        return RowSet(self.population, ordered)

    def do(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> RowSet:  # type: ignore[override]
        """Call ``method(agent, ...)`` for every agent, in order."""
        self.map(method, *args, **kwargs)
        return self

    def shuffle_do(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> RowSet:  # type: ignore[override]
        """Call ``method(agent, ...)`` for every agent, in an order drawn from the model's own generator."""
        return self.shuffle().do(method, *args, **kwargs)

    def map(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:  # type: ignore[override]
        """Return ``method(agent, ...)`` of every agent, in order."""
        return [method(agent, *args, **kwargs) for agent in self]

    @property
    def random(self) -> Any:
        """Generator of the model, for Mesa's own helpers."""
        return self.population.model.random


class GraftCells(Population):
    """The grafted cells."""

    def counts(self) -> dict[str, int]:
        """Return simulated cells by kind."""
        numbers = np.bincount(self.table["kind"], minlength=len(CellKind))
        return {kind.name.lower(): int(numbers[kind]) for kind in CellKind}


class Fibres(Population):
    """Simulated host fibres and graft axons."""


class GrowthCones(Population):
    """Growth cones of host and graft axons."""


class Synapses(Population):
    """Contacts between axons and neurons."""
