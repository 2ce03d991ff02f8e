"""Cases of growth cones at their limits: too little or too much of a cue, full guidance, and no room."""

from __future__ import annotations

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.cones import SPEED, cones_on
from cordgraft.run.verification.sections_volumes import mean_cosine
from cordgraft.run.verification.stage import put_cones


@case(
    "coupled",
    "Three regimes of guidance by a gradient of one relative slope (0.1 % per cone width): with little cue noise wins, "
    "with much the receptors are full, between them cones turn. Mean cosine to the gradient from the law "
    "exp(-psi^2 B l_p/(2 l_g)), B = s^2/(1 + s^2), s = (w |c'|/c) sqrt(N c)/(1 + c).",
)
def cone_regimes() -> Outcome:
    """Let cones settle at nine levels of the cue and compare their mean cosine."""
    n, persistence, turning, piece = 4000, 20.0, 10.0, 0.25
    slope, samples = 1e-4, 4e8  # relative slope, 1/um
    levels = np.geomspace(1e-4, 1e4, 9)
    found, sampling = [], []
    for level in levels:
        stage = cones_on(
            (1, 32, 32), 30.0 / SPEED, 25.0, persistence=persistence, gradient_length=turning, piece=piece,
            sensing_samples=samples, sensing_floor=0.0,
        )  # fmt: skip
        tissue = stage.tissue
        z = tissue.lattice.centres_um()[2]
        tissue["field.trophic"][...] = level * np.exp(slope * z) * np.ones(tissue.lattice.shape)
        put_cones(stage, n, origin=0, capacity=1e9)
        # a cone takes at most 256 pieces a step, so 64 um of 150: ten steps of 30 um in their place
        stage.step(10)
        cosine = stage.tissue["cone.hz"]
        found.append(float(cosine.mean()))
        sampling.append(allow.of_mean(cosine))
    ratio = 10.0 * slope * np.sqrt(samples * levels) / (1.0 + levels)
    seen = ratio**2 / (1.0 + ratio**2)
    exact = mean_cosine(seen / turning, persistence, space=False)
    # Over its path a cone meets the cue within a share of 300 um x slope; and it turns in pieces.
    drift = 2.0 * 300.0 * slope
    pieces = piece / turning
    start = np.exp(-300.0 / persistence)
    why = (
        f"4 s/sqrt(n), n = {n}; the level differs by at most {drift:.2g} on the way, turning and wobbling one after "
        f"the other in pieces of {piece:g} um; the start counts exp(-15)"
    )
    least = exact[[0, -1]].max()
    checks = (
        Check.worst(
            "mean cosine to the gradient", "1", exact, found, np.array(sampling) + (drift + pieces) * exact + start, why
        ),
        Check(
            "mean cosine at the best level over that at the worst of the ends, at least 5", "1", 1.0,
            float(max(found) / max(found[0], found[-1], 1e-9) >= 5.0), 0.0,
            f"closed form: {exact.max() / least:.3g}, so 5 leaves room for chance",
        ),
    )  # fmt: skip
    plot = Plot(
        "level of the cue over its dissociation constant (1)",
        "mean cosine to the gradient (1)",
        [Series.of("closed form", levels, exact)],
        [Series.of(f"{n} growth cones each", levels, np.maximum(found, 1e-3))],
        scale="log",
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Neurites in a conduit whose walls guide fully: at 10 um/h the mean front is 10 um/h t (as for 2000 neurites in a "
    "nerve construct, Laranjeira 2022), and fronts spread with the root of the number of steps.",
)
def conduit() -> Outcome:
    """Let 2000 cones grow along aligned tissue and compare mean and spread of the front over 24 h."""
    n, hours, speed, sigma, tau = 2000, 2.0, 10.0, 2.1, 0.5
    contact, persistence = 0.01, 150.0
    stage = cones_on(
        (1, 8, 128), hours, 50.0, tissue_class="white", speed=speed, substrate_white=1.0, fluctuation=sigma,
        fluctuation_time=tau, contact_length=contact, persistence=persistence, piece=25.0,
    )  # fmt: skip
    put_cones(stage, n)
    time, front, spread = [], [], []
    for turn in range(1, 13):
        stage.step()
        z = stage.tissue["cone.z"]
        time.append(turn * hours)
        front.append(float(z.mean()))
        spread.append(float(z.std(ddof=1)))
    t = np.array(time)
    ratio = tau / hours
    of_step = sigma * np.sqrt(2.0 * ratio * (1.0 + ratio * np.expm1(-1.0 / ratio)))
    width = of_step * hours * np.sqrt(t / hours)
    left = 0.5 * contact / persistence
    bent = speed * t * left
    why = f"4 sigma/sqrt(n), n = {n}, and 1 - cos of the angle that is left, l_c/(2 l_p) = {left:.2g}"
    checks = (
        Check.worst("mean front", "um", speed * t, front, allow.SIGMAS * width / np.sqrt(n) + bent, why),
        Check.worst(
            "standard deviation of the front", "um", width, spread, allow.SIGMAS * width / np.sqrt(2.0 * n),
            f"4 sigma/sqrt(2 n), n = {n}; means over steps of {hours:g} h are drawn apart",
        ),
    )  # fmt: skip
    plot = Plot(
        "time (h)",
        "mean front (um)",
        [Series.of("10 um/h t", t, speed * t)],
        [Series.of(f"{n} growth cones", t, front)],
    )
    return Outcome(checks, plot)


@case(
    "agents",
    "Crowding on a bridge: of 300 to 12,000 cones that come to a place with room for 750 as many pass as fit, and "
    "those advance as fast as if they were alone: success falls, the rate does not (as reported by Zhu 2018).",
)
def cone_crowding() -> Outcome:
    """Send more and more cones into one voxel and compare how many pass, and how far those come."""
    numbers = np.array([300, 600, 1200, 3000, 6000, 12_000])
    room, edge = 750, 100.0
    share, rate = [], []
    for n in numbers:
        stage = cones_on(
            (1, 8, 64), 1.0, edge, persistence=1e9, crowding=(room + 0.5) / edge**2, cone_length=edge,
            resume_rate=1e-6, piece=25.0,
        )  # fmt: skip
        # 5 um before the border of a voxel: all of them cross it in the first step
        put_cones(stage, int(n), point=(0.0, 50.0, edge - 5.0))
        stage.step()
        passed = stage.tissue["cone.state"] == 0
        first = stage.tissue["cone.z"].copy()
        stage.step()
        gone = stage.tissue["cone.z"] - first
        share.append(float(passed.mean()))
        rate.append(float(gone[passed].mean()))
    exact = np.minimum(1.0, room / numbers)
    checks = (
        Check.worst("share of cones that pass", "1", exact, share, 1e-12, "a count: rounding alone"),
        Check.worst(
            "their speed", "um/h", SPEED, rate, 0.5, "half a step of the border: none of them is slowed"
        ),
    )
    plot = Plot(
        "cones that come (1)",
        "share that passes (1)",
        [Series.of("room for 750", numbers, exact)],
        [Series.of("growth cones", numbers, share)],
        scale="log",
        points=True,
    )
    return Outcome(checks, plot)
