"""Growth cones of host and graft: speed, pausing, steering, branching, retraction, crowding.

What is modelled
----------------
*Speed.* ``u = G S I Q`` (each 0 to 1); an active cone moves at ``v = v_ref u + sigma_v zeta(t)``; ``zeta`` is
an Ornstein-Uhlenbeck process, sampled as its exact mean over the step, with standard deviation
``sqrt(2 tau/dt (1 - (tau/dt)(1 - e^(-dt/tau))))``; ``sigma_v = 11 um/h min(1, sqrt(u/0.07))``. A negative speed
retracts the cone along its own path, never past its stump or branch point.

=====  ============================================================================================
``G``  host ``(G0 + G_ax e^(-t/10 d) + G_treat) x own factor x subject``, t since axotomy, at most 1;
       graft ``0.08 + 0.92/(1 + (age/120 d)^4)``; both times ``1 - b``; G0 and G_treat by tract
``S``  ``S0 + (1 - S0) l/(l + 0.2)``, S0 mixed from white 1, grey 0.5, graft 0.8, dead or fibrotic 0.05,
       fluid 0, fluid with scaffold in it 0.25, capped towards 0.5 by the astrocyte border; ``l``
       permissive matrix, that of a scaffold included
``I``  ``1/(1 + s_C C/IC50) x 1/(1 + 2.5 s_M m)``, ``m = (w + d) (1 - a_N n - (a_G + a_O) o)``; host s_C and
       s_M by tract, all 1; graft s_C 0.3, s_M 0
``Q``  ``Q0 + (1 - Q0) max(B, min(1, c/(1 + c) + s))``, at least 0.5 x intact tissue, and 0.9 x youth in graft
       axons; ``s`` support by contact with grafted cells (`contact_support`), for host axons alone
=====  ============================================================================================

What treatments change: ``G_treat`` is what `growth_stimulation` adds to a tract, ``b`` what `mtor_block` takes from
axons of the host or of the graft, ``n`` and ``o`` the shares of Nogo-A and of MAG and OMgp that `inhibitor_block`
blocks there. Without them all four are 0. Factors multiply: none of them does much where another is near 0.

*Stop and go.* active -> paused at ``1/24 + (1/12)/(1 + (u/u_c)^3)`` per h, back at ``(1/16) H(u; u_c, 3)``. A
cone paused without a break for 14 d in ``s_C C > IC50`` is dystrophic for good.

*Sensing.* ``d = w |grad c|/c``, ``SNR = d sqrt(N c)/(1 + c)``, ``B = SNR^2/(1 + SNR^2)``; c in units of K_d.

*Steering.* Restoring rate ``1/l_r = |(f/l_c) n + (B/l_g) grad c/|grad c||``, f = share of white matter and, times
`guidance_scaffold`, of aligned `scaffold`, n = the axis of the cord with the sign of the heading. Graft axons do not
turn up the gradient of the cue (factor
`turning_graft`, assumed): it is their own graft that secretes it, and they leave grafts in large numbers (Lu
2012, read); it does feed their speed. In the plane the deviation from the preferred direction goes
``psi -> psi e^(-dl/l_r) + sqrt((l_r/l_p)(1 - e^(-2 dl/l_r))) xi``; in a volume the polar angle decays alike and
the heading then turns at random with half that variance in each of two components: by an angle whose mean
cosine is exact for any arc.

*Branching* at a rate per length that differs between white matter and the rest; a branch shares its stem.

*Crowding*: in a voxel with more cones than fit (`crowding` per cross-section, one every `cone_length`), newcomers
pause (latest identity first); nobody else is slowed. A cone of the host counts as `cells_per_agent` cones too: too few.

*Walls*: cones glance off the edge of the cord; at the end of the lattice they are censored, alive but not
followed.

Step and its bias. The default period is 4 h. Within it a cone advances in pieces of at most `piece` and looks
at the tissue again before each. Three things are constant within a step: whether it is active (the two-state
chain is sampled exactly from step to step, so the share of time active has no bias, only pauses shorter than a
step are missed), the fluctuation, and the fields. The mean of the fluctuation over the step is exact, but
neighbouring means are drawn apart, though their correlation is 0.07 at 4 h (0.33 at 1 h): over many steps the
fluctuation spreads cones with ``1 - (tau/dt)(1 - e^(-dt/tau))`` of the true variance, 0.57, 0.75, 0.88 and 0.94
with steps of 1, 2, 4 and 8 h. It shows where growth lives off the fluctuation: the 95th percentile of untreated
corticospinal sprouts after 28 d came to 0.13, 0.14, 0.15 and 0.17 mm with these steps; fast graft axons advanced
alike with 1 to 12 h (within 7 %, noise included). A cone that comes to a standstill waits for the next step.

Symbols: lengths um, times h or d as written, C (CSPG) and IC50 ug/mL, c 1, speeds um/h; w white matter, d debris, and
the shares a_N, a_G, a_O of Nogo-A, MAG and OMgp in the inhibition by myelin, 1, which add up to 1.

Sources
-------
v_ref from 1-2 mm/day, Lu 2012 (recalled). sigma_v from 3 +- 8.4 um/h, Keenan 2006, PMC3848907 (read). Cone width
and IC50 recalled. Graft axons: part of their growth needs mTOR, none needs the block of Nogo, Lu 2012 (read).
Detection floor: Goodhill 1998 (recalled). The rest assumed; see each parameter.

What is left out
----------------
That MAG goes with the axon where Nogo-A and OMgp stay with the debris (read, in people; here debris holds all three),
several cues at once, fasciculation, traction forces and stiffness, and turning away from inhibitors (they slow and stop
cones, they do not repel them). `capacity_boost` and `block_mtor` serve experiments; treatments come on top of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cordgraft.core.contract import Key, Phase, Process
from cordgraft.core.parameters import Params as BaseParams
from cordgraft.core.parameters import quantity, switch
from cordgraft.core.streams import Stream
from cordgraft.state.axon_treatments import MTOR_GRAFT, MTOR_HOST, MTOR_NAMES, STIMULATION_NAMES, stimulation
from cordgraft.state.axons import HOST_TRACTS, TRACT_NAMES, ConeState, Tract
from cordgraft.state.cone_places import blocks_within, flat_voxels, pause_where_crowded, read_states_off_cones
from cordgraft.state.growth_land import BLOCKED, CONTACT_SUPPORT, LANDSCAPE, SCAFFOLD

if TYPE_CHECKING:
    from cordgraft.state.tissue import Tissue


def _share(value: float, meaning: str, **more: Any) -> Any:
    return quantity(value, "1", meaning, bounds=(0.0, 1.0), evidence="assumed", **more)


def _sensitivity(tract: str, inhibitor: str) -> Any:
    return quantity(
        1.0, "1", f"sensitivity of {tract} axons to {inhibitor}", bounds=(0.0, 10.0), evidence="assumed"
    )


#: A standard normal from a 52-bit uniform is never farther from zero than ``sqrt(2 x 53 ln 2)`` = 8.57.
FARTHEST_DEVIATE = 8.6


class AxonGrowth(Process):
    """Advances every growth cone and logs its path."""

    name = "axon_growth"
    phase = Phase.ACT
    period_h = 4.0
    reads = (
        *LANDSCAPE,
        "scalar.subject_capacity",
        "fibre.*",
        "cone.*",
        "segment.*",
    )
    optional_reads = (*SCAFFOLD, *BLOCKED, CONTACT_SUPPORT, *STIMULATION_NAMES, *MTOR_NAMES)
    writes = ("fibre.state", "cone.*", "segment.*")
    streams = (Stream.CONE_SPEED, Stream.CONE_TURN, Stream.CONE_STATE)

    @dataclass(frozen=True)
    class Params(BaseParams):
        """Speed, capacity, substrate, inhibition, sensing, steering and branching."""

        speed: float = quantity(
            75.0, "um/h", "speed of an active cone where nothing holds it back", bounds=(0.0, 500.0),
            cited=(42.0, 83.0), evidence="recalled", source="Lu 2012 Cell", row="graft_axon_extension_rate",
        )
        fluctuation: float = quantity(
            11.0, "um/h", "standard deviation of speed at u = 0.07 and above", bounds=(0.0, 100.0),
            cited=(7.9, 13.1), evidence="derived", source="Keenan 2006, PMC3848907: 8.4 um/h as hourly means",
        )
        fluctuation_at: float = _share(0.07, "u below which the fluctuation shrinks with its root")
        fluctuation_time: float = quantity(
            0.5, "h", "correlation time of the fluctuation", bounds=(0.01, 48.0), evidence="assumed"
        )
        capacity_corticospinal: float = _share(0.03, "lasting growth capacity of corticospinal fibres")
        capacity_reticulospinal: float = _share(0.08, "the same of raphespinal and reticulospinal fibres")
        capacity_propriospinal: float = _share(0.05, "the same of propriospinal fibres")
        capacity_gracile: float = _share(0.03, "the same of dorsal column fibres")
        capacity_spinothalamic: float = _share(0.03, "the same of spinothalamic fibres")
        capacity_axotomy: float = _share(0.15, "capacity gained by axotomy, at first")
        capacity_axotomy_time: float = quantity(
            10.0, "d", "time constant with which that gain fades", bounds=(0.1, 1000.0), evidence="assumed"
        )
        capacity_boost: float = _share(0.0, "capacity added to every host fibre (an experiment; 0 = none)")
        graft_capacity_late: float = _share(0.08, "capacity of an old graft axon; a young one has 1")
        graft_capacity_time: float = quantity(
            120.0, "d", "age at which the youth of a graft axon is halved (human clock)", bounds=(1.0, 3650.0),
            evidence="assumed",
        )
        block_mtor: bool = switch(False, "block mTOR: halves the capacity of graft axons (an experiment)")
        substrate_white: float = _share(1.0, "substrate value of aligned white matter")
        substrate_grey: float = _share(0.5, "substrate value of grey matter")
        substrate_graft: float = _share(0.8, "substrate value of graft tissue")
        substrate_core: float = _share(0.05, "substrate value of dead or fibrotic tissue and blood")
        substrate_border: float = _share(0.5, "highest substrate value inside a full astrocyte border")
        substrate_scaffold: float = quantity(
            0.25, "1", "substrate value of fluid that a scaffold spans (collagen); of other fluid it is 0",
            bounds=(0.0, 1.0), evidence="derived", doi="10.1098/rsif.2021.0824",
            source="from 10 um/h in collagen (Laranjeira 2022), 3 um/h on glass (Keenan 2006), 42-83 um/h in white "
            "matter (Lu 2012)",
        )
        guidance_scaffold: float = _share(1.0, "how strongly channels of a scaffold guide, white matter 1")
        matrix_half: float = quantity(
            0.2, "1", "permissive matrix that lifts the substrate half-way to 1", bounds=(1e-6, 10.0),
            evidence="assumed",
        )
        cspg_half_inhibition: float = quantity(
            5.0, "ug/mL", "CSPG at which growth is halved", bounds=(0.01, 1000.0), cited=(1.0, 10.0),
            evidence="recalled", row="cspg_half_inhibition",
        )
        cspg_sensitivity_corticospinal: float = _sensitivity("corticospinal", "CSPG")
        cspg_sensitivity_reticulospinal: float = _sensitivity("raphespinal and reticulospinal", "CSPG")
        cspg_sensitivity_propriospinal: float = _sensitivity("propriospinal", "CSPG")
        cspg_sensitivity_gracile: float = _sensitivity("dorsal column", "CSPG")
        cspg_sensitivity_spinothalamic: float = _sensitivity("spinothalamic", "CSPG")
        cspg_sensitivity_graft: float = quantity(
            0.3, "1", "sensitivity of graft axons to CSPG, host 1", bounds=(0.0, 10.0), evidence="assumed"
        )
        myelin_strength: float = quantity(
            2.5, "1", "inhibition of host axons by intact myelin, as a divisor less one", bounds=(0.0, 100.0),
            evidence="assumed",
        )
        nogo_share: float = _share(0.5, "share of Nogo-A in the inhibition by myelin; the three add up to 1")
        mag_share: float = _share(0.25, "share of MAG in it")
        omgp_share: float = _share(0.25, "share of OMgp in it")
        myelin_sensitivity_corticospinal: float = _sensitivity("corticospinal", "myelin")
        myelin_sensitivity_reticulospinal: float = _sensitivity("raphespinal and reticulospinal", "myelin")
        myelin_sensitivity_propriospinal: float = _sensitivity("propriospinal", "myelin")
        myelin_sensitivity_gracile: float = _sensitivity("dorsal column", "myelin")
        myelin_sensitivity_spinothalamic: float = _sensitivity("spinothalamic", "myelin")
        myelin_sensitivity_graft: float = quantity(
            0.0, "1", "sensitivity of graft axons to myelin, host 1", bounds=(0.0, 10.0), evidence="read",
            source="Lu 2012 Cell: growth does not depend on Nogo signalling",
        )
        cue_rest: float = _share(0.2, "Q0: pull without any cue")
        cue_intact: float = _share(0.5, "pull in intact tissue")
        cue_young_graft: float = _share(0.9, "pull on a young graft axon")
        cone_width: float = quantity(
            10.0, "um", "width of a growth cone", bounds=(0.5, 100.0), cited=(5.0, 20.0), evidence="recalled",
            row="growth_cone_width",
        )
        sensing_samples: float = quantity(
            4e4, "1", "effective number of receptor readings: noise equals signal at 1 % and c = K_d",
            bounds=(1.0, 1e10), cited=(1e4, 4e6), evidence="derived", source="Goodhill 1998 (recalled)",
        )
        sensing_floor: float = quantity(
            1e-6, "1", "cue below which nothing is sensed, in units of K_d", bounds=(0.0, 1.0),
            evidence="assumed",
        )
        pause_rate: float = quantity(
            1.0 / 24.0, "1/h", "rate of pausing of a fast cone", bounds=(0.0, 10.0), evidence="assumed"
        )
        pause_rate_slow: float = quantity(
            1.0 / 12.0, "1/h", "what a slow cone adds to it", bounds=(0.0, 10.0), evidence="assumed"
        )
        resume_rate: float = quantity(
            1.0 / 16.0, "1/h", "rate of resuming of a fast cone", bounds=(1e-6, 10.0), evidence="assumed"
        )
        pause_at: float = quantity(
            0.03, "1", "u_c: growth product at which a cone counts as half slow", bounds=(1e-6, 1.0),
            evidence="assumed",
        )
        dystrophic_after: float = quantity(
            14.0, "d", "pause in an inhibitory place after which a cone never resumes", bounds=(0.1, 3650.0),
            evidence="assumed",
        )
        persistence: float = quantity(
            150.0, "um", "persistence length of a free path", bounds=(1.0, 1e6), evidence="assumed",
        )
        contact_length: float = quantity(
            15.0, "um", "arc over which aligned white matter straightens a path", bounds=(0.1, 1e6),
            evidence="assumed",
        )
        gradient_length: float = quantity(
            60.0, "um", "arc over which a fully detected gradient turns a path", bounds=(0.1, 1e6),
            evidence="assumed",
        )
        turning_graft: float = _share(
            0.0, "how strongly graft axons turn up the gradient of what their own graft secretes, host 1"
        )
        branching: float = quantity(
            0.02 / 100.0, "1/um", "branches per length in grey matter and graft", bounds=(0.0, 1.0),
            evidence="assumed",
        )
        branching_white: float = quantity(
            0.002 / 100.0, "1/um", "branches per length in white matter", bounds=(0.0, 1.0), evidence="assumed"
        )
        branch_angle: float = quantity(
            0.79, "1", "angle between a branch and its stem, radians", bounds=(0.0, 3.1416), evidence="assumed"
        )
        crowding: float = quantity(
            0.05, "axons/um2", "growth cones that fit into a cross-section", bounds=(1e-6, 10.0),
            evidence="assumed",
        )
        cone_length: float = quantity(
            25.0, "um", "length of a growth cone: as many cross-sections of them lie one behind the other",
            bounds=(1.0, 200.0), evidence="assumed",
        )
        piece: float = quantity(
            25.0, "um", "longest arc between two looks at the tissue", bounds=(5.0, 500.0), evidence="assumed",
            presets={"human": 50.0},
        )
        log_every: float = quantity(
            50.0, "um", "arc between two points of the stored path", bounds=(1.0, 5000.0), evidence="assumed",
            presets={"human": 200.0},
        )

    def step(self, tissue: Tissue, key: Key) -> None:
        """Survey the tissue, advance all cones, log their paths, start branches, settle crowding."""
        from cordgraft.kernels import axon as kernels
        from cordgraft.kernels.compile import run_blocks

        n = len(tissue.cones)
        if n == 0:
            return
        work = self._work(tissue, key, n)
        before = flat_voxels(tissue)
        arc = tissue["cone.arc_um"].copy()
        growth = self._growth(tissue, key)
        reach = FARTHEST_DEVIATE * growth.fluctuation * growth.fluctuation_factor
        reach = 1.01 * key.dt_h * (growth.speed + reach)
        run_blocks(
            kernels.advance_all,
            n,
            tissue.cones.view(kernels.Cones),
            work,
            tissue.segments.view(kernels.Paths),
            self._space(tissue, reach),
            growth,
            key,
        )
        if (tissue["cone.arc_um"] - arc).max() > reach:
            raise ArithmeticError(f"a growth cone went further than {reach:.0f} um, where nobody looked at the tissue")
        rows = self._log(tissue, work, key.tick)
        pause_where_crowded(tissue, before, self.params.crowding, self.params.cone_length)
        self._branch(tissue, work, rows, key.tick)
        read_states_off_cones(tissue)

    # ------------------------------------------------------------------------------------- set-up
    def _space(self, tissue: Tissue, reach_um: float | None = None) -> Any:
        """Return the lattice as cones see it; with `reach_um` only as far round each living cone."""
        from cordgraft.kernels import landscape as kernels
        from cordgraft.kernels.compile import run_blocks

        p = self.params
        first, *more = self._kinds()[1]
        substrate = kernels.Substrate(
            p.substrate_white,
            p.substrate_grey,
            p.substrate_graft,
            p.substrate_core,
            p.substrate_border,
            p.matrix_half,
            p.cspg_half_inhibition,
            first[0],
            p.cspg_sensitivity_graft,
            first[1],
            p.myelin_sensitivity_graft,
            p.myelin_strength,
            p.branching,
            p.branching_white,
            p.substrate_scaffold,
            p.guidance_scaffold,
            p.nogo_share,
            p.mag_share + p.omgp_share,
            np.array([cspg for cspg, _ in more]),
            np.array([myelin for _, myelin in more]),
        )
        optional = [
            tissue[name].reshape(-1) if group[0] in tissue else kernels.ABSENT
            for group in (SCAFFOLD, BLOCKED, (CONTACT_SUPPORT,))
            for name in group
        ]
        tissues = kernels.Tissues(*(tissue[name].reshape(-1) for name in LANDSCAPE), *optional)
        lattice = tissue.lattice
        land = np.empty((*lattice.shape, kernels.CHANNELS + len(more) + int(CONTACT_SUPPORT in tissue)))
        flat = land.reshape(lattice.size, -1)
        if reach_um is None:
            run_blocks(kernels.survey_all, lattice.size, tissues, substrate, flat)
        else:
            near = blocks_within(tissue, reach_um, kernels.WIDTH)
            which = np.flatnonzero(near)
            shape = lattice.shape
            run_blocks(
                kernels.survey_blocks, which.size, which, near.shape, shape, tissues, substrate, flat, block=64
            )
        return kernels.Space(tissue["map.cord"], land, (*lattice.origin_um, *lattice.spacing_um))

    def _growth(self, tissue: Tissue, key: Key) -> Any:
        from cordgraft.kernels import axon as kernels
        from cordgraft.kernels.landscape import CHANNELS

        p = self.params
        ratio = p.fluctuation_time / key.dt_h
        factor = np.sqrt(2.0 * ratio * (1.0 - ratio * -np.expm1(-1.0 / ratio)))
        return kernels.Growth(
            p.speed,
            p.fluctuation,
            p.fluctuation_at,
            float(factor),
            p.cue_rest,
            p.cue_intact,
            p.cone_width,
            p.sensing_samples,
            p.sensing_floor,
            p.pause_rate,
            p.pause_rate_slow,
            p.resume_rate,
            p.pause_at,
            24.0 * p.dystrophic_after,
            p.turning_graft,
            p.persistence,
            p.contact_length,
            p.gradient_length,
            p.piece,
            p.log_every,
            p.branch_angle,
            CHANNELS + len(self._kinds()[1]) - 1 if CONTACT_SUPPORT in tissue else -1,
        )

    def _work(self, tissue: Tissue, key: Key, n: int) -> Any:
        from cordgraft.kernels import axon as kernels

        p = self.params
        fibre = tissue["cone.fibre"]
        tract = tissue["fibre.tract"][fibre]
        capacity, floor = self.capacity(tissue, key)
        channels, _ = self._kinds()
        sensitivity = [getattr(p, f"cspg_sensitivity_{name}") for name in TRACT_NAMES.values()]
        # Five standard deviations above the greatest mean speed.
        most = int((p.speed + 5.0 * p.fluctuation) * key.dt_h / min(p.log_every, 1e9)) + 2
        return kernels.Work(
            capacity[fibre],
            floor[fibre],
            tissue["fibre.origin"][fibre],
            np.empty((n, most, 3)),
            np.zeros(n, dtype=np.int64),
            np.full(n, -1, dtype=np.int64),
            np.zeros((n, 3)),
            np.array(channels)[tract],
            np.array(sensitivity)[tract],
        )

    def _kinds(self) -> tuple[list[int], list[tuple[float, float]]]:
        """Return the channel of the landscape of each tract, and the sensitivities of each kind of host axon.

        The sensitivities are to CSPG and to myelin; tracts that have both in common are of one kind.
        """
        from cordgraft.kernels.landscape import GRAFT, host_channels

        pairs = [
            tuple(getattr(self.params, f"{word}_sensitivity_{TRACT_NAMES[tract]}") for word in ("cspg", "myelin"))
            for tract in HOST_TRACTS
        ]
        channels, kinds = host_channels(pairs)
        return [*channels, GRAFT], kinds

    def capacity(self, tissue: Tissue, key: Key) -> tuple[Any, Any]:
        """Return the growth capacity G and the least pull of cues per fibre : two (fibres,) float64."""
        p = self.params
        day = tissue.clock.tick_h / 24.0
        basal = np.zeros(len(Tract))
        for tract in Tract:
            if tract is not Tract.GRAFT:
                basal[tract] = getattr(p, f"capacity_{tract.name.lower()}")
        since_cut = (key.tick - tissue["fibre.cut_tick"]) * day
        host = basal[tissue["fibre.tract"]] + p.capacity_axotomy * np.exp(-since_cut / p.capacity_axotomy_time)
        host = host + p.capacity_boost
        added = stimulation(tissue)
        if added is not None:
            host = host + added[tissue["fibre.tract"]]
        host = np.minimum(host * tissue["fibre.capacity"] * tissue.scalar("subject_capacity"), 1.0)
        age = np.maximum(key.tick - tissue["fibre.born_tick"], 0) * day
        youth = 1.0 / (1.0 + (age / p.graft_capacity_time) ** 4)
        graft = p.graft_capacity_late + (1.0 - p.graft_capacity_late) * youth
        if p.block_mtor:
            graft = 0.5 * graft
        if MTOR_NAMES[0] in tissue:
            host = host * (1.0 - tissue.scalar(MTOR_HOST))
            graft = graft * (1.0 - tissue.scalar(MTOR_GRAFT))
        of_graft = tissue["fibre.origin"] == 1
        return np.where(of_graft, graft, host), np.where(of_graft, p.cue_young_graft * youth, 0.0)

    # ------------------------------------------------------------------------------------- effects
    def _log(self, tissue: Tissue, work: Any, tick: int) -> Any:
        """Append the new path points; returns per cone the segment row of its first new point."""
        counts = work.count
        total = int(counts.sum())
        first = len(tissue.segments) + np.cumsum(counts) - counts
        if total == 0:
            return first
        owner = np.repeat(np.arange(counts.size), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = len(tissue.segments) + np.arange(total)
        parent = np.where(within == 0, tissue["cone.last"][owner], rows - 1)
        points = work.points[owner, within]
        tissue.segments.add(
            total,
            parent=parent,
            fibre=tissue["cone.fibre"][owner],
            grown=1,
            x=points[:, 0],
            y=points[:, 1],
            z=points[:, 2],
            laid_tick=tick,
        )
        grew = counts > 0
        tissue["cone.last"][grew] = (first + counts - 1)[grew]
        return first

    def _branch(self, tissue: Tissue, work: Any, first: Any, tick: int) -> None:
        from cordgraft.kernels.fibre import children

        parents = np.flatnonzero(work.branch_at >= 0)
        if not parents.size:
            return
        at = (first + work.branch_at)[parents]
        tissue["cone.base"][parents] = at
        child = work.child[parents]
        tissue.cones.add(
            parents.size,
            id=children(tissue["cone.id"][parents], tick, 1),
            fibre=tissue["cone.fibre"][parents],
            state=int(ConeState.ACTIVE),
            x=tissue["segment.x"][at],
            y=tissue["segment.y"][at],
            z=tissue["segment.z"][at],
            hx=child[:, 0],
            hy=child[:, 1],
            hz=child[:, 2],
            last=at,
            base=at,
            arc_um=tissue["cone.arc_um"][parents],
        )
