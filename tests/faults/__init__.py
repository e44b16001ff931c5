"""Execution on real Redis servers that fail at a named moment: the rows of the fault matrix about the store."""
