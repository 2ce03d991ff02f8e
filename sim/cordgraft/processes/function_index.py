"""Function: from fibres that conduct, circuits that adapt and relays, to a motor and a sensory index.

What is modelled
----------------
*Conduction* of tract k, a mean over its fibres, with the reversible block ``B`` of a fibre::

    c_k = mean of live kappa (1 - B)
    B = z (beta e^(-t/tau_f) + gamma e^(-t/tau_s)),   z = sigma^2/(sigma^2 + 0.1^2)

``live`` 1 for an unbroken fibre, 0 for a swollen or severed one; ``kappa`` what its sheath lets pass (`myelin`; 1
without that process); ``t`` time since that fibre was struck, ``sigma`` the greatest severity along it (no impact, no
block).

*Drive* of tract k, with the relay ``r_k`` through the graft::

    D_k = p (c_k (1 + Pi) + kappa_g g_k + r_k),   r_k = r_max H(h_k; 20, 1) H(o; 20, 1) m chi

``g_k`` share of fibres that regrew to host neurons beyond the lesion, ``kappa_g`` what these pass on (`myelin`; 1
without it); ``h_k`` host synapses on grafted neurons, ``o`` graft synapses on host neurons on the far side, ``m``
maturity, ``chi`` identity (1 for tracts that do not mind);
``p`` what the pressure of a graft that outgrows its room leaves (`mass_effect`).

*Plasticity*, one ``Pi`` for all tracts, behind the window ``W`` that opens as nets round neurons ``Pn`` are lost::

    Pi' = k_Pi W I (1 + R a_r) (Pi_max - Pi),   W = H(1 - Pn; 0.45, 2)
    Pn' = (1 - Pn)/10 d - (0.3/d M + 10/d e) Pn
    Pi_max = Pi_0 s + (a F + a_m N) (1 - e^(-x_s/l_seg)),   I = (1 + i)/(1 + i (1 - N))

``M`` mean density of all macrophages, ``e`` of active chondroitinase (U/mL) over the grey matter that is left within
one segment of the primary lesion; ``Pi_0`` `plasticity_limit`, ``s`` the subject's factor; ``F`` mean support
min(1, c/(1 + c) + k), trophic occupancy and contact ``k`` with grafted cells (`contact_support`), over the white matter
that is left there, ``x_s`` the reach of a collateral, ``l_seg`` a segment. Both rates
are solved exactly for the step, with ``M``, ``e``, ``F``, ``a_r`` and ``N`` constant in it.

``Pi`` above its limit, after the end of a block or the loss of a graft, falls back at the same rate: what opens the
window or trains then only hastens the loss.

Treatments: ``a_r`` is the training in force (`rehabilitation`). ``N`` is the blocked share of what holds collaterals
back, the mean of ``q n + (1 - q) o`` over the same white matter, ``n`` of Nogo-A and ``o`` of MAG and OMgp
(`inhibitor_block`). ``I`` is the rate against that beside intact myelin, which slows collaterals by ``1 + i`` and for
which ``k_Pi`` stands. Without treatment ``a_r`` and ``N`` are 0 and both factors 1.

*Sides.* In a volume, drive right and left is made of the fibres that run on that side of the midline; regrowth, relays,
plasticity and pressure are those of the whole tract. Muscles hang on their own side (``motor_drive_*``). What is felt
of a side of the body, ``sensory_drive_*``, is the mean of the gracile drive of that side and the spinothalamic drive of
the other one, where those fibres have crossed. A section has no sides: both are then what the whole cord has.

*Indices*, from the descending tracts with weights ``omega`` that sum to one::

    D = sum omega_k D_k,   motor = min(1, (1 + K^n) H(D; K, n)),   BMS = 9 motor,   BBB = 21 motor

sensory index: the same form of the mean of gracile and spinothalamic drive. Scores are expectations: no rounding, no
examiner; what an examiner makes of them, and motor scores and AIS grades of people, are in `examination`.

Symbols: ``H(x; k, n) = x^n/(x^n + k^n)``; times d; everything else 1.

Sources
-------
K is calibrated so that weight is borne with some 5-12 % of descending fibres (recalled), n assumed; so are the
weights omega, the block, plasticity and the nets. Rat BBB plateau at day 21 (read) is behind the 7 d of the block.

What is left out
----------------
Tracts without a simulated fibre: nothing is known of them, and they count as left as they were (drive 1), whatever the
injury. Plasticity here is simpler than its biology: one window for the whole cord, taken at the lesion; training is the
same for all tracts and tasks; and myelin that dies or is cleared frees no collateral, only a block of its inhibitors
does. Latency (`myelin` records it) changes no index.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.examined import SIDES
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.axon_treatments import NOGO, OTHERS, REHABILITATION, REHABILITATION_NAME
from cordgraft.state.axons import DESCENDING, HOST_TRACTS, TRACT_NAMES, Tract
from cordgraft.state.growth_land import CONTACT_SUPPORT
from cordgraft.state.sheaths import REGROWN_NAMES

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue

#: Sign of x on each side of the body.
SIGNS: dict[str, int] = dict(zip(SIDES, (1, -1), strict=True))

_SCALARS: tuple[ArraySpec, ...] = (
    *(
        ArraySpec(f"scalar.drive_{TRACT_NAMES[tract]}", "1", f"drive of the {TRACT_NAMES[tract]} tract", initial=1.0)
        for tract in HOST_TRACTS
    ),
    ArraySpec("scalar.motor_drive", "1", "weighted drive of the descending tracts, share of normal", initial=1.0),
    *(
        ArraySpec(f"scalar.{what}_drive_{side}", "1", f"{meaning}, {side}; share of normal", initial=1.0)
        for what, meaning in (
            ("motor", "weighted drive of the descending tracts"),
            ("sensory", "mean drive of the ascending tracts that stand for the side of the body"),
        )
        for side in SIDES
    ),
    ArraySpec("scalar.motor_index", "1", "motor index, 1 is normal", initial=1.0, bounds=(0.0, 1.0)),
    ArraySpec("scalar.sensory_index", "1", "sensory index, 1 is normal", initial=1.0, bounds=(0.0, 1.0)),
    ArraySpec("scalar.bms", "1", "expected score on the Basso mouse scale", initial=9.0, bounds=(0.0, 9.0)),
    ArraySpec("scalar.bbb", "1", "expected BBB score", initial=21.0, bounds=(0.0, 21.0)),
    ArraySpec("scalar.plasticity", "1", "gain of spared circuits by plasticity"),
    ArraySpec("scalar.nets", "1", "nets round neurons near the lesion, 1 at rest", initial=1.0, bounds=(0.0, 1.0)),
)


def _weight(rodent: float, human: float, tract: str) -> Any:
    return quantity(
        rodent,
        "1",
        f"weight of the {tract} tract in the drive of the legs",
        bounds=(0.0, 1.0),
        evidence="assumed",
        presets={"human": human},
    )


class FunctionIndex(Process):
    """Computes drive and function indices once a day."""

    name = "function_index"
    phase = Phase.REMODEL
    period_h = 24.0
    provides = Provision(arrays=_SCALARS)
    reads = (
        "fraction.white",
        "fraction.grey",
        "density.macrophages_pro",
        "density.macrophages_repair",
        "field.trophic",
        "field.enzyme",
        "field.enzyme_stable",
        "fibre.tract",
        "fibre.phi",
        "fibre.weight",
        "fibre.severity",
        "fibre.struck_tick",
        "fibre.conducting",
        "scalar.lesion_rostral_um",
        "scalar.lesion_caudal_um",
        "scalar.subject_plasticity",
        "scalar.graft_conduction",
        *(f"scalar.relay_input_{TRACT_NAMES[tract]}" for tract in HOST_TRACTS),
        *(f"scalar.regrown_{TRACT_NAMES[tract]}" for tract in HOST_TRACTS),
        "scalar.relay_output_caudal",
        "scalar.relay_output_rostral",
        "scalar.relay_maturity",
        "scalar.relay_identity",
        "scalar.plasticity",
        "scalar.nets",
    )
    optional_reads = (
        REHABILITATION_NAME,
        NOGO,
        OTHERS,
        CONTACT_SUPPORT,
        "fibre.transmission",
        *(f"scalar.{name}" for name in REGROWN_NAMES.values()),
    )
    writes = tuple(spec.name for spec in _SCALARS)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Weights, block, plasticity, relays and the link to function."""

        weight_corticospinal: float = _weight(0.10, 0.60, "corticospinal")
        weight_reticulospinal: float = _weight(0.60, 0.25, "reticulospinal, vestibulospinal and raphespinal")
        weight_propriospinal: float = _weight(0.30, 0.15, "propriospinal")
        half_drive: float = quantity(
            0.12, "1", "K: drive that gives about half of the motor index", bounds=(1e-3, 1.0),
            evidence="calibrated", source="stepping with some 5-12 % of descending fibres (recalled)",
        )
        steepness: float = quantity(
            1.5, "1", "n: steepness of function with drive", bounds=(0.1, 10.0), evidence="assumed"
        )
        block_fast: float = quantity(
            0.25, "1", "fast part of the reversible block", bounds=(0.0, 1.0), evidence="assumed"
        )
        block_fast_time: float = quantity(
            4.0, "d", "time constant of the fast part", bounds=(0.01, 3650.0), evidence="assumed"
        )
        block_slow: float = quantity(
            0.5, "1", "slow part of the reversible block", bounds=(0.0, 1.0), evidence="assumed",
            presets={"human": 0.55},
        )
        block_slow_time: float = quantity(
            7.0, "d", "time constant of the slow part", bounds=(0.01, 3650.0), evidence="assumed",
            presets={"human": 90.0},
        )
        block_half_severity: float = quantity(
            0.1, "1", "local severity at which the block is halved", bounds=(1e-6, 1.0), evidence="assumed"
        )
        plasticity_rate: float = quantity(
            0.1, "1/d", "rate of plasticity with the window wide open", bounds=(0.0, 10.0), evidence="assumed",
            presets={"human": 1.0 / 60.0},
        )
        plasticity_limit: float = quantity(
            0.5, "1", "greatest gain of spared circuits in the mean subject", bounds=(0.0, 5.0),
            evidence="assumed", presets={"human": 0.3},
        )
        plasticity_trophic: float = quantity(
            0.3, "1", "what full trophic support adds to it where collaterals span a segment",
            bounds=(0.0, 5.0), evidence="assumed",
        )
        plasticity_inhibitors: float = quantity(
            0.3, "1", "what a full block of myelin inhibitors adds to it where collaterals span a segment",
            bounds=(0.0, 5.0), evidence="assumed",
        )
        plasticity_myelin: float = quantity(
            2.5, "1", "i: slowing of plasticity by intact myelin, as a divisor less one", bounds=(0.0, 100.0),
            evidence="assumed",
        )
        plasticity_nogo: float = quantity(
            0.5, "1", "q: share of Nogo-A in what holds collaterals back", bounds=(0.0, 1.0), evidence="assumed"
        )
        plasticity_rehabilitation: float = quantity(
            1.0, "1", "R: what the most training that can be done adds to the rate of plasticity, as a share of it",
            bounds=(0.0, 20.0), evidence="assumed",
        )
        collateral_reach: float = quantity(
            750.0, "um", "reach of a collateral", bounds=(1.0, 1e5), evidence="assumed"
        )
        nets_return: float = quantity(
            0.1, "1/d", "rate at which nets round neurons return", bounds=(0.0, 10.0), evidence="assumed"
        )
        nets_loss: float = quantity(
            0.3, "1/d", "rate of their loss where macrophages saturate the tissue", bounds=(0.0, 10.0),
            evidence="assumed",
        )
        nets_digestion: float = quantity(
            10.0, "1/d", "rate of their loss per U/mL of active chondroitinase", bounds=(0.0, 1e4),
            evidence="assumed",
        )
        window_half: float = quantity(
            0.45, "1", "loss of nets that opens the window half-way", bounds=(1e-3, 1.0), evidence="assumed"
        )
        relay_limit: float = quantity(
            0.15, "1", "greatest drive that a relay through the graft can carry", bounds=(0.0, 1.0),
            evidence="assumed",
        )
        relay_half: float = quantity(
            20.0, "synapses", "synapses into and out of the graft that give half of it", bounds=(1.0, 1e6),
            evidence="assumed",
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance nets and plasticity, then write drives and indices."""
        self._adapt(tissue, key)
        drives = {tract: self._drive(tissue, tract, key.tick) for tract in HOST_TRACTS}
        for tract, value in drives.items():
            tissue.set_scalar(f"drive_{TRACT_NAMES[tract]}", value)
        self._sides(tissue, drives, key.tick)
        p = self.params
        drive = self._weighted(drives)
        felt = 0.5 * (drives[Tract.GRACILE] + drives[Tract.SPINOTHALAMIC])
        motor = function_of_drive(drive, p.half_drive, p.steepness)
        tissue.set_scalar("motor_drive", drive)
        tissue.set_scalar("motor_index", motor)
        tissue.set_scalar("sensory_index", function_of_drive(felt, p.half_drive, p.steepness))
        tissue.set_scalar("bms", 9.0 * motor)
        tissue.set_scalar("bbb", 21.0 * motor)

    def _weighted(self, drives: dict[Tract, float]) -> float:
        """Return the weighted drive of the descending tracts."""
        weights = {tract: float(getattr(self.params, f"weight_{TRACT_NAMES[tract]}")) for tract in DESCENDING}
        total = sum(weights.values())
        return sum(weights[tract] * drives[tract] for tract in DESCENDING) / total if total > 0.0 else 0.0

    def _sides(self, tissue: Tissue, drives: dict[Tract, float], tick: int) -> None:
        """Write the drives of both sides of the body; `drives` are those of the whole cord."""
        run = dict.fromkeys(SIDES, drives)
        if not tissue.lattice.is_section:
            run = {
                side: {tract: self._drive(tissue, tract, tick, sign) for tract in HOST_TRACTS}
                for side, sign in SIGNS.items()
            }
        for side, other in zip(SIDES, reversed(SIDES), strict=True):
            tissue.set_scalar(f"motor_drive_{side}", self._weighted(run[side]))
            felt = 0.5 * (run[side][Tract.GRACILE] + run[other][Tract.SPINOTHALAMIC])
            tissue.set_scalar(f"sensory_drive_{side}", felt)

    def _drive(self, tissue: Tissue, tract: Tract, tick: int, sign: int = 0) -> float:
        """Return the drive of a tract; with a sign (1 right, -1 left), of its fibres on that side, if it has any."""
        p = self.params
        name = TRACT_NAMES[tract]
        rows = np.flatnonzero(tissue["fibre.tract"] == tract)
        own = rows[sign * np.cos(tissue["fibre.phi"][rows]) > 0.0] if sign else rows
        rows = own if own.size else rows
        weight = tissue["fibre.weight"][rows]
        total = float(weight.sum())
        if total <= 0.0:
            return 1.0  # no simulated fibre of this tract: it is left as it was
        square = tissue["fibre.severity"][rows] ** 2
        zone = square / (square + p.block_half_severity**2)
        struck = tissue["fibre.struck_tick"][rows]
        days = np.maximum(tick - struck, 0) * tissue.clock.tick_h / 24.0
        block = p.block_fast * np.exp(-days / p.block_fast_time) + p.block_slow * np.exp(-days / p.block_slow_time)
        open_share = 1.0 - np.where(struck >= 0, zone * np.minimum(block, 1.0), 0.0)
        if "fibre.transmission" in tissue:
            open_share = open_share * tissue["fibre.transmission"][rows]
        conduction = float((weight * tissue["fibre.conducting"][rows] * open_share).sum()) / total
        side = "caudal" if tract in DESCENDING else "rostral"
        identity = tissue.scalar("relay_identity") if tract is Tract.CORTICOSPINAL else 1.0
        relay = (
            p.relay_limit
            * _saturation(tissue.scalar(f"relay_input_{name}"), p.relay_half, 1.0)
            * _saturation(tissue.scalar(f"relay_output_{side}"), p.relay_half, 1.0)
            * tissue.scalar("relay_maturity")
            * identity
        )
        regrown = tissue.scalar(f"regrown_{name}")
        if f"scalar.{REGROWN_NAMES[int(tract)]}" in tissue:
            regrown *= tissue.scalar(REGROWN_NAMES[int(tract)])
        drive = conduction * (1.0 + tissue.scalar("plasticity")) + regrown + relay
        return float(tissue.scalar("graft_conduction") * drive)

    def _adapt(self, tissue: Tissue, key: Key) -> None:
        p = self.params
        days = key.dt_h / 24.0
        macrophages, enzyme, trophic = self._surroundings(tissue)
        rate = p.nets_return + p.nets_loss * macrophages + p.nets_digestion * enzyme
        rest = p.nets_return / rate if rate > 0.0 else tissue.scalar("nets")
        nets = rest + (tissue.scalar("nets") - rest) * exp(-rate * days)
        tissue.set_scalar("nets", min(1.0, nets))
        window = _saturation(max(0.0, 1.0 - nets), p.window_half, 2.0)
        span = 1.0 - exp(-p.collateral_reach / tissue.setting.segment_um)
        limit = p.plasticity_limit * tissue.scalar("subject_plasticity") + p.plasticity_trophic * trophic * span
        blocked, training = self._blocked(tissue), 0.0
        if REHABILITATION_NAME in tissue:
            training = tissue.scalar(REHABILITATION)
        limit += p.plasticity_inhibitors * blocked * span
        pace = (1.0 + p.plasticity_myelin) / (1.0 + p.plasticity_myelin * (1.0 - blocked))
        pace *= 1.0 + p.plasticity_rehabilitation * training
        gain = tissue.scalar("plasticity")
        tissue.set_scalar("plasticity", limit + (gain - limit) * exp(-p.plasticity_rate * window * days * pace))

    def _surroundings(self, tissue: Tissue) -> tuple[float, float, float]:
        """Return near the lesion mean macrophages and enzyme (U/mL) over grey, mean support over white."""
        near = _near_the_lesion(tissue)
        grey = tissue["fraction.grey"][..., near]
        white = tissue["fraction.white"][..., near]
        macrophages = tissue["density.macrophages_pro"][..., near] + tissue["density.macrophages_repair"][..., near]
        cue = np.maximum(tissue["field.trophic"][..., near], 0.0)
        enzyme = tissue["field.enzyme"][..., near] + tissue["field.enzyme_stable"][..., near]
        support = cue / (1.0 + cue)
        if CONTACT_SUPPORT in tissue:
            support = np.minimum(1.0, support + tissue[CONTACT_SUPPORT][..., near])
        return _mean(macrophages, grey), _mean(enzyme, grey), _mean(support, white)

    def _blocked(self, tissue: Tissue) -> float:
        """Return the blocked share of what holds collaterals back, a mean over the white matter near the lesion."""
        if NOGO not in tissue:
            return 0.0
        near, nogo = _near_the_lesion(tissue), self.params.plasticity_nogo
        blocked = nogo * tissue[NOGO][..., near] + (1.0 - nogo) * tissue[OTHERS][..., near]
        return _mean(blocked, tissue["fraction.white"][..., near])


def _near_the_lesion(tissue: Tissue) -> slice:
    """Return the layers within one segment of the primary lesion; all where there are none."""
    z = tissue.lattice.axis_um(2)
    margin = tissue.setting.segment_um
    low, high = tissue.scalar("lesion_caudal_um") - margin, tissue.scalar("lesion_rostral_um") + margin
    layers = np.flatnonzero((z >= low) & (z <= high))
    return slice(int(layers[0]), int(layers[-1]) + 1) if layers.size else slice(0, z.size)


def _mean(values: Any, weights: Any) -> float:
    total = float(weights.sum())
    return float((values * weights).sum()) / total if total > 0.0 else 0.0


def _saturation(x: float, half: float, power: float) -> float:
    """Return H(x; half, power)."""
    raised = x**power
    return float(raised / (raised + half**power))


def function_of_drive(drive: float, half: float, steepness: float) -> float:
    """Return ``(1 + K^n) H(D; K, n)``, between 0 and 1, with 1 at normal drive."""
    scale = float(1.0 + half**steepness)
    return min(1.0, scale * _saturation(max(drive, 0.0), half, steepness))
