"""Real runs that are killed at any moment lose nothing: killed, resumed, killed again, and still the same bytes.

SIGKILL leaves no chance to clean up. The moments are drawn from a seed that is printed: some after a random time of
ticking, some while a checkpoint is being written, while a run is being opened again, while the maps are packed, and
after the last day. Delays count from a sign of life of the process, or of its progress, and are scaled with the time
that an undisturbed run takes on this machine.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cordgraft.core import schema
from cordgraft.engine import checkpoint
from tests.process_support import (
    EVERY_H,
    LAST_DAY,
    Reference,
    assert_same_run,
    finished,
    quick_directory,
    resume_command,
    run_command,
)

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")

SEED = 20261125
EVERY = ("--checkpoint-every", f"{EVERY_H} h")
#: Moments of one chain of kills, in this order; each process of the chain is killed at one of them.
MOMENTS = (
    ("making", "ticking", "checkpoint", "opening", "ticking", "ticking", "packing", "ending"),
    ("ticking", "checkpoint", "ticking", "opening", "ticking", "packing", "packing"),
    ("checkpoint", "ticking", "opening", "ticking", "checkpoint", "ending", "packing"),
)
LEAST_KILLS = 20
#: Seconds between two looks at what a process is doing.
LOOK_S = 0.0005


@dataclass
class Pace:
    """How long an undisturbed run takes here, s: until its first sign of life, and from then to its end."""

    start_s: float
    life_s: float


@dataclass
class Chain:
    """One run directory, the processes that were killed in it, and when."""

    directory: Path
    reference: Reference
    pace: Pace
    draw: random.Random
    kills: list[str] = field(default_factory=list)
    refused: int = 0

    def go(self, moments: tuple[str, ...]) -> None:
        """Kill one process per moment, then let one finish."""
        for place, moment in enumerate(moments):
            left = sum(kind == "ticking" for kind in moments[place:])
            if not self.one(moment, left):
                break  # it was finished before it could be killed
        while not self.one("", 0):
            pass

    def one(self, moment: str, left: int) -> bool:
        """Run one process, to be killed at `moment`; returns whether it was (or, without one, whether it finished)."""
        whole = self.checkpoints()
        words = resume_command(self.directory)
        if not whole:
            if self.directory.exists():
                refusal = finished(words)
                assert refusal.returncode == 2 and "Traceback" not in refusal.stderr
                assert "there is no checkpoint" in refusal.stderr or "no run directory" in refusal.stderr
                self.refused += 1
            words = run_command(self.directory, *EVERY, "--overwrite")
        log = self.directory / schema.LOG_NAME
        lines = log.read_text(encoding="utf-8").count("\n") if whole else 0
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if moment:
            self.wait(process, moment, left, log, lines if whole else -1)
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=300)
        assert "Traceback" not in errors, errors
        if whole and log.read_text(encoding="utf-8").count("\n") > lines:
            line = log.read_text(encoding="utf-8").splitlines()[lines]
            assert line.endswith(f"resumed from day {whole[-1] / 24:g}"), "the newest whole checkpoint was taken"
        if process.returncode == 0:
            return not moment
        assert process.returncode == -signal.SIGKILL, errors
        self.kills.append(moment)
        self.look()
        return True

    def wait(
        self, process: subprocess.Popen[str], moment: str, left: int, log: Path, lines: int
    ) -> None:
        """Wait for a sign of life of the process, then for the moment."""
        checkpoints = self.directory / schema.CHECKPOINTS_NAME
        begun = time.monotonic()

        def until(seen: Callable[[], bool]) -> None:
            while process.poll() is None and not seen() and time.monotonic() < begun + 120.0:
                time.sleep(LOOK_S)

        def said(words: str) -> Callable[[], bool]:
            return lambda: words in "\n".join(log.read_text(encoding="utf-8").splitlines()[max(lines, 0) :])

        if moment == "opening":
            time.sleep(self.pace.start_s * self.draw.uniform(0.7, 1.05))
            return
        if lines < 0:
            until((self.directory / schema.STORE_NAME).exists if moment != "making" else self.directory.exists)
        else:
            until(lambda: log.read_text(encoding="utf-8").count("\n") > lines)
        if moment == "making":
            time.sleep(self.draw.uniform(0.0, 0.1 * self.pace.life_s))
        elif moment == "ticking":
            done = max(self.checkpoints(), default=0) / 24
            day = done + self.draw.uniform(0.0, 2.0 * (LAST_DAY - done) / (left + 1))
            until(lambda: self.rows() > day)
            time.sleep(self.draw.uniform(0.0, self.pace.life_s / LAST_DAY))
        elif moment == "checkpoint":
            for _ in range(self.draw.randrange(1, 4)):
                before = len(checkpoint.found(checkpoints))
                until(lambda: any(checkpoints.glob("*.writing")))
                if _:
                    until(lambda before=before: len(checkpoint.found(checkpoints)) > before)  # type: ignore[misc]
            time.sleep(self.draw.uniform(0.0, 0.01))
        elif moment == "packing":
            until((self.directory / ".packing").exists)
            time.sleep(self.draw.uniform(0.0, 0.05 * self.pace.life_s))
        else:
            until(said("finished"))
            time.sleep(self.draw.uniform(0.0, 0.15 * self.pace.life_s))

    def rows(self) -> int:
        """Return the number of days in the table of the run."""
        table = self.directory / schema.TIMESERIES_NAME
        return table.read_bytes().count(b"\n") - 1 if table.exists() else 0

    def checkpoints(self) -> list[int]:
        """Return the ticks of the checkpoints, all of which must be whole and right."""
        return self.reference.assert_checkpoints(self.directory)

    def look(self) -> None:
        """Check what the killed process left: every committed frame, and whole checkpoints only."""
        self.checkpoints()
        if (self.directory / schema.STORE_NAME).exists():
            self.reference.assert_frames(self.directory)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with quick_directory(tmp_path_factory.mktemp("kills")) as directory:
        yield directory


@pytest.fixture(scope="module")
def undisturbed(place: Path) -> tuple[Reference, Pace]:
    """Return a run that was never disturbed, and its pace."""
    directory = place / "whole"
    begun = time.monotonic()
    process = subprocess.Popen(run_command(directory, *EVERY), stdout=subprocess.DEVNULL)
    while process.poll() is None and not (directory / schema.STORE_NAME).exists():
        time.sleep(LOOK_S)
    alive = time.monotonic()
    assert process.wait(300) == 0
    return Reference(directory), Pace(alive - begun, time.monotonic() - alive)


def test_checkpoints_that_were_asked_for_stay(undisturbed: tuple[Reference, Pace]) -> None:
    directory = undisturbed[0].directory
    ticks = undisturbed[0].assert_checkpoints(directory)
    assert ticks == list(range(EVERY_H, 24 * LAST_DAY + 1, EVERY_H))
    log = (directory / schema.LOG_NAME).read_text(encoding="utf-8")
    number, size = checkpoint.size(directory / schema.CHECKPOINTS_NAME)
    assert f"kept {number} checkpoints of {size / 1e6:.1f} MB together, in checkpoints" in log
    assert number == len(ticks) and size > 1e5


def test_killed_at_any_moment_and_still_the_same_bytes(
    undisturbed: tuple[Reference, Pace], place: Path
) -> None:
    whole, pace = undisturbed
    print(f"seed {SEED}; an undisturbed run: {pace.start_s:.1f} s to start, {pace.life_s:.1f} s of life")
    chains: list[Chain] = []
    while sum(len(chain.kills) for chain in chains) < LEAST_KILLS and len(chains) < 3 * len(MOMENTS):
        more = [
            Chain(place / f"chain-{number}", whole, pace, random.Random(SEED + number))
            for number in range(len(chains), len(chains) + len(MOMENTS))
        ]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(Chain.go, more, MOMENTS))
        chains += more
    for chain in chains:
        print(f"{chain.directory.name}: killed while {', '.join(chain.kills)}; {chain.refused} begun anew")
        assert_same_run(chain.directory, whole.directory)
        assert chain.checkpoints() == whole.assert_checkpoints(whole.directory)
        left, expected = (
            sorted(p.name for p in folder.iterdir()) for folder in (chain.directory, whole.directory)
        )
        assert left == expected, "nothing half-made stays behind"
    kills = [moment for chain in chains for moment in chain.kills]
    assert len(kills) >= LEAST_KILLS
    assert {"ticking", "checkpoint", "packing"} <= set(kills)
