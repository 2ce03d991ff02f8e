"""Cases of the random numbers: published answers of the cipher, and the distributions drawn from it."""

from __future__ import annotations

import numpy as np

from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification.case import Array, Check, Outcome, Plot, Series, case

#: Counter, key and answer of Philox 4x32-10 as published with Random123 (Salmon et al. 2011).
KNOWN: tuple[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], ...] = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
DRAWS = 200_000


@case("random numbers", "Philox 4x32-10 gives the twelve words published for three counters and keys.")
def philox() -> Outcome:
    """Compare every word."""
    from cordgraft.kernels.random import cipher

    found: list[int] = []
    wanted: list[int] = []
    for counter, key, answer in KNOWN:
        out = np.zeros(4, dtype=np.uint64)
        cipher(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64), out)
        found += [int(word) for word in out]
        wanted += answer
    check = Check.worst("words of the cipher", "1", wanted, found, 0.0, "whole numbers: no error is allowed")
    place = np.arange(1, 13)
    plot = Plot(
        "word (three known answers of four words)",
        "word of the cipher (1)",
        [Series.of("published", place, wanted)],
        [Series.of("computed", place, found)],
        points=True,
    )
    return Outcome((check,), plot)


@case("random numbers", "Uniform numbers of consecutive agents: the distribution function is F(u) = u.")
def uniform_draws() -> Outcome:
    """Compare the empirical distribution with the straight line."""
    from cordgraft.kernels.random import uniforms

    return _distribution(uniforms(7, np.arange(DRAWS), 3, 10), lambda x: x, "uniform number (1)")


@case("random numbers", "Normal numbers of consecutive agents: F(x) = (1 + erf(x/sqrt 2))/2.")
def normal_draws() -> Outcome:
    """Compare the empirical distribution with the normal one."""
    from scipy.special import ndtr

    from cordgraft.kernels.random import normals

    return _distribution(normals(7, np.arange(DRAWS), 3, 13), ndtr, "normal number (1)")


def _distribution(draws: Array, law: object, label: str) -> Outcome:
    draws = np.sort(draws)
    exact = np.asarray(law(draws))  # type: ignore[operator]
    above, below = np.arange(1, draws.size + 1) / draws.size, np.arange(draws.size) / draws.size
    computed = np.where(np.abs(above - exact) > np.abs(below - exact), above, below)
    why = f"Dvoretzky-Kiefer-Wolfowitz: sqrt(ln(2/6.3e-5)/(2 n)), n = {draws.size}"
    check = Check.worst("distribution function", "1", exact, computed, allow.of_distribution(draws.size), why)
    some = np.linspace(0, draws.size - 1, 40).astype(int)
    fine = np.linspace(0, draws.size - 1, 400).astype(int)
    plot = Plot(
        label,
        "share of draws below (1)",
        [Series.of("exact", draws[fine], exact[fine])],
        [Series.of("drawn", draws[some], above[some])],
    )
    return Outcome((check,), plot)


@case(
    "random numbers",
    "Uniform numbers that differ in agent, tick, stream, block or seed by one are not correlated: coefficient 0.",
)
def independent_draws() -> Outcome:
    """Correlate each neighbour with the same draws."""
    from cordgraft.kernels.random import uniforms

    agents = np.arange(DRAWS)
    base = uniforms(7, agents, 3, 10)
    others = {
        "agent": uniforms(7, agents + 1, 3, 10),
        "tick": uniforms(7, agents, 4, 10),
        "stream": uniforms(7, agents, 3, 11),
        "block": uniforms(7, agents, 3, 10, 1),
        "seed": uniforms(8, agents, 3, 10),
    }
    found = [float(np.corrcoef(base, other)[0, 1]) for other in others.values()]
    why = f"4/sqrt(n), n = {DRAWS}"
    check = Check.worst("coefficient of correlation", "1", 0.0, found, 4.0 / np.sqrt(DRAWS), why)
    place = np.arange(1, len(found) + 1)
    plot = Plot(
        f"next {', '.join(others)} (number)",
        "coefficient of correlation (1)",
        [Series.of("independent", [1, len(found)], [0.0, 0.0])],
        [Series.of(f"{DRAWS} draws", place, found)],
    )
    return Outcome((check,), plot)
