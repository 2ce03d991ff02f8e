"""Paths are cut to names; nothing else is touched."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from cordgraft.record.files import AppendedTable, csv_line, replace_json, write_table
from cordgraft.record.provenance import command_line, commit, machine, versions, without_paths

HOME = "/".join(["", "home", "ada"])
WINDOWS = "C:" + "\\" + "Users" + "\\" + "ada" + "\\" + "mask.nii"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"cord_mask: {HOME}/a b/mask.nii.gz", "cord_mask: mask.nii.gz"),
        (f"  cord_mask: {HOME}/m.nii  # of Monday", "  cord_mask: m.nii  # of Monday"),
        (f"cord_mask: '{HOME}/a b/m.nii'", "cord_mask: 'm.nii'"),
        (f"masks: [{HOME}/one.nii, ~/two.nii]", "masks: [one.nii, two.nii]"),
        (f"read from {HOME}/x.nii, and more", "read from x.nii, and more"),
        (f"mask: {WINDOWS}", "mask: mask.nii"),
        ("rate: 1/h", "rate: 1/h"),
        ("diffusivity: 27.5 um2/s", "diffusivity: 27.5 um2/s"),
        ("source: https://doi.org/10.1/abc", "source: https://doi.org/10.1/abc"),
        ("mask: ../data/mask.nii", "mask: ../data/mask.nii"),
        ("white / grey", "white / grey"),
    ],
)
def test_absolute_paths_become_names(text: str, expected: str) -> None:
    assert without_paths(text) == expected


def test_command_lines_can_be_repeated_elsewhere() -> None:
    typed = [
        f"{HOME}/.venv/bin/cordgraft",
        "run",
        f"{HOME}/x.yaml",
        "--set",
        f"a.b={HOME}/m.nii",
        "-o",
        "runs/a",
    ]
    assert command_line(typed) == "cordgraft run x.yaml --set a.b=m.nii -o runs/a"
    assert command_line([f"{HOME}/cordgraft/run/__main__.py", "list"]) == "cordgraft list"
    assert command_line([f"{HOME}/site-packages/pytest/__main__.py", "-q"]) == "pytest -q"
    assert command_line([]) == ""


def test_versions_commit_and_machine(repository: Path) -> None:
    assert {"cordgraft", "python", "numpy", "zarr"} <= set(versions())
    assert "/" not in machine()
    if (repository / ".git").exists():
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
        )
        assert commit().removesuffix("+changes") == asked.stdout.strip()
    else:
        assert commit() == ""


# ------------------------------------------------------------------ small files
def test_json_knows_no_nan(tmp_path: Path) -> None:
    replace_json(tmp_path / "x.json", {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": "ä"}})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {
        "a": None,
        "b": [1.5, None],
        "c": {"d": "ä"},
    }
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"], "nothing is left aside"


def test_csv_reads_back_the_same_numbers(tmp_path: Path) -> None:
    assert csv_line([1, 0.1, float("nan"), 'a,"b"', 1e300]) == '1,0.1,,"a,""b""",1e+300\n'
    write_table(tmp_path / "x.csv", ("a", "b"), [(1, 2.5), (3, "x")])
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == "a,b\n1,2.5\n3,x\n"


def test_an_appended_table_is_cut_back(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    table = AppendedTable(path, ("a",))
    table.add([1])
    length = table.sync()
    table.add([2])
    table.close()
    table.close()
    again = AppendedTable(path, ("a",), length)
    again.add([3])
    again.close()
    assert path.read_text(encoding="utf-8") == "a\n1\n3\n"
