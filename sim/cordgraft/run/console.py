"""What the command line says and with which exit code it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cordgraft.core.problems import BadInput, Caution, RunFailure

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

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


def say(text: str = "", *, error: bool = False) -> None:
    """Print one line as it is (square brackets are text, not markup)."""
    print(text, file=sys.stderr if error else sys.stdout, flush=True)


def say_problems(error: BadInput) -> None:
    """Print one line per problem to the error stream, then how many there were."""
    for problem in error.problems:
        say(str(problem), error=True)
    number = len(error.problems)
    say(f"{number} problem{'s' if number != 1 else ''}; nothing was written", error=True)


def say_cautions(cautions: tuple[Caution, ...]) -> None:
    """Print the cautions of a run to the error stream."""
    for caution in cautions:
        say(f"caution: {caution}", error=True)


def say_table(title: str, rows: list[dict[str, Any]], columns: list[str] | None = None) -> None:
    """Print rows as a table; columns in the order of the first row unless named."""
    from rich.table import Table

    if not rows:
        say(f"{title}: nothing")
        return
    columns = columns or list(rows[0])
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column, "")) for column in columns))
    console().print(table)


def _cell(value: Any) -> str:
    from rich.markup import escape

    if isinstance(value, float):
        return f"{value:.4g}"
    return escape(str(value))


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn the errors that a user can cause into messages and exit codes; a real fault keeps its traceback."""
    from cordgraft.core.units import UnitError

    try:
        yield
    except BadInput as error:
        say_problems(error)
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
    except BrokenPipeError:
        # the reader of our output (head, less) has gone: not a failure of ours
        sys.stderr.close()
        raise Leave(OK) from None
