"""Commands for the terminal: check, discover and manual."""
