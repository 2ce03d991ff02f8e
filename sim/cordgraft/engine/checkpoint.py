"""Checkpoints: the whole state of a run in one file, bit for bit.

A checkpoint is an uncompressed ``.npz`` (a zip of arrays with a checksum each). It is written aside, forced on to
the disk and renamed, so that it exists whole or not at all. The last two are kept, in case the newest was damaged
later, or all of them where somebody asked for checkpoints. No state of a random generator is saved, because there is
none.
"""

from __future__ import annotations

import json
import os
import platform
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cordgraft
from cordgraft.core.problems import RunFailure
from cordgraft.state.tissue import Tissue

Array = NDArray[Any]

#: Grows when an older file can no longer be read.
FORMAT = 1
#: Newest checkpoints that stay where nobody asked for all of them.
KEPT = 2
_HEADER = "header"
_STATE = "state/"
_EXTRA = "extra/"
_PATTERN = "tick_*.npz"


class CheckpointError(RunFailure):
    """A checkpoint that cannot be written, is damaged, or belongs to another scenario or version."""


def path_of(directory: Path, tick: int) -> Path:
    """Return the file of the checkpoint after `tick`."""
    return directory / f"tick_{tick:010d}.npz"


def save(
    directory: Path,
    tissue: Tissue,
    tick: int,
    extra: Mapping[str, Any],
    *,
    digest: str,
    keep_all: bool = False,
) -> Path:
    """Write the state after `tick` and remove all but the newest checkpoints.

    Parameters
    ----------
    directory : Path
        Made if it is missing.
    tissue : Tissue
    tick : int
        Last tick that is complete.
    extra : mapping
        What others need to go on: arrays, and plain data that JSON can hold (NaN included).
    digest : str
        Of the scenario; `load` refuses another.
    keep_all : bool
        Leave the older ones where they are.

    Raises
    ------
    CheckpointError
        If it cannot be written; earlier checkpoints are untouched.
    """
    arrays = {f"{_STATE}{name}": array for name, array in tissue.snapshot().items()}
    plain: dict[str, Any] = {}
    for name, value in extra.items():
        if isinstance(value, np.ndarray):
            arrays[f"{_EXTRA}{name}"] = value
        else:
            plain[name] = value
    header = {
        "format": FORMAT,
        "cordgraft": cordgraft.__version__,
        "versions": library_versions(),
        "digest": digest,
        "tick": tick,
        "lengths": {name: len(table) for name, table in tissue.tables.items()},
        "extra": plain,
    }
    target = path_of(directory, tick)
    aside = target.with_name(target.name + ".writing")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_HEADER: np.array(json.dumps(header))}, **arrays)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        _sync_directory(directory)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        reason = error.strerror or str(error)
        raise CheckpointError(f"the checkpoint after tick {tick} could not be written: {reason}") from error
    for old in [] if keep_all else found(directory)[:-KEPT]:
        with suppress(OSError):
            old.unlink()
    return target


def load(path: Path, *, digest: str | None = None) -> tuple[dict[str, Array], int, dict[str, Any]]:
    """Return the arrays of a checkpoint (for `Tissue.restore`), its tick, and what was saved beside them.

    Parameters
    ----------
    path : Path
    digest : str, optional
        Of the scenario that goes on; None does not compare.

    Raises
    ------
    CheckpointError
        If the file is damaged, or was made by another version or for another scenario.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(str(stored[_HEADER]))
            _refuse_other(path, header, digest)
            names = [name for name in stored.files if name != _HEADER]
            arrays = {name[len(_STATE) :]: stored[name] for name in names if name.startswith(_STATE)}
            extra = {name[len(_EXTRA) :]: stored[name] for name in names if name.startswith(_EXTRA)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path.name} is damaged or no checkpoint: {error}") from error
    _refuse_cut(path, header, arrays)
    return arrays, int(header["tick"]), {**header["extra"], **extra}


def found(directory: Path) -> list[Path]:
    """Return the checkpoints of a directory, oldest first, whole or not."""
    return sorted(directory.glob(_PATTERN)) if directory.is_dir() else []


def tick_of(path: Path) -> int:
    """Return the tick that the name of a checkpoint says."""
    return int(path.stem.partition("_")[2])


def remove_later(directory: Path, tick: int) -> None:
    """Remove the checkpoints after `tick`, newest first, and what was left of one that was being written.

    Raises
    ------
    CheckpointError
        If one cannot be removed.
    """
    later = [path for path in reversed(found(directory)) if tick_of(path) > tick]
    try:
        for path in (*later, *directory.glob(_PATTERN + ".writing")):
            path.unlink()
        if later:
            _sync_directory(directory)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"the checkpoints after tick {tick} could not be removed: {reason}") from error


def size(directory: Path) -> tuple[int, int]:
    """Return the number of checkpoints in a directory and their size, bytes."""
    sizes = [path.stat().st_size for path in found(directory)]
    return len(sizes), sum(sizes)


def load_newest(
    directory: Path, *, digest: str | None = None
) -> tuple[dict[str, Array], int, dict[str, Any]]:
    """Return the newest checkpoint that is whole; see `load`.

    Raises
    ------
    CheckpointError
        If none can be used; the message says what is wrong with each.
    """
    reasons = []
    for path in reversed(found(directory)):
        try:
            return load(path, digest=digest)
        except CheckpointError as error:
            reasons.append(str(error))
    raise CheckpointError("; ".join(reasons) if reasons else "there is no checkpoint to go on from")


def library_versions() -> dict[str, str]:
    """Return the versions that the bits of a result depend on."""
    from importlib import metadata

    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: metadata.version(name) for name in ("numpy", "numba", "scipy")},
    }


def other_libraries(path: Path) -> list[str]:
    """Return in which library versions a checkpoint differs from this machine: the bits may differ from there on."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            then: dict[str, str] = json.loads(str(stored[_HEADER]))["versions"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path.name} is damaged or no checkpoint: {error}") from error
    now = library_versions()
    return [
        f"{name} was {then[name]}, is {now.get(name, 'absent')}"
        for name in then
        if then[name] != now.get(name)
    ]


def _refuse_other(path: Path, header: Mapping[str, Any], digest: str | None) -> None:
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path.name} has format {header.get('format')}, this version reads {FORMAT}")
    if header["cordgraft"] != cordgraft.__version__:
        raise CheckpointError(
            f"{path.name} was written by cordgraft {header['cordgraft']}, this is {cordgraft.__version__}: "
            "a run goes on only with the version that began it"
        )
    if digest is not None and header["digest"] != digest:
        raise CheckpointError(f"{path.name} belongs to another scenario (its digest differs)")


def _refuse_cut(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Refuse a file in which the columns of a table have another length than the table had."""
    for table, length in header["lengths"].items():
        for name, array in arrays.items():
            if name.partition(".")[0] == table and array.shape != (length,):
                raise CheckpointError(
                    f"{path.name} is damaged: {name} has shape {array.shape}, not ({length},)"
                )


def _sync_directory(directory: Path) -> None:
    """Force the renaming on to the disk as well, where the system can."""
    with suppress(OSError, AttributeError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
