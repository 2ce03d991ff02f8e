"""Injury: what the impact kills, what it leaves at risk, where blood flows and where inflammation begins.

Acts once, at tick 0. Positions in the cross-section are elliptic: ``rho`` from 0 (axis) to 1 (pia), `y` from -1
(dorsal) to 1 (ventral); `b` is half the antero-posterior diameter, and depths are in units of it.

**Core.** Contusion and compression kill an ellipsoid round a centre that for the impactors of the
laboratory lies 0.1 b dorsally (in people in the middle; no more than the rim is thick: an offset moves rim from one
side to the other)::

    rho' < (1 - r) sqrt(1 - (z/z_L)^2),   r = max(0, r_0 + 0.45 (1 - sigma E) + SD xi)

``rho'`` and ``z`` across and along the cord from that centre, ``z_L`` half of `primary_length` times the cube root
of ``E``; ``r`` the relative thickness of the spared rim; ``sigma`` the severity (`sigma_mild` and so on), ``E`` the
energy of this subject, ``r_0`` (`rim_base`) zero in rodents and by level in people, ``SD`` `rim_spread`, ``xi`` a
standard normal number. Where the scenario states ``primary_spared_white_matter``, the core is instead as wide as
makes the white matter that survives in the plane of the epicentre have that share, by the area weights of the whole
cord (a section: distance from the axis; a volume: voxels), and then ``1 - share`` is multiplied by E. Crush kills
the same disc for ``|z| < z_L`` (by default all of it), transection everything there, dorsal and lateral hemisection
the part beyond a plane. Across the surface of the core the killed share of white matter falls from 1 to 0 over the
depth `edge` (a twentieth of half the cord for cuts; at least a voxel), that of grey matter is 1.5 times as large;
``z_L`` counts to the middle of that zone, and `r` is understood as the share of white matter that a sharp core
would spare, so that ``r = 0`` spares nothing.

**Round the core**, by the depth `e` beyond it: the share of surviving tissue that is at risk, the local severity,
which starts the damage signal, and the share of dead grey matter that becomes blood (half of it in white matter)::

    at risk  = min(1, 1.3 sigma E) (1 - e/0.8)                zero beyond e = 0.8
    severity = sigma E min(1, (0.4 + 1 - e)/1)^2              full up to e = 0.4, zero beyond 1.4
    blood    = 0.3 s^4/(s^4 + 0.6^4),   s = sigma E

with `at_risk_share`, `at_risk_reach`, `rim_depth`, `milieu_reach` and `haemorrhage`. The vessels of the core and the
rim are lost by `vessels`, which reads ``map.impact`` and ``map.severity``.

**From a patient's scan.** Where the lattice carries a lesion mask (``map.lesion_mask``), the dead core is the
mask: ``impact`` is the share of the voxel inside it, and nothing is at risk, because whatever was going to die
by the day of the scan is in the mask already. The run starts at tick 0 with this core and reaches the day of the
scan by its own rules: immune cells, debris, scar, vessels and the share of cavity at that day are what the model
makes of a lesion of this shape, while the border of the dead tissue stays where the scanner saw it. Type, length,
place, rim and offset are not used; severity sets the strength of the inflammation. Swelling in the mask is counted as
dead tissue: a mask from a scan of the first weeks is an upper bound.

Sources: dorsal funiculus and horns go first, ventral funiculus last (PMID 34856301, read). All numbers are
assumed: the rim law, the offset, the fragility of grey matter and the shares, since nobody has measured the first
hour; primary length and spared share too, since only the final lesion has been measured, and that is an outcome.

Left out: mechanics of the impact, level and direction of displacement, a second injury, blood in the
fluid space.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision, TransferSpec
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, quantity
from cordgraft.core.problems import BadInput, Problem
from cordgraft.core.streams import Stream
from cordgraft.state.tissue import Tissue

Array = NDArray[Any]

#: Severity of half haemorrhage and its steepness; the same law ruptures the vessels round the core.
_HAEMORRHAGE_HALF, _HAEMORRHAGE_POWER = 0.6, 4.0
#: Largest relative size of the core that a search for the spared share may reach (2: the whole depth).
_LARGEST = 4.0
#: Depth over which the killed share falls to zero at the face of a cut.
_CUT_EDGE = 0.05


class Injury(Process):
    """Kill the core, mark what is at risk and start the inflammation, at tick 0."""

    name = "injury"
    phase = Phase.TREAT
    period_h = 1.0
    section = "injury"
    essential = True
    provides = Provision(
        arrays=(
            ArraySpec("map.impact", "1", "share of the tissue killed by the impact", bounds=(0.0, 1.0)),
            ArraySpec("map.severity", "1", "local severity of the injury", bounds=(0.0, 10.0)),
            ArraySpec("scalar.epicentre_um", "um", "middle of the injury along the cord"),
            ArraySpec("scalar.lesion_rostral_um", "um", "rostral edge of the primary lesion"),
            ArraySpec("scalar.lesion_caudal_um", "um", "caudal edge of the primary lesion"),
        ),
        transfers=(
            TransferSpec("white", "necrosis"),
            TransferSpec("grey", "necrosis"),
            TransferSpec("white", "blood"),
            TransferSpec("grey", "blood"),
        ),
    )
    reads = (
        "map.cord",
        "map.volume",
        "map.white",
        "map.rho",
        "map.ventral",
        "map.lesion_mask",
        "fraction.white",
        "fraction.grey",
        "scalar.subject_energy",
        "scalar.subject_variation",
    )
    writes = (
        "map.impact",
        "map.severity",
        "scalar.epicentre_um",
        "scalar.lesion_rostral_um",
        "scalar.lesion_caudal_um",
        "density.damage",
        "density.at_risk_white",
        "density.at_risk_grey",
    )
    deposits = (
        "transfer.white>necrosis",
        "transfer.grey>necrosis",
        "transfer.white>blood",
        "transfer.grey>blood",
    )
    streams = (Stream.INJURY,)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Kind, severity, size and place of the injury."""

        type: str = choice(
            "contusion",
            ("contusion", "compression", "crush", "dorsal_hemisection", "transection", "lateral_hemisection"),
            "kind of injury; a lateral hemisection (of the left side) needs a volume",
        )
        severity: str = choice(
            "moderate",
            ("mild", "moderate", "severe", "complete"),
            "how hard the cord was hit",
        )
        primary_length: float = quantity(
            1000.0,
            "um",
            "length that is dead within the hour, for the mean subject",
            bounds=(20.0, 2e5),
            evidence="assumed",
            presets={"mouse": 1000.0, "rat": 4000.0, "human": 12000.0},
        )
        primary_spared_white_matter: float | None = quantity(
            None,
            "1",
            "share of white matter that survives the impact at the epicentre, for the mean subject; where it is "
            "not given it follows from the severity",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        position: float = quantity(
            0.0,
            "um",
            "place of the epicentre along the cord, rostral positive",
            bounds=(-2e5, 2e5),
            evidence="assumed",
        )
        dorsal_offset: float | None = quantity(
            None,
            "1",
            "how far the centre lies dorsally, in half depths of the cord; not given: 0.1 for a contusion, else 0",
            bounds=(-1.0, 1.0),
            evidence="assumed",
            presets={"human": 0.0},
        )
        sigma_mild: float = quantity(
            0.5, "1", "severity number of a mild injury", bounds=(0.01, 2.0), evidence="assumed"
        )
        sigma_moderate: float = quantity(
            0.75, "1", "severity number of a moderate injury", bounds=(0.01, 2.0), evidence="assumed"
        )
        sigma_severe: float = quantity(
            0.9, "1", "severity number of a severe injury", bounds=(0.01, 2.0), evidence="assumed"
        )
        sigma_complete: float = quantity(
            1.0, "1", "severity number of a complete injury", bounds=(0.01, 2.0), evidence="assumed"
        )
        rim_base: float = quantity(
            0.0,
            "1",
            "relative thickness of the rim that a complete injury spares, before it is cut off at zero",
            bounds=(-1.0, 1.0),
            evidence="assumed",
            presets={"human": 0.06, "human_cervical": 0.06, "human_thoracic": -0.08, "human_thoracolumbar": -0.04},
        )
        rim_slope: float = quantity(
            0.45,
            "1",
            "thickening of the rim as the severity falls from one to zero",
            bounds=(0.0, 2.0),
            evidence="assumed",
        )
        rim_spread: float = quantity(
            0.04,
            "1",
            "standard deviation of the rim beyond that of the energy",
            bounds=(0.0, 1.0),
            evidence="assumed",
            presets={"human": 0.074},
        )
        offset_spread: float = quantity(
            0.04,
            "1",
            "standard deviation of the dorsal offset",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        grey_factor: float = quantity(
            1.5,
            "1",
            "loss of grey over that of white matter",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )
        edge: float = quantity(
            0.3,
            "1",
            "depth over which the killed share of a contusion falls to zero, in half depths of the cord",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        at_risk_share: float = quantity(
            1.3,
            "1",
            "share of the tissue round the core that is at risk, per unit of severity",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )
        at_risk_reach: float = quantity(
            0.8,
            "1",
            "depth of the tissue at risk, in half depths of the cord",
            bounds=(0.01, 10.0),
            evidence="assumed",
        )
        rim_depth: float = quantity(
            0.4,
            "1",
            "depth of the rim that has the severity of the core, in half depths of the cord",
            bounds=(0.0, 10.0),
            evidence="assumed",
        )
        milieu_reach: float = quantity(
            1.0,
            "1",
            "depth over which inflammation falls to nothing beyond the rim, in half depths of the cord",
            bounds=(0.01, 20.0),
            evidence="assumed",
        )
        haemorrhage: float = quantity(
            0.3,
            "1",
            "share of dead grey matter that is blood after the hardest impact",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )

        def sigma(self) -> float:
            """Return the severity number of the mean subject."""
            return float(getattr(self, f"sigma_{self.severity}"))

    def step(self, tissue: Tissue, key: Key) -> None:
        """Injure the cord at tick 0; do nothing later.

        Raises
        ------
        BadInput
            For a lateral hemisection in a section, a transection that spares white matter, or an epicentre
            that lies outside the cord.
        """
        if key.tick != 0:
            return
        energy = tissue.scalar("subject_energy")
        sigma = self.params.sigma() * energy
        mask = tissue["map.lesion_mask"]
        if mask.any():
            epicentre = 0.0  # the lattice is centred on the mask
            impact, depth = mask.copy(), depth_round_mask(tissue)
            at_risk = np.zeros(tissue.lattice.shape)
            grey_factor = 1.0  # the mask says how much of the voxel is dead, whatever it consisted of
        else:
            epicentre = self.params.position
            shape = CoreShape.of(self.params, tissue, key.seed)
            depth = shape.depth(tissue)
            impact = killed_share(depth, shape.edge)
            reach = self.params.at_risk_reach
            fall = np.clip(1.0 - depth / reach, 0.0, 1.0)
            at_risk = min(1.0, self.params.at_risk_share * sigma) * fall
            grey_factor = self.params.grey_factor
        self._write(tissue, impact, grey_factor, depth, at_risk, sigma)
        tissue.set_scalar("epicentre_um", epicentre)

    def event(self, tissue: Tissue, tick: int) -> str:
        """Return kind, severity and reach of the primary damage, at tick 0."""
        if tick != 0:
            return ""
        edges = (tissue.scalar("lesion_rostral_um"), tissue.scalar("lesion_caudal_um"))
        if tissue["map.lesion_mask"].any():
            kind = "lesion mask of a scan"
        else:
            kind = f"{self.params.type}, {self.params.severity}".replace("_", " ")
        return f"{kind}: primary lesion from {edges[0] / 1e3:+.2f} to {edges[1] / 1e3:+.2f} mm (rostral positive)"

    def _write(
        self, tissue: Tissue, impact: Array, grey_factor: float, depth: Array, at_risk: Array, sigma: float
    ) -> None:
        inside = tissue["map.cord"] != 0
        white, grey = tissue["fraction.white"], tissue["fraction.grey"]
        dead_white = np.where(inside, impact, 0.0)
        dead_grey = np.minimum(1.0, grey_factor * dead_white)
        power = sigma**_HAEMORRHAGE_POWER
        bleeding = self.params.haemorrhage * power / (power + _HAEMORRHAGE_HALF**_HAEMORRHAGE_POWER)
        for kind, living, dead, blood in (
            ("white", white, dead_white, 0.5 * bleeding),
            ("grey", grey, dead_grey, bleeding),
        ):
            lost = dead * living
            tissue[f"transfer.{kind}>necrosis"][...] += (1.0 - blood) * lost
            tissue[f"transfer.{kind}>blood"][...] += blood * lost
            if f"density.at_risk_{kind}" in tissue:
                tissue[f"density.at_risk_{kind}"][...] = np.where(inside, at_risk * (living - lost), 0.0)
        living = white + grey
        killed = dead_white * white + dead_grey * grey
        tissue["map.impact"][...] = np.divide(killed, living, out=np.zeros_like(killed), where=living > 0.0)
        rim, reach = self.params.rim_depth, self.params.milieu_reach
        fade = np.clip((rim + reach - depth) / reach, 0.0, 1.0)
        severity = np.where(inside, sigma * fade**2, 0.0)
        tissue["map.severity"][...] = severity
        if "density.damage" in tissue:
            tissue["density.damage"][...] = severity
        layers = np.flatnonzero((tissue["map.impact"] >= 0.5).any(axis=(0, 1)))
        z, half = tissue.lattice.axis_um(2), 0.5 * tissue.lattice.spacing_um[2]
        if layers.size:
            caudal, rostral = z[layers[0]] - half, z[layers[-1]] + half
        else:
            caudal = rostral = self.params.position
        tissue.set_scalar("lesion_caudal_um", float(caudal))
        tissue.set_scalar("lesion_rostral_um", float(rostral))


@dataclass(frozen=True)
class CoreShape:
    """The dead core of one subject; lengths in um, `size`, `offset` and `edge` in half depths of the cord.

    The surface of the core is where half of the white matter dies. `size` is its radius at the epicentre, or
    the depth of the cut of a hemisection.
    """

    type: str
    position_um: float
    half_length_um: float
    size: float
    offset: float
    edge: float

    @classmethod
    def of(cls, params: Injury.Params, tissue: Tissue, seed: int) -> CoreShape:
        """Draw the core of this subject."""
        from cordgraft.kernels.random import normals

        if params.type == "lateral_hemisection" and tissue.lattice.is_section:
            raise BadInput(
                Problem(
                    "a lateral hemisection has no mid-sagittal section",
                    key="injury.type",
                    value=params.type,
                    allowed="with geometry.section: volume",
                )
            )
        variation = tissue.scalar("subject_variation")
        energy = tissue.scalar("subject_energy")
        rim_xi, offset_xi = (variation * float(normals(seed, [0], 0, Stream.INJURY, i)[0]) for i in (0, 1))
        offset = params.dorsal_offset
        if offset is None:
            offset = 0.1 if params.type == "contusion" else 0.0
        ellipsoid = params.type in ("contusion", "compression")
        half_depth = 0.5 * tissue.setting.cord_diameter_um[1]
        shape = cls(
            params.type,
            params.position,
            0.5 * params.primary_length * (energy ** (1.0 / 3.0) if ellipsoid else 1.0),
            1.0,
            offset + (params.offset_spread * offset_xi if ellipsoid else 0.0),
            max(params.edge if ellipsoid else _CUT_EDGE, tissue.lattice.spacing_um[1] / half_depth),
        )
        spared = params.primary_spared_white_matter
        if params.type == "transection" and spared:
            raise BadInput(
                Problem(
                    "a transection spares no white matter",
                    key="injury.primary_spared_white_matter",
                    value=f"{spared:g}",
                    allowed="0, or another type of injury",
                )
            )
        if spared is not None and params.type != "transection":
            dead = min(1.0, (1.0 - spared) * (energy if ellipsoid else 1.0))
            return shape.sparing(tissue, 1.0 - dead)
        if params.type == "crush":
            return shape.resized(1.0 + 0.5 * shape.edge)
        if not ellipsoid:
            return shape
        thickness = (
            params.rim_base + params.rim_slope * (1.0 - params.sigma() * energy) + params.rim_spread * rim_xi
        )
        rim = min(0.99, max(0.0, thickness))
        sharp = replace(shape, size=1.0 - rim, edge=tissue.lattice.spacing_um[1] / half_depth)
        return shape.sparing(tissue, sharp.spared(tissue) if rim > 0.0 else 0.0)

    def resized(self, size: float) -> CoreShape:
        """Return the same core with another size."""
        return replace(self, size=size)

    def depth(self, tissue: Tissue, layer: int | None = None) -> Array:
        """Return how far each voxel lies beyond the surface of the core, in half depths; zero or less inside.

        `layer` asks for one plane across the cord : (nx, ny, 1), else (nx, ny, nz).
        """
        part = (slice(None), slice(None), slice(None) if layer is None else slice(layer, layer + 1))
        rho, sine = tissue["map.rho"][part], 2.0 * tissue["map.ventral"][part] - 1.0
        x, y, z = (
            axis[tuple(p if n > 1 else slice(None) for p, n in zip(part, axis.shape, strict=True))]
            for axis in tissue.lattice.centres_um()
        )
        half_depth = 0.5 * tissue.setting.cord_diameter_um[1]
        y = rho * sine
        # an offset moves rim from one side to the other: where there is none, there is nothing to move
        room = max(0.0, 1.0 + 0.5 * self.edge - self.size)
        offset = min(room, max(-room, self.offset))
        side = np.where(x < 0.0, -1.0, 1.0) * np.sqrt(np.maximum(0.0, rho**2 - y**2))
        along = np.abs(z - self.position_um)
        beyond = (along - self.half_length_um) / half_depth
        if self.type == "transection":
            return np.broadcast_to(beyond, rho.shape).copy()
        if self.type == "dorsal_hemisection":
            return np.maximum(beyond, 1.0 + y - self.size)
        if self.type == "lateral_hemisection":
            return np.maximum(beyond, 1.0 + side - self.size)
        radius = np.sqrt(side**2 + (y + offset) ** 2)
        if self.type == "crush":
            return np.maximum(beyond, radius - self.size)
        # ellipsoid: distance to first order, (q - 1)/|grad q|
        u, v = radius / self.size, along / self.half_length_um
        q = np.sqrt(u**2 + v**2)
        slope = np.sqrt((u / self.size) ** 2 + (v * half_depth / self.half_length_um) ** 2)
        return (q - 1.0) * q / np.where(slope > 0.0, slope, 1.0) - np.where(slope > 0.0, 0.0, 1.0)

    def spared(self, tissue: Tissue) -> float:
        """Return the share of white matter of the whole cord that survives in the plane of the epicentre."""
        layer = tissue.lattice.plane_index(self.position_um)
        white = tissue["map.white"][:, :, layer] * tissue["map.volume"][:, :, layer]
        weight = white * tissue["map.rho"][:, :, layer] if tissue.lattice.is_section else white
        total = float(weight.sum())
        if total == 0.0:
            raise BadInput(
                Problem(
                    "the epicentre lies outside the cord",
                    key="injury.position",
                    value=f"{self.position_um:g} um",
                )
            )
        alive = 1.0 - killed_share(self.depth(tissue, layer)[:, :, 0], self.edge)
        return float((weight * alive).sum()) / total

    def sparing(self, tissue: Tissue, share: float) -> CoreShape:
        """Return the core whose size spares `share` of the white matter at the epicentre, by bisection."""
        low, high = 1e-3, _LARGEST
        for _ in range(60):
            middle = 0.5 * (low + high)
            if self.resized(middle).spared(tissue) > share:
                low = middle
            else:
                high = middle
        return self.resized(high)


def killed_share(depth: Array, edge: float) -> Array:
    """Return the share of white matter that dies at a depth beyond the surface: from 1 to 0 over `edge`."""
    return np.clip(0.5 - depth / edge, 0.0, 1.0)


def depth_round_mask(tissue: Tissue) -> Array:
    """Return how far each voxel lies outside the lesion mask, in half depths of the cord : (nx, ny, nz)."""
    from scipy.ndimage import distance_transform_edt

    outside = tissue["map.lesion_mask"] < 0.5
    if outside.all():
        outside = tissue["map.lesion_mask"] <= 0.0
    distance: Array = distance_transform_edt(outside, sampling=tissue.lattice.spacing_um)
    return np.asarray(distance / (0.5 * tissue.setting.cord_diameter_um[1]), dtype=np.float64)
