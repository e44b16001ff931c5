"""Where Slack calls us, and nowhere else."""

from bot.listeners.bolt import Listeners
from bot.listeners.deliveries import Delivery
from bot.listeners.desk import Desk

__all__ = ["Delivery", "Desk", "Listeners"]
