"""The command line as its users meet it: exit codes, messages, files, Ctrl-C, several seeds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cordgraft.core.problems import BadInput
from cordgraft.run.places import clear, next_directory, parse_seeds, reserved
from tests.support import SMALL

TINY = [f"--set={address}={value}" for address, value in SMALL.items()]


def cordgraft(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cordgraft.run", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with its figures, made by the command itself."""
    folder = tmp_path_factory.mktemp("cli")
    done = cordgraft("run", "mouse_subacute_graft", *TINY, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "runs/mouse_subacute_graft-001" in done.stdout
    assert "Traceback" not in done.stderr
    return folder / "runs" / "mouse_subacute_graft-001"


def test_a_run_leaves_what_the_readme_lists(finished: Path) -> None:
    for name in (
        "run.zarr",
        "summary.json",
        "timeseries.csv",
        "overview.png",
        "events.csv",
        "scenario.resolved.yaml",
        "log.txt",
        "data_dictionary.csv",
    ):
        assert (finished / name).exists(), name
    summary = json.loads((finished / "summary.json").read_text())
    assert "research model" in json.dumps(summary)
    assert "graft" in (finished / "events.csv").read_text()


def test_open_datatree_just_works_and_names_no_path(finished: Path, recwarn: pytest.WarningsRecorder) -> None:
    import xarray as xr

    tree = xr.open_datatree(finished / "run.zarr")
    assert tree["series"]["time"].attrs["units"] == "day"
    assert [str(warning.message) for warning in recwarn.list] == []
    text = json.dumps({key: str(value) for node in tree.subtree for key, value in node.attrs.items()})
    assert str(Path.home()) not in text
    assert str(finished.parent) not in text


def test_a_resolved_scenario_runs_to_the_same_numbers(finished: Path, tmp_path: Path) -> None:
    from tests.support import differing

    done = cordgraft(
        "run", str(finished / "scenario.resolved.yaml"), "--no-figures", "--json", "-o", "again", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["seed"] == 1  # nothing but JSON goes to the output
    assert differing(finished / "run.zarr", tmp_path / "again" / "run.zarr") == []


def test_an_occupied_directory_is_left_alone_unless_told(finished: Path, tmp_path: Path) -> None:
    before = (finished / "summary.json").read_bytes()
    done = cordgraft("run", "mouse_subacute_graft", *TINY, "-o", str(finished), cwd=tmp_path)
    assert done.returncode == 2
    assert "already holds a run" in done.stderr and "--overwrite" in done.stderr
    assert (finished / "summary.json").read_bytes() == before


def test_overwrite_never_empties_another_directory(tmp_path: Path) -> None:
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.tex").write_text("years of work")
    done = cordgraft("run", "mouse_subacute_graft", *TINY, "-o", "thesis", "--overwrite", cwd=tmp_path)
    assert done.returncode == 2
    assert (precious / "chapter.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "mouse_subacute_grift"], ["mouse_subacute_graft"]),
        (["check", "no_such_thing_at_all"], ["no_such_thing_at_all"]),
        (
            ["run", "mouse_subacute_graft", "--set", "treatments.graft.dose=-5 cells"],
            ["treatments.graft.dose", "--set"],
        ),
        (["run", "mouse_subacute_graft", "--set", "treatments.graft.dose=5"], ["unit"]),
        (["run", "mouse_subacute_graft", "--set", "treatments.graft.doze=5 cells"], ["dose"]),
        (["run", "mouse_subacute_graft", "--seeds", "5-1"], ["--seeds"]),
        (["run", "mouse_subacute_graft", "--seed", "1", "--seeds", "1-2"], ["--seed"]),
        (["run", "mouse_subacute_graft", "--checkpoint-every", "soon"], ["--checkpoint-every"]),
        (
            [
                "run",
                "mouse_subacute_graft",
                "--set",
                "geometry.section=volume",
                "--set",
                "geometry.voxel=5 um",
            ],
            ["memory"],
        ),
        (
            [
                "run",
                "mouse_subacute_graft",
                "--seeds=1-2",
                "--set=geometry.section=volume",
                "--set=geometry.voxel=5 um",
            ],
            ["memory"],
        ),
        (["run", "mouse_subacute_graft", "--seeds", "9223372036854775808"], ["--seeds"]),
        (["run", "mouse_subacute_graft", "--checkpoint-every", "90 min", "-n"], ["--checkpoint-every"]),
        (["resume", "nowhere"], ["nowhere"]),
        (["report", "nowhere"], ["nowhere"]),
        (["compare", "nowhere", "nothing"], ["nowhere"]),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_bad_input_ends_with_2_and_writes_nothing(
    arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    done = cordgraft(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_seeds_make_a_run_each_and_a_figure_of_all(tmp_path: Path) -> None:
    done = cordgraft(
        "run", "mouse_subacute_graft", *TINY, "--seeds", "1-2", "-j", "2", "-o", "many", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "many" / "seed-1" / "run.zarr").exists()
    assert (tmp_path / "many" / "seed-2" / "summary.json").exists()
    assert list((tmp_path / "many").glob("*.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently on Windows")
def test_a_stop_reaches_the_run_of_every_seed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "cordgraft.run", "run", "mouse_subacute_graft", *TINY),
            *("--set=duration=400 d", "--seeds=1-3", "-j2", "-o", "many"),
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 120.0
    while not list((tmp_path / "many").glob("seed-*/run.zarr")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()  # as a batch system does: the parent alone is told
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "cordgraft resume many/seed-" in errors and "without a run: " in errors
    stopped = cordgraft("resume", "many", cwd=tmp_path)
    assert stopped.returncode == 2 and "many/seed-" in stopped.stderr


def test_compare_report_and_export(finished: Path, tmp_path: Path) -> None:
    other = cordgraft(
        "run",
        "mouse_subacute_graft",
        *TINY,
        "--set",
        "treatments=none",
        "--no-figures",
        "-q",
        "-o",
        "b",
        cwd=tmp_path,
    )
    assert other.returncode == 0, other.stderr
    done = cordgraft("compare", str(finished), "b", "-o", "compared", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "living grafted cells" in done.stdout
    assert (tmp_path / "compared" / "compare.png").exists()
    assert (tmp_path / "compared" / "compare.csv").exists()
    assert cordgraft("report", str(finished), "--movie", cwd=tmp_path).returncode == 0
    assert list(finished.glob("movie.*")) and (finished / "report.html").exists()
    done = cordgraft("export", str(finished), "--netcdf", "run.nc", "--csv", "tables", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run.nc").exists() and list((tmp_path / "tables").glob("*.csv"))
    assert cordgraft("export", str(finished), cwd=tmp_path).returncode == 2


def test_new_writes_a_scenario_that_checks_and_runs_by_path(tmp_path: Path) -> None:
    assert cordgraft("new", "mine.yaml", "--from", "mouse_contusion_untreated", cwd=tmp_path).returncode == 0
    assert cordgraft("check", "mine.yaml", cwd=tmp_path).returncode == 0
    again = cordgraft("new", "mine.yaml", cwd=tmp_path)
    assert again.returncode == 2 and "exists" in again.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently on Windows")
def test_ctrl_c_saves_and_resume_finishes(finished: Path, tmp_path: Path) -> None:
    from tests.support import differing

    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cordgraft.run",
            "run",
            "mouse_subacute_graft",
            *TINY,
            "--no-figures",
            "-o",
            "stopped",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ.copy(),
    )
    deadline = time.monotonic() + 120.0
    while not (tmp_path / "stopped" / "run.zarr").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "cordgraft resume" in errors
    done = cordgraft("resume", "stopped", "--no-figures", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert differing(finished / "run.zarr", tmp_path / "stopped" / "run.zarr") == []
    again = cordgraft("resume", "stopped", "--no-figures", cwd=tmp_path)
    assert again.returncode == 0 and "finished already" in again.stderr
    (tmp_path / "stopped" / "status.json").write_text("{")
    again = cordgraft("resume", "stopped", cwd=tmp_path)
    assert again.returncode == 2 and "status.json" in again.stderr and "Traceback" not in again.stderr


def test_plan_and_dry_run_print_every_process(tmp_path: Path) -> None:
    from cordgraft.processes import registry

    done = cordgraft("plan", "mouse_subacute_graft", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = {row["process"] for row in json.loads(done.stdout)["processes"]}
    assert {name for name, kind in registry().items() if kind.section != "treatments"} <= names
    assert "graft" in names
    assert cordgraft("run", "mouse_subacute_graft", "-n", cwd=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_doctor_finds_this_machine_in_order(tmp_path: Path) -> None:
    done = cordgraft("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    findings = {finding["what"]: finding["verdict"] for finding in json.loads(done.stdout)}
    assert findings["kernels"] == "good"


def test_errors_are_there_for_programs_too(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: scenario\nschema_version: 1\ntitel: x\n")
    done = cordgraft("check", "a.yaml", "mouse_subacute_graft", "--json", cwd=tmp_path)
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == 2
    assert {"line": 3, "column": 1, "key": "titel", "near": ["title"]}.items() <= findings[-1].items()
    done = cordgraft("show", "mouse_subacute_grift", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["problems"][0]["near"][0] == "mouse_subacute_graft"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGPIPE on Windows")
def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    for verb in (["show", "mouse_subacute_graft"], ["list"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "cordgraft.run", *verb],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
        process.stderr.close()


def test_what_the_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = cordgraft("new", "notes.txt/mine.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "notes.txt" in done.stderr


def test_a_scenario_too_large_for_this_machine_is_sound_but_cautioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from cordgraft.run.inspection import check_scenarios

    sets = ["geometry.section=volume", "geometry.voxel=5 um"]
    assert check_scenarios(["mouse_subacute_graft"], sets, False, False) == 0
    said = capsys.readouterr()
    assert "would not run here" in said.err and "GB at peak" in said.err and ": ok (" in said.out


def test_a_narrow_terminal_gets_lines_in_place_of_a_broken_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cordgraft.run import console

    rows = [{"address": "parameters.scar.period", "value": "1 h [default]", "source": ""}]
    console.say_table("Parameters", rows)
    assert "parameters.scar.period │ 1 h [default]" in capsys.readouterr().out
    monkeypatch.setattr(console, "PIPE_WIDTH", 30)
    console.say_table("Parameters", rows)
    assert capsys.readouterr().out == "Parameters\n- parameters.scar.period\n    value: 1 h [default]\n"


def test_units_in_brackets_stay_in_the_head_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    from cordgraft.run import console

    console.say_table("scan [red]", [{"length [mm]": 1.5, "max_axial_damage_ratio []": 0.25}])
    printed = capsys.readouterr().out
    assert "scan [red]" in printed and "length [mm]" in printed and "max_axial_damage_ratio []" in printed


@pytest.mark.skipif(sys.platform == "win32", reason="directories cannot be locked on Windows")
def test_two_runs_never_share_a_directory(tmp_path: Path) -> None:
    with reserved(tmp_path / "a" / "b", tmp_path, "x") as place:
        assert place.is_dir()
        with pytest.raises(BadInput, match="another process"), reserved(place, tmp_path, "x"):
            pass
        assert place.is_dir()
    assert list(tmp_path.iterdir()) == []  # what stayed empty is gone
    with reserved(None, tmp_path, "x") as first, reserved(None, tmp_path, "x") as second:
        assert (first.name, second.name) == ("x-001", "x-002")
        (second / "kept").touch()
    assert [place.name for place in tmp_path.iterdir()] == ["x-002"]


def test_overwriting_leaves_nothing_of_the_earlier_run(tmp_path: Path) -> None:
    for name in (
        "seed-1/summary.json",
        "seed-2/overview.png",
        "overview_seeds.png",
        "report.html",
        "mine.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "seed-1" / "run.zarr" / "series").mkdir(parents=True)
    clear(tmp_path)
    # a folder that only looks like that of a seed holds no run
    assert sorted(place.name for place in tmp_path.iterdir()) == ["mine.txt", "seed-2"]


def test_seed_lists_and_directories(tmp_path: Path) -> None:
    assert parse_seeds("1-3,7, 2") == [1, 2, 3, 7]
    for wrong in ("", "a", "3-1", "1-", "-2", "1-99999999", str(2**63)):
        with pytest.raises(BadInput):
            parse_seeds(wrong)
    assert next_directory(tmp_path, "x").name == "x-001"
    (tmp_path / "x-007").mkdir()
    (tmp_path / "x-old").mkdir()
    assert next_directory(tmp_path, "x").name == "x-008"
