"""Where a run is written, and which seeds it takes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem
from cordgraft.scenario.sections import Top

#: Files that show that a directory holds a run; the last is all that one leaves which is killed while it begins.
RUN_MARKS = ("run.zarr", "status.json", "summary.json", ".writing")
_SEED_FOLDER = re.compile(r"seed-\d+")
#: Most seeds of one command.
MOST_SEEDS = 10_000
#: What is drawn into a run directory.
OVERVIEW = "overview.png"
SEED_OVERVIEW = "overview_seeds.png"
MOVIE = "movie.gif"
PAGE = "report.html"
PICTURES = (OVERVIEW, SEED_OVERVIEW, MOVIE, PAGE)


def next_directory(base: Path, name: str) -> Path:
    """Return ``base/NAME-001``, or the next number that is free."""
    pattern = re.compile(rf"{re.escape(name)}-(\d+)$")
    taken = (
        [int(m[1]) for child in base.glob(f"{name}-*") if (m := pattern.match(child.name))]
        if base.is_dir()
        else []
    )
    return base / f"{name}-{max(taken, default=0) + 1:03d}"


@contextmanager
def reserved(directory: Path | None, base: Path, name: str) -> Iterator[Path]:
    """Make a run directory and hold it, so that no other process writes a run into it meanwhile.

    A directory that was made here and that stays empty is removed again.

    Parameters
    ----------
    directory : Path or None
        None takes the next free ``base/NAME-001``.
    base : Path
    name : str

    Raises
    ------
    BadInput
        If another process holds the directory.
    """
    place = directory if directory is not None else next_directory(base, name)
    made = [folder for folder in (place, *place.parents) if not folder.exists()]
    while True:
        try:
            place.mkdir(parents=True, exist_ok=directory is not None)
        except FileExistsError:
            if directory is not None:
                raise  # a file of this name has appeared
            place = next_directory(base, name)  # another run was quicker
            made[0] = place
        else:
            break
    try:
        with held(place):
            yield place
    finally:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold a directory against other processes; the system lets go of it when the process ends, however it ends.

    Where the file system knows no such locks (and on Windows) nothing is held.

    Raises
    ------
    BadInput
        If another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                Problem("another process is writing a run into this directory", value=str(directory))
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def clear(directory: Path) -> None:
    """Remove what earlier runs left in a directory, pictures and runs of single seeds included, and nothing else."""
    from cordgraft.engine.runner import RUN_FILES

    seeds = [place for place in directory.glob("seed-*") if _SEED_FOLDER.fullmatch(place.name)]
    for place in (*filter(holds_run, seeds), directory):
        for name in (*RUN_FILES, *PICTURES):
            path = place / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if place != directory:
            with suppress(OSError):
                place.rmdir()


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


def refuse_several(directory: Path) -> None:
    """Raise `BadInput` if a directory holds the runs of several seeds in place of one run."""
    if not directory.is_dir() or any((directory / mark).exists() for mark in RUN_MARKS):
        return
    runs = sorted(store.parent for store in directory.glob("seed-*/run.zarr"))
    if runs:
        raise BadInput(
            Problem(
                "the directory holds the runs of several seeds; go on with each of them",
                value=str(directory),
                allowed=", ".join(map(str, runs)),
            )
        )


def parse_seeds(text: str) -> list[int]:
    """Return the seeds that ``1-5``, ``3`` or ``1,4,9-11`` name, in order, each once.

    Raises
    ------
    BadInput
        If the text names no whole numbers, a range runs backwards, or a number is too large for a seed.
    """
    largest = int((Top.specs()["seed"].bounds or (0, 0))[1])
    seeds: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise BadInput(
                Problem(
                    "these are no seeds", key="--seeds", value=text, allowed="for example 1-5, or 1,4,9-11"
                )
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last > largest:
            raise BadInput(
                Problem(
                    "the value lies outside its bounds", key="--seeds", value=text, allowed=f"0 to {largest}"
                )
            )
        if len(seeds) + last - first >= MOST_SEEDS:
            raise BadInput(
                Problem(
                    "too many seeds for one command",
                    key="--seeds",
                    value=text,
                    allowed=f"up to {MOST_SEEDS}",
                )
            )
        seeds.extend(range(first, last + 1))
    return list(dict.fromkeys(seeds))
