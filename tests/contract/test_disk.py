"""A full disk or a directory that may not be written: one sentence, the right exit code, and nothing is lost.

A disk that is full is played by the system's own limit on the size of files, which is lowered at a chosen moment of
a real run; whichever file is written next beyond it gets an error from the system. A directory that may not be written
is one: where the tests run as root, who may write everywhere, the process gives that right up first.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cordgraft.core import schema
from cordgraft.engine import checkpoint
from cordgraft.record.packing import PACKING_NAME
from cordgraft.record.store import RunStore
from tests.process_support import (
    EVERY_H,
    Reference,
    assert_same_run,
    finished,
    quick_directory,
    resume_command,
    run_command,
)
from tests.support import differing

linux = pytest.mark.skipif(sys.platform != "linux", reason="lowers a limit of another process, as Linux can")
#: Hours between checkpoints in these runs, so that other files are written between two of them.
RARELY = ("--checkpoint-every", f"{6 * EVERY_H} h")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with quick_directory(tmp_path_factory.mktemp("disk")) as directory:
        yield directory


@pytest.fixture(scope="module")
def reference(place: Path) -> Reference:
    """Return a run that was never disturbed."""
    done = finished(run_command(place / "whole", *RARELY))
    assert done.returncode == 0, done.stderr
    return Reference(place / "whole")


def one_sentence(errors: str) -> str:
    """Return what a process wrote to the error stream, which is one line."""
    lines = errors.splitlines()
    assert len(lines) == 1, errors
    assert "Traceback" not in errors and "Exception ignored" not in errors
    return lines[0]


def table_bytes(directory: Path) -> int:
    table = directory / schema.TIMESERIES_NAME
    return table.stat().st_size if table.exists() else 0


def days(directory: Path) -> int:
    table = directory / schema.TIMESERIES_NAME
    return table.read_bytes().count(b"\n") - 2 if table.exists() else 0  # the first row is that of day 0


def between_days(directory: Path) -> bool:
    """Whether there is a checkpoint, and the day of the last row has been recorded whole."""
    if not checkpoint.found(directory / schema.CHECKPOINTS_NAME):
        return False
    status = json.loads((directory / schema.STATUS_NAME).read_text(encoding="utf-8"))
    return int(status["tick"]) == 24 * days(directory)


#: What is hit -> (when the disk fills up, the largest size of a file from then on, what the sentence names).
FULL: dict[str, tuple[Callable[[Path], bool], Callable[[Path], int], str]] = {
    "checkpoint": (between_days, lambda place: 600_000, "the checkpoint after tick 144"),
    "table": (between_days, lambda place: table_bytes(place) + 10, "the time series"),
    # a row more, but not the table of axon paths
    "store": (between_days, lambda place: table_bytes(place) + 1150, "the snapshot axons/day_000."),
    # neither a packed map nor the gathered metadata
    "packing": (lambda place: (place / PACKING_NAME).exists(), lambda place: 12_000, "the attributes of the run"),
}


@linux
@pytest.mark.parametrize("what", FULL)
def test_a_full_disk_is_one_sentence_and_loses_nothing(what: str, reference: Reference, place: Path) -> None:
    import resource

    directory = place / what
    full, largest, named = FULL[what]
    process = subprocess.Popen(
        run_command(directory, *RARELY), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None:
        if full(directory):
            process.send_signal(signal.SIGSTOP)  # it might have gone on while this was found out
            if full(directory):
                break
            process.send_signal(signal.SIGCONT)
        time.sleep(0.0005)
    limit = largest(directory)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    process.send_signal(signal.SIGCONT)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 1, errors
    assert said == ""
    sentence = one_sentence(errors)
    assert re.search(f"the run failed: .*({named}).*{os.strerror(errno.EFBIG)}", sentence), sentence
    assert "is kept and can be read" in sentence and f"cordgraft resume {directory}" in sentence
    assert '"status": "failed"' in (directory / schema.STATUS_NAME).read_text(encoding="utf-8")

    rows, frames = reference.assert_frames(directory)
    assert frames >= 3, "what was recorded before is there, and whole"
    # the row of the day whose maps did not fit any more may be there
    assert frames <= days(directory) <= frames + 1 and frames + 1 <= rows <= frames + 2
    assert reference.assert_checkpoints(directory) != []
    done = finished(resume_command(directory))
    assert done.returncode == 0, done.stderr
    assert_same_run(directory, reference.directory)
    assert reference.assert_checkpoints(directory) == reference.assert_checkpoints(reference.directory)


@linux
def test_a_disk_that_is_full_from_the_start(place: Path) -> None:
    import resource

    directory = place / "nothing"

    def before() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = finished(run_command(directory), before)
    assert done.returncode == 1
    assert "could not be written" in one_sentence(done.stderr)
    assert not directory.exists(), "an empty directory is no run"


def test_maps_that_cannot_be_packed_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: Reference
) -> None:
    """Packing needs a copy of all maps; the run is complete without it."""
    from cordgraft import CordModel
    from cordgraft.engine.runner import run_model
    from tests.process_support import DAILY, SCENARIO

    def refuse(*arguments: object) -> None:
        (tmp_path / "run" / PACKING_NAME).mkdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("cordgraft.record.packing._copy_packed", refuse)
    result = run_model(CordModel(SCENARIO, settings=DAILY), tmp_path / "run")
    assert result.status == "finished"
    assert "No space left on device" in result.caution and "maps stay in a file per day" in result.caution
    assert f"caution: {result.caution}" in (tmp_path / "run" / schema.LOG_NAME).read_text(encoding="utf-8")
    assert differing(reference.directory / schema.STORE_NAME, tmp_path / "run" / schema.STORE_NAME) == []
    assert not (tmp_path / "run" / PACKING_NAME).exists()
    assert not (tmp_path / "run" / schema.CHECKPOINTS_NAME).exists()


# ------------------------------------------------------------------ directories that may not be written
#: Numbers of Linux: drop a capability for good; the one by which root ignores the permissions of files.
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def obey_permissions() -> None:
    """Give up root's right to write where nobody may; other users have none."""
    if os.getuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        os._exit(77)


