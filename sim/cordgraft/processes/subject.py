"""Subject: the animal or patient that a seed stands for.

Two subjects with the same scenario differ in more than the noise of single cells. At tick 0 four factors are
drawn, each from its own block of the stream ``subject``, and kept as scalars:

=====================  ===========================================================  ==================
scalar                 law                                                          meaning
=====================  ===========================================================  ==================
subject_energy         lognormal with mean 1, CV 0.15                               impact energy
subject_size           lognormal with mean 1, CV 0.05                               size of the cord
subject_capacity       ``exp(s xi)``, s = 0.2                                       capacity of axons to grow
subject_plasticity     ``exp(s xi)``, s = 0.3 in rodents, 0.5 in people             plasticity of spared circuits
=====================  ===========================================================  ==================

``xi`` is a standard normal number. With ``variation`` 0 every factor is the mean subject's (1), with 1
as above; between, spreads shrink in proportion. The size sets width and depth of the lattice when the run is built
(not where a patient's masks show it); the other three are read by the injury, the growth of axons and function.

Sources: the coefficients of variation and spreads are assumed. To compare with: after tightly controlled contusion
the day-21 BBB score of 95 % of rats spans 2.3-15.9 (Jeffery 2020, 10.3389/fneur.2020.00650, read).

Left out: sex, age, weight; correlation between the factors, and with the reactivity against a graft that `rejection`
draws; examiners who differ from each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log1p, sqrt

from cordgraft.core.contract import ArraySpec, Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity
from cordgraft.core.streams import Stream
from cordgraft.state.tissue import Tissue


class Subject(Process):
    """Draw the subject at tick 0."""

    name = "subject"
    phase = Phase.TREAT
    period_h = 1.0
    provides = Provision(
        arrays=(
            ArraySpec("scalar.subject_variation", "1", "how far subjects differ: 1 as cited, 0 not at all"),
            ArraySpec(
                "scalar.subject_energy", "1", "impact energy relative to the mean subject", initial=1.0
            ),
            ArraySpec("scalar.subject_size", "1", "cord size relative to the mean subject", initial=1.0),
            ArraySpec("scalar.subject_capacity", "1", "growth capacity of axons, relative", initial=1.0),
            ArraySpec(
                "scalar.subject_plasticity", "1", "plasticity of spared circuits, relative", initial=1.0
            ),
        )
    )
    writes = (
        "scalar.subject_variation",
        "scalar.subject_energy",
        "scalar.subject_size",
        "scalar.subject_capacity",
        "scalar.subject_plasticity",
    )
    streams = (Stream.SUBJECT,)
    essential = True

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Spreads among subjects."""

        variation: float = quantity(
            1.0,
            "1",
            "how far subjects differ: 1 as stated by the spreads, 0 for the mean subject",
            bounds=(0.0, 3.0),
            evidence="assumed",
        )
        energy_cv: float = quantity(
            0.15, "1", "coefficient of variation of the impact energy", bounds=(0.0, 1.0), evidence="assumed"
        )
        size_cv: float = quantity(
            0.05,
            "1",
            "coefficient of variation of the size of the cord",
            bounds=(0.0, 0.5),
            evidence="assumed",
        )
        capacity_spread: float = quantity(
            0.2,
            "1",
            "standard deviation of the logarithm of axon capacity",
            bounds=(0.0, 2.0),
            evidence="assumed",
        )
        plasticity_spread: float = quantity(
            0.3,
            "1",
            "standard deviation of the logarithm of plasticity",
            bounds=(0.0, 2.0),
            evidence="assumed",
            presets={"human": 0.5},
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Draw the four factors at tick 0; do nothing later."""
        if key.tick != 0:
            return
        for name, value in draw_subject(self.params, key.seed).items():
            tissue.set_scalar(f"subject_{name}", value)


def draw_subject(params: Subject.Params, seed: int) -> dict[str, float]:
    """Return factor name -> value of the subject that `seed` stands for; a pure function."""
    from cordgraft.kernels.random import normals

    def normal(block: int) -> float:
        return float(normals(seed, [0], 0, Stream.SUBJECT, block)[0])

    def around_one(cv: float, xi: float) -> float:
        spread = sqrt(log1p((params.variation * cv) ** 2))
        return exp(spread * xi - 0.5 * spread**2)

    return {
        "variation": params.variation,
        "energy": around_one(params.energy_cv, normal(0)),
        "size": around_one(params.size_cv, normal(1)),
        "capacity": exp(params.variation * params.capacity_spread * normal(2)),
        "plasticity": exp(params.variation * params.plasticity_spread * normal(3)),
    }
