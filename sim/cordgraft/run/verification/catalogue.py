"""Which cases there are, and how a name on the command line finds them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module

from cordgraft.core.problems import BadInput, Problem, nearest
from cordgraft.run.verification.case import REGISTRY, Case

#: Modules that declare cases, in the order of the table.
MODULES: tuple[str, ...] = (
    "drawing",
    "cones",
    "guidance",
    "sections_volumes",
    "regimes",
    "cell_walks",
    "populations",
    "moving_sources",
    "exchange",
    "secreted_fields",
    "waves",
    "pulses",
    "lines",
    "steady",
    "layers",
    "budgets",
)


@lru_cache(maxsize=1)
def all_cases() -> tuple[Case, ...]:
    """Return every case; loads NumPy, but no kernel."""
    for module in MODULES:
        import_module(f"cordgraft.run.verification.{module}")
    return tuple(REGISTRY.values())


def find_cases(names: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases that are named, in the order of the table; all of them without a name.

    A problem without its brackets stands for all its variants.

    Raises
    ------
    BadInput
        One problem per name that no case has, with the nearest ones.
    """
    everything = all_cases()
    wanted = list(names)
    if not wanted:
        return everything
    known = {case.name for case in everything} | {case.problem for case in everything}
    problems = [
        Problem(
            "there is no such case",
            value=name,
            allowed="the names that `cordgraft verify --list` prints",
            near=nearest(name, known),
        )
        for name in wanted
        if name not in known
    ]
    if problems:
        raise BadInput(problems)
    return tuple(case for case in everything if case.name in wanted or case.problem in wanted)
