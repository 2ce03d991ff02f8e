"""What the numbers of a file mean: an image, a mask of 0 and 1, shares of voxels, or labels (E16, E17)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cordgraft_analysis.imaging.findings import Ledger
from cordgraft_analysis.imaging.volume import Array, Floats, Kind

#: How far a number may be from a whole one, or from the range of a share, by rounding.
ROUNDING = 1e-5
#: A file without a telling name is one of labels if it has at most this many different whole numbers ...
MOST_LABELS = 100
#: ... and none larger than this.
LARGEST_LABEL = 1000
#: Begins the message on a label that is not there.
NO_LABEL = "has no label"
#: Labels that a message lists.
LISTED = 12


def as_kind(
    values: Array,
    kind: Kind,
    ledger: Ledger,
    *,
    threshold: float | None = None,
    label: Sequence[int] | None = None,
) -> Array | None:
    """Return values as a kind, or None with an error written down.

    Parameters
    ----------
    values : (i, j, k) array
        With slope and intercept applied.
    kind : {"image", "mask", "soft", "label"}
    ledger : Ledger
    threshold : float, optional
        Makes a mask of a soft one: share from which a voxel belongs to it.
    label : sequence of int, optional
        Makes a mask of a file of labels: the ones that belong to it.

    Returns
    -------
    array or None
        float64 for images (NaN where a value is none) and soft masks, bool for masks, int64 for labels.
    """
    if values.dtype.kind not in "biuf":
        ledger.error("E16", "holds no plain numbers", f"type {values.dtype}", "Export one number per voxel")
        return None
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    bad = int(numbers.size - np.count_nonzero(finite))
    if kind == "image":
        return _image(numbers, finite, bad, ledger)
    if bad:
        ledger.error(
            "E17", f"is a {WORDS[kind]} with values that are no numbers", f"{bad} NaN or infinite voxels",
            "Set them to 0",
        )  # fmt: skip
        return None
    if kind == "soft":
        return _soft(numbers, ledger)
    if kind == "label":
        return _labels(numbers, ledger)
    return _mask(numbers, ledger, threshold, label)


#: The kinds in words.
WORDS: dict[Kind, str] = {"image": "image", "mask": "mask", "soft": "soft mask", "label": "file of labels"}


def guess_kind(values: Array) -> Kind:
    """Return what a file without a telling name holds, by its numbers."""
    if values.dtype.kind not in "biuf":
        return "image"
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0 or numbers.size < values.size or numbers.min() < -ROUNDING:
        return "image"
    largest = float(numbers.max())
    if _whole(numbers):
        if largest > LARGEST_LABEL:
            return "image"
        different = len(np.unique(np.rint(numbers)))
        if largest <= 1.0 + ROUNDING or (different == 2 and largest == 255.0):
            return "mask"
        # labels have a background; a coarse image seldom has a voxel without any signal
        return "label" if different <= MOST_LABELS and float(numbers.min()) < 0.5 else "image"
    return "soft" if largest <= 1.0 + ROUNDING else "image"


def _whole(numbers: Floats) -> bool:
    return bool((np.abs(numbers - np.rint(numbers)) <= ROUNDING).all())


def _image(numbers: Floats, finite: Array, bad: int, ledger: Ledger) -> Floats | None:
    if bad == numbers.size:
        ledger.error("E17", "holds not one number", f"{bad} NaN or infinite voxels", "Export it again")
        return None
    if bad:
        share = 100.0 * bad / numbers.size
        ledger.warning(
            "E17", "holds values that are no numbers; they are left out of every mean",
            f"{bad} NaN or infinite voxels, {share:.2g} %",
        )  # fmt: skip
        numbers = np.where(finite, numbers, np.nan)
    return numbers


def _soft(numbers: Floats, ledger: Ledger) -> Floats | None:
    low, high = _range(numbers)
    if low < -ROUNDING or high > 1.0 + ROUNDING:
        ledger.error(
            "E16", "is no soft mask", f"values from {low:g} to {high:g}",
            "A soft mask holds the share of each voxel, 0 to 1; divide it by its largest value if that means all of it",
        )  # fmt: skip
        return None
    return np.clip(numbers, 0.0, 1.0)


def _labels(numbers: Floats, ledger: Ledger) -> Array | None:
    low, high = _range(numbers)
    if not _whole(numbers) or low < -ROUNDING:
        ledger.error(
            "E16", "is no file of labels", f"values from {low:g} to {high:g}",
            "Labels are whole numbers from 0; was it resampled with interpolation? Resample labels to the nearest",
        )  # fmt: skip
        return None
    return np.rint(numbers).astype(np.int64)


def _mask(
    numbers: Floats, ledger: Ledger, threshold: float | None, label: Sequence[int] | None
) -> Array | None:
    low, high = _range(numbers)
    if not _whole(numbers):
        if low < -ROUNDING or high > 1.0 + ROUNDING:
            ledger.error(
                "E16", "looks like an image, not like a mask", f"values from {low:g} to {high:g}",
                "A mask holds 0 and 1",
            )  # fmt: skip
            return None
        if threshold is None:
            ledger.error(
                "E16", "is a soft mask", f"shares from {low:g} to {high:g}",
                "Give --threshold 0.5 to cut it there; method mm measures soft masks as they are",
            )  # fmt: skip
            return None
        ledger.note("E16", f"is a soft mask, cut at {threshold:g}")
        return np.asarray(numbers >= threshold)
    present = [int(value) for value in np.unique(np.rint(numbers))]
    named = [value for value in present if value != 0]
    if label is not None:
        absent = [value for value in label if value not in named]
        if absent:
            ledger.error(
                "E16", f"{NO_LABEL} {', '.join(map(str, absent))}", f"labels {_listed(named)}",
                "Name labels that are there",
            )  # fmt: skip
            return None
        if named != [1]:
            ledger.note("E16", f"is a file of labels, of which {', '.join(map(str, label))} is the mask")
        return np.isin(np.rint(numbers), np.asarray(label))
    if named in ([], [1]):
        return np.asarray(numbers > 0.5)
    if named == [255]:
        ledger.note("E16", "holds 0 and 255; 255 is taken as 1")
        return np.asarray(numbers > 0.5)
    if present[0] < 0 or len(named) > MOST_LABELS or high > LARGEST_LABEL:
        ledger.error(
            "E16", "looks like an image, not like a mask", f"values from {low:g} to {high:g}",
            "A mask holds 0 and 1",
        )  # fmt: skip
    else:
        ledger.error(
            "E16", "holds labels, not a mask", f"values {_listed(named)}",
            "Say which label is the mask: --label N (several times for several)",
        )  # fmt: skip
    return None


def _range(numbers: Floats) -> tuple[float, float]:
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)


def _listed(labels: Sequence[int]) -> str:
    shown = ", ".join(str(value) for value in labels[:LISTED])
    return shown + (f" and {len(labels) - LISTED} more" if len(labels) > LISTED else "")
