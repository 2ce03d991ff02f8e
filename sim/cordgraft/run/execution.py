"""The verbs that run: a scenario, and the rest of a run that was stopped."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cordgraft.core.clock import whole_ticks
from cordgraft.core.problems import BadInput, Problem, RunFailure
from cordgraft.core.units import UnitError, parse_quantity
from cordgraft.run.console import FAILED, INTERRUPTED, OK, refusal_of, say, say_cautions
from cordgraft.run.places import (
    OVERVIEW,
    clear,
    held,
    next_directory,
    parse_seeds,
    refuse_occupied,
    refuse_several,
    reserved,
)
from cordgraft.run.seeds import refuse_too_many_jobs, run_seeds
from cordgraft.run.watching import compiling_notice, progress_display, stop_request, working
from cordgraft.scenario.load import load

#: Simulated time between checkpoints where nobody asks for another; then only the newest two are kept.
CHECKPOINT_EVERY = "28 d"


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
    checkpoint_every: str | None
    overwrite: bool
    figures: bool
    json_output: bool
    quiet: bool
    dry_run: bool = False

    @property
    def talks(self) -> bool:
        """Whether lines for people go to the output."""
        return not (self.quiet or self.json_output)


def run_order(order: Order) -> int:
    """Run a scenario; returns the exit code."""
    every = order.checkpoint_every if order.checkpoint_every is not None else CHECKPOINT_EVERY
    checkpoint_h = _hours(every, "--checkpoint-every")
    seeds = parse_seeds(order.seeds) if order.seeds is not None else None
    config = load(order.scenario, list(order.set_values), seed=order.seed if seeds is None else seeds[0])
    _refuse_part_of_a_tick(checkpoint_h, every, config.tick_h)
    base = Path("runs")
    directory = order.out if order.out is not None else next_directory(base, config.name)
    refuse_occupied(directory, order.overwrite)
    if order.dry_run:
        from cordgraft.run.inspection import print_plan

        print_plan(config, order.json_output)
        return OK
    from cordgraft.engine.model import CordModel
    from cordgraft.engine.runner import run_model
    from cordgraft.scenario.build import estimate

    started = time.monotonic()
    if order.talks:
        of = f"seed {config.seed}" if seeds is None else f"{len(seeds)} seeds"
        say(f"{config.title} ({of})")
    # For several seeds this is the check that they can run at all, before anything is written.
    with compiling_notice(order.quiet), config.locating():
        model = CordModel(config, threads=order.threads)
    if order.talks:
        needed = estimate(model.built.config, model.tissue.lattice)
        say(f"memory: {needed.sentence()}")
        say(f"time: {needed.time_sentence()}" + ("" if seeds is None else ", each seed"))
    if not order.quiet:
        say_cautions(model.cautions)
    if seeds is not None:
        refuse_too_many_jobs(model, min(order.jobs, len(seeds)))
        del model
        with reserved(order.out, base, config.name) as directory:
            if order.overwrite:
                clear(directory)
            return run_seeds(order, seeds, directory)
    with reserved(order.out, base, config.name) as directory:
        if order.overwrite:
            clear(directory)
        with (
            way_on(directory),
            stop_request(order.quiet) as stop,
            progress_display(order.quiet) as show,
        ):
            result = run_model(
                model,
                directory,
                progress=show,
                overwrite=order.overwrite,
                checkpoint_every_h=checkpoint_h,
                keep_checkpoints=order.checkpoint_every is not None,
                should_stop=stop.is_set,
            )
        if result.caution:
            say(f"caution: {result.caution}", error=True)
        return finish(directory, result.status, order.figures, order.json_output, order.quiet, started)


def resume_run(
    directory: Path,
    threads: int,
    checkpoint_every: str | None,
    figures: bool,
    quiet: bool,
    from_time: str | None = None,
) -> int:
    """Go on with a run that was stopped, or from an earlier checkpoint of any run; returns the exit code."""
    checkpoint_h = None if checkpoint_every is None else _hours(checkpoint_every, "--checkpoint-every")
    from_h = None if from_time is None else _hours(from_time, "--from")
    refuse_several(directory)
    from cordgraft.engine.resume import open_for_resume, tidy
    from cordgraft.engine.runner import run_model

    started = time.monotonic()
    with ExitStack() as stack:
        if directory.is_dir():
            stack.enter_context(held(directory))
        with compiling_notice(quiet):
            prepared = open_for_resume(directory, threads, from_h)
        if prepared.finished:
            tidy(directory)
            say(f"{directory}: this run is finished already", error=True)
            if not figures or (directory / OVERVIEW).exists():
                return OK
            return finish(directory, "finished", figures, False, quiet, started)
        if not quiet:
            say(f"{directory}: going on from day {prepared.model.day:g}")
        for change in prepared.other_libraries:
            say(
                f"caution: {change}; from here on the last bits may differ from a run that was never stopped",
                error=True,
            )
        with way_on(directory), stop_request(quiet) as stop, progress_display(quiet) as show:
            result = run_model(
                prepared.model,
                directory,
                progress=show,
                checkpoint_every_h=checkpoint_h,
                keep_checkpoints=checkpoint_h is not None,
                should_stop=stop.is_set,
                resume=prepared,
            )
        if result.caution:
            say(f"caution: {result.caution}", error=True)
        return finish(directory, result.status, figures, False, quiet, started)


def finish(
    directory: Path, status: str, figures: bool, json_output: bool, quiet: bool, started: float
) -> int:
    """Draw the pictures of a run and say where everything is; returns the exit code."""
    named = shlex.quote(str(directory))
    if status == "interrupted":
        say(f"interrupted; a checkpoint was written. Go on with: cordgraft resume {named}", error=True)
        return INTERRUPTED
    if status != "finished":
        return FAILED
    drawn: list[Path] = []
    if figures:
        from cordgraft.run.results import draw_figures

        again = f"the run is finished, its pictures are not; draw them with: cordgraft report {named}"
        try:
            with working("drawing the figures", quiet):
                drawn = draw_figures(directory)
        except KeyboardInterrupt:
            say(f"interrupted; {again}", error=True)
            return INTERRUPTED
        except OSError as error:
            say(f"{refusal_of(error)}; {again}", error=True)
            return FAILED
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


@contextmanager
def way_on(directory: Path) -> Iterator[None]:
    """Add to what stopped a run, such as a full disk, how it can go on, if it can."""
    try:
        yield
    except RunFailure as error:
        from cordgraft.engine.checkpoint import found
        from cordgraft.engine.runner import CHECKPOINTS

        if not found(directory / CHECKPOINTS):
            raise
        named = shlex.quote(str(directory))
        raise RunFailure(f"{error}; go on, once that is put right, with: cordgraft resume {named}") from error


def _hours(text: str, option: str) -> float:
    try:
        hours = parse_quantity(text, "h")
    except UnitError as error:
        raise BadInput(Problem(str(error), key=option, value=text)) from None
    if not hours > 0.0:
        raise BadInput(Problem("a time must be positive", key=option, value=text))
    return hours


def _refuse_part_of_a_tick(hours: float, written: str, tick_h: float) -> None:
    try:
        ticks = whole_ticks(hours, tick_h)
    except ValueError:
        ticks = 0
    if ticks < 1:
        raise BadInput(
            Problem(
                f"the time is not a whole number of ticks of {tick_h:g} h",
                key="--checkpoint-every",
                value=written,
            )
        )
