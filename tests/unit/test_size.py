"""The estimate of a run before it starts: memory and time in words, and a refusal that says what would fit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cordgraft.core import memory
from cordgraft.core.problems import BadInput
from cordgraft.engine.model import CordModel
from cordgraft.run.inspection import print_plan
from cordgraft.scenario import size
from cordgraft.scenario.build import build, estimate
from cordgraft.scenario.load import load

WHOLE_CORD = "human_cervical_volume"
GRIDS = ("map", "fraction", "density", "transfer")


@pytest.mark.parametrize("name", ["mouse_subacute_graft", "human_cervical_subacute_graft"])
def test_the_arrays_of_the_lattice_are_counted_exactly(name: str) -> None:
    built = build(load(name, ["resolution=preview"]))
    tissue = built.tissue
    held = sum(tissue[name].nbytes for name in tissue.names() if name.split(".")[0] in GRIDS)
    held += tissue.field_buffer.nbytes + tissue.source_buffer.nbytes
    assert estimate(built.config, tissue.lattice).state_bytes == held


def test_the_peak_of_a_real_run_lies_below_the_estimate_but_not_far() -> None:
    sets = [
        "geometry.voxel=400 um",
        "treatments.graft.at=1 h",
        "duration=6 h",
        "record.maps=[6 h]",
        "record.series=6 h",
    ]
    sets.append("safety={}")
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tempfile import TemporaryDirectory\n"
        "from cordgraft.engine.model import CordModel\n"
        "from cordgraft.engine.runner import run_model\n"
        "from cordgraft.scenario.load import load\n"
        "model = CordModel(load(sys.argv[1], sys.argv[2:]))\n"
        "with TemporaryDirectory() as folder:\n"
        "    run_model(model, Path(folder) / 'run', checkpoint_every_h=3.0)\n"
        "status = Path('/proc/self/status')\n"
        "if status.exists():  # the system's own figure would begin with that of the process that started this one\n"
        "    line = next(line for line in status.read_text().splitlines() if line.startswith('VmHWM'))\n"
        "    print(int(line.split()[1]) * 1024)\n"
        "else:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    command = [sys.executable, "-c", code, WHOLE_CORD, *sets]
    subprocess.run(command, capture_output=True, text=True, check=True)  # compiles; the compiler takes memory too
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, expected = float(done.stdout), estimate(load(WHOLE_CORD, sets)).peak_bytes
    assert 0.5 * expected < found < 1.05 * expected


def test_what_does_not_fit_is_refused_with_numbers_and_what_would_fit_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(size, "free_memory", lambda: 2_000_000_000)
    with pytest.raises(BadInput) as refusal:
        build(load(WHOLE_CORD, ["geometry.voxel=100 um"]))
    (problem,) = refusal.value.problems
    assert problem.key == "geometry.voxel" and "2.00 GB free" in str(problem)
    needed = re.search(r"about ([\d.,]+) GB at peak", str(problem))
    fitting = re.search(r"voxels of (\d+) um would fit", str(problem))
    assert needed is not None and float(needed[1]) > 10.0
    assert fitting is not None
    assert build(load(WHOLE_CORD, [f"geometry.voxel={fitting[1]} um"])).tissue.lattice.size > 0
    with pytest.raises(BadInput):  # it is the finest that fits, within a tenth
        build(load(WHOLE_CORD, [f"geometry.voxel={0.9 * float(fitting[1]):g} um"]))


def test_where_cells_are_to_blame_more_of_them_stand_behind_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "free_memory", lambda: 2_000_000_000)
    config = load(WHOLE_CORD, ["treatments.graft.dose=1e8 cells", "geometry.voxel=500 um"])
    with pytest.raises(BadInput, match=r"numerics.cells_per_agent of \d+ would fit") as refusal:
        build(config)
    agents = re.search(r"per_agent of (\d+)", str(refusal.value))
    assert agents is not None
    fewer = load(
        WHOLE_CORD,
        ["treatments.graft.dose=1e8 cells", "geometry.voxel=500 um", f"numerics.cells_per_agent={agents[1]}"],
    )
    assert estimate(fewer).fits


def test_a_lattice_of_masks_is_refused_before_it_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nibabel", reason="needs the extra [mri]")
    from cordgraft.scenario import masks
    from tests.unit.test_scan_run import COARSE, write_tilted_masks

    settings = {
        **COARSE,
        **write_tilted_masks(tmp_path),
        "geometry.section": "volume",
        "geometry.voxel": "30 um",
    }
    made: list[int] = []
    monkeypatch.setattr(masks, "overlap", lambda lattice, *_: made.append(lattice.size))
    monkeypatch.setattr(size, "free_memory", lambda: 2_000_000_000)
    with pytest.raises(BadInput, match="would fit"):
        CordModel("human_from_masks", settings=settings)
    assert made == []


def test_a_scan_too_large_to_read_is_refused_by_its_number_of_voxels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nibabel", reason="needs the extra [mri]")
    from cordgraft.scenario.masks import read_masks
    from tests.unit.test_scan_run import write_tilted_masks

    masks = write_tilted_masks(tmp_path)
    assert read_masks(masks["geometry.cord_mask"]).cord.any()
    monkeypatch.setattr(size, "free_memory", lambda: 10_000_000)
    with pytest.raises(BadInput, match=r"144,000 voxels, about 0.01 GB to read"):
        read_masks(masks["geometry.cord_mask"])


def test_a_section_receives_its_share_of_the_graft() -> None:
    model = CordModel("mouse_subacute_graft", settings={"treatments.graft.at": "1 h"})
    expected = estimate(model.config).cells
    for _ in range(2):
        model.step()
    assert 0.5 * expected < len(model.tissue.cells) <= expected


def test_a_batch_job_is_held_to_its_own_limit(tmp_path: Path) -> None:
    assert memory._group_memory(tmp_path) is None
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory._group_memory(tmp_path) == 2000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._group_memory(tmp_path) is None


def test_finer_and_longer_runs_take_longer() -> None:
    def needed(*sets: str) -> float:
        return estimate(load("human_cervical_subacute_graft", sets)).reference_s

    assert needed("resolution=preview") < 0.4 * needed()
    assert needed("geometry.voxel=100 um") > 2.0 * needed()
    assert needed("duration=730 d") == pytest.approx(2.0 * needed(), rel=0.1)
    assert estimate(load(WHOLE_CORD)).reference_s / 42.0 > 10.0 * needed() / 365.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (42.0, "42 s"), (300.0, "5 min"), (12_600.0, "3.5 h"), (3e5, "3.5 days")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert size.in_time(seconds) == words


def test_the_plan_says_memory_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    config = load("mouse_subacute_graft", ["resolution=preview"])
    print_plan(config, False)
    said = capsys.readouterr().out
    assert re.search(r"^memory: [\d,]+ voxels x \d+ arrays, .* about [\d.]+ GB at peak", said, re.MULTILINE)
    assert re.search(r"^time: about [\d.]+ (s|min) on one thread", said, re.MULTILINE)
    print_plan(config, True)
    record: dict[str, Any] = json.loads(capsys.readouterr().out)["estimate"]
    assert record["fits"] is True and record["seconds_per_day"] > 0.0
    assert record["peak_bytes"] > record["voxels"] * 72 * 8
