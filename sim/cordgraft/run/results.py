"""The verbs that look at finished runs: report, compare, export. The analysis package is called lazily."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import say, say_table
from cordgraft.run.places import MOVIE, OVERVIEW, PAGE, SEED_OVERVIEW


def draw_figures(directory: Path) -> list[Path]:
    """Draw the overview of a run; returns the pictures."""
    from cordgraft_analysis.overview import draw_overview

    return [draw_overview(directory, directory / OVERVIEW)]


def draw_seed_figures(directory: Path) -> list[Path]:
    """Draw the figure of all seeds below a directory; returns the pictures."""
    from cordgraft_analysis.seeds import draw_seed_overview

    return [draw_seed_overview([directory], directory / SEED_OVERVIEW)]


def print_summary(directory: Path) -> None:
    """Print the outcomes of a run that matter most, and the verdicts on the declared bounds."""
    from cordgraft_analysis.tables import key_rows, safety_rows
    from cordgraft_analysis.view import open_view

    view = open_view(directory)
    rows = [
        {
            "outcome": row.meaning,
            "last day": row.end,
            "peak": row.peak,
            "on day": row.peak_day,
            "unit": row.unit,
        }
        for row in key_rows(view)
    ]
    say_table(f"Outcomes on day {view.days[-1]:g}", rows)
    verdicts = [
        dict(zip(("bound", "at most", "found", "verdict", "remark"), row, strict=True))
        for row in safety_rows(view)
    ]
    if verdicts:
        say_table("Safety bounds declared before the run", verdicts)


def report_run(directory: Path, movie: bool, quiet: bool) -> None:
    """Draw the figures of a run (or of several seeds) again and write the report page."""
    from cordgraft_analysis.page import write_page
    from cordgraft_analysis.seeds import run_directories

    runs = run_directories(directory)
    written: list[Path] = []
    for run in runs:
        written.extend(draw_figures(run))
        if movie:
            from cordgraft_analysis.movie import draw_movie

            written.append(draw_movie(run, run / MOVIE))
        written.append(write_page(run, run / PAGE))
    if runs != [directory]:
        written.extend(draw_seed_figures(directory))
    if not quiet:
        for path in written:
            say(f"wrote {path}")


def compare_runs(runs: Sequence[Path], out: Path | None, json_output: bool) -> None:
    """Set the outcomes of runs side by side."""
    if len(runs) < 2:
        raise BadInput(Problem("a comparison needs two runs or more", allowed="cordgraft compare RUN RUN..."))
    from cordgraft_analysis.compare import compare, draw_comparison

    comparison = compare(runs)
    header = comparison.header()
    if json_output:
        say(
            json.dumps(
                {
                    "day": comparison.day,
                    "labels": comparison.labels,
                    "outcomes": [
                        {
                            "name": outcome.name,
                            "unit": outcome.unit,
                            "values": [value if value == value else None for value in outcome.values],
                        }
                        for outcome in comparison.outcomes
                    ],
                    "notes": comparison.notes,
                },
                indent=2,
            )
        )
    else:
        rows = [dict(zip(header, row, strict=True)) for row in comparison.rows()]
        say_table(f"Day {comparison.day:g} after the injury", rows, header)
        for note in comparison.notes:
            say(note)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for path in (comparison.write_csv(out / "compare.csv"), draw_comparison(runs, out / "compare.png")):
            if not json_output:
                say(f"wrote {path}")


def export_run(directory: Path, netcdf: Path | None, csv: Path | None) -> None:
    """Write a run in other formats."""
    if netcdf is None and csv is None:
        raise BadInput(Problem("say what to write", allowed="--netcdf FILE, --csv DIRECTORY, or both"))
    from cordgraft_analysis.export import export_csv, export_netcdf

    if not (directory / schema.STORE_NAME).exists():
        raise BadInput(
            Problem(f"this is no run directory (there is no {schema.STORE_NAME} in it)", value=str(directory))
        )
    if netcdf is not None:
        say(f"wrote {export_netcdf(directory, netcdf)}")
    if csv is not None:
        for path in export_csv(directory, csv):
            say(f"wrote {path}")
