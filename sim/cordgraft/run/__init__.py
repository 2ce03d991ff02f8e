"""Floor 5: the command line, runs of one or several seeds, and what is printed about them."""
