"""Exact overlap of a lattice's voxels, mapped into another grid, with the voxels of that grid.

Each lattice voxel is a hexahedron whose eight corners are given in the index space of the source grid, where
source voxel ``(i, j, k)`` is the unit box centred on ``(i, j, k)``. It is split into six tetrahedra round
the diagonal from its lowest to its highest corner; neighbours cut their common face along the same diagonal,
so the tetrahedra of all voxels tile the lattice without gap or overlap, bent faces included. Each
tetrahedron is then cut at the planes between source voxels until every piece lies in one of them: the
pieces' volumes are the overlaps, and they sum to the tetrahedron's volume whatever the shapes. Nothing is
interpolated or sampled.

A cut needs no table of cases. An edge that crosses the plane is cut at the crossing point ``X``, which splits
the tetrahedron in two (either end of the edge replaced by ``X``); repeated until no edge crosses.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.kernels.compile import body, kernel_with_scratch

#: Corners of the six tetrahedra: one for each order in which the three axes can be walked from corner 0 to 7.
#: Corner number is 4 dx + 2 dy + dz.
TETRAHEDRA = np.array(
    [[0, 4, 6, 7], [0, 4, 5, 7], [0, 2, 6, 7], [0, 2, 3, 7], [0, 1, 5, 7], [0, 1, 3, 7]], dtype=np.int64
)
#: Tetrahedra waiting to be cut. One cut adds one and the planes are halved: 3 axes x 20 halvings x 4 edges.
STACK = 256
#: A vertex nearer than this to a plane, in source voxels, lies on it. Displaces a volume by 1e-10 of itself.
ON_PLANE = 1e-10


@body
def tetrahedron_volume(v: Any) -> Any:
    """Return the volume of a tetrahedron : (4, 3) -> float, in source voxels."""
    ax, ay, az = v[1, 0] - v[0, 0], v[1, 1] - v[0, 1], v[1, 2] - v[0, 2]
    bx, by, bz = v[2, 0] - v[0, 0], v[2, 1] - v[0, 1], v[2, 2] - v[0, 2]
    cx, cy, cz = v[3, 0] - v[0, 0], v[3, 1] - v[0, 1], v[3, 2] - v[0, 2]
    return abs(ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx)) / 6.0


@body
def voxel_of(v: Any) -> Any:
    """Return the source voxel that holds the centre of a piece : (4, 3) -> (i, j, k)."""
    return (
        int(np.floor(0.25 * (v[0, 0] + v[1, 0] + v[2, 0] + v[3, 0]))),
        int(np.floor(0.25 * (v[0, 1] + v[1, 1] + v[2, 1] + v[3, 1]))),
        int(np.floor(0.25 * (v[0, 2] + v[1, 2] + v[2, 2] + v[3, 2]))),
    )


@body
def reduce_top(stack: Any, count: Any) -> Any:
    """Cut the tetrahedron on top of the stack until the top lies in one source voxel; return the new count.

    The halves cut off stay on the stack below it. Vertices are in source index space shifted by half a voxel,
    so that the faces between voxels are the whole numbers. Returns -1 if the stack would overflow.
    """
    axis = 0
    while axis < 3:
        top = count - 1
        low = high = stack[top, 0, axis]
        for vertex in range(1, 4):
            low = min(low, stack[top, vertex, axis])
            high = max(high, stack[top, vertex, axis])
        plane = np.floor(0.5 * (low + high) + 0.5)
        # The face nearest to the middle is the only candidate: if it misses the inside, so does every other.
        if not (low + ON_PLANE < plane and plane < high - ON_PLANE):
            axis += 1
            continue
        below = 0
        above = 0
        for vertex in range(4):
            if stack[top, vertex, axis] == low:
                below = vertex
            if stack[top, vertex, axis] == high:
                above = vertex
        if count >= stack.shape[0]:
            return -1
        share = (plane - low) / (high - low)
        for vertex in range(4):
            for a in range(3):
                stack[count, vertex, a] = stack[top, vertex, a]
        for a in range(3):
            crossing = stack[top, below, a] + share * (stack[top, above, a] - stack[top, below, a])
            if a == axis:
                crossing = plane
            stack[top, below, a] = crossing
            stack[count, above, a] = crossing
        count += 1
    return count


@body
def load_tetrahedron(corners: Any, x: Any, y: Any, z: Any, which: Any, stack: Any) -> None:
    """Put tetrahedron `which` of a lattice voxel at the bottom of the stack, shifted by half a voxel."""
    for vertex in range(4):
        corner = TETRAHEDRA[which, vertex]
        for a in range(3):
            stack[0, vertex, a] = corners[x + corner // 4, y + (corner // 2) % 2, z + corner % 2, a] + 0.5


@body
def bounding_box(corners: Any, x: Any, y: Any, z: Any, box: Any) -> Any:
    """Write the first and last source voxel per axis that a lattice voxel can touch : (3, 2) int64.

    Returns False where a corner is not finite (outside the map).
    """
    for a in range(3):
        low = np.inf
        high = -np.inf
        for corner in range(8):
            value = corners[x + corner // 4, y + (corner // 2) % 2, z + corner % 2, a]
            if not np.isfinite(value):
                return False
            low = min(low, value)
            high = max(high, value)
        box[a, 0] = int(np.floor(low + 0.5))
        box[a, 1] = int(np.floor(high + 0.5))
    return True


@body
def is_uniform(source: Any, box: Any) -> Any:
    """Whether every source voxel of the box holds the same values, those outside the grid being zero."""
    channels, ni, nj, nk = source.shape
    inside = box[0, 0] >= 0 and box[1, 0] >= 0 and box[2, 0] >= 0
    inside = inside and box[0, 1] < ni and box[1, 1] < nj and box[2, 1] < nk
    for m in range(channels):
        value = source[m, box[0, 0], box[1, 0], box[2, 0]] if inside else 0.0
        for i in range(max(box[0, 0], 0), min(box[0, 1], ni - 1) + 1):
            for j in range(max(box[1, 0], 0), min(box[1, 1], nj - 1) + 1):
                for k in range(max(box[2, 0], 0), min(box[2, 1], nk - 1) + 1):
                    if source[m, i, j, k] != value:
                        return False
    return True


@kernel_with_scratch
def gather(corners: Any, source: Any, amount: Any, volume: Any) -> bool:
    """Integrate the source over each lattice voxel.

    Parameters
    ----------
    corners : (nx+1, ny+1, nz+1, 3) float64
        Lattice corners in source index space; NaN where the map is not defined.
    source : (m, i, j, k) float64
        Values, zero outside the grid.
    amount : (m, nx, ny, nz) float64, out
        Sum over source voxels of value times overlap volume, in source voxels.
    volume : (nx, ny, nz) float64, out
        Volume of the mapped lattice voxel, in source voxels; 0 where a corner is NaN.

    Returns
    -------
    bool
        False if a voxel needed more cuts than the stack holds.
    """
    channels, ni, nj, nk = source.shape
    stack = np.empty((STACK, 4, 3))
    box = np.empty((3, 2), dtype=np.int64)
    for x in range(volume.shape[0]):
        for y in range(volume.shape[1]):
            for z in range(volume.shape[2]):
                volume[x, y, z] = 0.0
                for m in range(channels):
                    amount[m, x, y, z] = 0.0
                if not bounding_box(corners, x, y, z, box):
                    continue
                uniform = is_uniform(source, box)
                for which in range(6):
                    load_tetrahedron(corners, x, y, z, which, stack)
                    whole = tetrahedron_volume(stack[0])
                    volume[x, y, z] += whole
                    if uniform:
                        continue
                    count = 1
                    while count > 0:
                        count = reduce_top(stack, count)
                        if count < 0:
                            return False
                        count -= 1
                        piece = stack[count]
                        i, j, k = voxel_of(piece)
                        if 0 <= i < ni and 0 <= j < nj and 0 <= k < nk:
                            part = tetrahedron_volume(piece)
                            for m in range(channels):
                                amount[m, x, y, z] += part * source[m, i, j, k]
                if uniform:
                    i, j, k = box[0, 0], box[1, 0], box[2, 0]
                    if 0 <= i < ni and 0 <= j < nj and 0 <= k < nk:
                        for m in range(channels):
                            amount[m, x, y, z] = volume[x, y, z] * source[m, i, j, k]
    return True


@kernel_with_scratch
def scatter(corners: Any, values: Any, amount: Any, covered: Any) -> bool:
    """Spread the lattice's values over the source grid: the transpose of `gather`.

    Parameters
    ----------
    corners : (nx+1, ny+1, nz+1, 3) float64
        Lattice corners in source index space; NaN where the map is not defined.
    values : (nx, ny, nz) float64
    amount : (i, j, k) float64, in and out
        Value times overlap volume, in source voxels, is added.
    covered : (i, j, k) float64, in and out
        Overlap volume, in source voxels, is added.

    Returns
    -------
    bool
        False if a voxel needed more cuts than the stack holds.
    """
    ni, nj, nk = amount.shape
    stack = np.empty((STACK, 4, 3))
    box = np.empty((3, 2), dtype=np.int64)
    for x in range(values.shape[0]):
        for y in range(values.shape[1]):
            for z in range(values.shape[2]):
                if not bounding_box(corners, x, y, z, box):
                    continue
                for which in range(6):
                    load_tetrahedron(corners, x, y, z, which, stack)
                    count = 1
                    while count > 0:
                        count = reduce_top(stack, count)
                        if count < 0:
                            return False
                        count -= 1
                        piece = stack[count]
                        i, j, k = voxel_of(piece)
                        if 0 <= i < ni and 0 <= j < nj and 0 <= k < nk:
                            part = tetrahedron_volume(piece)
                            amount[i, j, k] += part * values[x, y, z]
                            covered[i, j, k] += part
    return True
