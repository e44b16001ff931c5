"""Use cases: read through the ports, ask the domain, write through the ports."""
