"""Floor 0: units, clock, lattice, contracts, random streams and the dataset schema.

Nothing here knows biology, Numba or Mesa, and importing it is cheap: the command line reads parameter specs
through this package and must answer in less than half a second.
"""
