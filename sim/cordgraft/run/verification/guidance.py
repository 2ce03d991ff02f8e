"""Coupled cases of growth cones: what they read off tissue and fields turns them as the closed form says."""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Check, Outcome, Plot, Series, case
from cordgraft.run.verification.cones import SPEED, cones_on
from cordgraft.run.verification.stage import Stage, put_cones

#: So many receptor readings that a gradient of 1e-3/um is always detected (B within 4e-6 of 1).
CERTAIN = 1e10
STEEPNESS = 1e-3
LEVEL = 2.0


def in_a_gradient(
    shape: tuple[int, int, int],
    direction: Any,
    persistence: float,
    turning: float,
    piece: float,
    hours: float,
) -> Stage:
    """Return a stage whose trophic field rises evenly by `STEEPNESS` along a unit vector from `LEVEL`."""
    stage = cones_on(
        shape,
        hours,
        50.0,
        persistence=persistence,
        gradient_length=turning,
        piece=piece,
        sensing_samples=CERTAIN,
    )
    tissue = stage.tissue
    x, y, z = tissue.lattice.centres_um()
    tissue["field.trophic"][...] = LEVEL + STEEPNESS * (
        direction[0] * x + direction[1] * y + direction[2] * z
    )
    return stage


def undetected(length: float) -> float:
    """Return an upper bound of 1 - B over a path of `length`: B = s^2/(1 + s^2), s = 10 g sqrt(N)/(sqrt(c)(1 + c))."""
    highest = LEVEL + STEEPNESS * length
    ratio = 10.0 * STEEPNESS * np.sqrt(CERTAIN / highest) / (1.0 + highest)
    return float(1.0 / (1.0 + ratio**2))


@case(
    "coupled",
    "Chemotaxis: cones in a plane with an even gradient turn up it over the length g = 30 um against the persistence "
    "length l = 150 um. From along the gradient the mean advance is the integral of exp(-(g/2l)(1 - exp(-2 s/g))) ds.",
    variants=("along the cord", "across the cord", "at 27 degrees"),
)
def cone_chemotaxis(variant: str) -> Outcome:
    """Let host cones grow 300 um and compare the mean advance up the gradient."""
    angle = {"along the cord": 0.0, "across the cord": np.pi / 2.0, "at 27 degrees": np.deg2rad(27.0)}[
        variant
    ]
    direction = (0.0, float(np.sin(angle)), float(np.cos(angle)))
    n, persistence, turning, piece, turn_um = 20_000, 150.0, 30.0, 2.0, 30.0
    stage = in_a_gradient((1, 40, 40), direction, persistence, turning, piece, turn_um / SPEED)
    put_cones(stage, n, headings=direction, origin=0, capacity=1e9)
    lengths, found, sampling = [], [], []
    for turn in range(1, 11):
        stage.step()
        cones = stage.tissue.cones
        advance = direction[1] * cones["y"] + direction[2] * cones["z"]
        lengths.append(turn * turn_um)
        found.append(float(advance.mean()))
        sampling.append(allow.of_mean(advance))
    fine = np.arange(0.0, lengths[-1] + 0.05, 0.1)
    speed = np.exp(-(turning / (2.0 * persistence)) * -np.expm1(-2.0 * fine / turning))
    # trapezoidal sum of a smooth function at 0.1 um: its own error is below 1e-6 um
    law = np.concatenate(([0.0], np.cumsum(0.05 * (speed[1:] + speed[:-1]))))
    places = np.round(np.array(lengths) / 0.1).astype(int)
    exact = law[places]
    coarse = piece * (speed[0] - speed[places])
    missed = undetected(lengths[-1]) * np.array(lengths)
    why = (
        f"4 s/sqrt(n), n = {n}; pieces of {piece:g} um: h (f(0) - f(L)), since f falls; "
        f"{missed[-1]:.1g} um for readings that miss the gradient"
    )
    checks = (
        Check.worst(
            "mean advance up the gradient", "um", exact, found, np.array(sampling) + coarse + missed, why
        ),
    )
    plot = Plot(
        "path length (um)",
        "mean advance up the gradient (um)",
        [Series.of("closed form", fine[::50], law[::50])],
        [Series.of(f"{n} growth cones", lengths, found)],
    )
    return Outcome(checks, plot)


