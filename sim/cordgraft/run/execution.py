"""The verbs that run: one scenario, several seeds of it, and the rest of a run that was stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cordgraft.core.problems import BadInput, Problem
from cordgraft.core.units import UnitError, parse_quantity
from cordgraft.run.console import FAILED, INTERRUPTED, OK, PARTIAL, console, say, say_cautions
from cordgraft.run.places import next_directory, parse_seeds, refuse_occupied
from cordgraft.scenario.load import load

if TYPE_CHECKING:
    from cordgraft.engine.model import Progress

#: Seconds between two lines of progress where there is no terminal.
LOG_INTERVAL_S = 60.0


@dataclass(frozen=True)
class Order:
    """What the user asked `cordgraft run` to do."""

    scenario: str
    out: Path | None
    set_values: tuple[str, ...]
    seed: int | None
    seeds: str | None
    jobs: int
    threads: int
    checkpoint_every: str
    overwrite: bool
    figures: bool
    json_output: bool
    quiet: bool


def run_order(order: Order) -> int:
    """Run a scenario; returns the exit code."""
    checkpoint_h = _hours(order.checkpoint_every, "--checkpoint-every")
    config = load(order.scenario, list(order.set_values), seed=order.seed)
    directory = order.out if order.out is not None else next_directory(Path("runs"), config.name)
    refuse_occupied(directory, order.overwrite)
    if order.seeds is not None:
        return _run_seeds(order, parse_seeds(order.seeds), directory)
    from cordgraft.engine.model import CordModel
    from cordgraft.engine.runner import run_model

    started = time.monotonic()
    if not order.quiet:
        say(f"{config.title} (seed {config.seed})")
    with compiling_notice(order.quiet):
        model = CordModel(config, threads=order.threads)
    if not order.quiet:
        say_cautions(model.cautions)
    with stop_request() as stop, progress_display(order.quiet) as show:
        result = run_model(
            model,
            directory,
            progress=show,
            overwrite=order.overwrite,
            checkpoint_every_h=checkpoint_h,
            should_stop=stop.is_set,
        )
    return finish(directory, result.status, order.figures, order.json_output, order.quiet, started)


def resume_run(directory: Path, threads: int, checkpoint_every: str, figures: bool, quiet: bool) -> int:
    """Go on with a run that was stopped; returns the exit code."""
    checkpoint_h = _hours(checkpoint_every, "--checkpoint-every")
    from cordgraft.engine.resume import open_for_resume
    from cordgraft.engine.runner import run_model

    started = time.monotonic()
    with compiling_notice(quiet):
        prepared = open_for_resume(directory, threads)
    if prepared.finished:
        say(f"{directory}: this run is finished already", error=True)
        return OK
    if not quiet:
        say(f"{directory}: going on from day {prepared.model.day:g}")
    for change in prepared.other_libraries:
        say(
            f"caution: {change}; from here on the last bits may differ from a run that was never stopped",
            error=True,
        )
    with stop_request() as stop, progress_display(quiet) as show:
        result = run_model(
            prepared.model,
            directory,
            progress=show,
            checkpoint_every_h=checkpoint_h,
            should_stop=stop.is_set,
            resume=prepared,
        )
    return finish(directory, result.status, figures, False, quiet, started)


def finish(
    directory: Path, status: str, figures: bool, json_output: bool, quiet: bool, started: float
) -> int:
    """Draw the pictures of a run and say where everything is; returns the exit code."""
    if status == "interrupted":
        say(f"interrupted; a checkpoint was written. Go on with: cordgraft resume {directory}", error=True)
        return INTERRUPTED
    if status != "finished":
        return FAILED
    drawn: list[Path] = []
    if figures:
        from cordgraft.run.results import draw_figures

        with working("drawing the figures", quiet):
            drawn = draw_figures(directory)
    if json_output:
        say((directory / "summary.json").read_text(encoding="utf-8"))
        return OK
    if quiet:
        say(str(directory))
        return OK
    from cordgraft.run.results import print_summary

    print_summary(directory)
    say(f"finished in {time.monotonic() - started:.1f} s")
    say(f"dataset: {directory / 'run.zarr'}")
    for path in drawn:
        say(f"picture: {path}")
    say("This is a research model: it predicts no patient.")
    return OK


# ------------------------------------------------------------------ several seeds
def _run_seeds(order: Order, seeds: list[int], directory: Path) -> int:
    """Run one process per seed, `order.jobs` side by side; a failed seed does not stop the others."""
    directory.mkdir(parents=True, exist_ok=True)
    waiting = list(seeds)
    running: dict[int, tuple[subprocess.Popen[str], Path]] = {}
    failed: list[int] = []
    done: list[Path] = []
    with stop_request() as stop:
        while waiting or running:
            while waiting and len(running) < order.jobs and not stop.is_set():
                seed = waiting.pop(0)
                running[seed] = _start_seed(order, seed, directory)
                if not order.quiet:
                    say(f"seed {seed}: started")
            if stop.is_set():
                waiting.clear()
            time.sleep(0.1)
            for seed, (process, place) in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                del running[seed]
                if code == OK:
                    done.append(place)
                else:
                    failed.append(seed)
                if not order.quiet:
                    say(f"seed {seed}: {'finished' if code == OK else f'ended with exit code {code}'}")
        if stop.is_set():
            say(f"interrupted; finished seeds are in {directory}", error=True)
            return INTERRUPTED
    if not done:
        return FAILED
    if order.figures:
        from cordgraft.run.results import draw_seed_figures

        for path in draw_seed_figures(directory):
            say(f"picture: {path}")
    if failed:
        say(f"{len(failed)} of {len(seeds)} seeds failed: {', '.join(map(str, sorted(failed)))}", error=True)
        return PARTIAL
    say(f"{len(done)} runs in {directory}")
    return OK


def _start_seed(order: Order, seed: int, directory: Path) -> tuple[subprocess.Popen[str], Path]:
    place = directory / f"seed-{seed}"
    command = [
        sys.executable,
        "-m",
        "cordgraft.run",
        "run",
        order.scenario,
        "--seed",
        str(seed),
        "--out",
        str(place),
    ]
    command += ["--threads", str(order.threads), "--checkpoint-every", order.checkpoint_every, "--quiet"]
    for setting in order.set_values:
        command += ["--set", setting]
    if order.overwrite:
        command.append("--overwrite")
    if not order.figures:
        command.append("--no-figures")
    # Ctrl-C reaches the whole group of processes, so each seed writes its own checkpoint.
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, text=True, env=_child_environment(order.threads)
    )
    return process, place


def _child_environment(threads: int) -> dict[str, str]:
    """Give each process no more library threads than the cores it may use; two levels of threads fight."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS")
    return {**os.environ, **{name: str(threads) for name in limits}}


