"""Cases of growth cones that nothing guides: persistence of the path, speed and pauses, with `AxonGrowth` itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.processes.axon_growth import AxonGrowth
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.stage import Stage, make_stage, put_cones

#: Growth without noise, pauses, branches or guidance: what a case does not ask for does not happen.
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
    "log_every": 5000.0,
}
SHAPES: dict[str, tuple[int, int, int]] = {"plane": (1, 16, 16), "space": (16, 16, 16)}
SPEED = 75.0


def cones_on(
    shape: tuple[int, int, int],
    hours: float,
    spacing: float = 100.0,
    tissue_class: str = "grey",
    **changes: Any,
) -> Stage:
    """Return a stage with growth alone, in steps of `hours`."""
    growth = AxonGrowth(AxonGrowth.Params(**{**PLAIN, **changes}))
    periods = {"axon_growth": hours}
    return make_stage(
        [growth], shape, (spacing,) * 3, tissue_class=tissue_class, tick_h=hours, periods_h=periods
    )


def mean_square(length: Any, persistence: float) -> Any:
    """Return ``2 l L (1 - (l/L)(1 - e^(-L/l)))`` of a path of length L and persistence length l, um2."""
    ratio = persistence / np.asarray(length, dtype=np.float64)
    return 2.0 * persistence * length * (1.0 + ratio * np.expm1(-1.0 / ratio))


def mean_square_of_pieces(pieces: Any, persistence: float, piece: float) -> Any:
    """Return the same for a path of straight pieces whose headings have the exact mean cosine, um2."""
    kept = np.exp(-piece / persistence)
    n = np.asarray(pieces, dtype=np.float64)
    return piece**2 * (n * (1.0 + kept) / (1.0 - kept) - 2.0 * kept * (1.0 - kept**n) / (1.0 - kept) ** 2)


@case(
    "agents",
    "Free growth cones, unit pieces, heading noise sigma per piece, persistence length l = 2/sigma^2: mean square "
    "distance 2 l L (1 - (l/L)(1 - exp(-L/l))); after 200 um 29430.4 um2 at sigma 0.1 and 7901.4 um2 at 0.3.",
    variants=("plane, sigma 0.1", "plane, sigma 0.3", "space, sigma 0.1", "space, sigma 0.3"),
    dear=True,
)
def cone_walk(variant: str) -> Outcome:
    """Walk 200 um and compare the mean square distance on the way."""
    where, sigma = variant.split(", sigma ")
    persistence = 2.0 / float(sigma) ** 2
    n = 100_000
    stage = cones_on(SHAPES[where], 20.0 / SPEED, persistence=persistence, piece=1.0)
    put_cones(stage, n)
    lengths, found, sampling = [], [], []
    for turn in range(1, 11):
        stage.step()
        cones = stage.tissue.cones
        square = cones["x"] ** 2 + cones["y"] ** 2 + cones["z"] ** 2
        lengths.append(20.0 * turn)
        found.append(float(square.mean()))
        sampling.append(allow.of_mean(square))
    length = np.array(lengths)
    exact = mean_square(length, persistence)
    pieces = np.abs(mean_square_of_pieces(length, persistence, 1.0) - exact)
    why = f"4 s/sqrt(n), n = {n} paths, and {pieces[-1]:.2g} um2 for a path of straight unit pieces (closed form)"
    allowed = np.array(sampling) + pieces
    checks = (
        Check("mean square distance after 200 um", "um2", exact[-1], found[-1], allowed[-1], why),
        Check.worst("the same at ten lengths on the way", "um2", exact, found, allowed, why),
    )
    fine = np.linspace(1.0, 200.0, 100)
    plot = Plot(
        "path length (um)",
        "mean square distance (um2)",
        [Series.of("2 l L (1 - (l/L)(1 - exp(-L/l)))", fine, mean_square(fine, persistence))],
        [Series.of(f"{n} growth cones", length, found)],
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Headings of free growth cones after 19 persistence lengths: no preference for the axes of the lattice "
    "(second moments 1/d, mean of cos 4 phi = 0 in the plane, sum of fourth powers 3/5 in space).",
    variants=("plane", "space"),
)
def cone_isotropy(where: str) -> Outcome:
    """Compare first, second and fourth moments with those of a uniform direction."""
    n = 20_000
    stage = cones_on(SHAPES[where], 375.0 / SPEED, persistence=20.0)
    put_cones(stage, n)
    stage.step()
    names = "yz" if where == "plane" else "xyz"
    heading = np.stack([stage.tissue.cones[f"h{axis}"] for axis in names])
    d = len(names)
    first = heading.mean(axis=1)
    second = (heading[:, None] * heading[None]).mean(axis=2)
    # variances of h_i, h_i^2 and h_i h_j for a uniform direction in d dimensions
    of_square = 3.0 / (d * (d + 2)) - 1.0 / d**2
    of_product = 1.0 / (d * (d + 2))
    spread = np.where(np.eye(d) > 0, of_square, of_product)
    why = f"4 sqrt(variance of a uniform direction/n), n = {n}"
    if d == 2:
        angle = np.arctan2(heading[0], heading[1])
        fourth, exact_fourth, of_fourth = float(np.cos(4.0 * angle).mean()), 0.0, 0.5
        label = "mean of cos 4 phi"
    else:
        fourth, exact_fourth = float((heading**4).sum(axis=0).mean()), 0.6
        of_fourth = 3.0 / 9.0 + 6.0 / 105.0 - 0.36
        label = "mean of the sum of fourth powers"
    checks = (
        Check.worst("mean heading", "1", 0.0, first, 4.0 / np.sqrt(d * n), why),
        Check.worst("second moments", "1", np.eye(d) / d, second, 4.0 * np.sqrt(spread / n), why),
        Check(label, "1", exact_fourth, fourth, 4.0 * float(np.sqrt(of_fourth / n)), why),
    )
    angle = np.arctan2(heading[-2], heading[-1])
    count, edges = np.histogram(angle, bins=36, range=(-np.pi, np.pi))
    middle = 0.5 * (edges[1:] + edges[:-1])
    plot = Plot(
        "angle to the long axis of the cord (rad)",
        "share of headings per 10 degrees (1)",
        [Series.of("no preference", edges[[0, -1]], [1.0 / 36.0, 1.0 / 36.0])],
        [Series.of(f"{n} growth cones", middle, count / n)],
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Speed that fluctuates as an Ornstein-Uhlenbeck process (11 um/h, 0.5 h): standard deviation of the mean over a "
    "step of length t, 11 sqrt(2 (T/t)(1 - (T/t)(1 - exp(-t/T)))) um/h.",
)
def cone_speed() -> Outcome:
    """Compare mean and standard deviation of the arc that is laid in one step, for several steps."""
    n, tau, sigma = 80_000, 0.5, 11.0
    hours = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
    mean, spread = [], []
    for step in hours:
        stage = cones_on(
            SHAPES["plane"], float(step), 1000.0, fluctuation=sigma, fluctuation_time=tau, piece=500.0
        )
        put_cones(stage, n)
        stage.step()
        speed = stage.tissue.cones["arc_um"] / step
        mean.append(float(speed.mean()))
        spread.append(float(speed.std(ddof=1)))

    def law(t: Any) -> Any:
        return sigma * np.sqrt(2.0 * tau / t * (1.0 + tau / t * np.expm1(-t / tau)))

    exact = law(hours)
    checks = (
        Check.worst(
            "standard deviation of the speed", "um/h", exact, spread, 4.0 * exact / np.sqrt(2.0 * n),
            f"4 sigma/sqrt(2 n), n = {n}",
        ),
        Check.worst("mean speed", "um/h", SPEED, mean, 4.0 * exact / np.sqrt(n), f"4 sigma/sqrt(n), n = {n}"),
    )  # fmt: skip
    fine = np.geomspace(0.2, 10.0, 100)
    plot = Plot(
        "length of a step (h)",
        "standard deviation of the speed (um/h)",
        [Series.of("integrated Ornstein-Uhlenbeck process", fine, law(fine))],
        [Series.of(f"{n} growth cones", hours, spread)],
        scale="log",
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Stop and go: cones leave growth at a = 1/24 + (1/12)/(1 + (u/0.03)^3) per h and return at b = (1/16) H(u); "
    "share growing p + (1 - p) exp(-(a + b) t), p = b/(a + b), at u = 0.03, in steps of 4 h.",
)
def cone_pauses() -> Outcome:
    """Compare the share of active cones over two days."""
    n, u = 100_000, 0.03
    stage = cones_on(
        SHAPES["plane"], 4.0, pause_rate=1 / 24, pause_rate_slow=1 / 12, substrate_grey=u, speed=0.0
    )
    put_cones(stage, n)
    hours, share = [], []
    for turn in range(1, 13):
        stage.step()
        hours.append(4.0 * turn)
        share.append(float((stage.tissue["cone.state"] == 0).mean()))
    leave, resume = 1 / 24 + (1 / 12) / 2.0, (1 / 16) / 2.0
    rest = resume / (leave + resume)

    def law(t: Any) -> Any:
        return rest + (1.0 - rest) * np.exp(-(leave + resume) * t)

    exact = law(np.array(hours))
    why = f"4 sqrt(p (1 - p)/n) + 1/n, n = {n}; the chain is sampled exactly, so the step adds nothing"
    check = Check.worst("share of growing cones", "1", exact, share, allow.of_share(exact, n), why)
    fine = np.linspace(0.0, 48.0, 100)
    plot = Plot(
        "time (h)",
        "share of growing cones (1)",
        [Series.of("two-state chain", fine, law(fine))],
        [Series.of(f"{n} growth cones", hours, share)],
    )
    return Outcome((check,), plot)
