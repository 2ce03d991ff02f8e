"""Where a run is written, and which seeds it takes."""

from __future__ import annotations

import re
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem

#: Files that show that a directory holds a run.
RUN_MARKS = ("run.zarr", "status.json", "summary.json")


def next_directory(base: Path, name: str) -> Path:
    """Return ``base/NAME-001``, or the next number that is free."""
    pattern = re.compile(rf"{re.escape(name)}-(\d+)$")
    taken = (
        [int(m[1]) for child in base.glob(f"{name}-*") if (m := pattern.match(child.name))]
        if base.is_dir()
        else []
    )
    return base / f"{name}-{max(taken, default=0) + 1:03d}"


def holds_run(directory: Path) -> bool:
    """Whether a directory holds a run, or the runs of several seeds."""
    return any((directory / mark).exists() for mark in RUN_MARKS) or any(directory.glob("seed-*/run.zarr"))


def refuse_occupied(directory: Path, overwrite: bool) -> None:
    """Raise `BadInput` if the directory already holds a run and may not be overwritten, or is no place for one."""
    if directory.exists() and not directory.is_dir():
        raise BadInput(Problem("the output is a file, not a directory", key="--out", value=str(directory)))
    if directory.is_dir() and not overwrite:
        if holds_run(directory):
            raise BadInput(
                Problem(
                    "the output directory already holds a run",
                    key="--out",
                    value=str(directory),
                    allowed="another directory, or --overwrite",
                )
            )
    if directory.is_dir() and overwrite and not holds_run(directory) and any(directory.iterdir()):
        # --overwrite replaces runs; it must never empty somebody's home because of a wrong -o
        raise BadInput(
            Problem("the output directory holds other files than a run", key="--out", value=str(directory))
        )


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that ``1-5``, ``3`` or ``1,4,9-11`` name, in order, each once.

    Raises
    ------
    BadInput
        If the text names no whole numbers, or a range runs backwards.
    """
    seeds: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise BadInput(
                Problem(
                    "these are no seeds", key="--seeds", value=text, allowed="for example 1-5, or 1,4,9-11"
                )
            )
        seeds.extend(range(int(match[1]), int(match[2] or match[1]) + 1))
    if len(seeds) > 10_000:
        raise BadInput(
            Problem("too many seeds for one command", key="--seeds", value=text, allowed="up to 10000")
        )
    return list(dict.fromkeys(seeds))
