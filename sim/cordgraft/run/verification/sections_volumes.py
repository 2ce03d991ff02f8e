"""Cases of axons in a section beside a volume that is uniform across it: both follow the same law."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.processes.axon_injury import AxonInjury
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.cones import SPEED, cones_on
from cordgraft.run.verification.guidance import in_a_gradient
from cordgraft.run.verification.stage import Stage, make_stage, put_cones
from cordgraft.state.axons import HOST_TRACTS, AxonState

#: The same cord, one voxel wide and a whole one.
SHAPES: dict[str, tuple[int, int, int]] = {"section": (1, 24, 96), "volume": (24, 24, 96)}
#: Seeds where both would draw the same numbers and so agree by that alone.
SEEDS: dict[str, int] = {"section": 1, "volume": 2}
SPACING_UM = 50.0
TURN_UM = 30.0
TURNS = 10


def walking(kind: str, where: str) -> Stage:
    """Return a stage on which cones walk freely, along white matter, or up an even gradient."""
    shape, hours = SHAPES[where], TURN_UM / SPEED
    if kind == "gradient":
        return in_a_gradient(shape, (0.0, 0.0, 1.0), 150.0, 60.0, 2.0, hours)
    tissue_class = "white" if kind == "white matter" else "grey"
    return cones_on(shape, hours, SPACING_UM, tissue_class=tissue_class, piece=5.0)


def mean_cosine(rate: Any, persistence: float, space: bool) -> Any:
    """Return the mean cosine to the preferred direction when restoring rate and noise have settled.

    The angle is distributed as ``exp(-psi^2 l_p/(2 l_r))`` in the plane; in space as that of twice the rate times
    ``sin psi``, since each of two components has half the variance.
    """
    psi = np.linspace(0.0, np.pi, 20_001)
    width = np.asarray(rate)[..., None] * persistence * psi**2
    law = np.sin(psi) * np.exp(-width) if space else np.exp(-0.5 * width)
    return (law * np.cos(psi)).sum(axis=-1) / law.sum(axis=-1)


@case(
    "agents",
    "A section and a volume that is uniform across it: growth cones that start along the cord advance alike along it, "
    "freely (l (1 - exp(-s/l)), l = 150 um), in white matter and up a gradient.",
    variants=("free walk", "white matter", "gradient"),
    dear=("free walk", "gradient"),
)
def section_and_volume_cones(kind: str) -> Outcome:
    """Compare the mean advance along the cord between both."""
    n, persistence = 20_000, 150.0
    lengths = TURN_UM * np.arange(1, TURNS + 1)
    advance: dict[str, Any] = {}
    for where in SHAPES:
        stage = walking(kind, where)
        point = (0.0, 0.0, -0.25 * SHAPES[where][2] * SPACING_UM)
        more = {"origin": 0, "capacity": 1e9} if kind == "gradient" else {}
        put_cones(stage, n, point=point, **more)
        rows = []
        for _ in lengths:
            stage.step()
            rows.append(stage.tissue.cones["z"] - point[2])
        advance[where] = np.array(rows)
    flat, whole = advance["section"].mean(axis=1), advance["volume"].mean(axis=1)
    sampling = np.array(
        [np.hypot(allow.of_mean(a), allow.of_mean(b)) for a, b in zip(*advance.values(), strict=True)]
    )
    # The laws themselves: alike to the first order in l_r/l_p, and no further.
    rate = {"free walk": 0.0, "white matter": 1.0 / 15.0, "gradient": 1.0 / 60.0}[kind]
    apart = 0.0
    if rate:
        means = [float(mean_cosine(rate, persistence, space)) for space in (False, True)]
        apart = abs(means[1] - means[0])
    why = (
        f"4 standard errors of the difference, n = {n} each; the laws of plane and space differ by {apart:.2g} of the "
        "length once the angle has settled"
    )
    checks = [
        Check.worst(
            "mean advance, volume less section", "um", 0.0, whole - flat, sampling + apart * lengths, why
        )
    ]
    if kind == "free walk":
        law = persistence * -np.expm1(-lengths / persistence)
        of_mean = np.array([allow.of_mean(a) for a in advance["section"]])
        straight = law * (5.0 / persistence)
        why_law = "4 s/sqrt(n), and the pieces: straight for 5 um, at most 5/150 of the law"
        checks.append(
            Check.worst("mean advance in the section", "um", law, flat, of_mean + straight, why_law)
        )
    plot = Plot(
        "path length (um)",
        "mean advance along the cord (um)",
        [Series.of("section", lengths, flat)],
        [Series.of(f"volume, {n} growth cones", lengths, whole)],
    )
    return Outcome(tuple(checks), plot)


@case(
    "agents",
    "Growth cones as they are (pauses, fluctuating speed, branches) in white matter: of those that start before a "
    "plane as many pass it in a section as in a volume that is uniform across it, at any distance and time.",
    dear=True,
)
def section_and_volume_crossings() -> Outcome:
    """Compare the shares of axons beyond four planes on three days."""
    n, hours = 6000, 4.0
    planes = np.array([500.0, 1000.0, 2000.0, 3000.0])
    shares: dict[str, list[Any]] = {}
    for where, shape in SHAPES.items():
        growth = AxonGrowth(AxonGrowth.Params(crowding=10.0, log_every=5000.0))
        stage = make_stage(
            [growth],
            shape,
            (SPACING_UM,) * 3,
            tissue_class="white",
            tick_h=hours,
            periods_h={"axon_growth": hours},
            seed=SEEDS[where],
        )
        start = -0.5 * shape[2] * SPACING_UM + 200.0
        put_cones(stage, n, point=(0.0, 0.0, start))
        shares[where] = []
        for _ in range(3):
            stage.step(6)
            tissue = stage.tissue
            far = np.full(n, -np.inf)
            np.maximum.at(far, tissue["cone.fibre"], tissue["cone.z"] - start)
            shares[where].append([float((far > plane).mean()) for plane in planes])
    flat, whole = (np.array(shares[where]) for where in SHAPES)
    pooled = 0.5 * (flat + whole)
    allowed = allow.of_share(pooled, n) * np.sqrt(2.0) + 0.001
    check = Check.worst(
        "share of axons past four planes on days 1, 2 and 3, volume less section", "1", 0.0, whole - flat, allowed,
        f"4 sqrt(2 p (1 - p)/n) + 1/n, n = {n} each, and 0.1 %: the mean cosines to the cord differ by 0.0004",
    )  # fmt: skip
    plot = Plot(
        "distance of the plane (um)",
        "share of axons past it (1)",
        [Series.of(f"section, day {day + 1}", planes, flat[day]) for day in range(3)],
        [Series.of(f"volume, day {day + 1}", planes, whole[day]) for day in range(3)],
    )
    return Outcome((check,), plot)


#: Fibres of each tract in the cases of host fibres.
FIBRES = 20_000


def cut_cord(where: str, dead: float, severity: float, macrophages: float, shear: float) -> Stage:
    """Return a stage with five tracts through a struck stretch 600 um long that is uniform across the cord."""
    numbers = {f"{tract.name.lower()}_simulated": FIBRES // len(HOST_TRACTS) for tract in HOST_TRACTS}
    injury = AxonInjury(AxonInjury.Params(**numbers, shear=shear, swelling_rate=0.0))
    stage = make_stage(
        [injury],
        SHAPES[where],
        (SPACING_UM,) * 3,
        tissue_class="white",
        tick_h=6.0,
        periods_h={"axon_injury": 6.0},
        seed=SEEDS[where],
    )
    tissue = stage.tissue
    struck = np.abs(tissue.lattice.axis_um(2)) < 300.0
    tissue["map.impact"][...] = dead * struck
    tissue["map.severity"][...] = severity * struck
    tissue["density.macrophages_pro"][...] = macrophages
    return stage


@case(
    "agents",
    "Host fibres through a stretch struck evenly across the cord: the share severed is 1 - (1 - dead)(1 - c s), "
    "stumps recede 300 um at once and then at 60 um/d q M, q even over 1 +- 0.5, in a section as in a volume.",
    variants=("section", "volume"),
)
def fibres_cut(where: str) -> Outcome:
    """Compare the share that is severed, and mean and spread of the die-back over ten days."""
    dead, severity, macrophages, shear = 0.3, 0.8, 0.6, 0.3
    stage = cut_cord(where, dead, severity, macrophages, shear)
    stage.step()
    tissue = stage.tissue
    exact = 1.0 - (1.0 - dead) * (1.0 - shear * severity)
    cut = tissue["fibre.state"] >= AxonState.SEVERED
    tracts = tissue["fibre.tract"]
    shares = [float(cut[tracts == tract].mean()) for tract in HOST_TRACTS]
    per_tract = FIBRES // len(HOST_TRACTS)
    days, mean, spread = [], [], []
    steps = 4
    for day in range(1, 11):
        stage.step(steps if day > 1 else steps - 1)
        receded = tissue["fibre.receded_um"][cut]
        days.append(float(day))
        mean.append(float(receded.mean()))
        spread.append(float(receded.std(ddof=1)))
    # a fibre recedes from the step after the one that cut it
    time = np.array(days) - 0.25
    law = 300.0 + 60.0 * macrophages * time
    width = 60.0 * macrophages * time * 0.5 / np.sqrt(3.0)
    count = int(cut.sum())
    checks = (
        Check.worst(
            "share severed, by tract", "1", exact, shares, allow.of_share(exact, per_tract),
            f"4 sqrt(p (1 - p)/n) + 1/n, n = {per_tract} of each tract",
        ),
        Check.worst(
            "mean die-back", "um", law, mean, allow.SIGMAS * width / np.sqrt(count), f"4 sigma/sqrt(n), n = {count}"
        ),
        Check.worst(
            "standard deviation of the die-back", "um", width, spread, allow.SIGMAS * width * np.sqrt(0.2 / count),
            f"4 sigma sqrt((kurtosis - 1)/(4 n)), kurtosis 1.8 of an even distribution, n = {count}",
        ),
    )  # fmt: skip
    plot = Plot(
        "time since the injury (d)",
        "mean die-back (um)",
        [Series.of("300 um + 60 um/d M t", days, law)],
        [Series.of(f"{count} severed fibres, {where}", days, mean)],
    )
    return Outcome(checks, plot)