# ------------------------------------------------------------------ what the user sees meanwhile
@contextmanager
def stop_request() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or a TERM signal) into a request to stop; a second one stops at once."""
    event = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()
        say("stopping after this step; press Ctrl-C again to stop at once", error=True)

    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress_display(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress: a bar on a terminal, a line a minute elsewhere."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _progress_bar() as show:
            yield show
    else:
        yield _progress_lines()


@contextmanager
def _progress_bar() -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("day {task.fields[day]:.0f} of {task.fields[days]:.0f}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[cells]:,} cells, {task.fields[axons]:,} axons"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as display:
        task = display.add_task("run", total=None, day=0.0, days=0.0, cells=0, axons=0)

        def show(progress: Any) -> None:
            display.update(
                task,
                total=progress.ticks + 1,
                completed=progress.tick + 1,
                day=progress.day,
                days=progress.days,
                cells=progress.cells,
                axons=progress.axons,
            )

        yield show


def _progress_lines() -> Callable[[Progress], None]:
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LOG_INTERVAL_S:
            last = now
            say(progress_line(progress), error=True)

    return show


def progress_line(progress: Progress) -> str:
    """Return progress as one line of a log."""
    share = (progress.tick + 1) / (progress.ticks + 1)
    left = progress.elapsed_s * (1.0 - share) / share if share > 0.0 else float("nan")
    return (
        f"day {progress.day:.1f} of {progress.days:g}, {progress.cells:,} cells, {progress.axons:,} axons, "
        f"{progress.elapsed_s:.0f} s so far, about {left:.0f} s left"
    )


@contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Show that something takes a while, on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    with console(stderr=True).status(what):
        yield


@contextmanager
def compiling_notice(quiet: bool) -> Iterator[None]:
    """Say that the kernels are being compiled when the cache is empty: the first run takes much longer."""
    from cordgraft.kernels.compile import cache_is_empty

    if cache_is_empty() and not quiet:
        say("compiling kernels (first run only)", error=True)
    yield


def _hours(text: str, option: str) -> float:
    try:
        hours = parse_quantity(text, "h")
    except UnitError as error:
        raise BadInput(Problem(str(error), key=option, value=text)) from None
    if not hours > 0.0:
        raise BadInput(Problem("a time must be positive", key=option, value=text))
    return hours