@case(
    "coupled",
    "Without noise a cone in space that starts at 120 degrees to an even gradient turns towards it as "
    "120 exp(-s/g) degrees, g = 60 um, for gradients along and oblique to the axes.",
)
def cone_turning_space() -> Outcome:
    """Compare the angle to the gradient on the way."""
    turning, piece, turn_um, straight = 60.0, 5.0, 30.0, 1e6
    lengths = turn_um * np.arange(1, 9)
    start = np.deg2rad(120.0)
    exact = start * np.exp(-lengths / turning)
    computed = []
    for direction in ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.48, 0.6, 0.64)):
        along = np.array(direction)
        across = np.cross(along, (0.6, -0.8, 0.0))
        across /= np.sqrt(np.sum(across**2))
        heading = np.cos(start) * along + np.sin(start) * across
        stage = in_a_gradient((24, 24, 24), direction, straight, turning, piece, turn_um / SPEED)
        put_cones(stage, 400, headings=heading, origin=0, capacity=1e9)
        found = []
        for _ in lengths:
            stage.step()
            cones = stage.tissue.cones
            cosine = sum(along[i] * cones[f"h{axis}"] for i, axis in enumerate("xyz"))
            found.append(float(np.arccos(np.clip(cosine, -1.0, 1.0)).mean()))
        computed.append(found)
    # B < 1 lengthens g by 1/B; the noise of the persistence length moves the mean angle by (variance/4) cot(angle)
    variance = turning / straight
    missed = undetected(float(lengths[-1])) * exact * lengths / turning
    noise = 0.25 * variance / np.tan(exact) + allow.SIGMAS * np.sqrt(0.5 * variance / 400.0)
    why = "readings that miss the gradient: psi (s/g)(1 - B); noise at l = 1e6 um: 4 sqrt(g/(2 l n)) + g/(4 l tan psi)"
    check = Check.worst(
        "angle to the gradient", "degrees",
        np.rad2deg(exact), np.rad2deg(np.array(computed)), np.rad2deg(missed + noise), why,
    )  # fmt: skip
    fine = np.linspace(0.0, lengths[-1], 100)
    labels = ("gradient along z", "gradient along x", "gradient oblique")
    plot = Plot(
        "path length (um)",
        "angle to the gradient (degrees)",
        [Series.of("120 exp(-s/g)", fine, 120.0 * np.exp(-fine / turning))],
        [Series.of(label, lengths, np.rad2deg(f)) for label, f in zip(labels, computed, strict=True)],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Contact guidance: in white matter headings spread round the axis of the cord with the stationary variance "
    "l_c/l_p = 15/150 rad^2, whatever the length of a piece.",
    variants=("pieces of 5 um", "pieces of 40 um"),
)
def cone_alignment(variant: str) -> Outcome:
    """Compare the distribution of headings in the plane with the normal one."""
    from scipy.special import ndtr

    piece = float(variant.split()[2])
    n = 20_000
    stage = cones_on((1, 24, 128), 3.2, 100.0, tissue_class="white", piece=piece)
    put_cones(stage, n, point=(0.0, 0.0, -3000.0))
    stage.step()
    cones = stage.tissue.cones
    angle = np.sort(np.arctan2(cones["hy"], cones["hz"]))
    variance = 15.0 / 150.0
    why_variance = f"4 variance sqrt(2/n), n = {n}; after 240 um (16 l_c) the start counts exp(-32)"
    exact = ndtr(angle / np.sqrt(variance))
    above = np.arange(1, n + 1) / n
    why_law = (
        f"Dvoretzky-Kiefer-Wolfowitz for n = {n}, and the share that turned round, exp(-(pi/2)^2/2 v) < 1e-5"
    )
    checks = (
        Check(
            "variance of the angle to the cord", "rad2", variance, float((angle**2).mean()),
            allow.SIGMAS * variance * float(np.sqrt(2.0 / n)), why_variance,
        ),
        Check.worst("its distribution function", "1", exact, above, allow.of_distribution(n) + 1e-5, why_law),
    )  # fmt: skip
    some = np.linspace(0, n - 1, 30).astype(int)
    fine = np.linspace(-1.3, 1.3, 200)
    plot = Plot(
        "angle to the cord (rad)",
        "share of headings below (1)",
        [Series.of("normal, variance l_c/l_p", fine, ndtr(fine / np.sqrt(variance)))],
        [Series.of(f"{n} growth cones", angle[some], above[some])],
    )
    return Outcome(checks, plot)


def pull(cue: Any, steepness: Any, samples: float) -> Any:
    """Return ``Q = 0.2 + 0.8 max(B, c/(1 + c))``, ``B = s^2/(1 + s^2)``, ``s = 10 um |c'|/c sqrt(N c)/(1 + c)``."""
    ratio = 10.0 * steepness / cue * np.sqrt(samples * cue) / (1.0 + cue)
    return 0.2 + 0.8 * np.maximum(ratio**2 / (1.0 + ratio**2), cue / (1.0 + cue))


