"""Commands at a terminal, for whoever installs or repairs the bot; each works without as much of the rest as it can."""
