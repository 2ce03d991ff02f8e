"""Inflammation: damage signal, neutrophils, macrophages of two kinds, myelin debris and a TNF-like factor.

Densities per voxel, dimensionless (1 = a saturated voxel); time in days; ``s(0)`` = local severity:

    s' = -s/0.15                                   damage signal (written by the injury)
    a' = s/0.15 - a/0.4                            alarm: cytokine message, peak at 6 h
    n' = v a - n/2.2                               neutrophils
    q' = 0.2 a + 0.3 n + 0.02 D - q/2              recruitment of monocytes
    L' = 0.7 n/2.2 + 0.15 M2 - L/2                 IL-10-like
    M1' = v q (1 - f) + 0.15 g M2 - 0.1 f M1 - M1/8      pro-inflammatory macrophages and microglia
    M2' = v q f - 0.15 g M2 + 0.1 f M1 - M2/8            pro-repair
    D' = W/7 - k_ph (M1 + M2) g,   W' = -W/7       debris; dead myelin that has not fallen apart

with ``f = L/(L + 0.15)``, ``g = D/(D + 0.3)``. Recruitment needs vessels: ``v = V (1 + 0.1)/(V + 0.1)``, one
where the vessel density V is one. Of white matter that dies 0.4 becomes debris at once and 0.6 enters W; grey
matter counts a third (its share of myelin). What has died is read off the tissue fractions, so a late death
makes late debris and no calendar is needed. A debris load turns pro-repair cells back: in people, who clear
myelin twenty times more slowly (read: inner proteins are found for years), inflammation lasts.

The source strength of the TNF-like field is ``T = (a + 0.5 n + 0.1 M1)/(1 + L/0.15)``. It is deposited times
its decay, so that where the source is broader than the length of the field (104 um) the field equals T.

Sources: the form is assumed; its rates were tuned once, as a set and in a single voxel, to the peaks that were read:
neutrophils day 1 (Hellenbrand 2021, 10.1186/s12974-021-02337-2), alarm 6 h, macrophages day 7 (recalled),
pro-inflammatory cells alone persist to day 28 (Kigerl 2009). So these peaks are no test of the model. Diffusivity
and half-life of TNF: recalled. Solution: second-order positive step, the cascade s, a, n exactly (see
`kernels.milieu`).

An anti-inflammatory drug of strength ``i`` multiplies the alarm that damage raises, and T, by ``1 - i`` (see
`anti_inflammatory`).

Left out: a late second wave of macrophages, T cells, the spread of immune cells from voxel to voxel, debris of
degenerating tracts far from the injury.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import Any

from cordgraft.core.contract import ArraySpec, FieldSpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.state.tissue import Tissue

#: Longest inner step, hours: at twice this the immune set is still within 1 % of a fine solution.
INNER_H = 1.0

#: The rates were chosen together so that the set peaks when immune cells were seen to peak in rats.
_TUNED: dict[str, Any] = {
    "evidence": "calibrated",
    "source": "tuned as one set to the time courses of Hellenbrand 2021 and Kigerl 2009 (rat)",
    "doi": "10.1186/s12974-021-02337-2",
}


def _rate(value: float, meaning: str, high: float = 10.0) -> Any:
    return quantity(value, "1/d", meaning, bounds=(0.0, high), **_TUNED)


def _time(value: float, meaning: str, low: float = 0.02, high: float = 200.0) -> Any:
    return quantity(value, "d", meaning, bounds=(low, high), **_TUNED)


def _weight(value: float, meaning: str, high: float = 10.0) -> Any:
    return quantity(value, "1", meaning, bounds=(0.0, high), **_TUNED)


class Inflammation(Process):
    """Advance the immune set in every voxel and deposit the TNF-like source."""

    name = "inflammation"
    phase = Phase.MILIEU
    period_h = 1.0
    provides = Provision(
        arrays=(
            ArraySpec("density.damage", "1", "damage signal", record=False),
            ArraySpec("density.alarm", "1", "cytokine message"),
            ArraySpec("density.neutrophils", "1", "neutrophils"),
            ArraySpec("density.recruitment", "1", "recruitment signal for monocytes", record=False),
            ArraySpec("density.il10", "1", "IL-10-like signal", record=False),
            ArraySpec("density.macrophages_pro", "1", "pro-inflammatory macrophages and microglia"),
            ArraySpec("density.macrophages_repair", "1", "pro-repair macrophages and microglia"),
            ArraySpec("density.debris", "1", "myelin debris"),
            ArraySpec(
                "density.dead_myelin", "1", "myelin of dead tissue, not yet fallen apart", record=False
            ),
            ArraySpec(
                "scalar.anti_inflammatory", "1", "anti-inflammatory drug in force", bounds=(0.0, 1.0)
            ),
            ArraySpec(
                "density.counted_loss", "1", "loss of tissue that has become debris so far", record=False
            ),
            FieldSpec(
                "field.tnf",
                "1",
                "TNF-like factor, in units of its source strength",
                diffusivity_um2_s=5.0,
                decay_per_h=log(2.0) * 60.0 / 25.0,
                origin="tissue",
            ),
        )
    )
    reads = (
        "map.white",
        "map.grey",
        "fraction.white",
        "fraction.grey",
        "density.vessels",
        "scalar.anti_inflammatory",
    )
    writes = (
        "density.damage",
        "density.alarm",
        "density.neutrophils",
        "density.recruitment",
        "density.il10",
        "density.macrophages_pro",
        "density.macrophages_repair",
        "density.debris",
        "density.dead_myelin",
        "density.counted_loss",
    )
    deposits = ("source.tnf",)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Clock, time constants and weights of the immune set; the field of the TNF-like factor."""

        clock: float = quantity(
            1.0,
            "1",
            "speed of the host's immune clock; 1 as in rodents",
            bounds=(0.1, 10.0),
            evidence="assumed",
            source="Stammers 2012: cytokines of human cerebrospinal fluid peak later than those of rat tissue",
            doi="10.1002/jnr.22820",
        )
        damage_time: float = _time(0.15, "time constant of the damage signal")
        alarm_time: float = _time(0.4, "time constant of the cytokine message")
        neutrophil_time: float = _time(2.2, "residence time of neutrophils")
        recruitment_time: float = _time(2.0, "time constant of the recruitment signal")
        il10_time: float = _time(2.0, "time constant of the IL-10-like signal")
        macrophage_time: float = _time(8.0, "residence time of macrophages")
        fragment_time: float = _time(7.0, "time constant with which dead myelin falls apart")
        recruit_alarm: float = _rate(0.2, "recruitment by the cytokine message")
        recruit_neutrophils: float = _rate(0.3, "recruitment by neutrophils")
        recruit_debris: float = _rate(0.02, "recruitment by debris")
        il10_neutrophils: float = _weight(0.7, "IL-10-like signal per neutrophil that is cleared")
        il10_repair: float = _rate(0.15, "IL-10-like signal by pro-repair cells")
        tnf_neutrophils: float = _weight(
            0.5, "TNF-like source of neutrophils relative to the cytokine message"
        )
        tnf_macrophages: float = _weight(0.1, "TNF-like source of pro-inflammatory cells")
        il10_half: float = quantity(
            0.15,
            "1",
            "IL-10-like signal of half effect",
            bounds=(1e-3, 10.0),
            **_TUNED,
        )
        debris_half: float = quantity(
            0.3, "1", "debris of half effect", bounds=(1e-3, 10.0), **_TUNED
        )
        to_pro: float = _rate(0.15, "switch of pro-repair cells to pro-inflammatory under a full debris load")
        to_repair: float = _rate(0.1, "switch of pro-inflammatory cells to pro-repair under full IL-10")
        engulf: float = quantity(
            0.08,
            "1/d",
            "clearance of debris by a saturated voxel of macrophages",
            bounds=(0.0, 5.0),
            **_TUNED,
            presets={"human": 0.004},
            variants={
                "human": {
                    "evidence": "assumed",
                    "source": "Buss 2005 Brain: outer myelin proteins are found for years",
                    "doi": "",
                }
            },
        )
        vessel_half: float = quantity(
            0.1, "1", "vessel density of half recruitment", bounds=(1e-3, 10.0), evidence="assumed"
        )
        debris_at_once: float = quantity(
            0.4,
            "1",
            "share of dead white matter that is debris at once",
            bounds=(0.0, 1.0),
            **_TUNED,
        )
        grey_myelin: float = quantity(
            0.33, "1", "myelin of grey relative to white matter", bounds=(0.0, 1.0), evidence="assumed"
        )
        tnf_diffusivity: float = quantity(
            5.0,
            "um2/s",
            "diffusivity of the TNF-like factor in tissue",
            bounds=(0.01, 200.0),
            cited=(3.0, 20.0),
            evidence="recalled",
            row="tnf_diffusion_tissue",
        )
        tnf_half_life: float = quantity(
            25.0,
            "min",
            "half-life of the TNF-like factor in tissue",
            bounds=(1.0, 1440.0),
            cited=(15.0, 60.0),
            evidence="recalled",
            row="tnf_half_life_tissue",
        )

    def tnf_decay_per_h(self) -> float:
        """Return the decay of the TNF-like factor, 1/h."""
        return log(2.0) * 60.0 / float(self.params.tnf_half_life)

    def prepare(self, tissue: Tissue) -> None:
        """Put the diffusivity and decay of the parameters in force."""
        tissue.coefficients["tnf"] = (self.params.tnf_diffusivity, self.tnf_decay_per_h())

    def rates(self, dt_h: float, quieted: float = 0.0) -> Any:
        """Return the numbers of the kernel for a step of `dt_h` hours; `quieted` is what a drug takes away."""
        from cordgraft.kernels.milieu import ImmuneRates, propagator, quiet

        p = self.params
        steps = max(1, ceil(p.clock * dt_h / INNER_H - 1e-9))
        h = p.clock * dt_h / 24.0 / steps
        cascade = (1.0 / p.damage_time, 1.0 / p.alarm_time, 1.0 / p.neutrophil_time)
        return ImmuneRates(
            steps=steps,
            h=h,
            full=quiet(propagator(*cascade, h), quieted),
            half=quiet(propagator(*cascade, 0.5 * h), quieted),
            clear_neutrophils=1.0 / p.neutrophil_time,
            clear_recruitment=1.0 / p.recruitment_time,
            clear_il10=1.0 / p.il10_time,
            clear_cells=1.0 / p.macrophage_time,
            fragment=1.0 / p.fragment_time,
            call_alarm=p.recruit_alarm,
            call_neutrophils=p.recruit_neutrophils,
            call_debris=p.recruit_debris,
            il10_neutrophils=p.il10_neutrophils,
            il10_repair=p.il10_repair,
            tnf_neutrophils=p.tnf_neutrophils,
            tnf_pro=p.tnf_macrophages,
            k_il10=p.il10_half,
            k_debris=p.debris_half,
            to_pro=p.to_pro,
            to_repair=p.to_repair,
            engulf=p.engulf,
            k_vessels=p.vessel_half,
            grey_myelin=p.grey_myelin,
            at_once=p.debris_at_once,
            tnf_decay=self.tnf_decay_per_h() * (1.0 - quieted),
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Advance every voxel by one step."""
        from cordgraft.kernels.compile import run_blocks
        from cordgraft.kernels.milieu import Ground, Immune, immune_all

        def flat(name: str) -> Any:
            return tissue[name].reshape(-1)

        state = Immune(
            flat("density.damage"),
            flat("density.alarm"),
            flat("density.neutrophils"),
            flat("density.recruitment"),
            flat("density.il10"),
            flat("density.macrophages_pro"),
            flat("density.macrophages_repair"),
            flat("density.debris"),
            flat("density.dead_myelin"),
            flat("density.counted_loss"),
            flat("source.tnf"),
        )
        ground = Ground(
            flat("map.white"),
            flat("map.grey"),
            flat("fraction.white"),
            flat("fraction.grey"),
            flat("density.vessels"),
        )
        rates = self.rates(key.dt_h, tissue.scalar("anti_inflammatory"))
        run_blocks(immune_all, tissue.lattice.size, state, ground, rates)
