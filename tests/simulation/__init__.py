"""Seeded simulation of several bots in one failing world: the real code, virtual time, and a judge of what happens."""
