"""A scenario after all checks: frozen, in canonical units, with every default filled in."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cordgraft.core.lattice import Lattice
from cordgraft.core.problems import BadInput, Caution, Problem


@dataclass(frozen=True)
class SubjectConfig:
    """Who is injured."""

    species: str
    immune_system: str


@dataclass(frozen=True)
class GeometryConfig:
    """The piece of cord that is simulated.

    Parameters
    ----------
    level : str
        Injured segment, for example ``T9``.
    preset : str
        Row of defaults that species and level select, for example ``human_cervical``.
    section : {"midsagittal", "volume"}
    length_um, slab_um : float
    voxel_um : (right-left, back-front, along)
        In a section the slab takes the place of the first edge.
    cord_diameter_um : (left-right, back-front)
    segment_um : float
    grey_share : float
        Grey matter over the whole cross-section.
    cells_per_agent : int
        Living cells that one simulated cell stands for.
    cord_mask, lesion_mask : str
        Paths of NIfTI files, empty where there is none.
    scan_at_h : float or None
        Time of the scan, hours after the injury.
    """

    level: str
    preset: str
    section: str
    length_um: float
    voxel_um: tuple[float, float, float]
    slab_um: float
    cord_diameter_um: tuple[float, float]
    segment_um: float
    grey_share: float
    cells_per_agent: int
    cord_mask: str = ""
    lesion_mask: str = ""
    scan_at_h: float | None = None

    def lattice(self) -> Lattice:
        """Return the lattice of a cord of this size; one that is built from masks follows the masks."""
        x, y, z = self.voxel_um
        width, depth = self.cord_diameter_um
        if self.section == "midsagittal":
            width = x = self.slab_um
        return Lattice.centred((width, depth, self.length_um), (x, y, z))

    @property
    def voxels(self) -> tuple[int, int, int]:
        """Number of voxels along right-left, back-front and the cord."""
        return self.lattice().shape


@dataclass(frozen=True)
class RecordConfig:
    """What is written: the interval of the series and the times of the maps, hours."""

    series_h: float
    maps_h: tuple[float, ...]


@dataclass(frozen=True)
class Config:
    """Everything a run needs to know, and nothing it could misread.

    Parameters
    ----------
    name : str
        File name without its ending.
    title : str
    resolution : {"full", "preview"}
        A preview has been made coarse already; see `cordgraft.scenario.resolution`.
    seed : int
    duration_h, tick_h : float
    subject, geometry, record
        The sections of the same name.
    injury : Params
        Of the injury process.
    treatments : dict
        Name -> (type, `Params`), in the order of the file.
    parameters : dict
        Name of the process -> its `Params`, for every process that stands under ``parameters``.
    enabled : dict
        Name of the process -> whether it acts.
    periods_h : dict
        Label of a process (for a treatment its own name) -> interval, hours.
    safety : dict
        Name of a measure -> ``at_most`` in its unit, and ``from``, ``to`` in hours after the first graft.
    cautions : tuple of Caution
        Values outside their cited range and approximations, for the reader of any result.
    resolved : dict
        The whole scenario with every default written out; as YAML it loads to this configuration again.
    inputs : dict
        Address of a mask -> SHA-256 of its file.
    digest : str
        SHA-256 of what is simulated: of `resolved`, with the contents of the masks in place of their paths.
    requires : tuple of str
        Addresses that are still open; a run needs each of them.
    places : dict
        Address -> file, line and column of what the user wrote, for problems that are found later.
    """

    name: str
    title: str
    resolution: str
    seed: int
    duration_h: float
    tick_h: float
    subject: SubjectConfig
    geometry: GeometryConfig
    injury: Any
    treatments: dict[str, tuple[str, Any]]
    parameters: dict[str, Any]
    enabled: dict[str, bool]
    periods_h: dict[str, float]
    safety: dict[str, dict[str, float]]
    record: RecordConfig
    cautions: tuple[Caution, ...] = ()
    resolved: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    requires: tuple[str, ...] = ()
    places: dict[str, tuple[str, int, int]] = field(default_factory=dict, compare=False, repr=False)

    @contextmanager
    def locating(self) -> Iterator[None]:
        """Give problems that are found when the scenario is built the place of their key in the file.

        So is memory that did not suffice although the estimate said it would, or before there was one.
        """
        try:
            yield
        except BadInput as error:
            raise BadInput([self._located(problem) for problem in error.problems]) from error
        except MemoryError as error:
            problem = Problem(
                "the lattice does not fit into the memory of this machine",
                key="geometry.voxel",
                value=" x ".join(f"{edge:g} um" for edge in self.geometry.voxel_um),
                allowed="larger voxels or a shorter length",
            )
            raise BadInput(self._located(problem)) from error

    def _located(self, problem: Problem) -> Problem:
        place = self.places.get(problem.key)
        if problem.file or place is None:
            return problem
        return replace(problem, file=place[0], line=place[1], column=place[2])

    @property
    def published(self) -> dict[str, Any]:
        """`resolved` without the folders of the masks: what may leave this machine with a dataset."""
        return without_folders(self.resolved)


def without_folders(resolved: dict[str, Any]) -> dict[str, Any]:
    """Return a resolved scenario whose masks are named by their file names alone."""
    result = copy.deepcopy(resolved)
    geometry = result.get("geometry", {})
    for key in ("cord_mask", "lesion_mask"):
        if geometry.get(key):
            geometry[key] = Path(geometry[key]).name
    return result


def digest_of(resolved: dict[str, Any], inputs: dict[str, str]) -> str:
    """Return the SHA-256 of a resolved scenario; a mask counts with its contents, wherever it lies."""
    result = copy.deepcopy(resolved)
    for address, sha256 in inputs.items():
        section, key = address.split(".")
        result[section][key] = sha256
    text = json.dumps(result, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
