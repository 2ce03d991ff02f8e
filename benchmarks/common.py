"""What all benchmarks share: one row of the table, interleaved timing, the environment, and the printing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Packages whose versions decide the figures.
PACKAGES = ("cordgraft", "numpy", "numba", "llvmlite", "scipy", "mesa", "zarr", "py-pde")


@dataclass(frozen=True)
class Row:
    """One figure.

    Parameters
    ----------
    group, what : str
        Section of the table, and what was measured.
    value, unit : float, str
        The median.
    agrees : str
        How far the results of what is compared agree, found before anything was timed.
    baseline : str
        Name of what `ratio` compares with.
    ratio : float, optional
        How many times better than the baseline: cheaper, or more per second.
    target : float, optional
        The least ratio or value that was aimed at; `lower` turns it into the most.
    of_ratio : bool
        Whether the target is one of the ratio, not of the value.
    note : str
    """

    group: str
    what: str
    value: float
    unit: str
    agrees: str = ""
    baseline: str = ""
    ratio: float | None = None
    target: float | None = None
    of_ratio: bool = False
    lower: bool = False
    note: str = ""

    @property
    def met(self) -> str:
        """``yes``, ``no``, or nothing where no target was set."""
        if self.target is None:
            return ""
        found = self.ratio if self.of_ratio else self.value
        if found is None:
            return "no"
        return "yes" if (found <= self.target if self.lower else found >= self.target) else "no"


@dataclass(frozen=True)
class Plan:
    """How thoroughly to measure.

    Parameters
    ----------
    quick : bool
        Smaller lattices and populations; the same comparisons. Not for quoting.
    repeats : int
        Of what takes less than some seconds; longer things are timed less often.
    """

    quick: bool
    repeats: int


@dataclass(frozen=True)
class Spent:
    """Median seconds of one call: by the clock, and of this process on the processor."""

    wall_s: float
    cpu_s: float


def interleaved(variants: Mapping[str, Callable[[], Any]], repeats: int, warm: int = 1) -> dict[str, Spent]:
    """Time several things in turns, so that other users of the machine disturb all of them alike.

    Returns
    -------
    dict
        Name -> medians over the repeats.
    """
    for _ in range(warm):
        for call in variants.values():
            call()
    wall: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, call in variants.items():
            started, used = time.perf_counter(), time.process_time()
            call()
            cpu[name].append(time.process_time() - used)
            wall[name].append(time.perf_counter() - started)
    return {name: Spent(statistics.median(wall[name]), statistics.median(cpu[name])) for name in variants}


def environment() -> dict[str, str]:
    """Return what a reader must know of the machine: processor, cores, load, versions, date."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": model,
        "cores": str(usable),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": ", ".join(versions),
        "load at start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def number(value: float | None) -> str:
    """Return three digits, without exponents where a person would write none."""
    if value is None:
        return ""
    if value >= 1000.0 or value == 0.0:
        return f"{value:,.0f}"
    return f"{value:.3g}"


COLUMNS = ("what", "median", "unit", "agrees to", "baseline", "times better", "target", "met", "note")


def as_text(row: Row) -> tuple[str, ...]:
    """Return the cells of a row of the table."""
    target = ""
    if row.target is not None:
        target = f"{'<=' if row.lower else '>='} {number(row.target)}{'x' if row.of_ratio else ''}"
    return (
        row.what,
        number(row.value),
        row.unit,
        row.agrees,
        row.baseline,
        number(row.ratio),
        target,
        row.met,
        row.note,
    )


def print_table(rows: list[Row]) -> None:
    """Print one table with a line above each group."""
    cells = [COLUMNS, *(as_text(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS) - 1)]

    def line(parts: tuple[str, ...]) -> str:
        left = [
            part.rjust(width) if i in (1, 5) else part.ljust(width)
            for i, (part, width) in enumerate(zip(parts, widths, strict=False))
        ]
        return "  ".join((*left, parts[-1])).rstrip()

    print(line(COLUMNS))
    group = ""
    for row, parts in zip(rows, cells[1:], strict=True):
        if row.group != group:
            group = row.group
            print(f"-- {group} ".ljust(sum(widths) + 2 * len(widths), "-"))
        print(line(parts))


def as_data(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the rows for JSON."""
    return [{**asdict(row), "met": row.met} for row in rows]


def say(text: str) -> None:
    """Tell on the error stream what is being measured: some figures take a minute."""
    print(f"   ... {text}", file=sys.stderr, flush=True)
