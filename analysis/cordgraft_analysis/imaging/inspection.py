"""Every check at once: what each file is, and whether the files that belong together fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cordgraft_analysis.imaging.checks import (
    check_cord,
    check_lesion,
    inside,
    lesion_without_cord,
    same_grid,
)
from cordgraft_analysis.imaging.findings import Finding, has_errors
from cordgraft_analysis.imaging.load import Asked, Reading, description, read_file
from cordgraft_analysis.imaging.names import Named, Role, family, image_of, role_of
from cordgraft_analysis.imaging.sidecar import stated, stated_dorsal
from cordgraft_analysis.imaging.species import check_size, check_words, fine_voxels
from cordgraft_analysis.imaging.values import NO_LABEL
from cordgraft_analysis.imaging.volume import Kind, Volume

#: Group of files that belong together because the user says so.
STATED = "stated"


@dataclass(frozen=True)
class Inspected:
    """One file with everything that was found on it, alone and beside the others.

    Parameters
    ----------
    reading : Reading
    role : str or None
        None for a mask or file of labels that does not say of what.
    group : str
        What the files of one scan have in common.
    findings : tuple of Finding
    named : Named
    """

    reading: Reading
    role: Role | None
    group: str
    findings: tuple[Finding, ...]
    named: Named

    @property
    def verdict(self) -> str:
        """Return ``"ok"``, or how many errors or warnings there are."""
        for level in ("error", "warning"):
            number = sum(finding.level == level for finding in self.findings)
            if number:
                return f"{number} {level}{'s' if number > 1 else ''}"
        return "ok"

    def row(self) -> dict[str, Any]:
        """Return the file as plain data; see `load.description`."""
        return {**description(self.reading), "role": self.role or "", "verdict": self.verdict}


def inspect_files(
    files: Sequence[str | Path],
    *,
    image: str | Path | None = None,
    cord: str | Path | None = None,
    lesion: str | Path | None = None,
    asked: Asked | None = None,
    species: str | None = None,
    dorsal: str | None = None,
) -> list[Inspected]:
    """Read files, and check each alone and those of one scan against each other.

    Parameters
    ----------
    files : sequence of path
        Their roles follow from their names, and where these are silent, from sidecars and numbers.
    image, cord, lesion : path, optional
        Files of a stated role. If one is given, all files belong to one scan, whatever their names.
    asked : Asked, optional
    species, dorsal : str, optional
        See `species.dorsal_axis`.

    Raises
    ------
    BadInput
        If an option is wrong or nibabel is missing; what is wrong with files stands in their findings.
    """
    check_words(species, dorsal)
    asked = asked or Asked()
    roles: tuple[tuple[str | Path | None, Role], ...] = ((image, "image"), (cord, "cord"), (lesion, "lesion"))
    stated = {Path(path): role for path, role in roles if path is not None}
    found = [_alone(path, role, asked) for path, role in stated.items()]
    found += [_alone(path, None, asked) for path in files if Path(path) not in stated]
    if stated:
        found = [replace(one, group=STATED) for one in found]
    return _together(_joined(found), species, dorsal)


def _alone(path: str | Path, stated: Role | None, asked: Asked) -> Inspected:
    role, named = role_of(path)
    kind: Kind | None = named.kind
    if stated is not None:
        role = stated
        kind = "image" if stated == "image" else "soft" if kind == "soft" else "mask"
    reading = read_file(path, kind, asked)
    if asked.label and any(finding.sentence.startswith(NO_LABEL) for finding in reading.findings):
        # labels are asked of one of several files: the others may be masks already
        plain = read_file(path, kind, replace(asked, label=()))
        reading = reading if has_errors(plain.findings) else plain
    findings = list(reading.findings)
    volume = reading.volume
    if volume is not None and role is None:
        # the numbers say image or mask; a bare word in the name, of what
        role = "image" if volume.kind == "image" else named.hint
    base = named.base
    if volume is not None and volume.kind == "image" and named.hint is not None:
        base = f"{base}_{named.suffix}"  # `t2_lesion` is an image with this name, not the lesion of `t2`
    if volume is not None:
        findings += _oddities(volume, named, role)
        reading = replace(reading, volume=_light(volume, role))
    return Inspected(reading, role, family(path, replace(named, base=base)), tuple(findings), named)


def _light(volume: Volume, role: Role | None) -> Volume:
    """Return a volume without the numbers that are no longer needed: hundreds of files may be checked at once."""
    if role in ("cord", "lesion"):
        return replace(volume, data=inside(volume))
    return replace(volume, data=np.broadcast_to(np.zeros((), dtype=volume.data.dtype), volume.data.shape))


def _oddities(volume: Volume, named: Named, role: Role | None) -> list[Finding]:
    """Return what is odd about a single file beyond its reading."""
    found: list[Finding] = []
    if role == "image" and volume.kind == "image":
        values = volume.data[volume.data != 0.0]
        if values.size == 0 or (values == 1.0).all():
            found.append(
                Finding(
                    "E16", "warning", "holds nothing but 0 and 1 under the name of an image", str(volume.path), "",
                    "If it is a mask, name it so (_label-SC_seg, _label-lesion_seg) or give it with -s or -m",
                )
            )  # fmt: skip
    fine = fine_voxels(volume) if role != "cord" else None
    said = volume.path is not None and stated_dorsal(volume.path) is not None
    if fine is not None and volume.kind != "image" and not said:
        found.append(fine)
    return found


def _together(found: list[Inspected], species: str | None, dorsal: str | None) -> list[Inspected]:
    result = []
    for one in found:
        volume = one.reading.volume
        more: list[Finding] = []
        if volume is not None:
            others = [other for other in found if other is not one and _one_scan(one, other)]
            image = _first(others, "image")
            cord = _first(others, "cord")
            if one.role != "image":
                reference = image or (cord if one.role != "cord" else None)
                if reference is not None:
                    more += same_grid(volume, reference)
            if one.role == "cord":
                of_scan = [one.reading.file, *(other.reading.file for other in others)]
                kind_of, side, said = stated(of_scan, species, dorsal)
                more += [*said, *check_cord(volume), *check_size(volume, kind_of, side)]
            if one.role == "lesion":
                more += _lesion(volume, cord, misplaced=has_errors(more))
        result.append(replace(one, findings=(*one.findings, *more)))
    return result


def _lesion(lesion: Volume, cord: Volume | None, misplaced: bool) -> list[Finding]:
    """Judge a lesion; one that lies elsewhere is not counted against the cord, but its grid is."""
    found = check_lesion(lesion, None if misplaced else cord)
    if cord is None:
        found.append(lesion_without_cord(lesion))
    return found


def _joined(found: list[Inspected]) -> list[Inspected]:
    """Return masks whose BIDS names leave open of which image they are in the group of that image."""
    images = {Path(one.reading.file): one for one in found if one.role == "image" and one.named.subject}
    listed = [(path, one.named) for path, one in images.items()]
    joined = []
    for one in found:
        if one.group != STATED and one.role != "image" and one.named.leaves_image_open:
            image = image_of(one.reading.file, one.named, listed)
            one = replace(one, group=one.group if image is None else images[image].group)
        joined.append(one)
    return joined


def _one_scan(one: Inspected, other: Inspected) -> bool:
    if one.group == other.group == STATED:
        return True
    return one.group == other.group and one.named.entities.get("space") == other.named.entities.get("space")


def _first(found: list[Inspected], role: Role) -> Volume | None:
    return next((o.reading.volume for o in found if o.role == role and o.reading.volume is not None), None)
