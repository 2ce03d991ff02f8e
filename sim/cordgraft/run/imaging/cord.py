"""`cordgraft imaging cord`: area and shape of the cord by slice or by vertebral level, and its compression."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import exit_codes, say, say_table
from cordgraft.run.imaging.measuring import (
    AssumeOption,
    CordOption,
    DorsalOption,
    ImageOption,
    JsonOption,
    OrientationOption,
    OverwriteOption,
    QuietOption,
    SpeciesOption,
    ThresholdOption,
    VolumeOption,
    check_together,
    judge_places,
    read_beside,
    read_mask,
    say_findings,
    volume_of,
    write_tables,
)

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.compression import Compression
    from cordgraft_analysis.imaging.cord import CordShape
    from cordgraft_analysis.imaging.lesion_table import Row
    from cordgraft_analysis.imaging.volume import Volume

#: Columns that a terminal shows; the file has them all.
SHOWN = (
    "Slice (I->S)", "VertLevel", "MEAN(area)", "STD(area)", "MEAN(diameter_AP)", "MEAN(diameter_RL)", "zscore(area)",
    "atrophy(area) [%]",
)  # fmt: skip
#: Slices that a terminal shows.
SHOWN_SLICES = 40


def cord(
    cord_mask: CordOption,
    output: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.csv",
            help="Table; compression goes to FILE_compression.csv beside it.",
        ),
    ],
    levels: Annotated[
        Path | None, typer.Option("--levels", help="Vertebral levels (1 is C1, 8 is T1): a row per level.")
    ] = None,
    per_slice: Annotated[
        bool, typer.Option("--per-slice", help="A row per slice; so it is without --levels.")
    ] = False,
    sex: Annotated[
        str | None, typer.Option("--sex", help="F or M: whose healthy areas z-scores are taken against.")
    ] = None,
    compression: Annotated[
        list[str] | None,
        typer.Option(
            "--compression",
            metavar="PLACE",
            help="A level (C5), or lesion with -m; several times for several.",
        ),
    ] = None,
    metric: Annotated[str, typer.Option("--metric", help="What is compressed.")] = "diameter_AP",
    lesion: Annotated[Path | None, typer.Option("--lesion", "-m", help="Mask of the lesion.")] = None,
    image: ImageOption = None,
    volume: VolumeOption = None,
    threshold: ThresholdOption = None,
    label: Annotated[
        list[int] | None,
        typer.Option("--label", metavar="N", help="Label that is the cord; several times for several."),
    ] = None,
    assume_affine: AssumeOption = None,
    orientation: OrientationOption = None,
    dorsal_axis: DorsalOption = None,
    species: SpeciesOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure the cord: area, diameters, compression, z-score against healthy adults by vertebral level."""
    with exit_codes(json_output):
        places = list(compression or ())
        beside = output.with_name(f"{output.stem}_compression{output.suffix}")
        judge_places(
            [output, beside] if places else [output], overwrite, [cord_mask, levels, lesion, image]
        )
        from cordgraft_analysis.imaging.sidecar import stated_species

        species = species or stated_species(cord_mask)
        _judge_options(places, lesion, levels, sex, species)
        from cordgraft_analysis.imaging.cord import shape
        from cordgraft_analysis.imaging.lesion_table import csv_text
        from cordgraft_analysis.imaging.load import Asked

        asked = Asked(volume, threshold, tuple(label or ()), assume_affine, orientation)
        read_cord = read_mask(cord_mask, asked, soft=True)
        plain = Asked(volume, threshold, (), assume_affine, orientation)
        read_lesion = None if lesion is None else read_mask(lesion, plain, soft=True)
        read_levels = None if levels is None else read_beside(levels, asked, "label")
        read_image = None if image is None else read_beside(image, asked, "image")
        dorsal, findings = check_together(
            read_cord,
            read_lesion,
            [] if read_levels is None else [read_levels],
            read_image,
            species,
            dorsal_axis,
        )
        whole = volume_of(read_cord)
        labels = None if read_levels is None else volume_of(read_levels).data
        found = shape(whole.data, whole.affine, labels, dorsal=dorsal)
        rows = found.slice_rows() if per_slice or levels is None else _level_rows(found, sex, species)
        damage = None if read_lesion is None else volume_of(read_lesion)
        pressed = [_compression(found, place, damage, metric, sex, dorsal) for place in places]
        names: Row = {"Filename": cord_mask.name}
        rows = [{**names, **row} for row in rows]
        tables = {output: csv_text(rows, list(rows[0]))}
        pressed_rows: list[Row] = [
            {**names, "place": place, **one.row()} for place, one in zip(places, pressed, strict=True)
        ]
        if pressed:
            tables[beside] = csv_text(pressed_rows, list(pressed_rows[0]))
        write_tables(tables)
        notes = [*found.notes, *(note for one in pressed for note in one.notes)]
        if json_output:
            document: dict[str, Any] = {
                "ok": True,
                "rows": rows,
                "compression": pressed_rows,
                "notes": notes,
                "findings": [finding.record() for finding in findings],
                "written": [str(path) for path in tables],
            }
            say(json.dumps(document, indent=2, allow_nan=False))
            return
        say_findings(findings, quiet)
        if not quiet:
            _say_rows("cord, mm and mm2", rows)
            if pressed_rows:
                say_table(f"compression of {metric}, %", [_filled(row) for row in pressed_rows])
            for note in notes:
                say(f"note: {note}")
        for path in tables:
            say(f"wrote {path}")


