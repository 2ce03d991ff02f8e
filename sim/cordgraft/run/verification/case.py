"""What a case is: a problem with a known answer, the checks on it, and the curve to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """One number against its exact value.

    Parameters
    ----------
    quantity, unit : str
        What is compared; ``1`` for a number without unit.
    exact, computed, allowed : float
        The two values and how far apart they may be, in that unit.
    why : str
        One line: how the allowed error was derived.
    """

    quantity: str
    unit: str
    exact: float
    computed: float
    allowed: float
    why: str

    @property
    def error(self) -> float:
        """Distance of the two values."""
        return abs(self.computed - self.exact)

    @property
    def met(self) -> bool:
        """Whether the error is allowed; never for a value that is not a number."""
        return bool(self.error <= self.allowed)

    @classmethod
    def worst(
        cls, quantity: str, unit: str, exact: ArrayLike, computed: ArrayLike, allowed: ArrayLike, why: str
    ) -> Check:
        """Return the check of the place where the error uses up most of what is allowed.

        Parameters
        ----------
        exact, computed, allowed : arrays that broadcast to one shape
        """
        wanted, found, most = np.broadcast_arrays(
            np.asarray(exact, dtype=np.float64),
            np.asarray(computed, dtype=np.float64),
            np.asarray(allowed, dtype=np.float64),
        )
        error = np.abs(found - wanted)
        used = np.where(error == 0.0, 0.0, error / np.where(most > 0.0, most, 1e-300))
        place = int(np.argmax(np.where(np.isnan(used), np.inf, used)))
        at = [float(values.reshape(-1)[place]) for values in (wanted, found, most)]
        return cls(quantity, unit, at[0], at[1], at[2], why)


@dataclass(frozen=True)
class Series:
    """A curve or a set of points: label, x and y of equal length."""

    label: str
    x: list[float]
    y: list[float]

    @classmethod
    def of(cls, label: str, x: ArrayLike, y: ArrayLike) -> Series:
        """Return the series of two arrays."""
        flat_x, flat_y = (np.asarray(v, dtype=np.float64).reshape(-1).tolist() for v in (x, y))
        return cls(label, flat_x, flat_y)


@dataclass(frozen=True)
class Plot:
    """The picture of a case: exact curves, computed points, axes with their units.

    `scale` is ``linear``, ``log`` (both axes) or ``log y``; `points` says whether the exact answer is a set of
    points as well (where there is no curve between them).
    """

    x_label: str
    y_label: str
    exact: Sequence[Series]
    computed: Sequence[Series]
    scale: str = "linear"
    points: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a case found."""

    checks: tuple[Check, ...]
    plot: Plot

    @property
    def met(self) -> bool:
        """Whether all checks are met; an outcome without checks proves nothing and is not met."""
        return bool(self.checks) and all(check.met for check in self.checks)


@dataclass(frozen=True)
class Case:
    """One entry of the suite.

    Parameters
    ----------
    name : str
        ``cosine_3d[sdirk2]``: problem and, in brackets, the variant.
    group : str
        ``random numbers``, ``agents``, ``coupled`` or ``fields``.
    meaning : str
        Problem and closed form in a sentence or two.
    run : callable
        Does the work; imports kernels when it is called.
    dear : bool
        Takes more than about two seconds.
    """

    name: str
    group: str
    meaning: str
    run: Callable[[], Outcome] = field(compare=False)
    dear: bool = False

    @property
    def problem(self) -> str:
        """The name without the variant."""
        return self.name.split("[", 1)[0]


#: Every case in the order in which the modules declare them; filled by the decorator, see `catalogue`.
REGISTRY: dict[str, Case] = {}


def case(
    group: str, meaning: str, variants: Sequence[Any] | None = None, dear: Sequence[Any] | bool = False
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register a function as a case, or as one case per variant, which becomes its argument.

    Parameters
    ----------
    group, meaning : str
        As in `Case`.
    variants : sequence, optional
        Values of the one argument of the function; their text stands in brackets behind the name.
    dear : bool or sequence
        Which variants take long.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        name = function.__name__
        if name in REGISTRY or f"{name}[" in "".join(REGISTRY):
            raise ValueError(f"two cases are called {name}")
        if variants is None:
            REGISTRY[name] = Case(name, group, meaning, function, bool(dear))
            return function
        for variant in variants:
            long = dear if isinstance(dear, bool) else variant in dear
            full = f"{name}[{variant}]"
            REGISTRY[full] = Case(full, group, meaning, _bound(function, variant), long)
        return function

    return register


def _bound(function: Callable[..., Outcome], variant: Any) -> Callable[[], Outcome]:
    return lambda: function(variant)
