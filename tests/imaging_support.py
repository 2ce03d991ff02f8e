"""Small scanner files, whole and spoilt, and a look at what the command line says of them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cordgraft.core.problems import BadInput
from cordgraft.run.cli import app

#: Voxels right-left, anterior-posterior, superior-inferior of the made files, of 1 mm.
SHAPE = (14, 16, 24)


def affine_of(edge: float = 1.0) -> np.ndarray:
    affine = np.diag([edge, edge, edge, 1.0])
    affine[:3, 3] = [-6.5, -7.5, -11.5]
    return affine


def rotated(axis: int, degrees: float) -> np.ndarray:
    """Return the affine of the made files turned about a world axis : (4, 4)."""
    first, second = [a for a in range(3) if a != axis]
    turn = np.eye(4)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn[first, first], turn[first, second], turn[second, first], turn[second, second] = c, -s, s, c
    return turn @ affine_of()


def cord_data() -> np.ndarray:
    """Return a straight round cord of 10 mm."""
    i, j, _ = np.indices(SHAPE)
    return (np.hypot(i - 6.5, j - 7.5) < 5.0).astype(np.uint8)


def lesion_data() -> np.ndarray:
    lesion = np.zeros(SHAPE, dtype=np.uint8)
    lesion[5:9, 6:10, 9:15] = 1
    return lesion


def image_data() -> np.ndarray:
    """Return bright fluid and a darker cord, with some texture, int16."""
    i, j, k = np.indices(SHAPE)
    return (900 - 500 * cord_data().astype(np.int64) + (7 * i + 11 * j + 13 * k) % 50).astype(np.int16)


def write(
    path: Path,
    data: np.ndarray,
    affine: np.ndarray | None = None,
    *,
    codes: tuple[int, int] = (1, 1),
    units: str = "mm",
    patch: dict[int, bytes] | None = None,
    qform: np.ndarray | None = None,
) -> Path:
    """Write a NIfTI-1 file; `codes` are those of sform and qform, `patch` puts bytes over a plain ``.nii``."""
    import nibabel

    image = nibabel.Nifti1Image(data, affine_of() if affine is None else affine)
    image.header.set_sform(image.affine, codes[0])
    image.header.set_qform(image.affine if qform is None else qform, codes[1], strip_shears=True)
    image.header.set_xyzt_units(units)
    nibabel.save(image, path)
    if patch:
        raw = bytearray(path.read_bytes())
        for offset, content in patch.items():
            raw[offset : offset + len(content)] = content
        path.write_bytes(bytes(raw))
    return path


#: Where the header of NIfTI-1 keeps things.
PIXDIM, CODES, SFORM, SLOPE = 80, 252, 280, 112


def floats(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def imaging(*arguments: Any) -> Any:
    """Run ``cordgraft imaging ...`` and return its result: exit code, stdout, stderr."""
    result = CliRunner().invoke(app, ["imaging", *(str(argument) for argument in arguments)])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def files_below(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its content."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def problem_of(call: Callable[[], Any], code: str) -> str:
    """Return the message of the one problem of a call, after checking its code."""
    with pytest.raises(BadInput) as caught:
        call()
    found = [problem for problem in caught.value.problems if problem.key == code]
    assert len(found) == 1, [str(problem) for problem in caught.value.problems]
    message = str(found[0])
    assert "\n" not in message
    return message


def check_refused(folder: Path, code: str, words: str | tuple[str, ...], *arguments: Any) -> str:
    """Check that the command refuses with a code and words, ends with 2 and writes nothing; return its errors."""
    before = files_below(folder)
    result = imaging("check", *arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if f" error {code}: " in line]
    assert len(lines) == 1, result.stderr
    for word in (words,) if isinstance(words, str) else words:
        assert word in lines[0]
    assert files_below(folder) == before
    return lines[0]


def check_accepted(folder: Path, code: str, level: str, words: str, *arguments: Any) -> None:
    """Check that the command accepts with a warning or a note of a code, in words, and writes nothing."""
    before = files_below(folder)
    result = imaging("check", *arguments)
    assert result.exit_code == 0, result.output
    stream = result.stderr if level == "warning" else result.stdout
    lines = [line for line in stream.splitlines() if f" {level} {code}: " in line]
    assert any(words in line for line in lines), result.output
    assert files_below(folder) == before


def preview_of_a_mouse(directory: Path) -> Path:
    """Write a real run of two days in coarse resolution, some seconds, and return its directory."""
    from cordgraft import CordModel
    from cordgraft.engine.runner import run_model

    settings = {"resolution": "preview", "duration": "2 d", "record.maps": "[1 d, 2 d]"}
    run_model(CordModel("mouse_contusion_untreated", settings=settings), directory)
    return directory


def volume_of(data: np.ndarray, affine: np.ndarray | None = None, name: str = "t2_seg.nii.gz") -> Any:
    """Return a mask in memory, on the grid of the made files unless an affine is given."""
    from cordgraft_analysis.imaging.volume import Volume

    return Volume(data > 0, affine_of() if affine is None else affine, "mask", Path(name))


def refused(path: Path, code: str, *words: str, kind="image", option: str = "", **asked) -> str:
    """Check that function and command refuse a file in the same words; return the function's."""
    from cordgraft_analysis.imaging.load import load_image

    message = problem_of(lambda: load_image(path, kind, **asked), code)
    assert message.startswith(f"{path}: {code}: ")
    arguments = [option, path] if option else [path]
    for key, value in asked.items():
        arguments += [f"--{key.replace('_', '-')}", value]
    check_refused(path.parent, code, words, *arguments)
    for word in words:
        assert word in message
    return message
