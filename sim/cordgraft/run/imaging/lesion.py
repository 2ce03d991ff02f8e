"""`cordgraft imaging lesion`: measures of a lesion from its mask and that of the cord."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import exit_codes, say, say_table
from cordgraft.run.imaging.measuring import (
    AssumeOption,
    CordLabelOption,
    DorsalOption,
    ExtrusionOption,
    ImageOption,
    JsonOption,
    LabelOption,
    MethodOption,
    OrientationOption,
    OverwriteOption,
    QuietOption,
    SpeciesOption,
    StepOption,
    ThresholdOption,
    VolumeOption,
    check_together,
    judge_places,
    method_of,
    read_beside,
    read_mask,
    say_findings,
    volume_of,
    write_tables,
)

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.findings import Finding
    from cordgraft_analysis.imaging.lesion_table import LesionTable


def lesion(
    lesion_mask: Annotated[Path, typer.Option("--lesion", "-m", help="Mask of the lesion; it may be empty.")],
    output: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE.csv", help="Table: a row per lesion, and their total."),
    ],
    cord: Annotated[
        Path | None,
        typer.Option("--cord", "-s", help="Mask of the cord; without it only the volume is measured."),
    ] = None,
    image: ImageOption = None,
    method: MethodOption = "mm",
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="FILE.csv", help="Also follow areas along the cord."),
    ] = None,
    step_mm: StepOption = 1.0,
    extrusion: ExtrusionOption = None,
    empty_slice: Annotated[
        int | None,
        typer.Option(
            "--empty-slice",
            metavar="N",
            help="Without lesion: slice (from inferior, from 0) whose cord diameter stands for the bridges.",
        ),
    ] = None,
    volume: VolumeOption = None,
    threshold: ThresholdOption = None,
    label: LabelOption = None,
    cord_label: CordLabelOption = None,
    assume_affine: AssumeOption = None,
    orientation: OrientationOption = None,
    dorsal_axis: DorsalOption = None,
    species: SpeciesOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure a lesion: volume, length, width, tissue bridges, damage. A research model: it predicts no patient."""
    with exit_codes(json_output):
        chosen = method_of(method)
        if profile is not None and cord is None:
            raise BadInput(
                Problem("a profile needs the mask of the cord", key="--profile", allowed="give -s")
            )
        judge_places(
            [output] if profile is None else [output, profile], overwrite, [lesion_mask, cord, image]
        )
        from cordgraft_analysis.imaging.lesion import measure
        from cordgraft_analysis.imaging.load import Asked
        from cordgraft_analysis.imaging.profile import profile as follow

        soft = method == "mm"
        asked = Asked(volume, threshold, tuple(label or ()), assume_affine, orientation)
        asked_cord = Asked(volume, threshold, tuple(cord_label or ()), assume_affine, orientation)
        read_lesion = read_mask(lesion_mask, asked, soft)
        read_cord = None if cord is None else read_mask(cord, asked_cord, soft)
        read_image = None if image is None else read_beside(image, asked, "image")
        dorsal, findings = check_together(
            read_cord, read_lesion, image=read_image, species=species, dorsal=dorsal_axis
        )
        damage = volume_of(read_lesion)
        whole = None if read_cord is None else volume_of(read_cord)
        affine = damage.affine if whole is None else whole.affine
        table = measure(
            damage.data,
            None if whole is None else whole.data,
            affine,
            dorsal=dorsal,
            method=chosen,
            extrusion=extrusion,
            empty_slice=empty_slice,
        )
        names = {"lesion_file": lesion_mask.name, "cord_file": "" if cord is None else cord.name}
        tables = {output: table.csv(names)}
        if profile is not None and whole is not None:
            along = follow(damage.data, whole.data, affine, step_mm, dorsal=dorsal, extrusion=extrusion)
            tables[profile] = along.csv()
        write_tables(tables)
        if json_output:
            _say_json(table, findings, list(tables), names)
            return
        say_findings(findings, quiet)
        if not quiet:
            _say_rows(table)
        for path in tables:
            say(f"wrote {path}")


def _say_rows(table: LesionTable) -> None:
    """Print one line per measure and one column per lesion; a table of thirty columns fits no terminal."""
    shown = [
        name
        for name in table.columns
        if name not in ("label", "method", "absent", "lesion_present")
        and not name.startswith(("slice_", "voxel_"))
    ]
    rows = []
    for name in shown:
        cells = {str(row["label"]): row.get(name) for row in table.rows}
        if any(cell is not None for cell in cells.values()):
            rows.append(
                {"measure": name, **{key: "" if cell is None else cell for key, cell in cells.items()}}
            )
    edges = " x ".join(f"{edge:.3g}" for edge in table.spacing_mm)
    say_table(f"lesions by method {table.method}, voxels {edges} mm (across, dorsoventral, along)", rows)
    for note in table.notes:
        say(f"note: {note}")


def _say_json(
    table: LesionTable, findings: list[Finding], written: list[Path], names: dict[str, str]
) -> None:
    document: dict[str, Any] = {
        "ok": True,
        **names,
        "method": table.method,
        "rows": [dict(row) for row in table.rows],
        "notes": list(table.notes),
        "findings": [finding.record() for finding in findings],
        "written": [str(path) for path in written],
    }
    say(json.dumps(document, indent=2, allow_nan=False))
