"""`cordgraft imaging longitudinal`: lesions of a BIDS data set over time, with simulated runs beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import exit_codes, say, say_table
from cordgraft.run.imaging.measuring import (
    DerivativesOption,
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
    from cordgraft_analysis.imaging.agreement import Agreement
    from cordgraft_analysis.imaging.lesion_table import Row
    from cordgraft_analysis.imaging.longitudinal import Study
    from cordgraft_analysis.imaging.simulated import Run

FILES = (
    "sessions.csv", "changes.csv", "group.csv", "compared.csv", "profiles.csv", "agreement.csv", "trajectories.png",
    "bland_altman.png",
)  # fmt: skip
TABLES = FILES[:6]
#: Measures that the terminal and the figures show; the files have them all.
SHOWN = (
    "length [mm]", "midsagittal_lesion_area [mm2]", "narrowest_total_bridge_width [mm]",
    "interpolated_total_bridge_width [mm]", "max_axial_damage_ratio []", "volume [mm3]",
)  # fmt: skip


def longitudinal(
    root: Annotated[
        Path, typer.Argument(metavar="BIDS_ROOT", help="Folder with sub-..., sessions.tsv, masks.")
    ],
    output: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of tables and figures.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            "--run", metavar="RUN", help="Run, or a directory of several seeds; several times for several."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs", metavar="TABLE.tsv", help="Columns subject and run: which run simulates whom."
        ),
    ] = None,
    participant_label: Annotated[
        list[str] | None,
        typer.Option("--participant-label", help="Only this subject; several times for several."),
    ] = None,
    session_label: Annotated[
        list[str] | None,
        typer.Option("--session-label", help="Only this session; several times for several."),
    ] = None,
    derivatives: DerivativesOption = None,
    acquisition: Annotated[
        str | None,
        typer.Option(
            "--acquisition", metavar="acq", help="Which scan, where a session has several with a lesion."
        ),
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(
            "--time-column",
            metavar="NAME",
            help="Time since injury in sessions.tsv, its unit in the name: days_post_injury.",
        ),
    ] = None,
    method: MethodOption = "mm",
    step_mm: StepOption = 1.0,
    extrusion: ExtrusionOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resampling for intervals.")] = 0,
    threshold: ThresholdOption = None,
    dorsal_axis: DorsalOption = None,
    species: SpeciesOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Follow lesions over sessions, measured and simulated side by side. A research model: it predicts no patient."""
    with exit_codes(json_output):
        chosen = method_of(method)
        judge_places([output / name for name in FILES], overwrite, [pairs])
        from cordgraft_analysis.imaging.bids import find
        from cordgraft_analysis.imaging.longitudinal import study
        from cordgraft_analysis.imaging.sides import How
        from cordgraft_analysis.imaging.study_tables import (
            agreements,
            change_rows,
            compared_rows,
            group_rows,
            profile_rows,
            session_rows,
        )

        dataset = find(
            root, derivatives=derivatives, time_column=time_column, subjects=participant_label or (),
            sessions=session_label or (), acquisition=acquisition,
        )  # fmt: skip
        beside, notes = _runs(dataset.subjects, runs or [], pairs, species)
        how = How(chosen, step_mm, threshold, species, dorsal_axis, extrusion)
        found = study(dataset, how, beside)
        tables = {
            "sessions.csv": session_rows(found),
            "changes.csv": change_rows(found),
            "group.csv": group_rows(found, seed),
            "compared.csv": compared_rows(found, seed),
            "profiles.csv": profile_rows(found),
        }
        agree = agreements(found, seed)
        notes = [*found.notes, *notes, *_said(found, tables)]
        written = write_files(output, _files(found, tables, agree), FILES)
        if json_output:
            document: dict[str, Any] = {
                "ok": True,
                "method": chosen,
                **{name.removesuffix(".csv"): rows for name, rows in tables.items()},
                "agreement": _agreement_rows(agree),
                "notes": notes,
                "findings": [finding.record() for finding in found.findings],
                "written": [str(path) for path in written],
            }
            say(json.dumps(document, indent=2, allow_nan=False))
            return
        # A dozen sessions have dozens of notes (slightly oblique, ...); they stand in the JSON output.
        say_findings([finding for finding in found.findings if finding.level == "warning"], quiet)
        if not quiet:
            _say_tables(tables, agree)
            for note in notes:
                say(f"note: {note}")
        for path in written:
            say(f"wrote {path}")


