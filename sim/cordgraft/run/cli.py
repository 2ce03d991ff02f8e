"""The command line: few verbs, each a thin door to the room that does the work.

Nothing heavy is imported here: ``cordgraft --help``, ``list`` and ``check`` answer in under half a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import typer.core

from cordgraft.run.console import BAD_INPUT, OK, Leave, exit_codes, never_fail_to_print, say
from cordgraft.run.imaging.app import imaging_app

app = typer.Typer(
    name="cordgraft",
    help="Simulate a spinal cord injury, a precursor-cell graft and regrowing axons. "
    "A research model: it predicts no patient.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(imaging_app)

ScenarioArgument = Annotated[
    str, typer.Argument(help="Name of a scenario (see `list`) or path of a YAML file.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="ADDRESS=VALUE", help="Change one value, e.g. treatments.graft.dose='1e5 cells'."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the result's place.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Output directory (default: runs/NAME-001).")
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Seed; replaces the one in the file.")]


def _version(wanted: bool) -> None:
    if wanted:
        from cordgraft import __version__

        say(f"cordgraft {__version__}")
        raise Leave(OK)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Simulate a spinal cord injury, a graft and regrowing axons."""


@app.command("list")
def list_command(json_output: JsonOption = False) -> None:
    """List the scenarios that can be run by name."""
    with exit_codes(json_output):
        from cordgraft.run.inspection import list_scenarios

        list_scenarios(json_output)


@app.command()
def new(
    destination: Annotated[Path, typer.Argument(help="File to write.")],
    origin: Annotated[str, typer.Option("--from", help="Scenario to start from.")] = "mouse_subacute_graft",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a scenario of your own, with the schema that lets editors complete and check it."""
    with exit_codes():
        from cordgraft.run.inspection import new_scenario

        new_scenario(destination, origin, overwrite)


@app.command()
def show(
    scenario: ScenarioArgument = "mouse_subacute_graft",
    parameters: Annotated[
        str | None,
        typer.Option("--parameters", metavar="WORD", help="List the parameters that mention WORD."),
    ] = None,
    set_values: SetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show a scenario with every default filled in, or its parameters with unit, bounds and source."""
    with exit_codes(json_output):
        from cordgraft.run.inspection import show_parameters, show_scenario

        if parameters is None:
            show_scenario(scenario, set_values or [], json_output)
        else:
            show_parameters(scenario, set_values or [], parameters, json_output)


@app.command()
def check(
    scenarios: Annotated[list[str], typer.Argument(help="Names or paths of scenarios.")],
    set_values: SetOption = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check scenario files: every problem with file, line, column and what is allowed."""
    with exit_codes():
        from cordgraft.run.inspection import check_scenarios

        raise Leave(check_scenarios(scenarios, set_values or [], json_output, quiet))


@app.command()
def plan(
    scenario: ScenarioArgument = "mouse_subacute_graft",
    set_values: SetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Print what would run: processes, periods, what each reads and writes, fields, memory."""
    with exit_codes(json_output):
        from cordgraft.run.inspection import print_plan
        from cordgraft.scenario.load import load

        print_plan(load(scenario, set_values or []), json_output)


@app.command()
def run(
    scenario: ScenarioArgument = "mouse_subacute_graft",
    out: OutOption = None,
    set_values: SetOption = None,
    seed: SeedOption = None,
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", help="Several seeds, e.g. 1-5: a run each, and bands in the figures."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Runs side by side (with --seeds).")] = 1,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Threads of one run; results stay the same.")
    ] = 1,
    checkpoint_every: Annotated[
        str | None,
        typer.Option(
            "--checkpoint-every",
            metavar="TIME",
            help="Simulated time between checkpoints, all of which are kept; without it one every 28 d, "
            "of which the newest two are kept until the run is finished.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Check and print the plan; run nothing.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run in the output directory.")
    ] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Leave the pictures out.")] = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run a scenario and write its dataset, summary, tables and pictures."""
    with exit_codes(json_output):
        from cordgraft.run.execution import Order, run_order

        if seed is not None and seeds is not None:
            say("--seed and --seeds cannot be given together", error=True)
            raise Leave(BAD_INPUT)
        order = Order(
            scenario=scenario,
            out=out,
            set_values=tuple(set_values or ()),
            seed=seed,
            seeds=seeds,
            jobs=jobs,
            threads=threads,
            checkpoint_every=checkpoint_every,
            overwrite=overwrite,
            figures=not no_figures,
            json_output=json_output,
            quiet=quiet,
            dry_run=dry_run,
        )
        raise Leave(run_order(order))


