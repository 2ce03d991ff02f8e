"""Arrays with one value per voxel that every run has: static maps of the cord and the dry tissue fractions."""

from __future__ import annotations

from cordgraft.core.contract import ArraySpec

#: Dry tissue classes; they sum to one in every voxel of the cord, and only pairwise transfers change them.
#: ``necrosis`` is tissue that is dead but neither cleared nor replaced yet: without a class of its own the
#: cavity would have to appear with the blow, or its growth would have to read the calendar.
FRACTIONS: dict[str, str] = {
    "white": "white matter",
    "grey": "grey matter",
    "csf": "cerebrospinal fluid",
    "necrosis": "dead tissue not yet cleared",
    "cavity": "fluid-filled cavity",
    "scar": "fibrotic scar",
    "graft": "graft tissue",
    "blood": "extravasated blood",
}

FRACTION_SPECS: tuple[ArraySpec, ...] = tuple(
    ArraySpec(f"fraction.{name}", "1", f"dry volume fraction of {meaning}", bounds=(0.0, 1.0))
    for name, meaning in FRACTIONS.items()
)

MAP_SPECS: tuple[ArraySpec, ...] = (
    ArraySpec("map.cord", "1", "1 inside the cord, 0 outside", dtype="uint8"),
    ArraySpec("map.volume", "1", "share of the voxel that lies in the cord", bounds=(0.0, 1.0), record=False),
    ArraySpec("map.white", "1", "white-matter fraction before the injury", bounds=(0.0, 1.0), record=False),
    ArraySpec("map.grey", "1", "grey-matter fraction before the injury", bounds=(0.0, 1.0), record=False),
    ArraySpec("map.rho", "1", "relative radius in the cross-section, 1 at the pia", record=False),
    ArraySpec("map.ventral", "1", "(1 + sin phi)/2: 1 on the ventral, 0 on the dorsal midline", record=False),
    ArraySpec(
        "map.lesion_mask",
        "1",
        "share of the voxel inside the lesion mask of the patient; 0 without a mask",
        bounds=(0.0, 1.0),
        record=False,
    ),
)
