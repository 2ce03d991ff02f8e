"""How an outcome is declared: a function of a scene, with the names of the series that it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cordgraft.record.scene import Scene

#: What a function returns: one number per name.
Numbers = Sequence[float]


class Outcome(NamedTuple):
    """One line of the registry.

    Attributes
    ----------
    names : tuple of str
        Series that the function fills, in the order of the numbers it returns.
    measure : callable
        Its docstring is the definition of the outcome.
    """

    names: tuple[str, ...]
    measure: Callable[[Scene, Mapping[str, float]], Numbers]


class Count(NamedTuple):
    """A number of things in the whole cord, and how many simulated ones stand for it."""

    represented: float
    simulated: float


def number(name: str) -> Callable[[Callable[[Scene], float]], Outcome]:
    """Declare a function that returns the value of one series."""

    def declare(function: Callable[[Scene], float]) -> Outcome:
        def measure(scene: Scene, values: Mapping[str, float]) -> Numbers:
            return (function(scene),)

        measure.__doc__ = function.__doc__
        return Outcome((name,), measure)

    return declare


def numbers(*names: str) -> Callable[[Callable[[Scene], Numbers]], Outcome]:
    """Declare a function that returns the values of several series of one kind."""

    def declare(function: Callable[[Scene], Numbers]) -> Outcome:
        def measure(scene: Scene, values: Mapping[str, float]) -> Numbers:
            return function(scene)

        measure.__doc__ = function.__doc__
        return Outcome(names, measure)

    return declare


def counts(*names: str) -> Callable[[Callable[[Scene], Sequence[Count]]], Outcome]:
    """Declare a function that returns one `Count` per name; each fills ``NAME`` and ``NAME_simulated``."""

    def declare(function: Callable[[Scene], Sequence[Count]]) -> Outcome:
        def measure(scene: Scene, values: Mapping[str, float]) -> Numbers:
            return [value for pair in function(scene) for value in pair]

        measure.__doc__ = function.__doc__
        return Outcome(tuple(both for name in names for both in (name, f"{name}_simulated")), measure)

    return declare


def derived(*names: str) -> Callable[[Callable[[Scene, Mapping[str, float]], Numbers]], Outcome]:
    """Declare a function that also reads the series measured before it in the same scene."""

    def declare(function: Callable[[Scene, Mapping[str, float]], Numbers]) -> Outcome:
        return Outcome(names, function)

    return declare
