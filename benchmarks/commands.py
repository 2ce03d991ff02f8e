"""Everyday commands as whole processes: starting cold and warm, and what a person waits for."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ROOT, Plan, Row, say

GROUP = "commands as whole processes, processor time"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS"), "1"
)
CORDGRAFT = [sys.executable, "-m", "cordgraft.run"]
#: The first ten days of the default scenario, without pictures.
TEN_DAYS = [
    *CORDGRAFT, "run", "mouse_subacute_graft", "--quiet", "--overwrite", "--no-figures",
    "--set", "duration=10 d", "--set", "record.maps=[3 d]",
]  # fmt: skip


#: Where Linux tells of its processes.
PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Timing:
    """Wall and CPU seconds and peak memory (MB) of one whole process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def time_command(command: list[str], environment: dict[str, str] | None = None, cwd: Path = ROOT) -> Timing:
    """Run a command to its end; raises `CalledProcessError` with its output if it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ONE_THREAD, **(environment or {})},
            cwd=cwd,
        )
        peak_kb, pid = 0.0, 0
        while pid == 0:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG if PROCESSES.is_dir() else 0)
            if pid == 0:
                peak_kb = max(peak_kb, high_water_kb(process.pid))
                time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, output.read()[-4000:])
    if not PROCESSES.is_dir():
        peak_kb = usage.ru_maxrss / (1e3 if sys.platform == "darwin" else 1.0)
    return Timing(wall, usage.ru_utime + usage.ru_stime, peak_kb / 1e3)


def high_water_kb(pid: int) -> float:
    """Return the peak memory of a process so far, kB; 0 when it has gone.

    Not the system's figure for an ended child: on Linux that begins with the size of the process that started it.
    """
    with suppress(OSError):
        for line in (PROCESSES / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return float(line.split()[1])
    return 0.0


def median_of(timings: list[Timing]) -> Timing:
    """Return the median of each figure by itself."""
    return Timing(
        statistics.median(t.wall_s for t in timings),
        statistics.median(t.cpu_s for t in timings),
        statistics.median(t.peak_mb for t in timings),
    )


def as_row(
    what: str, timing: Timing, target: float | None = None, base: Timing | None = None, name: str = ""
) -> Row:
    """Return the row of a command; its time by the clock and its memory stand in the note."""
    return Row(
        GROUP, what, timing.cpu_s, "s CPU", "", name, None if base is None else base.cpu_s / timing.cpu_s,
        target, lower=target is not None, note=f"{timing.wall_s:.2f} s by the clock, {timing.peak_mb:.0f} MB",
    )  # fmt: skip


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    say("commands")
    short = {
        "python -c pass": ([sys.executable, "-c", "pass"], None),
        "cordgraft --help": ([*CORDGRAFT, "--help"], 0.5),
        "cordgraft list": ([*CORDGRAFT, "list"], 0.5),
        "cordgraft check mouse_subacute_graft": ([*CORDGRAFT, "check", "mouse_subacute_graft"], 0.5),
    }
    rows = []
    for what, (command, target) in short.items():
        rows.append(as_row(what, median_of([time_command(command) for _ in range(plan.repeats)]), target))
    with tempfile.TemporaryDirectory() as folder:
        kernels = Path(folder) / "kernels"
        kernels.mkdir()
        environment = {"NUMBA_CACHE_DIR": str(kernels)}
        command = [*TEN_DAYS, "-o", f"{folder}/run"]
        say("cold start: all kernels are compiled")
        cold = time_command(command, environment)
        say("warm start")
        warm = median_of([time_command(command, environment) for _ in range(max(1, plan.repeats // 2))])
        rows.append(as_row("first 10 days, cold kernels", cold))
        rows.append(as_row("first 10 days, warm kernels", warm, None, cold, "cold kernels"))
        if not plan.quick:
            say("default scenario with its pictures")
            whole = [
                *CORDGRAFT,
                "run",
                "mouse_subacute_graft",
                "--quiet",
                "--overwrite",
                "-o",
                f"{folder}/whole",
            ]
            rows.append(as_row("default scenario, 112 days, with pictures", time_command(whole), 60.0))
    return rows
