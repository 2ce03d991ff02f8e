"""What several observers need of one moment of the tissue: weights, lesion, zones, living axon paths.

Everything is computed on first use and kept for the moment only. Sums run over arrays in memory order with
`np.sum`, so a number depends neither on threads nor on the order in which observers ask.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.record.paths import Forest, living_forest
from cordgraft.state.cells import CELL_VOLUME_UM3, PACKING
from cordgraft.state.extrusion import cord_area_um2
from cordgraft.state.tissue import Tissue

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

UM3_PER_MM3 = 1e9
UM2_PER_MM2 = 1e6
#: Fractions that a histologist would call lesion. Necrosis is among them: it is dead, though not yet cleared.
LESION_FRACTIONS: tuple[str, ...] = ("necrosis", "cavity", "scar", "graft", "blood")
LESION_THRESHOLD = 0.5
#: Share of oedema above which tissue counts as swollen.
OEDEMA_THRESHOLD = 0.1
#: Length over which the epicentre is averaged, and thickness of the rim, um, for rodents and for humans.
EPICENTRE_WINDOW_UM = {"rodent": 200.0, "human": 1000.0}
RIM_UM = {"rodent": 300.0, "human": 1000.0}
#: Where the delivery counts the living cells that came to rest; without it they are counted when first seen.
DELIVERED = "scalar.graft_delivered"
#: Percentile that stands for a front.
FRONT_SHARE = 0.95


@dataclass
class Memory:
    """What observers must remember from earlier ticks; part of a checkpoint.

    Attributes
    ----------
    largest_lesion : (x, y, z) bool
        Union of the lesion at all recorded times so far: its inside is the core, its border the rim's start.
    graft_edges_um : (caudal, rostral)
        Lesion edges at the first delivery of cells, um; NaN before.
    graft_tick : int
        Tick of the first delivery, -1 before.
    delivered : float
        Living cells delivered, whole cord; NaN before.
    reference_volume_mm3, last_ratio, ratio_closed
        Graft volume on the reference day of the safety bound, the ratio last judged, and whether that was final.
    broken : dict
        Last verdict on each safety bound, 1 broken.
    """

    largest_lesion: Mask
    graft_edges_um: tuple[float, float] = (math.nan, math.nan)
    graft_tick: int = -1
    delivered: float = math.nan
    reference_volume_mm3: float = math.nan
    last_ratio: float = math.nan
    ratio_closed: bool = False
    broken: dict[str, float] = field(default_factory=dict)


class Scene:
    """One moment of a tissue, seen by the observers.

    Parameters
    ----------
    tissue : Tissue
        Read, never written.
    tick : int
    memory : Memory
        Observers that judge over time write what they must remember here.
    bounds : mapping
        Declared safety bounds: name -> ``from`` and ``to`` (h after grafting) and ``at_most``.
    dividing : callable, optional
        ``(tissue, tick) -> share of cells in the cycle``, from the division process.
    """

    def __init__(
        self,
        tissue: Tissue,
        tick: int,
        memory: Memory,
        bounds: Mapping[str, Mapping[str, float]] | None = None,
        dividing: Callable[[Tissue, int], float] | None = None,
    ) -> None:
        self.dividing = dividing
        self.tissue = tissue
        self.tick = tick
        self.memory = memory
        self.bounds: Mapping[str, Mapping[str, float]] = bounds or {}
        self.lattice = tissue.lattice
        self.kind = "human" if tissue.setting.species == "human" else "rodent"

    def get(self, name: str) -> NDArray[Any] | None:
        """Return an array, or None if no active process provides it."""
        if name not in self.tissue:
            return None
        return self.tissue[name]

    def scalar(self, name: str) -> float:
        """Return ``scalar.NAME`` given by its full name, NaN if no active process provides it."""
        return float(self.tissue[name]) if name in self.tissue else math.nan

    # ---------------------------------------------------------------- geometry
    @cached_property
    def cord(self) -> Floats:
        """Share of each voxel that lies in the cord : (x, y, z)."""
        return np.where(self.tissue["map.cord"] > 0, self.tissue["map.volume"], 0.0)

    @cached_property
    def area_um2(self) -> Floats:
        """Area of the whole cord's cross-section that each voxel stands for : (x, y, z), um2; see `cord_area_um2`."""
        return cord_area_um2(self.tissue)

    @cached_property
    def volume_mm3(self) -> Floats:
        """Volume of the whole cord that each voxel stands for : (x, y, z), mm3."""
        return self.area_um2 * (self.lattice.spacing_um[2] / UM3_PER_MM3)

    @cached_property
    def section_mm2(self) -> Floats:
        """Area on the mid-sagittal plane that each voxel stands for : (x, y, z), mm2; sums over x are means."""
        _, dy, dz = self.lattice.spacing_um
        x = np.abs(self.lattice.axis_um(0))
        middle = (x <= np.min(x) * (1.0 + 1e-9)).astype(np.float64)
        share: Floats = (middle / np.sum(middle))[:, None, None] * (dy * dz / UM2_PER_MM2)
        return self.cord * share

    @cached_property
    def ventral_share(self) -> Floats:
        """Share of each row of voxels that lies ventral of the axis : (1, y, 1)."""
        dy = self.lattice.spacing_um[1]
        return np.clip((self.lattice.axis_um(1) + 0.5 * dy) / dy, 0.0, 1.0)[None, :, None]

    # ---------------------------------------------------------------- lesion
    @cached_property
    def lesion_share(self) -> Floats:
        """Dry fraction that is necrosis, cavity, scar, graft or blood : (x, y, z)."""
        total = np.zeros(self.lattice.shape)
        for name in LESION_FRACTIONS:
            total += self.tissue[f"fraction.{name}"]
        return total

    @cached_property
    def lesion(self) -> Mask:
        """Voxels of the cord that are at least half lesion : (x, y, z) bool."""
        return (self.lesion_share >= LESION_THRESHOLD) & (self.tissue["map.cord"] > 0)

    @cached_property
    def bright(self) -> Mask:
        """Voxels that look bright on a T2-weighted image, lesion or swollen : (x, y, z) bool."""
        oedema = self.get("density.oedema")
        if oedema is None:
            return self.lesion
        return self.lesion | (oedema > OEDEMA_THRESHOLD)

    @cached_property
    def bright_edges_um(self) -> tuple[float, float]:
        """Caudal and rostral edge of what looks bright, um; NaN without any; see `lesion_edges_um`."""
        return self._edges(self.bright)

    @cached_property
    def lesion_edges_um(self) -> tuple[float, float]:
        """Caudal and rostral edge of the lesion, um; NaN without one.

        The longest run of layers along the cord that hold lesion, where gaps shorter than the epicentre window
        do not end a run: a few graft cells far away are not the lesion.
        """
        return self._edges(self.lesion)

    @cached_property
    def edges_without_graft_um(self) -> tuple[float, float]:
        """Caudal and rostral edge of the lesion that the graft was put into, um; the primary one if there is none."""
        share = self.lesion_share - self.tissue["fraction.graft"]
        edges = self._edges((share >= LESION_THRESHOLD) & (self.tissue["map.cord"] > 0))
        return edges if not math.isnan(edges[0]) else self.primary_edges_um

    def _edges(self, lesion: Mask) -> tuple[float, float]:
        layers = np.flatnonzero(np.any(lesion, axis=(0, 1)))
        if layers.size == 0:
            return (math.nan, math.nan)
        dz = self.lattice.spacing_um[2]
        allowed = max(1, int(EPICENTRE_WINDOW_UM[self.kind] / dz + 1e-9))
        breaks = np.flatnonzero(np.diff(layers) > allowed)
        starts = layers[np.concatenate(([0], breaks + 1))]
        stops = layers[np.concatenate((breaks, [layers.size - 1]))]
        best = int(np.argmax(stops - starts))
        z = self.lattice.axis_um(2)
        return (float(z[starts[best]] - 0.5 * dz), float(z[stops[best]] + 0.5 * dz))

    @cached_property
    def primary_edges_um(self) -> tuple[float, float]:
        """Caudal and rostral edge of the primary lesion as the injury left it, um; NaN before it."""
        caudal, rostral = self.scalar("scalar.lesion_caudal_um"), self.scalar("scalar.lesion_rostral_um")
        return (caudal, rostral) if rostral > caudal else (math.nan, math.nan)

    @cached_property
    def white_by_layer(self) -> tuple[Floats, Floats]:
        """White matter now and before the injury per layer along the cord, with area weights : (z,) each, um2."""
        return self._white_by_layer(np.ones((1, 1, 1)))

    def _white_by_layer(self, share: Floats, layers: slice = slice(None)) -> tuple[Floats, Floats]:
        weight = self.area_um2[:, :, layers] * share
        now = np.sum(weight * self.tissue["fraction.white"][:, :, layers], axis=(0, 1))
        before = np.sum(weight * self.tissue["map.white"][:, :, layers], axis=(0, 1))
        return now, before

    @cached_property
    def window_layers(self) -> int:
        """Number of layers that the epicentre is averaged over."""
        layers = round(EPICENTRE_WINDOW_UM[self.kind] / self.lattice.spacing_um[2])
        return min(max(1, layers), self.lattice.shape[2])

    @cached_property
    def epicentre_layer(self) -> int | None:
        """First layer of the window with the least spared white matter inside the lesion; None before the injury.

        The search runs over windows whose middle lies in the lesion, or in the primary lesion where no voxel is
        half lesion; of equal ones the window nearest to the middle of the lesion is taken.
        """
        edges = self.lesion_edges_um if not math.isnan(self.lesion_edges_um[0]) else self.primary_edges_um
        if math.isnan(edges[0]):
            return None
        now, before = (_running_sum(values, self.window_layers) for values in self.white_by_layer)
        z = self.lattice.axis_um(2)
        middle = 0.5 * (z[: now.size] + z[self.window_layers - 1 :])
        inside = (middle >= edges[0]) & (middle <= edges[1]) & (before > 0.0)
        if not np.any(inside):
            inside = before > 0.0
            if not np.any(inside):
                return None
        spared = np.where(inside, now / np.where(before > 0.0, before, 1.0), np.inf)
        # Sums of one window differ from the next by rounding alone where both are alike.
        tied = spared <= np.min(spared) + 1e-12
        distance = np.where(tied, np.abs(middle - 0.5 * (edges[0] + edges[1])), np.inf)
        return int(np.argmin(distance))

    def spared_white(self, share: Floats) -> float:
        """Return spared white matter at the epicentre over that before the injury, in a part of the cross-section.

        Parameters
        ----------
        share : array that broadcasts to (x, y, z)
            Part of each voxel that counts.
        """
        if self.epicentre_layer is None:
            return math.nan
        layers = slice(self.epicentre_layer, self.epicentre_layer + self.window_layers)
        now, before = self._white_by_layer(share, layers)
        total = float(np.sum(before))
        return float(np.sum(now)) / total if total > 0.0 else math.nan

    # ---------------------------------------------------------------- zones
    @cached_property
    def core(self) -> Mask:
        """Inside of the largest lesion so far : (x, y, z) bool."""
        return self.memory.largest_lesion

    @cached_property
    def rim(self) -> Mask:
        """Cord outside the core whose voxel centre is within the rim's thickness of the core : (x, y, z) bool."""
        if not np.any(self.core):
            return np.zeros(self.lattice.shape, dtype=bool)
        from scipy.ndimage import distance_transform_edt

        width = RIM_UM[self.kind]
        # Only the surroundings can be rim: the transform is the dearest thing an observer does.
        layers = np.flatnonzero(np.any(self.core, axis=(0, 1)))
        reach = int(width / self.lattice.spacing_um[2]) + 2
        part = slice(max(0, int(layers[0]) - reach), int(layers[-1]) + reach + 1)
        outside = ~self.core[:, :, part]
        distance = distance_transform_edt(outside, sampling=self.lattice.spacing_um)
        found = np.zeros(self.lattice.shape, dtype=bool)
        found[:, :, part] = outside & (distance <= width * (1.0 + 1e-9))
        return found & (self.tissue["map.cord"] > 0)

    def zone_mean(self, zone: Mask, name: str) -> float:
        """Return the volume-weighted mean of an array over a zone; NaN if the zone is empty or nobody provides it."""
        array = self.get(name)
        total = float(np.sum(self.volume_mm3[zone]))
        if array is None or not total > 0.0:
            return math.nan
        return float(np.sum(array[zone] * self.volume_mm3[zone])) / total

    # ---------------------------------------------------------------- agents
    @cached_property
    def delivered(self) -> float:
        """Living cells delivered so far, whole cord; NaN before the first delivery."""
        if self.memory.graft_tick < 0:
            return math.nan
        counted = self.scalar(DELIVERED)
        return counted if counted > 0.0 else self.memory.delivered

    @cached_property
    def cell_z_um(self) -> Floats:
        """Place of each grafted cell along the cord : (n,), um (centre of its voxel)."""
        z: Floats = self.lattice.axis_um(2)[self.tissue.cells["site"] % self.lattice.shape[2]]
        return z

    @property
    def cell_volume_mm3(self) -> float:
        """Room that one living cell takes up in packed tissue, mm3."""
        return CELL_VOLUME_UM3 / PACKING / UM3_PER_MM3

    @cached_property
    def forest(self) -> Forest:
        """Living axon paths with their growing tips."""
        return living_forest(self.tissue)


def _running_sum(values: Floats, window: int) -> Floats:
    """Return the sums of `window` neighbours : (n - window + 1,)."""
    return np.sum(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)


def total_of(values: NDArray[Any]) -> float:
    """Return the sum of a column of agents, to the last bit whatever the order of the rows.

    The order says only when a table was sorted last; that of the values is the same for all orders of the rows.
    """
    return float(np.sum(np.sort(values)))


def percentile(values: Floats, weights: Floats, share: float = FRONT_SHARE) -> float:
    """Return the smallest value at or below which at least `share` of the weight lies; NaN without weight.

    Parameters
    ----------
    values, weights : (n,) float64
    """
    total = total_of(weights)
    if values.size == 0 or not total > 0.0:
        return math.nan
    order = np.lexsort((weights, values))
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, share * total * (1.0 - 1e-12)))
    return float(values[order][min(index, values.size - 1)])
