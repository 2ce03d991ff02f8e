"""From the fine grid of a simulation to the voxels of an image, by averaging over volume.

Two ways, the choice follows from the grids:

* `Aligned`: voxel edges of both are parallel. Overlaps are exact, one matrix per axis.
* `Sampled`: oblique or bent. Every image voxel is divided into at least four parts per edge, more where the simulation
  is finer, and sampled at a random place in each: a regular lattice would beat against that of the simulation, and
  totals would be off by a per cent. Then the weights of the samples are balanced in turns (rows and columns, after
  Sinkhorn) towards every voxel of the image *and* every simulated voxel counting with its own volume.

Blur in the plane of a slice is a Gaussian; across slices the profile is the box of the voxel. Masks are not blurred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cordgraft.core.centreline import apply_affine, invert_affine
from cordgraft.core.problems import BadInput, Problem
from cordgraft_analysis.imaging.cord_placing import Placing, Shift
from cordgraft_analysis.imaging.overlap import FWHM_IN_SD, blur_matrix, overlap_matrix
from cordgraft_analysis.imaging.volume import Array, Floats

#: Fewest samples along the edge of an image voxel, and samples per edge of a simulated one.
FEWEST, PER_EDGE = 4, 1.5
#: Beyond so many samples of one image an edge has fewer, down to `FEWEST`; beyond the second number it is refused.
#: They take about 30 bytes each.
ENOUGH_SAMPLES, MOST_SAMPLES = 20_000_000, 60_000_000
#: Samples that are placed at once: bounds the memory of points.
POINTS_AT_ONCE = 400_000
#: Samples that a group of fine voxels has in the mean whose volume is kept.
IN_GROUP = 3.0
#: Turns in which the weights are balanced.
TURNS = 12
#: Voxels round the cord that are computed with it, so that its blur is not cut off.
MARGIN = 3

Axes = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Grid:
    """The voxels of an image: how many, and the affine from index to mm, whose axes grow right, anterior, superior."""

    shape: tuple[int, int, int]
    affine: Floats

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edges of a voxel, mm."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return float(x), float(y), float(z)

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel, mm3."""
        return abs(float(np.linalg.det(self.affine[:3, :3])))

    @property
    def centre_mm(self) -> tuple[float, float, float]:
        """Middle of the grid, mm."""
        x, y, z = apply_affine(self.affine, 0.5 * (np.array(self.shape, dtype=np.float64) - 1.0))
        return float(x), float(y), float(z)

    @property
    def slice_axis(self) -> int:
        """Axis across the slices: the coarsest one; left-right (sagittal slices) where all are alike within 1 %."""
        spacing = self.spacing_mm
        return 0 if max(spacing) <= 1.01 * spacing[0] else int(np.argmax(spacing))

    @property
    def is_upright(self) -> bool:
        """Whether the edges are parallel to the axes of the world."""
        turn = self.affine[:3, :3]
        return bool(
            (np.abs(turn - np.diag(np.diag(turn))).max(axis=0) <= 1e-6 * np.array(self.spacing_mm)).all()
            and (np.diag(turn) > 0.0).all()
        )

    def faces_mm(self, axis: int) -> Floats:
        """Return the faces along one axis of an upright grid : (n + 1,) mm."""
        step, first = self.affine[axis, axis], self.affine[axis, 3]
        return np.asarray(first + step * (np.arange(self.shape[axis] + 1) - 0.5))


class Resampler(Protocol):
    """Takes quantities per volume from the fine grid to the image."""

    def image(self, values: Array, blurred: bool) -> Floats:
        """Return the mean of `values` : (x, y, z) over every voxel of the image."""


def resampler(
    axes_mm: Axes, steps_mm: tuple[float, float, float], placing: Placing, grid: Grid, psf: float
) -> Resampler:
    """Return the way from a straight fine grid to the voxels of an image.

    Parameters
    ----------
    axes_mm : three (n,) float64
        Voxel centres of the fine grid, evenly spaced.
    steps_mm : three float
        Its voxel edges.
    placing : Placing
    grid : Grid
    psf : float
        Full width at half maximum of the blur in the plane of a slice, in voxels; 0 for none.

    Raises
    ------
    BadInput
        If the cord does not lie in the image, or the image would need too many samples.
    """
    if isinstance(placing, Shift) and grid.is_upright:
        return Aligned.of(axes_mm, steps_mm, placing, grid, psf)
    return Sampled.of(axes_mm, steps_mm, placing, grid, psf)


