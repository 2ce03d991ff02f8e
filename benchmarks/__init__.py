"""Speed and memory, each figure against a named baseline that gives the same results: ``make bench``."""
