"""From a model to a finished run directory: ticks, checkpoints, stopping, and going on again."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cordgraft.core import schema
from cordgraft.core.clock import whole_ticks
from cordgraft.core.problems import BadInput, Problem
from cordgraft.engine import checkpoint
from cordgraft.engine.resume import Habit, rewind
from cordgraft.record.packing import PACKING_NAME
from cordgraft.record.provenance import RunInfo
from cordgraft.record.store import STAGING_NAME
from cordgraft.record.writer import FINISHED, INTERRUPTED, RunWriter
from cordgraft.scenario.catalog import to_yaml

if TYPE_CHECKING:
    import xarray

    from cordgraft.engine.model import CordModel, Progress
    from cordgraft.engine.resume import Prepared

CHECKPOINTS = schema.CHECKPOINTS_NAME
#: What an earlier run may have left in its directory, and what `overwrite` removes.
RUN_FILES = (
    schema.STORE_NAME,
    schema.SUMMARY_NAME,
    schema.STATUS_NAME,
    schema.TIMESERIES_NAME,
    schema.EVENTS_NAME,
    schema.DICTIONARY_NAME,
    schema.SCENARIO_NAME,
    schema.LOG_NAME,
    schema.CHECKPOINTS_NAME,
    STAGING_NAME,
    PACKING_NAME,
)
#: Seconds of wall time between two lines of progress in the log of a run.
LOG_EVERY_S = 60.0


@dataclass(frozen=True)
class RunResult:
    """How a run ended, where it is, and what its reader should know of the ending."""

    directory: Path
    status: str
    caution: str = ""

    def open(self) -> xarray.DataTree:
        """Return the dataset, read lazily."""
        import xarray

        return xarray.open_datatree(self.directory / schema.STORE_NAME, engine="zarr", chunks=None)


def run_model(
    model: CordModel,
    directory: Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    overwrite: bool = False,
    checkpoint_every_h: float | None = None,
    keep_checkpoints: bool = False,
    should_stop: Callable[[], bool] | None = None,
    resume: Prepared | None = None,
) -> RunResult:
    """Run a model to the end, or until asked to stop, and write everything into `directory`.

    Parameters
    ----------
    model : CordModel
        Fresh, or the one of `resume`.
    directory : Path
    progress : callable, optional
        Called after each tick.
    overwrite : bool
        Replace a run that is there.
    checkpoint_every_h : float, optional
        Simulated hours between checkpoints; None writes one only when stopped, or goes on as before with `resume`.
    keep_checkpoints : bool
        Keep all of them, also those of a finished run; otherwise the newest two, until it is finished.
    should_stop : callable, optional
        Asked after each tick; if true, a checkpoint is written and the run ends as interrupted.
    resume : Prepared, optional
        What `cordgraft.engine.resume.open_for_resume` returned for this directory.

    Raises
    ------
    BadInput
        If the time between checkpoints is no whole number of ticks.
    StoreError, CheckpointError
        If the disk is full or may not be written; what was committed before stays readable.
    """
    habit = Habit(checkpoint_every_h, keep_checkpoints)
    if resume is not None and checkpoint_every_h is None:
        habit = resume.habit
    every = _checkpoint_ticks(habit.every_h, model.config.tick_h)
    if resume is not None:
        rewind(directory, model.tick)
    if overwrite and resume is None:
        _clear(directory)
    started = time.monotonic()
    writer = RunWriter(
        directory,
        run_info(model),
        model.tissue,
        model.built.processes,
        observer=model.observer,
        straightening=_straightening(model),
        resume=None if resume is None else (model.tick, resume.state),
    )
    last_tick = model.tissue.clock.ticks
    logged = started
    saved_s = 0.0

    def save() -> None:
        nonlocal saved_s
        before = time.monotonic()
        save_checkpoint(model, writer, directory, habit)
        saved_s += time.monotonic() - before

    try:
        while model.tick < last_tick:
            model.step()
            tick = model.tick
            for name, text in model.events(tick):
                writer.event(tick, name, text)
            writer.observe(model.tissue, tick, model.latest if model.series_due(tick) else None)
            if progress is not None:
                progress(model.progress(started))
            stopping = should_stop is not None and should_stop() and tick < last_tick
            due = every is not None and tick > 0 and tick % every == 0
            # Packing copies all maps: whoever ends it early shall not have to repeat days of the run as well.
            if stopping or due or (tick == last_tick and writer.packs):
                save()
            if stopping:
                writer.finish(INTERRUPTED, "asked to stop")
                return RunResult(directory, INTERRUPTED)
            if time.monotonic() - logged >= LOG_EVERY_S:
                logged = time.monotonic()
                writer.log(f"day {model.day:.1f} of {model.tissue.clock.days(last_tick):g}")
        if habit.kept:
            number, size = checkpoint.size(directory / CHECKPOINTS)
            writer.log(f"kept {number} checkpoints of {size / 1e6:.1f} MB together, in {CHECKPOINTS}")
        writer.finish(FINISHED, timings={"run": time.monotonic() - started, "checkpoints": saved_s})
    except BaseException as error:
        reason = (
            "stopped at once" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
        )
        writer.fail(reason)
        raise
    if not habit.kept:
        # A finished run has nothing to go on with; its checkpoints would be most of its size.
        shutil.rmtree(directory / CHECKPOINTS, ignore_errors=True)
    return RunResult(directory, FINISHED, writer.unpacked)


def save_checkpoint(model: CordModel, writer: RunWriter, directory: Path, habit: Habit | None = None) -> Path:
    """Write the state after the model's last tick; see `cordgraft.engine.checkpoint`."""
    habit = habit if habit is not None else Habit()
    try:
        return checkpoint.save(
            directory / CHECKPOINTS,
            model.tissue,
            model.tick,
            {**writer.checkpoint_state(), **habit.as_state()},
            digest=model.config.digest,
            keep_all=habit.kept,
        )
    except checkpoint.CheckpointError as error:
        raise checkpoint.CheckpointError(f"{error}; {writer.store.kept}") from error


