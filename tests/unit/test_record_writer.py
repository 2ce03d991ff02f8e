"""A whole run directory, written by `RunWriter` from a tissue that a little story moves."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from cordgraft.core import schema
from cordgraft.core.contract import ArraySpec, FieldSpec, Key, Phase, Process, Provision
from cordgraft.record.files import StoreError
from cordgraft.record.provenance import RunInfo
from cordgraft.record.writer import RunWriter
from cordgraft.state.axons import AxonState, Tract
from cordgraft.state.tissue import Tissue
from cordgraft_analysis.reading import open_run, read_events, read_status, read_summary
from support import differing, make_tissue

TICKS = 96
SHAPE = (1, 6, 32)
#: Put together from pieces, so that the rules about the text of the repository do not find a path here.
SECRET = "/".join(["", "home", "ada", "patient 7", "mask.nii.gz"])


class Story(Process):
    """Provides what the tale needs, so that the dictionary has a process to name."""

    name = "story"
    phase = Phase.MILIEU
    provides = Provision(
        arrays=(
            FieldSpec("field.oxygen", "mmHg", "oxygen of the tale", initial=20.0),
            ArraySpec("density.neutrophils", "1", "neutrophils of the tale", bounds=(0.0, 10.0)),
            ArraySpec("density.cells", "cells", "cells of the tale"),
            ArraySpec("density.hidden", "1", "not recorded", record=False),
            ArraySpec("map.impact", "1", "impact of the tale", record=False),
            ArraySpec("scalar.lesion_rostral_um", "um", "edge"),
            ArraySpec("scalar.lesion_caudal_um", "um", "edge"),
        )
    )
    writes = ("field.oxygen", "density.neutrophils", "density.cells", "map.impact", "cell.*")

    def step(self, tissue: Tissue, key: Key) -> None:
        """Tell the next hour: an injury, a lesion that grows, a graft on day 1, an axon that grows through it."""
        tick = key.tick
        if tick == 0:
            tissue["map.impact"][:, :, 14:18] = 1.0
            tissue.set_scalar("lesion_rostral_um", 100.0)
            tissue.set_scalar("lesion_caudal_um", -100.0)
            row = tissue.fibres.add(
                1, id=np.uint64(1), tract=int(Tract.GRACILE), state=int(AxonState.GROWING), weight=9.0
            )
            tissue.segments.add(1, fibre=row.start, z=-600.0)
        reach = 2 + tick // 24
        tissue["fraction.necrosis"][:, :, 16 - reach : 16 + reach] = 0.75
        tissue["fraction.white"][:, :, 16 - reach : 16 + reach] = 0.25
        tissue["field.oxygen"][...] = 20.0 + 0.1 * np.sin(tick + np.arange(32.0))
        if tick == 24:
            sites = np.arange(10, 20)
            tissue.cells.add(
                10, id=sites.astype(np.uint64), site=sites + 64, kind=1, weight=4.0, grafted_tick=24
            )
        if tick >= 24 and tick % 6 == 0:
            n = len(tissue.segments)
            tissue.segments.add(
                1, fibre=0, parent=n - 1, z=-600.0 + 20.0 * (tick - 24), grown=1, laid_tick=tick
            )
            tissue["density.cells"][...] = np.bincount(tissue.cells["site"], minlength=192).reshape(SHAPE)


def make(seed: int = 1) -> tuple[Tissue, Story]:
    story = Story()
    return make_tissue((story,), SHAPE, (50.0, 50.0, 50.0), days=TICKS / 24.0, seed=seed), story


def info(**changes: Any) -> RunInfo:
    base = RunInfo(
        name="tale",
        title="A tale for tests",
        seed=1,
        scenario=f"kind: scenario\ngeometry:\n  cord_mask: {SECRET}\n",
        digest="abc",
        series_h=24.0,
        maps_h=(24.0, 36.0, 72.0, 9999.0),
        safety={
            "neuron_distance": {"at_most": 500.0},
            "graft_volume_ratio": {"from": 24.0, "to": 999.0, "at_most": 2.0},
        },
        cautions=(f"geometry: read from {SECRET}",),
        plan=({"process": "story", "every": "1 h"},),
        command=(
            SECRET.replace("mask.nii.gz", "bin/cordgraft"),
            "run",
            "tale",
            "--set",
            f"geometry.cord_mask={SECRET}",
        ),
    )
    return replace(base, **changes)


def tell(writer: RunWriter, tissue: Tissue, story: Story, first: int = 0, last: int = TICKS) -> None:
    for tick in range(first, last + 1):
        story.step(tissue, Key(1, tick, 1.0))
        if tick == 24:
            writer.event(tick, "graft", 'ten cells, "alive"')
        writer.observe(tissue, tick)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run directory; tests must not change it."""
    directory = tmp_path_factory.mktemp("runs") / "tale-001"
    tissue, story = make()
    writer = RunWriter(directory, info(), tissue, (story,))
    tell(writer, tissue, story)
    writer.finish(timings={"compile": 1.5})
    return directory


