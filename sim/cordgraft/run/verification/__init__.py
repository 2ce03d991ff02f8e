"""The closed-form suite behind ``cordgraft verify``: the product's own kernels and processes against exact answers.

A case is a function that runs kernels, processes or a whole pipeline on a problem with a known answer and returns
what was exact, what was computed and how far apart the two may be. The allowed error follows from the order of the
method and its spacing, from the number of draws, or from rounding; `allowances` holds the formulas, and each check
says in one line which it used. Nothing here is a second implementation of the model.
"""
