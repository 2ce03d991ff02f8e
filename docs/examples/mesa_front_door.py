"""The Mesa front door in twenty lines: step, ask agents, collect data, run a batch.

    .venv/bin/python docs/examples/mesa_front_door.py

Two weeks on a coarse lattice, so that it takes seconds; leave the settings out for the real thing.
"""

from __future__ import annotations

import mesa
import numpy as np

from cordgraft import CordModel
from cordgraft.state.cells import CellKind

COARSE = {"duration": "14 d", "geometry.length": "4 mm", "geometry.voxel": "100 um", "record.maps": "[14 d]"}


def main() -> None:
    """Run one model by hand, then four by `mesa.batch_run`."""
    model = CordModel("mouse_subacute_graft", settings=COARSE, rng=1)
    while model.running:
        model.step()
    print(f"day {model.day:g}: {len(model.cells)} simulated cells, {len(model.growth_cones)} growth cones")

    precursors = model.cells.select(kind=CellKind.PRECURSOR)
    print(f"precursors stand for {precursors.agg('weight', np.sum):,.0f} living cells")

    series = model.datacollector.get_model_vars_dataframe()
    print(series[["day", "graft_survivors", "lesion_spared_white_matter"]].tail(3).to_string(index=False))

    settings = {address.replace(".", "__"): value for address, value in COARSE.items()}
    rows = mesa.batch_run(
        CordModel,
        {"source": "mouse_subacute_graft", **settings, "treatments__graft__dose": ["1e5 cells", "5e5 cells"]},
        rng=[1, 2],
        max_steps=10_000,
        display_progress=False,
    )
    for row in rows:
        print(f"seed {row['rng']}, {row['treatments__graft__dose']}: {row['graft_survivors']:,.0f} survivors")


if __name__ == "__main__":
    main()
