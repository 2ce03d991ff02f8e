"""Transfers between the dry tissue fractions, block of voxels by block of voxels.

In most voxels nothing is asked for in most hours, and a lattice of them is larger than the caches. So each request is
read once: a block in which it is zero costs a comparison, and only blocks of which something was asked are worked on,
request by request in short rows that stay in the nearest cache and can be vectorised.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordgraft.kernels.compile import kernel, run_blocks

Array = NDArray[Any]

#: Voxels that are worked on in one go, and how many are handed to a thread.
BLOCK_VOXELS = 128
CHUNK_VOXELS = 16384


@kernel
def transfer_all(start: Any, stop: Any, fractions: Any, asked: Any, links: Any, scratch: Any) -> None:
    """Grant what was asked in the voxels ``start .. stop``, and clear it.

    Parameters
    ----------
    fractions : tuple of (voxels,) float64
    asked : (transfers, voxels) float64
        Fraction per step.
    links : (2, transfers) int64
        Which fraction each transfer comes from and goes to.
    scratch : tuple of (chunks, transfers) bool, (chunks, BLOCK_VOXELS) bool, 3 x (chunks, fractions, BLOCK_VOXELS)
        A chunk for each call: what is asked, where, the fractions, what flows out and the share of it that is granted.
    """
    chunk = start // CHUNK_VOXELS
    used, touched, after = scratch[0][chunk], scratch[1][chunk], scratch[2][chunk]
    outflow, granted = scratch[3][chunk], scratch[4][chunk]
    kinds = len(fractions)
    for first in range(start, stop, BLOCK_VOXELS):
        n = min(BLOCK_VOXELS, stop - first)
        anything = False
        for k in range(asked.shape[0]):
            amount = asked[k, first : first + n]
            found = False
            for i in range(n):
                found |= amount[i] != 0.0
            used[k] = found
            anything |= found
        if not anything:
            continue
        for i in range(n):
            touched[i] = False
        for f in range(kinds):
            part, row, out = fractions[f][first : first + n], after[f], outflow[f]
            for i in range(n):
                row[i] = part[i]
                out[i] = 0.0
        for k in range(asked.shape[0]):
            if used[k]:
                amount, out = asked[k, first : first + n], outflow[links[0, k]]
                for i in range(n):
                    touched[i] |= amount[i] > 0.0
                    out[i] += 0.0 if amount[i] < 0.0 else amount[i]
        for f in range(kinds):
            drawn = False
            for k in range(asked.shape[0]):
                drawn |= used[k] and links[0, k] == f
            if drawn:
                row, out, share = after[f], outflow[f], granted[f]
                for i in range(n):
                    enough = row[i] / (out[i] if out[i] > 0.0 else 1.0)
                    share[i] = 1.0 if enough > 1.0 else enough
        for k in range(asked.shape[0]):
            if used[k]:
                amount, share = asked[k, first : first + n], granted[links[0, k]]
                source, target = after[links[0, k]], after[links[1, k]]
                for i in range(n):
                    moved = (0.0 if amount[i] < 0.0 else amount[i]) * share[i]
                    source[i] -= moved
                    target[i] += moved
                    amount[i] = 0.0
        total = outflow[0]
        for i in range(n):
            total[i] = 0.0
        for f in range(kinds):
            row = after[f]
            for i in range(n):
                row[i] = 0.0 if row[i] < 0.0 else row[i]
                total[i] += row[i]
        for f in range(kinds):
            part, row = fractions[f][first : first + n], after[f]
            for i in range(n):
                row[i] /= total[i]
            for i in range(n):
                part[i] = row[i] if touched[i] else part[i]


def apply_transfers(fractions: tuple[Array, ...], asked: Array, links: Array) -> None:
    """Grant and clear all requests; fractions : (voxels,) each, asked : (transfers, voxels), links : (2, transfers)."""
    voxels = asked.shape[1]
    chunks = -(-voxels // CHUNK_VOXELS)
    rows = (chunks, len(fractions), BLOCK_VOXELS)
    scratch = (
        np.empty((chunks, asked.shape[0]), dtype=bool),
        np.empty((chunks, BLOCK_VOXELS), dtype=bool),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows),
    )
    run_blocks(transfer_all, voxels, fractions, asked, links, scratch, block=CHUNK_VOXELS)
