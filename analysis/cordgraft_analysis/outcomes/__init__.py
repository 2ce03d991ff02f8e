"""What the axons of a run did: crossings, reach, connections, function over seeds, contrasts between arms.

Everything is computed from finished datasets by pure functions, and each says in its docstring how its number is
defined:

>>> from cordgraft_analysis.outcomes import axon_day, crossings      # doctest: +SKIP
>>> from cordgraft_analysis.view import open_view                    # doctest: +SKIP
>>> day = axon_day(open_view("runs/mine"), 112.0)                    # doctest: +SKIP
>>> crossings(day, [0.0, 500.0, 1000.0])["represented"]              # doctest: +SKIP

`cordgraft outcomes RUN -o DIR` writes all of it as tables and figures; ``docs/outcomes.md`` explains them.
"""

from cordgraft_analysis.outcomes.axons import AxonDay, Edges, Synapses, axon_day, axon_days
from cordgraft_analysis.outcomes.connections import Connection, connection_graph, connections
from cordgraft_analysis.outcomes.contrasts import Contrast, contrast
from cordgraft_analysis.outcomes.crossings import crossings, distance_grid
from cordgraft_analysis.outcomes.gathering import Arm, Gathered, Subject, gather
from cordgraft_analysis.outcomes.reach import Reach, reach

__all__ = [
    "Arm", "AxonDay", "Connection", "Contrast", "Edges", "Gathered", "Reach", "Subject", "Synapses", "axon_day",
    "axon_days", "connection_graph", "connections", "contrast", "crossings", "distance_grid", "gather", "reach",
]  # fmt: skip