def _faces(centres: Floats, step: float) -> Floats:
    return np.append(centres - 0.5 * step, centres[-1] + 0.5 * step)


def nowhere(grid: Grid) -> BadInput:
    """Return the error for a cord that lies outside the image."""
    x, y, z = grid.centre_mm
    return BadInput(
        Problem(
            "the simulated cord does not lie in the image",
            key="--like",
            value=f"an image of {' x '.join(map(str, grid.shape))} voxels centred on {x:.4g}, {y:.4g}, {z:.4g} mm",
            allowed="an image that holds part of the cord; for a run that has no scan, --centre says where it goes",
        )
    )


@dataclass(frozen=True)
class Aligned:
    """Exact overlap on parallel edges: a matrix per axis, with and without blur."""

    sharp: tuple[Floats, Floats, Floats]
    blurred: tuple[Floats, Floats, Floats]

    @classmethod
    def of(
        cls, axes_mm: Axes, steps_mm: tuple[float, float, float], shift: Shift, grid: Grid, psf: float
    ) -> Aligned:
        """Return the matrices of two grids."""
        sharp, blurred = [], []
        for axis, (centres, step) in enumerate(zip(axes_mm, steps_mm, strict=True)):
            source, target = _faces(centres, step) + shift.offset_mm[axis], grid.faces_mm(axis)
            if source[-1] <= target[0] or source[0] >= target[-1]:
                raise nowhere(grid)
            sharp.append(overlap_matrix(source, target))
            across = axis == grid.slice_axis
            blurred.append(sharp[-1] if across else blur_matrix(source, target, psf))
        return cls((sharp[0], sharp[1], sharp[2]), (blurred[0], blurred[1], blurred[2]))

    def image(self, values: Array, blurred: bool) -> Floats:
        """Return the mean of `values` : (x, y, z) over every voxel of the image."""
        x, y, z = self.blurred if blurred else self.sharp
        # Along the cord first: that shrinks a fine grid most.
        part = np.tensordot(np.asarray(values, dtype=np.float64), z, axes=(2, 1))
        part = np.tensordot(y, part, axes=(1, 1))  # (Y, x, Z)
        return np.ascontiguousarray(np.tensordot(x, part, axes=(1, 1)))


