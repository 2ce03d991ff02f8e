"""cordgraft: an agent-based simulator of spinal cord regeneration after precursor-cell grafts.

>>> from cordgraft import CordModel                                   # doctest: +SKIP
>>> tree = CordModel.from_scenario("mouse_subacute_graft").run()      # doctest: +SKIP

This is a research model: it predicts no patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["CordModel", "__version__"]

if TYPE_CHECKING:
    from cordgraft.engine.model import CordModel


def __getattr__(name: str) -> Any:
    """Import the model only when it is asked for: it brings Mesa and Numba, which the command line avoids."""
    if name == "CordModel":
        from cordgraft.engine.model import CordModel

        return CordModel
    raise AttributeError(f"module 'cordgraft' has no attribute '{name}'")
