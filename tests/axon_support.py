"""Helpers for tests of axons: cords of one kind of tissue, with growth cones put where a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Process
from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.processes.contact_support import ContactSupport
from cordgraft.processes.inhibitor_block import InhibitorBlock
from cordgraft.processes.scaffold import Scaffold
from cordgraft.state.axons import AxonState, Tract
from cordgraft.state.growth_land import BLOCKED, CONTACT_SUPPORT, SCAFFOLD
from cordgraft.state.tissue import Tissue
from support import make_tissue

#: Arrays of other processes that the axon processes read.
OTHERS: tuple[ArraySpec, ...] = (
    *(
        ArraySpec(name, "1", "from another process")
        for name in (
            "map.impact",
            "map.severity",
            "density.macrophages_pro",
            "density.macrophages_repair",
            "density.debris",
            "density.matrix",
            "density.barrier",
            "field.cspg",
            "field.trophic",
            "field.enzyme",
            "field.enzyme_stable",
        )
    ),
    ArraySpec("scalar.subject_capacity", "1", "from another process", initial=1.0),
    ArraySpec("scalar.subject_plasticity", "1", "from another process", initial=1.0),
    ArraySpec("scalar.lesion_rostral_um", "um", "from another process"),
    ArraySpec("scalar.lesion_caudal_um", "um", "from another process"),
)
#: Growth without noise, pauses, branches or guidance: what a test does not ask for does not happen.
PLAIN: dict[str, Any] = {
    "fluctuation": 0.0,
    "pause_rate": 0.0,
    "pause_rate_slow": 0.0,
    "branching": 0.0,
    "branching_white": 0.0,
    "cue_intact": 1.0,
    "substrate_grey": 1.0,
    "graft_capacity_late": 1.0,
    "crowding": 10.0,
}


def cord_of(
    tissue_class: str,
    processes: Sequence[Process] = (),
    shape: tuple[int, int, int] = (1, 24, 64),
    spacing_um: tuple[float, float, float] = (50.0, 50.0, 50.0),
    whole: bool = False,
    **more: Any,
) -> Tissue:
    """Return a cord that consists of one tissue class; `whole` fills the lattice to its corners."""
    tissue = make_tissue(processes, shape, spacing_um, extra=OTHERS, **more)
    if whole:
        tissue["map.cord"][...] = 1
        tissue["map.volume"][...] = 1.0
    cord = tissue["map.cord"] > 0
    for name in ("white", "grey"):
        tissue[f"fraction.{name}"][...] = 0.0
        tissue[f"map.{name}"][...] = 0.0
    tissue[f"fraction.{tissue_class}"][...] = cord
    if tissue_class in ("white", "grey"):
        tissue[f"map.{tissue_class}"][...] = cord
    return tissue


def rough_cord(
    shape: tuple[int, int, int],
    seed: int = 0,
    scaffold: bool = False,
    blocked: bool = False,
    supported: bool = False,
) -> Tissue:
    """A cord of random tissue with a ragged edge, 50 um voxels; with a scaffold in two thirds of them if asked for.

    And with a block of myelin inhibitors, and support by contact with grafted cells, that differ from voxel to voxel.
    """
    rng = np.random.default_rng(seed)
    asked = ((scaffold, Scaffold), (blocked, InhibitorBlock), (supported, ContactSupport))
    processes = [kind() for wanted, kind in asked if wanted]
    tissue = cord_of("grey", processes, shape=shape, spacing_um=(50.0, 40.0, 30.0), whole=True)
    cord = rng.random(shape) < 0.85
    tissue["map.cord"][...] = cord
    parts = rng.dirichlet(np.full(8, 0.7), size=shape)
    for index, name in enumerate(("white", "grey", "csf", "necrosis", "cavity", "scar", "graft", "blood")):
        tissue[f"fraction.{name}"][...] = parts[..., index] * cord
    for name, top in (
        ("density.debris", 0.5),
        ("density.matrix", 0.6),
        ("density.barrier", 1.0),
        ("field.cspg", 12.0),
        ("field.trophic", 3.0),
    ):
        tissue[name][...] = top * rng.random(shape) * cord
    if scaffold:
        living = tissue["fraction.white"] + tissue["fraction.grey"]
        share = (cord - living) * rng.random(shape) * (rng.random(shape) < 0.67)
        for name in SCAFFOLD:
            tissue[name][...] = share * (rng.random(shape) if name != SCAFFOLD[0] else 1.0)
    if blocked:
        for name in BLOCKED:
            tissue[name][...] = rng.random(shape) * cord
    if supported:
        tissue[CONTACT_SUPPORT][...] = rng.random(shape) * cord
    return tissue


def add_cones(
    tissue: Tissue,
    n: int,
    origin: int = 1,
    point: tuple[float, float, float] = (0.0, 0.0, 0.0),
    heading: tuple[float, float, float] = (0.0, 0.0, 1.0),
    stem_um: float = 0.0,
    **fibre: Any,
) -> None:
    """Add axons with one growth cone each at a point; behind it lies a straight stem of `stem_um`."""
    start, first = len(tissue.fibres), len(tissue.segments)
    ids = np.arange(start + 1, start + n + 1, dtype=np.uint64)
    rows = np.arange(start, start + n)
    values = {
        "tract": int(Tract.GRAFT if origin else Tract.CORTICOSPINAL),
        "state": int(AxonState.GROWING),
        "weight": 1.0,
        "born_tick": 0,
        "cut_tick": -1 if origin else 0,
        "direction": 0 if origin else -1,
        **fibre,
    }
    tissue.fibres.add(n, id=ids, origin=origin, root=first + np.arange(n), **values)
    x, y, z = (p - stem_um * h for p, h in zip(point, heading, strict=True))
    tissue.segments.add(n, fibre=rows, grown=1, x=x, y=y, z=z)
    hx, hy, hz = heading
    base = first + np.arange(n)
    tissue.cones.add(
        n,
        id=ids,
        fibre=rows,
        x=point[0],
        y=point[1],
        z=point[2],
        hx=hx,
        hy=hy,
        hz=hz,
        last=base,
        base=base,
        since_um=stem_um,
        arc_um=stem_um,
    )


def grow(process: AxonGrowth, tissue: Tissue, hours: float, dt_h: float) -> None:
    """Run `process` for some hours in steps of `dt_h`, each of which is one tick."""
    for tick in range(round(hours / dt_h)):
        process.step(tissue, Key(tissue.setting.seed, tick, dt_h))
