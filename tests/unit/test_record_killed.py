"""A writer that is killed with no chance to clean up leaves a run that can be read and gone on with."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cordgraft.core import schema
from cordgraft.record.store import RunStore
from cordgraft_analysis.reading import open_run

CHILD = """
import sys
from pathlib import Path
from support import make_tissue
from cordgraft.record.provenance import RunInfo
from cordgraft.record.writer import RunWriter

tissue = make_tissue((), (1, 16, 64), days=100.0)
hours = tuple(float(hour) for hour in range(2400))
writer = RunWriter(Path(sys.argv[1]), RunInfo("k", "k", 1, "", "", 1.0, hours), tissue, ())
for tick in range(2400):
    tissue["fraction.scar"][...] = tick / 2400
    tissue.cells.add(1, id=tick + 1, site=tick % 1024)
    writer.observe(tissue, tick)
    if tick == 2:
        print("ready", flush=True)
"""


@pytest.mark.parametrize("delay_s", [0.0, 0.13, 0.31])
def test_a_killed_run_can_be_read(tmp_path: Path, repository: Path, delay_s: float) -> None:
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(repository / 'tests')!r})\n{CHILD}",
    ]
    directory = tmp_path / "run"
    with subprocess.Popen([*command, str(directory)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
    tree = open_run(directory)
    tree.load()
    ticks = tree["maps/tick"].values
    assert ticks.tolist() == list(range(len(ticks)))
    assert len(ticks) >= 3
    for scar, tick in zip(tree["maps/fraction_scar"].values, ticks, strict=True):
        assert np.max(np.abs(scar - tick / 2400)) <= 2.0**-13 * tick / 2400
    days = list(tree["cells"].children)
    assert [tree[f"cells/{day}"].sizes["row"] for day in days] == list(range(1, len(days) + 1))
    assert len(days) >= len(ticks), "tables come before the maps of their day"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xr.open_datatree(directory / schema.STORE_NAME, engine="zarr")
    RunStore.reopen(directory / schema.STORE_NAME, 1)
    assert open_run(directory)["maps"].sizes["time"] == 2
    assert len(open_run(directory)["cells"].children) == 2
