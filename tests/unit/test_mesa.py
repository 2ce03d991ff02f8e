"""`CordModel` is a good Mesa citizen: steps, agent sets, data collector, batch runs."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.core.problems import BadInput
from cordgraft.state.cells import CellKind
from tests.support import SMALL


@pytest.fixture(scope="module")
def model() -> CordModel:
    model = CordModel("mouse_subacute_graft", settings=SMALL)
    while model.day < 7.0:
        model.step()
    return model


def test_steps_and_time_go_together(model: CordModel) -> None:
    assert isinstance(model, mesa.Model)
    assert model.steps == model.time == model.tick + 1
    assert model.running


def test_populations_are_registered_once_each(model: CordModel) -> None:
    assert len(model.agents) == 4
    assert {type(agent).__name__ for agent in model.agents} == {
        "GraftCells",
        "Fibres",
        "GrowthCones",
        "Synapses",
    }
    sizes = model.agents.get("size")
    assert sizes[0] == len(model.tissue.cells) > 0


def test_rows_select_get_set_and_aggregate_whole_columns(model: CordModel) -> None:
    cells = model.cells
    precursors = cells.select(kind=CellKind.PRECURSOR)
    assert 0 < len(precursors) < len(cells)
    assert (precursors.get("kind") == CellKind.PRECURSOR).all()
    assert cells.agg("weight", np.sum) == pytest.approx(model.tissue["cell.weight"].sum())
    low, high = cells.agg("site", [np.min, np.max])
    assert low <= high
    first_ten = cells.select(at_most=10)
    assert len(first_ten) == 10
    assert len(cells.select(lambda cell: cell.kind == CellKind.PRECURSOR)) == len(precursors)
    assert len(cells.select(cells.get("kind") == CellKind.PRECURSOR)) == len(precursors)
    before = cells.get("heading").copy()
    cells.set("heading", 1)
    assert (model.tissue["cell.heading"] == 1).all()
    cells.set("heading", before)
    ordered = cells.sort("site", ascending=True).get("site")
    assert (np.diff(ordered) >= 0).all()


def test_single_agents_follow_their_row_and_know_when_they_are_dead(model: CordModel) -> None:
    cell = next(iter(model.cells))
    assert cell.id == cell.unique_id
    table = model.tissue.cells
    saved = model.tissue.snapshot()
    table.reorder(np.arange(len(table))[::-1])
    assert cell.id == cell.unique_id
    table.keep(table["id"] != cell.unique_id)
    with pytest.raises(LookupError, match="no longer there"):
        _ = cell.kind
    with pytest.raises(AttributeError, match="no attribute"):
        _ = cell.colour
    model.tissue.restore(saved)


def test_sets_refuse_to_be_used_after_rows_have_moved(model: CordModel) -> None:
    stale = model.cells
    model.tissue.cells.reorder(np.arange(len(model.tissue.cells)))
    with pytest.raises(LookupError, match="have moved"):
        stale.get("kind")


def test_data_collector_gets_plain_numbers_each_day(model: CordModel) -> None:
    frame = model.datacollector.get_model_vars_dataframe()
    assert list(frame["day"]) == [float(day) for day in range(len(frame))]
    assert frame["graft_survivors"].iloc[-1] > 0
    assert frame.dtypes.unique().tolist() == [np.dtype("float64")]


def test_batch_run_varies_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters: dict[str, Any] = {
        "source": "mouse_subacute_graft",
        **{name.replace(".", "__"): value for name, value in SMALL.items()},
        "duration": "7 d",
        "record__maps": "[3 d]",
        "treatments__graft__dose": ["0 cells", "2e4 cells"],
    }
    rows = mesa.batch_run(CordModel, parameters, rng=[1, 2], max_steps=400, display_progress=False)
    assert len(rows) == 4
    survivors = {(row["treatments__graft__dose"], row["iteration"]): row["graft_survivors"] for row in rows}
    assert survivors["0 cells", 0] == 0.0
    assert survivors["2e4 cells", 0] > 0.0
    assert survivors["2e4 cells", 0] != survivors["2e4 cells", 1]
    assert {row["day"] for row in rows} == {7.0}


def test_wrong_settings_are_told_before_anything_is_built() -> None:
    with pytest.raises(BadInput, match=r"treatments\.graft\.dose"):
        CordModel("mouse_subacute_graft", treatments__graft__dose="-5 cells")


def test_run_returns_a_tree_without_leaving_files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree = CordModel("mouse_contusion_untreated", settings={"duration": "2 d", "record.maps": "[1 d]"}).run()
    assert tree["series"]["time"].values.tolist() == [0.0, 1.0, 2.0]
    assert list(tmp_path.iterdir()) == []
