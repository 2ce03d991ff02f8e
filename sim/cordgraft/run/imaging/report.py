"""`cordgraft imaging report`: one self-contained HTML page on an examination, or on all sessions of a trial."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cordgraft.core.problems import BadInput, Problem
from cordgraft.run.console import exit_codes, say
from cordgraft.run.imaging.measuring import (
    AssumeOption,
    CordLabelOption,
    DerivativesOption,
    DorsalOption,
    ExtrusionOption,
    JsonOption,
    LabelOption,
    OrientationOption,
    OverwriteOption,
    QuietOption,
    SpeciesOption,
    StepOption,
    ThresholdOption,
    VolumeOption,
    judge_places,
    write_files,
)

if TYPE_CHECKING:
    from cordgraft_analysis.imaging.report_read import How

#: Libraries on which a page rests.
VERSIONS = ("cordgraft", "python", "numpy", "scipy")


def report(
    output: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE.html", help="The page; it needs no other file.")
    ],
    root: Annotated[
        Path | None,
        typer.Argument(
            metavar="[BIDS_ROOT]", help="A BIDS folder: all sessions that have cord and lesion masks."
        ),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            "--run", metavar="RUN", help="Runs to set beside the sessions; several times for several."
        ),
    ] = None,
    lesion_mask: Annotated[
        Path | None, typer.Option("--lesion", "-m", help="Mask of the lesion; it may be empty.")
    ] = None,
    cord: Annotated[Path | None, typer.Option("--cord", "-s", help="Mask of the cord.")] = None,
    image: Annotated[
        Path | None, typer.Option("--image", "-i", help="Image under the outlines; it is not measured.")
    ] = None,
    extrusion: ExtrusionOption = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="FILE.tsv",
            help="Which runs stand beside which subject: columns subject and run. All beside every one without it.",
        ),
    ] = None,
    derivatives: DerivativesOption = None,
    time_column: Annotated[
        str | None,
        typer.Option(
            "--time-column", metavar="NAME", help="Column of sessions.tsv with the time (months_post_injury)."
        ),
    ] = None,
    step_mm: StepOption = 1.0,
    volume: VolumeOption = None,
    threshold: ThresholdOption = None,
    label: LabelOption = None,
    cord_label: CordLabelOption = None,
    assume_affine: AssumeOption = None,
    orientation: OrientationOption = None,
    dorsal_axis: DorsalOption = None,
    species: SpeciesOption = None,
    overwrite: OverwriteOption = False,
    json_output: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write a page on lesion masks: pictures with bridges, measures, warnings. No diagnosis: a research model."""
    with exit_codes(json_output):
        judge_places([output], overwrite, [lesion_mask, cord, image, pairs])
        from cordgraft_analysis.imaging.load import Asked
        from cordgraft_analysis.imaging.report_read import How

        how = How(
            Asked(volume, threshold, tuple(label or ()), assume_affine, orientation),
            Asked(volume, threshold, tuple(cord_label or ()), assume_affine, orientation),
            extrusion,
            step_mm,
            species,
            dorsal_axis,
        )
        if root is None:
            _refuse_of_trials(runs, pairs, derivatives, time_column)
            text, written = _single(lesion_mask, cord, image, how, output)
        else:
            _refuse_of_scans(lesion_mask, cord, image)
            text, written = _trial(root, runs or [], pairs, derivatives, time_column, how, output)
        write_files(output.parent, {output.name: text})
        if json_output:
            say(json.dumps({"ok": True, **written, "written": [str(output)]}, indent=2, allow_nan=False))
            return
        if not quiet:
            warned = sum(finding["level"] == "warning" for finding in written["findings"])
            if warned:
                one = warned == 1
                say(
                    f"{warned} warning{'' if one else 's'} of the checks {'stands' if one else 'stand'} on the page",
                    error=True,
                )
        say(f"wrote {output}")


def _single(
    lesion: Path | None, cord: Path | None, image: Path | None, how: How, output: Path
) -> tuple[str, dict[str, Any]]:
    """Return the page of one examination, and what is said of it to programs."""
    if lesion is None or cord is None:
        missing = "nothing to report on" if lesion is None and cord is None else "one mask is missing"
        raise BadInput(
            Problem(missing, key="--cord" if cord is None and lesion is not None else "--lesion",
                    allowed="-m LESION -s CORD [-i IMAGE], or the root of a BIDS data set")
        )  # fmt: skip
    from cordgraft_analysis.imaging.report import page
    from cordgraft_analysis.imaging.report_read import read_examination

    one = read_examination(lesion.name, lesion, cord, image, how)
    options = [("-m", lesion), ("-s", cord), *([("-i", image)] if image is not None else [])]
    findings = [finding.record() for finding in one.findings]
    text = page(one, _facts(options, how, output))
    return text, {"lesion_present": one.lesion_present, "findings": findings}


