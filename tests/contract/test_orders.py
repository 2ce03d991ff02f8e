"""Results depend on no order: not on that of rows, on when tables are sorted or compacted, on blocks or on threads.

Rows of cells and growth cones may stand in any order between two ticks, and the dead may leave holes that others fill.
Here the order is changed in ways that no run would: the model of two grafts of different weights (so that sums over
cells have something to lose) has to come out to the last bit, cell by cell and axon by axon.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.kernels import compile as compiling
from cordgraft.record import snapshots
from cordgraft.state.table import Table
from cordgraft.state.tissue import Tissue
from tests.support import SMALL

TWO_GRAFTS = {
    **SMALL,
    "treatments.graft.dose": "1e5 cells",
    "treatments.second.type": "cell_graft",
    "treatments.second.at": "7 d",
    "treatments.second.dose": "3e4 cells",
    "treatments.second.position": "300 um",
    # so that there are neurons, axons and synapses to speak of within days
    "parameters.fate.commitment_half_life": "3 d",
    "parameters.axon_emergence.neuron_share": "1",
    "parameters.contact.connect_rate": "24 1/d",
    "parameters.contact.reach": "60 um",
}
DAYS = 12
#: Columns that point to rows of the path log.
POINTERS = {"fibre": ("root", "stump"), "cone": ("last", "base"), "segment": ("parent",)}
Change = Callable[[CordModel], None]


def nothing(model: CordModel) -> None:
    """Leave the rows as they are."""


def canonical(tissue: Tissue) -> dict[str, bytes]:
    """Return the bytes of every array, tables by identity and pointers by what they point to, not by row."""
    found = {
        name: tissue[name].tobytes() for name in tissue.names() if name.split(".")[0] not in tissue.tables
    }
    segment = tissue.segments
    keys = ("lost_tick", "z", "y", "x", "grown", "laid_tick", "fibre")
    order = np.lexsort(tuple(segment[key] for key in keys))
    same = np.all([segment[key][order][1:] == segment[key][order][:-1] for key in keys], axis=0)
    # two points of one fibre that are alike in all of this are one, for whoever points to them
    number = np.concatenate(([0], np.cumsum(~same))) if order.size else np.zeros(0, dtype=np.int64)
    rank = np.empty(order.size + 1, dtype=np.int64)
    rank[order], rank[-1] = number, -1
    synapse = tissue.synapses
    orders = {
        "cell": np.argsort(tissue.cells["id"], kind="stable"),
        "fibre": np.arange(len(tissue.fibres)),  # rows of fibres never change place
        "cone": np.argsort(tissue.cones["id"], kind="stable"),
        "segment": order,
        "synapse": np.lexsort((synapse["made_tick"], synapse["cone"])),
    }
    for name, table in tissue.tables.items():
        for column in table.columns:
            values = table[column]
            if column in POINTERS.get(name, ()):
                values = rank[values]
            found[f"{name}.{column}"] = values[orders[name]].tobytes()
    return found


def course(change: Change = nothing, **settings: str) -> dict[str, Any]:
    """Return what a run measured and, day by day, its state; `change` is called before every tick."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    model = CordModel("mouse_subacute_graft", settings={**TWO_GRAFTS, **named})
    days: list[dict[str, bytes]] = []
    series: list[dict[str, bytes]] = []
    while model.running:
        change(model)
        model.step()
        if model.tick % 24 == 0:
            days.append(canonical(model.tissue))
            series.append({name: np.float64(value).tobytes() for name, value in model.latest.items()})
    table = snapshots.cell_table(model.tissue, model.tick)
    return {
        "days": days,
        "series": series,
        "table": {name: values.tobytes() for name, (values, _) in table.items()},
        "cells": len(model.tissue.cells),
        "weights": np.unique(model.tissue["cell.weight"]).size,
        "synapses": len(model.tissue.synapses),
        "cones": len(model.tissue.cones),
    }


