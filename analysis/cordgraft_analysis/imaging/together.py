"""Masks of one scan, read as the measures want them and checked against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cordgraft_analysis.imaging.checks import check_cord, check_lesion, same_grid
from cordgraft_analysis.imaging.findings import Finding, has_errors, milder, refuse_errors
from cordgraft_analysis.imaging.load import Asked, Reading, read_file
from cordgraft_analysis.imaging.sessions import check_slices
from cordgraft_analysis.imaging.sidecar import stated
from cordgraft_analysis.imaging.species import check_words, dorsal_axis


def read_mask(path: str | Path, asked: Asked, soft: bool) -> Reading:
    """Read a mask; with `soft` its shares are kept unless a threshold or a label is asked."""
    if soft and asked.threshold is None and not asked.label:
        # no kind given: the numbers say it, and only shares are wanted that way
        guessed = read_file(path, None, asked)
        if guessed.volume is not None and guessed.volume.kind == "soft":
            return guessed
    return read_file(path, "mask", asked)


def read_beside(path: str | Path, asked: Asked, kind: str) -> Reading:
    """Read a file that stands beside the masks (an image, labels): no threshold and no label apply to it."""
    plain = replace(asked, threshold=None, label=())
    return read_file(path, "image" if kind == "image" else "label", plain)


def check_together(
    cord: Reading | None,
    lesion: Reading | None = None,
    others: Sequence[Reading] = (),
    image: Reading | None = None,
    species: str | None = None,
    dorsal: str | None = None,
) -> tuple[str, list[Finding]]:
    """Check files of one scan against each other; what their sidecars say of species and dorsal side is followed.

    Returns
    -------
    dorsal : str
        Side of the scanner on which the back lies: P, A, L or R.
    findings : list of Finding
        Warnings and notes.

    Raises
    ------
    BadInput
        With every error, of single files and of files that do not fit together.
    """
    check_words(species, dorsal)
    given = [one for one in (image, cord, lesion, *others) if one is not None]
    found = [finding for one in given for finding in one.findings]
    reference = next((one.volume for one in (image, cord, lesion) if one is not None), None)
    if reference is not None:
        for one in given:
            if one.volume is not None and one.volume is not reference:
                found += same_grid(one.volume, reference)
    if cord is not None and cord.volume is not None:
        found += check_cord(cord.volume)
    if lesion is not None and lesion.volume is not None:
        misplaced = has_errors(found)
        found += check_lesion(lesion.volume, None if misplaced or cord is None else cord.volume)
        found += check_slices(lesion.volume)
    species, dorsal, said = stated([one.file for one in given], species, dorsal)
    found += said
    refuse_errors(found)
    side, more = dorsal_axis(None if cord is None else cord.volume, species, dorsal)
    return side.word, [*milder(found), *more]
