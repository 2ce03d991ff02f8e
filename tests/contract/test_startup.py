"""The verbs that only look must not load the heavy libraries: that is what keeps them under half a second."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numba", "mesa", "xarray", "zarr", "scipy", "matplotlib", "pandas", "nibabel", "networkx")
PROGRAM = """
import sys
from cordgraft.run.cli import main
sys.argv = ["cordgraft", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
loaded = sorted(set(name.split(".")[0] for name in sys.modules) & set({heavy!r}))
print("LOADED", ",".join(loaded))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["check", "mouse_subacute_graft"],
        ["check", "mouse_contusion_untreated", "human_cervical_subacute_graft"],
        ["show", "mouse_subacute_graft"],
        ["show", "mouse_subacute_graft", "--parameters", "cspg"],
        ["imaging", "--help"],
        ["imaging", "check", "--help"],
    ],
    ids=" ".join,
)
def test_looking_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED "


def test_importing_the_processes_loads_no_compiler() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from cordgraft.processes import registry; registry();"
            f"print(sorted(set({HEAVY!r}) & set(sys.modules)))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
