"""Tests of real scans are skipped where the scans are absent, and never skipped where they must be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import conftest


def test_absent_material_skips_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "ROOT", tmp_path / "checkout")
    monkeypatch.delenv("CORDGRAFT_REQUIRE_SHARED", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"shared/data .* not there"):
        conftest._shared("data")


def test_absent_material_is_a_failure_where_it_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "ROOT", tmp_path / "checkout")
    monkeypatch.setenv("CORDGRAFT_REQUIRE_SHARED", "1")
    with pytest.raises(pytest.fail.Exception, match="CORDGRAFT_REQUIRE_SHARED=1"):
        conftest._shared("data")


def test_present_material_is_found_beside_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "ROOT", tmp_path / "checkout")
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert conftest._shared("data") == tmp_path / "shared" / "data"
