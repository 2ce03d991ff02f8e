"""Clock, lattice, table and tissue: the parts that everything else stands on."""

from __future__ import annotations

import numpy as np
import pytest

from cordgraft.core.clock import Clock, whole_ticks
from cordgraft.core.contract import ArraySpec, FieldSpec, TransferSpec, matches
from cordgraft.core.lattice import Lattice
from cordgraft.core.problems import BadInput, Problem, nearest
from cordgraft.core.units import time_in_words
from cordgraft.state.table import Table
from cordgraft.state.tissue import Setting, Tissue


def test_whole_ticks_accepts_multiples_and_refuses_the_rest() -> None:
    assert whole_ticks(6.0, 1.0) == 6
    assert whole_ticks(0.3, 0.1) == 3
    with pytest.raises(ValueError, match="not a whole number of ticks"):
        whole_ticks(1.5, 1.0)


def test_clock_converts_ticks_to_days() -> None:
    clock = Clock.for_duration(48.0, 0.5)
    assert clock.ticks == 96
    assert clock.days(96) == 2.0
    assert clock.tick_at(24.0) == 48
    with pytest.raises(ValueError, match="longer than nothing"):
        Clock(0.0, 3)


def test_lattice_is_centred_and_rounds_the_long_axis_up() -> None:
    lattice = Lattice.centred((50.0, 1400.0, 1000.0), (50.0, 25.0, 25.0))
    assert lattice.shape == (1, 56, 48)
    assert lattice.is_section
    for axis in range(3):
        centres = lattice.axis_um(axis)
        assert centres.mean() == pytest.approx(0.0, abs=1e-9)
    assert lattice.plane_index(-1e9) == 0
    assert lattice.plane_index(0.1) == 24
    assert lattice.contains_um(0.0, 699.0, 0.0)
    assert not lattice.contains_um(0.0, 701.0, 0.0)
    with pytest.raises(ValueError, match="positive size"):
        Lattice((0, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def _table() -> Table:
    return Table(
        "cell",
        [ArraySpec("cell.id", "1", "id", dtype="uint64"), ArraySpec("cell.age", "h", "age", initial=7.0)],
    )


def test_table_grows_keeps_and_reorders_rows() -> None:
    table = _table()
    rows = table.add(100, id=np.arange(100, dtype=np.uint64))
    assert rows == slice(0, 100)
    assert (table["age"] == 7.0).all()
    table.add(50, id=np.arange(100, 150, dtype=np.uint64), age=1.0)
    epoch = table.epoch
    table.keep(table["id"] % 2 == 0)
    assert len(table) == 75 and table.epoch > epoch
    assert (table["id"] % 2 == 0).all()
    order = np.argsort(-table["id"].astype(np.int64))
    table.reorder(order)
    assert table["id"][0] == 148
    with pytest.raises(KeyError, match="no column"):
        table.add(1, colour=3)


def test_table_round_trips_through_load() -> None:
    table, other = _table(), _table()
    table.add(3, id=np.array([5, 6, 7], dtype=np.uint64))
    other.load({name: table[name].copy() for name in table.columns})
    assert (other["id"] == [5, 6, 7]).all()
    with pytest.raises(ValueError, match="cannot be loaded"):
        other.load({"id": np.zeros(3)})


def _tissue() -> Tissue:
    lattice = Lattice((1, 2, 16), (50.0, 25.0, 25.0), (0.0, 0.0, 0.0))
    specs = [
        FieldSpec("field.tnf", "1", "cytokine", initial=0.5),
        FieldSpec("field.cspg", "ug/mL", "matrix", solver="bound"),
        ArraySpec("density.debris", "1", "debris"),
        ArraySpec("scalar.index", "1", "a number"),
        ArraySpec("cell.id", "1", "id", dtype="uint64"),
    ]
    setting = Setting("mouse", "mouse", (2000.0, 1400.0))
    return Tissue(lattice, Clock(1.0, 10), setting, specs, [TransferSpec("white", "cavity")])


def test_fields_share_one_buffer_and_only_diffusing_ones_have_a_source() -> None:
    tissue = _tissue()
    assert tissue.field_buffer.shape == (2, 1, 2, 16)
    assert (tissue["field.tnf"] == 0.5).all()
    assert np.shares_memory(tissue["field.tnf"], tissue.field_buffer)
    assert "source.tnf" in tissue and "source.cspg" not in tissue
    assert "transfer.white>cavity" in tissue


def test_snapshot_notices_every_changed_byte_and_restore_brings_it_back() -> None:
    tissue = _tissue()
    before = tissue.snapshot()
    assert tissue.changed(before) == []
    tissue["density.debris"][0, 1, 3] = np.nextafter(0.0, 1.0)
    tissue.set_scalar("index", 2.0)
    tissue.cells.add(2, id=np.array([1, 2], dtype=np.uint64))
    assert set(tissue.changed(before)) == {"density.debris", "scalar.index", "cell.id"}
    assert tissue.changed(before, ("density.*", "scalar.index", "cell.*")) == []
    tissue.restore(before)
    assert tissue.changed(before) == []
    with pytest.raises(ValueError, match="does not fit"):
        tissue.restore({"field.tnf": np.zeros(1)})


def test_matches_understands_whole_groups() -> None:
    assert matches(("cell.*",), "cell.site")
    assert matches(("field.tnf",), "field.tnf")
    assert not matches(("field.tnf",), "field.tnf2")


def test_problems_read_like_compiler_messages() -> None:
    problem = Problem(
        "unknown key", "injury.sevrity", "mild", near=("severity",), file="a.yaml", line=3, column=5
    )
    text = str(problem)
    assert text.startswith("a.yaml:3:5: injury.sevrity: unknown key")
    assert "did you mean severity?" in text
    assert BadInput(problem).problems == (problem,)
    assert nearest("mouse_subacut", ["mouse_subacute_graft", "rat"]) == ("mouse_subacute_graft",)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0.0, "0 d"),
        (2.0, "2 h"),
        (0.25, "0.25 h"),
        (24.0, "1 d"),
        (70.0, "70 h"),
        (168.0, "7 d"),
        (250.0, "10.4167 d"),
    ],
)
def test_a_time_is_read_in_hours_where_days_would_be_a_broken_number(hours: float, words: str) -> None:
    assert time_in_words(hours) == words
