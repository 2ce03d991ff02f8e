"""What the command line says and with which exit code it ends."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from cordgraft.core.problems import BadInput, Caution, Problem, RunFailure

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of a table that is not written to a terminal.
PIPE_WIDTH = 220

OK, FAILED, BAD_INPUT, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130


class Leave(SystemExit):
    """End the program with an exit code, after everything has been said."""


def console(stderr: bool = False) -> Console:
    """Return a terminal writer; on a pipe it writes plain text without colours, wide enough not to break words."""
    from rich.console import Console

    class Writer(Console):
        def on_broken_pipe(self) -> None:
            silence(self.file)

    stream = sys.stderr if stderr else sys.stdout
    return Writer(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def say(text: str = "", *, error: bool = False) -> None:
    """Print one line as it is (square brackets are text, not markup)."""
    stream = sys.stderr if error else sys.stdout
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        silence(stream)


def silence(stream: IO[str]) -> None:
    """Send what is still written to a stream nowhere.

    Its reader (head, less) has gone. That is no failure, and no reason to stop a run that nobody watches.
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def never_fail_to_print() -> None:
    """Replace characters that the terminal's encoding lacks, in place of stopping at the first of them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say_problems(error: BadInput) -> None:
    """Print one line per problem to the error stream, then how many there were."""
    for problem in error.problems:
        say(str(problem), error=True)
    number = len(error.problems)
    say(f"{number} problem{'s' if number != 1 else ''}; nothing was written", error=True)


def problem_record(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain data: the sentence for people, and its parts for programs."""
    return {
        "problem": str(problem),
        "file": problem.file,
        "line": problem.line or None,
        "column": problem.column or None,
        "key": problem.key,
        "value": problem.value,
        "allowed": problem.allowed,
        "near": list(problem.near),
    }


def say_cautions(cautions: tuple[Caution, ...]) -> None:
    """Print the cautions of a run to the error stream."""
    for caution in cautions:
        say(f"caution: {caution}", error=True)


def say_table(title: str, rows: list[dict[str, Any]], columns: list[str] | None = None) -> None:
    """Print rows as a table, or one below the other where the terminal is too narrow for whole words.

    Columns stand in the order of the first row unless named.
    """
    if not rows:
        say(f"{title}: nothing")
        return
    columns = columns or list(rows[0])
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    writer = console()
    # a column is as wide as its longest word, and a frame and two spaces stand beside each
    needed = 1 + sum(_longest_word(words) + 3 for words in zip(columns, *cells, strict=True))
    if needed > writer.width:
        _say_records(title, columns, cells)
        return
    from rich.markup import escape
    from rich.table import Table

    # a unit in brackets is text: as markup it would be taken out ("length [mm]")
    table = Table(title=escape(title), title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    for row in cells:
        table.add_row(*(escape(text) for text in row))
    writer.print(table)


def _longest_word(texts: tuple[str, ...]) -> int:
    return max((len(word) for text in texts for word in text.split()), default=0)


def _say_records(title: str, columns: list[str], cells: list[list[str]]) -> None:
    say(title)
    for first, *others in cells:
        say(f"- {first}")
        for column, text in zip(columns[1:], others, strict=True):
            if text:
                say(f"    {column}: {text}")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def refusal_of(error: OSError) -> str:
    """Return what the operating system refused, and why, as a sentence."""
    why = os.strerror(error.errno) if error.errno else str(error)
    what = f"'{error.filename}'" if error.filename else "a file"
    return f"{what} could not be read or written: {why}"


@contextmanager
def exit_codes(json_output: bool = False) -> Iterator[None]:
    """Turn the errors that a user can cause into messages and exit codes; a real fault keeps its traceback.

    Parameters
    ----------
    json_output : bool
        Whether programs read the output: problems are then printed for them as well.
    """
    from cordgraft.core.units import UnitError

    try:
        yield
    except BadInput as error:
        say_problems(error)
        if json_output:
            records = [problem_record(problem) for problem in error.problems]
            say(json.dumps({"ok": False, "problems": records}, indent=2))
        raise Leave(BAD_INPUT) from None
    except UnitError as error:
        say(str(error), error=True)
        raise Leave(BAD_INPUT) from None
    except RunFailure as error:
        say(f"the run failed: {error}", error=True)
        raise Leave(FAILED) from None
    except KeyboardInterrupt:
        say("interrupted", error=True)
        raise Leave(INTERRUPTED) from None
    except MemoryError:
        say("the run failed: the memory of this machine did not suffice; take larger voxels", error=True)
        raise Leave(FAILED) from None
    except OSError as error:
        say(refusal_of(error), error=True)
        raise Leave(FAILED) from None
