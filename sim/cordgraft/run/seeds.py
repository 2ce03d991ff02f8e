"""Several seeds of one scenario: a process and a run each, and a figure of all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import FAILED, INTERRUPTED, OK, PARTIAL, say
from cordgraft.run.places import holds_run
from cordgraft.run.watching import stop_request

if TYPE_CHECKING:
    from cordgraft.engine.model import CordModel
    from cordgraft.run.execution import Order

#: Seconds that a process has to end after a second Ctrl-C.
PATIENCE_S = 10.0


def refuse_too_many_jobs(model: CordModel, jobs: int) -> None:
    """Raise `BadInput` if so many runs side by side do not fit into the free memory together."""
    from cordgraft.scenario.build import MEMORY_SHARE, estimate

    size = estimate(model.config, model.tissue.lattice)
    if size.available_bytes is None:
        return
    most = int(MEMORY_SHARE * (size.available_bytes + model.tissue.nbytes()) / size.peak_bytes)
    if jobs > most:
        raise BadInput(
            Problem(
                f"{jobs} runs side by side do not fit into the memory of this machine: {size.sentence()} each",
                key="--jobs",
                value=str(jobs),
                allowed=f"at most {max(1, most)}",
            )
        )


def run_seeds(order: Order, seeds: list[int], directory: Path) -> int:
    """Run one process per seed, `order.jobs` side by side; a failed seed does not stop the others."""
    codes: dict[int, int] = {}
    stopped = _run_all(order, seeds, directory, codes)
    done = [seed for seed in seeds if codes.get(seed) == OK]
    failed = [seed for seed in seeds if codes.get(seed, OK) != OK]
    pictures: list[Path] = []
    if stopped:
        there = [seed for seed in seeds if holds_run(directory / f"seed-{seed}")]
        missing = ",".join(str(seed) for seed in seeds if seed not in there)
        kept = f"{len(there)} of {len(seeds)} runs are in {directory}" if there else "nothing was written"
        say(f"interrupted; {kept}" + (f"; without a run: {missing}" if missing else ""), error=True)
        code = INTERRUPTED
    else:
        code = FAILED if not done else PARTIAL if failed else OK
        if done and order.figures:
            from cordgraft.run.results import draw_seed_figures

            pictures = draw_seed_figures(directory)
        if failed:
            names = ", ".join(map(str, failed))
            say(f"{len(failed)} of {len(seeds)} seeds failed: {names}", error=True)
    if order.json_output:
        say(json.dumps(_record(codes, directory, pictures), indent=2))
    elif done:
        for path in pictures if order.talks else ():
            say(f"picture: {path}")
        say(f"{len(done)} runs in {directory}" if order.talks else str(directory))
    return code


def _record(codes: Mapping[int, int], directory: Path, pictures: list[Path]) -> dict[str, object]:
    runs = [
        {"seed": seed, "directory": str(directory / f"seed-{seed}"), "exit_code": code}
        for seed, code in sorted(codes.items())
    ]
    return {"directory": str(directory), "runs": runs, "pictures": [str(path) for path in pictures]}


def _run_all(order: Order, seeds: list[int], directory: Path, codes: dict[int, int]) -> bool:
    """Fill in seed -> exit code; returns whether it was asked to stop."""
    from cordgraft.kernels.compile import cache_is_empty

    # Processes that compile into one empty cache at the same time do the work twice, and have crashed others.
    cold = cache_is_empty()
    waiting = list(seeds)
    running: dict[int, subprocess.Popen[str]] = {}
    told: set[int] = set()
    try:
        with stop_request(order.quiet) as stop:
            while waiting or running:
                if stop.is_set():
                    waiting.clear()
                    for seed in running.keys() - told:
                        _ask_to_stop(running[seed])
                        told.add(seed)
                width = 1 if cold and not codes else order.jobs
                while waiting and len(running) < width:
                    seed = waiting.pop(0)
                    running[seed] = _start(order, seed, directory)
                    if order.talks:
                        say(f"seed {seed}: started")
                time.sleep(0.1)
                for seed, process in list(running.items()):
                    code = process.poll()
                    if code is not None:
                        del running[seed]
                        codes[seed] = code
                        if order.talks:
                            say(
                                f"seed {seed}: {'finished' if code == OK else f'ended with exit code {code}'}"
                            )
            return stop.is_set()
    finally:
        for process in running.values():
            _end(process)


def _start(order: Order, seed: int, directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cordgraft.run", "run", order.scenario]
    command += ["--seed", str(seed), "--out", str(directory / f"seed-{seed}")]
    command += ["--threads", str(order.threads), "--quiet"]
    if order.checkpoint_every is not None:
        command += ["--checkpoint-every", order.checkpoint_every]
    for setting in order.set_values:
        command += ["--set", setting]
    if not order.figures:
        command.append("--no-figures")
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        text=True,
        env=_environment(order.threads),
        # Out of the terminal's group: Ctrl-C reaches this process alone, which then asks each run once.
        process_group=None if sys.platform == "win32" else 0,
    )


def _environment(threads: int) -> dict[str, str]:
    """Give each process no more library threads than the cores it may use; two levels of threads fight."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS")
    return {**os.environ, **{name: str(threads) for name in limits}}


def _ask_to_stop(process: subprocess.Popen[str]) -> None:
    """Ask a run to write its checkpoint and end; on Windows the console has told it already."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            process.terminate()


def _end(process: subprocess.Popen[str]) -> None:
    """End a run at once: this process has been told to stop a second time, or has failed."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
