"""Where a simulated cord lies in the space of an image: shifted into it, or bent back into the scan it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cordgraft.core import schema
from cordgraft.core.straightening import StraighteningMap
from cordgraft_analysis.imaging.volume import Floats

if TYPE_CHECKING:
    import xarray


class Placing(Protocol):
    """The way between straight cord coordinates and the space of an image, both mm."""

    @property
    def words(self) -> str:
        """What it does, for the sidecar."""

    def to_straight(self, points_mm: Floats) -> Floats:
        """Return straight coordinates of points of the image : (n, 3) mm; NaN where there are none."""

    def to_image(self, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
        """Return the places of a straight grid in the image : (nx, ny, nz, 3) mm."""

    def volume_ratio(self, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
        """Return volume in the image over straight volume on a straight grid, broadcastable to (nx, ny, nz)."""


@dataclass(frozen=True)
class Shift:
    """The straight cord stays straight and parallel to the axes of the world; its origin goes to `offset_mm`."""

    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def words(self) -> str:
        """What it does, for the sidecar."""
        x, y, z = self.offset_mm
        return (
            "straight cord along the world's superior axis, "
            f"middle of the injury at {x:g}, {y:g}, {z:g} mm"
        )

    def to_straight(self, points_mm: Floats) -> Floats:
        """Return straight coordinates of points of the image : (n, 3) mm."""
        return np.asarray(points_mm - np.array(self.offset_mm))

    def to_image(self, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
        """Return the places of a straight grid in the image : (nx, ny, nz, 3) mm."""
        grid = np.stack(np.meshgrid(x_mm, y_mm, z_mm, indexing="ij"), axis=-1)
        return np.asarray(grid + np.array(self.offset_mm))

    def volume_ratio(self, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
        """Return 1: nothing is stretched."""
        return np.ones((1, 1, 1))


@dataclass(frozen=True)
class Bend:
    """The cord goes back into the scan that it was straightened from."""

    straightening: StraighteningMap

    @property
    def words(self) -> str:
        """What it does, for the sidecar."""
        return "bent back into the space of the scan by the straightening map that is stored with the run"

    def to_straight(self, points_mm: Floats) -> Floats:
        """Return straight coordinates of points of the image : (n, 3) mm; NaN at and beyond the centre of a bend."""
        return 1e-3 * self.straightening.to_straight_um(points_mm)

    def to_image(self, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
        """Return the places of a straight grid in the image : (nx, ny, nz, 3) mm."""
        return self.straightening.grid_to_scanner_mm(1e3 * x_mm, 1e3 * y_mm, 1e3 * z_mm)

    def volume_ratio(self, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
        """Return the Jacobian of the bend on a straight grid : (nx, ny, nz)."""
        return self.straightening.grid_jacobian(1e3 * x_mm, 1e3 * y_mm, 1e3 * z_mm)


def stored_bend(run: xarray.DataTree) -> Bend | None:
    """Return the way back into the scan of a run that was built from masks, or None for any other."""
    if schema.STRAIGHTENING_GROUP not in run.children:
        return None
    stored = run[schema.STRAIGHTENING_GROUP].dataset
    return Bend(
        StraighteningMap.from_dict({str(name): values.values for name, values in stored.data_vars.items()})
    )
