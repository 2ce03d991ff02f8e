"""Volumes of a scanner and what analysts measure in them; imports neither the simulator, nor mesa, nor numba.

Measures are pure functions of arrays and an affine; files are read in one room (`load`) and written in one (`save`).
"""
