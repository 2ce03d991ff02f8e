"""Where a run comes from: scenario, seed, versions, commit, machine. No absolute path ever enters the dataset."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import cordgraft
from cordgraft.core import schema

#: Libraries whose version can change a number or the reading of the store.
LIBRARIES: tuple[str, ...] = ("numpy", "numba", "scipy", "mesa", "xarray", "zarr", "numcodecs")

_QUOTED = re.compile(r"""(["'])((?:/|~/|[A-Za-z]:[\\/])[^"'\n]*)\1""")
_VALUE = re.compile(
    r"""^(\s*(?:-\s+)?[\w.\-]+:\s+)((?:/|~/|[A-Za-z]:[\\/])[^\n"'#]*?)(\s*(?:#.*)?)$""", re.MULTILINE
)
_BARE = re.compile(
    r"""(?<![\w.:/\\~})$*-])((?:~/(?:[\w.+@\-]+/)*|(?:/|[A-Za-z]:[\\/])(?:[\w.+@\-]+[\\/])+)[\w.+@\-]*)"""
)


@dataclass(frozen=True)
class RunInfo:
    """What the recorder is told of a run, as plain data.

    Parameters
    ----------
    name, title : str
    seed : int
    scenario : str
        Text of the resolved scenario, loadable again.
    digest : str
        Of the resolved scenario.
    series_h : float
        Interval of the series, h.
    maps_h : tuple of float
        Times of maps and snapshots, h after the injury.
    safety : mapping
        Declared bounds: name -> ``from`` and ``to`` (h after grafting), ``at_most`` (unit of the series).
    cautions : tuple of str
        What a reader of any result must know.
    plan : tuple of mapping
        Rows of the plan of processes, as text.
    command : tuple of str
        Command line as typed.
    threads : int
    pack : bool
        Whether a finished run is packed into few files.
    """

    name: str
    title: str
    seed: int
    scenario: str
    digest: str
    series_h: float = 24.0
    maps_h: tuple[float, ...] = ()
    safety: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    plan: tuple[Mapping[str, str], ...] = ()
    command: tuple[str, ...] = ()
    threads: int = 1
    pack: bool = True


def without_paths(text: str) -> str:
    """Return a text in which every absolute path is cut to the name of its file.

    ``1/h``, ``um2/s`` and web addresses are no paths and stay.
    """
    text = _QUOTED.sub(lambda m: f"{m[1]}{_last(m[2])}{m[1]}", text)
    text = _VALUE.sub(lambda m: f"{m[1]}{_last(m[2])}{m[3]}", text)
    return _BARE.sub(lambda m: _last(m[1]), text)


def _last(path: str) -> str:
    return PurePath(path.replace("\\", "/").rstrip("/ ")).name or "."


def command_line(arguments: Sequence[str]) -> str:
    """Return a command line as it can be repeated elsewhere: the program by its name, paths cut to their last part."""
    if not arguments:
        return ""
    program = PurePath(arguments[0].replace("\\", "/"))
    if program.name == "__main__.py":  # python -m PACKAGE
        package = program.parent
        name = "cordgraft" if package.name == "run" else package.name
    else:
        name = program.name
    return " ".join([name, *(_argument(argument) for argument in arguments[1:])])


def _argument(argument: str) -> str:
    head, equals, tail = argument.rpartition("=")
    is_path = tail.startswith(("/", "~/")) or re.match(r"[A-Za-z]:[\\/]", tail) is not None
    return f"{head}{equals}{_last(tail)}" if is_path else argument


def versions() -> dict[str, str]:
    """Return name -> version of cordgraft, Python and the libraries that matter."""
    found = {"cordgraft": cordgraft.__version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an extra that is not installed
            continue
    return found


def commit() -> str:
    """Return the commit of the checkout that is running, with ``+changes`` if files differ; empty elsewhere."""
    package = Path(cordgraft.__file__).resolve().parent
    root = package.parent.parent
    git = shutil.which("git")
    if git is None or not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return ""

    def ask(*arguments: str) -> str:
        answer = subprocess.run(
            [git, "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return answer.stdout.strip()

    try:
        head = ask("rev-parse", "HEAD")
        changed = ask("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+changes" if changed else "")


def now() -> str:
    """Return the time, UTC, to the second, ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def machine() -> str:
    """Return system, processor and implementation, without a host name."""
    return f"{platform.system()} {platform.release()} {platform.machine()}, {sys.implementation.name}"


def root_attributes(info: RunInfo, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of the root group when a run begins.

    Parameters
    ----------
    info : RunInfo
    setting : mapping
        Species, preset, level, cord diameters, factors between simulated and represented numbers.
    """
    started = now()
    return {
        "Conventions": schema.CONVENTIONS,
        "title": info.title,
        "institution": "not stated",
        "source": f"cordgraft {cordgraft.__version__}, agent-based simulation",
        "history": f"{started}: simulated",
        "references": "see the documentation of cordgraft for the sources of every parameter",
        "comment": schema.RESEARCH_SENTENCE,
        "schema_version": schema.SCHEMA_VERSION,
        "name": info.name,
        "status": "running",
        "scenario": without_paths(info.scenario),
        "scenario_digest": info.digest,
        "seed": info.seed,
        "setting": dict(setting),
        "cautions": [without_paths(caution) for caution in info.cautions],
        "plan": [dict(row) for row in info.plan],
        "versions": versions(),
        "commit": commit(),
        "threads": info.threads,
        "platform": machine(),
        "command": command_line(info.command),
        "started": started,
        "ended": "",
    }