def _trial(
    root: Path,
    runs: list[Path],
    pairs: Path | None,
    derivatives: str | None,
    time_column: str | None,
    how: How,
    output: Path,
) -> tuple[str, dict[str, Any]]:
    """Return the page of all sessions of a data set, and what is said of it to programs."""
    from cordgraft_analysis.imaging.bids import find
    from cordgraft_analysis.imaging.findings import Finding
    from cordgraft_analysis.imaging.longitudinal import pair_runs
    from cordgraft_analysis.imaging.report_read import read_courses, read_trial
    from cordgraft_analysis.imaging.report_trial import trial_page

    data = find(root, derivatives=derivatives, time_column=time_column)
    paired: dict[str, list[Path]] = {}
    notes: list[str] = []
    if runs or pairs is not None:
        paired, notes = pair_runs(data.subjects, runs, pairs)
    subjects, findings = read_trial(data, how)
    if not subjects:
        raise BadInput(
            Problem("holds no session with masks of both lesion and cord", key="E15", file=str(root),
                    allowed="masks named ..._label-SC_seg beside ..._label-lesion_seg")
        )  # fmt: skip
    courses, more = read_courses(subjects, paired, how)
    findings += [*more, *(Finding("E21", "note", note) for note in notes)]
    options = [("", root), *(("--run", run) for run in runs)]
    options += [("--pairs", pairs)] if pairs is not None else []
    options += [("--derivatives", Path(derivatives))] if derivatives is not None else []
    text = trial_page(
        root.resolve().name,
        subjects,
        _facts(options, how, output),
        about=data.participants,
        courses=courses,
        findings=findings,
    )
    every = [
        *findings,
        *(finding for group in subjects.values() for one in group for finding in one.findings),
    ]
    return text, {
        "subjects": {label: [one.title for one in group] for label, group in subjects.items()},
        "findings": [finding.record() for finding in every],
    }


def _refuse_of_trials(
    runs: list[Path] | None, pairs: Path | None, derivatives: str | None, time_column: str | None
) -> None:
    """Refuse what only makes sense beside a BIDS root."""
    given = {"--run": runs, "--pairs": pairs, "--derivatives": derivatives, "--time-column": time_column}
    problems = [
        Problem("is for the sessions of a data set", key=key, allowed="the root of a BIDS data set before it")
        for key, value in given.items()
        if value
    ]
    if problems:
        raise BadInput(problems)


def _refuse_of_scans(lesion: Path | None, cord: Path | None, image: Path | None) -> None:
    """Refuse single files beside a BIDS root."""
    given = {"--lesion": lesion, "--cord": cord, "--image": image}
    problems = [
        Problem("stands beside a BIDS root, whose files are found by their names", key=key, value=path.name,
                allowed="either a root, or -m LESION -s CORD [-i IMAGE]")
        for key, path in given.items()
        if path is not None
    ]  # fmt: skip
    if problems:
        raise BadInput(problems)


def _facts(options: list[tuple[str, Path]], how: How, output: Path) -> dict[str, str]:
    """Return versions, commit and the command, files by their names alone."""
    from cordgraft.record.provenance import commit, versions

    words = [part for flag, path in (*options, ("-o", output)) for part in (flag, _last(path)) if part]
    for flag, value in (
        ("--extrusion", how.extrusion), ("--threshold", how.asked.threshold), ("--volume", how.asked.volume),
        *(("--label", one) for one in how.asked.label), *(("--cord-label", one) for one in how.asked_cord.label),
        ("--assume-affine", how.asked.assume_affine), ("--orientation", how.asked.orientation),
        ("--species", how.species), ("--dorsal-axis", how.dorsal),
        ("--step-mm", how.step_mm if how.step_mm != 1.0 else None),
    ):  # fmt: skip
        words += [flag, str(value)] if value is not None else []
    kept = {name: version for name, version in versions().items() if name in VERSIONS}
    for name in ("nibabel", "matplotlib"):
        with suppress(metadata.PackageNotFoundError):
            kept[name] = metadata.version(name)
    found = commit()
    return {
        **kept,
        **({"commit": found} if found else {}),
        "command": " ".join(["cordgraft", "imaging", "report", *words]),
    }


def _last(path: Path) -> str:
    """Return the last part of a path: where it lies on this machine is nobody's business."""
    return path.name or path.resolve().name
