"""Philox 4x32-10: random numbers that are pure functions of who asks, when and what for.

Salmon, Moraes, Dror and Shaw 2011 (10.1145/2063384.2063405). Key: the 64-bit seed of the run. Counter: the
agent's id (low and high word), the tick, and ``stream << 16 | block``. Nothing is ever stored, so results are
the same for any order of evaluation, any number of threads, and after a restart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cordgraft.kernels.compile import body, kernel

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_STREAM_SHIFT = np.uint64(16)
#: 2**-52: the spacing of the 52-bit uniforms (53 bits would let the largest one round to 1).
_SPACING = 1.0 / 4503599627370496.0


@body
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return four 32-bit words (held in uint64) of the Philox 4x32-10 block cipher; all arguments uint64."""
    for _ in range(10):
        p = _MULTIPLIER_0 * c0
        q = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            ((q >> _SHIFT) ^ c1 ^ k0) & _LOW,
            q & _LOW,
            ((p >> _SHIFT) ^ c3 ^ k1) & _LOW,
            p & _LOW,
        )
        k0 = (k0 + _WEYL_0) & _LOW
        k1 = (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@body
def words(seed: Any, identity: Any, tick: Any, stream: Any, block: Any) -> Any:
    """Return the four 32-bit words of one draw.

    Parameters
    ----------
    seed, identity : 64-bit integers
    tick : int
    stream : int
        A member of `cordgraft.core.streams.Stream`.
    block : int
        0 .. 65535; further draws of the same decision (four words each).
    """
    key = np.uint64(seed)
    agent = np.uint64(identity)
    return philox(
        agent & _LOW,
        agent >> _SHIFT,
        np.uint64(tick) & _LOW,
        ((np.uint64(stream) << _STREAM_SHIFT) | np.uint64(block)) & _LOW,
        key & _LOW,
        key >> _SHIFT,
    )


@body
def to_unit(high: Any, low: Any) -> Any:
    """Return a float64 in the open interval (0, 1) from two 32-bit words (52 bits, never 0 or 1)."""
    return (np.float64((high << np.uint64(20)) ^ (low >> np.uint64(12))) + 0.5) * _SPACING


@body
def uniform_pair(seed: Any, identity: Any, tick: Any, stream: Any, block: Any) -> Any:
    """Return two independent uniforms in (0, 1)."""
    a, b, c, d = words(seed, identity, tick, stream, block)
    return to_unit(a, b), to_unit(c, d)


@body
def uniform(seed: Any, identity: Any, tick: Any, stream: Any, block: Any) -> Any:
    """Return one uniform in (0, 1)."""
    a, b, _, _ = words(seed, identity, tick, stream, block)
    return to_unit(a, b)


@body
def normal_pair(seed: Any, identity: Any, tick: Any, stream: Any, block: Any) -> Any:
    """Return two independent standard normal numbers (Box and Muller 1958)."""
    u, v = uniform_pair(seed, identity, tick, stream, block)
    radius = np.sqrt(-2.0 * np.log(u))
    angle = 2.0 * np.pi * v
    return radius * np.cos(angle), radius * np.sin(angle)


@body
def child_id(parent: Any, tick: Any, sibling: Any) -> Any:
    """Return the id of a child: a hash of (parent id, tick, sibling), so that one more birth renumbers nobody.

    The top bit is set: founders count up from 1 and can never meet a child.
    """
    a, b, _, _ = philox(
        np.uint64(parent) & _LOW,
        np.uint64(parent) >> _SHIFT,
        np.uint64(tick) & _LOW,
        np.uint64(sibling) & _LOW,
        np.uint64(0x63686C64),
        np.uint64(0x69643634),
    )
    return (a << _SHIFT) | b | np.uint64(0x8000000000000000)


@kernel
def fill_uniform(seed: Any, identities: Any, tick: Any, stream: Any, block: Any, out: Any) -> None:
    """Write one uniform per identity; identities : (n,) uint64, out : (n,) float64."""
    for i in range(identities.shape[0]):
        out[i] = uniform(seed, identities[i], tick, stream, block)


@kernel
def fill_normal(seed: Any, identities: Any, tick: Any, stream: Any, block: Any, out: Any) -> None:
    """Write one standard normal per identity; identities : (n,) uint64, out : (n,) float64."""
    for i in range(identities.shape[0]):
        out[i], _ = normal_pair(seed, identities[i], tick, stream, block)


@kernel
def cipher(counter: Any, key: Any, out: Any) -> None:
    """Write the cipher of one block, for the known-answer test; counter (4,), key (2,), out (4,) uint64."""
    out[0], out[1], out[2], out[3] = philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])


def uniforms(seed: int, identities: Any, tick: int, stream: int, block: int = 0) -> Any:
    """Return one uniform per identity : (n,) float64."""
    identities = np.ascontiguousarray(identities, dtype=np.uint64)
    out = np.empty(identities.shape[0])
    fill_uniform(np.uint64(seed), identities, tick, int(stream), block, out)
    return out


def normals(seed: int, identities: Any, tick: int, stream: int, block: int = 0) -> Any:
    """Return one standard normal per identity : (n,) float64."""
    identities = np.ascontiguousarray(identities, dtype=np.uint64)
    out = np.empty(identities.shape[0])
    fill_normal(np.uint64(seed), identities, tick, int(stream), block, out)
    return out
