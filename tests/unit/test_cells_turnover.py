"""Turnover: capacity is never exceeded, ids are unique, and neither row order nor sorting changes a cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cordgraft.core.contract import Key, Process
from cordgraft.engine.pipeline import Pipeline
from cordgraft.processes.cell_turnover import CellTurnover
from cordgraft.processes.division import Division
from cordgraft.processes.fate import Fate
from cordgraft.processes.migration import Migration
from cordgraft.processes.secretion import Secretion
from cordgraft.processes.survival import Survival
from cordgraft.state.cells import CellKind, count_by_voxel, local_capacity, places
from cordgraft.state.lines import line_number
from cordgraft.state.tissue import Tissue
from tests.graft_support import bare, by_id, pack, put, run


def everything(**turnover: float) -> list[Process]:
    return [
        Secretion(),
        Survival(),
        Fate(),
        Division(Division.Params(rate=4.0)),
        Migration(),
        CellTurnover(CellTurnover.Params(**turnover)),
    ]


def mixed(processes: Sequence[Process], days: float = 12.0) -> Tissue:
    """A half-filled cord, half lesion, with every kind of cell, a border and two lines."""
    tissue = bare(processes, (1, 12, 48), (50.0, 50.0, 50.0), days=days, dead=False)
    tissue["fraction.necrosis"][:, :, 12:36] = tissue["map.cord"][:, :, 12:36]
    tissue["fraction.white"][:, :, 12:36] = 0.0
    tissue["fraction.grey"][:, :, 12:36] = 0.0
    tissue["density.barrier"][:, :, [11, 36]] = 0.8
    tissue["field.oxygen"][:, :, :20] = 5.0
    tissue["field.tnf"][:, :, 30:] = 0.3
    pack(tissue)
    tissue.cells.keep(tissue["cell.id"] % 2 == 0)
    n = len(tissue.cells)
    tissue["cell.kind"][...] = np.arange(n) % 5
    tissue["cell.line"][...] = np.where(np.arange(n) % 3, line_number("253G1-like"), 0)
    astrocytes = tissue["cell.kind"] == CellKind.ASTROCYTE
    tissue["cell.heading"][...] = np.where(astrocytes, np.arange(n) % 3 - 1, 0)
    tissue["density.cells"][...] = count_by_voxel(tissue["cell.site"], tissue.lattice.shape)
    return tissue


def grow(kind: CellKind, days: int) -> tuple[Tissue, list[int]]:
    """Let cells of one kind fill a cord; return it and, by step, how many cells stand beyond the places."""
    processes = [
        Division(Division.Params(rate=10.0)),
        Migration(Migration.Params(precursor_speed=3.0)),
        CellTurnover(),
    ]
    tissue = bare(processes, (1, 12, 48), (50.0, 50.0, 50.0), days=days + 10)
    room = places(local_capacity(tissue))
    put(tissue, np.repeat(np.flatnonzero(tissue["map.cord"]), 2), kind)
    pipeline = Pipeline(processes, tissue.clock)
    beyond = []
    for tick in range(0, days * 24, 6):
        pipeline.step(tissue, tick)
        occupied = count_by_voxel(tissue["cell.site"], tissue.lattice.shape)
        np.testing.assert_array_equal(tissue["density.cells"], occupied)
        beyond.append(int(np.maximum(occupied - room, 0).sum()))
        limit = 4.0 if kind is CellKind.UNDIFFERENTIATED else 1.0
        assert (occupied <= np.floor(limit * room)).all()
        assert (tissue["cell.division_target"] == -1).all() and not tissue["cell.daughters"].any()
    assert len(tissue.cells) > 0.95 * room[tissue["map.cord"] > 0].sum()
    return tissue, beyond


def test_no_voxel_ever_holds_more_than_its_places() -> None:
    _, beyond = grow(CellKind.PRECURSOR, 50)
    assert beyond == [0] * len(beyond)


def test_cells_with_weak_contact_inhibition_pile_up_to_their_limit() -> None:
    tissue, beyond = grow(CellKind.UNDIFFERENTIATED, 60)
    room = places(local_capacity(tissue))[tissue["map.cord"] > 0].sum()
    assert beyond[0] == 0 and 2.0 * room < beyond[-1] <= 3.0 * room
    # a daughter that finds no place stays with its mother; it is no precursor's way round the limit
    assert (np.diff(beyond) >= 0).all()


def test_a_full_voxel_that_loses_room_throws_nobody_out() -> None:
    turnover = CellTurnover()
    tissue = bare([turnover])
    pack(tissue)
    n = len(tissue.cells)
    tissue["fraction.white"][...] = tissue["fraction.necrosis"]
    tissue["fraction.necrosis"][...] = 0.0
    put(tissue, [5 * 64 + 30], move_target=5 * 64 + 31)
    turnover.step(tissue, Key(1, 0, 6.0))
    assert len(tissue.cells) == n + 1
    assert (tissue["cell.site"] == 5 * 64 + 30).sum() == 31
    assert tissue["density.cell_capacity"].max() == pytest.approx(0.2 * 30.0)


def test_ids_are_unique_and_children_take_after_their_mothers() -> None:
    processes = everything()
    tissue = mixed(processes)
    founders = by_id(tissue)
    seen = {int(one): i for i, one in enumerate(founders["id"])}
    line = dict(zip(founders["id"].tolist(), founders["line"].tolist(), strict=True))
    pipeline = Pipeline(processes, tissue.clock)
    for tick in range(8 * 24):
        pipeline.step(tissue, tick)
        ids = tissue["cell.id"]
        assert np.unique(ids).size == ids.size
        for one, mother, its_line in zip(
            ids.tolist(), tissue["cell.parent"].tolist(), tissue["cell.line"].tolist(), strict=True
        ):
            if one not in seen:
                assert mother in seen and one >= 2**63
                assert its_line == line[mother]
                seen[one], line[one] = len(seen), its_line
    assert len(seen) > 1.5 * founders["id"].size
    assert tissue["cell.weight"].min() == tissue["cell.weight"].max() == 1.0


@pytest.mark.parametrize("sort_period", [0.3, 6.0, 7.4, 48.0, 8760.0])
def test_neither_row_order_nor_sorting_changes_a_cell(sort_period: float) -> None:
    reference_processes = everything()
    reference = mixed(reference_processes)
    run(reference, reference_processes, 10 * 24)

    processes = everything(sort_period=sort_period)
    tissue = mixed(processes)
    order = np.argsort((tissue["cell.id"] * np.uint64(2654435761)) % np.uint64(1000003))
    tissue.cells.reorder(order)
    run(tissue, processes, 10 * 24)
    one, other = by_id(reference), by_id(tissue)
    assert one["id"].size > 100
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name
    for name in ("source.trophic", "density.graft_matrix_rate", "density.cells", "density.graft_deaths"):
        assert reference[name].tobytes() == tissue[name].tobytes(), name
    assert reference["density.graft_deaths"].sum() > 0


def test_rows_are_sorted_by_voxel_and_id() -> None:
    processes = everything(sort_period=24.0)
    tissue = mixed(processes)
    tissue.cells.reorder(np.arange(len(tissue.cells))[::-1])
    run(tissue, processes, 25)
    keys = list(zip(tissue["cell.site"].tolist(), tissue["cell.id"].tolist(), strict=True))
    assert keys == sorted(keys)
    epoch = tissue.cells.epoch
    run(tissue, [processes[-1]], 1)
    assert tissue.cells.epoch > epoch


def test_a_cell_that_dies_neither_moves_nor_divides() -> None:
    turnover = CellTurnover()
    tissue = bare([turnover])
    put(
        tissue,
        [700, 700, 700],
        hazard=np.array([1e3, 0.0, 0.0]),
        move_target=701,
        division_target=702,
        daughters=1,
    )
    turnover.step(tissue, Key(1, 0, 6.0))
    assert sorted(tissue["cell.site"].tolist()) == [701, 701, 702, 702]
    assert 1 not in tissue["cell.id"].tolist()
    assert tissue["density.graft_deaths"].reshape(-1)[700] == 1.0
    assert not tissue["cell.hazard"].any()


def test_a_heading_that_was_proposed_is_taken() -> None:
    turnover = CellTurnover()
    tissue = bare([turnover])
    put(tissue, [700, 700], heading=1, new_heading=np.array([-1, 0], dtype=np.int8))
    turnover.step(tissue, Key(1, 0, 6.0))
    assert tissue["cell.heading"].tolist() == [-1, 1]
    assert tissue["cell.new_heading"].tolist() == [0, 0]


def test_when_the_last_cell_dies_the_counts_are_zero() -> None:
    processes = everything()
    turnover = processes[-1]
    tissue = bare(processes)
    put(tissue, [700], hazard=1e3)
    turnover.step(tissue, Key(1, 0, 6.0))
    assert len(tissue.cells) == 0
    assert not tissue["density.cells"].any()
    before = tissue.snapshot()
    for process in processes:
        process.step(tissue, Key(1, 6, 6.0))
    assert tissue.changed(before) == []
