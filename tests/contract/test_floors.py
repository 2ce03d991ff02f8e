"""The floors of the house hold, and the contracts that say so would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the pyproject.toml in `folder` against the packages below it."""
    start = f"import sys; sys.path[:0] = {[str(folder / 'sim'), str(folder / 'analysis')]!r}; {LINT}"
    command = [sys.executable, "-c", start, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the two packages, to be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for root in ("sim", "analysis"):
        shutil.copytree(ROOT / root, tmp_path / root, ignore=shutil.ignore_patterns("__pycache__", "*.nb?"))
    return tmp_path


def test_every_contract_is_kept() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        (
            "sim/cordgraft/core/clock.py",
            "from cordgraft.state import tissue",
            "Nobody imports from a higher floor",
        ),
        ("sim/cordgraft/state/table.py", "import numba", "Only kernels imports numba"),
        ("sim/cordgraft/kernels/random.py", "import mesa", "Only engine imports mesa"),
        ("sim/cordgraft/engine/pipeline.py", "import ruamel.yaml", "Only scenario reads YAML"),
        (
            "analysis/cordgraft_analysis/__init__.py",
            "from cordgraft.state import tissue",
            "The analysis imports nothing of cordgraft but core",
        ),
        ("sim/cordgraft/state/table.py", "import cordgraft_analysis", "Only run calls the analysis"),
    ],
)
def test_a_forbidden_import_is_noticed(copy: Path, file: str, line: str, contract: str) -> None:
    spoilt = copy / file
    spoilt.write_text(spoilt.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    broken = [row for row in result.stdout.splitlines() if row.startswith(contract)]
    assert broken and "BROKEN" in broken[0], result.stdout
