"""A straight simulated cord turned about its own axis, so that its back lies where that of a scan does.

A run has its back at -y (posterior), as a person in the scanner. A rodent lies either way, and its header is filled in
either way, so for its scan the side has to be stated. The cord is turned and never mirrored: what is right in the
animal changes sides with its back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cordgraft.core.problems import BadInput
from cordgraft_analysis.imaging.species import DIRECTIONS, RODENTS, check_words, unstated_dorsal

if TYPE_CHECKING:
    import xarray

#: Where the back of a simulated cord lies.
OWN_DORSAL = "-y"
#: Quarter turns about the superior axis, from right towards anterior, that bring the back from -y to a direction.
QUARTERS: dict[tuple[int, int], int] = {(1, -1): 0, (0, 1): 1, (1, 1): 2, (0, -1): 3}
_WORDS = {(1, -1): "-y", (1, 1): "+y", (0, 1): "+x", (0, -1): "-x"}


def dorsal_of_scan(species: str, asked: str | None, like: bool) -> str:
    """Return the dorsal side of the image that is to be made: ``-y``, ``+y``, ``-x`` or ``+x``.

    Parameters
    ----------
    species : str
        Of the run.
    asked : str, optional
        The user's word, or that of the file that is taken as a pattern.
    like : bool
        Whether the image has the grid of a file. One made to measure is ours, and so is its back: ``-y``.

    Raises
    ------
    BadInput
        If the word is no direction, or the image is like the scan of a rodent and nobody says where its back lies.
    """
    check_words(None, asked)
    if asked is None and like and species in RODENTS:
        raise BadInput(unstated_dorsal(species, "").problem())
    return OWN_DORSAL if asked is None else _WORDS[DIRECTIONS[asked.lower()]]


def turned(data: xarray.Dataset, dorsal: str) -> xarray.Dataset:
    """Return fractions with the back at another side.

    Parameters
    ----------
    data : xarray.Dataset
        From `fractions.fractions_of`: dims ``(time, x, y, z)``, the back at -y, mm.
    dorsal : str
        As `dorsal_of_scan` returns it.

    Returns
    -------
    xarray.Dataset
        It keeps the contract: axes grow, and the affine agrees with them.
    """
    quarters = QUARTERS[DIRECTIONS[dorsal]]
    for _ in range(quarters):
        data = _quarter(data)
    return data


def _quarter(data: xarray.Dataset) -> xarray.Dataset:
    """Return the data after a quarter turn: what was at (x, y) is at (-y, x)."""
    x, y = (np.asarray(data[name].values, dtype=np.float64) for name in ("x", "y"))
    ways = {name: dict(data[name].attrs) for name in ("x", "y")}
    dims = tuple(name for name in ("time", "x", "y", "z") if name in data.dims)
    swapped = data.isel(y=slice(None, None, -1)).rename({"x": "y", "y": "x"})
    swapped = swapped.assign_coords(x=("x", -y[::-1], ways["x"]), y=("y", x, ways["y"]))
    affine = np.asarray(data.attrs["affine"], dtype=np.float64).reshape(4, 4).copy()
    affine[0, 0], affine[1, 1] = affine[1, 1], affine[0, 0]
    affine[0, 3], affine[1, 3] = -y[-1], x[0]
    return swapped.transpose(*dims, ...).assign_attrs(affine=[float(value) for value in affine.ravel()])


def words_of(dorsal: str) -> str:
    """Return a clause for the sidecar: where the back lies, and what was turned for it."""
    degrees = (0, 90, 180, -90)[QUARTERS[DIRECTIONS[dorsal]]]
    side = {"-y": "posterior", "+y": "anterior", "+x": "right", "-x": "left"}[dorsal]
    turn = "" if degrees == 0 else f", the cord turned by {degrees} degrees about its axis and not mirrored"
    return f"dorsal is {dorsal}, {side} in the header{turn}"
