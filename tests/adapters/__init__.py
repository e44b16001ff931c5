"""The adapters, against the simulator over the wire or against a server that says exactly what a test wants."""
