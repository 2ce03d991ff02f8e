"""Floor 2: the mechanisms, one per file, in the order in which they run within their phase.

Adding a mechanism: write its file, add its line to `MODULES`, and it appears in the plan, the schema, the
parameter page and the generic tests.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from cordgraft.core.contract import Process

#: File and class of every mechanism; within a phase they run in this order.
MODULES: tuple[tuple[str, str], ...] = (
    # treat: scheduled, the only ones that know the calendar
    ("subject", "Subject"),
    ("injury", "Injury"),
    ("graft_delivery", "GraftDelivery"),
    ("immunosuppression", "Immunosuppression"),
    ("suicide_switch", "SuicideSwitch"),
    ("anti_inflammatory", "AntiInflammatory"),
    ("chondroitinase", "Chondroitinase"),
    ("matrix_factor", "MatrixFactor"),
    ("chemoattractant", "Chemoattractant"),
    ("scaffold", "Scaffold"),
    ("growth_stimulation", "GrowthStimulation"),
    ("inhibitor_block", "InhibitorBlock"),
    ("mtor_block", "MtorBlock"),
    ("rehabilitation", "Rehabilitation"),
    ("examination", "Examination"),
    # milieu: host cells and matrix
    ("inflammation", "Inflammation"),
    ("vessels", "Vessels"),
    ("oedema", "Oedema"),
    ("scar", "Scar"),
    ("at_risk", "AtRisk"),
    ("remodelling", "Remodelling"),
    ("axon_injury", "AxonInjury"),
    ("secretion", "Secretion"),
    ("contact_support", "ContactSupport"),
    ("hindrance", "Hindrance"),
    # transport: fields
    ("transport", "Transport"),
    ("oxygen", "Oxygen"),
    # sense, decide, act: cells and axons
    ("survival", "Survival"),
    ("rejection", "Rejection"),
    ("fate", "Fate"),
    ("division", "Division"),
    ("migration", "Migration"),
    ("cell_turnover", "CellTurnover"),
    ("axon_emergence", "AxonEmergence"),
    ("axon_growth", "AxonGrowth"),
    # remodel: what follows from all of it
    ("contact", "Contact"),
    ("graft_tissue", "GraftTissue"),
    ("mass_effect", "MassEffect"),
    ("tissue_transfer", "TissueTransfer"),
    ("digestion", "Digestion"),
    ("myelin", "Myelin"),
    ("function_index", "FunctionIndex"),
)


@lru_cache(maxsize=1)
def registry() -> dict[str, type[Process]]:
    """Return name -> class of every mechanism, in running order."""
    found: dict[str, type[Process]] = {}
    for module, class_name in MODULES:
        process: type[Process] = getattr(import_module(f"cordgraft.processes.{module}"), class_name)
        found[process.name] = process
    return found
