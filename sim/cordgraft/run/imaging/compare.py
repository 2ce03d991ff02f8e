"""`cordgraft imaging compare`: overlap, scalar measures and profiles of two lesions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import exit_codes, say, say_table
from cordgraft.run.imaging.measuring import (
    DorsalOption,
    ExtrusionOption,
    JsonOption,
    MethodOption,
    OverwriteOption,
    QuietOption,
    SpeciesOption,
    StepOption,
    ThresholdOption,
    judge_places,
    method_of,
    say_findings,
    write_files,
)

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.comparison import Comparison
    from cordgraft_analysis.imaging.lesion_table import Row

FILES = ("overlap.csv", "scalars.csv", "profiles.csv", "agreement.csv", "profiles.png", "bland_altman.png")


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", help="Lesion mask, or a table of `cordgraft imaging lesion`.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", help="The same; differences are B - A.")],
    cord: Annotated[
        Path | None, typer.Option("--cord", "-s", help="Cord mask of both; found by name unless given.")
    ] = None,
    cord_a: Annotated[Path | None, typer.Option("--cord-a", help="Cord mask of A.")] = None,
    cord_b: Annotated[Path | None, typer.Option("--cord-b", help="Cord mask of B.")] = None,
    transform: Annotated[
        Path | None,
        typer.Option(
            "--transform", metavar="FILE.txt", help="4 x 4 numbers: world mm of A to world mm of B, RAS."
        ),
    ] = None,
    method: MethodOption = "mm",
    tau_mm: Annotated[
        float | None,
        typer.Option("--tau-mm", help="Tolerance of the surface Dice, mm (default: largest voxel edge)."),
    ] = None,
    step_mm: StepOption = 1.0,
    extrusion: ExtrusionOption = None,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Also write tables and figures there.")
    ] = None,
    threshold: ThresholdOption = None,
    dorsal_axis: DorsalOption = None,
    species: SpeciesOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare two lesions: overlap, measures, profiles along the cord. A research model: it predicts no patient."""
    with exit_codes(json_output):
        chosen = method_of(method)
        if cord is not None and (cord_a is not None or cord_b is not None):
            raise BadInput(
                Problem("the cord is named twice", key="--cord", allowed="-s for both, or --cord-a and --cord-b")
            )  # fmt: skip
        if output is not None:
            read = [first, second, cord, cord_a, cord_b, transform]
            judge_places([output / name for name in FILES], overwrite, read)
        from cordgraft_analysis.imaging.comparison import compare_sides
        from cordgraft_analysis.imaging.sides import How, is_table, read_side
        from cordgraft_analysis.imaging.transform import read_transform

        matrix = None if transform is None else read_transform(transform)
        how = How(chosen, step_mm, threshold, species, dorsal_axis, extrusion)
        problems: list[Problem] = []
        sides = []
        for path, own in ((first, cord_a), (second, cord_b)):
            # a cord of both goes with the masks among the two; a table has none
            whole = own if own is not None or is_table(path) else cord
            try:
                sides.append(read_side(path, whole, how))
            except BadInput as error:
                problems += error.problems
        if problems:
            raise BadInput(problems)
        found = compare_sides(sides[0], sides[1], matrix, tau_mm)
        written = [] if output is None else write_files(output, _files(found), FILES)
        if json_output:
            say(
                json.dumps(
                    {**_document(found), "written": [str(path) for path in written]},
                    indent=2,
                    allow_nan=False,
                )
            )
            return
        say_findings(found.findings, quiet)
        if not quiet:
            _say_all(found)
        for path in written:
            say(f"wrote {path}")


def _overlap_rows(found: Comparison) -> list[Row]:
    return [{"mask": part, **one.row()} for part, one in found.overlaps.items()]


def _scalar_rows(found: Comparison) -> list[Row]:
    named: list[Row] = []
    for pair in found.pairs:
        before: Row = {"pair": pair.name} if pair.name else {}
        named += [{**before, **one.row()} for one in pair.differences]
    return named


