"""Settings and fixtures that every ring of tests shares.

The environment is set while this file is read, before any test module can import Numba or Matplotlib.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def kernel_cache() -> Path:
    """Return a folder for compiled kernels that outlives the session but not a change of any kernel.

    Numba looks for changes only in the file that holds a kernel: a changed body in another file, which the
    kernel has inlined, would go unnoticed. So the folder is named after the text of all of them.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    for source in sorted((ROOT / "sim" / "cordgraft" / "kernels").glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    folder = ROOT / ".cache" / "numba" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    yesterday = time.time() - 24 * 3600
    for other in folder.parent.iterdir():
        if other != folder and other.stat().st_mtime < yesterday:
            shutil.rmtree(other, ignore_errors=True)
    return folder


os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_cache()))
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The same examples every time: a failure that comes and goes with the day is nobody's friend. To search
# for new ones: pytest --hypothesis-profile=explore
settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return ``../shared/data``: real scans that are not part of the repository.

    Where they are absent the test is skipped, unless CORDGRAFT_REQUIRE_SHARED=1 says that they must be there.
    """
    if not SHARED_DATA.is_dir():
        reason = "needs ../shared/data beside the checkout, which is not there"
        if os.environ.get("CORDGRAFT_REQUIRE_SHARED") == "1":
            pytest.fail(f"CORDGRAFT_REQUIRE_SHARED=1, and this test {reason}")
        pytest.skip(reason)
    return SHARED_DATA