@case(
    "coupled",
    "What cones read off a field c = 8 exp(-z/l), l = 200 um: their speed over the greatest is "
    "0.2 + 0.8 max(B, c/(1 + c)) with B = s^2/(1 + s^2), s = 10 um (c/l)/c sqrt(N c)/(1 + c), at any place.",
    variants=("few readings", "many readings"),
)
def cone_sensing(variant: str) -> Outcome:
    """Put host cones between the voxel centres and compare the product of growth that they find."""
    samples = 4e4 if variant == "few readings" else 4e6
    n, h, length, level = 4000, 5.0, 200.0, 8.0
    stage = cones_on((1, 8, 512), 0.01, h, sensing_samples=samples, cue_intact=0.0)
    tissue = stage.tissue
    low = tissue.lattice.axis_um(2)[0]
    tissue["field.trophic"][...] = level * np.exp(-(tissue.lattice.centres_um()[2] - low) / length)
    away = np.linspace(10.0, 2500.0, n)
    put_cones(stage, n, origin=0, capacity=1e9)
    tissue["cone.z"][...] = low + away
    tissue["cone.y"][...] = np.resize(np.linspace(-12.0, 12.0, 7), n)
    stage.step()
    order = np.argsort(tissue["cone.id"])
    found = tissue["cone.growth"][order]
    cue = level * np.exp(-away / length)
    exact = pull(cue, cue / length, samples)
    # between centres a straight line is off by h^2/8 c'', and its slope by h/2 c''
    ends = [
        pull(
            cue * (1.0 + a * h**2 / (8.0 * length**2)), cue / length * (1.0 + b * h / (2.0 * length)), samples
        )
        for a in (0.0, 1.01)
        for b in (-1.01, 1.01)
    ]
    allowed = np.max(np.abs(np.stack(ends) - exact), axis=0) + allow.of_rounding(64.0, 1.0)
    why = (
        f"linear interpolation: h^2/8 c'' in the field, h/2 c'' in its slope, h = {h:g} um, carried through Q"
    )
    check = Check.worst("speed over the greatest", "1", exact, found, allowed, why)
    plot = Plot(
        "distance from the source (um)",
        "speed over the greatest (1)",
        [Series.of("closed form", away[::20], exact[::20])],
        [Series.of(f"growth cones, {variant}", away[::100], found[::100])],
    )
    return Outcome((check,), plot)


@case(
    "coupled",
    "Contact guidance in a volume: the angle psi to the cord is distributed as sin(psi) exp(-psi^2 l_p/l_c), "
    "l_c/l_p = 15/150 (stationary Fokker-Planck law on the sphere); mean of 1 - cos psi 0.04837.",
    variants=("pieces of 1 um", "pieces of 5 um", "pieces of 40 um"),
)
def cone_alignment_space(variant: str) -> Outcome:
    """Compare the mean and the distribution of headings in space."""
    from scipy.integrate import cumulative_simpson

    piece, n, ratio, contact = float(variant.split()[2]), 60_000, 0.1, 15.0
    stage = cones_on((24, 24, 128), 3.2, 100.0, tissue_class="white", piece=piece)
    put_cones(stage, n, point=(0.0, 0.0, -3000.0))
    stage.step()
    cosine = stage.tissue.cones["hz"]
    psi = np.linspace(0.0, np.pi, 20_001)
    # on the sphere, and in the plane that touches it
    laws = [np.sin(psi) * np.exp(-(psi**2) / ratio), psi * np.exp(-(psi**2) / ratio)]
    sphere, plane = (cumulative_simpson(law, x=psi, initial=0.0) for law in laws)
    means = [float(np.sum(law * (1.0 - np.cos(psi))) / np.sum(law)) for law in laws]
    between = min(1.0, piece / contact)
    split = between * abs(means[1] - means[0])
    why = (
        f"4 s/sqrt(n), n = {n}; turning and wobbling one after the other in pieces: at most min(1, piece/l_c) of the "
        f"difference between the laws on the sphere and in the plane that touches it, {split:.1g}"
    )
    angle = np.sort(np.arccos(np.clip(cosine, -1.0, 1.0)))
    exact = np.interp(angle, psi, sphere / sphere[-1])
    apart = between * float(np.max(np.abs(sphere / sphere[-1] - plane / plane[-1])))
    why_law = (
        f"Dvoretzky-Kiefer-Wolfowitz, n = {n}, and the same share of the difference of the laws, {apart:.1g}"
    )
    above = np.arange(1, n + 1) / n
    checks = (
        Check(
            "mean of 1 - cos psi",
            "1",
            means[0],
            float(np.mean(1.0 - cosine)),
            allow.of_mean(cosine) + split,
            why,
        ),
        Check.worst(
            "distribution function of psi", "1", exact, above, allow.of_distribution(n) + apart, why_law
        ),
    )
    some = np.linspace(0, n - 1, 30).astype(int)
    near = psi < 1.3
    plot = Plot(
        "angle to the cord (rad)",
        "share of headings below (1)",
        [Series.of("law on the sphere", psi[near][::40], (sphere / sphere[-1])[near][::40])],
        [Series.of(f"{n} growth cones", angle[some], above[some])],
    )
    return Outcome(checks, plot)
