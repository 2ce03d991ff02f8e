"""What a file is by its name: the namings of BIDS, of NeuroPoly's data sets and of the Spinal Cord Toolbox.

BIDS names are entities (``sub-01``, ``ses-m06``), joined by ``_``, and a suffix. NeuroPoly appends to the name of
the image: ``sub-01_T2w_label-SC_seg``, formerly ``sub-01_T2w_seg-manual``. SCT appends to any name: ``t2_seg``,
``t2_sc_seg``, ``t2_lesion_seg``. What is left when these are taken off is the name of the image that a mask
belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cordgraft_analysis.imaging.sidecar import read_sidecar, source_names
from cordgraft_analysis.imaging.volume import Kind

Role = Literal["image", "cord", "lesion", "grey", "white", "csf", "levels", "discs", "other"]

#: Words for a part of the cord, in ``label-X`` and before ``_seg``; lower case.
PARTS: dict[str, Role] = {
    "sc": "cord", "cord": "cord", "spinalcord": "cord",
    "lesion": "lesion", "lesions": "lesion", "sci": "lesion",
    "gm": "grey", "wm": "white", "csf": "csf",
    "disc": "discs", "discs": "discs",
    "level": "levels", "levels": "levels", "vert": "levels", "spine": "levels", "vertebrae": "levels",
}  # fmt: skip
#: Last words that make a file a mask, a soft mask or a file of labels.
SUFFIXES: dict[str, Kind] = {
    "seg": "mask", "mask": "mask",
    "softseg": "soft", "probseg": "soft",
    "dseg": "label", "dlabel": "label", "labeled": "label", "labels": "label", "label": "label",
}  # fmt: skip
#: One-word endings: role and kind.
ENDINGS: dict[str, tuple[Role, Kind]] = {
    "gmseg": ("grey", "mask"), "wmseg": ("white", "mask"), "csfseg": ("csf", "mask"), "scseg": ("cord", "mask"),
    "lesionseg": ("lesion", "mask"),
}  # fmt: skip
_ENTITY = re.compile(r"^([a-z]+)-([A-Za-z0-9+]+)$", re.IGNORECASE)
_MANUAL = re.compile(r"[-_](?:manual|auto)(?=_|$)", re.IGNORECASE)
#: Words at the end that say what was done to a file and not what it is.
_CHANGES = re.compile(r"_(?:crop|reg|r)$", re.IGNORECASE)
_EXTENSION = re.compile(r"\.nii(?:\.gz)?$", re.IGNORECASE)
#: Entities that describe a derivative and do not belong to the name of its image.
DERIVED = ("label", "desc", "space", "res", "den")


@dataclass(frozen=True)
class Named:
    """What the name of a file says.

    Parameters
    ----------
    entities : dict of str to str
        Of BIDS: ``{"sub": "01", "ses": "m06", "acq": "sag"}``; empty for other names.
    suffix : str
        Last word: ``"T2w"``, ``"seg"``.
    role : str or None
        None where the name does not say.
    kind : str or None
        None where the name does not say.
    hint : str or None
        Role that a bare last word suggests (``PAM50_cord``, ``t2_lesion``). The latter is also a usual name for an
        *image* of a lesion: only the numbers can tell, and `base` is then the whole name.
    base : str
        Name of the image that the file is or belongs to.
    """

    entities: Mapping[str, str]
    suffix: str
    role: Role | None
    kind: Kind | None
    hint: Role | None
    base: str

    @property
    def subject(self) -> str:
        """Return the label of the subject, or nothing."""
        return self.entities.get("sub", "")

    @property
    def session(self) -> str:
        """Return the label of the session, or nothing."""
        return self.entities.get("ses", "")

    @property
    def own_entities(self) -> dict[str, str]:
        """Return the entities of the scan, without those that describe a derivative."""
        return {key: word for key, word in self.entities.items() if key not in DERIVED}

    @property
    def leaves_image_open(self) -> bool:
        """Tell whether the name is that of a mask as BIDS wants it, which does not say of which image it is.

        A derivative takes over the entities of its source and not its suffix: ``sub-01_ses-d42_label-SC_seg`` may
        belong to ``sub-01_ses-d42_T2w`` and to ``sub-01_ses-d42_T1w``.
        """
        words = self.base.split("_")
        return bool(self.subject) and self.kind != "image" and all(_ENTITY.match(word) for word in words)


def image_of(mask: str | Path, named: Named, images: Sequence[tuple[Path, Named]]) -> Path | None:
    """Return the image of a mask whose name leaves that open; None where nothing tells.

    Parameters
    ----------
    mask : path
    named : Named
        Name of the mask.
    images : sequence of (Path, Named)
        Those of the data set.

    Returns
    -------
    Path or None
        The one that the sidecar of the mask names among its sources; else, of those with the same entities, the
        T2-weighted one, on which lesions are drawn, or the only one.
    """
    sources = source_names(mask)
    for path, one in images:
        if path.name in sources and (one.subject, one.session) == (named.subject, named.session):
            return path
    alike = [(path, one) for path, one in images if one.own_entities == named.own_entities]
    best = [path for path, one in alike if one.suffix == "T2w"] or [path for path, _ in alike]
    return best[0] if len(best) == 1 else None


def parse_name(path: str | Path) -> Named:
    """Read a file's name; see `Named`. The file itself is not opened."""
    stem = _EXTENSION.sub("", Path(path).name)
    while _CHANGES.search(stem):
        stem = _CHANGES.sub("", stem)
    # `labels-disc-manual` is a word of three; the others are `X-manual` and `X_manual`
    stem = re.sub(r"labels-discs?(?=[-_]|$)", "label-discs_dlabel", stem, flags=re.IGNORECASE)
    stem, by_hand = _MANUAL.subn("", stem)
    entities: dict[str, str] = {}
    words: list[str] = []
    base: list[str] = []
    for word in stem.split("_"):
        found = _ENTITY.match(word)
        if found:
            entities[found[1].lower()] = found[2]
            if found[1].lower() not in DERIVED:
                base.append(word)
        else:
            words.append(word)
            base.append(word)
    suffix = words[-1] if words else ""
    role, kind, taken = _meaning(entities, words)
    hint = PARTS.get(suffix.lower()) if kind is None else None
    if hint is not None and by_hand:  # `_lesion-manual`: nobody draws an image by hand
        role, kind, taken, hint = hint, "mask", 1, None
    if hint is not None:
        taken = 1
    elif kind is None and "sub" in entities and words:
        role, kind = "image", "image"
    base = base[: len(base) - taken]
    return Named(entities, suffix, role, kind, hint, "_".join(base))