def _runs(
    subjects: tuple[str, ...], runs: list[Path], pairs: Path | None, species: str | None
) -> tuple[dict[str, list[Run]], list[str]]:
    """Return the opened runs beside each subject, and what is to be said of the pairing."""
    if not runs and pairs is None:
        return {}, []
    from cordgraft_analysis.imaging.longitudinal import pair_runs
    from cordgraft_analysis.imaging.simulated import open_runs

    places, notes = pair_runs(subjects, runs, pairs)
    all_places = list(dict.fromkeys(place.resolve() for group in places.values() for place in group))
    opened = dict(zip(all_places, open_runs(all_places), strict=True))
    wanted = species or "human"
    others = [run for run in opened.values() if run.species != wanted]
    if others:
        raise BadInput(
            [
                Problem("is of another species than the scans", key="--run", file=run.name, value=run.species,
                        allowed=f"a run of {wanted}; --species says what the scans are of")
                for run in others
            ]
        )  # fmt: skip
    return {subject: [opened[place.resolve()] for place in group] for subject, group in places.items()}, notes


def _said(found: Study, tables: dict[str, list[Row]]) -> list[str]:
    """Return what a reader of the tables has to know."""
    from cordgraft_analysis.imaging.agreement import FEWEST_FOR_INTERVAL

    notes = []
    if not tables["changes.csv"]:
        notes.append("no subject has two sessions: no change is computed")
    if 0 < len(found.subjects) < FEWEST_FOR_INTERVAL and tables["group.csv"]:
        notes.append(
            f"{len(found.subjects)} subject{'s' if len(found.subjects) > 1 else ''}: below {FEWEST_FOR_INTERVAL} the "
            "extremes stand in place of an interval"
        )
    seeds = {len(found.sources(subject)) for subject in found.subjects} - {0}
    if seeds and min(seeds) < FEWEST_FOR_INTERVAL:
        notes.append(
            f"{min(seeds)} run{'s' if min(seeds) > 1 else ''} beside a subject: below {FEWEST_FOR_INTERVAL} seeds the "
            "spread is shown and no interval"
        )
    if seeds:
        notes.append(
            "simulated: cavity + scar + oedema, in a straight cord, on voxels of the session's size; nothing is fitted"
        )
    models = sorted({str(v.total["extrusion"]) for v in found.visits if v.total.get("extrusion")})
    notes += [f"simulated: sections became volumes by a model, {name}" for name in models]
    missing = sorted(
        {str(v.total["absent"]) for v in found.visits if v.source != "measured" and v.total.get("absent")}
    )
    return [*notes, *(f"simulated: {words}" for words in missing)]


def _agreement_rows(agree: dict[str, Agreement]) -> list[Row]:
    from cordgraft_analysis.imaging.agreement_rows import agreement_row

    return [agreement_row(name, one) for name, one in agree.items()]


def _files(found: Study, tables: dict[str, list[Row]], agree: dict[str, Agreement]) -> dict[str, str | bytes]:
    from cordgraft_analysis.imaging.compare_figures import bland_altman_picture, course_picture
    from cordgraft_analysis.imaging.lesion_table import csv_text
    from cordgraft_analysis.imaging.study_tables import courses

    files: dict[str, str | bytes] = {}
    for name, rows in {**tables, "agreement.csv": _agreement_rows(agree)}.items():
        if rows:
            files[name] = csv_text(rows, list(dict.fromkeys(column for row in rows for column in row)))
    shown = _shown(tables["sessions.csv"])[:4]
    dated = [visit for visit in found.measured if visit.months == visit.months]
    if dated and shown:
        lines = ["Error bars: one slice for lengths, one dorsoventral voxel per bridge."]
        if any(found.sources(subject) for subject in found.subjects):
            lines[0] += (
                " Squares: runs at their recorded day nearest to the session; band: extremes over seeds. Simulated "
                "lesion: cavity + scar + oedema."
            )
        if found.rendered:
            number = sum(visit.scan.name in found.rendered for visit in dated)
            lines.append(f"Simulated images, not scans of a patient or an animal: {number} of {len(dated)} sessions.")
        files["trajectories.png"] = course_picture(courses(found, shown), "Lesions over time", lines)
    if agree:
        shown_agree = {name: agree[name] for name in _known(SHOWN, agree)}
        lines = [
            "Each point: one session, mean over the seeds of its runs. Limits: mean difference -+ 1.96 SD, from three "
            "sessions on; sessions of one subject are not independent, so the limits are rough."
        ]
        title = "Simulated against measured"
        files["bland_altman.png"] = bland_altman_picture(shown_agree, title, "simulated - measured", lines)
    return files


