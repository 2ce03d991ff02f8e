"""Packing of a finished run: the frames of a map go from a file each into few files, and back.

The other form of the group is made aside and then changes places with the present one: in one step where the system
can, otherwise by two renames, so that a kill at any moment leaves one of the two; `restore_packing` then puts it back
where it belongs.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft.core import schema
from cordgraft.record.chunks import (
    COMPRESSOR,
    fill_value,
    is_sharded,
    make_array,
    make_group,
    put_array,
    update_attributes,
)
from cordgraft.record.files import writing

#: A packed shard of maps holds at most so many bytes before compression.
SHARD_BYTES = 256 * 2**20
#: Where maps are put aside while they are packed, beside the store.
PACKING_NAME = ".packing"
#: The maps as they were, until the others stand in their place.
BEFORE_NAME = "before"


def pack_maps(path: Path) -> None:
    """Pack the maps of a store; its gathered metadata is dropped and has to be made anew.

    Parameters
    ----------
    path : Path
        The store.
    """
    _exchange(path, _copy_packed)


def unpack_maps(path: Path) -> bool:
    """Give every frame of the maps a file of its own again, if they were packed; returns whether it was done.

    A run may have been killed after the packing and before it was called finished, or goes back to an earlier day;
    its frames are then written again, one by one. Gathered metadata is dropped and has to be made anew.
    """
    if not is_packed(path):
        return False
    _exchange(path, _copy_unpacked)
    return True


def is_packed(path: Path) -> bool:
    """Whether the maps of a store keep several frames in one file."""
    return any(is_sharded(folder) for folder in (path / schema.MAPS_GROUP).iterdir() if folder.is_dir())


def _exchange(path: Path, copy: Callable[[Path, Path], None]) -> None:
    """Make the maps of a store anew, aside, and put them in the place of the present ones."""
    aside = path.parent / PACKING_NAME
    shutil.rmtree(aside, ignore_errors=True)
    try:
        copy(path / schema.MAPS_GROUP, aside / schema.MAPS_GROUP)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)  # the disk is full, perhaps of this
        raise
    update_attributes(path, {})  # gathered metadata would be wrong between the renames
    if not _swap(path / schema.MAPS_GROUP, aside / schema.MAPS_GROUP):
        (path / schema.MAPS_GROUP).rename(aside / BEFORE_NAME)
        try:
            (aside / schema.MAPS_GROUP).rename(path / schema.MAPS_GROUP)
        except OSError:
            (aside / BEFORE_NAME).rename(path / schema.MAPS_GROUP)
            raise
    shutil.rmtree(aside, ignore_errors=True)


def _swap(one: Path, other: Path) -> bool:
    """Let two directories change places in one step; returns whether the system could (Linux can)."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def restore_packing(path: Path) -> None:
    """Undo a packing or unpacking that was cut off between its two renames."""
    aside = path.parent / PACKING_NAME
    with writing("the maps"):
        if (aside / BEFORE_NAME).is_dir() and not (path / schema.MAPS_GROUP).exists():
            (aside / BEFORE_NAME).rename(path / schema.MAPS_GROUP)
        shutil.rmtree(aside, ignore_errors=True)


def measure(path: Path) -> dict[str, int]:
    """Return the number of files below a directory and their size, bytes."""
    sizes = [(Path(folder) / name).stat().st_size for folder, _, names in os.walk(path) for name in names]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _copy_packed(maps: Path, target: Path) -> None:
    """Copy the group of the maps, many frames to a file, in pieces that fit into memory."""
    import zarr
    from zarr.codecs import BloscCodec

    source = zarr.open_group(str(maps), mode="r", use_consolidated=False)
    group = make_group(target, dict(source.attrs))
    packed = zarr.open_group(str(target), mode="r+", use_consolidated=False)
    for name, array in source.arrays():
        values: Any = array
        dims = [str(dim) for dim in values.metadata.dimension_names]
        attributes = dict(values.attrs)
        if values.ndim < 2:
            put_array(group, name, np.asarray(values[...]), dims, attributes)
            continue
        frames, frame = values.shape[0], values.shape[1:]
        frame_bytes = int(np.prod(frame)) * values.dtype.itemsize
        together = max(1, min(frames, SHARD_BYTES // max(frame_bytes, 1)))
        copy: Any = packed.create_array(
            name,
            shape=values.shape,
            chunks=(1, *frame),
            shards=(together, *frame),
            dtype=values.dtype,
            fill_value=fill_value(str(values.dtype)),
            compressors=BloscCodec(**COMPRESSOR),
            dimension_names=dims,
            attributes=attributes,
        )
        for start in range(0, frames, together):
            copy[start : start + together] = values[start : start + together]


def _copy_unpacked(maps: Path, target: Path) -> None:
    """Copy the group of the maps, a frame to a file; frames that were not reached stay without one."""
    import zarr

    source = zarr.open_group(str(maps), mode="r", use_consolidated=False)
    reached = np.flatnonzero(np.isfinite(np.asarray(source[schema.TIME])))
    make_group(target, dict(source.attrs))
    for name, array in source.arrays():
        values: Any = array
        dims = [str(dim) for dim in values.metadata.dimension_names]
        attributes = dict(values.attrs)
        if values.ndim < 2:
            put_array(target, name, np.asarray(values[...]), dims, attributes)
            continue
        frame = (1, *values.shape[1:])
        copy = make_array(target, name, values.shape, values.dtype, dims, attributes, chunks=frame)
        for index in reached.tolist():
            copy.write((index, *(0,) * (values.ndim - 1)), values[index : index + 1], replaces=False)
