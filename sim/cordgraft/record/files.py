"""Durable small files: written aside and renamed, or appended and synced; and the one error of this room."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cordgraft.core.problems import RunFailure


class StoreError(RunFailure):
    """The output could not be written (disk full, read-only, gone); the message says what was kept."""


@contextmanager
def writing(what: str, kept: str = "") -> Iterator[None]:
    """Turn an error of the operating system into a `StoreError`.

    Parameters
    ----------
    what : str
        What is being written, as in "the maps of day 14".
    kept : str
        What is safe on disk, as a sentence.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{what} could not be written: {reason}" + (f"; {kept}" if kept else "")) from error


def replace_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part.

    Parameters
    ----------
    path : Path
    text : str
    durable : bool
        Wait until it is on the disk; not worth it for what is replaced again soon.
    """
    replace_bytes(path, path.with_name(path.name + ".writing"), text.encode(), durable=durable)


def replace_bytes(path: Path, aside: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file aside and rename it; what lies aside is removed where that fails. See `replace_text`."""
    try:
        with aside.open("wb", buffering=0) as file:
            _write_whole(file, data)
            if durable:
                os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def overwrite_json(path: Path, value: Any) -> None:
    """Write a short JSON file in its own place: for a disk that has no room for another file, however short."""
    with path.open("r+b", buffering=0) as file:
        _write_whole(file, (json.dumps(finite(value)) + "\n").encode())
        file.truncate()


def _write_whole(file: io.FileIO, data: bytes) -> None:
    """Write all of the data; a disk that is nearly full takes a part of it before it refuses."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) or 0 :]


def replace_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write a JSON file in one step; a number that is NaN or infinite becomes null. See `replace_text`."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    replace_text(path, text + "\n", durable=durable)


def finite(value: Any) -> Any:
    """Return plain data in which every number that JSON does not know is None."""
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class AppendedText:
    """A text file that grows line by line.

    Nothing is buffered: a line is with the operating system or not in the file at all, and one that did not fit on
    to the disk is taken back, so that every line stays whole.

    Parameters
    ----------
    path : Path
    anew : bool
        Begin with an empty file; otherwise go on behind what is there.
    """

    def __init__(self, path: Path, *, anew: bool) -> None:
        self._file = path.open("wb" if anew else "ab", buffering=0)  # stays open for the whole run

    def write(self, text: str) -> None:
        """Append a text and hand it to the operating system."""
        before = os.fstat(self._file.fileno()).st_size
        try:
            _write_whole(self._file, text.encode())
        except OSError:
            with suppress(OSError):
                self._file.truncate(before)
                self._file.seek(0, os.SEEK_END)
            raise

    def sync(self) -> int:
        """Force the file on to the disk; returns its length in bytes."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Sync and close; a second call does nothing."""
        if not self._file.closed:
            try:
                self.sync()
            finally:
                self._file.close()


class AppendedTable(AppendedText):
    """A CSV file that grows by rows and can be cut back to an earlier length.

    Parameters
    ----------
    path : Path
    columns : sequence of str
    length : int, optional
        Cut the file to so many bytes and go on from there; without it the file begins anew.
    """

    def __init__(self, path: Path, columns: Sequence[str], length: int | None = None) -> None:
        self.columns = tuple(columns)
        if length and (not path.exists() or path.stat().st_size < length):
            raise StoreError(f"{path.name} is shorter than the checkpoint says: it was changed after the run")
        super().__init__(path, anew=not length)
        if length:
            self._file.truncate(length)
        else:
            self.add(self.columns)

    def add(self, row: Sequence[Any]) -> None:
        """Append one row and hand it to the operating system."""
        self.write(csv_line(row))


def csv_line(row: Sequence[Any]) -> str:
    """Return one line of CSV; NaN is an empty field, floats are written so that they read back the same."""
    text = io.StringIO()
    cells = ["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row]
    csv.writer(text, lineterminator="\n").writerow([repr(c) if isinstance(c, float) else c for c in cells])
    return text.getvalue()


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a whole CSV file in one step."""
    replace_text(path, "".join(csv_line(row) for row in (columns, *rows)))
