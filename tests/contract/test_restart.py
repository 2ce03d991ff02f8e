"""Going on from any checkpoint, from a damaged one, from an earlier day, and by two at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordgraft import CordModel
from cordgraft.core import schema
from cordgraft.core.problems import BadInput
from cordgraft.engine import checkpoint
from cordgraft.engine.resume import open_for_resume, rewind
from cordgraft.engine.runner import run_model
from cordgraft.record.packing import PACKING_NAME, is_packed
from tests.process_support import (
    DAILY,
    EVERY_H,
    LAST_DAY,
    SCENARIO,
    Reference,
    assert_same_run,
    finished,
    quick_directory,
    resume_command,
    run_command,
)
from tests.support import SMALL

LAST_TICK = 24 * LAST_DAY


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with quick_directory(tmp_path_factory.mktemp("restart")) as directory:
        yield directory


@pytest.fixture(scope="module")
def reference(place: Path) -> Reference:
    """Return a run that was never stopped and kept its checkpoints."""
    model = CordModel(SCENARIO, settings=DAILY)
    run_model(model, place / "whole", checkpoint_every_h=float(EVERY_H), keep_checkpoints=True)
    assert is_packed(place / "whole" / schema.STORE_NAME)
    return Reference(place / "whole")


@pytest.fixture
def copy(place: Path, reference: Reference) -> Iterator[Path]:
    """Return a copy of that run, to be gone on with."""
    directory = place / "copy"
    shutil.copytree(reference.directory, directory)
    yield directory
    shutil.rmtree(directory)


def test_every_checkpoint_leads_to_the_same_end(place: Path) -> None:
    """A finished run is taken back to each of its checkpoints in turn and run to its end again."""
    model = CordModel(SCENARIO, settings=SMALL)
    run_model(model, place / "few", checkpoint_every_h=24.0, keep_checkpoints=True)
    reference = Reference(place / "few")
    ticks = reference.assert_checkpoints(reference.directory)
    assert ticks == list(range(24, LAST_TICK + 1, 24))
    for tick in ticks:
        directory = place / f"from-{tick}"
        shutil.copytree(reference.directory, directory)
        prepared = open_for_resume(directory, from_h=float(tick))
        assert prepared.model.tick == tick and not prepared.finished
        assert run_model(prepared.model, directory, resume=prepared).status == "finished"
        assert_same_run(directory, reference.directory)
        assert reference.assert_checkpoints(directory) == ticks, "kept as the run was asked to"
        shutil.rmtree(directory)


def test_a_real_process_goes_back_to_an_earlier_day(copy: Path, reference: Reference) -> None:
    refused = finished(resume_command(copy, "--from", "20 d"))
    assert refused.returncode == 2
    assert refused.stderr.startswith("--from: there is no checkpoint of this time (found 20 d); allowed: 0.5 d, 1 d")
    assert (copy / schema.STATUS_NAME).read_bytes() == (reference.directory / schema.STATUS_NAME).read_bytes()
    done = finished(resume_command(copy, "--from", "7 d"))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "resumed from day 7" in (copy / schema.LOG_NAME).read_text(encoding="utf-8")
    assert_same_run(copy, reference.directory)
    again = finished(resume_command(copy))
    assert again.returncode == 0 and "finished already" in again.stderr


def test_a_run_that_was_taken_back_is_unfinished_at_once(copy: Path, reference: Reference) -> None:
    """A kill between the going back and the first tick must not leave a later checkpoint or the old summary."""
    rewind(copy, 7 * 24)
    assert '"status": "running"' in (copy / schema.STATUS_NAME).read_text(encoding="utf-8")
    assert not (copy / schema.SUMMARY_NAME).exists()
    assert max(reference.assert_checkpoints(copy)) == 7 * 24
    prepared = open_for_resume(copy)
    assert prepared.model.tick == 7 * 24
    run_model(prepared.model, copy, resume=prepared)
    assert_same_run(copy, reference.directory)


def test_a_run_without_kept_checkpoints_says_so(tmp_path: Path) -> None:
    model = CordModel(SCENARIO, settings={**DAILY, "record.maps": "[12 d]"})
    run_model(model, tmp_path / "run", checkpoint_every_h=48.0)
    assert not (tmp_path / "run" / schema.CHECKPOINTS_NAME).exists()
    with pytest.raises(BadInput, match="none was kept; a run with --checkpoint-every keeps them"):
        open_for_resume(tmp_path / "run", from_h=48.0)


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_newest_checkpoint_is_passed_over(copy: Path, reference: Reference, damage: str) -> None:
    rewind(copy, 8 * 24)
    newest = checkpoint.found(copy / schema.CHECKPOINTS_NAME)[-1]
    data = bytearray(newest.read_bytes())
    if damage == "truncated":
        del data[len(data) // 3 :]
    else:
        data[len(data) // 2] ^= 16
    newest.write_bytes(bytes(data))
    prepared = open_for_resume(copy)
    assert prepared.model.tick == 8 * 24 - EVERY_H
    run_model(prepared.model, copy, resume=prepared)
    assert_same_run(copy, reference.directory)
    assert reference.assert_checkpoints(copy) == reference.assert_checkpoints(reference.directory)


def test_two_processes_never_go_on_with_one_run(copy: Path, reference: Reference) -> None:
    rewind(copy, 2 * EVERY_H)
    both = [
        subprocess.Popen(resume_command(copy), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 2], errors
    assert "another process is writing a run into this directory" in errors[codes.index(2)]
    assert "Traceback" not in "".join(errors)
    assert_same_run(copy, reference.directory)


@pytest.mark.parametrize("signals", [1, 2])
def test_a_polite_signal_while_the_maps_are_packed(place: Path, reference: Reference, signals: int) -> None:
    """Asked once, the run finishes what is left to do; told twice, it ends at once and loses no day."""
    directory = place / f"signals-{signals}"
    process = subprocess.Popen(run_command(directory), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (directory / PACKING_NAME).exists():
        time.sleep(0.0005)
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    _, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors, errors
    if signals == 1:
        assert process.returncode == 0, errors
    else:
        # unless the packing was over before the second one came
        assert process.returncode in (0, 130), errors
        if process.returncode == 130:
            assert checkpoint.tick_of(checkpoint.found(directory / schema.CHECKPOINTS_NAME)[-1]) == LAST_TICK
        assert finished(resume_command(directory)).returncode == 0
    assert_same_run(directory, reference.directory)
    assert not (directory / schema.CHECKPOINTS_NAME).exists(), "nobody asked for checkpoints"
    assert not (directory / PACKING_NAME).exists()
