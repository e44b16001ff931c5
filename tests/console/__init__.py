"""The commands at a terminal: as real processes against the simulated world, and their judgements on plain values."""
