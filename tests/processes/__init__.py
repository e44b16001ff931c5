"""The bot as a process of its own, killed, stopped and starved as processes are."""
