"""`CordModel`: the front door. A Mesa model whose step is one tick of the pipeline.

>>> model = CordModel("mouse_subacute_graft", settings={"duration": "3 d"})     # doctest: +SKIP
>>> model.step(); model.tissue["field.oxygen"].mean()                           # doctest: +SKIP
>>> tree = model.run()                                                          # doctest: +SKIP

Mesa's own generators (``model.random``, ``model.rng``) exist for users; the dynamics never draw from them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mesa

from cordgraft.core.clock import whole_ticks
from cordgraft.core.contract import Phase
from cordgraft.core.problems import Caution
from cordgraft.engine.agents import Fibres, GraftCells, GrowthCones, Population, RowSet, Synapses
from cordgraft.engine.pipeline import Pipeline
from cordgraft.kernels.compile import set_threads
from cordgraft.record.observers import Observer
from cordgraft.scenario.build import Built, build
from cordgraft.scenario.config import Config
from cordgraft.scenario.load import load


@dataclass(frozen=True)
class Progress:
    """What a progress display shows after a tick."""

    tick: int
    ticks: int
    day: float
    days: float
    cells: int
    axons: int
    elapsed_s: float


class CordModel(mesa.Model):  # type: ignore[type-arg]
    """A spinal cord with an injury, a graft and axons, stepped tick by tick.

    Parameters
    ----------
    source : str, Path or Config
        Name of a shipped scenario, path of a YAML file, or a configuration that was loaded before.
    rng : int, optional
        Seed; replaces the one of the scenario.
    threads : int
        Threads for the kernels; results do not depend on it.
    settings : mapping, optional
        Dotted address -> value as text, for example ``{"treatments.graft.dose": "1e5 cells"}``.
    **overrides
        The same with ``__`` for the dots (``treatments__graft__dose="1e5 cells"``), so that `mesa.batch_run`
        can vary them.

    Raises
    ------
    BadInput
        One problem per mistake in the scenario or the settings.
    """

    def __init__(
        self,
        source: str | Path | Config = "mouse_subacute_graft",
        *,
        rng: int | None = None,
        threads: int = 1,
        settings: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> None:
        addresses = {name.replace("__", "."): value for name, value in overrides.items()}
        addresses.update(settings or {})
        if isinstance(source, Config):
            if addresses or rng is not None:
                raise ValueError("settings and a seed belong into the configuration when one is given")
            config = source
        else:
            config = load(source, [f"{key}={value}" for key, value in addresses.items()], seed=rng)
        super().__init__(rng=config.seed)
        set_threads(threads)
        self.threads = threads
        self.config: Config = config
        self.built: Built = build(config)
        self.tissue = self.built.tissue
        self.pipeline = Pipeline(
            self.built.processes, self.tissue.clock, dict(config.periods_h), self.built.resting
        )
        self.pipeline.check(self.tissue)
        self.pipeline.prepare(self.tissue)
        #: Last tick that is complete; -1 before the first step.
        self.tick = -1
        self.series_ticks = whole_ticks(config.record.series_h, config.tick_h)
        self.map_ticks = frozenset(whole_ticks(hours, config.tick_h) for hours in config.record.maps_h)
        self.populations: dict[str, Population] = {
            "cell": GraftCells(self, self.tissue.cells),
            "fibre": Fibres(self, self.tissue.fibres),
            "cone": GrowthCones(self, self.tissue.cones),
            "synapse": Synapses(self, self.tissue.synapses),
        }
        #: Measures the outcomes; remembers what they need of earlier days (the edges of the lesion at grafting).
        self.observer = Observer(self.tissue, config.safety, self.built.processes)
        #: Latest values of the recorded series, by name; NaN before the first step.
        self.latest: dict[str, float] = dict.fromkeys(
            (spec.name for spec in self.observer.specs), float("nan")
        )
        self.datacollector = mesa.DataCollector(
            model_reporters={"day": _reporter("day"), **{name: _reporter(name) for name in self.latest}}
        )

    @classmethod
    def from_scenario(cls, path: str | Path, **overrides: Any) -> CordModel:
        """Return the model of a scenario; see the class for `overrides`."""
        return cls(path, **overrides)

    # ---------------------------------------------------------------- state in Mesa's terms
    @property
    def cells(self) -> RowSet:
        """The grafted cells as an agent set."""
        return self.populations["cell"].rows

    @property
    def fibres(self) -> RowSet:
        """Simulated host fibres and graft axons as an agent set."""
        return self.populations["fibre"].rows

    @property
    def growth_cones(self) -> RowSet:
        """Growth cones as an agent set."""
        return self.populations["cone"].rows

    @property
    def day(self) -> float:
        """Days since the injury at the last complete tick."""
        return self.tissue.clock.days(max(self.tick, 0))

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What the reader of any result must know."""
        return self.built.cautions

    # ---------------------------------------------------------------- stepping
    def step(self) -> None:
        """Run one tick; when a day of the series is due, refresh `latest` and the data collector."""
        tick = self.tick + 1
        if tick > self.tissue.clock.ticks:
            self.running = False
            return
        self.pipeline.step(self.tissue, tick)
        self.tick = tick
        self.observer.watch(self.tissue, tick)
        if self.series_due(tick):
            self.latest = self.observer.measure(self.tissue, tick)
            self.datacollector.collect(self)
        if tick == self.tissue.clock.ticks:
            self.running = False

    def series_due(self, tick: int) -> bool:
        """Whether the series has a row at `tick`."""
        return tick % self.series_ticks == 0 or tick == self.tissue.clock.ticks

    def events(self, tick: int) -> list[tuple[str, str]]:
        """Return (name, text) of what scheduled processes did at `tick`, for the event log."""
        found = []
        for process in self.built.processes:
            if process.phase is Phase.TREAT:
                text = process.event(self.tissue, tick)
                if text:
                    found.append((process.label, text))
        return found

    def restore(self, arrays: Mapping[str, Any], tick: int, observer: Mapping[str, Any]) -> None:
        """Put the model where a checkpoint was written; Mesa's own clock counts on from zero.

        Parameters
        ----------
        arrays : mapping
            As `Tissue.snapshot` returned them.
        tick : int
            Last complete tick.
        observer : mapping
            As `Observer.state` returned it.
        """
        self.tissue.restore(arrays)
        self.observer.restore(observer)
        self.tick = tick
        self.steps = tick + 1

    def progress(self, started: float) -> Progress:
        """Return the state of a progress display; `started` is a `time.monotonic` reading."""
        clock = self.tissue.clock
        return Progress(
            tick=self.tick,
            ticks=clock.ticks,
            day=self.day,
            days=clock.days(clock.ticks),
            cells=len(self.tissue.cells),
            axons=len(self.tissue.fibres),
            elapsed_s=time.monotonic() - started,
        )

    def run(
        self,
        directory: str | Path | None = None,
        *,
        progress: Callable[[Progress], None] | None = None,
        overwrite: bool = False,
    ) -> Any:
        """Run to the end and return the dataset.

        Parameters
        ----------
        directory : path, optional
            Run directory to write; without it the dataset is returned from a temporary one, in memory.
        progress : callable, optional
            Called after each tick with a `Progress`.
        overwrite : bool
            Replace a run that `directory` already holds.

        Returns
        -------
        xarray.DataTree
        """
        from cordgraft.engine.runner import run_model

        if directory is not None:
            return run_model(self, Path(directory), progress=progress, overwrite=overwrite).open()
        with tempfile.TemporaryDirectory(prefix="cordgraft-") as temporary:
            tree = run_model(self, Path(temporary) / "run", progress=progress).open()
            return tree.load()


def _reporter(name: str) -> Callable[[CordModel], float]:
    """Return a reporter of one series as a plain float."""
    if name == "day":
        return lambda model: float(model.day)
    return lambda model: float(model.latest[name])
