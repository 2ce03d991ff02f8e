"""What each mechanism does, as rows of a table: what must be missing, and what must not be touched, when it is off."""

from __future__ import annotations

import numpy as np

from cordgraft.processes import registry
from cordgraft.state.axon_treatments import STIMULATION
from cordgraft.state.axons import ConeState
from cordgraft.state.cells import CellKind
from cordgraft.state.sheaths import Sheath
from tests.switch_support import (
    AXONS,
    ENZYME,
    EVENTFUL,
    FUNCTION,
    LABELS,
    PERSON,
    PRECURSORS,
    SHEATHS,
    WHOLE_PERSON,
    Switch,
    founders_at_home,
    founders_left,
    host,
    host_growth,
    inside,
    kinds,
    mean_height,
    still,
    total,
    without_treatments,
)

SWITCHES: dict[str, Switch] = {
    "inflammation": Switch(
        changes=("density.damage", "field.oxygen", "density.vessels", "fraction.necrosis", "cell.id"),
        empty=(
            "density.alarm",
            "density.neutrophils",
            "density.macrophages_pro",
            "density.macrophages_repair",
            "density.il10",
            "density.debris",
            "field.tnf",
            "density.astrocytes_scar",
            "density.barrier",
        ),
        claims={
            "the damage signal stays as the blow left it": lambda on, off: (
                bool((off.tissue["density.damage"] == off.tissue["map.severity"]).all())
                and total(on, "density.damage") < 0.01 * total(off, "density.damage")
            ),
            "less of the tissue at risk dies": lambda on, off: host(off) > host(on),
        },
    ),
    "vessels": Switch(
        changes=("density.vessels", "field.oxygen", "density.neutrophils"),
        empty=("density.ruptured", "density.leak", "density.oedema"),
        claims={
            "all vessels stay": lambda on, off: (
                bool((inside(off, "density.vessels") == 1.0).all())
                and inside(on, "density.vessels").min() < 0.5
            ),
            "the core is better supplied": lambda on, off: (
                inside(off, "field.oxygen").min() > inside(on, "field.oxygen").min()
            ),
        },
    ),
    "oedema": Switch(
        changes=("density.leak_counted",),
        empty=("density.oedema", "density.leak"),
        claims={
            "a T2-weighted image shows the lesion and no more": lambda on, off: (
                off.model.latest["lesion_t2_length"] == off.model.latest["lesion_length"]
                and on.model.latest["lesion_t2_length"] > on.model.latest["lesion_length"]
            )
        },
        reach=("density.oedema", "density.leak*"),
        declared=True,
    ),
    "scar": Switch(
        changes=("density.matrix", "field.cspg", "cone.arc_um"),
        empty=("density.astrocytes_activated", "density.astrocytes_scar", "density.barrier"),
        claims={
            "no CSPG above its baseline": lambda on, off: (
                float(off.tissue["field.cspg"].max()) == 4.8 < float(on.tissue["field.cspg"].max())
            )
        },
        settings=without_treatments("cut"),
    ),
    "at_risk": Switch(
        changes=("density.at_risk_white", "density.at_risk_grey", "fraction.white", "fraction.necrosis"),
        claims={
            "what is at risk stays at risk": lambda on, off: (
                still(off, "density.at_risk_white")
                and still(off, "density.at_risk_grey")
                and total(on, "density.at_risk_white") < total(off, "density.at_risk_white")
            ),
            "the lesion does not grow": lambda on, off: host(off) > host(on),
        },
    ),
    "remodelling": Switch(
        changes=("fraction.necrosis", "fraction.blood"),
        empty=("fraction.cavity", "fraction.scar"),
        claims={
            "dead tissue and blood stay": lambda on, off: (
                total(off, "fraction.necrosis") > total(on, "fraction.necrosis")
                and total(off, "fraction.blood") > total(on, "fraction.blood")
            )
        },
        settings=without_treatments(),
    ),
    "secretion": Switch(
        changes=("density.matrix", "cone.growth"),
        empty=("field.trophic", "density.graft_matrix_rate"),
        claims={
            "less matrix": lambda on, off: total(off, "density.matrix") < total(on, "density.matrix"),
            "less tissue is saved": lambda on, off: host(off) < host(on),
        },
        since_d=1.0,
    ),
    "contact_support": Switch(
        changes=("cone.growth", "fraction.necrosis", "scalar.plasticity"),
        empty=("density.contact_support",),
        claims={
            "circuits adapt less": lambda on, off: (
                0.0 < off.tissue.scalar("plasticity") < on.tissue.scalar("plasticity")
            ),
            "less tissue is saved": lambda on, off: host(off) < host(on),
        },
        since_d=1.0,
    ),
    "hindrance": Switch(
        changes=("field.tnf", "field.trophic"),
        empty=("scalar.spread_version",),
        claims={
            "everything spreads as in grey matter": lambda on, off: all(
                bool((inside(off, name) == 1.0).all()) and not bool((inside(on, name) == 1.0).all())
                for name in ("density.spread_along", "density.spread_across")
            )
        },
    ),
    "oxygen": Switch(
        changes=("field.oxygen", "density.vessels", "fraction.necrosis"),
        claims={
            "pressure stays at rest": lambda on, off: (
                bool((inside(off, "field.oxygen") == 20.0).all()) and inside(on, "field.oxygen").min() < 15.0
            ),
            "less of the tissue at risk dies": lambda on, off: host(off) > host(on),
        },
    ),
    "survival": Switch(
        changes=("cell.hazard", "cell.id"),
        claims={
            "nothing kills a cell": lambda on, off: (
                founders_left(off) == len(off.founders) > founders_left(on) > 0
            )
        },
        settings={**without_treatments("switch"), "subject.immune_system": "deficient"},
        since_d=1.0,
    ),
    "rejection": Switch(
        changes=("cell.hazard", "cell.id"),
        empty=("scalar.alloreactivity",),
        claims={
            "the graft is not attacked": lambda on, off: founders_left(off) > 1.2 * founders_left(on) > 0
        },
        settings={
            **EVENTFUL,
            "parameters.rejection.rise_time": "1 d",
            "parameters.rejection.rate": "0.3 1/d",
        },
        since_d=1.0,
    ),
    "fate": Switch(
        changes=("cell.kind", "cell.committed_tick", "cell.heading"),
        claims={
            "precursors stay precursors": lambda on, off: (
                kinds(off) == {CellKind.PRECURSOR} and {CellKind.NEURON, CellKind.ASTROCYTE} <= kinds(on)
            ),
            "without neurons no axon of the graft": lambda on, off: (
                off.tissue["fibre.origin"].max() == 0 < on.tissue["fibre.origin"].max()
            ),
        },
        since_d=1.0,
    ),
    "division": Switch(
        changes=("cell.id", "cell.site", "density.cells"),
        empty=("cell.parent",),
        claims={"no births": lambda on, off: set(off.tissue["cell.id"].tolist()) <= off.founders.keys()},
        since_d=1.0,
    ),
    "migration": Switch(
        changes=("cell.site", "density.cells"),
        claims={
            "nobody leaves its voxel": lambda on, off: founders_at_home(off) and not founders_at_home(on)
        },
        since_d=1.0,
    ),
    "axon_emergence": Switch(
        changes=("fibre.owner", "fibre.born_tick", "synapse.fibre"),
        empty=("cone.id", "segment.grown", "fibre.origin"),
        reach=(*AXONS, *PRECURSORS),
        declared=True,
    ),
    "axon_growth": Switch(
        changes=("cone.x", "cone.z", "segment.x"),
        empty=("cone.arc_um", "cone.growth"),
        claims={
            "every path ends where it begins": lambda on, off: (
                bool((off.tissue["cone.last"] == off.tissue["cone.base"]).all()) and len(off.tissue.cones) > 0
            ),
            "less is laid": lambda on, off: len(off.tissue.segments) < len(on.tissue.segments),
        },
        reach=(*AXONS, *PRECURSORS),
        declared=True,
    ),
    "contact": Switch(
        changes=("cone.state", "fibre.state", "fibre.connected_tick"),
        empty=("synapse.weight", "synapse.made_tick", "scalar.relay_output_rostral"),
        claims={
            "no growth cone connects": lambda on, off: (
                not (off.tissue["cone.state"] == ConeState.CONNECTED).any()
                and bool((on.tissue["cone.state"] == ConeState.CONNECTED).any())
            )
        },
        reach=(*AXONS, *PRECURSORS),
        declared=True,
    ),
    "graft_tissue": Switch(
        changes=("density.cell_capacity", "fraction.necrosis", "density.vessels"),
        empty=("fraction.graft",),
        claims={
            "dead cells are not accounted for": lambda on, off: (
                total(off, "density.graft_deaths") > total(on, "density.graft_deaths")
            )
        },
        since_d=1.0,
    ),
    "mass_effect": Switch(
        changes=("scalar.graft_pressure", "scalar.graft_conduction", "scalar.motor_index", "fraction.white"),
        claims={
            "nobody looks for the pressure": lambda on, off: (
                np.isnan(off.tissue.scalar("graft_pressure")) and on.tissue.scalar("graft_pressure") > 0.0
            ),
            "fibres conduct as before": lambda on, off: (
                off.tissue.scalar("graft_conduction") == 1.0 > on.tissue.scalar("graft_conduction")
            ),
            "no host tissue is pressed to death": lambda on, off: host(off) > host(on),
        },
        # dead tissue becomes scar before the many cells in it have become tissue: no room is left for them
        settings={
            **without_treatments("switch"),
            "treatments.graft.dose": "5e5 cells",
            "parameters.remodelling.clearance_time": "1 d",
            "parameters.survival.enabled": "false",
        },
        since_d=1.0,
    ),
    "digestion": Switch(
        changes=("cone.arc_um",),
        claims={
            "the enzyme cuts no CSPG": lambda on, off: (
                bool((off.tissue["field.cspg"] >= on.tissue["field.cspg"]).all())
                and total(off, "field.cspg") > total(on, "field.cspg")
                and total(off, "field.enzyme", "field.enzyme_stable") > 0.0
            )
        },
        reach=("field.cspg", *AXONS),
        since_d=2.0,
    ),
    "myelin": Switch(
        changes=("scalar.motor_index", "scalar.sensory_index", "scalar.drive_reticulospinal"),
        empty=("fibre.sheath", "fibre.calibre", "density.opc", "density.opc_ready"),
        claims={
            "no fibre loses its sheath, and more signals pass": lambda on, off: (
                bool((on.tissue["fibre.sheath"] == Sheath.BLOCKED).any())
                and all(
                    off.tissue.scalar(name) > on.tissue.scalar(name) > 0.0
                    for name in ("motor_drive", "motor_index", "sensory_index")
                )
            )
        },
        reach=(*SHEATHS, *FUNCTION),
        since_d=1.0,
    ),
    "function_index": Switch(
        changes=("scalar.motor_index", "scalar.motor_drive_left", "scalar.nets", "scalar.plasticity"),
        claims={
            "there is no index to show": lambda on, off: (
                "scalar.motor_index" not in off.tissue
                and bool(np.isnan(off.model.latest["function_motor_index"]))
                and 0.0 <= on.model.latest["function_motor_index"] < 1.0
            )
        },
        settings=WHOLE_PERSON,
        reach=FUNCTION,
        declared=True,
    ),
    "examination": Switch(
        changes=("scalar.exam_number", "scalar.exam_ais", "scalar.exam_neurological_level"),
        claims={
            "nobody knows a grade": lambda on, off: (
                "scalar.exam_ais" not in off.tissue
                and bool(np.isnan(off.model.latest["exam_ais"]))
                and on.model.latest["exam_number"] == 5.0
                and on.model.latest["exam_ais"] >= 0.0
            )
        },
        settings=PERSON,
        reach=("scalar.exam_*",),
        declared=True,
    ),
    # ------------------------------------------------------------------------------------ treatments
    "graft_delivery": Switch(
        changes=("field.trophic", "scalar.alloreactivity", "fraction.blood"),
        empty=("cell.id", "density.cells", "fraction.graft", "scalar.graft_dose", "fibre.origin"),
        since_d=1.0,
    ),
    "immunosuppression": Switch(
        changes=("scalar.immunosuppression",),
        claims={
            "the host learns faster to know the graft": lambda on, off: (
                off.tissue.scalar("alloreactivity") > on.tissue.scalar("alloreactivity") > 0.0
            )
        },
        since_d=1.0,
    ),
    "suicide_switch": Switch(
        changes=("cell.hazard", "cell.id"),
        claims={"more founders live": lambda on, off: founders_left(off) > founders_left(on) > 0},
        since_d=4.0,
    ),
    "anti_inflammatory": Switch(
        changes=("scalar.anti_inflammatory", "field.tnf"),
        claims={
            "more neutrophils": lambda on, off: (
                total(off, "density.neutrophils") > total(on, "density.neutrophils")
            )
        },
        since_d=1.0,
    ),
    "chondroitinase": Switch(
        changes=("field.cspg", "scalar.nets", "cone.arc_um"),
        empty=("field.enzyme",),
        claims={
            "more CSPG": lambda on, off: bool((off.tissue["field.cspg"] >= on.tissue["field.cspg"]).all())
        },
        reach=(*ENZYME, *AXONS),
        since_d=2.0,
    ),
    "chemoattractant": Switch(
        changes=("scalar.cxcl12_released", "cell.site", "density.cells"),
        empty=("field.cxcl12",),
        claims={
            "precursors are not drawn towards it": lambda on, off: (
                mean_height(off, CellKind.PRECURSOR) < mean_height(on, CellKind.PRECURSOR)
            )
        },
        since_d=2.0,
    ),
    "scaffold": Switch(
        changes=("density.matrix", "cone.arc_um", "cone.hz"),
        empty=(
            "density.scaffold",
            "density.scaffold_channels",
            "density.scaffold_coat",
            "density.scaffold_ground",
        ),
        claims={
            "less matrix where it would have held some": lambda on, off: bool(
                (off.tissue["density.matrix"] <= on.tissue["density.matrix"]).all()
            )
        },
        reach=("density.scaffold*", "scalar.scaffold_tick", "density.matrix", *AXONS),
        since_d=3.0,
    ),
    "growth_stimulation": Switch(
        changes=("cone.growth", "cone.arc_um"),
        empty=tuple(f"scalar.{name}" for name in STIMULATION.values()),
        claims={
            "host axons have less capacity to grow": lambda on, off: host_growth(off) < host_growth(on),
        },
        reach=("scalar.stimulation_*", *AXONS, *PRECURSORS),
        declared=True,
        since_d=1.0,
    ),
    "inhibitor_block": Switch(
        changes=("cone.growth", "scalar.plasticity"),
        empty=("density.nogo_blocked", "density.mag_omgp_blocked"),
        claims={
            "circuits adapt less": lambda on, off: (
                off.tissue.scalar("plasticity") < on.tissue.scalar("plasticity")
            )
        },
        settings={**EVENTFUL, "treatments.free.route": "local"},
        reach=("density.nogo_blocked", "density.mag_omgp_blocked", *AXONS, *PRECURSORS),
        declared=True,
        since_d=2.0,
    ),
    "mtor_block": Switch(
        changes=("cone.growth", "cone.arc_um"),
        empty=("scalar.mtor_block_host", "scalar.mtor_block_graft"),
        claims={"axons grow further": lambda on, off: total(off, "cone.arc_um") > total(on, "cone.arc_um")},
        reach=("scalar.mtor_block_*", *AXONS, *PRECURSORS),
        declared=True,
        since_d=2.0,
    ),
    "rehabilitation": Switch(
        changes=("scalar.plasticity", "scalar.motor_index"),
        empty=("scalar.rehabilitation",),
        claims={
            "circuits adapt more slowly": lambda on, off: (
                0.0 < off.tissue.scalar("plasticity") < on.tissue.scalar("plasticity")
            )
        },
        reach=("scalar.rehabilitation", *FUNCTION),
        declared=True,
        since_d=2.0,
    ),
    "matrix_factor": Switch(
        changes=("density.matrix", "cone.arc_um"),
        claims={
            "less matrix": lambda on, off: bool(
                (off.tissue["density.matrix"] <= on.tissue["density.matrix"]).all()
            )
        },
        reach=("density.matrix", *AXONS),
        since_d=2.0,
    ),
}


def off_settings(name: str) -> dict[str, str]:
    """Return the settings of a row with its mechanism switched off."""
    kind, settings = registry()[name], dict(SWITCHES[name].settings)
    if kind.section != "treatments":
        return {**settings, f"parameters.{name}.enabled": "false"}
    label = LABELS[kind.treatment_type]
    kept = {key: value for key, value in settings.items() if not key.startswith(f"treatments.{label}.")}
    return {**kept, "treatments.graft": "none"} if label == "graft" else kept


def labels_of(name: str) -> set[str]:
    """Return the labels of the processes that the run without a mechanism lacks."""
    kind = registry()[name]
    return {LABELS[kind.treatment_type] if kind.section == "treatments" else name}
