"""What a field moves through: one diffusion problem on one box lattice, as finite volumes.

    V dc/dt = sum over the faces of G (c_neighbour - c) - (V k + E) c + E c_outside + V S

`V` is the share of a voxel that lies in the cord (0 outside, 1 inside; in between on a coarser lattice), `G` the
exchange with the next voxel (1/time) and `E` the exchange with what lies round the cord. On a face between two
media the fluxes from both sides are equal: ``G = 2 D1 D2/((D1 + D2) h^2)``, the harmonic mean, which is exact for
a steady flux through layers. Towards the outside half a voxel and the membrane lie in series,
``E = 1/(h (1/P + h/(2 D)))`` per face, with permeability `P`; a fixed value is ``P`` without end.

A coarser lattice is made by adding up: volumes, exchange through the faces (over twice the distance), losses.
So mass means the same on every lattice, and a cord whose edge cuts a coarse voxel keeps its volume.

Any unit of time will do, as long as diffusivity, decay, permeability, sources and steps share it. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: One number per axis.
Triple = tuple[float, float, float]
#: Whole numbers per axis: how many voxels become one.
Factors = tuple[int, int, int]


@dataclass(frozen=True)
class Edge:
    """What happens at the edge of the cord; made by `closed`, `fixed` or `exchange`.

    `permeability` : um per unit of time (0 closed, infinite for a fixed value); `value` : unit of the field.
    """

    permeability: float = 0.0
    value: float = 0.0

    def __post_init__(self) -> None:
        if not self.permeability >= 0.0 or not np.isfinite(self.value):
            raise ValueError(
                "an edge needs a permeability of 0 or more and a finite value, "
                f"not {self.permeability} and {self.value}"
            )

    @classmethod
    def closed(cls) -> Edge:
        """Return the edge through which nothing passes."""
        return cls()

    @classmethod
    def fixed(cls, value: float) -> Edge:
        """Return the edge that is held at `value`."""
        return cls(np.inf, value)

    @classmethod
    def exchange(cls, permeability: float, value: float = 0.0) -> Edge:
        """Return the edge of a Robin condition: flux out = permeability x (field - value)."""
        return cls(permeability, value)

    @property
    def is_closed(self) -> bool:
        """Whether nothing passes."""
        return self.permeability == 0.0


@dataclass(frozen=True)
class Medium:
    """One diffusion problem on one lattice.

    Parameters
    ----------
    spacing_um : (dx, dy, dz)
    volume : (nx, ny, nz) float64
        Share of the voxel inside the cord, 0-1.
    gx, gy, gz : (nx, ny, nz) float64
        Exchange with the next voxel of the axis, 1/time; zero in the last layer and along a flat axis.
    loss : (nx, ny, nz) float64
        ``V k + E``, 1/time.
    inflow : (nx, ny, nz) float64 or None
        ``E c_outside``, unit of the field per time; None where the edge is closed or the outside is at zero.
    uniform : (rates, decay) or None
        ``D/h^2`` per axis and ``k`` if the edge is closed and no coefficient varies inside the cord.
    coarse : bool
        Whether voxels may be cut by the edge of the cord.
    """

    spacing_um: Triple
    volume: Array
    gx: Array
    gy: Array
    gz: Array
    loss: Array
    inflow: Array | None
    uniform: tuple[Triple, float] | None
    coarse: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels per axis."""
        nx, ny, nz = self.volume.shape
        return nx, ny, nz

    @property
    def faces(self) -> tuple[Array, Array, Array]:
        """``gx, gy, gz``."""
        return self.gx, self.gy, self.gz

    @property
    def fills_the_box(self) -> bool:
        """Whether every voxel lies wholly inside the cord."""
        return bool((self.volume == 1.0).all())

    def outflow(self) -> Array:
        """Return the sum of the exchange through all faces of each voxel : (nx, ny, nz), 1/time."""
        total = np.zeros(self.shape)
        for axis, g in enumerate(self.faces):
            if self.shape[axis] > 1:
                total += g
                _after(total, axis)[...] += _before(g, axis)
        return total

    def mass(self, field: Array) -> float:
        """Return the sum of volume x value (unit of the field x voxels); the same order of adding at all times."""
        return float(np.sum(self.volume * field))


def _before(array: Array, axis: int) -> Array:
    """Return the view of all layers but the last along an axis."""
    where: list[slice] = [slice(None)] * 3
    where[axis] = slice(None, -1)
    return array[tuple(where)]


def _after(array: Array, axis: int) -> Array:
    """Return the view of all layers but the first along an axis."""
    where: list[slice] = [slice(None)] * 3
    where[axis] = slice(1, None)
    return array[tuple(where)]


def _layer(array: Array, axis: int, index: int) -> Array:
    where: list[Any] = [slice(None)] * 3
    where[axis] = index
    return array[tuple(where)]