def _known(names: tuple[str, ...], have: Any) -> list[str]:
    return [name for name in names if name in have]


def _shown(rows: list[Row]) -> list[str]:
    """Return the measures for the terminal: those of `SHOWN` that any session has."""
    have = {name for row in rows for name, cell in row.items() if cell is not None}
    names = _known(SHOWN, have)
    if SHOWN[2] in names and SHOWN[3] in names:
        names.remove(SHOWN[3])
    return names


def _say_tables(tables: dict[str, list[Row]], agree: dict[str, Agreement]) -> None:
    rows = [row for row in tables["sessions.csv"] if row["source"] == "measured"]
    shown = _shown(rows)
    say_table(
        "sessions",
        [
            {"subject": row["subject"], "session": row["session"],
             "months": _filled(row["months_post_injury [months]"]),
             **{name: _filled(row.get(name)) for name in shown}}
            for row in rows
        ],
    )  # fmt: skip
    wanted = ("subject", "from_session", "to_session", "measure", "change", "change [%]", "change_per_month",
              "uncertainty", "within_voxel_size")  # fmt: skip
    changes = [
        row for row in tables["changes.csv"] if row["source"] == "measured" and row["measure"] in shown
    ]
    if changes:
        say_table(
            "changes, in the unit of the measure; the uncertainty is a voxel of each of the two sessions",
            [{name: _filled(row[name]) for name in wanted} for row in changes],
        )
    groups = [row for row in tables["group.csv"] if row["measure"] in shown]
    if groups:
        say_table("mean paired change from the first to the last session", [_group(row) for row in groups])
    compared = [row for row in tables["compared.csv"] if row["measure"] in shown]
    if compared:
        columns = ("subject", "session", "simulated_days [d]", "measure", "measured", "measured_uncertainty",
                   "simulated_n", "simulated_mean", "simulated_least", "simulated_most", "simulated_minus_measured",
                   "within_voxel_size")  # fmt: skip
        say_table(
            "simulated beside measured", [{name: _filled(row[name]) for name in columns} for row in compared]
        )
    if agree:
        rows = [row for row in _agreement_rows(agree) if row["measure"] in shown]
        say_table(
            "agreement (Bland-Altman), simulated - measured",
            [{name: _filled(cell) for name, cell in row.items()} for row in rows],
        )


def _group(row: Row) -> dict[str, Any]:
    def words(prefix: str) -> str:
        mean, n = row.get(f"{prefix}mean"), row.get(f"{prefix}n")
        if mean is None:
            return ""
        if n == 1:
            return f"{mean:.3g} (n = 1)"
        low, high = row[f"{prefix}ci95_low"], row[f"{prefix}ci95_high"]
        what = f"95 % {low:.3g} to {high:.3g}" if low is not None else (
            f"extremes {row[f'{prefix}least']:.3g} to {row[f'{prefix}most']:.3g}"
        )  # fmt: skip
        return f"{mean:.3g} (n = {n}; {what})"

    shown: dict[str, Any] = {
        "group": row["group"],
        "measure": row["measure"],
        "change": words("measured_change_"),
    }
    shown["per month"] = words("measured_change_per_month_")
    if "simulated_change_mean" in row:
        shown["simulated change"] = words("simulated_change_")
        shown["simulated - measured"] = words("simulated_minus_measured_")
    return shown


def _filled(cell: Any) -> Any:
    """Return a cell for a terminal: nothing for what is not defined."""
    return "" if cell is None else "yes" if cell is True else "no" if cell is False else cell
