"""The suite of closed forms: its cases are met, and it notices what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cordgraft.core.problems import BadInput
from cordgraft.run.verification import allowances as allow
from cordgraft.run.verification import superposition
from cordgraft.run.verification.case import REGISTRY, Case, Check, Outcome, Plot, Series, case
from cordgraft.run.verification.catalogue import all_cases, find_cases
from cordgraft.run.verification.suite import run_case, run_cases, sentence

CASES = all_cases()


def assert_met(case: Case) -> None:
    """Run a case and show every check of it if one is short."""
    outcome = case.run()
    short = [check for check in outcome.checks if not check.met]
    assert outcome.met, "\n".join(
        f"{check.quantity}: {check.computed} instead of {check.exact}, {check.error:.3g} off of {check.allowed:.3g}"
        for check in short
    )


@pytest.mark.parametrize("case", [c for c in CASES if not c.dear], ids=lambda c: c.name)
def test_a_case_is_met(case: Case) -> None:
    assert_met(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES if c.dear], ids=lambda c: c.name)
def test_a_dear_case_is_met(case: Case) -> None:
    assert_met(case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_case_says_what_it_is(case: Case) -> None:
    assert case.group in ("random numbers", "agents", "coupled", "fields")
    assert len(case.meaning) > 40 and case.meaning.endswith(".")
    assert case.problem == case.name.split("[")[0]


def test_the_coupled_cases_and_every_solver_are_there() -> None:
    names = {case.name for case in CASES}
    for solver in ("spectral", "sdirk2", "rkl2"):
        assert {f"cosine_{d}d[{solver}]" for d in (1, 2, 3)} <= names
        assert f"moving_sources[plane, {solver}]" in names
    assert sum(case.group == "coupled" for case in CASES) >= 15


# ------------------------------------------------------------------------------ a wrong kernel is noticed
def wrong_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every exchange between two voxels 2 % too large."""
    from cordgraft.kernels import medium

    right, made = medium.face_exchange, medium.make_medium

    def wrong(*arguments: Any, **named: Any) -> Any:
        found = made(*arguments, **named)
        if found.uniform is None:
            return found
        rates, decay = found.uniform
        return replace(found, uniform=((1.02 * rates[0], 1.02 * rates[1], 1.02 * rates[2]), decay))

    monkeypatch.setattr(medium, "face_exchange", lambda *a: 1.02 * right(*a))
    monkeypatch.setattr(medium, "make_medium", wrong)


def wrong_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the exchange through the edge of the cord 2 % too small."""
    from cordgraft.kernels import medium

    right = medium.edge_exchange
    monkeypatch.setattr(medium, "edge_exchange", lambda *a, **b: 0.98 * right(*a, **b))


def wrong_decay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make decay 2 % too fast."""
    from cordgraft.kernels import medium

    made = medium.make_medium

    def wrong(*arguments: Any, **named: Any) -> Any:
        given = list(arguments)
        if len(given) > 3:
            given[3] = 1.02 * given[3]
        return made(*given, **named)

    monkeypatch.setattr(medium, "make_medium", wrong)


