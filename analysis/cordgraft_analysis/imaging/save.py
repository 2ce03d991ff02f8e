"""The one room that writes scanner files: whole or not at all, and in numbers that come back as they were.

The qform equals the sform, both codes are 1, lengths are in mm. Masks are uint8 with slope 1 (a reader that finds
real numbers under a uint8 header has invented a slope, and 40 comes back as 39.53); images and soft masks are
float32, or int16 after a check of the range. Beside each volume stands a JSON file that says where it comes from.
"""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

import numpy as np

from cordgraft.core.problems import BadInput
from cordgraft.core.scanner import voxel_edges, voxel_volume
from cordgraft_analysis.imaging.findings import Ledger, refuse_errors
from cordgraft_analysis.imaging.load import nibabel_or_refuse
from cordgraft_analysis.imaging.orientation import on_file_grid
from cordgraft_analysis.imaging.placing import SHEAR
from cordgraft_analysis.imaging.values import ROUNDING
from cordgraft_analysis.imaging.volume import Array, Floats, Kind, Volume

#: Both codes of what is written: scanner coordinates.
CODE = 1
#: Level of compression; more takes much longer and saves a few per cent.
COMPRESSION = 6
EXTENSIONS = (".nii.gz", ".nii")


def save_image(
    path: str | Path,
    data: Array,
    affine: Floats,
    kind: Kind,
    sidecar: Mapping[str, Any],
    *,
    number_type: Literal["float32", "int16"] = "float32",
    overwrite: bool = False,
) -> Path:
    """Write a volume and its JSON sidecar; both are written aside and renamed.

    Parameters
    ----------
    path : str or Path
        Ends in ``.nii`` or ``.nii.gz``. Folders on the way are made.
    data : (i, j, k) array
        Masks bool or 0 and 1, soft masks 0 to 1, labels whole numbers from 0.
    affine : (4, 4) float64
        Index of `data` to scanner mm.
    kind : {"image", "mask", "soft", "label"}
    sidecar : mapping
        What JSON can hold, NumPy numbers and paths. Of absolute paths only the last part is written.
    number_type : {"float32", "int16"}
        Of images. int16 rounds, and refuses what does not fit.
    overwrite : bool
        Whether existing files are replaced.

    Returns
    -------
    Path
        Of the volume.

    Raises
    ------
    BadInput
        E07 and E12 for affines that a file cannot hold, E16, E17 and E18 for values that its number type cannot
        hold, E23 if the place cannot be written or is taken. Nothing is written then.
    """
    target = Path(path)
    ledger = Ledger(str(path))
    _judge_affine(affine, ledger)
    numbers = None
    if np.ndim(data) == 3 and np.size(data):
        numbers = _storable(np.asarray(data), kind, number_type, ledger)
    else:
        ledger.error("E04", "would hold no 3-D volume", f"shape {np.shape(data)}")
    beside = sidecar_path(target)
    _judge_place(target, beside, overwrite, ledger)
    refuse_errors(ledger.findings)
    assert numbers is not None, "what was not refused can be stored"
    text = json.dumps(_plain(sidecar), indent=2, sort_keys=True, allow_nan=False) + "\n"
    _write_both(target, _nifti(numbers, affine), beside, text.encode("utf-8"), ledger)
    return target


def save_volume(
    path: str | Path,
    volume: Volume,
    sidecar: Mapping[str, Any],
    *,
    number_type: Literal["float32", "int16"] = "float32",
    overwrite: bool = False,
) -> Path:
    """Write a volume on the grid and in the orientation of the file that it came from; see `save_image`."""
    data, affine = on_file_grid(volume.data, volume)
    return save_image(
        path, data, affine, volume.kind, sidecar, number_type=number_type, overwrite=overwrite
    )  # fmt: skip


def sidecar_path(path: str | Path) -> Path:
    """Return the place of the JSON file that belongs to a volume."""
    target = Path(path)
    for extension in EXTENSIONS:
        if target.name.lower().endswith(extension):
            return target.with_name(target.name[: -len(extension)] + ".json")
    return target.with_name(target.name + ".json")


def _judge_affine(affine: Floats, ledger: Ledger) -> None:
    if np.shape(affine) != (4, 4) or not np.isfinite(affine).all() or voxel_volume(affine) < 1e-12:
        ledger.error("E07", "would have an affine that places nothing", f"shape {np.shape(affine)}")
        return
    columns = affine[:3, :3] / voxel_edges(affine)
    cosine = max(abs(float((columns[:, a] * columns[:, b]).sum())) for a, b in ((0, 1), (0, 2), (1, 2)))
    if cosine > SHEAR:
        ledger.error(
            "E12", "would have a sheared affine, which a qform cannot hold",
            f"{float(np.rad2deg(np.arccos(min(1.0, cosine)))):.1f} degrees between two axes",
            "Resample to an orthogonal grid first",
        )  # fmt: skip


