"""How many voxels a rendering needs, before any of them is made: how fine a section becomes, and what does not fit."""

from __future__ import annotations

import numpy as np

from cordgraft.core import schema
from cordgraft.core.memory import free_memory
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.extrusion import Extrusion
from cordgraft_analysis.imaging.volume import Floats

#: An extruded section has voxels of this share of the smallest edge of the image, where there is room for so many.
FINE_SHARE = 0.25
#: Fine voxels that an extruded section has at most; larger ones, up to the edge of the image, are taken then.
MOST_FINE = 12_000_000
#: Bytes per fine voxel and per voxel of the image, at the peak (measured, rounded up).
PER_FINE_VOXEL, PER_IMAGE_VOXEL = 300, 160
#: Part of the free memory that a rendering may take.
MEMORY_SHARE = 0.8


def size_of(
    axes_um: tuple[Floats, Floats, Floats],
    extrusion: Extrusion | None,
    edges_mm: tuple[float, float, float],
    canal_mm: float,
    image_shape: tuple[int, ...] | None,
) -> tuple[float, int, int]:
    """Return the edge of the voxels that a section becomes, mm, and the numbers of fine voxels and of image voxels.

    Parameters
    ----------
    axes_um : three (n,) float64
        Voxel centres of the run.
    extrusion : Extrusion, optional
        None for a run that is a volume, whose voxels stay as they are.
    edges_mm : (3,) float
        Of an image voxel.
    canal_mm : float
        Thickness of the fluid round the cord.
    image_shape : (3,) int, optional
        None for an image that is made to measure.
    """
    counts = [len(axis) for axis in axes_um]
    steps = [1e-3 * float(axis[1] - axis[0]) if len(axis) > 1 else 0.0 for axis in axes_um]
    size = [count * step for count, step in zip(counts, steps, strict=True)]
    edge = FINE_SHARE * min(edges_mm)
    if extrusion is not None:
        size[0] = extrusion.value if extrusion.kind == "extrude" else extrusion.value * size[1]

        def fine(at: float) -> float:
            across = (size[0] + 2.0 * canal_mm) * (size[1] + 2.0 * canal_mm) / at**2
            return across * min(counts[2], size[2] / at)

        edge = min(min(edges_mm), max(edge, edge * float(np.sqrt(fine(edge) / MOST_FINE))))
        number = fine(edge)
    else:
        layers = [canal_mm / step if step else 0.0 for step in steps[:2]]
        number = counts[2] * np.prod(
            [count + 2.0 * layer for count, layer in zip(counts, layers, strict=False)]
        )
    around = (2.0 * canal_mm, 2.0 * canal_mm, 0.0)
    image = (
        np.prod([(one + layer) / step + 4.0 for one, layer, step in zip(size, around, edges_mm, strict=True)])
        if image_shape is None
        else np.prod(image_shape, dtype=np.float64)
    )
    return edge, int(number), int(image)


def refuse_too_large(fine: int, image: int, key: str) -> None:
    """Raise `BadInput` if a rendering of so many voxels does not fit into the memory that is free."""
    needed, free = PER_FINE_VOXEL * fine + PER_IMAGE_VOXEL * image, free_memory()
    if free is None or needed <= MEMORY_SHARE * free:
        return
    raise BadInput(
        Problem(
            "the image would not fit into memory",
            key=key,
            value=f"{image / 1e6:.3g} million voxels, {fine / 1e6:.3g} million of the cord: some {needed / 1e9:.3g} GB",
            allowed=f"{MEMORY_SHARE * free / 1e9:.3g} GB; take larger voxels or a part of the image",
        )
    )


def run_axes_um(maps: object) -> tuple[Floats, Floats, Floats]:
    """Return the voxel centres of a run along x, y and z, um."""
    x, y, z = (np.asarray(maps[axis].values, dtype=np.float64) for axis in schema.SPACE)  # type: ignore[index]
    return x, y, z
