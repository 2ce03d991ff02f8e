"""One side of a comparison: a lesion mask with its cord, or a table that `cordgraft imaging lesion` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.findings import Finding
from cordgraft_analysis.imaging.lesion import measure
from cordgraft_analysis.imaging.lesion_table import SCT_COLUMNS, VOLUME, Cell, LesionTable, Method, Row
from cordgraft_analysis.imaging.load import Asked
from cordgraft_analysis.imaging.names import family, role_of
from cordgraft_analysis.imaging.profile import COLUMNS as PROFILE_COLUMNS
from cordgraft_analysis.imaging.profile import Profile, profile
from cordgraft_analysis.imaging.text_tables import read_text
from cordgraft_analysis.imaging.together import check_together, read_beside, read_mask
from cordgraft_analysis.imaging.volume import Volume

TABLES = (".csv", ".tsv")
#: Columns whose cells are labels even where they look like numbers.
LABELS = (
    "label",
    "subject",
    "session",
    "source",
    "lesion_file",
    "cord_file",
    "method",
    "group",
    "acquisition",
)
TABLE_WORDS = "a table of `cordgraft imaging lesion` (-o or --profile), or a mask (.nii, .nii.gz)"


@dataclass(frozen=True)
class Side:
    """What is known of one lesion, or of several in a table.

    Parameters
    ----------
    name : str
        Of its file.
    totals : tuple of dict
        Rows of all lesions of a scan together; one for a mask, one or more for a table, none for a profile.
    profile : Profile, optional
    lesion, cord : Volume, optional
    findings : tuple of Finding
    notes : tuple of str
    """

    name: str
    totals: tuple[Row, ...] = ()
    profile: Profile | None = None
    lesion: Volume | None = None
    cord: Volume | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class How:
    """How masks are read and measured.

    Parameters
    ----------
    method : {"mm", "sct"}
    step_mm : float
        Length of a piece of the profiles.
    threshold : float, optional
        Cuts soft masks.
    species, dorsal : str, optional
        As `species.dorsal_axis`.
    extrusion : str, optional
        For a sagittal section, as `lesion.measure`.
    """

    method: Method = "mm"
    step_mm: float = 1.0
    threshold: float | None = None
    species: str | None = None
    dorsal: str | None = None
    extrusion: str | None = None


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    return path.suffix.lower() in TABLES


def read_side(path: Path, cord: Path | None, how: How, image: Path | None = None) -> Side:
    """Read one side.

    Parameters
    ----------
    path : Path
        A lesion mask, or a table.
    cord : Path, optional
        The cord of a mask; found by name beside it unless given.
    how : How
    image : Path, optional
        On whose grid the masks of a scan must lie.

    Raises
    ------
    BadInput
        With everything that is wrong with the files.
    """
    if not is_table(path):
        return _from_mask(path, cord, how, image)
    if cord is not None:
        raise BadInput(
            Problem("a table has been measured already and takes no cord", file=str(path), value=cord.name)
        )
    return _from_table(path)


def find_cord(lesion: Path) -> Path | None:
    """Return the cord mask that belongs to a lesion mask by its name, in the same folder; None without one.

    A mask of 0 and 1 goes before a soft one.

    Raises
    ------
    BadInput
        E15 if several could be meant.
    """
    _, named = role_of(lesion)
    group = family(lesion, named)
    space = named.entities.get("space")
    found: dict[str, list[Path]] = {"mask": [], "soft": []}
    folder = lesion.parent
    for other in sorted(folder.iterdir()) if folder.is_dir() else []:
        if other.name == lesion.name or not other.name.lower().endswith((".nii", ".nii.gz")):
            continue
        word, about = role_of(other)
        if word == "cord" and about.kind in found and family(other, about) == group:
            if about.entities.get("space") == space:
                found[about.kind].append(other)
    best = found["mask"] or found["soft"]
    if len(best) > 1:
        raise BadInput(
            Problem("several cord masks belong to this lesion by their names", key="E15", file=str(lesion),
                    value=", ".join(file.name for file in best), allowed="name one with -s (--cord-a, --cord-b)")
        )  # fmt: skip
    return best[0] if best else None


def _from_mask(path: Path, cord: Path | None, how: How, image: Path | None) -> Side:
    place = cord if cord is not None else find_cord(path)
    soft = how.method == "mm"
    asked = Asked(threshold=how.threshold)
    read_lesion = read_mask(path, asked, soft)
    read_cord = None if place is None else read_mask(place, asked, soft)
    read_image = None if image is None else read_beside(image, asked, "image")
    dorsal, findings = check_together(read_cord, read_lesion, (), read_image, how.species, how.dorsal)
    damage = read_lesion.volume
    whole = None if read_cord is None else read_cord.volume
    assert damage is not None, "what passed its checks is a volume"
    notes: list[str] = []
    if place is not None and cord is None:
        notes.append(f"{path.name}: the cord is {place.name}, found by its name")
    affine = damage.affine if whole is None else whole.affine
    table = measure(
        damage.data, None if whole is None else whole.data, affine, dorsal=dorsal, method=how.method,
        extrusion=how.extrusion,
    )  # fmt: skip
    along = None
    if whole is not None and whole.data.shape[2] > 1:
        along = profile(
            damage.data, whole.data, affine, how.step_mm, dorsal=dorsal, extrusion=how.extrusion
        )  # fmt: skip
    row, said = whole_row(table)
    notes += [f"{path.name}: {note}" for note in (*table.notes, said) if note]
    total: Row = {"lesion_file": path.name, "cord_file": "" if place is None else place.name, **row}
    return Side(path.name, (total,), along, damage, whole, tuple(findings), tuple(notes))


def whole_row(table: LesionTable) -> tuple[Row, str]:
    """Return the row that stands for a scan, and what is to be said of it (or nothing).

    The total of `mm` has every measure. That of SCT has sums only; what it lacks is taken from the lesion, of several
    from the largest one, whose midsagittal plane SCT takes for all of them.
    """
    if table.method != "sct" or not table.lesions:
        return dict(table.total), ""
    volumes = [float(row[VOLUME] or 0.0) for row in table.lesions]
    largest = table.lesions[volumes.index(max(volumes))]
    several = len(volumes) > 1
    note = "of several lesions, what SCT does not sum up is that of the largest one" if several else ""
    return {**largest, **{name: cell for name, cell in table.total.items() if cell is not None}}, note


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """Return columns and rows of a table: numbers as numbers, empty cells and n/a as None, labels as text.

    Raises
    ------
    BadInput
        As `text_tables.read_text`.
    """
    columns, lines = read_text(path)
    return columns, [
        {name: text or None if name in LABELS else _cell(text) for name, text in line.items()}
        for line in lines
    ]


def _cell(word: str) -> Cell:
    if word.lower() in ("", "n/a", "nan"):
        return None
    if word in ("true", "false"):
        return word == "true"
    try:
        return float(word)
    except ValueError:
        return word


def _from_table(path: Path) -> Side:
    columns, rows = read_rows(path)
    if PROFILE_COLUMNS[0] in columns:
        return Side(path.name, profile=_profile(path, columns, rows))
    known = set(SCT_COLUMNS[1:]).intersection(columns)
    if not known:
        raise BadInput(
            Problem("has no column of lesion measures", key="E03", file=str(path),
                    value=", ".join(columns[:6]) or "no column", allowed=TABLE_WORDS)
        )  # fmt: skip
    totals = [row for row in rows if row.get("label") == "total"]
    if not totals and len(rows) == 1:
        totals = rows
    if not totals:
        raise BadInput(
            Problem("has no row of all lesions together", key="E03", file=str(path),
                    value=f"{len(rows)} rows",
                    allowed='a row whose label is "total", as `cordgraft imaging lesion` writes')
        )  # fmt: skip
    notes = []
    if "method" not in columns:
        notes.append(f"{path.name} does not say how it was measured; it is taken for a table of SCT")
        totals = [{**row, "method": "sct"} for row in totals]
    return Side(path.name, tuple(totals), notes=tuple(notes))


def _profile(path: Path, columns: list[str], rows: list[Row]) -> Profile:
    missing = [name for name in PROFILE_COLUMNS if name not in columns]
    cells = {name: [_real(row.get(name)) for row in rows] for name in PROFILE_COLUMNS}
    values = {name: np.array(column, dtype=np.float64) for name, column in cells.items()}
    s_mm = values[PROFILE_COLUMNS[0]]
    steps = np.diff(s_mm)
    step = float(steps.mean()) if len(steps) else np.nan
    even = len(steps) > 0 and step > 0.0 and bool(np.allclose(steps, step, rtol=1e-6, atol=1e-9))
    # Pieces are counted from the lesion's centroid.
    even = even and bool(np.allclose(s_mm / step, np.rint(s_mm / step), atol=1e-6))
    if missing or not even:
        raise BadInput(
            Problem("is no profile along a cord", key="E03", file=str(path),
                    value=f"without {', '.join(missing)}" if missing else "uneven or unordered places s",
                    allowed="what `cordgraft imaging lesion --profile` writes")
        )  # fmt: skip
    area = values["lesion_area [mm2]"]
    present = bool((np.nan_to_num(area) > 0.0).any())
    return Profile(
        s_mm,
        values["csa [mm2]"],
        area,
        values["damage_ratio []"],
        values["ap [mm]"],
        values["rl [mm]"],
        step,
        present,
    )


def _real(value: Cell) -> float:
    return float(value) if isinstance(value, (int, float)) else np.nan


def key_of(row: Mapping[str, Cell]) -> str:
    """Return what tells the rows of a table apart: subject and session, else the name of the lesion's file."""
    parts = [str(row[name]) for name in ("subject", "session", "source") if row.get(name) not in (None, "")]
    return "/".join(parts) or str(row.get("lesion_file") or "")
