"""From files to examinations: one scan by its masks, or the sessions of a data set, read, checked and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging import sides
from cordgraft_analysis.imaging.bids import Dataset, Scan
from cordgraft_analysis.imaging.examination import Examination, examine
from cordgraft_analysis.imaging.findings import Finding, Ledger
from cordgraft_analysis.imaging.load import Asked
from cordgraft_analysis.imaging.report_course import Course, follow
from cordgraft_analysis.imaging.scan_file import scan_file
from cordgraft_analysis.imaging.sessions import check_resolution
from cordgraft_analysis.imaging.simulated import open_runs
from cordgraft_analysis.imaging.together import check_together, read_beside, read_mask
from cordgraft_analysis.imaging.volume import Volume


@dataclass(frozen=True)
class How:
    """How scans are read and measured.

    Parameters
    ----------
    asked, asked_cord : Asked
        What the user says of the mask of the lesion (and the image), and of that of the cord.
    extrusion : str, optional
        Makes volumes of sections; sessions of a trial that are volumes do not need it, runs that are sections do.
    step_mm : float
        Length of a piece of the profiles.
    species, dorsal : str, optional
        As `species.dorsal_axis`.
    """

    asked: Asked = field(default_factory=Asked)
    asked_cord: Asked = field(default_factory=Asked)
    extrusion: str | None = None
    step_mm: float = 1.0
    species: str | None = None
    dorsal: str | None = None


def read_examination(
    title: str, lesion: Path, cord: Path, image: Path | None, how: How, months: float | None = None
) -> Examination:
    """Read, check and measure one scan.

    Parameters
    ----------
    title : str
    lesion, cord : Path
    image : Path, optional
    how : How
    months : float, optional
        Since the injury.

    Raises
    ------
    BadInput
        With everything that is wrong with the files, and as `examination.examine`.
    """
    return _read(title, lesion, cord, image, how, months, how.extrusion)[0]


def _read(
    title: str,
    lesion: Path,
    cord: Path,
    image: Path | None,
    how: How,
    months: float | None,
    extrusion: str | None = None,
) -> tuple[Examination, Volume]:
    read_lesion = read_mask(lesion, how.asked, soft=True)
    read_cord = read_mask(cord, how.asked_cord, soft=True)
    read_image = None if image is None else read_beside(image, how.asked, "image")
    side, findings = check_together(
        read_cord, read_lesion, image=read_image, species=how.species, dorsal=how.dorsal
    )
    damage, whole = read_lesion.volume, read_cord.volume
    assert damage is not None and whole is not None, "what passed its checks is a volume"
    files = [scan_file("lesion mask", read_lesion), scan_file("cord mask", read_cord)]
    signal = None
    if read_image is not None and read_image.volume is not None:
        files.append(scan_file("image", read_image))
        signal = read_image.volume.data
    examination = examine(
        title, damage.data, whole.data, whole.affine, signal, dorsal=side, extrusion=extrusion,
        step_mm=how.step_mm, files=files, findings=findings, months=months,
    )  # fmt: skip
    return examination, whole


def read_trial(data: Dataset, how: How) -> tuple[dict[str, list[Examination]], list[Finding]]:
    """Read, check and measure the sessions of a data set.

    Returns
    -------
    subjects : dict of str to list of Examination
        By label and time.
    findings : list of Finding
        On the data set, and on the resolutions of sessions against the first of their subject (E22).

    Raises
    ------
    BadInput
        As `read_examination`.
    """
    subjects: dict[str, list[Examination]] = {}
    ledger = Ledger("")
    ledger.findings += data.findings
    for subject in data.subjects:
        first: Volume | None = None
        for scan in data.of(subject):
            if scan.cord is None or scan.lesion is None:
                ledger.findings.append(
                    Finding("E15", "warning", "has no mask of the cord and is left out", scan.name)
                )
                continue
            one, cord = _read(_title(scan), scan.lesion, scan.cord, scan.image, how, scan.months)
            subjects.setdefault(subject, []).append(one)
            if first is None:
                first = cord
            else:
                ledger.findings += check_resolution(cord, first)
    return subjects, ledger.findings


def read_courses(
    subjects: Mapping[str, Sequence[Examination]], pairs: Mapping[str, Sequence[Path]], how: How
) -> tuple[list[Course], list[Finding]]:
    """Measure runs on the days of the sessions of the subjects that they stand beside.

    Parameters
    ----------
    subjects : mapping of str to sequence of Examination
    pairs : mapping of str to sequence of Path
        Subject -> run directories.
    how : How

    Raises
    ------
    BadInput
        For what is no run, has no maps, or is of another species.
    """
    directories = list(dict.fromkeys(place for places in pairs.values() for place in places))
    opened = dict(zip(directories, open_runs(directories), strict=True)) if directories else {}
    species = how.species or "human"
    problems = [
        Problem("is of another species than the scans", key="--run", file=run.name, value=run.species,
                allowed=f"a run of {species}; --species says what the scans are of")
        for run in opened.values()
        if run.species != species
    ]  # fmt: skip
    if problems:
        raise BadInput(problems)
    measured = sides.How(step_mm=how.step_mm, extrusion=how.extrusion)
    courses: list[Course] = []
    findings: list[Finding] = []
    for subject, sessions in subjects.items():
        runs = [opened[place] for place in pairs.get(subject, ())]
        if not runs:
            continue
        course, found = follow(subject, sessions, runs, measured)
        courses += [course] if course is not None else []
        findings += found
    return courses, findings


def _title(scan: Scan) -> str:
    return f"sub-{scan.subject}" + (f" ses-{scan.session}" if scan.session else "")