def wrong_gamma(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the diagonal of the implicit stages 2 % too large: stable and conservative, but first order."""
    from cordgraft.kernels import solvers

    monkeypatch.setattr(solvers, "GAMMA", 1.02 * solvers.GAMMA)


def wrong_hours(module: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what makes the day of a process 2 % too long, and so all its rates too small."""

    def make(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(f"cordgraft.processes.{module}.HOURS", 24.0 * 1.02)

    make.__name__ = f"hours_of_{module}"
    return make


def wrong_persistence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make growth cones keep their heading 2 % longer."""
    from cordgraft.processes.axon_growth import AxonGrowth

    right = AxonGrowth._growth
    monkeypatch.setattr(
        AxonGrowth,
        "_growth",
        lambda self, *given: right(self, *given)._replace(persistence=1.02 * self.params.persistence),
    )


def wrong_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make cells secrete 2 % too much."""
    monkeypatch.setattr("cordgraft.processes.secretion.NM_PER_MOL_UM3", 1.02e24)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (wrong_faces, "cosine_1d[spectral]"),
        (wrong_faces, "cosine_2d[sdirk2]"),
        (wrong_faces, "cosine_3d[rkl2]"),
        (wrong_faces, "anisotropic_pulse[sdirk2]"),
        (wrong_faces, "held_ends[sdirk2]"),
        (wrong_faces, "slab[steady]"),
        (wrong_faces, "point_decay_2d"),
        (wrong_faces, "saturating_uptake"),
        (wrong_faces, "moving_sources[plane, sdirk2]"),
        (wrong_edge, "slab_membrane[steady]"),
        (wrong_edge, "flux_at_the_end[rkl2]"),
        (wrong_edge, "steady_line"),
        (wrong_decay, "decay_only[pointwise]"),
        (wrong_decay, "slab[steady]"),
        (wrong_gamma, "cosine_1d[sdirk2]"),
        (wrong_gamma, "moving_sources[plane, sdirk2]"),
        (wrong_output, "moving_sources[plane, spectral]"),
        (wrong_output, "secreted_amount[cord, sdirk2]"),
        (wrong_hours("survival"), "survival"),
        (wrong_hours("division"), "division_time"),
        pytest.param(wrong_persistence, "cone_walk[plane, sigma 0.3]", marks=pytest.mark.slow),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_two_percent_make_the_verdict_short(
    spoil: Callable[[pytest.MonkeyPatch], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = find_cases([name])
    spoil(monkeypatch)
    result = run_case(case)
    assert result.verdict == "short", result.trouble
    assert any(check.error > check.allowed for check in result.outcome.checks)


# ----------------------------------------------------------------------------------- parts of the suite
def test_a_check_without_a_number_is_not_met() -> None:
    assert not Check("q", "1", 1.0, float("nan"), 0.1, "why").met
    assert not Check("q", "1", float("nan"), 1.0, 0.1, "why").met
    assert Check("q", "1", 1.0, 1.1, 0.11, "why").met
    assert not Check("q", "1", 1.0, 1.1, 0.09, "why").met


def test_the_worst_place_is_the_one_that_uses_most_of_what_is_allowed() -> None:
    check = Check.worst("q", "1", [1.0, 2.0, 3.0], [1.1, 2.3, 3.0], [0.05, 1.0, 1.0], "why")
    assert (check.exact, check.computed, check.allowed) == (1.0, 1.1, 0.05)
    check = Check.worst("q", "1", 0.0, [0.0, np.nan, 5.0], 1.0, "why")
    assert np.isnan(check.computed) and not check.met
    assert not Check.worst("q", "1", 0.0, [0.0, 1e-9], 0.0, "why").met


def test_an_outcome_without_checks_proves_nothing() -> None:
    plot = Plot("x (1)", "y (1)", [], [])
    assert not Outcome((), plot).met


def test_an_error_in_a_case_is_its_verdict() -> None:
    def broken() -> Outcome:
        raise ArithmeticError("no balance\nand more")

    result = run_case(Case("x", "fields", "", broken))
    assert (result.verdict, result.trouble) == ("broken", "ArithmeticError: no balance")
    assert "not met: x (broken)" in sentence([result], 1, False)


def test_ctrl_c_keeps_what_is_done() -> None:
    def stop() -> Outcome:
        raise KeyboardInterrupt

    first = find_cases(["philox"])[0]
    results, interrupted = run_cases([first, Case("x", "fields", "", stop), first], lambda number, case: None)
    assert interrupted
    assert [result.case.name for result in results] == ["philox"]
    assert sentence(results, 3, True).endswith("interrupted, 2 cases were not run")


def test_names_find_cases() -> None:
    assert [c.name for c in find_cases(["cosine_1d"])] == [
        f"cosine_1d[{s}]" for s in ("spectral", "sdirk2", "rkl2")
    ]
    assert [c.name for c in find_cases(["slab[rkl2]", "philox"])] == ["philox", "slab[rkl2]"]
    assert find_cases([]) == CASES
    with pytest.raises(BadInput, match="did you mean cosine_3d") as error:
        find_cases(["cosin_3d", "slap"])
    assert len(error.value.problems) == 2


def test_a_name_is_given_once() -> None:
    before = dict(REGISTRY)
    with pytest.raises(ValueError, match="two cases are called philox"):
        case("fields", "again")(_named("philox"))
    with pytest.raises(ValueError, match="two cases are called cosine_1d"):
        case("fields", "again")(_named("cosine_1d"))
    assert before == REGISTRY


def _named(name: str) -> Callable[..., Outcome]:
    def function() -> Outcome:
        raise AssertionError

    function.__name__ = name
    return function


# --------------------------------------------------------------------------------------- the allowances
@pytest.mark.parametrize("waves", [1, 3])
def test_the_error_of_a_lattice_is_within_its_formula_and_not_far_from_it(waves: int) -> None:
    h, d, t = 0.02, 1.0, 0.05
    q = np.pi * waves
    true = abs(np.exp(-2.0 * d / h**2 * (1.0 - np.cos(q * h)) * t) - np.exp(-d * q**2 * t))
    formula = float(allow.of_lattice([d * q**2], [q], [h], t))
    assert 0.9 * formula < true <= formula


@pytest.mark.parametrize(
    ("solver", "stages", "least"), [("sdirk2", 0, 0.5), ("rkl2", 3, 0.3), ("rkl2", 9, 0.2)]
)
def test_the_error_of_steps_is_within_its_formula_and_not_far_from_it(
    solver: str, stages: int, least: float
) -> None:
    factor = superposition.factor_of(solver, stages)
    for rate in (0.5, 2.0, 8.0):
        true = abs(float(factor(np.array(-rate * 0.05))) ** 20 - np.exp(-rate))
        formula = float(allow.of_steps(solver, rate, 0.05, 1.0))
        assert least * formula < true <= formula, rate


def test_exact_methods_are_allowed_no_error_in_time() -> None:
    assert allow.of_steps("spectral", 3.0, 0.5, 1.0) == 0.0
    assert allow.of_steps("pointwise", 3.0, 0.5, 1.0) == 0.0


def test_the_factor_of_sdirk2_is_of_second_order() -> None:
    factor = superposition.factor_of("sdirk2")
    z = -1e-2
    assert float(factor(np.array(z))) - np.exp(z) == pytest.approx(
        allow.STEP_CONSTANT["sdirk2"] * z**3, rel=0.02
    )


def on_a_finer_lattice(
    shape: tuple[int, ...], sources: list[np.ndarray], d: float, k: float, finer: int
) -> Any:
    """Return the voxel means of the same problem, solved exactly in time on a lattice `finer` times finer."""
    from scipy.fft import dctn, idctn

    fall = np.full(tuple(finer * n for n in shape), k)
    for axis, n in enumerate(fall.shape):
        along = [1] * len(shape)
        along[axis] = -1
        fall = fall + (2.0 * d * finer**2 * (1.0 - np.cos(np.pi * np.arange(n) / n))).reshape(along)
    modes = np.zeros(fall.shape)
    for source in sources:
        for axis in range(len(shape)):
            source = np.repeat(source, finer, axis=axis)
        modes = modes * np.exp(-fall) - np.expm1(-fall) / fall * dctn(source)
    means = idctn(modes)
    for axis, n in enumerate(shape):
        means = means.reshape([*means.shape[:axis], n, finer, *means.shape[axis + 1 :]]).mean(axis=axis + 1)
    return means


@pytest.mark.parametrize("shape", [(24,), (12, 16), (8, 6, 10)])
def test_a_superposition_is_what_finer_and_finer_lattices_tend_to(shape: tuple[int, ...]) -> None:
    d, k = 0.7, 0.3
    exact = superposition.Superposition(shape, 1.0, d, k, 1.0, 16)
    sources = []
    for tick in range(3):
        source = np.zeros(shape)
        source[tuple((3 * tick + 2) % n for n in shape)] = 1.0 + tick
        sources.append(source)
        exact.add_tick(source)
    field = exact.voxel_means()
    once, twice = (on_a_finer_lattice(shape, sources, d, k, finer) for finer in (6, 12))
    extrapolated = (4.0 * twice - once) / 3.0
    distance = [float(np.abs(means - field).max()) for means in (once, twice, extrapolated)]
    assert distance[1] == pytest.approx(distance[0] / 4.0, rel=0.1)
    assert distance[2] < 0.02 * distance[0]
    # on the lattice itself the bound holds, and the closed form of the lattice is what is found there
    spectral = superposition.factor_of("spectral")
    coarse = on_a_finer_lattice(shape, sources, d, k, 1)
    np.testing.assert_allclose(exact.lattice_means(spectral), coarse, atol=1e-14)
    assert 0.3 * exact.bound(spectral) < np.sqrt(np.mean((coarse - field) ** 2)) <= exact.bound(spectral)


def test_series_are_plain_numbers() -> None:
    series = Series.of("a", np.arange(3), [[1, 2, 3]])
    assert series == Series("a", [0.0, 1.0, 2.0], [1.0, 2.0, 3.0])
