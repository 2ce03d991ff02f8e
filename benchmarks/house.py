"""How long the everyday commands take, as whole processes: a table of medians, never asserted in a test.

    .venv/bin/python benchmarks/house.py [--repeats 5] [--cold]

``--cold`` also makes a copy of the checkout with nothing but its tracked files and times what ``make run`` does
there from nothing: setting up, compiling the kernels, running. It needs the network of the package index.

Two processes are timed where a ratio is asked for: the command, and the plain interpreter as the baseline of
what no program can undercut. CPU seconds are the figure to quote on a busy machine, wall seconds on an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


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
            env={**os.environ, **(environment or {})},
            cwd=cwd,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            output.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, output.read()[-4000:])
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return Timing(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def median_of(timings: list[Timing]) -> Timing:
    """Return the median of each figure by itself."""
    return Timing(
        statistics.median(t.wall_s for t in timings),
        statistics.median(t.cpu_s for t in timings),
        statistics.median(t.peak_mb for t in timings),
    )


def rows(repeats: int) -> list[tuple[str, str, Timing]]:
    """Return (what, note, median timing) of the everyday commands."""
    cordgraft = [sys.executable, "-m", "cordgraft.run"]
    single = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS"), "1"
    )
    table: list[tuple[str, str, Timing]] = []

    def add(what: str, note: str, command: list[str], times: int) -> None:
        table.append((what, note, median_of([time_command(command, single) for _ in range(times)])))

    add("python -c pass", "baseline: the interpreter alone", [sys.executable, "-c", "pass"], repeats)
    add("cordgraft --help", "target: under 0.5 s", [*cordgraft, "--help"], repeats)
    add("cordgraft list", "target: under 0.5 s", [*cordgraft, "list"], repeats)
    add(
        "cordgraft check mouse_subacute_graft",
        "target: under 0.5 s",
        [*cordgraft, "check", "mouse_subacute_graft"],
        repeats,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = [*cordgraft, "run", "mouse_subacute_graft", "--quiet", "--overwrite"]
        time_command(
            [
                *run,
                "--no-figures",
                "--set",
                "duration=10 d",
                "--set",
                "record.maps=[3 d]",
                "-o",
                f"{folder}/w",
            ],
            single,
        )
        add(
            "default scenario, warm cache, no figures",
            "112 days; target: 60 s, 1 GB, one core",
            [*run, "--no-figures", "-o", f"{folder}/a"],
            max(1, repeats // 2),
        )
        add(
            "default scenario, warm cache, with figures",
            "as `make run` after the first time",
            [*run, "-o", f"{folder}/b"],
            max(1, repeats // 2),
        )
        cold = {**single, "NUMBA_CACHE_DIR": f"{folder}/kernels"}
        Path(cold["NUMBA_CACHE_DIR"]).mkdir()
        table.append(
            (
                "first 10 days, cold kernels",
                "compiling included",
                time_command(
                    [
                        *run,
                        "--no-figures",
                        "--set",
                        "duration=10 d",
                        "--set",
                        "record.maps=[3 d]",
                        "-o",
                        f"{folder}/c",
                    ],
                    cold,
                ),
            )
        )
        table.append(
            (
                "first 10 days, warm kernels",
                "the difference is the compiling",
                time_command(
                    [
                        *run,
                        "--no-figures",
                        "--set",
                        "duration=10 d",
                        "--set",
                        "record.maps=[3 d]",
                        "-o",
                        f"{folder}/d",
                    ],
                    cold,
                ),
            )
        )
    return table


def cold_machine() -> list[tuple[str, str, Timing]]:
    """Time `make setup` and `make run` in a copy that holds the tracked files and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "cordgraft"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(copy)], check=True)
        environment = {"XDG_CACHE_HOME": f"{folder}/cache"}
        environment_without_venv = {**environment, "VIRTUAL_ENV": ""}
        return [
            (
                "make setup",
                "cold machine: environment and packages",
                time_command(["make", "setup"], environment_without_venv, copy),
            ),
            (
                "make run, first time",
                "compiling, running, drawing",
                time_command(["make", "run"], environment_without_venv, copy),
            ),
            (
                "make run, second time",
                "running, drawing",
                time_command(["make", "run"], environment_without_venv, copy),
            ),
        ]


def main() -> None:
    """Print the table and write it as JSON beside the script's output folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="also time a fresh checkout")
    parser.add_argument("--json", type=Path, help="write the table to this file as well")
    arguments = parser.parse_args()
    table = rows(arguments.repeats) + (cold_machine() if arguments.cold else [])
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"medians of {arguments.repeats}"
    )
    print(f"{'command':46} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}  note")
    for what, note, timing in table:
        print(f"{what:46} {timing.wall_s:8.2f} {timing.cpu_s:8.2f} {timing.peak_mb:8.0f}  {note}")
    if arguments.json:
        content = [{"what": w, "note": n, **vars(t)} for w, n, t in table]
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
