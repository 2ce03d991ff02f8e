"""One NIfTI volume: read, checked, and refused in words an analyst can act on.

NIfTI-1 and -2, plain or gzipped, any orientation, obliquity and integer or real type; slope and intercept are
applied. The affine is the sform if its code is positive, else the qform; with neither, the file is refused (a
reader would have to invent which side is left). Voxel sizes come from the affine, never from ``pixdim``.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft.core.centreline import Floats
from cordgraft.core.problems import BadInput, Caution, Problem, nearest
from cordgraft.core.scanner import (
    LARGEST_VOXEL_MM,
    MM_PER_UNIT,
    SMALLEST_VOXEL_MM,
    corner_distance,
    foreign_content,
    voxel_edges,
    voxel_volume,
)
from cordgraft.scenario.size import scan_too_large

CORD_KEY = "geometry.cord_mask"
LESION_KEY = "geometry.lesion_mask"


class MaskError(BadInput):
    """A mask, or a pair of masks, that cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong.
    key : str
        The scenario key that named the file.
    value : str
        What was found.
    hint : str
        What is needed, or what to do.
    """

    def __init__(
        self, problem: str, key: str, value: str = "", hint: str = "", near: tuple[str, ...] = ()
    ) -> None:
        self.problem, self.key, self.value, self.hint = problem, key, value, hint
        found = f" (found {value})" if value else ""
        # The advice is part of the sentence: `Problem.allowed` is for bounds and options.
        super().__init__(Problem(f"{problem}{found}{'. ' + hint if hint else ''}", key=key, near=near))


@dataclass(frozen=True)
class Volume:
    """One checked 3-D volume.

    Parameters
    ----------
    data : (i, j, k) float64
    affine : (4, 4) float64
        Voxel index to scanner mm.
    name : str
        File name without its folder.
    sha256 : str
        Of the file as it lies on the disk.
    """

    data: Floats
    affine: Floats
    name: str
    sha256: str


def read_volume(path: str | Path, key: str, cautions: list[Caution]) -> Volume:
    """Read one 3-D NIfTI volume with a trustworthy affine and finite values."""
    nibabel = _nibabel()
    file = Path(path).expanduser()
    packed = _bytes_of(file, key)
    content = _unpacked(packed, file, key)
    image = _parsed(content, file, key, nibabel)
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise MaskError(
            f"'{file}' has {len(shape)} dimensions", key, " x ".join(map(str, shape)),
            "One 3-D mask is needed; take one volume out of the file",
        )  # fmt: skip
    too_large = scan_too_large(prod(shape))
    if too_large:
        raise MaskError(
            f"'{file}' does not fit into the memory of this machine", key, too_large,
            "Crop it to the cord, or resample it to larger voxels",
        )  # fmt: skip
    try:
        values = np.asanyarray(image.dataobj).reshape(shape)
    except (OSError, ValueError, EOFError) as error:
        raise MaskError(
            f"'{file}' is cut short", key, _first_line(error), "Copy or export the file again"
        ) from None
    if values.dtype.kind not in "biuf":
        raise MaskError(
            f"'{file}' holds no plain numbers", key, f"type {values.dtype}", "Export the mask as uint8"
        )
    data = np.ascontiguousarray(values, dtype=np.float64)
    bad = int(data.size - np.isfinite(data).sum())
    if bad:
        raise MaskError(
            f"'{file}' holds values that are not numbers", key, f"{bad} NaN or infinite voxels",
            "A mask is finite everywhere; set them to 0",
        )  # fmt: skip
    affine = _affine_of(image.header, shape, file, key, cautions)
    return Volume(data, affine, file.name, hashlib.sha256(packed).hexdigest())


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError:
        raise ImportError(
            "reading NIfTI masks needs nibabel, which is an extra: pip install 'cordgraft[mri]'"
        ) from None
    return nibabel


def _bytes_of(file: Path, key: str) -> bytes:
    if file.is_dir():
        raise MaskError(f"'{file}' is a folder", key, hint="Name the .nii or .nii.gz file in it")
    if not file.exists():
        folder = file.parent
        names = [p.name for p in folder.iterdir() if ".nii" in p.name] if folder.is_dir() else []
        hint = "Give the path of a NIfTI file" if folder.is_dir() else f"There is no folder '{folder}' either"
        raise MaskError(f"there is no file '{file}'", key, hint=hint, near=nearest(file.name, names))
    try:
        return file.read_bytes()
    except OSError as error:
        raise MaskError(
            f"'{file}' cannot be read", key, error.strerror or "", "Check its permissions"
        ) from None


def _unpacked(packed: bytes, file: Path, key: str) -> bytes:
    """Return the file without its gzip layer, after sniffing what it is if it is no NIfTI."""
    foreign = foreign_content(packed)
    if foreign is not None:
        raise MaskError(f"'{file}' {foreign.what}", key, foreign.found, foreign.remedy)
    if packed[:2] != b"\x1f\x8b":
        return packed
    try:
        return gzip.decompress(packed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MaskError(
            f"'{file}' is a damaged gzip file", key, _first_line(error), "Copy or export the file again"
        ) from None


def _parsed(content: bytes, file: Path, key: str, nibabel: Any) -> Any:
    first, second = content[344:348] == b"n+1\0", content[4:8] == b"n+2\0"
    if content[344:348] == b"ni1\0":
        raise MaskError(
            f"'{file}' is the header of a .hdr/.img pair", key, hint="Convert the pair to one .nii file"
        )
    if not (first or second):
        raise MaskError(
            f"'{file}' is not a NIfTI file", key, f"{len(content)} bytes without its signature",
            "A .nii or .nii.gz file is needed",
        )  # fmt: skip
    kind = nibabel.Nifti1Image if first else nibabel.Nifti2Image
    try:
        return kind.from_bytes(content)
    except Exception as error:  # the reader raises many kinds of exception on a damaged header
        raise MaskError(
            f"'{file}' has a damaged header", key, _first_line(error), "Copy or export the file again"
        ) from None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _affine_of(header: Any, shape: tuple[int, ...], file: Path, key: str, cautions: list[Caution]) -> Floats:
    """Return the voxel-to-scanner matrix in mm, refusing what is absent, singular or contradictory."""
    sform, sform_code = header.get_sform(coded=True)
    try:
        qform, qform_code = header.get_qform(coded=True)
    except ValueError:  # a quaternion longer than 1; worth nothing, but an sform beside it is
        qform, qform_code = None, 0
    if sform_code <= 0 and qform_code <= 0:
        raise MaskError(
            f"'{file}' does not say where it lies", key, "sform and qform codes 0",
            "Without an affine nobody knows left from right; copy the header of the scan it was drawn on",
        )  # fmt: skip
    affine = np.array(sform if sform_code > 0 else qform, dtype=np.float64)
    if not np.isfinite(affine).all() or voxel_volume(affine) < 1e-12:
        raise MaskError(
            f"the affine of '{file}' is singular", key, "voxels without volume",
            "Copy the header of the scan the mask was drawn on",
        )  # fmt: skip
    smallest = float(voxel_edges(affine).min())
    if sform_code > 0 and qform_code > 0:
        apart = corner_distance(affine, np.asarray(qform, dtype=np.float64), shape)
        if apart > 0.5 * smallest:
            raise MaskError(
                f"sform and qform of '{file}' disagree", key, f"{apart:.2f} mm at a corner",
                "Decide which one is right and copy it to the other",
            )  # fmt: skip
        if apart > 1e-3:
            cautions.append(
                Caution(key, f"sform and qform of '{file.name}' differ by {apart:.3f} mm; sform used")
            )
    factor = MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    if factor != 1.0:
        affine[:3] *= factor
        unit = "metres" if factor > 1.0 else "micrometres"
        cautions.append(Caution(key, f"'{file.name}' states its lengths in {unit}; converted to mm"))
    sizes = voxel_edges(affine)
    if sizes.min() < SMALLEST_VOXEL_MM or sizes.max() > LARGEST_VOXEL_MM:
        raise MaskError(
            f"the voxels of '{file}' have an impossible size", key,
            " x ".join(f"{s:.4g}" for s in sizes) + " mm", "0.005 to 50 mm; were um or m meant?",
        )  # fmt: skip
    return affine


def orientation_tools() -> Any:
    """Return nibabel's functions that permute and flip axes."""
    return _nibabel().orientations
