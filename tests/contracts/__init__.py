"""One suite a port, run on its fake and on its real adapter."""
