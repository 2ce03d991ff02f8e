"""Which way the axes of a file run, in both languages of the field, and turning them without resampling.

The world of NIfTI is always RAS+ mm. nibabel says where an index *grows to*, the Spinal Cord Toolbox on which side
index 0 *lies*: nibabel's ``LAS`` is SCT's ``RPI``. A bare code of three letters is ambiguous, so both are printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from cordgraft_analysis.imaging.volume import Array, Floats, Volume

#: Letters of the positive and the negative direction of the three world axes.
POSITIVE, NEGATIVE = "RAS", "LPI"
_OPPOSITE = dict(zip(POSITIVE + NEGATIVE, NEGATIVE + POSITIVE, strict=True))


@dataclass(frozen=True)
class Turn:
    """How the axes of a file become right, anterior, superior.

    Parameters
    ----------
    order : (3,) of int
        ``order[w]`` is the axis of the file that becomes axis w.
    flips : (3,) of int
        -1 where that axis is then reversed, 1 where it is not.
    """

    order: tuple[int, int, int]
    flips: tuple[int, int, int]

    @property
    def axes(self) -> str:
        """Return where the indices of the file grow to, in the words of nibabel (``"LAS"``)."""
        letters = [""] * 3
        for world, (axis, flip) in enumerate(zip(self.order, self.flips, strict=True)):
            letters[axis] = POSITIVE[world] if flip > 0 else NEGATIVE[world]
        return "".join(letters)

    def index_matrix(self, shape: tuple[int, ...]) -> Floats:
        """Return the matrix from an index of the turned array to one of the file : (4, 4).

        `shape` is that of the turned array.
        """
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1.0
        for world, (axis, flip) in enumerate(zip(self.order, self.flips, strict=True)):
            matrix[axis, world] = flip
            matrix[axis, 3] = 0.0 if flip > 0 else shape[world] - 1.0
        return matrix


def sct_word(axes: str) -> str:
    """Return SCT's word for an orientation in nibabel's words, or the other way round."""
    return "".join(_OPPOSITE[letter] for letter in axes)


def both_words(axes: str) -> str:
    """Return an orientation in both languages: ``"LAS (nibabel) = RPI (SCT)"``."""
    return f"{axes} (nibabel) = {sct_word(axes)} (SCT)"


def orientation_words() -> tuple[str, ...]:
    """Return the 48 orientations in nibabel's words."""
    pairs = list(zip(POSITIVE, NEGATIVE, strict=True))
    words = ("".join(letters) for order in permutations(pairs) for letters in product(*order))
    return tuple(sorted(words))


def directions_of(axes: str) -> Floats:
    """Return the directions of the three axes as columns : (3, 3), for an orientation in nibabel's words."""
    matrix = np.zeros((3, 3))
    for column, letter in enumerate(axes):
        positive = letter in POSITIVE
        world = (POSITIVE if positive else NEGATIVE).index(letter)
        matrix[world, column] = 1.0 if positive else -1.0
    return matrix


def turn_of(affine: Floats) -> Turn:
    """Return the flips and permutation that bring a grid nearest to right, anterior, superior.

    Each axis of the file goes to another world axis, so that the sum of the cosines is largest; of equals the first
    in the order of permutations is taken.
    """
    columns = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    best = max(permutations(range(3)), key=lambda order: sum(abs(columns[w, order[w]]) for w in range(3)))
    flips = tuple(1 if columns[world, axis] >= 0.0 else -1 for world, axis in enumerate(best))
    return Turn((best[0], best[1], best[2]), (flips[0], flips[1], flips[2]))


def obliquity_deg(affine: Floats) -> float:
    """Return the largest angle between a voxel axis and the world axis that it stands for, degrees."""
    columns = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    turn = turn_of(affine)
    cosines = [min(1.0, abs(float(columns[world, axis]))) for world, axis in enumerate(turn.order)]
    return float(np.rad2deg(np.arccos(min(cosines))))


def canonical(data: Array, affine: Floats) -> tuple[Array, Floats, Turn]:
    """Turn an array to right, anterior, superior by flips and a permutation; nothing is resampled.

    Parameters
    ----------
    data : (i, j, k) array
        As stored.
    affine : (4, 4) float64
        Its voxel index to scanner mm.

    Returns
    -------
    data : (x, y, z) array
        A view.
    affine : (4, 4) float64
        Of the turned array.
    turn : Turn
    """
    turn = turn_of(affine)
    turned = data.transpose(turn.order)[tuple(slice(None, None, flip) for flip in turn.flips)]
    return turned, affine @ turn.index_matrix(turned.shape), turn


def on_file_grid(data: Array, volume: Volume) -> tuple[Array, Floats]:
    """Turn an array on the grid of a volume back to the axes of the file that the volume came from.

    Parameters
    ----------
    data : (x, y, z) array
        With the shape of ``volume.data``.
    volume : Volume

    Returns
    -------
    data : (i, j, k) array
    affine : (4, 4) float64
        The one of the file, in mm.
    """
    if data.shape != volume.data.shape:
        raise ValueError(f"the array has shape {data.shape}, the volume {volume.data.shape}")
    turn = Turn(volume.order, volume.flips)
    back = data[tuple(slice(None, None, flip) for flip in turn.flips)].transpose(np.argsort(turn.order))
    # the index matrix is a signed permutation with a shift: its inverse is exact
    return back, volume.affine @ np.linalg.inv(turn.index_matrix(data.shape))
