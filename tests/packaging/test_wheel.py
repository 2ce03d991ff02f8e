"""The wheel holds what it should, and in a clean environment it runs every scenario that it ships."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cordgraft

ROOT = Path(__file__).resolve().parents[2]
#: Folder of the checkout -> folder in the wheel.
PLACES = {
    "sim/cordgraft": "cordgraft",
    "analysis/cordgraft_analysis": "cordgraft_analysis",
    "scenarios": "cordgraft/scenarios",
}
TICKS = 4


def project() -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as handle:
        table: dict[str, Any] = tomllib.load(handle)["project"]
    return table


def call_backend(hook: str, folder: Path) -> Path:
    """Build with hatchling as an installer would, without looking for it anywhere but here."""
    code = f"import sys, hatchling.build; print(hatchling.build.{hook}(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder / result.stdout.strip().splitlines()[-1]


def source_files() -> dict[str, Path]:
    """Return what the wheel must hold: name in the wheel -> file of the checkout."""
    found = {}
    for source, target in PLACES.items():
        for path in (ROOT / source).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".nbi", ".nbc") and path.name[0] != ".":
                found[f"{target}/{path.relative_to(ROOT / source).as_posix()}"] = path
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return call_backend("build_wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_packages_and_the_scenarios_and_nothing_else(wheel: Path) -> None:
    expected = source_files()
    with zipfile.ZipFile(wheel) as archive:
        content = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert content == set(expected)
        changed = [name for name, path in expected.items() if archive.read(name) != path.read_bytes()]
    assert changed == []


def test_types_and_scenarios_are_shipped(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"cordgraft/py.typed", "cordgraft_analysis/py.typed"} <= names
    scenarios = {Path(name).stem for name in names if re.fullmatch(r"cordgraft/scenarios/[^/]+\.yaml", name)}
    assert {"mouse_contusion_untreated", "mouse_subacute_graft", "human_cervical_subacute_graft"} <= scenarios


def test_the_wheel_describes_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folder = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
        metadata = archive.read(f"{folder}/METADATA").decode()
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
        assert "Apache License" in archive.read(f"{folder}/licenses/LICENSE").decode()
    assert "\nRequires-Python: >=3.12\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "\ncordgraft = cordgraft.run.cli:main" in entry_points


def test_an_editable_install_holds_no_copy_that_could_go_stale(tmp_path: Path) -> None:
    with zipfile.ZipFile(call_backend("build_editable", tmp_path)) as archive:
        files = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert files == ["_cordgraft.pth"]
        roots = archive.read("_cordgraft.pth").decode().split("\n")
    assert {Path(root).resolve() for root in roots if root} == {ROOT / "sim", ROOT / "analysis"}


def test_one_version_everywhere() -> None:
    version = project()["version"]
    assert cordgraft.__version__ == version
    assert importlib.metadata.version("cordgraft") == version
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def normal(name: str) -> str:
    """Return a distribution name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_has_a_tested_version_and_the_constraints_name_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    strange = [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)]
    assert strange == []
    pinned = {normal(line.split("==")[0]) for line in pins}
    table = project()
    requirements = sum(table["optional-dependencies"].values(), table["dependencies"])
    wanted = {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in requirements}
    missing = wanted - pinned - {"cordgraft"}
    assert not missing, f"run `make constraints`: {sorted(missing)}"


# ------------------------------------------------------------------------------- in a clean environment

STEP = """
import json, math, sys
import numpy as np
import cordgraft
model = cordgraft.CordModel(sys.argv[1], settings=json.loads(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    model.step()
series = model.latest
# what begins as nothing (the pressure of a graft, the findings of an examination) waits for its day
waits = {name for name, spec in model.tissue.specs.items() if np.isnan(spec.initial)}
names = [name for name in model.tissue.names() if name not in waits]
finite = all(np.isfinite(model.tissue[name].astype(float)).all() for name in names) and len(names) > 50
finite = finite and math.isfinite(series["lesion_volume"])  # outcomes of a graft are NaN before there is one
print(json.dumps({"file": cordgraft.__file__, "tick": model.tick, "series": len(series), "finite": bool(finite)}))
"""


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of executables of an environment that holds the wheel and its extra `mri`."""
    folder = tmp_path_factory.mktemp("clean") / "an environment"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    executables = folder / ("Scripts" if os.name == "nt" else "bin")
    install = ["-m", "pip", "install", "-qq", "--constraint", str(ROOT / "constraints.txt"), f"{wheel}[mri]"]
    subprocess.run([str(executables / "python"), *install], check=True, stdin=subprocess.DEVNULL)
    return executables


def run_clean(clean: Path, program: str, *arguments: str, folder: Path) -> str:
    """Run a program of the clean environment in `folder` and return what it printed."""
    own = ("PYTHON", "CORDGRAFT_", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    command = [str(clean / program), *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def write_masks(folder: Path) -> dict[str, str]:
    """Write a straight cord with a lesion in its middle (NIfTI, 1 mm); return the settings that read them."""
    import nibabel

    x, y, z = np.meshgrid(np.arange(24), np.arange(24), np.arange(60), indexing="ij")
    cord = ((x - 11.5) / 6.0) ** 2 + ((y - 11.5) / 4.0) ** 2 <= 1.0
    lesion = cord & (abs(z - 29.5) < 5.0) & (((x - 11.5) ** 2 + (y - 11.5) ** 2) < 9.0)
    settings = {"geometry.scan_at": "28 d"}
    for name, mask in (("cord_mask", cord), ("lesion_mask", lesion)):
        path = folder / f"{name}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), np.eye(4)), path)
        settings[f"geometry.{name}"] = str(path)
    return settings


@pytest.mark.slow
@pytest.mark.mri
def test_the_wheel_runs_every_scenario_it_ships(clean: Path, tmp_path: Path) -> None:
    listed = json.loads(run_clean(clean, "cordgraft", "list", "--json", folder=tmp_path))
    names = {entry["name"] for entry in listed if entry["kind"] == "scenario"}
    assert names == {path.stem for path in (ROOT / "scenarios").glob("*.yaml")}
    parts = {entry["name"] for entry in listed if entry["kind"] == "treatment"}
    assert parts == {path.stem for path in (ROOT / "scenarios" / "treatments").glob("*.yaml")}
    for name in sorted(names):
        settings = write_masks(tmp_path) if name == "human_from_masks" else {}
        printed = run_clean(
            clean, "python", "-c", STEP, name, json.dumps(settings), str(TICKS), folder=tmp_path
        )
        state = json.loads(printed.strip().splitlines()[-1])
        assert Path(state["file"]).is_relative_to(clean.parent), "another cordgraft was imported"
        assert state["tick"] == TICKS - 1, name
        assert state["finite"] and state["series"] > 0, name


@pytest.mark.slow
def test_the_command_of_the_wheel_answers(clean: Path, tmp_path: Path) -> None:
    assert run_clean(clean, "cordgraft", "--version", folder=tmp_path).strip().endswith(project()["version"])
    run_clean(clean, "cordgraft", "new", "mine.yaml", "--from", "mouse_subacute_graft", folder=tmp_path)
    assert (tmp_path / "mine.yaml").is_file()
    run_clean(clean, "cordgraft", "check", "mine.yaml", folder=tmp_path)
