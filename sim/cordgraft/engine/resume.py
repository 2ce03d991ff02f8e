"""Going on with a run that was stopped: its scenario, its newest whole checkpoint, its model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft.engine import checkpoint
from cordgraft.engine.model import CordModel
from cordgraft.record.writer import FINISHED, observer_state
from cordgraft.scenario.load import load


@dataclass(frozen=True)
class Prepared:
    """A run that was stopped, ready to go on.

    `state` is what its checkpoint holds beside the tissue; `other_libraries` says which versions have changed
    since, and then the rest of the run may differ in its last bits from one that was never stopped.
    """

    model: CordModel
    state: Mapping[str, Any]
    finished: bool
    other_libraries: tuple[str, ...] = ()


def open_for_resume(directory: Path, threads: int = 1) -> Prepared:
    """Return the model of a stopped run at its newest whole checkpoint.

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
    finished = _status(directory) == FINISHED
    model = CordModel(config, threads=threads)
    if finished:
        return Prepared(model, {}, finished=True)
    try:
        arrays, tick, state = checkpoint.load_newest(
            directory / schema.CHECKPOINTS_NAME, digest=config.digest
        )
    except checkpoint.CheckpointError as error:
        raise BadInput(
            Problem(
                str(error), value=str(directory), allowed="a run anew, into the same place with --overwrite"
            )
        ) from error
    model.restore(arrays, tick, observer_state(state))
    others = tuple(checkpoint.other_libraries(checkpoint.path_of(directory / schema.CHECKPOINTS_NAME, tick)))
    return Prepared(model, state, finished=False, other_libraries=others)


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
