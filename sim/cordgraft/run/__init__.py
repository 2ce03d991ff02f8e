"""Floor 5: the command line and reports of one run.

The verbs of ``cordgraft`` are thin: they find a scenario, hand it to the floors below and say what
happened.  Heavy libraries are imported inside the verbs that need them, so that ``--help``,
``list`` and ``check`` answer at once.
"""
