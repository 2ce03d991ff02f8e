"""Made masks with known measures: an ellipsoid lesion in an elliptic cord, straight or tilted, on any grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Phantom:
    """An ellipsoid in an elliptic cylinder; half axes and offsets in mm, tilts in degrees.

    The offset of the lesion is towards the right and towards anterior (ventral in people).
    """

    cord_rl: float = 6.0
    cord_ap: float = 4.0
    lesion_rl: float = 3.0
    lesion_ap: float = 2.0
    lesion_along: float = 9.0
    right: float = 0.0
    anterior: float = 0.0
    tilt_forward: float = 0.0
    tilt_right: float = 0.0

    @property
    def frame(self) -> tuple[Floats, Floats, Floats]:
        """Right, anterior and along, unit vectors."""
        forward, right = np.tan(np.deg2rad([self.tilt_forward, self.tilt_right]))
        along = np.array([right, forward, 1.0])
        along /= np.linalg.norm(along)
        anterior = np.array([0.0, 1.0, 0.0]) - along[1] * along
        anterior /= np.linalg.norm(anterior)
        return np.cross(anterior, along), anterior, along

    @property
    def volume(self) -> float:
        return 4.0 / 3.0 * np.pi * self.lesion_rl * self.lesion_ap * self.lesion_along

    @property
    def dorsal_bridge(self) -> float:
        return self.cord_ap - self.lesion_ap + self.anterior

    @property
    def ventral_bridge(self) -> float:
        return self.cord_ap - self.lesion_ap - self.anterior

    @property
    def midsagittal_area(self) -> float:
        return np.pi * self.lesion_ap * self.lesion_along

    @property
    def damage_ratio(self) -> float:
        return self.lesion_rl * self.lesion_ap / (self.cord_rl * self.cord_ap)

    def grid(self, spacing: tuple[float, float, float], shift: float = 0.0) -> tuple[tuple[int, ...], Floats]:
        """Shape and affine of a grid that holds the phantom, its middle off a voxel by `shift` voxels."""
        step = np.asarray(spacing)
        half_z = self.lesion_along + 8.0
        lean = half_z * np.abs(np.tan(np.deg2rad([self.tilt_right, self.tilt_forward])))
        half = np.array([self.cord_rl + lean[0] + 3.0, 1.1 * self.cord_ap + lean[1] + 3.0, half_z])
        count = np.ceil(half / step).astype(int)
        affine = np.diag([*step, 1.0])
        affine[:3, 3] = -(count + shift) * step
        return tuple(int(n) for n in 2 * count + 1), affine

    @cache  # noqa: B019 - tests of one session ask for the same few phantoms again and again
    def shares(
        self, spacing: tuple[float, float, float], fine: int = 6, shift: float = 0.0
    ) -> tuple[Floats, Floats, Floats]:
        """Lesion and cord as shares of the voxels, and the affine; every voxel is sampled ``fine**3`` times or more."""
        shape, affine = self.grid(spacing, shift)
        right, anterior, along = self.frame
        lesion, cord = np.zeros(shape), np.zeros(shape)
        parts = [max(fine, round(fine * step / min(spacing))) for step in spacing]
        inner = [(np.arange(n) + 0.5) / n - 0.5 for n in parts]
        axes = [
            affine[a, 3] + spacing[a] * (np.arange(shape[a])[:, None] + inner[a]).ravel() for a in range(3)
        ]
        for k in range(shape[2]):  # slice by slice: the fine grid of a whole volume would not fit
            z = axes[2][k * parts[2] : (k + 1) * parts[2]]
            x, y = axes[0][:, None, None], axes[1][None, :, None]
            u = x * right[0] + y * right[1] + z * right[2]
            v = x * anterior[0] + y * anterior[1] + z * anterior[2]
            w = x * along[0] + y * along[1] + z * along[2]
            in_cord = (u / self.cord_rl) ** 2 + (v / self.cord_ap) ** 2 <= 1.0
            in_lesion = (
                ((u - self.right) / self.lesion_rl) ** 2
                + ((v - self.anterior) / self.lesion_ap) ** 2
                + (w / self.lesion_along) ** 2
            ) <= 1.0
            for target, inside in ((cord, in_cord), (lesion, in_lesion & in_cord)):
                blocks = inside.reshape(shape[0], parts[0], shape[1], parts[1], parts[2])
                target[:, :, k] = blocks.mean(axis=(1, 3, 4))
        for array in (lesion, cord, affine):
            array.setflags(write=False)
        return lesion, cord, affine
