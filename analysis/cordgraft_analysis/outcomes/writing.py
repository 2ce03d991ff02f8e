"""All tables and figures of gathered runs, written into a directory: everything, or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis import palette
from cordgraft_analysis.outcomes.contrasts import Contrast, contrasts
from cordgraft_analysis.outcomes.diagram import connections_figure
from cordgraft_analysis.outcomes.distance_figure import crossings_figure
from cordgraft_analysis.outcomes.forest_figure import contrasts_figure
from cordgraft_analysis.outcomes.function_figure import function_figure
from cordgraft_analysis.outcomes.gathering import Gathered
from cordgraft_analysis.outcomes.tables import Table, all_tables


def file_names(gathered: Gathered) -> list[str]:
    """Return the names of the files that `write_outcomes` writes."""
    tables = ["crossings", "reach", "connections", "function"]
    if len(gathered.arms) > 1:
        tables.append("contrasts")
    return [*(f"{name}.csv" for name in tables), *(name for name, _ in _figures(gathered, []))]


def refuse_occupied(gathered: Gathered, folder: Path, overwrite: bool) -> None:
    """Raise `BadInput` if the directory is a file, a run, or holds files that would be replaced and may not be."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(Problem("the output is a file, not a directory", key="--out", value=str(folder)))
    there = [name for name in file_names(gathered) if (folder / name).exists()]
    if there and not overwrite:
        raise BadInput(
            Problem(
                f"the output directory already holds {', '.join(there[:3])}{' and more' if len(there) > 3 else ''}",
                key="--out",
                value=str(folder),
                allowed="another directory, or --overwrite",
            )
        )


def write_outcomes(
    gathered: Gathered, folder: str | Path, overwrite: bool = False, tables: Sequence[Table] | None = None
) -> list[Path]:
    """Write tables and figures; returns their paths.

    Everything is made in a directory aside first, so that a failure leaves nothing half-written.

    Parameters
    ----------
    gathered : Gathered
    folder : path
        Made where it does not exist.
    overwrite : bool
        Replace files of the same names.
    tables : sequence of Table, optional
        `all_tables` of the same runs, where they have been made already.

    Raises
    ------
    BadInput
        If files would be replaced without `overwrite`.
    """
    target = Path(folder)
    refuse_occupied(gathered, target, overwrite)
    made = all_tables(gathered) if tables is None else tables
    found = contrasts(gathered) if len(gathered.arms) > 1 else ()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".outcomes-", dir=target.parent) as aside, palette.style():
        ready = [table.write(Path(aside) / f"{table.name}.csv") for table in made]
        for name, figure in _figures(gathered, found):
            ready.append(Path(aside) / name)
            figure().savefig(ready[-1], dpi=palette.DPI)
        target.mkdir(exist_ok=True)
        return [path.replace(target / path.name) for path in ready]


def _figures(gathered: Gathered, found: Sequence[Contrast]) -> Iterator[tuple[str, Any]]:
    """Yield file name -> function that draws it; several days and several arms have their own pictures."""
    for index, day in enumerate(gathered.days):
        word = f"_day_{day:g}" if len(gathered.days) > 1 else ""
        yield f"crossings{word}.png", lambda index=index: crossings_figure(gathered, index)
        yield f"connections{word}.png", lambda index=index: connections_figure(gathered, index)
    yield "function.png", lambda: function_figure(gathered)
    others = gathered.arms[1:]
    for arm in others:
        word = f"_{arm.label.replace('/', '_')}" if len(others) > 1 else ""
        rows = [one for one in found if one.arm == arm.label]
        yield (
            f"contrasts{word}.png",
            lambda arm=arm, rows=rows: contrasts_figure(rows, arm, gathered.days[-1]),
        )
