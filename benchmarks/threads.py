"""One and two threads, on a machine that is idle and on one where another process holds a core.

Each measurement is a process of its own that steps the same grafted cells, so that the number of threads is the
only difference; the busy neighbour spins in plain Python and is pinned to one core. By the clock, not by processor
time: threads are there to save the former.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Any

from benchmarks.common import ROOT, Plan, Row, say

GROUP = "threads, by the clock"
CHILD = """
import json, sys, time
from benchmarks.cells import Graft
from benchmarks.stage import arrays_digest
from benchmarks.field_cases import cord
from cordgraft.kernels.compile import run_tasks, set_threads
from cordgraft.kernels.solvers import make_solver
import numpy as np
threads, cells, ny, nz, steps = map(int, sys.argv[1:])
set_threads(threads)
graft = Graft((48, 48, 192), cells, settled=True)
case = cord((1, ny, nz), 25.0)
solvers = [make_solver("sdirk2", case.medium, 1e-5) for _ in range(4)]
fields = [np.zeros(case.medium.shape) for _ in range(4)]
def step():
    graft.step()
    run_tasks(lambda solver, field: solver.advance(field, case.source, 1.0), list(zip(solvers, fields)))
step()
taken = []
for _ in range(steps):
    started = time.perf_counter()
    step()
    taken.append(time.perf_counter() - started)
names = [f"cell.{column}" for column in graft.tissue.cells.columns]
digest = arrays_digest(graft.tissue, names) + str(float(sum(f.sum() for f in fields)))
print(json.dumps({"s": sorted(taken)[len(taken) // 2], "digest": digest}))
"""


@contextmanager
def busy_neighbour(wanted: bool) -> Any:
    """Hold one core with another process for a while."""
    if not wanted:
        yield
        return
    pin = ""
    if hasattr(os, "sched_setaffinity"):
        pin = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    neighbour = subprocess.Popen([sys.executable, "-c", f"{pin}while True: pass"])
    try:
        time.sleep(0.3)
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def child(threads: int, plan: Plan) -> dict[str, Any]:
    """Step cells and four fields with so many threads and return seconds per step and a digest."""
    size = ("20000", "100", "400") if plan.quick else ("200000", "400", "1600")
    command = [sys.executable, "-c", CHILD, str(threads), *size, str(max(3, plan.repeats))]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(plan: Plan) -> list[Row]:
    """Return all rows of this section."""
    rows: list[Row] = []
    digests = set()
    for busy in (False, True):
        say(f"threads: {'with a busy neighbour' if busy else 'idle'}")
        taken: dict[int, list[float]] = {1: [], 2: []}
        with busy_neighbour(busy):
            for _ in range(max(1, plan.repeats // 2)):
                for threads in taken:
                    found = child(threads, plan)
                    taken[threads].append(found["s"])
                    digests.add(found["digest"])
        assert len(digests) == 1, "the number of threads changed a result"
        one, two = (sorted(values)[len(values) // 2] for values in taken.values())
        where = "one core taken by another process" if busy else "machine as it is"
        rows.append(Row(GROUP, f"{where}: 1 thread", 1e3 * one, "ms a step", "same bytes"))
        rows.append(
            Row(
                GROUP,
                f"{where}: 2 threads",
                1e3 * two,
                "ms a step",
                "same bytes",
                "1 thread",
                one / two,
                0.9 if busy else None,
                of_ratio=busy,
            )
        )
    return rows
