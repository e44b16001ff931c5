"""Use cases on a small world in memory."""
