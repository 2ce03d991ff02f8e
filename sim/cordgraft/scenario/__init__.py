"""Floor 3: from text to tissue.

A scenario is read (the only YAML reader of the project), checked against its schema, turned into a
frozen configuration in canonical units, and built into the initial tissue.  Every problem is
reported with its file, line, column, key and allowed values before anything is run or written.
"""
