"""Measures everything and prints one table.

    make bench                                   everything, with the peers installed into .venv first
    .venv/bin/python -m benchmarks --quick       small lattices: whether it works, not how fast
    .venv/bin/python -m benchmarks fields cones  only these sections

Results are compared before anything is timed (column `agrees to`); figures are medians, of processor time unless
the unit says otherwise. The table also goes to build/benchmarks.json.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLOSC_NTHREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402 - libraries read the number of threads when they are imported
import json  # noqa: E402
import time  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402

from benchmarks.common import ROOT, Plan, Row, as_data, environment, print_table  # noqa: E402

SECTIONS = ("fields", "cells", "cones", "runs", "threads", "growth", "commands")


def main() -> None:
    """Measure the sections asked for."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="small lattices and few repeats")
    parser.add_argument(
        "--repeats", type=int, help="of what takes less than some seconds (default 5, quick 3)"
    )
    parser.add_argument(
        "--json", type=Path, default=ROOT / "build" / "benchmarks.json", help="where the table goes"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    plan = Plan(arguments.quick, arguments.repeats or (3 if arguments.quick else 5))
    header = environment()
    started = time.perf_counter()
    rows: list[Row] = []
    for name in arguments.sections or SECTIONS:
        rows += import_module(f"benchmarks.{name}").measure(plan)
    header["load at end"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    header["repeats"] = f"{plan.repeats}{', quick: not for quoting' if plan.quick else ''}"
    header["took"] = f"{time.perf_counter() - started:.0f} s"
    width = max(len(name) for name in header)
    for name, text in header.items():
        print(f"{name.ljust(width)}  {text}")
    print()
    print_table(rows)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    content = {"environment": header, "rows": as_data(rows)}
    arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