def permissions_hold(directory: Path) -> bool:
    """Whether a process that obeys permissions cannot write into a directory without them."""
    code = f"open({str(directory / 'probe')!r}, 'w')"
    return finished([sys.executable, "-c", code], obey_permissions).returncode == 1


def set_writable(directory: Path, writable: bool) -> None:
    """Give or take the permission to write everything in a directory."""
    for path in (directory, *directory.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IWUSR if writable else mode & ~0o222)


def contents(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def locked(place: Path) -> Iterator[Path]:
    directory = place / "locked"
    directory.mkdir(exist_ok=True)
    set_writable(directory, False)
    if not permissions_hold(directory):
        set_writable(directory, True)
        pytest.skip("this user may write everywhere and cannot give that up")
    set_writable(directory, True)
    yield directory
    set_writable(directory, True)


def test_a_directory_that_may_not_be_written_is_one_sentence(locked: Path) -> None:
    set_writable(locked, False)
    for directory in (locked, locked / "run"):
        done = finished(run_command(directory), obey_permissions)
        assert done.returncode == 1
        assert os.strerror(errno.EACCES) in one_sentence(done.stderr)
        assert list(locked.iterdir()) == []


def test_a_run_that_may_not_be_written_is_left_as_it_is(locked: Path, reference: Reference) -> None:
    directory = locked / "run"
    process = subprocess.Popen(
        run_command(directory, *RARELY), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and days(directory) < 5:
        time.sleep(0.0005)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130 and "cordgraft resume" in errors, errors
    stopped = max(checkpoint.tick_of(path) for path in checkpoint.found(directory / schema.CHECKPOINTS_NAME))
    assert stopped >= 5 * 24

    before = contents(directory)
    set_writable(directory, False)
    refused = finished(resume_command(directory), obey_permissions)
    assert refused.returncode == 1
    assert os.strerror(errno.EACCES) in one_sentence(refused.stderr)
    assert contents(directory) == before
    reference.assert_frames(directory)

    set_writable(directory, True)
    (directory / schema.CHECKPOINTS_NAME).chmod(0o555)
    refused = finished(resume_command(directory, "--checkpoint-every", "1 h"), obey_permissions)
    assert refused.returncode == 1
    sentence = one_sentence(refused.stderr)
    assert f"the checkpoint after tick {stopped + 1} could not be written" in sentence, sentence
    (directory / schema.CHECKPOINTS_NAME).chmod(0o755)
    assert finished(resume_command(directory)).returncode == 0
    assert_same_run(directory, reference.directory)


def test_a_table_never_keeps_half_a_row(tmp_path: Path) -> None:
    """The system takes what still fits of a line before it refuses the rest."""
    code = """
import resource, sys
from pathlib import Path
from cordgraft.record.files import AppendedTable
table = AppendedTable(Path(sys.argv[1]), ("a", "b"))
resource.setrlimit(resource.RLIMIT_FSIZE, (30, 30))
for row in range(10):
    try:
        table.add([row, 1.0 / 3.0])
    except OSError:
        print(row)
        break
"""
    pytest.importorskip("resource")
    path = tmp_path / "table.csv"
    done = finished([sys.executable, "-c", code, str(path)])
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout == "1\n"
    assert path.read_text(encoding="utf-8") == f"a,b\n0,{1.0 / 3.0!r}\n"


def test_a_frame_that_did_not_fit_is_no_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cordgraft.record.files import StoreError
    from tests.unit.test_record_store import ROOT, fill, layout

    store = RunStore.create(tmp_path / "run.zarr", layout(), ROOT)
    fill(store)

    def refuse(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = np.array(store._map_times)
    monkeypatch.setattr("cordgraft.record.chunks._compress", refuse)
    with pytest.raises(StoreError, match=r"the maps of day .* could not be written: No space left on device; every"):
        store.write_maps(0, store.map_ticks[0], {name: np.zeros(store_shape()) for name in store._keepbits})
    assert np.array_equal(before, store._map_times, equal_nan=True)


def store_shape() -> tuple[int, ...]:
    from tests.unit.test_record_store import LATTICE

    return LATTICE.shape
