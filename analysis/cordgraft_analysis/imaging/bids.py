"""A BIDS data set with masks: which scan of which session has an image, a cord and a lesion, and when it was made.

Nothing is opened but tables; what a file is follows from its name (and the sidecar of a mask that does not say it,
or not of which image it is).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cordgraft.core.problems import BadInput, Problem, nearest
from cordgraft_analysis.imaging.findings import Finding, Ledger, milder
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.names import Named, image_of, role_of
from cordgraft_analysis.imaging.sessions import MONTHS_IN, Session, check_sessions, read_sessions
from cordgraft_analysis.imaging.text_tables import read_text

#: Our own rendered images are no measurement.
OWN = "cordgraft"
#: Spaces that are those of the scan itself.
NATIVE = ("", "orig", "native")


@dataclass(frozen=True)
class Scan:
    """One scan of one session.

    Parameters
    ----------
    subject, session, acquisition : str
        Labels without ``sub-``, ``ses-``, ``acq-``; the latter two may be empty.
    name : str
        What the names of its files begin with.
    image, cord, lesion : Path or None
    months : float or None
        Since the injury.
    """

    subject: str
    session: str
    acquisition: str
    name: str
    image: Path | None = None
    cord: Path | None = None
    lesion: Path | None = None
    months: float | None = None

    @property
    def days(self) -> float | None:
        """Return the days since the injury."""
        return None if self.months is None else self.months / MONTHS_IN["days"]

    def row(self) -> Row:
        """Return the scan as a row; files by name."""
        return {
            "subject": self.subject,
            "session": self.session,
            "acquisition": self.acquisition,
            "image": "" if self.image is None else self.image.name,
            "cord": "" if self.cord is None else self.cord.name,
            "lesion": "" if self.lesion is None else self.lesion.name,
            "months_post_injury": self.months,
            "days_post_injury": self.days,
        }


@dataclass(frozen=True)
class Dataset:
    """The scans of a data set that can be measured, by subject and time.

    Parameters
    ----------
    scans : tuple of Scan
        One for each session, with a lesion mask.
    participants : dict
        Subject -> other columns of ``participants.tsv``, as text.
    findings : tuple of Finding
        Warnings and notes.
    """

    scans: tuple[Scan, ...]
    participants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the labels of the subjects, in order."""
        return tuple(dict.fromkeys(scan.subject for scan in self.scans))

    def of(self, subject: str) -> tuple[Scan, ...]:
        """Return the scans of a subject by time."""
        return tuple(scan for scan in self.scans if scan.subject == subject)


def find(
    root: str | Path,
    *,
    derivatives: str | Path | None = None,
    time_column: str | None = None,
    subjects: Sequence[str] = (),
    sessions: Sequence[str] = (),
    acquisition: str | None = None,
) -> Dataset:
    """Find scans, masks and dates in a BIDS data set.

    Parameters
    ----------
    root : str or Path
        Holds ``sub-...`` folders; ``sub-01/sub-01_sessions.tsv`` has the months since the injury.
    derivatives : str or Path, optional
        Where the masks are: the name of a folder below ``derivatives``, or the path of any folder; a name goes before
        a path. All of ``derivatives`` but our own rendered images unless given; masks beside their images are found
        too. A folder that is named may hold subjects, images and dates of its own, as rendered images do.
    time_column : str, optional
        See `sessions.read_sessions`.
    subjects, sessions : sequence of str
        Labels to keep, with or without ``sub-`` and ``ses-``; all unless given.
    acquisition : str, optional
        Which ``acq-`` to take where a session has several scans with a lesion mask.

    Raises
    ------
    BadInput
        E01 for folders that are not there or hold no subject, E15 for several masks of one scan, E21 for sessions
        without a date, with two dates, or with several scans.
    """
    place = Path(root)
    if not place.is_dir():
        raise BadInput(Problem("there is no such folder", key="E01", file=str(place)))
    named = None if derivatives is None else _named_folder(place, derivatives)
    known = _subjects_in(place, named)
    wanted = _chosen(subjects, known, "sub-", "--participant-label")
    ledger = Ledger(str(place))
    groups = _with_images(_scans(_files(place, named), wanted, ledger), ledger)
    labels = sorted({key[1] for key in groups})
    kept = _chosen(sessions, labels, "ses-", "--session-label") if sessions else labels
    participants = _participants(place, known, ledger)
    problems: list[Problem] = []
    found: list[Scan] = []
    for subject in wanted:
        own = [
            _scan(key, files, problems)
            for key, files in groups.items()
            if key[0] == subject and key[1] in kept
        ]
        one_each = _one_each(subject, own, acquisition, ledger, problems)
        scanned = {key[1] for key in groups if key[0] == subject}
        folders = _folders(place, named, subject)
        dated, findings = _dated(folders, subject, one_each, scanned, time_column, problems)
        ledger.findings += findings
        found += sorted(dated, key=lambda scan: (scan.months is None, scan.months or 0.0, scan.session))
    problems += [finding.problem() for finding in ledger.findings if finding.level == "error"]
    if not found and not problems:
        problems.append(
            Problem("holds no lesion mask", key="E15", file=str(place), value=f"{len(wanted)} subjects",
                    allowed="masks named ..._label-lesion_seg (or --derivatives DIR)")
        )  # fmt: skip
    if problems:
        raise BadInput(problems)
    return Dataset(tuple(found), participants, milder(ledger.findings))


