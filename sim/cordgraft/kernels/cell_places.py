"""Turnover of grafted cells: who dies, who gets a place, and the ids of daughters."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordgraft.core.streams import Stream
from cordgraft.kernels.cell import Draw, probability
from cordgraft.kernels.compile import body, kernel, run_blocks
from cordgraft.kernels.random import child_id, uniform, words

_SURVIVAL = int(Stream.SURVIVAL)
_CROWDING = int(Stream.CROWDING)
#: Step of the sibling number after a collision of ids, larger than any number of daughters in one tick.
FURTHER = 1 << 16


@kernel
def death_loop(start: Any, stop: Any, identity: Any, hazard: Any, draw: Any, dead: Any) -> None:
    """Write which rows ``start .. stop`` die of the hazard that was deposited since the last turnover."""
    for i in range(start, stop):
        dead[i] = uniform(draw.seed, identity[i], draw.tick, _SURVIVAL, 0) < probability(hazard[i])


@kernel
def hash_loop(start: Any, stop: Any, identity: Any, birth: Any, draw: Any, out: Any) -> None:
    """Write one 64-bit hash per claim; a cell's claims for its daughters differ from that for itself."""
    for i in range(start, stop):
        high, low, _, _ = words(draw.seed, identity[i], draw.tick, _CROWDING, np.int64(birth[i]))
        out[i] = (high << np.uint64(32)) | low


@kernel
def child_loop(start: Any, stop: Any, parent: Any, sibling: Any, tick: Any, out: Any) -> None:
    """Write the ids of daughters for rows ``start .. stop``."""
    for i in range(start, stop):
        out[i] = child_id(parent[i], tick, sibling[i])


class Claims(NamedTuple):
    """Claims on places, (n,) each: voxel, hash, id of who claims, and number of the daughter."""

    target: Any
    hashed: Any
    identity: Any
    birth: Any


@body
def before(a: Any, b: Any, claims: Any) -> Any:
    """Whether claim `a` comes before claim `b` in the order of (hash, id, birth)."""
    if claims.hashed[a] != claims.hashed[b]:
        return claims.hashed[a] < claims.hashed[b]
    if claims.identity[a] != claims.identity[b]:
        return claims.identity[a] < claims.identity[b]
    return claims.birth[a] < claims.birth[b]


@kernel
def fill_buckets(target: Any, slot: Any, order: Any) -> None:
    """Write the claims grouped by voxel into `order` : (n,); `slot` (voxel,), where each group begins, is used up."""
    for i in range(target.shape[0]):
        voxel = target[i]
        order[slot[voxel]] = i
        slot[voxel] += 1


@kernel
def rank_loop(claims: Any, ends: Any, vacant: Any, order: Any, won: Any) -> None:
    """Write which claims win; `ends`, `vacant` (groups,): end of each group in `order` (n,), and its free places.

    A group is put into order by Shell's method, which for the few claims that mostly meet is insertion.
    """
    start = 0
    for group in range(ends.shape[0]):
        stop = ends[group]
        gap = max(1, (stop - start) // 2)
        while gap > 0:
            for i in range(start + gap, stop):
                one = order[i]
                j = i
                while j - gap >= start and before(one, order[j - gap], claims):
                    order[j] = order[j - gap]
                    j -= gap
                order[j] = one
            gap //= 2
        for i in range(start, min(stop, start + max(0, vacant[group]))):
            won[order[i]] = True
        start = stop


def children(
    parent: NDArray[np.uint64], sibling: NDArray[np.int64], tick: int, living: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Return the ids of daughters : (n,), checked against each other and against all living cells.

    Parameters
    ----------
    parent : (n,) uint64
    sibling : (n,) int64
        Which daughter of this parent in this tick, from 1.
    tick : int
    living : (m,) uint64

    An id that is taken already (about 1e-7 in a run with a million cells) is drawn again with a sibling number
    beyond all others; of two daughters that collide, the one of the parent with the smaller id keeps it.
    """
    ids = np.zeros(parent.shape[0], dtype=np.uint64)
    run_blocks(child_loop, parent.shape[0], parent, sibling, tick, ids)
    everyone = np.sort(np.concatenate((living, ids)))
    if np.any(everyone[1:] == everyone[:-1]):
        sibling = sibling.copy()
        taken = set(living.tolist())
        for i in np.lexsort((sibling, parent)).tolist():
            while int(ids[i]) in taken:
                sibling[i] += FURTHER
                child_loop(i, i + 1, parent, sibling, tick, ids)
            taken.add(int(ids[i]))
    return ids


def deaths(identity: NDArray[np.uint64], hazard: NDArray[np.float64], draw: Draw) -> NDArray[np.bool_]:
    """Return which cells die : (n,)."""
    dead = np.zeros(identity.shape[0], dtype=np.bool_)
    run_blocks(death_loop, identity.shape[0], identity, hazard, draw, dead)
    return dead


def settle(
    target: NDArray[np.int64],
    identity: NDArray[np.uint64],
    birth: NDArray[np.int64],
    vacant: NDArray[np.int64],
    draw: Draw,
) -> NDArray[np.bool_]:
    """Return which claims on places are granted : (n,).

    Per voxel the first ``vacant`` claims in the order of (hash, id, birth) win. Hashes are drawn afresh in every
    tick, so nobody is first for ever; the order of the claims does not matter.

    Parameters
    ----------
    target : (n,) int64
        Flat voxel that is claimed.
    identity : (n,) uint64
        Id of the cell that moves, or of the mother.
    birth : (n,) int64
        0 for a move, 1, 2, ... for the daughters of a mother.
    vacant : (voxel,) int64
        Free places, taken before anybody leaves; negative where a voxel holds more than it should.
    """
    granted = np.ones(target.shape[0], dtype=np.bool_)
    if target.shape[0] == 0:
        return granted
    wanted = np.bincount(target, minlength=vacant.shape[0])
    contested = np.flatnonzero(wanted[target] > vacant[target])
    if contested.size == 0:
        return granted
    claims = Claims(
        target[contested],
        np.zeros(contested.size, dtype=np.uint64),
        identity[contested],
        birth[contested],
    )
    run_blocks(hash_loop, contested.size, claims.identity, claims.birth, draw, claims.hashed)
    # where the claims on each contested voxel begin: all claims of a contested voxel are contested
    voxels = np.flatnonzero(wanted > np.maximum(vacant, 0))
    ends = np.cumsum(wanted[voxels])
    wanted[voxels] = ends - wanted[voxels]
    order = np.empty(contested.size, dtype=np.int64)
    fill_buckets(claims.target, wanted, order)
    won = np.zeros(contested.size, dtype=np.bool_)
    rank_loop(claims, ends, vacant[voxels], order, won)
    granted[contested] = won
    return granted
