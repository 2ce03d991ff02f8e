"""Floor 1: compiled number crunching, the only room that imports Numba.

Every kernel is a *body* that carries the biology or the mathematics of one cell, one growth cone
or one voxel, and a *loop* that visits them all.  Each has a readable twin in ``tests/reference``.
Nothing is imported here, so that reading a specification never loads the compiler.
"""