def _subjects_in(place: Path, named: Path | None) -> list[str]:
    """Return the labels of the subjects that have a folder in the data set, or in the named folder of masks."""
    places = [place] if named is None else [place, named]
    found = {folder.name[4:] for one in places for folder in one.glob("sub-*") if folder.is_dir()}
    if not found:
        own = place / "derivatives" / OWN
        rendered = named is None and own.is_dir()
        raise BadInput(
            Problem("holds no subject", key="E01", file=str(place),
                    value=f"images that cordgraft rendered, in derivatives/{OWN}" if rendered else "",
                    allowed=f"--derivatives {OWN} to measure simulated images" if rendered
                    else "the root of a BIDS data set, with folders sub-01, sub-02, ...")
        )  # fmt: skip
    return sorted(found)


def _folders(place: Path, named: Path | None, subject: str) -> list[Path]:
    """Return where the dates of a subject may stand: in the data set, and in the named folder of masks."""
    return [one / f"sub-{subject}" for one in ((place,) if named is None else (place, named))]


def _chosen(asked: Sequence[str], known: Sequence[str], prefix: str, key: str) -> list[str]:
    """Return the known labels that are asked for, all if none is; refuse those that nobody has."""
    labels = [word.removeprefix(prefix) for word in asked]
    problems = [
        Problem("the data set has no such label", key=key, value=label, allowed=", ".join(known),
                near=tuple(nearest(label, known)))
        for label in labels
        if label not in known
    ]  # fmt: skip
    if problems:
        raise BadInput(problems)
    return [label for label in known if label in labels] if labels else list(known)


def _named_folder(place: Path, derivatives: str | Path) -> Path:
    """Return the folder that the user names: one below ``derivatives``, else a path."""
    below = place / "derivatives"
    asked = next((one for one in (below / derivatives, Path(derivatives)) if one.is_dir()), None)
    if asked is None:
        names = [folder.name for folder in below.iterdir() if folder.is_dir()] if below.is_dir() else []
        raise BadInput(
            Problem("there is no such folder of masks", key="--derivatives", value=str(derivatives),
                    allowed=", ".join(sorted(names)) or "a folder", near=tuple(nearest(str(derivatives), names)))
        )  # fmt: skip
    return asked


