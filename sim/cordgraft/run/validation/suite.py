"""The verb `cordgraft validate`: run what is missing, judge every row, print one table, write files and figures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import FAILED, INTERRUPTED, OK, say, say_table
from cordgraft.run.validation.results import (
    RESULTS_JSON,
    RowResult,
    draw,
    evaluate,
    record,
    table,
    write_files,
)
from cordgraft.run.validation.row import Row
from cordgraft.run.validation.rows import ROWS, arms_of, find_rows
from cordgraft.run.validation.store import FINISHED, Wanted, code_version, wanted_runs

#: Where runs and results go without --out.
DEFAULT_OUT = Path("runs") / "validation"


@dataclass(frozen=True)
class Request:
    """What the user asked `cordgraft validate` to do."""

    rows: str | None
    seeds: int
    jobs: int
    out: Path | None
    listing: bool
    dry_run: bool
    json_output: bool
    quiet: bool

    @property
    def talks(self) -> bool:
        """Whether progress is shown."""
        return not (self.quiet or self.json_output)


def validate(request: Request) -> int:
    """Do what the command line asks for and return the exit code.

    Raises
    ------
    BadInput
        For a row that does not exist, or an output that is a file.
    """
    names = [name.strip().upper() for name in (request.rows or "").split(",") if name.strip()]
    rows = find_rows(names)
    if request.listing:
        _list(rows, request.json_output)
        return OK
    out = request.out if request.out is not None else DEFAULT_OUT
    if out.exists() and not out.is_dir():
        raise BadInput(Problem("the output is a file, not a directory", key="--out", value=str(out)))
    seeds = list(range(1, request.seeds + 1))
    runs = wanted_runs(arms_of(rows), seeds, out)
    if request.dry_run:
        _print_plan(runs, request.jobs, request.json_output)
        return OK
    stopped, failed = _run_missing(runs, request, out)
    results = [evaluate(row, runs, seeds) for row in rows]
    return _report(results, out, request, stopped, failed)


def _run_missing(runs: Sequence[Wanted], request: Request, out: Path) -> tuple[bool, int]:
    """Run what is not finished; returns whether it was stopped, and how many runs failed."""
    from cordgraft.run.places import held
    from cordgraft.run.validation.pool import message_of, run_all
    from cordgraft.run.watching import compiling_notice

    missing = [run for run in runs if run.state() != FINISHED]
    if not missing:
        return False, 0
    if request.talks:
        here = len(runs) - len(missing)
        say(
            f"{len(missing)} runs to do, {here} are there already; about {_minutes(_cost(missing, request.jobs))}"
        )
    ended, failed, spent = 0, 0, 0.0

    def tell(run: Wanted, code: int, seconds: float) -> None:
        nonlocal ended, failed, spent
        ended += 1
        spent += seconds
        name = f"{run.arm.name}, seed {run.seed}"
        if code == INTERRUPTED:
            say(f"{name}: stopped", error=True)
        elif code != OK:
            failed += 1
            say(f"{name}: failed with exit code {code}: {message_of(run)}", error=True)
        elif request.talks:
            todo = missing[ended:]
            pace = spent / sum(other.arm.seconds for other in missing[:ended])
            left = f"; about {_minutes(pace * _cost(todo, request.jobs))} left" if todo else ""
            say(f"[{ended}/{len(missing)}] {name}: {seconds:.0f} s{left}")

    out.mkdir(parents=True, exist_ok=True)
    with held(out), compiling_notice(request.quiet or request.json_output):
        return run_all(missing, request.jobs, tell), failed


def _report(results: Sequence[RowResult], out: Path, request: Request, stopped: bool, failed: int) -> int:
    finished = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    data = record(results, code_version(), finished)
    pictures: list[Path] = []
    if any(result.courses for result in results):
        out.mkdir(parents=True, exist_ok=True)
        write_files(out, results, data)
        pictures = draw(out, results)
    passed = sum(result.passed for result in results)
    if request.json_output:
        say(
            json.dumps(
                {**data, "interrupted": stopped, "pictures": [str(path) for path in pictures]}, indent=2
            )
        )
    else:
        if not request.quiet:
            say_table(f"cordgraft {data['version']}, code {data['code']}", table(results))
        say(f"{passed} of {len(results)} rows pass")
        for path in pictures if request.talks else ():
            say(f"picture: {path}")
        if pictures and request.talks:
            say(f"results: {out / RESULTS_JSON}")
            say("This is a research model: it predicts no patient.")
        if request.quiet and pictures:
            say(str(out))
    if failed:
        say(f"{failed} runs failed; their messages stand beside them", error=True)
    if stopped:
        say(f"interrupted; what is finished is kept. The same command goes on: {_again(request)}", error=True)
        return INTERRUPTED
    return OK if passed == len(results) and not failed else FAILED


def _again(request: Request) -> str:
    words = ["cordgraft", "validate", "--seeds", str(request.seeds), "-j", str(request.jobs)]
    words += ["--rows", request.rows] if request.rows else []
    words += ["-o", str(request.out)] if request.out is not None else []
    return shlex.join(words)


# ---------------------------------------------------------------------------------------------- plans
def _cost(runs: Sequence[Wanted], jobs: int) -> float:
    """Return the estimated wall time of runs, s, from the measured time of each arm."""
    return sum(run.arm.seconds for run in runs) / max(1, min(jobs, len(runs)))


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90.0 else f"{seconds / 60.0:.0f} min"


def _print_plan(runs: Sequence[Wanted], jobs: int, json_output: bool) -> None:
    arms = {run.arm.name: run.arm for run in runs}
    lines = []
    for name, arm in arms.items():
        own = [run for run in runs if run.arm.name == name]
        missing = [run for run in own if run.state() != FINISHED]
        lines.append(
            {
                "arm": name,
                "scenario": arm.scenario,
                "settings": ", ".join(arm.settings),
                "runs": len(own),
                "there": len(own) - len(missing),
                "to do": len(missing),
                "seconds each": arm.seconds,
                "MB each": arm.megabytes,
            }
        )
    missing = [run for run in runs if run.state() != FINISHED]
    seconds, megabytes = _cost(missing, jobs), sum(run.arm.megabytes for run in missing)
    if json_output:
        say(json.dumps({"arms": lines, "seconds": seconds, "megabytes": megabytes, "jobs": jobs}, indent=2))
        return
    say_table("Runs", lines)
    say(f"to do: {len(missing)} runs, about {_minutes(seconds)} with {jobs} jobs, {megabytes:.0f} MB")
    for arm in arms.values():
        say(f"{arm.name}: {arm.note}")


def _list(rows: Sequence[Row], json_output: bool) -> None:
    lines = [
        {
            "row": row.name,
            "statement": row.statement,
            "targets": "; ".join(f"{claim.quantity}: {claim.target}" for claim in row.claims),
            "calibrated": row.calibration,
            "sources": "; ".join(map(str, row.sources)),
        }
        for row in rows
    ]
    if json_output:
        say(json.dumps(lines, indent=2))
    else:
        say_table(f"{len(rows)} of {len(ROWS)} rows", lines)