# ------------------------------------------------------------------ what is in the directory
def test_the_directory_holds_what_it_should(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names == {
        schema.STORE_NAME,
        schema.SUMMARY_NAME,
        schema.STATUS_NAME,
        schema.TIMESERIES_NAME,
        schema.EVENTS_NAME,
        schema.DICTIONARY_NAME,
        schema.SCENARIO_NAME,
        schema.LOG_NAME,
    }
    assert read_status(run)["status"] == "finished"
    assert (run / schema.SCENARIO_NAME).read_text(encoding="utf-8") == info().scenario


def test_series_and_their_csv_agree(run: Path) -> None:
    tree = open_run(run)
    with (run / schema.TIMESERIES_NAME).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["tick"]) for row in rows] == [0, 24, 48, 72, 96]
    for name, variable in tree["series"].data_vars.items():
        if name != schema.TICK:
            column = [float(row[str(name)] or "nan") for row in rows]
            assert np.array_equal(column, variable.values, equal_nan=True), name
    assert tree["series/lesion_length"].values.tolist() == [200.0, 300.0, 400.0, 500.0, 600.0]
    assert tree["series/graft_survivors"].values.tolist() == [0.0, 40.0, 40.0, 40.0, 40.0]


def test_maps_and_static_maps_are_those_of_the_tissue(run: Path) -> None:
    tree = open_run(run)
    assert tree["maps/time"].values.tolist() == [1.0, 1.5, 3.0], "a day after the end is left out"
    oxygen = 20.0 + 0.1 * np.sin(36 + np.arange(32.0))
    np.testing.assert_allclose(tree["maps/field_oxygen"].values[1, 0, 0], oxygen, rtol=2.0**-13)
    assert float(tree["maps/density_cells"].sum("z").values[0].sum()) == 10.0
    assert "density_hidden" not in tree["maps"]
    assert "field_neutrophils" not in tree["maps"]
    assert tree["geometry/map_impact"].values[0, 0, 14:18].tolist() == [1.0] * 4, (
        "the impact comes with tick 0"
    )


def test_tables_of_a_day(run: Path) -> None:
    tree = open_run(run)
    assert list(tree["cells"].children) == ["day_0001", "day_0001_m0720", "day_0003"]
    cells = tree["cells/day_0003"]
    assert cells["z"].values.tolist() == [float(-775 + 50 * layer) for layer in range(10, 20)]
    assert cells["age_days"].values.tolist() == [2.0] * 10
    paths = tree["axons/day_0003/paths"]
    assert paths["row_size"].values.tolist() == [10]
    assert float(paths["z"].values.max()) == -600.0 + 20.0 * 48
    assert paths["grown"].values.tolist() == [0] + [1] * 9
    assert paths["row_size"].attrs["sample_dimension"] == "point"
    assert paths["tract"].attrs["flag_meanings"].split()[int(paths["tract"].values[0])] == "gracile"


def test_the_summary_tells_the_outcome(run: Path) -> None:
    summary = read_summary(run)
    assert summary["what"] == schema.RESEARCH_SENTENCE
    assert summary["status"] == "finished"
    assert summary["graft_day"] == 1.0
    lesion = summary["outcomes"]["lesion_length"]
    assert lesion["end"] == 600.0
    assert lesion["unit"] == "um"
    assert lesion["peak"] == {"value": 600.0, "day": 4.0}
    assert lesion["days"]["3"] == 500.0
    survivors = summary["outcomes"]["graft_survivors"]
    assert (survivors["end"], survivors["end_simulated"]) == (40.0, 10.0)
    assert summary["not_defined"]["function_motor_index"] == "without the function index"
    assert summary["safety"]["neuron_distance"]["verdict"] == "not judged"
    ratio = summary["safety"]["graft_volume_ratio"]
    assert (ratio["verdict"], ratio["value"]) == ("held", 1.0)
    assert "provisional" in ratio["reason"]
    assert summary["wall_s"]["compile"] == 1.5
    assert summary["scalars"]["lesion_rostral_um"]["value"] == 100.0


def test_events_keep_their_words(run: Path) -> None:
    (event,) = read_events(run)
    assert (event.tick, event.day, event.name, event.text) == (24, 1.0, "graft", 'ten cells, "alive"')


