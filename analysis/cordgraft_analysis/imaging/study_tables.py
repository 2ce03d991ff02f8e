"""The tables of a study over time: sessions, changes, groups, measured against simulated.

Values are in the unit that stands in the name of the measure; what is not defined is None.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cordgraft_analysis.imaging.agreement import Agreement, Mean, bland_altman, bootstrap_mean
from cordgraft_analysis.imaging.agreement_rows import known, mean_row
from cordgraft_analysis.imaging.compare import difference_of, number_in, profiles, voxel_error
from cordgraft_analysis.imaging.compare_figures import Course, Simulated
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.longitudinal import MEASURED, Study, Visit, change_measures

ALL = "all"
#: Said of a bridge that is no measured one.
PROXY = "proxy"


def session_rows(study: Study) -> list[Row]:
    """Return one row per session and source: who, when, all measures."""
    rows: list[Row] = []
    for visit in study.visits:
        scan = visit.scan
        simulated: Row = {
            "simulated_day [d]": visit.day,
            "seed": visit.seed,
            "used_in_comparisons": None if visit.source == MEASURED else visit.used,
        }
        about: Row = {
            "source": visit.source,
            "subject": scan.subject,
            "session": scan.session,
            "group": study.groups.get(scan.subject) or None,
            "acquisition": scan.acquisition or None,
            "months_post_injury [months]": scan.months,
            "days_post_injury [d]": scan.days,
        }
        if study.rendered:  # a column of its own where any image is none of a scanner
            about["simulated_image"] = scan.name in study.rendered
        rows.append({**about, **simulated, **visit.total})
    return rows


def change_rows(study: Study) -> list[Row]:
    """Return the change of every measure from the first session to every later one, for subjects and runs."""
    rows: list[Row] = []
    for subject in study.subjects:
        for source in (MEASURED, *study.sources(subject)):
            visits = [
                visit for visit in study.of(subject, source) if visit.used and np.isfinite(visit.months)
            ]
            for later in visits[1:]:
                rows += _changes(study, subject, source, visits[0], later)
    return rows


def _changes(study: Study, subject: str, source: str, first: Visit, later: Visit) -> list[Row]:
    rows: list[Row] = []
    months = later.months - first.months
    for name in change_measures((first, later)):
        a, b = number_in(first.total, name), number_in(later.total, name)
        if not (np.isfinite(a) and np.isfinite(b)):
            continue
        change = difference_of(name, a, b, voxel_error(first.total, name) + voxel_error(later.total, name))
        rows.append(
            {
                "source": source,
                "subject": subject,
                "group": study.groups.get(subject) or None,
                "from_session": first.scan.session,
                "to_session": later.scan.session,
                "months_between [months]": months,
                "measure": name,
                "unit": unit_of(name),
                "from": a,
                "to": b,
                "change": change.difference,
                "change [%]": known(change.percent),
                "change_per_month": known(change.difference / months if months else np.nan),
                "uncertainty": known(change.uncertainty),
                "within_voxel_size": change.within_voxels,
                "remark": _remark(name, first, later),
            }
        )
    return rows


def _remark(name: str, first: Visit, later: Visit) -> str | None:
    if "bridge" not in name:
        return None
    kinds = [str(visit.total.get("bridge_kind") or "") for visit in (first, later)]
    return "; ".join(dict.fromkeys(kind for kind in kinds if kind.startswith(PROXY))) or None


def unit_of(measure: str) -> str:
    """Return the unit in the name of a measure; ``1`` for a ratio."""
    return measure.rpartition("[")[2].rstrip("]") or "1"


def group_rows(study: Study, seed: int = 0) -> list[Row]:
    """Return the mean change from the first to the last session of each group, and of the runs beside it.

    A subject counts once; of several seeds beside it the mean counts.

    Parameters
    ----------
    study : Study
    seed : int
        Of the bootstrap.
    """
    names = sorted({group for group in study.groups.values() if group})
    groups = [*names, ALL] if len(set(study.groups.values())) > 1 else [ALL]
    changes = {subject: _first_to_last(study, subject) for subject in study.subjects}
    rows: list[Row] = []
    for group in groups:
        members = [one for one in study.subjects if group in (ALL, study.groups.get(one))]
        for name in change_measures(study.measured):
            values = [changes[one].get(name, (np.nan,) * 3) for one in members]
            measured = np.array([value[0] for value in values])
            if not np.isfinite(measured).any():
                continue
            row: Row = {"group": group, "measure": name, "unit": unit_of(name)}
            row |= mean_row(bootstrap_mean(measured, seed), "measured_change_")
            row |= mean_row(
                bootstrap_mean([value[1] for value in values], seed), "measured_change_per_month_"
            )
            if len(study.visits) > len(study.measured):
                simulated = np.array([value[2] for value in values])
                row |= mean_row(bootstrap_mean(simulated, seed), "simulated_change_")
                row |= mean_row(bootstrap_mean(simulated - measured, seed), "simulated_minus_measured_")
            rows.append(row)
    return rows


def _first_to_last(study: Study, subject: str) -> dict[str, tuple[float, float, float]]:
    """Return change, change per month, and mean simulated change from the first to the last session."""
    visits = [visit for visit in study.of(subject) if np.isfinite(visit.months)]
    if len(visits) < 2:
        return {}
    first, last = visits[0], visits[-1]
    months = last.months - first.months
    found = {}
    for name in change_measures((first, last)):
        change = number_in(last.total, name) - number_in(first.total, name)
        by_run = []
        for source in study.sources(subject):
            run = {visit.scan.session: visit for visit in study.of(subject, source) if visit.used}
            if first.scan.session in run and last.scan.session in run:
                ends = (run[scan.session].total for scan in (first.scan, last.scan))
                a, b = (number_in(total, name) for total in ends)
                by_run.append(b - a)
        finite = [value for value in by_run if np.isfinite(value)]
        simulated = float(np.mean(finite)) if finite else np.nan
        found[name] = (change, change / months if months else np.nan, simulated)
    return found


def compared_rows(study: Study, seed: int = 0) -> list[Row]:
    """Return what the runs show beside every measured session, measure by measure.

    Parameters
    ----------
    study : Study
    seed : int
        Of the bootstrap over the seeds of the runs.
    """
    rows: list[Row] = []
    for visit in study.measured:
        runs = study.runs_at(visit)
        used = [run for run in runs if run.used]
        for name in change_measures((visit,)) if runs else ():
            measured = number_in(visit.total, name)
            mean = _over_seeds(used, name, seed)
            if mean.n == 0 and used:
                continue  # a section has no such measure
            errors = [voxel_error(run.total, name) for run in used]
            both = voxel_error(visit.total, name) + (max(errors) if errors else np.nan)
            apart = difference_of(name, measured, mean.mean, both)
            rows.append(
                {
                    "subject": visit.scan.subject,
                    "session": visit.scan.session,
                    "months_post_injury [months]": visit.scan.months,
                    "days_post_injury [d]": visit.scan.days,
                    "simulated_days [d]": " ".join(
                        sorted({f"{run.day:g}" for run in runs if run.day is not None})
                    ),
                    "measure": name,
                    "unit": unit_of(name),
                    "measured": measured,
                    "measured_uncertainty": known(voxel_error(visit.total, name)),
                    **mean_row(mean, "simulated_"),
                    "simulated_minus_measured": known(apart.difference),
                    "difference [%]": known(apart.percent),
                    "uncertainty": known(apart.uncertainty),
                    "within_voxel_size": apart.within_voxels if np.isfinite(apart.difference) else None,
                }
            )
    return rows


def _over_seeds(runs: Sequence[Visit], name: str, seed: int) -> Mean:
    return bootstrap_mean([number_in(run.total, name) for run in runs], seed)


def profile_rows(study: Study) -> list[Row]:
    """Return how far the profiles of the runs are from those of the sessions."""
    rows: list[Row] = []
    for visit in study.measured:
        for run in study.runs_at(visit):
            if visit.curve is None or run.curve is None or not run.used:
                continue
            rows += [
                {"subject": visit.scan.subject, "session": visit.scan.session, "run": run.source, **one.row()}
                for one in profiles(visit.curve, run.curve)
                if one.pieces
            ]
    return rows


def agreements(study: Study, seed: int = 0) -> dict[str, Agreement]:
    """Return a Bland-Altman analysis of every measure: mean over the seeds against the measured session."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for visit in study.measured:
        used = [run for run in study.runs_at(visit) if run.used]
        for name in change_measures((visit,)) if used else ():
            mean = _over_seeds(used, name, seed).mean
            if np.isfinite(mean):
                pairs.setdefault(name, []).append((number_in(visit.total, name), mean))
    order = [name for name in change_measures(study.measured) if name in pairs]
    return {
        name: bland_altman(*(np.array(side) for side in zip(*pairs[name], strict=True))) for name in order
    }


def courses(study: Study, measures: Sequence[str]) -> dict[str, list[Course]]:
    """Return measures over time for the picture, every subject in turn."""
    return {name: [_course(study, subject, name) for subject in study.subjects] for name in measures}


def _course(study: Study, subject: str, name: str) -> Course:
    visits = study.of(subject)
    months = np.array([visit.months for visit in visits])
    values = np.array([number_in(visit.total, name) for visit in visits])
    errors = np.array([voxel_error(visit.total, name) for visit in visits])
    points = []
    for visit in visits:
        mean = _over_seeds([run for run in study.runs_at(visit) if run.used], name, 0)
        if mean.n:
            points.append((visit.months, mean.mean, mean.least, mean.most))
    simulated = Simulated(*np.array(points).T) if points else None
    return Course(f"sub-{subject}", months, values, errors, simulated)