def _meaning(entities: Mapping[str, str], words: list[str]) -> tuple[Role | None, Kind | None, int]:
    """Return role, kind, and how many words at the end are not part of the image's name."""
    lowered = [word.lower() for word in words]
    last = lowered[-1] if lowered else ""
    before = lowered[-2] if len(lowered) > 1 else ""
    if last in ENDINGS:
        return *ENDINGS[last], 1
    if last == "discs" and before == "labeled":
        return "discs", "label", 3 if lowered[-3:-2] == ["seg"] else 2
    if last not in SUFFIXES:
        return None, None, 0
    if last == "label" and before == "seg":  # SCT's numbered lesions, t2_lesion_seg_label
        role, _, taken = _meaning(entities, words[:-1])
        return role, "label", taken + 1
    kind = SUFFIXES[last]
    if entities.get("desc", "").lower() == "softseg":
        kind = "soft"
    part = entities.get("label", "").lower()
    if part:
        return PARTS.get(part, "other"), kind, 1
    if last == "labeled" and before == "seg":
        return "levels", kind, 2
    if before in PARTS:
        return PARTS[before], kind, 2
    if last in ("seg", "softseg"):
        return "cord", kind, 1
    # `_mask`, `_dseg` and `_label` alone: BIDS leaves open of what, unless the sidecar says it
    return None, kind, 1


def role_in_sidecar(path: str | Path) -> Role | None:
    """Return the role of a ``_mask`` or ``_dseg`` by ``"Type"`` in its JSON file; None where nothing says it."""
    word = read_sidecar(path).get("Type")
    return PARTS.get(word.lower().replace(" ", "")) if isinstance(word, str) else None


def role_of(path: str | Path) -> tuple[Role | None, Named]:
    """Return the role of a file by its name or, where that leaves it open, by its sidecar; and the parsed name."""
    named = parse_name(path)
    role = named.role
    if role is None and named.kind in ("mask", "soft", "label"):
        role = role_in_sidecar(path)
    return role, named


def family(path: str | Path, named: Named) -> str:
    """Return what all files of one scan have in common.

    The name of the image; outside BIDS, where every folder holds a ``t2``, together with the folder.
    """
    return named.base if named.subject else f"{Path(path).parent.as_posix()}/{named.base}"