def test_the_dictionary_has_a_line_for_every_variable(run: Path) -> None:
    with (run / schema.DICTIONARY_NAME).open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    tree = open_run(run)
    for node in tree.subtree:
        for name in node.dataset.variables:
            if name in (*schema.SPACE, schema.TIME, schema.TICK) and node.path.count("/") == 1:
                continue  # coordinates explain themselves
            place = re.sub(r"day_\d+(_m\d+)?", "day_*", f"{node.path}/{name}".lstrip("/"))
            assert place in rows, place
            assert rows[place]["meaning"], place
            assert rows[place]["unit"], place
            assert rows[place]["source"], place
    assert rows["maps/field_oxygen"]["source"] == "story"
    assert rows["maps/field_oxygen"]["precision"] == "12 mantissa bits"
    assert rows["maps/density_cells"] | {"unit": "cells", "precision": "exact"} == rows["maps/density_cells"]
    assert rows["series/graft_survivors"]["unit"] == "cells"


# ------------------------------------------------------------------ attributes
def test_every_variable_has_unit_and_meaning_and_every_axis_its_letter(run: Path) -> None:
    tree = xr.open_datatree(run / schema.STORE_NAME, engine="zarr")
    assert tree.attrs["Conventions"] == schema.CONVENTIONS
    seen = 0
    for node in tree.subtree:
        for name, variable in node.dataset.variables.items():
            seen += 1
            assert variable.attrs.get("units"), f"{node.path}/{name}"
            assert variable.attrs.get("long_name"), f"{node.path}/{name}"
            assert variable.attrs["units"] not in schema.COUNTED, "CF knows no such unit"
        for axis, letter in (("time", "T"), ("x", "X"), ("y", "Y"), ("z", "Z")):
            if axis in node.dataset.coords:
                assert node.dataset[axis].attrs["axis"] == letter
    assert seen > 200


def test_provenance_is_in_the_root(run: Path) -> None:
    attributes = open_run(run).attrs
    assert set(schema.ROOT_ATTRS) <= set(attributes)
    assert attributes["schema_version"] == schema.SCHEMA_VERSION
    assert attributes["status"] == "finished"
    assert attributes["seed"] == 1
    assert attributes["setting"]["elliptic_extrusion_ratio"] == pytest.approx(1.4)
    assert attributes["versions"].keys() >= {
        "cordgraft",
        "python",
        "numpy",
        "numba",
        "mesa",
        "xarray",
        "zarr",
    }
    assert attributes["ended"] >= attributes["started"]
    assert attributes["command"] == "cordgraft run tale --set geometry.cord_mask=mask.nii.gz"
    assert tree_ratio(run) == pytest.approx(1.4)


def tree_ratio(run: Path) -> float:
    return float(open_run(run)["series/lesion_volume"].attrs["elliptic_extrusion_ratio"])


def test_no_absolute_path_is_in_the_dataset(run: Path) -> None:
    suspect = re.compile(r"""(?:^|[\s"'=:(\[])(?:/[\w.+-]+){2,}|[A-Za-z]:\\\\|~/""")
    documents = list((run / schema.STORE_NAME).rglob("zarr.json"))
    assert len(documents) > 100
    for document in documents:
        text = document.read_text(encoding="utf-8")
        assert "ada" not in re.findall(r"[a-z]+", text), document
        assert str(run.parent) not in text
        attributes = json.dumps(json.loads(text).get("attributes", {}))
        assert not suspect.search(attributes), suspect.search(attributes)


# ------------------------------------------------------------------ the same again
def test_two_runs_hold_the_same_values(run: Path, tmp_path: Path) -> None:
    tissue, story = make()
    writer = RunWriter(tmp_path / "again", info(pack=False), tissue, (story,))
    tell(writer, tissue, story)
    writer.finish()
    assert differing(run / schema.STORE_NAME, tmp_path / "again" / schema.STORE_NAME) == []
    again = (tmp_path / "again" / schema.TIMESERIES_NAME).read_bytes()
    assert again == (run / schema.TIMESERIES_NAME).read_bytes()


