"""A table of agents: named columns that grow together, with rows that can be added, dropped and reordered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec


class Table:
    """Structure of arrays with capacity growth.

    Columns are handed out as views of the first `n` rows; a view is valid until rows are added or dropped, so
    kernels take them fresh in every call and never store them.

    Parameters
    ----------
    name : str
        Group name of the columns (``cell``, ``fibre``, ``cone``, ...).
    specs : iterable of ArraySpec
        One per column, named ``NAME.column``.
    """

    def __init__(self, name: str, specs: Iterable[ArraySpec]) -> None:
        self.name = name
        self.specs: dict[str, ArraySpec] = {}
        self.n = 0
        #: Grows by one whenever rows change place, so that views of single agents can notice.
        self.epoch = 0
        self._store: dict[str, NDArray[Any]] = {}
        for spec in specs:
            self.specs[spec.short] = spec
            self._store[spec.short] = np.full(0, spec.initial, dtype=spec.dtype)

    def __len__(self) -> int:
        return self.n

    def __contains__(self, column: str) -> bool:
        return column in self._store

    def __getitem__(self, column: str) -> NDArray[Any]:
        """Return a view of one column : (n,)."""
        return self._store[column][: self.n]

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order of declaration."""
        return tuple(self._store)

    @property
    def capacity(self) -> int:
        """Rows that fit before memory is asked for again."""
        return next(iter(self._store.values())).shape[0] if self._store else 0

    def view(self, kind: Any) -> Any:
        """Return the named tuple `kind` filled with the columns its fields name (shapes (n,))."""
        return kind(*(self[name] for name in kind._fields))

    def add(self, rows: int, **values: Any) -> slice:
        """Append rows; columns not named get their initial value. Returns the slice of the new rows.

        Raises
        ------
        KeyError
            If a named column does not exist.
        """
        start, stop = self.n, self.n + rows
        if stop > self.capacity:
            self._grow(max(stop, 2 * self.capacity, 64))
        unknown = set(values) - set(self._store)
        if unknown:
            raise KeyError(f"table '{self.name}' has no column {', '.join(sorted(unknown))}")
        for column, store in self._store.items():
            store[start:stop] = values.get(column, self.specs[column].initial)
        self.n = stop
        self.epoch += 1
        return slice(start, stop)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Drop the rows where `mask` is false; the order of the others stays."""
        if mask.all():
            return
        rows = np.flatnonzero(mask)
        for store in self._store.values():
            store[: rows.size] = store[: self.n][rows]
        self.n = int(rows.size)
        self.epoch += 1

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Put the rows into the given order (a permutation of ``0 .. n-1``)."""
        for store in self._store.values():
            store[: self.n] = store[: self.n][order]
        self.epoch += 1

    def load(self, columns: dict[str, NDArray[Any]]) -> None:
        """Replace all rows by the given columns (all of one length), as read from a checkpoint."""
        lengths = {array.shape[0] for array in columns.values()}
        if set(columns) != set(self._store) or len(lengths) != 1:
            raise ValueError(
                f"table '{self.name}' cannot be loaded from columns {sorted(columns)} of {lengths} rows"
            )
        for column, array in columns.items():
            self._store[column] = np.array(array, dtype=self.specs[column].dtype, copy=True)
        self.n = lengths.pop()
        self.epoch += 1

    def _grow(self, capacity: int) -> None:
        for column, store in self._store.items():
            bigger = np.full(capacity, self.specs[column].initial, dtype=store.dtype)
            bigger[: self.n] = store[: self.n]
            self._store[column] = bigger
