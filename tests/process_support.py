"""Helpers for tests of real `cordgraft` processes: the small run, starting it, and what must come out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from cordgraft.core import schema
from cordgraft.engine import checkpoint
from tests.support import SMALL, differing

SCENARIO = "mouse_subacute_graft"
LAST_DAY = 12
#: A frame a day, so that the maps of the finished run are worth packing.
DAILY: dict[str, str] = {
    **SMALL,
    "record.maps": "[" + ", ".join(f"{day} d" for day in range(1, LAST_DAY + 1)) + "]",
}
#: Simulated hours between the checkpoints of these runs.
EVERY_H = 12
#: What a summary may say differently although nothing differs: when it was run, and how long that took.
OF_THE_DAY = ("started", "ended", "wall_s", "store")


def command(verb: str, *arguments: str) -> list[str]:
    """Return the command line of a real process."""
    return [sys.executable, "-m", "cordgraft.run", verb, *arguments, "--no-figures", "--quiet"]


def run_command(directory: Path, *arguments: str, settings: dict[str, str] | None = None) -> list[str]:
    """Return the command line that begins the small run in `directory`."""
    sets = [word for key, value in (settings or DAILY).items() for word in ("--set", f"{key}={value}")]
    return command("run", SCENARIO, "--out", str(directory), *sets, *arguments)


def resume_command(directory: Path, *arguments: str) -> list[str]:
    """Return the command line that goes on with a run."""
    return command("resume", str(directory), *arguments)


def finished(
    words: Sequence[str], before: Callable[[], Any] | None = None, timeout_s: float = 300.0
) -> subprocess.CompletedProcess[str]:
    """Run a process to its end; `before` is called in it before it becomes the command."""
    return subprocess.run(
        words, capture_output=True, text=True, timeout=timeout_s, preexec_fn=before, check=False
    )


@contextmanager
def quick_directory(otherwise: Path) -> Iterator[Path]:
    """Yield a directory in memory where the system has one, to be removed afterwards; `otherwise` elsewhere.

    A kill leaves to a process what it has handed to the system, on a disk or in memory; but waiting for a disk that
    others use as well takes many times longer than the small run.
    """
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="cordgraft-", dir=memory) as directory:
        yield Path(directory)


def summary_of(directory: Path) -> dict[str, Any]:
    """Return what a summary says of the run itself."""
    found: dict[str, Any] = json.loads((directory / schema.SUMMARY_NAME).read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if key not in OF_THE_DAY}


def assert_same_run(directory: Path, reference: Path) -> None:
    """Hold a finished run against one that was never stopped, byte by byte."""
    assert differing(reference / schema.STORE_NAME, directory / schema.STORE_NAME) == []
    for name in (
        schema.TIMESERIES_NAME,
        schema.EVENTS_NAME,
        schema.DICTIONARY_NAME,
        schema.SCENARIO_NAME,
    ):
        assert (directory / name).read_bytes() == (reference / name).read_bytes(), name
    assert summary_of(directory) == summary_of(reference)
    status = json.loads((directory / schema.STATUS_NAME).read_text(encoding="utf-8"))
    assert status["status"] == "finished"


@dataclass
class Reference:
    """A finished run that was never stopped and kept its checkpoints; what was read of it stays in memory."""

    directory: Path
    _frames: dict[str, Any] = field(default_factory=dict)
    _checkpoints: dict[int, Any] = field(default_factory=dict)
    _found_right: set[tuple[Path, int, int]] = field(default_factory=set)

    def frames(self, group: str, name: str) -> Any:
        """Return an array of the store with its frames first."""
        if (group, name) not in self._frames:
            store = zarr.open_group(str(self.directory / schema.STORE_NAME), mode="r", use_consolidated=False)
            self._frames |= {(group, key): np.asarray(values) for key, values in store[group].arrays()}
        return self._frames[group, name]

    def assert_frames(self, directory: Path) -> tuple[int, int]:
        """Hold every committed frame of an unfinished store against this run; returns how many there were.

        A row of the series or a frame of the maps counts once its time is written, a table of agents once it is
        there.
        """
        path = directory / schema.STORE_NAME
        store: Any = zarr.open_group(str(path), mode="r", use_consolidated=False)
        counts = []
        for group in (schema.SERIES_GROUP, schema.MAPS_GROUP):
            there = np.isfinite(np.asarray(store[group][schema.TIME]))
            count = int(np.count_nonzero(there))
            assert there[:count].all(), "frames come in order"
            for name, values in store[group].arrays():
                if values.metadata.dimension_names[0] == schema.TIME:
                    expected = self.frames(group, name)[:count]
                    assert np.asarray(values[:count]).tobytes() == expected.tobytes(), f"{group}/{name}"
            counts.append(count)
        for group in (schema.CELLS_GROUP, schema.AXONS_GROUP):
            for file in (path / group).rglob("*"):
                if file.is_file():
                    twin = self.directory / schema.STORE_NAME / file.relative_to(path)
                    assert file.read_bytes() == twin.read_bytes(), file
        return counts[0], counts[1]

    def assert_checkpoints(self, directory: Path) -> list[int]:
        """Hold every checkpoint against that of this run at the same tick; returns their ticks."""
        ticks = []
        for path in checkpoint.found(directory / schema.CHECKPOINTS_NAME):
            tick, seen = checkpoint.tick_of(path), (path, path.stat().st_mtime_ns, path.stat().st_size)
            if seen not in self._found_right:
                arrays = checkpoint.load(path)[0]
                if tick not in self._checkpoints:
                    twin = checkpoint.path_of(self.directory / schema.CHECKPOINTS_NAME, tick)
                    self._checkpoints[tick] = checkpoint.load(twin)[0]
                expected = self._checkpoints[tick]
                assert arrays.keys() == expected.keys()
                for name, values in arrays.items():
                    assert values.tobytes() == expected[name].tobytes(), f"{name} at tick {tick}"
                self._found_right.add(seen)
            ticks.append(tick)
        return ticks