@app.command()
def resume(
    directory: Annotated[Path, typer.Argument(help="Run directory that was interrupted.")],
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads; results stay the same.")] = 1,
    from_time: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Go back to the checkpoint of this time; the run may be finished."
        ),
    ] = None,
    checkpoint_every: Annotated[
        str | None,
        typer.Option(
            "--checkpoint-every",
            metavar="TIME",
            help="Simulated time between checkpoints, all of which are kept; without it as the run began.",
        ),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Leave the pictures out.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run that was stopped, from its newest whole checkpoint, or from an earlier one."""
    with exit_codes():
        from cordgraft.run.execution import resume_run

        raise Leave(resume_run(directory, threads, checkpoint_every, not no_figures, quiet, from_time))


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more run directories.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Directory for compare.png and compare.csv.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Set the outcomes of runs side by side, paired by seed where the seeds match."""
    with exit_codes(json_output):
        from cordgraft.run.results import compare_runs

        compare_runs(runs, out, json_output)


@app.command()
def outcomes(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Run directories, or directories with the seeds of one arm; the first is the reference."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Directory for the tables (CSV) and figures.")
    ] = None,
    days: Annotated[
        str | None,
        typer.Option(
            "--days", metavar="14,112", help="Days after the injury (default: the last with axon paths in all runs)."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of the same names.")] = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what the axons did: numbers by distance, reach, connections, function, paired contrasts of arms."""
    with exit_codes(json_output):
        from cordgraft.run.outcomes import show_outcomes

        show_outcomes(runs, out, days, overwrite, json_output, quiet)


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(help="Run directory.")],
    movie: Annotated[
        bool,
        typer.Option(
            "--movie", help="Also draw a movie; more days under record.maps (every 7 d) make it smoother."
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Draw the figures of a run again and write its report page."""
    with exit_codes():
        from cordgraft.run.results import report_run

        report_run(directory, movie, quiet)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Run directory.")],
    netcdf: Annotated[Path | None, typer.Option("--netcdf", help="Write one NetCDF file.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the tables as CSV files into a directory.")
    ] = None,
) -> None:
    """Write a run in another format."""
    with exit_codes():
        from cordgraft.run.results import export_run

        export_run(directory, netcdf, csv)


@app.command()
def doctor(json_output: JsonOption = False) -> None:
    """Say whether this machine can run everything: versions, kernels, disk, optional parts."""
    with exit_codes(json_output):
        from cordgraft.run.doctor import examine

        raise Leave(examine(json_output))


@app.command()
def verify(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="CASE", help="Cases to run (see --list); all without a name.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", "-l", help="List the cases and run none.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write a page with a picture of every case."),
    ] = None,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check kernels and processes against closed forms: one table of exact and computed values."""
    with exit_codes(json_output):
        from cordgraft.run.verification.suite import verify as run_suite

        raise Leave(run_suite(cases or [], listing, report, json_output, quiet))


@app.command()
def validate(
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="S2,S3", help="Rows to run (see --list); all without it.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="Runs per arm, seeds 1 to N.")] = 20,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Runs side by side.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Directory of runs and results (default: runs/validation).")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", "-l", help="List the rows and run none.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Print the runs and what they cost; run nothing.")
    ] = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run published targets as scenarios with seeds: simulated mean, interval and verdict of every row."""
    with exit_codes(json_output):
        from cordgraft.run.validation.suite import Request
        from cordgraft.run.validation.suite import validate as run_rows

        request = Request(rows, seeds, jobs, out, listing, dry_run, json_output, quiet)
        raise Leave(run_rows(request))


def main() -> None:
    """Entry point of the ``cordgraft`` command."""
    # typer escapes the brackets of defaults for rich although nothing here is marked up for it
    typer.core.HAS_RICH = False
    never_fail_to_print()
    app()
