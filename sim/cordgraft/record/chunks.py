"""Writing a Zarr v3 store file by file.

A run writes hundreds of small arrays, and the library takes some five milliseconds to make and fill each of them
(event loop, locks, look-ups), longer than the simulation takes for an hour. What is written is only a JSON document
per array and a Blosc frame per chunk; so the documents are made by the library once per type, and then filled in and
written here, about forty times faster. Everything is read back through the library, in the tests as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.record.files import replace_bytes

Array = NDArray[Any]

DOCUMENT = "zarr.json"
#: Compressor of every array, named once; lz4 is faster than a disk.
COMPRESSOR: dict[str, Any] = {"cname": "lz4", "clevel": 5, "shuffle": "shuffle"}
#: Longest chunk of a table, rows.
TABLE_CHUNK = 1 << 22


def fill_value(dtype: str) -> Any:
    """Return what was never written reads as: NaN, or 0 for whole numbers."""
    kind = np.dtype(dtype).kind
    return np.nan if kind == "f" else (False if kind == "b" else 0)


@lru_cache(maxsize=64)
def _template(dtype: str, dimensions: int) -> str:
    """Return the library's own document for an array of a type, as JSON."""
    import zarr
    from zarr.codecs import BloscCodec
    from zarr.storage import MemoryStore

    written: dict[str, Any] = {}
    zarr.create_array(
        MemoryStore(written),
        shape=(1,) * dimensions,
        chunks=(1,) * dimensions,
        dtype=dtype,
        fill_value=fill_value(dtype),
        compressors=BloscCodec(**COMPRESSOR),
        dimension_names=("d",) * dimensions,
        attributes={},
        zarr_format=3,
    )
    text: bytes = written[DOCUMENT].to_bytes()
    return text.decode()


@dataclass(frozen=True)
class ChunkedArray:
    """An array of a store, to be written chunk by chunk.

    Parameters
    ----------
    folder : Path
        Its directory.
    dtype : numpy dtype
    shape, chunks : tuple of int
    """

    folder: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]

    def write(self, index: tuple[int, ...], values: Array, *, replaces: bool = True) -> None:
        """Write one chunk; a reader sees the old one or the new one.

        Parameters
        ----------
        index : tuple of int
            Place in the grid of chunks.
        values : array
            Of the shape of a chunk.
        replaces : bool
            False where there is no chunk yet and a marker, written later, says when it counts: saves a renaming.
        """
        values = np.asarray(values, dtype=self.dtype, order="C")
        if values.shape != self.chunks:
            raise ValueError(f"a chunk of {self.folder.name} has shape {self.chunks}, not {values.shape}")
        path = self.folder.joinpath("c", *map(str, index))
        path.parent.mkdir(parents=True, exist_ok=True)
        if not replaces and not path.exists():
            path.write_bytes(_compress(values))
            return
        replace_bytes(path, path.with_name(f".{path.name}.writing"), _compress(values))

    def write_all(self, values: Array, *, replaces: bool = True) -> None:
        """Write all values, in one chunk or, of a long table, in several; see `write`."""
        values = np.asarray(values, dtype=self.dtype)
        if values.shape != self.shape:
            raise ValueError(f"{self.folder.name} has shape {self.shape}, not {values.shape}")
        if values.shape == self.chunks:
            self.write((0,) * values.ndim, values, replaces=replaces)
            return
        (length,) = self.chunks
        for number, start in enumerate(range(0, values.size, length)):
            part = values[start : start + length]
            # The last chunk is as long as the others, whatever of it counts.
            whole = (
                part
                if part.size == length
                else np.concatenate((part, np.zeros(length - part.size, self.dtype)))
            )
            self.write((number,), whole, replaces=replaces)


def _compress(values: Array) -> bytes:
    from numcodecs.blosc import Blosc

    frame: bytes = Blosc(
        cname=COMPRESSOR["cname"], clevel=COMPRESSOR["clevel"], shuffle=Blosc.SHUFFLE
    ).encode(values)
    return frame


