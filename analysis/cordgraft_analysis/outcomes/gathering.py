"""Runs and sets of seeds as arms, checked so that what follows can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cordgraft.core import schema
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.compare import arm_labels, shared_seeds
from cordgraft_analysis.outcomes.axons import SAME_DAY, AxonDay, Floats, axon_day, axon_days, no_such_day
from cordgraft_analysis.outcomes.crossings import distance_grid
from cordgraft_analysis.seeds import Ensemble, open_ensemble
from cordgraft_analysis.view import RunView
from cordgraft_analysis.words import number


@dataclass(frozen=True)
class Subject:
    """One run of an arm with its axons on the days that were asked for.

    Parameters
    ----------
    arm : str
    view : RunView
    days : tuple of AxonDay
    """

    arm: str
    view: RunView
    days: tuple[AxonDay, ...]

    @property
    def seed(self) -> int | str:
        """Seed of the run; the name of its directory where it has none."""
        return self.view.seed if self.view.seed is not None else self.view.directory.name


@dataclass(frozen=True)
class Arm:
    """Runs of one scenario that differ in the seed.

    Parameters
    ----------
    label : str
    ensemble : Ensemble
    subjects : tuple of Subject
        In the order of the views of the ensemble.
    """

    label: str
    ensemble: Ensemble
    subjects: tuple[Subject, ...]

    @property
    def first(self) -> RunView:
        """The run that speaks for the arm."""
        return self.ensemble.views[0]

    def has_graft(self, day: float = math.inf) -> bool:
        """Whether cells were grafted up to a day."""
        return bool(self.first.graft_day <= day + SAME_DAY)

    @cached_property
    def graft_words(self) -> str:
        """Dose, line and regional identity of the graft; empty without one.

        The identity match is the mean over the living grafted neurons on the last day, as the model uses it for
        synapses: 1 is spinal, 0.1 forebrain.
        """
        if not self.has_graft():
            return ""
        given = "; ".join(f"{number(dose)} cells of line {line}" for _, dose, line in self.first.grafts)
        match = self.first.summary.get("scalars", {}).get("relay_identity", {}).get("value")
        if not match:
            return f"{given or 'line not logged'}; regional identity not known: no living neuron at the end"
        return f"{given or 'line not logged'}; regional identity match {match:.2g} (spinal 1, forebrain 0.1)"


@dataclass(frozen=True)
class Gathered:
    """Arms on the days on which all of their runs have axon paths.

    Parameters
    ----------
    arms : tuple of Arm
        The first is the reference of contrasts.
    days : tuple of float
        Days after the injury, in order.
    notes : tuple of str
        What the reader must know of the runs.
    """

    arms: tuple[Arm, ...]
    days: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def species(self) -> str:
        """Species of all runs."""
        return self.arms[0].first.species

    @cached_property
    def distances_um(self) -> Floats:
        """Distances that suit all runs on all days : (d,) float64, um."""
        return distance_grid(
            [day for arm in self.arms for one in arm.subjects for day in one.days], self.species
        )

    def censored_notes(self, index: int = -1) -> list[str]:
        """Return a sentence for each arm whose axons reached the end of the cord by the day number `index`."""
        notes = []
        for arm in self.arms:
            days = [one.days[index] for one in arm.subjects]
            left = float(np.median([day.counted(day.censored)[0] for day in days]))
            if left > 0.0:
                notes.append(
                    f"{arm.label}: {number(left)} axons (median) reached the end of the simulated cord; counts there"
                    " and their reach are lower bounds."
                )
        return notes


def gather(paths: Sequence[str | Path], days: Sequence[float] = ()) -> Gathered:
    """Open runs as arms and read their axons.

    Parameters
    ----------
    paths : sequence of path
        Each is an arm: a run directory, or one that holds the runs of several seeds.
    days : sequence of float
        Days after the injury; by default the last one of which all runs have axon paths.

    Raises
    ------
    BadInput
        If a path is no run; a run has no axon paths of a day (the message says which there are); several arms differ
        in species or tracts, or share no seed with the first, as contrasts are taken seed by seed.
    """
    if not paths:
        raise BadInput("no run was named")
    ensembles = [open_ensemble([path]) for path in paths]
    labels = arm_labels([Path(path) for path in paths])
    chosen = tuple(sorted(set(days))) or (_last_common(ensembles),)
    missing = [
        no_such_day(view, day)
        for ensemble in ensembles
        for view in ensemble.views
        for day in chosen
        if not any(abs(known - day) < SAME_DAY for known in axon_days(view))
    ]
    if missing:
        raise BadInput(missing)
    arms = tuple(
        Arm(
            label,
            ensemble,
            tuple(
                Subject(label, view, tuple(axon_day(view, day) for day in chosen)) for view in ensemble.views
            ),
        )
        for label, ensemble in zip(labels, ensembles, strict=True)
    )
    _refuse_unlike(arms)
    return Gathered(arms, chosen, tuple(_notes(arms)))


def _last_common(ensembles: Sequence[Ensemble]) -> float:
    """Return the last day of which all runs have axon paths."""
    views = [view for ensemble in ensembles for view in ensemble.views]
    known = [axon_days(view) for view in views]
    common = [
        day for day in known[0] if all(any(abs(day - other) < SAME_DAY for other in one) for one in known)
    ]
    if common:
        return common[-1]
    listed = "; ".join(
        f"'{view.directory}': " + (", ".join(f"{day:g}" for day in one) or "none")
        for view, one in zip(views, known, strict=True)
    )
    raise BadInput(
        Problem(
            "there is no day on which all runs have axon paths",
            value=listed,
            allowed="runs with a common day under record.maps",
        )
    )


def _refuse_unlike(arms: Sequence[Arm]) -> None:
    problems = []
    views = [(arm.label, view) for arm in arms for view in arm.ensemble.views]
    species = {view.species for _, view in views}
    if len(species) > 1:
        listed = "; ".join(f"'{arm.label}': {arm.first.species}" for arm in arms)
        problems.append(
            Problem("the runs are of different species", value=listed, allowed="runs of one species")
        )
    reference = _simulated_tracts(arms[0].subjects[0])
    for arm in arms:
        for one in arm.subjects:
            found = _simulated_tracts(one)
            if found != reference:
                problems.append(
                    Problem(
                        f"the run '{one.view.directory}' simulates other tracts than "
                        f"'{arms[0].subjects[0].view.directory}'",
                        value=", ".join(found) or "none",
                        allowed=", ".join(reference) or "none",
                    )
                )
    for arm in arms[1:]:
        if not shared_seeds(arms[0].ensemble, arm.ensemble):
            mine, theirs = (", ".join(map(str, one.ensemble.seeds)) for one in (arms[0], arm))
            problems.append(
                Problem(
                    f"the arm '{arm.label}' shares no seed with '{arms[0].label}'; contrasts are taken seed by seed",
                    value=f"seeds {theirs}",
                    allowed=f"runs with seeds of the first arm ({mine}), or one arm at a time",
                )
            )
    if problems:
        raise BadInput(problems)


def _simulated_tracts(subject: Subject) -> list[str]:
    """Return the host tracts of which a run simulates fibres."""
    day = subject.days[0]
    return [tract for tract in day.host_tracts if (day.tract == tract).any()]


def _notes(arms: Sequence[Arm]) -> list[str]:
    notes = []
    seeds = [{view.seed for view in arm.ensemble.views} for arm in arms]
    if any(mine != seeds[0] for mine in seeds):
        listed = "; ".join(
            f"'{arm.label}': " + ", ".join(map(str, arm.ensemble.seeds)) for arm in arms
        )  # fmt: skip
        notes.append(
            "CAUTION: the arms have different seeds, so medians and bands are of different subjects and may differ for"
            f" that alone; only contrasts take the shared ones ({listed})."
        )
    for arm in arms:
        views = arm.ensemble.views
        unfinished = [view for view in views if view.status != "finished"]
        if unfinished:
            notes.append(f"'{arm.label}': {len(unfinished)} of {len(views)} runs not finished.")
        if (
            len({view.attrs.get("scenario_digest") for view in views}) > 1
            and len({view.name for view in views}) > 1
        ):
            notes.append(f"'{arm.label}': CAUTION: the runs are of different scenarios.")
        if not arm.has_graft():
            notes.append(f"'{arm.label}' has no graft: axons, synapses and relays of a graft count 0 there.")
        elif any(day.graft is None for one in arm.subjects for day in one.days):
            notes.append(
                f"'{arm.label}': of some runs or days no lesion edges of the day of grafting are known (before the"
                " graft, or recorded by an earlier version); their reach of graft axons is not given."
            )
        if any(not day.synapses.lost_recorded for one in arm.subjects for day in one.days):
            notes.append(f"'{arm.label}': lost synapses were not recorded (run of an earlier version).")
        absent = [tract for tract in schema.HOST_TRACTS if tract not in _simulated_tracts(arm.subjects[0])]
        if absent:
            notes.append(
                f"'{arm.label}': no simulated fibre of {', '.join(absent)}; their counts are not defined."
            )
    return notes
