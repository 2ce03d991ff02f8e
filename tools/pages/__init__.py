"""What the written pages are made of: one module for prose, one for tables, one for each kind of page."""
