"""A table that pairs subjects with the runs that simulate them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem, nearest

SUBJECT, RUN = "subject", "run"


def read_pairs(
    table: Path, subjects: Sequence[str], runs: Sequence[Path], given: Sequence[Path]
) -> tuple[dict[str, list[Path]], list[str]]:
    """Read which runs belong to which subject.

    Parameters
    ----------
    table : Path
        Tab-separated (or ``.csv``) with the columns ``subject`` (``participant_id`` is taken too) and ``run``.
    subjects : sequence of str
        Labels in the data set.
    runs : sequence of Path
        What the user named as runs: a row may name one of them by its last part.
    given : sequence of Path
        The run directories in them.

    Returns
    -------
    pairs : dict
        Subject -> run directories, in the order of the table.
    notes : list of str

    Raises
    ------
    BadInput
        With everything that is wrong with the table.
    """
    from cordgraft_analysis.imaging.text_tables import read_text
    from cordgraft_analysis.seeds import run_directories

    columns, rows = read_text(table)
    names = {"participant_id": SUBJECT, "run_dir": RUN}
    renamed = {names.get(column, column): column for column in columns}
    problems = [
        Problem(f"has no column {wanted}", key="--pairs", file=str(table), value=", ".join(columns) or "no column",
                allowed="subject and run, separated by tabs", near=tuple(nearest(wanted, columns)))
        for wanted in (SUBJECT, RUN)
        if wanted not in renamed
    ]  # fmt: skip
    if problems:
        raise BadInput(problems)
    by_name = {place.resolve().name: place for place in (*given, *runs)}
    pairs: dict[str, list[Path]] = {}
    for number, row in enumerate(rows, 2):
        label, word = row[renamed[SUBJECT]].removeprefix("sub-"), row[renamed[RUN]]
        if label not in subjects:
            problems.append(
                Problem(f"names a subject in line {number} that is not in the data set", key="--pairs", file=str(table),
                        value=label or "nothing", allowed=", ".join(subjects), near=tuple(nearest(label, subjects)))
            )  # fmt: skip
            continue
        places = (table.parent / word, Path(word), by_name.get(word)) if word else ()
        place = next((one for one in places if one is not None and one.is_dir()), None)
        try:
            if place is None:
                raise BadInput(Problem("there is no such directory"))
            found = run_directories(place)
        except BadInput:
            problems.append(
                Problem(f"names something in line {number} that is no run", key="--pairs", file=str(table),
                        value=word or "nothing", allowed="a run directory, or one of several seeds; from the table's "
                        "folder, or the last part of a --run", near=tuple(nearest(word, list(by_name))))
            )  # fmt: skip
            continue
        own = pairs.setdefault(label, [])
        twice = [one for one in found if one.resolve() in {other.resolve() for other in own}]
        if twice:
            problems.append(
                Problem(f"names a run in line {number} twice for one subject", key="--pairs", file=str(table),
                        value=f"sub-{label}, {word}")
            )  # fmt: skip
        own += [one for one in found if one not in twice]
    if not rows:
        problems.append(Problem("pairs nothing: it has no row", key="--pairs", file=str(table)))
    if problems:
        raise BadInput(problems)
    notes = [f"sub-{label} has no run in {table.name}" for label in subjects if label not in pairs]
    taken = {place.resolve() for group in pairs.values() for place in group}
    idle = [place.name for place in given if place.resolve() not in taken]
    if idle:
        notes.append(f"{len(idle)} of the given runs stand in no row of {table.name}: {', '.join(idle[:5])}")
    return pairs, notes