def face_exchange(diffusivity: float | Array, inside: Array, axis: int, spacing_um: float) -> Array:
    """Return ``D/h^2`` of the faces towards the next voxel : (nx, ny, nz); zero at the edge of the cord.

    Parameters
    ----------
    diffusivity : float or (nx, ny, nz)
        um2/time along this axis.
    inside : (nx, ny, nz) bool
    axis : int
    spacing_um : float
    """
    g = np.zeros(inside.shape)
    if inside.shape[axis] == 1:
        return g
    open_face = _before(inside, axis) & _after(inside, axis)
    if isinstance(diffusivity, np.ndarray):
        here, there = _before(diffusivity, axis), _after(diffusivity, axis)
        both = here + there
        mean = np.divide(2.0 * here * there, both, out=np.zeros(both.shape), where=both > 0.0)
    else:
        mean = np.float64(diffusivity)
    _before(g, axis)[...] = np.where(open_face, mean / spacing_um**2, 0.0)
    return g


def edge_exchange(inside: Array, spacing_um: Triple, diffusivity: Any, edge: Edge, walls: str = "") -> Array:
    """Return ``E``, the exchange of every voxel with the outside through its open faces : (nx, ny, nz), 1/time.

    Parameters
    ----------
    inside : (nx, ny, nz) bool
    spacing_um : (dx, dy, dz)
    diffusivity : three floats or (nx, ny, nz) arrays
    edge : Edge
    walls : str
        Axes whose box walls are edge as well; the other walls are closed (a cord goes on beyond its lattice).
    """
    total = np.zeros(inside.shape)
    if edge.is_closed:
        return total
    for axis, name in enumerate("xyz"):
        if inside.shape[axis] == 1 and name not in walls:
            continue
        h = spacing_um[axis]
        faces = np.zeros(inside.shape)
        here, there = _before(inside, axis), _after(inside, axis)
        _before(faces, axis)[...] += here & ~there
        _after(faces, axis)[...] += there & ~here
        if name in walls:
            for index in (0, -1):
                _layer(faces, axis, index)[...] += _layer(inside, axis, index)
        d = np.broadcast_to(np.asarray(diffusivity[axis], dtype=np.float64), inside.shape)
        resistance = np.full(inside.shape, 0.0 if np.isinf(edge.permeability) else 1.0 / edge.permeability)
        resistance += np.divide(0.5 * h, d, out=np.full(inside.shape, np.inf), where=d > 0.0)
        total += faces / (h * resistance)
    return total


def _refuse_geometry(inside: Array, spacing_um: Triple, walls: str) -> None:
    """Raise `ValueError` for a lattice on which no problem can be posed."""
    if inside.ndim != 3 or not inside.size:
        raise ValueError(f"a cord has voxels along three axes, not the shape {inside.shape}")
    if len(spacing_um) != 3:
        raise ValueError(f"a voxel has three edges, not {len(spacing_um)}")
    for axis, edge in zip("xyz", spacing_um, strict=True):
        if not np.isfinite(edge) or not edge > 0.0:
            raise ValueError(f"the spacing along {axis} is {edge} um; it has to be positive and finite")
    unknown = [letter for letter in walls if letter not in "xyz"]
    if unknown:
        raise ValueError(f"walls are named by their axes x, y and z, not by '{unknown[0]}' (in '{walls}')")