def _files(place: Path, named: Path | None) -> list[Path]:
    """Return the volumes of the data set and of the folders of its masks, in order."""
    below = place / "derivatives"
    if named is not None:
        folders = [named]
    else:
        folders = [folder for folder in below.iterdir() if folder.name != OWN] if below.is_dir() else []
    found = {path for subject in place.glob("sub-*") for path in subject.rglob("*.nii*")}
    found |= {path for folder in folders if folder.is_dir() for path in folder.rglob("sub-*.nii*")}
    # the named folder may be the data set itself; the files of an annex are links to content that may be the same
    unique = {path.parent.resolve() / path.name: path for path in sorted(found)}
    return sorted(path for path in unique.values() if path.name.lower().endswith((".nii", ".nii.gz")))


#: Subject, session, name of the image.
Key = tuple[str, str, str]
Named_files = dict[str, list[tuple[Path, Named]]]


def _scans(files: Iterable[Path], subjects: Sequence[str], ledger: Ledger) -> dict[Key, Named_files]:
    """Return files by scan and role; masks in another space than that of their scan are left out."""
    groups: dict[Key, Named_files] = {}
    for path in files:
        role, named = role_of(path)
        if named.subject not in subjects or role not in ("image", "cord", "lesion"):
            continue
        if named.entities.get("space", "") not in NATIVE:
            ledger.findings.append(
                Finding("E13", "note", "is in another space than its scan and is left out", str(path),
                        f"space-{named.entities['space']}")
            )  # fmt: skip
            continue
        files_of = groups.setdefault((named.subject, named.session, named.base), {})
        files_of.setdefault(role, []).append((path, named))
    return groups


def _with_images(groups: dict[Key, Named_files], ledger: Ledger) -> dict[Key, Named_files]:
    """Return files by scan, masks whose BIDS names leave their image open (`image_of`) in the group of that image."""
    places = {path: key for key, files in groups.items() for path, _ in files.get("image", ())}
    images = [one for files in groups.values() for one in files.get("image", ())]
    joined: dict[Key, Named_files] = {}
    for key, files in groups.items():
        for role, masks in files.items():
            for path, named in masks:
                target = key
                if role != "image" and named.leaves_image_open:
                    image = image_of(path, named, images)
                    target = key if image is None else places[image]
                    alike = [one.suffix for _, one in images if one.own_entities == named.own_entities]
                    if image is None and alike:
                        ledger.findings.append(
                            Finding("E13", "note", "does not say of which image it is; it is measured without one",
                                    str(path), ", ".join(alike), "Name the image in Sources of its sidecar")
                        )  # fmt: skip
                joined.setdefault(target, {}).setdefault(role, []).append((path, named))
    return joined


def _scan(key: Key, files: Named_files, problems: list[Problem]) -> Scan:
    found: dict[str, Path | None] = {}
    for role in ("image", "cord", "lesion"):
        all_of = files.get(role, [])
        # of masks of 0 and 1 and masks of shares of the same thing, the former
        best = [path for path, named in all_of if named.kind != "soft"] or [path for path, _ in all_of]
        if len(best) > 1:
            problems.append(
                Problem(f"one scan has several {role} files", key="E15", file=str(best[0]),
                        value=", ".join(f"{path.parent.as_posix()}/{path.name}" for path in best[1:]),
                        allowed="one; choose the folder of the masks with --derivatives")
            )  # fmt: skip
        found[role] = best[0] if best else None
    acquisition = next((named.entities.get("acq", "") for group in files.values() for _, named in group), "")
    return Scan(key[0], key[1], acquisition, key[2], found["image"], found["cord"], found["lesion"])


def _one_each(
    subject: str, scans: list[Scan], acquisition: str | None, ledger: Ledger, problems: list[Problem]
) -> list[Scan]:
    """Return one scan with a lesion mask for each session of a subject."""
    chosen: list[Scan] = []
    for session in dict.fromkeys(scan.session for scan in scans):
        own = [scan for scan in scans if scan.session == session]
        marked = [scan for scan in own if scan.lesion is not None]
        if acquisition is not None:
            marked = [scan for scan in marked if scan.acquisition == acquisition.removeprefix("acq-")]
        where = f"sub-{subject}" + (f"/ses-{session}" if session else "")
        if not marked:
            ledger.findings.append(
                Finding("E15", "warning", "has no lesion mask and is left out", where,
                        ", ".join(scan.name for scan in own) or "no scan")
            )  # fmt: skip
        elif len(marked) > 1:
            problems.append(
                Problem("has several scans with a lesion mask", key="E21", file=where,
                        value=", ".join(scan.name for scan in marked), allowed="choose one with --acquisition")
            )  # fmt: skip
        else:
            chosen.append(marked[0])
    return chosen


