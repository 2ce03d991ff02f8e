"""`cordgraft validate` end to end on a tiny row: runs, what is kept, what is read from them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core.schema import CHECKPOINTS_NAME
from cordgraft.run.validation import suite
from cordgraft.run.validation.pool import command_of, run_all
from cordgraft.run.validation.reading import (
    axon_growth,
    gracile_fibres,
    marked_fates,
    sparing_and_function,
    spread,
    untreated_milieu,
)
from cordgraft.run.validation.row import Arm, Claim, Row
from cordgraft.run.validation.rows import FRONT, find_rows
from cordgraft.run.validation.store import FINISHED, LABEL, STARTED, Wanted, wanted_runs
from cordgraft.run.validation.suite import Request, validate
from cordgraft.run.validation.zones import zones_of

TINY = (
    "geometry.length=5 mm",
    "geometry.voxel=100 um",
    "duration=4 d",
    "record.series=12 h",
    "record.maps=[1 d, 2 d, 4 d]",
)
ARM = Arm("tiny", "mouse_contusion_untreated", TINY, 1.0, 1.0)
GRAFTED = Arm(
    "tiny-graft",
    "mouse_subacute_graft",
    (*TINY, "treatments.graft.at=1 d", "treatments.graft.dose=2e4 cells", "safety={}"),
    1.0,
    1.0,
)


def tiny_row() -> Row:
    """Return a row on the tiny arm that is known to pass: the immune cells arrive within four days."""
    row = find_rows(["S3"])[0]
    claims = (
        Claim(
            "day of the neutrophils' peak",
            "d",
            lambda courses: courses["untreated"].peak_day("neutrophils"),
            0.5,
            2.0,
        ),
    )
    return replace(row, arms={"untreated": ARM}, claims=claims)


def request(out: Path, **changes: object) -> Request:
    plain = Request(None, 2, 1, out, False, False, False, True)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory in which the tiny row has been run with two seeds."""
    out = tmp_path_factory.mktemp("validation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite, "find_rows", lambda names: [tiny_row()])
        assert validate(request(out)) == 0
    return out


@pytest.fixture(scope="module")
def grafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a tiny grafted run."""
    run = wanted_runs([GRAFTED], [1], tmp_path_factory.mktemp("grafted"))[0]
    assert run_all([run], 1, lambda run, code, seconds: None) is False
    assert run.state() == FINISHED
    return run.directory


def test_rows_are_judged_and_written(made: Path) -> None:
    data = json.loads((made / "validation.json").read_text(encoding="utf-8"))
    assert data["passed"] is True
    (quantity,) = data["rows"][0]["quantities"]
    assert quantity["verdict"] == "passes"
    assert len(quantity["values"]) == 2
    assert quantity["interval"][0] <= quantity["mean"] <= quantity["interval"][1]
    assert (made / "S3.png").stat().st_size > 10_000
    header, line = (made / "validation.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("row,quantity,target") and line.startswith("S3,")
    page = (made / "validation.md").read_text(encoding="utf-8").splitlines()
    assert page[0].startswith("cordgraft ") and page[-1].startswith("| S3 | day of the neutrophils' peak |")


def test_finished_runs_are_kept(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "find_rows", lambda names: [tiny_row()])
    label = made / "runs" / "tiny" / "seed-1" / LABEL
    before = label.stat().st_mtime_ns
    assert validate(request(made)) == 0
    assert label.stat().st_mtime_ns == before


@pytest.mark.parametrize("changed", ["digest", "seed", "code"])
def test_a_run_of_something_else_does_not_count(made: Path, changed: str) -> None:
    run = wanted_runs([ARM], [1], made)[0]
    assert run.state() == FINISHED
    other = {"digest": "0" * 64, "seed": 2, "code": "0.0.0+0"}[changed]
    assert replace(run, **{changed: other}).state() == ""  # type: ignore[arg-type]


def test_a_run_without_its_dataset_does_not_count(tmp_path: Path) -> None:
    run = Wanted(ARM, 1, "d", "c", tmp_path / "seed-1")
    run.write(FINISHED, 3.0)
    assert run.state() == ""
    assert run.seconds == 3.0


def test_a_row_that_fails_gives_exit_code_one(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = tiny_row()
    too_late = replace(row, claims=(replace(row.claims[0], low=3.0, high=4.0),))
    monkeypatch.setattr(suite, "find_rows", lambda names: [too_late])
    assert validate(request(made)) == 1


def test_a_dry_run_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suite, "find_rows", lambda names: [tiny_row()])
    assert validate(request(tmp_path / "none", dry_run=True, json_output=True)) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["arms"][0]["to do"] == 2
    assert plan["seconds"] == 2.0
    assert not (tmp_path / "none").exists()


def test_a_run_that_fails_is_told_and_does_not_count(tmp_path: Path) -> None:
    """The exit code reaches the caller, and a run that failed does not count as finished."""

    def broken(run: Wanted) -> list[str]:
        return ["false"] if run.seed == 2 else ["true"]

    runs = wanted_runs([ARM], [1, 2], tmp_path)
    codes: dict[int, int] = {}
    assert not run_all(runs, 2, lambda run, code, seconds: codes.update({run.seed: code}), broken)
    assert codes[1] == 0
    assert codes[2] != 0
    assert runs[1].state() == ""


# --------------------------------------------------------------------------------------------- readings
def test_zones_are_those_of_the_recorder(made: Path) -> None:
    """The matrix averaged over core and rim of the maps is what the observers wrote on the same days."""
    from cordgraft_analysis.reading import open_run

    tree = open_run(made / "runs" / "tiny" / "seed-1")
    zones = zones_of(tree, dict(tree.attrs["setting"]))
    series = tree["series"]
    for index, day in enumerate(zones.days):
        at = int(np.flatnonzero(series["time"].values == day)[0])
        cspg = tree["maps"]["field_cspg"].values[index].astype(np.float64)
        for name, zone in (("core", zones.core[index]), ("rim", zones.rim[index])):
            mean = np.sum(cspg[zone] * zones.volume_mm3[zone]) / np.sum(zones.volume_mm3[zone])
            assert mean == pytest.approx(float(series[f"{name}_cspg"].values[at]), rel=1e-5)


def test_total_matrix_starts_at_nothing_and_lies_between_core_and_rim(made: Path) -> None:
    from cordgraft_analysis.reading import open_run

    run = made / "runs" / "tiny" / "seed-1"
    course, series = untreated_milieu(run), open_run(run)["series"]
    assert course.curves["matrix"][0] == 0.0
    base = float(series["rim_cspg"].values[0])
    low = np.minimum(series["rim_cspg"].values, series["core_cspg"].values) - base
    high = np.maximum(series["rim_cspg"].values, series["core_cspg"].values) - base
    assert np.all((low - 1e-6 <= course.curves["matrix"]) & (course.curves["matrix"] <= high + 1e-6))
    assert np.nanmax(course.curves["neutrophils"]) == 1.0


def test_markers_divide_all_surviving_cells(grafted: Path) -> None:
    course = marked_fates(grafted)
    assert list(course.days) == [0.0, 1.0, 3.0]
    assert np.sum([course.curves[name] for name in course.curves], axis=0) == pytest.approx(1.0)
    assert np.all(course.curves["neun"] == 0.0)  # no neuron is older than fourteen days yet
    assert course.curves["nestin"][0] > 0.9


def test_distances_count_from_transplantation_in_millimetres(grafted: Path) -> None:
    course = spread(grafted)
    assert course.days[0] == 0.0
    assert course.days[-1] == 3.0
    assert -5.0 < course.curves["room"][0] < -2.0  # 2.5 mm to the end, less the lesion and 5 mm
    assert np.all(np.abs(course.curves["neurons"][np.isfinite(course.curves["neurons"])]) < 2.5)
    assert FRONT.read is spread


def test_fibres_that_are_lost_and_those_that_live_are_all_of_them(made: Path) -> None:
    course = gracile_fibres(made / "runs" / "tiny" / "seed-1")
    assert course.curves["live"] + course.curves["loss"] == pytest.approx(1.0)
    assert 0.0 < course.at("loss", 1.0) <= 1.0


def test_sparing_is_read_in_percent_and_scores_only_once_somebody_has_looked(made: Path) -> None:
    course = sparing_and_function(made / "runs" / "tiny" / "seed-1")
    assert 5.0 < course.at("spared", 4.0) < 60.0  # 30 % after the impact, for the mean subject
    assert 0.0 <= course.at("motor", 4.0) <= 1.0
    assert np.isnan(course.curves["examined"][0])
    examined = course.at("examined", 4.0)
    assert examined == round(examined)


def test_growth_counts_from_transplantation_and_takes_no_reach_for_none_outside(grafted: Path) -> None:
    from cordgraft_analysis.reading import open_run

    course, tree = axon_growth(grafted), open_run(grafted)
    assert course.days[0] == 0.0 and course.days[-1] == 3.0
    outside = course.curves["outside"] > 0.0
    assert not outside.all()  # on the day of the graft there is no axon yet
    assert np.all(course.curves["reach"][~outside] == 0.0)
    written = tree["series"]["axons_graft_reach_p95"].values[-course.days.size :]
    assert course.curves["reach"][outside] * 1000.0 == pytest.approx(written[outside])
    assert np.all(course.curves["voxel"] == 0.1)
    known = np.flatnonzero(np.isfinite(course.curves["corticospinal"]))
    assert [float(course.days[at]) for at in known] == [0.0, 1.0, 3.0]
    cones = tree["axons/day_0004/cones"]
    longest = float(np.max(cones["arc"].values[cones["tract"].values == 0])) / 1000.0
    assert 0.0 < course.at("corticospinal", 3.0) <= longest


# ------------------------------------------------------------------------------------------- interruption
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_stops_what_runs_and_starts_nothing_more(tmp_path: Path) -> None:
    runs = wanted_runs([ARM], [1, 2], tmp_path)
    ended: list[tuple[int, int]] = []
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    stopped = run_all(
        runs,
        1,
        lambda run, code, seconds: ended.append((run.seed, code)),
        lambda run: [sys.executable, "-c", "import time; time.sleep(60)"],
    )
    assert stopped
    assert ended == [(1, -signal.SIGTERM)]
    assert not runs[1].directory.exists()


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    run = wanted_runs([ARM], [1], tmp_path)[0]
    assert command_of(run)[3:5] == ["run", "mouse_contusion_untreated"]
    run.write(STARTED, 5.0)
    assert run.state() == ""  # stopped before its first checkpoint: from the start
    (run.directory / CHECKPOINTS_NAME).mkdir()
    assert run.state() == STARTED
    assert command_of(run)[3:5] == ["resume", str(run.directory)]
    assert replace(run, code="0.0.0+0").state() == ""