def _agreement_rows(found: Comparison) -> list[Row]:
    from cordgraft_analysis.imaging.agreement_rows import agreement_row

    return [agreement_row(name, one) for name, one in found.agreements.items()]


def _document(found: Comparison) -> dict[str, Any]:
    from cordgraft_analysis.imaging.compare import DEFINITIONS

    return {
        "ok": True,
        "a": found.names[0],
        "b": found.names[1],
        "overlap": _overlap_rows(found),
        "no_overlap": found.no_overlap,
        "scalars": _scalar_rows(found),
        "profiles": [one.row() for one in found.along],
        "agreement": _agreement_rows(found),
        "definitions": DEFINITIONS,
        "notes": list(found.notes),
        "findings": [finding.record() for finding in found.findings],
    }


def _files(found: Comparison) -> dict[str, str | bytes]:
    from cordgraft_analysis.imaging.compare_figures import bland_altman_picture, profile_picture
    from cordgraft_analysis.imaging.lesion_table import csv_text

    files: dict[str, str | bytes] = {}
    for name, rows in (
        ("overlap.csv", _overlap_rows(found)),
        ("scalars.csv", _scalar_rows(found)),
        ("profiles.csv", [one.row() for one in found.along]),
        ("agreement.csv", _agreement_rows(found)),
    ):
        if rows:
            files[name] = csv_text(rows, list(rows[0]))
    if found.curves is not None:
        files["profiles.png"] = profile_picture(found.curves, found.names, _profile_lines(found))
    if found.agreements:
        title = f"{found.names[1]} against {found.names[0]}"
        line = "Limits: mean difference -+ 1.96 SD, from three pairs on. Sessions of one subject are not independent."
        files["bland_altman.png"] = bland_altman_picture(found.agreements, title, "B - A", [line])
    return files


def _profile_lines(found: Comparison) -> list[str]:
    lines = [
        f"{one.quantity}: RMSE {one.rmse:.3g}, largest difference {one.largest_difference:+.3g} at {one.at_mm:g} mm, "
        f"Lin's concordance {one.concordance:.3g}, {one.pieces} pieces from {one.from_mm:g} to {one.to_mm:g} mm"
        for one in found.along
        if one.pieces
    ]
    return [*lines, "Each curve begins at the centroid of its own lesion; nothing is registered."]


def _say_all(found: Comparison) -> None:
    from cordgraft_analysis.imaging.compare import DEFINITIONS

    say(f"A: {found.names[0]}")
    say(f"B: {found.names[1]}")
    if found.overlaps:
        rows = [
            {"overlap": key, **{part: _filled(one.row()[key]) for part, one in found.overlaps.items()},
             "definition": DEFINITIONS.get(key, "")}
            for key in next(iter(found.overlaps.values())).row()
        ]  # fmt: skip
        say_table("overlap of A and B", rows)
        say(f"surface: {DEFINITIONS['surface']}")
    elif found.no_overlap:
        say(f"no overlap: {found.no_overlap}")
    rows = [{key: _filled(cell) for key, cell in row.items()} for row in _scalar_rows(found)]
    if rows and not found.agreements:
        say_table("measures; differences are B - A, the uncertainty is a voxel of A and one of B", rows)
    if found.agreements:
        say_table(
            "agreement of pairs (Bland-Altman); differences are B - A",
            [{key: _filled(cell) for key, cell in row.items()} for row in _agreement_rows(found)],
        )
    if found.along:
        say_table(
            "profiles, by mm from each lesion's own centroid; differences are B - A, concordance is Lin's",
            [{key: _filled(cell) for key, cell in one.row().items()} for one in found.along],
        )
        say("damage ratio where either has lesion, area of the cord (csa) wherever both have one")
    for note in found.notes:
        say(f"note: {note}")


def _filled(cell: Any) -> Any:
    """Return a cell for a terminal: nothing for what is not defined."""
    return "" if cell is None else "yes" if cell is True else "no" if cell is False else cell
