"""Published targets as rows: scenarios that are run with seeds, quantities with bounds, verdicts."""
