"""Scaffold: a porous solid that is put into the fluid of a lesion, for axons to grow along and matrix to hold to.

On its day it fills, between two planes across the cord (all along the lesion where no `length` is given), a share of
the fluid that no other scaffold spans yet; from then on it is lost:

    s -> s + phi o max(0, w_cavity + w_csf - s)        on its day
    s' = -s/tau                                        exact for any step

``s`` share of the voxel that is scaffold with its pores (array ``density.scaffold``), ``phi`` `filling`, ``o`` the
share of the voxel that lies between the planes, ``w`` dry tissue fractions, ``tau`` `degradation_time` (d). The solid
is thin against its pores and takes no room: the tissue fractions stay as they are, and grafted cells settle in it as
in fluid. Dead tissue, blood and scar are not fluid: a lesion that has not been cleared yet takes up nothing, and the
event line says so. It needs a lesion with a cavity: how much of the dead tissue becomes one is `cavity_share` of
`remodelling`, 0.6 in rats and people, but 0.05 in mice, whose lesions scar.

It does four things, each with a number that may be zero.

*Growth.* The part of the fluid that it spans, ``min(s, w_fluid)``, bears growth cones as collagen does, where a cavity
bears none (``substrate_scaffold`` of `axon_growth`). Where cells or scar have grown into the pores, theirs is the
substrate that counts; they are taken to fill the fluid outside the scaffold first.

*Guidance.* Channels (`alignment`) lead growth cones along the cord, either way, as white matter does
(``guidance_scaffold`` of `axon_growth`), whatever fills the pores.

*Matrix of its own.* It carries permissive matrix ``p s`` (`permissive`), which growth cones meet beside that of the
tissue (see `scar`) and which goes with the scaffold.

*Ground for matrix.* Others can lay down matrix on the share ``g (s - p s)`` of the voxel (`support`), where a cavity
has nothing to hold it: cells and vessels in `scar`, injected factors in `matrix_factor`.

Where two scaffolds come to lie in one voxel, its rate of loss is their mean by share on the day of the later one.

Sources: the substrate value of collagen is derived (see `axon_growth`); sizes, times and strengths are assumed.

Left out: removal of dead tissue and blood before the implant, and damage by it; mechanical support of the cord;
stiffness and width of channels; reaction to the foreign body; products of degradation; hindrance of diffusion;
drugs and factors bound to it (give them as treatments of their own); cells that it keeps from being washed out, for
no cells are washed out of a cavity here; and that it keeps a cavity from forming or growing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, quantity
from cordgraft.state.extrusion import represented_mm3
from cordgraft.state.scaffolds import CHANNELS, COAT, GROUND, LOSS, PARTS, SCAFFOLD_SPECS, SHARE

HOURS = 24.0


class Scaffold(Process):
    """Fills the fluid of the lesion once, and is lost from then on."""

    name = "scaffold"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "scaffold"
    provides = Provision(arrays=SCAFFOLD_SPECS)
    reads = (
        "map.cord",
        "map.volume",
        "scalar.epicentre_um",
        "fraction.cavity",
        "fraction.csf",
    )
    writes = tuple(spec.name for spec in SCAFFOLD_SPECS)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """When, where, of what kind, and for how long."""

        at: float = quantity(
            24.0 * 28,
            "h",
            "time of the implant after the injury",
            bounds=(0.0, 87660.0),
            evidence="assumed",
            presets={"human": 24.0 * 90},
        )
        length: float | None = quantity(
            None,
            "um",
            "length along the cord; where it is not given, all fluid of the lesion",
            bounds=(1.0, 2e5),
            evidence="assumed",
        )
        position: float = quantity(
            0.0,
            "um",
            "middle of the scaffold along the cord, from the epicentre, rostral positive; counts only with a length",
            bounds=(-2e5, 2e5),
            evidence="assumed",
        )
        filling: float = quantity(
            1.0,
            "1",
            "share of the fluid that it spans; 0 changes nothing",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        degradation_time: float = quantity(
            24.0 * 60,
            "h",
            "time constant with which it is lost",
            bounds=(24.0, 1e6),
            evidence="assumed",
        )
        alignment: str = choice(
            "channels",
            ("channels", "none"),
            "whether it has channels along the cord, which guide growth cones",
        )
        permissive: float = quantity(
            0.0,
            "1",
            "permissive matrix that it carries, as a density where it spans the whole voxel",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        support: float = quantity(
            1.0,
            "1",
            "share of what it spans that can hold matrix laid down by others",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        #: What was filled, mm3, for the event of the same tick; nothing that acts reads it.
        self._filled_mm3 = 0.0

    def due(self, tissue: Any) -> int:
        """Return the tick of the implant: the nearest one, but at least one after the injury."""
        return max(1, int(tissue.clock.tick_at(self.params.at)))

    def step(self, tissue: Any, key: Key) -> None:
        """Lose what has lain in the cord since the last step, and put the scaffold in on its day."""
        _lose(tissue, key.tick)
        if key.tick == self.due(tissue):
            self._filled_mm3 = self._fill(tissue, key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return how much was filled, at the tick of the implant."""
        p = self.params
        if tick != self.due(tissue):
            return ""
        kind = (
            "scaffold with channels along the cord"
            if p.alignment == "channels"
            else "scaffold without channels"
        )
        where = "in the whole lesion"
        if p.length is not None:
            where = f"over {p.length / 1e3:g} mm at {p.position / 1e3:g} mm from the middle of the injury"
        if self._filled_mm3 == 0.0:
            why = "of no filling" if p.filling == 0.0 else "found no fluid to fill"
            return f"{kind} {where} {why}: 0 mm3 filled"
        return f"{kind} {where}: {self._filled_mm3:.4g} mm3 of fluid filled"

    def _between(self, tissue: Any) -> NDArray[np.float64]:
        """Return the share of each layer along the cord that lies between the planes : (1, 1, z)."""
        lattice, p = tissue.lattice, self.params
        if p.length is None:
            return np.ones((1, 1, lattice.shape[2]))
        middle = tissue.scalar("epicentre_um") + p.position
        half, dz = 0.5 * lattice.spacing_um[2], lattice.spacing_um[2]
        z = lattice.axis_um(2)
        low = np.maximum(z - half, middle - 0.5 * p.length)
        high = np.minimum(z + half, middle + 0.5 * p.length)
        return np.asarray(np.clip((high - low) / dz, 0.0, 1.0))[None, None, :]

    def _fill(self, tissue: Any, tick: int) -> float:
        """Put the scaffold in and return the represented volume that it spans, mm3."""
        p, share = self.params, tissue[SHARE]
        fluid = tissue["fraction.cavity"] + tissue["fraction.csf"]
        free = np.maximum(fluid - share, 0.0)
        added = np.where(tissue["map.cord"] > 0, p.filling * self._between(tissue) * free, 0.0)
        there = added > 0.0
        if not there.any():
            return 0.0
        new, rate = added[there], HOURS / p.degradation_time
        tissue[LOSS][there] = (share[there] * tissue[LOSS][there] + new * rate) / (share[there] + new)
        share[there] += new
        tissue[CHANNELS][there] += new if p.alignment == "channels" else 0.0
        tissue[COAT][there] += p.permissive * new
        tissue[GROUND][there] += p.support * (1.0 - p.permissive) * new
        tissue.set_scalar("scaffold_tick", tick)
        return represented_mm3(tissue, added)


def _lose(tissue: Any, tick: int) -> None:
    """Let all scaffolds of the cord be lost up to a tick; the first of several treatments to ask does it for all."""
    last = tissue.scalar("scaffold_tick")
    if last < 0.0 or tick <= last:
        return
    days = (tick - last) * tissue.clock.tick_h / HOURS
    there = np.flatnonzero(tissue[SHARE])
    left = np.exp(-tissue[LOSS].reshape(-1)[there] * days)
    for name in PARTS:
        tissue[name].reshape(-1)[there] *= left
    tissue.set_scalar("scaffold_tick", tick)
