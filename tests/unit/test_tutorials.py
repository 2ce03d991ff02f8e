"""The tutorials run as they stand: every command of their pages, and the numbers in their tables."""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.html_support import check_alone

pytest.importorskip("nibabel", reason="the tutorials read scanner volumes, which needs the extra [mri]")
pytestmark = pytest.mark.mri

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
#: How far a number in a table may lie beside what comes out: it is rounded to three digits, or to two decimals.
RELATIVE, ABSOLUTE = 0.02, 0.006


def follow(name: str, folder: Path) -> str:
    """Run all commands of a page in a folder, in one shell, and return the page."""
    page = (TUTORIALS / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, flags=re.M | re.S)
    assert blocks and page.count("```") == 2 * len(blocks), "every block of a tutorial is run"
    programs = folder / "programs"
    programs.mkdir()
    command = programs / "cordgraft"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cordgraft.run "$@"\n')
    command.chmod(0o755)
    sources = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=folder,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return page


def table_of(page: str) -> list[list[str]]:
    """Return the cells of the rows of a page that name a measure, without their code marks."""
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in page.splitlines()]
    return [row for row in rows if any(re.search(r"\[(mm|mm2|mm3|)\]$", cell) for cell in row)]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def near(text: str) -> object:
    return pytest.approx(float(text), rel=RELATIVE, abs=ABSOLUTE)


def test_from_a_run_to_a_scanner_image(shared_data: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.mkdir()
    source = shared_data / "mri" / "sct_testing" / "t2_fake_lesion"
    for end, name in (("", "t2"), ("_sc_seg", "t2_sc_seg"), ("_lesion_seg", "t2_lesion_seg")):
        shutil.copy(source / f"t2_fake_lesion{end}.nii.gz", scan / f"{name}.nii.gz")
    page = follow("run_to_scanner.md", tmp_path)
    real, simulated = (rows_of(tmp_path / f"{name}.csv")[-1] for name in ("scan", "simulated"))
    rows = table_of(page)
    assert len(rows) == 6
    for measure, one, two in rows:
        assert float(real[measure]) == near(one), measure
        assert float(simulated[measure]) == near(two), measure
        # the claim of the page: less than a voxel is lost on the way
        if measure.endswith("[mm]"):
            assert abs(float(real[measure]) - float(simulated[measure])) < 0.8
    for name, words in (("scan", "t2_lesion_seg.nii.gz"), ("simulated", "simulated, not scanned")):
        found = check_alone((tmp_path / f"{name}.html").read_text(encoding="utf-8"), str(tmp_path))
        assert words in found.text
        assert found.row("command")[1].startswith("cordgraft imaging report -m ")


@pytest.mark.slow
def test_from_a_baseline_to_follow_up(shared_data: Path, tmp_path: Path) -> None:
    shutil.copytree(shared_data / "mri" / "trial_example", tmp_path / "trial")
    page = follow("baseline_to_follow_up.md", tmp_path)
    found = {(row["session"], row["measure"]): row for row in rows_of(tmp_path / "compared" / "compared.csv")}
    rows = table_of(page)
    assert len(rows) == 18
    for session, measure, measured, simulated, least, most in rows:
        row = found[session, measure]
        assert row["simulated_n"] == "3"
        assert float(row["measured"]) == near(measured), (session, measure)
        assert float(row["simulated_mean"]) == near(simulated), (session, measure)
        assert float(row["simulated_least"]) == near(least) and float(row["simulated_most"]) == near(most)
    report = check_alone((tmp_path / "trial.html").read_text(encoding="utf-8"), str(tmp_path))
    assert "3 runs beside sub-01 (seed-1, seed-2, seed-3)" in report.text
    assert "scans with a synthetic lesion, as their sidecars say" in report.text