def _storable(data: Array, kind: Kind, number_type: str, ledger: Ledger) -> Array | None:
    """Return the numbers in the type of the file, or None with an error written down."""
    if data.dtype.kind not in "biuf":
        ledger.error("E16", "would hold no plain numbers", f"type {data.dtype}")
        return None
    finite = np.isfinite(data)
    bad = int(data.size - np.count_nonzero(finite))
    if bad and (kind != "image" or number_type == "int16"):
        ledger.error("E17", "cannot hold values that are no numbers", f"{bad} NaN or infinite voxels")
        return None
    values = data[finite]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    found = f"values from {low:g} to {high:g}"
    if kind == "mask":
        if not np.isin(values, (0, 1)).all():
            ledger.error("E16", "would be a mask of other values than 0 and 1", found)
            return None
        return data.astype(np.uint8)
    if kind == "soft":
        if low < -ROUNDING or high > 1.0 + ROUNDING:
            ledger.error(
                "E16", "would be a soft mask of more than the whole voxel, or less than nothing", found
            )
            return None
        return np.clip(data, 0.0, 1.0).astype(np.float32)
    if kind == "label":
        if (values != np.rint(values)).any() or low < 0.0:
            ledger.error("E16", "would hold labels that are no whole numbers from 0", found)
            return None
        for whole in (np.uint8, np.int16, np.int32):
            if high <= np.iinfo(whole).max:
                return data.astype(whole)
        ledger.error("E18", "cannot hold labels so large", found, f"At most {np.iinfo(np.int32).max}")
        return None
    if number_type == "int16":
        limit = np.iinfo(np.int16)
        if np.rint(low) < limit.min or np.rint(high) > limit.max:
            ledger.error(
                "E18", "cannot hold such values in int16", found,
                f"Scale them into {limit.min} to {limit.max}, or write float32",
            )  # fmt: skip
            return None
        return np.rint(data).astype(np.int16)
    largest = float(np.finfo(np.float32).max)
    if max(abs(low), abs(high)) > largest:
        ledger.error("E18", "cannot hold such values in float32", found, f"At most {largest:.3g}")
        return None
    return data.astype(np.float32)


def _judge_place(target: Path, beside: Path, overwrite: bool, ledger: Ledger) -> None:
    if not target.name.lower().endswith(EXTENSIONS):
        ledger.error("E23", "has no name of a NIfTI file", target.name, "End it in .nii.gz or .nii")
    for file in (target, beside):
        if file.is_dir():
            ledger.error("E23", "cannot be written: a folder has that name", str(file), "Choose another name")
        elif file.exists() and not overwrite:
            ledger.error("E23", "exists", str(file), "Choose another name, or give --overwrite")


def _nifti(numbers: Array, affine: Floats) -> bytes:
    nibabel = nibabel_or_refuse()
    image = nibabel.Nifti1Image(numbers, affine, dtype=numbers.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, CODE)
    # angles up to the tolerance of E12 are rounding of the scanner's export and are dropped from the qform
    image.set_qform(affine, CODE, strip_shears=True)
    content: bytes = image.to_bytes()
    return content


def _write_both(target: Path, content: bytes, beside: Path, text: bytes, ledger: Ledger) -> None:
    if target.name.lower().endswith(".gz"):
        # no time of day in the file: the same volume gives the same bytes
        content = gzip.compress(content, COMPRESSION, mtime=0)
    aside = {file: file.with_name(f".{file.name}.{os.getpid()}.writing") for file in (target, beside)}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for file, whole in ((target, content), (beside, text)):
            with aside[file].open("wb") as stream:
                stream.write(whole)
                stream.flush()
                os.fsync(stream.fileno())
        for file in (beside, target):  # the volume last: where it is, its sidecar is
            aside[file].replace(file)
    except OSError as error:
        ledger.error("E23", "cannot be written", os.strerror(error.errno) if error.errno else str(error))
        raise BadInput([finding.problem() for finding in ledger.findings]) from None
    finally:
        for file in aside.values():
            if file.parent.is_dir():
                file.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it, without paths of this machine."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_plain(part) for part in parts]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Path):
        return value.name if value.is_absolute() else value.as_posix()
    if isinstance(value, str):
        windows = PureWindowsPath(value)
        if Path(value).is_absolute() or (windows.drive and windows.root):
            return windows.name
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise TypeError(f"a sidecar cannot hold {type(value).__name__}")
