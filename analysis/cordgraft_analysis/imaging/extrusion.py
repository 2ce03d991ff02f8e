"""From a section to a volume, by a rule that the user names: a section alone says nothing of what lies beside it.

``elliptic:ratio=R`` (``axisymmetric`` is R = 1) turns the section about the axis of the cord. With the relative radius
``rho`` of an ellipse that is R times as wide as it is deep, and the angle ``phi`` from the left-right axis (ventral
+90 degrees), a quantity is

    Q(rho, phi) = (1 + sin phi)/2 Q_ventral(rho) + (1 - sin phi)/2 Q_dorsal(rho),

so each voxel of the section stands for half an elliptic ring, and volumes are those that the run itself reports.
Grey matter becomes an ellipse, not a butterfly. ``extrude:mm=W`` repeats the section over a width W.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.overlap import overlap_matrix
from cordgraft_analysis.imaging.volume import Array, Floats

#: What the option takes, for messages.
WAYS = "axisymmetric, elliptic:ratio=R (R: width over depth of the cord), extrude:mm=W (W: width in mm)"
#: A voxel of the extruded volume is sampled so often along each edge, or twice per voxel of the section if finer.
SAMPLES = 4
_WRITTEN = re.compile(r"(?:elliptic:ratio=|extrude:mm=)(.+)")


@dataclass(frozen=True)
class Extrusion:
    """How a section becomes a volume: ``elliptic``, value width over depth, or ``extrude``, value the width in mm."""

    kind: str
    value: float

    @property
    def name(self) -> str:
        """Return the words that name it on the command line."""
        if self.kind == "extrude":
            return f"extrude:mm={self.value:g}"
        return "axisymmetric" if self.value == 1.0 else f"elliptic:ratio={self.value:.6g}"


def parse_extrusion(text: str) -> Extrusion:
    """Return the extrusion that a text names.

    Raises
    ------
    BadInput
        If it is none of `WAYS`, or its number is not positive.
    """
    if text == "axisymmetric":
        return Extrusion("elliptic", 1.0)
    written = _WRITTEN.fullmatch(text)
    try:
        value = float(written[1]) if written else np.nan
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and value > 0.0):
        raise BadInput(Problem("no such extrusion", key="--extrusion", value=text, allowed=WAYS))
    return Extrusion("elliptic" if text.startswith("elliptic") else "extrude", value)


def missing_extrusion(own_ratio: float) -> BadInput:
    """Return the error for a section that is to become a volume and has no rule."""
    return BadInput(
        Problem(
            "the run is a section: say how it becomes a volume",
            key="--extrusion",
            value="none",
            allowed=f"{WAYS}; the cord of this run has elliptic:ratio={own_ratio:.4g}",
        )
    )


@dataclass(frozen=True)
class Fine:
    """The operator from a section to a volume.

    Parameters
    ----------
    axes_mm : three (n,) float64
        Voxel centres of the volume, mm.
    across : sparse (nx ny, rows)
        Weights of the rows of the section in each column of voxels.
    along : (nz, layers) float64 or None
        Mean over the layers of the section; None where they stay as they are.
    """

    axes_mm: tuple[Floats, Floats, Floats]
    across: Any
    along: Floats | None

    @classmethod
    def of(cls, axes: tuple[Floats, Floats, Floats], extrusion: Extrusion, fine_mm: float | None) -> Fine:
        """Return the operator of a section with voxel centres `axes`, mm, onto voxels of `fine_mm`.

        Along the cord voxels are merged to that length and never cut.
        """
        y, z = axes[1], axes[2]
        dy, dz = float(y[1] - y[0]), float(z[1] - z[0])
        edge = fine_mm or dy
        low, high = float(y[0]) - 0.5 * dy, float(y[-1]) + 0.5 * dy
        if extrusion.kind == "extrude":
            x_axis = _centred(0.5 * extrusion.value, min(edge, extrusion.value), whole=True)
            y_axis = _within(low, high, edge)
            down = overlap_matrix(_faces(y), _faces(y_axis))
            from scipy.sparse import csr_matrix

            across = csr_matrix(np.tile(down, (len(x_axis), 1)))
        else:
            reach = max(-low, high)
            x_axis, y_axis = _centred(extrusion.value * reach, edge), _centred(reach, edge)
            across = _rotated(x_axis, y_axis, edge, y, dy, extrusion.value)
        z_axis, along = z, None
        if edge > dz:
            z_axis = _within(float(z[0]) - 0.5 * dz, float(z[-1]) + 0.5 * dz, edge)
            along = overlap_matrix(_faces(z), _faces(z_axis))
        return cls((x_axis, y_axis, z_axis), across, along)


def extruded(section: Array, fine: Fine) -> Array:
    """Return a quantity of a section (1, y, z) in the volume : (nx, ny, nz) float32."""
    values = np.asarray(section[0], dtype=np.float64)
    if fine.along is not None:
        values = values @ fine.along.T
    whole = fine.across @ values
    shape = tuple(len(axis) for axis in fine.axes_mm)
    return np.asarray(whole, dtype=np.float32).reshape(shape)


def _centred(half: float, edge: float, whole: bool = False) -> Floats:
    """Return voxel centres that cover ``-half`` to ``half``; with `whole` exactly, by edges a little shorter."""
    count = int(np.ceil(2.0 * half / edge - 1e-9)) if whole else 2 * int(np.ceil(half / edge - 1e-9))
    step = 2.0 * half / count if whole else edge
    return np.asarray(step * (np.arange(count) - 0.5 * (count - 1)), dtype=np.float64)


def _within(low: float, high: float, edge: float) -> Floats:
    """Return voxel centres that cover `low` to `high` exactly, by edges of at least `edge`."""
    count = max(1, int(np.floor((high - low) / edge + 1e-9)))
    return np.asarray(low + (high - low) / count * (np.arange(count) + 0.5), dtype=np.float64)


def _faces(centres: Floats) -> Floats:
    """Return the faces of voxels from their evenly spaced centres : (n + 1,)."""
    step = float(centres[1] - centres[0]) if len(centres) > 1 else 1.0
    return np.append(centres - 0.5 * step, centres[-1] + 0.5 * step).astype(np.float64)


def _rotated(x_axis: Floats, y_axis: Floats, edge: float, rows: Floats, row_mm: float, ratio: float) -> Any:
    """Return the mean of the rotation rule over each voxel of the cross-section : sparse (nx ny, rows)."""
    from scipy.sparse import csr_matrix

    number = max(SAMPLES, int(np.ceil(2.0 * edge / row_mm)))
    offsets = edge * ((np.arange(number) + 0.5) / number - 0.5)
    x = (x_axis[:, None] + offsets).ravel()
    y = (y_axis[:, None] + offsets).ravel()
    column = np.repeat(np.arange(len(x_axis)), number)[:, None] * len(y_axis)
    column = (column + np.repeat(np.arange(len(y_axis)), number)[None, :]).ravel()
    radius = np.hypot(x[:, None] / ratio, y[None, :])
    sine = np.divide(np.broadcast_to(y, radius.shape), radius, out=np.zeros_like(radius), where=radius > 0.0)
    first = float(rows[0]) - 0.5 * row_mm
    parts = []
    for side in (1.0, -1.0):
        row = np.floor((side * radius - first) / row_mm).astype(np.int64).ravel()
        weight = (0.5 * (1.0 + side * sine)).ravel() / number**2
        held = (row >= 0) & (row < len(rows))
        parts.append((weight[held], column[held], row[held]))
    weight, column, row = (np.concatenate(part) for part in zip(*parts, strict=True))
    return csr_matrix((weight, (column, row)), shape=(len(x_axis) * len(y_axis), len(rows)))
