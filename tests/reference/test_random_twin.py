"""Philox 4x32-10 against its published answers and a plain-Python twin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cordgraft.core.streams import DESCRIPTIONS, Stream
from cordgraft.kernels import random as kernel
from cordgraft.kernels.compile import run_blocks, set_threads


def philox_twin(counter: list[int], key: list[int]) -> list[int]:
    """Philox 4x32-10 in plain Python integers, straight from the paper (Salmon et al. 2011)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & 0xFFFFFFFF, (p >> 32) ^ c3 ^ k1, p & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [c0, c1, c2, c3]


def uniform_twin(seed: int, identity: int, tick: int, stream: int, block: int) -> float:
    words = philox_twin(
        [identity & 0xFFFFFFFF, identity >> 32, tick, (stream << 16) | block], [seed & 0xFFFFFFFF, seed >> 32]
    )
    return (((words[0] << 20) ^ (words[1] >> 12)) + 0.5) / 2**52


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ],
)
def test_known_answers(counter: list[int], key: list[int], answer: list[int]) -> None:
    out = np.zeros(4, dtype=np.uint64)
    kernel.cipher(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64), out)
    assert [int(word) for word in out] == answer
    assert philox_twin(counter, key) == answer


def test_uniforms_equal_the_twin() -> None:
    identities = np.array([0, 1, 2**40 + 3, 2**64 - 1], dtype=np.uint64)
    seed = 2**63 + 12345
    numbers = kernel.uniforms(seed, identities, 77, Stream.SURVIVAL, 2)
    twin = [uniform_twin(seed, int(identity), 77, int(Stream.SURVIVAL), 2) for identity in identities]
    assert numbers.tolist() == twin


def test_fill_normal_equals_box_and_muller() -> None:
    identities = np.arange(1, 50, dtype=np.uint64)
    out = np.zeros(49)
    kernel.fill_normal(np.uint64(9), identities, 5, int(Stream.CONE_SPEED), 1, out)
    for identity, number in zip(identities, out, strict=True):
        words = philox_twin([int(identity), 0, 5, (int(Stream.CONE_SPEED) << 16) | 1], [9, 0])
        u, v = ((((high << 20) ^ (low >> 12)) + 0.5) / 2**52 for high, low in (words[:2], words[2:]))
        assert number == pytest.approx(math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v), rel=1e-12)


def test_extreme_words_stay_inside_the_open_interval() -> None:
    top = np.uint64(0xFFFFFFFF)
    assert 0.0 < kernel.to_unit(np.uint64(0), np.uint64(0)) < 1e-15
    assert kernel.to_unit(top, top) < 1.0


def test_normals_have_the_right_moments() -> None:
    numbers = kernel.normals(7, np.arange(200_000), 1, Stream.CONE_TURN)
    n = numbers.size
    assert abs(numbers.mean()) < 4.0 / math.sqrt(n)
    assert abs(numbers.var() - 1.0) < 4.0 * math.sqrt(2.0 / n)
    assert abs((numbers**4).mean() - 3.0) < 4.0 * math.sqrt(96.0 / n)


def test_streams_ticks_and_ids_are_independent_draws() -> None:
    identities = np.arange(50_000)
    first = kernel.uniforms(1, identities, 1, Stream.FATE)
    for other in (
        kernel.uniforms(1, identities, 2, Stream.FATE),
        kernel.uniforms(1, identities, 1, Stream.DIVISION),
        kernel.uniforms(2, identities, 1, Stream.FATE),
        kernel.uniforms(1, identities, 1, Stream.FATE, 1),
        kernel.uniforms(1, identities + 1, 1, Stream.FATE),
    ):
        assert abs(np.corrcoef(first, other)[0, 1]) < 4.0 / math.sqrt(identities.size)


def test_children_have_ids_of_their_own() -> None:
    ids = {int(kernel.child_id(np.uint64(parent), tick, 0)) for parent in range(1, 200) for tick in range(50)}
    assert len(ids) == 199 * 50
    assert min(ids) >= 2**63


def test_every_stream_has_a_sentence_and_a_number_of_its_own() -> None:
    assert set(DESCRIPTIONS) == set(Stream)
    assert len({int(stream) for stream in Stream}) == len(list(Stream))


@pytest.mark.parametrize("threads", [2, 4])
def test_blocks_give_the_same_bits_for_any_number_of_threads(threads: int) -> None:
    identities = np.arange(30_000, dtype=np.uint64)
    serial, parallel = np.zeros(30_000), np.zeros(30_000)

    def loop(start: int, stop: int, out: np.ndarray) -> None:
        kernel.fill_uniform(np.uint64(5), identities[start:stop], 9, 3, 0, out[start:stop])

    run_blocks(loop, identities.size, serial)
    set_threads(threads)
    try:
        run_blocks(loop, identities.size, parallel)
    finally:
        set_threads(1)
    assert serial.tobytes() == parallel.tobytes()
    assert (parallel > 0).all()
