"""Run what is missing, a few processes side by side; Ctrl-C lets each write its checkpoint."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from cordgraft.run.console import OK
from cordgraft.run.places import clear
from cordgraft.run.validation.store import FINISHED, STARTED, Wanted
from cordgraft.run.watching import stop_request

#: Seconds that a process has to end after a second Ctrl-C.
PATIENCE_S = 10.0
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS")


def command_of(run: Wanted) -> list[str]:
    """Return the command that makes a run, or that lets it go on where it was stopped."""
    base = [sys.executable, "-m", "cordgraft.run"]
    if run.state() == STARTED:
        return [*base, "resume", str(run.directory), "--no-figures", "--quiet"]
    command = [*base, "run", run.arm.scenario, "--seed", str(run.seed), "--out", str(run.directory)]
    for setting in run.arm.settings:
        command += ["--set", setting]
    return [*command, "--no-figures", "--quiet"]


def run_all(
    runs: Sequence[Wanted],
    jobs: int,
    tell: Callable[[Wanted, int, float], None],
    command: Callable[[Wanted], list[str]] = command_of,
) -> bool:
    """Run all, `jobs` side by side; returns whether it was asked to stop.

    Parameters
    ----------
    runs : sequence of Wanted
    jobs : int
    tell : callable
        Called with each run that ended, its exit code and its seconds.
    command : callable
        From a run to the command that makes it.
    """
    from cordgraft.kernels.compile import cache_is_empty

    cold = cache_is_empty()  # several processes that compile into one empty cache do the work twice
    waiting = list(runs)
    running: dict[subprocess.Popen[bytes], tuple[Wanted, float, float]] = {}
    ended = 0
    try:
        with stop_request(quiet=False) as stop:
            told = False
            while waiting or running:
                if stop.is_set() and not told:
                    told = True
                    waiting.clear()
                    for process in running:
                        with suppress(ProcessLookupError):
                            process.terminate()
                while waiting and len(running) < (1 if cold and not ended else jobs):
                    run = waiting.pop(0)
                    running.update([_start(run, command)])
                time.sleep(0.05)
                for process in [process for process in running if process.poll() is not None]:
                    run, started, before = running.pop(process)
                    ended += 1
                    seconds = before + time.monotonic() - started
                    if process.returncode == OK:
                        run.write(FINISHED, seconds)
                    elif run.read():
                        run.write(STARTED, seconds)
                    tell(run, int(process.returncode), seconds)
            return stop.is_set()
    finally:
        for process in running:
            _end(process)


def _start(
    run: Wanted, command: Callable[[Wanted], list[str]]
) -> tuple[subprocess.Popen[bytes], tuple[Wanted, float, float]]:
    goes_on = run.state() == STARTED
    before = run.seconds if goes_on else 0.0
    words = command(run)
    if not goes_on and run.directory.exists():
        clear(run.directory)
    run.write(STARTED, before)
    with (run.directory / "messages.txt").open("wb") as messages:
        process = subprocess.Popen(
            words,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            env={**os.environ, **dict.fromkeys(LIMITS, "1")},
            # Out of the terminal's group: Ctrl-C reaches this process alone, which then asks each run once.
            process_group=None if sys.platform == "win32" else 0,
        )
    return process, (run, time.monotonic(), before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a run at once: this process has been told to stop a second time, or has failed."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def message_of(run: Wanted) -> str:
    """Return the last line that a failed run left, if any."""
    with suppress(OSError):
        lines = (run.directory / "messages.txt").read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")
    return ""
