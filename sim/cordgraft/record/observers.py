"""The registry of outcomes, and the observer that measures them.

An outcome is one function in one of the ``observers_*`` modules; the lists there, joined here, are the only
registry. Their names, units and meanings are those of `cordgraft.core.schema`; a test holds the two together.

>>> observe(tissue)["lesion_length"]                         # doctest: +SKIP
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cordgraft.core.contract import Process
from cordgraft.core.schema import OPTIONAL_SERIES, SeriesSpec, series_specs
from cordgraft.record import (
    observers_axons,
    observers_examination,
    observers_function,
    observers_graft,
    observers_lesion,
    observers_myelin,
)
from cordgraft.record.outcome import Outcome
from cordgraft.record.scene import Memory, Scene, total_of
from cordgraft.state.tissue import Tissue

Bounds = Mapping[str, Mapping[str, float]]


@runtime_checkable
class Dividing(Protocol):
    """A process that knows how many cells are in the cycle."""

    def dividing_fraction(self, tissue: Any, tick: int) -> float:
        """Return the share of living cells that a Ki67-like stain would show."""


def outcomes(
    species: str, bounds: Bounds | None = None, arrays: Iterable[str] = tuple(OPTIONAL_SERIES)
) -> tuple[Outcome, ...]:
    """Return every outcome of a run, in the order in which they are measured.

    `arrays` : which of the arrays that not every run has this one has, by default all.
    """
    there = set(arrays)
    return (
        *observers_graft.OUTCOMES,
        observers_function.volume_ratio,
        *observers_axons.OUTCOMES,
        *observers_lesion.OUTCOMES,
        *(
            one
            for some in (observers_lesion.OPTIONAL_OUTCOMES, observers_myelin.OPTIONAL_OUTCOMES)
            for name in some
            if name in there
            for one in some[name]
        ),
        *observers_function.OUTCOMES,
        *observers_function.scale_outcomes(species),
        *observers_examination.outcomes(species),
        *observers_function.safety_outcomes(bounds or {}),
    )


class Observer:
    """Measures the outcomes of a run; reads the tissue and never writes it.

    Parameters
    ----------
    tissue : Tissue
        At the start of the run; gives species and shape.
    bounds : mapping, optional
        Declared safety bounds: name -> ``from`` and ``to`` (h after grafting), ``at_most`` (unit of the series).
    processes : iterable of Process
        Active processes; the division among them is asked for its proliferation index.

    Attributes
    ----------
    specs : tuple of SeriesSpec
        What `measure` returns, in this order.
    """

    def __init__(
        self, tissue: Tissue, bounds: Bounds | None = None, processes: Iterable[Process] = ()
    ) -> None:
        self.bounds: dict[str, dict[str, float]] = {
            name: dict(bound) for name, bound in (bounds or {}).items()
        }
        species = tissue.setting.species
        arrays = [name for name in OPTIONAL_SERIES if name in tissue]
        self.specs: tuple[SeriesSpec, ...] = series_specs(species, self.bounds, arrays)
        self.outcomes = outcomes(species, self.bounds, arrays)
        self.memory = Memory(np.zeros(tissue.lattice.shape, dtype=bool))
        self._dividing: Callable[[Tissue, int], float] | None = next(
            (process.dividing_fraction for process in processes if isinstance(process, Dividing)), None
        )

    def watch(self, tissue: Tissue, tick: int) -> None:
        """Note what happens between recorded times; call it after every tick (some microseconds).

        Deliveries of cells are counted when they arrive, and the first one fixes the lesion edges from which
        fronts and reach are measured.
        """
        cells = tissue.cells
        if len(cells) == 0:
            return
        arrived = (cells["grafted_tick"] == tick) & (cells["parent"] == 0)
        if not np.any(arrived):
            return
        memory = self.memory
        if memory.graft_tick < 0:
            memory.graft_tick = tick
            memory.graft_edges_um = Scene(tissue, tick, memory).edges_without_graft_um
            memory.delivered = 0.0
        memory.delivered += total_of(cells["weight"][arrived])

    def measure(self, tissue: Tissue, tick: int) -> dict[str, float]:
        """Return series name -> value, NaN where an outcome has no meaning yet (the schema says when)."""
        scene = Scene(tissue, tick, self.memory, self.bounds, self._dividing)
        self.memory.largest_lesion |= scene.lesion
        values: dict[str, float] = {}
        for outcome in self.outcomes:
            found = outcome.measure(scene, values)
            values.update(zip(outcome.names, (float(value) for value in found), strict=True))
        return {spec.name: values[spec.name] for spec in self.specs}

    # ---------------------------------------------------------------- checkpoints
    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs to go on measuring the same numbers (arrays and text)."""
        fields = {
            field.name: getattr(self.memory, field.name)
            for field in dataclasses.fields(self.memory)
            if field.name != "largest_lesion"
        }
        return {"largest_lesion": np.array(self.memory.largest_lesion), "memory": json.dumps(fields)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` returned."""
        fields = json.loads(str(state["memory"]))
        fields["graft_edges_um"] = tuple(fields["graft_edges_um"])
        self.memory = Memory(np.array(state["largest_lesion"], dtype=bool), **fields)


def observe(tissue: Tissue, tick: int = 0, processes: Iterable[Process] = ()) -> dict[str, float]:
    """Return every outcome of one moment, without memory of earlier ones.

    The core is then the present lesion, and what counts from the delivery of the graft is NaN. A run keeps an
    `Observer` instead.
    """
    return Observer(tissue, processes=processes).measure(tissue, tick)


def reasons(specs: tuple[SeriesSpec, ...], values: Mapping[str, float]) -> dict[str, str]:
    """Return series name -> why its value is NaN."""
    return {
        spec.name: spec.missing or "the value is not a number: a fault of the model"
        for spec in specs
        if math.isnan(values[spec.name])
    }
