"""Floor 1: the state of one simulated cord, as named arrays with specs.

Fields on lattices, graft cells as columns, axons as a forest of path segments and the tissue
that holds them together.  This room owns memory and bookkeeping (capacity, ids, snapshots); it
knows no biology and imports only ``cordgraft.core``.
"""
