"""What the verbs that measure masks share: reading, checking against each other, and writing tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

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
LabelOption = Annotated[
    list[int] | None,
    typer.Option("--label", metavar="N", help="Label that is the lesion; several times for several."),
]
CordLabelOption = Annotated[
    list[int] | None,
    typer.Option("--cord-label", metavar="N", help="Label that is the cord; several times for several."),
]
ExtrusionOption = Annotated[
    str | None,
    typer.Option(
        "--extrusion",
        metavar="MODEL",
        help="How sagittal sections become volumes: axisymmetric, elliptic:ratio=1.6 or extrude:mm=5.",
    ),
]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method", help="mm: true distances in planes normal to the cord, soft masks; sct: SCT's formulas."
    ),
]
StepOption = Annotated[float, typer.Option("--step-mm", help="Length of a piece of the profile, mm.")]
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
DerivativesOption = Annotated[
    str | None,
    typer.Option(
        "--derivatives",
        metavar="NAME_OR_DIR",
        help="Where the masks are: a folder below BIDS_ROOT/derivatives by its name, or any folder by its path "
        "(default: all below derivatives but cordgraft's own images).",
    ),
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
    """Read a mask; see `cordgraft_analysis.imaging.together.read_mask`."""
    from cordgraft_analysis.imaging import together

    return together.read_mask(path, asked, soft)


def read_beside(path: Path, asked: Asked, kind: str) -> Reading:
    """Read what stands beside the masks; see `cordgraft_analysis.imaging.together.read_beside`."""
    from cordgraft_analysis.imaging import together

    return together.read_beside(path, asked, kind)


def check_together(
    cord: Reading | None,
    lesion: Reading | None = None,
    others: Sequence[Reading] = (),
    image: Reading | None = None,
    species: str | None = None,
    dorsal: str | None = None,
) -> tuple[str, list[Finding]]:
    """Check files of one scan; see `cordgraft_analysis.imaging.together.check_together`."""
    from cordgraft_analysis.imaging import together

    return together.check_together(cord, lesion, others, image, species, dorsal)


def volume_of(reading: Reading) -> Volume:
    """Return the volume of a file that passed its checks."""
    if reading.volume is None:
        raise BadInput(Problem("the file could not be read", file=reading.file))
    return reading.volume


def judge_places(paths: Sequence[Path], overwrite: bool, inputs: Sequence[Path | None] = ()) -> None:
    """Refuse outputs that exist, are folders, are the same file or one that is read, before anything is measured.

    Parameters
    ----------
    paths : sequence of Path
    overwrite : bool
        Whether outputs of an earlier call may be replaced; what this call reads never is.
    inputs : sequence of Path or None
        Files that this call reads, None for those that are not given.

    Raises
    ------
    BadInput
        With one problem for each place (E23).
    """
    problems = []
    read = {path.resolve() for path in inputs if path is not None}
    for at, path in enumerate(paths):
        if path.resolve() in read:
            problems.append(
                Problem("is read by this call and would be replaced; choose another name for the output", key="E23",
                        file=str(path))
            )  # fmt: skip
        elif path.is_dir():
            problems.append(Problem("cannot be written: a folder has that name", key="E23", file=str(path)))
        elif path.exists() and not overwrite:
            problems.append(
                Problem("exists; choose another name, or give --overwrite", key="E23", file=str(path))
            )
        if path in paths[:at]:
            problems.append(Problem("is named for two outputs", key="E23", file=str(path)))
    if problems:
        raise BadInput(problems)


def write_tables(tables: Mapping[Path, str]) -> None:
    """Write texts, each one whole or not at all; folders are made. Raises as `write_files`."""
    for path, text in tables.items():
        write_files(path.parent, {path.name: text})


def _unwritable(place: Path, error: OSError) -> Problem:
    return Problem("cannot be written", key="E23", file=str(place), value=error.strerror or str(error))


def write_files(folder: Path, files: Mapping[str, str | bytes], known: Sequence[str] = ()) -> list[Path]:
    """Write texts and pictures into a folder, which is made; each one whole or not at all.

    Parameters
    ----------
    folder : Path
    files : mapping
        Name -> content.
    known : sequence of str
        Names of all that the verb can write. Those that an earlier call left and that this one does not write are
        removed: two results in one folder would be read as one. `judge_places` has asked for ``--overwrite``.

    Returns
    -------
    list of Path
        Places of `files`.

    Raises
    ------
    BadInput
        E23 if the folder is a file or cannot be written.
    """
    from cordgraft.record.files import replace_bytes

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            place = folder / name
            data = content.encode() if isinstance(content, str) else content
            replace_bytes(place, place.with_name(f".{name}.writing"), data, durable=True)
            written.append(place)
        for name in known:
            if name not in files:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(_unwritable(folder, error)) from None
    return written


def method_of(word: str) -> Literal["mm", "sct"]:
    """Return the method of measuring that a word names, or raise `BadInput`."""
    if word not in ("mm", "sct"):
        raise BadInput(Problem("the method is unknown", key="--method", value=word, allowed="mm, sct"))
    return cast(Literal["mm", "sct"], word)


def say_findings(findings: Sequence[Finding], quiet: bool) -> None:
    """Print warnings to the error stream and notes to the other."""
    for finding in findings if not quiet else ():
        say(str(finding), error=finding.level == "warning")