@dataclass(frozen=True)
class Sampled:
    """Samples of image voxels with balanced weights.

    Parameters
    ----------
    shape : (3,) int
        Of the image.
    first, count : (3,) int
        The block of image voxels round the cord; the rest holds nothing.
    number : (3,) int
        Parts along the edges of a voxel; each has one sample.
    near : (count) bool
        Voxels of the block that are sampled; the others hold nothing either.
    source : (voxels, parts) int32
        Fine voxel of each sample; one past the last for none.
    weight : (voxels, parts) float32
        Mean 1 in every image voxel.
    sigma : (3,) float
        Standard deviation of the blur, in parts.
    """

    shape: tuple[int, int, int]
    first: tuple[int, int, int]
    count: tuple[int, int, int]
    number: tuple[int, int, int]
    near: Array
    source: Array
    weight: Array
    sigma: tuple[float, float, float]

    @classmethod
    def of(
        cls, axes_mm: Axes, steps_mm: tuple[float, float, float], placing: Placing, grid: Grid, psf: float
    ) -> Sampled:
        """Return the samples of two grids."""
        first, count = _block(axes_mm, steps_mm, placing, grid)
        near = _near(axes_mm, steps_mm, placing, grid, first, count)
        if not near.any():
            raise nowhere(grid)
        number = _parts(steps_mm, grid, int(np.count_nonzero(near)))
        shape = tuple(len(axis) for axis in axes_mm)
        low = np.array([axis[0] - 0.5 * step for axis, step in zip(axes_mm, steps_mm, strict=True)])
        voxels = np.argwhere(near) + np.array(first)
        corner = np.moveaxis(np.indices(number), 0, -1).reshape(-1, 3)
        source = np.full((len(voxels), len(corner)), int(np.prod(shape)), dtype=np.int32)
        # Part of the quadrature, not of the noise: always the same places.
        random = np.random.default_rng(0)
        at_once = max(1, POINTS_AT_ONCE // len(corner))
        for start in range(0, len(voxels), at_once):
            some = voxels[start : start + at_once, None, :]
            within = (corner + random.random((len(some), *corner.shape))) / np.array(number) - 0.5
            straight = placing.to_straight(apply_affine(grid.affine, (some + within).reshape(-1, 3)))
            place = np.floor((straight - low) / np.array(steps_mm))
            inside = ((place >= 0) & (place < np.array(shape))).all(axis=1)  # NaN is inside nowhere
            flat = source[start : start + at_once].reshape(-1)  # a view: the rows lie side by side
            flat[inside] = np.ravel_multi_index(tuple(place[inside].astype(np.int64).T), shape)
        volume = np.prod(steps_mm) * np.broadcast_to(placing.volume_ratio(*axes_mm), shape)
        whole = _whole(axes_mm, steps_mm, placing, grid, first, count)
        weight = _balanced(source, volume, whole, grid.voxel_mm3 / len(corner)).astype(np.float32)
        sigma = [psf * n / FWHM_IN_SD for n in number]
        sigma[grid.slice_axis] = 0.0
        return cls(grid.shape, first, count, number, near, source, weight, (sigma[0], sigma[1], sigma[2]))

    def image(self, values: Array, blurred: bool) -> Floats:
        """Return the mean of `values` : (x, y, z) over every voxel of the image."""
        known = np.append(np.asarray(values, dtype=np.float32).ravel(), np.float32(0.0))
        samples = known[self.source] * self.weight
        if blurred and any(self.sigma):
            block = self._blurred(samples)
        else:
            block = np.zeros(self.count)
            block[self.near] = samples.mean(axis=1, dtype=np.float64)
        result = np.zeros(self.shape)
        place = tuple(
            slice(first, first + count) for first, count in zip(self.first, self.count, strict=True)
        )
        result[place] = block
        return result

    def _blurred(self, samples: Array) -> Floats:
        """Return the block after the blur, which acts on parts of voxels laid out in space."""
        from scipy.ndimage import gaussian_filter

        apart = np.zeros((*self.count, *self.number), dtype=np.float32)
        apart[self.near] = samples.reshape(-1, *self.number)
        lattice = [n * k for n, k in zip(self.count, self.number, strict=True)]
        laid = apart.transpose(0, 3, 1, 4, 2, 5).reshape(lattice)
        laid = gaussian_filter(laid, self.sigma, mode="reflect", truncate=4.0)
        split = [size for pair in zip(self.count, self.number, strict=True) for size in pair]
        return np.asarray(laid.reshape(split).mean(axis=(1, 3, 5), dtype=np.float64))


def _block(
    axes_mm: Axes, steps_mm: tuple[float, float, float], placing: Placing, grid: Grid
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return first index and size of the block of image voxels that the fine grid reaches, with a margin."""
    # The outermost faces bound the rest; along the cord every layer counts, because it may bend.
    ends = [
        np.array([axis[0] - 0.5 * step, axis[-1] + 0.5 * step])
        for axis, step in zip(axes_mm, steps_mm, strict=True)
    ]
    points = placing.to_image(ends[0], ends[1], np.concatenate((ends[2], axes_mm[2]))).reshape(-1, 3)
    index = apply_affine(invert_affine(grid.affine), points)
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - MARGIN, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + MARGIN + 1, np.array(grid.shape))
    if (high <= low).any():
        raise nowhere(grid)
    size = high - low
    return (int(low[0]), int(low[1]), int(low[2])), (int(size[0]), int(size[1]), int(size[2]))


def _near(
    axes_mm: Axes,
    steps_mm: tuple[float, float, float],
    placing: Placing,
    grid: Grid,
    first: tuple[int, int, int],
    count: tuple[int, int, int],
) -> Array:
    """Return which image voxels of the block may touch the fine grid, judged by their centres : (x, y, z) bool."""
    index = np.moveaxis(np.indices(count), 0, -1).reshape(-1, 3) + np.array(first)
    straight = placing.to_straight(apply_affine(grid.affine, index.astype(np.float64)))
    # A bend stretches by less than two where it can be undone at all.
    reach = float(np.abs(grid.affine[:3, :3]).sum(axis=1).max())
    near = np.ones(len(index), dtype=bool)
    for axis, (centres, step) in enumerate(zip(axes_mm, steps_mm, strict=True)):
        low, high = float(centres[0]) - 0.5 * step - reach, float(centres[-1]) + 0.5 * step + reach
        near &= ~(
            (straight[:, axis] < low) | (straight[:, axis] > high)
        )  # NaN stays: a corner may have a place
    return near.reshape(count)


def _parts(steps_mm: tuple[float, float, float], grid: Grid, voxels: int) -> tuple[int, int, int]:
    """Return into how many parts an image voxel is divided along each edge, if so many `voxels` are sampled."""
    columns = np.abs(grid.affine[:3, :3])
    # How many fine voxels an edge passes, along the axis on which it passes most.
    passed = (columns / np.array(steps_mm)[:, None]).max(axis=0)
    number = np.maximum(np.ceil(PER_EDGE * passed), FEWEST).astype(int)
    if FEWEST**3 * voxels > MOST_SAMPLES:
        raise BadInput(
            Problem(
                "the image has too many voxels round the cord to be sampled",
                key="--like",
                value=f"{voxels} voxels",
                allowed=f"{MOST_SAMPLES // FEWEST**3} voxels; take a coarser or smaller image",
            )
        )
    while np.prod(number) * voxels > ENOUGH_SAMPLES and (number > FEWEST).any():
        number[int(np.argmax(number))] -= 1
    return int(number[0]), int(number[1]), int(number[2])


def _whole(
    axes_mm: Axes,
    steps_mm: tuple[float, float, float],
    placing: Placing,
    grid: Grid,
    first: tuple[int, int, int],
    count: tuple[int, int, int],
) -> Array:
    """Return which fine voxels lie wholly inside the block : (x, y, z) bool."""
    turn = np.abs(invert_affine(grid.affine)[:3, :3])
    reach = float(np.sqrt((np.array(steps_mm) ** 2).sum())) * turn.sum(axis=1)
    low = np.array(first) - 0.5 + reach
    high = np.array(first) + np.array(count) - 0.5 - reach
    inverse = invert_affine(grid.affine)
    result = np.empty([len(axis) for axis in axes_mm], dtype=bool)
    for layer in range(len(axes_mm[0])):
        places = placing.to_image(axes_mm[0][layer : layer + 1], axes_mm[1], axes_mm[2])[0]
        index = apply_affine(inverse, places)
        result[layer] = ((index >= low) & (index <= high)).all(axis=-1)
    return result


def _balanced(source: Array, volume: Floats, whole: Array, part_mm3: float) -> Floats:
    """Return weights with mean 1 in every image voxel, under which fine voxels count with their own volume.

    Parameters
    ----------
    source : (image voxels, parts) int
        Flat index of a fine voxel, or one past the last.
    volume : (x, y, z) float64, mm3
        Of the fine voxels in the space of the image.
    whole : (x, y, z) bool
        Fine voxels that no edge of the block cuts; the others count by their samples alone.
    part_mm3 : float
        Volume that a sample stands for.

    Notes
    -----
    Where samples are sparse, blocks of fine voxels take the place of single ones. With less than a few samples each,
    those that are hit would be cut to their own volume and nothing would stand for those that are not.
    """
    edge = max(1, int(np.ceil((IN_GROUP * part_mm3 / float(volume.mean())) ** (1.0 / 3.0) - 1e-9)))
    blocks = [np.arange(count) // edge for count in volume.shape]
    counts = tuple(int(block[-1]) + 1 for block in blocks)
    group = np.ravel_multi_index(np.ix_(*blocks), counts).ravel()
    wanted = np.bincount(group, volume.ravel())
    known = np.bincount(group, ~whole.ravel()) == 0.0
    member = np.append(group, len(wanted)).astype(np.int32)[source]
    weight = np.ones(source.shape)
    for _ in range(TURNS):
        sampled = part_mm3 * np.bincount(member.ravel(), weight.ravel(), minlength=len(wanted) + 1)
        factor = np.ones(len(wanted) + 1)
        held = known & (sampled[:-1] > 0.0)
        factor[:-1][held] = wanted[held] / sampled[:-1][held]
        weight *= factor[member]
        weight /= weight.mean(axis=1, keepdims=True)
    return weight


def images(way: Resampler, channels: Mapping[str, Array], blurred: bool) -> dict[str, Floats]:
    """Return every channel on the voxels of the image; a channel that is zero everywhere is not computed."""
    return {
        name: way.image(values, blurred)
        for name, values in channels.items()
        if bool(np.any(values)) or name == "frac_white"
    }
