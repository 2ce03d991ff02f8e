"""What growth cones feel of the tissue, by name: what every run has, and what only some have."""

from __future__ import annotations

from cordgraft.state.axon_treatments import NOGO, OTHERS
from cordgraft.state.scaffolds import CHANNELS, COAT, SHARE

#: What the landscape is made of, in the order of `kernels.landscape.Tissues`.
LANDSCAPE = (
    "map.cord",
    "fraction.white",
    "fraction.grey",
    "fraction.graft",
    "fraction.scar",
    "fraction.necrosis",
    "fraction.blood",
    "density.debris",
    "density.matrix",
    "density.barrier",
    "field.cspg",
    "field.trophic",
)
#: And where a run has a scaffold.
SCAFFOLD = (SHARE, CHANNELS, COAT)
#: And where somebody blocks myelin inhibitors.
BLOCKED = (NOGO, OTHERS)
#: And, for cones of the host alone, where grafted cells support what they touch.
CONTACT_SUPPORT = "density.contact_support"