def _dated(
    folders: Sequence[Path],
    subject: str,
    scans: list[Scan],
    scanned: set[str],
    time_column: str | None,
    problems: list[Problem],
) -> tuple[list[Scan], list[Finding]]:
    """Return the scans of a subject with their dates, and what was found on them (E21).

    Of several tables the first one that lists a session dates it. Sessions that a table lists and that are not among
    those with files (`scanned`) are said: a visit that was missed, or a label that is written in two ways.
    """
    if not scans:
        return [], []
    names = (f"sub-{subject}_sessions.tsv", "sessions.tsv")
    tables = [
        table for folder in folders if (table := next((folder / n for n in names if (folder / n).is_file()), None))
    ]  # fmt: skip
    if not tables:
        if len(scans) == 1 and not time_column:
            return scans, check_sessions([Session(scans[0].session, 0.0)], f"sub-{subject}")
        problems.append(
            Problem("sessions without dates: there is no such table", key="E21", file=str(folders[0] / names[0]),
                    value=f"{len(scans)} sessions", allowed="columns session_id and months_post_injury, with tabs")
        )  # fmt: skip
        return [], []
    present = [scan.session for scan in scans]
    known: list[Session] = []
    absent: list[Finding] = []
    for number, table in enumerate(tables):
        listed = {session.label for session in known}
        if number and listed.issuperset(present):
            break
        try:
            written = read_sessions(table, time_column)
        except BadInput as error:
            problems += error.problems
            return [], []
        known += [one for one in written if one.label in present and one.label not in listed]
        absent += [
            Finding("E21", "warning", f"lists session {one.label}, of which there is no image or mask", str(table), "",
                    "It is left out; if the visit took place, look at how its folder is written")
            for one in written
            if one.label not in scanned
        ]  # fmt: skip
    findings = check_sessions(known, str(tables[0])) + absent
    missing = [label for label in present if label not in {session.label for session in known}]
    problems += [
        Problem("a session is missing from the table", key="E21", file=str(tables[0]), value=f"ses-{label}",
                allowed="a row for every session, with its months since the injury")
        for label in missing
    ]  # fmt: skip
    months = {session.label: session.months for session in known}
    dated = [replace(one, months=months.get(one.session)) for one in scans]
    return dated, findings


def _participants(place: Path, known: Sequence[str], ledger: Ledger) -> dict[str, dict[str, str]]:
    """Return ``participants.tsv`` by subject; empty without one."""
    table = place / "participants.tsv"
    if not table.is_file():
        ledger.findings.append(
            Finding("E21", "note", "has no participants.tsv: all subjects are one group", str(place))
        )  # fmt: skip
        return {}
    columns, rows = read_text(table)
    if rows and "participant_id" not in columns:
        raise BadInput(
            Problem("has no column participant_id", key="E21", file=str(table), value=", ".join(columns))
        )  # fmt: skip
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        label = row["participant_id"].removeprefix("sub-")
        if label in found:
            raise BadInput(
                Problem("holds a subject twice", key="E21", file=str(table), value=f"sub-{label}")
            )  # fmt: skip
        found[label] = {name: text for name, text in row.items() if name != "participant_id"}
    for label in known:
        if label not in found:
            ledger.findings.append(
                Finding("E21", "warning", f"does not list sub-{label}, which has a folder", str(table))
            )  # fmt: skip
    without = [f"sub-{label}" for label in found if label not in known]
    if without:
        ledger.findings.append(
            Finding("E21", "warning", "lists subjects without a folder", str(table), ", ".join(without),
                    "Nothing of them is measured")
        )  # fmt: skip
    return found
