"""The run store: what is written comes back, and what was cut off is not there."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

from cordgraft.core import schema
from cordgraft.core.clock import Clock
from cordgraft.core.lattice import Lattice
from cordgraft.record.arrays import Layout, Variable, rounded
from cordgraft.record.files import StoreError
from cordgraft.record.packing import BEFORE_NAME, PACKING_NAME, is_packed, measure
from cordgraft.record.store import STAGING_NAME, RunStore
from cordgraft_analysis.reading import open_run
from support import differing

LATTICE = Lattice((1, 3, 16), (50.0, 100.0, 25.0), (0.0, -100.0, -187.5))
ROOT = {"Conventions": schema.CONVENTIONS, "schema_version": schema.SCHEMA_VERSION}


def attributes(unit: str) -> dict[str, str]:
    return {"units": unit, "long_name": f"test in {unit}"}


def layout() -> Layout:
    return Layout(
        LATTICE,
        Clock(6.0, 40),
        series=(
            Variable("length", attributes("um"), "float64"),
            Variable("count", attributes("1"), "float64"),
        ),
        maps=(
            Variable("field_oxygen", attributes("mmHg"), keepbits=schema.FIELD_KEEPBITS),
            Variable("density_cells", attributes("1")),
        ),
        series_ticks=(0, 4, 8, 12),
        map_ticks=(4, 8, 12),
        geometry={"map_cord": (np.ones(LATTICE.shape, dtype=np.uint8), attributes("1"))},
    )


def frame(tick: int) -> dict[str, Any]:
    x, y, z = LATTICE.centres_um()
    return {
        "field_oxygen": 30.0 + 0.01 * tick * np.cos(y / 77.0 + z / 33.0 + x),
        "density_cells": np.full(LATTICE.shape, float(tick)),
    }


def fill(store: RunStore, upto: int = 12) -> None:
    for index, tick in enumerate(store.series_ticks):
        if tick <= upto:
            store.write_series(index, tick, {"length": tick + 0.1, "count": np.nan if tick == 0 else 3.0})
    for index, tick in enumerate(store.map_ticks):
        if tick <= upto:
            store.write_maps(index, tick, frame(tick))
            table = {"id": (np.array([2**63 + 5, 7], dtype=np.uint64), attributes("1"))}
            store.write_snapshot(schema.CELLS_GROUP, tick, {"": table}, {"": schema.ROW})
    store.flush()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / schema.STORE_NAME


def test_everything_comes_back(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store)
    tree = open_run(path)
    assert tree["series/length"].values.tolist() == [0.1, 4.1, 8.1, 12.1]
    assert np.isnan(tree["series/count"].values[0])
    assert tree["series/time"].values.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert tree["series/tick"].values.tolist() == [0, 4, 8, 12]
    maps = tree["maps"]
    assert maps["density_cells"].values[1].tolist() == frame(8)["density_cells"].tolist()
    assert maps["field_oxygen"].dtype == np.float32
    np.testing.assert_allclose(maps["field_oxygen"].values[2], frame(12)["field_oxygen"], rtol=2.0**-13)
    assert maps["field_oxygen"].attrs[schema.KEEPBITS] == schema.FIELD_KEEPBITS
    assert schema.KEEPBITS not in maps["density_cells"].attrs
    assert maps["y"].values.tolist() == [-100.0, 0.0, 100.0]
    assert tree["geometry/map_cord"].dtype == np.uint8
    ids = tree["cells/day_0002/id"]
    assert ids.dtype == np.uint64
    assert ids.values.tolist() == [2**63 + 5, 7]


@pytest.mark.parametrize(
    "values",
    [
        np.array([], dtype=np.float64),
        np.array([np.nan, -np.inf, 1e-300, -0.0]),
        np.array([True, False]),
        np.array([-128, 127], dtype=np.int8),
        np.array([2**64 - 1, 0], dtype=np.uint64),
        np.array([-(2**63), 5], dtype=np.int64),
        np.array([1.5, np.nan], dtype=np.float32),
    ],
    ids=lambda values: f"{values.dtype}[{values.size}]",
)
def test_every_kind_of_column_comes_back_bit_for_bit(path: Path, values: np.ndarray) -> None:
    store = RunStore.create(path, layout(), ROOT)
    place = store.write_snapshot(
        schema.AXONS_GROUP, 4, {"paths": {"column": (values, attributes("1"))}}, {"paths": schema.POINT}
    )
    found = open_run(path)[f"{place}/paths/column"]
    assert found.dtype == values.dtype
    assert found.values.tobytes() == values.tobytes()
    assert found.dims == (schema.POINT,)


def test_rounding_keeps_twelve_bits_and_special_values() -> None:
    values = np.concatenate((np.geomspace(1e-30, 1e30, 5000), -np.geomspace(1e-3, 1e3, 5000)))
    found = rounded(values, 12)
    assert np.max(np.abs(found / values - 1.0)) <= 2.0**-13 * (1 + 1e-6)
    assert not np.any(found.view(np.uint32) & np.uint32((1 << 11) - 1))
    assert np.array_equal(rounded(found, 12), found), "rounding twice changes nothing"
    special = rounded(np.array([np.nan, np.inf, -np.inf, 0.0, 1.0]), 12)
    assert np.isnan(special[0])
    assert special[1:].tolist() == [np.inf, -np.inf, 0.0, 1.0]


# ------------------------------------------------------------------ cut off
def test_frames_without_their_time_are_not_there(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store, upto=8)
    root = zarr.open_group(str(path), mode="r+", use_consolidated=False)
    root["maps/field_oxygen"][2] = 1.0  # the third frame was begun, then the power went
    assert open_run(path)["maps"].sizes["time"] == 2
    assert open_run(path)["series"].sizes["time"] == 3


def test_a_truncated_chunk_of_an_unfinished_frame_does_no_harm(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store)
    root = zarr.open_group(str(path), mode="r+", use_consolidated=False)
    root["maps/time"][2] = np.nan
    chunk = path / "maps" / "field_oxygen" / "c" / "2" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:10])
    tree = open_run(path)
    assert tree["maps"].sizes["time"] == 2
    assert np.all(np.isfinite(tree["maps/field_oxygen"].values))


def test_a_snapshot_without_its_marker_is_not_there(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store)
    root = zarr.open_group(str(path), mode="r+", use_consolidated=False)
    del root["cells/day_0002"].attrs[schema.COMPLETE]
    assert sorted(open_run(path)["cells"].children) == ["day_0001", "day_0003"]


def test_a_snapshot_in_the_making_is_beside_the_store(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store, upto=4)
    broken = {"": {"id": (np.arange(3), attributes("1")), "bad": (np.arange(3), {"units": object()})}}
    with pytest.raises(AttributeError):
        store.write_snapshot(schema.CELLS_GROUP, 8, broken, {"": schema.ROW})
    assert (path.parent / STAGING_NAME).is_dir(), "what a kill would leave"
    assert list(open_run(path)["cells"].children) == ["day_0001"]
    RunStore.reopen(path, 4)
    assert not (path.parent / STAGING_NAME).exists()


def test_reopening_takes_back_what_came_later(path: Path) -> None:
    fill(RunStore.create(path, layout(), ROOT))
    store = RunStore.reopen(path, 8)
    tree = open_run(path)
    assert tree["series/tick"].values.tolist() == [0, 4, 8]
    assert tree["maps/tick"].values.tolist() == [4, 8]
    assert sorted(tree["cells"].children) == ["day_0001", "day_0002"]
    assert store.series()["length"].tolist() == [0.1, 4.1, 8.1]
    assert "day 2" in store.kept


def test_a_reopened_store_ends_like_one_that_was_never_cut(tmp_path: Path) -> None:
    whole, cut = tmp_path / "a" / "run.zarr", tmp_path / "b" / "run.zarr"
    stores = [RunStore.create(path, layout(), ROOT) for path in (whole, cut)]
    fill(stores[0])
    fill(stores[1], upto=8)
    stores[1] = RunStore.reopen(cut, 4)
    fill(stores[1])
    for store in stores:
        store.consolidate()
    assert differing(whole, cut) == []


# ------------------------------------------------------------------ packing and opening
def test_packing_changes_files_and_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, packed = tmp_path / "a" / "run.zarr", tmp_path / "b" / "run.zarr"
    other, store = (RunStore.create(path, layout(), ROOT) for path in (plain, packed))
    for one in (other, store):
        fill(one)
        one.consolidate()
    assert not store.pack(), "three frames are not worth it"
    monkeypatch.setattr("cordgraft.record.store.WORTH_PACKING", 1)
    assert store.pack()
    assert measure(packed)["files"] == measure(plain)["files"] - 2 * 2  # two maps, three frames in one file
    assert differing(plain, packed) == []
    assert not (packed.parent / PACKING_NAME).exists()
    assert open_run(packed)["maps/field_oxygen"].encoding["shards"] is not None


@pytest.mark.parametrize("at_once", [True, False])
def test_packed_maps_are_unpacked_to_be_written_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """A run that was killed after the packing goes on before its last frame, wherever directories change places."""
    monkeypatch.setattr("cordgraft.record.store.WORTH_PACKING", 1)
    if not at_once:
        monkeypatch.setattr("cordgraft.record.packing._swap", lambda one, other: False)
    plain, packed = tmp_path / "a" / "run.zarr", tmp_path / "b" / "run.zarr"
    for path in (plain, packed):
        fill(RunStore.create(path, layout(), ROOT))
    files = measure(packed)["files"]
    store = RunStore.reopen(packed, 12)
    assert store.pack() and is_packed(packed) and measure(packed)["files"] < files
    assert not store.pack(), "once is enough"
    assert is_packed(RunStore.reopen(packed, 12).path), "nothing is left to be written"
    RunStore.reopen(packed, 4)
    assert not is_packed(packed)
    assert not (packed.parent / PACKING_NAME).exists()
    RunStore.reopen(plain, 4)
    assert differing(plain, packed) == []


def test_gathered_metadata_is_what_the_library_would_gather(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store)
    store.consolidate()
    ours = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of its own extension
        zarr.consolidate_metadata(str(path))
    theirs = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    assert ours == theirs
    gathered = list(ours["consolidated_metadata"]["metadata"])
    assert gathered == list(theirs["consolidated_metadata"]["metadata"])
    assert "cells/day_0003/id" in gathered


def test_documents_are_those_of_the_library(path: Path, tmp_path: Path) -> None:
    RunStore.create(path, layout(), ROOT)
    ours = json.loads((path / "maps" / "field_oxygen" / "zarr.json").read_text(encoding="utf-8"))
    zarr.create_array(
        str(tmp_path / "theirs"),
        shape=(3, *LATTICE.shape),
        chunks=(1, *LATTICE.shape),
        dtype="float32",
        fill_value=np.nan,
        compressors=zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="shuffle"),
        dimension_names=("time", "x", "y", "z"),
        attributes={**attributes("mmHg"), schema.KEEPBITS: schema.FIELD_KEEPBITS},
    )
    assert ours == json.loads((tmp_path / "theirs" / "zarr.json").read_text(encoding="utf-8"))


def test_a_long_table_takes_several_chunks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cordgraft.record.chunks.TABLE_CHUNK", 4)
    store = RunStore.create(path, layout(), ROOT)
    values = np.arange(11, dtype=np.int32)
    place = store.write_snapshot(
        schema.CELLS_GROUP, 4, {"": {"id": (values, attributes("1"))}}, {"": schema.ROW}
    )
    found = open_run(path)[f"{place}/id"]
    assert found.encoding["chunks"] == (4,)
    assert found.values.tolist() == values.tolist()


def test_packing_that_was_cut_off_between_its_renames_is_undone(path: Path) -> None:
    fill(RunStore.create(path, layout(), ROOT))
    aside = path.parent / PACKING_NAME
    aside.mkdir()
    shutil.move(str(path / "maps"), str(aside / BEFORE_NAME))
    RunStore.reopen(path, 12)
    assert open_run(path)["maps"].sizes["time"] == 3
    assert not aside.exists()


@pytest.mark.parametrize("pack", [False, True])
def test_xarray_opens_it_without_a_warning(path: Path, pack: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cordgraft.record.store.WORTH_PACKING", 1)
    store = RunStore.create(path, layout(), ROOT)
    fill(store)
    assert store.pack() if pack else True
    store.update_attributes({"status": "finished"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xr.open_datatree(path, engine="zarr")
        tree.load()
    assert tree.attrs["status"] == "finished"
    assert tree["maps/field_oxygen"].sizes == {"time": 3, "x": 1, "y": 3, "z": 16}
    assert "day_0003" in tree["cells"].children
    assert not tree.dataset.coords, "coordinates at the root would clash with those of the groups"


def test_a_new_store_opens_too(path: Path) -> None:
    RunStore.create(path, layout(), ROOT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xr.open_datatree(path, engine="zarr")
    assert tree["series"].sizes["time"] == 4
    assert open_run(path)["series"].sizes["time"] == 0


# ------------------------------------------------------------------ errors
def test_a_store_is_never_written_over(path: Path) -> None:
    RunStore.create(path, layout(), ROOT)
    with pytest.raises(StoreError, match="exists already"):
        RunStore.create(path, layout(), ROOT)


def test_there_must_be_a_store_to_go_on_with(path: Path) -> None:
    with pytest.raises(StoreError, match="there is no run"):
        RunStore.reopen(path, 4)


def test_an_error_while_writing_says_what_was_kept(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    fill(store, upto=4)
    chunks = path / "maps" / "field_oxygen" / "c"
    shutil.rmtree(chunks)
    chunks.write_text("a file where a directory must be")
    with pytest.raises(StoreError, match=r"the maps of day 2 could not be written: .*up to day 1 is kept"):
        store.write_maps(1, 8, frame(8))


def test_a_frame_goes_to_its_own_place(path: Path) -> None:
    store = RunStore.create(path, layout(), ROOT)
    with pytest.raises(ValueError, match="is tick 4, not 8"):
        store.write_maps(0, 8, frame(8))
    with pytest.raises(ValueError, match="is tick 0, not 4"):
        store.write_series(0, 4, {"length": 1.0, "count": 1.0})
