"""A Slack workspace on loopback, as strict towards an app as Slack is."""

from simulator.slack.limits import Limits
from simulator.slack.refusals import NotPossible
from simulator.slack.server import Slack

__all__ = ["Limits", "NotPossible", "Slack"]
