"""Checkpoints: bit for bit, whole or not at all, and never for the wrong run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cordgraft
from cordgraft.core.contract import ArraySpec, FieldSpec
from cordgraft.engine import checkpoint
from cordgraft.engine.checkpoint import CheckpointError
from cordgraft.state.tissue import Tissue
from support import make_tissue

EXTRA = (
    FieldSpec("field.test", "1", "diffusing"),
    ArraySpec("density.flags", "1", "whole numbers", dtype="int16"),
    ArraySpec("scalar.test", "1", "a number"),
)


def lived() -> Tissue:
    """Return a tissue with values that are easily lost: NaN with a payload, -0.0, tiny numbers, large ids."""
    tissue = make_tissue((), (1, 4, 16), extra=EXTRA)
    odd = np.array([0x7FF8000000000123, 0x8000000000000000, 1, 0x7FF0000000000000], dtype=np.uint64).view(
        np.float64
    )
    tissue["field.test"][0, 0, :4] = odd
    tissue["source.test"][...] = 1.0 / 3.0
    tissue["density.flags"][...] = -3
    tissue.set_scalar("test", np.nan)
    tissue.cells.add(
        3, id=np.array([2**64 - 1, 2**63, 1], dtype=np.uint64), weight=np.array([0.1, np.nan, 3.0])
    )
    return tissue


def test_a_checkpoint_restores_every_bit(tmp_path: Path) -> None:
    tissue = lived()
    before = tissue.snapshot()
    extra = {
        "memory": {"edge": float("nan"), "words": ["ä", 1]},
        "mask": np.eye(3, dtype=bool),
        "none": np.zeros(0),
    }
    path = checkpoint.save(tmp_path / "checkpoints", tissue, 7, extra, digest="abc")
    arrays, tick, found = checkpoint.load(path, digest="abc")
    assert tick == 7
    assert set(arrays) == set(before)
    for name, array in before.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes(), name
    fresh = make_tissue((), (1, 4, 16), extra=EXTRA)
    fresh.restore(arrays)
    assert fresh.changed(before) == []
    assert len(fresh.cells) == 3
    assert len(fresh.segments) == 0
    assert np.isnan(found["memory"]["edge"])
    assert found["memory"]["words"] == ["ä", 1]
    assert np.array_equal(found["mask"], np.eye(3, dtype=bool))
    assert found["none"].shape == (0,)


def test_the_two_newest_stay(tmp_path: Path) -> None:
    tissue = lived()
    for tick in (5, 50, 500):
        checkpoint.save(tmp_path, tissue, tick, {}, digest="abc")
    assert [path.name for path in checkpoint.found(tmp_path)] == [
        checkpoint.path_of(tmp_path, tick).name for tick in (50, 500)
    ]
    assert checkpoint.load_newest(tmp_path, digest="abc")[1] == 500


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, damage: str) -> None:
    tissue = lived()
    checkpoint.save(tmp_path, tissue, 1, {}, digest="abc")
    newest = checkpoint.save(tmp_path, tissue, 2, {}, digest="abc")
    data = bytearray(newest.read_bytes())
    if damage == "truncated":
        del data[len(data) // 2 :]
    elif damage == "flipped":
        place = bytes(data).index(np.float64(1.0 / 3.0).tobytes())
        data[place] ^= 1
    else:
        data.clear()
    newest.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="damaged or no checkpoint"):
        checkpoint.load(newest)
    assert checkpoint.load_newest(tmp_path)[1] == 1


def test_a_write_that_was_cut_off_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, lived(), 1, {}, digest="abc")
    (tmp_path / (checkpoint.path_of(tmp_path, 2).name + ".writing")).write_bytes(b"half")
    assert checkpoint.load_newest(tmp_path)[1] == 1


def test_another_scenario_or_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = checkpoint.save(tmp_path, lived(), 1, {}, digest="abc")
    with pytest.raises(CheckpointError, match="another scenario"):
        checkpoint.load(path, digest="abd")
    assert checkpoint.other_libraries(path) == []
    monkeypatch.setattr(cordgraft, "__version__", "99.0")
    with pytest.raises(CheckpointError, match=r"this is 99\.0"):
        checkpoint.load(path, digest="abc")


def test_other_libraries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = checkpoint.save(tmp_path, lived(), 1, {}, digest="abc")
    now = checkpoint.library_versions()
    monkeypatch.setattr(checkpoint, "library_versions", lambda: {**now, "numpy": "0.1"})
    assert checkpoint.other_libraries(path) == [f"numpy was {now['numpy']}, is 0.1"]


def test_no_checkpoint_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        checkpoint.load_newest(tmp_path / "nowhere")
    (tmp_path / "tick_0000000001.npz").write_text("no archive")
    with pytest.raises(CheckpointError, match="damaged or no checkpoint"):
        checkpoint.load_newest(tmp_path)


def test_a_failed_write_leaves_the_older_ones(tmp_path: Path) -> None:
    tissue = lived()
    checkpoint.save(tmp_path, tissue, 1, {}, digest="abc")
    (tmp_path / (checkpoint.path_of(tmp_path, 2).name + ".writing")).mkdir()
    with pytest.raises(CheckpointError, match="after tick 2 could not be written"):
        checkpoint.save(tmp_path, tissue, 2, {}, digest="abc")
    assert checkpoint.load_newest(tmp_path)[1] == 1