def assert_same(first: dict[str, Any], second: dict[str, Any], *but: str) -> None:
    """Compare two courses; name the first day and what differs on it."""
    assert len(first["days"]) == len(second["days"]) == DAYS + 1
    for what in ("days", "series"):
        for day, (one, two) in enumerate(zip(first[what], second[what], strict=True)):
            assert one.keys() == two.keys()
            differing = [name for name in one if one[name] != two[name] and name not in but]
            assert differing == [], f"{what} of day {day}"
    assert first["table"] == second["table"], "the stored table of cells"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found = course()
    assert found["cells"] > 100 and found["weights"] == 2, "two grafts that count differently"
    assert found["cones"] > 100 and found["synapses"] > 10
    return found


# ------------------------------------------------------------------ rows
@pytest.mark.parametrize("period", ["1 h", "42 h", "8760 h"])
def test_the_period_of_sorting_changes_nothing(reference: dict[str, Any], period: str) -> None:
    assert_same(reference, course(parameters__cell_turnover__sort_period=period))


@pytest.mark.parametrize("every", [1, 7])
def test_rows_in_any_order_change_nothing(reference: dict[str, Any], every: int) -> None:
    draw = np.random.default_rng(every)
    shuffled = 0

    def shuffle(model: CordModel) -> None:
        nonlocal shuffled
        if model.tick % every == 0:
            for table in (model.tissue.cells, model.tissue.cones):
                table.reorder(draw.permutation(len(table)))
                shuffled += len(table) > 1

    assert_same(reference, course(shuffle))
    assert shuffled > 300 / every


def test_the_manner_of_compaction_changes_nothing(
    reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last rows move into the holes that the dead leave."""
    filled = 0

    def keep(self: Table, mask: Any) -> None:
        nonlocal filled
        left = int(np.count_nonzero(mask))
        holes, movers = np.flatnonzero(~mask[:left]), np.flatnonzero(mask[left:]) + left
        for column in self.columns:
            self[column][holes] = self[column][movers]
        filled += holes.size
        self.n = left
        self.epoch += 1

    monkeypatch.setattr(Table, "keep", keep)
    assert_same(reference, course())
    assert filled > 50, "rows did change place"


# ------------------------------------------------------------------ blocks and threads
class Watched(ThreadPoolExecutor):
    """A pool that notes how many blocks each kernel was cut into and how many of them ran side by side."""

    blocks: dict[str, int]
    most: int

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.lock, self.now = threading.Lock(), 0

    def submit(self, fn: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        name = getattr(fn, "__name__", str(fn))

        def watched() -> Any:
            with self.lock:
                self.now += 1
                kind = type(self)
                kind.most = max(kind.most, self.now)
                kind.blocks[name] = kind.blocks.get(name, 0) + 1
            try:
                return fn(*arguments, **named)
            finally:
                with self.lock:
                    self.now -= 1

        return super().submit(watched)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Watched]]:
    """Cut every kernel into blocks of so few rows that the small cord takes many of them."""
    defaults = compiling.run_blocks.__kwdefaults__
    assert defaults == {"block": compiling.BLOCK_ROWS}
    monkeypatch.setitem(defaults, "block", 37)
    monkeypatch.setattr(compiling, "ThreadPoolExecutor", Watched)
    Watched.blocks, Watched.most = {}, 0
    yield Watched
    compiling.set_threads(1)


@pytest.mark.parametrize("threads", [2, 4])
def test_blocks_and_threads_change_nothing(
    reference: dict[str, Any], small_blocks: type[Watched], threads: int
) -> None:
    def choose(model: CordModel) -> None:
        if model.tick < 0:
            compiling.set_threads(threads)

    assert_same(reference, course(choose))
    assert small_blocks.most > 1, "blocks ran side by side"
    for loop in ("hazard_loop", "commit_loop", "divide_loop", "move_loop", "death_loop", "advance_all", "injure_all"):
        assert small_blocks.blocks.get(loop, 0) > 200, f"{loop} was hardly cut: {small_blocks.blocks}"


def test_the_reference_does_not_depend_on_blocks_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed out: every row once, in blocks that depend on the number of rows alone."""
    seen: list[tuple[int, int]] = []
    monkeypatch.setitem(compiling.run_blocks.__kwdefaults__, "block", 37)
    compiling.set_threads(3)
    try:
        compiling.run_blocks(lambda start, stop: seen.append((start, stop)), 100)
    finally:
        compiling.set_threads(1)
    assert sorted(seen) == [(0, 37), (37, 74), (74, 100)]