def run_info(model: CordModel) -> RunInfo:
    """Return what the recorder is told of a run."""
    config = model.config
    return RunInfo(
        name=config.name,
        title=config.title,
        seed=config.seed,
        scenario=to_yaml(config.resolved),
        digest=config.digest,
        series_h=config.record.series_h,
        maps_h=config.record.maps_h,
        safety=model.observer.bounds,
        cautions=tuple(str(caution) for caution in model.cautions),
        plan=tuple(model.pipeline.table()),
        command=tuple(sys.argv),
        threads=model.threads,
    )


def _checkpoint_ticks(hours: float | None, tick_h: float) -> int | None:
    if hours is None:
        return None
    try:
        ticks = whole_ticks(hours, tick_h)
    except ValueError as error:
        raise BadInput(Problem(str(error), key="--checkpoint-every", value=f"{hours:g} h")) from None
    if ticks < 1:
        raise BadInput(
            Problem(f"shorter than a tick of {tick_h:g} h", key="--checkpoint-every", value=f"{hours:g} h")
        )
    return ticks


def _clear(directory: Path) -> None:
    """Remove the files of an earlier run, and nothing else that may lie in its directory."""
    for name in RUN_FILES:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()


def _straightening(model: CordModel) -> dict[str, Any] | None:
    """Return the map back to scanner space as arrays for the store, or None for a cord that was not scanned."""
    import numpy as np

    patient = model.built.patient
    if patient is None:
        return None
    arrays: dict[str, Any] = {}
    for name, value in patient.straightening.to_dict().items():
        array = np.asarray(value)
        dims = tuple(f"{name}_{axis}" for axis in range(array.ndim))
        arrays[name] = (array, dims, {"long_name": f"straightening map: {name.replace('_', ' ')}"})
    arrays[schema.CORD_SHARE] = (
        patient.cord_fraction.astype(np.float32),
        schema.SPACE,
        {"long_name": "share of the voxel in the cord mask, voxels less than half in it among them"},
    )
    arrays[schema.EXTRAPOLATED] = (
        patient.extrapolated.astype(np.uint8),
        schema.SPACE,
        {"long_name": "1 where the mask ends and its last whole cross-section is repeated"},
    )
    return arrays
