"""Packing of a finished run: the frames of a map go from a file each into few files.

The packed group is made aside and then takes the place of the other one by two renames, so that a kill at any
moment leaves one of the two; `restore_packing` puts it back where it belongs.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft.core import schema
from cordgraft.record.arrays import make_array, put_array
from cordgraft.record.files import replace_text, writing

#: A packed shard of maps holds at most so many bytes before compression.
SHARD_BYTES = 256 * 2**20
#: Where maps are put aside while they are packed, beside the store.
PACKING_NAME = ".packing"


def pack_maps(path: Path, root: Any) -> None:
    """Pack the maps of a store; its gathered metadata is dropped and has to be made anew.

    Parameters
    ----------
    path : Path
        The store.
    root : zarr.Group
        The same, open.
    """
    aside = path.parent / PACKING_NAME
    shutil.rmtree(aside, ignore_errors=True)
    _copy_packed(root, aside)
    _drop_consolidated(path)
    (path / schema.MAPS_GROUP).rename(aside / "unpacked")
    (aside / schema.MAPS_GROUP).rename(path / schema.MAPS_GROUP)
    shutil.rmtree(aside)


def restore_packing(path: Path) -> None:
    """Undo a packing that was cut off between its two renames."""
    aside = path.parent / PACKING_NAME
    with writing("the maps"):
        if (aside / "unpacked").is_dir() and not (path / schema.MAPS_GROUP).exists():
            (aside / "unpacked").rename(path / schema.MAPS_GROUP)
        shutil.rmtree(aside, ignore_errors=True)


def count_files(path: Path) -> int:
    """Return the number of files below a directory."""
    return sum(len(files) for _, _, files in os.walk(path))


def _copy_packed(root: Any, aside: Path) -> None:
    """Copy the maps into ``aside/maps``, many frames to a file, in pieces that fit into memory."""
    import zarr

    source = root[schema.MAPS_GROUP]
    target = zarr.open_group(str(aside / schema.MAPS_GROUP), mode="w", zarr_format=3)
    target.attrs.update(dict(source.attrs))
    for name, array in source.arrays():
        dims, attributes = array.metadata.dimension_names, dict(array.attrs)
        if array.ndim < 2:
            put_array(target, name, np.asarray(array[...]), dims, attributes)
            continue
        frames = array.shape[0]
        frame_bytes = int(np.prod(array.shape[1:])) * array.dtype.itemsize
        together = max(1, min(frames, SHARD_BYTES // max(frame_bytes, 1)))
        packed = make_array(
            target,
            name,
            array.shape,
            array.dtype.str,
            dims,
            attributes,
            chunks=(1, *array.shape[1:]),
            shards=(together, *array.shape[1:]),
        )
        for start in range(0, frames, together):
            packed[start : start + together] = array[start : start + together]


def _drop_consolidated(path: Path) -> None:
    """Take the gathered metadata out of the root, for the moments in which it would be wrong."""
    document = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    if document.pop("consolidated_metadata", None) is not None:
        replace_text(path / "zarr.json", json.dumps(document))
