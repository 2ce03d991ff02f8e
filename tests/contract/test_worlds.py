"""Numbers can be trusted: same seed, same bytes; threads and restarts change nothing; worlds stay paired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cordgraft import CordModel
from cordgraft.engine.resume import open_for_resume
from cordgraft.engine.runner import run_model
from tests.support import SMALL, arrays_of, differing


def _run(directory: Path, threads: int = 1, rng: int | None = None, **changes: str) -> Path:
    settings = {**SMALL, **{name.replace("__", "."): value for name, value in changes.items()}}
    model = CordModel("mouse_subacute_graft", rng=rng, threads=threads, settings=settings)
    assert run_model(model, directory).status == "finished"
    return directory / "run.zarr"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _run(tmp_path_factory.mktemp("reference") / "run")


def test_same_seed_same_bytes(reference: Path, tmp_path: Path) -> None:
    assert differing(reference, _run(tmp_path / "again")) == []


@pytest.mark.parametrize("threads", [2])  # with blocks of few rows, and more threads: test_orders.py
def test_threads_change_nothing(reference: Path, tmp_path: Path, threads: int) -> None:
    assert differing(reference, _run(tmp_path / "threads", threads=threads)) == []


def test_another_seed_is_another_run(reference: Path, tmp_path: Path) -> None:
    different = differing(reference, _run(tmp_path / "other", rng=2))
    assert "series/graft_survivors" in different
    assert "maps/fraction_white" in different


@pytest.mark.parametrize("cut", [1, 100, 144, 145, 250])
def test_stop_and_resume_change_nothing(reference: Path, tmp_path: Path, cut: int) -> None:
    directory = tmp_path / "run"
    model = CordModel("mouse_subacute_graft", settings=SMALL)
    stopped = run_model(model, directory, should_stop=lambda: model.tick >= cut)
    assert stopped.status == "interrupted"
    prepared = open_for_resume(directory, threads=1)
    assert prepared.model.tick == model.tick
    assert run_model(prepared.model, directory, resume=prepared).status == "finished"
    assert differing(reference, directory / "run.zarr") == []


def test_a_graft_changes_nothing_before_its_day(tmp_path: Path) -> None:
    early = _run(tmp_path / "a", record__maps="[3 d, 5 d]")
    late = _run(tmp_path / "b", record__maps="[3 d, 5 d]", treatments__graft__at="9 d")
    none = _run(tmp_path / "c", record__maps="[3 d, 5 d]", treatments="none")
    import xarray as xr

    first = xr.open_datatree(early, engine="zarr", chunks=None)
    for other in (late, none):
        second = xr.open_datatree(other, engine="zarr", chunks=None)
        for group, last in (("series", 5.9), ("maps", 5.9)):
            for name, one in first[group].dataset.data_vars.items():
                two = second[group][name]
                before = first[group]["time"].values <= last
                assert one.values[before].tobytes() == two.values[before].tobytes(), (group, name)
    assert differing(early, late) != []


def test_a_graft_of_no_cells_is_no_graft(tmp_path: Path) -> None:
    vehicle = arrays_of(_run(tmp_path / "vehicle", treatments__graft__dose="0 cells"))
    untreated = arrays_of(_run(tmp_path / "none", treatments="none"))
    shared = [name for name in vehicle.keys() & untreated.keys() if name.startswith(("series/", "maps/"))]
    assert len(shared) > 40
    assert [name for name in shared if vehicle[name] != untreated[name]] == []


def test_switching_a_process_off_leaves_the_draws_of_others_alone(tmp_path: Path) -> None:
    """Common random numbers: without migration the host fibres are hit exactly as before the graft could matter."""
    with_it = CordModel("mouse_subacute_graft", settings=SMALL)
    without = CordModel("mouse_subacute_graft", settings={**SMALL, "parameters.migration.enabled": "false"})
    for model in (with_it, without):
        for _ in range(140):
            model.step()
    for name in with_it.tissue.names():
        if name.startswith("cell."):
            continue
        np.testing.assert_array_equal(with_it.tissue[name], without.tissue[name], err_msg=name)
