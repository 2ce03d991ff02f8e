"""Floor 4: what is kept of a run.

Observers read the state at their cadence and never write it; the run store, its provenance, the
event log and the data dictionary are written here and nowhere else.
"""
