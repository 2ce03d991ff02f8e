"""What the user sees and can do while a run goes on: progress, notices, and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cordgraft.run.console import console, say

if TYPE_CHECKING:
    from cordgraft.engine.model import Progress

#: Seconds between two lines of progress where there is no terminal.
LOG_INTERVAL_S = 60.0
#: Columns of a terminal that progress needs for whole words, and for a bar beside them.
WIDTH_FOR_WORDS, WIDTH_FOR_BAR = 76, 96


@contextmanager
def stop_request(quiet: bool = False) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or a TERM or HUP signal) into a request to stop; a second one stops at once."""
    event = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()
        if not quiet:
            say("stopping after this step; press Ctrl-C again to stop at once", error=True)

    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    # a terminal that is closed stops a run like Ctrl-C, unless nohup said that it should not
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
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
    from rich.progress import BarColumn, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    writer = console(stderr=True)
    columns: tuple[ProgressColumn, ...]
    if writer.width < WIDTH_FOR_WORDS:
        columns = (TextColumn("{task.fields[short]}"), TimeRemainingColumn(compact=True))
    elif writer.width < WIDTH_FOR_BAR:
        columns = (TextColumn("{task.fields[long]}, time left"), TimeRemainingColumn())
    else:
        columns = (
            TextColumn("{task.fields[long]}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("time left"),
            TimeRemainingColumn(),
        )
    with Bar(*columns, console=writer, transient=True) as display:
        task = display.add_task("run", total=None, short="starting", long="starting")

        def show(progress: Any) -> None:
            day, days = f"{progress.day:.0f}", f"{progress.days:.0f}"
            display.update(
                task,
                total=progress.ticks + 1,
                completed=progress.tick + 1,
                short=f"day {day}/{days}, {_short(progress.cells)} cells, {_short(progress.axons)} axons",
                long=f"day {day} of {days}, simulated: {progress.cells:,} cells, {progress.axons:,} axons",
            )

        yield show


def _short(number: int) -> str:
    return (
        f"{number / 1e6:.1f}M" if number >= 1e6 else f"{number / 1e3:.1f}k" if number >= 1e3 else f"{number}"
    )


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
        f"day {progress.day:.1f} of {progress.days:g}, simulated: {progress.cells:,} cells, {progress.axons:,} axons; "
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
