"""Block of myelin inhibitors: an antibody against Nogo-A, or a decoy of the receptor that Nogo-A, MAG and OMgp share.

Where a product is, it blocks a share of what it binds: the ``antibody`` Nogo-A alone, the ``decoy`` all three. The
share is its efficacy ``e`` times the reach ``f`` of the product, which depends on the way it is given::

    f = e^(-x/lambda)                       intrathecal, x below the surface of the cord
    f = 1 in the ball that it fills, else 0     local
    1 - n = product of (1 - e f) over all products,    1 - o = product of (1 - e f) over decoys

over the courses that are given at the time, voxel by voxel; ``n`` is the blocked share of Nogo-A, ``o`` that of MAG and
OMgp (1), ``x`` and ``lambda`` (`penetration`) um. Growth cones of the host feel the rest (see `axon_growth`, which says
how much each of the three inhibits); those of the graft do not feel myelin anyway. Spared circuits adapt further and
faster (see `function_index`). Intrathecal product comes from the whole surface, and in a section its depth is that in
the mid-sagittal plane.

Sources: the length of penetration is assumed, 0.5 to 2 mm seem possible; intrathecal BDNF did not penetrate sheep cord
(Dittrich 1996, 10.1006/exnr.1996.0157, read). The longest corticospinal fibres of rats grew 7-11 mm with an antibody,
less than 1 mm without (Schnell 1990, recalled). Efficacy, day and duration are assumed.

Left out: spread of the product along the fluid and away from the catheter, into a cavity and through scar; slow binding
and loss, so that it acts at once and ends at once; immune reactions; what it does to myelin, glia and vessels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cordgraft.core.contract import Key, Phase, Process, Provision
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import choice, quantity
from cordgraft.core.units import time_in_words
from cordgraft.state import courses, injections
from cordgraft.state.axon_treatments import BLOCK_SPECS, NOGO, OTHERS

#: What each product blocks.
PRODUCTS: dict[str, tuple[str, ...]] = {"antibody": (NOGO,), "decoy": (NOGO, OTHERS)}


class InhibitorBlock(Process):
    """Gives one product over one span of time."""

    name = "inhibitor_block"
    phase = Phase.TREAT
    period_h = 1.0
    section = "treatments"
    treatment_type = "inhibitor_block"
    provides = Provision(arrays=BLOCK_SPECS)
    reads = ("map.cord", "map.rho", "scalar.epicentre_um")
    writes = (NOGO, OTHERS)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Product, efficacy, way, place and time."""

        at: float = quantity(
            24.0, "h", "time of the first dose after the injury", bounds=(0.0, 87660.0), evidence="assumed"
        )
        duration: float = quantity(
            24.0 * 28, "h", "how long the product is given", bounds=(0.25, 876600.0), evidence="assumed"
        )
        product: str = choice(
            "antibody",
            tuple(PRODUCTS),
            "antibody against Nogo-A, or decoy of the receptor that Nogo-A, MAG and OMgp share",
        )
        strength: float = quantity(
            0.8,
            "1",
            "efficacy: share of what it binds that the product blocks where it is; 0 changes nothing",
            bounds=(0.0, 1.0),
            evidence="assumed",
        )
        route: str = choice(
            "intrathecal",
            ("intrathecal", "local"),
            "into the fluid round the cord, or into the tissue at one place",
        )
        penetration: float = quantity(
            1000.0,
            "um",
            "depth at which 1/e of an intrathecal product is left",
            bounds=(1.0, 1e5),
            evidence="assumed",
        )
        volume: float = injections.volume("volume of tissue that a local product fills")
        position: float = injections.position(
            "place of a local product along the cord, from the epicentre, rostral positive"
        )
        depth: float = injections.depth("depth of a local product below the dorsal surface")

    def site(self) -> courses.Site:
        """Return where the product acts."""
        p = self.params
        if p.route == "intrathecal":
            return courses.Site(p.penetration)
        return courses.Site(None, p.position, p.depth, p.volume)

    def prepare(self, tissue: Any) -> None:
        """Take a place among the products that block the same."""
        for name in PRODUCTS[self.params.product]:
            courses.enrol(tissue, name, self.label, self.params, self.site())

    def step(self, tissue: Any, key: Key) -> None:
        """Begin or end."""
        for name in PRODUCTS[self.params.product]:
            courses.put_map_in_force(tissue, name, key.tick)

    def event(self, tissue: Any, tick: int) -> str:
        """Return that the product begins or ends to be given at this tick."""
        p = self.params
        first, last = courses.span(tissue, p.at, p.duration)
        what = (
            "antibody against Nogo-A"
            if p.product == "antibody"
            else "decoy of the receptor of myelin inhibitors"
        )
        where = "intrathecal"
        if p.route == "local":
            where = f"at {p.position / 1e3:g} mm from the middle of the injury"
        if tick == first:
            return f"{what}, {where}, begins: {100.0 * p.strength:g} % for {time_in_words(p.duration)}"
        return f"{what}, {where}, ends" if tick == last else ""
