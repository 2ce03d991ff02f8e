"""The one room that reads scanner files: what is no volume is refused before the reader of volumes sees it.

NIfTI-1 and -2, plain or gzipped, any of the 48 orientations, oblique or not, any plain number type; slope and
intercept are applied before anything is cast. Axes are turned to right, anterior, superior by flips and a
permutation; nothing is resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft.core.scanner import voxel_edges
from cordgraft_analysis.imaging.findings import Finding, Ledger, milder, refuse_errors
from cordgraft_analysis.imaging.orientation import both_words, canonical, obliquity_deg, sct_word, turn_of
from cordgraft_analysis.imaging.placing import check_assumption, place
from cordgraft_analysis.imaging.sniff import is_nifti2, nifti_bytes
from cordgraft_analysis.imaging.values import as_kind, guess_kind
from cordgraft_analysis.imaging.volume import Array, Floats, Kind, Volume

EXTRA = "scanner volumes need nibabel, which is an extra that is not installed: pip install 'cordgraft[mri]'"


@dataclass(frozen=True)
class Asked:
    """What the user says of files that do not say it themselves.

    Parameters
    ----------
    volume : int, optional
        Which volume of a file with several, from 0.
    threshold : float, optional
        Makes a mask of a soft one: share from which a voxel belongs to it, above 0 and up to 1.
    label : tuple of int
        Makes a mask of a file of labels: the ones that belong to it.
    assume_affine : {"pixdim"}, optional
        Where to take sizes from if a file has neither sform nor qform.
    orientation : str, optional
        How the axes of such a file run, in nibabel's words (``"LAS"``).

    Raises
    ------
    BadInput
        If one of them makes no sense.
    """

    volume: int | None = None
    threshold: float | None = None
    label: tuple[int, ...] = ()
    assume_affine: str | None = None
    orientation: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.volume is not None and self.volume < 0:
            problems.append(Problem("volumes count from 0", key="--volume", value=str(self.volume)))
        if self.threshold is not None and not 0.0 < self.threshold <= 1.0:
            problems.append(
                Problem(
                    "no share of a voxel", key="--threshold", value=f"{self.threshold:g}",
                    allowed="above 0 and up to 1",
                )
            )  # fmt: skip
        problems += [
            Problem("labels of a mask are whole numbers from 1", key="--label", value=str(one))
            for one in self.label
            if one < 1
        ]
        wrong = check_assumption(self.assume_affine, self.orientation)
        if wrong:
            problems.append(Problem(wrong, key="E06"))
        if problems:
            raise BadInput(problems)


@dataclass(frozen=True)
class Reading:
    """A file as it was read, whether or not it can be used.

    Parameters
    ----------
    file : str
        As the user wrote it.
    findings : tuple of Finding
    volume : Volume or None
        None if a finding is an error.
    shape : tuple of int
        As stored; empty if the file is no volume.
    dtype : str
        As stored.
    affine : (4, 4) float64 or None
        Voxel index of the file to scanner mm.
    kind : str or None
    """

    file: str
    findings: tuple[Finding, ...]
    volume: Volume | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""
    affine: Floats | None = None
    kind: Kind | None = None


def load_image(
    path: str | Path,
    kind: Kind = "image",
    *,
    volume: int | None = None,
    threshold: float | None = None,
    label: int | Sequence[int] | None = None,
    assume_affine: str | None = None,
    orientation: str | None = None,
) -> Volume:
    """Read one scanner volume.

    Parameters
    ----------
    path : str or Path
        A ``.nii`` or ``.nii.gz`` file.
    kind : {"image", "mask", "soft", "label"}
    volume, threshold, label, assume_affine, orientation
        See `Asked`.

    Returns
    -------
    Volume
        With axes to the right, anterior and superior; warnings and notes in ``findings`` and, as text, in ``notes``.

    Raises
    ------
    BadInput
        If the file cannot be used, with the code of the case (E01 to E18), what was found and what to do; or if
        nibabel is missing.
    """
    labels = () if label is None else (label,) if isinstance(label, int) else tuple(label)
    reading = read_file(path, kind, Asked(volume, threshold, labels, assume_affine, orientation))
    refuse_errors(reading.findings)
    assert reading.volume is not None, "a file without errors has a volume"
    return reading.volume


def read_file(path: str | Path, kind: Kind | None = None, asked: Asked | None = None) -> Reading:
    """Read one file and write down everything that is to be said of it.

    Parameters
    ----------
    path : str or Path
    kind : str, optional
        Guessed from the numbers unless given.
    asked : Asked, optional

    Raises
    ------
    BadInput
        If nibabel is missing. Nothing else: what is wrong with the file stands in the findings.
    """
    asked = asked or Asked()
    ledger = Ledger(str(path))
    nibabel = nibabel_or_refuse()
    file = Path(path).expanduser()
    content = nifti_bytes(file, ledger)
    if content is None:
        return Reading(ledger.file, tuple(ledger.findings), kind=kind)
    with nibabel.imageglobals.LoggingOutputSuppressor():
        return _read(content, file, kind, asked, ledger, nibabel)


def nibabel_or_refuse() -> Any:
    """Return the reader of volumes, or raise BadInput with the name of the extra."""
    try:
        import nibabel
        import nibabel.imageglobals
    except ImportError:
        raise BadInput(Problem(EXTRA)) from None
    return nibabel


def _read(
    content: bytes, file: Path, kind: Kind | None, asked: Asked, ledger: Ledger, nibabel: Any
) -> Reading:
    second = is_nifti2(content)
    try:
        header_kind = nibabel.Nifti2Header if second else nibabel.Nifti1Header
        # as stored: the reader of images repairs zero sizes in silence
        raw = header_kind(content[: header_kind.template_dtype.itemsize], check=False)
        image = (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_bytes(content)
        stored = tuple(int(n) for n in image.shape)
        dtype = str(image.get_data_dtype())
    except Exception as error:  # many kinds of exception come out of a damaged header
        ledger.error("E03", "has a damaged header", _first_line(error), "Copy or export the file again")
        return Reading(ledger.file, tuple(ledger.findings), kind=kind)

    affine: Floats | None = None

    def reading(volume: Volume | None = None) -> Reading:
        usable = None if ledger.failed else volume
        return Reading(ledger.file, tuple(ledger.findings), usable, stored, dtype, affine, kind)

    needed = prod(stored) * image.get_data_dtype().itemsize
    held = len(content) - int(image.dataobj.offset)
    if needed == 0:
        ledger.error("E03", "holds no voxel", _by(stored), "Export it again")
        return reading()
    if held < needed:
        ledger.error(
            "E03",
            "is cut short",
            f"{max(held, 0)} of {needed} bytes of voxels",
            "Copy or download the file again",
        )
        return reading()
    part = _three_dimensions(stored, asked.volume, ledger)
    if part is None:
        if len(stored) > 2:  # where it lies is worth saying all the same
            space = (stored[0], stored[1], stored[2])
            affine = place(raw, space, kind or "image", ledger, asked.assume_affine, asked.orientation)
        return reading()
    shape, index = part
    try:
        values = np.asanyarray(image.dataobj[index] if index else image.dataobj).reshape(shape)
    except (OSError, ValueError, EOFError) as error:
        ledger.error("E03", "cannot be unpacked", _first_line(error), "Copy or export the file again")
        return reading()
    slope, intercept = float(image.dataobj.slope), float(image.dataobj.inter)
    if (slope, intercept) != (1.0, 0.0):
        ledger.note("E18", f"stores scaled numbers; x {slope:g} + {intercept:g} is applied")
    if kind is None:
        kind = guess_kind(values)
    if (kind == "label" and asked.label) or (kind == "soft" and asked.threshold is not None):
        kind = "mask"
    affine = place(raw, shape, kind, ledger, asked.assume_affine, asked.orientation)
    data = as_kind(values, kind, ledger, threshold=asked.threshold, label=asked.label or None)
    if data is None or affine is None:
        return reading()
    return reading(_volume(data, affine, kind, file, ledger))


def _volume(data: Array, affine: Floats, kind: Kind, file: Path, ledger: Ledger) -> Volume:
    turned, canonical_affine, turn = canonical(data, affine)
    if 1 in turned.shape:
        across = ("right-left", "anterior-posterior", "superior-inferior")[turned.shape.index(1)]
        ledger.note(
            "E05", f"is a single slice across the {across} axis; volumes, areas across the cord and damage ratios "
            "are not measured in it",
        )  # fmt: skip
    said = milder(ledger.findings)
    return Volume(
        data=np.ascontiguousarray(turned),
        affine=canonical_affine,
        kind=kind,
        path=file,
        original_axes=turn.axes,
        order=turn.order,
        flips=turn.flips,
        notes=tuple(finding.sentence for finding in said),
        findings=said,
    )


def _three_dimensions(
    stored: tuple[int, ...], wanted: int | None, ledger: Ledger
) -> tuple[tuple[int, int, int], tuple[Any, ...]] | None:
    """Return the shape of one volume and the index that takes it out of the file (E04)."""
    if len(stored) < 2:
        ledger.error("E04", "is a list of numbers, not a volume", _by(stored), "Give a 3-D volume")
        return None
    space = (stored[0], stored[1], stored[2] if len(stored) > 2 else 1)
    beyond = stored[3:]
    several = [axis for axis, size in enumerate(beyond) if size > 1]
    if not several:
        if beyond:
            ledger.note("E04", "has a fourth dimension of one volume, which is dropped", _by(stored))
        if wanted:
            ledger.note("E04", f"holds one volume; --volume {wanted} is not needed")
        return space, ()
    if len(several) > 1:
        ledger.error(
            "E04", f"has {len(stored)} dimensions", _by(stored), "Take one 3-D volume out of the file first"
        )
        return None
    number = beyond[several[0]]
    if wanted is None:
        ledger.error(
            "E04", f"holds {number} volumes", _by(stored), f"Pick one with --volume N, from 0 to {number - 1}"
        )
        return None
    if wanted >= number:
        ledger.error(
            "E04", f"has no volume {wanted}", f"{number} volumes", f"--volume goes from 0 to {number - 1}"
        )
        return None
    ledger.note("E04", f"holds {number} volumes, of which number {wanted} is taken", _by(stored))
    index: list[Any] = [slice(None)] * 3 + [0] * len(beyond)
    index[3 + several[0]] = wanted
    return space, tuple(index)


def description(reading: Reading) -> dict[str, Any]:
    """Return what a file is, as a row: shape, voxel, orientation, type, kind, obliquity.

    Lengths in mm, angles in degrees; empty or None where the file did not say.
    """
    row: dict[str, Any] = {
        "file": reading.file,
        "kind": reading.kind or "",
        "shape": list(reading.shape),
        "voxel_mm": None,
        "orientation_nibabel": "",
        "orientation_sct": "",
        "type": reading.dtype,
        "oblique_deg": None,
    }
    if reading.affine is not None:
        axes = turn_of(reading.affine).axes
        row["voxel_mm"] = [round(float(edge), 6) for edge in voxel_edges(reading.affine)]
        row["orientation_nibabel"], row["orientation_sct"] = axes, sct_word(axes)
        row["oblique_deg"] = round(obliquity_deg(reading.affine), 3)
    return row


def orientation_of(volume: Volume) -> str:
    """Return how the file of a volume was stored, in both languages."""
    return both_words(volume.original_axes)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _by(shape: Sequence[int]) -> str:
    return " x ".join(str(size) for size in shape)
