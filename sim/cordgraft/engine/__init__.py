"""Floor 4: runs the mechanisms in order; knows no biology. The only room that imports Mesa."""
