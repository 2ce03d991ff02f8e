"""Recorded days of a run measured as a session is: masks on voxels of the same size, by the same method.

The simulated cord is laid straight, whatever scan a run came from: a patient's scanner coordinates differ from visit
to visit, and the measures do not depend on where the cord lies. A section without a model of extrusion is measured
as a section (one voxel across): what needs a volume is then absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.extrusion import Extrusion, parse_extrusion
from cordgraft_analysis.imaging.fractions import is_section, recorded_days
from cordgraft_analysis.imaging.lesion import measure
from cordgraft_analysis.imaging.lesion_table import Row
from cordgraft_analysis.imaging.profile import Profile, profile
from cordgraft_analysis.imaging.render import Options, scene_of
from cordgraft_analysis.imaging.sides import How, whole_row
from cordgraft_analysis.imaging.volume import Array, Floats

if TYPE_CHECKING:
    import xarray

#: A recorded day stands for a session if it is this near: days, or this share of the session's time.
NEAR_DAYS, NEAR_SHARE = 7.0, 0.1


@dataclass(frozen=True)
class Run:
    """A run that stands beside subjects.

    Parameters
    ----------
    name : str
        Of its directory; with those above where names are alike.
    directory : Path
    tree : xarray.DataTree
    days : (n,) float64
        Recorded days with maps, since the injury.
    """

    name: str
    directory: Path
    tree: xarray.DataTree
    days: Floats

    @property
    def species(self) -> str:
        """Return the species of the run."""
        return str(self.tree.attrs.get("setting", {}).get("species", ""))

    @property
    def seed(self) -> int | None:
        """Return the seed of the run."""
        seed = self.tree.attrs.get("seed")
        return None if seed is None else int(seed)

    def nearest(self, day: float) -> float:
        """Return the recorded day nearest to `day`."""
        return float(self.days[int(np.abs(self.days - day).argmin())])


def open_runs(directories: list[Path]) -> list[Run]:
    """Open runs, each once.

    Raises
    ------
    BadInput
        For what is no run, or has no maps.
    """
    from cordgraft_analysis.compare import arm_labels
    from cordgraft_analysis.reading import open_run

    found, problems = [], []
    for name, directory in zip(arm_labels(directories), directories, strict=True):
        tree = open_run(directory)
        days = np.asarray(recorded_days(tree), dtype=np.float64)
        if days.size == 0:
            problems.append(
                Problem("recorded no maps, so nothing can be measured in it", key="--run", file=str(directory))
            )  # fmt: skip
        found.append(Run(name, directory, tree, days))
    if problems:
        raise BadInput(problems)
    return found


def is_near(day: float, session_day: float) -> bool:
    """Whether a recorded day can stand for the day of a session."""
    return abs(day - session_day) <= max(NEAR_DAYS, NEAR_SHARE * session_day)


def measure_run(
    run: Run, day: float, spacing_mm: tuple[float, float, float], how: How
) -> tuple[Row, Profile | None]:
    """Measure the lesion of a recorded day.

    Parameters
    ----------
    run : Run
    day : float
        One of ``run.days``.
    spacing_mm : (3,) float
        Voxel edges of the session, right, anterior, superior.
    how : How
        ``mm`` measures shares of voxels, ``sct`` voxels that are filled at least half.

    Returns
    -------
    total : dict
        As `sides.whole_row`; ``extrusion`` names the model by which a section became a volume.
    profile : Profile or None
        None if the cord is a single slice.
    """
    lesion, cord, affine = masks_of(run, day, spacing_mm, how)
    if how.method == "sct":
        lesion, cord = lesion >= 0.5, cord >= 0.5
    table = measure(lesion, cord, affine, method=how.method)
    along = profile(lesion, cord, affine, how.step_mm) if lesion.shape[2] > 1 else None
    row = whole_row(table)[0]
    if how.extrusion is not None and is_section(run.tree):
        row["extrusion"] = parse_extrusion(how.extrusion).name
    return row, along


def masks_of(
    run: Run, day: float, spacing_mm: tuple[float, float, float], how: How
) -> tuple[Array, Array, Floats]:
    """Return lesion, cord : (x, y, z) shares, and their affine, of a recorded day on voxels of a size.

    A section without a model of extrusion comes back one voxel wide.
    """
    extrusion = None if how.extrusion is None else parse_extrusion(how.extrusion)
    section = is_section(run.tree)
    if not section or extrusion is not None:
        chosen: Any = extrusion if section else None
        scene = scene_of(run.tree, day, spacing_mm=spacing_mm, options=Options(extrusion=chosen))
        return scene.lesion_soft, scene.cord_soft, scene.frame.affine
    # A slab as wide as the cord, in voxels of its own width: the one in the middle is the section itself.
    width = float(run.tree.attrs["setting"]["cord_diameter_um"][0]) * 1e-3
    slab = Extrusion("extrude", width)
    scene = scene_of(run.tree, day, spacing_mm=(width, *spacing_mm[1:]), options=Options(extrusion=slab))
    middle = scene.cord_soft.shape[0] // 2
    affine = scene.frame.affine.copy()
    affine[:3, 3] += affine[:3, 0] * middle
    return scene.lesion_soft[middle : middle + 1], scene.cord_soft[middle : middle + 1], affine
