"""Host fibres: where they run, how the injury severs or swells them, and how far their stumps die back.

What is modelled
----------------
*Fibres.* In its first step the process lays out a sample of the fibres of five tracts, each a line along the
cord at a relative radius ``rho`` and angle ``phi`` that differ between rodents and people (`PLACES`). In a
section a fibre at ``(rho, phi)`` is put on the ventral radius with probability ``(1 + sin phi)/2``, else on the
dorsal one; its true distance out of the section stays with it (``fibre.lateral_um``). A simulated fibre stands
for (number of fibres of the tract) / (simulated fibres of the tract) real ones.

*Severing.* The share ``f`` of fibres that is severed in a voxel follows from what is dead there::

    dead = max(impact, 1 - (white + grey)/(white + grey before))
    f = 1 - (1 - dead)(1 - c sigma)

``sigma`` the local severity and ``c`` the shear of tissue that survives. A fibre withstands up to its own
threshold, a uniform number in (0, 1), and is severed in the first voxel from its soma where ``f`` exceeds it: at
the impact, or later when its tissue dies. Damage along one fibre is thus wholly correlated: the worst place counts.

*Swelling.* A struck fibre that is not severed swells at a rate that fades out with the impact and with the time ``t``
since it was struck::

    rate = 1.6/d z e^(-t/0.7 d),   z = sigma^2/(sigma^2 + 0.1^2)

Swollen fibres leave that state at 1/4 per day: 43 % resolve, the rest break and are severed. A swollen fibre does not
conduct.

*Die-back.* A severed end recedes 300 um at once, then at ``60 um/d x q x M1``, ``M1`` = density of pro-inflammatory
macrophages at the stump, ``q`` its own factor, even over 1 +- 0.5. A stump that has left the macrophages behind, or
that they have left, rests (dormant): how far fibres die back is an outcome. Fibres that had regrown and are cut
again nearer to the soma lose what they had grown.

Symbols: rho 1; phi rad; impact, sigma, f 1; M1 1 (1 = a saturated voxel); times d; lengths um.

Sources
-------
43 % of spheroids resolve: two-photon imaging of a mild mouse contusion, 2022 (abstract read; see the parameter).
300 um within an hour: Kerschensteiner 2005 (recalled). Macrophages drive the later die-back: Horn 2008 (recalled).
To compare with: stumps of rats recede 0.3-1 mm; this distance enters nowhere. More than 95 % of the rodent
corticospinal tract dorsal: Weidner 2001, PMC30684 (read). Depths within the tracts recalled; angles, fibre numbers,
the shear and all time constants assumed.

What is left out
----------------
Calibre and sheath of a fibre (see `myelin`; here every intact fibre conducts fully), degeneration of the far piece as
a source of debris, death of the cell body, fibres that cross or branch, and any tract not in the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import count, quantity
from cordgraft.core.streams import Stream
from cordgraft.state.axons import ASCENDING, HOST_TRACTS, AxonState, Tract

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue


class Place(NamedTuple):
    """Where a tract runs: angles in degrees (ventral 90, dorsal -90, both sides alike) and relative radii."""

    phi: tuple[float, float]
    rho: tuple[float, float]


_VENTRAL = Place((15.0, 90.0), (0.6, 1.0))
_AROUND_GREY = Place((-90.0, 90.0), (0.4, 0.7))
_DORSAL_MIDLINE = Place((-90.0, -75.0), (0.3, 1.0))
_VENTROLATERAL = Place((20.0, 55.0), (0.8, 1.0))
#: Anatomy, not tuned: radii of lumbar and sacral fibres and the side recalled, width of the angles assumed.
PLACES: dict[str, dict[Tract, Place]] = {
    "rodent": {
        Tract.CORTICOSPINAL: Place((-90.0, -78.0), (0.2, 0.4)),  # base of the dorsal columns
        Tract.RETICULOSPINAL: _VENTRAL,
        Tract.PROPRIOSPINAL: _AROUND_GREY,
        Tract.GRACILE: _DORSAL_MIDLINE,
        Tract.SPINOTHALAMIC: _VENTROLATERAL,
    },
    "human": {
        Tract.CORTICOSPINAL: Place((-35.0, -5.0), (0.55, 0.95)),  # lateral
        Tract.RETICULOSPINAL: _VENTRAL,
        Tract.PROPRIOSPINAL: _AROUND_GREY,
        Tract.GRACILE: _DORSAL_MIDLINE,
        Tract.SPINOTHALAMIC: _VENTROLATERAL,
    },
}


def _number(rodent: float, human: float, what: str) -> Any:
    return quantity(
        rodent,
        "axons",
        f"number of {what} fibres in the cord at the level of the injury",
        bounds=(1.0, 1e8),
        evidence="assumed",
        presets={"human": human},
    )


class AxonInjury(Process):
    """Lays out host fibres; severs, swells and shortens them."""

    name = "axon_injury"
    phase = Phase.MILIEU
    period_h = 6.0
    reads = (
        "map.cord",
        "map.white",
        "map.grey",
        "map.impact",
        "map.severity",
        "fraction.white",
        "fraction.grey",
        "density.macrophages_pro",
        "fibre.*",
        "cone.*",
        "segment.*",
        "synapse.*",
    )
    writes = ("fibre.*", "cone.*", "segment.*", "synapse.lost_tick")
    streams = (Stream.FIBRE_PLACE, Stream.FIBRE_INJURY, Stream.FIBRE_FATE, Stream.CAPACITY)
    essential = True

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Numbers of fibres, vulnerability and die-back."""

        corticospinal_simulated: int = count(240, "simulated corticospinal fibres", bounds=(0, 100000))
        reticulospinal_simulated: int = count(
            360, "simulated reticulospinal, vestibulospinal and raphespinal fibres", bounds=(0, 100000)
        )
        propriospinal_simulated: int = count(240, "simulated descending propriospinal fibres", bounds=(0, 100000))
        gracile_simulated: int = count(160, "simulated fibres of the gracile tract", bounds=(0, 100000))
        spinothalamic_simulated: int = count(160, "simulated spinothalamic fibres", bounds=(0, 100000))
        corticospinal_fibres: float = _number(1e5, 1e6, "corticospinal")
        reticulospinal_fibres: float = _number(5e4, 2e5, "reticulospinal, vestibulospinal and raphespinal")
        propriospinal_fibres: float = _number(1e5, 1e6, "descending propriospinal")
        gracile_fibres: float = _number(3e4, 3e5, "gracile")
        spinothalamic_fibres: float = _number(1e4, 1e5, "spinothalamic")
        shear: float = quantity(
            0.3,
            "1",
            "share of fibres that a full-strength impact severs in tissue that it does not kill",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        swelling_rate: float = quantity(
            1.6,
            "1/d",
            "rate at which struck fibres swell just after the impact",
            bounds=(0.0, 50.0),
            evidence="assumed",
        )
        swelling_time: float = quantity(
            0.7, "d", "time constant with which that rate fades", bounds=(0.01, 30.0), evidence="assumed"
        )
        swelling_half_severity: float = quantity(
            0.1, "1", "local severity at which the rate is halved", bounds=(1e-6, 1.0), evidence="assumed"
        )
        swollen_time: float = quantity(
            4.0, "d", "mean time for which a fibre stays swollen", bounds=(0.1, 60.0), evidence="assumed"
        )
        swollen_resolving: float = quantity(
            0.43,
            "1",
            "share of swollen fibres that recover; the others break",
            bounds=(0.0, 1.0),
            evidence="read",
            source="two-photon imaging of mice, 30 kdyn at T12, 2022 (abstract: physiciansweekly.com/?p=139246)",
        )
        acute_degeneration: float = quantity(
            300.0,
            "um",
            "length that a severed end loses within the hour",
            bounds=(0.0, 5000.0),
            cited=(200.0, 500.0),
            evidence="recalled",
            source="Kerschensteiner 2005",
            row="acute_axonal_degeneration_distance",
        )
        dieback_rate: float = quantity(
            60.0,
            "um/d",
            "speed of die-back where pro-inflammatory macrophages saturate the tissue",
            bounds=(0.0, 2000.0),
            evidence="assumed",
        )
        dieback_floor: float = quantity(
            0.02,
            "1",
            "density of pro-inflammatory macrophages below which a stump rests",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        dieback_spread: float = quantity(
            0.5,
            "1",
            "how far the speed of die-back of single fibres lies above or below the mean",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        capacity_spread: float = quantity(
            0.7,
            "1",
            "standard deviation of the logarithm of growth capacity between fibres",
            bounds=(0.0, 3.0),
            evidence="assumed",
        )

    def __init__(self, params: Any = None, label: str = "") -> None:
        super().__init__(params, label)
        self._outline: Any = None

    def prepare(self, tissue: Tissue) -> None:
        """Measure the outline of the cord layer by layer (static)."""
        self._outline = outline_of(tissue)

    def step(self, tissue: Tissue, key: Key) -> None:
        """Lay out the fibres if there are none yet, then carry them through one period."""
        if not (tissue["fibre.origin"] == 0).any():
            self._lay_out(tissue, key)
        self._injure(tissue, key)

    # ------------------------------------------------------------------------------ laying out
    def _lay_out(self, tissue: Tissue, key: Key) -> None:
        from cordgraft.kernels.random import normals, uniforms

        species = "human" if tissue.setting.species == "human" else "rodent"
        seed, spread = tissue.setting.seed, self.params.dieback_spread
        for tract in HOST_TRACTS:
            name = tract.name.lower()
            rows = int(getattr(self.params, f"{name}_simulated"))
            if rows == 0:
                continue
            place = PLACES[species][tract]
            # The tract in the high word: more fibres of one tract renumber no other.
            ids = (np.uint64(int(tract) + 1) << np.uint64(32)) + np.arange(1, rows + 1, dtype=np.uint64)
            draws = [uniforms(seed, ids, key.tick, Stream.FIBRE_PLACE, block) for block in range(4)]
            low, high = place.rho
            rho = np.sqrt(low * low + draws[0] * (high * high - low * low))  # even over the area
            phi = np.deg2rad(place.phi[0] + draws[1] * (place.phi[1] - place.phi[0]))
            lateral = np.zeros(rows)
            if tissue.lattice.is_section:
                lateral = 0.5 * tissue.setting.cord_diameter_um[0] * rho * np.cos(phi)
                phi = np.where(draws[2] < 0.5 * (1.0 + np.sin(phi)), 0.5 * np.pi, -0.5 * np.pi)
            else:
                phi = np.where(draws[3] < 0.5, phi, np.pi - phi)  # either side of the midline
            direction = 1 if tract in ASCENDING else -1
            added = tissue.fibres.add(
                rows,
                id=ids,
                tract=int(tract),
                origin=0,
                state=int(AxonState.INTACT),
                weight=getattr(self.params, f"{name}_fibres") / rows,
                direction=direction,
                rho=rho,
                phi=phi,
                lateral_um=lateral,
                threshold=uniforms(seed, ids, key.tick, Stream.FIBRE_INJURY, 0),
                frailty=1.0 + spread * (2.0 * uniforms(seed, ids, key.tick, Stream.FIBRE_INJURY, 2) - 1.0),
                capacity=np.exp(self.params.capacity_spread * normals(seed, ids, key.tick, Stream.CAPACITY)),
                conducting=1.0,
            )
            self._lay_paths(tissue, np.arange(added.start, added.stop), direction, key.tick)

    def _lay_paths(self, tissue: Tissue, rows: np.ndarray[Any, Any], direction: int, tick: int) -> None:
        """Give each fibre a first and a last point, at the ends of the lattice."""
        lattice = tissue.lattice
        half = 0.5 * lattice.extent_um[2]
        middle = lattice.origin_um[2] + 0.5 * (lattice.shape[2] - 1) * lattice.spacing_um[2]
        for end in (-direction, direction):
            z = np.full(rows.size, middle + end * half)
            x, y = places_of(tissue, rows, z, self._outline)
            first = end == -direction
            parent = -1 if first else tissue["fibre.root"][rows]
            added = tissue.segments.add(rows.size, parent=parent, fibre=rows, x=x, y=y, z=z, laid_tick=tick)
            tissue["fibre.root" if first else "fibre.stump"][rows] = np.arange(added.start, added.stop)
        tissue["fibre.stump_um"][rows] = z
        x, y = places_of(tissue, rows, np.zeros(rows.size), self._outline)
        tissue["fibre.x_um"][rows], tissue["fibre.y_um"][rows] = x, y

    # --------------------------------------------------------------------------------- injuring
    def _injure(self, tissue: Tissue, key: Key) -> None:
        from cordgraft.kernels import fibre as kernels
        from cordgraft.kernels.compile import run_blocks

        hurt = self._hurt(tissue)
        table = tissue.fibres
        event = np.zeros(len(table), dtype=np.uint8)
        p = self.params
        harm = kernels.Harm(
            p.swelling_rate,
            p.swelling_time,
            p.swelling_half_severity,
            p.swollen_time,
            p.swollen_resolving,
            p.acute_degeneration,
            p.dieback_rate,
            p.dieback_floor,
            50.0,  # length of die-back after which the path log gets a new end point, um
        )
        view = table.view(kernels.Fibres)
        run_blocks(
            kernels.injure_all, len(table), view, hurt, self._outline, harm, key, tissue.clock.tick_h, event
        )
        cut = np.flatnonzero(event == kernels.CUT)
        if cut.size:
            drop_outgrowth(tissue, cut, key.tick)
        moved = np.flatnonzero(event != kernels.NOTHING)
        if moved.size:
            self._log_stumps(tissue, moved, key.tick)

    def _hurt(self, tissue: Tissue) -> Any:
        from cordgraft.kernels import fibre as kernels
        from cordgraft.kernels.compile import run_blocks

        names = ("map.cord", "map.impact", "map.severity", "fraction.white", "fraction.grey", "map.white", "map.grey")
        losses = kernels.Losses(*(tissue[name].reshape(-1) for name in names))
        damage = np.zeros(tissue.lattice.shape)
        run_blocks(kernels.lose_all, damage.size, losses, float(self.params.shear), damage.reshape(-1))
        severity = tissue["map.severity"]
        hit = np.flatnonzero((damage.max(axis=(0, 1)) > 0.0) | (severity.max(axis=(0, 1)) > 0.0))
        low, high = (int(hit[0]), int(hit[-1])) if hit.size else (1, 0)
        return kernels.Hurt(damage, severity, tissue["density.macrophages_pro"], low, high)

    def _log_stumps(self, tissue: Tissue, rows: np.ndarray[Any, Any], tick: int) -> None:
        """End the living old path of each fibre at its present stump."""
        z = tissue["fibre.stump_um"][rows]
        x, y = places_of(tissue, rows, z, self._outline)
        tissue["segment.lost_tick"][tissue["fibre.stump"][rows]] = tick
        added = tissue.segments.add(
            rows.size, parent=tissue["fibre.root"][rows], fibre=rows, x=x, y=y, z=z, laid_tick=tick
        )
        tissue["fibre.stump"][rows] = np.arange(added.start, added.stop)


def outline_of(tissue: Tissue) -> Any:
    """Return the middle and half-diameters of the cord per layer, less half a voxel, as a kernel `Outline`."""
    from cordgraft.kernels.fibre import Outline

    lattice = tissue.lattice
    cord = tissue["map.cord"]
    columns = []
    for axis, others in ((0, 1), (1, 0)):
        occupied = cord.any(axis=others)  # (n, z)
        centres = lattice.axis_um(axis)[:, None]
        low = np.where(occupied, centres, np.inf).min(axis=0)
        high = np.where(occupied, centres, -np.inf).max(axis=0)
        empty = ~occupied.any(axis=0)
        columns.append((np.where(empty, 0.0, 0.5 * (low + high)), np.where(empty, 0.0, 0.5 * (high - low))))
    (middle_x, half_x), (middle_y, half_y) = columns
    grid = (*lattice.origin_um, *lattice.spacing_um)
    return Outline(middle_x, middle_y, half_x, half_y, cord, grid)


def places_of(tissue: Tissue, rows: Any, z_um: Any, outline: Any) -> tuple[Any, Any]:
    """Return where the fibres of some rows run at the heights `z_um` : x, y (n,) um."""
    from cordgraft.kernels import fibre as kernels

    chosen = kernels.Fibres(*(tissue[f"fibre.{name}"][rows] for name in kernels.Fibres._fields))
    x, y = np.empty(rows.size), np.empty(rows.size)
    kernels.fill_places(0, rows.size, chosen, outline, np.ascontiguousarray(z_um), x, y)
    return x, y


def drop_outgrowth(tissue: Tissue, rows: Any, tick: int) -> None:
    """Mark as lost whatever the fibres of some rows had grown: path points, cones and synapses."""
    gone = np.zeros(len(tissue.fibres), dtype=np.bool_)
    gone[rows] = True
    segment = tissue["segment.lost_tick"]
    segment[gone[tissue["segment.fibre"]] & (tissue["segment.grown"] == 1) & (segment < 0)] = tick
    synapse = tissue["synapse.lost_tick"]
    synapse[gone[tissue["synapse.fibre"]] & (synapse < 0)] = tick
    tissue["fibre.connected_tick"][rows] = -1
    tissue.cones.keep(~gone[tissue["cone.fibre"]])
