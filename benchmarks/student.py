"""The student run: a long section with eight transported fields, everything recorded, on one core.

The product's own scenario of a human cord, with voxels of 25 um on 400 x 1600 of them, 180 days, and six more
factors than the product has, which exist in this file only: each has the diffusivity and the half-life that the
literature gives it and is made by grafted cells or by macrophages. They are transported, interpolated and recorded
like any other field.

    python -m benchmarks.student DAYS DIRECTORY [SCENARIO]    runs it (or another scenario) and prints JSON
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from math import inf, log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cordgraft.core.contract import FieldSpec, Key, Phase, Process, Provision
from cordgraft.processes import registry, transport
from cordgraft.state.cells import CellKind


class Factor(NamedTuple):
    """A factor of the benchmark: um2/s, h, and whether grafted cells make it or macrophages."""

    name: str
    diffusivity: float
    half_life_h: float
    by_cells: bool


#: Diffusivities: NGF Stroh 2003 (10.1016/S0006-3495(03)74502-0); BDNF, NT-3 and GDNF scaled from it; cytokines as
#: the TNF of granuloma models. Half-lives: 8 h as NGF (Krewson 1996, 10.1016/0006-8993(96)00378-2), cytokines 2 h.
FACTORS = (
    Factor("ngf", 27.5, 8.0, True),
    Factor("bdnf", 25.0, 8.0, True),
    Factor("nt3", 25.0, 8.0, True),
    Factor("gdnf", 25.0, 8.0, True),
    Factor("il6", 5.0, 2.0, False),
    Factor("il10", 5.0, 2.0, False),
)
SETTINGS = {
    "geometry.voxel": "25 um",
    "geometry.slab": "25 um",
    "geometry.cord_depth": "9.3 mm",
    "geometry.length": "40 mm",
    "treatments.graft.at": "14 d",
    "treatments.graft.dose": "3.5e7 cells",
    "numerics.cells_per_agent": "2",
}
CELLS, CONES = 2e4, 2e3


class Factors(Process):
    """Deposits the factors of the benchmark."""

    name = "factors"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=tuple(
            FieldSpec(
                f"field.{factor.name}",
                "1",
                f"{factor.name} of the benchmark",
                bounds=(0.0, inf),
                diffusivity_um2_s=factor.diffusivity,
                decay_per_h=log(2.0) / factor.half_life_h,
                origin="cells" if factor.by_cells else "tissue",
                source="see benchmarks/student.py",
            )
            for factor in FACTORS
        )
    )
    reads = ("cell.site", "cell.kind", "density.macrophages_pro", "density.macrophages_repair")
    deposits = tuple(f"source.{factor.name}" for factor in FACTORS)

    def step(self, tissue: Any, key: Key) -> None:
        """Deposit the release of one period."""
        sites, kinds = tissue.cells["site"], tissue.cells["kind"]
        for number, factor in enumerate(FACTORS):
            source = tissue[f"source.{factor.name}"]
            if not factor.by_cells:
                kind = "pro" if factor.name == "il6" else "repair"
                source += 0.1 * tissue[f"density.macrophages_{kind}"]
            elif sites.size:
                makes = np.where(kinds == CellKind.ASTROCYTE, 1.0, 0.1 + 0.05 * number)
                source.reshape(-1)[...] += np.bincount(sites, weights=makes, minlength=source.size)


def with_factors() -> None:
    """Let this process, and no other, know the factors of the benchmark."""
    known = registry()
    if Factors.name in known:
        return
    known[Factors.name] = Factors
    names = tuple(factor.name for factor in FACTORS)
    transport.Transport.provides = Provision(
        arrays=(*transport.Transport.provides.arrays, *transport.state_of(names))
    )
    transport.Transport.writes = (*transport.Transport.writes, *transport.written(names))


def timed(name: str, step: Any, spent: dict[str, float], tissue: Any, key: Key) -> None:
    """Run one step of a process and add its processor time."""
    started = time.process_time()
    step(tissue, key)
    spent[name] = spent.get(name, 0.0) + time.process_time() - started


def run(
    days: float, directory: Path, settings: dict[str, str] | None = None, scenario: str = ""
) -> dict[str, Any]:
    """Run it and return what it cost, process by process."""
    from cordgraft.engine.model import CordModel
    from cordgraft.engine.runner import run_model

    started = time.process_time()
    if not scenario:
        with_factors()
    maps = f"[1 d, {days:g} d]"
    asked = {"duration": f"{days:g} d", "record.maps": maps, **(SETTINGS if settings is None else settings)}
    grafted = asked.get("treatments.graft.at")
    if grafted is not None and float(grafted.split()[0]) >= days:
        asked["treatments.graft.at"] = f"{max(1, int(days / 3.0))} d"  # a short run shall have cells too
    model = CordModel(scenario or "human_cervical_subacute_graft", settings=asked)
    spent: dict[str, float] = {}
    planned = {}
    for row in model.pipeline.rows:
        process: Any = row.process
        process.step = partial(timed, process.label, process.step, spent)
        planned.update(getattr(process, "plans", {}))
    most = {"cells": 0, "cones": 0}

    def watch(_: Any) -> None:
        most["cells"] = max(most["cells"], len(model.tissue.cells))
        most["cones"] = max(most["cones"], len(model.tissue.cones))

    built = time.process_time() - started
    run_model(model, directory, progress=watch, overwrite=True)
    total = time.process_time() - started
    return {
        "cpu_s": total,
        "build_s": built,
        "rest_s": total - built - sum(spent.values()),
        "processes": dict(sorted(spent.items(), key=lambda item: -item[1])),
        "shape": list(model.tissue.lattice.shape),
        "fields": list(model.tissue.diffusing),
        "errors": {name: [plan.lattice_error, plan.step_error] for name, plan in planned.items()},
        "cells": len(model.tissue.cells),
        "cones": len(model.tissue.cones),
        **{f"most_{name}": value for name, value in most.items()},
    }


def main() -> None:
    """Run in this process; its own, so that nothing of the caller counts."""
    days, directory, scenario = float(sys.argv[1]), Path(sys.argv[2]), "".join(sys.argv[3:4])
    print(json.dumps(run(days, directory, {} if scenario else SETTINGS, scenario)))


if __name__ == "__main__":
    main()
