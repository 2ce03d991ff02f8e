"""Three tiny scenarios whose numbers are pinned, and the kind of machine for which the pins hold."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import Any

import numpy as np

PINS = Path(__file__).with_name("pins.json")

#: Name -> (scenario, settings). Small, but every process has something to do.
SCENARIOS: dict[str, tuple[str, dict[str, str]]] = {
    "mouse_graft": (
        "mouse_subacute_graft",
        {
            "duration": "16 d",
            "geometry.length": "3.2 mm",
            "geometry.voxel": "100 um",
            "treatments.graft.at": "6 d",
            "treatments.graft.dose": "3e4 cells",
            "record.maps": "[16 d]",
        },
    ),
    "mouse_untreated": (
        "mouse_contusion_untreated",
        {"duration": "10 d", "geometry.length": "4 mm", "geometry.voxel": "50 um", "record.maps": "[10 d]"},
    ),
    "human_volume": (
        "human_cervical_subacute_graft",
        {
            "duration": "6 d",
            "geometry.section": "volume",
            "geometry.length": "32 mm",
            "geometry.voxel": "0.9 mm",
            "treatments.graft.at": "2 d",
            "treatments.graft.dose": "2e6 cells",
            "numerics.cells_per_agent": "100",
            "record.maps": "[6 d]",
        },
    ),
}


def machine() -> dict[str, str]:
    """Return what the bits of a result depend on: processor, libraries of numbers, Python."""
    import llvmlite.binding as llvm

    from cordgraft.engine.checkpoint import library_versions

    return {
        **library_versions(),
        "processor": llvm.get_host_cpu_name(),
        "libc": "-".join(platform.libc_ver()),
    }


def fingerprint(name: str) -> dict[str, Any]:
    """Run one of `SCENARIOS`; returns a SHA-256 of every final array, and a few numbers that a person can read."""
    from cordgraft import CordModel

    source, settings = SCENARIOS[name]
    model = CordModel(source, settings=settings)
    while model.running:
        model.step()
    digest = hashlib.sha256()
    for array in sorted(model.tissue.names()):
        digest.update(array.encode())
        digest.update(np.ascontiguousarray(model.tissue[array]).tobytes())
    readable = (
        "graft_survivors",
        "lesion_spared_white_matter",
        "rim_cspg",
        "axons_host_growing",
        "function_motor_index",
    )
    return {"sha256": digest.hexdigest(), "values": {key: repr(model.latest[key]) for key in readable}}
