"""`cordgraft imaging check`: what scanner files are, and whether they can be used; writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import BAD_INPUT, OK, Leave, exit_codes, say, say_table

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.findings import Finding
    from cordgraft_analysis.imaging.inspection import Inspected
    from cordgraft_analysis.imaging.transform import Transform


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="NIfTI files; names (BIDS, SCT) or numbers say what each is."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option("--image", "-i", help="The image. With -i, -s or -m all files are of one scan."),
    ] = None,
    cord: Annotated[Path | None, typer.Option("--cord", "-s", help="Mask of the cord.")] = None,
    lesion: Annotated[Path | None, typer.Option("--lesion", "-m", help="Mask of the lesion.")] = None,
    volume: Annotated[
        int | None, typer.Option("--volume", metavar="N", help="Volume of a 4-D file, from 0.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", metavar="SHARE", help="Cut soft masks here, e.g. 0.5.")
    ] = None,
    label: Annotated[
        list[int] | None,
        typer.Option("--label", metavar="N", help="Label that is the mask; several times for several."),
    ] = None,
    assume_affine: Annotated[
        str | None,
        typer.Option(
            "--assume-affine",
            metavar="pixdim",
            help="For files that do not say where they lie: sizes from here.",
        ),
    ] = None,
    orientation: Annotated[
        str | None,
        typer.Option("--orientation", metavar="LAS", help="How the axes of such files run, nibabel's words."),
    ] = None,
    dorsal_axis: Annotated[
        str | None,
        typer.Option(
            "--dorsal-axis",
            metavar="-y",
            help="Where dorsal is in the scanner; posterior, -y, in people. Not guessed for rodents.",
        ),
    ] = None,
    species: Annotated[str | None, typer.Option("--species", help="human, rat or mouse.")] = None,
    transform: Annotated[
        Path | None,
        typer.Option(
            "--transform", metavar="FILE.txt", help="A 4 x 4 matrix between two scans, to be checked."
        ),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
) -> None:
    """Check scanner volumes and masks: what each is, and every problem with value and remedy."""
    with exit_codes(json_output):
        if not (files or image or cord or lesion or transform):
            raise BadInput(Problem("nothing to check", allowed="files, -i, -s, -m or --transform"))
        from cordgraft_analysis.imaging.findings import has_errors
        from cordgraft_analysis.imaging.inspection import inspect_files
        from cordgraft_analysis.imaging.load import Asked

        asked = Asked(volume, threshold, tuple(label or ()), assume_affine, orientation)
        found = inspect_files(
            files or [], image=image, cord=cord, lesion=lesion, asked=asked, species=species, dorsal=dorsal_axis
        )  # fmt: skip
        matrix, about_matrix = _transform(transform)
        findings = [finding for one in found for finding in one.findings] + about_matrix
        code = BAD_INPUT if has_errors(findings) else OK
        if json_output:
            _say_json(code, found, findings, matrix)
        else:
            _say_all(found, findings, matrix, quiet)
        raise Leave(code)


def _transform(path: Path | None) -> tuple[Transform | None, list[Finding]]:
    """Return the matrix and what was found on it; errors are findings like those of volumes."""
    if path is None:
        return None, []
    from cordgraft_analysis.imaging.transform import examine_transform

    return examine_transform(path)


def _say_all(found: list[Inspected], findings: list[Finding], matrix: Transform | None, quiet: bool) -> None:
    if found and not quiet:
        say_table("files", [_cells(one) for one in found])
    for finding in findings:
        if finding.level == "error":
            say(str(finding), error=True)
        elif not quiet:
            say(str(finding), error=finding.level == "warning")
    if matrix is not None and not quiet:
        low, high = matrix.stretch
        say(
            f"transform: rotates by {matrix.rotation_deg:.2f} degrees, shifts by {matrix.shift_mm:.2f} mm, "
            f"changes lengths by factors {low:.4g} to {high:.4g}"
        )
    if not quiet and found:
        usable = sum(not one.verdict.endswith(("error", "errors")) for one in found)
        say(f"{usable} of {len(found)} file{'s' if len(found) > 1 else ''} can be used; nothing was written")


def _cells(one: Inspected) -> dict[str, Any]:
    row = one.row()
    edges = row["voxel_mm"]
    oblique = row["oblique_deg"]
    axes = row["orientation_nibabel"]
    return {
        "file": Path(row["file"]).name,
        "what": " ".join(word for word in (row["role"], f"({row['kind']})" if row["kind"] else "") if word),
        "shape": " x ".join(map(str, row["shape"])),
        "voxel, mm": " x ".join(f"{edge:.4g}" for edge in edges) if edges else "",
        "nibabel / SCT": f"{axes} / {row['orientation_sct']}" if axes else "",
        "oblique, deg": f"{oblique:.1f}" if oblique is not None else "",
        "type": row["type"],
        "verdict": row["verdict"],
    }


def _say_json(code: int, found: list[Inspected], findings: list[Finding], matrix: Transform | None) -> None:
    document: dict[str, Any] = {
        "ok": code == OK,
        "files": [one.row() for one in found],
        "findings": [finding.record() for finding in findings],
    }
    if matrix is not None:
        document["transform"] = {
            "matrix": matrix.matrix.tolist(),
            "rotation_deg": matrix.rotation_deg,
            "shift_mm": matrix.shift_mm,
            "stretch": list(matrix.stretch),
        }
    say(json.dumps(document, indent=2, allow_nan=False))
