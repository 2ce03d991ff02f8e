"""Opening and exporting runs from the other side of the schema."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft.record.provenance import RunInfo
from cordgraft.record.writer import RunWriter
from cordgraft.state.axons import AxonState, ConeState, Tract
from cordgraft_analysis.export import export_csv, export_netcdf
from cordgraft_analysis.reading import open_run, read_events, read_status, read_summary, units
from support import make_tissue


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two days with two cells, and an axon with a branch; no cell on the first day."""
    directory = tmp_path_factory.mktemp("runs") / "two"
    tissue = make_tissue((), (1, 4, 16), days=2.0)
    info = RunInfo("two", "Two days", 1, "a: 1\n", "d", 24.0, (24.0, 48.0), cautions=("a caution",))
    writer = RunWriter(directory, info, tissue, ())
    for tick in range(49):
        if tick == 30:
            tissue.cells.add(
                2, id=np.array([2**63 + 1, 2], dtype=np.uint64), kind=np.array([2, 3]), weight=1.5
            )
            tissue.fibres.add(
                1, id=np.uint64(7), tract=int(Tract.GRAFT), origin=1, state=int(AxonState.GROWING), weight=3.0
            )
            tissue.segments.add(
                3, parent=np.array([-1, 0, 0]), fibre=0, z=np.array([0.0, 10.0, -10.0]), grown=1
            )
            tissue.cones.add(1, id=np.uint64(8), fibre=0, last=1, z=12.0, state=int(ConeState.PAUSED))
        writer.observe(tissue, tick)
    writer.event(48, "end", "the last line")
    writer.finish()
    return directory


def test_a_run_directory_and_its_store_open_alike(run: Path) -> None:
    assert open_run(run).groups == open_run(run / schema.STORE_NAME).groups
    assert list(open_run(run)["cells"].children) == ["day_0001", "day_0002"]
    assert open_run(run)["cells/day_0001"].sizes["row"] == 0
    assert units(open_run(run)["series/graft_survivors"]) == "cells"
    assert units(open_run(run)["series/lesion_length"]) == "um"


def test_what_is_no_run_is_said_so(tmp_path: Path) -> None:
    for read in (open_run, read_summary, read_status):
        with pytest.raises(BadInput, match=r"no run directory|did not come to an end"):
            read(tmp_path)
    assert read_events(tmp_path) == []


def test_a_later_layout_is_refused(run: Path, tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path / schema.STORE_NAME), mode="w")
    group.attrs["schema_version"] = schema.SCHEMA_VERSION + 1
    with pytest.raises(BadInput, match="another layout"):
        open_run(tmp_path)


def test_an_event_that_was_cut_off_is_left_out(run: Path, tmp_path: Path) -> None:
    (tmp_path / schema.EVENTS_NAME).write_text("tick,day,name,text\n1,0.5,a,b\n2,0.", encoding="utf-8")
    assert [event.name for event in read_events(tmp_path)] == ["a"]
    assert [event.name for event in read_events(run)] == ["end"]


def test_reading_loads_no_part_of_the_simulator_but_core() -> None:
    import subprocess

    code = (
        "import sys, cordgraft_analysis.reading, cordgraft_analysis.export\n"
        "print([m for m in sys.modules if m.startswith('cordgraft.') and not m.startswith('cordgraft.core')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


# ------------------------------------------------------------------ NetCDF
def test_netcdf_holds_the_same_groups_and_values(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5netcdf", reason="NetCDF is an extra")
    pytest.importorskip("h5py", reason="NetCDF is an extra")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = export_netcdf(run, tmp_path / "deep" / "run.nc")
        with xr.open_datatree(path, engine="h5netcdf") as found:
            tree = open_run(run)
            assert set(found.groups) == set(tree.groups)
            for node in tree.subtree:
                for name, variable in node.dataset.variables.items():
                    other = found[node.path].dataset.variables[name]
                    assert other.dtype == variable.dtype, f"{node.path}/{name}"
                    assert other.values.tobytes() == variable.values.tobytes(), f"{node.path}/{name}"
                    assert other.attrs["units"] == variable.attrs["units"]
            assert json.loads(found.attrs["setting"])["species"] == "mouse"
            assert json.loads(found.attrs["cautions"]) == ["a caution"]
    assert [child.name for child in path.parent.iterdir()] == ["run.nc"]


def test_netcdf_needs_a_file_name(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5netcdf", reason="NetCDF is an extra")
    pytest.importorskip("h5py", reason="NetCDF is an extra")
    with pytest.raises(BadInput, match="is a directory"):
        export_netcdf(run, tmp_path)


# ------------------------------------------------------------------ CSV
def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_tables_are_in_words(run: Path, tmp_path: Path) -> None:
    written = export_csv(run, tmp_path / "tables")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "tables").iterdir()}
    cells = rows_of(tmp_path / "tables" / "cells_day_0002.csv")
    assert [(row["id"], row["kind"]) for row in cells] == [("2", "astrocyte"), (str(2**63 + 1), "neuron")]
    assert rows_of(tmp_path / "tables" / "cells_day_0001.csv") == []
    points = rows_of(tmp_path / "tables" / "axons_day_0002_paths.csv")
    assert [(row["branch"], float(row["z"])) for row in points] == [
        ("0", 0.0), ("0", 10.0), ("0", 12.0), ("1", 0.0), ("1", -10.0)
    ]  # fmt: skip
    assert {row["tract"] for row in points} == {"graft"}
    assert rows_of(tmp_path / "tables" / "axons_day_0002_cones.csv")[0]["state"] == "paused"
    series = rows_of(tmp_path / "tables" / "series.csv")
    assert [row["day"] for row in series] == ["0.0", "1.0", "2.0"]
    assert [row["graft_survivors"] for row in series] == ["0.0", "0.0", "3.0"]
    assert series[0]["graft_survival"] == "", "NaN is an empty field"


def test_csv_needs_a_directory(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="is a file"):
        export_csv(run, tmp_path / "file")
