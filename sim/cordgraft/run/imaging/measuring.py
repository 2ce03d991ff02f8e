"""What the verbs that measure masks share: reading, checking against each other, and writing tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import say

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.findings import Finding
    from cordgraft_analysis.imaging.load import Asked, Reading
    from cordgraft_analysis.imaging.volume import Volume

CordOption = Annotated[Path, typer.Option("--cord", "-s", help="Mask of the cord.")]
ImageOption = Annotated[
    Path | None,
    typer.Option("--image", "-i", help="Image on whose grid the masks must lie; it is not measured."),
]
VolumeOption = Annotated[
    int | None, typer.Option("--volume", metavar="N", help="Volume of a 4-D file, from 0.")
]
ThresholdOption = Annotated[
    float | None, typer.Option("--threshold", metavar="SHARE", help="Cut soft masks here, e.g. 0.5.")
]
AssumeOption = Annotated[
    str | None,
    typer.Option(
        "--assume-affine", metavar="pixdim", help="For files that do not say where they lie: sizes from here."
    ),
]
OrientationOption = Annotated[
    str | None,
    typer.Option("--orientation", metavar="LAS", help="How the axes of such files run, nibabel's words."),
]
DorsalOption = Annotated[
    str | None,
    typer.Option(
        "--dorsal-axis",
        metavar="-y",
        help="Where dorsal is in the scanner; posterior, -y, in people. Not guessed for rodents.",
    ),
]
SpeciesOption = Annotated[str | None, typer.Option("--species", help="human, rat or mouse.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the result's place.")]


def read_mask(path: Path, asked: Asked, soft: bool) -> Reading:
    """Read a mask; with `soft` its shares are kept unless a threshold or a label is asked."""
    from cordgraft_analysis.imaging.load import read_file

    if soft and asked.threshold is None and not asked.label:
        # no kind given: the numbers say it, and only shares are wanted that way
        guessed = read_file(path, None, asked)
        if guessed.volume is not None and guessed.volume.kind == "soft":
            return guessed
    return read_file(path, "mask", asked)


def read_beside(path: Path, asked: Asked, kind: str) -> Reading:
    """Read a file that stands beside the masks (an image, labels): no threshold and no label apply to it."""
    from cordgraft_analysis.imaging.load import read_file

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
    """Check files of one scan against each other.

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
    from cordgraft_analysis.imaging.checks import check_cord, check_lesion, same_grid
    from cordgraft_analysis.imaging.findings import has_errors, milder, refuse_errors
    from cordgraft_analysis.imaging.species import check_words, dorsal_axis

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
    refuse_errors(found)
    side, more = dorsal_axis(None if cord is None else cord.volume, species, dorsal)
    return side.word, [*milder(found), *more]


def volume_of(reading: Reading) -> Volume:
    """Return the volume of a file that passed its checks."""
    if reading.volume is None:
        raise BadInput(Problem("the file could not be read", file=reading.file))
    return reading.volume


def judge_places(paths: Sequence[Path], overwrite: bool) -> None:
    """Refuse outputs that exist, are folders, or are the same file, before anything is measured.

    Raises
    ------
    BadInput
        With one problem for each place (E23).
    """
    problems = []
    for at, path in enumerate(paths):
        if path.is_dir():
            problems.append(Problem("cannot be written: a folder has that name", key="E23", file=str(path)))
        elif path.exists() and not overwrite:
            problems.append(
                Problem("exists; choose another name, or give --overwrite", key="E23", file=str(path))
            )
        if path in paths[:at]:
            problems.append(Problem("is named for two outputs", key="E23", file=str(path)))
    if problems:
        raise BadInput(problems)


def write_tables(tables: dict[Path, str]) -> None:
    """Write texts, each one whole or not at all; folders are made."""
    from cordgraft.record.files import replace_text

    for path, text in tables.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)


def say_findings(findings: Sequence[Finding], quiet: bool) -> None:
    """Print warnings to the error stream and notes to the other."""
    for finding in findings if not quiet else ():
        say(str(finding), error=finding.level == "warning")
