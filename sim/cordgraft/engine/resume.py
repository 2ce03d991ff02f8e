"""Going on with a run that was stopped: its scenario, a whole checkpoint of it, its model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft.engine import checkpoint
from cordgraft.engine.model import CordModel
from cordgraft.record.files import replace_json, writing
from cordgraft.record.writer import FINISHED, RUNNING, observer_state
from cordgraft.scenario.load import load

#: Name, in the state of a checkpoint, of what the run was asked about checkpoints.
HABIT = "habit"


@dataclass(frozen=True)
class Habit:
    """How a run writes checkpoints.

    Attributes
    ----------
    every_h : float or None
        Simulated hours between two of them; None writes one only when the run is stopped.
    kept : bool
        All of them stay, also when the run is finished; otherwise the newest two, until it is finished.
    """

    every_h: float | None = None
    kept: bool = False

    def as_state(self) -> dict[str, Any]:
        """Return what a checkpoint stores of it."""
        return {HABIT: {"every_h": self.every_h, "kept": self.kept}}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Habit:
        """Return the habit that the state of a checkpoint holds; the default one if it holds none."""
        return cls(**state[HABIT]) if HABIT in state else cls()


@dataclass(frozen=True)
class Prepared:
    """A run that was stopped, ready to go on.

    `state` is what its checkpoint holds beside the tissue; `other_libraries` says which versions have changed
    since, and then the rest of the run may differ in its last bits from one that was never stopped. `finished` says
    that there is nothing to go on with.
    """

    model: CordModel
    state: Mapping[str, Any]
    finished: bool
    other_libraries: tuple[str, ...] = ()
    habit: Habit = field(default_factory=Habit)


def open_for_resume(directory: Path, threads: int = 1, from_h: float | None = None) -> Prepared:
    """Return the model of a stopped run at its newest whole checkpoint, or at an earlier one.

    Nothing in the directory changes before the run goes on, see `rewind`.

    Parameters
    ----------
    directory : Path
    threads : int
    from_h : float, optional
        Hours since the injury: go back to the checkpoint of this time; the run may be finished.

    Raises
    ------
    BadInput
        If the directory holds no run, no checkpoint that can be used, or one of another version.
    """
    scenario = directory / schema.SCENARIO_NAME
    for needed in (scenario, directory / schema.STORE_NAME / "zarr.json"):
        if not needed.exists():
            missing = needed.relative_to(directory).as_posix()
            raise BadInput(
                Problem(f"this is no run directory (there is no {missing} in it)", value=str(directory))
            )
    config = replace(load(scenario), name=_name(directory))
    checkpoints = directory / schema.CHECKPOINTS_NAME
    if from_h is None and _status(directory) == FINISHED:
        return Prepared(CordModel(config, threads=threads), {}, finished=True)
    try:
        if from_h is None:
            arrays, tick, state = checkpoint.load_newest(checkpoints, digest=config.digest)
        else:
            path = _at(checkpoints, from_h, config.tick_h)
            arrays, tick, state = checkpoint.load(path, digest=config.digest)
    except checkpoint.CheckpointError as error:
        raise BadInput(
            Problem(
                str(error), value=str(directory), allowed="a run anew, into the same place with --overwrite"
            )
        ) from error
    model = CordModel(config, threads=threads)
    model.restore(arrays, tick, observer_state(state))
    others = tuple(checkpoint.other_libraries(checkpoint.path_of(checkpoints, tick)))
    return Prepared(model, state, finished=False, other_libraries=others, habit=Habit.of(state))


def rewind(directory: Path, tick: int) -> None:
    """Forget that a run has gone further than `tick`, before its records of the time after it are taken back.

    The order matters to a run that is killed in here: it counts as unfinished first, then it loses the later
    checkpoints, and only then its frames; so the newest checkpoint never lies beyond what is recorded.

    Raises
    ------
    StoreError, CheckpointError
        If the directory cannot be written.
    """
    status = directory / schema.STATUS_NAME
    if _status(directory) == FINISHED:
        with writing("the status"):
            replace_json(status, {**_document(status), "status": RUNNING})
            (directory / schema.SUMMARY_NAME).unlink(missing_ok=True)
    checkpoint.remove_later(directory / schema.CHECKPOINTS_NAME, tick)


def tidy(directory: Path) -> None:
    """Remove the checkpoints of a finished run that was killed while it removed them itself."""
    checkpoints = directory / schema.CHECKPOINTS_NAME
    for path in reversed(checkpoint.found(checkpoints)):
        with suppress(checkpoint.CheckpointError):
            if not Habit.of(checkpoint.load(path)[2]).kept:
                shutil.rmtree(checkpoints, ignore_errors=True)
            return


def _at(checkpoints: Path, from_h: float, tick_h: float) -> Path:
    """Return the checkpoint of a time, or say which there are."""
    paths = {checkpoint.tick_of(path): path for path in checkpoint.found(checkpoints)}
    for tick, path in paths.items():
        if abs(tick * tick_h - from_h) < 1e-6 * tick_h:
            return path
    days = ", ".join(f"{tick * tick_h / 24.0:g} d" for tick in paths)
    raise BadInput(
        Problem(
            "there is no checkpoint of this time",
            key="--from",
            value=f"{from_h / 24.0:g} d",
            allowed=days or "none was kept; a run with --checkpoint-every keeps them",
        )
    )


def _name(directory: Path) -> str:
    """Return the name of the scenario that a run directory holds."""
    return str(_document(directory / schema.STORE_NAME / "zarr.json")["attributes"]["name"])


def _status(directory: Path) -> str:
    path = directory / schema.STATUS_NAME
    if not path.exists():
        return ""
    return str(_document(path)["status"])


def _document(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise BadInput(Problem(f"the file is damaged: {error}", value=str(path))) from error