def make_array(
    group: Path,
    name: str,
    shape: Sequence[int],
    dtype: Any,
    dims: Sequence[str],
    attributes: Mapping[str, Any],
    *,
    chunks: Sequence[int] | None = None,
) -> ChunkedArray:
    """Create an array without values in a group; floats that were never written read as NaN, whole numbers as 0."""
    kind = np.dtype(dtype).newbyteorder("<")
    if chunks is None:
        chunks = tuple(max(1, n) for n in shape)
        if len(shape) == 1:
            chunks = (min(chunks[0], TABLE_CHUNK),)
    document = json.loads(_template(kind.name, len(shape)))
    document["shape"] = [int(n) for n in shape]
    document["chunk_grid"]["configuration"]["chunk_shape"] = [int(n) for n in chunks]
    document["dimension_names"] = list(dims)
    document["attributes"] = dict(attributes)
    folder = group / name
    folder.mkdir(parents=True)
    _write_document(folder, document)
    return ChunkedArray(folder, kind, tuple(int(n) for n in shape), tuple(int(n) for n in chunks))


def put_array(
    group: Path, name: str, values: Array, dims: Sequence[str], attributes: Mapping[str, Any]
) -> None:
    """Create an array in a group and fill it."""
    values = np.asarray(values)
    array = make_array(group, name, values.shape, values.dtype, dims, attributes)
    if values.size:
        array.write_all(values, replaces=False)


def is_sharded(folder: Path) -> bool:
    """Whether an array keeps many chunks in one file, so that no single one of them can be written."""
    codecs = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))["codecs"]
    return any(codec["name"] == "sharding_indexed" for codec in codecs)


def open_array(folder: Path) -> ChunkedArray:
    """Return an array that exists, to be written further."""
    document = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    grid = document["chunk_grid"]["configuration"]["chunk_shape"]
    return ChunkedArray(folder, np.dtype(document["data_type"]), tuple(document["shape"]), tuple(grid))


def make_group(path: Path, attributes: Mapping[str, Any] | None = None) -> Path:
    """Create a group; returns its directory."""
    path.mkdir(parents=True)
    _write_document(path, {"attributes": dict(attributes or {}), "zarr_format": 3, "node_type": "group"})
    return path


def read_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a group or array."""
    found: dict[str, Any] = json.loads((path / DOCUMENT).read_text(encoding="utf-8"))["attributes"]
    return found


def update_attributes(path: Path, attributes: Mapping[str, Any]) -> None:
    """Change attributes of a group in one step; gathered metadata, which would be stale, is dropped from it."""
    document = json.loads((path / DOCUMENT).read_text(encoding="utf-8"))
    document.pop("consolidated_metadata", None)
    document["attributes"].update(attributes)
    _write_document(path, document)


def gather_metadata(root: Path) -> None:
    """Put a copy of all documents below a group into its own, so that a reader opens one file instead of hundreds.

    This is the inline consolidated metadata of Zarr v3, which the library writes in the same form.
    """
    nodes: dict[str, Any] = {}
    for path in root.rglob(DOCUMENT):
        if path.parent != root:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["node_type"] == "group":
                document = {
                    "attributes": document["attributes"],
                    "zarr_format": 3,
                    **_inline({}),
                    "node_type": "group",
                }
            nodes[path.parent.relative_to(root).as_posix()] = document
    ordered = {name: nodes[name] for name in sorted(nodes, key=lambda name: (name.count("/"), name))}
    document = json.loads((root / DOCUMENT).read_text(encoding="utf-8"))
    document.update(_inline(ordered))
    _write_document(root, document)


def _inline(nodes: Mapping[str, Any]) -> dict[str, Any]:
    return {"consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": nodes}}


def _write_document(folder: Path, document: Mapping[str, Any]) -> None:
    path = folder / DOCUMENT
    # Without indentation: the encoder is ten times faster in C, and nobody reads four thousand lines of it.
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, default=_plain)
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        return
    replace_bytes(path, folder / f".{DOCUMENT}.writing", text.encode())


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one that JSON knows."""
    return value.item()
