"""Outcomes, figures and imaging, from the datasets that cordgraft writes.

This package reads finished runs and MRI volumes.  It never runs a simulation and imports nothing
of ``cordgraft`` but ``cordgraft.core``, where the layout of a dataset is defined: a result file is
all that the two halves share.
"""
