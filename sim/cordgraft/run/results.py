"""The verbs that look at finished runs: figures, report, compare, export. Calls the analysis package lazily."""

from __future__ import annotations