def _refuse_coefficient(what: str, value: Any, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` for a coefficient that is no number or array of numbers of 0 or more for this lattice."""
    array = np.asarray(value)
    if array.ndim and array.shape != shape:
        raise ValueError(f"the {what} has the shape {array.shape}, the cord {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"the {what} is not finite everywhere")
    if (array < 0.0).any():
        raise ValueError(f"the {what} is negative: {float(array.min())}")


def make_medium(
    cord: Array,
    spacing_um: Triple,
    diffusivity: Any,
    decay: float | Array = 0.0,
    edge: Edge | None = None,
    walls: str = "",
) -> Medium:
    """Return the problem on a lattice whose voxels lie inside the cord or outside.

    Parameters
    ----------
    cord : (nx, ny, nz)
        Non-zero inside.
    spacing_um : (dx, dy, dz)
    diffusivity : float, (nx, ny, nz) array, or a tuple of three of these for x, y and z
        um2/time.
    decay : float or (nx, ny, nz)
        1/time.
    edge : Edge, optional
        At the edge of the mask, and at the box walls of the axes named in `walls`; closed by default.
    walls : str
        For example ``"y"`` or ``"xyz"``; box walls that are not named are closed.

    Raises
    ------
    ValueError
        For a lattice that is not three-dimensional, a spacing that is not positive, a coefficient that is negative,
        not finite or of another shape than the cord, or a wall that is no axis; the sentence says which.
    """
    inside = np.ascontiguousarray(np.asarray(cord) != 0)
    one = isinstance(diffusivity, np.ndarray) or np.isscalar(diffusivity)
    along = (diffusivity,) * 3 if one else tuple(diffusivity)
    _refuse_geometry(inside, spacing_um, walls)
    if len(along) != 3:
        raise ValueError(f"a diffusivity is needed for x, y and z, or one for all of them, not {len(along)}")
    for axis, value in zip("xyz", along, strict=True):
        _refuse_coefficient("diffusivity" if one else f"diffusivity along {axis}", value, inside.shape)
    _refuse_coefficient("decay", decay, inside.shape)
    edge = edge or Edge.closed()
    gx, gy, gz = (face_exchange(along[axis], inside, axis, spacing_um[axis]) for axis in range(3))
    volume = inside.astype(np.float64)
    outside = edge_exchange(inside, spacing_um, along, edge, walls) * volume
    plain = all(np.ndim(value) == 0 for value in (*along, decay))
    uniform = None
    if plain and edge.is_closed:
        rates = tuple(
            float(d) / h**2 if n > 1 else 0.0 for d, h, n in zip(along, spacing_um, inside.shape, strict=True)
        )
        uniform = ((rates[0], rates[1], rates[2]), float(decay))
    inflow = None if edge.is_closed or edge.value == 0.0 else outside * edge.value
    return Medium(spacing_um, volume, gx, gy, gz, volume * decay + outside, inflow, uniform)


def block_sum(array: Array, factors: Factors) -> Array:
    """Return the sum over blocks of voxels : (ceil(nx/fx), ceil(ny/fy), ceil(nz/fz)); what is missing counts 0."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            starts = np.arange(0, array.shape[axis], factor)
            array = np.add.reduceat(array, starts, axis=axis)
    return array


def coarsen(medium: Medium, factors: Factors) -> Medium:
    """Return the same problem on a lattice whose voxels are blocks of the old ones.

    Parameters
    ----------
    medium : Medium
    factors : (fx, fy, fz)
        Voxels per block along each axis; 1 along a flat one.
    """
    if factors == (1, 1, 1):
        return medium
    share = 1.0 / (factors[0] * factors[1] * factors[2])
    faces = []
    for axis, g in enumerate(medium.faces):
        factor = factors[axis]
        if medium.shape[axis] > factor:
            # only the faces between two blocks count, over the distance between the centres of the blocks
            where: list[slice] = [slice(None)] * 3
            where[axis] = slice(factor - 1, None, factor)
            others = tuple(1 if n == axis else f for n, f in enumerate(factors))
            crossing = block_sum(g[tuple(where)], (others[0], others[1], others[2])) * (share / factor)
        else:
            crossing = np.zeros((0, 0, 0))
        faces.append(crossing)
    volume = block_sum(medium.volume, factors) * share
    gx, gy, gz = (_padded(g, volume.shape) for g in faces)
    inflow = None if medium.inflow is None else block_sum(medium.inflow, factors) * share
    uniform = medium.uniform
    if uniform is not None:
        even = medium.fills_the_box and all(n % f == 0 for n, f in zip(medium.shape, factors, strict=True))
        rates = tuple(rate / factor**2 for rate, factor in zip(uniform[0], factors, strict=True))
        uniform = ((rates[0], rates[1], rates[2]), uniform[1]) if even else None
    spacing = tuple(h * f for h, f in zip(medium.spacing_um, factors, strict=True))
    return Medium(
        (spacing[0], spacing[1], spacing[2]),
        volume,
        gx,
        gy,
        gz,
        block_sum(medium.loss, factors) * share,
        inflow,
        uniform,
        coarse=True,
    )


def _padded(array: Array, shape: tuple[int, ...]) -> Array:
    """Return an array of `shape` that begins with `array` and is zero beyond it (a block cut by the wall)."""
    if array.shape == shape:
        return np.ascontiguousarray(array)
    whole = np.zeros(shape)
    whole[tuple(slice(0, n) for n in array.shape)] = array
    return whole


def with_loss(medium: Medium, loss: Array) -> Medium:
    """Return the medium with another loss per voxel : (nx, ny, nz), 1/time."""
    return replace(medium, loss=loss, uniform=None)


def scaled(medium: Medium, diffusivity: float, decay: float) -> Medium:
    """Return a closed medium that was made for diffusivity 1 and decay 0, at other coefficients.

    All fields move through the same tissue; only the factor differs.

    Raises
    ------
    ValueError
        For a coefficient that is negative or not finite.
    """
    for what, value in (("diffusivity", diffusivity), ("decay", decay)):
        _refuse_coefficient(what, value, medium.shape)
    uniform = medium.uniform
    if uniform is not None:
        rates = uniform[0]
        uniform = ((rates[0] * diffusivity, rates[1] * diffusivity, rates[2] * diffusivity), decay)
    gx, gy, gz = (g * diffusivity for g in medium.faces)
    return replace(medium, gx=gx, gy=gy, gz=gz, loss=medium.volume * decay, uniform=uniform)
