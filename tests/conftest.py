"""Settings and fixtures that every ring of tests shares.

The environment is set while this file is read, before any test module can import Numba or Matplotlib. Where
compiled kernels are kept is decided in one place, ``cordgraft.kernels.compile``: tests share them with runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

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


def _shared(part: str) -> Path:
    """Return ``../shared/PART``: material that is not part of the repository.

    Where it is absent the test is skipped, unless CORDGRAFT_REQUIRE_SHARED=1 says that it must be there.
    """
    folder = ROOT.parent / "shared" / part
    if not folder.is_dir():
        reason = f"needs ../shared/{part} beside the checkout, which is not there"
        if os.environ.get("CORDGRAFT_REQUIRE_SHARED") == "1":
            pytest.fail(f"CORDGRAFT_REQUIRE_SHARED=1, and this test {reason}")
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real scans; skip the test, or fail it, where it is absent."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_science() -> Path:
    """Return the folder of the parameter table; skip the test, or fail it, where it is absent."""
    return _shared("science")
