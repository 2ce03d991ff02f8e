"""The verb `cordgraft verify`: run the cases, show progress, print one table, write the report page."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import FAILED, INTERRUPTED, OK, console, say, say_table
from cordgraft.run.verification.case import Case, Check, Outcome
from cordgraft.run.verification.catalogue import all_cases, find_cases

#: Seconds without a word where there is no terminal.
LOG_INTERVAL_S = 10.0
#: Columns of a terminal from which on the table is readable; on a pipe it is always written.
WIDE = 150
#: Packages whose versions stand in the report.
PACKAGES = ("cordgraft", "numpy", "numba", "scipy", "matplotlib")


@dataclass(frozen=True)
class Result:
    """A case that was run: what it found (or why it broke) and how long it took."""

    case: Case
    outcome: Outcome | None
    trouble: str
    seconds: float

    @property
    def met(self) -> bool:
        """Whether every check of it is met."""
        return self.outcome is not None and self.outcome.met

    @property
    def verdict(self) -> str:
        """Return met, short or broken."""
        if self.outcome is None:
            return "broken"
        return "met" if self.met else "short"


def run_case(case: Case) -> Result:
    """Run one case; an error in it is its verdict, not the end of the suite."""
    started = time.perf_counter()
    try:
        outcome, trouble = case.run(), ""
    except Exception as error:
        outcome, trouble = None, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return Result(case, outcome, trouble, time.perf_counter() - started)


def run_cases(cases: Sequence[Case], tell: Callable[[int, Case], None]) -> tuple[list[Result], bool]:
    """Run cases in order and return the results, and whether Ctrl-C cut them short.

    Parameters
    ----------
    cases : sequence of Case
    tell : callable
        Called with the number of finished cases and the next case, before it starts.
    """
    results: list[Result] = []
    try:
        for number, case in enumerate(cases):
            tell(number, case)
            results.append(run_case(case))
    except KeyboardInterrupt:
        return results, True
    return results, False


# ---------------------------------------------------------------------------------------------- the verb
def verify(names: Sequence[str], listing: bool, report: Path | None, json_output: bool, quiet: bool) -> int:
    """Do what the command line asks for and return the exit code.

    Raises
    ------
    BadInput
        For a case that does not exist, or a report that cannot be written there.
    """
    cases = find_cases(names)
    if listing:
        _list(cases, json_output)
        return OK
    if report is not None:
        _check_place(report)
    from cordgraft.run.watching import compiling_notice

    started = datetime.now(UTC)
    with compiling_notice(quiet or json_output), _progress(len(cases), quiet or json_output) as tell:
        results, interrupted = run_cases(cases, tell)
    if json_output:
        say(json.dumps(_record(results, started, interrupted, len(cases)), indent=2))
    else:
        _print(results, len(cases), interrupted, quiet)
    if report is not None and results:
        _write_report(results, started, len(cases), report, json_output)
    if interrupted:
        return INTERRUPTED
    return OK if all(result.met for result in results) else FAILED


def _check_place(report: Path) -> None:
    """Refuse a report that could not be written, before a minute of work is lost."""
    if report.is_dir():
        raise BadInput(
            Problem("the report would replace a directory", value=str(report), allowed="a file, FILE.html")
        )
    if not report.resolve().parent.is_dir():
        raise BadInput(Problem("there is no directory for the report", value=str(report.parent)))


def _list(cases: Sequence[Case], json_output: bool) -> None:
    if json_output:
        rows = [{"case": case.name, "group": case.group, "meaning": case.meaning} for case in cases]
        say(json.dumps(rows, indent=2))
        return
    problems: dict[str, dict[str, str]] = {}
    for case in cases:
        row = problems.setdefault(
            case.problem, {"case": case.problem, "variants": "", "group": case.group, "meaning": case.meaning}
        )
        variant = case.name[len(case.problem) :]
        row["variants"] += f" {variant}" if row["variants"] else variant
    say_table(f"{len(cases)} of {len(all_cases())} cases", list(problems.values()))


def rows_of(result: Result) -> list[dict[str, Any]]:
    """Return a result as rows of the table, one per check; the case and its seconds stand in the first."""
    if result.outcome is None:
        row = {"case": result.case.name, "quantity": result.trouble, "exact": "", "computed": "", "error": ""}
        return [{**row, "allowed": "", "unit": "", "verdict": "broken", "seconds": f"{result.seconds:.1f}"}]
    rows = []
    for number, check in enumerate(result.outcome.checks):
        rows.append(
            {
                "case": result.case.name if number == 0 else "",
                "quantity": check.quantity,
                "exact": f"{check.exact:.7g}",
                "computed": f"{check.computed:.7g}",
                "error": f"{check.error:.2g}",
                "allowed": f"{check.allowed:.2g}",
                "unit": check.unit,
                "verdict": "met" if check.met else "short",
                "seconds": f"{result.seconds:.1f}" if number == 0 else "",
            }
        )
    return rows


def lines_of(result: Result) -> list[str]:
    """Return a result as lines for a terminal that is too narrow for the table."""
    lines = [f"{result.case.name}: {result.verdict}, {result.seconds:.1f} s"]
    if result.outcome is None:
        return [*lines, f"    {result.trouble}"]
    for check in result.outcome.checks:
        unit = f" {check.unit}" if check.unit != "1" else ""
        short = "" if check.met else "  SHORT"
        lines.append(f"    {check.quantity}")
        lines.append(
            f"      exact {check.exact:.7g}, computed {check.computed:.7g}{unit}, "
            f"error {check.error:.2g} of {check.allowed:.2g}{short}"
        )
    return lines


def _print(results: Sequence[Result], wanted: int, interrupted: bool, quiet: bool) -> None:
    shown = [result for result in results if not (quiet and result.met)]
    if shown and console().width >= WIDE:
        say_table("cordgraft verify", [row for result in shown for row in rows_of(result)])
    else:
        for result in shown:
            for line in lines_of(result):
                say(line)
    say(sentence(results, wanted, interrupted))


def sentence(results: Sequence[Result], wanted: int, interrupted: bool) -> str:
    """Return the summary: how many cases are met, and which are not."""
    met = sum(result.met for result in results)
    checks = sum(len(result.outcome.checks) for result in results if result.outcome is not None)
    seconds = sum(result.seconds for result in results)
    text = f"{met} of {len(results)} cases met ({checks} checks, {seconds:.0f} s)"
    missed = [f"{result.case.name} ({result.verdict})" for result in results if not result.met]
    if missed:
        text += f"; not met: {', '.join(missed)}"
    if interrupted:
        text += f"; interrupted, {wanted - len(results)} cases were not run"
    return text


# ------------------------------------------------------------------------------------------------ records
def _check_record(check: Check) -> dict[str, Any]:
    return {**asdict(check), "error": check.error, "met": check.met}


def _record(results: Sequence[Result], started: datetime, interrupted: bool, wanted: int) -> dict[str, Any]:
    """Return everything as plain data, for programs and for the report page."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "ok": all(result.met for result in results) and not interrupted,
        "summary": sentence(results, wanted, interrupted),
        "date": started.isoformat(timespec="seconds"),
        "versions": {**versions, "python": platform.python_version()},
        "platform": platform.platform(terse=True),
        "cases": [
            {
                "name": result.case.name,
                "group": result.case.group,
                "meaning": result.case.meaning,
                "verdict": result.verdict,
                "seconds": round(result.seconds, 3),
                "trouble": result.trouble,
                "checks": [
                    _check_record(check) for check in (result.outcome.checks if result.outcome else ())
                ],
            }
            for result in results
        ],
    }


def _write_report(
    results: Sequence[Result], started: datetime, wanted: int, path: Path, json_output: bool
) -> None:
    from cordgraft_analysis.verification_page import write_verification_page

    record = _record(results, started, len(results) < wanted, wanted)
    for entry, result in zip(record["cases"], results, strict=True):
        entry["plot"] = asdict(result.outcome.plot) if result.outcome else None
    write_verification_page(record, path)
    say(f"wrote {path}", error=json_output)


# ------------------------------------------------------------------------------------------------ progress
@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[int, Case], None]]:
    """Yield a function that shows which case runs: one changing line on a terminal, a line now and then elsewhere."""
    if quiet:
        yield lambda number, case: None
        return
    if sys.stderr.isatty():
        with console(stderr=True).status("starting") as status:
            yield lambda number, case: status.update(f"{number + 1} of {total}: {_plain(case.name)}")
        return
    last = time.monotonic()

    def show(number: int, case: Case) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_INTERVAL_S:
            last = time.monotonic()
            say(f"{number} of {total} cases done, next {case.name}", error=True)

    yield show


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
