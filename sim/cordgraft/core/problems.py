"""One shape for everything a user got wrong, so that every door reports it in the same words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return up to `limit` names of `known` that look most like `word`, best first."""
    names = sorted(set(known))
    lowered = {name.lower(): name for name in names}
    hits = get_close_matches(word.lower(), lowered, n=limit, cutoff=0.5)
    return tuple(lowered[hit] for hit in hits)


@dataclass(frozen=True)
class Problem:
    """One mistake in the input.

    Parameters
    ----------
    message : str
        What is wrong, as a sentence without the value.
    key : str
        Dotted address in the scenario (``treatments.graft.dose``), empty where there is none.
    value : str
        What was found, as written.
    allowed : str
        Bounds, options or the expected form.
    near : tuple of str
        Right names that look like the wrong one.
    file, line, column
        Where it stands; line and column count from 1, 0 means unknown.
    """

    message: str
    key: str = ""
    value: str = ""
    allowed: str = ""
    near: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}"
        parts = [f"{place}: " if place else "", f"{self.key}: " if self.key else "", self.message]
        if self.value:
            parts.append(f" (found {self.value})")
        if self.allowed:
            parts.append(f"; allowed: {self.allowed}")
        if self.near:
            parts.append(f"; did you mean {' or '.join(self.near)}?")
        return "".join(parts)


class BadInput(ValueError):
    """The input cannot be run as it stands; carries one `Problem` per mistake (exit code 2).

    Attributes
    ----------
    problems : tuple of Problem
    """

    def __init__(self, problems: Problem | Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RunFailure(RuntimeError):
    """Something outside the program stopped a run (a full disk, a damaged file); one sentence, exit code 1."""


@dataclass(frozen=True)
class Caution:
    """A value that is allowed but outside what is cited, or an approximation the reader must know of.

    Cautions travel with the run: into its store, its summary and its pictures.
    """

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message