@pytest.mark.parametrize(("saved", "killed"), [(0, 3), (30, 80), (72, 90)])
def test_a_killed_and_resumed_run_holds_the_same_values(
    run: Path, tmp_path: Path, saved: int, killed: int
) -> None:
    directory = tmp_path / "cut"
    tissue, story = make()
    writer = RunWriter(directory, info(), tissue, (story,))
    tell(writer, tissue, story, 0, saved)
    state, arrays = writer.checkpoint_state(), tissue.snapshot()
    tell(writer, tissue, story, saved + 1, killed)
    writer.log("nothing after this line")
    del writer  # as after kill -9: nothing is closed
    tissue, story = make()
    tissue.restore(arrays)
    writer = RunWriter(directory, info(), tissue, (story,), resume=(saved, state))
    assert read_status(directory)["tick"] == saved
    tell(writer, tissue, story, saved + 1)
    writer.finish()
    assert differing(run / schema.STORE_NAME, directory / schema.STORE_NAME) == []
    for name in (schema.TIMESERIES_NAME, schema.EVENTS_NAME):
        assert (directory / name).read_bytes() == (run / name).read_bytes()
    outcomes = [read_summary(path)["outcomes"] for path in (run, directory)]
    assert outcomes[0] == outcomes[1]
    assert "resumed" in open_run(directory).attrs["history"]


def test_an_observer_of_the_caller_is_used(tmp_path: Path) -> None:
    from cordgraft.record.observers import Observer

    tissue, story = make()
    observer = Observer(tissue)
    writer = RunWriter(tmp_path / "run", info(safety={}), tissue, (story,), observer=observer)
    values = {spec.name: float(index) for index, spec in enumerate(observer.specs)}
    assert writer.observe(tissue, 0, values)
    assert not writer.observe(tissue, 1)
    writer.finish("interrupted", "for a test")
    assert open_run(tmp_path / "run")["series/graft_survivors"].values.tolist() == [0.0]
    assert writer.latest == values
    assert read_status(tmp_path / "run")["status"] == "interrupted"


def test_the_way_back_to_the_scanner_is_stored(tmp_path: Path) -> None:
    tissue, story = make()
    arc = np.linspace(0.0, 3.0, 7)
    way = {
        "arc_mm": (arc, ("node",), {"long_name": "arc length"}),
        "bend_per_mm": (arc, ("node",), {"long_name": "bend"}),
        "shape": (np.array([3, 4, 5]), ("axis",), {"units": "1", "long_name": "shape"}),
        "zero": (np.array(0.25), (), {"long_name": "a number of no dimension"}),
    }
    RunWriter(tmp_path / "run", info(), tissue, (story,), straightening=way)
    found = xr.open_datatree(tmp_path / "run" / schema.STORE_NAME, engine="zarr")
    group = found["straightening"]
    assert group["arc_mm"].values.tolist() == arc.tolist()
    assert group["zero"].item() == 0.25
    assert [group[name].attrs["units"] for name in way] == ["mm", "1/mm", "1", "1"]


# ------------------------------------------------------------------ errors
def test_a_run_is_never_written_over(run: Path) -> None:
    tissue, story = make()
    before = (run / schema.SUMMARY_NAME).read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        RunWriter(run, info(), tissue, (story,))
    assert (run / schema.SUMMARY_NAME).read_bytes() == before


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    tissue, story = make()
    with pytest.raises(StoreError, match="the run directory could not be written"):
        RunWriter(tmp_path / "file" / "run", info(), tissue, (story,))


def test_an_error_in_the_middle_leaves_a_readable_run(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    tissue, story = make()
    writer = RunWriter(directory, info(), tissue, (story,))
    tell(writer, tissue, story, 0, 48)
    place = directory / schema.STORE_NAME / "maps" / "field_oxygen" / "c"
    shutil.rmtree(place)
    place.write_text("a file where a directory must be")
    with pytest.raises(StoreError, match=r"maps of day 3 could not be written.*up to day 1 is kept"):
        tell(writer, tissue, story, 49)
    assert open_run(directory)["maps"].sizes["time"] == 2


def test_another_rhythm_of_recording_is_refused(tmp_path: Path) -> None:
    tissue, story = make()
    writer = RunWriter(tmp_path / "run", info(), tissue, (story,))
    tell(writer, tissue, story, 0, 24)
    state = writer.checkpoint_state()
    with pytest.raises(StoreError, match="recorded at other times"):
        RunWriter(tmp_path / "run", info(series_h=12.0), tissue, (story,), resume=(24, state))


def test_a_log_that_was_shortened_by_hand_is_noticed(tmp_path: Path) -> None:
    tissue, story = make()
    writer = RunWriter(tmp_path / "run", info(), tissue, (story,))
    tell(writer, tissue, story, 0, 24)
    state = writer.checkpoint_state()
    (tmp_path / "run" / schema.EVENTS_NAME).write_text("tick\n", encoding="utf-8")
    with pytest.raises(StoreError, match="shorter than the checkpoint says"):
        RunWriter(tmp_path / "run", info(), tissue, (story,), resume=(24, state))