def _judge_options(
    places: list[str], lesion: Path | None, levels: Path | None, sex: str | None, species: str | None
) -> None:
    problems = []
    if "lesion" in places and lesion is None:
        problems.append(
            Problem("needs the mask of the lesion", key="--compression lesion", allowed="give -m")
        )
    if any(place != "lesion" for place in places) and levels is None:
        problems.append(
            Problem("a level needs the labels of levels", key="--compression", allowed="give --levels")
        )
    if sex is not None and sex not in ("F", "M"):
        problems.append(Problem("no healthy values for this sex", key="--sex", value=sex, allowed="F, M"))
    if sex is not None and species in ("rat", "mouse"):
        problems.append(Problem("healthy values are known for people only", key="--sex", value=sex))
    if problems:
        raise BadInput(problems)


def _level_rows(found: CordShape, sex: str | None, species: str | None) -> list[Row]:
    """Return the rows per level, with z-score and loss of area against healthy adults where they are known."""
    from cordgraft_analysis.imaging.normative import NORMS, SOURCE, atrophy_percent, norm_of, zscore

    rows = found.level_rows()
    if not rows:
        raise BadInput(
            Problem(
                "no slice of the cord has a vertebral level", key="--levels", allowed="labels inside the cord"
            )
        )
    if species in ("rat", "mouse"):
        return rows
    for row in rows:
        level, area = row["VertLevel"], row["MEAN(area)"]
        row |= {"zscore(area)": None, "atrophy(area) [%]": None, "norm": None}
        if not isinstance(level, int) or not isinstance(area, float) or level not in NORMS[sex]:
            continue
        norm = norm_of(level, sex)
        row["zscore(area)"] = zscore(area, level, sex)
        row["atrophy(area) [%]"] = atrophy_percent(area, norm.area)
        biased = "; the norm is biased low at this level" if norm.biased_low else ""
        row["norm"] = f"{SOURCE}, {sex or 'both sexes'}, n={norm.people}{biased}"
    return rows


def _compression(
    found: CordShape, place: str, damage: Volume | None, metric: str, sex: str | None, dorsal: str
) -> Compression:
    from cordgraft_analysis.imaging.compression import compression, slice_of_lesion, slices_of_level

    if place == "lesion" and damage is not None:
        slices = [slice_of_lesion(found, damage.data, damage.affine, metric=metric, dorsal=dorsal)]
    else:
        slices = slices_of_level(found, place)
    return compression(found, slices, metric=metric, sex=sex)


def _say_rows(title: str, rows: list[Row]) -> None:
    shown = [{name: row[name] for name in SHOWN if name in row} for row in rows[:SHOWN_SLICES]]
    say_table(title, [_filled(row) for row in shown])
    if len(rows) > SHOWN_SLICES:
        say(f"... and {len(rows) - SHOWN_SLICES} more rows in the file")


def _filled(row: Row) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in row.items()}
