"""The one decorator through which kernels are compiled, and the one way in which they use several threads.

Why no ``prange``: inside a parallel Numba loop ``cells.age[i] += dt`` silently writes nothing, a parallel
compile takes twice as long, and a spinning barrier is ruinous on a busy machine. Here a kernel is serial,
releases the interpreter lock and works on rows ``start .. stop``; `run_blocks` hands fixed blocks of rows to a
few plain threads that sleep when idle. The block borders depend on the number of rows alone, each row is
computed from the old state, and no sum crosses a block, so the bits do not depend on the number of threads.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast


def cache_directory() -> Path:
    """Return a writable folder for compiled kernels, named after the text of all kernels.

    Numba notices a change only in the file that holds a kernel; a body in another file that the kernel has
    inlined would go unnoticed, and an old result would come out of new code.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    name = digest.hexdigest()[:16]
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "cordgraft" / "kernels" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(folder)
    except OSError:  # a read-only home: numba would fail at import without a place of its own
        folder = (
            Path(tempfile.gettempdir())
            / f"cordgraft-kernels-{os.getuid() if hasattr(os, 'getuid') else 0}-{name}"
        )
        folder.mkdir(parents=True, exist_ok=True)
    return folder


if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(cache_directory())
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numba  # noqa: E402 - the environment above must be set first

#: Rows per block handed to a thread; large enough that a hand-over (some 50 microseconds) is lost in it.
BLOCK_ROWS = 4096

_threads = 1
_pool: ThreadPoolExecutor | None = None


#: Flags of every kernel. Without ``_nrt=False`` each access to an array in a named tuple counts references, by
#: an atomic addition: cells spent 4 to 12 times as long. Such a kernel cannot make arrays; the few that need some
#: are compiled by `kernel_with_scratch`.
FLAGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def kernel[Function: Callable[..., Any]](function: Function) -> Function:
    """Compile to machine code: cached on disk, lock released, IEEE arithmetic (no ``fastmath``)."""
    return cast(Function, numba.njit(**FLAGS)(function))


def kernel_with_scratch[Function: Callable[..., Any]](function: Function) -> Function:
    """Compile a kernel that makes arrays for itself; otherwise as `kernel`."""
    return cast(Function, numba.njit(**{**FLAGS, "_nrt": True})(function))


def body[Function: Callable[..., Any]](function: Function) -> Function:
    """Compile a per-agent or per-voxel body that is inlined into the `kernel` loop that calls it.

    Left to itself LLVM calls the large ones, and passes a hundred words of tuples on the stack for each row.
    """
    return cast(Function, numba.njit(**FLAGS, forceinline=True)(function))


def cache_is_empty() -> bool:
    """Whether no kernel of this version has been compiled on this machine yet."""
    return not any(Path(os.environ["NUMBA_CACHE_DIR"]).rglob("*.nbi"))


def set_threads(threads: int) -> None:
    """Choose how many threads `run_blocks` and `run_tasks` use from now on."""
    global _threads, _pool
    if threads < 1:
        raise ValueError(f"a run needs at least one thread, not {threads}")
    if threads == _threads:
        return
    if _pool is not None:
        _pool.shutdown()
        _pool = None
    _threads = threads
    if threads > 1:
        _pool = ThreadPoolExecutor(threads, thread_name_prefix="cordgraft")


def get_threads() -> int:
    """Return the number of threads in use."""
    return _threads


def run_blocks(loop: Callable[..., Any], rows: int, *arguments: Any, block: int = BLOCK_ROWS) -> None:
    """Call ``loop(start, stop, *arguments)`` for fixed blocks that cover ``0 .. rows``.

    `loop` must write only to rows ``start .. stop`` of its outputs and read nothing that it writes elsewhere.
    """
    if _pool is None or rows <= block:
        if rows:
            loop(0, rows, *arguments)
        return
    futures = [
        _pool.submit(loop, start, min(start + block, rows), *arguments) for start in range(0, rows, block)
    ]
    for future in futures:
        future.result()


def run_tasks(task: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """Call ``task(*args)`` for each entry, side by side; the results keep the order of the entries."""
    if _pool is None or len(arguments) < 2:
        return [task(*entry) for entry in arguments]
    return [future.result() for future in [_pool.submit(task, *entry) for entry in arguments]]
