"""`cordgraft doctor`: can this machine run everything, and if not, what to do about it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from cordgraft.run.console import FAILED, OK, say, say_table

#: Packages without which nothing runs, and the optional parts with the package that shows them.
REQUIRED = (
    "mesa",
    "numpy",
    "numba",
    "scipy",
    "xarray",
    "zarr",
    "pydantic",
    "ruamel.yaml",
    "typer",
    "rich",
    "matplotlib",
)
OPTIONAL = {"mri": "nibabel", "movie": "imageio", "netcdf": "h5netcdf"}
#: Disk space below which a run of a year with maps might not fit, bytes.
ENOUGH_DISK = 2e9


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    what: str
    verdict: str
    detail: str


def examine(json_output: bool) -> int:
    """Examine the machine, print the findings, and return the exit code."""
    findings = [_python(), *_packages(), *_extras(), _kernels(), _cache(), _disk(), _memory(), _scenarios()]
    if json_output:
        say(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        say_table("cordgraft doctor", [asdict(finding) for finding in findings])
    bad = [finding for finding in findings if finding.verdict == "bad"]
    if not json_output:
        say(
            "everything needed is there"
            if not bad
            else f"{len(bad)} things to mend: " + ", ".join(f.what for f in bad)
        )
    return FAILED if bad else OK


def _guard(what: str, examination: Callable[[], Finding]) -> Finding:
    """A check that breaks is a finding, not the end of the examination."""
    try:
        return examination()
    except Exception as error:
        return Finding(what, "bad", f"{type(error).__name__}: {error}")


def _python() -> Finding:
    verdict = "good" if sys.version_info >= (3, 12) else "bad"
    return Finding("python", verdict, f"{platform.python_version()} on {platform.platform(terse=True)}")


def _packages() -> list[Finding]:
    def one(name: str) -> Finding:
        try:
            return Finding(name, "good", metadata.version(name))
        except metadata.PackageNotFoundError:
            return Finding(name, "bad", "not installed; set up again with the README's command")

    return [one(name) for name in REQUIRED]


def _extras() -> list[Finding]:
    found = []
    for extra, package in OPTIONAL.items():
        try:
            found.append(Finding(f"extra [{extra}]", "good", f"{package} {metadata.version(package)}"))
        except metadata.PackageNotFoundError:
            found.append(Finding(f"extra [{extra}]", "absent", f'pip install "cordgraft[{extra}]"'))
    return found


def _kernels() -> Finding:
    def run() -> Finding:
        import numpy as np

        from cordgraft.kernels.random import cipher

        out = np.zeros(4, dtype=np.uint64)
        cipher(np.zeros(4, dtype=np.uint64), np.zeros(2, dtype=np.uint64), out)
        right = [int(word) for word in out] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
        detail = (
            "Philox gives its published answer" if right else f"Philox gives {[hex(int(w)) for w in out]}"
        )
        return Finding("kernels", "good" if right else "bad", f"{detail}; {os.cpu_count()} cores")

    return _guard("kernels", run)


def _cache() -> Finding:
    def run() -> Finding:
        import cordgraft.kernels.compile  # noqa: F401 - chooses the folder

        folder = Path(os.environ["NUMBA_CACHE_DIR"])
        with tempfile.TemporaryFile(dir=folder):
            pass
        return Finding("kernel cache", "good", f"{_home_relative(folder)} can be written")

    return _guard("kernel cache", run)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    return Finding("disk", "good" if free > ENOUGH_DISK else "low", f"{free / 1e9:.1f} GB free here")


def _memory() -> Finding:
    from cordgraft.core.memory import free_memory

    free = free_memory()
    if free is None:
        return Finding("memory", "unknown", "this system does not say")
    return Finding("memory", "good" if free > 1e9 else "low", f"{free / 1e9:.1f} GB free")


def _scenarios() -> Finding:
    def run() -> Finding:
        from cordgraft.scenario.catalog import list_scenarios
        from cordgraft.scenario.load import load

        names = [entry.name for entry in list_scenarios()]
        load("mouse_subacute_graft")
        return Finding("scenarios", "good" if names else "bad", f"{len(names)} found")

    return _guard("scenarios", run)


def _home_relative(path: Path) -> str:
    """Return a path with the home directory shortened, so that a pasted report names nobody."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except ValueError:
        return str(path)
