"""The group of verbs `cordgraft imaging`: thin doors to `cordgraft_analysis.imaging`, one file per verb."""
