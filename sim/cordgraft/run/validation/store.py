"""Which runs are there already: recognised by scenario digest, seed, and version of the code.

Every run has a small file beside it that says what it is. Only a finished run of exactly this scenario, seed and code
counts; one that was interrupted goes on from its checkpoint, anything else is run again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cordgraft
from cordgraft.core import schema
from cordgraft.run.validation.row import Arm
from cordgraft.scenario.load import load

#: The file that says what a run is.
LABEL = "validation_run.json"
#: Rooms of the package whose code can change a number of a run.
ROOMS = ("core", "state", "kernels", "processes", "scenario", "engine", "record")
FINISHED, STARTED = "finished", "started"


@cache
def code_version() -> str:
    """Return the version of cordgraft with a digest of the source that can change a number, and of the libraries'."""
    from cordgraft.record.provenance import versions

    package = Path(cordgraft.__file__).parent
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    for name, version in versions().items():
        digest.update(f"{name} {version}\n".encode())
    return f"{cordgraft.__version__}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Wanted:
    """One run that a row needs.

    Parameters
    ----------
    arm : Arm
    seed : int
    digest : str
        Of the resolved scenario with this seed.
    code : str
        See `code_version`.
    directory : Path
    """

    arm: Arm
    seed: int
    digest: str
    code: str
    directory: Path

    @property
    def label(self) -> dict[str, Any]:
        """What is written beside the run, without its state."""
        return {"arm": self.arm.name, "seed": self.seed, "digest": self.digest, "code": self.code}

    def state(self) -> str:
        """Return `FINISHED`, `STARTED` (it can go on from a checkpoint) or nothing."""
        found = self.read()
        if any(found.get(key) != value for key, value in self.label.items()):
            return ""
        state = found.get("state", "")
        if state == FINISHED:
            return FINISHED if (self.directory / schema.STORE_NAME).is_dir() else ""
        return STARTED if (self.directory / schema.CHECKPOINTS_NAME).is_dir() else ""

    def read(self) -> dict[str, Any]:
        """Return what stands beside the run; empty where nothing readable does."""
        try:
            found = json.loads((self.directory / LABEL).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, state: str, seconds: float = 0.0) -> None:
        """Write what the run is, whole or not at all."""
        self.directory.mkdir(parents=True, exist_ok=True)
        place = self.directory / LABEL
        part = place.with_suffix(".part")
        part.write_text(
            json.dumps({**self.label, "state": state, "seconds": round(seconds, 1)}), encoding="utf-8"
        )
        part.replace(place)

    @property
    def seconds(self) -> float:
        """Wall time that the run took, s; 0 where it is not known."""
        return float(self.read().get("seconds", 0.0))


def wanted_runs(arms: list[Arm], seeds: list[int], out: Path) -> list[Wanted]:
    """Return the runs of the arms, seed by seed, so that a command that is stopped leaves matched seeds.

    Raises
    ------
    BadInput
        If the scenario of an arm does not load.
    """
    code = code_version()
    found = []
    for group in seeds:
        for arm in arms:
            for seed in arm.seeds_of(group):
                digest = load(arm.scenario, list(arm.settings), seed=seed).digest
                found.append(Wanted(arm, seed, digest, code, out / "runs" / arm.name / f"seed-{seed}"))
    return found
